//! Times the filter and the export on Hybrid-Gym rows beside the least that such work can cost, in the same run:
//!
//! `cargo bench --bench curate` (4,400 records of 200 KB), `-- --quick` (440 of them); the same number of chat rows, and
//! of rows that have both, for exports of conversations
//!
//! `hgview verify --mode both`, as a table, as JSON and with `--flags`, beside `wc -l` plus a parse of every line by
//! sonic-rs on one core, and beside that parse on all cores, as are exports of conversations; `hgview export --format raw`
//! beside `cp`, beside a loop that reads once, takes the SHA-256 that the manifest has, and writes, and beside `cp`
//! followed by a sync, which an export does where it replaces a file. Caches of hgview are empty each time, but for the
//! last rows: with the index that `list` leaves, with that of an earlier export, and so for half of the records beside
//! `cp` of as many bytes. The page cache is warm; the ratio counts, not the milliseconds.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark prints its table, and stops where it cannot measure"
)]

use std::fmt::Write as _;
use std::io::BufRead as _;
use std::io::Read as _;
use std::io::Seek as _;
use std::io::SeekFrom;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::sync::mpsc::sync_channel;
use std::thread::ScopedJoinHandle;
use std::time::Duration;
use std::time::Instant;

use serde_json::json;
use sha2::Digest as _;
use sha2::Sha256;
use sonic_rs::JsonValueTrait as _;

const RECORD_BYTES: usize = 200 << 10;
const EVENT_BYTES: usize = 4 << 10;
const RUNS: usize = 3;
const ON_ALL_CORES: &str = "sonic-rs on all cores";

/// Source lines that differ from record to record and from event to event.
fn code(seed: usize, bytes: usize) -> String {
    let mut text = String::with_capacity(bytes + 80);
    let mut number = seed.wrapping_mul(2_654_435_761);
    while text.len() < bytes {
        number = number.wrapping_mul(1_103_515_245).wrapping_add(12_345);
        let (a, b) = (number >> 8 & 0xffff, number >> 20 & 0xff);
        let _written = writeln!(
            text,
            "    tide_{a:x} = harbor.moor(\"buoy {b}\", depth={a}) if keel else None"
        );
    }
    text
}

/// The instance and the patch of an attempt: of two task types in turn, every third attempt fails.
fn task(ix: usize) -> (serde_json::Value, String) {
    let id = format!("tidepool__harbor-{ix}");
    let path = format!("harbor/dock_{}.py", ix % 50);
    let line = 20 + ix % 200;
    let is_good = !ix.is_multiple_of(3);
    if ix.is_multiple_of(2) {
        let instance = json!({
            "instance_id": id, "repo": "tidepool/harbor", "base_commit": "0000000000000000000000000000000000000000",
            "file_path": path, "module_name": "moor", "module_type": "function",
            "module_line_start": line, "module_line_end": line + 2,
            "docstring_line_start": line + 1, "docstring_line_end": line + 1,
            "function_description": "Ties a vessel up.",
        });
        let at = line + 1;
        let added = if is_good {
            "    \"\"\"Ties a vessel up.\n+\n+    Returns the cleat.\n+    \"\"\""
        } else {
            "    depth = 3\n+\n+\n+    keel = 2"
        };
        let diff = format!(
            "diff --git a/{path} b/{path}\nindex 1111111..2222222 100644\n--- a/{path}\n+++ b/{path}\n@@ -{at},2 +{at},6 @@ class Dock:\n def moor(vessel):\n+{added}\n     return vessel.cleat\n"
        );
        return (instance, diff);
    }
    let instance = json!({
        "instance_id": id, "repo": "tidepool/harbor", "base_commit": "0000000000000000000000000000000000000000",
        "target_function_name": "moor", "target_function_file": path,
        "target_function_line_start": 5, "target_function_line_end": 9, "num_dependencies": 1,
        "dependencies": [{"name": "cleat", "file_path": path, "line_start": line, "line_end": line + 3, "type": "function", "decorator_line": null}],
    });
    let at = line + 1;
    let name = if is_good { "moor" } else { "cast_off" };
    let diff = format!(
        "diff --git a/{path} b/{path}\nindex 1111111..2222222 100644\n--- a/{path}\n+++ b/{path}\n@@ -{at},2 +{at},3 @@\n+# this function is called by the {name} function\n def cleat(rope):\n     return rope.end\n"
    );
    (instance, diff)
}

/// One row of `output.jsonl`.
fn record(ix: usize) -> String {
    let (instance, patch) = task(ix);
    let mut history = vec![json!({
        "id": 0, "timestamp": "2025-03-04T05:06:07", "source": "user", "message": "Do it.",
        "action": "message", "args": {"content": "Do it."},
    })];
    let mut event = 1;
    while event * EVENT_BYTES / 2 < RECORD_BYTES {
        history.push(json!({
            "id": event, "timestamp": "2025-03-04T05:06:08", "source": "agent", "message": "Running",
            "action": "run", "args": {"command": format!("sed -n {event},99p harbor/dock.py"), "thought": "Look at it."},
        }));
        history.push(json!({
            "id": event + 1, "timestamp": "2025-03-04T05:06:09", "source": "agent", "message": "Ran", "cause": event,
            "observation": "run", "content": code(ix * 100 + event, EVENT_BYTES - 300),
            "extras": {"command": "sed", "metadata": {"exit_code": 0}},
        }));
        event += 2;
    }
    json!({
        "instance_id": instance["instance_id"], "test_result": {"git_patch": patch}, "instruction": "Do it.",
        "metadata": {"agent_class": "CodeActAgent", "llm_config": {"model": "m"}}, "history": history,
        "metrics": {"accumulated_cost": 0.1}, "error": null, "instance": instance,
    })
    .to_string()
}

/// What a model was told and said, with the tools that it had.
fn conversation(ix: usize) -> serde_json::Value {
    let mut messages = vec![
        json!({"role": "system", "content": "You work with tools."}),
        json!({"role": "user", "content": "Do it."}),
    ];
    let mut turn = 0;
    while turn * EVENT_BYTES < RECORD_BYTES {
        let (id, arguments) = (
            format!("call_{turn}"),
            json!({"command": format!("sed -n {turn},99p harbor/dock.py")}),
        );
        let function = json!({"name": "execute_bash", "arguments": arguments.to_string()});
        let call = json!({"id": id, "type": "function", "function": function});
        messages.push(json!({"role": "assistant", "content": "Look at it.", "tool_calls": [call]}));
        let content = code(ix * 100 + turn, EVENT_BYTES - 300);
        messages.push(
            json!({"role": "tool", "tool_call_id": id, "name": "execute_bash", "content": content}),
        );
        turn += 1;
    }
    let command = json!({"type": "string", "description": "What is run."});
    let parameters =
        json!({"type": "object", "properties": {"command": command}, "required": ["command"]});
    let function =
        json!({"name": "execute_bash", "description": "Runs a command.", "parameters": parameters});
    json!({"messages": messages, "tools": [{"type": "function", "function": function}]})
}

/// A chat row.
fn chat_row(ix: usize) -> String {
    let mut row = conversation(ix);
    row["instance_id"] = json!(format!("tidepool__harbor-{ix}"));
    row["resolved"] = json!(!ix.is_multiple_of(3));
    row.to_string()
}

/// A row of `output.jsonl` that has its conversation beside its events, as Hybrid-Gym's own have.
fn row_with_both(ix: usize) -> String {
    let row = record(ix);
    let open = row.strip_suffix('}').expect("an object");
    format!("{open},\"raw_completions\":{}}}", conversation(ix))
}

fn make(path: &Path, records: usize, record: fn(usize) -> String) {
    if path.is_file() {
        return;
    }
    let part = path.with_extension("part");
    let file = std::fs::File::create(&part).expect("room for the data");
    let mut file = std::io::BufWriter::with_capacity(1 << 20, file);
    for ix in 0..records {
        writeln!(file, "{}", record(ix)).expect("room for the data");
    }
    file.flush().expect("room for the data");
    std::fs::rename(part, path).expect("a name for the data");
}

/// The best of some runs: what disturbs a run only makes it slower.
fn best(mut work: impl FnMut()) -> Duration {
    let mut times = Vec::new();
    for _ in 0..RUNS {
        let began = Instant::now();
        work();
        times.push(began.elapsed());
    }
    times.into_iter().min().unwrap_or_default()
}

fn run(program: &str, args: &[&str], cache: &Path) {
    let done = Command::new(program)
        .args(args)
        .env("XDG_CACHE_HOME", cache)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    // hgview ends with 1 where records were rejected by the format; only 2 is a failure
    assert!(
        done.expect("the program starts")
            .code()
            .is_some_and(|code| code < 2),
        "{program} {args:?} failed"
    );
}

/// Parses every line on so many threads, each with a stretch of the file.
fn parse_all(path: &Path, threads: u64) -> usize {
    let len = std::fs::metadata(path).map_or(0, |meta| meta.len());
    let parse = |nth: u64| {
        let (start, end) = (len * nth / threads, len * (nth + 1) / threads);
        let mut file = std::fs::File::open(path).expect("the data");
        // a line belongs to the stretch that it begins in
        let mut at = start.saturating_sub(1);
        file.seek(SeekFrom::Start(at)).expect("the data");
        let mut reader = std::io::BufReader::with_capacity(1 << 20, file);
        let (mut line, mut count) = (Vec::new(), 0);
        if start > 0 {
            at += reader.skip_until(b'\n').expect("the data") as u64;
        }
        while at < end {
            line.clear();
            at += reader.read_until(b'\n', &mut line).expect("the data") as u64;
            let value: sonic_rs::Value = sonic_rs::from_slice(&line).expect("JSON");
            count += usize::from(value.is_object());
        }
        count
    };
    std::thread::scope(|scope| {
        let parses: Vec<_> = (0..threads)
            .map(|nth| scope.spawn(move || parse(nth)))
            .collect();
        let counts = parses.into_iter().map(ScopedJoinHandle::join);
        counts.map(|count| count.expect("it parses")).sum()
    })
}

/// The least that a copy with a hash of all of it can cost: reads once, hashes on a thread of its own, writes beside.
fn hash_and_copy(from: &Path, to: &Path) {
    const CHUNK: usize = 256 << 10;
    const CHUNKS: usize = 16;
    let mut from = std::fs::File::open(from).expect("the data");
    let mut to = std::fs::File::create(to).expect("a file for the copy");
    let (read, to_hash) = sync_channel::<Arc<Vec<u8>>>(CHUNKS);
    let (free, to_fill) = channel();
    for _ in 0..CHUNKS + 2 {
        free.send(vec![0; CHUNK]).expect("it is received below");
    }
    let hash = move || {
        let mut hasher = Sha256::new();
        for chunk in to_hash {
            hasher.update(&*chunk);
            let buffer = Arc::into_inner(chunk).unwrap_or_default();
            // nobody fills it again behind the end
            drop(free.send(buffer));
        }
        hasher.finalize()
    };
    std::thread::scope(|scope| {
        scope.spawn(hash);
        loop {
            let mut buffer = to_fill.recv().expect("buffers come back");
            buffer.resize(CHUNK, 0);
            let len = from.read(&mut buffer).expect("the data");
            if len == 0 {
                break;
            }
            buffer.truncate(len);
            let chunk = Arc::new(buffer);
            read.send(Arc::clone(&chunk)).expect("it is hashed");
            to.write_all(&chunk).expect("the copy");
        }
        drop(read);
    });
}

fn row(what: &str, ours: Duration, beside: &str, theirs: Duration) {
    let (ours, theirs) = (ours.as_secs_f64(), theirs.as_secs_f64());
    println!(
        "| {what} | {:.0} ms | {beside} {:.0} ms | {:.2}× |",
        ours * 1e3,
        theirs * 1e3,
        ours / theirs
    );
}

/// The rows of the filter.
fn verify_rows(data: &Path, records: usize, parallel: Duration, hgview: &str, cache: &Path) {
    let path = data.to_str().expect("a plain path");
    let floor = best(|| {
        run("wc", &["-l", path], cache);
        assert_eq!(parse_all(data, 1), records);
    });
    for more in [&[][..], &["--json"], &["--json", "--flags"]] {
        let args = [&["verify", path, "--mode", "both"], more].concat();
        let verify = best(|| {
            drop(std::fs::remove_dir_all(cache));
            run(hgview, &args, cache);
        });
        let what = [&["verify --mode both"], more].concat().join(" ");
        row(&what, verify, "`wc -l` and sonic-rs", floor);
        if !more.contains(&"--flags") {
            row(&what, verify, ON_ALL_CORES, parallel);
        }
    }
}

/// The rows of exports that turn records into conversations, without an index.
fn conversation_rows(what: &str, data: &Path, parallel: Duration, hgview: &str, cache: &Path) {
    let (out, prompt) = (data.with_extension("out"), data.with_extension("prompt"));
    std::fs::write(&prompt, "\n\nYou have these functions:\n{description}")
        .expect("room for a prompt");
    let (path, out_path) = (data.to_string_lossy(), out.to_string_lossy());
    let prompt = prompt.to_string_lossy();
    for (format, more) in [("chat", &[][..]), ("sft", &["--tool-prompt", &*prompt])] {
        let export = best(|| {
            drop(std::fs::remove_dir_all(cache));
            drop(std::fs::remove_file(&out));
            let args = [
                "export", &path, "-o", &out_path, "--format", format, "--force",
            ];
            run(hgview, &[&args, more].concat(), cache);
        });
        row(
            &format!("export --format {format}, {what}"),
            export,
            ON_ALL_CORES,
            parallel,
        );
    }
    drop(std::fs::remove_file(&out));
}

/// The rows of exports that copy records.
fn copy_rows(data: &Path, hgview: &str, cache: &Path) {
    let path = data.to_str().expect("a plain path");
    let clear = || drop(std::fs::remove_dir_all(cache));
    let folder = data.parent().expect("the folder of the data");
    let copy = folder.join("copy.jsonl");
    let out = folder.join("out.jsonl");
    let (copy_path, out_path) = (copy.to_string_lossy(), out.to_string_lossy());
    let remove = |path: &Path| drop(std::fs::remove_file(path));
    let cp = best(|| {
        remove(&copy);
        run("cp", &[path, &copy_path], cache);
    });
    let hashed = best(|| {
        remove(&copy);
        hash_and_copy(data, &copy);
    });
    let cp_synced = best(|| {
        remove(&copy);
        run("cp", &[path, &copy_path], cache);
        run("sync", &[&copy_path], cache);
    });
    let raw = [
        "export", path, "-o", &out_path, "--format", "raw", "--force",
    ];
    let export = |before: &dyn Fn(), more: &[&str]| {
        best(|| {
            remove(&out);
            before();
            run(hgview, &[&raw[..], more].concat(), cache);
        })
    };
    let cold = export(&clear, &[]);
    let first = "export --format raw, of a file never seen";
    row(first, cold, "`cp`", cp);
    row(first, cold, "a copy with a hash", hashed);
    row("a copy with a hash", hashed, "`cp`", cp);
    row(first, cold, "`cp` and sync", cp_synced);
    clear();
    run(hgview, &["list", path], cache);
    let places = cache.join("listed");
    keep(&cache.join("hgview"), &places);
    let listed = export(&|| keep(&places, &cache.join("hgview")), &[]);
    row("export --format raw, after `list`", listed, "`cp`", cp);
    let warm = export(&|| (), &[]);
    row("export --format raw, again", warm, "`cp`", cp);
    let half = folder.join("half.jsonl");
    make_half(data, &half);
    let half_path = half.to_string_lossy();
    let cp_half = best(|| {
        remove(&copy);
        run("cp", &[&half_path, &copy_path], cache);
    });
    let where_half = export(&|| (), &["--where", "task = dep_search"]);
    row(
        "… of half of the records, again",
        where_half,
        "`cp`",
        cp_half,
    );
    for path in [&copy, &out, &half] {
        remove(path);
    }
    clear();
}

fn main() {
    let is_quick = std::env::args().any(|arg| arg == "--quick");
    let records = if is_quick { 440 } else { 4400 };
    let folder = std::env::temp_dir().join("hgview-bench");
    std::fs::create_dir_all(&folder).expect("a folder for the data");
    let data = folder.join(format!("gym-{records}.jsonl"));
    make(&data, records, record);
    let hgview = env!("CARGO_BIN_EXE_hgview");
    let cache = folder.join("no-cache");
    let size = std::fs::metadata(&data).map_or(0, |meta| meta.len()) >> 20;
    println!(
        "{records} records, {size} MB\n\n| what | hgview | beside | ratio |\n|---|---|---|---|"
    );
    let threads = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    let parse = |data: &Path| best(|| assert_eq!(parse_all(data, threads), records));
    let parallel = parse(&data);
    verify_rows(&data, records, parallel, hgview, &cache);
    conversation_rows("OpenHands rows", &data, parallel, hgview, &cache);
    for (kind, make_row) in [
        ("chat rows", chat_row as fn(usize) -> String),
        ("rows that have both", row_with_both),
    ] {
        let data = folder.join(format!("{}-{records}.jsonl", kind.replace(' ', "-")));
        make(&data, records, make_row);
        conversation_rows(kind, &data, parse(&data), hgview, &cache);
        drop(std::fs::remove_file(&data));
    }
    copy_rows(&data, hgview, &cache);
    drop(std::fs::remove_dir_all(&cache));
}

/// Makes a folder what another one is.
fn keep(from: &Path, to: &Path) {
    drop(std::fs::remove_dir_all(to));
    let done = Command::new("cp").arg("-r").args([from, to]).status();
    assert!(done.is_ok_and(|done| done.success()), "the index is kept");
}

/// Writes the records that the query takes and the filter keeps, as an export has them.
fn make_half(data: &Path, half: &Path) {
    let file = std::fs::File::open(data).expect("the data");
    let reader = std::io::BufReader::with_capacity(1 << 20, file);
    let out = std::fs::File::create(half).expect("room for half of the data");
    let mut out = std::io::BufWriter::with_capacity(1 << 20, out);
    for (ix, line) in reader.split(b'\n').enumerate() {
        let line = line.expect("the data");
        if !ix.is_multiple_of(2) && !ix.is_multiple_of(3) {
            out.write_all(&line).expect("room for half of the data");
            out.write_all(b"\n").expect("room for half of the data");
        }
    }
    out.flush().expect("room for half of the data");
}
