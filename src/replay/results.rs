//! Results of replays on disk: `<data>.hgview/replay/*.jsonl`, a line a record, and beside each such file another of how
//! the lines came to be.
//!
//! A line of results holds nothing of machine, time or tier; the file beside it (`*.runs.jsonl`) does, and names the line
//! by its hash. So results are merged by `cat`, in any order, and of several lines about a record the one counts whose
//! run began last; where nobody says when, the one that is read last, file names ascending. What cannot be read is told
//! and passed over, never changed. Folders are found as those of decisions are ([`crate::review::Place`]).

mod brief;
mod merge;
mod shard;
mod write;

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::io::Seek as _;
use std::io::SeekFrom;
use std::path::Path;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use crate::error::Error;
use crate::error::Result;
use crate::model::ContentHash;
use crate::model::Text;
use crate::replay::RecordReplay;
use crate::review::Moment;
use crate::sandbox::Bound;
use crate::sandbox::Proof;
use crate::sandbox::Tier;
use crate::shard::Kind;
use crate::shard::each_line;

pub use brief::Brief;
pub use merge::Merge;
pub use merge::merge;
pub use shard::ShardWriter;
pub use write::Writer;
pub use write::lines_of;

/// The folder of results below that of the decisions.
pub const FOLDER: &str = "replay";
/// How names of files with results end.
const ENDING: &str = ".jsonl";
/// How those of the files beside them end.
const RUNS_ENDING: &str = ".runs.jsonl";
/// Troubles that are told one by one.
const TOLD: usize = 20;

/// The file of results beside the data, without its ending.
pub const NAME: &str = "results";
/// The shares of a replay.
pub const SHARES: Kind = Kind {
    stem: NAME,
    command: "replay",
};

/// How a line of results came to be. It lies beside them, so that they are the same wherever they were made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Run {
    /// The version of these lines.
    pub v: u64,
    /// Which record.
    pub record: ContentHash,
    /// The hash of the line of results, without its line end.
    pub line: ContentHash,
    /// What was asked for, as a hash: base, patience, checks. Lines of other options are made anew.
    pub options: ContentHash,
    /// When the run began.
    pub at: Moment,
    /// The machine.
    pub host: Text,
    /// How the sandbox walled off; null where none was started.
    pub tier: Option<Tier>,
    /// The bounds of the sandbox that nobody proved.
    pub unproved: Vec<Bound>,
    /// Seconds from the beginning to the line.
    #[serde(rename = "seconds")]
    pub took_s: f64,
}

impl Run {
    /// The version that is written, and the latest that is understood.
    pub const VERSION: u64 = 1;
}

/// How a result came to be, whatever it says.
#[derive(Debug, Clone)]
pub struct Origin {
    /// What was asked for, as a hash.
    pub options: ContentHash,
    /// When the run began.
    pub at: Moment,
    /// Seconds from the beginning to the result.
    pub took_s: f64,
    /// How the sandbox walled off; `None` where none was started.
    pub tier: Option<Tier>,
    /// What held of its limits.
    pub proofs: Vec<Proof>,
}

/// A line that was passed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passed {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1; `None` where the whole file cannot be read.
    pub line: Option<usize>,
    /// What it is instead of a result.
    pub what: String,
}

impl fmt::Display for Passed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", self.what)
    }
}

/// Where a line lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Lies {
    /// Among the files.
    file: usize,
    start: u64,
    len_bytes: u64,
}

/// What is kept in memory of the result that counts for a record.
#[derive(Debug, Clone)]
struct Kept {
    brief: Brief,
    lies: Lies,
    /// When its run began and with which options, where somebody says.
    ran: Option<(Moment, ContentHash)>,
}

/// When the runs of lines began and with which options, by the lines' hashes.
type Runs = HashMap<ContentHash, (Moment, ContentHash)>;

/// The results of some folders: the last of each record, in brief; the rest stays on disk.
#[derive(Debug, Default)]
pub struct Results {
    files: Vec<PathBuf>,
    kept: HashMap<ContentHash, Kept>,
    passed: Vec<Passed>,
    passed_count: usize,
}

impl Results {
    /// Reads the results of folders that hold a folder of results (`<data>.hgview`); most are not there.
    pub fn load<P: AsRef<Path>>(folders: impl IntoIterator<Item = P>) -> Self {
        let folders = folders.into_iter();
        let files = folders.flat_map(|folder| files_in(&folder.as_ref().join(FOLDER)));
        Self::of_files(files.collect())
    }

    /// Reads these files, in this order.
    pub fn of_files(files: Vec<PathBuf>) -> Self {
        let mut results = Self {
            files,
            ..Self::default()
        };
        for ix in 0..results.files.len() {
            let path = results.files.get(ix).cloned().unwrap_or_default();
            let runs = results.runs(&runs_file(&path));
            results.read(ix, &path, &runs);
        }
        results
    }

    /// How many records have a result.
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// Whether no record has one.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// The result of a record, in brief.
    pub fn brief(&self, record: ContentHash) -> Option<&Brief> {
        self.kept.get(&record).map(|kept| &kept.brief)
    }

    /// The results of all records, in brief.
    pub fn into_briefs(self) -> HashMap<ContentHash, Brief> {
        let kept = self.kept.into_iter();
        kept.map(|(record, kept)| (record, kept.brief)).collect()
    }

    /// Whether a record has a result that was made with these options and is not about a failure of its own.
    pub fn is_done(&self, record: ContentHash, options: ContentHash) -> bool {
        let kept = self.kept.get(&record);
        kept.is_some_and(|kept| {
            let is_it = kept.ran.is_some_and(|(_, with)| with == options);
            is_it && !kept.brief.has_error
        })
    }

    /// The result of a record, whole. Reads the disk.
    ///
    /// # Errors
    /// *input* when the file has changed since.
    pub fn whole(&self, record: ContentHash) -> Result<Option<RecordReplay>> {
        let Some(Kept { lies, .. }) = self.kept.get(&record) else {
            return Ok(None);
        };
        let path = self.files.get(lies.file).cloned().unwrap_or_default();
        let changed = || Error::input(format!("{} has changed while it was read", path.display()));
        let read = || -> std::io::Result<Vec<u8>> {
            let mut file = File::open(&path)?;
            file.seek(SeekFrom::Start(lies.start))?;
            let mut bytes = Vec::new();
            file.take(lies.len_bytes).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let bytes = read().map_err(|err| changed().caused_by(err))?;
        match parse(&bytes) {
            Parsed::Result(found) if found.record.sha256 == record => Ok(Some(*found)),
            _ => Err(changed()),
        }
    }

    /// The lines that were passed over, the first of them.
    pub fn passed(&self) -> &[Passed] {
        &self.passed
    }

    /// How many lines were passed over.
    pub fn passed_count(&self) -> usize {
        self.passed_count
    }

    fn pass(&mut self, file: &Path, line: Option<usize>, what: impl Into<String>) {
        self.passed_count += 1;
        if self.passed.len() < TOLD {
            self.passed.push(Passed {
                file: file.to_path_buf(),
                line,
                what: what.into(),
            });
        }
    }

    /// When the runs of a file's lines began and with which options, by the lines' hashes.
    fn runs(&mut self, path: &Path) -> Runs {
        let mut runs = HashMap::new();
        if !path.exists() {
            return runs;
        }
        let done = each_line(path, &mut |line| {
            // what it does not know is not worth a word: the results themselves are whole
            if let Ok(run) = serde_json::from_slice::<Run>(line.bytes)
                && run.v <= Run::VERSION
            {
                let ran = runs.entry(run.line).or_insert((run.at, run.options));
                if run.at > ran.0 {
                    *ran = (run.at, run.options);
                }
            }
        });
        if let Err(err) = done {
            self.pass(path, None, format!("cannot be read: {err}"));
        }
        runs
    }

    fn read(&mut self, ix: usize, path: &Path, runs: &Runs) {
        let mut found = Vec::new();
        let mut passed = Vec::new();
        let done = each_line(path, &mut |line| {
            let lies = Lies {
                file: ix,
                start: line.start,
                len_bytes: line.bytes.len() as u64,
            };
            match parse(line.bytes) {
                Parsed::Blank => {}
                Parsed::Result(result) => {
                    let ran = runs.get(&ContentHash::of(line.bytes)).copied();
                    let brief = Brief::of(&result);
                    found.push((result.record.sha256, Kept { brief, lies, ran }));
                }
                Parsed::Future(v) => {
                    let what = format!("a result of version {v}, for a later hgview");
                    passed.push((line.number, what));
                }
                Parsed::Foreign(_) if !line.is_ended => {
                    passed.push((line.number, "the last line is torn".to_owned()));
                }
                Parsed::Foreign(why) => passed.push((line.number, format!("no result: {why}"))),
            }
        });
        for (record, kept) in found {
            let known = self.kept.get(&record);
            // without a time it is older than what has one
            if known.is_none_or(|known| kept.ran.map(|ran| ran.0) >= known.ran.map(|ran| ran.0)) {
                self.kept.insert(record, kept);
            }
        }
        for (line, what) in passed {
            self.pass(path, Some(line), what);
        }
        if let Err(err) = done {
            self.pass(path, None, format!("cannot be read: {err}"));
        }
    }
}

/// What a line turned out to be.
#[derive(Debug)]
pub(super) enum Parsed {
    /// A result.
    Result(Box<RecordReplay>),
    /// Nothing but blanks.
    Blank,
    /// A result of this later version.
    Future(u64),
    /// Something else, and why.
    Foreign(String),
}

/// What every version has.
#[derive(Deserialize)]
struct AnyVersion {
    v: u64,
}

/// Reads a line without its end.
pub(super) fn parse(bytes: &[u8]) -> Parsed {
    if bytes.trim_ascii().is_empty() {
        return Parsed::Blank;
    }
    // a later version may have other fields
    match serde_json::from_slice(bytes) {
        Ok(AnyVersion { v }) if v > RecordReplay::VERSION => return Parsed::Future(v),
        Ok(AnyVersion { .. }) => {}
        Err(err) => return Parsed::Foreign(err.to_string()),
    }
    match serde_json::from_slice(bytes) {
        Ok(found) => Parsed::Result(Box::new(found)),
        Err(err) => Parsed::Foreign(err.to_string()),
    }
}

/// The files with results in a folder, by name.
pub fn files_in(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.ends_with(ENDING) && !name.ends_with(RUNS_ENDING)
        })
        .collect();
    files.sort();
    files
}

/// The name of this machine.
fn host() -> String {
    let name = rustix::system::uname();
    name.nodename().to_string_lossy().into_owned()
}

/// The file beside one of results.
pub fn runs_file(results: &Path) -> PathBuf {
    let name = results.file_name().unwrap_or_default().to_string_lossy();
    let stem = name.strip_suffix(ENDING).unwrap_or(&name);
    results.with_file_name(format!("{stem}{RUNS_ENDING}"))
}

#[cfg(test)]
mod tests;
