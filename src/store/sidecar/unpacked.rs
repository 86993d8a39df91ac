//! Unpacked copies of gzip and zstd files, kept beside their sidecars.
//!
//! Most packed files are one frame, which can only be read from its beginning: to read a record anywhere takes a copy.
//! A scan makes one in a file without a name; here it gets a name, for the next time. A copy belongs to the sidecar that
//! says how long it is and what its probe is. Copies are large, so that they are bounded by length and by the room that
//! is left to others, and go first when room is short.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::time::SystemTime;

use rustix::fs::AtFlags;
use rustix::fs::CWD;

use crate::store::sidecar::Shelf;
use crate::store::sidecar::form;
use crate::store::sidecar::form::Reader;
use crate::store::sidecar::kept::Sidecar;
use crate::store::sidecar::print::probe;
use crate::store::spool::free_bytes;

/// What a sidecar says of its copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unpacked {
    pub(super) len: u64,
    probe: [u8; 32],
}

impl Unpacked {
    /// What copies have.
    const ENDING: &'static str = "unpacked";

    fn of(copy: &File) -> io::Result<Self> {
        let len = copy.metadata()?.len();
        let probe = *probe(copy, len)?.as_bytes();
        Ok(Self { len, probe })
    }

    /// Opens the copy beside a sidecar, if it is whole and this one.
    pub(super) fn open(&self, sidecar: &Path) -> Option<File> {
        let copy = File::open(sidecar.with_extension(Self::ENDING)).ok()?;
        let is_whole = copy.metadata().ok()?.is_file() && !has_holes(&copy, self.len);
        if !is_whole || Self::of(&copy).ok()? != *self {
            return None;
        }
        // those that were used last go last
        if let Ok(used) = File::options().append(true).open(sidecar) {
            drop(used.set_modified(SystemTime::now()));
        }
        Some(copy)
    }

    pub(super) fn put(out: &mut Vec<u8>, unpacked: Option<&Self>) {
        form::put_maybe(out, unpacked.map(|unpacked| unpacked.len));
        if let Some(unpacked) = unpacked {
            out.extend(unpacked.probe);
        }
    }

    #[expect(
        clippy::option_option,
        reason = "outside it says whether there was anything to read, inside whether there is a copy"
    )]
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Option<Self>> {
        let Some(len) = reader.maybe_number()? else {
            return Some(None);
        };
        let probe = reader.array()?;
        Some(Some(Self { len, probe }))
    }
}

/// Whether some of the first `len` bytes never reached the disk: then the machine went down while they were written.
fn has_holes(copy: &File, len: u64) -> bool {
    // where the system cannot say there are none
    rustix::fs::seek(copy, rustix::fs::SeekFrom::Hole(0)).is_ok_and(|hole| hole < len)
}

/// Gives a file without a name one.
fn link(file: &File, name: &Path) -> io::Result<()> {
    let open = format!("/proc/self/fd/{}", file.as_raw_fd());
    rustix::fs::linkat(CWD, open, CWD, name, AtFlags::SYMLINK_FOLLOW)?;
    Ok(())
}

/// A copy of the folder.
struct Copy {
    /// When it was used last.
    used: SystemTime,
    place: PathBuf,
    len: u64,
}

impl Shelf {
    /// The length of all copies together.
    pub(super) const MOST_UNPACKED: u64 = 20 << 30;

    /// Keeps an unpacked copy beside the sidecar at `place`; `None` when there is no room for it, or it cannot be kept.
    pub(super) fn keep_unpacked(&self, place: &Path, copy: &File) -> Option<Unpacked> {
        let meta = copy.metadata().ok()?;
        if meta.nlink() == 0 {
            if meta.len() > self.most_unpacked || free_bytes(copy)? < meta.len() {
                return None;
            }
            std::fs::create_dir_all(&self.folder).ok()?;
            // others may be allowed to look into the folder, and not into the packed file
            let mine = std::fs::Permissions::from_mode(0o600);
            copy.set_permissions(mine).ok()?;
            let named = tempfile::Builder::new()
                .prefix(Self::TEMPORARY)
                .make_in(&self.folder, |name| link(copy, name))
                .ok()?;
            named.persist(place.with_extension(Unpacked::ENDING)).ok()?;
        }
        Unpacked::of(copy).ok()
    }

    fn copies(&self) -> Vec<Copy> {
        let entries = std::fs::read_dir(&self.folder).into_iter().flatten();
        let mut copies: Vec<Copy> = entries
            .filter_map(|entry| {
                let place = entry.ok()?.path();
                if place.extension()? != Unpacked::ENDING {
                    return None;
                }
                let meta = std::fs::metadata(&place).ok()?;
                let sidecar = std::fs::metadata(place.with_extension(Self::ENDING));
                let used = sidecar.as_ref().unwrap_or(&meta).modified().ok()?;
                let len = meta.len();
                Some(Copy { used, place, len })
            })
            .collect();
        copies.sort_by(|a, b| (a.used, &a.place).cmp(&(b.used, &b.place)));
        copies
    }

    /// Lets copies of files that are gone go, and the oldest until the rest leaves as much room as it takes.
    pub(super) fn tidy_unpacked(&self) {
        let mut free = File::open(&self.folder)
            .ok()
            .and_then(|folder| free_bytes(&folder))
            .unwrap_or(u64::MAX);
        let copies = self.copies();
        let mut bytes: u64 = copies.iter().map(|copy| copy.len).sum();
        for copy in copies {
            let is_over = bytes > self.most_unpacked || bytes > free;
            if (is_over || self.is_gone(&copy)) && std::fs::remove_file(&copy.place).is_ok() {
                bytes = bytes.saturating_sub(copy.len);
                free = free.saturating_add(copy.len);
            }
        }
    }

    fn is_gone(&self, copy: &Copy) -> bool {
        let sidecar = copy.place.with_extension(Self::ENDING);
        Sidecar::open(&sidecar, &self.recent).is_some_and(|sidecar| !sidecar.path.exists())
    }

    /// Lets all copies go: somebody needs the room more.
    pub(in crate::store) fn drop_unpacked(&self) {
        for copy in self.copies() {
            drop(std::fs::remove_file(copy.place));
        }
    }
}
