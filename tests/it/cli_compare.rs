//! `hgview compare`: two attempts, two runs, and how one says which.

use serde_json::Value;
use serde_json::json;

use crate::program::Program;
use crate::program::sample;

const ATTEMPTS: &str = "openhands-v0/attempts.jsonl.gz";

/// A chat row: the task, whether it is solved, and the commands of the attempt.
fn row(task: &str, model: &str, resolved: Option<bool>, commands: &[&str]) -> String {
    let mut messages = vec![json!({"role": "user", "content": "Mend it."})];
    for (nth, command) in commands.iter().enumerate() {
        let call = json!({"id": format!("c{nth}"), "type": "function", "function": {
            "name": "bash", "arguments": json!({"command": command}).to_string()}});
        messages.push(json!({"role": "assistant", "content": "", "tool_calls": [call]}));
        messages.push(json!({"role": "tool", "tool_call_id": format!("c{nth}"), "content": "ok"}));
    }
    let mut row = json!({"instance_id": task, "model": model, "messages": messages});
    if let Some(resolved) = resolved {
        row["resolved"] = resolved.into();
    }
    format!("{row}\n")
}

/// Two runs of `gained + lost + 2` tasks.
fn runs(gained: usize, lost: usize) -> (Program, String, String) {
    let program = Program::new();
    let (mut a, mut b) = (String::new(), String::new());
    let mut add = |task: String, before: bool, after: bool| {
        a.push_str(&row(&task, "small", Some(before), &["ls", "cat a.py"]));
        b.push_str(&row(&task, "large", Some(after), &["ls"]));
    };
    for nth in 0..gained {
        add(format!("gained-{nth}"), false, true);
    }
    for nth in 0..lost {
        add(format!("lost-{nth}"), true, false);
    }
    add("kept".to_owned(), true, true);
    add("never".to_owned(), false, false);
    let (one, other) = (program.file("a.jsonl", &a), program.file("b.jsonl", &b));
    let name = |path: std::path::PathBuf| path.display().to_string();
    (program, name(one), name(other))
}

#[test]
fn two_runs_are_compared_task_by_task() {
    let (program, a, b) = runs(3, 1);
    let run = program.run(&["compare", &a, &b]).ends(0);
    insta::assert_snapshot!(run.out, @"
    A  HOME/a.jsonl  6 attempts, 6 tasks  2/6 good = 33.3 % (9.7–70.0)
    B  HOME/b.jsonl  6 attempts, 6 tasks  4/6 good = 66.7 % (30.0–90.3)
    good: resolved; several attempts of a task: any

    + gained            3
    − lost              1
    ✓ same, good        1
    ✗ same, bad         1

    B − A  +33.3 % (-24.6 to +70.7) over 6 tasks; p = 0.6250 (exact McNemar test)
    steps  2.0 → 1.0 (-1.0) over 6 tasks

    + gained-0                                          0/1 → 1/1  steps 2 → 1
    + gained-1                                          0/1 → 1/1  steps 2 → 1
    + gained-2                                          0/1 → 1/1  steps 2 → 1
    − lost-0                                            1/1 → 0/1  steps 2 → 1
    ");
    let turned = program.run(&["compare", &b, &a, "--json"]).ends(0);
    let found = &turned.json_lines()[0];
    assert_eq!(found["counts"]["gained"], 1);
    assert_eq!(found["counts"]["lost"], 3);
    assert_eq!(found["steps"]["difference"], 1.0);
}

#[test]
fn the_exact_test_is_told() {
    let (program, a, b) = runs(10, 2);
    let found = program.run(&["compare", &a, &b, "--json"]).ends(0);
    let p = found.json_lines()[0]["rates"]["p"].as_f64().unwrap();
    assert!((p - 0.038_574_218_75).abs() < 1e-12, "{p}");
}

#[test]
fn one_set_is_split_by_model() {
    let path = sample(ATTEMPTS);
    let run = Program::new()
        .run(&[
            "compare",
            &path,
            "--by",
            "model",
            "--outcome",
            "published",
            "--json",
        ])
        .ends(0);
    let found = &run.json_lines()[0];
    assert_eq!(found["outcome"], "published");
    assert_eq!(found["a"]["name"], "harbor/deckhand-7b");
    assert_eq!(
        (found["a"]["tasks"].as_u64(), found["b"]["tasks"].as_u64()),
        (Some(3), Some(2))
    );
    assert_eq!(found["counts"]["only_a"], 1);
    assert_eq!(found["unequally_often"], 1);
}

#[test]
fn several_attempts_make_an_outcome_as_asked() {
    let program = Program::new();
    let no = row("t", "m", Some(false), &["ls"]);
    let yes = row("t", "m", Some(true), &["ls"]);
    program.file("a.jsonl", format!("{no}{yes}"));
    program.file("b.jsonl", format!("{yes}{yes}"));
    for (rule, change) in [
        ("any", "same_yes"),
        ("all", "gained"),
        ("majority", "gained"),
        ("first", "gained"),
    ] {
        let args = [
            "compare",
            "a.jsonl",
            "b.jsonl",
            "--attempts",
            rule,
            "--json",
        ];
        let found = program.run(&args).ends(0).json_lines();
        assert_eq!(found[0]["tasks"][0]["change"], change, "{rule}");
    }
}

#[test]
fn decisions_can_be_what_counts() {
    let (program, a, b) = runs(1, 0);
    for (path, choice) in [(&a, "accept"), (&b, "reject")] {
        let args = ["mark", path, "--nth", "1", choice, "--reviewer", "ada"];
        program.run(&args).ends(0);
    }
    let args = ["compare", &a, &b, "--outcome", "decision", "--json"];
    let found = program.run(&args).ends(0).json_lines();
    assert_eq!(found[0]["counts"]["lost"], 1);
    assert_eq!(found[0]["counts"]["unknown"], 2);
}

#[test]
fn two_attempts_are_compared_step_by_step() {
    let path = sample(ATTEMPTS);
    let args = ["compare", &path, "--left", ":3", "--right", ":4", "--steps"];
    let run = Program::new().run(&args).ends(0);
    insta::assert_snapshot!(run.out, @r#"
    A  unresolved  tidepool__harbor-kit.dep_search.1 (record 3)  harbor/deckhand-7b  3 responses  3.4k tokens  $0.0020
    B  resolved  tidepool__harbor-kit.dep_search.1 (record 4)  harbor/deckhand-7b  3 responses  3.3k tokens  $0.0020

    7 rows: 5 the same, 0 similar, 2 different, 0 in A only, 0 in B only
    first divergence:
    ▶    4 ○ view harbor_kit/berths.py 7–21                     ≠    4 ? grep -rn "def interpolate" harbor_kit and 1 more
             other actions: view, search

         0 S system You are a careful engineer who works in a … =    0 S system You are a careful engineer who works in a …
         1 U user Look at the method `fits` in harbor_kit/bert… =    1 U user Look at the method `fits` in harbor_kit/bert…
         2 · recall workspace_context                           =    2 · recall workspace_context
         3 · recall Added workspace context                     =    3 · recall Added workspace context
    ▶    4 ○ view harbor_kit/berths.py 7–21                     ≠    4 ? grep -rn "def interpolate" harbor_kit and 1 more
             other actions: view, search
         5 ± edit harbor_kit/tides.py +1 −0 and 2 more          ≠    5 ± edit harbor_kit/tides.py +1 −0 and 2 more
             other actions: search, edit
         6 ■ finish: Marked what `fits` needs of the tides.     =    6 ■ finish: Both are marked.

    patches, A beside B: 2 files: 1 different, 1 on the right only
      ≠ harbor_kit/tides.py  +2 −0 | +1 −2, 1 line in common
      > harbor_kit/manifest.py  +1 −0
    "#);
    let args = [
        "compare",
        &path,
        "--task",
        "tidepool__harbor-kit.issue_localize.17",
        "--json",
    ];
    let found = Program::new().run(&args).ends(0).json_lines();
    let rows = found[0]["rows"].as_array().unwrap();
    let steps = |side: &str| rows.iter().filter_map(|row| row[side].as_u64()).count();
    let all = Program::new()
        .run(&["show", &path, "--nth", "5", "--json"])
        .ends(0);
    let all = all.json_lines()[0]["steps"].as_array().unwrap().len();
    assert_eq!(steps("left"), all);
    assert_eq!(found[0]["left"]["nth"], 5);
    assert!(found[0]["left_reference"].is_object() || found[0]["left_reference"].is_null());
}

#[test]
fn attempts_are_named_by_id_place_and_reference() {
    let (program, a, b) = runs(1, 1);
    for (left, right) in [
        (format!("{a}#kept"), format!("{b}:3")),
        (format!("{a}:3#kept@0"), format!("{b}#kept")),
    ] {
        let found = program
            .run(&["compare", &left, &right, "--json"])
            .ends(0)
            .json_lines();
        assert_eq!(found[0]["right"]["id"], "kept");
        assert_eq!(found[0]["counts"]["only_left"], 1);
        assert_eq!(found[0]["first_divergence"], 2);
    }
    let same = program.run(&["compare", &a, &a, "--task", "kept"]).ends(0);
    assert!(same.out.contains("no divergence"), "{}", same.out);
}

#[track_caller]
fn refused(program: &Program, args: &[&str], want: &str) {
    let run = program.run(args).ends(2);
    assert!(run.err.contains(want), "{want:?} is not in {}", run.err);
}

#[test]
fn what_is_not_clear_is_asked_for() {
    let (program, a, b) = runs(1, 1);
    let many = sample(ATTEMPTS);
    refused(
        &program,
        &["compare", &a],
        "holds 4 trajectories; two are compared",
    );
    refused(
        &program,
        &["compare", &a, "--task", "kept"],
        "holds one attempt at kept",
    );
    refused(
        &program,
        &["compare", &a, "--task", "none"],
        "attempts none",
    );
    refused(&program, &["compare", &a, "--left", "kept"], "go together");
    refused(
        &program,
        &["compare", &a, &b, "--by", "model"],
        "--by makes two runs of one set",
    );
    refused(
        &program,
        &["compare", &a, &b, "--left", "kept"],
        "--right ID or --right :N",
    );
    refused(
        &program,
        &["compare", &a, "--by", "model"],
        "all records have one value, small",
    );
    refused(
        &program,
        &[
            "compare",
            &many,
            "--task",
            "tidepool__harbor-kit.dep_search.1",
        ],
        "--left :2 --right :3",
    );
    let three: String = ["x", "y", "z"]
        .map(|model| row("t", model, None, &["ls"]))
        .concat();
    program.file("three.jsonl", three);
    refused(
        &program,
        &["compare", "three.jsonl", "--by", "model"],
        "x: 1 record",
    );
    let args = [
        "compare",
        "three.jsonl",
        "--by",
        "model",
        "--left",
        "x",
        "--right",
        "z",
    ];
    program.run(&args).ends(0);
    refused(&program, &["compare", "none.jsonl", &a], "none.jsonl");
}

#[test]
fn records_that_cannot_be_read_are_counted() {
    let (program, a, _) = runs(1, 0);
    program.file(
        "torn.jsonl",
        row("kept", "m", Some(true), &["ls"]) + "{\"instance_id\": \"x\", \"messages\": [\n",
    );
    let run = program.run(&["compare", &a, "torn.jsonl"]).ends(1);
    assert!(
        run.out.contains("1 record could not be read"),
        "{}",
        run.out
    );
}

#[test]
fn nothing_of_a_record_is_obeyed_by_the_terminal() {
    let program = Program::new();
    let odd = "\u{1b}[2J\u{202e}evil";
    program.file("a.jsonl", row(odd, "m", Some(true), &["ls", odd]));
    program.file("b.jsonl", row(odd, odd, Some(false), &["ls"]));
    for args in [
        vec!["compare", "a.jsonl", "b.jsonl", "--steps"],
        vec!["compare", "a.jsonl", "b.jsonl", "--json"],
    ] {
        let out = program.run(&args).ends(0).out;
        assert!(!out.contains(['\u{1b}', '\u{202e}']), "{out:?}");
    }
}

#[test]
fn the_schemas_describe_both_outputs() {
    let (program, a, b) = runs(1, 1);
    for (name, args) in [
        (
            "compare",
            vec!["compare", &a, &a, "--task", "kept", "--json"],
        ),
        ("compare-runs", vec!["compare", &a, &b, "--json"]),
    ] {
        let schema = program.run(&["schema", name]).ends(0).out;
        let schema: Value = serde_json::from_str(&schema).unwrap();
        let known = schema["properties"].as_object().unwrap();
        let found = program.run(&args).ends(0).json_lines();
        for key in found[0].as_object().unwrap().keys() {
            assert!(known.contains_key(key), "{name}: {key}");
        }
    }
}

#[test]
fn runs_and_attempts_are_among_what_the_query_takes() {
    let (program, a, b) = runs(3, 1);
    let counts = |query: &str| {
        let args = ["compare", &a, &b, "--where", query, "--json"];
        let found = program.run(&args).ends(0).json_lines().remove(0);
        ["gained", "lost"].map(|name| found["counts"][name].as_u64().unwrap())
    };
    assert_eq!(counts("steps > 0"), [3, 1]);
    assert_eq!(counts("task_id != gained-0"), [2, 1]);
    assert_eq!(counts("task_id !~ lost"), [3, 0]);
    // one of each side is left: these two are compared
    let args = ["compare", &a, &b, "--where", "task_id = lost-0"];
    let two = program.run(&args).ends(0);
    assert!(
        two.out.contains("view a.py") && !two.out.contains("McNemar"),
        "{}",
        two.out
    );
    let wrong = program
        .run(&["compare", &a, &b, "--where", "stpes > 1"])
        .ends(2);
    assert!(wrong.err.contains("did you mean `steps`"), "{}", wrong.err);
}
