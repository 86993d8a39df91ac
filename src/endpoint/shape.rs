//! Completions as OpenAI shapes them, read with a doubt about every field.

use crate::endpoint::Completion;
use crate::endpoint::Prices;
use crate::endpoint::Usage;
use crate::endpoint::fault::Fault;
use crate::endpoint::fault::shown;
use crate::model::Value;

/// Objects of JSON, their keys in order.
pub(in crate::endpoint) type Fields = serde_json::Map<String, Value>;

/// An answer that came in one piece.
pub(in crate::endpoint) fn completion(
    answer: &Value,
    prices: Option<&Prices>,
) -> Result<Completion, Fault> {
    if let Some(error) = answer.get("error").filter(|error| !error.is_null()) {
        return Err(Fault::of_error(error));
    }
    let choice = answer
        .get("choices")
        .and_then(Value::as_array)
        .ok_or_else(|| wrong("no `choices`", answer))?
        .first()
        .ok_or_else(|| wrong("empty `choices`", answer))?;
    let Some(Value::Object(fields)) = choice.get("message") else {
        return Err(wrong("no `message`", answer));
    };
    finished(
        fields.clone(),
        text_of(choice, "finish_reason"),
        usage(answer.get("usage"), prices),
        (text_of(answer, "id"), text_of(answer, "model")),
    )
}

/// Puts a completion together from its parts, and its message into the form that can be sent back.
pub(in crate::endpoint) fn finished(
    mut fields: Fields,
    finish_reason: String,
    usage: Usage,
    (id, model): (String, String),
) -> Result<Completion, Fault> {
    if finish_reason == "error" {
        return Err(Fault::passing("the answer ended with an error"));
    }
    let is_text = |value: &Value| value.is_string() || value.is_array() || value.is_null();
    if fields
        .get("content")
        .is_some_and(|content| !is_text(content))
    {
        return Err(Fault::passing("`content` is no text"));
    }
    let calls = match fields.remove("tool_calls") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(calls)) => calls,
        Some(_) => return Err(Fault::passing("`tool_calls` is no list")),
    };
    let calls = calls
        .into_iter()
        .enumerate()
        .map(|(ix, call)| tool_call(call, ix))
        .collect::<Result<Vec<Value>, Fault>>()?;
    let mut message = Fields::new();
    message.insert("role".to_owned(), "assistant".into());
    message.insert("content".to_owned(), Value::Null);
    fields.remove("role");
    message.append(&mut fields);
    if !calls.is_empty() {
        message.insert("tool_calls".to_owned(), Value::Array(calls));
    }
    Ok(Completion {
        message: Value::Object(message),
        finish_reason,
        usage,
        id,
        model,
    })
}

/// A call with an id, a name and arguments that are a text. A call without a name is the model's doing, not a fault of the
/// endpoint: its name is empty.
fn tool_call(call: Value, ix: usize) -> Result<Value, Fault> {
    let wrong = || Fault::passing("a tool call that is none");
    let Value::Object(mut fields) = call else {
        return Err(wrong());
    };
    let Some(Value::Object(function)) = fields.get_mut("function") else {
        return Err(wrong());
    };
    if !function.get("name").is_some_and(Value::is_string) {
        function.insert("name".to_owned(), "".into());
    }
    let arguments = match function.get("arguments") {
        Some(Value::String(text)) => text.clone(),
        None | Some(Value::Null) => "{}".to_owned(),
        Some(other) => other.to_string(),
    };
    function.insert("arguments".to_owned(), arguments.into());
    let id = fields.get("id").and_then(Value::as_str);
    if id.is_none_or(str::is_empty) {
        fields.insert("id".to_owned(), format!("call_{ix}").into());
    }
    fields.insert("type".to_owned(), "function".into());
    Ok(Value::Object(fields))
}

/// The tokens that a `usage` object tells of; zeros where it tells nothing. Our own prices go before a cost that the
/// endpoint names.
pub(in crate::endpoint) fn usage(told: Option<&Value>, prices: Option<&Prices>) -> Usage {
    let Some(told) = told.filter(|told| told.is_object()) else {
        return Usage::default();
    };
    let number = |value: Option<&Value>| value.and_then(Value::as_u64);
    let details = told.get("prompt_tokens_details");
    let mut usage = Usage {
        prompt_tokens: number(told.get("prompt_tokens")).unwrap_or_default(),
        cached_tokens: number(details.and_then(|details| details.get("cached_tokens")))
            .or_else(|| number(told.get("prompt_cache_hit_tokens")))
            .unwrap_or_default(),
        completion_tokens: number(told.get("completion_tokens")).unwrap_or_default(),
        cost: None,
    };
    usage.cost = match prices {
        Some(prices) => Some(prices.cost(&usage)),
        None => told
            .get("cost")
            .and_then(Value::as_f64)
            .filter(|cost| cost.is_finite() && *cost >= 0.0),
    };
    usage
}

/// A text field; empty where it is none.
pub(in crate::endpoint) fn text_of(value: &Value, name: &str) -> String {
    let text = value.get(name).and_then(Value::as_str);
    text.unwrap_or_default().to_owned()
}

fn wrong(what: &str, seen: &Value) -> Fault {
    Fault::passing(format!(
        "an answer with {what}: {}",
        shown(&seen.to_string())
    ))
}
