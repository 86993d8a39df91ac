//! The editing tools of producers, to the letter: what they write, and every word that they answer.
//!
//! Each tool works through [`crate::sandbox::Files`] and keeps between calls what the producer's keeps: undo histories,
//! the open file. What a tool does only by chance (an encoding that it guesses, a linter, a path that it hands to a
//! shell) is not imitated: such a call is told as not replayable, with the reason.

mod apply_patch;
mod bytes;
mod claude;
mod engine;
mod file_editor;
mod openhands;
mod place;
mod pythonic;
mod stop;
mod swe_agent;
mod text_editor;

pub use apply_patch::Applied;
pub use apply_patch::ApplyPatch;
pub use apply_patch::Dialect;
pub use apply_patch::apply_patch;
pub use claude::ClaudeCode;
pub use file_editor::FileEditor;
pub use file_editor::Generation;
pub use openhands::StrReplaceEditor;
pub use swe_agent::SweAgent;
pub use text_editor::TextEditor;
