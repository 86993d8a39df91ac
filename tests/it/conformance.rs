//! The vectors of the published evaluators: every expected field, through the store and the filter. They are not ours,
//! so that they are read where they are and skipped where they are not.

use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use hgview::cancel::Cancel;
use hgview::model::RecordIx;
use hgview::model::Verdict;
use hgview::python::definitions::function_text;
use hgview::sandbox::Backend;
use hgview::sandbox::Backends;
use hgview::sandbox::Choice;
use hgview::sandbox::System;
use hgview::store::OpenOptions;
use hgview::store::Store;
use hgview::verify::program::ProgramEnd;
use hgview::verify::program::Programs;
use hgview::verify::program::RunProgram as _;
use hgview::verify::published;
use serde_json::Value;

use crate::program::Program;
use crate::program::shared;

fn vectors(kind: &str) -> Option<Vec<Value>> {
    let path = shared()?.join("conformance").join(format!("{kind}.jsonl"));
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("skipped: no {}", path.display());
        return None;
    };
    let rows = text.lines().map(|line| serde_json::from_str(line).unwrap());
    Some(rows.collect())
}

fn lines(folder: &Path, name: &str, rows: &[Value], key: &str) -> PathBuf {
    let rows: Vec<String> = rows.iter().map(|row| row[key].to_string()).collect();
    let path = folder.join(name);
    std::fs::write(&path, rows.join("\n") + "\n").unwrap();
    path
}

/// Every vector of a kind: what the filter finds must be what is expected; names in `apart` are compared by the caller.
fn check(
    kind: &str,
    apart: &[&str],
    count: usize,
    each: impl Fn(&Value, &hgview::model::Trajectory),
) {
    let Some(rows) = vectors(kind) else { return };
    assert!(rows.len() >= count, "{} vectors", rows.len());
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&OpenOptions {
        paths: vec![lines(folder.path(), "output.jsonl", &rows, "output")],
        with: vec![lines(folder.path(), "tasks.jsonl", &rows, "instance")],
        ..OpenOptions::default()
    })
    .unwrap();
    store.scan(&Cancel::new(), &mut |_| {}).unwrap();
    assert_eq!(store.len(), rows.len());
    let program = runner();
    let can_run = matches!(
        program.run("", &Cancel::new()),
        ProgramEnd::Exited { code: Some(0), .. }
    );
    for (ix, row) in rows.iter().enumerate() {
        let head = store.load_head(RecordIx(ix)).unwrap();
        each(row, &head.trajectory);
        let needs_run = row["expected"].get("test_file").is_some();
        if needs_run && !can_run {
            eprintln!("skipped: no python3 for {}", row["id"]);
            continue;
        }
        let found = published::judge(&head.trajectory, Some(&program), &Cancel::new());
        let expected = row["expected"].as_object().unwrap();
        let wanted = expected
            .iter()
            .filter(|(name, _)| !apart.contains(&name.as_str()));
        let wanted: Vec<_> = wanted.map(|(name, value)| (name.as_str(), value)).collect();
        let got: Vec<_> = found
            .checks
            .iter()
            .map(|(name, value)| (*name, value))
            .collect();
        assert_eq!(got, wanted, "{}", row["id"]);
        let success = ["success", "full_success"]
            .into_iter()
            .find_map(|name| expected.get(name));
        let verdict = Verdict::of(success.unwrap().as_bool().unwrap());
        assert_eq!(found.verdict, verdict, "{}", row["id"]);
        assert!(
            !found.evidence.is_empty() || verdict == Verdict::Accept,
            "{}",
            row["id"]
        );
    }
}

/// Sandboxes, or what is there without one.
fn runner() -> Programs {
    let backends = || {
        let ours = Backends::new(Choice::Auto, env!("CARGO_BIN_EXE_hgview"));
        let found = ours.of(&System::Host, &Cancel::new());
        let found = found.into_iter().map(|chosen| chosen.backend);
        found.collect::<Vec<Arc<dyn Backend>>>()
    };
    Programs::new(backends, true)
}

#[test]
fn func_localize_as_published() {
    check("func_localize", &[], 220, |_, _| {});
}

#[test]
fn dep_search_as_published() {
    check("dep_search", &[], 220, |_, _| {});
}

#[test]
fn issue_localize_as_published() {
    check("issue_localize", &[], 220, |_, _| {});
}

#[test]
fn func_gen_as_published() {
    check("func_gen", &["test_file"], 73, |row, trajectory| {
        let program = published::test_program(trajectory);
        let expected = row["expected"].get("test_file").and_then(Value::as_str);
        assert_eq!(program.as_deref(), expected, "{}", row["id"]);
        let name = row["instance"]["func_name"].as_str().unwrap();
        let cut = function_text(row["source"].as_str().unwrap(), name);
        let expected = row["expected_extract"].as_str().unwrap();
        assert_eq!(cut.unwrap_or_default(), expected, "{}", row["id"]);
    });
}

/// The folder of the interpreter itself: what lies on `PATH` may need the environment.
fn python() -> Option<PathBuf> {
    let asked = Command::new("python3")
        .args(["-c", "import sys; print(sys.executable)"])
        .output()
        .ok()?;
    let path = String::from_utf8(asked.stdout).ok()?;
    Some(Path::new(path.trim()).parent()?.to_path_buf())
}

/// All of them in one file through the command, as somebody would check us.
#[test]
fn the_command_says_what_the_evaluators_say() {
    let kinds = ["func_localize", "dep_search", "issue_localize", "func_gen"];
    let Some(all) = kinds.into_iter().map(vectors).collect::<Option<Vec<_>>>() else {
        return;
    };
    let all: Vec<Value> = all.into_iter().flatten().collect();
    let program = Program::new();
    let output = lines(program.home(), "output.jsonl", &all, "output");
    let tasks = lines(program.home(), "tasks.jsonl", &all, "instance");
    let args = [
        "verify",
        "--json",
        "--show-test",
        "--tasks",
        tasks.to_str().unwrap(),
        output.to_str().unwrap(),
    ];
    let python = python();
    // the second time from the cache, which then has nothing to learn
    let cache = program.home().join(".cache/hgview/verify/verdicts.jsonl");
    let mut kept: Vec<Vec<u8>> = Vec::new();
    for _ in 0..2 {
        let path = python.as_deref().unwrap_or(Path::new("/nowhere"));
        let run = program.run_with(&args, "PATH", path.to_str().unwrap());
        let run = run.ends(0);
        let rows = run.json_lines();
        assert_eq!(rows.len(), all.len());
        for (row, vector) in rows.iter().zip(&all) {
            let expected = &vector["expected"];
            if expected.get("test_file").is_some() && python.is_none() {
                continue;
            }
            assert_eq!(&row["published"]["checks"], expected, "{}", vector["id"]);
            assert_eq!(row["task_type"], vector["task"]);
        }
        kept.push(std::fs::read(&cache).unwrap());
    }
    assert!(kept[0] == kept[1] && kept[0].len() > 10_000);
}
