//! Response items: calls, the commands in them, and what their outputs say in each of the spellings.

use crate::model::Action;
use crate::model::Observation;
use crate::model::Part;
use crate::model::ShellCall;
use crate::model::Value;
use crate::read::common::content_parts;
use crate::read::common::f64_at;
use crate::read::common::str_at;
use crate::read::common::take;
use crate::read::common::take_str;
use crate::read::json::parse_embedded;
use crate::read::json::parse_lenient;

/// Whether an item of this type is a call.
pub(super) fn is_call(kind: &str) -> bool {
    kind.ends_with("_call")
}

/// Whether an item of this type is the result of a call.
pub(super) fn is_output(kind: &str) -> bool {
    kind.ends_with("_call_output") || kind == "tool_search_output"
}

/// Makes an action of a call item of any type.
pub(super) fn action(mut item: Value) -> Action {
    let kind = take_str(&mut item, "type").unwrap_or_default();
    let id = ["call_id", "id"]
        .into_iter()
        .find_map(|key| take_str(&mut item, key));
    let name =
        take_str(&mut item, "name").unwrap_or_else(|| kind.trim_end_matches("_call").to_owned());
    let args = ["arguments", "input", "action", "query"]
        .into_iter()
        .map(|key| take(&mut item, key))
        .find(|args| !args.is_null())
        .unwrap_or_default();
    let args = match args {
        // a custom tool's input is free text (a patch), even where it looks like JSON
        Value::String(text) if kind != "custom_tool_call" => parse_embedded(text),
        args => args,
    };
    let mut action = Action::new(id, name, args);
    action.shell = shell(&action.tool, &action.args);
    action
}

fn shell(tool: &str, args: &Value) -> Option<ShellCall> {
    if tool == "write_stdin" {
        let text = str_at(args, "chars").or_else(|| str_at(args, "input"))?;
        return Some(ShellCall {
            cmd: text.into(),
            is_input: true,
            ..ShellCall::default()
        });
    }
    let is_shell = matches!(
        tool,
        "shell"
            | "shell_command"
            | "container.exec"
            | "local_shell"
            | "exec_command"
            | "unified_exec"
    );
    if !is_shell {
        return None;
    }
    let command = args.get("command").or_else(|| args.get("cmd"))?;
    let cmd = match command {
        Value::String(text) => text.clone(),
        Value::Array(words) => {
            let words: Option<Vec<&str>> = words.iter().map(Value::as_str).collect();
            unwrapped(&words?)
        }
        _ => return None,
    };
    let cwd = ["workdir", "working_directory", "cwd"]
        .into_iter()
        .find_map(|key| str_at(args, key));
    let ms = f64_at(args, "timeout_ms").or_else(|| f64_at(args, "timeout"));
    Some(ShellCall {
        cmd: cmd.into(),
        cwd: cwd.map(str::to_owned),
        timeout_s: ms.map(|ms| ms / 1000.0),
        is_input: false,
    })
}

/// The script of `bash -lc SCRIPT`; other words as one shell line.
pub(super) fn unwrapped(words: &[&str]) -> String {
    if let [program, flag, script] = words {
        let program = program.rsplit('/').next().unwrap_or_default();
        if matches!(program, "bash" | "sh" | "zsh")
            && matches!(*flag, "-lc" | "-c" | "-ic" | "-lic")
        {
            return (*script).to_owned();
        }
    }
    shell_words::join(words)
}

/// Reads an output: text, JSON in a text, parts, or an object.
pub(super) fn observation(output: Value) -> Observation {
    match output {
        Value::String(text) => match as_envelope(&text) {
            Some(envelope) => from_envelope(envelope),
            None => from_text(text),
        },
        Value::Object(fields) if fields.contains_key("output") => {
            from_envelope(Value::Object(fields))
        }
        mut other => {
            let is_good = other.get("success").and_then(Value::as_bool);
            let content = if other
                .get("content")
                .is_some_and(|content| !content.is_null())
            {
                take(&mut other, "content")
            } else {
                other
            };
            let mut observation = match content {
                Value::String(text) => from_text(text),
                content => Observation {
                    parts: content_parts(content),
                    ..Observation::default()
                },
            };
            if let Some(is_good) = is_good {
                observation.is_error = Some(!is_good);
            }
            observation
        }
    }
}

/// `{"output": …, "metadata": …}` in a text; commands may print JSON themselves, so both keys are asked for.
fn as_envelope(text: &str) -> Option<Value> {
    if !text.starts_with('{') {
        return None;
    }
    let value = parse_lenient(text.as_bytes(), 0, &mut Vec::new()).ok()?;
    let is_envelope =
        value.get("output").is_some() && value.get("metadata").is_some_and(Value::is_object);
    is_envelope.then_some(value)
}

fn from_envelope(mut envelope: Value) -> Observation {
    let metadata = take(&mut envelope, "metadata");
    Observation {
        parts: content_parts(take(&mut envelope, "output")),
        exit_code: metadata.get("exit_code").and_then(Value::as_i64),
        duration_s: f64_at(&metadata, "duration_seconds"),
        ..Observation::default()
    }
}

fn from_text(text: String) -> Observation {
    const HEAD_LINES: usize = 6;
    const FAILURES: [&str; 5] = [
        "patch rejected",
        "execution error",
        "exec command rejected",
        "aborted by user",
        "failed to parse function arguments",
    ];
    let mut observation = Observation::default();
    for line in text
        .lines()
        .take(HEAD_LINES)
        .take_while(|line| *line != "Output:")
    {
        let number = |start: &str| line.strip_prefix(start).map(str::trim);
        let code = number("Exit code:").or_else(|| number("Process exited with code"));
        observation.exit_code = observation.exit_code.or(code.and_then(|n| n.parse().ok()));
        if line.starts_with("Process running with session ID") {
            observation.exit_code = Some(-1);
        }
        let seconds = number("Wall time:").and_then(|n| n.split_whitespace().next());
        observation.duration_s = observation
            .duration_s
            .or(seconds.and_then(|n| n.parse().ok()));
    }
    if text.starts_with("failed in sandbox ") {
        observation.is_error = Some(true);
        let code = text
            .split_once("exit code: ")
            .and_then(|(_, rest)| rest.split(',').next());
        observation.exit_code = code.and_then(|n| n.trim().parse().ok());
    }
    if FAILURES.iter().any(|start| text.starts_with(start)) {
        observation.is_error = Some(true);
    }
    if !text.is_empty() {
        observation.parts.push(Part::Text { text: text.into() });
    }
    observation
}
