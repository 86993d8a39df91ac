//! Drawing a trajectory: title, visible rows of the step list, minimap, the window onto the page.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::model::ActionClass;
use crate::model::ChildKind;
use crate::model::FlagKind;
use crate::model::Observation;
use crate::model::Step;
use crate::model::StepKind;
use crate::model::Trajectory;
use crate::read::understand;
use crate::review::Mask;
use crate::text::excerpt;
use crate::text::human;
use crate::text::width;
use crate::theme::Role;
use crate::theme::class_role;
use crate::theme::signs;
use crate::ui::data::Facts;
use crate::ui::layout;
use crate::ui::page::Subject;
use crate::ui::page::step_line;
use crate::ui::view::Cx;
use crate::ui::view::decision_words;
use crate::ui::view::outcome_mark;
use crate::ui::view::signs::verdict_words;
use crate::ui::view::trajectory::Content;
use crate::ui::view::trajectory::TrajectoryView;
use crate::ui::view::trajectory::page_text;
use crate::ui::view::trajectory::rows::Row;
use crate::ui::view::trajectory::task::draw_attempt;
use crate::ui::view::trajectory::task::draw_place;
use crate::ui::widget::rows::put;
use crate::ui::widget::rows::put_pieces;
use crate::ui::widget::rows::put_right;
use crate::ui::widget::viewport::Marks;

/// A cell of the minimap: what the rows it stands for mostly did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MapCell {
    class: Option<ActionClass>,
    has_error: bool,
}

/// Squeezes the rows into `height` cells; fewer rows than cells stand one a cell.
pub(super) fn map(rows: &[Row], facts: impl Fn(&Row) -> Facts, height: u16) -> Vec<MapCell> {
    let cells = usize::from(height).min(rows.len());
    (0..cells)
        .map(|cell| {
            let range = cell * rows.len() / cells
                ..((cell + 1) * rows.len() / cells).max(cell * rows.len() / cells + 1);
            let all: Vec<Facts> = rows
                .get(range)
                .unwrap_or_default()
                .iter()
                .map(&facts)
                .collect();
            let class = if all.iter().any(|f| f.is_edit) {
                Some(ActionClass::Edit)
            } else {
                let count = |class| all.iter().filter(|f| f.class == Some(class)).count();
                ActionClass::ALL
                    .into_iter()
                    .filter(|c| count(*c) > 0)
                    .max_by_key(|c| count(*c))
            };
            MapCell {
                class,
                has_error: all.iter().any(|f| f.has_error),
            }
        })
        .collect()
}

impl TrajectoryView {
    /// Draws everything but the status line.
    pub fn draw(&self, cx: &Cx<'_>, buf: &mut Buffer) {
        let places = layout::trajectory(cx.screen, self.is_page_focused);
        match &self.content {
            Content::Reading => {
                put(
                    buf,
                    places.title.x + 1,
                    places.title.y,
                    places.title.width,
                    "reading the record…",
                    cx.theme.style(Role::Dim),
                );
            }
            Content::Fault(fault) => self.draw_fault(cx, &fault.to_string(), buf),
            Content::Read(trajectory, _) => {
                let marks = cx.data.marks(self.record);
                let mut verdicts = decision_words(cx, self.record);
                verdicts.extend(verdict_words(marks, places.title.width));
                let resolved = trajectory.outcome.resolved;
                let resolved = resolved.filter(|_| !cx.data.desk.hides(self.record));
                draw_title(cx, trajectory, (resolved, &verdicts), places.title, buf);
                self.draw_steps(cx, trajectory, places.steps, buf);
                self.draw_map(cx, places.minimap, buf);
                let role = if self.is_page_focused {
                    Role::BorderFocus
                } else {
                    Role::Border
                };
                for y in places.rule.y..places.rule.bottom() {
                    if places.rule.width > 0 {
                        buf.set_string(places.rule.x, y, "│", cx.theme.style(role));
                    }
                }
                self.draw_page(cx, page_text(places.page), buf);
            }
        }
    }

    fn draw_fault(&self, cx: &Cx<'_>, why: &str, buf: &mut Buffer) {
        let area = cx.screen;
        let entry = cx.data.store.entry(self.record);
        let place = entry
            .map(|e| format!("{}, record {}", e.path.display(), e.row + 1))
            .unwrap_or_default();
        let lines = [
            ("this record cannot be read".to_owned(), Role::Error),
            (why.to_owned(), Role::Strong),
            (place, Role::Dim),
            (String::new(), Role::Text),
            (
                "q goes back, H and L go to the neighbours, y j copies its bytes".to_owned(),
                Role::Dim,
            ),
        ];
        for (row, (text, role)) in lines.iter().enumerate() {
            let y = area.y + 1 + u16::try_from(row).unwrap_or(0);
            if y + 1 < area.bottom() {
                put(
                    buf,
                    area.x + 2,
                    y,
                    area.width.saturating_sub(3),
                    text,
                    cx.theme.style(*role),
                );
            }
        }
    }

    fn draw_steps(&self, cx: &Cx<'_>, trajectory: &Trajectory, area: Rect, buf: &mut Buffer) {
        if area.width == 0 {
            return;
        }
        let digits = u16::try_from(trajectory.steps.len().to_string().len())
            .unwrap_or(4)
            .max(2);
        for (row_ix, y) in (area.y..area.bottom()).enumerate() {
            let ix = self.cursor.top + row_ix;
            let Some(row) = self.rows.get(ix) else { break };
            let line = Rect {
                y,
                height: 1,
                ..area
            };
            self.draw_step(cx, trajectory, row, digits, line, buf);
            if self.range().is_some_and(|range| range.contains(&ix)) {
                buf.set_style(line, cx.theme.style(Role::CursorUnfocused));
            }
            self.draw_mask(cx, row, line, buf);
            if ix == self.cursor.at {
                let role = if self.is_page_focused {
                    Role::CursorUnfocused
                } else {
                    Role::Cursor
                };
                buf.set_style(line, cx.theme.style(role));
            }
        }
    }

    fn draw_step(
        &self,
        cx: &Cx<'_>,
        outer: &Trajectory,
        row: &Row,
        digits: u16,
        area: Rect,
        buf: &mut Buffer,
    ) {
        let style = |role| cx.theme.style(role);
        let Some(trajectory) = outer.descendant(&row.path) else {
            return;
        };
        let outline = match &self.content {
            Content::Read(_, outline) => outline.inner(&row.path),
            _ => None,
        };
        let depth = u16::try_from(row.path.len().min(8)).unwrap_or(0);
        let x = area.x + 1 + depth * 2;
        let width = area.right().saturating_sub(x);
        let area = Rect { x, width, ..area };
        match row.subject {
            Subject::Task => {
                let asked = trajectory.instruction.as_deref().unwrap_or_default();
                let what = understand::statement_excerpt(asked, usize::from(width));
                let pieces = [("task ", style(Role::Title)), (&what, style(Role::Dim))];
                put_pieces(buf, area, &pieces);
            }
            Subject::End => self.draw_end(cx, trajectory, area, buf),
            Subject::Place(nth) => {
                if let Some(place) = outline.and_then(|outline| outline.places.get(nth)) {
                    draw_place(cx, place, area, buf);
                }
            }
            Subject::Attempt(ix) => draw_attempt(cx, ix, area, buf),
            Subject::Child(ix) => {
                let Some(child) = trajectory.children.get(ix) else {
                    return;
                };
                let mut path = row.path.clone();
                path.push(ix);
                let arrow = if self.unfolded.contains(&path) {
                    "▾ "
                } else {
                    "▸ "
                };
                let steps = child.trajectory.agent_steps();
                let plural = if steps == 1 { "" } else { "s" };
                // where there are few cells, the sign and the title tell the kind of all but rare ones
                let kind = match child.kind {
                    ChildKind::SubAgent if width < 40 => "",
                    kind => kind.name(),
                };
                let gap = if kind.is_empty() { "" } else { " " };
                let what = format!("{kind}{gap}{steps} step{plural}  ");
                let pieces = [
                    (arrow, style(Role::Fold)),
                    (what.as_str(), style(Role::ClassDelegate)),
                    (&child.title, style(Role::Dim)),
                ];
                put_pieces(buf, area, &pieces);
            }
            Subject::Step(ix) => {
                if row.run > 1 {
                    let run = trajectory
                        .steps
                        .get(ix.0..ix.0 + row.run)
                        .unwrap_or_default();
                    draw_run(cx, run, digits, area, buf);
                } else if let Some(step) = trajectory.steps.get(ix.0) {
                    let meaning = outline
                        .and_then(|outline| outline.meanings.get(ix.0))
                        .map_or("", String::as_str);
                    let flag = outline
                        .and_then(|outline| outline.steps.get(ix.0))
                        .and_then(|facts| facts.flag);
                    draw_step_row(cx, (step, meaning, flag), digits, area, buf);
                }
            }
        }
    }

    /// The row of the end: how it came out, and the last words.
    fn draw_end(&self, cx: &Cx<'_>, trajectory: &Trajectory, area: Rect, buf: &mut Buffer) {
        let style = |role| cx.theme.style(role);
        let outcome = &trajectory.outcome;
        let resolved = outcome
            .resolved
            .filter(|_| !cx.data.desk.hides(self.record));
        let (mark, role) = outcome_mark(resolved, outcome.error.is_some());
        let status = outcome.exit_status.as_deref().unwrap_or_default();
        let gap = if status.is_empty() { "" } else { " " };
        let finish = trajectory.finish.as_deref();
        let what = finish.map(|text| excerpt(text, usize::from(area.width)));
        let what = what.unwrap_or_default();
        let pieces = [
            ("end ", style(Role::Title)),
            (mark, style(role)),
            (" ", style(Role::Dim)),
            (status, style(Role::Text)),
            (gap, style(Role::Dim)),
            (&what, style(Role::Dim)),
        ];
        put_pieces(buf, area, &pieces);
    }

    /// The mask of a step at the left edge of its row: `-` context only, `x` dropped, `+` trained on by name.
    fn draw_mask(&self, cx: &Cx<'_>, row: &Row, area: Rect, buf: &mut Buffer) {
        let Subject::Step(ix) = row.subject else {
            return;
        };
        if !row.path.is_empty() {
            return;
        }
        let (sign, role) = match cx.data.desk.mask(self.record, ix.0) {
            Some(Mask::Train) => ("+", Role::Success),
            Some(Mask::Context) => ("-", Role::Warning),
            Some(Mask::Drop) => ("x", Role::Error),
            None => return,
        };
        put(buf, area.x, area.y, 1, sign, cx.theme.style(role));
    }

    fn draw_map(&self, cx: &Cx<'_>, area: Rect, buf: &mut Buffer) {
        if area.width == 0 || area.height == 0 || self.rows.is_empty() {
            return;
        }
        let cells = usize::from(area.height).min(self.rows.len());
        let cell_of = |row: usize| row * cells / self.rows.len().max(1);
        let here = cell_of(self.cursor.at);
        let last_visible = self.cursor.top + usize::from(area.height).saturating_sub(1);
        let window = cell_of(self.cursor.top)..=cell_of(last_visible.min(self.rows.len() - 1));
        let is_squeezed = self.rows.len() > cells;
        let (map_x, mark_x) = (
            area.x + area.width.min(3) - area.width.min(2),
            area.right() - 1,
        );
        for (row, cell) in self.map.iter().enumerate().take(cells) {
            let y = area.y + u16::try_from(row).unwrap_or(0);
            let role = if cell.has_error {
                Role::Error
            } else {
                class_role(cell.class)
            };
            let sign = match signs::spark(cx.theme.depth(), cell.class, cell.has_error) {
                "▁" => " ",
                "▇" | "▅" => "▐",
                letter => letter,
            };
            put(buf, map_x, y, 1, sign, cx.theme.style(role));
            if mark_x > map_x && row == here {
                put(buf, mark_x, y, 1, "◂", cx.theme.style(Role::Strong));
            } else if mark_x > map_x && is_squeezed && window.contains(&row) {
                put(buf, mark_x, y, 1, "▏", cx.theme.style(Role::Dim));
            }
        }
    }

    fn draw_page(&self, cx: &Cx<'_>, area: Rect, buf: &mut Buffer) {
        let Some((viewport, lens)) = self.lens(cx) else {
            put(
                buf,
                area.x,
                area.y,
                area.width,
                "…",
                cx.theme.style(Role::Dim),
            );
            return;
        };
        let marks = Marks {
            pattern: self.find.as_ref().map(|find| &find.hits.pattern),
            current_hit: self.current_hit_line(cx),
            cursor_line: if self.is_page_focused {
                viewport
                    .fold_line(&lens)
                    .filter(|line| lens.page.is_fold_line(*line))
            } else {
                None
            },
        };
        viewport.draw(area, buf, &lens, marks);
    }

    /// How far down the page the window is, in percent; `None` when all of it is in sight.
    pub fn page_percent(&self, cx: &Cx<'_>) -> Option<usize> {
        let (viewport, lens) = self.lens(cx)?;
        viewport.percent(&lens)
    }
}

fn draw_title(
    cx: &Cx<'_>,
    trajectory: &Trajectory,
    (resolved, verdicts): (Option<bool>, &[(String, Role)]),
    area: Rect,
    buf: &mut Buffer,
) {
    let style = |role| cx.theme.style(role);
    let (mark, role) = outcome_mark(resolved, trajectory.outcome.error.is_some());
    let mut facts = Vec::new();
    let steps = trajectory.agent_steps();
    let plural = if steps == 1 { "" } else { "s" };
    if !trajectory.is_task() {
        facts.push(format!("{} step{plural}", human::count(steps)));
    }
    facts.extend(trajectory.totals.duration_s.map(human::seconds));
    let tokens = trajectory.totals.tokens.total().filter(|n| *n > 0);
    facts.extend(tokens.map(|n| format!("{} tokens", human::short_count(n))));
    facts.extend(
        trajectory
            .totals
            .cost
            .filter(|cost| *cost > 0.0)
            .map(human::dollars),
    );
    facts.extend(trajectory.model.clone());
    facts.extend(
        trajectory
            .source
            .format
            .map(|format| format.name().to_owned()),
    );
    if !trajectory.notes.is_empty() {
        let plural = if trajectory.notes.len() == 1 {
            "note"
        } else {
            "notes"
        };
        facts.push(format!("{} {plural}", trajectory.notes.len()));
    }
    let facts = facts.join(" · ");
    let id = short_id(&trajectory.id);
    let mut pieces = vec![
        (" ", style(Role::Text)),
        (mark, style(role)),
        (" ", style(Role::Text)),
        (&id, style(Role::Title)),
        ("  ", style(Role::Text)),
    ];
    for (text, role) in verdicts {
        pieces.push((text, style(*role)));
    }
    if !verdicts.is_empty() {
        pieces.push(("  ", style(Role::Text)));
    }
    pieces.push((&facts, style(Role::Dim)));
    put_pieces(buf, area, &pieces);
}

/// The id, a UUID by its first group: the rest of it tells a reader nothing and takes the line.
fn short_id(id: &str) -> String {
    let groups: Vec<usize> = id.split('-').map(str::len).collect();
    let is_uuid =
        groups == [8, 4, 4, 4, 12] && id.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    if is_uuid {
        id.get(..8).unwrap_or(id).to_owned()
    } else {
        id.to_owned()
    }
}

/// `12 ± edit src/a.py +3 −1     ✗1  2.1s 1.2K`: what gives way on a narrow pane is size, then time.
fn draw_step_row(
    cx: &Cx<'_>,
    (step, meaning, flag): (&Step, &str, Option<FlagKind>),
    digits: u16,
    area: Rect,
    buf: &mut Buffer,
) {
    let style = |role| cx.theme.style(role);
    let (sign, mut role) = signs::step_sign(step);
    if step.forgotten == Some(true) {
        role = Role::Dim;
    }
    put_right(
        buf,
        area.x,
        area.y,
        digits,
        &step.idx.to_string(),
        style(Role::LineNo),
    );
    let mut x = area.x + digits + 1;
    x = put(buf, x, area.y, 1, sign, style(role)) + 1;
    let mut right = area.right();
    let mut put_end = |cells: u16, text: &str, role: Role, right: &mut u16| {
        let fits = *right > x + cells + 16 || (cells <= 3 && *right > x + cells + 6);
        if fits {
            *right -= cells;
            put_right(buf, *right, area.y, cells, text, style(role));
        }
        fits
    };
    if area.width >= 50 {
        let bytes: usize = step
            .actions
            .iter()
            .filter_map(|a| a.observation.as_ref())
            .map(Observation::len_bytes)
            .sum();
        let text = if bytes == 0 {
            String::new()
        } else {
            human::bytes(bytes as u64)
        };
        put_end(5, &text, Role::Dim, &mut right);
    }
    if area.width >= 40 {
        let ran: f64 = step
            .actions
            .iter()
            .filter_map(|a| a.observation.as_ref()?.duration_s)
            .sum();
        let spent = ran + step.latency_s.unwrap_or(0.0);
        let text = if spent > 0.0 {
            human::seconds(spent)
        } else {
            String::new()
        };
        put_end(7, &text, Role::Dim, &mut right);
    }
    if let Some((cells, text, role)) = failure(step)
        && !put_end(cells, &text, role, &mut right)
    {
        // that it failed matters more than how; what is short already found no room
        if cells > 3 {
            put_end(3, "✗", role, &mut right);
        }
    }
    if let Some(flag) = flag {
        let word = format!(" ⚑ {}", flag.name().replace('_', " "));
        let cells = u16::try_from(width(&word)).unwrap_or(u16::MAX);
        // on a narrow pane the sign alone says that there is one; the page says which
        if !put_end(cells, &word, Role::Warning, &mut right) {
            put_end(2, "⚑", Role::Warning, &mut right);
        }
    }
    let room = right.saturating_sub(x);
    let text = step_line(step, meaning, usize::from(room));
    let dims =
        matches!(step.kind, StepKind::Context | StepKind::System) || step.forgotten == Some(true);
    let text_role = if dims { Role::Dim } else { Role::Text };
    let end = put(buf, x, area.y, room, &text, style(text_role));
    if !step.actions.is_empty() && !dims {
        let room = end.saturating_sub(x);
        let area = Rect { x, ..area };
        color_verb(&text, room, area, style(role), buf);
    }
}

/// The verb carries the colour of the class.
fn color_verb(text: &str, room: u16, area: Rect, style: Style, buf: &mut Buffer) {
    let verb = text.split(' ').next().map_or(0, width);
    let width = u16::try_from(verb).unwrap_or(0).min(room);
    buf.set_style(Rect { width, ..area }, style);
}

/// How a step failed, and the cells for it: `✗N` with the exit code, `…` for what was still running, or that it did.
fn failure(step: &Step) -> Option<(u16, String, Role)> {
    let exit = step
        .actions
        .iter()
        .filter_map(|a| a.observation.as_ref()?.exit_code)
        .find(|code| *code != 0);
    match exit {
        Some(code) if code < 0 => Some((3, "…".to_owned(), Role::Warning)),
        Some(code) => Some((5, format!("✗{code}"), Role::Error)),
        None if step.has_error() => Some((3, "✗".to_owned(), Role::Error)),
        None => None,
    }
}

/// `⋯ 6 rows of bookkeeping: hook_success, last-prompt`: one row for many that nobody looks for at first.
fn draw_run(cx: &Cx<'_>, run: &[Step], digits: u16, area: Rect, buf: &mut Buffer) {
    let mut labels: Vec<&str> = Vec::new();
    for label in run.iter().filter_map(|step| step.label.as_deref()) {
        if !labels.contains(&label) && labels.len() < 6 {
            labels.push(label);
        }
    }
    let first = run.first().map_or(0, |step| step.idx).to_string();
    put_right(
        buf,
        area.x,
        area.y,
        digits,
        &first,
        cx.theme.style(Role::LineNo),
    );
    let x = area.x + digits + 1;
    let text = format!("⋯ {} events: {}", run.len(), labels.join(", "));
    put(
        buf,
        x,
        area.y,
        area.right().saturating_sub(x),
        &text,
        cx.theme.style(Role::KindContext),
    );
}
