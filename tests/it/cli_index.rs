//! The index cache: it changes nothing that any command says, and is where the README says.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;
use std::time::SystemTime;

use crate::program::Program;
use crate::program::shared;

/// Attempts of two kinds, more than a megabyte of them.
fn rows(count: usize, word: &str) -> String {
    let row = |n: usize| {
        let long = "harbor.moor(vessel)\\n".repeat(500);
        let resolved = n.is_multiple_of(3);
        format!(
            "{{\"instance_id\":\"o__n-{n}\",\"resolved\":{resolved},\"model\":\"m{}\",\"messages\":[{{\"role\":\"user\",\"content\":\"Moor {n}.\"}},{{\"role\":\"assistant\",\"content\":\"{word} {long}\"}}]}}\n",
            n % 2
        )
    };
    (0..count).map(row).collect()
}

/// A file as it was left an hour ago.
fn aged(program: &Program, name: &str, text: &str) -> PathBuf {
    let path = program.file(name, text);
    let then = SystemTime::now() - Duration::from_hours(1);
    let file = fs::File::options().append(true).open(&path).unwrap();
    file.set_modified(then).unwrap();
    path
}

fn sidecars(program: &Program) -> Vec<PathBuf> {
    let folder = program.home().join(".cache/hgview/index");
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[track_caller]
fn is_same_with_index(program: &Program, args: &[&str]) {
    let without = program.run(&[args, &["--no-cache"]].concat());
    for turn in ["first", "second"] {
        let with = program.run(args);
        assert_eq!(with.code, without.code, "{turn}: {args:?}\n{}", with.err);
        assert_eq!(with.out, without.out, "{turn}: {args:?}");
        assert_eq!(with.err, without.err, "{turn}: {args:?}");
    }
}

#[test]
fn every_command_says_the_same_with_the_index() {
    let program = Program::new();
    let path = aged(&program, "a.jsonl", &rows(120, "Done:"));
    let path = path.to_str().unwrap();
    program.run(&["list", path, "--no-cache"]).ends(0);
    assert!(sidecars(&program).is_empty());
    for args in [
        &["list", path][..],
        &["list", path, "--json"],
        &["list", path, "--json", "--sort", "model", "--reverse"],
        &[
            "list",
            "a.jsonl",
            "--json",
            "--where",
            "resolved and model = m1",
        ],
        &["show", path, "--nth", "77", "--json"],
        &["show", path, "--id", "o__n-77"],
        &["search", "Moor 7", path],
        &["search", "is nowhere", path],
        &["verify", path, "--json"],
        &["stats", path, "--json"],
        &["query", "steps > 0", path],
        &["export", path, "-o", "-", "--format", "raw"],
    ] {
        is_same_with_index(&program, args);
    }
    let sidecars = sidecars(&program);
    assert_eq!(sidecars.len(), 1, "{sidecars:?}");
    fs::write(&sidecars[0], "torn").unwrap();
    is_same_with_index(&program, &["list", path, "--json"]);
    aged(&program, "a.jsonl", &rows(121, "Gone:"));
    is_same_with_index(&program, &["list", path, "--json"]);
    is_same_with_index(&program, &["search", "Gone", path]);
}

#[test]
fn the_corpus_is_listed_alike() {
    let Some(shared) = shared() else {
        return;
    };
    let program = Program::new();
    let corpus = shared.join("corpus");
    is_same_with_index(&program, &["list", "--json", corpus.to_str().unwrap()]);
    assert!(!sidecars(&program).is_empty());
}

#[test]
fn what_people_decided_is_told_alike() {
    let program = Program::new();
    let path = aged(&program, "a.jsonl", &rows(120, "Done:"));
    let path = path.to_str().unwrap();
    for (query, choice) in [
        ("resolved", "accept"),
        ("not resolved and model = m1", "reject"),
    ] {
        let args = ["mark", path, "--where", query, choice, "--reviewer", "ada"];
        program.run(&args).ends(0);
    }
    for args in [
        &["list", path, "--json"][..],
        &["list", path, "--where", "decision = accept", "--json"],
        &[
            "mark",
            path,
            "--where",
            "decision",
            "--tag",
            "x",
            "--dry-run",
        ],
        &["stats", path, "--json"],
        &["export", path, "-o", "-", "--format", "raw"],
        &[
            "export",
            path,
            "-o",
            "-",
            "--format",
            "chat",
            "--dry-run",
            "--json",
        ],
        &[
            "export",
            path,
            "-o",
            "-",
            "--format",
            "raw",
            "--where",
            "model = m0",
        ],
        &[
            "export",
            path,
            "-o",
            "-",
            "--format",
            "raw",
            "--policy",
            "human-only",
        ],
        &[
            "export", path, "-o", "-", "--format", "raw", "--policy", "majority",
        ],
        &[
            "export",
            path,
            "-o",
            "-",
            "--format",
            "raw",
            "--per-task",
            "1",
        ],
    ] {
        is_same_with_index(&program, args);
    }
    let data = Path::new(path);
    for more in [&[][..], &["--policy", "unanimous"], &["--filter", "strict"]] {
        let want = export(&program, data, &[more, &["--no-cache"]].concat());
        for turn in ["first", "second", "third"] {
            assert!(export(&program, data, more) == want, "{turn}: {more:?}");
        }
    }
}

/// The exported bytes and the manifest.
fn export(program: &Program, data: &Path, more: &[&str]) -> (Vec<u8>, String) {
    let out = program.home().join("set.jsonl");
    let args = ["export", "-o", "set.jsonl", "--format", "raw", "--force"];
    let data = data.to_str().unwrap();
    program.run(&[&args[..], &[data], more].concat()).ends(0);
    let manifest = fs::read_to_string(program.home().join("set.jsonl.manifest.json"));
    (fs::read(out).unwrap(), manifest.unwrap())
}

#[test]
fn an_export_is_the_same_with_the_index() {
    let program = Program::new();
    let path = aged(&program, "data/a.jsonl", &rows(120, "Done:"));
    let want = export(&program, &path, &["--no-cache"]);
    assert!(sidecars(&program).is_empty());
    assert_eq!(want.0, fs::read(&path).unwrap());
    for turn in ["first", "with its hash", "again"] {
        assert!(export(&program, &path, &[]) == want, "{turn}");
    }
    let some = ["--where", "resolved"];
    let want = export(&program, &path, &[&some[..], &["--no-cache"]].concat());
    assert!(export(&program, &path, &some) == want);
    // the hash of what was there before is not that of what is there now
    aged(&program, "data/a.jsonl", &rows(120, "Gone:"));
    let want = export(&program, &path, &["--no-cache"]);
    for turn in ["first", "with its hash"] {
        assert!(export(&program, &path, &[]) == want, "{turn}");
    }
    let folder = path.parent().unwrap();
    let want = export(&program, folder, &["--no-cache"]);
    assert!(export(&program, folder, &[]) == want);
}

#[test]
fn a_cache_folder_that_cannot_be_written_is_no_matter() {
    let program = Program::new();
    let path = aged(&program, "a.jsonl", &rows(120, "Done:"));
    program.file("cache", "a file");
    let cache = program.home().join("cache");
    let args = ["list", path.to_str().unwrap(), "--json"];
    let want = program.run(&args);
    for _ in 0..2 {
        let got = program.run_with(&args, "HGVIEW_CACHE_DIR", cache.to_str().unwrap());
        assert_eq!(
            (got.code, got.out, got.err),
            (want.code, want.out.clone(), want.err.clone())
        );
    }
    assert_eq!(fs::read_to_string(cache).unwrap(), "a file");
}

#[test]
fn a_record_at_the_beginning_does_not_wait_for_the_rest() {
    let program = Program::new();
    let path = aged(&program, "a.jsonl", &rows(3000, "Done:"));
    let path = path.to_str().unwrap();
    is_same_with_index(&program, &["show", path, "--nth", "2", "--json"]);
    assert!(sidecars(&program).is_empty(), "the rest was not looked at");
    for nth in ["2999", "3000", "3001", "2"] {
        is_same_with_index(&program, &["show", path, "--nth", nth, "--json"]);
    }
    assert_eq!(sidecars(&program).len(), 1);
    let args = ["show", path, "--nth", "2", "--where", "steps > 0"];
    is_same_with_index(&program, &args);
    let array = rows(3000, "Done:").trim_end().replace('\n', ",");
    let path = aged(&program, "b.json", &format!("[{array}]"));
    let path = path.to_str().unwrap();
    is_same_with_index(&program, &["show", path, "--nth", "2", "--json"]);
    assert_eq!(sidecars(&program).len(), 1);
    is_same_with_index(&program, &["show", path, "--nth", "3000", "--json"]);
    assert_eq!(sidecars(&program).len(), 2);
}
