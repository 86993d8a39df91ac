//! Searching the results of a search: their names and lines; those that come in meanwhile, too.

use std::sync::Arc;

use regex::Regex;

use crate::ui::action::Toward;
use crate::ui::effect::Among;
use crate::ui::effect::Effect;
use crate::ui::event::Generation;
use crate::ui::view::Cx;
use crate::ui::view::results::ResultsView;
use crate::ui::widget::hits::Hits;

/// A search under way.
#[derive(Debug)]
pub(super) struct Finding {
    hits: Hits<usize, usize>,
    generation: Generation,
    /// Rows that were searched.
    searched: usize,
    /// Rows up to which an answer is awaited.
    asked: Option<usize>,
}

impl ResultsView {
    /// The row under the cursor, to come back to.
    pub fn line(&self) -> usize {
        self.cursor.at
    }

    /// Starts a search; goes to the first hit from the row `from` on.
    pub fn start_find(&mut self, pattern: Regex, from: usize, effects: &mut Vec<Effect>) {
        let generation = self.find_generation.advance();
        self.find = Some(Finding {
            hits: Hits::new(generation, pattern, Some(from)),
            generation,
            searched: 0,
            asked: None,
        });
        self.find_more(effects);
    }

    /// Has the rows searched that came in since.
    pub(super) fn find_more(&mut self, effects: &mut Vec<Effect>) {
        let Some(find) = &mut self.find else { return };
        if find.asked.is_none() && find.searched < self.rows.len() {
            find.asked = Some(self.rows.len());
            let among = Among::Results(find.generation, Arc::clone(&self.rows), find.searched);
            effects.push(Effect::FindAmong(among, find.hits.pattern.clone()));
        }
    }

    /// Takes the rows that match.
    pub fn rows_found(&mut self, generation: Generation, rows: Vec<usize>, cx: &Cx<'_>) {
        let is_over = self.state.is_done;
        let Some(find) = self.find.as_mut() else {
            return;
        };
        if find.generation != generation {
            return;
        }
        find.searched = find.asked.take().unwrap_or(find.searched);
        let is_done = is_over && find.searched == self.rows.len();
        let hit = find
            .hits
            .add(generation, rows, is_done, |row, from| *row >= from);
        if let Some(hit) = hit {
            self.return_to(hit, cx);
        }
    }

    /// Forgets the search.
    pub fn stop_find(&mut self) {
        self.find = None;
    }

    /// Goes back to a row, as it was before a search that was given up.
    pub fn return_to(&mut self, row: usize, cx: &Cx<'_>) {
        self.cursor.go(row, self.rows.len(), Self::height(cx));
    }

    /// Which hit of how many, and whether all are known; `None` without a search.
    pub fn hit_position(&self) -> Option<(Option<usize>, usize, bool)> {
        let find = self.find.as_ref()?;
        let (current, total, _) = find.hits.position();
        let is_done = self.state.is_done && find.searched == self.rows.len();
        Some((current, total, is_done))
    }

    pub(super) fn jump_hit(&mut self, toward: Toward, times: usize, cx: &Cx<'_>) {
        let find = self.find.as_mut();
        if let Some(hit) = find.and_then(|find| find.hits.turn(toward, times)) {
            self.return_to(hit, cx);
        }
    }
}
