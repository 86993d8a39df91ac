//! What model responses cost: the `metrics` objects of both `OpenHands` generations and the `usage` of responses.
//!
//! Costs, latencies and token counts are given per response id or in order; [`Usage`] brings them to the steps.
//! Knows no events.

use std::collections::HashMap;

use crate::model::StepKind;
use crate::model::Tokens;
use crate::model::Totals;
use crate::model::Trajectory;
use crate::model::Value;
use crate::read::common::f64_at;
use crate::read::common::str_at;
use crate::read::common::u64_at;

/// What one or several `metrics` objects say.
#[derive(Debug, Default)]
pub(in crate::read) struct Usage {
    responses: HashMap<String, Response>,
    /// Costs that no response id belongs to, in order.
    costs: Vec<f64>,
    totals: Totals,
}

#[derive(Debug, Default)]
struct Response {
    tokens: Option<Tokens>,
    cost: Option<f64>,
    latency_s: Option<f64>,
}

impl Usage {
    /// Reads a `stats` object: metrics per service or per usage (`service_to_metrics`, `usage_to_metrics`).
    pub(in crate::read) fn of_stats(stats: &Value) -> Self {
        let mut usage = Self::default();
        for key in ["service_to_metrics", "usage_to_metrics"] {
            for metrics in stats
                .get(key)
                .and_then(Value::as_object)
                .into_iter()
                .flat_map(serde_json::Map::values)
            {
                usage.absorb(metrics);
            }
        }
        usage
    }

    /// Whether nothing was said.
    pub(in crate::read) fn is_empty(&self) -> bool {
        self.responses.is_empty() && self.costs.is_empty() && self.totals == Totals::default()
    }

    /// Adds one `metrics` object; anything else is passed over.
    pub(in crate::read) fn absorb(&mut self, metrics: &Value) {
        if let Some(cost) = f64_at(metrics, "accumulated_cost") {
            *self.totals.cost.get_or_insert(0.0) += cost;
        }
        if let Some(tokens) = metrics.get("accumulated_token_usage").and_then(tokens_of) {
            self.totals.tokens.add(&tokens);
        }
        let list = |key: &str| metrics.get(key).and_then(Value::as_array);
        let usages = list("token_usages").map_or(&[][..], Vec::as_slice);
        for usage in usages {
            if let Some(response) = self.response_of(usage) {
                response.tokens = tokens_of(usage);
            }
        }
        for latency in list("response_latencies").into_iter().flatten() {
            let seconds = f64_at(latency, "latency");
            if let Some(response) = self.response_of(latency) {
                response.latency_s = seconds;
            }
        }
        let costs = list("costs").map_or(&[][..], Vec::as_slice);
        let is_aligned = costs.len() == usages.len();
        for (at, cost) in costs.iter().enumerate() {
            let Some(dollars) = cost.as_f64().or_else(|| f64_at(cost, "cost")) else {
                continue;
            };
            let response = match usages.get(at) {
                Some(usage) if is_aligned => self.response_of(usage),
                _ => None,
            };
            match response {
                Some(response) => response.cost = Some(dollars),
                None => self.costs.push(dollars),
            }
        }
    }

    fn response_of(&mut self, entry: &Value) -> Option<&mut Response> {
        let id = str_at(entry, "response_id").filter(|id| !id.is_empty())?;
        Some(self.responses.entry(id.to_owned()).or_default())
    }

    /// Gives each agent step what its response cost, and the trajectory its totals where it has none.
    pub(in crate::read) fn spend(mut self, trajectory: &mut Trajectory) {
        for step in &mut trajectory.steps {
            let Some(response) = step
                .group_id
                .as_ref()
                .and_then(|id| self.responses.remove(id))
            else {
                continue;
            };
            step.tokens = response.tokens.or(step.tokens);
            step.cost = response.cost.or(step.cost);
            step.latency_s = response.latency_s.or(step.latency_s);
        }
        if self.costs.len() == trajectory.agent_steps() {
            let agent_steps = trajectory
                .steps
                .iter_mut()
                .filter(|step| step.kind == StepKind::Agent);
            for (step, cost) in agent_steps.zip(self.costs) {
                step.cost.get_or_insert(cost);
            }
        }
        let totals = &mut trajectory.totals;
        totals.cost = totals.cost.or(self.totals.cost);
        if totals.tokens == Tokens::default() {
            totals.tokens = self.totals.tokens;
        }
    }
}

/// Reads token counts as `OpenHands` (`cache_read_tokens`) or the `OpenAI` API (`prompt_tokens_details`) spells them;
/// `None` when there are none.
///
/// Some providers leave cached tokens out of `prompt_tokens`; where the parts exceed the whole they are added, so
/// that `input` includes them.
pub(in crate::read) fn tokens_of(usage: &Value) -> Option<Tokens> {
    let part = |keys: [&str; 2], details: &str, detail: &str| {
        keys.into_iter()
            .find_map(|key| u64_at(usage, key))
            .or_else(|| usage.get(details).and_then(|d| u64_at(d, detail)))
    };
    let prompt = u64_at(usage, "prompt_tokens");
    let cache_read = part(
        ["cache_read_tokens", "cache_read_input_tokens"],
        "prompt_tokens_details",
        "cached_tokens",
    );
    let cache_write = part(
        ["cache_write_tokens", "cache_creation_input_tokens"],
        "prompt_tokens_details",
        "cache_creation_tokens",
    );
    let tokens = Tokens {
        input: prompt.map(|prompt| {
            inclusive(
                prompt,
                cache_read.unwrap_or_default(),
                cache_write.unwrap_or_default(),
            )
        }),
        output: u64_at(usage, "completion_tokens"),
        cache_read,
        cache_write,
        reasoning: u64_at(usage, "reasoning_tokens").or_else(|| {
            usage
                .get("completion_tokens_details")
                .and_then(|d| u64_at(d, "reasoning_tokens"))
        }),
    };
    tokens.total().map(|_| tokens)
}

fn inclusive(prompt: u64, read: u64, write: u64) -> u64 {
    if prompt >= read.saturating_add(write) {
        prompt
    } else if prompt >= read {
        prompt.saturating_add(write)
    } else {
        prompt.saturating_add(read).saturating_add(write)
    }
}

/// What is accumulated at an event, to be subtracted from the next.
#[derive(Debug, Default)]
pub(super) struct Meter {
    cost: f64,
    counts: [u64; COUNTS.len()],
}

const COUNTS: [&str; 5] = [
    "prompt_tokens",
    "completion_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
];

impl Meter {
    /// Reads accumulated `llm_metrics` and returns what came since the last reading: cost and tokens, each `None`
    /// when it did not move, or ran backwards because another model's meter was read.
    pub(super) fn read(&mut self, metrics: &Value) -> (Option<f64>, Option<Tokens>) {
        let Some(usage) = metrics.get("accumulated_token_usage") else {
            return (None, None);
        };
        let now = COUNTS.map(|key| u64_at(usage, key));
        let before = self.counts;
        let is_forward = now
            .iter()
            .zip(before)
            .all(|(now, before)| now.unwrap_or_default() >= before);
        self.counts = now.map(Option::unwrap_or_default);
        let cost_before = self.cost;
        let cost = f64_at(metrics, "accumulated_cost");
        self.cost = cost.unwrap_or(cost_before);
        if !is_forward || self.counts == before {
            return (None, None);
        }
        let mut since = serde_json::Map::new();
        for ((key, now), before) in COUNTS.into_iter().zip(now).zip(before) {
            if let Some(now) = now {
                since.insert(key.to_owned(), now.saturating_sub(before).into());
            }
        }
        let cost = cost
            .map(|cost| cost - cost_before)
            .filter(|cost| *cost >= 0.0);
        (cost, tokens_of(&Value::Object(since)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::Step;

    #[track_caller]
    fn counts(usage: &Value, want: [Option<u64>; 5]) {
        let t = tokens_of(usage).unwrap_or_default();
        let got = [t.input, t.output, t.cache_read, t.cache_write, t.reasoning];
        assert_eq!(got, want, "{usage}");
    }

    #[test]
    fn input_includes_what_was_cached() {
        let own = |p: u64, r: u64, w: u64| json!({"prompt_tokens": p, "completion_tokens": 1, "cache_read_tokens": r, "cache_write_tokens": w});
        counts(
            &own(100, 60, 30),
            [Some(100), Some(1), Some(60), Some(30), None],
        );
        counts(
            &own(64, 60, 30),
            [Some(94), Some(1), Some(60), Some(30), None],
        );
        counts(
            &own(4, 60, 30),
            [Some(94), Some(1), Some(60), Some(30), None],
        );
        let openai = json!({"prompt_tokens": 9, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 8},
            "completion_tokens_details": {"reasoning_tokens": 3}});
        counts(&openai, [Some(9), Some(5), Some(8), None, Some(3)]);
        counts(&json!({"model": "x"}), [None; 5]);
        counts(&json!(null), [None; 5]);
    }

    #[test]
    fn a_meter_gives_differences() {
        let at = |cost: f64, prompt: u64| json!({"accumulated_cost": cost, "accumulated_token_usage": {"prompt_tokens": prompt, "completion_tokens": 0}});
        let mut meter = Meter::default();
        let mut read = |metrics: &Value| {
            let (cost, tokens) = meter.read(metrics);
            (cost, tokens.and_then(|t| t.input))
        };
        assert_eq!(read(&at(0.5, 10)), (Some(0.5), Some(10)));
        assert_eq!(read(&at(0.5, 10)), (None, None), "a second call");
        assert_eq!(read(&at(0.75, 30)), (Some(0.25), Some(20)));
        assert_eq!(read(&at(0.125, 5)), (None, None), "ran backwards");
        assert_eq!(read(&at(0.375, 6)), (Some(0.25), Some(1)));
        assert_eq!(read(&json!({})), (None, None));
    }

    #[test]
    fn responses_get_their_own_numbers() {
        let metrics = json!({
            "accumulated_cost": 3.0,
            "costs": [{"cost": 1.0}, {"cost": 2.0}],
            "response_latencies": [{"response_id": "b", "latency": 4.5}],
            "token_usages": [{"response_id": "a", "prompt_tokens": 7}, {"response_id": "b", "prompt_tokens": 8}],
        });
        let mut usage = Usage::default();
        usage.absorb(&metrics);
        assert!(!usage.is_empty());
        let step = |id: &str| Step {
            kind: StepKind::Agent,
            group_id: Some(id.to_owned()),
            ..Step::default()
        };
        let mut trajectory = Trajectory {
            steps: vec![step("b"), step("a"), step("c")],
            ..Trajectory::default()
        };
        usage.spend(&mut trajectory);
        let got: Vec<_> = trajectory
            .steps
            .iter()
            .map(|s| (s.cost, s.latency_s, s.tokens.and_then(|t| t.input)))
            .collect();
        assert_eq!(
            got,
            [
                (Some(2.0), Some(4.5), Some(8)),
                (Some(1.0), None, Some(7)),
                (None, None, None)
            ]
        );
        assert_eq!(trajectory.totals.cost, Some(3.0));
    }

    #[test]
    fn plain_costs_go_in_order_when_they_fit() {
        let mut usage = Usage::default();
        usage.absorb(&json!({"costs": [0.5, 0.25]}));
        let agent = || Step::new(StepKind::Agent);
        let mut trajectory = Trajectory {
            steps: vec![agent(), Step::new(StepKind::User), agent()],
            ..Trajectory::default()
        };
        usage.spend(&mut trajectory);
        let costs: Vec<_> = trajectory.steps.iter().map(|s| s.cost).collect();
        assert_eq!(costs, [Some(0.5), None, Some(0.25)]);
    }
}
