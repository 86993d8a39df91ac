//! Repositories of every kind, and what is none.

use std::fs;
use std::path::Path;

use super::*;
use crate::tasks::source::testing::folder;
use crate::workspace::testing::commit;
use crate::workspace::testing::tar;

fn bare(at: &Path, text: &str) -> String {
    let commit = commit(at, &[("m.py", text.as_bytes())]);
    fs::write(at.join("HEAD"), format!("{commit}\n")).unwrap();
    commit
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
    tar(&archive, "top", &files);
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
