//! How the editor shows folders: as `find` and `sort` print them, or by its own walk.

use crate::replay::edit::engine::Flavour;
use crate::replay::edit::engine::output::FOLDER_NOTICE;
use crate::replay::edit::engine::output::cut;
use crate::replay::edit::place;
use crate::replay::edit::stop::Stop;
use crate::sandbox::FileKind;
use crate::sandbox::Files;
use crate::sandbox::Found;

/// How many entries are looked at.
const MOST: usize = 100_000;

/// A folder's listing, two levels deep, without what is hidden.
struct Listing {
    /// Paths below the folder, and whether each is a folder.
    entries: Vec<(String, bool)>,
    /// All that lies in the folder itself.
    own: Vec<String>,
}

impl Listing {
    /// Reads a folder.
    fn read(files: &mut dyn Files, path: &str) -> Result<Self, Stop> {
        let found = files
            .list(path, 2, MOST)
            .map_err(|error| Stop::broken(path, &error))?;
        let own = found
            .iter()
            .filter(|found| !found.path.contains('/'))
            .map(|found| found.path.clone())
            .collect();
        let is_visible = |found: &Found| !found.path.split('/').any(|name| name.starts_with('.'));
        let entries = found
            .into_iter()
            .filter(is_visible)
            .map(|found| (found.path, found.kind == FileKind::Dir))
            .collect();
        Ok(Self { entries, own })
    }
}

/// How many entries of a folder are hidden.
fn hidden_count(own: &[String]) -> usize {
    own.iter().filter(|name| name.starts_with('.')).count()
}

/// What is printed for a folder.
pub(super) fn shown(flavour: Flavour, files: &mut dyn Files, path: &str) -> Result<String, Stop> {
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+@%=:,".contains(c);
    if flavour != Flavour::SdkLate && !path.chars().all(is_plain) {
        return Err(Stop::cannot(
            "the tool hands this path to a shell without quoting it",
        ));
    }
    if flavour != Flavour::SdkLate && path == "/" {
        return Err(Stop::cannot(
            "what find prints of the root folder is another on every system",
        ));
    }
    let listing = Listing::read(files, path)?;
    let hidden = hidden_count(&listing.own);
    let mut paths = listing.entries;
    if flavour == Flavour::SdkLate {
        paths.sort_by(|a, b| a.0.split('/').cmp(b.0.split('/')));
    } else {
        paths.sort();
    }
    let mut lines = vec![marked(path, true)];
    let marked = |(rel, is_dir): &(String, bool)| marked(&place::below(path, rel), *is_dir);
    if flavour == Flavour::SdkLate {
        lines.extend(paths.iter().map(marked));
    } else {
        lines.extend(cut_listing(flavour, path, &paths));
    }
    let mut text = format!(
        "Here's the files and directories up to 2 levels deep in {path}, excluding hidden items:\n{}",
        lines.join("\n")
    );
    if hidden > 0 {
        let note = format!(
            "\n\n{hidden} hidden files/directories in this directory are excluded. You can use 'ls -la {path}' to see them."
        );
        text.push_str(&note);
    }
    if flavour == Flavour::SdkLate {
        text = cut(flavour, &text, FOLDER_NOTICE);
    }
    Ok(text)
}

fn marked(path: &str, is_dir: bool) -> String {
    let end = if is_dir && !path.ends_with('/') {
        "/"
    } else {
        ""
    };
    format!("{path}{end}")
}

/// The lines behind the folder's own. What `find` printed is cut before folders get their slash.
fn cut_listing(flavour: Flavour, path: &str, paths: &[(String, bool)]) -> Vec<String> {
    let mut printed = format!("{path}\n");
    for (rel, _) in paths {
        printed.push_str(&place::below(path, rel));
        printed.push('\n');
    }
    let cut = cut(flavour, &printed, FOLDER_NOTICE);
    let is_folder = |line: &str| {
        let rel = line
            .strip_prefix(path)
            .map(|rel| rel.trim_start_matches('/'));
        rel.is_some_and(|rel| {
            paths
                .binary_search_by(|(known, _)| known.as_str().cmp(rel))
                .ok()
                .and_then(|ix| paths.get(ix))
                .is_some_and(|(_, is_dir)| *is_dir)
        })
    };
    cut.trim_end_matches('\n')
        .split('\n')
        .skip(1)
        .map(|line| marked(line, is_folder(line)))
        .collect()
}
