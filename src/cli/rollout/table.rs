//! The table of `hgview rollout`: what became of the attempts, by what their tasks ask for.

use std::collections::BTreeMap;
use std::io;

use crate::cli::Output;
use crate::cli::rows;
use crate::cli::rows::Line;
use crate::model::Ended;
use crate::model::TaskKind;
use crate::model::Verdict;
use crate::rollout::Done;
use crate::text::human;

const HEAD: [&str; 9] = [
    "ATTEMPTS", "FINISHED", "LIMIT", "NO CALL", "FAILED", "ACCEPTED", "STEPS", "TOKENS", "COST",
];

/// The attempts of one type of task.
#[derive(Debug, Default)]
struct Group {
    attempts: usize,
    finished: usize,
    limit: usize,
    no_call: usize,
    failed: usize,
    /// `None` where no filter was asked.
    accepted: Option<usize>,
    steps: usize,
    /// `None` where no endpoint told them.
    tokens: Option<u64>,
    cost: Option<f64>,
}

/// The attempts, by type of task.
#[derive(Debug, Default)]
pub(super) struct Table {
    groups: BTreeMap<TaskKind, Group>,
}

impl Table {
    /// Adds an attempt.
    pub(super) fn add(&mut self, done: &Done) {
        let group = self.groups.entry(done.task_type).or_default();
        group.attempts += 1;
        group.finished += usize::from(done.ended_by == Ended::Finish);
        group.limit += usize::from(done.ended_by.is_limit());
        group.no_call += usize::from(done.ended_by == Ended::NoCall);
        group.failed += usize::from(done.ended_by.is_failure());
        if let Some(verdict) = done.verdict {
            *group.accepted.get_or_insert(0) += usize::from(verdict == Verdict::Accept);
        }
        group.steps += done.steps;
        if let Some(tokens) = done.tokens() {
            let all = group.tokens.get_or_insert(0);
            *all = all.saturating_add(tokens);
        }
        if let Some(cost) = done.cost {
            *group.cost.get_or_insert(0.0) += cost;
        }
    }

    /// Prints it; nothing where nothing was made.
    pub(super) fn print(&self, output: &mut Output<'_>) -> io::Result<()> {
        if self.groups.is_empty() {
            return Ok(());
        }
        let lines = self.groups.iter().map(|(kind, group)| group.line(*kind));
        rows::print(&HEAD, "TASKS", lines.collect(), output)
    }
}

impl Group {
    fn line(&self, kind: TaskKind) -> Line {
        #[expect(clippy::cast_precision_loss, reason = "one digit is shown")]
        let steps = self.steps as f64 / self.attempts.max(1) as f64;
        let none = || "-".to_owned();
        let cells = [
            human::count(self.attempts),
            human::count(self.finished),
            human::count(self.limit),
            human::count(self.no_call),
            human::count(self.failed),
            self.accepted.map_or_else(none, human::count),
            format!("{steps:.1}"),
            self.tokens.map_or_else(none, human::short_count),
            self.cost.map_or_else(none, human::dollars),
        ];
        Line {
            cells: cells.into_iter().map(|cell| (cell, None)).collect(),
            rest: kind.name().to_owned(),
        }
    }
}
