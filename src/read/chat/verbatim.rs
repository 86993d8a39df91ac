//! The messages of a chat row as they stand in its JSON, for whoever passes them on.

use crate::model::Format;
use crate::model::Value;
use crate::read::chat::MESSAGES;
use crate::read::chat::head;
use crate::read::format_of;
use crate::read::outline::Outline;
use crate::read::outline::Take;
use crate::read::rewrite::rewrite;

/// The conversation of a row.
#[derive(Debug, PartialEq)]
pub struct Verbatim {
    /// What was asked to stand before it, and the list of messages, written as this program writes JSON.
    pub messages: Vec<u8>,
    /// What stands under `tools`.
    pub tools: Option<Value>,
}

/// Takes the messages out of a chat row; its bytes are one JSON value. They are written behind `opening`. Tells `tally`
/// the bytes of each text in them, but of those under keys for which `is_skipped`. `None` where the row, its messages or their spelling are anything but plain:
/// of `OpenAI`'s form in a list, no two fields alike, no nulls of a table, nothing beside that could be the conversation.
pub fn verbatim(
    row: &[u8],
    opening: &[u8],
    is_skipped: &dyn Fn(&str) -> bool,
    tally: &mut dyn FnMut(usize),
) -> Option<Verbatim> {
    let outline = Outline::of(row)?;
    if outline.has("raw_completions") || outline.has("response") {
        return None;
    }
    let key = MESSAGES.into_iter().find(|key| outline.has(key))?;
    if !are_plain(&outline, key)? {
        return None;
    }
    let little = head(&outline).or_else(|| outline.build(|_| Take::Whole))?;
    if format_of(&little) != Some(Format::Chat) {
        return None;
    }
    let list = outline.raw(key)?;
    let mut messages = Vec::with_capacity(opening.len() + list.len() + 64);
    messages.extend_from_slice(opening);
    rewrite(list, is_skipped, tally, &mut messages)?;
    let tools = match outline.raw("tools") {
        Some(raw) => Some(serde_json::from_str(raw).ok()?),
        None => None,
    };
    Some(Verbatim { messages, tools })
}

/// Whether all elements of a list are messages, and not all with the same fields, as a table has them.
fn are_plain(outline: &Outline<'_>, key: &str) -> Option<bool> {
    const ROLES: [&str; 5] = ["system", "developer", "user", "assistant", "tool"];
    let mut items = outline.items(key)?;
    let is_plain = items.all(|item| {
        item.text("role").is_some_and(|role| ROLES.contains(&role))
            && (item.has("content") || item.has("tool_calls"))
    });
    let mut items = outline.items(key)?;
    let first = items.next()?;
    let has_few = first.keys().count() <= 2;
    let is_one = outline.items(key)?.count() == 1;
    let differs = items.any(|item| !item.keys().eq(first.keys()));
    Some(is_plain && (has_few || is_one || differs))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(row: &str, want: Option<(&Value, Option<Value>)>) {
        let found = verbatim(row.as_bytes(), b"", &|_| false, &mut |_| {});
        let want = want.map(|(messages, tools)| Verbatim {
            messages: messages.to_string().into_bytes(),
            tools,
        });
        assert_eq!(found, want, "{row}");
    }

    #[test]
    fn plain_messages_are_taken_as_they_stand() {
        let long: Vec<Value> = (0..20)
            .map(|n| json!({"role": if n % 2 == 0 { "user" } else { "assistant" }, "content": format!("\u{e9} {n}\n")}))
            .collect();
        for messages in [
            json!(long),
            json!([{"role": "user", "content": "U"}, {"role": "assistant", "content": null, "tool_calls": []}]),
            json!([{"role": "user", "content": "U", "name": "n"}]),
        ] {
            check(
                &json!({"id": "a", "messages": messages}).to_string(),
                Some((&messages, None)),
            );
            let tools =
                json!([{"type": "function", "function": {"name": "f", "parameters": null}}]);
            let row = json!({"tools": tools, "trajectory": messages, "resolved": 1.50});
            check(&row.to_string(), Some((&messages, Some(tools))));
        }
    }

    #[test]
    fn anything_else_is_left_to_the_reader() {
        let messages =
            json!([{"role": "user", "content": "U"}, {"role": "assistant", "content": "A"}]);
        let alike = |role: &str| json!({"role": role, "content": "C", "name": null});
        for row in [
            json!({"messages": []}),
            json!({"messages": messages.to_string()}),
            json!({"messages": [alike("user"), alike("assistant")]}),
            json!({"messages": [{"from": "human", "value": "U"}]}),
            json!({"messages": ["x"]}),
            json!({"messages": messages, "raw_completions": {}}),
            json!({"messages": messages, "response": {}}),
            json!({"messages": messages, "history": []}),
            json!({"messages": messages, "schema_version": "ATIF-v1.2"}),
            json!({"messages": 1, "conversation": messages}),
            messages.clone(),
        ] {
            check(&row.to_string(), None);
        }
        check(r#"{"messages":[{"role":"user","content":"\ud800"}]}"#, None);
        check(
            r#"{"messages":[{"role":"user","role":"user","content":"U"}]}"#,
            None,
        );
        check(
            r#"{"messages":[{"role":"user","content":"U"}],"messages":[]}"#,
            None,
        );
        check(
            r#"{"messages":[{"role":"user","content":"U"}],"x":nul}"#,
            None,
        );
    }
}
