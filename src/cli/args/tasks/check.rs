//! What can be typed behind `hgview tasks check` and `hgview tasks materialize`.

use std::path::PathBuf;

use clap::ArgGroup;
use clap::Args;

use crate::cli::args::RepoArgs;

const CHECK_EXAMPLES: &str = "\
Examples:
  hgview tasks check tasks.jsonl --repos ~/mirrors
  hgview tasks check tasks.jsonl --repo ~/src/project --json | jq -r 'select(.is_good).id'
";

const CHECKS: &str = "\
Checks:
  base      the base state can be made: files, lines and definitions are those of the repository, and cutting a docstring
            or masking a body takes no other code along
  gold      the right answer is in reach: dependencies are defined where the task says, the gold patch applies, the test
            program parses
  leak      the statement gives away neither name nor path nor what the docstring says behind its beginning, nor the fix
  trivial   another place fits the words of the statement, half as well at least
  accepts   the published and the strict rules accept a right edit that is made here
  rejects   the strict rules reject five wrong ones or more; what the published ones accept of them is a note

Exit codes: 0 every task is good, 1 some are refused or could not be read, 2 error.";

const MATERIALIZE_EXAMPLES: &str = "\
Examples:
  hgview tasks materialize tasks.jsonl --id owner__name__0a1b2c3d__7 --repos ~/mirrors -o work/ --git
  hgview tasks materialize tasks.jsonl --id t7 --repo ~/src/project --prompt-only --template mine.j2
";

/// Arguments of `tasks check`.
#[derive(Debug, Args)]
#[command(
    before_long_help = CHECK_EXAMPLES,
    after_help = CHECKS,
    group = ArgGroup::new("repositories").args(["repo", "repos"]).required(true)
)]
pub(in crate::cli) struct TasksCheckArgs {
    /// Files of tasks: JSON Lines, JSON or Parquet; `-` is standard input
    #[arg(value_name = "FILE", required = true, value_hint = clap::ValueHint::AnyPath)]
    pub(in crate::cli) paths: Vec<PathBuf>,

    #[command(flatten)]
    pub(in crate::cli) repos: RepoArgs,

    /// Run the test programs of `func_gen` outside a sandbox where none starts here
    #[arg(long)]
    pub(in crate::cli) allow_run: bool,

    /// Tasks that are checked at the same time [default: as many as there are processors]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1024))]
    pub(in crate::cli) jobs: Option<u64>,

    /// Print one JSON object a line; `hgview schema tasks-check` describes it
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

/// Arguments of `tasks materialize`.
#[derive(Debug, Args)]
#[command(
    before_long_help = MATERIALIZE_EXAMPLES,
    after_help = "The prompt goes to DIR.PROMPT.md, beside the folder. A template is Jinja; its variables are the instance's fields, \
        workspace, task_type, statement and targets (of func_localize: a list of functions or classes).\n\n\
        Exit codes: 0 done, 2 error: nothing was written.",
    group = ArgGroup::new("repositories").args(["repo", "repos"])
)]
pub(in crate::cli) struct TasksMaterializeArgs {
    /// A file of tasks: JSON Lines, JSON or Parquet; `-` is standard input
    #[arg(value_name = "FILE", value_hint = clap::ValueHint::AnyPath)]
    pub(in crate::cli) path: PathBuf,

    /// The task's `instance_id`; not needed where the file holds one task
    #[arg(long, value_name = "ID")]
    pub(in crate::cli) id: Option<String>,

    #[command(flatten)]
    pub(in crate::cli) repos: RepoArgs,

    /// The folder; it is made, or has to be empty
    #[arg(short, long, value_name = "DIR", value_hint = clap::ValueHint::DirPath, required_unless_present = "prompt_only")]
    pub(in crate::cli) output: Option<PathBuf>,

    /// Make a git repository of one commit; needs the git program
    #[arg(long, conflicts_with = "prompt_only")]
    pub(in crate::cli) git: bool,

    /// Write over what is in the folder; files of other names stay
    #[arg(long)]
    pub(in crate::cli) force: bool,

    /// Print the prompt and write no files
    #[arg(long, conflicts_with_all = ["output", "force"])]
    pub(in crate::cli) prompt_only: bool,

    /// A template for the prompt instead of the built-in one of the task's type
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(in crate::cli) template: Option<PathBuf>,

    /// Where the prompt says that the repository lies [default: the folder, or `/workspace`]
    #[arg(long, value_name = "PATH")]
    pub(in crate::cli) workspace: Option<String>,
}
