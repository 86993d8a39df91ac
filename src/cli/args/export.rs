//! What can be typed behind `hgview export`.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;

use crate::cli::args::RepoArgs;
use crate::export::EXPORTERS;
use crate::export::Prefer;
use crate::export::SplitBy;
use crate::review::Policy;

const EXPORT_EXAMPLES: &str = "\
Examples:
  hgview export output.jsonl -o chat.jsonl --format chat --with-ids
  hgview export runs/ -o sft.jsonl --format sft --tool-prompt suffix.txt
  hgview export output.jsonl -o kept.jsonl --format raw --filter strict --repos ~/mirrors
  hgview export runs/ -o set.jsonl --format chat --per-task 2 --dedupe --split train=.95,val=.05
  hgview export output.jsonl -o steps.parquet --format steps
  hgview export runs/ -o set --format trajectories --partition model,outcome
  hgview export output.jsonl -o - --format adp --dry-run --json | jq .losses
";

/// Arguments of `export`.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "flags, each on its own")]
#[command(
    before_long_help = EXPORT_EXAMPLES,
    after_long_help = formats(),
    after_help = "Exit codes: 0 done, 1 done but some records could not be read or kept by the format, 2 error. `--help` lists the formats."
)]
pub(in crate::cli) struct ExportArgs {
    /// Files, folders and globs; `-` is standard input
    #[arg(value_name = "PATH", required = true, value_hint = clap::ValueHint::AnyPath)]
    pub(in crate::cli) paths: Vec<PathBuf>,

    /// The file to write; `-` is standard output
    #[arg(short, long, value_name = "OUT", value_hint = clap::ValueHint::FilePath)]
    pub(in crate::cli) out: PathBuf,

    /// The format; `hgview export --help` lists them
    #[arg(short, long, value_name = "FORMAT")]
    pub(in crate::cli) format: String,

    /// How verdicts and decisions make the outcome
    #[arg(long, value_name = "POLICY", default_value = "override", value_parser = policy(), help_heading = "Which records")]
    pub(in crate::cli) policy: String,

    /// Which verdict counts: published, strict, resolved, `score>=X` or `file:SCORES.jsonl[>=X]`; without one what
    /// the published rules reject is left out, and what they cannot judge is kept
    #[arg(long, value_name = "FILTER", help_heading = "Which records")]
    pub(in crate::cli) filter: Option<String>,

    /// The tasks, for records that do not hold theirs, joined by `instance_id`
    #[arg(long, value_name = "FILE", help_heading = "Which records")]
    pub(in crate::cli) tasks: Option<PathBuf>,

    #[command(flatten)]
    pub(in crate::cli) repos: RepoArgs,

    /// Let the filter run `func_gen`'s test programs outside a sandbox where none starts here
    #[arg(long, help_heading = "Which records")]
    pub(in crate::cli) allow_run: bool,

    /// At most this many attempts of a task
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u64).range(1..), help_heading = "Which records")]
    pub(in crate::cli) per_task: Option<u64>,

    /// Which attempts of a task are better
    #[arg(long, value_name = "WHICH", default_value = "shortest", value_parser = prefer(), help_heading = "Which records")]
    pub(in crate::cli) prefer: String,

    /// Leave out what has the same patch for the same task, or the same messages, as an earlier record
    #[arg(long, help_heading = "Which records")]
    pub(in crate::cli) dedupe: bool,

    /// Leave out what has more tokens; estimated without --tokenizer
    #[arg(long, value_name = "N", help_heading = "Which records")]
    pub(in crate::cli) max_tokens: Option<usize>,

    /// The model's `tokenizer.json`
    #[arg(long, value_name = "FILE", help_heading = "Which records")]
    pub(in crate::cli) tokenizer: Option<PathBuf>,

    /// Leave out the repositories of this file, `owner/name` a line
    #[arg(long, value_name = "FILE", help_heading = "Which records")]
    pub(in crate::cli) exclude_repos: Option<PathBuf>,

    /// Keep this many, drawn at random by --seed
    #[arg(long, value_name = "N", help_heading = "Which records")]
    pub(in crate::cli) sample: Option<usize>,

    /// Decides sample and split
    #[arg(
        long,
        value_name = "S",
        default_value_t = 0,
        help_heading = "Which records"
    )]
    pub(in crate::cli) seed: u64,

    /// Write parts of these shares: OUT with the part's name before its ending
    #[arg(long, value_name = "NAME=SHARE,…", help_heading = "Form")]
    pub(in crate::cli) split: Option<String>,

    /// What stays together in a split
    #[arg(long, value_name = "WHAT", default_value = "repo", value_parser = split_by(), help_heading = "Form")]
    pub(in crate::cli) split_by: String,

    /// Write a folder OUT of Parquet files in folders `KEY=VALUE`: model, repo, `task_type`, format, resolved, outcome, split,
    /// `shard=N` (by the ids); several make folders in folders
    #[arg(long, value_name = "KEY,…", help_heading = "Form")]
    pub(in crate::cli) partition: Option<String>,

    /// Write a folder OUT of Parquet files that end at this size, `K`, `M` or `G` behind the number [default with --partition:
    /// 128M]
    #[arg(long, value_name = "SIZE", value_parser = size, help_heading = "Form")]
    pub(in crate::cli) part_size: Option<u64>,

    /// Keep `instance_id` and `resolved` beside messages
    #[arg(long, help_heading = "Form")]
    pub(in crate::cli) with_ids: bool,

    /// Export all steps alike where the format has no place for step masks
    #[arg(long, help_heading = "Form")]
    pub(in crate::cli) ignore_masks: bool,

    /// sft: the text behind the system prompt, with `{description}` where the tools are described
    #[arg(long, value_name = "FILE", help_heading = "Form")]
    pub(in crate::cli) tool_prompt: Option<PathBuf>,

    /// chatml: a `tokenizer_config.json` or template [default: that of Qwen2.5-Coder]
    #[arg(long, value_name = "FILE", help_heading = "Form")]
    pub(in crate::cli) chat_template: Option<PathBuf>,

    /// Write over existing files; never over an input
    #[arg(long)]
    pub(in crate::cli) force: bool,

    /// Say what would be written, dropped and lost, and write nothing
    #[arg(short = 'n', long)]
    pub(in crate::cli) dry_run: bool,

    /// Where the manifest goes [default: OUT.manifest.json; none for standard output]
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) manifest: Option<PathBuf>,

    /// Print the report as JSON; `hgview schema export` describes it
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

fn policy() -> clap::builder::PossibleValuesParser {
    Policy::ALL.map(Policy::name).into()
}

fn prefer() -> clap::builder::PossibleValuesParser {
    Prefer::ALL.map(Prefer::name).into()
}

fn split_by() -> clap::builder::PossibleValuesParser {
    SplitBy::ALL.map(SplitBy::name).into()
}

fn size(text: &str) -> Result<u64, String> {
    let (digits, shift) = match text.char_indices().next_back() {
        Some((end, 'K' | 'k')) => (text.get(..end), 10),
        Some((end, 'M' | 'm')) => (text.get(..end), 20),
        Some((end, 'G' | 'g')) => (text.get(..end), 30),
        _ => (Some(text), 0),
    };
    let number = digits.and_then(|digits| digits.parse::<u64>().ok());
    number
        .and_then(|number| number.checked_mul(1 << shift))
        .filter(|bytes| *bytes > 0)
        .ok_or_else(|| format!("`{text}` is no size; write 64M"))
}

fn formats() -> String {
    let mut out = "Formats:\n".to_owned();
    for exporter in EXPORTERS {
        let _written = writeln!(out, "  {:<12} {}", exporter.name, exporter.about);
    }
    out.push_str("\nExit codes: 0 done, 1 done but some records could not be read or kept by the format, 2 error.");
    out
}
