//! Whatever lies in an archive, a packed file, a table or a folder: a scan ends, each record can be asked for, and the way
//! of packing changes nothing of the records.

#![no_main]

#[path = "../src/caught.rs"]
mod caught;

use std::fs;
use std::io::Cursor;
use std::io::Write as _;
use std::path::Path;

use hgview::cancel::Cancel;
use hgview::model::RecordIx;
use hgview::store::OpenOptions;
use hgview::store::Store;
use libfuzzer_sys::fuzz_target;

/// Names that say something of what lies beside and inside.
const NAMES: [&str; 16] = [
    "data.jsonl",
    "output.jsonl",
    "a.json",
    "run/a.traj",
    "run/b.traj",
    "run/preds.json",
    "run/report.json",
    "run/exit_statuses.yaml",
    "c/events/0.json",
    "c/events/1.json",
    "c/events/event-00000-a.json",
    "c/events/event-00001-b.json",
    "c/base_state.json",
    "metadata.json",
    "header.json",
    "samples/1_epoch_1.json",
];
/// Ends a member; the byte behind it names the next one.
const BREAK: &[u8] = b"\x00\xff";

fuzz_target!(init: caught::let_decoders_panic(), |input: (u8, &[u8])| {
    let (kind, bytes) = input;
    let folder = tempfile::tempdir_in("/dev/shm").expect("memory for a file");
    let at = |name: &str| folder.path().join(name);
    let put = |name: &str, bytes: &[u8]| {
        let path = at(name);
        fs::create_dir_all(path.parent().expect("it lies in a folder"))
            .expect("a folder of the memory");
        fs::write(&path, bytes).expect("a file of the memory");
        path
    };
    match kind % 6 {
        // a damaged container of whatever kind
        0 => drop(records(&put("data", bytes))),
        1 => {
            let packed = gzip(bytes);
            let cut = &packed[..packed.len() - usize::from(kind >> 4).min(packed.len())];
            drop(records(&put("cut.jsonl.gz", cut)));
            let plain = records(&put("plain.jsonl", bytes));
            if !is_packed(bytes) {
                assert_eq!(records(&put("packed.jsonl.gz", &packed)), plain);
            }
        }
        2 => {
            let packed = zstd::encode_all(bytes, 1).expect("bytes of the memory");
            let plain = records(&put("plain.jsonl", bytes));
            if !is_packed(bytes) {
                assert_eq!(records(&put("packed.jsonl.zst", &packed)), plain);
            }
        }
        3 => {
            for (name, bytes) in members(bytes) {
                put(&format!("folder/{name}"), bytes);
            }
            fs::create_dir_all(at("folder")).expect("a folder of the memory");
            drop(records(&at("folder")));
        }
        4 => {
            let members = members(bytes);
            let tar = put("members.tar", &tar(&members));
            let tar = records(&tar);
            let is_log = members.iter().any(|(name, _)| *name == "header.json");
            let zip = records(&put("members.zip", &zip(&members)));
            if !is_log {
                assert_eq!(zip, tar);
            }
        }
        _ => {
            let mut archive = tar(&members(bytes));
            // a header that is not what it was
            let place = usize::from(kind) * 16 % archive.len().max(1);
            if let Some(byte) = archive.get_mut(place) {
                *byte ^= kind;
            }
            drop(records(&put("damaged.tar.gz", &gzip(&archive))));
        }
    }
});

fn members(bytes: &[u8]) -> Vec<(&'static str, &[u8])> {
    let mut rest = bytes;
    let mut found: Vec<(&str, &[u8])> = Vec::new();
    while let Some((name, behind)) = rest.split_first() {
        let end = behind.windows(BREAK.len()).position(|two| two == BREAK);
        let (member, next) = match end {
            Some(end) => (&behind[..end], &behind[end + BREAK.len()..]),
            None => (behind, &[][..]),
        };
        let name = NAMES[usize::from(*name) % NAMES.len()];
        if found.iter().all(|(known, _)| *known != name) {
            found.push((name, member));
        }
        rest = next;
    }
    found
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(bytes).expect("memory");
    packer.finish().expect("memory")
}

fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, bytes) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        archive
            .append_data(&mut header, name, *bytes)
            .expect("memory");
    }
    archive.into_inner().expect("memory")
}

fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        archive
            .start_file(*name, zip::write::SimpleFileOptions::default())
            .expect("memory");
        archive.write_all(bytes).expect("memory");
    }
    archive.finish().expect("memory").into_inner()
}

/// What can be told of each record, without where it lies.
fn records(path: &Path) -> Vec<Option<Vec<u8>>> {
    let store = Store::open(&OpenOptions {
        paths: vec![path.to_owned()],
        ..OpenOptions::default()
    })
    .expect("a file that is there");
    store
        .scan(&Cancel::new(), &mut |_| {})
        .expect("a file that can be read");
    assert!(store.is_complete());
    let mut found = Vec::new();
    for ix in (0..store.len()).map(RecordIx) {
        let bytes = store.load_bytes(ix).ok();
        let summary = store.summarize(ix);
        let head = store.load_head(ix);
        let whole = store.load_once(ix);
        if let (Ok(head), Ok(whole)) = (head, whole) {
            assert_eq!(head.trajectory.id, whole.id);
            assert_eq!(head.trajectory.outcome, whole.outcome);
        }
        assert!(summary.fault.is_none() || store.load_once(ix).is_err());
        found.push(bytes);
    }
    found
}

/// Whether the bytes are packed themselves: packing them again makes another thing of them.
fn is_packed(bytes: &[u8]) -> bool {
    let skippable = (0x50..=0x5f).any(|nth| bytes.starts_with(&[nth, 0x2a, 0x4d, 0x18]));
    let others: [&[u8]; 6] = [
        b"\x28\xb5\x2f\xfd",
        b"\x1f\x8b",
        b"BZh",
        b"\xfd7zXZ",
        b"PK",
        b"PAR1",
    ];
    skippable
        || others.iter().any(|magic| bytes.starts_with(magic))
        || bytes.get(257..262) == Some(b"ustar")
}
