//! `hgview stats`: the same numbers in every form.

use std::fs;

use hgview::behave::flags::FLAGS;

use crate::program::Program;
use crate::program::chat_row;
use crate::program::sample;
use crate::program::shared;

fn inputs() -> [String; 3] {
    ["openhands-v0/output.jsonl", "chat", "swe-agent"].map(sample)
}

fn args<'a>(inputs: &'a [String], more: &[&'a str]) -> Vec<&'a str> {
    let mut args = vec!["stats"];
    args.extend(inputs.iter().map(String::as_str));
    args.extend(more);
    args
}

#[test]
fn text_with_charts() {
    let (program, inputs) = (Program::new(), inputs());
    let run = program.run(&args(&inputs, &["--by", "format"])).ends(0);
    insta::assert_snapshot!("stats_text", run.out);
    let run = program
        .run(&args(&inputs, &["--section", "flags,time", "--ascii"]))
        .ends(0);
    assert!(run.out.is_ascii(), "{}", run.out);
    insta::assert_snapshot!("stats_ascii", run.out);
    let c = program
        .run_with(&args(&inputs, &["--section", "flags"]), "LC_ALL", "C")
        .ends(0);
    assert!(c.out.is_ascii(), "{}", c.out);
}

#[test]
fn markdown() {
    let (program, inputs) = (Program::new(), inputs());
    let more = [
        "--by",
        "format",
        "--markdown",
        "--section",
        "overview,behaviour,flags",
    ];
    let run = program.run(&args(&inputs, &more)).ends(0);
    insta::assert_snapshot!("stats_markdown", run.out);
}

#[test]
fn json_and_csv_tell_the_same() {
    let (program, inputs) = (Program::new(), inputs());
    let json = program
        .run(&args(&inputs, &["--by", "format", "--json"]))
        .ends(0);
    let json = &json.json_lines()[0];
    let all = json["records"].as_u64().unwrap();
    let groups = json["groups"].as_array().unwrap();
    let sum: u64 = groups
        .iter()
        .map(|group| group["records"].as_u64().unwrap())
        .sum();
    assert_eq!((sum, json["total"]["records"].as_u64()), (all, Some(all)));
    let run = program
        .run(&args(&inputs, &["--by", "format", "--csv"]))
        .ends(0);
    let mut lines = run.out.lines();
    assert!(
        lines
            .next()
            .unwrap()
            .starts_with("of,format,records,median_actions")
    );
    assert!(lines.next().unwrap().starts_with(&format!("all,,{all},")));
    assert_eq!(lines.count(), groups.len());
    for part in [
        "overview",
        "distributions",
        "time",
        "flags",
        "agreement",
        "coverage",
    ] {
        let run = program
            .run(&args(&inputs, &["--csv", "--section", part]))
            .ends(0);
        assert!(run.out.lines().count() > 1, "{part}\n{}", run.out);
    }
    let twice = program
        .run(&args(&inputs, &["--csv", "--section", "flags,time"]))
        .ends(2);
    assert!(twice.err.contains("--csv prints one part"), "{}", twice.err);
}

#[test]
fn decisions_and_filters_make_the_outcome() {
    let program = Program::new();
    let data = program.file(
        "data.jsonl",
        fs::read(sample("openhands-v0/output.jsonl")).unwrap(),
    );
    let data = data.to_str().unwrap();
    program.run(&["mark", data, "--nth", "1", "reject"]).ends(0);
    program.run(&["mark", data, "--nth", "2", "accept"]).ends(0);
    let rates = |more: &[&str]| {
        let mut args = vec!["stats", data, "--json"];
        args.extend(more);
        let run = program.run(&args).ends(0);
        run.json_lines()[0]["total"]["rates"].clone()
    };
    let plain = rates(&[]);
    assert_eq!(
        (&plain["decision"]["count"], &plain["decision"]["of"]),
        (&1.into(), &2.into())
    );
    let people = rates(&["--policy", "human-only"]);
    assert_eq!(people["outcome"]["of"], 2);
    let resolved = rates(&["--policy", "auto-only", "--filter", "resolved"]);
    assert_eq!(resolved["outcome"]["count"], resolved["resolved"]["count"]);
}

#[test]
fn a_report_is_one_file_that_needs_nothing_else() {
    let (program, inputs) = (Program::new(), inputs());
    let run = program
        .run(&args(&inputs, &["--by", "format", "--html", "out.html"]))
        .ends(0);
    assert_eq!(
        (run.out.as_str(), run.err.as_str()),
        ("", "wrote out.html\n")
    );
    let path = program.home().join("out.html");
    let page = fs::read_to_string(&path).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"));
    assert!(
        !page.contains("http") && !page.contains("<script"),
        "nothing is fetched"
    );
    for part in [
        "overview",
        "behaviour",
        "distributions",
        "time",
        "flags",
        "agreement",
        "coverage",
    ] {
        assert!(page.contains(&format!("<section id=\"{part}\">")), "{part}");
    }
    fs::write(&path, "mine").unwrap();
    let again = program.run(&args(&inputs, &["--html", "out.html"])).ends(2);
    assert!(again.err.contains("exists already"), "{}", again.err);
    assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
    program
        .run(&args(&inputs, &["--html", "out.html", "--force"]))
        .ends(0);
    assert!(
        fs::read_to_string(&path)
            .unwrap()
            .starts_with("<!DOCTYPE html>")
    );
    let streamed = program.run(&args(&inputs, &["--html", "-"])).ends(0);
    assert!(streamed.out.ends_with("</html>\n") && streamed.err.is_empty());
    let left = fs::read_dir(program.home()).unwrap().count();
    // the page and the caches
    assert!(left <= 3, "{left}");
}

#[test]
fn an_input_is_never_written_over() {
    let program = Program::new();
    program.file(
        "data.jsonl",
        fs::read(sample("openhands-v0/output.jsonl")).unwrap(),
    );
    let run = program
        .run(&["stats", "data.jsonl", "--html", "data.jsonl", "--force"])
        .ends(2);
    assert!(run.err.contains("is one of the inputs"), "{}", run.err);
}

#[test]
fn what_cannot_be_read_is_counted() {
    let run = Program::new()
        .run(&["stats", &sample("faults/mixed.jsonl"), "--json"])
        .ends(1);
    let json = &run.json_lines()[0];
    let (asked, records, faults) = (&json["asked"], &json["records"], &json["faults"]);
    assert!(faults.as_u64().unwrap() > 0);
    assert_eq!(
        asked.as_u64(),
        Some(records.as_u64().unwrap() + faults.as_u64().unwrap())
    );
}

#[test]
fn groupings_are_one_or_two() {
    let (program, inputs) = (Program::new(), inputs());
    for (by, words) in [("repo,repo", "twice"), ("repo,model,path", "one or two")] {
        let run = program.run(&args(&inputs, &["--by", by])).ends(2);
        assert!(run.err.contains(words), "{}", run.err);
    }
    program.run(&args(&inputs, &["--by", "colour"])).ends(2);
}

#[test]
fn every_corpus_file_is_counted() {
    let Some(corpus) = shared().map(|shared| shared.join("corpus")) else {
        eprintln!("skipped: no shared data");
        return;
    };
    let corpus = corpus.to_str().unwrap();
    let program = Program::new();
    let once = program.run(&["stats", corpus, "--by", "format,flag", "--json"]);
    assert!(once.code < 2, "{}", once.err);
    let again = program.run(&["stats", corpus, "--by", "format,flag", "--json"]);
    assert_eq!(once.out, again.out, "the same inputs give the same numbers");
    assert!(once.json_lines()[0]["records"].as_u64().unwrap() > 100);
}

#[test]
fn only_records_for_which_the_query_holds_are_counted() {
    let program = Program::new();
    let rows = chat_row("o__r-1", &["ls src"]) + &chat_row("o__r-2", &["ls src", "cat src/a.py"]);
    program.file("data.jsonl", rows);
    let records = |query: &str| {
        let run = program.run(&["stats", "data.jsonl", "--json", "--where", query]);
        run.ends(0).json_lines()[0]["records"].clone()
    };
    assert_eq!(records("steps > 0"), 2);
    assert_eq!(records("any(step.cmd ~ cat)"), 1);
    assert_eq!(records("steps > 4k"), 0);
    let html = ["stats", "data.jsonl", "--html", "-", "--where", "steps < 3"];
    let page = program.run(&html).ends(0).out;
    assert!(
        page.contains("1 record of data.jsonl for which steps &lt; 3"),
        "{page}"
    );
    let wrong = program
        .run(&["stats", "x.jsonl", "--where", "stpes > 1"])
        .ends(2);
    assert!(wrong.err.contains("did you mean `steps`"), "{}", wrong.err);
}

#[test]
fn flags_that_are_switched_off_are_not_counted() {
    let program = Program::new();
    program.file(
        "data.jsonl",
        chat_row("o__r-1", &["ls src", "pip install six"]),
    );
    let told = || {
        let run = program
            .run(&["stats", "data.jsonl", "--json", "--by", "flag"])
            .ends(0);
        let told = run.json_lines().remove(0);
        let flags = told["total"]["flags"].as_array().unwrap().clone();
        let count = |name: &str| {
            let row = flags.iter().find(|row| row["flag"] == name);
            row.map(|row| row["count"].as_u64().unwrap())
        };
        let counts = ["package_install", "failed_edit_claimed"].map(count);
        (
            counts,
            told["flags_off"].clone(),
            told["groups"].to_string(),
        )
    };
    let (counts, off, groups) = told();
    assert_eq!(counts, [Some(1), None]);
    let by_default = FLAGS.iter().filter(|rule| !rule.is_default);
    let by_default: Vec<&str> = by_default.map(|rule| rule.kind.name()).collect();
    assert!(
        by_default.contains(&"failed_edit_claimed"),
        "{by_default:?}"
    );
    assert_eq!(off, serde_json::json!(by_default));
    assert!(groups.contains("package_install"), "{groups}");
    let on = by_default.join(" = true\n");
    let settings = format!("[flags]\npackage_install = false\n{on} = true\n");
    program.file(".config/hgview/config.toml", settings);
    let (counts, off, groups) = told();
    assert_eq!(counts, [None, Some(0)]);
    assert_eq!(off, serde_json::json!(["package_install"]));
    assert!(!groups.contains("\"package_install\""), "{groups}");
    let args = ["stats", "data.jsonl", "--section", "flags"];
    let text = program.run(&args).ends(0).out;
    assert!(
        text.contains("switched off, not counted: package_install"),
        "{text}"
    );
}

#[test]
fn tasks_are_no_attempts() {
    let inputs = ["openhands-v0/output.jsonl", "../tests/data/tasks.jsonl"].map(sample);
    let program = Program::new();
    let [of_runs, of_both] = [&inputs[..1], &inputs[..]].map(|inputs| {
        let run = program.run(&args(inputs, &["--json"])).ends(0);
        run.json_lines().remove(0)["records"].clone()
    });
    assert!(of_runs.as_u64() > Some(0), "{of_runs}");
    assert_eq!(of_both, of_runs);
    let none = program.run(&args(&inputs[1..], &["--json"])).ends(0);
    assert_eq!(none.json_lines()[0]["records"], 0);
}
