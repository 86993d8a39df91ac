//! What files are, as far as the system and a few of their bytes tell, and what hgview is.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use crate::model::Span;
use crate::store::bytes::read_at;
use crate::store::sidecar::form;
use crate::store::sidecar::form::Reader;

/// The SHA-256 of a whole file, and what the file was then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileHash {
    /// Of all its bytes.
    pub sha256: [u8; 32],
    /// The file.
    pub print: Print,
}

/// What a file was at some time, as far as the system tells without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Print {
    device: u64,
    inode: u64,
    len: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Print {
    /// The time for which a file must have been left alone: within it another change need not show in its times.
    const QUIET: Duration = Duration::from_secs(2);

    /// Looks at an open file.
    ///
    /// # Errors
    /// Those of the system.
    pub fn of(file: &File) -> io::Result<Self> {
        file.metadata().map(|meta| Self::of_meta(&meta))
    }

    fn of_meta(meta: &std::fs::Metadata) -> Self {
        Self {
            device: meta.dev(),
            inode: meta.ino(),
            len: meta.len(),
            modified: (meta.mtime(), meta.mtime_nsec()),
            changed: (meta.ctime(), meta.ctime_nsec()),
        }
    }

    /// Looks at a file by its path.
    ///
    /// # Errors
    /// Those of the system.
    pub fn at(path: &Path) -> io::Result<Self> {
        std::fs::metadata(path).map(|meta| Self::of_meta(&meta))
    }

    /// Whether it is of the same file, whatever that was then.
    pub(super) fn is_file_of(&self, other: &Self) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
    }

    /// Its length in bytes.
    pub fn len_bytes(&self) -> u64 {
        self.len
    }

    /// Whether the file had been left alone for a while at this time.
    pub(super) fn is_quiet(&self, at: SystemTime) -> bool {
        let (seconds, nanos) = self.modified;
        let modified = u64::try_from(seconds).ok().zip(u32::try_from(nanos).ok());
        let modified = modified.map(|(seconds, nanos)| Duration::new(seconds, nanos));
        let now = at.duration_since(UNIX_EPOCH).ok();
        let age = now
            .zip(modified)
            .and_then(|(now, modified)| now.checked_sub(modified));
        age.is_some_and(|age| age >= Self::QUIET)
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        for number in [self.device, self.inode, self.len] {
            form::put(out, number);
        }
        for number in [
            self.modified.0,
            self.modified.1,
            self.changed.0,
            self.changed.1,
        ] {
            form::put_signed(out, number);
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self {
            device: reader.number()?,
            inode: reader.number()?,
            len: reader.number()?,
            modified: (reader.signed()?, reader.signed()?),
            changed: (reader.signed()?, reader.signed()?),
        })
    }
}

/// The hash of the edges of the first `len` bytes of a file and of stretches between them.
pub(super) fn probe(file: &File, len: u64) -> io::Result<blake3::Hash> {
    const EDGE: u64 = 64 << 10;
    const STRETCH: u64 = 4 << 10;
    const STRETCHES: u64 = 8;
    let mut hasher = blake3::Hasher::new();
    let edge = len.min(EDGE);
    hasher.update(&read_at(file, Span::new(0, edge))?);
    for nth in 1..=STRETCHES {
        let start = len / (STRETCHES + 1) * nth;
        let end = len.min(start + STRETCH);
        hasher.update(&read_at(file, Span::new(start, end))?);
    }
    hasher.update(&read_at(file, Span::new(len - edge, len))?);
    Ok(hasher.finalize())
}

/// What tells this program from another that may read records otherwise.
pub fn build() -> &'static [u8; 32] {
    static BUILD: OnceLock<[u8; 32]> = OnceLock::new();
    BUILD.get_or_init(|| {
        let mut hasher = blake3::Hasher::new();
        hasher.update(env!("CARGO_PKG_VERSION").as_bytes());
        let program = std::env::current_exe().and_then(std::fs::metadata);
        if let Ok(program) = program {
            for number in [program.size(), program.mtime().unsigned_abs()] {
                hasher.update(&number.to_le_bytes());
            }
        }
        *hasher.finalize().as_bytes()
    })
}
