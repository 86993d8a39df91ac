//! The tools that a model is offered, and whether what it hands them can be run.
//!
//! Names and parameters are those of OpenHands, whose tools run the calls; the descriptions are our own. Values that came
//! as text where a number or a list belongs are read; what is still wrong is told to the model in words.

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

/// Runs commands.
pub(super) const SHELL: &str = "execute_bash";
/// Shows and changes files.
pub(super) const EDITOR: &str = "str_replace_editor";
/// Ends the attempt.
pub(super) const FINISH: &str = "finish";

/// What a parameter holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    Text,
    Whole,
    Number,
    Wholes,
}

impl Holds {
    /// Its name in JSON Schema.
    fn name(self) -> &'static str {
        match self {
            Self::Text => "string",
            Self::Whole => "integer",
            Self::Number => "number",
            Self::Wholes => "array",
        }
    }

    /// The value as the tools take it; `None` where it holds something else.
    fn read(self, value: &Value) -> Option<Value> {
        let parsed = || serde_json::from_str::<Value>(value.as_str()?.trim()).ok();
        let is_it = |value: &Value| match self {
            Self::Text => value.is_string(),
            Self::Whole => value.is_i64() || value.is_u64(),
            Self::Number => value.is_number(),
            Self::Wholes => value
                .as_array()
                .is_some_and(|items| items.iter().all(|item| item.is_i64() || item.is_u64())),
        };
        if is_it(value) {
            return Some(value.clone());
        }
        match (self, value) {
            (Self::Text, Value::Bool(_) | Value::Number(_)) => {
                Some(Value::String(value.to_string()))
            }
            (Self::Text, _) => None,
            _ => parsed().filter(is_it),
        }
    }
}

/// A parameter of a tool.
struct Parameter {
    name: &'static str,
    holds: Holds,
    is_required: bool,
    /// The words it may hold; any where there are none.
    allowed: &'static [&'static str],
    about: &'static str,
}

impl Parameter {
    const fn new(name: &'static str, holds: Holds, about: &'static str) -> Self {
        Self {
            name,
            holds,
            is_required: false,
            allowed: &[],
            about,
        }
    }

    const fn required(self) -> Self {
        Self {
            is_required: true,
            ..self
        }
    }

    const fn of(self, allowed: &'static [&'static str]) -> Self {
        Self { allowed, ..self }
    }

    fn schema(&self) -> Value {
        let mut schema = json!({"type": self.holds.name(), "description": self.about});
        if let Some(fields) = schema.as_object_mut() {
            if self.holds == Holds::Wholes {
                fields.insert("items".to_owned(), json!({"type": "integer"}));
            }
            if !self.allowed.is_empty() {
                fields.insert("enum".to_owned(), json!(self.allowed));
            }
        }
        schema
    }
}

/// A tool.
struct Tool {
    name: &'static str,
    about: &'static str,
    parameters: &'static [Parameter],
}

const TOOLS: [Tool; 3] = [
    Tool {
        name: SHELL,
        about: "Runs a command in one bash session that lasts as long as the task: its folder and its variables stay \
                from call to call. One command a call; several are joined with && or ;. A command that prints nothing \
                for a while is left running with exit code -1: then an empty command shows what it printed since, text \
                with is_input answers it, and C-c ends it.",
        parameters: &[
            Parameter::new(
                "command",
                Holds::Text,
                "The command, a text for the running one, or C-c, C-d, C-z.",
            )
            .required(),
            Parameter::new(
                "is_input",
                Holds::Text,
                "Whether the text is meant for the command that is running. Default: false.",
            )
            .of(&["true", "false"]),
            Parameter::new(
                "timeout",
                Holds::Number,
                "Seconds after which the command is left running.",
            ),
        ],
    },
    Tool {
        name: EDITOR,
        about: "Shows and changes files. `view` shows a file with line numbers, or the files of a folder. `create` \
                writes a new file. `str_replace` puts new_str in the place of old_str, which must stand in the file exactly \
                once, with all its white space. `insert` puts new_str behind a line. `undo_edit` takes back the last \
                change of a file.",
        parameters: &[
            Parameter::new("command", Holds::Text, "What to do.")
                .required()
                .of(&["view", "create", "str_replace", "insert", "undo_edit"]),
            Parameter::new("path", Holds::Text, "The file or folder: an absolute path.").required(),
            Parameter::new("file_text", Holds::Text, "For create: the whole file."),
            Parameter::new(
                "old_str",
                Holds::Text,
                "For str_replace: the text to replace.",
            ),
            Parameter::new(
                "new_str",
                Holds::Text,
                "For str_replace and insert: the new text.",
            ),
            Parameter::new(
                "insert_line",
                Holds::Whole,
                "For insert: the line behind which the text goes, 0 for the beginning.",
            ),
            Parameter::new(
                "view_range",
                Holds::Wholes,
                "For view of a file: first and last line, from 1; -1 is the last line of all.",
            ),
        ],
    },
    Tool {
        name: FINISH,
        about: "Ends the work on the task. Call it when everything is done, or when nothing more can be done.",
        parameters: &[
            Parameter::new("message", Holds::Text, "What was done, in a few words."),
            Parameter::new("task_completed", Holds::Text, "Whether the task is done.")
                .of(&["true", "false", "partial"]),
        ],
    },
];

/// The tools as a request names them.
pub fn definitions() -> Vec<Value> {
    let definition = |tool: &Tool| {
        let named = tool.parameters.iter();
        let properties: Map<String, Value> = named
            .clone()
            .map(|parameter| (parameter.name.to_owned(), parameter.schema()))
            .collect();
        let required: Vec<&str> = named
            .filter(|parameter| parameter.is_required)
            .map(|parameter| parameter.name)
            .collect();
        json!({"type": "function", "function": {"name": tool.name, "description": tool.about,
            "parameters": {"type": "object", "properties": properties, "required": required}}})
    };
    TOOLS.iter().map(definition).collect()
}

/// The arguments of a call as its tool takes them; the inner error tells the model what is wrong.
pub(super) fn checked(name: &str, args: &Value) -> Result<Value, String> {
    let known = TOOLS.iter().find(|tool| tool.name == name);
    let Some(tool) = known else {
        let names = TOOLS.map(|tool| tool.name).join(", ");
        return Err(format!(
            "There is no tool \"{name}\". The tools are {names}."
        ));
    };
    let Some(given) = args.as_object() else {
        return Err(format!("The arguments of {name} are no JSON object."));
    };
    let mut taken = given.clone();
    for parameter in tool.parameters {
        let name = parameter.name;
        let value = given.get(name).filter(|value| !value.is_null());
        let Some(value) = value else {
            if parameter.is_required {
                return Err(format!(
                    "Missing required argument \"{name}\" in tool call {}",
                    tool.name
                ));
            }
            continue;
        };
        let read = parameter.holds.read(value).ok_or_else(|| {
            let kind = parameter.holds.name();
            format!(
                "The argument \"{name}\" of {} must be of the type {kind}.",
                tool.name
            )
        })?;
        taken.insert(name.to_owned(), read);
    }
    Ok(Value::Object(taken))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, args: &Value, want: &Result<Value, &str>) {
        let got = checked(name, args);
        match (&got, want) {
            (Ok(got), Ok(want)) => assert_eq!(got, want),
            (Err(why), Err(part)) => assert!(why.contains(part), "{why}"),
            _ => panic!("{got:?}"),
        }
    }

    #[test]
    fn arguments_are_read_or_refused() {
        let same = |args: Value| (args.clone(), Ok(args));
        let (args, want) = same(json!({"command": "ls", "security_risk": "LOW"}));
        check(SHELL, &args, &want);
        let (args, want) = same(json!({"command": ""}));
        check(SHELL, &args, &want);
        check(
            SHELL,
            &json!({"command": "ls", "timeout": "1.5", "is_input": true}),
            &Ok(json!({"command": "ls", "timeout": 1.5, "is_input": "true"})),
        );
        check(
            EDITOR,
            &json!({"command": "view", "path": "/a", "view_range": "[1, 20]", "insert_line": "3"}),
            &Ok(json!({"command": "view", "path": "/a", "view_range": [1, 20], "insert_line": 3})),
        );
        check(
            SHELL,
            &json!({}),
            &Err("Missing required argument \"command\""),
        );
        check(SHELL, &json!({"command": null}), &Err("Missing required"));
        check(
            SHELL,
            &json!({"command": ["ls"]}),
            &Err("must be of the type string"),
        );
        check(SHELL, &json!("ls"), &Err("no JSON object"));
        check(
            EDITOR,
            &json!({"command": "view", "path": "/a", "view_range": "all"}),
            &Err("must be of the type array"),
        );
        check("think", &json!({}), &Err("There is no tool \"think\""));
    }

    #[test]
    fn definitions_name_what_is_required() {
        let all = definitions();
        let names: Vec<&str> = all
            .iter()
            .map(|tool| tool["function"]["name"].as_str().unwrap())
            .collect();
        assert_eq!(names, [SHELL, EDITOR, FINISH]);
        assert_eq!(
            all[1]["function"]["parameters"]["required"],
            json!(["command", "path"])
        );
    }
}
