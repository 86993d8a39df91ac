//! Line diffs with word marks: the one form in which every screen and command shows a change.
//!
//! [`diff_texts`] makes hunks of two texts, `patch` reads them out of recorded patches; both mark the changed words of
//! lines that belong together ([`mark_words`]). Work is bounded: past a deadline the result gets coarser, never late.
//! [`align`] sets two lists of anything beside each other: the steps of two attempts.

mod align;
mod lines;
mod unified;
mod words;

use std::ops::Range;

pub use align::Aligned;
pub use align::ListAlignment;
pub use align::align;
pub use lines::count_changes;
pub use lines::diff_files;
pub use lines::diff_texts;
pub use unified::unified;
pub use words::mark_words;

/// What happened to a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DiffTag {
    /// It is in both texts.
    Same,
    /// It is in the old text only.
    Removed,
    /// It is in the new text only.
    Added,
}

/// A line of a hunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiffLine {
    /// What happened to it.
    pub tag: DiffTag,
    /// Its 1-based line in the old text; `None` for added lines and in hunks without line numbers.
    pub old_no: Option<usize>,
    /// Its 1-based line in the new text; `None` for removed lines and in hunks without line numbers.
    pub new_no: Option<usize>,
    /// The line without its `\n`; a `\r` before it is kept.
    pub text: String,
    /// The changed bytes of `text`, ascending, apart, on character boundaries. No range at all means that the line has
    /// no counterpart and is changed as a whole; one range of length 0 that it has one and lost or gained nothing.
    pub words: Vec<Range<usize>>,
    /// It is the last line of its text and has no line break.
    pub no_newline: bool,
}

impl DiffLine {
    /// A line without numbers and marks.
    pub fn new(tag: DiffTag, text: impl Into<String>) -> Self {
        Self {
            tag,
            old_no: None,
            new_no: None,
            text: text.into(),
            words: Vec::new(),
            no_newline: false,
        }
    }
}

/// Changed lines with the lines around them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hunk {
    /// The 1-based line of the old text at which the hunk starts; the line before it when `old_len` is 0. Both starts
    /// are 0 in hunks without line numbers.
    pub old_start: usize,
    /// Lines of the old text in the hunk.
    pub old_len: usize,
    /// As `old_start`, in the new text.
    pub new_start: usize,
    /// Lines of the new text in the hunk.
    pub new_len: usize,
    /// What stands after `@@`: the definition around the hunk, or the anchor of a hunk without line numbers. May be
    /// empty.
    pub heading: String,
    /// The lines.
    pub lines: Vec<DiffLine>,
}

impl Hunk {
    /// Whether the hunk says where it belongs.
    pub fn has_numbers(&self) -> bool {
        self.old_start > 0 || self.new_start > 0
    }

    /// How many lines it adds and removes.
    pub fn counts(&self) -> (usize, usize) {
        let count = |tag| self.lines.iter().filter(|line| line.tag == tag).count();
        (count(DiffTag::Added), count(DiffTag::Removed))
    }

    /// Fills the lengths, and the line numbers where the hunk has a start, from its lines.
    pub fn renumber(&mut self) {
        let has_numbers = self.has_numbers();
        self.old_len = self
            .lines
            .iter()
            .filter(|line| line.tag != DiffTag::Added)
            .count();
        self.new_len = self
            .lines
            .iter()
            .filter(|line| line.tag != DiffTag::Removed)
            .count();
        let mut old_no = self.old_start + usize::from(self.old_len == 0);
        let mut new_no = self.new_start + usize::from(self.new_len == 0);
        for line in &mut self.lines {
            line.old_no = (has_numbers && line.tag != DiffTag::Added).then_some(old_no);
            line.new_no = (has_numbers && line.tag != DiffTag::Removed).then_some(new_no);
            old_no += usize::from(line.tag != DiffTag::Added);
            new_no += usize::from(line.tag != DiffTag::Removed);
        }
    }
}

/// Sets the lines of a hunk side by side: old and new. Lines that stay stand on both sides; removed lines stand beside
/// the added ones that follow them.
pub fn side_by_side(hunk: &Hunk) -> Vec<(Option<&DiffLine>, Option<&DiffLine>)> {
    let mut rows = Vec::with_capacity(hunk.lines.len());
    let mut removed: Vec<&DiffLine> = Vec::new();
    let mut added: Vec<&DiffLine> = Vec::new();
    for line in &hunk.lines {
        match line.tag {
            DiffTag::Same => {
                flush(&mut rows, &mut removed, &mut added);
                rows.push((Some(line), Some(line)));
            }
            DiffTag::Removed => {
                if !added.is_empty() {
                    flush(&mut rows, &mut removed, &mut added);
                }
                removed.push(line);
            }
            DiffTag::Added => added.push(line),
        }
    }
    flush(&mut rows, &mut removed, &mut added);
    rows
}

type SideRow<'a> = (Option<&'a DiffLine>, Option<&'a DiffLine>);

fn flush<'a>(
    rows: &mut Vec<SideRow<'a>>,
    removed: &mut Vec<&'a DiffLine>,
    added: &mut Vec<&'a DiffLine>,
) {
    let count = removed.len().max(added.len());
    rows.extend((0..count).map(|ix| (removed.get(ix).copied(), added.get(ix).copied())));
    removed.clear();
    added.clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_pair_what_belongs_together() {
        let hunk = Hunk {
            lines: ["-a", "+A", "+b", " c", "+d", "-e", "-f"]
                .map(|line| {
                    let tag = match line.as_bytes()[0] {
                        b'-' => DiffTag::Removed,
                        b'+' => DiffTag::Added,
                        _ => DiffTag::Same,
                    };
                    DiffLine::new(tag, line.trim_start_matches(['-', '+', ' ']))
                })
                .into(),
            ..Hunk::default()
        };
        let text =
            |line: Option<&DiffLine>| line.map_or_else(String::new, |line| line.text.clone());
        let rows: Vec<(String, String)> = side_by_side(&hunk)
            .into_iter()
            .map(|(old, new)| (text(old), text(new)))
            .collect();
        let expected = [
            ("a", "A"),
            ("", "b"),
            ("c", "c"),
            ("", "d"),
            ("e", ""),
            ("f", ""),
        ];
        assert_eq!(
            rows,
            expected.map(|(old, new)| (old.to_owned(), new.to_owned()))
        );
    }
}
