//! `OpenHands` V0: evaluation rows, event folders, exports, feedback (formats.md §1 and §3).
//!
//! Variants: `output` (rows of 2025), `pairs` (rows of 2024-05: action and observation in twos), `flattened`
//! (resolver rows: events without envelope), `completions` (rows that kept only the model's messages), `events`
//! (folder or lines), `export` (one array), `feedback`. Here: telling them apart and taking the record to pieces;
//! `events` makes steps of events, `row` and `usage` read what surrounds them (shared with V1).

pub(super) mod call;
mod delegate;
pub(super) mod editor;
mod events;
pub(super) mod row;
pub(super) mod usage;
pub(super) mod words;

#[cfg(test)]
pub(super) mod tests;

use crate::model::Fault;
use crate::model::Format;
use crate::model::Span;
use crate::model::Trajectory;
use crate::model::Value;
use crate::read::Doc;
use crate::read::Layout;
use crate::read::PartRole;
use crate::read::Probe;
use crate::read::Reader;
use crate::read::Shape;
use crate::read::Sketched;
use crate::read::common::f64_at;
use crate::read::common::str_at;
use crate::read::common::take;
use crate::read::common::take_array;
use crate::read::common::take_str;
use crate::read::json::parse_embedded;
use crate::read::openhands_v0::events::Events;
use crate::read::openhands_v1::completion;
use crate::read::outline::Item;
use crate::read::outline::Outline;
use crate::read::outline::Parted;
use crate::read::outline::Take;

pub(super) const READER: Reader = Reader {
    format: Format::OpenHandsV0,
    sniff,
    parse,
    head: Some(head),
    sketch: Some(sketch),
};

fn sniff(probe: &Probe<'_>) -> Option<Layout> {
    let is_record = |value: &Value| is_row(value) || is_feedback(value);
    let first = probe.values.iter().find(|value| value.is_object())?;
    if is_record(first) && probe.shape != Shape::Events {
        return Some(layout_of(probe.shape, true));
    }
    let has_other = probe.values.iter().any(is_of_others);
    if has_other || !probe.values.iter().any(is_event) {
        return None;
    }
    Some(layout_of(probe.shape, false))
}

/// How an input of this shape divides whose values are records, or the events of one.
pub(super) fn layout_of(shape: Shape, is_record: bool) -> Layout {
    match shape {
        Shape::Object => Layout::Whole,
        Shape::Table => Layout::Rows,
        Shape::Lines | Shape::Array | Shape::Events if is_record => Layout::Rows,
        Shape::Lines | Shape::Array | Shape::Events => Layout::Session,
    }
}

/// Keys that no V0 event has, but rows of other producers with an `action` do.
fn is_of_others(value: &Value) -> bool {
    ["role", "kind", "type", "payload", "sessionId"]
        .into_iter()
        .any(|key| value.get(key).is_some_and(Value::is_string))
}

/// An action with its arguments or an observation with its content; SWE-agent's steps have both in one.
fn is_event(value: &Value) -> bool {
    let is_text = |key: &str| value.get(key).is_some_and(Value::is_string);
    match (is_text("action"), is_text("observation")) {
        (true, false) => value.get("args").is_some_and(Value::is_object),
        (false, true) => {
            value.get("extras").is_some_and(Value::is_object)
                || (is_text("content") && (is_text("source") || value.get("cause").is_some()))
        }
        _ => false,
    }
}

fn is_feedback(value: &Value) -> bool {
    let has = |key: &str| value.get(key).is_some_and(Value::is_string);
    let events = value.get("trajectory").and_then(Value::as_array);
    events.is_some_and(|events| {
        (events.iter().any(is_event) && (has("feedback") || has("permissions") || has("version")))
            || (events.is_empty() && has("feedback") && has("permissions"))
    })
}

/// How the elements of `history` look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum History {
    Pairs,
    Events,
    Flattened,
    /// None there: the run failed early, or the row kept its messages only.
    Empty,
}

fn history_of(row: &Value) -> Option<History> {
    let items = match row.get("history") {
        None | Some(Value::Null) => return Some(History::Empty),
        Some(Value::Array(items)) => items,
        Some(Value::String(text)) if text.trim_start().starts_with('[') => {
            // a table may keep the list as text, cut short in a probe
            let is_v0 = text.contains("\"action\"") && !text.contains("\"kind\"");
            return is_v0.then_some(History::Events);
        }
        Some(_) => return None,
    };
    // evaluators look only at how many there are, so that tools keep empty events in their place
    let says_nothing =
        |item: &Value| item.is_null() || item.as_object().is_some_and(serde_json::Map::is_empty);
    let Some(first) = items.iter().find(|item| !says_nothing(item)) else {
        return Some(History::Empty);
    };
    if let Value::Array(pair) = first {
        return pair
            .iter()
            .any(|e| e.get("action").is_some() || e.get("observation").is_some())
            .then_some(History::Pairs);
    }
    let is_event = items.iter().any(|item| {
        let is_text = |key: &str| item.get(key).is_some_and(Value::is_string);
        is_text("action") != is_text("observation")
    });
    if !is_event || items.iter().any(is_of_others) {
        return None;
    }
    let has_envelope = items.iter().any(|item| {
        ["args", "extras", "timestamp"]
            .into_iter()
            .any(|key| item.get(key).is_some())
    });
    Some(if has_envelope {
        History::Events
    } else {
        History::Flattened
    })
}

fn is_row(row: &Value) -> bool {
    let has = |key: &str| row.get(key).is_some_and(|value| !value.is_null());
    match history_of(row) {
        None => false,
        Some(History::Empty) => is_empty_row(row),
        Some(_) => {
            let around = [
                "test_result",
                "git_patch",
                "metrics",
                "metadata",
                "instance_id",
                "instance",
                "instruction",
            ];
            around.into_iter().any(has) && !has("trajectory")
        }
    }
}

/// A row without events is told by what surrounds them. Rows of V1 look the same but for a few marks.
fn is_empty_row(row: &Value) -> bool {
    let has = |key: &str| row.get(key).is_some_and(|value| !value.is_null());
    let has_id = ["instance_id", "id", "question_id"].into_iter().any(has);
    let has_key = |key: &str| row.get(key).is_some();
    if !has_id
        || has("messages")
        || has("trajectory")
        || has("conversations")
        || completion::is_v1_row(row)
    {
        return false;
    }
    let has_run = row.get("metadata").is_some_and(|metadata| {
        metadata.get("agent_class").is_some() || metadata.get("llm_config").is_some()
    });
    let has_messages = row.pointer("/raw_completions/messages").is_some();
    let is_output = has_key("history") || has_key("metadata") || has_key("metrics");
    has_messages
        || (has_run && (is_output || has_key("test_result")))
        || (has_key("history") && has_key("test_result"))
}

/// A row without the agent's calls and their results.
fn head(outline: &Outline<'_>) -> Option<Value> {
    if outline.has("trajectory") {
        return None;
    }
    // whether a finish was the last call of all is told by the calls behind it
    let mut is_finished = false;
    let events = outline.without("history", |_, event| {
        is_finished |= match event.text("action") {
            Some(kind) => kind == "finish" || kind.contains('\\'),
            None => event.has("action"),
        };
        !is_finished && is_spare(event)
    })?;
    build(outline, &events)
}

/// A row without results of calls.
fn sketch(outline: &Outline<'_>) -> Option<Sketched> {
    if outline.has("trajectory") {
        return None;
    }
    let is_result = |event: &Item<'_>| event.has("observation") && is_spare(event);
    let events = outline.without("history", |_, event| is_result(event))?;
    build(outline, &events).map(Sketched::without_results)
}

/// Builds a row of what is left of its events.
pub(super) fn build(outline: &Outline<'_>, events: &Parted<'_>) -> Option<Value> {
    outline.build(|key| match key {
        "history" => Take::Items(&events.kept),
        "raw_completions" => Take::Null,
        _ => Take::Whole,
    })
}

/// Whether an event is surely a call of the agent, or a result, of a kind that says nothing of the run as a whole.
fn is_spare(event: &Item<'_>) -> bool {
    const CALLS: [&str; 10] = [
        "run",
        "run_ipython",
        "read",
        "write",
        "edit",
        "think",
        "browse",
        "browse_interactive",
        "call_tool_mcp",
        "task_tracking",
    ];
    const RESULTS: [&str; 9] = [
        "run",
        "run_ipython",
        "read",
        "write",
        "edit",
        "think",
        "browse",
        "mcp",
        "task_tracking",
    ];
    let is_foreign = ["role", "kind", "type", "payload", "sessionId"]
        .into_iter()
        .any(|key| event.has(key));
    let has_envelope = ["args", "extras", "timestamp"]
        .into_iter()
        .any(|key| event.has(key));
    if is_foreign || !has_envelope {
        return false;
    }
    match (event.text("action"), event.text("observation")) {
        (Some(kind), None) => {
            !event.has("observation") && event.is("source", "agent") && CALLS.contains(&kind)
        }
        (None, Some(kind)) => !event.has("action") && RESULTS.contains(&kind),
        _ => false,
    }
}

fn parse(mut doc: Doc) -> Result<Trajectory, Fault> {
    if let [row] = doc.rows.as_slice() {
        if is_feedback(&row.value) {
            return Ok(parse_feedback(doc));
        }
        if is_row(&row.value) {
            return Ok(parse_row(doc));
        }
    }
    let variant = if doc.shape == Shape::Array {
        "export"
    } else {
        "events"
    };
    let mut events = Events::default();
    let mut has_event = false;
    for row in std::mem::take(&mut doc.rows) {
        has_event |= row.value.get("action").is_some() || row.value.get("observation").is_some();
        events.push(row.value, Some(row.span));
    }
    if !has_event {
        return Err(Fault::new("no OpenHands event in it"));
    }
    let siblings = std::mem::take(&mut doc.siblings);
    let mut trajectory = doc.begin(Format::OpenHandsV0, variant);
    events.finish(&mut trajectory);
    for sibling in siblings {
        if sibling.role == PartRole::Meta
            && let Some(row) = sibling.rows.into_iter().next()
        {
            fill_session(&mut trajectory, &row.value);
        }
    }
    Ok(trajectory)
}

/// What a session's `metadata.json` says.
fn fill_session(trajectory: &mut Trajectory, metadata: &Value) {
    if let Some(id) = str_at(metadata, "conversation_id") {
        trajectory.run_id = Some(id.to_owned());
    }
    // the events name the model as its provider does; here it is as the user chose it
    if let Some(model) = str_at(metadata, "llm_model") {
        trajectory.model = Some(model.to_owned());
    }
    row::fill_run(trajectory, metadata);
    trajectory.totals.cost = trajectory
        .totals
        .cost
        .or_else(|| f64_at(metadata, "accumulated_cost"));
    if let Some(tokens) = usage::tokens_of(metadata)
        && !has_counts(trajectory)
    {
        trajectory.totals.tokens = tokens;
    }
}

/// Whether the steps say what they cost, so that their sum is better than the session's own, cache-less count.
fn has_counts(trajectory: &Trajectory) -> bool {
    trajectory.steps.iter().any(|step| step.tokens.is_some())
}

fn parse_feedback(mut doc: Doc) -> Trajectory {
    let mut record = doc.take_value();
    let mut trajectory = doc.begin(Format::OpenHandsV0, "feedback");
    let mut events = Events::default();
    for event in take_array(&mut record, "trajectory") {
        events.push(event, None);
    }
    events.finish(&mut trajectory);
    if let Some(resolved) = match str_at(&record, "feedback") {
        Some("positive") => Some(true),
        Some("negative") => Some(false),
        _ => None,
    } {
        trajectory.outcome.resolved = Some(resolved);
        trajectory.outcome.label_source = Some("feedback".to_owned());
    }
    if trajectory.run_id.is_none() {
        trajectory.run_id =
            take_str(&mut record, "feedback_id").or_else(|| take_str(&mut record, "id"));
    }
    trajectory
}

fn parse_row(mut doc: Doc) -> Trajectory {
    let layout = doc
        .rows
        .first()
        .and_then(|row| history_of(&row.value))
        .unwrap_or(History::Empty);
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
    let variant = match layout {
        History::Pairs => "pairs",
        History::Flattened => "flattened",
        History::Empty if messages.is_some() => "completions",
        History::Events | History::Empty => "output",
    };
    let mut trajectory = doc.begin(Format::OpenHandsV0, variant);
    if let (History::Empty, Some(messages)) = (layout, messages) {
        trajectory.steps = completion::steps_of(messages);
        trajectory.finish = completion::last_words(&trajectory.steps);
    } else {
        push_history(history).finish(&mut trajectory);
    }
    let model = trajectory.model.take();
    row::fill(&mut trajectory, &mut record);
    trajectory.model = trajectory.model.take().or(model);
    trajectory
}

fn push_history(history: Vec<Value>) -> Events {
    let mut events = Events::default();
    for item in history {
        match item {
            Value::Array(pair) => {
                let mut pair = pair.into_iter();
                let first = pair.next().unwrap_or_default();
                let second = pair.next().unwrap_or_default();
                events.push_pair(first, second);
                for more in pair {
                    events.push(more, None::<Span>);
                }
            }
            event => {
                events.push(event, None);
            }
        }
    }
    events
}
