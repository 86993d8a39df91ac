//! The conversation of an attempt: as rows keep it, and as the model is sent it.

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::rollout::said::Asked;
use crate::rollout::said::CallForm;
use crate::rollout::said::Said;
use crate::rollout::said::sendable;
use crate::rollout::tools;

/// The conversation so far.
#[derive(Debug)]
pub(super) struct Talk {
    form: CallForm,
    /// With calls in their own field, whatever the model writes, and as it wrote them.
    messages: Vec<Value>,
    /// As it is sent, where that differs: calls and results as text.
    sent: Vec<Value>,
}

impl Talk {
    /// Begins with the system prompt and the task.
    pub(super) fn new(form: &CallForm, system: &str, task: &str) -> Self {
        let message = |role: &str, text: &str| json!({"role": role, "content": text});
        let mut begun = Self {
            form: form.clone(),
            messages: vec![message("system", system), message("user", task)],
            sent: Vec::new(),
        };
        if let CallForm::Text(how) = form {
            begun.sent = vec![
                message("system", &format!("{system}{how}")),
                message("user", task),
            ];
        }
        begun
    }

    /// What to ask for next.
    pub(super) fn request(&self, sampling: &Map<String, Value>) -> Value {
        let mut request = sampling.clone();
        match self.form {
            CallForm::Native => {
                let messages: Vec<Value> = self.messages.iter().map(sendable).collect();
                request.insert("messages".to_owned(), Value::Array(messages));
                request.insert("tools".to_owned(), json!(tools::definitions()));
            }
            CallForm::Text(_) => {
                request.insert("messages".to_owned(), json!(self.sent));
                // what a model writes behind its call it has made up
                request.insert("stop".to_owned(), json!(["</function"]));
            }
        }
        Value::Object(request)
    }

    /// A turn of the model.
    pub(super) fn said(&mut self, said: &Said) {
        self.messages.push(said.message.clone());
        if let Some(whole) = &said.whole {
            let message = json!({"role": "assistant", "content": whole});
            self.sent.push(message);
        }
    }

    /// Words to the model.
    pub(super) fn user(&mut self, text: &str) {
        self.messages.push(json!({"role": "user", "content": text}));
        self.tell(text);
    }

    /// What came of a call.
    pub(super) fn result(&mut self, asked: &Asked, text: &str) {
        let message =
            json!({"role": "tool", "tool_call_id": asked.id, "name": asked.tool, "content": text});
        self.messages.push(message);
        self.tell(&format!("EXECUTION RESULT of [{}]:\n{text}", asked.tool));
    }

    /// The conversation as the row keeps it.
    pub(super) fn into_raw(self) -> Value {
        let mut raw = json!({"messages": self.messages, "tools": tools::definitions()});
        if let Some(fields) = raw.as_object_mut().filter(|_| !self.sent.is_empty()) {
            fields.insert("raw_messages".to_owned(), Value::Array(self.sent));
        }
        raw
    }

    fn is_text(&self) -> bool {
        self.form != CallForm::Native
    }

    /// Sends words; behind words of ours they belong to the same message: templates want the roles to alternate.
    fn tell(&mut self, text: &str) {
        if !self.is_text() {
            return;
        }
        let last = self.sent.last_mut().filter(|last| last["role"] == "user");
        match last.and_then(|last| last.get_mut("content")) {
            Some(Value::String(content)) => {
                content.push_str("\n\n");
                content.push_str(text);
            }
            _ => self.sent.push(json!({"role": "user", "content": text})),
        }
    }
}
