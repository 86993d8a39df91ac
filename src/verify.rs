//! The automatic filter: what each task type's checks say of a trajectory, and why.
//!
//! Two sets of rules stand side by side: `published`, the evaluators of the paper bit for bit with their oddities, and
//! `strict`, which decides by syntax. Both give a [`Judgement`]: a verdict, the named checks behind it, and evidence that
//! points at files, lines and patch lines in words. Pure but for the test programs of `func_gen`, which run behind an
//! interface of their own and only where they were allowed.

pub mod base;
pub mod cache;
pub mod check;
pub mod filter;
pub mod flags;
pub mod noted;
pub mod program;
pub mod published;
pub mod replayed;
pub mod replays;
pub mod strict;

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::LineNo;
use crate::model::TaskKind;
use crate::model::Value;
use crate::model::Verdict;

/// Tasks for which there are rules.
pub const RULED: [TaskKind; 4] = [
    TaskKind::FuncLocalize,
    TaskKind::DepSearch,
    TaskKind::IssueLocalize,
    TaskKind::FuncGen,
];

/// What cached judgements are of: changes with every release, and by hand where rules change between releases.
pub const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "/5");

/// With what the reason begins why an attempt of `hgview rollout` is unjudged that says nothing of the model: another row
/// may tell of the same attempt, made again.
pub const FAILED: &str = "the attempt failed through no fault of the model: ";

/// Which set of rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rules {
    /// The published evaluators, oddities included.
    Published,
    /// By syntax.
    Strict,
}

impl Rules {
    /// The word used in JSON, columns and queries.
    pub fn name(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Strict => "strict",
        }
    }
}

/// What a piece of evidence says of its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sense {
    /// The filter objects to this line.
    Objection,
    /// This line is what was asked for: a docstring in its target, an annotation at its dependency.
    Hit,
    /// Something was expected here and is not there.
    Missed,
    /// Worth knowing; decides nothing.
    Note,
}

/// Why a judgement came out as it did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Evidence {
    /// What it says of the place.
    pub sense: Sense,
    /// The file, as the patch or the task names it.
    pub path: Option<String>,
    /// The line in the file after the edit; for removed lines and missed places, in the file before it.
    pub line: Option<LineNo>,
    /// The line in the text of the final patch; `None` for places that the patch does not touch.
    pub patch_line: Option<LineNo>,
    /// The reason in words, one line; may quote the trajectory and is cleaned where it is shown.
    pub why: String,
}

impl Evidence {
    /// A note about no place.
    pub fn note(why: impl Into<String>) -> Self {
        Self {
            sense: Sense::Note,
            path: None,
            line: None,
            patch_line: None,
            why: why.into(),
        }
    }
}

/// What one set of rules says of one trajectory.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct Judgement {
    /// The result.
    pub verdict: Verdict,
    /// The named checks and scores in the order in which they are told: truths, counts, rates from 0 to 1, lists of names.
    /// For `published` exactly the names and values of the published evaluators.
    #[serde(serialize_with = "as_map")]
    #[schemars(with = "std::collections::BTreeMap<String, Value>")]
    pub checks: Vec<(&'static str, Value)>,
    /// Why, in the order of the patch, then of the task.
    pub evidence: Vec<Evidence>,
}

impl Judgement {
    /// No verdict, and the reason.
    pub fn unjudged(why: impl Into<String>) -> Self {
        Self {
            evidence: vec![Evidence::note(why)],
            ..Self::default()
        }
    }

    /// The value of a check.
    pub fn check(&self, name: &str) -> Option<&Value> {
        let mut checks = self.checks.iter();
        checks.find(|(key, _)| *key == name).map(|(_, value)| value)
    }
}

fn as_map<S: serde::Serializer>(
    checks: &[(&'static str, Value)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(checks.iter().map(|(name, value)| (name, value)))
}
