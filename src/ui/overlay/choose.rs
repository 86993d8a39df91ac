//! A choice among rows that the app has made: queues, past decisions.

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::KeyCode;
use ratatui::crossterm::event::KeyEvent;
use ratatui::layout::Position;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::text::Span;

use crate::theme::Role;
use crate::theme::Theme;
use crate::ui::overlay::Reply;
use crate::ui::overlay::frame::centred;
use crate::ui::overlay::frame::draw_box;
use crate::ui::overlay::frame::draw_input;
use crate::ui::overlay::frame::split_first_row;
use crate::ui::overlay::is_cancel;
use crate::ui::widget::Entry;
use crate::ui::widget::Picker;

/// Width of the box where the screen has room.
const BOX_CELLS: u16 = 100;

/// What a choice is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChoiceKind {
    /// The queue that the list shows.
    Queue,
    /// The record of a past decision.
    Decided,
    /// The attempt to compare with.
    Attempt,
    /// Two runs to compare.
    RunPair,
    /// A task of two runs.
    RunTask,
    /// What statistics are grouped by.
    GroupBy,
    /// By what besides.
    ThenGroupBy,
}

/// Rows to choose from, narrowed as one types.
#[derive(Debug, Clone)]
pub struct Choose {
    kind: ChoiceKind,
    title: &'static str,
    picker: Picker,
    /// What is told below the rows, cleaned.
    facts: Vec<(String, Role)>,
}

impl Choose {
    /// Offers `entries` with the cursor on number `current`; `facts` stand below them.
    pub fn new(
        kind: ChoiceKind,
        entries: Vec<Entry>,
        current: usize,
        facts: Vec<(String, Role)>,
    ) -> Self {
        let title = match kind {
            ChoiceKind::Queue => "Queues",
            ChoiceKind::Decided => "Your last decisions",
            ChoiceKind::Attempt => "Compare with",
            ChoiceKind::RunPair => "Compare the runs",
            ChoiceKind::RunTask => "A and B, task by task",
            ChoiceKind::GroupBy => "Group by",
            ChoiceKind::ThenGroupBy => "And by",
        };
        Self {
            kind,
            title,
            picker: Picker::with_entries(entries, current),
            facts,
        }
    }

    /// Takes rows of the same kind that tell more, keeping what was typed and where the cursor is.
    pub(super) fn refill(&mut self, with: Self) {
        if with.kind == self.kind {
            self.picker.refill(with.picker);
            self.facts = with.facts;
        }
    }

    pub(super) fn key(&mut self, key: KeyEvent) -> Reply {
        if is_cancel(key) {
            return Reply::Close;
        }
        if key.code == KeyCode::Enter {
            let picked = self.picker.selected();
            return picked.map_or(Reply::Stay, |row| Reply::Chosen(self.kind, row));
        }
        self.picker.key(key);
        Reply::Stay
    }

    pub(super) fn paste(&mut self, text: &str) -> Reply {
        self.picker.paste(text);
        Reply::Stay
    }

    pub(super) fn scroll(&mut self, rows: isize) -> Reply {
        self.picker.step(rows);
        Reply::Stay
    }

    pub(super) fn draw(&self, area: Rect, buf: &mut Buffer, theme: &Theme) -> Option<Position> {
        let (shown, all) = self.picker.counts();
        let rows = all.max(1) + self.facts.len() + usize::from(!self.facts.is_empty());
        let rows = u16::try_from(rows).unwrap_or(u16::MAX);
        let tall = area.height.saturating_sub(area.height / 8).max(5);
        let area = centred(
            area,
            BOX_CELLS.min(area.width),
            rows.saturating_add(3).min(tall),
        );
        let inner = draw_box(area, self.title, &format!("{shown}/{all}"), buf, theme);
        let (first, rest) = split_first_row(inner);
        let cursor = draw_input("> ", self.picker.pattern(), first, buf, theme);
        // the rows come first: facts get what half of the box leaves
        let facts = u16::try_from(self.facts.len()).unwrap_or(u16::MAX);
        let room = if facts == 0 {
            0
        } else {
            (facts + 1).min(rest.height / 2)
        };
        let list = Rect {
            height: rest.height - room,
            ..rest
        };
        self.picker.draw(list, buf, theme);
        let below = Rect {
            y: list.bottom() + 1,
            height: room.saturating_sub(1),
            ..rest
        };
        for (row, (fact, role)) in below.rows().zip(&self.facts) {
            let line = Line::from(Span::styled(fact.as_str(), theme.style(*role)));
            buf.set_line(row.x, row.y, &line, row.width);
        }
        cursor
    }
}
