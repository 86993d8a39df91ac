//! Chat rows: data sets with `messages`, `trajectory` or `conversations`, and bare conversations.
//!
//! Owns the shape of the row; messages are read by `conversation`, the other columns by `labels`. Asked last among the
//! readers of trajectories, because nearly every format has messages somewhere. Unknown columns never break a row.

pub(super) mod conversation;
pub(super) mod labels;
pub(super) mod message;

use crate::model::Fault;
use crate::model::Format;
use crate::model::Span;
use crate::model::Trajectory;
use crate::model::Value;
use crate::read::Doc;
use crate::read::Layout;
use crate::read::Probe;
use crate::read::Reader;
use crate::read::Row;
use crate::read::Shape;
use crate::read::Sketched;
use crate::read::chat::conversation::Conversation;
use crate::read::chat::message::is_agent;
use crate::read::chat::message::is_message;
use crate::read::common;
use crate::read::json;
use crate::read::outline::Item;
use crate::read::outline::Outline;
use crate::read::outline::Parted;
use crate::read::outline::Take;

/// The reader of chat rows.
pub(super) const READER: Reader = Reader {
    format: Format::Chat,
    sniff,
    parse,
    head: Some(head),
    sketch: Some(sketch),
};

/// Where rows keep their messages.
pub(super) const MESSAGES: [&str; 4] = ["messages", "trajectory", "conversations", "conversation"];

fn sniff(probe: &Probe<'_>) -> Option<Layout> {
    let values = probe.values;
    let are_messages = values.iter().any(is_message)
        && values.iter().take(3).all(is_message)
        && !values.iter().any(is_row);
    match probe.shape {
        Shape::Object => {
            let value = values.first()?;
            (is_row(value) || is_list_of_messages(value)).then_some(Layout::Whole)
        }
        Shape::Lines | Shape::Array | Shape::Events if are_messages => Some(Layout::Session),
        Shape::Lines | Shape::Array | Shape::Table => {
            let is_known = |value: &Value| is_row(value) || is_list_of_messages(value);
            values.iter().take(3).any(is_known).then_some(Layout::Rows)
        }
        Shape::Events => None,
    }
}

/// Whether a value is a row with messages, and not of a format whose rows have messages too.
fn is_row(value: &Value) -> bool {
    if !value.is_object() || is_message(value) {
        return false;
    }
    let is_foreign = value.get("history").is_some_and(Value::is_array)
        || value.get("trajectory_format").is_some()
        || value.get("schema_version").is_some()
        || (value.get("eval").is_some() && value.get("samples").is_some());
    !is_foreign && row_messages(value).is_some()
}

/// The messages of a row, where they look like some: a list of messages, a text that starts like one, or an empty
/// list beside another column of a data set.
fn row_messages(value: &Value) -> Option<&Value> {
    let nested = value.get("raw_completions");
    MESSAGES
        .into_iter()
        .filter_map(|key| value.get(key).or_else(|| nested?.get(key)))
        .find(|list| match list {
            Value::Array(items) if items.is_empty() => ["instance_id", "resolved", "tools"]
                .iter()
                .any(|key| value.get(key).is_some()),
            Value::Array(_) => is_list_of_messages(list),
            Value::String(text) => is_text_of_messages(text),
            _ => false,
        })
}

fn is_list_of_messages(value: &Value) -> bool {
    let Value::Array(items) = value else {
        return false;
    };
    !items.is_empty() && items.iter().take(4).all(may_be_message)
}

fn may_be_message(value: &Value) -> bool {
    match value {
        Value::String(text) => text.starts_with('{') && has_role_key(text),
        value => is_message(value),
    }
}

/// Probes cut texts short, so a list in a text is told by its start.
fn is_text_of_messages(text: &str) -> bool {
    let mut rest = text.trim_start().chars();
    rest.next() == Some('[') && rest.as_str().trim_start().starts_with('{') && has_role_key(text)
}

fn has_role_key(text: &str) -> bool {
    text.contains("\"role\"") || text.contains("\"from\"")
}

/// A row whose conversations end with the first request, a few messages later.
fn head(outline: &Outline<'_>) -> Option<Value> {
    build(outline, &openings(outline)?)
}

/// The same, with the responses counted that are left out of the conversation that is read.
fn sketch(outline: &Outline<'_>) -> Option<Sketched> {
    let openings = openings(outline)?;
    let key = MESSAGES.into_iter().find(|key| outline.has(key))?;
    let (_, opening) = openings.iter().find(|(of, _)| *of == key)?;
    if outline.has("raw_completions") {
        return None;
    }
    let mut responses = 0;
    for message in &opening.spared {
        let role = role(message).filter(|role| !role.contains('\\'))?;
        responses += usize::from(is_agent(role));
    }
    let value = build(outline, &openings)?;
    Some(Sketched { value, responses })
}

/// A row of what is left of its conversations.
fn build(outline: &Outline<'_>, openings: &[(&str, Parted<'_>)]) -> Option<Value> {
    let is_list_of_schemas = |key: &str| key == "tools" && outline.starts_with(key, '[');
    outline.build(|key| match openings.iter().find(|(of, _)| *of == key) {
        Some((_, opening)) => Take::Items(&opening.kept),
        None if is_list_of_schemas(key) => Take::Empty,
        None => Take::Whole,
    })
}

/// The openings of all conversations of a row that have one; `None` when there are none.
fn openings<'a>(outline: &'a Outline<'_>) -> Option<Vec<(&'static str, Parted<'a>)>> {
    if outline.has("history") {
        return None;
    }
    let keys = MESSAGES.into_iter();
    let openings: Vec<_> = keys
        .filter_map(|key| Some((key, opening(outline, key)?)))
        .collect();
    (!openings.is_empty()).then_some(openings)
}

/// The messages up to the first request and a few more; `None` where the agent speaks before it, so that what follows
/// may be an answer to a call.
fn opening<'a>(outline: &'a Outline<'_>, key: &str) -> Option<Parted<'a>> {
    const ALWAYS: usize = 4;
    let mut roles = outline.items(key)?.map(|item| role(&item));
    let before = roles
        .by_ref()
        .take_while(|role| matches!(role, Some("system" | "developer")))
        .count();
    let asked = outline.items(key)?.nth(before)?;
    if !matches!(role(&asked), Some("user" | "human")) {
        return None;
    }
    let spellings = ["role", "from", "content", "value"].map(|key| asked.has(key));
    let is_like_it = |item: &Item<'_>| {
        let is_plain = !item.has("action") && !item.has("observation");
        is_plain && ["role", "from", "content", "value"].map(|key| item.has(key)) == spellings
    };
    outline.without(key, |ix, item| {
        ix >= ALWAYS.max(before + 1) && role(item).is_some() && is_like_it(item)
    })
}

/// The role of a message as written.
fn role<'a>(message: &Item<'a>) -> Option<&'a str> {
    let key = if message.has("role") { "role" } else { "from" };
    message.text(key)
}

fn parse(mut doc: Doc) -> Result<Trajectory, Fault> {
    let mut trajectory = doc.begin(Format::Chat, "plain");
    let is_session = doc.rows.first().is_some_and(|row| is_message(&row.value));
    if is_session {
        let messages = doc.rows.into_iter();
        let messages = messages.map(|Row { value, span, .. }| (value, Some(span)));
        read_messages(&mut trajectory, messages.collect());
        return Ok(trajectory);
    }
    let mut row = doc.take_value();
    let messages = match row {
        Value::Array(items) if items.iter().any(may_be_message) => {
            row = Value::Null;
            items
        }
        _ => take_messages(&mut row).ok_or_else(|| Fault::new("no messages in this row"))?,
    };
    read_messages(
        &mut trajectory,
        messages.into_iter().map(|m| (m, None)).collect(),
    );
    labels::fill(&mut trajectory, &mut row);
    Ok(trajectory)
}

/// Takes the messages out of a row and drops its tool schemas: `tools`, and the older `functions` where these are
/// schemas and not the definitions that a task asks for.
fn take_messages(row: &mut Value) -> Option<Vec<Value>> {
    common::take(row, "tools");
    if row.pointer("/functions/0/parameters").is_some() {
        common::take(row, "functions");
    }
    let mut nested = common::take(row, "raw_completions");
    for key in MESSAGES {
        for place in [&mut *row, &mut nested] {
            let list = match common::take(place, key) {
                Value::String(text) => json::parse_embedded(text),
                other => other,
            };
            if let Value::Array(items) = list {
                return Some(items);
            }
        }
    }
    None
}

fn read_messages(trajectory: &mut Trajectory, mut messages: Vec<(Value, Option<Span>)>) {
    for (message, _) in &mut messages {
        if let Value::String(text) = message {
            *message = json::parse_embedded(std::mem::take(text));
        }
    }
    let mut conversation = Conversation::new(messages.iter().map(|(message, _)| message));
    for (message, span) in messages {
        conversation.push(message, span);
    }
    let (variant, steps) = conversation.finish();
    trajectory.source.variant = Some(variant.to_owned());
    trajectory.steps = steps;
}

#[cfg(test)]
pub(super) mod tests;
