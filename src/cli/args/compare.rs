//! The arguments of `compare`.

use std::path::PathBuf;

use clap::Args;
use clap::ValueEnum;

use crate::compare::Attempts;

const COMPARE_EXAMPLES: &str = "\
Examples:
  hgview compare base.jsonl tuned.jsonl                  two runs, task by task
  hgview compare runs/ --by model                        two models of one run
  hgview compare output.jsonl --task task-7 --steps      two attempts of one task, step by step
  hgview compare a.jsonl#task-7 b.jsonl:12               two trajectories by id and by place
  hgview compare a.jsonl b.jsonl --json | jq '.tasks[] | select(.change == \"lost\").task'
";

/// Arguments of `compare`.
#[derive(Debug, Args)]
#[command(
    before_long_help = COMPARE_EXAMPLES,
    after_help = "Exit codes: 0 done, 1 done but some records could not be read, 2 error."
)]
pub(in crate::cli) struct CompareArgs {
    /// One set of trajectories or two: files or folders; `PATH#ID` and `PATH:N` name one trajectory of a file
    #[arg(value_name = "PATH", required = true, num_args = 1..=2, value_hint = clap::ValueHint::AnyPath)]
    pub(in crate::cli) paths: Vec<PathBuf>,

    /// The left trajectory: its id, or `:N` for its place from 1; with --by the value of the first run
    #[arg(long, value_name = "ID")]
    pub(in crate::cli) left: Option<String>,

    /// The right trajectory, likewise
    #[arg(long, value_name = "ID")]
    pub(in crate::cli) right: Option<String>,

    /// Compare the attempts of this task
    #[arg(long, value_name = "ID", conflicts_with = "by")]
    pub(in crate::cli) task: Option<String>,

    /// Make two runs of one set
    #[arg(long, value_name = "FIELD")]
    pub(in crate::cli) by: Option<SplitBy>,

    /// What counts as good [default: resolved where any record says it, else published]
    #[arg(long, value_name = "OUTCOME")]
    pub(in crate::cli) outcome: Option<OutcomeOf>,

    /// How several attempts of a task make its outcome
    #[arg(long, value_name = "RULE", default_value = "any")]
    pub(in crate::cli) attempts: AttemptsArg,

    /// Print the alignment of two attempts, row by row
    #[arg(long)]
    pub(in crate::cli) steps: bool,

    /// Print JSON; `hgview schema compare` describes it for two attempts, `compare-runs` for two runs
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

/// What one set is split by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum SplitBy {
    /// The model
    Model,
    /// The file
    File,
}

/// What counts as good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum OutcomeOf {
    /// The record or a report says that the task was solved
    Resolved,
    /// People accepted it
    Decision,
    /// The published rules accept it
    Published,
    /// The strict rules accept it
    Strict,
}

impl OutcomeOf {
    /// The word for it.
    pub(in crate::cli) fn name(self) -> &'static str {
        match self {
            Self::Resolved => "resolved",
            Self::Decision => "decision",
            Self::Published => "published",
            Self::Strict => "strict",
        }
    }
}

/// How several attempts of a task make its outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum AttemptsArg {
    /// One good attempt is enough
    Any,
    /// All of them have to be good
    All,
    /// More than half of those with an outcome
    Majority,
    /// The first one decides
    First,
}

impl AttemptsArg {
    /// The rule.
    pub(in crate::cli) fn rule(self) -> Attempts {
        match self {
            Self::Any => Attempts::Any,
            Self::All => Attempts::All,
            Self::Majority => Attempts::Majority,
            Self::First => Attempts::First,
        }
    }
}
