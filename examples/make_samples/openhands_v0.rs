//! OpenHands V0: evaluation rows in three generations, event folders, exports and feedback.

use serde_json::Value;
use serde_json::json;

use super::attempt::Act;
use super::attempt::Attempt;
use super::attempt::Op;
use super::story::ROOT;
use super::story::unified;
use super::wire;
use super::wire::Clock;
use super::wire::OLD;

fn edit_command(op: &Op) -> &'static str {
    match op {
        Op::Create => "create",
        Op::Replace { .. } => "str_replace",
        Op::Insert { .. } => "insert",
    }
}

/// Name, arguments and message of an action event.
fn action(act: &Act, thought: &str) -> (&'static str, Value, String) {
    match act {
        Act::Shell { cmd, .. } => (
            "run",
            json!({ "command": cmd, "is_input": false, "thought": thought, "blocking": false, "is_static": false,
                "cwd": null, "hidden": false, "confirmation_state": "confirmed" }),
            format!("Running command: {cmd}"),
        ),
        Act::View { path, range, .. } => (
            "read",
            json!({ "path": format!("{ROOT}/{path}"), "start": 0, "end": -1, "thought": thought,
                "impl_source": "oh_aci", "view_range": range }),
            format!("Reading file: {ROOT}/{path}"),
        ),
        Act::Tree { .. } => (
            "read",
            json!({ "path": ROOT, "start": 0, "end": -1, "thought": thought, "impl_source": "oh_aci", "view_range": null }),
            format!("Reading file: {ROOT}"),
        ),
        Act::Edit {
            path, op, after, ..
        } => {
            let (old, new, line, text) = match op {
                Op::Create => (None, None, None, Some(after)),
                Op::Replace { old, new } => (Some(old), Some(new), None, None),
                Op::Insert { after, text } => (None, Some(text), Some(*after), None),
            };
            (
                "edit",
                json!({ "path": format!("{ROOT}/{path}"), "command": edit_command(op), "file_text": text, "old_str": old,
                    "new_str": new, "insert_line": line, "content": "", "start": 1, "end": -1, "thought": thought,
                    "impl_source": "oh_aci" }),
                format!("I edited the file {ROOT}/{path}."),
            )
        }
        Act::Miss { path, old, new } => (
            "edit",
            json!({ "path": format!("{ROOT}/{path}"), "command": "str_replace", "file_text": null, "old_str": old,
                "new_str": new, "insert_line": null, "content": "", "start": 1, "end": -1, "thought": thought,
                "impl_source": "oh_aci" }),
            format!("I edited the file {ROOT}/{path}."),
        ),
        Act::Think { text } => (
            "think",
            json!({ "thought": text }),
            format!("I am thinking...: {text}"),
        ),
        Act::Plan { .. } => {
            let mut args = wire::call(act, OLD).1;
            args["thought"] = json!(thought);
            ("task_tracking", args, "Managing the task list".to_owned())
        }
        Act::Finish { message } => (
            "finish",
            json!({ "final_thought": message, "task_completed": "true", "outputs": {}, "thought": thought }),
            message.clone(),
        ),
    }
}

/// Name, extras and success of an observation event.
fn observation(act: &Act) -> (&'static str, Value, Option<bool>) {
    match act {
        Act::Shell { cmd, exit, .. } => (
            "run",
            json!({ "command": cmd, "metadata": { "exit_code": exit, "pid": -1, "username": "root",
                "hostname": "harbor", "working_dir": ROOT, "py_interpreter_path": "/usr/bin/python", "prefix": "",
                "suffix": format!("\n[The command completed with exit code {exit}.]") }, "hidden": false }),
            Some(*exit == 0),
        ),
        Act::View { path, .. } => (
            "read",
            json!({ "path": format!("{ROOT}/{path}"), "impl_source": "oh_aci" }),
            None,
        ),
        Act::Tree { .. } => (
            "read",
            json!({ "path": ROOT, "impl_source": "oh_aci" }),
            None,
        ),
        Act::Edit {
            path,
            op,
            before,
            after,
            ..
        } => {
            let is_new = matches!(op, Op::Create);
            let diff = unified(before, after, path, path);
            (
                "edit",
                json!({ "path": format!("{ROOT}/{path}"), "prev_exist": !is_new,
                    "old_content": if is_new { None } else { Some(before) }, "new_content": after,
                    "impl_source": "oh_aci", "diff": diff, "_diff_cache": null }),
                None,
            )
        }
        Act::Miss { .. } => ("error", json!({ "error_id": "" }), None),
        Act::Think { .. } => ("think", json!({}), None),
        Act::Plan { items } => (
            "task_tracking",
            json!({ "command": "plan", "task_list": items.len() }),
            None,
        ),
        Act::Finish { .. } => ("null", json!({}), None),
    }
}

fn model_response(a: &Attempt, turn_ix: usize, created_s: i64, usage: (usize, usize)) -> Value {
    json!({
        "id": wire::response_id(a, turn_ix), "created": created_s, "model": a.model, "object": "chat.completion",
        "choices": [{ "finish_reason": "tool_calls", "index": 0, "message": {
            "content": a.turns[turn_ix].thought, "role": "assistant",
            "tool_calls": wire::tool_calls(a, turn_ix, OLD), "function_call": null } }],
        "usage": { "completion_tokens": usage.1, "prompt_tokens": usage.0, "total_tokens": usage.0 + usage.1 },
    })
}

/// The events of an attempt; ids have a gap where a hidden event was.
pub(crate) fn events(a: &Attempt) -> Vec<Value> {
    let mut clock = Clock::of(a);
    let mut events = vec![
        json!({ "id": 0, "timestamp": clock.naive(), "source": "agent", "message": wire::SYSTEM, "action": "system",
            "args": { "content": wire::SYSTEM, "tools": wire::tools(OLD), "openhands_version": "0.35.0",
                "agent_class": "CodeActAgent" } }),
        json!({ "id": 1, "timestamp": clock.tick(1).naive(), "source": "user", "message": a.task.prompt,
            "action": "message", "args": { "content": a.task.prompt, "image_urls": null, "wait_for_response": false } }),
        json!({ "id": 2, "timestamp": clock.tick(20).naive(), "source": "user", "message": "Retrieving content",
            "action": "recall", "args": { "recall_type": "workspace_context", "query": "harbor-kit", "thought": "" } }),
        json!({ "id": 4, "timestamp": clock.tick(2).naive(), "source": "environment", "cause": 2,
            "message": "Added workspace context", "observation": "recall", "content": "Added workspace context",
            "extras": { "recall_type": "workspace_context", "repo_name": "", "microagent_knowledge": [] } }),
    ];
    let usage = wire::usage(a);
    let (mut prompt, mut completion, mut cost) = (0, 0, 0.0);
    let mut id = 5;
    for (turn_ix, turn) in a.turns.iter().enumerate() {
        clock.tick(wire::latency_ms(turn));
        prompt += usage[turn_ix].0;
        completion += usage[turn_ix].1;
        cost += wire::cost(usage[turn_ix].0, usage[turn_ix].1);
        let response = model_response(a, turn_ix, clock.ms / 1000, usage[turn_ix]);
        for (act_ix, act) in turn.acts.iter().enumerate() {
            let thought = if act_ix == 0 {
                turn.thought.as_str()
            } else {
                ""
            };
            let (name, args, message) = action(act, thought);
            let call = json!({ "function_name": wire::call(act, OLD).0, "tool_call_id": wire::call_id(a, turn_ix, act_ix),
                "model_response": response, "total_calls_in_response": turn.acts.len() });
            events.push(json!({ "id": id, "timestamp": clock.naive(), "source": "agent", "message": message,
                "action": name, "tool_call_metadata": call,
                "llm_metrics": { "accumulated_cost": round6(cost), "accumulated_token_usage": { "model": a.model,
                    "prompt_tokens": prompt, "completion_tokens": completion, "cache_read_tokens": 0,
                    "cache_write_tokens": 0, "response_id": "" }, "costs": [], "response_latencies": [],
                    "token_usages": [] },
                "args": args }));
            if matches!(act, Act::Finish { .. }) {
                id += 1;
                continue;
            }
            clock.tick(wire::act_ms(act));
            let (name, extras, success) = observation(act);
            let mut event = json!({ "id": id + 1, "timestamp": clock.naive(), "source": "agent", "message": "",
                "cause": id, "observation": name, "tool_call_metadata": call, "content": act.result(),
                "extras": extras });
            if let Some(success) = success {
                event["success"] = json!(success);
            }
            if name == "error" {
                event.as_object_mut().map(|fields| fields.remove("cause"));
            }
            events.push(event);
            id += 2;
        }
    }
    events
}

fn round6(dollars: f64) -> f64 {
    (dollars * 1e6).round() / 1e6
}

fn metrics(a: &Attempt) -> Value {
    let usage = wire::usage(a);
    let prompt: usize = usage.iter().map(|u| u.0).sum();
    let completion: usize = usage.iter().map(|u| u.1).sum();
    let cost: f64 = usage.iter().map(|u| wire::cost(u.0, u.1)).sum();
    let mut clock = Clock::of(a);
    let mut costs = Vec::new();
    let mut latencies = Vec::new();
    let mut usages = Vec::new();
    for (ix, turn) in a.turns.iter().enumerate() {
        let id = wire::response_id(a, ix);
        let ms = wire::latency_ms(turn);
        let latency = Clock {
            ms: i64::try_from(ms).unwrap_or_default(),
        }
        .epoch();
        costs.push(json!({ "model": a.model, "cost": wire::cost(usage[ix].0, usage[ix].1), "timestamp": clock.tick(ms).epoch() }));
        latencies.push(json!({ "model": a.model, "latency": latency, "response_id": id }));
        usages.push(json!({ "model": a.model, "prompt_tokens": usage[ix].0, "completion_tokens": usage[ix].1,
            "cache_read_tokens": 0, "cache_write_tokens": 0, "reasoning_tokens": 0, "response_id": id }));
    }
    json!({ "accumulated_cost": round6(cost), "accumulated_token_usage": { "model": a.model, "prompt_tokens": prompt,
        "completion_tokens": completion, "cache_read_tokens": 0, "cache_write_tokens": 0, "response_id": "" },
        "costs": costs, "response_latencies": latencies, "token_usages": usages })
}

/// The metrics of a whole attempt, as both generations write them.
pub(crate) fn metrics_of(a: &Attempt) -> Value {
    metrics(a)
}

fn eval_result(a: &Attempt) -> Value {
    let success = a.resolved.unwrap_or_default();
    let kind = a.task.id;
    if kind.contains("func_localize") {
        let edited = !a.patch().is_empty();
        json!({ "success": success, "target_docstring_edited": edited, "comments_only": success, "error": null })
    } else if kind.contains("func_gen") {
        json!({ "success": success, "reason": if success { "passed" } else { "test_failed" }, "error": null })
    } else {
        json!({ "success": success, "comments_only": true, "error": null })
    }
}

/// A row of `output.jsonl` of 2025.
pub(crate) fn output_row(a: &Attempt) -> Value {
    let history = events(a);
    let mut test_result = json!({ "git_patch": a.patch() });
    if a.task.id.contains("func_gen") {
        let text = a.repo.text("harbor_kit/tides.py");
        let function = text
            .split_once("def slack_window")
            .map_or("", |(_, rest)| rest);
        test_result["generated_function"] = json!(format!("def slack_window{function}"));
    }
    json!({
        "instance_id": a.task.id, "test_result": test_result, "instruction": a.task.prompt,
        "metadata": { "agent_class": "CodeActAgent", "llm_config": { "model": a.model, "temperature": 0.6 },
            "max_iterations": 50, "eval_output_dir": format!("outputs/{}_maxiter_50_N_run_{}", a.model, a.no),
            "start_time": "2025-03-04 05:06:07", "git_commit": super::story::hex("openhands", 40),
            "dataset": "hybrid-gym", "data_split": "train", "details": {}, "condenser_config": { "type": "noop" } },
        "history_length": history.len(), "history": history, "metrics": metrics(a), "error": a.error,
        "instance": a.task.instance, "eval_result": eval_result(a),
    })
}

/// A row of May 2024: pairs of action and observation.
pub(crate) fn pairs_row(a: &Attempt) -> Value {
    let none =
        json!({ "message": "No observation", "observation": "null", "content": "", "extras": {} });
    let mut pairs = Vec::new();
    let all = events(a);
    for event in &all {
        let mut event = event.clone();
        if let Some(fields) = event.as_object_mut() {
            fields.retain(|key, _| key != "tool_call_metadata" && key != "llm_metrics");
        }
        let name = event["action"].as_str().unwrap_or_default().to_owned();
        if ["system", "recall"].contains(&name.as_str()) || event["observation"] == "recall" {
            continue;
        }
        if event.get("action").is_some() {
            pairs.push(json!([event, none]));
        } else if let Some(pair) = pairs.last_mut() {
            if let Some(fields) = event.as_object_mut() {
                fields.retain(|key, _| {
                    ["message", "observation", "content", "extras"].contains(&key.as_str())
                });
            }
            pair[1] = event;
        }
    }
    json!({ "id": a.task.id, "instance": a.task.prompt, "metadata": { "agent_class": "CodeActAgent",
        "model_name": a.model, "max_iterations": 30, "eval_output_dir": "outputs", "start_time": "2024-05-26 10:01:44",
        "git_commit": super::story::hex("openhands 2024", 40) }, "history": pairs, "correct": a.resolved,
        "hallucination": false, "error": a.error })
}

/// A row of the resolver of October 2024: events without ids, sources, times and arguments.
pub(crate) fn flattened_row(a: &Attempt) -> Value {
    let mut history = vec![
        json!({ "content": a.task.prompt, "images_urls": null, "wait_for_response": false,
        "action": "message", "action_risk": null }),
    ];
    for turn in &a.turns {
        for act in &turn.acts {
            match act {
                Act::View {
                    path,
                    first,
                    text,
                    total,
                    ..
                } => {
                    let code = format!("open_file('{ROOT}/{path}', {first})");
                    let lines = super::swe_agent::window(text, *first, *total);
                    history.push(ipython(&code, &turn.thought));
                    history.push(json!({ "content": format!("[File: {ROOT}/{path} ({total} lines total)]\n{lines}"),
                        "code": code, "observation": "run_ipython" }));
                }
                Act::Edit {
                    path,
                    op: Op::Replace { old, new },
                    ..
                } => {
                    let code = format!(
                        "edit_file_by_replace(\n    '{ROOT}/{path}',\n    to_replace={old:?},\n    new_content={new:?},\n)"
                    );
                    history.push(ipython(&code, &turn.thought));
                    history.push(
                        json!({ "content": format!("[File: {ROOT}/{path} edited successfully.]"),
                        "code": code, "observation": "run_ipython" }),
                    );
                }
                Act::Finish { message } => {
                    history.push(json!({ "outputs": {}, "thought": message, "action": "finish" }));
                }
                _ => {
                    let Some((cmd, out, exit)) = super::swe_agent::shell_only(act) else {
                        continue;
                    };
                    history.push(flat_run(&cmd, &turn.thought));
                    history.push(flat_output(&cmd, &out, exit));
                }
            }
        }
    }
    json!({ "issue": { "owner": "tidepool", "repo": "harbor-kit", "number": 41, "title": "total_tonnage counts ballast twice",
        "body": a.task.instance["problem_statement"] }, "issue_type": "issue", "instruction": a.task.prompt,
        "base_commit": super::story::BASE_COMMIT, "git_patch": a.patch(), "history": history,
        "metrics": { "accumulated_cost": 0.0042, "costs": [0.0021, 0.0021] }, "success": a.resolved,
        "comment_success": null, "result_explanation": "Ballast is counted once.", "error": null })
}

fn flat_run(cmd: &str, thought: &str) -> Value {
    json!({ "command": cmd, "thought": thought, "keep_prompt": true, "action": "run", "is_confirmed": "confirmed",
        "action_risk": null })
}

fn flat_output(cmd: &str, out: &str, exit: i64) -> Value {
    let content = format!("{}root@harbor:{ROOT} # ", out.replace('\n', "\r\n"));
    json!({ "content": content, "command_id": -1, "command": cmd, "exit_code": exit, "observation": "run" })
}

fn ipython(code: &str, thought: &str) -> Value {
    json!({ "code": code, "thought": thought, "action": "run_ipython", "is_confirmed": "confirmed", "action_risk": null,
        "kernel_init_code": "from agentskills import *" })
}

/// A feedback export with its label.
pub(crate) fn feedback(a: &Attempt) -> Value {
    let mut trajectory = vec![
        json!({ "action": "initialize", "args": { "LLM_MODEL": a.model, "AGENT": "CodeActAgent", "LANGUAGE": "de" },
            "source": "environment" }),
        json!({ "id": 0, "timestamp": Clock::of(a).naive(), "source": "agent", "message": "",
            "observation": "agent_state_changed", "content": "", "extras": { "agent_state": "running" } }),
    ];
    trajectory.extend(events(a).into_iter().skip(1));
    let liked = a.resolved.unwrap_or_default();
    json!({ "version": "1.0", "feedback": if liked { "positive" } else { "negative" }, "permissions": "private",
        "trajectory": trajectory, "timestamp": "2024-10-06-12-25-18" })
}
