//! What is known of large files, kept in the cache folder for the next time: where their records lie, their rows of the
//! list, their SHA-256.
//!
//! A sidecar is one file, found by the canonical path of the data. It holds for the file whose device, inode, length,
//! times of change and probe it names; lines that were appended since are scanned, anything else is scanned anew. Who
//! built hgview is part of it: another build may read records otherwise. What is torn, changed or foreign is not there.
//! Files are written beside and renamed, so that the last of several programs decides. No error is told: without
//! sidecars everything is only slower.

mod form;
mod sheet;

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::OnceLock;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

pub(super) use sheet::Sheet;

use crate::model::Fault;
use crate::model::Format;
use crate::model::Span;
use crate::model::Summary;
use crate::read::Layout;
use crate::read::Probe;
use crate::read::Shape;
use crate::store::bytes::Bytes;
use crate::store::bytes::read_at;
use crate::store::index::Header;
use crate::store::index::Slot;
use crate::store::index::Source;
use crate::store::sidecar::form::Reader;
use crate::store::sidecar::sheet::BLOCK;
use crate::store::sidecar::sheet::Place;
use crate::store::sidecar::sheet::Spill;

/// The SHA-256 of a whole file, and what the file was then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileHash {
    /// Of all its bytes.
    pub sha256: [u8; 32],
    /// The file.
    pub print: Print,
}

/// The first bytes of a sidecar, and the last ones.
const MAGIC: [u8; 8] = *b"hgview\0\x01";
/// Place, length and checksum of the description, and the magic bytes.
const FOOT: usize = 8 + 8 + form::SUM + MAGIC.len();

const LAYOUTS: [Layout; 5] = [
    Layout::Rows,
    Layout::Session,
    Layout::Whole,
    Layout::Samples,
    Layout::Keyed,
];
const SHAPES: [Shape; 5] = [
    Shape::Lines,
    Shape::Array,
    Shape::Object,
    Shape::Events,
    Shape::Table,
];

/// What a file was at some time, as far as the system tells without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Print {
    device: u64,
    inode: u64,
    len: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Print {
    /// The time for which a file must have been left alone: within it another change need not show in its times.
    const QUIET: Duration = Duration::from_secs(2);

    /// Looks at an open file.
    ///
    /// # Errors
    /// Those of the system.
    pub fn of(file: &File) -> io::Result<Self> {
        file.metadata().map(|meta| Self::of_meta(&meta))
    }

    fn of_meta(meta: &std::fs::Metadata) -> Self {
        Self {
            device: meta.dev(),
            inode: meta.ino(),
            len: meta.len(),
            modified: (meta.mtime(), meta.mtime_nsec()),
            changed: (meta.ctime(), meta.ctime_nsec()),
        }
    }

    /// Looks at a file by its path.
    ///
    /// # Errors
    /// Those of the system.
    pub fn at(path: &Path) -> io::Result<Self> {
        std::fs::metadata(path).map(|meta| Self::of_meta(&meta))
    }

    /// Its length in bytes.
    pub fn len_bytes(&self) -> u64 {
        self.len
    }

    /// Whether the file had been left alone for a while at this time.
    pub(super) fn is_quiet(&self, at: SystemTime) -> bool {
        let (seconds, nanos) = self.modified;
        let modified = u64::try_from(seconds).ok().zip(u32::try_from(nanos).ok());
        let modified = modified.map(|(seconds, nanos)| Duration::new(seconds, nanos));
        let now = at.duration_since(UNIX_EPOCH).ok();
        let age = now.zip(modified).and_then(|(now, modified)| now.checked_sub(modified));
        age.is_some_and(|age| age >= Self::QUIET)
    }

    fn put(&self, out: &mut Vec<u8>) {
        for number in [self.device, self.inode, self.len] {
            form::put(out, number);
        }
        for number in [self.modified.0, self.modified.1, self.changed.0, self.changed.1] {
            form::put_signed(out, number);
        }
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self {
            device: reader.number()?,
            inode: reader.number()?,
            len: reader.number()?,
            modified: (reader.signed()?, reader.signed()?),
            changed: (reader.signed()?, reader.signed()?),
        })
    }
}

/// The hash of the edges of the first `len` bytes of a file and of stretches between them.
fn probe(file: &File, len: u64) -> io::Result<blake3::Hash> {
    const EDGE: u64 = 64 << 10;
    const STRETCH: u64 = 4 << 10;
    const STRETCHES: u64 = 8;
    let mut hasher = blake3::Hasher::new();
    let edge = len.min(EDGE);
    hasher.update(&read_at(file, Span::new(0, edge))?);
    for nth in 1..=STRETCHES {
        let start = len / (STRETCHES + 1) * nth;
        let end = len.min(start + STRETCH);
        hasher.update(&read_at(file, Span::new(start, end))?);
    }
    hasher.update(&read_at(file, Span::new(len - edge, len))?);
    Ok(hasher.finalize())
}

/// What tells this program from another that may read records otherwise.
fn build() -> &'static [u8; 32] {
    static BUILD: OnceLock<[u8; 32]> = OnceLock::new();
    BUILD.get_or_init(|| {
        let mut hasher = blake3::Hasher::new();
        hasher.update(env!("CARGO_PKG_VERSION").as_bytes());
        let program = std::env::current_exe().and_then(std::fs::metadata);
        if let Ok(program) = program {
            for number in [program.size(), program.mtime().unsigned_abs()] {
                hasher.update(&number.to_le_bytes());
            }
        }
        *hasher.finalize().as_bytes()
    })
}

/// The folder of sidecars.
#[derive(Debug, Clone)]
pub(super) struct Shelf {
    folder: Arc<Path>,
    least_bytes: u64,
    most_bytes: u64,
}

impl Shelf {
    /// What files have that are being written.
    pub(super) const TEMPORARY: &'static str = ".new-";
    /// What sidecars have.
    const ENDING: &'static str = "index";
    /// Smaller files are scanned as fast as a sidecar is read.
    pub(super) const LEAST_BYTES: u64 = 1 << 20;
    /// The length of all sidecars together; when they are more the oldest go.
    const MOST_BYTES: u64 = 1 << 30;
    /// Files that were being written so long ago were left behind.
    const LEFT_BEHIND: Duration = Duration::from_secs(24 * 60 * 60);

    /// Sidecars in a folder, which need not be there.
    pub(super) fn new(folder: &Path) -> Self {
        Self {
            folder: Arc::from(folder),
            least_bytes: Self::LEAST_BYTES,
            most_bytes: Self::MOST_BYTES,
        }
    }

    /// The sidecar of a file with this canonical path.
    fn place_of(&self, path: &Path) -> PathBuf {
        let hash = blake3::hash(path.as_os_str().as_encoded_bytes()).to_hex();
        let name = hash.get(..32).unwrap_or_default();
        self.folder.join(format!("{name}.{}", Self::ENDING))
    }

    fn begin(&self) -> io::Result<Spill> {
        let mut file = Spill::begin(&self.folder)?;
        file.add(&MAGIC)?;
        Ok(file)
    }

    /// What is known of a file that was opened by this path; `None` where it is too small for a sidecar.
    pub(super) fn find(&self, named: &Path, file: &File) -> Option<Found> {
        let began = SystemTime::now();
        let print = Print::of(file).ok()?;
        if print.len < self.least_bytes {
            return None;
        }
        let path = std::fs::canonicalize(named).ok()?;
        let old = Sidecar::open(&self.place_of(&path));
        let old = old.filter(|old| old.path == path);
        let held = old.as_ref().and_then(|old| old.hold(&print, file));
        let old = old.filter(|_| held.is_some()).map(Arc::new);
        let sheet = Sheet::new(self.clone(), path, named, old.clone());
        Some(Found {
            sheet: Arc::new(sheet),
            print,
            began,
            sidecar: old.zip(held),
        })
    }

    /// The SHA-256 that is kept of a file, where it still is that file, and what it is.
    pub(super) fn sha256(&self, named: &Path) -> Option<FileHash> {
        // opening a pipe would wait for somebody to write into it
        std::fs::metadata(named)
            .ok()
            .filter(std::fs::Metadata::is_file)?;
        let file = File::open(named).ok()?;
        let found = self.find(named, &file)?;
        let (sidecar, held) = found.sidecar?;
        let sha256 = sidecar.sha256.filter(|_| held == Held::Same)?;
        Some(FileHash {
            sha256,
            print: found.print,
        })
    }

    /// Lets the oldest sidecars go until the rest is within the bound, and what programs that ended early left behind.
    fn tidy(&self) {
        let Ok(entries) = std::fs::read_dir(&self.folder) else {
            return;
        };
        let mut files = Vec::new();
        let now = SystemTime::now();
        for entry in entries.filter_map(Result::ok) {
            let (path, name) = (entry.path(), entry.file_name());
            let Some((len, time)) = entry
                .metadata()
                .ok()
                .and_then(|meta| Some((meta.len(), meta.modified().ok()?)))
            else {
                continue;
            };
            if name.to_string_lossy().starts_with(Self::TEMPORARY) {
                let age = now.duration_since(time).unwrap_or_default();
                if age > Self::LEFT_BEHIND {
                    drop(std::fs::remove_file(&path));
                }
            } else if path.extension().is_some_and(|ending| ending == Self::ENDING) {
                files.push((time, len, path));
            }
        }
        files.sort();
        let mut bytes: u64 = files.iter().map(|(_, len, _)| len).sum();
        for (_, len, path) in files {
            if bytes <= self.most_bytes {
                return;
            }
            drop(std::fs::remove_file(path));
            bytes -= len;
        }
    }
}

/// What is known of a file before it is scanned.
pub(super) struct Found {
    /// Its rows of the list.
    pub(super) sheet: Arc<Sheet>,
    /// What it was before anything was read.
    print: Print,
    /// When that was.
    began: SystemTime,
    /// What was found of it before, and how much of the file that is.
    pub(super) sidecar: Option<(Arc<Sidecar>, Held)>,
}

impl Found {
    /// Says that the scan has come to the end of the file. Its sheet is kept if the file is what it was before, and had
    /// been left alone for a while by then.
    pub(super) fn finish(&self, file: &File) {
        match Print::of(file) {
            Ok(print) if print == self.print && print.is_quiet(self.began) => self.sheet.seal(print),
            _ => self.sheet.give_up(),
        }
    }
}

/// How much of a file a sidecar is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Held {
    /// All of it.
    Same,
    /// What it was before lines were added.
    Prefix,
}

/// A sidecar that is read.
#[derive(Debug)]
pub(super) struct Sidecar {
    file: File,
    /// The canonical path of the data.
    path: PathBuf,
    /// The path by which it was named.
    named: PathBuf,
    print: Print,
    probe: [u8; 32],
    sha256: Option<[u8; 32]>,
    pub(super) format: Option<Format>,
    pub(super) layout: Layout,
    pub(super) shape: Shape,
    around: Option<(Span, u64)>,
    rows: usize,
    /// Where the places of the records are; `None` where they are found otherwise: packed files, tables.
    places: Option<Place>,
    blocks: Vec<Option<Place>>,
    /// Blocks that were read last.
    recent: Mutex<Vec<(usize, Arc<[u8]>)>>,
}

/// Where the records of a file lie.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Places {
    pub(super) spans: Vec<Span>,
    /// Keys of keyed records.
    names: Vec<Arc<str>>,
    /// By row.
    pub(super) faults: HashMap<usize, Fault>,
}

impl Sidecar {
    /// So many blocks are held: one for each thread that goes through rows, and some.
    const RECENT: usize = 12;

    /// Reads a sidecar's description; `None` when it is none, or anything about it is wrong.
    fn open(place: &Path) -> Option<Self> {
        let file = File::open(place).ok()?;
        let len = file.metadata().ok().filter(std::fs::Metadata::is_file)?.len();
        let foot_start = len.checked_sub(FOOT as u64)?;
        let foot = read_at(&file, Span::new(foot_start, len)).ok()?;
        let mut foot = Reader(&foot);
        let start = u64::from_le_bytes(foot.array()?);
        let meta = Place {
            start,
            len: u64::from_le_bytes(foot.array()?),
            sum: foot.array()?,
        };
        if foot.array()? != MAGIC || meta.start.checked_add(meta.len)? != foot_start {
            return None;
        }
        let meta = read_place(&file, meta)?;
        Self::parse(&meta, file)
    }

    fn parse(meta: &[u8], file: File) -> Option<Self> {
        let mut reader = Reader(meta);
        if reader.array::<32>()? != *build() {
            return None;
        }
        let path = reader.path()?;
        let named = reader.path()?;
        let print = Print::read(&mut reader)?;
        let probe = reader.array()?;
        let sha256 = match reader.byte()? {
            0 => None,
            _ => Some(reader.array()?),
        };
        let format = reader.format()?;
        let layout = *LAYOUTS.get(usize::from(reader.byte()?))?;
        let shape = *SHAPES.get(usize::from(reader.byte()?))?;
        let around = match reader.byte()? {
            0 => None,
            _ => Some((reader.span()?, reader.number()?)),
        };
        let rows = reader.size()?;
        let places = read_maybe_place(&mut reader)?;
        let mut blocks = Vec::new();
        for _ in 0..rows.div_ceil(BLOCK) {
            blocks.push(read_maybe_place(&mut reader)?);
        }
        reader.0.is_empty().then_some(Self {
            file,
            path,
            named,
            print,
            probe,
            sha256,
            format,
            layout,
            shape,
            around,
            rows,
            places,
            blocks,
            recent: Mutex::default(),
        })
    }

    /// Whether it is about the file that was opened, and how much of it.
    fn hold(&self, now: &Print, file: &File) -> Option<Held> {
        let held = if *now == self.print {
            Held::Same
        } else {
            // the first rows have told the family: those that came do not change it
            let is_lines = self.layout == Layout::Rows && self.shape == Shape::Lines;
            let is_file = (now.device, now.inode) == (self.print.device, self.print.inode);
            let has_grown = is_file && now.len > self.print.len;
            let is_known = self.places.is_some() && self.rows > Probe::VALUES;
            (is_lines && has_grown && is_known).then_some(Held::Prefix)?
        };
        let probe = probe(file, self.print.len).ok()?;
        (*probe.as_bytes() == self.probe).then_some(held)
    }

    /// Where the records lie; `None` where the file has to be scanned for that.
    pub(super) fn places(&self) -> Option<Places> {
        let bytes = read_place(&self.file, self.places?)?;
        let mut reader = Reader(&bytes);
        let mut places = Places::default();
        let mut end = 0_u64;
        for _ in 0..self.rows {
            let start = end.checked_add(reader.number()?)?;
            end = start.checked_add(reader.number()?)?;
            places.spans.push(Span::new(start, end));
        }
        for _ in 0..reader.size()? {
            places.names.push(Arc::from(reader.text()?));
        }
        for _ in 0..reader.size()? {
            places.faults.insert(reader.size()?, reader.fault()?);
        }
        let is_within = end <= self.print.len && reader.0.is_empty();
        is_within.then_some(places)
    }

    /// Makes of a source what it was when the sidecar was made.
    pub(super) fn shape_source(&self, source: &mut Source, places: &mut Places) {
        source.format = self.format;
        source.layout = self.layout;
        source.shape = self.shape;
        source.names = std::mem::take(&mut places.names);
        if let Some((inner, len)) = self.around {
            source.header = Header::Around { inner, len };
        }
    }

    /// How much of the file it is about.
    pub(super) fn len_bytes(&self) -> u64 {
        self.print.len
    }

    /// The row of the record of a slot.
    fn row(&self, slot: &Slot) -> Option<Summary> {
        let nth = usize::try_from(slot.row).ok()? / BLOCK;
        sheet::read_row(&self.block(nth)?, slot)
    }

    /// A block of rows.
    fn block(&self, nth: usize) -> Option<Arc<[u8]>> {
        let place = (*self.blocks.get(nth)?)?;
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, block)) = recent.iter().rev().find(|(known, _)| *known == nth) {
            return Some(Arc::clone(block));
        }
        let block: Arc<[u8]> = Arc::from(read_place(&self.file, place)?);
        if recent.len() >= Self::RECENT {
            recent.remove(0);
        }
        recent.push((nth, Arc::clone(&block)));
        Some(block)
    }
}

/// Bytes of a sidecar, if they are what was written.
fn read_place(file: &File, place: Place) -> Option<Vec<u8>> {
    let end = place.start.checked_add(place.len)?;
    // a length that is wrong must not ask for all memory
    if end > file.metadata().ok()?.len() {
        return None;
    }
    let bytes = read_at(file, Span::new(place.start, end)).ok()?;
    (form::checksum(&bytes) == place.sum).then_some(bytes)
}

fn read_maybe_place(reader: &mut Reader<'_>) -> Option<Option<Place>> {
    Some(match reader.byte()? {
        0 => None,
        _ => Some(Place {
            start: reader.number()?,
            len: reader.number()?,
            sum: reader.array()?,
        }),
    })
}

fn put_maybe_place(out: &mut Vec<u8>, place: Option<Place>) {
    match place {
        None => out.push(0),
        Some(place) => {
            out.push(1);
            form::put(out, place.start);
            form::put(out, place.len);
            out.extend(place.sum);
        }
    }
}

/// The records of a source, in the order of their rows, and what is wrong with some of them.
#[derive(Debug, Default)]
pub(super) struct Records {
    slots: Vec<Slot>,
    faults: Vec<(usize, Fault)>,
}

impl Records {
    /// Adds the next record.
    pub(super) fn push(&mut self, slot: Slot, fault: Option<&Fault>) {
        let row = self.slots.len();
        self.faults.extend(fault.map(|fault| (row, fault.clone())));
        self.slots.push(slot);
    }

    /// Whether these are all records of a file, each once and one behind the other.
    fn are_whole(&self) -> bool {
        let mut end = 0;
        let mut slots = self.slots.iter().enumerate();
        slots.all(|(row, slot)| {
            let is_next = usize::try_from(slot.row) == Ok(row) && slot.start >= end;
            end = slot.span().end;
            is_next
        })
    }

    /// Their places as they are kept.
    fn places(&self, names: &[Arc<str>]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut end = 0;
        for slot in &self.slots {
            form::put(&mut out, slot.start - end);
            form::put(&mut out, slot.len);
            end = slot.span().end;
        }
        form::put(&mut out, names.len() as u64);
        for name in names {
            form::put_bytes(&mut out, name.as_bytes());
        }
        form::put(&mut out, self.faults.len() as u64);
        for (row, fault) in &self.faults {
            form::put(&mut out, *row as u64);
            form::put_fault(&mut out, fault);
        }
        out
    }
}

impl Sheet {
    /// Whether something of it is in no sidecar yet.
    pub(super) fn is_due(&self) -> bool {
        let state = self.lock();
        state.print.is_some() && state.is_new
    }

    /// Writes what is known of a source and is in no sidecar yet. Does nothing when the file is not what it was.
    pub(super) fn write(&self, source: &Source, records: &Records) {
        let mut state = self.lock();
        let Some(print) = state.print.clone().filter(|_| state.is_new) else {
            return;
        };
        state.is_new = false;
        let place = self.shelf.place_of(&self.path);
        let written = self.write_to(&place, &mut state, &print, source, records);
        if matches!(written, Ok(true)) {
            state.old = Sidecar::open(&place).map(Arc::new);
            state.fresh = sheet::Fresh::default();
            drop(state);
            self.shelf.tidy();
        }
    }

    /// Says whether it was written.
    fn write_to(
        &self,
        place: &Path,
        state: &mut sheet::State,
        print: &Print,
        source: &Source,
        records: &Records,
    ) -> io::Result<bool> {
        let data = File::open(&self.path)?;
        if Print::of(&data)? != *print || !records.are_whole() {
            return Ok(false);
        }
        let probe = probe(&data, print.len)?;
        let mut file = match state.fresh.file.take() {
            Some(file) => file,
            None => self.shelf.begin()?,
        };
        let rows = records.slots.len();
        let mut blocks = Vec::new();
        for nth in 0..rows.div_ceil(BLOCK) {
            let full = state.fresh.full.get(&nth).copied();
            blocks.push(match full {
                Some(full) => Some(full),
                None => match state.block(nth) {
                    Some(block) => Some(file.add(&block)?),
                    None => None,
                },
            });
        }
        let is_plain = matches!(source.bytes, Bytes::File { .. });
        let places = is_plain.then(|| file.add(&records.places(&source.names)));
        let mut meta = Vec::new();
        meta.extend(build());
        form::put_path(&mut meta, &self.path);
        form::put_path(&mut meta, &self.naming(state));
        print.put(&mut meta);
        meta.extend(probe.as_bytes());
        match state.sha256 {
            None => meta.push(0),
            Some(sha256) => {
                meta.push(1);
                meta.extend(sha256);
            }
        }
        form::put_format(&mut meta, source.format);
        let layout = LAYOUTS.iter().position(|layout| *layout == source.layout);
        let shape = SHAPES.iter().position(|shape| *shape == source.shape);
        meta.extend([layout, shape].map(|place| place.map_or(u8::MAX, |place| place as u8)));
        match source.header {
            Header::Around { inner, len } => {
                meta.push(1);
                form::put_span(&mut meta, inner);
                form::put(&mut meta, len);
            }
            Header::None | Header::Member(_) => meta.push(0),
        }
        form::put(&mut meta, rows as u64);
        put_maybe_place(&mut meta, places.transpose()?);
        for block in blocks {
            put_maybe_place(&mut meta, block);
        }
        let meta = file.add(&meta)?;
        let mut foot = Vec::new();
        foot.extend(meta.start.to_le_bytes());
        foot.extend(meta.len.to_le_bytes());
        foot.extend(meta.sum);
        foot.extend(MAGIC);
        file.add(&foot)?;
        file.publish(place)?;
        Ok(true)
    }
}

#[cfg(test)]
mod tests;
