//! `hgview tasks`: makes tasks from repositories, lists and checks them, and writes the states from which they begin.

mod build;
mod check;
mod describe;
mod list;
mod materialize;

use crate::cli::Output;
use crate::cli::Verdict;
use crate::cli::args::SharedArgs;
use crate::cli::args::TasksArgs;
use crate::cli::args::TasksCommand;
use crate::error::Result;

pub(super) use crate::cli::tasks::check::TaskCheckRow;
pub(super) use crate::cli::tasks::list::TaskRow;

/// Does it.
pub(super) fn run(
    args: &TasksArgs,
    shared: &SharedArgs,
    output: &mut Output<'_>,
) -> Result<Verdict> {
    match &args.command {
        TasksCommand::Build(args) => build::run(args, shared, output),
        TasksCommand::List(args) => list::run(args, shared, output),
        TasksCommand::Check(args) => check::run(args, shared, output),
        TasksCommand::Materialize(args) => materialize::run(args, shared, output),
    }
}
