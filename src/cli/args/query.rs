//! What can be typed behind `hgview query`, and what its help says of the language.

use std::path::PathBuf;

use clap::Args;

const QUERY_EXAMPLES: &str = "\
Examples:
  hgview query 'steps > 40 and not decision' runs/
  hgview query 'any(step.cmd ~ \"pytest\" and step.exit != 0)' output.jsonl --count
  hgview query --explain 'task = dep_search and duration > 5m'
  hgview query --fields
";

/// The language, for `--help`; README.md has the same grammar.
const LANGUAGE: &str = "\
The language:
  condition   steps > 40   task = dep_search   model ~ qwen   flag   tag in (easy, short)
  joined      and, or, not, ( ); not binds tightest, then and
  compared    = != < <= > >=, ~ and !~ (regular expression; upper case counts only where there is any),
              in (a, b), not in (a, b); = none where nothing is known or there
  values      words, \"texts\", 40 40k 1.5M, 90s 5m 2h 1d, 200kb 1MB, $0.50, 40%, true false,
              2026-01-31, 2026-01-31T10:00, today, yesterday, -7d (UTC)
  steps       any(…), all(…), count(…) > 3, first(…) < 5, last(…): inside stand fields step.…
  people      decision, reason, tag, … are yours; decision.ada is ada's
  tasks       task.base_commit is a column of the task instance

What is not known satisfies no comparison, and no negated one. A field by itself holds where it is known and neither
empty, 0 nor false: `not decision` is where there is none. A field with several values fits `=` and `~` by one of them.

Exit codes: 0 done, 1 no record is taken, 2 error: the query is wrong, and where.";

/// Arguments of `query`.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "flags, each on its own")]
#[command(
    before_long_help = QUERY_EXAMPLES,
    after_long_help = LANGUAGE,
    after_help = "Exit codes: 0 done, 1 no record is taken, 2 error. `--help` tells the language, `--fields` what may be asked."
)]
pub(in crate::cli) struct QueryArgs {
    /// The query
    #[arg(value_name = "QUERY", required_unless_present = "fields")]
    pub(in crate::cli) query: Option<String>,

    /// Files, folders and globs; `-` is standard input
    #[arg(value_name = "PATH", required_unless_present_any = ["fields", "explain"], value_hint = clap::ValueHint::AnyPath)]
    pub(in crate::cli) paths: Vec<PathBuf>,

    /// Say how the query is understood, and what has to be read for it
    #[arg(long, conflicts_with_all = ["paths", "count"])]
    pub(in crate::cli) explain: bool,

    /// List what may be asked
    #[arg(long, conflicts_with_all = ["query", "explain", "count"])]
    pub(in crate::cli) fields: bool,

    /// Print only how many records are taken
    #[arg(long, conflicts_with = "json")]
    pub(in crate::cli) count: bool,

    /// Print JSON; `hgview schema` tells its three forms
    #[arg(long)]
    pub(in crate::cli) json: bool,
}
