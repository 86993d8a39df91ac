//! The files of a folder or an archive, as an index of Python sources reads them: links are told, never followed; what a
//! `.git` file marks as a submodule, and hidden folders, are not entered.

mod packed;

pub use packed::Packed;

use std::path::Path;
use std::path::PathBuf;

use walkdir::DirEntry;
use walkdir::WalkDir;

use crate::cancel::Cancel;
use crate::python::repo::Entry;
use crate::python::repo::EntryKind;
use crate::python::repo::Files;
use crate::workspace::checkout::MAX_BYTES;
use crate::workspace::checkout::TreeFile;
use crate::workspace::checkout::TreeKind;

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

impl Folder {
    /// Tells every file, link and folder to `each`, a folder before what is in it, by name; git's own folder and what
    /// lies in submodules are passed over. `most` bounds how many are told and `most_bytes` the length of one.
    ///
    /// # Errors
    /// In words: something cannot be read, a bound is reached, it was cancelled; or what `each` says.
    pub fn files(
        &self,
        (most, most_bytes): (u64, u64),
        cancel: &Cancel,
        each: &mut dyn FnMut(TreeFile<'_>) -> Result<(), String>,
    ) -> Result<(), String> {
        let walk = WalkDir::new(&self.root).min_depth(1).sort_by_file_name();
        let mut walk = walk.into_iter();
        let mut told = 0;
        while let Some(found) = walk.next() {
            if cancel.is_cancelled() {
                return Err("cancelled".to_owned());
            }
            let found = found.map_err(|error| error.to_string())?;
            if found.file_name() == ".git" {
                if found.file_type().is_dir() {
                    walk.skip_current_dir();
                }
                continue;
            }
            told += 1;
            if told > most {
                return Err("the folder holds too many files".to_owned());
            }
            let below = found.path().strip_prefix(&self.root);
            let Ok(path) = below.map(|path| path.as_os_str().as_encoded_bytes()) else {
                continue;
            };
            let name = found.path().display();
            let cannot = |error: std::io::Error| format!("{name}: {error}");
            let (kind, bytes) = if found.path_is_symlink() {
                let target = std::fs::read_link(found.path()).map_err(cannot)?;
                let target = target.into_os_string().into_encoded_bytes();
                (TreeKind::Symlink, target)
            } else if found.file_type().is_dir() {
                let is_submodule = is_submodule(&found);
                if is_submodule {
                    walk.skip_current_dir();
                }
                (TreeKind::Dir { is_submodule }, Vec::new())
            } else if found.file_type().is_file() {
                let meta = found.metadata().map_err(|error| error.to_string())?;
                if meta.len() > most_bytes {
                    return Err(format!("{name} is too long"));
                }
                let is_executable = is_executable(&meta);
                let bytes = std::fs::read(found.path()).map_err(cannot)?;
                (TreeKind::File { is_executable }, bytes)
            } else {
                (TreeKind::Odd("it is a device or a pipe"), Vec::new())
            };
            each(TreeFile {
                path,
                kind,
                bytes: &bytes,
            })?;
        }
        Ok(())
    }

    /// The bytes of a file below the root, reached over folders of the repository alone; `None` where there is none:
    /// nothing, a folder, a link, a file behind a link or of a submodule.
    ///
    /// # Errors
    /// In words: it cannot be read, or is too long.
    pub fn file(&self, path: &str) -> Result<Option<Vec<u8>>, String> {
        let mut names = path
            .split('/')
            .filter(|name| !matches!(*name, "" | "."))
            .peekable();
        let mut whole = self.root.clone();
        while let Some(name) = names.next() {
            if matches!(name, ".." | ".git") || name.contains('\0') {
                return Ok(None);
            }
            whole.push(name);
            let Ok(meta) = whole.symlink_metadata() else {
                return Ok(None);
            };
            if names.peek().is_some() {
                if !meta.is_dir() || has_git(&whole) {
                    return Ok(None);
                }
            } else if meta.is_file() {
                if meta.len() > MAX_BYTES {
                    return Err(format!("{path} is too long"));
                }
                let bytes = std::fs::read(&whole);
                return bytes
                    .map(Some)
                    .map_err(|error| format!("{path} cannot be read: {error}"));
            }
        }
        Ok(None)
    }
}

#[cfg(unix)]
fn is_executable(meta: &std::fs::Metadata) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&meta.permissions()) & 0o100 != 0
}

#[cfg(not(unix))]
fn is_executable(_: &std::fs::Metadata) -> bool {
    false
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
    fn nothing_is_reached_over_links_or_outside() {
        let outer = tempfile::tempdir().unwrap();
        let root = outer.path().join("root");
        for folder in ["a/.github", ".git", "sub"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        for file in [
            "root/a/m.py",
            "root/a/.github/x.yml",
            "root/.git/config",
            "root/sub/.git",
            "root/sub/p.py",
            "secret",
        ] {
            fs::write(outer.path().join(file), "x").unwrap();
        }
        std::os::unix::fs::symlink("a", root.join("link")).unwrap();
        std::os::unix::fs::symlink("../secret", root.join("out")).unwrap();
        let folder = Folder::new(&root);
        for path in ["a/m.py", "./a//m.py", "a/.github/x.yml"] {
            assert_eq!(folder.file(path), Ok(Some(b"x".to_vec())), "{path}");
        }
        for path in [
            "a",
            "",
            "a/none.py",
            "a/m.py/x",
            "../secret",
            "a/../../secret",
            "link/m.py",
            "out",
            ".git/config",
            "sub/p.py",
            "a\0",
        ] {
            assert_eq!(folder.file(path), Ok(None), "{path}");
        }
        let mut told = Vec::new();
        let walked = folder.files((100, 100), &Cancel::new(), &mut |file| {
            told.push(String::from_utf8(file.path.to_vec()).unwrap());
            Ok(())
        });
        assert_eq!(walked, Ok(()));
        let want = [
            "a",
            "a/.github",
            "a/.github/x.yml",
            "a/m.py",
            "link",
            "out",
            "sub",
        ];
        assert_eq!(told, want);
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
