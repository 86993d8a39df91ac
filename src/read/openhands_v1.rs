//! `OpenHands` V1 (software-agent-sdk): rows, event folders, lines of events, completion logs (formats.md §2).
//!
//! Variants: `output` (evaluation rows), `completions` (rows that kept only the model's messages), `events`
//! (folder, lines or array), `completion` (one log of `llm_completions`). Here: telling them apart and taking the
//! record to pieces; `events` makes steps of events, `call` reads single ones in both spellings.

mod call;
pub(super) mod completion;
mod events;

#[cfg(test)]
mod tests;

use crate::model::Fault;
use crate::model::Format;
use crate::model::Tokens;
use crate::model::Trajectory;
use crate::model::Value;
use crate::read::Doc;
use crate::read::Layout;
use crate::read::PartRole;
use crate::read::Probe;
use crate::read::Reader;
use crate::read::Shape;
use crate::read::Sibling;
use crate::read::Sketched;
use crate::read::common::f64_at;
use crate::read::common::str_at;
use crate::read::common::take;
use crate::read::json::parse_embedded;
use crate::read::openhands_v0::build;
use crate::read::openhands_v0::layout_of;
use crate::read::openhands_v0::row;
use crate::read::openhands_v0::usage::Usage;
use crate::read::openhands_v1::events::Events;
use crate::read::outline::Item;
use crate::read::outline::Outline;

pub(super) const READER: Reader = Reader {
    format: Format::OpenHandsV1,
    sniff,
    parse,
    head: Some(head),
    sketch: Some(sketch),
};

fn sniff(probe: &Probe<'_>) -> Option<Layout> {
    let first = probe.values.iter().find(|value| value.is_object())?;
    let is_record = is_row(first) || completion::is_log(first);
    if is_record && probe.shape != Shape::Events {
        return Some(layout_of(probe.shape, true));
    }
    if !is_event(first) {
        return None;
    }
    Some(layout_of(probe.shape, false))
}

/// A `kind` of the event schema and two of the fields that every event has.
fn is_event(value: &Value) -> bool {
    let Some(kind) = str_at(value, "kind") else {
        return false;
    };
    let is_known = kind.ends_with("Event")
        || matches!(
            kind,
            "Condensation" | "CondensationRequest" | "UserRejectObservation"
        );
    let envelope = ["id", "timestamp", "source"];
    let has = envelope
        .into_iter()
        .filter(|key| value.get(key).is_some_and(Value::is_string));
    is_known && has.count() >= 2
}

fn is_row(row: &Value) -> bool {
    let has = |key: &str| row.get(key).is_some_and(|value| !value.is_null());
    let events = match row.get("history") {
        Some(Value::Array(items)) => items.as_slice(),
        Some(Value::String(text)) if text.trim_start().starts_with('[') => {
            return text.contains("Event\"") && (has("instance_id") || has("test_result"));
        }
        None | Some(Value::Null) => &[],
        Some(_) => return false,
    };
    if events.iter().any(|event| !event.is_null()) {
        let around = [
            "instance_id",
            "test_result",
            "instruction",
            "metrics",
            "metadata",
        ];
        return events.iter().any(is_event) && around.into_iter().any(has);
    }
    let has_key = |key: &str| row.get(key).is_some();
    let is_output = (has_key("history") || has_key("test_result"))
        && ["metrics", "metadata", "instruction", "error", "test_result"]
            .into_iter()
            .any(has_key);
    let has_messages = row.pointer("/raw_completions/messages").is_some();
    has("instance_id")
        && !has("messages")
        && !has("trajectory")
        && !has("conversations")
        && completion::is_v1_row(row)
        && (is_output || has_messages)
}

/// A row without the agent's calls and their results.
fn head(outline: &Outline<'_>) -> Option<Value> {
    if outline.has("trajectory") {
        return None;
    }
    let events = outline.without("history", |_, event| is_spare(event))?;
    build(outline, &events)
}

/// A row without results of calls.
fn sketch(outline: &Outline<'_>) -> Option<Sketched> {
    if outline.has("trajectory") {
        return None;
    }
    let is_result = |event: &Item<'_>| event.is("kind", "ObservationEvent") && is_spare(event);
    let events = outline.without("history", |_, event| is_result(event))?;
    build(outline, &events).map(Sketched::without_results)
}

/// Whether an event is surely a call or a result that says nothing of the run as a whole.
fn is_spare(event: &Item<'_>) -> bool {
    let is_call = event.is("kind", "ActionEvent") || event.is("kind", "ObservationEvent");
    let has_envelope = ["id", "timestamp", "source"]
        .into_iter()
        .all(|key| event.text(key).is_some());
    let is_odd = ["critic_result", "role", "sessionId", "payload", "type"]
        .into_iter()
        .any(|key| event.has(key));
    is_call && has_envelope && !is_odd
}

fn parse(mut doc: Doc) -> Result<Trajectory, Fault> {
    if let [row] = doc.rows.as_slice() {
        if completion::is_log(&row.value) {
            return completion::parse(doc);
        }
        if is_row(&row.value) {
            return Ok(parse_row(doc));
        }
    }
    let mut events = Events::new(doc.rows.iter().map(|row| &row.value));
    let mut has_event = false;
    for row in std::mem::take(&mut doc.rows) {
        has_event |= is_event(&row.value);
        events.push(row.value, Some(row.span));
    }
    if !has_event {
        return Err(Fault::new("no OpenHands event in it"));
    }
    let siblings = std::mem::take(&mut doc.siblings);
    let mut trajectory = doc.begin(Format::OpenHandsV1, "events");
    let told = events.finish(&mut trajectory);
    let mut usage = Usage::default();
    for sibling in siblings {
        if let Some(of_sibling) = fill_sibling(&mut trajectory, sibling) {
            usage = of_sibling;
        }
    }
    if usage.is_empty()
        && let Some(stats) = told
    {
        usage = Usage::of_stats(&stats);
    }
    usage.spend(&mut trajectory);
    Ok(trajectory)
}

/// What `base_state.json`, a run's or a session's `metadata.json` say; returns what the run cost where it says so.
fn fill_sibling(trajectory: &mut Trajectory, sibling: Sibling) -> Option<Usage> {
    if sibling.role != PartRole::Meta {
        return None;
    }
    let state = sibling.rows.into_iter().next()?.value;
    let Some(agent) = state.get("agent").filter(|agent| agent.is_object()) else {
        row::fill_run(trajectory, &state);
        if trajectory.run_id.is_none() {
            trajectory.run_id = str_at(&state, "conversation_id").map(str::to_owned);
        }
        let totals = &mut trajectory.totals;
        totals.cost = totals.cost.or_else(|| f64_at(&state, "accumulated_cost"));
        return None;
    };
    if let Some(model) = agent.pointer("/llm/model").and_then(Value::as_str) {
        trajectory.model = Some(model.to_owned());
    }
    if trajectory.agent.is_none() {
        trajectory.agent = row::named(str_at(agent, "kind"), str_at(&state, "sdk_version"));
    }
    if let Some(id) = str_at(&state, "id") {
        trajectory.run_id = Some(id.to_owned());
    }
    let status = ["execution_status", "agent_status"]
        .into_iter()
        .find_map(|key| str_at(&state, key));
    if let Some(status) = status {
        trajectory.outcome.exit_status = Some(status.to_owned());
    }
    let usage = Usage::of_stats(state.get("stats")?);
    (!usage.is_empty()).then_some(usage)
}

fn parse_row(mut doc: Doc) -> Trajectory {
    let mut record = doc.take_value();
    let history = match take(&mut record, "history") {
        Value::Array(items) => items,
        Value::String(text) => match parse_embedded(text) {
            Value::Array(items) => items,
            _ => Vec::new(),
        },
        _ => Vec::new(),
    };
    let messages = completion::take_raw(&mut record);
    let is_empty = history.iter().all(Value::is_null);
    if let (true, Some(messages)) = (is_empty, messages) {
        let mut trajectory = doc.begin(Format::OpenHandsV1, "completions");
        trajectory.steps = completion::steps_of(messages);
        trajectory.finish = completion::last_words(&trajectory.steps);
        row::fill(&mut trajectory, &mut record);
        return trajectory;
    }
    let mut trajectory = doc.begin(Format::OpenHandsV1, "output");
    let mut events = Events::new(history.iter());
    for event in history.into_iter().filter(|event| !event.is_null()) {
        events.push(event, None);
    }
    let told = events.finish(&mut trajectory);
    let error = trajectory.outcome.error.take();
    let reward = trajectory.outcome.reward;
    let model = trajectory.model.take();
    row::fill(&mut trajectory, &mut record);
    trajectory.model = trajectory.model.take().or(model);
    let outcome = &mut trajectory.outcome;
    outcome.error = outcome.error.take().or(error);
    if outcome.reward.is_none() && outcome.label_source.is_none() && reward.is_some() {
        outcome.reward = reward;
        outcome.label_source = Some("critic_result.score".to_owned());
    }
    let is_unknown =
        trajectory.totals.cost.is_none() && trajectory.totals.tokens == Tokens::default();
    if is_unknown && let Some(stats) = told {
        Usage::of_stats(&stats).spend(&mut trajectory);
    }
    trajectory
}
