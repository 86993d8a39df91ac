//! One V0 action event as an action of the model, and one observation event as its result.
//!
//! The model's own words (tool, arguments, call id, response id) are in `tool_call_metadata` where the agent used
//! function calling; elsewhere the event's `args` are all there is. Knows nothing of the order of events.

use crate::model::Action;
use crate::model::Edit;
use crate::model::EditOp;
use crate::model::Observation;
use crate::model::Part;
use crate::model::ShellCall;
use crate::model::Stamp;
use crate::model::Text;
use crate::model::Tokens;
use crate::model::Value;
use crate::read::common::content_parts;
use crate::read::common::f64_at;
use crate::read::common::str_at;
use crate::read::common::take;
use crate::read::common::take_array;
use crate::read::common::take_str;
use crate::read::common::take_text;
use crate::read::common::u64_at;
use crate::read::json::parse_embedded;
use crate::read::openhands_v0::editor::edit_of;
use crate::read::openhands_v0::editor::is_clipped;
use crate::read::openhands_v0::usage::tokens_of;

/// What `tool_call_metadata` says about a call and the response that made it.
#[derive(Debug, Default)]
pub(super) struct Call {
    pub(super) tool: Option<String>,
    pub(super) id: Option<String>,
    pub(super) args: Option<Value>,
    pub(super) response_id: Option<String>,
    /// How many calls the response holds, as far as it says.
    pub(super) calls: Option<u64>,
    pub(super) thought: Option<Text>,
    pub(super) reasoning: Option<Text>,
    pub(super) tokens: Option<Tokens>,
    pub(super) model: Option<String>,
}

impl Call {
    pub(super) fn read(mut metadata: Value) -> Self {
        let mut response = take(&mut metadata, "model_response");
        let mut message = response
            .pointer_mut("/choices/0/message")
            .map(Value::take)
            .unwrap_or_default();
        let tool = take_str(&mut metadata, "function_name").filter(|tool| !tool.is_empty());
        let id = take_str(&mut metadata, "tool_call_id").filter(|id| !id.is_empty());
        let calls = take_array(&mut message, "tool_calls");
        Self {
            args: arguments(calls, id.as_deref(), tool.as_deref()),
            tool,
            id,
            response_id: take_str(&mut response, "id").filter(|id| !id.is_empty()),
            calls: u64_at(&metadata, "total_calls_in_response"),
            thought: crate::read::common::parts_text(&content_parts(take(&mut message, "content"))),
            reasoning: reasoning_of(&mut message),
            tokens: response.get("usage").and_then(tokens_of),
            model: take_str(&mut response, "model"),
        }
    }
}

/// The arguments of the call with `call_id`; a single call of the right name will do where ids are missing.
fn arguments(calls: Vec<Value>, call_id: Option<&str>, tool: Option<&str>) -> Option<Value> {
    let is_single = calls.len() == 1;
    let wanted = calls.into_iter().find(|call| match str_at(call, "id") {
        Some(id) => Some(id) == call_id,
        None => is_single && call.get("function").and_then(|f| str_at(f, "name")) == tool,
    });
    let arguments = take(&mut take(&mut wanted?, "function"), "arguments");
    match arguments {
        Value::Null => None,
        Value::String(text) => Some(parse_embedded(text)),
        other => Some(other),
    }
}

/// What a model's message holds of its reasoning: `reasoning_content`, else the texts of its thinking blocks.
pub(in crate::read) fn reasoning_of(message: &mut Value) -> Option<Text> {
    if let Some(text) = take_text(message, "reasoning_content") {
        return Some(text);
    }
    let blocks = take_array(message, "thinking_blocks");
    let texts: Vec<String> = blocks
        .into_iter()
        .filter_map(|mut block| take_str(&mut block, "thinking"))
        .filter(|text| !text.is_empty())
        .collect();
    (!texts.is_empty()).then(|| texts.join("\n").into())
}

/// The action of an event: `call` is what the model said, `args` are the event's own.
pub(super) fn action_of(kind: &str, call: &mut Call, args: Value, timeout: Option<f64>) -> Action {
    let shell = (kind == "run").then(|| shell_of(&args, timeout)).flatten();
    let edits: Vec<Edit> = match kind {
        "edit" => edit_of(&args).or_else(|| llm_edit(&args)),
        "write" => written(&args),
        _ => None,
    }
    .into_iter()
    .collect();
    let (tool, args) = match (call.tool.take(), call.args.take()) {
        (Some(tool), Some(args)) => (tool, args),
        (tool, _) => (tool.unwrap_or_else(|| kind.to_owned()), args),
    };
    let mut action = Action::new(call.id.take(), tool, args);
    action.shell = shell;
    action.edits = edits;
    action
}

fn shell_of(args: &Value, timeout: Option<f64>) -> Option<ShellCall> {
    let is_input = args.get("is_input");
    Some(ShellCall {
        cmd: Text::from(str_at(args, "command")?),
        cwd: str_at(args, "cwd").map(str::to_owned),
        timeout_s: f64_at(args, "timeout").or(timeout),
        is_input: is_input.is_some_and(|v| v == true || v == "true"),
    })
}

/// The older editor: a draft of the lines `start` to `end`, merged into the file by a model.
fn llm_edit(args: &Value) -> Option<Edit> {
    let path = str_at(args, "path").filter(|path| !path.is_empty())?;
    let draft = str_at(args, "content").filter(|text| !text.is_empty())?;
    let mut edit = Edit::new(path, EditOp::Patch);
    edit.new = Some(draft.into());
    edit.line = line_at(args, "start");
    Some(edit)
}

/// `write` puts its content in place of the lines `start` to `end`: of the whole file by default.
fn written(args: &Value) -> Option<Edit> {
    let path = str_at(args, "path").filter(|path| !path.is_empty())?;
    let is_whole = u64_at(args, "start").unwrap_or_default() == 0
        && args
            .get("end")
            .and_then(Value::as_i64)
            .is_none_or(|end| end < 0);
    let op = if is_whole {
        EditOp::Write
    } else {
        EditOp::Patch
    };
    let mut edit = Edit::new(path, op);
    edit.new = str_at(args, "content").map(Text::from);
    edit.line = (!is_whole)
        .then(|| u64_at(args, "start"))
        .flatten()
        .and_then(|line| usize::try_from(line.saturating_add(1)).ok());
    Some(edit)
}

fn line_at(args: &Value, key: &str) -> Option<usize> {
    u64_at(args, key)
        .and_then(|line| usize::try_from(line).ok())
        .filter(|line| *line > 0)
}

/// An observation event, freed of its envelope.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) kind: String,
    pub(super) observation: Observation,
    pub(super) extras: Value,
}

impl Seen {
    /// Reads an event whose `observation` is `kind`. The resolver writes the extras on the top level.
    pub(super) fn read(kind: String, mut event: Value) -> Self {
        let mut content = take(&mut event, "content");
        let ts = event.get("timestamp").and_then(Stamp::parse);
        let success = event.get("success").and_then(Value::as_bool);
        let mut extras = match take(&mut event, "extras") {
            Value::Null => event,
            extras => extras,
        };
        if content.as_str().is_none_or(str::is_empty) && content.as_array().is_none() {
            content = stand_in(&mut extras);
        }
        let mut parts = content_parts(content);
        parts.extend(images(&mut extras));
        let text = parts.iter().find_map(|part| match part {
            Part::Text { text } => Some(&**text),
            _ => None,
        });
        let metadata = extras.get("metadata");
        let exit_code = metadata
            .and_then(|m| m.get("exit_code"))
            .or_else(|| extras.get("exit_code"))
            .and_then(Value::as_i64);
        // an editor's refusal is marked in its text only
        let is_refusal = matches!(kind.as_str(), "edit" | "read" | "write")
            && text.is_some_and(|text| text.starts_with("ERROR:"));
        let is_error = match kind.as_str() {
            "error" => Some(true),
            _ if is_refusal => Some(true),
            // `success` of a command is `exit_code == 0`, which calls a running command a failure
            _ if exit_code.is_some() => None,
            _ => extras
                .get("error")
                .and_then(Value::as_bool)
                .or(success.map(|success| !success)),
        };
        let observation = Observation {
            exit_code,
            is_error,
            truncated: text.is_some_and(is_clipped).then_some(true),
            cwd: metadata
                .and_then(|m| str_at(m, "working_dir"))
                .filter(|cwd| !cwd.is_empty())
                .map(str::to_owned),
            ts,
            parts,
            duration_s: None,
        };
        Self {
            kind,
            observation,
            extras,
        }
    }

    /// Attaches to `action`, which it belongs to, and tells its edit what the file became.
    pub(super) fn settle(mut self, action: &mut Action) {
        if self.observation.is_error != Some(true)
            && let [edit] = action.edits.as_mut_slice()
        {
            let is_editor = str_at(&self.extras, "impl_source") == Some("oh_aci");
            edit.diff = take_text(&mut self.extras, "diff");
            let before = take_str(&mut self.extras, "old_content");
            let after = take_str(&mut self.extras, "new_content");
            // the editor repeats old_str and new_str under these names, not the files
            if !is_editor && self.kind == "edit" {
                edit.before = before.map(Text::from);
                edit.after = after.map(Text::from);
            }
        }
        action.observation = Some(self.observation);
    }
}

/// Where an observation has no text of its own: a delegate's outputs, an agent state, a plan.
fn stand_in(extras: &mut Value) -> Value {
    if let Some(outputs) = extras.get_mut("outputs") {
        if let Some(content) = take_str(outputs, "content") {
            return Value::String(content);
        }
        if outputs.as_object().is_some_and(|o| !o.is_empty()) {
            return Value::String(outputs.to_string());
        }
    }
    Value::Null
}

fn images(extras: &mut Value) -> Vec<Part> {
    let mut urls = take_array(extras, "image_urls");
    if let Some(shot) = take_str(extras, "screenshot") {
        urls.push(Value::String(shot));
    }
    let parts = urls
        .into_iter()
        .filter(|url| url.as_str().is_some_and(|url| !url.is_empty()))
        .map(|url| serde_json::json!({"type": "image_url", "image_url": url}));
    content_parts(Value::Array(parts.collect()))
}
