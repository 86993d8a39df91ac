//! mini-swe-agent: bare message lists (v0) and `{info, messages, trajectory_format}` files (v1, v2).
//!
//! An observation is what the command printed: where the message is only the harness's wrapper around
//! `extra.raw_output` (`<returncode>` and `<output>` tags) the raw output is shown, else (cut output, errors) the
//! message as the model saw it. The closing `exit` message is kept as context; patch and status come from it and `info`.

use crate::model::Fault;
use crate::model::Format;
use crate::model::Observation;
use crate::model::Part;
use crate::model::Span;
use crate::model::Stamp;
use crate::model::Step;
use crate::model::StepKind;
use crate::model::Text;
use crate::model::Tokens;
use crate::model::Trajectory;
use crate::model::Value;
use crate::read::Doc;
use crate::read::Layout;
use crate::read::Probe;
use crate::read::Reader;
use crate::read::Shape;
use crate::read::chat::conversation::Conversation;
use crate::read::chat::conversation::Place;
use crate::read::chat::message::is_message;
use crate::read::chat::message::role_of;
use crate::read::chat::message::text_of;
use crate::read::common;
use crate::read::text_calls;

/// The reader of mini-swe-agent's files.
pub(super) const READER: Reader = Reader {
    format: Format::MiniSweAgent,
    sniff,
    parse,
    head: None,
    sketch: None,
};

fn sniff(probe: &Probe<'_>) -> Option<Layout> {
    let values = probe.values;
    match probe.shape {
        Shape::Object => {
            let value = values.first()?;
            let is_list = value.as_array().is_some_and(|items| is_v0(items));
            (is_file(value) || is_list).then_some(Layout::Whole)
        }
        Shape::Array if is_v0(values) => Some(Layout::Session),
        Shape::Array | Shape::Lines | Shape::Table => {
            values.iter().take(3).any(is_file).then_some(Layout::Rows)
        }
        Shape::Events => None,
    }
}

fn is_file(value: &Value) -> bool {
    let has_messages = value.get("messages").is_some_and(Value::is_array);
    let is_named = common::str_at(value, "trajectory_format")
        .is_some_and(|format| format.starts_with("mini-swe-agent"));
    let is_versioned = value
        .get("info")
        .is_some_and(|info| info.get("mini_version").is_some());
    has_messages && (is_named || is_versioned)
}

/// Whether messages are of mini-swe-agent's first form: its own fence or end signal, or bash fences answered by
/// return codes.
fn is_v0(values: &[Value]) -> bool {
    const MARKS: [&str; 3] = [
        "mswea_bash_command",
        "COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT",
        "MINI_SWE_AGENT_FINAL_OUTPUT",
    ];
    if values.len() < 2 || !values.iter().all(is_message) {
        return false;
    }
    let texts = || {
        values
            .iter()
            .filter_map(|value| Some((role_of(value), text_of(value)?)))
    };
    let has_mark = texts().any(|(_, text)| MARKS.iter().any(|mark| text.contains(mark)));
    let has_fence = texts().any(|(role, text)| role == "assistant" && text.contains("```bash"));
    let has_code = texts().any(|(role, text)| role == "user" && text.starts_with("<returncode>"));
    has_mark || (has_fence && has_code)
}

fn parse(mut doc: Doc) -> Result<Trajectory, Fault> {
    let mut trajectory = doc.begin(Format::MiniSweAgent, "v0");
    if doc.rows.first().is_some_and(|row| is_message(&row.value)) {
        let messages = doc.rows.into_iter().map(|row| (row.value, Some(row.span)));
        read_messages(&mut trajectory, messages.collect(), None);
        return Ok(trajectory);
    }
    let mut file = doc.take_value();
    let messages = match file {
        Value::Array(items) => {
            file = Value::Null;
            items
        }
        _ if file.get("messages").is_some_and(Value::is_array) => {
            common::take_array(&mut file, "messages")
        }
        _ => return Err(Fault::new("no messages in this file")),
    };
    if let Some(format) = common::str_at(&file, "trajectory_format") {
        let version = format
            .trim_start_matches("mini-swe-agent")
            .trim_start_matches('-');
        let version = if version.is_empty() { "1" } else { version };
        trajectory.source.variant = Some(version.to_owned());
    } else if file.get("info").is_some() {
        trajectory.source.variant = Some("1".to_owned());
    }
    let mut info = common::take(&mut file, "info");
    let cwd = info
        .pointer("/config/environment/cwd")
        .and_then(Value::as_str)
        .map(str::to_owned);
    read_messages(
        &mut trajectory,
        messages
            .into_iter()
            .map(|message| (message, None))
            .collect(),
        cwd.as_deref(),
    );
    trajectory.task_id = common::take_str(&mut file, "instance_id").filter(|id| !id.is_empty());
    fill_info(&mut trajectory, &mut info);
    Ok(trajectory)
}

fn fill_info(trajectory: &mut Trajectory, info: &mut Value) {
    if info.is_null() {
        return;
    }
    let outcome = &mut trajectory.outcome;
    let status = common::take_str(info, "exit_status").filter(|status| !status.is_empty());
    outcome.exit_status = status.or_else(|| outcome.exit_status.take());
    outcome.error = error_of(info).or_else(|| outcome.error.take());
    if let Some(patch) = common::take_str(info, "submission") {
        let known = trajectory.final_patch.take().filter(|_| patch.is_empty());
        trajectory.final_patch = known.or_else(|| Some(patch.into()));
    }
    let at = |path: &str| info.pointer(path);
    trajectory.totals.cost = at("/model_stats/instance_cost").and_then(Value::as_f64);
    trajectory.model = at("/config/model/model_name")
        .or_else(|| at("/config/model_name"))
        .and_then(Value::as_str)
        .map(str::to_owned);
    let version = common::str_at(info, "mini_version");
    trajectory.agent = Some(match version {
        Some(version) => format!("mini-swe-agent {version}"),
        None => "mini-swe-agent".to_owned(),
    });
}

/// What ended the run: the exception in one line, then the traceback.
fn error_of(info: &mut Value) -> Option<String> {
    let mut pieces: Vec<String> = Vec::new();
    for key in ["exception_str", "exception", "traceback"] {
        let piece = common::take_str(info, key);
        pieces.extend(piece.filter(|text| !text.trim().is_empty()));
    }
    (!pieces.is_empty()).then(|| pieces.join("\n\n"))
}

fn read_messages(
    trajectory: &mut Trajectory,
    mut messages: Vec<(Value, Option<Span>)>,
    cwd: Option<&str>,
) {
    let mut extras = Vec::with_capacity(messages.len());
    for (message, _) in &mut messages {
        let extra = common::take(message, "extra");
        state_calls(message, &extra);
        extras.push(extra);
    }
    let mut before = None;
    let mut conversation = Conversation::new(messages.iter().map(|(message, _)| message));
    for ((mut message, span), mut extra) in messages.into_iter().zip(extras) {
        if role_of(&message) == "exit" {
            let mut step = read_exit(trajectory, &mut message, &mut extra);
            step.raw_range = span;
            conversation.push_step(step);
            continue;
        }
        let ts = extra.get("timestamp").and_then(Stamp::parse);
        let since = before
            .zip(ts)
            .map(|(before, ts): (Stamp, Stamp)| ts.seconds_since(before))
            .filter(|seconds| *seconds >= 0.0);
        before = ts;
        let place = conversation.push(message, span);
        let steps = conversation.steps_mut();
        match place {
            Place::Step => {
                if let Some(step) = steps.last_mut() {
                    fill_step(step, &mut extra);
                    if step.kind == StepKind::Agent {
                        step.latency_s = since;
                    }
                }
            }
            Place::Result(step, action) => {
                let actions = steps.get_mut(step).map(|step| &mut step.actions);
                let action = actions.and_then(|actions| actions.get_mut(action));
                if let Some(observation) = action.and_then(|action| action.observation.as_mut()) {
                    fill_observation(observation, &mut extra);
                    observation.duration_s = since;
                    observation.cwd = cwd.map(str::to_owned);
                }
            }
        }
    }
    trajectory.steps = conversation.finish().1;
}

/// Writes what the harness notes in `extra` into the message, where it is a message of plain text: the commands that
/// it ran as calls (their fenced block leaves the text), and that a user's message is a result.
fn state_calls(message: &mut Value, extra: &Value) {
    let Some(fields) = message.as_object_mut() else {
        return;
    };
    let is_result = extra.get("returncode").is_some() || extra.get("raw_output").is_some();
    if is_result && fields.get("role").is_some_and(|role| role == "user") {
        fields.insert("role".to_owned(), Value::from("tool"));
    }
    let has_calls =
        matches!(fields.get("tool_calls"), Some(Value::Array(calls)) if !calls.is_empty());
    let Some(Value::Array(actions)) = extra.get("actions") else {
        return;
    };
    let calls: Vec<Value> = actions.iter().filter_map(call_of_action).collect();
    if has_calls || calls.is_empty() {
        return;
    }
    let content = fields.get("content").and_then(Value::as_str);
    if let Some(fenced) = content.and_then(text_calls::fenced_command) {
        let is_said = calls.iter().any(|call| {
            let command = call
                .pointer("/function/arguments/command")
                .and_then(Value::as_str);
            command.is_some_and(|command| command.trim() == fenced.command.trim())
        });
        if is_said && calls.len() == 1 {
            fields.insert("content".to_owned(), Value::String(fenced.around()));
        }
    }
    fields.insert("tool_calls".to_owned(), Value::Array(calls));
}

fn call_of_action(action: &Value) -> Option<Value> {
    let command = action
        .as_str()
        .or_else(|| common::str_at(action, "command"))?;
    let id = common::str_at(action, "tool_call_id");
    let function = serde_json::json!({ "name": "bash", "arguments": { "command": command } });
    Some(serde_json::json!({ "id": id, "function": function }))
}

fn read_exit(trajectory: &mut Trajectory, message: &mut Value, extra: &mut Value) -> Step {
    let text = text_of(message).unwrap_or_default();
    let step = Step::context("exit", text);
    trajectory.final_patch = common::take_str(extra, "submission").map(Text::from);
    let status = common::take_str(extra, "exit_status").filter(|status| !status.is_empty());
    trajectory.outcome.exit_status = status;
    trajectory.outcome.error = error_of(extra);
    step
}

fn fill_step(step: &mut Step, extra: &mut Value) {
    step.ts = extra.get("timestamp").and_then(Stamp::parse).or(step.ts);
    step.cost = common::f64_at(extra, "cost");
    let mut response = common::take(extra, "response");
    step.group_id = common::take_str(&mut response, "id");
    step.tokens = response.get("usage").map(tokens_of);
}

/// Token counts as `LiteLLM` reports them.
fn tokens_of(usage: &Value) -> Tokens {
    let at = |path: &str| usage.pointer(path).and_then(Value::as_u64);
    Tokens {
        input: at("/prompt_tokens"),
        output: at("/completion_tokens"),
        cache_read: at("/prompt_tokens_details/cached_tokens")
            .or_else(|| at("/cache_read_input_tokens")),
        cache_write: at("/cache_creation_input_tokens"),
        reasoning: at("/completion_tokens_details/reasoning_tokens"),
    }
}

fn fill_observation(observation: &mut Observation, extra: &mut Value) {
    let ts = extra.get("timestamp").and_then(Stamp::parse);
    observation.ts = ts.or(observation.ts);
    if let Some(code) = extra.get("returncode").and_then(Value::as_i64) {
        observation.exit_code = Some(code);
    }
    if common::str_at(extra, "exception_info").is_some_and(|info| !info.is_empty()) {
        observation.is_error = Some(true);
    }
    // the message's template trims what was printed; give it back whole where that is all the message is
    let Some(raw) = common::take_text(extra, "raw_output") else {
        return;
    };
    if let [Part::Text { text }] = observation.parts.as_mut_slice()
        && text.trim() == raw.trim()
    {
        *text = raw;
    }
}

/// Opens the wrapper that mini-swe-agent's template puts around an output: the exit status where the text starts with
/// one, and the output where there is nothing but the two.
pub(super) fn unwrap_result(text: &str) -> (Option<i64>, Option<&str>) {
    let Some((code, rest)) = text
        .strip_prefix("<returncode>")
        .and_then(|rest| rest.split_once("</returncode>"))
    else {
        return (None, None);
    };
    let code = code.trim().parse().ok();
    let output = rest
        .trim_start()
        .strip_prefix("<output>")
        .and_then(|body| body.trim_end().strip_suffix("</output>"));
    let output = output.map(|body| body.strip_prefix('\n').unwrap_or(body));
    (code, output.filter(|_| code.is_some()))
}

#[cfg(test)]
mod tests;
