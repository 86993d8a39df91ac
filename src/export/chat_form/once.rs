//! A record read once for its conversation: its messages are taken out of its JSON where they decide alone what is said,
//! and else the little that is asked of its JSON is kept before its reader takes the rest.

use serde_json::Map;
use serde_json::Value;

use crate::export::Refusal;
use crate::export::Subject;
use crate::export::chat_form::Chat;
use crate::export::chat_form::chat_of;
use crate::export::chat_form::cleaned;
use crate::export::chat_form::is_message;
use crate::export::chat_form::tools_in;
use crate::model::Format;
use crate::model::Trajectory;

/// Where rows keep their messages, in the order in which they are looked for.
pub(super) const MESSAGES: [&str; 4] = ["messages", "trajectory", "conversations", "conversation"];

/// What was read.
pub(super) enum Once {
    /// The record's own messages; they alone decide.
    Chat(Chat),
    /// Its conversation, and of its JSON what a conversation may be made of.
    Record(Box<Trajectory>, Value),
}

/// Parses a record; `None` where it has been parsed already, or is more than one value. What its JSON hides, its reader
/// finds: the inner result is of that.
///
/// # Errors
/// When it is no JSON or of no known family.
pub(super) fn read(subject: &mut Subject<'_>) -> Result<Option<Result<Once, Refusal>>, Refusal> {
    let Some(mut told) = subject.tell()? else {
        return Ok(None);
    };
    let is_chat = told.format() == Format::Chat;
    let Some(value) = told.only_value() else {
        return Ok(None);
    };
    if is_chat
        && subject.is_plain()
        && let Some(chat) = take(value)
    {
        return Ok(Some(Ok(Once::Chat(chat))));
    }
    let kept = if is_chat { value.clone() } else { keep(value) };
    let trajectory = subject.conversation(told);
    Ok(Some(trajectory.map(|trajectory| {
        Once::Record(Box::new(trajectory), kept)
    })))
}

/// Takes the messages and tools out of a chat row; `None`, and nothing taken, where looking for them is not that simple.
fn take(row: &mut Value) -> Option<Chat> {
    let fields = row.as_object_mut()?;
    if fields.contains_key("raw_completions") || fields.contains_key("response") {
        return None;
    }
    let key = MESSAGES.into_iter().find(|key| fields.contains_key(*key))?;
    match fields.get(key) {
        Some(Value::Array(items)) if !items.is_empty() && items.iter().all(is_message) => {}
        _ => return None,
    }
    let Some(Value::Array(messages)) = fields.get_mut(key).map(Value::take) else {
        return None;
    };
    let tools = fields.get("tools").map(tools_in).unwrap_or_default();
    Some(chat_of(cleaned(messages), tools))
}

/// Of the JSON of a record that is no chat row: completions, the answer of a log with what was sent, and the tools.
fn keep(value: &Value) -> Value {
    let Value::Object(fields) = value else {
        return Value::Null;
    };
    let is_log = value.pointer("/response/choices").is_some();
    let mut kept = Map::new();
    for (key, field) in fields {
        let field = match key.as_str() {
            "raw_completions" | "tools" => field.clone(),
            "response" | "messages" | "kwargs" if is_log => field.clone(),
            "agent" => match field.get("tool_definitions") {
                Some(tools) => serde_json::json!({ "tool_definitions": tools }),
                None => continue,
            },
            _ => continue,
        };
        kept.insert(key.clone(), field);
    }
    Value::Object(kept)
}

#[cfg(test)]
mod tests;
