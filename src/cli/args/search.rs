//! What can be typed behind `hgview search`.

use std::path::PathBuf;

use clap::Args;
use clap::builder::PossibleValuesParser;
use clap::builder::TypedValueParser;

use crate::search::Place;

const SEARCH_EXAMPLES: &str = "\
Examples:
  hgview search 'ModuleNotFoundError' runs/
  hgview search --in actions 'git (checkout|restore) ' output.jsonl
  hgview search -F 'np.float(' runs/ --in observations --records
  hgview search 'TODO' output.jsonl --json | jq -r .reference
";

/// Arguments of `search`.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "flags, each on its own")]
#[command(
    before_long_help = SEARCH_EXAMPLES,
    after_help = "Exit codes: 0 something matches, 1 nothing does, 2 error."
)]
pub(in crate::cli) struct SearchArgs {
    /// A regular expression; upper case matters only when it has any
    #[arg(value_name = "PATTERN", allow_hyphen_values = true)]
    pub(in crate::cli) pattern: String,

    /// Files, folders and globs; `-` is standard input
    #[arg(value_name = "PATH", required = true, value_hint = clap::ValueHint::AnyPath)]
    pub(in crate::cli) paths: Vec<PathBuf>,

    /// Search only these: prompts, thoughts, actions, observations, files (paths and what was written), patches
    #[arg(long = "in", value_name = "PLACES", value_delimiter = ',', value_parser = place(), hide_possible_values = true)]
    pub(in crate::cli) places: Vec<Place>,

    /// Take the pattern as it stands, not as a regular expression
    #[arg(short = 'F', long)]
    pub(in crate::cli) fixed_strings: bool,

    /// Upper and lower case are the same
    #[arg(short, long, conflicts_with = "case_sensitive")]
    pub(in crate::cli) ignore_case: bool,

    /// Upper and lower case differ
    #[arg(short = 's', long)]
    pub(in crate::cli) case_sensitive: bool,

    /// Print only which records match
    #[arg(short = 'l', long, conflicts_with_all = ["json", "count"])]
    pub(in crate::cli) records: bool,

    /// Print only how many steps match
    #[arg(short, long, conflicts_with = "json")]
    pub(in crate::cli) count: bool,

    /// Stop after so many steps
    #[arg(short, long, value_name = "N")]
    pub(in crate::cli) max_count: Option<usize>,

    /// Print one JSON object a line; `hgview schema search` describes it
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

/// The places by their names.
fn place() -> impl TypedValueParser<Value = Place> {
    PossibleValuesParser::new(Place::ALL.map(Place::name)).map(|name| {
        let is_it = |place: &Place| place.name() == name;
        Place::ALL.into_iter().find(is_it).unwrap_or(Place::Actions)
    })
}
