//! Inputs that grow, shrink or are replaced.

use super::*;

#[test]
fn growing_files_are_followed() {
    let dir = tempfile::tempdir().unwrap();
    let path = write(dir.path(), "a.jsonl", format!("{}\n{}\n", row(0), row(1)));
    let store = open(&[&path]);
    assert_eq!(refresh(&store), Refresh::default());
    let (head, tail) = (row(2), row(3));
    append(&path, &format!("{head}\n{}", tail.get(..20).unwrap()));
    assert_eq!(ids(&store).len(), 2, "what was there can still be read");
    let report = refresh(&store);
    assert_eq!((report.appended, report.changed.len()), (2, 0));
    assert!(ids(&store).get(3).unwrap().starts_with("! cut off"));
    append(&path, &format!("{}\n{}", tail.get(20..).unwrap(), row(4)));
    let report = refresh(&store);
    assert_eq!((report.appended, report.changed), (1, vec![RecordIx(3)]));
    assert_eq!(ids(&store), five());
    append(&path, "\n");
    refresh(&store);
    assert_eq!(ids(&store), five());
    assert_eq!(store.len(), 5);
}

/// The content of a record is what a later scan finds: decisions are about it.
#[test]
fn blanks_that_came_before_a_line_are_part_of_it() {
    let dir = tempfile::tempdir().unwrap();
    for blank in [" ", "\r", "\t  ", "\n ", "\r\n\r"] {
        let path = write(dir.path(), "a.jsonl", format!("{}\n{}\n", row(0), row(1)));
        let store = open(&[&path]);
        append(&path, blank);
        refresh(&store);
        assert_eq!(store.len(), 2, "{blank:?}");
        append(&path, &(row(2) + "\n"));
        refresh(&store);
        let anew = open(&[&path]);
        for ix in (0..3).map(RecordIx) {
            assert_eq!(store.load_bytes(ix), anew.load_bytes(ix), "{blank:?}");
        }
    }
}

#[test]
fn an_empty_file_that_fills_up_is_seen() {
    let dir = tempfile::tempdir().unwrap();
    let path = write(dir.path(), "a.jsonl", "");
    let store = open(&[&path]);
    assert_eq!(refresh(&store), Refresh::default());
    append(&path, &(rows(5).join("\n") + "\n"));
    let report = refresh(&store);
    assert_eq!((report.appended, report.changed), (4, vec![RecordIx(0)]));
    assert_eq!(ids(&store), five());
}

#[test]
fn truncated_and_replaced_files_are_faults_then_scanned_anew() {
    let dir = tempfile::tempdir().unwrap();
    let path = write(dir.path(), "a.jsonl", rows(5).join("\n") + "\n");
    let store = open(&[&path]);
    fs::write(&path, row(0) + "\n").unwrap();
    let fault = store.load(RecordIx(3)).unwrap_err();
    assert!(fault.why.contains("shrank"), "{fault}");
    let report = refresh(&store);
    assert_eq!(report.problems.len(), 1);
    assert_eq!(report.changed.len(), 5);
    assert_eq!(ids(&store).first().map(String::as_str), Some("o__n-0"));
    assert!(
        ids(&store)
            .get(4)
            .unwrap()
            .starts_with("! the record is gone")
    );
    let gone = store.summarize(RecordIx(4));
    assert_eq!(gone.id, "a#5");
    // what is written after all was cut off begins anew, it is no rest of a torn line
    fs::write(&path, "").unwrap();
    refresh(&store);
    fs::write(&path, row(7) + "\n").unwrap();
    refresh(&store);
    let rows: Vec<usize> = (0..store.len())
        .filter_map(|ix| store.entry(RecordIx(ix)))
        .map(|entry| entry.row)
        .collect();
    assert!(rows.iter().all(|row| *row < 5), "{rows:?}");
    assert!(
        ids(&store).contains(&"o__n-7".to_owned()),
        "{:?}",
        ids(&store)
    );

    let other: Vec<String> = (10..17).map(row).collect();
    fs::remove_file(&path).unwrap();
    assert!(
        store
            .load_raw(RecordIx(0))
            .unwrap_err()
            .why
            .contains("cannot be read")
    );
    assert!(!refresh(&store).problems.is_empty());
    fs::write(&path, other.join("\n") + "\n").unwrap();
    assert!(store.load_raw(RecordIx(0)).is_err());
    refresh(&store);
    let want: Vec<String> = (10..17).map(|n| format!("o__n-{n}")).collect();
    assert_eq!(ids(&store), want);
    assert_eq!(refresh(&store), Refresh::default());
}

#[test]
fn a_replaced_file_of_the_same_length_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let path = write(dir.path(), "a.jsonl", row(1) + "\n");
    let store = open(&[&path]);
    let other = write(dir.path(), "b.jsonl", row(2) + "\n");
    fs::rename(other, &path).unwrap();
    let fault = store.load(RecordIx(0)).unwrap_err();
    assert!(fault.why.contains("replaced"), "{fault}");
    refresh(&store);
    assert_eq!(ids(&store), ["o__n-2"]);
}

#[test]
fn what_was_parsed_before_a_refresh_is_not_kept() {
    let dir = tempfile::tempdir().unwrap();
    let path = write(dir.path(), "a.jsonl", row(1) + "\n");
    let store = open(&[&path]);
    let stale = store.load_by(RecordIx(0), |ix| {
        let parsed = store.parse(ix);
        fs::write(&path, row(2) + "\n").unwrap();
        let report = refresh(&store);
        assert_eq!(report.changed, [RecordIx(0)]);
        parsed
    });
    assert_eq!(stale.unwrap().id, "o__n-1");
    assert_eq!(ids(&store), ["o__n-2"]);
}

#[test]
fn packed_files_that_grow_or_are_replaced_are_scanned_anew() {
    let dir = tempfile::tempdir().unwrap();
    let three = rows(3).join("\n") + "\n";
    let five_rows = rows(5).join("\n") + "\n";
    let tar = |count: usize| {
        let texts: Vec<(String, String)> = (0..count)
            .map(|n| (format!("{n}.jsonl"), row(n) + "\n"))
            .collect();
        let members: Vec<(&str, &[u8])> = texts
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_bytes()))
            .collect();
        tar_of(&members)
    };
    let cases = [
        (
            "a.jsonl.gz",
            gzipped(three.as_bytes()),
            gzipped(five_rows.as_bytes()),
        ),
        ("b.tar", tar(3), tar(5)),
    ];
    for (name, before, after) in cases {
        let path = write(dir.path(), name, &before);
        let store = open(&[&path]);
        assert_eq!(store.len(), 3, "{name}");
        assert_eq!(refresh(&store), Refresh::default(), "{name}");
        fs::write(&path, &after).unwrap();
        let report = refresh(&store);
        assert_eq!((report.appended, report.changed.len()), (2, 3), "{name}");
        assert_eq!(ids(&store), five(), "{name}");
        assert_eq!(refresh(&store), Refresh::default(), "{name}");
        fs::remove_file(&path).unwrap();
        assert_eq!(refresh(&store).changed.len(), 5, "{name}");
        fs::write(&path, &after).unwrap();
        refresh(&store);
        assert_eq!(ids(&store), five(), "{name}: comes back");
    }
}

/// The row that told of the damage goes when the rest has come.
#[test]
fn packed_files_that_were_caught_half_written_are_whole_in_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let text = rows(2000).join("\n") + "\n";
    let texts: Vec<(String, String)> = (0..20)
        .map(|n| (format!("{n}.jsonl"), row(n) + "\n"))
        .collect();
    let members: Vec<(&str, &[u8])> = texts
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_bytes()))
        .collect();
    for (name, whole) in [
        ("a.jsonl.gz", gzipped(text.as_bytes())),
        ("b.jsonl.zst", zstd::encode_all(text.as_bytes(), 1).unwrap()),
        ("c.tar.gz", gzipped(&tar_of(&members))),
        ("d.tar", tar_of(&members)),
    ] {
        let want = ids(&open(&[&write(dir.path(), name, &whole)]));
        for part in [2, 5, 9] {
            let path = write(dir.path(), name, &whole[..whole.len() * part / 10]);
            let store = open(&[&path]);
            fs::write(&path, &whole).unwrap();
            refresh(&store);
            assert_eq!(ids(&store), want, "{name}: {part} tenths");
            assert_eq!(refresh(&store), Refresh::default(), "{name}");
        }
    }
}

/// Found by fuzzing: each of an archive's faults scanned the whole of it again, and brought all of its rows once more.
#[test]
fn the_faults_of_one_archive_are_looked_at_together() {
    let dir = tempfile::tempdir().unwrap();
    let half = row(0).replace('}', "");
    let mut tar = tar_of(&[
        ("notes.txt", b"nothing of ours"),
        ("a.jsonl", half.as_bytes()),
        ("b.jsonl", row(1).as_bytes()),
    ]);
    let header = tar.len() / 512 * 512 - 512 * 6;
    tar[header + 100..header + 108].copy_from_slice(b"no octal");
    let mut packed = gzipped(&tar);
    let end = packed.len() - 8;
    packed[end..].fill(0x55);
    for (name, bytes) in [("a.tar.gz", &packed), ("b.tar", &tar)] {
        let path = write(dir.path(), name, bytes);
        let store = open(&[&path]);
        let want = ids(&store);
        assert!(want.len() > 1, "{want:?}");
        for _ in 0..3 {
            fs::write(&path, bytes).unwrap();
            refresh(&store);
            assert_eq!(ids(&store), want, "{name}");
        }
        assert_eq!(refresh(&store), Refresh::default(), "{name}");
        fs::write(&path, tar_of(&[("a.jsonl", row(0).as_bytes())])).unwrap();
        refresh(&store);
        let now = ids(&store);
        let gone = now
            .iter()
            .filter(|id| id.starts_with("! the record is gone"));
        assert_eq!(
            (now.len(), gone.count()),
            (want.len(), want.len() - 1),
            "{now:?}"
        );
        assert_eq!(refresh(&store), Refresh::default(), "{name}");
    }
}

#[test]
fn a_part_that_grows_alone_changes_its_record() {
    let dir = tempfile::tempdir().unwrap();
    let path = write(dir.path(), "t.json", row(0));
    let part = write(dir.path(), "t.cont-1.json", row(1));
    let store = open(&[&path]);
    assert_eq!(refresh(&store), Refresh::default());
    append(&part, "  ");
    assert_eq!(refresh(&store).changed, [RecordIx(0)]);
    assert_eq!(refresh(&store), Refresh::default());
}

fn talk(id: &str) -> String {
    format!(
        r#"{{"instance_id":"{id}","messages":[{{"role":"user","content":"hi"}},{{"role":"assistant","content":"ho"}}]}}"#
    )
}

#[test]
fn half_written_files_of_folders_are_looked_at_again() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "a.json", talk("o__n-0"));
    let half = write(dir.path(), "b.json", "{\"inst");
    let empty = write(dir.path(), "c.json", "");
    let store = open(&[dir.path()]);
    assert_eq!((store.len(), store.skipped().len()), (1, 2));
    assert_eq!(refresh(&store).appended, 0);
    fs::write(half, talk("o__n-1")).unwrap();
    fs::write(empty, talk("o__n-2")).unwrap();
    assert_eq!(refresh(&store).appended, 2);
    assert_eq!(ids(&store), ["o__n-0", "o__n-1", "o__n-2"]);
    assert_eq!(store.skipped(), []);
}

#[track_caller]
fn check_followed(name_the_file: bool) {
    let verdict =
        |resolved: bool| format!(r#"{{"instance_id":"o__n-0","resolved":{resolved}}}"#) + "\n";
    let dir = tempfile::tempdir().unwrap();
    let file = write(dir.path(), "a.json", talk("o__n-0"));
    let store = open(&[if name_the_file { &file } else { dir.path() }]);
    let label = || store.load(RecordIx(0)).unwrap().outcome.resolved;
    assert_eq!(label(), None);
    let mut generation = store.side_summary().generation;
    for resolved in [true, false, true] {
        write(
            dir.path(),
            "v.jsonl",
            verdict(resolved) + if resolved { "" } else { "\n" },
        );
        refresh(&store);
        assert_eq!(label(), Some(resolved));
        let now = store.side_summary().generation;
        assert!(now > generation, "rows are summarised anew");
        generation = now;
        refresh(&store);
        assert_eq!(store.side_summary().generation, now, "nothing changed");
    }
}

#[test]
fn side_files_that_appear_or_are_rewritten_are_followed() {
    check_followed(false);
    check_followed(true);
}
