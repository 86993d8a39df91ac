//! SHA-256 of the files that an export reads: on threads of their own, several files at once. What is named on the command
//! line can be begun before it is known which records are in it, while the files are still being scanned.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::Read;
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
use crate::store::FileHash;
use crate::store::Print;
use crate::store::Store;

/// Bytes that are read at once: they stay in the processor's cache until they are hashed.
const CHUNK: usize = 256 << 10;

/// Says whether nobody waits for the hashes any longer.
pub(super) type IsOver<'a> = &'a (dyn Fn() -> bool + Sync);

/// A file's hash and what the file was then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hashed {
    /// The file as it was.
    pub(super) file: FileHash,
    /// Bytes that were hashed.
    pub(super) bytes: u64,
    /// An earlier run hashed it.
    pub(super) is_recorded: bool,
}

impl Hashed {
    /// What an earlier run has hashed, if the file still is what it was.
    pub(super) fn recorded(store: &Store, path: &Path) -> Option<Self> {
        let file = store.file_hash(path)?;
        Some(Self {
            bytes: file.print.len_bytes(),
            file,
            is_recorded: true,
        })
    }

    /// Whether the file at this path is still what was hashed.
    pub(super) fn is_of(&self, path: &Path) -> bool {
        Print::at(path).is_ok_and(|print| print == self.file.print)
    }

    /// 64 hexadecimal digits.
    pub(super) fn sha256(&self) -> String {
        hex(&self.file.sha256)
    }
}

/// Hashes of inputs that were begun early; given up when it is dropped.
#[derive(Debug)]
pub struct Early {
    cancel: Cancel,
    /// What earlier runs hashed.
    recorded: HashMap<PathBuf, Hashed>,
    thread: Mutex<Option<JoinHandle<HashMap<PathBuf, Hashed>>>>,
}

impl Early {
    /// Begins to hash those of the paths that are files, and returns at once. What is recorded of the files of the store
    /// is not hashed again.
    pub fn begin(paths: &[PathBuf], store: &Store) -> Self {
        let is_file = |path: &&PathBuf| std::fs::metadata(path).is_ok_and(|meta| meta.is_file());
        let mut recorded = HashMap::new();
        let mut lacking = Vec::new();
        for path in paths.iter().filter(is_file) {
            match Hashed::recorded(store, path) {
                Some(hashed) => drop(recorded.insert(path.clone(), hashed)),
                None => lacking.push(path.clone()),
            }
        }
        let cancel = Cancel::new();
        let given_up = cancel.clone();
        let hash = move || of_files(&lacking, &|| given_up.is_cancelled());
        Self {
            cancel,
            recorded,
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
        let mut hashes = thread.join().unwrap_or_default();
        hashes.extend(self.recorded.clone());
        hashes
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
    let processors = crate::store::threads();
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
    std::fs::metadata(path)
        .ok()
        .filter(std::fs::Metadata::is_file)?;
    let print = Print::at(path).ok()?;
    let (sha256, bytes) = of_bytes(File::open(path).ok()?, is_over)?;
    Some(Hashed {
        file: FileHash { sha256, print },
        bytes,
        is_recorded: false,
    })
}

/// The hash of all bytes and how many they are; `None` when they cannot be read, or it is over before the end.
fn of_bytes(mut file: impl Read, is_over: IsOver<'_>) -> Option<([u8; 32], u64)> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; CHUNK];
    let mut bytes = 0;
    loop {
        if is_over() {
            return None;
        }
        let len = file.read(&mut buffer).ok()?;
        if len == 0 {
            return Some((hasher.finalize().into(), bytes));
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
    use crate::store::OpenOptions;

    #[test]
    fn a_hash_is_of_everything_or_there_is_none() {
        let whole = of_bytes(&b"abc"[..], &|| false).unwrap();
        assert_eq!(whole.1, 3);
        assert!(hex(&whole.0).starts_with("ba7816bf"));
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
        let store = Store::open(&OpenOptions {
            paths: vec![path("a")],
            ..OpenOptions::default()
        });
        let early = Early::begin(&named, &store.unwrap());
        let hashes = early.wait(&|| false);
        assert_eq!(hashes.len(), 3);
        let b = hashes.get(&path("b")).unwrap();
        assert!(b.sha256().starts_with("3e23e816"));
        assert!(b.is_of(&path("b")) && !b.is_of(&path("a")));
        std::fs::write(path("b"), "more").unwrap();
        assert!(!b.is_of(&path("b")), "it has changed since");
        assert!(early.wait(&|| false).is_empty(), "they are handed out once");
    }
}
