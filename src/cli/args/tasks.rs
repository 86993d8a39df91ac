//! Arguments of `tasks`.

mod check;

use std::path::PathBuf;

use clap::Args;
use clap::Subcommand;
use clap::ValueEnum;

use crate::cli::args::EndpointArgs;

pub(in crate::cli) use crate::cli::args::tasks::check::TasksCheckArgs;
pub(in crate::cli) use crate::cli::args::tasks::check::TasksMaterializeArgs;

const BUILD_EXAMPLES: &str = "\
Examples:
  hgview tasks build repos/ -o tasks.jsonl --limit 1000
  hgview tasks build flask-3.0.0.tar.gz -o tasks.parquet --type dep_search --min-deps 2 --max-deps 5
  hgview tasks build mirror.git --commit v2.1 --repo-name pallets/flask -o tasks.jsonl --per-repo 50
  hgview tasks build site-packages --each -o tasks.jsonl --seed 7 --jobs 2
  hgview tasks build repos/ -o tasks.jsonl --limit 1000 --resume        … goes on where a run was ended
  hgview tasks build repos/ -o tasks.jsonl --type func_localize --endpoint http://localhost:8000/v1 --model qwen3
";

const LIST_EXAMPLES: &str = "\
Examples:
  hgview tasks list tasks.jsonl
  hgview tasks list tasks.parquet --where 'task = dep_search' --json | jq .target
";

/// Arguments of `tasks`.
#[derive(Debug, Args)]
pub(in crate::cli) struct TasksArgs {
    #[command(subcommand)]
    pub(in crate::cli) command: TasksCommand,
}

/// What to do about tasks.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum TasksCommand {
    /// Make tasks from repositories
    Build(Box<TasksBuildArgs>),
    /// List the tasks of files, one row each
    List(TasksListArgs),
    /// Say whether tasks can be done, are worth doing and are judged rightly, and why not
    Check(TasksCheckArgs),
    /// Write the state from which an agent begins a task, and its prompt
    Materialize(TasksMaterializeArgs),
}

/// Types of tasks that can be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(in crate::cli) enum MadeType {
    /// Comment every definition that a function calls
    DepSearch,
    /// Find a function or class by its description, and document it
    FuncLocalize,
    /// Implement a function whose body was masked; needs Python and a sandbox, which prove its test
    FuncGen,
    /// Comment every place that an issue concerns: of commits that name an issue, or of --issues
    IssueLocalize,
}

/// Arguments of `tasks build`.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "flags, each on its own")]
#[command(
    before_long_help = BUILD_EXAMPLES,
    after_help = "Exit codes: 0 done, 1 done but some repositories could not be opened or the endpoint failed, 2 error."
)]
pub(in crate::cli) struct TasksBuildArgs {
    /// Checkouts (what is committed counts), bare mirrors, archives (sdist, wheel, tar, zip), plain folders, and folders
    /// of many of these; nothing is written or run there
    #[arg(value_name = "REPO", required = true, value_hint = clap::ValueHint::AnyPath)]
    pub(in crate::cli) repos: Vec<PathBuf>,

    /// The file to write: Parquet where its name ends so, else JSON lines
    #[arg(short, long, value_name = "OUT", value_hint = clap::ValueHint::FilePath)]
    pub(in crate::cli) out: PathBuf,

    /// The types to make
    #[arg(
        long = "type",
        value_name = "TYPE,…",
        value_delimiter = ',',
        default_value = "dep_search,func_localize"
    )]
    pub(in crate::cli) types: Vec<MadeType>,

    /// Every entry of the folders is a repository of its own, whatever it looks like
    #[arg(long, help_heading = "Repositories")]
    pub(in crate::cli) each: bool,

    /// The commit of the one repository that is named: a whole hash, a branch, a tag [default: what is checked out]
    #[arg(long, value_name = "COMMIT", help_heading = "Repositories")]
    pub(in crate::cli) commit: Option<String>,

    /// The name of the one repository that is named [default: from a folder or archive `owner__name`, from `origin`,
    /// else `local/` and the folder's or archive's name]
    #[arg(long, value_name = "OWNER/NAME", value_parser = repo_name, help_heading = "Repositories")]
    pub(in crate::cli) repo_name: Option<String>,

    /// The most tasks of a repository
    #[arg(long, value_name = "N", help_heading = "Sample")]
    pub(in crate::cli) per_repo: Option<usize>,

    /// The most tasks in all, as many of each type, repository and stratum as there can be
    #[arg(long, value_name = "N", help_heading = "Sample")]
    pub(in crate::cli) limit: Option<usize>,

    /// Decides the sample
    #[arg(long, value_name = "S", default_value_t = 0, help_heading = "Sample")]
    pub(in crate::cli) seed: u64,

    /// `dep_search`: the fewest dependencies of a target
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..), help_heading = "Types")]
    pub(in crate::cli) min_deps: u64,

    /// `dep_search`: the most dependencies of a target
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..), help_heading = "Types")]
    pub(in crate::cli) max_deps: u64,

    /// `dep_search`: also targets of which a call can mean several definitions; the likeliest is taken
    #[arg(long, help_heading = "Types")]
    pub(in crate::cli) unsure: bool,

    /// `func_localize`: how many functions and classes a task asks for
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=100), help_heading = "Types")]
    pub(in crate::cli) targets: u64,

    /// `func_localize`: the prompt is not to say the target's name either (`name_masked` in the row)
    #[arg(long, help_heading = "Types")]
    pub(in crate::cli) mask_name: bool,

    /// `func_localize`: descriptions, one JSON object a line with `function_description` and what it is of: `file_path` and
    /// `module_name` (`Class.method`, or with `repo` and `module_line_start` where a name alone says too little), or the
    /// `instance_id` of a task row in one of the files. Several times for several files; what has none makes no task
    /// [default: by the model of `--endpoint`, else made of the docstrings by rules]
    #[arg(long, value_name = "FILE", conflicts_with = "endpoint", value_hint = clap::ValueHint::FilePath, help_heading = "Types")]
    pub(in crate::cli) descriptions: Vec<PathBuf>,

    #[command(flatten)]
    pub(in crate::cli) endpoint: EndpointArgs,

    /// The file that keeps the model's answers, so that nothing is asked twice [default: `OUT.answers.jsonl`]
    #[arg(long, value_name = "FILE", requires = "endpoint", value_hint = clap::ValueHint::FilePath, help_heading = "Endpoint")]
    pub(in crate::cli) answers: Option<PathBuf>,

    /// A template (Jinja) of what the model is asked about a definition, with `kind`, `name`, `qualified_name`, `path`,
    /// `source`, `docstring`, `signature`
    #[arg(long, value_name = "FILE", requires = "endpoint", value_hint = clap::ValueHint::FilePath, help_heading = "Endpoint")]
    pub(in crate::cli) description_template: Option<PathBuf>,

    /// `issue_localize`: take issues with their patches (`problem_statement`, `patch`, `base_commit`) out of these task
    /// files, those of the named repositories [default: out of their git history]
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath, help_heading = "Types")]
    pub(in crate::cli) issues: Vec<PathBuf>,

    /// `issue_localize`: commits of each repository that are looked at, the newest first
    #[arg(
        long,
        value_name = "N",
        default_value_t = 20_000,
        help_heading = "Types"
    )]
    pub(in crate::cli) commits: usize,

    /// Take only tasks that no check refuses (`hgview tasks check --help`); others are drawn in their place
    #[arg(long)]
    pub(in crate::cli) check: bool,

    /// Threads [default: one for each processor; 8 where a model describes]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(in crate::cli) jobs: Option<u16>,

    /// Go on where a run was ended: what it left in `OUT.partial` is not made again
    #[arg(long)]
    pub(in crate::cli) resume: bool,

    /// Write over OUT, and begin anew where a run was ended
    #[arg(long)]
    pub(in crate::cli) force: bool,

    /// Print the report as one JSON object; `hgview schema tasks-build` describes it
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

/// Arguments of `tasks list`.
#[derive(Debug, Args)]
#[command(
    before_long_help = LIST_EXAMPLES,
    after_help = "Exit codes: 0 done, 1 done but some rows are no tasks (they say why), 2 error."
)]
pub(in crate::cli) struct TasksListArgs {
    /// Files, folders and globs; `-` is standard input
    #[arg(value_name = "FILE", required = true, value_hint = clap::ValueHint::AnyPath)]
    pub(in crate::cli) paths: Vec<PathBuf>,

    /// Print one JSON object a line; `hgview schema tasks-list` describes it
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

fn repo_name(text: &str) -> Result<String, String> {
    let is_plain = |part: &str| {
        !part.is_empty()
            && part
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'))
    };
    match text.split_once('/') {
        Some((owner, name)) if is_plain(owner) && is_plain(name) => Ok(text.to_owned()),
        _ => Err(format!("`{text}` is no name; write OWNER/NAME")),
    }
}
