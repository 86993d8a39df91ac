//! Writes the base state of a task into a folder: its repository's files at the base commit, docstrings cut or a body
//! masked, as plain files or as a git repository of one commit.
//!
//! A repository holds whatever somebody put there. Nothing is written outside the folder, links that lead out of it and
//! what passes for git's own files are left out, and git runs without anybody's settings, hooks and filters.

use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;

use crate::cancel::Cancel;
use crate::error::Error;
use crate::error::Result;
use crate::model::Task;
use crate::replay::Bounds;
use crate::replay::Outgoing;
use crate::replay::Place;
use crate::replay::answer_files;
use crate::replay::commit_message;
use crate::replay::write_out;
use crate::tasks::base::BaseState;
use crate::workspace::snapshot::Snapshot;

/// Entries of a repository, and bytes of one file of it.
const MOST: (u64, u64) = (500_000, 1 << 30);
/// What a folder is filled with at most.
const BOUNDS: Bounds = Bounds {
    entries: 500_000,
    bytes: 8 << 30,
};
/// When every commit was made.
const WHEN: &str = "2024-01-01T00:00:00Z";

/// How a base state is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Form {
    /// As a git repository of one commit.
    pub is_git: bool,
    /// Over what is in the folder already; what has another name stays.
    pub may_overwrite: bool,
}

/// What was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Materialized {
    /// The commit, where there is one.
    pub commit: Option<String>,
    /// What people should know of it, in words.
    pub notes: Vec<String>,
}

/// Writes the base state of a task, of whose repository this is the state that it was made of, into a folder. One that holds
/// nothing yet is whole or not there.
///
/// # Errors
/// *input* when the repository cannot be read, the base state not be made or the folder not be written; *user* when it
/// holds something and may not be overwritten; *limit* when there is too much of it or it was cancelled.
pub fn materialize(
    task: &Task,
    repository: &Snapshot,
    folder: &Path,
    form: Form,
    cancel: &Cancel,
) -> Result<Materialized> {
    let has_something = holds_something(folder)?;
    if has_something && !form.may_overwrite {
        let shown = folder.display();
        return Err(Error::user(format!("{shown} is there and not empty"))
            .hint("name a new folder, or write over it with --force"));
    }
    if form.is_git && folder.join(".git").symlink_metadata().is_ok() {
        return Err(Error::user(format!(
            "{} is a git repository already",
            folder.display()
        )));
    }
    let outgoing = Outgoing {
        changed: base(task, repository)?.changed,
        only_inner_links: true,
    };
    if has_something {
        return fill(folder, task, repository, &outgoing, form, cancel);
    }
    let cannot = |err| cannot(folder).caused_by(err);
    let whole = std::path::absolute(folder).map_err(cannot)?;
    let outer = whole
        .parent()
        .map_or_else(|| PathBuf::from("/"), Path::to_path_buf);
    std::fs::create_dir_all(&outer).map_err(cannot)?;
    let new = tempfile::Builder::new()
        .prefix(".hgview-new-")
        .tempdir_in(&outer);
    let new = new.map_err(cannot)?;
    let done = fill(new.path(), task, repository, &outgoing, form, cancel)?;
    // over an empty folder too
    std::fs::rename(new.path(), &whole).map_err(cannot)?;
    let _moved = new.keep();
    Ok(done)
}

fn cannot(folder: &Path) -> Error {
    Error::input(format!("{} cannot be written", folder.display()))
}

/// Whether a folder is there and not empty.
fn holds_something(folder: &Path) -> Result<bool> {
    match std::fs::read_dir(folder) {
        Ok(mut entries) => Ok(entries.next().is_some()),
        Err(err) if err.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(err) => Err(cannot(folder).caused_by(err)),
    }
}

/// What the task's producer changed of its repository.
fn base(task: &Task, repository: &Snapshot) -> Result<BaseState> {
    let read = |path: &str| {
        let file = repository.file(path)?;
        file.ok_or_else(|| "there is no such file".to_owned())
    };
    BaseState::of(task, &read)
        .map_err(|why| Error::input(format!("the base state cannot be made: {why}")))
}

fn fill(
    folder: &Path,
    task: &Task,
    repository: &Snapshot,
    outgoing: &Outgoing,
    form: Form,
    cancel: &Cancel,
) -> Result<Materialized> {
    let mut place = Place::new(folder, BOUNDS, None)?;
    let notes = write_out(
        &|each| repository.files(MOST, cancel, each),
        &mut place,
        outgoing,
    )?;
    drop(place);
    let commit = form.is_git.then(|| commit(folder, task)).transpose()?;
    Ok(Materialized { commit, notes })
}

/// Makes a git repository of a folder and commits all that git does not ignore, and what the task is about though git
/// does: an edit of it would be in no patch. Gives the commit.
fn commit(folder: &Path, task: &Task) -> Result<String> {
    let message = commit_message(task.kind);
    git(folder, &["init", "-q", "--template="])?;
    git(folder, &["symbolic-ref", "HEAD", "refs/heads/master"])?;
    git(folder, &["add", "-A"])?;
    let own = answer_files(task);
    let list = [
        "ls-files",
        "-z",
        "--others",
        "--ignored",
        "--exclude-standard",
    ];
    let ignored = git(folder, &list)?;
    let own: Vec<&str> = ignored
        .split('\0')
        .filter(|path| own.contains(*path))
        .collect();
    if !own.is_empty() {
        let add = ["--literal-pathspecs", "add", "-f", "--"];
        git(folder, &[add.as_slice(), &own].concat())?;
    }
    git(
        folder,
        &[
            "commit",
            "-q",
            "--no-verify",
            "--allow-empty",
            "-m",
            message,
        ],
    )?;
    let commit = git(folder, &["rev-parse", "HEAD"])?;
    Ok(commit.trim().to_owned())
}

/// Runs git without anybody's settings; gives what it wrote.
fn git(folder: &Path, args: &[&str]) -> Result<String> {
    const SETTINGS: [&str; 9] = [
        "core.hooksPath=/dev/null",
        "core.attributesFile=/dev/null",
        "core.excludesFile=/dev/null",
        "core.autocrlf=false",
        "core.fsmonitor=false",
        "commit.gpgSign=false",
        "gc.auto=0",
        "user.name=openhands",
        "user.email=openhands@all-hands.dev",
    ];
    let mut command = Command::new("git");
    for setting in SETTINGS {
        command.args(["-c", setting]);
    }
    command.args(args).current_dir(folder).env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    for (name, value) in [
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_ATTR_NOSYSTEM", "1"),
        ("GIT_TERMINAL_PROMPT", "0"),
        ("GIT_AUTHOR_DATE", WHEN),
        ("GIT_COMMITTER_DATE", WHEN),
        ("HOME", "/dev/null"),
        ("LC_ALL", "C"),
    ] {
        command.env(name, value);
    }
    let done = command.stdin(Stdio::null()).output();
    let done = done.map_err(|err| {
        Error::input("there is no git program to make a repository with")
            .caused_by(err)
            .hint("install git, or leave --git out for a folder of files")
    })?;
    if done.status.success() {
        return Ok(String::from_utf8_lossy(&done.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    let last = said
        .lines()
        .rev()
        .find(|line| !line.trim().is_empty())
        .unwrap_or_default();
    let what = args.first().copied().unwrap_or_default();
    Err(Error::input(format!("git {what} does not work: {last}")))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::workspace::repositories::Repositories;

    /// A folder of files with odd ones among them.
    fn repository(folder: &Path) {
        fs::create_dir_all(folder.join("pkg")).unwrap();
        fs::write(folder.join("pkg/m.py"), "def f():\n    'd'\n    return 1\n").unwrap();
        fs::write(folder.join("run.sh"), "#!/bin/sh\n").unwrap();
        std::os::unix::fs::symlink("pkg/m.py", folder.join("inner")).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", folder.join("outer")).unwrap();
    }

    fn run(task: &Task, repo: &Path, to: &Path, form: Form) -> Result<Materialized> {
        let cancel = Cancel::new();
        let repositories = Repositories::new(Some(repo.to_owned()), None);
        let snapshot = repositories.open(task, &cancel).map_err(Error::input)?;
        materialize(task, &snapshot, to, form, &cancel)
    }

    fn task() -> Task {
        Task::from_instance(
            serde_json::json!({"instance_id": "t", "repo": "o/r", "module_name": "f",
            "file_path": "pkg/m.py", "function_description": "d", "docstring_line_start": 1, "docstring_line_end": 1}),
        )
    }

    #[test]
    fn base_states_are_written() {
        let outer = tempfile::tempdir().unwrap();
        let (repo, to) = (outer.path().join("repo"), outer.path().join("new/base"));
        repository(&repo);
        let form = Form::default();
        let done = run(&task(), &repo, &to, form).unwrap();
        assert_eq!(done.commit, None);
        assert_eq!(done.notes.len(), 1, "{:?}", done.notes);
        let text = fs::read_to_string(to.join("pkg/m.py")).unwrap();
        assert_eq!(text, "def f():\n    return 1\n");
        assert_eq!(
            fs::read_link(to.join("inner")).unwrap(),
            Path::new("pkg/m.py")
        );
        assert!(to.join("outer").symlink_metadata().is_err());
        // what is there is not written over unasked
        fs::write(to.join("own"), "own").unwrap();
        assert!(run(&task(), &repo, &to, form).is_err());
        let form = Form {
            may_overwrite: true,
            ..form
        };
        run(&task(), &repo, &to, form).unwrap();
        assert_eq!(fs::read_to_string(to.join("own")).unwrap(), "own");
        // one that cannot be made leaves nothing
        let other = outer.path().join("other");
        let mut wrong = (*task().instance.unwrap()).clone();
        wrong["docstring_line_start"] = 99.into();
        let wrong = Task::from_instance(wrong);
        let failed = run(&wrong, &repo, &other, Form::default());
        assert!(failed.is_err());
        let left: Vec<_> = fs::read_dir(outer.path()).unwrap().collect();
        assert_eq!(left.len(), 2, "{left:?}");
    }

    #[test]
    fn what_the_task_is_about_is_committed_though_git_ignores_it() {
        if Command::new("git").arg("--version").output().is_err() {
            return;
        }
        let outer = tempfile::tempdir().unwrap();
        let form = Form {
            is_git: true,
            ..Form::default()
        };
        // a folder, and a repository that tracks what it ignores
        for is_tracked in [false, true] {
            let repo = outer.path().join(format!("repo-{is_tracked}"));
            let to = outer.path().join(format!("to-{is_tracked}"));
            repository(&repo);
            fs::write(repo.join(".gitignore"), "pkg/\n*.log\n").unwrap();
            fs::write(repo.join("pkg/other.py"), "x = 1\n").unwrap();
            fs::write(repo.join("a.log"), "x").unwrap();
            let mut instance = (*task().instance.unwrap()).clone();
            if is_tracked {
                git(&repo, &["init", "-q", "--template="]).unwrap();
                git(&repo, &["add", "-A", "-f"]).unwrap();
                git(&repo, &["commit", "-q", "-m", "c"]).unwrap();
                let commit = git(&repo, &["rev-parse", "HEAD"]).unwrap();
                instance["base_commit"] = commit.trim().into();
            }
            let task = Task::from_instance(instance);
            run(&task, &repo, &to, form).unwrap();
            let listed = git(&to, &["ls-files"]).unwrap();
            assert_eq!(listed, ".gitignore\ninner\npkg/m.py\nrun.sh\n");
            fs::write(to.join("pkg/m.py"), "def f():\n    'new'\n    return 1\n").unwrap();
            let patch = git(&to, &["diff", "HEAD"]).unwrap();
            assert!(patch.contains("+    'new'"), "{patch}");
        }
    }

    #[test]
    fn git_repositories_have_one_commit_and_nothing_open() {
        if Command::new("git").arg("--version").output().is_err() {
            return;
        }
        let outer = tempfile::tempdir().unwrap();
        let repo = outer.path().join("repo");
        repository(&repo);
        let form = Form {
            is_git: true,
            ..Form::default()
        };
        let make = |name: &str| {
            let to = outer.path().join(name);
            (run(&task(), &repo, &to, form).unwrap(), to)
        };
        let (one, to) = make("one");
        assert_eq!(git(&to, &["status", "--porcelain"]).unwrap(), "");
        assert_eq!(
            git(&to, &["rev-list", "--count", "HEAD"]).unwrap().trim(),
            "1"
        );
        let (two, _) = make("two");
        assert_eq!(one.commit, two.commit);
        assert!(one.commit.is_some());
        assert!(
            run(
                &task(),
                &repo,
                &to,
                Form {
                    may_overwrite: true,
                    ..form
                }
            )
            .is_err()
        );
    }
}
