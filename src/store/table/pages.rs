//! The pages of a Parquet file, read where they lie, and those of a row group from one of its rows on.

use std::fs::File;
use std::io;
use std::io::BufReader;
use std::io::Read;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
#[cfg(test)]
use std::sync::atomic::AtomicU64;
#[cfg(test)]
use std::sync::atomic::Ordering;

use bytes::Bytes;
use parquet::basic::Type as Physical;
use parquet::bloom_filter::Sbbf;
use parquet::column::page::PageReader;
use parquet::column::reader::ColumnReader;
use parquet::column::reader::ColumnReaderImpl;
use parquet::errors::ParquetError;
use parquet::errors::Result;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::page_index::index_reader::decode_offset_index;
use parquet::file::page_index::offset_index::PageLocation;
use parquet::file::reader::ChunkReader;
use parquet::file::reader::Length;
use parquet::file::reader::RowGroupReader;
use parquet::file::serialized_reader::SerializedPageReader;
use parquet::record::reader::RowIter;
use parquet::schema::types::Type;

/// The file. Reading has no place of its own, so that several can read at once.
#[derive(Debug)]
pub(super) struct Pages {
    file: Arc<File>,
    len: u64,
    #[cfg(test)]
    pub(super) read: Arc<AtomicU64>,
}

impl Pages {
    /// The pages of a file as long as it is now.
    pub(super) fn new(file: Arc<File>) -> io::Result<Self> {
        let len = file.metadata()?.len();
        Ok(Self {
            file,
            len,
            #[cfg(test)]
            read: Arc::default(),
        })
    }

    fn from(&self, at: u64) -> Onward {
        Onward {
            file: Arc::clone(&self.file),
            at,
            #[cfg(test)]
            read: Arc::clone(&self.read),
        }
    }
}

impl Length for Pages {
    fn len(&self) -> u64 {
        self.len
    }
}

impl ChunkReader for Pages {
    type T = BufReader<Onward>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        // headers of pages are short; what is read behind them is read in vain
        const HEADER_BYTES: usize = 512;
        Ok(BufReader::with_capacity(HEADER_BYTES, self.from(start)))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        // a length that is wrong must not ask for all memory
        if start
            .checked_add(length as u64)
            .is_none_or(|end| end > self.len)
        {
            return Err(ParquetError::EOF("the file ends before".to_owned()));
        }
        let mut bytes = Vec::with_capacity(length);
        self.from(start)
            .take(length as u64)
            .read_to_end(&mut bytes)?;
        if bytes.len() != length {
            return Err(ParquetError::EOF("the file ended before".to_owned()));
        }
        Ok(Bytes::from(bytes))
    }
}

/// Reads on from a byte of the file.
#[derive(Debug)]
pub(super) struct Onward {
    file: Arc<File>,
    at: u64,
    #[cfg(test)]
    read: Arc<AtomicU64>,
}

impl Read for Onward {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let got = self.file.read_at(buf, self.at)?;
        self.at += got as u64;
        #[cfg(test)]
        self.read.fetch_add(got as u64, Ordering::Relaxed);
        Ok(got)
    }
}

/// A row group from one of its rows on.
pub(super) struct Group<'a> {
    pages: &'a Arc<Pages>,
    about: &'a RowGroupMetaData,
    /// Rows before that one.
    skip: usize,
    /// By column.
    located: Vec<Option<Vec<PageLocation>>>,
}

impl<'a> Group<'a> {
    /// Leaves out the first `skip` rows. Reads where the pages are, if there are any to leave out.
    pub(super) fn new(pages: &'a Arc<Pages>, about: &'a RowGroupMetaData, skip: usize) -> Self {
        let rows = about.num_rows();
        let columns = about.columns().iter();
        let located = columns.map(|column| locations(pages, column, rows));
        Self {
            pages,
            about,
            skip,
            located: located.collect(),
        }
    }

    /// Whether every column says where its pages are.
    pub(super) fn has_index(&self) -> bool {
        self.located.iter().all(Option::is_some)
    }
}

impl RowGroupReader for Group<'_> {
    fn metadata(&self) -> &RowGroupMetaData {
        self.about
    }

    fn num_columns(&self) -> usize {
        self.about.num_columns()
    }

    fn get_column_page_reader(&self, i: usize) -> Result<Box<dyn PageReader>> {
        Ok(Box::new(SerializedPageReader::new(
            Arc::clone(self.pages),
            self.about.column(i),
            usize::try_from(self.about.num_rows())?,
            self.located.get(i).cloned().flatten(),
        )?))
    }

    fn get_column_reader(&self, i: usize) -> Result<ColumnReader> {
        let column = self.about.column(i).column_descr_ptr();
        let pages = self.get_column_page_reader(i)?;
        let skip = self.skip;
        macro_rules! column {
            ($kind:ident) => {{
                let mut reader = ColumnReaderImpl::new(column, pages);
                if reader.skip_records(skip)? != skip {
                    return Err(ParquetError::EOF("a column has too few rows".to_owned()));
                }
                ColumnReader::$kind(reader)
            }};
        }
        Ok(match column.physical_type() {
            Physical::BOOLEAN => column!(BoolColumnReader),
            Physical::INT32 => column!(Int32ColumnReader),
            Physical::INT64 => column!(Int64ColumnReader),
            Physical::INT96 => column!(Int96ColumnReader),
            Physical::FLOAT => column!(FloatColumnReader),
            Physical::DOUBLE => column!(DoubleColumnReader),
            Physical::BYTE_ARRAY => column!(ByteArrayColumnReader),
            Physical::FIXED_LEN_BYTE_ARRAY => column!(FixedLenByteArrayColumnReader),
        })
    }

    fn get_column_bloom_filter(&self, _i: usize) -> Option<&Sbbf> {
        None
    }

    fn get_row_iter(&self, projection: Option<Type>) -> Result<RowIter<'_>> {
        RowIter::from_row_group(projection, self)
    }
}

/// Where the pages of a column of so many rows are; `None` where the file does not say, or says what cannot be.
fn locations(pages: &Pages, column: &ColumnChunkMetaData, rows: i64) -> Option<Vec<PageLocation>> {
    const MOST_BYTES: u64 = 64 << 20;
    let range = column.offset_index_range()?;
    let len = range.end.checked_sub(range.start)?;
    if len > MOST_BYTES || range.end > pages.len {
        return None;
    }
    let bytes = pages
        .get_bytes(range.start, usize::try_from(len).ok()?)
        .ok()?;
    if !is_filled(&bytes) {
        return None;
    }
    let index = decode_offset_index(&bytes).ok()?;
    let (start, len) = column.byte_range();
    let (mut end, mut row) = (start, 0);
    for (nth, page) in index.page_locations().iter().enumerate() {
        let offset = u64::try_from(page.offset).ok()?;
        let page_len = u64::try_from(page.compressed_page_size).ok()?;
        let is_next = offset >= end && page.first_row_index >= row;
        if !is_next || (nth == 0 && page.first_row_index != 0) {
            return None;
        }
        end = offset.checked_add(page_len)?;
        row = page.first_row_index;
    }
    let is_sound = end <= start.checked_add(len)? && row <= rows && (end > start || rows == 0);
    is_sound.then(|| index.page_locations().clone())
}

/// Whether an offset index is as long as its list says: the decoder asks for as much memory as that has entries.
fn is_filled(index: &[u8]) -> bool {
    const LIST: u8 = 0x19;
    const ENTRY_BYTES: u64 = 7;
    let [LIST, head, varint @ ..] = index else {
        return false;
    };
    let few = u64::from(head >> 4);
    if few < 15 {
        return few * ENTRY_BYTES <= index.len() as u64;
    }
    let mut entries = 0_u64;
    for (nth, byte) in varint.iter().take(5).enumerate() {
        entries |= u64::from(byte & 0x7f) << (7 * nth);
        if byte & 0x80 == 0 {
            return entries * ENTRY_BYTES <= index.len() as u64;
        }
    }
    false
}
