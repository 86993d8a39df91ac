//! `hgview tasks check` and `hgview tasks materialize`.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use serde_json::json;

use crate::program::Program;

const SHOP: &str = "def total(order):\n    \"\"\"Add up what an order costs.\"\"\"\n    cents = sum(order)\n    return cents\n\n\ndef order_costs(basket):\n    return total(basket)\n\n\ndef postage(order):\n    return 1\n";

/// A plain folder `repos/o__r` with one file, and two tasks of it, one of them bad.
fn prepare(program: &Program) {
    program.file("repos/o__r/pkg/shop.py", SHOP);
    program.file("repos/o__r/run.sh", "#!/bin/sh\n");
    let rows = [task("good", "total"), task("bad", "none")];
    let lines: Vec<String> = rows.iter().map(Value::to_string).collect();
    program.file("tasks.jsonl", lines.join("\n") + "\n");
}

fn task(id: &str, name: &str) -> Value {
    json!({"instance_id": id, "repo": "o/r", "file_path": "pkg/shop.py",
        "module_name": name, "module_type": "function", "module_line_start": 0, "module_line_end": 3,
        "docstring_line_start": 1, "docstring_line_end": 1, "name_masked": true,
        "function_description": "Adds up what an order costs."})
}

#[test]
fn tasks_that_say_the_same_of_different_targets_are_refused() {
    let program = Program::unbounded();
    prepare(&program);
    let mut other = task("other", "postage");
    for (field, value) in [
        ("module_line_start", 10),
        ("module_line_end", 11),
        ("docstring_line_start", -1),
        ("docstring_line_end", -1),
    ] {
        other[field] = json!(value);
    }
    program.file(
        "tasks.jsonl",
        format!("{}\n{other}\n", task("good", "total")),
    );
    let rows = program
        .run(&[
            "tasks",
            "check",
            "tasks.jsonl",
            "--repos",
            "repos",
            "--json",
        ])
        .ends(1)
        .json_lines();
    let gold = rows.iter().map(|row| {
        let checks = row["report"]["checks"].as_array().unwrap();
        checks.iter().find(|check| check["name"] == "gold").unwrap()["why"].clone()
    });
    let want =
        ["other", "good"].map(|id| json!(format!("the task {id} says the same of another target")));
    assert_eq!(gold.collect::<Vec<_>>(), want);
}

#[test]
fn each_task_has_its_checks_and_reasons() {
    let program = Program::unbounded();
    prepare(&program);
    let run = program
        .run(&["tasks", "check", "tasks.jsonl", "--repos", "repos"])
        .ends(1);
    insta::assert_snapshot!(format!("{}{}", run.out, run.err));
    let args = [
        "tasks",
        "check",
        "tasks.jsonl",
        "--repo",
        "repos/o__r",
        "--json",
        "--jobs",
        "1",
    ];
    let rows = program.run(&args).ends(1).json_lines();
    let good: Vec<bool> = rows
        .iter()
        .map(|row| row["is_good"].as_bool().unwrap())
        .collect();
    assert_eq!(good, [true, false]);
    let schema = program.run(&["schema", "tasks-check"]).ends(0).out;
    let schema: Value = serde_json::from_str(&schema).unwrap();
    for key in rows[0].as_object().unwrap().keys() {
        assert!(schema["properties"].get(key).is_some(), "{key}");
    }
    let args = [
        "tasks",
        "check",
        "tasks.jsonl",
        "--repos",
        "repos",
        "--where",
        "id = good",
    ];
    program.run(&args).ends(0);
}

#[test]
fn what_is_missing_is_told() {
    let program = Program::unbounded();
    prepare(&program);
    program.run(&["tasks", "check", "tasks.jsonl"]).ends(2);
    program
        .run(&["tasks", "check", "tasks.jsonl", "--repos", "none"])
        .ends(2);
    program
        .run(&["tasks", "check", "tasks.jsonl", "--repo", "none"])
        .ends(2);
    std::fs::create_dir(program.home().join("empty")).unwrap();
    let run = program
        .run(&["tasks", "check", "tasks.jsonl", "--repos", "empty"])
        .ends(1);
    assert!(
        run.out.contains("there is no repository of o/r"),
        "{}",
        run.out
    );
}

#[test]
fn base_states_and_prompts_are_written() {
    let program = Program::unbounded();
    prepare(&program);
    let base = ["tasks", "materialize", "tasks.jsonl", "--id", "good"];
    let with = |more: &[&'static str]| [&base[..], more].concat();
    program
        .run(&with(&["--repos", "repos", "-o", "work/a"]))
        .ends(0);
    let home = program.home().to_owned();
    let read = |path: &str| std::fs::read_to_string(home.join(path)).unwrap();
    assert_eq!(
        read("work/a/pkg/shop.py"),
        SHOP.replacen("    \"\"\"Add up what an order costs.\"\"\"\n", "", 1)
    );
    let prompt = read("work/a.PROMPT.md");
    assert!(
        prompt.contains("Adds up what an order costs.") && prompt.contains("work/a"),
        "{prompt}"
    );
    assert!(
        !prompt.contains("shop") && !prompt.contains("total"),
        "{prompt}"
    );
    // never over what is there
    program
        .run(&with(&["--repos", "repos", "-o", "work/a"]))
        .ends(2);
    program
        .run(&with(&["--repos", "repos", "-o", "work/a", "--force"]))
        .ends(0);
    program
        .run(&with(&["--repos", "none", "-o", "work/b"]))
        .ends(2);
    program.run(&with(&["-o", "work/b"])).ends(2);
    assert!(!home.join("work/b").exists() && !home.join("work/b.PROMPT.md").exists());
    let run = program
        .run(&["tasks", "materialize", "tasks.jsonl", "--prompt-only"])
        .ends(2);
    assert!(run.err.contains("--id"), "{}", run.err);
    program.file("own.j2", "{{ module_name }} in {{ workspace }}");
    let run = program
        .run(&with(&["--prompt-only", "--template", "own.j2"]))
        .ends(0);
    assert_eq!(run.out, "total in /workspace\n");
}

#[test]
fn git_repositories_are_clean() {
    if Command::new("git").arg("--version").output().is_err() {
        eprintln!("skipped: there is no git");
        return;
    }
    let program = Program::unbounded();
    prepare(&program);
    let path = std::env::var("PATH").unwrap();
    let args = [
        "tasks",
        "materialize",
        "tasks.jsonl",
        "--id",
        "good",
        "--repos",
        "repos",
        "-o",
        "work",
        "--git",
    ];
    let run = program.run_with(&args, "PATH", &path).ends(0);
    assert!(run.out.contains("at commit "), "{}", run.out);
    let git = |args: &[&str], folder: &Path| {
        let done = Command::new("git")
            .args(args)
            .current_dir(folder)
            .output()
            .unwrap();
        String::from_utf8(done.stdout).unwrap()
    };
    let work = program.home().join("work");
    assert_eq!(
        git(&["-c", "safe.directory=*", "status", "--porcelain"], &work),
        ""
    );
    assert_eq!(
        git(&["-c", "safe.directory=*", "ls-files"], &work),
        "pkg/shop.py\nrun.sh\n"
    );
    // a machine without the program says so
    let args = [
        "tasks",
        "materialize",
        "tasks.jsonl",
        "--id",
        "good",
        "--repos",
        "repos",
        "-o",
        "other",
        "--git",
    ];
    let run = program.run_with(&args, "PATH", "/nowhere").ends(2);
    assert!(run.err.contains("no git program"), "{}", run.err);
    assert!(!program.home().join("other").exists());
}
