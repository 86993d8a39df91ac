//! The one way through the bytes of a file: in pieces that stay in the processor's cache while they are looked at, on all
//! cores, and told in their order. Nothing is mapped: a mapped file that is truncated kills the process.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use crate::cancel::Cancel;
use crate::model::Span;

/// Bytes of a piece.
const PIECE: usize = 256 << 10;
/// Pieces for which another thread is worth its start.
const PIECES_A_THREAD: u64 = 8;
/// More threads than these wait for the memory.
const MOST_THREADS: usize = 8;

/// What a look at a piece gave.
#[derive(Debug)]
pub(super) struct Seen<T> {
    /// Bytes of the piece; fewer than were wanted where the file ends before.
    pub(super) len: usize,
    /// What was found in them.
    pub(super) found: T,
}

/// One pass over a stretch of a file.
pub(super) struct Pass<'a> {
    /// The file.
    pub(super) file: &'a File,
    /// What of it is read; it may end before.
    pub(super) span: Span,
    /// Bytes behind a piece that are looked at with it, so that what begins in it is seen whole.
    pub(super) reach: usize,
    /// Ends the pass between two pieces.
    pub(super) cancel: &'a Cancel,
}

impl Pass<'_> {
    /// Reads all pieces. `look` gets the bytes of one with those behind it, and how many are its own; it runs on several
    /// threads. `tell` gets what it answered, in the order of the file, on this thread. Ends early where the file does.
    ///
    /// # Errors
    /// When the file cannot be read; what stands before was told.
    pub(super) fn run<T: Send>(
        &self,
        look: impl Fn(&[u8], usize) -> T + Sync,
        mut tell: impl FnMut(Seen<T>),
    ) -> io::Result<()> {
        let pieces = self.span.len_bytes().div_ceil(PIECE as u64);
        let threads = threads_for(pieces);
        let queue = Queue::new(pieces, 4 * threads as u64);
        let work = || {
            let _leaving = queue.leaving();
            let mut buffer = Vec::new();
            while let Some(piece) = queue.claim() {
                let seen = self.see(piece, &mut buffer, &look);
                queue.put(piece, seen);
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..threads {
                scope.spawn(work);
            }
            let _leaving = queue.leaving();
            let mut buffer = Vec::new();
            let mut at = self.span.start;
            while !self.cancel.is_cancelled() {
                match queue.next() {
                    Next::Told(seen) => {
                        let seen = seen?;
                        let is_end = (seen.len as u64) < (self.span.end - at).min(PIECE as u64);
                        at += seen.len as u64;
                        tell(seen);
                        if is_end {
                            break;
                        }
                    }
                    Next::Piece(piece) => {
                        let seen = self.see(piece, &mut buffer, &look);
                        queue.put(piece, seen);
                    }
                    Next::Nothing => break,
                }
            }
            Ok(())
        })
    }

    fn see<T>(
        &self,
        piece: u64,
        buffer: &mut Vec<u8>,
        look: impl Fn(&[u8], usize) -> T,
    ) -> io::Result<Seen<T>> {
        buffer.resize(PIECE + self.reach, 0);
        let start = self.span.start + piece * PIECE as u64;
        let left = usize::try_from(self.span.end - start).unwrap_or(usize::MAX);
        let room = buffer
            .get_mut(..left.min(PIECE + self.reach))
            .unwrap_or_default();
        let filled = fill(self.file, room, start)?;
        let bytes = room.get(..filled).unwrap_or_default();
        let len = filled.min(PIECE);
        let found = look(bytes, len);
        Ok(Seen { len, found })
    }
}

fn threads_for(pieces: u64) -> usize {
    let worth = usize::try_from(pieces / PIECES_A_THREAD).unwrap_or(MOST_THREADS);
    if worth < 2 {
        return 1;
    }
    worth.min(threads()).min(MOST_THREADS)
}

/// How many threads work on bytes at once. Asking `rayon` would start its threads, which spin while they have no work.
pub fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Reads until the buffer is full or the file ends; says how much of it is filled.
fn fill(file: &File, buffer: &mut [u8], start: u64) -> io::Result<usize> {
    let mut filled = 0;
    loop {
        let rest = buffer.get_mut(filled..).unwrap_or_default();
        if rest.is_empty() {
            return Ok(filled);
        }
        match file.read_at(rest, start + filled as u64) {
            Ok(0) => return Ok(filled),
            Ok(got) => filled += got,
            Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
            Err(err) => return Err(err),
        }
    }
}

/// What the telling thread does next.
enum Next<T> {
    /// The next piece was seen.
    Told(io::Result<Seen<T>>),
    /// It is not done yet: this one is free.
    Piece(u64),
    /// All are told, or the pass is over.
    Nothing,
}

/// Who does what: pieces are claimed in order, and held when they are done before those before them.
struct Queue<T> {
    pieces: u64,
    /// Pieces that are claimed and not told, at most: bounds what is held.
    window: u64,
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    claimed: u64,
    told: u64,
    done: BTreeMap<u64, io::Result<Seen<T>>>,
    is_over: bool,
}

impl<T> Queue<T> {
    fn new(pieces: u64, window: u64) -> Self {
        Self {
            pieces,
            window,
            state: Mutex::new(State {
                claimed: 0,
                told: 0,
                done: BTreeMap::new(),
                is_over: false,
            }),
            changed: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State<T>>) -> MutexGuard<'a, State<T>> {
        let waited = self.changed.wait(state);
        waited.unwrap_or_else(PoisonError::into_inner)
    }

    fn is_free(&self, state: &State<T>) -> bool {
        state.claimed < self.pieces && state.claimed < state.told + self.window
    }

    /// A piece to look at; waits while too many are not told. `None` when there are no more.
    fn claim(&self) -> Option<u64> {
        let mut state = self.lock();
        while !state.is_over && state.claimed < self.pieces {
            if self.is_free(&state) {
                state.claimed += 1;
                return Some(state.claimed - 1);
            }
            state = self.wait(state);
        }
        None
    }

    fn put(&self, piece: u64, seen: io::Result<Seen<T>>) {
        let mut state = self.lock();
        state.done.insert(piece, seen);
        if piece == state.told {
            self.changed.notify_all();
        }
    }

    fn next(&self) -> Next<T> {
        let mut state = self.lock();
        loop {
            let told = state.told;
            if let Some(seen) = state.done.remove(&told) {
                // only then somebody may wait for it
                let was_full = state.claimed == told + self.window;
                state.told += 1;
                drop(state);
                if was_full {
                    self.changed.notify_all();
                }
                return Next::Told(seen);
            }
            if state.is_over || told == self.pieces {
                return Next::Nothing;
            }
            if self.is_free(&state) {
                state.claimed += 1;
                return Next::Piece(state.claimed - 1);
            }
            state = self.wait(state);
        }
    }

    /// Whoever leaves before all are told ends the pass for the others, too: nobody waits for a thread that is gone.
    fn leaving(&self) -> Leaving<'_, T> {
        Leaving(self)
    }
}

struct Leaving<'a, T>(&'a Queue<T>);

impl<T> Drop for Leaving<'_, T> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        // a thread that found nothing more to claim has left in order
        if state.claimed < self.0.pieces || std::thread::panicking() {
            state.is_over = true;
        }
        drop(state);
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file_of(len: usize) -> (File, Vec<u8>) {
        let bytes: Vec<u8> = (0..251_u8).cycle().take(len).collect();
        let file = tempfile::tempfile().unwrap();
        file.write_all_at(&bytes, 0).unwrap();
        (file, bytes)
    }

    /// What a pass tells of the whole span, and how many bytes it looked at behind the pieces.
    fn told(file: &File, span: Span, reach: usize) -> (Vec<u8>, Vec<usize>) {
        let cancel = Cancel::new();
        let pass = Pass {
            file,
            span,
            reach,
            cancel: &cancel,
        };
        let (mut all, mut behind) = (Vec::new(), Vec::new());
        pass.run(
            |bytes, len| (bytes.to_vec(), len),
            |seen| {
                let (bytes, len) = seen.found;
                assert_eq!(len, seen.len);
                all.extend_from_slice(&bytes[..len]);
                behind.push(bytes.len() - len);
            },
        )
        .unwrap();
        (all, behind)
    }

    #[test]
    fn all_bytes_are_told_in_order_and_some_are_seen_ahead() {
        for len in [0, 1, PIECE - 1, PIECE, PIECE + 1, 40 * PIECE + 5] {
            let (file, bytes) = file_of(len);
            let (all, behind) = told(&file, Span::new(0, len as u64), 9);
            assert!(all == bytes, "{len}");
            let (last, others) = behind.split_last().map_or((0, &[][..]), |(l, o)| (*l, o));
            assert_eq!(last, 0, "nothing stands behind the end");
            assert!(others.iter().rev().skip(1).all(|seen| *seen == 9), "{len}");
        }
        let (file, bytes) = file_of(30 * PIECE);
        let (all, _) = told(&file, Span::new(3, 25 * PIECE as u64), 0);
        assert!(all == bytes[3..25 * PIECE]);
    }

    #[test]
    fn a_file_that_is_shorter_than_it_was_ends_early() {
        for len in [0, 1, 20 * PIECE, 20 * PIECE + 3] {
            let (file, bytes) = file_of(len);
            let (all, _) = told(&file, Span::new(0, 50 * PIECE as u64), 4);
            assert!(all == bytes, "{len}");
        }
    }

    #[test]
    fn a_pass_that_is_cancelled_ends() {
        let (file, _) = file_of(60 * PIECE);
        let cancel = Cancel::new();
        let pass = Pass {
            file: &file,
            span: Span::new(0, 60 * PIECE as u64),
            reach: 0,
            cancel: &cancel,
        };
        let mut pieces = 0;
        pass.run(
            |_, _| (),
            |_| {
                pieces += 1;
                cancel.cancel();
            },
        )
        .unwrap();
        assert_eq!(pieces, 1);
    }

    #[test]
    fn a_thread_that_panics_takes_the_pass_with_it() {
        let (file, _) = file_of(60 * PIECE);
        let cancel = Cancel::new();
        let pass = Pass {
            file: &file,
            span: Span::new(0, 60 * PIECE as u64),
            reach: 0,
            cancel: &cancel,
        };
        let nth = std::sync::atomic::AtomicUsize::new(0);
        let look = |_: &[u8], _: usize| {
            let nth = nth.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            assert!(nth != 20, "on whatever thread");
        };
        let run = std::panic::AssertUnwindSafe(|| pass.run(look, |_| ()));
        assert!(std::panic::catch_unwind(run).is_err());
    }
}
