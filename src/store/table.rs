//! Parquet: a row is a record, as JSON. Rows are counted from the footer and decoded on demand.
//!
//! Only pages that hold the row are read: those before it are left out by the offset index, where the file has one, else
//! by their headers. What goes through rows in order goes on where it is: a few places in the table stay open, and what
//! was decoded last is kept for going back. So much is decoded at once as is little in bytes; a page is the least that can
//! be read. Malformed pages make the decoder panic; it runs behind `catch_unwind`, and [`expects_panic`] tells a panic hook
//! that nothing has to be restored.

use std::cell::Cell;
use std::collections::VecDeque;
use std::fs::File;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use parquet::file::metadata::PageIndexPolicy;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::metadata::ParquetMetaDataOptions;
use parquet::file::metadata::ParquetMetaDataReader;
use parquet::file::metadata::ParquetStatisticsPolicy;
use parquet::record::reader::ReaderIter;
use parquet::record::reader::TreeBuilder;

use crate::model::Fault;
use crate::store::table::pages::Group;
use crate::store::table::pages::Pages;

mod pages;

thread_local! {
    static EXPECTS_PANIC: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is inside a decoder whose panics are caught and become faults.
pub fn expects_panic() -> bool {
    EXPECTS_PANIC.with(Cell::get)
}

/// Runs a decoder, turning its panics into words.
fn guarded<T>(decode: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    EXPECTS_PANIC.with(|flag| flag.set(true));
    let result = std::panic::catch_unwind(AssertUnwindSafe(decode));
    EXPECTS_PANIC.with(|flag| flag.set(false));
    result.unwrap_or_else(|_panic| Err("a page is malformed".to_owned()))
}

/// An open Parquet file.
#[derive(Debug)]
pub(super) struct Table {
    pages: Arc<Pages>,
    about: ParquetMetaData,
    /// The first row of each row group, and the number of all rows at the end.
    group_starts: Vec<usize>,
    place: Mutex<Place>,
}

/// Where rows were decoded last.
#[derive(Debug, Default)]
struct Place {
    /// The one used last at the end.
    cursors: Vec<Cursor>,
    recent: VecDeque<(usize, Vec<u8>)>,
    recent_bytes: usize,
}

/// A place from which rows are decoded in order.
struct Cursor {
    group: usize,
    next_row: usize,
    has_index: bool,
    rows: ReaderIter,
}

impl std::fmt::Debug for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cursor")
            .field("group", &self.group)
            .field("next_row", &self.next_row)
            .finish_non_exhaustive()
    }
}

impl Cursor {
    /// So many rows are decoded rather than to look for the page of a row.
    const NEAR: usize = 16;
    /// … where the pages before it would be unpacked again for that.
    const NEAR_WITHOUT_INDEX: usize = 256;

    /// Whether it comes by the row soon.
    fn is_near(&self, group: usize, row: usize) -> bool {
        let near = if self.has_index {
            Self::NEAR
        } else {
            Self::NEAR_WITHOUT_INDEX
        };
        self.group == group && self.next_row <= row && row - self.next_row <= near
    }

    fn next(&mut self) -> Result<Vec<u8>, String> {
        let next = self.rows.next().ok_or("the row is missing")?;
        let next = next.map_err(|err| err.to_string())?;
        self.next_row += 1;
        Ok(next.to_json_value().to_string().into_bytes())
    }
}

impl Place {
    const RECENT_BYTES: usize = 32 << 20;
    /// The list, a page and a preview go through rows at once. Each holds a page of every column.
    const CURSORS: usize = 3;
    /// Who goes back is given so many rows at once.
    const BACK: usize = 8;

    fn keep(&mut self, row: usize, json: Vec<u8>) {
        self.recent_bytes += json.len();
        self.recent.push_back((row, json));
        while self.recent_bytes > Self::RECENT_BYTES && self.recent.len() > 1 {
            if let Some((_, old)) = self.recent.pop_front() {
                self.recent_bytes -= old.len();
            }
        }
    }

    /// Takes out the cursor that comes by the row first, if one does soon.
    fn take(&mut self, group: usize, row: usize) -> Option<Cursor> {
        let near = self.cursors.iter().enumerate();
        let near = near.filter(|(_, cursor)| cursor.is_near(group, row));
        let (nth, _) = near.max_by_key(|(_, cursor)| cursor.next_row)?;
        Some(self.cursors.remove(nth))
    }

    fn put(&mut self, cursor: Cursor) {
        if self.cursors.len() >= Self::CURSORS {
            self.cursors.remove(0);
        }
        self.cursors.push(cursor);
    }

    /// Whether rows a little behind this one were decoded just now.
    fn goes_back_to(&self, row: usize) -> bool {
        let mut last = self.recent.iter().rev().take(Self::BACK);
        last.any(|(at, _)| *at > row && *at - row <= Self::BACK)
    }
}

impl Table {
    /// So much is decoded at once of each column, about.
    const BATCH_BYTES: i64 = 64 << 10;
    const BATCH_ROWS: i64 = 1024;

    /// Reads the footer.
    ///
    /// # Errors
    /// What is wrong with the file, in words.
    pub(super) fn open(file: Arc<File>) -> Result<Self, String> {
        let pages = Pages::new(file).map_err(|err| err.to_string())?;
        // statistics are most of a long footer
        let skip = || ParquetStatisticsPolicy::SkipAll;
        let options = ParquetMetaDataOptions::new()
            .with_column_stats_policy(skip())
            .with_encoding_stats_policy(skip())
            .with_size_stats_policy(skip());
        let about = guarded(|| {
            ParquetMetaDataReader::new()
                .with_metadata_options(Some(options))
                .with_page_index_policy(PageIndexPolicy::Skip)
                .parse_and_finish(&pages)
                .map_err(|err| err.to_string())
        })?;
        let mut group_starts = vec![0_usize];
        let mut total = 0_usize;
        for group in about.row_groups() {
            total = total.saturating_add(usize::try_from(group.num_rows()).unwrap_or(0));
            group_starts.push(total);
        }
        Ok(Self {
            pages: Arc::new(pages),
            about,
            group_starts,
            place: Mutex::default(),
        })
    }

    /// Whether its rows have a member of this name.
    pub(super) fn has_column(&self, name: &str) -> bool {
        let schema = self.about.file_metadata().schema();
        schema.is_group() && schema.get_fields().iter().any(|field| field.name() == name)
    }

    /// How many rows there are.
    pub(super) fn rows(&self) -> usize {
        self.group_starts.last().copied().unwrap_or(0)
    }

    /// The row as a JSON object.
    ///
    /// # Errors
    /// The fault when its page is damaged.
    pub(super) fn row_json(&self, row: usize) -> Result<Vec<u8>, Fault> {
        let mut place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, json)) = place.recent.iter().find(|(at, _)| *at == row) {
            return Ok(json.clone());
        }
        let result = guarded(|| self.decode(&mut place, row));
        result.map_err(|why| Fault::new(format!("row {row} of the Parquet file: {why}")))
    }

    fn decode(&self, place: &mut Place, row: usize) -> Result<Vec<u8>, String> {
        let group = self
            .group_starts
            .partition_point(|start| *start <= row)
            .saturating_sub(1);
        let mut cursor = match place.take(group, row) {
            Some(cursor) => cursor,
            None if place.goes_back_to(row) => {
                self.cursor_at(group, row.saturating_sub(Place::BACK - 1))?
            }
            None => self.cursor_at(group, row)?,
        };
        loop {
            let at = cursor.next_row;
            // rows on the way are likely to be asked for next
            let json = cursor.next()?;
            if at >= row {
                place.keep(at, json.clone());
                place.put(cursor);
                return Ok(json);
            }
            place.keep(at, json);
        }
    }

    /// Goes to a row of a group, or to the group's first one if that is later.
    fn cursor_at(&self, group: usize, row: usize) -> Result<Cursor, String> {
        let start = self.group_starts.get(group).copied().unwrap_or(0);
        let skip = row.saturating_sub(start);
        let about = self.about.row_groups().get(group);
        let about = about.ok_or("the row is missing")?;
        let each = about.total_byte_size() / about.num_rows().max(1);
        let batch = (Self::BATCH_BYTES / each.max(1)).clamp(1, Self::BATCH_ROWS);
        let group_pages = Group::new(&self.pages, about, skip);
        let rows = TreeBuilder::new()
            .with_batch_size(usize::try_from(batch).unwrap_or(1))
            .as_iter(about.schema_descr_ptr(), &group_pages)
            .map_err(|err| err.to_string())?;
        Ok(Cursor {
            group,
            next_row: start + skip,
            has_index: group_pages.has_index(),
            rows,
        })
    }
}

#[cfg(test)]
mod tests;
