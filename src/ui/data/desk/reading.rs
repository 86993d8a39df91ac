//! What the journals are read for: the records that are known then. What people say of these is looked up beside the
//! screen, and compared with what became known meanwhile.

use std::collections::BTreeSet;
use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::Arc;

use hashbrown::HashTable;

use crate::cancel::Cancel;
use crate::model::ContentHash;
use crate::model::RecordIx;
use crate::model::Text;
use crate::review::Line;
use crate::review::State;
use crate::store::Store;
use crate::ui::data::Rows;
use crate::ui::data::desk::Journals;
use crate::ui::data::desk::is_stale_in;
use crate::ui::data::desk::voices_of;
use crate::ui::data::sparse::Sparse;

/// The contents of the records, as far as they are known.
pub type Hashes = Sparse<ContentHash>;

/// The records of a content. What they are compared by stands in [`Hashes`], so that a record takes a few bytes.
#[derive(Debug, Default)]
pub(super) struct Owners {
    first: HashTable<u32>,
    /// Those behind the first: copies of a record.
    more: HashMap<ContentHash, Vec<u32>>,
}

/// The place in the table of a content.
fn key(hash: Option<ContentHash>) -> u64 {
    let bytes = hash.and_then(|hash| hash.as_bytes().first_chunk().copied());
    bytes.map_or(0, u64::from_le_bytes)
}

fn content(small: u32, hashes: &Hashes) -> Option<ContentHash> {
    hashes.get(RecordIx(usize::try_from(small).ok()?)).copied()
}

impl Owners {
    fn insert(&mut self, small: u32, hashes: &Hashes) {
        let key_of = |small: &u32| key(content(*small, hashes));
        self.first.insert_unique(key_of(&small), small, key_of);
    }

    /// Adds a record of this content, which the hashes have; it is not among them yet. Records beyond the first 2³² are
    /// not found.
    pub(super) fn add(&mut self, ix: RecordIx, hash: ContentHash, hashes: &Hashes) {
        let Ok(small) = u32::try_from(ix.0) else {
            return;
        };
        let is_it = |other: &u32| content(*other, hashes) == Some(hash);
        if self.first.find(key(Some(hash)), is_it).is_some() {
            self.more.entry(hash).or_default().push(small);
        } else {
            self.insert(small, hashes);
        }
    }

    /// Removes a record of this content, which the hashes still have.
    pub(super) fn remove(&mut self, ix: RecordIx, hash: ContentHash, hashes: &Hashes) {
        let Ok(small) = u32::try_from(ix.0) else {
            return;
        };
        let mut rest = self.more.remove(&hash).unwrap_or_default();
        let first = self
            .first
            .find_entry(key(Some(hash)), |other| *other == small);
        if let Ok(first) = first {
            first.remove();
            if !rest.is_empty() {
                let next = rest.remove(0);
                self.insert(next, hashes);
            }
        } else {
            rest.retain(|other| *other != small);
        }
        if !rest.is_empty() {
            self.more.insert(hash, rest);
        }
    }

    /// The records of this content, in the order in which they were added.
    pub(super) fn of(&self, hash: ContentHash, hashes: &Hashes) -> impl Iterator<Item = RecordIx> {
        let is_it = |other: &u32| content(*other, hashes) == Some(hash);
        let first = self.first.find(key(Some(hash)), is_it).into_iter();
        let all = first.chain(self.more.get(&hash).into_iter().flatten());
        all.filter_map(|small| usize::try_from(*small).ok().map(RecordIx))
    }
}

/// What the journals are read for.
#[derive(Debug, Clone)]
pub struct Reading {
    /// Read them even when no file came up that was not known: others may have decided.
    pub is_again: bool,
    /// The rows, for their ids, and the contents that are known.
    pub rows: Rows,
    /// The lines of this session: what is read may lack them.
    pub lines: Vec<Arc<[Line]>>,
    /// The reviewer.
    pub me: Text,
}

/// What people say of the records that were known when the journals were read.
#[derive(Debug, Default)]
pub struct Heard {
    /// The contents that were known.
    pub hashes: Hashes,
    /// How many batches of the session's lines count in it.
    pub batches: usize,
    /// Rows that hold what people say and nothing else of use.
    pub rows: Rows,
    /// The records whose decisions were on other content.
    pub stale: BTreeSet<RecordIx>,
    /// How many records the reviewer decided.
    pub decided: usize,
}

impl Heard {
    /// Takes the session's lines into the ledger and looks up what people say of each record.
    pub fn of(reading: &Reading, journals: &mut Journals, store: &Store, cancel: &Cancel) -> Self {
        for line in reading.lines.iter().flat_map(|lines| lines.iter()) {
            journals.ledger.apply(line, &journals.place);
        }
        let mut heard = Self {
            batches: reading.lines.len(),
            ..Self::default()
        };
        let ledger = &journals.ledger;
        let mut present: HashSet<ContentHash> = HashSet::new();
        if !ledger.reviewers().is_empty() {
            present.extend(reading.rows.hashes().known().map(|(_, hash)| *hash));
        }
        for (ix, hash) in reading.rows.hashes().known() {
            let hash = *hash;
            if present.is_empty() || cancel.is_cancelled() {
                break;
            }
            heard.decided += usize::from(
                ledger
                    .state(hash, &reading.me)
                    .is_some_and(State::is_decided),
            );
            let is_stale = reading
                .rows
                .get(ix)
                .zip(store.entry(ix))
                .is_some_and(|(row, entry)| {
                    is_stale_in(
                        (ledger, &journals.place, &journals.wholes),
                        (hash, &row.id, &entry),
                        |hash| present.contains(&hash),
                    )
                });
            if is_stale {
                heard.stale.insert(ix);
            }
            let voices = voices_of(ledger, &reading.me, hash, is_stale);
            heard.rows.set_voices(ix, voices);
        }
        heard.hashes = reading.rows.hashes().clone();
        heard
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_found_by_all_of_their_hash() {
        let digest = |last: u8| {
            let mut bytes = [7; 32];
            bytes[31] = last;
            ContentHash::from_digest(bytes)
        };
        let (mut owners, mut hashes) = (Owners::default(), Hashes::default());
        for (ix, last) in [(3, 0), (5, 1), (9, 0), (2, 2), (1, 0)] {
            hashes.set(RecordIx(ix), Some(digest(last)));
            owners.add(RecordIx(ix), digest(last), &hashes);
        }
        let of = |owners: &Owners, last: u8| -> Vec<usize> {
            owners.of(digest(last), &hashes).map(|ix| ix.0).collect()
        };
        assert_eq!(of(&owners, 0), [3, 9, 1]);
        assert_eq!(of(&owners, 1), [5]);
        assert_eq!(of(&owners, 3), [0; 0]);
        owners.remove(RecordIx(3), digest(0), &hashes);
        owners.remove(RecordIx(4), digest(0), &hashes);
        assert_eq!(of(&owners, 0), [9, 1]);
        assert_eq!(of(&owners, 2), [2]);
        owners.remove(RecordIx(9), digest(0), &hashes);
        owners.remove(RecordIx(1), digest(0), &hashes);
        assert_eq!(of(&owners, 0), [0; 0]);
        for (ix, last) in [(5, 1), (2, 2)] {
            owners.remove(RecordIx(ix), digest(last), &hashes);
        }
        assert!(owners.first.is_empty() && owners.more.is_empty());
    }
}
