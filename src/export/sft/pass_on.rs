//! The conversion from text to text: what was said is passed on as it stands in the row, and only calls are read.

use serde_json::Value;

use crate::export::Body;
use crate::export::Context;
use crate::export::Rendered;
use crate::export::Subject;
use crate::export::chat_form::tools_as_written;
use crate::export::sft::Lost;
use crate::export::sft::ToolPrompt;
use crate::export::sft::before_result;
use crate::export::sft::called;
use crate::export::sft::tool_suffix;
use crate::export::tokens;
use crate::read::Item;
use crate::read::Verbatim;
use crate::read::rewrite_text;
use crate::read::text_of;

/// Converts a row whose recorded messages are plain: one text each, at most one call. `None` for all others, also for those
/// that the conversion refuses, and where ids or a tokenizer are asked for.
pub(super) fn pass_on(
    subject: &Subject<'_>,
    context: &Context,
    prompt: &ToolPrompt,
) -> Option<Rendered> {
    if context.with_ids || !context.counter.is_estimate() {
        return None;
    }
    let (row, survey) = subject.surveyed()?;
    let found = Verbatim::of_recorded(row, survey)?;
    let suffix = tool_suffix(&tools_as_written(&found)?, prompt).ok()?;
    let mut line = Vec::with_capacity(row.len() + suffix.len());
    line.extend_from_slice(b"{\"messages\":[");
    let mut tokens = 0;
    let mut lost = Lost::default();
    for (nth, message) in found.messages().enumerate() {
        if nth > 0 {
            line.push(b',');
        }
        tokens += tokens::estimate(convert(&message, &suffix, &mut line)?);
        let reasoning = message.raw("reasoning_content");
        lost.reasonings += usize::from(reasoning.is_some_and(|raw| raw.starts_with('"')));
    }
    line.extend_from_slice(b"]}\n");
    Some(Rendered {
        body: Body::Written(line, tokens),
        losses: lost.told(),
    })
}

/// Writes one message; the bytes of its text.
fn convert(message: &Item<'_>, suffix: &str, out: &mut Vec<u8>) -> Option<usize> {
    if message.repeats() {
        return None;
    }
    let content = match message.raw("content")? {
        "null" => "\"\"",
        _ => text_of(message)?,
    };
    let (role, before, behind) = match message.text("role")? {
        "system" => ("system", String::new(), suffix.to_owned()),
        "user" => ("user", String::new(), String::new()),
        "assistant" => ("assistant", String::new(), call(message, content)?),
        "tool" if message.has("tool_call_id") => {
            let name: Option<Value> = match message.raw("name") {
                Some(raw) => Some(serde_json::from_str(raw).ok()?),
                None => None,
            };
            ("user", before_result(name.as_ref()), String::new())
        }
        _ => return None,
    };
    out.extend_from_slice(b"{\"role\":\"");
    out.extend_from_slice(role.as_bytes());
    out.extend_from_slice(b"\",\"content\":");
    write_text(&before, out)?;
    out.pop();
    let len = rewrite_text(content, out)?;
    // the end of what was written gives way to the beginning of what follows, which is a quote alone
    let last = out.pop()?;
    let at = out.len();
    write_text(&behind, out)?;
    *out.get_mut(at)? = last;
    out.push(b'}');
    Some(before.len() + len + behind.len())
}

/// Writes a text as JSON, in quotes.
fn write_text(text: &str, out: &mut Vec<u8>) -> Option<()> {
    serde_json::to_writer(out, text).ok()
}

/// What follows on the text of a message of the assistant: its call. `None` for several, and where the text before it would
/// not stay as it is.
fn call(message: &Item<'_>, content: &str) -> Option<String> {
    let calls: Option<Value> = match message.raw("tool_calls") {
        Some(raw) => Some(serde_json::from_str(raw).ok()?),
        None => None,
    };
    let Some(call) = called(calls.as_ref()).ok()? else {
        return Some(String::new());
    };
    match content.as_bytes() {
        [b'"', b'"'] => Some(call),
        // what is stripped off the front of a turn is blank: an escape or a letter beyond ASCII may be
        [b'"', b'!'..=b'~', ..] if !content.starts_with("\"\\") => Some(format!("\n\n{call}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
