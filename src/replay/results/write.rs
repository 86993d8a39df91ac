//! Appends results and how they came to be.

use std::fs::File;
use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::io::Read as _;
use std::io::Seek as _;
use std::io::SeekFrom;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;

use crate::error::Error;
use crate::error::Result;
use crate::model::ContentHash;
use crate::replay::RecordReplay;
use crate::replay::results::FOLDER;
use crate::replay::results::Origin;
use crate::replay::results::Run;
use crate::replay::results::host;
use crate::replay::results::runs_file;
use crate::review::Place;
use crate::sandbox::unproved;

/// Appends to a file of results and the one beside it. Several programs may do so at once, also about one record: each line
/// is one write, so that lines do not mix, and of several about a record readers take the one whose run began last.
#[derive(Debug)]
pub struct Writer {
    path: PathBuf,
    results: File,
    runs: File,
}

impl Writer {
    /// Opens `<folder>/replay/<name>.jsonl` of a place, in its spare folder where the first one is read-only.
    ///
    /// # Errors
    /// *input* when neither can be written.
    pub fn open(place: &Place, name: &str) -> Result<Self> {
        let file = |folder: &Path| folder.join(FOLDER).join(format!("{name}.jsonl"));
        let path = file(place.dir());
        match (Self::at(&path), place.spare()) {
            (Err(err), Some(spare)) if is_read_only(&err) => {
                let path = file(spare);
                Self::at(&path).map_err(|err| unwritable(&path, err))
            }
            (opened, _) => opened.map_err(|err| unwritable(&path, err)),
        }
    }

    fn at(path: &Path) -> std::io::Result<Self> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        Self::open_pair(path, &runs_file(path))
    }

    /// Opens these two files, in folders that are there.
    pub(super) fn open_pair(results: &Path, runs: &Path) -> std::io::Result<Self> {
        Ok(Self {
            path: results.to_path_buf(),
            results: open(results)?,
            runs: open(runs)?,
        })
    }

    /// The file of results.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends both lines, without their ends.
    ///
    /// # Errors
    /// *input* when the disk does not take them.
    pub fn append(&mut self, line: &str, run: &str) -> Result<()> {
        let mut write = || -> std::io::Result<()> {
            self.runs.write_all(format!("{run}\n").as_bytes())?;
            self.results.write_all(format!("{line}\n").as_bytes())
        };
        write().map_err(|err| unwritable(&self.path, err))
    }

    /// Waits until everything is on the disk.
    ///
    /// # Errors
    /// *input* when it is not.
    pub fn sync(&mut self) -> Result<()> {
        let synced = self
            .runs
            .sync_data()
            .and_then(|()| self.results.sync_data());
        synced.map_err(|err| unwritable(&self.path, err))
    }
}

/// A line of results and the line beside it of how it came to be, both without their ends.
///
/// # Errors
/// *internal* when one is no JSON.
pub fn lines_of(result: &RecordReplay, origin: &Origin) -> Result<(String, String)> {
    let line = serde_json::to_string(result)
        .map_err(|err| Error::internal("no JSON of a replay").caused_by(err))?;
    let run = Run {
        v: Run::VERSION,
        record: result.record.sha256,
        line: ContentHash::of(line.as_bytes()),
        options: origin.options,
        at: origin.at,
        host: host().into(),
        tier: origin.tier,
        unproved: unproved(&origin.proofs).map(|proof| proof.bound).collect(),
        took_s: origin.took_s,
    };
    let run = serde_json::to_string(&run)
        .map_err(|err| Error::internal("no JSON of a run").caused_by(err))?;
    Ok((line, run))
}

/// Opens a file for appending; half a line at its end gets an end, so that it stays alone.
fn open(path: &Path) -> std::io::Result<File> {
    let mut file = OpenOptions::new()
        .create(true)
        .read(true)
        .append(true)
        .open(path)?;
    if file.seek(SeekFrom::End(0))? > 0 {
        file.seek(SeekFrom::End(-1))?;
        let mut last = [0];
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            file.write_all(b"\n")?;
        }
    }
    Ok(file)
}

fn is_read_only(err: &std::io::Error) -> bool {
    matches!(
        err.kind(),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem
    )
}

fn unwritable(path: &Path, err: std::io::Error) -> Error {
    Error::input(format!("{} cannot be written", path.display())).caused_by(err)
}
