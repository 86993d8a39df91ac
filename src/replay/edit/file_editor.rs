//! `file_editor` of the `OpenHands` SDK (V1).

use crate::cancel::Cancel;
use crate::error::Result;
use crate::model::Value;
use crate::replay::Call;
use crate::replay::Reply;
use crate::replay::Saved;
use crate::replay::Tool;
use crate::replay::edit::engine::Engine;
use crate::replay::edit::engine::Flavour;
use crate::replay::edit::engine::Number;
use crate::replay::edit::engine::Request;
use crate::replay::edit::engine::Span;
use crate::replay::edit::openhands::restored;
use crate::replay::edit::openhands::saved;
use crate::replay::edit::pythonic;
use crate::replay::edit::stop::Stop;
use crate::replay::edit::stop::reply;
use crate::sandbox::Files;
use crate::sandbox::Sandbox;

/// Which `file_editor` it is; versions of the SDK differ.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Generation {
    /// As in 1.17: lists folders with `find`, inserts through a file of mode 0600, strips both texts at a second try.
    #[default]
    Early,
    /// As in 1.58: walks folders itself, writes all through a file beside, keeps modes, strips only the old text.
    Late,
}

/// The editor of the SDK. Errors are told without a prefix, as its observations hold them.
#[derive(Debug)]
pub struct FileEditor {
    engine: Engine,
}

impl FileEditor {
    /// With nothing to undo; `cwd` is the workspace for which relative paths may have been meant.
    pub fn new(generation: Generation, cwd: impl Into<String>) -> Self {
        let flavour = match generation {
            Generation::Early => Flavour::SdkEarly,
            Generation::Late => Flavour::SdkLate,
        };
        Self {
            engine: Engine::new(flavour, Some(cwd.into())),
        }
    }

    fn answer(&mut self, args: &Value, files: &mut dyn Files) -> Result<String, Stop> {
        const COMMANDS: [&str; 5] = ["view", "create", "str_replace", "insert", "undo_edit"];
        let command = text(args, "command")?.ok_or_else(|| refused("command"))?;
        if !COMMANDS.contains(&command) {
            return Err(refused("command"));
        }
        let insert_line = match args.get("insert_line") {
            None | Some(Value::Null) => None,
            Some(value) => Some(
                int(value)
                    .filter(|line| line.value >= 0)
                    .ok_or_else(|| refused("insert_line"))?,
            ),
        };
        let view_range = match args.get("view_range") {
            None | Some(Value::Null) => Span::Whole,
            Some(value) => span(value).ok_or_else(|| refused("view_range"))?,
        };
        let request = Request {
            command,
            path: text(args, "path")?.ok_or_else(|| refused("path"))?,
            file_text: text(args, "file_text")?,
            view_range,
            old_str: text(args, "old_str")?,
            new_str: text(args, "new_str")?,
            insert_line,
        };
        self.engine.run(files, &request)
    }
}

impl Tool for FileEditor {
    fn run(
        &mut self,
        call: &Call<'_>,
        sandbox: &mut dyn Sandbox,
        _: &mut dyn FnMut(&[u8]),
        _: &Cancel,
    ) -> Result<Reply> {
        Ok(reply(self.answer(&call.action.args, sandbox.files()), ""))
    }

    fn save(&mut self, _: &mut dyn Sandbox) -> Result<Saved> {
        saved(&self.engine.history)
    }

    fn restore(&mut self, saved: &Saved, _: &mut dyn Sandbox) -> Result<()> {
        self.engine.history = restored(saved)?;
        Ok(())
    }
}

/// An argument that is refused before the tool runs, in words of a validator that change with its version.
fn refused(name: &str) -> Stop {
    Stop::cannot(format!("the call is refused before it runs: {name}"))
}

fn text<'a>(args: &'a Value, name: &str) -> Result<Option<&'a str>, Stop> {
    match args.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(refused(name)),
    }
}

/// An integer, or what is taken for one: true, `"3"`, `3.0`.
fn int(value: &Value) -> Option<Number> {
    let value = match value {
        Value::Bool(value) => i64::from(*value),
        Value::Number(number) => match number.as_i64() {
            Some(value) => value,
            None if pythonic::is_whole(&number.to_string()) => {
                return Some(Number {
                    value: if number.to_string().starts_with('-') {
                        i64::MIN
                    } else {
                        i64::MAX
                    },
                    shown: number.to_string(),
                    is_float: false,
                });
            }
            None => whole(number.as_f64()?)?,
        },
        Value::String(text) => pythonic::int_of(text)?,
        _ => return None,
    };
    Some(Number {
        value,
        shown: value.to_string(),
        is_float: false,
    })
}

fn whole(number: f64) -> Option<i64> {
    let text = format!("{number:.0}");
    (number.fract() == 0.0).then(|| text.parse().ok()).flatten()
}

fn span(value: &Value) -> Option<Span> {
    let items = value.as_array()?;
    if items.is_empty() {
        return Some(Span::Whole);
    }
    let ints: Vec<Number> = items.iter().map(int).collect::<Option<_>>()?;
    let shown: Vec<&str> = ints.iter().map(|int| int.shown.as_str()).collect();
    let shown = format!("[{}]", shown.join(", "));
    Some(match <[Number; 2]>::try_from(ints) {
        Ok([first, last]) => Span::Two { shown, first, last },
        Err(_) => Span::NotTwo(shown),
    })
}

#[cfg(test)]
mod tests;
