//! The Python sources of an archive, held in memory.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use crate::cancel::Cancel;
use crate::error::Error;
use crate::error::Result;
use crate::python::repo::Entry;
use crate::python::repo::EntryKind;
use crate::python::repo::Files;
use crate::workspace::archive;
use crate::workspace::archive::EntryKind as ArchiveKind;

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
    entries: Vec<Entry>,
    held: BTreeMap<String, Vec<u8>>,
}

impl Packed {
    /// Reads an archive once.
    ///
    /// # Errors
    /// *input* when it is no archive or damaged; *limit* when it holds too much or was cancelled.
    pub fn open(path: &Path, cancel: &Cancel) -> Result<Self> {
        let mut packed = Self::default();
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
