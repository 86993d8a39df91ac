//! Files with something wrong, one fault each. All of them must be listed, none may stop the program.

use serde_json::Value;
use serde_json::json;

use super::attempt::Attempt;
use super::wire;

fn row(id: &str, text: &str) -> Value {
    json!({ "instance_id": id, "resolved": true, "messages": [
        { "role": "user", "content": "Say hello." },
        { "role": "assistant", "content": text, "tool_calls": [{ "id": format!("call_{id}"), "type": "function",
            "function": { "name": "execute_bash", "arguments": json!({ "command": "echo hello" }).to_string() } }] },
        { "role": "tool", "tool_call_id": format!("call_{id}"), "content": "hello" } ] })
}

fn lines(parts: &[&[u8]]) -> Vec<u8> {
    parts
        .iter()
        .flat_map(|part| [part, &b"\n"[..]].concat())
        .collect()
}

/// All faulty files, by name.
pub(crate) fn all(a: &Attempt) -> Vec<(&'static str, Vec<u8>)> {
    let good = row("good-1", "Hello.").to_string();
    let other = row("good-2", "Hello again.").to_string();
    let mut torn = lines(&[good.as_bytes(), other.as_bytes()]);
    torn.truncate(torn.len() - 40);
    let nan = good.replace(
        "\"resolved\":true",
        "\"resolved\":true,\"reward\":NaN,\"spread\":[Infinity,-Infinity]",
    );
    let mut bad_utf8 = row("bad-utf8", "before BYTES after")
        .to_string()
        .into_bytes();
    if let Some(at) = bad_utf8.windows(5).position(|w| w == b"BYTES") {
        bad_utf8.splice(at..at + 5, [0xff, 0xfe, 0xc3]);
    }
    let binary = [
        b"\x7fELF\x02\x01\x01\0".as_slice(),
        &(0..=255).collect::<Vec<u8>>().repeat(8),
    ]
    .concat();
    let windows = lines(&[good.as_bytes(), other.as_bytes()]);
    let windows = String::from_utf8_lossy(&windows)
        .replace('\n', "\r\n")
        .into_bytes();
    vec![
        ("empty.jsonl", Vec::new()),
        ("binary.jsonl", binary),
        ("torn.jsonl", torn),
        ("nan.jsonl", lines(&[nan.as_bytes(), other.as_bytes()])),
        ("bad_utf8.jsonl", lines(&[&bad_utf8, other.as_bytes()])),
        (
            "mixed.jsonl",
            lines(&[
                good.as_bytes(),
                b"{\"instance_id\": \"broken\", \"messages\": [",
                b"",
                b"not json at all",
                b"{\"some\": \"other\", \"tool\": 1}",
                b"42",
                other.as_bytes(),
            ]),
        ),
        (
            "duplicate_ids.jsonl",
            wire::jsonl(&[
                row("twice", "First."),
                row("once", "Only."),
                row("twice", "Second."),
            ]),
        ),
        ("crlf.jsonl", windows),
        (
            "no_newline.jsonl",
            [good.as_bytes(), b"\n", other.as_bytes()].concat(),
        ),
        ("control_sequences.jsonl", wire::jsonl(&[hostile(a)])),
    ]
}

/// A row that tries to take over the terminal from every text field: clears, titles, clipboard writes, bidi marks.
fn hostile(a: &Attempt) -> Value {
    let attack = |what: &str| {
        format!(
            "{what} \u{1b}[2J\u{1b}[1;1H\u{1b}]0;owned\u{7}\u{1b}]52;c;b3duZWQ=\u{7}\u{1b}]8;;http://x.invalid\u{1b}\\link\u{1b}]8;;\u{1b}\\ \
             \u{202e}desrever\u{202c} \u{200b}\u{9b}31m\u{8}\u{0}\r\u{85}\u{fe0f} end of {what}"
        )
    };
    json!({ "instance_id": attack("id"), "run_id": attack("run"), "model": attack("model"), "resolved": false,
        "exit_status": attack("status"), "messages": [
            { "role": "system", "content": attack("system") },
            { "role": "user", "content": attack("prompt") },
            { "role": "assistant", "content": attack("thought"), "reasoning_content": attack("reasoning"),
                "tool_calls": [
                    { "id": attack("call"), "type": "function", "function": { "name": attack("tool"),
                        "arguments": json!({ "command": attack("argument") }).to_string() } },
                    { "id": "call_shell", "type": "function", "function": { "name": "execute_bash",
                        "arguments": json!({ "command": attack("command") }).to_string() } },
                    { "id": "call_edit", "type": "function", "function": { "name": "str_replace_editor",
                        "arguments": json!({ "command": "str_replace", "path": attack("path"), "old_str": attack("old"),
                            "new_str": attack("new") }).to_string() } } ] },
            { "role": "tool", "tool_call_id": attack("call"), "name": attack("tool"), "content": attack("result") },
            { "role": "tool", "tool_call_id": "call_shell", "content": attack("output") },
            { "role": "tool", "tool_call_id": "call_edit", "content": attack("edited") } ],
        "git_patch": a.patch(), "patch": attack("patch") })
}
