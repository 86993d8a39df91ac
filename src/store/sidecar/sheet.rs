//! Rows of the list of one file: those that an earlier run left in the sidecar, and those that this one finds out.
//!
//! Rows are kept as the record alone says them, before side files are joined. They are gathered in blocks, and a block
//! that is full goes to the disk: what is held does not grow with the file.

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

use crate::model::Format;
use crate::model::Summary;
use crate::store::index::Slot;
use crate::store::index::file_name;
use crate::store::sidecar::FileHash;
use crate::store::sidecar::Print;
use crate::store::sidecar::Shelf;
use crate::store::sidecar::form;
use crate::store::sidecar::form::Place;
use crate::store::sidecar::form::Reader;
use crate::store::sidecar::kept::Sidecar;

/// Rows of a block.
pub(super) const BLOCK: usize = 256;
/// A longer row is not kept.
const MOST_ROW: usize = 64 << 10;

/// Rows by their place in the block; those that nobody knows are empty, or behind the last.
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

/// The rows of a file.
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
    /// The sidecar does not have all that is known.
    pub(super) is_new: bool,
    /// The file was unpacked, and the sidecar has no copy of that.
    pub(super) lacks_copy: bool,
    /// There is no point in keeping anything.
    is_void: bool,
    sources: usize,
}

/// Rows that are in no sidecar.
#[derive(Debug, Default)]
pub(super) struct Fresh {
    partial: HashMap<usize, Block>,
    pub(super) full: HashMap<usize, Place>,
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
        if state.is_void || bytes.len() > MOST_ROW || !self.may_hold(state.old.as_ref(), row.format)
        {
            return;
        }
        state.is_new = true;
        let place = usize::try_from(slot.row).unwrap_or(usize::MAX);
        let (nth, place) = (place / BLOCK, place % BLOCK);
        let fresh = &mut state.fresh;
        if fresh.full.contains_key(&nth) {
            return;
        }
        let block = fresh.partial.entry(nth).or_default();
        block.put(place, bytes);
        if block.known == BLOCK && fresh.spill(&self.shelf, nth).is_err() {
            state.give_up();
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

    /// The block as it is known now; `None` when none of its rows is.
    pub(super) fn block(&self, nth: usize) -> Option<Vec<u8>> {
        let old = self.old.as_ref().and_then(|old| old.block(nth));
        let Some(fresh) = self.fresh.partial.get(&nth) else {
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
    fn spill(&mut self, folder: &Shelf, nth: usize) -> std::io::Result<()> {
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

/// The row of a block for the record of a slot.
pub(super) fn read_row(block: &[u8], slot: &Slot) -> Option<Summary> {
    let place = usize::try_from(slot.row).ok()? % BLOCK;
    let mut reader = Reader(row_of(block, place)?);
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
