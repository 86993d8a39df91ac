//! The records of a replay, several at once, handed on in order.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::sync::mpsc;

use crate::cancel::Cancel;
use crate::cli::Output;
use crate::cli::args::ReplayArgs;
use crate::cli::records;
use crate::cli::records::Progress;
use crate::cli::replay::setup::Replayed;
use crate::cli::replay::setup::Setup;
use crate::error::Result;
use crate::model::ContentHash;
use crate::model::RecordIx;
use crate::model::Text;
use crate::replay::RecordReplay;
use crate::replay::StepVerdict;
use crate::replay::results;
use crate::replay::results::Brief;
use crate::replay::results::Origin;
use crate::replay::results::Results;
use crate::replay::results::ShardWriter;
use crate::replay::results::Writer;
use crate::review::RecordRef;
use crate::store::Store;

/// A record to replay.
pub(super) struct Job {
    pub(super) ix: RecordIx,
    pub(super) record: RecordRef,
}

/// Where results go, and which are there already.
pub(super) enum Keeper {
    /// Beside the data.
    Beside {
        writer: Writer,
        earlier: Box<Results>,
        options: ContentHash,
    },
    /// In the file of a share.
    Shard(Box<ShardWriter>),
}

/// The result that a record has already.
enum Earlier {
    /// None.
    None,
    /// One that is not shown again.
    Elsewhere,
    /// This one.
    Known(Box<RecordReplay>),
}

impl Keeper {
    /// The result that a record has.
    fn earlier(&self, record: ContentHash) -> Result<Earlier> {
        match self {
            Self::Beside {
                earlier, options, ..
            } => {
                if !earlier.is_done(record, *options) {
                    return Ok(Earlier::None);
                }
                let whole = earlier.whole(record)?;
                Ok(whole.map_or(Earlier::Elsewhere, |whole| Earlier::Known(Box::new(whole))))
            }
            Self::Shard(writer) if writer.is_done(record) => Ok(Earlier::Elsewhere),
            Self::Shard(_) => Ok(Earlier::None),
        }
    }

    fn keep(&mut self, result: &RecordReplay, origin: &Origin) -> Result<()> {
        let (line, run) = results::lines_of(result, origin)?;
        match self {
            Self::Beside { writer, .. } => writer.append(&line, &run),
            Self::Shard(writer) => writer.append(result.record.sha256, &line, &run),
        }
    }

    /// Ends it; `is_complete` unless it was stopped. The file that it wrote.
    pub(super) fn end(self, is_complete: bool) -> Result<PathBuf> {
        match self {
            Self::Beside { mut writer, .. } => {
                writer.sync()?;
                Ok(writer.path().to_path_buf())
            }
            Self::Shard(writer) if is_complete => writer.complete(),
            Self::Shard(writer) => Ok(writer.part().to_path_buf()),
        }
    }
}

/// What a row of the table shows.
pub(super) struct Row {
    pub(super) number: usize,
    pub(super) id: Text,
    pub(super) base: &'static str,
    pub(super) brief: Brief,
    /// Calls that match byte for byte; that match otherwise; that diverge.
    pub(super) counts: [usize; 3],
    /// The first thing that is not as it was.
    pub(super) why: String,
    /// It was replayed before.
    pub(super) is_earlier: bool,
}

impl Row {
    fn of(ix: RecordIx, result: &RecordReplay, is_earlier: bool) -> Self {
        let count = |is_it: fn(StepVerdict) -> bool| {
            let calls = result.calls.iter();
            calls.filter(|call| is_it(call.verdict)).count()
        };
        let first = result.calls.iter().find(|call| call.verdict.diverges());
        let first = first.map(|call| {
            let why = call.why.as_deref().unwrap_or_default();
            format!("{}: {why}", call.verdict.name())
        });
        let checked = result.verified.iter().find(|verified| {
            verified.is_flaky() || verified.verdict != crate::model::Verdict::Accept
        });
        let checked = checked.map(|verified| format!("{}: {}", verified.by, verified.why));
        Self {
            number: ix.0 + 1,
            id: result.record.id.clone(),
            base: result.base.name(),
            brief: Brief::of(result),
            counts: [
                count(|verdict| verdict == StepVerdict::Match),
                count(|verdict| verdict.is_reproduced() && verdict != StepVerdict::Match),
                count(StepVerdict::diverges),
            ],
            why: result
                .error
                .clone()
                .or(first)
                .or(checked)
                .unwrap_or_default(),
            is_earlier,
        }
    }

    pub(super) fn is_reproduced(&self) -> bool {
        self.brief.is_reproduced
    }
}

/// What came back of a job: its place among the jobs, and what it made; `None` when it was stopped.
type Made = (usize, Option<Replayed>);

/// Replays the jobs, keeps the results, and prints them where JSON is wanted.
pub(super) fn run(
    setup: &Setup,
    store: &Store,
    jobs: &[Job],
    keeper: &mut Keeper,
    (args, cancel): (&ReplayArgs, &Cancel),
    output: &mut Output<'_>,
) -> Result<Vec<Row>> {
    let mut todo = Vec::new();
    let mut shown = Shown {
        rows: Vec::new(),
        waiting: BTreeMap::new(),
        next: 0,
        as_json: args.json,
    };
    let mut skipped = 0;
    for (place, job) in jobs.iter().enumerate() {
        match keeper.earlier(job.record.sha256)? {
            Earlier::None => todo.push(place),
            Earlier::Elsewhere => {
                skipped += 1;
                shown.waiting.insert(place, None);
            }
            Earlier::Known(known) => {
                skipped += 1;
                shown.waiting.insert(place, Some((job.ix, *known, true)));
            }
        }
    }
    if skipped > 0 {
        let words = "records have their result already";
        writeln!(output.err, "hgview: {skipped} {words}")?;
    }
    shown.print(output)?;
    let at_once = at_once(args).min(todo.len().max(1));
    let next = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::channel::<Made>();
    let work = |sender: mpsc::Sender<Made>| {
        while let Some(place) = todo.get(next.fetch_add(1, Ordering::Relaxed)) {
            let made = (!cancel.is_cancelled()).then(|| {
                let job = jobs.get(*place)?;
                setup.replay(store, job.ix, &job.record, cancel)
            });
            if sender.send((*place, made.flatten())).is_err() {
                return;
            }
        }
    };
    let done = std::thread::scope(|scope| {
        for _ in 0..at_once {
            let sender = sender.clone();
            scope.spawn(|| work(sender));
        }
        drop(sender);
        let mut progress = Progress::new(output);
        let mut failed = Ok(());
        for (nth, (place, made)) in receiver.into_iter().enumerate() {
            let ix = jobs.get(place).map_or(RecordIx(0), |job| job.ix);
            if failed.is_ok()
                && let Some(made) = made
            {
                failed = keeper.keep(&made.result, &made.origin);
                shown.waiting.insert(place, Some((ix, made.result, false)));
            } else {
                shown.waiting.insert(place, None);
            }
            progress.clear();
            failed = failed.and_then(|()| shown.print(progress.output()));
            if failed.is_err() {
                cancel.cancel();
            }
            progress.say(|| records::bar(nth + 1, todo.len(), "records replayed"));
        }
        progress.clear();
        failed
    });
    done?;
    Ok(shown.rows)
}

/// Results that wait for those before them.
struct Shown {
    rows: Vec<Row>,
    /// `None` for what nothing is shown of.
    waiting: BTreeMap<usize, Option<(RecordIx, RecordReplay, bool)>>,
    next: usize,
    as_json: bool,
}

impl Shown {
    /// Prints what is next, as far as it is there.
    fn print(&mut self, output: &mut Output<'_>) -> Result<()> {
        while let Some(found) = self.waiting.remove(&self.next) {
            self.next += 1;
            let Some((ix, result, is_earlier)) = found else {
                continue;
            };
            if self.as_json {
                writeln!(output.out, "{}", records::to_json(&result)?)?;
                output.out.flush()?;
            }
            self.rows.push(Row::of(ix, &result, is_earlier));
        }
        Ok(())
    }
}

fn at_once(args: &ReplayArgs) -> usize {
    let asked = args.jobs.and_then(|jobs| usize::try_from(jobs).ok());
    asked.unwrap_or_else(crate::store::threads)
}
