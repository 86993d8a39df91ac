//! Verdicts about trajectories: JSONL rows `{instance_id, <criterion>: bool…, notes}`, and `*_failure_ids.json`.
//!
//! A row decides `resolved` only where it has a field that says so ([`LABELS`]). Rows that hold nothing but criteria
//! (`broad_then_narrow`, `read_after_narrowing`, …: a real Hybrid-Gym file) tell how the agent worked, not whether
//! it succeeded; taking all of them together for a success would be a guess. They are kept as notes.

use crate::model::Fault;
use crate::model::Format;
use crate::model::Note;
use crate::model::Trajectory;
use crate::model::Value;
use crate::read::Doc;
use crate::read::Layout;
use crate::read::Probe;
use crate::read::Shape;
use crate::read::common;
use crate::read::side;

/// Fields that are the verdict itself, in order of preference.
const LABELS: [&str; 9] = [
    "resolved",
    "success",
    "full_success",
    "correct",
    "is_correct",
    "is_resolved",
    "passed",
    "accepted",
    "accept",
];

/// Tells verdict rows, and arrays of instance ids.
pub(super) fn sniff(probe: &Probe<'_>) -> Option<Layout> {
    let first = probe.values.first()?;
    match probe.shape {
        Shape::Events => None,
        Shape::Object if first.is_string() => is_id(first).then_some(Layout::Whole),
        Shape::Object => is_verdict(first).then_some(Layout::Whole),
        Shape::Array if probe.values.iter().all(is_id) => Some(Layout::Rows),
        Shape::Lines | Shape::Array | Shape::Table => is_verdict(first).then_some(Layout::Rows),
    }
}

fn is_verdict(value: &Value) -> bool {
    value.get("instance_id").is_some_and(Value::is_string)
        && !side::has_run(value)
        && (label_of(value).is_some()
            || value
                .as_object()
                .is_some_and(|fields| fields.values().any(Value::is_boolean)))
}

/// Whether the value is a string that looks like `owner__name-number` rather than any word.
fn is_id(value: &Value) -> bool {
    value.as_str().is_some_and(|text| {
        text.len() < 256 && text.contains("__") && !text.contains(char::is_whitespace)
    })
}

fn label_of(value: &Value) -> Option<(&'static str, bool)> {
    let direct = LABELS
        .into_iter()
        .find_map(|key| Some((key, value.get(key)?.as_bool()?)));
    let nested = || {
        let success = value.get("eval_result")?.get("success")?.as_bool()?;
        Some(("eval_result.success", success))
    };
    direct.or_else(nested)
}

/// Builds a record without steps.
pub(super) fn parse(mut doc: Doc) -> Result<Trajectory, Fault> {
    let start = side::start_of(&doc);
    let mut row = doc.take_value();
    if let Value::String(id) = row {
        return Ok(failed_id(&mut doc, id));
    }
    if !is_verdict(&row) {
        return Err(Fault::at(
            "no verdict: instance or criteria are missing",
            start,
        ));
    }
    let label = label_of(&row);
    let variant = if label.is_some() { "label" } else { "criteria" };
    let mut trajectory = doc.begin(Format::Verdict, variant);
    trajectory.task_id = common::take_str(&mut row, "instance_id");
    trajectory.outcome.resolved = label.map(|(_, is_resolved)| is_resolved);
    trajectory.outcome.label_source = label.map(|(key, _)| key.to_owned());
    trajectory.outcome.reward = ["reward", "score"]
        .into_iter()
        .find_map(|key| common::f64_at(&row, key));
    trajectory.outcome.error = common::take_str(&mut row, "error").filter(|e| !e.is_empty());
    for (name, field) in row.as_object().into_iter().flatten() {
        if let Some(holds) = field.as_bool() {
            let word = if holds { "yes" } else { "no" };
            trajectory.notes.push(Note::new(format!("{name}: {word}")));
        }
    }
    for key in ["notes", "reason"] {
        if let Some(text) = common::str_at(&row, key).filter(|text| !text.is_empty()) {
            trajectory.notes.push(Note::new(text));
        }
    }
    Ok(trajectory)
}

/// A bare id says something only through the name of its file.
fn failed_id(doc: &mut Doc, id: String) -> Trajectory {
    let is_failure = doc
        .source
        .path
        .file_name()
        .is_some_and(|name| name.to_string_lossy().contains("failure_ids"));
    let mut trajectory = doc.begin(Format::Verdict, "ids");
    trajectory.task_id = Some(id);
    if is_failure {
        trajectory.outcome.resolved = Some(false);
        trajectory.outcome.label_source = Some("failure_ids".to_owned());
    }
    trajectory
}
