//! What a program wrote to a terminal, as `tmux capture-pane -J` shows it: the lines that OpenHands' shells read.
//!
//! The bytes are played onto rows of cells: wide and combining characters, carriage returns, tabs, erasing, scrolling,
//! the alternate screen. Rows that scroll out become a history, which loses its oldest tenth whenever it is full, as that
//! of tmux does. Looks (colours, weights) are kept for what is on the screen, not in the history. Questions of the program
//! (where is the cursor, what are you) are answered as tmux answers them, by [`Screen::take_replies`]: only ever to the
//! program itself. Memory is bounded by rows, columns and history, whatever is written.

mod grid;
mod obey;

#[cfg(test)]
mod tests;

use vte::Parser;

use crate::replay::screen::grid::Grid;
use crate::text::Ink;

/// Bytes of one escape string (a title, a device string) behind which the rest of it is skipped unseen, as in tmux.
const LONGEST_STRING: usize = 1 << 20;
/// Bytes that are played at once.
const PIECE: usize = 1 << 16;

/// A terminal.
pub struct Screen {
    parser: Parser,
    grid: Grid,
    /// Bytes since the parser last had something to tell.
    unheard: usize,
    /// A too long escape string is being skipped; the byte before was an escape.
    skipping: Option<bool>,
    /// The beginning of a character whose rest has not come. The parser is given whole ones: it loses characters behind
    /// one that comes in two parts.
    begun: Vec<u8>,
}

impl Screen {
    /// An empty screen of `rows` by `columns`, both at least 1, that keeps `history` lines which scrolled out.
    pub fn new(rows: u16, columns: u16, history: usize) -> Self {
        Self {
            parser: Parser::new(),
            grid: Grid::new(rows.max(1).into(), columns.max(1).into(), history),
            unheard: 0,
            skipping: None,
            begun: Vec::new(),
        }
    }

    /// Plays what a program wrote; may end anywhere, also inside a character.
    pub fn feed(&mut self, bytes: &[u8]) {
        let joined;
        let bytes = if self.begun.is_empty() {
            bytes
        } else {
            self.begun.extend_from_slice(bytes);
            joined = std::mem::take(&mut self.begun);
            &joined
        };
        let (mut rest, begun) = bytes.split_at(bytes.len() - cut_character(bytes));
        self.begun = begun.to_vec();
        while !rest.is_empty() {
            // small pieces, so that a string which never ends is noticed before it is long
            let at = match rest.get(..PIECE) {
                Some(piece) => PIECE - cut_character(piece),
                None => rest.len(),
            };
            let (piece, behind) = rest.split_at(at);
            self.play(piece);
            rest = behind;
        }
    }

    fn play(&mut self, piece: &[u8]) {
        let piece = self.skip(piece);
        self.grid.heard = false;
        self.parser.advance(&mut self.grid, piece);
        self.unheard = if self.grid.heard {
            0
        } else {
            self.unheard.saturating_add(piece.len())
        };
        if self.unheard > LONGEST_STRING {
            self.parser = Parser::new();
            self.unheard = 0;
            self.skipping = Some(false);
        }
    }

    /// What of `piece` lies behind the end of the string that is being skipped.
    fn skip<'a>(&mut self, piece: &'a [u8]) -> &'a [u8] {
        let Some(mut escaped) = self.skipping else {
            return piece;
        };
        for (ix, byte) in piece.iter().enumerate() {
            let ends = matches!(byte, 0x07 | 0x18 | 0x1a) || (escaped && *byte == b'\\');
            if ends {
                self.skipping = None;
                return piece.get(ix + 1..).unwrap_or_default();
            }
            escaped = *byte == 0x1b;
        }
        self.skipping = Some(escaped);
        &[]
    }

    /// What the terminal answers to the program's questions so far; to be written to the program and nowhere else.
    pub fn take_replies(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.grid.replies)
    }

    /// Everything: the history and the screen, lines that were wrapped joined again, stripped on the right, without the
    /// rows at the end that nothing was written to.
    pub fn capture(&self) -> String {
        self.grid.capture()
    }

    /// Whether the last line of [`Screen::capture`] that is not blank is this one, without making the others.
    pub fn last_line_is(&self, line: &str) -> bool {
        self.grid.last_line_is(line)
    }

    /// The rows of the screen as they stand, top to bottom, nothing joined, each as runs of one look. Not cleaned.
    pub fn window(&self) -> Vec<Vec<(String, Ink)>> {
        self.grid.window()
    }

    /// Row and column of the cursor, from 0; `None` where the program hides it.
    pub fn cursor(&self) -> Option<(u16, u16)> {
        self.grid.has_cursor.then(|| self.grid.place())
    }

    /// Whether the program wants arrow keys told as those of an application (`ESC O A`).
    pub fn has_keypad(&self) -> bool {
        self.grid.has_keypad
    }

    /// Gives it another size, each at least 1; what no longer fits at the right is cut.
    pub fn resize(&mut self, rows: u16, columns: u16) {
        self.grid.resize(rows.max(1).into(), columns.max(1).into());
    }

    /// Forgets what scrolled out (`tmux clear-history`).
    pub fn clear_history(&mut self) {
        self.grid.clear_history();
    }
}

/// How many bytes at the end are the beginning of a character; 0 to 3.
fn cut_character(bytes: &[u8]) -> usize {
    let ends =
        (1..=3).filter_map(|back| Some((back, bytes.get(bytes.len().checked_sub(back)?..)?)));
    let is_begun = |tail: &[u8]| {
        str::from_utf8(tail)
            .is_err_and(|error| error.valid_up_to() == 0 && error.error_len().is_none())
    };
    ends.filter(|(_, tail)| is_begun(tail))
        .map(|(back, _)| back)
        .next()
        .unwrap_or(0)
}
