//! Statistics in the background: the same functions that the command line calls, with what is there told from time to
//! time.

use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use crate::cancel::Cancel;
use crate::model::RecordIx;
use crate::review::Policy;
use crate::stats::Collected;
use crate::stats::Sources;
use crate::stats::Stats;
use crate::stats::collect;
use crate::ui::effect::StatsJob;
use crate::ui::effect::StatsWork;
use crate::ui::event::Notice;
use crate::ui::event::StatsNews;
use crate::ui::event::Tone;
use crate::ui::tasks::Env;
use crate::verify::filter::Filter;

/// Decisions that are not on the disk after this are not counted.
const PATIENCE: Duration = Duration::from_secs(2);
/// What is there is told at most this often.
const PACE: Duration = Duration::from_millis(250);
/// Putting partial results together takes at most one part in so many of the time.
const PART: u32 = 10;

/// Counts, and says what is there so far.
pub(super) fn run(job: &StatsJob, env: &Env, cancel: &Cancel, say: &mut dyn FnMut(Notice)) {
    let collected = match &job.work {
        StatsWork::Group(collected) => Arc::clone(collected),
        StatsWork::Collect(order, records, tasks) => {
            let places = 0..order.len(*records);
            let ixs = places.filter_map(|place| order.record(place, *records));
            let ixs = ixs.filter(|ix| !tasks.has(*ix));
            let ixs: Vec<RecordIx> = ixs.collect();
            Arc::new(read(job, &ixs, env, cancel, say))
        }
    };
    if cancel.is_cancelled() {
        return;
    }
    let stats = Stats::of(&collected, &job.by);
    let done = (collected.done(), collected.asked);
    tell(job, Some(stats), done, Some(collected), say);
}

fn tell(
    job: &StatsJob,
    stats: Option<Stats>,
    done: (usize, usize),
    collected: Option<Arc<Collected>>,
    say: &mut dyn FnMut(Notice),
) {
    say(Notice::Stats(Box::new(StatsNews {
        generation: job.generation,
        done,
        stats,
        is_done: collected.is_some(),
        collected,
    })));
}

fn read(
    job: &StatsJob,
    ixs: &[RecordIx],
    env: &Env,
    cancel: &Cancel,
    say: &mut dyn FnMut(Notice),
) -> Collected {
    tell(job, None, (0, ixs.len()), None, say);
    let _unsaved = env.journal.finish(PATIENCE);
    let journals = env.journal.read(&env.store);
    if let Err(err) = &journals {
        say(Notice::Say(Tone::Error, err.to_string()));
    }
    let sources = Sources {
        store: &env.store,
        ledger: journals.as_ref().ok().map(|journals| &journals.ledger),
        policy: Policy::default(),
        filter: &Filter::Published,
        flags: env.judge.chosen(),
        check: &|head, whole| env.judge.examine(head, whole, cancel),
    };
    let mut told = Instant::now();
    let mut pace = PACE;
    collect(&sources, ixs, cancel, &mut |so_far| {
        if told.elapsed() >= pace && so_far.done() < so_far.asked {
            let began = Instant::now();
            let stats = Stats::of(so_far, &job.by);
            pace = PACE.max(began.elapsed() * PART);
            told = Instant::now();
            let done = (so_far.done(), so_far.asked);
            tell(job, Some(stats), done, None, say);
        }
    })
}
