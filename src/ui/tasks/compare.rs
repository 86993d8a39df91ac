//! Comparisons: what can be compared, two attempts, their pages, two runs.

use std::sync::Arc;

use crate::cancel::Cancel;
use crate::compare::align_steps;
use crate::model::Fault;
use crate::model::RecordIx;
use crate::model::Step;
use crate::ui::data::Outline;
use crate::ui::data::runs;
use crate::ui::effect::CompareJob;
use crate::ui::effect::ComparePage;
use crate::ui::effect::Effect;
use crate::ui::event::Compared;
use crate::ui::event::Notice;
use crate::ui::page::Page;
use crate::ui::tasks::Env;

/// Carries out an effect of comparing; what is cancelled has no answer.
pub(super) fn run(effect: Effect, env: &Env, cancel: &Cancel, say: &mut dyn FnMut(Notice)) {
    match effect {
        Effect::Others(generation, of, rows) => {
            if let Some(others) = runs::others(of, &rows, &env.store, cancel) {
                say(Notice::Others(generation, others));
            }
        }
        Effect::Compare(generation, records) => match compared(records, env, cancel) {
            Ok(Some(compared)) => say(Notice::Compared(generation, Ok(Arc::new(compared)))),
            Ok(None) => {}
            Err(fault) => say(Notice::Compared(generation, Err(fault))),
        },
        Effect::ComparePage(job) => {
            if let Some(page) = page(&job, cancel) {
                say(Notice::Page(job.key, Box::new(page)));
            }
        }
        Effect::RunPairs(generation, rows) => {
            if let Some(pairs) = runs::run_pairs(&rows, &env.store, cancel) {
                say(Notice::RunPairs(generation, pairs));
            }
        }
        Effect::CompareRuns(generation, rows, pair) => {
            if let Some(table) = runs::run_table(&rows, &env.store, &pair, cancel) {
                say(Notice::RunsCompared(generation, Box::new(table)));
            }
        }
        _ => {}
    }
}

/// Reads and aligns two records; the fault says of which side it is.
fn compared(
    records: [RecordIx; 2],
    env: &Env,
    cancel: &Cancel,
) -> Result<Option<Compared>, (usize, Fault)> {
    let load = |side: usize, ix| env.store.load(ix).map_err(|fault| (side, fault));
    let [left, right] = records;
    let trajectories = [load(0, left)?, load(1, right)?];
    let [left, right] = &trajectories;
    let alignment = align_steps(&left.steps, &right.steps, cancel);
    let chosen = env.judge.chosen();
    let outlines = [left, right].map(|one| Arc::new(Outline::of(one, chosen, cancel)));
    Ok(alignment.map(|alignment| Compared {
        trajectories,
        outlines,
        alignment,
    }))
}

fn page(job: &CompareJob, cancel: &Cancel) -> Option<Page> {
    let [left, right] = &job.trajectories;
    match &job.what {
        ComparePage::Steps(one, other, why) => {
            let nothing = Step::default();
            let one = left.steps.get(*one).unwrap_or(&nothing);
            let other = right.steps.get(*other).unwrap_or(&nothing);
            Some(Page::of_difference(
                one,
                other,
                why.as_deref(),
                &job.options,
            ))
        }
        ComparePage::Patches => Page::of_patches(left, right, &job.options, cancel),
    }
}
