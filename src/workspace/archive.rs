//! What archives hold: tar (plain, gzip, zstd), zip, and what Python calls sdist and wheel.
//!
//! An archive comes from anywhere: nothing is promised of the paths and links in it, and the unpacked stream is bounded
//! whatever its headers promise. Where all of it lies in one folder, as in a source distribution, that folder is the root.

use std::fs::File;
use std::io::Read;
use std::io::Seek as _;
use std::path::Path;

use crate::cancel::Cancel;
use crate::error::Error;
use crate::error::Result;

/// What is read of an unpacked stream at most, headers included.
const MOST_STREAM: u64 = 10 << 30;
/// Links are no longer.
const MOST_TARGET: u64 = 4096;

/// How an archive is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Packing {
    Plain,
    Gzip,
    Zstd,
    Zip,
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryKind {
    /// A folder.
    Dir,
    /// A file with these permissions.
    File {
        /// As `st_mode` has them; kinds and special bits are not cut.
        mode: u32,
    },
    /// A symbolic link with its target.
    Symlink(Vec<u8>),
    /// Another name of a file of the archive, below its root.
    HardLink(Vec<u8>),
    /// Nothing that a folder of sources holds, and what it is.
    Odd(&'static str),
}

/// An entry of an archive.
pub struct Entry<'a> {
    /// Below the archive's root; it may lead out of it.
    pub path: &'a [u8],
    /// What it is.
    pub kind: EntryKind,
    /// How many bytes it has, as the archive says.
    pub len: u64,
    /// The bytes of a file.
    pub content: &'a mut dyn Read,
}

/// Tells every entry of an archive, in its order.
///
/// # Errors
/// *input* when it is no archive or damaged; *limit* when it has no end or was cancelled; what `each` says.
pub fn each_entry(
    path: &Path,
    cancel: &Cancel,
    each: &mut dyn FnMut(Entry<'_>) -> Result<()>,
) -> Result<()> {
    let packing = packing(path)?;
    if packing == Packing::Zip {
        return each_zip_entry(path, cancel, each);
    }
    let mut top = Top::default();
    each_tar_entry(path, packing, cancel, &mut |entry| {
        // some archives begin with `./` itself
        if !is_root(&entry.path_bytes()) && !is_no_file(entry.header().entry_type()) {
            top.take(&entry.path_bytes());
        }
        Ok(())
    })?;
    let top = top.folder();
    each_tar_entry(path, packing, cancel, &mut |entry| {
        tell_tar_entry(entry, top.as_deref(), each)
    })
}

/// A name of an archive's content, in hexadecimal digits.
///
/// # Errors
/// *input* when it cannot be read.
pub fn content_name(path: &Path) -> Result<String> {
    let mut file = open(path)?;
    let mut hasher = blake3::Hasher::new();
    std::io::copy(&mut file, &mut hasher).map_err(|err| cannot(path).caused_by(err))?;
    Ok(hasher.finalize().to_hex().to_string())
}

/// Looks whether a file begins as an archive does.
///
/// # Errors
/// *input* when it does not, or cannot be read.
pub fn check(path: &Path) -> Result<()> {
    packing(path).map(|_| ())
}

fn open(path: &Path) -> Result<File> {
    let cannot = |err| cannot(path).caused_by(err);
    // a pipe is not even opened: that would wait for its writer
    if std::fs::metadata(path).map_err(cannot)?.is_file() {
        File::open(path).map_err(cannot)
    } else {
        Err(cannot(std::io::ErrorKind::InvalidInput.into())
            .hint("name a .tar, .tar.gz, .tar.zst, .zip or .whl file"))
    }
}

fn cannot(path: &Path) -> Error {
    Error::input(format!("the archive {} cannot be read", path.display()))
}

fn packing(path: &Path) -> Result<Packing> {
    let mut head = [0; 512];
    let mut file = open(path)?;
    let mut len = 0;
    while let Some(rest) = head.get_mut(len..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(count) => len += count,
            Err(err) => return Err(cannot(path).caused_by(err)),
        }
    }
    match head {
        [0x1f, 0x8b, ..] => Ok(Packing::Gzip),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Ok(Packing::Zstd),
        [b'P', b'K', 3 | 5, 4 | 6, ..] => Ok(Packing::Zip),
        _ if head.get(257..262) == Some(b"ustar") => Ok(Packing::Plain),
        _ => Err(cannot(path)
            .caused_by("it is neither tar nor zip")
            .hint("name a .tar, .tar.gz, .tar.zst, .zip or .whl file")),
    }
}

fn stream(path: &Path, packing: Packing) -> Result<Box<dyn Read>> {
    let mut file = open(path)?;
    let read: Box<dyn Read> = match packing {
        Packing::Gzip => Box::new(flate2::read::MultiGzDecoder::new(file)),
        Packing::Zstd => {
            let decoder = zstd::stream::read::Decoder::new(file);
            let mut decoder = decoder.map_err(|err| cannot(path).caused_by(err))?;
            // a frame may ask for a window of its own size
            decoder
                .window_log_max(27)
                .map_err(|err| cannot(path).caused_by(err))?;
            Box::new(decoder)
        }
        Packing::Plain | Packing::Zip => {
            file.rewind().map_err(|err| cannot(path).caused_by(err))?;
            Box::new(file)
        }
    };
    Ok(Box::new(read.take(MOST_STREAM)))
}

type TarEntry<'a> = tar::Entry<'a, Box<dyn Read>>;

fn each_tar_entry(
    path: &Path,
    packing: Packing,
    cancel: &Cancel,
    each: &mut dyn FnMut(&mut TarEntry<'_>) -> Result<()>,
) -> Result<()> {
    let mut archive = tar::Archive::new(stream(path, packing)?);
    let entries = archive
        .entries()
        .map_err(|err| cannot(path).caused_by(err))?;
    for (count, entry) in entries.enumerate() {
        if cancel.is_cancelled() {
            return Err(Error::limit("cancelled"));
        }
        // headers that name no file count too
        if count > 2_000_000 {
            return Err(Error::limit(format!("{} has no end", path.display())));
        }
        each(&mut entry.map_err(|err| cannot(path).caused_by(err))?)?;
    }
    Ok(())
}

fn tell_tar_entry(
    entry: &mut TarEntry<'_>,
    top: Option<&[u8]>,
    each: &mut dyn FnMut(Entry<'_>) -> Result<()>,
) -> Result<()> {
    let header = entry.header();
    let kind = header.entry_type();
    let mode = header.mode().unwrap_or(0o644);
    let path = entry.path_bytes().into_owned();
    if is_no_file(kind) || is_root(&path) {
        return Ok(());
    }
    let path = below(&path, top);
    let target = entry.link_name_bytes().map(std::borrow::Cow::into_owned);
    let target = target.unwrap_or_default();
    let kind = if is_whiteout(path) {
        EntryKind::Odd("it marks a removed file of an image")
    } else if kind.is_dir() {
        EntryKind::Dir
    } else if kind.is_symlink() {
        EntryKind::Symlink(target)
    } else if kind.is_hard_link() {
        EntryKind::HardLink(below(&target, top).to_vec())
    } else if kind.is_file() || kind.is_contiguous() || kind.is_gnu_sparse() {
        EntryKind::File { mode }
    } else {
        EntryKind::Odd("it is a device or a pipe")
    };
    each(Entry {
        path,
        kind,
        len: entry.size(),
        content: entry,
    })
}

/// Headers that are about other entries.
fn is_no_file(kind: tar::EntryType) -> bool {
    kind.is_pax_global_extensions()
        || kind.is_pax_local_extensions()
        || kind.is_gnu_longname()
        || kind.is_gnu_longlink()
}

fn is_root(path: &[u8]) -> bool {
    path.split(|byte| *byte == b'/')
        .all(|part| matches!(part, b"" | b"."))
}

fn is_whiteout(path: &[u8]) -> bool {
    let name = path.rsplit(|byte| *byte == b'/').next();
    name.is_some_and(|name| name.starts_with(b".wh."))
}

fn each_zip_entry(
    path: &Path,
    cancel: &Cancel,
    each: &mut dyn FnMut(Entry<'_>) -> Result<()>,
) -> Result<()> {
    let mut archive =
        zip::ZipArchive::new(open(path)?).map_err(|err| cannot(path).caused_by(err))?;
    let mut top = Top::default();
    for ix in 0..archive.len() {
        if let Ok(entry) = archive.by_index_raw(ix) {
            top.take(entry.name_raw());
        }
    }
    let top = top.folder();
    for ix in 0..archive.len() {
        if cancel.is_cancelled() {
            return Err(Error::limit("cancelled"));
        }
        let mut entry = match archive.by_index(ix) {
            Ok(entry) => entry,
            Err(err) => return Err(cannot(path).caused_by(err)),
        };
        let name = entry.name_raw().to_vec();
        if is_root(&name) {
            continue;
        }
        let mode = entry.unix_mode().unwrap_or(0o644);
        let kind = if entry.is_dir() {
            EntryKind::Dir
        } else if entry.is_symlink() {
            let mut target = Vec::new();
            let read = entry.by_ref().take(MOST_TARGET).read_to_end(&mut target);
            read.map_err(|err| cannot(path).caused_by(err))?;
            EntryKind::Symlink(target)
        } else {
            EntryKind::File { mode }
        };
        each(Entry {
            path: below(&name, top.as_deref()),
            kind,
            len: entry.size(),
            content: &mut entry,
        })?;
    }
    Ok(())
}

/// Whether everything lies in one folder.
#[derive(Debug, Default)]
struct Top {
    name: Option<Vec<u8>>,
    /// Something lies beside it.
    is_spoilt: bool,
    /// Something lies in it.
    has_inner: bool,
}

impl Top {
    fn take(&mut self, path: &[u8]) {
        let mut parts = path
            .split(|byte| *byte == b'/')
            .filter(|part| !matches!(*part, b"" | b"."));
        let Some(first) = parts.next() else { return };
        let is_other = self.name.as_deref().is_some_and(|name| name != first);
        self.is_spoilt |= is_other || first == b".." || path.starts_with(b"/");
        self.name.get_or_insert_with(|| first.to_vec());
        let is_folder = path.ends_with(b"/");
        let inner = parts.next().is_some();
        self.has_inner |= inner;
        // a file of that name, not a folder; tar folders may come without their slash, but before what is in them
        self.is_spoilt |= !inner && !is_folder && self.has_inner;
    }

    fn folder(self) -> Option<Vec<u8>> {
        self.name.filter(|_| !self.is_spoilt && self.has_inner)
    }
}

/// A path below the folder in which everything lies.
fn below<'a>(path: &'a [u8], top: Option<&[u8]>) -> &'a [u8] {
    let Some(top) = top else { return path };
    let mut rest = path;
    while let Some(cut) = rest.strip_prefix(b"./") {
        rest = cut;
    }
    match rest.strip_prefix(top) {
        Some(b"") => b".",
        Some(inner) => inner.strip_prefix(b"/").unwrap_or(path),
        None => path,
    }
}
