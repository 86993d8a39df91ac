//! The writer of one reviewer's journal.
//!
//! What [`Writer::append`] calls saved is on the disk: one write, one sync, and the folder's entry synced when the file
//! was made. What it could not write is cut off again and stays with the caller. A half line that a crash left is set
//! aside into a `.torn` file before anything is appended. A lock file keeps two programs with the same reviewer apart.
//! Nothing is created before the first line.

mod lines;

use std::fs::DirBuilder;
use std::fs::File;
use std::fs::OpenOptions;
use std::fs::TryLockError;
use std::io::ErrorKind;
use std::io::Read as _;
use std::io::Write as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::path::PathBuf;

use serde::Deserialize;
use serde::Serialize;

use crate::error::Error;
use crate::error::Result;
use crate::model::Text;
use crate::review::Line;
use crate::review::Moment;
use crate::review::Place;
use crate::review::journal::lines::Lines;
use crate::review::reviewer;

/// The program that writes a journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Its process.
    pub pid: u32,
    /// Its machine.
    pub host: String,
    /// Since when it writes.
    pub since: Moment,
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "process {} on {} since {}",
            self.pid, self.host, self.since
        )
    }
}

/// Whether a writer may write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// The journal is ours until the writer is dropped.
    Ours,
    /// There is no journal yet; the first line makes it ours, if nobody is faster.
    Free,
    /// Somebody else writes it; who, where that is known.
    Held(Option<Holder>),
}

/// Where lines were saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// The journal.
    pub file: PathBuf,
    /// What the user should be told, in words: another folder, a torn line set aside. Told once.
    pub notes: Vec<String>,
}

/// Appends the lines of one reviewer.
#[derive(Debug)]
pub struct Writer {
    place: Place,
    reviewer: Text,
    journal: Option<Journal>,
    /// The place turned out to be read-only.
    uses_spare: bool,
    notes: Vec<String>,
}

/// An open journal whose lock is ours.
#[derive(Debug)]
struct Journal {
    path: PathBuf,
    lines: Lines<File>,
    /// Held by being open.
    _lock: File,
}

impl Writer {
    /// Makes a writer; touches no file.
    pub fn new(place: Place, reviewer: &str) -> Self {
        Self {
            place,
            reviewer: reviewer.into(),
            journal: None,
            uses_spare: false,
            notes: Vec::new(),
        }
    }

    /// Asks for the journal without creating anything, so that a program can say from the start that it only reads.
    ///
    /// # Errors
    /// *input* when the journal is there and cannot be opened.
    pub fn claim(&mut self) -> Result<Claim> {
        if self.journal.is_some() {
            return Ok(Claim::Ours);
        }
        if !self.path().exists() {
            return Ok(Claim::Free);
        }
        self.open()
    }

    /// Appends lines and syncs them; they are saved when it returns, all of them or none.
    ///
    /// # Errors
    /// *limit* when somebody else writes this journal, *input* when the disk is full or the place cannot be written. The
    /// lines are then not in the journal; calling again with the same lines is the way to retry.
    pub fn append(&mut self, lines: &[Line]) -> Result<Saved> {
        if let Claim::Held(holder) = self.open()? {
            return Err(held(&self.reviewer, holder.as_ref()));
        }
        let bytes: String = lines.iter().map(Line::to_json).collect();
        let Some(journal) = &mut self.journal else {
            return Err(Error::internal("the journal is open and is not"));
        };
        let file = journal.path.clone();
        journal
            .lines
            .append(bytes.as_bytes(), &mut self.notes)
            .map_err(|err| {
                Error::input(format!("cannot save to {}", file.display()))
                    .caused_by(err)
                    .hint("free some space, or name another folder with --review-dir")
            })?;
        Ok(Saved {
            file,
            notes: std::mem::take(&mut self.notes),
        })
    }

    /// The journal's file, as far as is known before the first line.
    pub fn path(&self) -> PathBuf {
        let spare = self.place.spare().filter(|_| self.uses_spare);
        journal_file(spare.unwrap_or(self.place.dir()), &self.reviewer)
    }

    /// Opens the journal and takes its lock, making both where they are missing.
    fn open(&mut self) -> Result<Claim> {
        if let Some(journal) = &self.journal {
            if journal.is_there() {
                return Ok(Claim::Ours);
            }
            self.notes.push(format!(
                "{} was removed; it is made again",
                journal.path.display()
            ));
            self.journal = None;
        }
        let path = self.path();
        match Journal::open(&path, &mut self.notes) {
            Ok(Opened::Ours(journal)) => {
                self.journal = Some(journal);
                Ok(Claim::Ours)
            }
            Ok(Opened::Held(holder)) => Ok(Claim::Held(holder)),
            Err(err) if !self.uses_spare && self.place.spare().is_some() && is_read_only(&err) => {
                self.uses_spare = true;
                let (old, new) = (self.place.dir().display().to_string(), self.path());
                let claim = self.open()?;
                self.notes.push(format!(
                    "{old} cannot be written: decisions go to {}",
                    new.display()
                ));
                Ok(claim)
            }
            Err(err) => Err(
                Error::input(format!("cannot write decisions to {}", path.display()))
                    .caused_by(err)
                    .hint("--review-dir DIR names another folder"),
            ),
        }
    }
}

/// `decisions.<reviewer>.jsonl`.
pub(super) fn journal_file(dir: &Path, name: &str) -> PathBuf {
    dir.join(format!("decisions.{}.jsonl", reviewer::file_part(name)))
}

fn held(reviewer: &str, holder: Option<&Holder>) -> Error {
    let who = holder.map_or_else(|| "another program".to_owned(), Holder::to_string);
    Error::limit(format!(
        "decisions of {reviewer} are being written by {who}"
    ))
    .hint("use that one, end it, or decide under another name with --reviewer")
}

fn is_read_only(err: &std::io::Error) -> bool {
    use ErrorKind::{AlreadyExists, NotADirectory, PermissionDenied, ReadOnlyFilesystem};
    matches!(
        err.kind(),
        PermissionDenied | ReadOnlyFilesystem | NotADirectory | AlreadyExists
    )
}

enum Opened {
    Ours(Journal),
    Held(Option<Holder>),
}

impl Journal {
    fn open(path: &Path, notes: &mut Vec<String>) -> std::io::Result<Opened> {
        let dir = path.parent().unwrap_or(path);
        if !dir.is_dir() {
            DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
            sync_folder(dir.parent());
        }
        let lock_path = path.with_extension("lock");
        let mut lock = options()
            .read(true)
            .write(true)
            .create(true)
            .open(&lock_path)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                let holder = lock.take(4096).read_to_string(&mut text).ok();
                return Ok(Opened::Held(
                    holder.and_then(|_| serde_json::from_str(&text).ok()),
                ));
            }
            Err(TryLockError::Error(err)) => {
                notes.push(format!(
                    "this file system has no locks ({err}): run one hgview a reviewer"
                ));
            }
        }
        let holder = Holder {
            pid: std::process::id(),
            host: host(),
            since: Moment::now(),
        };
        // who holds the lock is a courtesy; the lock itself does not depend on it
        let _told = lock.set_len(0).and_then(|()| {
            let text = serde_json::to_string(&holder)?;
            lock.write_all(text.as_bytes())
        });
        let is_new = !path.exists();
        let file = options().read(true).append(true).create(true).open(path)?;
        if is_new {
            sync_folder(Some(dir));
        }
        let mut lines = Lines::new(file, path.with_extension("jsonl.torn"));
        lines.mend(notes)?;
        Ok(Opened::Ours(Self {
            path: path.to_path_buf(),
            lines,
            _lock: lock,
        }))
    }

    /// Whether the path still leads to the open file: a folder that was moved away or removed must not swallow
    /// decisions.
    fn is_there(&self) -> bool {
        let here = self
            .lines
            .disk()
            .metadata()
            .map(|meta| (meta.dev(), meta.ino()));
        let there = std::fs::metadata(&self.path).map(|meta| (meta.dev(), meta.ino()));
        matches!((here, there), (Ok(here), Ok(there)) if here == there)
    }
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

/// Makes a new entry of a folder last. Some file systems cannot sync a folder; the file itself is synced in any case.
fn sync_folder(dir: Option<&Path>) {
    if let Some(folder) = dir.and_then(|dir| File::open(dir).ok()) {
        let _synced = folder.sync_all();
    }
}

fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let name = name.or_else(|| std::env::var("HOSTNAME").ok());
    name.map_or_else(|| "this machine".to_owned(), |name| name.trim().to_owned())
}

#[cfg(test)]
mod tests;
