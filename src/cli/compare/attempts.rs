//! Two attempts: who they are, how their steps go together, how their patches do.

use std::path::PathBuf;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use crate::cancel::Cancel;
use crate::cli::Output;
use crate::cli::Verdict;
use crate::cli::args::CompareArgs;
use crate::cli::compare::paper::Look;
use crate::cli::compare::paper::fitted;
use crate::cli::compare::paper::line;
use crate::cli::records;
use crate::cli::records::to_json;
use crate::compare::AlignedStep;
use crate::compare::Alignment;
use crate::compare::FileKind;
use crate::compare::PatchComparison;
use crate::compare::RowKind;
use crate::compare::align_steps;
use crate::compare::compare_patches;
use crate::error::Error;
use crate::error::Result;
use crate::model::RecordIx;
use crate::model::Tokens;
use crate::model::Trajectory;
use crate::read::understand;
use crate::store::Store;
use crate::text::human;
use crate::theme::signs;
use crate::ui::page::step_line;

/// Cells of one side of a row where lines may be as long as they are.
const SIDE: usize = 60;

/// The output of `hgview compare --json` for two attempts.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::cli) struct AttemptsReport {
    /// The left one.
    left: Attempt,
    /// The right one.
    right: Attempt,
    /// Their steps beside each other.
    #[serde(flatten)]
    alignment: Alignment,
    /// Their final patches beside each other; null where neither has one.
    patches: Option<PatchComparison>,
    /// The left final patch beside the reference patch of its task; null where none is known.
    left_reference: Option<PatchComparison>,
    /// The right final patch beside the reference patch of its task; null where none is known.
    right_reference: Option<PatchComparison>,
}

/// One of the two.
#[derive(Debug, Serialize, JsonSchema)]
struct Attempt {
    /// The record's name.
    id: String,
    /// The task's instance id.
    task: Option<String>,
    /// The model.
    model: Option<String>,
    /// The file or folder.
    path: PathBuf,
    /// The record's place among the records of its path, from 1; what `--nth` takes.
    nth: usize,
    /// Whether it solved its task.
    resolved: Option<bool>,
    /// Model responses.
    steps: usize,
    /// Tokens by kind.
    tokens: Tokens,
    /// US dollars.
    cost: Option<f64>,
}

impl Attempt {
    fn of(trajectory: &Trajectory, ix: RecordIx) -> Self {
        Self {
            id: trajectory.id.clone(),
            task: trajectory.task_id.clone(),
            model: trajectory.model.clone(),
            path: trajectory.source.path.clone(),
            nth: ix.0 + 1,
            resolved: trajectory.outcome.resolved,
            steps: trajectory.agent_steps(),
            tokens: trajectory.totals.tokens,
            cost: trajectory.totals.cost,
        }
    }

    fn words(&self) -> String {
        let mut words = vec![format!("{} (record {})", self.id, self.nth)];
        words.extend(self.model.clone());
        words.push(human::plural(self.steps, "response"));
        let tokens = self.tokens.total();
        words.extend(tokens.map(|count| format!("{} tokens", human::short_count(count))));
        words.extend(self.cost.map(human::dollars));
        words.join("  ")
    }
}

/// Compares two trajectories and prints it.
pub(super) fn run(
    sides: [(&Store, RecordIx); 2],
    args: &CompareArgs,
    output: &mut Output<'_>,
) -> Result<Verdict> {
    let load = |(store, ix): (&Store, RecordIx)| -> Result<Arc<Trajectory>> {
        let fault = |fault| Error::input(format!("record {} cannot be read: {fault}", ix.0 + 1));
        store.load(ix).map_err(fault)
    };
    let (left, right) = (load(sides[0])?, load(sides[1])?);
    for (store, _) in sides {
        records::warn_unmatched(store, None, output)?;
    }
    let cancel = Cancel::new();
    let never = || Error::internal("nobody cancels");
    let alignment = align_steps(&left.steps, &right.steps, &cancel).ok_or_else(never)?;
    let patch = |trajectory: &Trajectory| trajectory.final_patch.clone();
    let (one, other) = (patch(&left), patch(&right));
    let beside = |one: &Option<_>, other: &Option<_>| {
        let text = |patch: &Option<Arc<str>>| patch.clone().unwrap_or_default();
        compare_patches(&text(one), &text(other), &cancel)
    };
    let gold = |trajectory: &Trajectory| trajectory.task.as_ref()?.gold_patch.clone();
    let against = |trajectory: &Trajectory| {
        gold(trajectory).and_then(|gold| beside(&patch(trajectory), &Some(gold)))
    };
    let report = AttemptsReport {
        left: Attempt::of(&left, sides[0].1),
        right: Attempt::of(&right, sides[1].1),
        alignment,
        patches: one
            .as_ref()
            .or(other.as_ref())
            .and_then(|_| beside(&one, &other)),
        left_reference: against(&left),
        right_reference: against(&right),
    };
    if args.json {
        writeln!(output.out, "{}", to_json(&report)?)?;
    } else {
        print(&report, [&left, &right], args.steps, output)?;
    }
    Ok(Verdict::Yes)
}

fn print(
    report: &AttemptsReport,
    sides: [&Trajectory; 2],
    has_steps: bool,
    output: &mut Output<'_>,
) -> Result<()> {
    for (name, attempt) in [("A  ", &report.left), ("B  ", &report.right)] {
        let outcome = match attempt.resolved {
            Some(true) => ("resolved  ", Look::Good),
            Some(false) => ("unresolved  ", Look::Bad),
            None => ("", Look::Plain),
        };
        line(
            output,
            &[
                (name, Look::Strong),
                outcome,
                (&attempt.words(), Look::Plain),
            ],
        )?;
    }
    let alignment = &report.alignment;
    let counts = alignment.counts;
    let text = format!(
        "{}: {} the same, {} similar, {} different, {} in A only, {} in B only",
        human::plural(alignment.rows.len(), "row"),
        counts.same,
        counts.similar,
        counts.differ,
        counts.only_left,
        counts.only_right
    );
    line(output, &[("", Look::Plain)])?;
    line(output, &[(&text, Look::Plain)])?;
    if !alignment.is_exact {
        let text = "(too many steps to look at all pairs: only those near the diagonal)";
        line(output, &[(text, Look::Odd)])?;
    }
    match alignment
        .first_divergence
        .and_then(|ix| alignment.rows.get(ix))
    {
        Some(first) => {
            line(output, &[("first divergence:", Look::Strong)])?;
            print_row(first, sides, true, output)?;
        }
        None => line(output, &[("no divergence", Look::Good)])?,
    }
    if has_steps {
        line(output, &[("", Look::Plain)])?;
        for (ix, row) in alignment.rows.iter().enumerate() {
            print_row(row, sides, alignment.first_divergence == Some(ix), output)?;
        }
    }
    let patches = [
        ("patches, A beside B", &report.patches),
        ("A beside the reference patch", &report.left_reference),
        ("B beside the reference patch", &report.right_reference),
    ];
    for (title, comparison) in patches {
        if let Some(comparison) = comparison {
            print_patches(title, comparison, output)?;
        }
    }
    Ok(())
}

fn look(kind: RowKind) -> Look {
    match kind {
        RowKind::Same => Look::Dim,
        RowKind::Similar => Look::Odd,
        RowKind::Differ => Look::Strong,
        RowKind::OnlyLeft => Look::Bad,
        RowKind::OnlyRight => Look::Good,
    }
}

fn print_row(
    row: &AlignedStep,
    sides: [&Trajectory; 2],
    is_first: bool,
    output: &mut Output<'_>,
) -> Result<()> {
    const FRAME: usize = 6;
    let cells = output
        .terminal
        .width
        .map_or(SIDE, |width| width.saturating_sub(FRAME) / 2)
        .max(12);
    let side = |side: usize| {
        let step = row.step(side).and_then(|ix| sides.get(side)?.steps.get(ix));
        step.map_or(String::new(), |step| {
            let meaning = understand::step_meaning(step);
            let (sign, _) = signs::step_sign(step);
            let said = step_line(step, &meaning, cells.saturating_sub(7));
            format!("{:>4} {sign} {said}", step.idx)
        })
    };
    let mark = if is_first { "▶ " } else { "  " };
    let sign = format!(" {} ", row.kind.sign());
    let look = look(row.kind);
    line(
        output,
        &[
            (mark, Look::Odd),
            (&fitted(&side(0), cells), look),
            (&sign, look),
            (&fitted(&side(1), cells), look),
        ],
    )?;
    if let Some(why) = row.why.as_deref().filter(|_| row.kind != RowKind::Same) {
        line(output, &[("         ", Look::Plain), (why, Look::Dim)])?;
    }
    Ok(())
}

fn print_patches(title: &str, comparison: &PatchComparison, output: &mut Output<'_>) -> Result<()> {
    line(output, &[("", Look::Plain)])?;
    let kinds = [
        (FileKind::Same, "the same"),
        (FileKind::Differs, "different"),
        (FileKind::OnlyLeft, "on the left only"),
        (FileKind::OnlyRight, "on the right only"),
    ];
    let counts = kinds.map(|(kind, words)| (comparison.count(kind), words));
    let counts: Vec<String> = counts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, words)| format!("{count} {words}"))
        .collect();
    let files = human::plural(comparison.files.len(), "file");
    let words = format!(": {files}: {}", counts.join(", "));
    let words = if counts.is_empty() {
        ": no file"
    } else {
        &words
    };
    line(output, &[(title, Look::Strong), (words, Look::Plain)])?;
    for file in &comparison.files {
        let look = match file.kind {
            FileKind::Same => Look::Dim,
            FileKind::Differs => Look::Strong,
            FileKind::OnlyLeft => Look::Bad,
            FileKind::OnlyRight => Look::Good,
        };
        let side = |counts: (usize, usize)| format!("+{} −{}", counts.0, counts.1);
        let counts = match file.kind {
            FileKind::Differs => format!(
                "  {} | {}, {} in common",
                side(file.left),
                side(file.right),
                human::plural(file.in_common, "line")
            ),
            FileKind::OnlyRight => format!("  {}", side(file.right)),
            FileKind::Same | FileKind::OnlyLeft => format!("  {}", side(file.left)),
        };
        let sign = format!("  {} ", file.kind.sign());
        line(
            output,
            &[(&sign, look), (&file.path, look), (&counts, Look::Dim)],
        )?;
    }
    Ok(())
}
