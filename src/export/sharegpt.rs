//! `sharegpt`: `conversations` and `tools` as LLaMA-Factory reads them.
//!
//! Calls are JSON in a `function_call` turn, behind the thought in `<tool_call>` tags where there is one; the results of
//! one turn's calls stand in one `observation`, divided as LLaMA-Factory divides them. Masks are `train` of a turn, which
//! axolotl reads. LLaMA-Factory skips rows whose turns do not alternate: such rows are told as a loss.

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
use crate::export::chat_form::Chat;
use crate::export::chat_form::Turn;
use crate::read::RESULT_DIVIDER;

/// The exporter.
pub(super) const EXPORTER: Exporter = Exporter {
    name: "sharegpt",
    about: "conversations and tools (LLaMA-Factory; axolotl with per-turn `train`)",
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
    let mut losses = chat.losses.clone();
    let turns = turns(&chat, &mut losses);
    if !alternates(&turns) {
        losses.push(Loss::of(
            "turns do not alternate between asking and answering; LLaMA-Factory skips such rows",
        ));
    }
    let mut row = Map::new();
    row.insert("conversations".to_owned(), Value::Array(turns));
    let tools: Vec<&Value> = chat
        .tools
        .iter()
        .map(|tool| tool.get("function").unwrap_or(tool))
        .collect();
    let tools = if tools.is_empty() {
        String::new()
    } else {
        json!(tools).to_string()
    };
    row.insert("tools".to_owned(), json!(tools));
    subject.add_ids(&mut row, context);
    Ok(Rendered::row(Value::Object(row), losses))
}

fn turns(chat: &Chat, losses: &mut Vec<Loss>) -> Vec<Value> {
    let mut out: Vec<Value> = Vec::new();
    let mut images = 0;
    let mut reasonings = 0;
    let mut results: Vec<String> = Vec::new();
    let mut result_train = None;
    for turn in &chat.turns {
        if let Some(Value::Array(parts)) = turn.message.get("content") {
            images += parts
                .iter()
                .filter(|part| part.get("image_url").is_some())
                .count();
        }
        let train = turn.message.get("train");
        if turn.role() == "tool" {
            results.push(turn.text());
            result_train = train.cloned();
            continue;
        }
        flush(&mut out, &mut results, result_train.as_ref());
        let (from, value) = match turn.role() {
            "system" | "developer" => ("system", turn.text()),
            "assistant" => {
                reasonings += usize::from(turn.message.get("reasoning_content").is_some());
                answer(turn)
            }
            _ => ("human", turn.text()),
        };
        out.push(entry(from, &value, train));
    }
    flush(&mut out, &mut results, result_train.as_ref());
    for (what, count) in [
        ("images are gone", images),
        (
            "reasoning stands in front of the answer as <think>",
            reasonings,
        ),
    ] {
        if count > 0 {
            losses.push(Loss::counted(what, count));
        }
    }
    out
}

fn entry(from: &str, value: &str, train: Option<&Value>) -> Value {
    let mut entry = json!({"from": from, "value": value});
    if let (Some(fields), Some(train)) = (entry.as_object_mut(), train) {
        fields.insert("train".to_owned(), train.clone());
    }
    entry
}

fn flush(out: &mut Vec<Value>, results: &mut Vec<String>, train: Option<&Value>) {
    if !results.is_empty() {
        let joined = results.join(RESULT_DIVIDER);
        out.push(entry("observation", &joined, train));
        results.clear();
    }
}

fn answer(turn: &Turn) -> (&'static str, String) {
    let reasoning = turn.message.get("reasoning_content");
    let text = match reasoning.and_then(Value::as_str) {
        Some(reasoning) => format!("<think>\n{reasoning}\n</think>\n\n{}", turn.text()),
        None => turn.text(),
    };
    let calls: Vec<Value> = turn
        .calls()
        .into_iter()
        .map(|(_, name, arguments)| json!({"name": name, "arguments": arguments}))
        .collect();
    let calls = match calls.as_slice() {
        [] => return ("gpt", text),
        [one] => one.to_string(),
        several => json!(several).to_string(),
    };
    if text.is_empty() {
        return ("function_call", calls);
    }
    (
        "function_call",
        format!("{text}<tool_call>\n{calls}\n</tool_call>"),
    )
}

/// Whether LLaMA-Factory takes the turns: asking and answering in turn, answering last.
fn alternates(turns: &[Value]) -> bool {
    let from = |turn: &Value| turn.get("from").and_then(Value::as_str).map(str::to_owned);
    let mut speakers: Vec<String> = turns.iter().filter_map(from).collect();
    if speakers.first().is_some_and(|first| first == "system") {
        speakers.remove(0);
    }
    let fits = speakers.iter().enumerate().all(|(ix, speaker)| {
        let is_asking = matches!(speaker.as_str(), "human" | "observation");
        let is_answering = matches!(speaker.as_str(), "gpt" | "function_call");
        if ix % 2 == 0 { is_asking } else { is_answering }
    });
    fits && !speakers.is_empty() && speakers.len().is_multiple_of(2)
}
