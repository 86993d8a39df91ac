//! Parsed records that were looked at last, bounded in bytes.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::sync::Arc;

use crate::model::Trajectory;

/// Least recently used goes first. A record that is larger than the bound is kept alone.
#[derive(Debug)]
pub(super) struct Cache {
    bound: u64,
    bytes: u64,
    clock: u64,
    epoch: u64,
    entries: HashMap<usize, Cached>,
    /// The keys by when they were used.
    ages: BTreeMap<u64, usize>,
}

#[derive(Debug)]
struct Cached {
    trajectory: Arc<Trajectory>,
    bytes: u64,
    used: u64,
}

impl Cache {
    /// An empty cache of at most `bound` bytes.
    pub(super) fn new(bound: u64) -> Self {
        Self {
            bound,
            bytes: 0,
            clock: 0,
            epoch: 0,
            entries: HashMap::new(),
            ages: BTreeMap::new(),
        }
    }

    /// About how many bytes are kept.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The record, which counts as used now.
    pub(super) fn get(&mut self, key: usize) -> Option<Arc<Trajectory>> {
        self.clock += 1;
        let cached = self.entries.get_mut(&key)?;
        self.ages.remove(&cached.used);
        self.ages.insert(self.clock, key);
        cached.used = self.clock;
        Some(Arc::clone(&cached.trajectory))
    }

    /// Changes whenever records are forgotten: what was parsed before must not be put in after.
    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Lets go of records that are not what they were.
    pub(super) fn forget(&mut self, keys: impl Iterator<Item = usize>) {
        self.epoch += 1;
        for key in keys {
            self.remove(key);
        }
    }

    /// Keeps a record, letting go of others until it fits.
    pub(super) fn put(&mut self, key: usize, trajectory: Arc<Trajectory>) {
        self.remove(key);
        self.clock += 1;
        let bytes = trajectory.approx_bytes() as u64;
        while self.bytes + bytes > self.bound {
            match self.ages.first_key_value() {
                Some((_, oldest)) => self.remove(*oldest),
                None => break,
            }
        }
        self.bytes += bytes;
        let cached = Cached {
            trajectory,
            bytes,
            used: self.clock,
        };
        self.ages.insert(self.clock, key);
        self.entries.insert(key, cached);
    }

    /// Lets go of a record.
    fn remove(&mut self, key: usize) {
        if let Some(cached) = self.entries.remove(&key) {
            self.bytes -= cached.bytes;
            self.ages.remove(&cached.used);
        }
    }

    /// Lets go of all records.
    pub(super) fn clear(&mut self) {
        self.epoch += 1;
        self.entries.clear();
        self.ages.clear();
        self.bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(bytes: usize) -> Arc<Trajectory> {
        Arc::new(Trajectory {
            instruction: Some("x".repeat(bytes).into()),
            ..Trajectory::default()
        })
    }

    #[test]
    fn the_bound_holds_and_the_oldest_goes_first() {
        let one = record(1000).approx_bytes() as u64;
        let mut cache = Cache::new(one * 2);
        cache.put(0, record(1000));
        cache.put(1, record(1000));
        assert!(cache.get(0).is_some());
        cache.put(2, record(1000));
        assert!(cache.get(1).is_none(), "least recently used");
        assert!(cache.get(0).is_some() && cache.get(2).is_some());
        cache.put(0, record(1000));
        assert_eq!(cache.bytes, one * 2, "replacing does not count twice");
        assert_eq!(cache.ages.len(), cache.entries.len());
    }

    #[test]
    fn a_huge_record_is_kept_alone() {
        let mut cache = Cache::new(10_000);
        cache.put(0, record(1000));
        cache.put(1, record(100_000));
        assert!(cache.get(0).is_none());
        assert!(cache.get(1).is_some());
        cache.put(2, record(1000));
        assert!(cache.get(1).is_none());
    }
}
