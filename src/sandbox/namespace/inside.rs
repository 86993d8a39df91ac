//! The new root of a sandbox while it is put together: places are found as a process in it would find them.
//!
//! The links of a hostile image lead to other places of that image and nowhere else; what is not there is made.

use std::fs;
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

use crate::sandbox::namespace::sys;
use crate::sandbox::namespace::watch::failed;
use crate::sandbox::namespace::watch::refused;
use crate::sandbox::namespace::wire::Failure;
use crate::sandbox::namespace::wire::Step;

/// The new root, before it is this process's.
#[derive(Debug)]
pub(super) struct Root(pub(super) OwnedFd);

impl Root {
    pub(super) fn open() -> Result<Self, Failure> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::open("root", flags, Mode::empty());
        Ok(Self(root.map_err(refused(Step::Root, "/"))?))
    }

    /// Opens a place as a process in the sandbox would find it.
    pub(super) fn find(&self, path: &str) -> rustix::io::Result<OwnedFd> {
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        rustix::fs::openat2(&self.0, path, flags, Mode::empty(), resolve)
    }

    /// A folder at `path`, made if it is not there.
    pub(super) fn folder(&self, path: &str) -> rustix::io::Result<OwnedFd> {
        match self.find(path) {
            Err(Errno::NOENT) => {}
            found => return found,
        }
        let (above, name) = split(path);
        let above = self.folder(above)?;
        make_dir(above.as_fd(), name, 0o755)?;
        self.find(path)
    }

    /// An empty file at `path` to mount something on, or what is there already.
    pub(super) fn file(&self, path: &str) -> rustix::io::Result<OwnedFd> {
        match self.find(path) {
            Err(Errno::NOENT) => {}
            found => return found,
        }
        let (above, name) = split(path);
        let above = self.folder(above)?;
        rustix::fs::mknodat(
            above,
            name,
            FileType::RegularFile,
            Mode::from_raw_mode(0o644),
            0,
        )?;
        self.find(path)
    }

    /// Writes a file of the sandbox's own, in the place of the image's.
    pub(super) fn write(&self, path: &str, text: &str) -> rustix::io::Result<()> {
        let (above, name) = split(path);
        let above = self.folder(above)?;
        match rustix::fs::unlinkat(&above, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(errno) => return Err(errno),
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let file = rustix::fs::openat(above, name, flags, Mode::from_raw_mode(0o644))?;
        let mut left = text.as_bytes();
        while !left.is_empty() {
            let written = rustix::io::write(&file, left)?;
            left = left.get(written..).unwrap_or_default();
        }
        Ok(())
    }

    /// What a file of the image says; nothing where there is none.
    pub(super) fn read(&self, path: &str) -> Option<String> {
        let found = self.find(path).ok()?;
        let stat = rustix::fs::fstat(&found).ok()?;
        let is_file = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
        let is_small = stat.st_size < 1 << 20;
        let text = (is_file && is_small).then(|| fs::read(path_of(found.as_fd())))?;
        text.ok()
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Makes a link where nothing is.
    pub(super) fn link(&self, path: &str, target: &[u8]) -> rustix::io::Result<()> {
        let (above, name) = split(path);
        let above = self.folder(above)?;
        match rustix::fs::symlinkat(target, above, name) {
            Ok(()) | Err(Errno::EXIST) => Ok(()),
            Err(errno) => Err(errno),
        }
    }

    pub(super) fn bind(source: BorrowedFd<'_>, target: BorrowedFd<'_>) -> rustix::io::Result<()> {
        rustix::mount::mount_bind_recursive(path_of(source), path_of(target))
    }

    /// Makes what is mounted at a place read-only; with `all`, what is mounted below it too.
    pub(super) fn restrict(&self, at: &str, all: bool) -> Result<(), Failure> {
        let place = self.find(at).map_err(refused(Step::System, at))?;
        sys::restrict_mount(place.as_fd(), all).map_err(failed(Step::System, at))
    }

    /// Shows a folder or a file at a path; a link is made again, and is no mount.
    pub(super) fn show(&self, path: &str, source: &OwnedFd) -> rustix::io::Result<bool> {
        let stat = rustix::fs::fstat(source)?;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Symlink => {
                let target = rustix::fs::readlinkat(source, "", Vec::new())?;
                return self.link(path, target.as_bytes()).map(|()| false);
            }
            FileType::Directory => Self::bind(source.as_fd(), self.folder(path)?.as_fd())?,
            _ => Self::bind(source.as_fd(), self.file(path)?.as_fd())?,
        }
        Ok(true)
    }

    /// The folder on which a tree is mounted. A path like `/usr/src/app` cannot be made in the host's read-only folder: that
    /// is covered by one of the store, which shows the same and the new folder.
    pub(super) fn tree_folder(&self, at: &str, nth: usize) -> rustix::io::Result<OwnedFd> {
        match self.folder(at) {
            Err(Errno::ROFS) => {}
            found => return found,
        }
        let mut above = split(at).0;
        let covered = loop {
            match self.find(above) {
                Err(Errno::NOENT) => above = split(above).0,
                found => break found?,
            }
        };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = rustix::fs::openat(&covered, ".", flags, Mode::empty())?;
        let mut shown = Vec::new();
        for entry in Dir::read_from(&folder)? {
            let entry = entry?;
            let name = entry.file_name();
            // A name that is not UTF-8 is nothing that programs look for.
            let Ok(text) = name.to_str() else { continue };
            if !matches!(text, "." | "..") {
                let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                let source = rustix::fs::openat(&folder, name, flags, Mode::empty())?;
                shown.push((format!("{above}/{text}"), source));
            }
        }
        let cover = format!("cover{nth}");
        make_dir(CWD, &cover, 0o755)?;
        rustix::mount::mount_bind(cover.as_str(), path_of(covered.as_fd()))?;
        for (path, source) in &shown {
            self.show(path, source)?;
        }
        self.folder(at)
    }
}

/// The path by which this process names an open place.
pub(super) fn path_of(fd: BorrowedFd<'_>) -> String {
    format!("/proc/self/fd/{}", fd.as_raw_fd())
}

pub(super) fn make_dir(at: BorrowedFd<'_>, name: &str, mode: u32) -> rustix::io::Result<()> {
    rustix::fs::mkdirat(at, name, Mode::from_raw_mode(mode))
}

/// The folder of a path and its name in it.
fn split(path: &str) -> (&str, &str) {
    let path = path.trim_end_matches('/');
    match path.rsplit_once('/') {
        Some(("", name)) => ("/", name),
        Some((above, name)) => (above, name),
        None => ("/", path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_folder_and_a_name() {
        assert_eq!(split("/a/b/c"), ("/a/b", "c"));
        assert_eq!(split("/a/"), ("/", "a"));
        assert_eq!(split("a"), ("/", "a"));
    }
}
