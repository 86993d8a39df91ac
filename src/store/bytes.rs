//! Where the bytes of a source lie, and reading stretches of them into owned buffers.
//!
//! Files are opened anew for each read and checked against what the scan saw: a file that shrank or was replaced is a
//! fault, one that only grew is not. Nothing is mapped: a mapped file that is truncated kills the process.

use std::fs::File;
use std::io;
use std::io::Read;
use std::io::Seek;
use std::io::SeekFrom;
use std::os::unix::fs::FileExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use crate::model::Fault;
use crate::model::Span;
use crate::store::table::Table;
use crate::store::zipped::Zipped;

/// What is remembered of a file to notice that it is another one now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stamp {
    device: u64,
    inode: u64,
    /// Bytes that the scan has seen.
    pub(super) len: u64,
    modified: (i64, i64),
    /// Hash of the first and last bytes of what the scan has seen.
    probe: blake3::Hash,
}

impl Stamp {
    const EDGE: u64 = 4096;

    /// Looks at the first `len` bytes of the file.
    pub(super) fn take(file: &File, len: u64) -> io::Result<Self> {
        let meta = file.metadata()?;
        Ok(Self {
            device: meta.dev(),
            inode: meta.ino(),
            len,
            modified: (meta.mtime(), meta.mtime_nsec()),
            probe: Self::probe(file, len)?,
        })
    }

    fn probe(file: &File, len: u64) -> io::Result<blake3::Hash> {
        let edge = len.min(Self::EDGE);
        let head = read_at(file, Span::new(0, edge))?;
        let tail = read_at(file, Span::new(len - edge, len))?;
        let mut hasher = blake3::Hasher::new();
        hasher.update(&head).update(&tail);
        Ok(hasher.finalize())
    }

    /// Compares with the file as it is now.
    pub(super) fn compare(&self, file: &File) -> io::Result<Change> {
        let meta = file.metadata()?;
        let is_same_file = (meta.dev(), meta.ino()) == (self.device, self.inode);
        if meta.len() < self.len {
            return Ok(Change::Shrank { now: meta.len() });
        }
        if is_same_file
            && meta.len() == self.len
            && (meta.mtime(), meta.mtime_nsec()) == self.modified
        {
            return Ok(Change::None);
        }
        if Self::probe(file, self.len)? != self.probe {
            return Ok(Change::Replaced);
        }
        if meta.len() > self.len {
            Ok(Change::Grew)
        } else {
            Ok(Change::None)
        }
    }
}

/// How a file differs from its stamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// Not at all.
    None,
    /// Bytes were added behind those that were seen.
    Grew,
    /// It is shorter than what was seen.
    Shrank {
        /// Its length in bytes.
        now: u64,
    },
    /// Its bytes are others.
    Replaced,
}

/// The bytes of a source, decompressed.
#[derive(Debug)]
pub(super) enum Bytes {
    /// A file as it lies on the disk.
    File {
        /// Its path.
        path: PathBuf,
        /// What the scan saw; `None` while it runs.
        stamp: Mutex<Option<Stamp>>,
    },
    /// A stretch of a file that nobody else changes: unpacked input, or a member of a tar file.
    Stretch {
        /// The open file.
        file: Arc<File>,
        /// Where the stretch begins in it.
        base: u64,
    },
    /// One member of a zip file; records are the whole member.
    Member {
        /// The archive.
        zip: Arc<Zipped>,
        /// The member's place in it.
        index: usize,
    },
    /// All listed members of a zip file, one a record, in the order of their rows.
    Members {
        /// The archive.
        zip: Arc<Zipped>,
        /// The members' places in it.
        indexes: Vec<usize>,
    },
    /// Rows of a table.
    Table(Arc<Table>),
    /// None: event folders, whose parts are files, and sources that could not be read.
    Nothing,
}

impl Bytes {
    /// A file on the disk, not yet stamped.
    pub(super) fn file(path: &Path) -> Self {
        Self::File {
            path: path.to_path_buf(),
            stamp: Mutex::new(None),
        }
    }

    /// The first `len` bytes of a file that is open.
    pub(super) fn open_file(path: &Path, file: &File, len: u64) -> io::Result<Self> {
        Ok(Self::File {
            path: path.to_path_buf(),
            stamp: Mutex::new(Some(Stamp::take(file, len)?)),
        })
    }

    /// Remembers the file as it is, `len` bytes of which were scanned; nothing for other kinds.
    pub(super) fn set_stamp(&self, len: u64) -> io::Result<()> {
        if let Self::File { path, stamp } = self {
            let taken = Stamp::take(&File::open(path)?, len)?;
            *stamp.lock().unwrap_or_else(PoisonError::into_inner) = Some(taken);
        }
        Ok(())
    }

    /// What the scan saw of a file on the disk.
    pub(super) fn stamp(&self) -> Option<Stamp> {
        match self {
            Self::File { stamp, .. } => {
                stamp.lock().unwrap_or_else(PoisonError::into_inner).clone()
            }
            _ => None,
        }
    }

    /// Opens a file on the disk; a fault for other kinds.
    ///
    /// # Errors
    /// As [`Bytes::read`].
    pub(super) fn open(&self) -> Result<File, Fault> {
        match self {
            Self::File { path, stamp } => open_same(path, stamp),
            _ => Err(Fault::new("this is no file of its own")),
        }
    }

    /// Reads a record's bytes: `span` of files and stretches, the row or member `row` of others.
    ///
    /// # Errors
    /// The fault when the file is gone, shrank, was replaced, or its container is damaged.
    pub(super) fn read(&self, span: Span, row: usize) -> Result<Vec<u8>, Fault> {
        match self {
            Self::File { path, stamp } => {
                let file = open_same(path, stamp)?;
                read_at(&file, span).map_err(|err| unreadable(&err, span))
            }
            Self::Stretch { file, base } => {
                let there = Span::new(base + span.start, base + span.end);
                read_at(file, there).map_err(|err| unreadable(&err, span))
            }
            Self::Member { zip, index } => zip.read(*index),
            Self::Members { zip, indexes } => match indexes.get(row) {
                Some(index) => zip.read(*index),
                None => Err(Fault::new("no such member")),
            },
            Self::Table(table) => table.row_json(row),
            Self::Nothing => Ok(Vec::new()),
        }
    }

    /// Reads `span` of a file or stretch into `buffer`, which only ever grows; gives the bytes. Others have none.
    ///
    /// # Errors
    /// As [`Bytes::read`].
    pub(super) fn read_into<'a>(
        &self,
        span: Span,
        buffer: &'a mut Vec<u8>,
    ) -> Result<&'a [u8], Fault> {
        let opened;
        let (file, start) = match self {
            Self::File { path, stamp } => {
                opened = open_same(path, stamp)?;
                (&opened, span.start)
            }
            Self::Stretch { file, base } => (file.as_ref(), base + span.start),
            _ => return Ok(&[]),
        };
        let len = usize::try_from(span.len_bytes())
            .map_err(|_too_long| Fault::at("too long for this machine", span.start))?;
        if buffer.len() < len {
            // a span that is wrong must not ask for all memory
            let end = file.metadata().map_or(0, |meta| meta.len());
            if end < start.saturating_add(span.len_bytes()) {
                return Err(Fault::at(SHRANK, span.start));
            }
            buffer.resize(len, 0);
        }
        let bytes = buffer.get_mut(..len).unwrap_or_default();
        file.read_exact_at(bytes, start)
            .map_err(|err| unreadable(&err, span))?;
        Ok(bytes)
    }
}

/// Opens a file, if it still is the one that was scanned.
fn open_same(path: &Path, stamp: &Mutex<Option<Stamp>>) -> Result<File, Fault> {
    let file = File::open(path).map_err(|err| gone(path, &err))?;
    let stamp = stamp.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if let Some(stamp) = stamp {
        let change = stamp.compare(&file).map_err(|err| gone(path, &err))?;
        check(change, stamp.len)?;
    }
    Ok(file)
}

const SHRANK: &str = "the file shrank since it was opened";

fn check(change: Change, seen: u64) -> Result<(), Fault> {
    match change {
        Change::None | Change::Grew => Ok(()),
        Change::Shrank { now } => Err(Fault::at(
            format!("the file shrank since it was opened ({seen} to {now} bytes)"),
            now,
        )),
        Change::Replaced => Err(Fault::new("the file was replaced since it was opened")),
    }
}

fn gone(path: &Path, err: &io::Error) -> Fault {
    Fault::new(format!("{} cannot be read: {err}", path.display()))
}

fn unreadable(err: &io::Error, span: Span) -> Fault {
    if err.kind() == io::ErrorKind::UnexpectedEof {
        Fault::at(SHRANK, span.start)
    } else {
        Fault::at(format!("cannot be read: {err}"), span.start)
    }
}

/// Reads exactly the bytes of `span`. The buffer grows with what is there, so that a span that is wrong cannot ask
/// for all memory; it is not filled with anything before.
pub(super) fn read_at(file: &File, span: Span) -> io::Result<Vec<u8>> {
    const STEP: usize = 16 << 20;
    let len = usize::try_from(span.len_bytes())
        .map_err(|_too_long| io::Error::from(io::ErrorKind::OutOfMemory))?;
    let mut bytes = Vec::with_capacity(len.min(STEP));
    while bytes.len() < len {
        let from = bytes.len();
        bytes.reserve_exact(STEP.min(len - from));
        let into = rustix::buffer::spare_capacity(&mut bytes);
        match rustix::io::pread(file, into, span.start + from as u64) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(err) => return Err(err.into()),
        }
    }
    // there may be room for more than was asked for
    bytes.truncate(len);
    Ok(bytes)
}

/// A reader with a place of its own in a shared file.
#[derive(Debug, Clone)]
pub(super) struct SharedFile {
    file: Arc<File>,
    at: u64,
    end: u64,
}

impl SharedFile {
    /// Reads the bytes of `span`.
    pub(super) fn new(file: Arc<File>, span: Span) -> Self {
        Self {
            file,
            at: span.start,
            end: span.end,
        }
    }

    /// The file behind it, and what of it is there and not read yet.
    pub(super) fn rest(&self) -> (Arc<File>, Span) {
        let len = self.file.metadata().map_or(0, |meta| meta.len());
        let end = self.end.min(len).max(self.at);
        (Arc::clone(&self.file), Span::new(self.at, end))
    }

    /// Goes `len` bytes back.
    pub(super) fn go_back(&mut self, len: u64) {
        self.at = self.at.saturating_sub(len);
    }

    /// Goes on `len` bytes further.
    pub(super) fn skip(&mut self, len: u64) {
        self.at = self.at.saturating_add(len);
    }

    /// The file behind it.
    pub(super) fn file(&self) -> Arc<File> {
        Arc::clone(&self.file)
    }

    /// Reads all of the file as long as it is now.
    pub(super) fn whole(file: Arc<File>) -> io::Result<Self> {
        let len = file.metadata()?.len();
        Ok(Self::new(file, Span::new(0, len)))
    }
}

impl Read for SharedFile {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let want = buf.len().min(left);
        let into = buf.get_mut(..want).unwrap_or_default();
        let got = self.file.read_at(into, self.at)?;
        self.at += got as u64;
        Ok(got)
    }
}

impl Seek for SharedFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let place = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.end.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = place.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}
