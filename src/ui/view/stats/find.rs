//! Searching the page of statistics: its lines as they are laid out; `n` and `N` go round.

use regex::Regex;

use crate::ui::action::Toward;
use crate::ui::view::Cx;
use crate::ui::view::stats::StatsView;
use crate::ui::widget::hits::Hits;

/// A search: lines of the page.
pub(super) type Finding = Hits<usize, usize>;

impl StatsView {
    /// The line under the cursor, to come back to.
    pub fn line(&self) -> usize {
        self.cursor.at
    }

    /// Starts a search; goes to the first hit from the line `from` on.
    pub fn start_find(&mut self, pattern: Regex, from: usize, cx: &Cx<'_>) {
        if let Some(hit) = self.search(pattern, Some(from)) {
            self.return_to(hit, cx);
        }
    }

    /// Searches anew: the page was laid out anew.
    pub(super) fn find_again(&mut self) {
        if let Some(pattern) = self.find.as_ref().map(|find| find.pattern.clone()) {
            let _stays = self.search(pattern, None);
        }
    }

    /// The page is some hundred lines: it is searched at once.
    fn search(&mut self, pattern: Regex, from: Option<usize>) -> Option<usize> {
        let lines = self.lines.iter().enumerate();
        let found = lines.filter(|(_, line)| pattern.is_match(&line.text()));
        let places: Vec<usize> = found.map(|(at, _)| at).collect();
        let (find, hit) = Finding::at_once(pattern, from, places.into_iter());
        self.find = Some(find);
        hit
    }

    /// Forgets the search.
    pub fn stop_find(&mut self) {
        self.find = None;
    }

    /// Goes back to a line, as it was before a search that was given up.
    pub fn return_to(&mut self, line: usize, cx: &Cx<'_>) {
        self.cursor.go(line, self.lines.len(), Self::height(cx));
    }

    /// Which hit of how many, and whether all are known; `None` without a search.
    pub fn hit_position(&self) -> Option<(Option<usize>, usize, bool)> {
        self.find.as_ref().map(Finding::position)
    }

    pub(super) fn jump_hit(&mut self, toward: Toward, times: usize, cx: &Cx<'_>) {
        let hit = self.find.as_mut().and_then(|find| find.turn(toward, times));
        if let Some(hit) = hit {
            self.return_to(hit, cx);
        }
    }
}
