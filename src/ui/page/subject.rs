//! The pages that are about no single step: the task, the end, a child.

use std::sync::Arc;

use crate::model::Child;
use crate::model::ChildKind;
use crate::model::StepKind;
use crate::model::TaskKind;
use crate::model::Text;
use crate::model::Trajectory;
use crate::theme::Role;
use crate::ui::page::build::Builder;
use crate::ui::page::build::Folding;
use crate::ui::page::build::Label;
use crate::ui::page::edit;
use crate::ui::page::figures;
use crate::ui::page::step::tokens_text;

/// Writes what is asked, of whom, and how it came out.
pub(super) fn task(page: &mut Builder, trajectory: &Trajectory) {
    let task = trajectory.task.as_ref();
    let kind = task.map(|task| task.kind.name());
    let kind = kind.filter(|name| *name != TaskKind::Other.name());
    let mut title: Vec<Label> = vec![("task".to_owned(), Role::Title)];
    title.push((trajectory.id.clone(), Role::Strong));
    page.section(&title, &outcome_mark(trajectory));
    let task_id = task
        .and_then(|task| task.id.as_deref())
        .or(trajectory.task_id.as_deref());
    page.fact("task", task_id.filter(|id| *id != trajectory.id));
    page.fact("run", trajectory.run_id.as_deref());
    page.fact("kind", kind);
    page.fact("repository", task.and_then(|task| task.repo.as_deref()));
    page.fact(
        "base commit",
        task.and_then(|task| task.base_commit.as_deref()),
    );
    page.fact("model", trajectory.model.as_deref());
    page.fact("agent", trajectory.agent.as_deref());
    let format = trajectory.source.format.map(|format| {
        let variant = trajectory.source.variant.as_deref();
        variant.map_or_else(
            || format.name().to_owned(),
            |variant| format!("{} ({variant})", format.name()),
        )
    });
    page.fact("format", format.as_deref());
    page.fact("source", Some(&source(trajectory)));
    totals(page, trajectory);
    outcome(page, trajectory);
    statement(page, trajectory);
    if let Some(patch) = task.and_then(|task| task.gold_patch.as_ref()) {
        page.section(&[("reference patch".to_owned(), Role::Title)], &[]);
        edit::patch(page, patch);
    }
}

fn statement(page: &mut Builder, trajectory: &Trajectory) {
    let own = trajectory
        .task
        .as_ref()
        .and_then(|task| task.statement.as_ref());
    let asked = trajectory.instruction.as_ref();
    if let Some(text) = asked {
        page.section(&[("what was asked".to_owned(), Role::KindUser)], &[]);
        page.prose(text, Role::Text, Folding::NONE);
    }
    let own = own.filter(|own| asked.is_none_or(|asked| !asked.contains(own.trim())));
    if let Some(text) = own {
        page.section(&[("the task says".to_owned(), Role::KindUser)], &[]);
        page.prose(text, Role::Text, Folding::NONE);
    }
    if asked.is_none() && own.is_none() {
        page.gap();
        page.say("no statement recorded", Role::Placeholder);
    }
}

fn source(trajectory: &Trajectory) -> String {
    let source = &trajectory.source;
    let mut text = source.path.display().to_string();
    if let Some(member) = &source.member {
        text.push_str(" › ");
        text.push_str(member);
    }
    if source.row > 0 {
        text.push_str(&format!(" #{}", source.row));
    }
    text
}

fn outcome_mark(trajectory: &Trajectory) -> Vec<Label> {
    let mut meta: Vec<Label> = match trajectory.outcome.resolved {
        Some(true) => vec![("✓ resolved".to_owned(), Role::Success)],
        Some(false) => vec![("✗ not resolved".to_owned(), Role::Error)],
        None => Vec::new(),
    };
    let reward = trajectory.outcome.reward;
    meta.extend(reward.map(|reward| (format!("reward {reward}"), Role::Info)));
    meta
}

fn outcome(page: &mut Builder, trajectory: &Trajectory) {
    let outcome = &trajectory.outcome;
    match outcome.resolved {
        Some(true) => page.fact_in("outcome", "✓ resolved", Role::Success),
        Some(false) => page.fact_in("outcome", "✗ not resolved", Role::Error),
        None => {}
    }
    page.fact("reward", outcome.reward.map(|r| r.to_string()).as_deref());
    page.fact("label from", outcome.label_source.as_deref());
    page.fact("ended", outcome.exit_status.as_deref());
    let error = outcome.error.as_deref().filter(|error| !error.is_empty());
    if let Some(error) = error {
        let is_short = error.len() <= 200 && !error.trim_end().contains('\n');
        if is_short {
            page.fact_in("error", error.trim_end(), Role::Error);
        } else {
            page.fact_in("error", "", Role::Error);
            let folding = page.folding();
            page.output(&Text::from(error), Role::Error, folding);
        }
    }
}

fn totals(page: &mut Builder, trajectory: &Trajectory) {
    let totals = &trajectory.totals;
    let steps = format!(
        "{}, {}",
        figures::counted(trajectory.agent_steps(), "response"),
        figures::counted(trajectory.action_count(), "call")
    );
    page.fact("steps", Some(&steps));
    page.fact("tokens", Some(&tokens_text(&totals.tokens)));
    page.fact("cost", totals.cost.map(figures::dollars).as_deref());
    page.fact(
        "duration",
        totals.duration_s.map(figures::seconds).as_deref(),
    );
}

/// Writes how it ended: last words, outcome, cost, what the reader noticed, the final patch.
pub(super) fn end(page: &mut Builder, trajectory: &Trajectory) {
    page.section(
        &[("end".to_owned(), Role::Title)],
        &outcome_mark(trajectory),
    );
    totals(page, trajectory);
    outcome(page, trajectory);
    if let Some(text) = trajectory.finish.as_ref().filter(|t| !t.trim().is_empty()) {
        page.section(&[("last words".to_owned(), Role::ClassFinish)], &[]);
        page.prose(text, Role::Text, Folding::NONE);
    }
    if !trajectory.notes.is_empty() {
        let count = figures::counted(trajectory.notes.len(), "note");
        page.section(
            &[("noticed while reading".to_owned(), Role::Warning)],
            &[(count, Role::Dim)],
        );
        for note in trajectory.notes.iter().take(1000) {
            let place = note
                .byte
                .map(|byte| format!(" (byte {})", figures::count_u64(byte)));
            page.say(
                &format!("{}{}", note.what, place.unwrap_or_default()),
                Role::Text,
            );
        }
    }
    page.section(&[("final patch".to_owned(), Role::ClassEdit)], &[]);
    match trajectory.final_patch.as_ref() {
        Some(patch) if patch.trim().is_empty() => page.say("(empty)", Role::Placeholder),
        Some(patch) => edit::patch(page, patch),
        None => page.say("no patch recorded", Role::Placeholder),
    }
}

/// Writes what a child is and did.
pub(super) fn child(page: &mut Builder, child: &Child) {
    let kind = match child.kind {
        ChildKind::SubAgent => "sub-agent",
        ChildKind::Branch => "branch not taken",
        ChildKind::Attempt => "other attempt",
        ChildKind::Continuation => "continuation",
    };
    let trajectory = &child.trajectory;
    page.section(
        &[
            (kind.to_owned(), Role::ClassDelegate),
            (child.title.clone(), Role::Strong),
        ],
        &outcome_mark(trajectory),
    );
    page.fact("id", Some(&trajectory.id));
    let at = child
        .at_step
        .map(|at| format!("step {}", figures::count(at + 1)));
    page.fact("after", at.as_deref());
    page.fact("model", trajectory.model.as_deref());
    page.fact("agent", trajectory.agent.as_deref());
    totals(page, trajectory);
    outcome(page, trajectory);
    let first_said = || {
        let user = trajectory
            .steps
            .iter()
            .find(|step| step.kind == StepKind::User)?;
        user.text.as_ref()
    };
    if let Some(text) = trajectory.instruction.as_ref().or_else(first_said) {
        page.section(&[("what was asked".to_owned(), Role::KindUser)], &[]);
        let folding = Folding::to_head(24, 16);
        page.prose(&Arc::clone(text), Role::Text, folding);
    }
    if let Some(text) = trajectory.finish.as_ref().filter(|t| !t.trim().is_empty()) {
        page.section(&[("last words".to_owned(), Role::ClassFinish)], &[]);
        page.prose(text, Role::Text, Folding::to_head(24, 16));
    }
}
