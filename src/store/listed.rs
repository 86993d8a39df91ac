//! Tasks that are listed beside attempts: which records they are. To whoever does not ask for them, their files are joined
//! as other side files are, and nothing else.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::PoisonError;

use crate::model::Format;
use crate::model::RecordIx;
use crate::store::Store;
use crate::store::index::Index;
use crate::store::index::Source;
use crate::store::lock;
use crate::store::scan::Scan;
use crate::store::scan::Seed;
use crate::store::scan::Want;

/// The records that are tasks beside others: stretches, in their order.
pub(super) type Listed = Arc<Vec<Range<usize>>>;

/// Whether a source holds tasks, and they are listed because its file was named.
fn is_of_tasks(source: &Source) -> bool {
    source.format == Some(Format::Task) && source.is_explicit
}

/// Whether there are records that are not of such a source.
fn has_others(index: &Index) -> bool {
    let counts = index.records_of_sources();
    let mut sources = index.sources.iter().zip(counts);
    sources.any(|(source, count)| count > 0 && !is_of_tasks(source))
}

impl Store {
    /// Whether a record is of a file of tasks: nobody attempted anything there, and nothing of the record is read to know.
    pub fn is_task(&self, ix: RecordIx) -> bool {
        let found = self.find(ix);
        found.is_some_and(|(_, source, _)| source.format == Some(Format::Task))
    }

    /// The records that are tasks and stand beside others, where these were asked for: commands that read the same inputs
    /// do not have them. Stretches, in their order; no record is one of these while there are no others.
    pub fn listed_tasks(&self) -> Arc<Vec<Range<usize>>> {
        Arc::clone(&self.listed.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// All records but those that are only listed beside them: those that commands have.
    pub fn records(&self) -> impl Iterator<Item = RecordIx> {
        let listed = self.listed_tasks();
        let mut left = 0;
        (0..self.len()).filter_map(move |ix| {
            while listed.get(left).is_some_and(|tasks| tasks.end <= ix) {
                left += 1;
            }
            let is_listed = listed.get(left).is_some_and(|tasks| tasks.contains(&ix));
            (!is_listed).then_some(RecordIx(ix))
        })
    }

    /// Makes records of the tasks of a file that was put aside, unless they are.
    pub(super) fn list_tasks(&self, seed: &Seed, scan: &mut Scan<'_>) {
        if self.has_source(&seed.path) {
            return;
        }
        let before = std::mem::replace(&mut scan.want, Want::All);
        scan.scan_file(seed);
        scan.flush();
        scan.want = before;
    }

    fn has_source(&self, path: &Path) -> bool {
        let index = self.index();
        index.sources.iter().any(|source| &*source.path == path)
    }

    /// The files of tasks that were all there was when they were scanned, and now have attempts beside them: to be joined.
    pub(super) fn tasks_to_join(&self) -> Vec<Seed> {
        if !self.lists_tasks {
            return Vec::new();
        }
        let index = self.index();
        let met = lock(&self.met_looks);
        let is_met = |path: &Path| met.iter().any(|(seed, _)| &*seed.path == path);
        let mut lone: Vec<Arc<Path>> = Vec::new();
        for source in index.sources.iter().filter(|source| is_of_tasks(source)) {
            if !is_met(&source.path) && !lone.contains(&source.path) {
                lone.push(Arc::clone(&source.path));
            }
        }
        if lone.is_empty() || !has_others(&index) {
            return Vec::new();
        }
        lone.iter().map(|path| Seed::file(path, true)).collect()
    }

    /// Finds out which records are tasks beside others.
    pub(super) fn find_listed(&self) {
        if !self.lists_tasks {
            return;
        }
        let index = self.index();
        let mut listed: Vec<Range<usize>> = Vec::new();
        let mut has_others = false;
        if index.sources.iter().any(|source| is_of_tasks(source)) {
            for (ix, slot) in index.slots.iter().enumerate() {
                let place = usize::try_from(slot.source).ok();
                let source = place.and_then(|place| index.sources.get(place));
                if !source.is_some_and(|source| is_of_tasks(source)) {
                    has_others = true;
                    continue;
                }
                match listed.last_mut() {
                    Some(last) if last.end == ix => last.end = ix + 1,
                    _ => listed.push(ix..ix + 1),
                }
            }
        }
        if !has_others {
            listed.clear();
        }
        drop(index);
        *self.listed.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(listed);
    }

    /// Whether records of more than one file or folder were found; files of tasks beside others do not count.
    pub fn has_several_files(&self) -> bool {
        let has_listed = !self.listed_tasks().is_empty();
        let index = self.index();
        let sources = index.sources.iter();
        let mut paths = sources
            .filter(|source| !has_listed || !is_of_tasks(source))
            .map(|source| &source.path);
        let first = paths.next();
        paths.any(|path| Some(path) != first)
    }
}
