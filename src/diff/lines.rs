//! The line diff of two texts, cut into hunks.

use std::time::Duration;
use std::time::Instant;

use similar::Algorithm;
use similar::DiffOp;

use crate::diff::DiffLine;
use crate::diff::DiffTag;
use crate::diff::Hunk;
use crate::diff::mark_words;

/// After this the rest of two very different texts is shown as replaced.
const DEADLINE: Duration = Duration::from_millis(500);

/// How many lines above a hunk are searched for its heading.
const HEADING_LINES: usize = 2000;

/// Compares two texts line by line and returns the changes with `context` lines around them; empty when nothing
/// differs. `first_line` is the 1-based line at which both texts start in their file (0 counts as 1).
///
/// Lines are compared without their `\n`. Whether the text ends in one counts only when exactly one of the texts
/// does: snippets of a file mostly have none.
pub fn diff_texts(old: &str, new: &str, context: usize, first_line: usize) -> Vec<Hunk> {
    if old == new {
        return Vec::new();
    }
    let (old, new) = (Side::new(old), Side::new(new));
    let compare_ends = old.is_open != new.is_open;
    hunks(&old, &new, (context, first_line), compare_ends)
}

/// Compares two whole files as [`diff_texts`] does, but a last line without a line break is always another one than the
/// same line with it: what is applied to the old file gives the new one, byte for byte.
pub fn diff_files(old: &str, new: &str, context: usize) -> Vec<Hunk> {
    hunks(&Side::new(old), &Side::new(new), (context, 1), true)
}

fn hunks(
    old: &Side<'_>,
    new: &Side<'_>,
    (context, first_line): (usize, usize),
    compare_ends: bool,
) -> Vec<Hunk> {
    // What is counted from it must not overflow; recorded line numbers can be anything.
    let first_line = first_line.clamp(1, u32::MAX as usize);
    let old_keys = old.keys(compare_ends);
    let new_keys = new.keys(compare_ends);
    let ops = line_ops(&old_keys, &new_keys);
    let mut hunks = Vec::new();
    let mut heading_from = 0;
    let mut heading = String::new();
    // The library doubles the context.
    for group in similar::group_diff_ops(ops, context.min(1 << 30)) {
        let Some((first, last)) = group.first().zip(group.last()) else {
            continue;
        };
        let old_range = first.old_range().start..last.old_range().end;
        let new_range = first.new_range().start..last.new_range().end;
        if let Some(found) = find_heading(&old.lines, heading_from, old_range.start) {
            heading = found;
        }
        heading_from = old_range.start;
        let mut hunk = Hunk {
            old_start: start_of(&old_range, first_line),
            new_start: start_of(&new_range, first_line),
            heading: heading.clone(),
            lines: group.iter().flat_map(|op| op_lines(op, old, new)).collect(),
            ..Hunk::default()
        };
        hunk.renumber();
        mark_words(&mut hunk.lines);
        hunks.push(hunk);
    }
    hunks
}

/// How many lines [`diff_texts`] shows as added and removed, without making its hunks. `None` where what differs is so
/// long that only a look at the whole diff is worth the wait: no number rather than another one.
pub fn count_changes(old: &str, new: &str) -> Option<(usize, usize)> {
    /// Old lines times new ones between the common head and tail: the most a comparison has to look at.
    const MAX_PAIRS: usize = 16 << 20;
    if old == new {
        return Some((0, 0));
    }
    let old = Side::new(old);
    let new = Side::new(new);
    let compare_ends = old.is_open != new.is_open;
    let old_keys = old.keys(compare_ends);
    let new_keys = new.keys(compare_ends);
    let (head, tail) = common_ends(&old_keys, &new_keys);
    let differing = |keys: &[(&str, bool)]| keys.len() - head - tail;
    let (removed, added) = (differing(&old_keys), differing(&new_keys));
    if removed == 0 || added == 0 {
        return Some((added, removed));
    }
    if removed.saturating_mul(added) > MAX_PAIRS {
        return None;
    }
    let changed = |op: &DiffOp| {
        (op.tag() != similar::DiffTag::Equal).then(|| (op.new_range().len(), op.old_range().len()))
    };
    let counts = line_ops(&old_keys, &new_keys);
    let counts = counts.iter().filter_map(changed);
    Some(counts.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1)))
}

/// The number that a hunk header shows for a range of 0-based lines.
fn start_of(range: &std::ops::Range<usize>, first_line: usize) -> usize {
    range.start + first_line - usize::from(range.is_empty())
}

struct Side<'a> {
    lines: Vec<&'a str>,
    /// The last line has no line break.
    is_open: bool,
}

impl<'a> Side<'a> {
    fn new(text: &'a str) -> Self {
        let mut lines: Vec<&str> = text.split('\n').collect();
        let is_open = !text.is_empty() && !text.ends_with('\n');
        if !is_open {
            lines.pop();
        }
        Self { lines, is_open }
    }

    /// What lines are compared by: the text, and whether its line break is missing.
    fn keys(&self, compare_ends: bool) -> Vec<(&'a str, bool)> {
        let mut keys: Vec<(&str, bool)> = self.lines.iter().map(|line| (*line, false)).collect();
        if compare_ends
            && self.is_open
            && let Some(last) = keys.last_mut()
        {
            last.1 = true;
        }
        keys
    }

    fn line(&self, ix: usize) -> &'a str {
        self.lines.get(ix).copied().unwrap_or_default()
    }

    fn is_open_at(&self, ix: usize) -> bool {
        self.is_open && ix + 1 == self.lines.len()
    }
}

/// The operations that turn `old` into `new`. What both begin and end with is taken off first: the rest is mostly
/// small.
fn line_ops(old: &[(&str, bool)], new: &[(&str, bool)]) -> Vec<DiffOp> {
    let (head, tail) = common_ends(old, new);
    let middle = |keys: &[(&str, bool)]| keys.len() - tail;
    let (old_end, new_end) = (middle(old), middle(new));
    let inner = similar::capture_diff_slices_deadline(
        Algorithm::Myers,
        old.get(head..old_end).unwrap_or_default(),
        new.get(head..new_end).unwrap_or_default(),
        Some(Instant::now() + DEADLINE),
    );
    let mut ops = Vec::with_capacity(inner.len() + 2);
    if head > 0 {
        ops.push(DiffOp::Equal {
            old_index: 0,
            new_index: 0,
            len: head,
        });
    }
    ops.extend(inner.into_iter().map(|op| shifted(op, head)));
    if tail > 0 {
        ops.push(DiffOp::Equal {
            old_index: old_end,
            new_index: new_end,
            len: tail,
        });
    }
    ops
}

/// How many lines both begin with, and how many of the others both end with.
fn common_ends(old: &[(&str, bool)], new: &[(&str, bool)]) -> (usize, usize) {
    let head = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let shorter = old.len().min(new.len()) - head;
    let pairs = old.iter().rev().zip(new.iter().rev());
    let tail = pairs.take(shorter).take_while(|(a, b)| a == b).count();
    (head, tail)
}

fn shifted(mut op: DiffOp, by: usize) -> DiffOp {
    match &mut op {
        DiffOp::Equal {
            old_index,
            new_index,
            ..
        }
        | DiffOp::Delete {
            old_index,
            new_index,
            ..
        }
        | DiffOp::Insert {
            old_index,
            new_index,
            ..
        }
        | DiffOp::Replace {
            old_index,
            new_index,
            ..
        } => {
            *old_index += by;
            *new_index += by;
        }
    }
    op
}

fn op_lines(op: &DiffOp, old: &Side<'_>, new: &Side<'_>) -> Vec<DiffLine> {
    let mut lines = Vec::new();
    if op.tag() == similar::DiffTag::Equal {
        for (old_ix, new_ix) in op.old_range().zip(op.new_range()) {
            let mut line = DiffLine::new(DiffTag::Same, old.line(old_ix));
            line.no_newline = old.is_open_at(old_ix) && new.is_open_at(new_ix);
            lines.push(line);
        }
        return lines;
    }
    for (side, range, tag) in [
        (old, op.old_range(), DiffTag::Removed),
        (new, op.new_range(), DiffTag::Added),
    ] {
        for ix in range {
            let mut line = DiffLine::new(tag, side.line(ix));
            line.no_newline = side.is_open_at(ix);
            lines.push(line);
        }
    }
    lines
}

/// The nearest line of `from..to` that starts a definition, as git tells it: it begins with a letter, `_` or `$`.
fn find_heading(lines: &[&str], from: usize, to: usize) -> Option<String> {
    const MAX_BYTES: usize = 80;
    let above = lines.get(from.max(to.saturating_sub(HEADING_LINES))..to)?;
    let line = above.iter().rev().find(|line| {
        let first = line.as_bytes().first();
        first.is_some_and(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'$'))
    })?;
    let line = line.get(..line.floor_char_boundary(MAX_BYTES))?;
    Some(line.trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::diff::unified;

    #[track_caller]
    fn diffs(old: &str, new: &str, context: usize, first_line: usize, expected: &str) {
        let text = unified("f", &diff_texts(old, new, context, first_line));
        let body: String = text.split_inclusive('\n').skip(2).collect();
        assert_eq!(body, expected, "{old:?} to {new:?}");
    }

    #[test]
    fn hunks_are_those_of_diff_u() {
        diffs(
            "a\nb\nc\n",
            "a\nB\nc\n",
            1,
            1,
            "@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n",
        );
        diffs("a\nb\nc\n", "a\nc\n", 0, 1, "@@ -2 +1,0 @@ a\n-b\n");
        diffs("", "a\n", 3, 1, "@@ -0,0 +1 @@\n+a\n");
        diffs("a\n", "", 3, 1, "@@ -1 +0,0 @@\n-a\n");
        diffs(
            "a\n",
            "a",
            3,
            1,
            "@@ -1 +1 @@\n-a\n+a\n\\ No newline at end of file\n",
        );
        diffs("a\r\n", "a\n", 3, 1, "@@ -1 +1 @@\n-a\r\n+a\n");
        diffs("same", "same", 3, 1, "");
    }

    #[test]
    fn snippets_without_line_breaks_are_lines() {
        diffs(
            "x = 1",
            "x = 1\ny = 2",
            3,
            40,
            "@@ -40 +40,2 @@\n x = 1\n+y = 2\n\\ No newline at end of file\n",
        );
    }

    #[test]
    fn what_is_too_long_to_compare_at_once_has_no_count() {
        let old = numbers(|n| n * 7 % 1013);
        let new = numbers(|n| n * 11 % 1009);
        assert_eq!(count_changes(&old, &new), None);
        let longer = format!("{old}\nmore");
        assert_eq!(count_changes(&old, &longer), Some((1, 0)));
    }

    #[test]
    fn headings_name_the_definition_above() {
        let old = "def f():\n    a\n    b\n    c\n    d\n    e\n";
        let new = old.replace("    e", "    E");
        diffs(
            old,
            &new,
            1,
            1,
            "@@ -5,2 +5,2 @@ def f():\n     d\n-    e\n+    E\n",
        );
    }

    fn numbers(of: impl Fn(usize) -> usize) -> String {
        let lines: Vec<String> = (0..200_000).map(|n| of(n).to_string()).collect();
        lines.join("\n")
    }

    #[test]
    fn huge_and_unlike_texts_end_in_time() {
        let old = numbers(|n| n * 7 % 1013);
        let new = numbers(|n| n * 11 % 1009);
        let started = Instant::now();
        let hunks = diff_texts(&old, &new, 3, 1);
        assert!(!hunks.is_empty());
        assert!(
            started.elapsed() < Duration::from_secs(30),
            "{:?}",
            started.elapsed()
        );
    }

    proptest! {
        #[test]
        fn both_sides_can_be_read_back(old in "[ab\n]{0,30}", new in "[ab\n]{0,30}") {
            let hunks = diff_texts(&old, &new, usize::MAX, 1);
            let counts = hunks.iter().map(Hunk::counts).fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
            prop_assert_eq!(count_changes(&old, &new), Some(counts));
            if old == new {
                prop_assert!(hunks.is_empty());
                return Ok(());
            }
            for (text, skip) in [(&old, DiffTag::Added), (&new, DiffTag::Removed)] {
                let lines: Vec<&str> = hunks.iter().flat_map(|hunk| &hunk.lines)
                    .filter(|line| line.tag != skip)
                    .map(|line| line.text.as_str())
                    .collect();
                let expected: Vec<&str> = text.lines().collect();
                prop_assert_eq!(lines, expected);
            }
        }
    }
}
