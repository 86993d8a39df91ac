//! A place where commands of a trajectory may run: one trait, several back ends, no silent downgrade.
//!
//! A [`Backend`] starts a [`Sandbox`] after a [`Spec`]: which system the commands see, which folders lie in it, how much
//! they may take. In it run processes on a terminal or a pipe ([`Sandbox::spawn`]) and small workers that read and change
//! files ([`Sandbox::files`]); what they changed comes out as a [`Layer`], from which another sandbox can start where this
//! one stood. Nothing that runs inside sees the host's environment, its other files, its processes or its network; what
//! could not be proved of that is told by [`Sandbox::proofs`]. Knows nothing of trajectories, tasks or tools. Everything
//! here blocks; the callers have threads.

mod choose;
mod copied;
pub mod doctor;
pub mod engine;
mod files;
#[cfg(target_os = "linux")]
pub mod landlock;
mod launch;
mod layer;
mod limits;
#[cfg(target_os = "linux")]
mod namespace;
mod spec;

#[cfg(target_os = "linux")]
mod terminal;
#[cfg(test)]
pub(crate) mod testing;

pub use choose::Backends;
pub use choose::Choice;
pub use choose::Chosen;
pub use choose::OWN_PROGRAM;
pub use choose::choose;
pub use files::FileError;
pub use files::FileKind;
pub use files::Files;
pub use files::Found;
pub use files::Meta;
pub use launch::Exit;
pub use launch::Heard;
pub use launch::Launch;
pub use launch::Process;
pub use launch::Streams;
pub use layer::Content;
pub use layer::Entry;
pub use layer::Layer;
pub use limits::Bound;
pub use limits::Holding;
pub use limits::Limits;
pub use limits::Proof;
pub use limits::unproved;
#[cfg(target_os = "linux")]
pub use namespace::Namespace;
#[cfg(target_os = "linux")]
pub use namespace::Patience;
pub use spec::FIRST_USER;
pub use spec::Spec;
pub use spec::System;
pub use spec::Tree;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use crate::cancel::Cancel;
use crate::error::Result;

/// What this process is to do if it was started for a sandbox, and not by a person; nothing else may run before.
#[cfg(target_os = "linux")]
pub fn enter() -> Option<std::process::ExitCode> {
    namespace::enter().or_else(landlock::enter)
}

/// How a sandbox walls off what runs in it, from the best known to the last resort.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// Namespaces, an overlay on the recorded path, seccomp, Landlock and limits of resources.
    Namespace,
    /// A container of an engine that speaks Docker's API.
    Engine,
    /// Landlock and seccomp on a copy of the folder, where namespaces are refused.
    Landlock,
}

impl Tier {
    /// All tiers, in the order in which they are tried.
    pub const ALL: [Self; 3] = [Self::Namespace, Self::Engine, Self::Landlock];

    /// The word used in JSON, flags and on screens.
    pub fn name(self) -> &'static str {
        match self {
            Self::Namespace => "namespace",
            Self::Engine => "engine",
            Self::Landlock => "landlock",
        }
    }
}

/// Starts sandboxes of one tier.
pub trait Backend: Send + Sync {
    /// Which.
    fn tier(&self) -> Tier;

    /// Starts an empty sandbox after `spec`; it dies with the value, with everything in it.
    ///
    /// # Errors
    /// *limit* when the machine refuses what the tier needs, with the remedy as a hint; *input* when a folder or image of
    /// `spec` is not there.
    fn start(&self, spec: &Spec, cancel: &Cancel) -> Result<Box<dyn Sandbox>>;
}

/// A running sandbox. Dropping it kills every process in it and leaves neither process, mount nor file behind.
pub trait Sandbox: Send {
    /// How it walls off.
    fn tier(&self) -> Tier;

    /// What holds of its limits, limit by limit; what is unproved is shown to people wherever a replay is.
    fn proofs(&self) -> &[Proof];

    /// Starts a process.
    ///
    /// # Errors
    /// *limit* when the sandbox is dead or has no room for another process; *input* when there is no such program.
    fn spawn(&mut self, launch: &Launch) -> Result<Box<dyn Process>>;

    /// Where a recorded path lies for its processes: the same path, but where a tier cannot lay a folder over it. Commands
    /// are started as they are; who wants them to find the folder rewrites paths in them, and back in what they print.
    /// [`Files`], [`Launch::cwd`] and [`Layer`] speak of recorded paths everywhere.
    fn place_of(&self, at: &str) -> String {
        at.to_owned()
    }

    /// Its files, as the processes in it see them.
    fn files(&mut self) -> &mut dyn Files;

    /// What its folders ([`Spec::trees`]) hold that their lower folders do not. Contents that `known` already has are not
    /// copied again. Waits for no process: callers see to it that none is writing.
    ///
    /// # Errors
    /// *limit* when the sandbox is dead or what changed is larger than its disk bound.
    fn layer(&mut self, known: Option<&Layer>) -> Result<Layer>;

    /// Ends everything in it, now. Later calls fail.
    fn kill(&mut self);
}
