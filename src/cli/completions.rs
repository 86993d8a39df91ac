//! `hgview completions`: a completion script for a shell.

use clap::CommandFactory as _;

use crate::cli::Output;
use crate::cli::Verdict;
use crate::cli::args::Cli;
use crate::cli::args::CompletionsArgs;
use crate::error::Result;

/// Prints the script.
pub(super) fn run(args: &CompletionsArgs, output: &mut Output<'_>) -> Result<Verdict> {
    // The generator expects a writer that never fails; a pipe may.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "hgview", &mut script);
    output.out.write_all(&script)?;
    Ok(Verdict::Yes)
}
