//! What views tell of a file: numbered lines, and perhaps where the file ends.

use crate::diff::DiffTag;
use crate::diff::diff_texts;
use crate::model::Action;
use crate::model::ShellCall;
use crate::model::Text;
use crate::model::Value;
use crate::model::View;
use crate::workspace::arena::LineText;
use crate::workspace::arena::MAX_LINES;
use crate::workspace::arena::pieces_of;

/// Lines of a file that were shown.
#[derive(Debug)]
pub(super) struct Shown {
    /// The place of the first, from 0.
    pub(super) first: usize,
    /// The lines; `None` for those that may be cut.
    pub(super) lines: Vec<Option<LineText>>,
    /// How many lines the file has, where that was told.
    pub(super) total: Option<usize>,
}

/// Tools cut lines that are longer; such a line is not known.
const LONGEST: usize = 1900;

/// Reads the view of an action; `None` where it shows no lines whose place is known.
pub(super) fn of_view(action: &Action) -> Option<Shown> {
    let view = action.view.as_ref().filter(|_| !action.has_error())?;
    let is_running = action
        .observation
        .as_ref()
        .is_some_and(|observation| observation.exit_code.is_some_and(|code| code < 0));
    if is_running {
        return None;
    }
    let is_whole = shows_all(action);
    let mut shown = numbered(view, is_cut(action))?;
    let last = shown.first + shown.lines.len();
    match view.total_lines {
        // an empty line at the end is a line for some tools, and the end of the one before for others
        Some(total) if total > 0 && total <= MAX_LINES && (total > last || !shown.has_dropped) => {
            shown.total = Some(total);
        }
        None if is_whole && shown.first == 0 && !shown.is_cut => {
            let is_editor = action.shell.is_none() && action.args.get("command").is_some();
            // editors number what is behind the last line break, too
            if !shown.has_dropped || is_editor {
                shown.total = Some(last);
            }
        }
        _ => {}
    }
    Some(Shown {
        first: shown.first,
        lines: shown.lines,
        total: shown.total,
    })
}

/// Reads the lines that an editor shows after an edit.
pub(super) fn of_snippet(view: &View) -> Option<Shown> {
    let found = numbered(view, false)?;
    let last = found.first + found.lines.len();
    let total = view
        .total_lines
        .filter(|total| *total > last && *total <= MAX_LINES);
    Some(Shown {
        first: found.first,
        lines: found.lines,
        total,
    })
}

struct Numbered {
    first: usize,
    lines: Vec<Option<LineText>>,
    total: Option<usize>,
    /// An empty line at the end was left out.
    has_dropped: bool,
    is_cut: bool,
}

fn numbered(view: &View, is_cut: bool) -> Option<Numbered> {
    let first = view.first_line?.checked_sub(1)?;
    let text: &Text = view.text.as_ref().filter(|text| !text.is_empty())?;
    let mut lines = pieces_of(text);
    // some tools number what is left after they cut: what follows the cut has other numbers in the file
    let cut_at = lines.iter().position(|line| holds_cut(line.as_str()));
    let is_cut = is_cut || cut_at.is_some();
    if let Some(at) = cut_at {
        lines.truncate(at);
    } else if is_cut {
        lines.pop();
    }
    let has_dropped = lines.last().is_some_and(|line| line.as_str().is_empty());
    if has_dropped {
        lines.pop();
    }
    if first.saturating_add(lines.len()) > MAX_LINES {
        return None;
    }
    let sound = |line: LineText| Some(line).filter(|line| line.as_str().len() < LONGEST);
    Some(Numbered {
        first,
        lines: lines.into_iter().map(sound).collect(),
        total: None,
        has_dropped,
        is_cut,
    })
}

fn is_cut(action: &Action) -> bool {
    let observation = action.observation.as_ref();
    observation.is_some_and(|observation| observation.truncated == Some(true))
}

/// Whether a tool says in this line that it left something out.
fn holds_cut(line: &str) -> bool {
    const WORDS: [&str; 5] = [
        "<response clipped>",
        "[... Observation truncated",
        "<elided_chars>",
        "... [truncated]",
        "output truncated",
    ];
    let has = |word: &&str| memchr::memmem::find(line.as_bytes(), word.as_bytes()).is_some();
    WORDS.iter().any(has)
}

/// Whether a command is a `cat` of named files and nothing else, so that it shows all of them.
pub fn is_plain_cat(shell: &ShellCall) -> bool {
    let is_cat = shell.cmd.split_whitespace().next() == Some("cat");
    is_cat
        && !shell
            .cmd
            .contains(['|', ';', '&', '>', '<', '\n', '$', '`', '*'])
}

/// Whether the call asked for a file without saying which part of it, and got all of it.
fn shows_all(action: &Action) -> bool {
    /// Reading tools stop here when nobody says how far.
    const MOST: usize = 2000;
    if let Some(shell) = &action.shell {
        return is_plain_cat(shell);
    }
    let has = |key: &str| {
        action
            .args
            .get(key)
            .is_some_and(|value: &Value| !value.is_null())
    };
    let is_file = has("path") || has("file_path");
    let text = action.view.as_ref().and_then(|view| view.text.as_ref());
    let is_short =
        text.is_some_and(|text| memchr::memchr_iter(b'\n', text.as_bytes()).count() + 1 < MOST);
    is_file
        && (is_short || has("command"))
        && ![
            "view_range",
            "start_line",
            "end_line",
            "offset",
            "limit",
            "line_number",
        ]
        .into_iter()
        .any(has)
}

/// One changed stretch of two lists of lines, places from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stretch {
    pub(super) old_at: usize,
    pub(super) old_len: usize,
    pub(super) new_at: usize,
    pub(super) new_len: usize,
}

/// The stretches in which two lists of lines differ, from top to bottom.
pub(super) fn stretches<T: AsRef<str>>(old: &[T], new: &[T]) -> Vec<Stretch> {
    let joined = |lines: &[T]| {
        let mut text = String::new();
        for line in lines {
            text.push_str(line.as_ref());
            text.push('\n');
        }
        text
    };
    let mut found: Vec<Stretch> = Vec::new();
    for hunk in diff_texts(&joined(old), &joined(new), 0, 1) {
        let (mut old_at, mut new_at) = (
            hunk.old_start.saturating_sub(usize::from(hunk.old_len > 0)),
            hunk.new_start.saturating_sub(usize::from(hunk.new_len > 0)),
        );
        let mut open: Option<Stretch> = None;
        for line in &hunk.lines {
            if line.tag == DiffTag::Same {
                found.extend(open.take());
                old_at += 1;
                new_at += 1;
                continue;
            }
            let stretch = open.get_or_insert(Stretch {
                old_at,
                old_len: 0,
                new_at,
                new_len: 0,
            });
            if line.tag == DiffTag::Removed {
                stretch.old_len += 1;
                old_at += 1;
            } else {
                stretch.new_len += 1;
                new_at += 1;
            }
        }
        found.extend(open);
    }
    found
}

impl AsRef<str> for LineText {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}
