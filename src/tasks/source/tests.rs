//! Repositories of every kind, and what is none.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use gix_object::Write as _;

use super::*;
use crate::tasks::source::testing::folder;

fn bare(at: &Path, text: &str) -> String {
    let objects = at.join("objects");
    fs::create_dir_all(&objects).unwrap();
    let store = gix_odb::loose::Store::at(&objects, gix_hash::Kind::Sha1);
    let blob = store
        .write_buf(gix_object::Kind::Blob, text.as_bytes())
        .unwrap();
    let mut tree = b"100644 m.py\0".to_vec();
    tree.extend(blob.as_slice());
    let tree = store.write_buf(gix_object::Kind::Tree, &tree).unwrap();
    let commit = format!("tree {tree}\nauthor a <a@b> 0 +0000\ncommitter a <a@b> 0 +0000\n\nm\n");
    let commit = store.write_buf(gix_object::Kind::Commit, commit.as_bytes());
    let commit = commit.unwrap().to_string();
    fs::write(at.join("HEAD"), format!("{commit}\n")).unwrap();
    commit
}

fn tar(at: &Path, files: &[(&str, &str)]) {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, text.as_bytes()).unwrap();
    }
    let bytes = tar.into_inner().unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&bytes).unwrap();
    fs::write(at, gzip.finish().unwrap()).unwrap();
}

fn open(path: &Path) -> Result<Opened, String> {
    Source::at(path).open(&Cancel::new())
}

#[test]
fn a_folder_and_its_archive_have_one_name() {
    let licence = "Permission is hereby granted, free of charge, to any person obtaining a copy";
    let files = [
        ("m.py", "x = 1\n"),
        ("a/n.py", "y = 1\n"),
        ("LICENSE", licence),
    ];
    let plain = folder(&files);
    let opened = open(plain.path()).unwrap();
    assert_eq!(opened.commit.len(), 40);
    assert_eq!(
        opened.licence.as_ref().unwrap().spdx.as_deref(),
        Some("MIT")
    );
    let archive = plain.path().with_extension("tar.gz");
    let inner: Vec<(String, &str)> = files
        .iter()
        .map(|(name, text)| (format!("top/{name}"), *text))
        .collect();
    let inner: Vec<(&str, &str)> = inner.iter().map(|(name, text)| (&**name, *text)).collect();
    tar(&archive, &inner);
    let packed = open(&archive).unwrap();
    fs::remove_file(&archive).unwrap();
    assert_eq!(packed.commit, opened.commit);
    assert_eq!(packed.licence, opened.licence);
    let seed = packed
        .seed(None, &Cancel::new(), &mut |_| {})
        .unwrap()
        .unwrap();
    assert_eq!(seed.index.file_count(), 2);
    assert_eq!(seed.licence, opened.licence);
    let other = folder(&[("m.py", "x = 2\n"), ("a/n.py", "y = 1\n")]);
    assert_ne!(open(other.path()).unwrap().commit, opened.commit);
}

#[test]
fn commits_are_opened_not_working_files() {
    let root = tempfile::tempdir().unwrap();
    let mirror = root.path().join("owner__name.git");
    let commit = bare(&mirror, "def f(): pass\n");
    let opened = open(&mirror).unwrap();
    assert_eq!((&*opened.repo, &*opened.commit), ("owner/name", &*commit));
    let checkout = root.path().join("work");
    let other = bare(&checkout.join(".git"), "def g(): pass\n");
    fs::write(checkout.join("m.py"), "changed").unwrap();
    let config = "[remote \"origin\"]\n\turl = https://host/some/body.git\n";
    fs::write(checkout.join(".git/config"), config).unwrap();
    let opened = open(&checkout).unwrap();
    assert_eq!((&*opened.repo, &*opened.commit), ("some/body", &*other));
    let seed = opened
        .seed(None, &Cancel::new(), &mut |_| {})
        .unwrap()
        .unwrap();
    assert_eq!(seed.source("m.py").as_deref(), Ok("def g(): pass\n"));
    let named = Source {
        commit: Some("nowhere".to_owned()),
        ..Source::at(&checkout)
    };
    assert!(named.open(&Cancel::new()).is_err());
}

#[test]
fn what_cannot_be_opened_says_why() {
    let torn = folder(&[
        ("a.tar.gz", "no archive"),
        (".git", "gitdir: nowhere"),
        ("m.py", ""),
    ]);
    assert!(open(torn.path()).is_err());
    assert!(open(&torn.path().join("a.tar.gz")).is_err());
    assert!(open(&torn.path().join("none")).is_err());
    let empty = tempfile::tempdir().unwrap();
    fs::create_dir_all(empty.path().join(".git/objects")).unwrap();
    fs::write(empty.path().join(".git/HEAD"), "ref: refs/heads/main\n").unwrap();
    assert!(
        open(empty.path())
            .unwrap_err()
            .contains("nothing was committed")
    );
    let cancel = Cancel::new();
    cancel.cancel();
    let plain = folder(&[("m.py", "")]);
    assert!(Source::at(plain.path()).open(&cancel).is_err());
}

#[track_caller]
fn names(paths: &[PathBuf], is_many: bool, root: &Path) -> Vec<String> {
    let found = find(paths, is_many, None, None).unwrap();
    let name = |source: Source| {
        source
            .path
            .strip_prefix(root)
            .unwrap()
            .display()
            .to_string()
    };
    found.into_iter().map(name).collect()
}

#[test]
fn folders_of_many() {
    let root = folder(&[
        ("many/a/.git/HEAD", ""),
        ("many/b/m.py", ""),
        ("many/c.tar.gz", ""),
        ("many/.hidden/x.py", ""),
        ("many/notes.txt", ""),
        ("plain/pkg/m.py", ""),
    ]);
    let at = |name: &str| root.path().join(name);
    let many = ["many/a", "many/b", "many/c.tar.gz"];
    assert_eq!(names(&[at("many")], false, root.path()), many);
    assert_eq!(names(&[at("many"), at("many/b")], false, root.path()), many);
    assert_eq!(names(&[at("plain")], false, root.path()), ["plain"]);
    assert_eq!(names(&[at("plain")], true, root.path()), ["plain/pkg"]);
    assert!(find(&[at("none")], false, None, None).is_err());
    assert!(find(&[at("plain/pkg")], true, None, None).is_err());
    assert!(find(&[at("many")], false, None, Some("a/b")).is_err());
}
