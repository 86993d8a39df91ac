//! Bad input of every kind, through the store and the screens, or the real binary where that is what could fail.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;

use hgview::cancel::Cancel;
use hgview::error::Kind;
use hgview::model::RecordIx;
use hgview::store::OpenOptions;
use hgview::store::Store;
use hgview::ui::event::Tone;

use crate::driver::Driver;
use crate::program::Program;
use crate::program::sample;
use crate::screens::check_cells;
use crate::screens::is_drawable;

const SIZE: (u16, u16) = (120, 40);

fn open<P: AsRef<Path>>(path: P) -> hgview::error::Result<Store> {
    Store::open(&OpenOptions {
        paths: vec![path.as_ref().to_path_buf()],
        ..OpenOptions::default()
    })
}

/// A good record with this id.
fn record(id: &str) -> String {
    let message = |role: &str, text: &str| serde_json::json!({"role": role, "content": text});
    let messages = [message("user", "go on"), message("assistant", "I did.")];
    serde_json::json!({"instance_id": id, "messages": messages}).to_string()
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }
}

/// Which records of a file can be read, by a letter each: `o` for good ones, `!` for faults.
#[track_caller]
fn records(path: &Path) -> String {
    let store = open(path).unwrap();
    store.scan(&Cancel::new(), &mut |_| {}).unwrap();
    (0..store.len())
        .map(|ix| match store.load(RecordIx(ix)) {
            Ok(_) => 'o',
            Err(fault) => {
                assert!(!fault.to_string().is_empty());
                '!'
            }
        })
        .collect()
}

#[test]
fn a_missing_file() {
    let error = open("samples/no such file.jsonl").unwrap_err();
    assert_eq!(error.kind(), Kind::Input);
    assert!(
        error.to_string().contains("samples/no such file.jsonl"),
        "{error}"
    );
}

#[test]
fn nothing_to_show() {
    let folder = Folder::new();
    folder.file("readme.txt", "nothing to see");
    let mut driver = Driver::open(&[folder.0.path()], SIZE);
    let text = driver.text();
    assert!(text.contains("no trajectories"), "{text}");
    driver.keys("j<enter>Gv/x<enter>yi");
    check_cells(&driver, "an empty folder");
    let empty = folder.file("empty.jsonl", "");
    let mut driver = Driver::open(&[&empty], SIZE);
    assert!(driver.text().contains("empty file"), "{}", driver.text());
    driver.keys("jlv]}/x<enter>qR'x<enter><esc>O");
    check_cells(&driver, "an empty file");
    // what is appended later is found
    fs::write(&empty, format!("{}\n", record("late"))).unwrap();
    driver.keys("R");
    assert!(driver.text().contains("late"), "{}", driver.text());
}

#[test]
fn what_the_lines_are() {
    let folder = Folder::new();
    let good = record("good");
    let twice = format!("{good}\n{good}\n");
    let half: String = good.chars().take(good.len() / 2).collect();
    let torn = format!("{good}\n{half}");
    let nan = format!(
        "{good}\n{}\n",
        good.replacen(
            "{\"instance_id\"",
            "{\"x\":NaN,\"y\":-Infinity,\"instance_id\"",
            1
        )
    );
    let mut utf8 = format!("{good}\n").into_bytes();
    utf8.extend(
        record("bad \u{fffd} letter")
            .replace('\u{fffd}', "\u{1}")
            .bytes()
            .map(|byte| if byte == 1 { 0xff } else { byte }),
    );
    utf8.extend(b"\n");
    for (name, bytes, want) in [
        ("duplicate.jsonl", twice.into_bytes(), "oo"),
        ("torn.jsonl", torn.into_bytes(), "o!"),
        ("nan.jsonl", nan.into_bytes(), "oo"),
        ("utf8.jsonl", utf8, "oo"),
        (
            "blank.jsonl",
            format!("\n\n{good}\n\n  \n{good}\n\n").into_bytes(),
            "oo",
        ),
        (
            "null.jsonl",
            format!("{good}\nnull\n7\n\"x\"\n{{}}\n{good}").into_bytes(),
            "o!!!!o",
        ),
        (
            "nested.jsonl",
            format!("{good}\n{}\n{good}\n", "[".repeat(100_000)).into_bytes(),
            "o!o",
        ),
    ] {
        let path = folder.file(name, bytes);
        assert_eq!(records(&path), want, "{name}");
        let mut driver = Driver::open(&[&path], SIZE);
        for _ in 0..want.len() {
            driver.keys("<enter>llv");
            check_cells(&driver, name);
            driver.keys("qqj");
        }
    }
}

/// A crash of the machine leaves zeros where the last lines should be.
#[test]
fn zeros_after_good_lines() {
    let folder = Folder::new();
    let good = format!("{}\n", record("good"));
    let bytes = [
        good.repeat(2_000).into_bytes(),
        vec![0; 5_000],
        good.into_bytes(),
    ]
    .concat();
    let path = folder.file("zeros.jsonl", bytes);
    assert_eq!(records(&path), format!("{}!", "o".repeat(2_000)));
}

#[test]
fn a_binary_file_named_like_data() {
    let folder = Folder::new();
    let noise: Vec<u8> = (0..200_000_u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 13).to_le_bytes()[0])
        .collect();
    for (name, bytes) in [
        ("noise.jsonl", noise),
        ("elf.jsonl", b"\x7fELF\x02\x01\x01\0\0\0".repeat(500)),
    ] {
        let path = folder.file(name, bytes);
        let mut driver = Driver::open(&[&path], SIZE);
        driver.keys("<enter>jlGv");
        check_cells(&driver, name);
        assert!(!records(&path).contains('o'));
    }
}

#[test]
fn a_line_of_64_mb() {
    let folder = Folder::new();
    let path = folder.0.path().join("long.jsonl");
    let mut file = std::io::BufWriter::new(fs::File::create(&path).unwrap());
    let (head, tail) = record("long")
        .split_once("I did.")
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .unwrap();
    writeln!(file, "{}", record("first")).unwrap();
    file.write_all(head.as_bytes()).unwrap();
    let words = "one very long line of many words without any end ".repeat(1024);
    for _ in 0..(64 << 20) / words.len() {
        file.write_all(words.as_bytes()).unwrap();
    }
    writeln!(file, "{tail}\n{}", record("last")).unwrap();
    drop(file);
    assert!(fs::metadata(&path).unwrap().len() > 63 << 20);
    let mut driver = Driver::open(&[&path], SIZE);
    let text = driver.text();
    for id in ["first", "long", "last"] {
        assert!(text.contains(id), "{text}");
    }
    driver.keys("j<enter>jj");
    assert!(
        driver.text().contains("one very long line"),
        "{}",
        driver.text()
    );
    check_cells(&driver, "the long line");
    driver.keys("<tab>99jGq");
    check_cells(&driver, "its end");
}

#[test]
fn duplicate_ids_are_told_apart() {
    let mut driver = Driver::open(&["samples/faults/duplicate_ids.jsonl"], SIZE);
    assert!(driver.text().contains("3 records"));
    driver.keys("yrjjyr");
    let references: Vec<&str> = driver
        .copied
        .iter()
        .map(|(text, _)| text.as_str())
        .collect();
    assert_ne!(references[0], references[1]);
}

#[test]
fn a_file_is_truncated_while_open() {
    let folder = Folder::new();
    let path = folder.file(
        "short.jsonl",
        format!("{}\n{}\n", record("one"), record("two")),
    );
    let mut driver = Driver::open(&[&path], SIZE);
    assert!(driver.text().contains("two"));
    fs::write(&path, format!("{}\n", record("one"))).unwrap();
    // looked at before anything is refreshed: what was read stays, what was not is a fault with words
    driver.keys("j<enter>");
    check_cells(&driver, "a truncated file");
    driver.keys("R");
    check_cells(&driver, "a truncated file");
    assert!(
        !driver.said.iter().any(|(tone, _)| *tone == Tone::Error),
        "{:?}",
        driver.said
    );
    driver.keys("qk<enter>");
    assert!(driver.text().contains("go on"), "{}", driver.text());
    fs::write(&path, "").unwrap();
    driver.keys("Rqj<enter>Rq");
    check_cells(&driver, "an emptied file");
    fs::remove_file(&path).unwrap();
    driver.keys("Rj<enter>vR");
    check_cells(&driver, "a removed file");
}

#[test]
fn a_file_is_replaced_while_open() {
    let folder = Folder::new();
    let path = folder.file(
        "turns.jsonl",
        format!("{}\n{}\n", record("old-1"), record("old-2")),
    );
    let mut driver = Driver::open(&[&path], SIZE);
    driver.keys("j");
    let other = folder.file(
        "other",
        format!(
            "{}\n{}\n{}\n",
            record("new-1"),
            record("new-2"),
            record("new-3")
        ),
    );
    fs::rename(other, &path).unwrap();
    driver.keys("R");
    let text = driver.text();
    for id in ["new-1", "new-2", "new-3"] {
        assert!(text.contains(id), "{id}\n{text}");
    }
    assert!(!text.contains("old-"), "{text}");
    driver.keys("<enter>");
    assert!(driver.line(0).contains("new-2"), "{}", driver.text());
    // replaced again while its trajectory is shown
    let other = folder.file(
        "other",
        format!("{}\n{}\n", record("third-1"), record("third-2")),
    );
    fs::rename(other, &path).unwrap();
    driver.keys("R");
    assert!(driver.line(0).contains("third-2"), "{}", driver.text());
    check_cells(&driver, "a replaced file");
}

#[cfg(unix)]
#[test]
fn no_permission() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new();
    let path = folder.file("secret.jsonl", record("x"));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::File::open(&path).is_ok() {
        eprintln!("skipped: this user may read everything");
        return;
    }
    if let Err(error) = open(&path) {
        assert!(error.to_string().contains("secret.jsonl"), "{error}");
        return;
    }
    let driver = Driver::open(&[&path], SIZE);
    assert!(driver.text().contains("ermission"), "{}", driver.text());
}

#[test]
fn no_terminal_and_a_dumb_one() {
    let run = Program::new().run(&[sample("chat/xml.jsonl")]).ends(2);
    assert!(
        run.err.contains("hint: `hgview list`") && run.err.contains("`hgview show`"),
        "{}",
        run.err
    );
    let run = Program::new()
        .run_with(&["list", &sample("chat/xml.jsonl")], "TERM", "dumb")
        .ends(0);
    assert!(!run.out.contains('\u{1b}'));
}

/// Every text of a record can hold sequences and marks; none of them reaches a cell or a line of output raw.
#[test]
fn nothing_raw_reaches_the_screen() {
    for size in [(80, 24), (200, 50), (40, 12)] {
        let mut driver = Driver::open(&["samples/faults/control_sequences.jsonl"], size);
        for _ in 0..6 {
            for keys in [
                "", "v", "v", "zR", "<tab>", "G", "<tab>", "W", "<right>", "W", "D", "l",
            ] {
                driver.keys(keys);
                check_cells(&driver, keys);
            }
        }
        driver.keys("/end of<enter>nnnnN");
        check_cells(&driver, "a search");
        driver.keys("q");
        check_cells(&driver, "the list");
        driver.keys("'owned");
        check_cells(&driver, "narrowing");
        driver.keys("<enter>:messages<enter>");
        check_cells(&driver, "messages");
    }
}

#[test]
fn nothing_raw_is_printed() {
    let path = sample("faults/control_sequences.jsonl");
    let is_raw = |letter: &char| *letter != '\n' && !is_drawable(*letter);
    for args in [
        &["list"][..],
        &["show"],
        &["show", "--format", "markdown"],
        &["show", "--step", "2"],
        &["list", "--json"],
        &["show", "--json"],
    ] {
        let run = Program::unbounded().run(&[args, &[path.as_str()]].concat());
        assert_eq!(run.out.chars().find(is_raw), None, "{args:?}");
        assert_eq!(run.err.chars().find(is_raw), None, "{args:?}");
    }
    // escaped, not changed
    let row = &Program::new()
        .run(&["show", "--json", &path])
        .ends(0)
        .json_lines()[0];
    assert!(
        row["id"]
            .as_str()
            .unwrap()
            .contains("\u{202e}desrever\u{202c} \u{200b}\u{9b}31m"),
        "{}",
        row["id"]
    );
    let run = Program::new()
        .run(&["list", "no\u{1b}[31m\u{202e}such.jsonl"])
        .ends(2);
    assert_eq!(run.err.chars().find(is_raw), None, "{:?}", run.err);
}
