//! ATIF trajectories: Harbor's converters and agents (versions 1.0 to 1.8), and third parties who write nearly the same.
//!
//! One object, or JSON lines with a header line and a step each. Steps map directly; what needs care is pairing results
//! with calls (by id wherever in the run, else by position within the step), steps copied from an earlier run (context,
//! not counted), and other trajectories: inline, in files beside this one, or steps marked as a side chain.
//! Schema: `harbor.models.trajectories` of harbor 0.24.0. Must not know where siblings come from.

mod children;
mod outcome;
mod step;

use crate::model::Fault;
use crate::model::Format;
use crate::model::Span;
use crate::model::Trajectory;
use crate::model::Value;
use crate::read::Doc;
use crate::read::Layout;
use crate::read::Probe;
use crate::read::Reader;
use crate::read::Shape;
use crate::read::common::str_at;
use crate::read::common::take;
use crate::read::common::take_array;

pub(super) const READER: Reader = Reader {
    format: Format::Atif,
    sniff,
    parse,
    head: None,
    sketch: None,
};

fn sniff(probe: &Probe<'_>) -> Option<Layout> {
    let first = probe.values.first()?;
    if is_stream_header(first) {
        return (probe.shape != Shape::Table).then_some(Layout::Session);
    }
    if !is_trajectory(first) {
        return None;
    }
    Some(match probe.shape {
        Shape::Object => Layout::Whole,
        _ => Layout::Rows,
    })
}

fn is_stream_header(value: &Value) -> bool {
    let is_header = value.get("__header__").and_then(Value::as_bool) == Some(true);
    is_header && (value.get("agent").is_some_and(Value::is_object) || has_schema(value))
}

fn has_schema(value: &Value) -> bool {
    str_at(value, "schema_version").is_some_and(|version| version.starts_with("ATIF"))
}

fn is_trajectory(value: &Value) -> bool {
    let Some(steps) = value.get("steps").and_then(Value::as_array) else {
        return false;
    };
    let looks_like_step =
        |step: &Value| step.get("step_id").is_some() && str_at(step, "source").is_some();
    has_schema(value)
        || (value.get("agent").is_some_and(Value::is_object)
            && steps.first().is_some_and(looks_like_step))
}

/// A step with the bytes of its line, where steps are lines.
struct RawStep {
    value: Value,
    span: Option<Span>,
}

fn parse(mut doc: Doc) -> Result<Trajectory, Fault> {
    let mut rows = std::mem::take(&mut doc.rows).into_iter();
    let Some(first) = rows.next() else {
        return Err(Fault::new("empty: no ATIF object"));
    };
    let start = first.span.start;
    let mut head = first.value;
    let is_stream =
        is_stream_header(&head) || (head.get("steps").is_none() && head.get("step_id").is_some());
    let mut steps: Vec<RawStep> = take_array(&mut head, "steps")
        .into_iter()
        .map(|value| RawStep { value, span: None })
        .collect();
    if is_stream {
        if head.get("step_id").is_some() {
            steps.push(RawStep {
                value: std::mem::take(&mut head),
                span: Some(first.span),
            });
        }
        steps.extend(rows.map(|row| RawStep {
            value: row.value,
            span: Some(row.span),
        }));
    }
    if !head.is_object() && steps.is_empty() {
        return Err(Fault::at("an ATIF object was expected", start));
    }
    let siblings = std::mem::take(&mut doc.siblings);
    let mut trajectory = doc.begin(Format::Atif, &variant(&head, is_stream));
    let mut files = children::Files::new(siblings);
    build(&mut trajectory, head, steps, &mut files, 0);
    files.leave_rest(&mut trajectory);
    outcome::join_side_files(&mut trajectory, files.take_meta());
    Ok(trajectory)
}

/// The schema's version; `stream` behind it for JSON lines.
fn variant(head: &Value, is_stream: bool) -> String {
    let version = str_at(head, "schema_version").unwrap_or("unversioned");
    let version = version
        .trim_start_matches("ATIF-v")
        .trim_start_matches("ATIF");
    if is_stream {
        format!("{version} stream")
    } else {
        version.to_owned()
    }
}

/// Fills `trajectory` from an ATIF object whose steps have been taken out. `depth` counts trajectories around it.
fn build(
    trajectory: &mut Trajectory,
    mut head: Value,
    steps: Vec<RawStep>,
    files: &mut children::Files,
    depth: usize,
) {
    let id = |key: &str| str_at(&head, key).map(str::to_owned);
    trajectory.run_id = id("session_id").or_else(|| id("trajectory_id"));
    if let Some(agent) = head.get("agent") {
        trajectory.agent = agent_name(agent);
        trajectory.model = ["model_name", "model"]
            .into_iter()
            .find_map(|key| str_at(agent, key))
            .map(str::to_owned);
    }
    files.offer_inline(take_array(&mut head, "subagent_trajectories"));
    let built = step::build_all(steps);
    trajectory.steps = built.steps;
    if trajectory.model.is_none() {
        trajectory.model = built.model;
    }
    if let Some(text) = head.pointer("/extra/instruction").and_then(Value::as_str) {
        trajectory.instruction = Some(text.into());
    }
    outcome::read_totals(trajectory, &take(&mut head, "final_metrics"));
    outcome::read_extra(trajectory, head.get("extra"));
    for reference in built.references {
        files.resolve(trajectory, reference, depth);
    }
    children::add_side_chains(trajectory, built.side_chains);
    files.resolve_continuation(
        trajectory,
        &take(&mut head, "continued_trajectory_ref"),
        depth,
    );
}

fn agent_name(agent: &Value) -> Option<String> {
    let name = str_at(agent, "name")?;
    Some(match str_at(agent, "version") {
        Some(version) if !version.is_empty() => format!("{name} {version}"),
        _ => name.to_owned(),
    })
}

#[cfg(test)]
mod tests;
