//! Rows and histories that become tasks, and those that do not.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use super::*;
use crate::cancel::Cancel;
use crate::model::Task;
use crate::model::TaskKind;
use crate::model::Value;
use crate::python::repo::Entry;
use crate::python::repo::Files;
use crate::python::repo::Repository;
use crate::tasks::Drafts;
use crate::tasks::Maker as _;
use crate::tasks::Seed;

struct Nothing;

impl Files for Nothing {
    fn entries(&self) -> Result<Vec<Entry>, String> {
        Ok(Vec::new())
    }

    fn read(&self, _: &str) -> Result<Vec<u8>, String> {
        Err("not there".to_owned())
    }
}

fn seed(commit: &str) -> Seed {
    let index = Repository::index(&Nothing, None, &Cancel::new(), &mut |_| {});
    let index = index.unwrap().unwrap();
    Seed::new("o/r", commit, Arc::new(Nothing), Arc::new(index))
}

fn part(name: &str, line: usize) -> String {
    format!(
        "diff --git a/{name} b/{name}\nindex 1..2 100644\n--- a/{name}\n+++ b/{name}\n@@ -{line},3 +{line},4 @@ def f():\n a\n b\n+new\n c\n"
    )
}

fn row(repo: &str, patch: &str) -> Arc<Value> {
    Arc::new(serde_json::json!({
        "instance_id": "i-1", "repo": repo, "base_commit": "0".repeat(40), "patch": patch,
        "test_patch": "x", "FAIL_TO_PASS": "[]", "problem_statement": "It breaks.",
    }))
}

fn shown(drafts: &Drafts) -> String {
    let mut shown: Vec<String> = drafts
        .drafts
        .iter()
        .map(|draft| format!("{}:{} {}", draft.path, draft.line.0, draft.stratum))
        .collect();
    shown.extend(
        drafts
            .left_out
            .iter()
            .map(|(reason, n)| format!("{n} {reason}")),
    );
    shown.join("; ")
}

#[test]
fn tests_are_cut_out_of_rows() {
    let (a, b, test) = (
        part("src/a.py", 5),
        part("src/b.py", 1),
        part("tests/test_a.py", 1),
    );
    let maker = IssueRows::new(vec![
        row(
            "o/r",
            &[test.as_str(), &a, &test, &b, &part("README.md", 2)].concat(),
        ),
        row("o/other", &a),
        row("O/R", &test),
        row("o/r", ""),
        Arc::new(serde_json::json!({"repo": "o/r", "patch": a, "problem_statement": " "})),
    ]);
    let found = maker.drafts(&seed("x"), &Cancel::new()).unwrap();
    assert_eq!(
        shown(&found),
        "src/a.py:6 2 files; 1 it states no problem; 2 its patch changes no source file that was there"
    );
    let fields = &found.drafts[0].fields;
    assert_eq!(
        fields["patch"],
        [a.as_str(), &b, &part("README.md", 2)].concat().as_str()
    );
    assert_eq!(fields["instance_id"], "i-1");
    let task = Task::from_instance(Value::Object(fields.clone()));
    assert_eq!(task.kind, TaskKind::IssueLocalize);
    assert_eq!(maker.all(&Cancel::new()).unwrap().drafts.len(), 2);
    let cancel = Cancel::new();
    cancel.cancel();
    assert_eq!(maker.drafts(&seed("x"), &cancel), None);
}

#[test]
fn rows_are_read_from_files() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rows.jsonl");
    let rows = [row("o/r", &part("a.py", 1)), row("o/r", "not a patch")];
    let rows = rows.map(|row| format!("{row}\n")).concat();
    std::fs::write(&file, rows + "torn {\n").unwrap();
    let maker = IssueRows::read(vec![file], &Cancel::new()).unwrap();
    let found = maker.all(&Cancel::new()).unwrap();
    assert_eq!(
        shown(&found),
        "a.py:2 1 file; 1 its patch changes no source file that was there"
    );
    let nowhere = folder.path().join("none.jsonl");
    assert!(IssueRows::read(vec![nowhere], &Cancel::new()).is_err());
}

#[test]
fn new_files_and_others_are_no_places() {
    let new = "diff --git a/a.py b/a.py\nnew file mode 100644\n--- /dev/null\n+++ b/a.py\n@@ -0,0 +1 @@\n+x\n";
    let renamed =
        "diff --git a/a.py b/b.py\nsimilarity index 100%\nrename from a.py\nrename to b.py\n";
    for patch in [
        new,
        renamed,
        &part("a.txt", 1),
        "\0",
        "diff --git",
        "@@ -1 +1 @@\n-a\n+b\n",
    ] {
        assert_eq!(gold::gold(patch), Err(reason::NO_SOURCE), "{patch}");
    }
    let gone = "diff --git a/a.py b/a.py\ndeleted file mode 100644\n--- a/a.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n";
    assert_eq!(gold::gold(gone).unwrap().path, "a.py");
    assert_eq!(gold::gold(&"x".repeat(300 << 10)), Err(reason::TOO_MUCH));
}

/// Runs git in a folder; gives what it says. `None` where there is no git.
fn git(folder: &Path, arguments: &[&str]) -> Option<String> {
    let out = Command::new("git")
        .args([
            "-c",
            "user.name=a",
            "-c",
            "user.email=a@b",
            "-c",
            "commit.gpgsign=false",
        ])
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .ok()?;
    assert!(
        out.status.success(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&out.stderr)
    );
    Some(String::from_utf8(out.stdout).unwrap().trim().to_owned())
}

fn commit(folder: &Path, files: &[(&str, &str)], message: &str) -> Option<String> {
    for (path, text) in files {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    git(folder, &["add", "-A"])?;
    git(folder, &["commit", "-q", "--allow-empty", "-m", message])?;
    git(folder, &["rev-parse", "HEAD"])
}

#[test]
fn commits_that_name_an_issue() {
    const WORDS: &str = "the parser forgets the last key of an object that ends early";
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    if git(root, &["init", "-q", "-b", "main"]).is_none() {
        eprintln!("skipped: no git");
        return;
    }
    let say = |files: &[(&str, &str)], message: &str| commit(root, files, message).unwrap();
    let base = say(
        &[
            ("p/a.py", "a\nb\nc\n"),
            ("tests/test_a.py", "x\n"),
            ("p/blob", "\0\n"),
        ],
        "first",
    );
    let fix = say(
        &[
            ("p/a.py", "a\nb\nB\nc\n"),
            ("tests/test_a.py", "y\n"),
            ("p/blob", "\0\x01\n"),
            ("p/ä b.py", "new\n"),
        ],
        &format!("{WORDS} (#7)\n\nSigned-off-by: a <a@b>"),
    );
    say(&[("p/a.py", "a\n")], WORDS);
    say(&[("p/a.py", "b\n")], "Fixes #8");
    say(&[("tests/test_a.py", "z\n")], &format!("Fixes #9: {WORDS}"));
    git(root, &["checkout", "-q", "-b", "side", &fix]);
    say(&[("q.py", "1\n")], "side");
    git(root, &["checkout", "-q", "main"]);
    git(root, &["merge", "-q", "side", "-m", &format!("#3 {WORDS}")]);
    git(root, &["gc", "-q"]);
    let head = git(root, &["rev-parse", "HEAD"]).unwrap();
    let drafts = |commits: usize, start: &str| {
        let maker = IssueHistory { commits };
        let seed = seed(start).with_git(Some(root.to_owned()));
        maker.drafts(&seed, &Cancel::new()).unwrap()
    };
    let found = drafts(100, &head);
    assert_eq!(
        shown(&found),
        "p/a.py:2 1 file; 2 it is a merge, a revert or a root; 2 its message names no issue; 1 its patch changes no source file that was there; 1 its statement says too little"
    );
    let fields = &found.drafts[0].fields;
    assert_eq!(fields["problem_statement"], WORDS);
    assert_eq!(
        (
            fields["base_commit"].as_str(),
            fields["fix_commit"].as_str()
        ),
        (Some(base.as_str()), Some(fix.as_str()))
    );
    assert_eq!(
        fields["patch"],
        "diff --git a/p/a.py b/p/a.py\n--- a/p/a.py\n+++ b/p/a.py\n@@ -1,3 +1,4 @@\n a\n b\n+B\n c\ndiff --git \"a/p/\\303\\244 b.py\" \"b/p/\\303\\244 b.py\"\nnew file mode 100644\n--- /dev/null\n+++ \"b/p/\\303\\244 b.py\"\n@@ -0,0 +1 @@\n+new\n"
    );
    assert!(drafts(2, &head).drafts.is_empty());
    assert_eq!(drafts(9, "HEAD"), Drafts::default());
    let nowhere = IssueHistory { commits: 9 }.drafts(&seed(&head), &Cancel::new());
    assert_eq!(shown(&nowhere.unwrap()), "1 its repository cannot be read");
}
