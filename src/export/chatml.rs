//! `chatml`: the text that a model is trained on, made by a chat template: one `text` a row.

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::export::Context;
use crate::export::Exporter;
use crate::export::Form;
use crate::export::Loss;
use crate::export::MaskPlace;
use crate::export::Refusal;
use crate::export::Rendered;
use crate::export::Subject;
use crate::export::chat_form::Turn;
use crate::export::chat_form::content_text;

/// The exporter.
pub(super) const EXPORTER: Exporter = Exporter {
    name: "chatml",
    about: "text by a chat template: --chat-template, or the ChatML of Qwen2.5-Coder",
    extension: "jsonl",
    form: Form::Lines,
    masks: MaskPlace::Nowhere,
    tells_verdict: false,
    render,
};

fn render(subject: &mut Subject<'_>, context: &Context) -> Result<Rendered, Refusal> {
    subject.know_ids(context);
    let chat = subject.chat()?;
    let template = context
        .template
        .as_ref()
        .ok_or_else(|| Refusal::new("no chat template was given"))?;
    let mut losses = chat.losses.clone();
    let (mut images, mut reasonings) = (0, 0);
    let messages: Vec<Value> = chat
        .turns
        .iter()
        .map(|turn| {
            if let Some(Value::Array(parts)) = turn.message.get("content") {
                let is_image = |part: &&Value| part.get("text").is_none();
                images += parts.iter().filter(is_image).count();
            }
            reasonings += usize::from(turn.message.get("reasoning_content").is_some());
            message(turn, template.wants_texts())
        })
        .collect();
    if template.wants_texts() {
        for (what, count) in [
            ("images are gone", images),
            ("reasoning is gone", reasonings),
        ] {
            if count > 0 {
                losses.push(Loss::counted(what, count));
            }
        }
    }
    losses.push(Loss::of("messages became text by a chat template"));
    let text = template
        .render(&messages, &chat.tools)
        .map_err(|err| Refusal::new(format!("the chat template does not take it: {err}")))?;
    let mut row = Map::new();
    row.insert("text".to_owned(), json!(text));
    subject.add_ids(&mut row, context);
    Ok(Rendered::row(Value::Object(row), losses))
}

/// The message with arguments as objects and a text where there was no content.
fn message(turn: &Turn, wants_texts: bool) -> Value {
    let mut message = turn.message.clone();
    let Some(fields) = message.as_object_mut() else {
        return message;
    };
    let content = fields.get("content").cloned().unwrap_or_default();
    if wants_texts || content.is_null() {
        fields.insert("content".to_owned(), json!(content_text(&content)));
    }
    let calls = turn.calls();
    if !calls.is_empty() {
        let calls: Vec<Value> = calls
            .into_iter()
            .map(|(id, name, arguments)| {
                json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}})
            })
            .collect();
        fields.insert("tool_calls".to_owned(), json!(calls));
    }
    message
}
