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
mod resume;
mod row;
mod run;
mod said;
mod settings;
mod talk;
mod tools;

#[cfg(test)]
mod tests;

pub use course::Agent;
pub use course::Limits;
pub use output::Earlier;
pub use output::KEPT;
pub use output::Known;
pub use output::Output;
pub use prompt::Prompts;
pub use row::Done;
pub use run::Event;
pub use run::Run;
pub use run::Stopped;
pub use run::Until;
pub use said::CallForm;
pub use settings::Other;
pub use settings::Settings;
pub use tools::definitions;
