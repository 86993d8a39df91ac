//! Shares by their names, written, torn, begun again and read.

use super::*;

const RESULTS: Kind = Kind {
    stem: "results",
    command: "replay",
};

#[test]
fn shares_by_their_names() {
    for (text, expected) in [
        ("0/1", Some((0, 1))),
        ("7/8", Some((7, 8))),
        ("8/8", None),
        ("-1/8", None),
        ("1", None),
        ("1/0", None),
        ("0/100000", None),
    ] {
        let read = text.parse::<Shard>().ok();
        assert_eq!(read.map(|shard| (shard.nth, shard.of)), expected, "{text}");
    }
    let shard = Shard { nth: 3, of: 12 };
    assert_eq!(shard.file_name(RESULTS), "results-00003-of-00012.jsonl");
    for (name, expected) in [
        ("results-00003-of-00012.jsonl", Some((shard, true))),
        ("results-00003-of-00012.jsonl.part", Some((shard, false))),
        ("results-00003-of-00012.runs.jsonl", None),
        ("results-00013-of-00012.jsonl", None),
        ("results-3-of-12.jsonl", None),
        ("results.jsonl", None),
    ] {
        assert_eq!(Shard::of_file_name(RESULTS, name), expected, "{name}");
    }
}

#[test]
fn every_record_is_in_one_share() {
    for id in ["", "a", "task-7", "漢字"] {
        let takers = |of| {
            (0..of)
                .filter(|nth| Shard { nth: *nth, of }.takes(id))
                .count()
        };
        assert_eq!([1, 2, 7, 1000].map(takers), [1; 4], "{id}");
    }
    // SHA-256 of the empty text begins with e3b0c44298fc1c14
    let nth = 0xe3b0_c442_98fc_1c14 % 1000;
    assert!(Shard { nth, of: 1000 }.takes(""));
}

#[test]
fn ranges_follow_on_each_other() {
    for len in [0, 1, 2, 7, 1000, usize::MAX] {
        for of in [1, 2, 3, 7, 99_999] {
            let ends = (0..of).map(|nth| Shard { nth, of }.range(len).end);
            let starts = (0..of).map(|nth| Shard { nth, of }.range(len).start);
            let ends: Vec<usize> = ends.collect();
            assert_eq!(ends.last(), Some(&len));
            let starts: Vec<usize> = starts.collect();
            let expected = std::iter::once(0).chain(ends).take(starts.len());
            assert_eq!(starts, expected.collect::<Vec<usize>>(), "{len} {of}");
        }
    }
    assert_eq!(Shard { nth: 1, of: 3 }.range(10), 3..6);
}

const KIND: Kind = Kind {
    stem: "counted",
    command: "count",
};

fn head(shard: Shard, records: u64, asked: &str) -> Head<String> {
    Head::new(KIND, shard, (records, 10 * records), asked.to_owned())
}

/// Writes what is lacking of the share of so many records.
fn write(folder: &Path, shard: Shard, records: usize) -> crate::error::Result<usize> {
    let mut writer = Writer::open(folder, KIND, &head(shard, records as u64, "all"))?;
    let mut written = 0;
    for nth in shard.range(records).map(|place| place + 1) {
        if !writer.is_done(nth) {
            writer.put(&format!("{{\"nth\":{nth},\"word\":\"w{nth}\"}}"));
            written += 1;
        }
    }
    writer.complete()?;
    Ok(written)
}

fn read_all(folder: &Path, allow_partial: bool) -> Result<Vec<String>, String> {
    let words = |error: crate::error::Error| error.to_string();
    let found = find(KIND, &[folder.to_path_buf()], allow_partial).map_err(words)?;
    let mut lines = Vec::new();
    let read = read::<String>(KIND, &found, &mut |line| {
        lines.push(String::from_utf8(line.to_vec()).unwrap());
        Ok(())
    });
    assert_eq!(read.map_err(words)?.lines, lines.len());
    Ok(lines)
}

fn shards(of: u64) -> impl Iterator<Item = Shard> {
    // in no order
    (0..of).rev().map(move |nth| Shard { nth, of })
}

#[test]
fn shares_are_the_same_lines_however_many() {
    let all = |of| {
        let folder = tempfile::tempdir().unwrap();
        for shard in shards(of) {
            write(folder.path(), shard, 23).unwrap();
        }
        read_all(folder.path(), false).unwrap()
    };
    let one = all(1);
    assert_eq!(one.len(), 23);
    for of in [2, 5, 23, 40] {
        assert_eq!(all(of), one, "{of}");
    }
}

/// A share that ended with these bytes of its file is begun again.
#[track_caller]
fn resumed(cut: impl Fn(&str) -> String, lacking: usize) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    for shard in shards(2) {
        write(path, shard, 20).unwrap();
    }
    let all = read_all(path, false).unwrap();
    let whole = path.join("counted-00001-of-00002.jsonl");
    let part = path.join("counted-00001-of-00002.jsonl.part");
    let text = std::fs::read_to_string(&whole).unwrap();
    std::fs::remove_file(&whole).unwrap();
    std::fs::write(&part, cut(&text)).unwrap();
    assert_eq!(
        read_all(path, false).unwrap_err(),
        "1 of 2 shares are missing: 1"
    );
    assert_eq!(read_all(path, true).unwrap().len(), 10);
    let again = write(path, Shard { nth: 1, of: 2 }, 20).unwrap();
    assert_eq!(again, lacking, "{}", cut(&text));
    assert_eq!(read_all(path, false).unwrap(), all);
    assert!(!part.exists());
}

#[test]
fn a_share_goes_on_behind_its_complete_lines() {
    resumed(str::to_owned, 0);
    resumed(|_| String::new(), 10);
    resumed(|text| text.get(..40).unwrap().to_owned(), 10);
    resumed(|text| text.get(..text.len() - 1).unwrap().to_owned(), 1);
    resumed(|text| text.get(..text.len() - 40).unwrap().to_owned(), 2);
    // a line in the middle that is none: from there on it is made again
    resumed(|text| text.replace("{\"nth\":14,", "\0\0\0"), 7);
    resumed(|text| text.replace("{\"nth\":14,", "{\"nth\":12,"), 7);
}

#[test]
fn shares_that_do_not_belong_together() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let told = |records| {
        let told = write(path, Shard { nth: 0, of: 2 }, records).unwrap_err();
        told.to_string()
    };
    assert!(
        read_all(path, false)
            .unwrap_err()
            .contains("holds no shares")
    );
    for shard in shards(2) {
        write(path, shard, 20).unwrap();
    }
    let all = read_all(path, false).unwrap();
    assert!(told(21).ends_with("counted-00000-of-00002.jsonl is of other inputs"));
    let other = Writer::open(path, KIND, &head(Shard { nth: 0, of: 2 }, 20, "some")).unwrap_err();
    assert!(other.to_string().ends_with("is made with other options"));
    assert_eq!(read_all(path, false).unwrap(), all, "what is refused stays");

    let (zero, one) = (
        "counted-00000-of-00002.jsonl",
        "counted-00001-of-00002.jsonl",
    );
    let first = std::fs::read_to_string(path.join(zero)).unwrap();
    let put = |text: &str| std::fs::write(path.join(one), text).unwrap();
    put(&first);
    assert!(
        read_all(path, false)
            .unwrap_err()
            .contains("record 1 is there twice")
    );
    let head_of_one = first
        .lines()
        .next()
        .unwrap()
        .replace("\"nth\":0", "\"nth\":1");
    put(&format!("{head_of_one}\n{{\"nth\":10}}\n"));
    let told = read_all(path, false).unwrap_err();
    assert!(
        told.ends_with("counted-00001-of-00002.jsonl:2: record 10 is there twice"),
        "{told}"
    );
    put(&format!("{head_of_one}\nx\n"));
    assert!(
        read_all(path, false)
            .unwrap_err()
            .contains(":2: no line of a share")
    );
    put("");
    assert!(read_all(path, false).unwrap_err().contains("has no head"));
    put(first.lines().next().unwrap());
    assert!(
        read_all(path, false)
            .unwrap_err()
            .contains("says that it is share 0")
    );
    put(&head_of_one.replace("\"records\":20", "\"records\":21"));
    assert!(
        read_all(path, false)
            .unwrap_err()
            .contains("is of other inputs than")
    );
    std::fs::write(path.join("counted-00000-of-00003.jsonl.part"), "").unwrap();
    assert!(
        read_all(path, true)
            .unwrap_err()
            .contains("shares of 2 and of 3")
    );
}

#[test]
fn a_share_in_two_folders_is_told() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let paths: Vec<_> = folders
        .iter()
        .map(|folder| folder.path().to_path_buf())
        .collect();
    write(&paths[0], Shard::WHOLE, 3).unwrap();
    assert!(find(KIND, &paths, false).is_ok());
    let same = [
        paths[0].clone(),
        paths[0].join("counted-00000-of-00001.jsonl"),
    ];
    assert_eq!(find(KIND, &same, false).unwrap().files.len(), 1);
    write(&paths[1], Shard::WHOLE, 3).unwrap();
    let told = find(KIND, &paths, false).unwrap_err().to_string();
    assert!(told.contains("share 0 of 1 is there twice"), "{told}");
}

/// As engines do that start a task again which they only believe to be dead.
#[test]
fn several_programs_at_one_share() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for shard in shards(3) {
                    write(path, shard, 200).unwrap();
                }
            });
        }
    });
    assert_eq!(read_all(path, false).unwrap().len(), 200);
}
