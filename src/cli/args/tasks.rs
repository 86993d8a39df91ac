//! What can be typed behind `hgview tasks`.

mod check;

use clap::Args;
use clap::Subcommand;

pub(in crate::cli) use crate::cli::args::tasks::check::CheckArgs;
pub(in crate::cli) use crate::cli::args::tasks::check::MaterializeArgs;

/// Arguments of `tasks`.
#[derive(Debug, Args)]
pub(in crate::cli) struct TasksArgs {
    #[command(subcommand)]
    pub(in crate::cli) command: TasksCommand,
}

/// What to do with tasks.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum TasksCommand {
    /// Say whether tasks can be done, are worth doing and are judged rightly, and why not
    Check(CheckArgs),
    /// Write the state from which an agent begins a task, and its prompt
    Materialize(MaterializeArgs),
}
