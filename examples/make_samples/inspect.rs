//! Inspect logs: the header and the samples, plain and condensed.

use serde_json::Value;
use serde_json::json;

use super::attempt::Act;
use super::attempt::Attempt;
use super::story::hex;
use super::wire;
use super::wire::Clock;
use super::wire::Names;

/// Inspect's own tools.
const TOOLS: Names = Names {
    shell: "bash",
    editor: "text_editor",
};

fn call(act: &Act) -> (&'static str, Value) {
    match act {
        Act::Finish { message } => ("submit", json!({ "answer": message })),
        _ => wire::call(act, TOOLS),
    }
}

/// What stands around the samples.
pub(crate) fn header(attempts: &[Attempt]) -> Value {
    let first = Clock::of(&attempts[0]);
    let resolved = attempts.iter().filter(|a| a.resolved == Some(true)).count();
    json!({ "version": 2, "status": "success",
        "eval": { "run_id": hex("inspect run", 22), "created": first.offset(), "task": "harbor/kit_issues",
            "task_id": hex("inspect task", 22), "task_version": 0, "task_attribs": {}, "task_args": {},
            "dataset": { "name": "harbor-kit", "samples": attempts.len(), "shuffled": false }, "model": attempts[0].model,
            "model_args": {}, "config": { "epochs": attempts.len() }, "packages": { "inspect_ai": "0.3.210" } },
        "plan": { "name": "plan", "steps": [{ "solver": "react", "params": {} }], "config": {} },
        "results": { "total_samples": attempts.len(), "completed_samples": attempts.len(),
            "scores": [{ "name": "tests", "scorer": "tests", "params": {},
                "metrics": { "accuracy": { "name": "accuracy", "value": resolved, "params": {} } } }] },
        "stats": { "started_at": first.offset(), "completed_at": first.offset(), "model_usage": {} } })
}

/// One sample. Long texts stand in `attachments`; where `condensed`, model events refer to a pool of messages.
pub(crate) fn sample(a: &Attempt, condensed: bool) -> Value {
    let mut clock = Clock::of(a);
    let usage = wire::usage(a);
    let prompt_key = hex(&a.task.prompt, 32);
    let reference = format!("attachment://{prompt_key}");
    let mut messages = vec![
        json!({ "id": hex("system", 22), "content": wire::SYSTEM, "role": "system" }),
        json!({ "id": hex("user", 22), "content": reference, "source": "input", "role": "user" }),
    ];
    let mut events = vec![json!({ "timestamp": clock.offset(), "event": "sample_init",
        "sample": { "input": reference, "target": "pass", "id": a.task.id }, "state": {} })];
    for (turn_ix, turn) in a.turns.iter().enumerate() {
        clock.tick(wire::latency_ms(turn));
        let calls: Vec<Value> = turn
            .acts
            .iter()
            .enumerate()
            .map(|(ix, act)| json!({ "id": wire::call_id(a, turn_ix, ix), "function": call(act).0, "arguments": call(act).1,
                "type": "function" }))
            .collect();
        let content = turn.reasoning.as_ref().map_or_else(
            || json!(turn.thought),
            |reasoning| json!([{ "type": "reasoning", "reasoning": reasoning }, { "type": "text", "text": turn.thought }]),
        );
        let message = json!({ "id": hex(&format!("{} m{turn_ix}", a.name()), 22), "content": content,
            "source": "generate", "role": "assistant", "tool_calls": calls, "model": a.model });
        let mut event = json!({ "timestamp": clock.offset(), "event": "model", "model": a.model, "tools": [],
            "input": messages, "output": { "model": a.model, "choices": [{ "message": message, "stop_reason": "tool_calls" }],
                "usage": { "input_tokens": usage[turn_ix].0, "output_tokens": usage[turn_ix].1,
                    "total_tokens": usage[turn_ix].0 + usage[turn_ix].1 }, "time": 2.5 } });
        if condensed {
            event["input"] = json!([]);
            event["input_refs"] = json!([[0, messages.len()]]);
        }
        events.push(event);
        messages.push(message);
        for (ix, act) in turn.acts.iter().enumerate() {
            clock.tick(wire::act_ms(act));
            let id = wire::call_id(a, turn_ix, ix);
            let mut message = json!({ "id": hex(&format!("{id} result"), 22), "content": act.result(), "role": "tool",
                "tool_call_id": id, "function": call(act).0 });
            if matches!(act, Act::Miss { .. }) {
                message["error"] = json!({ "type": "unknown", "message": act.result() });
            }
            events.push(json!({ "timestamp": clock.offset(), "event": "tool", "type": "function", "id": id,
                "function": call(act).0, "arguments": call(act).1, "result": act.result(), "events": [],
                "working_time": 0.14 }));
            if !matches!(act, Act::Finish { .. }) {
                messages.push(message);
            }
        }
    }
    let input: usize = usage.iter().map(|u| u.0).sum();
    let output: usize = usage.iter().map(|u| u.1).sum();
    let pool = messages.clone();
    let mut row = json!({ "id": a.task.id, "epoch": a.no, "input": reference, "target": "pass", "messages": messages,
        "output": { "model": a.model, "choices": [], "usage": { "input_tokens": input, "output_tokens": output } },
        "scores": { "tests": { "value": if a.resolved == Some(true) { "C" } else { "I" }, "answer": a.patch(),
            "explanation": "ran the tests of the task" } },
        "metadata": { "repo": super::story::REPO }, "store": {}, "events": events,
        "model_usage": { a.model: { "input_tokens": input, "output_tokens": output, "total_tokens": input + output } },
        "total_time": 31.5, "working_time": 29.25, "uuid": hex(&a.name(), 22),
        "attachments": { prompt_key: a.task.prompt } });
    if condensed {
        row["events_data"] = json!({ "messages": pool, "calls": [] });
    }
    row
}

/// A whole `.json` log.
pub(crate) fn log(attempts: &[Attempt]) -> Value {
    let mut log = header(attempts);
    log["samples"] = json!(
        attempts
            .iter()
            .map(|a| sample(a, false))
            .collect::<Vec<_>>()
    );
    log
}
