//! What is done to many records at once, a part at a time: no key press waits for a hundred thousand lines. What is
//! done meanwhile goes behind it, so that undo finds what was done last.

use std::collections::HashMap;
use std::collections::VecDeque;

use crate::model::RecordIx;
use crate::review::Change;
use crate::review::Moment;
use crate::review::Seen;

/// What is to be done to many records, undone as one.
#[derive(Debug, Clone, PartialEq)]
pub struct Act {
    /// The records, in the order in which their lines are written.
    pub records: Vec<RecordIx>,
    /// What is set on each of them.
    pub change: Change,
    /// What the filter said of each, as far as it was to be seen; none where nothing is decided.
    pub seen: Vec<Seen>,
    /// It settles the disputes of others.
    pub settles: bool,
}

impl Act {
    /// The same change of all records, which decides nothing.
    pub fn of(records: Vec<RecordIx>, change: Change) -> Self {
        Self {
            records,
            change,
            seen: Vec::new(),
            settles: false,
        }
    }

    /// The change of the record at a place.
    pub fn change_of(&self, place: usize) -> Change {
        Change {
            seen: self.seen.get(place).copied().unwrap_or(self.change.seen),
            ..self.change.clone()
        }
    }
}

/// A part of what is to be done.
#[derive(Debug)]
pub struct Part {
    /// The records with what is set on each.
    pub changes: Vec<(RecordIx, Change)>,
    /// Whether it settles the disputes of others.
    pub settles: bool,
    /// When all of it is done.
    pub at: Moment,
}

/// What was taken back before all of it was done.
#[derive(Debug, Clone, Copy)]
pub(super) struct Undone {
    /// When, where it was begun.
    pub(super) at: Option<Moment>,
    /// It gave a reason to what was decided before, and nothing else.
    pub(super) is_reason: bool,
}

/// Acts that are not done yet, oldest first.
#[derive(Debug, Default)]
pub(super) struct Bulks {
    bulks: VecDeque<Bulk>,
    /// Records that are decided by what is not done yet, and how often.
    decided: HashMap<RecordIx, usize>,
}

#[derive(Debug)]
struct Bulk {
    act: Act,
    /// Records that are done.
    done: usize,
    at: Option<Moment>,
}

impl Bulks {
    pub(super) fn is_empty(&self) -> bool {
        self.bulks.is_empty()
    }

    /// Whether the record is decided by something that is not done yet.
    pub(super) fn decides(&self, ix: RecordIx) -> bool {
        self.decided.contains_key(&ix)
    }

    pub(super) fn push(&mut self, act: Act) {
        if act.change.decision.set().is_some() {
            for ix in &act.records {
                *self.decided.entry(*ix).or_default() += 1;
            }
        }
        self.bulks.push_back(Bulk {
            act,
            done: 0,
            at: None,
        });
    }

    /// The next records; `begin` gives the moment of an act that begins.
    pub(super) fn next(&mut self, most: usize, begin: impl FnOnce() -> Moment) -> Option<Part> {
        let bulk = self.bulks.front_mut()?;
        let at = *bulk.at.get_or_insert_with(begin);
        let places = bulk.done..(bulk.done + most).min(bulk.act.records.len());
        let change =
            |place: usize| Some((*bulk.act.records.get(place)?, bulk.act.change_of(place)));
        let part = Part {
            changes: places.clone().filter_map(change).collect(),
            settles: bulk.act.settles,
            at,
        };
        bulk.done = places.end;
        let is_decision = bulk.act.change.decision.set().is_some();
        if bulk.done == bulk.act.records.len() {
            self.bulks.pop_front();
        }
        if is_decision {
            for (ix, _) in &part.changes {
                self.forget(*ix);
            }
        }
        Some(part)
    }

    /// Takes out what is left of the newest act.
    pub(super) fn pop_last(&mut self) -> Option<Undone> {
        let bulk = self.bulks.pop_back()?;
        if bulk.act.change.decision.set().is_some() {
            for ix in bulk.act.records.iter().skip(bulk.done) {
                self.forget(*ix);
            }
        }
        Some(Undone {
            at: bulk.at,
            is_reason: bulk.act.change.is_reason(),
        })
    }

    fn forget(&mut self, ix: RecordIx) {
        if let Some(count) = self.decided.get_mut(&ix) {
            *count -= 1;
            if *count == 0 {
                self.decided.remove(&ix);
            }
        }
    }

    /// What is not done yet, in words, for the end of the program.
    pub(super) fn words(&self) -> Vec<String> {
        let words = |bulk: &Bulk| {
            let decision = bulk.act.change.decision.set();
            let what = decision.map_or("changed", |choice| choice.past());
            format!("{what}: {} records", bulk.act.records.len() - bulk.done)
        };
        self.bulks.iter().map(words).collect()
    }
}
