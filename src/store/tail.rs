//! Lines that were added to a file behind those that are known: while it is followed, and since an earlier run.

use std::fs::File;
use std::sync::PoisonError;
use std::sync::RwLock;

use crate::cancel::Cancel;
use crate::model::Fault;
use crate::model::Span;
use crate::read::json::ElementScanner;
use crate::read::json::Target;
use crate::store::bytes::read_at;
use crate::store::index::Index;
use crate::store::index::Slot;
use crate::store::index::Source;
use crate::store::lines::LineScanner;
use crate::store::lines::Lines;
use crate::store::pass::Pass;

/// The reason of a record that ends with its file.
pub(super) const CUT_OFF: &str = "cut off: the file ends inside this record";

/// Whether brackets or a string are still open at the end; tells a torn line from one that is merely bad.
pub(super) fn is_open(bytes: &[u8]) -> bool {
    let mut scanner = ElementScanner::new(Target::Array);
    scanner.push(bytes);
    scanner.is_open()
}

/// Where the line begins that reaches `to`, when a line ends between `from` and there.
fn line_start(file: &File, from: u64, to: u64) -> std::io::Result<Option<u64>> {
    const CHUNK: u64 = 1 << 16;
    let mut end = to;
    while end > from {
        let start = end.saturating_sub(CHUNK).max(from);
        let chunk = read_at(file, Span::new(start, end))?;
        if let Some(at) = memchr::memrchr(b'\n', &chunk) {
            return Ok(Some(start + at as u64 + 1));
        }
        end = start;
    }
    Ok(None)
}

/// A file of lines that has grown.
pub(super) struct Tail<'a> {
    /// The place of its source in the index.
    pub(super) place: u32,
    pub(super) source: &'a Source,
    /// Bytes whose lines are known.
    pub(super) seen: u64,
    /// Places of its records in the index.
    pub(super) records: &'a [usize],
}

/// What was found.
pub(super) struct Appended {
    /// Records that came to the end of the list.
    pub(super) appended: usize,
    /// The record whose line had no end before.
    pub(super) completed: Option<usize>,
}

impl Tail<'_> {
    /// The record of the last line, when that had no line end.
    fn torn(
        &self,
        index: &RwLock<Index>,
        file: &File,
    ) -> std::io::Result<(Option<usize>, u64, u32)> {
        let last = {
            let index = index.read().unwrap_or_else(PoisonError::into_inner);
            // records that are gone have no bytes, so that they are never the last line
            self.records
                .iter()
                .filter_map(|ix| Some((*ix, index.slots.get(*ix)?)))
                .filter(|(_, slot)| slot.len > 0)
                .max_by_key(|(_, slot)| (slot.start, slot.len))
        };
        let Some((ix, slot)) = last else {
            let start = line_start(file, 0, self.seen.min(file.metadata()?.len()))?;
            return Ok((None, start.unwrap_or(0), 0));
        };
        let end = slot.span().end;
        // blanks at the end may be the beginning of a line
        Ok(match line_start(file, end, self.seen)? {
            Some(start) => (None, start, slot.row.saturating_add(1)),
            None => (Some(ix), slot.start, slot.row),
        })
    }

    /// Scans what came. A last line that had no line end is scanned once more.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) fn append(
        &self,
        index: &RwLock<Index>,
        cancel: &Cancel,
    ) -> std::io::Result<Appended> {
        let file = File::open(&self.source.path)?;
        let (mut torn, start, mut row) = self.torn(index, &file)?;
        let completed = torn;
        let mut scanner = LineScanner::starting_at(start);
        let mut spans = Vec::new();
        let len = file.metadata()?.len();
        let pass = Pass {
            file: &file,
            span: Span::new(start, len.max(start)),
            reach: 0,
            cancel,
        };
        pass.run(
            |bytes, _| Lines::of(bytes),
            |lines| scanner.push(&lines.found, |span| spans.push(span)),
        )?;
        let at = scanner.at();
        let unfinished = scanner.unfinished();
        spans.extend(unfinished);
        let is_cut_off = match unfinished {
            Some(span) => is_open(&read_at(&file, span)?),
            None => false,
        };
        let mut found = Appended {
            appended: 0,
            completed: completed.filter(|_| !spans.is_empty()),
        };
        let mut index = index.write().unwrap_or_else(PoisonError::into_inner);
        let count = spans.len();
        for (nth, span) in spans.into_iter().enumerate() {
            let slot = Slot {
                source: self.place,
                row,
                start: span.start,
                len: span.len_bytes(),
            };
            row = row.saturating_add(1);
            let ix = if let Some(ix) = torn.take() {
                index.faults.remove(&ix);
                index.slots.set(ix, slot);
                ix
            } else {
                index.slots.push(slot);
                found.appended += 1;
                index.slots.len() - 1
            };
            if is_cut_off && nth + 1 == count {
                index.faults.insert(ix, Fault::at(CUT_OFF, span.end));
            }
        }
        drop(index);
        self.source.bytes.set_stamp(at)?;
        Ok(found)
    }
}
