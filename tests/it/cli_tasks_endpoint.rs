//! `hgview tasks build` with a model that describes, played by a scripted endpoint.

use std::fs;
use std::path::Path;

use hgview::endpoint::testing::Reply;
use hgview::endpoint::testing::Stub;
use serde_json::Value;

use crate::program::Program;

const SECRET: &str = "sk-secret-0123456789abcdef";

/// A folder with a package of so many functions.
fn package(program: &Program, functions: usize) {
    let text: Vec<String> = (0..functions)
        .map(|ix| {
            let docstring = format!("Gives back {ix} more than it was handed over.");
            format!(
                "def gnu{ix}(value):\n    \"\"\"{docstring}\"\"\"\n    return value + {ix}\n\n\n"
            )
        })
        .collect();
    program.file("repo/pkg/yak.py", text.concat());
}

/// Describes each function by its number; the first answer about one names it.
fn describer() -> Stub {
    let stub = Stub::start(|request, _| {
        let messages = request["messages"]
            .as_array()
            .map_or(&[][..], Vec::as_slice);
        let prompt = messages[0]["content"].as_str().unwrap_or_default();
        let name = prompt.split('`').nth(1).unwrap_or_default();
        let number = name.trim_start_matches("gnu");
        if messages.len() == 1 && number == "0" {
            return Reply::says("It is gnu0, which adds nothing to whatever it is handed over.");
        }
        Reply::says(&format!(
            "It adds the number {number} to whatever it is handed over by others."
        ))
    });
    stub.unwrap()
}

fn args<'a>(stub: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut args = vec![
        "tasks",
        "build",
        "repo",
        "-o",
        "out.jsonl",
        "--type",
        "func_localize",
    ];
    args.extend([
        "--endpoint",
        stub,
        "--model",
        "m-1",
        "--key-var",
        "STUB_KEY",
        "--tries",
        "1",
    ]);
    args.extend(more);
    args
}

fn rows(program: &Program) -> Vec<Value> {
    let text = fs::read_to_string(program.home().join("out.jsonl")).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// All files below a folder as one text.
fn all_text(folder: &Path) -> String {
    let entries = walkdir::WalkDir::new(folder)
        .into_iter()
        .map(Result::unwrap);
    let files = entries.filter(|entry| entry.file_type().is_file());
    files
        .map(|file| String::from_utf8_lossy(&fs::read(file.path()).unwrap()).into_owned())
        .collect()
}

#[test]
fn a_model_describes_and_is_asked_nothing_twice() {
    let program = Program::new();
    package(&program, 6);
    let stub = describer();
    let url = stub.url();
    let run = program
        .run_with(&args(&url, &[]), "STUB_KEY", SECRET)
        .ends(0);
    assert!(
        run.err
            .contains("m-1: 7 answers asked for and 0 known; 70 tokens read and 35 written"),
        "{}",
        run.err
    );
    let rows = rows(&program);
    assert_eq!(rows.len(), 6);
    for (ix, row) in rows.iter().enumerate() {
        let text = row.to_string();
        assert!(text.contains(&format!("adds the number {ix} to")), "{text}");
    }
    let bearer = format!("Bearer {SECRET}");
    assert!(
        stub.asked()
            .iter()
            .all(|asked| asked.header("authorization") == Some(&bearer))
    );
    let before = fs::read(program.home().join("out.jsonl")).unwrap();
    let again = program
        .run_with(&args(&url, &["--force"]), "STUB_KEY", SECRET)
        .ends(0);
    assert!(
        again.err.contains("0 answers asked for and 7 known"),
        "{}",
        again.err
    );
    assert_eq!(stub.count(), 7);
    assert_eq!(fs::read(program.home().join("out.jsonl")).unwrap(), before);
    let seen = all_text(program.home()) + &run.out + &run.err + &again.err;
    assert!(!seen.contains(SECRET));
}

#[test]
fn the_budget_bounds_what_is_asked() {
    let program = Program::new();
    package(&program, 6);
    let stub = describer();
    let url = stub.url();
    let more = ["--max-tokens-total", "45", "--jobs", "1"];
    let run = program
        .run_with(&args(&url, &more), "STUB_KEY", SECRET)
        .ends(0);
    assert!(
        run.err
            .contains("hgview: nothing more was asked for: 45 tokens were spent"),
        "{}",
        run.err
    );
    assert!(run.err.contains("nothing more is asked for"), "{}", run.err);
    assert_eq!(stub.count(), 3);
    let more = [
        "--max-cost",
        "0.05",
        "--price-in",
        "1000",
        "--price-out",
        "2000",
        "--jobs",
        "1",
        "--force",
    ];
    let run = program
        .run_with(&args(&url, &more), "STUB_KEY", SECRET)
        .ends(0);
    assert!(
        run.err
            .contains("nothing more was asked for: $0.06 were spent"),
        "{}",
        run.err
    );
    assert_eq!(stub.count(), 6);
}

#[test]
fn an_endpoint_that_fails_is_told() {
    let program = Program::new();
    package(&program, 6);
    let stub = Stub::start(|_, _| {
        Reply::Status(
            401,
            Vec::new(),
            format!("{{\"error\":{{\"message\":\"no {SECRET}\"}}}}"),
        )
    });
    let url = stub.unwrap();
    let (stub, url) = (&url, url.url());
    let run = program
        .run_with(&args(&url, &["--jobs", "1"]), "STUB_KEY", SECRET)
        .ends(1);
    assert!(
        run.err.contains(": 401 Unauthorized: no <key>"),
        "{}",
        run.err
    );
    assert!(!(all_text(program.home()) + &run.err).contains(SECRET));
    assert_eq!(stub.count(), 3);
    let run = program.run(&args(&url, &["--force"])).ends(2);
    assert_eq!(
        run.err.trim_end(),
        "hgview: the variable STUB_KEY is not set"
    );
    let run = program.run(&[
        "tasks",
        "build",
        "repo",
        "-o",
        "x.jsonl",
        "--endpoint",
        "http://me:pw@h/v1",
        "--model",
        "m",
    ]);
    assert!(
        run.err
            .contains("--endpoint has a name or a password in its URL"),
        "{}",
        run.err
    );
    assert!(!run.err.contains("pw@"), "{}", run.err);
    for wrong in [
        &["--endpoint", "http://h/v1"][..],
        &["--model", "m"],
        &[
            "--max-cost",
            "3",
            "--endpoint",
            "http://h/v1",
            "--model",
            "m",
        ],
        &["--max-cost", "-1"],
        &[
            "--endpoint",
            "http://h/v1",
            "--model",
            "m",
            "--descriptions",
            "d.jsonl",
        ],
    ] {
        let mut args = vec!["tasks", "build", "repo", "-o", "x.jsonl"];
        args.extend(wrong);
        program.run(&args).ends(2);
    }
    assert_eq!(stub.count(), 3);
}
