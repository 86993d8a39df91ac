//! Searching two attempts: rows of whose steps one matches in any of its texts; `n` and `N` go round, and open what is
//! folded.

use std::sync::Arc;

use regex::Regex;

use crate::ui::action::Toward;
use crate::ui::effect::Among;
use crate::ui::effect::Effect;
use crate::ui::event::Generation;
use crate::ui::view::Cx;
use crate::ui::view::compare::CompareView;
use crate::ui::view::compare::Content;
use crate::ui::view::compare::Focus;
use crate::ui::view::compare::Lower;
use crate::ui::widget::hits::Hits;

/// A search under way: rows of the alignment.
pub(super) type Finding = Hits<usize, usize>;

impl CompareView {
    /// The row of the alignment under the cursor, to come back to.
    pub fn line(&self) -> usize {
        self.rows.first_row(self.cursor.at).unwrap_or(0)
    }

    /// Whether the rows are in sight, which a search goes through.
    pub fn shows_rows(&self) -> bool {
        self.lower != Lower::Patches
    }

    /// Starts a search; goes to the first hit from the row `from` on.
    pub fn start_find(&mut self, pattern: Regex, from: usize, effects: &mut Vec<Effect>) {
        let Content::Read(compared) = &self.content else {
            return;
        };
        let generation = self.find_generation.advance();
        let among = Among::Attempts(self.opened, generation, Arc::clone(compared));
        effects.push(Effect::FindAmong(among, pattern.clone()));
        self.find = Some(Finding::new(generation, pattern, Some(from)));
    }

    /// Takes the rows that match.
    pub fn rows_found(&mut self, generation: Generation, rows: Vec<usize>, cx: &Cx<'_>) {
        let Some(find) = &mut self.find else { return };
        let hit = find.add(generation, rows, true, |row, from| *row >= from);
        if let Some(hit) = hit {
            self.go_to_hit(hit, cx);
        }
    }

    /// Forgets the search.
    pub fn stop_find(&mut self) {
        self.find = None;
    }

    /// Goes back to a row, as it was before a search that was given up.
    pub fn return_to(&mut self, row: usize, cx: &Cx<'_>) {
        self.go(self.rows.place_of(row), cx);
        self.fit(cx);
    }

    /// Which hit of how many, and whether all are known; `None` without a search.
    pub fn hit_position(&self) -> Option<(Option<usize>, usize, bool)> {
        self.find.as_ref().map(Finding::position)
    }

    pub(super) fn jump_hit(&mut self, toward: Toward, times: usize, cx: &Cx<'_>) {
        let hit = self.find.as_mut().and_then(|find| find.turn(toward, times));
        if let Some(hit) = hit {
            self.go_to_hit(hit, cx);
        }
    }

    fn go_to_hit(&mut self, row: usize, cx: &Cx<'_>) {
        if !self.rows.has(row) {
            self.rows.toggle(row);
        }
        self.focus = Focus::Rows;
        self.return_to(row, cx);
    }
}
