//! Entries of all kinds, and hostile ones.

use super::*;

const MUCH: Bounds = Bounds {
    entries: 20,
    bytes: 100,
};

enum Entry {
    Dir(&'static str),
    File(&'static str, &'static str),
    Link(&'static str, &'static str),
    Copy(&'static str, &'static str),
}

/// Writes entries one after the other; tells which were refused and what lies in the folder then.
#[track_caller]
fn check(entries: &[Entry], refused: &[&str], want: &[&str]) {
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("tree");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(outer.path().join("secret"), "secret").unwrap();
    let mut place = Place::new(&folder, MUCH, None).unwrap();
    let mut left_out = Vec::new();
    for entry in entries {
        let put = match entry {
            Entry::Dir(path) => place.dir(path.as_bytes()),
            Entry::File(path, text) => place.file(path.as_bytes(), 0o4755, &mut text.as_bytes()),
            Entry::Link(path, to) => place.symlink(path.as_bytes(), to.as_bytes()),
            Entry::Copy(path, from) => place.copy(path.as_bytes(), from.as_bytes()),
        };
        if let Put::Refused(why) = put.unwrap() {
            left_out.push(why);
        }
    }
    assert_eq!(left_out, refused);
    let mut found: Vec<String> = walkdir::WalkDir::new(&folder)
        .min_depth(1)
        .into_iter()
        .map(|entry| {
            let entry = entry.unwrap();
            let path = entry
                .path()
                .strip_prefix(&folder)
                .unwrap()
                .display()
                .to_string();
            let meta = entry.path().symlink_metadata().unwrap();
            let mode = std::os::unix::fs::PermissionsExt::mode(&meta.permissions()) & 0o7777;
            match (meta.is_symlink(), meta.is_file()) {
                (true, _) => {
                    format!("{path} -> {}", entry.path().read_link().unwrap().display())
                }
                (_, true) => {
                    let text = std::fs::read_to_string(entry.path()).unwrap();
                    format!("{path} {mode:o} {text}")
                }
                _ => format!("{path}/ {mode:o}"),
            }
        })
        .collect();
    found.sort();
    assert_eq!(found, want);
    let around = std::fs::read_dir(outer.path()).unwrap().count();
    assert_eq!(around, 2, "something was written outside");
    assert_eq!(
        std::fs::read_to_string(outer.path().join("secret")).unwrap(),
        "secret"
    );
}

#[test]
fn files_folders_and_links_are_written() {
    check(
        &[
            Entry::File("a/b/f", "1"),
            Entry::Dir("a/c"),
            Entry::Link("a/l", "/etc/passwd"),
            Entry::Copy("a/h", "a/b/f"),
            Entry::File("./a//b/f", "2"),
        ],
        &[],
        &[
            "a/ 755",
            "a/b/ 755",
            "a/b/f 755 2",
            "a/c/ 755",
            "a/h 755 1",
            "a/l -> /etc/passwd",
        ],
    );
}

#[test]
fn nothing_leads_out() {
    check(
        &[
            Entry::File("../x", "1"),
            Entry::File("/x", "1"),
            Entry::File("a/../../x", "1"),
            Entry::Dir(".."),
            Entry::Link("up", ".."),
            Entry::File("up/x", "1"),
            Entry::Dir("up/d"),
            Entry::Link("up/l", "x"),
            Entry::Copy("h", "../secret"),
            Entry::Copy("h", "up/secret"),
            Entry::Link("s", "../secret"),
            Entry::Copy("h", "s"),
            Entry::File("s", "mine"),
            Entry::File("", "1"),
            Entry::File("n\0", "1"),
            Entry::Link("e", ""),
        ],
        &[
            "its path leads out",
            "its path is absolute",
            "its path leads out",
            "its path leads out",
            "it lies behind a link or a file",
            "it lies behind a link or a file",
            "it lies behind a link or a file",
            "it links to a file outside",
            "it links to nothing in the archive",
            "it links to nothing in the archive",
            "it has no name",
            "its path is no path",
            "its target is no path",
        ],
        &["s 755 mine", "up -> .."],
    );
}

#[test]
fn folders_stay_and_names_are_short() {
    check(
        &[
            Entry::Dir("d"),
            Entry::File("d", "1"),
            Entry::File("f", "1"),
            Entry::File("f/x", "1"),
        ],
        &[
            "there is a folder of that name",
            "it lies behind a link or a file",
        ],
        &["d/ 755", "f 755 1"],
    );
    let folder = tempfile::tempdir().unwrap();
    let mut place = Place::new(folder.path(), MUCH, None).unwrap();
    let long = [b'x'; 300];
    assert_eq!(
        place.file(&long, 0o644, &mut &b""[..]).unwrap(),
        Put::Refused("its name is too long")
    );
}

#[test]
fn bounds_hold() {
    let folder = tempfile::tempdir().unwrap();
    let mut place = Place::new(folder.path(), MUCH, None).unwrap();
    let bomb = place.file(b"bomb", 0o644, &mut std::io::repeat(0));
    assert!(
        bomb.unwrap_err()
            .to_string()
            .contains("more than 100 bytes")
    );
    let mut place = Place::new(folder.path(), MUCH, None).unwrap();
    let deep = "d/".repeat(30);
    let many = place.dir(deep.as_bytes());
    assert!(many.unwrap_err().to_string().contains("more than 20 files"));
}
