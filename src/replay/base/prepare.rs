//! What the producer did to a checkout before the agent began: the task's own changes, and a repository of one commit.
//!
//! Hybrid-Gym makes the task's [changes](BaseChange), removes the git folder and commits everything anew. Other tasks
//! come with their repository; a base that has none gets one of one commit. All of it happens in the sandbox, git above
//! all: a repository's own settings can name programs. What was made is kept for the other attempts of the task.

use std::collections::BTreeSet;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use crate::cancel::Cancel;
use crate::error::Kind;
use crate::error::Result;
use crate::model::TaskKind;
use crate::model::Trajectory;
use crate::replay::BaseKind;
use crate::replay::base::Base;
use crate::replay::base::command::Ran;
use crate::replay::base::command::run_command;
use crate::replay::base::root::is_hybrid;
use crate::replay::base::start::BaseChange;
use crate::replay::base::start::commit_message;
use crate::sandbox::FileError;
use crate::sandbox::Launch;
use crate::sandbox::Layer;
use crate::sandbox::Sandbox;
use crate::sandbox::Streams;

/// How long one command of ours may take.
pub(in crate::replay) const PATIENCE: Duration = Duration::from_mins(10);
/// Source files are no longer.
const MOST_SOURCE: u64 = 64 << 20;
/// Kept prepared workspaces together.
const MOST_KEPT: u64 = 512 << 20;

/// The settings of a repository that we make. Where the file system tells less than git wants to know of a file,
/// it would read all of them again.
const SETTINGS: &str = "\
[core]
\trepositoryformatversion = 0
\tfilemode = true
\tbare = false
\tlogallrefupdates = true
\tcheckStat = minimal
\ttrustctime = false
[gc]
\tauto = 0
[user]
\tname = openhands
\temail = openhands@all-hands.dev
";

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    root: String,
    changes: Vec<BaseChange>,
    /// The git folder that is there goes.
    is_anew: bool,
    /// What git ignores is committed too: it belongs to the base.
    takes_ignored: bool,
    message: &'static str,
}

impl Plan {
    /// For a trajectory's task on a base.
    pub(super) fn of(trajectory: &Trajectory, base: &Base) -> Self {
        let task = trajectory.task.as_ref();
        let kind = task.map_or(TaskKind::Other, |task| task.kind);
        let is_raw = matches!(base.kind, BaseKind::Repository | BaseKind::Archive);
        let changes = task
            .filter(|_| is_raw)
            .map(|task| BaseChange::of(task, base.kind == BaseKind::Archive));
        Self {
            root: base.tree.at.clone(),
            changes: changes.unwrap_or_default(),
            is_anew: is_hybrid(kind) && is_raw,
            takes_ignored: !is_hybrid(kind),
            message: commit_message(kind),
        }
    }

    /// Names what comes of doing it to a base.
    pub(super) fn key(&self, base: &Base) -> String {
        let what = format!("{} {:?} {self:?}", base.key, base.system);
        blake3::hash(what.as_bytes()).to_hex().to_string()
    }

    /// Does it.
    ///
    /// # Errors
    /// *limit* when the sandbox died or it was cancelled.
    pub(super) fn run(&self, sandbox: &mut dyn Sandbox, cancel: &Cancel) -> Result<Prepared> {
        let mut prepared = Prepared::default();
        for change in &self.changes {
            if let Err(why) = self.change(change, sandbox) {
                prepared.notes.push(why);
            }
        }
        let git = format!("{}/.git", self.root);
        let has_git = sandbox.files().meta(&git).is_ok_and(|meta| meta.is_some());
        let made = if has_git && !self.is_anew {
            Ok(())
        } else {
            self.make_repository(has_git, sandbox, cancel)?
        };
        match made {
            Ok(()) => prepared.commit = head(&self.root, sandbox, cancel)?,
            Err(why) => prepared
                .notes
                .push(format!("the workspace is no repository: {why}")),
        }
        if self.is_anew && !self.takes_ignored && prepared.commit.is_some() {
            prepared.uncommitted = ignored(&self.root, sandbox, cancel)?;
        }
        prepared.layer = Arc::new(sandbox.layer(None)?);
        Ok(prepared)
    }

    /// Commits those of a task's own files that git ignores: its answer would be in no patch. `None` where there are none,
    /// which is nearly always; so attempts at other tasks share what was prepared.
    ///
    /// # Errors
    /// *limit* when the sandbox died or it was cancelled.
    pub(super) fn commit_own(
        &self,
        files: &BTreeSet<String>,
        prepared: &Prepared,
        sandbox: &mut dyn Sandbox,
        cancel: &Cancel,
    ) -> Result<Option<Prepared>> {
        let own: Vec<&str> = files
            .intersection(&prepared.uncommitted)
            .map(String::as_str)
            .collect();
        if own.is_empty() {
            return Ok(None);
        }
        let mut made = Prepared {
            notes: prepared.notes.clone(),
            uncommitted: prepared.uncommitted.difference(files).cloned().collect(),
            ..Prepared::default()
        };
        let add = [
            &["git", "--literal-pathspecs", "add", "-f", "--"],
            own.as_slice(),
        ]
        .concat();
        let amend = ["git", "commit", "-q", "--no-verify", "--amend", "--no-edit"];
        for step in [add.as_slice(), &amend] {
            if let Err(why) = self.step(step, sandbox, cancel)? {
                made.notes.push(format!(
                    "files of the task are ignored by git and not committed: {why}"
                ));
                break;
            }
        }
        made.commit = head(&self.root, sandbox, cancel)?;
        made.layer = Arc::new(sandbox.layer(None)?);
        Ok(Some(made))
    }

    fn change(&self, change: &BaseChange, sandbox: &mut dyn Sandbox) -> Result<(), String> {
        let path = &change.path;
        let whole = format!("{}/{path}", self.root);
        let cannot =
            |why: &dyn std::fmt::Display| format!("{path} is not as the task had it: {why}");
        if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err(cannot(&"it lies outside the workspace"));
        }
        let files = sandbox.files();
        let old = files
            .read(&whole, MOST_SOURCE)
            .map_err(|err| cannot(&err))?;
        let new = change.apply(&old).map_err(|why| cannot(&why))?;
        files.write(&whole, &new, None).map_err(|err| cannot(&err))
    }

    /// Makes a repository of one commit; the inner error says in words why there is none.
    fn make_repository(
        &self,
        has_git: bool,
        sandbox: &mut dyn Sandbox,
        cancel: &Cancel,
    ) -> Result<Result<(), String>> {
        if has_git && let Err(why) = self.step(&["rm", "-rf", ".git"], sandbox, cancel)? {
            return Ok(Err(why));
        }
        if let Err(err) = self.write_empty_repository(sandbox) {
            return Ok(Err(format!("its .git cannot be written: {err}")));
        }
        let committed = self.commit_all(sandbox, cancel)?;
        if committed.is_err() {
            // half a repository would be taken for one
            let _left = self.step(&["rm", "-rf", ".git"], sandbox, cancel)?;
        }
        Ok(committed)
    }

    /// Writes what `git init` does, but for examples of hooks, which would be copied into every sandbox. Git itself cannot do
    /// it where permissions may not be changed by path.
    fn write_empty_repository(&self, sandbox: &mut dyn Sandbox) -> Result<(), FileError> {
        let git = format!("{}/.git", self.root);
        let files = sandbox.files();
        for folder in ["objects/info", "objects/pack", "refs/heads", "refs/tags"] {
            files.make_dirs(&format!("{git}/{folder}"))?;
        }
        let head = b"ref: refs/heads/master\n";
        files.write(&format!("{git}/HEAD"), head, None)?;
        files.write(&format!("{git}/config"), SETTINGS.as_bytes(), None)
    }

    /// Commits everything to a repository that is empty; the inner error says in words why that did not work.
    fn commit_all(&self, sandbox: &mut dyn Sandbox, cancel: &Cancel) -> Result<Result<(), String>> {
        let quick = [
            "git",
            "-c",
            "core.fsync=none",
            "-c",
            "core.looseCompression=0",
            "-c",
            "pack.window=0",
            "-c",
            "pack.compression=1",
        ];
        let add: &[&str] = if self.takes_ignored {
            &["add", "-A", "-f"]
        } else {
            &["add", "-A"]
        };
        let commit = [
            "commit",
            "-q",
            "--no-verify",
            "--allow-empty",
            "-m",
            self.message,
        ];
        // one file of objects instead of thousands: it is copied into every sandbox of the task
        let pack = ["repack", "-a", "-d", "-q"];
        for step in [add, &commit, &pack] {
            if let Err(why) = self.step(&[&quick, step].concat(), sandbox, cancel)? {
                return Ok(Err(why));
            }
        }
        Ok(Ok(()))
    }

    /// Runs a command that has to work; the inner error says in words why it did not.
    fn step(
        &self,
        argv: &[&str],
        sandbox: &mut dyn Sandbox,
        cancel: &Cancel,
    ) -> Result<Result<(), String>> {
        let ran = run_ours(&self.root, argv, sandbox, cancel)?;
        Ok(ran.and_then(|ran| worked(argv, &ran)))
    }
}

/// The files of a repository that git ignores and that are in no commit.
fn ignored(root: &str, sandbox: &mut dyn Sandbox, cancel: &Cancel) -> Result<BTreeSet<String>> {
    let list = [
        "git",
        "ls-files",
        "-z",
        "--others",
        "--ignored",
        "--exclude-standard",
    ];
    let ran = run_ours(root, &list, sandbox, cancel)?;
    let text = ran.ok().filter(Ran::is_ok).map(|ran| ran.text());
    let text = text.unwrap_or_default();
    let paths = text.split('\0').filter(|path| !path.is_empty());
    Ok(paths.map(str::to_owned).collect())
}

/// The commit that a repository stands at; `None` where it is none.
fn head(root: &str, sandbox: &mut dyn Sandbox, cancel: &Cancel) -> Result<Option<String>> {
    let ran = run_ours(root, &["git", "rev-parse", "HEAD"], sandbox, cancel)?;
    let commit = ran
        .ok()
        .filter(Ran::is_ok)
        .map(|ran| ran.text().trim().to_owned());
    Ok(commit.filter(|commit| commit.len() >= 40 && commit.bytes().all(|b| b.is_ascii_hexdigit())))
}

/// Runs a command of ours in the workspace; the inner error says in words why it did not run.
///
/// # Errors
/// *limit* when the sandbox died or it was cancelled.
pub(in crate::replay) fn run_ours(
    root: &str,
    argv: &[&str],
    sandbox: &mut dyn Sandbox,
    cancel: &Cancel,
) -> Result<Result<Ran, String>> {
    /// Of a patch; git says little else.
    const MOST: usize = 64 << 20;
    let when = "2024-01-01T00:00:00Z";
    let env = [
        // whoever the sandbox takes for the owner of the files
        ("GIT_CONFIG_COUNT", "1"),
        ("GIT_CONFIG_KEY_0", "safe.directory"),
        ("GIT_CONFIG_VALUE_0", "*"),
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_TERMINAL_PROMPT", "0"),
        ("GIT_AUTHOR_DATE", when),
        ("GIT_COMMITTER_DATE", when),
    ];
    let launch = Launch {
        argv: argv.iter().map(|arg| (*arg).to_owned()).collect(),
        cwd: root.to_owned(),
        env: env
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
        streams: Streams::Pipe,
    };
    match run_command(sandbox, &launch, (PATIENCE, MOST), cancel) {
        Ok(ran) => Ok(Ok(ran)),
        Err(error) if error.kind() == Kind::Input => Ok(Err(error.to_string())),
        Err(error) => Err(error),
    }
}

fn worked(argv: &[&str], ran: &Ran) -> Result<(), String> {
    if ran.is_ok() {
        return Ok(());
    }
    let text = ran.text();
    let last = text.lines().rev().find(|line| !line.trim().is_empty());
    let last = last.unwrap_or("it did not end well");
    Err(format!(
        "{}: {}",
        argv.join(" "),
        crate::text::excerpt(last, 200)
    ))
}

/// What came of a plan.
#[derive(Debug, Clone, Default)]
pub(super) struct Prepared {
    /// What was changed.
    pub(super) layer: Arc<Layer>,
    /// The commit that the final patch is made against.
    pub(super) commit: Option<String>,
    /// Files that git ignores and that the commit lacks.
    pub(super) uncommitted: BTreeSet<String>,
    /// What could not be done, in words.
    pub(super) notes: Vec<String>,
}

/// Prepared workspaces that were made before, for all attempts of one task. Shared between replays of one back end.
#[derive(Debug, Default)]
pub struct Preparations {
    known: Mutex<HashMap<String, Arc<Prepared>>>,
}

impl Preparations {
    /// What was made of a plan before.
    pub(super) fn get(&self, key: &str) -> Option<Arc<Prepared>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(key).cloned()
    }

    /// Keeps what was made, within a bound: what is too much clears the rest.
    pub(super) fn put(&self, key: String, prepared: Arc<Prepared>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let all: u64 = known
            .values()
            .map(|prepared| prepared.layer.len_bytes())
            .sum();
        if all + prepared.layer.len_bytes() > MOST_KEPT {
            known.clear();
        }
        known.insert(key, prepared);
    }
}
