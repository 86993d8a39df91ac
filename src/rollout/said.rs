//! What a model said in one turn: its words, and the calls that it asked for.
//!
//! Calls come in their own field, or written into the text. Whatever is odd about them (arguments that are no JSON, no id
//! or the id of another call) is put right here or told as the call's fault, so that the conversation can go on.

use std::collections::HashSet;

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::endpoint::Completion;
use crate::endpoint::Usage;
use crate::read::split_calls;
use crate::read::understand::NEVER_RAN;
use crate::rollout::tools;
use crate::text;

/// Ends a call that is written as text.
const FUNCTION_END: &str = "</function>";
/// Bytes of wrong arguments that the model is shown again.
const SHOWN: usize = 500;

/// How a model asks for calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallForm {
    /// In a field of its own, as the interface has it.
    Native,
    /// In its text; the words explain to it how, behind the system prompt.
    Text(String),
}

/// A call that a model asked for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Asked {
    /// Names it in the conversation; none other has it.
    pub(super) id: String,
    /// The tool's name, as the model wrote it.
    pub(super) tool: String,
    /// The arguments, as the model wrote them: JSON, where it could write that.
    pub(super) written: String,
    /// The arguments as the tool takes them, or what is wrong with them.
    pub(super) args: Result<Value, String>,
}

/// A turn of the model.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Said {
    /// Its words, without the calls.
    pub(super) text: String,
    /// The calls, in order.
    pub(super) calls: Vec<Asked>,
    /// Its message with the calls in their own field, as it wrote them.
    pub(super) message: Value,
    /// Its text with the calls in it, where it writes them so.
    pub(super) whole: Option<String>,
    /// Names the response; none other of the attempt has it.
    pub(super) response_id: String,
    /// Why it ended, as the endpoint says.
    pub(super) finish_reason: String,
    /// The model, as the endpoint names it.
    pub(super) model: String,
    /// What it took.
    pub(super) usage: Usage,
}

/// The ids that an attempt has used.
#[derive(Debug, Default)]
pub(super) struct Ids {
    used: HashSet<String>,
    made: usize,
}

impl Ids {
    /// The id itself, or a new one where it is empty or used.
    fn take(&mut self, id: &str, what: &str) -> String {
        let mut id = id.to_owned();
        while id.is_empty() || self.used.contains(&id) {
            self.made += 1;
            id = format!("{what}_{}", self.made);
        }
        self.used.insert(id.clone());
        id
    }
}

impl Said {
    /// Reads a completion.
    pub(super) fn of(completion: Completion, form: &CallForm, ids: &mut Ids) -> Self {
        let response_id = ids.take(&completion.id, "response");
        let text = text_of(completion.message.get("content"));
        let (text, calls, whole) = match form {
            CallForm::Native => {
                let given = completion
                    .message
                    .get("tool_calls")
                    .and_then(Value::as_array);
                let given = given.map_or(&[][..], Vec::as_slice);
                let calls: Vec<Asked> = given.iter().map(|call| native(call, ids)).collect();
                (text, calls, None)
            }
            CallForm::Text(_) => {
                let whole = closed(text);
                let (rest, written) = split_calls(&whole);
                let calls = written
                    .into_iter()
                    .map(|(tool, args)| {
                        asked(ids.take("", "call"), tool, args.to_string(), Ok(args))
                    })
                    .collect();
                (rest, calls, Some(whole))
            }
        };
        let message = message_of(&completion.message, &text, &calls);
        Self {
            text,
            calls,
            message,
            whole,
            response_id,
            finish_reason: completion.finish_reason,
            model: completion.model,
            usage: completion.usage,
        }
    }
}

/// The text of a content: itself, or that of its parts.
fn text_of(content: Option<&Value>) -> String {
    match content {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => {
            let texts = parts.iter().filter_map(|part| part.get("text")?.as_str());
            texts.collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    }
}

/// A text whose last call is closed: the request asks the endpoint to stop there.
fn closed(text: String) -> String {
    let count = |what: &str| memchr::memmem::find_iter(text.as_bytes(), what).count();
    if count("<function=") > count(FUNCTION_END) {
        format!("{}\n{FUNCTION_END}", text.trim_end())
    } else {
        text
    }
}

/// A call of the field `tool_calls`.
fn native(call: &Value, ids: &mut Ids) -> Asked {
    let function = call.get("function").unwrap_or(call);
    let text = |of: &Value, key: &str| of.get(key).and_then(Value::as_str).map(str::to_owned);
    let id = text(call, "id").unwrap_or_default();
    let tool = text(function, "name").unwrap_or_default();
    let written = match function.get("arguments") {
        None | Some(Value::Null) => "{}".to_owned(),
        Some(Value::String(text)) if text.trim().is_empty() => "{}".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let args = serde_json::from_str(&written).map_err(|why| {
        let shown = text::excerpt(&written, SHOWN);
        format!("The arguments of the call are no JSON ({why}): {shown}")
    });
    asked(ids.take(&id, "call"), tool, written, args)
}

fn asked(id: String, tool: String, written: String, args: Result<Value, String>) -> Asked {
    let args = args.and_then(|args| tools::checked(&tool, &args));
    let args = args.map_err(|why| format!("{NEVER_RAN}{why}"));
    Asked {
        id,
        tool,
        written,
        args,
    }
}

/// The message with its calls in their own field.
fn message_of(given: &Value, text: &str, calls: &[Asked]) -> Value {
    let mut message = Map::new();
    message.insert("role".to_owned(), json!("assistant"));
    message.insert("content".to_owned(), json!(text));
    for key in ["reasoning_content", "reasoning"] {
        if let Some(reasoning) = given.get(key).filter(|reasoning| reasoning.is_string()) {
            message.insert(key.to_owned(), reasoning.clone());
        }
    }
    if !calls.is_empty() {
        let calls: Vec<Value> = calls
            .iter()
            .map(|call| {
                json!({"id": call.id, "type": "function",
                    "function": {"name": call.tool, "arguments": call.written}})
            })
            .collect();
        message.insert("tool_calls".to_owned(), Value::Array(calls));
    }
    Value::Object(message)
}

/// A message as endpoints take it back. They refuse whole conversations for a call whose arguments are no JSON object, and
/// for names that no tool can have: such arguments stand only in the answer to the call there.
pub(super) fn sendable(message: &Value) -> Value {
    let mut message = message.clone();
    let calls = message.get_mut("tool_calls").and_then(Value::as_array_mut);
    let functions = calls.into_iter().flatten();
    for function in functions.filter_map(|call| call.get_mut("function")?.as_object_mut()) {
        let is_object = |text: &str| serde_json::from_str::<Map<String, Value>>(text).is_ok();
        let args = function.get("arguments").and_then(Value::as_str);
        if !args.is_some_and(is_object) {
            function.insert("arguments".to_owned(), json!("{}"));
        }
        make_plain(function);
    }
    if let Some(fields) = message.as_object_mut() {
        make_plain(fields);
    }
    message
}

/// Gives fields with a tool's name one that endpoints take.
fn make_plain(fields: &mut Map<String, Value>) {
    if let Some(name) = fields.get("name").and_then(Value::as_str).map(plain_name) {
        fields.insert("name".to_owned(), Value::String(name));
    }
}

/// The name of a tool as endpoints take it back: models call what no tool can be named.
fn plain_name(name: &str) -> String {
    const MOST: usize = 64;
    let plain = |c: char| {
        let is_plain = c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        if is_plain { c } else { '_' }
    };
    let name: String = name.chars().take(MOST).map(plain).collect();
    if name.is_empty() {
        "_".to_owned()
    } else {
        name
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_go_back_as_endpoints_take_them() {
        for (name, want) in [
            ("execute_bash", "execute_bash"),
            ("functions.execute_bash", "functions_execute_bash"),
            ("", "_"),
            ("läs\n", "l_s_"),
        ] {
            assert_eq!(super::plain_name(name), want);
        }
        assert_eq!(super::plain_name(&"x".repeat(100)).len(), 64);
    }

    use super::*;

    fn completion(message: Value) -> Completion {
        Completion {
            message,
            finish_reason: "stop".to_owned(),
            usage: Usage::default(),
            id: "r".to_owned(),
            model: "m".to_owned(),
        }
    }

    #[track_caller]
    fn check(message: Value, form: &CallForm, text: &str, calls: &[(&str, &str)]) -> Said {
        let said = Said::of(completion(message), form, &mut Ids::default());
        assert_eq!(said.text, text);
        let got: Vec<(&str, String)> = said
            .calls
            .iter()
            .map(|call| {
                let args = match &call.args {
                    Ok(args) => args.to_string(),
                    Err(why) => why.clone(),
                };
                (call.tool.as_str(), args)
            })
            .collect();
        assert_eq!(got.len(), calls.len(), "{got:?}");
        for ((tool, args), (name, part)) in got.iter().zip(calls) {
            assert_eq!(tool, name);
            assert!(args.contains(part), "{args}");
        }
        said
    }

    fn call(id: &str, name: &str, args: &Value) -> Value {
        json!({"id": id, "type": "function", "function": {"name": name, "arguments": args}})
    }

    #[test]
    fn calls_of_their_own_field() {
        let ls = json!("{\"command\": \"ls\"}");
        let both = json!({"role": "assistant", "content": null, "reasoning_content": "hm", "tool_calls": [
            call("a", "execute_bash", &ls), call("a", "execute_bash", &json!({"command": "pwd"}))]});
        let said = check(
            both,
            &CallForm::Native,
            "",
            &[
                ("execute_bash", "{\"command\":\"ls\"}"),
                ("execute_bash", "pwd"),
            ],
        );
        assert_eq!(said.calls[0].id, "a");
        assert_eq!(said.calls[1].id, "call_1", "an id is given once");
        assert_eq!(said.message["reasoning_content"], "hm");
        assert_eq!(said.whole, None);
        let args = |said: &Said, nth: usize| {
            let function = said.message["tool_calls"][nth]["function"].clone();
            function["arguments"].as_str().unwrap().to_owned()
        };
        assert_eq!(args(&said, 0), "{\"command\": \"ls\"}", "as it was written");
        assert_eq!(args(&said, 1), "{\"command\":\"pwd\"}");
        assert_eq!(sendable(&said.message), said.message);
        let wrong = json!({"content": [{"type": "text", "text": "I look."}], "tool_calls": [
            call("", "execute_bash", &json!("{\"command\": \"ls")), call("b", "think", &json!("{}")), json!(7)]});
        let said = check(
            wrong,
            &CallForm::Native,
            "I look.",
            &[
                ("execute_bash", "are no JSON"),
                ("think", "There is no tool"),
                ("", "There is no tool"),
            ],
        );
        assert_eq!(args(&said, 0), "{\"command\": \"ls");
        let sent = sendable(&said.message);
        assert_eq!(sent["tool_calls"][0]["function"]["arguments"], "{}");
        assert_eq!(sent["tool_calls"][2]["function"]["name"], "_");
        check(json!("garbage"), &CallForm::Native, "", &[]);
        check(
            json!({"content": "Done.", "tool_calls": null}),
            &CallForm::Native,
            "Done.",
            &[],
        );
    }

    #[test]
    fn calls_in_the_text() {
        let form = CallForm::Text(String::new());
        let text = "I look.\n<function=execute_bash>\n<parameter=command>ls</parameter>\n";
        let said = check(
            json!({"content": text}),
            &form,
            "I look.",
            &[("execute_bash", "{\"command\":\"ls\"}")],
        );
        let whole = said.whole.unwrap();
        assert!(whole.ends_with("</parameter>\n</function>"), "{whole}");
        assert_eq!(said.message["tool_calls"][0]["id"], "call_1");
        check(json!({"content": "Just words."}), &form, "Just words.", &[]);
        let native = json!({"content": "x", "tool_calls": [call("a", "finish", &json!("{}"))]});
        check(native, &form, "x", &[]);
    }
}
