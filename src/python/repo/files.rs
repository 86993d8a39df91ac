//! Where the files of a repository come from, and which of them are its Python sources.

use std::collections::BTreeSet;
use std::fmt;

/// Longer files are generated or data; nobody wrote them.
pub(super) const MOST_BYTES: u64 = 4 << 20;
/// More files than these are not read.
const MOST_FILES: usize = 200_000;

/// The files of a repository: a checkout, a commit's tree, an archive.
pub trait Files: Sync {
    /// Everything there is, in any order. Folders need not be told.
    ///
    /// # Errors
    /// In words.
    fn entries(&self) -> Result<Vec<Entry>, String>;

    /// The bytes of a file that was told.
    ///
    /// # Errors
    /// In words.
    fn read(&self, path: &str) -> Result<Vec<u8>, String>;
}

/// What lies at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Below the repository's root, names divided by `/`.
    pub path: String,
    /// What it is.
    pub kind: EntryKind,
}

/// Kinds of entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A file of so many bytes.
    File {
        /// How many.
        bytes: u64,
    },
    /// A symbolic link, to a file or a folder. It is never followed: what it leads to is read where it lies.
    Link,
    /// A folder that belongs to another repository.
    Submodule,
}

/// A Python file or a folder that is not in the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Where it lies.
    pub path: String,
    /// Why.
    pub reason: SkippedFor,
}

/// Why a file is not in the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SkippedFor {
    /// It is longer than any source: so many bytes.
    TooLong(u64),
    /// Reading it failed, in words.
    Unreadable(String),
    /// It is nested too deeply to be parsed.
    TooDeep,
    /// It is no text.
    Binary,
    /// It is a symbolic link.
    Link,
    /// It belongs to another repository.
    Submodule,
    /// It lies in a virtual environment.
    Environment,
    /// There are too many files.
    TooMany,
}

impl fmt::Display for SkippedFor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong(bytes) => write!(f, "{bytes} bytes: generated, or data"),
            Self::Unreadable(why) => write!(f, "cannot be read: {why}"),
            Self::TooDeep => f.write_str("nested too deeply"),
            Self::Binary => f.write_str("no text"),
            Self::Link => f.write_str("a symbolic link"),
            Self::Submodule => f.write_str("a submodule"),
            Self::Environment => f.write_str("a virtual environment"),
            Self::TooMany => write!(f, "more than {MOST_FILES} files"),
        }
    }
}

/// The paths of the Python sources, sorted, each once, and what was left out. Hidden folders (`.git`, `.tox`),
/// `__pycache__` and `node_modules` are nobody's sources and are passed over in silence.
pub(super) fn python_files(entries: Vec<Entry>) -> (Vec<String>, Vec<Skipped>) {
    let environments: BTreeSet<String> = entries
        .iter()
        .filter_map(|entry| entry.path.strip_suffix("/pyvenv.cfg"))
        .map(str::to_owned)
        .collect();
    let mut paths = Vec::new();
    let mut skipped = Vec::new();
    for entry in entries {
        let Entry { path, kind } = entry;
        if is_passed_over(&path) {
            continue;
        }
        let reason = match kind {
            EntryKind::Submodule => Some(SkippedFor::Submodule),
            _ if !is_source(&path) => continue,
            EntryKind::Link => Some(SkippedFor::Link),
            EntryKind::File { bytes } if bytes > MOST_BYTES => Some(SkippedFor::TooLong(bytes)),
            EntryKind::File { .. } if is_in(&environments, &path) => continue,
            EntryKind::File { .. } => None,
        };
        match reason {
            Some(reason) => skipped.push(Skipped { path, reason }),
            None => paths.push(path),
        }
    }
    skipped.extend(environments.into_iter().map(|path| Skipped {
        path,
        reason: SkippedFor::Environment,
    }));
    paths.sort_unstable();
    paths.dedup();
    let rest = paths.split_off(paths.len().min(MOST_FILES));
    skipped.extend(rest.into_iter().map(|path| Skipped {
        path,
        reason: SkippedFor::TooMany,
    }));
    (paths, skipped)
}

/// Whether a path is that of a Python source.
pub fn is_source(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.strip_suffix(".py")
        .is_some_and(|stem| !stem.is_empty())
}

/// Whether an index reads a file, as far as its path and length tell.
pub fn is_indexed(path: &str, bytes: u64) -> bool {
    is_source(path) && !is_passed_over(path) && bytes <= MOST_BYTES
}

fn is_passed_over(path: &str) -> bool {
    let folders = path.rsplit_once('/').map_or("", |(folders, _)| folders);
    folders.split('/').any(|name| {
        (name.starts_with('.') && name.len() > 1) || name == "__pycache__" || name == "node_modules"
    })
}

/// Whether a path lies in one of some folders.
fn is_in(folders: &BTreeSet<String>, path: &str) -> bool {
    if folders.is_empty() {
        return false;
    }
    let ends = path.match_indices('/').map(|(at, _)| at);
    ends.filter_map(|at| path.get(..at))
        .any(|folder| folders.contains(folder))
}
