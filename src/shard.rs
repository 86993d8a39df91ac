//! One share of the records for one machine of many, and all shares together again: what `replay`, `verify` and `stats` have
//! in common.
//!
//! A share is a file of lines, `<stem>-KKKKK-of-NNNNN.jsonl`. It is written as `.part` and renamed when it is complete: what
//! has the name is whole. Started again, it goes on behind its complete lines; a second program that is at the same share
//! waits for the first. Shares are found by their names ([`find`]); one that is missing is named, and those of several
//! divisions are never mixed. [`Writer`] and [`read`] are for shares in the order of the inputs, which say in their first
//! line what was asked of which inputs; a replay keeps that in a file of its own and puts its lines in order by their keys.

mod find;
mod part;
mod read;
mod writer;

use std::fs::File;
use std::io::BufRead as _;
use std::io::BufReader;
use std::io::Read as _;
use std::ops::Range;
use std::path::Path;
use std::str::FromStr;

use crate::model::ContentHash;

pub use find::Found;
pub use find::find;
pub use part::Part;
pub(crate) use part::is_at;
pub use read::Read;
pub use read::read;
pub use writer::Head;
pub use writer::Writer;

/// More shares than the names have digits for.
const MOST: u64 = 100_000;
/// How names of shares end that are not complete.
const PART: &str = ".part";
/// How names of complete shares end.
const ENDING: &str = ".jsonl";
/// Bytes of a line; longer ones are not read.
const LONGEST_LINE: u64 = 1 << 30;

/// Whose shares they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// What the names of the files begin with.
    pub stem: &'static str,
    /// The command that makes them.
    pub command: &'static str,
}

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
    /// All there is, as one share.
    pub const WHOLE: Self = Self { nth: 0, of: 1 };

    /// Which of `of` shares holds what has this id: the first eight bytes of the id's SHA-256, as a number, modulo `of`.
    pub fn place(id: &str, of: u64) -> u64 {
        let hash = ContentHash::of(id.as_bytes());
        let mut first = [0; 8];
        for (byte, of_hash) in first.iter_mut().zip(hash.as_bytes()) {
            *byte = *of_hash;
        }
        u64::from_be_bytes(first)
            .checked_rem(of)
            .unwrap_or_default()
    }

    /// Whether the record of this id is in it. So do replays divide their work: whatever lies before a record, it stays
    /// with its machine, and to read the ids costs nothing beside running the calls.
    pub fn takes(self, id: &str) -> bool {
        Self::place(id, self.of) == self.nth
    }

    /// Its records of `len`, by their places. So does divide its work who does little more than read: no machine reads what
    /// is another's. The ranges of all shares follow on each other and are as long but for one.
    pub fn range(self, len: usize) -> Range<usize> {
        let at = |nth: u64| {
            let place = len as u128 * u128::from(nth) / u128::from(self.of.max(1));
            usize::try_from(place).unwrap_or(len).min(len)
        };
        at(self.nth)..at(self.nth.saturating_add(1))
    }

    /// The name of its file when it is complete.
    pub fn file_name(self, kind: Kind) -> String {
        format!("{}-{:05}-of-{:05}{ENDING}", kind.stem, self.nth, self.of)
    }

    /// The share whose file, complete or not, has this name; `None` for other files. The second says whether it is
    /// complete.
    pub fn of_file_name(kind: Kind, name: &str) -> Option<(Self, bool)> {
        let (name, is_complete) = match name.strip_suffix(PART) {
            Some(name) => (name, false),
            None => (name, true),
        };
        let numbers = name.strip_prefix(kind.stem)?.strip_prefix('-')?;
        let (nth, of) = numbers.strip_suffix(ENDING)?.split_once("-of-")?;
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

/// A line as it was found.
#[derive(Debug)]
pub struct Line<'a> {
    /// From 1.
    pub number: usize,
    /// Its first byte in the file.
    pub start: u64,
    /// Without its end.
    pub bytes: &'a [u8],
    /// Whether it has an end: what has none is torn.
    pub is_ended: bool,
}

/// Reads a file line by line.
///
/// # Errors
/// Those of the disk.
pub fn each_line(path: &Path, each: &mut dyn FnMut(Line<'_>)) -> std::io::Result<()> {
    let mut file = BufReader::new(File::open(path)?);
    let mut bytes = Vec::new();
    let (mut start, mut number) = (0, 0);
    loop {
        bytes.clear();
        let len = file
            .by_ref()
            .take(LONGEST_LINE)
            .read_until(b'\n', &mut bytes)? as u64;
        if len == 0 {
            return Ok(());
        }
        number += 1;
        let is_ended = bytes.last() == Some(&b'\n');
        each(Line {
            number,
            start,
            bytes: bytes.strip_suffix(b"\n").unwrap_or(&bytes),
            is_ended,
        });
        start += len;
    }
}

#[cfg(test)]
mod tests;
