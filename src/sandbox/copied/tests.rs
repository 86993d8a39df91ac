use std::fs;
use std::os::unix::fs::symlink;

use crate::cancel::Cancel;
use crate::sandbox::Content;
use crate::sandbox::Entry;
use crate::sandbox::Layer;
use crate::sandbox::copied::Comparison;
use crate::sandbox::copied::Now;
use crate::sandbox::copied::entries_in;

fn file(text: &str) -> Now {
    Now::File {
        mode: 0o644,
        bytes: text.as_bytes().to_vec(),
    }
}

/// What is told of a folder with `a`, `dir/b` and a link `out` that leads to `/etc`.
#[track_caller]
fn check(seen: Vec<(&str, Now)>, expected: &[(&str, &str)]) {
    use std::os::unix::fs::PermissionsExt as _;
    let lower = tempfile::tempdir().unwrap();
    let at = lower.path();
    fs::create_dir(at.join("dir")).unwrap();
    fs::set_permissions(at.join("dir"), fs::Permissions::from_mode(0o755)).unwrap();
    for name in ["a", "dir/b"] {
        fs::write(at.join(name), name).unwrap();
        fs::set_permissions(at.join(name), fs::Permissions::from_mode(0o644)).unwrap();
    }
    symlink("/etc", at.join("out")).unwrap();
    let mut comparison = Comparison::new("/w", Some(at), None, 100);
    for (path, now) in seen {
        comparison.see(path.as_bytes(), now).unwrap();
    }
    let entries = comparison.finish(&Cancel::new()).unwrap();
    let word = |entry: &Entry| match entry {
        Entry::File { .. } => "file",
        Entry::Dir {
            is_opaque: true, ..
        } => "opaque",
        Entry::Dir { .. } => "dir",
        Entry::Symlink { .. } => "link",
        Entry::Removed => "removed",
        Entry::Other => "other",
    };
    let told: Vec<(String, &str)> = entries
        .iter()
        .map(|(path, entry)| (String::from_utf8(path.clone()).unwrap(), word(entry)))
        .collect();
    let told: Vec<(&str, &str)> = told.iter().map(|(p, w)| (p.as_str(), *w)).collect();
    assert_eq!(told, expected);
}

fn link() -> Now {
    Now::Symlink {
        target: b"/etc".to_vec(),
    }
}

const DIR: Now = Now::Dir { mode: 0o755 };

#[test]
fn only_changes_are_told() {
    let same = || {
        vec![
            ("", DIR),
            ("a", file("a")),
            ("dir", DIR),
            ("dir/b", file("dir/b")),
            ("out", link()),
        ]
    };
    check(same(), &[]);
    let mut changed = same();
    changed[1].1 = file("other");
    changed.push(("new/deep", file("x")));
    check(changed, &[("/w/a", "file"), ("/w/new/deep", "file")]);
    check(
        vec![("a", DIR), ("dir", file("")), ("out", link())],
        &[("/w/a", "opaque"), ("/w/dir", "file")],
    );
    check(
        Vec::new(),
        &[
            ("/w/a", "removed"),
            ("/w/dir", "removed"),
            ("/w/out", "removed"),
        ],
    );
}

#[test]
fn links_of_the_original_are_not_followed() {
    let passwd = fs::read("/etc/hostname").unwrap_or_default();
    let now = Now::File {
        mode: 0o644,
        bytes: passwd,
    };
    check(
        vec![
            ("a", file("a")),
            ("dir", DIR),
            ("dir/b", file("dir/b")),
            ("out", DIR),
            ("out/hostname", now),
        ],
        &[("/w/out", "opaque"), ("/w/out/hostname", "file")],
    );
}

#[test]
fn paths_that_lead_elsewhere_are_left_out() {
    check(
        vec![
            ("../x", file("x")),
            ("/etc/x", file("x")),
            ("a", file("a")),
            ("dir", DIR),
            ("dir/b", file("dir/b")),
            ("dir/../../x", file("x")),
            ("out", link()),
        ],
        &[],
    );
    let entry = Entry::File {
        mode: 0o644,
        content: Content::new(&b"x"[..]),
    };
    let layer = Layer {
        entries: ["/w/ok", "/w/../x", "/wide", "/w"]
            .map(|path| (path.as_bytes().to_vec(), entry.clone()))
            .into(),
    };
    let told: Vec<&[u8]> = entries_in(&layer, "/w").map(|(path, _)| path).collect();
    assert_eq!(told, [&b""[..], b"ok"]);
}

#[test]
fn too_much_is_an_error() {
    let mut comparison = Comparison::new("/w", None, None, 3);
    comparison.see(b"a", file("ab")).unwrap();
    assert!(comparison.see(b"b", file("cd")).is_err());
}
