//! The share of a replay: its lines, and beside them how they came to be.

use std::collections::HashSet;
use std::path::Path;
use std::path::PathBuf;

use crate::error::Error;
use crate::error::Result;
use crate::model::ContentHash;
use crate::replay::results::Parsed;
use crate::replay::results::Run;
use crate::replay::results::SHARES;
use crate::replay::results::Writer;
use crate::replay::results::parse;
use crate::replay::results::runs_file;
use crate::shard::Part;
use crate::shard::Shard;
use crate::shard::each_line;

/// Writes a share.
#[derive(Debug)]
pub struct ShardWriter {
    writer: Writer,
    part: Part,
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
        let whole = folder.join(shard.file_name(SHARES));
        check_options(&runs_file(&whole), options)?;
        let mut done = HashSet::new();
        let part = Part::open(folder, SHARES, shard, &mut |line| {
            let Parsed::Result(found) = parse(line.bytes) else {
                return false;
            };
            done.insert(found.record.sha256);
            true
        })?;
        let writer = Writer::open_pair(part.path(), &runs_file(&whole));
        let writer = writer.map_err(|err| {
            // people know the file by the name that it will have
            Error::input(format!("{} cannot be written", whole.display())).caused_by(err)
        })?;
        Ok(Self { writer, part, done })
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
        self.part.path()
    }

    /// Says that it is complete; the file has its name then.
    ///
    /// # Errors
    /// *input* when the disk does not take it.
    pub fn complete(mut self) -> Result<PathBuf> {
        self.writer.sync()?;
        self.part.complete()
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
