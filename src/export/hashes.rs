//! SHA-256 of the files that an export reads: on threads of their own, several files at once. What is named on the command
//! line can be begun before it is known which records are in it, while the files are still being scanned.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;

use sha2::Digest as _;
use sha2::Sha256;

use crate::cancel::Cancel;

/// Bytes that are read at once: they stay in the processor's cache until they are hashed.
const CHUNK: usize = 256 << 10;

/// Says whether nobody waits for the hashes any longer.
pub(super) type IsOver<'a> = &'a (dyn Fn() -> bool + Sync);

/// A file's hash and what the file was then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hashed {
    /// 64 hexadecimal digits.
    pub(super) sha256: String,
    /// Bytes that were hashed.
    pub(super) bytes: u64,
    stamp: Stamp,
}

/// By what is noticed that a file is another one now, or has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    file: (u64, u64),
    len: u64,
    modified: (i64, i64),
}

impl Stamp {
    fn of(meta: &std::fs::Metadata) -> Self {
        Self {
            file: (meta.dev(), meta.ino()),
            len: meta.len(),
            modified: (meta.mtime(), meta.mtime_nsec()),
        }
    }
}

impl Hashed {
    /// Whether the file at this path is still what was hashed.
    pub(super) fn is_of(&self, path: &Path) -> bool {
        std::fs::metadata(path).is_ok_and(|meta| Stamp::of(&meta) == self.stamp)
    }
}

/// Hashes of inputs that were begun early; given up when it is dropped.
#[derive(Debug)]
pub struct Early {
    cancel: Cancel,
    thread: Mutex<Option<JoinHandle<HashMap<PathBuf, Hashed>>>>,
}

impl Early {
    /// Begins to hash those of the paths that are files, and returns at once.
    pub fn begin(paths: &[PathBuf]) -> Self {
        let is_file = |path: &&PathBuf| std::fs::metadata(path).is_ok_and(|meta| meta.is_file());
        let paths: Vec<PathBuf> = paths.iter().filter(is_file).cloned().collect();
        let cancel = Cancel::new();
        let given_up = cancel.clone();
        let hash = move || of_files(&paths, &|| given_up.is_cancelled());
        Self {
            cancel,
            thread: Mutex::new(Some(std::thread::spawn(hash))),
        }
    }

    /// Waits for the hashes, by path as it was given; nothing the second time, and of files that cannot be read.
    pub(super) fn wait(&self, is_over: IsOver<'_>) -> HashMap<PathBuf, Hashed> {
        const LOOK: std::time::Duration = std::time::Duration::from_millis(5);
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(thread) = thread else {
            return HashMap::new();
        };
        while !thread.is_finished() && !is_over() {
            std::thread::park_timeout(LOOK);
        }
        if is_over() {
            self.cancel.cancel();
        }
        // what failed is hashed again
        thread.join().unwrap_or_default()
    }
}

impl Drop for Early {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

/// Hashes files, as many at once as there are processors. Those that cannot be read are left out, and all that are not
/// done when it is over.
pub(super) fn of_files(paths: &[PathBuf], is_over: IsOver<'_>) -> HashMap<PathBuf, Hashed> {
    let next = AtomicUsize::new(0);
    let found = Mutex::new(HashMap::new());
    let work = || {
        while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
            if let Some(hashed) = of_file(path, is_over) {
                let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                found.insert(path.clone(), hashed);
            }
        }
    };
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 1..processors.min(paths.len()) {
            scope.spawn(work);
        }
        work();
    });
    found.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Hashes a file; `None` when it is none, cannot be read, or it is over before the end.
pub(super) fn of_file(path: &Path, is_over: IsOver<'_>) -> Option<Hashed> {
    // opening a pipe would wait for somebody to write into it
    let meta = std::fs::metadata(path)
        .ok()
        .filter(std::fs::Metadata::is_file)?;
    let (sha256, bytes) = of_bytes(File::open(path).ok()?, is_over)?;
    Some(Hashed {
        sha256,
        bytes,
        stamp: Stamp::of(&meta),
    })
}

/// The hash of all bytes and how many they are; `None` when they cannot be read, or it is over before the end.
fn of_bytes(mut file: impl Read, is_over: IsOver<'_>) -> Option<(String, u64)> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; CHUNK];
    let mut bytes = 0;
    loop {
        if is_over() {
            return None;
        }
        let len = file.read(&mut buffer).ok()?;
        if len == 0 {
            return Some((hex(&hasher.finalize()), bytes));
        }
        hasher.update(buffer.get(..len)?);
        bytes += len as u64;
    }
}

/// A digest as text.
pub(super) fn hex(digest: &[u8]) -> String {
    digest.iter().fold(String::new(), |mut text, byte| {
        // writing to a text cannot fail
        let _written = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_of_everything_or_there_is_none() {
        let whole = of_bytes(&b"abc"[..], &|| false).unwrap();
        assert_eq!(whole.1, 3);
        assert!(whole.0.starts_with("ba7816bf"));
        // it is over behind the first piece
        let asked = AtomicUsize::new(0);
        let bytes = vec![0; 2 * CHUNK];
        let is_over = || asked.fetch_add(1, Ordering::Relaxed) > 0;
        assert_eq!(of_bytes(&bytes[..], &is_over), None);
    }

    #[test]
    fn what_was_begun_early_is_of_the_file_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["a", "b", "c"] {
            std::fs::write(path(name), name).unwrap();
        }
        let named = [
            path("a"),
            path("b"),
            path("c"),
            path("none"),
            folder.path().to_owned(),
        ];
        let early = Early::begin(&named);
        let hashes = early.wait(&|| false);
        assert_eq!(hashes.len(), 3);
        let b = hashes.get(&path("b")).unwrap();
        assert!(b.sha256.starts_with("3e23e816"));
        assert!(b.is_of(&path("b")) && !b.is_of(&path("a")));
        std::fs::write(path("b"), "more").unwrap();
        assert!(!b.is_of(&path("b")), "it has changed since");
        assert!(early.wait(&|| false).is_empty(), "they are handed out once");
    }
}
