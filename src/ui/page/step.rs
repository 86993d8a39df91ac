//! The page of a step: what the model thought and said, then each action with what came back.

use crate::model::Part;
use crate::model::Step;
use crate::model::StepKind;
use crate::model::Tokens;
use crate::theme::Role;
use crate::ui::page::Told;
use crate::ui::page::act;
use crate::ui::page::build::Builder;
use crate::ui::page::build::Folding;
use crate::ui::page::build::Label;
use crate::ui::page::figures;
use crate::ui::page::why;

/// Lines of a system prompt that are shown at first.
const SYSTEM_LINES: usize = 12;

/// Writes the page of `step`, one of `count`.
pub(super) fn build(page: &mut Builder, step: &Step, told: &Told) {
    let (who, role) = speaker(step.kind);
    let mut title: Vec<Label> = vec![(format!("step {}", figures::count(step.idx)), Role::Title)];
    title.push((who.to_owned(), role));
    if let Some(label) = &step.label {
        title.push((label.clone(), Role::Info));
    }
    if step.forgotten == Some(true) {
        title.push(("⚠ forgotten".to_owned(), Role::Warning));
    }
    if let Some(component) = told.component {
        title.push((component.name().to_owned(), Role::Dim));
    }
    page.section(&title, &meta(step));
    for flag in &told.flags {
        page.row(why::flag_row(flag));
    }
    page.thought.clone_from(&step.thought);
    if let Some(text) = step.reasoning.as_ref().filter(|t| !t.trim().is_empty()) {
        page.section(&[("reasoning".to_owned(), Role::Dim)], &[]);
        let limit = page.options.fold_lines.div_ceil(2);
        page.prose(text, Role::Dim, Folding::to_head(limit, 12));
    }
    let has_reasoning = step.reasoning.is_some();
    if let Some(text) = step.thought.as_ref().filter(|t| !t.trim().is_empty()) {
        if has_reasoning {
            page.section(&[("thought".to_owned(), Role::Title)], &[]);
        }
        page.prose(text, Role::Text, Folding::NONE);
    }
    if let Some(text) = step.text.as_ref().filter(|t| !t.trim().is_empty()) {
        if has_reasoning || step.thought.is_some() {
            page.section(&[("message".to_owned(), Role::Title)], &[]);
        }
        let folding = match step.kind {
            StepKind::System => Folding::to_head(SYSTEM_LINES + 4, SYSTEM_LINES),
            StepKind::Context => page.folding(),
            StepKind::User => Folding::over(page.options.fold_lines.saturating_mul(4)),
            StepKind::Agent => Folding::NONE,
        };
        page.prose(text, Role::Text, folding);
    }
    for part in &step.attachments {
        match part {
            Part::Text { text } => {
                let folding = page.folding();
                page.prose(text, Role::Text, folding);
            }
            _ => page.placeholder(part),
        }
    }
    for (ix, action) in step.actions.iter().enumerate() {
        act::build(page, action, (ix + 1, step.actions.len()));
    }
    let is_empty = step.actions.is_empty()
        && step.attachments.is_empty()
        && [&step.text, &step.thought, &step.reasoning]
            .into_iter()
            .all(|text| text.as_ref().is_none_or(|t| t.trim().is_empty()));
    if is_empty {
        page.say("(nothing was said)", Role::Placeholder);
    }
}

/// The word and role of who speaks.
fn speaker(kind: StepKind) -> (&'static str, Role) {
    match kind {
        StepKind::System => ("system", Role::KindSystem),
        StepKind::User => ("user", Role::KindUser),
        StepKind::Agent => ("agent", Role::Strong),
        StepKind::Context => ("context", Role::KindContext),
    }
}

fn meta(step: &Step) -> Vec<Label> {
    let mut meta: Vec<Label> = Vec::new();
    let mut add = |text: String| {
        if !text.is_empty() {
            meta.push((text, Role::Dim));
        }
    };
    if let Some(ts) = step.ts {
        add(figures::clock(ts));
    }
    if let Some(latency) = step.latency_s {
        add(figures::seconds(latency));
    }
    if let Some(tokens) = &step.tokens {
        add(tokens_text(tokens));
    }
    if let Some(cost) = step.cost {
        add(figures::dollars(cost));
    }
    if let Some(branch) = &step.branch_id {
        add(format!("branch {branch}"));
    }
    meta
}

/// `1,234 → 56 tokens`; empty when nothing is known.
pub(super) fn tokens_text(tokens: &Tokens) -> String {
    let number = |n: Option<u64>| n.map(figures::count_u64);
    match (number(tokens.input), number(tokens.output)) {
        (Some(input), Some(output)) => format!("{input} → {output} tokens"),
        (Some(input), None) => format!("{input} tokens in"),
        (None, Some(output)) => format!("{output} tokens out"),
        (None, None) => String::new(),
    }
}
