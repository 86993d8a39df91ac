//! Whatever a file holds: a scan ends, says where each record lies, in order and inside the file; a file that grows while
//! it is watched ends with the records of one that was scanned at once.

#![no_main]

#[path = "../src/caught.rs"]
mod caught;

use std::path::Path;

use hgview::cancel::Cancel;
use hgview::model::RecordIx;
use hgview::store::OpenOptions;
use hgview::store::Store;
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: caught::let_decoders_panic(), |input: (u16, &[u8])| {
    let (at, bytes) = input;
    let folder = tempfile::tempdir_in("/dev/shm").expect("memory for a file");
    let whole = folder.path().join("whole.jsonl");
    std::fs::write(&whole, bytes).expect("a file of the memory");
    let want = opened(&whole);
    scan(&want);
    assert!(want.is_complete());
    let spans = spans(&want, bytes);

    let first = &bytes[..usize::from(at).min(bytes.len())];
    let growing = folder.path().join("growing.jsonl");
    std::fs::write(&growing, first).expect("a file of the memory");
    let got = opened(&growing);
    scan(&got);
    std::fs::write(&growing, bytes).expect("a file of the memory");
    got.refresh(&Cancel::new(), &mut |_| {})
        .expect("a file that can be read");
    if want.len() > 1 && got.len() > 1 {
        assert_eq!(self::spans(&got, bytes), spans, "cut at {at}");
    }
});

fn opened(path: &Path) -> Store {
    Store::open(&OpenOptions {
        paths: vec![path.to_owned()],
        ..OpenOptions::default()
    })
    .expect("a file that is there")
}

fn scan(store: &Store) {
    store
        .scan(&Cancel::new(), &mut |_| {})
        .expect("a file that can be read");
}

/// Where the records lie; each can be asked for all that the list and the search ask of it.
fn spans(store: &Store, bytes: &[u8]) -> Vec<Option<(u64, u64)>> {
    let mut end = 0;
    let mut found = Vec::new();
    for ix in (0..store.len()).map(RecordIx) {
        let entry = store.entry(ix).expect("a record of the store");
        let span = entry.span.map(|span| (span.start, span.end));
        if let Some((start, stop)) = span {
            assert!(
                start <= stop && start >= end,
                "records lie behind each other"
            );
            end = stop;
            if let Ok(read) = store.load_bytes(ix)
                && !is_packed(bytes)
            {
                assert_eq!(read, bytes[start as usize..stop as usize]);
            }
        }
        let _summary = store.summarize(ix);
        let _trajectory = store.load_once(ix);
        found.push(span);
    }
    found
}

/// Whether places are those of what the file unpacks to.
fn is_packed(bytes: &[u8]) -> bool {
    [&b"\x28\xb5\x2f\xfd"[..], b"\x1f\x8b", b"BZh", b"\xfd7zXZ"]
        .iter()
        .any(|magic| bytes.starts_with(magic))
        || (0x50..=0x5f).any(|nth| bytes.starts_with(&[nth, 0x2a, 0x4d, 0x18]))
}
