//! Events about calls: how long a command ran, how it ended, which files a patch changed. Applied when all is read,
//! since they come before or after the call's output.

use std::collections::HashMap;

use crate::model::Action;
use crate::model::Edit;
use crate::model::EditOp;
use crate::model::Observation;
use crate::model::Text;
use crate::model::Trajectory;
use crate::model::Value;
use crate::read::common::f64_at;
use crate::read::common::str_at;
use crate::read::common::take;
use crate::read::common::take_str;

/// Facts about calls, by call id.
#[derive(Default)]
pub(super) struct CallEvents {
    ends: HashMap<String, Value>,
    patches: HashMap<String, Value>,
}

impl CallEvents {
    /// Keeps an event about a call; gives back any other.
    pub(super) fn keep(&mut self, kind: &str, event: Value) -> Option<Value> {
        let Some(id) = str_at(&event, "call_id").map(str::to_owned) else {
            return Some(event);
        };
        match kind {
            "exec_command_end" | "mcp_tool_call_end" => {
                self.ends.insert(id, event);
            }
            "patch_apply_end" => {
                // older builds put the changes into the begin event only
                let changes = self
                    .patches
                    .remove(&id)
                    .map(|mut begun| take(&mut begun, "changes"));
                let mut event = event;
                if event.get("changes").is_none_or(Value::is_null)
                    && let (Some(changes), Some(fields)) = (changes, event.as_object_mut())
                {
                    fields.insert("changes".to_owned(), changes);
                }
                self.patches.insert(id, event);
            }
            "patch_apply_begin" => {
                self.patches.insert(id, event);
            }
            "exec_command_begin"
            | "exec_command_output_delta"
            | "mcp_tool_call_begin"
            | "web_search_begin"
            | "web_search_end"
            | "view_image_tool_call" => {}
            _ => return Some(event),
        }
        None
    }

    pub(super) fn apply(mut self, trajectory: &mut Trajectory) {
        for action in trajectory
            .steps
            .iter_mut()
            .flat_map(|step| &mut step.actions)
        {
            let Some(id) = action.call_id.as_deref() else {
                continue;
            };
            if let Some(end) = self.ends.remove(id) {
                apply_end(action, end);
            }
            let patch = action
                .call_id
                .as_deref()
                .and_then(|id| self.patches.remove(id));
            if let Some(patch) = patch
                && patch.get("success").and_then(Value::as_bool) == Some(true)
            {
                apply_patch(action, patch);
            }
        }
    }
}

fn apply_end(action: &mut Action, mut end: Value) {
    if action.observation.is_none() {
        let text = ["aggregated_output", "formatted_output", "stdout"]
            .into_iter()
            .find_map(|key| take_str(&mut end, key));
        action.observation = text.map(Observation::text);
    }
    let Some(observation) = &mut action.observation else {
        return;
    };
    if let Some(code) = end.get("exit_code").and_then(Value::as_i64) {
        observation.exit_code = Some(code);
    }
    if let Some(duration) = end.get("duration") {
        let whole = f64_at(duration, "secs")
            .map(|secs| secs + f64_at(duration, "nanos").unwrap_or(0.0) / 1e9);
        observation.duration_s = whole.or(observation.duration_s);
    }
    if observation.cwd.is_none() {
        observation.cwd = take_str(&mut end, "cwd");
    }
}

fn apply_patch(action: &mut Action, mut patch: Value) {
    if !action.edits.is_empty() {
        return;
    }
    let Value::Object(changes) = take(&mut patch, "changes") else {
        return;
    };
    action.edits.extend(
        changes
            .into_iter()
            .filter_map(|(path, change)| edit(path, change)),
    );
}

/// One changed file: `{type: add|delete|update, …}`, or in older builds `{add: {…}}`.
fn edit(path: String, mut change: Value) -> Option<Edit> {
    if str_at(&change, "type").is_none() {
        let (kind, inner) = change.as_object_mut()?.iter_mut().next()?;
        let kind = kind.clone();
        let mut inner = inner.take();
        inner
            .as_object_mut()?
            .insert("type".to_owned(), Value::String(kind));
        change = inner;
    }
    let content = take_str(&mut change, "content").map(Text::from);
    let op = match str_at(&change, "type")? {
        "add" => EditOp::Create,
        "delete" => EditOp::Delete,
        _ => EditOp::Patch,
    };
    let mut edit = Edit::new(path, op);
    match op {
        EditOp::Create => {
            edit.new.clone_from(&content);
            edit.after = content;
        }
        EditOp::Delete => edit.before = content,
        _ => edit.diff = take_str(&mut change, "unified_diff").map(Text::from),
    }
    edit.moved_to = take_str(&mut change, "move_path");
    Some(edit)
}
