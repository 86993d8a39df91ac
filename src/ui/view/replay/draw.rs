//! Drawing a replay: title, visible calls, the windows onto the pages, the shell.

use ratatui::buffer::Buffer;
use ratatui::layout::Position;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::replay::StepVerdict;
use crate::sandbox::Holding;
use crate::text::Ink;
use crate::text::clean_line;
use crate::text::clip;
use crate::text::human;
use crate::text::width;
use crate::text::wrapped;
use crate::theme::Role;
use crate::theme::class_role;
use crate::theme::signs;
use crate::ui::event::CallRow;
use crate::ui::event::Replayable;
use crate::ui::layout;
use crate::ui::page::ansi_style;
use crate::ui::view::Cx;
use crate::ui::view::panes::Focus;
use crate::ui::view::panes::Sides as _;
use crate::ui::view::panes::draw_rule;
use crate::ui::view::panes::draw_sides;
use crate::ui::view::replay::Content;
use crate::ui::view::replay::Lower;
use crate::ui::view::replay::ReplayView;
use crate::ui::widget::rows::put;
use crate::ui::widget::rows::put_pieces;
use crate::ui::widget::rows::put_right;
use crate::ui::widget::viewport::Marks;

/// The sign and role of a verdict; the sign tells without colour.
pub(super) fn verdict_sign(verdict: StepVerdict) -> (&'static str, Role) {
    match verdict {
        StepVerdict::Match => ("=", Role::Success),
        StepVerdict::MatchNormalised => ("≈", Role::Success),
        StepVerdict::Reordered => ("⇅", Role::Success),
        StepVerdict::Drift => ("≠", Role::Error),
        StepVerdict::ExitCode => ("✗", Role::Error),
        StepVerdict::Timeout => ("⧖", Role::Error),
        StepVerdict::NeedsNetwork => ("⌁", Role::Warning),
        StepVerdict::NotReplayable => ("∅", Role::Warning),
        StepVerdict::NoOp => ("·", Role::Dim),
    }
}

impl ReplayView {
    /// Draws everything but the status line.
    pub fn draw(&self, cx: &Cx<'_>, buf: &mut Buffer) {
        let places = layout::compare(cx.screen);
        match &self.content {
            Content::Reading => say(cx, places.title, buf, "looking for a sandbox…"),
            Content::Refused(why) => draw_refusal(cx, why, places.title, buf),
            Content::Open(open) => {
                self.draw_title(cx, open, places.title, buf);
                match self.lower {
                    Lower::Console => self.draw_console(cx, places.body, buf),
                    Lower::Files => self.draw_files(cx, buf),
                    Lower::Result | Lower::Changes => self.draw_pages(cx, places.body, buf),
                    Lower::Both | Lower::Difference => {
                        self.draw_head(cx, open, places.head, buf);
                        self.draw_rows(cx, open, places.rows, buf);
                        self.draw_rule(cx, &places, buf);
                        self.draw_pages(cx, places.pages, buf);
                        self.draw_live(cx, &places, buf);
                    }
                }
            }
        }
    }

    /// The word of the status line.
    pub fn mode(&self) -> &'static str {
        match (self.lower, self.focus, self.side) {
            (Lower::Console, ..) => " SHELL ",
            (Lower::Result, ..) => " RESULT ",
            (Lower::Changes, ..) => " CHANGES ",
            (Lower::Files, Focus::Rows, _) => " FILES ",
            (Lower::Files, Focus::Page, _) => " FILE ",
            (_, Focus::Rows, _) => " CALLS ",
            (Lower::Difference, ..) => " DIFF ",
            (_, Focus::Page, 0) => " RECORDED ",
            (_, Focus::Page, _) => " ACTUAL ",
        }
    }

    /// Where the cursor is: `call 12/40`.
    pub fn place_text(&self) -> String {
        let all = self.calls().len();
        if all == 0 {
            return String::new();
        }
        let (at, all) = (human::count(self.cursor.at + 1), human::count(all));
        format!("call {at}/{all}")
    }

    /// The cell of the shell's cursor, where a shell is open.
    pub fn terminal_cursor(&self, cx: &Cx<'_>) -> Option<Position> {
        if self.lower != Lower::Console {
            return None;
        }
        let area = layout::compare(cx.screen).body;
        let (row, column) = self.console.cursor?;
        let is_inside = row < area.height && column < area.width;
        is_inside.then(|| Position::new(area.x + column, area.y + row))
    }

    fn draw_title(&self, cx: &Cx<'_>, open: &Replayable, area: Rect, buf: &mut Buffer) {
        let mut pieces = vec![(" replay  ".to_owned(), Role::Title)];
        if self.lower == Lower::Console {
            let end = self.console.end.as_deref();
            let words = end.unwrap_or("a shell; Ctrl-] leaves it, and its changes are forgotten");
            pieces.push((words.to_owned(), Role::Warning));
        } else {
            let (stands, all) = (human::count(self.stands), human::count(open.calls.len()));
            pieces.push((format!("{stands} of {all} calls  "), Role::Text));
            for verdict in StepVerdict::ALL {
                let count = self.outcomes.count(verdict);
                if count > 0 && verdict != StepVerdict::NoOp {
                    let (sign, role) = verdict_sign(verdict);
                    pieces.push((format!("{} {sign}  ", human::count(count)), role));
                }
            }
            if self.outcomes.are_earlier() {
                pieces.push(("earlier result".to_owned(), Role::Dim));
            }
        }
        let end = put_all(cx, buf, area, &pieces);
        let id = cx.data.rows.get(self.record).map(|row| row.id.clone());
        let id = id.unwrap_or_default();
        let right = if self.lower == Lower::Console {
            id
        } else {
            format!("{id} · {} · {}", open.tier.name(), open.base)
        };
        let room = usize::from(area.right().saturating_sub(end + 2));
        let right = clip(&right, room);
        put_right(
            buf,
            end,
            area.y,
            area.right().saturating_sub(end + 1),
            &right,
            cx.theme.style(Role::Dim),
        );
    }

    /// Why no stronger sandbox could be had and what nobody proved of this one, or what is being made ready.
    fn draw_head(&self, cx: &Cx<'_>, open: &Replayable, area: Rect, buf: &mut Buffer) {
        buf.set_style(area, cx.theme.style(Role::Header));
        let mut pieces: Vec<(String, Role)> = vec![(" ".to_owned(), Role::Header)];
        if let Some(what) = &self.preparing {
            pieces.push((format!("{what}…"), Role::Info));
        } else {
            // a weaker sandbox than could be is never silent; the whole reason is among the messages
            for refused in &open.refused {
                let room = usize::from(area.width / 2);
                let words = format!("⚠ {}  ", clip(&clean_line(refused), room));
                pieces.push((words, Role::Warning));
            }
            if open.unproved.is_empty() && open.refused.is_empty() {
                pieces.push(("every limit of the sandbox is proved".to_owned(), Role::Dim));
            }
            let names = |wanted: Holding| {
                let of = open
                    .unproved
                    .iter()
                    .filter(move |proof| proof.holding == wanted);
                of.map(|proof| proof.bound.name())
                    .collect::<Vec<_>>()
                    .join(", ")
            };
            for holding in [Holding::NotEnforced, Holding::Unknown] {
                let (words, names) = (holding.words(), names(holding));
                if !names.is_empty() {
                    pieces.push((format!("⚠ {words}: {names}  "), Role::Warning));
                }
            }
        }
        put_all(cx, buf, area, &pieces);
    }

    fn draw_rows(&self, cx: &Cx<'_>, open: &Replayable, area: Rect, buf: &mut Buffer) {
        if open.calls.is_empty() {
            say(cx, area, buf, "the trajectory calls no tool");
        }
        let first = self.outcomes.diverging().first().copied();
        for (row, y) in (area.y..area.bottom()).enumerate() {
            let at = self.cursor.top + row;
            let Some(call) = open.calls.get(at) else {
                break;
            };
            let line = Rect {
                y,
                height: 1,
                ..area
            };
            self.draw_row(cx, (at, call), first, line, buf);
            if at == self.cursor.at {
                buf.set_style(line, cx.theme.style(self.focus.cursor()));
            }
        }
    }

    fn draw_row(
        &self,
        cx: &Cx<'_>,
        (at, call): (usize, &CallRow),
        first: Option<usize>,
        line: Rect,
        buf: &mut Buffer,
    ) {
        let style = |role| cx.theme.style(role);
        let outcome = self.outcomes.get(at);
        let (verdict, verdict_role) = if self.running == Some(at) {
            ("running…".to_owned(), Role::Info)
        } else if let Some((outcome, is_earlier)) = &outcome {
            let (sign, role) = verdict_sign(outcome.verdict);
            let role = if *is_earlier { Role::Dim } else { role };
            let exit = match (call.exit_code, outcome.exit_code) {
                (Some(then), Some(now)) if then != now => format!("{then}→{now} "),
                _ => String::new(),
            };
            (format!("{exit}{} {sign}", outcome.verdict.name()), role)
        } else {
            (String::new(), Role::Dim)
        };
        let is_after = first.is_some_and(|first| at > first);
        let text = if outcome.is_none() || is_after {
            Role::Dim
        } else {
            Role::Text
        };
        let mark = if first == Some(at) {
            "▶"
        } else if at == self.stands && self.stands > 0 {
            "▸"
        } else {
            " "
        };
        let number = format!("{:>4} ", call.place.step);
        let cells = u16::try_from(width(&verdict)).unwrap_or(0);
        let left = Rect {
            width: line.width.saturating_sub(cells + 2),
            ..line
        };
        let pieces = [
            (mark, style(Role::Warning)),
            (&*number, style(Role::LineNo)),
            (
                signs::class_sign(Some(call.class)),
                style(class_role(Some(call.class))),
            ),
            (" ", style(text)),
            (&*call.meaning, style(text)),
        ];
        put_pieces(buf, left, &pieces);
        let room = line.width.saturating_sub(1);
        put_right(buf, line.x, line.y, room, &verdict, style(verdict_role));
    }

    /// The line below the rows: why the call came out as it did.
    fn draw_rule(&self, cx: &Cx<'_>, places: &layout::CompareLayout, buf: &mut Buffer) {
        let outcome = self.outcomes.get(self.cursor.at);
        let (words, role) = match &outcome {
            _ if self.running == Some(self.cursor.at) => {
                ("running: Esc stops it".to_owned(), Role::Info)
            }
            None => (
                "not run: Enter runs to here, l the next call, $ all".to_owned(),
                Role::Dim,
            ),
            Some((call, is_earlier)) => {
                let (_, role) = verdict_sign(call.verdict);
                let same = match call.verdict {
                    StepVerdict::NoOp => "it changes and shows nothing",
                    _ => "the same as recorded",
                };
                let why = call.why.as_deref().unwrap_or(same);
                let when = if *is_earlier { "before: " } else { "" };
                let after = if call.after_divergence {
                    " (after a divergence)"
                } else {
                    ""
                };
                (format!("{when}{why}{after}"), role)
            }
        };
        draw_rule(cx, places, self.focus, (&words, role), buf);
        if self.lower == Lower::Both {
            let shown = self.panes(cx).first().map_or(self.side, |pane| pane.side);
            let side = if shown == 0 { "recorded" } else { "actual" };
            draw_sides(cx, places, self.focus, Some(side), buf);
        }
    }

    fn draw_pages(&self, cx: &Cx<'_>, area: Rect, buf: &mut Buffer) {
        let panes = self.panes(cx);
        if panes.is_empty() && self.lower == Lower::Changes {
            say(cx, area, buf, "reading the workspace…");
        }
        self.panes.draw(&panes, Marks::default(), cx, buf);
    }

    /// The end of what the running call has written, in the pane of what comes.
    fn draw_live(&self, cx: &Cx<'_>, places: &layout::CompareLayout, buf: &mut Buffer) {
        let is_shown = self.running == Some(self.cursor.at) && self.lower == Lower::Both;
        let area = match places.right.width {
            0 if self.side == 1 => places.left,
            0 => return,
            _ => places.right,
        };
        if !is_shown {
            return;
        }
        let lines: Vec<&str> = self.live.lines().collect();
        let rows = usize::from(area.height);
        let shown = lines.iter().skip(lines.len().saturating_sub(rows));
        for (line, y) in shown.zip(area.y..area.bottom()) {
            let cells = area.width.saturating_sub(1);
            put(buf, area.x + 1, y, cells, line, cx.theme.style(Role::Text));
        }
    }

    fn draw_console(&self, cx: &Cx<'_>, area: Rect, buf: &mut Buffer) {
        for (row, y) in self.console.rows.iter().zip(area.y..area.bottom()) {
            let style = |ink: &Ink| cx.theme.style(Role::Text).patch(ansi_style(*ink, cx.theme));
            let runs = row.iter().map(|(text, ink)| (&**text, style(ink)));
            let runs: Vec<(&str, Style)> = runs.collect();
            put_pieces(
                buf,
                Rect {
                    y,
                    height: 1,
                    ..area
                },
                &runs,
            );
        }
    }
}

fn say(cx: &Cx<'_>, area: Rect, buf: &mut Buffer, text: &str) {
    let cells = area.width.saturating_sub(1);
    put(
        buf,
        area.x + 1,
        area.y,
        cells,
        text,
        cx.theme.style(Role::Dim),
    );
}

fn draw_refusal(cx: &Cx<'_>, why: &str, area: Rect, buf: &mut Buffer) {
    let heading = [(" nothing can be replayed here".to_owned(), Role::Error)];
    put_all(cx, buf, area, &heading);
    let cells = usize::from(area.width.saturating_sub(2)).max(1);
    let rows = why.lines().flat_map(|line| wrapped(line, cells));
    let rows = rows.chain(["", "q goes back"]);
    for (row, y) in rows.zip(area.y + 1..cx.screen.bottom().saturating_sub(1)) {
        let role = if row == "q goes back" {
            Role::Dim
        } else {
            Role::Text
        };
        let cells = area.width.saturating_sub(1);
        put(buf, area.x + 1, y, cells, row, cx.theme.style(role));
    }
}

fn put_all(cx: &Cx<'_>, buf: &mut Buffer, area: Rect, pieces: &[(String, Role)]) -> u16 {
    let pieces: Vec<(&str, _)> = pieces
        .iter()
        .map(|(text, role)| (&**text, cx.theme.style(*role)))
        .collect();
    put_pieces(buf, area, &pieces)
}
