//! Checks whether a task can be done, is worth doing, and is judged rightly.
//!
//! Six checks, each passed, refused with a reason, or left open where what it needs is not at hand:
//!
//! - `base`: the base state can be made. The files are there, the definitions stand on the lines that the task names, and
//!   what is cut or masked takes no other code along.
//! - `gold`: the right answer is in reach: dependencies stand where the task says, the gold patch applies, the test program
//!   parses.
//! - `leak`: the statement gives nothing away.
//! - `trivial`: more than one place fits the words of the statement.
//! - `accepts`: the published and the strict rules accept a right edit that the check makes itself.
//! - `rejects`: the strict rules reject at least five kinds of wrong edits. What the published rules accept of them is a
//!   note: their slips are known.

mod edits;
mod gold;
mod ground;
mod leak;
mod many;
mod places;
mod trivial;
mod verdicts;
mod work;

pub use ground::Ground;
pub use many::Gate;
pub use many::Means;
pub use many::check_all;
pub(in crate::tasks) use many::said_of_targets;
pub use trivial::SearchSpace;

use schemars::JsonSchema;
use serde::Serialize;

use crate::cancel::Cancel;
use crate::model::Task;
use crate::model::TaskKind;
use crate::tasks::base::BaseState;
use crate::verify::program::RunProgram;

/// The names of the checks, in the order in which they are told.
pub const CHECKS: [&str; 6] = ["base", "gold", "leak", "trivial", "accepts", "rejects"];

/// What came of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It is as it should be.
    Ok,
    /// It is not.
    Refused,
    /// It could not be looked at.
    Unjudged,
}

impl Outcome {
    /// The word used in JSON and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Refused => "refused",
            Self::Unjudged => "unjudged",
        }
    }
}

/// One check of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Check {
    /// One of [`CHECKS`].
    pub name: &'static str,
    /// What came of it.
    pub outcome: Outcome,
    /// Why it is not ok, in words that may quote the task; null where it is.
    pub why: Option<String>,
}

/// What the checks say of a task.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Report {
    /// In the order of [`CHECKS`]; each of them.
    pub checks: Vec<Check>,
    /// How hard its target is to find; null where that is not known.
    pub search_space: Option<SearchSpace>,
    /// Worth knowing, in words; decides nothing.
    pub notes: Vec<String>,
}

impl Report {
    /// Whether no check refuses the task.
    pub fn is_good(&self) -> bool {
        let mut checks = self.checks.iter();
        !checks.any(|check| check.outcome == Outcome::Refused)
    }

    fn add(&mut self, name: &'static str, (outcome, why): (Outcome, Option<String>)) {
        self.checks.push(Check { name, outcome, why });
    }

    fn passes(&self, name: &str) -> bool {
        let mut checks = self.checks.iter();
        checks.any(|check| check.name == name && check.outcome == Outcome::Ok)
    }

    /// Lets a check that passed refuse the task after all.
    fn refuse(&mut self, name: &str, why: String) {
        let mut checks = self.checks.iter_mut();
        let passed = checks.find(|check| check.name == name && check.outcome == Outcome::Ok);
        if let Some(check) = passed {
            (check.outcome, check.why) = (Outcome::Refused, Some(why));
        }
    }

    /// Leaves all checks open that are not told yet.
    fn leave(&mut self, why: &str) {
        for name in CHECKS {
            if self.checks.iter().all(|check| check.name != name) {
                self.add(name, (Outcome::Unjudged, Some(why.to_owned())));
            }
        }
    }
}

/// Whether a check passes; the reason in words where it does not.
type Passed = Result<(), String>;

fn told(passed: Passed) -> (Outcome, Option<String>) {
    match passed {
        Ok(()) => (Outcome::Ok, None),
        Err(why) => (Outcome::Refused, Some(why)),
    }
}

/// The report of a task whose repository cannot be opened.
pub fn unopened(why: &str) -> Report {
    let mut report = Report::default();
    report.add("base", (Outcome::Refused, Some(why.to_owned())));
    report.leave("the repository is not at hand");
    report
}

/// Checks a task in its repository at its base commit. Without `program` no test program runs, and what needs one is left
/// open.
pub fn check(
    task: &Task,
    ground: &Ground,
    program: Option<&dyn RunProgram>,
    cancel: &Cancel,
) -> Report {
    let mut report = Report::default();
    let Some(instance) = task.instance.as_deref().filter(|_| is_known(task.kind)) else {
        let kind = task.kind.name();
        let why = format!("there are no checks for tasks of type {kind}");
        report.add("base", (Outcome::Refused, Some(why.clone())));
        report.leave(&why);
        return report;
    };
    let state = BaseState::of(task, &|path| ground.bytes(path));
    let state = state.and_then(|state| {
        places::check(task.kind, instance, ground, &state)?;
        Ok(state)
    });
    let state = match state {
        Ok(state) => state,
        Err(why) => {
            report.add("base", (Outcome::Refused, Some(why)));
            report.add("leak", told(leak::check(task, instance, ground)));
            report.leave("the base state cannot be made");
            report
                .checks
                .sort_by_key(|check| CHECKS.iter().position(|name| *name == check.name));
            return report;
        }
    };
    report.add("base", told(Ok(())));
    let gold = gold::check(task, instance, ground, &mut report.notes);
    let is_reached = gold.is_ok();
    report.add("gold", told(gold));
    report.add("leak", told(leak::check(task, instance, ground)));
    let (trivial, space) = trivial::check(task, instance, ground);
    trivial::note(task.kind, instance, ground, &mut report.notes);
    report.add("trivial", told(trivial));
    report.search_space = space;
    if is_reached {
        verdicts::check(
            task,
            instance,
            (ground, &state),
            program,
            &mut report,
            cancel,
        );
    } else {
        report.leave("the right answer is not in reach");
    }
    report
}

fn is_known(kind: TaskKind) -> bool {
    matches!(
        kind,
        TaskKind::FuncLocalize | TaskKind::DepSearch | TaskKind::IssueLocalize | TaskKind::FuncGen
    )
}

#[cfg(test)]
mod tests;
