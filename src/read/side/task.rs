//! Task rows: SWE-bench and its kin, Hybrid-Gym instances, localisation rows, and the raw pull requests from which
//! SWE-bench tasks are collected.

use std::sync::Arc;

use crate::model::Fault;
use crate::model::Format;
use crate::model::Task;
use crate::model::TaskKind;
use crate::model::Trajectory;
use crate::model::Value;
use crate::read::Doc;
use crate::read::common;
use crate::read::side;
use crate::read::side::prediction;

/// Whether the value states a task and holds no attempt at it.
pub(super) fn is_task(value: &Value) -> bool {
    let has = |key: &str| value.get(key).is_some_and(|field| !field.is_null());
    if !value.is_object() || side::has_run(value) || prediction::is_keyed_body(value) {
        return false;
    }
    let is_named = has("instance_id") || has("repo");
    has("FAIL_TO_PASS")
        || (has("problem_statement") && is_named)
        || (has("base_commit") && is_named)
        || (has("instance_id") && TaskKind::of_instance(value) != TaskKind::Other)
        || is_pull_request(value)
}

fn is_pull_request(value: &Value) -> bool {
    value.get("diff_url").is_some()
        && value.get("number").is_some()
        && value.get("base").is_some_and(Value::is_object)
}

/// Builds a record without steps.
pub(super) fn parse(mut doc: Doc) -> Result<Trajectory, Fault> {
    let key = side::key_of(&doc);
    let start = side::start_of(&doc);
    let row = doc.take_value();
    if !is_task(&row) {
        return Err(Fault::at("no task: none of its fields is there", start));
    }
    let is_pull = is_pull_request(&row);
    let mut task = if is_pull {
        pull_request(row)
    } else {
        Task::from_instance(row)
    };
    if task.id.is_none() {
        task.id = key;
    }
    let variant = if is_pull {
        "pull-request"
    } else {
        task.kind.name()
    };
    let mut trajectory = doc.begin(Format::Task, variant);
    trajectory.task_id.clone_from(&task.id);
    trajectory.instruction.clone_from(&task.statement);
    trajectory.task = Some(task);
    Ok(trajectory)
}

/// SWE-bench names the task of a pull request `owner__name-number`.
fn pull_request(row: Value) -> Task {
    let base = row.get("base");
    let repo = base
        .and_then(|base| common::str_at(base.get("repo")?, "full_name"))
        .map(str::to_owned);
    let number = row.get("number").map(ToString::to_string);
    let id = repo
        .as_deref()
        .zip(number)
        .map(|(repo, number)| format!("{}-{number}", repo.replace('/', "__")));
    let texts = [common::str_at(&row, "title"), common::str_at(&row, "body")];
    let statement: Vec<&str> = texts
        .into_iter()
        .flatten()
        .filter(|text| !text.is_empty())
        .collect();
    Task {
        id,
        kind: TaskKind::Other,
        base_commit: base
            .and_then(|base| common::str_at(base, "sha"))
            .map(str::to_owned),
        statement: (!statement.is_empty()).then(|| statement.join("\n\n").into()),
        gold_patch: None,
        repo,
        instance: Some(Arc::new(row)),
    }
}
