//! `chat`: `OpenAI` messages and tools, a row a trajectory; TRL reads it as it is, axolotl with per-turn `train`.

use serde_json::Map;
use serde_json::Value;

use crate::export::Context;
use crate::export::Exporter;
use crate::export::Form;
use crate::export::MaskPlace;
use crate::export::Refusal;
use crate::export::Rendered;
use crate::export::Subject;

/// The exporter.
pub(super) const EXPORTER: Exporter = Exporter {
    name: "chat",
    about: "OpenAI messages and tools (TRL; axolotl with per-turn `train`)",
    extension: "jsonl",
    form: Form::Lines,
    masks: MaskPlace::Turns,
    tells_verdict: false,
    render,
};

fn render(subject: &mut Subject<'_>, context: &Context) -> Result<Rendered, Refusal> {
    subject.know_ids(context);
    let mut chat = subject.chat()?;
    chat.apply_masks(subject, "train")?;
    let mut row = Map::new();
    row.insert("messages".to_owned(), Value::Array(chat.take_messages()));
    if !chat.tools.is_empty() {
        row.insert("tools".to_owned(), Value::Array(chat.tools));
    }
    subject.add_ids(&mut row, context);
    Ok(Rendered::row(Value::Object(row), chat.losses))
}
