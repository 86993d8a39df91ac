//! The files of a folder or an archive, as an index of Python sources reads them: links are told, never followed; what a
//! `.git` file marks as a submodule, and hidden folders, are not entered.

mod packed;

pub use packed::Packed;

use std::path::Path;
use std::path::PathBuf;

use walkdir::DirEntry;
use walkdir::WalkDir;

use crate::python::repo::Entry;
use crate::python::repo::EntryKind;
use crate::python::repo::Files;

/// A folder with sources: a checkout, an unpacked archive.
#[derive(Debug, Clone)]
pub struct Folder {
    root: PathBuf,
}

impl Folder {
    /// Looks at nothing yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The entry of a path below the root; `None` for folders and for names that are no text.
    fn entry(&self, found: &DirEntry) -> Option<Entry> {
        let below = found.path().strip_prefix(&self.root).ok()?;
        let names: Option<Vec<&str>> = below.iter().map(|name| name.to_str()).collect();
        let kind = if found.path_is_symlink() {
            EntryKind::Link
        } else if found.file_type().is_file() {
            let bytes = found.metadata().ok()?.len();
            EntryKind::File { bytes }
        } else if is_submodule(found) {
            EntryKind::Submodule
        } else {
            return None;
        };
        let path = names?.join("/");
        Some(Entry { path, kind })
    }
}

impl Files for Folder {
    fn entries(&self) -> Result<Vec<Entry>, String> {
        if !self.root.is_dir() {
            return Err(format!("{} is no folder", self.root.display()));
        }
        let mut entries = Vec::new();
        let mut walk = WalkDir::new(&self.root).min_depth(1).into_iter();
        while let Some(found) = walk.next() {
            // what cannot be looked into has no files that could be read
            let Ok(found) = found else {
                continue;
            };
            entries.extend(self.entry(&found));
            if found.file_type().is_dir() && (is_hidden(&found) || is_submodule(&found)) {
                walk.skip_current_dir();
            }
        }
        Ok(entries)
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        let whole = self.root.join(path);
        std::fs::read(&whole).map_err(|error| error.to_string())
    }
}

fn is_hidden(found: &DirEntry) -> bool {
    found.file_name().as_encoded_bytes().starts_with(b".")
}

/// A folder below the root with a `.git` of its own; in a submodule that is a file.
fn is_submodule(found: &DirEntry) -> bool {
    found.file_type().is_dir() && has_git(found.path())
}

fn has_git(folder: &Path) -> bool {
    folder.join(".git").symlink_metadata().is_ok()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn kinds(folder: &Folder) -> Vec<String> {
        let mut shown: Vec<String> = folder
            .entries()
            .unwrap()
            .into_iter()
            .map(|entry| match entry.kind {
                EntryKind::File { bytes } => format!("{} {bytes}", entry.path),
                EntryKind::Link => format!("{} link", entry.path),
                EntryKind::Submodule => format!("{} submodule", entry.path),
            })
            .collect();
        shown.sort();
        shown
    }

    #[test]
    fn files_links_and_submodules() {
        let root = tempfile::tempdir().unwrap();
        for folder in ["a/b", ".git/x", "sub", ".tox"] {
            fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        for file in [
            "a/m.py",
            "a/b/n.py",
            ".git/x/hook.py",
            "sub/.git",
            "sub/p.py",
            ".tox/q.py",
        ] {
            fs::write(root.path().join(file), "x = 1\n").unwrap();
        }
        let folder = Folder::new(root.path());
        assert_eq!(kinds(&folder), ["a/b/n.py 6", "a/m.py 6", "sub submodule"]);
        assert_eq!(folder.read("a/m.py").unwrap(), b"x = 1\n");
        assert!(folder.read("a/none.py").is_err());
        assert!(Folder::new(root.path().join("none")).entries().is_err());
    }

    #[cfg(unix)]
    #[test]
    fn loops_of_links_end() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("a")).unwrap();
        fs::write(root.path().join("a/m.py"), "").unwrap();
        std::os::unix::fs::symlink("..", root.path().join("a/up")).unwrap();
        std::os::unix::fs::symlink("m.py", root.path().join("a/n.py")).unwrap();
        let folder = Folder::new(root.path());
        assert_eq!(kinds(&folder), ["a/m.py 0", "a/n.py link", "a/up link"]);
    }
}
