//! Disks that fail: what was said to be saved is there, what failed is not there by half.

use std::cell::Cell;
use std::io::ErrorKind;

use proptest::prelude::*;

use super::*;
use crate::model::ContentHash;
use crate::model::Text;
use crate::review::Change;
use crate::review::Choice;
use crate::review::Event;
use crate::review::Moment;
use crate::review::RecordRef;

/// How calls fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failure {
    /// At once.
    Full,
    /// After half of what was to be written.
    Half,
    /// Not at all: a signal came in between.
    Interrupted,
}

/// A file in memory, of whose calls some fail.
#[derive(Debug)]
struct Shaky {
    bytes: Vec<u8>,
    at: usize,
    calls: Cell<usize>,
    /// From this call on, so many calls, in this way.
    fails: (usize, usize, Failure),
}

impl Shaky {
    fn new(bytes: &[u8], fails: (usize, usize, Failure)) -> Self {
        Self {
            bytes: bytes.to_vec(),
            at: 0,
            calls: Cell::new(0),
            fails,
        }
    }

    /// How this call fails.
    fn call(&self) -> Option<Failure> {
        let nth = self.calls.replace(self.calls.get() + 1);
        let (first, count, failure) = self.fails;
        (nth >= first && nth - first < count).then_some(failure)
    }

    /// A call that is done or is not.
    fn may_fail(&self) -> io::Result<()> {
        match self.call() {
            Some(Failure::Full | Failure::Half) => Err(ErrorKind::StorageFull.into()),
            // the system does such calls again by itself
            Some(Failure::Interrupted) | None => Ok(()),
        }
    }
}

impl Read for Shaky {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut len = buf.len().min(self.bytes.len().saturating_sub(self.at));
        match self.call() {
            Some(Failure::Full) => return Err(io::Error::other("the cable is out")),
            Some(Failure::Interrupted) => return Err(ErrorKind::Interrupted.into()),
            Some(Failure::Half) => len = len.div_ceil(2),
            None => {}
        }
        buf[..len].copy_from_slice(&self.bytes[self.at..self.at + len]);
        self.at += len;
        Ok(len)
    }
}

impl Write for Shaky {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let len = match self.call() {
            Some(Failure::Full) => return Err(ErrorKind::StorageFull.into()),
            Some(Failure::Interrupted) => return Err(ErrorKind::Interrupted.into()),
            Some(Failure::Half) => buf.len() / 2,
            None => buf.len(),
        };
        // as a file that was opened to append
        self.bytes.extend_from_slice(&buf[..len]);
        Ok(len)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Shaky {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.may_fail()?;
        let SeekFrom::Start(at) = to else {
            return Err(ErrorKind::Unsupported.into());
        };
        self.at = usize::try_from(at).unwrap();
        Ok(at)
    }
}

impl Disk for Shaky {
    fn len_bytes(&self) -> io::Result<u64> {
        self.may_fail()?;
        Ok(self.bytes.len() as u64)
    }

    fn cut(&mut self, len_bytes: u64) -> io::Result<()> {
        self.may_fail()?;
        self.bytes.resize(usize::try_from(len_bytes).unwrap(), 0);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.may_fail()
    }
}

fn line(nth: usize) -> Line {
    Line {
        at: Moment::now(),
        reviewer: "ada".into(),
        event: Event::Change {
            record: RecordRef {
                sha256: ContentHash::of(&nth.to_le_bytes()),
                id: Text::from(format!("task-{nth}")),
                path: "data.jsonl".into(),
                nth,
            },
            change: Change::decide(Choice::Accept),
        },
    }
}

/// The records that whole lines decide on.
fn decided(bytes: &[u8]) -> Vec<usize> {
    let lines = bytes.split_inclusive(|byte| *byte == b'\n');
    let whole = lines.filter_map(|line| line.strip_suffix(b"\n"));
    whole
        .filter_map(|line| match Line::parse(line) {
            Parsed::Line(Line {
                event: Event::Change { record, .. },
                ..
            }) => Some(record.nth),
            _ => None,
        })
        .collect()
}

/// Appends lines one after the other, each until it is saved; somebody tears the journal before the line `torn`.
#[track_caller]
fn check(fails: (usize, usize, Failure), torn: Option<usize>) {
    const LINES: usize = 5;
    let folder = tempfile::tempdir().unwrap();
    let aside = folder.path().join("torn");
    let first = line(0).to_json();
    let mut lines = Lines::new(Shaky::new(first.as_bytes(), fails), aside);
    let mut notes = Vec::new();
    for nth in 1..=LINES {
        if torn == Some(nth) {
            lines.disk.bytes.extend_from_slice(b"{\"v\":1,\"at\":\"20");
        }
        let json = line(nth).to_json();
        let mut tries = 0;
        while let Err(err) = lines.append(json.as_bytes(), &mut notes) {
            assert_ne!(err.kind(), ErrorKind::Interrupted, "{fails:?}");
            tries += 1;
            assert!(tries <= fails.1 + 1, "{fails:?} {torn:?}: {err}");
            // what could not be cut off again either is there, and nobody was told of it
            let now = decided(&lines.disk.bytes);
            let want: Vec<usize> = (0..nth).collect();
            assert!(now.starts_with(&want), "{fails:?} {torn:?}: {now:?}");
            assert!(now.len() <= nth + 1, "{fails:?} {torn:?}: {now:?}");
        }
        let now = decided(&lines.disk.bytes);
        assert_eq!(now, (0..=nth).collect::<Vec<_>>(), "{fails:?} {torn:?}");
    }
    // told again where it had to be done again
    assert_eq!(notes.is_empty(), torn.is_none(), "{fails:?}");
    let text = String::from_utf8(lines.disk.bytes).unwrap();
    assert_eq!(
        text.lines().count(),
        LINES + 1,
        "{fails:?} {torn:?}\n{text}"
    );
}

#[test]
fn any_call_may_fail() {
    for failure in [Failure::Full, Failure::Half, Failure::Interrupted] {
        for first in 0..40 {
            for count in 0..4 {
                check((first, count, failure), None);
                check((first, count, failure), Some(2));
            }
        }
    }
}

/// The half line must not become part of the next one only because there was no room to set it aside.
#[test]
fn a_journal_that_could_not_be_mended_is_looked_at_again() {
    let folder = tempfile::tempdir().unwrap();
    let aside = folder.path().join("no/such/folder/torn");
    let mut lines = Lines::new(Shaky::new(b"", (0, 0, Failure::Full)), aside.clone());
    let mut notes = Vec::new();
    lines
        .append(line(0).to_json().as_bytes(), &mut notes)
        .unwrap();
    lines.disk.bytes.extend_from_slice(b"{\"v\":1,\"at\":\"20");
    for _ in 0..2 {
        let json = line(1).to_json();
        lines.append(json.as_bytes(), &mut notes).unwrap_err();
    }
    std::fs::create_dir_all(aside.parent().unwrap()).unwrap();
    lines
        .append(line(1).to_json().as_bytes(), &mut notes)
        .unwrap();
    assert_eq!(decided(&lines.disk.bytes), [0, 1]);
    assert_eq!(notes.len(), 1);
}

proptest! {
    #[test]
    fn any_end_is_mended(bytes in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'{'), any::<u8>()], 0..60), whole in any::<bool>()) {
        let folder = tempfile::tempdir().unwrap();
        let before = if whole { [line(7).to_json().trim_end().as_bytes(), &bytes].concat() } else { bytes };
        let mut lines = Lines::new(Shaky::new(&before, (0, 0, Failure::Full)), folder.path().join("torn"));
        lines.append(line(1).to_json().as_bytes(), &mut Vec::new()).unwrap();
        let now = &lines.disk.bytes;
        prop_assert_eq!(decided(now).last().copied(), Some(1));
        let kept = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        prop_assert!(now.starts_with(&before[..kept]));
        // what was not whole is set aside, to the last byte
        let aside = std::fs::read(folder.path().join("torn")).unwrap_or_default();
        let is_aside = aside.strip_suffix(b"\n") == Some(&before[kept..]);
        prop_assert!(kept == before.len() || is_aside || now[kept..].starts_with(&before[kept..]));
    }
}
