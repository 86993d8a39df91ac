//! `hgview tasks`: makes tasks from repositories, and lists them.

mod build;
mod describe;
mod list;

use crate::cli::Output;
use crate::cli::Verdict;
use crate::cli::args::SharedArgs;
use crate::cli::args::TasksArgs;
use crate::cli::args::TasksCommand;
use crate::error::Result;

pub(super) use crate::cli::tasks::list::TaskRow;

/// Does it.
pub(super) fn run(
    args: &TasksArgs,
    shared: &SharedArgs,
    output: &mut Output<'_>,
) -> Result<Verdict> {
    match &args.command {
        TasksCommand::Build(args) => build::run(args, output),
        TasksCommand::List(args) => list::run(args, shared, output),
    }
}
