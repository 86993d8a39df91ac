//! Calls written as text: `<function=…>` and fenced commands.

use crate::model::Value;

/// Placeholder until the real one is merged: splits the calls off a message, tool and arguments each.
pub(super) fn split_calls(text: &str) -> (String, Vec<(String, Value)>) {
    let (outside, rest) = text.split_once("<function=").unwrap_or((text, ""));
    let Some((tool, body)) = rest.split_once('>') else {
        return (text.to_owned(), Vec::new());
    };
    let mut args = serde_json::Map::new();
    for parameter in body.split("<parameter=").skip(1) {
        if let Some((key, value)) = parameter.split_once('>') {
            let value = value.rsplit_once("</parameter>").map_or(value, |(v, _)| v);
            args.insert(key.to_owned(), value.into());
        }
    }
    let call = (tool.to_owned(), Value::Object(args));
    (outside.to_owned(), vec![call])
}
