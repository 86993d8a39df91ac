//! Recorded patches: read, applied, taken back. Unified diffs of git and diff, and the `*** Begin Patch` dialect.
//!
//! Reading is tolerant, because patches come from models and from cut-off logs: line ends of either kind, missing
//! headers, counts that lie, an end that is missing. Applying is strict about content and a little tolerant about
//! place. Text in, text out: knows nothing of files or trajectories.

mod apply;
mod begin;
mod git;
mod header;
mod unified;

pub use apply::{Conflict, apply, reversed};
pub use begin::{find_begin_patch, parse_begin_patch};
pub use git::{Side, write_part};
pub use unified::parse_patch;

use crate::diff::DiffTag;
use crate::diff::Hunk;

/// What a patch does to a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum PatchKind {
    /// Changes its content, or its mode only.
    #[default]
    Modified,
    /// Makes it.
    Added,
    /// Removes it.
    Deleted,
    /// Gives it another name, and may change it.
    Renamed,
    /// Makes it from another one, and may change it.
    Copied,
}

/// The part of a patch that concerns one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FilePatch {
    /// The file before, without the `a/` of git; `None` when it is new.
    pub old_path: Option<String>,
    /// The file after, without the `b/` of git; `None` when it is removed.
    pub new_path: Option<String>,
    /// What happens to the file.
    pub kind: PatchKind,
    /// The file's mode before, octal, where the patch says it.
    pub old_mode: Option<String>,
    /// The file's mode after, octal, where the patch says it.
    pub new_mode: Option<String>,
    /// The content is binary; there are no hunks.
    pub is_binary: bool,
    /// The changes in order, words marked. Empty for pure renames, mode changes and binary files.
    pub hunks: Vec<Hunk>,
    /// A hunk ends before its header says so, or its counts are wrong.
    pub is_damaged: bool,
    /// The 0-based line of the patch text at which this part starts.
    pub line: usize,
    /// The 0-based line of the patch text that holds each hunk's heading, in the order of `hunks`; empty where hunks
    /// have no headings in the text.
    pub hunk_lines: Vec<usize>,
}

impl FilePatch {
    /// The name to show: the file after, or before where it is removed; empty when the patch names none.
    pub fn path(&self) -> &str {
        self.new_path
            .as_deref()
            .or(self.old_path.as_deref())
            .unwrap_or_default()
    }

    /// How many lines it adds and removes.
    pub fn counts(&self) -> (usize, usize) {
        self.hunks
            .iter()
            .map(Hunk::counts)
            .fold((0, 0), |sum, counts| (sum.0 + counts.0, sum.1 + counts.1))
    }

    /// The text of all lines that are not added (or not removed), each with its line break unless it has none.
    pub(crate) fn side_text(&self, without: DiffTag) -> String {
        let mut text = String::new();
        let lines = self.hunks.iter().flat_map(|hunk| &hunk.lines);
        for line in lines.filter(|line| line.tag != without) {
            text.push_str(&line.text);
            if !line.no_newline {
                text.push('\n');
            }
        }
        text
    }
}
