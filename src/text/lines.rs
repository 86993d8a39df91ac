//! A line index over a shared text, so that a page of a very long text costs what the page shows.
//!
//! Lines end at `\n`; a `\r` before it belongs to the line break. Very long lines are divided into pieces, so that
//! nothing that works on a piece has to care how long a line can get. What an index counts is pieces, unless it says
//! "logical".

use std::sync::Arc;

/// The lines of a text, found once.
#[derive(Debug, Clone)]
pub struct Lines {
    text: Arc<str>,
    /// The byte at which each piece starts, ascending.
    starts: Vec<usize>,
    /// The pieces that go on with the line of the piece before, ascending; few texts have any.
    continuations: Vec<usize>,
}

impl Lines {
    /// The bytes of the longest piece.
    pub const MAX_BYTES: usize = 4096;

    /// Indexes `text` in one pass. A line break at the very end starts no further line; an empty text has no line.
    pub fn new(text: Arc<str>) -> Self {
        let mut starts = Vec::new();
        let mut continuations = Vec::new();
        let mut start = 0;
        let ends = memchr::memchr_iter(b'\n', text.as_bytes()).chain(std::iter::once(text.len()));
        for end in ends {
            if start >= text.len() {
                break;
            }
            let next = (end + 1).min(text.len());
            let line = text.get(start..next).unwrap_or_default();
            let content_end = start + without_break(line).len();
            starts.push(start);
            let mut piece = start;
            while content_end - piece > Self::MAX_BYTES {
                piece = text.floor_char_boundary(piece + Self::MAX_BYTES);
                continuations.push(starts.len());
                starts.push(piece);
            }
            start = next;
        }
        Self {
            text,
            starts,
            continuations,
        }
    }

    /// Pieces.
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Whether the text is empty.
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// The text of piece `ix` without its line break; empty past the end.
    pub fn get(&self, ix: usize) -> &str {
        let Some(start) = self.starts.get(ix) else {
            return "";
        };
        let end = self.starts.get(ix + 1).copied();
        let piece = self
            .text
            .get(*start..end.unwrap_or(self.text.len()))
            .unwrap_or_default();
        without_break(piece)
    }

    /// Whether piece `ix` goes on with the line of the piece before.
    pub fn is_continuation(&self, ix: usize) -> bool {
        self.continuations.binary_search(&ix).is_ok()
    }

    /// The 0-based logical line of piece `ix`.
    pub fn number(&self, ix: usize) -> usize {
        ix - self.continuations.partition_point(|piece| *piece <= ix)
    }

    /// Logical lines.
    pub fn logical_len(&self) -> usize {
        self.starts.len() - self.continuations.len()
    }

    /// The text.
    pub fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// The byte at which piece `ix` starts; the length of the text past the end.
    pub fn offset(&self, ix: usize) -> usize {
        self.starts.get(ix).copied().unwrap_or(self.text.len())
    }

    /// The piece that holds byte `byte` (its line break included); the last one past the end, 0 when there is none.
    pub fn at_offset(&self, byte: usize) -> usize {
        self.starts
            .partition_point(|start| *start <= byte)
            .saturating_sub(1)
    }
}

fn without_break(line: &str) -> &str {
    match line.strip_suffix('\n') {
        Some(line) => line.strip_suffix('\r').unwrap_or(line),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pieces(lines: &Lines) -> Vec<&str> {
        (0..lines.len()).map(|ix| lines.get(ix)).collect()
    }

    #[test]
    fn lines_are_those_of_std() {
        for text in [
            "",
            "\n",
            "a",
            "a\n",
            "a\nb",
            "a\r\nb\r\n",
            "\n\nx",
            "a\rb\n",
        ] {
            let lines = Lines::new(text.into());
            assert_eq!(pieces(&lines), text.lines().collect::<Vec<_>>(), "{text:?}");
            assert_eq!(lines.logical_len(), lines.len());
        }
    }

    #[test]
    fn long_lines_come_in_pieces() {
        let long = "é".repeat(Lines::MAX_BYTES);
        let text = format!("head\n{long}x\r\ntail");
        let lines = Lines::new(text.as_str().into());
        // 8193 bytes: two full pieces and the x.
        assert_eq!(lines.len(), 5);
        assert_eq!(lines.logical_len(), 3);
        assert_eq!(lines.get(1).len(), Lines::MAX_BYTES);
        assert_eq!(lines.get(3), "x");
        assert_eq!(lines.get(4), "tail");
        let numbers: Vec<usize> = (0..5).map(|ix| lines.number(ix)).collect();
        assert_eq!(numbers, [0, 1, 1, 1, 2]);
        let is_more: Vec<bool> = (0..5).map(|ix| lines.is_continuation(ix)).collect();
        assert_eq!(is_more, [false, false, true, true, false]);
        assert_eq!(lines.at_offset(4), 0);
        assert_eq!(lines.at_offset(5), 1);
        assert_eq!(lines.at_offset(usize::MAX), 4);
    }

    #[test]
    fn past_the_end_is_empty() {
        let lines = Lines::new("a".into());
        assert_eq!(lines.get(7), "");
        assert_eq!(lines.offset(7), 1);
        assert_eq!(Lines::new("".into()).at_offset(0), 0);
    }

    proptest! {
        #[test]
        fn pieces_join_to_the_text(text in "[ab\u{e9}\r\n]{0,40}", times in 1_usize..400) {
            let text = text.repeat(times);
            let lines = Lines::new(text.as_str().into());
            let mut logical: Vec<String> = Vec::new();
            for ix in 0..lines.len() {
                prop_assert!(lines.get(ix).len() <= Lines::MAX_BYTES);
                prop_assert_eq!(lines.at_offset(lines.offset(ix)), ix);
                if !lines.is_continuation(ix) {
                    logical.push(String::new());
                }
                prop_assert_eq!(lines.number(ix) + 1, logical.len());
                logical.last_mut().expect("the first piece continues nothing").push_str(lines.get(ix));
            }
            let expected: Vec<&str> = text.lines().collect();
            prop_assert_eq!(logical, expected);
        }
    }
}
