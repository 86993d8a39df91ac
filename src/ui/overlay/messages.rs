//! Past messages, the newest at the bottom, with their times and hints.

use std::cell::Cell;

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::KeyCode;
use ratatui::crossterm::event::KeyEvent;
use ratatui::layout::Position;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::text::Span;
use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

use crate::theme::Role;
use crate::theme::Theme;
use crate::ui::event::Tone;
use crate::ui::overlay::Reply;
use crate::ui::overlay::frame::centred;
use crate::ui::overlay::frame::draw_box;
use crate::ui::overlay::is_cancel;
use crate::ui::overlay::scrolled;

/// Width of the box where the screen has room.
const BOX_CELLS: u16 = 100;

/// A message of the past.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// When, as it is shown: `14:03:22`.
    pub time: String,
    /// How bad it is.
    pub tone: Tone,
    /// What it says, cleaned; lines after the first are hints.
    pub text: String,
}

impl Message {
    /// Cells before its text: time and letter.
    fn indent(&self) -> usize {
        self.time.width() + 3
    }
}

/// The log of messages.
#[derive(Debug, Clone)]
pub struct Messages {
    past: Vec<Message>,
    /// Rows above the bottom.
    up: usize,
    /// The furthest up that the last drawing had rows for.
    most: Cell<usize>,
}

impl Messages {
    /// Opens the log; `past` has the oldest first.
    pub fn new(past: Vec<Message>) -> Self {
        Self {
            past,
            up: 0,
            most: Cell::new(0),
        }
    }

    pub(super) fn key(&mut self, key: KeyEvent) -> Reply {
        if is_cancel(key) {
            return Reply::Close;
        }
        match key.code {
            KeyCode::Char('q' | 'M') | KeyCode::Enter => Reply::Close,
            KeyCode::Char('j') | KeyCode::Down => self.scroll(1),
            KeyCode::Char('k') | KeyCode::Up => self.scroll(-1),
            KeyCode::PageDown | KeyCode::Char('d') => self.scroll(10),
            KeyCode::PageUp | KeyCode::Char('u') => self.scroll(-10),
            KeyCode::Char('g') | KeyCode::Home => self.scroll(isize::MIN),
            KeyCode::Char('G') | KeyCode::End => self.scroll(isize::MAX),
            _ => Reply::Stay,
        }
    }

    pub(super) fn scroll(&mut self, rows: isize) -> Reply {
        self.up = scrolled(self.up, rows.saturating_neg(), self.most.get());
        Reply::Stay
    }

    pub(super) fn draw(&self, area: Rect, buf: &mut Buffer, theme: &Theme) -> Option<Position> {
        let width = area.width.min(BOX_CELLS);
        let rows = self.wrapped(usize::from(width.saturating_sub(4)));
        let tall = area.height.saturating_sub(area.height / 5).max(5);
        let wanted = u16::try_from(rows.len().max(1)).unwrap_or(u16::MAX);
        let area = centred(area, width, wanted.saturating_add(2).min(tall));
        let note = format!("{}", self.past.len());
        let inner = draw_box(area, "Messages", &note, buf, theme);
        if rows.is_empty() && !inner.is_empty() {
            let style = theme.style(Role::Dim);
            buf.set_stringn(inner.x, inner.y, "no messages", inner.width.into(), style);
            return None;
        }
        let most = rows.len().saturating_sub(usize::from(inner.height));
        self.most.set(most);
        let top = most.saturating_sub(self.up);
        for (place, row) in inner.rows().zip(rows.iter().skip(top)) {
            buf.set_line(place.x, place.y, &row.line(theme), place.width);
        }
        None
    }

    /// All messages in rows of at most `cells` cells, where the room behind the time allows.
    fn wrapped(&self, cells: usize) -> Vec<Row<'_>> {
        let mut rows = Vec::new();
        for message in &self.past {
            let room = cells.saturating_sub(message.indent());
            for (line_ix, line) in message.text.lines().enumerate() {
                for (piece_ix, text) in wrap(line, room).into_iter().enumerate() {
                    rows.push(Row {
                        message,
                        text,
                        is_first: line_ix == 0 && piece_ix == 0,
                        is_hint: line_ix > 0,
                    });
                }
            }
        }
        rows
    }
}

/// A row of the log.
struct Row<'a> {
    message: &'a Message,
    text: &'a str,
    is_first: bool,
    is_hint: bool,
}

impl<'a> Row<'a> {
    fn line(&self, theme: &Theme) -> Line<'a> {
        let Message { time, tone, .. } = self.message;
        let text = if self.is_hint {
            Span::styled(self.text, theme.style(Role::Dim))
        } else {
            Span::raw(self.text)
        };
        if self.is_first {
            Line::from(vec![
                Span::styled(time.as_str(), theme.style(Role::Dim)),
                Span::raw(" "),
                Span::styled(tone.letter(), theme.style(tone.role())),
                Span::raw(" "),
                text,
            ])
        } else {
            Line::from(vec![Span::raw(" ".repeat(self.message.indent())), text])
        }
    }
}

/// Cuts a line into pieces of at most `cells` cells; a line that has no room at all stays whole, to be clipped.
fn wrap(line: &str, cells: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut start, mut used) = (0, 0);
    for (at, grapheme) in line.grapheme_indices(true) {
        let width = grapheme.width();
        if used + width > cells && used > 0 && cells > 0 {
            pieces.extend(line.get(start..at));
            (start, used) = (at, 0);
        }
        used += width;
    }
    pieces.extend(line.get(start..));
    pieces
}
