//! `hgview export`.

use std::path::Path;

use serde_json::Value;
use serde_json::json;

use hgview::export::MaskPlace;

use crate::program::Program;
use crate::program::Run;
use crate::program::sample;
use crate::program::shared;

fn rows(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn read(program: &Program, name: &str) -> Vec<u8> {
    std::fs::read(program.home().join(name)).unwrap()
}

#[track_caller]
fn export(program: &Program, args: &[&str]) -> Run {
    let all: Vec<&str> = std::iter::once("export")
        .chain(args.iter().copied())
        .collect();
    program.run(&all)
}

fn talk(id: &str, resolved: bool, said: &str) -> String {
    json!({
        "instance_id": id,
        "resolved": resolved,
        "messages": [
            {"role": "system", "content": "S"},
            {"role": "user", "content": "U"},
            {"role": "assistant", "content": said, "tool_calls": [
                {"id": "1", "type": "function", "function": {"name": "bash", "arguments": "{\"command\": \"ls\", \"n\": 1.50}"}}]},
            {"role": "tool", "tool_call_id": "1", "name": "bash", "content": "out"},
            {"role": "assistant", "content": "Done."},
        ],
        "tools": [{"type": "function", "function": {"name": "bash", "description": "Runs.", "parameters": {"type": "object", "properties": {}}}}],
    })
    .to_string()
}

/// Four attempts at three tasks of two repositories; the third line is torn.
fn run_file() -> String {
    [
        talk("o__a-1", true, "First."),
        talk("o__a-1", false, "Second, longer."),
        "{\"instance_id\": \"o__a-2\", \"messages\": [".to_owned(),
        talk("o__a-2", true, "First."),
        talk("p__b-3", true, "Third."),
    ]
    .join("\n")
        + "\n"
}

#[test]
fn raw_is_the_very_bytes() {
    let program = Program::new();
    program.file("run.jsonl", run_file());
    let run = export(
        &program,
        &[
            "run.jsonl",
            "-o",
            "out.jsonl",
            "--format",
            "raw",
            "--filter",
            "resolved",
        ],
    )
    .ends(1);
    let lines: Vec<String> = run_file().lines().map(str::to_owned).collect();
    let want = [&lines[0], &lines[3], &lines[4]]
        .map(|line| format!("{line}\n"))
        .concat();
    assert_eq!(
        String::from_utf8(read(&program, "out.jsonl")).unwrap(),
        want
    );
    assert!(
        run.err.contains("exported 3 of 5 records as raw"),
        "{}",
        run.err
    );
}

#[test]
fn everything_that_nobody_rejected_without_a_filter() {
    let program = Program::new();
    program.file("run.jsonl", run_file());
    let decide = [
        "mark",
        "run.jsonl",
        "--nth",
        "4",
        "reject",
        "--reason",
        "wrong place",
        "--reviewer",
        "ada",
    ];
    program.run(&decide).ends(0);
    let run = export(
        &program,
        &[
            "run.jsonl",
            "-o",
            "out.jsonl",
            "--format",
            "chat",
            "--with-ids",
        ],
    );
    let run = run.ends(1);
    let out = rows(&program.home().join("out.jsonl"));
    let ids: Vec<&str> = out
        .iter()
        .map(|row| row["instance_id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["o__a-1", "o__a-1", "p__b-3"]);
    assert_eq!(out[0]["resolved"], true);
    assert_eq!(
        out[0]["messages"][2]["tool_calls"][0]["function"]["arguments"],
        "{\"command\": \"ls\", \"n\": 1.50}"
    );
    assert!(
        run.err.contains("rejected by ada: wrong place"),
        "{}",
        run.err
    );
    let only = [
        "run.jsonl",
        "-o",
        "human.jsonl",
        "--format",
        "raw",
        "--policy",
        "human-only",
    ];
    export(&program, &only).ends(0);
    assert_eq!(read(&program, "human.jsonl"), b"");
}

#[test]
fn the_manifest_accounts_for_every_record() {
    let program = Program::new();
    program.file("run.jsonl", run_file());
    program.file(
        "tainted.txt",
        "# evaluation sets\nhttps://github.com/P/B.git\n",
    );
    let args = [
        "run.jsonl",
        "-o",
        "out.jsonl",
        "--format",
        "chat",
        "--filter",
        "resolved",
        "--exclude-repos",
        "tainted.txt",
        "--dedupe",
        "--json",
    ];
    let run = export(&program, &args).ends(1);
    let manifest: Value =
        serde_json::from_slice(&read(&program, "out.jsonl.manifest.json")).unwrap();
    assert_eq!(
        manifest["counts"],
        json!({"in": 5, "kept": 1, "dropped": 4})
    );
    assert_eq!(manifest["filter"], "resolved");
    assert_eq!(manifest["policy"], "override");
    assert_eq!(manifest["tool"]["name"], "hgview");
    assert_eq!(manifest["inputs"][0]["path"], "run.jsonl");
    assert_eq!(manifest["inputs"][0]["sha256"].as_str().unwrap().len(), 64);
    assert_eq!(manifest["inputs"][0]["records"], 5);
    assert_eq!(manifest["outputs"][0]["file"], "out.jsonl");
    let dropped: Vec<(&str, &str)> = manifest["dropped"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| (d["source"].as_str().unwrap(), d["stage"].as_str().unwrap()))
        .collect();
    assert_eq!(
        dropped,
        [
            ("run.jsonl:2", "outcome"),
            ("run.jsonl:3", "read"),
            ("run.jsonl:4", "duplicate"),
            ("run.jsonl:5", "repo"),
        ]
    );
    let report: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(report["kept"], 1);
    assert_eq!(report["dropped_records"], manifest["dropped"]);
    assert_eq!(report["tokens_are_estimated"], true);
    // a line for each, so that `grep` finds them
    let text = String::from_utf8(read(&program, "out.jsonl.manifest.json")).unwrap();
    assert!(text.lines().any(|line| line.contains("run.jsonl:4") && line.contains("same messages as run.jsonl")));
}

#[test]
fn twice_the_same_bytes() {
    let program = Program::new();
    program.file("run.jsonl", run_file());
    let prompt = program.file("suffix.txt", "\nTOOLS {description}");
    let prompt = prompt.to_str().unwrap();
    for exporter in hgview::export::EXPORTERS {
        let write = |name: &str| {
            let file = format!("{name}.{}", exporter.extension);
            let args = [
                "run.jsonl",
                "-o",
                &file,
                "--format",
                exporter.name,
                "--tool-prompt",
                prompt,
                "--force",
            ];
            let run = export(&program, &args);
            assert!(run.code < 2, "{}: {}", exporter.name, run.err);
            let manifest = read(&program, &format!("{file}.manifest.json"));
            (read(&program, &file), manifest)
        };
        let first = write("set");
        assert_eq!(write("set"), first, "{}", exporter.name);
        if exporter.name != "predictions" {
            assert!(!first.0.is_empty(), "{}", exporter.name);
        }
        let copied = [
            "run.jsonl",
            "-o",
            "-",
            "--format",
            exporter.name,
            "--tool-prompt",
            prompt,
        ];
        if exporter.extension == "jsonl" {
            assert_eq!(
                export(&program, &copied).out.as_bytes(),
                first.0,
                "{}",
                exporter.name
            );
        }
    }
}

#[test]
fn golden_rows() {
    let program = Program::new();
    program.file("run.jsonl", talk("o__a-1", true, "Look."));
    program.file("suffix.txt", "\n[{description}]");
    let row = |format: &str| -> String {
        let args = [
            "run.jsonl",
            "-o",
            "-",
            "--format",
            format,
            "--tool-prompt",
            "suffix.txt",
            "--with-ids",
        ];
        export(&program, &args).ends(0).out
    };
    insta::assert_snapshot!("sft", row("sft"));
    insta::assert_snapshot!("chat", row("chat"));
    insta::assert_snapshot!("sharegpt", row("sharegpt"));
    insta::assert_snapshot!("chatml", row("chatml"));
    insta::assert_snapshot!("adp", row("adp"));
    insta::assert_snapshot!("atif", row("atif"));
}

#[test]
fn masks_go_where_there_is_a_place() {
    let program = Program::new();
    program.file("run.jsonl", talk("o__a-1", true, "Look."));
    let mark = [
        "mark",
        "run.jsonl",
        "accept",
        "--step",
        "2:context",
        "--reviewer",
        "ada",
    ];
    program.run(&mark).ends(0);
    export(
        &program,
        &["run.jsonl", "-o", "chat.jsonl", "--format", "chat"],
    )
    .ends(0);
    let train = |name: &str, list: &str| -> Vec<Value> {
        let row = rows(&program.home().join(name)).remove(0);
        row[list]
            .as_array()
            .unwrap()
            .iter()
            .map(|turn| turn["train"].clone())
            .collect()
    };
    assert_eq!(
        train("chat.jsonl", "messages"),
        [false, false, false, false, true].map(Value::from)
    );
    export(
        &program,
        &["run.jsonl", "-o", "share.jsonl", "--format", "sharegpt"],
    )
    .ends(0);
    assert_eq!(
        train("share.jsonl", "conversations"),
        [false, false, false, false, true].map(Value::from)
    );
    export(
        &program,
        &["run.jsonl", "-o", "atif.jsonl", "--format", "atif"],
    )
    .ends(0);
    assert_eq!(
        rows(&program.home().join("atif.jsonl"))[0]["steps"][2]["extra"]["mask"],
        "context"
    );
    // a dropped step is gone with its results
    program
        .run(&["mark", "run.jsonl", "--step", "2:drop", "--reviewer", "ada"])
        .ends(0);
    export(
        &program,
        &["run.jsonl", "-o", "less.jsonl", "--format", "chat"],
    )
    .ends(0);
    assert_eq!(
        rows(&program.home().join("less.jsonl"))[0]["messages"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
}

#[test]
fn parts_hold_every_record_once() {
    let program = Program::new();
    let lines: Vec<String> = (0..60)
        .map(|ix| talk(&format!("o{}__r-{ix}", ix / 2), true, &format!("{ix}")))
        .collect();
    program.file("run.jsonl", lines.join("\n"));
    let args = [
        "run.jsonl",
        "-o",
        "set.jsonl",
        "--format",
        "raw",
        "--split",
        "train=.7,val=.3",
    ];
    export(&program, &args).ends(0);
    let part = |name: &str| -> Vec<String> {
        let text = String::from_utf8(read(&program, name)).unwrap();
        text.lines().map(str::to_owned).collect()
    };
    let (train, val) = (part("set.train.jsonl"), part("set.val.jsonl"));
    assert!(train.len() > val.len() && !val.is_empty());
    assert_eq!(
        train.len() % 2 + val.len() % 2,
        0,
        "repositories stay together"
    );
    let mut all: Vec<String> = train.iter().chain(&val).cloned().collect();
    all.sort();
    let mut want = lines.clone();
    want.sort();
    assert_eq!(all, want);
    assert!(program.home().join("set.jsonl.manifest.json").is_file());
    // more records leave those before where they were
    let more = [lines, vec![talk("z__z-1", true, "new")]]
        .concat()
        .join("\n");
    program.file("run.jsonl", more);
    export(&program, &[&args[..], &["--force"]].concat()).ends(0);
    assert!(
        train
            .iter()
            .all(|line| part("set.train.jsonl").contains(line))
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "one case after the other")]
fn what_is_wrong_is_said_before_anything_is_written() {
    let program = Program::new();
    program.file("run.jsonl", run_file());
    program.file("there.jsonl", "mine");
    program.file("no.json", "{\"model\": 3}");
    for (args, want) in [
        (
            &["-o", "there.jsonl", "--format", "raw"][..],
            "there.jsonl exists already",
        ),
        (
            &["-o", "run.jsonl", "--format", "raw", "--force"],
            "one of the inputs",
        ),
        (&["-o", "no/such/out.jsonl", "--format", "raw"], "no folder"),
        (
            &["-o", "x.jsonl", "--format", "csv"],
            "formats are raw, sft",
        ),
        (&["-o", "x.jsonl", "--format", "sft"], "--tool-prompt FILE"),
        (
            &[
                "-o",
                "x.jsonl",
                "--format",
                "sft",
                "--tool-prompt",
                "run.jsonl",
            ],
            "tool prompt",
        ),
        (
            &[
                "-o",
                "x.jsonl",
                "--format",
                "chat",
                "--tokenizer",
                "no.json",
            ],
            "no.json is no tokenizer",
        ),
        (
            &[
                "-o",
                "x.jsonl",
                "--format",
                "chatml",
                "--chat-template",
                "no.json",
            ],
            "no chat template",
        ),
        (
            &["-o", "x.jsonl", "--format", "raw", "--split", "a=0"],
            "--split a=0",
        ),
        (
            &["-o", "-", "--format", "raw", "--split", "a=1"],
            "needs files",
        ),
        (
            &["-o", "x.jsonl", "--format", "raw", "--filter", "best"],
            "is no filter",
        ),
        (
            &[
                "-o",
                "x.jsonl",
                "--format",
                "raw",
                "--exclude-repos",
                "none.txt",
            ],
            "none.txt",
        ),
    ] {
        let run = export(&program, &[&["run.jsonl"], args].concat()).ends(2);
        assert!(run.err.contains(want), "{args:?}: {}", run.err);
        let folder = std::fs::read_dir(program.home()).unwrap();
        let names: Vec<String> = folder
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| !name.starts_with('.'))
            .collect();
        assert_eq!(names.len(), 3, "{args:?} left {names:?}");
    }
    assert_eq!(read(&program, "there.jsonl"), b"mine");
    assert_eq!(read(&program, "run.jsonl"), run_file().as_bytes());
}

#[test]
fn a_dry_run_tells_losses_and_writes_nothing() {
    let program = Program::new();
    let args = [
        &sample("openhands-v0/output.jsonl"),
        "-o",
        "x.jsonl",
        "--format",
        "adp",
        "--dry-run",
        "--json",
    ];
    let run = export(&program, &args).ends(0);
    let report: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(report["dry_run"], true);
    // what the published rules reject is left out
    assert_eq!(report["records"].as_array().unwrap().len(), 4);
    let whats: Vec<&str> = report["losses"]
        .as_array()
        .unwrap()
        .iter()
        .map(|l| l["what"].as_str().unwrap())
        .collect();
    assert!(
        whats.contains(&"exit codes and error flags of results are gone"),
        "{whats:?}"
    );
    assert!(
        run.err.contains("would export 4 of 6 records as adp")
            && run.err.contains("what adp does not keep")
    );
    assert!(!program.home().join("x.jsonl").exists());
    assert!(!program.home().join("x.jsonl.manifest.json").exists());
}

#[test]
fn tokens_bound_and_attempts_are_limited() {
    let program = Program::new();
    let long = talk("o__a-1", true, &"word ".repeat(4000));
    let short = talk("o__a-1", true, "word");
    program.file("run.jsonl", format!("{long}\n{short}\n{short}\n"));
    let run = export(
        &program,
        &[
            "run.jsonl",
            "-o",
            "-",
            "--format",
            "chat",
            "--max-tokens",
            "1000",
        ],
    )
    .ends(0);
    assert_eq!(run.out.lines().count(), 2);
    assert!(
        run.err.contains("too many tokens") && run.err.contains("estimated"),
        "{}",
        run.err
    );
    // what is too long takes no place of its task
    let both = [
        "run.jsonl",
        "-o",
        "-",
        "--format",
        "chat",
        "--max-tokens",
        "1000",
        "--per-task",
        "1",
        "--prefer",
        "first",
    ];
    assert_eq!(export(&program, &both).ends(0).out.lines().count(), 1);
    // a tokenizer that counts words
    let words = json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "normalizer": null,
        "pre_tokenizer": {"type": "Whitespace"}, "post_processor": null, "decoder": null,
        "model": {"type": "WordLevel", "vocab": {"[UNK]": 0}, "unk_token": "[UNK]"},
    });
    program.file("tokenizer.json", words.to_string());
    let run = export(
        &program,
        &[
            "run.jsonl",
            "-o",
            "a.jsonl",
            "--format",
            "chat",
            "--tokenizer",
            "tokenizer.json",
            "--json",
        ],
    )
    .ends(0);
    let report: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(report["tokens_are_estimated"], false);
    let tokens = report["tokens"].as_u64().unwrap();
    assert!((4000..4200).contains(&tokens), "{tokens}");
}

/// Each format has a place for masks and uses it, or says that it has none; no format is silent.
#[test]
fn every_format_carries_masks_or_says_that_it_cannot() {
    let program = Program::new();
    let mut run: Value = serde_json::from_str(&talk("o__a-1", true, "Look.")).unwrap();
    run["model_patch"] = "--- a/m.py\n+++ b/m.py\n@@ -1 +1 @@\n-x\n+y\n".into();
    program.file("run.jsonl", run.to_string());
    program.file("suffix.txt", "{description}");
    let mark = ["mark", "run.jsonl", "accept", "--step", "2:context"];
    program.run(&mark).ends(0);
    let mut carriers = Vec::new();
    for exporter in hgview::export::EXPORTERS {
        let out = format!("out.{}", exporter.name);
        let mut args = vec!["run.jsonl", "-o", &out, "--format", exporter.name];
        args.extend(["--tool-prompt", "suffix.txt"]);
        match exporter.masks {
            MaskPlace::Turns | MaskPlace::Steps => {
                export(&program, &args).ends(0);
                carriers.push((exporter.name, read(&program, &out)));
            }
            MaskPlace::Nowhere => {
                let run = export(&program, &args).ends(2);
                for says in ["has step masks", exporter.name, "--ignore-masks"] {
                    assert!(run.err.contains(says), "{}", run.err);
                }
                assert!(!program.home().join(&out).exists(), "{out}");
                args.push("--ignore-masks");
                export(&program, &args).ends(0);
                assert!(program.home().join(&out).exists(), "{out}");
                args.retain(|arg| *arg != "--ignore-masks");
            }
        }
        args.extend(["--dry-run", "--force"]);
        let code = i32::from(exporter.masks == MaskPlace::Nowhere);
        export(&program, &args).ends(code);
    }
    // those that have a place say the mask in it: the same run without a mask gives other bytes
    let names: Vec<&str> = carriers.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["chat", "sharegpt", "atif", "steps"]);
    let unmask = ["mark", "run.jsonl", "accept", "--step", "2:none"];
    program.run(&unmask).ends(0);
    for (name, masked) in carriers {
        let args = ["run.jsonl", "-o", "plain", "--format", name, "--force"];
        export(&program, &args).ends(0);
        assert_ne!(read(&program, "plain"), masked, "{name}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one case after the other")]
fn decisions_on_older_versions_are_told_and_not_used() {
    let program = Program::new();
    let rows = ["o__a-1", "o__a-2", "p__b-3"].map(|id| talk(id, true, "First."));
    program.file("run.jsonl", rows.join("\n"));
    for (nth, choice, who) in [
        ("1", "reject", "ada"),
        ("1", "accept", "ben"),
        ("2", "reject", "ada"),
    ] {
        let args = ["mark", "run.jsonl", "--nth", nth, choice, "--reviewer", who];
        program.run(&args).ends(0);
    }
    let told = |out: &str| {
        let run = export(&program, &["run.jsonl", "-o", out, "--format", "raw"]).ends(0);
        (rows_of_manifest(&program, out), run.err)
    };
    let (manifest, words) = told("before.jsonl");
    assert_eq!(manifest["stale_decisions"], json!([]));
    assert!(!words.contains("older version"), "{words}");
    // the first is made anew, the second moves to the end
    let again = [
        talk("o__a-1", true, "Again."),
        rows[2].clone(),
        rows[1].clone(),
    ];
    program.file("run.jsonl", again.join("\n"));
    let (manifest, words) = told("after.jsonl");
    assert_eq!(manifest["counts"]["kept"], 2, "{manifest}");
    let stale = manifest["stale_decisions"].as_array().unwrap();
    let said: Vec<_> = stale
        .iter()
        .map(|one| {
            (
                one["id"].as_str(),
                one["reviewer"].as_str(),
                one["decision"].as_str(),
            )
        })
        .collect();
    assert_eq!(
        said,
        [
            (Some("o__a-1"), Some("ada"), Some("reject")),
            (Some("o__a-1"), Some("ben"), Some("accept"))
        ]
    );
    assert!(
        words.contains("2 decisions were on older versions of their records and were not used:")
            && words.contains("o__a-1 (run.jsonl): ada reject"),
        "{words}"
    );
    let dry = export(
        &program,
        &[
            "run.jsonl",
            "-o",
            "x.jsonl",
            "--format",
            "raw",
            "--dry-run",
            "--json",
            "--dedupe",
        ],
    )
    .ends(0);
    let report: Value = serde_json::from_str(&dry.out).unwrap();
    assert_eq!(report["stale_decisions"].as_array().unwrap().len(), 2);
    // where decisions count for nothing, old ones do neither
    let auto = export(
        &program,
        &[
            "run.jsonl",
            "-o",
            "-",
            "--format",
            "raw",
            "--policy",
            "auto-only",
        ],
    )
    .ends(0);
    assert!(!auto.err.contains("older version"), "{}", auto.err);
    let agree = program.run(&["agree", "run.jsonl", "--json"]).ends(1);
    let agree: Value = serde_json::from_str(&agree.out).unwrap();
    assert_eq!(
        (&agree["stale_decisions"], &agree["elsewhere"]),
        (&json!(2), &json!(1))
    );
    let mark = |nth: &str| {
        let args = [
            "mark",
            "run.jsonl",
            "--nth",
            nth,
            "accept",
            "--reviewer",
            "cleo",
        ];
        program.run(&args).ends(0).err
    };
    let said = mark("1");
    assert!(
        said.contains("before it was made anew") && said.contains("ada"),
        "{said}"
    );
    assert!(!mark("2").contains("made anew"));
    // now it has a decision of its own
    let (manifest, _) = told("last.jsonl");
    assert_eq!(manifest["stale_decisions"], json!([]));
}

/// A record that moved is not stale for being left out by a query.
#[test]
fn records_that_are_not_selected_are_present_all_the_same() {
    let program = Program::new();
    let rows = [("First.", true), ("Second.", false)]
        .map(|(text, is_resolved)| talk("o__a-1", is_resolved, text));
    program.file("run.jsonl", rows.join("\n"));
    let args = [
        "mark",
        "run.jsonl",
        "--nth",
        "2",
        "accept",
        "--reviewer",
        "ada",
    ];
    program.run(&args).ends(0);
    let told = |out: &str| {
        let args = [
            "run.jsonl",
            "-o",
            out,
            "--format",
            "raw",
            "--where",
            "resolved",
        ];
        export(&program, &args).ends(0);
        rows_of_manifest(&program, out)["stale_decisions"].clone()
    };
    // what was the second is the first now, and what was the first stands at its place
    program.file("run.jsonl", [rows[1].clone(), rows[0].clone()].join("\n"));
    assert_eq!(told("moved.jsonl"), json!([]));
    // made anew, it is stale
    let again = talk("o__a-1", true, "Again.");
    program.file("run.jsonl", [rows[0].clone(), again].join("\n"));
    assert_eq!(told("anew.jsonl").as_array().unwrap().len(), 1);
}

fn rows_of_manifest(program: &Program, out: &str) -> Value {
    let name = format!("{out}.manifest.json");
    serde_json::from_slice(&read(program, &name)).unwrap()
}

/// What was exported before lies beside the data: its labels and patches are the records' own, and join nothing.
#[test]
fn an_earlier_export_is_no_side_file() {
    let program = Program::new();
    let mut run: Value = serde_json::from_str(&talk("o__a-1", true, "Look.")).unwrap();
    run["model_patch"] = "--- a/m.py\n+++ b/m.py\n@@ -1 +1 @@\n-x\n+y\n".into();
    program.file("data/run.jsonl", run.to_string());
    let to = |out: &str, split: &[&str]| {
        let mut args = vec!["data/run.jsonl", "-o", out, "--format", "predictions"];
        args.extend(split);
        export(&program, &args).ends(0);
    };
    to("data/preds.jsonl", &[]);
    to("data/parts.jsonl", &["--split", "train=.5,val=.5"]);
    // the data as it is when the patch is lost
    run.as_object_mut().unwrap().shift_remove("model_patch");
    program.file("data/run.jsonl", run.to_string());
    let has_patch = |args: &[&str]| {
        let run = program.run(args).ends(0);
        let shown: Value = serde_json::from_str(&run.out).unwrap();
        !shown["final_patch"].is_null()
    };
    let file = ["show", "data/run.jsonl", "--json"];
    let folder = ["show", "data", "--id", "o__a-1", "--json"];
    assert!(!has_patch(&file) && !has_patch(&folder));
    // given by hand it is joined; without its manifest it is a file like any other
    assert!(has_patch(&[
        "show",
        "data/run.jsonl",
        "--json",
        "--with",
        "data/preds.jsonl"
    ]));
    for manifest in ["preds", "parts"] {
        let path = program
            .home()
            .join(format!("data/{manifest}.jsonl.manifest.json"));
        std::fs::remove_file(path).unwrap();
    }
    assert!(has_patch(&file) && has_patch(&folder));
}

/// The tables open again, with all rows.
#[test]
fn tables_are_read_by_others() {
    let program = Program::new();
    let path = sample("openhands-v0/output.jsonl");
    for format in ["steps", "trajectories", "verl"] {
        let file = format!("{format}.parquet");
        export(&program, &[&path, "-o", &file, "--format", format]).ends(0);
        let found = read(&program, &file);
        assert!(found.starts_with(b"PAR1") && found.ends_with(b"PAR1"));
    }
    let report = export(
        &program,
        &[&path, "-o", "again.parquet", "--format", "steps", "--json"],
    )
    .ends(0)
    .out;
    let report: Value = serde_json::from_str(&report).unwrap();
    let steps = report["outputs"][0]["rows"].as_u64().unwrap();
    assert!(steps > 20, "{steps}");
    assert!(report["outputs"][0]["records"] == 4);
}

/// Where Python's `datasets` is present, each training format is loaded by it.
#[test]
fn training_formats_load_in_datasets() {
    let has = std::process::Command::new("python3")
        .args(["-c", "import datasets"])
        .output();
    if !has.is_ok_and(|done| done.status.success()) {
        eprintln!("skipped: python3 with `datasets` is not here");
        return;
    }
    let program = Program::new();
    program.file(
        "run.jsonl",
        [talk("o__a-1", true, "A"), talk("o__a-2", false, "B")].join("\n"),
    );
    program.file("suffix.txt", "{description}");
    for (format, kind, column) in [
        ("sft", "json", "messages"),
        ("chat", "json", "messages"),
        ("sharegpt", "json", "conversations"),
        ("chatml", "json", "text"),
        ("verl", "parquet", "prompt"),
        ("steps", "parquet", "actions"),
    ] {
        let file = format!("out.{format}");
        export(
            &program,
            &[
                "run.jsonl",
                "-o",
                &file,
                "--format",
                format,
                "--tool-prompt",
                "suffix.txt",
            ],
        )
        .ends(0);
        let path = program.home().join(&file);
        let script = format!(
            "import datasets\nd = datasets.load_dataset('{kind}', data_files={:?}, split='train', cache_dir={:?})\nassert len(d) >= 2 and '{column}' in d.column_names, d",
            path.display().to_string(),
            program.home().join("cache").display().to_string()
        );
        let done = std::process::Command::new("python3")
            .args(["-c", &script])
            .output()
            .unwrap();
        assert!(
            done.status.success(),
            "{format}: {}",
            String::from_utf8_lossy(&done.stderr)
        );
    }
}

/// The vectors through the program: each is a record with `raw_completions`.
#[test]
fn the_published_conversion_through_the_program() {
    let Some(folder) = shared().map(|folder| folder.join("conformance")) else {
        eprintln!("skipped: no conformance vectors");
        return;
    };
    let vectors = rows(&folder.join("sft_messages.jsonl"));
    let program = Program::new();
    let records: Vec<String> = vectors
        .iter()
        .map(|vector| {
            json!({
                "instance_id": vector["id"],
                "history": [],
                "test_result": {"git_patch": ""},
                "raw_completions": {"messages": vector["messages"], "tools": vector["tools"]},
            })
            .to_string()
        })
        .collect();
    program.file("run.jsonl", records.join("\n"));
    let suffix = folder.join("openhands_suffix.txt");
    let args = [
        "run.jsonl",
        "-o",
        "sft.jsonl",
        "--format",
        "sft",
        "--with-ids",
        "--tool-prompt",
        suffix.to_str().unwrap(),
    ];
    export(&program, &args).ends(1);
    let out = rows(&program.home().join("sft.jsonl"));
    let good: Vec<&Value> = vectors
        .iter()
        .filter(|v| v["expected_error"].is_null())
        .collect();
    assert_eq!(out.len(), good.len());
    for (row, vector) in out.iter().zip(good) {
        assert_eq!(row["instance_id"], vector["id"]);
        assert_eq!(row["messages"], vector["expected"], "{}", vector["id"]);
    }
    let manifest: Value =
        serde_json::from_slice(&read(&program, "sft.jsonl.manifest.json")).unwrap();
    for (dropped, vector) in manifest["dropped"]
        .as_array()
        .unwrap()
        .iter()
        .zip(vectors.iter().filter(|v| !v["expected_error"].is_null()))
    {
        assert_eq!(dropped["id"], vector["id"]);
        let kind = vector["expected_error"].as_str().unwrap();
        assert!(
            dropped["reason"].as_str().unwrap().starts_with(kind),
            "{dropped}"
        );
    }
}

#[track_caller]
fn mark(program: &Program, args: &[&str]) {
    let all = [&["mark"], args].concat();
    program.run(&all).ends(0);
}

/// What was decided on a file counts when its folder is opened, for every command alike.
#[test]
fn decisions_beside_files_of_a_folder_count() {
    let program = Program::new();
    program.file("dir/deep/a.jsonl", talk("o__a-1", true, "First.") + "\n");
    program.file("dir/b.jsonl", talk("o__b-2", true, "Other.") + "\n");
    let reject = [
        "dir/deep/a.jsonl",
        "--nth",
        "1",
        "reject",
        "--reviewer",
        "ada",
    ];
    mark(&program, &reject);
    let run = export(&program, &["dir", "-o", "-", "--format", "raw"]).ends(0);
    assert!(run.err.contains("rejected by ada"), "{}", run.err);
    assert!(
        run.out.contains("o__b-2") && !run.out.contains("o__a-1"),
        "{}",
        run.out
    );
    let rows = program.run(&["list", "dir", "--json"]).ends(0).json_lines();
    let row = rows.iter().find(|row| row["task"] == "o__a-1").unwrap();
    assert_eq!(row["decision"], "reject");
}

#[test]
fn repositories_are_known_by_every_form_of_id() {
    let program = Program::new();
    let ids = [
        "Pallets__flask__0a1b2c3d__7",
        "pallets__Flask__1b2c3d4e__8",
        "pallets__flask-12",
        "o__a-1",
    ];
    let text: Vec<String> = ids.iter().map(|id| talk(id, true, id)).collect();
    program.file("run.jsonl", text.join("\n") + "\n");
    program.file("tainted.txt", "Pallets/Flask\n");
    let args = [
        "run.jsonl",
        "-o",
        "-",
        "--format",
        "raw",
        "--exclude-repos",
        "tainted.txt",
    ];
    let run = export(&program, &args).ends(0);
    assert_eq!(run.out.lines().count(), 1, "{}", run.out);
    // whatever the seed, all of a repository go one way
    for seed in 0..8 {
        let (file, seed) = (format!("s{seed}.jsonl"), seed.to_string());
        let args = [
            "run.jsonl",
            "-o",
            &file,
            "--format",
            "raw",
            "--split",
            "a=.5,b=.5",
            "--seed",
            &seed,
        ];
        export(&program, &args).ends(0);
        let first = String::from_utf8(read(&program, &format!("s{seed}.a.jsonl"))).unwrap();
        let count = first
            .to_lowercase()
            .matches("\"instance_id\":\"pallets__flask")
            .count();
        assert!(count == 0 || count == 3, "{first}");
    }
}

/// Nobody asked for a filter: it has no voice where it says nothing.
#[test]
fn the_default_filter_does_not_vote_for_what_it_does_not_judge() {
    let program = Program::new();
    program.file(
        "run.jsonl",
        ["o__a-1", "o__a-2", "o__a-3"]
            .map(|id| talk(id, true, id) + "\n")
            .concat(),
    );
    mark(
        &program,
        &["run.jsonl", "--nth", "1", "reject", "--reviewer", "ada"],
    );
    mark(
        &program,
        &["run.jsonl", "--nth", "2", "skip", "--reviewer", "ada"],
    );
    for (policy, want) in [
        ("override", &["o__a-3"][..]),
        ("majority", &["o__a-3"]),
        ("unanimous", &["o__a-3"]),
        ("auto-only", &["o__a-1", "o__a-2", "o__a-3"]),
        ("human-only", &[]),
    ] {
        let args = [
            "run.jsonl",
            "-o",
            "-",
            "--format",
            "raw",
            "--policy",
            policy,
        ];
        let run = export(&program, &args).ends(0);
        let ids: Vec<Value> = run.json_lines();
        let ids: Vec<&str> = ids
            .iter()
            .map(|row| row["instance_id"].as_str().unwrap())
            .collect();
        assert_eq!(ids, want, "{policy}: {}", run.err);
        // where people disagree with nobody but a filter without a word, theirs is the outcome
        if matches!(policy, "majority" | "unanimous") {
            assert!(
                run.err.contains("rejected by ada") && !run.err.contains("filter"),
                "{}",
                run.err
            );
        }
    }
}

#[test]
fn without_people_there_are_no_masks() {
    let program = Program::new();
    program.file("run.jsonl", talk("o__a-1", true, "First.") + "\n");
    mark(
        &program,
        &[
            "run.jsonl",
            "--nth",
            "1",
            "accept",
            "--step",
            "2:drop",
            "--reviewer",
            "ada",
        ],
    );
    let args = ["run.jsonl", "-o", "-", "--format", "raw", "--policy"];
    let run = export(&program, &[&args[..], &["override"]].concat()).ends(2);
    assert!(run.err.contains("has step masks"), "{}", run.err);
    let run = export(&program, &[&args[..], &["auto-only"]].concat()).ends(0);
    assert_eq!(run.out.lines().count(), 1);
}

/// The manifest names everything that the export went by, and nothing of it is written over.
#[test]
fn what_the_export_goes_by_is_named_and_kept() {
    let program = Program::new();
    program.file("run.jsonl", talk("o__a-1", true, "First.") + "\n");
    program.file(
        "tasks.jsonl",
        json!({"instance_id": "o__a-1", "repo": "o/a", "problem_statement": "P"}).to_string()
            + "\n",
    );
    program.file(
        "scores.jsonl",
        "{\"instance_id\": \"o__a-1\", \"score\": 0.9}\n",
    );
    program.file("tainted.txt", "x/y\n");
    mark(
        &program,
        &["run.jsonl", "--nth", "1", "accept", "--reviewer", "ada"],
    );
    let args = [
        "run.jsonl",
        "--format",
        "raw",
        "--tasks",
        "tasks.jsonl",
        "--filter",
        "file:scores.jsonl",
        "--exclude-repos",
        "tainted.txt",
        "--force",
        "-o",
    ];
    export(&program, &[&args[..], &["out.jsonl"]].concat()).ends(0);
    let manifest: Value =
        serde_json::from_slice(&read(&program, "out.jsonl.manifest.json")).unwrap();
    for (key, path) in [
        ("joined", "tasks.jsonl"),
        ("filter_files", "scores.jsonl"),
        ("journals", "run.jsonl.hgview/decisions.ada.jsonl"),
    ] {
        let named = manifest[key].as_array().unwrap().iter();
        let named: Vec<&Value> = named.filter(|file| file["path"] == path).collect();
        assert_eq!(named.len(), 1, "{key}: {manifest}");
        assert_eq!(named[0]["sha256"].as_str().unwrap().len(), 64);
        assert_eq!(named[0]["bytes"], read(&program, path).len());
    }
    // the same again, over itself
    export(&program, &[&args[..], &["out.jsonl"]].concat()).ends(0);
    for path in [
        "tasks.jsonl",
        "scores.jsonl",
        "tainted.txt",
        "run.jsonl.hgview/decisions.ada.jsonl",
    ] {
        let before = read(&program, path);
        let run = export(&program, &[&args[..], &[path]].concat()).ends(2);
        assert!(
            run.err.contains("is read for this export"),
            "{path}: {}",
            run.err
        );
        assert_eq!(read(&program, path), before);
    }
}

/// Ctrl-C and SIGTERM: no temporary file stays, and the shell sees the signal.
#[cfg(unix)]
#[test]
fn a_signal_leaves_no_temporary_files() {
    use std::os::unix::process::ExitStatusExt as _;
    let program = Program::new();
    let long = "word ".repeat(2000);
    let rows: Vec<String> = (0..1500)
        .map(|nth| talk(&format!("o__a-{nth}"), true, &long))
        .collect();
    program.file("run.jsonl", rows.join("\n") + "\n");
    let folder = program.home().join("out");
    std::fs::create_dir(&folder).unwrap();
    let names = || -> Vec<String> {
        let entries = std::fs::read_dir(&folder).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    };
    let mut child = program.spawn(&[
        "export",
        "run.jsonl",
        "-o",
        "out/set.jsonl",
        "--format",
        "chat",
    ]);
    // it has begun to write, and is far from done
    while names().is_empty() {
        assert!(
            child.try_wait().unwrap().is_none(),
            "it ended without a file"
        );
        std::thread::yield_now();
    }
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let status = child.wait().unwrap();
    assert_eq!(status.signal(), Some(15), "{status:?}");
    assert_eq!(names(), [""; 0]);
}
