use super::*;
use crate::model::Child;
use crate::model::ChildKind;
use crate::read::PartRole;
use crate::read::testing;

#[track_caller]
fn read(text: &str, siblings: &[(&str, PartRole, &str)]) -> Trajectory {
    let mut parts = vec![testing::part(
        "trajectory.json",
        PartRole::Main,
        text.as_bytes(),
    )];
    parts.extend(
        siblings
            .iter()
            .map(|(name, role, text)| testing::part(name, *role, text.as_bytes())),
    );
    let layout = if text.contains("__header__") {
        Layout::Session
    } else {
        Layout::Whole
    };
    crate::read::parse(testing::record(Format::Atif, layout, parts)).unwrap()
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
        t.children[of_call].trajectory.run_id.as_deref(),
        Some("sub")
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

/// Calls of a document as `(id, arguments)`, results that name or follow a call, and agent steps, counted in the JSON.
fn counted(steps: &[Value]) -> (usize, Vec<(String, Value)>, usize) {
    let mut calls = Vec::new();
    let mut agents = 0;
    let mut results = 0;
    for step in steps.iter().filter(|s| s["is_copied_context"] != true) {
        let own = step["tool_calls"].as_array().cloned().unwrap_or_default();
        agents += usize::from(step["source"] == "agent");
        results += step["observation"]["results"]
            .as_array()
            .map_or(0, |r| r.len().min(own.len()));
        results += usize::from(step["observation"]["type"] == "tool_result");
        for mut call in own {
            let id = call.get("tool_call_id").or_else(|| call.get("id")).unwrap();
            calls.push((id.as_str().unwrap().to_owned(), call["arguments"].take()));
        }
    }
    (agents, calls, results)
}

#[test]
fn the_corpus_is_read_whole() {
    let Some(corpus) = testing::corpus() else {
        return;
    };
    let mut paths = testing::files(&corpus.join("07-atif"));
    paths.retain(|path| !path.to_string_lossy().contains("terminal-bench-legacy"));
    paths.push(corpus.join("14-derived/atif_v1.7_from_codex_rollout.trajectory.json"));
    assert_eq!(paths.len(), 12);
    for path in paths {
        let shown = path.display();
        let bytes = std::fs::read(&path).unwrap();
        let is_stream = path.extension().is_some_and(|e| e == "jsonl");
        let layout = if is_stream {
            Layout::Session
        } else {
            Layout::Whole
        };
        assert_eq!(
            testing::sniff_file(&bytes),
            Some((Format::Atif, layout)),
            "{shown}"
        );
        let steps: Vec<Value> = if is_stream {
            let lines = std::str::from_utf8(&bytes).unwrap().lines();
            lines
                .skip(1)
                .map(|line| serde_json::from_str(line).unwrap())
                .collect()
        } else {
            let value: Value = serde_json::from_slice(&bytes).unwrap();
            value["steps"].as_array().unwrap().clone()
        };
        let (agents, calls, results) = counted(&steps);
        let raw = testing::record(
            Format::Atif,
            layout,
            vec![testing::part("t.json", PartRole::Main, bytes)],
        );
        let t = crate::read::parse(raw.clone()).unwrap();
        assert_eq!(t.agent_steps(), agents, "{shown}");
        let actions: Vec<_> = t.steps.iter().flat_map(|s| &s.actions).collect();
        let read: Vec<_> = actions
            .iter()
            .map(|a| (a.call_id.clone().unwrap(), a.args.clone()))
            .collect();
        assert_eq!(read, calls, "{shown}");
        assert_eq!(
            actions.iter().filter(|a| a.observation.is_some()).count(),
            results,
            "{shown}"
        );
        assert!(t.agent.is_some() && t.run_id.is_some(), "{shown}");
        testing::damage(&raw, 40);
    }
}

#[test]
fn summarisation_files_are_children_in_the_corpus() {
    let Some(corpus) = testing::corpus() else {
        return;
    };
    let stem = "terminus_2_hello-world-context-summarization.trajectory";
    let file = |name: &str, role| {
        let bytes = std::fs::read(corpus.join("07-atif").join(name)).unwrap();
        testing::part(name, role, bytes)
    };
    let mut parts = vec![file(&format!("{stem}.json"), PartRole::Main)];
    for kind in ["answers", "questions", "summary"] {
        parts.push(file(
            &format!("{stem}.summarization-1-{kind}.json"),
            PartRole::Child,
        ));
    }
    let t = crate::read::parse(testing::record(Format::Atif, Layout::Whole, parts)).unwrap();
    let titles: Vec<_> = t
        .children
        .iter()
        .map(|c| {
            (
                c.title.rsplit(' ').next().unwrap(),
                c.at_step,
                c.trajectory.agent_steps(),
            )
        })
        .collect();
    assert_eq!(
        titles,
        [
            ("generation", Some(4), 1),
            ("asking", Some(4), 1),
            ("providing", Some(4), 1)
        ]
    );
    let results = std::fs::read(corpus.join("07-atif/terminal-bench-legacy/results.json")).unwrap();
    let parts = vec![
        file(&format!("{stem}.json"), PartRole::Main),
        testing::part("results.json", PartRole::Meta, results),
    ];
    let t = crate::read::parse(testing::record(Format::Atif, Layout::Whole, parts)).unwrap();
    assert_eq!(
        (t.outcome.resolved, t.task_id.as_deref()),
        (Some(true), Some("hello-world"))
    );
}

#[test]
fn exit_codes_of_converted_runs_are_kept() {
    let Some(corpus) = testing::corpus() else {
        return;
    };
    let bytes =
        std::fs::read(corpus.join("14-derived/atif_v1.7_from_codex_rollout.trajectory.json"))
            .unwrap();
    let value: Value = serde_json::from_slice(&bytes).unwrap();
    let want = value["steps"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|s| s["extra"]["tool_call_details"].as_object());
    let want = want
        .flat_map(|d| d.values())
        .filter(|d| d["metadata"]["exit_code"].is_number())
        .count();
    let raw = testing::record(
        Format::Atif,
        Layout::Whole,
        vec![testing::part("t.json", PartRole::Main, bytes)],
    );
    let t = crate::read::parse(raw).unwrap();
    let observations = t
        .steps
        .iter()
        .flat_map(|s| &s.actions)
        .filter_map(|a| a.observation.as_ref());
    assert_eq!(observations.filter(|o| o.exit_code.is_some()).count(), want);
    assert!(want > 20);
}

/// None of the four formats read here claims a file of another.
#[test]
fn files_of_other_formats_are_declined() {
    let Some(corpus) = testing::corpus() else {
        return;
    };
    let ours = ["07-", "08-", "09-", "10-"];
    let mut seen = 0;
    for path in testing::files(&corpus) {
        let shown = path
            .strip_prefix(&corpus)
            .unwrap()
            .to_string_lossy()
            .into_owned();
        let is_text = path
            .extension()
            .is_some_and(|e| e == "json" || e == "jsonl" || e == "traj");
        let is_ours =
            ours.iter().any(|start| shown.starts_with(start)) && !shown.contains("terminal-bench");
        if !is_text || is_ours || shown.contains("atif") {
            continue;
        }
        seen += 1;
        let told = testing::sniff_file(&std::fs::read(&path).unwrap()).map(|(format, _)| format);
        let four = [
            Format::Atif,
            Format::Inspect,
            Format::ClaudeCode,
            Format::Codex,
        ];
        assert!(
            !told.is_some_and(|told| four.contains(&told)),
            "{shown}: {told:?}"
        );
    }
    assert!(seen > 200);
}
