//! Keys of endpoints: read from the environment, sent, and never shown.

use std::env;
use std::fmt;

use crate::error::Error;
use crate::error::Result;
use crate::model::Value;

/// What stands where a key would have been shown.
const MASK: &str = "<key>";
/// Keys shorter than this are no secrets but words that a local server wants to see (`EMPTY`, `none`); what a model
/// says is not searched for them.
const SECRET_BYTES: usize = 16;

/// A key. It can be sent and taken out of texts, and cannot be printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(String);

impl Key {
    /// The key in a variable of the environment.
    ///
    /// # Errors
    /// *user* when the variable is not set, empty, or holds what no header may hold; names the variable alone.
    pub fn from_variable(name: &str) -> Result<Self> {
        let value = env::var_os(name)
            .ok_or_else(|| Error::user(format!("the variable {name} is not set")))?;
        let Some(text) = value.to_str().map(str::trim) else {
            return Err(Error::user(format!("the variable {name} holds no key")));
        };
        Self::new(text).ok_or_else(|| Error::user(format!("the variable {name} holds no key")))
    }

    /// This key; `None` when it is empty or has characters that no header may hold.
    pub fn new(text: &str) -> Option<Self> {
        let is_key = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        is_key.then(|| Self(text.to_owned()))
    }

    /// The header that carries it.
    pub(in crate::endpoint) fn header(&self) -> String {
        format!("Bearer {}", self.0)
    }

    /// A text without it.
    pub fn masked(&self, text: &str) -> String {
        text.replace(&self.0, MASK)
    }

    /// Takes it out of every string of a value: an endpoint may say back what it was sent.
    pub(in crate::endpoint) fn mask_value(&self, value: &mut Value) {
        if self.0.len() < SECRET_BYTES {
            return;
        }
        match value {
            Value::String(text) if text.contains(&self.0) => *text = self.masked(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.mask_value(item)),
            Value::Object(fields) => fields.values_mut().for_each(|field| self.mask_value(field)),
            _ => {}
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}
