//! Arguments of `sandbox`.

use clap::Args;
use clap::Subcommand;

const EXAMPLES: &str = "\
Examples:
  hgview sandbox doctor
  hgview sandbox doctor --json | jq '.tiers[] | select(.works).tier'
";

/// Arguments of `sandbox`.
#[derive(Debug, Args)]
pub(in crate::cli) struct SandboxArgs {
    #[command(subcommand)]
    pub(in crate::cli) command: SandboxCommand,
}

/// What to do about sandboxes.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum SandboxCommand {
    /// Try which sandboxes work here, and attack each of their bounds
    Doctor(DoctorArgs),
}

/// Arguments of `sandbox doctor`.
#[derive(Debug, Args)]
#[command(
    before_long_help = EXAMPLES,
    after_help = "Exit codes: 0 some tier works, 1 none does, 2 error."
)]
pub(in crate::cli) struct DoctorArgs {
    /// The image with which containers are tried [default: the first that the engine has]
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) image: Option<String>,

    /// Print one JSON object; `hgview schema sandbox-doctor` describes it
    #[arg(long)]
    pub(in crate::cli) json: bool,
}
