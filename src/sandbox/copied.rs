//! Folders that a back end copies because it cannot lay anything over them: made from their originals, and compared with
//! them afterwards.
//!
//! Originals are only read. Copies are written before anything hostile runs; what is compared was written by hostile
//! programs: paths are checked, sizes are bounded, no symbolic link of either side is followed.

use std::collections::BTreeMap;
use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::fs::Metadata;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Component;
use std::path::Path;
use std::path::PathBuf;

use walkdir::WalkDir;

use crate::cancel::Cancel;
use crate::error::Error;
use crate::error::Result;
use crate::sandbox::Content;
use crate::sandbox::Entry;
use crate::sandbox::Layer;

/// Permission bits of a mode.
pub(super) const PERMISSIONS: u32 = 0o7777;

/// What a path of a copy is now.
#[derive(Debug)]
pub(super) enum Now {
    File { mode: u32, bytes: Vec<u8> },
    Dir { mode: u32 },
    Symlink { target: Vec<u8> },
    Other,
}

/// A path of an original.
#[derive(Debug)]
pub(super) struct Original {
    /// The path below the folder; empty for the folder itself.
    pub(super) below: PathBuf,
    /// Where it lies.
    pub(super) path: PathBuf,
    pub(super) meta: Metadata,
}

/// What lies in a folder, folders before what is in them, in the order of names. What cannot be read is an error: a copy
/// with holes would be taken for changes.
pub(super) fn originals(lower: &Path) -> impl Iterator<Item = Result<Original>> {
    let walk = WalkDir::new(lower).sort_by_file_name().into_iter();
    let lower = lower.to_owned();
    walk.map(move |found| {
        let entry = found.map_err(|err| {
            Error::input(format!("cannot copy {}", lower.display())).caused_by(err)
        })?;
        let meta = entry
            .metadata()
            .map_err(|err| Error::input("cannot copy").caused_by(err))?;
        let path = entry.into_path();
        let below = path.strip_prefix(&lower).unwrap_or(&path).to_owned();
        Ok(Original { below, path, meta })
    })
}

/// The entries of a layer that lie in the folder `at`, by their paths below it; the folder itself is the empty path.
/// Paths that would lead elsewhere are left out.
pub(super) fn entries_in<'a>(
    layer: &'a Layer,
    at: &str,
) -> impl Iterator<Item = (&'a [u8], &'a Entry)> {
    let at = at.trim_end_matches('/').as_bytes().to_vec();
    layer.entries.iter().filter_map(move |(path, entry)| {
        let below = path.strip_prefix(at.as_slice())?;
        let below = match below.split_first() {
            None => below,
            Some((b'/', below)) => below,
            Some(_) => return None,
        };
        is_plain(below).then_some((below, entry))
    })
}

/// Whether a path has nothing but names: it leads nowhere but down.
pub(super) fn is_plain(below: &[u8]) -> bool {
    Path::new(OsStr::from_bytes(below))
        .components()
        .all(|part| matches!(part, Component::Normal(_)))
}

/// Compares one copied folder with its original.
#[derive(Debug)]
pub(super) struct Comparison<'a> {
    at: &'a str,
    lower: Option<&'a Path>,
    known: Option<&'a Layer>,
    entries: BTreeMap<Vec<u8>, Entry>,
    seen: HashSet<Vec<u8>>,
    /// Paths of the original that are folders themselves, no links to some.
    folders: HashSet<PathBuf>,
    /// Bytes that changed files may still have.
    left: u64,
}

impl<'a> Comparison<'a> {
    /// Of the folder `at`, whose original is `lower`; contents that `known` has are shared. Changed files may have `most`
    /// bytes in all.
    pub(super) fn new(
        at: &'a str,
        lower: Option<&'a Path>,
        known: Option<&'a Layer>,
        most: u64,
    ) -> Self {
        Self {
            at: at.trim_end_matches('/'),
            lower,
            known,
            entries: BTreeMap::new(),
            seen: HashSet::new(),
            folders: HashSet::from([PathBuf::new()]),
            left: most,
        }
    }

    /// Takes in what the path `below` the folder is now.
    ///
    /// # Errors
    /// *limit* when the changed files have more bytes than they may.
    pub(super) fn see(&mut self, below: &[u8], now: Now) -> Result<()> {
        if !is_plain(below) {
            return Ok(());
        }
        let was = self.original(Path::new(OsStr::from_bytes(below)));
        self.seen.insert(below.to_vec());
        let was = was.as_ref().map(|(path, meta)| (path.as_path(), meta));
        let entry = match now {
            Now::File { mode, bytes } => {
                if was.is_some_and(|(path, meta)| is_same_file(path, meta, mode, &bytes)) {
                    return Ok(());
                }
                self.left = self
                    .left
                    .checked_sub(bytes.len() as u64)
                    .ok_or_else(|| too_large(self.at))?;
                let content = self.content(below, bytes);
                Entry::File { mode, content }
            }
            Now::Dir { mode } => {
                let was_dir = was.is_some_and(|(_, meta)| meta.is_dir());
                let was_mode = was.map(|(_, meta)| meta.mode() & PERMISSIONS);
                if below.is_empty() || was_dir && was_mode == Some(mode) {
                    return Ok(());
                }
                let is_opaque = was.is_some() && !was_dir;
                Entry::Dir { mode, is_opaque }
            }
            Now::Symlink { target } => {
                let was_target = was.and_then(|(path, _)| fs::read_link(path).ok());
                if was_target.is_some_and(|was| was.as_os_str().as_bytes() == target) {
                    return Ok(());
                }
                Entry::Symlink { target }
            }
            Now::Other => Entry::Other,
        };
        self.entries.insert(self.full(below), entry);
        Ok(())
    }

    /// What changed, with what is gone.
    ///
    /// # Errors
    /// *input* when the original cannot be read.
    pub(super) fn finish(mut self, cancel: &Cancel) -> Result<BTreeMap<Vec<u8>, Entry>> {
        let Some(lower) = self.lower else {
            return Ok(self.entries);
        };
        let mut walk = WalkDir::new(lower).min_depth(1).into_iter();
        while let Some(found) = walk.next() {
            if cancel.is_cancelled() {
                return Err(Error::limit("stopped"));
            }
            let found = found
                .map_err(|err| Error::input("cannot read the original folder").caused_by(err))?;
            let below = found.path().strip_prefix(lower).unwrap_or(found.path());
            let below = below.as_os_str().as_bytes();
            let full = self.full(below);
            let is_there = self.seen.contains(below);
            if !is_there {
                self.entries.insert(full.clone(), Entry::Removed);
            }
            // below what is no folder any more there is nothing to tell
            let is_folder = is_there
                && matches!(
                    self.entries.get(&full),
                    None | Some(Entry::Dir {
                        is_opaque: false,
                        ..
                    })
                );
            if found.file_type().is_dir() && !is_folder {
                walk.skip_current_dir();
            }
        }
        Ok(self.entries)
    }

    fn full(&self, below: &[u8]) -> Vec<u8> {
        [self.at.as_bytes(), b"/", below].concat()
    }

    fn content(&self, below: &[u8], bytes: Vec<u8>) -> Content {
        let content = Content::new(bytes);
        let known = self
            .known
            .and_then(|layer| layer.entries.get(&self.full(below)));
        match known {
            Some(Entry::File { content: known, .. }) if known.hash == content.hash => known.clone(),
            _ => content,
        }
    }

    /// The original of a path, if all folders above it are folders there.
    fn original(&mut self, below: &Path) -> Option<(PathBuf, Metadata)> {
        let lower = self.lower?;
        let above: Vec<&Path> = below.ancestors().skip(1).collect();
        for folder in above.into_iter().rev() {
            if !self.folders.contains(folder) {
                let is_dir = fs::symlink_metadata(lower.join(folder)).is_ok_and(|m| m.is_dir());
                if !is_dir {
                    return None;
                }
                self.folders.insert(folder.to_owned());
            }
        }
        let path = lower.join(below);
        let meta = fs::symlink_metadata(&path).ok()?;
        Some((path, meta))
    }
}

fn is_same_file(path: &Path, was: &Metadata, mode: u32, bytes: &[u8]) -> bool {
    was.is_file()
        && was.mode() & PERMISSIONS == mode
        && was.len() == bytes.len() as u64
        && fs::read(path).is_ok_and(|was| was == bytes)
}

/// More was changed than the sandbox may hold.
pub(super) fn too_large(at: &str) -> Error {
    Error::limit(format!(
        "what changed in {at} is larger than the sandbox's bound on disk"
    ))
}

#[cfg(test)]
mod tests;
