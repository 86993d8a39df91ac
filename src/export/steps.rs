//! `steps`: a Parquet table with a row a step, for `DuckDB`, Spark and Ray.

use arrow_schema::DataType;
use arrow_schema::Field;
use arrow_schema::Schema;
use serde_json::Value;
use serde_json::json;

use crate::columns::list;
use crate::columns::text;
use crate::export::Context;
use crate::export::Exporter;
use crate::export::Form;
use crate::export::Loss;
use crate::export::MaskPlace;
use crate::export::Refusal;
use crate::export::Rendered;
use crate::export::Subject;
use crate::export::chat_form::in_words;
use crate::model::Action;
use crate::model::Observation;

/// The exporter.
pub(super) const EXPORTER: Exporter = Exporter {
    name: "steps",
    about: "Parquet with a row a step (DuckDB, Spark, Ray)",
    extension: "parquet",
    form: Form::Table(schema),
    masks: MaskPlace::Steps,
    tells_verdict: false,
    render,
};

fn schema() -> Schema {
    let int = |name: &str| Field::new(name, DataType::Int64, true);
    let float = |name: &str| Field::new(name, DataType::Float64, true);
    let truth = |name: &str| Field::new(name, DataType::Boolean, true);
    let action = vec![
        text("call_id"),
        text("tool"),
        text("class"),
        text("args"),
        text("observation"),
        int("exit_code"),
        truth("is_error"),
        float("duration_s"),
    ];
    Schema::new(vec![
        text("id"),
        text("instance_id"),
        text("repo"),
        text("model"),
        text("format"),
        text("source"),
        truth("resolved"),
        int("step"),
        text("kind"),
        text("label"),
        text("mask"),
        text("text"),
        text("thought"),
        text("reasoning"),
        list("actions", DataType::Struct(action.into())),
        text("ts"),
        float("cost"),
        int("tokens_in"),
        int("tokens_out"),
        float("latency_s"),
    ])
}

fn render(subject: &mut Subject<'_>, _: &Context) -> Result<Rendered, Refusal> {
    let trajectory = subject.trajectory()?;
    let source = trajectory.source.place();
    let task = trajectory.task.as_ref();
    let rows: Vec<Value> = trajectory
        .steps
        .iter()
        .map(|step| {
            let actions: Vec<Value> = step.actions.iter().map(action).collect();
            let tokens = step.tokens.as_ref();
            json!({
                "id": trajectory.id,
                "instance_id": trajectory.task_id,
                "repo": task.and_then(|task| task.repo.as_deref()),
                "model": trajectory.model,
                "format": trajectory.source.format.map(crate::model::Format::name),
                "source": source,
                "resolved": trajectory.outcome.resolved,
                "step": step.idx,
                "kind": step.kind,
                "label": step.label,
                "mask": subject.mask(step.idx).name(),
                "text": step.text,
                "thought": step.thought,
                "reasoning": step.reasoning,
                "actions": actions,
                "ts": step.ts.map(|ts| ts.to_string()),
                "cost": step.cost,
                "tokens_in": tokens.and_then(|tokens| tokens.input),
                "tokens_out": tokens.and_then(|tokens| tokens.output),
                "latency_s": step.latency_s,
            })
        })
        .collect();
    if rows.is_empty() {
        return Err(Refusal::new("has no steps"));
    }
    let mut losses = Vec::new();
    if !trajectory.children.is_empty() {
        losses.push(Loss::counted(
            "sub-agents, branches and other attempts are gone",
            trajectory.children.len(),
        ));
    }
    Ok(Rendered::rows(rows, losses))
}

fn action(action: &Action) -> Value {
    let seen = action.observation.as_ref();
    json!({
        "call_id": action.call_id,
        "tool": action.tool,
        "class": action.class.name(),
        "args": action.args.to_string(),
        "observation": seen.map(words),
        "exit_code": seen.and_then(|seen| seen.exit_code),
        "is_error": seen.and_then(|seen| seen.is_error),
        "duration_s": seen.and_then(|seen| seen.duration_s),
    })
}

/// An observation as one text.
pub(super) fn words(observation: &Observation) -> String {
    let parts: Vec<String> = observation.parts.iter().map(in_words).collect();
    parts.join("\n")
}
