use std::collections::BTreeSet;
use std::sync::mpsc;

use super::*;
use crate::store::OpenOptions;

/// A record that runs a plain command, and one that installs a package.
fn two() -> (tempfile::TempDir, Arc<Store>) {
    let folder = tempfile::tempdir().unwrap();
    let row = |id: &str, cmd: &str| {
        let call = serde_json::json!({"id": "c", "type": "function", "function": {
            "name": "bash", "arguments": serde_json::json!({"command": cmd}).to_string()}});
        serde_json::json!({"instance_id": id, "messages": [
            {"role": "user", "content": "Mend the bug."},
            {"role": "assistant", "content": "", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c", "content": "done"},
            {"role": "assistant", "content": "I am done."},
        ]})
    };
    let path = folder.path().join("data.jsonl");
    let (plain, installs) = (row("o__r-1", "ls"), row("o__r-2", "pip install six"));
    std::fs::write(&path, format!("{plain}\n{installs}\n")).unwrap();
    let store = Store::open(&OpenOptions {
        paths: vec![path],
        ..OpenOptions::default()
    });
    let store = store.unwrap();
    store.scan(&Cancel::new(), &mut |_| {}).unwrap();
    (folder, Arc::new(store))
}

/// The kinds of flags of both records, of those that are on.
fn kinds(store: &Store, switches: &[(FlagKind, bool)]) -> [Vec<FlagKind>; 2] {
    let judge = Judge::new(check, None).with_flags(Chosen::new(switches));
    [0, 1].map(|ix| {
        let flags = judge.flags(store, RecordIx(ix), &Cancel::new()).unwrap();
        flags.iter().map(|flag| flag.flag).collect()
    })
}

#[test]
fn the_background_finds_what_is_flagged() {
    let (_folder, store) = two();
    assert_eq!(kinds(&store, &[]), [vec![], vec![FlagKind::PackageInstall]]);
    let judge = Arc::new(Judge::new(check, None));
    let (sender, receiver) = mpsc::channel();
    let marker = Marker::new(&store, &judge, move |by, marks| {
        sender.send((by, marks)).is_ok()
    });
    marker.all(7, &[], store.len());
    let (mut seen, mut flagged) = (BTreeSet::new(), BTreeSet::new());
    while flagged.is_empty() || seen.len() < store.len() {
        let (by, marks) = receiver.recv_timeout(Duration::from_mins(1)).unwrap();
        assert_eq!(by, 7);
        seen.extend(marks.iter().map(|marked| marked.ix));
        let found = marks.iter().filter(|marked| marked.marks.is_flagged);
        flagged.extend(found.map(|marked| marked.ix));
    }
    marker.close();
    assert_eq!(flagged, BTreeSet::from([RecordIx(1)]));
}

#[test]
fn what_is_switched_off_flags_no_record() {
    let (_folder, store) = two();
    let off = [(FlagKind::PackageInstall, false)];
    assert_eq!(kinds(&store, &off), [vec![], vec![]]);
    let judge = Judge::new(check, None).with_flags(Chosen::new(&off));
    assert_eq!(judge.flagged(&store, RecordIx(1), &Cancel::new()), None);
}
