//! ThemePicker.

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::KeyEvent;
use ratatui::layout::Position;
use ratatui::layout::Rect;

use crate::theme::Theme;
use crate::theme::ThemeName;
use crate::ui::overlay::Reply;

/// ThemePicker.
#[derive(Debug, Clone)]
pub struct ThemePicker;

impl ThemePicker {
    /// Opens it.
    pub fn new(_names: Vec<ThemeName>, _current: &str) -> Self {
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
