//! Two final patches beside each other: their texts, and what they make of each file.

use std::collections::BTreeMap;

use crate::patch::FilePatch;
use crate::patch::PatchKind;
use crate::patch::apply;
use crate::patch::parse_patch;
use crate::replay::FileReplay;
use crate::replay::PatchReplay;
use crate::replay::Same;
use crate::replay::base::Found;
use crate::replay::base::State;
use crate::replay::patch::parts;

/// Compares the patch of a replay with the recorded one. `before` is the base that both are against, `after` what the
/// replay left.
pub(in crate::replay) fn compare(
    patch: &str,
    recorded: Option<&str>,
    before: &State<'_>,
    after: &State<'_>,
) -> PatchReplay {
    let files = recorded.map(|recorded| files(patch, recorded, before, after));
    PatchReplay {
        patch: patch.into(),
        text: recorded.map(|recorded| same(patch, recorded)),
        files: files.unwrap_or_default(),
    }
}

/// How alike two patches are by their text. The line ends at the very end count for nothing: producers cut them off.
fn same(ours: &str, recorded: &str) -> Same {
    let (ours, recorded) = (ours.trim_end(), recorded.trim_end());
    if ours == recorded {
        Same::Exact
    } else if normalised(ours) == normalised(recorded) {
        Same::Normalised
    } else {
        Same::Differs
    }
}

/// A patch without what does not count: object names, modes, places of hunks, the order of its files.
fn normalised(patch: &str) -> Vec<String> {
    const IDLE: [&str; 5] = [
        "index ",
        "old mode ",
        "new mode ",
        "similarity index ",
        "dissimilarity index ",
    ];
    const KINDS: [&str; 2] = ["new file mode ", "deleted file mode "];
    let mut files: Vec<String> = parts(patch)
        .map(|part| {
            let mut text = String::new();
            for line in part.lines() {
                if IDLE.iter().any(|start| line.starts_with(start)) {
                    continue;
                }
                let kind = KINDS.iter().find(|start| line.starts_with(*start));
                let line = match kind {
                    Some(kind) => kind,
                    None if line.starts_with("@@ ") => "@@",
                    None => line.trim_end(),
                };
                text.push_str(line);
                text.push('\n');
            }
            text
        })
        // nothing is left of a file of which only the mode changed
        .filter(|part| part.lines().count() > 1)
        .collect();
    files.sort();
    files
}

/// What should be at a path behind the recorded patch.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Want {
    Nothing,
    Text(String),
    /// It cannot be told.
    Unknown,
}

fn files(patch: &str, recorded: &str, before: &State<'_>, after: &State<'_>) -> Vec<FileReplay> {
    let mut wanted: BTreeMap<String, Want> = BTreeMap::new();
    // what only the replay changed should be as it was before
    for path in parse_patch(patch).iter().flat_map(paths) {
        let want = match before.read(path.as_bytes()) {
            Found::Nothing => Want::Nothing,
            found => text(found).map_or(Want::Unknown, Want::Text),
        };
        wanted.insert(path, want);
    }
    let mut made: BTreeMap<String, Want> = BTreeMap::new();
    for file in &parse_patch(recorded) {
        for (path, want) in results(file, before) {
            // a file that stands there twice is not git's doing
            let earlier = made.insert(path, want);
            if earlier.is_some() {
                for want in made.values_mut() {
                    *want = Want::Unknown;
                }
            }
        }
    }
    wanted.extend(made);
    wanted
        .into_iter()
        .map(|(path, want)| {
            let same = match (&want, after.read(path.as_bytes())) {
                (Want::Unknown, _) | (_, Found::Unknown) => None,
                (Want::Nothing, found) => Some(found == Found::Nothing),
                (Want::Text(want), found) => Some(text(found).as_ref() == Some(want)),
            };
            FileReplay { path, same }
        })
        .collect()
}

/// The paths that a part of a patch changes.
fn paths(file: &FilePatch) -> Vec<String> {
    let old = file
        .old_path
        .as_ref()
        .filter(|_| file.kind != PatchKind::Copied);
    let mut paths: Vec<String> = old.into_iter().chain(&file.new_path).cloned().collect();
    paths.dedup();
    paths
}

/// What a part of the recorded patch makes of the files before.
fn results(file: &FilePatch, before: &State<'_>) -> Vec<(String, Want)> {
    let Some(old) = file.old_path.as_ref().or(file.new_path.as_ref()) else {
        return Vec::new();
    };
    let is_added = file.kind == PatchKind::Added;
    let base = match before.read(old.as_bytes()) {
        // a new file is made of nothing, whatever was there
        _ if is_added => Some(String::new()),
        found => text(found),
    };
    let base = base.filter(|_| !file.is_binary && !file.is_damaged);
    let text = base.and_then(|base| apply(file, &base).ok());
    let result = match file.kind {
        PatchKind::Deleted => Want::Nothing,
        _ => text.map_or(Want::Unknown, Want::Text),
    };
    let is_moved = file.kind == PatchKind::Renamed;
    paths(file)
        .into_iter()
        .map(|path| {
            let is_left = is_moved && Some(&path) != file.new_path.as_ref();
            let want = if is_left {
                Want::Nothing
            } else {
                result.clone()
            };
            (path, want)
        })
        .collect()
}

/// The text of a file, the target of a link; `None` for anything else.
fn text(found: Found) -> Option<String> {
    match found {
        Found::File { bytes, .. } | Found::Symlink(bytes) => String::from_utf8(bytes).ok(),
        Found::Nothing | Found::Unknown => None,
    }
}
