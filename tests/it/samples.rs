//! `samples/` is what its generator writes, and every sample is what its folder says.

use std::collections::BTreeMap;
use std::fs;
use std::io::Cursor;
use std::io::Read as _;
use std::path::Path;

use hgview::patch;
use serde_json::Value;

use crate::make_samples;
use crate::program::Program;
use crate::program::sample;

/// What a compressed file holds: compressors may differ by version and processor, their content may not.
fn unpacked(name: &str, bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut out = Vec::new();
    match name.rsplit('.').next() {
        Some("gz") => flate2::read::GzDecoder::new(bytes)
            .read_to_end(&mut out)
            .map(|_| ())
            .unwrap(),
        Some("zst") => out = zstd::stream::decode_all(bytes).unwrap(),
        Some("eval") => {
            let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
            return (0..archive.len())
                .map(|ix| {
                    let mut member = archive.by_index(ix).unwrap();
                    let mut content = Vec::new();
                    member.read_to_end(&mut content).unwrap();
                    let label = format!("{:?} {:?}", member.name(), member.compression());
                    (label, content)
                })
                .collect();
        }
        _ => out = bytes.to_vec(),
    }
    vec![(String::new(), out)]
}

/// The files of the samples, without what somebody decided and replayed who tried them.
fn files(folder: &Path, prefix: &str, found: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("{prefix}{}", path.file_name().unwrap().to_str().unwrap());
        if name.ends_with(".hgview") {
            continue;
        }
        if path.is_dir() {
            files(&path, &format!("{name}/"), found);
        } else {
            found.insert(name, fs::read(&path).unwrap());
        }
    }
}

#[test]
fn generator_writes_what_is_there() {
    let mut there = BTreeMap::new();
    files(Path::new(&sample("")), "", &mut there);
    let total: usize = there.values().map(Vec::len).sum();
    assert!(total < 700_000, "samples stay small: {total} bytes");
    for made in make_samples::all() {
        let stored = there
            .remove(&made.path)
            .unwrap_or_else(|| panic!("{} is missing", made.path));
        assert!(
            unpacked(&made.path, &stored) == unpacked(&made.path, &made.bytes),
            "{} is out of date: cargo run --example make_samples",
            made.path
        );
    }
    assert!(
        there.is_empty(),
        "nothing makes {:?}",
        there.keys().collect::<Vec<_>>()
    );
}

/// The records of each folder: format and model responses of all of them.
#[test]
fn samples_are_what_their_folders_say() {
    for format in [
        "adp",
        "atif",
        "chat",
        "claude-code",
        "codex",
        "inspect",
        "mini-swe-agent",
        "openhands-v0",
        "openhands-v1",
        "swe-agent",
    ] {
        let run = Program::new()
            .run(&["list", "--json", &sample(format)])
            .ends(0);
        let rows = run.json_lines();
        assert!(!rows.is_empty(), "{format}");
        for row in rows {
            assert_eq!(row["format"], format, "{row}");
            let has_answers = row["outcome"]["exit_status"] != "Timeout";
            assert_eq!(row["steps"].as_u64().unwrap() > 0, has_answers, "{row}");
        }
    }
}

/// The same attempt has as many responses in whatever format it is written; SWE-agent and mini-swe-agent add one
/// that submits where the others finish, the session hands a piece of work on.
#[test]
fn one_attempt_is_the_same_in_every_format() {
    let turns = 7;
    for (name, nth, want) in [
        ("openhands-v1/conversation.tar.gz", 1, turns),
        ("chat/tool_calls.jsonl", 1, turns),
        ("chat/xml.jsonl", 1, turns),
        ("chat/nested.parquet", 1, turns),
        ("chat/texts.parquet", 1, turns),
        ("chat/fenced.jsonl", 1, turns),
        ("atif/trajectory.json", 1, turns),
        ("inspect/deflate.eval", 1, turns),
        ("inspect/zstd.eval", 1, turns),
        ("claude-code", 1, turns + 1),
        ("codex/rollout-2025-03-04T05-06-07.jsonl", 1, turns),
        ("adp/sample_std.json", 1, turns),
        ("adp/sample_sft.json", 1, turns),
        ("openhands-v0/flattened.jsonl", 1, turns),
        ("swe-agent/0.x/tidepool__harbor-kit-41.traj", 1, turns),
        (
            "mini-swe-agent/tidepool__harbor-kit-41/tidepool__harbor-kit-41.traj.json",
            1,
            turns,
        ),
    ] {
        let run = Program::new()
            .run(&["list", "--json", &sample(name)])
            .ends(0);
        assert_eq!(run.json_lines()[nth - 1]["steps"], want, "{name}");
    }
}

/// The patch of every row applies to the files that its own edits name, and gives what the edits gave.
#[test]
fn patches_of_the_story_apply() {
    let text = fs::read_to_string(sample("openhands-v0/output.jsonl")).unwrap();
    let mut applied = 0;
    for row in text.lines() {
        let row: Value = serde_json::from_str(row).unwrap();
        let mut before = BTreeMap::new();
        let mut after = BTreeMap::new();
        for event in row["history"].as_array().unwrap() {
            if event["observation"] == "edit" {
                let extras = &event["extras"];
                let path = extras["path"].as_str().unwrap();
                let path = path
                    .strip_prefix("/workspace/harbor-kit/")
                    .unwrap()
                    .to_owned();
                let text = |key: &str| extras[key].as_str().unwrap().to_owned();
                before
                    .entry(path.clone())
                    .or_insert_with(|| text("old_content"));
                after.insert(path, text("new_content"));
            }
        }
        let files = patch::parse_patch(row["test_result"]["git_patch"].as_str().unwrap());
        assert_eq!(files.len(), after.len());
        for file in files {
            assert_eq!(
                patch::apply(&file, &before[file.path()]).unwrap(),
                after[file.path()]
            );
            applied += 1;
        }
    }
    assert_eq!(applied, 6);
}
