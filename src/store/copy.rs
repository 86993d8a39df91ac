//! Records that are lines of a file, copied as they lie: large stretches a piece at a time, small records that lie near
//! each other read together.
//!
//! Pieces of the processor's cache are read and written again: that took a fifth less time than `copy_file_range`, which
//! hands single pages on, where neither file system nor server can share what is copied. They cannot share it here: a
//! record begins anywhere in a block.

use std::fs::File;
use std::io;
use std::io::BufWriter;
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use crate::model::RecordIx;
use crate::model::Span;
use crate::read::Layout;
use crate::read::Shape;
use crate::store::Store;
use crate::store::bytes::read_at;
use crate::store::index::Source;

/// A longer stretch is not gathered with others before it is written.
const LARGE: u64 = 64 << 10;
/// Bytes of a longer stretch that are read and written at once: they are still in the processor's cache then.
const PIECE: usize = 256 << 10;
/// Bytes that are read together, and those between two records that are read in vain.
const TOGETHER: u64 = 1 << 20;
const BETWEEN: u64 = 16 << 10;

/// A record that is one line of a file.
#[derive(Debug, Clone)]
pub struct Line {
    source: Arc<Source>,
    span: Span,
    /// The next byte of the file is a line break, and the next record begins behind that.
    has_end: bool,
}

impl Line {
    /// Its length in bytes, without a line end.
    pub fn len_bytes(&self) -> u64 {
        self.span.len_bytes()
    }
}

/// Consecutive bytes of a file that are copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    start: u64,
    end: u64,
    /// They end with a line break.
    has_end: bool,
}

impl Run {
    fn len_bytes(self) -> u64 {
        self.end - self.start
    }
}

impl Store {
    /// The record as a line that can be copied as it lies; `None` where it is none, or nobody knows whether its bytes hold
    /// a line break.
    pub fn line(&self, ix: RecordIx) -> Option<Line> {
        let (slot, source) = self.find_sound(ix).ok()?;
        let is_rows = source.layout == Layout::Rows && source.shape == Shape::Lines;
        if !is_rows || !source.is_file() || !source.sheet_of_contents()?.is_line(&slot) {
            return None;
        }
        let next = self.index().slots.get(ix.0 + 1);
        let next = next.filter(|next| next.source == slot.source);
        Some(Line {
            has_end: next.is_some_and(|next| next.start == slot.span().end + 1),
            span: slot.span(),
            source,
        })
    }

    /// Keeps for the next time that the bytes of a record hold no line break.
    pub fn keep_line(&self, ix: RecordIx) {
        if let Ok((slot, source)) = self.find_sound(ix)
            && let Some(sheet) = source.sheet_of_contents()
        {
            sheet.put_line(&slot);
        }
    }
}

/// Copies lines, each with a line end.
///
/// # Errors
/// When a file is gone or is not what it was when it was scanned, or the disk does not take the lines.
pub fn copy_lines<'a>(
    lines: impl IntoIterator<Item = &'a Line>,
    out: &mut BufWriter<File>,
) -> io::Result<()> {
    let mut lines = lines.into_iter().peekable();
    while let Some(first) = lines.next() {
        let mut runs = Vec::new();
        add(&mut runs, first);
        while let Some(next) = lines.next_if(|next| Arc::ptr_eq(&next.source, &first.source)) {
            add(&mut runs, next);
        }
        let file = first.source.bytes.open();
        let file = file.map_err(|fault| io::Error::other(fault.why))?;
        copy_runs(&file, &runs, out)?;
    }
    Ok(())
}

fn add(runs: &mut Vec<Run>, line: &Line) {
    let end = line.span.end + u64::from(line.has_end);
    match runs.last_mut() {
        Some(last) if last.has_end && last.end == line.span.start => {
            (last.end, last.has_end) = (end, line.has_end);
        }
        _ => runs.push(Run {
            start: line.span.start,
            end,
            has_end: line.has_end,
        }),
    }
}

fn copy_runs(file: &File, mut runs: &[Run], out: &mut BufWriter<File>) -> io::Result<()> {
    let mut piece = Vec::new();
    while let Some((first, rest)) = runs.split_first() {
        if first.len_bytes() >= LARGE {
            copy_large(file, *first, out, &mut piece)?;
            runs = rest;
            continue;
        }
        let is_apart = |pair: &[Run]| match pair {
            [one, next] => {
                next.len_bytes() >= LARGE
                    || next.start < one.end
                    || next.start - one.end > BETWEEN
                    || next.end - first.start > TOGETHER
            }
            _ => true,
        };
        let count = 1 + runs.windows(2).take_while(|pair| !is_apart(pair)).count();
        let (together, others) = runs.split_at(count);
        copy_small(file, together, out)?;
        runs = others;
    }
    Ok(())
}

fn copy_large(
    file: &File,
    run: Run,
    out: &mut BufWriter<File>,
    piece: &mut Vec<u8>,
) -> io::Result<()> {
    out.flush()?;
    piece.resize(PIECE, 0);
    let mut at = run.start;
    while at < run.end {
        let left = usize::try_from(run.end - at).unwrap_or(usize::MAX);
        let into = piece.get_mut(..left.min(PIECE)).unwrap_or_default();
        let read = match file.read_at(into, at) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => read,
            Err(err) if err.kind() == io::ErrorKind::Interrupted => continue,
            Err(err) => return Err(err),
        };
        out.get_mut()
            .write_all(into.get(..read).unwrap_or_default())?;
        at += read as u64;
    }
    end(run, out)
}

/// Reads them together, with what lies between them.
fn copy_small(file: &File, runs: &[Run], out: &mut BufWriter<File>) -> io::Result<()> {
    let (Some(first), Some(last)) = (runs.first(), runs.last()) else {
        return Ok(());
    };
    let bytes = read_at(file, Span::new(first.start, last.end))?;
    for run in runs {
        let at = |byte: u64| usize::try_from(byte - first.start).unwrap_or(usize::MAX);
        out.write_all(bytes.get(at(run.start)..at(run.end)).unwrap_or_default())?;
        end(*run, out)?;
    }
    Ok(())
}

fn end(run: Run, out: &mut BufWriter<File>) -> io::Result<()> {
    if run.has_end {
        return Ok(());
    }
    out.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;
    use std::time::SystemTime;

    use super::*;
    use crate::cancel::Cancel;
    use crate::store::OpenOptions;

    /// Opens a file of lines as it was left an hour ago, all of them known to be lines.
    fn open(folder: &std::path::Path, text: &str) -> Store {
        let path = folder.join("a.jsonl");
        std::fs::write(&path, text).unwrap();
        let file = File::options().append(true).open(&path).unwrap();
        let then = SystemTime::now() - Duration::from_hours(1);
        file.set_modified(then).unwrap();
        let open = || {
            let store = Store::open(&OpenOptions {
                paths: vec![path.clone()],
                index_dir: Some(folder.join("index")),
                ..OpenOptions::default()
            })
            .unwrap();
            store.scan(&Cancel::new(), &mut |_| {}).unwrap();
            store
        };
        let store = open();
        for ix in (0..store.len()).map(RecordIx) {
            store.keep_line(ix);
        }
        // full blocks are found again in the next run
        drop(store);
        open()
    }

    fn row(n: usize, len: usize) -> String {
        let text = "y".repeat(len);
        format!(r#"{{"instance_id":"o__n-{n}","messages":[{{"role":"user","content":"{text}"}}]}}"#)
    }

    /// What copying these records gives.
    fn copied(store: &Store, records: &[usize]) -> io::Result<String> {
        let lines: Vec<Line> = records
            .iter()
            .map(|ix| store.line(RecordIx(*ix)).unwrap())
            .collect();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        let mut out = BufWriter::new(File::create(&path).unwrap());
        copy_lines(&lines, &mut out)?;
        out.flush()?;
        Ok(std::fs::read_to_string(path).unwrap())
    }

    #[test]
    fn whatever_is_copied_is_each_record_and_a_line_end() {
        let folder = tempfile::tempdir().unwrap();
        // longer than a piece, too
        let lens = [
            10, 200_000, 70_000, 30, 40_000, 40_000, 5, 900_000, 3, 20_000,
        ];
        let rows: Vec<String> = (0..40).map(|n| row(n, lens[n % lens.len()])).collect();
        for between in ["\n", "\n\n", "\r\n"] {
            // the last line has no end
            let text = rows.join(between);
            let folder = tempfile::tempdir_in(folder.path()).unwrap();
            let store = open(folder.path(), &text);
            let halves: [Vec<usize>; 6] = [
                (0..40).collect(),
                (0..40).step_by(2).collect(),
                (0..40).rev().collect(),
                (0..40).filter(|n| n % 7 < 3).collect(),
                vec![39, 0, 0, 1],
                Vec::new(),
            ];
            for records in halves {
                let want: String = records.iter().map(|n| rows[*n].clone() + "\n").collect();
                assert!(
                    copied(&store, &records).unwrap() == want,
                    "{between:?} {records:?}"
                );
            }
        }
    }

    #[test]
    fn runs_are_as_long_as_the_lines_allow() {
        let folder = tempfile::tempdir().unwrap();
        let rows: Vec<String> = (0..600).map(|n| row(n, 2_000)).collect();
        let store = open(folder.path(), &(rows.join("\n") + "\n"));
        let mut runs = Vec::new();
        for ix in (0..100).chain(200..300) {
            add(&mut runs, &store.line(RecordIx(ix)).unwrap());
        }
        assert_eq!(runs.len(), 2, "{runs:?}");
    }

    #[test]
    fn a_file_that_was_changed_is_not_copied_from() {
        let folder = tempfile::tempdir().unwrap();
        let rows: Vec<String> = (0..600).map(|n| row(n, 2_000)).collect();
        let store = open(folder.path(), &rows.join("\n"));
        let line = store.line(RecordIx(3)).unwrap();
        std::fs::write(folder.path().join("a.jsonl"), "{}").unwrap();
        let mut out = BufWriter::new(tempfile::tempfile().unwrap());
        copy_lines([&line], &mut out).unwrap_err();
        assert!(
            store.line(RecordIx(4)).is_none(),
            "nor is it known any more"
        );
    }

    #[test]
    fn what_nobody_has_looked_at_is_no_line_yet() {
        let folder = tempfile::tempdir().unwrap();
        let rows: Vec<String> = (0..600).map(|n| row(n, 2_000)).collect();
        let text = rows.join("\n");
        drop(open(folder.path(), &text));
        let list = format!("[{}]", rows.join(","));
        let store = open(folder.path(), &list);
        assert!(store.line(RecordIx(3)).is_none(), "a list has no lines");
    }
}
