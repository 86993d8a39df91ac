//! SWE-agent 0.x and 1.x `.traj` files, mini-swe-agent's list and 1.1 files.

use serde_json::Value;
use serde_json::json;

use super::attempt::Act;
use super::attempt::Attempt;
use super::attempt::Op;
use super::story::ROOT;
use super::story::hex;
use super::wire;
use super::wire::Clock;
use super::wire::Names;

/// The tools of SWE-agent 1.x.
const TOOLS: Names = Names {
    shell: "bash",
    editor: "str_replace_editor",
};

/// A window of a file as the line-editing tools of 2024 print it.
pub(crate) fn window(text: &str, first: usize, total: usize) -> String {
    let mut out = String::new();
    if first > 1 {
        out.push_str(&format!("({} more lines above)\n", first - 1));
    }
    let mut last = first;
    for (ix, line) in text.lines().enumerate() {
        last = first + ix;
        out.push_str(&format!("{last}:{line}\n"));
    }
    if last < total {
        out.push_str(&format!("({} more lines below)\n", total - last));
    }
    out
}

/// Action and observation in the command language of 0.x.
fn aci(act: &Act) -> Option<(String, String)> {
    Some(match act {
        Act::Shell { cmd, out, .. } => (format!("{cmd}\n"), out.replace('\n', "\r\n")),
        Act::View {
            path,
            first,
            text,
            total,
            ..
        } => (
            format!("open {path} {first}\n"),
            format!(
                "[File: {ROOT}/{path} ({total} lines total)]\n{}",
                window(text, *first, *total)
            ),
        ),
        Act::Edit {
            path,
            op: Op::Replace { old, new },
            after,
            first,
            ..
        } => {
            let last = first + old.lines().count() - 1;
            let total = after.lines().count();
            let new = new.strip_suffix('\n').unwrap_or(new);
            (
                format!("edit {first}:{last}\n{new}\nend_of_edit\n"),
                format!(
                    "[File: {ROOT}/{path} ({total} lines total)]\n{}File updated. Please review the changes and make sure \
                     they are correct (correct indentation, no duplicate lines, etc). Edit the file again if necessary.\n",
                    window(after, 1, total)
                ),
            )
        }
        _ => {
            let (cmd, out, _) = shell_only(act)?;
            (format!("{cmd}\n"), out)
        }
    })
}

fn info(a: &Attempt, status: &str) -> Value {
    let usage = wire::usage(a);
    json!({ "exit_status": status, "submission": a.patch(), "model_stats": { "instance_cost": 0.0123,
        "tokens_sent": usage.iter().map(|u| u.0).sum::<usize>(),
        "tokens_received": usage.iter().map(|u| u.1).sum::<usize>(), "api_calls": usage.len() } })
}

/// A `.traj` of 0.x: line edits, states as JSON text, a demonstration in the history.
pub(crate) fn traj_0(a: &Attempt) -> Value {
    let state =
        |open: &str| format!("{{\"open_file\": \"{open}\", \"working_dir\": \"{ROOT}\"}}\n");
    let mut history = vec![
        json!({ "role": "system", "content": wire::SYSTEM, "agent": "primary" }),
        json!({ "role": "user", "content": "Here is a demonstration of how to do it.\n\nSTEP 1\nls\n", "agent": "primary",
            "is_demo": true }),
        json!({ "role": "user", "content": a.task.prompt, "agent": "primary" }),
    ];
    let mut trajectory = Vec::new();
    let mut open = "n/a".to_owned();
    let mut step = |thought: &str, action: String, observation: String, open: &str| {
        let response = format!("{thought}\n\n```\n{action}```\n");
        history.push(json!({ "role": "assistant", "content": response, "thought": thought, "action": action, "agent": "primary" }));
        history.push(json!({ "role": "user", "content": observation, "agent": "primary" }));
        trajectory.push(
            json!({ "action": action, "observation": observation, "response": response,
            "state": state(open), "thought": thought }),
        );
    };
    for turn in &a.turns {
        for act in &turn.acts {
            if let Act::View { path, .. } | Act::Edit { path, .. } = act {
                open = format!("{ROOT}/{path}");
            }
            if let Some((action, observation)) = aci(act) {
                step(&turn.thought, action, observation, &open);
            }
        }
    }
    step(
        "The change is complete.",
        "submit\n".to_owned(),
        format!("\n{}", a.patch()),
        &open,
    );
    json!({ "environment": "swe_main", "trajectory": trajectory, "history": history, "info": info(a, "submitted") })
}

/// The command line that 1.x makes of a call.
fn command_line(act: &Act) -> String {
    let (tool, args) = wire::call(act, TOOLS);
    if let Act::Shell { cmd, .. } = act {
        return cmd.clone();
    }
    let mut words = vec![tool.to_owned()];
    for (key, value) in args.as_object().into_iter().flatten() {
        match (key.as_str(), value) {
            ("command" | "path", Value::String(text)) => words.push(text.clone()),
            ("view_range", Value::Array(range)) => {
                words.push("--view_range".to_owned());
                words.extend(range.iter().map(Value::to_string));
            }
            (_, value) => {
                words.push(format!("--{key}"));
                let text = value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned);
                words.push(format!("'{}'", text.replace('\'', "'\"'\"'")));
            }
        }
    }
    words.join(" ")
}

/// A `.traj` of 1.x: tool calls, and at every step a copy of all that was said before.
pub(crate) fn traj_1(a: &Attempt) -> Value {
    let mut history = vec![
        json!({ "role": "system", "content": wire::SYSTEM, "agent": "main", "message_type": "system_prompt" }),
        json!({ "role": "user", "content": [{ "type": "text", "text": a.task.prompt }], "agent": "main",
            "message_type": "observation" }),
    ];
    let mut trajectory = Vec::new();
    let mut step = |thought: &str, line: &str, call: Value, observation: &str, seconds: f64| {
        let query = history.clone();
        let id = call["id"].clone();
        history.push(json!({ "role": "assistant", "content": thought, "thought": thought, "action": line, "agent": "main",
            "tool_calls": [call], "message_type": "action" }));
        history.push(json!({ "role": "tool", "content": [{ "type": "text", "text": format!("OBSERVATION:\n{observation}") }],
            "agent": "main", "message_type": "observation", "tool_call_ids": [id] }));
        trajectory.push(json!({ "action": line, "observation": observation, "response": thought, "thought": thought,
            "execution_time": seconds, "state": { "working_dir": ROOT }, "query": query, "extra_info": {} }));
    };
    for (turn_ix, turn) in a.turns.iter().enumerate() {
        for (act_ix, act) in turn.acts.iter().enumerate() {
            if matches!(
                act,
                Act::Finish { .. } | Act::Think { .. } | Act::Plan { .. }
            ) {
                continue;
            }
            let (tool, args) = wire::call(act, TOOLS);
            let call = json!({ "index": 1, "function": { "arguments": args.to_string(), "name": tool },
                "id": wire::call_id(a, turn_ix, act_ix), "type": "function" });
            step(
                &turn.thought,
                &command_line(act),
                call,
                &act.result().replace('\n', "\r\n"),
                0.125,
            );
        }
    }
    let call = json!({ "index": 1, "function": { "arguments": "{}", "name": "submit" },
        "id": format!("call_{}", hex(&a.name(), 16)), "type": "function" });
    step("Submitting.", "submit", call, &a.patch(), 0.25);
    let mut info = info(a, "submitted");
    info["swe_agent_version"] = json!("1.1.0");
    json!({ "trajectory": trajectory, "history": history, "info": info, "environment": a.task.id,
        "replay_config": json!({ "agent": { "model": { "name": a.model } } }).to_string() })
}

/// An act as a command of a plain shell; what it prints and its exit status.
pub(crate) fn shell_only(act: &Act) -> Option<(String, String, i64)> {
    let replace = |path: &str, old: &str, new: &str| {
        format!(
            "python3 - <<'PY'\nfrom pathlib import Path\npath = Path(\"{path}\")\ntext = path.read_text()\nold = '''{old}'''\nnew = '''{new}'''\nassert old in text\npath.write_text(text.replace(old, new, 1))\nPY"
        )
    };
    Some(match act {
        Act::Shell { cmd, out, exit } => (cmd.clone(), out.clone(), *exit),
        Act::View { path, first, text, range, .. } => {
            let tail = range.map_or_else(String::new, |(from, to)| format!(" | sed -n '{from},{to}p'"));
            (format!("cat -n {path}{tail}"), super::attempt::cat_n(text, *first), 0)
        }
        Act::Tree { paths } => ("git ls-files".to_owned(), format!("{}\n", paths.join("\n")), 0),
        Act::Edit { path, op: Op::Replace { old, new }, .. } => (replace(path, old, new), String::new(), 0),
        Act::Edit { path, op: Op::Create, after, .. } => {
            (format!("cat > {path} <<'EOF'\n{after}EOF"), String::new(), 0)
        }
        Act::Edit { path, op: Op::Insert { after, text }, .. } => {
            (format!("sed -i '{after}a\\{}' {path}", text.trim_end()), String::new(), 0)
        }
        Act::Miss { path, old, new } => (
            replace(path, old, new),
            "Traceback (most recent call last):\n  File \"<stdin>\", line 6, in <module>\nAssertionError\n".to_owned(),
            1,
        ),
        Act::Think { .. } | Act::Plan { .. } | Act::Finish { .. } => return None,
    })
}

const SUBMIT: &str =
    "echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT && git add -A && git diff --cached";

fn observed(out: &str, exit: i64) -> String {
    format!("<returncode>{exit}</returncode>\n<output>\n{out}</output>")
}

/// A bare list of v0 with commands in fences.
pub(crate) fn mini_0(a: &Attempt) -> Value {
    let mut messages = vec![
        json!({ "role": "system", "content": wire::SYSTEM }),
        json!({ "role": "user", "content": a.task.prompt }),
    ];
    for turn in &a.turns {
        for (cmd, out, exit) in turn.acts.iter().filter_map(shell_only) {
            let text = format!("THOUGHT: {}\n\n```bash\n{cmd}\n```", turn.thought);
            messages.push(json!({ "role": "assistant", "content": text }));
            messages.push(json!({ "role": "user", "content": observed(&out, exit) }));
        }
    }
    messages.push(json!({ "role": "assistant", "content": format!("THOUGHT: Done.\n\n```bash\n{SUBMIT}\n```") }));
    json!(messages)
}

/// A file of v2 (`mini-swe-agent-1.1`).
pub(crate) fn mini_1(a: &Attempt) -> Value {
    let mut clock = Clock::of(a);
    let usage = wire::usage(a);
    let mut messages = vec![
        json!({ "role": "system", "content": wire::SYSTEM }),
        json!({ "role": "user", "content": a.task.prompt }),
    ];
    let mut total = 0.0;
    let mut calls = 0;
    let mut turn_of = |turn_ix: usize,
                       thought: &str,
                       reasoning: Option<&String>,
                       acts: &[(String, String, i64)]| {
        let (prompt, completion) = usage.get(turn_ix).copied().unwrap_or((4000, 40));
        let cost = wire::cost(prompt, completion);
        total += cost;
        calls += 1;
        clock.tick(2_000);
        let ids: Vec<String> = (0..acts.len())
            .map(|ix| wire::call_id(a, turn_ix, ix))
            .collect();
        let tool_calls: Vec<Value> = acts
            .iter()
            .enumerate()
            .map(|(ix, (cmd, _, _))| json!({ "index": ix, "function": { "arguments": json!({ "command": cmd }).to_string(),
                "name": "bash" }, "id": ids[ix], "type": "function" }))
            .collect();
        let actions: Vec<Value> = acts
            .iter()
            .enumerate()
            .map(|(ix, (cmd, _, _))| json!({ "command": cmd, "tool_call_id": ids[ix] }))
            .collect();
        let mut message = json!({ "content": thought, "role": "assistant", "tool_calls": tool_calls, "function_call": null,
            "extra": { "actions": actions, "response": { "id": wire::response_id(a, turn_ix), "model": a.model,
                "object": "chat.completion", "usage": { "completion_tokens": completion, "prompt_tokens": prompt,
                "total_tokens": prompt + completion } }, "cost": cost, "timestamp": clock.epoch() } });
        if let Some(reasoning) = reasoning {
            message["reasoning_content"] = json!(reasoning);
        }
        messages.push(message);
        for (ix, (cmd, out, exit)) in acts.iter().enumerate() {
            if cmd == SUBMIT {
                continue;
            }
            messages.push(json!({ "content": observed(out, *exit), "extra": { "raw_output": out, "returncode": exit,
                "timestamp": clock.tick(150).epoch(), "exception_info": "" }, "tool_call_id": ids[ix], "role": "tool" }));
        }
    };
    for (turn_ix, turn) in a.turns.iter().enumerate() {
        let acts: Vec<_> = turn.acts.iter().filter_map(shell_only).collect();
        if !acts.is_empty() {
            turn_of(turn_ix, &turn.thought, turn.reasoning.as_ref(), &acts);
        }
    }
    turn_of(
        a.turns.len(),
        "Submitting.",
        None,
        &[(SUBMIT.to_owned(), String::new(), 0)],
    );
    messages.push(json!({ "role": "exit", "content": a.patch(), "extra": { "exit_status": "Submitted", "submission": a.patch() } }));
    json!({ "info": { "model_stats": { "instance_cost": (total * 1e6_f64).round() / 1e6, "api_calls": calls },
        "config": { "agent": { "step_limit": 250, "cost_limit": 3.0 }, "model": { "model_name": a.model },
            "environment": { "image": "harbor/kit:latest", "cwd": ROOT, "timeout": 60 } },
        "mini_version": "2.2.7", "exit_status": "Submitted", "submission": a.patch() },
        "messages": messages, "trajectory_format": "mini-swe-agent-1.1", "instance_id": a.task.id })
}

/// A v2 file of a run that timed out before the model answered.
pub(crate) fn mini_timeout(a: &Attempt) -> Value {
    json!({ "info": { "model_stats": { "instance_cost": 0.0, "api_calls": 1 }, "config": { "model": { "model_name": a.model },
            "environment": { "image": "harbor/kit:latest", "cwd": ROOT } }, "mini_version": "2.2.7", "exit_status": "Timeout",
            "submission": "", "traceback": "Traceback (most recent call last):\nTimeoutError\n", "exception_str": "timed out" },
        "messages": [ { "role": "system", "content": wire::SYSTEM }, { "role": "user", "content": a.task.prompt },
            { "role": "exit", "content": "timed out", "extra": { "exit_status": "Timeout", "submission": "" } } ],
        "trajectory_format": "mini-swe-agent-1.1", "instance_id": a.task.id })
}

/// A v1-style row of a data set in the layout of nebius: roles system, user and ai, the command in the last fence.
pub(crate) fn nebius_row(a: &Attempt) -> Value {
    let message = |role: &str, text: Option<&str>, system: Option<&str>| {
        json!({ "cutoff_date": system.map(|_| "01.01.2023"), "mask": role == "ai", "role": role,
            "system_prompt": system, "text": text })
    };
    let mut trajectory = vec![
        message("system", None, Some(wire::SYSTEM)),
        message("user", Some(&a.task.prompt), None),
    ];
    for turn in &a.turns {
        for (action, observation) in turn.acts.iter().filter_map(aci) {
            trajectory.push(message(
                "ai",
                Some(&format!("{}\n\n```\n{action}```", turn.thought)),
                None,
            ));
            trajectory.push(message("user", Some(&observation), None));
        }
    }
    trajectory.push(message("ai", Some("Submitting.\n\n```\nsubmit\n```"), None));
    json!({ "instance_id": a.task.id, "model_name": a.model, "target": a.resolved, "trajectory": trajectory,
        "exit_status": "submitted", "generated_patch": a.patch(), "eval_logs": "2 passed" })
}
