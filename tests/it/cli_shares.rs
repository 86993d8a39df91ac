//! Shares of `verify` and `stats`: the same bytes as one run, however many there are and in whatever order they are made.

use std::fs;

use serde_json::Value;
use serde_json::json;

use crate::program::Program;
use crate::program::Run;
use crate::program::sample;

const PATCH: &str = "diff --git a/m.py b/m.py\n--- a/m.py\n+++ b/m.py\n@@ -1,3 +1,6 @@\n def f(x):\n+    \"\"\"Say x.\n+\n+    \"\"\"\n     return x\n \n";

/// Runs of some tasks: several attempts end in the same patch, one record cannot be read.
fn program() -> Program {
    let program = Program::new();
    let row = |nth: u32| {
        let task = format!("t{}", nth % 5);
        let patch = PATCH.replace("Say x.", &format!("Say x {}.", nth % 3));
        json!({"instance_id": task, "instruction": "Find the function that says x, write its docstring.",
            "instance": {"instance_id": task, "repo": format!("o/r{}", nth % 2), "file_path": "m.py", "module_name": "f",
                "function_description": "says x", "module_line_start": 0, "module_line_end": 4},
            "metadata": {"llm_config": {"model": format!("m{}", nth % 4)}},
            "test_result": {"git_patch": if nth == 3 { "" } else { &patch }},
            "metrics": {"accumulated_cost": 0.1 * f64::from(nth) + 1.0 / 3.0}, "history": []})
    };
    let mut lines: Vec<String> = (0..31).map(|nth| row(nth).to_string()).collect();
    "{\"instance_id\": \"torn".clone_into(&mut lines[17]);
    program.file("runs/output.jsonl", lines.join("\n") + "\n");
    program
}

fn inputs() -> Vec<String> {
    let samples = ["openhands-v0/output.jsonl", "chat", "swe-agent"].map(sample);
    let mut inputs = vec!["runs".to_owned()];
    inputs.extend(samples);
    inputs
}

fn run(program: &Program, command: &str, more: &[&str]) -> Run {
    let mut args = vec![command.to_owned()];
    args.extend(inputs());
    args.extend(more.iter().map(|arg| (*arg).to_owned()));
    program.run(&args)
}

/// Makes the shares of a division, the last ones first, with these arguments.
#[track_caller]
fn share(program: &Program, command: &str, of: u64, more: &[&str]) -> String {
    let folder = format!("{command}-{of}");
    for nth in (0..of).rev() {
        let shard = format!("{nth}/{of}");
        let mut args = vec!["--shard", shard.as_str(), "--out", folder.as_str()];
        args.extend(more);
        let run = run(program, command, &args);
        assert!(
            run.code < 2 && run.out.is_empty(),
            "{}\n{}",
            run.out,
            run.err
        );
    }
    folder
}

#[test]
fn verify_merges_to_the_bytes_of_one_run() {
    let program = program();
    for more in [
        &[][..],
        &["--mode", "strict", "--filter", "resolved", "--flags"],
        &["--where", "steps > 2 or task = func_localize"],
    ] {
        let mut args = vec!["--json"];
        args.extend(more);
        let one = run(&program, "verify", &args);
        // the record that cannot be read is not among the selected ones
        assert_eq!(one.code, i32::from(!more.contains(&"--where")));
        assert!(
            more.len() > 2 || one.out.contains("same_patch"),
            "{}",
            one.out
        );
        for of in [1, 4, 50] {
            let folder = share(&program, "verify", of, more);
            let merged = program.run(&["verify", "merge", &folder]).ends(one.code);
            assert_eq!(merged.out, one.out, "{of} {more:?}");
            let tables = merged.err.split("hgview: ").next().unwrap();
            assert!(one.err.contains(tables), "{}\n{}", one.err, merged.err);
            fs::remove_dir_all(program.home().join(folder)).unwrap();
        }
    }
}

#[test]
fn stats_merge_to_the_bytes_of_one_run() {
    let program = program();
    let forms: &[&[&str]] = &[
        &["--json"],
        &["--json", "--by", "flag,model"],
        &["--csv", "--by", "repo"],
        &["--markdown", "--by", "task,decision"],
        &["--html", "-", "--by", "model"],
        &["--section", "overview,flags,coverage"],
    ];
    let folders = [1, 4, 50].map(|of| share(&program, "stats", of, &["--partial"]));
    for form in forms {
        let one = run(&program, "stats", form).ends(1);
        for folder in &folders {
            let mut args = vec!["stats", "merge", folder.as_str()];
            args.extend(*form);
            let merged = program.run(&args).ends(1);
            assert_eq!(merged.out, one.out, "{folder} {form:?}");
        }
    }
    // by name, and in any order
    let name = |nth| format!("stats-4/stats-0000{nth}-of-00004.jsonl");
    let files = [2, 0, 3, 1].map(name);
    let mut args = vec!["stats", "merge", "--json"];
    args.extend(files.iter().map(String::as_str));
    let one = run(&program, "stats", &["--json"]);
    assert_eq!(program.run(&args).ends(1).out, one.out);
    args.pop();
    let lacking = program.run(&args).ends(2);
    assert!(
        lacking.err.contains("1 of 4 shares are missing: 1"),
        "{}",
        lacking.err
    );
}

#[test]
fn a_share_that_was_killed_is_begun_again() {
    let program = program();
    let one = run(&program, "verify", &["--json"]).out;
    let folder = share(&program, "verify", 3, &[]);
    let whole = program
        .home()
        .join(&folder)
        .join("verify-00001-of-00003.jsonl");
    let text = fs::read_to_string(&whole).unwrap();
    fs::remove_file(&whole).unwrap();
    fs::write(
        whole.with_extension("jsonl.part"),
        text.get(..text.len() / 2).unwrap(),
    )
    .unwrap();
    let lacking = program
        .run(&["verify", "merge", &folder, "-o", "all.jsonl"])
        .ends(2);
    assert!(
        lacking.err.contains("1 of 3 shares are missing: 1"),
        "{}",
        lacking.err
    );
    assert!(!program.home().join("all.jsonl").exists());
    let partial = program
        .run(&["verify", "merge", &folder, "--allow-partial"])
        .ends(1);
    assert!(
        partial.err.contains("share 1 of 3 is missing"),
        "{}",
        partial.err
    );
    share(&program, "verify", 3, &[]);
    assert_eq!(
        fs::read_to_string(&whole).unwrap(),
        text,
        "the same without doubles"
    );
    program
        .run(&["verify", "merge", &folder, "-o", "all.jsonl"])
        .ends(1);
    assert_eq!(
        fs::read_to_string(program.home().join("all.jsonl")).unwrap(),
        one
    );
    // a record more: the shares are of other inputs
    let rows = program.home().join("runs/output.jsonl");
    let longer = fs::read_to_string(&rows).unwrap() + "{}\n";
    fs::write(&rows, longer).unwrap();
    let refused = run(&program, "verify", &["--shard", "0/3", "--out", &folder]).ends(2);
    assert!(
        refused.err.contains("is of other inputs"),
        "{}",
        refused.err
    );
}

#[test]
fn heads_and_lines_are_as_the_schemas_say() {
    let program = program();
    for (command, sets) in [
        ("verify", ["verify-head", "verify-line"]),
        ("stats", ["stats-head", "stats-line"]),
    ] {
        let folder = share(&program, command, 2, &[]);
        let name = format!("{folder}/{command}-00000-of-00002.jsonl");
        let text = fs::read_to_string(program.home().join(name)).unwrap();
        for (line, of) in text.lines().zip(sets) {
            let line: Value = serde_json::from_str(line).unwrap();
            let schema = program.run(&["schema", of]).ends(0).out;
            let schema: Value = serde_json::from_str(&schema).unwrap();
            let known = schema["properties"].as_object().unwrap();
            for key in line.as_object().unwrap().keys() {
                assert!(known.contains_key(key), "{of}: {key}");
            }
        }
    }
}

#[track_caller]
fn refused(args: &[&str], words: &str) {
    let run = Program::new().run(args);
    assert_eq!(run.code, 2, "{args:?}");
    assert!(run.err.contains(words), "{args:?}: {}", run.err);
}

#[test]
fn what_cannot_be_asked() {
    let file = sample("chat");
    let file = file.as_str();
    refused(&["verify", file, "--shard", "0/3"], "--out");
    refused(&["verify", file, "--out", "x"], "--shard");
    refused(
        &["verify", file, "--shard", "0/3", "--out", "x", "--json"],
        "cannot be used",
    );
    refused(&["stats", file, "--partial"], "--out");
    refused(&["stats", file, "--out", "x"], "--partial");
    refused(
        &["stats", file, "--partial", "--out", "x", "--by", "model"],
        "cannot be used",
    );
    refused(&["stats", "merge", file], "holds no shares");
    refused(&["stats", "merge", "nowhere.jsonl"], "cannot be read");
    refused(&["verify", "merge", file], "holds no shares");
}
