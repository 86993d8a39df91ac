//! `predictions`: what SWE-bench's evaluation reads: instance, model, patch.

use serde_json::json;

use crate::export::Context;
use crate::export::Exporter;
use crate::export::Form;
use crate::export::Loss;
use crate::export::MaskPlace;
use crate::export::Refusal;
use crate::export::Rendered;
use crate::export::Subject;

/// The exporter.
pub(super) const EXPORTER: Exporter = Exporter {
    name: "predictions",
    about: "SWE-bench predictions: instance_id, model_name_or_path, model_patch",
    extension: "jsonl",
    form: Form::Lines,
    masks: MaskPlace::Nowhere,
    tells_verdict: false,
    render,
};

fn render(subject: &mut Subject<'_>, _: &Context) -> Result<Rendered, Refusal> {
    let id = subject.instance_id();
    let trajectory = subject.trajectory()?;
    let patch = trajectory
        .final_patch
        .as_deref()
        .ok_or_else(|| Refusal::new("has no final patch"))?;
    let model = trajectory.model.as_deref().unwrap_or("unknown");
    let mut losses = vec![Loss::of("only the final patch is kept")];
    if trajectory.task_id.is_none() {
        losses.push(Loss::of("has no task id; its own id stands for it"));
    }
    if trajectory.model.is_none() {
        losses.push(Loss::of("names no model; `unknown` stands for it"));
    }
    let row = json!({"instance_id": id, "model_name_or_path": model, "model_patch": patch});
    Ok(Rendered::row(row, losses))
}
