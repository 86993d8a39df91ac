//! `hgview replay merge`: the shares of many machines as one file.

use std::io::Write as _;

use crate::cli::Output;
use crate::cli::Verdict;
use crate::cli::args::MergeArgs;
use crate::error::Error;
use crate::error::Result;
use crate::replay::results;
use crate::text::human;

/// Merges the shares of a folder. *No* when some are missing and that is allowed.
pub(super) fn run(args: &MergeArgs, output: &mut Output<'_>) -> Result<Verdict> {
    let merged = match &args.output {
        None => results::merge(&args.dir, args.allow_partial, output.out)?,
        Some(path) => {
            if !args.force && path.symlink_metadata().is_ok() {
                let what = format!("{} is there already", path.display());
                return Err(Error::user(what).hint("--force writes over it"));
            }
            let unwritable = || Error::input(format!("{} cannot be written", path.display()));
            let folder = path
                .parent()
                .filter(|folder| !folder.as_os_str().is_empty());
            let folder = folder.unwrap_or(std::path::Path::new("."));
            let file = tempfile::NamedTempFile::new_in(folder);
            let mut file = file.map_err(|err| unwritable().caused_by(err))?;
            let merged = {
                let mut out = std::io::BufWriter::new(file.as_file_mut());
                let merged = results::merge(&args.dir, args.allow_partial, &mut out)?;
                out.flush()?;
                merged
            };
            let persisted = file.persist(path);
            persisted.map_err(|err| unwritable().caused_by(err.error))?;
            merged
        }
    };
    for missing in &merged.missing {
        writeln!(
            output.err,
            "hgview: share {missing} of {} is missing",
            merged.of
        )?;
    }
    let (lines, files) = (human::count(merged.lines), merged.files.len());
    writeln!(output.err, "hgview: {lines} results of {files} shares")?;
    Ok(if merged.missing.is_empty() {
        Verdict::Yes
    } else {
        Verdict::No
    })
}
