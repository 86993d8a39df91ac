//! Streams that cannot be read at a position (gzip, zstd, standard input) are copied once to an unlinked temporary
//! file while they are scanned; a plain file is scanned where it lies. [`Feed`] is that one pass over either.

use std::fs::File;
use std::io;
use std::io::Read;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use crate::cancel::Cancel;
use crate::store::ahead::Ahead;
use crate::store::bytes::SharedFile;
use crate::store::pass::Pass;
use crate::store::sidecar::Shelf;

/// Makes an unlinked temporary file in `folder`, or in the system's place for such files.
fn temp_file(folder: Option<&Path>) -> io::Result<(File, PathBuf)> {
    if let Some(folder) = folder
        && std::fs::create_dir_all(folder).is_ok()
        && let Ok(file) = tempfile::tempfile_in(folder)
    {
        return Ok((file, folder.to_path_buf()));
    }
    Ok((tempfile::tempfile()?, std::env::temp_dir()))
}

/// Bytes that are free where the file lies; `None` when the system does not say.
pub(super) fn free_bytes(file: &File) -> Option<u64> {
    let stat = rustix::fs::fstatvfs(file).ok()?;
    Some(stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// How a stream is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    /// Not at all.
    Plain,
    /// gzip, several members allowed.
    Gzip,
    /// zstd, several frames allowed.
    Zstd,
}

/// Where a stream comes from.
pub(super) enum Stream {
    /// A stretch of a file, which can be read anywhere.
    File(SharedFile),
    /// What can be read only once, from its beginning.
    Once(Box<dyn Read + Send>),
}

impl Read for Stream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.read(buf),
            Self::Once(reader) => reader.read(buf),
        }
    }
}

/// A decoder as a stream. One of a file goes ahead on a thread of its own; one of a pipe hands out what there is at once.
fn unpacked(decoder: impl Read + Send + 'static, is_of_file: bool) -> io::Result<Stream> {
    Ok(Stream::Once(if is_of_file {
        Box::new(Ahead::start(decoder)?)
    } else {
        Box::new(decoder)
    }))
}

/// A reader that counts what went through, for the progress of packed files.
struct Counting {
    inner: Stream,
    count: Arc<AtomicU64>,
}

impl Read for Counting {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let got = self.inner.read(buf)?;
        self.count.fetch_add(got as u64, Ordering::Relaxed);
        Ok(got)
    }
}

/// A part of a stream to be looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'a> {
    /// Its bytes, and some of those behind them.
    pub(super) bytes: &'a [u8],
    /// How many are its own.
    pub(super) len: usize,
    /// Whether all bytes behind them are there that were asked for, as far as there are any.
    pub(super) is_whole: bool,
}

impl<'a> View<'a> {
    /// Bytes of which nobody knows what follows.
    pub(super) fn alone(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            len: bytes.len(),
            is_whole: false,
        }
    }
}

/// One pass over a stream, unpacked, in growing chunks.
pub(super) struct Feed {
    reader: Stream,
    spool: Option<Arc<File>>,
    /// Where the copy lies.
    folder: PathBuf,
    /// As much is left to others where the copy lies.
    keeps_free: u64,
    /// Whose unpacked copies may go for more room.
    shelf: Option<Shelf>,
    /// The place of the stream at which the room is looked at again.
    looks_at: u64,
    chunk: Vec<u8>,
    at: u64,
    consumed: Arc<AtomicU64>,
    is_end: bool,
    failure: Option<String>,
}

impl Feed {
    const FIRST_CHUNK: usize = 128 << 10;
    const LAST_CHUNK: usize = 4 << 20;
    const FREE_BYTES: u64 = 1 << 30;
    /// What is small is unpacked without a look at the room, and between two looks.
    const LOOK_BYTES: u64 = 64 << 20;

    /// Starts a pass over `inner`. Packed streams, and those `to_spool` asks for, are copied on the way.
    pub(super) fn new(
        inner: Stream,
        packing: Packing,
        to_spool: bool,
        spool_dir: Option<&Path>,
    ) -> io::Result<Self> {
        let consumed = Arc::new(AtomicU64::new(0));
        let is_spooled = to_spool || packing != Packing::Plain;
        let counting = |inner| Counting {
            inner,
            count: Arc::clone(&consumed),
        };
        let reader = match (packing, inner) {
            // what is read anywhere says itself how far it is
            (Packing::Plain, Stream::File(file)) if !is_spooled => Stream::File(file),
            (Packing::Plain, inner) => Stream::Once(Box::new(counting(inner))),
            (Packing::Gzip, inner) => {
                let is_of_file = matches!(inner, Stream::File(_));
                let inner = io::BufReader::with_capacity(128 << 10, counting(inner));
                unpacked(flate2::read::MultiGzDecoder::new(inner), is_of_file)?
            }
            (Packing::Zstd, inner) => {
                let is_of_file = matches!(inner, Stream::File(_));
                unpacked(
                    zstd::stream::read::Decoder::new(counting(inner))?,
                    is_of_file,
                )?
            }
        };
        let spool = is_spooled.then(|| temp_file(spool_dir)).transpose()?;
        let (spool, folder) = spool.unzip();
        Ok(Self {
            reader,
            spool: spool.map(Arc::new),
            folder: folder.unwrap_or_default(),
            keeps_free: Self::FREE_BYTES,
            shelf: None,
            looks_at: 0,
            chunk: Vec::new(),
            at: 0,
            consumed,
            is_end: false,
            failure: None,
        })
    }

    /// Lets copies of files that were unpacked earlier go where there is no room for this one.
    pub(super) fn may_clear(&mut self, of: &Shelf) {
        self.shelf = Some(of.clone());
    }

    /// The next bytes; empty at the end and after a failure. Chunks grow, so that the first lines come at once and the
    /// rest fast.
    pub(super) fn next(&mut self) -> &[u8] {
        let len = (self.chunk.len() * 2).clamp(Self::FIRST_CHUNK, Self::LAST_CHUNK);
        self.chunk.resize(len, 0);
        let mut filled = 0;
        while filled < len && !self.is_end {
            match self
                .reader
                .read(self.chunk.get_mut(filled..).unwrap_or_default())
            {
                Ok(0) => self.is_end = true,
                Ok(got) => {
                    filled += got;
                    // a pipe or decoder hands out little at a time: show that rather than wait for a full chunk
                    let fresh = self.chunk.get(filled - got..filled).unwrap_or_default();
                    if self.spool.is_some()
                        && (filled >= Self::FIRST_CHUNK || memchr::memchr(b'\n', fresh).is_some())
                    {
                        break;
                    }
                }
                Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
                Err(err) => self.fail(format!("the stream is damaged: {err}")),
            }
        }
        if let Some(spool) = &self.spool
            && self.at + filled as u64 >= self.looks_at + Self::LOOK_BYTES
        {
            self.looks_at = self.at + filled as u64;
            let is_short = || free_bytes(spool).is_some_and(|free| free < self.keeps_free);
            if is_short()
                && let Some(shelf) = &self.shelf
            {
                shelf.drop_unpacked();
            }
            if is_short() {
                self.fail(format!("unpacked too large for {}", self.folder.display()));
                return &[];
            }
        }
        let fresh = self.chunk.get(..filled).unwrap_or_default();
        if let Some(spool) = &self.spool {
            let mut spool = spool.as_ref();
            if let Err(err) = spool.write_all(fresh) {
                self.fail(format!("no room to unpack: {err}"));
                return &[];
            }
        }
        self.at += filled as u64;
        self.chunk.get(..filled).unwrap_or_default()
    }

    /// Reads to the end, for the sake of the copy. Stops early when `is_cancelled` says so.
    pub(super) fn drain(&mut self, is_cancelled: impl Fn() -> bool) {
        while !is_cancelled() && !self.next().is_empty() {}
    }

    fn fail(&mut self, why: String) {
        self.is_end = true;
        self.failure.get_or_insert(why);
    }

    /// Why the stream ended before its end.
    pub(super) fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    /// Bytes handed out so far.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// Bytes taken from the packed stream so far.
    pub(super) fn consumed(&self) -> u64 {
        match &self.reader {
            Stream::File(_) => self.at,
            Stream::Once(_) => self.consumed.load(Ordering::Relaxed),
        }
    }

    /// Goes back to the byte `to`, where the stream is a file that can be read anywhere; says whether it is.
    pub(super) fn go_back(&mut self, to: u64) -> bool {
        let Stream::File(file) = &mut self.reader else {
            return false;
        };
        file.go_back(self.at.saturating_sub(to));
        self.at = to;
        self.is_end = false;
        true
    }

    /// Goes through the rest: what is there of a file on all cores, everything else and what comes to the file meanwhile
    /// chunk by chunk. `look` gets the bytes of a [`View`]; `tell` gets what it answered, in order, and how much was taken
    /// from the packed stream by then.
    pub(super) fn go_through<T: Send>(
        &mut self,
        reach: usize,
        cancel: &Cancel,
        look: impl Fn(View<'_>) -> T + Sync,
        mut tell: impl FnMut(T, u64),
    ) {
        if let Stream::File(file) = &self.reader {
            let (file, span) = file.rest();
            let pass = Pass {
                file: &file,
                span,
                reach,
                cancel,
            };
            let is_whole = true;
            let look = |bytes: &[u8], len| {
                look(View {
                    bytes,
                    len,
                    is_whole,
                })
            };
            let done = pass.run(look, |seen| {
                self.skip(seen.len as u64);
                tell(seen.found, self.consumed());
            });
            if let Err(err) = done {
                self.fail(format!("the stream is damaged: {err}"));
            }
            // what comes to the file meanwhile is little, mostly nothing
            self.chunk = Vec::new();
        }
        while !cancel.is_cancelled() {
            let bytes = self.next();
            if bytes.is_empty() {
                break;
            }
            let found = look(View::alone(bytes));
            tell(found, self.consumed());
        }
    }

    /// Takes it that the next `len` bytes of the file were handed out.
    fn skip(&mut self, len: u64) {
        if let Stream::File(file) = &mut self.reader {
            file.skip(len);
            self.at += len;
        }
    }

    /// Whether the end was seen.
    pub(super) fn is_end(&self) -> bool {
        self.is_end
    }

    /// The copy, where there is one.
    pub(super) fn spool(&self) -> Option<&Arc<File>> {
        self.spool.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Span;

    #[test]
    fn a_stream_that_would_fill_the_disk_ends() {
        let dir = tempfile::tempdir().unwrap();
        let endless = Stream::Once(Box::new(io::repeat(b'x')));
        let mut feed = Feed::new(endless, Packing::Plain, true, Some(dir.path())).unwrap();
        feed.keeps_free = u64::MAX;
        feed.drain(|| false);
        let why = feed.failure().unwrap();
        assert_eq!(
            why,
            format!("unpacked too large for {}", dir.path().display())
        );
        assert!(feed.at() <= Feed::LOOK_BYTES);
    }

    #[test]
    fn copies_go_before_a_stream_ends_for_want_of_room() {
        let dir = tempfile::tempdir().unwrap();
        let shelf = Shelf::within(dir.path(), 1 << 20);
        let copy = dir.path().join("a.unpacked");
        std::fs::write(&copy, "{}").unwrap();
        let long = Stream::Once(Box::new(io::repeat(b'x').take(Feed::LOOK_BYTES + 1)));
        let mut feed = Feed::new(long, Packing::Plain, true, Some(dir.path())).unwrap();
        feed.may_clear(&shelf);
        feed.drain(|| false);
        assert_eq!(feed.failure(), None);
        assert!(copy.exists(), "there is room");
        let long = Stream::Once(Box::new(io::repeat(b'x').take(Feed::LOOK_BYTES + 1)));
        let mut feed = Feed::new(long, Packing::Plain, true, Some(dir.path())).unwrap();
        feed.keeps_free = u64::MAX;
        feed.may_clear(&shelf);
        feed.drain(|| false);
        assert!(feed.failure().is_some() && !copy.exists());
    }

    #[test]
    fn what_comes_to_a_file_meanwhile_is_seen_in_its_place() {
        use std::os::unix::fs::FileExt as _;

        let bytes: Vec<u8> = (0..251_u8).cycle().take(6 << 20).collect();
        let file = Arc::new(tempfile::tempfile().unwrap());
        file.write_all_at(&bytes, 0).unwrap();
        let all = Span::new(0, u64::MAX);
        let stream = Stream::File(SharedFile::new(Arc::clone(&file), all));
        let mut feed = Feed::new(stream, Packing::Plain, false, None).unwrap();
        let head = feed.next().len();
        assert!(head > 0 && feed.go_back(7));
        let (mut seen, mut wholes) = (Vec::new(), Vec::new());
        let look = |view: View<'_>| (view.bytes[..view.len].to_vec(), view.is_whole);
        feed.go_through(3, &Cancel::new(), look, |(part, is_whole), consumed| {
            file.write_all_at(b"more", bytes.len() as u64).unwrap();
            seen.extend(part);
            wholes.push(is_whole);
            assert_eq!(consumed, 7 + seen.len() as u64);
        });
        assert!(seen[..bytes.len() - 7] == bytes[7..]);
        assert_eq!(seen[bytes.len() - 7..], *b"more");
        assert_eq!(wholes.pop(), Some(false), "nobody saw what follows");
        assert!(wholes.len() > 2 && wholes.into_iter().all(|is_whole| is_whole));
        assert_eq!(feed.at(), bytes.len() as u64 + 4);
    }
}
