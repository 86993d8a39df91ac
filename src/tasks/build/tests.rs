//! Whole runs over small repositories.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::json;

use super::*;
use crate::tasks::dep_search::DepSearch;
use crate::tasks::describe::rules::Rules;
use crate::tasks::func_localize::FuncLocalize;
use crate::tasks::source::testing::folder;

/// A repository of several modules, whose functions call each other; `name` makes it differ from others.
fn repository(root: &Path, name: &str, modules: usize) {
    for nth in 0..modules {
        let mut text = format!("\"\"\"Module {nth} of {name}.\"\"\"\n\n");
        for function in 0..4 {
            let doc = format!(
                "Gives back number {function} of what module {nth} in {name} was told before."
            );
            write!(
                text,
                "def {name}_{nth}_{function}(value):\n    \"\"\"{doc}\"\"\"\n"
            )
            .unwrap();
            for other in 0..function {
                writeln!(text, "    {name}_{nth}_{other}(value)").unwrap();
            }
            text.push_str("    return value\n\n\n");
        }
        let path = root.join(name).join(format!("m{nth}.py"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

fn sources(root: &Path, names: &[&str]) -> Vec<Source> {
    names
        .iter()
        .map(|name| Source::at(root.join(name)))
        .collect()
}

const DESCRIBED: FuncLocalize<'static> = FuncLocalize {
    describe: &Rules,
    targets: 1,
    masks_name: false,
    seed: 0,
};

fn made(
    sources: &[Source],
    options: &Options,
    check: Option<&Check<'_>>,
    cancel: &Cancel,
) -> Result<Built> {
    let dep_search = DepSearch::default();
    build(
        sources,
        &[&dep_search, &DESCRIBED],
        options,
        check,
        cancel,
        &|_| {},
    )
}

fn rows(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn options(root: &Path, limit: Option<usize>) -> Options {
    Options {
        out: root.join("out.jsonl"),
        limit,
        ..Options::default()
    }
}

#[test]
fn what_earlier_runs_know_changes_no_task() {
    let root = tempfile::tempdir().unwrap();
    repository(root.path(), "one", 200);
    let sources = sources(root.path(), &["one"]);
    let plain = options(root.path(), Some(30));
    made(&sources, &plain, None, &Cancel::new()).unwrap();
    let expected = fs::read(&plain.out).unwrap();
    let folder = root.path().join("kept");
    for _ in 0..2 {
        let known = Some(Arc::new(KnownRepositories::within(&folder)));
        let again = Options {
            force: true,
            known,
            ..plain.clone()
        };
        made(&sources, &again, None, &Cancel::new()).unwrap();
        assert_eq!(fs::read(&again.out).unwrap(), expected);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    }
}

#[test]
fn tasks_are_balanced_and_have_ids() {
    let root = tempfile::tempdir().unwrap();
    repository(root.path(), "one", 6);
    repository(root.path(), "two", 6);
    repository(root.path(), "few", 1);
    let sources = sources(root.path(), &["one", "two", "few"]);
    let options = options(root.path(), Some(30));
    let built = made(&sources, &options, None, &Cancel::new()).unwrap();
    assert_eq!(built.tasks, 30);
    let want =
        json!({"dep_search": {"01": 5, "02": 5, "03": 5}, "func_localize": {"function": 15}});
    assert_eq!(json!(built.types), want);
    let counts: Vec<usize> = built.repositories.iter().map(|own| own.tasks).collect();
    assert_eq!(counts, [12, 11, 7]);
    let rows = rows(&options.out);
    let first = &rows[0];
    let commit = built.repositories[0].commit.as_deref().unwrap();
    assert_eq!(
        first["instance_id"],
        json!(format!("local__one__{}__0", commit.get(..8).unwrap()))
    );
    assert_eq!(first["repo"], json!("local/one"));
    assert_eq!(first["base_commit"], json!(commit));
    assert_eq!(first["provenance"]["sha256"].as_str().unwrap().len(), 64);
    let ids: HashSet<&str> = rows
        .iter()
        .map(|row| row["instance_id"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), 30);
    assert!(!root.path().join("out.jsonl.partial").exists());
}

#[test]
fn threads_change_nothing() {
    let root = tempfile::tempdir().unwrap();
    repository(root.path(), "one", 20);
    repository(root.path(), "two", 3);
    let sources = sources(root.path(), &["one", "two"]);
    let run = |threads, seed| {
        let options = Options {
            seed,
            force: true,
            ..options(root.path(), Some(25))
        };
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| made(&sources, &options, None, &Cancel::new()))
            .unwrap();
        fs::read(&options.out).unwrap()
    };
    let one = run(1, 0);
    assert_eq!(one, run(5, 0));
    assert_ne!(one, run(5, 1));
}

#[test]
fn what_is_refused_is_replaced() {
    let root = tempfile::tempdir().unwrap();
    repository(root.path(), "one", 4);
    repository(root.path(), "two", 4);
    let sources = sources(root.path(), &["one", "two"]);
    let refuse = |seed: &Seed, row: &Value, _: &Cancel| {
        assert!(row["instance_id"].as_str().unwrap().starts_with("local__"));
        if seed.repo == "local/one" {
            let reason = "not this one";
            let detail = String::new();
            return Err(LeftOut { reason, detail });
        }
        Ok(())
    };
    let options = options(root.path(), Some(20));
    let built = made(&sources, &options, Some(&refuse), &Cancel::new()).unwrap();
    assert_eq!(built.tasks, 20);
    assert_eq!(
        (built.repositories[0].tasks, built.repositories[1].tasks),
        (0, 20)
    );
    assert_eq!(built.left_out["not this one"], 28);
}

#[test]
fn the_same_target_is_one_task() {
    let root = tempfile::tempdir().unwrap();
    repository(root.path(), "one", 2);
    for (from, to) in [("m0.py", "vendored/m0.py"), ("m1.py", "../copy/m1.py")] {
        let to = root.path().join("one").join(to);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(root.path().join("one").join(from), to).unwrap();
    }
    let sources = sources(root.path(), &["one", "copy", "one"]);
    let options = options(root.path(), None);
    let built = made(&sources, &options, None, &Cancel::new()).unwrap();
    assert_eq!(built.tasks, 2 * 3 + 4);
    assert_eq!(built.left_out["another task has the same target"], 10);
    // nobody can tell which of two copies a description means
    assert_eq!(
        built.left_out["its description fits another one as well"],
        8
    );
    assert!(
        built.repositories[2]
            .error
            .as_deref()
            .unwrap()
            .contains("the same as")
    );
}

#[test]
fn a_repository_gives_so_many() {
    let root = tempfile::tempdir().unwrap();
    repository(root.path(), "one", 5);
    let options = Options {
        per_repo: Some(7),
        ..options(root.path(), None)
    };
    let built = made(
        &sources(root.path(), &["one"]),
        &options,
        None,
        &Cancel::new(),
    )
    .unwrap();
    assert_eq!(
        json!(built.types),
        json!({"dep_search": {"01": 1, "02": 1, "03": 1}, "func_localize": {"function": 4}})
    );
}

#[test]
fn a_run_that_was_ended_goes_on() {
    let root = tempfile::tempdir().unwrap();
    let names = ["one", "two", "three", "four"];
    for name in names {
        repository(root.path(), name, 5);
    }
    let sources = sources(root.path(), &names);
    for limit in [None, Some(40)] {
        let options = options(root.path(), limit);
        made(&sources, &options, None, &Cancel::new()).unwrap();
        let whole = fs::read(&options.out).unwrap();
        fs::remove_file(&options.out).unwrap();
        let seen = AtomicUsize::new(0);
        // one repository is done by then, another has begun
        let last = if limit.is_some() { 25 } else { 60 };
        let cancel = Cancel::new();
        let count = |_: &Seed, _: &Value, cancel: &Cancel| {
            if seen.fetch_add(1, Ordering::Relaxed) == last {
                cancel.cancel();
            }
            Ok(())
        };
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(1)
            .build()
            .unwrap();
        let ended = pool.install(|| made(&sources, &options, Some(&count), &cancel));
        assert!(ended.is_err() && !options.out.exists());
        assert!(
            made(&sources, &options, None, &Cancel::new()).is_err(),
            "it was not said what to do"
        );
        let resumed = Options {
            resume: true,
            ..options.clone()
        };
        seen.store(1000, Ordering::Relaxed);
        let built = made(&sources, &resumed, Some(&count), &Cancel::new()).unwrap();
        assert!(built.repositories.iter().any(|own| own.is_resumed));
        assert!(
            seen.load(Ordering::Relaxed) < 1000 + built.tasks,
            "all was made again"
        );
        assert_eq!(fs::read(&options.out).unwrap(), whole);
        fs::remove_file(&options.out).unwrap();
        // what was asked for otherwise is made anew
        let other = Options {
            seed: 9,
            resume: true,
            ..options.clone()
        };
        let built = made(&sources, &other, None, &Cancel::new()).unwrap();
        assert!(built.repositories.iter().all(|own| !own.is_resumed));
        fs::remove_file(&options.out).unwrap();
    }
}

#[test]
fn outputs_are_not_written_over() {
    let root = folder(&[("out.jsonl", "mine"), ("one/m.py", "")]);
    let sources = sources(root.path(), &["one"]);
    let options = options(root.path(), None);
    assert!(made(&sources, &options, None, &Cancel::new()).is_err());
    assert_eq!(fs::read_to_string(&options.out).unwrap(), "mine");
    let forced = Options {
        force: true,
        ..options.clone()
    };
    assert_eq!(
        made(&sources, &forced, None, &Cancel::new()).unwrap().tasks,
        0
    );
    assert_eq!(fs::read_to_string(&options.out).unwrap(), "");
    for out in [root.path().to_owned(), root.path().join("none/out.jsonl")] {
        let nowhere = Options {
            out,
            ..options.clone()
        };
        assert!(made(&sources, &nowhere, None, &Cancel::new()).is_err());
    }
}

#[test]
fn only_parts_are_something_to_go_on_with() {
    let root = tempfile::tempdir().unwrap();
    let options = options(root.path(), None);
    let partial = root.path().join("out.jsonl.partial");
    drop(Output::begin(&options).unwrap());
    assert!(!partial.exists(), "nothing was made");
    let output = Output::begin(&options).unwrap();
    fs::write(partial.join("part"), "x").unwrap();
    drop(output);
    assert!(partial.join("part").exists());
    let left = Output::begin(&options).map(|_| ()).unwrap_err();
    assert!(left.to_string().contains("not ended"), "{left}");
}
