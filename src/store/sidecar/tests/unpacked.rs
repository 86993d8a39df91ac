//! Packed files are unpacked once, as long as nothing happens to them or to the copy.

use std::os::unix::fs::MetadataExt as _;

use super::*;
use crate::store::bytes::Bytes;

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::stream::encode_all(bytes, 1).unwrap()
}

impl Desk {
    fn copies(&self) -> Vec<PathBuf> {
        let is_copy = |path: &PathBuf| path.extension().is_some_and(|end| end == "unpacked");
        self.sidecars().into_iter().filter(is_copy).collect()
    }

    #[track_caller]
    fn only_copy(&self) -> PathBuf {
        let mut all = self.copies();
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }
}

/// Whether the records are read from a copy that has a name.
fn is_from_copy(store: &Store) -> bool {
    let index = store.index();
    index.sources.iter().all(|source| match &source.bytes {
        Bytes::Stretch { file, .. } => file.metadata().unwrap().nlink() == 1,
        _ => false,
    })
}

#[track_caller]
fn is_unpacked_once(desk: &Desk, path: &Path) {
    let want = facts(&open(path, None));
    assert!(want.len() > 1, "{want:?}");
    assert_eq!(desk.facts(path), want, "first of {}", path.display());
    let copy = fs::metadata(desk.only_copy()).unwrap();
    assert_eq!(copy.mode() & 0o777, 0o600);
    for turn in ["second", "third"] {
        let store = desk.open(path);
        assert!(is_from_copy(&store), "{turn} of {}", path.display());
        assert_eq!(facts(&store), want, "{turn} of {}", path.display());
    }
    let now = fs::metadata(desk.only_copy()).unwrap();
    assert_eq!((now.ino(), now.mtime()), (copy.ino(), copy.mtime()));
}

#[test]
fn packed_files_of_every_layout_are_unpacked_once() {
    let text = rows(600);
    let (head, tail) = text.as_bytes().split_at(text.len() / 2);
    let array = format!("[{}]", (0..9).map(row).collect::<Vec<_>>().join(","));
    let keyed: Vec<String> = (0..9)
        .map(|n| format!(r#""o__n-{n}":{{"model_patch":"+{n}","model_name_or_path":"m"}}"#))
        .collect();
    let keyed = format!("{{{}}}", keyed.join(",\n"));
    for (name, bytes) in [
        ("a.jsonl.gz", gzipped(text.as_bytes())),
        ("b.jsonl.zst", zstd(text.as_bytes())),
        ("c.jsonl.gz", [gzipped(head), gzipped(tail)].concat()),
        ("d.jsonl.zst", [zstd(head), zstd(tail)].concat()),
        ("e.json.gz", gzipped(array.as_bytes())),
        ("f.json.zst", zstd(keyed.as_bytes())),
    ] {
        let desk = Desk::new();
        is_unpacked_once(&desk, &desk.file(name, bytes));
    }
}

#[test]
fn a_copy_that_is_not_what_it_was_is_made_again() {
    let spoil: [fn(&Path); 5] = [
        |copy| fs::remove_file(copy).unwrap(),
        |copy| {
            let file = FsOptions::new().write(true).open(copy).unwrap();
            file.set_len(1000).unwrap();
        },
        |copy| fs::write(copy, rows(3)).unwrap(),
        |copy| {
            let len = fs::metadata(copy).unwrap().len();
            let file = FsOptions::new().write(true).open(copy).unwrap();
            // as it is when the machine went down before the bytes were on the disk
            file.set_len(0).unwrap();
            file.set_len(len).unwrap();
        },
        |copy| {
            fs::remove_file(copy).unwrap();
            fs::create_dir(copy).unwrap();
        },
    ];
    for (nth, spoil) in spoil.into_iter().enumerate() {
        let desk = Desk::new();
        let path = desk.file("a.jsonl.zst", zstd(rows(600).as_bytes()));
        let want = desk.facts(&path);
        spoil(&desk.only_copy());
        assert_eq!(desk.facts(&path), want, "{nth}");
        // what cannot be replaced stays, and does not matter
        if desk.only_copy().is_file() {
            assert!(is_from_copy(&desk.open(&path)), "{nth}");
        }
        assert_eq!(desk.facts(&path), want, "{nth}");
    }
}

#[test]
fn a_packed_file_that_changes_is_unpacked_again() {
    let desk = Desk::new();
    let path = desk.file("a.jsonl.gz", gzipped(rows(30).as_bytes()));
    assert_eq!(desk.facts(&path).len(), 30);
    let more = gzipped(format!("{}\n{}\n", row(30), row(31)).as_bytes());
    let mut file = FsOptions::new().append(true).open(&path).unwrap();
    file.write_all(&more).unwrap();
    drop(file);
    age(&path);
    is_unpacked_once(&desk, &path);
    assert_eq!(desk.facts(&path).len(), 32);
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() - 10]).unwrap();
    age(&path);
    desk.check(&path);
    let last = desk.facts(&path).pop().unwrap().1;
    let why = last.fault.map(|fault| fault.why).unwrap_or_default();
    assert!(why.contains("damaged"), "{why}");
    assert!(!is_from_copy(&desk.open(&path)));
}

#[test]
fn copies_are_bounded() {
    let text = rows(300);
    let len = text.len() as u64;
    let mut desk = Desk::new();
    desk.shelf.most_unpacked = len - 1;
    let first = desk.file("a.jsonl.gz", gzipped(text.as_bytes()));
    let want = desk.facts(&first);
    assert_eq!(desk.copies(), [] as [PathBuf; 0]);
    assert_eq!(desk.facts(&first), want, "rows are kept all the same");
    desk.shelf.most_unpacked = len * 2;
    for name in ["b.jsonl.gz", "c.jsonl.gz", "d.jsonl.gz"] {
        let path = desk.file(name, gzipped(text.as_bytes()));
        desk.open(&path);
        assert!(is_from_copy(&desk.open(&path)), "{name}");
    }
    assert_eq!(desk.copies().len(), 2);
    let last = desk.folder.path().join("data/d.jsonl.gz");
    fs::remove_file(&last).unwrap();
    desk.shelf.tidy();
    assert_eq!(desk.copies().len(), 1, "the copy of what is gone goes");
    desk.shelf.drop_unpacked();
    assert_eq!(desk.copies(), [] as [PathBuf; 0]);
    assert_eq!(desk.facts(&first), want);
}

#[test]
fn archives_in_a_stream_keep_no_copy() {
    let desk = Desk::new();
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    let text = rows(4);
    header.set_size(text.len() as u64);
    tar.append_data(&mut header, "a.jsonl", text.as_bytes())
        .unwrap();
    let path = desk.file("a.tar.gz", gzipped(&tar.into_inner().unwrap()));
    desk.check(&path);
    assert_eq!(desk.copies(), [] as [PathBuf; 0]);
}
