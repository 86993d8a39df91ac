//! Attempts that can be replayed as they are: plain commands on files that the record itself shows, in the form of
//! mini-swe-agent, which runs each command in a shell of its own.

use serde_json::Value;
use serde_json::json;

const ROOT: &str = "/workspace/almanac";
const TIDES: &str = "harbour  06:12  draft\njetty    06:40  draft\nsandbar  07:05  final\n";
const NAMES: &str = "harbour\njetty\nsandbar\n";
const PATCH: &str = "diff --git a/tides.txt b/tides.txt\nindex d55e90c..ebc808c 100644\n--- a/tides.txt\n+++ b/tides.txt\n@@ -1,3 +1,3 @@\n-harbour  06:12  draft\n-jetty    06:40  draft\n+harbour  06:12  final\n+jetty    06:40  final\n sandbar  07:05  final\n";

/// A command and what it shows.
type Told = (&'static str, String);

fn record(id: &str, told: &[Told]) -> Value {
    let ask = format!(
        "<uploaded_files>\n{ROOT}\n</uploaded_files>\nMark all tides of tides.txt as final, then count them."
    );
    let mut messages = vec![json!({"role": "user", "content": ask})];
    for (nth, (command, shown)) in told.iter().enumerate() {
        let id = format!("call_{nth}");
        let arguments = json!({ "command": command }).to_string();
        messages.push(json!({
            "role": "assistant", "content": "",
            "tool_calls": [{"id": id, "type": "function", "function": {"name": "bash", "arguments": arguments}}],
            "extra": {"actions": [{"command": command, "tool_call_id": id}], "cost": 0.0}}));
        let content = format!("<returncode>0</returncode>\n<output>\n{shown}</output>");
        messages.push(json!({
            "role": "tool", "tool_call_id": id, "content": content,
            "extra": {"raw_output": shown, "returncode": 0, "exception_info": ""}}));
    }
    messages.push(json!({
        "role": "exit", "content": PATCH,
        "extra": {"exit_status": "Submitted", "submission": PATCH}}));
    json!({
        "info": {
            "config": {"environment": {"cwd": ROOT, "timeout": 60}},
            "mini_version": "2.2.7", "exit_status": "Submitted", "submission": PATCH},
        "messages": messages,
        "trajectory_format": "mini-swe-agent-1.1",
        "instance_id": id})
}

/// What every attempt begins with.
fn opening() -> Vec<Told> {
    let found = "1:harbour  06:12  draft\n2:jetty    06:40  draft\n";
    vec![
        ("cat tides.txt", TIDES.to_owned()),
        ("cat names.txt", NAMES.to_owned()),
        ("grep -n draft tides.txt", found.to_owned()),
        ("sed -i 's/draft/final/' tides.txt", String::new()),
        ("cat tides.txt", TIDES.replace("draft", "final")),
        ("wc -l tides.txt", "3 tides.txt\n".to_owned()),
    ]
}

/// Two attempts by the names of their files: one that shows the same again, and one whose record was tampered with.
pub(super) fn attempts() -> [(&'static str, Value); 2] {
    let mut good = opening();
    good.push(("sort -r names.txt | head -1", "sandbar\n".to_owned()));
    let mut bent = opening();
    bent.push(("expr 6 + 7", "42\n".to_owned()));
    bent.push(("ls", "names.txt\ntides.txt\n".to_owned()));
    [
        (
            "replay/almanac-1.traj.json",
            record("almanac-tides-1", &good),
        ),
        (
            "replay/almanac-2.traj.json",
            record("almanac-tides-2", &bent),
        ),
    ]
}
