//! The search among the calls: what they do, how they came out and why. The rows are short and at hand.

use regex::Regex;

use crate::ui::action::Toward;
use crate::ui::event::Generation;
use crate::ui::view::Cx;
use crate::ui::view::replay::Focus;
use crate::ui::view::replay::Lower;
use crate::ui::view::replay::ReplayView;
use crate::ui::widget::hits::Hits;

/// Rows that match.
pub(super) type Finding = Hits<usize, usize>;

impl ReplayView {
    /// The row that has the cursor.
    pub fn line(&self) -> usize {
        self.cursor.at
    }

    /// Searches the calls and goes to the first hit from a row on.
    pub fn start_find(&mut self, pattern: Regex, from: usize, cx: &Cx<'_>) {
        let matches = |ix: &usize| {
            let call = self.calls().get(*ix);
            let is_call = call.is_some_and(|call| pattern.is_match(&call.meaning));
            let outcome = self.outcome(*ix).map(|(outcome, _)| outcome);
            let is_outcome = outcome.is_some_and(|outcome| {
                let why = outcome.why.as_deref().unwrap_or_default();
                pattern.is_match(outcome.verdict.name()) || pattern.is_match(why)
            });
            is_call || is_outcome
        };
        let found: Vec<usize> = (0..self.calls().len()).filter(matches).collect();
        let generation = Generation::default();
        let mut finding = Finding::new(generation, pattern, Some(from));
        let target = finding.add(generation, found, true, |hit, from| *hit >= from);
        self.find = Some(finding);
        if let Some(target) = target {
            self.go_to_hit(target, cx);
        }
    }

    fn go_to_hit(&mut self, target: usize, cx: &Cx<'_>) {
        let hit = self.find.as_mut().and_then(|find| find.go(target)).copied();
        if let Some(row) = hit {
            self.is_following = false;
            self.focus = Focus::Rows;
            if self.is_whole() {
                self.lower = Lower::Both;
            }
            self.go(row, cx);
        }
    }

    /// Goes to the next or previous hit; `false` while nothing is searched for.
    pub(super) fn next_hit(&mut self, toward: Toward, times: usize, cx: &Cx<'_>) -> bool {
        let Some(find) = &self.find else { return false };
        if let Some(target) = find.step(toward, times) {
            self.go_to_hit(target, cx);
        }
        true
    }

    /// Ends the search; `false` when there was none.
    pub fn stop_find(&mut self) -> bool {
        self.find.take().is_some()
    }

    /// Goes back to where a search began.
    pub fn return_to(&mut self, row: usize, cx: &Cx<'_>) {
        self.go(row, cx);
    }

    /// The current hit, how many there are, and whether these are all.
    pub fn hit_position(&self) -> Option<(Option<usize>, usize, bool)> {
        self.find.as_ref().map(Finding::position)
    }
}
