//! The search among the calls: what they do, how they came out and why. The rows are short and at hand.

use regex::Regex;

use crate::ui::action::Toward;
use crate::ui::effect::Effect;
use crate::ui::view::Cx;
use crate::ui::view::panes::Focus;
use crate::ui::view::replay::Lower;
use crate::ui::view::replay::ReplayView;
use crate::ui::widget::hits::Hits;

/// Rows that match.
pub(super) type Finding = Hits<usize, usize>;

impl ReplayView {
    /// The row that has the cursor, or the line of the file at the top.
    pub fn line(&self) -> usize {
        if self.shows_files() {
            return self.file_line();
        }
        self.cursor.at
    }

    /// Searches the calls and goes to the first hit from a row on.
    pub fn start_find(
        &mut self,
        pattern: Regex,
        from: usize,
        cx: &Cx<'_>,
        effects: &mut Vec<Effect>,
    ) {
        if self.shows_files() {
            self.find_in_file(pattern, from, effects);
            return;
        }
        let matches = |ix: &usize| {
            let call = self.calls().get(*ix);
            let is_call = call.is_some_and(|call| pattern.is_match(&call.meaning));
            let outcome = self.outcomes.get(*ix).map(|(outcome, _)| outcome);
            let is_outcome = outcome.is_some_and(|outcome| {
                let why = outcome.why.as_deref().unwrap_or_default();
                pattern.is_match(outcome.verdict.name()) || pattern.is_match(why)
            });
            is_call || is_outcome
        };
        let found: Vec<usize> = (0..self.calls().len()).filter(matches).collect();
        let (find, hit) = Finding::at_once(pattern, Some(from), found.into_iter());
        self.find = Some(find);
        if let Some(hit) = hit {
            self.go_to_hit(hit, cx);
        }
    }

    fn go_to_hit(&mut self, row: usize, cx: &Cx<'_>) {
        self.is_following = false;
        self.focus = Focus::Rows;
        if self.is_whole() {
            self.lower = Lower::Both;
        }
        self.go(row, cx);
    }

    /// Goes to the next or previous hit; `false` while nothing is searched for.
    pub(super) fn next_hit(&mut self, toward: Toward, times: usize, cx: &Cx<'_>) -> bool {
        let Some(find) = &mut self.find else {
            return false;
        };
        if let Some(hit) = find.turn(toward, times) {
            self.go_to_hit(hit, cx);
        }
        true
    }

    /// Ends the search; `false` when there was none.
    pub fn stop_find(&mut self) -> bool {
        if self.shows_files() {
            return self.stop_file_find();
        }
        self.find.take().is_some()
    }

    /// Goes back to where a search began.
    pub fn return_to(&mut self, row: usize, cx: &Cx<'_>) {
        if self.shows_files() {
            self.show_file_line(row, cx);
            return;
        }
        self.go(row, cx);
    }

    /// The current hit, how many there are, and whether these are all.
    pub fn hit_position(&self) -> Option<(Option<usize>, usize, bool)> {
        if self.shows_files() {
            return self.place_position();
        }
        self.find.as_ref().map(Finding::position)
    }
}
