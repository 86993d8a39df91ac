//! Exports in the background: decisions are on the disk first, then the same function runs that the command line calls.

use std::time::Duration;
use std::time::Instant;

use crate::cancel::Cancel;
use crate::error::Error;
use crate::error::Result;
use crate::export;
use crate::export::Asked;
use crate::export::Automatic;
use crate::export::Jury;
use crate::export::Report;
use crate::export::Selected;
use crate::select::People;
use crate::select::Present;
use crate::select::Replays;
use crate::select::Sources;
use crate::ui::effect::ExportJob;
use crate::ui::event::Notice;
use crate::ui::tasks::Env;

/// Decisions that are not on the disk after this end the export.
const PATIENCE: Duration = Duration::from_secs(10);
/// Progress is told at most this often.
const PACE: Duration = Duration::from_millis(100);

/// Exports, and says how it goes and what came of it.
pub(super) fn run(job: &ExportJob, env: &Env, cancel: &Cancel, say: &mut dyn FnMut(Notice)) {
    let result = export(job, env, cancel, say);
    if !cancel.is_cancelled() {
        say(Notice::Exported(Box::new(job.answer(result))));
    }
}

fn export(
    job: &ExportJob,
    env: &Env,
    cancel: &Cancel,
    say: &mut dyn FnMut(Notice),
) -> Result<Report> {
    if !env.journal.finish(PATIENCE).is_empty() {
        return Err(Error::input("decisions are not on the disk yet")
            .hint("the status line says why; nothing is exported without them"));
    }
    let journals = env.journal.read(&env.store)?;
    let asked = Asked::parse(job.filter.as_deref())?;
    // test programs are run by the command line only, where that can be allowed
    let automatic = Automatic::new(asked, &env.store, None, env.judge.cache(), cancel);
    let people = People {
        ledger: &journals.ledger,
        place: &journals.place,
        me: &job.me,
        present: Present::default(),
        replays: Replays::default(),
    };
    let selected = job.selector.as_deref().map(|selector| Selected {
        selector,
        sources: Sources {
            store: &env.store,
            people: Some(&people),
            cache: env.judge.cache(),
            program: None,
        },
        cancel: cancel.clone(),
    });
    let jury = Jury {
        selected,
        policy: job.policy,
        filter: Some(&automatic),
        ledger: Some(&journals.ledger),
        place: Some(&journals.place),
        journals: journals.place.journals(),
    };
    let mut told = Instant::now();
    export::run(
        &env.store,
        &jury,
        &job.options,
        &mut std::io::sink(),
        cancel,
        &mut |at| {
            if told.elapsed() >= PACE {
                told = Instant::now();
                say(Notice::Exporting(at.done, at.total));
            }
        },
    )
}
