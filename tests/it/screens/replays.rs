//! The screen of a replay, on a bench that needs no sandbox.

use crate::driver::Driver;
use crate::screens::check_cells;
use crate::screens::snapshot;

const ATTEMPTS: &str = "samples/openhands-v0/attempts.jsonl.gz";
const SMALL: (u16, u16) = (80, 24);
const LARGE: (u16, u16) = (200, 50);

fn open(size: (u16, u16), keys: &str) -> Driver {
    let mut driver = Driver::open(&[ATTEMPTS], size);
    driver.keys(keys);
    driver
}

#[track_caller]
fn looks(name: &str, size: (u16, u16), keys: &str) {
    let driver = open(size, keys);
    let name = format!("{name}_{}x{}", size.0, size.1);
    snapshot(
        &name,
        "openhands-v0/attempts.jsonl.gz",
        keys,
        &driver.text(),
    );
    check_cells(&driver, keys);
}

#[track_caller]
fn shows(driver: &Driver, want: &str) {
    let text = driver.text();
    assert!(text.contains(want), "{want:?} is not in\n{text}");
}

#[track_caller]
fn hides(driver: &Driver, unwanted: &str) {
    let text = driver.text();
    assert!(!text.contains(unwanted), "{unwanted:?} is in\n{text}");
}

#[test]
fn calls_and_what_came_of_them() {
    looks("replay_before", SMALL, "jjr");
    looks("replay_divergence", SMALL, "jjr>");
    looks("replay_divergence", LARGE, "jjr>");
    looks("replay_difference", LARGE, "jjr>d");
    looks("replay_result", LARGE, "jjr$");
    looks("replay_changes", SMALL, "jjrllw");
}

#[test]
fn one_runs_forward_and_back() {
    let mut driver = open(LARGE, "jjr");
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
    let mut driver = open(LARGE, "jjr$<esc>g");
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
    let mut driver = open(LARGE, "jj");
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
    let mut driver = open(LARGE, "jjr!");
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
    let mut driver = open(SMALL, "jj");
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
        let mut driver = open(LARGE, before);
        let text = driver.text();
        driver.keys("r");
        shows(&driver, "CALLS");
        driver.keys("r");
        assert_eq!(driver.text(), text, "{before}");
    }
    let driver = open(LARGE, "jj<enter>5lr");
    shows(&driver, "CALLS");
}
