//! `hgview replay --backend none`: what would run. Nothing does: without a sandbox nothing of a trajectory ever runs.

use schemars::JsonSchema;
use serde::Serialize;

use crate::cli::Output;
use crate::cli::Verdict;
use crate::cli::args::ReplayArgs;
use crate::cli::records;
use crate::error::Result;
use crate::model::ActionClass;
use crate::model::RecordIx;
use crate::store::Store;
use crate::text;

/// A line of `hgview replay --backend none --json`: a call that would run. Names and meanings are stable; fields may be
/// added.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::cli) struct PlanRow<'a> {
    /// The record's name.
    id: &'a str,
    /// The record's place among all inputs, from 1; what `--nth` takes.
    nth: usize,
    /// The step, from 0.
    step: usize,
    /// The call's place in its step, from 0.
    call: usize,
    /// The tool's name, verbatim.
    tool: &'a str,
    /// What the call is for.
    class: ActionClass,
    /// The command, where it runs one.
    cmd: Option<&'a str>,
    /// The files that it shows or changes, as far as the call names them.
    files: Vec<&'a str>,
}

/// Lists the calls of the records. *No* when one could not be read.
pub(super) fn run(
    args: &ReplayArgs,
    store: &Store,
    order: &[RecordIx],
    output: &mut Output<'_>,
) -> Result<Verdict> {
    let mut verdict = Verdict::Yes;
    for ix in order {
        let trajectory = match store.load_once(*ix) {
            Ok(trajectory) => trajectory,
            Err(fault) => {
                verdict = Verdict::No;
                let words = fault.unread(&format!("record {}", ix.0 + 1));
                writeln!(output.err, "hgview: {}", text::clean_line(&words))?;
                continue;
            }
        };
        for (step, found) in trajectory.steps.iter().enumerate() {
            for (call, action) in found.actions.iter().enumerate() {
                let edited = action.edits.iter().map(|edit| edit.path.as_str());
                let viewed = action.view.as_ref().map(|view| view.path.as_str());
                let row = PlanRow {
                    id: &trajectory.id,
                    nth: ix.0 + 1,
                    step,
                    call,
                    tool: &action.tool,
                    class: action.class,
                    cmd: action.shell.as_ref().map(|shell| &*shell.cmd),
                    files: edited.chain(viewed).collect(),
                };
                print(&row, args.json, output)?;
            }
        }
    }
    output.out.flush()?;
    writeln!(output.err, "hgview: nothing was run: --backend none")?;
    Ok(verdict)
}

fn print(row: &PlanRow<'_>, as_json: bool, output: &mut Output<'_>) -> Result<()> {
    if as_json {
        return Ok(writeln!(output.out, "{}", records::to_json(row)?)?);
    }
    let what = row.cmd.map_or_else(|| row.files.join(" "), str::to_owned);
    let line = format!("{}@{} {}: {what}", row.id, row.step, row.tool);
    let line = text::clean_line(&line);
    let line = match output.terminal.width {
        Some(width) => text::clip(&line, width),
        None => line,
    };
    Ok(writeln!(output.out, "{}", line.trim_end())?)
}
