//! Drawing search results: the record and step at the left, the line that matches at the right.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::text::clean_line;
use crate::text::clip_start;
use crate::text::human;
use crate::text::width;
use crate::theme::Role;
use crate::ui::event::GrepHit;
use crate::ui::layout;
use crate::ui::view::Cx;
use crate::ui::view::results::ResultsView;
use crate::ui::widget::rows::put_pieces;

impl ResultsView {
    /// Draws everything but the status line.
    pub fn draw(&self, cx: &Cx<'_>, buf: &mut Buffer) {
        let places = layout::results(cx.screen);
        self.draw_title(cx, places.title, buf);
        let window = self.rows.iter().skip(self.cursor.top);
        let window: Vec<&GrepHit> = window.take(usize::from(places.rows.height)).collect();
        let name_cells = Self::name_cells(&window, places.rows.width);
        for (row, y) in window.iter().zip(places.rows.y..) {
            let area = Rect {
                y,
                height: 1,
                ..places.rows
            };
            draw_row(cx, area, row, name_cells, buf);
            if usize::from(y - places.rows.y) + self.cursor.top == self.cursor.at {
                buf.set_style(area, cx.theme.style(Role::Cursor));
            }
        }
        if self.rows.is_empty() {
            let text = if self.state.is_done {
                "  nothing matches"
            } else {
                "  searching…"
            };
            put_pieces(buf, places.rows, &[(text, cx.theme.style(Role::Dim))]);
        }
    }

    /// Room for `id@step`: what the rows in sight need, and at most a third.
    fn name_cells(window: &[&GrepHit], cells: u16) -> usize {
        let widest = window.iter().map(|row| width(&row.name)).max();
        widest.unwrap_or(0).min(usize::from(cells) / 3)
    }

    fn draw_title(&self, cx: &Cx<'_>, area: Rect, buf: &mut Buffer) {
        let style = |role| cx.theme.style(role);
        let steps = human::plural(self.rows.len(), "step");
        let searched = human::count(self.state.records);
        let state = match (self.state.is_done, self.state.is_cut) {
            (true, true) => format!("the first {steps}; a longer pattern finds fewer"),
            (true, false) => format!("{steps} in {searched} records"),
            (false, _) => {
                let of = human::count(self.state.of);
                format!("{steps} so far, {searched} of {of} records searched…")
            }
        };
        let unread = match self.state.unread {
            0 => String::new(),
            unread => format!("  {} cannot be read", human::count(unread)),
        };
        let typed = clean_line(&self.typed);
        put_pieces(
            buf,
            area,
            &[
                (" grep ", style(Role::StatusMode)),
                (" ", style(Role::Title)),
                (&typed, style(Role::Title)),
                ("  ", style(Role::Title)),
                (&state, style(Role::Dim)),
                (&unread, style(Role::Warning)),
            ],
        );
    }
}

fn draw_row(cx: &Cx<'_>, area: Rect, row: &GrepHit, name_cells: usize, buf: &mut Buffer) {
    let style = |role| cx.theme.style(role);
    let name = clip_start(&row.name, name_cells);
    let gap = " ".repeat(name_cells.saturating_sub(width(&name)) + 1);
    let place = format!("{:<12} ", row.place.name());
    // the place is the first to go where there are few cells
    let place = if area.width < 100 { "" } else { &place };
    let times = match row.count {
        0 | 1 => String::new(),
        count => format!("  ×{}", human::count(count)),
    };
    put_pieces(
        buf,
        area,
        &[
            (" ", style(Role::Text)),
            (&name, style(Role::Info)),
            (&gap, style(Role::Text)),
            (place, style(Role::Dim)),
            (&row.before, style(Role::Text)),
            (&row.matched, style(Role::Match)),
            (&row.after, style(Role::Text)),
            (&times, style(Role::Dim)),
        ],
    );
}
