//! What evaluation rows of both `OpenHands` generations say around their events: task, model, patch, outcome.
//!
//! Every field is optional, and strings are taken out of the row. Knows no events.

use crate::model::Outcome;
use crate::model::Task;
use crate::model::TaskKind;
use crate::model::Text;
use crate::model::Trajectory;
use crate::model::Value;
use crate::read::common::f64_at;
use crate::read::common::str_at;
use crate::read::common::take;
use crate::read::common::take_str;
use crate::read::common::take_text;
use crate::read::common::u64_at;
use crate::read::openhands_v0::usage::Usage;

/// Fills what the row says about the run as a whole. Steps have to be there already: costs are given to them.
pub(in crate::read) fn fill(trajectory: &mut Trajectory, row: &mut Value) {
    trajectory.outcome = Outcome {
        exit_status: trajectory.outcome.exit_status.take(),
        ..outcome_of(row)
    };
    let mut usage = Usage::default();
    if let Some(metrics) = row.get("metrics") {
        usage.absorb(metrics);
    }
    usage.spend(trajectory);
    trajectory.instruction = take_text(row, "instruction");
    trajectory.task_id = ["instance_id", "question_id", "id"]
        .into_iter()
        .find_map(|key| id_text(row.get(key)?));
    trajectory.attempt = u64_at(row, "attempt");
    if trajectory.run_id.is_none() {
        trajectory.run_id = row.get("attempt").and_then(id_text);
    }
    if let Some(metadata) = row.get("metadata") {
        fill_run(trajectory, metadata);
    }
    if trajectory.model.is_none() {
        trajectory.model = str_at(row, "model_id").map(str::to_owned);
    }
    if trajectory.is_rollout()
        && let Some(ended) = take_str(row, "ended_by")
    {
        trajectory.outcome.exit_status = Some(ended);
    }
    fill_task(trajectory, row);
    if let Some(result) = row.get_mut("test_result") {
        trajectory.final_patch = take_text(result, "git_patch");
        trajectory.answer = take_text(result, "generated_function");
    }
    if trajectory.final_patch.is_none() {
        trajectory.final_patch = take_text(row, "git_patch");
    }
    if trajectory.finish.is_none() {
        trajectory.finish = take_text(row, "final_message");
    }
}

/// Fills model and agent from the run's metadata of either generation, where the events did not say.
pub(in crate::read) fn fill_run(trajectory: &mut Trajectory, metadata: &Value) {
    if trajectory.model.is_none() {
        let of_llm = ["llm_config", "llm"]
            .into_iter()
            .find_map(|key| str_at(metadata.get(key)?, "model"));
        let model = of_llm
            .or_else(|| str_at(metadata, "model_name"))
            .or_else(|| str_at(metadata, "llm_model"));
        trajectory.model = model.map(str::to_owned);
    }
    if trajectory.agent.is_none() {
        let version = str_at(metadata, "openhands_sdk_version");
        let agent = str_at(metadata, "agent_class").or_else(|| str_at(metadata, "agent_type"));
        trajectory.agent = named(agent, version);
    }
}

/// Joins an agent's name and version as far as they are known.
pub(in crate::read) fn named(agent: Option<&str>, version: Option<&str>) -> Option<String> {
    let words: Vec<&str> = [agent, version]
        .into_iter()
        .flatten()
        .filter(|word| !word.is_empty())
        .collect();
    (!words.is_empty()).then(|| words.join(" "))
}

fn fill_task(trajectory: &mut Trajectory, row: &mut Value) {
    let kind = told_kind(row);
    let instance = take(row, "instance");
    let issue = take(row, "issue");
    let mut task = if instance.is_object() {
        Some(Task::from_instance(instance))
    } else if issue.is_object() {
        let task = task_of_issue(&issue, row);
        trajectory.task_id = trajectory.task_id.take().or_else(|| task.id.clone());
        Some(task)
    } else {
        kind.map(|kind| Task {
            kind,
            ..Task::default()
        })
    };
    if let (Some(task), Some(kind)) = (&mut task, kind)
        && matches!(task.kind, TaskKind::Other | TaskKind::Issue)
    {
        task.kind = kind;
    }
    trajectory.task = task;
}

/// The resolver's row tells of a GitHub issue rather than of an instance.
fn task_of_issue(issue: &Value, row: &Value) -> Task {
    let repo = match (str_at(issue, "owner"), str_at(issue, "repo")) {
        (Some(owner), Some(repo)) => Some(format!("{owner}/{repo}")),
        _ => None,
    };
    let id = match (&repo, u64_at(issue, "number")) {
        (Some(repo), Some(number)) => Some(format!("{repo}#{number}")),
        _ => None,
    };
    let said: Vec<&str> = [str_at(issue, "title"), str_at(issue, "body")]
        .into_iter()
        .flatten()
        .filter(|text| !text.is_empty())
        .collect();
    Task {
        id,
        kind: TaskKind::Issue,
        repo,
        base_commit: str_at(row, "base_commit")
            .filter(|commit| !commit.is_empty())
            .map(str::to_owned),
        statement: (!said.is_empty()).then(|| Text::from(said.join("\n\n"))),
        ..Task::default()
    }
}

/// The kind of task as the run's data set or mode names it; instances of SWT-bench look like those of SWE-bench.
fn told_kind(row: &Value) -> Option<TaskKind> {
    let metadata = row.get("metadata")?;
    let details = metadata.get("details");
    let names = [
        details.and_then(|d| str_at(d, "mode")),
        str_at(metadata, "dataset"),
        details.and_then(|d| str_at(d, "dataset")),
    ];
    names.into_iter().flatten().find_map(kind_named)
}

fn kind_named(name: &str) -> Option<TaskKind> {
    let plain: String = name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    let is_swt = name
        .split(|c: char| !c.is_ascii_alphanumeric())
        .any(|word| word.eq_ignore_ascii_case("swt"))
        || plain.contains("swtbench");
    if is_swt {
        return Some(TaskKind::TestGen);
    }
    [
        ("commit0", TaskKind::Library),
        ("funclocalize", TaskKind::FuncLocalize),
        ("depsearch", TaskKind::DepSearch),
        ("issuelocalize", TaskKind::IssueLocalize),
        ("funcgen", TaskKind::FuncGen),
        ("swebench", TaskKind::Issue),
        ("swegym", TaskKind::Issue),
    ]
    .into_iter()
    .find_map(|(word, kind)| plain.contains(word).then_some(kind))
}

/// The labels a row may carry, in the order in which they count: the automatic filter's first.
const LABELS: [(&str, &str); 9] = [
    ("eval_result.success", "/eval_result/success"),
    ("success", "/success"),
    (
        "test_result.report.resolved",
        "/test_result/report/resolved",
    ),
    ("test_result.resolved", "/test_result/resolved"),
    ("report.resolved", "/report/resolved"),
    ("resolved", "/resolved"),
    ("correct", "/correct"),
    ("test_result.result", "/test_result/result"),
    ("test_result.success", "/test_result/success"),
];

fn outcome_of(row: &mut Value) -> Outcome {
    let mut outcome = Outcome {
        error: error_of(row),
        ..Outcome::default()
    };
    let label = LABELS.into_iter().find_map(|(name, pointer)| {
        let resolved = row.pointer(pointer)?.as_bool()?;
        Some((name, resolved))
    });
    if let Some((name, resolved)) = label {
        outcome.resolved = Some(resolved);
        outcome.label_source = Some(name.to_owned());
    }
    if let Some(tests) = row.pointer("/test_result/eval_result")
        && let (Some(passed), Some(all)) = (u64_at(tests, "num_passed"), u64_at(tests, "num_tests"))
    {
        if outcome.resolved.is_none() {
            outcome.resolved = Some(all > 0 && passed >= all);
            outcome.label_source = Some("test_result.eval_result".to_owned());
        }
        outcome.reward = f64_at(tests, "passed").filter(|rate| (0.0..=1.0).contains(rate));
    }
    outcome
}

fn error_of(row: &mut Value) -> Option<String> {
    match row.get("error")? {
        Value::Null => None,
        Value::String(_) => take_str(row, "error").filter(|error| !error.is_empty()),
        other => Some(other.to_string()),
    }
}

/// An id is a text or a number; anything else is none.
fn id_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn outcome(mut row: Value, resolved: Option<bool>, source: Option<&str>, error: Option<&str>) {
        let shown = row.to_string();
        let outcome = outcome_of(&mut row);
        assert_eq!(outcome.resolved, resolved, "{shown}");
        assert_eq!(outcome.label_source.as_deref(), source, "{shown}");
        assert_eq!(outcome.error.as_deref(), error, "{shown}");
    }

    #[test]
    fn labels_come_from_where_they_are_said() {
        outcome(json!({}), None, None, None);
        outcome(
            json!({"error": "", "test_result": {"git_patch": ""}}),
            None,
            None,
            None,
        );
        outcome(json!({"error": {"a": 1}}), None, None, Some(r#"{"a":1}"#));
        outcome(
            json!({"eval_result": {"success": false}, "resolved": true, "error": "x"}),
            Some(false),
            Some("eval_result.success"),
            Some("x"),
        );
        outcome(
            json!({"success": null, "test_result": {"report": {"resolved": true}}}),
            Some(true),
            Some("test_result.report.resolved"),
            None,
        );
        let commit0 = |passed: u64| json!({"test_result": {"eval_result": {"num_passed": passed, "num_tests": 3, "passed": 0.5}}});
        outcome(
            commit0(3),
            Some(true),
            Some("test_result.eval_result"),
            None,
        );
        outcome(
            commit0(2),
            Some(false),
            Some("test_result.eval_result"),
            None,
        );
        outcome(json!({"correct": "yes"}), None, None, None);
    }

    #[track_caller]
    fn kind(row: Value, want: Option<TaskKind>) {
        let shown = row.to_string();
        let mut trajectory = Trajectory::default();
        let mut row = row;
        fill(&mut trajectory, &mut row);
        assert_eq!(trajectory.task.map(|task| task.kind), want, "{shown}");
    }

    #[test]
    fn the_run_tells_the_kind_where_the_instance_cannot() {
        let dataset = |name: &str| json!({"dataset": name});
        kind(json!({"metadata": dataset("other")}), None);
        kind(
            json!({"metadata": dataset("wentingzhao/commit0_combined")}),
            Some(TaskKind::Library),
        );
        let issue = json!({"problem_statement": "x", "FAIL_TO_PASS": []});
        kind(
            json!({"instance": issue, "metadata": {"dataset": "SWE-bench_Verified", "details": {"mode": "swt"}}}),
            Some(TaskKind::TestGen),
        );
        kind(
            json!({"instance": issue, "metadata": {"details": {"mode": "swe"}}}),
            Some(TaskKind::Issue),
        );
        let search = json!({"target_function_name": "f", "dependencies": []});
        kind(
            json!({"instance": search, "metadata": dataset("commit0")}),
            Some(TaskKind::DepSearch),
        );
        kind(json!({"issue": {"title": "t"}}), Some(TaskKind::Issue));
    }

    #[test]
    fn a_row_names_its_parts() {
        let mut row = json!({
            "instance_id": "a__b-1", "attempt": 2, "instruction": "do",
            "metadata": {"llm": {"model": "m"}, "agent_type": "default", "openhands_sdk_version": "1.2"},
            "test_result": {"git_patch": "p", "generated_function": "def f(): pass"},
            "metrics": {"accumulated_cost": 0.5},
        });
        let mut t = Trajectory::default();
        fill(&mut t, &mut row);
        assert_eq!(t.task_id.as_deref(), Some("a__b-1"));
        assert_eq!((t.run_id.as_deref(), t.attempt), (Some("2"), Some(2)));
        assert_eq!(t.model.as_deref(), Some("m"));
        assert_eq!(t.agent.as_deref(), Some("default 1.2"));
        assert_eq!(t.final_patch.as_deref(), Some("p"));
        assert_eq!(t.answer.as_deref(), Some("def f(): pass"));
        assert_eq!(t.totals.cost, Some(0.5));
    }
}
