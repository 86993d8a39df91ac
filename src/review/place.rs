//! Where decisions lie, and which folders are read.
//!
//! Decisions on what was opened are written to `<data>.hgview/` beside it: beside the file, beside the folder, and for
//! several inputs beside the folder that holds them all. Endings of compression do not count, so that `runs.jsonl` and
//! `runs.jsonl.gz` share their decisions. What cannot be written there goes to a folder of the same name in the data
//! folder, and so does what came through standard input.
//!
//! Read are the places of the inputs, of every folder around them and of every file in them: a decision is found again
//! whichever way its record is opened. Content hashes make that safe.

use std::collections::HashSet;
use std::path::Component;
use std::path::Path;
use std::path::PathBuf;

use crate::error::Error;
use crate::error::Result;
use crate::model::ContentHash;
use crate::model::RecordIx;
use crate::review::RecordRef;
use crate::store::Store;

/// What kind of place decisions are written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Site {
    /// Beside the data.
    Beside,
    /// Where the user said.
    Chosen,
    /// In the data folder, because the place beside the data cannot be written.
    ReadOnly,
    /// In the data folder, because the records come through standard input.
    Stdin,
}

/// Where decisions are written, and from where they are read.
#[derive(Debug, Clone)]
pub struct Place {
    dir: PathBuf,
    spare: Option<PathBuf>,
    site: Site,
    /// The data folder of hgview; `None` where the user chose a folder, which then is the only one.
    data: Option<PathBuf>,
    reads: Vec<PathBuf>,
    known: HashSet<PathBuf>,
}

impl Place {
    /// Finds the place for inputs as they were named (files, folders, patterns, `-`); creates nothing. `chosen` is
    /// `--review-dir`, `data` hgview's data folder.
    ///
    /// # Errors
    /// *input* when the current folder is gone and a path is relative.
    pub fn of(inputs: &[PathBuf], chosen: Option<&Path>, data: &Path) -> Result<Self> {
        if let Some(dir) = chosen {
            let dir = absolute(dir)?;
            return Ok(Self {
                spare: None,
                site: Site::Chosen,
                data: None,
                reads: vec![dir.clone()],
                known: HashSet::new(),
                dir,
            });
        }
        let mut targets = Vec::new();
        for input in inputs.iter().filter(|input| input.as_os_str() != "-") {
            let target = target(input)?;
            if !targets.contains(&target) {
                targets.push(target);
            }
        }
        let stdin = data.join("reviews").join("stdin");
        let home = match targets.as_slice() {
            [] => None,
            [one] => Some(one.clone()),
            [first, rest @ ..] => {
                let mut common = folder_of(first);
                for other in rest {
                    common = common_folder(&common, &folder_of(other));
                }
                Some(common)
            }
        };
        let (dir, spare, site) = match &home {
            None => (stdin.clone(), None, Site::Stdin),
            Some(target) => {
                let spare = spare(target, data);
                match beside(target) {
                    Some(dir) if can_write(&dir) => (dir, Some(spare), Site::Beside),
                    _ => (spare, None, Site::ReadOnly),
                }
            }
        };
        let mut place = Self {
            dir: dir.clone(),
            spare,
            site,
            data: Some(data.to_path_buf()),
            reads: Vec::new(),
            known: HashSet::new(),
        };
        for target in home.iter().chain(&targets) {
            place.add(target);
        }
        // what came through standard input is about no file that somebody names later
        if inputs.iter().any(|input| input.as_os_str() == "-") {
            place.reads.push(stdin);
        }
        Ok(place)
    }

    /// The folder that is written.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The folder that is written when the other one turns out to be read-only.
    pub fn spare(&self) -> Option<&Path> {
        self.spare.as_deref()
    }

    /// What kind of place it is.
    pub fn site(&self) -> Site {
        self.site
    }

    /// The folders that are read; most are not there.
    pub fn reads(&self) -> &[PathBuf] {
        &self.reads
    }

    /// Whether what lies in `dir` is this place's own: only that can be undone from here.
    pub fn is_own(&self, dir: &Path) -> bool {
        let Some(data) = &self.data else {
            return dir == self.dir;
        };
        // what went to the spare folder while the place was read-only belongs to it all the same
        let twin = |dir: &Path| original(dir).map(|target| spare(&target, data));
        dir == self.dir
            || Some(dir) == self.spare.as_deref()
            || twin(dir).is_some_and(|twin| twin == self.dir)
    }

    /// Reads decisions beside a file that was found in an opened folder, and beside the folders on the way.
    pub fn add_file(&mut self, file: &Path) {
        if self.data.is_none() {
            return;
        }
        if let Ok(target) = target(file) {
            self.add(&target);
        }
    }

    /// [`Place::add_file`] for all the files of some data; a name that comes up again costs nothing much, and `-` is none.
    #[must_use]
    pub fn with_files<P: AsRef<Path>>(mut self, files: impl IntoIterator<Item = P>) -> Self {
        let mut met: HashSet<PathBuf> = HashSet::new();
        for file in files {
            let file = file.as_ref();
            if file.as_os_str() != "-" && !met.contains(file) {
                met.insert(file.to_path_buf());
                self.add_file(file);
            }
        }
        self
    }

    /// The journals that are there now, in the order in which they are read.
    pub fn journals(&self) -> Vec<PathBuf> {
        let mut found: Vec<PathBuf> = Vec::new();
        for dir in &self.reads {
            let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
            let mut journals: Vec<PathBuf> = entries
                .filter(|entry| {
                    let name = entry.file_name();
                    let name = name.to_string_lossy();
                    let rest = name.strip_prefix("decisions.");
                    rest.is_some_and(|rest| rest.strip_suffix(".jsonl").is_some())
                })
                .map(|entry| entry.path())
                .filter(|path| !found.contains(path))
                .collect();
            journals.sort();
            found.append(&mut journals);
        }
        found
    }

    /// One line for people: where decisions go, and why there.
    pub fn words(&self) -> String {
        let dir = self.dir.display();
        match self.site {
            Site::Beside | Site::Chosen => format!("decisions are in {dir}"),
            Site::ReadOnly => {
                format!("the folder of the data is read-only: decisions are in {dir}")
            }
            Site::Stdin => format!("decisions on standard input are in {dir}"),
        }
    }

    /// Names a record for the journal. `row` is its place in its file, from 0.
    pub fn record(
        &self,
        sha256: ContentHash,
        id: &str,
        path: &Path,
        member: Option<&str>,
        row: usize,
    ) -> RecordRef {
        let whole = whole(path);
        self.record_at(sha256, id, &whole, member, row)
    }

    /// Names a record of the store by its id.
    ///
    /// # Errors
    /// *input* when it cannot be read.
    pub fn reference(&self, store: &Store, ix: RecordIx, id: &str) -> Result<RecordRef> {
        let hash = store
            .content_hash(ix)
            .map_err(|fault| Error::input(fault.unread(&format!("record {}", ix.0 + 1))))?;
        let entry = store.entry(ix);
        let path = entry.as_ref().map_or(Path::new(""), |entry| &entry.path);
        let member = entry.as_ref().and_then(|entry| entry.member.as_deref());
        let row = entry.as_ref().map_or(ix.0, |entry| entry.row);
        Ok(self.record(hash, id, path, member, row))
    }

    /// [`Place::record`] for a path that is whole already ([`whole`]): asks no disk.
    pub fn record_at(
        &self,
        sha256: ContentHash,
        id: &str,
        path: &Path,
        member: Option<&str>,
        row: usize,
    ) -> RecordRef {
        let base = self.dir.parent().filter(|_| self.site == Site::Beside);
        let short = base.and_then(|base| path.strip_prefix(base).ok());
        let mut name = short.unwrap_or(path).to_string_lossy().into_owned();
        if let Some(member) = member {
            name.push('/');
            name.push_str(member);
        }
        RecordRef {
            sha256,
            id: id.into(),
            path: name.into(),
            nth: row + 1,
        }
    }

    /// Reads the places of `target` and of every folder around it.
    fn add(&mut self, target: &Path) {
        let Some(data) = self.data.clone() else {
            return;
        };
        for around in target.ancestors() {
            if !self.known.insert(around.to_path_buf()) {
                return;
            }
            self.reads.extend(beside(around));
            self.reads.push(spare(around, &data));
        }
    }
}

/// The whole path of a file, links resolved; the path itself where it is gone.
pub fn whole(path: &Path) -> PathBuf {
    target_whole(path).unwrap_or_else(|_gone| path.to_path_buf())
}

/// The whole path of a record as a line of the journal in `dir` names it, for comparing.
pub(super) fn whole_path(dir: &Path, path: &str) -> PathBuf {
    let path = without_packing(Path::new(path));
    match dir.parent() {
        Some(base) if path.is_relative() => base.join(path),
        _ => path,
    }
}

/// What decisions are about: the whole path, links resolved, without endings of compression. Of a pattern it is the
/// folder in which all that it can match lies.
fn target(input: &Path) -> Result<PathBuf> {
    Ok(without_packing(&target_whole(input)?))
}

fn target_whole(input: &Path) -> Result<PathBuf> {
    if let Ok(path) = std::fs::canonicalize(input) {
        return Ok(path);
    }
    let is_pattern = |part: &Component<'_>| {
        part.as_os_str()
            .to_string_lossy()
            .contains(['*', '?', '[', '{'])
    };
    if input.components().any(|part| is_pattern(&part)) {
        let base: PathBuf = input
            .components()
            .take_while(|part| !is_pattern(part))
            .collect();
        let base = if base.as_os_str().is_empty() {
            PathBuf::from(".")
        } else {
            base
        };
        return std::fs::canonicalize(&base).or_else(|_gone| absolute(&base));
    }
    absolute(input)
}

fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).map_err(|err| {
        Error::input(format!("cannot tell where {} is", path.display())).caused_by(err)
    })
}

/// The path without `.gz` and `.zst`.
fn without_packing(path: &Path) -> PathBuf {
    let mut path = path.to_path_buf();
    while let Some(ending) = path.extension() {
        let is_packing = ["gz", "zst"]
            .iter()
            .any(|known| ending.eq_ignore_ascii_case(known));
        if !is_packing || path.is_dir() {
            break;
        }
        path.set_extension("");
    }
    path
}

/// The folder itself, or the one in which a file lies.
fn folder_of(target: &Path) -> PathBuf {
    if target.is_dir() {
        return target.to_path_buf();
    }
    target.parent().unwrap_or(target).to_path_buf()
}

fn common_folder(a: &Path, b: &Path) -> PathBuf {
    let both = a.components().zip(b.components());
    both.take_while(|(a, b)| a == b).map(|(a, _)| a).collect()
}

/// `<data>.hgview`; `None` for the root, which has nothing beside it.
fn beside(target: &Path) -> Option<PathBuf> {
    let mut name = target.file_name()?.to_os_string();
    name.push(".hgview");
    Some(target.with_file_name(name))
}

/// The data whose decisions lie in `dir`.
fn original(dir: &Path) -> Option<PathBuf> {
    (dir.extension()? == "hgview").then(|| dir.with_extension(""))
}

/// The folder in the data folder that stands in for `<data>.hgview`.
fn spare(target: &Path, data: &Path) -> PathBuf {
    let hash = ContentHash::of(target.as_os_str().as_encoded_bytes()).to_string();
    let short: String = hash.chars().take(16).collect();
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let name: String = name
        .chars()
        .filter(|c| c.is_alphanumeric() || ".-_".contains(*c))
        .take(48)
        .collect();
    data.join("reviews").join(format!("{name}-{short}"))
}

/// Whether files can be made in `dir`, or it can be made itself.
fn can_write(dir: &Path) -> bool {
    use rustix::fs::Access;
    let nearest = dir
        .ancestors()
        .find(|around| around.symlink_metadata().is_ok());
    nearest.is_some_and(|folder| {
        folder.is_dir() && rustix::fs::access(folder, Access::WRITE_OK | Access::EXEC_OK).is_ok()
    })
}

#[cfg(test)]
mod tests;
