//! Unpacking on another thread than the one that copies and looks through what was unpacked.

use std::io;
use std::io::Read;
use std::sync::mpsc;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::SyncSender;

/// A reader that is read ahead of whoever reads this. Ends when that one is dropped.
pub(super) struct Ahead {
    pieces: Receiver<io::Result<Vec<u8>>>,
    piece: Vec<u8>,
    at: usize,
    is_end: bool,
}

impl Ahead {
    const PIECE_BYTES: usize = 256 << 10;
    /// What waits to be taken is bounded.
    const PIECES: usize = 8;

    /// Begins to read. The reader must not wait for others: nobody could stop it then.
    pub(super) fn start(reader: impl Read + Send + 'static) -> io::Result<Self> {
        let (to, pieces) = mpsc::sync_channel(Self::PIECES);
        std::thread::Builder::new()
            .name("unpack".to_owned())
            .spawn(move || hand_on(reader, &to))?;
        Ok(Self {
            pieces,
            piece: Vec::new(),
            at: 0,
            is_end: false,
        })
    }
}

/// Hands on all pieces; the last one is empty, unless the reader failed.
fn hand_on(mut reader: impl Read, to: &SyncSender<io::Result<Vec<u8>>>) {
    loop {
        let mut piece = vec![0; Ahead::PIECE_BYTES];
        let (filled, failed) = fill(&mut reader, &mut piece);
        piece.truncate(filled);
        let is_last = filled == 0;
        if (failed.is_none() || filled > 0) && to.send(Ok(piece)).is_err() {
            return;
        }
        if let Some(err) = failed {
            // nobody may be there any more
            drop(to.send(Err(err)));
            return;
        }
        if is_last {
            return;
        }
    }
}

fn fill(reader: &mut impl Read, piece: &mut [u8]) -> (usize, Option<io::Error>) {
    let mut filled = 0;
    while let Some(free) = piece.get_mut(filled..).filter(|free| !free.is_empty()) {
        match reader.read(free) {
            Ok(0) => break,
            Ok(got) => filled += got,
            Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
            Err(err) => return (filled, Some(err)),
        }
    }
    (filled, None)
}

impl Read for Ahead {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.at == self.piece.len() && !self.is_end {
            // a thread that ended without a last piece must not look like the end
            let next = self.pieces.recv();
            self.piece = next.map_err(|_gone| io::Error::other("unpacking ended early"))??;
            self.at = 0;
            self.is_end = self.piece.is_empty();
        }
        let rest = self.piece.get(self.at..).unwrap_or_default();
        let len = rest.len().min(buf.len());
        if let Some((into, from)) = buf.get_mut(..len).zip(rest.get(..len)) {
            into.copy_from_slice(from);
        }
        self.at += len;
        Ok(len)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicU64;
    use std::sync::atomic::Ordering;

    use super::*;

    /// Hands out so many bytes, then fails or panics.
    struct Source {
        left: usize,
        fails: bool,
        panics: bool,
        read: Arc<AtomicU64>,
    }

    impl Read for Source {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            let len = buf.len().min(self.left).min(70_000);
            self.left -= len;
            buf[..len].fill(7);
            self.read.fetch_add(len as u64, Ordering::Relaxed);
            assert!(len > 0 || !self.panics, "a decoder gives up");
            if len == 0 && self.fails {
                return Err(io::Error::other("torn"));
            }
            Ok(len)
        }
    }

    fn source(left: usize) -> Source {
        Source {
            left,
            fails: false,
            panics: false,
            read: Arc::default(),
        }
    }

    #[track_caller]
    fn check(source: Source, want: Option<&str>) {
        let len = source.left;
        let mut ahead = Ahead::start(source).unwrap();
        let mut all = Vec::new();
        let end = ahead.read_to_end(&mut all);
        assert_eq!(all.len(), len, "what came before an error is handed on");
        match want {
            None => assert_eq!(ahead.read(&mut [0; 4]).unwrap(), 0, "{end:?}"),
            Some(want) => assert_eq!(end.unwrap_err().to_string(), want),
        }
    }

    #[test]
    fn everything_comes_and_so_do_errors() {
        for len in [0, 1, Ahead::PIECE_BYTES, 5_000_000] {
            check(source(len), None);
            let fails = true;
            check(
                Source {
                    fails,
                    ..source(len)
                },
                Some("torn"),
            );
        }
        let panics = true;
        let early = Source {
            panics,
            ..source(Ahead::PIECE_BYTES)
        };
        check(early, Some("unpacking ended early"));
    }

    #[test]
    fn no_more_is_read_than_waits_to_be_taken() {
        let endless = source(usize::MAX);
        let read = Arc::clone(&endless.read);
        let mut ahead = Ahead::start(endless).unwrap();
        ahead.read_exact(&mut [0; 1000]).unwrap();
        drop(ahead);
        // the thread is the only other owner
        while Arc::strong_count(&read) > 1 {
            std::thread::yield_now();
        }
        let most = (Ahead::PIECES + 3) * Ahead::PIECE_BYTES;
        assert!(read.load(Ordering::Relaxed) <= most as u64);
    }
}
