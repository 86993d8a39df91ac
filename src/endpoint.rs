//! Models behind OpenAI-compatible endpoints: the one place from which anything leaves the machine, and only to the URL
//! that a person named.
//!
//! [`Chat`] is what the rest of the program sees of them, so that scripted models can stand in.

use crate::cancel::Cancel;
use crate::model::Value;

/// What a model answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Completion {
    /// The assistant's message in OpenAI's chat form: `role`, `content`, `tool_calls`.
    pub message: Value,
    /// Why it ended, as the endpoint says: `stop`, `length`, `tool_calls`; empty where it does not.
    pub finish_reason: String,
    /// The tokens it took.
    pub usage: Usage,
    /// The id of the response; empty where it has none.
    pub id: String,
    /// The model that answered, as the endpoint names it.
    pub model: String,
}

/// Tokens that were taken, and what they cost where that is known.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Usage {
    /// Tokens read.
    pub prompt_tokens: u64,
    /// Of those, tokens that the endpoint had cached.
    pub cached_tokens: u64,
    /// Tokens written.
    pub completion_tokens: u64,
    /// US dollars, where prices are known.
    pub cost: Option<f64>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoAnswer {
    /// Trying again may help, and was tried as often as was allowed: in words.
    Unavailable(String),
    /// It will not answer this: the key, the model or the request is refused. In words, with what it said.
    Refused(String),
    /// The conversation is longer than the model reads.
    TooLong(String),
    /// It was cancelled.
    Cancelled,
}

/// Something that continues conversations.
pub trait Chat: Sync {
    /// Asks for the next message. `request` is the body of a chat completion without `model` and `stream`: `messages`,
    /// `tools`, sampling parameters.
    ///
    /// # Errors
    /// Why there is no answer.
    fn complete(&self, request: &Value, cancel: &Cancel) -> Result<Completion, NoAnswer>;
}
