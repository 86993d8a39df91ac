//! How a trajectory ended and what it cost.

use schemars::JsonSchema;
use serde::Serialize;

/// How an attempt ended, as far as the record or a side file says. Never guessed from the text of the run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct Outcome {
    /// Whether the attempt solved its task; `None` where nobody said.
    pub resolved: Option<bool>,
    /// A graded reward where the format has one (Inspect scores, reward models).
    pub reward: Option<f64>,
    /// The producer's own word for the end: `submitted`, `exit_cost`, `Timeout`, `finish`, …
    pub exit_status: Option<String>,
    /// The error that ended the run, in the producer's words.
    pub error: Option<String>,
    /// Where `resolved` or `reward` comes from: a field name (`resolved`, `eval_result.success`, `feedback`) or the
    /// file name of a joined report.
    pub label_source: Option<String>,
}

/// Token counts; each `None` where the format does not say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Tokens {
    /// Prompt tokens, cached ones included.
    #[serde(rename = "in")]
    pub input: Option<u64>,
    /// Completion tokens, reasoning included.
    #[serde(rename = "out")]
    pub output: Option<u64>,
    /// Of `in`: read from the cache.
    pub cache_read: Option<u64>,
    /// Of `in`: written to the cache.
    pub cache_write: Option<u64>,
    /// Of `out`: reasoning.
    pub reasoning: Option<u64>,
}

impl Tokens {
    /// Input plus output; `None` when neither is known.
    pub fn total(&self) -> Option<u64> {
        match (self.input, self.output) {
            (None, None) => None,
            (input, output) => Some(input.unwrap_or(0).saturating_add(output.unwrap_or(0))),
        }
    }

    /// Adds `other` field by field; unknown plus known is known.
    pub fn add(&mut self, other: &Self) {
        fn sum(a: Option<u64>, b: Option<u64>) -> Option<u64> {
            match (a, b) {
                (None, None) => None,
                (a, b) => Some(a.unwrap_or(0).saturating_add(b.unwrap_or(0))),
            }
        }
        self.input = sum(self.input, other.input);
        self.output = sum(self.output, other.output);
        self.cache_read = sum(self.cache_read, other.cache_read);
        self.cache_write = sum(self.cache_write, other.cache_write);
        self.reasoning = sum(self.reasoning, other.reasoning);
    }
}

/// What the whole trajectory cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, JsonSchema)]
pub struct Totals {
    /// US dollars.
    pub cost: Option<f64>,
    /// Tokens of all model responses.
    pub tokens: Tokens,
    /// Wall-clock seconds from the first to the last timestamp, or as the producer says.
    pub duration_s: Option<f64>,
}
