//! `hgview schema`: the JSON Schema of what commands print with `--json`.

use clap::ValueEnum as _;
use schemars::Schema;
use schemars::schema_for;

use crate::cli::Output;
use crate::cli::Verdict;
use crate::cli::agree::AgreeReport;
use crate::cli::args::SchemaArgs;
use crate::cli::args::SchemaOf;
use crate::cli::compare::AttemptsReport;
use crate::cli::compare::RunsReport;
use crate::cli::list::ListRow;
use crate::cli::mark::MarkRow;
use crate::cli::query::FieldRow;
use crate::cli::query::QueryExplanation;
use crate::cli::query::QueryRow;
use crate::cli::records::to_json_pretty;
use crate::cli::replay::PlanRow;
use crate::cli::search::SearchRow;
use crate::cli::show::FileReport;
use crate::cli::show::FilesReport;
use crate::cli::show::StepJson;
use crate::cli::show::TrajectoryJson;
use crate::cli::tasks::TaskCheckRow;
use crate::cli::tasks::TaskRow;
use crate::cli::themes::ThemeRow;
use crate::cli::verify::VerifyHead;
use crate::cli::verify::VerifyLine;
use crate::cli::verify::VerifyRow;
use crate::error::Result;
use crate::export::Report;
use crate::replay::RecordReplay;
use crate::replay::results::Run;
use crate::rollout::Done;
use crate::sandbox::doctor::Diagnosis;
use crate::shard::Head;
use crate::stats::PartialAsked;
use crate::stats::PartialLine;
use crate::stats::Stats;
use crate::tasks::build::Built;

/// Prints the schema, or which there are.
pub(super) fn run(args: &SchemaArgs, output: &mut Output<'_>) -> Result<Verdict> {
    let Some(command) = args.command else {
        for known in SchemaOf::value_variants() {
            if let Some(value) = known.to_possible_value() {
                let doc = value.get_help().map(ToString::to_string);
                let line = format!("{:<14} {}", value.get_name(), doc.unwrap_or_default());
                writeln!(output.out, "{}", line.trim_end())?;
            }
        }
        return Ok(Verdict::Yes);
    };
    let schema: Schema = match command {
        SchemaOf::List => schema_for!(ListRow),
        SchemaOf::Show => schema_for!(TrajectoryJson<'static>),
        SchemaOf::ShowStep => schema_for!(StepJson<'static>),
        SchemaOf::Search => schema_for!(SearchRow),
        SchemaOf::ShowFile => schema_for!(FileReport),
        SchemaOf::ShowFiles => schema_for!(FilesReport),
        SchemaOf::Mark => schema_for!(MarkRow),
        SchemaOf::Agree => schema_for!(AgreeReport),
        SchemaOf::Compare => schema_for!(AttemptsReport),
        SchemaOf::CompareRuns => schema_for!(RunsReport),
        SchemaOf::Export => schema_for!(Report),
        SchemaOf::Verify => schema_for!(VerifyRow),
        SchemaOf::VerifyHead => schema_for!(VerifyHead),
        SchemaOf::VerifyLine => schema_for!(VerifyLine),
        SchemaOf::Replay => schema_for!(RecordReplay),
        SchemaOf::ReplayPlan => schema_for!(PlanRow<'static>),
        SchemaOf::ReplayRuns => schema_for!(Run),
        SchemaOf::Rollout => schema_for!(Done),
        SchemaOf::Query => schema_for!(QueryRow),
        SchemaOf::QueryExplain => schema_for!(QueryExplanation),
        SchemaOf::QueryFields => schema_for!(FieldRow),
        SchemaOf::Stats => schema_for!(Stats),
        SchemaOf::StatsHead => schema_for!(Head<PartialAsked>),
        SchemaOf::StatsLine => schema_for!(PartialLine),
        SchemaOf::TasksBuild => schema_for!(Built),
        SchemaOf::TasksList => schema_for!(TaskRow),
        SchemaOf::SandboxDoctor => schema_for!(Diagnosis),
        SchemaOf::TasksCheck => schema_for!(TaskCheckRow),
        SchemaOf::Themes => schema_for!(ThemeRow),
    };
    writeln!(output.out, "{}", to_json_pretty(&schema)?)?;
    Ok(Verdict::Yes)
}
