//! `hgview list`: one row a trajectory, as a table or as JSON lines.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;

use crate::cancel::Cancel;
use crate::cli::Output;
use crate::cli::Verdict;
use crate::cli::args::ListArgs;
use crate::cli::args::SharedArgs;
use crate::cli::chosen_flags;
use crate::cli::records;
use crate::cli::replay;
use crate::cli::review;
use crate::cli::selection;
use crate::cli::selection::Selection;
use crate::config::Paths;
use crate::error::Error;
use crate::error::Result;
use crate::model;
use crate::model::Fault;
use crate::model::Format;
use crate::model::RecordIx;
use crate::model::Span;
use crate::model::Summary;
use crate::model::TaskKind;
use crate::model::Tokens;
use crate::query::sort::SortKey;
use crate::query::sort::Sorted;
use crate::replay::Same;
use crate::replay::results::Brief;
use crate::replay::results::Results;
use crate::review::Choice;
use crate::review::Ledger;
use crate::review::Place;
use crate::select::Known;
use crate::select::Selector;
use crate::select::Sources;
use crate::store::Store;
use crate::verify::cache::Cache;

mod columns;
mod fields;
mod said;
mod table;

pub(in crate::cli) use crate::cli::list::fields::Field;
use crate::cli::list::fields::Picked;
use crate::cli::list::fields::Wanted;
use crate::cli::list::said::Said;
use crate::cli::list::table::Table;

/// A line of `hgview list --json`. Names and meanings are stable; fields may be added. What a record does not say is
/// null. With `--fields` a line has those that it names, in its order, and no others.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct ListRow {
    /// The record's name: the task's id, else the producer's, else the file's name and row.
    id: String,
    /// The record's place among all inputs, from 1; what `--nth` takes.
    nth: usize,
    /// The task's instance id.
    task: Option<String>,
    /// What the task asks for.
    task_type: Option<TaskKind>,
    /// Its number among the run's attempts at the task, from 1.
    attempt: Option<u64>,
    /// The producer family.
    format: Option<Format>,
    /// The layout inside the family.
    variant: Option<String>,
    /// How the attempt ended.
    outcome: ListOutcome,
    /// Model responses.
    steps: usize,
    /// Tool calls.
    actions: usize,
    /// Tool calls that failed.
    failed_actions: usize,
    /// What the automatic filters say of attempts at the task types they know; null for all others.
    verdicts: ListVerdicts,
    /// What people decided: the one decision, or what all of them say; null when nobody did or they contradict each other.
    decision: Option<Choice>,
    /// Every reviewer's decision, by name.
    decisions: BTreeMap<String, Choice>,
    /// What came of it when it was replayed last; null where it was not.
    replay: Option<ListReplay>,
    /// Observations worth a look (`loop at step 12: …`), and flags of people.
    flags: Vec<String>,
    /// Tokens in and out.
    tokens: Option<u64>,
    /// Tokens by kind.
    tokens_detail: Tokens,
    /// US dollars.
    cost: Option<f64>,
    /// Seconds.
    duration: Option<f64>,
    /// The model.
    model: Option<String>,
    /// Lines that the final patch adds or removes.
    patch_lines: Option<usize>,
    /// Sub-agents, branches, other attempts.
    children: usize,
    /// The file or folder.
    path: PathBuf,
    /// The member inside an archive.
    member: Option<String>,
    /// The record's place in its file, from 0; people are told it from 1.
    row: usize,
    /// Its bytes in the decompressed file.
    byte_range: Option<Span>,
    /// Why the record could not be read; most other fields are then null or 0.
    fault: Option<Fault>,
}

/// How an attempt ended.
#[derive(Debug, Serialize, JsonSchema)]
struct ListOutcome {
    /// Whether it solved its task.
    resolved: Option<bool>,
    /// A graded reward.
    reward: Option<f64>,
    /// The producer's word for the end; what ended an attempt of `hgview rollout`.
    exit_status: Option<String>,
    /// The run's error, first line.
    error: Option<String>,
}

/// What the automatic filters say.
#[derive(Debug, Serialize, JsonSchema)]
struct ListVerdicts {
    /// As the published filter decides.
    published: Option<model::Verdict>,
    /// As the strict one does.
    strict: Option<model::Verdict>,
}

/// What came of a replay.
#[derive(Debug, Serialize, JsonSchema)]
struct ListReplay {
    /// It was replayed to the end, and every call showed what was recorded.
    reproduced: bool,
    /// The step of the first call that diverged.
    first_divergence: Option<usize>,
    /// Calls that showed what was recorded, of those that can show something.
    r#match: Option<f64>,
    /// How the final patch compares with the recorded one.
    patch: Option<Same>,
    /// What the checks of the replayed workspace say: the worst, where there are several.
    verified: Option<model::Verdict>,
    /// A check did not always say the same.
    flaky: bool,
    /// It could not be replayed to the end.
    error: bool,
    /// The same in a word, for tables.
    #[serde(skip)]
    word: String,
}

impl ListReplay {
    fn of(brief: &Brief) -> Self {
        Self {
            reproduced: brief.is_reproduced,
            first_divergence: brief.first_divergence,
            r#match: brief.matched,
            patch: brief.patch,
            verified: brief.verified,
            flaky: brief.is_flaky,
            error: brief.has_error,
            word: brief.word(),
        }
    }
}

impl ListRow {
    fn new(store: &Store, ix: RecordIx, row: Summary, said: Said) -> Self {
        let entry = store.entry(ix);
        Self {
            id: row.id,
            nth: ix.0 + 1,
            task: row.task_id,
            task_type: row.task_kind,
            attempt: row.attempt,
            format: row.format,
            variant: row.variant,
            outcome: ListOutcome {
                resolved: row.resolved,
                reward: row.reward,
                exit_status: row.exit_status,
                error: row.error,
            },
            steps: row.steps,
            actions: row.actions,
            failed_actions: row.failed_actions,
            verdicts: ListVerdicts {
                published: said.verdicts.map(|verdicts| verdicts.published),
                strict: said.verdicts.map(|verdicts| verdicts.strict),
            },
            decision: said.decision(),
            decisions: said.decisions,
            replay: said.replay,
            flags: said.flags,
            tokens: row.tokens.total(),
            tokens_detail: row.tokens,
            cost: row.cost,
            duration: row.duration_s,
            model: row.model,
            patch_lines: row.patch_lines,
            children: row.children,
            path: entry
                .as_ref()
                .map(|e| e.path.to_path_buf())
                .unwrap_or_default(),
            member: entry
                .as_ref()
                .and_then(|e| e.member.as_deref().map(str::to_owned)),
            row: entry.as_ref().map_or(0, |e| e.row),
            byte_range: entry.and_then(|e| e.span),
            fault: row.fault,
        }
    }
}

/// Prints the rows. *No* when one of them could not be read.
pub(super) fn run(
    args: &ListArgs,
    shared: &SharedArgs,
    output: &mut Output<'_>,
) -> Result<Verdict> {
    let key = SortKey::from_name(&args.sort)
        .ok_or_else(|| Error::internal(format!("`{}` is no column", args.sort)))?;
    let selector = selection::selector(shared)?;
    let store = records::load_store(&args.paths, shared, output)?;
    let mut order: Vec<RecordIx> = (0..store.len()).map(RecordIx).collect();
    let fields = args.fields.as_deref().map(Field::each);
    let wanted = wanted(args, fields.as_deref(), key, selector.as_ref());
    let place = review::place_of(&args.paths, &store, shared)?;
    let (ledger, results) = told(wanted, &place, output)?;
    let cache = Cache::open(&Paths::of_environment().cache.join("verify"));
    let selection = selector.map(|selector| Selection::new(selector, shared));
    let selection = selection.transpose()?;
    let people = selection
        .as_ref()
        .map(|selection| selection.people(&ledger, &place));
    let sources = Sources {
        store: &store,
        people: people.as_ref(),
        cache: Some(&cache),
        program: None,
    };
    let chosen = wanted.flags.then(chosen_flags);
    let row = |ix: RecordIx| {
        if wanted.whole_row {
            store.summarize(ix)
        } else {
            store.sketch(ix)
        }
    };
    let said = |ix: RecordIx, row: &Summary| {
        let told = (&ledger, &results);
        let judges = (&cache, chosen.as_ref());
        let look = || Said::new(&store, (ix, row), wanted.verdicts, told, judges);
        match &selection {
            Some(selection) => taken(selection, &sources, ix, row, look),
            None => Some(look()),
        }
    };
    let most = args.limit.unwrap_or(usize::MAX);
    let mut sink = Sink::new(args.json, fields, output);
    if key == SortKey::Source {
        if args.reverse {
            order.reverse();
        }
        if selection.is_none() {
            order.truncate(most);
        }
        sink.expect(order.iter().max().copied());
        let mut left = most;
        records::each_row((&order, row), output, said, |ix, (row, said), output| {
            let Some(said) = said.filter(|_| left > 0) else {
                return Ok(());
            };
            left -= 1;
            sink.row(&ListRow::new(&store, ix, row, said), output)
        })?;
    } else {
        let mut rows = Vec::with_capacity(order.len());
        records::each_row((&order, row), output, said, |ix, (row, said), _| {
            rows.extend(said.map(|said| (ix, (row, said))));
            Ok(())
        })?;
        let ranked = rows.into_iter().map(|row| (key.rank(sorted(&row.1)), row));
        let mut ranked: Vec<_> = ranked.collect();
        ranked.sort_by(|(a, _), (b, _)| a.compare(b, args.reverse));
        ranked.truncate(most);
        sink.expect(ranked.iter().map(|(_, (ix, _))| *ix).max());
        for (_, (ix, (row, said))) in ranked {
            sink.row(&ListRow::new(&store, ix, row, said), output)?;
        }
    }
    let verdict = sink.finish(output)?;
    // with a limit, the records that were left unread may be the ones that match
    if order.len() == store.len() {
        records::warn_unmatched(&store, None, output)?;
    }
    Ok(verdict)
}

/// What people said and what came of replays, where that is wanted.
fn told(wanted: Wanted, place: &Place, output: &mut Output<'_>) -> Result<(Ledger, Results)> {
    let (mut ledger, mut results) = (Ledger::default(), Results::default());
    if wanted.people {
        ledger = review::ledger(place, output)?;
    }
    if wanted.replays {
        results = Results::load(place.reads());
        replay::tell_passed(&results, output)?;
    }
    Ok((ledger, results))
}

/// What has to be found out of each record.
fn wanted(
    args: &ListArgs,
    fields: Option<&[Field]>,
    key: SortKey,
    selector: Option<&Selector>,
) -> Wanted {
    let printed = match fields {
        Some(fields) => Wanted::of(fields),
        None if args.json => Wanted::ALL,
        None => Wanted::TABLE,
    };
    let wanted = printed.and_order(key);
    let Some(needs) = selector.map(Selector::needs) else {
        return wanted;
    };
    Wanted {
        whole_row: true,
        verdicts: wanted.verdicts || needs.verdicts,
        people: wanted.people || needs.people,
        ..wanted
    }
}

/// What is said of a record, where the query takes it. Only a query about verdicts has records judged that it may leave out.
fn taken(
    selection: &Selection,
    sources: &Sources<'_>,
    ix: RecordIx,
    row: &Summary,
    look: impl FnOnce() -> Said,
) -> Option<Said> {
    let selector = selection.selector();
    let admits = |verdicts| {
        let known = Known {
            summary: Some(row),
            verdicts,
            ..Known::default()
        };
        selector.admits(ix, sources, known, &Cancel::new())
    };
    if selector.needs().verdicts {
        let said = look();
        admits(said.verdicts).then_some(said)
    } else {
        admits(None).then(look)
    }
}

/// What a row is sorted by.
fn sorted((summary, said): &(Summary, Said)) -> Sorted<'_> {
    Sorted {
        summary,
        verdicts: said.verdicts,
        decision: said.decision().map(Choice::verdict),
        replayed: said.rank,
    }
}

/// Where rows go.
struct Sink {
    table: Option<Table>,
    /// The keys of a JSON line, in their order; all of them where nobody says which.
    keys: Option<Vec<Field>>,
    has_fault: bool,
}

impl Sink {
    fn new(is_json: bool, fields: Option<Vec<Field>>, output: &Output<'_>) -> Self {
        let (width, is_colored) = (output.terminal.width, output.terminal.color);
        let table = (!is_json).then(|| Table::new(fields.as_deref(), width, is_colored));
        Self {
            table,
            keys: fields,
            has_fault: false,
        }
    }

    /// Says which is the last of the records that will come.
    fn expect(&mut self, last: Option<RecordIx>) {
        if let (Some(table), Some(last)) = (&mut self.table, last) {
            table.expect(last.0 + 1);
        }
    }

    fn row(&mut self, row: &ListRow, output: &mut Output<'_>) -> Result<()> {
        self.has_fault |= row.fault.is_some();
        if let Some(table) = &mut self.table {
            table.push(row, output.out)?;
            return Ok(());
        }
        let line = match &self.keys {
            Some(keys) => records::to_json(&Picked { row, keys })?,
            None => records::to_json(row)?,
        };
        writeln!(output.out, "{line}")?;
        Ok(())
    }

    fn finish(self, output: &mut Output<'_>) -> Result<Verdict> {
        if let Some(table) = self.table {
            table.finish(output.out)?;
        }
        Ok(if self.has_fault {
            Verdict::No
        } else {
            Verdict::Yes
        })
    }
}
