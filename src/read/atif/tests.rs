use std::path::PathBuf;

use super::*;
use crate::model::Child;
use crate::model::ChildKind;
use crate::model::Source;
use crate::read::PartRole;
use crate::read::RawPart;
use crate::read::RawRecord;

fn part(name: &str, role: PartRole, bytes: &[u8]) -> RawPart {
    RawPart {
        name: name.to_owned(),
        role,
        start: 0,
        bytes: bytes.to_vec(),
    }
}

fn raw(name: &str, layout: Layout, parts: Vec<RawPart>) -> RawRecord {
    RawRecord {
        source: Source {
            path: PathBuf::from(name),
            format: Some(Format::Atif),
            ..Source::default()
        },
        layout,
        shape: if layout == Layout::Session {
            Shape::Lines
        } else {
            Shape::Object
        },
        parts,
    }
}

#[track_caller]
fn read(text: &str, siblings: &[(&str, PartRole, &str)]) -> Trajectory {
    let mut parts = vec![part("trajectory.json", PartRole::Main, text.as_bytes())];
    parts.extend(
        siblings
            .iter()
            .map(|(name, role, text)| part(name, *role, text.as_bytes())),
    );
    let layout = if text.contains("__header__") {
        Layout::Session
    } else {
        Layout::Whole
    };
    crate::read::parse(raw("trajectory.json", layout, parts)).unwrap()
}

fn step_texts(trajectory: &Trajectory) -> Vec<String> {
    let words = |step: &crate::model::Step| {
        let text = step
            .text
            .as_deref()
            .or(step.thought.as_deref())
            .unwrap_or("-");
        let calls: Vec<String> = step
            .actions
            .iter()
            .map(|call| {
                let seen = call
                    .observation
                    .as_ref()
                    .map(|o| o.first_text().map_or("", |t| t));
                format!("{}={}", call.tool, seen.unwrap_or("none"))
            })
            .collect();
        format!("{:?} {text} [{}]", step.kind, calls.join(", "))
    };
    trajectory.steps.iter().map(words).collect()
}

#[test]
fn results_find_their_calls() {
    let t = read(
        r#"{"schema_version":"ATIF-v1.5","session_id":"s","agent":{"name":"a","version":"1","model_name":"m"},"steps":[
        {"step_id":1,"source":"system","message":"sys"},
        {"step_id":2,"source":"user","message":"do"},
        {"step_id":3,"source":"system","message":"Tool result for c9","observation":{"type":"tool_result","content":"early","result":{"success":false}}},
        {"step_id":4,"source":"agent","message":"by id","tool_calls":[{"tool_call_id":"a","function_name":"x","arguments":{}},{"tool_call_id":"b","function_name":"y","arguments":"{\"k\":1.0}"}],
         "observation":{"results":[{"source_call_id":"b","content":"B"},{"source_call_id":"a","content":[{"type":"text","text":"A"}]}]},
         "metrics":{"prompt_tokens":10,"cached_tokens":4,"completion_tokens":2,"cost_usd":0.5}},
        {"step_id":5,"source":"agent","message":"shared","tool_calls":[{"tool_call_id":"d","function_name":"bash_command","arguments":{"keystrokes":"ls\n","duration":0.1}},{"tool_call_id":"e","function_name":"bash_command","arguments":{"keystrokes":"q","duration":0.1}}],
         "observation":{"results":[{"content":"screen"}]}},
        {"step_id":6,"source":"agent","message":"late call","tool_calls":[{"id":"c9","name":"z","arguments":{}}]},
        {"step_id":7,"source":"agent","message":"broken","observation":{"results":[{"content":"no parse"}]}}
        ],"final_metrics":{"total_prompt_tokens":10}}"#,
        &[],
    );
    assert_eq!(
        step_texts(&t),
        [
            "System sys []",
            "User do []",
            "Agent by id [x=A, y=B]",
            "Agent shared [bash_command=none, bash_command=screen]",
            "Agent late call [z=early]",
            "Agent broken []",
            "Context no parse []",
        ]
    );
    let calls = &t.steps[3].actions;
    assert_eq!(
        calls[0].shell.as_ref().map(|s| (&*s.cmd, s.is_input)),
        Some(("ls", false))
    );
    assert_eq!(
        calls[1].shell.as_ref().map(|s| (&*s.cmd, s.is_input)),
        Some(("q", true))
    );
    assert_eq!(t.steps[2].actions[1].args.to_string(), r#"{"k":1.0}"#);
    assert_eq!(
        t.steps[4].actions[0].observation.as_ref().unwrap().is_error,
        Some(true)
    );
    let tokens = t.steps[2].tokens.unwrap();
    assert_eq!(
        (tokens.input, tokens.cache_read, tokens.output),
        (Some(10), Some(4), Some(2))
    );
    assert_eq!(
        (t.id.as_str(), t.model.as_deref(), t.agent.as_deref()),
        ("s", Some("m"), Some("a 1"))
    );
}

#[test]
fn other_trajectories_become_children() {
    let sub = r#"{"schema_version":"ATIF-v1.5","session_id":"sub","agent":{"name":"s","version":"1"},"steps":[
        {"step_id":1,"source":"agent","message":"copied","is_copied_context":true,"tool_calls":[{"tool_call_id":"q","function_name":"x","arguments":{}}]},
        {"step_id":2,"source":"agent","message":"own"}],"continued_trajectory_ref":"main.json"}"#;
    let t = read(
        r#"{"schema_version":"1.4","agent":{"name":"a","model":"m"},"steps":[
        {"step_id":1,"source":"user","message":"do"},
        {"step_id":2,"source":"agent","message":"","tool_calls":[{"tool_call_id":"t","function_name":"Task","arguments":{}}],
         "observation":{"results":[{"source_call_id":"t","content":"done","subagent_trajectory_ref":[{"trajectory_path":"x/sub.json"},{"session_id":"in"},{"session_id":"gone"}]}]}},
        {"step_id":3,"source":"agent","message":"side","extra":{"is_sidechain":true}},
        {"step_id":4,"source":"agent","message":"end"}],
        "subagent_trajectories":[{"session_id":"in","agent":{},"steps":[]}],
        "continued_trajectory_ref":"t.cont-1.json","extra":{"success":false}}"#,
        &[
            ("sub.json", PartRole::Child, sub),
            (
                "t.cont-1.json",
                PartRole::Child,
                r#"{"agent":{},"steps":[]}"#,
            ),
            (
                "result.json",
                PartRole::Meta,
                r#"{"task_name":"T","trial_name":"T__1","verifier_result":{"rewards":{"reward":1.0}},"exception_info":{"exception_type":"E","exception_message":"m"}}"#,
            ),
        ],
    );
    let shown: Vec<_> = t
        .children
        .iter()
        .map(|c: &Child| (c.kind, c.at_step))
        .collect();
    assert_eq!(
        shown,
        [
            (ChildKind::SubAgent, Some(1)),
            (ChildKind::SubAgent, Some(1)),
            (ChildKind::SubAgent, Some(1)),
            (ChildKind::Continuation, Some(2)),
        ]
    );
    let of_call = t.steps[1].actions[0].child.unwrap();
    assert_eq!(
        t.children[of_call]
            .trajectory
            .run_id
            .as_deref()
            .unwrap_or("side"),
        "side"
    );
    let sub = t
        .children
        .iter()
        .find(|c| c.trajectory.run_id.as_deref() == Some("sub"))
        .unwrap();
    assert_eq!(sub.trajectory.agent_steps(), 1);
    assert_eq!(sub.trajectory.action_count(), 0);
    assert_eq!(
        (t.outcome.resolved, t.outcome.reward),
        (Some(true), Some(1.0))
    );
    assert_eq!(t.outcome.error.as_deref(), Some("E: m"));
    assert_eq!(t.task_id.as_deref(), Some("T"));
    let parts = &t.steps[1].actions[0].observation.as_ref().unwrap().parts;
    assert_eq!(parts.len(), 2, "the unresolved reference stays");
}
