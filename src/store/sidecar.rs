//! What is known of large files, kept in the cache folder for the next time: where their records lie, their rows of the
//! list, what hash their bytes have, their SHA-256.
//!
//! A sidecar is one file, found by the canonical path of the data. It holds for the file whose device, inode, length,
//! times of change and probe it names; lines that were appended since are scanned, anything else is scanned anew. Who
//! built hgview is part of it: another build may read records otherwise. Beside it may lie the unpacked copy of a packed
//! file. What is torn, changed or foreign is not there.
//! Files are written beside and renamed, so that the last of several programs decides. No error is told: without
//! sidecars everything is only slower.

mod form;
mod kept;
mod pack;
mod print;
mod sheet;
mod unpacked;

use std::fs::File;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

pub(super) use kept::Records;
pub use pack::pack_rows;
pub use pack::unpack_rows;
pub use print::FileHash;
pub use print::Print;
pub use print::build;
pub(super) use sheet::Sheet;

use crate::store::sidecar::kept::MAGIC;
use crate::store::sidecar::kept::Recent;
use crate::store::sidecar::kept::Sidecar;
use crate::store::sidecar::sheet::Spill;

/// The folder of sidecars.
#[derive(Debug, Clone)]
pub(super) struct Shelf {
    folder: Arc<Path>,
    recent: Arc<Recent>,
    least_bytes: u64,
    most_bytes: u64,
    /// Of unpacked copies.
    most_unpacked: u64,
}

impl Shelf {
    /// What files have that are being written.
    pub(super) const TEMPORARY: &'static str = ".new-";
    /// What sidecars have.
    const ENDING: &'static str = "index";
    /// Smaller files are scanned as fast as a sidecar is read.
    pub(super) const LEAST_BYTES: u64 = 1 << 20;
    /// The length of all sidecars together; when they are more the oldest go.
    const MOST_BYTES: u64 = 1 << 30;
    /// Files that were being written so long ago were left behind.
    const LEFT_BEHIND: Duration = Duration::from_hours(24);

    /// Sidecars in a folder, which need not be there. Of blocks that were read about so many bytes are held.
    pub(super) fn within(folder: &Path, bytes: u64) -> Self {
        Self {
            folder: Arc::from(folder),
            recent: Arc::new(Recent::within(bytes)),
            least_bytes: Self::LEAST_BYTES,
            most_bytes: Self::MOST_BYTES,
            most_unpacked: Self::MOST_UNPACKED,
        }
    }

    /// How many bytes of blocks are held.
    pub(super) fn resident_bytes(&self) -> u64 {
        self.recent.bytes()
    }

    /// The sidecar of a file with this canonical path.
    fn place_of(&self, path: &Path) -> PathBuf {
        let hash = blake3::hash(path.as_os_str().as_encoded_bytes()).to_hex();
        let name = hash.get(..32).unwrap_or_default();
        self.folder.join(format!("{name}.{}", Self::ENDING))
    }

    fn begin(&self) -> io::Result<Spill> {
        let mut file = Spill::begin(&self.folder)?;
        file.add(&MAGIC)?;
        Ok(file)
    }

    /// What is known of a file that was opened by this path; `None` where it is too small for a sidecar.
    pub(super) fn find(&self, named: &Path, file: &File) -> Option<Found> {
        let began = SystemTime::now();
        let print = Print::of(file).ok()?;
        if print.len_bytes() < self.least_bytes {
            return None;
        }
        let path = std::fs::canonicalize(named).ok()?;
        let old = Sidecar::open(&self.place_of(&path), &self.recent);
        let old = old.filter(|old| old.path == path);
        let held = old.as_ref().and_then(|old| old.hold(&print, file));
        let old = old.filter(|_| held.is_some()).map(Arc::new);
        let sheet = Sheet::new(self.clone(), path, named, old.clone());
        Some(Found {
            sheet: Arc::new(sheet),
            print,
            began,
            sidecar: old.zip(held),
        })
    }

    /// The SHA-256 that is kept of a file, where it still is that file, and what it is.
    pub(super) fn sha256(&self, named: &Path) -> Option<FileHash> {
        // opening a pipe would wait for somebody to write into it
        std::fs::metadata(named)
            .ok()
            .filter(std::fs::Metadata::is_file)?;
        let file = File::open(named).ok()?;
        let found = self.find(named, &file)?;
        let (sidecar, held) = found.sidecar?;
        let sha256 = sidecar.sha256.filter(|_| held == Held::Same)?;
        Some(FileHash {
            sha256,
            print: found.print,
        })
    }

    /// Lets the oldest sidecars and copies go until the rest is within the bounds, and what programs that ended early left
    /// behind.
    pub(super) fn tidy(&self) {
        self.tidy_unpacked();
        let Ok(entries) = std::fs::read_dir(&self.folder) else {
            return;
        };
        let mut files = Vec::new();
        let now = SystemTime::now();
        for entry in entries.filter_map(Result::ok) {
            let (path, name) = (entry.path(), entry.file_name());
            let Some((len, time)) = entry
                .metadata()
                .ok()
                .and_then(|meta| Some((meta.len(), meta.modified().ok()?)))
            else {
                continue;
            };
            if name.to_string_lossy().starts_with(Self::TEMPORARY) {
                let age = now.duration_since(time).unwrap_or_default();
                if age > Self::LEFT_BEHIND {
                    drop(std::fs::remove_file(&path));
                }
            } else if path
                .extension()
                .is_some_and(|ending| ending == Self::ENDING)
            {
                files.push((time, len, path));
            }
        }
        files.sort();
        let mut bytes: u64 = files.iter().map(|(_, len, _)| len).sum();
        for (_, len, path) in files {
            if bytes <= self.most_bytes {
                return;
            }
            drop(std::fs::remove_file(path));
            bytes -= len;
        }
    }
}

/// What is known of a file before it is scanned.
pub(super) struct Found {
    /// Its rows of the list.
    pub(super) sheet: Arc<Sheet>,
    /// What it was before anything was read.
    print: Print,
    /// When that was.
    began: SystemTime,
    /// What was found of it before, and how much of the file that is.
    pub(super) sidecar: Option<(Arc<Sidecar>, Held)>,
}

impl Found {
    /// What was found of the file as it is now.
    pub(super) fn whole(&self) -> Option<&Sidecar> {
        let (sidecar, held) = self.sidecar.as_ref()?;
        (*held == Held::Same).then_some(&**sidecar)
    }

    /// Says that the scan has come to the end of the file. Its sheet is kept if the file is what it was before, and had
    /// been left alone for a while by then.
    pub(super) fn finish(&self, file: &File) {
        match Print::of(file) {
            Ok(print) if print == self.print && print.is_quiet(self.began) => {
                self.sheet.seal(print);
            }
            _ => self.sheet.give_up(),
        }
    }
}

/// How much of a file a sidecar is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Held {
    /// All of it.
    Same,
    /// What it was before lines were added.
    Prefix,
}

#[cfg(test)]
mod tests;
