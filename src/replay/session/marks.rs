//! How things stood behind some calls: the changed files, with what they share counted once, and the tools' states.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::sync::Arc;

use crate::replay::Saved;
use crate::sandbox::Entry;
use crate::sandbox::Layer;

/// What a path costs besides its bytes; an estimate.
const PATH_BYTES: u64 = 160;

/// How things stood behind a call.
#[derive(Debug, Clone)]
pub(super) struct Mark {
    /// What was changed; shared between marks where nothing changed.
    pub(super) layer: Arc<Layer>,
    /// The tools' states.
    pub(super) saved: Arc<Saved>,
}

/// Marks by the number of calls that had been run.
#[derive(Debug, Default)]
pub(super) struct Marks {
    by_position: BTreeMap<usize, Mark>,
    /// How many layers hold a content.
    contents: HashMap<blake3::Hash, usize>,
    bytes: u64,
    most_bytes: u64,
}

impl Marks {
    /// None yet, and never more than `most_bytes` of them, but for the first.
    pub(super) fn new(most_bytes: u64) -> Self {
        Self {
            most_bytes,
            ..Self::default()
        }
    }

    /// The mark that was made last.
    pub(super) fn last(&self) -> Option<&Mark> {
        self.by_position.values().next_back()
    }

    /// The mark at a position.
    pub(super) fn at(&self, position: usize) -> Option<&Mark> {
        self.by_position.get(&position)
    }

    /// The nearest mark that is not behind a position.
    pub(super) fn at_or_before(&self, position: usize) -> Option<(usize, &Mark)> {
        let found = self.by_position.range(..=position).next_back();
        found.map(|(at, mark)| (*at, mark))
    }

    /// Keeps how things stand at a position; the oldest but the first go where there is no room.
    pub(super) fn add(&mut self, position: usize, layer: Layer, saved: Saved) {
        self.remove(position);
        let last = self.last().filter(|last| *last.layer == layer);
        let layer = match last {
            Some(last) => Arc::clone(&last.layer),
            None => Arc::new(layer),
        };
        let last = self.last().filter(|last| *last.saved == saved);
        let saved = match last {
            Some(last) => Arc::clone(&last.saved),
            None => Arc::new(saved),
        };
        if !self.is_held(&layer) {
            self.count(&layer);
        }
        self.bytes += saved.state.len() as u64 + PATH_BYTES;
        self.by_position.insert(position, Mark { layer, saved });
        while self.bytes > self.most_bytes {
            let mut others = self.by_position.keys().filter(|at| **at > 0);
            let Some(oldest) = others.next().copied() else {
                return;
            };
            self.remove(oldest);
        }
    }

    /// Forgets what lies behind a position.
    pub(super) fn forget_after(&mut self, position: usize) {
        while let Some(last) = self.by_position.keys().next_back().copied() {
            if last <= position {
                return;
            }
            self.remove(last);
        }
    }

    fn remove(&mut self, position: usize) {
        let Some(mark) = self.by_position.remove(&position) else {
            return;
        };
        self.bytes = self
            .bytes
            .saturating_sub(mark.saved.state.len() as u64 + PATH_BYTES);
        if !self.is_held(&mark.layer) {
            self.uncount(&mark.layer);
        }
    }

    /// Whether a mark has this very layer. Equal ones follow each other and are shared, so that few are looked at.
    fn is_held(&self, layer: &Arc<Layer>) -> bool {
        Arc::strong_count(layer) > 1
            && self
                .by_position
                .values()
                .any(|mark| Arc::ptr_eq(&mark.layer, layer))
    }

    fn count(&mut self, layer: &Layer) {
        for (path, entry) in &layer.entries {
            self.bytes += path.len() as u64 + PATH_BYTES;
            if let Entry::File { content, .. } = entry {
                let held = self.contents.entry(content.hash).or_default();
                if *held == 0 {
                    self.bytes += content.bytes.len() as u64;
                }
                *held += 1;
            }
        }
    }

    fn uncount(&mut self, layer: &Layer) {
        for (path, entry) in &layer.entries {
            self.bytes = self.bytes.saturating_sub(path.len() as u64 + PATH_BYTES);
            if let Entry::File { content, .. } = entry
                && let Some(held) = self.contents.get_mut(&content.hash)
            {
                *held = held.saturating_sub(1);
                if *held == 0 {
                    self.contents.remove(&content.hash);
                    self.bytes = self.bytes.saturating_sub(content.bytes.len() as u64);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::Content;

    fn layer(files: &[(&str, &str)]) -> Layer {
        let entries = files.iter().map(|(path, text)| {
            let content = Content::new(text.as_bytes());
            let entry = Entry::File {
                mode: 0o644,
                content,
            };
            (path.as_bytes().to_vec(), entry)
        });
        Layer {
            entries: entries.collect(),
        }
    }

    #[test]
    fn layers_without_a_change_are_one() {
        let mut marks = Marks::new(1 << 20);
        marks.add(0, layer(&[("/w/a", "x")]), Saved::default());
        marks.add(1, layer(&[("/w/a", "x")]), Saved::default());
        let (one, two) = (marks.at(0).unwrap(), marks.at(1).unwrap());
        assert!(Arc::ptr_eq(&one.layer, &two.layer));
        assert!(Arc::ptr_eq(&one.saved, &two.saved));
    }

    #[test]
    fn what_is_forgotten_takes_no_room() {
        let mut marks = Marks::new(1 << 20);
        marks.add(0, layer(&[]), Saved::default());
        let empty = marks.bytes;
        for at in 1..20 {
            let text = "x".repeat(at % 5);
            marks.add(
                at,
                layer(&[("/w/a", &text), ("/w/b", "same")]),
                Saved::default(),
            );
        }
        assert!(marks.bytes > empty);
        marks.forget_after(0);
        assert_eq!(marks.bytes, empty);
        assert!(marks.contents.is_empty());
        assert_eq!(marks.at_or_before(7).map(|(at, _)| at), Some(0));
    }

    #[test]
    fn the_oldest_go_first_and_the_beginning_never() {
        let big = "x".repeat(10_000);
        let mut marks = Marks::new(25_000);
        for at in 0..6 {
            let text = format!("{at}{big}");
            marks.add(at, layer(&[("/w/a", &text)]), Saved::default());
        }
        let left: Vec<usize> = marks.by_position.keys().copied().collect();
        assert_eq!(left, [0, 5]);
        assert_eq!(marks.at_or_before(4).map(|(at, _)| at), Some(0));
    }
}
