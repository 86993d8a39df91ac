//! `hgview show`: one trajectory, or one step of it, as text, Markdown or JSON.

mod file;
mod form;
mod render;

pub(super) use file::FileReport;
pub(super) use file::FilesReport;
pub(super) use file::repositories;

use crate::cli::Output;
use crate::cli::Verdict;
use crate::cli::args::SharedArgs;
use crate::cli::args::ShowArgs;
use crate::cli::args::ShowFormat;
use crate::cli::pick::Wanted;
use crate::cli::records;
use crate::cli::selection;
use crate::cli::show::form::Form;
use crate::cli::show::form::Markdown;
use crate::cli::show::form::Plain;
use crate::error::Error;
use crate::error::Result;
use crate::model::Step;
use crate::model::Trajectory;

/// Prints what was asked for.
pub(super) fn run(
    args: &ShowArgs,
    shared: &SharedArgs,
    output: &mut Output<'_>,
) -> Result<Verdict> {
    let paths = std::slice::from_ref(&args.path);
    let selector = selection::selector(shared)?;
    let store = records::load_store(paths, shared, output)?;
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
    match if args.json {
        ShowFormat::Json
    } else {
        args.format
    } {
        ShowFormat::Json => {
            let json = match step {
                Some(step) => records::to_json(step)?,
                None => records::to_json(&*trajectory)?,
            };
            writeln!(output.out, "{json}")?;
        }
        ShowFormat::Text => print(&trajectory, step, &mut Plain::new(output.out))?,
        ShowFormat::Markdown => print(&trajectory, step, &mut Markdown::new(output.out))?,
    }
    Ok(Verdict::Yes)
}

fn print(trajectory: &Trajectory, step: Option<&Step>, form: &mut dyn Form) -> Result<()> {
    match step {
        Some(step) => render::step(step, trajectory.source.format, form)?,
        None => render::trajectory(trajectory, form)?,
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
