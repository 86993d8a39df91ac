//! What can be typed. Nothing here is interpreted: each command turns its arguments into what they mean.

mod compare;
mod endpoint;
mod export;
mod query;
mod replay;
mod rollout;
mod sandbox;
mod search;
mod share;
mod stats;
mod tasks;

use std::path::PathBuf;

use clap::ArgGroup;
use clap::Args;
use clap::Parser;
use clap::Subcommand;
use clap::ValueEnum;

pub(super) use crate::cli::args::compare::CompareArgs;
pub(super) use crate::cli::args::compare::OutcomeOf;
pub(super) use crate::cli::args::compare::SplitBy;
pub(super) use crate::cli::args::endpoint::EndpointArgs;
pub(super) use crate::cli::args::export::ExportArgs;
pub(super) use crate::cli::args::query::QueryArgs;
pub(super) use crate::cli::args::replay::BackendArg;
pub(super) use crate::cli::args::replay::ReplayArgs;
pub(super) use crate::cli::args::replay::ReplayCommand;
pub(super) use crate::cli::args::replay::StageArgs;
pub(super) use crate::cli::args::rollout::RolloutArgs;
pub(super) use crate::cli::args::rollout::RolloutFilter;
pub(super) use crate::cli::args::sandbox::DoctorArgs;
pub(super) use crate::cli::args::sandbox::SandboxArgs;
pub(super) use crate::cli::args::sandbox::SandboxCommand;
pub(super) use crate::cli::args::search::SearchArgs;
pub(super) use crate::cli::args::share::MergeArgs;
pub(super) use crate::cli::args::share::ShareArgs;
pub(super) use crate::cli::args::stats::FormArgs;
pub(super) use crate::cli::args::stats::StatsArgs;
pub(super) use crate::cli::args::stats::StatsCommand;
pub(super) use crate::cli::args::stats::StatsMergeArgs;
pub(super) use crate::cli::args::tasks::MadeType;
pub(super) use crate::cli::args::tasks::TasksArgs;
pub(super) use crate::cli::args::tasks::TasksBuildArgs;
pub(super) use crate::cli::args::tasks::TasksCheckArgs;
pub(super) use crate::cli::args::tasks::TasksCommand;
pub(super) use crate::cli::args::tasks::TasksListArgs;
pub(super) use crate::cli::args::tasks::TasksMaterializeArgs;

use crate::behave::flags::FLAGS;
use crate::behave::flags::FlagRule;
use crate::cli::list::Field;
use crate::cli::mark::MaskArg;
use crate::config::parse_memory;
use crate::query::sort::SortKey;

const EXAMPLES: &str = "\
Examples:
  hgview output.jsonl                      open a run and read it
  hgview runs/ --with report.json          all trajectories below a folder, with outcomes from a report
  hgview list runs/ --sort outcome         the same as a table
  hgview list runs/ --json | jq .id        … for scripts
  hgview show output.jsonl --id task-7     one trajectory as text
  zcat run.jsonl.gz | hgview list -        standard input
";

const LIST_EXAMPLES: &str = "\
Examples:
  hgview list output.jsonl
  hgview list runs/ --sort cost --reverse --limit 10
  hgview list runs/ --json | jq 'select(.fault)'
  hgview list runs/ --fields id,outcome,steps,cost
  hgview list runs/ --where 'task = dep_search and not any(step.test)'
";

const SHOW_EXAMPLES: &str = "\
Examples:
  hgview show run.traj
  hgview show output.jsonl --id task-7 --step 4
  hgview show output.jsonl --nth 3 --format markdown > attempt.md
  hgview show output.jsonl --nth 3 --json | jq '.steps[].actions[].args'
  hgview show run.traj --files --step 12              the files as step 12 left them, by what became of them
  hgview show run.traj --file src/a.py --step 12      one of them: what is not known is marked
";

const MARK_EXAMPLES: &str = "\
Examples:
  hgview mark output.jsonl --id task-7 accept
  hgview mark output.jsonl --id task-7 --nth 3 reject --reason 'wrong place' --tag easy
  hgview mark output.jsonl --nth 3 --step 4-9:context --note 'learn from step 10 on'
  hgview mark output.jsonl --id task-7 accept --reviewer cleo --adjudicates ada --adjudicates ben
  hgview mark output.jsonl --where 'any(step.cmd ~ \"git log\") and not decision' --tag leak --dry-run
  hgview mark output.jsonl --undo
";

const AGREE_EXAMPLES: &str = "\
Examples:
  hgview agree output.jsonl
  hgview agree output.jsonl --json | jq '.disputes[] | select(.is_settled | not).record'
";

const VERIFY_EXAMPLES: &str = "\
Examples:
  hgview verify output.jsonl --tasks func_localize.jsonl
  hgview verify runs/ --mode published --json | jq 'select(.published.verdict == \"reject\").id'
  hgview verify func_gen.jsonl --mode published
  hgview verify output.jsonl --with report.json --filter resolved --json | jq .filter
  hgview verify output.jsonl --shard 3/8 --out shards/             one share of eight, for a cluster
  hgview verify merge shards/ -o verdicts.jsonl                    … and all of them together
  hgview verify output.jsonl --flags --json | jq 'select(.flags | any(.flag == \"test_edit\")).id'
";

/// Read coding-agent trajectories of any scaffold, step by step.
///
/// Opens the explorer on files, folders and globs, or on standard input (`-`). What a file holds is told by its
/// content, never by its name; compressed files and archives are read as they are. Nothing is ever changed.
#[derive(Debug, Parser)]
#[command(
    name = "hgview",
    version,
    before_long_help = EXAMPLES,
    after_help = "Exit codes: 0 done, 1 done but some records could not be read, 2 error.",
    disable_help_subcommand = true,
    max_term_width = 100
)]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) explore: ExploreArgs,
    #[command(flatten)]
    pub(super) shared: SharedArgs,
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

/// Arguments of all commands that read records.
#[derive(Debug, Args)]
pub(super) struct SharedArgs {
    /// A file or folder with reports, predictions, verdicts or tasks, joined by instance id; may be given several times
    #[arg(
        long = "with",
        value_name = "PATH",
        global = true,
        help_heading = "Input"
    )]
    pub(super) with: Vec<PathBuf>,

    /// Only records for which this holds, such as `task = dep_search and steps > 40`; `hgview query --help` tells the
    /// language
    #[arg(
        id = "where",
        long = "where",
        value_name = "QUERY",
        global = true,
        help_heading = "Input"
    )]
    pub(super) query: Option<String>,

    /// Memory for parsed trajectories in MiB, within `--max-memory` [default: 256, or `cache_mb` of the settings]
    #[arg(
        long,
        value_name = "N",
        global = true,
        env = "HGVIEW_CACHE_MB",
        hide_env = true,
        value_parser = clap::value_parser!(u64).range(1..=1_048_576),
        help_heading = "Input"
    )]
    pub(super) cache_mb: Option<u64>,

    /// Memory for all that is kept only to be quick: parsed trajectories and blocks of indexes; 128M, 1G [default: 128M,
    /// or `max_memory` of the settings]
    #[arg(
        long,
        value_name = "SIZE",
        global = true,
        value_parser = parse_memory,
        help_heading = "Input"
    )]
    pub(super) max_memory: Option<u64>,

    /// Neither use nor keep what earlier runs found out about large files: where their records lie, their rows, their
    /// hashes, what filters say of them
    #[arg(long, global = true, help_heading = "Input")]
    pub(super) no_cache: bool,

    /// Who decides [default: `reviewer` of the settings, else the user's name]
    #[arg(
        long,
        value_name = "NAME",
        global = true,
        env = "HGVIEW_REVIEWER",
        hide_env = true,
        help_heading = "Decide"
    )]
    pub(super) reviewer: Option<String>,

    /// The folder of the decisions [default: `<data>.hgview` beside the data]
    #[arg(
        long,
        value_name = "DIR",
        global = true,
        value_hint = clap::ValueHint::DirPath,
        help_heading = "Decide"
    )]
    pub(super) review_dir: Option<PathBuf>,

    /// When to use colour; the variable `NO_COLOR` is respected
    #[arg(
        long,
        value_name = "WHEN",
        global = true,
        default_value = "auto",
        help_heading = "Look"
    )]
    pub(super) color: When,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum When {
    /// On a terminal that has colours
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// Arguments of the explorer.
#[derive(Debug, Args)]
pub(super) struct ExploreArgs {
    /// Files, folders and globs; `-` is standard input
    #[arg(value_name = "PATH", value_hint = clap::ValueHint::AnyPath)]
    pub(super) paths: Vec<PathBuf>,

    /// Begin with the record that has this id or task id
    #[arg(long, value_name = "ID", conflicts_with = "nth", help_heading = "Look")]
    pub(super) id: Option<String>,

    /// Begin with the record at this place, from 1
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), help_heading = "Look")]
    pub(super) nth: Option<u64>,

    /// Begin at this step (from 0) of the first record that is opened
    #[arg(long, value_name = "K", help_heading = "Look")]
    pub(super) step: Option<usize>,

    /// Look for new records while the program runs; a file that is not there yet, or empty, is waited for
    #[arg(long, help_heading = "Input")]
    pub(super) follow: bool,

    /// The theme; `hgview themes` lists them
    #[arg(
        long,
        value_name = "NAME",
        env = "HGVIEW_THEME",
        hide_env = true,
        help_heading = "Look"
    )]
    pub(super) theme: Option<String>,

    /// Write fewer bytes to the terminal, for slow lines: at most 256 colours, and what no key asked for is shown four
    /// times a second
    #[arg(long, help_heading = "Look")]
    pub(super) low_bandwidth: bool,

    /// Leave the mouse to the terminal
    #[arg(long, help_heading = "Look")]
    pub(super) no_mouse: bool,

    #[command(flatten)]
    pub(super) repos: RepoArgs,

    #[command(flatten)]
    pub(super) stage: StageArgs,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List trajectories, one row each
    List(ListArgs),
    /// Show one trajectory or step as text, Markdown or JSON
    Show(ShowArgs),
    /// Find every step that matches a pattern
    Search(SearchArgs),
    /// Record a decision on a trajectory
    Mark(MarkArgs),
    /// Say how far reviewers agree, and on what they do not
    Agree(AgreeArgs),
    /// Compare two attempts step by step, or two runs task by task
    Compare(CompareArgs),
    /// Write the curated set and its manifest
    Export(Box<ExportArgs>),
    /// Run the automatic filter: say for each trajectory whether it passes, and why not
    Verify(Box<VerifyArgs>),
    /// Run the recorded calls again in sandboxes: say which show the same, and whether the patch is the same
    Replay(Box<ReplayArgs>),
    /// Let a model attempt tasks in sandboxes, and write what it did as trajectories
    Rollout(Box<RolloutArgs>),
    /// Say which records a query takes, how it is understood, and what may be asked
    Query(QueryArgs),
    /// Say what agents do and how often it is accepted: tables, charts, an HTML report
    Stats(Box<StatsArgs>),
    /// Make tasks from repositories, list and check them, and write the states from which they begin
    Tasks(Box<TasksArgs>),
    /// Say which sandboxes work on this machine, and which of their bounds hold
    Sandbox(SandboxArgs),
    /// Print the JSON Schema of what a command prints with --json
    Schema(SchemaArgs),
    /// List the themes
    Themes(ThemesArgs),
    /// Show or make the settings file
    Config(ConfigArgs),
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
    /// Print the manual page
    Man,
}

/// Arguments of `list`.
#[derive(Debug, Args)]
#[command(
    before_long_help = LIST_EXAMPLES,
    after_help = "Exit codes: 0 done, 1 done but some records could not be read (their rows say why), 2 error."
)]
pub(super) struct ListArgs {
    /// Files, folders and globs; `-` is standard input, whose records are called `stdin` where they have no name
    #[arg(value_name = "PATH", required = true, value_hint = clap::ValueHint::AnyPath)]
    pub(super) paths: Vec<PathBuf>,

    /// Print one JSON object a line; `hgview schema list` describes it
    #[arg(long)]
    pub(super) json: bool,

    /// Print only these fields, in this order, by their names in the JSON. What only other fields need is not found out:
    /// `id,task,outcome,steps,tokens,cost,model` take a fraction of the time
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    pub(super) fields: Option<Vec<Field>>,

    /// Order the rows by a column; rows without a value come last
    #[arg(long, value_name = "COLUMN", default_value = "source", value_parser = sort_key())]
    pub(super) sort: String,

    /// Turn the order round
    #[arg(long)]
    pub(super) reverse: bool,

    /// Print at most this many rows
    #[arg(long, value_name = "N")]
    pub(super) limit: Option<usize>,
}

fn sort_key() -> clap::builder::PossibleValuesParser {
    let names: Vec<&str> = SortKey::ALL.map(SortKey::name).to_vec();
    names.into()
}

/// Arguments of `show`.
#[derive(Debug, Args)]
#[command(before_long_help = SHOW_EXAMPLES)]
pub(super) struct ShowArgs {
    /// A file or folder; `-` is standard input
    #[arg(value_name = "PATH", value_hint = clap::ValueHint::AnyPath)]
    pub(super) path: PathBuf,

    /// The record with this id
    #[arg(long, value_name = "ID", conflicts_with = "nth")]
    pub(super) id: Option<String>,

    /// The record at this place, from 1
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) nth: Option<u64>,

    /// Only this step; steps count from 0, as in `idx` of the JSON
    #[arg(long, value_name = "K")]
    pub(super) step: Option<usize>,

    /// What to print
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "text",
        conflicts_with = "json"
    )]
    pub(super) format: ShowFormat,

    /// Print this file as the step left it (the last one without --step), as far as the trajectory tells; the name may
    /// be the end of its path
    #[arg(long, value_name = "FILE", conflicts_with_all = ["format", "files"])]
    pub(super) file: Option<String>,

    /// Print the files that were touched or seen up to the step, and what became of them
    #[arg(long, conflicts_with = "format")]
    pub(super) files: bool,

    /// Print JSON, verbatim and complete; `hgview schema show` describes it
    #[arg(long)]
    pub(super) json: bool,

    #[command(flatten)]
    pub(super) repos: RepoArgs,
}

/// Where repositories are.
#[derive(Debug, Clone, Args)]
pub(super) struct RepoArgs {
    /// The repository of the tasks: a checkout or a bare repository, which is read at each task's base commit, or the plain
    /// folder or archive that the tasks were made of. Nothing is ever written or run there
    #[arg(long, value_name = "PATH", value_hint = clap::ValueHint::AnyPath, help_heading = "Input")]
    pub(super) repo: Option<PathBuf>,

    /// A folder of repositories: checkouts and plain folders `owner__name`, bare mirrors `owner__name.git`, and whatever else
    /// `tasks build` makes tasks of
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath, help_heading = "Input")]
    pub(super) repos: Option<PathBuf>,
}

/// Forms of `show`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ShowFormat {
    /// Plain text; control characters are made visible
    Text,
    /// Markdown; control characters are made visible
    Markdown,
    /// The common model, verbatim
    Json,
}

/// Arguments of `mark`.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of its own on the command line"
)]
#[derive(Debug, Args)]
#[command(
    before_long_help = MARK_EXAMPLES,
    after_help = "With --where instead of --id and --nth all records for which it holds are marked, and one --undo takes all of it back.\n\nExit codes: 0 saved, 1 there was nothing to mark, undo or redo, 2 error: nothing was saved."
)]
pub(super) struct MarkArgs {
    /// A file or folder; `-` is standard input
    #[arg(value_name = "PATH", value_hint = clap::ValueHint::AnyPath)]
    pub(super) path: PathBuf,

    /// The decision; without one only what else is given is recorded
    #[arg(value_name = "DECISION")]
    pub(super) choice: Option<MarkChoice>,

    /// The record with this id or task id
    #[arg(long, value_name = "ID")]
    pub(super) id: Option<String>,

    /// The record at this place, from 1; needed where several have the id
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) nth: Option<u64>,

    /// Why; an empty text takes the reason away
    #[arg(long, value_name = "REASON")]
    pub(super) reason: Option<String>,

    /// Add a tag; may be given several times
    #[arg(long = "tag", value_name = "TAG")]
    pub(super) tags: Vec<String>,

    /// Take a tag away; may be given several times
    #[arg(long = "untag", value_name = "TAG")]
    pub(super) untags: Vec<String>,

    /// Set the note; an empty text takes it away
    #[arg(long, value_name = "NOTE")]
    pub(super) note: Option<String>,

    /// Flag it for another look
    #[arg(long, conflicts_with = "unflag")]
    pub(super) flag: bool,

    /// Take the flag away
    #[arg(long)]
    pub(super) unflag: bool,

    /// Mask a step, or a range K-L (from 0): train, context, drop, or none to take the mask away
    #[arg(long = "step", value_name = "K:MASK", value_parser = MaskArg::parse)]
    pub(super) masks: Vec<MaskArg>,

    /// Settle the dispute of this reviewer with the others; may be given several times
    #[arg(long, value_name = "REVIEWER")]
    pub(super) adjudicates: Vec<String>,

    /// Say what would be marked, and save nothing
    #[arg(short = 'n', long, conflicts_with_all = ["undo", "redo"])]
    pub(super) dry_run: bool,

    /// Take back what this reviewer did last
    #[arg(long, conflicts_with_all = MARKING)]
    pub(super) undo: bool,

    /// Do again what was taken back last
    #[arg(long, conflicts_with_all = MARKING, conflicts_with = "undo")]
    pub(super) redo: bool,

    /// Print JSON; `hgview schema mark` describes it
    #[arg(long)]
    pub(super) json: bool,
}

/// What does not go with undo and redo.
const MARKING: [&str; 12] = [
    "choice",
    "where",
    "id",
    "nth",
    "reason",
    "tags",
    "untags",
    "note",
    "flag",
    "unflag",
    "masks",
    "adjudicates",
];

/// What can be decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum MarkChoice {
    /// It belongs into the set
    Accept,
    /// It does not
    Reject,
    /// Looked at, and not decided
    Skip,
    /// Take the decision back
    Clear,
}

/// Arguments of `agree`.
#[derive(Debug, Args)]
#[command(
    before_long_help = AGREE_EXAMPLES,
    after_help = "Exit codes: 0 no dispute is open, 1 disputes are open or no two reviewers decided on the same record, 2 error."
)]
pub(super) struct AgreeArgs {
    /// Files, folders and globs whose decisions are compared
    #[arg(value_name = "PATH", required = true, value_hint = clap::ValueHint::AnyPath)]
    pub(super) paths: Vec<PathBuf>,

    /// Print JSON; `hgview schema agree` describes it
    #[arg(long)]
    pub(super) json: bool,
}

/// Arguments of `verify`.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of its own on the command line"
)]
#[derive(Debug, Args)]
#[command(after_long_help = flags_help())]
#[command(
    before_long_help = VERIFY_EXAMPLES,
    after_help = "Exit codes: 0 done, 1 done but some records could not be read (their rows say why), 2 error.",
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    group = ArgGroup::new("rows").args(["json", "shard"])
)]
pub(super) struct VerifyArgs {
    #[command(subcommand)]
    pub(super) command: Option<VerifyCommand>,

    /// Files, folders and globs; `-` is standard input
    #[arg(value_name = "PATH", required = true, value_hint = clap::ValueHint::AnyPath)]
    pub(super) paths: Vec<PathBuf>,

    /// The tasks, for records that do not hold theirs: JSON Lines, JSON or Parquet, joined by `instance_id`
    #[arg(long, value_name = "FILE")]
    pub(super) tasks: Option<PathBuf>,

    /// Which rules: those of the published evaluators, the strict ones that go by syntax, or both
    #[arg(long, value_name = "RULES", default_value = "both")]
    pub(super) mode: VerifyMode,

    /// Say beside the rules what this filter says: published, strict, resolved, `score>=X` or `file:SCORES.jsonl[>=X]`,
    /// as `hgview export` takes it
    #[arg(long, value_name = "FILTER")]
    pub(super) filter: Option<String>,

    /// Look for the flags of behaviour too, as `hgview list --json` does. They need all of every record: without this only
    /// what the prompt and other attempts tell is flagged (`prompt_leak`, `same_patch`)
    #[arg(long)]
    pub(super) flags: bool,

    /// Run the test programs of `func_gen` outside a sandbox where none starts here. A model wrote part of them: they
    /// run with limits and without environment or input, but not walled off
    #[arg(long)]
    pub(super) allow_run: bool,

    /// Print the test program of each `func_gen` record too, as `test_file`
    #[arg(long, requires = "rows")]
    pub(super) show_test: bool,

    /// Print one JSON object a line; `hgview schema verify` describes it
    #[arg(long)]
    pub(super) json: bool,

    #[command(flatten)]
    pub(super) repos: RepoArgs,

    #[command(flatten)]
    pub(super) share: ShareArgs,
}

/// What else `verify` does.
#[derive(Debug, Subcommand)]
pub(super) enum VerifyCommand {
    /// Put the shares of a folder together: the lines that `verify --json` prints, however many shares there were
    Merge(MergeArgs),
}

/// The flags with what they say, as the help tells them.
fn flags_help() -> String {
    let row = |rule: &FlagRule| {
        let off = if rule.is_default {
            ""
        } else {
            " (off by default)"
        };
        format!("  {:<24} {}{off}", rule.kind.name(), rule.doc)
    };
    let rows: Vec<String> = FLAGS.iter().map(row).collect();
    let heading = "Flags, switched on and off by name in the settings' [flags]:";
    let off = "Off are those that were wrong more than once in ten on the labelled records, or found on none of them.";
    format!("{heading}\n{}\n{off}", rows.join("\n"))
}

/// Rules of `verify`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum VerifyMode {
    /// The published evaluators, oddities included
    Published,
    /// By syntax
    Strict,
    /// One beside the other
    Both,
}

/// Arguments of `schema`.
#[derive(Debug, Args)]
pub(super) struct SchemaArgs {
    /// The command whose output is described; without it, all of them are listed
    #[arg(value_name = "COMMAND")]
    pub(super) command: Option<SchemaOf>,
}

/// Commands with a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum SchemaOf {
    /// A line of `hgview list --json`
    List,
    /// The output of `hgview show --json`
    Show,
    /// The output of `hgview show --step K --json`
    ShowStep,
    /// A line of `hgview search --json`
    Search,
    /// The output of `hgview show --file F --json`
    ShowFile,
    /// The output of `hgview show --files --json`
    ShowFiles,
    /// The output of `hgview mark --json`
    Mark,
    /// The output of `hgview agree --json`
    Agree,
    /// The output of `hgview compare --json` for two attempts
    Compare,
    /// The output of `hgview compare --json` for two runs
    CompareRuns,
    /// The output of `hgview export --json`
    Export,
    /// A line of `hgview verify --json`
    Verify,
    /// The first line of a share of `hgview verify`
    VerifyHead,
    /// The other lines of a share of `hgview verify`
    VerifyLine,
    /// A line of `hgview replay --json` and of files of results
    Replay,
    /// A line of `hgview replay --backend none --json`
    ReplayPlan,
    /// A line of the files beside results: how they came to be
    ReplayRuns,
    /// A line of `hgview rollout --json`
    Rollout,
    /// A line of `hgview query QUERY PATH --json`
    Query,
    /// The output of `hgview query --explain --json`
    QueryExplain,
    /// A line of `hgview query --fields --json`
    QueryFields,
    /// The output of `hgview stats --json`
    Stats,
    /// The first line of a share of `hgview stats`
    StatsHead,
    /// The other lines of a share of `hgview stats`
    StatsLine,
    /// The output of `hgview tasks build --json`
    TasksBuild,
    /// A line of `hgview tasks list --json`
    TasksList,
    /// A line of `hgview tasks check --json`
    TasksCheck,
    /// The output of `hgview sandbox doctor --json`
    SandboxDoctor,
    /// A line of `hgview themes --json`
    Themes,
}

/// Arguments of `themes`.
#[derive(Debug, Args)]
pub(super) struct ThemesArgs {
    /// Print one JSON object a line; `hgview schema themes` describes it
    #[arg(long)]
    pub(super) json: bool,
}

/// Arguments of `config`.
#[derive(Debug, Args)]
pub(super) struct ConfigArgs {
    #[command(subcommand)]
    pub(super) command: ConfigCommand,
}

/// What to do with the settings file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub(super) enum ConfigCommand {
    /// Print where the settings file is
    Path,
    /// Print the settings file and what is wrong with it; the defaults where there is none
    Show,
    /// Make a settings file with every setting commented out; never over an existing one
    Init,
}

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub(super) shell: clap_complete::Shell,
}
