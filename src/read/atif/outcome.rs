//! How an ATIF run ended and what it cost: its own final metrics, and the result file of the harness beside it.
//!
//! ATIF has no reward of its own. Harbor writes `result.json` per trial, terminal-bench before it `results.json`;
//! a missing field is unknown, never failure.

use crate::model::Tokens;
use crate::model::Trajectory;
use crate::model::Value;
use crate::read::Sibling;
use crate::read::common::f64_at;
use crate::read::common::str_at;
use crate::read::common::u64_at;

/// Tokens of a step's `metrics` or of `final_metrics` (`total_…` names); `prompt_tokens` includes cached ones.
pub(super) fn tokens(metrics: &Value) -> Option<Tokens> {
    let count = |keys: &[&str]| keys.iter().find_map(|key| u64_at(metrics, key));
    let extra = |keys: &[&str]| {
        let extra = metrics.get("extra")?;
        keys.iter().find_map(|key| u64_at(extra, key))
    };
    let tokens = Tokens {
        input: count(&["prompt_tokens", "total_prompt_tokens", "input_tokens"]),
        output: count(&[
            "completion_tokens",
            "total_completion_tokens",
            "output_tokens",
        ]),
        cache_read: count(&["cached_tokens", "total_cached_tokens"]),
        cache_write: extra(&[
            "cache_creation_input_tokens",
            "total_cache_creation_input_tokens",
        ]),
        reasoning: extra(&["reasoning_output_tokens", "reasoning_tokens"]),
    };
    (tokens != Tokens::default()).then_some(tokens)
}

/// Reads `final_metrics`. A run of zero tokens is a writer that did not count.
pub(super) fn read_totals(trajectory: &mut Trajectory, metrics: &Value) {
    if let Some(tokens) = tokens(metrics).filter(|tokens| tokens.total() != Some(0)) {
        trajectory.totals.tokens = tokens;
    }
    trajectory.totals.cost = ["total_cost_usd", "cost_usd"]
        .into_iter()
        .find_map(|key| f64_at(metrics, key));
}

/// Reads what third parties put into the root's `extra`.
pub(super) fn read_extra(trajectory: &mut Trajectory, extra: Option<&Value>) {
    let Some(extra) = extra else { return };
    if let Some(success) = extra.get("success").and_then(Value::as_bool) {
        trajectory.outcome.resolved = Some(success);
        trajectory.outcome.label_source = Some("extra.success".to_owned());
    }
    if let Some(error) = str_at(extra, "error").filter(|error| !error.is_empty()) {
        trajectory.outcome.error = Some(error.to_owned());
    }
}

/// Joins the harness's result files.
pub(super) fn join_side_files(trajectory: &mut Trajectory, files: Vec<Sibling>) {
    for file in files {
        for row in &file.rows {
            if row.value.get("is_resolved").is_some() {
                join_terminal_bench(trajectory, &row.value, &file.name);
            } else if row.value.get("verifier_result").is_some()
                || row.value.get("trial_name").is_some()
            {
                join_harbor(trajectory, &row.value, &file.name);
            } else if file.name.starts_with("reward") {
                join_reward(trajectory, reward_of(&row.value), &file.name);
            }
        }
    }
}

fn join_harbor(trajectory: &mut Trajectory, result: &Value, name: &str) {
    let text = |key: &str| str_at(result, key).map(str::to_owned);
    if trajectory.task_id.is_none() {
        trajectory.task_id = text("task_name");
    }
    if let Some(trial) = text("trial_name") {
        trajectory.run_id = Some(trial);
    }
    let verifier = result.get("verifier_result");
    let rewards = verifier.and_then(|v| v.get("rewards").or_else(|| v.get("reward")));
    join_reward(trajectory, rewards.and_then(reward_of), name);
    if let Some(exception) = result.get("exception_info").filter(|e| !e.is_null()) {
        let kind = str_at(exception, "exception_type");
        let message = str_at(exception, "exception_message");
        trajectory.outcome.exit_status = kind.map(str::to_owned);
        let words: Vec<&str> = kind.into_iter().chain(message).collect();
        trajectory.outcome.error = Some(if words.is_empty() {
            exception.to_string()
        } else {
            words.join(": ")
        });
    }
}

/// The reward of `{reward: 1.0}`, of an object with one number, or of a bare number.
fn reward_of(rewards: &Value) -> Option<f64> {
    let number = |value: &Value| value.as_f64().filter(|n| n.is_finite());
    match rewards {
        Value::Object(fields) => match fields.get("reward") {
            Some(reward) => number(reward),
            None if fields.len() == 1 => fields.values().next().and_then(number),
            None => None,
        },
        other => number(other),
    }
}

/// A reward of 1 is solved and of 0 is not; between them only the reward is known.
fn join_reward(trajectory: &mut Trajectory, reward: Option<f64>, name: &str) {
    let Some(reward) = reward else { return };
    trajectory.outcome.reward = Some(reward);
    trajectory.outcome.label_source = Some(name.to_owned());
    if reward >= 1.0 {
        trajectory.outcome.resolved = Some(true);
    } else if reward <= 0.0 {
        trajectory.outcome.resolved = Some(false);
    }
}

fn join_terminal_bench(trajectory: &mut Trajectory, result: &Value, name: &str) {
    if let Some(resolved) = result.get("is_resolved").and_then(Value::as_bool) {
        trajectory.outcome.resolved = Some(resolved);
        trajectory.outcome.label_source = Some(name.to_owned());
    }
    let text = |key: &str| str_at(result, key).map(str::to_owned);
    trajectory.outcome.exit_status =
        text("failure_mode").filter(|mode| mode != "unset" && mode != "none");
    if trajectory.task_id.is_none() {
        trajectory.task_id = text("task_id");
    }
    if let Some(trial) = text("trial_name") {
        trajectory.run_id = Some(trial);
    }
}
