//! A patch of files as they were and are, where no git can be asked. What git would ignore is in it too.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::diff::diff_files;
use crate::diff::unified;
use crate::replay::base::Found;
use crate::replay::base::State;
use crate::sandbox::Entry;

/// The patch between two states of one tree, in git's form but for the lines that name its objects. Files that are no
/// text are left out, and so is git's own folder.
pub(in crate::replay) fn by_layer(before: &State<'_>, after: &State<'_>) -> String {
    let mut patch = String::new();
    for path in changed(before, after) {
        let Ok(name) = std::str::from_utf8(&path) else {
            continue;
        };
        let (old, new) = (before.read(&path), after.read(&path));
        if old != new
            && let (Some(old), Some(new)) = (Side::of(&old), Side::of(&new))
        {
            part(name, &old, &new, &mut patch);
        }
    }
    patch
}

/// One side of a file: its mode, as git knows modes, and its text.
struct Side<'a> {
    mode: Option<&'static str>,
    text: &'a str,
}

impl<'a> Side<'a> {
    /// `None` where it cannot be told or is no text.
    fn of(found: &'a Found) -> Option<Self> {
        let (mode, bytes) = match found {
            Found::Nothing => (None, &b""[..]),
            Found::File { mode, bytes } if mode & 0o100 != 0 => (Some("100755"), bytes.as_slice()),
            Found::File { bytes, .. } => (Some("100644"), bytes.as_slice()),
            Found::Symlink(target) => (Some("120000"), target.as_slice()),
            Found::Unknown => return None,
        };
        let text = std::str::from_utf8(bytes)
            .ok()
            .filter(|text| !text.contains('\0'))?;
        Some(Self { mode, text })
    }
}

fn part(name: &str, old: &Side<'_>, new: &Side<'_>, patch: &mut String) {
    let (from, to) = (quoted("a/", name), quoted("b/", name));
    let mut say = |line: String| {
        patch.push_str(&line);
        patch.push('\n');
    };
    match (old.mode, new.mode) {
        (None, None) => return,
        (None, Some(mode)) => {
            say(format!("diff --git {from} {to}"));
            say(format!("new file mode {mode}"));
        }
        (Some(mode), None) => {
            say(format!("diff --git {from} {to}"));
            say(format!("deleted file mode {mode}"));
        }
        (Some(old), Some(new)) => {
            say(format!("diff --git {from} {to}"));
            if old != new {
                say(format!("old mode {old}"));
                say(format!("new mode {new}"));
            }
        }
    }
    let hunks = diff_files(old.text, new.text, 3);
    let text = unified(name, &hunks);
    let Some((_, body)) = text.split_once("\n+++ ") else {
        return;
    };
    let Some((_, body)) = body.split_once('\n') else {
        return;
    };
    // a whole file that was emptied is not one that is gone
    let from = if old.mode.is_none() {
        "/dev/null"
    } else {
        &from
    };
    let to = if new.mode.is_none() { "/dev/null" } else { &to };
    say(format!("--- {from}"));
    say(format!("+++ {to}"));
    patch.push_str(body);
}

/// The paths below the tree that either state's layer says something of, but for folders and git's own.
fn changed(before: &State<'_>, after: &State<'_>) -> BTreeSet<Vec<u8>> {
    let mut found = BTreeSet::new();
    let front = format!("{}/", after.tree.at);
    for layer in [before.layer, after.layer].into_iter().flatten() {
        for (path, entry) in &layer.entries {
            let Some(inner) = path.strip_prefix(front.as_bytes()) else {
                continue;
            };
            let mut parts = inner.split(|byte| *byte == b'/');
            if parts.any(|part| part == b".git") {
                continue;
            }
            match entry {
                Entry::File { .. } | Entry::Symlink { .. } | Entry::Other => {
                    found.insert(inner.to_vec());
                }
                Entry::Removed | Entry::Dir { .. } => {}
            }
            // a folder that is gone or hidden takes everything that was in it along
            let hides = !matches!(
                entry,
                Entry::Dir {
                    is_opaque: false,
                    ..
                }
            );
            if hides && let Some(lower) = &after.tree.lower {
                add_lower(lower, inner, &mut found);
            }
        }
    }
    found
}

/// Adds what the lower folder has at a path, and below it.
fn add_lower(lower: &std::path::Path, path: &[u8], found: &mut BTreeSet<Vec<u8>>) {
    use std::os::unix::ffi::OsStrExt as _;

    let is_odd = |part: &[u8]| matches!(part, b"" | b"." | b"..");
    if path.split(|byte| *byte == b'/').any(is_odd) {
        return;
    }
    let start = lower.join(std::ffi::OsStr::from_bytes(path));
    for entry in walkdir::WalkDir::new(start).follow_root_links(false) {
        let Ok(entry) = entry else { continue };
        let inner = entry.path().strip_prefix(lower);
        if let Ok(inner) = inner.map(|inner| inner.as_os_str().as_bytes())
            && !entry.file_type().is_dir()
        {
            found.insert(inner.to_vec());
        }
    }
}

/// A path as git writes it: in quotes where it holds what lines and words may not.
fn quoted(front: &str, path: &str) -> String {
    let is_plain = |byte: u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
    if path.bytes().all(is_plain) {
        return format!("{front}{path}");
    }
    let mut text = format!("\"{front}");
    for byte in path.bytes() {
        match byte {
            b'\n' => text.push_str("\\n"),
            b'\t' => text.push_str("\\t"),
            b'"' | b'\\' => text.extend(['\\', char::from(byte)]),
            _ if is_plain(byte) => text.push(char::from(byte)),
            // writing to a String cannot fail
            _ => write!(text, "\\{byte:03o}").unwrap_or_default(),
        }
    }
    text.push('"');
    text
}
