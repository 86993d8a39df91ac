//! Tasks that are listed beside attempts.

use super::*;

fn task(n: usize) -> String {
    format!(r#"{{"instance_id":"o__n-{n}","repo":"o/n","problem_statement":"p{n}"}}"#)
}

fn run(n: usize) -> String {
    format!(r#"{{"instance_id":"o__n-{n}","messages":[{{"role":"user","content":"go"}}]}}"#)
}

fn lines(rows: impl IntoIterator<Item = String>) -> String {
    rows.into_iter().map(|row| row + "\n").collect()
}

fn listing(paths: &[&Path], lists_tasks: bool, waits: bool) -> Store {
    let store = Store::open(&OpenOptions {
        paths: paths.iter().map(|path| path.to_path_buf()).collect(),
        lists_tasks,
        waits,
        ..OpenOptions::default()
    })
    .unwrap();
    store.scan(&Cancel::new(), &mut |_| {}).unwrap();
    store
}

/// `t` for a task, `r` for a run that knows its task, `-` for one that does not.
fn kinds(store: &Store) -> String {
    let kind = |ix| {
        let record = store.load(RecordIx(ix)).unwrap();
        match (record.is_task(), &record.task) {
            (true, _) => 't',
            (false, Some(task)) if task.statement.is_some() => 'r',
            _ => '-',
        }
    };
    (0..store.len()).map(kind).collect()
}

fn records(store: &Store) -> Vec<usize> {
    store.records().map(|ix| ix.0).collect()
}

fn listed(store: &Store) -> Vec<(usize, usize)> {
    let listed = store.listed_tasks();
    listed
        .iter()
        .map(|tasks| (tasks.start, tasks.end))
        .collect()
}

#[test]
fn tasks_come_behind_the_runs_that_they_are_named_with() {
    let dir = tempfile::tempdir().unwrap();
    // far from each other: nothing is joined because it lies near
    let tasks = write(dir.path(), "t/tasks.jsonl", lines((0..3).map(task)));
    let runs = write(dir.path(), "r/runs.jsonl", lines([run(1), run(1)]));
    for paths in [[tasks.as_path(), &runs], [runs.as_path(), &tasks]] {
        let store = listing(&paths, true, false);
        assert_eq!(kinds(&store), "rrttt");
        assert_eq!(listed(&store), [(2, 5)]);
        assert_eq!(records(&store), [0, 1]);
        assert!(!store.has_several_files());
        let others = listing(&paths, false, false);
        assert_eq!(kinds(&others), "rr");
        assert!(others.listed_tasks().is_empty());
    }
    // in a folder that was opened nobody named them
    let store = listing(&[dir.path()], true, false);
    assert_eq!(store.len(), 2);
    let alone = listing(&[&tasks], true, false);
    assert_eq!(kinds(&alone), "ttt");
    assert!(alone.listed_tasks().is_empty());
    assert_eq!(records(&alone), [0, 1, 2]);
}

#[test]
fn runs_that_come_later_are_joined_with_the_tasks_that_were_there() {
    let dir = tempfile::tempdir().unwrap();
    let tasks = write(dir.path(), "t/tasks.jsonl", lines((0..2).map(task)));
    let runs = dir.path().join("r/runs.jsonl");
    fs::create_dir_all(runs.parent().unwrap()).unwrap();
    let store = listing(&[&tasks, &runs], true, true);
    assert_eq!(kinds(&store), "tt");
    assert!(store.listed_tasks().is_empty());
    fs::write(&runs, lines([run(0)])).unwrap();
    assert_eq!(refresh(&store).appended, 1);
    assert_eq!(kinds(&store), "ttr");
    assert_eq!(listed(&store), [(0, 2)]);
    append(&tasks, &lines([task(7)]));
    append(&runs, &lines([run(1), run(7)]));
    assert_eq!(refresh(&store).appended, 3);
    let found = kinds(&store);
    assert_eq!((found.matches('t').count(), found.len()), (3, 6), "{found}");
    assert!(!found.contains('-'), "{found}");
    assert_eq!(records(&store).len(), 3);
    assert_eq!(refresh(&store), Refresh::default());
    let joined = store.side_summary().files;
    assert_eq!(joined.len(), 1, "{joined:?}");
}

#[test]
fn a_file_of_tasks_that_comes_later_is_listed_too() {
    let dir = tempfile::tempdir().unwrap();
    let runs = write(dir.path(), "r/runs.jsonl", lines([run(0)]));
    let tasks = dir.path().join("tasks.jsonl");
    let store = listing(&[&runs, &tasks], true, true);
    assert_eq!(kinds(&store), "-");
    fs::write(&tasks, lines((0..2).map(task))).unwrap();
    refresh(&store);
    assert_eq!(kinds(&store), "rtt");
    assert_eq!(listed(&store), [(1, 3)]);
}

/// What is joined to all records is not read once more for those beside it.
#[test]
fn a_named_file_is_joined_once() {
    let dir = tempfile::tempdir().unwrap();
    let tasks = write(dir.path(), "tasks.jsonl", lines((0..3).map(task)));
    let runs = write(dir.path(), "runs.jsonl", lines([run(1), run(1)]));
    let beside = |paths: &[&Path]| {
        let store = listing(paths, false, false);
        assert_eq!(kinds(&store), "rr");
        let beside = store.beside(RecordIx(0));
        beside
            .iter()
            .map(|nearby| nearby.data.files().len())
            .sum::<usize>()
    };
    assert_eq!(beside(&[&tasks, &runs]), 0);
    assert_eq!(beside(&[&runs]), 1, "one that nobody named is read there");
}
