//! Archives as base states: tar (plain, gzip, zstd), zip, and what Python calls sdist and wheel.
//!
//! An archive comes from anywhere. What would lead out of its folder, devices, pipes and hard links to what is not in it
//! are left out and counted; permissions lose everything but read, write and run; length and number of its files are
//! bounded while they are unpacked, whatever its headers promise. Where all of it lies in one folder, as in a source
//! distribution, that folder is the repository.

use std::fs::File;
use std::io::Read;
use std::io::Seek as _;
use std::path::Path;

use crate::cancel::Cancel;
use crate::error::Error;
use crate::error::Result;
use crate::replay::base::place::Place;
use crate::replay::base::place::Put;
use crate::replay::base::place::Refused;

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

/// The name under which the tree of an archive is kept: of its content.
///
/// # Errors
/// *input* when it cannot be read.
pub(super) fn key(path: &Path) -> Result<String> {
    let mut file = open(path)?;
    let mut hasher = blake3::Hasher::new();
    std::io::copy(&mut file, &mut hasher).map_err(|err| cannot(path).caused_by(err))?;
    Ok(format!("archive-{}", hasher.finalize().to_hex()))
}

/// Unpacks an archive; tells what people should know of it.
///
/// # Errors
/// *input* when it is no archive or damaged; *limit* when it holds too much or was cancelled.
pub(super) fn unpack(path: &Path, place: &mut Place, cancel: &Cancel) -> Result<Vec<String>> {
    let mut refused = Refused::default();
    let packing = packing(path)?;
    if packing == Packing::Zip {
        unpack_zip(path, place, &mut refused, cancel)?;
    } else {
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
            put_tar_entry(entry, top.as_deref(), place, &mut refused)
        })?;
    }
    Ok(refused.notes())
}

fn open(path: &Path) -> Result<File> {
    let file = File::open(path).map_err(|err| cannot(path).caused_by(err))?;
    let is_file = file.metadata().is_ok_and(|meta| meta.is_file());
    if is_file {
        Ok(file)
    } else {
        Err(cannot(path).hint("name a .tar, .tar.gz, .tar.zst, .zip or .whl file"))
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

fn put_tar_entry(
    entry: &mut TarEntry<'_>,
    top: Option<&[u8]>,
    place: &mut Place,
    refused: &mut Refused,
) -> Result<()> {
    let kind = entry.header().entry_type();
    let path = entry.path_bytes().into_owned();
    if is_no_file(kind) || is_root(&path) {
        return Ok(());
    }
    let path = below(&path, top);
    let mode = entry.header().mode().unwrap_or(0o644);
    let target = entry.link_name_bytes().map(std::borrow::Cow::into_owned);
    let put = if is_whiteout(path) {
        Put::Refused("it marks a removed file of an image")
    } else if kind.is_dir() {
        place.dir(path)?
    } else if kind.is_symlink() {
        place.symlink(path, &target.unwrap_or_default())?
    } else if kind.is_hard_link() {
        let from = target.unwrap_or_default();
        place.copy(path, below(&from, top))?
    } else if kind.is_file() || kind.is_contiguous() || kind.is_gnu_sparse() {
        place.file(path, mode, entry)?
    } else {
        Put::Refused("it is a device or a pipe")
    };
    refused.take(path, put);
    Ok(())
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

fn unpack_zip(
    path: &Path,
    place: &mut Place,
    refused: &mut Refused,
    cancel: &Cancel,
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
        let inner = below(&name, top.as_deref());
        let mode = entry.unix_mode().unwrap_or(0o644);
        let put = if is_root(&name) {
            continue;
        } else if entry.is_dir() {
            place.dir(inner)?
        } else if entry.is_symlink() {
            let mut target = Vec::new();
            let read = entry.by_ref().take(MOST_TARGET).read_to_end(&mut target);
            read.map_err(|err| cannot(path).caused_by(err))?;
            place.symlink(inner, &target)?
        } else {
            place.file(inner, mode, &mut entry)?
        };
        refused.take(inner, put);
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

#[cfg(test)]
mod tests;
