//! Prompt.

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::KeyEvent;
use ratatui::layout::Position;
use ratatui::layout::Rect;

use crate::theme::Theme;
use crate::ui::overlay::PromptKind;
use crate::ui::overlay::Reply;

/// Prompt.
#[derive(Debug, Clone)]
pub struct Prompt;

impl Prompt {
    /// Opens it.
    pub fn new(_kind: PromptKind, _text: &str, _history: Vec<String>) -> Self {
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

impl Prompt {
    /// Sets the text at the right, such as `3/41`.
    pub fn set_info(&mut self, _info: impl Into<String>) {}
}
