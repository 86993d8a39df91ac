//! Good archives and hostile ones.

use std::io::Write as _;
use std::path::PathBuf;

use super::*;
use crate::replay::base::place::Bounds;

type Kind = tar::EntryType;

/// A tar entry whose name is written as it is, which the library would not do.
fn entry(to: &mut Vec<u8>, kind: Kind, name: &str, link: &str, content: &[u8]) {
    let mut header = tar::Header::new_ustar();
    let fields = header.as_ustar_mut().unwrap();
    fields.name[..name.len()].copy_from_slice(name.as_bytes());
    fields.linkname[..link.len()].copy_from_slice(link.as_bytes());
    header.set_entry_type(kind);
    header.set_mode(0o6755);
    header.set_size(content.len() as u64);
    header.set_cksum();
    to.extend_from_slice(header.as_bytes());
    to.extend_from_slice(content);
    to.resize(to.len().next_multiple_of(512), 0);
}

fn tar(entries: &[(Kind, &str, &str, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (kind, name, link, content) in entries {
        entry(&mut bytes, *kind, name, link, content);
    }
    bytes.extend([0; 1024]);
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

struct Unpacked {
    folder: tempfile::TempDir,
    done: Result<Vec<String>>,
}

impl Unpacked {
    fn of(bytes: &[u8]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let archive = folder.path().join("archive");
        std::fs::write(&archive, bytes).unwrap();
        let tree = folder.path().join("tree");
        std::fs::create_dir(&tree).unwrap();
        let bounds = Bounds {
            entries: 100,
            bytes: 10_000,
        };
        let mut place = Place::new(&tree, bounds, None).unwrap();
        let done = unpack(&archive, &mut place, &Cancel::new());
        Self { folder, done }
    }

    fn files(&self) -> Vec<String> {
        let tree = self.folder.path().join("tree");
        let walk = walkdir::WalkDir::new(&tree)
            .min_depth(1)
            .sort_by_file_name();
        let name = |path: PathBuf| path.strip_prefix(&tree).unwrap().display().to_string();
        walk.into_iter()
            .map(|entry| name(entry.unwrap().into_path()))
            .collect()
    }
}

#[track_caller]
fn check(bytes: &[u8], notes: &[&str], files: &[&str]) {
    let unpacked = Unpacked::of(bytes);
    assert_eq!(unpacked.done.as_ref().unwrap(), notes);
    assert_eq!(unpacked.files(), files);
    let around = std::fs::read_dir(unpacked.folder.path()).unwrap().count();
    assert_eq!(around, 2, "something was written outside");
}

#[test]
fn all_packings_are_unpacked() {
    let plain = tar(&[
        (Kind::Directory, "p-1.0/", "", b""),
        (Kind::Regular, "p-1.0/setup.py", "", b"x"),
        (Kind::Link, "p-1.0/again", "p-1.0/setup.py", b""),
        (Kind::Symlink, "p-1.0/link", "setup.py", b""),
    ]);
    let want = ["again", "link", "setup.py"];
    check(&plain, &[], &want);
    check(&gzip(&plain), &[], &want);
    check(&zstd::encode_all(&plain[..], 1).unwrap(), &[], &want);
    let beside = tar(&[
        (Kind::Regular, "./a/f", "", b"x"),
        (Kind::Regular, "./b", "", b"x"),
    ]);
    check(&beside, &[], &["a", "a/f", "b"]);
}

#[test]
fn modes_lose_setuid() {
    use std::os::unix::fs::PermissionsExt as _;
    let unpacked = Unpacked::of(&tar(&[(Kind::Regular, "run", "", b"x")]));
    let meta = std::fs::metadata(unpacked.folder.path().join("tree/run")).unwrap();
    assert_eq!(meta.permissions().mode() & 0o7777, 0o755);
}

#[test]
fn hostile_entries_are_left_out() {
    check(
        &tar(&[
            (Kind::Regular, "../out", "", b"x"),
            (Kind::Regular, "/out", "", b"x"),
            (Kind::Regular, "a/../../out", "", b"x"),
            (Kind::Symlink, "up", "..", b""),
            (Kind::Regular, "up/out", "", b"x"),
            (Kind::Link, "passwd", "/etc/passwd", b""),
            (Kind::Link, "none", "none", b""),
            (Kind::Char, "null", "", b""),
            (Kind::Fifo, "pipe", "", b""),
            (Kind::Regular, ".wh.gone", "", b""),
            (Kind::Regular, "ok", "", b"x"),
        ]),
        &["9 entries were left out, the first is \"../out\": its path leads out"],
        &["ok", "up"],
    );
}

#[test]
fn bombs_stop() {
    let long = tar(&[(Kind::Regular, "zeros", "", &vec![0; 20_000])]);
    let many: Vec<String> = (0..200).map(|ix| format!("f{ix}")).collect();
    let many: Vec<_> = many
        .iter()
        .map(|name| (Kind::Regular, name.as_str(), "", &b""[..]))
        .collect();
    for (bytes, want) in [(gzip(&long), "bytes"), (gzip(&tar(&many)), "files")] {
        let why = Unpacked::of(&bytes).done.unwrap_err().to_string();
        assert!(
            why.contains("holds more than") && why.contains(want),
            "{why}"
        );
    }
}

#[test]
fn what_is_no_archive_is_told() {
    for bytes in [&b""[..], b"hello", b"PK\x03\x04", b"\x1f\x8b\x08"] {
        assert!(Unpacked::of(bytes).done.is_err(), "{bytes:?}");
    }
    let torn = gzip(&tar(&[(Kind::Regular, "f", "", &vec![7; 5000])]));
    assert!(Unpacked::of(&torn[..torn.len() / 2]).done.is_err());
}

#[test]
fn zip_files_and_wheels() {
    let options = zip::write::SimpleFileOptions::default();
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, text) in [
        ("pkg/a.py", "a"),
        ("pkg-1.dist-info/RECORD", "r"),
        ("../out", "x"),
    ] {
        writer
            .start_file(name, options.unix_permissions(0o755))
            .unwrap();
        writer.write_all(text.as_bytes()).unwrap();
    }
    writer.add_symlink("pkg/up", "../..", options).unwrap();
    let bytes = writer.finish().unwrap().into_inner();
    check(
        &bytes,
        &["1 entry was left out, the first is \"../out\": its path leads out"],
        &[
            "pkg",
            "pkg/a.py",
            "pkg/up",
            "pkg-1.dist-info",
            "pkg-1.dist-info/RECORD",
        ],
    );
}
