//! Decisions on what the records of some data were before they were made anew: told, and never inherited.

use std::collections::HashSet;

use crate::model::ContentHash;
use crate::review::Ledger;
use crate::review::Place;
use crate::review::RecordRef;
use crate::review::Stale;

/// A record of the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Present {
    /// Its place among all, for the caller.
    pub ix: usize,
    /// Its content.
    pub sha256: ContentHash,
    /// Its place in its file, from 0.
    pub row: usize,
}

/// The decisions on earlier versions of the records, in the order of the records, each with the record that stands there
/// now. `all` are all records of the data that can be read. `name` names one of them as the journal would, and is asked
/// only where a decision is on a content that is nowhere in the data, on a record of the same place in its file; `None`
/// where that cannot be said.
pub fn earlier<'a>(
    ledger: &'a Ledger,
    place: &Place,
    all: &[Present],
    name: impl Fn(&Present) -> Option<RecordRef>,
) -> Vec<(usize, Stale<'a>)> {
    let here: HashSet<ContentHash> = all.iter().map(|record| record.sha256).collect();
    let is_decided = |hash| {
        ledger
            .states(hash)
            .any(|(_, state)| state.is_decided() || !state.masks.is_empty())
    };
    let gone: HashSet<usize> = ledger
        .records()
        .filter(|record| !here.contains(&record.sha256) && is_decided(record.sha256))
        .map(|record| record.nth)
        .collect();
    if gone.is_empty() {
        return Vec::new();
    }
    let mut found = Vec::new();
    for record in all.iter().filter(|record| gone.contains(&(record.row + 1))) {
        let Some(named) = name(record).filter(|named| ledger.knows_id(&named.id)) else {
            continue;
        };
        let stale = ledger.stale(&named, place, false, |hash| here.contains(&hash));
        let stale = stale
            .into_iter()
            .filter(|stale| stale.state.is_decided() || !stale.state.masks.is_empty());
        found.extend(stale.map(|stale| (record.ix, stale)));
    }
    found
}
