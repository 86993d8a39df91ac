//! `hgview schema`: the JSON Schema of what commands print with `--json`.

use schemars::Schema;
use schemars::schema_for;

use crate::cli::Output;
use crate::cli::Verdict;
use crate::cli::args::SchemaArgs;
use crate::cli::args::SchemaOf;
use crate::cli::list::ListRow;
use crate::cli::records::to_json_pretty;
use crate::cli::themes::ThemeRow;
use crate::error::Result;
use crate::model::Step;
use crate::model::Trajectory;

/// Prints the schema.
pub(super) fn run(args: &SchemaArgs, output: &mut Output<'_>) -> Result<Verdict> {
    let schema: Schema = match args.command {
        SchemaOf::List => schema_for!(ListRow),
        SchemaOf::Show => schema_for!(Trajectory),
        SchemaOf::ShowStep => schema_for!(Step),
        SchemaOf::Themes => schema_for!(ThemeRow),
    };
    writeln!(output.out, "{}", to_json_pretty(&schema)?)?;
    Ok(Verdict::Yes)
}
