//! `hgview tasks build` and `list`: from repositories to a file of tasks that the program reads again.

use std::fs;
use std::path::Path;

use gix_object::Write as _;
use serde_json::Value;
use serde_json::json;

use crate::program::Program;
use crate::program::Run;
use crate::program::git;

const MODULE: &str = r#""""Adds things up."""


def double(value):
    """Gives twice of whatever number it is handed over."""
    return value * 2


class Total:
    """Keeps the running sum of everything that was seen so far."""

    def put(self, value):
        """Takes one more number into account, doubled before it counts."""
        self.sum = double(value)


def run(values):
    total = Total()
    return [double(value) for value in values], total
"#;

/// A bare mirror whose one commit holds `files` (without folders) and a submodule.
fn mirror(at: &Path, files: &[(&str, &[u8])]) -> String {
    let objects = at.join("objects");
    fs::create_dir_all(&objects).unwrap();
    let store = gix_odb::loose::Store::at(&objects, gix_hash::Kind::Sha1);
    let mut files = files.to_vec();
    files.sort_unstable();
    let mut tree = Vec::new();
    for (name, bytes) in files {
        let id = store.write_buf(gix_object::Kind::Blob, bytes).unwrap();
        tree.extend(format!("100644 {name}\0").bytes());
        tree.extend(id.as_slice());
    }
    tree.extend(b"160000 sub\0");
    tree.extend([7; 20]);
    let tree = store.write_buf(gix_object::Kind::Tree, &tree).unwrap();
    let commit = format!("tree {tree}\nauthor a <a@b> 0 +0000\ncommitter a <a@b> 0 +0000\n\nm\n");
    let commit = store.write_buf(gix_object::Kind::Commit, commit.as_bytes());
    let commit = commit.unwrap().to_string();
    fs::write(at.join("HEAD"), "ref: refs/heads/main\n").unwrap();
    fs::write(
        at.join("packed-refs"),
        format!("{commit} refs/heads/main\n"),
    )
    .unwrap();
    commit
}

/// Makes tasks of one type in `out`; the run and the rows.
#[track_caller]
fn build(
    program: &Program,
    repos: &str,
    out: &str,
    kind: &str,
    more: &[&str],
) -> (Run, Vec<Value>) {
    let args = ["tasks", "build", repos, "-o", out, "--type", kind];
    let run = program.run(&[&args[..], more].concat()).ends(0);
    let text = fs::read_to_string(program.home().join(out)).unwrap();
    let rows = text.lines().map(|line| serde_json::from_str(line).unwrap());
    (run, rows.collect())
}

/// Sources that are hard to read, beside one that is not.
fn hostile(program: &Program) {
    let root = program.home().join("repos");
    let huge = format!("x = [\n{}]\n", "    1,\n".repeat(800_000));
    mirror(
        &root.join("owner__good.git"),
        &[
            ("m.py", MODULE.as_bytes()),
            ("broken.py", b"def f(:\n    '''Words that nobody will ever find here.'''\n    x = 1\n"),
            ("old.py", b"def g():\n    '''Prints something as it was done in old times.'''\n    print 'x'\n"),
            ("latin.py", b"def h():\n    '''Gr\xfc\xdfe an alle, die das hier lesen k\xf6nnen.'''\n    return 1\n"),
            ("huge.py", huge.as_bytes()),
            ("binary.py", b"\0\0\0"),
            ("LICENSE", b"Permission is hereby granted, free of charge, to any person obtaining a copy"),
        ],
    );
    program.file("repos/torn/.git/HEAD", "ref: refs/heads/main\n");
    program.file("repos/torn/m.py", MODULE);
    program.file("repos/no-1.0.tar.gz", "no archive");
    program.file(
        "repos/plain/pkg/m.py",
        MODULE.replace("double", "twice").replace("Total", "Sum"),
    );
    program.file("repos/plain/sub/.git", "gitdir: ../nowhere\n");
    program.file("repos/plain/sub/m.py", MODULE);
    #[cfg(unix)]
    std::os::unix::fs::symlink("..", root.join("plain/pkg/loop")).unwrap();
}

#[test]
fn tasks_of_hostile_repositories() {
    let program = Program::new();
    hostile(&program);
    let run = program
        .run(&["tasks", "build", "repos", "-o", "tasks.jsonl", "--json"])
        .ends(1);
    let report = &run.json_lines()[0];
    let names: Vec<&str> = report["repositories"]
        .as_array()
        .unwrap()
        .iter()
        .map(|own| {
            own["error"]
                .as_str()
                .map_or(own["repo"].as_str().unwrap_or_default(), |_| "error")
        })
        .collect();
    assert_eq!(names, ["error", "owner/good", "local/plain", "error"]);
    let good = &report["repositories"][1];
    assert_eq!(good["licence"], json!({"path": "LICENSE", "spdx": "MIT"}));
    assert_eq!(
        (&good["files"], &good["faulty"], &good["skipped"]),
        (&json!(4), &json!(2), &json!(3))
    );
    assert!(run.err.contains("torn was left out"), "{}", run.err);
    let text = fs::read_to_string(program.home().join("tasks.jsonl")).unwrap();
    let rows: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let targets = |kind: &str, repo: &str| -> Vec<String> {
        let own = rows
            .iter()
            .filter(|row| row["repo"] == repo && row.get(kind).is_some());
        own.map(|row| row[kind].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        targets("target_function_name", "owner/good"),
        ["put", "run"]
    );
    assert_eq!(
        targets("module_name", "owner/good"),
        ["h", "double", "Total", "put"]
    );
    assert_eq!(
        targets("module_name", "local/plain"),
        ["twice", "Sum", "put"]
    );
    let run = rows
        .iter()
        .find(|row| row["target_function_name"] == "run")
        .unwrap();
    let names: Vec<&Value> = run["dependencies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["name"])
        .collect();
    assert_eq!(names, ["Total", "double"]);
    assert!(!text.contains("sub/m.py") && !text.contains("loop"));
}

#[test]
fn what_was_made_is_listed() {
    let program = Program::unbounded();
    let commit = mirror(
        &program.home().join("owner__name.git"),
        &[("m.py", MODULE.as_bytes())],
    );
    for out in ["tasks.jsonl", "tasks.parquet"] {
        program
            .run(&["tasks", "build", "owner__name.git", "-o", out])
            .ends(0);
        let listed = program
            .run(&["tasks", "list", out, "--json"])
            .ends(0)
            .json_lines();
        let shown: Vec<String> = listed
            .iter()
            .map(|row| format!("{} {} {}", row["task_type"], row["target"], row["line"]))
            .collect();
        let want = [
            "\"dep_search\" \"put\" 11",
            "\"dep_search\" \"run\" 16",
            "\"func_localize\" \"double\" 3",
            "\"func_localize\" \"Total\" 8",
            "\"func_localize\" \"put\" 11",
        ];
        assert_eq!(shown, want, "{out}");
        let id = format!("owner__name__{}__1", commit.get(..8).unwrap());
        assert_eq!(listed[1]["id"], json!(id));
        assert_eq!(listed[1]["dependencies"], json!(2));
        assert_eq!(listed[1]["base_commit"], json!(commit));
        let table = program
            .run(&["tasks", "list", out, "--where", "task = dep_search"])
            .ends(0)
            .out;
        assert_eq!(table.lines().count(), 3, "{table}");
        assert!(
            table.contains(&id) && table.contains("2 deps") && table.contains("m.py:17"),
            "{table}"
        );
    }
    let program = Program::new();
    program.file(
        "none.jsonl",
        "{\"messages\": [{\"role\": \"user\", \"content\": \"x\"}]}\n",
    );
    program.run(&["tasks", "list", "none.jsonl"]).ends(1);
}

#[test]
fn options_decide() {
    let program = Program::new();
    program.file("own/m.py", MODULE);
    let build = |more: &[&str]| {
        let mut args = vec!["tasks", "build", "own", "-o", "out.jsonl", "--force"];
        args.extend(more);
        program.run(&args).ends(0);
        let text = fs::read_to_string(program.home().join("out.jsonl")).unwrap();
        let rows = text.lines().map(|line| serde_json::from_str(line).unwrap());
        rows.collect::<Vec<Value>>()
    };
    assert_eq!(build(&["--type", "dep_search"]).len(), 2);
    assert_eq!(build(&["--type", "dep_search", "--min-deps", "2"]).len(), 1);
    assert_eq!(build(&["--limit", "3"]).len(), 3);
    assert_eq!(build(&["--per-repo", "1"]).len(), 1);
    assert_eq!(build(&["--repo-name", "a/b"])[0]["repo"], json!("a/b"));
    let masked = build(&["--type", "func_localize", "--mask-name", "--targets", "3"]);
    assert_eq!(masked.len(), 1);
    assert_eq!(masked[0]["name_masked"], json!(true));
    assert_eq!(masked[0]["functions"].as_array().unwrap().len(), 3);
    let described = json!({"file_path": "m.py", "module_name": "double",
        "description": "Multiplies what it gets by two and hands it back."});
    program.file("told.jsonl", described.to_string());
    let told = build(&["--type", "func_localize", "--descriptions", "told.jsonl"]);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["function_description"], described["description"]);
}

#[test]
fn mistakes_are_told() {
    let program = Program::new();
    program.file("own/m.py", MODULE);
    program.file("told.jsonl", "{}");
    program.file("there.jsonl", "mine");
    for args in [
        &["own", "-o", "there.jsonl"][..],
        &["none", "-o", "out.jsonl"],
        &["own", "-o", "no/out.jsonl"],
        &["own", "-o", "out.jsonl", "--min-deps", "4"],
        &["own", "-o", "out.jsonl", "--type", "issue"],
        &["own", "-o", "out.jsonl", "--repo-name", "x"],
        &["own", "-o", "out.jsonl", "--descriptions", "told.jsonl"],
        &["own", "told.jsonl", "-o", "out.jsonl", "--commit", "v1"],
    ] {
        let args: Vec<&str> = ["tasks", "build"].iter().chain(args).copied().collect();
        program.run(&args).ends(2);
    }
    assert_eq!(
        fs::read_to_string(program.home().join("there.jsonl")).unwrap(),
        "mine"
    );
    assert!(!program.home().join("out.jsonl.partial").exists());
    // a commit of what has none is told as what could not be opened
    program
        .run(&["tasks", "build", "own", "-o", "out.jsonl", "--commit", "v1"])
        .ends(1);
}

#[test]
fn issues_come_from_the_history_or_from_rows() {
    let program = Program::new();
    let repo = program.home().join("repos/own__sums");
    fs::create_dir_all(&repo).unwrap();
    let commit = |text: &str, message: &str| {
        fs::write(repo.join("m.py"), text).unwrap();
        git(&repo, &["add", "-A"]);
        git(&repo, &["commit", "-q", "-m", message]);
        git(&repo, &["rev-parse", "HEAD"])
    };
    git(&repo, &["init", "-q", "."]);
    let base = commit(MODULE, "first");
    let mended = MODULE.replace("return value * 2", "return value + value");
    let message = "Sums of long lists came out a little too large whenever some values were empty\n\nFixes #12";
    let fix = commit(&mended, message);
    let (_, rows) = build(&program, "repos", "a.jsonl", "issue_localize", &[]);
    let [row] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!(row["base_commit"], json!(base));
    assert_eq!(row["fix_commit"], json!(fix));
    assert!(
        row["patch"]
            .as_str()
            .unwrap()
            .contains("+    return value + value")
    );
    assert_eq!(row["provenance"]["search_space"]["definitions"], json!(4));
    // the same from rows, and only of repositories that are named
    let patch = row["patch"].as_str().unwrap();
    let issue = |repo: &str| {
        json!({"instance_id": format!("{repo}-7"), "repo": repo, "base_commit": base,
            "problem_statement": "Sums of long lists come out too large.", "patch": patch})
    };
    program.file(
        "issues.jsonl",
        format!("{}\n{}\n", issue("own/sums"), issue("own/other")),
    );
    let more = ["--issues", "issues.jsonl"];
    let (_, rows) = build(&program, "repos", "b.jsonl", "issue_localize", &more);
    let ids: Vec<&Value> = rows.iter().map(|row| &row["instance_id"]).collect();
    assert_eq!(ids, ["own/sums-7"]);
    let checked = program.run(&["tasks", "check", "a.jsonl", "--repos", "repos", "--json"]);
    let report = &checked.json_lines()[0];
    assert_eq!(
        report["report"]["checks"][0]["outcome"],
        json!("ok"),
        "{report}"
    );
}

/// Needs python3 and a sandbox; without them there are no such tasks, and it is said why.
#[test]
fn generated_functions_have_a_test_that_was_proved() {
    let program = Program::new();
    let module = "import math\n\nSIDES = 4\n\n\ndef around(length):\n    \"\"\"How long the way around a square is.\n\n    >>> around(3)\n    12\n    >>> around(0)\n    0\n    \"\"\"\n    once = math.floor(length)\n    return once * SIDES\n";
    program.file("repos/plain/shapes.py", module);
    let (run, rows) = build(&program, "repos/plain", "a.jsonl", "func_gen", &["--json"]);
    let [row] = &rows[..] else {
        let report = run.json_lines()[0].to_string();
        assert!(report.contains("its test program was not run"), "{report}");
        eprintln!("skipped: no python3 or no sandbox on this machine");
        return;
    };
    assert_eq!(row["func_name"], json!("around"));
    assert!(row["func_body"].as_str().unwrap().contains("once * SIDES"));
    let script = row["eval_script"].as_str().unwrap();
    assert!(script.contains("SIDES = 4"), "{script}");
    let check = program.run(&[
        "tasks",
        "check",
        "a.jsonl",
        "--repo",
        "repos/plain",
        "--json",
    ]);
    let report = &check.json_lines()[0];
    assert_eq!(report["is_good"], json!(true), "{report}");
}
