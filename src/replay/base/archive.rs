//! Archives as base states: tar (plain, gzip, zstd), zip, and what Python calls sdist and wheel.
//!
//! An archive comes from anywhere. What would lead out of its folder, devices, pipes and hard links to what is not in it
//! are left out and counted; permissions lose everything but read, write and run; length and number of its files are
//! bounded while they are unpacked, whatever its headers promise. Where all of it lies in one folder, as in a source
//! distribution, that folder is the repository.

use std::path::Path;

use crate::cancel::Cancel;
use crate::error::Result;
use crate::replay::base::place::Place;
use crate::replay::base::place::Put;
use crate::replay::base::place::Refused;
use crate::workspace::archive;
use crate::workspace::archive::EntryKind;

/// The name under which the tree of an archive is kept: of its content.
///
/// # Errors
/// *input* when it cannot be read.
pub(super) fn key(path: &Path) -> Result<String> {
    Ok(format!("archive-{}", archive::content_name(path)?))
}

/// Unpacks an archive; tells what people should know of it.
///
/// # Errors
/// *input* when it is no archive or damaged; *limit* when it holds too much or was cancelled.
pub(super) fn unpack(path: &Path, place: &mut Place, cancel: &Cancel) -> Result<Vec<String>> {
    let mut refused = Refused::default();
    archive::each_entry(path, cancel, &mut |entry| {
        let path = entry.path;
        let put = match entry.kind {
            EntryKind::Dir => place.dir(path)?,
            EntryKind::File { mode } => place.file(path, mode, entry.content)?,
            EntryKind::Symlink(target) => place.symlink(path, &target)?,
            EntryKind::HardLink(from) => place.copy(path, &from)?,
            EntryKind::Odd(why) => Put::Refused(why),
        };
        refused.take(path, put);
        Ok(())
    })?;
    Ok(refused.notes())
}

#[cfg(test)]
mod tests;
