//! Answers that come in pieces: server-sent events, and the deltas in them put together.

use std::collections::HashMap;
use std::mem;

use crate::endpoint::Completion;
use crate::endpoint::Prices;
use crate::endpoint::fault::Fault;
use crate::endpoint::fault::shown;
use crate::endpoint::shape;
use crate::endpoint::shape::Fields;
use crate::model::Value;

/// The lines of server-sent events, each event's data put together.
#[derive(Debug, Default)]
pub(in crate::endpoint) struct Events {
    /// The line that is not yet whole.
    line: Vec<u8>,
    /// The data of the event that is not yet whole.
    data: String,
}

impl Events {
    /// Reads on; gives each event's data to `take` until that says that it is the last.
    ///
    /// # Errors
    /// What `take` fails with.
    pub(in crate::endpoint) fn push(
        &mut self,
        bytes: &[u8],
        take: &mut dyn FnMut(&str) -> Result<bool, Fault>,
    ) -> Result<bool, Fault> {
        let mut rest = bytes;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let (line, after) = rest.split_at(end);
            self.line.extend_from_slice(line);
            rest = after.get(1..).unwrap_or_default();
            let line = mem::take(&mut self.line);
            if self.end_line(&String::from_utf8_lossy(&line), take)? {
                return Ok(true);
            }
        }
        self.line.extend_from_slice(rest);
        Ok(false)
    }

    /// What is left when no more comes: some servers do not end their last line.
    pub(in crate::endpoint) fn end(
        &mut self,
        take: &mut dyn FnMut(&str) -> Result<bool, Fault>,
    ) -> Result<bool, Fault> {
        let line = mem::take(&mut self.line);
        let is_last = self.end_line(&String::from_utf8_lossy(&line), take)?;
        Ok(is_last || self.end_line("", take)?)
    }

    fn end_line(
        &mut self,
        line: &str,
        take: &mut dyn FnMut(&str) -> Result<bool, Fault>,
    ) -> Result<bool, Fault> {
        let line = line.trim_end_matches('\r');
        if line.is_empty() {
            let data = mem::take(&mut self.data);
            return if data.is_empty() {
                Ok(false)
            } else {
                take(&data)
            };
        }
        let data = match line.split_once(':') {
            Some(("data" | "error", data)) => data.strip_prefix(' ').unwrap_or(data),
            // an error as it stands, where the server forgot that it streams
            _ if line.starts_with('{') => line,
            _ => return Ok(false),
        };
        // servers that put no empty line between events write each on one line
        if self.data.is_empty() && (data == "[DONE]" || is_object(data)) {
            return take(data);
        }
        if !self.data.is_empty() {
            self.data.push('\n');
        }
        self.data.push_str(data);
        Ok(false)
    }
}

fn is_object(data: &str) -> bool {
    data.starts_with('{') && serde_json::from_str::<serde::de::IgnoredAny>(data).is_ok()
}

/// The deltas of a completion, put together.
#[derive(Debug, Default)]
pub(in crate::endpoint) struct Joined {
    message: Fields,
    calls: Vec<Call>,
    /// The call that an index means now.
    by_index: HashMap<u64, usize>,
    finish_reason: String,
    usage: Option<Value>,
    id: String,
    model: String,
    has_choice: bool,
    is_done: bool,
}

/// A tool call as far as it came.
#[derive(Debug, Default)]
struct Call {
    id: String,
    name: String,
    arguments: String,
}

impl Joined {
    /// Takes the data of one event; whether it was the last.
    ///
    /// # Errors
    /// It is no chunk of a completion, or tells of an error.
    pub(in crate::endpoint) fn take(&mut self, data: &str) -> Result<bool, Fault> {
        if data.trim() == "[DONE]" {
            self.is_done = true;
            return Ok(true);
        }
        let chunk: Value = serde_json::from_str(data).map_err(|_no_json| {
            Fault::passing(format!(
                "an event of the stream is no JSON: {}",
                shown(data)
            ))
        })?;
        if let Some(error) = chunk.get("error").filter(|error| !error.is_null()) {
            return Err(Fault::of_error(error));
        }
        for (known, name) in [(&mut self.id, "id"), (&mut self.model, "model")] {
            if known.is_empty() {
                *known = shape::text_of(&chunk, name);
            }
        }
        if let Some(usage) = chunk.get("usage").filter(|usage| usage.is_object()) {
            self.usage = Some(usage.clone());
        }
        let choices = chunk.get("choices").and_then(Value::as_array);
        for choice in choices.into_iter().flatten() {
            let index = choice.get("index").and_then(Value::as_u64);
            if index.unwrap_or_default() == 0 {
                self.add_choice(choice);
            }
        }
        Ok(false)
    }

    fn add_choice(&mut self, choice: &Value) {
        self.has_choice = true;
        let reason = shape::text_of(choice, "finish_reason");
        if !reason.is_empty() {
            self.finish_reason = reason;
        }
        let Some(Value::Object(delta)) = choice.get("delta") else {
            return;
        };
        for (name, value) in delta {
            match (name.as_str(), value) {
                ("role", _) | (_, Value::Null) => {}
                ("tool_calls", Value::Array(calls)) => {
                    for call in calls {
                        self.add_call(call);
                    }
                }
                (_, value) => self.add_field(name, value),
            }
        }
    }

    /// Texts and lists go on, anything else is said anew.
    fn add_field(&mut self, name: &str, value: &Value) {
        match (self.message.get_mut(name), value) {
            (Some(Value::String(known)), Value::String(more)) => known.push_str(more),
            (Some(Value::Array(known)), Value::Array(more)) => known.extend_from_slice(more),
            _ => {
                self.message.insert(name.to_owned(), value.clone());
            }
        }
    }

    fn add_call(&mut self, delta: &Value) {
        let id = shape::text_of(delta, "id");
        let index = delta.get("index").and_then(Value::as_u64);
        let known = match index {
            Some(index) => self.by_index.get(&index).copied(),
            None => self.calls.len().checked_sub(1),
        };
        // some servers number all calls 0, or none, and tell them apart by their ids
        let known = known.filter(|&at| {
            let call = self.calls.get(at);
            id.is_empty() || call.is_some_and(|call| call.id.is_empty() || call.id == id)
        });
        let at = known.unwrap_or_else(|| {
            self.calls.push(Call::default());
            self.calls.len() - 1
        });
        if let Some(index) = index {
            self.by_index.insert(index, at);
        }
        let Some(call) = self.calls.get_mut(at) else {
            return;
        };
        if call.id.is_empty() {
            call.id = id;
        }
        let Some(function) = delta.get("function") else {
            return;
        };
        let name = shape::text_of(function, "name");
        // some say the whole name again with each piece
        if name != call.name {
            call.name.push_str(&name);
        }
        match function.get("arguments") {
            Some(Value::String(more)) => call.arguments.push_str(more),
            Some(whole @ Value::Object(_)) => call.arguments = whole.to_string(),
            _ => {}
        }
    }

    /// Whether the answer is all there, whatever becomes of the connection.
    pub(in crate::endpoint) fn is_whole(&self) -> bool {
        self.has_choice && (self.is_done || !self.finish_reason.is_empty())
    }

    /// The completion.
    ///
    /// # Errors
    /// It broke off, or never began.
    pub(in crate::endpoint) fn finish(self, prices: Option<&Prices>) -> Result<Completion, Fault> {
        if !self.has_choice {
            return Err(Fault::passing("a stream without an answer"));
        }
        if !self.is_whole() {
            return Err(Fault::passing("the stream broke off"));
        }
        let mut message = self.message;
        let calls: Vec<Value> = self.calls.into_iter().map(Call::into_value).collect();
        if !calls.is_empty() {
            message.insert("tool_calls".to_owned(), Value::Array(calls));
        }
        let usage = shape::usage(self.usage.as_ref(), prices);
        shape::finished(message, self.finish_reason, usage, (self.id, self.model))
    }
}

impl Call {
    fn into_value(self) -> Value {
        let arguments = if self.arguments.is_empty() {
            "{}".to_owned()
        } else {
            self.arguments
        };
        serde_json::json!({
            "id": self.id,
            "type": "function",
            "function": {"name": self.name, "arguments": arguments},
        })
    }
}
