//! Writes files below one folder of the host and nowhere else, whatever names and links it is given.
//!
//! Every folder on the way to a file is opened by its name alone and never through a link, so that no entry of a tree or
//! archive leads out, not even one that was written a moment before. Links are written as they are: nobody follows them
//! on this side.

use std::io::Read;
use std::io::Write as _;
use std::os::fd::AsFd as _;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;
use std::time::SystemTime;

use rustix::fs::AtFlags;
use rustix::fs::Gid;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::fs::Uid;
use rustix::io::Errno;

use crate::error::Error;
use crate::error::Result;

/// When every file was written, as far as anybody can tell: the beginning of 2024.
const WRITTEN_SECS: u64 = 1_704_067_200;

/// How much may be written.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Files, folders and links.
    pub entries: u64,
    /// Bytes of all files.
    pub bytes: u64,
}

/// What became of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It is there.
    Done,
    /// It is left out, and why.
    Refused(&'static str),
}

/// What was left out.
#[derive(Debug, Default)]
pub(super) struct Refused {
    count: usize,
    first: Option<(String, &'static str)>,
}

impl Refused {
    /// Counts what was refused.
    pub(super) fn take(&mut self, path: &[u8], put: Put) {
        if let Put::Refused(why) = put {
            self.count += 1;
            let path = || String::from_utf8_lossy(path).into_owned();
            self.first.get_or_insert_with(|| (path(), why));
        }
    }

    /// In words; empty where nothing was.
    pub(super) fn notes(&self) -> Vec<String> {
        let Some((path, why)) = &self.first else {
            return Vec::new();
        };
        let count = self.count;
        let what = if count == 1 {
            "entry was"
        } else {
            "entries were"
        };
        vec![format!(
            "{count} {what} left out, the first is {path:?}: {why}"
        )]
    }
}

/// A folder that is being filled.
#[derive(Debug)]
pub struct Place {
    root: OwnedFd,
    /// The folders that were opened last, each in the one before.
    chain: Vec<(Vec<u8>, OwnedFd)>,
    owner: Option<(Uid, Gid)>,
    left: Bounds,
    /// What was written so far.
    pub written: Bounds,
}

impl Place {
    /// A folder that exists and is empty. What is written belongs to `owner`, the number of a user and a group; where
    /// there is none, to whoever hgview runs as.
    ///
    /// # Errors
    /// *input* when it cannot be opened.
    pub fn new(folder: &Path, bounds: Bounds, owner: Option<u32>) -> Result<Self> {
        let open = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let root =
            rustix::fs::open(folder, open, Mode::empty()).map_err(|err| failed(b".", err))?;
        let place = Self {
            root,
            chain: Vec::new(),
            owner: owner.map(|id| (Uid::from_raw(id), Gid::from_raw(id))),
            left: bounds,
            written: Bounds {
                entries: 0,
                bytes: 0,
            },
        };
        place
            .own(&place.root, 0o755)
            .map_err(|err| failed(b".", err))?;
        Ok(place)
    }

    /// Makes a folder; it may exist.
    ///
    /// # Errors
    /// *limit* when there is too much of it; *input* when the disk refuses.
    pub fn dir(&mut self, path: &[u8]) -> Result<Put> {
        let parts = match parts(path) {
            Ok(parts) => parts,
            Err(why) => return Ok(Put::Refused(why)),
        };
        match self.enter(&parts) {
            Ok(()) => Ok(Put::Done),
            Err(stop) => stop.told(path),
        }
    }

    /// Writes a file, over another one if there is one. Of `mode` the permission bits count, and its owner can always
    /// read and write it.
    ///
    /// # Errors
    /// *limit* when there is too much of it; *input* when the disk refuses or `content` cannot be read.
    pub fn file(&mut self, path: &[u8], mode: u32, content: &mut dyn Read) -> Result<Put> {
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let opened = self.make(path, |folder, name| {
            rustix::fs::openat(folder, name, flags, Mode::RUSR | Mode::WUSR)
        });
        let file = match opened? {
            Ok(file) => file,
            Err(refused) => return Ok(refused),
        };
        self.own(&file, mode & 0o777 | 0o600)
            .map_err(|err| failed(path, err))?;
        let mut file = std::fs::File::from(file);
        let mut buffer = [0; 1 << 13];
        loop {
            let len = content
                .read(&mut buffer)
                .map_err(|err| cannot(path).caused_by(err))?;
            if len == 0 {
                let when = SystemTime::UNIX_EPOCH + Duration::from_secs(WRITTEN_SECS);
                // it only helps: listings are the same wherever they are made, and git sees each edit by its time
                let _now = file.set_modified(when);
                return Ok(Put::Done);
            }
            self.spend_bytes(len as u64)?;
            file.write_all(buffer.get(..len).unwrap_or_default())
                .map_err(|err| cannot(path).caused_by(err))?;
        }
    }

    /// Writes a symbolic link, over a file if there is one. It may lead anywhere.
    ///
    /// # Errors
    /// As [`Place::file`].
    pub fn symlink(&mut self, path: &[u8], target: &[u8]) -> Result<Put> {
        if target.is_empty() || target.contains(&0) || target.len() > 4095 {
            return Ok(Put::Refused("its target is no path"));
        }
        let owner = self.owner;
        let made = self.make(path, |folder, name| {
            rustix::fs::symlinkat(target, folder, name)?;
            if let Some((uid, gid)) = owner {
                // as for files: where root may not give away files, it need not
                let _refused = rustix::fs::chownat(
                    folder,
                    name,
                    Some(uid),
                    Some(gid),
                    AtFlags::SYMLINK_NOFOLLOW,
                );
            }
            Ok(())
        });
        Ok(made?.err().unwrap_or(Put::Done))
    }

    /// Copies a file that was written before to another name: what archives call a hard link.
    ///
    /// # Errors
    /// As [`Place::file`].
    pub fn copy(&mut self, path: &[u8], from: &[u8]) -> Result<Put> {
        const NO_FILE: Put = Put::Refused("it links to nothing in the archive");
        let Ok(source) = parts(from) else {
            return Ok(Put::Refused("it links to a file outside"));
        };
        let Some((name, folders)) = source.split_last() else {
            return Ok(NO_FILE);
        };
        let mut at = self
            .root
            .try_clone()
            .map_err(|err| cannot(from).caused_by(err))?;
        for folder in folders {
            match open_dir(&at, folder) {
                Ok(inner) => at = inner,
                Err(_) => return Ok(NO_FILE),
            }
        }
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let Ok(file) = rustix::fs::openat(&at, *name, flags, Mode::empty()) else {
            return Ok(NO_FILE);
        };
        let mut file = std::fs::File::from(file);
        let meta = file.metadata().map_err(|err| cannot(from).caused_by(err))?;
        if !meta.is_file() || source == parts(path).unwrap_or_default() {
            return Ok(NO_FILE);
        }
        let mode = std::os::unix::fs::PermissionsExt::mode(&meta.permissions());
        self.file(path, mode, &mut file)
    }

    /// Makes something at a path, in place of what was there, unless that is a folder.
    fn make<T>(
        &mut self,
        path: &[u8],
        mut make: impl FnMut(&OwnedFd, &[u8]) -> rustix::io::Result<T>,
    ) -> Result<Result<T, Put>> {
        let parts = match parts(path) {
            Ok(parts) => parts,
            Err(why) => return Ok(Err(Put::Refused(why))),
        };
        let Some((name, folders)) = parts.split_last() else {
            return Ok(Err(Put::Refused("it has no name")));
        };
        if let Err(stop) = self.enter(folders) {
            return stop.told(path).map(Err);
        }
        self.spend_entry()?;
        let folder = self.chain.last().map_or(&self.root, |(_, folder)| folder);
        match make(folder, name) {
            Err(Errno::EXIST) => {}
            Err(Errno::NAMETOOLONG) => return Ok(Err(Put::Refused("its name is too long"))),
            done => return done.map(Ok).map_err(|err| failed(path, err)),
        }
        if rustix::fs::unlinkat(folder, *name, AtFlags::empty()).is_err() {
            return Ok(Err(Put::Refused("there is a folder of that name")));
        }
        make(folder, name).map(Ok).map_err(|err| failed(path, err))
    }

    /// Makes the last of the chain the folder of these names, which is made where it is missing.
    fn enter(&mut self, names: &[&[u8]]) -> Result<(), Stop> {
        let held = self.chain.iter().zip(names);
        let common = held.take_while(|((held, _), name)| held == *name).count();
        self.chain.truncate(common);
        for name in names.get(common..).unwrap_or_default() {
            let folder = self.chain.last().map_or(&self.root, |(_, folder)| folder);
            let inner = match open_dir(folder, name) {
                Ok(inner) => inner,
                Err(Errno::NOENT) => {
                    rustix::fs::mkdirat(folder, *name, Mode::RWXU)?;
                    let inner = open_dir(folder, name)?;
                    self.own(&inner, 0o755)?;
                    self.spend_entry().map_err(Stop::Bound)?;
                    inner
                }
                Err(errno) => return Err(errno.into()),
            };
            self.chain.push(((*name).to_vec(), inner));
        }
        Ok(())
    }

    /// Gives a file its mode and its owner.
    fn own(&self, file: &OwnedFd, mode: u32) -> rustix::io::Result<()> {
        if let Some((uid, gid)) = self.owner {
            // root of a container may not give files away; there no sandbox has another root either
            let _refused = rustix::fs::fchown(file, Some(uid), Some(gid));
        }
        rustix::fs::fchmod(file, Mode::from_raw_mode(mode))
    }

    fn spend_entry(&mut self) -> Result<()> {
        self.written.entries += 1;
        if self.written.entries > self.left.entries {
            let most = self.left.entries;
            return Err(Error::limit(format!("it holds more than {most} files")));
        }
        Ok(())
    }

    fn spend_bytes(&mut self, count: u64) -> Result<()> {
        self.written.bytes += count;
        if self.written.bytes > self.left.bytes {
            let most = self.left.bytes;
            return Err(Error::limit(format!("it holds more than {most} bytes")));
        }
        Ok(())
    }
}

/// Why a folder cannot be entered.
enum Stop {
    Errno(Errno),
    Bound(Error),
}

impl From<Errno> for Stop {
    fn from(errno: Errno) -> Self {
        Self::Errno(errno)
    }
}

impl Stop {
    /// What the data did is refused; what the disk did is an error.
    fn told(self, path: &[u8]) -> Result<Put> {
        match self {
            Self::Errno(Errno::LOOP | Errno::NOTDIR) => {
                Ok(Put::Refused("it lies behind a link or a file"))
            }
            Self::Errno(Errno::NAMETOOLONG) => Ok(Put::Refused("its name is too long")),
            Self::Errno(errno) => Err(failed(path, errno)),
            Self::Bound(error) => Err(error),
        }
    }
}

fn open_dir(folder: &OwnedFd, name: &[u8]) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(folder.as_fd(), name, flags, Mode::empty())
}

/// The names of a path; why it is none of ours otherwise.
fn parts(path: &[u8]) -> Result<Vec<&[u8]>, &'static str> {
    if path.starts_with(b"/") {
        return Err("its path is absolute");
    }
    if path.contains(&0) {
        return Err("its path is no path");
    }
    let mut parts = Vec::new();
    for part in path.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => return Err("its path leads out"),
            part => parts.push(part),
        }
    }
    if parts.len() > 256 {
        return Err("it is nested too deeply");
    }
    Ok(parts)
}

fn cannot(path: &[u8]) -> Error {
    let path = String::from_utf8_lossy(path);
    Error::input(format!("{path:?} cannot be written"))
}

fn failed(path: &[u8], errno: Errno) -> Error {
    cannot(path).caused_by(std::io::Error::from(errno))
}

#[cfg(test)]
mod tests;
