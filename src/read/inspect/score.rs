//! Scores, errors, limits and usage of a sample.

use crate::model::Tokens;
use crate::model::Trajectory;
use crate::model::Value;
use crate::read::common::f64_at;
use crate::read::common::str_at;
use crate::read::common::take;
use crate::read::common::u64_at;

/// Reads what the sample says about its end.
pub(super) fn read(trajectory: &mut Trajectory, sample: &mut Value, header: &Value) {
    let scores = take(sample, "scores");
    let first = scores.as_object().and_then(|scores| scores.iter().next());
    if let Some((name, score)) = first {
        apply(trajectory, &format!("scores.{name}"), score);
    } else if let Some(score) = sample.get("score").filter(|score| !score.is_null()) {
        apply(trajectory, "score", score);
    }
    let outcome = &mut trajectory.outcome;
    outcome.error = sample.get("error").and_then(error_words);
    let limit = sample
        .get("limit")
        .and_then(|limit| str_at(limit, "type").or_else(|| limit.as_str()));
    let stop = sample
        .pointer("/output/choices/0/stop_reason")
        .and_then(Value::as_str);
    let status = str_at(header, "status").filter(|status| *status != "success");
    outcome.exit_status = match (limit, outcome.error.is_some()) {
        (Some(limit), _) => Some(format!("limit {limit}")),
        (None, true) => Some("error".to_owned()),
        (None, false) => stop.or(status).map(str::to_owned),
    };
    read_usage(trajectory, sample);
}

fn apply(trajectory: &mut Trajectory, source: &str, score: &Value) {
    let value = score.get("value").unwrap_or(score);
    let (resolved, reward) = judged(value);
    trajectory.outcome.resolved = resolved;
    trajectory.outcome.reward = reward;
    if resolved.is_some() || reward.is_some() {
        trajectory.outcome.label_source = Some(source.to_owned());
    }
}

/// Whether a score's value says solved or not, and its number. Partial answers and grades are numbers only.
fn judged(value: &Value) -> (Option<bool>, Option<f64>) {
    match value {
        Value::String(grade) => match grade.as_str() {
            "C" | "true" | "True" | "yes" => (Some(true), Some(1.0)),
            "I" | "false" | "False" | "no" => (Some(false), Some(0.0)),
            "P" => (None, Some(0.5)),
            "N" => (None, Some(0.0)),
            text => (None, text.parse().ok().filter(|n: &f64| n.is_finite())),
        },
        Value::Bool(is_good) => (Some(*is_good), Some(if *is_good { 1.0 } else { 0.0 })),
        Value::Number(_) => match value.as_f64().filter(|n| n.is_finite()) {
            Some(reward) if (reward - 1.0).abs() <= 0.0 => (Some(true), Some(reward)),
            Some(reward) if reward.abs() <= 0.0 => (Some(false), Some(reward)),
            reward => (None, reward),
        },
        Value::Object(fields) if fields.len() == 1 => {
            fields.values().next().map_or((None, None), judged_leaf)
        }
        _ => (None, None),
    }
}

/// The one entry of a dictionary; deeper nesting is no score.
fn judged_leaf(value: &Value) -> (Option<bool>, Option<f64>) {
    if value.is_object() {
        (None, None)
    } else {
        judged(value)
    }
}

/// `{message, traceback}` or a text.
pub(super) fn error_words(error: &Value) -> Option<String> {
    let text = str_at(error, "message").or_else(|| error.as_str())?;
    Some(text.to_owned())
}

/// Tokens of one usage object. Providers differ in whether `input_tokens` counts cached ones; the total tells.
pub(super) fn tokens(usage: &Value) -> Option<Tokens> {
    let (input, output) = (
        u64_at(usage, "input_tokens"),
        u64_at(usage, "output_tokens"),
    );
    let read = u64_at(usage, "input_tokens_cache_read");
    let write = u64_at(usage, "input_tokens_cache_write");
    let cached = read.unwrap_or(0).saturating_add(write.unwrap_or(0));
    let with_cached = input.map(|input| input.saturating_add(cached));
    let from_total =
        u64_at(usage, "total_tokens").and_then(|total| total.checked_sub(output.unwrap_or(0)));
    let input = if from_total == with_cached {
        with_cached
    } else {
        input
    };
    let tokens = Tokens {
        input,
        output,
        cache_read: read,
        cache_write: write,
        reasoning: u64_at(usage, "reasoning_tokens"),
    };
    (tokens != Tokens::default()).then_some(tokens)
}

fn read_usage(trajectory: &mut Trajectory, sample: &Value) {
    let models = sample.get("model_usage").and_then(Value::as_object);
    for usage in models.into_iter().flat_map(serde_json::Map::values) {
        if let Some(tokens) = tokens(usage) {
            trajectory.totals.tokens.add(&tokens);
        }
        if let Some(cost) = f64_at(usage, "total_cost") {
            *trajectory.totals.cost.get_or_insert(0.0) += cost;
        }
    }
}
