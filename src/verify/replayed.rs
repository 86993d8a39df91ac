//! What the task's own check says of a replayed workspace.
//!
//! The automatic filter judges the replayed patch as it judges a recorded one. A command (the task's own tests, or one
//! that somebody named) runs in a fresh sandbox that begins where the replay ended: exit status 0 accepts. Tests can be
//! flaky, so a check may be run several times; what does not always say the same is unjudged, and says how often it
//! accepted.

use std::time::Duration;

use crate::cancel::Cancel;
use crate::error::Error;
use crate::error::Result;
use crate::model::Task;
use crate::model::TaskKind;
use crate::model::Text;
use crate::model::Trajectory;
use crate::model::Value;
use crate::model::Verdict;
use crate::replay::Finished;
use crate::replay::Verified;
use crate::replay::run_command;
use crate::sandbox::Backend;
use crate::sandbox::Exit;
use crate::sandbox::Launch;
use crate::sandbox::Streams;
use crate::text::excerpt;
use crate::verify::Rules;
use crate::verify::base::Bases;
use crate::verify::program::RunProgram;
use crate::verify::published;
use crate::verify::strict;

/// Where the tests of a task are put before they are applied.
const TEST_PATCH: &str = "/tmp/hgview-tests.patch";
/// What is kept of a command's output.
const MOST_OUTPUT: usize = 1 << 20;

/// A command that checks a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// For `sh -c`, in the workspace's folder.
    pub line: String,
    /// A patch that is applied before, by git: tests that the agent did not have.
    pub tests: Option<Text>,
}

impl Command {
    /// A command that somebody named.
    pub fn new(line: impl Into<String>) -> Self {
        Self {
            line: line.into(),
            tests: None,
        }
    }

    /// The task's own, where its instance tells one plainly: a field with the command, or a short list of pytest's tests
    /// that should pass.
    pub fn of_task(task: &Task) -> Option<Self> {
        /// More make a command line that no system takes.
        const MOST: usize = 200;
        let instance = task.instance.as_ref()?;
        let text = |key: &&str| {
            let text = instance.get(*key).and_then(Value::as_str)?;
            (!text.trim().is_empty()).then(|| text.to_owned())
        };
        let tests = text(&"test_patch").map(Text::from);
        let told = ["test_cmd", "test_command"].iter().find_map(text);
        if let Some(line) = told {
            return Some(Self { line, tests });
        }
        let names = match instance.get("FAIL_TO_PASS")? {
            Value::String(text) => serde_json::from_str::<Vec<String>>(text).ok()?,
            list => {
                let names = list
                    .as_array()?
                    .iter()
                    .map(|name| name.as_str().map(str::to_owned));
                names.collect::<Option<Vec<_>>>()?
            }
        };
        let is_plain = |name: &String| name.contains(".py::") && !name.starts_with('-');
        if names.is_empty() || names.len() > MOST || !names.iter().all(is_plain) {
            return None;
        }
        let names = shell_words::join(&names);
        Some(Self {
            line: format!("python3 -m pytest -q -p no:cacheprovider {names}"),
            tests,
        })
    }
}

/// What a set of rules says of a replay's final patch. Where that takes a program to run, it is run `repeat` times.
pub fn by_rules(
    rules: Rules,
    trajectory: &Trajectory,
    finished: &Finished,
    (program, bases): (Option<&dyn RunProgram>, &dyn Bases),
    repeat: usize,
    cancel: &Cancel,
) -> Verified {
    let replayed = Trajectory {
        source: trajectory.source.clone(),
        task: trajectory.task.clone(),
        final_patch: Some(Text::clone(&finished.patch)),
        answer: finished.answer.clone(),
        ..Trajectory::default()
    };
    let runs_program = replayed
        .task
        .as_ref()
        .is_some_and(|task| task.kind == TaskKind::FuncGen);
    let runs = if runs_program { repeat.max(1) } else { 1 };
    let mut verdicts = Vec::new();
    for _ in 0..runs {
        let judged = match rules {
            Rules::Published => published::judge(&replayed, program, cancel),
            Rules::Strict => strict::judge(&replayed, bases, program, cancel),
        };
        let why = judged.evidence.iter().map(|evidence| evidence.why.as_str());
        let why = why.take(3).collect::<Vec<_>>().join("; ");
        verdicts.push((judged.verdict, why));
        if cancel.is_cancelled() {
            break;
        }
    }
    verified(rules.name().to_owned(), verdicts)
}

/// What a command says of a workspace as a replay left it: `repeat` times, each in a sandbox of its own, each at most
/// `patience` long.
///
/// # Errors
/// *limit* when no sandbox starts or one died, or it was cancelled.
pub fn by_command(
    command: &Command,
    finished: &Finished,
    backend: &dyn Backend,
    root: &str,
    (repeat, patience): (usize, Duration),
    cancel: &Cancel,
) -> Result<Verified> {
    let mut verdicts = Vec::new();
    for _ in 0..repeat.max(1) {
        verdicts.push(run_once(
            command,
            finished,
            backend,
            (root, patience),
            cancel,
        )?);
    }
    Ok(verified(command.line.clone(), verdicts))
}

fn run_once(
    command: &Command,
    finished: &Finished,
    backend: &dyn Backend,
    (root, patience): (&str, Duration),
    cancel: &Cancel,
) -> Result<(Verdict, String)> {
    let mut sandbox = backend.start(&finished.spec, cancel)?;
    let launch = |line: String| Launch {
        argv: vec!["sh".to_owned(), "-c".to_owned(), line],
        cwd: root.to_owned(),
        env: [("TZ", "UTC"), ("PYTHONHASHSEED", "0")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
        streams: Streams::Pipe,
    };
    let bounds = (patience, MOST_OUTPUT);
    if let Some(tests) = &command.tests {
        sandbox
            .files()
            .write(TEST_PATCH, tests.as_bytes(), None)
            .map_err(|err| Error::limit("the task's tests cannot be written").caused_by(err))?;
        let apply = launch(format!("git apply --whitespace=nowarn {TEST_PATCH}"));
        let applied = run_command(sandbox.as_mut(), &apply, bounds, cancel)?;
        if !applied.is_ok() {
            let last = last_line(&applied.text());
            return Ok((
                Verdict::Unjudged,
                format!("the task's tests do not apply{last}"),
            ));
        }
    }
    let ran = run_command(
        sandbox.as_mut(),
        &launch(command.line.clone()),
        bounds,
        cancel,
    )?;
    let last = last_line(&ran.text());
    Ok(match ran.exit {
        Some(Exit::Code(0)) => (Verdict::Accept, "it passes".to_owned()),
        // the machine lacks what the check needs: that says nothing of the workspace
        Some(Exit::Code(code)) if is_missing(code, &last) => {
            (Verdict::Unjudged, format!("it cannot be run here{last}"))
        }
        Some(Exit::Code(code)) => (Verdict::Reject, format!("it ends with {code}{last}")),
        Some(Exit::Signal(signal)) => (Verdict::Reject, format!("signal {signal} ends it{last}")),
        Some(Exit::Bound(bound)) => (Verdict::Reject, format!("it was ended: {bound}{last}")),
        None => (Verdict::Reject, format!("it does not end in time{last}")),
    })
}

/// Whether a check failed because its program is not there, as shells and Python say it.
fn is_missing(code: i32, last: &str) -> bool {
    matches!(code, 126 | 127) || last.ends_with("No module named pytest")
}

/// The last line that says something, behind a colon.
fn last_line(output: &str) -> String {
    let last = output.lines().rev().find(|line| !line.trim().is_empty());
    last.map_or_else(String::new, |line| format!(": {}", excerpt(line, 120)))
}

/// What several runs say together.
fn verified(by: String, verdicts: Vec<(Verdict, String)>) -> Verified {
    let runs = verdicts.len();
    let accepted = verdicts
        .iter()
        .filter(|(verdict, _)| *verdict == Verdict::Accept)
        .count();
    let first = verdicts
        .first()
        .map_or(Verdict::Unjudged, |(verdict, _)| *verdict);
    let is_one = verdicts.iter().all(|(verdict, _)| *verdict == first);
    let last = verdicts
        .into_iter()
        .find(|(verdict, _)| *verdict != Verdict::Accept || is_one);
    let why = last.map(|(_, why)| why).unwrap_or_default();
    let (verdict, why) = if is_one {
        (first, why)
    } else {
        let why = format!("flaky: it accepts {accepted} of {runs} times; {why}");
        (Verdict::Unjudged, why)
    };
    Verified {
        by,
        verdict,
        why,
        accepted,
        runs,
    }
}

#[cfg(test)]
mod tests;
