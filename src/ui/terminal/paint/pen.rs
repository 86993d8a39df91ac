//! Colours and modifiers of letters, and the shortest way from one to the next.

use std::io::Write as _;

use ratatui::buffer::Cell;
use ratatui::style::Color;
use ratatui::style::Modifier;

use crate::ui::terminal::paint::put;

/// How letters look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pen {
    fg: Color,
    bg: Color,
    modifier: Modifier,
}

/// Modifiers with the numbers that turn them on and off. Bold and dim go off together.
const MODIFIERS: [(Modifier, u8, u8); 9] = [
    (Modifier::BOLD, 1, 22),
    (Modifier::DIM, 2, 22),
    (Modifier::ITALIC, 3, 23),
    (Modifier::UNDERLINED, 4, 24),
    (Modifier::SLOW_BLINK, 5, 25),
    (Modifier::RAPID_BLINK, 6, 25),
    (Modifier::REVERSED, 7, 27),
    (Modifier::HIDDEN, 8, 28),
    (Modifier::CROSSED_OUT, 9, 29),
];

impl Pen {
    /// What every terminal begins with.
    pub(super) const PLAIN: Self = Self {
        fg: Color::Reset,
        bg: Color::Reset,
        modifier: Modifier::empty(),
    };

    /// How a cell looks.
    pub(super) fn of(cell: &Cell) -> Self {
        Self {
            fg: cell.fg,
            bg: cell.bg,
            modifier: cell.modifier,
        }
    }

    /// Writes what makes a terminal that has `before` have this one.
    pub(super) fn take_over(self, before: Option<Self>, out: &mut Vec<u8>) {
        if before == Some(self) {
            return;
        }
        let anew = self.params(Self::PLAIN, "0");
        let from_before = before.map(|before| self.params(before, ""));
        let params = from_before
            .filter(|params| params.len() <= anew.len())
            .unwrap_or(anew);
        // all off is what no number means
        let params = if params == "0" { "" } else { params.as_str() };
        put!(out, "\x1b[{params}m");
    }

    fn params(self, before: Self, begin: &str) -> String {
        let mut params = begin.to_owned();
        let mut add = |param: &str| {
            if !params.is_empty() {
                params.push(';');
            }
            params.push_str(param);
        };
        let mut has = before.modifier;
        for (modifier, _, off) in MODIFIERS {
            if has.contains(modifier) && !self.modifier.contains(modifier) {
                add(&off.to_string());
                for (gone, _, with) in MODIFIERS {
                    if with == off {
                        has.remove(gone);
                    }
                }
            }
        }
        for (modifier, on, _) in MODIFIERS {
            if self.modifier.contains(modifier) && !has.contains(modifier) {
                add(&on.to_string());
            }
        }
        if self.fg != before.fg {
            add(&color(self.fg, 30));
        }
        if self.bg != before.bg {
            add(&color(self.bg, 40));
        }
        params
    }
}

/// The parameters of a colour; `base` is 30 for letters, 40 for what is behind them.
fn color(color: Color, base: u8) -> String {
    let plain = |nth: u8| (base + nth).to_string();
    let bright = |nth: u8| (base + 60 + nth).to_string();
    match color {
        Color::Reset => plain(9),
        Color::Black => plain(0),
        Color::Red => plain(1),
        Color::Green => plain(2),
        Color::Yellow => plain(3),
        Color::Blue => plain(4),
        Color::Magenta => plain(5),
        Color::Cyan => plain(6),
        Color::Gray => plain(7),
        Color::DarkGray => bright(0),
        Color::LightRed => bright(1),
        Color::LightGreen => bright(2),
        Color::LightYellow => bright(3),
        Color::LightBlue => bright(4),
        Color::LightMagenta => bright(5),
        Color::LightCyan => bright(6),
        Color::White => bright(7),
        Color::Indexed(nth) => format!("{};5;{nth}", base + 8),
        Color::Rgb(r, g, b) => format!("{};2;{r};{g};{b}", base + 8),
    }
}
