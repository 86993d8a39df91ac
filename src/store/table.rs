//! Parquet: a row is a record, as JSON. Rows are counted from the footer and decoded on demand.
//!
//! The row reader only goes forward from the start of a row group. One place in the table stays open, so that rows in
//! order cost one decoding each, and what was decoded last is kept for going back. Malformed pages make the decoder
//! panic; it runs behind `catch_unwind`, and [`expects_panic`] tells a panic hook that nothing has to be restored.

use std::cell::Cell;
use std::collections::VecDeque;
use std::fs::File;
use std::panic::AssertUnwindSafe;
use std::sync::Mutex;
use std::sync::PoisonError;

use parquet::file::reader::FileReader as _;
use parquet::file::reader::SerializedFileReader;
use parquet::file::serialized_reader::ReadOptionsBuilder;
use parquet::record::reader::RowIter;

use crate::model::Fault;

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
    file: File,
    /// The first row of each row group, and the number of all rows at the end.
    group_starts: Vec<usize>,
    place: Mutex<Place>,
}

#[derive(Default)]
struct Place {
    group: usize,
    next_row: usize,
    rows: Option<RowIter<'static>>,
    recent: VecDeque<(usize, Vec<u8>)>,
    recent_bytes: usize,
}

impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Place")
            .field("next_row", &self.next_row)
            .field("recent", &self.recent.len())
            .finish_non_exhaustive()
    }
}

impl Place {
    const RECENT_BYTES: usize = 32 << 20;

    fn keep(&mut self, row: usize, json: Vec<u8>) {
        self.recent_bytes += json.len();
        self.recent.push_back((row, json));
        while self.recent_bytes > Self::RECENT_BYTES && self.recent.len() > 1 {
            if let Some((_, old)) = self.recent.pop_front() {
                self.recent_bytes -= old.len();
            }
        }
    }
}

impl Table {
    /// Reads the footer.
    ///
    /// # Errors
    /// What is wrong with the file, in words.
    pub(super) fn open(file: File) -> Result<Self, String> {
        let copy = file.try_clone().map_err(|err| err.to_string())?;
        let group_starts = guarded(|| {
            let reader = SerializedFileReader::new(copy).map_err(|err| err.to_string())?;
            let mut starts = vec![0_usize];
            let mut total = 0_usize;
            for group in reader.metadata().row_groups() {
                total = total.saturating_add(usize::try_from(group.num_rows()).unwrap_or(0));
                starts.push(total);
            }
            Ok(starts)
        })?;
        Ok(Self {
            file,
            group_starts,
            place: Mutex::default(),
        })
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
        result.map_err(|why| {
            place.rows = None;
            Fault::new(format!("row {row} of the Parquet file: {why}"))
        })
    }

    fn decode(&self, place: &mut Place, row: usize) -> Result<Vec<u8>, String> {
        let group = self
            .group_starts
            .partition_point(|start| *start <= row)
            .saturating_sub(1);
        let group_start = self.group_starts.get(group).copied().unwrap_or(0);
        let is_ahead = place.rows.is_some() && place.group == group && place.next_row <= row;
        if !is_ahead {
            place.rows = Some(self.rows_of(group)?);
            place.group = group;
            place.next_row = group_start;
        }
        while let Some(next) = place.rows.as_mut().and_then(Iterator::next) {
            let next = next.map_err(|err| err.to_string())?;
            let at = place.next_row;
            place.next_row += 1;
            // rows on the way are cheap to keep and likely to be asked for next
            let json = next.to_json_value().to_string().into_bytes();
            if at == row {
                place.keep(at, json.clone());
                return Ok(json);
            }
            place.keep(at, json);
        }
        place.rows = None;
        Err("the row is missing".to_owned())
    }

    fn rows_of(&self, group: usize) -> Result<RowIter<'static>, String> {
        let file = self.file.try_clone().map_err(|err| err.to_string())?;
        let only = ReadOptionsBuilder::new()
            .with_predicate(Box::new(move |_, index| index == group))
            .build();
        let reader =
            SerializedFileReader::new_with_options(file, only).map_err(|err| err.to_string())?;
        Ok(RowIter::from_file_into(Box::new(reader)))
    }
}
