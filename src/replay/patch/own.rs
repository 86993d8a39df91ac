//! A patch of files as they were and are, where no git can be asked. What git would ignore is in it too.

use std::collections::BTreeSet;

use crate::patch::Side;
use crate::patch::write_part;
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
            && let (Some(old), Some(new)) = (side(&old), side(&new))
        {
            write_part(name, old, new, &mut patch);
        }
    }
    patch
}

/// A side of a file as git knows it; `None` where it cannot be told or is no text.
fn side(found: &Found) -> Option<Side<'_>> {
    let (mode, bytes) = match found {
        Found::Nothing => (None, &b""[..]),
        Found::File { mode, bytes } if mode & 0o100 != 0 => (Some("100755"), bytes.as_slice()),
        Found::File { bytes, .. } => (Some("100644"), bytes.as_slice()),
        Found::Symlink(target) => (Some("120000"), target.as_slice()),
        Found::Unknown => return None,
    };
    Side::of(mode, bytes)
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
