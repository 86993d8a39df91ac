//! What may be spent on all answers together.

use std::sync::Mutex;
use std::sync::PoisonError;

use crate::endpoint::Usage;
use crate::text::human;

/// Tokens and money that may be spent, and those that were.
#[derive(Debug, Default)]
pub struct Budget {
    max_tokens: Option<u64>,
    max_cost: Option<f64>,
    spent: Mutex<Usage>,
}

impl Budget {
    /// Bounds on all tokens that are read and written, and on US dollars.
    pub fn new(max_tokens: Option<u64>, max_cost: Option<f64>) -> Self {
        Self {
            max_tokens,
            max_cost,
            spent: Mutex::default(),
        }
    }

    /// Takes what an answer took.
    pub fn spend(&self, usage: &Usage) {
        self.spent
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .add(usage);
    }

    /// All that was spent.
    pub fn spent(&self) -> Usage {
        *self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// In words, that nothing more may be asked for; `None` while something may. The answers under way when a bound is
    /// reached still come, so it is exceeded by those at most.
    pub fn exhausted(&self) -> Option<String> {
        let spent = self.spent();
        let tokens = spent.prompt_tokens.saturating_add(spent.completion_tokens);
        if self.max_tokens.is_some_and(|most| tokens >= most) {
            let tokens = human::short_count(tokens);
            return Some(format!("{tokens} tokens were spent"));
        }
        let cost = spent.cost.unwrap_or_default();
        if self.max_cost.is_some_and(|most| cost >= most) {
            return Some(format!("{} were spent", human::dollars(cost)));
        }
        None
    }
}
