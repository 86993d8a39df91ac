//! Disks and pipes that fail, take little, or are interrupted.

use std::io;
use std::io::ErrorKind;

use super::*;

/// Takes so many bytes of a call, in all so many bytes; every third call is interrupted.
struct Shaky {
    bytes: Vec<u8>,
    at_once: usize,
    room: usize,
    calls: usize,
}

impl Shaky {
    fn new(at_once: usize, room: usize) -> Self {
        Self {
            bytes: Vec::new(),
            at_once,
            room,
            calls: 0,
        }
    }
}

impl Write for Shaky {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.calls += 1;
        if self.calls.is_multiple_of(3) {
            return Err(ErrorKind::Interrupted.into());
        }
        let len = bytes.len().min(self.at_once).min(self.room);
        if len == 0 && self.room == 0 {
            return Err(ErrorKind::StorageFull.into());
        }
        self.bytes.extend_from_slice(&bytes[..len]);
        self.room -= len;
        Ok(len)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn pieces() -> (Vec<Piece>, Vec<u8>) {
    let line = |text: &str| Piece::Line(text.into());
    let pieces = vec![
        line("{\"a\":1}"),
        line(""),
        Piece::Lines(b"one\ntwo\n".to_vec(), 2),
        Piece::Lines(Vec::new(), 0),
        line(&"long".repeat(1000)),
    ];
    let want = [
        "{\"a\":1}\n",
        "\n",
        "one\ntwo\n",
        &"long".repeat(1000),
        "\n",
    ]
    .concat();
    (pieces, want.into_bytes())
}

#[test]
fn lines_are_written_whole_however_little_is_taken_at_once() {
    let (pieces, want) = pieces();
    for at_once in [1, 2, 3, 7, 1000, usize::MAX] {
        let mut out = Shaky::new(at_once, usize::MAX);
        write_lines(&mut out, &pieces).unwrap();
        assert_eq!(out.bytes, want, "{at_once}");
    }
}

#[test]
fn a_disk_that_takes_no_more_is_an_error_wherever_it_ends() {
    let (pieces, want) = pieces();
    for room in (0..want.len()).step_by(13) {
        for at_once in [1, 5, usize::MAX] {
            let mut out = Shaky::new(at_once, room);
            let err = write_lines(&mut out, &pieces).unwrap_err();
            assert_eq!(err.kind(), ErrorKind::StorageFull, "{room}");
            assert_eq!(out.bytes, want[..room], "{room}");
        }
    }
    let mut out = Shaky::new(0, usize::MAX);
    let err = write_lines(&mut out, &pieces).unwrap_err();
    assert_eq!(err.kind(), ErrorKind::WriteZero);
}

#[test]
fn what_goes_to_standard_output_arrives_whole_or_is_an_error() {
    let path = Path::new("-");
    let written = |bytes: &[u8]| Written::of(path.to_path_buf(), bytes).unwrap();
    let (_, want) = pieces();
    let mut out = Shaky::new(7, usize::MAX);
    publish(vec![written(&want)], false, &mut out, &Cancel::new()).unwrap();
    assert_eq!(out.bytes, want);
    let mut out = Shaky::new(7, want.len() - 1);
    publish(vec![written(&want)], false, &mut out, &Cancel::new()).unwrap_err();
}

#[test]
fn no_set_lies_beside_the_account_of_another() {
    let folder = tempfile::tempdir().unwrap();
    let (set, manifest) = (folder.path().join("set"), folder.path().join("set.json"));
    let files = || {
        let new = |path: &PathBuf| Written::of(path.clone(), b"new").unwrap();
        vec![new(&set), new(&manifest)]
    };
    let mut stdout = Vec::new();
    std::fs::write(&set, "old").unwrap();
    std::fs::write(&manifest, "old").unwrap();
    // without --force nothing is touched
    publish(files(), false, &mut stdout, &Cancel::new()).unwrap_err();
    assert_eq!(std::fs::read(&manifest).unwrap(), b"old");
    publish(files(), true, &mut stdout, &Cancel::new()).unwrap();
    assert_eq!(std::fs::read(&set).unwrap(), b"new");
    assert_eq!(std::fs::read(&manifest).unwrap(), b"new");
    // it ends before the set has its name
    std::fs::remove_file(&set).unwrap();
    std::fs::create_dir(&set).unwrap();
    publish(files(), true, &mut stdout, &Cancel::new()).unwrap_err();
    assert!(!manifest.exists());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}
