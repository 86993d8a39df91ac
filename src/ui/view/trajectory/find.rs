//! Searching a trajectory: hits arrive while one looks, `n` and `N` go round, folded children open as needed.

use std::sync::Arc;

use regex::Regex;

use crate::ui::action::Toward;
use crate::ui::effect::Effect;
use crate::ui::effect::FindJob;
use crate::ui::event::Generation;
use crate::ui::event::RowHit;
use crate::ui::page::Subject;
use crate::ui::view::Cx;
use crate::ui::view::trajectory::Arrival;
use crate::ui::view::trajectory::Content;
use crate::ui::view::trajectory::TrajectoryView;
use crate::ui::view::trajectory::rows;
use crate::ui::view::trajectory::rows::Unfolded;
use crate::ui::widget::hits::Hits;

/// A search under way.
#[derive(Debug)]
pub(super) struct Finding {
    /// Hits, wanted from a row on.
    pub(super) hits: Hits<RowHit, usize>,
    /// All rows, children unfolded; hits count in these.
    rows: Arc<Vec<(Vec<usize>, Subject)>>,
}

impl TrajectoryView {
    /// Starts a search; goes to the first hit from the row `from` on (a row of the step list).
    pub fn start_find(
        &mut self,
        pattern: Regex,
        from: usize,
        cx: &Cx<'_>,
        effects: &mut Vec<Effect>,
    ) {
        let Content::Read(trajectory, outline) = &self.content else {
            return;
        };
        let (trajectory, outline) = (Arc::clone(trajectory), Arc::clone(outline));
        let all = rows::flatten(&trajectory, &Unfolded::all(), self.of_task(&outline, &[]));
        let origin = self
            .rows
            .get(from)
            .and_then(|row| {
                all.iter()
                    .position(|other| row.covers(&other.path, other.subject))
            })
            .unwrap_or(0);
        let rows: Arc<Vec<_>> =
            Arc::new(all.into_iter().map(|row| (row.path, row.subject)).collect());
        let generation = self.find_generation.advance();
        self.find = Some(Finding {
            hits: Hits::new(generation, pattern.clone(), Some(origin)),
            rows: Arc::clone(&rows),
        });
        let options = self.options(cx);
        effects.push(Effect::Find(Box::new(FindJob {
            generation,
            trajectory,
            outline,
            rows,
            pattern,
            options,
        })));
    }

    /// Forgets the search.
    pub fn stop_find(&mut self) {
        self.find = None;
    }

    /// Goes back to a row, as it was before a search that was given up.
    pub fn return_to(&mut self, row: usize, cx: &Cx<'_>) {
        self.go(row, cx);
    }

    /// Which hit of how many, and whether all are known; `None` without a search.
    pub fn hit_position(&self) -> Option<(Option<usize>, usize, bool)> {
        self.find.as_ref().map(|find| find.hits.position())
    }

    /// Takes more hits.
    pub fn hits_found(
        &mut self,
        generation: Generation,
        hits: Vec<RowHit>,
        is_done: bool,
        cx: &Cx<'_>,
    ) {
        let Some(find) = &mut self.find else { return };
        let is_from = |hit: &RowHit, from| hit.row >= from;
        if let Some(hit) = find.hits.add(generation, hits, is_done, is_from) {
            self.go_to_hit(hit, cx);
        }
    }

    pub(super) fn jump_hit(&mut self, toward: Toward, times: usize, cx: &Cx<'_>) {
        let find = self.find.as_mut();
        if let Some(hit) = find.and_then(|find| find.hits.turn(toward, times)) {
            self.go_to_hit(hit, cx);
        }
    }

    fn go_to_hit(&mut self, hit: RowHit, cx: &Cx<'_>) {
        let Some(find) = &self.find else { return };
        let Some((path, subject)) = find.rows.get(hit.row).cloned() else {
            return;
        };
        self.unfold_to(&path, subject);
        let Some(row) = self.go_to(&path, subject, cx) else {
            return;
        };
        self.is_raw = false;
        self.arrival = Some((row, Arrival::Place(hit.place)));
        self.arrive(cx);
    }

    /// The line of the shown page that has the current hit.
    pub(super) fn current_hit_line(&self, cx: &Cx<'_>) -> Option<usize> {
        let find = self.find.as_ref()?;
        let hit = find.hits.current()?;
        let (path, subject) = find.rows.get(hit.row)?;
        let row = self.rows.get(self.cursor.at)?;
        let held = self.current(cx)?;
        (row.path == *path && row.subject == *subject).then(|| held.page.line_of(hit.place))
    }
}
