//! `hgview verify`: what the automatic filter says of each record, as a table or as JSON lines, and how often.

use std::path::Path;
use std::path::PathBuf;

use rayon::iter::IntoParallelIterator as _;
use rayon::iter::ParallelIterator as _;
use schemars::JsonSchema;
use serde::Serialize;

mod share;
mod table;
mod tally;
use crate::cancel::Cancel;
use crate::cli::Output;
use crate::cli::Verdict;
use crate::cli::args::SharedArgs;
use crate::cli::args::VerifyArgs;
use crate::cli::args::VerifyCommand;
use crate::cli::args::VerifyMode;
use crate::cli::chosen_flags;
use crate::cli::programs::programs;
use crate::cli::records;
use crate::cli::records::Progress;
use crate::cli::selection;
use crate::cli::show::repositories;
use crate::cli::verify::share::Share;
pub(super) use crate::cli::verify::share::VerifyHead;
pub(super) use crate::cli::verify::share::VerifyLine;
use crate::cli::verify::tally::Tally;
use crate::config::Paths;
use crate::error::Error;
use crate::error::Result;
use crate::model::ContentHash;
use crate::model::Fault;
use crate::model::Flag;
use crate::model::Format;
use crate::model::RecordIx;
use crate::model::Span;
use crate::model::TaskKind;
use crate::model::Verdict as FilterVerdict;
use crate::store::OpenOptions;
use crate::store::Store;
use crate::text;
use crate::verify::Judgement;
use crate::verify::Rules;
use crate::verify::cache::Cache;
use crate::verify::check;
use crate::verify::check::Checked;
use crate::verify::check::Tools;
use crate::verify::filter::Filter;
use crate::verify::flags;
use crate::verify::noted;
use crate::verify::program::RunProgram;
use crate::verify::published;
use crate::workspace::repositories::Repositories;

/// Records that are checked between two words about the progress; each may run a program for a minute.
const BATCH: usize = 32;

/// A line of `hgview verify --json`. Names and meanings are stable; fields may be added. What a record does not say is
/// null.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::cli) struct VerifyRow {
    /// The record's name: the task's id, else the producer's, else the file's name and row.
    id: String,
    /// Which record it is.
    record: VerifyRecord,
    /// The task's instance id.
    task: Option<String>,
    /// Its number among the attempts that the run made at the task, from 1; null where the record does not say.
    attempt: Option<u64>,
    /// What the task asks for.
    task_type: Option<TaskKind>,
    /// What the published rules say; null where they were not asked.
    published: Option<Judgement>,
    /// What the strict rules say; null where they were not asked.
    strict: Option<Judgement>,
    /// Whether the record or a joined report says that the task was solved: its label, `eval_result`, SWE-bench, SWT-bench
    /// and Commit-0 reports.
    resolved: Option<bool>,
    /// A graded reward of the record or of a joined file.
    reward: Option<f64>,
    /// Where label and reward come from: a field of the record, the name of a joined file.
    label_source: Option<String>,
    /// What the filter of `--filter` says; null without one.
    filter: Option<FilterTold>,
    /// Observations worth a look; they decide nothing. Those of behaviour only with `--flags`.
    flags: Vec<Flag>,
    /// Why the record could not be read; there are no verdicts then.
    fault: Option<Fault>,
}

/// What a filter says of a record.
#[derive(Debug, Serialize, JsonSchema)]
struct FilterTold {
    /// The filter as it was asked for.
    name: String,
    /// What it says.
    verdict: FilterVerdict,
    /// The number that it goes by; null where it goes by none, or knows none for the record.
    score: Option<f64>,
    /// Why labels or scores do not accept the record; null where they do, and for rules, whose evidence says so.
    why: Option<String>,
}

/// Which record a row is about.
#[derive(Debug, Serialize, JsonSchema)]
struct VerifyRecord {
    /// The record's content; what decisions are keyed by.
    sha256: Option<ContentHash>,
    /// The record's place among all inputs, from 1; what `--nth` takes.
    nth: usize,
    /// The file or folder.
    path: PathBuf,
    /// The member inside an archive.
    member: Option<String>,
    /// The record's place in its file, from 0; people are told it from 1.
    row: usize,
    /// Its bytes in the decompressed file.
    byte_range: Option<Span>,
}

/// Checks all records. *No* when one of them could not be read.
pub(super) fn run(
    args: &VerifyArgs,
    shared: &SharedArgs,
    output: &mut Output<'_>,
) -> Result<Verdict> {
    if let Some(VerifyCommand::Merge(args)) = &args.command {
        return share::run(args, output);
    }
    let asked = args.filter.as_deref().map(AskedFilter::parse).transpose()?;
    let asked = asked.as_ref();
    let selector = selection::selector(shared)?;
    let repositories = repositories(&args.repos)?;
    if let Some(tasks) = &args.tasks {
        check_tasks(tasks, output)?;
    }
    let with: Vec<PathBuf> = args.tasks.iter().cloned().collect();
    let store = records::load_store_with(&args.paths, &with, shared, output)?;
    let places = share::range(args.share.shard, store.len());
    let share = Share::open(args, shared, &store, asked)?;
    let mut order = selection::chosen_in(places, selector, &args.paths, &store, shared, output)?;
    let goes_by_content = asked.is_some_and(|asked| asked.filter.goes_by_content());
    let hashes = args.json || share.is_some() || goes_by_content;
    let by = (asked, &repositories, hashes);
    if let Some(mut share) = share {
        order.retain(|ix| !share.is_done(ix.0));
        check_all(args, by, &store, &order, output, &mut |rows| {
            share.add(rows)
        })?;
        return share.complete(output);
    }
    let mut rows: Vec<Row> = Vec::with_capacity(order.len());
    check_all(args, by, &store, &order, output, &mut |mut more| {
        rows.append(&mut more);
        Ok(())
    })?;
    flags::flag_same_patches(rows.iter_mut().filter_map(|row| row.checked.as_mut().ok()));
    let chosen = chosen_flags();
    for checked in rows.iter_mut().filter_map(|row| row.checked.as_mut().ok()) {
        checked.flags.retain(|flag| chosen.has(flag.flag));
    }
    let rules = rules(args.mode);
    let mut tally = Tally::default();
    let mut has_fault = false;
    for row in &rows {
        match &row.checked {
            Ok(checked) => tally.add(checked, asked.map(|asked| asked.filter.verdict(checked))),
            Err(_) => has_fault = true,
        }
    }
    if args.json {
        for row in rows {
            let row = VerifyRow::new(&store, row, rules, asked);
            writeln!(output.out, "{}", records::to_json(&row)?)?;
        }
    } else {
        table::print(&rows, rules, asked, output)?;
    }
    output.out.flush()?;
    tally.print(rules, asked.map(|asked| &*asked.name), output.err)?;
    records::warn_unmatched(&store, args.tasks.as_deref(), output)?;
    Ok(if has_fault { Verdict::No } else { Verdict::Yes })
}

/// A filter with the word that asked for it.
struct AskedFilter {
    name: String,
    filter: Filter,
}

impl AskedFilter {
    fn parse(name: &str) -> Result<Self> {
        Ok(Self {
            name: name.to_owned(),
            filter: Filter::parse(name)?,
        })
    }

    fn told(&self, checked: &Checked) -> FilterTold {
        FilterTold {
            name: self.name.clone(),
            verdict: self.filter.verdict(checked),
            score: self.filter.score(checked),
            why: self.filter.why_not(checked),
        }
    }
}

/// A record and what was found out about it.
struct Row {
    ix: RecordIx,
    checked: Result<Checked, Fault>,
    /// The test program, where it is wanted and there is one.
    test: Option<String>,
}

fn rules(mode: VerifyMode) -> &'static [Rules] {
    match mode {
        VerifyMode::Published => &[Rules::Published],
        VerifyMode::Strict => &[Rules::Strict],
        VerifyMode::Both => &[Rules::Published, Rules::Strict],
    }
}

/// Checks records in parallel, and hashes them where that is asked for; `found` sees them in their order, some at once.
fn check_all(
    args: &VerifyArgs,
    (asked, repositories, hashes): (Option<&AskedFilter>, &Repositories, bool),
    store: &Store,
    order: &[RecordIx],
    output: &mut Output<'_>,
    found: &mut dyn FnMut(Vec<Row>) -> Result<()>,
) -> Result<()> {
    let programs = programs(args.allow_run);
    let program = Some(&programs as &dyn RunProgram);
    let cache = Cache::open(&Paths::of_environment().cache.join("verify"));
    let mut used = rules(args.mode).to_vec();
    for rules in asked.map_or(&[][..], |asked| asked.filter.rules()) {
        if !used.contains(rules) {
            used.push(*rules);
        }
    }
    let chosen = chosen_flags();
    let tools = Tools {
        program,
        rules: &used,
        cache: Some(&cache),
        repositories: Some(repositories),
        flags: args.flags.then_some(&chosen),
        hashes,
    };
    let cancel = Cancel::new();
    let work = |ix| {
        let head = match store.load_head(ix) {
            Ok(head) => head,
            Err(fault) => {
                return Row {
                    ix,
                    checked: Err(fault),
                    test: None,
                };
            }
        };
        let test = args
            .show_test
            .then(|| published::test_program(&head.trajectory));
        let checked = check::check(&head, &|| store.load(ix), &tools, &cancel);
        if repositories.is_empty() {
            noted::keep(store, ix, &head, &checked, &used);
        }
        Row {
            ix,
            checked: Ok(checked),
            test: test.flatten(),
        }
    };
    let mut progress = Progress::new(output);
    let mut done = 0;
    records::in_batches(
        (order, BATCH),
        |ix| work(*ix),
        |batch, rows| {
            found(rows)?;
            done += batch.len();
            progress.say(|| records::bar(done, order.len(), "records checked"));
            Ok(())
        },
    )?;
    progress.clear();
    Ok(())
}

/// Says what is wrong with a task file before anything is read because of it.
///
/// # Errors
/// *input* when it cannot be read or none of its rows can be joined.
fn check_tasks(path: &Path, output: &mut Output<'_>) -> Result<()> {
    let store = Store::open(&OpenOptions {
        paths: vec![path.to_path_buf()],
        ..OpenOptions::default()
    })?;
    store.scan(&Cancel::new(), &mut |_| {})?;
    let has_id = |ix| {
        let task = store.load(RecordIx(ix)).ok()?;
        let task = (task.source.format == Some(Format::Task)).then(|| task.task.clone())?;
        task?.id
    };
    let with_id = (0..store.len())
        .into_par_iter()
        .filter(|ix| has_id(*ix).is_some())
        .count();
    let name = text::clean(&path.display().to_string()).into_owned();
    if with_id == 0 {
        return Err(
            Error::input(format!("no row of {name} is a task with an `instance_id`"))
                .hint("records find their task by it; a row holds the fields of one instance"),
        );
    }
    let without = store.len() - with_id;
    if without > 0 {
        writeln!(
            output.err,
            "hgview: {without} of {} rows of {name} are no tasks with an `instance_id` and are left out",
            store.len()
        )?;
    }
    Ok(())
}

impl VerifyRow {
    fn new(store: &Store, row: Row, rules: &[Rules], asked: Option<&AskedFilter>) -> Self {
        let entry = store.entry(row.ix);
        let record = VerifyRecord {
            sha256: row.checked.as_ref().ok().and_then(|checked| checked.hash),
            nth: row.ix.0 + 1,
            path: entry
                .as_ref()
                .map(|entry| entry.path.to_path_buf())
                .unwrap_or_default(),
            member: entry
                .as_ref()
                .and_then(|entry| entry.member.as_deref().map(str::to_owned)),
            row: entry.as_ref().map_or(0, |entry| entry.row),
            byte_range: entry.and_then(|entry| entry.span),
        };
        let checked = match row.checked {
            Ok(checked) => checked,
            Err(fault) => {
                return Self {
                    id: store.summarize(row.ix).id,
                    record,
                    task: None,
                    attempt: None,
                    task_type: None,
                    published: None,
                    strict: None,
                    resolved: None,
                    reward: None,
                    label_source: None,
                    filter: None,
                    flags: Vec::new(),
                    fault: Some(fault),
                };
            }
        };
        let filter = asked.map(|asked| asked.told(&checked));
        let mut published = checked.published;
        if let Some(test) = row.test {
            published.checks.push(("test_file", test.into()));
        }
        let asked = |rule, judgement| rules.contains(&rule).then_some(judgement);
        Self {
            id: checked.id,
            record,
            task: checked.task_id,
            attempt: checked.attempt,
            task_type: Some(checked.kind),
            published: asked(Rules::Published, published),
            strict: asked(Rules::Strict, checked.strict),
            resolved: checked.resolved,
            reward: checked.reward,
            label_source: checked.label_source,
            filter,
            flags: checked.flags,
            fault: None,
        }
    }
}
