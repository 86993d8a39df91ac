//! One sidecar: its parts as they are read when they are needed, and how it is written.
//!
//! Blocks of rows and of contents stand first, as they are written while these are found out; then the places of the
//! records; then a description of all that, and where it begins. Each part has a checksum.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

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
use crate::store::sidecar::Held;
use crate::store::sidecar::Print;
use crate::store::sidecar::form;
use crate::store::sidecar::form::Place;
use crate::store::sidecar::form::Reader;
use crate::store::sidecar::print::build;
use crate::store::sidecar::print::probe;
use crate::store::sidecar::sheet;
use crate::store::sidecar::sheet::BLOCK;
use crate::store::sidecar::sheet::Kind;
use crate::store::sidecar::sheet::Sheet;
use crate::store::sidecar::unpacked::Unpacked;

/// The first bytes of a sidecar, and the last ones.
pub(super) const MAGIC: [u8; 8] = *b"hgview\0\x02";
/// Place, length and checksum of the description, and the magic bytes.
pub(super) const FOOT: usize = 8 + 8 + form::SUM + MAGIC.len();

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

/// The number of a block's sidecar, its kind, and its own number.
type BlockName = (u64, Kind, usize);

/// Blocks that were read last, of all sidecars.
#[derive(Debug)]
pub(super) struct Recent {
    /// Bytes of all blocks; one may be more.
    bound: u64,
    blocks: Mutex<Vec<(BlockName, Arc<[u8]>)>>,
    sidecars: AtomicU64,
}

impl Recent {
    /// So many blocks are held at most: one of each kind for each thread that goes through records, and some.
    const BLOCKS: usize = 48;

    /// Holds at most so many bytes.
    pub(super) fn within(bound: u64) -> Self {
        Self {
            bound,
            blocks: Mutex::default(),
            sidecars: AtomicU64::default(),
        }
    }

    /// How many bytes are held.
    pub(super) fn bytes(&self) -> u64 {
        let blocks = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        blocks.iter().map(|(_, block)| block.len() as u64).sum()
    }

    fn get(&self, name: BlockName) -> Option<Arc<[u8]>> {
        let blocks = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        let found = blocks.iter().rev().find(|(known, _)| *known == name);
        found.map(|(_, block)| Arc::clone(block))
    }

    fn put(&self, name: BlockName, block: &Arc<[u8]>) {
        let mut blocks = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        let mut bytes: u64 = blocks.iter().map(|(_, block)| block.len() as u64).sum();
        bytes += block.len() as u64;
        while blocks.len() >= Self::BLOCKS || (bytes > self.bound && !blocks.is_empty()) {
            let (_, oldest) = blocks.remove(0);
            bytes -= oldest.len() as u64;
        }
        blocks.push((name, Arc::clone(block)));
    }
}

/// A sidecar that is read. It is opened each time: there may be more of them than files can be open.
#[derive(Debug)]
pub(in crate::store) struct Sidecar {
    place: PathBuf,
    /// The canonical path of the data.
    pub(super) path: PathBuf,
    /// The path by which it was named.
    pub(super) named: PathBuf,
    pub(super) print: Print,
    probe: [u8; 32],
    pub(super) sha256: Option<[u8; 32]>,
    pub(in crate::store) format: Option<Format>,
    layout: Layout,
    shape: Shape,
    around: Option<(Span, u64)>,
    rows: usize,
    /// Where the places of the records are; `None` where they are found otherwise: packed files without a copy, tables.
    places: Option<Place>,
    /// The copy of a packed file in which they are.
    unpacked: Option<Unpacked>,
    /// By kind, in the order of [`Kind::ALL`], and number.
    blocks: [Vec<Option<Place>>; Kind::ALL.len()],
    /// Its number among those of the shelf.
    number: u64,
    recent: Arc<Recent>,
}

/// Where the records of a file lie.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::store) struct Places {
    pub(in crate::store) spans: Vec<Span>,
    /// Keys of keyed records.
    names: Vec<Arc<str>>,
    /// By row.
    pub(in crate::store) faults: HashMap<usize, Fault>,
}

impl Sidecar {
    /// Reads a sidecar's description; `None` when it is none, or anything about it is wrong.
    pub(super) fn open(place: &Path, recent: &Arc<Recent>) -> Option<Self> {
        let file = File::open(place).ok()?;
        let len = file
            .metadata()
            .ok()
            .filter(std::fs::Metadata::is_file)?
            .len();
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
        Self::parse(&read_place(&file, meta)?, place, recent)
    }

    fn parse(meta: &[u8], place: &Path, recent: &Arc<Recent>) -> Option<Self> {
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
        let layout = form::one_of(&LAYOUTS, reader.byte()?)??;
        let shape = form::one_of(&SHAPES, reader.byte()?)??;
        let around = match reader.byte()? {
            0 => None,
            _ => Some((reader.span()?, reader.number()?)),
        };
        let rows = reader.size()?;
        let places = reader.maybe_place()?;
        let unpacked = Unpacked::read(&mut reader)?;
        let mut blocks = <[Vec<Option<Place>>; Kind::ALL.len()]>::default();
        for kind in &mut blocks {
            for _ in 0..rows.div_ceil(BLOCK) {
                kind.push(reader.maybe_place()?);
            }
        }
        reader.0.is_empty().then(|| Self {
            place: place.to_path_buf(),
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
            unpacked,
            blocks,
            number: recent.sidecars.fetch_add(1, Ordering::Relaxed),
            recent: Arc::clone(recent),
        })
    }

    /// Whether it is about the file that was opened, and how much of it.
    pub(super) fn hold(&self, now: &Print, file: &File) -> Option<Held> {
        let held = if *now == self.print {
            Held::Same
        } else {
            // the first rows have told the family: those that came do not change it
            let is_lines = self.layout == Layout::Rows && self.shape == Shape::Lines;
            let is_file = now.is_file_of(&self.print);
            let has_grown = is_file && now.len_bytes() > self.print.len_bytes();
            let is_known = self.places.is_some() && self.rows > Probe::VALUES;
            let is_plain = self.unpacked.is_none();
            (is_lines && has_grown && is_known && is_plain).then_some(Held::Prefix)?
        };
        let probe = probe(file, self.print.len_bytes()).ok()?;
        (*probe.as_bytes() == self.probe).then_some(held)
    }

    /// Where the records lie; `None` where the file has to be scanned for that.
    pub(in crate::store) fn places(&self) -> Option<Places> {
        let bytes = self.read(self.places?)?;
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
        let unpacked = self.unpacked.as_ref().map(|copy| copy.len);
        let is_within = end <= unpacked.unwrap_or(self.print.len_bytes());
        (is_within && reader.0.is_empty()).then_some(places)
    }

    /// The bytes in which the records lie, of the file that was opened by this path; `None` when they are gone.
    pub(in crate::store) fn bytes(&self, named: &Path, file: &File) -> Option<Bytes> {
        let Some(unpacked) = &self.unpacked else {
            return Bytes::open_file(named, file, self.len_bytes()).ok();
        };
        let copy = unpacked.open(&self.place)?;
        Some(Bytes::Stretch {
            file: Arc::new(copy),
            base: 0,
        })
    }

    /// Makes of a source what it was when the sidecar was made.
    pub(in crate::store) fn shape_source(&self, source: &mut Source, places: &mut Places) {
        source.format = self.format;
        source.layout = self.layout;
        source.shape = self.shape;
        source.names = std::mem::take(&mut places.names);
        if let Some((inner, len)) = self.around {
            source.header = Header::Around { inner, len };
        }
    }

    /// How much of the file it is about.
    pub(in crate::store) fn len_bytes(&self) -> u64 {
        self.print.len_bytes()
    }

    /// The row of the record of a slot.
    pub(super) fn row(&self, slot: &Slot) -> Option<Summary> {
        let nth = sheet::place_of(slot).0;
        sheet::read_row(&self.block(Kind::Row, nth)?, slot)
    }

    /// What is kept of the record of a slot, other than its row.
    pub(super) fn known(&self, kind: Kind, slot: &Slot) -> Option<Vec<u8>> {
        let nth = sheet::place_of(slot).0;
        sheet::read_known(&self.block(kind, nth)?, slot)
    }

    /// A block.
    pub(super) fn block(&self, kind: Kind, nth: usize) -> Option<Arc<[u8]>> {
        let of_kind = Kind::ALL.iter().zip(&self.blocks);
        let (_, places) = of_kind.into_iter().find(|(known, _)| **known == kind)?;
        let place = (*places.get(nth)?)?;
        let name = (self.number, kind, nth);
        if let Some(block) = self.recent.get(name) {
            return Some(block);
        }
        let block: Arc<[u8]> = Arc::from(self.read(place)?);
        self.recent.put(name, &block);
        Some(block)
    }

    /// Bytes of it. What another program has put in its place by now fails the checksum.
    fn read(&self, place: Place) -> Option<Vec<u8>> {
        read_place(&File::open(&self.place).ok()?, place)
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

/// The records of a source, in the order of their rows, and what is wrong with some of them.
#[derive(Debug, Default)]
pub(in crate::store) struct Records {
    slots: Vec<Slot>,
    faults: Vec<(usize, Fault)>,
}

impl Records {
    /// Adds the next record.
    pub(in crate::store) fn push(&mut self, slot: Slot, fault: Option<&Fault>) {
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
    /// Whether something of a file of so many records is in no sidecar yet, and worth writing one.
    pub(in crate::store) fn is_due(&self, records: usize) -> bool {
        self.lock().is_due(records)
    }

    /// Writes what is known of a source and is in no sidecar yet. Does nothing when the file is not what it was. Says
    /// whether it was written.
    pub(in crate::store) fn write(&self, source: &Source, records: &Records) -> bool {
        let mut state = self.lock();
        let has_news = state.has_news(records.slots.len());
        let is_due = has_news || state.lacks_copy;
        let Some(print) = state.print.clone().filter(|_| is_due) else {
            return false;
        };
        let place = self.shelf.place_of(&self.path);
        let copy = source.unpacked();
        let unpacked = copy.and_then(|copy| self.shelf.keep_unpacked(&place, copy));
        state.lacks_copy = false;
        if !has_news && unpacked.is_none() {
            return false;
        }
        state.settle();
        let written = self.write_to(
            &place,
            &mut state,
            &print,
            unpacked.as_ref(),
            source,
            records,
        );
        let is_written = matches!(written, Ok(true));
        if is_written {
            state.old = Sidecar::open(&place, &self.shelf.recent).map(Arc::new);
            state.fresh = sheet::Fresh::default();
        } else {
            // what was gathered may be gone
            state.give_up();
        }
        is_written
    }

    /// Says whether it was written.
    fn write_to(
        &self,
        place: &Path,
        state: &mut sheet::State,
        print: &Print,
        unpacked: Option<&Unpacked>,
        source: &Source,
        records: &Records,
    ) -> io::Result<bool> {
        let data = File::open(&self.path)?;
        if Print::of(&data)? != *print || !records.are_whole() {
            return Ok(false);
        }
        let probe = probe(&data, print.len_bytes())?;
        let mut file = match state.fresh.file.take() {
            Some(file) => file,
            None => self.shelf.begin()?,
        };
        let rows = records.slots.len();
        let mut blocks = Vec::new();
        for kind in Kind::ALL {
            for nth in 0..rows.div_ceil(BLOCK) {
                let full = state.fresh.full.get(&(kind, nth)).copied();
                blocks.push(match full {
                    Some(full) => Some(full),
                    None => match state.block(kind, nth) {
                        Some(block) => Some(file.add(&block)?),
                        None => None,
                    },
                });
            }
        }
        let has_places = unpacked.is_some() || matches!(source.bytes, Bytes::File { .. });
        let places = has_places.then(|| file.add(&records.places(&source.names)));
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
        meta.push(form::number_of(&LAYOUTS, Some(&source.layout)));
        meta.push(form::number_of(&SHAPES, Some(&source.shape)));
        match source.header {
            Header::Around { inner, len } => {
                meta.push(1);
                form::put_span(&mut meta, inner);
                form::put(&mut meta, len);
            }
            Header::None | Header::Member(_) => meta.push(0),
        }
        form::put(&mut meta, rows as u64);
        form::put_place(&mut meta, places.transpose()?);
        Unpacked::put(&mut meta, unpacked);
        for block in blocks {
            form::put_place(&mut meta, block);
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
