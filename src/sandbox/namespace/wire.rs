//! What hgview and the first process of a sandbox say to each other, and how.
//!
//! A socket carries frames: a byte that says what follows, its length, then a message in JSON or a piece of a file. Both
//! sides bound what they accept, and hgview believes nothing that comes from inside. Descriptors ride along with a message.

use std::io;
use std::io::IoSlice;
use std::io::IoSliceMut;
use std::io::Read as _;
use std::io::Write as _;
use std::mem::MaybeUninit;
use std::os::fd::AsFd as _;
use std::os::fd::BorrowedFd;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use rustix::net::RecvAncillaryBuffer;
use rustix::net::RecvAncillaryMessage;
use rustix::net::RecvFlags;
use rustix::net::SendAncillaryBuffer;
use rustix::net::SendAncillaryMessage;
use rustix::net::SendFlags;
use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;
use serde::de::DeserializeOwned;

/// The longest message, in bytes.
const MOST_MESSAGE: usize = 8 << 20;
/// The longest piece of a file in one frame, in bytes.
pub(super) const PIECE: usize = 1 << 16;
/// The bytes before each frame's content: what it is, how long it is.
const HEAD: usize = 5;
/// Descriptors that ride along with one message, at most.
const MOST_FDS: usize = 2;

const IS_MESSAGE: u8 = 1;
const IS_PIECE: u8 = 2;
const IS_END: u8 = 3;

/// Bytes that need not be UTF-8: a path, the target of a link. In JSON each byte is the letter of its number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Raw(pub(super) Vec<u8>);

impl Serialize for Raw {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let text: String = self.0.iter().copied().map(char::from).collect();
        to.serialize_str(&text)
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let bytes: Result<Vec<u8>, _> = text.chars().map(u8::try_from).collect();
        bytes.map(Self).map_err(serde::de::Error::custom)
    }
}

/// Everything that the first process of a sandbox needs to know; a [`crate::sandbox::Spec`] without its layer.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Config {
    /// The unpacked image, or this machine's own system.
    pub(super) rootfs: Option<Raw>,
    pub(super) trees: Vec<Folder>,
    pub(super) readable: Vec<Raw>,
    pub(super) bounds: Bounds,
    pub(super) hostname: String,
    pub(super) user: String,
    pub(super) home: String,
    pub(super) env: Vec<(String, String)>,
    /// Which of this machine's users the sandbox's root is.
    pub(super) owner: Owner,
}

/// A [`crate::sandbox::Tree`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Folder {
    pub(super) at: String,
    pub(super) lower: Option<Raw>,
}

/// [`crate::sandbox::Limits`] as the kernel takes them.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Bounds {
    pub(super) cpu_secs: u64,
    pub(super) wall_millis: u64,
    /// How long a started process may take to become its program.
    pub(super) start_millis: u64,
    pub(super) memory: u64,
    pub(super) processes: u64,
    pub(super) disk: u64,
    pub(super) inodes: u64,
    pub(super) file: u64,
}

/// Who the users of a sandbox are outside of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Owner {
    /// hgview is an ordinary user, with these numbers; so is the sandbox's root, and there is nobody else.
    Myself { uid: u32, gid: u32 },
    /// hgview is root: the sandbox's users are a range that is nobody's.
    Range { first: u32, count: u32 },
}

/// What hgview asks of the first process, one question at a time.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Ask {
    /// Before the start: makes this change of a layer. A file's bytes follow as pieces.
    Put {
        path: Raw,
        put: Put,
    },
    /// The last of them has been said.
    Start,
    /// Starts a process.
    Spawn {
        argv: Vec<String>,
        cwd: String,
        env: Vec<(String, String)>,
        /// Rows and columns of its terminal; without, a pipe.
        terminal: Option<(u16, u16)>,
    },
    Meta(String),
    /// The bytes of a file, at most so many.
    Read(String, u64),
    /// Writes a file; the bytes follow as pieces.
    Write(String, Option<u32>),
    SetMode(String, u32),
    MakeDirs(String),
    Remove(String),
    Rename(String, String),
    /// Folder, depth, most entries.
    List(String, usize, usize),
    /// What the folders hold that their lower ones do not.
    Changes,
    /// The hash of a changed file.
    Hash(Raw),
    /// The bytes of a changed file, at most so many.
    Content(Raw, u64),
}

/// What to make of one path of a layer.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Put {
    File { mode: u32 },
    Dir { mode: u32, is_opaque: bool },
    Symlink { target: Raw },
    Removed,
}

/// What the first process answers.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Answer {
    /// The sandbox stands.
    Started(Facts),
    /// It does not, since this was refused.
    Failed(Failure),
    /// A process was started; its output and its channel ride along.
    Spawned,
    /// Nothing of the kind can be started.
    NotSpawned {
        at: SpawnStep,
        errno: i32,
    },
    Done,
    /// The kernel's error, or one of ours.
    Refused {
        errno: Option<i32>,
        why: String,
    },
    Meta(Option<(Kind, u64, u32)>),
    /// Pieces follow up to an end, then [`Answer::Done`] or [`Answer::Refused`].
    Bytes,
    /// Some of what a folder holds; more follow until [`Answer::Done`].
    Found(Vec<(Raw, Kind)>),
    /// Some of what changed; more follow until [`Answer::Done`].
    Changed(Vec<Change>),
    /// The hash of a file, in hexadecimal digits.
    Hash(String),
}

/// Where starting a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum SpawnStep {
    /// No room for a process, a terminal, a descriptor.
    Room,
    /// The folder it was to start in.
    Folder,
    /// The program.
    Program,
}

/// [`crate::sandbox::FileKind`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Kind {
    File,
    Dir,
    Symlink,
    Other,
}

/// A path that differs from the lower folder's.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Change {
    pub(super) path: Raw,
    pub(super) what: What,
}

/// How it differs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum What {
    File {
        mode: u32,
        len: u64,
        stamp: Stamp,
        /// It changed so lately that another change could leave the same stamp.
        is_fresh: bool,
    },
    Dir {
        mode: u32,
        is_opaque: bool,
    },
    Symlink {
        target: Raw,
    },
    Removed,
    Other,
}

/// When a file last changed, and which file it is: two equal stamps with the same length mean the same bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stamp {
    pub(super) inode: u64,
    /// Seconds and nanoseconds of the last change of its bytes.
    pub(super) bytes: (i64, u64),
    /// … of anything about it.
    pub(super) any: (i64, u64),
}

/// What refused to be set up.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Failure {
    pub(super) step: Step,
    pub(super) errno: i32,
    /// What it happened to, in words.
    pub(super) what: String,
}

/// The steps of setting up a sandbox that can be refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Step {
    /// Making the namespaces.
    Namespaces,
    /// Saying who the users of the sandbox are.
    Users,
    /// The loopback interface, the host name.
    Network,
    /// The bounded file system that holds what is written.
    Store,
    /// The system's own folders.
    System,
    /// A folder of the host that is not there or cannot be opened.
    Folder,
    /// A folder whose files belong to somebody who does not exist in the sandbox.
    Owners,
    /// An overlay.
    Overlay,
    /// The extended attributes by which an overlay notes what is hidden.
    Marks,
    /// A fresh `/proc`.
    Proc,
    /// Devices and terminals.
    Devices,
    /// Leaving the old root.
    Root,
    /// Changes of an earlier sandbox.
    Layer,
    /// Rights, Landlock, seccomp.
    Lock,
}

/// What the kernel answered while a sandbox was set up, and to a few attempts to break out of it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Facts {
    /// Network interfaces other than the loopback.
    pub(super) interfaces: Vec<String>,
    /// What was tried and should not have been possible.
    pub(super) possible: Vec<Attempt>,
    /// The rights that a process can still get, as `/proc/self/status` shows them.
    pub(super) rights: String,
    /// Whether a program with other rights gives them.
    pub(super) is_without_new_rights: bool,
    /// Landlock holds: fully, partly, not at all.
    pub(super) landlock: String,
    /// Processes that `/proc` shows.
    pub(super) processes: u64,
    /// The kernel knows no process number above this one in the sandbox.
    pub(super) most_pid: Option<u64>,
    /// Bytes of the file system that holds what is written.
    pub(super) disk: u64,
    /// … and its files.
    pub(super) inodes: u64,
}

/// What nothing in a sandbox may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Attempt {
    /// Open a socket to the kernel, to the network card, to the machine that this one runs on.
    OddSocket,
    Mount,
    /// Open a setting of the kernel for writing.
    Setting,
}

/// One end of the socket.
#[derive(Debug)]
pub(super) struct Wire(pub(super) UnixStream);

/// A frame.
pub(super) enum Frame<T> {
    Message(T),
    Piece(Vec<u8>),
    End,
}

fn broken(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

impl Wire {
    /// Sends a message, and descriptors with it.
    pub(super) fn send<T: Serialize>(&self, message: &T, fds: &[BorrowedFd<'_>]) -> io::Result<()> {
        let mut frame = vec![0; HEAD];
        serde_json::to_writer(&mut frame, message)?;
        let len = frame.len() - HEAD;
        if len > MOST_MESSAGE {
            return Err(broken("a message is too long"));
        }
        head(&mut frame, IS_MESSAGE, len);
        if fds.is_empty() {
            return (&self.0).write_all(&frame);
        }
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_FDS))];
        let mut along = SendAncillaryBuffer::new(&mut space);
        if !along.push(SendAncillaryMessage::ScmRights(fds)) {
            return Err(broken("too many descriptors"));
        }
        let sent = rustix::io::retry_on_intr(|| {
            rustix::net::sendmsg(
                &self.0,
                &[IoSlice::new(&frame)],
                &mut along,
                SendFlags::NOSIGNAL,
            )
        })?;
        (&self.0).write_all(frame.get(sent..).unwrap_or_default())
    }

    /// Sends a piece of a file, at most [`PIECE`] bytes.
    pub(super) fn send_piece(&self, piece: &[u8]) -> io::Result<()> {
        let mut frame = vec![0; HEAD];
        frame.extend_from_slice(piece);
        head(&mut frame, IS_PIECE, piece.len());
        (&self.0).write_all(&frame)
    }

    /// Says that no piece follows.
    pub(super) fn send_end(&self) -> io::Result<()> {
        let mut frame = [0; HEAD];
        head(&mut frame, IS_END, 0);
        (&self.0).write_all(&frame)
    }

    /// Sends bytes in pieces, and the end.
    pub(super) fn send_bytes(&self, bytes: &[u8]) -> io::Result<()> {
        for piece in bytes.chunks(PIECE) {
            self.send_piece(piece)?;
        }
        self.send_end()
    }

    /// The next frame; descriptors that ride along are added to `fds`, those beyond two are closed.
    pub(super) fn receive<T: DeserializeOwned>(
        &self,
        fds: &mut Vec<OwnedFd>,
    ) -> io::Result<Frame<T>> {
        let mut start = [0; HEAD];
        let got = self.receive_start(&mut start, fds)?;
        (&self.0).read_exact(start.get_mut(got..).unwrap_or_default())?;
        let [kind, len @ ..] = start;
        let len = usize::try_from(u32::from_le_bytes(len)).unwrap_or(usize::MAX);
        let most = match kind {
            IS_MESSAGE => MOST_MESSAGE,
            IS_PIECE => PIECE,
            IS_END => 0,
            _ => return Err(broken("no such frame")),
        };
        if len > most {
            return Err(broken("a frame is too long"));
        }
        let mut content = vec![0; len];
        (&self.0).read_exact(&mut content)?;
        Ok(match kind {
            IS_MESSAGE => Frame::Message(serde_json::from_slice(&content)?),
            IS_PIECE => Frame::Piece(content),
            _ => Frame::End,
        })
    }

    /// The next frame, which is to be a message without descriptors.
    pub(super) fn message<T: DeserializeOwned>(&self) -> io::Result<T> {
        match self.receive(&mut Vec::new())? {
            Frame::Message(message) => Ok(message),
            Frame::Piece(_) | Frame::End => Err(broken("a message was expected")),
        }
    }

    /// The next frame, which is to be a piece of a file, or nothing at its end.
    pub(super) fn piece(&self) -> io::Result<Option<Vec<u8>>> {
        match self.receive::<()>(&mut Vec::new())? {
            Frame::Piece(piece) => Ok(Some(piece)),
            Frame::End => Ok(None),
            Frame::Message(()) => Err(broken("a piece of a file was expected")),
        }
    }

    /// The first bytes of a frame, with which descriptors come.
    fn receive_start(&self, start: &mut [u8], fds: &mut Vec<OwnedFd>) -> io::Result<usize> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_FDS))];
        let mut along = RecvAncillaryBuffer::new(&mut space);
        let got = rustix::io::retry_on_intr(|| {
            rustix::net::recvmsg(
                self.0.as_fd(),
                &mut [IoSliceMut::new(&mut *start)],
                &mut along,
                RecvFlags::CMSG_CLOEXEC,
            )
        })?;
        for message in along.drain() {
            if let RecvAncillaryMessage::ScmRights(came) = message {
                fds.extend(came);
            }
        }
        match got.bytes {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            bytes => Ok(bytes),
        }
    }
}

fn head(frame: &mut [u8], kind: u8, len: usize) {
    let len = u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes();
    for (to, from) in frame.iter_mut().zip([kind].into_iter().chain(len)) {
        *to = from;
    }
}
