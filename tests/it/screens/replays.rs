//! The screen of a replay, on a bench that needs no sandbox.

use crate::screens::hides;
use crate::screens::looks;
use crate::screens::opened;
use crate::screens::shows;

const ATTEMPTS: &str = "openhands-v0/attempts.jsonl.gz";
const SMALL: (u16, u16) = (80, 24);
const LARGE: (u16, u16) = (200, 50);

#[test]
fn calls_and_what_came_of_them() {
    looks("replay_before", &[ATTEMPTS], SMALL, "jjr");
    looks("replay_divergence", &[ATTEMPTS], SMALL, "jjr>");
    looks("replay_divergence", &[ATTEMPTS], LARGE, "jjr>");
    looks("replay_difference", &[ATTEMPTS], LARGE, "jjr>d");
    looks("replay_result", &[ATTEMPTS], LARGE, "jjr$");
    looks("replay_changes", &[ATTEMPTS], SMALL, "jjrllwd");
    looks("replay_files", &[ATTEMPTS], SMALL, "jjrllw");
    looks("replay_files", &[ATTEMPTS], LARGE, "jjrllw");
}

#[test]
fn one_runs_forward_and_back() {
    let mut driver = opened(&[ATTEMPTS], LARGE, "jjr");
    shows(&driver, "0 of ");
    driver.keys("l");
    shows(&driver, "1 of ");
    driver.keys("3l");
    shows(&driver, "4 of ");
    driver.keys("h");
    shows(&driver, "3 of ");
    driver.keys("0");
    shows(&driver, "0 of ");
    // to the row under the cursor, and it too
    driver.keys("5jg4j<enter>");
    shows(&driver, "5 of ");
    // of a call that was run it shows in what it differs
    driver.keys("gjj<enter>");
    shows(&driver, "− recorded  + actual");
}

#[test]
fn divergences_are_landmarks() {
    let mut driver = opened(&[ATTEMPTS], LARGE, "jjr$<esc>g");
    shows(&driver, "call 1/");
    driver.keys("]");
    shows(&driver, "call 3/");
    driver.keys("]");
    shows(&driver, "call 4/");
    driver.keys("[");
    shows(&driver, "call 3/");
}

#[test]
fn what_runs_is_seen_and_stopped() {
    let mut driver = opened(&[ATTEMPTS], LARGE, "jj");
    driver.bench.hangs = true;
    driver.keys("rl");
    shows(&driver, "running…");
    shows(&driver, "half a li");
    // nothing else is asked while it runs
    driver.keys("l");
    driver.keys("<esc>");
    assert!(driver.asked.contains(&"stop replay"));
    shows(&driver, "replay");
}

#[test]
fn a_shell_gets_every_key_but_one() {
    let mut driver = opened(&[ATTEMPTS], LARGE, "jjr!");
    shows(&driver, "Ctrl-] leaves it");
    driver.keys("ls -la q<enter><C-c><esc>");
    assert_eq!(driver.bench.typed, b"ls -la q\r\x03\x1b");
    shows(&driver, "SHELL");
    driver.keys("<C-]>");
    hides(&driver, "SHELL");
    shows(&driver, "CALLS");
}

#[test]
fn what_cannot_be_replayed_says_why() {
    let mut driver = opened(&[ATTEMPTS], SMALL, "jj");
    driver.bench.refusal =
        Some("user namespaces are refused here\nsysctl -w kernel.x=0 allows them".to_owned());
    driver.keys("r");
    shows(&driver, "nothing can be replayed here");
    shows(&driver, "sysctl -w kernel.x=0");
    driver.keys("lq");
    hides(&driver, "nothing can be replayed");
}

#[test]
fn it_is_opened_from_everywhere_and_left_again() {
    for before in ["jj", "jj<enter>", "jjp", "jjw"] {
        let mut driver = opened(&[ATTEMPTS], LARGE, before);
        let text = driver.text();
        driver.keys("r");
        shows(&driver, "CALLS");
        driver.keys("r");
        assert_eq!(driver.text(), text, "{before}");
    }
    let driver = opened(&[ATTEMPTS], LARGE, "jj<enter>5lr");
    shows(&driver, "CALLS");
}

#[test]
fn the_shell_follows_the_size_of_the_screen() {
    let mut driver = opened(&[ATTEMPTS], LARGE, "jjr!");
    shows(&driver, "48x200 $");
    driver.resize(80, 24);
    shows(&driver, "22x80 $");
    // only of a shell that is open
    driver.keys("<C-]>");
    driver.resize(100, 30);
    hides(&driver, "28x100");
}

#[test]
fn a_weaker_sandbox_says_why() {
    for size in [SMALL, LARGE] {
        let mut driver = opened(&[ATTEMPTS], size, "jj");
        driver.bench.refused = vec!["no namespace sandbox here: the kernel refuses".to_owned()];
        driver.keys("r");
        shows(&driver, "⚠ no namespace sandbox here");
        shows(&driver, "not enforced: memory");
        driver.keys("M");
        shows(&driver, "no namespace sandbox here: the kernel refuses");
        shows(&driver, "memory is not enforced: no memory");
    }
}

#[test]
fn the_list_knows_what_came_of_a_replay() {
    for size in [SMALL, LARGE] {
        let mut driver = opened(&[ATTEMPTS], size, "");
        hides(&driver, "replay");
        driver.keys("jjr$");
        shows(&driver, "written down");
        driver.keys("<esc>q");
        shows(&driver, "replay");
        shows(&driver, "@");
        driver.keys("Freplay.divergence >= 0<enter>");
        shows(&driver, "1 of 6 records  where replay.d");
        driver.keys("<esc>");
        driver.keys("Freplay.reproduced<enter>");
        shows(&driver, "no record for which");
        driver.keys("<esc>");
        assert!(!driver.line(0).contains("where"), "{}", driver.line(0));
    }
}

#[test]
fn a_queue_of_queries_moves_on_when_a_replay_ends() {
    let mut driver = opened(&[ATTEMPTS], LARGE, "jj");
    driver.keys("Fnot replay.divergence >= 0<enter>");
    let before = driver.status();
    driver.keys("r$<esc>q");
    assert_ne!(driver.status(), before, "one record less");
}

#[test]
fn a_replay_that_is_left_stays() {
    let mut driver = opened(&[ATTEMPTS], LARGE, "jjr3lq");
    shows(&driver, "the replay stays: 3 of ");
    driver.keys("r");
    shows(&driver, "3 of ");
    shows(&driver, "CALLS");
    // nothing that was not begun is kept
    driver.keys("0q");
    hides(&driver, "stays");
    assert_eq!(driver.bench.closed, 1);
}

#[test]
fn another_replay_or_the_end_asks_first() {
    let mut driver = opened(&[ATTEMPTS], LARGE, "jjr3lqkr");
    shows(&driver, "Give up the other replay?");
    driver.keys("<esc>");
    hides(&driver, "CALLS");
    assert_eq!(driver.bench.closed, 0);
    driver.keys("q");
    shows(&driver, "Quit in the midst of a replay?");
    driver.keys("n");
    assert!(!driver.is_over);
    driver.keys("r<enter>");
    shows(&driver, "0 of ");
    assert_eq!(driver.bench.closed, 1);
    // one that came to its end asks nothing
    driver.keys("$<esc>qq");
    assert!(driver.is_over);
}

#[test]
fn what_runs_goes_on_while_one_looks_elsewhere() {
    let mut driver = opened(&[ATTEMPTS], LARGE, "jj");
    driver.bench.hangs = true;
    driver.keys("rlq");
    shows(&driver, "it is running");
    driver.keys("r");
    shows(&driver, "running…");
    driver.keys("q:quit<enter>");
    shows(&driver, "Quit in the midst of a replay?");
    driver.keys("y");
    assert!(driver.is_over);
}

#[test]
fn files_are_looked_at_where_the_replay_stands() {
    let mut driver = opened(&[ATTEMPTS], LARGE, "jjr2lw");
    // the first that the calls wrote, at once
    shows(&driver, "harbor.py after 2 calls");
    shows(&driver, "M   harbor.py");
    shows(&driver, "D   old.py");
    driver.keys("gj<enter>");
    shows(&driver, "▾ src/");
    driver.keys("j");
    shows(&driver, "# src/a.py after 2 calls");
    // it is searched, Esc ends one thing at a time
    driver.keys("<enter>/moor<enter>");
    shows(&driver, "1/1");
    driver.keys("<esc>");
    shows(&driver, " FILE ");
    driver.keys("<esc>");
    shows(&driver, " FILES ");
    driver.keys("d");
    shows(&driver, "what changed in the workspace");
    driver.keys("d");
    shows(&driver, " FILES ");
    // after another call it is read again, and stays open
    driver.keys("<esc>");
    shows(&driver, "CALLS");
    driver.keys("lw");
    shows(&driver, "# src/a.py after 3 calls");
}

#[test]
fn a_test_program_is_run_from_its_reasons() {
    let mut driver = opened(&["openhands-v0/output.jsonl"], LARGE, "!x");
    // this record has none
    assert!(!driver.asked.contains(&"check"));
    driver.keys("<esc>G!");
    shows(&driver, "x runs its test program");
    driver.keys("x");
    assert!(driver.asked.contains(&"check"));
    shows(&driver, "Esc stops it");
    driver.keys("<esc>");
    assert!(driver.asked.contains(&"stop check"));
}
