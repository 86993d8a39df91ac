//! Drawing the statistics: title, names of the sections, the window onto the page.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::stats::GroupBy;
use crate::stats::SectionKind;
use crate::text::human;
use crate::text::width;
use crate::theme::Role;
use crate::ui::layout;
use crate::ui::view::Cx;
use crate::ui::view::stats::StatsView;
use crate::ui::widget::chart::put_line;
use crate::ui::widget::rows::put;
use crate::ui::widget::rows::put_pieces;

/// Where the names of the sections stand, those that fit.
pub(super) fn tabs(area: Rect) -> Vec<(SectionKind, Rect)> {
    let mut x = area.x;
    let mut tabs = Vec::new();
    for kind in SectionKind::ALL {
        let cells = u16::try_from(width(kind.title()) + 2).unwrap_or(u16::MAX);
        if x.saturating_add(cells) > area.right() {
            break;
        }
        let place = Rect {
            x,
            width: cells,
            ..area
        };
        tabs.push((kind, place));
        x += cells;
    }
    tabs
}

impl StatsView {
    /// Draws everything but the status line.
    pub fn draw(&self, cx: &Cx<'_>, buf: &mut Buffer) {
        let places = layout::stats(cx.screen);
        self.draw_title(cx, places.title, buf);
        let here = self.section();
        for (kind, place) in tabs(places.tabs) {
            let role = if here == Some(kind) {
                Role::StatusMode
            } else {
                Role::Dim
            };
            let name = format!(" {} ", kind.title());
            put(
                buf,
                place.x,
                place.y,
                place.width,
                &name,
                cx.theme.style(role),
            );
        }
        if self.lines.is_empty() {
            let (text, role) = match self.held.failure {
                Some(why) => (why, Role::Error),
                None => ("reading records…", Role::Dim),
            };
            let area = places.page;
            put(
                buf,
                area.x + 2,
                area.y + area.height.min(1),
                area.width.saturating_sub(2),
                text,
                cx.theme.style(role),
            );
            return;
        }
        let hit = self.find.as_ref().and_then(|find| find.current()).copied();
        let pattern = self.find.as_ref().map(|find| &find.pattern);
        let shown = self.lines.iter().enumerate().skip(self.cursor.top);
        for (row, (at, line)) in places.page.rows().zip(shown) {
            let ground = (at == self.cursor.at).then_some(Role::Cursor);
            let role = if hit == Some(at) {
                Role::HitCurrent
            } else {
                Role::Hit
            };
            put_line(
                buf,
                row,
                line,
                cx.theme,
                ground,
                pattern.map(|pattern| (pattern, role)),
            );
        }
    }

    fn draw_title(&self, cx: &Cx<'_>, area: Rect, buf: &mut Buffer) {
        let style = |role| cx.theme.style(role);
        let (done, asked) = self.held.done;
        let which = if self.is_part { " of the list" } else { "" };
        let what = format!("{}{which}", human::plural(asked.max(done), "record"));
        let names: Vec<&str> = self.by.iter().map(|by| GroupBy::name(*by)).collect();
        let by = match names.as_slice() {
            [] => String::new(),
            names => format!("  by {}", names.join(" and ")),
        };
        let state = if self.is_working && done < asked {
            let percent = done * 100 / asked.max(1);
            format!("  read {} ({percent}%)", human::count(done))
        } else if self.is_working {
            "  counting…".to_owned()
        } else {
            String::new()
        };
        let pieces = [
            (" statistics ", style(Role::StatusMode)),
            (" ", style(Role::Text)),
            (what.as_str(), style(Role::Title)),
            (by.as_str(), style(Role::Match)),
            (state.as_str(), style(Role::Info)),
        ];
        put_pieces(buf, area, &pieces);
    }
}
