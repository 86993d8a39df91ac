//! Putting cleaned text into cells: clipped, padded, aligned, with matched letters marked. Knows no view.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::text::clean_line;
use crate::text::clip;
use crate::text::width;

/// Writes `text` at `x`, at most `cells` wide, with `…` where it is cut; gives the column after it. The text is
/// cleaned here: whatever comes from a record may be passed.
pub fn put(buf: &mut Buffer, x: u16, y: u16, cells: u16, text: &str, style: Style) -> u16 {
    if cells == 0 || !buf.area.contains((x, y).into()) {
        return x;
    }
    let cells = cells.min(buf.area.right() - x);
    let clean = clean_line(text);
    let cut = clip(&clean, usize::from(cells));
    buf.set_stringn(x, y, &cut, usize::from(cells), style).0
}

/// Writes `text` so that it ends before `x + cells`.
pub fn put_right(buf: &mut Buffer, x: u16, y: u16, cells: u16, text: &str, style: Style) {
    let clean = clean_line(text);
    let wide = u16::try_from(width(&clean)).unwrap_or(u16::MAX);
    let x = x + cells.saturating_sub(wide);
    put(buf, x, y, cells.min(wide), &clean, style);
}

/// Writes pieces one after the other on one line; gives the column after the last.
pub fn put_pieces(buf: &mut Buffer, area: Rect, pieces: &[(&str, Style)]) -> u16 {
    let mut x = area.x;
    for (text, style) in pieces {
        if x >= area.right() {
            break;
        }
        x = put(buf, x, area.y, area.right() - x, text, *style);
    }
    x
}

/// Restyles the chars `letters` (ascending) of a text that was put at `x`.
pub fn mark_letters(
    buf: &mut Buffer,
    x: u16,
    y: u16,
    cells: u16,
    text: &str,
    letters: &[usize],
    style: Style,
) {
    let clean = clean_line(text);
    let mut column = x;
    for (ix, letter) in clean.chars().enumerate() {
        let mut utf8 = [0; 4];
        let wide = u16::try_from(width(letter.encode_utf8(&mut utf8))).unwrap_or(1);
        if column + wide > x.saturating_add(cells) {
            break;
        }
        if letters.binary_search(&ix).is_ok()
            && let Some(cell) = buf.cell_mut((column, y))
        {
            cell.set_style(style);
        }
        column += wide;
    }
}
