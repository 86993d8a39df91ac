//! `hgview tasks check`: a line a task with what each check says, and the reason of the first refusal.

use std::path::PathBuf;

use anstyle::AnsiColor;
use schemars::JsonSchema;
use serde::Serialize;

use crate::cancel::Cancel;
use crate::cli::Output;
use crate::cli::Verdict;
use crate::cli::args::SharedArgs;
use crate::cli::args::TasksCheckArgs;
use crate::cli::programs::programs;
use crate::cli::records;
use crate::cli::records::Progress;
use crate::cli::rows;
use crate::cli::rows::Line;
use crate::cli::selection;
use crate::cli::show::repositories;
use crate::error::Error;
use crate::error::Result;
use crate::model::Fault;
use crate::model::RecordIx;
use crate::model::Task;
use crate::model::TaskKind;
use crate::store::Store;
use crate::tasks::check::CHECKS;
use crate::tasks::check::Check;
use crate::tasks::check::Means;
use crate::tasks::check::Outcome;
use crate::tasks::check::Report;
use crate::tasks::check::check_all;
use crate::text;
use crate::text::human;
use crate::workspace::repositories::Repositories;

/// A line of `hgview tasks check --json`. Names and meanings are stable; fields may be added.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::cli) struct TaskCheckRow {
    /// The task's `instance_id`; null where it has none.
    id: Option<String>,
    /// The file.
    path: PathBuf,
    /// The task's place in its file, from 0; people are told it from 1.
    row: usize,
    /// What it asks for.
    task_type: Option<TaskKind>,
    /// `owner/name`.
    repo: Option<String>,
    /// The commit it begins from.
    base_commit: Option<String>,
    /// No check refuses it.
    is_good: bool,
    /// What the checks say; null where the task could not be read.
    report: Option<Report>,
    /// Why it could not be read.
    fault: Option<Fault>,
}

/// A record of the files: a task with its report, or why there is none.
type Checked = (RecordIx, Result<(Task, Report), Fault>);

/// Checks all tasks. *No* when one of them is refused or could not be read.
pub(super) fn run(
    args: &TasksCheckArgs,
    shared: &SharedArgs,
    output: &mut Output<'_>,
) -> Result<Verdict> {
    let repositories = repositories(&args.repos)?;
    let selector = selection::selector(shared)?;
    let store = records::load_store(&args.paths, shared, output)?;
    let order = selection::chosen(selector, &args.paths, &store, shared, output)?;
    let checked = check(args, &repositories, &store, &order, output)?;
    if args.json {
        for (ix, told) in &checked {
            let row = row(&store, *ix, told);
            writeln!(output.out, "{}", records::to_json(&row)?)?;
        }
    } else {
        print(&checked, output)?;
    }
    output.out.flush()?;
    summary(&checked, output)
}

/// The task of a record.
pub(super) fn task_of(store: &Store, ix: RecordIx) -> Result<Task, Fault> {
    let head = store.load_head(ix)?;
    let task = head.trajectory.task.clone();
    task.ok_or_else(|| Fault::new("this is no task"))
}

fn check(
    args: &TasksCheckArgs,
    repositories: &Repositories,
    store: &Store,
    order: &[RecordIx],
    output: &mut Output<'_>,
) -> Result<Vec<Checked>> {
    let (mut tasks, mut places, mut checked) = (Vec::new(), Vec::new(), Vec::new());
    for ix in order {
        match task_of(store, *ix) {
            Ok(task) => {
                tasks.push(task);
                places.push(*ix);
            }
            Err(fault) => checked.push((*ix, Err(fault))),
        }
    }
    let program = programs(args.allow_run);
    let pool = args.jobs.map(|jobs| {
        let threads = usize::try_from(jobs).unwrap_or(1);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.map_err(|err| Error::internal("threads cannot be started").caused_by(err))
    });
    let pool = pool.transpose()?;
    let means = Means {
        program: Some(&program),
        pool: pool.as_ref(),
    };
    let mut progress = Progress::new(output);
    let all = tasks.len();
    let mut say = |done: usize| progress.say(|| records::bar(done, all, "tasks"));
    let reports = check_all(&tasks, repositories, means, &Cancel::new(), &mut say);
    progress.clear();
    let reports = reports.ok_or_else(|| Error::limit("cancelled"))?;
    let told = places.into_iter().zip(tasks.into_iter().zip(reports));
    checked.extend(told.map(|(ix, told)| (ix, Ok(told))));
    checked.sort_by_key(|(ix, _)| ix.0);
    Ok(checked)
}

fn row(store: &Store, ix: RecordIx, told: &Result<(Task, Report), Fault>) -> TaskCheckRow {
    let entry = store.entry(ix);
    let task = told.as_ref().ok().map(|(task, _)| task);
    let report = told.as_ref().ok().map(|(_, report)| report);
    TaskCheckRow {
        id: task.and_then(|task| task.id.clone()),
        path: entry
            .as_ref()
            .map(|entry| entry.path.to_path_buf())
            .unwrap_or_default(),
        row: entry.as_ref().map_or(0, |entry| entry.row),
        task_type: task.map(|task| task.kind),
        repo: task.and_then(|task| task.repo.clone()),
        base_commit: task.and_then(|task| task.base_commit.clone()),
        is_good: report.is_some_and(Report::is_good),
        report: report.cloned(),
        fault: told.as_ref().err().cloned(),
    }
}

fn print(checked: &[Checked], output: &mut Output<'_>) -> Result<()> {
    let names: Vec<String> = CHECKS.iter().map(|name| name.to_uppercase()).collect();
    let mut head = vec!["#", "ID", "TYPE"];
    head.extend(names.iter().map(String::as_str));
    let most_id = rows::id_cells(output);
    let lines = checked.iter().map(|(ix, told)| {
        let number = ((ix.0 + 1).to_string(), None);
        let (task, report) = match told {
            Ok(told) => told,
            Err(fault) => {
                let mut cells = vec![number];
                cells.resize(CHECKS.len() + 3, ("-".to_owned(), None));
                let rest = text::clean_line(&fault.unread("")).into_owned();
                return Line { cells, rest };
            }
        };
        let id = task.id.as_deref().unwrap_or("-");
        let id = text::clip(&text::clean_line(id), most_id).into_owned();
        let mut cells = vec![number, (id, None), (task.kind.name().to_owned(), None)];
        cells.extend(report.checks.iter().map(cell));
        let rest = text::clean_line(&why(report)).into_owned();
        Line { cells, rest }
    });
    rows::print(&head, "WHY", lines.collect(), output)?;
    Ok(())
}

fn cell(check: &Check) -> (String, Option<anstyle::Style>) {
    let (word, color) = match check.outcome {
        Outcome::Ok => ("ok", AnsiColor::Green),
        Outcome::Refused => ("no", AnsiColor::Red),
        Outcome::Unjudged => ("?", AnsiColor::Yellow),
    };
    (word.to_owned(), Some(color.on_default()))
}

/// The reason of every refusal; where there is none, that of what is left open.
fn why(report: &Report) -> String {
    let of = |outcome| {
        let checks = report
            .checks
            .iter()
            .filter(move |check| check.outcome == outcome);
        let told =
            checks.filter_map(|check| Some(format!("{}: {}", check.name, check.why.as_deref()?)));
        told.collect::<Vec<_>>().join("; ")
    };
    match of(Outcome::Refused) {
        refused if refused.is_empty() => of(Outcome::Unjudged),
        refused => refused,
    }
}

fn summary(checked: &[Checked], output: &mut Output<'_>) -> Result<Verdict> {
    let reports = checked.iter().filter_map(|(_, told)| told.as_ref().ok());
    let reports: Vec<&Report> = reports.map(|(_, report)| report).collect();
    let good = reports.iter().filter(|report| report.is_good()).count();
    let all = human::plural(checked.len(), "task");
    let mut parts = vec![format!("{} of {all} good", human::count(good))];
    for name in CHECKS {
        let is_refused = |report: &&&Report| {
            let mut checks = report.checks.iter();
            checks.any(|check| check.name == name && check.outcome == Outcome::Refused)
        };
        let count = reports.iter().filter(is_refused).count();
        if count > 0 {
            parts.push(format!("{name} refuses {}", human::count(count)));
        }
    }
    let unread = checked.len() - reports.len();
    if unread > 0 {
        parts.push(format!("{} could not be read", human::count(unread)));
    }
    writeln!(output.err, "hgview: {}", parts.join(", "))?;
    Ok(if good == checked.len() {
        Verdict::Yes
    } else {
        Verdict::No
    })
}
