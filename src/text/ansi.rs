//! Escape sequences in recorded output: colours are honoured, everything else is swallowed, nothing is passed on.
//!
//! One line at a time is played onto a row of cells: carriage return and backspace overwrite, tabs go to stops of 8,
//! EL, ECH, DCH and cursor columns work as on a terminal, SGR sets the ink, OSC and DCS vanish. (ansi-to-tui drops
//! the rest of a line after an OSC that ends in `ESC \` and leaks DCS bytes: specs/ecosystem.md §1.1.) What comes
//! out has passed [`super::clean_line`].

use unicode_width::UnicodeWidthChar as _;
use vte::Params;
use vte::Parser;
use vte::Perform;

use crate::text::clean::clean_line;

/// A colour as the recorded program named it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AnsiColor {
    /// A palette entry; 0–7 are the plain colours, 8–15 their bright forms.
    Indexed(u8),
    /// Red, green, blue.
    Rgb(u8, u8, u8),
}

/// How recorded text is to look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent attributes of SGR"
)]
pub struct Ink {
    /// Text colour; `None` is the terminal's own.
    pub fg: Option<AnsiColor>,
    /// Background colour.
    pub bg: Option<AnsiColor>,
    /// SGR 1.
    pub bold: bool,
    /// SGR 2.
    pub dim: bool,
    /// SGR 3.
    pub italic: bool,
    /// SGR 4 and 21.
    pub underline: bool,
    /// SGR 7.
    pub reverse: bool,
    /// SGR 9.
    pub strike: bool,
}

/// Whether `text` has to go through [`ansi_line`] to look right: it holds an escape, a backspace, or a carriage return
/// inside a line.
pub fn has_escapes(text: &str) -> bool {
    let bytes = text.as_bytes();
    memchr::memchr3_iter(0x1b, 0x08, b'\r', bytes).any(|at| {
        bytes.get(at) != Some(&b'\r') || bytes.get(at + 1).is_some_and(|next| *next != b'\n')
    })
}

/// Plays one line (without its line break) and returns its text as runs of one ink, and the ink with which the next
/// line starts. Runs are clean and free of tabs; blanks stand for skipped cells. Work is bounded by the length of the
/// line, whatever the sequences ask for.
pub fn ansi_line(line: &str, start: Ink) -> (Vec<(String, Ink)>, Ink) {
    let mut row = Row {
        cells: Vec::new(),
        col: 0,
        ink: start,
        budget: line.len().saturating_mul(8).saturating_add(1 << 16),
    };
    Parser::new().advance(&mut row, line.as_bytes());
    let end = row.ink;
    (row.into_runs(), end)
}

/// The furthest column that a sequence may jump to.
const MAX_JUMP: usize = 4096;

const TAB_CELLS: usize = 8;

#[derive(Debug, Clone, Default)]
struct Cell {
    /// `None` for a cell that nothing was printed in, and for the second cell of a wide character.
    base: Option<char>,
    /// Zero-width characters that follow the base.
    marks: String,
    ink: Ink,
    /// The cell belongs to the wide character before it.
    is_tail: bool,
}

struct Row {
    cells: Vec<Cell>,
    col: usize,
    ink: Ink,
    /// Cells that may still be blanked or shifted; keeps hostile lines from quadratic work.
    budget: usize,
}

impl Row {
    fn put(&mut self, c: char) {
        // C1 and DEL reach the row to be shown by name later.
        let cells = c.width().unwrap_or(1).min(2);
        if cells == 0
            && let Some(cell) = self.cell_before()
        {
            cell.marks.push(c);
            return;
        }
        let cells = cells.max(1);
        if !self.pad_to(self.col) {
            self.col = self.cells.len();
        }
        for offset in 0..cells {
            self.clear_cell(self.col + offset);
        }
        let needed = self.col + cells;
        if self.cells.len() < needed {
            self.cells.resize_with(needed, Cell::default);
        }
        for (offset, cell) in self.cells.iter_mut().skip(self.col).take(cells).enumerate() {
            *cell = Cell {
                base: (offset == 0).then_some(c),
                marks: String::new(),
                ink: self.ink,
                is_tail: offset > 0,
            };
        }
        self.col = needed;
    }

    /// The cell of the character left of the cursor.
    fn cell_before(&mut self) -> Option<&mut Cell> {
        let mut at = self.col.checked_sub(1)?;
        if self.cells.get(at)?.is_tail {
            at = at.checked_sub(1)?;
        }
        self.cells.get_mut(at).filter(|cell| cell.base.is_some())
    }

    /// Grows the row to `col` cells; false when that is more than the line may ask for.
    fn pad_to(&mut self, col: usize) -> bool {
        let missing = col.saturating_sub(self.cells.len());
        if missing > self.budget {
            return false;
        }
        self.budget -= missing;
        if missing > 0 {
            self.cells.resize_with(col, Cell::default);
        }
        true
    }

    /// Blanks a cell, and the other half of a wide character that it belongs to.
    fn clear_cell(&mut self, at: usize) {
        let Some(cell) = self.cells.get_mut(at) else {
            return;
        };
        let was_tail = cell.is_tail;
        *cell = Cell::default();
        if was_tail {
            if let Some(head) = at.checked_sub(1).and_then(|at| self.cells.get_mut(at)) {
                *head = Cell::default();
            }
        } else if let Some(tail) = self.cells.get_mut(at + 1).filter(|cell| cell.is_tail) {
            *tail = Cell::default();
        }
    }

    fn clear_range(&mut self, from: usize, to: usize) {
        let to = to.min(self.cells.len());
        let count = to.saturating_sub(from);
        if count > self.budget {
            return;
        }
        self.budget -= count;
        for at in from..to {
            self.clear_cell(at);
        }
    }

    /// Blanks the wide character that a cut before `col` would divide.
    fn divide(&mut self, col: usize) {
        if self.cells.get(col).is_some_and(|cell| cell.is_tail) {
            self.clear_cell(col);
        }
    }

    fn cut_from(&mut self, col: usize) {
        self.divide(col);
        self.cells.truncate(col);
    }

    /// Takes out `count` cells at the cursor; the rest moves left.
    fn delete(&mut self, count: usize) {
        let end = self.col.saturating_add(count).min(self.cells.len());
        let moved = self.cells.len().saturating_sub(self.col);
        if self.col >= end || moved > self.budget {
            return;
        }
        self.budget -= moved;
        self.divide(self.col);
        self.divide(end);
        self.cells.drain(self.col..end);
    }

    fn jump(&mut self, col: usize) {
        self.col = col.min(MAX_JUMP.max(self.cells.len()));
    }

    fn into_runs(mut self) -> Vec<(String, Ink)> {
        while self
            .cells
            .last()
            .is_some_and(|cell| cell.base.is_none() && !cell.is_tail)
        {
            self.cells.pop();
        }
        let mut runs: Vec<(String, Ink)> = Vec::new();
        for cell in self.cells.iter().filter(|cell| !cell.is_tail) {
            match runs.last_mut() {
                Some((_, ink)) if *ink == cell.ink => {}
                _ => runs.push((String::new(), cell.ink)),
            }
            if let Some((text, _)) = runs.last_mut() {
                text.push(cell.base.unwrap_or(' '));
                text.push_str(&cell.marks);
            }
        }
        for (text, _) in &mut runs {
            if let std::borrow::Cow::Owned(cleaned) = clean_line(text) {
                *text = cleaned;
            }
        }
        runs
    }
}

impl Perform for Row {
    fn print(&mut self, c: char) {
        self.put(c);
    }

    fn execute(&mut self, byte: u8) {
        match byte {
            b'\r' => self.col = 0,
            0x08 => self.col = self.col.saturating_sub(1),
            b'\t' => self.jump(self.col.saturating_add(TAB_CELLS) / TAB_CELLS * TAB_CELLS),
            // A line break cannot occur in a line; should one, the text goes on after a blank.
            b'\n' => self.put(' '),
            0x80..=0x9f => self.put(char::from(byte)),
            _ => {}
        }
    }

    fn csi_dispatch(&mut self, params: &Params, intermediates: &[u8], ignore: bool, action: char) {
        if ignore || !intermediates.is_empty() {
            return;
        }
        let first = params
            .iter()
            .next()
            .and_then(|param| param.first())
            .copied()
            .unwrap_or(0);
        let count = usize::from(first.max(1));
        match action {
            'm' => self.ink = with_sgr(self.ink, params),
            'C' => self.jump(self.col.saturating_add(count)),
            'D' => self.col = self.col.saturating_sub(count),
            'G' | '`' => self.jump(count - 1),
            'K' | 'J' => match first {
                0 => self.cut_from(self.col),
                1 => self.clear_range(0, self.col + 1),
                _ => self.cells.clear(),
            },
            'X' => self.clear_range(self.col, self.col.saturating_add(count)),
            'P' => self.delete(count),
            _ => {}
        }
    }

    fn esc_dispatch(&mut self, intermediates: &[u8], _ignore: bool, byte: u8) {
        if intermediates.is_empty() && byte == b'c' {
            self.ink = Ink::default();
        }
    }
}

/// The ink after an SGR sequence.
pub fn with_sgr(mut ink: Ink, params: &Params) -> Ink {
    let mut params = params.iter();
    while let Some(param) = params.next() {
        let code = param.first().copied().unwrap_or(0);
        match code {
            0 => ink = Ink::default(),
            1 => ink.bold = true,
            2 => ink.dim = true,
            3 => ink.italic = true,
            4 => ink.underline = param.get(1) != Some(&0),
            7 => ink.reverse = true,
            9 => ink.strike = true,
            21 => ink.underline = true,
            22 => (ink.bold, ink.dim) = (false, false),
            23 => ink.italic = false,
            24 => ink.underline = false,
            27 => ink.reverse = false,
            29 => ink.strike = false,
            30..=37 => ink.fg = indexed(code - 30),
            39 => ink.fg = None,
            40..=47 => ink.bg = indexed(code - 40),
            49 => ink.bg = None,
            90..=97 => ink.fg = indexed(code - 82),
            100..=107 => ink.bg = indexed(code - 92),
            38 | 48 | 58 => {
                let color = if param.len() > 1 {
                    sub_color(param)
                } else {
                    let mut next = || params.next().and_then(|param| param.first()).copied();
                    match next() {
                        Some(5) => next().and_then(indexed),
                        Some(2) => rgb(next(), next(), next()),
                        _ => None,
                    }
                };
                match code {
                    38 if color.is_some() => ink.fg = color,
                    48 if color.is_some() => ink.bg = color,
                    _ => {}
                }
            }
            _ => {}
        }
    }
    ink
}

/// The colour of the colon form: `38:5:n`, `38:2:r:g:b` or `38:2:space:r:g:b`.
fn sub_color(param: &[u16]) -> Option<AnsiColor> {
    match param {
        [_, 5, n, ..] => indexed(*n),
        [_, 2, r, g, b] | [_, 2, _, r, g, b, ..] => rgb(Some(*r), Some(*g), Some(*b)),
        _ => None,
    }
}

fn indexed(n: u16) -> Option<AnsiColor> {
    u8::try_from(n).ok().map(AnsiColor::Indexed)
}

fn rgb(r: Option<u16>, g: Option<u16>, b: Option<u16>) -> Option<AnsiColor> {
    let byte = |n: Option<u16>| u8::try_from(n?).ok();
    Some(AnsiColor::Rgb(byte(r)?, byte(g)?, byte(b)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plain(line: &str) -> String {
        let (runs, _) = ansi_line(line, Ink::default());
        runs.into_iter().map(|(text, _)| text).collect()
    }

    /// Lines on which a real terminal emulator has to agree.
    const LINES: &[&str] = &[
        "plain",
        "\x1b[31mred\x1b[0m plain",
        "\x1b[1;38;5;208mx\x1b[48;2;1;2;3my\x1b[m",
        "50%\r100%",
        "abcdef\rxy",
        "abc\x08\x08X",
        "a\tb\tc",
        "\tx",
        "abc\r\tx",
        "abcdef\r\x1b[Kxy",
        "abcdef\x1b[3D\x1b[K",
        "abcdef\x1b[3D\x1b[1Kz",
        "abcdef\x1b[2K\rz",
        "abc\x1b[5Cz",
        "abcdef\x1b[2Gz",
        "abcdef\r\x1b[2P",
        "abcdef\r\x1b[2Xz",
        "a\x1b]8;;https://example.org\x1b\\link\x1b]8;;\x1b\\b",
        "a\x1b]0;title\x07b",
        "a\x1bPq#0;2;0;0;0\x1b\\b",
        "a\x1b(Bb\x1b)0c",
        "\x1b[?25lhidden\x1b[?25h",
        "日本\r12",
        "日本\r\x1b[Cx",
        "日本\x1b[D\x08x",
        "e\u{301}x",
        "unfinished \x1b[31",
        "unfinished \x1b]8;;u",
        "bell\x07!",
    ];

    #[test]
    fn text_is_what_a_terminal_shows() {
        for line in LINES {
            let mut terminal = vt100::Parser::new(
                2.try_into().expect("2 rows"),
                200.try_into().expect("200 columns"),
                0,
            );
            terminal.process(line.as_bytes());
            let shown = terminal.screen().contents();
            assert_eq!(plain(line).trim_end(), shown.trim_end(), "{line:?}");
        }
    }

    #[test]
    fn colours_are_honoured_and_carried() {
        let red = Ink {
            fg: Some(AnsiColor::Indexed(1)),
            bold: true,
            ..Ink::default()
        };
        let (runs, end) = ansi_line("a\x1b[1;31mb", Ink::default());
        assert_eq!(
            runs,
            [("a".to_owned(), Ink::default()), ("b".to_owned(), red)]
        );
        assert_eq!(end, red);
        let (runs, end) = ansi_line("c\x1b[0md", end);
        assert_eq!(
            runs,
            [("c".to_owned(), red), ("d".to_owned(), Ink::default())]
        );
        assert_eq!(end, Ink::default());
    }

    #[track_caller]
    fn ink_of(sequence: &str, expected: Ink) {
        let (_, ink) = ansi_line(&format!("\x1b[{sequence}m"), Ink::default());
        assert_eq!(ink, expected, "{sequence}");
    }

    #[test]
    fn every_spelling_of_a_colour() {
        let fg = |color| Ink {
            fg: Some(color),
            ..Ink::default()
        };
        ink_of("38;5;208", fg(AnsiColor::Indexed(208)));
        ink_of("38:5:208", fg(AnsiColor::Indexed(208)));
        ink_of("38;2;1;2;3", fg(AnsiColor::Rgb(1, 2, 3)));
        ink_of("38:2:1:2:3", fg(AnsiColor::Rgb(1, 2, 3)));
        ink_of("38:2::1:2:3", fg(AnsiColor::Rgb(1, 2, 3)));
        ink_of("92", fg(AnsiColor::Indexed(10)));
        ink_of("31;39", Ink::default());
        ink_of("58;5;3;31", fg(AnsiColor::Indexed(1)));
        ink_of("38;5;999", Ink::default());
        let all = Ink {
            bold: true,
            dim: true,
            italic: true,
            underline: true,
            reverse: true,
            strike: true,
            bg: Some(AnsiColor::Indexed(12)),
            ..Ink::default()
        };
        ink_of("1;2;3;4;7;9;104", all);
        ink_of("1;2;3;4;7;9;104;22;23;24;27;29;49", Ink::default());
    }

    #[test]
    fn escapes_are_told() {
        let cases = [
            ("plain\r\ntext\n", false),
            ("a\rb", true),
            ("a\r", false),
            ("a\x08", true),
            ("\x1b[m", true),
            ("", false),
        ];
        for (text, expected) in cases {
            assert_eq!(has_escapes(text), expected, "{text:?}");
        }
    }

    #[test]
    fn hidden_characters_are_named() {
        assert_eq!(plain("a\u{202e}b"), "a<U+202E>b");
        assert_eq!(plain("\u{200b}a"), "<U+200B>a");
        assert_eq!(plain("a\u{85}b\x7f"), "a<U+0085>b␡");
    }

    #[test]
    fn hostile_jumps_cost_little() {
        let line = "\x1b[65535Gx\x1b[1K\r\x1b[K".repeat(20_000);
        let (runs, _) = ansi_line(&line, Ink::default());
        assert!(runs.iter().map(|(text, _)| text.len()).sum::<usize>() <= line.len() + MAX_JUMP);
    }

    proptest! {
        #[test]
        fn nothing_dangerous_comes_out(bytes in proptest::collection::vec(any::<u8>(), 0..200), tail in "[\u{1b}\\[0-9;:mKGPX\r\u{8}\t日a\u{301}\u{202e}]{0,60}") {
            for text in [String::from_utf8_lossy(&bytes).into_owned(), tail] {
                let (runs, _) = ansi_line(&text, Ink::default());
                for (text, _) in &runs {
                    prop_assert!(text.chars().all(|c| !c.is_control() && !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')), "{:?}", text);
                }
            }
        }
    }
}
