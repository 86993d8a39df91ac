//! Help.

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::KeyEvent;
use ratatui::layout::Position;
use ratatui::layout::Rect;

use crate::theme::Theme;
use crate::ui::command::Scope;
use crate::ui::keymap::Keymap;
use crate::ui::overlay::Reply;

/// Help.
#[derive(Debug, Clone)]
pub struct Help;

impl Help {
    /// Opens it.
    pub fn new(_scope: Scope, _keymap: &Keymap) -> Self {
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
