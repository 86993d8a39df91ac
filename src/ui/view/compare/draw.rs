//! Drawing two attempts: title, visible rows, the windows onto the pages.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::compare::AlignedStep;
use crate::compare::RowKind;
use crate::model::RecordIx;
use crate::text::human;
use crate::text::width;
use crate::theme::Role;
use crate::theme::signs;
use crate::ui::event::Compared;
use crate::ui::layout;
use crate::ui::page::step_line;
use crate::ui::view::Cx;
use crate::ui::view::compare::CompareView;
use crate::ui::view::compare::Content;
use crate::ui::view::compare::Lower;
use crate::ui::view::compare::rows::Shown;
use crate::ui::view::outcome_mark;
use crate::ui::view::panes::Focus;
use crate::ui::view::panes::Sides as _;
use crate::ui::view::panes::draw_rule;
use crate::ui::view::panes::draw_sides;
use crate::ui::widget::rows::put;
use crate::ui::widget::rows::put_pieces;
use crate::ui::widget::rows::put_right;
use crate::ui::widget::viewport::Marks;

/// Cells between the sides of a row.
const MIDDLE: u16 = 3;

impl CompareView {
    /// Draws everything but the status line.
    pub fn draw(&self, cx: &Cx<'_>, buf: &mut Buffer) {
        let places = layout::compare(cx.screen);
        let say = |buf: &mut Buffer, row: u16, text: &str, role| {
            let (x, y) = (places.title.x + 1, places.title.y + row);
            let cells = places.title.width.saturating_sub(1);
            put(buf, x, y, cells, text, cx.theme.style(role));
        };
        match &self.content {
            Content::Reading => say(buf, 0, "comparing…", Role::Dim),
            Content::Fault(side, fault) => {
                let side = if *side == 0 { "left" } else { "right" };
                say(
                    buf,
                    0,
                    &format!("the {side} record cannot be read"),
                    Role::Error,
                );
                say(buf, 1, &fault.to_string(), Role::Strong);
                say(buf, 2, "q goes back", Role::Dim);
            }
            Content::Read(compared) => {
                draw_title(cx, compared, places.title, buf);
                if self.lower != Lower::Patches {
                    self.draw_heads(cx, compared, places.head, buf);
                    self.draw_rows(cx, compared, places.rows, buf);
                    self.draw_rule(cx, compared, &places, buf);
                }
                self.pages.draw(&self.panes(cx), Marks::default(), cx, buf);
            }
        }
    }

    /// The word of the status line.
    pub fn mode(&self) -> &'static str {
        match (self.lower, self.focus, self.side) {
            (Lower::Patches, ..) => " PATCHES ",
            (_, Focus::Rows, 0) => " ROWS ◂ ",
            (_, Focus::Rows, _) => " ROWS ▸ ",
            (_, Focus::Page, 0) => " LEFT ",
            (_, Focus::Page, _) => " RIGHT ",
        }
    }

    /// Where the cursor is: `row 12/40`.
    pub fn place_text(&self) -> String {
        let Some(compared) = self.compared() else {
            return String::new();
        };
        let row = self.rows.first_row(self.cursor.at).map_or(0, |row| row + 1);
        let all = compared.alignment.rows.len();
        format!("row {}/{}", human::count(row), human::count(all))
    }

    /// Who the sides are, each above its column.
    fn draw_heads(&self, cx: &Cx<'_>, compared: &Compared, area: Rect, buf: &mut Buffer) {
        let [left, right] = sides(area);
        buf.set_style(area, cx.theme.style(Role::Header));
        let both = compared.trajectories.iter().zip(self.records);
        for (side, ((trajectory, record), area)) in both.zip([left, right]).enumerate() {
            let outcome = trajectory.outcome.resolved;
            let outcome = outcome.filter(|_| !cx.data.desk.hides(record));
            let (mark, role) = outcome_mark(outcome, false);
            let name = name_of(cx, self.records, record);
            let facts = [
                trajectory.model.clone().unwrap_or_default(),
                human::plural(trajectory.agent_steps(), "response"),
            ]
            .join("  ");
            let title = if side == self.side {
                Role::Title
            } else {
                Role::Header
            };
            let pieces = [
                (mark, cx.theme.style(role)),
                (" ", cx.theme.style(Role::Header)),
                (name.as_str(), cx.theme.style(title)),
                ("  ", cx.theme.style(Role::Header)),
                (facts.as_str(), cx.theme.style(Role::Dim)),
            ];
            put_pieces(buf, area, &pieces);
        }
    }

    fn draw_rows(&self, cx: &Cx<'_>, compared: &Compared, area: Rect, buf: &mut Buffer) {
        for (row, y) in (area.y..area.bottom()).enumerate() {
            let at = self.cursor.top + row;
            let line = Rect {
                y,
                height: 1,
                ..area
            };
            match self.rows.shown.get(at) {
                None => break,
                Some(Shown::Fold(rows)) => {
                    let first = compared.alignment.rows.get(rows.start);
                    let from = first.and_then(|row| row.left).unwrap_or(0);
                    let count = human::plural(rows.len(), "equal row");
                    let text = format!("  ▸ {count} from step {from}");
                    put(
                        buf,
                        area.x,
                        y,
                        area.width,
                        &text,
                        cx.theme.style(Role::Fold),
                    );
                }
                Some(Shown::Row(ix)) => {
                    if let Some(row) = compared.alignment.rows.get(*ix) {
                        let is_first = compared.alignment.first_divergence == Some(*ix);
                        draw_row(cx, compared, (row, is_first), line, buf);
                    }
                }
            }
            if at == self.cursor.at {
                self.draw_cursor(cx, line, buf);
            }
        }
    }

    /// The row with the cursor; its side stands out.
    fn draw_cursor(&self, cx: &Cx<'_>, line: Rect, buf: &mut Buffer) {
        let strong = self.focus.cursor();
        buf.set_style(line, cx.theme.style(Role::CursorUnfocused));
        if self.row().is_some() {
            let [left, right] = sides(line);
            let side = if self.side == 0 { left } else { right };
            buf.set_style(side, cx.theme.style(strong));
        } else {
            buf.set_style(line, cx.theme.style(strong));
        }
    }

    /// The line below the rows: in what the steps under the cursor differ.
    fn draw_rule(
        &self,
        cx: &Cx<'_>,
        compared: &Compared,
        places: &layout::CompareLayout,
        buf: &mut Buffer,
    ) {
        let row = self.row().and_then(|row| compared.alignment.rows.get(row));
        let words = row.map_or("equal rows: Enter opens them", |row| match row.kind {
            RowKind::Same => "the same",
            RowKind::OnlyLeft => "only on the left",
            RowKind::OnlyRight => "only on the right",
            RowKind::Similar | RowKind::Differ => row.why.as_deref().unwrap_or("different"),
        });
        let role = row.map_or(Role::Dim, |row| role_of(row.kind));
        draw_rule(cx, places, self.focus, (words, role), buf);
        // what differs needs both steps: else the one that is there is shown
        let has_both = self.step(0).is_some() && self.step(1).is_some();
        let are_steps = self.lower == Lower::Steps || !has_both;
        if are_steps {
            let side = if self.side == 0 { "left" } else { "right" };
            let side = row.is_some().then_some(side);
            draw_sides(cx, places, self.focus, side, buf);
        }
    }
}

/// The two columns of a row, beside the mark at its left and around the sign in its middle.
fn sides(line: Rect) -> [Rect; 2] {
    let inner = line.width.saturating_sub(1 + MIDDLE);
    let left = Rect {
        x: line.x + line.width.min(1),
        width: inner / 2,
        ..line
    };
    let right = Rect {
        x: left.right() + MIDDLE.min(line.right().saturating_sub(left.right())),
        width: inner - inner / 2,
        ..line
    };
    [left, right]
}

fn role_of(kind: RowKind) -> Role {
    match kind {
        RowKind::Same => Role::Dim,
        RowKind::Similar => Role::Warning,
        RowKind::Differ => Role::Error,
        RowKind::OnlyLeft => Role::DiffDel,
        RowKind::OnlyRight => Role::DiffAdd,
    }
}

fn draw_title(cx: &Cx<'_>, compared: &Compared, area: Rect, buf: &mut Buffer) {
    let counts = compared.alignment.counts;
    let style = |role| cx.theme.style(role);
    let number = |count: usize, sign: &str| format!("{} {sign}  ", human::count(count));
    let mut pieces = vec![(" compare  ".to_owned(), Role::Title)];
    for (count, kind) in [
        (counts.same, RowKind::Same),
        (counts.similar, RowKind::Similar),
        (counts.differ, RowKind::Differ),
        (counts.only_left, RowKind::OnlyLeft),
        (counts.only_right, RowKind::OnlyRight),
    ] {
        pieces.push((number(count, kind.sign()), role_of(kind)));
    }
    if compared.alignment.first_divergence.is_none() {
        pieces.push(("no difference  ".to_owned(), Role::Success));
    }
    if !compared.alignment.is_exact {
        pieces.push(("too long for all pairs  ".to_owned(), Role::Warning));
    }
    let pieces: Vec<(&str, _)> = pieces
        .iter()
        .map(|(text, role)| (&**text, style(*role)))
        .collect();
    let end = put_pieces(buf, area, &pieces);
    let task = compared.trajectories[0]
        .task_id
        .as_deref()
        .unwrap_or_default();
    let room = area.right().saturating_sub(end + 1);
    if compared.trajectories[1].task_id.as_deref() == Some(task) && usize::from(room) >= width(task)
    {
        put_right(buf, end, area.y, room, task, style(Role::Dim));
    }
}

/// `output.jsonl:3 task-7`, so that attempts of one task are told apart; without the id where both have the same.
fn name_of(cx: &Cx<'_>, both: [RecordIx; 2], record: RecordIx) -> String {
    let id_of = |record| cx.data.rows.get(record).map(|row| row.id.clone());
    let [left, right] = both.map(id_of);
    let id = id_of(record).filter(|_| left != right);
    let entry = cx.data.store.entry(record);
    let place = entry.map(|entry| {
        let name = entry
            .path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        format!("{}:{}", name.unwrap_or_default(), entry.row + 1)
    });
    let place = place.unwrap_or_default();
    id.map_or_else(|| place.clone(), |id| format!("{place} {id}"))
}

fn draw_row(
    cx: &Cx<'_>,
    compared: &Compared,
    (row, is_first): (&AlignedStep, bool),
    line: Rect,
    buf: &mut Buffer,
) {
    let style = |role| cx.theme.style(role);
    if is_first {
        put(buf, line.x, line.y, 1, "▶", style(Role::Warning));
    }
    let both = sides(line);
    for (side, area) in both.into_iter().enumerate() {
        if let Some(step) = row.step(side) {
            draw_step(cx, compared, (side, step), row.kind, area, buf);
        }
    }
    let x = both[0].right() + 1;
    put(buf, x, line.y, 1, row.kind.sign(), style(role_of(row.kind)));
}

fn draw_step(
    cx: &Cx<'_>,
    compared: &Compared,
    (side, ix): (usize, usize),
    kind: RowKind,
    area: Rect,
    buf: &mut Buffer,
) {
    let trajectory = compared.trajectories.get(side);
    let Some(step) = trajectory.and_then(|trajectory| trajectory.steps.get(ix)) else {
        return;
    };
    let outline = compared.outlines.get(side);
    let meaning = outline
        .and_then(|outline| outline.meanings.get(ix))
        .map_or("", String::as_str);
    let (sign, role) = signs::step_sign(step);
    let text = match kind {
        RowKind::Same => Role::Dim,
        _ => Role::Text,
    };
    let number = format!("{ix:>4} ");
    let failed = if step.has_error() { " !" } else { "" };
    let room = usize::from(area.width).saturating_sub(7 + failed.len());
    let said = step_line(step, meaning, room);
    let said = crate::text::clip(&said, room);
    let pieces = [
        (number.as_str(), cx.theme.style(Role::LineNo)),
        (sign, cx.theme.style(role)),
        (" ", cx.theme.style(text)),
        (&*said, cx.theme.style(text)),
        (failed, cx.theme.style(Role::Error)),
    ];
    put_pieces(buf, area, &pieces);
}
