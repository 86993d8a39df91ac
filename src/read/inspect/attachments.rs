//! Puts texts back where a sample refers to them: `attachment://<hash>`, `tc://<hash>` in old logs.

use std::collections::HashMap;

use crate::model::Value;
use crate::read::common::take;

/// The texts of a sample, and how many more bytes may be copied: a reference is short and a text may be long, so that a
/// crafted log could otherwise ask for any amount of memory.
pub(super) struct Attachments {
    texts: HashMap<String, String>,
    budget: usize,
}

impl Attachments {
    const MAX_BYTES: usize = 512 << 20;

    pub(super) fn of(sample: &mut Value) -> Self {
        let mut texts = HashMap::new();
        let old = sample
            .get_mut("transcript")
            .map(|transcript| take(transcript, "content"));
        for map in [Some(take(sample, "attachments")), old]
            .into_iter()
            .flatten()
        {
            let Value::Object(fields) = map else { continue };
            texts.extend(fields.into_iter().filter_map(|(hash, text)| match text {
                Value::String(text) => Some((hash, text)),
                _ => None,
            }));
        }
        Self {
            texts,
            budget: Self::MAX_BYTES,
        }
    }

    /// Replaces each reference in `value`, at any depth; unknown ones stay.
    pub(super) fn resolve(&mut self, value: &mut Value) {
        match value {
            Value::String(text) => {
                let hash = text
                    .strip_prefix("attachment://")
                    .or_else(|| text.strip_prefix("tc://"));
                let Some(found) = hash.and_then(|hash| self.texts.get(hash)) else {
                    return;
                };
                if let Some(left) = self.budget.checked_sub(found.len()) {
                    self.budget = left;
                    text.clone_from(found);
                } else {
                    self.budget = 0;
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.resolve(item)),
            Value::Object(fields) => fields.values_mut().for_each(|field| self.resolve(field)),
            _ => {}
        }
    }

    /// Whether references stayed for want of room.
    pub(super) fn is_spent(&self) -> bool {
        self.budget == 0
    }
}
