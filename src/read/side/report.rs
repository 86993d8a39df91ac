//! Evaluation reports: SWE-bench run reports (schema 2 and SWE-smith's `ids_resolved`), instance reports with and
//! without the id around them, the `OpenHands` index `{id: {cost, resolved}}`, pytest-json-report of Commit-0 folders,
//! and legacy terminal-bench `results.json`.
//!
//! Only `resolved` is trusted: `patch_successfully_applied: false` occurs beside `resolved: true`.

use crate::model::Fault;
use crate::model::Format;
use crate::model::Note;
use crate::model::Tokens;
use crate::model::Trajectory;
use crate::model::Value;
use crate::read::Doc;
use crate::read::Layout;
use crate::read::Probe;
use crate::read::Shape;
use crate::read::common;
use crate::read::side;

/// Tells a report. A run report is one record: it has many ids, of which [`ids_of_run`] makes rows for joining.
pub(super) fn sniff(probe: &Probe<'_>) -> Option<Layout> {
    let first = probe.values.first()?;
    if side::has_run(first) {
        return None;
    }
    match probe.shape {
        Shape::Events | Shape::Table => None,
        Shape::Object if kind_of(first).is_some() => Some(Layout::Whole),
        Shape::Object => side::is_keyed(first, is_keyed_body).then_some(Layout::Keyed),
        Shape::Lines | Shape::Array => kind_of(first).is_some().then_some(Layout::Rows),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Run,
    Instance,
    Pytest,
    TerminalBench,
}

fn kind_of(value: &Value) -> Option<Kind> {
    let has = |key: &str| value.get(key).is_some();
    let is_array = |key: &str| value.get(key).is_some_and(Value::is_array);
    if is_array("resolved_ids") || is_array("ids_resolved") {
        Some(Kind::Run)
    } else if is_instance_body(value) {
        Some(Kind::Instance)
    } else if has("exitcode")
        && has("created")
        && value.get("summary").is_some_and(Value::is_object)
    {
        Some(Kind::Pytest)
    } else if has("is_resolved") && (has("trial_name") || has("task_id")) {
        Some(Kind::TerminalBench)
    } else {
        None
    }
}

fn is_instance_body(value: &Value) -> bool {
    let has = |key: &str| value.get(key).is_some();
    value.get("tests_status").is_some_and(Value::is_object)
        || (has("patch_exists") && (has("resolved") || has("patch_is_None")))
}

fn is_keyed_body(value: &Value) -> bool {
    let is_label = |field: &Value| field.is_boolean() || field.is_null();
    is_instance_body(value)
        || (value.get("resolved").is_some_and(is_label) && !side::has_run(value))
}

/// Builds a record without steps.
pub(super) fn parse(mut doc: Doc) -> Result<Trajectory, Fault> {
    let key = side::key_of(&doc);
    let folder = side::folder_name(&doc);
    let start = side::start_of(&doc);
    let value = doc.take_value();
    match kind_of(&value) {
        Some(Kind::Run) => Ok(run(&mut doc, &value)),
        Some(Kind::Pytest) => Ok(pytest(&mut doc, &value, folder)),
        Some(Kind::TerminalBench) => Ok(terminal_bench(&mut doc, value)),
        Some(Kind::Instance) => {
            let id = common::str_at(&value, "instance_id").map(str::to_owned);
            Ok(instance(&mut doc, &value, id.or(key).or(folder)))
        }
        None if key.is_some() && value.is_object() => Ok(index_row(&mut doc, &value, key)),
        None => Err(Fault::at("no known layout of an evaluation report", start)),
    }
}

/// The ids that a run report resolves and those it says it does not; empty for other values. Ids that were never
/// submitted are in neither: no report is no verdict.
pub(super) fn ids_of_run(value: &Value) -> Vec<(&str, bool)> {
    const RESOLVED: [&str; 2] = ["resolved_ids", "ids_resolved"];
    const UNRESOLVED: [&str; 4] = [
        "unresolved_ids",
        "ids_unresolved",
        "empty_patch_ids",
        "error_ids",
    ];
    let ids = |keys: &[&str], label: bool| {
        keys.iter()
            .filter_map(|key| value.get(*key)?.as_array())
            .flatten()
            .filter_map(Value::as_str)
            .map(|id| (id, label))
            .collect::<Vec<_>>()
    };
    let mut all = ids(&RESOLVED, true);
    all.extend(ids(&UNRESOLVED, false));
    all
}

fn run(doc: &mut Doc, value: &Value) -> Trajectory {
    let variant = if value.get("ids_resolved").is_some() {
        "run-swesmith"
    } else {
        "run"
    };
    let mut trajectory = doc.begin(Format::Report, variant);
    let ids = ids_of_run(value);
    let resolved = ids.iter().filter(|(_, is_resolved)| *is_resolved).count();
    let what = format!("{resolved} of {} judged instances resolved", ids.len());
    trajectory.notes.push(Note::new(what));
    trajectory
}

fn instance(doc: &mut Doc, value: &Value, id: Option<String>) -> Trajectory {
    let mut trajectory = doc.begin(Format::Report, "instance");
    trajectory.task_id = id;
    label(&mut trajectory, value, "resolved");
    trajectory.totals.cost = common::f64_at(value, "cost");
    let groups = value.get("tests_status").and_then(Value::as_object);
    for (group, lists) in groups.into_iter().flatten() {
        let count = |key: &str| lists.get(key).and_then(Value::as_array).map(Vec::len);
        if let (Some(passed), Some(failed)) = (count("success"), count("failure")) {
            let what = format!("{group}: {passed} of {} pass", passed + failed);
            trajectory.notes.push(Note::new(what));
        }
    }
    trajectory
}

fn index_row(doc: &mut Doc, value: &Value, id: Option<String>) -> Trajectory {
    let mut trajectory = doc.begin(Format::Report, "index");
    trajectory.task_id = id;
    label(&mut trajectory, value, "resolved");
    trajectory.totals.cost = common::f64_at(value, "cost");
    trajectory
}

/// Commit-0's test run. The share of passed tests is no reward: modules that fail to import are in no count (the
/// corpus has `passed 1, total 1` beside import errors). Exit code 0 is all passed, 1 is some failed; the others
/// (interrupted, internal error, usage, nothing collected) judge nothing.
fn pytest(doc: &mut Doc, value: &Value, id: Option<String>) -> Trajectory {
    let mut trajectory = doc.begin(Format::Report, "pytest");
    trajectory.task_id = id;
    if let Some(code) = value.get("exitcode").and_then(Value::as_i64) {
        trajectory.outcome.exit_status = Some(format!("pytest exit {code}"));
        trajectory.outcome.resolved = match code {
            0 => Some(true),
            1 => Some(false),
            _ => None,
        };
    }
    if trajectory.outcome.resolved.is_some() {
        trajectory.outcome.label_source = Some("exitcode".to_owned());
    }
    let counts = value.get("summary").and_then(Value::as_object);
    for (name, count) in counts.into_iter().flatten() {
        trajectory.notes.push(Note::new(format!("{name}: {count}")));
    }
    trajectory
}

fn terminal_bench(doc: &mut Doc, mut value: Value) -> Trajectory {
    let mut trajectory = doc.begin(Format::Report, "terminal-bench");
    label(&mut trajectory, &value, "is_resolved");
    trajectory.task_id = common::take_str(&mut value, "task_id");
    trajectory.run_id = common::take_str(&mut value, "trial_name");
    trajectory.instruction = common::take_text(&mut value, "instruction");
    trajectory.outcome.exit_status = common::take_str(&mut value, "failure_mode")
        .filter(|mode| !mode.is_empty() && mode != "unset");
    // agents that do not report their usage leave both at 0
    let count = |key: &str| common::u64_at(&value, key).filter(|n| *n > 0);
    trajectory.totals.tokens = Tokens {
        input: count("total_input_tokens"),
        output: count("total_output_tokens"),
        ..Tokens::default()
    };
    let tests = value.get("parser_results").and_then(Value::as_object);
    for (name, result) in tests.into_iter().flatten() {
        let result = result.as_str().unwrap_or("unknown");
        trajectory
            .notes
            .push(Note::new(format!("{name}: {result}")));
    }
    trajectory
}

fn label(trajectory: &mut Trajectory, value: &Value, key: &str) {
    trajectory.outcome.resolved = value.get(key).and_then(Value::as_bool);
    if trajectory.outcome.resolved.is_some() {
        trajectory.outcome.label_source = Some(key.to_owned());
    }
}
