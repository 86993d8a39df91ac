//! The last step of every reader: what is the same for all formats.

use crate::model::Stamp;
use crate::model::StepKind;
use crate::model::Tokens;
use crate::model::Trajectory;
use crate::read::understand;

/// Numbers the steps, understands the actions, and fills what is still unknown: id, instruction, totals, last words.
pub(super) fn complete(trajectory: &mut Trajectory) {
    for (idx, step) in trajectory.steps.iter_mut().enumerate() {
        step.idx = idx;
    }
    understand::understand(trajectory);
    for child in &mut trajectory.children {
        complete(&mut child.trajectory);
    }
    fill_identity(trajectory);
    fill_totals(trajectory);
    if trajectory.instruction.is_none() {
        let first = trajectory
            .steps
            .iter()
            .find(|step| step.kind == StepKind::User);
        trajectory.instruction = first.and_then(|step| step.text.clone());
    }
    if trajectory.finish.is_none() {
        trajectory.finish = understand::last_words(trajectory);
    }
    if let (Some(task), Some(id)) = (&mut trajectory.task, &trajectory.task_id) {
        task.id.get_or_insert_with(|| id.clone());
    }
}

fn fill_identity(trajectory: &mut Trajectory) {
    if trajectory.task_id.is_none() {
        trajectory.task_id = trajectory.task.as_ref().and_then(|task| task.id.clone());
    }
    if trajectory.id.is_empty() {
        let id = trajectory
            .task_id
            .clone()
            .or_else(|| trajectory.run_id.clone());
        trajectory.id = id.unwrap_or_else(|| trajectory.source.fallback_id());
    }
}

fn fill_totals(trajectory: &mut Trajectory) {
    let totals = &mut trajectory.totals;
    if totals.cost.is_none() {
        let costs: Vec<f64> = trajectory
            .steps
            .iter()
            .filter_map(|step| step.cost)
            .collect();
        totals.cost = (!costs.is_empty()).then(|| costs.iter().sum());
    }
    if totals.tokens == Tokens::default() {
        for tokens in trajectory
            .steps
            .iter()
            .filter_map(|step| step.tokens.as_ref())
        {
            totals.tokens.add(tokens);
        }
    }
    if totals.duration_s.is_none() {
        let of_steps = trajectory.steps.iter().filter_map(|step| step.ts);
        let of_results = trajectory
            .steps
            .iter()
            .flat_map(|step| &step.actions)
            .filter_map(|action| action.observation.as_ref().and_then(|o| o.ts));
        let stamps: Vec<Stamp> = of_steps.chain(of_results).collect();
        if let (Some(first), Some(last)) = (stamps.iter().min(), stamps.iter().max())
            && stamps.len() > 1
        {
            totals.duration_s = Some(last.seconds_since(*first));
        }
    }
}
