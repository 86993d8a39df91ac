//! Models behind OpenAI-compatible endpoints: the one place from which anything leaves the machine, and only to the URL
//! that a person named.
//!
//! [`Chat`] is what the rest of the program sees of them, so that scripted models can stand in; [`OpenAi`] is the real
//! one. A request goes to the URL that was named and nowhere else: redirects are not followed. The key is read from a
//! variable of the environment, sent, and taken out of everything that an endpoint says.

mod answer;
mod budget;
mod exchange;
mod fault;
mod key;
mod openai;
mod pause;
mod settings;
mod shape;
mod stream;
pub mod testing;

#[cfg(test)]
mod tests;

pub use budget::Budget;
pub use key::Key;
pub use openai::OpenAi;
pub use pause::Pause;
pub use settings::Prices;
pub use settings::Settings;
pub use settings::Times;

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

impl Usage {
    /// What an answer took; a guess where the endpoint does not say, so that bounds are kept all the same. `bytes` are those
    /// of the request and of the answer.
    #[must_use]
    pub fn or_guessed(
        self,
        bytes: impl FnOnce() -> (usize, usize),
        prices: Option<&Prices>,
    ) -> Self {
        const BYTES_A_TOKEN: usize = 3;
        if self.prompt_tokens > 0 || self.completion_tokens > 0 {
            return self;
        }
        let (asked, answered) = bytes();
        let mut usage = Self {
            prompt_tokens: asked.div_ceil(BYTES_A_TOKEN) as u64,
            completion_tokens: answered.div_ceil(BYTES_A_TOKEN) as u64,
            ..self
        };
        usage.cost = prices.map(|prices| prices.cost(&usage)).or(self.cost);
        usage
    }

    /// Adds what another answer took. The cost is known where one of both is.
    pub fn add(&mut self, other: &Self) {
        self.prompt_tokens = self.prompt_tokens.saturating_add(other.prompt_tokens);
        self.cached_tokens = self.cached_tokens.saturating_add(other.cached_tokens);
        self.completion_tokens = self
            .completion_tokens
            .saturating_add(other.completion_tokens);
        self.cost = match (self.cost, other.cost) {
            (Some(one), Some(other)) => Some(one + other),
            (one, other) => one.or(other),
        };
    }
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

/// An endpoint that gave no answer is asked once more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Again {
    /// For the so manieth time, from 1; so the first that is told is 2.
    pub nth: u32,
    /// How often it is asked at most.
    pub of: u32,
    /// What came of the time before, in words.
    pub why: String,
}

/// Something that continues conversations.
pub trait Chat: Sync {
    /// Asks for the next message. `request` is the body of a chat completion without `model` and `stream`: `messages`,
    /// `tools`, sampling parameters. What is asked once more is told `again` before it is waited for.
    ///
    /// # Errors
    /// Why there is no answer.
    fn ask(
        &self,
        request: &Value,
        again: &mut dyn FnMut(Again),
        cancel: &Cancel,
    ) -> Result<Completion, NoAnswer>;

    /// Asks for the next message where nobody wants to hear of tries.
    ///
    /// # Errors
    /// Why there is no answer.
    fn complete(&self, request: &Value, cancel: &Cancel) -> Result<Completion, NoAnswer> {
        self.ask(request, &mut |_| {}, cancel)
    }
}
