//! `hgview query`, `--where` of all commands, and what the documentation says of queries.

use std::fmt::Write as _;
use std::fs;

use serde_json::Value;

use crate::program::Program;
use crate::program::Run;
use crate::program::chat_row;
use crate::program::sample;

fn run(program: &Program, args: &[&str]) -> Run {
    program.run_with(args, "HGVIEW_REVIEWER", "ada")
}

fn attempts() -> String {
    sample("openhands-v0/output.jsonl")
}

#[track_caller]
fn ids(run: &Run) -> Vec<String> {
    let id = |row: Value| row["id"].as_str().unwrap().to_owned();
    run.json_lines().into_iter().map(id).collect()
}

#[test]
fn records_that_a_query_takes_are_named() {
    let program = Program::new();
    let all = run(&program, &["list", &attempts(), "--json"]).ends(0);
    let all = all.json_lines();
    let long: Vec<&str> = all
        .iter()
        .filter(|row| row["steps"].as_u64() > Some(4))
        .map(|row| row["id"].as_str().unwrap())
        .collect();
    assert!(!long.is_empty() && long.len() < all.len(), "{}", long.len());
    let found = run(&program, &["query", "steps > 4", &attempts(), "--json"]).ends(0);
    assert_eq!(ids(&found), long);
    let first = &found.json_lines()[0];
    assert!(
        first["reference"]
            .as_str()
            .unwrap()
            .ends_with(&format!("#{}", long[0]))
    );
    let count = run(&program, &["query", "steps > 4", &attempts(), "--count"]).ends(0);
    assert_eq!(count.out.trim(), long.len().to_string());
    let plain = run(&program, &["query", "steps > 4", &attempts()]).ends(0);
    assert_eq!(plain.out.lines().count(), long.len());
    let none = run(&program, &["query", "steps > 4k", &attempts()]).ends(1);
    assert_eq!(none.out, "");
}

#[test]
#[expect(clippy::too_many_lines, reason = "one command after the other")]
fn every_command_takes_where() {
    let program = Program::new();
    let path = program.file("runs/data.jsonl", fs::read(attempts()).unwrap());
    let path = path.to_str().unwrap();
    let wanted = ids(&run(&program, &["query", "steps > 4", path, "--json"]).ends(0));
    let listed = run(&program, &["list", path, "--where", "steps > 4", "--json"]).ends(0);
    assert_eq!(ids(&listed), wanted);
    let sorted = [
        "list",
        path,
        "--where",
        "steps > 4",
        "--sort",
        "steps",
        "--limit",
        "1",
        "--json",
    ];
    assert_eq!(run(&program, &sorted).ends(0).out.lines().count(), 1);
    let limited = [
        "list",
        path,
        "--where",
        "steps > 4",
        "--limit",
        "1",
        "--json",
    ];
    assert_eq!(ids(&run(&program, &limited).ends(0)), wanted[..1]);
    let judged = run(
        &program,
        &["verify", path, "--where", "steps > 4", "--json"],
    )
    .ends(0);
    assert_eq!(ids(&judged), wanted);
    let by_verdict = run(
        &program,
        &["list", path, "--where", "strict = accept", "--json"],
    )
    .ends(0);
    let strict = |row: &Value| row["verdicts"]["strict"] == "accept";
    assert!(by_verdict.json_lines().iter().all(strict));

    let shown = [
        "show",
        path,
        "--where",
        &format!("id = \"{}\" and nth > 0", wanted[0]),
    ];
    let several = run(&program, &shown);
    let is_one = several.code == 0 && several.out.contains(&wanted[0]);
    assert!(
        is_one || several.err.contains("for which --where holds"),
        "{}",
        several.err
    );
    let none = run(&program, &["show", path, "--where", "steps > 4k"]).ends(2);
    assert!(
        none.err.contains("no record for which --where holds"),
        "{}",
        none.err
    );

    let out = program.home().join("set.jsonl");
    let out = out.to_str().unwrap();
    let export = [
        "export",
        path,
        "-o",
        out,
        "--format",
        "raw",
        "--policy",
        "auto-only",
        "--where",
        "steps > 4",
        "--json",
    ];
    let report = run(&program, &export).ends(0).json_lines().remove(0);
    let outside = report["reasons"]
        .as_array()
        .unwrap()
        .iter()
        .find(|gone| gone["stage"] == "where");
    let outside = outside.unwrap()["records"].as_u64().unwrap();
    assert_eq!(
        report["in"].as_u64().unwrap() - outside,
        wanted.len() as u64
    );
    let manifest: Value =
        serde_json::from_str(&fs::read_to_string(format!("{out}.manifest.json")).unwrap()).unwrap();
    assert_eq!(manifest["where"], "steps > 4");
    assert!(
        manifest["dropped"]
            .as_array()
            .unwrap()
            .iter()
            .any(|gone| gone["reason"] == "not selected")
    );

    let agree = run(&program, &["agree", path, "--where", "steps > 4"]);
    assert!(agree.code < 2, "{}", agree.err);
}

#[test]
fn all_that_a_query_takes_are_marked_and_unmarked_at_once() {
    let program = Program::new();
    let path = program.file("data.jsonl", fs::read(attempts()).unwrap());
    let path = path.to_str().unwrap();
    let count = run(&program, &["query", "steps > 4", path, "--count"]).ends(0);
    let count = count.out.trim().to_owned();
    let mark = [
        "mark",
        path,
        "--where",
        "steps > 4",
        "skip",
        "--tag",
        "long",
    ];
    let dry = run(&program, &[&mark[..], &["--dry-run"]].concat()).ends(0);
    assert_eq!(dry.err, format!("hgview: would mark {count} records\n"));
    assert!(!program.home().join("data.jsonl.hgview").exists());
    let done = run(&program, &mark).ends(0);
    assert_eq!(done.out.lines().count().to_string(), count);
    assert_eq!(done.err, format!("hgview: marked {count} records\n"));
    let tagged = ["query", "decision = skip and tag = long", path, "--count"];
    assert_eq!(run(&program, &tagged).ends(0).out.trim(), count);
    let other = ["query", "tag = long", path, "--count", "--reviewer", "ben"];
    assert_eq!(run(&program, &other).ends(1).out.trim(), "0");
    let of_ada = [
        "query",
        "tag.ada = long",
        path,
        "--count",
        "--reviewer",
        "ben",
    ];
    assert_eq!(run(&program, &of_ada).ends(0).out.trim(), count);
    let none = run(&program, &["mark", path, "--where", "steps > 4k", "accept"]).ends(1);
    assert_eq!(none.err, "hgview: --where holds for no record\n");
    run(&program, &["mark", path, "--undo"]).ends(0);
    assert_eq!(run(&program, &tagged).ends(1).out.trim(), "0");
}

#[test]
fn what_is_wrong_is_marked_before_anything_is_read() {
    let program = Program::new();
    let run = run(
        &program,
        &[
            "list",
            "nowhere.jsonl",
            "--where",
            "task = dep_search and stpes > 40",
        ],
    )
    .ends(2);
    insta::assert_snapshot!(run.err, @r"
    hgview: --where, column 23: there is no field `stpes`
      task = dep_search and stpes > 40
                            ^^^^^
    hint: did you mean `steps`?
    ");
    let bare = program
        .run(&["list", "x.jsonl", "--where", "a\u{1b}[31m"])
        .ends(2);
    assert!(!bare.err.contains('\u{1b}'), "{}", bare.err);
}

#[test]
fn an_explanation_tells_types_and_what_is_read() {
    let program = Program::new();
    let query = "task = dep_search and steps > 40 and any(step.cmd ~ \"pytest\" and step.exit != 0) and not decision";
    let run = program.run(&["query", "--explain", query]).ends(0);
    insta::assert_snapshot!(run.out, @r#"
    and: all of these hold
      task = dep_search
        task (task type: what the task asks for) is “dep_search”; from the summary
      steps > 40
        steps (number: model responses) is more than 40; from the summary
      any(step.cmd ~ "pytest" and step.exit != 0)
        any (there is a step for which it holds) is true; reads every step
        and: all of these hold
          step.cmd ~ "pytest"
            step.cmd (text: the command) matches /pytest/, in any case; reads every step
          step.exit != 0
            step.exit (number: the command's exit status) is known and not 0; reads every step
      not: this is known and does not hold
        decision
          decision (decision: what you decided, or that reviewer) is known and not empty; reads the record

    reads every step at most; what costs least is asked first
    "#);
    let json = program
        .run(&["query", "--explain", query, "--json"])
        .ends(0);
    assert_eq!(json.json_lines()[0]["cost"], "whole");
    let fields = program.run(&["query", "--fields", "--json"]).ends(0);
    let fields = fields.json_lines();
    assert!(
        fields
            .iter()
            .any(|row| row["name"] == "decision, decision.NAME")
    );
    let plain = program.run(&["query", "--fields"]).ends(0);
    assert!(plain.out.lines().count() > fields.len());
    for of in ["query", "query-explain", "query-fields"] {
        let schema = program.run(&["schema", of]).ends(0);
        assert!(schema.out.contains("\"properties\""));
    }
}

/// The queries of README.md and of the help are queries, and the table of fields is that of the program.
#[test]
fn documented_queries_are_queries() {
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let (_, section) = readme.split_once("\n## Queries\n").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let (_, examples) = section.split_once("```text\n").unwrap();
    let (examples, _) = examples.split_once("```").unwrap();
    let program = Program::new();
    let mut seen = 0;
    for line in examples.lines() {
        let query = line.split("   #").next().unwrap().trim();
        program.run(&["query", "--explain", query]).ends(0);
        seen += 1;
    }
    assert!(seen > 8, "the examples were found");
    let (_, table) = section.split_once("<!-- fields -->\n").unwrap();
    let (table, _) = table.split_once("<!-- /fields -->").unwrap();
    let rows = program
        .run(&["query", "--fields", "--json"])
        .ends(0)
        .json_lines();
    let word = |row: &Value, key: &str| row[key].as_str().unwrap().to_owned();
    let mut want =
        String::from("| field | type | is | what is read |\n| --- | --- | --- | --- |\n");
    for row in &rows {
        let cost = match word(row, "cost").as_str() {
            "summary" => "the summary",
            "record" => "the record",
            "judging" => "the filter runs",
            _ => "every step",
        };
        let (name, kind, doc) = (word(row, "name"), word(row, "type"), word(row, "doc"));
        let name = name
            .split(", ")
            .map(|one| format!("`{one}`"))
            .collect::<Vec<_>>()
            .join(" ");
        writeln!(want, "| {name} | {kind} | {doc} | {cost} |").unwrap();
    }
    assert_eq!(
        table, want,
        "the table of fields is not that of the program"
    );
}

#[test]
fn a_wrong_query_in_the_settings_is_said() {
    let program = Program::new();
    program.file(
        ".config/hgview/config.toml",
        "[queues.mine]\nwhere = \"stpes > 4\"\n[queues.good]\nwhere = \"steps > 4\"\n",
    );
    let shown = program.run(&["config", "show"]).ends(1);
    let want = "config.toml:2: queue `mine`: `where`, column 1: there is no field `stpes`; did you mean `steps`?; the queue is left out";
    assert!(shown.err.contains(want), "{}", shown.err);
    assert!(!shown.err.contains("good"), "{}", shown.err);
}

#[test]
fn components_shares_and_flags_are_asked() {
    let program = Program::new();
    let looks = chat_row("o__r-1", &["ls src", "cat src/a.py"]);
    let works = chat_row("o__r-2", &["ls src", "pip install six", "pytest -q"]);
    let path = program.file("data.jsonl", looks + &works);
    let path = path.to_str().unwrap();
    let check = |query: &str, want: &[&str]| {
        let found = program.run(&["query", query, path, "--json"]);
        assert_eq!(
            found.code,
            i32::from(want.is_empty()),
            "{query}: {}",
            found.err
        );
        assert_eq!(ids(&found), want, "{query}");
    };
    check("share.exploration = 100%", &["o__r-1"]);
    check(
        "share.exploration < 50% and share.verification > 0.3",
        &["o__r-2"],
    );
    check("share.implementation > 0", &[]);
    check("any(step.component = verification)", &["o__r-2"]);
    check(
        "all(step.component in (exploration, reasoning) or step.kind = user)",
        &["o__r-1"],
    );
    check("count(step.component = exploration) = 2", &["o__r-1"]);
    let flagged = |program: &Program| {
        for query in ["flag = package_install", "any(step.flag = package_install)"] {
            let found = program.run(&["query", query, path, "--json"]).ends(0);
            assert_eq!(ids(&found), ["o__r-2"], "{query}");
        }
    };
    flagged(&program);
    check("first(step.flag) = 2 and flag", &["o__r-2"]);
    check("not flag", &["o__r-1"]);
    // a query is about all flags; what is switched off is only not shown and not counted
    program.file(
        ".config/hgview/config.toml",
        "[flags]\npackage_install = false\n",
    );
    flagged(&program);
    let list = program.run(&["list", path, "--json"]).ends(0);
    assert!(!list.out.contains("package_install"), "{}", list.out);
}
