//! Predictions: `{instance_id, model_name_or_path, model_patch}` as JSONL, array or object keyed by id; Multi-SWE
//! `{org, repo, number, fix_patch}`; and `prediction` with a fenced diff. Patches stay as they are, CRLF included.

use crate::model::Fault;
use crate::model::Format;
use crate::model::Text;
use crate::model::Trajectory;
use crate::model::Value;
use crate::read::Doc;
use crate::read::common;
use crate::read::side;

const PATCH_KEYS: [&str; 3] = ["model_patch", "fix_patch", "prediction"];

/// Whether the row names an instance and holds a patch for it.
pub(super) fn is_prediction(row: &Value) -> bool {
    let is_named = row.get("instance_id").is_some_and(Value::is_string)
        || (row.get("org").is_some() && row.get("repo").is_some() && row.get("number").is_some());
    is_named && !side::has_run(row) && PATCH_KEYS.into_iter().any(|key| row.get(key).is_some())
}

/// Whether the member of an object keyed by id holds a patch.
pub(super) fn is_keyed_body(member: &Value) -> bool {
    !side::has_run(member)
        && ["model_patch", "fix_patch"]
            .into_iter()
            .any(|key| member.get(key).is_some())
}

/// Builds a record without steps.
pub(super) fn parse(mut doc: Doc) -> Result<Trajectory, Fault> {
    let key = side::key_of(&doc);
    let start = side::start_of(&doc);
    let mut row = doc.take_value();
    let is_body = key.is_some() && is_keyed_body(&row);
    if !is_body && !is_prediction(&row) {
        return Err(Fault::at(
            "no prediction: instance or patch is missing",
            start,
        ));
    }
    let variant = if row.get("fix_patch").is_some() {
        "multi-swe"
    } else if key.is_some() {
        "keyed"
    } else {
        "rows"
    };
    let mut trajectory = doc.begin(Format::Prediction, variant);
    trajectory.task_id = common::take_str(&mut row, "instance_id")
        .or_else(|| multi_swe_id(&row))
        .or(key);
    trajectory.model = ["model_name_or_path", "model_name"]
        .into_iter()
        .find_map(|key| common::take_str(&mut row, key));
    trajectory.outcome.resolved = row.get("resolved").and_then(Value::as_bool);
    if trajectory.outcome.resolved.is_some() {
        trajectory.outcome.label_source = Some("resolved".to_owned());
    }
    trajectory.final_patch = ["model_patch", "fix_patch"]
        .into_iter()
        .find_map(|key| common::take_text(&mut row, key))
        .or_else(|| common::take_text(&mut row, "prediction").map(|text| unfenced(&text)));
    Ok(trajectory)
}

/// Multi-SWE-bench ids: `org__repo-number`.
fn multi_swe_id(row: &Value) -> Option<String> {
    let org = common::str_at(row, "org")?;
    let repo = common::str_at(row, "repo")?;
    let number = match row.get("number")? {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    Some(format!("{org}__{repo}-{number}"))
}

/// The text between the first fence and the next one; all of it when there is no fence.
fn unfenced(text: &Text) -> Text {
    let Some((_, rest)) = text.split_once("```") else {
        return text.clone();
    };
    let Some((_, body)) = rest.split_once('\n') else {
        return text.clone();
    };
    body.split_once("\n```")
        .map_or_else(|| body.into(), |(body, _)| format!("{body}\n").into())
}
