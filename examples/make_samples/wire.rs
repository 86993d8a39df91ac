//! What several formats share: tool names and arguments, clocks, token counts, chat messages.

use serde_json::Value;
use serde_json::json;

use super::attempt::Act;
use super::attempt::Attempt;
use super::attempt::Op;
use super::attempt::Turn;
use super::story::ROOT;
use super::story::hex;

/// How a family of agents names its tools.
#[derive(Clone, Copy)]
pub(crate) struct Names {
    /// The shell.
    pub(crate) shell: &'static str,
    /// The editor.
    pub(crate) editor: &'static str,
}

/// OpenHands V0 and V1 of 2025.
pub(crate) const OLD: Names = Names {
    shell: "execute_bash",
    editor: "str_replace_editor",
};
/// OpenHands V1 of 2026.
pub(crate) const NEW: Names = Names {
    shell: "terminal",
    editor: "file_editor",
};

/// Tool and arguments of an act.
pub(crate) fn call(act: &Act, names: Names) -> (&'static str, Value) {
    match act {
        Act::Shell { cmd, .. } => (names.shell, json!({ "command": cmd })),
        Act::View { path, range, .. } => {
            let mut args = json!({ "command": "view", "path": format!("{ROOT}/{path}") });
            if let Some((from, to)) = range {
                args["view_range"] = json!([from, to]);
            }
            (names.editor, args)
        }
        Act::Tree { .. } => (names.editor, json!({ "command": "view", "path": ROOT })),
        Act::Edit {
            path, op, after, ..
        } => {
            let path = format!("{ROOT}/{path}");
            let args = match op {
                Op::Create => json!({ "command": "create", "path": path, "file_text": after }),
                Op::Replace { old, new } => {
                    json!({ "command": "str_replace", "path": path, "old_str": old, "new_str": new })
                }
                Op::Insert { after, text } => {
                    json!({ "command": "insert", "path": path, "insert_line": after, "new_str": text })
                }
            };
            (names.editor, args)
        }
        Act::Miss { path, old, new } => (
            names.editor,
            json!({ "command": "str_replace", "path": format!("{ROOT}/{path}"), "old_str": old, "new_str": new }),
        ),
        Act::Think { text } => ("think", json!({ "thought": text })),
        Act::Plan { items } => {
            let list: Vec<Value> = items
                .iter()
                .map(|(title, status)| json!({ "title": title, "notes": "", "status": status }))
                .collect();
            (
                "task_tracker",
                json!({ "command": "plan", "task_list": list }),
            )
        }
        Act::Finish { message } => ("finish", json!({ "message": message })),
    }
}

/// A short system prompt of our own.
pub(crate) const SYSTEM: &str = "You are a careful engineer who works in a terminal. You may run commands, look at files \
    and edit them. Say in a sentence what you are about to do, then do it.";

/// The tool definitions that go with [`call`].
pub(crate) fn tools(names: Names) -> Value {
    let tool = |name: &str, description: &str, fields: &[&str]| {
        let properties: serde_json::Map<String, Value> = fields
            .iter()
            .map(|field| ((*field).to_owned(), json!({ "type": "string" })))
            .collect();
        json!({
            "type": "function",
            "function": {
                "name": name,
                "description": description,
                "parameters": { "type": "object", "properties": properties },
            },
        })
    };
    json!([
        tool(
            names.shell,
            "Runs a command in the repository's folder.",
            &["command"]
        ),
        tool(
            names.editor,
            "Views, creates and edits files.",
            &[
                "command",
                "path",
                "view_range",
                "file_text",
                "old_str",
                "new_str",
                "insert_line"
            ],
        ),
        tool("think", "Notes a thought.", &["thought"]),
        tool("finish", "Ends the work.", &["message"]),
    ])
}

/// A clock that starts at a moment of the story and moves on by rules, never by chance.
pub(crate) struct Clock {
    /// Milliseconds since 1970.
    pub(crate) ms: i64,
}

impl Clock {
    /// The clock at the start of an attempt; attempts start an hour apart.
    pub(crate) fn of(attempt: &Attempt) -> Self {
        // 2025-03-04T05:06:07Z
        let hour = i64::try_from(attempt.task.id.len() + attempt.no).unwrap_or_default();
        Self {
            ms: 1_741_064_767_000 + hour * 3_600_000,
        }
    }

    /// Moves on.
    pub(crate) fn tick(&mut self, ms: usize) -> &mut Self {
        self.ms += i64::try_from(ms).unwrap_or_default();
        self
    }

    fn stamp(&self) -> jiff::Timestamp {
        jiff::Timestamp::from_millisecond(self.ms).expect("the story plays in our age")
    }

    /// `2025-03-04T05:06:07.000000`, as OpenHands writes it.
    pub(crate) fn naive(&self) -> String {
        self.stamp().strftime("%Y-%m-%dT%H:%M:%S%.6f").to_string()
    }

    /// `2025-03-04T05:06:07.000Z`.
    pub(crate) fn zulu(&self) -> String {
        self.stamp().strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
    }

    /// `2025-03-04T05:06:07.000000+00:00`, as Inspect writes it.
    pub(crate) fn offset(&self) -> String {
        self.stamp()
            .strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00")
            .to_string()
    }

    /// Seconds since 1970.
    pub(crate) fn epoch(&self) -> f64 {
        #[expect(
            clippy::cast_precision_loss,
            reason = "milliseconds of our age fit a double"
        )]
        let ms = self.ms as f64;
        ms / 1000.0
    }
}

/// Milliseconds that the model takes for a turn.
pub(crate) fn latency_ms(turn: &Turn) -> usize {
    1_200 + 7 * size(turn)
}

/// Milliseconds that an act takes.
pub(crate) fn act_ms(act: &Act) -> usize {
    match act {
        Act::Shell { cmd, .. } if cmd.contains("pytest") => 1_830,
        Act::Shell { .. } => 140,
        _ => 20,
    }
}

fn size(turn: &Turn) -> usize {
    let args: usize = turn
        .acts
        .iter()
        .map(|act| call(act, OLD).1.to_string().len())
        .sum();
    turn.thought.len() + turn.reasoning.as_ref().map_or(0, String::len) + args
}

/// Prompt and completion tokens of each turn, by a rule of thumb of four characters a token.
pub(crate) fn usage(attempt: &Attempt) -> Vec<(usize, usize)> {
    let mut prompt = 640 + attempt.task.prompt.len() / 4;
    attempt
        .turns
        .iter()
        .map(|turn| {
            let completion = 12 + size(turn) / 4;
            let this = (prompt, completion);
            let results: usize = turn.acts.iter().map(|act| act.result().len()).sum();
            prompt += completion + results / 4;
            this
        })
        .collect()
}

/// Dollars of a response, rounded to the sixth digit.
pub(crate) fn cost(prompt: usize, completion: usize) -> f64 {
    let micros = u32::try_from(prompt / 2 + completion * 2).unwrap_or(u32::MAX);
    f64::from(micros) / 1_000_000.0
}

/// The id of a response.
pub(crate) fn response_id(attempt: &Attempt, turn_ix: usize) -> String {
    format!(
        "chatcmpl-{}",
        hex(&format!("{} response {turn_ix}", attempt.name()), 20)
    )
}

/// The id of a call.
pub(crate) fn call_id(attempt: &Attempt, turn_ix: usize, act_ix: usize) -> String {
    format!(
        "call_{}",
        hex(&format!("{} call {turn_ix}.{act_ix}", attempt.name()), 16)
    )
}

/// The tool calls of a turn in OpenAI's shape.
pub(crate) fn tool_calls(attempt: &Attempt, turn_ix: usize, names: Names) -> Vec<Value> {
    attempt.turns[turn_ix]
        .acts
        .iter()
        .enumerate()
        .map(|(act_ix, act)| {
            let (tool, args) = call(act, names);
            json!({
                "id": call_id(attempt, turn_ix, act_ix),
                "type": "function",
                "function": { "name": tool, "arguments": args.to_string() },
            })
        })
        .collect()
}

/// The conversation in OpenAI's shape, system prompt first.
pub(crate) fn chat(attempt: &Attempt, names: Names) -> Vec<Value> {
    let mut messages = vec![
        json!({ "role": "system", "content": SYSTEM }),
        json!({ "role": "user", "content": attempt.task.prompt }),
    ];
    for (turn_ix, turn) in attempt.turns.iter().enumerate() {
        messages.push(json!({
            "role": "assistant",
            "content": turn.thought,
            "tool_calls": tool_calls(attempt, turn_ix, names),
        }));
        for (act_ix, act) in turn.acts.iter().enumerate() {
            if matches!(act, Act::Finish { .. }) {
                continue;
            }
            messages.push(json!({
                "role": "tool",
                "tool_call_id": call_id(attempt, turn_ix, act_ix),
                "name": call(act, names).0,
                "content": act.result(),
            }));
        }
    }
    messages
}

/// A call as text: `<function=…>` with its parameters.
pub(crate) fn text_call(act: &Act, names: Names) -> String {
    let (tool, args) = call(act, names);
    let mut out = format!("<function={tool}>\n");
    for (key, value) in args.as_object().into_iter().flatten() {
        let value = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        if value.contains('\n') {
            out.push_str(&format!("<parameter={key}>\n{value}\n</parameter>\n"));
        } else {
            out.push_str(&format!("<parameter={key}>{value}</parameter>\n"));
        }
    }
    out.push_str("</function>");
    out
}

/// The conversation with text calls, one call a turn; results come back as user messages made by `result`.
pub(crate) fn text_chat(
    attempt: &Attempt,
    names: Names,
    result: impl Fn(&Act) -> String,
) -> Vec<Value> {
    let system = format!(
        "{SYSTEM}\n\nYou have access to the following functions:\n\n---- BEGIN FUNCTION #1: {} ----\nRuns a command.\n\
         ---- END FUNCTION #1 ----\n\nIf you call a function, do it like this:\n\n<function=example_function_name>\n\
         <parameter=example_parameter_1>value_1</parameter>\n</function>",
        names.shell
    );
    let mut messages = vec![
        json!({ "role": "system", "content": system }),
        json!({ "role": "user", "content": attempt.task.prompt }),
    ];
    for turn in &attempt.turns {
        for (act_ix, act) in turn.acts.iter().enumerate() {
            let thought = if act_ix == 0 {
                turn.thought.as_str()
            } else {
                ""
            };
            let text = format!("{thought}\n\n{}", text_call(act, names));
            messages.push(json!({ "role": "assistant", "content": text.trim_start() }));
            if !matches!(act, Act::Finish { .. }) {
                messages.push(json!({ "role": "user", "content": result(act) }));
            }
        }
    }
    messages
}

/// Lines of JSON.
pub(crate) fn jsonl(rows: &[Value]) -> Vec<u8> {
    rows.iter()
        .flat_map(|row| format!("{row}\n").into_bytes())
        .collect()
}

/// One pretty-printed JSON value.
pub(crate) fn pretty(value: &Value) -> Vec<u8> {
    format!("{value:#}\n").into_bytes()
}
