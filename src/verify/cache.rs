//! Judgements and flags that took long, kept for the next time.
//!
//! One file in the cache folder, a line a judgement: a checksum, the key, the judgement as JSON. Lines are appended
//! whole, so that two programs may write at once; whatever is torn, foreign or does not fit its checksum is not there.
//! The key holds everything that decides a judgement, the filter's version included. The file is bounded: when it is
//! opened too long its older half goes. No error is told: without a cache everything is only slower.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::PoisonError;

use serde::Deserialize;
use serde::Serialize;

use crate::model::ContentHash;
use crate::model::Flag;
use crate::model::LineNo;
use crate::model::Value;
use crate::model::Verdict;
use crate::verify::Evidence;
use crate::verify::Judgement;
use crate::verify::Sense;

const FILE: &str = "verdicts.jsonl";
/// The length at which the older half goes.
const MOST_BYTES: usize = 64 << 20;
/// A judgement with more evidence than that is not kept.
const MOST_LINE: usize = 1 << 20;
/// What is gathered before it is written.
const BATCH_BYTES: usize = 256 << 10;
/// Hexadecimal digits of the checksum and of the key, with a blank behind each.
const SUM: usize = 16;
const KEY: usize = 64;
const HEAD: usize = SUM + 1 + KEY + 1;

/// The names of checks that a judgement read back can have.
const NAMES: [&str; 28] = [
    "annotated_deps",
    "comments_added",
    "comments_only",
    "duplicates",
    "empty",
    "f1",
    "false_negatives",
    "false_positives",
    "file_hit",
    "file_parses",
    "full_success",
    "function_hit",
    "line_hit",
    "localized",
    "missed_deps",
    "only_target_changed",
    "passed",
    "precision",
    "reason",
    "recall",
    "returncode",
    "success",
    "target_docstring_edited",
    "targets",
    "targets_documented",
    "test_file",
    "true_positives",
    "uncertain",
];

/// The judgements of earlier runs.
#[derive(Debug)]
pub struct Cache {
    path: PathBuf,
    /// The file as it was opened.
    bytes: Vec<u8>,
    /// Where the line of a key is; the last one counts.
    places: HashMap<ContentHash, std::ops::Range<usize>>,
    pending: Mutex<Pending>,
}

#[derive(Debug, Default)]
struct Pending {
    lines: String,
    /// The file's last line has no end.
    is_torn: bool,
}

/// A judgement as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    v: Verdict,
    c: Vec<(String, Value)>,
    e: Vec<KeptEvidence>,
}

/// Sense, path, line, patch line, reason.
#[derive(Serialize, Deserialize)]
struct KeptEvidence(char, Option<String>, Option<usize>, Option<usize>, String);

impl Cache {
    /// Reads the cache of a folder; an empty one where there is none yet or it cannot be read.
    pub fn open(folder: &Path) -> Self {
        let path = folder.join(FILE);
        let mut bytes = fs::read(&path).unwrap_or_default();
        if bytes.len() > MOST_BYTES {
            bytes = newer_half(&bytes);
            replace(&path, &bytes);
        }
        let places = places(&bytes);
        let pending = Pending {
            is_torn: bytes.last().is_some_and(|byte| *byte != b'\n'),
            ..Pending::default()
        };
        Self {
            path,
            bytes,
            places,
            pending: Mutex::new(pending),
        }
    }

    /// The judgement that was kept under a key.
    pub fn get(&self, key: &ContentHash) -> Option<Judgement> {
        let kept: Kept = serde_json::from_slice(self.json(key)?).ok()?;
        kept.judgement()
    }

    /// The flags that were kept under a key.
    pub fn get_flags(&self, key: &ContentHash) -> Option<Vec<Flag>> {
        serde_json::from_slice(self.json(key)?).ok()
    }

    fn json(&self, key: &ContentHash) -> Option<&[u8]> {
        let line = self.bytes.get(self.places.get(key)?.clone())?;
        let (sum, rest) = line.split_at_checked(SUM + 1)?;
        if sum.get(..SUM)? != checksum(rest).as_bytes() {
            return None;
        }
        rest.get(KEY + 1..)
    }

    /// Keeps a judgement; it is written with the next batch.
    pub fn put(&self, key: ContentHash, judgement: &Judgement) {
        self.keep(key, &Kept::of(judgement));
    }

    /// Keeps flags; they are written with the next batch.
    pub fn put_flags(&self, key: ContentHash, flags: &[Flag]) {
        self.keep(key, &flags);
    }

    fn keep(&self, key: ContentHash, what: &impl Serialize) {
        let Ok(json) = serde_json::to_string(what) else {
            return;
        };
        if json.len() > MOST_LINE {
            return;
        }
        let rest = format!("{key} {json}");
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        // writing to a text cannot fail
        let _written = writeln!(pending.lines, "{} {rest}", checksum(rest.as_bytes()));
        if pending.lines.len() >= BATCH_BYTES {
            pending.write(&self.path);
        }
    }

    /// Writes what is not written yet. Also happens when the cache is dropped.
    pub fn flush(&self) {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        pending.write(&self.path);
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        self.flush();
    }
}

impl Pending {
    fn write(&mut self, path: &Path) {
        if self.lines.is_empty() {
            return;
        }
        if std::mem::take(&mut self.is_torn) {
            self.lines.insert(0, '\n');
        }
        // one write of whole lines at the end of the file; a failure loses nothing but time
        let _lost = append(path, self.lines.as_bytes());
        self.lines.clear();
    }
}

fn append(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file: File = OpenOptions::new().append(true).create(true).open(path)?;
    file.write_all(bytes)
}

/// Puts other bytes in a file's place at once. Another program that has it open goes on with the old one.
fn replace(path: &Path, bytes: &[u8]) {
    let write = || -> std::io::Result<()> {
        let folder = path.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(bytes)?;
        file.persist(path).map_err(|failed| failed.error)?;
        Ok(())
    };
    let _lost = write();
}

fn newer_half(bytes: &[u8]) -> Vec<u8> {
    let newer = bytes.get(bytes.len() / 2..).unwrap_or_default();
    let start = memchr::memchr(b'\n', newer).map_or(newer.len(), |end| end + 1);
    newer.get(start..).unwrap_or_default().to_vec()
}

fn places(bytes: &[u8]) -> HashMap<ContentHash, std::ops::Range<usize>> {
    let mut places = HashMap::new();
    let mut start = 0;
    for end in memchr::memchr_iter(b'\n', bytes) {
        let line = bytes.get(start..end).unwrap_or_default();
        let key = line.get(SUM + 1..HEAD - 1);
        let key = key.and_then(|key| ContentHash::from_hex(std::str::from_utf8(key).ok()?));
        if let Some(key) = key {
            places.insert(key, start..end);
        }
        start = end + 1;
    }
    places
}

fn checksum(bytes: &[u8]) -> String {
    let hash = blake3::hash(bytes).to_hex();
    hash.get(..SUM).unwrap_or_default().to_owned()
}

impl Kept {
    fn of(judgement: &Judgement) -> Self {
        let evidence = judgement.evidence.iter().map(|found| {
            let sense = match found.sense {
                Sense::Objection => 'o',
                Sense::Hit => 'h',
                Sense::Missed => 'm',
                Sense::Note => 'n',
            };
            let number = |line: Option<LineNo>| line.map(|line| line.0);
            KeptEvidence(
                sense,
                found.path.clone(),
                number(found.line),
                number(found.patch_line),
                found.why.clone(),
            )
        });
        let checks = judgement.checks.iter();
        Self {
            v: judgement.verdict,
            c: checks
                .map(|(name, value)| ((*name).to_owned(), value.clone()))
                .collect(),
            e: evidence.collect(),
        }
    }

    /// `None` for what another version may have written.
    fn judgement(self) -> Option<Judgement> {
        let checks = self.c.into_iter().map(|(name, value)| {
            let name = NAMES.into_iter().find(|known| *known == name)?;
            Some((name, value))
        });
        let evidence = self.e.into_iter().map(|kept| {
            let KeptEvidence(sense, path, line, patch_line, why) = kept;
            Some(Evidence {
                sense: match sense {
                    'o' => Sense::Objection,
                    'h' => Sense::Hit,
                    'm' => Sense::Missed,
                    'n' => Sense::Note,
                    _ => return None,
                },
                path,
                line: line.map(LineNo),
                patch_line: patch_line.map(LineNo),
                why,
            })
        });
        Some(Judgement {
            verdict: self.v,
            checks: checks.collect::<Option<_>>()?,
            evidence: evidence.collect::<Option<_>>()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::FlagKind;

    fn judgement(why: &str) -> Judgement {
        Judgement {
            verdict: Verdict::Reject,
            checks: vec![("precision", 1.0.into()), ("missed_deps", vec!["ü"].into())],
            evidence: vec![Evidence {
                sense: Sense::Objection,
                path: Some("a.py".to_owned()),
                line: Some(LineNo(3)),
                patch_line: None,
                why: why.to_owned(),
            }],
        }
    }

    fn key(name: &str) -> ContentHash {
        ContentHash::of(name.as_bytes())
    }

    #[test]
    fn judgements_come_back_as_they_were() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("new");
        let cache = Cache::open(&folder);
        cache.put(key("a"), &judgement("x\ny"));
        assert_eq!(cache.get(&key("a")), None, "not before it is opened again");
        drop(cache);
        let cache = Cache::open(&folder);
        assert_eq!(cache.get(&key("a")), Some(judgement("x\ny")));
        assert_eq!(cache.get(&key("b")), None);
    }

    #[test]
    fn flags_come_back_as_they_were() {
        let folder = tempfile::tempdir().unwrap();
        let flags = [Flag::of_step(FlagKind::Loop, 3, "x\ny")];
        Cache::open(folder.path()).put_flags(key("a"), &flags);
        let cache = Cache::open(folder.path());
        assert_eq!(cache.get_flags(&key("a")).as_deref(), Some(&flags[..]));
        assert_eq!(cache.get(&key("a")), None, "they are no judgement");
    }

    #[test]
    fn two_programs_write_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let one = Cache::open(folder.path());
        let other = Cache::open(folder.path());
        one.put(key("a"), &judgement("one"));
        other.put(key("b"), &judgement("other"));
        one.flush();
        other.put(key("a"), &judgement("later"));
        drop((other, one));
        let both = Cache::open(folder.path());
        assert_eq!(both.get(&key("a")), Some(judgement("later")));
        assert_eq!(both.get(&key("b")), Some(judgement("other")));
    }

    #[test]
    fn what_is_wrong_is_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        let fill = || {
            let cache = Cache::open(folder.path());
            cache.put(key("a"), &judgement("a"));
            cache.put(key("b"), &judgement("b"));
        };
        fill();
        let whole = fs::read(&path).unwrap();
        // torn at every length: what is whole is found, what is appended then is found too
        for length in (0..whole.len()).step_by(7) {
            fs::write(&path, &whole[..length]).unwrap();
            let torn = Cache::open(folder.path());
            assert_eq!(torn.get(&key("b")), None, "{length}");
            drop(torn);
            fill();
            let mended = Cache::open(folder.path());
            assert_eq!(mended.get(&key("a")), Some(judgement("a")), "{length}");
            assert_eq!(mended.get(&key("b")), Some(judgement("b")), "{length}");
        }
        // a changed byte anywhere
        for at in (0..whole.len()).step_by(5) {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            fs::write(&path, &bytes).unwrap();
            let cache = Cache::open(folder.path());
            for name in ["a", "b"] {
                let got = cache.get(&key(name));
                assert!(got.is_none() || got == Some(judgement(name)), "{at}");
            }
        }
        fs::write(&path, b"\xff\xfe\n\n{}\n").unwrap();
        assert_eq!(Cache::open(folder.path()).get(&key("a")), None);
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        fill();
    }

    #[test]
    fn the_older_half_goes() {
        let lines = b"1\n22\n333\n4444\n";
        assert_eq!(newer_half(lines), b"4444\n");
        assert_eq!(newer_half(b"no end"), b"");
    }
}
