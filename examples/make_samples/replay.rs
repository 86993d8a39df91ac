//! Attempts that can be replayed as they are: plain commands on files that the record itself shows.

use serde_json::Value;
use serde_json::json;

const ROOT: &str = "/workspace/almanac";
const TIDES: &str = "harbour  06:12  draft\njetty    06:40  draft\nsandbar  07:05  final\n";
const NAMES: &str = "harbour\njetty\nsandbar\n";

/// A command in the workspace, and what it shows.
type Told = (&'static str, String);

fn messages(told: &[Told]) -> Value {
    let ask = "Mark all tides of /workspace/almanac/tides.txt as final and count them.";
    let mut messages = vec![json!({"role": "user", "content": ask})];
    for (nth, (command, shown)) in told.iter().enumerate() {
        let id = format!("call_{nth}");
        let arguments = json!({"command": format!("cd {ROOT} && {command}")}).to_string();
        messages.push(json!({"role": "assistant", "content": "", "tool_calls": [
            {"id": id, "type": "function", "function": {"name": "bash", "arguments": arguments}}]}));
        messages.push(json!({"role": "tool", "tool_call_id": id, "content": shown}));
    }
    messages.push(json!({"role": "assistant", "content": "All three tides are final."}));
    Value::Array(messages)
}

/// What every attempt begins with, and how the file looks once it is edited.
fn opening() -> Vec<Told> {
    let edited = TIDES.replace("draft", "final");
    vec![
        ("cat tides.txt", TIDES.to_owned()),
        ("cat names.txt", NAMES.to_owned()),
        ("grep -n draft tides.txt", "1:harbour  06:12  draft\n2:jetty    06:40  draft\n".to_owned()),
        ("sed -i 's/draft/final/' tides.txt", String::new()),
        ("cat tides.txt", edited),
        ("wc -l tides.txt", "3 tides.txt\n".to_owned()),
    ]
}

/// Two attempts: one that shows the same again, and one whose record was tampered with.
pub(super) fn rows() -> Vec<Value> {
    let mut good = opening();
    good.push(("sort -r names.txt | head -1", "sandbar\n".to_owned()));
    let mut bent = opening();
    bent.push(("expr 6 + 7", "42\n".to_owned()));
    bent.push(("ls", "names.txt\ntides.txt\n".to_owned()));
    [("almanac-tides-1", good), ("almanac-tides-2", bent)]
        .map(|(id, told)| json!({"instance_id": id, "messages": messages(&told)}))
        .to_vec()
}
