use std::collections::HashMap;
use std::collections::HashSet;
use std::path::Path;

use super::*;
use crate::model::ChildKind;
use crate::model::EditOp;
use crate::model::Part;
use crate::model::StepKind;
use crate::read::PartRole;
use crate::read::RawPart;
use crate::read::testing;

#[track_caller]
fn read(lines: &[&str], siblings: Vec<RawPart>) -> Trajectory {
    let mut parts = vec![testing::part("s.jsonl", PartRole::Main, lines.join("\n"))];
    parts.extend(siblings);
    crate::read::parse(testing::record(Format::ClaudeCode, Layout::Session, parts)).unwrap()
}

/// A row: `uuid parent type rest`, where rest is the content as JSON, for assistants behind the message id.
fn row(uuid: &str, parent: &str, kind: &str, id: &str, content: &str, more: &str) -> String {
    let parent = if parent.is_empty() {
        "null".to_owned()
    } else {
        format!("\"{parent}\"")
    };
    let id = if id.is_empty() {
        String::new()
    } else {
        format!(
            r#""id":"{id}","model":"m","usage":{{"input_tokens":1,"cache_read_input_tokens":10,"output_tokens":5}},"#
        )
    };
    format!(
        r#"{{"uuid":"{uuid}","parentUuid":{parent},"type":"{kind}","sessionId":"S","message":{{{id}"role":"{kind}","content":{content}}}{more}}}"#
    )
}

fn use_call(id: &str, name: &str, input: &str) -> String {
    format!(r#"[{{"type":"tool_use","id":"{id}","name":"{name}","input":{input}}}]"#)
}

fn gave(id: &str, text: &str) -> String {
    format!(r#"[{{"type":"tool_result","tool_use_id":"{id}","content":"{text}"}}]"#)
}

fn spoken(trajectory: &Trajectory) -> Vec<String> {
    let steps = trajectory
        .steps
        .iter()
        .filter(|step| step.kind != StepKind::Context);
    steps
        .map(|step| {
            let text = step
                .text
                .as_deref()
                .or(step.thought.as_deref())
                .unwrap_or("-");
            let calls: Vec<String> = step
                .actions
                .iter()
                .map(|call| {
                    let seen = call.first_text().map(ToString::to_string);
                    format!("{}={}", call.tool, seen.unwrap_or_default())
                })
                .collect();
            format!("{:?} {text} {}", step.kind, calls.join(","))
        })
        .collect()
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of rows")]
fn parallel_calls_are_no_fork_and_edits_are_branches() {
    let rows = [
        row("u1", "", "user", "", "\"do\"", ""),
        row(
            "a1",
            "u1",
            "assistant",
            "M1",
            r#"[{"type":"text","text":"both"}]"#,
            "",
        ),
        row(
            "a2",
            "a1",
            "assistant",
            "M1",
            &use_call("c1", "Bash", "{}"),
            "",
        ),
        row(
            "a3",
            "a2",
            "assistant",
            "M1",
            &use_call("c2", "Bash", "{}"),
            "",
        ),
        row("r1", "a2", "user", "", &gave("c1", "one"), ""),
        row("r2", "a3", "user", "", &gave("c2", "two"), ""),
        row(
            "a4",
            "r2",
            "assistant",
            "M2",
            r#"[{"type":"text","text":"first try"}]"#,
            "",
        ),
        row("u2", "a4", "user", "", "\"old prompt\"", ""),
        row(
            "a5",
            "u2",
            "assistant",
            "M3",
            r#"[{"type":"text","text":"old way"}]"#,
            "",
        ),
        row("u3", "a4", "user", "", "\"new prompt\"", ""),
        row(
            "a6",
            "u3",
            "assistant",
            "M4",
            r#"[{"type":"text","text":"new way"}]"#,
            "",
        ),
    ];
    let lines: Vec<&str> = rows.iter().map(String::as_str).collect();
    let t = read(&lines, Vec::new());
    assert_eq!(
        spoken(&t),
        [
            "User do ",
            "Agent both Bash=one,Bash=two",
            "Agent first try ",
            "User new prompt ",
            "Agent new way "
        ]
    );
    assert_eq!(t.children.len(), 1);
    assert_eq!(
        (t.children[0].kind, t.children[0].at_step),
        (ChildKind::Branch, Some(2))
    );
    assert_eq!(
        spoken(&t.children[0].trajectory),
        ["User old prompt ", "Agent old way "]
    );
    let tokens = t.steps[1].tokens.unwrap();
    assert_eq!(
        (tokens.input, tokens.output, tokens.cache_read),
        (Some(11), Some(5), Some(10))
    );
    assert_eq!(
        t.totals.tokens.output,
        Some(15),
        "usage counts once a response"
    );
}

#[test]
fn compaction_and_resumes_lose_nothing() {
    let rows = [
        r#"{"type":"summary","summary":"Earlier","leafUuid":"x"}"#.to_owned(),
        row("u1", "gone", "user", "", "\"do\"", ""),
        row("a1", "u1", "assistant", "M1", r#"[{"type":"text","text":"one"}]"#, ""),
        r#"{"uuid":"b","parentUuid":null,"logicalParentUuid":"a1","type":"system","subtype":"compact_boundary","content":"compacted","sessionId":"S"}"#.to_owned(),
        row("u2", "b", "user", "", "\"summary so far\"", r#","isCompactSummary":true"#),
        row("a2", "u2", "assistant", "M2", r#"[{"type":"text","text":"two"}]"#, ""),
        row("a1", "u1", "assistant", "M1", r#"[{"type":"text","text":"one"}]"#, ""),
        row("u3", "", "user", "", "\"again\"", ""),
        row("a3", "u3", "assistant", "M3", r#"[{"type":"text","text":"three"}]"#, ""),
    ];
    let lines: Vec<&str> = rows.iter().map(String::as_str).collect();
    let t = read(&lines, Vec::new());
    assert_eq!(
        spoken(&t),
        [
            "User do ",
            "Agent one ",
            "Agent two ",
            "User again ",
            "Agent three "
        ]
    );
    assert!(t.children.is_empty());
    let labels: Vec<_> = t.steps.iter().filter_map(|s| s.label.as_deref()).collect();
    assert_eq!(labels, ["summary", "compact_boundary", "compact-summary"]);
}

#[test]
fn structured_results_are_edits_views_and_exit_codes() {
    let edit = r#","toolUseResult":{"filePath":"/f","oldString":"b","newString":"B","originalFile":"a\nb\n","structuredPatch":[{"oldStart":1,"oldLines":2,"newStart":1,"newLines":2,"lines":[" a","-b","+B"]}],"userModified":false}"#;
    let shown = r#","toolUseResult":{"type":"text","file":{"filePath":"/f","content":"x\ny","startLine":7,"numLines":2,"totalLines":90}}"#;
    let rows = [
        row("u1", "", "user", "", "\"do\"", ""),
        row(
            "a1",
            "u1",
            "assistant",
            "M1",
            &use_call("e", "Edit", r#"{"file_path":"/f","n":1.0}"#),
            "",
        ),
        row("r1", "a1", "user", "", &gave("e", "ok"), edit),
        row(
            "a2",
            "r1",
            "assistant",
            "M2",
            &use_call("v", "Read", "{}"),
            "",
        ),
        row("r2", "a2", "user", "", &gave("v", "   7→x"), shown),
        row(
            "a3",
            "r2",
            "assistant",
            "M3",
            &use_call("b", "Bash", "{}"),
            "",
        ),
        row(
            "r3",
            "a3",
            "user",
            "",
            r#"[{"type":"tool_result","tool_use_id":"b","is_error":true,"content":"Exit code 3\nbad"}]"#,
            "",
        ),
    ];
    let lines: Vec<&str> = rows.iter().map(String::as_str).collect();
    let t = read(&lines, Vec::new());
    let edit = &t.steps[1].actions[0].edits[0];
    assert_eq!((edit.op, edit.line), (EditOp::StrReplace, Some(2)));
    assert_eq!(edit.after.as_deref(), Some("a\nB\n"));
    assert_eq!(
        edit.diff.as_deref(),
        Some("--- /f\n+++ /f\n@@ -1,2 +1,2 @@\n a\n-b\n+B\n")
    );
    assert_eq!(
        t.steps[1].actions[0].args.to_string(),
        r#"{"file_path":"/f","n":1.0}"#
    );
    let view = t.steps[2].actions[0].view.as_ref().unwrap();
    assert_eq!(
        (view.first_line, view.total_lines, view.text.as_deref()),
        (Some(7), Some(90), Some("x\ny"))
    );
    let seen = t.steps[3].actions[0].observation.as_ref().unwrap();
    assert_eq!((seen.exit_code, seen.is_error), (Some(3), Some(true)));
}

#[test]
fn agents_are_children_of_their_calls() {
    let rows = [
        row("u1", "", "user", "", "\"do\"", ""),
        row(
            "a1",
            "u1",
            "assistant",
            "M1",
            &use_call("t", "Task", r#"{"prompt":"look","description":"Looks"}"#),
            "",
        ),
        row("s1", "", "user", "", "\"look\"", r#","isSidechain":true"#),
        row(
            "s2",
            "s1",
            "assistant",
            "X1",
            r#"[{"type":"text","text":"seen"}]"#,
            r#","isSidechain":true"#,
        ),
        row(
            "r1",
            "a1",
            "user",
            "",
            &gave("t", "report"),
            r#","toolUseResult":{"agentId":"q9"}"#,
        ),
    ];
    let lines: Vec<&str> = rows.iter().map(String::as_str).collect();
    let file = row(
        "f1",
        "",
        "assistant",
        "Y1",
        r#"[{"type":"text","text":"other"}]"#,
        r#","isSidechain":true,"agentId":"q9""#,
    );
    let meta = r#"{"agentType":"Explore","description":"Finds"}"#;
    let t = read(
        &lines,
        vec![
            testing::part("agent-q9.jsonl", PartRole::Child, file.clone()),
            testing::part("agent-q9.meta.json", PartRole::Meta, meta),
        ],
    );
    assert_eq!(t.agent_steps(), 1);
    let shown: Vec<_> = t
        .children
        .iter()
        .map(|c| (c.title.as_str(), c.at_step, c.trajectory.agent_steps()))
        .collect();
    assert_eq!(
        shown,
        [("Looks", Some(1), 1), ("Explore: Finds", Some(1), 1)]
    );
    assert_eq!(t.steps[1].actions[0].child, Some(0));
    let alone = read(&[&file], Vec::new());
    assert_eq!((alone.id.as_str(), alone.agent_steps()), ("agent-q9", 1));
}

#[test]
fn agents_hang_under_the_agent_that_started_them() {
    let side = |agent: &str| format!(r#","isSidechain":true,"agentId":"{agent}""#);
    let call =
        |id: &str, prompt: &str| use_call(id, "Task", &format!(r#"{{"prompt":"{prompt}"}}"#));
    let main = [
        row("u1", "", "user", "", "\"do\"", ""),
        row("a1", "u1", "assistant", "M1", &call("t1", "first"), ""),
    ];
    let lines: Vec<&str> = main.iter().map(String::as_str).collect();
    let agent = |name: &str, asked: &str, id: &str, prompt: &str| {
        let first = row(
            &format!("{name}1"),
            "",
            "user",
            "",
            &format!("\"{asked}\""),
            &side(name),
        );
        let second = row(
            &format!("{name}2"),
            &format!("{name}1"),
            "assistant",
            &format!("M{name}"),
            &call(id, prompt),
            &side(name),
        );
        testing::part(
            &format!("agent-{name}.jsonl"),
            PartRole::Child,
            format!("{first}\n{second}"),
        )
    };
    // p is the session's, q is p's, r and s start each other
    let parts = vec![
        agent("q", "second", "t3", "nobody"),
        agent("p", "first", "t2", "second"),
        agent("r", "ring a", "t4", "ring b"),
        agent("s", "ring b", "t5", "ring a"),
    ];
    let t = read(&lines, parts);
    let ids = |t: &Trajectory| -> Vec<String> {
        t.children
            .iter()
            .map(|child| child.trajectory.id.clone())
            .collect()
    };
    assert_eq!(ids(&t), ["agent-p", "agent-r"]);
    let p = &t.children[0].trajectory;
    assert_eq!(ids(p), ["agent-q"]);
    assert_eq!(p.steps[1].actions[0].child, Some(0));
    assert_eq!(ids(&t.children[1].trajectory), ["agent-s"]);
}

struct Counted {
    messages: HashSet<String>,
    calls: HashMap<String, Value>,
    results: HashSet<String>,
}

fn count(texts: &[String]) -> Counted {
    let mut counted = Counted {
        messages: HashSet::new(),
        calls: HashMap::new(),
        results: HashSet::new(),
    };
    for line in texts.iter().flat_map(|text| text.lines()) {
        let Ok(row) = serde_json::from_str::<Value>(line) else {
            continue;
        };
        let Some(message) = row.get("message") else {
            continue;
        };
        if row["type"] == "assistant" && message["model"] != "<synthetic>" {
            counted
                .messages
                .insert(message["id"].as_str().unwrap().to_owned());
        }
        for item in message["content"].as_array().into_iter().flatten() {
            if item["type"] == "tool_use" {
                counted.calls.insert(
                    item["id"].as_str().unwrap().to_owned(),
                    item["input"].clone(),
                );
            }
            if item["type"] == "tool_result" {
                counted
                    .results
                    .insert(item["tool_use_id"].as_str().unwrap().to_owned());
            }
        }
    }
    counted
}

fn all<'a>(trajectory: &'a Trajectory, into: &mut Vec<&'a Trajectory>) {
    into.push(trajectory);
    for child in &trajectory.children {
        all(&child.trajectory, into);
    }
}

fn session_parts(path: &Path) -> Vec<RawPart> {
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    let mut parts = vec![testing::part(
        &name(path),
        PartRole::Main,
        std::fs::read(path).unwrap(),
    )];
    let folder = path.with_extension("").join("subagents");
    if folder.is_dir() {
        for file in testing::files(&folder) {
            let role = if file.extension().is_some_and(|e| e == "jsonl") {
                PartRole::Child
            } else {
                PartRole::Meta
            };
            parts.push(testing::part(
                &name(&file),
                role,
                std::fs::read(&file).unwrap(),
            ));
        }
    }
    parts
}

#[test]
fn the_corpus_is_read_whole() {
    let Some(corpus) = testing::corpus() else {
        return;
    };
    let mut seen = 0;
    for path in testing::files(&corpus.join("09-claude-code")) {
        if path.extension().is_none_or(|e| e != "jsonl") {
            continue;
        }
        seen += 1;
        let shown = path.display();
        let parts = session_parts(&path);
        assert_eq!(
            testing::sniff_file(&parts[0].bytes),
            Some((Format::ClaudeCode, Layout::Session)),
            "{shown}"
        );
        let texts: Vec<String> = parts
            .iter()
            .map(|p| String::from_utf8(p.bytes.clone()).unwrap())
            .collect();
        let want = count(&texts);
        let has_agents = parts.len() > 1;
        let raw = testing::record(Format::ClaudeCode, Layout::Session, parts);
        let t = crate::read::parse(raw).unwrap();
        let mut trees = Vec::new();
        all(&t, &mut trees);
        let steps: usize = trees.iter().map(|t| t.agent_steps()).sum();
        assert_eq!(steps, want.messages.len(), "{shown}: a step a response");
        let actions: Vec<_> = trees
            .iter()
            .flat_map(|t| &t.steps)
            .flat_map(|s| &s.actions)
            .collect();
        assert_eq!(actions.len(), want.calls.len(), "{shown}: each call once");
        for action in &actions {
            assert_eq!(
                action.args,
                want.calls[action.call_id.as_ref().unwrap()],
                "{shown}: args verbatim"
            );
        }
        let answered = actions.iter().filter(|a| a.observation.is_some()).count();
        assert_eq!(
            answered,
            want.results.len(),
            "{shown}: each result at its call"
        );
        assert!(
            trees
                .iter()
                .flat_map(|t| &t.steps)
                .all(|s| s.raw_range.is_some()),
            "{shown}"
        );
        assert!(
            trees
                .iter()
                .all(|t| t.children.iter().all(|c| c.kind != ChildKind::Branch)),
            "{shown}: no forks there"
        );
        if has_agents {
            assert_eq!(t.children.len(), 6, "{shown}");
            let linked = t
                .steps
                .iter()
                .flat_map(|s| &s.actions)
                .filter(|a| a.child.is_some())
                .count();
            assert_eq!(linked, 6, "{shown}");
        }
    }
    assert_eq!(seen, 12);
}

#[test]
fn images_keep_their_size_and_nothing_else() {
    let Some(corpus) = testing::corpus() else {
        return;
    };
    let path = corpus.join("09-claude-code/session_image_1MBline.jsonl");
    let raw = testing::record(Format::ClaudeCode, Layout::Session, session_parts(&path));
    let t = crate::read::parse(raw).unwrap();
    let parts = t
        .steps
        .iter()
        .flat_map(|s| &s.actions)
        .filter_map(|a| a.observation.as_ref())
        .flat_map(|o| &o.parts);
    let parts = parts.chain(t.steps.iter().flat_map(|s| &s.attachments));
    let big = parts
        .filter(|part| matches!(part, Part::Image { bytes: Some(bytes), .. } if *bytes > 300_000))
        .count();
    assert!(big >= 1);
    assert!(t.approx_bytes() < 600_000, "{}", t.approx_bytes());
}

#[test]
fn damage_never_panics() {
    let Some(corpus) = testing::corpus() else {
        return;
    };
    for name in [
        "session_edits_ansi.jsonl",
        "subagents_project/ef958aa1-0e93-49f0-bb71-150f63befcd1.jsonl",
    ] {
        let mut parts = session_parts(&corpus.join("09-claude-code").join(name));
        parts.truncate(1);
        testing::damage(
            &testing::record(Format::ClaudeCode, Layout::Session, parts),
            60,
        );
    }
}
