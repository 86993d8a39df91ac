//! `sft`: the published conversion of Hybrid-Gym from function calls to plain messages, oddities included.
//!
//! Two passes over the recorded messages: one call a turn, then calls and results as text (`openhands-xml`). The text
//! that follows the system prompt is read from a file; nothing of it is built in. What makes the published code raise
//! drops the trajectory here, with the name that Python has for the error. Pinned by `sft_messages.jsonl` of the
//! conformance vectors; follows `convert_data.py` of Hybrid-Gym and `fn_call_converter.py` of OpenHands 0.x.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write as _;

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::error::Error;
use crate::error::Result;
use crate::export::Context;
use crate::export::Exporter;
use crate::export::Form;
use crate::export::Loss;
use crate::export::MaskPlace;
use crate::export::Refusal;
use crate::export::Rendered;
use crate::export::Subject;
use crate::export::python_value::PyValue;
use crate::export::python_value::lstrip;

mod pass_on;

/// The exporter.
pub(super) const EXPORTER: Exporter = Exporter {
    name: "sft",
    about: "Hybrid-Gym's training rows: plain messages, one call a turn; needs --tool-prompt",
    extension: "jsonl",
    form: Form::Lines,
    masks: MaskPlace::Nowhere,
    tells_verdict: false,
    render,
};

/// What the published code raises: Python's name of the error, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConversionError {
    /// `FunctionCallConversionError`, `KeyError`, `AssertionError`, …
    pub kind: &'static str,
    /// What was wrong, in words.
    pub why: String,
}

impl ConversionError {
    fn new(kind: &'static str, why: impl Into<String>) -> Self {
        Self {
            kind,
            why: why.into(),
        }
    }

    fn key(name: &str) -> Self {
        Self::new("KeyError", format!("there is no {name}"))
    }

    fn conversion(why: impl Into<String>) -> Self {
        Self::new("FunctionCallConversionError", why)
    }

    fn type_error(why: impl Into<String>) -> Self {
        Self::new("TypeError", why)
    }
}

impl std::fmt::Display for ConversionError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.kind, self.why)
    }
}

type Converted<T> = std::result::Result<T, ConversionError>;

/// The text that follows the system prompt, with the place of the tool descriptions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolPrompt {
    before: String,
    after: String,
}

impl ToolPrompt {
    /// Reads a template of Python's `str.format` with the one field `{description}`; `{{` and `}}` are braces.
    ///
    /// # Errors
    /// *user* when the field is missing, comes twice, or another brace stands alone.
    pub fn parse(text: &str) -> Result<Self> {
        const FIELD: &str = "{description}";
        let wrong = |why: &str| {
            Error::user(format!("the tool prompt {why}")).hint(format!(
                "it is the text behind the system prompt, with {FIELD} where the tools are described"
            ))
        };
        let mut pieces = vec![String::new()];
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let (plain, brace) = rest.split_at(at);
            let last = pieces.last_mut();
            let (add, len) = if brace.starts_with(FIELD) {
                (None, FIELD.len())
            } else if brace.starts_with("{{") {
                (Some('{'), 2)
            } else if brace.starts_with("}}") {
                (Some('}'), 2)
            } else {
                return Err(wrong("has a single brace"));
            };
            if let Some(last) = last {
                last.push_str(plain);
                last.extend(add);
            }
            if add.is_none() {
                pieces.push(String::new());
            }
            rest = brace.get(len..).unwrap_or_default();
        }
        if let Some(last) = pieces.last_mut() {
            last.push_str(rest);
        }
        match <[String; 2]>::try_from(pieces) {
            Ok([before, after]) => Ok(Self { before, after }),
            Err(pieces) if pieces.len() < 2 => Err(wrong(&format!("has no {FIELD}"))),
            Err(_) => Err(wrong(&format!("has {FIELD} more than once"))),
        }
    }

    fn format(&self, description: &str) -> String {
        format!("{}{description}{}", self.before, self.after)
    }
}

/// Converts recorded messages: the whole published conversion.
///
/// # Errors
/// What the published code would raise.
pub fn convert(messages: &[Value], tools: &[Value], prompt: &ToolPrompt) -> Converted<Vec<Value>> {
    let single = one_call_a_turn(messages)?;
    let suffix = tool_suffix(tools, prompt)?;
    single
        .into_iter()
        .map(|message| plain(&message, &suffix))
        .collect()
}

/// What stands behind the system prompt for these tools.
///
/// # Errors
/// What the published code would raise.
pub fn tool_suffix(tools: &[Value], prompt: &ToolPrompt) -> Converted<String> {
    describe_tools(tools).map(|tools| prompt.format(&tools))
}

fn field<'a>(value: &'a Value, key: &str) -> Converted<&'a Value> {
    match value {
        Value::Object(fields) => fields.get(key).ok_or_else(|| ConversionError::key(key)),
        _ => Err(ConversionError::type_error(format!(
            "{key} was asked of something that is no object"
        ))),
    }
}

/// The structured calls of a message as Python's truth sees them: `None` for none, null and an empty list.
fn several_calls(message: &Value) -> Converted<Option<&Vec<Value>>> {
    match message.get("tool_calls") {
        Some(Value::Array(calls)) if calls.len() > 1 => Ok(Some(calls)),
        Some(Value::Array(_) | Value::Null) | None => Ok(None),
        Some(_) => Err(ConversionError::type_error("tool_calls is no list")),
    }
}

/// Splits turns with several calls: each call is emitted just before its result, the first with the text, the others
/// with none. Calls that have no result are left out.
fn one_call_a_turn(messages: &[Value]) -> Converted<Vec<Cow<'_, Value>>> {
    let mut out = Vec::with_capacity(messages.len());
    let mut pending: HashMap<String, Value> = HashMap::new();
    for message in messages {
        let role = field(message, "role")?;
        let content = field(message, "content")?;
        match role.as_str() {
            Some("assistant") => match several_calls(message)? {
                Some(calls) => {
                    for (ix, call) in calls.iter().enumerate() {
                        let id = field(call, "id")?.to_string();
                        let content = if ix == 0 { content.clone() } else { json!("") };
                        let piece =
                            json!({"role": "assistant", "content": content, "tool_calls": [call]});
                        pending.insert(id, piece);
                    }
                }
                None => out.push(Cow::Borrowed(message)),
            },
            Some("tool") => {
                let id = field(message, "tool_call_id")?.to_string();
                match pending.remove(&id) {
                    Some(call) => out.push(Cow::Owned(call)),
                    None => assert_none_pending(&pending)?,
                }
                out.push(Cow::Borrowed(message));
            }
            _ => {
                assert_none_pending(&pending)?;
                out.push(Cow::Borrowed(message));
            }
        }
    }
    Ok(out)
}

fn assert_none_pending(pending: &HashMap<String, Value>) -> Converted<()> {
    if pending.is_empty() {
        return Ok(());
    }
    Err(ConversionError::new(
        "AssertionError",
        "calls of one turn wait for their results while the conversation goes on",
    ))
}

/// Describes the tools as the prompt shows them.
fn describe_tools(tools: &[Value]) -> Converted<String> {
    let mut out = String::new();
    for (ix, tool) in tools.iter().enumerate() {
        if field(tool, "type")?.as_str() != Some("function") {
            return Err(ConversionError::new(
                "AssertionError",
                "a tool is no function",
            ));
        }
        let function = field(tool, "function")?;
        if ix > 0 {
            out.push('\n');
        }
        let number = ix + 1;
        let name = py_str(field(function, "name")?);
        // writing to a text cannot fail
        let _written = writeln!(out, "---- BEGIN FUNCTION #{number}: {name} ----");
        let description = py_str(field(function, "description")?);
        let _written = writeln!(out, "Description: {description}");
        match function.get("parameters") {
            Some(parameters) => describe_parameters(parameters, &mut out)?,
            None => out.push_str("No parameters are required for this function.\n"),
        }
        let _written = writeln!(out, "---- END FUNCTION #{number} ----");
    }
    Ok(out)
}

fn describe_parameters(parameters: &Value, out: &mut String) -> Converted<()> {
    let no_dict =
        |what: &str| ConversionError::new("AttributeError", format!("{what} is no object"));
    let fields = parameters
        .as_object()
        .ok_or_else(|| no_dict("parameters"))?;
    out.push_str("Parameters:\n");
    let nothing = Map::new();
    let properties = match fields.get("properties") {
        None => &nothing,
        Some(properties) => properties
            .as_object()
            .ok_or_else(|| no_dict("properties"))?,
    };
    let required: Vec<&str> = match fields.get("required") {
        None => Vec::new(),
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        Some(_) => return Err(ConversionError::type_error("required is no list")),
    };
    for (ix, (name, info)) in properties.iter().enumerate() {
        let info = info.as_object().ok_or_else(|| no_dict(name))?;
        let status = if required.contains(&name.as_str()) {
            "required"
        } else {
            "optional"
        };
        let kind = info.get("type").map_or_else(|| "string".to_owned(), py_str);
        let mut about = info
            .get("description")
            .map_or_else(|| "No description provided".to_owned(), py_str);
        if let Some(allowed) = info.get("enum") {
            let Value::Array(values) = allowed else {
                return Err(ConversionError::type_error("enum is no list"));
            };
            if info
                .get("description")
                .is_some_and(|text| !text.is_string())
            {
                return Err(ConversionError::type_error("a description is no text"));
            }
            let values: Vec<String> = values.iter().map(|v| format!("`{}`", py_str(v))).collect();
            let _written = write!(about, "\nAllowed values: [{}]", values.join(", "));
        }
        let _written = writeln!(out, "  ({}) {name} ({kind}, {status}): {about}", ix + 1);
    }
    Ok(())
}

fn py_str(value: &Value) -> String {
    PyValue::of(value).to_str()
}

/// One message without function calls, its content a text.
fn plain(message: &Value, suffix: &str) -> Converted<Value> {
    let role = field(message, "role")?.as_str().unwrap_or_default();
    let mut content = field(message, "content")?.clone();
    if content.is_null() {
        content = json!("");
    }
    let (role, content) = match role {
        "system" => ("system", with_suffix(content, suffix)?),
        "user" => ("user", content),
        "assistant" => ("assistant", with_call(content, message)?),
        "tool" => ("user", as_result(content, message)?),
        other => {
            return Err(ConversionError::conversion(format!(
                "unexpected role {other:?}"
            )));
        }
    };
    Ok(json!({"role": role, "content": flat(content)?}))
}

fn odd_content() -> ConversionError {
    ConversionError::conversion("content is neither a text nor a list")
}

/// Whether a part of content is a text part.
fn is_text(part: &Value) -> Converted<bool> {
    Ok(field(part, "type")?.as_str() == Some("text"))
}

/// Changes the text of a part.
fn edit_text(part: &mut Value, edit: impl FnOnce(&str) -> String) -> Converted<()> {
    match part.get_mut("text") {
        Some(Value::String(text)) => {
            *text = edit(text);
            Ok(())
        }
        Some(_) => Err(ConversionError::type_error("the text of a part is no text")),
        None => Err(ConversionError::key("text")),
    }
}

fn with_suffix(content: Value, suffix: &str) -> Converted<Value> {
    match content {
        Value::String(text) => Ok(Value::String(text + suffix)),
        Value::Array(mut parts) => {
            match parts.last_mut() {
                Some(last) if is_text(last)? => edit_text(last, |text| format!("{text}{suffix}"))?,
                _ => parts.push(json!({"type": "text", "text": suffix})),
            }
            Ok(Value::Array(parts))
        }
        _ => Err(odd_content()),
    }
}

/// What the calls of a message are as text, if it has some.
fn called(tool_calls: Option<&Value>) -> Converted<Option<String>> {
    let calls = match tool_calls {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Array(calls)) => calls,
        Some(_) => return Err(ConversionError::type_error("tool_calls is no list")),
    };
    let [call] = calls.as_slice() else {
        return Err(ConversionError::conversion(format!(
            "expected one tool call in a message, found {}",
            calls.len()
        )));
    };
    call_text(call).map(Some)
}

fn with_call(content: Value, message: &Value) -> Converted<Value> {
    let Some(call) = called(message.get("tool_calls"))? else {
        return Ok(content);
    };
    let joined = |text: &str| lstrip(&format!("{text}\n\n{call}")).to_owned();
    match content {
        Value::String(text) => Ok(Value::String(joined(&text))),
        Value::Array(mut parts) => {
            match parts.last_mut() {
                Some(last) if is_text(last)? => edit_text(last, joined)?,
                _ => parts.push(json!({"type": "text", "text": call})),
            }
            Ok(Value::Array(parts))
        }
        _ => Err(odd_content()),
    }
}

fn call_text(call: &Value) -> Converted<String> {
    for key in ["function", "id", "type"] {
        if call.get(key).is_none() {
            return Err(ConversionError::conversion(format!(
                "a tool call has no {key}"
            )));
        }
    }
    if call.get("type").and_then(Value::as_str) != Some("function") {
        return Err(ConversionError::conversion("a tool call is no function"));
    }
    let function = field(call, "function")?;
    let name = py_str(field(function, "name")?);
    let Value::String(arguments) = field(function, "arguments")? else {
        return Err(ConversionError::type_error(
            "the arguments of a call are no text",
        ));
    };
    let arguments = match PyValue::loads(arguments) {
        Some(PyValue::Dict(arguments)) => arguments,
        Some(_) => {
            return Err(ConversionError::new(
                "AttributeError",
                "the arguments of a call are no object",
            ));
        }
        None => {
            return Err(ConversionError::conversion(
                "the arguments of a call are no JSON",
            ));
        }
    };
    let mut out = format!("<function={name}>\n");
    for (key, value) in &arguments {
        let text = value.to_str();
        let is_multiline = matches!(value, PyValue::Str(_)) && text.contains('\n');
        let line = if is_multiline { "\n" } else { "" };
        let _written = writeln!(out, "<parameter={key}>{line}{text}{line}</parameter>");
    }
    out.push_str("</function>");
    Ok(out)
}

/// What stands before a result, by the `name` of its message.
fn before_result(name: Option<&Value>) -> String {
    let name = name.map_or_else(|| "function".to_owned(), py_str);
    format!("EXECUTION RESULT of [{name}]:\n")
}

fn as_result(content: Value, message: &Value) -> Converted<Value> {
    let prefix = before_result(message.get("name"));
    match content {
        Value::String(text) => Ok(Value::String(prefix + &text)),
        Value::Array(mut parts) => {
            let mut first = None;
            for (ix, part) in parts.iter().enumerate() {
                if is_text(part)? {
                    first = Some(ix);
                    break;
                }
            }
            match first.and_then(|ix| parts.get_mut(ix)) {
                Some(part) => edit_text(part, |text| format!("{prefix}{text}"))?,
                None => parts.insert(0, json!({"type": "text", "text": prefix})),
            }
            Ok(Value::Array(parts))
        }
        _ => Err(odd_content()),
    }
}

/// Reduces list content to the text of its first part.
fn flat(content: Value) -> Converted<String> {
    let no_text = || ConversionError::new("AssertionError", "content is no text");
    match content {
        Value::String(text) => Ok(text),
        Value::Array(parts) => match parts.into_iter().next() {
            None => Err(ConversionError::new(
                "IndexError",
                "content is an empty list",
            )),
            Some(Value::Object(mut part)) => match part.remove("text") {
                Some(Value::String(text)) => Ok(text),
                Some(_) => Err(no_text()),
                None => Err(ConversionError::key("text")),
            },
            Some(_) => Err(no_text()),
        },
        _ => Err(no_text()),
    }
}

fn render(subject: &mut Subject<'_>, context: &Context) -> std::result::Result<Rendered, Refusal> {
    let prompt = context
        .tool_prompt
        .as_ref()
        .ok_or_else(|| Refusal::new("no tool prompt was given"))?;
    if let Some(rendered) = pass_on::pass_on(subject, context, prompt) {
        return Ok(rendered);
    }
    subject.know_ids(context);
    let mut chat = subject.recorded()?;
    let messages = chat.take_messages();
    let converted =
        convert(&messages, &chat.tools, prompt).map_err(|error| Refusal::new(error.to_string()))?;
    let mut losses = chat.losses.clone();
    losses.extend(lost(&messages, &converted));
    let mut row = Map::new();
    row.insert("messages".to_owned(), Value::Array(converted));
    subject.add_ids(&mut row, context);
    Ok(Rendered::row(Value::Object(row), losses))
}

/// What the conversion leaves out of these messages.
fn lost(messages: &[Value], converted: &[Value]) -> Vec<Loss> {
    let mut lost = Lost::default();
    for message in messages {
        if let Some(Value::Array(list)) = message.get("content") {
            let is_other = |part: &&Value| part.get("type").and_then(Value::as_str) != Some("text");
            lost.images += list.iter().filter(is_other).count();
            lost.parts += list.len().saturating_sub(1);
        }
        let calls = message.get("tool_calls").and_then(Value::as_array);
        lost.pieces += calls.map_or(0, |calls| calls.len().saturating_sub(1));
        let reasoning = message.get("reasoning_content");
        lost.reasonings += usize::from(reasoning.is_some_and(Value::is_string));
    }
    lost.pending = (messages.len() + lost.pieces).saturating_sub(converted.len());
    lost.told()
}

/// What the conversion leaves out, counted.
#[derive(Debug, Default)]
struct Lost {
    images: usize,
    parts: usize,
    pieces: usize,
    pending: usize,
    reasonings: usize,
}

impl Lost {
    fn told(&self) -> Vec<Loss> {
        let mut losses = vec![
            Loss::of("function calls became text"),
            Loss::of("call ids are gone"),
        ];
        for (what, count) in [
            ("images and other parts are gone", self.images),
            ("content beyond its first part is gone", self.parts),
            ("turns with several calls became several turns", self.pieces),
            ("calls without a result at the end are gone", self.pending),
            ("reasoning is gone", self.reasonings),
        ] {
            if count > 0 {
                losses.push(Loss::counted(what, count));
            }
        }
        losses
    }
}

#[cfg(test)]
mod tests;
