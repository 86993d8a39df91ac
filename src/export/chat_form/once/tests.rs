//! Reading once gives what reading twice gave.

use serde_json::Value;
use serde_json::json;

use crate::cancel::Cancel;
use crate::export::Masks;
use crate::export::Refusal;
use crate::export::Subject;
use crate::export::chat_form::Chat;
use crate::model::RecordIx;
use crate::store::OpenOptions;
use crate::store::Store;

fn open(text: &str, masked: bool) -> (tempfile::TempDir, Store, Masks) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jsonl");
    std::fs::write(&path, text).unwrap();
    let store = Store::open(&OpenOptions {
        paths: vec![path],
        ..OpenOptions::default()
    })
    .unwrap();
    store.scan(&Cancel::new(), &mut |_| {}).unwrap();
    let masks = if masked {
        Masks::from([(1, crate::review::Mask::Context)])
    } else {
        Masks::new()
    };
    (folder, store, masks)
}

/// What is said of a conversation.
fn told(chat: Result<Chat, Refusal>) -> Result<(Vec<Value>, Vec<Value>, String), Refusal> {
    chat.map(|mut chat| {
        let losses = format!("{:?}", chat.losses);
        (chat.take_messages(), chat.tools, losses)
    })
}

#[track_caller]
fn check(row: &str) {
    // a row beside it tells how the file divides
    let known =
        r#"{"messages":[{"role":"user","content":"U"},{"role":"assistant","content":"A"}]}"#;
    let text = format!("{known}\n{row}\n{known}\n");
    for masked in [false, true] {
        let (_folder, store, masks) = open(&text, masked);
        for what in [Subject::chat, Subject::recorded] {
            let ix = RecordIx(1);
            let mut once = Subject::new(&store, ix, &masks);
            let mut given = Subject::new(&store, ix, &masks);
            given.know_bytes(store.load_bytes(ix).unwrap_or_default());
            let mut twice = Subject::new(&store, ix, &masks);
            // whoever knows the trajectory parses the JSON apart
            drop(twice.trajectory());
            let (_value, want) = (twice.value().is_ok(), told(what(&mut twice)));
            assert_eq!(told(what(&mut once)), want, "{row}");
            assert_eq!(told(what(&mut given)), want, "{row}");
        }
    }
}

#[test]
fn once_is_as_good_as_twice() {
    let messages = json!([
        {"role": "system", "content": "S"},
        {"role": "user", "content": "U \u{e9} \"q\""},
        {"role": "assistant", "content": null, "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{\"a\": 1e3}"}}]},
        {"role": "tool", "tool_call_id": "1", "content": "R"},
        {"role": "assistant", "content": "<think>t</think>A"},
    ]);
    let tool = json!({"type": "function", "function": {"name": "f", "description": "d", "parameters": null}});
    let null_fields =
        |role: &str| json!({"role": role, "content": role, "name": null, "tool_calls": null});
    let completions = json!({"messages": messages, "tools": [tool]});
    for row in [
        json!({"messages": messages}),
        json!({"instance_id": "a", "messages": messages, "tools": [tool]}),
        json!({"messages": messages, "tools": json!([tool]).to_string()}),
        json!({"messages": messages, "tools": [tool.to_string()]}),
        json!({"messages": messages.to_string()}),
        json!({"messages": [], "conversation": messages}),
        json!({"trajectory": messages, "resolved": true}),
        json!({"messages": [null_fields("user"), null_fields("assistant")]}),
        json!({"raw_completions": completions, "messages": messages}),
        json!({"conversations": [{"from": "human", "value": "U"}, {"from": "gpt", "value": "A"}]}),
        json!({"messages": messages, "response": {"choices": [{"message": {"role": "assistant", "content": "Z"}}]}, "kwargs": {"tools": [tool]}}),
        json!({"instance_id": "o__n-1", "history": [
            {"id": 0, "source": "user", "action": "message", "args": {"content": "Do it."}},
            {"id": 1, "source": "agent", "action": "run", "args": {"command": "ls", "thought": "Look."}},
            {"id": 2, "source": "agent", "cause": 1, "observation": "run", "content": "x\n[The command completed with exit code 3.]", "extras": {"command": "ls"}},
        ], "tools": [tool], "instance": {}, "test_result": {"git_patch": ""}, "metadata": {"agent_class": "C"}}),
        json!({"instance_id": "o__n-1", "history": [
            {"id": 0, "source": "user", "action": "message", "args": {"content": "Do it."}},
        ], "raw_completions": completions.to_string(), "metadata": {"agent_class": "C"}}),
        json!({"agent": {"tool_definitions": [tool]}, "schema_version": "ATIF-v1.2", "session_id": "s", "steps": [
            {"step_id": 1, "source": "user", "message": "U"}, {"step_id": 2, "source": "agent", "message": "A"},
        ]}),
        json!({"nothing": 1}),
        json!([1, 2]),
        messages,
    ] {
        check(&row.to_string());
    }
    check(
        r#"{"messages":[{"role":"user","content":NaN},{"role":"assistant","content":"\ud800 A"}]}"#,
    );
    check(r#"{"messages":[{"role":"user","content":"U"},{"role":"assi"#);
    check(
        r#"{"messages":[{"role":"user","content":"U"}],"messages":[{"role":"user","content":"V"}]}"#,
    );
}
