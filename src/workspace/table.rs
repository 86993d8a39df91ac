//! A file as stretches of sources, in order: what an edit leaves alone keeps its identity.

use crate::workspace::arena::Arena;

/// A stretch of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) source: usize,
    /// The first line, from 0.
    pub(super) from: usize,
    /// How many lines; `None` for all that follow.
    pub(super) len: Option<usize>,
}

impl Piece {
    /// How many lines it has, as far as that is known now.
    pub(super) fn len(&self, arena: &Arena) -> Option<usize> {
        self.len.or_else(|| {
            let total = arena.get(self.source)?.total?;
            Some(total.saturating_sub(self.from))
        })
    }

    /// How many lines it has at least.
    fn least(&self, arena: &Arena) -> usize {
        self.len(arena).unwrap_or_else(|| {
            let last = arena
                .get(self.source)
                .and_then(|source| source.known.last_key_value());
            last.map_or(0, |(last, _)| (last + 1).saturating_sub(self.from))
        })
    }
}

/// Where a line of the file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spot {
    /// Line `ix` of a source.
    In { source: usize, ix: usize },
    /// The file has fewer lines.
    Past,
    /// Behind a stretch of unknown length.
    Hidden,
}

/// A file's stretches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) pieces: Vec<Piece>,
}

impl Table {
    /// All of one source.
    pub(super) fn whole(source: usize) -> Self {
        Self {
            pieces: vec![Piece {
                source,
                from: 0,
                len: None,
            }],
        }
    }

    /// The number of lines, where it is known.
    pub(super) fn total(&self, arena: &Arena) -> Option<usize> {
        self.pieces
            .iter()
            .try_fold(0_usize, |sum, piece| sum.checked_add(piece.len(arena)?))
    }

    /// Where the lines from `from` on are, from 0; `count` of them, in one walk.
    pub(super) fn spots(&self, arena: &Arena, from: usize, count: usize) -> Vec<Spot> {
        let mut spots = Vec::with_capacity(count.min(1 << 16));
        let (mut start, mut at) = (0_usize, from);
        let end = from.saturating_add(count);
        for (nth, piece) in self.pieces.iter().enumerate() {
            let is_last = nth + 1 == self.pieces.len();
            let len = piece.len(arena);
            let reach = match len {
                Some(len) => start.saturating_add(len),
                None if is_last => usize::MAX,
                None => start.saturating_add(piece.least(arena)),
            };
            while at < reach && at < end {
                spots.push(Spot::In {
                    source: piece.source,
                    ix: piece.from + (at - start),
                });
                at += 1;
            }
            if at >= end {
                return spots;
            }
            if len.is_none() {
                spots.resize(count, Spot::Hidden);
                return spots;
            }
            start = reach;
        }
        spots.resize(count, Spot::Past);
        spots
    }

    /// Replaces `removed` lines from line `at` (from 0) on by all lines of `added`. False, and nothing changed, where
    /// that stretch is not all there or not to be placed.
    pub(super) fn splice(
        &mut self,
        arena: &Arena,
        at: usize,
        removed: usize,
        added: Option<usize>,
    ) -> bool {
        let Some((head, tail)) = self.cut(arena, at, removed) else {
            return false;
        };
        let mut pieces = head;
        pieces.extend(added.map(|source| Piece {
            source,
            from: 0,
            len: arena.get(source).and_then(|source| source.total),
        }));
        pieces.extend(tail);
        pieces.retain(|piece| piece.len != Some(0));
        self.pieces = pieces;
        true
    }

    /// What stands above line `at`, and what stands below the `removed` lines from there on.
    fn cut(&self, arena: &Arena, at: usize, removed: usize) -> Option<(Vec<Piece>, Vec<Piece>)> {
        let below = at.checked_add(removed)?;
        let (mut head, mut tail) = (Vec::new(), Vec::new());
        let mut start = 0_usize;
        for (nth, piece) in self.pieces.iter().enumerate() {
            let is_last = nth + 1 == self.pieces.len();
            let len = piece.len(arena);
            let reach = match len {
                Some(len) => start.saturating_add(len),
                None if is_last => usize::MAX,
                None => start.saturating_add(piece.least(arena)),
            };
            if start < at {
                let upto = reach.min(at) - start;
                let is_all = at >= reach && len.is_some();
                // behind a stretch whose end is not known nothing has a number
                if at > reach && len.is_none() {
                    return None;
                }
                head.push(Piece {
                    len: if is_all { piece.len } else { Some(upto) },
                    ..*piece
                });
            }
            if reach > below || (len.is_none() && reach >= below) {
                let skip = below.saturating_sub(start);
                tail.push(Piece {
                    from: piece.from + skip,
                    len: piece.len.map(|len| len - skip),
                    ..*piece
                });
                tail.extend(self.pieces.iter().skip(nth + 1));
                return Some((head, tail));
            }
            len?;
            start = reach;
        }
        (start >= below).then_some((head, tail))
    }
}
