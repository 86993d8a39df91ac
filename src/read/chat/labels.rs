//! The columns around the messages of a data set's row: identity, outcome, patch, cost, task.
//!
//! Every column is optional and of any type; what has an unexpected type is left alone. A label that is neither yes nor
//! no (-1, null, a text) stays unknown.

use crate::model::Task;
use crate::model::Text;
use crate::model::Trajectory;
use crate::model::Value;
use crate::read::common;
use crate::read::json;

/// Columns that say whether the attempt solved its task, in the order of trust.
const RESOLVED: [&str; 7] = [
    "resolved",
    "is_resolved",
    "target",
    "verified",
    "correct",
    "success",
    "test_result.report.resolved",
];
/// Columns with the attempt's own patch. `patch` is one only where the row is no task row: there it is the right answer.
const PATCHES: [&str; 6] = [
    "model_patch",
    "generated_patch",
    "git_patch",
    "test_result.git_patch",
    "submission",
    "patch",
];
const RUN_IDS: [&str; 5] = ["run_id", "traj_id", "trajectory_id", "session_id", "id"];
const TASK_IDS: [&str; 4] = ["instance_id", "task_id", "instance", "problem_id"];
const MODELS: [&str; 5] = [
    "model",
    "model_name",
    "model_name_or_path",
    "metadata.model",
    "metadata.model_name",
];
const AGENTS: [&str; 4] = ["agent", "scaffold", "agent_name", "agent_class"];
const COSTS: [&str; 4] = ["cost", "instance_cost", "total_cost", "accumulated_cost"];
/// Columns that only task rows have.
const OF_TASK: [&str; 5] = [
    "problem_statement",
    "test_patch",
    "FAIL_TO_PASS",
    "func_body",
    "target_function_name",
];
/// Columns that make a task worth keeping.
const MAKES_TASK: [&str; 4] = ["repo", "base_commit", "module_name", "golden_code"];
/// Columns that are no part of a task.
const NOT_OF_TASK: [&str; 18] = [
    "resolved",
    "is_resolved",
    "target",
    "verified",
    "correct",
    "success",
    "test_result",
    "model_patch",
    "generated_patch",
    "git_patch",
    "submission",
    "exit_status",
    "eval_logs",
    "cost",
    "model",
    "model_name",
    "tools",
    "metrics",
];

/// Fills `trajectory` from the columns of `row`, taking them; what the trajectory knows already stays.
pub(in crate::read) fn fill(trajectory: &mut Trajectory, row: &mut Value) {
    decode_texts(row);
    let outcome = &mut trajectory.outcome;
    if outcome.resolved.is_none() {
        let label = RESOLVED
            .into_iter()
            .find_map(|key| Some((key, to_bool(at(row, key)?)?)));
        if let Some((key, resolved)) = label {
            outcome.resolved = Some(resolved);
            outcome.label_source = Some(key.to_owned());
        }
    }
    if outcome.reward.is_none() {
        outcome.reward = common::f64_at(row, "reward").or_else(|| common::f64_at(row, "score"));
    }
    let text = |keys: &[&str]| {
        let texts = keys.iter().filter_map(|key| at(row, key)?.as_str());
        texts
            .map(str::to_owned)
            .find(|text| !text.trim().is_empty())
    };
    outcome.exit_status = outcome
        .exit_status
        .take()
        .or_else(|| text(&["exit_status"]));
    outcome.error = outcome.error.take().or_else(|| text(&["error"]));
    trajectory.task_id = trajectory.task_id.take().or_else(|| text(&TASK_IDS));
    let run_id = text(&RUN_IDS).filter(|id| Some(id) != trajectory.task_id.as_ref());
    trajectory.run_id = trajectory.run_id.take().or(run_id);
    trajectory.model = trajectory.model.take().or_else(|| text(&MODELS));
    trajectory.agent = trajectory.agent.take().or_else(|| text(&AGENTS));
    if trajectory.totals.cost.is_none() {
        trajectory.totals.cost = COSTS.iter().find_map(|key| common::f64_at(row, key));
    }
    let is_task = OF_TASK.iter().any(|key| has(row, key));
    if trajectory.final_patch.is_none() {
        trajectory.final_patch = take_patch(row, is_task);
    }
    if trajectory.task.is_none() {
        trajectory.task = take_task(row, is_task);
    }
    let id = trajectory.task.as_ref().and_then(|task| task.id.clone());
    trajectory.task_id = trajectory.task_id.take().or(id);
}

/// The first patch that says something; an empty one where the row says that there is nothing in it.
fn take_patch(row: &mut Value, is_task: bool) -> Option<Text> {
    let mut empty = None;
    for key in PATCHES {
        if is_task && key == "patch" {
            continue;
        }
        match take_at(row, key) {
            Some(patch) if patch.trim().is_empty() => empty = Some(patch.into()),
            Some(patch) => return Some(patch.into()),
            None => {}
        }
    }
    empty
}

/// The task of a row: the instance it carries, or the row itself where it has the columns of one.
fn take_task(row: &mut Value, is_task: bool) -> Option<Task> {
    for key in ["instance", "task"] {
        if row.get(key).is_some_and(Value::is_object) {
            return Some(Task::from_instance(common::take(row, key)));
        }
    }
    if !is_task && !MAKES_TASK.iter().any(|key| has(row, key)) {
        return None;
    }
    let Value::Object(mut fields) = row.take() else {
        return None;
    };
    fields.retain(|key, field| {
        !field.is_null() && !NOT_OF_TASK.contains(&key.as_str()) && (is_task || key != "patch")
    });
    Some(Task::from_instance(Value::Object(fields)))
}

fn has(row: &Value, key: &str) -> bool {
    row.get(key).is_some_and(|field| !field.is_null())
}

/// Decodes the columns that tables store as JSON texts and that are looked into here.
fn decode_texts(row: &mut Value) {
    for key in ["test_result", "metadata", "instance"] {
        if let Some(field) = row.get_mut(key)
            && let Value::String(text) = field
        {
            *field = json::parse_embedded(std::mem::take(text));
        }
    }
}

/// The field under a path such as `test_result.git_patch`.
fn at<'a>(row: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(row, |value, key| value.get(key))
}

fn take_at(row: &mut Value, path: &str) -> Option<String> {
    let field = path
        .split('.')
        .try_fold(row, |value, key| value.get_mut(key))?;
    match field {
        Value::String(text) => Some(std::mem::take(text)),
        _ => None,
    }
}

/// Yes or no in the spellings of data sets: true, 1, "True"; anything else is unknown.
pub(in crate::read) fn to_bool(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(known) => Some(*known),
        Value::Number(number) => match number.as_f64()? {
            0.0 => Some(false),
            1.0 => Some(true),
            _ => None,
        },
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" => Some(true),
            "false" | "0" | "no" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::fill;
    use crate::model::Trajectory;

    #[track_caller]
    fn filled(row: &str) -> Trajectory {
        let mut trajectory = Trajectory::default();
        fill(&mut trajectory, &mut serde_json::from_str(row).unwrap());
        trajectory
    }

    #[track_caller]
    fn check_label(row: &str, want: Option<bool>) {
        assert_eq!(filled(row).outcome.resolved, want, "{row}");
    }

    #[test]
    fn labels_in_every_spelling() {
        check_label(r#"{"resolved": true}"#, Some(true));
        check_label(r#"{"resolved": 0}"#, Some(false));
        check_label(r#"{"resolved": 1.0}"#, Some(true));
        check_label(r#"{"resolved": -1}"#, None);
        check_label(r#"{"resolved": "True"}"#, Some(true));
        check_label(r#"{"resolved": null, "target": false}"#, Some(false));
        check_label(r#"{"verified": true}"#, Some(true));
        check_label(r#"{"target": "some text"}"#, None);
        check_label(
            r#"{"test_result": {"report": {"resolved": false}}}"#,
            Some(false),
        );
        check_label(
            r#"{"test_result": "{\"report\": {\"resolved\": true}}"}"#,
            Some(true),
        );
        check_label("{}", None);
        check_label("[]", None);
    }

    #[test]
    fn a_patch_beside_a_task_is_the_answer() {
        let of_attempt = filled(r#"{"instance_id": "a", "repo": "o/r", "patch": "P"}"#);
        assert_eq!(of_attempt.final_patch.as_deref(), Some("P"));
        let task = of_attempt.task.unwrap();
        assert_eq!((task.repo.as_deref(), task.gold_patch), (Some("o/r"), None));
        let of_task = filled(r#"{"problem_statement": "S", "patch": "G", "model_patch": "M"}"#);
        assert_eq!(of_task.final_patch.as_deref(), Some("M"));
        let task = of_task.task.unwrap();
        assert_eq!(
            (task.gold_patch.as_deref(), task.statement.as_deref()),
            (Some("G"), Some("S"))
        );
    }

    #[test]
    fn ids_models_and_costs() {
        let t = filled(
            r#"{"instance_id": "a", "id": "a", "model_name": "m", "cost": 1.5, "exit_status": "submitted"}"#,
        );
        assert_eq!(t.task_id.as_deref(), Some("a"));
        assert_eq!(t.run_id, None);
        assert_eq!(t.model.as_deref(), Some("m"));
        assert_eq!(t.totals.cost, Some(1.5));
        assert_eq!(t.outcome.exit_status.as_deref(), Some("submitted"));
        let t = filled(r#"{"id": "x", "model": {"name": 1}, "cost": "free"}"#);
        assert_eq!(
            (t.run_id.as_deref(), t.model, t.totals.cost),
            (Some("x"), None, None)
        );
    }
}
