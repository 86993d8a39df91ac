//! What hgview, the supervisor of a process and the worker for files say to each other: lengths, then JSON or bytes.

use std::io;
use std::io::Read;
use std::io::Write;
use std::path::PathBuf;

use serde::Deserialize;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::sandbox::FileError;
use crate::sandbox::FileKind;

/// No message is longer; what says more is not one of ours.
const MOST_HEAD: u32 = 64 << 20;

/// What a supervisor starts, and behind which walls.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Plan {
    /// The program and its arguments; empty for the worker for files.
    pub(super) argv: Vec<String>,
    pub(super) cwd: PathBuf,
    pub(super) env: Vec<(String, String)>,
    /// The terminal's file, where the streams are one.
    pub(super) terminal: Option<PathBuf>,
    /// The one folder that may be changed.
    pub(super) private: PathBuf,
    /// Folders that may be read besides the system's.
    pub(super) readable: Vec<PathBuf>,
    /// As whom it runs; `None` is the user of hgview.
    pub(super) owner: Option<u32>,
    pub(super) cpu_secs: u64,
    pub(super) wall_ms: u64,
    pub(super) memory: u64,
    pub(super) processes: u64,
    pub(super) file: u64,
}

/// What a supervisor tells.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Status {
    /// The program runs.
    Started,
    /// It could not be started.
    Failed { errno: Option<i32>, why: String },
    /// It ended.
    Ended {
        code: Option<i32>,
        signal: Option<i32>,
    },
    /// Everything was killed because a bound was reached.
    Bound(String),
}

/// Byte to a supervisor: kill the process, stay.
pub(super) const KILL: u8 = b'k';
/// Byte to a supervisor: kill everything and go; the folder is not its business.
pub(super) const LEAVE: u8 = b'q';

/// What the worker for files is asked.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Ask {
    Meta(String),
    Read {
        path: String,
        most: u64,
    },
    /// The bytes follow.
    Write {
        path: String,
        mode: Option<u32>,
    },
    SetMode {
        path: String,
        mode: u32,
    },
    MakeDirs(String),
    Remove(String),
    Rename {
        from: String,
        to: String,
    },
    List {
        path: String,
        depth: usize,
        most: usize,
    },
    /// Everything in a folder, for a layer; answered by many [`Answer::Walked`] and a [`Answer::Done`]. Contents beyond
    /// `most` bytes in all are an error.
    Walk {
        path: String,
        most: u64,
    },
}

/// What it answers; bytes follow a `Read` and each `Walked`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Answer {
    Done,
    Meta(Option<(Kind, u64, u32)>),
    Listed(Vec<(String, Kind)>),
    Walked {
        below: Vec<u8>,
        kind: Kind,
        mode: u32,
    },
    Refused {
        errno: Option<i32>,
        why: String,
    },
}

/// [`FileKind`] on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Kind {
    File,
    Dir,
    Symlink,
    Other,
}

impl From<Kind> for FileKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::File => Self::File,
            Kind::Dir => Self::Dir,
            Kind::Symlink => Self::Symlink,
            Kind::Other => Self::Other,
        }
    }
}

impl From<std::fs::FileType> for Kind {
    fn from(found: std::fs::FileType) -> Self {
        if found.is_file() {
            Self::File
        } else if found.is_dir() {
            Self::Dir
        } else if found.is_symlink() {
            Self::Symlink
        } else {
            Self::Other
        }
    }
}

impl Answer {
    /// The refusal of the kernel, in its words.
    pub(super) fn of_error(error: &io::Error) -> Self {
        let told = match error.raw_os_error() {
            Some(errno) => FileError::of_errno(errno),
            None => FileError::other(error.to_string()),
        };
        Self::Refused {
            errno: told.errno,
            why: told.why,
        }
    }

    /// A refusal in our own words.
    pub(super) fn refused(why: &str) -> Self {
        Self::Refused {
            errno: None,
            why: why.to_owned(),
        }
    }
}

/// Says something.
pub(super) fn say(to: &mut impl Write, what: &impl Serialize) -> io::Result<()> {
    let text = serde_json::to_vec(what)?;
    let len = u32::try_from(text.len()).map_err(io::Error::other)?;
    to.write_all(&[&len.to_le_bytes()[..], &text].concat())
}

/// Hears something.
pub(super) fn hear<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<T> {
    let mut len = [0; 4];
    from.read_exact(&mut len)?;
    let len = u32::from_le_bytes(len);
    if len > MOST_HEAD {
        return Err(io::Error::other("a message that is too long"));
    }
    let mut text = vec![0; len as usize];
    from.read_exact(&mut text)?;
    Ok(serde_json::from_slice(&text)?)
}

/// Sends bytes behind a message.
pub(super) fn say_bytes(to: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    to.write_all(&(bytes.len() as u64).to_le_bytes())?;
    to.write_all(bytes)
}

/// Takes the bytes behind a message, at most `most`.
pub(super) fn hear_bytes(from: &mut impl Read, most: u64) -> io::Result<Vec<u8>> {
    let mut len = [0; 8];
    from.read_exact(&mut len)?;
    let len = u64::from_le_bytes(len);
    if len > most {
        return Err(io::Error::other("more bytes than were asked for"));
    }
    let mut bytes = Vec::new();
    from.take(len).read_to_end(&mut bytes)?;
    if bytes.len() as u64 != len {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(bytes)
}
