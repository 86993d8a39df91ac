//! Finding side files and reading them: those given by hand, those met in a folder, those beside a file.

use std::collections::HashMap;
use std::io::BufRead as _;
use std::io::BufReader;
use std::io::Read as _;
use std::ops::Range;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::RwLock;

use walkdir::DirEntry;
use walkdir::WalkDir;

use crate::cancel::Cancel;
use crate::error::Error;
use crate::error::Result;
use crate::model::Format;
use crate::model::Value;
use crate::read::side::SideData;
use crate::read::side::score_row;
use crate::store::folder::Listing;
use crate::store::index::Index;
use crate::store::index::Look;
use crate::store::index::file_name;
use crate::store::index::look_at;
use crate::store::names;
use crate::store::scan::Scan;
use crate::store::scan::Seed;
use crate::store::scan::Want;
use crate::store::table::Table;
use crate::store::tell;
use crate::store::tell::Container;

/// How many files of a folder are looked into.
const SIBLINGS: usize = 200;
/// How long such a file may be.
const FILE_BYTES: u64 = 64 << 20;
/// How many bytes of JSON files are read in all, for one folder.
const FOLDER_BYTES: u64 = 192 << 20;

/// How long a line of a score file may be.
const SCORE_BYTES: u64 = 1 << 20;

/// How side files are read.
#[derive(Debug, Clone, Copy)]
pub(super) struct How<'a> {
    /// Where packed ones are unpacked; `None` is the system's place for such files.
    pub(super) spool_dir: Option<&'a Path>,
    /// Ends the reading early.
    pub(super) cancel: &'a Cancel,
}

/// Reads a side file into `data`; returns its family, or `None` when it is none or has no rows.
pub(super) fn read_into(
    data: &mut SideData,
    path: &Path,
    is_explicit: bool,
    how: How<'_>,
) -> Option<Format> {
    let cancel = how.cancel;
    let index = RwLock::new(Index::default());
    let mut ignore = |_progress| {};
    let mut scan = Scan::new(&index, cancel, &mut ignore, Want::Sides);
    scan.spool_dir = how.spool_dir.map(Path::to_path_buf);
    // reports without an id are named by their folder, which a bare file name lacks
    let absolute = std::path::absolute(path).unwrap_or_else(|_unknown| path.to_path_buf());
    scan.scan_file(&Seed::file(&absolute, true));
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
            && let Ok(raw) = source.load_raw(&slot)
        {
            // a bad row of a side file is one id that stays unknown
            drop(data.add(raw));
        }
    }
    Some(format)
}

/// Where trajectories lie: what decides which of them a side file that was found is about.
#[derive(Debug, Default)]
pub(super) struct Runs {
    /// By folder: all records in it and below.
    folders: HashMap<PathBuf, Place>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Place {
    /// Records that lie in the folder itself.
    own: usize,
    /// Folders in it that hold records.
    folders: usize,
    /// Of those: with more than one record, at any depth.
    crowded: usize,
}

impl Runs {
    /// Counts the records of all sources.
    pub(super) fn of(index: &Index) -> Self {
        let counts = index.records_of_sources();
        let mut runs = Self::default();
        let mut all: HashMap<&Path, usize> = HashMap::new();
        for (source, count) in index.sources.iter().zip(counts) {
            for (level, folder) in source.path.ancestors().skip(1).enumerate() {
                *all.entry(folder).or_default() += count;
                let place = runs.folders.entry(folder.to_path_buf()).or_default();
                if level == 0 {
                    place.own += count;
                }
            }
        }
        for (folder, count) in all {
            let parent = folder
                .parent()
                .and_then(|above| runs.folders.get_mut(above));
            if let Some(parent) = parent {
                parent.folders += 1;
                parent.crowded += usize::from(count > 1);
            }
        }
        runs
    }

    /// Whether trajectories lie in the folder or below it.
    pub(super) fn reach(&self, folder: &Path) -> bool {
        self.folders.contains_key(folder)
    }

    /// Whether a folder above a report is one run: trajectories lie in it, or in only one folder of it, or most of its
    /// folders are those of single instances. Otherwise it holds several runs, whose instances have the same ids.
    fn is_run(&self, folder: &Path) -> bool {
        let place = self.folders.get(folder);
        place.is_some_and(|place| {
            place.own > 0 || place.folders == 1 || place.crowded * 2 <= place.folders
        })
    }

    /// The folder that a side file is about. Its own when trajectories lie there or below, and always for tasks. Else
    /// the one above, when that is a run: reports often stand in a folder of their own beside the trajectories, and
    /// those of single instances one deeper. Its own folder when nothing is near.
    pub(super) fn scope_of(&self, file: &Path, format: Format, ids: usize) -> PathBuf {
        let own = file.parent().unwrap_or(file);
        let above = match (format, ids) {
            (Format::Task, _) => 0,
            (_, 1) => 2,
            _ => 1,
        };
        if self.reach(own) {
            return own.to_path_buf();
        }
        let near = own
            .ancestors()
            .skip(1)
            .take(above)
            .find(|folder| self.reach(folder));
        near.filter(|folder| self.is_run(folder))
            .unwrap_or(own)
            .to_path_buf()
    }
}

/// What was named with one `--with`.
#[derive(Debug, Clone)]
pub(super) struct Given {
    /// As it was named.
    pub(super) path: PathBuf,
    /// Places of its files in [`SideData::files`].
    pub(super) files: Range<usize>,
}

/// Reads the files given with `--with`, and those in folders given so.
///
/// # Errors
/// *input* when one cannot be read or is no side file, or a folder holds none.
pub(super) fn read_given(paths: &[PathBuf], how: How<'_>) -> Result<(SideData, Vec<Given>)> {
    let mut data = SideData::default();
    let mut given = Vec::new();
    for path in paths {
        let cannot = |err| Error::input(format!("cannot open {}", path.display())).caused_by(err);
        let before = data.files().len();
        if std::fs::metadata(path).map_err(cannot)?.is_dir() {
            read_given_folder(&mut data, path, how);
        } else {
            std::fs::File::open(path).map_err(cannot)?;
            if read_into(&mut data, path, true, how).is_none() {
                read_scores(&mut data, path, how.cancel);
            }
        }
        let files = before..data.files().len();
        if files.is_empty() {
            let what = if path.is_dir() {
                format!("{} holds no file that can be joined", path.display())
            } else {
                format!("{} is no file that can be joined", path.display())
            };
            return Err(Error::input(what)
                .hint("known are predictions, evaluation reports, task rows, verdicts, and lines of scores"));
        }
        given.push(Given {
            path: path.clone(),
            files,
        });
    }
    Ok((data, given))
}

/// Reads a file of scores, where its first line is one; what else is no score is counted.
fn read_scores(data: &mut SideData, path: &Path, cancel: &Cancel) {
    let Ok(file) = std::fs::File::open(path) else {
        return;
    };
    let mut file = BufReader::new(file);
    let mut line = Vec::new();
    let mut is_begun = false;
    loop {
        line.clear();
        // a line that is longer goes on as lines that are none
        let read = file.by_ref().take(SCORE_BYTES).read_until(b'\n', &mut line);
        if !read.is_ok_and(|read| read > 0) || cancel.is_cancelled() {
            return;
        }
        let row = line.trim_ascii();
        if row.is_empty() {
            continue;
        }
        if !is_begun {
            if score_row(row).is_err() {
                return;
            }
            data.begin_file(path, Format::Verdict, true);
            is_begun = true;
        }
        data.add_score(row);
    }
}

/// Reads all side files of a folder that was given: a few levels deep, since evaluations keep a folder an instance.
fn read_given_folder(data: &mut SideData, folder: &Path, how: How<'_>) {
    const LEVELS: usize = 6;
    const FILES: usize = 20_000;
    let is_wanted = |entry: &DirEntry| {
        let name = entry.file_name().to_string_lossy();
        entry.depth() == 0 || !entry.file_type().is_dir() || !names::is_ignored_folder(&name)
    };
    let files = WalkDir::new(folder)
        .max_depth(LEVELS)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(is_wanted)
        .filter_map(std::result::Result::ok)
        .filter(|entry| names::may_hold_data(&entry.file_name().to_string_lossy()))
        .filter(|entry| entry.path().is_file())
        .take(FILES);
    for entry in files {
        let is_short = entry.metadata().is_ok_and(|meta| meta.len() <= FILE_BYTES);
        if is_short && !holds_steps(entry.path()) {
            read_into(data, entry.path(), true, how);
        }
    }
}

/// The folders whose side files are about `file`: its own, and the one above when its own is the instance's.
pub(super) fn folders_around(file: &Path) -> impl Iterator<Item = &Path> {
    let own = file.parent();
    let stem = file_name(file);
    let stem = stem
        .split_once(".traj")
        .map_or(stem.as_str(), |(head, _)| head);
    let above = own
        .filter(|own| own.file_name().is_some_and(|name| name == stem))
        .and_then(Path::parent)
        .filter(|above| !above.as_os_str().is_empty());
    own.into_iter().chain(above)
}

/// Which folders are asked about which of the files that were named.
#[derive(Debug, Default)]
pub(super) struct Neighbours {
    /// The file, where only one asks.
    folders: HashMap<PathBuf, Option<PathBuf>>,
}

impl Neighbours {
    /// Those of the named files.
    pub(super) fn of<'a>(files: impl Iterator<Item = &'a Path>) -> Self {
        let mut neighbours = Self::default();
        for file in files {
            for folder in folders_around(file) {
                neighbours
                    .folders
                    .entry(folder.to_path_buf())
                    .and_modify(|only| *only = None)
                    .or_insert_with(|| Some(file.to_path_buf()));
            }
        }
        neighbours
    }

    /// The file that is the only one to ask for the folder's side files: as one of these it says nothing to anybody.
    pub(super) fn alone_in(&self, folder: &Path) -> Option<&Path> {
        self.folders.get(folder)?.as_deref()
    }
}

/// The first bytes of a file, at most `most` of them.
fn head_of(path: &Path, most: usize) -> std::io::Result<Vec<u8>> {
    // room for all of it: a vector that grows from nothing is read into by 32 bytes, then 64, …
    let mut head = Vec::with_capacity(most);
    let file = std::fs::File::open(path)?;
    file.take(most as u64).read_to_end(&mut head)?;
    Ok(head)
}

/// Whether the first bytes of a file show a trajectory's own members. Side files have none of these; without this look
/// each neighbour would be read as far as its first long line before anything is shown.
fn holds_steps(path: &Path) -> bool {
    const HEAD_BYTES: usize = 64 << 10;
    const MEMBERS: [&str; 5] = [
        "messages",
        "history",
        "trajectory",
        "conversations",
        "raw_completions",
    ];
    let head = head_of(path, HEAD_BYTES);
    let head = head.as_deref().unwrap_or_default();
    if tell::container(head) == Container::Parquet {
        // a page of its rows takes longer than all that is shown
        let file = std::fs::File::open(path).ok();
        let table = file.and_then(|file| Table::open(Arc::new(file)).ok());
        return table.is_some_and(|table| MEMBERS.iter().any(|name| table.has_column(name)));
    }
    let is_member = |name: &str| {
        let name = format!("\"{name}\"");
        memchr::memmem::find_iter(head, &name).any(|at| {
            let is_escaped = at.checked_sub(1).and_then(|before| head.get(before)) == Some(&b'\\');
            let after = head.get(at + name.len()..).unwrap_or_default();
            !is_escaped && after.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b':')
        })
    };
    MEMBERS.into_iter().any(is_member)
}

/// Why what hgview exported is not joined where it is merely found: its labels came from the records themselves.
pub(super) const OWN_EXPORT: &str = "an earlier export; --with joins it";

/// Whether a file was exported by hgview, as the manifest beside it says: the file's own, or that of the set of which it
/// is a part.
pub(super) fn is_own_export(path: &Path) -> bool {
    let name = file_name(path);
    // `set.jsonl.manifest.json` tells of `set.jsonl` and of `set.train.jsonl`
    let of_set = name.rsplit_once('.').and_then(|(stem, ending)| {
        let (set, _part) = stem.rsplit_once('.')?;
        Some(format!("{set}.{ending}"))
    });
    let names = std::iter::once(name.clone()).chain(of_set);
    let mut manifests = names.map(|named| path.with_file_name(format!("{named}.manifest.json")));
    manifests.any(|manifest| names_output(&manifest, &name))
}

/// Whether a manifest of hgview says that it wrote a file of this name.
fn names_output(manifest: &Path, name: &str) -> bool {
    // everything before the lines about single records
    const HEAD_BYTES: usize = 256 << 10;
    let Ok(head) = head_of(manifest, HEAD_BYTES) else {
        return false;
    };
    let says = |text: &str| memchr::memmem::find(&head, text.as_bytes()).is_some();
    let quoted = Value::from(name).to_string();
    says("\"name\": \"hgview\"") && says(&format!("\"file\": {quoted}"))
}

/// Files of a folder that are not joined from there.
#[derive(Debug)]
pub(super) struct LeftOut {
    asking: Option<PathBuf>,
    met: Vec<PathBuf>,
}

impl LeftOut {
    /// The file that asks, where it is alone, and those that are joined to all records.
    pub(super) fn new(asking: Option<&Path>, met: &[Arc<Path>]) -> Self {
        let met = met.iter().filter_map(|path| path.canonicalize().ok());
        Self {
            asking: asking.map(Path::to_path_buf),
            met: met.collect(),
        }
    }

    fn has(&self, path: &Path) -> bool {
        let is_met = || {
            path.canonicalize()
                .is_ok_and(|path| self.met.contains(&path))
        };
        self.asking.as_deref() == Some(path) || !self.met.is_empty() && is_met()
    }
}

/// Reads the side files of one folder, but for those that are left out.
pub(super) fn read_folder(folder: &Path, left_out: LeftOut, how: How<'_>) -> Nearby {
    let mut data = SideData::default();
    let mut looks = HashMap::new();
    let mut exports = Vec::new();
    let mut left = FOLDER_BYTES;
    for path in candidates(folder) {
        looks.insert(path.clone(), look_at(&path));
        let Ok(meta) = std::fs::metadata(&path) else {
            continue;
        };
        let is_left_out = !meta.is_file() || meta.len() > FILE_BYTES || left_out.has(&path);
        if is_left_out || how.cancel.is_cancelled() {
            continue;
        }
        if holds_steps(&path) {
            continue;
        }
        if is_own_export(&path) {
            exports.push(path);
            continue;
        }
        // lines are told by the first few; an object has to be read to its end
        if !names::says_lines(&file_name(&path)) {
            if meta.len() > left {
                continue;
            }
            left -= meta.len();
        }
        read_into(&mut data, &path, false, how);
    }
    Nearby {
        data,
        exports,
        left_out,
        looks: Mutex::new(looks),
    }
}

/// The files of a folder that are looked into, as the records' paths are written: no file is joined to itself.
fn candidates(folder: &Path) -> Vec<PathBuf> {
    let place = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let listing = Listing::read(place).unwrap_or_default();
    let files = listing.files.iter();
    files
        .filter(|name| names::may_hold_data(name))
        .take(SIBLINGS)
        .map(|name| folder.join(name))
        .collect()
}

/// The side files of one folder.
#[derive(Debug)]
pub(super) struct Nearby {
    /// What they say.
    pub(super) data: SideData,
    /// Files that hgview exported: passed over.
    pub(super) exports: Vec<PathBuf>,
    /// Files of it that were not read: they are followed by whoever has them.
    left_out: LeftOut,
    /// How all files looked that were looked into.
    looks: Mutex<HashMap<PathBuf, Look>>,
}

impl Nearby {
    /// Whether one of the files is gone or rewritten, or another has become a side file.
    pub(super) fn is_outdated(&self, folder: &Path, how: How<'_>) -> bool {
        let mut looks = self.looks.lock().unwrap_or_else(PoisonError::into_inner);
        let files = self.data.files();
        if files
            .iter()
            .any(|file| looks.get(&file.path) != Some(&look_at(&file.path)))
        {
            return true;
        }
        candidates(folder).into_iter().any(|path| {
            let look = look_at(&path);
            if looks.insert(path.clone(), look) == Some(look) {
                return false;
            }
            let is_short = look.is_some_and(|(len, _)| len <= FILE_BYTES);
            is_short
                && !self.left_out.has(&path)
                && !holds_steps(&path)
                && !is_own_export(&path)
                && read_into(&mut SideData::default(), &path, false, how).is_some()
        })
    }
}
