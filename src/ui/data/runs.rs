//! What can be compared among the rows: other attempts of a task, runs by model or file, and two runs task by task.

use std::collections::HashMap;
use std::fmt::Write as _;

use crate::cancel::Cancel;
use crate::compare::Attempts;
use crate::compare::Change;
use crate::compare::Means;
use crate::compare::RunFigures;
use crate::compare::RunsComparison;
use crate::compare::TaskRow;
use crate::compare::Tried;
use crate::compare::compare_runs;
use crate::model::RecordIx;
use crate::model::Summary;
use crate::model::Verdict;
use crate::read::side::names_of;
use crate::store::Store;
use crate::text::clean_line;
use crate::text::human;
use crate::theme::Role;
use crate::ui::data::Rows;

/// Records that are offered beside the other attempts of the task, and attempts.
const OFFERED: usize = 2000;

/// Runs of each kind that are paired: those with the most records.
const RUNS: usize = 12;

/// Tasks of two runs that are shown.
const SHOWN_TASKS: usize = 5000;

/// A row to choose from; cleaned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Offer {
    /// What is chosen.
    pub label: String,
    /// What else is to say.
    pub doc: String,
    /// What stands at the right edge.
    pub note: String,
}

/// The records that one can be compared with.
#[derive(Debug, Clone)]
pub struct Others {
    /// The one.
    pub of: RecordIx,
    /// The others: attempts of the same task first.
    pub records: Vec<RecordIx>,
    /// How they are told apart, as many.
    pub offers: Vec<Offer>,
}

/// Finds the records that `of` can be compared with; at most 2,000 attempts of its task, and as many others. `None` when
/// cancelled.
pub fn others(of: RecordIx, rows: &Rows, store: &Store, cancel: &Cancel) -> Option<Others> {
    let (mut same, mut rest) = (Vec::new(), Vec::new());
    each_row(of, rows, cancel, &mut |ix, row, is_same| {
        let list = if is_same { &mut same } else { &mut rest };
        if ix != of && row.fault.is_none() && !row.is_task() && list.len() < OFFERED {
            list.push(ix);
        }
        true
    })?;
    let attempts = same.len();
    same.extend(rest);
    let offer = |(nth, ix): (usize, &RecordIx)| {
        let row = rows.get(*ix)?;
        let entry = store.entry(*ix);
        let name = entry.as_ref().and_then(|entry| {
            let name = entry.path.file_name()?;
            Some(name.to_string_lossy().into_owned())
        });
        let kind = if nth < attempts { "attempt " } else { "" };
        let place = entry.map_or(ix.0, |entry| entry.row) + 1;
        // what tells attempts apart comes first: the end is cut where there are few cells
        let mut doc = format!("{kind}:{place}");
        for more in [row.model.as_deref(), name.as_deref()] {
            doc.extend(more.into_iter().flat_map(|more| ["  ", more]));
        }
        Some(Offer {
            label: clean_line(&row.id).into_owned(),
            doc: clean_line(&doc).into_owned(),
            note: human::plural(row.steps, "step"),
        })
    };
    let offers = same.iter().enumerate().filter_map(offer).collect();
    Some(Others {
        of,
        records: same,
        offers,
    })
}

/// The records that attempt the task of `of`, itself among them if it is one, in their order; at most 2,000. `None` when
/// cancelled.
pub fn attempts(of: RecordIx, rows: &Rows, cancel: &Cancel) -> Option<Vec<RecordIx>> {
    let mut found = Vec::new();
    each_row(of, rows, cancel, &mut |ix, row, is_same| {
        if is_same && row.is_attempt() {
            found.push(ix);
        }
        found.len() < OFFERED
    })?;
    Some(found)
}

/// Whether a row is a task, or attempts it: as the task's file would be joined with it.
fn is_at(row: &Summary, task: &str) -> bool {
    row.task_name() == task || names_of(row.task_name()).any(|name| name == task)
}

/// Tells all rows in their order, and whether they are of the task of `of`, until `each` has enough. `None` when
/// cancelled.
fn each_row(
    of: RecordIx,
    rows: &Rows,
    cancel: &Cancel,
    each: &mut dyn FnMut(RecordIx, &Summary, bool) -> bool,
) -> Option<()> {
    let wanted = rows.get(of).map(|row| row.task_name().to_owned());
    for ix in (0..rows.len()).map(RecordIx) {
        if ix.0.is_multiple_of(4096) && cancel.is_cancelled() {
            return None;
        }
        let Some(row) = rows.get(ix) else {
            continue;
        };
        let is_same = wanted.as_deref().is_some_and(|task| is_at(&row, task));
        if !each(ix, &row, is_same) {
            break;
        }
    }
    Some(())
}

/// What tells runs apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RunField {
    /// The model.
    Model,
    /// The file.
    File,
}

/// Two runs that can be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunPair {
    /// What tells them apart.
    pub field: RunField,
    /// The value of the first.
    pub a: String,
    /// The value of the second.
    pub b: String,
    /// Tasks that both have.
    pub tasks: usize,
}

fn value_of(field: RunField, row: &Summary, store: &Store, ix: RecordIx) -> Option<String> {
    match field {
        RunField::Model => row.model.clone(),
        RunField::File => store
            .entry(ix)
            .map(|entry| entry.path.display().to_string()),
    }
}

/// Finds the pairs of runs among the rows that have tasks in common, those with the most first; of each field those of the 12 values
/// with the most records. `None` when cancelled.
pub fn run_pairs(rows: &Rows, store: &Store, cancel: &Cancel) -> Option<Vec<RunPair>> {
    let mut pairs = Vec::new();
    for field in [RunField::Model, RunField::File] {
        let mut counts: HashMap<String, usize> = HashMap::new();
        let mut values: Vec<Option<String>> = Vec::with_capacity(rows.len());
        for ix in (0..rows.len()).map(RecordIx) {
            if ix.0.is_multiple_of(1024) && cancel.is_cancelled() {
                return None;
            }
            let row = rows.get(ix).filter(|row| !row.is_task());
            let value = row.and_then(|row| value_of(field, &row, store, ix));
            if let Some(value) = &value {
                *counts.entry(value.clone()).or_default() += 1;
            }
            values.push(value);
        }
        let mut names: Vec<(String, usize)> = counts.into_iter().collect();
        names.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
        names.truncate(RUNS);
        let mut tasks: HashMap<String, u32> = HashMap::new();
        for (ix, value) in values.iter().enumerate() {
            let at = names
                .iter()
                .position(|(name, _)| Some(name) == value.as_ref());
            if let (Some(at), Some(row)) = (at, rows.get(RecordIx(ix))) {
                *tasks.entry(row.task_name().to_owned()).or_default() |= 1 << at;
            }
        }
        for (first, (a, _)) in names.iter().enumerate() {
            for (second, (b, _)) in names.iter().enumerate().skip(first + 1) {
                let both = 1 << first | 1 << second;
                let shared = tasks.values().filter(|of| **of & both == both).count();
                if shared > 0 {
                    pairs.push(RunPair {
                        field,
                        a: a.clone(),
                        b: b.clone(),
                        tasks: shared,
                    });
                }
            }
        }
    }
    pairs.sort_by_key(|pair| std::cmp::Reverse(pair.tasks));
    Some(pairs)
}

/// Two runs task by task, as they are shown.
#[derive(Debug, Clone, Default)]
pub struct RunTable {
    /// A row for each task.
    pub offers: Vec<Offer>,
    /// The first attempts of each task in both runs, as many.
    pub records: Vec<[Option<RecordIx>; 2]>,
    /// Figures and tests.
    pub facts: Vec<(String, Role)>,
}

/// Compares two runs: by what records and reports say where any does, else by the published rules as far as they have
/// judged. Several attempts of a task: one good one is enough. `None` when cancelled.
pub fn run_table(rows: &Rows, store: &Store, pair: &RunPair, cancel: &Cancel) -> Option<RunTable> {
    let all = || (0..rows.len()).map(RecordIx);
    let has_labels = all().any(|ix| rows.get(ix).is_some_and(|row| row.resolved.is_some()));
    let mut runs = [Vec::new(), Vec::new()];
    for ix in all() {
        if ix.0.is_multiple_of(1024) && cancel.is_cancelled() {
            return None;
        }
        let row = rows.get(ix).filter(|row| row.fault.is_none());
        let Some(row) = row.filter(|row| !row.is_task()) else {
            continue;
        };
        let value = value_of(pair.field, &row, store, ix);
        let of = |name: &String| value.as_ref() == Some(name);
        let [a, b] = &mut runs;
        let run = match (of(&pair.a), of(&pair.b)) {
            (true, _) => a,
            (_, true) => b,
            _ => continue,
        };
        let published = || match rows.marks(ix)?.published {
            Verdict::Accept => Some(true),
            Verdict::Reject => Some(false),
            Verdict::Unjudged => None,
        };
        run.push(Tried {
            task: row.task_name().to_owned(),
            record: ix.0,
            is_good: if has_labels {
                row.resolved
            } else {
                published()
            },
            steps: row.steps,
            tokens: row.tokens.total(),
            cost: row.cost,
        });
    }
    let [a, b] = &runs;
    let found = compare_runs((&pair.a, a), (&pair.b, b), Attempts::Any);
    let outcome = if has_labels { "resolved" } else { "published" };
    Some(RunTable {
        offers: found.tasks.iter().take(SHOWN_TASKS).map(offer).collect(),
        records: found
            .tasks
            .iter()
            .take(SHOWN_TASKS)
            .map(|row| [row.a.first, row.b.first].map(|ix| ix.map(RecordIx)))
            .collect(),
        facts: facts(&found, outcome),
    })
}

fn offer(row: &TaskRow) -> Offer {
    let steps = row.a.steps.zip(row.b.steps);
    Offer {
        label: format!("{} {}", row.change.sign(), clean_line(&row.task)),
        doc: row.change.name().to_owned(),
        note: steps.map_or_else(String::new, |(a, b)| format!("{a:.0} → {b:.0} steps")),
    }
}

fn facts(found: &RunsComparison, outcome: &str) -> Vec<(String, Role)> {
    let mut facts = vec![
        (figures("A", &found.a), Role::Text),
        (figures("B", &found.b), Role::Text),
    ];
    let mut counts = format!("good: {outcome}, any attempt · ");
    for change in Change::ALL {
        let count = found.counts.of(change);
        if count > 0 || matches!(change, Change::Gained | Change::Lost) {
            // writing to a text cannot fail
            let _done = write!(counts, "{} {} · ", change.name(), human::count(count));
        }
    }
    facts.push((counts.trim_end_matches(" · ").to_owned(), Role::Header));
    let (words, role) = match found.rates {
        Some(rates) => {
            let text = format!(
                "B − A {:+.1} % ({:+.1} to {:+.1}) over {}, p = {:.4} (exact McNemar test)",
                rates.difference * 100.0,
                rates.interval.low * 100.0,
                rates.interval.high * 100.0,
                human::plural(rates.tasks, "task"),
                rates.p
            );
            (text, Role::Strong)
        }
        None => ("no task has an outcome in both".to_owned(), Role::Warning),
    };
    facts.push((words, role));
    let mean = |name: &str, means: Option<Means>, digits: usize| {
        let means = means?;
        let (a, b, change) = (means.a, means.b, means.difference);
        Some(format!(
            "{name} {a:.digits$} → {b:.digits$} ({change:+.digits$})"
        ))
    };
    let means: Vec<String> = [
        mean("steps", found.steps, 1),
        mean("tokens", found.tokens, 0),
        mean("cost $", found.cost, 3),
    ]
    .into_iter()
    .flatten()
    .collect();
    if !means.is_empty() {
        facts.push((means.join(" · "), Role::Dim));
    }
    if found.unequally_often > 0 {
        let tasks = human::plural(found.unequally_often, "task");
        facts.push((format!("{tasks} tried unequally often"), Role::Warning));
    }
    if found.tasks.len() > SHOWN_TASKS {
        let more = human::count(found.tasks.len() - SHOWN_TASKS);
        facts.push((format!("and {more} more tasks"), Role::Warning));
    }
    facts
}

fn figures(side: &str, run: &RunFigures) -> String {
    let name = clean_line(&run.name);
    let rate = run.rate.map_or_else(
        || "no outcome known".to_owned(),
        |rate| format!("{}/{} = {:.1} %", run.good, run.known, rate * 100.0),
    );
    let attempts = human::plural(run.records, "attempt");
    format!("{side}  {rate}  {attempts}  {name}")
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::store::OpenOptions;

    /// Rows of (task, model, resolved), without files.
    fn rows(all: &[(&str, &str, Option<bool>)]) -> (Rows, Store) {
        let sample = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/samples/openhands-v0/output.jsonl"
        );
        let store = Store::open(&OpenOptions {
            paths: vec![PathBuf::from(sample)],
            ..OpenOptions::default()
        });
        let mut rows = Rows::default();
        for (ix, (task, model, resolved)) in all.iter().enumerate() {
            let row = Summary {
                id: (*task).to_owned(),
                model: Some((*model).to_owned()),
                resolved: *resolved,
                ..Summary::default()
            };
            rows.set(RecordIx(ix), row);
        }
        (rows, store.unwrap())
    }

    #[test]
    fn attempts_of_the_task_are_offered_first() {
        let (rows, store) = rows(&[("a", "m", None), ("b", "m", None), ("a", "n", None)]);
        let found = others(RecordIx(0), &rows, &store, &Cancel::new()).unwrap();
        assert_eq!(found.records, [RecordIx(2), RecordIx(1)]);
        assert!(
            found.offers[0].doc.starts_with("attempt"),
            "{:?}",
            found.offers
        );
        assert_eq!(found.offers[1].label, "b");
    }

    #[test]
    fn runs_are_paired_and_compared() {
        let (yes, no) = (Some(true), Some(false));
        let (rows, store) = rows(&[
            ("a", "m", no),
            ("b", "m", yes),
            ("a", "n", yes),
            ("b", "n", yes),
            ("a", "o", no),
        ]);
        let pairs = run_pairs(&rows, &store, &Cancel::new()).unwrap();
        let told: Vec<_> = pairs
            .iter()
            .map(|pair| (&*pair.a, &*pair.b, pair.tasks))
            .collect();
        assert_eq!(told, [("m", "n", 2), ("m", "o", 1), ("n", "o", 1)]);
        let table = run_table(&rows, &store, &pairs[0], &Cancel::new()).unwrap();
        let labels: Vec<_> = table.offers.iter().map(|offer| &*offer.label).collect();
        assert_eq!(labels, ["+ a", "✓ b"]);
        assert_eq!(table.records[0], [Some(RecordIx(0)), Some(RecordIx(2))]);
        let cancel = Cancel::new();
        cancel.cancel();
        assert!(run_table(&rows, &store, &pairs[0], &cancel).is_none());
    }
}
