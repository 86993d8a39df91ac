//! What a search looks for in the bytes of records, and what a scan that goes by them saw of it: a record in which the
//! scan saw nothing is not read again.

use std::ops::Range;
use std::sync::PoisonError;
use std::sync::RwLock;

use crate::model::RecordIx;
use crate::model::Span;
use crate::store::lines::Lines;

/// Looks for something in bytes. What it finds begins and ends within one line.
pub trait Find: Sync {
    /// Calls `found` with places in the bytes where something begins; it answers from where on the next is of interest.
    /// Places come in any order, but every place that was not skipped comes once at least.
    fn each(&self, bytes: &[u8], found: &mut dyn FnMut(usize) -> usize);

    /// As many bytes tell, from the first of them on, that something begins there.
    fn reach(&self) -> usize;
}

/// What a scan may look for on its way, and where it saw it. Of use for one scan and one search only.
pub struct Sieve<'a> {
    find: &'a dyn Find,
    /// By record, in their order: whether something was seen in them.
    seen: RwLock<Vec<(Range<usize>, bool)>>,
}

impl<'a> Sieve<'a> {
    /// A piece is read with as many bytes behind it.
    const FARTHEST: usize = 64 << 10;

    /// Nothing is seen yet.
    pub fn new(find: &'a dyn Find) -> Self {
        Self {
            find,
            seen: RwLock::default(),
        }
    }

    /// What is looked for.
    pub(super) fn find(&self) -> &'a dyn Find {
        self.find
    }

    /// How far a scan has to see behind a piece; `None` where that is too far.
    pub(super) fn reach(&self) -> Option<usize> {
        let reach = self.find.reach();
        (reach <= Self::FARTHEST).then_some(reach)
    }

    /// Where something begins in the first `len` bytes, in their order, once a line at least.
    pub(super) fn places(&self, bytes: &[u8], len: usize, lines: &Lines) -> Vec<usize> {
        let mut places = Vec::new();
        self.find.each(bytes, &mut |at| {
            if at >= len {
                return bytes.len();
            }
            places.push(at);
            lines.next_start(at).unwrap_or(bytes.len())
        });
        places.sort_unstable();
        places
    }

    /// Remembers whether something was seen in a record. Records come in their order.
    pub(super) fn note(&self, record: usize, has_any: bool) {
        let mut seen = self.seen.write().unwrap_or_else(PoisonError::into_inner);
        match seen.last_mut() {
            Some((records, has)) if *has == has_any && records.end == record => records.end += 1,
            _ => seen.push((record..record + 1, has_any)),
        }
    }

    /// Those of the records in which something was seen; `None` when one of them was not looked at.
    pub(super) fn among(&self, records: impl Iterator<Item = RecordIx>) -> Option<Vec<RecordIx>> {
        let seen = self.seen.read().unwrap_or_else(PoisonError::into_inner);
        let mut found = Vec::new();
        for ix in records {
            let behind = seen.partition_point(|(records, _)| records.start <= ix.0);
            let (known, has_any) = seen.get(behind.checked_sub(1)?)?;
            if !known.contains(&ix.0) {
                return None;
            }
            if *has_any {
                found.push(ix);
            }
        }
        Some(found)
    }
}

/// Lays what was seen in pieces of a file onto its lines.
#[derive(Debug)]
pub(super) struct Trail {
    /// Bytes that stand before the piece.
    base: u64,
    /// Where something begins in the piece; `None` when nobody looked.
    places: Option<std::vec::IntoIter<usize>>,
    /// Whether something was seen in the line so far; `None` when not all of it was looked at.
    line: Option<bool>,
}

impl Trail {
    /// Before the first piece.
    pub(super) fn new() -> Self {
        Self {
            base: 0,
            places: None,
            line: Some(false),
        }
    }

    /// Goes on to a piece that begins at the byte `base`.
    pub(super) fn enter(&mut self, base: u64, places: Option<Vec<usize>>) {
        self.base = base;
        self.places = places.map(Vec::into_iter);
    }

    /// What is known of the next line that ends in the piece.
    pub(super) fn line(&mut self, span: Span) -> Option<bool> {
        let line = self.line_up_to(span.end);
        self.line = Some(false);
        line
    }

    /// Goes on to the end of the piece.
    pub(super) fn leave(&mut self) {
        self.line = self.line_up_to(u64::MAX);
    }

    /// What is known of the line that is open behind the last piece.
    pub(super) fn open(&self) -> Option<bool> {
        self.line
    }

    fn line_up_to(&mut self, end: u64) -> Option<bool> {
        let places = self.places.as_mut()?;
        let base = self.base;
        let mut is_seen = false;
        while places
            .as_slice()
            .first()
            .is_some_and(|at| base + (*at as u64) < end)
        {
            places.next();
            is_seen = true;
        }
        self.line.map(|line| line || is_seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::lines::LineScanner;

    struct Letter(u8);

    impl Find for Letter {
        fn each(&self, bytes: &[u8], found: &mut dyn FnMut(usize) -> usize) {
            let mut from = 0;
            while let Some(at) = bytes.iter().skip(from).position(|byte| *byte == self.0) {
                from = found(from + at).max(from + at + 1);
            }
        }

        fn reach(&self) -> usize {
            1
        }
    }

    /// What is known of each line and of the open one, where nobody looked at the pieces in `unseen`.
    fn known(pieces: &[&str], unseen: &[usize]) -> Vec<Option<bool>> {
        let sieve = Sieve::new(&Letter(b'x'));
        let mut scanner = LineScanner::starting_at(0);
        let mut trail = Trail::new();
        let mut known = Vec::new();
        for (nth, piece) in pieces.iter().enumerate() {
            let lines = Lines::of(piece.as_bytes());
            let places = sieve.places(piece.as_bytes(), piece.len(), &lines);
            trail.enter(scanner.at(), (!unseen.contains(&nth)).then_some(places));
            scanner.push(&lines, |span| known.push(trail.line(span)));
            trail.leave();
        }
        known.push(trail.open());
        known
    }

    #[test]
    fn what_was_seen_is_known_by_line() {
        let (yes, no) = (Some(true), Some(false));
        assert_eq!(known(&["a\nbx\n\nc\r\nx"], &[]), [no, yes, no, yes]);
        assert_eq!(known(&["a", "x", "b\nc\n"], &[]), [yes, no, no]);
        assert_eq!(known(&["x", "a", "\nc\n", "d"], &[]), [yes, no, no]);
        assert_eq!(known(&["a", "\n", "x\n"], &[]), [no, yes, no]);
        assert_eq!(
            known(&["xx\na", "b\nc\nd", "e\nf\ng"], &[1]),
            [yes, None, None, None, no, no]
        );
        assert_eq!(known(&["a\nb", "c"], &[1]), [no, None]);
    }

    #[test]
    fn what_was_seen_is_known_by_record() {
        let sieve = Sieve::new(&Letter(b'x'));
        for record in [0, 1, 2, 5, 6, 9] {
            sieve.note(record, record == 2 || record == 6);
        }
        let among = |records: &[usize]| {
            let found = sieve.among(records.iter().map(|ix| RecordIx(*ix)))?;
            Some(found.into_iter().map(|ix| ix.0).collect::<Vec<_>>())
        };
        assert_eq!(among(&[0, 1, 2, 6, 9]), Some(vec![2, 6]));
        assert_eq!(among(&[6, 2]), Some(vec![6, 2]));
        for unknown in [3, 7, 10] {
            assert_eq!(among(&[0, unknown]), None, "{unknown}");
        }
        assert_eq!(
            Sieve::new(&Letter(b'x')).among([RecordIx(0)].into_iter()),
            None
        );
    }
}
