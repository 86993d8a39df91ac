//! Puts the shares of many machines together.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::io::Seek as _;
use std::io::SeekFrom;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use crate::error::Error;
use crate::error::Result;
use crate::model::ContentHash;
use crate::model::Text;
use crate::replay::results::Parsed;
use crate::replay::results::SHARES;
use crate::replay::results::parse;
use crate::shard::Found;
use crate::shard::each_line;
use crate::shard::find;

/// What a merge found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Merge {
    /// The lines that were written.
    pub lines: usize,
    /// The shares.
    pub found: Found,
}

/// Where a line lies.
struct Lies {
    file: usize,
    number: usize,
    start: u64,
    len_bytes: u64,
}

/// Writes the lines of all complete shares of a folder, ordered by the records' ids, then by their hashes: the same bytes
/// however many shares there were. `allow_partial` takes what is there where shares are missing.
///
/// # Errors
/// *input* when shares are missing, are of several divisions, have a line twice or one that is no result; and when the
/// lines cannot be written. Nothing is written then but what a full disk took.
pub fn merge(folder: &Path, allow_partial: bool, out: &mut dyn Write) -> Result<Merge> {
    let found = find(SHARES, &[folder.to_path_buf()], allow_partial)?;
    let mut lines: BTreeMap<(Text, ContentHash), Lies> = BTreeMap::new();
    for (ix, path) in found.files.iter().enumerate() {
        read(ix, path, &found.files, &mut lines)?;
    }
    let mut files = Vec::new();
    for path in &found.files {
        files.push(File::open(path).map_err(|err| unreadable(path, err))?);
    }
    let mut bytes = Vec::new();
    for lies in lines.values() {
        let (Some(file), Some(path)) = (files.get_mut(lies.file), found.files.get(lies.file))
        else {
            continue;
        };
        bytes.clear();
        file.seek(SeekFrom::Start(lies.start))
            .and_then(|_at| file.take(lies.len_bytes).read_to_end(&mut bytes))
            .map_err(|err| unreadable(path, err))?;
        bytes.push(b'\n');
        out.write_all(&bytes)?;
    }
    out.flush()?;
    Ok(Merge {
        lines: lines.len(),
        found,
    })
}

fn read(
    ix: usize,
    path: &Path,
    files: &[PathBuf],
    lines: &mut BTreeMap<(Text, ContentHash), Lies>,
) -> Result<()> {
    let mut problem = None;
    let done = each_line(path, &mut |line| {
        if problem.is_some() {
            return;
        }
        let why = match parse(line.bytes) {
            Parsed::Blank => return,
            Parsed::Result(found) => {
                let key = (found.record.id, found.record.sha256);
                let at = Lies {
                    file: ix,
                    number: line.number,
                    start: line.start,
                    len_bytes: line.bytes.len() as u64,
                };
                let before = lines.insert(key, at);
                let Some(before) = before else {
                    return;
                };
                let other = files.get(before.file).map_or(path, |path| path);
                format!(
                    "the same record as in {}:{}",
                    other.display(),
                    before.number
                )
            }
            Parsed::Future(v) => format!("a result of version {v}, for a later hgview"),
            Parsed::Foreign(why) => format!("no result: {why}"),
        };
        problem = Some(format!("{}:{}: {why}", path.display(), line.number));
    });
    done.map_err(|err| unreadable(path, err))?;
    match problem {
        Some(problem) => Err(Error::input(problem)),
        None => Ok(()),
    }
}

fn unreadable(path: &Path, err: std::io::Error) -> Error {
    Error::input(format!("{} cannot be read", path.display())).caused_by(err)
}
