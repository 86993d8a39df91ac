//! Two runs: their records joined by task, what counts as good, and the table.

use std::collections::BTreeMap;

use rayon::iter::IntoParallelRefIterator as _;
use rayon::iter::ParallelIterator as _;
use schemars::JsonSchema;
use serde::Serialize;

use crate::cancel::Cancel;
use crate::cli::Output;
use crate::cli::Verdict;
use crate::cli::args::CompareArgs;
use crate::cli::args::OutcomeOf;
use crate::cli::args::SharedArgs;
use crate::cli::args::SplitBy;
use crate::cli::compare::Set;
use crate::cli::compare::paper::Look;
use crate::cli::compare::paper::fitted;
use crate::cli::compare::paper::line;
use crate::cli::records;
use crate::cli::records::to_json;
use crate::cli::review;
use crate::compare::Change;
use crate::compare::Means;
use crate::compare::RunFigures;
use crate::compare::RunsComparison;
use crate::compare::TaskSide;
use crate::compare::Tried;
use crate::compare::compare_runs;
use crate::config::Paths;
use crate::error::Error;
use crate::error::Result;
use crate::model;
use crate::model::RecordIx;
use crate::model::Summary;
use crate::review::Ledger;
use crate::review::people;
use crate::store::Store;
use crate::text::human;
use crate::verify::Rules;
use crate::verify::cache::Cache;
use crate::verify::check::Tools;
use crate::verify::check::check;

/// Values that an error names.
const NAMED: usize = 12;

/// Cells of a task's name.
const TASK: usize = 48;

/// The output of `hgview compare --json` for two runs.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::cli) struct RunsReport {
    /// What counts as good: `resolved`, `decision`, `published` or `strict`.
    outcome: String,
    /// Records that could not be read.
    faults: usize,
    /// Figures, tests, tasks.
    #[serde(flatten)]
    comparison: RunsComparison,
}

/// The records of a set that can be read.
struct Rows<'a> {
    store: &'a Store,
    read: Vec<(RecordIx, Summary)>,
    faults: usize,
}

fn rows<'a>(set: &'a Set, output: &mut Output<'_>) -> Result<Rows<'a>> {
    let store = &set.store;
    let (mut rows, mut faults) = (Vec::new(), 0);
    records::each_summary(
        store,
        &set.among,
        output,
        |_, _| (),
        |ix, (row, ()), _| {
            if row.fault.is_some() {
                faults += 1;
            } else {
                rows.push((ix, row));
            }
            Ok(())
        },
    )?;
    records::warn_unmatched(store, None, output)?;
    Ok(Rows {
        store,
        read: rows,
        faults,
    })
}

/// Compares two sets.
pub(super) fn two(
    a: &Set,
    b: &Set,
    args: &CompareArgs,
    shared: &SharedArgs,
    output: &mut Output<'_>,
) -> Result<Verdict> {
    let (of_a, of_b) = (rows(a, output)?, rows(b, output)?);
    let outcome = outcome_of(args, &[&of_a, &of_b]);
    let tried_a = tried(a, &of_a, outcome, shared, output)?;
    let tried_b = tried(b, &of_b, outcome, shared, output)?;
    let name = |set: &Set| set.path.display().to_string();
    let (a, b) = (name(a), name(b));
    let comparison = compare_runs((&a, &tried_a), (&b, &tried_b), args.attempts.rule());
    report(outcome, of_a.faults + of_b.faults, comparison, args, output)
}

/// Compares two runs of one set that differ in a field.
pub(super) fn split(
    set: &Set,
    by: SplitBy,
    args: &CompareArgs,
    shared: &SharedArgs,
    output: &mut Output<'_>,
) -> Result<Verdict> {
    let of_set = rows(set, output)?;
    let outcome = outcome_of(args, &[&of_set]);
    let all = tried(set, &of_set, outcome, shared, output)?;
    let mut groups: BTreeMap<String, Vec<Tried>> = BTreeMap::new();
    for ((ix, row), one) in of_set.read.iter().zip(all) {
        let value = match by {
            SplitBy::Model => row.model.clone(),
            SplitBy::File => {
                let entry = set.store.entry(*ix);
                entry.map(|entry| entry.path.display().to_string())
            }
        };
        let value = value.unwrap_or_else(|| "(unknown)".to_owned());
        groups.entry(value).or_default().push(one);
    }
    let (a, b) = two_of(&groups, args)?;
    let nothing = Vec::new();
    let of = |name: &str| groups.get(name).unwrap_or(&nothing);
    let comparison = compare_runs((a, of(a)), (b, of(b)), args.attempts.rule());
    report(outcome, of_set.faults, comparison, args, output)
}

/// The two values that are compared: those that are named, or the only two.
fn two_of<'a>(
    groups: &'a BTreeMap<String, Vec<Tried>>,
    args: &'a CompareArgs,
) -> Result<(&'a str, &'a str)> {
    let hinted = |mut error: Error| {
        for (name, tried) in groups.iter().take(NAMED) {
            error = error.hint(format!("{name}: {}", human::plural(tried.len(), "record")));
        }
        if groups.len() > NAMED {
            error = error.hint(format!("and {} more", groups.len() - NAMED));
        }
        error
    };
    let names: Vec<&str> = groups.keys().map(String::as_str).collect();
    match (&args.left, &args.right, names.as_slice()) {
        (Some(left), Some(right), names) => {
            let missing = [left, right]
                .into_iter()
                .find(|name| !names.contains(&name.as_str()));
            match missing {
                None => Ok((left, right)),
                Some(name) => Err(hinted(Error::user(format!(
                    "no record has the value {name}"
                )))),
            }
        }
        (None, None, [a, b]) => Ok((a, b)),
        (None, None, [one]) => Err(Error::user(format!(
            "all records have one value, {one}: there is nothing to compare with"
        ))
        .hint("a second path compares two runs")),
        (None, None, _) => Err(hinted(
            Error::user(format!(
                "the records have {} values; two are compared",
                names.len()
            ))
            .hint("name two with --left VALUE --right VALUE"),
        )),
        _ => Err(Error::user("--left and --right go together")),
    }
}

/// What counts as good: as asked, else whether the task was solved where any record says so, else the published rules.
fn outcome_of(args: &CompareArgs, sets: &[&Rows<'_>]) -> OutcomeOf {
    let mut rows = sets.iter().flat_map(|set| &set.read);
    args.outcome.unwrap_or_else(|| {
        if rows.any(|(_, row)| row.resolved.is_some()) {
            OutcomeOf::Resolved
        } else {
            OutcomeOf::Published
        }
    })
}

/// The attempts of a set with their outcomes, in order.
fn tried(
    set: &Set,
    rows: &Rows<'_>,
    outcome: OutcomeOf,
    shared: &SharedArgs,
    output: &mut Output<'_>,
) -> Result<Vec<Tried>> {
    let ledger = if outcome == OutcomeOf::Decision {
        let paths = std::slice::from_ref(&set.path);
        let place = review::place_of(paths, &set.store, shared)?;
        review::ledger(&place, output)?
    } else {
        Ledger::default()
    };
    let cache = Cache::open(&Paths::of_environment().cache.join("verify"));
    let store = rows.store;
    let is_good = |ix: RecordIx, row: &Summary| match outcome {
        OutcomeOf::Resolved => row.resolved,
        OutcomeOf::Decision => decided(store, ix, &ledger),
        OutcomeOf::Published => judged(store, ix, Rules::Published, &cache),
        OutcomeOf::Strict => judged(store, ix, Rules::Strict, &cache),
    };
    let one = |(ix, row): &(RecordIx, Summary)| Tried {
        task: row.task_id.clone().unwrap_or_else(|| row.id.clone()),
        record: ix.0,
        is_good: is_good(*ix, row),
        steps: row.steps,
        tokens: row.tokens.total(),
        cost: row.cost,
    };
    Ok(rows.read.par_iter().map(one).collect())
}

fn accepts(verdict: model::Verdict) -> Option<bool> {
    match verdict {
        model::Verdict::Accept => Some(true),
        model::Verdict::Reject => Some(false),
        model::Verdict::Unjudged => None,
    }
}

fn decided(store: &Store, ix: RecordIx, ledger: &Ledger) -> Option<bool> {
    let hash = store.content_hash(ix).ok()?;
    let states: Vec<_> = ledger.states(hash).collect();
    accepts(people(&states).verdict())
}

fn judged(store: &Store, ix: RecordIx, rules: Rules, cache: &Cache) -> Option<bool> {
    let head = store.load_head(ix).ok()?;
    let tools = Tools {
        program: None,
        rules: &[rules],
        cache: Some(cache),
        repositories: None,
        flags: None,
        hashes: false,
    };
    let checked = check(&head, &|| store.load(ix), &tools, &Cancel::new());
    accepts(checked.judgement(rules).verdict)
}

fn report(
    outcome: OutcomeOf,
    faults: usize,
    comparison: RunsComparison,
    args: &CompareArgs,
    output: &mut Output<'_>,
) -> Result<Verdict> {
    let report = RunsReport {
        outcome: outcome.name().to_owned(),
        faults,
        comparison,
    };
    if args.json {
        writeln!(output.out, "{}", to_json(&report)?)?;
    } else {
        print(&report, output)?;
    }
    Ok(if faults > 0 {
        Verdict::No
    } else {
        Verdict::Yes
    })
}

fn print(report: &RunsReport, output: &mut Output<'_>) -> Result<()> {
    let found = &report.comparison;
    for (name, run) in [("A  ", &found.a), ("B  ", &found.b)] {
        line(
            output,
            &[(name, Look::Strong), (&figures(run), Look::Plain)],
        )?;
    }
    let rule = format!("{:?}", found.attempts).to_lowercase();
    let text = format!(
        "good: {}; several attempts of a task: {rule}",
        report.outcome
    );
    line(output, &[(&text, Look::Dim)])?;
    if found.unequally_often > 0 {
        let tasks = human::plural(found.unequally_often, "task");
        let text = format!("{tasks} tried unequally often in A and B");
        line(output, &[(&text, Look::Odd)])?;
    }
    if report.faults > 0 {
        let text = format!(
            "{} could not be read",
            human::plural(report.faults, "record")
        );
        line(output, &[(&text, Look::Bad)])?;
    }
    line(output, &[("", Look::Plain)])?;
    for change in Change::ALL {
        let count = found.counts.of(change);
        if count > 0 || matches!(change, Change::Gained | Change::Lost) {
            let name = format!("{} {:<12}", change.sign(), change.name());
            let count = format!("{:>7}", human::count(count));
            line(output, &[(&name, look(change)), (&count, Look::Plain)])?;
        }
    }
    line(output, &[("", Look::Plain)])?;
    let words = found.rates.map_or_else(
        || "no task has an outcome in both".to_owned(),
        |rates| {
            format!(
                "B − A  {:+.1} % ({:+.1} to {:+.1}) over {}; p = {} (exact McNemar test)",
                rates.difference * 100.0,
                rates.interval.low * 100.0,
                rates.interval.high * 100.0,
                human::plural(rates.tasks, "task"),
                p_words(rates.p)
            )
        },
    );
    line(output, &[(&words, Look::Strong)])?;
    let quantities = [
        ("steps ", found.steps, 1),
        ("tokens", found.tokens, 0),
        ("cost $", found.cost, 3),
    ];
    for (name, means, digits) in quantities {
        if let Some(means) = means {
            line(output, &[(&means_words(name, &means, digits), Look::Plain)])?;
        }
    }
    print_tasks(found, output)
}

/// `0.0386`, `3.1e-9`.
fn p_words(p: f64) -> String {
    if p < 0.0001 {
        format!("{p:.1e}")
    } else {
        format!("{p:.4}")
    }
}

fn figures(run: &RunFigures) -> String {
    let (records, tasks) = (
        human::plural(run.records, "attempt"),
        human::plural(run.tasks, "task"),
    );
    let rate = run.rate.zip(run.interval).map_or_else(
        || "no outcome known".to_owned(),
        |(rate, interval)| {
            format!(
                "{}/{} good = {:.1} % ({:.1}–{:.1})",
                human::count(run.good),
                human::count(run.known),
                rate * 100.0,
                interval.low * 100.0,
                interval.high * 100.0
            )
        },
    );
    format!("{}  {records}, {tasks}  {rate}", run.name)
}

fn means_words(name: &str, means: &Means, digits: usize) -> String {
    let (a, b, difference) = (means.a, means.b, means.difference);
    let tasks = human::plural(means.tasks, "task");
    format!("{name} {a:.digits$} → {b:.digits$} ({difference:+.digits$}) over {tasks}")
}

fn look(change: Change) -> Look {
    match change {
        Change::Gained => Look::Good,
        Change::Lost => Look::Bad,
        Change::SameYes | Change::SameNo => Look::Dim,
        Change::Unknown | Change::OnlyA | Change::OnlyB => Look::Odd,
    }
}

/// The tasks that changed; the others are in the JSON.
fn print_tasks(found: &RunsComparison, output: &mut Output<'_>) -> Result<()> {
    let is_told = |change| matches!(change, Change::Gained | Change::Lost);
    let told: Vec<_> = found
        .tasks
        .iter()
        .filter(|row| is_told(row.change))
        .collect();
    if !told.is_empty() {
        line(output, &[("", Look::Plain)])?;
    }
    let side = |side: &TaskSide| format!("{}/{}", side.good, side.attempts);
    let most = output
        .terminal
        .width
        .map_or(TASK, |width| (width / 2).clamp(8, TASK));
    for row in told {
        let sign = format!("{} ", row.change.sign());
        let task = fitted(&row.task, most);
        let steps = row.a.steps.zip(row.b.steps);
        let steps = steps.map(|(a, b)| format!("  steps {a:.0} → {b:.0}"));
        let facts = format!(
            "  {} → {}{}",
            side(&row.a),
            side(&row.b),
            steps.unwrap_or_default()
        );
        line(
            output,
            &[
                (&sign, look(row.change)),
                (&task, Look::Plain),
                (&facts, Look::Dim),
            ],
        )?;
    }
    Ok(())
}
