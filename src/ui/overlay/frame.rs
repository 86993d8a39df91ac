//! The box that overlays are drawn in: centred, cleared, bordered; with a line for the pattern where there is one.

use ratatui::buffer::Buffer;
use ratatui::layout::Position;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::text::Span;
use ratatui::widgets::Block;
use ratatui::widgets::BorderType;
use ratatui::widgets::Borders;
use ratatui::widgets::Clear;
use ratatui::widgets::Widget as _;

use crate::theme::Role;
use crate::theme::Theme;
use crate::ui::widget::LineEdit;
use crate::ui::widget::Picker;

/// A rectangle of at most this size in the middle of `area`; on small screens all of it.
pub(super) fn centred(area: Rect, width: u16, height: u16) -> Rect {
    let width = if area.width < width.saturating_add(4) {
        area.width
    } else {
        width
    };
    let height = height.min(area.height);
    Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 2,
        width,
        height,
    }
}

/// Clears a box, draws its border with a title and a note at the right of it, and returns the inside. A box too small
/// for a border has none.
pub(super) fn draw_box(
    area: Rect,
    title: &str,
    note: &str,
    buf: &mut Buffer,
    theme: &Theme,
) -> Rect {
    let area = area.intersection(buf.area);
    Clear.render(area, buf);
    buf.set_style(
        area,
        theme.style(Role::Text).patch(theme.style(Role::Overlay)),
    );
    if area.width < 8 || area.height < 3 {
        return area;
    }
    let title_style = theme.style(Role::Title);
    let mut block = Block::new()
        .borders(Borders::ALL)
        .border_type(BorderType::Rounded)
        .border_style(theme.style(Role::BorderFocus))
        .title_top(Line::from(Span::styled(format!(" {title} "), title_style)));
    let cells = Span::raw(title).width() + Span::raw(note).width() + 8;
    if !note.is_empty() && cells <= usize::from(area.width) {
        let note = Span::styled(format!(" {note} "), theme.style(Role::Dim));
        block = block.title_top(Line::from(note).right_aligned());
    }
    let inner = block.inner(area);
    block.render(area, buf);
    Rect {
        x: inner.x + 1,
        width: inner.width.saturating_sub(2),
        ..inner
    }
}

/// Draws a line editor behind a sign; returns the cursor.
pub(super) fn draw_input(
    sign: &str,
    line: &LineEdit,
    area: Rect,
    buf: &mut Buffer,
    theme: &Theme,
) -> Option<Position> {
    let area = area.intersection(buf.area);
    if area.is_empty() {
        return None;
    }
    buf.set_stringn(
        area.x,
        area.y,
        sign,
        area.width.into(),
        theme.style(Role::Prompt),
    );
    let sign_cells = u16::try_from(Span::raw(sign).width())
        .unwrap_or(0)
        .min(area.width.saturating_sub(1));
    let rest = Rect {
        x: area.x + sign_cells,
        width: area.width - sign_cells,
        height: 1,
        ..area
    };
    line.draw(rest, buf, Style::default())
}

/// Splits the first row off.
pub(super) fn split_first_row(area: Rect) -> (Rect, Rect) {
    let first = Rect {
        height: area.height.min(1),
        ..area
    };
    let rest = Rect {
        y: area.y + first.height,
        height: area.height - first.height,
        ..area
    };
    (first, rest)
}

/// Draws a box with a pattern line and the picker's window below it; returns the cursor.
pub(super) fn draw_picker(
    title: &str,
    picker: &Picker,
    width: u16,
    area: Rect,
    buf: &mut Buffer,
    theme: &Theme,
) -> Option<Position> {
    let (shown, all) = picker.counts();
    let rows = u16::try_from(all).unwrap_or(u16::MAX);
    let tall = area.height.saturating_sub(area.height / 5).max(5);
    let area = centred(area, width, rows.saturating_add(3).min(tall));
    let inner = draw_box(area, title, &format!("{shown}/{all}"), buf, theme);
    let (first, rest) = split_first_row(inner);
    let cursor = draw_input("> ", picker.pattern(), first, buf, theme);
    picker.draw(rest, buf, theme);
    cursor
}
