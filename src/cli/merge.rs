//! Shares of many machines as one: where they go, and what is said of those that are missing.

use std::io::Write;
use std::path::Path;

use crate::cli::Output;
use crate::cli::Verdict;
use crate::cli::args::MergeArgs;
use crate::error::Error;
use crate::error::Result;
use crate::model::RecordIx;
use crate::model::Span;
use crate::shard::Found;
use crate::store::Store;
use crate::text::human;

/// Writes what `merge` makes to the file that was named, which is there whole or not at all, else to standard output.
///
/// # Errors
/// *user* when the file is there already, *input* when it cannot be written, and those of `merge`.
pub(super) fn to_target<T>(
    args: &MergeArgs,
    output: &mut Output<'_>,
    merge: impl FnOnce(&mut dyn Write) -> Result<T>,
) -> Result<T> {
    let Some(path) = &args.output else {
        let merged = merge(output.out)?;
        output.out.flush()?;
        return Ok(merged);
    };
    if !args.force && path.symlink_metadata().is_ok() {
        let what = format!("{} is there already", path.display());
        return Err(Error::user(what).hint("--force writes over it"));
    }
    let unwritable = || Error::input(format!("{} cannot be written", path.display()));
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let file = tempfile::NamedTempFile::new_in(folder);
    let mut file = file.map_err(|err| unwritable().caused_by(err))?;
    let merged = {
        let mut out = std::io::BufWriter::new(file.as_file_mut());
        let merged = merge(&mut out)?;
        out.flush()?;
        merged
    };
    let persisted = file.persist(path);
    persisted.map_err(|err| unwritable().caused_by(err.error))?;
    Ok(merged)
}

/// Says what was merged: `lines` of these shares, called `what`. *No* when some are missing.
pub(super) fn tell(
    found: &Found,
    lines: usize,
    what: &str,
    output: &mut Output<'_>,
) -> Result<Verdict> {
    for missing in &found.missing {
        writeln!(
            output.err,
            "hgview: share {missing} of {} is missing",
            found.of
        )?;
    }
    let (lines, files) = (human::count(lines), found.files.len());
    writeln!(output.err, "hgview: {lines} {what} of {files} shares")?;
    Ok(if found.missing.is_empty() {
        Verdict::Yes
    } else {
        Verdict::No
    })
}

/// How many records all inputs have, and how many bytes, as far as they are known: by that the shares of one division tell
/// that all machines saw the same.
pub(super) fn extent(store: &Store) -> (u64, u64) {
    let entries = (0..store.len()).filter_map(|ix| store.entry(RecordIx(ix)));
    let bytes = entries.filter_map(|entry| entry.span).map(Span::len_bytes);
    (store.len() as u64, bytes.sum())
}
