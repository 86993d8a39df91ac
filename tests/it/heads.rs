//! What filters and rows of the list read of every record is what the whole record says, side files included.

use std::path::Path;
use std::path::PathBuf;

use hgview::cancel::Cancel;
use hgview::model::ContentHash;
use hgview::model::Format;
use hgview::model::RecordIx;
use hgview::model::Summary;
use hgview::model::Trajectory;
use hgview::store::OpenOptions;
use hgview::store::Store;

use crate::program::shared;

fn open(path: &Path) -> Store {
    let options = OpenOptions {
        paths: vec![path.to_path_buf()],
        ..OpenOptions::default()
    };
    let store = Store::open(&options).unwrap();
    store.scan(&Cancel::new(), &mut |_| {}).unwrap();
    store
}

fn what_filters_read(t: &Trajectory) -> impl PartialEq + std::fmt::Debug + use<> {
    let instance = t.task.as_ref().and_then(|task| task.instance.clone());
    (
        (t.id.clone(), t.task_id.clone(), t.run_id.clone()),
        (t.task.clone(), instance, t.instruction.clone()),
        (t.final_patch.clone(), t.answer.clone(), t.outcome.clone()),
    )
}

/// Compares all records; the formats of those that were not read whole.
fn compare(path: &Path) -> Vec<Format> {
    let store = open(path);
    let mut short = Vec::new();
    for ix in (0..store.len()).map(RecordIx) {
        // before the record is there whole
        let (row, sketch) = (store.summarize(ix), store.sketch(ix));
        assert_eq!(
            sketch.sketched(),
            row.clone().sketched(),
            "{} {}",
            path.display(),
            ix.0
        );
        let place = format!("{} {}", path.display(), ix.0);
        match (store.load_head(ix), store.load(ix)) {
            (Ok(head), Ok(whole)) => {
                assert_eq!(
                    what_filters_read(&head.trajectory),
                    what_filters_read(&whole),
                    "{place}"
                );
                let bytes = store.load_bytes(ix).unwrap();
                assert_eq!(head.hash(), ContentHash::of(&bytes), "{place}");
                if !head.is_whole {
                    short.extend(whole.source.format);
                }
                assert_eq!(row, Summary::of(&whole), "{place}");
                // once the record is there, it is handed out
                let again = store.load_head(ix).unwrap();
                assert!(again.is_whole, "{place}");
            }
            (Err(head), Err(whole)) => assert_eq!(head, whole, "{place}"),
            (head, whole) => panic!("{place}: {:?} {:?}", head.err(), whole.err()),
        }
    }
    short
}

fn folders(of: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(of).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn heads_of_all_samples() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    let short: Vec<Format> = folders(&samples)
        .iter()
        .flat_map(|path| compare(path))
        .collect();
    for format in [Format::OpenHandsV0, Format::OpenHandsV1, Format::Chat] {
        assert!(short.contains(&format), "{format:?}");
    }
}

#[test]
fn heads_of_the_corpus() {
    let Some(shared) = shared() else {
        eprintln!("skipped: no corpus");
        return;
    };
    let all = [shared.join("corpus"), shared.join("conformance")];
    let all = all.iter().filter(|folder| folder.is_dir());
    let short: usize = all
        .flat_map(|folder| folders(folder))
        .map(|path| compare(&path).len())
        .sum();
    assert!(short > 10, "{short}");
}
