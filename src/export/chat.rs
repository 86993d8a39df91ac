//! `chat`: `OpenAI` messages and tools, a row a trajectory; TRL reads it as it is, axolotl with per-turn `train`.

use serde_json::Map;
use serde_json::Value;

use crate::export::Body;
use crate::export::Context;
use crate::export::Exporter;
use crate::export::Form;
use crate::export::MaskPlace;
use crate::export::Refusal;
use crate::export::Rendered;
use crate::export::Subject;
use crate::export::chat_form::tools_as_written;
use crate::export::tokens;
use crate::read::Verbatim;

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
    if let Some(rendered) = pass_on(subject, context) {
        return Ok(rendered);
    }
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

/// A chat row's own messages, from its text to that of the export: nothing is built of them. `None` where something has to
/// be known of the record that its text does not tell, and of rows that are not that plain.
fn pass_on(subject: &Subject<'_>, context: &Context) -> Option<Rendered> {
    if context.with_ids || !context.counter.is_estimate() || !subject.is_plain() {
        return None;
    }
    let (row, survey) = subject.surveyed()?;
    let found = Verbatim::of_chat(row, survey)?;
    let mut tokens = 0;
    let mut tally = |bytes: usize| tokens += tokens::estimate(bytes);
    let mut line = b"{\"messages\":".to_vec();
    found.write(&tokens::is_skipped, &mut tally, &mut line)?;
    let tools = tools_as_written(&found)?;
    if !tools.is_empty() {
        let tools = Value::Array(tools);
        tokens += context.counter.count_value(&tools);
        line.extend_from_slice(b",\"tools\":");
        serde_json::to_writer(&mut line, &tools).ok()?;
    }
    line.extend_from_slice(b"}\n");
    Some(Rendered {
        body: Body::Written(line, tokens),
        losses: Vec::new(),
    })
}
