//! Real files through the real binary: right format, as many responses as the raw JSON has, arguments verbatim.
//! The counts are made here from the raw JSON, by other means than the readers'.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use hgview::cancel::Cancel;
use hgview::model::Format;
use hgview::model::RecordIx;
use hgview::model::Summary;
use hgview::store::OpenOptions;
use hgview::store::Store;
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

/// What a file of the corpus is listed as; `None` for files that are no data, or parts of records.
fn format_of(name: &str) -> Option<&'static str> {
    const PARTS: [&str; 4] = [
        "base_state.json",
        "metadata.json",
        ".meta.json",
        ".eventlog.lock",
    ];
    const OTHERS: [&str; 6] = [".txt", ".yaml", ".cast", ".diff", ".md", ".lock"];
    let is_event = name.contains("/event-") || name.contains("/events/");
    if is_event || PARTS.iter().chain(&OTHERS).any(|end| name.ends_with(end)) {
        return None;
    }
    let by_name = [
        ("05-mini-swe-agent/preds.json", "prediction"),
        ("07-atif/terminal-bench-legacy/results.json", "report"),
        // CodeActInstruct's own rows hold ShareGPT conversations
        ("11-adp/codeactinstruct/sample_raw.json", "chat"),
        (
            "12-swebench-eval/hybridgym_funclocalize_verdicts.jsonl",
            "verdict",
        ),
        ("12-swebench-eval/multi_swe_bench_patch.jsonl", "prediction"),
        (
            "12-swebench-eval/openhands_example_model_output.json",
            "prediction",
        ),
        ("12-swebench-eval/sweagent_all_preds.jsonl", "prediction"),
        // averages of whole benchmarks: about no instance
        ("12-swebench-eval/openhands_index_GLM-4.7/scores.json", ""),
        ("14-derived/atif", "atif"),
        ("14-derived/inspect", "inspect"),
        ("14-derived/openhands_v0", "openhands-v0"),
        ("14-derived/openhands_v1", "openhands-v1"),
        ("14-derived/", "chat"),
    ];
    let by_folder = [
        ("01-", "openhands-v0"),
        ("02-", "openhands-v1"),
        ("03-", "openhands-v0"),
        ("04-", "swe-agent"),
        ("05-", "mini-swe-agent"),
        ("06-", "chat"),
        ("07-", "atif"),
        ("08-", "inspect"),
        ("09-", "claude-code"),
        ("10-", "codex"),
        ("11-", "adp"),
        ("12-", "report"),
        ("13-", "task"),
    ];
    let known = by_name.iter().chain(&by_folder);
    let found = known.into_iter().find(|(start, _)| name.starts_with(start));
    let (_, format) = found.expect("every folder has a row");
    Some(format)
}

fn open(path: &Path) -> Store {
    let store = Store::open(&OpenOptions {
        paths: vec![path.to_path_buf()],
        ..OpenOptions::default()
    })
    .unwrap();
    store.scan(&Cancel::new(), &mut |_| {}).unwrap();
    store
}

fn summaries(path: &Path) -> Vec<Summary> {
    let store = open(path);
    (0..store.len())
        .map(|ix| store.summarize(RecordIx(ix)))
        .collect()
}

#[test]
fn every_file_is_told_right() {
    let Some(corpus) = corpus() else { return };
    let (mut files, mut events) = (0, BTreeSet::new());
    for entry in walkdir::WalkDir::new(&corpus).sort_by_file_name() {
        let entry = entry.unwrap();
        let path = entry.path();
        let name = path.strip_prefix(&corpus).unwrap().display().to_string();
        if !entry.file_type().is_file() {
            continue;
        }
        let Some(format) = format_of(&name) else {
            if name.contains("/event-") || name.contains("/events/") {
                events.insert(path.parent().unwrap().to_path_buf());
            }
            continue;
        };
        let rows = summaries(path);
        assert!(!rows.is_empty(), "{name}");
        for row in rows {
            let told = row.format.map(Format::name).unwrap_or_default();
            assert_eq!(told, format, "{name}: {row:?}");
            assert_eq!(row.fault.is_some(), format.is_empty(), "{name}: {row:?}");
        }
        files += 1;
    }
    assert!(files > 80, "{files} files were opened");
    assert_eq!(events.len(), 7, "six folders of V1 events and one of V0");
    for folder in events {
        let rows = summaries(&folder);
        assert_eq!(rows.len(), 1, "{}: {rows:?}", folder.display());
        let row = rows.first().unwrap();
        assert_eq!(row.fault, None);
        let is_old = folder.starts_with(corpus.join("03-openhands-v0-events"));
        let want = if is_old {
            "openhands-v0"
        } else {
            "openhands-v1"
        };
        assert_eq!(
            row.format.map(Format::name),
            Some(want),
            "{}",
            folder.display()
        );
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
    let want: Vec<usize> = load(&corpus.join(file)).iter().map(count).collect();
    steps_are(corpus, file, &want);
}

/// Steps of the only record of a file, counted over all its rows.
#[track_caller]
fn check_session(corpus: &Path, file: &str, count: impl Fn(&[Value]) -> usize) {
    steps_are(corpus, file, &[count(&load(&corpus.join(file)))]);
}

#[track_caller]
fn steps_are(corpus: &Path, file: &str, want: &[usize]) {
    let path = corpus.join(file);
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

/// Model responses of a V0 history, by their ids.
fn v0_responses(events: &[&Value]) -> usize {
    let agents = events.iter().filter(|event| event["source"] == "agent");
    let ids: BTreeSet<&str> = agents
        .filter_map(|event| event["tool_call_metadata"]["model_response"]["id"].as_str())
        .collect();
    ids.len()
}

#[test]
fn steps_of_openhands_v0_are_those_of_the_raw_json() {
    let Some(corpus) = corpus() else { return };
    let history = |row: &Value| v0_responses(&items(row, "history"));
    let folder = "01-openhands-v0-output";
    check(
        &corpus,
        &format!("{folder}/multi_swe_bench_output.jsonl"),
        history,
    );
    let pairs = |row: &Value| {
        let pairs = items(row, "history");
        pairs
            .iter()
            .filter(|pair| pair[0]["source"] == "agent")
            .count()
    };
    check(&corpus, &format!("{folder}/prontoqa_output.jsonl"), pairs);
    check(
        &corpus,
        &format!("{folder}/gorilla_torch_pairs.jsonl"),
        pairs,
    );
    let actions = |row: &Value| {
        let mut events = items(row, "history").into_iter();
        let first = events.next().unwrap();
        assert_eq!(first["action"], "message", "the instruction");
        events.filter(|event| event["action"].is_string()).count()
    };
    check(&corpus, &format!("{folder}/resolver_output.jsonl"), actions);
    check_session(
        &corpus,
        "03-openhands-v0-events/exported_trajectory.json",
        |events| v0_responses(&events.iter().collect::<Vec<_>>()),
    );
    // the same row as in 01, packed
    let first = summaries(&corpus.join(folder).join("multi_swe_bench_output.jsonl"));
    let packed = summaries(&corpus.join("14-derived/openhands_v0_output_1row.jsonl.gz"));
    assert_eq!(
        packed.first().map(|row| row.steps),
        first.first().map(|row| row.steps)
    );
}

fn samples_of(path: &Path) -> Vec<Value> {
    let mut zip = zip::ZipArchive::new(fs::File::open(path).unwrap()).unwrap();
    let names: Vec<String> = zip
        .file_names()
        .map(|name| name.unwrap().into_owned())
        .collect();
    let samples = names.iter().filter(|name| name.starts_with("samples/"));
    let samples = samples.map(|name| serde_json::from_reader(zip.by_name(name).unwrap()).unwrap());
    samples.collect()
}

#[test]
fn steps_of_inspect_are_those_of_the_raw_json() {
    let Some(corpus) = corpus() else { return };
    let assistant = |sample: &Value| with_role(sample, "assistant");
    let log = |file: &Value| items(file, "samples").into_iter().map(assistant).sum();
    check(&corpus, "08-inspect/browser.json", log);
    check(&corpus, "08-inspect/log_images_tc.json", log);
    let path = corpus.join("08-inspect/intercode_ctf.eval");
    let mut want: Vec<usize> = samples_of(&path).iter().map(assistant).collect();
    want.sort_unstable();
    assert_eq!(want.len(), 15);
    for name in [
        "08-inspect/intercode_ctf.eval",
        "14-derived/inspect_intercode_ctf_zstd.eval",
    ] {
        let rows = summaries(&corpus.join(name));
        let mut got: Vec<usize> = rows.iter().map(|row| row.steps).collect();
        got.sort_unstable();
        assert_eq!(got, want, "{name}");
    }
}

#[test]
fn steps_of_sessions_are_those_of_the_raw_json() {
    let Some(corpus) = corpus() else { return };
    let responses = |rows: &[Value]| {
        let own = rows
            .iter()
            .filter(|row| row["type"] == "assistant" && row["isSidechain"] != true);
        let ids: BTreeSet<&str> = own
            .filter_map(|row| row["message"]["id"].as_str())
            .collect();
        ids.len()
    };
    for name in [
        "session_edits_ansi.jsonl",
        "session_image_1MBline.jsonl",
        "JSSoundRecorder/7acd37a8-2745-4b58-a8a9-46164b22ad9e.jsonl",
        "subagents_project/ef958aa1-0e93-49f0-bb71-150f63befcd1.jsonl",
    ] {
        check_session(&corpus, &format!("09-claude-code/{name}"), responses);
    }
    // Codex reports the tokens of each response once
    let reports = |rows: &[Value]| {
        let counts = rows
            .iter()
            .filter(|row| row["payload"]["type"] == "token_count");
        counts.count()
    };
    for name in ["rollout-2025-09-24T19-22-20", "rollout-2025-09-25T15-12-14"] {
        check_session(&corpus, &format!("10-codex/{name}.jsonl"), reports);
    }
}

#[test]
fn steps_of_adp_are_those_of_the_raw_json() {
    let Some(corpus) = corpus() else { return };
    let actions = |row: &Value| {
        let all = items(row, "content").into_iter();
        all.filter(|item| item["class_"].as_str().unwrap().ends_with("_action"))
            .count()
    };
    let spoken = |row: &Value| {
        let all = items(row, "conversations").into_iter();
        all.filter(|turn| turn["from"] == "gpt" || turn["from"] == "function_call")
            .count()
    };
    let folders = [
        "codeactinstruct",
        "mini-coder",
        "swe-gym_openhands_sampled_trajectories",
    ];
    for folder in folders {
        check(
            &corpus,
            &format!("11-adp/{folder}/sample_std.json"),
            actions,
        );
        check(&corpus, &format!("11-adp/{folder}/sample_sft.json"), spoken);
    }
    check(
        &corpus,
        "11-adp/nebius_SWE-agent-trajectories/sample_std.json",
        actions,
    );
}

/// The arguments of all calls of a record as `show --json` prints them.
fn shown_args(path: &Path, nth: usize) -> Vec<Value> {
    let nth = nth.to_string();
    let args = [
        "show".as_ref(),
        path.as_os_str(),
        "--nth".as_ref(),
        nth.as_ref(),
        "--json".as_ref(),
    ];
    let shown: Value = serde_json::from_str(&Program::new().run(&args).ends(0).out).unwrap();
    items(&shown, "steps")
        .into_iter()
        .flat_map(|step| items(step, "actions"))
        .map(|action| action["args"].clone())
        .collect()
}

/// A value, or the one that a text holds.
fn parsed(value: &Value) -> Value {
    let text = value.as_str();
    text.and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_else(|| value.clone())
}

#[track_caller]
fn check_args(corpus: &Path, file: &str, want: &[Value]) {
    assert_eq!(shown_args(&corpus.join(file), 1), want, "{file}");
    assert!(!want.is_empty(), "{file} has calls");
}

fn calls_of(messages: &[&Value], key: &str) -> Vec<Value> {
    let calls = messages
        .iter()
        .flat_map(|message| items(message, "tool_calls"));
    calls
        .map(|call| parsed(call.pointer(key).unwrap()))
        .collect()
}

#[test]
fn arguments_of_calls_are_verbatim() {
    let Some(corpus) = corpus() else { return };
    let rows = |file: &str| load(&corpus.join(file));

    let file = "01-openhands-v0-output/multi_swe_bench_output.jsonl";
    let row = rows(file).swap_remove(0);
    let mut seen = BTreeSet::new();
    let mut want = Vec::new();
    for event in items(&row, "history") {
        let response = &event["tool_call_metadata"]["model_response"];
        let is_new = response["id"].as_str().is_some_and(|id| seen.insert(id));
        if is_new {
            want.extend(calls_of(
                &[&response["choices"][0]["message"]],
                "/function/arguments",
            ));
        }
    }
    check_args(&corpus, file, &want);

    let file = "04-swe-agent/marshmallow-1867_function_calling_replace_from_source.traj";
    let row = rows(file).swap_remove(0);
    let agent: Vec<&Value> = items(&row, "history")
        .into_iter()
        .filter(|message| message["role"] == "assistant" && message["is_demo"] != true)
        .collect();
    check_args(&corpus, file, &calls_of(&agent, "/function/arguments"));

    let file = "07-atif/openhands_hello-world.trajectory.json";
    let row = rows(file).swap_remove(0);
    check_args(
        &corpus,
        file,
        &calls_of(&items(&row, "steps"), "/arguments"),
    );

    let file = "08-inspect/browser.json";
    let log = rows(file).swap_remove(0);
    check_args(
        &corpus,
        file,
        &calls_of(&items(&log["samples"][0], "messages"), "/arguments"),
    );
}

#[test]
fn arguments_of_sessions_and_rows_are_verbatim() {
    let Some(corpus) = corpus() else { return };
    let rows = |file: &str| load(&corpus.join(file));

    let file = "09-claude-code/session_edits_ansi.jsonl";
    let mut want = Vec::new();
    for row in rows(file).iter().filter(|row| row["type"] == "assistant") {
        let uses = items(&row["message"], "content").into_iter();
        want.extend(
            uses.filter(|part| part["type"] == "tool_use")
                .map(|part| part["input"].clone()),
        );
    }
    check_args(&corpus, file, &want);

    let file = "10-codex/rollout-2025-09-25T15-12-14.jsonl";
    let want: Vec<Value> = rows(file)
        .iter()
        .filter(|row| row["payload"]["type"] == "function_call")
        .map(|row| parsed(&row["payload"]["arguments"]))
        .collect();
    check_args(&corpus, file, &want);

    let file = "11-adp/swe-gym_openhands_sampled_trajectories/sample_std.json";
    let row = rows(file).swap_remove(0);
    let want: Vec<Value> = items(&row, "content")
        .into_iter()
        .filter_map(|item| match item["class_"].as_str().unwrap() {
            "api_action" => Some(item["kwargs"].clone()),
            // code has no arguments: it is the command
            "code_action" => Some(serde_json::json!({ "command": item["content"] })),
            _ => None,
        })
        .collect();
    check_args(&corpus, file, &want);

    let file = "14-derived/openhands_v1_output_wrapped.jsonl";
    let row = rows(file).swap_remove(0);
    let want: Vec<Value> = items(&row, "history")
        .into_iter()
        .filter(|event| event["kind"] == "ActionEvent")
        .map(|event| {
            let call = &event["tool_call"];
            let flat = &call["arguments"];
            parsed(if flat.is_null() {
                &call["function"]["arguments"]
            } else {
                flat
            })
        })
        .collect();
    check_args(&corpus, file, &want);
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
            let got = shown_args(&path, ix + 1);
            assert_eq!(got, want, "{file} row {ix}");
            assert!(!want.is_empty(), "{file} row {ix}");
        }
    }
}
