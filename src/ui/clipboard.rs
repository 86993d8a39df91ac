//! Copies text out of the program.

use std::io::Write;
use std::path::PathBuf;

use crate::config::ClipboardChoice;

/// What the ways to copy depend on.
#[derive(Debug, Clone, Default)]
pub struct ClipboardEnv {
    /// The way to use; `None` is [`ClipboardChoice::Auto`].
    pub choice: Option<ClipboardChoice>,
    /// A command that takes the text on its standard input, before all other ways.
    pub command: Option<String>,
    /// The folder for the file that is the last resort.
    pub state_dir: PathBuf,
}

/// How a copy went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyReport {
    /// The way, to be read after "copied": `through tmux`, `by OSC 52, 1.2 KB`.
    pub how: String,
}

/// Copies `text`; `out` is the terminal.
pub fn copy(_text: &str, _env: &ClipboardEnv, _out: &mut dyn Write) -> CopyReport {
    CopyReport { how: String::new() }
}
