//! Finding lines in bytes that arrive in chunks. Pure; the chunks' sizes never change the result.

use crate::model::Span;

/// Reports the non-blank lines of a stream, without their line ends (`\n` or `\r\n`).
#[derive(Debug)]
pub(super) struct LineScanner {
    at: u64,
    line_start: u64,
    has_ink: bool,
    ends_in_cr: bool,
}

impl LineScanner {
    /// Starts at the byte `at` of the source, at the start of a line.
    pub(super) fn starting_at(at: u64) -> Self {
        Self {
            at,
            line_start: at,
            has_ink: false,
            ends_in_cr: false,
        }
    }

    /// Scans the next chunk; `emit` gets each line that ends in it.
    pub(super) fn push(&mut self, chunk: &[u8], mut emit: impl FnMut(Span)) {
        let mut from = 0;
        for newline in memchr::memchr_iter(b'\n', chunk) {
            self.see(chunk.get(from..newline).unwrap_or_default());
            let end = self.at + newline as u64;
            if self.has_ink {
                emit(Span::new(self.line_start, end - u64::from(self.ends_in_cr)));
            }
            self.line_start = end + 1;
            self.has_ink = false;
            self.ends_in_cr = false;
            from = newline + 1;
        }
        self.see(chunk.get(from..).unwrap_or_default());
        self.at += chunk.len() as u64;
    }

    fn see(&mut self, stretch: &[u8]) {
        if let Some(last) = stretch.last() {
            self.ends_in_cr = *last == b'\r';
            self.has_ink = self.has_ink || stretch.iter().any(|b| !b.is_ascii_whitespace());
        }
    }

    /// The last line when it has no line end and is not blank.
    pub(super) fn unfinished(&self) -> Option<Span> {
        self.has_ink
            .then(|| Span::new(self.line_start, self.at - u64::from(self.ends_in_cr)))
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
            scanner.push(chunk, |span| found.push((span.start, span.end)));
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
