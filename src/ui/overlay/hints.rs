//! The box of keys that may follow a prefix.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::theme::Theme;
use crate::ui::keymap::Hint;

/// Draws the hints at the bottom right of `area`.
pub fn draw_hints(_hints: &[Hint], _area: Rect, _buf: &mut Buffer, _theme: &Theme) {}
