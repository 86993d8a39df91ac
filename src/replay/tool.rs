//! A tool of a producer, as a replay runs it.

use std::time::Duration;

use crate::cancel::Cancel;
use crate::error::Result;
use crate::model::Action;
use crate::sandbox::Sandbox;

/// A call to run.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// The recorded call, with its arguments.
    pub action: &'a Action,
    /// The step that it stands in, from 0.
    pub step: usize,
    /// How long it may take at most, whatever it asks for itself.
    pub patience: Duration,
}

/// What a tool did with a call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Did {
    /// It ran, to its end or to the time-out that belongs to the tool.
    #[default]
    Ran,
    /// It was still running when the replay's patience was over, and was killed.
    TimedOut,
    /// There is nothing to run: thinking, planning, finishing.
    Nothing,
    /// The recorded call did not run either, and why.
    Refused(&'static str),
    /// It cannot be run here, and why.
    NotReplayable(String),
}

/// What came back from a call, as the agent would have seen it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reply {
    /// The text of the observation, cut as the tool cuts it, decoded lossily.
    pub text: String,
    /// The exit status, where the tool tells one; -1 while the command runs on, as producers say it.
    pub exit_code: Option<i64>,
    /// What was done.
    pub did: Did,
}

impl Reply {
    /// The text of a tool that has no exit status.
    pub fn text(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }

    /// Nothing to run.
    pub fn nothing() -> Self {
        Self {
            did: Did::Nothing,
            ..Self::default()
        }
    }

    /// Not to be run here.
    pub fn not_replayable(why: impl Into<String>) -> Self {
        Self {
            did: Did::NotReplayable(why.into()),
            ..Self::default()
        }
    }
}

/// The state of a tool between two calls, from which it can go on in another sandbox that has the same files: undo
/// histories, the variables and the folder of a shell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Saved {
    /// The tool's own form; what one tool saved, only the same tool restores.
    pub state: Vec<u8>,
    /// What could not be saved, in words: a command that was still running.
    pub lost: Vec<String>,
}

/// A tool, with the state that it keeps between its calls. One value serves one trajectory in one sandbox at a time.
pub trait Tool: Send {
    /// Runs a call as the producer would and says what the agent would have seen. `live` gets what a running command
    /// writes, as it comes: raw bytes, for an emulator or a cleaner, never for a terminal.
    ///
    /// # Errors
    /// *limit* when the sandbox died. Whatever the tool itself calls an error is a [`Reply`].
    fn run(
        &mut self,
        call: &Call<'_>,
        sandbox: &mut dyn Sandbox,
        live: &mut dyn FnMut(&[u8]),
        cancel: &Cancel,
    ) -> Result<Reply>;

    /// Its state now.
    ///
    /// # Errors
    /// *limit* when the sandbox died.
    fn save(&mut self, sandbox: &mut dyn Sandbox) -> Result<Saved>;

    /// Goes on from a state, in a sandbox whose files are those of the moment of [`Tool::save`].
    ///
    /// # Errors
    /// *limit* when the sandbox died.
    fn restore(&mut self, saved: &Saved, sandbox: &mut dyn Sandbox) -> Result<()>;
}
