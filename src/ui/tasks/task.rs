//! What the screen of a task asks: its places in their files, and the records that attempt it.

use std::sync::Arc;

use crate::cancel::Cancel;
use crate::model::RecordIx;
use crate::model::Text;
use crate::model::Trajectory;
use crate::tasks::places;
use crate::ui::data::Census;
use crate::ui::data::runs;
use crate::ui::effect::Effect;
use crate::ui::effect::PageJob;
use crate::ui::event::Notice;
use crate::ui::page::Page;
use crate::ui::page::PageOptions;
use crate::ui::page::Subject;
use crate::ui::tasks::Env;
use crate::ui::tasks::preview_page;
use crate::workspace::BaseFiles as _;

/// Carries out an effect of the screen of a task; what is cancelled has no answer.
pub(super) fn run(effect: Effect, cancel: &Cancel, say: &mut dyn FnMut(Notice)) {
    match effect {
        Effect::Attempts(opened, of, rows) => {
            if let Some(attempts) = runs::attempts(of, &rows, cancel) {
                say(Notice::Attempts(opened, attempts));
            }
        }
        Effect::CountAttempts(names, rows) => {
            if let Some(census) = Census::of(&rows, &names, cancel) {
                say(Notice::AttemptsCounted(Box::new(census)));
            }
        }
        _ => {}
    }
}

/// The page of a place of a task.
pub(super) fn place(
    env: &Env,
    trajectory: &Arc<Trajectory>,
    nth: usize,
    options: &PageOptions,
    cancel: &Cancel,
) -> Page {
    let task = trajectory.task.as_ref();
    let found = task.and_then(|task| places(task).into_iter().nth(nth));
    match found {
        Some(place) => Page::of_place(&place, file(env, trajectory, &place.path, cancel), options),
        None => Page::new(trajectory, &[], Subject::Place(nth), options),
    }
}

/// The text of a file as the task's repository has it.
fn file(env: &Env, trajectory: &Trajectory, path: &str, cancel: &Cancel) -> Result<Text, String> {
    let snapshot = env
        .repositories
        .of(trajectory, cancel)
        .ok_or("the file is not at hand: --repo or --repos name the repositories of tasks")?;
    let text = snapshot?.base_file(path)?;
    text.ok_or_else(|| format!("the repository has no {path}"))
}

/// The page of an attempt: what it did, by one line a step.
pub(super) fn attempt(env: &Env, job: &PageJob, ix: RecordIx, cancel: &Cancel) -> Page {
    preview_page(env, ix, &job.options, cancel).unwrap_or_else(|fault| {
        Page::of_text(
            "the record cannot be read",
            fault.to_string().into(),
            "txt",
            &job.options,
        )
    })
}
