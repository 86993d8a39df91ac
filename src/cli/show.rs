//! `hgview show`: one trajectory, or one step of it, as text, Markdown or JSON.

mod file;
mod form;
mod render;

pub(super) use file::FileReport;
pub(super) use file::FilesReport;
pub(super) use file::repositories;

use schemars::JsonSchema;
use serde::Serialize;

use crate::behave;
use crate::behave::Behaviour;
use crate::cancel::Cancel;
use crate::cli::Output;
use crate::cli::Verdict;
use crate::cli::args::SharedArgs;
use crate::cli::args::ShowArgs;
use crate::cli::args::ShowFormat;
use crate::cli::chosen_flags;
use crate::cli::pick::Wanted;
use crate::cli::records;
use crate::cli::selection;
use crate::cli::show::form::Form;
use crate::cli::show::form::Markdown;
use crate::cli::show::form::Plain;
use crate::error::Error;
use crate::error::Result;
use crate::model::Component;
use crate::model::Flag;
use crate::model::Step;
use crate::model::Trajectory;

/// What `hgview show --json` prints: the trajectory, and what it was found to do.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct TrajectoryJson<'a> {
    /// The trajectory.
    #[serde(flatten)]
    trajectory: &'a Trajectory,
    /// The component of each step, the flags, and the figures that statistics count. Children are not looked at.
    behaviour: &'a Behaviour,
}

/// What `hgview show --step K --json` prints: the step, and what it was found to do.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct StepJson<'a> {
    /// The step.
    #[serde(flatten)]
    step: &'a Step,
    /// What it is for; null where it is not the model's.
    component: Option<Component>,
    /// The flags that it shows.
    flags: Vec<&'a Flag>,
}

/// Prints what was asked for.
pub(super) fn run(
    args: &ShowArgs,
    shared: &SharedArgs,
    output: &mut Output<'_>,
) -> Result<Verdict> {
    let paths = std::slice::from_ref(&args.path);
    let selector = selection::selector(shared)?;
    // a selection says which records it is of
    let nth = args.nth.filter(|_| selector.is_none());
    let store = records::load_store_for(&args.path, nth, shared, output)?;
    let among = selection::chosen(selector, paths, &store, shared, output)?;
    let wanted = Wanted {
        path: &args.path,
        id: args.id.as_deref(),
        nth: args.nth,
        among: &among,
    };
    let ix = wanted.find(&store, output)?;
    let trajectory = store.load(ix).map_err(|fault| {
        Error::input(fault.unread(&format!("record {} of {}", ix.0 + 1, args.path.display())))
    })?;
    records::warn_unmatched(&store, None, output)?;
    if args.files || args.file.is_some() {
        return file::run(args, &trajectory, output);
    }
    let step = args
        .step
        .map(|number| step(&trajectory, number))
        .transpose()?;
    let mut behaviour = behave::examine(&trajectory, &Cancel::new());
    let chosen = chosen_flags();
    behaviour.flags.retain(|flag| chosen.has(flag.flag));
    match if args.json {
        ShowFormat::Json
    } else {
        args.format
    } {
        ShowFormat::Json => {
            let json = match step {
                Some(step) => records::to_json(&StepJson {
                    step,
                    component: behaviour.components.get(step.idx).copied().flatten(),
                    flags: of_step(&behaviour, step.idx),
                })?,
                None => records::to_json(&TrajectoryJson {
                    trajectory: &trajectory,
                    behaviour: &behaviour,
                })?,
            };
            writeln!(output.out, "{json}")?;
        }
        ShowFormat::Text => {
            print((&trajectory, &behaviour), step, &mut Plain::new(output.out))?;
        }
        ShowFormat::Markdown => {
            print(
                (&trajectory, &behaviour),
                step,
                &mut Markdown::new(output.out),
            )?;
        }
    }
    Ok(Verdict::Yes)
}

fn of_step(behaviour: &Behaviour, step: usize) -> Vec<&Flag> {
    let flags = behaviour.flags.iter();
    flags.filter(|flag| flag.step == Some(step)).collect()
}

fn print(
    (trajectory, behaviour): (&Trajectory, &Behaviour),
    step: Option<&Step>,
    form: &mut dyn Form,
) -> Result<()> {
    match step {
        Some(step) => render::step(step, trajectory.source.format, behaviour, form)?,
        None => render::trajectory(trajectory, behaviour, form)?,
    }
    Ok(())
}

fn step(trajectory: &Trajectory, number: usize) -> Result<&Step> {
    trajectory.steps.get(number).ok_or_else(|| {
        let count = trajectory.steps.len();
        let error = Error::user(format!("{} has no step {number}", trajectory.id));
        match count.checked_sub(1) {
            Some(last) => error.hint(format!("its steps are 0 to {last}")),
            None => error.hint("it has no steps at all"),
        }
    })
}
