//! What is kept of a record for statistics: numbers and a few short words, none of its text.
//!
//! Facts are kept for all records, so that another grouping needs no record read again: some hundred bytes each, and one
//! for each step.

use std::collections::HashSet;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use crate::behave::table::Aim;
use crate::model::Component;
use crate::model::ContentHash;
use crate::model::FlagKind;
use crate::model::Format;
use crate::model::RecordIx;
use crate::model::TaskKind;
use crate::model::Text;
use crate::model::Verdict;
use crate::review::Choice;
use crate::review::People;

/// What people say of a record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    /// They accept it.
    Accept,
    /// They reject it.
    Reject,
    /// Who looked at it skipped it.
    Skip,
    /// They contradict each other.
    Disputed,
    /// Nobody decided.
    #[default]
    Undecided,
}

impl Said {
    /// All of them, in the order of tables.
    pub const ALL: [Self; 5] = [
        Self::Accept,
        Self::Reject,
        Self::Skip,
        Self::Disputed,
        Self::Undecided,
    ];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accept => Choice::Accept.name(),
            Self::Reject => Choice::Reject.name(),
            Self::Skip => Choice::Skip.name(),
            Self::Disputed => "disputed",
            Self::Undecided => "undecided",
        }
    }

    /// What people say once adjudications are heard.
    pub fn of(people: &People<'_>) -> Self {
        match (people, people.verdict()) {
            (People::Nobody, _) => Self::Undecided,
            (People::Skipped(_), _) | (People::Agreed(_), Verdict::Unjudged) => Self::Skip,
            (People::Disputed(_), _) => Self::Disputed,
            (People::Agreed(_), Verdict::Accept) => Self::Accept,
            (People::Agreed(_), Verdict::Reject) => Self::Reject,
        }
    }
}

/// The flags of a record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FlagSet(u32);

impl FlagSet {
    fn bit(flag: FlagKind) -> u32 {
        let place = FlagKind::ALL.iter().position(|known| *known == flag);
        place.map_or(0, |place| 1 << place)
    }

    /// Adds a flag.
    pub fn add(&mut self, flag: FlagKind) {
        self.0 |= Self::bit(flag);
    }

    /// Whether the flag is among them.
    pub fn has(self, flag: FlagKind) -> bool {
        self.0 & Self::bit(flag) != 0
    }
}

impl FromIterator<FlagKind> for FlagSet {
    fn from_iter<T: IntoIterator<Item = FlagKind>>(flags: T) -> Self {
        let mut set = Self::default();
        flags.into_iter().for_each(|flag| set.add(flag));
        set
    }
}

/// What the record is about, for grouping.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Subject {
    /// The task's repository.
    pub repo: Option<Text>,
    /// The task's instance id.
    pub task: Option<Text>,
    /// What the task asks for.
    pub task_kind: Option<TaskKind>,
    /// The model.
    pub model: Option<Text>,
    /// The producer family.
    pub format: Option<Format>,
    /// The file or folder.
    pub path: Text,
    /// The final patch's content, where there is one; the same for the same task is one attempt twice.
    pub patch: Option<ContentHash>,
}

/// What filters, reports and people say of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Judged {
    /// Whether it solved its task.
    pub resolved: Option<bool>,
    /// What the published rules say.
    pub published: Verdict,
    /// What the strict rules say.
    pub strict: Verdict,
    /// What people say.
    pub people: Said,
    /// The effective answer.
    pub outcome: Verdict,
}

/// How much of everything; `None` where the record does not say.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Amounts {
    /// Model responses.
    pub steps: usize,
    /// Calls.
    pub actions: usize,
    /// Calls that failed.
    pub failed_actions: usize,
    /// Tokens in and out.
    pub tokens: Option<u64>,
    /// US dollars.
    pub cost: Option<f64>,
    /// Seconds.
    pub duration_s: Option<f64>,
    /// Lines that the final patch adds or removes.
    pub patch_lines: Option<usize>,
}

/// What the agent did.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Conduct {
    /// The component of each model response, in order; responses of none are left out.
    pub course: Box<[Component]>,
    /// Calls by component, in the order of [`Component::ALL`].
    pub actions: [usize; 5],
    /// Steps that run code: the project's, a test's, or their own.
    pub code_steps: usize,
    /// Steps that run a test runner.
    pub test_steps: usize,
    /// Runs before the first edit of a source file; `None` without one.
    pub runs_before: Option<usize>,
    /// Runs after the last edit of a source file; `None` without one.
    pub runs_after: Option<usize>,
    /// A check failed, source was edited, and a check passed.
    pub is_mended: bool,
    /// How the change lies to the known answer.
    pub aim: Option<Aim>,
}

/// What is kept of a record.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    /// Which record, by its place among all.
    pub record: usize,
    /// What it is about.
    pub subject: Subject,
    /// What is said of it.
    pub said: Judged,
    /// How much of everything.
    pub amounts: Amounts,
    /// What the agent did.
    pub conduct: Conduct,
    /// What was observed.
    pub flags: FlagSet,
}

/// Names that many records share, each kept once.
#[derive(Debug, Default)]
pub(super) struct Names(HashSet<Text>);

impl Names {
    /// Lets facts use the names that are known.
    pub(super) fn share(&mut self, facts: &mut Facts) {
        let subject = &mut facts.subject;
        self.once(&mut subject.path);
        let names = [&mut subject.repo, &mut subject.task, &mut subject.model];
        for name in names.into_iter().flatten() {
            self.once(name);
        }
    }

    fn once(&mut self, name: &mut Text) {
        match self.0.get(name) {
            Some(known) => *name = Text::clone(known),
            None => drop(self.0.insert(Text::clone(name))),
        }
    }
}

impl Facts {
    /// Which record.
    pub fn record(&self) -> RecordIx {
        RecordIx(self.record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_kept_apart() {
        for flag in FlagKind::ALL {
            let set: FlagSet = [flag].into_iter().collect();
            let found: Vec<FlagKind> = FlagKind::ALL
                .into_iter()
                .filter(|other| set.has(*other))
                .collect();
            assert_eq!(found, [flag]);
        }
    }
}
