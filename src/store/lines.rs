//! Finding lines in bytes that arrive in chunks. Pure; the chunks' sizes never change the result.

use crate::model::Span;

/// Where the lines of a chunk end, whatever stands before and behind it.
#[derive(Debug)]
pub(super) struct Lines {
    len: usize,
    ends: Vec<LineEnd>,
    /// Of what stands behind the last line end.
    rest: Ink,
}

#[derive(Debug)]
struct LineEnd {
    /// Place of the `\n` in the chunk.
    at: usize,
    /// Of what stands before it, from the line end before that or the beginning of the chunk.
    ink: Ink,
}

/// What has to be known of a stretch without line ends.
#[derive(Debug, Clone, Copy, Default)]
struct Ink {
    /// It is not blank.
    is_there: bool,
    /// Whether its last byte is a `\r`; `None` when it has no byte.
    ends_in_cr: Option<bool>,
}

impl Ink {
    fn of(stretch: &[u8]) -> Self {
        Self {
            is_there: stretch.iter().any(|byte| !byte.is_ascii_whitespace()),
            ends_in_cr: stretch.last().map(|last| *last == b'\r'),
        }
    }

    fn then(self, next: Self) -> Self {
        Self {
            is_there: self.is_there || next.is_there,
            ends_in_cr: next.ends_in_cr.or(self.ends_in_cr),
        }
    }

    fn cr(self) -> u64 {
        u64::from(self.ends_in_cr == Some(true))
    }
}

impl Lines {
    /// Looks at a chunk.
    pub(super) fn of(chunk: &[u8]) -> Self {
        let mut from = 0;
        let stretch = |from: usize, to: usize| chunk.get(from..to).unwrap_or_default();
        let ends = memchr::memchr_iter(b'\n', chunk).map(|at| {
            let ink = Ink::of(stretch(from, at));
            from = at + 1;
            LineEnd { at, ink }
        });
        let ends = ends.collect();
        Self {
            len: chunk.len(),
            ends,
            rest: Ink::of(stretch(from, chunk.len())),
        }
    }

    /// Where the line behind the one of the byte `at` begins; `None` when that is in no later line of the chunk.
    pub(super) fn next_start(&self, at: usize) -> Option<usize> {
        let nth = self.ends.partition_point(|end| end.at < at);
        self.ends.get(nth).map(|end| end.at + 1)
    }
}

/// Reports the non-blank lines of a stream, without their line ends (`\n` or `\r\n`).
#[derive(Debug)]
pub(super) struct LineScanner {
    at: u64,
    line_start: u64,
    /// Of the line so far.
    ink: Ink,
}

impl LineScanner {
    /// Starts at the byte `at` of the source, at the start of a line.
    pub(super) fn starting_at(at: u64) -> Self {
        Self {
            at,
            line_start: at,
            ink: Ink::default(),
        }
    }

    /// Adds the next chunk; `emit` gets each line that ends in it.
    pub(super) fn push(&mut self, chunk: &Lines, mut emit: impl FnMut(Span)) {
        for LineEnd { at, ink } in &chunk.ends {
            let line = std::mem::take(&mut self.ink).then(*ink);
            let end = self.at + *at as u64;
            if line.is_there {
                emit(Span::new(self.line_start, end - line.cr()));
            }
            self.line_start = end + 1;
        }
        self.ink = self.ink.then(chunk.rest);
        self.at += chunk.len as u64;
    }

    /// Where the next chunk begins.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// The last line when it has no line end and is not blank.
    pub(super) fn unfinished(&self) -> Option<Span> {
        self.ink
            .is_there
            .then(|| Span::new(self.line_start, self.at - self.ink.cr()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lines(bytes: &[u8], size: usize) -> Vec<(u64, u64)> {
        let mut scanner = LineScanner::starting_at(0);
        let mut found = Vec::new();
        for chunk in bytes.chunks(size) {
            scanner.push(&Lines::of(chunk), |span| found.push((span.start, span.end)));
        }
        found.extend(scanner.unfinished().map(|span| (span.start, span.end)));
        found
    }

    fn cut(text: &str, start: u64, end: u64) -> &str {
        let range = usize::try_from(start).unwrap()..usize::try_from(end).unwrap();
        text.get(range).unwrap()
    }

    #[track_caller]
    fn check(text: &str, want: &[&str]) {
        let got: Vec<&str> = lines(text.as_bytes(), 3)
            .into_iter()
            .map(|(start, end)| cut(text, start, end))
            .collect();
        assert_eq!(got, want, "{text:?}");
    }

    #[test]
    fn blank_lines_and_line_ends_are_no_part_of_a_record() {
        check("", &[]);
        check("\n \r\n\t\n", &[]);
        check("a\nb", &["a", "b"]);
        check("a\r\n\r\n b \r\nc\r\n", &["a", " b ", "c"]);
        check("a\rb\nc\r", &["a\rb", "c"]);
    }

    proptest! {
        #[test]
        fn the_size_of_chunks_changes_nothing(text in "[a \r\n]{0,60}", size in 1_usize..9) {
            let whole = lines(text.as_bytes(), text.len().max(1));
            prop_assert_eq!(&lines(text.as_bytes(), size), &whole);
            // the standard library's idea of lines, on the same text
            let std_lines: Vec<&str> = text
                .split('\n')
                .map(|line| line.strip_suffix('\r').unwrap_or(line))
                .filter(|line| !line.trim_ascii().is_empty())
                .collect();
            let cut: Vec<&str> = whole
                .into_iter()
                .map(|(s, e)| cut(&text, s, e))
                .collect();
            prop_assert_eq!(cut, std_lines);
        }
    }
}
