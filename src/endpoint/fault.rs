//! What went wrong with a try, and whether another one may help.

use std::time::Duration;

use ureq::http::HeaderMap;
use ureq::http::StatusCode;

use crate::model::Value;
use crate::text;

/// Cells of what an endpoint said that are shown.
const SHOWN_CELLS: usize = 300;

/// Why a try gave no answer.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::endpoint) enum Fault {
    /// Another try may help: what was seen, and how long the endpoint asks to wait.
    Passing(String, Option<Duration>),
    /// No other try will help.
    Refused(String),
    /// The conversation is longer than the model reads.
    TooLong(String),
    /// It was cancelled.
    Cancelled,
}

impl Fault {
    /// Another try may help, after a while of our own choice.
    pub(in crate::endpoint) fn passing(what: impl Into<String>) -> Self {
        Self::Passing(what.into(), None)
    }

    /// Of a status other than success, with the headers and the body that came with it.
    pub(in crate::endpoint) fn of_status(
        status: StatusCode,
        headers: &HeaderMap,
        body: &str,
    ) -> Self {
        let said = Said::read(body);
        let mut what = status.to_string();
        if let Some(place) = headers.get("location").filter(|_| status.is_redirection()) {
            let place = String::from_utf8_lossy(place.as_bytes());
            what = format!("{what} to {place}; it is not followed");
        }
        if !said.text.is_empty() {
            what = format!("{what}: {}", said.text);
        }
        said.judged(Some(status), what, asked_to_wait(headers))
    }

    /// Of an error that came where an answer was due, as some routers and all broken streams tell it.
    pub(in crate::endpoint) fn of_error(error: &Value) -> Self {
        let said = Said::of(error);
        let status = said
            .code
            .parse()
            .ok()
            .and_then(|code: u16| StatusCode::from_u16(code).ok());
        let what = format!("an error instead of an answer: {}", said.text);
        said.judged(status, what, None)
    }
}

/// What an endpoint said of an error.
#[derive(Debug, Default)]
struct Said {
    /// In words, as they came.
    text: String,
    /// Its code or type; empty where it gave none.
    code: String,
}

impl Said {
    fn read(body: &str) -> Self {
        match serde_json::from_str::<Value>(body) {
            Ok(value @ Value::Object(_)) => Self::of(value.get("error").unwrap_or(&value)),
            _ => Self {
                text: body.trim().to_owned(),
                code: String::new(),
            },
        }
    }

    fn of(error: &Value) -> Self {
        let plain = |value: &Value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let first = |names: &[&str]| {
            let mut found = names.iter().filter_map(|name| plain(error.get(name)?));
            found.next()
        };
        Self {
            text: plain(error)
                .or_else(|| first(&["message", "detail"]))
                .unwrap_or_else(|| error.to_string()),
            code: first(&["code", "type"]).unwrap_or_default(),
        }
    }

    fn judged(&self, status: Option<StatusCode>, what: String, wait: Option<Duration>) -> Fault {
        if self.is_too_long() && status.is_none_or(|status| status.as_u16() != 429) {
            return Fault::TooLong(what);
        }
        let is_passing = match status.map(|status| status.as_u16()) {
            // money that ran out does not come back within a minute
            Some(429) => !self.says(&["insufficient_quota", "billing_hard_limit"]),
            Some(408 | 409 | 425 | 500..) | None => true,
            Some(_) => false,
        };
        if is_passing {
            Fault::Passing(what, wait)
        } else {
            Fault::Refused(what)
        }
    }

    fn says(&self, words: &[&str]) -> bool {
        let text = self.text.to_lowercase();
        let code = self.code.to_lowercase();
        words
            .iter()
            .any(|word| text.contains(word) || code.contains(word))
    }

    /// Whether this is how one of the known servers says that a conversation is too long for its model.
    fn is_too_long(&self) -> bool {
        self.says(&[
            "context_length",
            "exceed_context_size",
            "context length",
            "context size",
            "context window",
            "prompt is too long",
            "input is too long",
            "reduce the length",
            "exceeds the maximum number of tokens",
            "`max_new_tokens` must be <=",
        ])
    }
}

/// How long a response asks us to wait: `Retry-After` in seconds or as a date, or `retry-after-ms`.
fn asked_to_wait(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| Some(headers.get(name)?.to_str().ok()?.trim());
    let seconds = |number: f64| Duration::try_from_secs_f64(number.max(0.0)).ok();
    if let Some(number) = text("retry-after-ms").and_then(|text| text.parse::<f64>().ok()) {
        return seconds(number / 1000.0);
    }
    let after = text("retry-after")?;
    if let Ok(number) = after.parse::<f64>() {
        return seconds(number);
    }
    let date = |text: &str| Some(jiff::fmt::rfc2822::parse(text).ok()?.timestamp());
    let until = date(after)?;
    // by the clock of the endpoint, which set the date
    let now = text("date")
        .and_then(date)
        .unwrap_or_else(jiff::Timestamp::now);
    seconds(until.duration_since(now).as_secs_f64())
}

/// What was seen, on one clean line that is not too long.
pub(in crate::endpoint) fn shown(what: &str) -> String {
    text::excerpt(what, SHOWN_CELLS)
}
