//! Gzip, zstd, zip, tar, tables.

use super::*;

#[test]
fn packed_streams_give_the_same_records() {
    let dir = tempfile::tempdir().unwrap();
    let lf = rows(5).join("\n") + "\n";
    let (head, tail) = lf.as_bytes().split_at(lf.len() / 2);
    let two_members = [gzipped(head), gzipped(tail)].concat();
    let two_frames = [
        zstd::stream::encode_all(head, 1).unwrap(),
        zstd::stream::encode_all(tail, 1).unwrap(),
    ]
    .concat();
    holds_five(&write(dir.path(), "a.jsonl.gz", gzipped(lf.as_bytes())));
    holds_five(&write(dir.path(), "b.jsonl.gz", two_members));
    holds_five(&write(dir.path(), "c.jsonl.zst", two_frames));
    let array = format!("[{}]", rows(5).join(","));
    holds_five(&write(dir.path(), "d.json.gz", gzipped(array.as_bytes())));
}

#[test]
fn a_damaged_stream_keeps_what_came_before() {
    let dir = tempfile::tempdir().unwrap();
    let packed = gzipped((rows(2000).join("\n") + "\n").as_bytes());
    let cut = packed.get(..packed.len() * 9 / 10).unwrap();
    let store = open(&[&write(dir.path(), "a.jsonl.gz", cut)]);
    let ids = ids(&store);
    assert!(ids.len() > 100, "{}", ids.len());
    assert_eq!(ids.first().map(String::as_str), Some("o__n-0"));
    assert!(
        ids.last().unwrap().contains("stream is damaged"),
        "{:?}",
        ids.last()
    );
}

#[test]
fn archives_give_the_same_records() {
    let dir = tempfile::tempdir().unwrap();
    let lf = rows(5).join("\n") + "\n";
    for (name, method) in [
        ("deflate.zip", zip::CompressionMethod::Deflated),
        ("zstd.zip", zip::CompressionMethod::Zstd),
        ("stored.zip", zip::CompressionMethod::Stored),
    ] {
        let path = dir.path().join(name);
        let mut writer = zip::ZipWriter::new(File::create(&path).unwrap());
        let options = zip::write::SimpleFileOptions::default().compression_method(method);
        writer.start_file("run/preds.jsonl", options).unwrap();
        writer.write_all(lf.as_bytes()).unwrap();
        writer.start_file("run/readme.txt", options).unwrap();
        writer.finish().unwrap();
        holds_five(&path);
        let entry = open(&[&path]).entry(RecordIx(3)).unwrap();
        assert_eq!(entry.member.as_deref(), Some("run/preds.jsonl"));
    }
    let tar = tar_of(&[("run/preds.jsonl", lf.as_bytes()), ("run/x.log", b"no")]);
    holds_five(&write(dir.path(), "a.tar", &tar));
    holds_five(&write(dir.path(), "a.tar.gz", gzipped(&tar)));
    let single: Vec<(String, String)> = (0..5).map(|n| (format!("{n}/p.json"), row(n))).collect();
    let members: Vec<(&str, &[u8])> = single
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_bytes()))
        .collect();
    holds_five(&write(dir.path(), "b.tar", tar_of(&members)));
}

/// What has its directory at its end is unpacked from whatever it lies in.
#[test]
fn tables_and_archives_lie_in_archives() {
    let dir = tempfile::tempdir().unwrap();
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/chat");
    let table = samples.join("nested.parquet");
    let want = ids(&open(&[&table]));
    assert!(want.len() > 1 && want.iter().all(|id| !id.starts_with('!')));
    let table = fs::read(table).unwrap();
    let tar = tar_of(&[("run/a.parquet", &table)]);
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    zip.start_file("run/a.parquet", options).unwrap();
    zip.write_all(&table).unwrap();
    let zip = zip.finish().unwrap().into_inner();
    for (name, bytes) in [
        ("a.tar", tar.clone()),
        ("a.tar.gz", gzipped(&tar)),
        ("a.zip", zip.clone()),
        ("b.tar", tar_of(&[("in/a.zip", &zip)])),
        ("c.tar", tar_of(&[("in/a.tar", &tar)])),
        ("d.tar", tar_of(&[("in/a.parquet.gz", &gzipped(&table))])),
    ] {
        assert_eq!(
            ids(&open(&[&write(dir.path(), name, bytes)])),
            want,
            "{name}"
        );
    }
    // a damaged one is told of, wherever it lies
    for whole in [&table, &zip] {
        let cut = whole.get(..whole.len() / 2).unwrap();
        let path = write(dir.path(), "e.tar", tar_of(&[("in/a.zip", cut)]));
        assert!(ids(&open(&[&path]))[0].starts_with('!'));
    }
}

#[test]
fn event_files_of_an_archive_are_one_record() {
    let dir = tempfile::tempdir().unwrap();
    let tar = tar_of(&[
        ("c/abc/events/event-00010-x.json", br#"{"n":10}"#),
        ("c/abc/events/event-00002-y.json", br#"{"n":2}"#),
        ("c/abc/base_state.json", b"{}"),
    ]);
    let store = open(&[&write(dir.path(), "a.tar.gz", gzipped(&tar))]);
    assert_eq!(store.len(), 1);
    check_events(&store, &[r#"{"n":2}"#, r#"{"n":10}"#], &["base_state.json"]);
    assert_eq!(
        store.entry(RecordIx(0)).unwrap().member.as_deref(),
        Some("c/abc")
    );
}

#[test]
fn an_inspect_log_gives_a_record_a_sample() {
    let dir = tempfile::tempdir().unwrap();
    for header in ["header.json", "_journal/start.json"] {
        let path = dir.path().join("a.eval");
        let mut writer = zip::ZipWriter::new(File::create(&path).unwrap());
        let options = zip::write::SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Zstd);
        for (name, text) in [
            ("samples/10_epoch_1.json", r#"{"id":10}"#),
            ("samples/9_epoch_1.json", r#"{"id":9}"#),
            (header, r#"{"eval":{},"plan":{}}"#),
        ] {
            writer.start_file(name, options).unwrap();
            writer.write_all(text.as_bytes()).unwrap();
        }
        writer.finish().unwrap();
        let store = open(&[&path]);
        assert_eq!(store.len(), 2);
        let raw = store.load_raw(RecordIx(1)).unwrap();
        assert_eq!(
            raw.source.member.as_deref(),
            Some("samples/10_epoch_1.json")
        );
        assert_eq!(raw.layout, Layout::Samples);
        let parts: Vec<_> = raw
            .parts
            .iter()
            .map(|part| (part.role, part.bytes.len()))
            .collect();
        assert_eq!(parts, [(PartRole::Main, 9), (PartRole::Header, 21)]);
    }
}

#[test]
fn tables_give_rows_as_json() {
    let Some(corpus) = corpus() else { return };
    let path = corpus.join("13-tasks/swebench_verified_50.parquet");
    let store = open(&[&path]);
    assert_eq!(store.len(), 50);
    let backwards: Vec<String> = (0..50)
        .rev()
        .map(|ix| store.load(RecordIx(ix)).unwrap().id.clone())
        .collect();
    let forwards = ids(&open(&[&path]));
    assert!(backwards.iter().rev().eq(&forwards));
    assert!(forwards.iter().all(|id| id.contains("__")), "{forwards:?}");
    let row: serde_json::Value =
        serde_json::from_slice(&store.load_bytes(RecordIx(7)).unwrap()).unwrap();
    assert_eq!(
        row["instance_id"].as_str(),
        forwards.get(7).map(String::as_str)
    );
    let damaged = {
        let mut bytes = fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes.get_mut(64..middle).unwrap().fill(0xAA);
        bytes
    };
    let dir = tempfile::tempdir().unwrap();
    let store = open(&[&write(dir.path(), "bad.parquet", damaged)]);
    assert!(!ids(&store).is_empty());
    let store = open(&[&write(
        dir.path(),
        "worse.parquet",
        b"PAR1 and nothing else",
    )]);
    assert!(ids(&store).first().unwrap().starts_with("! Parquet"));
}

#[test]
fn a_header_ends_with_its_member() {
    let dir = tempfile::tempdir().unwrap();
    let sample = r#"{"id":"s","epoch":1,"input":"q","target":"","messages":[]}"#;
    let log = format!(
        r#"{{"version":2,"status":"success","eval":{{"task":"t","model":"prov/m"}},"plan":{{}},"samples":[{sample}],"results":{{}}}}"#
    );
    let tar = tar_of(&[("a.json", log.as_bytes()), ("b.json", log.as_bytes())]);
    for store in [
        open(&[&write(dir.path(), "a.tar", &tar)]),
        open(&[&write(dir.path(), "b.tar.gz", gzipped(&tar))]),
    ] {
        assert_eq!(store.len(), 2);
        for ix in 0..2 {
            let trajectory = store.load(RecordIx(ix)).unwrap();
            assert_eq!(trajectory.model.as_deref(), Some("prov/m"));
            assert_eq!(trajectory.notes, []);
        }
    }
}

#[test]
fn first_rows_show_before_a_file_is_unpacked() {
    let dir = tempfile::tempdir().unwrap();
    // hashes do not pack, so that the packed file is long
    let lines: String = (0..20_000)
        .map(|n| {
            let noise = blake3::hash(&usize::to_le_bytes(n)).to_hex();
            row(n).replace("line", noise.as_str()) + "\n"
        })
        .collect();
    let zst = zstd::stream::encode_all(lines.as_bytes(), 1).unwrap();
    for (name, bytes) in [
        ("a.jsonl.gz", gzipped(lines.as_bytes())),
        ("a.jsonl.zst", zst),
    ] {
        let path = write(dir.path(), name, bytes);
        let len = fs::metadata(&path).unwrap().len();
        let store = Store::open(&OpenOptions {
            paths: vec![path],
            ..OpenOptions::default()
        })
        .unwrap();
        let mut first = None;
        let cancel = Cancel::new();
        store
            .scan(&cancel, &mut |at| {
                if at.records > 0 && first.is_none() {
                    first = Some(at.bytes_done);
                    assert_eq!(store.load(RecordIx(0)).unwrap().id, "o__n-0");
                    cancel.cancel();
                }
            })
            .unwrap();
        // what waits to be looked at is unpacked ahead of that
        assert!(first.is_some() && !store.is_complete(), "{name}");
        assert!(store.len() < 10_000, "{} of {len} bytes", store.len());
    }
}
