//! The file of attempts: lines are appended whole and synced, and none is ever changed.
//!
//! What was written before is read when the file is opened, so that a run goes on where an earlier one stopped. A last line
//! that was torn is set aside in a file beside it. A file that is something else is left alone, and one that was made here
//! and stayed empty is removed.

use std::fs::File;
use std::fs::OpenOptions;
use std::fs::TryLockError;
use std::io::BufRead as _;
use std::io::BufReader;
use std::io::ErrorKind;
use std::io::Read as _;
use std::io::Seek as _;
use std::io::SeekFrom;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::PoisonError;

use serde::Deserialize;
use serde_json::Value;

use crate::error::Error;
use crate::error::Result;
use crate::model::Ended;
use crate::rollout::settings::Settings;
use crate::shard::is_at;

/// The file. One program at a time has it.
#[derive(Debug)]
pub struct Output {
    path: PathBuf,
    file: Mutex<File>,
    /// It was not there before.
    is_new: bool,
}

/// An attempt that the file holds already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The task.
    pub id: String,
    /// Which attempt of it.
    pub attempt: usize,
    /// What ended it.
    pub ended: Ended,
    /// The hash of the task's instance; `None` where the row does not tell.
    pub(super) task_hash: Option<String>,
    /// Where its line begins.
    start: u64,
    /// Bytes of its line.
    len: usize,
}

/// What the file held when it was opened.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Earlier {
    /// Its attempts, in order.
    pub attempts: Vec<Known>,
    /// Lines that are no JSON, and were passed over.
    pub passed: usize,
    /// The file in which the torn end of the last line now is.
    pub torn: Option<PathBuf>,
    /// What its attempts were made with, each once.
    pub settings: Vec<Settings>,
}

/// What of a line says which attempt it is.
#[derive(Deserialize)]
struct Line {
    instance_id: String,
    attempt: usize,
    ended_by: Ended,
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    llm_config: Config,
    #[serde(default)]
    settings: Value,
    #[serde(default)]
    task_sha256: Option<String>,
}

#[derive(Deserialize)]
struct Config {
    model: String,
}

/// What those may do whose run ended early.
pub const KEPT: &str = "attempts that had ended are kept; the same command goes on with the others";

impl Output {
    /// Opens or makes the file, for attempts of `model`.
    ///
    /// # Errors
    /// *input* when it cannot be read or written, holds something else or attempts of another model, or is in use.
    pub fn open(path: &Path, model: &str) -> Result<(Self, Earlier)> {
        let (mut file, is_new) = locked(path)?;
        let (mut earlier, end) = read(path, &file, model)?;
        if let Some(end) = end {
            earlier.torn = mend(path, &mut file, &end)?;
        }
        let output = Self {
            path: path.to_path_buf(),
            file: Mutex::new(file),
            is_new,
        };
        Ok((output, earlier))
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        let file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.metadata().is_ok_and(|about| about.len() == 0)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends a line, and returns when it is on the disk.
    ///
    /// # Errors
    /// *input* when that did not work; nothing more should be appended then.
    pub(super) fn append(&self, mut line: Vec<u8>) -> Result<()> {
        line.push(b'\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let cannot_write = |err| cannot(&self.path, "write", err);
        let len = file.metadata().map_err(cannot_write)?.len();
        let written = file.write_all(&line).and_then(|()| file.sync_data());
        written.map_err(|err| {
            // half a line must not swallow the next one; where this fails too, it is set aside by the next run
            drop(file.set_len(len));
            cannot_write(err).hint(KEPT)
        })
    }

    /// The line of an attempt that the file holds.
    ///
    /// # Errors
    /// *input* when it cannot be read.
    pub(super) fn line(&self, known: &Known) -> Result<Vec<u8>> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let mut line = vec![0; known.len];
        file.seek(SeekFrom::Start(known.start))
            .and_then(|_at| file.read_exact(&mut line))
            .map_err(|err| cannot(&self.path, "read", err))?;
        Ok(line)
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        // the lock is still held: nobody else has written to it
        if self.is_new && self.is_empty() {
            drop(std::fs::remove_file(&self.path));
        }
    }
}

/// The file for nobody else, and whether it was made for that.
fn locked(path: &Path) -> Result<(File, bool)> {
    loop {
        let mut options = OpenOptions::new();
        options.read(true).append(true);
        let (file, is_new) = match options.clone().create_new(true).open(path) {
            Err(err) if err.kind() == ErrorKind::AlreadyExists => {
                (options.create(true).open(path), false)
            }
            made => (made, true),
        };
        let file = file.map_err(|err| cannot(path, "open", err))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::input(format!(
                    "{} is being written by another run",
                    path.display()
                )));
            }
            Err(TryLockError::Error(err)) => return Err(cannot(path, "lock", err)),
        }
        // who held it may have removed it in the meantime
        if is_at(&file, path).map_err(|err| cannot(path, "open", err))? {
            return Ok((file, is_new));
        }
    }
}

fn cannot(path: &Path, what: &str, err: std::io::Error) -> Error {
    Error::input(format!("cannot {what} {}", path.display())).caused_by(err)
}

/// Where a last line begins that has no end.
struct Torn {
    start: u64,
    /// Only the line break is missing.
    is_whole: bool,
}

/// With what the first attempt of a file begins, however soon it was torn.
const OPENING: &[u8] = b"{\"";

/// What was read, unless it is of something else: lines that are no attempts, and not one that is.
fn ours(path: &Path, earlier: Earlier, end: Option<Torn>) -> Result<(Earlier, Option<Torn>)> {
    if earlier.attempts.is_empty() && earlier.passed > 0 {
        let what = format!("{} holds something else than attempts", path.display());
        return Err(Error::input(what).hint("name another file with -o"));
    }
    Ok((earlier, end))
}

/// The attempts of a file, and its torn end.
fn read(path: &Path, file: &File, model: &str) -> Result<(Earlier, Option<Torn>)> {
    let mut reader = BufReader::new(file);
    let mut earlier = Earlier::default();
    let (mut start, mut number) = (0_u64, 0);
    let mut line = Vec::new();
    loop {
        line.clear();
        let len = reader
            .read_until(b'\n', &mut line)
            .map_err(|err| cannot(path, "read", err))?;
        if len == 0 {
            return ours(path, earlier, None);
        }
        number += 1;
        let is_ended = line.pop_if(|last| *last == b'\n').is_some();
        let known = attempt_of(&line, model);
        let is_whole = matches!(known, Ok(Some(_)));
        match known {
            Ok(Some(found)) => {
                let settings = Settings::read(found.metadata.settings);
                if let Some(settings) = settings.filter(|new| !earlier.settings.contains(new)) {
                    earlier.settings.push(settings);
                }
                earlier.attempts.push(Known {
                    id: found.instance_id,
                    attempt: found.attempt,
                    ended: found.ended_by,
                    task_hash: found.metadata.task_sha256,
                    start,
                    len: line.len(),
                });
            }
            Ok(None) if is_ended => earlier.passed += usize::from(!line.trim_ascii().is_empty()),
            Ok(None) => {}
            Err(why) => {
                let what = format!("line {number} of {} {why}", path.display());
                return Err(Error::input(what).hint("name another file with -o"));
            }
        }
        if !is_ended {
            let could_be_ours = line.trim_ascii().is_empty() || line.starts_with(OPENING);
            earlier.passed += usize::from(earlier.attempts.is_empty() && !could_be_ours);
            return ours(path, earlier, Some(Torn { start, is_whole }));
        }
        start = start.saturating_add(len as u64);
    }
}

/// The attempt that a line tells of; `None` where it is no JSON.
fn attempt_of(line: &[u8], model: &str) -> Result<Option<Line>, String> {
    match serde_json::from_slice::<Line>(line) {
        Ok(found) if found.metadata.llm_config.model != model => Err(format!(
            "is an attempt of the model {}",
            found.metadata.llm_config.model
        )),
        Ok(found) => Ok(Some(found)),
        Err(err) if err.is_data() => Err(format!("is no attempt of `hgview rollout`: {err}")),
        Err(_) => Ok(None),
    }
}

/// Gives the last line its end, or sets it aside; the file in which it then is.
fn mend(path: &Path, file: &mut File, torn: &Torn) -> Result<Option<PathBuf>> {
    if torn.is_whole {
        let ended = file.write_all(b"\n").and_then(|()| file.sync_data());
        return ended
            .map(|()| None)
            .map_err(|err| cannot(path, "write", err));
    }
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".torn");
    let aside = path.with_file_name(name);
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(torn.start))
        .and_then(|_at| file.read_to_end(&mut bytes))
        .map_err(|err| cannot(path, "read", err))?;
    bytes.push(b'\n');
    let kept = OpenOptions::new().append(true).create(true).open(&aside);
    kept.and_then(|mut kept| kept.write_all(&bytes).and_then(|()| kept.sync_data()))
        .map_err(|err| cannot(&aside, "write", err))?;
    file.set_len(torn.start)
        .and_then(|()| file.sync_data())
        .map_err(|err| cannot(path, "write", err))?;
    Ok(Some(aside))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(id: &str, attempt: usize, ended: &str) -> String {
        let row = serde_json::json!({"instance_id": id, "attempt": attempt, "ended_by": ended, "history": [{"a": [1.5]}],
            "metadata": {"llm_config": {"model": "m"}}});
        row.to_string()
    }

    struct Place(tempfile::TempDir);

    impl Place {
        fn with(text: &str) -> Self {
            let place = Self(tempfile::tempdir().unwrap());
            std::fs::write(place.path(), text).unwrap();
            place
        }

        fn path(&self) -> PathBuf {
            self.0.path().join("output.jsonl")
        }

        fn text(&self) -> String {
            std::fs::read_to_string(self.path()).unwrap()
        }
    }

    #[track_caller]
    fn check(
        text: &str,
        want: &[(&str, usize, Ended)],
        passed: usize,
        left: &str,
        torn: Option<&str>,
    ) {
        let place = Place::with(text);
        let (output, earlier) = Output::open(&place.path(), "m").unwrap();
        let got: Vec<_> = earlier
            .attempts
            .iter()
            .map(|known| (known.id.as_str(), known.attempt, known.ended))
            .collect();
        assert_eq!(got, want);
        assert_eq!(earlier.passed, passed);
        for known in &earlier.attempts {
            let line = output.line(known).unwrap();
            assert!(serde_json::from_slice::<Line>(&line).is_ok());
        }
        let aside = earlier
            .torn
            .map(|aside| std::fs::read_to_string(aside).unwrap());
        assert_eq!(aside.as_deref(), torn);
        output.append(b"{}".to_vec()).unwrap();
        assert_eq!(place.text(), format!("{left}{{}}\n"));
    }

    #[test]
    fn attempts_are_known_again_and_torn_ends_set_aside() {
        let (one, two) = (line("a", 1, "finish"), line("b", 2, "unavailable"));
        let both = [("a", 1, Ended::Finish), ("b", 2, Ended::Unavailable)];
        let whole = format!("{one}\n{two}\n");
        check("", &[], 0, "", None);
        check(&whole, &both, 0, &whole, None);
        check(whole.trim_end(), &both, 0, &whole, None);
        let half = two.get(..40).unwrap();
        check(
            &format!("{one}\n{half}"),
            &both[..1],
            0,
            &format!("{one}\n"),
            Some(&format!("{half}\n")),
        );
        let odd = format!("{one}\n{half}\n\n{two}\n");
        check(&odd, &both, 1, &odd, None);
    }

    #[test]
    fn what_stays_empty_is_removed_if_it_was_made_here() {
        let place = Place(tempfile::tempdir().unwrap());
        let (output, _) = Output::open(&place.path(), "m").unwrap();
        assert!(output.is_empty());
        drop(output);
        assert!(!place.path().exists());
        let (output, _) = Output::open(&place.path(), "m").unwrap();
        output.append(b"{}".to_vec()).unwrap();
        drop(output);
        assert_eq!(place.text(), "{}\n");
        let place = Place::with("");
        drop(Output::open(&place.path(), "m").unwrap());
        assert_eq!(place.text(), "", "it was there before");
    }

    #[track_caller]
    fn refused(text: &str, part: &str) {
        let place = Place::with(text);
        let error = Output::open(&place.path(), "m").unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
        assert_eq!(place.text(), text, "it is left alone");
    }

    #[test]
    fn what_is_something_else_is_left_alone() {
        refused("{\"instance_id\": \"a\", \"repo\": \"r\"}\n", "line 1 of");
        refused("[1]\n", "is no attempt");
        let other = line("a", 1, "finish").replace("\"m\"", "\"other\"");
        refused(&format!("{other}\n"), "of the model other");
        refused("notes of mine\n", "something else");
        refused("PAR1 and so on", "something else");
        refused("\u{1}\n{\"instance_id", "something else");
        let place = Place::with("");
        let (_held, _) = Output::open(&place.path(), "m").unwrap();
        let error = Output::open(&place.path(), "m").unwrap_err().to_string();
        assert!(error.contains("another run"), "{error}");
    }
}
