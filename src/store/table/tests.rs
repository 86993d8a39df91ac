use std::sync::atomic::Ordering;

use arrow_array::ArrayRef;
use arrow_array::Int64Array;
use arrow_array::RecordBatch;
use arrow_array::StringArray;
use arrow_array::builder::ListBuilder;
use arrow_array::builder::StringBuilder;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::FileReader as _;
use parquet::file::reader::SerializedFileReader;

use super::*;

/// How a table is written.
#[derive(Debug, Clone, Copy)]
struct Made {
    rows: usize,
    group_rows: usize,
    big_bytes: usize,
    has_index: bool,
}

fn numbers(from: usize, count: usize) -> impl Iterator<Item = usize> {
    from..from + count
}

/// Text that does not pack well, another one for each row.
fn noise(row: usize, len: usize) -> String {
    let mut state = row as u64 + 1;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        char::from(b'a' + (state >> 59) as u8 % 26)
    };
    (0..len).map(|_| next()).collect()
}

fn batch(from: usize, made: Made, count: usize) -> RecordBatch {
    let ids: StringArray = numbers(from, count)
        .map(|row| Some(format!("id-{row}")))
        .collect();
    let counts: Int64Array = numbers(from, count)
        .map(|row| (row % 3 != 0).then_some(i64::try_from(row).unwrap()))
        .collect();
    let mut words = ListBuilder::new(StringBuilder::new());
    for row in numbers(from, count) {
        for nth in 0..row % 4 {
            words.values().append_value(noise(row + nth, 40));
        }
        words.append(row % 5 != 0);
    }
    let big: StringArray = numbers(from, count)
        .map(|row| Some(noise(row, made.big_bytes)))
        .collect();
    let columns: [(&str, ArrayRef); 4] = [
        ("id", Arc::new(ids)),
        ("count", Arc::new(counts)),
        ("words", Arc::new(words.finish())),
        ("big", Arc::new(big)),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

fn table_of(made: Made) -> (Arc<File>, Table) {
    let file = tempfile::tempfile().unwrap();
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_max_row_group_row_count(Some(made.group_rows))
        .set_dictionary_enabled(made.big_bytes < 1000)
        .set_data_page_size_limit(8 << 10)
        .set_write_batch_size(8)
        .set_offset_index_disabled(!made.has_index)
        .set_statistics_enabled(parquet::file::properties::EnabledStatistics::Chunk)
        .build();
    let whole = batch(0, made, made.rows);
    let copy = file.try_clone().unwrap();
    let mut writer = ArrowWriter::try_new(copy, whole.schema(), Some(properties)).unwrap();
    writer.write(&whole).unwrap();
    writer.close().unwrap();
    let file = Arc::new(file);
    (Arc::clone(&file), Table::open(file).unwrap())
}

/// The rows as the crate's own reader gives them, from the first to the last.
fn plain(file: &File) -> Vec<String> {
    let reader = SerializedFileReader::new(file.try_clone().unwrap()).unwrap();
    let rows = reader.get_row_iter(None).unwrap();
    rows.map(|row| row.unwrap().to_json_value().to_string())
        .collect()
}

/// All rows, each once, in an order that jumps.
fn jumping(rows: usize) -> Vec<usize> {
    let mut steps = rows / 3..=rows + 1;
    let step = steps.find(|step| gcd(*step, rows) == 1).unwrap();
    (0..rows).map(|nth| nth * step % rows).collect()
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[track_caller]
fn check(made: Made) {
    let (file, table) = table_of(made);
    let want = plain(&file);
    assert_eq!((table.rows(), want.len()), (made.rows, made.rows));
    let orders: [Vec<usize>; 3] = [
        (0..made.rows).collect(),
        (0..made.rows).rev().collect(),
        jumping(made.rows),
    ];
    for order in orders {
        let table = Table::open(Arc::clone(&file)).unwrap();
        for row in order {
            let got = String::from_utf8(table.row_json(row).unwrap()).unwrap();
            assert_eq!(got, want[row], "row {row} of {made:?}");
        }
    }
    assert!(table.row_json(made.rows).is_err());
    assert!(table.row_json(usize::MAX).is_err());
}

#[test]
fn rows_are_the_same_in_any_order() {
    for has_index in [true, false] {
        for (rows, group_rows, big_bytes) in
            [(1, 1, 10), (97, 10, 300), (310, 1000, 900), (64, 32, 0)]
        {
            check(Made {
                rows,
                group_rows,
                big_bytes,
                has_index,
            });
        }
    }
}

/// What is read of a fresh table for one row, and how long the file is.
fn cost(made: Made, row: usize) -> (u64, u64) {
    let (file, table) = table_of(made);
    table.pages.read.store(0, Ordering::Relaxed);
    table.row_json(row).unwrap();
    let read = table.pages.read.load(Ordering::Relaxed);
    (read, file.metadata().unwrap().len())
}

#[test]
fn a_row_costs_its_own_pages() {
    // 60 groups of 50 rows of 4 kB: a page of the large column holds eight rows
    let made = Made {
        rows: 3000,
        group_rows: 50,
        big_bytes: 4096,
        has_index: true,
    };
    for row in [0, 1, 1049, 1525, 2999] {
        let (read, len) = cost(made, row);
        assert!(
            len > 4 << 20 && read < 150 << 10,
            "row {row}: {read} of {len}"
        );
    }
    let one_group = Made {
        group_rows: 3000,
        ..made
    };
    for row in [0, 1525, 2999] {
        let (read, _) = cost(one_group, row);
        assert!(read < 150 << 10, "row {row}: {read}");
    }
    // without an index flat columns are gone through by the headers of their pages
    let (read, len) = cost(
        Made {
            has_index: false,
            ..one_group
        },
        2999,
    );
    assert!(read < len / 6, "{read} of {len}");
    let (read, _) = cost(
        Made {
            has_index: false,
            ..made
        },
        2999,
    );
    assert!(read < 200 << 10, "{read}");
}

#[test]
fn rows_in_order_read_the_file_once() {
    let made = Made {
        rows: 2000,
        group_rows: 500,
        big_bytes: 1000,
        has_index: true,
    };
    for has_index in [true, false] {
        let (file, table) = table_of(Made { has_index, ..made });
        table.pages.read.store(0, Ordering::Relaxed);
        for row in 0..made.rows {
            table.row_json(row).unwrap();
        }
        let (read, len) = (
            table.pages.read.load(Ordering::Relaxed),
            file.metadata().unwrap().len(),
        );
        assert!(read < len * 3 / 2, "{read} of {len}");
        for row in (0..made.rows).rev() {
            table.row_json(row).unwrap();
        }
        let back = table.pages.read.load(Ordering::Relaxed) - read;
        assert!(back < len * 4, "{back} of {len} on the way back");
    }
}

#[test]
fn a_table_that_lies_is_a_fault() {
    let made = Made {
        rows: 300,
        group_rows: 50,
        big_bytes: 500,
        has_index: true,
    };
    let (file, _) = table_of(made);
    let len = usize::try_from(file.metadata().unwrap().len()).unwrap();
    let whole =
        crate::store::bytes::read_at(&file, crate::model::Span::new(0, len as u64)).unwrap();
    let step = len / 150;
    for at in (4..len - 8).step_by(step) {
        for value in [0, 0xFF] {
            let mut bytes = whole.clone();
            bytes[at..at + 4].fill(value);
            let broken = tempfile::tempfile().unwrap();
            std::os::unix::fs::FileExt::write_all_at(&broken, &bytes, 0).unwrap();
            if let Ok(table) = Table::open(Arc::new(broken)) {
                for row in [0, 149, 299] {
                    drop(table.row_json(row));
                }
            }
        }
    }
    for cut in [0, 3, 8, len / 2, len - 1] {
        let torn = tempfile::tempfile().unwrap();
        std::os::unix::fs::FileExt::write_all_at(&torn, &whole[..cut], 0).unwrap();
        assert!(Table::open(Arc::new(torn)).is_err(), "{cut}");
    }
}
