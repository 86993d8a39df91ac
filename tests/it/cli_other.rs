//! Help, schemas, settings, themes, completions, the manual page.

use serde_json::Value;

use crate::program::Program;
use crate::program::sample;

#[test]
fn help_begins_with_examples() {
    let long = Program::new().run(&["--help"]).ends(0);
    assert!(long.out.starts_with("Examples:\n"), "{}", long.out);
    assert!(long.out.contains("Exit codes: 0 done"), "{}", long.out);
    let list = Program::new().run(&["list", "--help"]).ends(0);
    assert!(list.out.contains("1 done but some records"), "{}", list.out);
    let short = Program::new().run(&["-h"]).ends(0);
    assert!(short.out.lines().count() < long.out.lines().count());
    assert_eq!((long.err.as_str(), short.err.as_str()), ("", ""));
    assert!(
        Program::new()
            .run(&["--version"])
            .ends(0)
            .out
            .starts_with("hgview 0.")
    );
}

#[test]
fn wrong_arguments_are_told_what_was_meant() {
    let run = Program::new().run(&["list", "--jsn", "x"]).ends(2);
    assert!(
        run.err.starts_with("hgview: unexpected argument '--jsn'"),
        "{}",
        run.err
    );
    assert!(run.err.contains("--json"), "{}", run.err);
    assert!(run.err.contains("\nUsage: hgview list "), "{}", run.err);
    let run = Program::new()
        .run(&["list", "x", "--sort", "stepz"])
        .ends(2);
    assert!(run.err.contains("'steps'"), "{}", run.err);
}

/// A stand-in for a validator: all fields of an output are described, and all that must be there are.
#[track_caller]
fn matches(schema: &Value, value: &Value) {
    let properties = schema["properties"].as_object().unwrap();
    for key in value.as_object().unwrap().keys() {
        assert!(properties.contains_key(key), "{key} is not described");
    }
    for key in schema["required"].as_array().unwrap() {
        assert!(
            value.get(key.as_str().unwrap()).is_some(),
            "{key} is missing"
        );
    }
}

#[test]
fn schemas_describe_the_outputs() {
    let path = sample("openhands-v0/output.jsonl");
    for (name, args) in [
        ("list", vec!["list", "--json", "--limit", "1", &path]),
        ("show", vec!["show", "--json", "--nth", "1", &path]),
        (
            "show-step",
            vec!["show", "--json", "--nth", "1", "--step", "5", &path],
        ),
        (
            "show-file",
            vec!["show", "--json", "--nth", "1", "--file", "tides.py", &path],
        ),
        (
            "show-files",
            vec!["show", "--json", "--nth", "1", "--files", &path],
        ),
        (
            "mark",
            vec![
                "mark",
                "--json",
                "--nth",
                "1",
                &path,
                "reject",
                "--reason",
                "leak",
                "--review-dir",
                "reviews",
            ],
        ),
        ("themes", vec!["themes", "--json"]),
    ] {
        let schema = Program::new().run(&["schema", name]).ends(0).out;
        let schema: Value = serde_json::from_str(&schema).unwrap();
        let rows = Program::new().run(&args).ends(0).json_lines();
        assert!(!rows.is_empty(), "{name}");
        for row in &rows {
            matches(&schema, row);
        }
    }
}

#[test]
fn schema_lists_what_it_knows() {
    let run = Program::new().run(&["schema"]).ends(0);
    let names: Vec<&str> = run
        .out
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    let known = [
        "list",
        "show",
        "show-step",
        "search",
        "show-file",
        "show-files",
        "mark",
        "agree",
        "compare",
        "compare-runs",
        "export",
        "verify",
        "verify-head",
        "verify-line",
        "replay",
        "replay-plan",
        "replay-runs",
        "rollout",
        "query",
        "query-explain",
        "query-fields",
        "stats",
        "stats-head",
        "stats-line",
        "tasks-build",
        "tasks-list",
        "tasks-check",
        "sandbox-doctor",
        "themes",
    ];
    assert_eq!(names, known);
}

#[test]
fn settings_are_made_once_and_shown() {
    let program = Program::new();
    let path = program.run(&["config", "path"]).ends(0).out;
    assert_eq!(path, "HOME/.config/hgview/config.toml\n");
    let shown = program.run(&["config", "show"]).ends(0).out;
    assert!(
        shown.starts_with("# There is no HOME/.config/hgview/config.toml"),
        "{shown}"
    );
    assert_eq!(program.run(&["config", "init"]).ends(0).out, path);
    let again = program.run(&["config", "init"]).ends(2).err;
    assert!(again.contains("is there already\nhint: "), "{again}");
    assert!(
        program
            .run(&["config", "show"])
            .ends(0)
            .out
            .contains("# cache_mb = 256")
    );
    program.file(".config/hgview/config.toml", "wrap = 7\n");
    let run = program.run(&["config", "show"]).ends(1);
    assert!(
        run.err
            .contains("config.toml:1: `wrap` must be true or false"),
        "{}",
        run.err
    );
    let text =
        "wrap = true\ntheme = \"no-such\"\n[keys]\nj = \"no-such-command\"\n\"C-x-\" = \"down\"\n";
    program.file(".config/hgview/config.toml", text);
    let run = program.run(&["config", "show"]).ends(1);
    for (line, what) in [(2, "no-such"), (4, "no-such-command"), (5, "C-x-")] {
        let start = format!("hgview: HOME/.config/hgview/config.toml:{line}: ");
        let found = run.err.lines().find(|found| found.starts_with(&start));
        assert!(
            found.is_some_and(|found| found.contains(what)),
            "{}",
            run.err
        );
    }
    assert_eq!(run.err.lines().count(), 3, "{}", run.err);
    let moved = program
        .run_with(&["config", "path"], "XDG_CONFIG_HOME", "/elsewhere")
        .ends(0);
    assert_eq!(moved.out, "/elsewhere/hgview/config.toml\n");
}

#[test]
fn there_are_themes() {
    let rows = Program::new()
        .run(&["themes", "--json"])
        .ends(0)
        .json_lines();
    assert!(rows.len() >= 4);
    assert!(rows.iter().any(|row| row["background"] == "light"));
    let table = Program::new().run(&["themes"]).ends(0).out;
    assert_eq!(table.lines().count(), rows.len());
}

#[test]
fn completions_and_the_manual_know_every_command() {
    let commands = [
        "list",
        "show",
        "schema",
        "themes",
        "config",
        "completions",
        "man",
    ];
    let man = Program::new().run(&["man"]).ends(0).out;
    for shell in ["bash", "zsh", "fish"] {
        let script = Program::new().run(&["completions", shell]).ends(0).out;
        for command in commands {
            assert!(script.contains(command), "{shell} lacks {command}");
        }
    }
    for command in commands {
        let heading = format!(".SH \"HGVIEW {}\"", command.to_uppercase());
        assert!(man.contains(&heading), "the manual lacks {command}");
    }
}
