//! The control characters and sequences that a screen obeys: those of tmux. All others are swallowed.

use vte::Params;
use vte::Perform;

use crate::replay::screen::grid::Cursor;
use crate::replay::screen::grid::Grid;
use crate::text::with_sgr;

/// The number at a place of a sequence, `default` if it is left out or 0.
fn number(params: &Params, place: usize, default: usize) -> usize {
    let given = params.iter().nth(place).and_then(|values| values.first());
    match given {
        Some(0) | None => default,
        Some(value) => usize::from(*value),
    }
}

impl Perform for Grid {
    fn print(&mut self, c: char) {
        self.heard = true;
        // bytes that are no text show nothing in tmux
        if c != char::REPLACEMENT_CHARACTER {
            self.put(c);
        }
    }

    fn execute(&mut self, byte: u8) {
        self.heard = true;
        match byte {
            0x08 => self.back(),
            b'\t' => self.tab(),
            b'\n' | 0x0b | 0x0c => self.line_feed(false),
            b'\r' => self.cursor.x = 0,
            _ => {}
        }
    }

    fn csi_dispatch(&mut self, params: &Params, intermediates: &[u8], _ignore: bool, action: char) {
        self.heard = true;
        match intermediates {
            [] => self.sequence(params, action),
            b"?" if action == 'h' || action == 'l' => self.private_modes(params, action == 'h'),
            b">" if action == 'c' => self.answer("\x1b[>84;0;0c"),
            b">" if action == 'q' => self.answer("\x1bP>|tmux 3.3a\x1b\\"),
            _ => {}
        }
    }

    fn esc_dispatch(&mut self, intermediates: &[u8], _ignore: bool, byte: u8) {
        self.heard = true;
        match (intermediates, byte) {
            ([], b'D') => self.line_feed(false),
            ([], b'E') => {
                self.cursor.x = 0;
                self.line_feed(false);
            }
            ([], b'H') => {
                if let Some(stop) = self.tabs.get_mut(self.cursor.x) {
                    *stop = true;
                }
            }
            ([], b'M') => self.reverse_line_feed(),
            ([], b'7') => self.save(),
            ([], b'8') => self.restore(),
            ([], b'c') => self.reset(),
            (b"#", b'8') => self.fill(),
            _ => {}
        }
    }

    fn osc_dispatch(&mut self, _params: &[&[u8]], _bell_terminated: bool) {
        self.heard = true;
    }

    fn unhook(&mut self) {
        self.heard = true;
    }
}

impl Grid {
    fn reset(&mut self) {
        self.show_main(false);
        self.reset_tabs();
        self.region = (0, self.rows - 1);
        self.wraps = true;
        self.inserts = false;
        self.origin = false;
        (self.ink, self.saved_ink) = Default::default();
        (self.has_cursor, self.has_keypad) = (true, false);
        self.clear_screen();
        self.cursor = Cursor::default();
        self.saved = Cursor::default();
    }

    fn sequence(&mut self, params: &Params, action: char) {
        let count = number(params, 0, 1);
        let Cursor { x, y } = self.cursor;
        match action {
            '@' => self.insert_cells(count),
            'P' => self.delete_cells(count),
            'X' => self.clear_cells(y, x, (x + count).min(self.columns)),
            'A' => self.vertical(count, true),
            'B' => self.vertical(count, false),
            'C' => self.cursor.x = (x + count).min(self.columns - 1),
            'D' => self.cursor.x = x.saturating_sub(count),
            'E' => {
                self.cursor.x = 0;
                self.vertical(count, false);
            }
            'F' => {
                self.cursor.x = 0;
                self.vertical(count, true);
            }
            'G' | '`' => self.cursor.x = (count - 1).min(self.columns - 1),
            'd' => self.go(x, count - 1),
            'H' | 'f' => self.go(number(params, 1, 1) - 1, count - 1),
            'J' => self.erase_display(number(params, 0, 0)),
            'K' => self.erase_line(number(params, 0, 0)),
            'L' => self.shift_lines(count, true),
            'M' => self.shift_lines(count, false),
            'S' => self.scroll(count, true),
            'T' => self.scroll(count, false),
            'Z' => (0..count.min(self.columns)).for_each(|_| self.back_tab()),
            'b' => self.repeat(count),
            'c' => self.answer("\x1b[?1;2c"),
            'g' => self.clear_tabs(number(params, 0, 0)),
            'h' | 'l' if number(params, 0, 0) == 4 => self.inserts = action == 'h',
            'm' => self.ink = with_sgr(self.ink, params),
            'n' => self.report(number(params, 0, 0)),
            'r' => self.set_region(count, number(params, 1, self.rows)),
            's' => self.save(),
            'u' => self.restore(),
            _ => {}
        }
    }

    /// Up and down stop at the region's edge if they start inside of it.
    fn vertical(&mut self, count: usize, is_up: bool) {
        let (upper, lower) = self.region;
        let y = self.cursor.y;
        self.cursor.x = self.cursor.x.min(self.columns - 1);
        self.cursor.y = if is_up {
            let top = if y < upper { 0 } else { upper };
            y.saturating_sub(count).max(top)
        } else {
            let bottom = if y > lower { self.rows - 1 } else { lower };
            (y + count).min(bottom)
        };
    }

    fn erase_display(&mut self, what: usize) {
        let Cursor { x, y } = self.cursor;
        match what {
            0 if x == 0 && y == 0 => self.clear_screen(),
            0 => {
                self.clear_cells(y, x, self.columns);
                self.clear_rows(y + 1, self.rows);
            }
            1 => {
                for above in 0..y {
                    self.clear_cells(above, 0, self.columns);
                }
                self.clear_cells(y, 0, x + 1);
            }
            2 => self.clear_screen(),
            3 => self.clear_history(),
            _ => {}
        }
    }

    fn erase_line(&mut self, what: usize) {
        let Cursor { x, y } = self.cursor;
        match what {
            0 => self.clear_cells(y, x, self.columns),
            1 => self.clear_cells(y, 0, x + 1),
            2 => self.clear_cells(y, 0, self.columns),
            _ => {}
        }
    }

    fn repeat(&mut self, count: usize) {
        if let Some(last) = self.last {
            let room = self.columns.saturating_sub(self.cursor.x);
            (0..count.min(room)).for_each(|_| self.put(last));
        }
    }

    fn clear_tabs(&mut self, what: usize) {
        match what {
            0 => {
                if let Some(stop) = self.tabs.get_mut(self.cursor.x) {
                    *stop = false;
                }
            }
            3 => self.tabs.fill(false),
            _ => {}
        }
    }

    fn report(&mut self, what: usize) {
        match what {
            5 => self.answer("\x1b[0n"),
            6 => {
                let Cursor { x, y } = self.cursor;
                self.answer(&format!("\x1b[{};{}R", y + 1, x + 1));
            }
            _ => {}
        }
    }

    fn set_region(&mut self, upper: usize, lower: usize) {
        let upper = upper.min(self.rows) - 1;
        let lower = lower.min(self.rows) - 1;
        if upper < lower {
            self.region = (upper, lower);
            self.cursor = Cursor::default();
        }
    }

    fn private_modes(&mut self, params: &Params, is_set: bool) {
        for mode in params.iter().filter_map(|values| values.first()) {
            match mode {
                3 => {
                    self.cursor = Cursor::default();
                    self.clear_screen();
                }
                6 => {
                    self.origin = is_set;
                    self.go(0, 0);
                }
                1 => self.has_keypad = is_set,
                7 => self.wraps = is_set,
                25 => self.has_cursor = is_set,
                47 | 1047 | 1049 if is_set => self.show_alternate(*mode == 1049),
                47 | 1047 | 1049 => self.show_main(*mode == 1049),
                _ => {}
            }
        }
    }
}
