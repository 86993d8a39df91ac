//! What a search through all trajectories found: one row a step, while it goes on.

mod draw;
mod find;

use std::sync::Arc;

use ratatui::layout::Rect;

use crate::model::RecordIx;
use crate::search::Pattern;
use crate::text::human;
use crate::ui::action::Action;
use crate::ui::action::CopyWhat;
use crate::ui::action::Landmark;
use crate::ui::action::Toward;
use crate::ui::effect::Effect;
use crate::ui::event::Generation;
use crate::ui::event::GrepHit;
use crate::ui::event::GrepState;
use crate::ui::layout;
use crate::ui::page::FilePlace;
use crate::ui::view::Cx;
use crate::ui::view::results::find::Finding;
use crate::ui::widget::cursor::Cursor;

/// State of the screen of search results.
#[derive(Debug)]
pub struct ResultsView {
    generation: Generation,
    /// As it was typed.
    typed: String,
    pattern: Pattern,
    /// Shared with the search through them.
    rows: Arc<Vec<GrepHit>>,
    state: GrepState,
    cursor: Cursor,
    find: Option<Finding>,
    find_generation: Generation,
}

impl ResultsView {
    /// Hits that are kept; whoever has more wants another pattern.
    pub const MOST: usize = 100_000;

    /// A search that was begun under this number.
    pub fn new(generation: Generation, typed: &str, pattern: Pattern) -> Self {
        Self {
            generation,
            typed: typed.to_owned(),
            pattern,
            rows: Arc::default(),
            state: GrepState::default(),
            cursor: Cursor::default(),
            find: None,
            find_generation: Generation::default(),
        }
    }

    /// What is searched for.
    pub fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    /// The row under the cursor.
    pub fn row(&self) -> Option<&GrepHit> {
        self.rows.get(self.cursor.at)
    }

    /// The record of the row under the cursor.
    pub fn record(&self) -> Option<RecordIx> {
        self.row().map(|row| row.record)
    }

    /// Takes what was found, if it was asked for by this search.
    pub fn found(&mut self, generation: Generation, hits: Vec<GrepHit>, state: GrepState) {
        if generation == self.generation {
            Arc::make_mut(&mut self.rows).extend(hits);
            self.state = state;
        }
    }

    /// `3/41` of the rows.
    pub fn place_text(&self) -> String {
        let count = human::count;
        match self.rows.len() {
            0 => String::new(),
            len => format!("{}/{}", count(self.cursor.at + 1), count(len)),
        }
    }

    fn height(cx: &Cx<'_>) -> usize {
        usize::from(layout::results(cx.screen).rows.height)
    }

    /// Carries out an action; `false` when it means nothing here.
    pub fn apply(
        &mut self,
        action: Action,
        count: Option<usize>,
        cx: &Cx<'_>,
        effects: &mut Vec<Effect>,
    ) -> bool {
        match action {
            Action::Move(motion) => {
                let (len, height) = (self.rows.len(), Self::height(cx));
                self.cursor.apply(motion, count, len, height);
            }
            Action::Jump(Landmark::Hit, toward) => self.jump_hit(toward, count.unwrap_or(1), cx),
            Action::RecordHit(toward) => self.go_to_next_record(toward, cx),
            Action::Copy(what @ (CopyWhat::Id | CopyWhat::Reference)) => {
                let Some(row) = self.row() else { return true };
                let (text, word) = match what {
                    CopyWhat::Id => (row.id.to_string(), "id"),
                    _ => (row.reference.to_string(), "reference"),
                };
                effects.push(Effect::Copy(text, word));
            }
            _ => return false,
        }
        true
    }

    /// Goes to the first hit of the next record, or (backwards) of this one, then of the one before.
    fn go_to_next_record(&mut self, toward: Toward, cx: &Cx<'_>) {
        let at = self.cursor.at;
        let Some(here) = self.record() else { return };
        let first_of = |end: usize| {
            let last = end.checked_sub(1)?;
            let record = self.rows.get(last)?.record;
            let before = self.rows.get(..end)?.iter().rev();
            Some(end - before.take_while(|row| row.record == record).count())
        };
        let to = match toward {
            Toward::Next => {
                let after = self.rows.iter().skip(at);
                Some(at + after.take_while(|row| row.record == here).count())
            }
            Toward::Previous => match first_of(at + 1) {
                Some(first) if first == at => first_of(at),
                first => first,
            },
        };
        if let Some(to) = to.filter(|to| *to < self.rows.len()) {
            self.cursor.go(to, self.rows.len(), Self::height(cx));
        }
    }

    /// The step of the row under the cursor, for the files as it left them.
    pub fn file_place(&self) -> FilePlace {
        self.row().map_or_else(FilePlace::default, |row| FilePlace {
            children: row.children.clone(),
            step: row.step,
            path: None,
        })
    }

    /// Keeps the cursor among the rows, and has those searched that came in.
    pub fn sync(&mut self, cx: &Cx<'_>, effects: &mut Vec<Effect>) {
        self.fit(cx);
        self.find_more(effects);
    }

    /// Ends the search; `false` when there is none.
    pub fn escape(&mut self, effects: &mut Vec<Effect>) -> bool {
        let had_one = self.find.take().is_some();
        if had_one {
            effects.push(Effect::StopFind);
        }
        had_one
    }

    fn fit(&mut self, cx: &Cx<'_>) {
        self.cursor.fit(self.rows.len(), Self::height(cx));
    }

    /// Goes to the row that was clicked.
    pub fn click(&mut self, x: u16, y: u16, cx: &Cx<'_>) {
        let area: Rect = layout::results(cx.screen).rows;
        if area.contains((x, y).into()) {
            let row = self.cursor.top + usize::from(y - area.y);
            self.cursor.go(row, self.rows.len(), Self::height(cx));
        }
    }

    /// Scrolls.
    pub fn wheel(&mut self, rows: isize, cx: &Cx<'_>) {
        self.cursor.scroll(rows, self.rows.len(), Self::height(cx));
    }
}
