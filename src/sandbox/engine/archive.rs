//! Archives that go into a container and come out of it. What comes out was written by hostile programs.

use std::collections::BTreeSet;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::fs::File;
use std::io;
use std::io::Read as _;
use std::io::Seek as _;
use std::io::SeekFrom;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use tar::Archive;
use tar::Builder;
use tar::EntryType;
use tar::Header;
use walkdir::WalkDir;

use crate::cancel::Cancel;
use crate::error::Error;
use crate::error::Result;
use crate::sandbox::Entry;
use crate::sandbox::Layer;
use crate::sandbox::copied;
use crate::sandbox::copied::Now;
use crate::sandbox::copied::PERMISSIONS;
use crate::sandbox::copied::is_plain;

type Owner = (u64, u64);

fn failed(err: io::Error) -> Error {
    Error::limit("cannot pack a folder").caused_by(err)
}

/// An archive being made.
struct Pack {
    builder: Builder<File>,
    owner: Owner,
}

impl Pack {
    fn new(owner: Owner) -> io::Result<Self> {
        let builder = Builder::new(tempfile::tempfile()?);
        Ok(Self { builder, owner })
    }

    fn head(&self, kind: EntryType, mode: u32, len: u64) -> Header {
        let mut head = Header::new_gnu();
        head.set_entry_type(kind);
        head.set_mode(mode);
        head.set_size(len);
        head.set_uid(self.owner.0);
        head.set_gid(self.owner.1);
        head.set_mtime(0);
        head
    }

    fn file(&mut self, path: &Path, mode: u32, mtime: u64, bytes: &[u8]) -> io::Result<()> {
        let mut head = self.head(EntryType::Regular, mode, bytes.len() as u64);
        head.set_mtime(mtime);
        self.builder.append_data(&mut head, path, bytes)
    }

    fn folder(&mut self, path: &Path, mode: u32) -> io::Result<()> {
        let mut head = self.head(EntryType::Directory, mode, 0);
        self.builder.append_data(&mut head, path, io::empty())
    }

    fn link(&mut self, path: &Path, target: &Path) -> io::Result<()> {
        let mut head = self.head(EntryType::Symlink, 0o777, 0);
        self.builder.append_link(&mut head, path, target)
    }

    fn done(self) -> io::Result<File> {
        let mut file = self.builder.into_inner()?;
        file.rewind()?;
        Ok(file)
    }
}

/// Packs a folder of this machine; its files shall belong to `owner`.
///
/// # Errors
/// *input* when it cannot be read.
pub(super) fn pack_folder(lower: &Path, owner: Owner, cancel: &Cancel) -> Result<File> {
    let mut pack = Pack::new(owner).map_err(failed)?;
    for original in copied::originals(lower) {
        if cancel.is_cancelled() {
            return Err(Error::limit("stopped"));
        }
        let original = original?;
        let below = if original.below.as_os_str().is_empty() {
            Path::new(".")
        } else {
            &original.below
        };
        let (meta, kind) = (&original.meta, original.meta.file_type());
        let mode = meta.mode() & PERMISSIONS;
        let done = if kind.is_dir() {
            pack.folder(below, mode)
        } else if kind.is_file() {
            let mtime = u64::try_from(meta.mtime()).unwrap_or(0);
            fs::read(&original.path).and_then(|bytes| pack.file(below, mode, mtime, &bytes))
        } else if kind.is_symlink() {
            fs::read_link(&original.path).and_then(|target| pack.link(below, &target))
        } else {
            Ok(())
        };
        done.map_err(|err| {
            Error::input(format!("cannot copy {}", original.path.display())).caused_by(err)
        })?;
    }
    pack.done().map_err(failed)
}

/// Packs empty folders, parents first.
///
/// # Errors
/// *limit* when there is no room for it.
pub(super) fn pack_empty(folders: &BTreeSet<String>, owner: Owner) -> Result<File> {
    let mut pack = Pack::new(owner).map_err(failed)?;
    for folder in folders {
        pack.folder(Path::new(folder), 0o755).map_err(failed)?;
    }
    pack.done().map_err(failed)
}

/// Packs what a layer has made in the folder `at`.
///
/// # Errors
/// *limit* when there is no room for it.
pub(super) fn pack_layer(layer: &Layer, at: &str, owner: Owner) -> Result<File> {
    let mut pack = Pack::new(owner).map_err(failed)?;
    for (below, entry) in copied::entries_in(layer, at) {
        let path = Path::new(OsStr::from_bytes(below));
        if below.is_empty() {
            continue;
        }
        match entry {
            Entry::File { mode, content } => pack.file(path, *mode, 0, &content.bytes),
            Entry::Dir { mode, .. } => pack.folder(path, *mode),
            Entry::Symlink { target } => pack.link(path, Path::new(OsStr::from_bytes(target))),
            Entry::Removed | Entry::Other => Ok(()),
        }
        .map_err(failed)?;
    }
    pack.done().map_err(failed)
}

/// The paths in the folder `at` that a layer says are gone, or are something else now.
pub(super) fn to_remove(layer: &Layer, at: &str) -> Vec<String> {
    let is_other = |entry: &Entry| {
        !matches!(
            entry,
            Entry::File { .. }
                | Entry::Dir {
                    is_opaque: false,
                    ..
                }
        )
    };
    let all = copied::entries_in(layer, at).filter(|(below, _)| !below.is_empty());
    all.filter(|(_, entry)| is_other(entry))
        .filter_map(|(below, _)| Some(format!("{at}/{}", std::str::from_utf8(below).ok()?)))
        .collect()
}

/// One file for a folder of a container.
///
/// # Errors
/// Those of the disk.
pub(super) fn pack_file(name: &str, mode: u32, owner: Owner, bytes: &[u8]) -> io::Result<File> {
    let mut pack = Pack::new(owner)?;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = now.map_or(0, |since| since.as_secs());
    pack.file(Path::new(name), mode, now, bytes)?;
    pack.done()
}

/// The bytes of the files below a folder of this machine, and how many files and folders there are.
pub(super) fn size_of(lower: &Path) -> (u64, u64) {
    let all = WalkDir::new(lower).into_iter().filter_map(Result::ok);
    let len = |entry: &walkdir::DirEntry| entry.metadata().map_or(0, |meta| meta.len());
    all.fold((0, 0), |(bytes, files), entry| {
        let is_file = entry.file_type().is_file();
        (bytes + if is_file { len(&entry) } else { 0 }, files + 1)
    })
}

/// Tells everything in an archive of a folder, by paths below it. Paths that lead elsewhere are left out; links to other
/// files of the archive are those files.
///
/// # Errors
/// Those of `see`; *limit* when it is no archive.
pub(super) fn unpack(packed: File, see: &mut dyn FnMut(&[u8], Now) -> Result<()>) -> Result<()> {
    let failed = |err: io::Error| Error::limit("cannot read the container's folder").caused_by(err);
    let mut again = packed.try_clone().map_err(failed)?;
    let len = packed.metadata().map_err(failed)?.len();
    let mut files: HashMap<Vec<u8>, (u64, u64)> = HashMap::new();
    let mut archive = Archive::new(packed);
    for entry in archive.entries_with_seek().map_err(failed)? {
        let mut entry = entry.map_err(failed)?;
        let path = entry.path_bytes().into_owned();
        let Some(below) = below_first(&path) else {
            continue;
        };
        let mode = entry.header().mode().map_err(failed)? & PERMISSIONS;
        let now = match entry.header().entry_type() {
            EntryType::Directory => Now::Dir { mode },
            EntryType::Symlink => Now::Symlink {
                target: entry.link_name_bytes().unwrap_or_default().into_owned(),
            },
            EntryType::Link => {
                let target = entry.link_name_bytes().unwrap_or_default().into_owned();
                let Some(&(at, size)) = files.get(&target) else {
                    continue;
                };
                let bytes = piece(&mut again, at, size).map_err(failed)?;
                Now::File { mode, bytes }
            }
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                let size = entry.size();
                if size > len {
                    // only holes can be longer than the archive: nobody needs to know how long
                    return Err(Error::limit(
                        "a file with holes that is larger than it may be",
                    ));
                }
                files.insert(path.clone(), (entry.raw_file_position(), size));
                let mut bytes = Vec::new();
                entry.read_to_end(&mut bytes).map_err(failed)?;
                Now::File { mode, bytes }
            }
            _ => Now::Other,
        };
        see(below, now)?;
    }
    Ok(())
}

fn piece(file: &mut File, at: u64, len: u64) -> io::Result<Vec<u8>> {
    // both handles share one place in the file
    let place = file.stream_position()?;
    file.seek(SeekFrom::Start(at))?;
    let mut bytes = Vec::new();
    file.by_ref().take(len).read_to_end(&mut bytes)?;
    file.seek(SeekFrom::Start(place))?;
    Ok(bytes)
}

/// A path of an archive without its first name, which is the folder's own; nothing if it leads elsewhere.
fn below_first(path: &[u8]) -> Option<&[u8]> {
    let path = path.strip_prefix(b"./").unwrap_or(path);
    let path = path.strip_suffix(b"/").unwrap_or(path);
    if !is_plain(path) {
        return None;
    }
    let first = memchr::memchr(b'/', path);
    Some(first.and_then(|at| path.get(at + 1..)).unwrap_or_default())
}

/// The one file in an archive of it, or where it leads.
#[derive(Debug)]
pub(super) enum One {
    File(Vec<u8>),
    Link,
    Dir,
    Other,
    TooLong,
}

/// Reads an archive of one path; a file of at most `most` bytes.
///
/// # Errors
/// When it is no archive.
pub(super) fn unpack_one(packed: File, most: u64) -> io::Result<One> {
    let mut archive = Archive::new(packed);
    let Some(entry) = archive.entries()?.next() else {
        return Ok(One::Other);
    };
    let entry = entry?;
    Ok(match entry.header().entry_type() {
        EntryType::Directory => One::Dir,
        EntryType::Symlink => One::Link,
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
            let mut bytes = Vec::new();
            entry.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
            if bytes.len() as u64 > most {
                One::TooLong
            } else {
                One::File(bytes)
            }
        }
        _ => One::Other,
    })
}

#[cfg(test)]
mod tests;
