//! What an attempt has taken so far: tokens, dollars, seconds, response by response.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use serde_json::json;

use crate::endpoint::Usage;
use crate::rollout::said::Said;

/// The sums, and what each response took.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    sum: Usage,
    /// The same with guesses for what the endpoint does not tell.
    taken: Usage,
    costs: Vec<Value>,
    latencies: Vec<Value>,
    usages: Vec<Value>,
}

impl Metrics {
    /// Adds a response; `taken` is what bounds count for it.
    pub(super) fn add(&mut self, said: &Said, taken: &Usage, took: Duration) {
        let usage = said.usage;
        self.taken.add(taken);
        self.sum.prompt_tokens = self.sum.prompt_tokens.saturating_add(usage.prompt_tokens);
        self.sum.cached_tokens = self.sum.cached_tokens.saturating_add(usage.cached_tokens);
        self.sum.completion_tokens = self
            .sum
            .completion_tokens
            .saturating_add(usage.completion_tokens);
        let (model, id) = (&said.model, &said.response_id);
        if let Some(cost) = usage.cost.filter(|cost| cost.is_finite()) {
            *self.sum.cost.get_or_insert(0.0) += cost;
            let at = Timestamp::now().as_millisecond();
            self.costs
                .push(json!({"model": model, "cost": cost, "timestamp": at / 1000}));
        }
        self.latencies
            .push(json!({"model": model, "latency": took.as_secs_f64(), "response_id": id}));
        self.usages
            .push(json!({"model": model, "prompt_tokens": usage.prompt_tokens,
            "completion_tokens": usage.completion_tokens, "cache_read_tokens": usage.cached_tokens,
            "cache_write_tokens": 0, "response_id": id}));
    }

    /// The sums.
    pub(super) fn sum(&self) -> Usage {
        self.sum
    }

    /// What bounds count: guessed where the endpoint does not tell.
    pub(super) fn taken(&self) -> Usage {
        self.taken
    }

    /// Tokens read and written together, as bounds count them.
    pub(super) fn tokens(&self) -> u64 {
        self.taken
            .prompt_tokens
            .saturating_add(self.taken.completion_tokens)
    }

    /// The sums as events tell them.
    pub(super) fn so_far(&self) -> Value {
        json!({"accumulated_cost": self.sum.cost, "accumulated_token_usage": self.token_usage()})
    }

    /// All of it as rows tell it.
    pub(super) fn whole(self) -> Value {
        json!({"accumulated_cost": self.sum.cost, "accumulated_token_usage": self.token_usage(),
            "costs": self.costs, "response_latencies": self.latencies, "token_usages": self.usages})
    }

    fn token_usage(&self) -> Value {
        json!({"model": "default", "prompt_tokens": self.sum.prompt_tokens,
            "completion_tokens": self.sum.completion_tokens, "cache_read_tokens": self.sum.cached_tokens,
            "cache_write_tokens": 0, "response_id": ""})
    }
}
