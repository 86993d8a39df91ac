//! Finding side files and reading them: those given by hand, those met in a folder, those beside a file.

use std::collections::HashSet;
use std::io::Read as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::RwLock;

use crate::cancel::Cancel;
use crate::error::Error;
use crate::error::Result;
use crate::model::Format;
use crate::read::side::SideData;
use crate::store::folder::Listing;
use crate::store::index::Index;
use crate::store::index::Source;
use crate::store::index::file_name;
use crate::store::names;
use crate::store::scan::Scan;
use crate::store::scan::Seed;
use crate::store::scan::Want;

/// How many files of a folder are looked into.
const SIBLINGS: usize = 200;
/// How long such a file may be.
const FILE_BYTES: u64 = 64 << 20;
/// How many bytes of JSON files are read in all, for one folder.
const FOLDER_BYTES: u64 = 192 << 20;

/// Reads a side file into `data`; returns its family, or `None` when it is none or has no rows.
pub(super) fn read_into(
    data: &mut SideData,
    path: &Path,
    is_explicit: bool,
    cancel: &Cancel,
) -> Option<Format> {
    let index = RwLock::new(Index::default());
    let mut ignore = |_progress| {};
    let mut scan = Scan::new(&index, cancel, &mut ignore, Want::Sides);
    scan.scan_file(&Seed::file(path, true));
    scan.flush();
    let index = index.into_inner().unwrap_or_else(PoisonError::into_inner);
    let format = index.sources.first()?.format?;
    data.begin_file(path, format, is_explicit);
    for (place, slot) in index.slots.iter().enumerate() {
        let source = usize::try_from(slot.source)
            .ok()
            .and_then(|ix| index.sources.get(ix));
        if cancel.is_cancelled() {
            break;
        }
        if let Some(source) = source.filter(|_| !index.faults.contains_key(&place))
            && let Ok(raw) = source.load_raw(slot)
        {
            // a bad row of a side file is one id that stays unknown
            drop(data.add(raw));
        }
    }
    Some(format)
}

/// All folders that hold trajectories, at any depth.
pub(super) fn folders_of_runs(sources: &[Arc<Source>]) -> HashSet<PathBuf> {
    let mut folders = HashSet::new();
    for source in sources {
        for folder in source.path.ancestors().skip(1) {
            if !folders.insert(folder.to_path_buf()) {
                break;
            }
        }
    }
    folders
}

/// The folder of the run that a side file is about: the nearest one above the file that holds trajectories. Reports
/// often stand in a folder of their own beside the trajectories, and those of single instances one deeper; further up
/// are other runs, whose labels must not be mixed up with these.
pub(super) fn scope_of(file: &Path, ids: usize, folders: &HashSet<PathBuf>) -> PathBuf {
    let levels = if ids == 1 { 3 } else { 2 };
    let own = file.parent().unwrap_or(file);
    let run = own
        .ancestors()
        .take(levels)
        .find(|folder| folders.contains(*folder));
    run.unwrap_or(own).to_path_buf()
}

/// Reads the files given with `--with`.
///
/// # Errors
/// *input* when one cannot be read or is no side file.
pub(super) fn read_given(paths: &[PathBuf]) -> Result<SideData> {
    let mut data = SideData::default();
    for path in paths {
        std::fs::File::open(path).map_err(|err| {
            Error::input(format!("cannot open {}", path.display())).caused_by(err)
        })?;
        if read_into(&mut data, path, true, &Cancel::new()).is_none() {
            let what = format!("{} is no file that can be joined", path.display());
            return Err(Error::input(what)
                .hint("known are predictions, evaluation reports, task rows and verdicts"));
        }
    }
    Ok(data)
}

/// Reads the side files beside `file`: in its folder, and in the one above when the folder is the instance's own.
pub(super) fn read_beside(file: &Path, cancel: &Cancel) -> SideData {
    let mut data = SideData::default();
    let Some(folder) = file.parent() else {
        return data;
    };
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    read_folder(&mut data, folder, file, cancel);
    let stem = file_name(file);
    let stem = stem
        .split_once(".traj")
        .map_or(stem.as_str(), |(head, _)| head);
    if folder.file_name().is_some_and(|name| name == stem)
        && let Some(above) = folder
            .parent()
            .filter(|above| !above.as_os_str().is_empty())
    {
        read_folder(&mut data, above, file, cancel);
    }
    data
}

/// Whether the first bytes of a file show a trajectory's own members. Side files have none of these; without this look
/// each neighbour would be read as far as its first long line before anything is shown.
fn holds_steps(path: &Path) -> bool {
    const HEAD_BYTES: u64 = 64 << 10;
    const MEMBERS: [&[u8]; 5] = [
        b"\"messages\"",
        b"\"history\"",
        b"\"trajectory\"",
        b"\"conversations\"",
        b"\"raw_completions\"",
    ];
    let mut head = Vec::new();
    let read =
        std::fs::File::open(path).and_then(|file| file.take(HEAD_BYTES).read_to_end(&mut head));
    let is_member = |name: &[u8]| {
        memchr::memmem::find_iter(&head, name).any(|at| {
            let is_escaped = at.checked_sub(1).and_then(|before| head.get(before)) == Some(&b'\\');
            let after = head.get(at + name.len()..).unwrap_or_default();
            !is_escaped && after.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b':')
        })
    };
    read.is_ok() && MEMBERS.into_iter().any(is_member)
}

fn read_folder(data: &mut SideData, folder: &Path, file: &Path, cancel: &Cancel) {
    let listing = Listing::read(folder).unwrap_or_default();
    let mut left = FOLDER_BYTES;
    let candidates = listing
        .files
        .iter()
        .filter(|name| names::may_hold_data(name))
        .take(SIBLINGS);
    for name in candidates {
        let path = folder.join(name);
        let Ok(meta) = std::fs::metadata(&path) else {
            continue;
        };
        let is_itself =
            path == file || (path.file_name() == file.file_name() && folder == Path::new("."));
        if is_itself || !meta.is_file() || meta.len() > FILE_BYTES || cancel.is_cancelled() {
            continue;
        }
        if holds_steps(&path) {
            continue;
        }
        // lines are told by the first few; an object has to be read to its end
        if !names::says_lines(name) {
            if meta.len() > left {
                continue;
            }
            left -= meta.len();
        }
        read_into(data, &path, false, cancel);
    }
}
