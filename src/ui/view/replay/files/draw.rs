//! Drawing the files of the workspace: the tree at the left, the file beside it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::replay::What;
use crate::text::clean_line;
use crate::text::clip_start;
use crate::theme::Role;
use crate::ui::layout;
use crate::ui::view::Cx;
use crate::ui::view::panes::Focus;
use crate::ui::view::panes::Sides as _;
use crate::ui::view::replay::ReplayView;
use crate::ui::view::replay::files::Row;
use crate::ui::widget::rows::put;
use crate::ui::widget::rows::put_pieces;
use crate::ui::widget::viewport::Marks;

impl ReplayView {
    /// Draws tree and file below the title.
    pub(in crate::ui::view::replay) fn draw_files(&self, cx: &Cx<'_>, buf: &mut Buffer) {
        let places = layout::patch(cx.screen, self.focus == Focus::Rows);
        let say = |buf: &mut Buffer, words: &str, role| {
            let (area, style) = (places.page, cx.theme.style(role));
            let cells = area.width.saturating_sub(1);
            put(buf, area.x + 1, area.y, cells, words, style);
        };
        match &self.files.text {
            Some(Err(why)) => say(buf, why, Role::Warning),
            None if self.files.rows.is_empty() => say(buf, "reading the workspace…", Role::Dim),
            None if self.files.chosen.is_none() => say(buf, "Enter opens a file", Role::Dim),
            None => say(buf, "…", Role::Dim),
            Some(Ok(_)) => {
                let page = self.files.page.and_then(|key| self.panes.page(key));
                let find = self.files.find.as_ref();
                let hit = find.and_then(|find| find.current());
                let marks = Marks {
                    pattern: find.map(|find| &find.pattern),
                    current_hit: hit.and_then(|hit| Some(page?.0.line_of(*hit))),
                    ..Marks::default()
                };
                self.panes.draw(&self.panes(cx), marks, cx, buf);
            }
        }
        self.draw_tree(cx, places.files, buf);
        let role = match self.focus {
            Focus::Rows => Role::BorderFocus,
            Focus::Page => Role::Border,
        };
        for y in places.rule.y..places.rule.bottom() {
            let style = cx.theme.style(role);
            put(buf, places.rule.x, y, places.rule.width.min(1), "│", style);
        }
    }

    fn draw_tree(&self, cx: &Cx<'_>, area: Rect, buf: &mut Buffer) {
        let blank = " ".repeat(usize::from(area.width));
        let window = self
            .files
            .rows
            .iter()
            .enumerate()
            .skip(self.files.cursor.top);
        let mut window = window.take(usize::from(area.height));
        for y in area.y..area.bottom() {
            // on narrow screens the page lies below
            buf.set_string(area.x, y, &blank, ratatui::style::Style::reset());
            let line = Rect {
                y,
                height: 1,
                ..area
            };
            buf.set_style(line, cx.theme.style(Role::Text));
            let Some((ix, row)) = window.next() else {
                continue;
            };
            self.draw_tree_row(cx, row, line, buf);
            if ix == self.files.cursor.at {
                buf.set_style(line, cx.theme.style(self.focus.cursor()));
            }
        }
    }

    fn draw_tree_row(&self, cx: &Cx<'_>, row: &Row, line: Rect, buf: &mut Buffer) {
        const DEEPEST: usize = 10;
        let path = row.path();
        let (sign, sign_role) = match self.files.what(row) {
            None => (" ", Role::Dim),
            Some(What::Written) => ("M", Role::Warning),
            Some(What::Removed) => ("D", Role::Error),
        };
        let name = path.rsplit('/').next().unwrap_or(path);
        let depth = path.matches('/').count();
        let (words, role, depth) = match row {
            Row::Folder(_, true) => (format!("▾ {name}/"), Role::Info, depth),
            Row::Folder(_, false) => (format!("▸ {name}/"), Role::Info, depth),
            Row::File(_) => (format!("  {name}"), Role::Text, depth),
            Row::Note(folder, words) => {
                let depth = if folder.is_empty() { 0 } else { depth + 1 };
                (format!("  {words}"), Role::Dim, depth)
            }
        };
        let indent = "  ".repeat(depth.min(DEEPEST));
        let room = usize::from(line.width).saturating_sub(3 + indent.len());
        let words = clean_line(&words);
        let words = clip_start(&words, room);
        let style = |role| cx.theme.style(role);
        let pieces = [
            (sign, style(sign_role)),
            (" ", style(Role::Text)),
            (&*indent, style(Role::Text)),
            (&*words, style(role)),
        ];
        put_pieces(buf, line, &pieces);
    }
}
