//! What of a patch is the answer to an issue.

use std::path::Path;

use crate::behave::is_test_file;
use crate::patch::FilePatch;
use crate::patch::PatchKind;
use crate::patch::parse_patch;
use crate::tasks::issue_localize::reason;

/// Longer patches are no answer to an issue.
const MOST_BYTES: usize = 256 << 10;

/// A patch without tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Gold {
    /// Its text, the lines of the original.
    pub(super) patch: String,
    /// The first Python file that it changes, as it was named before.
    pub(super) path: String,
    /// The first line that it changes there, in the file before, from 0.
    pub(super) line: usize,
    /// How many Python files it changes.
    pub(super) files: usize,
    /// The names of all files that it touches.
    pub(super) names: Vec<String>,
}

/// Cuts the tests out of a patch.
///
/// # Errors
/// Why what is left is no answer.
pub(super) fn gold(patch: &str) -> Result<Gold, &'static str> {
    if patch.len() > MOST_BYTES {
        return Err(reason::TOO_MUCH);
    }
    let parts = parse_patch(patch);
    let lines: Vec<&str> = patch.split_inclusive('\n').collect();
    let mut kept = Gold {
        patch: String::new(),
        path: String::new(),
        line: 0,
        files: 0,
        names: Vec::new(),
    };
    for (ix, part) in parts.iter().enumerate() {
        if is_test_file(part.path()) {
            continue;
        }
        let end = parts.get(ix + 1).map_or(lines.len(), |next| next.line);
        let text = lines.get(part.line..end).unwrap_or_default();
        kept.patch.extend(text.iter().copied());
        kept.names.push(part.path().to_owned());
        if let Some(path) = changed_source(part) {
            if kept.files == 0 {
                path.clone_into(&mut kept.path);
                kept.line = first_line(part);
            }
            kept.files += 1;
        }
    }
    if !kept.patch.is_empty() && !kept.patch.ends_with('\n') {
        kept.patch.push('\n');
    }
    if kept.files == 0 {
        return Err(reason::NO_SOURCE);
    }
    Ok(kept)
}

/// The name of a Python file that was there before and whose lines change.
fn changed_source(part: &FilePatch) -> Option<&str> {
    let path = part.old_path.as_deref()?;
    let is_there = !matches!(part.kind, PatchKind::Added | PatchKind::Copied);
    let is_python = Path::new(path)
        .extension()
        .is_some_and(|ending| ending == "py");
    (is_there && is_python && !part.hunks.is_empty()).then_some(path)
}

fn first_line(part: &FilePatch) -> usize {
    let Some(hunk) = part.hunks.first() else {
        return 0;
    };
    // where lines are added, the one above them
    let mut line = hunk.old_start;
    for one in &hunk.lines {
        if one.new_no.is_none() || one.old_no.is_none() {
            break;
        }
        line = one.old_no.unwrap_or(line) + 1;
    }
    line.saturating_sub(1)
}
