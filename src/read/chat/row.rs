//! A chat row as far as its row of the list goes, read from its outline: of what the agent says and of the middles of what
//! its calls showed nothing is built.

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::model::Format;
use crate::model::Source;
use crate::model::Trajectory;
use crate::model::Value;
use crate::read::brief;
use crate::read::chat::MESSAGES;
use crate::read::chat::conversation::Conversation;
use crate::read::chat::head;
use crate::read::chat::labels;
use crate::read::chat::message::Call;
use crate::read::common;
use crate::read::format_of;
use crate::read::json;
use crate::read::outline::Item;
use crate::read::outline::Outline;
use crate::read::outline::Take;

/// A call as `OpenAI` writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    id: String,
    #[serde(rename = "type")]
    _kind: Option<IgnoredAny>,
    #[serde(rename = "index")]
    _index: Option<IgnoredAny>,
    function: WrittenFunction,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenFunction {
    name: String,
    arguments: String,
}

/// Reads the row whose source this is, as its reader does but for what is said. `None` where its messages are anything but
/// plain: of `OpenAI`'s form, with calls, each result named by its call.
pub(in crate::read) fn read(outline: &Outline<'_>, source: &Source) -> Option<Trajectory> {
    if outline.has("raw_completions") || outline.has("info") {
        return None;
    }
    let key = MESSAGES.into_iter().find(|key| outline.has(key))?;
    if !outline.items(key)?.all(|item| is_plain(&item))
        || format_of(&head(outline)?)? != Format::Chat
    {
        return None;
    }
    let mut conversation = Conversation::of_calls();
    let mut has_calls = false;
    for item in outline.items(key)? {
        match item.text("role")? {
            "assistant" => {
                let calls = calls(&item)?;
                has_calls |= !calls.is_empty();
                conversation.push_calls(calls);
            }
            "tool" => conversation.push_shown(item.text("tool_call_id")?, shown(&item)?),
            _ => {
                conversation.push(serde_json::from_str(item.raw_whole()).ok()?, None);
            }
        }
    }
    // without any, calls may stand in what is said
    if !has_calls {
        return None;
    }
    let mut row = outline.build(|of| match of {
        "tools" => Take::Null,
        of if of == key => Take::Null,
        _ => Take::Whole,
    })?;
    if row.pointer("/functions/0/parameters").is_some() {
        common::take(&mut row, "functions");
    }
    let (variant, steps) = conversation.finish();
    let mut trajectory = Trajectory {
        source: source.clone(),
        steps,
        ..Trajectory::default()
    };
    trajectory.source.format = Some(Format::Chat);
    trajectory.source.variant = Some(variant.to_owned());
    labels::fill(&mut trajectory, &mut row);
    Some(trajectory)
}

/// Whether a message has the fields of its role only, written plainly.
fn is_plain(item: &Item<'_>) -> bool {
    let only = |fields: &[&str]| {
        item.keys()
            .all(|key| key == "role" || fields.contains(&key))
    };
    let is_text = |key: &str| item.text(key).is_some();
    match item.text("role") {
        Some("system" | "user") => true,
        Some("assistant") => {
            let is_said = is_text("content") || matches!(item.raw("content"), Some("null"));
            is_said && only(&["content", "tool_calls", "reasoning_content", "name"])
        }
        Some("tool") => {
            let is_named = item
                .text("tool_call_id")
                .is_some_and(|id| !id.is_empty() && !id.contains('\\'));
            is_named && is_text("content") && only(&["content", "tool_call_id", "name"])
        }
        _ => false,
    }
}

fn calls(item: &Item<'_>) -> Option<Vec<Call>> {
    let raw = match item.raw("tool_calls") {
        Some("null") => return Some(Vec::new()),
        None => return (!item.has("tool_calls")).then(Vec::new),
        Some(raw) => raw,
    };
    let calls: Vec<Written> = serde_json::from_str(raw).ok()?;
    let call = |call: Written| Call {
        id: Some(call.id).filter(|id| !id.is_empty()),
        tool: call.function.name,
        args: json::parse_embedded(call.function.arguments),
    };
    Some(calls.into_iter().map(call).collect())
}

/// What a call showed, as far as a row looks at it.
fn shown(item: &Item<'_>) -> Option<Value> {
    let short;
    let mut raw = item.raw("content")?;
    if let Some(middle) = brief::quiet_middle(item.text("content")?) {
        // the quote stands before it
        let head = raw.get(..=middle.start)?;
        let tail = raw.get(middle.end + 1..)?;
        short = format!("{head}\\n{tail}");
        raw = &short;
    }
    serde_json::from_str(raw).ok()
}
