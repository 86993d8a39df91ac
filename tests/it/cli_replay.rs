//! `hgview replay`, on attempts whose workspace is rebuilt from what they show. Where no sandbox can be started, the tests
//! that need one say so and end.

use std::path::Path;

use serde_json::Value;

use crate::program::Program;
use crate::program::Run;
use crate::program::sample;

const FILES: [&str; 2] = ["almanac-1.traj.json", "almanac-2.traj.json"];

/// A home with both attempts in `runs/`; `None` where this machine has no sandboxes.
fn attempts() -> Option<Program> {
    let program = Program::new();
    for name in FILES {
        let bytes = std::fs::read(sample(&format!("replay/{name}"))).unwrap();
        program.file(&format!("runs/{name}"), bytes);
    }
    let probe = program.run(&["replay", "runs", "--nth", "1", "--again"]);
    if probe.code == 2 && probe.err.contains("no sandbox can be started here") {
        eprintln!("skipped: {}", probe.err);
        return None;
    }
    std::fs::remove_dir_all(program.home().join("runs.hgview")).unwrap();
    Some(program)
}

fn verdicts(row: &Value) -> Vec<&str> {
    let calls = row["calls"].as_array().unwrap().iter();
    calls
        .map(|call| call["verdict"].as_str().unwrap())
        .collect()
}

fn results(program: &Program) -> String {
    std::fs::read_to_string(program.home().join("runs.hgview/replay/results.jsonl")).unwrap()
}

#[test]
fn one_is_reproduced_and_one_is_not() {
    let Some(program) = attempts() else { return };
    let run = program.run(&["replay", "runs", "--json"]).ends(1);
    let rows = run.json_lines();
    assert_eq!(rows.len(), 2);
    assert_eq!(verdicts(&rows[0]), ["match"; 7]);
    assert_eq!(rows[0]["first_divergence"], Value::Null);
    assert_eq!(rows[0]["patch"]["text"], "exact", "{}", rows[0]["patch"]);
    assert_eq!(rows[0]["base"], "rebuilt");
    let bent = verdicts(&rows[1]);
    assert_eq!(bent[..6], ["match"; 6]);
    assert_eq!(bent[6..], ["drift", "match"]);
    assert_eq!(rows[1]["calls"][6]["why"], "line 1: `13`, recorded `42`");
    assert_eq!(rows[1]["calls"][7]["after_divergence"], true);
    assert!(
        run.err.contains("2 records, 1 reproduced, 1 diverged"),
        "{}",
        run.err
    );
    let lines = run.out.lines().collect::<Vec<_>>();
    let mut kept: Vec<String> = results(&program).lines().map(str::to_owned).collect();
    kept.sort_by_key(|line| !line.contains("almanac-tides-1"));
    assert_eq!(kept, lines, "what is printed is what is kept");
}

#[test]
fn what_has_a_result_is_not_run_again() {
    let Some(program) = attempts() else { return };
    let first = program.run(&["replay", "runs", "--json"]).ends(1);
    let kept = results(&program);
    let second = program.run(&["replay", "runs", "--json"]).ends(1);
    assert_eq!(first.out, second.out);
    assert!(
        second.err.contains("2 records have their result already"),
        "{}",
        second.err
    );
    assert_eq!(results(&program), kept);
    let other = program
        .run(&["replay", "runs", "--json", "--timeout", "30"])
        .ends(1);
    assert!(!other.err.contains("already"), "{}", other.err);
    assert_eq!(results(&program).lines().count(), 4);
    let again = program
        .run(&["replay", "runs", "--again", "--nth", "1"])
        .ends(0);
    assert!(again.out.contains("reproduced"), "{}", again.out);
}

#[test]
fn results_are_in_queries_and_lists() {
    let Some(program) = attempts() else { return };
    let before = program.run(&["list", "runs"]).ends(0);
    assert!(!before.out.contains("REPLAY"), "{}", before.out);
    program
        .run(&[
            "replay",
            "runs",
            "--verify-cmd",
            "grep -c final tides.txt | grep -qx 3",
        ])
        .ends(1);
    let list = program.run(&["list", "runs"]).ends(0);
    assert!(
        list.out.contains("REPLAY") && list.out.contains("reproduced"),
        "{}",
        list.out
    );
    let rows = program
        .run(&["list", "runs", "--json"])
        .ends(0)
        .json_lines();
    assert_eq!(rows[0]["replay"]["reproduced"], true);
    assert_eq!(rows[0]["replay"]["verified"], "accept");
    assert_eq!(rows[1]["replay"]["match"], 0.875);
    let taken = |query: &str| {
        let run = program
            .run(&["list", "runs", "--json", "--where", query])
            .ends(0);
        let rows = run.json_lines();
        let ids = rows.iter().map(|row| row["nth"].as_u64().unwrap());
        ids.collect::<Vec<u64>>()
    };
    for (query, expected) in [
        ("replay.reproduced", vec![1]),
        ("replay.reproduced = false", vec![2]),
        ("replay.divergence > 0", vec![2]),
        ("replay.match > 80%", vec![1, 2]),
        ("replay.verified = accept", vec![1, 2]),
        ("replay.patch and not replay.flaky", vec![1, 2]),
        ("replay.error", vec![]),
    ] {
        assert_eq!(taken(query), expected, "{query}");
    }
}

#[test]
fn shares_merge_to_the_same_bytes() {
    let Some(program) = attempts() else { return };
    let merged = |of: u64| {
        let folder = format!("shares-{of}");
        for nth in 0..of {
            let shard = format!("{nth}/{of}");
            let args = ["replay", "runs", "--shard", &shard, "--out", &folder];
            let run = program.run(&args);
            assert!(run.code < 2, "{}", run.err);
        }
        let run = program.run(&["replay", "merge", &folder]).ends(0);
        run.out
    };
    let all = merged(1);
    assert_eq!(all.lines().count(), 2);
    assert_eq!(merged(3), all);
    let to_file = program
        .run(&["replay", "merge", "shares-3", "-o", "all.jsonl"])
        .ends(0);
    assert_eq!(to_file.out, "");
    assert_eq!(
        std::fs::read_to_string(program.home().join("all.jsonl")).unwrap(),
        all
    );
    let one = program.home().join("shares-3/results-00001-of-00003.jsonl");
    std::fs::remove_file(one).unwrap();
    let run = program.run(&["replay", "merge", "shares-3"]).ends(2);
    assert!(
        run.err.contains("1 of 3 shares are missing: 1"),
        "{}",
        run.err
    );
    let run = program
        .run(&["replay", "merge", "shares-3", "--allow-partial"])
        .ends(1);
    assert!(run.err.contains("share 1 of 3 is missing"), "{}", run.err);
}

#[test]
fn without_a_sandbox_nothing_runs() {
    let program = Program::new();
    let file = sample("replay/almanac-1.traj.json");
    let file = file.as_str();
    let run = program.run(&["replay", file, "--backend", "none"]).ends(0);
    assert!(
        run.out
            .starts_with("almanac-tides-1@1 bash: cat tides.txt\n"),
        "{}",
        run.out
    );
    assert_eq!(run.out.lines().count(), 7);
    assert!(run.err.contains("nothing was run"), "{}", run.err);
    let rows = program
        .run(&["replay", file, "--backend", "none", "--json"])
        .ends(0);
    assert_eq!(
        rows.json_lines()[3]["cmd"],
        "sed -i 's/draft/final/' tides.txt"
    );
    assert!(!Path::new(file).with_extension("json.hgview").exists());
}

#[track_caller]
fn refused(args: &[&str], words: &str) {
    let program = Program::new();
    let run: Run = program.run(args);
    assert_eq!(run.code, 2, "{args:?}");
    assert!(run.err.contains(words), "{args:?}: {}", run.err);
}

#[test]
fn what_cannot_be_asked() {
    let file = sample("replay/almanac-1.traj.json");
    let file = file.as_str();
    refused(&["replay"], "required");
    refused(
        &["replay", file, "--shard", "3/3", "--out", "x"],
        "is no share",
    );
    refused(&["replay", file, "--shard", "0/3"], "--out");
    refused(&["replay", file, "--timeout", "0"], "more than 0");
    refused(&["replay", file, "--backend", "chroot"], "possible values");
    refused(
        &["replay", file, "--id", "nobody", "--backend", "none"],
        "no record has the id nobody",
    );
    refused(&["replay", "merge", "nowhere"], "cannot be read");
}
