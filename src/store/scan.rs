//! One pass over inputs: finds the records and publishes their places in batches, so that a list can show the first
//! ones while the rest is found. Parses nothing but the first values of each source.

use std::collections::HashSet;
use std::fs::File;
use std::fs::Metadata;
use std::io;
use std::io::Read;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::RwLock;
use std::time::Duration;
use std::time::Instant;

use crate::cancel::Cancel;
use crate::model::Fault;
use crate::model::Format;
use crate::model::Span;
use crate::read::Layout;
use crate::read::Shape;
use crate::read::json;
use crate::store::ScanProgress;
use crate::store::bytes::Bytes;
use crate::store::bytes::SharedFile;
use crate::store::bytes::Stamp;
use crate::store::index::Index;
use crate::store::index::PartPlace;
use crate::store::index::PartSpec;
use crate::store::index::Skipped;
use crate::store::index::Slot;
use crate::store::index::Source;
use crate::store::index::file_name;
use crate::store::index::look_at;
use crate::store::sidecar::Found;
use crate::store::sidecar::Held;
use crate::store::sidecar::Sheet;
use crate::store::sidecar::Shelf;
use crate::store::sieve::Sieve;
use crate::store::spool::Feed;
use crate::store::spool::Packing;
use crate::store::spool::Stream;
use crate::store::table::Table;
use crate::store::tail::Tail;
use crate::store::tell;
use crate::store::tell::Container;
use crate::store::zipped::Zipped;

mod archive;
mod text;

/// The reason of a file without bytes.
const EMPTY: &str = "empty file";

/// What to do with the sources that a scan comes across.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Want {
    /// All are records.
    All,
    /// Side files are put aside, in [`Scan::put_aside`].
    Trajectories,
    /// Only side files are records.
    Sides,
}

/// A file to be scanned.
#[derive(Debug, Clone)]
pub(super) struct Seed {
    pub(super) path: Arc<Path>,
    pub(super) member: Option<Arc<str>>,
    /// Named by the user: then it is in the list whatever it holds.
    pub(super) is_explicit: bool,
    /// Files that belong to it.
    pub(super) parts: Vec<PartSpec>,
}

impl Seed {
    /// A file without others that belong to it.
    pub(super) fn file(path: &Path, is_explicit: bool) -> Self {
        Self {
            path: Arc::from(path),
            member: None,
            is_explicit,
            parts: Vec::new(),
        }
    }

    fn member(&self, name: &str) -> Self {
        Self {
            path: Arc::clone(&self.path),
            member: Some(Arc::from(name)),
            is_explicit: false,
            parts: Vec::new(),
        }
    }

    fn name(&self) -> String {
        self.member.as_deref().map_or_else(
            || file_name(&self.path),
            |member| file_name(Path::new(member)),
        )
    }
}

/// Where the bytes lie that a feed hands out.
#[derive(Debug, Clone)]
enum Origin {
    /// The file at the seed's path.
    Disk,
    /// The feed's copy.
    Spool,
    /// A stretch of an open file.
    Stretch(Arc<File>, u64),
    /// A zip member, for records that are all of it; the feed's copy for others.
    Member(Arc<Zipped>, usize),
}

/// A running scan.
pub(super) struct Scan<'a> {
    index: &'a RwLock<Index>,
    cancel: &'a Cancel,
    progress: &'a mut dyn FnMut(ScanProgress),
    pub(super) want: Want,
    /// What a search looks for on the way.
    pub(super) sieve: Option<&'a Sieve<'a>>,
    /// Where streams are unpacked; `None` is the system's place for such files.
    pub(super) spool_dir: Option<PathBuf>,
    /// What earlier scans found; `None` where nobody is to know.
    pub(super) shelf: Option<Shelf>,
    /// The rows of the file that is being scanned.
    sheet: Option<Arc<Sheet>>,
    /// Side files that were not taken for records.
    pub(super) put_aside: Vec<Seed>,
    /// Files and folders that were scanned, by canonical path.
    pub(super) seen: HashSet<PathBuf>,
    pending: Vec<Slot>,
    pending_faults: Vec<(usize, Fault)>,
    /// What the sieve saw in some of them.
    pending_seen: Vec<(usize, bool)>,
    last_stamp: Option<(Arc<Path>, Option<Arc<Stamp>>)>,
    last_flush: Instant,
    published: usize,
    bytes_done: u64,
    pub(super) bytes_total: u64,
}

impl<'a> Scan<'a> {
    const FIRST_BATCH: usize = 8;
    /// More than any first screen shows: until then nobody waits for the clock.
    const FIRST_ROWS: usize = 128;
    const BATCH: usize = 64 << 10;
    const PERIOD: Duration = Duration::from_millis(10);

    /// Publishes into `index`.
    pub(super) fn new(
        index: &'a RwLock<Index>,
        cancel: &'a Cancel,
        progress: &'a mut dyn FnMut(ScanProgress),
        want: Want,
    ) -> Self {
        Self {
            index,
            cancel,
            progress,
            want,
            sieve: None,
            spool_dir: None,
            shelf: None,
            sheet: None,
            put_aside: Vec::new(),
            seen: HashSet::new(),
            pending: Vec::new(),
            pending_faults: Vec::new(),
            pending_seen: Vec::new(),
            last_stamp: None,
            last_flush: Instant::now(),
            published: 0,
            bytes_done: 0,
            bytes_total: 0,
        }
    }

    /// Whether the work should stop.
    pub(super) fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }

    /// Scans one file: whatever is wrong with it becomes a row or a skipped file.
    pub(super) fn scan_file(&mut self, seed: &Seed) {
        let opened = File::open(&seed.path).and_then(|file| Ok((file.metadata()?, file)));
        let (meta, file) = match opened {
            Ok(opened) => opened,
            Err(err) => {
                self.push_fault(seed, Fault::new(format!("cannot be read: {err}")));
                return;
            }
        };
        let before = self.bytes_done;
        if meta.is_file() {
            self.scan_regular(seed, file, meta.len());
            self.bytes_done = before + meta.len();
        } else {
            // a pipe, from process substitution say: read once
            self.scan_stream(seed, Box::new(file));
        }
        self.tick();
    }

    fn scan_regular(&mut self, seed: &Seed, file: File, len: u64) {
        let mut reader = SharedFile::new(Arc::new(file), Span::new(0, len));
        let file = reader.file();
        let head = match read_head(&mut reader) {
            Ok(head) => head,
            Err(err) => {
                self.push_fault(seed, Fault::new(format!("cannot be read: {err}")));
                return;
            }
        };
        let container = tell::container(&head);
        let is_archive = matches!(container, Container::Zip | Container::Tar);
        let is_packed = matches!(container, Container::Gzip | Container::Zstd);
        // records of which other files are parts change without their own
        let folder = self.shelf.as_ref();
        let folder = folder.filter(|_| !is_archive && seed.parts.is_empty());
        let found = folder.and_then(|folder| folder.find(&seed.path, &file));
        self.sheet = found.as_ref().map(|found| Arc::clone(&found.sheet));
        let is_taken = found
            .as_ref()
            .and_then(|found| self.take_found(seed, found, &file));
        if is_taken.is_none() {
            if let Some(sheet) = self.sheet.as_ref().filter(|_| is_packed) {
                sheet.lose_copy();
            }
            self.scan_contained(seed, container, Arc::clone(&file), found.as_ref());
        }
        self.sheet = None;
        if let Some(found) = found.filter(|_| !self.is_cancelled()) {
            found.finish(&file);
        }
    }

    /// `known` is what an earlier scan found of the same file.
    fn scan_contained(
        &mut self,
        seed: &Seed,
        container: Container,
        file: Arc<File>,
        known: Option<&Found>,
    ) {
        match container {
            Container::Zip => self.scan_zip(seed, file),
            Container::Tar => self.scan_tar(seed, &file),
            Container::Parquet => self.scan_table(seed, Table::open(file), known),
            container => {
                let stream = Stream::File(SharedFile::new(file, Span::new(0, u64::MAX)));
                self.scan_container(seed, container, stream, &Origin::Disk);
            }
        }
    }

    /// Takes the records that an earlier scan found, if they are wanted, and scans what was added since. `None` when
    /// there is nothing to take.
    fn take_found(&mut self, seed: &Seed, found: &Found, file: &File) -> Option<()> {
        let (sidecar, held) = found.sidecar.as_ref()?;
        let mut places = sidecar.places()?;
        let bytes = sidecar.bytes(&seed.path, file)?;
        if !self.accepts(seed, sidecar.format) {
            return Some(());
        }
        let mut source = source_of(seed, bytes);
        sidecar.shape_source(&mut source, &mut places);
        let source = self.register(source);
        for (row, span) in places.spans.into_iter().enumerate() {
            self.push(source, row, span);
            if let Some(fault) = places.faults.remove(&row) {
                self.fault_last(fault);
            }
            if self.pending.len() >= Self::BATCH {
                self.flush();
            }
        }
        if *held == Held::Prefix {
            self.flush();
            self.append(source, sidecar.len_bytes());
        }
        Some(())
    }

    /// Scans what came to the source that was made known last.
    fn append(&self, place: u32, seen: u64) {
        let (source, records) = {
            let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
            let source = usize::try_from(place)
                .ok()
                .and_then(|ix| index.sources.get(ix));
            let own = index.slots.iter().rev();
            let own = own.take_while(|slot| slot.source == place).count();
            let end = index.slots.len();
            (source.cloned(), (end - own..end).collect::<Vec<usize>>())
        };
        if let Some(source) = source {
            let tail = Tail {
                place,
                source: &source,
                seen,
                records: &records,
            };
            // a file that cannot be read now shows that when its records are
            if tail.append(self.index, self.cancel).is_err()
                && let Some(sheet) = &self.sheet
            {
                sheet.give_up();
            }
        }
    }

    /// Scans what can be read only once, keeping a copy.
    pub(super) fn scan_stream(&mut self, seed: &Seed, mut reader: Box<dyn Read + Send>) {
        let head = match read_head(&mut reader) {
            Ok(head) => head,
            Err(err) => {
                self.push_fault(seed, Fault::new(format!("cannot be read: {err}")));
                return;
            }
        };
        let container = tell::container(&head);
        let whole = Stream::Once(Box::new(io::Cursor::new(head).chain(reader)));
        self.scan_container(seed, container, whole, &Origin::Spool);
    }

    fn scan_container(
        &mut self,
        seed: &Seed,
        container: Container,
        stream: Stream,
        origin: &Origin,
    ) {
        let (packing, origin) = match container {
            Container::Gzip => (Packing::Gzip, &Origin::Spool),
            Container::Zstd => (Packing::Zstd, &Origin::Spool),
            Container::Empty => return self.reject(seed, Fault::at(EMPTY, 0)),
            Container::Binary(why, byte) => return self.reject(seed, Fault::at(why, byte)),
            Container::Text | Container::Zip | Container::Tar | Container::Parquet => {
                (Packing::Plain, origin)
            }
        };
        let is_once = matches!(origin, Origin::Spool | Origin::Member(..));
        let to_spool = is_once || container.has_directory();
        let mut feed = match Feed::new(stream, packing, to_spool, self.spool_dir.as_deref()) {
            Ok(feed) => feed,
            Err(err) => {
                let why = format!("cannot be unpacked: {err}");
                return self.push_fault(seed, Fault::new(why));
            }
        };
        if let Some(shelf) = &self.shelf {
            feed.may_clear(shelf);
        }
        let head = feed.next().to_vec();
        let inner = if packing == Packing::Plain {
            container
        } else {
            tell::container(&head)
        };
        match inner {
            Container::Text => self.scan_text(seed, head, &mut feed, origin),
            Container::Zip | Container::Tar | Container::Parquet => {
                self.scan_spooled(seed, &inner, &mut feed);
            }
            Container::Binary(why, byte) => self.reject(seed, Fault::at(why, byte)),
            Container::Gzip | Container::Zstd => {
                self.reject(seed, Fault::new("packed twice; unpack it once"));
            }
            Container::Empty => {
                let fault = feed.failure().map_or_else(
                    || Fault::at(EMPTY, 0),
                    |why| Fault::at(why, feed.consumed()),
                );
                self.reject(seed, fault);
            }
        }
    }

    /// Archives and tables inside a stream are unpacked first: their directory may stand at the end.
    fn scan_spooled(&mut self, seed: &Seed, container: &Container, feed: &mut Feed) {
        let cancel = self.cancel;
        feed.drain(|| cancel.is_cancelled());
        let Some(file) = feed.spool().map(Arc::clone) else {
            return;
        };
        match container {
            Container::Zip => self.scan_zip(seed, file),
            Container::Tar => self.scan_tar(seed, &file),
            _ => self.scan_table(seed, Table::open(file), None),
        }
        if let Some(why) = feed.failure() {
            self.push_end_fault(seed, Fault::at(why, feed.consumed()));
        }
    }

    fn scan_table(&mut self, seed: &Seed, table: Result<Table, String>, known: Option<&Found>) {
        let table = match table {
            Ok(table) => Arc::new(table),
            Err(why) => return self.push_fault(seed, Fault::new(format!("Parquet: {why}"))),
        };
        let rows = table.rows();
        if rows == 0 {
            return self.reject(seed, Fault::new("the table has no rows"));
        }
        let format = match known.and_then(Found::whole) {
            Some(known) => known.format,
            None => family_of(&table),
        };
        if !self.accepts(seed, format) {
            return;
        }
        let mut source = source_of(seed, Bytes::Table(table));
        source.format = format;
        source.layout = Layout::Rows;
        source.shape = Shape::Table;
        let source = self.register(source);
        for row in 0..rows {
            self.push(source, row, Span::new(0, 0));
            if self.pending.len() >= Self::BATCH {
                self.flush();
            }
        }
        self.flush();
    }

    /// Whether a source of this family becomes records of this scan; else it is put aside or skipped.
    fn accepts(&mut self, seed: &Seed, format: Option<Format>) -> bool {
        let is_side = format.is_some_and(Format::is_side);
        match self.want {
            Want::Sides => is_side,
            Want::All if is_side => true,
            Want::Trajectories if is_side => {
                // members of archives cannot be found again by path alone
                if seed.member.is_none() {
                    self.put_aside.push(seed.clone());
                    false
                } else {
                    true
                }
            }
            Want::All | Want::Trajectories => {
                if format.is_none() && !seed.is_explicit {
                    self.skip(seed, "no known trajectory format");
                    return false;
                }
                true
            }
        }
    }

    /// A file that cannot be a trajectory: a row with a fault when it was named, else a skipped file.
    fn reject(&mut self, seed: &Seed, fault: Fault) {
        if self.want == Want::Sides {
            return;
        }
        if seed.is_explicit {
            self.push_fault(seed, fault);
        } else {
            self.skip(seed, &fault.why);
        }
    }

    fn skip(&self, seed: &Seed, why: &str) {
        let path = match &seed.member {
            Some(member) => seed.path.join(member.as_ref()),
            None => seed.path.to_path_buf(),
        };
        if seed.member.is_none() {
            let look = look_at(&path);
            let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
            index.skipped_looks.insert(path.clone(), look);
        }
        self.skip_path(path, why);
    }

    /// Counts a file that is no trajectory.
    pub(super) fn skip_path(&self, path: PathBuf, why: &str) {
        let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
        index.skipped.push(Skipped {
            path,
            why: why.to_owned(),
        });
    }

    /// Makes a source known; its records may be pushed then.
    fn register(&mut self, mut source: Source) -> u32 {
        source.packed = match &source.bytes {
            Bytes::File { .. } => None,
            // what stands in a folder is looked at there
            Bytes::Nothing if source.member.is_none() => source.packed.take(),
            Bytes::Nothing
                if source
                    .parts
                    .iter()
                    .any(|part| matches!(part.place, PartPlace::File(_))) =>
            {
                None
            }
            _ => self.stamp_of(&source.path),
        };
        if let Some(sheet) = &self.sheet {
            sheet.enter();
            source.sheet = Some(Arc::clone(sheet));
        }
        let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
        index.sources.push(Arc::new(source));
        u32::try_from(index.sources.len() - 1).unwrap_or(u32::MAX)
    }

    /// The stamp of a whole file; taken once for all members of an archive.
    fn stamp_of(&mut self, path: &Arc<Path>) -> Option<Arc<Stamp>> {
        if let Some((last, stamp)) = &self.last_stamp
            && last == path
        {
            return stamp.clone();
        }
        // a pipe must not be opened again
        let meta = std::fs::metadata(path).ok().filter(Metadata::is_file);
        let stamp = meta
            .and_then(|meta| Stamp::take(&File::open(path).ok()?, meta.len()).ok())
            .map(Arc::new);
        self.last_stamp = Some((Arc::clone(path), stamp.clone()));
        stamp
    }

    fn push(&mut self, source: u32, row: usize, span: Span) {
        self.pending.push(Slot {
            source,
            row: u32::try_from(row).unwrap_or(u32::MAX),
            start: span.start,
            len: span.len_bytes(),
        });
    }

    /// Gives the record pushed last a fault.
    fn fault_last(&mut self, fault: Fault) {
        if let Some(last) = self.pending.len().checked_sub(1) {
            self.pending_faults.push((last, fault));
        }
    }

    /// Says what the sieve saw in the record pushed last, where it looked at all of it.
    fn note_last(&mut self, has_any: Option<bool>) {
        if let (Some(has_any), Some(last)) = (has_any, self.pending.len().checked_sub(1)) {
            self.pending_seen.push((last, has_any));
        }
    }

    /// Adds a row that says why there is nothing to read.
    pub(super) fn push_fault(&mut self, seed: &Seed, fault: Fault) {
        if self.want == Want::Sides {
            return;
        }
        let mut source = source_of(seed, Bytes::Nothing);
        source.is_retried = seed.member.is_none();
        self.push_faulty(source, fault);
    }

    /// Adds a row that says why a source whose records were found has no more of them.
    fn push_end_fault(&mut self, seed: &Seed, fault: Fault) {
        if self.want == Want::Sides {
            return;
        }
        let mut source = source_of(seed, Bytes::Nothing);
        // the end of a packed file is looked at again with its records
        let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
        let before = index.sources.last();
        let before = before.filter(|before| before.path == source.path);
        source.packed = before.and_then(|before| before.packed.clone());
        source.is_retried = before.is_some_and(|before| before.is_retried);
        drop(index);
        self.push_faulty(source, fault);
    }

    fn push_faulty(&mut self, source: Source, fault: Fault) {
        let source = self.register(source);
        self.push(source, 0, Span::new(0, 0));
        self.fault_last(fault);
    }

    /// Adds the record of an event folder, whose files are the parts of `seed`.
    pub(super) fn push_events(&mut self, seed: &Seed, told: tell::Told) {
        let mut source = source_of(seed, Bytes::Nothing);
        source.format = told.format;
        source.layout = told.layout;
        source.shape = told.shape;
        let source = self.register(source);
        self.push(source, 0, Span::new(0, 0));
        self.tick();
    }

    /// How many records were found so far.
    fn found(&self) -> usize {
        let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
        index.slots.len() + self.pending.len()
    }

    /// Publishes when it is time to.
    pub(super) fn tick(&mut self) {
        let is_first = self.published < Self::FIRST_ROWS && self.pending.len() >= Self::FIRST_BATCH;
        if is_first
            || self.pending.len() >= Self::BATCH
            || self.last_flush.elapsed() >= Self::PERIOD
        {
            self.flush();
        }
    }

    /// Publishes what was found.
    pub(super) fn flush(&mut self) {
        let records = {
            let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
            let base = index.slots.len();
            index.slots.extend(self.pending.drain(..));
            for (place, fault) in self.pending_faults.drain(..) {
                index.faults.insert(base + place, fault);
            }
            // known before somebody can ask for the records
            for (place, has_any) in self.pending_seen.drain(..) {
                if let Some(sieve) = self.sieve {
                    sieve.note(base + place, has_any);
                }
            }
            index.slots.len()
        };
        self.published = records;
        self.last_flush = Instant::now();
        (self.progress)(ScanProgress {
            records,
            bytes_done: self.bytes_done,
            bytes_total: self.bytes_total.max(self.bytes_done),
            is_complete: false,
        });
    }
}

/// What the first rows of a table are.
fn family_of(table: &Table) -> Option<Format> {
    const ROWS: usize = 3;
    let values: Vec<_> = (0..table.rows().min(ROWS))
        .filter_map(|row| table.row_json(row).ok())
        .filter_map(|json| json::parse_lenient(&json, 0, &mut Vec::new()).ok())
        .collect();
    tell::family(&values, Shape::Table)?.format
}

/// A source at the place of `seed`, with the files that belong to it.
fn source_of(seed: &Seed, bytes: Bytes) -> Source {
    let mut source = Source::new(Arc::clone(&seed.path), seed.member.clone(), bytes);
    source.parts.clone_from(&seed.parts);
    source.part_looks = source.look_at_parts();
    source.is_explicit = seed.is_explicit;
    source
}

/// Reads up to the first kilobyte; less when a pipe has handed out a line of JSON and may not go on for a while.
fn read_head(reader: &mut impl Read) -> io::Result<Vec<u8>> {
    const HEAD_BYTES: usize = 1024;
    let mut head = vec![0; HEAD_BYTES];
    let mut filled = 0;
    while filled < HEAD_BYTES {
        match reader.read(head.get_mut(filled..).unwrap_or_default()) {
            Ok(0) => break,
            Ok(got) => filled += got,
            Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
            Err(err) => return Err(err),
        }
        let text = head.get(..filled).unwrap_or_default();
        let is_json = matches!(tell::first_ink(text), Some(b'{' | b'['));
        if is_json && text.contains(&b'\n') {
            break;
        }
    }
    head.truncate(filled);
    Ok(head)
}
