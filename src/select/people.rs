//! What people say of a record, from their journals or from whoever knows it already.

use std::collections::HashSet;
use std::sync::OnceLock;

use rayon::iter::IntoParallelIterator as _;
use rayon::iter::ParallelIterator as _;

use crate::model::ContentHash;
use crate::model::RecordIx;
use crate::model::Text;
use crate::replay::results::Brief;
use crate::replay::results::Results;
use crate::review::Ledger;
use crate::review::Place;
use crate::review::State;
use crate::store::Store;

/// What people say of one record.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Said<'a> {
    /// Everybody who said anything, by name.
    pub states: Vec<(&'a Text, &'a State)>,
    /// The name of the reviewer who asks.
    pub me: &'a str,
    /// Somebody decided on what this record was before it was made anew.
    pub is_stale: bool,
}

impl<'a> Said<'a> {
    /// What a reviewer says; without a name the one who asks.
    pub(super) fn of(&self, reviewer: Option<&str>) -> Option<&'a State> {
        let name = reviewer.unwrap_or(self.me);
        let mut states = self.states.iter();
        states
            .find(|(one, _)| one.as_ref() == name)
            .map(|(_, state)| *state)
    }
}

/// The contents of all records of the data, hashed when somebody asks.
#[derive(Debug, Default)]
pub struct Present(OnceLock<HashSet<ContentHash>>);

impl Present {
    fn all(&self, store: &Store) -> &HashSet<ContentHash> {
        self.0.get_or_init(|| {
            let hash = |ix| store.content_hash(RecordIx(ix)).ok();
            (0..store.len()).into_par_iter().filter_map(hash).collect()
        })
    }
}

/// What replays found, read from the disk when somebody asks.
#[derive(Debug, Default)]
pub struct Replays(OnceLock<Results>);

impl Replays {
    fn brief(&self, place: &Place, hash: ContentHash) -> Option<&Brief> {
        let results = self.0.get_or_init(|| Results::load(place.reads()));
        results.brief(hash)
    }
}

/// What lies beside the data, and who asks.
#[derive(Debug)]
pub struct People<'a> {
    /// All decisions.
    pub ledger: &'a Ledger,
    /// Where they lie.
    pub place: &'a Place,
    /// The reviewer who asks.
    pub me: &'a str,
    /// The contents of all records.
    pub present: Present,
    /// What replays found.
    pub replays: Replays,
}

impl<'a> People<'a> {
    /// What everybody says of the record of this content. Whether its decisions are stale is left open.
    pub(super) fn said(&'a self, hash: ContentHash) -> Said<'a> {
        Said {
            states: self.ledger.states(hash).collect(),
            me: self.me,
            is_stale: false,
        }
    }

    /// What came of the record of this content when it was replayed last.
    pub(super) fn replayed(&'a self, hash: ContentHash) -> Option<&'a Brief> {
        self.replays.brief(self.place, hash)
    }

    /// Whether somebody decided on what the record was before it was made anew. Hashes all records when first asked.
    pub(super) fn is_stale(
        &self,
        store: &Store,
        ix: RecordIx,
        id: &str,
        hash: ContentHash,
    ) -> bool {
        let Some(entry) = store.entry(ix).filter(|_| self.ledger.knows_id(id)) else {
            return false;
        };
        let record = self
            .place
            .record(hash, id, &entry.path, entry.member.as_deref(), entry.row);
        let present = self.present.all(store);
        let found = self
            .ledger
            .stale(&record, self.place, false, |hash| present.contains(&hash));
        found.iter().any(|stale| stale.state.is_decided())
    }
}
