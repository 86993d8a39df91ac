//! `hgview tasks`: makes, lists and checks tasks, and writes the states from which they begin.

mod check;
mod materialize;

use crate::cli::Output;
use crate::cli::Verdict;
use crate::cli::args::SharedArgs;
use crate::cli::args::TasksArgs;
use crate::cli::args::TasksCommand;
pub(super) use crate::cli::tasks::check::TaskCheckRow;
use crate::error::Result;

/// Does it.
pub(super) fn run(
    args: &TasksArgs,
    shared: &SharedArgs,
    output: &mut Output<'_>,
) -> Result<Verdict> {
    match &args.command {
        TasksCommand::Check(args) => check::run(args, shared, output),
        TasksCommand::Materialize(args) => materialize::run(args, shared, output),
    }
}
