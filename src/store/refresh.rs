//! Following files that change: new lines become records, a torn last line is completed, sessions that grew are read
//! again. What was truncated or replaced is scanned anew in place; records that are gone become faults.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::RwLock;

use crate::cancel::Cancel;
use crate::model::Fault;
use crate::model::RecordIx;
use crate::read::Layout;
use crate::read::PartRole;
use crate::read::Shape;
use crate::store::bytes::Bytes;
use crate::store::bytes::Change;
use crate::store::bytes::Stamp;
use crate::store::folder;
use crate::store::folder::Siblings;
use crate::store::index::Index;
use crate::store::index::PartPlace;
use crate::store::index::Slot;
use crate::store::index::Source;
use crate::store::scan::Scan;
use crate::store::scan::Seed;
use crate::store::scan::Want;
use crate::store::tail::Tail;

/// What a refresh found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refresh {
    /// How many records came to the end of the list.
    pub appended: usize,
    /// Records that are not what they were: load and summarise them again.
    pub changed: Vec<RecordIx>,
    /// What happened to files, in words for the message line.
    pub problems: Vec<String>,
}

/// What has to be done about a source.
enum Todo {
    /// Lines were added behind these bytes.
    Tail(u64),
    /// A session of one record grew to this length.
    Longer(u64),
    /// Scan the file again.
    Again,
    /// The folder has other event files now.
    Events(Box<Source>),
    /// The file is gone.
    Gone(String),
}

/// Looks at all files of the index and brings it up to date.
pub(super) fn refresh(index: &RwLock<Index>, spool_dir: Option<&Path>, cancel: &Cancel) -> Refresh {
    let sources = {
        let index = index.read().unwrap_or_else(PoisonError::into_inner);
        index.sources.clone()
    };
    let mut todo = HashMap::new();
    let mut report = Refresh::default();
    let leads = leads(&sources);
    let mut together: HashMap<u32, u32> = HashMap::new();
    for (place, source) in sources.iter().enumerate() {
        if cancel.is_cancelled() {
            return report;
        }
        let Ok(place) = u32::try_from(place) else {
            break;
        };
        if let Some(lead) = leads.get(&source.path).copied()
            && is_shared(source)
            && lead != place
        {
            together.insert(place, lead);
            continue;
        }
        if let Some(work) = look(source, &mut report.problems) {
            todo.insert(place, work);
        }
    }
    if todo.is_empty() {
        return report;
    }
    let mut places: HashMap<u32, Vec<usize>> = HashMap::new();
    {
        let index = index.read().unwrap_or_else(PoisonError::into_inner);
        for (ix, slot) in index.slots.iter().enumerate() {
            let place = together.get(&slot.source).unwrap_or(&slot.source);
            if todo.contains_key(place) {
                places.entry(*place).or_default().push(ix);
            }
        }
    }
    let siblings = RefCell::default();
    let mut order: Vec<(u32, Todo)> = todo.into_iter().collect();
    order.sort_by_key(|(place, _)| *place);
    for (place, work) in order {
        // a source all of whose records moved to a newer one is done with
        let Some(records) = places.remove(&place) else {
            continue;
        };
        if let Some(source) = usize::try_from(place).ok().and_then(|ix| sources.get(ix)) {
            let update = Update {
                index,
                cancel,
                place,
                source,
                siblings: &siblings,
                spool_dir,
                records,
            };
            if update.apply(work, &mut report) {
                let led = together.iter().filter(|(_, lead)| **lead == place);
                retire(index, led.map(|(led, _)| *led));
            }
        }
    }
    report.changed.sort_unstable();
    report.changed.dedup();
    report
}

/// Whether all records of a source's path are scanned again when it is: those of a packed file, an archive or a table, and
/// what says that they cannot be had.
fn is_shared(source: &Source) -> bool {
    source.packed.is_some() || (source.is_retried && matches!(source.bytes, Bytes::Nothing))
}

/// By path, the place of the source that stands for all that are scanned again together: the first that knows how the file
/// looked, else the first.
fn leads(sources: &[Arc<Source>]) -> HashMap<Arc<Path>, u32> {
    let mut leads = HashMap::new();
    for is_known in [true, false] {
        for (place, source) in (0..).zip(sources) {
            if is_shared(source) && source.packed.is_some() == is_known {
                leads.entry(Arc::clone(&source.path)).or_insert(place);
            }
        }
    }
    leads
}

/// Lets go of sources none of whose records is left.
fn retire(index: &RwLock<Index>, places: impl Iterator<Item = u32>) {
    let mut index = index.write().unwrap_or_else(PoisonError::into_inner);
    for place in places {
        let place = usize::try_from(place).unwrap_or(usize::MAX);
        if let Some(old) = index.sources.get_mut(place) {
            *old = Arc::new(Source::new(Arc::clone(&old.path), None, Bytes::Nothing));
        }
    }
}

fn look(source: &Source, problems: &mut Vec<String>) -> Option<Todo> {
    let path = &source.path;
    match &source.bytes {
        Bytes::File { .. } => {
            let stamp = source.bytes.stamp()?;
            let file = match File::open(path) {
                Ok(file) => file,
                Err(err) => return Some(Todo::Gone(format!("{}: {err}", path.display()))),
            };
            match stamp.compare(&file).ok()? {
                // its agents write files of their own
                Change::None => {
                    (source.look_at_parts() != source.part_looks).then_some(Todo::Longer(stamp.len))
                }
                Change::Grew if source.layout == Layout::Rows && source.shape == Shape::Lines => {
                    Some(Todo::Tail(stamp.len))
                }
                Change::Grew
                    if source.layout == Layout::Session && source.shape == Shape::Lines =>
                {
                    Some(Todo::Longer(file.metadata().ok()?.len()))
                }
                change => again(path, &stamp, change, problems),
            }
        }
        Bytes::Nothing if source.is_retried => Path::is_file(path).then_some(Todo::Again),
        _ => match &source.packed {
            Some(stamp) => match File::open(path) {
                Ok(file) => again(path, stamp, stamp.compare(&file).ok()?, problems),
                Err(err) => Some(Todo::Gone(format!("{}: {err}", path.display()))),
            },
            None => event_folder(source).map(Box::new).map(Todo::Events),
        },
    }
}

/// What to do about a file that can only be scanned as a whole.
fn again(path: &Path, stamp: &Stamp, change: Change, problems: &mut Vec<String>) -> Option<Todo> {
    match change {
        Change::None => return None,
        Change::Grew => {}
        Change::Shrank { now } => problems.push(format!(
            "{} shrank from {} to {now} bytes",
            path.display(),
            stamp.len
        )),
        Change::Replaced => problems.push(format!("{} was replaced", path.display())),
    }
    Some(Todo::Again)
}

/// The event folder as it is now, when it has other files than it had.
fn event_folder(source: &Source) -> Option<Source> {
    let first = source.parts.iter().find(|p| p.role == PartRole::Event)?;
    let PartPlace::File(path) = &first.place else {
        return None;
    };
    let events = path.parent()?;
    let listing = folder::Listing::read(events).ok()?;
    let parts = folder::event_parts(events, &listing);
    let names = |parts: &[crate::store::index::PartSpec]| {
        parts
            .iter()
            .map(|part| part.name.clone())
            .collect::<Vec<_>>()
    };
    let is_same = names(&parts) == names(&source.parts);
    if parts.is_empty() || (is_same && source.look_at_parts() == source.part_looks) {
        return None;
    }
    let mut now = Source::new(Arc::clone(&source.path), None, Bytes::Nothing);
    now.format = source.format;
    now.layout = source.layout;
    now.shape = source.shape;
    now.is_explicit = source.is_explicit;
    now.parts = parts;
    now.part_looks = now.look_at_parts();
    Some(now)
}

/// The work on one source.
struct Update<'a> {
    index: &'a RwLock<Index>,
    cancel: &'a Cancel,
    place: u32,
    source: &'a Arc<Source>,
    siblings: &'a RefCell<Siblings>,
    spool_dir: Option<&'a Path>,
    /// Its records, in order of their rows.
    records: Vec<usize>,
}

impl Update<'_> {
    /// Whether its records have another source now.
    fn apply(&self, work: Todo, report: &mut Refresh) -> bool {
        match work {
            Todo::Tail(seen) => {
                let tail = Tail {
                    place: self.place,
                    source: self.source,
                    seen,
                    records: &self.records,
                };
                match tail.append(self.index, self.cancel) {
                    Ok(found) => {
                        report.appended += found.appended;
                        report.changed.extend(found.completed.map(RecordIx));
                    }
                    Err(err) => {
                        let what = format!("{}: {err}", self.source.path.display());
                        report.problems.push(what);
                    }
                }
            }
            Todo::Longer(len) => {
                // agents may have been started since: their files are looked for again
                let path = &self.source.path;
                let mut now = Source::new(Arc::clone(path), None, Bytes::file(path));
                now.format = self.source.format;
                now.layout = self.source.layout;
                now.shape = self.source.shape;
                now.is_explicit = self.source.is_explicit;
                now.parts = self.siblings.borrow_mut().parts_of(path);
                now.part_looks = now.look_at_parts();
                // a file that cannot be looked at now shows that when it is read
                drop(now.bytes.set_stamp(len));
                let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
                let place = usize::try_from(self.place).unwrap_or(usize::MAX);
                if let Some(old) = index.sources.get_mut(place) {
                    *old = Arc::new(now);
                }
                for ix in &self.records {
                    if let Some(slot) = index.slots.get(*ix) {
                        let len = len.saturating_sub(slot.start);
                        index.slots.set(*ix, Slot { len, ..slot });
                    }
                    index.faults.remove(ix);
                    report.changed.push(RecordIx(*ix));
                }
            }
            Todo::Events(now) => {
                let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
                let place = usize::try_from(self.place).unwrap_or(usize::MAX);
                if let Some(old) = index.sources.get_mut(place) {
                    *old = Arc::from(now);
                }
                report
                    .changed
                    .extend(self.records.iter().map(|ix| RecordIx(*ix)));
            }
            Todo::Gone(why) => {
                let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
                for ix in &self.records {
                    // those of the other sources of an archive come back with the first
                    if let Some(slot) = index.slots.get(*ix) {
                        let source = self.place;
                        index.slots.set(*ix, Slot { source, ..slot });
                    }
                    let fault = Fault::new(format!("the file is gone: {why}"));
                    index.faults.insert(*ix, fault);
                    report.changed.push(RecordIx(*ix));
                }
                // it may come back, with the same content or another
                let mut retried = Source::new(Arc::clone(&self.source.path), None, Bytes::Nothing);
                retried.is_retried = true;
                retried.is_explicit = self.source.is_explicit;
                let place = usize::try_from(self.place).unwrap_or(usize::MAX);
                if let Some(old) = index.sources.get_mut(place) {
                    *old = Arc::new(retried);
                }
                report.problems.push(why);
                return true;
            }
            Todo::Again => return self.scan_again(report),
        }
        false
    }

    /// Scans the file into an index of its own and puts its records where the old ones were; `false` when nothing was to be
    /// put anywhere.
    fn scan_again(&self, report: &mut Refresh) -> bool {
        let fresh = RwLock::new(Index::default());
        let mut ignore = |_progress| {};
        let mut scan = Scan::new(&fresh, self.cancel, &mut ignore, Want::All);
        scan.spool_dir = self.spool_dir.map(Path::to_path_buf);
        scan.scan_file(&Seed {
            path: Arc::clone(&self.source.path),
            member: None,
            is_explicit: true,
            parts: self.siblings.borrow_mut().parts_of(&self.source.path),
        });
        scan.flush();
        if self.cancel.is_cancelled() {
            return false;
        }
        let mut fresh = fresh.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
        let are_same_faults = fresh.slots.len() == self.records.len()
            && self.records.iter().enumerate().all(|(place, ix)| {
                let fault = fresh.faults.get(&place);
                fault.is_some() && fault == index.faults.get(ix)
            });
        if are_same_faults {
            return false;
        }
        let shift = u32::try_from(index.sources.len()).unwrap_or(u32::MAX);
        index.sources.append(&mut fresh.sources);
        let retired = Source::new(Arc::clone(&self.source.path), None, Bytes::Nothing);
        let place = usize::try_from(self.place).unwrap_or(usize::MAX);
        if let Some(old) = index.sources.get_mut(place) {
            *old = Arc::new(retired);
        }
        let mut old = self.records.iter().copied();
        for (place, slot) in fresh.slots.iter().enumerate() {
            let slot = Slot {
                source: slot.source.saturating_add(shift),
                ..slot
            };
            let ix = if let Some(ix) = old.next() {
                index.slots.set(ix, slot);
                report.changed.push(RecordIx(ix));
                ix
            } else {
                index.slots.push(slot);
                report.appended += 1;
                index.slots.len() - 1
            };
            match fresh.faults.remove(&place) {
                Some(fault) => index.faults.insert(ix, fault),
                None => index.faults.remove(&ix),
            };
        }
        let newest = fresh
            .slots
            .iter()
            .next_back()
            .map_or(self.place, |slot| slot.source.saturating_add(shift));
        for ix in old {
            // they move along, so that the old source is not looked at again
            if let Some(there) = index.slots.get(ix) {
                let gone = Slot {
                    source: newest,
                    start: 0,
                    len: 0,
                    ..there
                };
                index.slots.set(ix, gone);
            }
            let fault = Fault::new("the record is gone: its file was truncated or replaced");
            if index.faults.insert(ix, fault.clone()) != Some(fault) {
                report.changed.push(RecordIx(ix));
            }
        }
        true
    }
}
