//! The screen of a task: its places in their files, its attempts, going there and back.

use std::path::Path;
use std::path::PathBuf;

use hgview::cancel::Cancel;
use hgview::workspace::snapshot::Snapshot;
use serde_json::json;

use crate::driver::Driver;
use crate::program::chat_row;
use crate::program::git;
use crate::program::sdist;
use crate::screens::check_cells;
use crate::screens::hides;
use crate::screens::looks::snapshot;
use crate::screens::shows;

const USUAL: (u16, u16) = (120, 40);

/// A repository `quay/crane`, a task file of two, and a run that attempts the first twice: task file, run, repositories.
fn made(folder: &Path) -> (PathBuf, PathBuf, PathBuf) {
    let repos = folder.join("repos");
    let repo = repos.join("quay__crane");
    std::fs::create_dir_all(repo.join("crane")).unwrap();
    let before: Vec<String> = (0..30)
        .map(|nth| format!("WEIGHT_{nth} = {nth}\n"))
        .collect();
    let before = before.concat();
    let behind = before.replace("WEIGHT", "HEIGHT");
    let lift = "def lift(load):\n    check(load)\n    return load * 2\n";
    std::fs::write(
        repo.join("crane/lift.py"),
        format!("{before}{lift}{behind}"),
    )
    .unwrap();
    std::fs::write(
        repo.join("crane/rules.py"),
        "def check(load):\n    assert load < 9\n",
    )
    .unwrap();
    git(&repo, &["init", "-q", "."]);
    git(&repo, &["add", "-A"]);
    git(&repo, &["commit", "-q", "-m", "c"]);
    let commit = git(&repo, &["rev-parse", "HEAD"]);
    let task = |nth: usize, dependencies: serde_json::Value| {
        json!({"instance_id": format!("quay__crane__{nth}"), "repo": "quay/crane", "base_commit": commit.trim(),
            "target_function_name": "lift", "target_function_file": "crane/lift.py",
            "target_function_line_start": 30, "target_function_line_end": 32, "dependencies": dependencies,
            "provenance": {"search_space": {"definitions": 1200, "files": 80}, "depth": 2}})
    };
    let check = json!([{"name": "check", "file_path": "crane/rules.py", "line_start": 0, "line_end": 1, "type": "function"}]);
    let gone =
        json!([{"name": "gone", "file_path": "crane/gone.py", "line_start": 0, "line_end": 1}]);
    let tasks = folder.join("tasks.jsonl");
    let rows = [task(0, check.clone()), task(1, gone)].map(|row| row.to_string() + "\n");
    std::fs::write(&tasks, rows.concat()).unwrap();
    let run = folder.join("run.jsonl");
    let attempt = |command: &str| {
        let row = chat_row("quay__crane__0", &[command]);
        let mut row: serde_json::Value = serde_json::from_str(&row).unwrap();
        row["instance"] = task(0, check.clone());
        row.to_string() + "\n"
    };
    let other = chat_row("quay__crane__9", &["ls"]);
    std::fs::write(
        &run,
        attempt("cat crane/rules.py") + &attempt("true") + &other,
    )
    .unwrap();
    (tasks, run, repos)
}

#[test]
fn places_are_shown_in_their_files() {
    let folder = tempfile::tempdir().unwrap();
    let (tasks, _, repos) = made(folder.path());
    let mut driver = Driver::with_repositories(&[tasks], USUAL, &repos);
    driver.keys("<enter>");
    shows(&driver, "search space 1,200 definitions · 80 files");
    shows(&driver, "call depth   2");
    shows(&driver, "to find      1 place · in 1 file");
    shows(&driver, "calls  check  crane/rules.py:1");
    driver.keys("j");
    shows(&driver, "31 ▎ def lift(load):");
    shows(&driver, "⋯ 24 lines folded");
    hides(&driver, "WEIGHT_3 = 3");
    driver.keys("<tab>zR");
    shows(&driver, "WEIGHT_3 = 3");
    driver.keys("<tab>j");
    shows(&driver, "1 ▎ def check(load):");
    driver.keys("/assert<enter>");
    shows(&driver, "assert load < 9");
    driver.keys("<esc>Ljj");
    shows(&driver, "the repository has no crane/gone.py");
    for size in [(80, 24), (200, 50), (30, 8)] {
        driver.resize(size.0, size.1);
        check_cells(&driver, &format!("{size:?}"));
    }
}

#[test]
fn without_repositories_it_is_said_how_to_name_them() {
    let folder = tempfile::tempdir().unwrap();
    let (tasks, ..) = made(folder.path());
    let mut driver = Driver::open(&[tasks], USUAL);
    driver.keys("<enter>j");
    shows(&driver, "the file is not at hand: --repo or --repos");
}

/// What has no commits is shown as it is, where it is still what the tasks were made of.
#[test]
fn places_are_shown_of_folders_and_archives() {
    let folder = tempfile::tempdir().unwrap();
    let repos = folder.path().join("repos");
    let module = "def lift(load):\n    return load * 2\n";
    let plain = repos.join("quay__crane");
    std::fs::create_dir_all(plain.join("crane")).unwrap();
    std::fs::write(plain.join("crane/lift.py"), module).unwrap();
    let packed = module.replace('2', "3");
    let archive = repos.join("winch-1.0.tar.gz");
    sdist(&archive, "winch-1.0", &[("crane/lift.py", &packed)]);
    let named = |path: &Path| {
        let snapshot = Snapshot::of_files(path, &Cancel::new()).unwrap();
        snapshot.name().to_owned()
    };
    let task = |id: &str, repo: &str, commit: String| {
        let row = json!({"instance_id": id, "repo": repo, "base_commit": commit, "dependencies": [],
            "target_function_name": "lift", "target_function_file": "crane/lift.py",
            "target_function_line_start": 0, "target_function_line_end": 1});
        row.to_string() + "\n"
    };
    let rows = [
        task("a", "quay/crane", named(&plain)),
        task("b", "local/winch-1.0", named(&archive)),
        task("c", "quay/crane", "0".repeat(40)),
    ];
    let tasks = folder.path().join("tasks.jsonl");
    std::fs::write(&tasks, rows.concat()).unwrap();
    let mut driver = Driver::with_repositories(&[tasks], USUAL, &repos);
    driver.keys("<enter>j");
    shows(&driver, "return load * 2");
    driver.keys("qj<enter>j");
    shows(&driver, "return load * 3");
    driver.keys("qj<enter>j");
    shows(&driver, "has no commits");
    hides(&driver, "return load");
    check_cells(&driver, "the reason");
}

#[test]
fn attempts_are_told_and_opened_from_their_task() {
    let folder = tempfile::tempdir().unwrap();
    let (_, run, repos) = made(folder.path());
    let mut driver = Driver::with_repositories(&[run], USUAL, &repos);
    driver.keys("i");
    shows(&driver, "target lift  crane/lift.py:31");
    shows(&driver, ":1  ");
    shows(&driver, ":2  ");
    hides(&driver, ":3  ");
    driver.keys("jjj");
    shows(&driver, "2 responses, 1 call");
    // into the second attempt, and back to the task
    driver.keys("j<enter>");
    shows(&driver, "$ true");
    hides(&driver, "target lift  crane/lift.py:31");
    driver.keys("q");
    shows(&driver, "target lift  crane/lift.py:31");
    driver.keys("i");
    hides(&driver, "target lift  crane/lift.py:31");
    // what is decided is the attempt under the cursor, not the one from which the task was opened
    driver.keys("<esc>ggiGx");
    shows(&driver, "3/3");
    driver.keys("<esc>ggi");
    let rows: Vec<String> = driver.text().lines().map(str::to_owned).collect();
    let decided = |place: &str| {
        rows.iter()
            .any(|row| row.contains(place) && row.contains("rejected"))
    };
    assert!(decided(":2  ") && !decided(":1  "), "{rows:?}");
}

/// An issue with a gold patch, a masked function, and several targets of one task, without a repository.
#[test]
fn the_other_types_look_like_this() {
    for size in [(80, 24), (200, 50)] {
        let mut driver = Driver::open(&["tests/data/tasks.jsonl"], size);
        for (nth, name) in ["issue_localize", "func_gen", "func_localize"]
            .iter()
            .enumerate()
        {
            driver.keys("gg");
            driver.keys(&"j".repeat(nth));
            driver.keys("<enter>");
            hides(&driver, "0 steps");
            check_cells(&driver, &format!("{name} {size:?}"));
            let shown = format!("task_{name}_{}x{}", size.0, size.1);
            snapshot(&shown, "../tests/data/tasks.jsonl", name, &driver.text());
            driver.keys("q");
        }
    }
}

#[test]
fn the_reference_patch_of_a_task_is_shown_at_once() {
    let size = (120, 40);
    let mut driver = Driver::open(&["tests/data/tasks.jsonl"], size);
    driver.keys("p");
    shows(&driver, "in the reference patch");
    // nobody has attempted it, so nothing was missed
    hides(&driver, "missed");
    hides(&driver, "reached");
    check_cells(&driver, "the patch of a task");
    snapshot(
        "task_patch_120x40",
        "../tests/data/tasks.jsonl",
        "p",
        &driver.text(),
    );
}

/// Tasks of which the second is attempted, before and behind the attempts on the command line.
const TASKS: &str = "tests/data/tasks.jsonl";
const ATTEMPTS: &str = "tests/data/attempts.jsonl";

#[test]
fn tasks_without_an_attempt_stand_behind_the_attempts() {
    for size in [(80, 24), (200, 50)] {
        let mut driver = Driver::open(&[TASKS, ATTEMPTS], size);
        shows(&driver, "2 records + 2 untr");
        check_cells(&driver, &format!("{size:?}"));
        let shown = format!("task_untried_{}x{}", size.0, size.1);
        snapshot(
            &shown,
            "../tests/data/tasks.jsonl attempts.jsonl",
            "G",
            &driver.keys("G").text(),
        );
    }
    let driver = Driver::open(&[ATTEMPTS, TASKS], USUAL);
    shows(&driver, "2 records + 2 untried tasks");
    let alone = Driver::open(&[TASKS], USUAL);
    shows(&alone, "3 tasks");
    hides(&alone, "untried");
}

#[test]
fn a_task_without_an_attempt_is_nothing_to_decide() {
    let reviews = tempfile::tempdir().unwrap();
    for (paths, last) in [(vec![TASKS, ATTEMPTS], 4), (vec![TASKS], 3)] {
        let mut driver = Driver::reviewing(&paths, USUAL, reviews.path());
        driver.keys("Ga");
        shows(&driver, "a task, not an attempt: nothing to decide");
        shows(&driver, &format!("{last}/{last}"));
        driver.keys("kV<down>x");
        shows(&driver, "nothing to decide");
        hides(&driver, "rejected");
        driver.keys("<esc>Q");
        shows(&driver, if last == 4 { "undecided" } else { "Queues" });
        driver.keys("<esc>S");
        shows(&driver, if last == 4 { "2 records" } else { "0 records" });
    }
    let mut driver = Driver::reviewing(&[TASKS, ATTEMPTS], USUAL, reviews.path());
    driver.keys("ggVGa");
    shows(&driver, "Accept 2 records?");
    driver.keys("y");
    shows(&driver, "2 decided (100%)");
}

#[test]
fn queries_narrowing_and_order_take_them_as_rows() {
    let mut driver = Driver::open(&[TASKS, ATTEMPTS], USUAL);
    driver.keys("Fformat = task<enter>");
    shows(&driver, "2 of 2 records + 2 untried tasks");
    shows(&driver, "quay__crane__0");
    hides(&driver, "quay__crane__1");
    driver.keys("<esc>o");
    driver.keys("<esc>'crane__2<enter>");
    shows(&driver, "quay__crane__2");
    hides(&driver, "quay__crane__0");
}

#[test]
fn exports_are_those_of_the_attempts() {
    let folder = tempfile::tempdir().unwrap();
    let write = |paths: &[&str], name: &str| {
        let out = folder.path().join(name);
        let mut driver = Driver::reviewing(paths, USUAL, &folder.path().join("reviews"));
        driver.keys("gga").keys(":export<enter><tab>");
        driver.keys(&out.display().to_string()).keys("<enter>");
        shows(&driver, "would export 2 of 2");
        driver.keys("y");
        std::fs::read(out).unwrap()
    };
    let both = write(&[TASKS, ATTEMPTS], "both.jsonl");
    let mut alone = Driver::open(&[TASKS], USUAL);
    alone
        .keys(":export<enter><tab>")
        .keys(&folder.path().join("none").display().to_string());
    shows(alone.keys("<enter>"), "would export 0 of 3");
    assert_eq!(both, write(&[ATTEMPTS], "runs.jsonl"));
}

#[test]
fn a_task_leaves_the_list_with_its_first_attempt() {
    use std::io::Write as _;
    let folder = tempfile::tempdir().unwrap();
    let (tasks, run, _) = made(folder.path());
    let mut driver = Driver::open(&[tasks, run.clone()], USUAL);
    shows(&driver, "3 records + 1 untried task");
    shows(&driver, " untried   ");
    driver.keys("G");
    let row = driver.cursor_row();
    assert!(
        row.contains("quay__crane__1") && row.contains("untried"),
        "{row}"
    );
    let mut file = std::fs::OpenOptions::new().append(true).open(&run).unwrap();
    file.write_all(chat_row("quay__crane__1", &["ls"]).as_bytes())
        .unwrap();
    driver.follow();
    shows(&driver, "4 records + 0 untried tasks");
    hides(&driver, " untried   ");
    let row = driver.keys("G").cursor_row();
    assert!(row.contains("quay__crane__1"), "{row}");
    driver.keys("i");
    shows(&driver, ":4  ");
    driver.keys("q");
    // a rollout that begins anew
    std::fs::write(&run, chat_row("quay__crane__0", &["ls"])).unwrap();
    driver.follow();
    shows(&driver, "1 untried task");
    shows(&driver, " untried   ");
}

#[test]
fn the_first_attempts_come_to_a_list_of_tasks() {
    let folder = tempfile::tempdir().unwrap();
    let (tasks, run, _) = made(folder.path());
    let rows = std::fs::read(&run).unwrap();
    std::fs::remove_file(&run).unwrap();
    let mut driver = Driver::waiting(&[tasks, run.clone()], USUAL);
    shows(&driver, "2 tasks");
    driver.keys("j");
    std::fs::write(&run, rows).unwrap();
    driver.follow();
    shows(&driver, "3 records + 1 untried task");
    let row = driver.cursor_row();
    assert!(
        row.contains("quay__crane__1") && row.contains("untried"),
        "{row}"
    );
    driver.keys("gg");
    let row = driver.cursor_row();
    assert!(row.contains("quay__crane__0"), "{row}");
    driver.keys("i");
    shows(&driver, "target lift  crane/lift.py:31");
}
