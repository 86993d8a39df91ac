//! What the producer did to a checkout before the agent began: the task's own edits, and a repository of one commit.
//!
//! Hybrid-Gym cuts the docstrings that are to be written (`func_localize`) or masks the body that is to be implemented
//! (`func_gen`), removes the git folder and commits everything anew. Other tasks come with their repository; a base that
//! has none gets one of one commit. All of it happens in the sandbox, git above all: a repository's own settings can name
//! programs. What was made is kept for the other attempts of the task.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use crate::cancel::Cancel;
use crate::error::Kind;
use crate::error::Result;
use crate::model::Task;
use crate::model::TaskKind;
use crate::model::Trajectory;
use crate::model::Value;
use crate::python::definitions::mask_function;
use crate::replay::BaseKind;
use crate::replay::base::Base;
use crate::replay::base::command::Ran;
use crate::replay::base::command::run_command;
use crate::replay::base::root::is_hybrid;
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

/// An edit of the task's own.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Edit {
    /// Lines go, counted from 0, the last one too.
    Cut {
        path: String,
        first: usize,
        last: usize,
        /// Only if a docstring begins there: the base may be cut already.
        is_careful: bool,
    },
    /// The body of a function becomes `pass`.
    Mask { path: String, function: String },
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    root: String,
    edits: Vec<Edit>,
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
        let edits = task
            .filter(|_| is_raw)
            .map(|task| edits(task, base.kind == BaseKind::Archive));
        Self {
            root: base.tree.at.clone(),
            edits: edits.unwrap_or_default(),
            is_anew: is_hybrid(kind) && is_raw,
            takes_ignored: !is_hybrid(kind),
            message: match kind {
                TaskKind::FuncGen => "Initial commit with masked function",
                _ => "Initial commit",
            },
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
        for edit in &self.edits {
            if let Err(why) = self.edit(edit, sandbox) {
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
        prepared.layer = Arc::new(sandbox.layer(None)?);
        Ok(prepared)
    }

    fn edit(&self, edit: &Edit, sandbox: &mut dyn Sandbox) -> Result<(), String> {
        let (Edit::Cut { path, .. } | Edit::Mask { path, .. }) = edit;
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
        let new = match edit {
            Edit::Cut {
                first,
                last,
                is_careful,
                ..
            } => cut(&old, *first, *last, *is_careful).map_err(|why| cannot(&why))?,
            Edit::Mask { function, .. } => {
                let text = std::str::from_utf8(&old).map_err(|err| cannot(&err))?;
                let masked = mask_function(text, function);
                let why = "the function is not found, or the file does not parse";
                masked.ok_or_else(|| cannot(&why))?.into_bytes()
            }
        };
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

fn edits(task: &Task, is_careful: bool) -> Vec<Edit> {
    let Some(instance) = &task.instance else {
        return Vec::new();
    };
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    match task.kind {
        TaskKind::FuncLocalize => {
            let several = instance.get("functions").and_then(Value::as_array);
            let targets = several.filter(|several| !several.is_empty());
            let one = [instance.as_ref().clone()];
            let targets = targets.map_or(&one[..], Vec::as_slice);
            let edit = |target: &Value| {
                // -1: it had none
                let line = |key: &str| usize::try_from(target.get(key)?.as_i64()?).ok();
                Some(Edit::Cut {
                    path: text(target, "file_path")?,
                    first: line("docstring_line_start")?,
                    last: line("docstring_line_end")?,
                    is_careful,
                })
            };
            targets.iter().filter_map(edit).collect()
        }
        TaskKind::FuncGen => {
            let edit = |path, function| Edit::Mask { path, function };
            let path = text(instance, "file_path");
            let function = text(instance, "func_name");
            path.zip(function)
                .map(|(path, function)| edit(path, function))
                .into_iter()
                .collect()
        }
        _ => Vec::new(),
    }
}

/// A text without some lines, as `sed FIRST,LASTd` leaves it: where the last comes before the first, only that one goes.
fn cut(text: &[u8], first: usize, last: usize, is_careful: bool) -> Result<Vec<u8>, &'static str> {
    let lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
    let Some(line) = lines.get(first) else {
        return Err("it has no such line to cut");
    };
    let start = line.trim_ascii_start();
    let start = start
        .split(|byte| !byte.is_ascii_alphabetic())
        .next()
        .map_or(start, |prefix| {
            start.get(prefix.len().min(2)..).unwrap_or_default()
        });
    let is_docstring = start.starts_with(b"\"") || start.starts_with(b"'");
    if !is_docstring && is_careful {
        return Err("no docstring begins where one was cut");
    }
    let last = last.max(first).saturating_add(1).min(lines.len());
    let (head, tail) = (lines.get(..first), lines.get(last..));
    Ok([
        head.unwrap_or_default().concat(),
        tail.unwrap_or_default().concat(),
    ]
    .concat())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, first: usize, last: usize, want: Result<&str, &str>) {
        let got = cut(text.as_bytes(), first, last, true);
        let got = got.map(|bytes| String::from_utf8(bytes).unwrap());
        assert_eq!(got.as_deref().map_err(|why| *why), want);
    }

    #[test]
    fn docstrings_are_cut_as_sed_cuts() {
        let text = "def f():\n    '''a\n    b'''\n    return 1";
        check(text, 1, 2, Ok("def f():\n    return 1"));
        check(text, 1, 0, Ok("def f():\n    b'''\n    return 1"));
        check(text, 1, 9, Ok("def f():\n"));
        check(text, 3, 3, Err("no docstring begins where one was cut"));
        check(text, 4, 4, Err("it has no such line to cut"));
        check("  r\"x\"\r\ny\r\n", 0, 0, Ok("y\r\n"));
        check("  rb'x'\n", 0, 0, Ok(""));
    }

    #[test]
    fn tasks_tell_their_edits() {
        #[track_caller]
        fn check(instance: serde_json::Value, want: &[Edit]) {
            assert_eq!(edits(&Task::from_instance(instance), false), want);
        }
        let cut = |path: &str, first, last| Edit::Cut {
            path: path.to_owned(),
            first,
            last,
            is_careful: false,
        };
        let target = |path: &str, first: i64, last: i64| {
            serde_json::json!({"module_name": "f", "module_type": "function", "file_path": path,
                "function_description": "d", "docstring_line_start": first, "docstring_line_end": last})
        };
        check(target("a.py", 3, 4), &[cut("a.py", 3, 4)]);
        check(target("a.py", -1, -1), &[]);
        let several = serde_json::json!({"functions": [target("a.py", 1, 1), target("b.py", -1, -1), target("b.py", 5, 6)]});
        check(several, &[cut("a.py", 1, 1), cut("b.py", 5, 6)]);
        let mask = Edit::Mask {
            path: "m.py".to_owned(),
            function: "A.f".to_owned(),
        };
        check(
            serde_json::json!({"func_name": "A.f", "file_path": "m.py", "eval_script": "x"}),
            &[mask],
        );
        check(
            serde_json::json!({"func_name": "A.f", "eval_script": "x"}),
            &[],
        );
    }
}
