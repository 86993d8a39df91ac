//! What happened, as the events of OpenHands V0 tell it: the rows' `history`.

use jiff::Timestamp;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::model::ROLLOUT_AGENT;
use crate::rollout::hands::Seen;
use crate::rollout::metrics::Metrics;
use crate::rollout::said::Asked;
use crate::rollout::said::Said;
use crate::rollout::tools;

/// Says who wrote the events.
pub(super) fn agent() -> String {
    format!("{ROLLOUT_AGENT} {}", env!("CARGO_PKG_VERSION"))
}

/// The events so far.
#[derive(Debug, Default)]
pub(super) struct History {
    events: Vec<Value>,
    /// The shell's folder, as far as it is known.
    cwd: Option<String>,
}

impl History {
    /// Of an attempt whose shell begins in this folder.
    pub(super) fn in_folder(cwd: &str) -> Self {
        Self {
            events: Vec::new(),
            cwd: Some(cwd.to_owned()),
        }
    }

    /// All of them, in order.
    pub(super) fn into_events(self) -> Vec<Value> {
        self.events
    }

    /// The system prompt, and the tools that were offered with it.
    pub(super) fn system(&mut self, prompt: &str, tools: &[Value]) {
        let args = json!({"content": prompt, "tools": tools, "agent_class": agent()});
        self.push("agent", prompt, "action", "system", [("args", args)]);
    }

    /// Words to the model: the task, and what keeps it going.
    pub(super) fn user(&mut self, text: &str) {
        let args = json!({"content": text, "image_urls": null, "wait_for_response": false});
        self.push("user", text, "action", "message", [("args", args)]);
    }

    /// A turn without a call.
    pub(super) fn words(&mut self, said: &Said, metrics: &Metrics) {
        let args = json!({"content": said.text, "image_urls": null, "wait_for_response": true});
        let fields = [("args", args), ("llm_metrics", metrics.so_far())];
        self.push("agent", &said.text, "action", "message", fields);
    }

    /// A call of a turn; gives the event's id. The turn's words stand at its first call.
    pub(super) fn call(&mut self, said: &Said, asked: &Asked, metrics: &Metrics) -> usize {
        let is_first = said.calls.first().is_some_and(|first| first.id == asked.id);
        let thought = if is_first { said.text.as_str() } else { "" };
        let (kind, args, message) = action_of(asked, thought, self.cwd.as_deref());
        let fields = [
            ("args", args),
            ("tool_call_metadata", metadata_of(said, asked)),
            ("llm_metrics", metrics.so_far()),
        ];
        self.push("agent", &message, "action", kind, fields)
    }

    /// What came of the call of event `cause`.
    pub(super) fn result(&mut self, cause: usize, asked: &Asked, seen: &Seen) {
        let went = seen.extras.pointer("/metadata/working_dir");
        if let Some(went) = went.and_then(Value::as_str) {
            self.cwd = Some(went.to_owned());
        }
        let mut fields = vec![
            ("cause", json!(cause)),
            ("content", json!(seen.content)),
            ("extras", seen.extras.clone()),
            // the response itself stands at the action
            (
                "tool_call_metadata",
                json!({"function_name": asked.tool, "tool_call_id": asked.id}),
            ),
        ];
        fields.extend(seen.success.map(|success| ("success", json!(success))));
        self.push("agent", "", "observation", seen.kind, fields);
    }

    fn push(
        &mut self,
        source: &str,
        message: &str,
        what: &str,
        kind: &str,
        fields: impl IntoIterator<Item = (&'static str, Value)>,
    ) -> usize {
        let id = self.events.len();
        let mut event = Map::new();
        event.insert("id".to_owned(), json!(id));
        event.insert("timestamp".to_owned(), json!(now()));
        event.insert("source".to_owned(), json!(source));
        event.insert("message".to_owned(), json!(message));
        event.insert(what.to_owned(), json!(kind));
        for (name, value) in fields {
            event.insert(name.to_owned(), value);
        }
        self.events.push(Value::Object(event));
        id
    }
}

/// This moment as OpenHands writes it: without a zone, which is UTC here.
pub(super) fn now() -> String {
    Timestamp::now()
        .strftime("%Y-%m-%dT%H:%M:%S%.6f")
        .to_string()
}

/// The event of a call: its kind, its arguments, its line.
fn action_of(asked: &Asked, thought: &str, cwd: Option<&str>) -> (&'static str, Value, String) {
    let Ok(args) = &asked.args else {
        // OpenHands takes tools that are not its own for those of a server
        let written = serde_json::from_str(&asked.written);
        let written = written.unwrap_or_else(|_| Value::String(asked.written.clone()));
        let args = json!({"name": asked.tool, "arguments": written, "thought": thought});
        return ("call_tool_mcp", args, format!("Calling {}", asked.tool));
    };
    let field = |key: &str| args.get(key).cloned().unwrap_or_default();
    let text = |key: &str| args.get(key).and_then(Value::as_str).unwrap_or_default();
    match asked.tool.as_str() {
        tools::SHELL => {
            let command = text("command");
            let mut event = json!({"command": command, "is_input": text("is_input") == "true",
                "thought": thought, "blocking": false, "is_static": false, "cwd": cwd, "hidden": false,
                "confirmation_state": "confirmed"});
            if let Some(fields) = event
                .as_object_mut()
                .filter(|_| !field("timeout").is_null())
            {
                fields.insert("timeout".to_owned(), field("timeout"));
            }
            ("run", event, format!("Running command: {command}"))
        }
        tools::EDITOR if text("command") == "view" => {
            let event = json!({"path": field("path"), "start": 0, "end": -1, "thought": thought,
                "impl_source": "oh_aci", "view_range": field("view_range")});
            ("read", event, format!("Reading file: {}", text("path")))
        }
        tools::EDITOR => {
            let event = json!({"path": field("path"), "command": field("command"),
                "file_text": field("file_text"), "old_str": field("old_str"), "new_str": field("new_str"),
                "insert_line": field("insert_line"), "content": "", "start": 1, "end": -1,
                "thought": thought, "impl_source": "oh_aci"});
            ("edit", event, format!("Editing file: {}", text("path")))
        }
        _ => {
            let event = json!({"final_thought": text("message"), "task_completed": field("task_completed"),
                "outputs": {}, "thought": thought});
            ("finish", event, text("message").to_owned())
        }
    }
}

fn metadata_of(said: &Said, asked: &Asked) -> Value {
    let usage = said.usage;
    json!({
        "function_name": asked.tool, "tool_call_id": asked.id,
        "total_calls_in_response": said.calls.len(),
        "model_response": {
            "id": said.response_id, "model": said.model, "object": "chat.completion",
            "choices": [{"index": 0, "finish_reason": said.finish_reason, "message": said.message}],
            "usage": {"prompt_tokens": usage.prompt_tokens, "completion_tokens": usage.completion_tokens,
                "total_tokens": usage.prompt_tokens + usage.completion_tokens,
                "prompt_tokens_details": {"cached_tokens": usage.cached_tokens}},
        },
    })
}
