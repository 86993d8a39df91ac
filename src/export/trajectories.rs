//! `trajectories`: a Parquet table with a row a trajectory, for `DuckDB`, Spark and Ray: what the list tells, what filter and
//! people say, and the final patch. Steps are the table of `steps`, joined by `source` or `id`.

use arrow_schema::DataType;
use arrow_schema::Field;
use arrow_schema::Schema;
use serde_json::json;

use crate::columns::text;
use crate::export::Context;
use crate::export::Exporter;
use crate::export::Form;
use crate::export::Loss;
use crate::export::MaskPlace;
use crate::export::Refusal;
use crate::export::Rendered;
use crate::export::Subject;
use crate::model::ContentHash;
use crate::model::Format;
use crate::model::Summary;
use crate::model::TaskKind;
use crate::model::Verdict;

/// The exporter.
pub(super) const EXPORTER: Exporter = Exporter {
    name: "trajectories",
    about: "Parquet with a row a trajectory: facts, verdict, decision, patch (DuckDB, Spark, Ray)",
    extension: "parquet",
    form: Form::Table(schema),
    masks: MaskPlace::Nowhere,
    tells_verdict: true,
    render,
};

fn schema() -> Schema {
    let int = |name: &str| Field::new(name, DataType::Int64, true);
    let float = |name: &str| Field::new(name, DataType::Float64, true);
    Schema::new(vec![
        text("id"),
        text("instance_id"),
        text("sha256"),
        text("source"),
        text("repo"),
        text("task_type"),
        text("model"),
        text("format"),
        Field::new("resolved", DataType::Boolean, true),
        float("reward"),
        text("verdict"),
        text("why"),
        float("score"),
        text("decision"),
        text("outcome"),
        int("steps"),
        int("actions"),
        int("failed_actions"),
        int("tokens_in"),
        int("tokens_out"),
        float("cost"),
        float("duration_s"),
        int("children"),
        text("exit_status"),
        text("error"),
        text("instruction"),
        int("patch_lines"),
        text("final_patch"),
    ])
}

fn render(subject: &mut Subject<'_>, _: &Context) -> Result<Rendered, Refusal> {
    let hash = ContentHash::of(subject.bytes()?);
    let trajectory = subject.trajectory()?;
    let told = Summary::of(trajectory);
    let judged = subject.told.clone().unwrap_or_default();
    let row = json!({
        "id": trajectory.id,
        "instance_id": trajectory.task_id,
        "sha256": hash,
        "source": trajectory.source.place(),
        "repo": told.repo,
        "task_type": told.task_kind.map(TaskKind::name),
        "model": told.model,
        "format": told.format.map(Format::name),
        "resolved": told.resolved,
        "reward": told.reward,
        "verdict": judged.verdict.map(Verdict::name),
        "why": Some(judged.why).filter(|why| !why.is_empty()),
        "score": judged.score,
        "decision": judged.decision,
        "outcome": judged.outcome.name(),
        "steps": told.steps,
        "actions": told.actions,
        "failed_actions": told.failed_actions,
        "tokens_in": told.tokens.input,
        "tokens_out": told.tokens.output,
        "cost": told.cost,
        "duration_s": told.duration_s,
        "children": told.children,
        "exit_status": told.exit_status,
        "error": told.error,
        "instruction": trajectory.instruction.as_deref(),
        "patch_lines": told.patch_lines,
        "final_patch": trajectory.final_patch.as_deref(),
    });
    Ok(Rendered::row(row, vec![Loss::of("steps are gone")]))
}
