//! Runs the recorded actions of a trajectory again in a sandbox and says, call by call, whether the same came of them.
//!
//! A [`Tool`] does to the letter what the producer's tool does with a call; its [`Reply`] is compared with the recorded
//! observation and gives a [`StepVerdict`]. The whole of it is a [`RecordReplay`], the line of a results file. Behind the
//! first divergence the calls go on, but are marked: they ran in a workspace that was no longer the recorded one. Which
//! verdict the task's filter gives to the final patch is added by the caller: verifiers stand to the right of this module.

pub mod edit;
mod outcome;
mod tool;

pub use outcome::BaseKind;
pub use outcome::CallReplay;
pub use outcome::FileReplay;
pub use outcome::PatchReplay;
pub use outcome::RecordReplay;
pub use outcome::Same;
pub use outcome::StepVerdict;
pub use outcome::Verified;
pub use tool::Call;
pub use tool::Did;
pub use tool::Reply;
pub use tool::Saved;
pub use tool::Tool;
