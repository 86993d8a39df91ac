//! Observations that are worth a look, and what a step is for. Both decide nothing.

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

/// The component of an agent's work that an action belongs to. The rules stand in `behave`.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Component {
    /// Thinks, plans, talks: neither looks nor touches.
    Reasoning,
    /// Looks at the workspace or the web and changes nothing.
    Exploration,
    /// Changes the solution.
    Implementation,
    /// Finds out whether something works: runs tests, reproductions, checkers, or writes them.
    Verification,
    /// Runs something for its effect: installs, moves files, version control, services.
    Execution,
}

impl Component {
    /// All of them, in the order of tables and charts.
    pub const ALL: [Self; 5] = [
        Self::Reasoning,
        Self::Exploration,
        Self::Implementation,
        Self::Verification,
        Self::Execution,
    ];

    /// The word used in JSON, columns and queries.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reasoning => "reasoning",
            Self::Exploration => "exploration",
            Self::Implementation => "implementation",
            Self::Verification => "verification",
            Self::Execution => "execution",
        }
    }
}

/// What was observed. How each is found stands with its rule: the last two in `verify::flags`, the others in `behave`.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum FlagKind {
    /// The agent fetched, or tried to fetch, the answer from outside the task.
    Leak,
    /// It changed tests or graders that were there before.
    TestEdit,
    /// It did the same thing again and again.
    Loop,
    /// It took an edit of its own back.
    EditRevert,
    /// An edit failed, was never made good, and is told as done.
    FailedEditClaimed,
    /// It calls checked what was only compiled, imported or printed.
    FakeVerification,
    /// The environment lacks what the task needs.
    BrokenEnvironment,
    /// It installs packages.
    PackageInstall,
    /// It ends after source edits that nothing checked.
    Unverified,
    /// The record starts in the middle, ends before the last answer, or holds outputs that were cut.
    Truncated,
    /// A key, token or password stands in it.
    Secret,
    /// An observation gives the agent orders.
    PromptInjection,
    /// It ends without a change of source code where the task asks for one.
    NoSourceEdit,
    /// Its last check failed and it changed nothing afterwards.
    UntouchedAfterFailure,
    /// The prompt tells the path or the name that the task hides.
    PromptLeak,
    /// Another attempt of the same task ends in the same patch.
    SamePatch,
}

impl FlagKind {
    /// All of them, in the order of tables.
    pub const ALL: [Self; 16] = [
        Self::Leak,
        Self::TestEdit,
        Self::Loop,
        Self::EditRevert,
        Self::FailedEditClaimed,
        Self::FakeVerification,
        Self::BrokenEnvironment,
        Self::PackageInstall,
        Self::Unverified,
        Self::Truncated,
        Self::Secret,
        Self::PromptInjection,
        Self::NoSourceEdit,
        Self::UntouchedAfterFailure,
        Self::PromptLeak,
        Self::SamePatch,
    ];

    /// The word used in JSON, columns and queries.
    pub fn name(self) -> &'static str {
        match self {
            Self::Leak => "leak",
            Self::TestEdit => "test_edit",
            Self::Loop => "loop",
            Self::EditRevert => "edit_revert",
            Self::FailedEditClaimed => "failed_edit_claimed",
            Self::FakeVerification => "fake_verification",
            Self::BrokenEnvironment => "broken_environment",
            Self::PackageInstall => "package_install",
            Self::Unverified => "unverified",
            Self::Truncated => "truncated",
            Self::Secret => "secret",
            Self::PromptInjection => "prompt_injection",
            Self::NoSourceEdit => "no_source_edit",
            Self::UntouchedAfterFailure => "untouched_after_failure",
            Self::PromptLeak => "prompt_leak",
            Self::SamePatch => "same_patch",
        }
    }
}

/// An observation, where it was made, and its reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Flag {
    /// What was observed.
    pub flag: FlagKind,
    /// The step that shows it, from 0; `None` where it is about the record as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<usize>,
    /// In words, one line; may quote the trajectory and is cleaned where it is shown.
    pub why: String,
}

impl Flag {
    /// A flag of the record as a whole.
    pub fn of_record(flag: FlagKind, why: impl Into<String>) -> Self {
        Self {
            flag,
            step: None,
            why: why.into(),
        }
    }

    /// A flag that the step `step` shows.
    pub fn of_step(flag: FlagKind, step: usize, why: impl Into<String>) -> Self {
        Self {
            flag,
            step: Some(step),
            why: why.into(),
        }
    }
}
