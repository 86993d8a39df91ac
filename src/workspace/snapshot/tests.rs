//! Folders and archives as they are read, and as they are not.

use std::fs;
use std::io::Write as _;

use gix_hash::Kind as HashKind;
use gix_object::Write as _;

use super::*;

/// Writes a git folder whose one commit holds files without folders; gives the commit.
pub(in crate::workspace) fn commit(git: &Path, files: &[(&str, &[u8])]) -> String {
    let objects = git.join("objects");
    fs::create_dir_all(&objects).unwrap();
    let store = gix_odb::loose::Store::at(&objects, HashKind::Sha1);
    let mut tree = Vec::new();
    for (name, bytes) in files {
        let id = store.write_buf(gix_object::Kind::Blob, bytes).unwrap();
        tree.extend(format!("100644 {name}\0").bytes());
        tree.extend(id.as_slice());
    }
    let tree = store.write_buf(gix_object::Kind::Tree, &tree).unwrap();
    let text = format!("tree {tree}\nauthor a <a@b> 0 +0000\ncommitter a <a@b> 0 +0000\n\nm\n");
    let commit = store.write_buf(gix_object::Kind::Commit, text.as_bytes());
    commit.unwrap().to_string()
}

/// Writes files into a folder.
pub(in crate::workspace) fn files(folder: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

/// Writes an archive of files.
pub(in crate::workspace) fn tar(at: &Path, files: &[(&str, &str)]) {
    odd_tar(at, files, &mut |_| {});
}

fn odd_tar(at: &Path, files: &[(&str, &str)], more: &mut dyn FnMut(&mut tar::Builder<Vec<u8>>)) {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, text.as_bytes()).unwrap();
    }
    more(&mut tar);
    let bytes = tar.into_inner().unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&bytes).unwrap();
    fs::write(at, gzip.finish().unwrap()).unwrap();
}

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
    let inner: Vec<(String, &str)> = all
        .iter()
        .map(|(name, text)| (format!("plain-1.0/{name}"), *text))
        .collect();
    let inner: Vec<(&str, &str)> = inner.iter().map(|(name, text)| (&**name, *text)).collect();
    tar(&archive, &inner);
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
    odd_tar(&at, &[("m.py", "x\n"), ("m.json", "{}")], &mut |tar| {
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
    tar(&at, &[("m.py", "x\n")]);
    let snapshot = Snapshot::of_files(&at, &Cancel::new()).unwrap();
    tar(&at, &[("m.py", "y\n")]);
    let why = told(&snapshot).unwrap_err();
    assert!(why.contains("m.py changed since"), "{why}");
}
