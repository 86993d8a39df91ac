//! What could become a task.

use std::collections::BTreeMap;

use crate::cancel::Cancel;
use crate::model::LineIx;
use crate::model::TaskKind;
use crate::model::Value;
use crate::tasks::Seed;

/// Fields of an instance in the order in which they are written.
pub type Fields = serde_json::Map<String, Value>;

/// A task in the making: all that its repository says of it. Its id, repository, commit and provenance come last.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// The file of its target, below the repository's root.
    pub path: String,
    /// The first line of its target, from 0.
    pub line: LineIx,
    /// What a sample is balanced over: the number of dependencies, the kind of the target.
    pub stratum: String,
    /// The instance's own fields.
    pub fields: Fields,
}

/// The drafts of a repository.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Drafts {
    /// By path, then by line.
    pub drafts: Vec<Draft>,
    /// How many were left out, by reason.
    pub left_out: BTreeMap<&'static str, u64>,
}

/// Why a draft that was chosen does not become a task: the reason by which such are counted, and what is particular.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// One of few.
    pub reason: &'static str,
    /// In words; may be empty.
    pub detail: String,
}

/// Makes the tasks of one type.
pub trait Maker: Sync {
    /// Its type.
    fn kind(&self) -> TaskKind;

    /// Everything in a repository that could become a task, cheaply. `None` when it was cancelled.
    fn drafts(&self, seed: &Seed, cancel: &Cancel) -> Option<Drafts>;

    /// Does for a draft that was chosen what is too dear to do for all: runs its test program, asks a model for a
    /// description.
    ///
    /// # Errors
    /// Why it is left out after all; another one is chosen in its place.
    fn finish(&self, _seed: &Seed, draft: Draft, _cancel: &Cancel) -> Result<Draft, LeftOut> {
        Ok(draft)
    }
}
