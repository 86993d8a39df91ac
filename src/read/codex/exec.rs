//! The stream of `codex exec --json`: threads, turns, and items that carry call and result together.
//!
//! A step ends when its call has a result, for the next item was written after the model saw it.

use std::collections::HashMap;

use super::items;
use super::rollout::short;
use super::tokens;
use crate::model::Action;
use crate::model::Edit;
use crate::model::EditOp;
use crate::model::Observation;
use crate::model::ShellCall;
use crate::model::Span;
use crate::model::Step;
use crate::model::StepKind;
use crate::model::Trajectory;
use crate::model::Value;
use crate::read::Row;
use crate::read::common::content_parts;
use crate::read::common::str_at;
use crate::read::common::take;
use crate::read::common::take_array;
use crate::read::common::take_str;

/// Fills `trajectory` from all rows.
pub(super) fn build(trajectory: &mut Trajectory, rows: Vec<Row>) {
    trajectory.agent = Some("Codex".to_owned());
    let mut builder = Builder::default();
    for row in rows {
        builder.push(trajectory, row);
    }
    builder.close();
    trajectory.steps = builder.steps;
}

/// The step that is being collected.
struct Open {
    at: usize,
    texts: Vec<String>,
    reasoning: Vec<String>,
}

#[derive(Default)]
struct Builder {
    steps: Vec<Step>,
    open: Option<Open>,
    calls: HashMap<String, (usize, usize)>,
}

impl Builder {
    fn push(&mut self, trajectory: &mut Trajectory, row: Row) {
        let Row {
            mut value, span, ..
        } = row;
        let kind = str_at(&value, "type").unwrap_or("unknown").to_owned();
        match kind.as_str() {
            "thread.started" => {
                trajectory.run_id = str_at(&value, "thread_id").map(str::to_owned);
                self.context(&kind, "", span);
            }
            "item.started" | "item.updated" | "item.completed" => {
                self.item(take(&mut value, "item"), kind == "item.completed", span);
            }
            "turn.completed" => {
                if let Some(usage) = value.get("usage").and_then(tokens) {
                    trajectory.totals.tokens.add(&usage);
                }
                trajectory.outcome.exit_status = Some(kind.clone());
                self.context(&kind, "", span);
            }
            "turn.failed" | "error" => {
                let told = value.pointer("/error/message").and_then(Value::as_str);
                let text = told
                    .or_else(|| str_at(&value, "message"))
                    .unwrap_or_default()
                    .to_owned();
                self.context(&kind, &text, span);
                trajectory.outcome.exit_status = Some(kind);
                trajectory.outcome.error = Some(text);
            }
            other => self.context(other, &short(&value), span),
        }
    }

    fn context(&mut self, label: &str, text: &str, span: Span) {
        self.close();
        self.steps.push(Step {
            raw_range: Some(span),
            ..Step::context(label, text)
        });
    }

    fn agent(&mut self, span: Span) -> &mut Open {
        self.open.get_or_insert_with(|| {
            self.steps.push(Step {
                raw_range: Some(span),
                ..Step::new(StepKind::Agent)
            });
            Open {
                at: self.steps.len() - 1,
                texts: Vec::new(),
                reasoning: Vec::new(),
            }
        })
    }

    /// Ends the step that is being collected.
    fn close(&mut self) {
        let Some(open) = self.open.take() else { return };
        let Some(step) = self.steps.get_mut(open.at) else {
            return;
        };
        let text = (!open.texts.is_empty()).then(|| open.texts.join("\n").into());
        if step.actions.is_empty() {
            step.text = text;
        } else {
            step.thought = text;
        }
        step.reasoning = (!open.reasoning.is_empty()).then(|| open.reasoning.join("\n").into());
    }

    fn item(&mut self, mut item: Value, is_done: bool, span: Span) {
        let kind = take_str(&mut item, "type").unwrap_or_default();
        let says = matches!(
            kind.as_str(),
            "agent_message" | "reasoning" | "assistant_message"
        );
        if says && !is_done {
            return;
        }
        match kind.as_str() {
            "agent_message" | "assistant_message" | "reasoning" => {
                let open = self.open.as_ref().and_then(|open| self.steps.get(open.at));
                if open.is_some_and(|step| !step.actions.is_empty()) {
                    self.close();
                }
                let text = take_str(&mut item, "text").unwrap_or_default();
                let open = self.agent(span);
                if kind == "reasoning" {
                    open.reasoning.push(text);
                } else {
                    open.texts.push(text);
                }
            }
            "error" => {
                let text = str_at(&item, "message").unwrap_or_default().to_owned();
                self.context("error", &text, span);
            }
            _ => self.call(&kind, item, is_done, span),
        }
    }

    fn call(&mut self, kind: &str, item: Value, is_done: bool, span: Span) {
        let id = str_at(&item, "id").map(str::to_owned);
        let (action, observation) = call(kind, item);
        let known = id.as_ref().and_then(|id| self.calls.get(id)).copied();
        let (at, ix) = known.unwrap_or_else(|| {
            let at = self.agent(span).at;
            let ix = self.steps.get(at).map_or(0, |step| step.actions.len());
            if let Some(step) = self.steps.get_mut(at) {
                step.actions.push(Action::default());
            }
            (at, ix)
        });
        self.calls.extend(id.map(|id| (id, (at, ix))));
        let slot = self
            .steps
            .get_mut(at)
            .and_then(|step| step.actions.get_mut(ix));
        if let Some(slot) = slot {
            *slot = action;
            slot.observation = if is_done { Some(observation) } else { None };
        }
        if is_done && self.open.as_ref().is_some_and(|open| open.at == at) {
            self.close();
        }
    }
}

/// Splits an item into call and result.
fn call(kind: &str, mut item: Value) -> (Action, Observation) {
    let id = take_str(&mut item, "id");
    let mut observation = Observation::default();
    if str_at(&item, "status") == Some("failed") {
        observation.is_error = Some(true);
    }
    let mut action;
    match kind {
        "command_execution" => {
            let output = take_str(&mut item, "aggregated_output").unwrap_or_default();
            observation.parts = content_parts(Value::String(output));
            observation.exit_code = item.get("exit_code").and_then(Value::as_i64);
            let command = take(&mut item, "command");
            let cmd = command
                .as_str()
                .map(|command| match shell_words::split(command) {
                    Ok(words) if words.len() == 3 => {
                        let words: Vec<&str> = words.iter().map(String::as_str).collect();
                        items::unwrapped(&words)
                    }
                    _ => command.to_owned(),
                });
            action = Action::new(id, kind, serde_json::json!({ "command": command }));
            action.shell = cmd.map(|cmd| ShellCall {
                cmd: cmd.into(),
                ..ShellCall::default()
            });
        }
        "file_change" => {
            let changes = take_array(&mut item, "changes");
            let edits = changes.iter().filter_map(|change| {
                let op = match str_at(change, "kind") {
                    Some("add") => EditOp::Create,
                    Some("delete") => EditOp::Delete,
                    _ => EditOp::Patch,
                };
                Some(Edit::new(str_at(change, "path")?, op))
            });
            let edits = edits.collect();
            action = Action::new(id, kind, serde_json::json!({ "changes": changes }));
            action.edits = edits;
        }
        "mcp_tool_call" => {
            let tool = take_str(&mut item, "tool").unwrap_or_else(|| kind.to_owned());
            let mut result = take(&mut item, "result");
            let error = item
                .pointer("/error/message")
                .and_then(Value::as_str)
                .map(str::to_owned);
            observation.parts = match (error, result.get("content").is_some()) {
                (Some(error), _) => content_parts(Value::String(error)),
                (None, true) => content_parts(take(&mut result, "content")),
                (None, false) => content_parts(result),
            };
            action = Action::new(id, tool, take(&mut item, "arguments"));
        }
        other => {
            if let Some(fields) = item.as_object_mut() {
                fields.remove("id");
                fields.remove("status");
            }
            action = Action::new(id, other, item);
        }
    }
    (action, observation)
}
