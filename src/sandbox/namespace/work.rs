//! File work in a sandbox, done by its first process with the rights of the others.
//!
//! Nothing here waits: pipes and devices are not opened, and no path leads through the first process's own descriptors.

use std::collections::VecDeque;
use std::io;
use std::os::fd::AsFd as _;
use std::os::fd::AsRawFd as _;
use std::os::fd::BorrowedFd;
use std::os::fd::OwnedFd;

use rustix::fs::AtFlags;
use rustix::fs::CWD;
use rustix::fs::Dir;
use rustix::fs::FileType;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::fs::ResolveFlags;
use rustix::io::Errno;

use crate::sandbox::namespace::wire::Answer;
use crate::sandbox::namespace::wire::Ask;
use crate::sandbox::namespace::wire::Kind;
use crate::sandbox::namespace::wire::PIECE;
use crate::sandbox::namespace::wire::Raw;
use crate::sandbox::namespace::wire::Wire;

/// Entries of a folder told at once.
const BATCH: usize = 512;
/// The permission bits of a new file.
const NEW_FILE: u32 = 0o644;
/// The permission bits of a new folder.
const NEW_DIR: u32 = 0o755;

/// Why something was not done: the kernel's error, or words of ours.
pub(super) enum Refusal {
    Kernel(Errno),
    Words(String),
}

impl From<Errno> for Refusal {
    fn from(errno: Errno) -> Self {
        Self::Kernel(errno)
    }
}

impl Refusal {
    pub(super) fn answer(self) -> Answer {
        match self {
            Self::Kernel(errno) => Answer::Refused {
                errno: Some(errno.raw_os_error()),
                why: String::new(),
            },
            Self::Words(why) => Answer::Refused { errno: None, why },
        }
    }
}

/// Answers a question about files.
pub(super) fn answer(ask: Ask, wire: &Wire) -> io::Result<()> {
    let done = match ask {
        Ask::Meta(path) => {
            let answer = meta(&path).map_or_else(Refusal::answer, Answer::Meta);
            return wire.send(&answer, &[]);
        }
        Ask::Read(path, most) => match open_to_read(&path) {
            Ok(file) => return send_file(&file, most, wire),
            Err(refusal) => Err(refusal),
        },
        Ask::Write(path, mode) => return write(&path, mode, wire),
        Ask::SetMode(path, mode) => set_mode(&path, mode),
        Ask::MakeDirs(path) => make_dirs(&path).map_err(Refusal::from),
        Ask::Remove(path) => remove(&path).map_err(Refusal::from),
        Ask::Rename(from, to) => rename(&from, &to).map_err(Refusal::from),
        Ask::List(path, depth, most) => match list(&path, depth, most) {
            Ok(found) => {
                for batch in found.chunks(BATCH) {
                    wire.send(&Answer::Found(batch.to_vec()), &[])?;
                }
                Ok(())
            }
            Err(refusal) => Err(refusal),
        },
        _ => Err(Refusal::Words("no question about files".to_owned())),
    };
    wire.send(&done.map_or_else(Refusal::answer, |()| Answer::Done), &[])
}

/// Opens a path as another process of the sandbox could: not through the descriptors of this one.
fn open(path: &str, flags: OFlags, mode: u32) -> rustix::io::Result<OwnedFd> {
    let flags = flags | OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK;
    let mode = Mode::from_raw_mode(mode);
    let opened = rustix::fs::openat2(CWD, path, flags, mode, ResolveFlags::NO_MAGICLINKS)?;
    if is_my_own(opened.as_fd())? {
        return Err(Errno::ACCESS);
    }
    Ok(opened)
}

/// Looks a path up, whatever it is. `O_PATH` does not go with the flags of [`open`].
fn look(path: &str) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let resolve = ResolveFlags::NO_MAGICLINKS;
    let opened = rustix::fs::openat2(CWD, path, flags, Mode::empty(), resolve)?;
    if is_my_own(opened.as_fd())? {
        return Err(Errno::ACCESS);
    }
    Ok(opened)
}

/// Whether an open file tells of this process, as no other process of the sandbox may read it.
fn is_my_own(file: BorrowedFd<'_>) -> rustix::io::Result<bool> {
    let path = rustix::fs::readlink(path_of(file), Vec::new())?;
    let path = path.as_bytes();
    Ok(path.starts_with(b"/proc/1/"))
}

fn path_of(fd: BorrowedFd<'_>) -> String {
    format!("/proc/self/fd/{}", fd.as_raw_fd())
}

fn kind_of(mode: u32) -> Kind {
    match FileType::from_raw_mode(mode) {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Dir,
        FileType::Symlink => Kind::Symlink,
        _ => Kind::Other,
    }
}

fn meta(path: &str) -> Result<Option<(Kind, u64, u32)>, Refusal> {
    let opened = match look(path) {
        Ok(opened) => opened,
        Err(Errno::NOENT) => return dangling(path),
        Err(errno) => return Err(errno.into()),
    };
    let stat = rustix::fs::fstat(&opened)?;
    let len = u64::try_from(stat.st_size).unwrap_or_default();
    Ok(Some((kind_of(stat.st_mode), len, stat.st_mode & 0o7777)))
}

/// A link that leads nowhere is still something.
fn dangling(path: &str) -> Result<Option<(Kind, u64, u32)>, Refusal> {
    match rustix::fs::lstat(path) {
        Ok(stat) => {
            let len = u64::try_from(stat.st_size).unwrap_or_default();
            Ok(Some((kind_of(stat.st_mode), len, stat.st_mode & 0o7777)))
        }
        Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(errno.into()),
    }
}

fn no_file() -> Refusal {
    Refusal::Words("it is no regular file".to_owned())
}

/// A regular file; what is something else is not opened, since opening a device may do something.
fn open_to_read(path: &str) -> Result<OwnedFd, Refusal> {
    match kind_of(rustix::fs::fstat(look(path)?)?.st_mode) {
        Kind::File => {}
        Kind::Dir => return Err(Errno::ISDIR.into()),
        Kind::Symlink | Kind::Other => return Err(no_file()),
    }
    let file = open(path, OFlags::RDONLY, 0)?;
    match kind_of(rustix::fs::fstat(&file)?.st_mode) {
        Kind::File => Ok(file),
        _ => Err(no_file()),
    }
}

/// Sends a file's bytes, at most `most`.
pub(super) fn send_file(file: &OwnedFd, most: u64, wire: &Wire) -> io::Result<()> {
    wire.send(&Answer::Bytes, &[])?;
    let end = send_pieces(file, most, wire)?;
    wire.send_end()?;
    wire.send(&end.map_or_else(Refusal::answer, |()| Answer::Done), &[])
}

fn send_pieces(file: &OwnedFd, most: u64, wire: &Wire) -> io::Result<Result<(), Refusal>> {
    let len = rustix::fs::fstat(file).map(|stat| u64::try_from(stat.st_size).unwrap_or_default());
    let too_long = || {
        Err(Refusal::Words(format!(
            "the file is longer than {most} bytes"
        )))
    };
    if len.is_ok_and(|len| len > most) {
        return Ok(too_long());
    }
    let mut piece = vec![0; PIECE];
    let mut sent = 0_u64;
    loop {
        match rustix::io::read(file, &mut piece) {
            Ok(0) => return Ok(Ok(())),
            Ok(got) => {
                sent = sent.saturating_add(got as u64);
                if sent > most {
                    return Ok(too_long());
                }
                wire.send_piece(piece.get(..got).unwrap_or_default())?;
            }
            Err(Errno::INTR) => {}
            Err(errno) => return Ok(Err(errno.into())),
        }
    }
}

/// Takes the pieces that follow into a file; all of them are read, whatever becomes of the file.
fn write(path: &str, mode: Option<u32>, wire: &Wire) -> io::Result<()> {
    let opened = open_to_write(path, mode);
    let done = match opened {
        Ok(file) => take_pieces(&file, wire)?.map_err(Refusal::from),
        Err(refusal) => {
            while wire.piece()?.is_some() {}
            Err(refusal)
        }
    };
    wire.send(&done.map_or_else(Refusal::answer, |()| Answer::Done), &[])
}

/// Reads all pieces and writes them, up to the first error.
pub(super) fn take_pieces(file: &OwnedFd, wire: &Wire) -> io::Result<rustix::io::Result<()>> {
    let mut done = Ok(());
    while let Some(piece) = wire.piece()? {
        let mut left = piece.as_slice();
        while done.is_ok() && !left.is_empty() {
            match rustix::io::write(file, left) {
                Ok(written) => left = left.get(written..).unwrap_or_default(),
                Err(Errno::INTR) => {}
                Err(errno) => done = Err(errno),
            }
        }
    }
    Ok(done)
}

fn open_to_write(path: &str, mode: Option<u32>) -> Result<OwnedFd, Refusal> {
    match look(path) {
        Ok(there) => match kind_of(rustix::fs::fstat(there)?.st_mode) {
            Kind::File => {}
            Kind::Dir => return Err(Errno::ISDIR.into()),
            Kind::Symlink | Kind::Other => return Err(no_file()),
        },
        Err(Errno::NOENT) => {
            let flags = OFlags::WRONLY | OFlags::CREATE;
            let file = open(path, flags, NEW_FILE)?;
            if let Some(mode) = mode {
                rustix::fs::fchmod(&file, Mode::from_raw_mode(mode & 0o7777))?;
            }
            return Ok(file);
        }
        Err(errno) => return Err(errno.into()),
    }
    let file = open(path, OFlags::WRONLY, 0)?;
    match kind_of(rustix::fs::fstat(&file)?.st_mode) {
        Kind::File => {
            rustix::fs::ftruncate(&file, 0)?;
            Ok(file)
        }
        _ => Err(no_file()),
    }
}

fn set_mode(path: &str, mode: u32) -> Result<(), Refusal> {
    let opened = look(path)?;
    let mode = Mode::from_raw_mode(mode & 0o7777);
    rustix::fs::chmod(path_of(opened.as_fd()), mode)?;
    Ok(())
}

/// The folder of a path, opened, and the name in it.
fn parent(path: &str) -> rustix::io::Result<(OwnedFd, &str)> {
    let path = path.trim_end_matches('/');
    let (above, name) = path.rsplit_once('/').ok_or(Errno::INVAL)?;
    let above = if above.is_empty() { "/" } else { above };
    if matches!(name, "" | "." | "..") {
        return Err(Errno::INVAL);
    }
    Ok((look(above)?, name))
}

fn make_dirs(path: &str) -> rustix::io::Result<()> {
    let mut missing = VecDeque::new();
    let mut at = path.trim_end_matches('/');
    loop {
        let folder = if at.is_empty() { "/" } else { at };
        match look(folder) {
            Ok(there) => {
                let stat = rustix::fs::fstat(there)?;
                if kind_of(stat.st_mode) != Kind::Dir {
                    return Err(if missing.is_empty() {
                        Errno::EXIST
                    } else {
                        Errno::NOTDIR
                    });
                }
                break;
            }
            Err(Errno::NOENT) if !at.is_empty() => missing.push_front(at),
            Err(errno) => return Err(errno),
        }
        at = at.rsplit_once('/').map_or("", |(above, _)| above);
    }
    for folder in missing {
        let (above, name) = parent(folder)?;
        match rustix::fs::mkdirat(above, name, Mode::from_raw_mode(NEW_DIR)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

fn remove(path: &str) -> rustix::io::Result<()> {
    let (above, name) = parent(path)?;
    rustix::fs::unlinkat(above, name, AtFlags::empty())
}

fn rename(from: &str, to: &str) -> rustix::io::Result<()> {
    let (from, old) = parent(from)?;
    let (to, new) = parent(to)?;
    rustix::fs::renameat(from, old, to, new)
}

/// Walks a folder breadth first, links followed.
fn list(path: &str, depth: usize, most: usize) -> Result<Vec<(Raw, Kind)>, Refusal> {
    let top = open(path, OFlags::RDONLY | OFlags::DIRECTORY, 0)?;
    let mut found = Vec::new();
    let mut left = VecDeque::from([(Vec::new(), depth)]);
    while let Some((prefix, depth)) = left.pop_front() {
        let Some(below) = depth.checked_sub(1) else {
            continue;
        };
        // What cannot be read is left out.
        let Ok((folder, entries)) = open_below(&top, &prefix) else {
            continue;
        };
        for entry in entries.flatten() {
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            if found.len() >= most {
                return Err(Refusal::Words(format!(
                    "there are more than {most} entries"
                )));
            }
            let stat = rustix::fs::statat(&folder, name, AtFlags::empty())
                .or_else(|_| rustix::fs::statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW));
            let kind = stat.map_or(Kind::Other, |stat| kind_of(stat.st_mode));
            let path = [prefix.as_slice(), name.to_bytes()].concat();
            if kind == Kind::Dir && below > 0 {
                left.push_back(([path.as_slice(), b"/"].concat(), below));
            }
            found.push((Raw(path), kind));
        }
    }
    Ok(found)
}

/// A folder below `top`, and what it holds.
fn open_below(top: &OwnedFd, path: &[u8]) -> rustix::io::Result<(OwnedFd, Dir)> {
    let path = if path.is_empty() {
        b".".as_slice()
    } else {
        path
    };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let resolve = ResolveFlags::NO_MAGICLINKS;
    let folder = rustix::fs::openat2(top, path, flags, Mode::empty(), resolve)?;
    let entries = Dir::read_from(&folder)?;
    Ok((folder, entries))
}
