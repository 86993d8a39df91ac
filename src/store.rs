//! The records of the opened inputs: found by a scan, loaded on demand, parsed through a cache, joined with side files.
//!
//! Files, folders, patterns and standard input go in; what they are is told by content. A scan remembers some four bytes a
//! record and parses nothing; records are read at their position into owned buffers. Everything blocks, takes a
//! [`Cancel`], and is safe to call from several threads. What is wrong with one record is its [`Fault`], never an
//! error of the store. The readers know nothing of files; the store knows nothing of formats but which are side files.

mod ahead;
mod bytes;
mod cache;
mod content;
mod copy;
mod folder;
mod index;
mod input;
mod lines;
mod listed;
mod names;
mod pass;
mod peek;
mod refresh;
mod scan;
mod side;
mod sidecar;
mod sieve;
mod slots;
mod spool;
mod stretch;
mod table;
mod tail;
mod tell;
mod zipped;

use std::collections::HashMap;
use std::collections::HashSet;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::OnceLock;
use std::sync::PoisonError;
use std::sync::RwLock;
use std::sync::RwLockReadGuard;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

pub use crate::store::content::Head;
pub use crate::store::content::Note;
pub use crate::store::copy::Line;
pub use crate::store::copy::copy_lines;
pub use crate::store::index::Skipped;
pub use crate::store::pass::threads;
pub use crate::store::refresh::Refresh;
pub use crate::store::sidecar::FileHash;
pub use crate::store::sidecar::Print;
pub use crate::store::sidecar::build;
pub use crate::store::sidecar::pack_rows;
pub use crate::store::sidecar::unpack_rows;
pub use crate::store::sieve::Find;
pub use crate::store::sieve::Sieve;
pub use crate::store::stretch::Stretch;
pub use crate::store::table::expects_panic;

use crate::cancel::Cancel;
use crate::error::Result;
use crate::model;
use crate::model::Fault;
use crate::model::Format;
use crate::model::RecordIx;
use crate::model::Span;
use crate::model::Summary;
use crate::model::Trajectory;
use crate::read;
use crate::read::Layout;
use crate::read::RawPart;
use crate::read::RawRecord;
use crate::read::side::SideData;
use crate::read::side::SideFile;
use crate::store::bytes::Bytes;
use crate::store::cache::Cache;
use crate::store::folder::Siblings;
use crate::store::index::Index;
use crate::store::index::Look;
use crate::store::index::Slot;
use crate::store::index::Source;
use crate::store::index::look_at;
use crate::store::input::Input;
use crate::store::listed::Listed;
use crate::store::scan::Scan;
use crate::store::scan::Seed;
use crate::store::scan::Want;
use crate::store::side::Given;
use crate::store::side::Nearby;
use crate::store::side::Neighbours;
use crate::store::side::Runs;
use crate::store::sidecar::Records;
use crate::store::sidecar::Shelf;

/// What to open, and how.
#[derive(Debug, Clone)]
pub struct OpenOptions {
    /// Files, folders, patterns, `-` for standard input.
    pub paths: Vec<PathBuf>,
    /// Whether named files may be missing or empty: their first records are found by [`Store::refresh`].
    pub waits: bool,
    /// Side files whose labels override those of the records.
    pub with: Vec<PathBuf>,
    /// Whether the tasks of files that are named beside others are records too, behind those of the others; else they are
    /// only joined.
    pub lists_tasks: bool,
    /// Bound of the parsed records that are kept.
    pub cache_bytes: u64,
    /// Bound of all that is kept only to be quick: parsed records have at most three quarters of it, blocks of the index
    /// the rest.
    pub max_memory: u64,
    /// Where streams are unpacked; `None` is the system's place for temporary files.
    pub spool_dir: Option<PathBuf>,
    /// The folder in which is kept what is known of large files; `None` where nothing is kept, nor read.
    pub index_dir: Option<PathBuf>,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            paths: Vec::new(),
            waits: false,
            with: Vec::new(),
            lists_tasks: false,
            cache_bytes: 256 << 20,
            max_memory: 128 << 20,
            spool_dir: None,
            index_dir: None,
        }
    }
}

/// How far a scan is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScanProgress {
    /// Records that can be asked for.
    pub records: usize,
    /// Bytes of the inputs that were scanned, as stored.
    pub bytes_done: u64,
    /// Bytes of the inputs as far as they are known; never below `bytes_done`.
    pub bytes_total: u64,
    /// Nothing more will come.
    pub is_complete: bool,
}

/// What is known of a record without reading it.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The file or folder.
    pub path: Arc<Path>,
    /// The member inside an archive.
    pub member: Option<Arc<str>>,
    /// The record's place in its source, from 0.
    pub row: usize,
    /// Its bytes in the decompressed source; `None` for tables, archive members and event folders.
    pub span: Option<Span>,
    /// The family of the whole source; single rows may still be of another one.
    pub format: Option<Format>,
    /// How the source divides.
    pub layout: Layout,
    /// What the scan found wrong with it.
    pub fault: Option<Fault>,
}

/// Which side files are joined, for the status line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SideSummary {
    /// The files.
    pub files: Vec<SideFile>,
    /// Instances that they know.
    pub ids: usize,
    /// Records that were parsed so far and found in them.
    pub joined: usize,
    /// What was named with `--with` and knows none of the records that were parsed so far.
    pub unmatched: Vec<PathBuf>,
    /// Changes when files were found after records had been parsed: summaries made before lack them.
    pub generation: u64,
}

/// The side files of one folder, once somebody has read them.
type Beside = Arc<OnceLock<Arc<Nearby>>>;

/// The opened inputs.
#[derive(Debug)]
pub struct Store {
    inputs: Vec<Input>,
    /// See [`OpenOptions::waits`].
    waits: bool,
    /// See [`OpenOptions::lists_tasks`].
    lists_tasks: bool,
    listed: RwLock<Listed>,
    spool_dir: Option<PathBuf>,
    shelf: Option<Shelf>,
    index: RwLock<Index>,
    /// Held by whoever scans or refreshes; what was visited, by canonical path.
    visited: Mutex<HashSet<PathBuf>>,
    is_complete: AtomicBool,
    cache: Mutex<Cache>,
    /// Records that are being parsed, each with what those wait for who want it too.
    loading: Mutex<HashMap<usize, Arc<Mutex<()>>>>,
    given: SideData,
    given_paths: Vec<Given>,
    /// Places of the given files that knew a record.
    matched: Mutex<HashSet<usize>>,
    met: RwLock<Arc<SideData>>,
    /// The files of `met`, and how they looked.
    met_looks: Mutex<Vec<(Seed, Look)>>,
    /// By folder.
    beside: Mutex<HashMap<PathBuf, Beside>>,
    neighbours: Neighbours,
    generation: AtomicU64,
    joined: Mutex<HashSet<u32>>,
}

/// What a fault takes besides its words.
const FAULT_BYTES: usize = 64;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // every critical section leaves its data whole, so a panic elsewhere changes nothing
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The bytes of the record itself, parts with a line break between them.
fn own_bytes(raw: RawRecord) -> Vec<u8> {
    let mut own = raw.parts.into_iter().filter(RawPart::is_own);
    let mut bytes = own.next().map(|part| part.bytes).unwrap_or_default();
    for part in own {
        bytes.push(b'\n');
        bytes.extend(part.bytes);
    }
    bytes
}

impl Store {
    /// Expands and checks the paths, and reads the side files given by hand. Nothing is scanned.
    ///
    /// # Errors
    /// *input* when a file is missing or unreadable, with a hint; *user* when nothing is named.
    pub fn open(options: &OpenOptions) -> Result<Self> {
        let inputs = input::expand(&options.paths, options.waits)?;
        let (given, given_paths) = side::read_given(
            &options.with,
            side::How {
                spool_dir: options.spool_dir.as_deref(),
                cancel: &Cancel::new(),
            },
        )?;
        let neighbours = Neighbours::of(inputs.iter().filter_map(|input| match input {
            Input::File(path) => Some(path.as_path()),
            Input::Folder(_) | Input::Stdin => None,
        }));
        Ok(Self {
            inputs,
            waits: options.waits,
            lists_tasks: options.lists_tasks,
            listed: RwLock::default(),
            spool_dir: options.spool_dir.clone(),
            shelf: options
                .index_dir
                .as_deref()
                .map(|folder| Shelf::within(folder, options.max_memory / 4)),
            neighbours,
            index: RwLock::default(),
            visited: Mutex::default(),
            is_complete: AtomicBool::new(false),
            cache: Mutex::new(Cache::new(
                options.cache_bytes.min(options.max_memory / 4 * 3),
            )),
            loading: Mutex::default(),
            given,
            given_paths,
            matched: Mutex::default(),
            met: RwLock::default(),
            met_looks: Mutex::default(),
            beside: Mutex::default(),
            generation: AtomicU64::new(0),
            joined: Mutex::default(),
        })
    }

    /// Finds all records. Blocks; the records found so far can be asked for from other threads. Starts anew when an
    /// earlier scan was cancelled; does nothing when one is complete.
    ///
    /// # Errors
    /// None so far: what is wrong with a file is a row of the list.
    pub fn scan(&self, cancel: &Cancel, progress: &mut dyn FnMut(ScanProgress)) -> Result<()> {
        self.scan_with(cancel, progress, Box::new(std::io::stdin()), None);
        Ok(())
    }

    /// [`Store::scan`] that looks, where it goes by the bytes of records anyway, for what a search wants to find in them.
    ///
    /// # Errors
    /// As [`Store::scan`].
    pub fn scan_through(
        &self,
        sieve: &Sieve<'_>,
        cancel: &Cancel,
        progress: &mut dyn FnMut(ScanProgress),
    ) -> Result<()> {
        self.scan_with(cancel, progress, Box::new(std::io::stdin()), Some(sieve));
        Ok(())
    }

    /// [`Store::scan`] with a reader in place of standard input, and with what is looked for on the way.
    fn scan_with(
        &self,
        cancel: &Cancel,
        progress: &mut dyn FnMut(ScanProgress),
        stdin: Box<dyn std::io::Read + Send>,
        sieve: Option<&Sieve<'_>>,
    ) {
        let mut visited = lock(&self.visited);
        if self.is_complete() {
            return;
        }
        *self.index.write().unwrap_or_else(PoisonError::into_inner) = Index::default();
        lock(&self.cache).clear();
        let is_alone = matches!(self.inputs.as_slice(), [Input::File(_) | Input::Stdin]);
        let want = if is_alone {
            Want::All
        } else {
            Want::Trajectories
        };
        let mut scan = Scan::new(&self.index, cancel, progress, want);
        scan.sieve = sieve;
        scan.spool_dir.clone_from(&self.spool_dir);
        scan.shelf.clone_from(&self.shelf);
        scan.bytes_total = self
            .inputs
            .iter()
            .filter_map(|input| match input {
                Input::File(path) => std::fs::metadata(path).ok().map(|meta| meta.len()),
                Input::Folder(_) | Input::Stdin => None,
            })
            .sum();
        let mut stdin = Some(stdin);
        let mut siblings = Siblings::default();
        for input in &self.inputs {
            match input {
                Input::File(path) => self.scan_named(path, &mut siblings, &mut scan),
                Input::Folder(path) => scan.scan_folder(path),
                Input::Stdin => {
                    if let Some(reader) = stdin.take() {
                        // cannot be read a second time, so that it is never put aside
                        let before = std::mem::replace(&mut scan.want, Want::All);
                        scan.scan_stream(&Seed::file(Path::new("-"), true), reader);
                        scan.want = before;
                    }
                }
            }
            scan.flush();
        }
        self.place_sides(&mut scan, cancel);
        self.find_listed();
        *visited = std::mem::take(&mut scan.seen);
        let bytes_total = scan.bytes_total;
        if !cancel.is_cancelled() {
            self.keep();
            let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
            index.slots.shrink_to_fit();
            drop(index);
            self.is_complete.store(true, Ordering::Release);
            let done = ScanProgress {
                records: self.len(),
                bytes_done: bytes_total,
                bytes_total,
                is_complete: true,
            };
            progress(done);
        }
    }

    /// Scans a file that was named, once; leaves one that is waited for.
    fn scan_named(&self, path: &Path, siblings: &mut Siblings, scan: &mut Scan<'_>) {
        let has_nothing = |meta: &std::fs::Metadata| meta.is_file() && meta.len() == 0;
        if self.waits && !std::fs::metadata(path).is_ok_and(|meta| !has_nothing(&meta)) {
            return;
        }
        let identity = std::fs::canonicalize(path).unwrap_or_else(|_gone| path.to_path_buf());
        if scan.seen.insert(identity) {
            let mut seed = Seed::file(path, true);
            seed.parts = siblings.parts_of(path);
            scan.scan_file(&seed);
        }
    }

    /// Side files that were met are the records when there are no others, and are joined when there are.
    fn place_sides(&self, scan: &mut Scan<'_>, cancel: &Cancel) {
        let aside = std::mem::take(&mut scan.put_aside);
        if aside.is_empty() || cancel.is_cancelled() {
            return;
        }
        let has_records = {
            let index = self.index();
            index.slots.len() > index.faults.len()
        };
        if !has_records {
            scan.want = Want::All;
            for seed in &aside {
                scan.scan_file(seed);
            }
            scan.flush();
            return;
        }
        let runs = Runs::of(&self.index());
        let mut met = SideData::clone(&self.met.read().unwrap_or_else(PoisonError::into_inner));
        for seed in &aside {
            if cancel.is_cancelled() {
                return;
            }
            let look = look_at(&seed.path);
            lock(&self.met_looks).push((seed.clone(), look));
            if !seed.is_explicit && side::is_own_export(&seed.path) {
                scan.skip_path(seed.path.to_path_buf(), side::OWN_EXPORT);
                continue;
            }
            let format = side::read_into(&mut met, &seed.path, false, self.sides(cancel));
            if self.lists_tasks && seed.is_explicit && format == Some(Format::Task) {
                self.list_tasks(seed, scan);
            }
            if let Some(format) = format.filter(|_| !seed.is_explicit) {
                let ids = met.files().last().map_or(0, |file| file.ids);
                let scope = runs.scope_of(&seed.path, format, ids);
                let why = if runs.reach(&scope) {
                    "joined by instance id"
                } else {
                    "no trajectories near; --with joins it"
                };
                met.set_scope(scope);
                scan.skip_path(seed.path.to_path_buf(), why);
            }
        }
        *self.met.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(met);
        self.generation.fetch_add(1, Ordering::Relaxed);
        lock(&self.cache).clear();
    }

    /// Looks for changes of the files: appended lines, completed lines, sessions that grew, files that were truncated
    /// or replaced, new files in opened folders.
    ///
    /// # Errors
    /// None so far: what happened to a file is in the report.
    pub fn refresh(
        &self,
        cancel: &Cancel,
        progress: &mut dyn FnMut(ScanProgress),
    ) -> Result<Refresh> {
        let mut visited = lock(&self.visited);
        let known = self.len();
        let mut report = refresh::refresh(&self.index, self.spool_dir.as_deref(), cancel);
        let before = self.len();
        let mut scan = Scan::new(&self.index, cancel, progress, Want::Trajectories);
        scan.spool_dir.clone_from(&self.spool_dir);
        scan.shelf.clone_from(&self.shelf);
        scan.seen = std::mem::take(&mut visited);
        self.forget_changed(&mut scan.seen);
        let mut siblings = Siblings::default();
        for input in &self.inputs {
            match input {
                Input::Folder(path) => scan.scan_folder(path),
                Input::File(path) if self.waits => {
                    self.scan_named(path, &mut siblings, &mut scan);
                }
                Input::File(_) | Input::Stdin => {}
            }
        }
        scan.flush();
        scan.put_aside.extend(self.tasks_to_join());
        scan.put_aside.extend(self.changed_sides());
        self.place_sides(&mut scan, cancel);
        if self.len() != known || !report.changed.is_empty() {
            self.find_listed();
        }
        self.forget_beside(cancel);
        *visited = std::mem::take(&mut scan.seen);
        report.appended += self.len() - before;
        if !report.changed.is_empty() {
            lock(&self.cache).forget(report.changed.iter().map(|ix| ix.0));
        }
        Ok(report)
    }

    /// Lets skipped files of folders be scanned again that are not what they were: empty or half-written ones.
    fn forget_changed(&self, seen: &mut HashSet<PathBuf>) {
        let looks = self.index().skipped_looks.clone();
        let changed: HashSet<PathBuf> = looks
            .into_iter()
            .filter(|(path, look)| look_at(path) != *look)
            .map(|(path, _)| path)
            .collect();
        for path in &changed {
            if let Ok(identity) = std::fs::canonicalize(path) {
                seen.remove(&identity);
            }
        }
        self.forget_skipped(&changed);
    }

    fn forget_skipped(&self, paths: &HashSet<PathBuf>) {
        if paths.is_empty() {
            return;
        }
        let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
        index
            .skipped
            .retain(|skipped| !paths.contains(&skipped.path));
        index.skipped_looks.retain(|path, _| !paths.contains(path));
    }

    /// The side files that were met, to be read once more when one of them is not what it was.
    fn changed_sides(&self) -> Vec<Seed> {
        let mut looks = lock(&self.met_looks);
        if looks
            .iter()
            .all(|(seed, look)| look_at(&seed.path) == *look)
        {
            return Vec::new();
        }
        *self.met.write().unwrap_or_else(PoisonError::into_inner) = Arc::default();
        let seeds: Vec<Seed> = looks.drain(..).map(|(seed, _)| seed).collect();
        drop(looks);
        self.forget_skipped(&seeds.iter().map(|seed| seed.path.to_path_buf()).collect());
        seeds
    }

    /// Forgets the side files of folders that hold others now, or other ones.
    fn forget_beside(&self, cancel: &Cancel) {
        let read: Vec<(PathBuf, Arc<Nearby>)> = lock(&self.beside)
            .iter()
            .filter_map(|(folder, place)| Some((folder.clone(), Arc::clone(place.get()?))))
            .collect();
        for (folder, nearby) in read {
            if nearby.is_outdated(&folder, self.sides(cancel)) {
                lock(&self.beside).remove(&folder);
                self.generation.fetch_add(1, Ordering::Relaxed);
                lock(&self.cache).clear();
            }
        }
    }

    /// About how many bytes are held for the records that were found, and for what is kept only to be quick.
    pub fn resident_bytes(&self) -> u64 {
        let (records, names) = {
            let index = self.index();
            let names = index.sources.iter().flat_map(|source| &source.names);
            let names: usize = names.map(|name| name.len() + size_of::<Arc<str>>()).sum();
            let faults = index.faults.values();
            let faults: usize = faults.map(|fault| fault.why.len() + FAULT_BYTES).sum();
            (index.slots.bytes() + faults, names)
        };
        let joined = lock(&self.joined).capacity() * size_of::<u32>();
        let blocks = self.shelf.as_ref().map_or(0, Shelf::resident_bytes);
        (records + names + joined) as u64 + lock(&self.cache).bytes() + blocks
    }

    fn index(&self) -> RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many records were found so far.
    pub fn len(&self) -> usize {
        self.index().slots.len()
    }

    /// Whether no record was found so far.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the scan has seen everything.
    pub fn is_complete(&self) -> bool {
        self.is_complete.load(Ordering::Acquire)
    }

    /// Files of folders that are not in the list, and why.
    pub fn skipped(&self) -> Vec<Skipped> {
        self.index().skipped.clone()
    }

    fn find(&self, ix: RecordIx) -> Option<(Slot, Arc<Source>, Option<Fault>)> {
        let index = self.index();
        let slot = index.slots.get(ix.0)?;
        let source = index.sources.get(usize::try_from(slot.source).ok()?)?;
        Some((slot, Arc::clone(source), index.faults.get(&ix.0).cloned()))
    }

    /// The files and folders that hold the records found so far, each once, in the order of their first records.
    pub fn files(&self) -> Vec<Arc<Path>> {
        let mut known = HashSet::new();
        let paths = (0..self.len()).filter_map(|ix| Some(self.entry(RecordIx(ix))?.path));
        paths
            .filter(|path| known.insert(Arc::clone(path)))
            .collect()
    }

    /// The record's place; touches no file. `None` when there is no such record.
    pub fn entry(&self, ix: RecordIx) -> Option<Entry> {
        let (slot, source, fault) = self.find(ix)?;
        let place = source.model_source(&slot);
        Some(Entry {
            path: Arc::clone(&source.path),
            member: source.member_of(slot.row),
            row: place.row,
            span: place.byte_range,
            format: source.format,
            layout: source.layout,
            fault,
        })
    }

    /// Guesses the record's id from its first kilobytes, for rows that are not summarised yet.
    pub fn peek_id(&self, ix: RecordIx) -> Option<String> {
        const PEEK_BYTES: u64 = 4096;
        let (slot, source, _) = self.find(ix)?;
        match &source.bytes {
            Bytes::File { .. } | Bytes::Stretch { .. } => {
                if source.layout == Layout::Keyed {
                    return source.name_of(slot.row).map(|name| name.to_string());
                }
                let span = Span::new(slot.start, slot.start + slot.len.min(PEEK_BYTES));
                peek::id(&source.bytes.read(span, 0).ok()?)
            }
            Bytes::Member { .. } | Bytes::Members { .. } | Bytes::Nothing => {
                Some(source.model_source(&slot).fallback_id())
            }
            Bytes::Table(_) => None,
        }
    }

    /// Reads the record's bytes, and those of the files that belong to it.
    ///
    /// # Errors
    /// The fault when its file is gone, shrank or was replaced, or when the scan found it faulty.
    pub fn load_raw(&self, ix: RecordIx) -> Result<RawRecord, Fault> {
        let (slot, source) = self.find_sound(ix)?;
        source.load_raw(&slot)
    }

    /// The place of a record in which the scan found nothing wrong.
    fn find_sound(&self, ix: RecordIx) -> Result<(Slot, Arc<Source>), Fault> {
        let (slot, source, fault) = self
            .find(ix)
            .ok_or_else(|| Fault::new("there is no such record"))?;
        match fault {
            Some(fault) => Err(fault),
            None => Ok((slot, source)),
        }
    }

    /// The record's own bytes, exactly as stored; for table rows the row as JSON, for event folders one event a line.
    ///
    /// # Errors
    /// As [`Store::load_raw`].
    pub fn load_bytes(&self, ix: RecordIx) -> Result<Vec<u8>, Fault> {
        Ok(own_bytes(self.load_raw(ix)?))
    }

    /// Parses the record and joins what side files say, or takes it from the cache.
    ///
    /// # Errors
    /// The fault of a record that cannot be read or parsed.
    pub fn load(&self, ix: RecordIx) -> Result<Arc<Trajectory>, Fault> {
        self.load_by(ix, |ix| self.parse(ix))
    }

    /// [`Store::load`] with what parses; while that runs the files and the cache may change.
    fn load_by(
        &self,
        ix: RecordIx,
        parse: impl FnOnce(RecordIx) -> Result<Trajectory, Fault>,
    ) -> Result<Arc<Trajectory>, Fault> {
        if let Some(cached) = lock(&self.cache).get(ix.0) {
            return Ok(cached);
        }
        // a page and its preview ask at once: a large record is not parsed, nor held, twice
        let turn = Arc::clone(lock(&self.loading).entry(ix.0).or_default());
        let _mine = lock(&turn);
        let loaded = self.load_in_turn(ix, parse);
        lock(&self.loading).remove(&ix.0);
        loaded
    }

    fn load_in_turn(
        &self,
        ix: RecordIx,
        parse: impl FnOnce(RecordIx) -> Result<Trajectory, Fault>,
    ) -> Result<Arc<Trajectory>, Fault> {
        let epoch = {
            let mut cache = lock(&self.cache);
            if let Some(cached) = cache.get(ix.0) {
                return Ok(cached);
            }
            cache.epoch()
        };
        let trajectory = Arc::new(parse(ix)?);
        let mut cache = lock(&self.cache);
        // parsed from what was there before a refresh: of use to the caller, but to nobody later
        if cache.epoch() == epoch {
            cache.put(ix.0, Arc::clone(&trajectory));
        }
        drop(cache);
        Ok(trajectory)
    }

    /// Parses the record and joins what side files say; the cache is asked but not filled.
    ///
    /// # Errors
    /// As [`Store::load`].
    pub fn load_once(&self, ix: RecordIx) -> Result<Arc<Trajectory>, Fault> {
        if let Some(cached) = lock(&self.cache).get(ix.0) {
            return Ok(cached);
        }
        self.parse(ix).map(Arc::new)
    }

    /// Parses the record for its row of the list; the cache is asked but not filled.
    pub fn summarize(&self, ix: RecordIx) -> Summary {
        if let Some(cached) = lock(&self.cache).get(ix.0) {
            return Summary::of(&cached);
        }
        let Some((slot, source, fault)) = self.find(ix) else {
            let fault = Fault::new("there is no such record");
            return Summary::of_fault("record".to_owned(), None, fault);
        };
        let of_fault = |fault| {
            let id = source.model_source(&slot).fallback_id();
            Summary::of_fault(id, source.format, fault)
        };
        let sheet = source.sheet.as_ref().filter(|_| fault.is_none());
        if let Some(row) = sheet.and_then(|sheet| sheet.get(&slot)) {
            return self.join_row(ix, row, source.model_source(&slot));
        }
        let raw = match fault.map_or_else(|| source.load_raw(&slot), Err) {
            Ok(raw) => raw,
            // of the file as it is now, which says nothing of the next time
            Err(fault) => return of_fault(fault),
        };
        match read::parse_for_row(raw) {
            Ok(mut trajectory) => {
                if let Some(sheet) = sheet {
                    sheet.put(&slot, &Summary::of(&trajectory));
                }
                self.join_sides(ix, &mut trajectory);
                Summary::of(&trajectory)
            }
            Err(fault) => {
                let row = of_fault(fault);
                if let Some(sheet) = sheet {
                    sheet.put(&slot, &row);
                }
                row
            }
        }
    }

    /// The row of the list as far as [`read::Sketch`] goes, in as little time as that takes: a row that is known already is
    /// whole, one that is not is not kept.
    pub fn sketch(&self, ix: RecordIx) -> Summary {
        let is_cached = lock(&self.cache).get(ix.0).is_some();
        let Some((slot, source)) = self.find_sound(ix).ok().filter(|_| !is_cached) else {
            return self.summarize(ix);
        };
        let sheet = source.sheet.as_ref();
        if sheet.is_some_and(|sheet| sheet.get(&slot).is_some()) {
            return self.summarize(ix);
        }
        let sketch = source.load_raw(&slot).and_then(read::parse_sketch);
        match sketch {
            Ok(mut sketch) => {
                self.join_sides(ix, &mut sketch.trajectory);
                sketch.summary()
            }
            Err(_fault) => self.summarize(ix),
        }
    }

    /// Joins what side files say with a row as the record alone says it.
    fn join_row(&self, ix: RecordIx, mut row: Summary, source: model::Source) -> Summary {
        if row.fault.is_none() {
            let mut labelled = row.as_labelled(source);
            self.join_sides(ix, &mut labelled);
            row.take_labels(&labelled);
        }
        row
    }

    /// What an earlier run found to be the SHA-256 of a large file, if the file still is what it was then. It need not be
    /// scanned for that.
    pub fn file_hash(&self, path: &Path) -> Option<FileHash> {
        self.shelf.as_ref()?.sha256(path)
    }

    /// Keeps the SHA-256 of files for later runs, by the paths of their sources; only of large ones that are what they
    /// were when they were scanned.
    pub fn keep_file_hashes(&self, hashes: &HashMap<&Path, FileHash>) {
        let index = self.index();
        for source in &index.sources {
            if let (Some(sheet), Some(hash)) = (&source.sheet, hashes.get(&*source.path)) {
                sheet.put_sha256(hash);
            }
        }
    }

    /// Writes what is known of large files, and was not known before, to the index folder. Also happens when a scan is
    /// over, and when the store is dropped.
    pub fn keep(&self) {
        let Some(folder) = &self.shelf else {
            return;
        };
        let (sources, mut records) = {
            let index = self.index();
            let is_due = |source: &Arc<Source>, records: usize| {
                let sheet = source.sheet.as_ref();
                sheet.is_some_and(|sheet| sheet.is_due(records))
            };
            // what is not due for a single record is not for many
            if !index.sources.iter().any(|source| is_due(source, 1)) {
                return;
            }
            let counts = index.records_of_sources();
            let mut records: HashMap<u32, Records> = HashMap::new();
            for ((place, source), count) in (0..).zip(&index.sources).zip(counts) {
                if is_due(source, count) {
                    records.insert(place, Records::default());
                }
            }
            if records.is_empty() {
                return;
            }
            for (ix, slot) in index.slots.iter().enumerate() {
                if let Some(records) = records.get_mut(&slot.source) {
                    records.push(slot, index.faults.get(&ix));
                }
            }
            (index.sources.clone(), records)
        };
        let mut has_written = false;
        for (place, source) in (0..).zip(sources) {
            if let (Some(sheet), Some(records)) = (&source.sheet, records.remove(&place)) {
                has_written |= sheet.write(&source, &records);
            }
        }
        if has_written {
            folder.tidy();
        }
    }

    fn parse(&self, ix: RecordIx) -> Result<Trajectory, Fault> {
        self.parse_raw(ix, self.load_raw(ix)?)
    }

    fn parse_raw(&self, ix: RecordIx, raw: RawRecord) -> Result<Trajectory, Fault> {
        let mut trajectory = read::parse(raw)?;
        self.join_sides(ix, &mut trajectory);
        Ok(trajectory)
    }

    fn join_sides(&self, ix: RecordIx, trajectory: &mut Trajectory) {
        let met = Arc::clone(&self.met.read().unwrap_or_else(PoisonError::into_inner));
        let beside = self.beside(ix);
        // only files that were given tell records by their content
        let hash = self
            .given
            .knows_contents()
            .then(|| self.content_hash(ix).ok())
            .flatten();
        if !self.given_paths.is_empty() {
            lock(&self.matched).extend(self.given.files_about(trajectory, hash));
        }
        let sides: Vec<&SideData> = std::iter::once(&self.given)
            .chain(beside.iter().map(|nearby| &nearby.data))
            .chain(std::iter::once(met.as_ref()))
            .collect();
        if read::side::apply(&sides, trajectory, hash)
            && let Ok(ix) = u32::try_from(ix.0)
        {
            lock(&self.joined).insert(ix);
        }
    }

    /// Whether a side file may bring the record a patch that `is_it` takes. What was found out about the patches of a
    /// set of side files is kept in `known`, by its address: use it for one piece of work only.
    pub fn may_join_patch(
        &self,
        ix: RecordIx,
        known: &Mutex<HashMap<usize, bool>>,
        is_it: &dyn Fn(&str) -> bool,
    ) -> bool {
        let holds = |data: &SideData| {
            let address = std::ptr::from_ref(data).addr();
            if let Some(holds) = lock(known).get(&address) {
                return *holds;
            }
            let holds = data.patches().any(is_it);
            lock(known).insert(address, holds);
            holds
        };
        let met = Arc::clone(&self.met.read().unwrap_or_else(PoisonError::into_inner));
        holds(&self.given)
            || holds(&met)
            || self.beside(ix).iter().any(|nearby| holds(&nearby.data))
    }

    /// Side files in the folders around a file that was named by itself, read when its first record is.
    fn beside(&self, ix: RecordIx) -> Vec<Arc<Nearby>> {
        let Some((_, source, _)) = self.find(ix) else {
            return Vec::new();
        };
        if !source.is_explicit || source.path.as_os_str() == "-" {
            return Vec::new();
        }
        let read = |folder: &Path| {
            let place = {
                let mut beside = lock(&self.beside);
                Arc::clone(beside.entry(folder.to_path_buf()).or_default())
            };
            // other threads that need the same folder wait here; nobody who only asks for the summary does
            let alone = self.neighbours.alone_in(folder);
            let data = place.get_or_init(|| {
                // what is joined to all records need not be read once more for those beside it
                let met = lock(&self.met_looks);
                let met: Vec<Arc<Path>> =
                    met.iter().map(|(seed, _)| Arc::clone(&seed.path)).collect();
                let left_out = side::LeftOut::new(alone, &met);
                let nearby = side::read_folder(folder, left_out, self.sides(&Cancel::new()));
                self.pass_over(&nearby.exports);
                Arc::new(nearby)
            });
            Arc::clone(data)
        };
        side::folders_around(&source.path).map(read).collect()
    }

    /// Says that earlier exports beside a file are not joined.
    fn pass_over(&self, exports: &[PathBuf]) {
        if exports.is_empty() {
            return;
        }
        let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
        for path in exports {
            if index.skipped.iter().all(|skipped| skipped.path != *path) {
                index.skipped.push(Skipped {
                    path: path.clone(),
                    why: side::OWN_EXPORT.to_owned(),
                });
            }
        }
    }

    /// How side files are read.
    fn sides<'a>(&'a self, cancel: &'a Cancel) -> side::How<'a> {
        side::How {
            spool_dir: self.spool_dir.as_deref(),
            cancel,
        }
    }

    fn unmatched(&self) -> Vec<PathBuf> {
        let matched = lock(&self.matched);
        self.given_paths
            .iter()
            .filter(|given| !given.files.clone().any(|file| matched.contains(&file)))
            .map(|given| given.path.clone())
            .collect()
    }

    /// Which side files are joined so far, and how many records they matched.
    pub fn side_summary(&self) -> SideSummary {
        let mut summary = SideSummary {
            joined: lock(&self.joined).len(),
            generation: self.generation.load(Ordering::Relaxed),
            unmatched: self.unmatched(),
            ..SideSummary::default()
        };
        let met = Arc::clone(&self.met.read().unwrap_or_else(PoisonError::into_inner));
        let beside: Vec<Arc<Nearby>> = lock(&self.beside)
            .values()
            .filter_map(|place| place.get().cloned())
            .collect();
        let all = [&self.given, met.as_ref()];
        for side in all
            .into_iter()
            .chain(beside.iter().map(|nearby| &nearby.data))
        {
            summary.ids += side.ids();
            for file in side.files() {
                if !summary.files.contains(file) {
                    summary.files.push(file.clone());
                }
            }
        }
        summary
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.keep();
    }
}

#[cfg(test)]
mod tests;
