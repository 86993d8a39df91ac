//! A line of text under the user's keys.

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::KeyEvent;
use ratatui::layout::Position;
use ratatui::layout::Rect;
use ratatui::style::Style;

/// What a key did to the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edited {
    /// The text changed.
    Text,
    /// Only the cursor moved, or nothing could change.
    Cursor,
    /// The key is not for a line of text.
    No,
}

/// A line of text with a cursor.
#[derive(Debug, Clone, Default)]
pub struct LineEdit {
    text: String,
}

impl LineEdit {
    /// A line that holds `text`, cleaned, with the cursor at its end.
    pub fn new(text: &str) -> Self {
        Self { text: text.into() }
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Takes a key.
    pub fn key(&mut self, _key: KeyEvent) -> Edited {
        Edited::No
    }

    /// Draws the visible part into the first row of `area`; returns where the cursor is.
    pub fn draw(&self, _area: Rect, _buf: &mut Buffer, _style: Style) -> Option<Position> {
        None
    }
}
