//! Sessions of Claude Code (with a fork and a sub-agent) and rollouts of Codex (envelope and legacy).

use serde_json::Value;
use serde_json::json;

use super::attempt::Act;
use super::attempt::Attempt;
use super::attempt::Op;
use super::story::ROOT;
use super::story::hex;
use super::story::uuid;
use super::wire;
use super::wire::Clock;

/// Tool, input, result text, structured result and whether it failed, as Claude Code says it.
fn claude_call(act: &Act) -> Option<(&'static str, Value, String, Value, bool)> {
    Some(match act {
        Act::Shell { cmd, out, exit } => {
            let text = if *exit == 0 {
                out.clone()
            } else {
                format!("Exit code {exit}\n{out}")
            };
            let structured = if *exit == 0 {
                json!({ "stdout": out, "stderr": "", "interrupted": false, "isImage": false })
            } else {
                json!(format!("Error: {text}"))
            };
            (
                "Bash",
                json!({ "command": cmd, "description": "Run it" }),
                text,
                structured,
                *exit != 0,
            )
        }
        Act::View {
            path,
            range,
            first,
            text,
            total,
        } => {
            let mut input = json!({ "file_path": format!("{ROOT}/{path}") });
            if let Some((from, to)) = range {
                input["offset"] = json!(from);
                input["limit"] = json!(to + 1 - from);
            }
            let numbered: String = text
                .lines()
                .enumerate()
                .map(|(ix, line)| format!("{:>6}→{line}\n", first + ix))
                .collect();
            let file = json!({ "filePath": format!("{ROOT}/{path}"), "content": text, "numLines": text.lines().count(),
                "startLine": first, "totalLines": total });
            (
                "Read",
                input,
                numbered,
                json!({ "type": "text", "file": file }),
                false,
            )
        }
        Act::Tree { paths } => (
            "Glob",
            json!({ "pattern": "**/*" }),
            paths.join("\n"),
            json!({ "filenames": paths, "numFiles": paths.len(), "truncated": false }),
            false,
        ),
        Act::Edit {
            path,
            op: Op::Replace { old, new },
            before,
            first,
            ..
        } => {
            let lines: Vec<String> = old
                .lines()
                .map(|l| format!("-{l}"))
                .chain(new.lines().map(|l| format!("+{l}")))
                .collect();
            let change = json!([{ "oldStart": first, "oldLines": old.lines().count(), "newStart": first,
                "newLines": new.lines().count(), "lines": lines }]);
            let path = format!("{ROOT}/{path}");
            (
                "Edit",
                json!({ "file_path": path, "old_string": old, "new_string": new }),
                format!("The file {path} has been updated."),
                json!({ "filePath": path, "oldString": old, "newString": new, "originalFile": before,
                    "structuredPatch": change, "userModified": false, "replaceAll": false }),
                false,
            )
        }
        Act::Edit { path, after, .. } => {
            let path = format!("{ROOT}/{path}");
            (
                "Write",
                json!({ "file_path": path, "content": after }),
                format!("File created successfully at: {path}"),
                json!({ "type": "create", "filePath": path, "content": after, "structuredPatch": [] }),
                false,
            )
        }
        Act::Miss { path, old, new } => (
            "Edit",
            json!({ "file_path": format!("{ROOT}/{path}"), "old_string": old, "new_string": new }),
            "<tool_use_error>String to replace not found in file.</tool_use_error>".to_owned(),
            json!("Error: String to replace not found in file."),
            true,
        ),
        Act::Plan { items } => {
            let todos: Vec<Value> = items.iter()
                .map(|(title, status)| json!({ "content": title, "status": status, "activeForm": title })).collect();
            (
                "TodoWrite",
                json!({ "todos": todos }),
                "Todos have been modified successfully.".to_owned(),
                json!({ "oldTodos": [], "newTodos": todos }),
                false,
            )
        }
        Act::Think { .. } | Act::Finish { .. } => return None,
    })
}

/// Writes rows of a session: each row hangs on the one before, unless told otherwise.
struct Session {
    id: String,
    agent: Option<String>,
    seed: String,
    parent: Option<String>,
    clock: Clock,
    rows: Vec<Value>,
}

impl Session {
    fn push(&mut self, kind: &str, fields: Value) -> String {
        let id = uuid(&format!("{} row {}", self.seed, self.rows.len()));
        let mut row = json!({ "parentUuid": self.parent, "isSidechain": self.agent.is_some(), "userType": "external",
            "cwd": ROOT, "sessionId": self.id, "version": "2.1.0", "gitBranch": "main", "type": kind, "uuid": id,
            "timestamp": self.clock.zulu() });
        if let Some(agent) = &self.agent {
            row["agentId"] = json!(agent);
        }
        if let (Some(row), Value::Object(fields)) = (row.as_object_mut(), fields) {
            row.extend(fields);
        }
        self.rows.push(row);
        self.parent = Some(id.clone());
        id
    }

    fn user(&mut self, text: &str) -> String {
        self.push(
            "user",
            json!({ "message": { "role": "user", "content": text } }),
        )
    }

    /// One row of a response; all rows of a response carry the same message id and usage.
    fn assistant(
        &mut self,
        message: &str,
        model: &str,
        content: &Value,
        usage: (usize, usize),
    ) -> String {
        let request = format!("req_{}", hex(message, 16));
        self.push("assistant", json!({ "message": { "model": model, "id": message, "type": "message", "role": "assistant",
            "content": [content], "stop_reason": null, "usage": { "input_tokens": 4, "cache_creation_input_tokens": 96,
                "cache_read_input_tokens": usage.0, "output_tokens": usage.1 } }, "requestId": request }))
    }

    fn result(&mut self, id: &str, text: &str, structured: &Value, is_error: bool) -> String {
        let mut content = json!({ "tool_use_id": id, "type": "tool_result", "content": text });
        if is_error {
            content["is_error"] = json!(true);
        }
        self.push("user", json!({ "message": { "role": "user", "content": [content] }, "toolUseResult": structured }))
    }

    fn turns(&mut self, a: &Attempt, from: usize, to: usize) {
        let usage = wire::usage(a);
        for (turn_ix, usage) in usage.into_iter().enumerate().take(to).skip(from) {
            let turn = &a.turns[turn_ix];
            self.clock.tick(wire::latency_ms(turn));
            let message = format!("msg_{}", hex(&format!("{} {turn_ix}", self.seed), 20));
            if let Some(reasoning) = &turn.reasoning {
                let block =
                    &json!({ "type": "thinking", "thinking": reasoning, "signature": "c2lnbmVk" });
                self.assistant(&message, a.model, block, usage);
            }
            let end = turn.acts.iter().find_map(|act| match act {
                Act::Finish { message } => Some(message.as_str()),
                _ => None,
            });
            let text = end.unwrap_or(&turn.thought);
            if !text.is_empty() {
                self.assistant(
                    &message,
                    a.model,
                    &json!({ "type": "text", "text": text }),
                    usage,
                );
            }
            let calls: Vec<_> = turn.acts.iter().filter_map(claude_call).collect();
            let id = |ix: usize| format!("toolu_{}", hex(&format!("{message} {ix}"), 20));
            for (ix, (tool, input, ..)) in calls.iter().enumerate() {
                let block =
                    &json!({ "type": "tool_use", "id": id(ix), "name": tool, "input": input });
                self.assistant(&message, a.model, block, usage);
            }
            for (ix, (_, _, text, structured, is_error)) in calls.iter().enumerate() {
                self.clock.tick(140);
                self.result(&id(ix), text, structured, *is_error);
            }
        }
    }
}

/// A session and the files beside it, with their paths: the main file, a sub-agent's file and its description.
pub(crate) fn claude(a: &Attempt, helper: &Attempt) -> Vec<(String, Vec<u8>)> {
    let id = uuid(&format!("{} claude", a.name()));
    let agent = hex("sub-agent", 16);
    let mut s = Session {
        id: id.clone(),
        agent: None,
        seed: a.name(),
        parent: None,
        clock: Clock::of(a),
        rows: Vec::new(),
    };
    s.rows.push(json!({ "type": "file-history-snapshot", "messageId": uuid("snapshot"), "isSnapshotUpdate": false,
        "snapshot": { "messageId": uuid("snapshot"), "trackedFileBackups": {}, "timestamp": s.clock.zulu() } }));
    s.push("user", json!({ "isMeta": true, "message": { "role": "user",
        "content": "Caveat: The messages below were generated by the user while running local commands." } }));
    let asked = s.user(&a.task.prompt);
    // The first answer went wrong and was taken back: a branch that ends here.
    s.clock.tick(1_500);
    s.assistant(
        "msg_first_try",
        a.model,
        &json!({ "type": "text", "text": "Which repository do you mean?" }),
        (900, 12),
    );
    s.parent = Some(asked);
    s.turns(a, 0, 2);
    let task = json!({ "type": "tool_use", "id": "toolu_helper", "name": "Task", "input": { "description": "Find the tides",
        "subagent_type": "general-purpose", "prompt": "Where is the height between two readings worked out?" } });
    s.clock.tick(1_000);
    s.assistant("msg_delegate", a.model, &task, (1_000, 40));
    s.clock.tick(20_000);
    s.result("toolu_helper", "It is `interpolate` in harbor_kit/tides.py.", &json!({ "status": "completed", "agentId": agent,
        "content": [{ "type": "text", "text": "It is `interpolate` in harbor_kit/tides.py." }], "totalDurationMs": 20_000,
        "totalTokens": 2_100, "totalToolUseCount": 2 }), false);
    s.turns(a, 2, a.turns.len());
    s.push(
        "system",
        json!({ "subtype": "turn_duration", "durationMs": 61_000, "isMeta": false }),
    );
    s.rows.push(
        json!({ "type": "summary", "summary": "Ballast counted once", "leafUuid": s.parent }),
    );

    let mut sub = Session {
        id: id.clone(),
        agent: Some(agent.clone()),
        seed: helper.name(),
        parent: None,
        clock: Clock::of(a),
        rows: Vec::new(),
    };
    sub.user("Where is the height between two readings worked out?");
    sub.turns(helper, 0, 2);
    sub.assistant(
        "msg_helper_end",
        a.model,
        &json!({ "type": "text",
        "text": "It is `interpolate` in harbor_kit/tides.py." }),
        (1_200, 18),
    );
    let meta = json!({ "agentType": "general-purpose", "description": "Find the tides" });
    vec![
        (format!("{id}.jsonl"), wire::jsonl(&s.rows)),
        (
            format!("{id}/subagents/agent-{agent}.jsonl"),
            wire::jsonl(&sub.rows),
        ),
        (
            format!("{id}/subagents/agent-{agent}.meta.json"),
            format!("{meta}\n").into_bytes(),
        ),
    ]
}

/// The change of an edit in Codex's patch grammar.
fn codex_patch(path: &str, op: &Op, before: &str, after: &str) -> String {
    let mut out = String::from("*** Begin Patch\n");
    let lines = |mark: char, text: &str| -> String {
        text.lines().map(|line| format!("{mark}{line}\n")).collect()
    };
    match op {
        Op::Replace { old, new } => {
            out.push_str(&format!(
                "*** Update File: {path}\n@@\n{}{}",
                lines('-', old),
                lines('+', new)
            ));
        }
        Op::Insert { after: line, text } => {
            let context = before
                .lines()
                .nth(line.saturating_sub(1))
                .unwrap_or_default();
            out.push_str(&format!(
                "*** Update File: {path}\n@@\n {context}\n{}",
                lines('+', text)
            ));
        }
        Op::Create => out.push_str(&format!("*** Add File: {path}\n{}", lines('+', after))),
    }
    out.push_str("*** End Patch");
    out
}

/// Name, arguments and output of a call of Codex; the name `apply_patch` stands for the custom tool.
fn codex_call(act: &Act) -> Option<(&'static str, String, String)> {
    let shell = |cmd: &str| {
        json!({ "command": ["bash", "-lc", cmd], "workdir": ROOT, "timeout_ms": 120_000 })
            .to_string()
    };
    let output = |out: &str, exit: i64| {
        json!({ "output": out, "metadata": { "exit_code": exit, "duration_seconds": 0.1 } })
            .to_string()
    };
    Some(match act {
        Act::Shell { cmd, out, exit } => ("shell", shell(cmd), output(out, *exit)),
        Act::View {
            path, first, text, ..
        } => {
            let last = first + text.lines().count() - 1;
            (
                "shell",
                shell(&format!("sed -n '{first},{last}p' {path}")),
                output(text, 0),
            )
        }
        Act::Tree { paths } => (
            "shell",
            shell("git ls-files"),
            output(&format!("{}\n", paths.join("\n")), 0),
        ),
        Act::Edit {
            path,
            op,
            before,
            after,
            ..
        } => (
            "apply_patch",
            codex_patch(path, op, before, after),
            output(
                &format!("Success. Updated the following files:\nM {path}\n"),
                0,
            ),
        ),
        Act::Plan { items } => {
            let plan: Vec<Value> = items
                .iter()
                .map(|(step, status)| json!({ "step": step, "status": status }))
                .collect();
            (
                "update_plan",
                json!({ "plan": plan }).to_string(),
                "Plan updated".to_owned(),
            )
        }
        _ => return None,
    })
}

/// The items of a rollout, without their envelope.
fn codex_items(a: &Attempt, custom: bool) -> Vec<Value> {
    let mut items = vec![
        json!({ "type": "message", "role": "user", "content": [{ "type": "input_text",
            "text": format!("<environment_context>\n  <cwd>{ROOT}</cwd>\n</environment_context>") }] }),
        json!({ "type": "message", "role": "user", "content": [{ "type": "input_text", "text": a.task.prompt }] }),
    ];
    for (turn_ix, turn) in a.turns.iter().enumerate() {
        let heading = turn.reasoning.as_deref().unwrap_or(&turn.thought);
        if !heading.is_empty() {
            items.push(json!({ "type": "reasoning", "summary": [{ "type": "summary_text", "text": format!("**{heading}**") }],
                "content": null, "encrypted_content": "Z2VoZWlt" }));
        }
        for (act_ix, act) in turn.acts.iter().enumerate() {
            let id = wire::call_id(a, turn_ix, act_ix);
            if let Act::Finish { message } = act {
                items.push(json!({ "type": "message", "role": "assistant",
                    "content": [{ "type": "output_text", "text": message }] }));
            } else if let Some((name, args, output)) = codex_call(act) {
                if name == "apply_patch" && custom {
                    items.push(json!({ "type": "custom_tool_call", "status": "completed", "call_id": id, "name": name, "input": args }));
                    items.push(json!({ "type": "custom_tool_call_output", "call_id": id, "output": output }));
                } else {
                    let args = if name == "apply_patch" {
                        json!({ "command": ["apply_patch", args], "workdir": ROOT }).to_string()
                    } else {
                        args
                    };
                    let name = if name == "apply_patch" { "shell" } else { name };
                    items.push(json!({ "type": "function_call", "name": name, "arguments": args, "call_id": id }));
                    items.push(
                        json!({ "type": "function_call_output", "call_id": id, "output": output }),
                    );
                }
            }
        }
    }
    items
}

/// A rollout in envelopes.
pub(crate) fn codex(a: &Attempt) -> Vec<Value> {
    let mut clock = Clock::of(a);
    let id = uuid(&format!("{} codex", a.name()));
    let mut rows = vec![
        json!({ "timestamp": clock.zulu(), "type": "session_meta", "payload": { "id": id,
        "timestamp": clock.zulu(), "cwd": ROOT, "originator": "codex_exec", "cli_version": "0.98.0", "instructions": null,
        "git": { "commit_hash": super::story::BASE_COMMIT, "branch": "main" } } }),
    ];
    let (mut input, mut output) = (0, 0);
    let mut usage = wire::usage(a).into_iter();
    for item in codex_items(a, true) {
        clock.tick(700);
        let begins = item["type"] == "reasoning";
        if begins {
            rows.push(json!({ "timestamp": clock.zulu(), "type": "turn_context", "payload": { "cwd": ROOT,
                "approval_policy": "never", "sandbox_policy": { "mode": "workspace-write" }, "model": a.model,
                "effort": "high", "summary": "auto" } }));
            if let Some((prompt, completion)) = usage.next() {
                input += prompt;
                output += completion;
                let total = json!({ "input_tokens": input, "cached_input_tokens": 0, "output_tokens": output,
                    "reasoning_output_tokens": 0, "total_tokens": input + output });
                let last = json!({ "input_tokens": prompt, "cached_input_tokens": 0, "output_tokens": completion,
                    "reasoning_output_tokens": 0, "total_tokens": prompt + completion });
                rows.push(json!({ "timestamp": clock.zulu(), "type": "event_msg", "payload": { "type": "token_count",
                    "info": { "total_token_usage": total, "last_token_usage": last, "model_context_window": 272_000 } } }));
            }
        }
        rows.push(json!({ "timestamp": clock.zulu(), "type": "response_item", "payload": item }));
    }
    rows
}

/// A rollout of the first releases: no envelopes, no times.
pub(crate) fn codex_legacy(a: &Attempt) -> Vec<Value> {
    let mut rows = vec![
        json!({ "id": uuid(&format!("{} legacy", a.name())), "timestamp": Clock::of(a).zulu(),
        "instructions": null, "git": { "commit_hash": super::story::BASE_COMMIT, "branch": "main" } }),
    ];
    for item in codex_items(a, false) {
        rows.push(item);
        rows.push(json!({ "record_type": "state" }));
    }
    rows
}
