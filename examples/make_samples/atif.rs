//! ATIF as Harbor writes it, as a third party does, and streamed.

use serde_json::Value;
use serde_json::json;

use super::attempt::Act;
use super::attempt::Attempt;
use super::story::uuid;
use super::wire;
use super::wire::Clock;
use super::wire::OLD;

fn steps(a: &Attempt) -> Vec<Value> {
    let mut clock = Clock::of(a);
    let usage = wire::usage(a);
    let mut steps = vec![
        json!({ "step_id": 1, "timestamp": clock.zulu(), "source": "system", "message": wire::SYSTEM }),
        json!({ "step_id": 2, "timestamp": clock.tick(10).zulu(), "source": "user", "message": a.task.prompt }),
    ];
    for (turn_ix, turn) in a.turns.iter().enumerate() {
        clock.tick(wire::latency_ms(turn));
        let (mut calls, mut results) = (Vec::new(), Vec::new());
        for (act_ix, act) in turn.acts.iter().enumerate() {
            let id = wire::call_id(a, turn_ix, act_ix);
            let (tool, args) = wire::call(act, OLD);
            calls.push(json!({ "tool_call_id": id, "function_name": tool, "arguments": args }));
            if !matches!(act, Act::Finish { .. }) {
                results.push(json!({ "source_call_id": id, "content": act.result() }));
            }
        }
        let mut step = json!({ "step_id": turn_ix + 3, "timestamp": clock.zulu(), "source": "agent",
            "model_name": a.model, "message": turn.thought, "tool_calls": calls,
            "metrics": { "prompt_tokens": usage[turn_ix].0, "completion_tokens": usage[turn_ix].1, "cached_tokens": 128,
                "cost_usd": wire::cost(usage[turn_ix].0, usage[turn_ix].1) } });
        if let Some(reasoning) = &turn.reasoning {
            step["reasoning_content"] = json!(reasoning);
        }
        if !results.is_empty() {
            step["observation"] = json!({ "results": results });
        }
        steps.push(step);
    }
    steps
}

fn header(a: &Attempt) -> Value {
    json!({ "schema_version": "ATIF-v1.5", "session_id": uuid(&a.name()),
        "agent": { "name": "openhands", "version": "1.0.0", "model_name": a.model, "tool_definitions": wire::tools(OLD) } })
}

/// ATIF-v1.5.
pub(crate) fn harbor(a: &Attempt) -> Value {
    let usage = wire::usage(a);
    let mut row = header(a);
    row["steps"] = json!(steps(a));
    row["final_metrics"] = json!({ "total_prompt_tokens": usage.iter().map(|u| u.0).sum::<usize>(),
        "total_completion_tokens": usage.iter().map(|u| u.1).sum::<usize>(), "total_cached_tokens": 128 * usage.len(),
        "total_cost_usd": 0.012, "total_steps": a.turns.len() + 2 });
    row
}

/// The streamed form: a header line, then a step a line.
pub(crate) fn streamed(a: &Attempt) -> Vec<Value> {
    let mut first = json!({ "__header__": true });
    if let (Some(fields), Value::Object(more)) = (first.as_object_mut(), header(a)) {
        fields.extend(more);
    }
    let mut rows = vec![first];
    rows.extend(steps(a));
    rows
}

/// "1.4" without its prefix, the model under another name, results as system steps.
pub(crate) fn third_party(a: &Attempt) -> Value {
    let mut rows = Vec::new();
    for step in steps(a) {
        let results = step["observation"]["results"].clone();
        let mut step = step;
        if let Some(fields) = step.as_object_mut() {
            fields.retain(|key, _| key != "observation" && key != "metrics" && key != "model_name");
        }
        step["step_id"] = json!(rows.len() + 1);
        let at = step["timestamp"].clone();
        rows.push(step);
        for result in results.as_array().into_iter().flatten() {
            let id = result["source_call_id"].as_str().unwrap_or_default();
            rows.push(
                json!({ "step_id": rows.len() + 1, "timestamp": at, "source": "system",
                "message": format!("Tool result for {id}"),
                "observation": { "type": "tool_result", "content": result["content"],
                    "result": { "success": true, "output": result["content"] } } }),
            );
        }
    }
    json!({ "schema_version": "1.4", "session_id": format!("tbench-{}", super::story::hex(&a.name(), 8)),
        "agent": { "name": "claude-code", "version": "2.0.58", "model": a.model }, "steps": rows,
        "final_metrics": { "total_prompt_tokens": 4100, "total_completion_tokens": 320, "total_cost_usd": 0.01 },
        "extra": { "instruction": a.task.prompt, "success": a.resolved } })
}
