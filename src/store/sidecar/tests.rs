//! What is kept changes nothing but the time that things take, whatever happens to the data and to what is kept.

mod unpacked;

use std::collections::HashMap;
use std::fs;
use std::fs::OpenOptions as FsOptions;
use std::io::Write as _;

use serde_json::json;

use super::*;
use crate::cancel::Cancel;
use crate::model::ContentHash;
use crate::model::RecordIx;
use crate::model::Summary;
use crate::read::testing::corpus;
use crate::store::Entry;
use crate::store::OpenOptions;
use crate::store::Store;
use crate::store::index::Slot;
use crate::store::sidecar::kept::FOOT;
use crate::store::sidecar::sheet::BLOCK;

/// Data, and a folder for sidecars of files of any length.
struct Desk {
    folder: tempfile::TempDir,
    shelf: Shelf,
}

/// All that a list shows, and what records are known by.
type Facts = Vec<((Option<Entry>, Option<ContentHash>), Summary)>;

fn row(n: usize) -> String {
    format!(
        r#"{{"instance_id":"o__n-{n}","model":"m","resolved":{},"messages":[{{"role":"user","content":"Do {n}."}},{{"role":"assistant","content":"Done."}}]}}"#,
        n.is_multiple_of(3)
    )
}

fn rows(count: usize) -> String {
    (0..count).map(|n| row(n) + "\n").collect()
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf {
            least_bytes: 0,
            ..Shelf::within(&folder.path().join("cache/index"), 1 << 20)
        };
        Self { folder, shelf }
    }

    /// Writes a file as it was left an hour ago.
    fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join("data").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        age(&path);
        path
    }

    fn open(&self, path: &Path) -> Store {
        open(path, Some(self.shelf.clone()))
    }

    fn facts(&self, path: &Path) -> Facts {
        facts(&self.open(path))
    }

    /// What a next opening would find.
    fn held(&self, path: &Path) -> Option<Held> {
        let found = self.shelf.find(path, &File::open(path).unwrap())?;
        Some(found.sidecar?.1)
    }

    fn sidecars(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.shelf.folder).into_iter().flatten();
        let mut all: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        all.sort();
        all
    }

    #[track_caller]
    fn only_sidecar(&self) -> PathBuf {
        let all = self.sidecars();
        assert_eq!(all.len(), 1, "{all:?}");
        all.into_iter().next().unwrap()
    }

    /// Whatever is kept of a file, it is listed as it is without.
    #[track_caller]
    fn check(&self, path: &Path) {
        let want = facts(&open(path, None));
        for turn in ["first", "second", "third"] {
            assert_eq!(self.facts(path), want, "{turn} of {}", path.display());
        }
    }
}

fn age(path: &Path) {
    let then = SystemTime::now() - Duration::from_hours(1);
    let file = FsOptions::new().append(true).open(path).unwrap();
    file.set_modified(then).unwrap();
}

fn append(path: &Path, text: &str) {
    let mut file = FsOptions::new().append(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
    drop(file);
    age(path);
}

fn open(path: &Path, shelf: Option<Shelf>) -> Store {
    let mut store = Store::open(&OpenOptions {
        paths: vec![path.to_path_buf()],
        ..OpenOptions::default()
    })
    .unwrap();
    store.shelf = shelf;
    store.scan(&Cancel::new(), &mut |_| {}).unwrap();
    store
}

fn facts(store: &Store) -> Facts {
    let all = (0..store.len()).map(RecordIx);
    let place = |ix| (store.entry(ix), store.content_hash(ix).ok());
    all.map(|ix| (place(ix), store.summarize(ix))).collect()
}

#[test]
fn the_second_opening_takes_everything_from_the_sidecar() {
    let desk = Desk::new();
    let path = desk.file("a.jsonl", rows(3 * BLOCK + 5));
    let want = desk.facts(&path);
    assert_eq!(desk.held(&path), Some(Held::Same));
    let store = desk.open(&path);
    let (slots, sheet) = {
        let index = store.index();
        (index.slots.clone(), index.sources[0].sheet.clone().unwrap())
    };
    assert_eq!(slots.len(), want.len());
    for (slot, (_, row)) in slots.iter().zip(&want) {
        assert_eq!(sheet.get(&slot).as_ref(), Some(row));
    }
    assert!(!sheet.is_due(want.len()), "there is nothing to write");
    assert_eq!(store.load(RecordIx(700)).unwrap().id, "o__n-700");
    let elsewhere = Slot {
        start: 1,
        ..slots.get(0).unwrap()
    };
    assert_eq!(sheet.get(&elsewhere), None);
}

#[test]
fn rows_that_were_not_looked_at_are_added_later() {
    let desk = Desk::new();
    let path = desk.file("a.jsonl", rows(2 * BLOCK + 9));
    drop(desk.open(&path));
    let _some = [3, 300, 4].map(|ix| desk.open(&path).summarize(RecordIx(ix)));
    let store = desk.open(&path);
    let known = |store: &Store| {
        let index = store.index();
        let sheet = index.sources[0].sheet.as_ref().unwrap();
        let slots = index.slots.iter();
        slots.filter(|slot| sheet.get(slot).is_some()).count()
    };
    assert_eq!(known(&store), 3);
    drop(facts(&store));
    drop(store);
    assert_eq!(known(&desk.open(&path)), 2 * BLOCK + 9);
}

#[test]
fn sketches_are_not_kept_and_kept_rows_are_whole() {
    let desk = Desk::new();
    let turn = |n: usize| {
        let call = json!({"id": n.to_string(), "function": {"name": "bash", "arguments": "{\"command\": \"ls\"}"}});
        [
            json!({"role": "assistant", "content": "so", "tool_calls": [call]}),
            json!({"role": "tool", "tool_call_id": n.to_string(), "content": "a.py"}),
        ]
    };
    let talk = |n: usize| {
        let mut messages = vec![json!({"role": "user", "content": "do it"})];
        messages.extend((0..9).flat_map(turn));
        json!({"instance_id": format!("o__n-{n}"), "resolved": true, "messages": messages})
            .to_string()
            + "\n"
    };
    let path = desk.file("a.jsonl", (0..2 * BLOCK).map(talk).collect::<String>());
    let whole = desk.facts(&desk.file("b.jsonl", (0..2 * BLOCK).map(talk).collect::<String>()));
    assert_eq!((whole[3].1.steps, whole[3].1.actions), (9, 9));
    let store = desk.open(&path);
    for (ix, (_, row)) in whole.iter().enumerate() {
        let sketch = store.sketch(RecordIx(ix));
        assert_eq!((&sketch.id, sketch.steps, sketch.actions), (&row.id, 9, 0));
    }
    drop(store);
    // none of these was taken for a row
    let rows = |facts: Facts| -> Vec<Summary> { facts.into_iter().map(|(_, row)| row).collect() };
    let whole = rows(whole);
    assert_eq!(rows(desk.facts(&path)), whole);
    let store = desk.open(&path);
    let sketched: Vec<Summary> = (0..whole.len())
        .map(|ix| store.sketch(RecordIx(ix)))
        .collect();
    assert_eq!(sketched, whole);
}

/// Keeps contents that the records do not have: who is told them has not read the records.
fn forge(desk: &Desk, path: &Path) -> Vec<ContentHash> {
    let store = desk.open(path);
    let forged = |ix: usize| ContentHash::of(&ix.to_le_bytes());
    let index = store.index();
    let sheet = index.sources[0].sheet.as_ref().unwrap();
    for (ix, slot) in index.slots.iter().enumerate() {
        sheet.put_content(&slot, forged(ix));
    }
    (0..index.slots.len()).map(forged).collect()
}

fn contents(store: &Store) -> Vec<ContentHash> {
    let all = (0..store.len()).map(RecordIx);
    all.map(|ix| store.content_hash(ix).unwrap()).collect()
}

#[test]
fn contents_that_are_known_are_not_read() {
    let desk = Desk::new();
    let path = desk.file("a.jsonl", rows(2 * BLOCK + 9));
    let forged = forge(&desk, &path);
    let store = desk.open(&path);
    assert_eq!(contents(&store), forged);
    let ix = RecordIx(300);
    assert_eq!(store.load_head(ix).unwrap().hash(), forged[300]);
    assert_eq!(store.load_whole(ix).unwrap().hash(), forged[300]);
    assert_eq!(store.content(ix).unwrap(), (forged[300], None));
    // the file is another one from now on, whoever has it open
    append(&path, &row(1));
    let real = ContentHash::of(row(300).as_bytes());
    assert_eq!(store.content_hash(ix).unwrap(), real);
    assert_eq!(store.load_head(ix).unwrap().hash(), real);
    drop(store);
    // what an earlier run found out of the lines before is kept
    let store = desk.open(&path);
    assert_eq!(contents(&store)[..forged.len()], forged);
    let last = store.content_hash(RecordIx(forged.len())).unwrap();
    assert_eq!(last, ContentHash::of(row(1).as_bytes()));
}

#[test]
fn contents_are_kept_by_whoever_makes_them() {
    type Look = fn(&Store, RecordIx) -> ContentHash;
    let looks: [(&str, Look); 4] = [
        ("hash", |store, ix| store.content_hash(ix).unwrap()),
        ("head", |store, ix| store.load_head(ix).unwrap().hash()),
        ("whole", |store, ix| store.load_whole(ix).unwrap().hash()),
        ("cached", |store, ix| {
            store.load(ix).unwrap();
            store.load_head(ix).unwrap().hash()
        }),
    ];
    for (name, look) in looks {
        let desk = Desk::new();
        let path = desk.file("a.jsonl", rows(BLOCK + 9));
        let store = desk.open(&path);
        let all = (0..store.len()).map(RecordIx);
        let want: Vec<_> = all.map(|ix| look(&store, ix)).collect();
        assert_eq!(want, contents(&open(&path, None)), "{name}");
        drop(store);
        let store = desk.open(&path);
        let index = store.index();
        let known = |slot: Slot| index.sources[0].known_content(&slot);
        let found: Vec<_> = index.slots.iter().filter_map(known).collect();
        assert_eq!(found, want, "{name}");
    }
}

#[test]
fn one_content_of_many_is_not_worth_writing_all_anew() {
    let desk = Desk::new();
    let path = desk.file("a.jsonl", rows(600));
    let store = desk.open(&path);
    let is_due = || {
        let index = store.index();
        index.sources[0].sheet.as_ref().unwrap().is_due(600)
    };
    for ix in 0..9 {
        assert!(!is_due(), "{ix}");
        // a second look is no second content
        let _twice = [0, 1].map(|_| store.content_hash(RecordIx(ix)).unwrap());
    }
    store.content_hash(RecordIx(9)).unwrap();
    assert!(is_due());
}

#[test]
fn every_sample_is_listed_alike() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    let folders = fs::read_dir(samples)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut sidecars = 0;
    for folder in folders.filter(|path| path.is_dir()) {
        let desk = Desk::new();
        desk.check(&folder);
        for entry in fs::read_dir(&folder).unwrap() {
            desk.check(&entry.unwrap().path());
        }
        sidecars += desk.sidecars().len();
    }
    assert!(sidecars > 40, "{sidecars}");
}

#[test]
fn the_corpus_is_listed_alike() {
    let Some(corpus) = corpus() else {
        return;
    };
    let desk = Desk::new();
    desk.check(&corpus);
    assert!(desk.sidecars().len() > 10);
}

#[test]
fn every_layout_comes_back() {
    let desk = Desk::new();
    let all = rows(12);
    let list = format!("[{}]", all.trim_end().replace('\n', ",\n"));
    let keyed: Vec<String> = (0..5)
        .map(|n| format!(r#""o__n-{n}":{{"instance_id":"o__n-{n}","model_patch":"+{n}\n"}}"#))
        .collect();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(all.as_bytes()).unwrap();
    for (name, bytes) in [
        ("lines.jsonl", all.clone().into_bytes()),
        ("bom.jsonl", format!("\u{feff}{all}").into_bytes()),
        ("crlf.jsonl", all.replace('\n', "\r\n\r\n").into_bytes()),
        ("torn.jsonl", all.as_bytes()[..all.len() - 9].to_vec()),
        ("open.jsonl", all.trim_end().as_bytes().to_vec()),
        ("list.json", list.clone().into_bytes()),
        ("torn.json", list.as_bytes()[..list.len() - 20].to_vec()),
        (
            "keyed.json",
            format!("{{{}}}", keyed.join(",")).into_bytes(),
        ),
        ("one.json", row(3).into_bytes()),
        ("other.json", b"{\"a\": 1}".to_vec()),
        ("bad.jsonl", all.replace("\"model\"", "model").into_bytes()),
        ("packed.jsonl.gz", packed.finish().unwrap()),
    ] {
        let path = desk.file(name, bytes);
        desk.check(&path);
        assert_eq!(desk.held(&path), Some(Held::Same), "{name}");
    }
}

#[test]
fn side_files_are_joined_with_rows_that_were_kept() {
    let desk = Desk::new();
    let path = desk.file("a.jsonl", rows(12).replace("\"resolved\":", "\"was\":"));
    desk.check(&path);
    let report = |resolved: &str, rest: &str| {
        let ids = format!(r#""resolved_ids":[{resolved}],"unresolved_ids":[{rest}]"#);
        format!(r#"{{"total_instances":12,"submitted_instances":12,{ids}}}"#)
    };
    desk.file("a.report.json", report(r#""o__n-1""#, r#""o__n-2""#));
    desk.check(&path);
    let labels = |path: &Path| -> Vec<Option<bool>> {
        let facts = desk.facts(path).into_iter();
        facts.map(|(_, row)| row.resolved).take(3).collect()
    };
    assert_eq!(labels(&path), [None, Some(true), Some(false)]);
    let prediction =
        |n: u32| format!("{{\"instance_id\":\"o__n-{n}\",\"model_patch\":\"+{n}\\n\"}}\n");
    let predictions: Vec<String> = (0..4).map(prediction).collect();
    desk.file("preds.jsonl", predictions.concat());
    desk.check(&path);
    let patched = desk.facts(&path).into_iter();
    let patched = patched.filter(|(_, row)| row.patch_lines.is_some());
    assert_eq!(patched.count(), 4);
}

#[test]
fn a_sidecar_that_is_torn_anywhere_is_not_there() {
    let desk = Desk::new();
    let path = desk.file("a.jsonl", rows(3));
    let want = desk.facts(&path);
    let sidecar = desk.only_sidecar();
    let whole = fs::read(&sidecar).unwrap();
    for len in 0..whole.len() {
        fs::write(&sidecar, &whole[..len]).unwrap();
        assert_eq!(desk.held(&path), None, "torn at {len}");
        assert_eq!(desk.facts(&path), want, "torn at {len}");
        assert_eq!(desk.held(&path), Some(Held::Same), "it is made again");
    }
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        fs::write(&sidecar, &bytes).unwrap();
        assert_eq!(desk.facts(&path), want, "changed at {at}");
    }
    fs::write(&sidecar, b"hgview").unwrap();
    assert_eq!(desk.facts(&path), want);
    fs::remove_file(&sidecar).unwrap();
    fs::create_dir(&sidecar).unwrap();
    assert_eq!(desk.facts(&path), want, "a folder in its place");
}

#[test]
fn what_another_program_kept_is_made_again() {
    let desk = Desk::new();
    let path = desk.file("a.jsonl", rows(11));
    let want = desk.facts(&path);
    let sidecar = desk.only_sidecar();
    let mut bytes = fs::read(&sidecar).unwrap();
    // the description begins with who wrote it
    let foot = bytes.len() - FOOT;
    let start = u64::from_le_bytes(bytes[foot..foot + 8].try_into().unwrap());
    let start = usize::try_from(start).unwrap();
    bytes[start] ^= 1;
    let sum = form::checksum(&bytes[start..foot]);
    bytes[foot + 16..foot + 16 + form::SUM].copy_from_slice(&sum);
    fs::write(&sidecar, &bytes).unwrap();
    assert_eq!(desk.held(&path), None);
    assert_eq!(desk.facts(&path), want);
    assert_eq!(desk.held(&path), Some(Held::Same));
}

#[test]
fn what_was_just_written_is_not_kept() {
    let desk = Desk::new();
    let path = desk.file("a.jsonl", rows(11));
    for (age, is_kept) in [(0, false), (1, false), (3, true)] {
        let file = FsOptions::new().append(true).open(&path).unwrap();
        let then = SystemTime::now() - Duration::from_secs(age);
        file.set_modified(then).unwrap();
        drop(desk.facts(&path));
        assert_eq!(desk.held(&path).is_some(), is_kept, "{age}");
    }
    let soon = SystemTime::now() + Duration::from_secs(90);
    let file = FsOptions::new().append(true).open(&path).unwrap();
    file.set_modified(soon).unwrap();
    drop(desk.facts(&path));
    assert_eq!(desk.held(&path), None, "a clock that goes wrong");
}

#[test]
fn another_file_is_not_taken_for_what_was_kept() {
    let desk = Desk::new();
    let path = desk.file("a.jsonl", rows(40));
    desk.check(&path);
    let then = fs::metadata(&path).unwrap().modified().unwrap();
    // as long, and as old as the system says, in the same place
    let other = rows(40).replace("Done.", "Gone.");
    fs::write(&path, &other).unwrap();
    let file = FsOptions::new().append(true).open(&path).unwrap();
    file.set_modified(then).unwrap();
    assert_eq!(desk.held(&path), None);
    desk.check(&path);
    // another file in its place
    let beside = desk.file("b.jsonl", other.replace("Gone.", "Lone."));
    fs::rename(&beside, &path).unwrap();
    assert_eq!(desk.held(&path), None);
    desk.check(&path);
    for text in [
        rows(7),
        rows(90),
        "[".to_owned() + &row(1) + "]",
        String::new(),
    ] {
        let path = desk.file("a.jsonl", text);
        assert_eq!(desk.held(&path), None);
        desk.check(&path);
    }
}

#[test]
fn what_was_added_is_scanned_and_nothing_else() {
    let desk = Desk::new();
    let all = rows(BLOCK + 60);
    let lines: Vec<&str> = all.split_inclusive('\n').collect();
    let upto = |count: usize| lines[..count].concat();
    let cut = |at: usize| lines[20].split_at(at);
    for (name, before, after) in [
        ("whole", upto(20), lines[20..].concat()),
        (
            "torn",
            upto(20) + cut(30).0,
            cut(30).1.to_owned() + &lines[21..].concat(),
        ),
        (
            "open",
            upto(20).trim_end().to_owned(),
            "\n".to_owned() + &lines[20..].concat(),
        ),
        ("blank", upto(20), "\n\n".to_owned()),
        ("torn again", upto(20), cut(50).0.to_owned()),
        ("a block", upto(BLOCK), lines[BLOCK..].concat()),
    ] {
        let path = desk.file(&format!("{name}.jsonl"), before);
        desk.check(&path);
        append(&path, &after);
        assert_eq!(desk.held(&path), Some(Held::Prefix), "{name}");
        desk.check(&path);
        assert_eq!(desk.held(&path), Some(Held::Same), "{name}");
        append(&path, &after);
        desk.check(&path);
    }
    let path = desk.file("few.jsonl", upto(3));
    desk.check(&path);
    append(&path, lines[3]);
    assert_eq!(desk.held(&path), None, "too few lines told the family");
    desk.check(&path);
    // what stands before is not what it was
    let path = desk.file("changed.jsonl", upto(30));
    desk.check(&path);
    fs::write(&path, all.replacen("Do 3.", "Be 3.", 1)).unwrap();
    age(&path);
    assert_eq!(desk.held(&path), None);
    desk.check(&path);
}

#[test]
fn a_file_that_is_followed_goes_on_from_what_was_kept() {
    let desk = Desk::new();
    let path = desk.file("a.jsonl", rows(20));
    desk.check(&path);
    let kept = desk.open(&path);
    append(&path, &rows(4));
    let report = kept.refresh(&Cancel::new(), &mut |_| {}).unwrap();
    assert_eq!((report.appended, report.changed.len()), (4, 0));
    let want = facts(&open(&path, None));
    assert_eq!(facts(&kept), want);
    drop(kept);
    desk.check(&path);
    // rewritten under our hands
    let kept = desk.open(&path);
    fs::write(&path, rows(5)).unwrap();
    drop(kept.refresh(&Cancel::new(), &mut |_| {}).unwrap());
    assert_eq!(facts(&kept)[..5], facts(&open(&path, None)));
    drop(kept);
    age(&path);
    desk.check(&path);
}

#[test]
fn a_file_of_two_names_is_listed_by_each() {
    let desk = Desk::new();
    let path = desk.file("a.jsonl", rows(9).replace("instance_id", "unknown"));
    let link = path.with_file_name("b.jsonl");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    for path in [&path, &link, &path] {
        desk.check(path);
    }
    assert_eq!(desk.facts(&link)[0].1.id, "b");
}

#[test]
fn where_nothing_can_be_kept_nothing_is() {
    let mut desk = Desk::new();
    let path = desk.file("a.jsonl", rows(2 * BLOCK));
    // a file where the folder should be
    desk.shelf.folder = Arc::from(path.join("index"));
    desk.check(&path);
    assert_eq!(desk.held(&path), None);
    let desk = Desk::new();
    let path = desk.file("a.jsonl", rows(9));
    let large = Shelf::within(&desk.shelf.folder, 1 << 20);
    drop(facts(&open(&path, Some(large))));
    assert!(desk.sidecars().is_empty(), "small files are not worth it");
}

#[test]
fn two_programs_at_once_leave_a_whole_sidecar() {
    let desk = Desk::new();
    let path = desk.file("a.jsonl", rows(2 * BLOCK + 3));
    let want = facts(&open(&path, None));
    let (one, other) = (desk.open(&path), desk.open(&path));
    let _first = one.summarize(RecordIx(2));
    std::thread::scope(|scope| {
        for store in [&one, &other] {
            scope.spawn(|| assert_eq!(facts(store), want));
        }
    });
    drop(one);
    assert_eq!(desk.facts(&path), want);
    drop(other);
    desk.only_sidecar();
    assert_eq!(desk.held(&path), Some(Held::Same));
    desk.check(&path);
}

#[test]
fn the_oldest_go_and_what_was_left_behind() {
    let mut desk = Desk::new();
    let paths = ["a", "b", "c"].map(|name| desk.file(&format!("{name}.jsonl"), rows(12)));
    desk.check(&paths[0]);
    let bytes = fs::metadata(desk.only_sidecar()).unwrap().len();
    age(&desk.only_sidecar());
    desk.shelf.most_bytes = 2 * bytes + bytes / 2;
    let left = desk.shelf.folder.join(format!("{}x", Shelf::TEMPORARY));
    fs::write(&left, "").unwrap();
    desk.check(&paths[1]);
    assert!(left.is_file(), "somebody may be writing it");
    let file = FsOptions::new().append(true).open(&left).unwrap();
    let then = SystemTime::now() - 2 * Shelf::LEFT_BEHIND;
    file.set_modified(then).unwrap();
    desk.check(&paths[2]);
    assert!(!left.exists());
    let held = paths.iter().map(|path| desk.held(path).is_some());
    assert_eq!(held.collect::<Vec<_>>(), [false, true, true]);
}

#[test]
fn the_hash_of_a_file_is_kept_while_it_is_that_file() {
    let desk = Desk::new();
    let path = desk.file("a.jsonl", rows(20));
    let store = desk.open(&path);
    let hash = FileHash {
        sha256: [7; 32],
        print: Print::at(&path).unwrap(),
    };
    store.keep_file_hashes(&HashMap::from([(path.as_path(), hash.clone())]));
    assert_eq!(store.file_hash(&path), None, "not before it is written");
    drop(store);
    desk.check(&path);
    let store = desk.open(&path);
    assert_eq!(store.file_hash(&path), Some(hash.clone()));
    append(&path, &row(1));
    assert_eq!(store.file_hash(&path), None);
    // a hash of what the file was before is of no use to anybody
    store.keep_file_hashes(&HashMap::from([(path.as_path(), hash)]));
    drop(store);
    desk.check(&path);
    assert_eq!(desk.open(&path).file_hash(&path), None);
}

#[test]
fn blocks_are_held_within_a_bound() {
    let mut desk = Desk::new();
    let path = desk.file("a.jsonl", rows(20 * BLOCK));
    desk.check(&path);
    desk.shelf = Shelf {
        least_bytes: 0,
        ..Shelf::within(&desk.shelf.folder, 100 << 10)
    };
    let store = desk.open(&path);
    let before = store.resident_bytes();
    drop(facts(&store));
    let blocks = store.resident_bytes() - before;
    assert!((50 << 10..100 << 10).contains(&blocks), "{blocks}");
}
