//! Many records at once, as bytes: for searches that want to look at few of them.
//!
//! Consecutive records of a plain file lie in one stretch of it. Reading and searching that stretch costs one read for
//! thousands of small records; what a search finds there is told by record.

use std::ops::Range;
use std::sync::Arc;

use crate::model::RecordIx;
use crate::model::Span;
use crate::store::Store;
use crate::store::bytes::Bytes;
use crate::store::index::Header;
use crate::store::index::Index;
use crate::store::index::Slot;
use crate::store::index::Source;
use crate::store::sieve::Find;
use crate::store::sieve::Sieve;

/// A record and where it lies in its file.
#[derive(Debug, Clone, Copy)]
struct Piece {
    record: usize,
    slot: Slot,
}

/// Records that are read together.
#[derive(Debug)]
pub struct Stretch {
    /// In the order of their bytes.
    pieces: Vec<Piece>,
    /// The file that holds them one after the other; `None` for one record that has to be read by itself.
    source: Option<Arc<Source>>,
}

impl Stretch {
    fn alone(record: usize) -> Self {
        let slot = Slot {
            source: 0,
            row: 0,
            start: 0,
            len: 0,
        };
        Self {
            pieces: vec![Piece { record, slot }],
            source: None,
        }
    }

    /// The records of it, in order.
    pub fn records(&self) -> impl Iterator<Item = RecordIx> {
        self.pieces.iter().map(|piece| RecordIx(piece.record))
    }

    /// Whether a scan has seen that nothing in it is found. Never so for a record that has to be read by itself: nobody
    /// knows yet whether it can be.
    pub fn is_ruled_out(&self, sieve: &Sieve<'_>) -> bool {
        let seen = || sieve.among(self.records());
        self.source.is_some() && seen().is_some_and(|seen| seen.is_empty())
    }

    fn span(&self) -> Span {
        let start = self.pieces.first().map_or(0, |piece| piece.slot.start);
        let end = self.pieces.last().map_or(0, |piece| piece.slot.span().end);
        Span::new(start, end.max(start))
    }
}

/// Whether all bytes that make the record lie in its slot.
fn is_plain(source: &Source) -> bool {
    matches!(source.bytes, Bytes::File { .. } | Bytes::Stretch { .. })
        && matches!(source.header, Header::None)
        && source.parts.is_empty()
}

/// Bytes between two records that are rather read with them than passed over by another read.
const GAP: u64 = 32 << 10;

fn stretch_at(index: &Index, records: &[usize], max_bytes: u64) -> Option<Stretch> {
    let known = |record: usize| {
        let slot = index.slots.get(record)?;
        let is_fit = slot.len > 0 && !index.faults.contains_key(&record);
        is_fit.then_some(Piece { record, slot })
    };
    let (first, rest) = records.split_first()?;
    let Some(piece) = known(*first) else {
        return Some(Stretch::alone(*first));
    };
    let source = index.sources.get(usize::try_from(piece.slot.source).ok()?);
    let Some(source) = source.filter(|source| is_plain(source)) else {
        return Some(Stretch::alone(*first));
    };
    let mut pieces = vec![piece];
    for record in rest {
        let Some(next) = known(*record) else { break };
        let last = pieces.last().map_or(piece.slot, |last| last.slot);
        let behind = next.slot.start.checked_sub(last.span().end);
        let is_next = next.slot.source == last.source && behind.is_some_and(|gap| gap <= GAP);
        let is_within = next.slot.span().end.saturating_sub(piece.slot.start) <= max_bytes;
        if !is_next || !is_within {
            break;
        }
        pieces.push(next);
    }
    Some(Stretch {
        pieces,
        source: Some(Arc::clone(source)),
    })
}

impl Store {
    /// Divides records, given by place and in any order, into stretches of at most `max_bytes` (or one record), at most
    /// `count` of them. Says how many of the records they hold: the first ones.
    pub fn stretches(
        &self,
        records: &[usize],
        max_bytes: u64,
        count: usize,
    ) -> (Vec<Stretch>, usize) {
        let index = self.index();
        let mut stretches = Vec::new();
        let mut done = 0;
        while stretches.len() < count {
            let rest = records.get(done..).unwrap_or_default();
            let Some(stretch) = stretch_at(&index, rest, max_bytes) else {
                break;
            };
            done += stretch.pieces.len();
            stretches.push(stretch);
        }
        (stretches, done)
    }

    /// The records of a stretch in whose bytes the sieve finds something, and those that cannot be read: whoever loads
    /// them learns why. What a scan has seen is not read again. `buffer` is room to be used again.
    pub fn sift(
        &self,
        stretch: &Stretch,
        buffer: &mut Vec<u8>,
        sieve: &Sieve<'_>,
    ) -> Vec<RecordIx> {
        let find = sieve.find();
        let Some(source) = &stretch.source else {
            let is_wanted = |ix: &RecordIx| {
                let raw = self.load_raw(*ix);
                raw.map_or(true, |raw| {
                    raw.parts.iter().any(|part| has_any(&part.bytes, find))
                })
            };
            return stretch.records().filter(is_wanted).collect();
        };
        if let Some(seen) = sieve.among(stretch.records()) {
            return seen;
        }
        match source.bytes.read_into(stretch.span(), buffer) {
            Ok(bytes) => found_in(stretch, bytes, find),
            Err(_unreadable) => stretch.records().collect(),
        }
    }
}

fn has_any(bytes: &[u8], find: &dyn Find) -> bool {
    let mut has_any = false;
    find.each(bytes, &mut |_| {
        has_any = true;
        bytes.len()
    });
    has_any
}

/// The pieces of a stretch, read as `bytes`, in which something is found.
fn found_in(stretch: &Stretch, bytes: &[u8], find: &dyn Find) -> Vec<RecordIx> {
    let base = stretch.span().start;
    let within = |piece: &Piece| -> Range<usize> {
        let at = |byte: u64| usize::try_from(byte - base).unwrap_or(usize::MAX);
        at(piece.slot.start)..at(piece.slot.span().end)
    };
    let has_own = |piece: &&Piece| has_any(bytes.get(within(piece)).unwrap_or_default(), find);
    let told = |piece: &Piece| RecordIx(piece.record);
    let own = stretch.pieces.iter().map(|piece| piece.slot.len);
    if own.sum::<u64>() < stretch.span().len_bytes() / 2 {
        // most of it is of records that nobody asked for
        let own = stretch.pieces.iter().filter(has_own);
        return own.map(told).collect();
    }
    let mut met = Vec::new();
    find.each(bytes, &mut |at| {
        let behind = stretch
            .pieces
            .partition_point(|piece| within(piece).start <= at);
        met.extend(behind.checked_sub(1));
        stretch
            .pieces
            .get(behind)
            .map_or(bytes.len(), |next| within(next).start)
    });
    met.sort_unstable();
    met.dedup();
    // what begins in a record may end behind it, and what lies between two records is of neither
    met.into_iter()
        .filter_map(|nth| stretch.pieces.get(nth))
        .filter(has_own)
        .map(told)
        .collect()
}
