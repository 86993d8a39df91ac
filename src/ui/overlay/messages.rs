//! Messages.

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::KeyEvent;
use ratatui::layout::Position;
use ratatui::layout::Rect;

use crate::theme::Theme;
use crate::ui::event::Tone;
use crate::ui::overlay::Reply;

/// Messages.
#[derive(Debug, Clone)]
pub struct Messages;

impl Messages {
    /// Opens it.
    pub fn new(_past: Vec<Message>) -> Self {
        Self
    }

    pub(super) fn key(&mut self, _key: KeyEvent) -> Reply {
        Reply::Close
    }

    pub(super) fn paste(&mut self, _text: &str) -> Reply {
        Reply::Stay
    }

    pub(super) fn scroll(&mut self, _rows: isize) -> Reply {
        Reply::Stay
    }

    pub(super) fn draw(&self, _area: Rect, _buf: &mut Buffer, _theme: &Theme) -> Option<Position> {
        None
    }
}

/// A message of the past.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// When, as it is shown: `14:03:22`.
    pub time: String,
    /// How bad it is.
    pub tone: Tone,
    /// What it says; lines after the first are hints.
    pub text: String,
}
