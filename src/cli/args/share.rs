//! What can be typed where the work is divided among machines.

use std::path::PathBuf;

use clap::Args;

use crate::shard::Shard;

/// Which share, and where it goes.
#[derive(Debug, Args)]
pub(in crate::cli) struct ShareArgs {
    /// Only share K of N, K from 0 to N-1. Needs --out
    #[arg(long, value_name = "K/N", requires = "out", help_heading = "Cluster")]
    pub(in crate::cli) shard: Option<Shard>,

    /// The folder of the shares
    #[arg(long, value_name = "DIR", requires = "shard", value_hint = clap::ValueHint::DirPath, help_heading = "Cluster")]
    pub(in crate::cli) out: Option<PathBuf>,
}

/// Arguments of `replay merge` and `verify merge`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 all shares are together, 1 some are missing (--allow-partial), 2 error: nothing was written."
)]
pub(in crate::cli) struct MergeArgs {
    /// The folder that --out named
    #[arg(value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub(in crate::cli) dir: PathBuf,

    /// Write to this file instead of standard output
    #[arg(short, long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(in crate::cli) output: Option<PathBuf>,

    /// Write over the file of --output
    #[arg(long, requires = "output")]
    pub(in crate::cli) force: bool,

    /// Merge the shares that are complete, and say which are missing
    #[arg(long)]
    pub(in crate::cli) allow_partial: bool,
}
