//! Searching a patch: the page as it is laid out, folds open; `n` and `N` go round.

use regex::Regex;

use crate::ui::action::Toward;
use crate::ui::effect::Effect;
use crate::ui::event::Generation;
use crate::ui::event::RowHit;
use crate::ui::page::Place;
use crate::ui::view::Cx;
use crate::ui::view::patch::PatchView;
use crate::ui::widget::hits::Hits;

/// A search under way: places of the page.
pub(super) type Finding = Hits<Place, Place>;

impl PatchView {
    /// The line at the top of the window, to come back to.
    pub fn line(&self) -> usize {
        self.held().map_or(0, |held| held.viewport.line)
    }

    /// Starts a search; goes to the first hit from the line `from` on.
    pub fn start_find(&mut self, pattern: Regex, from: usize, effects: &mut Vec<Effect>) {
        let Some(held) = self.held() else { return };
        let from = held.patch.page.place(from);
        self.ask(pattern, Some(from), effects);
    }

    /// Searches as soon as the page is there.
    #[must_use]
    pub fn searching(mut self, pattern: Regex) -> Self {
        self.find = Some(Finding::new(self.find_generation.advance(), pattern, None));
        self
    }

    /// Searches anew: the page was laid out anew.
    pub(super) fn find_again(&mut self, effects: &mut Vec<Effect>) {
        let Some(find) = &self.find else { return };
        let (pattern, is_first) = (find.pattern.clone(), find.current().is_none());
        // who was not at a hit yet goes to the first
        let top = self.held().filter(|_| is_first);
        let from = top.map(|held| held.patch.page.place(0));
        self.ask(pattern, from, effects);
    }

    fn ask(&mut self, pattern: Regex, from: Option<Place>, effects: &mut Vec<Effect>) {
        let Some(text) = self.held().map(|held| held.patch.page.searchable()) else {
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
        let moved = self.lens(cx).map(|(mut viewport, lens)| {
            viewport.go(line, &lens);
            viewport
        });
        self.set_viewport(moved);
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
        let Some(held) = self.held_mut() else { return };
        let line = held.patch.page.reveal(place);
        held.inks_asked = None;
        let moved = self.lens(cx).map(|(mut viewport, lens)| {
            viewport.show(line, &lens);
            viewport
        });
        (self.focus, self.mark) = (Some(place), None);
        self.set_viewport(moved);
    }

    /// The line of the page that has the current hit.
    pub(super) fn current_hit_line(&self) -> Option<usize> {
        let place = self.find.as_ref()?.current()?;
        Some(self.held()?.patch.page.line_of(*place))
    }
}
