//! Why a call of an editor comes to no result.

use crate::replay::Reply;
use crate::sandbox::FileError;

/// The end of a call before its result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stop {
    /// The tool refuses, in these words.
    Says(String),
    /// It cannot be done here as the tool does it, and why.
    Cannot(String),
}

impl Stop {
    /// The tool's own words.
    pub(super) fn says(text: impl Into<String>) -> Self {
        Self::Says(text.into())
    }

    /// What cannot be imitated.
    pub(super) fn cannot(why: impl Into<String>) -> Self {
        Self::Cannot(why.into())
    }

    /// The tool would have failed in a way of its own that it does not put in words.
    pub(super) fn broken(path: &str, error: &FileError) -> Self {
        Self::Cannot(format!("the tool has no words for this: {path}: {error}"))
    }
}

/// What a call comes to, as a reply; `prefix` stands before the tool's own errors.
pub(super) fn reply(done: Result<String, Stop>, prefix: &str) -> Reply {
    match done {
        Ok(text) => Reply::text(text),
        Err(Stop::Says(text)) => Reply::text(format!("{prefix}{text}")),
        Err(Stop::Cannot(why)) => Reply::not_replayable(why),
    }
}
