//! A set of records, a bit each.

use std::sync::Arc;

use crate::model::RecordIx;

/// A set of records. A clone shares its bits until one of the two changes.
#[derive(Debug, Clone, Default)]
pub struct Bits {
    words: Arc<Vec<u64>>,
    count: usize,
}

impl Bits {
    const WORD: usize = u64::BITS as usize;

    /// How many records it holds.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Whether it holds a record.
    pub fn has(&self, ix: RecordIx) -> bool {
        let word = self.words.get(ix.0 / Self::WORD);
        word.is_some_and(|word| word & Self::bit(ix) != 0)
    }

    /// Puts a record in, or takes it out; returns whether that changed anything.
    pub fn set(&mut self, ix: RecordIx, is_in: bool) -> bool {
        if self.has(ix) == is_in {
            return false;
        }
        let words = Arc::make_mut(&mut self.words);
        let at = ix.0 / Self::WORD;
        if words.len() <= at {
            words.resize(at + 1, 0);
        }
        if let Some(word) = words.get_mut(at) {
            *word ^= Self::bit(ix);
        }
        self.count = if is_in {
            self.count + 1
        } else {
            self.count - 1
        };
        true
    }

    /// Whether another set is this one, as it was cloned.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.words, &other.words)
    }

    fn bit(ix: RecordIx) -> u64 {
        1 << (ix.0 % Self::WORD)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clone_stays_as_it_was() {
        let mut bits = Bits::default();
        assert!(!bits.set(RecordIx(700), false));
        assert!(bits.set(RecordIx(700), true) && !bits.set(RecordIx(700), true));
        let before = bits.clone();
        assert!(bits.set(RecordIx(63), true) && bits.set(RecordIx(700), false));
        assert_eq!((bits.count(), before.count()), (1, 1));
        assert!(bits.has(RecordIx(63)) && !bits.has(RecordIx(64)) && !bits.has(RecordIx(700)));
        assert!(before.has(RecordIx(700)) && !before.has(RecordIx(63)));
    }
}
