//! One chat message in any spelling: its role, its content, the calls it states, the result it is.
//!
//! Knows nothing of the conversation around it. Fields are taken out of the message, not copied.

use crate::model::Observation;
use crate::model::Part;
use crate::model::Step;
use crate::model::Text;
use crate::model::Value;
use crate::read::common;
use crate::read::json;
use crate::read::mini_swe_agent;

/// A call before it is an action.
pub(super) struct Call {
    pub(super) id: Option<String>,
    pub(super) tool: String,
    pub(super) args: Value,
}

/// The role of a message in any spelling; empty when it has none.
pub(in crate::read) fn role_of(message: &Value) -> &str {
    common::str_at(message, "role")
        .or_else(|| common::str_at(message, "from"))
        .unwrap_or_default()
}

/// Whether a message with this role is what a model answered.
pub(super) fn is_agent(role: &str) -> bool {
    const AGENTS: [&str; 7] = [
        "assistant",
        "ai",
        "gpt",
        "model",
        "bot",
        "agent",
        "function_call",
    ];
    AGENTS.iter().any(|agent| agent.eq_ignore_ascii_case(role))
}

/// Whether a value looks like a message: a role and something said or called.
pub(in crate::read) fn is_message(value: &Value) -> bool {
    const SAID: [&str; 7] = [
        "content",
        "text",
        "value",
        "system_prompt",
        "tool_calls",
        "function_call",
        "reasoning_content",
    ];
    !role_of(value).is_empty() && SAID.iter().any(|key| value.get(key).is_some())
}

/// The text of a message, borrowed; of a list of parts the first text.
pub(in crate::read) fn text_of(message: &Value) -> Option<&str> {
    ["content", "text", "value", "system_prompt"]
        .into_iter()
        .filter_map(|key| message.get(key))
        .find_map(|content| match content {
            Value::String(text) => Some(text.as_str()),
            Value::Array(parts) => parts.iter().find_map(|part| common::str_at(part, "text")),
            _ => None,
        })
}

pub(super) fn take_content(message: &mut Value) -> Value {
    ["content", "text", "value", "system_prompt"]
        .into_iter()
        .map(|key| common::take(message, key))
        .find(|content| !content.is_null())
        .unwrap_or_default()
}

/// Takes the content of an assistant message, with its reasoning and `tool_use` parts sorted out of it.
pub(super) fn take_agent_content(
    message: &mut Value,
    calls: &mut Vec<Call>,
    step: &mut Step,
) -> Value {
    step.reasoning = ["reasoning_content", "reasoning", "thinking"]
        .into_iter()
        .find_map(|key| common::take_text(message, key));
    let content = take_content(message);
    let Value::Array(parts) = content else {
        return content;
    };
    let mut rest = Vec::new();
    for mut part in parts {
        if part_is(&part, "tool_use") {
            calls.extend(call_of(&mut part));
        } else if part_is(&part, "thinking") || part_is(&part, "reasoning") {
            let thought = ["thinking", "reasoning", "text"]
                .into_iter()
                .find_map(|key| common::take_text(&mut part, key));
            step.reasoning = step.reasoning.take().or(thought);
        } else {
            rest.push(part);
        }
    }
    Value::Array(rest)
}

pub(super) fn part_is(part: &Value, kind: &str) -> bool {
    common::str_at(part, "type") == Some(kind)
}

pub(super) fn is_text(part: &Part) -> bool {
    matches!(part, Part::Text { .. })
}

/// Takes the structured calls of a message: a list, a text that holds one, or the older single `function_call`.
pub(super) fn take_calls(message: &mut Value) -> Vec<Call> {
    let list = match common::take(message, "tool_calls") {
        Value::String(text) => json::parse_embedded(text),
        other => other,
    };
    let mut calls: Vec<Call> = match list {
        Value::Array(items) => items
            .into_iter()
            .filter_map(|item| match item {
                Value::String(text) => call_of(&mut json::parse_embedded(text)),
                mut item => call_of(&mut item),
            })
            .collect(),
        mut item @ Value::Object(_) => call_of(&mut item).into_iter().collect(),
        _ => Vec::new(),
    };
    if calls.is_empty() {
        let mut single = common::take(message, "function_call");
        calls.extend(call_of(&mut single));
    }
    calls
}

/// A call in any spelling: `{id, function{name, arguments}}`, `{id, name, arguments | input | args}`.
fn call_of(item: &mut Value) -> Option<Call> {
    if !item.is_object() {
        return None;
    }
    let id = ["id", "call_id", "tool_call_id"]
        .into_iter()
        .find_map(|key| common::take_str(item, key))
        .filter(|id| !id.is_empty());
    let mut function = match common::take(item, "function") {
        Value::String(name) => {
            return Some(Call {
                id,
                tool: name,
                args: take_args(item),
            });
        }
        Value::Null => item.take(),
        function => function,
    };
    let tool = ["name", "tool_name", "tool"]
        .into_iter()
        .find_map(|key| common::take_str(&mut function, key))
        .unwrap_or_default();
    let args = take_args(&mut function);
    Some(Call { id, tool, args })
}

fn take_args(function: &mut Value) -> Value {
    let args = ["arguments", "input", "args", "parameters"]
        .into_iter()
        .map(|key| common::take(function, key))
        .find(|args| !args.is_null());
    match args {
        Some(Value::String(text)) => json::parse_embedded(text),
        Some(args) => args,
        None => Value::Null,
    }
}

/// The calls of a `function_call` turn of `LLaMA-Factory`: JSON, one call or a list of them, behind a thought in
/// `<tool_call>` tags; with the thought.
pub(super) fn json_calls(text: &str) -> Option<(String, Vec<Call>)> {
    const OPEN: &str = "<tool_call>";
    let (thought, body) = match text.split_once(OPEN) {
        Some((thought, body)) => (thought, body.rsplit_once("</tool_call>")?.0),
        None => ("", text),
    };
    let is_call = |value: &Value| value.get("name").is_some_and(Value::is_string);
    let mut items = match json::parse_embedded(body.trim().to_owned()) {
        Value::Array(items) => items,
        one @ Value::Object(_) => vec![one],
        _ => return None,
    };
    if items.is_empty() || !items.iter().all(is_call) {
        return None;
    }
    let calls = items.iter_mut().filter_map(call_of).collect();
    Some((thought.to_owned(), calls))
}

pub(super) fn has_structured_calls(message: &Value) -> bool {
    let has_list = |key: &str| match message.get(key) {
        Some(Value::Array(items)) => !items.is_empty(),
        Some(Value::String(text)) => text.trim_start().starts_with("[{"),
        Some(Value::Object(_)) => true,
        _ => false,
    };
    has_list("tool_calls")
        || has_list("function_call")
        || (role_of(message) == "function_call"
            && text_of(message).is_some_and(|text| json_calls(text).is_some()))
        || matches!(message.get("content"), Some(Value::Array(parts))
            if parts.iter().any(|part| part_is(part, "tool_use")))
}

/// Whether a text says of itself that it is the result of a call.
pub(in crate::read) fn is_marked_result(text: &str) -> bool {
    result_prefix(text).is_some()
        || text.starts_with("<returncode>")
        || text.starts_with("<exception>")
}

/// The length of the prefix that marks a result.
fn result_prefix(text: &str) -> Option<usize> {
    for mark in ["OBSERVATION:", "Observation:"] {
        if let Some(rest) = text.strip_prefix(mark) {
            let white = rest.starts_with(['\n', ' ']);
            return Some(mark.len() + usize::from(white));
        }
    }
    let body = text.strip_prefix("EXECUTION RESULT of [")?;
    let (tool, rest) = body.split_once("]:")?;
    if tool.len() > 128 || tool.contains('\n') {
        return None;
    }
    let rest = rest.strip_prefix('\n').unwrap_or(rest);
    Some(text.len() - rest.len())
}

/// A result without its prefix; mini-swe-agent's wrapper is opened.
pub(in crate::read) fn observation_of(parts: Vec<Part>) -> Observation {
    let mut observation = Observation {
        parts,
        ..Observation::default()
    };
    let Some(Part::Text { text }) = observation.parts.iter_mut().find(|part| is_text(part)) else {
        return observation;
    };
    if let Some(len) = result_prefix(text) {
        let bare: Text = text.get(len..).unwrap_or_default().into();
        *text = bare;
    }
    let (code, output) = mini_swe_agent::unwrap_result(text);
    if let Some(output) = output.map(Text::from) {
        *text = output;
    }
    observation.exit_code = code;
    observation.parts.retain(|part| match part {
        Part::Text { text } => !text.is_empty(),
        _ => true,
    });
    observation
}

/// Splits a `<think>` block off the start of a message into `reasoning`; also one whose opening tag the chat template
/// wrote and the record left out.
pub(super) fn split_think(text: Text, reasoning: &mut Option<Text>) -> Text {
    let trimmed = text.trim_start();
    let body = trimmed.strip_prefix("<think>").unwrap_or(trimmed);
    let Some((thought, rest)) = body.split_once("</think>") else {
        return text;
    };
    if thought.contains("<think>") {
        return text;
    }
    let thought = thought.trim();
    if reasoning.is_none() && !thought.is_empty() {
        *reasoning = Some(thought.into());
    } else if reasoning
        .as_deref()
        .is_some_and(|known| known.trim() != thought)
        && !thought.is_empty()
    {
        // two different reasonings: the one in the text stays in the text
        return text;
    }
    rest.trim_start().into()
}
