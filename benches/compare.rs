//! Times the alignment of two attempts and prints a table:
//!
//! `cargo bench --bench compare`
//!
//! Attempts of 500 and of 5,000 steps: equal ones, ones of which every tenth step differs, and ones in which no step is the
//! same and all are alike, which is the worst case: nothing can be set aside, and each pair is compared by its words.
//! The best of five runs; keys of steps are made anew each time.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark prints its table, and stops where it cannot measure"
)]

use std::time::Duration;
use std::time::Instant;

use hgview::cancel::Cancel;
use hgview::compare::align_steps;
use hgview::model::Action;
use hgview::model::ActionClass;
use hgview::model::Edit;
use hgview::model::EditOp;
use hgview::model::ShellCall;
use hgview::model::Step;
use hgview::model::StepKind;

const RUNS: usize = 5;

/// A command of fifty words, or an edit of forty lines.
fn step(nth: usize, salt: usize) -> Step {
    let mut action = Action::default();
    if nth.is_multiple_of(3) {
        let lines = |side: usize| -> String {
            let line = |line: usize| format!("    tide_{side} = moor({nth}, {line}, {salt})\n");
            (0..40).map(line).collect()
        };
        action.class = ActionClass::Edit;
        action.edits = vec![Edit {
            old: Some(lines(0).into()),
            new: Some(lines(1).into()),
            ..Edit::new("/testbed/harbor/tides.py", EditOp::StrReplace)
        }];
    } else {
        let words: Vec<String> = (0..50).map(|word| format!("word{nth}-{word}")).collect();
        action.class = ActionClass::Shell;
        action.shell = Some(ShellCall {
            cmd: format!("pytest {salt} /testbed/tests {}", words.join(" ")).into(),
            ..ShellCall::default()
        });
    }
    Step {
        actions: vec![action],
        ..Step::new(StepKind::Agent)
    }
}

fn attempt(steps: usize, salt: impl Fn(usize) -> usize) -> Vec<Step> {
    (0..steps).map(|nth| step(nth, salt(nth))).collect()
}

fn time(left: &[Step], right: &[Step]) -> (Duration, usize) {
    let once = |_| {
        let began = Instant::now();
        let found = align_steps(left, right, &Cancel::new()).expect("nobody cancels");
        (began.elapsed(), found.counts.same)
    };
    (0..RUNS).map(once).min().expect("it ran")
}

fn main() {
    println!("| steps | attempts | time | equal rows |\n| ---: | --- | ---: | ---: |");
    for steps in [500, 5_000] {
        let left = attempt(steps, |_| 0);
        for (name, right) in [
            ("equal", attempt(steps, |_| 0)),
            (
                "every tenth differs",
                attempt(steps, |nth| usize::from(nth % 10 == 0)),
            ),
            ("all alike, none equal", attempt(steps, |nth| nth + 1)),
        ] {
            let (took, same) = time(&left, &right);
            let ms = took.as_secs_f64() * 1000.0;
            println!("| {steps} | {name} | {ms:.1} ms | {same} |");
        }
    }
}
