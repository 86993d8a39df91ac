//! What can be typed behind `hgview rollout`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::ValueEnum;

use crate::cli::args::EndpointArgs;
use crate::cli::args::RepoArgs;
use crate::cli::args::StageArgs;
use crate::cli::args::replay::seconds;

const ROLLOUT_EXAMPLES: &str = "\
Examples:
  hgview rollout tasks.jsonl -o output.jsonl --repos ~/mirrors --endpoint http://localhost:8000/v1 --model qwen
  hgview rollout tasks.jsonl -o output.jsonl --repo . --endpoint URL --model M --key-var KEY --attempts 4 --jobs 16
  hgview rollout tasks.jsonl -o output.jsonl --repo . --endpoint URL --model M --attempts 8 --until 1 --filter strict
  hgview output.jsonl --follow                         look at it while it grows
  hgview verify output.jsonl --repos ~/mirrors         what the filter says of it
";

/// Arguments of `rollout`.
#[derive(Debug, Args)]
#[command(
    before_long_help = ROLLOUT_EXAMPLES,
    after_help = "Each attempt is appended to the output when it ends; started again, it goes on with the attempts that are not there yet.\n\nExit codes: 0 all attempts were made, 1 some were not or failed (the endpoint, the sandbox, a spent budget), 2 error."
)]
pub(in crate::cli) struct RolloutArgs {
    /// Files with tasks: JSON Lines, JSON or Parquet
    #[arg(value_name = "TASKS", required = true, value_hint = clap::ValueHint::AnyPath)]
    pub(in crate::cli) paths: Vec<PathBuf>,

    /// The file to which attempts are appended
    #[arg(short, long = "out", value_name = "FILE", required = true, value_hint = clap::ValueHint::FilePath)]
    pub(in crate::cli) output: PathBuf,

    #[command(flatten)]
    pub(in crate::cli) endpoint: EndpointArgs,

    /// Attempts of each task
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u64).range(1..=10_000), help_heading = "Attempts")]
    pub(in crate::cli) attempts: u64,

    /// Make no more attempts of a task once the filter accepted so many
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u64).range(1..=10_000), help_heading = "Attempts")]
    pub(in crate::cli) until: Option<u64>,

    /// Whose acceptance counts for --until
    #[arg(
        long,
        value_name = "FILTER",
        default_value = "strict",
        help_heading = "Attempts"
    )]
    pub(in crate::cli) filter: RolloutFilter,

    /// Make as many attempts at once [default: the number of processors]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1024), help_heading = "Attempts")]
    pub(in crate::cli) jobs: Option<u64>,

    /// Make attempts again that failed because of the endpoint, the sandbox or a spent budget. The new row stands behind
    /// the old one
    #[arg(long, help_heading = "Attempts")]
    pub(in crate::cli) retry_failed: bool,

    /// Turns of the model that an attempt may take
    #[arg(long, value_name = "N", default_value = "100", value_parser = clap::value_parser!(u64).range(1..=100_000), help_heading = "Attempts")]
    pub(in crate::cli) max_steps: u64,

    /// Tokens that an attempt may take, read and written over all its turns, as the endpoint counts them
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), help_heading = "Attempts")]
    pub(in crate::cli) max_tokens: Option<u64>,

    /// US dollars that an attempt may take; needs --price-in and --price-out
    #[arg(long, value_name = "DOLLARS", requires = "price_in", value_parser = number, help_heading = "Attempts")]
    pub(in crate::cli) max_attempt_cost: Option<f64>,

    /// How long an attempt may take, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "3600", value_parser = seconds, help_heading = "Attempts")]
    pub(in crate::cli) max_time: Duration,

    /// The sampling temperature [default: the endpoint's]
    #[arg(long, value_name = "T", value_parser = number, help_heading = "Model")]
    pub(in crate::cli) temperature: Option<f64>,

    /// The probability mass that is sampled from [default: the endpoint's]
    #[arg(long, value_name = "P", value_parser = number, help_heading = "Model")]
    pub(in crate::cli) top_p: Option<f64>,

    /// Tokens of one answer, at most [default: the endpoint's]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), help_heading = "Model")]
    pub(in crate::cli) answer_tokens: Option<u64>,

    /// The model writes its calls into its text: `<function=NAME>` and `<parameter=NAME>`
    #[arg(long, help_heading = "Model")]
    pub(in crate::cli) text_calls: bool,

    /// The text that tells it how, as `export --format sft` takes it [default: hgview's own]
    #[arg(long, value_name = "FILE", requires = "text_calls", value_hint = clap::ValueHint::FilePath, help_heading = "Model")]
    pub(in crate::cli) tool_prompt: Option<PathBuf>,

    /// The system prompt [default: hgview's own]
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath, help_heading = "Model")]
    pub(in crate::cli) system_prompt: Option<PathBuf>,

    /// A template for the prompt instead of the built-in one of the task's type, as `tasks materialize` takes it
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath, help_heading = "Model")]
    pub(in crate::cli) template: Option<PathBuf>,

    #[command(flatten)]
    pub(in crate::cli) stage: StageArgs,

    #[command(flatten)]
    pub(in crate::cli) repos: RepoArgs,

    /// Print one JSON object a line for each attempt; `hgview schema rollout` describes it
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

/// Rules that can accept an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum RolloutFilter {
    /// The published evaluators, oddities included
    Published,
    /// By syntax
    Strict,
}

fn number(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_no_number| "no number".to_owned())?;
    if number.is_finite() && number >= 0.0 {
        Ok(number)
    } else {
        Err("no number from 0 on".to_owned())
    }
}
