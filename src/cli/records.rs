//! Opening inputs for the commands that read them all: scan with progress, summaries in parallel but in order.

use std::fmt::Write as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::mpsc;
use std::time::Duration;
use std::time::Instant;

use rayon::iter::IntoParallelRefIterator as _;
use rayon::iter::ParallelIterator as _;
use serde::Serialize;

use crate::cancel::Cancel;
use crate::cli::Output;
use crate::cli::args::SharedArgs;
use crate::config;
use crate::config::Paths;
use crate::config::Settings;
use crate::error::Error;
use crate::error::Result;
use crate::model::RecordIx;
use crate::model::Summary;
use crate::store::OpenOptions;
use crate::store::Store;
use crate::text;
use crate::text::human;
use crate::text::is_hidden;

/// Records that are parsed before their rows are handed on; bounds what a slow reader of our output makes us hold.
const BATCH: usize = 256;

/// The options of the store: flags, else settings.
pub(super) fn open_options(
    paths: &[PathBuf],
    shared: &SharedArgs,
    settings: &Settings,
) -> OpenOptions {
    let cache_mb = shared.cache_mb.unwrap_or(settings.cache_mb);
    let cache = Paths::of_environment().cache;
    OpenOptions {
        paths: paths.to_vec(),
        waits: false,
        with: shared.with.clone(),
        lists_tasks: false,
        cache_bytes: cache_mb.saturating_mul(1 << 20),
        max_memory: shared.max_memory.unwrap_or(settings.max_memory),
        index_dir: index_dir(shared),
        spool_dir: Some(cache),
    }
}

/// The folder in which is kept what is known of large files; `None` where nothing is to be kept.
pub(super) fn index_dir(shared: &SharedArgs) -> Option<PathBuf> {
    (!shared.no_cache).then(|| Paths::of_environment().cache.join("index"))
}

/// Opens and scans inputs. What is wrong in the settings file is said, and does not matter further.
///
/// # Errors
/// *input* when a path is missing or nothing in it is a trajectory.
pub(super) fn load_store(
    paths: &[PathBuf],
    shared: &SharedArgs,
    output: &mut Output<'_>,
) -> Result<Store> {
    load_store_with(paths, &[], shared, output)
}

/// [`load_store`] with further files to be joined.
pub(super) fn load_store_with(
    paths: &[PathBuf],
    with: &[PathBuf],
    shared: &SharedArgs,
    output: &mut Output<'_>,
) -> Result<Store> {
    let store = open_store(paths, with, shared, output)?;
    scan_store(paths, &store, output)?;
    Ok(store)
}

/// Scans opened inputs.
///
/// # Errors
/// *input* when nothing in them is a trajectory.
pub(super) fn scan_store(paths: &[PathBuf], store: &Store, output: &mut Output<'_>) -> Result<()> {
    scan_for(paths, None, store, output)
}

/// [`load_store`] of one file for its record `nth`, from 1. Where that stands at the beginning of a long file the rest is
/// not scanned; else it is, and what was found is kept for the next time.
///
/// # Errors
/// As [`load_store`].
pub(super) fn load_store_for(
    path: &PathBuf,
    nth: Option<u64>,
    shared: &SharedArgs,
    output: &mut Output<'_>,
) -> Result<Store> {
    let paths = std::slice::from_ref(path);
    let store = open_store(paths, &[], shared, output)?;
    scan_for(paths, nth.filter(|_| path.is_file()), &store, output)?;
    Ok(store)
}

fn scan_for(
    paths: &[PathBuf],
    nth: Option<u64>,
    store: &Store,
    output: &mut Output<'_>,
) -> Result<()> {
    /// What part of a file is its beginning.
    const BEGINNING: u64 = 16;
    let mut progress = Progress::new(output);
    let enough = Cancel::new();
    store.scan(&enough, &mut |at| {
        let is_there = nth.is_some_and(|nth| at.records as u64 >= nth);
        if is_there && at.bytes_done < at.bytes_total / BEGINNING {
            enough.cancel();
        }
        progress.say(|| {
            format!(
                "scanned {} of {}",
                human::bytes(at.bytes_done),
                human::bytes(at.bytes_total)
            )
        });
    })?;
    progress.clear();
    if store.is_empty() {
        return Err(nothing(paths, store));
    }
    Ok(())
}

/// Opens inputs, with further files to be joined, and scans nothing. What is wrong in the settings file is said, and does
/// not matter further.
///
/// # Errors
/// *input* when a path is missing.
pub(super) fn open_store(
    paths: &[PathBuf],
    with: &[PathBuf],
    shared: &SharedArgs,
    output: &mut Output<'_>,
) -> Result<Store> {
    let (settings, problems) = config::load(&Paths::of_environment());
    for problem in problems {
        writeln!(output.err, "hgview: {}", text::clean(&problem.to_string()))?;
    }
    let mut options = open_options(paths, shared, &settings);
    options.with.extend_from_slice(with);
    Store::open(&options)
}

/// Says which of the files given with `--with`, or as `tasks`, know none of the records that were read.
pub(super) fn warn_unmatched(
    store: &Store,
    tasks: Option<&Path>,
    output: &mut Output<'_>,
) -> Result<()> {
    let summary = store.side_summary();
    for side in summary.files.iter().filter(|side| side.unread > 0) {
        let (count, name) = (side.unread, side.path.display().to_string());
        writeln!(
            output.err,
            "hgview: --with {}: {count} lines are no scores and say nothing",
            text::clean(&name)
        )?;
    }
    for path in summary.unmatched {
        let flag = if tasks == Some(path.as_path()) {
            "--tasks"
        } else {
            "--with"
        };
        let name = path.display().to_string();
        writeln!(
            output.err,
            "hgview: {flag} {} matches none of the records that were read",
            text::clean(&name)
        )?;
    }
    Ok(())
}

/// The error for inputs without any trajectory.
pub(super) fn nothing(paths: &[PathBuf], store: &Store) -> Error {
    const SHOWN: usize = 3;
    let names: Vec<String> = paths
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    let mut error = Error::input(format!("no trajectories in {}", names.join(", ")));
    let skipped = store.skipped();
    for file in skipped.iter().take(SHOWN) {
        error = error.hint(format!("{}: {}", file.path.display(), file.why));
    }
    if skipped.len() > SHOWN {
        error = error.hint(format!(
            "and {} more files were looked at",
            skipped.len() - SHOWN
        ));
    }
    error.hint("`hgview --help` says which formats are read")
}

/// Summarises the records `order` in parallel and hands each one on in that order, with what `more` finds out about it.
///
/// # Errors
/// What `each` returns; nothing more is read then.
pub(super) fn each_summary<T: Send>(
    store: &Store,
    order: &[RecordIx],
    output: &mut Output<'_>,
    more: impl Fn(RecordIx, &Summary) -> T + Sync,
    each: impl FnMut(RecordIx, (Summary, T), &mut Output<'_>) -> Result<()>,
) -> Result<()> {
    let row = |ix| store.summarize(ix);
    each_row((order, row), output, more, each)
}

/// [`each_summary`] with what makes the rows.
///
/// # Errors
/// As there.
pub(super) fn each_row<T: Send>(
    (order, row): (&[RecordIx], impl Fn(RecordIx) -> Summary + Sync),
    output: &mut Output<'_>,
    more: impl Fn(RecordIx, &Summary) -> T + Sync,
    mut each: impl FnMut(RecordIx, (Summary, T), &mut Output<'_>) -> Result<()>,
) -> Result<()> {
    let began = Instant::now();
    let mut has_said = false;
    let mut done = 0;
    let read = |ix: &RecordIx| {
        let summary = row(*ix);
        let more = more(*ix, &summary);
        (summary, more)
    };
    in_batches((order, BATCH), read, |batch, rows| {
        if has_said {
            clear_line(output);
        }
        for (ix, row) in batch.iter().zip(rows) {
            each(*ix, row, output)?;
        }
        done += batch.len();
        if output.terminal.stderr
            && !output.terminal.stdout
            && began.elapsed() > Progress::DELAY
            && done < order.len()
        {
            drop(write!(
                output.err,
                "\rhgview: read {} of {} records\u{1b}[K",
                human::count(done),
                human::count(order.len())
            ));
            has_said = true;
        }
        Ok(())
    })
}

/// Does `work` for all records on all cores, so many of them at once, and hands on what came of them in their order. While
/// a batch is handed on the next one is worked on.
///
/// # Errors
/// What `each` returns; no further batch is begun then.
pub(super) fn in_batches<T: Send>(
    (order, size): (&[RecordIx], usize),
    work: impl Fn(&RecordIx) -> T + Sync,
    mut each: impl FnMut(&[RecordIx], Vec<T>) -> Result<()>,
) -> Result<()> {
    let work = &work;
    std::thread::scope(|scope| {
        let (to, batches) = mpsc::sync_channel(1);
        scope.spawn(move || {
            for batch in order.chunks(size) {
                let done: Vec<T> = batch.par_iter().map(work).collect();
                // nobody wants more after an error
                if to.send((batch, done)).is_err() {
                    return;
                }
            }
        });
        for (batch, done) in batches {
            each(batch, done)?;
        }
        Ok(())
    })
}

fn clear_line(output: &mut Output<'_>) {
    drop(write!(output.err, "\r\u{1b}[K"));
}

/// One line on a terminal's standard error for work that takes longer than a second.
pub(super) struct Progress<'a, 'b> {
    output: &'a mut Output<'b>,
    began: Instant,
    last: Option<Instant>,
}

impl<'a, 'b> Progress<'a, 'b> {
    const DELAY: Duration = Duration::from_secs(1);
    const PACE: Duration = Duration::from_millis(100);

    pub(super) fn new(output: &'a mut Output<'b>) -> Self {
        Self {
            output,
            began: Instant::now(),
            last: None,
        }
    }

    /// Says where the work is, where somebody looks and it is time.
    pub(super) fn say(&mut self, text: impl FnOnce() -> String) {
        let is_due = self
            .last
            .map_or(self.began.elapsed() > Self::DELAY, |last| {
                last.elapsed() > Self::PACE
            });
        if self.output.terminal.stderr && is_due {
            drop(write!(self.output.err, "\rhgview: {}\u{1b}[K", text()));
            drop(self.output.err.flush());
            self.last = Some(Instant::now());
        }
    }

    /// Takes the line away.
    pub(super) fn clear(&mut self) {
        if self.last.take().is_some() {
            clear_line(self.output);
        }
    }

    /// The streams, to be used between two lines of progress.
    pub(super) fn output(&mut self) -> &mut Output<'b> {
        self.output
    }
}

/// How far the work is: a bar of 20 cells, both numbers, and of what.
pub(super) fn bar(done: usize, all: usize, what: &str) -> String {
    const CELLS: usize = 20;
    let full = done.saturating_mul(CELLS) / all.max(1);
    let (full, rest) = ("#".repeat(full), "-".repeat(CELLS.saturating_sub(full)));
    let (done, all) = (human::count(done), human::count(all));
    format!("[{full}{rest}] {done} of {all} {what}")
}

/// One line of JSON.
pub(super) fn to_json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map(escaped).map_err(no_json)
}

/// JSON for people.
pub(super) fn to_json_pretty(value: &impl Serialize) -> Result<String> {
    serde_json::to_string_pretty(value)
        .map(escaped)
        .map_err(no_json)
}

/// Escapes what a terminal would obey and JSON need not escape: C1 controls, bidirectional marks. They occur in strings
/// only, and the values stay what they are.
fn escaped(json: String) -> String {
    let is_risky = |c: char| matches!(c, '\u{7f}'..='\u{9f}') || is_hidden(c);
    if json.is_ascii() && !json.contains('\u{7f}') || !json.contains(is_risky) {
        return json;
    }
    let mut out = String::with_capacity(json.len() + 64);
    for c in json.chars() {
        if is_risky(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // writing to a text cannot fail
                let _written = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out
}

fn no_json(err: serde_json::Error) -> Error {
    Error::internal("cannot write this as JSON").caused_by(err)
}
