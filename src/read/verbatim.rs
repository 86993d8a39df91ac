//! Recorded messages as they stand in the JSON of a row, for whoever passes them on without building values.

use crate::model::Format;
use crate::read::READERS;
use crate::read::chat;
use crate::read::format_of;
use crate::read::outline::Item;
use crate::read::outline::Outline;
use crate::read::outline::Places;
use crate::read::outline::Take;
use crate::read::outline::only_text;
use crate::read::rewrite::rewrite;

/// What a first look at a row found, for the next one: where its fields stand, and of which family it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Survey {
    pub(super) format: Format,
    pub(super) places: Places,
}

impl Survey {
    /// Looks at a row whose bytes are one JSON value; `None` where it is anything but plain.
    pub fn of(row: &[u8]) -> Option<Self> {
        let outline = Outline::of(row)?;
        let mut heads = READERS.iter();
        let head = heads.find_map(|reader| Some((reader.format, (reader.head?)(&outline)?)));
        let (family, little) = match head {
            Some((family, little)) => (Some(family), little),
            None => (None, outline.build(|_| Take::Whole)?),
        };
        let format =
            format_of(&little).filter(|told| family.is_none_or(|family| family == *told))?;
        Some(Self {
            format,
            places: outline.into_places(),
        })
    }
}

/// The messages of a row, whose spelling is plain: of `OpenAI`'s form in a list, no two fields alike, no nulls of a table,
/// nothing beside that could be the conversation.
#[derive(Debug)]
pub struct Verbatim<'a> {
    outline: Outline<'a>,
    key: &'static str,
}

impl<'a> Verbatim<'a> {
    /// The messages of a chat row.
    pub fn of_chat(row: &'a [u8], survey: &'a Survey) -> Option<Self> {
        let outline = Outline::again(row, &survey.places)?;
        let has_others = outline.has("raw_completions") || outline.has("response");
        if survey.format != Format::Chat || has_others {
            return None;
        }
        Self::in_list(outline, &chat::MESSAGES)
    }

    /// What a model was told and said at last, whatever the row says beside it: `raw_completions`, or the messages of a chat
    /// row.
    pub fn of_recorded(row: &'a [u8], survey: &'a Survey) -> Option<Self> {
        let outline = Outline::again(row, &survey.places)?;
        match outline.raw("raw_completions") {
            Some(raw) => Self::in_list(Outline::of_text(raw)?, &["messages"]),
            None => Self::of_chat(row, survey),
        }
    }

    /// The messages in the first list of these that is there.
    fn in_list(outline: Outline<'a>, keys: &[&'static str]) -> Option<Self> {
        let key = keys.iter().copied().find(|key| outline.has(key))?;
        are_plain(&outline, key)?.then_some(Self { outline, key })
    }

    /// The messages one by one.
    pub fn messages(&self) -> impl Iterator<Item = Item<'_>> {
        self.outline.items(self.key).into_iter().flatten()
    }

    /// What stands under `tools`, as written.
    pub fn tools(&self) -> Option<&'a str> {
        self.outline.raw("tools")
    }

    /// Writes the list of messages to `out` as this program writes JSON. Tells `tally` the bytes of each text in it, but of
    /// those under keys for which `is_skipped`. `None`, with something in `out`, where something in it is not plain.
    pub fn write(
        &self,
        is_skipped: &dyn Fn(&str) -> bool,
        tally: &mut dyn FnMut(usize),
        out: &mut Vec<u8>,
    ) -> Option<()> {
        let list = self.outline.raw(self.key)?;
        out.reserve(list.len() + 64);
        rewrite(list, is_skipped, tally, out)
    }
}

/// The text that a message is, as written with its quotes: its content, or the only part of that. `None` for nothing, and
/// for all else.
pub fn text_of<'a>(message: &Item<'a>) -> Option<&'a str> {
    let content = message.raw("content")?;
    match content.as_bytes().first()? {
        b'"' => Some(content),
        b'[' => only_text(content),
        _ => None,
    }
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
    use serde_json::Value;
    use serde_json::json;

    use super::*;

    /// The messages of a row as they are written again, and its tools.
    fn written(row: &str) -> Option<(String, Option<Value>)> {
        let survey = Survey::of(row.as_bytes())?;
        let verbatim = Verbatim::of_chat(row.as_bytes(), &survey)?;
        let mut out = Vec::new();
        verbatim.write(&|_| false, &mut |_| {}, &mut out)?;
        let tools = verbatim
            .tools()
            .map(|tools| serde_json::from_str(tools).unwrap());
        Some((String::from_utf8(out).unwrap(), tools))
    }

    #[track_caller]
    fn check(row: &str, want: Option<(&Value, Option<Value>)>) {
        let want = want.map(|(messages, tools)| (messages.to_string(), tools));
        assert_eq!(written(row), want, "{row}");
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
