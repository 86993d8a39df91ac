//! The last step of every reader: what is the same for all formats.

use crate::model::Stamp;
use crate::model::Step;
use crate::model::StepKind;
use crate::model::Task;
use crate::model::TaskKind;
use crate::model::Text;
use crate::model::Tokens;
use crate::model::Trajectory;
use crate::read::understand;

/// Numbers the steps, understands the actions, and fills what is still unknown: id, instruction, totals, last words.
pub(super) fn complete(trajectory: &mut Trajectory) {
    for (idx, step) in trajectory.steps.iter_mut().enumerate() {
        step.idx = idx;
    }
    for step in &mut trajectory.steps {
        part_reasoning(step);
    }
    understand::understand(trajectory);
    for child in &mut trajectory.children {
        complete(&mut child.trajectory);
    }
    fill_finish(trajectory);
    fill_run(trajectory);
}

/// Fills what is said of the conversation, as [`complete`] does; children are not entered.
pub(super) fn complete_for_conversation(trajectory: &mut Trajectory) {
    for (idx, step) in trajectory.steps.iter_mut().enumerate() {
        step.idx = idx;
        part_reasoning(step);
    }
    understand::grade(trajectory);
    fill_run(trajectory);
}

/// Fills what a row of the list shows, as [`complete`] does; children are not entered.
pub(super) fn complete_for_row(trajectory: &mut Trajectory) {
    understand::grade(trajectory);
    fill_run(trajectory);
}

/// Fills what is said of the run as a whole, as [`complete`] does: nothing of actions and children.
pub(super) fn fill_run(trajectory: &mut Trajectory) {
    fill_identity(trajectory);
    fill_totals(trajectory);
    if trajectory.instruction.is_none() {
        let users = || trajectory.steps.iter().filter(|s| s.kind == StepKind::User);
        let is_said = |step: &&Step| {
            let text = step.text.as_deref();
            text.is_some_and(|text| understand::injected(text).is_none())
        };
        let first = users().find(is_said).or_else(|| users().next());
        trajectory.instruction = first.and_then(|step| step.text.clone());
    }
    fill_task(trajectory);
    if let (Some(task), Some(id)) = (&mut trajectory.task, &trajectory.task_id) {
        task.id.get_or_insert_with(|| id.clone());
    }
}

fn fill_finish(trajectory: &mut Trajectory) {
    if trajectory.finish.is_none() {
        trajectory.finish = understand::last_words(trajectory);
    }
    trajectory.finish = trajectory
        .finish
        .take()
        .map(|words| match part_think(&words) {
            Some((_, rest)) if !rest.is_empty() => rest.into(),
            _ => words,
        });
}

/// Tells the kind of task from the prompt where no instance tells it. A task of which nothing is known is none.
/// The same issue may be there to be resolved or to be localised; its instance does not say which.
fn fill_task(trajectory: &mut Trajectory) {
    let kind = || understand::kind_of(trajectory.instruction.as_deref()?);
    match &mut trajectory.task {
        Some(task) if task.kind == TaskKind::Other => task.kind = kind().unwrap_or_default(),
        Some(task) if task.kind == TaskKind::Issue => {
            if kind() == Some(TaskKind::IssueLocalize) {
                task.kind = TaskKind::IssueLocalize;
            }
        }
        Some(_) => {}
        None => {
            trajectory.task = kind().map(|kind| Task {
                kind,
                ..Task::default()
            });
        }
    }
}

/// Some servers leave the reasoning in the message too, as a `<think>` block at its beginning: it leaves the words there
/// and becomes the reasoning where the step has none. A block that says something else than the reasoning stays.
fn part_reasoning(step: &mut Step) {
    if step.kind != StepKind::Agent {
        return;
    }
    for words in [&mut step.thought, &mut step.text] {
        let Some((think, rest)) = words.as_deref().and_then(part_think) else {
            continue;
        };
        let is_known = match &step.reasoning {
            None => false,
            Some(reasoning) => {
                let reasoning = reasoning.trim();
                if !(think.is_empty() || reasoning.contains(think) || think.contains(reasoning)) {
                    continue;
                }
                true
            }
        };
        if !is_known && !think.is_empty() {
            step.reasoning = Some(think.into());
        }
        let rest = (!rest.is_empty()).then(|| Text::from(rest));
        *words = rest;
    }
}

/// What stands in a `<think>` block at the beginning, and what follows it; both trimmed.
fn part_think(words: &str) -> Option<(&str, &str)> {
    let body = words.trim_start().strip_prefix("<think>")?;
    let (think, rest) = body.split_once("</think>")?;
    Some((think.trim(), rest.trim()))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn parts(reasoning: Option<&str>, thought: &str, want: (Option<&str>, Option<&str>)) {
        let mut step = Step::new(StepKind::Agent);
        step.reasoning = reasoning.map(Text::from);
        step.thought = Some(thought.into());
        part_reasoning(&mut step);
        let got = (step.reasoning.as_deref(), step.thought.as_deref());
        assert_eq!(got, want, "{thought}");
    }

    #[test]
    fn reasoning_leaves_the_words() {
        parts(
            Some("a b"),
            "<think>\na b\n</think>\n\nsaid",
            (Some("a b"), Some("said")),
        );
        parts(None, "<think>a</think>said", (Some("a"), Some("said")));
        parts(None, "<think>a</think>", (Some("a"), None));
        parts(Some("a"), "<think></think>x", (Some("a"), Some("x")));
        let other = "<think>c</think>x";
        parts(Some("a"), other, (Some("a"), Some(other)));
        parts(
            None,
            "no <think>a</think>",
            (None, Some("no <think>a</think>")),
        );
        parts(None, "<think>no end", (None, Some("<think>no end")));
    }
}
