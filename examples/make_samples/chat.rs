//! Chat rows of data sets: tool calls, text calls, fences, texts inside texts; ADP's two forms.

use serde_json::Value;
use serde_json::json;

use super::attempt::Act;
use super::attempt::Attempt;
use super::swe_agent;
use super::wire;
use super::wire::Names;
use super::wire::OLD;

/// A row with tool calls in the layout of SWE-Gym's sampled trajectories: every field present, absent ones null.
pub(crate) fn tool_calls_row(a: &Attempt) -> Value {
    let messages: Vec<Value> = wire::chat(a, OLD)
        .into_iter()
        .map(|m| {
            let content = if m["role"] == "tool" {
                json!(format!(
                    "OBSERVATION:\n{}",
                    m["content"].as_str().unwrap_or_default()
                ))
            } else {
                m["content"].clone()
            };
            json!({ "content": content, "function_call": null, "name": m["name"], "role": m["role"],
                "tool_call_id": m["tool_call_id"], "tool_calls": m["tool_calls"] })
        })
        .collect();
    json!({ "instance_id": format!("{}_{}", a.task.id, a.no - 1), "run_id": format!("{}_run_{}", a.model, a.no),
        "resolved": a.resolved, "messages": messages, "tools": wire::tools(OLD),
        "test_result": { "git_patch": a.patch(), "report": { "resolved": a.resolved, "empty_generation": a.patch().is_empty() } } })
}

/// A row with `<function=…>` calls in the layout of SWE-smith.
pub(crate) fn xml_row(a: &Attempt) -> Value {
    let names = Names {
        shell: "bash",
        editor: "str_replace_editor",
    };
    json!({ "messages": wire::text_chat(a, names, |act| format!("OBSERVATION:\n{}", act.result())),
        "instance_id": a.task.id, "resolved": a.resolved, "model": a.model,
        "traj_id": format!("{}.{}", a.task.id, super::story::hex(&a.name(), 8)), "patch": a.patch() })
}

/// The same row with its messages as one text.
pub(crate) fn text_messages_row(a: &Attempt) -> Value {
    let mut row = xml_row(a);
    row["messages"] = json!(row["messages"].to_string());
    row
}

/// A row with commands in fences.
pub(crate) fn fenced_row(a: &Attempt) -> Value {
    json!({ "messages": swe_agent::mini_0(a), "patch": a.patch(), "model": a.model, "instance_id": a.task.id,
        "verified": a.resolved })
}

/// A row of Hybrid-Gym's own export.
pub(crate) fn hybrid_gym_row(a: &Attempt) -> Value {
    let result = |act: &Act| {
        let status = act.exit().map_or_else(String::new, |exit| {
            format!("[Command finished with exit code {exit}]")
        });
        format!(
            "EXECUTION RESULT of [{}]:\n{}{status}",
            wire::call(act, wire::NEW).0,
            act.result()
        )
    };
    json!({ "instance_id": a.task.id, "resolved": a.resolved, "messages": wire::text_chat(a, wire::NEW, result) })
}

/// ADP's standardised form.
pub(crate) fn adp_std(a: &Attempt) -> Value {
    let mut content = vec![
        json!({ "class_": "text_observation", "content": a.task.prompt, "name": null, "source": "user" }),
    ];
    for turn in &a.turns {
        for act in &turn.acts {
            content.push(match act {
                Act::Shell { cmd, .. } => json!({ "class_": "code_action", "language": "bash", "content": cmd,
                    "description": turn.thought }),
                Act::Finish { message } => json!({ "class_": "message_action",
                    "content": format!("<finish> {message} </finish>"), "description": turn.thought }),
                _ => {
                    let (tool, args) = wire::call(act, OLD);
                    json!({ "class_": "api_action", "function": tool, "kwargs": args, "description": turn.thought })
                }
            });
            if !matches!(act, Act::Finish { .. }) {
                content.push(
                    json!({ "class_": "text_observation", "content": act.result(), "name": null,
                    "source": "environment" }),
                );
            }
        }
    }
    let resolved = if a.resolved == Some(true) {
        "True"
    } else {
        "False"
    };
    json!({ "id": format!("{}_0", a.task.id), "content": content,
        "details": { "run_id": a.model, "resolved": resolved, "tools": wire::tools(OLD).to_string() } })
}

/// ADP's sft form.
pub(crate) fn adp_sft(a: &Attempt) -> Value {
    let mut conversations = vec![json!({ "from": "human", "value": a.task.prompt })];
    for turn in &a.turns {
        for act in &turn.acts {
            let text = format!("{}\n\n{}", turn.thought, wire::text_call(act, OLD));
            conversations.push(json!({ "from": "function_call", "value": text.trim_start() }));
            if !matches!(act, Act::Finish { .. }) {
                conversations.push(json!({ "from": "observation",
                    "value": format!("EXECUTION RESULT of [{}]:\n{}", wire::call(act, OLD).0, act.result()) }));
            }
        }
    }
    json!({ "id": format!("{}_0", a.task.id), "conversations": conversations, "system": wire::SYSTEM })
}
