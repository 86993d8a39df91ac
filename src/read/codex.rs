//! Codex: rollout files in envelopes, their bare predecessors, and the stream of `codex exec --json`.
//!
//! A step is a model response: a run of reasoning, message and call items, ended by a result, by what somebody else
//! says, by a new turn context or by an abort. Response items make the steps; events repeat them and are read for
//! tokens, durations, exit codes, applied patches and aborts, and kept as context where they say something else.

mod events;
mod exec;
mod items;
mod rollout;

use crate::model::Fault;
use crate::model::Format;
use crate::model::Tokens;
use crate::model::Trajectory;
use crate::model::Value;
use crate::read::Doc;
use crate::read::Layout;
use crate::read::Probe;
use crate::read::Reader;
use crate::read::Shape;
use crate::read::common::str_at;
use crate::read::common::u64_at;

pub(super) const READER: Reader = Reader {
    format: Format::Codex,
    sniff,
    parse,
    head: None,
    sketch: None,
};

fn sniff(probe: &Probe<'_>) -> Option<Layout> {
    if matches!(probe.shape, Shape::Table | Shape::Events) {
        return None;
    }
    let is_legacy = || {
        probe.values.first().is_some_and(is_legacy_head)
            && probe
                .values
                .iter()
                .skip(1)
                .any(|value| is_bare_item(value) || is_state(value))
    };
    let any = |test: fn(&Value) -> bool| probe.values.iter().any(test);
    (any(is_envelope) || any(is_exec_event) || is_legacy()).then_some(Layout::Session)
}

fn is_envelope(value: &Value) -> bool {
    let kind = str_at(value, "type").unwrap_or_default();
    matches!(
        kind,
        "session_meta" | "response_item" | "event_msg" | "turn_context" | "compacted"
    ) && value.get("payload").is_some_and(Value::is_object)
}

fn is_legacy_head(value: &Value) -> bool {
    let has = |key: &str| value.get(key).is_some();
    has("id") && has("timestamp") && has("instructions") && !has("type")
}

fn is_bare_item(value: &Value) -> bool {
    matches!(
        str_at(value, "type"),
        Some(
            "message" | "reasoning" | "function_call" | "function_call_output" | "local_shell_call"
        )
    )
}

fn is_state(value: &Value) -> bool {
    value.get("record_type").is_some()
}

fn is_exec_event(value: &Value) -> bool {
    let Some(kind) = str_at(value, "type") else {
        return false;
    };
    match kind {
        "thread.started" => value.get("thread_id").is_some(),
        "item.started" | "item.updated" | "item.completed" => {
            value.pointer("/item/id").is_some() && value.pointer("/item/type").is_some()
        }
        _ => false,
    }
}

fn parse(mut doc: Doc) -> Result<Trajectory, Fault> {
    let rows = std::mem::take(&mut doc.rows);
    if rows.is_empty() {
        return Err(Fault::new("empty: no rollout row"));
    }
    if rows.iter().any(|row| is_exec_event(&row.value))
        && !rows.iter().any(|row| is_envelope(&row.value))
    {
        let mut trajectory = doc.begin(Format::Codex, "exec-json");
        exec::build(&mut trajectory, rows);
        return Ok(trajectory);
    }
    let is_enveloped = rows.iter().any(|row| is_envelope(&row.value));
    let variant = if is_enveloped { "rollout" } else { "legacy" };
    let mut trajectory = doc.begin(Format::Codex, variant);
    rollout::build(&mut trajectory, rows);
    Ok(trajectory)
}

/// Usage as Codex counts it: `input_tokens` includes cached ones, `output_tokens` reasoning.
fn tokens(usage: &Value) -> Option<Tokens> {
    let tokens = Tokens {
        input: u64_at(usage, "input_tokens"),
        output: u64_at(usage, "output_tokens"),
        cache_read: u64_at(usage, "cached_input_tokens"),
        cache_write: None,
        reasoning: u64_at(usage, "reasoning_output_tokens"),
    };
    (tokens != Tokens::default()).then_some(tokens)
}

#[cfg(test)]
mod tests;
