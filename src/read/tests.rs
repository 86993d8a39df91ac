//! What filters read of a record is what the whole of it says, whatever the record.

use serde_json::json;

use super::*;
use crate::model::Summary;

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
    let Some(head) = parse_head(raw) else {
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
            assert!(brief::without_middles(&raw.parts[0].bytes).is_some());
            rows_agree(&raw);
        }
    }
}

/// Messages of a chat with so many calls of which nothing is to be said.
fn calls_and_results(count: usize) -> Vec<Value> {
    let pair = |n: usize| {
        let call = json!({"id": format!("p{n}"), "type": "function", "function": {"name": "bash", "arguments": "{\"command\": \"ls\"}"}});
        [
            json!({"role": "assistant", "content": "so", "tool_calls": [call]}),
            json!({"role": "tool", "tool_call_id": format!("p{n}"), "content": "a.py"}),
        ]
    };
    let asked = json!({"role": "user", "content": "do it"});
    std::iter::once(asked)
        .chain((0..count).flat_map(pair))
        .collect()
}

/// Rows of two chats and of an evaluation of either generation whose only result of interest is this.
fn rows_with_result(command: &str, content: &str) -> [Vec<u8>; 4] {
    let arguments = json!({ "command": command }).to_string();
    let call = json!({"id": "c", "function": {"name": "bash", "arguments": arguments}});
    let chat = |shown: Value| {
        let mut messages = calls_and_results(4);
        messages.push(json!({"role": "assistant", "content": "so", "tool_calls": [call]}));
        messages.push(shown);
        messages.push(json!({"role": "assistant", "content": "done"}));
        json!({"instance_id": "o__r-1", "messages": messages})
    };
    let named = chat(json!({"role": "tool", "tool_call_id": "c", "content": content}));
    let unnamed = chat(json!({"role": "tool", "content": content}));
    let history = json!([
        {"id": 0, "source": "user", "timestamp": "2025-01-01T00:00:00", "action": "message", "args": {"content": "do it"}},
        {"id": 1, "source": "agent", "timestamp": "2025-01-01T00:00:01", "action": "run", "args": {"command": command}},
        {"id": 2, "source": "agent", "timestamp": "2025-01-01T00:00:02", "cause": 1, "observation": "run", "content": content, "extras": {"command": command}},
    ]);
    let run = json!({"instance_id": "o__r-1", "history": history, "test_result": {"git_patch": "p"}, "metadata": {"agent_class": "A"}});
    let event = |kind: &str, id: &str, rest: Value| {
        let mut event =
            json!({"kind": kind, "id": id, "source": "agent", "timestamp": "2025-01-01T00:00:00"});
        let fields = event.as_object_mut().unwrap();
        fields.extend(rest.as_object().unwrap().clone());
        event
    };
    let history = json!([
        event(
            "MessageEvent",
            "m",
            json!({"source": "user", "llm_message": {"role": "user", "content": [{"type": "text", "text": "do it"}]}})
        ),
        event(
            "ActionEvent",
            "a",
            json!({"tool_name": "terminal", "tool_call_id": "c", "action": {"kind": "TerminalAction", "command": command}})
        ),
        event(
            "ObservationEvent",
            "o",
            json!({"source": "environment", "tool_name": "terminal", "tool_call_id": "c", "action_id": "a",
            "observation": {"kind": "TerminalObservation", "content": [{"type": "text", "text": content}]}})
        ),
    ]);
    let sdk = json!({"instance_id": "o__r-1", "history": history, "test_result": {"git_patch": "p"}, "metadata": {"llm": {"model": "m"}}});
    [named, unnamed, run, sdk].map(|row| row.to_string().into_bytes())
}

#[test]
fn results_of_any_length_and_end_are_summarised_as_the_whole() {
    let starts = [
        "",
        "Exit code: 3\n",
        "ERROR: x\n",
        "OBSERVATION:\n",
        "EXECUTION RESULT of [bash]:\n",
        "[The command completed with exit code 3.]\n",
        "[The command has no new output after 3 seconds.]\n",
        "Process running with session ID 3\n",
        "<returncode>1</returncode>\n<output>\n",
    ];
    let lines = [
        "    raise ValueError(\"no buoy\")\n",
        "Traceback (most recent call last):\n",
        "\tx = '\u{e9}\u{1f600}'  # ok\r\n",
        "[Process exited with code 3]\n",
        "Wall time: 1 s\n",
        "Ran 3 tests in 0.1s\n",
    ];
    let ends = [
        "",
        "    return moor(x)\n",
        "README.md",
        "Traceback (most recent call last):\n  File \"a\", line 1\nValueError: x",
        "ValueError: x",
        "== 1 failed, 2 passed in 1.00s ==\n",
        "FAILED (failures=1)\n",
        "OK",
        "[The command completed with exit code 2.]",
        "[The command completed with exit code 0.]\n[exit code 99999999999999999999]\nValueError: x",
        "\\n[The command completed with exit code 2.]",
        "[The command completed with exit code 2.]\nTraceback (most recent call last):\n  a\nValueError: x",
        "[Current working directory: /w]\n[Python interpreter: p]\n[Command finished with exit code 0]",
        "FAIL\tx/y\t0.01s\nFAIL\n",
        "\u{1b}[31mValueError: x\u{1b}[0m\r\n",
        "</output>",
        "(Open file: n/a)\n(Current directory: /w)\nbash-$",
        "ValueError: x\n[Jupyter current working directory: /w]\n",
    ];
    let (mut shortened, mut outlined) = (0, 0);
    for (nth, (start, end)) in starts.iter().flat_map(|s| ends.map(|e| (s, e))).enumerate() {
        for bytes in [1_500, 2_700, 4_000, 20_000] {
            let filler: String = (0..)
                .map(|n| lines[(n * n + nth) % lines.len()])
                .take(bytes / 24)
                .collect();
            let content = format!("{start}{filler}{end}");
            // a shown file says nothing of success, whatever it ends with
            let command = if nth % 4 == 0 { "cat a.py" } else { "pytest" };
            for row in rows_with_result(command, &content) {
                shortened += u32::from(parse_briefly(&raw(&row)).is_some());
                outlined += u32::from(is_outlined(&row));
                rows_agree(&raw(&row));
                if nth % 3 == 0 {
                    let row = String::from_utf8(row).unwrap();
                    let escaped = row.replace("\\t", "\\u0009").replace('\u{e9}', "\\u00e9");
                    rows_agree(&raw(escaped.as_bytes()));
                }
            }
        }
    }
    assert!(shortened > 300 && outlined > 100, "{shortened} {outlined}");
}

/// Whether a chat row is read from its outline.
fn is_outlined(row: &[u8]) -> bool {
    let outline = Outline::of(row).unwrap();
    chat::row::read(&outline, &Source::default()).is_some()
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn messages_that_are_not_plain_are_summarised_as_the_whole() {
    let call = json!({"id": "c", "type": "function", "function": {"name": "bash", "arguments": "{\"command\": \"pytest\"}"}});
    let with = |key: &str, value: Value| {
        let mut message = json!({"role": "assistant", "content": "so", "tool_calls": [call]});
        message[key] = value;
        message
    };
    let function = |key: &str, value: Value| {
        let mut call = call.clone();
        call["function"][key] = value;
        with("tool_calls", json!([call]))
    };
    let shown = |key: &str, value: Value| {
        let mut message = json!({"role": "tool", "tool_call_id": "c", "content": "Exit code: 3"});
        message[key] = value;
        message
    };
    let odd = [
        with(
            "content",
            json!([{"type": "tool_use", "id": "u", "name": "bash", "input": {"command": "ls"}}]),
        ),
        with(
            "content",
            json!([{"type": "text", "text": "<think>x</think>"}]),
        ),
        with("tool_calls", json!([])),
        with("tool_calls", json!(json!([call]).to_string())),
        with("tool_calls", json!(call)),
        with(
            "tool_calls",
            json!([call, {"id": "d", "name": "finish", "arguments": {}}]),
        ),
        with("function_call", json!({"name": "bash", "arguments": "{}"})),
        with("timestamp", json!("2025-01-01T00:00:00")),
        with("role", json!("Assistant")),
        with("role", json!("narrator")),
        with("from", json!("gpt")),
        function("arguments", json!({"command": "pytest"})),
        function("arguments", json!("pytest")),
        function("arguments", json!(null)),
        function("name", json!(7)),
        function("parameters", json!({"a": 1})),
        shown("tool_call_id", json!("")),
        shown("tool_call_id", json!(null)),
        shown("tool_call_id", json!("nobody's")),
        shown("tool_call_id", json!("p0")),
        shown("is_error", json!(true)),
        shown("content", json!([{"type": "text", "text": "Exit code: 3"}])),
        shown("content", json!(null)),
        shown("content", json!("")),
        shown("timestamp", json!(7)),
        json!({"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", "content": "Exit code: 3"}]}),
        json!({"role": "user", "content": "OBSERVATION:\nExit code: 3"}),
        json!({"role": "system", "content": "x", "tool_calls": [call]}),
        json!("text"),
        json!(null),
    ];
    let (mut outlined, filler) = (0, "x = 1\n".repeat(600));
    for message in odd {
        for nth in [9, 10, 13] {
            let mut messages = calls_and_results(8);
            messages.insert(9, with("name", json!("a")));
            messages.insert(
                10,
                json!({"role": "tool", "tool_call_id": "p7", "content": filler}),
            );
            messages.insert(nth, message.clone());
            let row = json!({"instance_id": "o__r-1", "messages": messages, "tools": [call], "functions": [{"parameters": {}}]});
            let row = row.to_string();
            outlined += u32::from(is_outlined(row.as_bytes()));
            rows_agree(&raw(row.as_bytes()));
            for (plain, spelled) in [
                ("\"role\":\"tool\"", "\"role\":\"t\\u006fol\""),
                (
                    "\"content\":\"so\"",
                    "\"content\":\"so\",\"content\":\"\\ud800\"",
                ),
                ("\"id\":\"c\"", "\"id\":\"\\u0063\""),
                ("\"x = 1\\n", "\"x = 1\t\\n\\ud800"),
            ] {
                rows_agree(&raw(row.replace(plain, spelled).as_bytes()));
            }
        }
    }
    assert!(outlined > 3, "{outlined}");
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
