//! Chat templates: a model's own from its `tokenizer_config.json`, or the `ChatML` of Qwen2.5-Coder.
//!
//! Templates are Jinja as Hugging Face runs it: blocks are trimmed, `tojson` escapes nothing but what JSON must, and
//! prints as Python does; `raise_exception` drops the record. `{% generation %}` marks are taken out. A template that
//! asks for today's date is refused: the same export twice gives the same bytes.

use std::path::Path;

use minijinja::Environment;
use minijinja::ErrorKind;
use minijinja::value::Kwargs;
use minijinja_contrib::pycompat::unknown_method_callback;
use regex::Regex;
use serde_json::Value;

use crate::error::Error;
use crate::error::Result;
use crate::export::python_value::PyValue;
use crate::tasks::prompt::jinja;
use crate::tasks::prompt::jinja::to_template;

/// The template that Qwen2.5-Coder-Instruct documents in its `tokenizer_config.json`.
const QWEN: &str = include_str!("qwen2_5_coder.jinja");
/// The name of the template that is used where tools are given and the model has one of its own for them.
const WITH_TOOLS: &str = "tool_use";
const PLAIN: &str = "default";

/// A template that is ready to use.
#[derive(Debug)]
pub struct ChatTemplate {
    environment: Environment<'static>,
    bos_token: String,
    eos_token: String,
    is_built_in: bool,
}

impl ChatTemplate {
    /// The built-in `ChatML` of Qwen2.5-Coder.
    ///
    /// # Errors
    /// *internal* when it does not compile.
    pub fn qwen() -> Result<Self> {
        let mut template = Self::empty();
        template.is_built_in = true;
        template.eos_token.push_str("<|im_end|>");
        template
            .add(PLAIN, QWEN)
            .map_err(|err| Error::internal("the built-in chat template").caused_by(err))?;
        Ok(template)
    }

    /// Reads `tokenizer_config.json`, or a file that is a template itself.
    ///
    /// # Errors
    /// *input* when the file cannot be read, *user* when it has no template or one that does not compile.
    pub fn load(path: &Path) -> Result<Self> {
        let shown = path.display();
        let text = std::fs::read_to_string(path)
            .map_err(|err| Error::input(format!("cannot read {shown}")).caused_by(err))?;
        let config: Value = serde_json::from_str(&text).unwrap_or_default();
        let mut template = Self::empty();
        let sources = match config.get("chat_template") {
            Some(Value::String(source)) => vec![(PLAIN.to_owned(), source.clone())],
            Some(Value::Array(named)) => named
                .iter()
                .filter_map(|one| {
                    let text = |key: &str| one.get(key)?.as_str().map(str::to_owned);
                    Some((text("name")?, text("template")?))
                })
                .collect(),
            _ if config.is_null() && text.contains("{%") => vec![(PLAIN.to_owned(), text.clone())],
            _ => Vec::new(),
        };
        if !sources.iter().any(|(name, _)| name == PLAIN) {
            return Err(Error::user(format!("{shown} holds no chat template")).hint(
                "give the model's tokenizer_config.json, or a .jinja file; without --chat-template it is Qwen2.5-Coder's",
            ));
        }
        for (name, source) in &sources {
            template.add(name, source).map_err(|err| {
                Error::user(format!("the chat template {name} of {shown}")).caused_by(err)
            })?;
        }
        let token = |key: &str| match config.get(key) {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other
                .get("content")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
            None => String::new(),
        };
        template.bos_token = token("bos_token");
        template.eos_token = token("eos_token");
        Ok(template)
    }

    fn empty() -> Self {
        let mut environment = jinja::environment();
        environment.set_unknown_method_callback(unknown_method_callback);
        environment.add_filter("tojson", to_json);
        environment.add_function("raise_exception", raise_exception);
        environment.add_function("strftime_now", strftime_now);
        Self {
            environment,
            bos_token: String::new(),
            eos_token: String::new(),
            is_built_in: false,
        }
    }

    fn add(&mut self, name: &str, source: &str) -> Result<(), minijinja::Error> {
        let marks = Regex::new(r"\{%-?\s*(end)?generation\s*-?%\}");
        let source = match marks {
            Ok(marks) => marks.replace_all(source, "").into_owned(),
            Err(_) => source.to_owned(),
        };
        self.environment.add_template_owned(name.to_owned(), source)
    }

    /// Whether messages must have texts for contents: the built-in one knows no lists.
    pub fn wants_texts(&self) -> bool {
        self.is_built_in
    }

    /// The text of a conversation. Arguments of calls are objects, as templates expect them.
    ///
    /// # Errors
    /// What the template raises.
    pub fn render(&self, messages: &[Value], tools: &[Value]) -> Result<String, minijinja::Error> {
        let name = if tools.is_empty() || self.environment.get_template(WITH_TOOLS).is_err() {
            PLAIN
        } else {
            WITH_TOOLS
        };
        let list = |values: &[Value]| -> minijinja::Value {
            minijinja::Value::from(values.iter().map(to_template).collect::<Vec<_>>())
        };
        let tools = if tools.is_empty() {
            minijinja::Value::from(())
        } else {
            list(tools)
        };
        let context = minijinja::Value::from_pairs([
            ("messages", list(messages)),
            ("tools", tools),
            ("documents", minijinja::Value::from(())),
            ("add_generation_prompt", minijinja::Value::from(false)),
            ("bos_token", minijinja::Value::from(self.bos_token.as_str())),
            ("eos_token", minijinja::Value::from(self.eos_token.as_str())),
        ]);
        self.environment.get_template(name)?.render(context)
    }
}

/// `json.dumps(value, ensure_ascii=False)`, with an indent where one is asked for.
#[expect(
    clippy::needless_pass_by_value,
    reason = "filters take their arguments so"
)]
fn to_json(value: &minijinja::Value, options: Kwargs) -> Result<String, minijinja::Error> {
    let indent: Option<usize> = options.get("indent")?;
    let _ascii: Option<bool> = options.get("ensure_ascii")?;
    options.assert_all_used()?;
    let value = serde_json::to_value(value)
        .map_err(|err| minijinja::Error::new(ErrorKind::BadSerialization, err.to_string()))?;
    Ok(PyValue::of(&value).dumps(indent))
}

fn raise_exception(why: &str) -> Result<String, minijinja::Error> {
    Err(minijinja::Error::new(
        ErrorKind::InvalidOperation,
        why.to_owned(),
    ))
}

fn strftime_now(_: &str) -> Result<String, minijinja::Error> {
    Err(minijinja::Error::new(
        ErrorKind::InvalidOperation,
        "the template asks for today's date; an export must not depend on it",
    ))
}

#[cfg(test)]
mod tests;
