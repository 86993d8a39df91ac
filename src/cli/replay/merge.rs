//! `hgview replay merge`: the shares of many machines as one file.

use crate::cli::Output;
use crate::cli::Verdict;
use crate::cli::args::MergeArgs;
use crate::cli::merge;
use crate::error::Result;
use crate::replay::results;

/// Merges the shares of a folder. *No* when some are missing and that is allowed.
pub(super) fn run(args: &MergeArgs, output: &mut Output<'_>) -> Result<Verdict> {
    let merged = merge::to_target(args, output, |out| {
        results::merge(&args.dir, args.allow_partial, out)
    })?;
    merge::tell(&merged.found, merged.lines, "results", output)
}
