//! `hgview search`: lines, JSON, options, exit codes.

use serde_json::Value;

use crate::program::Program;
use crate::program::chat_row;

fn samples(name: &str) -> String {
    format!("{}/samples/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[track_caller]
fn search(args: &[&str], code: i32) -> (String, String) {
    let program = Program::new();
    let mut all = vec!["search"];
    all.extend(args);
    let run = program.run(&all).ends(code);
    let root = env!("CARGO_MANIFEST_DIR");
    (run.out.replace(root, "ROOT"), run.err.replace(root, "ROOT"))
}

#[test]
fn every_step_that_matches_is_a_line() {
    let path = samples("openhands-v0/attempts.jsonl.gz");
    let (out, err) = search(&["git diff", &path], 0);
    let root = "ROOT/samples/openhands-v0/attempts.jsonl.gz:";
    assert!(
        !out.is_empty() && out.lines().all(|line| line.starts_with(root)),
        "{out}"
    );
    assert!(out.lines().all(|line| line.contains("git diff")), "{out}");
    assert_eq!(err, "");
    let (count, _) = search(&["git diff", &path, "--count"], 0);
    assert_eq!(count.trim(), out.lines().count().to_string());
    let (one, _) = search(&["git diff", &path, "-m", "1"], 0);
    assert_eq!(
        one.lines().collect::<Vec<_>>(),
        [out.lines().next().unwrap()]
    );
}

#[test]
fn json_rows_lead_back_to_their_steps() {
    let path = samples("openhands-v1/rows.jsonl");
    let path = if std::path::Path::new(&path).exists() {
        path
    } else {
        samples("openhands-v1")
    };
    let program = Program::new();
    let run = program
        .run(&["search", "--json", "--in", "actions", "command", &path])
        .ends(0);
    let rows: Vec<Value> = run
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let row = rows.first().unwrap();
    assert_eq!(row["place"], "actions");
    let (nth, step) = (row["nth"].to_string(), row["step"].to_string());
    let args = ["show", &path, "--nth", &nth, "--step", &step, "--json"];
    let step: Value = serde_json::from_str(&program.run(&args).ends(0).out).unwrap();
    assert!(step["actions"].to_string().contains("command"), "{step}");
}

#[test]
fn nothing_found_is_told_by_the_exit_code() {
    let path = samples("chat/tool_calls.jsonl");
    let (out, err) = search(&["no such words anywhere", &path], 1);
    assert_eq!((out.as_str(), err.as_str()), ("", ""));
    let (count, _) = search(&["no such words anywhere", &path, "-c"], 1);
    assert_eq!(count, "0\n");
}

#[test]
fn what_is_wrong_is_said() {
    let path = samples("chat/tool_calls.jsonl");
    let (_, err) = search(&["a(b", &path], 2);
    assert!(
        err.contains("no regular expression") && err.contains("--fixed-strings"),
        "{err}"
    );
    let (_, err) = search(&["a", &path, "--in", "words"], 2);
    assert!(err.contains("words") && err.contains("thoughts"), "{err}");
    let (_, err) = search(&["a", "missing.jsonl"], 2);
    assert!(err.contains("missing.jsonl"), "{err}");
    let (_, err) = search(&["no such word", &samples("faults/torn.jsonl")], 1);
    assert!(err.contains("cannot be read"), "{err}");
}

#[test]
fn no_control_sequence_is_printed() {
    let path = samples("faults/control_sequences.jsonl");
    for option in ["--color=never", "--json", "--records"] {
        let (out, _) = search(&[".", &path, option], 0);
        assert!(
            !out.contains('\u{1b}') && !out.contains('\u{9b}'),
            "{out:?}"
        );
    }
    let (out, _) = search(&[".", &path, "--color=always"], 0);
    assert!(
        out.contains("\u{1b}[1m\u{1b}[31m"),
        "matches are marked: {out:?}"
    );
}

#[test]
fn standard_input_is_searched() {
    let program = Program::new();
    let row = br#"{"messages":[{"role":"user","content":"go"},{"role":"assistant","content":"found it"}]}"#;
    let run = program.feed(&["search", "found", "-"], row).ends(0);
    assert_eq!(run.out, "-:1#stdin@1: found it\n");
}

#[test]
fn only_records_for_which_the_query_holds_are_searched() {
    let program = Program::new();
    let rows = chat_row("o__r-1", &["ls src"]) + &chat_row("o__r-2", &["ls src", "cat src/a.py"]);
    program.file("data.jsonl", rows);
    let found = |query: &str, code: i32| {
        let args = ["search", "ls src", "data.jsonl", "--json", "--where", query];
        let rows = program.run(&args).ends(code).json_lines();
        let ids = rows
            .iter()
            .map(|row| row["id"].as_str().unwrap().to_owned());
        ids.collect::<Vec<_>>()
    };
    assert_eq!(found("steps > 0", 0), ["o__r-1", "o__r-2"]);
    assert_eq!(found("steps > 2", 0), ["o__r-2"]);
    assert_eq!(found("not any(step.cmd ~ cat)", 0), ["o__r-1"]);
    assert_eq!(found("steps > 4k", 1), Vec::<String>::new());
    let args = ["search", "ls", "data.jsonl", "--where", "stpes > 1"];
    let wrong = program.run(&args).ends(2);
    assert!(wrong.err.contains("did you mean `steps`"), "{}", wrong.err);
}
