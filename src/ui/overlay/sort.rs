//! The columns to sort by.

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::KeyCode;
use ratatui::crossterm::event::KeyEvent;
use ratatui::layout::Position;
use ratatui::layout::Rect;

use crate::theme::Theme;
use crate::ui::overlay::Reply;
use crate::ui::overlay::frame::draw_picker;
use crate::ui::overlay::is_cancel;
use crate::ui::widget::Picker;

/// Picks a column.
#[derive(Debug, Clone)]
pub struct SortPicker {
    picker: Picker,
}

impl SortPicker {
    /// Offers these columns, with the cursor on number `current`.
    pub fn new(labels: Vec<String>, current: usize) -> Self {
        let picker = Picker::new(labels, current);
        Self { picker }
    }

    pub(super) fn key(&mut self, key: KeyEvent) -> Reply {
        if is_cancel(key) {
            return Reply::Close;
        }
        if key.code == KeyCode::Enter {
            return self.picker.selected().map_or(Reply::Stay, Reply::SortBy);
        }
        self.picker.key(key);
        Reply::Stay
    }

    pub(super) fn paste(&mut self, text: &str) -> Reply {
        self.picker.paste(text);
        Reply::Stay
    }

    pub(super) fn scroll(&mut self, rows: isize) -> Reply {
        self.picker.step(rows);
        Reply::Stay
    }

    pub(super) fn draw(&self, area: Rect, buf: &mut Buffer, theme: &Theme) -> Option<Position> {
        draw_picker("Sort by", &self.picker, 40, area, buf, theme)
    }
}
