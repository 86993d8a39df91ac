//! Every container with the same rows, and everything that can happen to files.

mod corpus;
mod faults;
mod folders;
mod follow;
mod listed;
mod packed;
mod stream;

use std::fs;
use std::fs::File;
use std::fs::OpenOptions as FsOptions;
use std::io::Write as _;

use super::*;
use crate::read::PartRole;
use crate::read::testing::corpus;

/// Predictions are a real format whose reader needs no other; ids tell the rows apart.
fn row(n: usize) -> String {
    format!(r#"{{"instance_id":"o__n-{n}","model_patch":"+line {n}\n","model_name_or_path":"m"}}"#)
}

fn rows(count: usize) -> Vec<String> {
    (0..count).map(row).collect()
}

fn open(paths: &[&Path]) -> Store {
    let store = Store::open(&OpenOptions {
        paths: paths.iter().map(|path| path.to_path_buf()).collect(),
        ..OpenOptions::default()
    })
    .unwrap();
    store.scan(&Cancel::new(), &mut |_| {}).unwrap();
    assert!(store.is_complete());
    store
}

fn ids(store: &Store) -> Vec<String> {
    (0..store.len())
        .map(|ix| match store.load(RecordIx(ix)) {
            Ok(trajectory) => trajectory.id.clone(),
            Err(fault) => format!("! {}", fault.why),
        })
        .collect()
}

fn five() -> Vec<String> {
    (0..5).map(|n| format!("o__n-{n}")).collect()
}

fn write(folder: &Path, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, bytes).unwrap();
    path
}

#[track_caller]
fn holds_five(path: &Path) {
    let store = open(&[path]);
    assert_eq!(ids(&store), five(), "{}", path.display());
    for ix in 0..5 {
        let trajectory = store.load(RecordIx(ix)).unwrap();
        assert_eq!(
            trajectory.final_patch.as_deref(),
            Some(format!("+line {ix}\n").as_str())
        );
    }
}

#[test]
fn every_text_layout_gives_the_same_records() {
    let dir = tempfile::tempdir().unwrap();
    let five = rows(5);
    let lf = five.join("\n") + "\n";
    let texts = [
        ("lf.jsonl", lf.clone()),
        ("open.jsonl", five.join("\n")),
        ("crlf.jsonl", five.join("\r\n") + "\r\n"),
        ("blank.jsonl", format!("\n\n{}\n\n  \n", five.join("\n\n"))),
        ("bom.jsonl", format!("\u{feff}{lf}")),
        ("noname", lf.clone()),
        ("array.json", format!("[{}]", five.join(","))),
        ("pretty.json", format!("[\n  {}\n]\n", five.join(",\n  "))),
        ("bom.json", format!("\u{feff}[{}]", five.join(","))),
    ];
    for (name, text) in &texts {
        holds_five(&write(dir.path(), name, text));
    }
    // elements longer than what a scan reads at first, over many lines
    let padded: Vec<String> = five
        .iter()
        .map(|row| row.replacen('{', &format!("{{\"pad\": [{}1],", "1,\n".repeat(80_000)), 1))
        .collect();
    holds_five(&write(
        dir.path(),
        "long.json",
        format!("[{}]", padded.join(",")),
    ));
    let keyed: Vec<String> = (0..5)
        .map(|n| format!(r#""o__n-{n}":{{"model_patch":"+line {n}\n"}}"#))
        .collect();
    holds_five(&write(
        dir.path(),
        "keyed.json",
        format!("{{{}}}", keyed.join(",")),
    ));
}

#[test]
fn a_record_of_many_takes_few_bytes() {
    const RECORDS: usize = 200_000;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jsonl");
    let short = |n: usize| format!("{{\"instance_id\":\"o__n-{n}\",\"messages\":[]}}\n");
    std::fs::write(&path, (0..RECORDS).map(short).collect::<String>()).unwrap();
    let store = Store::open(&OpenOptions {
        paths: vec![path],
        index_dir: Some(folder.path().join("index")),
        max_memory: 4 << 20,
        ..OpenOptions::default()
    })
    .unwrap();
    store.scan(&Cancel::new(), &mut |_| {}).unwrap();
    assert_eq!(store.len(), RECORDS);
    let held = store.resident_bytes();
    assert!(held <= 5 * RECORDS as u64, "{held} bytes after the scan");
    for ix in (0..RECORDS).step_by(100).map(RecordIx) {
        drop(store.load(ix).unwrap());
        store.content_hash(ix).unwrap();
    }
    let held = store.resident_bytes();
    assert!(held > 2 * RECORDS as u64, "{held} bytes are too few");
    assert!(
        held <= (5 * RECORDS + (4 << 20)) as u64,
        "{held} bytes after a while"
    );
}

#[test]
fn load_bytes_are_the_very_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let path = write(
        dir.path(),
        "a.jsonl",
        format!("\u{feff}{}\r\n\r\n{}\r\n", row(0), row(1)),
    );
    let store = open(&[&path]);
    for ix in 0..2 {
        assert_eq!(store.load_bytes(RecordIx(ix)).unwrap(), row(ix).as_bytes());
        assert_eq!(store.peek_id(RecordIx(ix)), Some(format!("o__n-{ix}")));
    }
    let entry = store.entry(RecordIx(1)).unwrap();
    assert_eq!((entry.row, entry.format), (1, Some(Format::Prediction)));
    assert_eq!(store.entry(RecordIx(2)), None);
    assert!(store.load(RecordIx(2)).is_err());
}

#[track_caller]
fn check_events(store: &Store, events: &[&str], metas: &[&str]) {
    let raw = store.load_raw(RecordIx(0)).unwrap();
    let of = |role: PartRole| raw.parts.iter().filter(move |part| part.role == role);
    let texts: Vec<String> = of(PartRole::Event)
        .map(|part| String::from_utf8(part.bytes.clone()).unwrap())
        .collect();
    assert_eq!(texts, events);
    let names: Vec<&str> = of(PartRole::Meta).map(|part| part.name.as_str()).collect();
    assert_eq!(names, metas);
    assert_eq!(raw.layout, Layout::Session);
    assert_eq!(
        store.load_bytes(RecordIx(0)).unwrap(),
        events.join("\n").as_bytes()
    );
}

fn append(path: &Path, text: &str) {
    let mut file = FsOptions::new().append(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

fn refresh(store: &Store) -> Refresh {
    store.refresh(&Cancel::new(), &mut |_| {}).unwrap()
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn tar_of(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, *bytes).unwrap();
    }
    builder.into_inner().unwrap()
}

#[test]
fn a_record_that_two_ask_for_is_parsed_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = write(dir.path(), "a.jsonl", rows(2).join("\n"));
    let store = open(&[&path]);
    let parses = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let (begun, has_begun) = std::sync::mpsc::channel();
        let (store, parses) = (&store, &parses);
        let parse = move |ix| {
            parses.fetch_add(1, Ordering::Relaxed);
            store.parse(ix)
        };
        scope.spawn(move || {
            let slowly = |ix| {
                begun.send(()).unwrap();
                // the other one has asked by now, or asks later and finds the record
                std::thread::yield_now();
                parse(ix)
            };
            store.load_by(RecordIx(0), slowly).unwrap();
        });
        has_begun.recv().unwrap();
        store.load_by(RecordIx(0), parse).unwrap();
    });
    assert_eq!(parses.load(Ordering::Relaxed), 1);
    assert!(lock(&store.loading).is_empty());
}
