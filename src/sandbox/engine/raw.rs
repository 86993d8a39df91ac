//! Connections to an engine that stop speaking HTTP: input and output of a process.
//!
//! The client has such connections too, but takes the first byte of a terminal's output for the head of a frame, which a
//! program can choose.

use std::io;
use std::io::Read as _;
use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// An answer's head is not longer.
const MOST_HEAD: usize = 1 << 16;
/// An answer begins within this time.
const PATIENCE: Duration = Duration::from_mins(1);

/// Asks for a connection of its own.
///
/// # Errors
/// What the engine says; no answer in time.
pub(super) fn upgrade(socket: &Path, path: &str, body: &str) -> io::Result<UnixStream> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: Upgrade\r\n\
         Upgrade: tcp\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes())?;
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte)? == 0 || head.len() == MOST_HEAD {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head);
    let status = head.split_ascii_whitespace().nth(1).unwrap_or_default();
    if !matches!(status, "101" | "200") {
        let mut said = vec![0; 4096];
        let count = stream.read(&mut said).unwrap_or(0);
        said.truncate(count);
        let said = String::from_utf8_lossy(&said);
        return Err(io::Error::other(format!(
            "the engine says: {said} (HTTP {status})"
        )));
    }
    stream.set_read_timeout(None)?;
    Ok(stream)
}

/// Takes the frames away in which engines wrap what a process without a terminal writes.
#[derive(Debug, Default)]
pub(super) struct Frames {
    head: Vec<u8>,
    /// Bytes of the frame that are still to come.
    left: usize,
    /// It is not framed at all: an error of the engine's.
    is_bare: bool,
}

impl Frames {
    const HEAD: usize = 8;

    /// Appends the contents of what came.
    pub(super) fn take(&mut self, mut came: &[u8], into: &mut Vec<u8>) {
        while !came.is_empty() {
            if self.is_bare {
                into.extend_from_slice(came);
                return;
            }
            if self.left > 0 {
                let (now, later) = came.split_at(came.len().min(self.left));
                into.extend_from_slice(now);
                self.left -= now.len();
                came = later;
                continue;
            }
            let (now, later) = came.split_at(came.len().min(Self::HEAD - self.head.len()));
            self.head.extend_from_slice(now);
            came = later;
            match self.head.as_slice() {
                [0..=2, 0, 0, 0, len @ ..] => {
                    if let Ok(len) = <[u8; 4]>::try_from(len) {
                        self.left = u32::from_be_bytes(len) as usize;
                        self.head.clear();
                    }
                }
                [0..=2] | [0..=2, 0] | [0..=2, 0, 0] => {}
                _ => {
                    self.is_bare = true;
                    into.append(&mut self.head);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Frames;

    #[track_caller]
    fn check(came: &[u8], expected: &[u8]) {
        for step in 1..=came.len() {
            let (mut frames, mut into) = (Frames::default(), Vec::new());
            for piece in came.chunks(step) {
                frames.take(piece, &mut into);
            }
            assert_eq!(into, expected, "in pieces of {step}");
        }
    }

    #[test]
    fn frames_are_taken_away_however_they_come() {
        check(b"\x01\0\0\0\0\0\0\x02ab\x02\0\0\0\0\0\0\x01c", b"abc");
        check(b"\x01\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\x01\x07", b"\x07");
        check(b"\x01\0\0\0\xff\xff\xff\xffrest", b"rest");
        check(b"OCI runtime error", b"OCI runtime error");
        check(b"\x01\x02\x03bare", b"\x01\x02\x03bare");
    }
}
