//! `hgview mark`: decisions without the screen.

use std::fs;

use serde_json::Value;
use serde_json::json;

use crate::program::Program;
use crate::program::Run;
use crate::program::sample;

/// One record a line: the id and what makes it different.
fn records(records: &[(&str, &str)]) -> String {
    let record = |(id, text): &(&str, &str)| {
        let message = |role: &str, text: &str| json!({"role": role, "content": text});
        let messages = [
            message("user", "go on"),
            message("assistant", text),
            message("assistant", "done"),
        ];
        json!({"instance_id": id, "messages": messages}).to_string() + "\n"
    };
    records.iter().map(record).collect()
}

/// A home with `data.jsonl`: two attempts of one task and one of another.
fn home() -> Program {
    let program = Program::new();
    program.file(
        "data.jsonl",
        records(&[("one", "a"), ("two", "b"), ("two", "c")]),
    );
    program
}

fn mark(program: &Program, args: &[&str]) -> Run {
    let args = [&["mark", "data.jsonl"], args].concat();
    program.run_with(&args, "HGVIEW_REVIEWER", "ada")
}

/// What the reviewer says afterwards.
#[track_caller]
fn state(program: &Program, args: &[&str]) -> Value {
    let args = [args, &["--json"]].concat();
    let row = mark(program, &args).ends(0).json_lines().remove(0);
    row["records"][0]["state"].clone()
}

fn journal(program: &Program) -> Vec<Value> {
    let text = fs::read_to_string(program.home().join("data.jsonl.hgview/decisions.ada.jsonl"));
    let lines = text.unwrap_or_default();
    lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn a_decision_is_a_line() {
    let program = home();
    let args = [
        "--id",
        "one",
        "reject",
        "--reason",
        "wrong place",
        "--tag",
        "easy",
        "--note",
        "why not",
    ];
    let run = mark(&program, &args).ends(0);
    assert_eq!(
        run.out,
        "one: rejected by ada: wrong place, tagged easy, note: why not\n"
    );
    assert_eq!(run.err, "");
    let lines = journal(&program);
    let [line] = lines.as_slice() else {
        panic!("{lines:?}");
    };
    assert_eq!(line["v"], 1);
    assert_eq!(line["reviewer"], "ada");
    assert_eq!(
        (&line["decision"], &line["reason"]),
        (&json!("reject"), &json!("wrong place"))
    );
    assert_eq!(
        (&line["tags"], &line["note"]),
        (&json!(["easy"]), &json!("why not"))
    );
    assert_eq!(line.get("flag"), None, "what is not said is not there");
    let data = fs::read_to_string(program.home().join("data.jsonl")).unwrap();
    let hash = hgview::model::ContentHash::of(data.lines().next().unwrap().as_bytes());
    let record = json!({"sha256": hash.to_string(), "id": "one", "path": "data.jsonl", "nth": 1});
    assert_eq!(line["record"], record);
}

#[test]
fn what_is_said_adds_up() {
    let program = home();
    state(&program, &["--id", "one", "reject", "--reason", "leak"]);
    state(
        &program,
        &["--id", "one", "--tag", "a", "--tag", "b", "--flag"],
    );
    state(
        &program,
        &["--id", "one", "--step", "0-1:context", "--step", "1:drop"],
    );
    let found = state(&program, &["--id", "one", "--untag", "a", "--tag", "c"]);
    assert_eq!(found["decision"], "reject");
    assert_eq!(found["reason"], "leak");
    assert_eq!(found["tags"], json!(["b", "c"]));
    assert_eq!(found["flag"], true);
    assert_eq!(found["masks"], json!({"1": "drop"}));
    let found = state(
        &program,
        &["--id", "one", "clear", "--unflag", "--step", "0:none"],
    );
    assert_eq!(
        (&found["decision"], &found["reason"], &found["flag"]),
        (&Value::Null, &Value::Null, &json!(false))
    );
    assert_eq!(found["masks"], json!({"1": "drop"}));
    assert_eq!(journal(&program).len(), 5);
}

#[test]
fn several_attempts_are_told_apart() {
    let program = home();
    let run = mark(&program, &["--id", "two", "accept"]).ends(2);
    assert!(
        run.err.contains(
            "2 records of data.jsonl have the id two; say which one\nhint: --nth 2\nhint: --nth 3\n"
        ),
        "{}",
        run.err
    );
    let run = mark(&program, &["accept"]).ends(2);
    assert!(run.err.contains("hint: --nth 1 is one"), "{}", run.err);
    mark(&program, &["--id", "one", "--nth", "3", "accept"]).ends(2);
    mark(&program, &["--nth", "4", "accept"]).ends(2);
    mark(&program, &["--id", "three", "accept"]).ends(2);
    assert_eq!(
        journal(&program),
        Vec::<Value>::new(),
        "nothing was written"
    );
    assert_eq!(
        state(&program, &["--id", "two", "--nth", "3", "accept"])["decision"],
        "accept"
    );
    assert_eq!(
        state(&program, &["--nth", "2", "--flag"])["decision"],
        Value::Null
    );
}

#[test]
fn undo_and_redo_go_back_and_forth() {
    let program = home();
    mark(&program, &["--undo"]).ends(1);
    mark(&program, &["--id", "one", "accept"]).ends(0);
    mark(&program, &["--id", "one", "reject", "--reason", "loop"]).ends(0);
    let undo = |want: &str| assert_eq!(mark(&program, &["--undo"]).ends(0).out, want);
    undo("undo: one: accepted by ada\n");
    undo("undo: one: not decided by ada\n");
    let run = mark(&program, &["--undo", "--json"]).ends(1);
    assert!(run.err.contains("nothing of ada to undo"), "{}", run.err);
    assert_eq!(run.json_lines()[0]["did"], "nothing");
    mark(&program, &["--redo"]).ends(0);
    assert_eq!(
        mark(&program, &["--redo"]).ends(0).out,
        "redo: one: rejected by ada: loop\n"
    );
    mark(&program, &["--redo"]).ends(1);
    assert_eq!(
        journal(&program).len(),
        6,
        "nothing is ever taken out of the journal"
    );
    mark(&program, &["--undo", "--id", "one"]).ends(2);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let program = home();
    for (args, words) in [
        (vec!["--id", "one"], "there is nothing to record"),
        (
            vec!["--id", "one", "--reason", "leak"],
            "no decision to give a reason for",
        ),
        (
            vec!["--id", "one", "skip", "--adjudicates", "ben"],
            "--adjudicates needs a decision",
        ),
        (vec!["--id", "one", "--step", "9:drop"], "one has no step 9"),
        (
            vec!["--id", "one", "--step", "0:learn"],
            "masks train, context, drop and none",
        ),
        (
            vec!["--id", "one", "--flag", "--unflag"],
            "cannot be used with",
        ),
        (vec!["--id", "one", "maybe"], "invalid value 'maybe'"),
        (
            vec!["--id", "one", "accept", "--reviewer", " "],
            "a reviewer's name is empty",
        ),
    ] {
        let run = mark(&program, &args).ends(2);
        assert!(run.err.contains(words), "{args:?}\n{}", run.err);
    }
    assert!(!program.home().join("data.jsonl.hgview").exists());
}

#[test]
fn the_reviewer_comes_from_flag_variable_settings_or_user() {
    let program = home();
    let who = |run: Run| {
        run.ends(0).json_lines()[0]["reviewer"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let args = ["mark", "data.jsonl", "--nth", "1", "accept", "--json"];
    assert_eq!(who(program.run_with(&args, "USER", "zoe")), "zoe");
    program.file(
        ".config/hgview/config.toml",
        "[review]\nreviewer = \"cleo\"\n",
    );
    assert_eq!(who(program.run_with(&args, "USER", "zoe")), "cleo");
    assert_eq!(
        who(program.run_with(&args, "HGVIEW_REVIEWER", "ben")),
        "ben"
    );
    let named = [&args[..], &["--reviewer", "Łucja / x"]].concat();
    assert_eq!(
        who(program.run_with(&named, "HGVIEW_REVIEWER", "ben")),
        "Łucja / x"
    );
    let file = "data.jsonl.hgview/decisions.%c5%81ucja%20%2f%20x.jsonl";
    assert!(program.home().join(file).is_file());
}

/// The decision is on the content: it stays when the file is turned round, split or packed, and is not inherited by what
/// was made anew.
#[test]
fn decisions_follow_the_content() {
    let program = home();
    mark(&program, &["--nth", "1", "reject", "--reason", "leak"]).ends(0);
    let tag = |path: &str, nth: &str| {
        let args = ["mark", path, "--nth", nth, "--tag", "x", "--json"];
        let row = program
            .run_with(&args, "HGVIEW_REVIEWER", "ada")
            .ends(0)
            .json_lines()
            .remove(0);
        row["records"][0]["state"]["decision"].clone()
    };
    program.file("data.jsonl", records(&[("two", "b"), ("one", "a")]));
    assert_eq!(tag("data.jsonl", "2"), "reject");
    assert_eq!(tag("data.jsonl", "1"), Value::Null);
    let packed = zstd::encode_all(records(&[("one", "a")]).as_bytes(), 3).unwrap();
    fs::remove_file(program.home().join("data.jsonl")).unwrap();
    program.file("data.jsonl.zst", packed);
    assert_eq!(tag("data.jsonl.zst", "1"), "reject");
    program.file("data.jsonl", records(&[("one", "made anew")]));
    assert_eq!(tag("data.jsonl", "1"), Value::Null);
    let run = program.run(&["agree", "data.jsonl"]).ends(1);
    assert!(
        run.out.contains("decided records are not in this data"),
        "{}",
        run.out
    );
}

#[test]
fn standard_input_has_a_place_too() {
    let program = Program::new();
    let data = records(&[("one", "a"), ("two", "b")]);
    let run = program
        .feed(
            &[
                "mark",
                "-",
                "--nth",
                "1",
                "accept",
                "--reviewer",
                "ada",
                "--json",
            ],
            data.as_bytes(),
        )
        .ends(0);
    assert!(
        run.err
            .contains("decisions on standard input are in HOME/.local/share/hgview/reviews/stdin"),
        "{}",
        run.err
    );
    // it stays there: files that somebody names later know nothing of it
    program.file("data.jsonl", data);
    let found = state(&program, &["--nth", "1", "--flag"]);
    assert_eq!(found["decision"], Value::Null);
    let chosen = [
        "mark",
        "data.jsonl",
        "--nth",
        "1",
        "accept",
        "--reviewer",
        "ada",
        "--review-dir",
        "mine",
    ];
    program.run(&chosen).ends(0);
    assert!(program.home().join("mine/decisions.ada.jsonl").is_file());
}

/// What a journal holds may come from anybody: nothing of it reaches the terminal as a control sequence.
#[test]
fn journals_are_cleaned_before_they_are_shown() {
    let program = home();
    let run = mark(
        &program,
        &[
            "--id",
            "one",
            "reject",
            "--reason",
            "\u{1b}[31mred\u{7}",
            "--note",
            "a\nb",
        ],
    )
    .ends(0);
    assert!(
        !run.out.contains('\u{1b}') && !run.out.contains('\u{7}'),
        "{:?}",
        run.out
    );
    assert_eq!(run.out.lines().count(), 1);
}

#[test]
fn nobody_decides_on_tasks() {
    let program = Program::new();
    let tasks = fs::read(sample("../tests/data/tasks.jsonl")).unwrap();
    program.file("data.jsonl", tasks);
    let run = mark(&program, &["--nth", "1", "accept"]).ends(2);
    assert!(run.err.contains("no attempt"), "{}", run.err);
    let run = mark(&program, &["--where", "format = task", "reject"]).ends(1);
    assert!(run.err.contains("passed over"), "{}", run.err);
    assert!(journal(&program).is_empty());
    mark(&program, &["--nth", "1", "--note", "vague"]).ends(0);
    assert_eq!(journal(&program).len(), 1);
}
