//! Jumps from landmark to landmark, over steps and within the page.

use crate::ui::action::Landmark;
use crate::ui::action::Toward;
use crate::ui::page::LandmarkKind;
use crate::ui::view::Cx;
use crate::ui::view::trajectory::Arrival;
use crate::ui::view::trajectory::TrajectoryView;
use crate::ui::view::trajectory::rows::Row;

impl TrajectoryView {
    /// Goes to the next step with a landmark.
    pub(super) fn jump_row(
        &mut self,
        landmark: Landmark,
        toward: Toward,
        times: usize,
        cx: &Cx<'_>,
    ) {
        let is_wanted = |row: &Row| {
            let facts = self.facts(row);
            match landmark {
                Landmark::Error => facts.has_error || facts.flag.is_some(),
                Landmark::Edit | Landmark::Hunk => facts.is_edit,
                Landmark::Test => facts.is_test,
                Landmark::Hit | Landmark::Evidence | Landmark::Difference => false,
            }
        };
        let mut at = self.cursor.at;
        for _ in 0..times {
            let found = match toward {
                Toward::Next => {
                    (at + 1..self.rows.len()).find(|ix| self.rows.get(*ix).is_some_and(is_wanted))
                }
                Toward::Previous => (0..at)
                    .rev()
                    .find(|ix| self.rows.get(*ix).is_some_and(is_wanted)),
            };
            match found {
                Some(found) => at = found,
                None => break,
            }
        }
        self.go(at, cx);
    }

    /// Goes to the next hunk of the page, else to the first of the next step that edits.
    pub(super) fn jump_hunk(&mut self, toward: Toward, cx: &Cx<'_>) {
        let hunk = self.lens(cx).and_then(|(viewport, lens)| {
            let marks = lens.page.landmarks();
            let mut hunks = marks
                .iter()
                .filter(|(_, kind)| *kind == LandmarkKind::Hunk)
                .map(|(line, _)| *line);
            let last_visible = viewport.visible(&lens).end;
            match toward {
                // hunks near the end of a page cannot be scrolled to the top: those in sight count as seen
                Toward::Next => hunks.find(|line| {
                    *line > viewport.line && (*line >= last_visible || self.is_page_focused)
                }),
                Toward::Previous => hunks.rfind(|line| *line < viewport.line),
            }
        });
        let moved = hunk.and_then(|line| {
            let (mut viewport, lens) = self.lens(cx)?;
            let before = viewport;
            viewport.go(line, &lens);
            (viewport != before).then_some(viewport)
        });
        if moved.is_some() {
            self.set_viewport(moved, cx);
            return;
        }
        let before = self.cursor.at;
        self.jump_row(Landmark::Hunk, toward, 1, cx);
        if self.cursor.at != before {
            let arrival = if toward == Toward::Next {
                Arrival::FirstHunk
            } else {
                Arrival::LastHunk
            };
            self.arrival = Some((self.cursor.at, arrival));
            self.arrive(cx);
        }
    }

    /// Goes where a jump wanted to go, once the page is there.
    pub(super) fn arrive(&mut self, cx: &Cx<'_>) {
        let Some((row, arrival)) = self.arrival else {
            return;
        };
        if row != self.cursor.at {
            self.arrival = None;
            return;
        }
        let key = self.key(row, cx);
        let Some(held) = self.held.iter_mut().find(|held| Some(held.key) == key) else {
            return;
        };
        self.arrival = None;
        let line = match arrival {
            Arrival::Place(place) => Some(held.page.reveal(place)),
            Arrival::FirstHunk | Arrival::LastHunk => {
                let marks = held.page.landmarks();
                let mut hunks = marks
                    .iter()
                    .filter(|(_, kind)| *kind == LandmarkKind::Hunk)
                    .map(|(line, _)| *line);
                if arrival == Arrival::FirstHunk {
                    hunks.next()
                } else {
                    hunks.next_back()
                }
            }
        };
        let moved = line.and_then(|line| {
            let (mut viewport, lens) = self.lens(cx)?;
            match arrival {
                Arrival::Place(_) => viewport.show(line, &lens),
                _ => viewport.show(line.saturating_sub(1), &lens),
            }
            Some(viewport)
        });
        self.set_viewport(moved, cx);
    }
}
