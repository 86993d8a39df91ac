//! The lines of an open journal: added whole and synced, or not at all.

use std::fs::File;
use std::io;
use std::io::Read;
use std::io::Seek;
use std::io::SeekFrom;
use std::io::Write;
use std::path::PathBuf;

use crate::review::Line;
use crate::review::Parsed;
use crate::review::journal::options;

/// What lines are written to: a file that was opened to append, or what stands in for one that fails.
pub(super) trait Disk: Read + Write + Seek {
    /// Its length in bytes.
    ///
    /// # Errors
    /// Those of the system.
    fn len_bytes(&self) -> io::Result<u64>;

    /// Cuts it.
    ///
    /// # Errors
    /// Those of the system.
    fn cut(&mut self, len_bytes: u64) -> io::Result<()>;

    /// Waits until all of it would survive a crash of the machine.
    ///
    /// # Errors
    /// Those of the system.
    fn sync(&mut self) -> io::Result<()>;
}

impl Disk for File {
    fn len_bytes(&self) -> io::Result<u64> {
        self.metadata().map(|meta| meta.len())
    }

    fn cut(&mut self, len_bytes: u64) -> io::Result<()> {
        self.set_len(len_bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

/// Appends lines.
#[derive(Debug)]
pub(super) struct Lines<D> {
    disk: D,
    /// Where half lines go.
    aside: PathBuf,
    state: State,
}

/// What is known of the end of the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It ends here, with a whole line that is saved.
    Whole(u64),
    /// What is saved ends here; a failed write may have left something behind it.
    MustCut(u64),
    /// Nothing: it has to be looked at.
    Unknown,
}

impl<D: Disk> Lines<D> {
    /// Looks at nothing yet. Half lines go to the file `aside`.
    pub(super) fn new(disk: D, aside: PathBuf) -> Self {
        Self {
            disk,
            aside,
            state: State::Unknown,
        }
    }

    /// What they are written to.
    pub(super) fn disk(&self) -> &D {
        &self.disk
    }

    /// Appends whole lines and syncs them: all of them or none.
    ///
    /// # Errors
    /// Those of the system. What was written of the lines is cut off again, now or before anything else is appended.
    pub(super) fn append(&mut self, bytes: &[u8], notes: &mut Vec<String>) -> io::Result<()> {
        let end = self.end(notes)?;
        self.state = State::MustCut(end);
        let written = self.disk.write_all(bytes);
        match written.and_then(|()| self.disk.sync()) {
            Ok(()) => {
                self.state = State::Whole(end + bytes.len() as u64);
                Ok(())
            }
            Err(err) => {
                let cut = self.disk.cut(end).and_then(|()| self.disk.sync());
                if cut.is_ok() {
                    self.state = State::Whole(end);
                }
                Err(err)
            }
        }
    }

    /// Where the next line goes, once the journal ends with a whole one.
    fn end(&mut self, notes: &mut Vec<String>) -> io::Result<u64> {
        if let State::MustCut(end) = self.state {
            self.disk.cut(end)?;
            self.state = State::Whole(end);
        }
        match self.state {
            State::Whole(end) if self.disk.len_bytes()? == end => Ok(end),
            // somebody edited or extended it by hand, or mending it failed
            _ => self.mend(notes),
        }
    }

    /// Sees to it that the file ends with a whole line: half a line goes aside, a whole one that lacks only its end gets
    /// it. Returns where it ends then.
    ///
    /// # Errors
    /// Those of the system; the journal is looked at again before anything is appended.
    pub(super) fn mend(&mut self, notes: &mut Vec<String>) -> io::Result<u64> {
        self.state = State::Unknown;
        let len = self.disk.len_bytes()?;
        let start = self.last_line_start(len)?;
        let end = if start == len {
            len
        } else {
            self.mend_last(start, notes)?
        };
        self.state = State::Whole(end);
        Ok(end)
    }

    fn mend_last(&mut self, start: u64, notes: &mut Vec<String>) -> io::Result<u64> {
        let mut tail = Vec::new();
        self.disk.seek(SeekFrom::Start(start))?;
        self.disk.read_to_end(&mut tail)?;
        if matches!(Line::parse(&tail), Parsed::Line(_) | Parsed::Future(_)) {
            self.disk.write_all(b"\n")?;
            self.disk.sync()?;
            return Ok(start + tail.len() as u64 + 1);
        }
        let mut torn = options().append(true).create(true).open(&self.aside)?;
        tail.push(b'\n');
        torn.write_all(&tail)?;
        torn.sync_data()?;
        notes.push(format!(
            "a torn last line was set aside into {}",
            self.aside.display()
        ));
        self.disk.cut(start)?;
        self.disk.sync()?;
        Ok(start)
    }

    /// Where the line begins that has no end yet; the length of the file where there is none.
    fn last_line_start(&mut self, len: u64) -> io::Result<u64> {
        const CHUNK: u64 = 1 << 16;
        let mut end = len;
        let mut chunk = Vec::new();
        while end > 0 {
            let start = end.saturating_sub(CHUNK);
            chunk.clear();
            self.disk.seek(SeekFrom::Start(start))?;
            (&mut self.disk).take(end - start).read_to_end(&mut chunk)?;
            if let Some(at) = memchr::memrchr(b'\n', &chunk) {
                return Ok(start + at as u64 + 1);
            }
            end = start;
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests;
