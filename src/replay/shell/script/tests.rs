use serde::Deserialize;

use super::*;

/// A row of `tests/data/shell-splits.jsonl`: what `bashlex` 0.18 and OpenHands 0.40's functions on top of it made of a text.
#[derive(Deserialize)]
struct Row {
    command: String,
    split: Vec<String>,
    escaped: Option<String>,
}

#[test]
fn texts_are_read_as_bashlex_reads_them() {
    let rows = include_str!("../../../../tests/data/shell-splits.jsonl");
    let mut wrong = Vec::new();
    for line in rows.lines().skip(1) {
        let row: Row = serde_json::from_str(line).unwrap();
        let ours = split(&row.command);
        if ours != row.split && !(row.command.is_empty() && ours == [""]) {
            wrong.push(format!(
                "{:?}: {ours:?} is not {:?}",
                row.command, row.split
            ));
        }
        let ours = escape(&row.command).ok();
        if ours != row.escaped {
            wrong.push(format!(
                "{:?}: {ours:?} is not {:?}",
                row.command, row.escaped
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn hostile_text_is_one_command() {
    for text in [
        "$(".repeat(100_000),
        "{ ".repeat(100_000),
        "((((".repeat(50_000),
        "<<A ".repeat(1000),
    ] {
        assert_eq!(split(&text), std::slice::from_ref(&text));
        assert_eq!(escape(&text).as_deref(), Ok(text.as_str()));
    }
}
