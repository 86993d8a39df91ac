//! The workspace as the agent saw it: every file as it stood after each step, as far as the trajectory tells.
//!
//! [`History::of`] reads views, edits, undo and the final patch once, from the first step to the last. What a line is at
//! step *k* may be told by any step: lines keep their identity through the edits that leave them alone, so that a view
//! tells of the file before it and after it, up to the next command that may have changed it. Nothing is guessed: a line
//! that is called known is right, and what commands may have changed is unknown until it is seen again. Pure, except for
//! [`repositories`], which finds the repository of a task, and what reads its [`snapshot`]: [`checkout`] files of a git
//! repository, [`archive`] and [`sources`] those of archives and folders.

pub mod archive;
mod arena;
pub mod checkout;
mod compare;
mod evidence;
mod history;
mod names;
mod reach;
mod rebuild;
pub mod repositories;
pub mod snapshot;
pub mod sources;
mod state;
mod table;
#[cfg(test)]
pub(crate) mod testing;
mod track;

pub use compare::changes;
pub use evidence::is_plain_cat;
pub use history::Contradiction;
pub use history::FileHistory;
pub use history::FileKind;
pub use history::History;
pub use history::Touch;
pub use history::TouchKind;
pub use names::recorded_root;
pub use state::FileState;
pub use state::Origin;
pub use state::Row;

use crate::model::Text;

/// Files as they stood before the first step.
pub trait BaseFiles {
    /// The file at `path`, relative to the repository's root; `Ok(None)` where the repository has no such file.
    ///
    /// # Errors
    /// Says in words why nothing is known of it.
    fn base_file(&self, path: &str) -> Result<Option<Text>, String>;
}

#[cfg(test)]
mod tests;
