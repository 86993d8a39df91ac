//! The scripts of `examples/cluster/` on local engines: Spark, Ray, `DuckDB`. They run where `HGVIEW_PYTHON` (else `python3`)
//! has them.

use std::path::Path;
use std::process::Command;

use crate::cli_dataset::runs;
use crate::program::Program;

fn python() -> String {
    std::env::var("HGVIEW_PYTHON").unwrap_or_else(|_unset| "python3".to_owned())
}

/// Whether the python has all of these modules; says so where it has not.
fn has(modules: &str) -> bool {
    let import = format!("import {modules}");
    let tried = Command::new(python()).args(["-c", &import]).output();
    let is_there = tried.is_ok_and(|tried| tried.status.success());
    if !is_there {
        eprintln!(
            "skipped: {} has not all of {modules}; HGVIEW_PYTHON names another",
            python()
        );
    }
    is_there
}

/// Runs a script in the home folder; what it printed.
#[track_caller]
fn script(program: &Program, name: &str, args: &[&str]) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples/cluster")
        .join(name);
    let done = Command::new(python())
        .arg(path)
        .args(args)
        .current_dir(program.home())
        .env("HOME", program.home())
        .env("HGVIEW", env!("CARGO_BIN_EXE_hgview"))
        .output()
        .unwrap();
    let err = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{name} {args:?}: {err}");
    String::from_utf8(done.stdout).unwrap()
}

#[track_caller]
fn shares_on(engine: &str) {
    let program = Program::new();
    runs(&program, 60);
    let name = format!("shares_{engine}.py");
    let told = script(&program, &name, &["verify", "shards", "5", "runs.jsonl"]);
    assert!(told.contains("[0, 1, 2, 3, 4]"), "{told}");
    script(
        &program,
        &name,
        &["stats", "shards", "5", "runs.jsonl", "--partial"],
    );
    let one = program.run(&["verify", "runs.jsonl", "--json"]).ends(0).out;
    assert_eq!(program.run(&["verify", "merge", "shards"]).ends(0).out, one);
    for form in ["--json", "--csv", "--markdown"] {
        let one = program
            .run(&["stats", "runs.jsonl", "--by", "model", form])
            .ends(0)
            .out;
        let merged = program
            .run(&["stats", "merge", "shards", "--by", "model", form])
            .ends(0);
        assert_eq!(merged.out, one, "{form}");
    }
}

#[test]
fn shares_on_spark() {
    if has("pyspark") {
        shares_on("spark");
    }
}

#[test]
fn shares_on_ray() {
    if has("ray") {
        shares_on("ray");
    }
}

/// What each engine says of a data set that was written: models with slashes, numbers, and none.
#[track_caller]
fn query(engine: &str) {
    let program = Program::new();
    runs(&program, 40);
    let args = [
        "export",
        "runs.jsonl",
        "-o",
        "set",
        "--format",
        "trajectories",
        "--partition",
        "model,outcome",
    ];
    program.run(&args).ends(0);
    let told = script(&program, "query.py", &[engine, "set"]);
    // the name that only looks like none is what Ray cannot tell from it
    let lines: Vec<&str> = told.lines().filter(|line| line.starts_with('{')).collect();
    let (named, rest): (Vec<&str>, Vec<&str>) = lines
        .into_iter()
        .partition(|line| !line.contains("null") && !line.contains("HIVE"));
    assert_eq!(
        named,
        [
            r#"{"model": "../../m 漢", "trajectories": 8, "steps": 8, "accepted": 0}"#,
            r#"{"model": "4", "trajectories": 8, "steps": 8, "accepted": 0}"#,
            r#"{"model": "openai/gpt:x", "trajectories": 8, "steps": 8, "accepted": 0}"#,
        ]
    );
    assert!(!rest.is_empty(), "{told}");
}

#[test]
fn duckdb_reads_what_is_written() {
    if has("duckdb") {
        query("duckdb");
    }
}

#[test]
fn spark_reads_what_is_written() {
    if has("pyspark") {
        query("spark");
    }
}

#[test]
fn ray_reads_what_is_written() {
    if has("ray.data, pyarrow") {
        query("ray");
    }
}
