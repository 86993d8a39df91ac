//! Which repository is a task's, and whether it is still what the task was made of.

use std::fs;

use serde_json::json;

use super::*;
use crate::workspace::BaseFiles as _;
use crate::workspace::testing::commit;
use crate::workspace::testing::files;
use crate::workspace::testing::tar;

fn task(repo: &str, commit: Option<&str>) -> Task {
    Task::from_instance(json!({"instance_id": "t", "repo": repo, "base_commit": commit}))
}

fn many(folder: &Path) -> Repositories {
    Repositories::new(None, Some(folder.to_owned()))
}

/// Where the repository of a task is, below `folder`.
fn place(
    repositories: &Repositories,
    repo: &str,
    commit: Option<&str>,
    folder: &Path,
) -> Result<String, String> {
    let opened = repositories.open(&task(repo, commit), &Cancel::new());
    opened.map(|found| {
        let below = found.path().strip_prefix(folder).unwrap();
        below.display().to_string()
    })
}

/// What a plain folder or archive is named by.
fn named(path: &Path) -> String {
    let snapshot = Snapshot::of_files(path, &Cancel::new()).unwrap();
    snapshot.name().to_owned()
}

#[test]
fn git_repositories_are_found_by_the_task() {
    let folder = tempfile::tempdir().unwrap();
    let first = commit(&folder.path().join("owner__name.git"), &[("a.py", b"x\n")]);
    let inner = folder.path().join("owner__other").join(".git");
    let other = commit(&inner, &[("a.py", b"y\n")]);
    let repos = many(folder.path());
    assert!(repos.check().is_ok());
    let open = |repo: &str, commit: &str| place(&repos, repo, Some(commit), folder.path());
    assert_eq!(open("owner/name", &first).as_deref(), Ok("owner__name.git"));
    assert_eq!(open("owner/other", &other).as_deref(), Ok("owner__other"));
    for (repo, commit) in [
        ("owner/none", first.as_str()),
        ("../owner", first.as_str()),
        ("owner/name", "HEAD"),
        ("owner/name", "0123456789012345678901234567890123456789"),
    ] {
        assert!(open(repo, commit).is_err(), "{repo} {commit}");
    }
    let without = place(&repos, "owner/name", None, folder.path());
    assert_eq!(without.unwrap_err(), "the task names no base commit");
    let cancel = Cancel::new();
    let nothing = Trajectory::default();
    assert!(repos.of(&nothing, &cancel).unwrap().is_err());
    assert!(Repositories::default().of(&nothing, &cancel).is_none());
    // a worktree says in a file where its repository is
    let tree = folder.path().join("tree");
    fs::create_dir(&tree).unwrap();
    fs::write(tree.join(".git"), "gitdir: ../owner__name.git\n").unwrap();
    let one = Repositories::new(Some(tree), None);
    let found = one.open(&task("who/ever", Some(&first)), &cancel).unwrap();
    assert_eq!(found.base_file("a.py"), Ok(Some("x\n".into())));
}

#[test]
fn folders_and_archives_are_found_as_they_are_called() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    files(&at("owner__name"), &[("m.py", "a = 1\n")]);
    files(&at("plain"), &[("m.py", "b = 1\n")]);
    tar(&at("dist-1.0.tar.gz"), "", &[("dist-1.0/m.py", "c = 1\n")]);
    // the same name, other files
    tar(&at("dist-1.0-py3-none-any.whl"), "", &[("m.py", "d = 1\n")]);
    tar(&at("other__packed.tar.gz"), "", &[("m.py", "e = 1\n")]);
    let repos = many(folder.path());
    for (repo, found) in [
        ("owner/name", "owner__name"),
        ("local/plain", "plain"),
        ("local/dist-1.0", "dist-1.0.tar.gz"),
        ("local/dist-1.0", "dist-1.0-py3-none-any.whl"),
        ("other/packed", "other__packed.tar.gz"),
    ] {
        let name = named(&at(found));
        let got = place(&repos, repo, Some(&name), folder.path());
        assert_eq!(got.as_deref(), Ok(found), "{repo}");
    }
    // a task that names no state takes what is there
    let got = place(&repos, "local/plain", None, folder.path());
    assert_eq!(got.as_deref(), Ok("plain"));
    let none = place(&repos, "local/none", None, folder.path());
    assert_eq!(none.unwrap_err(), "there is no repository of local/none");
    // what is put there later is found
    files(&at("late"), &[("m.py", "")]);
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(5);
    let touched = fs::File::open(folder.path()).unwrap();
    touched.set_modified(later).unwrap();
    let got = place(&repos, "local/late", None, folder.path());
    assert_eq!(got.as_deref(), Ok("late"));
}

#[test]
fn another_state_than_the_tasks_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let plain = folder.path().join("o__r");
    files(&plain, &[("m.py", "x = 1\n"), ("data.json", "{}")]);
    let name = named(&plain);
    let repos = many(folder.path());
    let open = |commit: &str| repos.open(&task("o/r", Some(commit)), &Cancel::new());
    let found = open(&name).unwrap();
    assert_eq!(found.base_file("m.py"), Ok(Some("x = 1\n".into())));
    assert_eq!(found.base_file("data.json"), Ok(Some("{}".into())));
    let why = open("0123456789012345678901234567890123456789").unwrap_err();
    assert!(why.contains("has no commits"), "{why}");
    assert!(why.contains("the base commit is 012345678901234…"), "{why}");
    // one that changes while it is open, and one that had changed before
    files(&plain, &[("m.py", "x = 2\n")]);
    let again = open(&name).unwrap();
    assert!(Arc::ptr_eq(&found, &again), "it is read once");
    let why = again.file("m.py").unwrap_err();
    assert_eq!(why, "m.py changed since the folder was read");
    let other = many(folder.path());
    let changed = other.open(&task("o/r", Some(&name)), &Cancel::new());
    assert!(changed.is_err());
}

#[test]
fn what_is_no_repository_is_told_before_work_begins() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    files(folder.path(), &[("text", "no archive"), ("plain/m.py", "")]);
    tar(&at("a.tar.gz"), "", &[("m.py", "")]);
    let one = |name: &str| Repositories::new(Some(at(name)), None).check();
    assert!(one("plain").is_ok());
    assert!(one("a.tar.gz").is_ok());
    assert!(one("text").is_err());
    assert!(one("none").is_err());
    // nobody waits for whoever writes into a pipe
    let made = std::process::Command::new("mkfifo")
        .arg(at("pipe"))
        .status();
    if made.is_ok_and(|made| made.success()) {
        assert!(one("pipe").is_err());
    }
    assert!(many(&at("none")).check().is_err());
    assert!(many(&at("text")).check().is_err());
    // a git folder that is none is not taken for a plain one
    files(&at("torn"), &[("m.py", ""), (".git", "gitdir: nowhere")]);
    let torn = Repositories::new(Some(at("torn")), None);
    assert!(torn.open(&task("o/r", None), &Cancel::new()).is_err());
}

#[test]
fn few_are_kept_open() {
    let folder = tempfile::tempdir().unwrap();
    let repos = many(folder.path());
    for nth in 0..MOST_KEPT + 3 {
        files(&folder.path().join(format!("o__{nth}")), &[("m.py", "")]);
        let opened = repos.open(&task(&format!("o/{nth}"), None), &Cancel::new());
        assert!(opened.is_ok());
    }
    let open = repos.known.open.lock().unwrap();
    assert_eq!(open.len(), MOST_KEPT);
    assert!(
        open.last()
            .unwrap()
            .0
            .ends_with(format!("o__{}", MOST_KEPT + 2))
    );
}

#[test]
fn what_was_cancelled_is_asked_again() {
    let folder = tempfile::tempdir().unwrap();
    files(&folder.path().join("o__r"), &[("m.py", "")]);
    let repos = many(folder.path());
    let cancel = Cancel::new();
    cancel.cancel();
    assert!(repos.open(&task("o/r", None), &cancel).is_err());
    assert!(repos.open(&task("o/r", None), &Cancel::new()).is_ok());
}

#[test]
fn who_is_cancelled_does_not_wait_for_another() {
    let folder = tempfile::tempdir().unwrap();
    files(folder.path(), &[("a.py", "x\n")]);
    let known = Known::default();
    let slot = known.slot(folder.path());
    // somebody is opening it, for as long as it takes
    let _opening = slot.lock().unwrap();
    let cancel = Cancel::new();
    cancel.cancel();
    let got = known.snapshot(folder.path(), None, &cancel);
    assert_eq!(got.err().as_deref(), Some("cancelled"));
}
