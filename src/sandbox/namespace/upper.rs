//! The changed files of a sandbox, where its overlays keep them: written before they are mounted, read after.
//!
//! A removed file is a character device 0:0, a folder that hides the lower one has a mark. Links are never followed here.

use std::io;
use std::os::fd::AsFd as _;
use std::os::fd::OwnedFd;
use std::time::Duration;
use std::time::SystemTime;

use rustix::fs::AtFlags;
use rustix::fs::Dir;
use rustix::fs::FileType;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::fs::ResolveFlags;
use rustix::fs::Stat;
use rustix::fs::XattrFlags;
use rustix::io::Errno;

use crate::sandbox::namespace::lock;
use crate::sandbox::namespace::root;
use crate::sandbox::namespace::root::Place;
use crate::sandbox::namespace::wire::Answer;
use crate::sandbox::namespace::wire::Change;
use crate::sandbox::namespace::wire::PIECE;
use crate::sandbox::namespace::wire::Put;
use crate::sandbox::namespace::wire::Raw;
use crate::sandbox::namespace::wire::Stamp;
use crate::sandbox::namespace::wire::What;
use crate::sandbox::namespace::wire::Wire;
use crate::sandbox::namespace::work;
use crate::sandbox::namespace::work::Refusal;

/// Changes told at once.
const BATCH: usize = 256;
/// A file that changed within this time could change again without another stamp: clocks of file systems tick slowly.
const FRESH: Duration = Duration::from_millis(100);

/// The place of a path, and the path below it: the innermost, where one lies in another. The system's own root is no place
/// of changes.
fn find<'a, 'b>(places: &'a [Place], path: &'b Raw) -> Option<(&'a Place, &'b [u8])> {
    places
        .iter()
        .filter(|place| place.at != "/")
        .filter_map(|place| {
            let rest = path.0.strip_prefix(place.at.as_bytes())?;
            let rest = match rest {
                [] => rest,
                [b'/', rest @ ..] => rest,
                _ => return None,
            };
            let is_plain = |name: &[u8]| !matches!(name, b"" | b"." | b"..");
            (rest.is_empty() || rest.split(|byte| *byte == b'/').all(is_plain))
                .then_some((place, rest))
        })
        .max_by_key(|(place, _)| place.at.len())
}

/// Opens what lies in a folder, without any link on the way.
fn open(folder: &OwnedFd, path: &[u8], flags: OFlags) -> rustix::io::Result<OwnedFd> {
    let path = if path.is_empty() {
        b".".as_slice()
    } else {
        path
    };
    let flags = flags | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
    rustix::fs::openat2(folder, path, flags, Mode::empty(), resolve)
}

/// Makes one change. The bytes of a file follow on the wire.
pub(super) fn put(places: &[Place], path: &Raw, put: Put, wire: &Wire) -> io::Result<()> {
    let (place, path) = find(places, path).ok_or(io::ErrorKind::NotFound)?;
    let (folder, name) = match path.iter().rposition(|byte| *byte == b'/') {
        Some(at) => (
            path.get(..at).unwrap_or_default(),
            path.get(at + 1..).unwrap_or_default(),
        ),
        None => (b"".as_slice(), path),
    };
    let above = make_folder(place, folder)?;
    match put {
        Put::File { mode } => {
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
            let file = rustix::fs::openat(&above, name, flags, Mode::from_raw_mode(0o600))?;
            work::take_pieces(&file, wire)??;
            rustix::fs::fchmod(&file, Mode::from_raw_mode(mode & 0o7777))?;
        }
        Put::Dir { mode, is_opaque } => {
            if !name.is_empty() {
                match rustix::fs::mkdirat(&above, name, Mode::from_raw_mode(0o700)) {
                    Ok(()) | Err(Errno::EXIST) => {}
                    Err(errno) => return Err(errno.into()),
                }
            }
            let folder = open(&above, name, OFlags::RDONLY | OFlags::DIRECTORY)?;
            rustix::fs::fchmod(&folder, Mode::from_raw_mode(mode & 0o7777))?;
            if is_opaque && place.lower.is_some() {
                rustix::fs::fsetxattr(&folder, root::OPAQUE, b"y", XattrFlags::empty())?;
            }
        }
        Put::Symlink { target } => rustix::fs::symlinkat(target.0, &above, name)?,
        Put::Removed if place.lower.is_some() => {
            let nothing = FileType::CharacterDevice;
            rustix::fs::mknodat(&above, name, nothing, Mode::empty(), 0)?;
        }
        Put::Removed => {}
    }
    Ok(())
}

/// A folder of changes, with those above it; each has the permission bits of the lower one.
fn make_folder(place: &Place, path: &[u8]) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY;
    match open(&place.upper, path, flags) {
        Err(Errno::NOENT) => {}
        found => return Ok(found?),
    }
    for (at, _) in path
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b'/')
        .chain([(path.len(), &b'/')])
    {
        let folder = path.get(..at).unwrap_or_default();
        let mode = lower_stat(place, folder).map_or(0o755, |stat| stat.st_mode & 0o7777);
        match rustix::fs::mkdirat(&place.upper, folder, Mode::from_raw_mode(mode)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(open(&place.upper, path, flags)?)
}

/// What the lower folder has at a path.
fn lower_stat(place: &Place, path: &[u8]) -> Option<Stat> {
    let opened = open(place.lower.as_ref()?, path, OFlags::PATH).ok()?;
    rustix::fs::fstat(opened).ok()
}

/// Tells everything that differs from the lower folders.
pub(super) fn tell_changes(places: &[Place], wire: &Wire) -> io::Result<()> {
    lock::may_read_all(true)?;
    let mut batch = Vec::new();
    let mut done = Ok(());
    for place in places.iter().filter(|place| place.at != "/") {
        match walk(place, places, &mut batch, wire)? {
            Ok(()) => {}
            Err(errno) => {
                done = Err(Refusal::Kernel(errno));
                break;
            }
        }
    }
    lock::may_read_all(false)?;
    if done.is_ok() && !batch.is_empty() {
        wire.send(&Answer::Changed(batch), &[])?;
    }
    wire.send(&done.map_or_else(Refusal::answer, |()| Answer::Done), &[])
}

/// Tells what differs in one place; what lies at another's path is only where that is mounted.
fn walk(
    place: &Place,
    places: &[Place],
    batch: &mut Vec<Change>,
    wire: &Wire,
) -> io::Result<rustix::io::Result<()>> {
    let mut left = vec![(Vec::new(), false)];
    while let Some((path, is_hidden)) = left.pop() {
        let folder = match open(&place.upper, &path, OFlags::RDONLY | OFlags::DIRECTORY) {
            Ok(folder) => folder,
            Err(errno) => return Ok(Err(errno)),
        };
        let is_opaque = is_opaque(&folder);
        let is_hidden = is_hidden || is_opaque;
        let entries = match Dir::read_from(&folder) {
            Ok(entries) => entries,
            Err(errno) => return Ok(Err(errno)),
        };
        for entry in entries {
            let name = match &entry {
                Ok(entry) => entry.file_name().to_bytes(),
                Err(errno) => return Ok(Err(*errno)),
            };
            if matches!(name, b"." | b"..") {
                continue;
            }
            let mut path = path.clone();
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(name);
            let full = [place.at.as_bytes(), b"/", &path].concat();
            if places.iter().any(|other| other.at.as_bytes() == full) {
                continue;
            }
            let what = match look(place, &path, is_hidden) {
                Ok(what) => what,
                Err(errno) => return Ok(Err(errno)),
            };
            if let Some(Seen::Folder | Seen::ChangedFolder { .. }) = what {
                left.push((path.clone(), is_hidden));
            }
            let what = match what {
                Some(Seen::Changed(what)) => what,
                Some(Seen::ChangedFolder { mode, is_opaque }) => What::Dir { mode, is_opaque },
                Some(Seen::Folder) | None => continue,
            };
            batch.push(Change {
                path: Raw(full),
                what,
            });
            if batch.len() >= BATCH {
                wire.send(&Answer::Changed(std::mem::take(batch)), &[])?;
            }
        }
    }
    Ok(Ok(()))
}

/// What a path of the changes is.
enum Seen {
    /// Only the way to something else.
    Folder,
    ChangedFolder {
        mode: u32,
        is_opaque: bool,
    },
    Changed(What),
}

/// Looks at a path of the changes; nothing when it is as below.
fn look(place: &Place, path: &[u8], is_hidden: bool) -> rustix::io::Result<Option<Seen>> {
    let stat = rustix::fs::statat(&place.upper, path, AtFlags::SYMLINK_NOFOLLOW)?;
    let below = if is_hidden {
        None
    } else {
        lower_stat(place, path)
    };
    let mode = stat.st_mode & 0o7777;
    let is_same_kind = |below: &Stat| {
        FileType::from_raw_mode(below.st_mode) == FileType::from_raw_mode(stat.st_mode)
            && below.st_mode & 0o7777 == mode
    };
    let same = below.as_ref().filter(|below| is_same_kind(below));
    Ok(match FileType::from_raw_mode(stat.st_mode) {
        FileType::CharacterDevice if stat.st_rdev == 0 => {
            below.map(|_| Seen::Changed(What::Removed))
        }
        FileType::Directory => {
            let folder = open(&place.upper, path, OFlags::RDONLY | OFlags::DIRECTORY)?;
            let is_opaque = is_opaque(&folder);
            Some(if same.is_some() && !is_opaque {
                Seen::Folder
            } else {
                Seen::ChangedFolder { mode, is_opaque }
            })
        }
        FileType::RegularFile => {
            let is_same = same.is_some_and(|below| below.st_size == stat.st_size)
                && has_same_bytes(place, path)?;
            (!is_same).then(|| Seen::Changed(file(&stat)))
        }
        FileType::Symlink => {
            let target = rustix::fs::readlinkat(&place.upper, path, Vec::new())?;
            let below = place.lower.as_ref().filter(|_| same.is_some());
            let below =
                below.and_then(|lower| rustix::fs::readlinkat(lower, path, Vec::new()).ok());
            (below.as_ref() != Some(&target)).then(|| {
                Seen::Changed(What::Symlink {
                    target: Raw(target.into_bytes()),
                })
            })
        }
        _ => Some(Seen::Changed(What::Other)),
    })
}

fn file(stat: &Stat) -> What {
    let changed = Duration::new(
        u64::try_from(stat.st_ctime).unwrap_or_default(),
        u32::try_from(stat.st_ctime_nsec).unwrap_or_default(),
    );
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let is_old = now.is_ok_and(|now| changed + FRESH < now);
    What::File {
        mode: stat.st_mode & 0o7777,
        len: u64::try_from(stat.st_size).unwrap_or_default(),
        stamp: Stamp {
            inode: stat.st_ino,
            bytes: (stat.st_mtime, stat.st_mtime_nsec),
            any: (stat.st_ctime, stat.st_ctime_nsec),
        },
        is_fresh: !is_old,
    }
}

fn is_opaque(folder: &OwnedFd) -> bool {
    let mut value = [0; 1];
    rustix::fs::fgetxattr(folder.as_fd(), root::OPAQUE, &mut value).is_ok_and(|_| value == *b"y")
}

/// Whether a changed file and the lower one, of the same length, hold the same.
fn has_same_bytes(place: &Place, path: &[u8]) -> rustix::io::Result<bool> {
    let Some(lower) = &place.lower else {
        return Ok(false);
    };
    let flags = OFlags::RDONLY | OFlags::NONBLOCK;
    let (upper, lower) = (open(&place.upper, path, flags)?, open(lower, path, flags)?);
    let (mut one, mut other) = (vec![0; PIECE], vec![0; PIECE]);
    loop {
        let got = rustix::io::read(&upper, &mut one)?;
        let mut filled = 0;
        while filled < got {
            let left = other.get_mut(filled..got).unwrap_or_default();
            match rustix::io::read(&lower, left)? {
                0 => return Ok(false),
                more => filled += more,
            }
        }
        if one.get(..got) != other.get(..got) {
            return Ok(false);
        }
        if got == 0 {
            return Ok(true);
        }
    }
}

fn open_changed(places: &[Place], path: &Raw) -> rustix::io::Result<OwnedFd> {
    let (place, path) = find(places, path).ok_or(Errno::NOENT)?;
    lock::may_read_all(true)?;
    let opened = open(&place.upper, path, OFlags::RDONLY | OFlags::NONBLOCK);
    lock::may_read_all(false)?;
    let opened = opened?;
    match FileType::from_raw_mode(rustix::fs::fstat(&opened)?.st_mode) {
        FileType::RegularFile => Ok(opened),
        _ => Err(Errno::INVAL),
    }
}

/// Tells the hash of a changed file.
pub(super) fn tell_hash(places: &[Place], path: &Raw, wire: &Wire) -> io::Result<()> {
    let hash = || {
        let file = open_changed(places, path)?;
        let mut hasher = blake3::Hasher::new();
        let mut piece = vec![0; PIECE];
        loop {
            match rustix::io::read(&file, &mut piece)? {
                0 => return Ok(hasher.finalize().to_hex().to_string()),
                got => hasher.update(piece.get(..got).unwrap_or_default()),
            };
        }
    };
    let hash = hash().map_err(|errno: Errno| Refusal::Kernel(errno));
    wire.send(&hash.map_or_else(Refusal::answer, Answer::Hash), &[])
}

/// Sends the bytes of a changed file, at most `most`.
pub(super) fn tell_content(places: &[Place], path: &Raw, most: u64, wire: &Wire) -> io::Result<()> {
    match open_changed(places, path) {
        Ok(file) => work::send_file(&file, most, wire),
        Err(errno) => wire.send(&Refusal::Kernel(errno).answer(), &[]),
    }
}
