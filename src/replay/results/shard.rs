//! One share of the records for one machine of many.
//!
//! Which share a record belongs to is told by its id alone, so that every machine knows it without asking another. A share
//! is written to `results-KKKKK-of-NNNNN.jsonl.part` and renamed when it is complete: what has the name is whole. Started
//! again, it goes on behind the complete lines.

use std::collections::HashSet;
use std::fs::OpenOptions;
use std::path::Path;
use std::path::PathBuf;
use std::str::FromStr;

use crate::error::Error;
use crate::error::Result;
use crate::model::ContentHash;
use crate::replay::results::Parsed;
use crate::replay::results::Run;
use crate::replay::results::Writer;
use crate::replay::results::each_line;
use crate::replay::results::parse;
use crate::replay::results::runs_file;

/// More shares than the names have digits for.
const MOST: u64 = 100_000;
const PART: &str = ".part";

/// Share K of N, K from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shard {
    /// Which, from 0.
    pub nth: u64,
    /// Of how many; at least 1.
    pub of: u64,
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no share; write K/N with K from 0 to N-1");
        let (nth, of) = text.split_once('/').ok_or_else(wrong)?;
        let (nth, of) = (nth.parse(), of.parse());
        match (nth, of) {
            (Ok(nth), Ok(of)) if nth < of && of < MOST => Ok(Self { nth, of }),
            _ => Err(wrong()),
        }
    }
}

impl Shard {
    /// Whether the record of this id is in it: the first eight bytes of the id's SHA-256, as a number, modulo N.
    pub fn takes(self, id: &str) -> bool {
        let hash = ContentHash::of(id.as_bytes());
        let mut first = [0; 8];
        for (byte, of_hash) in first.iter_mut().zip(hash.as_bytes()) {
            *byte = *of_hash;
        }
        u64::from_be_bytes(first).checked_rem(self.of) == Some(self.nth)
    }

    /// The name of its file when it is complete.
    pub fn file_name(self) -> String {
        format!("results-{:05}-of-{:05}.jsonl", self.nth, self.of)
    }

    /// The share whose file, complete or not, has this name; `None` for other files. The second says whether it is
    /// complete.
    pub(super) fn of_file_name(name: &str) -> Option<(Self, bool)> {
        let (name, is_complete) = match name.strip_suffix(PART) {
            Some(name) => (name, false),
            None => (name, true),
        };
        let numbers = name.strip_prefix("results-")?.strip_suffix(".jsonl")?;
        let (nth, of) = numbers.split_once("-of-")?;
        let is_number = |text: &str| text.len() == 5 && text.bytes().all(|b| b.is_ascii_digit());
        if !is_number(nth) || !is_number(of) {
            return None;
        }
        let shard = Self {
            nth: nth.parse().ok()?,
            of: of.parse().ok()?,
        };
        (shard.nth < shard.of).then_some((shard, is_complete))
    }
}

/// Writes a share.
#[derive(Debug)]
pub struct ShardWriter {
    writer: Writer,
    part: PathBuf,
    whole: PathBuf,
    /// The lines that are there, by record.
    done: HashSet<ContentHash>,
}

impl ShardWriter {
    /// Begins a share in a folder, or goes on with it; complete lines count, a torn one is cut off. A share that is
    /// complete is opened again: there may be more records by now.
    ///
    /// # Errors
    /// *input* when the folder cannot be written, or its share was made with other options.
    pub fn open(folder: &Path, shard: Shard, options: ContentHash) -> Result<Self> {
        let whole = folder.join(shard.file_name());
        let part = folder.join(format!("{}{PART}", shard.file_name()));
        // people know the file by the name that it will have
        let unwritable = |err: std::io::Error| {
            Error::input(format!("{} cannot be written", whole.display())).caused_by(err)
        };
        std::fs::create_dir_all(folder).map_err(|err| {
            let what = format!("the folder {} cannot be made", folder.display());
            Error::input(what).caused_by(err)
        })?;
        if whole.exists() && !part.exists() {
            std::fs::rename(&whole, &part).map_err(unwritable)?;
        }
        check_options(&runs_file(&whole), options)?;
        let mut done = HashSet::new();
        if part.exists() {
            let mut whole_bytes = 0;
            each_line(&part, &mut |line| {
                if let Parsed::Result(found) = parse(line.bytes)
                    && line.is_ended
                {
                    done.insert(found.record.sha256);
                    whole_bytes = line.start + line.bytes.len() as u64 + 1;
                }
            })
            .map_err(unwritable)?;
            let file = OpenOptions::new().write(true).open(&part);
            file.and_then(|file| file.set_len(whole_bytes))
                .map_err(unwritable)?;
        }
        Ok(Self {
            writer: Writer::open_pair(&part, &runs_file(&whole)).map_err(unwritable)?,
            part,
            whole,
            done,
        })
    }

    /// Whether a record has its line.
    pub fn is_done(&self, record: ContentHash) -> bool {
        self.done.contains(&record)
    }

    /// Appends the lines of a record, without their ends.
    ///
    /// # Errors
    /// *input* when the disk does not take them.
    pub fn append(&mut self, record: ContentHash, line: &str, run: &str) -> Result<()> {
        self.done.insert(record);
        self.writer.append(line, run)
    }

    /// The file while it is not complete.
    pub fn part(&self) -> &Path {
        &self.part
    }

    /// Says that it is complete; the file has its name then.
    ///
    /// # Errors
    /// *input* when the disk does not take it.
    pub fn complete(mut self) -> Result<PathBuf> {
        self.writer.sync()?;
        std::fs::rename(&self.part, &self.whole).map_err(|err| {
            Error::input(format!("{} cannot be written", self.whole.display())).caused_by(err)
        })?;
        Ok(self.whole)
    }
}

/// Whether all lines that are there were made with these options.
fn check_options(runs: &Path, options: ContentHash) -> Result<()> {
    let mut has_other = false;
    if runs.exists() {
        let read = each_line(runs, &mut |line| {
            let run = serde_json::from_slice::<Run>(line.bytes);
            has_other |= run.is_ok_and(|run| run.options != options);
        });
        read.map_err(|err| {
            Error::input(format!("{} cannot be read", runs.display())).caused_by(err)
        })?;
    }
    if has_other {
        let what = format!("{} tells of runs with other options", runs.display());
        return Err(Error::input(what).hint("give another folder with --out, or remove its files"));
    }
    Ok(())
}
