//! What is to be done to records whose content is not known yet: groups of deeds, done in their order.

use std::collections::HashMap;
use std::collections::HashSet;
use std::collections::VecDeque;

use crate::model::RecordIx;
use crate::review::Moment;
use crate::ui::data::desk::Deed;
use crate::ui::data::desk::bulk::Undone;

/// Groups of deeds that wait, oldest first. All costs but giving up are those of the records concerned.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    groups: VecDeque<Group>,
    /// Records that are decided by what waits, and how often.
    decided: HashMap<RecordIx, usize>,
}

/// Deeds that were done at once.
#[derive(Debug)]
struct Group {
    deeds: Vec<Deed>,
    /// Records whose content is not known.
    missing: HashSet<RecordIx>,
    /// The moment of what these are a part of.
    at: Option<Moment>,
}

impl Waiting {
    pub(super) fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// Whether the record is decided by something that waits.
    pub(super) fn decides(&self, ix: RecordIx) -> bool {
        self.decided.contains_key(&ix)
    }

    pub(super) fn push(
        &mut self,
        deeds: Vec<Deed>,
        missing: HashSet<RecordIx>,
        at: Option<Moment>,
    ) {
        for deed in deeds.iter().filter(|deed| is_decision(deed)) {
            *self.decided.entry(deed.ix).or_default() += 1;
        }
        self.groups.push_back(Group { deeds, missing, at });
    }

    /// The content of a record became known.
    pub(super) fn learn(&mut self, ix: RecordIx) {
        for group in &mut self.groups {
            group.missing.remove(&ix);
        }
    }

    /// The content of a record is no longer known.
    pub(super) fn forget(&mut self, ix: RecordIx) {
        for group in &mut self.groups {
            if group.deeds.iter().any(|deed| deed.ix == ix) {
                group.missing.insert(ix);
            }
        }
    }

    /// The oldest group, once nothing of it is missing.
    pub(super) fn pop_ready(&mut self) -> Option<(Vec<Deed>, Option<Moment>)> {
        let is_ready = self
            .groups
            .front()
            .is_some_and(|group| group.missing.is_empty());
        let group = if is_ready {
            self.groups.pop_front()
        } else {
            None
        };
        group.map(|group| self.gone(group))
    }

    /// Takes out the newest group, whatever is missing.
    pub(super) fn pop_last(&mut self) -> Option<Undone> {
        let (deeds, at) = self.groups.pop_back().map(|group| self.gone(group))?;
        let is_reason = deeds.iter().all(|deed| deed.change.is_reason());
        Some(Undone { at, is_reason })
    }

    /// Takes out all parts of what was begun at a moment.
    pub(super) fn drop_parts(&mut self, at: Moment) {
        while self.groups.back().is_some_and(|group| group.at == Some(at)) {
            let _gone = self.pop_last();
        }
    }

    fn gone(&mut self, group: Group) -> (Vec<Deed>, Option<Moment>) {
        self.forget_decisions(&group.deeds);
        (group.deeds, group.at)
    }

    fn forget_decisions(&mut self, deeds: &[Deed]) {
        for deed in deeds.iter().filter(|deed| is_decision(deed)) {
            if let Some(count) = self.decided.get_mut(&deed.ix) {
                *count -= 1;
                if *count == 0 {
                    self.decided.remove(&deed.ix);
                }
            }
        }
    }

    /// Takes out what waits for a record that cannot be read.
    pub(super) fn give_up(&mut self, ix: RecordIx) -> Vec<Deed> {
        let mut given_up = Vec::new();
        for group in &mut self.groups {
            group.missing.remove(&ix);
            let (gone, stays) = std::mem::take(&mut group.deeds)
                .into_iter()
                .partition(|deed| deed.ix == ix);
            group.deeds = stays;
            given_up.extend::<Vec<Deed>>(gone);
        }
        self.groups.retain(|group| !group.deeds.is_empty());
        self.forget_decisions(&given_up);
        given_up
    }

    /// The records whose content is missing.
    pub(super) fn missing(&self) -> impl Iterator<Item = RecordIx> {
        self.groups
            .iter()
            .flat_map(|group| group.missing.iter().copied())
    }

    /// What waits, in words, for the end of the program.
    pub(super) fn words(&self) -> Vec<String> {
        let deeds = self.groups.iter().flat_map(|group| &group.deeds);
        let words = |deed: &Deed| {
            let what = deed
                .change
                .decision
                .set()
                .map_or("changed", |choice| choice.past());
            format!("{what}: {}", deed.id)
        };
        deeds.map(words).collect()
    }
}

fn is_decision(deed: &Deed) -> bool {
    deed.change.decision.set().is_some()
}
