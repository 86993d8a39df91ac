//! The files of a commit as an index of Python sources reads them: by several threads at once.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::PoisonError;

use gix_hash::ObjectId;
use gix_object::Find as _;
use gix_object::FindHeader as _;

use crate::cancel::Cancel;
use crate::python::repo::Entry;
use crate::python::repo::EntryKind;
use crate::python::repo::Files;
use crate::workspace::checkout::Checkout;
use crate::workspace::checkout::MAX_BYTES;
use crate::workspace::checkout::TreeKind;

/// The files of a commit. What lies at names that are no text, or lead out of the repository, is passed over.
pub struct CommitFiles {
    /// Readers that nobody uses just now.
    free: Mutex<Vec<gix_odb::HandleArc>>,
    /// What further readers are made of.
    first: Mutex<gix_odb::HandleArc>,
    entries: Vec<Entry>,
    ids: HashMap<String, ObjectId>,
}

impl std::fmt::Debug for CommitFiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CommitFiles")
            .field("entries", &self.entries.len())
            .finish_non_exhaustive()
    }
}

impl Checkout {
    /// Lists the files of the commit, of which it holds `most` at most.
    ///
    /// # Errors
    /// In words: a tree is missing or damaged, there are too many files, it was cancelled.
    pub fn sources(&self, most: u64, cancel: &Cancel) -> Result<CommitFiles, String> {
        let handle = self.objects.lock().unwrap_or_else(PoisonError::into_inner);
        let first = handle.clone();
        drop(handle);
        let mut entries = Vec::new();
        let mut ids = HashMap::new();
        self.paths(most, cancel, &mut |path, kind, id| {
            let Some(path) = plain(path) else { return };
            let kind = match kind {
                TreeKind::File { .. } => {
                    // one that is missing is told when it is read
                    let header = first.try_header(&id).ok().flatten();
                    let bytes = header.map_or(0, |header| header.size);
                    ids.insert(path.clone(), id);
                    EntryKind::File { bytes }
                }
                TreeKind::Symlink => EntryKind::Link,
                TreeKind::Dir { is_submodule: true } => EntryKind::Submodule,
                TreeKind::Dir {
                    is_submodule: false,
                }
                | TreeKind::HardLink
                | TreeKind::Odd(_) => return,
            };
            entries.push(Entry { path, kind });
        })?;
        Ok(CommitFiles {
            free: Mutex::default(),
            first: Mutex::new(first),
            entries,
            ids,
        })
    }
}

/// A path that is text and stays below its root.
fn plain(path: &[u8]) -> Option<String> {
    let path = str::from_utf8(path).ok()?;
    let is_plain = !path.contains(['\\', '\0'])
        && path.split('/').all(|part| !matches!(part, "" | "." | ".."));
    is_plain.then(|| path.to_owned())
}

impl CommitFiles {
    fn reader(&self) -> gix_odb::HandleArc {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        free.pop().unwrap_or_else(|| {
            let first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
            first.clone()
        })
    }
}

impl Files for CommitFiles {
    fn entries(&self) -> Result<Vec<Entry>, String> {
        Ok(self.entries.clone())
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        let id = self
            .ids
            .get(path)
            .ok_or_else(|| format!("the commit has no file {path}"))?;
        let reader = self.reader();
        let mut buffer = Vec::new();
        let header = reader.try_header(id).ok().flatten();
        let found = match header {
            Some(header) if header.size > MAX_BYTES => Err("it is too long".to_owned()),
            _ => match reader.try_find(id, &mut buffer) {
                Ok(Some(data)) if data.kind == gix_object::Kind::Blob => Ok(data.data.len()),
                _ => Err("its object is missing or damaged".to_owned()),
            },
        };
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        free.push(reader);
        drop(free);
        buffer.truncate(found?);
        Ok(buffer)
    }
}
