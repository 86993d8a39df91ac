//! From text to text comes to what reading and converting comes to.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::cancel::Cancel;
use crate::export::Masks;
use crate::export::sft;
use crate::export::tokens::TokenCounter;
use crate::model::RecordIx;
use crate::store::OpenOptions;
use crate::store::Store;

fn context(with_ids: bool) -> Context {
    Context {
        with_ids,
        tool_prompt: Some(ToolPrompt::parse("\nTOOLS \"é\"\n{description}END").unwrap()),
        template: None,
        counter: TokenCounter::Estimate,
    }
}

/// A row's line, tokens and losses, or why it has none; `converts` makes it.
type Told = Result<(String, usize, String), String>;

fn told(rendered: Result<Rendered, String>, context: &Context) -> Told {
    let rendered = rendered?;
    let tokens = context.counter.count_all(&rendered);
    let line = match rendered.body {
        Body::Written(line, _) => String::from_utf8(line).unwrap(),
        Body::Rows(rows) => {
            let lines = rows.iter().map(|row| format!("{row}\n"));
            lines.collect::<Vec<_>>().concat()
        }
        other => panic!("{other:?}"),
    };
    Ok((line, tokens, format!("{:?}", rendered.losses)))
}

/// Converts both ways; whether there was a short one.
#[track_caller]
fn agrees(row: &str, context: &Context) -> bool {
    // a row beside it tells how the file divides
    let known =
        r#"{"messages":[{"role":"user","content":"U"},{"role":"assistant","content":"A"}]}"#;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jsonl");
    std::fs::write(&path, format!("{known}\n{row}\n{known}\n")).unwrap();
    let store = Store::open(&OpenOptions {
        paths: vec![path],
        ..OpenOptions::default()
    })
    .unwrap();
    store.scan(&Cancel::new(), &mut |_| {}).unwrap();
    let masks = Masks::new();
    let subject = Subject::new(&store, RecordIx(1), &masks);
    let prompt = context.tool_prompt.as_ref().unwrap();
    let short = pass_on(&subject, context, prompt);
    let mut long = Subject::new(&store, RecordIx(1), &masks);
    // whoever knows the trajectory has parsed it
    drop(long.trajectory());
    assert!(pass_on(&long, context, prompt).is_none() || long.trajectory().is_err());
    let long = sft::render(&mut long, context).map_err(|refusal| refusal.0);
    let is_short = short.is_some();
    if let Some(short) = short {
        assert_eq!(told(Ok(short), context), told(long, context), "{row}");
    }
    is_short
}

fn row(messages: &Value) -> String {
    let tools = json!([{"type": "function", "function": {"name": "bash", "description": "Runs \"it\".\n"}}]);
    json!({"instance_id": "a", "messages": messages, "tools": tools}).to_string()
}

fn called(content: &Value, arguments: &str) -> Value {
    let call = json!({"id": "1", "type": "function", "function": {"name": "bash", "arguments": arguments}});
    json!([
        {"role": "system", "content": "Sys/tem"},
        {"role": "user", "content": [{"type": "text", "text": "Do é.\n"}]},
        {"role": "assistant", "content": content, "tool_calls": [call], "reasoning_content": "hm"},
        {"role": "tool", "tool_call_id": "1", "name": "bash", "content": "a\t\"b\"\u{1}"},
        {"role": "tool", "tool_call_id": "1", "content": [{"type": "text", "text": ""}]},
        {"role": "assistant", "content": "", "reasoning_content": null},
    ])
}

#[test]
fn plain_rows_are_passed_on() {
    let context = context(false);
    for content in [
        json!("Look."),
        json!(""),
        json!(null),
        json!([{"type": "text", "text": "L"}]),
    ] {
        for arguments in ["{}", r#"{"command":"ls\n-l","n":[1,null],"x":true}"#] {
            let row = row(&called(&content, arguments));
            assert!(agrees(&row, &context), "{row}");
            let spaced = row.replace("\":", "\" : ").replace('é', "\\u00E9");
            assert!(agrees(&spaced, &context), "{spaced}");
        }
    }
}

#[test]
fn recorded_completions_of_rows_are_passed_on() {
    let context = context(false);
    let raw = json!({"messages": called(&json!("Look."), "{}"), "tools": []});
    let event = |id: usize| json!({"id": id, "source": "agent", "action": "run", "args": {"command": "ls"}});
    let history: Vec<Value> = (0..9).map(event).collect();
    let row = json!({
        "instance_id": "a", "test_result": {"git_patch": ""}, "metadata": {"agent_class": "CodeActAgent"},
        "history": history, "raw_completions": raw,
    });
    assert!(agrees(&row.to_string(), &context));
    let mut hidden = row.clone();
    hidden["raw_completions"] = json!(raw.to_string());
    assert!(!agrees(&hidden.to_string(), &context));
    let mut empty = row;
    empty["raw_completions"] = json!(null);
    assert!(!agrees(&empty.to_string(), &context));
}

#[test]
fn what_is_not_plain_is_read() {
    let said = |message: Value| json!([{"role": "user", "content": "U"}, message]);
    let call = json!({"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}});
    for messages in [
        called(&json!(" Look."), "{}"),
        called(&json!("\u{a0}Look."), "{}"),
        called(&json!("\nLook."), "{}"),
        called(&json!("Look."), "[]"),
        called(&json!("Look."), "{"),
        called(
            &json!([{"type": "text", "text": "L"}, {"type": "text", "text": "M"}]),
            "{}",
        ),
        called(&json!([{"type": "image_url"}]), "{}"),
        said(json!({"role": "assistant", "content": "A", "tool_calls": []})),
        said(json!({"role": "assistant", "content": "A", "tool_calls": [call, call]})),
        said(json!({"role": "assistant", "tool_calls": [call]})),
        said(json!({"role": "tool", "content": "R", "x": 1})),
        said(json!({"role": "developer", "content": "D", "x": 1})),
        said(json!({"role": "user", "content": 7, "x": 1})),
    ] {
        let row = row(&messages);
        assert!(!agrees(&row, &context(false)), "{row}");
    }
    let plain = row(&called(&json!("Look."), "{}"));
    assert!(!agrees(&plain, &context(true)));
    let twice = plain.replace(r#""role":"system""#, r#""content":"X","role":"system""#);
    assert!(!agrees(&twice, &context(false)));
    let no_tools = plain.replace(
        r#""type":"function","function":{"name":"bash","desc"#,
        r#""x":{"desc"#,
    );
    assert!(!agrees(&no_tools, &context(false)), "{no_tools}");
}

fn message() -> impl Strategy<Value = Value> {
    let text = prop_oneof![any::<String>(), "[ a\"\\\\\n/é]{0,9}"];
    let content = (text, 0..4).prop_map(|(text, kind)| match kind {
        0 => json!([{"type": "text", "text": text}]),
        1 => json!(null),
        _ => json!(text),
    });
    let call = prop_oneof![
        Just(json!(null)),
        "[a \"\n]{0,5}".prop_map(|word| {
            let arguments = json!({"command": word, "n": [word, 1]}).to_string();
            json!([{"id": "1", "type": "function", "function": {"name": "bash", "arguments": arguments}}])
        }),
    ];
    let role = prop_oneof![
        Just("system"),
        Just("user"),
        Just("assistant"),
        Just("tool")
    ];
    (role, content, call).prop_map(|(role, content, call)| {
        let mut message = json!({"role": role, "content": content});
        if role == "tool" {
            message["tool_call_id"] = json!("1");
        }
        if role == "assistant" && !call.is_null() {
            message["tool_calls"] = call;
        }
        message
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn both_ways_agree(messages in prop::collection::vec(message(), 1..6)) {
        agrees(&row(&json!(messages)), &context(false));
    }
}

/// The vectors of the published converter, as rows.
#[test]
fn every_vector_that_is_passed_on() {
    let folder = std::env::var_os("HGVIEW_SHARED").map_or_else(
        || std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"),
        std::path::PathBuf::from,
    );
    let Ok(vectors) = std::fs::read_to_string(folder.join("conformance/sft_messages.jsonl")) else {
        eprintln!("skipped: no conformance vectors");
        return;
    };
    let context = context(false);
    let mut short = 0;
    for line in vectors.lines() {
        let vector: Value = serde_json::from_str(line).unwrap();
        let row = json!({"messages": vector["messages"], "tools": vector["tools"]});
        short += usize::from(agrees(&row.to_string(), &context));
    }
    assert!(short >= 20, "{short} of them were passed on");
}
