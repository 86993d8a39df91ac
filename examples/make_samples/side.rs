//! Files about trajectories: reports, predictions, tasks, verdicts.

use serde_json::Value;
use serde_json::json;

use super::attempt::Attempt;

/// A run report in the layout of SWE-bench.
pub(crate) fn report(attempts: &[&Attempt]) -> Value {
    let ids = |resolved: bool| -> Vec<&str> {
        attempts
            .iter()
            .filter(|a| a.resolved == Some(resolved))
            .map(|a| a.task.id)
            .collect()
    };
    let all: Vec<&str> = attempts.iter().map(|a| a.task.id).collect();
    json!({ "total_instances": all.len(), "submitted_instances": all.len(), "completed_instances": all.len(),
        "resolved_instances": ids(true).len(), "unresolved_instances": ids(false).len(), "empty_patch_instances": 0,
        "error_instances": 0, "completed_ids": all, "incomplete_ids": [], "empty_patch_ids": [], "submitted_ids": all,
        "resolved_ids": ids(true), "unresolved_ids": ids(false), "error_ids": [], "schema_version": 2 })
}

/// Predictions by instance, as mini-swe-agent writes them.
pub(crate) fn predictions(attempts: &[&Attempt]) -> Value {
    let mut out = json!({});
    for a in attempts {
        out[a.task.id] = json!({ "model_name_or_path": a.model, "instance_id": a.task.id, "model_patch": a.patch() });
    }
    out
}

/// A row of an automatic check's verdicts.
pub(crate) fn verdict(a: &Attempt) -> Value {
    let acts = a.turns.iter().map(|t| t.acts.len()).sum::<usize>();
    json!({ "instance_id": a.task.id, "broad_then_narrow": acts > 4, "read_after_narrowing": a.resolved == Some(true),
        "notes": "rule-based (no LLM)" })
}
