//! Times the replay of a trajectory of fifty plain file commands in a sandbox of namespaces:
//!
//! `cargo bench --bench replay`
//!
//! The whole of it: base rebuilt, sandbox started, fifty commands run and compared, final patch made. The median of five
//! runs of the program itself. Where no sandbox can be started it says so.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark prints its numbers, and stops where it cannot measure"
)]

use std::path::Path;
use std::process::Command;
use std::process::Stdio;
use std::time::Instant;

use serde_json::Value;
use serde_json::json;

const RUNS: usize = 5;
const STEPS: usize = 50;
const ROOT: &str = "/workspace/almanac";

/// A trajectory as mini-swe-agent writes it.
fn trajectory() -> Value {
    let text = (0..200).fold(String::new(), |text, line| text + &format!("line {line}\n"));
    let mut messages = vec![json!({
        "role": "user", "content": format!("<uploaded_files>\n{ROOT}\n</uploaded_files>\nEdit notes.txt.")})];
    for nth in 0..STEPS {
        let (command, shown) = match nth % 5 {
            0 => ("cat notes.txt".to_owned(), text.clone()),
            1 => (format!("echo {nth} > made-{nth}.txt"), String::new()),
            2 => (
                format!("cat made-{}.txt", nth - 1),
                format!("{}\n", nth - 1),
            ),
            3 => ("grep -c line notes.txt".to_owned(), "200\n".to_owned()),
            _ => ("wc -l notes.txt".to_owned(), "200 notes.txt\n".to_owned()),
        };
        let id = format!("call_{nth}");
        let arguments = json!({ "command": command }).to_string();
        messages.push(json!({
            "role": "assistant", "content": "",
            "tool_calls": [{"id": id, "type": "function", "function": {"name": "bash", "arguments": arguments}}],
            "extra": {"actions": [{"command": command, "tool_call_id": id}]}}));
        let content = format!("<returncode>0</returncode>\n<output>\n{shown}</output>");
        messages.push(json!({
            "role": "tool", "tool_call_id": id, "content": content,
            "extra": {"raw_output": shown, "returncode": 0, "exception_info": ""}}));
    }
    json!({
        "info": {"config": {"environment": {"cwd": ROOT}}, "exit_status": "Submitted", "submission": ""},
        "messages": messages, "trajectory_format": "mini-swe-agent-1.1", "instance_id": "fifty"})
}

/// Seconds of one run, and what it said.
fn run(folder: &Path, file: &Path) -> (f64, Value) {
    let began = Instant::now();
    let done = Command::new(env!("CARGO_BIN_EXE_hgview"))
        .args(["replay", "--again", "--json", "--backend", "namespace"])
        .arg(file)
        .env("HGVIEW_CACHE_DIR", folder.join("cache"))
        .env("HGVIEW_DATA_DIR", folder.join("data"))
        .stderr(Stdio::inherit())
        .output()
        .expect("hgview runs");
    let took_s = began.elapsed().as_secs_f64();
    (
        took_s,
        serde_json::from_slice(&done.stdout).unwrap_or_default(),
    )
}

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("fifty.traj.json");
    std::fs::write(&file, trajectory().to_string()).expect("the trajectory is written");
    let mut times = Vec::new();
    for _ in 0..RUNS {
        let (took_s, told) = run(folder.path(), &file);
        let calls = told["calls"].as_array().map_or(0, Vec::len);
        if calls != STEPS || !told["first_divergence"].is_null() {
            println!(
                "nothing was measured: {calls} calls, first divergence {}",
                told["first_divergence"]
            );
            return;
        }
        times.push(took_s);
    }
    times.sort_by(f64::total_cmp);
    println!(
        "{STEPS} commands replayed in {:.3} s (median of {RUNS})",
        times[RUNS / 2]
    );
}
