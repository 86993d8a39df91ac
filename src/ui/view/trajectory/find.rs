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
use crate::ui::view::trajectory::TrajectoryView;
use crate::ui::view::trajectory::rows;
use crate::ui::view::trajectory::rows::Row;
use crate::ui::view::trajectory::rows::Unfolded;

/// A search under way.
#[derive(Debug)]
pub(super) struct Finding {
    generation: Generation,
    /// What is searched for.
    pub(super) pattern: Regex,
    /// All rows, children unfolded; hits count in these.
    rows: Arc<Vec<(Vec<usize>, Subject)>>,
    hits: Vec<RowHit>,
    is_done: bool,
    current: Option<usize>,
    /// The row from which the first hit is wanted, until it was gone to.
    from: Option<usize>,
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
        let Some(trajectory) = self.trajectory().cloned() else {
            return;
        };
        let all = rows::flatten(&trajectory, &Unfolded::all());
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
            generation,
            pattern: pattern.clone(),
            rows: Arc::clone(&rows),
            hits: Vec::new(),
            is_done: false,
            current: None,
            from: Some(origin),
        });
        let options = self.options(cx);
        effects.push(Effect::Find(Box::new(FindJob {
            generation,
            trajectory,
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
        self.find
            .as_ref()
            .map(|find| (find.current, find.hits.len(), find.is_done))
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
        if find.generation != generation {
            return;
        }
        find.hits.extend(hits);
        find.is_done |= is_done;
        let Some(from) = find.from else { return };
        let first = find.hits.iter().position(|hit| hit.row >= from);
        let target = first.or_else(|| (find.is_done && !find.hits.is_empty()).then_some(0));
        if let Some(target) = target {
            find.from = None;
            self.go_to_hit(target, cx);
        }
    }

    pub(super) fn jump_hit(&mut self, toward: Toward, times: usize, cx: &Cx<'_>) {
        let Some(find) = &self.find else { return };
        let len = find.hits.len();
        if len == 0 {
            return;
        }
        let times = times % len;
        let target = match (find.current, toward) {
            (Some(current), Toward::Next) => (current + times) % len,
            (Some(current), Toward::Previous) => (current + len - times) % len,
            (None, Toward::Next) => 0,
            (None, Toward::Previous) => len - 1,
        };
        self.go_to_hit(target, cx);
    }

    fn go_to_hit(&mut self, target: usize, cx: &Cx<'_>) {
        let Some(find) = &mut self.find else { return };
        let Some(hit) = find.hits.get(target) else {
            return;
        };
        find.current = Some(target);
        let place = hit.place;
        let Some((path, subject)) = find.rows.get(hit.row).cloned() else {
            return;
        };
        if self.unfolded.open(&path) {
            self.refresh_rows();
        }
        let run = self
            .rows
            .iter()
            .find(|row| row.run > 1 && row.covers(&path, subject));
        if let Some(Row {
            subject: Subject::Step(first),
            ..
        }) = run
        {
            let first = first.0;
            self.unfolded.toggle_run(&path, first);
            self.refresh_rows();
        }
        let Some(row) = self.go_to(&path, subject, cx) else {
            return;
        };
        self.is_raw = false;
        self.arrival = Some((row, Arrival::Place(place)));
        self.arrive(cx);
    }

    /// The line of the shown page that has the current hit.
    pub(super) fn current_hit_line(&self, cx: &Cx<'_>) -> Option<usize> {
        let find = self.find.as_ref()?;
        let hit = find.hits.get(find.current?)?;
        let (path, subject) = find.rows.get(hit.row)?;
        let row = self.rows.get(self.cursor.at)?;
        let held = self.current(cx)?;
        (row.path == *path && row.subject == *subject).then(|| held.page.line_of(hit.place))
    }
}
