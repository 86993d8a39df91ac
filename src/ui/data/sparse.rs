//! What is known of some records, in chunks that workers can hold without copying them.

use std::sync::Arc;

use crate::model::RecordIx;

/// Things known of some records. A clone shares its chunks; filling in copies at most one.
#[derive(Debug, Clone)]
pub struct Sparse<T> {
    chunks: Vec<Arc<Vec<Option<T>>>>,
}

impl<T> Default for Sparse<T> {
    fn default() -> Self {
        Self { chunks: Vec::new() }
    }
}

impl<T: Clone> Sparse<T> {
    const CHUNK: usize = 1024;

    /// What is known of a record.
    pub fn get(&self, ix: RecordIx) -> Option<&T> {
        let chunk = self.chunks.get(ix.0 / Self::CHUNK)?;
        chunk.get(ix.0 % Self::CHUNK)?.as_ref()
    }

    /// Sets what is known of a record, or that nothing is; gives what was there.
    pub fn set(&mut self, ix: RecordIx, value: Option<T>) -> Option<T> {
        if value.is_none() && self.get(ix).is_none() {
            return None;
        }
        let at = ix.0 / Self::CHUNK;
        if self.chunks.len() <= at {
            self.chunks.resize_with(at + 1, Arc::default);
        }
        let chunk = self.chunks.get_mut(at).map(Arc::make_mut)?;
        if chunk.is_empty() {
            chunk.resize(Self::CHUNK, None);
        }
        std::mem::replace(chunk.get_mut(ix.0 % Self::CHUNK)?, value)
    }

    /// The records of which something is known, and what.
    pub fn known(&self) -> impl Iterator<Item = (RecordIx, &T)> {
        let chunks = (0..).zip(&self.chunks);
        chunks.flat_map(|(at, chunk): (usize, _)| {
            let slots = chunk.iter().enumerate();
            slots.filter_map(move |(ix, value)| {
                Some((RecordIx(at * Self::CHUNK + ix), value.as_ref()?))
            })
        })
    }
}

impl<T: Clone + PartialEq> Sparse<T> {
    /// The records of which something else, or nothing, was known in `before`.
    pub fn changed_since(&self, before: &Self) -> Vec<RecordIx> {
        let mut changed = Vec::new();
        for (at, chunk) in self.chunks.iter().enumerate() {
            let is_same = before
                .chunks
                .get(at)
                .is_some_and(|old| Arc::ptr_eq(old, chunk));
            if is_same {
                continue;
            }
            let ixs = (0..chunk.len()).map(|ix| RecordIx(at * Self::CHUNK + ix));
            changed.extend(ixs.filter(|ix| self.get(*ix) != before.get(*ix)));
        }
        changed
    }
}
