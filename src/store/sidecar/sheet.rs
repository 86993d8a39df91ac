//! What is known of each record of one file, its row of the list and its content: what an earlier run left in the sidecar,
//! and what this one finds out.
//!
//! Rows are kept as the record alone says them, before side files are joined. Each kind is gathered in blocks of its own,
//! and a block that is full goes to the disk: what is held does not grow with the file.

use std::collections::HashMap;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use tempfile::TempPath;

use crate::model::ContentHash;
use crate::model::Format;
use crate::model::Summary;
use crate::store::content::Note;
use crate::store::index::Slot;
use crate::store::index::file_name;
use crate::store::sidecar::FileHash;
use crate::store::sidecar::Print;
use crate::store::sidecar::Shelf;
use crate::store::sidecar::form;
use crate::store::sidecar::form::Place;
use crate::store::sidecar::form::Reader;
use crate::store::sidecar::kept::Sidecar;

/// Records of a block.
pub(super) const BLOCK: usize = 256;
/// A longer row is not kept.
const MOST_ROW: usize = 64 << 10;
/// Nor is a longer note.
const MOST_NOTE: usize = 4 << 10;

/// Contents and notes alone are worth writing a sidecar anew when they are at least one of so many records.
const WORTH: usize = 64;

/// What is kept of each record, in blocks by kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// Its row of the list.
    Row,
    /// The hash of its bytes.
    Content,
    /// Nothing: that it is there says that its bytes hold no line break.
    Line,
    /// What somebody noted of it.
    Note(Note),
}

impl Kind {
    /// In the order in which sidecars name their blocks.
    pub(super) const ALL: [Self; 6] = [
        Self::Row,
        Self::Content,
        Self::Line,
        Self::Note(Note::Published),
        Self::Note(Note::Strict),
        Self::Note(Note::Flags),
    ];
}

/// What is kept of records by their place in the block; of those that nobody knows it is empty, or behind the last.
#[derive(Debug, Default)]
struct Block {
    rows: Vec<Box<[u8]>>,
    known: usize,
}

impl Block {
    fn put(&mut self, place: usize, row: Vec<u8>) {
        if self.rows.len() <= place {
            self.rows.resize(place + 1, Box::default());
        }
        if let Some(there) = self.rows.get_mut(place) {
            self.known += usize::from(there.is_empty());
            *there = row.into_boxed_slice();
        }
    }

    fn get(&self, place: usize) -> Option<&[u8]> {
        let row = self.rows.get(place)?;
        (!row.is_empty()).then_some(row)
    }
}

/// What is known of the records of a file.
#[derive(Debug)]
pub(in crate::store) struct Sheet {
    pub(super) shelf: Shelf,
    /// The file's canonical path.
    pub(super) path: PathBuf,
    /// The path by which it was named.
    named: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    /// What the file was while it was scanned; `None` when that is not over, or it changed.
    pub(super) print: Option<Print>,
    /// What there was before.
    pub(super) old: Option<Arc<Sidecar>>,
    pub(super) fresh: Fresh,
    /// Of the whole file.
    pub(super) sha256: Option<[u8; 32]>,
    /// The sidecar does not have all that is known, contents and notes aside.
    pub(super) is_new: bool,
    /// Contents and notes that no sidecar has.
    loose: usize,
    /// The file was unpacked, and the sidecar has no copy of that.
    pub(super) lacks_copy: bool,
    /// There is no point in keeping anything.
    is_void: bool,
    sources: usize,
}

/// What is in no sidecar.
#[derive(Debug, Default)]
pub(super) struct Fresh {
    partial: HashMap<(Kind, usize), Block>,
    pub(super) full: HashMap<(Kind, usize), Place>,
    /// What will become the sidecar, once there is a full block.
    pub(super) file: Option<Spill>,
}

/// A file that becomes a sidecar when it is whole.
#[derive(Debug)]
pub(super) struct Spill {
    path: TempPath,
    /// Open while it is written: there may be more of them than files can be open.
    file: Option<File>,
    at: u64,
}

impl Spill {
    /// Begins a file in the folder.
    pub(super) fn begin(folder: &Path) -> std::io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let file = tempfile::Builder::new()
            .prefix(Shelf::TEMPORARY)
            .tempfile_in(folder)?;
        let (file, path) = file.into_parts();
        Ok(Self {
            path,
            file: Some(file),
            at: 0,
        })
    }

    /// Adds bytes and says where they are.
    pub(super) fn add(&mut self, bytes: &[u8]) -> std::io::Result<Place> {
        let mut file = match self.file.take() {
            Some(file) => file,
            None => File::options().append(true).open(&self.path)?,
        };
        file.write_all(bytes)?;
        self.file = Some(file);
        let start = self.at;
        self.at += bytes.len() as u64;
        Ok(Place {
            start,
            len: bytes.len() as u64,
            sum: form::checksum(bytes),
        })
    }

    /// Closes it for a while.
    fn rest(&mut self) {
        self.file = None;
    }

    /// Gives it its name.
    pub(super) fn publish(self, path: &Path) -> std::io::Result<()> {
        self.path.persist(path).map_err(|failed| failed.error)?;
        Ok(())
    }
}

/// Whether readers of the family look at the folders around a file: such a row holds only for the path by which it was
/// named then.
fn looks_around(format: Option<Format>) -> bool {
    matches!(
        format,
        None | Some(Format::OpenHandsV1 | Format::SweAgent | Format::Report)
    )
}

impl Sheet {
    /// The sheet of a file that is about to be scanned, or was found in a sidecar.
    pub(super) fn new(
        shelf: Shelf,
        path: PathBuf,
        named: &Path,
        old: Option<Arc<Sidecar>>,
    ) -> Self {
        // a link of another name gives records without an id other names
        let old = old.filter(|old| file_name(&old.named) == file_name(named));
        Self {
            shelf,
            path,
            named: named.to_path_buf(),
            state: Mutex::new(State {
                is_new: old.is_none(),
                old,
                ..State::default()
            }),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The path by which the rows of the sidecar were named.
    pub(super) fn naming(&self, state: &State) -> PathBuf {
        let old = state.old.as_ref().map(|old| &old.named);
        old.unwrap_or(&self.named).clone()
    }

    fn may_hold(&self, old: Option<&Arc<Sidecar>>, format: Option<Format>) -> bool {
        old.is_none_or(|old| old.named == self.named) || !looks_around(format)
    }

    /// Counts the sources that the file becomes: a sheet is of one.
    pub(in crate::store) fn enter(&self) {
        let mut state = self.lock();
        state.sources += 1;
        if state.sources > 1 {
            state.give_up();
        }
    }

    /// Says that the file was unpacked: a copy that was kept before is gone.
    pub(in crate::store) fn lose_copy(&self) {
        self.lock().lacks_copy = true;
    }

    /// Says that the file was scanned to its end and is what it was before.
    pub(in crate::store) fn seal(&self, print: Print) {
        let mut state = self.lock();
        if state.sources == 1 {
            // what was known of the whole file is not of a longer one
            let is_same = state.old.as_ref().is_some_and(|old| old.print == print);
            if is_same {
                state.sha256 = state.old.as_ref().and_then(|old| old.sha256);
            } else {
                state.is_new = true;
            }
            state.print = Some(print);
        }
    }

    /// Says that nothing of it will be kept.
    pub(in crate::store) fn give_up(&self) {
        self.lock().give_up();
    }

    /// The row of a record as it was found out before; `None` when nobody did, or the record lies elsewhere now.
    pub(in crate::store) fn get(&self, slot: &Slot) -> Option<Summary> {
        let old = self.lock().old.clone();
        let row = old.as_ref()?.row(slot)?;
        self.may_hold(old.as_ref(), row.format).then_some(row)
    }

    /// Keeps the row of a record, as the record alone says it.
    pub(in crate::store) fn put(&self, slot: &Slot, row: &Summary) {
        let mut bytes = Vec::new();
        form::put_span(&mut bytes, slot.span());
        form::put_row(&mut bytes, row);
        let mut state = self.lock();
        if bytes.len() <= MOST_ROW && self.may_hold(state.old.as_ref(), row.format) {
            let is_more = state.put(&self.shelf, Kind::Row, slot, bytes);
            state.is_new |= is_more;
        }
    }

    /// The content of a record as it was hashed before; `None` when nobody did, the record lies elsewhere now, or the file
    /// is not what it was when it was scanned.
    pub(in crate::store) fn content(&self, slot: &Slot) -> Option<ContentHash> {
        let found = self.known(Kind::Content, slot)?;
        Some(ContentHash::from_digest(found.try_into().ok()?))
    }

    /// Keeps the content of a record.
    pub(in crate::store) fn put_content(&self, slot: &Slot, hash: ContentHash) {
        self.put_known(Kind::Content, slot, hash.as_bytes());
    }

    /// Whether the bytes of a record are known to hold no line break.
    pub(in crate::store) fn is_line(&self, slot: &Slot) -> bool {
        self.known(Kind::Line, slot).is_some()
    }

    /// Keeps that the bytes of a record hold no line break.
    pub(in crate::store) fn put_line(&self, slot: &Slot) {
        self.put_known(Kind::Line, slot, &[]);
    }

    /// What was noted of a record before, under the same conditions as its content and by the path by which the file was
    /// named then.
    pub(in crate::store) fn note(&self, slot: &Slot, note: Note) -> Option<Vec<u8>> {
        let old = self.lock().old.clone();
        let is_named_alike = old.is_none_or(|old| old.named == self.named);
        is_named_alike.then(|| self.known(Kind::Note(note), slot))?
    }

    /// Keeps what was found out of a record alone.
    pub(in crate::store) fn put_note(&self, slot: &Slot, note: Note, bytes: &[u8]) {
        let is_named_alike = {
            let state = self.lock();
            state.old.as_ref().is_none_or(|old| old.named == self.named)
        };
        if is_named_alike && bytes.len() <= MOST_NOTE {
            self.put_known(Kind::Note(note), slot, bytes);
        }
    }

    fn known(&self, kind: Kind, slot: &Slot) -> Option<Vec<u8>> {
        let (old, fresh, print) = {
            let state = self.lock();
            let print = state.print.clone()?;
            (state.old.clone(), state.fresh(kind, slot), print)
        };
        let found = fresh.or_else(|| old?.known(kind, slot))?;
        // a decision must not be on what a record was before
        let is_same = Print::at(&self.path).is_ok_and(|now| now == print);
        is_same.then_some(found)
    }

    fn put_known(&self, kind: Kind, slot: &Slot, known: &[u8]) {
        let mut bytes = Vec::new();
        form::put_span(&mut bytes, slot.span());
        bytes.extend(known);
        let mut state = self.lock();
        if state.put(&self.shelf, kind, slot, bytes) {
            state.loose += 1;
        }
    }

    /// Keeps the whole file's SHA-256, where it was taken of the file that was scanned.
    pub(in crate::store) fn put_sha256(&self, hash: &FileHash) {
        let mut state = self.lock();
        if state.print.as_ref() == Some(&hash.print) && state.sha256 != Some(hash.sha256) {
            state.sha256 = Some(hash.sha256);
            state.is_new = true;
        }
    }
}

impl State {
    /// Keeps nothing of it from now on.
    pub(super) fn give_up(&mut self) {
        self.is_void = true;
        self.print = None;
        self.old = None;
        self.fresh = Fresh::default();
    }

    /// Whether something is worth writing for a file of so many records, or its copy worth keeping.
    pub(super) fn is_due(&self, records: usize) -> bool {
        self.print.is_some() && (self.has_news(records) || self.lacks_copy)
    }

    /// Whether what is known of a file of so many records and is in no sidecar is worth writing.
    pub(super) fn has_news(&self, records: usize) -> bool {
        self.is_new || self.loose.saturating_mul(WORTH) >= records.max(1)
    }

    /// Says that all that is known is written.
    pub(super) fn settle(&mut self) {
        self.is_new = false;
        self.loose = 0;
    }

    /// Adds what is known of a record; says whether it was not there yet.
    fn put(&mut self, folder: &Shelf, kind: Kind, slot: &Slot, bytes: Vec<u8>) -> bool {
        let (nth, place) = place_of(slot);
        let fresh = &mut self.fresh;
        if self.is_void || fresh.full.contains_key(&(kind, nth)) {
            return false;
        }
        let block = fresh.partial.entry((kind, nth)).or_default();
        let before = block.known;
        block.put(place, bytes);
        let is_more = block.known > before;
        if block.known == BLOCK && fresh.spill(folder, (kind, nth)).is_err() {
            self.give_up();
        }
        is_more
    }

    /// What this run has found out of a record and holds.
    fn fresh(&self, kind: Kind, slot: &Slot) -> Option<Vec<u8>> {
        let (nth, place) = place_of(slot);
        let block = self.fresh.partial.get(&(kind, nth))?;
        of_slot(block.get(place)?, slot)
    }

    /// The block as it is known now; `None` when nothing of it is.
    pub(super) fn block(&self, kind: Kind, nth: usize) -> Option<Vec<u8>> {
        let old = self.old.as_ref().and_then(|old| old.block(kind, nth));
        let Some(fresh) = self.fresh.partial.get(&(kind, nth)) else {
            return old.map(|old| old.to_vec());
        };
        let row = |place: usize| {
            let known = || old.as_ref().and_then(|old| row_of(old, place));
            fresh.get(place).or_else(known).unwrap_or_default()
        };
        Some(lay_out((0..BLOCK).map(row)))
    }
}

impl Fresh {
    /// Moves a full block to the disk.
    fn spill(&mut self, folder: &Shelf, nth: (Kind, usize)) -> std::io::Result<()> {
        let Some(block) = self.partial.remove(&nth) else {
            return Ok(());
        };
        let bytes = lay_out((0..BLOCK).map(|place| block.get(place).unwrap_or_default()));
        let mut file = match self.file.take() {
            Some(file) => file,
            None => folder.begin()?,
        };
        self.full.insert(nth, file.add(&bytes)?);
        file.rest();
        self.file = Some(file);
        Ok(())
    }
}

/// A block: where each row ends, then the rows.
fn lay_out<'a>(rows: impl Iterator<Item = &'a [u8]> + Clone) -> Vec<u8> {
    let mut out = Vec::new();
    let mut end = 0_u32;
    for row in rows.clone() {
        end = end.saturating_add(u32::try_from(row.len()).unwrap_or(u32::MAX));
        out.extend(end.to_le_bytes());
    }
    rows.for_each(|row| out.extend(row));
    out
}

/// The bytes of a row of a block; `None` when nobody knew it.
fn row_of(block: &[u8], place: usize) -> Option<&[u8]> {
    const END: usize = size_of::<u32>();
    let end_of = |place: usize| {
        let end = block.get(place * END..(place + 1) * END)?;
        usize::try_from(u32::from_le_bytes(end.try_into().ok()?)).ok()
    };
    let start = match place.checked_sub(1) {
        Some(before) => end_of(before)?,
        None => 0,
    };
    let rows = block.get(BLOCK * END..)?;
    rows.get(start..end_of(place)?)
        .filter(|row| !row.is_empty())
}

/// The block of the record of a slot, and its place in it.
pub(super) fn place_of(slot: &Slot) -> (usize, usize) {
    let row = usize::try_from(slot.row).unwrap_or(usize::MAX);
    (row / BLOCK, row % BLOCK)
}

/// What is kept for the record of a slot, if it is its.
fn of_slot(bytes: &[u8], slot: &Slot) -> Option<Vec<u8>> {
    let mut reader = Reader(bytes);
    (reader.span()? == slot.span()).then(|| reader.0.to_vec())
}

/// What is kept for the record of a slot, out of its block.
pub(super) fn read_known(block: &[u8], slot: &Slot) -> Option<Vec<u8>> {
    of_slot(row_of(block, place_of(slot).1)?, slot)
}

/// The row of a block for the record of a slot.
pub(super) fn read_row(block: &[u8], slot: &Slot) -> Option<Summary> {
    let mut reader = Reader(row_of(block, place_of(slot).1)?);
    if reader.span()? != slot.span() {
        return None;
    }
    reader.row()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_a_block_are_found() {
        let rows: Vec<Vec<u8>> = (0..BLOCK).map(|n| vec![7; n % 3]).collect();
        let block = lay_out(rows.iter().map(Vec::as_slice));
        for (place, row) in rows.iter().enumerate() {
            let want = (!row.is_empty()).then_some(row.as_slice());
            assert_eq!(row_of(&block, place), want);
        }
        assert_eq!(row_of(&block, BLOCK), None);
        assert_eq!(row_of(&block[..7], 3), None);
    }
}
