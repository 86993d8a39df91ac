//! Real files through the real binary: right format, as many responses as the raw JSON has, arguments verbatim.
//! The counts are made here from the raw JSON, by other means than the readers'.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::program::Program;
use crate::program::shared;

fn corpus() -> Option<std::path::PathBuf> {
    let found = shared().map(|folder| folder.join("corpus"));
    if found.is_none() {
        eprintln!("skipped: no corpus");
    }
    found
}

#[test]
fn every_folder_is_told_right() {
    let Some(corpus) = corpus() else { return };
    for (folder, format) in [
        ("01-openhands-v0-output", "openhands-v0"),
        ("02-openhands-v1-events", "openhands-v1"),
        ("03-openhands-v0-events", "openhands-v0"),
        ("04-swe-agent", "swe-agent"),
        ("05-mini-swe-agent", "mini-swe-agent"),
        ("06-chat-messages", "chat"),
        ("07-atif", "atif"),
        ("08-inspect", "inspect"),
        ("09-claude-code", "claude-code"),
        ("10-codex", "codex"),
        ("11-adp", "adp"),
    ] {
        let path = corpus.join(folder);
        let run = Program::new().run(&["list".as_ref(), "--json".as_ref(), path.as_os_str()]);
        assert!(run.code == 0 || run.code == 1, "{folder}: {}", run.err);
        let rows = run.json_lines();
        assert!(!rows.is_empty(), "{folder}");
        let is_raw = |row: &Value| {
            row["path"]
                .as_str()
                .unwrap()
                .ends_with("codeactinstruct_raw.json")
                || row["path"]
                    .as_str()
                    .unwrap()
                    .ends_with("codeactinstruct/sample_raw.json")
        };
        for row in &rows {
            // CodeActInstruct's own rows hold ShareGPT conversations: both families may claim them
            assert!(row["format"] == format || is_raw(row), "{folder}: {row}");
            assert!(row["fault"].is_null(), "{folder}: {row}");
        }
    }
}

fn load(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    match serde_json::from_str(&text) {
        Ok(Value::Array(rows)) => rows,
        Ok(one) => vec![one],
        Err(_) => text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect(),
    }
}

fn items<'a>(row: &'a Value, key: &str) -> Vec<&'a Value> {
    row[key]
        .as_array()
        .map(|items| items.iter().collect())
        .unwrap_or_default()
}

fn with_role(row: &Value, role: &str) -> usize {
    items(row, "messages")
        .into_iter()
        .filter(|message| message["role"] == role)
        .count()
}

/// Steps of each record of a file as the raw JSON has them.
#[track_caller]
fn check(corpus: &Path, file: &str, count: impl Fn(&Value) -> usize) {
    let path = corpus.join(file);
    let want: Vec<usize> = load(&path).iter().map(count).collect();
    let run = Program::new()
        .run(&["list".as_ref(), "--json".as_ref(), path.as_os_str()])
        .ends(0);
    let got: Vec<usize> = run
        .json_lines()
        .iter()
        .map(|row| usize::try_from(row["steps"].as_u64().unwrap()).unwrap())
        .collect();
    assert_eq!(got, want, "{file}");
    assert!(want.iter().sum::<usize>() > 0, "{file} counts something");
}

#[test]
fn steps_are_those_of_the_raw_json() {
    let Some(corpus) = corpus() else { return };
    let trajectory = |row: &Value| items(row, "trajectory").len();
    for name in [
        "pydicom__pydicom-1458",
        "pandas-53856_swesmith",
        "humanevalfix-python-0",
    ] {
        check(&corpus, &format!("04-swe-agent/{name}.traj"), trajectory);
    }
    let assistant = |row: &Value| with_role(row, "assistant");
    for name in ["django__django-10914", "pvlib-1606_servererror"] {
        check(
            &corpus,
            &format!("05-mini-swe-agent/{name}.traj.json"),
            assistant,
        );
    }
    for name in [
        "swe-gym_openhands_sampled_raw.json",
        "swe-smith_ft_xml.jsonl",
        "mini-coder_raw.json",
    ] {
        check(&corpus, &format!("06-chat-messages/{name}"), assistant);
    }
    check(
        &corpus,
        "06-chat-messages/nebius_swe-agent_raw.json",
        |row| {
            items(row, "trajectory")
                .into_iter()
                .filter(|message| message["role"] == "ai")
                .count()
        },
    );
    let agent = |row: &Value| {
        items(row, "steps")
            .into_iter()
            .filter(|step| step["source"] == "agent")
            .count()
    };
    check(
        &corpus,
        "07-atif/openhands_hello-world.trajectory.json",
        agent,
    );
    check(
        &corpus,
        "14-derived/atif_v1.7_from_codex_rollout.trajectory.json",
        agent,
    );
    let responses = |row: &Value| -> usize {
        let ids: BTreeSet<String> = items(row, "history")
            .into_iter()
            .filter(|event| event["source"] == "agent")
            .filter_map(|event| event["llm_response_id"].as_str().map(str::to_owned))
            .collect();
        ids.len()
    };
    let path = corpus.join("14-derived/openhands_v1_output_wrapped.jsonl");
    let want: Vec<usize> = load(&path).iter().map(responses).collect();
    let run = Program::new()
        .run(&["list".as_ref(), "--json".as_ref(), path.as_os_str()])
        .ends(0);
    for (row, want) in run.json_lines().iter().zip(want) {
        assert_eq!(row["steps"].as_u64().unwrap(), want as u64, "{}", row["id"]);
    }
}

#[test]
fn arguments_are_verbatim() {
    let Some(corpus) = corpus() else { return };
    for (file, key) in [
        (
            "06-chat-messages/swe-gym_openhands_sampled_raw.json",
            "messages",
        ),
        (
            "05-mini-swe-agent/django__django-10914.traj.json",
            "messages",
        ),
    ] {
        let path = corpus.join(file);
        for (ix, row) in load(&path).iter().enumerate() {
            let mut want = Vec::new();
            for message in items(row, key) {
                for call in items(message, "tool_calls") {
                    let text = call["function"]["arguments"].as_str().unwrap();
                    want.push(serde_json::from_str::<Value>(text).unwrap_or_else(|_| text.into()));
                }
            }
            let nth = (ix + 1).to_string();
            let args = [
                "show".as_ref(),
                path.as_os_str(),
                "--nth".as_ref(),
                nth.as_ref(),
                "--json".as_ref(),
            ];
            let shown: Value =
                serde_json::from_str(&Program::new().run(&args).ends(0).out).unwrap();
            let got: Vec<Value> = items(&shown, "steps")
                .into_iter()
                .flat_map(|step| items(step, "actions"))
                .map(|action| action["args"].clone())
                .collect();
            assert_eq!(got, want, "{file} row {ix}");
            assert!(!want.is_empty(), "{file} row {ix}");
        }
    }
}
