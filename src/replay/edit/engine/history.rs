//! What was in files before their edits.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;

/// The last texts of each file, the newest last. A file is known by the path as it was written: two spellings of one
/// path have two histories.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::replay::edit) struct History {
    texts: BTreeMap<String, Vec<String>>,
}

impl History {
    /// How many edits of a file can be undone.
    const MOST: usize = 10;

    /// Remembers a text; the oldest one is forgotten when there are too many.
    pub(in crate::replay::edit) fn push(&mut self, path: &str, text: &str) {
        let texts = self.texts.entry(path.to_owned()).or_default();
        if texts.len() == Self::MOST {
            texts.remove(0);
        }
        texts.push(text.to_owned());
    }

    /// The newest text, which is forgotten.
    pub(in crate::replay::edit) fn pop(&mut self, path: &str) -> Option<String> {
        self.texts.get_mut(path)?.pop()
    }
}
