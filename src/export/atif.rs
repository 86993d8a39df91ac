//! `atif`: the trajectory format of Harbor, a trajectory a line.
//!
//! The richest of the formats: every step has its place, context rows as `system` steps with their `event_type`, exit
//! codes and masks in `extra`.

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::export::Context;
use crate::export::Exporter;
use crate::export::Form;
use crate::export::Loss;
use crate::export::MaskPlace;
use crate::export::Refusal;
use crate::export::Rendered;
use crate::export::Subject;
use crate::export::chat_form::in_words;
use crate::export::chat_form::object_of;
use crate::model::Observation;
use crate::model::Part;
use crate::model::Step;
use crate::model::StepKind;
use crate::model::Trajectory;
use crate::review::Mask;

/// The exporter.
pub(super) const EXPORTER: Exporter = Exporter {
    name: "atif",
    about: "ATIF trajectories (Harbor), one a line",
    extension: "jsonl",
    form: Form::Lines,
    masks: MaskPlace::Steps,
    tells_verdict: false,
    render,
};

/// The version of the schema that is written: the first with everything that is used here.
const VERSION: &str = "ATIF-v1.6";

fn render(subject: &mut Subject<'_>, _: &Context) -> Result<Rendered, Refusal> {
    let trajectory = subject.trajectory()?;
    let is_said = |step: &Step| step.kind != StepKind::Context;
    if !trajectory.steps.iter().any(is_said) {
        return Err(Refusal::new("has no messages"));
    }
    let mut lost = Lost::default();
    let steps: Vec<Value> = trajectory
        .steps
        .iter()
        .enumerate()
        .map(|(ix, step)| step_row(ix, step, subject.mask(step.idx), &mut lost))
        .collect();
    let mut row = Map::new();
    row.insert("schema_version".to_owned(), json!(VERSION));
    let session = trajectory.run_id.as_ref().unwrap_or(&trajectory.id);
    row.insert("session_id".to_owned(), json!(session));
    row.insert("agent".to_owned(), agent(trajectory));
    row.insert("steps".to_owned(), Value::Array(steps));
    row.insert("final_metrics".to_owned(), totals(trajectory));
    row.insert("extra".to_owned(), extra(trajectory));
    Ok(Rendered::row(Value::Object(row), lost.told(trajectory)))
}

fn agent(trajectory: &Trajectory) -> Value {
    let known = trajectory.agent.as_deref().unwrap_or("unknown");
    let (name, version) = known
        .rsplit_once(' ')
        .filter(|(_, version)| version.starts_with(|c: char| c.is_ascii_digit()))
        .unwrap_or((known, ""));
    let mut agent = json!({"name": name, "version": version});
    put(
        &mut agent,
        "model_name",
        trajectory.model.as_deref().map(Value::from),
    );
    agent
}

fn put(object: &mut Value, key: &str, value: Option<Value>) {
    if let (Some(fields), Some(value)) = (object.as_object_mut(), value) {
        fields.insert(key.to_owned(), value);
    }
}

fn totals(trajectory: &Trajectory) -> Value {
    let tokens = &trajectory.totals.tokens;
    let mut totals = json!({});
    put(
        &mut totals,
        "total_prompt_tokens",
        tokens.input.map(Value::from),
    );
    put(
        &mut totals,
        "total_completion_tokens",
        tokens.output.map(Value::from),
    );
    put(
        &mut totals,
        "total_cached_tokens",
        tokens.cache_read.map(Value::from),
    );
    put(
        &mut totals,
        "total_cost_usd",
        trajectory.totals.cost.map(Value::from),
    );
    put(
        &mut totals,
        "total_steps",
        Some(json!(trajectory.steps.len())),
    );
    totals
}

fn extra(trajectory: &Trajectory) -> Value {
    let mut extra = json!({});
    let outcome = &trajectory.outcome;
    put(
        &mut extra,
        "instance_id",
        trajectory.task_id.as_deref().map(Value::from),
    );
    put(&mut extra, "resolved", outcome.resolved.map(Value::from));
    put(&mut extra, "reward", outcome.reward.map(Value::from));
    put(
        &mut extra,
        "exit_status",
        outcome.exit_status.as_deref().map(Value::from),
    );
    put(
        &mut extra,
        "error",
        outcome.error.as_deref().map(Value::from),
    );
    let patch = trajectory.final_patch.as_deref();
    put(&mut extra, "model_patch", patch.map(Value::from));
    extra
}

/// What ATIF has no place for, counted.
#[derive(Debug, Default)]
struct Lost {
    images: usize,
    odd_arguments: usize,
    ids: usize,
}

impl Lost {
    fn told(&self, trajectory: &Trajectory) -> Vec<Loss> {
        [
            ("embedded images and references became words", self.images),
            (
                "arguments that are no object were wrapped",
                self.odd_arguments,
            ),
            ("call ids were made up", self.ids),
            (
                "sub-agents, branches and other attempts are gone",
                trajectory.children.len(),
            ),
        ]
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(what, count)| Loss::counted(what, count))
        .collect()
    }
}

fn step_row(ix: usize, step: &Step, mask: Mask, lost: &mut Lost) -> Value {
    let source = match step.kind {
        StepKind::User => "user",
        StepKind::Agent => "agent",
        StepKind::System | StepKind::Context => "system",
    };
    let mut row = json!({"step_id": ix + 1});
    put(
        &mut row,
        "timestamp",
        step.ts.map(|ts| json!(ts.to_string())),
    );
    put(&mut row, "source", Some(json!(source)));
    put(&mut row, "message", Some(message(step, lost)));
    put(
        &mut row,
        "reasoning_content",
        step.reasoning.as_deref().map(Value::from),
    );
    if !step.actions.is_empty() {
        add_calls(&mut row, step, lost);
    }
    put(&mut row, "metrics", metrics(step));
    let mut extra = json!({});
    if step.kind == StepKind::Context {
        let label = step.label.as_deref().unwrap_or("context");
        put(&mut extra, "event_type", Some(json!(label)));
    }
    if step.kind == StepKind::System && (ix > 0 || mask != Mask::Train) {
        // a system step with something in `extra`, or behind others, is a row of context unless it says otherwise
        put(&mut extra, "event_type", Some(json!("system_prompt")));
    }
    if mask != Mask::Train {
        put(&mut extra, "mask", Some(json!(mask.name())));
    }
    if extra.as_object().is_some_and(|fields| !fields.is_empty()) {
        put(&mut row, "extra", Some(extra));
    }
    row
}

fn message(step: &Step, lost: &mut Lost) -> Value {
    let texts = [&step.thought, &step.text];
    let texts: Vec<&str> = texts.into_iter().flatten().map(|text| &**text).collect();
    let text = texts.join("\n\n");
    if step.attachments.is_empty() {
        return json!(text);
    }
    let mut parts = Vec::new();
    if !text.is_empty() {
        parts.push(json!({"type": "text", "text": text}));
    }
    parts.extend(step.attachments.iter().map(|part| part_row(part, lost)));
    Value::Array(parts)
}

fn part_row(part: &Part, lost: &mut Lost) -> Value {
    match part {
        Part::Text { text } => json!({"type": "text", "text": text}),
        Part::Image {
            at: Some(path),
            media_type,
            ..
        } => {
            let media_type = media_type.as_deref().unwrap_or("image/png");
            json!({"type": "image", "source": {"media_type": media_type, "path": path}})
        }
        other => {
            lost.images += 1;
            json!({"type": "text", "text": in_words(other)})
        }
    }
}

fn add_calls(row: &mut Value, step: &Step, lost: &mut Lost) {
    let mut calls = Vec::new();
    let mut results = Vec::new();
    for (ix, action) in step.actions.iter().enumerate() {
        lost.ids += usize::from(action.call_id.is_none());
        lost.odd_arguments += usize::from(!action.args.is_object() && !action.args.is_null());
        // made unique: the ids of some producers begin anew with each response
        let id = match &action.call_id {
            Some(id) => id.clone(),
            None => format!("call_{}_{ix}", step.idx),
        };
        calls.push(json!({
            "tool_call_id": id,
            "function_name": action.tool,
            "arguments": object_of(&action.args),
        }));
        if let Some(seen) = &action.observation {
            results.push(result(&id, seen, lost));
        }
    }
    put(row, "tool_calls", Some(Value::Array(calls)));
    if !results.is_empty() {
        put(row, "observation", Some(json!({ "results": results })));
    }
}

fn result(id: &str, seen: &Observation, lost: &mut Lost) -> Value {
    let content = match seen.parts.as_slice() {
        [] => json!(""),
        [Part::Text { text }] => json!(text),
        parts => Value::Array(parts.iter().map(|part| part_row(part, lost)).collect()),
    };
    let mut result = json!({"source_call_id": id, "content": content});
    let mut extra = json!({});
    put(&mut extra, "exit_code", seen.exit_code.map(Value::from));
    put(&mut extra, "is_error", seen.is_error.map(Value::from));
    put(
        &mut extra,
        "duration_seconds",
        seen.duration_s.map(Value::from),
    );
    if extra.as_object().is_some_and(|fields| !fields.is_empty()) {
        put(&mut result, "extra", Some(extra));
    }
    result
}

fn metrics(step: &Step) -> Option<Value> {
    let mut metrics = json!({});
    if let Some(tokens) = &step.tokens {
        put(&mut metrics, "prompt_tokens", tokens.input.map(Value::from));
        put(
            &mut metrics,
            "completion_tokens",
            tokens.output.map(Value::from),
        );
        put(
            &mut metrics,
            "cached_tokens",
            tokens.cache_read.map(Value::from),
        );
    }
    put(&mut metrics, "cost_usd", step.cost.map(Value::from));
    let has_some = metrics.as_object().is_some_and(|fields| !fields.is_empty());
    has_some.then_some(metrics)
}
