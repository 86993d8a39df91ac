//! Searching the file that is shown; `n` and `N` go round.

use regex::Regex;

use crate::ui::action::Toward;
use crate::ui::effect::Effect;
use crate::ui::event::Generation;
use crate::ui::event::RowHit;
use crate::ui::page::Place;
use crate::ui::view::Cx;
use crate::ui::view::file::FileView;
use crate::ui::widget::hits::Hits;

/// A search under way: places of the page.
pub(super) type Finding = Hits<Place, Place>;

impl FileView {
    /// The line under the cursor, to come back to.
    pub fn line(&self) -> usize {
        self.line
    }

    /// Starts a search; goes to the first hit from the line `from` on.
    pub fn start_find(&mut self, pattern: Regex, from: usize, effects: &mut Vec<Effect>) {
        let Some(held) = self.held() else { return };
        let from = held.file.page.place(from);
        self.ask(pattern, Some(from), effects);
    }

    /// Searches anew: the page was laid out anew.
    pub(super) fn find_again(&mut self, effects: &mut Vec<Effect>) {
        if let Some(pattern) = self.find.as_ref().map(|find| find.pattern.clone()) {
            self.ask(pattern, None, effects);
        }
    }

    fn ask(&mut self, pattern: Regex, from: Option<Place>, effects: &mut Vec<Effect>) {
        let Some(text) = self.held().map(|held| held.file.page.searchable()) else {
            return;
        };
        let generation = self.find_generation.advance();
        self.find = Some(Finding::new(generation, pattern.clone(), from));
        effects.push(Effect::FindInPage(generation, text, pattern));
    }

    /// Forgets the search.
    pub fn stop_find(&mut self) {
        self.find = None;
    }

    /// Goes back to a line, as it was before a search that was given up.
    pub fn return_to(&mut self, line: usize, cx: &Cx<'_>) {
        self.line = line;
        self.show_line(cx);
    }

    /// Which hit of how many, and whether all are known; `None` without a search.
    pub fn hit_position(&self) -> Option<(Option<usize>, usize, bool)> {
        self.find.as_ref().map(Finding::position)
    }

    /// Takes hits.
    pub fn hits_found(
        &mut self,
        generation: Generation,
        hits: &[RowHit],
        is_done: bool,
        cx: &Cx<'_>,
    ) {
        let Some(find) = &mut self.find else { return };
        let places = hits.iter().map(|hit| hit.place);
        let hit = find.add(generation, places, is_done, |hit, from| *hit >= from);
        if let Some(hit) = hit {
            self.go_to_hit(hit, cx);
        }
    }

    pub(super) fn jump_hit(&mut self, toward: Toward, times: usize, cx: &Cx<'_>) {
        let hit = self.find.as_mut().and_then(|find| find.turn(toward, times));
        if let Some(hit) = hit {
            self.go_to_hit(hit, cx);
        }
    }

    fn go_to_hit(&mut self, place: Place, cx: &Cx<'_>) {
        let Some(held) = self.held() else { return };
        self.line = held.file.page.line_of(place);
        self.show_line(cx);
    }

    /// The line of the page that has the current hit.
    pub(super) fn current_hit_line(&self) -> Option<usize> {
        let place = self.find.as_ref()?.current()?;
        Some(self.held()?.file.page.line_of(*place))
    }
}
