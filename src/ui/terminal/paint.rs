//! From one frame to the next in as few bytes as the line needs: what moved is moved by the terminal itself, what is blank
//! is erased, and colours are named where they change.
//!
//! Only sequences of the VT102 and its colours are used: terminals, multiplexers and their emulators agree on these.

mod pen;
mod scroll;

use std::io::Write as _;

use ratatui::buffer::Buffer;
use ratatui::buffer::Cell;
use ratatui::layout::Position;
use ratatui::layout::Rect;
use ratatui::style::Color;
use ratatui::style::Modifier;

use crate::text;
use crate::ui::terminal::paint::pen::Pen;

/// Writes a number into a sequence; a vector takes everything.
macro_rules! put {
    ($out:expr, $($arg:tt)*) => {{
        let _written = write!($out, $($arg)*);
    }};
}
use put;

/// Knows what the terminal shows.
#[derive(Debug)]
pub(super) struct Painter {
    /// `None` when it may show anything.
    shown: Option<Buffer>,
    pen: Option<Pen>,
    /// Where the next character goes; `None` where terminals disagree.
    at: Option<(u16, u16)>,
    /// Where a cursor is seen; `None` when it is hidden, or nobody knows.
    cursor: Option<Position>,
    out: Vec<u8>,
}

impl Painter {
    /// Frames that are smaller show at once on every terminal.
    const AT_ONCE: usize = 128;
    const BEGIN: &[u8] = b"\x1b[?2026h";
    const END: &[u8] = b"\x1b[?2026l";

    /// For a terminal that shows anything, with its cursor hidden.
    pub(super) fn new() -> Self {
        Self {
            shown: None,
            pen: None,
            at: None,
            cursor: None,
            out: Vec::new(),
        }
    }

    /// Forgets what is shown: the next frame paints all of it.
    pub(super) fn forget(&mut self) {
        *self = Self::new();
    }

    /// The bytes that make the terminal show this frame, one synchronized update; none when it shows it already.
    pub(super) fn paint(&mut self, next: &Buffer, cursor: Option<Position>) -> Vec<u8> {
        let known = self.shown.take().filter(|shown| shown.area == next.area);
        let mut shown = known.unwrap_or_else(|| self.wipe(next.area));
        self.scroll(&mut shown, next);
        for y in 0..next.area.height {
            self.row(y, row(&shown, y), row(next, y));
        }
        shown.clone_from(next);
        self.shown = Some(shown);
        self.place_cursor(cursor);
        let out = std::mem::take(&mut self.out);
        if out.len() <= Self::AT_ONCE {
            return out;
        }
        [Self::BEGIN, &out, Self::END].concat()
    }

    /// Empties the screen, whatever was on it.
    fn wipe(&mut self, area: Rect) -> Buffer {
        self.out.extend(b"\x1b[?25l\x1b[0m\x1b[2J");
        self.pen = Some(Pen::PLAIN);
        self.at = None;
        self.cursor = None;
        Buffer::empty(area)
    }

    /// Lets the terminal move lines that stay but for their place.
    fn scroll(&mut self, shown: &mut Buffer, next: &Buffer) {
        let Some(found) = scroll::find(shown, next) else {
            return;
        };
        // lines come in with the background of the pen
        self.set_pen(Pen::PLAIN);
        let (top, bottom) = (found.top + 1, found.bottom);
        let what = if found.is_up { 'M' } else { 'L' };
        put!(
            self.out,
            "\x1b[{top};{bottom}r\x1b[{top}H\x1b[{}{what}\x1b[r",
            found.lines
        );
        self.at = None;
        found.apply(shown);
    }

    /// Paints what differs in a line.
    fn row(&mut self, y: u16, old: &[Cell], new: &[Cell]) {
        if old.iter().zip(new).all(|(old, new)| look_same(old, new)) {
            return;
        }
        if old.iter().chain(new).any(|cell| !is_narrow(cell)) {
            self.wide_row(y, new);
            return;
        }
        let end = new.iter().rposition(|cell| !is_blank(cell));
        let end = end.map_or(0, |last| last + 1);
        let mut x = 0;
        for (old, cell) in old.iter().zip(new).take(end) {
            if !look_same(old, cell) {
                self.go_to(x, y, new);
                self.print(cell, 1, new.len());
            }
            x += 1;
        }
        let mut rest = old.iter().zip(new).skip(end);
        if rest.any(|(old, new)| !look_same(old, new)) {
            self.set_pen(Pen::PLAIN);
            self.go_to(x, y, new);
            self.out.extend(b"\x1b[K");
        }
    }

    /// Paints a line with letters that do not take one cell each: all of it, and nothing of it depends on how wide the
    /// terminal takes them to be.
    fn wide_row(&mut self, y: u16, new: &[Cell]) {
        let mut x = 0;
        while let Some(cell) = new.get(x) {
            let width = width(cell).max(1);
            let is_known = width == 1 && is_narrow(cell);
            let place = u16::try_from(x).unwrap_or(u16::MAX);
            self.go_to(place, y, &[]);
            if x + width > new.len() {
                self.set_pen(Pen::of(cell));
                self.out.push(b' ');
            } else {
                self.print(cell, width, new.len());
            }
            if !is_known {
                self.at = None;
            }
            x += width;
        }
    }

    /// Prints a cell where the terminal is.
    fn print(&mut self, cell: &Cell, width: usize, columns: usize) {
        self.set_pen(Pen::of(cell));
        let symbol = cell.symbol();
        let symbol = if symbol.is_empty() { " " } else { symbol };
        self.out.extend(symbol.as_bytes());
        self.at = self.at.and_then(|(x, y)| {
            let x = x.saturating_add(u16::try_from(width).unwrap_or(u16::MAX));
            // behind the last column some terminals stay and some do not
            (usize::from(x) < columns).then_some((x, y))
        });
    }

    /// Goes to a place; over letters of this line that need no other pen by printing them again, where that is shorter.
    fn go_to(&mut self, x: u16, y: u16, line: &[Cell]) {
        if self.at == Some((x, y)) {
            return;
        }
        match self.at {
            Some((from, row)) if row == y && from < x => {
                let between = line.get(usize::from(from)..usize::from(x));
                let has_pen = |cell: &Cell| Some(Pen::of(cell)) == self.pen;
                let between = between.filter(|cells| cells.iter().all(has_pen));
                let again: Option<String> =
                    between.map(|cells| cells.iter().map(Cell::symbol).collect());
                let steps = x - from;
                let mut forward = b"\x1b[".to_vec();
                if steps > 1 {
                    put!(forward, "{steps}");
                }
                forward.push(b'C');
                match again {
                    Some(again) if again.len() <= forward.len() => {
                        self.out.extend(again.as_bytes());
                    }
                    _ => self.out.extend(forward),
                }
            }
            Some((_, row)) if x == 0 && row + 1 == y => self.out.extend(b"\r\n"),
            _ if x == 0 => put!(self.out, "\x1b[{}H", y + 1),
            _ => put!(self.out, "\x1b[{};{}H", y + 1, x + 1),
        }
        self.at = Some((x, y));
    }

    fn set_pen(&mut self, pen: Pen) {
        pen.take_over(self.pen, &mut self.out);
        self.pen = Some(pen);
    }

    fn place_cursor(&mut self, cursor: Option<Position>) {
        match (cursor, self.cursor) {
            (Some(place), before) => {
                if before != cursor || !self.out.is_empty() {
                    self.go_to(place.x, place.y, &[]);
                }
                if before.is_none() {
                    self.out.extend(b"\x1b[?25h");
                }
            }
            (None, Some(_)) => self.out.extend(b"\x1b[?25l"),
            (None, None) => {}
        }
        self.cursor = cursor;
    }
}

fn row(buffer: &Buffer, y: u16) -> &[Cell] {
    let width = usize::from(buffer.area.width);
    let start = usize::from(y) * width;
    buffer.content.get(start..start + width).unwrap_or_default()
}

/// Whether a blank shows its foreground.
const SEEN_ON_BLANKS: Modifier = Modifier::REVERSED
    .union(Modifier::UNDERLINED)
    .union(Modifier::CROSSED_OUT);

fn is_empty(cell: &Cell) -> bool {
    matches!(cell.symbol(), " " | "") && !cell.modifier.intersects(SEEN_ON_BLANKS)
}

/// Whether it shows nothing on the terminal's own background.
fn is_blank(cell: &Cell) -> bool {
    is_empty(cell) && cell.bg == Color::Reset
}

fn look_same(one: &Cell, other: &Cell) -> bool {
    if is_empty(one) && is_empty(other) {
        return one.bg == other.bg;
    }
    one.symbol() == other.symbol() && Pen::of(one) == Pen::of(other)
}

fn width(cell: &Cell) -> usize {
    text::width(cell.symbol())
}

/// Whether every terminal gives it one cell.
fn is_narrow(cell: &Cell) -> bool {
    let symbol = cell.symbol();
    let mut letters = symbol.chars();
    match (letters.next(), letters.next()) {
        (None, _) => true,
        (Some(letter), None) => letter.is_ascii() || width(cell) == 1,
        _ => false,
    }
}

#[cfg(test)]
mod tests;
