//! `truncated`: the record starts in the middle, ends before the answer to its last call came, or holds outputs that
//! were cut.
//!
//! Rule: nothing of system, user or instruction stands before the first response; the last response has a call that
//! was not answered and that does not hand in; the end is said to be a limit of context, cost or time; an observation
//! says that it was cut.

use std::sync::LazyLock;

use regex::Regex;

use crate::behave::code::any_of;
use crate::behave::code::fixed;
use crate::behave::course::Course;
use crate::behave::course::seen;
use crate::model::Action;
use crate::model::ActionClass;
use crate::model::Flag;
use crate::model::FlagKind;
use crate::model::Step;
use crate::model::StepKind;

/// Finds them, one a step.
pub(super) fn find(course: &Course<'_>) -> Vec<Flag> {
    let trajectory = course.trajectory;
    let steps = &trajectory.steps;
    let mut found = Vec::new();
    let agent = |step: &&Step| step.kind == StepKind::Agent;
    let first = steps.iter().find(|step| {
        matches!(
            step.kind,
            StepKind::Agent | StepKind::System | StepKind::User
        )
    });
    let is_told = trajectory
        .instruction
        .as_deref()
        .is_some_and(|text| !text.trim().is_empty());
    if let Some(first) = first.filter(|step| step.kind == StepKind::Agent && !is_told) {
        found.push(Flag::of_step(
            FlagKind::Truncated,
            first.idx,
            "it starts with a response, without a prompt",
        ));
    }
    for act in &course.acts {
        let observation = act.action.observation.as_ref();
        let is_cut = observation.is_some_and(|observation| {
            observation.truncated == Some(true) || seen(observation).any(says_cut)
        });
        if is_cut {
            found.push(Flag::of_step(
                FlagKind::Truncated,
                act.step,
                "its output was cut",
            ));
        }
    }
    found.extend(end(course));
    if let Some(last) = steps.iter().rev().find(agent)
        && let Some(action) = last.actions.last()
        && is_unanswered(action)
        && has_answers(course)
        && course.finished.is_none()
    {
        found.push(Flag::of_step(
            FlagKind::Truncated,
            last.idx,
            "it ends before the answer to its last call",
        ));
    }
    found.sort_by_key(|flag| flag.step);
    found.dedup_by_key(|flag| flag.step);
    found
}

/// Whether one of the first or last lines says that something between them was left out.
fn says_cut(text: &str) -> bool {
    static CUT: LazyLock<Regex> = LazyLock::new(|| {
        fixed(concat!(
            r"(?i)\[output truncated\]|too large to display|showing abbreviated version|<response clipped>",
            r"|\[?\.\.\. ?(?:omitted \d+ of \d+ lines|\[?\d+ (?:lines|characters|chars|tokens) (?:omitted|truncated|elided))",
            r"|\(results are truncated|<observation truncated>|\.\.\.eliding lines",
        ))
    });
    static WORDS: LazyLock<Regex> = LazyLock::new(|| {
        any_of([
            "runcated",
            "RUNCATED",
            "too large",
            "bbreviated",
            "clipped",
            "omitted",
            "elided",
            "eliding",
        ])
    });
    WORDS.is_match(text) && CUT.is_match(text)
}

fn is_unanswered(action: &Action) -> bool {
    let hands_in = matches!(
        action.class,
        ActionClass::Finish | ActionClass::Think | ActionClass::Plan
    );
    action.observation.is_none() && !hands_in
}

/// Records without any answers are made that way.
fn has_answers(course: &Course<'_>) -> bool {
    course
        .acts
        .iter()
        .any(|act| act.action.observation.is_some())
        || course.acts.len() == 1
}

/// The end where it is a limit.
fn end(course: &Course<'_>) -> Option<Flag> {
    const LIMITS: [&str; 15] = [
        "exit_cost",
        "exit_context",
        "limits",
        "limit message",
        "message_limit",
        "message limit",
        "token_limit",
        "limit_exceeded",
        "max_iteration",
        "maximum iteration",
        "max_steps",
        "context window",
        "context_length",
        "timeout",
        "max budget",
    ];
    let outcome = &course.trajectory.outcome;
    let said = [outcome.exit_status.as_deref(), outcome.error.as_deref()];
    let said = said.into_iter().flatten().find(|text| {
        let text = text.to_lowercase();
        LIMITS.iter().any(|limit| text.contains(limit))
    })?;
    let at = course
        .trajectory
        .steps
        .iter()
        .rposition(|step| step.kind == StepKind::Agent)?;
    let why = format!("it was ended: {}", crate::text::excerpt(said, 100));
    Some(Flag::of_step(FlagKind::Truncated, at, why))
}

#[cfg(test)]
mod tests {
    use crate::behave::tests::Run;
    use crate::model::FlagKind::Truncated;

    #[test]
    fn something_is_missing() {
        Run::bare()
            .shell("ls", "x", 0)
            .finish("ok")
            .has(Truncated, &[0]);
        Run::issue()
            .shell("cat a", "x", 0)
            .unanswered("ls")
            .has(Truncated, &[2]);
        Run::issue()
            .shell("cat a", "x\n[... omitted 2 of 9 lines ...]\ny", 0)
            .finish("ok")
            .has(Truncated, &[1]);
        Run::issue()
            .cut("cat a", "x")
            .finish("ok")
            .has(Truncated, &[1]);
        Run::issue()
            .shell("ls", "x", 0)
            .exit("exit_context")
            .has(Truncated, &[1]);
        Run::issue()
            .shell("ls", "x", 0)
            .exit("LimitsExceeded")
            .has(Truncated, &[1]);
    }

    #[test]
    fn all_is_there() {
        Run::issue()
            .shell("ls", "x", 0)
            .finish("ok")
            .has(Truncated, &[]);
        Run::issue()
            .shell("ls", "x", 0)
            .exit("submitted")
            .has(Truncated, &[]);
        Run::issue()
            .unanswered("ls")
            .unanswered("ls")
            .finish("ok")
            .has(Truncated, &[]);
    }
}
