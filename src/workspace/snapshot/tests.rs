//! Folders and archives as they are read, and as they are not.

use std::fs;

use super::*;
use crate::workspace::testing::files;
use crate::workspace::testing::odd_tar;
use crate::workspace::testing::tar;

fn told(snapshot: &Snapshot) -> Result<Vec<String>, String> {
    let mut told = Vec::new();
    snapshot.files((100, 1 << 20), &Cancel::new(), &mut |file| {
        let path = String::from_utf8_lossy(file.path);
        let bytes = String::from_utf8_lossy(file.bytes);
        told.push(match file.kind {
            TreeKind::File { .. } => format!("{path}: {bytes:?}"),
            TreeKind::Symlink => format!("{path} -> {bytes}"),
            TreeKind::HardLink => format!("{path} = {bytes}"),
            TreeKind::Dir { .. } => format!("{path}/"),
            TreeKind::Odd(why) => format!("{path}, {why}"),
        });
        Ok(())
    })?;
    Ok(told)
}

#[test]
fn a_folder_and_its_archive_are_the_same() {
    let root = tempfile::tempdir().unwrap();
    let plain = root.path().join("plain");
    let all = [
        ("a/m.py", "x = 1\n"),
        ("a/data.json", "{}"),
        (".hidden/h.py", "y\n"),
        ("setup.py", ""),
    ];
    files(&plain, &all);
    let archive = root.path().join("plain.tar.gz");
    tar(&archive, "plain-1.0", &all);
    let open = |path: &Path| Snapshot::of_files(path, &Cancel::new()).unwrap();
    let (folder, packed) = (open(&plain), open(&archive));
    assert_eq!(folder.name(), packed.name());
    assert_eq!(folder.name().len(), NAME_DIGITS);
    for snapshot in [&folder, &packed] {
        for (path, text) in all {
            assert_eq!(snapshot.base_file(path), Ok(Some(text.into())), "{path}");
        }
        for path in ["a", "none.py", "../plain/setup.py", "/a/m.py/x", ""] {
            assert_eq!(snapshot.base_file(path), Ok(None), "{path}");
        }
    }
    let is_file = |told: &String| !told.ends_with('/');
    let sorted = |snapshot: &Snapshot| {
        let mut all: Vec<String> = told(snapshot).unwrap();
        all.retain(is_file);
        all.sort();
        all
    };
    assert_eq!(sorted(&folder), sorted(&packed));
    // other data is another state of all files, though not of the sources
    let bounds = (100, 1 << 20);
    let whole = |snapshot: &Snapshot| snapshot.whole_name(bounds, &Cancel::new()).unwrap();
    let before = whole(&open(&plain));
    files(&plain, &[("a/data.json", "[]")]);
    let after = open(&plain);
    assert_eq!(after.name(), folder.name());
    assert_ne!(whole(&after), before);
}

#[test]
fn a_folder_that_changes_while_it_is_open_is_told() {
    #[track_caller]
    fn check(change: &dyn Fn(&Path), path: &str, want: &str) {
        let root = tempfile::tempdir().unwrap();
        files(
            root.path(),
            &[("a.py", "a\n"), ("b.py", "b\n"), ("c.txt", "c")],
        );
        let snapshot = Snapshot::of_files(root.path(), &Cancel::new()).unwrap();
        assert!(told(&snapshot).is_ok());
        change(root.path());
        assert_eq!(snapshot.file(path).unwrap_err(), want);
        assert!(told(&snapshot).is_err());
    }
    let write = |name: &'static str| move |root: &Path| fs::write(root.join(name), "new").unwrap();
    check(
        &write("a.py"),
        "a.py",
        "a.py changed since the folder was read",
    );
    check(
        &write("new.py"),
        "new.py",
        "new.py came since the folder was read",
    );
    let remove = |root: &Path| fs::remove_file(root.join("b.py")).unwrap();
    check(&remove, "b.py", "b.py went since the folder was read");
}

#[test]
fn hostile_archives_are_told_as_they_are() {
    let root = tempfile::tempdir().unwrap();
    let at = root.path().join("a.tar.gz");
    odd_tar(&at, "", &[("m.py", "x\n"), ("m.json", "{}")], &mut |tar| {
        let mut link = |kind, name: &str, target: &str| {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(kind);
            header.set_size(0);
            header.set_mode(0o777);
            tar.append_link(&mut header, name, target).unwrap();
        };
        link(tar::EntryType::Symlink, "out", "/etc/passwd");
        link(tar::EntryType::Link, "hard.py", "m.py");
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Char);
        header.set_size(0);
        tar.append_data(&mut header, "device", &b""[..]).unwrap();
        let mut header = tar::Header::new_gnu();
        header.set_size(2);
        header.as_gnu_mut().unwrap().name[..9].copy_from_slice(b"../up.py\0");
        header.set_cksum();
        tar.append(&header, &b"no"[..]).unwrap();
    });
    let snapshot = Snapshot::of_files(&at, &Cancel::new()).unwrap();
    let want = [
        "m.py: \"x\\n\"",
        "m.json: \"{}\"",
        "out -> /etc/passwd",
        "hard.py = m.py",
        "device, it is a device or a pipe",
        "../up.py: \"no\"",
    ];
    assert_eq!(told(&snapshot).unwrap(), want);
    for path in ["out", "hard.py", "device", "../up.py", "up.py"] {
        assert_eq!(snapshot.file(path), Ok(None), "{path}");
    }
    let bounded = snapshot.files((2, 100), &Cancel::new(), &mut |_| Ok(()));
    assert!(bounded.unwrap_err().contains("too many"));
    let bounded = snapshot.files((100, 1), &Cancel::new(), &mut |_| Ok(()));
    assert!(bounded.unwrap_err().contains("too long"));
    // one that is gone, or another by now
    fs::write(&at, "torn").unwrap();
    assert_eq!(snapshot.file("m.py"), Ok(Some(b"x\n".to_vec())));
    assert!(snapshot.file("m.json").is_err());
    assert!(told(&snapshot).is_err());
}

#[test]
fn an_archive_that_was_replaced_is_told() {
    let root = tempfile::tempdir().unwrap();
    let at = root.path().join("a.tar.gz");
    tar(&at, "", &[("m.py", "x\n")]);
    let snapshot = Snapshot::of_files(&at, &Cancel::new()).unwrap();
    tar(&at, "", &[("m.py", "y\n")]);
    let why = told(&snapshot).unwrap_err();
    assert!(why.contains("m.py changed since"), "{why}");
}

#[test]
fn texts_are_bounded() {
    let mut texts = Texts::default();
    let quarter = "x".repeat(Texts::MOST_BYTES / 4);
    for nth in 0..10 {
        let text = Some(Text::from(quarter.clone()));
        texts.keep(&format!("{nth}.py"), text.clone());
        // the same once more is held once
        texts.keep(&format!("{nth}.py"), text);
        let held: usize = texts
            .by_path
            .values()
            .flatten()
            .map(|text| text.len())
            .sum();
        assert!(held <= Texts::MOST_BYTES, "{held}");
        assert!(texts.by_path.contains_key(&format!("{nth}.py")));
    }
    assert!(texts.by_path.len() > 1, "some are kept");
}
