//! What filters read of a record is what the whole of it says, whatever the record.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn raw(bytes: &[u8]) -> RawRecord {
    let mut raw = testing::record(
        Format::Chat,
        Layout::Rows,
        vec![testing::part("rows.jsonl", PartRole::Main, bytes)],
    );
    raw.source.format = None;
    raw
}

/// Reads the record both ways; whether the short way led anywhere.
#[track_caller]
fn agrees(raw: &RawRecord) -> bool {
    let Some((head, _survey)) = parse_head(raw) else {
        return false;
    };
    let shown = || String::from_utf8_lossy(&raw.parts[0].bytes).into_owned();
    let whole = parse(raw.clone());
    let whole = whole.unwrap_or_else(|fault| panic!("{fault}: {}", shown()));
    let of = |t: &Trajectory| {
        let ids = (t.id.clone(), t.task_id.clone(), t.run_id.clone());
        let texts = (
            t.instruction.clone(),
            t.final_patch.clone(),
            t.answer.clone(),
        );
        let task = t.task.clone();
        let instance = task.as_ref().and_then(|task| task.instance.clone());
        let format = (t.source.format, t.source.byte_range);
        (ids, texts, task, instance, t.outcome.clone(), format)
    };
    assert_eq!(of(&head), of(&whole), "{}", shown());
    assert!(head.steps.len() < whole.steps.len() || whole.action_count() == 0);
    true
}

fn rows_of(name: &str) -> Vec<Vec<u8>> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    let bytes = std::fs::read(path.join(name)).unwrap();
    let lines = bytes.split(|byte| *byte == b'\n');
    lines
        .filter(|line| !line.is_empty())
        .map(<[u8]>::to_vec)
        .collect()
}

const SAMPLES: [&str; 7] = [
    "openhands-v0/output.jsonl",
    "openhands-v1/output.jsonl",
    "openhands-v1/output-2025.jsonl",
    "chat/tool_calls.jsonl",
    "chat/hybrid_gym.jsonl",
    "chat/xml.jsonl",
    "chat/nebius.jsonl",
];

#[test]
fn rows_have_heads() {
    for name in SAMPLES {
        for row in rows_of(name) {
            assert!(agrees(&raw(&row)), "{name} is read whole");
        }
    }
}

#[test]
fn damaged_rows_have_the_heads_of_the_whole_or_none() {
    let mut heads = 0;
    for name in SAMPLES {
        for row in rows_of(name) {
            testing::damaged(&raw(&row), 60, |raw| heads += u32::from(agrees(&raw)));
        }
    }
    assert!(heads > 100, "{heads}");
}

/// Makes the row of the list in the short way and from all of the record.
#[track_caller]
fn rows_agree(raw: &RawRecord) {
    let of = |read: Result<Trajectory, Fault>| read.map(|t| Summary::of(&t));
    let whole = of(parse(raw.clone()));
    assert_eq!(of(parse_for_row(raw.clone())), whole);
}

#[test]
fn damaged_rows_are_summarised_as_the_whole() {
    for name in SAMPLES {
        for row in rows_of(name) {
            testing::damaged(&raw(&row), 20, |raw| rows_agree(&raw));
        }
    }
}

/// Reads what a sketch says in the short way and from all of the record; whether the short way led anywhere.
#[track_caller]
fn sketches_agree(raw: &RawRecord) -> bool {
    let sketch = parse_sketch(raw.clone());
    let whole = parse(raw.clone());
    let is_short = match (&sketch, &whole) {
        (Ok(sketch), Ok(whole)) => {
            let calls = Trajectory::action_count;
            let results = |t: &Trajectory| testing::results(&t.steps).iter().flatten().count();
            calls(&sketch.trajectory) < calls(whole) || results(&sketch.trajectory) < results(whole)
        }
        _ => false,
    };
    let shown = || String::from_utf8_lossy(&raw.parts[0].bytes).into_owned();
    let whole = whole.map(|t| Summary::of(&t).sketched());
    let sketch = sketch.map(|sketch| sketch.summary());
    assert_eq!(sketch, whole, "{}", shown());
    is_short
}

#[test]
fn rows_have_sketches() {
    for name in SAMPLES {
        let short = rows_of(name)
            .iter()
            .filter(|row| sketches_agree(&raw(row)))
            .count();
        assert!(short > 0, "{name} is read whole");
    }
}

#[test]
fn damaged_rows_have_the_sketches_of_the_whole() {
    let mut short = 0;
    for name in SAMPLES {
        for row in rows_of(name) {
            testing::damaged(&raw(&row), 60, |raw| {
                short += u32::from(sketches_agree(&raw));
            });
        }
    }
    assert!(short > 100, "{short}");
}

proptest! {
    #[test]
    fn a_talk_has_the_sketch_of_the_whole(
        said in prop::collection::vec((TALKERS, TALK), 0..24),
        asked in any::<bool>(),
        list in "messages|conversations|trajectory",
        way in 0_usize..3,
        torn in any::<prop::sample::Index>(),
    ) {
        let keys = [("role", "content"), ("from", "value"), ("role", "value")][way];
        let message = |role: &str, text: &str| format!("{{\"{}\":\"{role}\",\"{}\":\"{text}\"}}", keys.0, keys.1);
        let opening = asked.then(|| message("user", "do it"));
        let said = said.iter().map(|(role, text)| message(role, text));
        let messages: Vec<String> = opening.into_iter().chain(said).collect();
        let row = format!("{{\"instance_id\":\"o__r-1\",\"resolved\":true,\"{list}\":[{}],\"model\":\"m\"}}", messages.join(","));
        sketches_agree(&raw(row.as_bytes()));
        // a byte that is no UTF-8, anywhere
        let mut bytes = row.into_bytes();
        let at = torn.index(bytes.len());
        bytes[at] = 0xff;
        sketches_agree(&raw(&bytes));
    }
}

/// Roles, some of them written oddly.
const TALKERS: &str = "assistant|Assistant|assist\\\\u0061nt|gpt|ai|model|function_call|tool|observation|user|human|system||odd";

/// What is said, as written in JSON: escapes of all kinds, halves of pairs, calls in text, what marks results.
const TALK: &str = "(a|é|\\\\n|\\\\\"|\\\\\\\\|\\\\u00e9|\\\\ud83d\\\\ude00|\\\\ud83d|\\\\udc00|\u{1}|<function=run><parameter=x>1</parameter></function>|```bash\\\\nls\\\\n```|OBSERVATION:|<think>|</think>|Exit code: 1){0,8}";

#[test]
fn a_conversation_that_is_hidden_in_a_text_is_the_one_that_counts() {
    let said = |role: &str| json!({"role": role, "content": "x"});
    let talk: Vec<Value> = ["user", "assistant", "tool"]
        .into_iter()
        .cycle()
        .take(30)
        .map(said)
        .collect();
    let hidden = json!([said("user"), said("assistant")]);
    for row in [
        json!({"instance_id": "a", "messages": hidden.to_string(), "trajectory": talk}),
        json!({"instance_id": "a", "messages": talk, "trajectory": hidden}),
        json!({"instance_id": "a", "messages": hidden, "trajectory": talk}),
        json!({"instance_id": "a", "messages": [], "trajectory": talk}),
        json!({"instance_id": "a", "messages": null, "trajectory": talk}),
        json!({"instance_id": "a", "trajectory": talk, "raw_completions": {"messages": hidden}}),
        json!({"instance_id": "a", "messages": talk, "raw_completions": {"messages": hidden}}),
    ] {
        sketches_agree(&raw(row.to_string().as_bytes()));
    }
}

#[test]
fn long_results_are_summarised_as_the_whole() {
    let filler = "raise ValueError(\"no buoy\")\n".repeat(40_000);
    let ends = [
        "== 1 failed, 2 passed in 1.00s ==",
        "== 3 passed in 1.00s ==",
        "[The command completed with exit code 2.]",
        "Traceback (most recent call last):\n  File \"a\", line 1\nValueError: x",
        "nothing",
    ];
    for end in ends {
        for start in ["Exit code: 3\n", "ERROR: x\n", ""] {
            let content = format!("{start}{filler}{end}");
            let call = json!({"id": "c", "function": {"name": "bash", "arguments": "{\"command\": \"pytest\"}"}});
            let row = json!({"instance_id": "o__r-1", "messages": [
                {"role": "user", "content": "do it"},
                {"role": "assistant", "content": "so", "tool_calls": [call]},
                {"role": "tool", "tool_call_id": "c", "content": content},
            ]});
            let raw = raw(row.to_string().as_bytes());
            assert!(outline::without_middles(&raw.parts[0].bytes).is_some());
            rows_agree(&raw);
        }
    }
}

/// A row whose middle is the given event, among plain ones.
fn row_with(history: &[Value], event: Value) -> Vec<u8> {
    let mut history = history.to_vec();
    history.insert(history.len() / 2, event);
    json!({"instance_id": "o__r-1", "history": history, "test_result": {"git_patch": "p"}, "metadata": {"agent_class": "A"}})
        .to_string()
        .into_bytes()
}

#[test]
fn an_event_that_says_something_is_read_wherever_it_stands() {
    let call = |n: u32| json!({"id": n, "source": "agent", "timestamp": "2025-01-01T00:00:00", "action": "run", "args": {"command": "ls"}});
    let plain: Vec<Value> = (0..12).map(call).collect();
    let events = [
        json!({"id": 1, "observation": "agent_state_changed", "extras": {"agent_state": "error"}}),
        json!({"id": 1, "source": "agent", "action": "finish", "args": {}}),
        json!({"id": 1, "source": "user", "action": "message", "args": {"content": "do it"}}),
        json!({"id": 1, "source": "user", "action": "run", "args": {"command": "ls"}}),
        json!({"sid": "s-1", "status": "x"}),
        json!({"role": "user", "content": "x", "agent": "main"}),
        json!({"kind": "MessageEvent", "id": "x", "source": "user", "timestamp": "t"}),
        json!([call(1), null]),
        json!(null),
        json!("text"),
    ];
    for event in events {
        agrees(&raw(&row_with(&plain, event)));
    }
    let last = json!({"id": 99, "source": "agent", "action": "finish", "args": {}});
    let mut ended = plain.clone();
    ended.push(last);
    assert!(agrees(&raw(&row_with(&ended, call(5)))));
    let spelled = String::from_utf8(row_with(&ended, call(5))).unwrap();
    let spelled = spelled.replace("\"finish\"", "\"fin\\u0069sh\"");
    assert!(agrees(&raw(spelled.as_bytes())));
    let event = |n: u32| json!({"kind": "ActionEvent", "id": n.to_string(), "source": "agent", "timestamp": "t", "tool_name": "terminal"});
    let plain: Vec<Value> = (0..12).map(event).collect();
    let events = [
        json!({"kind": "ConversationErrorEvent", "id": "e", "source": "environment", "timestamp": "t", "code": "c", "detail": "d"}),
        json!({"kind": "ObservationEvent", "id": "e", "source": "environment", "timestamp": "t", "critic_result": {"score": 0.5}}),
        json!({"kind": "ConversationStateUpdateEvent", "id": "e", "source": "environment", "timestamp": "t", "key": "execution_status", "value": "stuck"}),
        json!({"kind": "MessageEvent", "id": "e", "source": "user", "timestamp": "t", "llm_message": {"content": "do it"}}),
    ];
    for event in events {
        assert!(agrees(&raw(&row_with(&plain, event))));
    }
}

#[test]
fn what_stands_before_the_request_is_minded() {
    let said = |role: &str, n: usize| json!({"role": role, "content": format!("{role} {n}")});
    let talk = |opening: &[&str]| {
        let mut messages: Vec<Value> = opening.iter().map(|role| said(role, 0)).collect();
        messages.extend((0..9).map(|n| said(["assistant", "user"][n % 2], n)));
        json!({"instance_id": "o__r-1", "resolved": true, "messages": messages, "tools": [{"name": "x"}]}).to_string()
    };
    for opening in [
        &["system", "user"][..],
        &["user"],
        &["system", "system", "developer", "system", "user"],
    ] {
        assert!(agrees(&raw(talk(opening).as_bytes())), "{opening:?}");
    }
    for opening in [&["assistant", "user"][..], &["tool"], &["User"], &[]] {
        assert!(!agrees(&raw(talk(opening).as_bytes())), "{opening:?}");
    }
}
