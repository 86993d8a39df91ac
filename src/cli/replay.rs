//! `hgview replay`: runs the recorded calls of trajectories again in sandboxes, as a table or as JSON lines.
//!
//! Several records at once, each in a sandbox of its own; what is printed is in the order of the inputs all the same.
//! Results are kept as soon as they are there: beside the data, or in the file of a share. What has a result for the same
//! options is not run again.

mod merge;
mod plan;
mod setup;
mod table;
mod work;

use rayon::iter::IntoParallelRefIterator as _;
use rayon::iter::ParallelIterator as _;

use crate::cancel::Cancel;
use crate::cli::Output;
use crate::cli::Verdict;
use crate::cli::args::BackendArg;
use crate::cli::args::ReplayArgs;
use crate::cli::args::ReplayCommand;
use crate::cli::args::SharedArgs;
use crate::cli::records;
use crate::cli::replay::setup::Setup;
use crate::cli::replay::work::Job;
use crate::cli::replay::work::Keeper;
use crate::cli::review;
use crate::cli::selection;
use crate::cli::signals::Interrupts;
use crate::error::Error;
use crate::error::Result;
use crate::model::ContentHash;
use crate::model::Fault;
use crate::model::RecordIx;
use crate::replay::results;
use crate::replay::results::Results;
use crate::replay::results::ShardWriter;
use crate::replay::results::Writer;
use crate::review::Place;
use crate::store::Store;
use crate::text;

pub(super) use crate::cli::replay::plan::PlanRow;
pub(super) use crate::cli::replay::setup::stage;

/// Replays all records. *No* when one was not reproduced or could not be read.
pub(super) fn run(
    args: &ReplayArgs,
    shared: &SharedArgs,
    output: &mut Output<'_>,
) -> Result<Verdict> {
    if let Some(ReplayCommand::Merge(args)) = &args.command {
        return merge::run(args, output);
    }
    let selector = selection::selector(shared)?;
    let setup = match args.stage.backend {
        BackendArg::None => None,
        _ => Some(Setup::new(args)?),
    };
    let store = records::load_store(&args.paths, shared, output)?;
    let among = selection::chosen(selector, &args.paths, &store, shared, output)?;
    let order = wanted(args, &store, &among)?;
    let Some(setup) = setup else {
        return plan::run(args, &store, &order, output);
    };
    let place = review::place_of(&args.paths, &store, shared)?;
    let (jobs, faults) = jobs(&store, &place, &order);
    for (ix, fault) in &faults {
        let words = fault.unread(&format!("record {}", ix.0 + 1));
        writeln!(output.err, "hgview: {}", text::clean_line(&words))?;
    }
    let mut keeper = keeper(args, &place, setup.options(), output)?;
    let cancel = Cancel::new();
    let interrupts = Interrupts::watch(&cancel)?;
    let rows = work::run(&setup, &store, &jobs, &mut keeper, (args, &cancel), output)?;
    let was_stopped = cancel.is_cancelled();
    let path = keeper.end(!was_stopped)?;
    if !args.json {
        table::print(&rows, output)?;
    }
    output.out.flush()?;
    table::tell(&rows, &setup, &path, output.err)?;
    if was_stopped {
        interrupts.obey();
    }
    let is_all = faults.is_empty() && rows.iter().all(work::Row::is_reproduced);
    Ok(if is_all && !was_stopped {
        Verdict::Yes
    } else {
        Verdict::No
    })
}

/// The records that were named, of those that the query takes, in the order of the inputs.
fn wanted(args: &ReplayArgs, store: &Store, among: &[RecordIx]) -> Result<Vec<RecordIx>> {
    let nth = args
        .nth
        .map(|nth| usize::try_from(nth).unwrap_or(usize::MAX));
    let is_wanted = |ix: &&RecordIx| {
        if nth.is_some_and(|nth| ix.0 + 1 != nth) {
            return false;
        }
        if args.id.is_none() && args.share.shard.is_none() {
            return true;
        }
        let summary = store.summarize(**ix);
        let is_named = args
            .id
            .as_ref()
            .is_none_or(|id| summary.id == *id || summary.task_id.as_ref() == Some(id));
        is_named
            && args
                .share
                .shard
                .is_none_or(|shard| shard.takes(&summary.id))
    };
    let order: Vec<RecordIx> = among.par_iter().filter(is_wanted).copied().collect();
    if order.is_empty() && args.share.shard.is_none() {
        let what = match (&args.id, args.nth) {
            (Some(id), _) => format!("no record has the id {id}"),
            (_, Some(nth)) => format!("there is no record {nth} to replay"),
            _ => "no record is taken by --where".to_owned(),
        };
        return Err(Error::user(what));
    }
    Ok(order)
}

/// What is to be done, each content once, and what cannot be read.
fn jobs(store: &Store, place: &Place, order: &[RecordIx]) -> (Vec<Job>, Vec<(RecordIx, Fault)>) {
    let named = |ix: &RecordIx| -> Result<Job, (RecordIx, Fault)> {
        let summary = store.summarize(*ix);
        if let Some(fault) = summary.fault {
            return Err((*ix, fault));
        }
        match place.reference(store, *ix, &summary.id) {
            Ok(record) => Ok(Job { ix: *ix, record }),
            Err(error) => Err((*ix, Fault::new(error.to_string()))),
        }
    };
    let read: Vec<_> = order.par_iter().map(named).collect();
    let (mut jobs, mut faults) = (Vec::new(), Vec::new());
    let mut met = std::collections::HashSet::new();
    for found in read {
        match found {
            Ok(job) if met.insert(job.record.sha256) => jobs.push(job),
            Ok(_) => {}
            Err(fault) => faults.push(fault),
        }
    }
    (jobs, faults)
}

/// Where results go, and which are there.
fn keeper(
    args: &ReplayArgs,
    place: &Place,
    options: ContentHash,
    output: &mut Output<'_>,
) -> Result<Keeper> {
    if let (Some(shard), Some(out)) = (args.share.shard, &args.share.out) {
        let writer = ShardWriter::open(out, shard, options)?;
        return Ok(Keeper::Shard(Box::new(writer)));
    }
    let earlier = if args.again {
        Results::default()
    } else {
        Results::load(place.reads())
    };
    tell_passed(&earlier, output)?;
    Ok(Keeper::Beside {
        writer: Writer::open(place, results::NAME)?,
        earlier: Box::new(earlier),
        options,
    })
}

/// Says what is wrong in files of results.
pub(in crate::cli) fn tell_passed(results: &Results, output: &mut Output<'_>) -> Result<()> {
    for passed in results.passed() {
        let words = passed.to_string();
        writeln!(output.err, "hgview: {}", text::clean_line(&words))?;
    }
    let more = results.passed_count() - results.passed().len();
    if more > 0 {
        writeln!(
            output.err,
            "hgview: and {more} more lines that are no results"
        )?;
    }
    Ok(())
}
