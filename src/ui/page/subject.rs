//! The pages that are about no single step: the task, the end, a child.

use std::sync::Arc;

use crate::model::Child;
use crate::model::Format;
use crate::model::Step;
use crate::model::StepKind;
use crate::model::Task;
use crate::model::TaskKind;
use crate::model::Text;
use crate::model::Trajectory;
use crate::read::understand;
use crate::tasks::TaskPlace;
use crate::tasks::places;
use crate::tasks::prompt::Prompts;
use crate::text::clip;
use crate::theme::Role;
use crate::theme::signs;
use crate::ui::page::block::Block;
use crate::ui::page::block::Body;
use crate::ui::page::build::Builder;
use crate::ui::page::build::Folding;
use crate::ui::page::build::Label;
use crate::ui::page::drawn::Drawn;
use crate::ui::page::edit;
use crate::ui::page::figures;
use crate::ui::page::finding::Judgements;
use crate::ui::page::line::step_line;
use crate::ui::page::step::tokens_text;
use crate::ui::page::task;
use crate::ui::page::why;

/// Characters of a commit that tell it.
const SHA_BYTES: usize = 12;

/// Notes that are shown at most.
const MAX_NOTES: usize = 1000;

/// Writes what is asked, of whom, and how it came out.
pub(super) fn asked(page: &mut Builder, trajectory: &Trajectory) {
    let places = trajectory.task.as_ref().map(places).unwrap_or_default();
    facts(page, trajectory, &places, None);
    let difficulty = |page: &mut Builder| {
        if let Some(task) = &trajectory.task {
            task::difficulty(page, task, &places);
        }
    };
    if trajectory.is_task() {
        difficulty(page);
    }
    // Side records are nothing but what the reader noticed; elsewhere the question comes first.
    let is_side = trajectory.source.format.is_some_and(Format::is_side);
    if is_side {
        notes(page, trajectory);
    }
    statement(page, trajectory, is_side, Folding::NONE);
    if !is_side {
        notes(page, trajectory);
    }
    if !trajectory.is_task() {
        difficulty(page);
    }
    reference_patch(page, trajectory);
}

/// Writes the same with the statement folded, the steps by one line each, and what the filters say where it is given.
pub(super) fn preview(page: &mut Builder, trajectory: &Trajectory, judged: Option<Judgements<'_>>) {
    const STATEMENT_LINES: usize = 12;
    let places = trajectory.task.as_ref().map(places).unwrap_or_default();
    facts(page, trajectory, &places, judged);
    let is_side = trajectory.source.format.is_some_and(Format::is_side);
    notes(page, trajectory);
    let folding = Folding::to_head(STATEMENT_LINES + 4, STATEMENT_LINES);
    statement(page, trajectory, is_side, folding);
    steps(page, trajectory);
    reference_patch(page, trajectory);
}

/// The steps of agent and user: number, sign and meaning, each in one row.
fn steps(page: &mut Builder, trajectory: &Trajectory) {
    /// More than anybody reads in a preview.
    const MOST: usize = 500;
    // What was asked stands above already.
    let told = |step: &&Step| match step.kind {
        StepKind::Agent => true,
        StepKind::User => step.text.as_deref() != trajectory.instruction.as_deref(),
        StepKind::System | StepKind::Context => false,
    };
    let count = trajectory.steps.iter().filter(told).count();
    if count == 0 {
        return;
    }
    page.section(&[("steps".to_owned(), Role::Title)], &[]);
    let last = trajectory.steps.last().map_or(0, |step| step.idx);
    let digits = last.to_string().len();
    let cells = page.width().saturating_sub(digits + 3);
    let mut rows = Vec::new();
    for step in trajectory.steps.iter().filter(told).take(MOST) {
        let (sign, role) = signs::step_sign(step);
        let mut row = Drawn::new();
        row.can_wrap = false;
        row.push(&format!("{:>digits$} ", step.idx), Role::LineNo);
        row.push(&format!("{sign} "), role);
        let line = step_line(step, &understand::step_meaning(step), cells);
        row.push(&clip(&line, cells), Role::Text);
        if step.has_error() {
            row.push(" ✗", Role::Error);
        }
        rows.push(row);
    }
    page.block(Block::new(Body::Rows(rows)));
    if count > MOST {
        page.say(
            &format!("⋯ {} more", figures::count(count - MOST)),
            Role::Dim,
        );
    }
}

/// Who worked on what, how it came out, and what the filters say where it is given.
fn facts(
    page: &mut Builder,
    trajectory: &Trajectory,
    places: &[TaskPlace],
    judged: Option<Judgements<'_>>,
) {
    let task = trajectory.task.as_ref();
    let kind = task.map(|task| task.kind.name());
    let kind = kind.filter(|name| *name != TaskKind::Other.name());
    let mut title: Vec<Label> = vec![("task".to_owned(), Role::Title)];
    title.push((trajectory.id.clone(), Role::Strong));
    let mark = outcome_mark(page, trajectory);
    page.section(&title, &mark);
    let task_id = task
        .and_then(|task| task.id.as_deref())
        .or(trajectory.task_id.as_deref());
    page.fact("task", task_id.filter(|id| *id != trajectory.id));
    let run = trajectory.run_name();
    if let Some(run) = run.filter(|run| *run != trajectory.id && !run.is_empty()) {
        page.path_fact("run", run);
    }
    let attempt = trajectory.attempt.map(|attempt| attempt.to_string());
    page.fact("attempt", attempt.as_deref());
    page.fact("kind", kind);
    page.fact("repository", repository(task).as_deref());
    task::places(page, places);
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
    page.path_fact("source", &trajectory.source.place());
    if trajectory.is_task() {
        // nobody worked on it in this record
        return;
    }
    totals(page, trajectory);
    outcome(page, trajectory, ErrorText::Line);
    if let Some(judged) = judged {
        why::verdict_facts(page, judged);
    }
}

fn reference_patch(page: &mut Builder, trajectory: &Trajectory) {
    let task = trajectory.task.as_ref();
    if let Some(patch) = task.and_then(|task| task.gold_patch.as_ref()) {
        page.section(&[("reference patch".to_owned(), Role::Title)], &[]);
        edit::patch(page, patch);
    }
}

/// `owner/name at 0123456789ab`, as far as it is known.
fn repository(task: Option<&Task>) -> Option<String> {
    let task = task?;
    let commit = task.base_commit.as_deref().filter(|sha| !sha.is_empty());
    let commit = commit.map(|sha| sha.get(..sha.floor_char_boundary(SHA_BYTES)).unwrap_or(sha));
    match (task.repo.as_deref().filter(|repo| !repo.is_empty()), commit) {
        (Some(repo), Some(commit)) => Some(format!("{repo} at {commit}")),
        (Some(one), None) => Some(one.to_owned()),
        (None, Some(commit)) => Some(format!("at {commit}")),
        (None, None) => None,
    }
}

/// Writes what the reader noticed.
fn notes(page: &mut Builder, trajectory: &Trajectory) {
    if trajectory.notes.is_empty() {
        return;
    }
    let count = figures::counted(trajectory.notes.len(), "note");
    page.section(
        &[("notes".to_owned(), Role::Warning)],
        &[(count, Role::Dim)],
    );
    for note in trajectory.notes.iter().take(MAX_NOTES) {
        let place = note
            .byte
            .map(|byte| format!(" (byte {})", figures::count_u64(byte)));
        let text = format!("{}{}", note.what, place.unwrap_or_default());
        for line in text.lines() {
            page.say(line, Role::Text);
        }
    }
    let left = trajectory.notes.len().saturating_sub(MAX_NOTES);
    if left > 0 {
        page.say(&format!("⋯ {} more", figures::count(left)), Role::Dim);
    }
}

fn statement(page: &mut Builder, trajectory: &Trajectory, is_side: bool, folding: Folding) {
    let own = trajectory
        .task
        .as_ref()
        .and_then(|task| task.statement.as_ref());
    let asked = trajectory.instruction.as_ref();
    if let Some(text) = asked {
        page.section(&[("what was asked".to_owned(), Role::KindUser)], &[]);
        page.prose(text, Role::Text, folding);
    }
    let own = own.filter(|own| asked.is_none_or(|asked| !asked.contains(own.trim())));
    if let Some(text) = own {
        page.section(&[("the task says".to_owned(), Role::KindUser)], &[]);
        page.prose(text, Role::Text, folding);
    }
    let prompt = trajectory.task.as_ref().filter(|_| trajectory.is_task());
    if let Some(text) = prompt.and_then(prompt_of) {
        let title = [("the prompt that is made of it".to_owned(), Role::KindUser)];
        page.section(&title, &[]);
        page.prose(&text, Role::Text, folding);
    }
    if asked.is_none() && own.is_none() && !is_side {
        page.gap();
        page.say("no statement recorded", Role::Placeholder);
    }
}

/// What an agent is asked, by the built-in template; `None` for tasks of other types.
fn prompt_of(task: &Task) -> Option<Text> {
    let text = Prompts::built_in().ok()?.render(task, "/workspace").ok()?;
    Some(text.into())
}

fn outcome_mark(page: &Builder, trajectory: &Trajectory) -> Vec<Label> {
    if page.is_blind() {
        return Vec::new();
    }
    let mut meta: Vec<Label> = match trajectory.outcome.resolved {
        Some(true) => vec![("✓ resolved".to_owned(), Role::Success)],
        Some(false) => vec![("✗ not resolved".to_owned(), Role::Error)],
        None => Vec::new(),
    };
    let reward = trajectory.outcome.reward;
    meta.extend(reward.map(|reward| (format!("reward {reward}"), Role::Info)));
    meta
}

/// How much of the error that ended a run is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ErrorText {
    /// Its first line, as far as it fits.
    Line,
    /// All of it.
    Whole,
}

fn outcome(page: &mut Builder, trajectory: &Trajectory, how: ErrorText) {
    let outcome = &trajectory.outcome;
    let mut facts: Vec<Label> = Vec::new();
    if page.is_blind() {
        facts.push(("hidden until you have decided".to_owned(), Role::Dim));
    } else {
        match outcome.resolved {
            Some(true) => facts.push(("✓ resolved".to_owned(), Role::Success)),
            Some(false) => facts.push(("✗ not resolved".to_owned(), Role::Error)),
            None => {}
        }
        let reward = outcome.reward.map(|reward| format!("reward {reward}"));
        facts.extend(reward.map(|reward| (reward, Role::Text)));
        let source = outcome.label_source.as_deref();
        facts.extend(source.map(|source| (format!("from {source}"), Role::Dim)));
    }
    page.labels_fact("outcome", &facts);
    page.fact("ended", outcome.exit_status.as_deref());
    let error = outcome.error.as_deref().map(str::trim);
    let Some(error) = error.filter(|error| !error.is_empty()) else {
        return;
    };
    let is_short = error.len() <= 200 && !error.contains('\n');
    match how {
        ErrorText::Line => page.line_fact("error", error, Role::Error),
        ErrorText::Whole if is_short => page.fact_in("error", error, Role::Error),
        ErrorText::Whole => {
            page.fact_in("error", "", Role::Error);
            let folding = page.folding();
            page.output(&Text::from(error), Role::Error, folding);
        }
    }
}

fn totals(page: &mut Builder, trajectory: &Trajectory) {
    let totals = &trajectory.totals;
    let mut steps: Vec<Label> = vec![(
        format!(
            "{}, {}",
            figures::counted(trajectory.agent_steps(), "response"),
            figures::counted(trajectory.action_count(), "call")
        ),
        Role::Text,
    )];
    let duration = totals.duration_s.map(figures::seconds);
    steps.extend(duration.map(|duration| (duration, Role::Text)));
    page.labels_fact("steps", &steps);
    let mut cost: Vec<Label> = Vec::new();
    let dollars = totals.cost.map(figures::dollars);
    cost.extend(dollars.map(|dollars| (dollars, Role::Text)));
    cost.push((tokens_text(&totals.tokens), Role::Text));
    page.labels_fact("cost", &cost);
}

/// Writes how it ended: last words, outcome, cost, what the reader noticed, the final patch.
pub(super) fn end(page: &mut Builder, trajectory: &Trajectory) {
    let mark = outcome_mark(page, trajectory);
    page.section(&[("end".to_owned(), Role::Title)], &mark);
    totals(page, trajectory);
    outcome(page, trajectory, ErrorText::Whole);
    if let Some(text) = trajectory.finish.as_ref().filter(|t| !t.trim().is_empty()) {
        page.section(&[("last words".to_owned(), Role::ClassFinish)], &[]);
        page.prose(text, Role::Text, Folding::NONE);
    }
    notes(page, trajectory);
    page.section(&[("final patch".to_owned(), Role::ClassEdit)], &[]);
    match trajectory.final_patch.as_ref() {
        Some(patch) if patch.trim().is_empty() => page.say("(empty)", Role::Placeholder),
        Some(patch) => edit::patch(page, patch),
        None => page.say("no patch recorded", Role::Placeholder),
    }
}

/// Writes what a child is and did.
pub(super) fn child(page: &mut Builder, child: &Child) {
    let trajectory = &child.trajectory;
    let title = [
        (child.kind.name().to_owned(), Role::ClassDelegate),
        (child.title.clone(), Role::Strong),
    ];
    let mark = outcome_mark(page, trajectory);
    page.section(&title, &mark);
    page.fact("id", Some(&trajectory.id));
    let at = child
        .at_step
        .map(|at| format!("step {}", figures::count(at)));
    page.fact("after", at.as_deref());
    page.fact("model", trajectory.model.as_deref());
    page.fact("agent", trajectory.agent.as_deref());
    totals(page, trajectory);
    outcome(page, trajectory, ErrorText::Line);
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
