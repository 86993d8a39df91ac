//! `hgview verify`.

use std::fs;

use serde_json::Value;
use serde_json::json;

use crate::program::Program;
use crate::program::git;
use crate::program::sample;

const PATCH: &str = "diff --git a/m.py b/m.py\n--- a/m.py\n+++ b/m.py\n@@ -1,3 +1,6 @@\n def f(x):\n+    \"\"\"Say x.\n+\n+    \"\"\"\n     return x\n \n";

/// A task to document `f` of `m.py`.
fn task(id: &str) -> Value {
    json!({"instance_id": id, "repo": "o/r", "file_path": "m.py", "module_name": "f",
        "function_description": "says x", "module_line_start": 0, "module_line_end": 4})
}

/// A run that left this patch.
fn run_of(id: &str, patch: &str) -> Value {
    json!({"instance_id": id, "instruction": "Find the function that says x, write its docstring.",
        "test_result": {"git_patch": patch}, "metrics": {}, "history": []})
}

fn jsonl(rows: &[Value]) -> String {
    let lines: Vec<String> = rows.iter().map(Value::to_string).collect();
    lines.join("\n") + "\n"
}

#[test]
fn each_record_has_its_verdicts_and_reasons() {
    let program = Program::new();
    let coded = PATCH.replace("     return x\n", "-    return x\n+    return y\n");
    let rows = [run_of("a", PATCH), run_of("b", &coded), run_of("c", "")];
    program.file("runs.jsonl", jsonl(&rows));
    program.file("tasks.jsonl", jsonl(&[task("a"), task("b")]));
    let args = [
        "verify",
        "--json",
        "--tasks",
        "tasks.jsonl",
        "--mode",
        "published",
        "runs.jsonl",
    ];
    let run = program.run(&args).ends(0);
    let rows = run.json_lines();
    let keys: Vec<&String> = rows[0].as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "id",
            "record",
            "task",
            "attempt",
            "task_type",
            "published",
            "strict",
            "resolved",
            "reward",
            "label_source",
            "filter",
            "flags",
            "fault"
        ]
    );
    assert_eq!(rows[0]["published"]["verdict"], "accept");
    assert_eq!(
        rows[0]["published"]["checks"].to_string(),
        r#"{"target_docstring_edited":true,"comments_only":true,"success":true}"#
    );
    assert_eq!(
        rows[0]["published"]["evidence"][0],
        json!({"sense": "hit", "path": "m.py", "line": 2, "patch_line": 6, "why": "added within `f`"})
    );
    assert_eq!(rows[0]["strict"], Value::Null);
    assert_eq!(rows[0]["record"]["nth"], 1);
    assert_eq!(rows[0]["record"]["sha256"].as_str().unwrap().len(), 64);
    assert_eq!(rows[1]["published"]["verdict"], "reject");
    let objections: Vec<String> = rows[1]["published"]["evidence"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|evidence| evidence["sense"] == "objection")
        .map(|evidence| {
            format!(
                "{}:{} {}",
                evidence["line"], evidence["patch_line"], evidence["why"]
            )
        })
        .collect();
    assert_eq!(
        objections,
        [
            "2:9 \"a line was removed\"",
            "5:10 \"neither a comment nor part of a docstring\""
        ]
    );
    assert_eq!(rows[2]["published"]["verdict"], "unjudged");
    assert!(
        run.err
            .contains("func_localize  published         1         1         1  50.0 %"),
        "{}",
        run.err
    );
}

#[test]
fn a_table_for_people() {
    let program = Program::new();
    let rows = [
        run_of("a", PATCH),
        run_of("a", PATCH),
        run_of("a\u{1b}[2J", ""),
    ];
    program.file(
        "runs.jsonl",
        jsonl(&rows) + "{\"instance_id\": \"torn\", \"history",
    );
    program.file("tasks.jsonl", jsonl(&[task("a")]));
    let args = ["verify", "--tasks", "tasks.jsonl", "runs.jsonl"];
    let run = program.run(&args).ends(1);
    let lines: Vec<&str> = run.out.lines().collect();
    assert_eq!(lines.len(), 5, "{}", run.out);
    assert!(lines[0].starts_with("#  ID"), "{}", run.out);
    assert!(lines[1].contains("func_localize  accept"), "{}", run.out);
    assert!(lines[1].contains("[same_patch]") && lines[2].contains("[same_patch]"));
    assert!(lines[4].contains("cannot be read"), "{}", run.out);
    assert!(!run.out.contains('\u{1b}'));
    for line in lines {
        assert!(line.chars().count() <= 120, "{line}");
    }
    assert!(run.err.contains("BOTH ACCEPT"), "{}", run.err);
}

#[test]
fn prompts_that_tell_too_much_are_flagged() {
    let program = Program::new();
    let mut row = run_of("a", PATCH);
    row["instruction"] = "The function of m.py is meant.".into();
    program.file("runs.jsonl", jsonl(&[row]));
    program.file("tasks.jsonl", jsonl(&[task("a")]));
    let args = ["verify", "--json", "--tasks", "tasks.jsonl", "runs.jsonl"];
    let rows = program.run(&args).ends(0).json_lines();
    assert_eq!(rows[0]["flags"][0]["flag"], "prompt_leak");
}

/// Flags of a record by name, as a run of `verify` with these further arguments tells them.
#[track_caller]
fn flags_of(program: &Program, more: &[&str]) -> Vec<String> {
    let args = ["verify", "--json", "--tasks", "tasks.jsonl", "runs.jsonl"];
    let rows = program.run(&[&args, more].concat()).ends(0).json_lines();
    let flags = rows[0]["flags"].as_array().unwrap().iter();
    flags
        .map(|flag| flag["flag"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn flags_of_behaviour_are_looked_for_where_they_are_asked_for() {
    let program = Program::new();
    let mut row = run_of("a", PATCH);
    row["instruction"] = "The function of m.py is meant.".into();
    row["history"] = json!([
        {"id": 0, "source": "agent", "action": "run", "args": {"command": "pip install numpy"}},
        {"id": 1, "source": "agent", "cause": 0, "observation": "run", "content": "ok",
            "extras": {"command": "pip install numpy", "metadata": {"exit_code": 0}}},
    ]);
    program.file("runs.jsonl", jsonl(&[row.clone(), row]));
    program.file("tasks.jsonl", jsonl(&[task("a")]));
    let of_the_record = ["prompt_leak", "same_patch"];
    assert_eq!(flags_of(&program, &[]), of_the_record);
    let all = flags_of(&program, &["--flags"]);
    assert_eq!(all, ["prompt_leak", "package_install", "same_patch"]);
    // from the cache, and still only where they are asked for
    assert_eq!(flags_of(&program, &["--flags"]), all);
    assert_eq!(flags_of(&program, &[]), of_the_record);
    let args = ["verify", "--flags", "--tasks", "tasks.jsonl", "runs.jsonl"];
    let told = program.run(&args).ends(0).out;
    assert!(told.contains("[package_install]"), "{told}");
    program.file(
        ".config/hgview/config.toml",
        "[flags]\nsame_patch = false\npackage_install = false\n",
    );
    assert_eq!(flags_of(&program, &["--flags"]), ["prompt_leak"]);
    assert_eq!(flags_of(&program, &[]), ["prompt_leak"]);
}

#[test]
fn programs_run_in_a_sandbox_only() {
    let program = Program::new();
    let task = json!({"instance_id": "g", "repo": "o/r", "file_path": "m.py", "func_name": "f",
        "eval_script": "open('ran', 'w')\ndef f(): return 1\nassert f() == f_new_implementation()\n"});
    let row = json!({"instance_id": "g", "instance": task, "history": [], "metrics": {},
        "test_result": {"git_patch": "", "generated_function": "def f(): return 1"}});
    program.file("runs.jsonl", jsonl(&[row]));
    let verify = |more: &[&str]| {
        let args = [
            &["verify", "--json", "--mode", "published", "runs.jsonl"],
            more,
        ]
        .concat();
        let run = program.run_with(&args, "PATH", "/nowhere");
        run.ends(0).json_lines().remove(0)
    };
    // in a sandbox if one starts here, and not at all otherwise
    let row = verify(&[]);
    let why = row["published"]["evidence"][0]["why"].as_str().unwrap();
    match row["published"]["verdict"].as_str() {
        Some("accept") => assert_eq!(why, "the test program passes"),
        _ => assert!(why.contains("--allow-run"), "{why}"),
    }
    let row = verify(&["--show-test"]);
    let test = row["published"]["checks"]["test_file"].as_str().unwrap();
    assert!(
        test.contains("def f_new_implementation(): return 1"),
        "{test}"
    );
    // nothing of it is seen outside
    assert!(!program.home().join("ran").exists());
}

#[test]
fn what_is_no_attempt_or_has_no_task_is_unjudged() {
    for (file, count) in [
        ("openhands-v0/output.jsonl", 6),
        ("chat/hybrid_gym.jsonl", 1),
    ] {
        let run = Program::new().run(&["verify", "--json", &sample(file)]);
        assert!(run.code < 2, "{}", run.err);
        let rows = run.json_lines();
        assert!(rows.len() >= count, "{file}");
        for row in rows {
            let verdict = row["published"]["verdict"].as_str();
            assert!(verdict.is_some() || !row["fault"].is_null(), "{row}");
        }
    }
    let program = Program::new();
    program.file("tasks.jsonl", jsonl(&[task("a")]));
    let rows = program
        .run(&["verify", "--json", "tasks.jsonl"])
        .ends(0)
        .json_lines();
    let why = rows[0]["published"]["evidence"][0]["why"].as_str().unwrap();
    assert!(why.contains("not an attempt"), "{why}");
}

#[track_caller]
fn refuses(tasks: &str, says: &str) {
    let program = Program::new();
    program.file("runs.jsonl", jsonl(&[run_of("a", PATCH)]));
    program.file("tasks.jsonl", tasks);
    let run = program
        .run(&["verify", "--tasks", "tasks.jsonl", "runs.jsonl"])
        .ends(2);
    assert!(run.err.contains(says), "{}", run.err);
    assert_eq!(run.out, "");
}

#[test]
fn task_files_that_are_none_are_refused() {
    let mut nameless = task("a");
    nameless.as_object_mut().unwrap().remove("instance_id");
    refuses(&jsonl(&[nameless.clone()]), "instance_id");
    nameless["base_commit"] = "abc".into();
    refuses(&jsonl(&[nameless]), "instance_id");
    refuses("", "instance_id");
    refuses("no json\n", "instance_id");
    let program = Program::new();
    program.file("runs.jsonl", jsonl(&[run_of("a", PATCH)]));
    let gone = program
        .run(&["verify", "--tasks", "gone.jsonl", "runs.jsonl"])
        .ends(2);
    assert!(gone.err.contains("gone.jsonl"), "{}", gone.err);
    program.run(&["verify"]).ends(2);
    program.run(&["verify", "gone.jsonl"]).ends(2);
    program
        .run(&["verify", "--show-test", "runs.jsonl"])
        .ends(2);
}

#[test]
fn a_wrong_cache_changes_nothing() {
    let program = Program::new();
    program.file("runs.jsonl", jsonl(&[run_of("a", PATCH)]));
    program.file("tasks.jsonl", jsonl(&[task("a")]));
    let args = ["verify", "--json", "--tasks", "tasks.jsonl", "runs.jsonl"];
    let first = program.run(&args).ends(0).out;
    assert_eq!(program.run(&args).ends(0).out, first);
    program.file(".cache/hgview/verify/verdicts.jsonl", b"\xff\n{}\ntorn");
    assert_eq!(program.run(&args).ends(0).out, first);
    assert_eq!(program.run(&args).ends(0).out, first);
}

#[test]
fn the_schema_describes_the_rows() {
    let run = Program::new().run(&["schema", "verify"]).ends(0);
    let schema: Value = serde_json::from_str(&run.out).unwrap();
    let properties = schema["properties"].as_object().unwrap();
    for key in [
        "id",
        "record",
        "task",
        "published",
        "strict",
        "resolved",
        "reward",
        "label_source",
        "filter",
        "flags",
        "fault",
    ] {
        assert!(properties.contains_key(key), "{key}");
    }
}

#[test]
fn an_issue_is_localised_where_the_prompt_asks_for_it() {
    let program = Program::new();
    let gold = "diff --git a/m.py b/m.py\n--- a/m.py\n+++ b/m.py\n@@ -1 +1 @@\n-x = 1\n+x = 2\n";
    let edit =
        "diff --git a/m.py b/m.py\n--- a/m.py\n+++ b/m.py\n@@ -1 +1,2 @@\n+# wrong\n x = 1\n";
    let instance = json!({"instance_id": "i", "repo": "o/r", "base_commit": "a", "problem_statement": "x is wrong",
        "patch": gold, "test_patch": "", "FAIL_TO_PASS": ["t"]});
    let mut row = run_of("i", edit);
    row["instance"] = instance;
    let verdict = |prompt: &str| {
        let mut row = row.clone();
        row["instruction"] =
            format!("<issue_description>x is wrong</issue_description> {prompt}").into();
        program.file("runs.jsonl", jsonl(&[row]));
        let rows = program
            .run(&["verify", "--json", "runs.jsonl"])
            .ends(0)
            .json_lines();
        format!(
            "{} {}",
            rows[0]["task_type"], rows[0]["published"]["verdict"]
        )
    };
    let localize = "Localize the code and leave a comment at each location.";
    assert_eq!(verdict(localize), "\"issue_localize\" \"accept\"");
    assert_eq!(verdict("Resolve it."), "\"issue\" \"unjudged\"");
}

#[test]
#[expect(clippy::too_many_lines, reason = "one case after the other")]
fn other_filters_stand_beside_the_rules() {
    let program = Program::new();
    let mut rows = ["a", "b", "c"].map(|id| run_of(id, PATCH));
    rows[2]["eval_result"] = json!({"success": true});
    program.file("runs.jsonl", jsonl(&rows));
    program.file("tasks.jsonl", jsonl(&[task("a"), task("b"), task("c")]));
    let report = json!({"resolved_ids": ["a"], "unresolved_ids": ["b"]});
    program.file("reports/report.json", report.to_string());
    let scores = [
        json!({"instance_id": "a", "score": 0.25}),
        json!({"instance_id": "b", "score": 0.75}),
        json!({"instance_id": "c", "score": 0.75}),
        json!({"instance_id": "c", "score": 0.5}),
    ];
    program.file("scores/scores.jsonl", jsonl(&scores));
    let run = |with: &[&str]| {
        let mut args = vec!["verify", "runs.jsonl", "--tasks", "tasks.jsonl"];
        args.extend(with);
        program.run(&args).ends(0)
    };
    let labelled = run(&[
        "--json",
        "--with",
        "reports/report.json",
        "--filter",
        "resolved",
    ]);
    let told = |row: &Value| {
        let verdict = row["filter"]["verdict"].clone();
        (
            row["resolved"].clone(),
            row["label_source"].clone(),
            verdict,
        )
    };
    let found: Vec<_> = labelled.json_lines().iter().map(told).collect();
    let want = |resolved: bool, source: &str, verdict: &str| {
        (json!(resolved), json!(source), json!(verdict))
    };
    assert_eq!(found[0], want(true, "report.json", "accept"));
    assert_eq!(found[1], want(false, "report.json", "reject"));
    assert_eq!(found[2], want(true, "eval_result.success", "accept"));
    let closing: Vec<&str> = labelled.err.lines().collect();
    let line = closing.iter().find(|line| line.contains("resolved"));
    assert_eq!(
        line.unwrap().split_whitespace().collect::<Vec<_>>(),
        ["resolved", "2", "1", "0", "66.7", "%"],
        "{}",
        labelled.err
    );
    // a score file by its own path, and the same joined as rewards
    let by_file = run(&["--json", "--filter", "file:scores/scores.jsonl>=0.7"]);
    let rows = by_file.json_lines();
    assert_eq!(rows[0]["filter"]["score"], 0.25);
    assert_eq!(rows[0]["filter"]["verdict"], "reject");
    assert_eq!(rows[1]["filter"]["verdict"], "accept");
    assert_eq!(rows[2]["filter"]["verdict"], "unjudged");
    let why = rows[2]["filter"]["why"].as_str().unwrap();
    assert!(
        why.starts_with("2 rows of ") && why.contains("sha256"),
        "{why}"
    );
    assert_eq!(rows[1]["reward"], Value::Null);
    let joined = run(&[
        "--json",
        "--with",
        "scores/scores.jsonl",
        "--filter",
        "score>=0.7",
    ]);
    let rows = joined.json_lines();
    assert_eq!(
        (&rows[0]["reward"], &rows[1]["reward"]),
        (&json!(0.25), &json!(0.75))
    );
    assert_eq!(rows[1]["label_source"], "scores.jsonl");
    assert_eq!(rows[1]["filter"]["verdict"], "accept");
    assert_eq!(rows[2]["filter"]["why"], "no reward is known");
    // what people read has a column and a reason, and the rules have theirs as before
    let table = run(&["--with", "scores/scores.jsonl", "--filter", "score>=0.7"]);
    assert!(
        table.out.lines().next().unwrap().contains("FILTER"),
        "{}",
        table.out
    );
    assert!(
        table.out.contains("[filter: the reward is below 0.7]"),
        "{}",
        table.out
    );
    assert!(table.err.contains("score>=0.7"), "{}", table.err);
    let wrong = program
        .run(&["verify", "runs.jsonl", "--filter", "best"])
        .ends(2);
    assert!(wrong.err.contains("`best` is no filter"), "{}", wrong.err);
}

/// A patch without context says nothing of where it stands; the checkout does.
#[test]
fn exports_judge_with_the_same_checkout() {
    let program = Program::new();
    let repo = program.home().join("repos/o__r");
    fs::create_dir_all(&repo).unwrap();
    fs::write(
        repo.join("m.py"),
        "import os\n\n\ndef f(x):\n    return x\n",
    )
    .unwrap();
    git(&repo, &["init", "-q", "."]);
    git(&repo, &["add", "-A"]);
    git(&repo, &["commit", "-q", "-m", "c"]);
    let mut task = task("a");
    task["base_commit"] = json!(git(&repo, &["rev-parse", "HEAD"]));
    task["module_line_start"] = json!(3);
    let patch = "diff --git a/m.py b/m.py\n--- a/m.py\n+++ b/m.py\n@@ -4,0 +5 @@ import os\n+    \"\"\"Says what it was given.\"\"\"\n";
    let mut run = run_of("a", patch);
    run["instance"] = task;
    program.file("runs.jsonl", jsonl(&[run]));
    let strict = |more: &[&str]| {
        let args = [
            &["verify", "--json", "--mode", "strict", "runs.jsonl"],
            more,
        ]
        .concat();
        program.run(&args).json_lines().remove(0)["strict"]["verdict"].clone()
    };
    let exported = |more: &[&str]| {
        let args = [
            "export",
            "runs.jsonl",
            "-o",
            "out.jsonl",
            "--force",
            "--format",
            "raw",
            "--filter",
            "strict",
        ];
        program.run(&[&args[..], more].concat()).ends(0);
        let text = fs::read_to_string(program.home().join("out.jsonl"));
        text.unwrap_or_default().lines().count()
    };
    let repos = ["--repos", "repos"];
    assert_eq!(strict(&repos), json!("accept"));
    assert_eq!(strict(&[]), json!("unjudged"));
    // what was found with it is not taken for what is found without
    assert_eq!(exported(&[]), 0);
    assert_eq!(exported(&repos), 1);
    assert_eq!(exported(&[]), 0);
}
