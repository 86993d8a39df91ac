//! What can be typed behind `hgview stats`.

use std::path::PathBuf;

use clap::ArgGroup;
use clap::Args;
use clap::Subcommand;

use crate::review::Policy;
use crate::shard::Shard;
use crate::stats::GroupBy;
use crate::stats::SectionKind;

const STATS_EXAMPLES: &str = "\
Examples:
  hgview stats runs/
  hgview stats runs/ --by model --section behaviour
  hgview stats runs/ --by repo,outcome --csv > behaviour.csv
  hgview stats runs/ --by model --html report.html
  hgview stats runs/ --filter resolved --json | jq .total.behaviour
  hgview stats runs/ --partial --shard 3/8 --out shards/    one share of eight, for a cluster
  hgview stats merge shards/ --by model                     … and all of them together
";

/// Arguments of `stats`.
#[derive(Debug, Args)]
#[command(
    before_long_help = STATS_EXAMPLES,
    after_help = "Exit codes: 0 done, 1 done but some records could not be read, 2 error.",
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    group = ArgGroup::new("share").args(["partial", "shard"]).multiple(true)
)]
pub(in crate::cli) struct StatsArgs {
    #[command(subcommand)]
    pub(in crate::cli) command: Option<StatsCommand>,

    /// Files, folders and globs; `-` is standard input
    #[arg(value_name = "PATH", required = true, value_hint = clap::ValueHint::AnyPath)]
    pub(in crate::cli) paths: Vec<PathBuf>,

    /// How verdicts and decisions make the effective outcome
    #[arg(long, value_name = "POLICY", default_value = "override", value_parser = policy(), help_heading = "Outcome")]
    pub(in crate::cli) policy: String,

    /// Which verdict counts for it: published, strict, resolved, `score>=X` or `file:SCORES.jsonl[>=X]`
    #[arg(
        long,
        value_name = "FILTER",
        default_value = "published",
        help_heading = "Outcome"
    )]
    pub(in crate::cli) filter: String,

    /// The tasks, for records that do not hold theirs, joined by `instance_id`
    #[arg(long, value_name = "FILE", help_heading = "Outcome")]
    pub(in crate::cli) tasks: Option<PathBuf>,

    /// Keep what is counted, a line a record, for `stats merge`, instead of a report: groups, parts and form are chosen there
    #[arg(
        long,
        requires = "out",
        conflicts_with_all = ["by", "section", "json", "csv", "markdown", "html", "ascii"],
        help_heading = "Cluster"
    )]
    pub(in crate::cli) partial: bool,

    /// Only share K of N, K from 0 to N-1; implies --partial
    #[arg(
        long,
        value_name = "K/N",
        requires = "out",
        conflicts_with_all = ["by", "section", "json", "csv", "markdown", "html", "ascii"],
        help_heading = "Cluster"
    )]
    pub(in crate::cli) shard: Option<Shard>,

    /// The folder of the shares
    #[arg(long, value_name = "DIR", requires = "share", value_hint = clap::ValueHint::DirPath, help_heading = "Cluster")]
    pub(in crate::cli) out: Option<PathBuf>,

    #[command(flatten)]
    pub(in crate::cli) form: FormArgs,
}

/// What else `stats` does.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum StatsCommand {
    /// Put shares together: what `stats` says of all records, in any of its forms, however many shares there were
    Merge(StatsMergeArgs),
}

/// Arguments of `stats merge`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 done, 1 some records could not be read or shares are missing (--allow-partial), 2 error."
)]
pub(in crate::cli) struct StatsMergeArgs {
    /// Folders of shares, and shares
    #[arg(value_name = "PATH", required = true, value_hint = clap::ValueHint::AnyPath)]
    pub(in crate::cli) paths: Vec<PathBuf>,

    /// Merge the shares that are complete, and say which are missing
    #[arg(long)]
    pub(in crate::cli) allow_partial: bool,

    #[command(flatten)]
    pub(in crate::cli) form: FormArgs,
}

/// What statistics are about and how they are told.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "flags, each on its own")]
pub(in crate::cli) struct FormArgs {
    /// Group by this, or by two things
    #[arg(long, value_name = "WHAT", value_delimiter = ',', value_parser = group_by())]
    pub(in crate::cli) by: Vec<String>,

    /// Only this part; may be given several times
    #[arg(long, value_name = "PART", value_delimiter = ',', value_parser = section())]
    pub(in crate::cli) section: Vec<String>,

    /// Print JSON; `hgview schema stats` describes it
    #[arg(long, conflicts_with_all = ["csv", "markdown"], help_heading = "Form")]
    pub(in crate::cli) json: bool,

    /// Print one part as CSV: the behaviour table, or what --section names
    #[arg(long, conflicts_with = "markdown", help_heading = "Form")]
    pub(in crate::cli) csv: bool,

    /// Print Markdown
    #[arg(long, help_heading = "Form")]
    pub(in crate::cli) markdown: bool,

    /// Write one HTML file that needs nothing else; `-` is standard output
    #[arg(
        long,
        value_name = "OUT",
        value_hint = clap::ValueHint::FilePath,
        conflicts_with_all = ["json", "csv", "markdown"],
        help_heading = "Form"
    )]
    pub(in crate::cli) html: Option<PathBuf>,

    /// Write over an existing file; never over an input
    #[arg(long, requires = "html", help_heading = "Form")]
    pub(in crate::cli) force: bool,

    /// Draw charts with ASCII alone [default: where the locale is not UTF-8]
    #[arg(long, help_heading = "Form")]
    pub(in crate::cli) ascii: bool,
}

fn group_by() -> clap::builder::PossibleValuesParser {
    GroupBy::ALL.map(GroupBy::name).into()
}

fn section() -> clap::builder::PossibleValuesParser {
    SectionKind::ALL.map(SectionKind::name).into()
}

fn policy() -> clap::builder::PossibleValuesParser {
    Policy::ALL.map(Policy::name).into()
}
