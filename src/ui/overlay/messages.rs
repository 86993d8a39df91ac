//! Past messages, the newest at the bottom, with their times and hints.

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::KeyCode;
use ratatui::crossterm::event::KeyEvent;
use ratatui::layout::Position;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::text::Span;

use crate::theme::Role;
use crate::theme::Theme;
use crate::ui::event::Tone;
use crate::ui::overlay::Reply;
use crate::ui::overlay::frame::centred;
use crate::ui::overlay::frame::draw_box;
use crate::ui::overlay::is_cancel;
use crate::ui::overlay::scrolled;

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

/// The log of messages.
#[derive(Debug, Clone)]
pub struct Messages {
    /// One row per line of a message: the message's number, the line.
    rows: Vec<(usize, String)>,
    past: Vec<Message>,
    /// Rows above the bottom.
    up: usize,
}

impl Messages {
    /// Opens the log; `past` has the oldest first.
    pub fn new(past: Vec<Message>) -> Self {
        let rows = past
            .iter()
            .enumerate()
            .flat_map(|(ix, message)| {
                let lines = message.text.lines().map(str::to_owned);
                lines.map(move |line| (ix, line)).collect::<Vec<_>>()
            })
            .collect();
        Self { rows, past, up: 0 }
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
        self.up = scrolled(self.up, rows.saturating_neg(), self.rows.len());
        Reply::Stay
    }

    pub(super) fn draw(&self, area: Rect, buf: &mut Buffer, theme: &Theme) -> Option<Position> {
        let rows = u16::try_from(self.rows.len().max(1)).unwrap_or(u16::MAX);
        let tall = area.height.saturating_sub(area.height / 5).max(5);
        let area = centred(area, 100, rows.saturating_add(2).min(tall));
        let note = format!("{}", self.past.len());
        let inner = draw_box(area, "Messages", &note, buf, theme);
        if self.rows.is_empty() && !inner.is_empty() {
            let style = theme.style(Role::Dim);
            buf.set_stringn(inner.x, inner.y, "no messages", inner.width.into(), style);
            return None;
        }
        let height = usize::from(inner.height);
        let top = self
            .rows
            .len()
            .saturating_sub(height)
            .saturating_sub(self.up);
        let mut before = None;
        for (row, (ix, text)) in inner.rows().zip(self.rows.iter().skip(top)) {
            let Some(message) = self.past.get(*ix) else {
                continue;
            };
            let is_first = before != Some(ix);
            before = Some(ix);
            let role = theme.style(message.tone.role());
            let line = if is_first {
                Line::from(vec![
                    Span::styled(message.time.as_str(), theme.style(Role::Dim)),
                    Span::raw(" "),
                    Span::styled(message.tone.letter(), role),
                    Span::raw(" "),
                    Span::raw(text.as_str()),
                ])
            } else {
                let indent = Span::raw(message.time.as_str()).width() + 3;
                let hint = Span::styled(text.as_str(), theme.style(Role::Dim));
                Line::from(vec![Span::raw(" ".repeat(indent)), hint])
            };
            buf.set_line(row.x, row.y, &line, row.width);
        }
        None
    }
}
