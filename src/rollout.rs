//! The smallest honest agent: attempts tasks in a sandbox with a model's help, and writes what happened as trajectories.
//!
//! A model behind an endpoint ([`crate::endpoint::Chat`]) is told a task and asks for calls of three tools; they are run
//! in a sandbox that holds the task's base state, with the very tools that a replay uses. Each attempt becomes a row of
//! an OpenHands `output.jsonl`, appended and synced when it ends: a killed run goes on where it stood, and whoever looks
//! at the file sees it grow. A [`Run`] is all of it: many tasks, several attempts of each, several at once, and an end for
//! a task of which enough attempts were accepted by the filter. Nothing that a model writes runs outside a sandbox.

mod course;
mod hands;
mod history;
mod metrics;
mod output;
mod plan;
mod prompt;
mod row;
mod run;
mod said;
mod talk;
mod tools;

#[cfg(test)]
mod tests;

pub use course::Agent;
pub use course::Limits;
pub use output::Earlier;
pub use output::Known;
pub use output::Output;
pub use prompt::Prompts;
pub use row::Done;
pub use run::Event;
pub use run::Run;
pub use run::Stopped;
pub use run::Until;
pub use said::CallForm;
pub use tools::definitions;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

/// What ended an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// The model called `finish`.
    Finish,
    /// The model asked for no call, again and again.
    NoCall,
    /// The limit on turns.
    MaxSteps,
    /// The limit on tokens.
    MaxTokens,
    /// The limit on cost.
    MaxCost,
    /// The limit on time.
    MaxTime,
    /// The conversation became longer than the model reads.
    TooLong,
    /// The endpoint gave no answer, as often as it was asked.
    Unavailable,
    /// The sandbox failed.
    Sandbox,
}

impl Ended {
    /// The word used in rows and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Finish => "finish",
            Self::NoCall => "no_call",
            Self::MaxSteps => "max_steps",
            Self::MaxTokens => "max_tokens",
            Self::MaxCost => "max_cost",
            Self::MaxTime => "max_time",
            Self::TooLong => "too_long",
            Self::Unavailable => "unavailable",
            Self::Sandbox => "sandbox",
        }
    }

    /// Whether it says nothing of the model: the attempt may be made again.
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Unavailable | Self::Sandbox)
    }

    /// Whether a limit ended it.
    pub fn is_limit(self) -> bool {
        matches!(
            self,
            Self::MaxSteps | Self::MaxTokens | Self::MaxCost | Self::MaxTime | Self::TooLong
        )
    }
}
