//! The Python sources of an archive, held in memory.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::Path;
use std::path::PathBuf;

use crate::cancel::Cancel;
use crate::error::Error;
use crate::error::Result;
use crate::python::repo::Entry;
use crate::python::repo::EntryKind;
use crate::python::repo::Files;
use crate::workspace::archive;
use crate::workspace::archive::EntryKind as ArchiveKind;
use crate::workspace::checkout::MAX_BYTES;
use crate::workspace::checkout::TreeFile;
use crate::workspace::checkout::TreeKind;

/// Longer files are told, not held.
const MOST_FILE: u64 = 4 << 20;
/// What is held of an archive at most.
const MOST_BYTES: u64 = 1 << 30;
/// More entries than these no archive of sources has.
const MOST_ENTRIES: usize = 1_000_000;

/// An archive with sources: an sdist, a wheel, what a site packs of a repository. Held are its Python files and what lies
/// beside them without being code, such as licences: names without an ending or with that of plain text.
#[derive(Debug, Clone, Default)]
pub struct Packed {
    path: PathBuf,
    entries: Vec<Entry>,
    held: BTreeMap<String, Vec<u8>>,
}

impl Packed {
    /// Reads an archive once.
    ///
    /// # Errors
    /// *input* when it is no archive or damaged; *limit* when it holds too much or was cancelled.
    pub fn open(path: &Path, cancel: &Cancel) -> Result<Self> {
        let mut packed = Self {
            path: path.to_owned(),
            ..Self::default()
        };
        let mut kinds: BTreeMap<String, EntryKind> = BTreeMap::new();
        let mut left = MOST_BYTES;
        let too_much = || Error::limit(format!("{} holds too much", path.display()));
        archive::each_entry(path, cancel, &mut |entry| {
            let Some(name) = plain(entry.path) else {
                return Ok(());
            };
            if kinds.len() >= MOST_ENTRIES {
                return Err(too_much());
            }
            let kind = match entry.kind {
                ArchiveKind::File { .. } if is_held(&name) && entry.len <= MOST_FILE => {
                    let mut bytes = Vec::new();
                    let mut content = entry.content.take(MOST_FILE + 1);
                    content.read_to_end(&mut bytes).map_err(|err| {
                        let what = format!("{name} of {} cannot be read", path.display());
                        Error::input(what).caused_by(err)
                    })?;
                    let len = bytes.len() as u64;
                    left = left.checked_sub(len).ok_or_else(too_much)?;
                    packed.held.insert(name.clone(), bytes);
                    EntryKind::File { bytes: len }
                }
                ArchiveKind::File { .. } => EntryKind::File { bytes: entry.len },
                ArchiveKind::Symlink(_) | ArchiveKind::HardLink(_) => EntryKind::Link,
                ArchiveKind::Dir | ArchiveKind::Odd(_) => return Ok(()),
            };
            if kind == EntryKind::Link {
                packed.held.remove(&name);
            }
            kinds.insert(name, kind);
            Ok(())
        })?;
        let entries = kinds.into_iter();
        packed.entries = entries.map(|(path, kind)| Entry { path, kind }).collect();
        Ok(packed)
    }

    /// Where the archive is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many bytes of files are held.
    pub fn held_bytes(&self) -> u64 {
        self.held.values().map(|bytes| bytes.len() as u64).sum()
    }

    /// The bytes of a file; `None` where the archive has none: nothing, a folder, a link. What is not held is looked for in
    /// the archive.
    ///
    /// # Errors
    /// In words: it cannot be read, or is too long.
    pub fn file(&self, path: &str) -> Result<Option<Vec<u8>>, String> {
        let Some(path) = plain(path.as_bytes()) else {
            return Ok(None);
        };
        if let Some(held) = self.held.get(&path) {
            return Ok(Some(held.clone()));
        }
        let known = self
            .entries
            .binary_search_by(|entry| entry.path.as_str().cmp(&path));
        let known = known.ok().and_then(|place| self.entries.get(place));
        if !known.is_some_and(|entry| matches!(entry.kind, EntryKind::File { .. })) {
            return Ok(None);
        }
        let mut found = None;
        let all = (u64::MAX, MAX_BYTES);
        let wanted = |name: &[u8]| name == path.as_bytes();
        self.walk(all, &wanted, &Cancel::new(), &mut |file| {
            // of several of one name the last counts
            found = Some(file.bytes.to_vec());
            Ok(())
        })?;
        Ok(found)
    }

    /// Tells every file, link and folder to `each`, in the archive's order. `most` bounds how many are told and `most_bytes`
    /// the length of one.
    ///
    /// # Errors
    /// In words: it cannot be read, is not as it was when it was opened, a bound is reached, it was cancelled; or what
    /// `each` says.
    pub fn files(
        &self,
        bounds: (u64, u64),
        cancel: &Cancel,
        each: &mut dyn FnMut(TreeFile<'_>) -> Result<(), String>,
    ) -> Result<(), String> {
        self.walk(bounds, &|_| true, cancel, each)
    }

    /// Tells those whose path is `wanted`.
    fn walk(
        &self,
        (most, most_bytes): (u64, u64),
        wanted: &dyn Fn(&[u8]) -> bool,
        cancel: &Cancel,
        each: &mut dyn FnMut(TreeFile<'_>) -> Result<(), String>,
    ) -> Result<(), String> {
        let mut told = 0;
        let mut others = BTreeSet::new();
        let walked = archive::each_entry(&self.path, cancel, &mut |entry| {
            // what leads out is told as it is, and refused by whoever writes it
            let name = plain(entry.path);
            let path = name.as_ref().map_or(entry.path, |name| name.as_bytes());
            if !wanted(path) {
                return Ok(());
            }
            told += 1;
            if told > most {
                return Err(Error::limit("the archive holds too many files"));
            }
            let (kind, bytes) = match entry.kind {
                ArchiveKind::File { mode } => {
                    let shown = String::from_utf8_lossy(path);
                    let mut bytes = Vec::new();
                    let mut content = entry.content.take(most_bytes.saturating_add(1));
                    content.read_to_end(&mut bytes).map_err(|err| {
                        Error::input(format!("{shown:?} cannot be read")).caused_by(err)
                    })?;
                    if bytes.len() as u64 > most_bytes {
                        return Err(Error::limit(format!("{shown:?} is too long")));
                    }
                    // of several of one name the last is held
                    if let Some((name, held)) =
                        name.as_ref().and_then(|name| self.held.get_key_value(name))
                    {
                        if *held == bytes {
                            others.remove(name);
                        } else {
                            others.insert(name);
                        }
                    }
                    let is_executable = mode & 0o100 != 0;
                    (TreeKind::File { is_executable }, bytes)
                }
                ArchiveKind::Dir => {
                    let is_submodule = false;
                    (TreeKind::Dir { is_submodule }, Vec::new())
                }
                ArchiveKind::Symlink(target) => (TreeKind::Symlink, target),
                ArchiveKind::HardLink(from) => (TreeKind::HardLink, from),
                ArchiveKind::Odd(why) => (TreeKind::Odd(why), Vec::new()),
            };
            each(TreeFile {
                path,
                kind,
                bytes: &bytes,
            })
            .map_err(Error::limit)
        });
        walked.map_err(|err| err.to_string())?;
        match others.first() {
            Some(other) => Err(format!("{other} changed since the archive was read")),
            None => Ok(()),
        }
    }
}

/// A path that is text and stays below its root.
fn plain(path: &[u8]) -> Option<String> {
    let path = str::from_utf8(path).ok()?;
    if path.starts_with('/') || path.contains(['\\', '\0']) {
        return None;
    }
    let parts: Vec<&str> = path
        .split('/')
        .filter(|part| !matches!(*part, "" | "."))
        .collect();
    let is_inside = !parts.is_empty() && !parts.contains(&"..");
    is_inside.then(|| parts.join("/"))
}

fn is_held(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    match name.rsplit_once('.') {
        Some((_, ending)) => {
            let is_licence = ["LICEN", "COPYING"]
                .iter()
                .any(|begin| name.starts_with(begin));
            is_licence || matches!(ending, "py" | "txt" | "md" | "rst" | "toml" | "cfg")
        }
        None => true,
    }
}

impl Files for Packed {
    fn entries(&self) -> Result<Vec<Entry>, String> {
        Ok(self.entries.clone())
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        let held = self.held.get(path).cloned();
        held.ok_or_else(|| format!("{path} of the archive is not held in memory"))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn sources_of_a_wheel() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a-1-py3-none-any.whl");
        let mut zip = zip::ZipWriter::new(std::fs::File::create(&path).unwrap());
        for (name, text) in [
            ("a/m.py", "x = 1\n"),
            ("a/data.bin", "\u{0}"),
            ("../up.py", ""),
            ("a-1.dist-info/LICENSE", "MIT"),
        ] {
            let options = zip::write::SimpleFileOptions::default();
            zip.start_file(name, options).unwrap();
            zip.write_all(text.as_bytes()).unwrap();
        }
        zip.finish().unwrap();
        let packed = Packed::open(&path, &Cancel::new()).unwrap();
        let paths: Vec<&str> = packed.entries.iter().map(|entry| &*entry.path).collect();
        assert_eq!(paths, ["a-1.dist-info/LICENSE", "a/data.bin", "a/m.py"]);
        assert_eq!(packed.read("a/m.py").unwrap(), b"x = 1\n");
        assert!(packed.read("a/data.bin").is_err());
        std::fs::write(&path, "no archive").unwrap();
        assert!(Packed::open(&path, &Cancel::new()).is_err());
    }
}
