//! OpenHands V1 (software-agent-sdk) in the spellings of 2025 and 2026: events, rows, state, completion logs.

use serde_json::Value;
use serde_json::json;

use super::attempt::Act;
use super::attempt::Attempt;
use super::attempt::Op;
use super::openhands_v0;
use super::story::ROOT;
use super::story::uuid;
use super::wire;
use super::wire::Clock;
use super::wire::Names;

/// Which generation writes.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Year {
    /// September 2025.
    Y2025,
    /// SDK 1.x.
    Y2026,
}

impl Year {
    fn names(self) -> Names {
        match self {
            Self::Y2025 => wire::OLD,
            Self::Y2026 => wire::NEW,
        }
    }

    fn kind(self, act: &Act, suffix: &str) -> String {
        let (old, new) = match act {
            Act::Shell { .. } => ("ExecuteBash", "Terminal"),
            Act::Think { .. } => ("Think", "Think"),
            Act::Plan { .. } => ("TaskTracker", "TaskTracker"),
            Act::Finish { .. } => ("Finish", "Finish"),
            _ => ("StrReplaceEditor", "FileEditor"),
        };
        format!("{}{suffix}", if self == Self::Y2025 { old } else { new })
    }
}

fn text_part(text: &str) -> Value {
    json!({ "cache_prompt": false, "type": "text", "text": text })
}

fn observation(act: &Act, year: Year) -> Value {
    let is_new = year == Year::Y2026;
    let is_error = matches!(act, Act::Miss { .. });
    let mut out = json!({ "kind": year.kind(act, "Observation") });
    if is_new {
        out["content"] = json!([text_part(&act.result())]);
        out["is_error"] = json!(is_error);
    }
    match act {
        Act::Shell { cmd, exit, .. } => {
            out["command"] = json!(cmd);
            out["timeout"] = json!(false);
            out["metadata"] = json!({ "exit_code": exit, "pid": -1, "username": "openhands", "hostname": "harbor",
                "working_dir": ROOT, "prefix": "", "suffix": format!("\n[The command completed with exit code {exit}.]") });
            if is_new {
                out["exit_code"] = json!(exit);
            } else {
                out["output"] = json!(act.result());
                out["error"] = json!(false);
            }
        }
        Act::View { path, .. } => editor(&mut out, act, "view", path, is_new),
        Act::Tree { .. } => editor(&mut out, act, "view", "", is_new),
        Act::Edit {
            path,
            op,
            before,
            after,
            ..
        } => {
            let command = match op {
                Op::Create => "create",
                Op::Replace { .. } => "str_replace",
                Op::Insert { .. } => "insert",
            };
            editor(&mut out, act, command, path, is_new);
            out["prev_exist"] = json!(!matches!(op, Op::Create));
            out["old_content"] = json!(before);
            out["new_content"] = json!(after);
        }
        Act::Miss { path, .. } => {
            editor(&mut out, act, "str_replace", path, is_new);
            if !is_new {
                out["output"] = json!("");
                out["error"] = json!(act.result());
            }
        }
        Act::Think { .. } if !is_new => out["content"] = json!(act.result()),
        Act::Plan { .. } => {
            let args = wire::call(act, wire::NEW).1;
            out["command"] = json!("plan");
            out["task_list"] = args["task_list"].clone();
            if !is_new {
                out["content"] = json!(act.result());
            }
        }
        Act::Finish { message } if !is_new => out["message"] = json!(message),
        Act::Think { .. } | Act::Finish { .. } => {}
    }
    out
}

fn editor(out: &mut Value, act: &Act, command: &str, path: &str, is_new: bool) {
    out["command"] = json!(command);
    out["path"] = json!(format!("{ROOT}/{path}").trim_end_matches('/'));
    out["prev_exist"] = json!(true);
    if !is_new {
        out["output"] = json!(act.result());
        out["error"] = json!("");
    }
}

fn action_event(a: &Attempt, year: Year, turn_ix: usize, act_ix: usize, at: &str) -> Value {
    let turn = &a.turns[turn_ix];
    let act = &turn.acts[act_ix];
    let (tool, args) = wire::call(act, year.names());
    let mut action = args.clone();
    action["kind"] = json!(year.kind(act, "Action"));
    if matches!(act, Act::Shell { .. }) {
        action["is_input"] = json!(false);
    }
    let call_id = wire::call_id(a, turn_ix, act_ix);
    let tool_call = match year {
        Year::Y2025 => {
            json!({ "index": act_ix, "function": { "arguments": args.to_string(), "name": tool },
            "id": call_id, "type": "function" })
        }
        Year::Y2026 => {
            json!({ "id": call_id, "name": tool, "arguments": args.to_string(), "origin": "completion" })
        }
    };
    let thought = if act_ix == 0 && !turn.thought.is_empty() {
        vec![text_part(&turn.thought)]
    } else {
        Vec::new()
    };
    let mut event = json!({ "kind": "ActionEvent", "id": uuid(&format!("{} action {turn_ix}.{act_ix}", a.name())),
        "timestamp": at, "source": "agent", "thought": thought, "action": action, "tool_name": tool,
        "tool_call_id": call_id, "tool_call": tool_call, "llm_response_id": wire::response_id(a, turn_ix),
        "security_risk": "LOW" });
    if year == Year::Y2026 {
        event["thinking_blocks"] = json!([]);
        event["summary"] = json!(turn.thought.lines().next().unwrap_or("Next step"));
    }
    if let (0, Some(reasoning)) = (act_ix, &turn.reasoning) {
        event["reasoning_content"] = json!(reasoning);
    }
    event
}

/// The events of an attempt. Those of 2026 hold a state update and, where `condense`, a condensation that forgets the
/// first response.
pub(crate) fn events(a: &Attempt, year: Year, condense: bool) -> Vec<Value> {
    let mut clock = Clock::of(a);
    let id = |what: &str| uuid(&format!("{} {what}", a.name()));
    let mut events = vec![
        json!({ "kind": "SystemPromptEvent", "id": id("system"), "timestamp": clock.naive(), "source": "agent",
            "system_prompt": text_part(wire::SYSTEM), "tools": wire::tools(year.names()) }),
        json!({ "kind": "MessageEvent", "id": id("user"), "timestamp": clock.tick(900).naive(), "source": "user",
            "llm_message": { "role": "user", "content": [text_part(&a.task.prompt)] }, "extended_content": [] }),
    ];
    if year == Year::Y2026 {
        events.push(json!({ "kind": "ConversationStateUpdateEvent", "id": id("state"), "timestamp": clock.naive(),
            "source": "environment", "key": "execution_status", "value": "running" }));
    }
    let mut first = Vec::new();
    for (turn_ix, turn) in a.turns.iter().enumerate() {
        clock.tick(wire::latency_ms(turn));
        let at = clock.naive();
        for act_ix in 0..turn.acts.len() {
            events.push(action_event(a, year, turn_ix, act_ix, &at));
        }
        for (act_ix, act) in turn.acts.iter().enumerate() {
            clock.tick(wire::act_ms(act));
            let call = wire::call(act, year.names()).0;
            let observation_id = id(&format!("observation {turn_ix}.{act_ix}"));
            let action_id = id(&format!("action {turn_ix}.{act_ix}"));
            if turn_ix == 0 {
                first.extend([action_id.clone(), observation_id.clone()]);
            }
            let base = json!({ "id": observation_id, "timestamp": clock.naive(), "source": "environment",
                "tool_name": call, "tool_call_id": wire::call_id(a, turn_ix, act_ix) });
            let mut event = base;
            event["kind"] = json!("ObservationEvent");
            event["observation"] = observation(act, year);
            event["action_id"] = json!(action_id);
            events.push(event);
        }
        if condense && turn_ix == 2 {
            events.push(json!({ "kind": "Condensation", "id": id("condensation"), "timestamp": clock.naive(),
                "source": "environment", "forgotten_event_ids": first, "summary": "The agent listed the repository.",
                "summary_offset": 2 }));
        }
    }
    if year == Year::Y2026 {
        events.push(
            json!({ "kind": "ConversationStateUpdateEvent", "id": id("end"), "timestamp": clock.naive(),
            "source": "environment", "key": "execution_status", "value": "finished" }),
        );
    }
    events
}

/// A row of `output.jsonl`.
pub(crate) fn output_row(a: &Attempt, year: Year) -> Value {
    json!({
        "instance_id": a.task.id, "attempt": a.no, "test_result": { "git_patch": a.patch() },
        "instruction": a.task.prompt,
        "metadata": { "llm": { "model": a.model, "temperature": 0.6 }, "dataset": "hybrid-gym", "dataset_split": "train",
            "max_iterations": 100, "eval_output_dir": "outputs", "n_critic_runs": 1, "agent_type": "default",
            "openhands_sdk_version": if year == Year::Y2026 { "1.17.0" } else { "0.9.0" } },
        "history": events(a, year, a.no == 1), "metrics": openhands_v0::metrics_of(a), "error": a.error,
        "instance": a.task.instance, "runtime_runs": null,
    })
}

/// The state beside an event folder.
pub(crate) fn base_state(a: &Attempt, year: Year) -> Value {
    let metrics = openhands_v0::metrics_of(a);
    let key = if year == Year::Y2026 {
        "usage_to_metrics"
    } else {
        "service_to_metrics"
    };
    json!({ "id": uuid(&a.name()), "agent": { "kind": "Agent", "llm": { "model": a.model, "api_key": "**********" },
        "tools": [{ "name": "terminal", "params": {} }, { "name": "file_editor", "params": {} }] },
        "workspace": { "working_dir": ROOT, "kind": "LocalWorkspace" }, "max_iterations": 100,
        "execution_status": "finished", "stats": { key: { "agent": metrics } } })
}

/// The log of the last completion of an attempt, which holds the whole conversation.
pub(crate) fn completion(a: &Attempt) -> Value {
    let mut messages = wire::chat(a, wire::NEW);
    let last = messages.pop().unwrap_or_default();
    let usage = wire::usage(a).last().copied().unwrap_or_default();
    json!({ "messages": messages, "tools": wire::tools(wire::NEW), "kwargs": { "temperature": 0.6 },
        "context_window": 131_072,
        "response": { "id": wire::response_id(a, a.turns.len() - 1), "model": a.model, "object": "chat.completion",
            "choices": [{ "finish_reason": "tool_calls", "index": 0, "message": last }],
            "usage": { "prompt_tokens": usage.0, "completion_tokens": usage.1 } },
        "cost": wire::cost(usage.0, usage.1), "timestamp": Clock::of(a).epoch(), "latency_sec": 2.5 })
}
