//! `str_replace_editor` of `OpenHands` 0.40, which is `openhands-aci` 0.3.0.

use crate::cancel::Cancel;
use crate::error::Error;
use crate::error::Result;
use crate::model::Value;
use crate::replay::Call;
use crate::replay::Reply;
use crate::replay::Saved;
use crate::replay::Tool;
use crate::replay::edit::bytes::is_binary;
use crate::replay::edit::engine::Engine;
use crate::replay::edit::engine::Flavour;
use crate::replay::edit::engine::History;
use crate::replay::edit::engine::Number;
use crate::replay::edit::engine::Request;
use crate::replay::edit::engine::Span;
use crate::replay::edit::place;
use crate::replay::edit::pythonic;
use crate::replay::edit::stop::Stop;
use crate::replay::edit::stop::reply;
use crate::sandbox::Files;
use crate::sandbox::Sandbox;

/// The editor of `OpenHands` V0. Takes calls of `str_replace_editor` as models write them, and the events `read` and `edit`
/// to which they became; the editor that asks a model (`edit_file`) is not replayable.
#[derive(Debug)]
pub struct StrReplaceEditor {
    engine: Engine,
}

impl Default for StrReplaceEditor {
    fn default() -> Self {
        Self::new()
    }
}

impl StrReplaceEditor {
    /// With nothing to undo.
    pub fn new() -> Self {
        Self {
            engine: Engine::new(Flavour::Aci, None),
        }
    }

    fn answer(&mut self, tool: &str, args: &Value, files: &mut dyn Files) -> Result<String, Stop> {
        if tool == "edit_file"
            || args.get("impl_source").and_then(Value::as_str) == Some("llm_based_edit")
        {
            return Err(Stop::cannot("this editor asks a language model"));
        }
        if tool == "read" || tool == "write" {
            let source = args.get("impl_source").and_then(Value::as_str);
            if tool == "write" || source.is_some_and(|source| source != "oh_aci") {
                return Err(Stop::cannot(
                    "files are read and written without the editor here",
                ));
            }
        }
        let command = match args.get("command") {
            _ if tool == "read" => "view",
            Some(Value::String(command)) => command,
            Some(Value::Null) | None => return Err(lacking("command")),
            Some(other) => return Err(Stop::cannot(format!("command is {other}"))),
        };
        let path = match args.get("path") {
            Some(Value::String(path)) => path,
            None => return Err(lacking("path")),
            Some(other) => return Err(Stop::cannot(format!("path is {other}"))),
        };
        let insert_line = match insert_line(args.get("insert_line")) {
            Ok(line) => line,
            Err(text) => return Err(Stop::says(text)),
        };
        if command == "view" && shows_binary(files, path) {
            // Told by the runtime, before the editor sees the call.
            return Ok("ERROR_BINARY_FILE".to_owned());
        }
        let view_range = match args.get("view_range") {
            Some(range) if command == "view" => span(range),
            _ => Span::Whole,
        };
        let request = Request {
            command,
            path,
            file_text: text(args, "file_text")?,
            view_range,
            old_str: text(args, "old_str")?,
            new_str: text(args, "new_str")?,
            insert_line,
        };
        self.engine.run(files, &request)
    }
}

impl Tool for StrReplaceEditor {
    fn run(
        &mut self,
        call: &Call<'_>,
        sandbox: &mut dyn Sandbox,
        _: &mut dyn FnMut(&[u8]),
        _: &Cancel,
    ) -> Result<Reply> {
        let args = &call.action.args;
        let done = self.answer(&call.action.tool, args, sandbox.files());
        // What is missing is told by the agent's side, not by the editor.
        let is_plain = matches!(&done, Err(Stop::Says(text)) if text.starts_with(LACKING));
        Ok(reply(done, if is_plain { "" } else { "ERROR:\n" }))
    }

    fn save(&mut self, _: &mut dyn Sandbox) -> Result<Saved> {
        saved(&self.engine.history)
    }

    fn restore(&mut self, saved: &Saved, _: &mut dyn Sandbox) -> Result<()> {
        self.engine.history = restored(saved)?;
        Ok(())
    }
}

/// A history as the state of a tool.
pub(super) fn saved(history: &History) -> Result<Saved> {
    let state = serde_json::to_vec(history)
        .map_err(|error| Error::internal("an editor's history is no JSON").caused_by(error))?;
    Ok(Saved {
        state,
        lost: Vec::new(),
    })
}

/// The history of a saved state; an empty state is an empty history.
pub(super) fn restored(saved: &Saved) -> Result<History> {
    if saved.state.is_empty() {
        return Ok(History::default());
    }
    serde_json::from_slice(&saved.state)
        .map_err(|error| Error::internal("a saved state is none of an editor's").caused_by(error))
}

const LACKING: &str = "Missing required argument ";

fn lacking(name: &str) -> Stop {
    Stop::says(format!(
        "{LACKING}\"{name}\" in tool call str_replace_editor"
    ))
}

/// Whether the runtime takes what is there for binary.
fn shows_binary(files: &mut dyn Files, path: &str) -> bool {
    const MOST: u64 = 64 << 20;
    place::suffix(path) == ".pyc" || files.read(path, MOST).is_ok_and(|bytes| is_binary(&bytes))
}

/// A text argument; anything else than text or nothing breaks the tool.
fn text<'a>(args: &'a Value, name: &str) -> Result<Option<&'a str>, Stop> {
    match args.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Stop::cannot(format!("{name} is no text"))),
    }
}

/// The line to insert after: a number, or a text that Python's `int` reads.
fn insert_line(value: Option<&Value>) -> Result<Option<Number>, String> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => match pythonic::int_of(text) {
            Some(value) => Ok(Some(Number {
                value,
                shown: value.to_string(),
                is_float: false,
            })),
            None => Err(format!(
                "Invalid insert_line value: '{text}'. Expected an integer."
            )),
        },
        Some(value) => Ok(number(value)),
    }
}

/// A value that Python can compare with a number.
fn number(value: &Value) -> Option<Number> {
    let shown = pythonic::shown(value);
    match value {
        Value::Bool(value) => Some(Number {
            value: i64::from(*value),
            shown,
            is_float: false,
        }),
        Value::Number(number) => {
            let is_float = !pythonic::is_whole(&shown);
            let value = number.as_i64().unwrap_or_else(|| whole(number.as_f64()));
            Some(Number {
                value,
                shown,
                is_float,
            })
        }
        _ => None,
    }
}

/// The whole part of a number, downwards; the nearest there is where it is too large.
fn whole(number: Option<f64>) -> i64 {
    let number = number.unwrap_or_default().floor();
    #[expect(
        clippy::cast_possible_truncation,
        reason = "floats saturate when they are cast"
    )]
    let whole = number as i64;
    whole
}

/// The range of a view as the editor takes it.
fn span(value: &Value) -> Span {
    if !pythonic::is_true(value) {
        return Span::Whole;
    }
    let shown = pythonic::shown(value);
    match value {
        Value::Number(_) | Value::Bool(_) => Span::NoLength(pythonic::type_name(value)),
        Value::Array(items) => {
            let is_int = |item: &&Value| match item {
                Value::Bool(_) => true,
                Value::Number(number) => pythonic::is_whole(&number.to_string()),
                _ => false,
            };
            let ints: Vec<Number> = items.iter().filter(is_int).filter_map(number).collect();
            match <[Number; 2]>::try_from(ints) {
                Ok([first, last]) if items.len() == 2 => Span::Two { shown, first, last },
                _ => Span::NotTwo(shown),
            }
        }
        _ => Span::NotTwo(shown),
    }
}
