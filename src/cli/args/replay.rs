//! What can be typed behind `hgview replay`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::Subcommand;
use clap::ValueEnum;

use crate::cli::args::MergeArgs;
use crate::cli::args::RepoArgs;
use crate::cli::args::ShareArgs;

const REPLAY_EXAMPLES: &str = "\
Examples:
  hgview replay output.jsonl --nth 3                         one trajectory
  hgview replay output.jsonl --repos ~/mirrors --jobs 8      all, from their repositories
  hgview replay output.jsonl --json | jq 'select(.first_divergence == 0).record.id'
  hgview replay output.jsonl --verify-cmd 'python -m pytest -q' --repeat 3
  hgview replay output.jsonl --backend none                  say what would run, and run nothing
  hgview replay output.jsonl --shard 3/8 --out shards/       one share of eight, for a cluster
  hgview replay merge shards/ -o replayed.jsonl              … and all of them together
  hgview list output.jsonl --where 'not replay.reproduced'   what became of it
";

/// Arguments of `replay`.
#[derive(Debug, Args)]
#[command(
    before_long_help = REPLAY_EXAMPLES,
    after_help = "Results go to `<data>.hgview/replay/`; records that have one for the same options are not run again.\n\nExit codes: 0 every call was reproduced, 1 one was not or a record could not be read, 2 error.",
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true
)]
pub(in crate::cli) struct ReplayArgs {
    #[command(subcommand)]
    pub(in crate::cli) command: Option<ReplayCommand>,

    /// Files, folders and globs; `-` is standard input
    #[arg(value_name = "PATH", required = true, value_hint = clap::ValueHint::AnyPath)]
    pub(in crate::cli) paths: Vec<PathBuf>,

    /// The records with this id or task id
    #[arg(long, value_name = "ID", conflicts_with = "nth")]
    pub(in crate::cli) id: Option<String>,

    /// The record at this place, from 1
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(in crate::cli) nth: Option<u64>,

    #[command(flatten)]
    pub(in crate::cli) stage: StageArgs,

    /// Replay as many trajectories at once [default: the number of processors]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1024), help_heading = "Sandbox")]
    pub(in crate::cli) jobs: Option<u64>,

    #[command(flatten)]
    pub(in crate::cli) repos: RepoArgs,

    /// Run this command, too, in the workspace as the replay left it; status 0 accepts
    #[arg(long, value_name = "CMD", value_parser = clap::builder::NonEmptyStringValueParser::new(), help_heading = "Check")]
    pub(in crate::cli) verify_cmd: Option<String>,

    /// Run that command so many times: what does not always say the same is flaky
    #[arg(long, value_name = "K", default_value = "1", value_parser = clap::value_parser!(u64).range(1..=1000), help_heading = "Check")]
    pub(in crate::cli) repeat: u64,

    /// Replay again what has a result
    #[arg(long, conflicts_with = "shard")]
    pub(in crate::cli) again: bool,

    #[command(flatten)]
    pub(in crate::cli) share: ShareArgs,

    /// Print one JSON object a line; `hgview schema replay` describes it
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

/// In what trajectories are replayed.
#[derive(Debug, Args)]
pub(in crate::cli) struct StageArgs {
    /// What walls off the commands; `none` runs nothing
    #[arg(
        long,
        value_name = "BACKEND",
        default_value = "auto",
        help_heading = "Sandbox"
    )]
    pub(in crate::cli) backend: BackendArg,

    /// How long one call may take, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "300", value_parser = seconds, help_heading = "Sandbox")]
    pub(in crate::cli) timeout: Duration,

    /// Let commands read this folder too, at its own path: a toolchain outside /usr. Its `bin` comes first in their PATH
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath, help_heading = "Sandbox")]
    pub(in crate::cli) readable: Vec<PathBuf>,

    /// An archive of the workspace as it was before the first call: .tar, .tar.gz, .tar.zst, .zip or .whl
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath, help_heading = "Input")]
    pub(in crate::cli) archive: Option<PathBuf>,

    /// An unpacked image: a folder that holds usr, etc and the rest of a system
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath, help_heading = "Input")]
    pub(in crate::cli) rootfs: Option<PathBuf>,

    /// Run in the image that the task names, where an engine has it
    #[arg(long, conflicts_with_all = ["archive", "rootfs"], help_heading = "Input")]
    pub(in crate::cli) image: bool,
}

/// What else `replay` does.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum ReplayCommand {
    /// Put the shares of a folder together, ordered by id: the same bytes however many there were
    Merge(MergeArgs),
}

/// What walls off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum BackendArg {
    /// The first of the others that this machine has; never none
    Auto,
    /// Namespaces of the kernel
    Namespace,
    /// Landlock and seccomp on a copy of the workspace, where namespaces are refused
    Landlock,
    /// An engine with Docker's interface: docker, podman
    Docker,
    /// Nothing runs: the calls are listed
    None,
}

/// A time of up to a day.
pub(in crate::cli::args) fn seconds(text: &str) -> Result<Duration, String> {
    const MOST: f64 = 86_400.0;
    let seconds: f64 = text
        .parse()
        .map_err(|_no_number| format!("`{text}` is no number"))?;
    if seconds > 0.0 && seconds <= MOST {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        Err("more than 0 and at most 86400".to_owned())
    }
}
