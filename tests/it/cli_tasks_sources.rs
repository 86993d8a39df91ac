//! Tasks of plain folders and archives, which have no commits, wherever `--repo` and `--repos` are taken.

use std::fs;

use serde_json::Value;
use serde_json::json;

use crate::program::Program;
use crate::program::chat_row;
use crate::program::sdist;

const MODULE: &str = r#""""Adds things up."""


def double(value):
    """Gives twice of whatever number it is handed over."""
    return value * 2


def half(value):
    """Cuts a number into two equal parts and hands one of them back."""
    return value / 2
"#;

/// Puts a docstring back where it was cut, without context that would say where that is.
const PATCH: &str = "diff --git a/m.py b/m.py\n--- a/m.py\n+++ b/m.py\n@@ -4,0 +5 @@\n+    \"\"\"Gives twice of it.\"\"\"\n";

/// A plain folder `repos/shop` and an archive `repos/dist-1.0.tar.gz`, and the tasks of both; those about `double`, the
/// folder's first.
fn prepare(program: &Program) -> Vec<Value> {
    program.file("repos/shop/m.py", MODULE);
    program.file("repos/shop/notes.txt", "notes\nof the folder\n");
    // what has the same text is the same target
    let other = MODULE
        .replace("Adds", "Counts")
        .replace("value * 2", "value + value")
        .replace("value / 2", "value * 0.5");
    sdist(
        &program.home().join("repos/dist-1.0.tar.gz"),
        "dist-1.0",
        &[("m.py", &other), ("notes.bin", "notes\nof the archive\n")],
    );
    let args = ["--type", "func_localize", "--each"];
    let build = ["tasks", "build", "repos", "-o", "tasks.jsonl"];
    program.run(&[&build[..], &args].concat()).ends(0);
    let text = fs::read_to_string(program.home().join("tasks.jsonl")).unwrap();
    let rows = text.lines().map(|line| serde_json::from_str(line).unwrap());
    let mut rows: Vec<Value> = rows
        .filter(|row: &Value| row["module_name"] == "double")
        .collect();
    rows.sort_by_key(|row| row["repo"] != "local/shop");
    let repos: Vec<&Value> = rows.iter().map(|row| &row["repo"]).collect();
    assert_eq!(repos, ["local/shop", "local/dist-1.0"]);
    rows
}

fn id(row: &Value) -> &str {
    row["instance_id"].as_str().unwrap()
}

#[test]
fn they_are_checked_and_materialized() {
    let program = Program::unbounded();
    let rows = prepare(&program);
    let bases = |repos: &[&str]| -> Vec<Value> {
        let args = [&["tasks", "check", "tasks.jsonl", "--json"], repos].concat();
        let reports = program.run(&args).json_lines();
        let mut bases = reports
            .into_iter()
            .map(|mut row| row["report"]["checks"][0].take());
        bases.by_ref().collect()
    };
    let all = bases(&["--repos", "repos"]);
    assert_eq!(all.len(), 4);
    assert!(all.iter().all(|base| base["outcome"] == "ok"), "{all:?}");
    // the archive is no repository of the folder's tasks
    let one = bases(&["--repo", "repos/dist-1.0.tar.gz"]);
    let is_other = |base: &&Value| {
        let why = base["why"].as_str().unwrap_or_default();
        why.contains("has no commits, and its Python files are not those")
    };
    assert_eq!(one.iter().filter(is_other).count(), 2, "{one:?}");
    for (row, notes) in rows.iter().zip(["notes.txt", "notes.bin"]) {
        let args = ["tasks", "materialize", "tasks.jsonl", "--repos", "repos"];
        let more = ["--id", id(row), "-o", notes];
        program.run(&[&args[..], &more].concat()).ends(0);
        let read = |name: &str| fs::read_to_string(program.home().join(notes).join(name));
        let module = read("m.py").unwrap();
        assert!(!module.contains("Gives twice"), "{module}");
        assert!(module.contains("hands one of them back"), "{module}");
        assert!(read(notes).unwrap().starts_with("notes\nof the "));
    }
    // a folder that changed since is told, and nothing is written
    program.file("repos/shop/other.py", "");
    let args = ["tasks", "materialize", "tasks.jsonl", "--repos", "repos"];
    let more = ["--id", id(&rows[0]), "-o", "again"];
    let run = program.run(&[&args[..], &more].concat()).ends(2);
    assert!(run.err.contains("has no commits"), "{}", run.err);
    assert!(!program.home().join("again").exists());
}

#[test]
fn their_files_are_shown_and_judged_with() {
    let program = Program::unbounded();
    let rows = prepare(&program);
    let mut lines = String::new();
    for row in &rows {
        let attempt = json!({"instance_id": id(row), "instruction": "Write its docstring.", "instance": row,
            "test_result": {"git_patch": PATCH}, "metrics": {}, "history": []});
        lines += &(attempt.to_string() + "\n");
    }
    program.file("runs.jsonl", lines);
    let strict = |more: &[&str]| -> Vec<Value> {
        let args = [
            &["verify", "--json", "--mode", "strict", "runs.jsonl"],
            more,
        ]
        .concat();
        let rows = program.run(&args).json_lines().into_iter();
        rows.map(|mut row| row["strict"]["verdict"].take())
            .collect()
    };
    let none = strict(&[]);
    assert_eq!(none, ["unjudged", "unjudged"]);
    assert_eq!(strict(&["--repos", "repos"]), ["accept", "accept"]);
    // one that is not the task's says nothing
    assert_eq!(strict(&["--repo", "repos/shop"]), ["accept", "unjudged"]);
    let export = ["export", "runs.jsonl", "-o", "out.jsonl", "--format", "raw"];
    let more = ["--filter", "strict", "--repos", "repos"];
    program.run(&[&export[..], &more].concat()).ends(0);
    let out = fs::read_to_string(program.home().join("out.jsonl")).unwrap();
    assert_eq!(out.lines().count(), 2);

    // the first line is seen, the repository has the others
    let mut lines = String::new();
    for (row, notes, first) in [
        (&rows[0], "notes.txt", "\"\"\"Adds things up.\"\"\""),
        (&rows[1], "notes.bin", "\"\"\"Counts things up.\"\"\""),
    ] {
        let commands = ["head -n 1 m.py".to_owned(), format!("head -n 1 {notes}")];
        let text = chat_row(id(row), &commands.each_ref().map(String::as_str));
        let mut attempt: Value = serde_json::from_str(&text).unwrap();
        attempt["messages"][2]["content"] = json!(first);
        attempt["messages"][4]["content"] = json!("notes");
        attempt["instance"] = row.clone();
        lines += &(attempt.to_string() + "\n");
    }
    program.file("seen.jsonl", lines);
    for (nth, file, want) in [
        ("1", "m.py", "6 r     return value * 2"),
        ("1", "notes.txt", "2 r of the folder"),
        ("2", "m.py", "6 r     return value + value"),
        ("2", "notes.bin", "2 r of the archive"),
    ] {
        let show = ["show", "seen.jsonl", "--nth", nth, "--file", file];
        let run = program
            .run(&[&show[..], &["--repos", "repos"]].concat())
            .ends(0);
        assert!(run.out.contains(want), "{}{}", run.out, run.err);
    }
    program.file("repos/shop/m.py", "changed = 1\n");
    let show = ["show", "seen.jsonl", "--nth", "1", "--file", "m.py"];
    let run = program
        .run(&[&show[..], &["--repo", "repos/shop"]].concat())
        .ends(0);
    assert!(
        run.err.contains("the repository tells nothing: "),
        "{}",
        run.err
    );
    assert!(run.err.contains("has no commits"), "{}", run.err);
}
