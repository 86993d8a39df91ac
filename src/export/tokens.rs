//! How many tokens a text is: by the model's own tokenizer, or an estimate that is called one.

use std::path::Path;

use serde_json::Value;
use tokenizers::Tokenizer;

use crate::error::Error;
use crate::error::Result;
use crate::export::Body;
use crate::export::Rendered;

/// Bytes that one token stands for on average in English and code; what the estimate divides by.
const BYTES_A_TOKEN: usize = 4;

/// Fields that say who and when, and are no text that a model reads.
const SKIPPED: [&str; 14] = [
    "role",
    "id",
    "tool_call_id",
    "type",
    "from",
    "class_",
    "class",
    "source",
    "timestamp",
    "ts",
    "call_id",
    "source_call_id",
    "kind",
    "mask",
];

/// The tokens of a text of so many bytes, as good as they can be told without a tokenizer.
pub(super) fn estimate(bytes: usize) -> usize {
    bytes.div_ceil(BYTES_A_TOKEN)
}

/// Whether the texts under this key are none that a model reads.
pub(super) fn is_skipped(key: &str) -> bool {
    SKIPPED.contains(&key)
}

/// Counts tokens.
#[derive(Debug)]
pub enum TokenCounter {
    /// A quarter of the bytes.
    Estimate,
    /// A tokenizer of Hugging Face's `tokenizers`.
    Exact(Box<Tokenizer>),
}

impl TokenCounter {
    /// Reads a `tokenizer.json`.
    ///
    /// # Errors
    /// *input* when the file cannot be read or is no tokenizer.
    pub fn load(path: &Path) -> Result<Self> {
        let shown = path.display();
        let bytes = std::fs::read(path)
            .map_err(|err| Error::input(format!("cannot read {shown}")).caused_by(err))?;
        let tokenizer = Tokenizer::from_bytes(&bytes).map_err(|err| {
            Error::input(format!("{shown} is no tokenizer"))
                .caused_by(err)
                .hint("give the tokenizer.json that lies beside the model's weights")
        })?;
        Ok(Self::Exact(Box::new(tokenizer)))
    }

    /// Whether the counts are an estimate.
    pub fn is_estimate(&self) -> bool {
        matches!(self, Self::Estimate)
    }

    /// Tokens of a text, without those that a template adds.
    pub fn count(&self, text: &str) -> usize {
        match self {
            Self::Estimate => estimate(text.len()),
            Self::Exact(tokenizer) => tokenizer
                .encode_fast(text, false)
                // a text that it cannot encode is counted like one without a tokenizer
                .map_or_else(|_| text.len().div_ceil(BYTES_A_TOKEN), |found| found.len()),
        }
    }

    /// Tokens of the texts that a record became.
    pub fn count_all(&self, rendered: &Rendered) -> usize {
        match &rendered.body {
            Body::Bytes(bytes) => match self {
                Self::Estimate => bytes.len().div_ceil(BYTES_A_TOKEN),
                Self::Exact(_) => self.count(&String::from_utf8_lossy(bytes)),
            },
            Body::Stored(line) => {
                let bytes = usize::try_from(line.len_bytes()).unwrap_or(usize::MAX);
                bytes.div_ceil(BYTES_A_TOKEN)
            }
            Body::Written(_, tokens) => *tokens,
            Body::Rows(rows) => rows.iter().map(|row| self.count_row(row)).sum(),
        }
    }

    /// A row's texts: its conversation and its tools where it has them, else all of it.
    fn count_row(&self, row: &Value) -> usize {
        const TALK: [&str; 8] = [
            "messages",
            "conversations",
            "text",
            "content",
            "steps",
            "prompt",
            "tools",
            "model_patch",
        ];
        let found: Vec<&Value> = TALK.iter().filter_map(|key| row.get(*key)).collect();
        if found.is_empty() {
            return self.count_value(row);
        }
        found.into_iter().map(|value| self.count_value(value)).sum()
    }

    /// All texts in a value that a model reads.
    pub(super) fn count_value(&self, value: &Value) -> usize {
        match value {
            Value::String(text) => self.count(text),
            Value::Array(items) => items.iter().map(|item| self.count_value(item)).sum(),
            Value::Object(fields) => fields
                .iter()
                .filter(|(key, _)| !is_skipped(key))
                .map(|(_, field)| self.count_value(field))
                .sum(),
            _ => 0,
        }
    }
}
