//! Drawing the list: title, header, visible rows, preview.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::model::KindMark;
use crate::model::RecordIx;
use crate::model::Summary;
use crate::query::fuzzy::Narrow;
use crate::query::sort::Replayed;
use crate::query::sort::SortKey;
use crate::review::Choice;
use crate::text::clean_line;
use crate::text::human;
use crate::text::width;
use crate::theme::Role;
use crate::theme::class_role;
use crate::theme::signs;
use crate::ui::layout;
use crate::ui::page::verdict_sign;
use crate::ui::view::Cx;
use crate::ui::view::list::ListView;
use crate::ui::view::list::columns::Column;
use crate::ui::view::list::columns::Fitted;
use crate::ui::view::list::preview_text;
use crate::ui::view::outcome_mark;
use crate::ui::widget::rows::mark_letters;
use crate::ui::widget::rows::put;
use crate::ui::widget::rows::put_pieces;
use crate::ui::widget::rows::put_right;
use crate::ui::widget::viewport::Marks;

impl ListView {
    /// Draws everything but the status line.
    pub fn draw(&self, cx: &Cx<'_>, buf: &mut Buffer) {
        let places = layout::list(cx.screen, self.preview.wish);
        self.draw_title(cx, places.title, buf);
        let fitted = Fitted::new(places.header.width, lead(cx), self.filled);
        self.draw_header(cx, places.header, &fitted, buf);
        let narrow = Narrow::new(&self.how.narrow);
        let all = cx.data.rows.len();
        let file_at = self.file_at(cx, usize::from(places.rows.height), fitted.id_cells);
        for (row, y) in (places.rows.y..places.rows.bottom()).enumerate() {
            let place = self.cursor.top + row;
            let Some(ix) = self.order.record(place, all) else {
                break;
            };
            let area = Rect {
                y,
                height: 1,
                ..places.rows
            };
            self.draw_row(cx, area, ix, (&fitted, file_at), &narrow, buf);
            if self.range().is_some_and(|range| range.contains(&place)) {
                buf.set_style(area, cx.theme.style(Role::CursorUnfocused));
            }
            if place == self.cursor.at {
                let role = if self.preview.is_focused {
                    Role::CursorUnfocused
                } else {
                    Role::Cursor
                };
                buf.set_style(area, cx.theme.style(role));
            }
        }
        if self.shown(cx) == 0 {
            self.draw_nothing(cx, places.rows, buf);
        }
        if places.preview.width > 0 {
            self.draw_preview(cx, places.preview, buf);
        }
    }

    fn draw_title(&self, cx: &Cx<'_>, area: Rect, buf: &mut Buffer) {
        const WIDE: u16 = 100;
        let style = |role| cx.theme.style(role);
        let rows = &cx.data.rows;
        let listed = cx.data.store.listed_tasks();
        let listed: usize = listed.iter().map(ExactSizeIterator::len).sum();
        // those that are not summarised yet are tasks all the same
        let all = rows.attempts().min(rows.len().saturating_sub(listed));
        let shown = self.shown(cx);
        let is_counted = cx.data.tried.untried().is_some();
        let mut counts = if rows.has_both() && is_counted {
            let (attempts, tasks) = (human::plural(all, "record"), rows.untried());
            format!("{attempts} + {}", human::plural(tasks, "untried task"))
        } else if all == 0 && rows.tasks() > 0 {
            human::plural(rows.tasks(), "task")
        } else {
            human::plural(all, "record")
        };
        if shown != rows.shown() && !self.how.is_whole() {
            counts = format!("{} of {counts}", human::count(shown));
        }
        let state = self.state_words(cx);
        let follow = if cx.data.is_following {
            "  following"
        } else {
            ""
        };
        let narrow = if self.how.narrow.is_empty() {
            String::new()
        } else {
            format!("  narrowed by “{}”", self.how.narrow)
        };
        let queue = match &self.how.queue {
            Some(queue) => format!("  queue: {}", queue.name),
            None => String::new(),
        };
        let filter = match &self.how.filter {
            Some(filter) => format!("  where {}", filter.text()),
            None => String::new(),
        };
        let picked = match &self.how.picked {
            Some(picked) => format!("  only: {}", picked.words),
            None => String::new(),
        };
        let decided = cx.data.desk.decided();
        let progress = if decided == 0 {
            String::new()
        } else {
            let share = decided * 100 / all.max(1);
            let bar = if area.width < WIDE {
                String::new()
            } else {
                format!("{} ", bar(decided, all))
            };
            format!("  {bar}{} decided ({share}%)", human::count(decided))
        };
        put_pieces(
            buf,
            area,
            &[
                (" hgview ", style(Role::StatusMode)),
                (" ", style(Role::Text)),
                (&cx.data.title, style(Role::Title)),
                ("  ", style(Role::Text)),
                (&counts, style(Role::Dim)),
                (&progress, style(Role::Success)),
                (&state, style(Role::Info)),
                (follow, style(Role::Info)),
                (&queue, style(Role::Match)),
                (&narrow, style(Role::Match)),
                (&filter, style(Role::Match)),
                (&picked, style(Role::Match)),
            ],
        );
    }

    /// What is still going on.
    fn state_words(&self, cx: &Cx<'_>) -> String {
        let all = cx.data.rows.len();
        let scan = &cx.data.scan;
        let mut state = String::new();
        if !scan.is_complete {
            state = format!(
                "  reading {} of {}",
                human::bytes(scan.bytes_done),
                human::bytes(scan.bytes_total)
            );
        } else if cx.data.rows.known() < all {
            state = format!("  summarised {}", human::count(cx.data.rows.known()));
        }
        if let Some(asked) = self.asked {
            let (asked, all) = (human::count(asked), human::count(all));
            state = format!("  asked {asked} of {all}{state}");
        }
        state
    }

    fn draw_header(&self, cx: &Cx<'_>, area: Rect, fitted: &Fitted, buf: &mut Buffer) {
        let style = cx.theme.style(Role::Header);
        buf.set_style(area, style);
        let arrow = |key: SortKey| match (self.how.key == key, self.how.is_descending) {
            (false, _) => "",
            (true, false) => "▲",
            (true, true) => "▼",
        };
        if area.height == 0 {
            return;
        }
        put(buf, area.x, area.y, 1, arrow(SortKey::Outcome), style);
        let mut x = area.x + fitted.lead_cells;
        if fitted.lead_cells > 2 {
            put(buf, area.x + 1, area.y, 3, "you", style);
        }
        put(
            buf,
            x,
            area.y,
            fitted.id_cells,
            &format!("id{}", arrow(SortKey::Id)),
            style,
        );
        x += fitted.id_cells;
        for column in &fitted.columns {
            let arrow = arrow(column.key);
            if column.is_right {
                let title = format!("{arrow}{}", column.title);
                let room = column.cells + 1;
                put_right(buf, x, area.y, room, &title, style);
            } else {
                put(
                    buf,
                    x + 1,
                    area.y,
                    column.cells,
                    &format!("{}{arrow}", column.title),
                    style,
                );
            }
            x += column.cells + 1;
        }
        if fitted.spark_cells > 0 {
            put(buf, x + 1, area.y, fitted.spark_cells, "what it did", style);
        }
    }

    fn draw_row(
        &self,
        cx: &Cx<'_>,
        area: Rect,
        ix: RecordIx,
        (fitted, file_at): (&Fitted, Option<u16>),
        narrow: &Narrow,
        buf: &mut Buffer,
    ) {
        let theme = cx.theme;
        let y = area.y;
        let Some(row) = cx.data.rows.get(ix) else {
            let peeked = cx.data.peeked.get(&ix).cloned();
            let id = peeked.unwrap_or_else(|| format!("record {}", ix.0 + 1));
            put(
                buf,
                area.x + fitted.lead_cells,
                y,
                fitted.id_cells,
                &id,
                theme.style(Role::Dim),
            );
            return;
        };
        let is_task = row.is_task();
        // what a report says of its attempts is nothing that the task has done
        let resolved = row.resolved.filter(|_| !is_task && !cx.data.desk.hides(ix));
        let (mark, role) = outcome_mark(resolved, row.fault.is_some());
        put(buf, area.x, y, 1, mark, theme.style(role));
        if fitted.lead_cells > 2 {
            self.draw_decision(cx, buf, ix, (area.x, y));
        }
        let id_x = area.x + fitted.lead_cells;
        let says_untried = is_task && cx.data.rows.has_both();
        let style = theme.style(if says_untried { Role::Dim } else { Role::Text });
        put(buf, id_x, y, fitted.id_cells, &row.id, style);
        self.mark(cx, buf, (id_x, y, fitted.id_cells), &row.id, narrow);
        let mut x = id_x + fitted.id_cells;
        if let Some(fault) = &row.fault {
            // the reason begins right behind the id: nothing else stands in this row
            let used = u16::try_from(width(&clean_line(&row.id))).unwrap_or(u16::MAX);
            x = x.min(id_x.saturating_add(used).saturating_add(1));
            put(
                buf,
                x + 1,
                y,
                area.right().saturating_sub(x + 1),
                &fault.to_string(),
                theme.style(Role::Error),
            );
            return;
        }
        let used = width(&clean_line(&row.id)) + 2;
        if let (Some(at), Some(name)) = (file_at, file_name(cx, ix))
            && used <= usize::from(at)
        {
            let room = fitted.id_cells.saturating_sub(at + 1);
            put(buf, id_x + at, y, room, &name, theme.style(Role::LineNo));
        }
        if says_untried {
            draw_untried(cx, buf, (id_x, x, y), (fitted, used), &row);
        }
        for column in &fitted.columns {
            if !is_task && draw_judged(cx, buf, ix, (x + 1, y), column) {
                x += column.cells + 1;
                continue;
            }
            let text = (column.text)(&row);
            if is_task && text.is_empty() {
                x += column.cells + 1;
                continue;
            }
            let role = match column.key {
                SortKey::Failures => Role::Warning,
                SortKey::Steps | SortKey::TaskType => Role::Text,
                _ => Role::Dim,
            };
            if column.is_right {
                put_right(buf, x + 1, y, column.cells, &text, theme.style(role));
            } else {
                put(buf, x + 1, y, column.cells, &text, theme.style(role));
                if matches!(
                    column.key,
                    SortKey::Model | SortKey::TaskType | SortKey::Format
                ) {
                    self.mark(cx, buf, (x + 1, y, column.cells), &text, narrow);
                }
            }
            x += column.cells + 1;
        }
        draw_spark(cx, buf, (x + 1, y, fitted.spark_cells), &row);
    }

    /// Where file names begin in the cells of the ids: behind the longest of those in sight that leave room. `None`
    /// where there is but one file, where the names say no more than the ids, and where no id leaves room.
    fn file_at(&self, cx: &Cx<'_>, height: usize, id_cells: u16) -> Option<u16> {
        const LEAST_CELLS: u16 = 10;
        if !cx.data.store.has_several_files() {
            return None;
        }
        let all = cx.data.rows.len();
        let in_sight = (self.cursor.top..self.cursor.top + height)
            .filter_map(|place| self.order.record(place, all))
            .filter_map(|ix| Some((ix, cx.data.rows.get(ix)?)))
            .filter(|(_, row)| row.fault.is_none());
        let (mut longest, mut tells_more) = (0, false);
        for (ix, row) in in_sight {
            // an id that leaves no room stays whole and goes without
            let cells = width(&clean_line(&row.id)) + 2;
            if cells + usize::from(LEAST_CELLS) < usize::from(id_cells) {
                longest = longest.max(cells);
            }
            tells_more |= file_name(cx, ix).is_some_and(|name| !name.starts_with(&row.id));
        }
        let at = u16::try_from(longest).ok().filter(|at| *at > 0)?;
        tells_more.then_some(at)
    }

    /// Selection, decision and flag of a row, in the three cells behind its outcome. Capitals are one's own decisions.
    fn draw_decision(&self, cx: &Cx<'_>, buf: &mut Buffer, ix: RecordIx, at: (u16, u16)) {
        let (x, y) = at;
        let desk = &cx.data.desk;
        let style = |role| cx.theme.style(role);
        if desk.selection().contains(&ix) {
            put(buf, x + 1, y, 1, "*", style(Role::Match));
        }
        let (sign, role) = decision_sign(cx, ix);
        put(buf, x + 2, y, 1, sign, style(role));
        let is_best = u32::try_from(ix.0).is_ok_and(|ix| self.best.contains(&ix));
        if desk.mine(ix).is_some_and(|state| state.flag) {
            put(buf, x + 3, y, 1, "f", style(Role::Warning));
        } else if is_best {
            put(buf, x + 3, y, 1, "★", style(Role::Success));
        }
    }

    /// Marks letters that narrowing or the search matched, in the text as it is drawn.
    fn mark(
        &self,
        cx: &Cx<'_>,
        buf: &mut Buffer,
        at: (u16, u16, u16),
        text: &str,
        narrow: &Narrow,
    ) {
        let text = clean_line(text);
        if !narrow.is_empty() {
            let letters = narrow.letters(&text);
            let style = cx.theme.style(Role::Match);
            mark_letters(buf, at.0, at.1, at.2, &text, &letters, style);
        }
        if let Some(search) = &self.search {
            let chars_before = |byte: usize| text.get(..byte).unwrap_or_default().chars().count();
            let hits = search.pattern.find_iter(&text);
            let letters: Vec<usize> = hits
                .flat_map(|hit| chars_before(hit.start())..chars_before(hit.end()))
                .collect();
            let style = cx.theme.style(Role::Hit);
            mark_letters(buf, at.0, at.1, at.2, &text, &letters, style);
        }
    }

    fn draw_nothing(&self, cx: &Cx<'_>, area: Rect, buf: &mut Buffer) {
        let text = if !self.how.narrow.is_empty() && !cx.data.rows.is_empty() {
            format!("no record matches “{}”", self.how.narrow)
        } else if let (Some(filter), false) = (&self.how.filter, cx.data.rows.is_empty()) {
            let so_far = if self.arranging.is_some() {
                " so far"
            } else {
                ""
            };
            format!(
                "no record{so_far} for which {}; F changes it, Esc clears it",
                filter.text()
            )
        } else if cx.data.scan.is_complete && cx.data.is_following {
            "waiting for the first record…".to_owned()
        } else if cx.data.scan.is_complete {
            "no trajectories here".to_owned()
        } else {
            "looking for trajectories…".to_owned()
        };
        put(
            buf,
            area.x + 2,
            area.y + area.height.min(2) / 2,
            area.width.saturating_sub(2),
            &text,
            cx.theme.style(Role::Dim),
        );
    }

    fn draw_preview(&self, cx: &Cx<'_>, area: Rect, buf: &mut Buffer) {
        let role = if self.preview.is_focused {
            Role::BorderFocus
        } else {
            Role::Border
        };
        let style = cx.theme.style(role);
        for y in area.y..area.bottom() {
            // the gap column of the layout carries the rule, one more is air
            buf.set_string(area.x.saturating_sub(1), y, "│", style);
        }
        let inner = preview_text(area);
        match &self.preview.page {
            Some(Ok(_)) => {
                if let Some((viewport, lens)) = self.preview.lens(cx) {
                    viewport.draw(inner, buf, &lens, Marks::default());
                }
            }
            Some(Err(fault)) => {
                put(
                    buf,
                    inner.x,
                    inner.y,
                    inner.width,
                    "this record cannot be read:",
                    cx.theme.style(Role::Error),
                );
                let y = inner.y + 1;
                if y < inner.bottom() {
                    put(
                        buf,
                        inner.x,
                        y,
                        inner.width,
                        &fault.to_string(),
                        cx.theme.style(Role::Text),
                    );
                }
            }
            None => {
                put(
                    buf,
                    inner.x,
                    inner.y,
                    inner.width,
                    "…",
                    cx.theme.style(Role::Dim),
                );
            }
        }
    }
}

/// Cells before the id: the outcome, and what people say as soon as anybody said anything.
fn lead(cx: &Cx<'_>) -> u16 {
    let desk = &cx.data.desk;
    if desk.is_silent() && desk.selection().is_empty() {
        2
    } else {
        5
    }
}

/// What people say of a record: `A R S` oneself, `a r s` others, `≠` others among themselves, `~` of another version.
fn decision_sign(cx: &Cx<'_>, ix: RecordIx) -> (&'static str, Role) {
    let desk = &cx.data.desk;
    match desk.choice(ix) {
        Some(Choice::Accept) => return ("A", Role::Success),
        Some(Choice::Reject) => return ("R", Role::Error),
        Some(Choice::Skip) => return ("S", Role::Warning),
        None => {}
    }
    if desk.is_stale(ix) {
        return ("~", Role::Warning);
    }
    if desk.hides(ix) {
        return (" ", Role::Dim);
    }
    let others = desk.others(ix);
    let mut choices = others.iter().filter_map(|(_, state)| state.decision);
    match choices.next() {
        Some(first) if choices.any(|other| other != first) => ("≠", Role::Warning),
        Some(Choice::Accept) => ("a", Role::Dim),
        Some(Choice::Reject) => ("r", Role::Dim),
        Some(Choice::Skip) => ("s", Role::Dim),
        None => (" ", Role::Dim),
    }
}

/// Ten cells that fill up.
fn bar(done: usize, all: usize) -> String {
    const CELLS: usize = 10;
    let full = (done * CELLS / all.max(1)).min(CELLS);
    let mut bar = "█".repeat(full);
    bar.push_str(&"░".repeat(CELLS - full));
    bar
}

/// The name of the record's file: ids of different files may be the same.
fn file_name(cx: &Cx<'_>, ix: RecordIx) -> Option<String> {
    let entry = cx.data.store.entry(ix)?;
    let name = entry.path.file_name()?;
    Some(name.to_string_lossy().into_owned())
}

/// Draws what was found out about a record; `false` where the column tells what it says itself.
fn draw_judged(
    cx: &Cx<'_>,
    buf: &mut Buffer,
    ix: RecordIx,
    at: (u16, u16),
    column: &Column,
) -> bool {
    match column.key {
        SortKey::Published | SortKey::Strict => draw_verdict(cx, buf, ix, at, column),
        SortKey::Replay => draw_replay(cx, buf, ix, at, column),
        _ => return false,
    }
    true
}

/// `untried`, in place of the verdicts and figures that a task has none of; behind its id where these have no room.
fn draw_untried(
    cx: &Cx<'_>,
    buf: &mut Buffer,
    (id_x, x, y): (u16, u16, u16),
    (fitted, used): (&Fitted, usize),
    row: &Summary,
) {
    const WORD: &str = "untried";
    const CELLS: u16 = 7;
    let empty = fitted.columns.iter();
    let empty = empty.take_while(|column| (column.text)(row).is_empty());
    let room: u16 = empty.map(|column| column.cells + 1).sum();
    let used = u16::try_from(used).unwrap_or(u16::MAX);
    let columns: u16 = fitted.columns.iter().map(|column| column.cells + 1).sum();
    let at = if room > CELLS {
        x + 1
    } else if used.saturating_add(CELLS) <= fitted.id_cells {
        id_x + fitted.id_cells - CELLS
    } else if fitted.spark_cells >= CELLS {
        x + columns + 1
    } else {
        return;
    };
    put(buf, at, y, CELLS, WORD, cx.theme.style(Role::Dim));
}

/// What came of the last replay: `= reproduced`, the step where it diverged, or that it failed.
fn draw_replay(cx: &Cx<'_>, buf: &mut Buffer, ix: RecordIx, (x, y): (u16, u16), column: &Column) {
    const WORD_CELLS: u16 = 10;
    let Some(brief) = cx.data.replayed(ix) else {
        return;
    };
    let (word, role) = match brief.rank() {
        Replayed::Reproduced if column.cells < WORD_CELLS => ("=".to_owned(), Role::Success),
        Replayed::Reproduced => (brief.word(), Role::Success),
        Replayed::Diverged(_) => (brief.word(), Role::Warning),
        Replayed::Failed => (brief.word(), Role::Error),
    };
    put(buf, x, y, column.cells, &word, cx.theme.style(role));
}

/// `✓`, `✗` or `?`, in words where there is room; `≠` behind the second where the two disagree.
fn draw_verdict(cx: &Cx<'_>, buf: &mut Buffer, ix: RecordIx, (x, y): (u16, u16), column: &Column) {
    const WORD_CELLS: u16 = 8;
    let Some(marks) = cx.data.marks(ix) else {
        return;
    };
    let is_second = column.key == SortKey::Strict;
    let verdict = if is_second {
        marks.strict
    } else {
        marks.published
    };
    let (sign, role) = verdict_sign(verdict);
    let word = if column.cells >= WORD_CELLS {
        format!(" {}", verdict.name())
    } else {
        String::new()
    };
    let area = Rect::new(x, y, column.cells, 1);
    let mark = match is_second {
        true if marks.disagree() => " ≠",
        false if marks.is_flagged => " !",
        _ => "",
    };
    let style = |role| cx.theme.style(role);
    let pieces = [
        (sign, style(role)),
        (&word, style(role)),
        (mark, style(Role::Warning)),
    ];
    put_pieces(buf, area, &pieces);
}

/// All marks in at most so many cells: several in one cell show the first class there is, and whether any failed.
fn squeezed(marks: &[KindMark], cells: usize) -> Vec<KindMark> {
    let cells = cells.min(marks.len());
    let cell = |ix: usize| {
        let of_cell = marks.get(ix * marks.len() / cells..(ix + 1) * marks.len() / cells);
        let of_cell = of_cell.unwrap_or_default();
        KindMark {
            class: of_cell.iter().find_map(|mark| mark.class),
            has_error: of_cell.iter().any(|mark| mark.has_error),
        }
    };
    (0..cells).map(cell).collect()
}

fn draw_spark(cx: &Cx<'_>, buf: &mut Buffer, at: (u16, u16, u16), row: &Summary) {
    let (mut x, y, cells) = at;
    for mark in squeezed(&row.marks, usize::from(cells)) {
        let role = if mark.has_error {
            Role::Error
        } else {
            class_role(mark.class)
        };
        let sign = signs::spark(cx.theme.depth(), mark.class, mark.has_error);
        let style: Style = cx.theme.style(role);
        put(buf, x, y, 1, sign, style);
        x += 1;
    }
}
