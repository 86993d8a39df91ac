//! The file of answers: a line an answer, added whole and never changed.

use std::collections::HashMap;
use std::fs::File;
use std::fs::OpenOptions;
use std::fs::TryLockError;
use std::io;
use std::io::Read as _;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;

use serde::Deserialize;
use serde::Serialize;

use crate::error::Error;
use crate::error::Result;
use crate::model::ContentHash;

/// Answers by the hashes of what was asked. One program at a time has the file.
#[derive(Debug)]
pub(super) struct Answers {
    path: PathBuf,
    file: File,
    /// Bytes of whole lines.
    len: u64,
    /// It was not there before.
    is_new: bool,
    known: HashMap<ContentHash, String>,
}

/// A line.
#[derive(Serialize, Deserialize)]
struct Line {
    v: u64,
    /// Of the model and what it was asked.
    asked: ContentHash,
    model: String,
    answer: String,
}

const VERSION: u64 = 1;

impl Drop for Answers {
    /// What was made for answers that never came goes again.
    fn drop(&mut self) {
        let is_empty = || self.file.metadata().is_ok_and(|about| about.len() == 0);
        if self.is_new && is_empty() {
            drop(std::fs::remove_file(&self.path));
        }
    }
}

impl Answers {
    /// Reads the file, or makes it. A last line without an end goes into a file beside it; lines that are no answers are
    /// passed over; `notes` tells of both.
    ///
    /// # Errors
    /// *input* when it cannot be read or written, or another program has it.
    pub(super) fn open(path: &Path, notes: &mut Vec<String>) -> Result<Self> {
        let cannot = |err| {
            let what = format!("cannot open {}", path.display());
            Error::input(what).caused_by(err)
        };
        let is_new = !path.exists();
        let mut options = OpenOptions::new();
        let file = options.read(true).append(true).create(true).open(path);
        let file = file.map_err(cannot)?;
        if !file.metadata().map_err(cannot)?.is_file() {
            return Err(Error::input(format!("{} is no file", path.display())));
        }
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let what = format!("{} is used by another hgview", path.display());
                return Err(Error::input(what));
            }
            Err(TryLockError::Error(err)) => return Err(cannot(err)),
        }
        let mut answers = Self {
            path: path.to_path_buf(),
            file,
            len: 0,
            is_new,
            known: HashMap::new(),
        };
        answers.read(notes).map_err(cannot)?;
        Ok(answers)
    }

    /// The answer to what has this hash.
    pub(super) fn get(&self, asked: ContentHash) -> Option<&str> {
        self.known.get(&asked).map(String::as_str)
    }

    /// Adds an answer.
    ///
    /// # Errors
    /// *input* when it cannot be written; nothing of it stays in the file.
    pub(super) fn add(&mut self, asked: ContentHash, model: &str, answer: &str) -> Result<()> {
        let line = Line {
            v: VERSION,
            asked,
            model: model.to_owned(),
            answer: answer.to_owned(),
        };
        let written = serde_json::to_vec(&line)
            .map_err(io::Error::from)
            .and_then(|mut line| {
                line.push(b'\n');
                let written = self
                    .file
                    .write_all(&line)
                    .and_then(|()| self.file.sync_data());
                if written.is_err() {
                    self.file.set_len(self.len)?;
                }
                written.map(|()| line.len() as u64)
            });
        let written = written.map_err(|err| {
            let what = format!("cannot write {}", self.path.display());
            Error::input(what).caused_by(err)
        })?;
        self.len += written;
        self.known.insert(asked, line.answer);
        Ok(())
    }

    fn read(&mut self, notes: &mut Vec<String>) -> io::Result<()> {
        let mut bytes = Vec::new();
        self.file.read_to_end(&mut bytes)?;
        let whole = memchr::memrchr(b'\n', &bytes).map_or(0, |end| end + 1);
        let (lines, torn) = bytes.split_at(whole);
        let mut passed = 0_usize;
        for line in lines.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii) {
            match serde_json::from_slice::<Line>(line) {
                Ok(line) if line.v == VERSION => {
                    self.known.insert(line.asked, line.answer);
                }
                _ if line.is_empty() => {}
                _ => passed += 1,
            }
        }
        let is_torn_answer = torn.is_empty() || torn.starts_with(b"{\"");
        if self.known.is_empty() && (passed > 0 || !is_torn_answer) {
            let what = "it holds something else than answers; name another file";
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        if passed > 0 {
            let path = self.path.display();
            notes.push(format!(
                "{passed} lines of {path} are no answers and were passed over"
            ));
        }
        if !torn.is_empty() {
            let mut aside = self.path.clone().into_os_string();
            aside.push(".torn");
            let mut beside = OpenOptions::new().append(true).create(true).open(&aside)?;
            beside.write_all(torn)?;
            beside.write_all(b"\n")?;
            beside.sync_data()?;
            self.file.set_len(whole as u64)?;
            let aside = PathBuf::from(aside);
            notes.push(format!(
                "a torn last line was set aside into {}",
                aside.display()
            ));
        }
        self.len = whole as u64;
        Ok(())
    }
}
