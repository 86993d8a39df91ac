//! Verdicts for the screen: judged one at a time where somebody looks, all of them slowly in the background.
//!
//! Test programs run only where a person asks for that of one record. Whole judgements are kept of a few records; of all others the [`Marks`] alone,
//! which the list shows.

use std::collections::VecDeque;
use std::ops::Range;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::OnceLock;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

use crate::behave::flags::Chosen;
use crate::cancel::Cancel;
use crate::model::Fault;
use crate::model::Flag;
use crate::model::FlagKind;
use crate::model::RecordIx;
use crate::model::Trajectory;
use crate::store::Head;
use crate::store::Store;
use crate::ui::data::Marked;
use crate::ui::data::Marks;
use crate::ui::data::Order;
use crate::ui::page::Judgements;
use crate::verify::Rules;
use crate::verify::cache::Cache;
use crate::verify::check;
use crate::verify::check::Checked;
use crate::verify::check::Tools;
use crate::verify::noted;
use crate::verify::program::RunProgram;
use crate::workspace::repositories::Repositories;

/// What judges a record: its head, the whole of it where the head is not enough, earlier judgements, repositories, and a
/// flag that stops it.
pub type Check = fn(
    &Head,
    &dyn Fn() -> Result<Arc<Trajectory>, Fault>,
    Option<&Cache>,
    &Repositories,
    &Cancel,
) -> Checked;

/// Judges by both sets of rules; test programs are not run.
pub fn check(
    head: &Head,
    whole: &dyn Fn() -> Result<Arc<Trajectory>, Fault>,
    cache: Option<&Cache>,
    repositories: &Repositories,
    cancel: &Cancel,
) -> Checked {
    let tools = Tools {
        program: None,
        rules: &[Rules::Published, Rules::Strict],
        cache,
        repositories: Some(repositories),
        flags: None,
        hashes: true,
    };
    check::check(head, whole, &tools, cancel)
}

/// Judges records and remembers the last ones.
#[derive(Debug)]
pub struct Judge {
    check: Check,
    /// Where judgements that took long are kept; `None` for nowhere.
    folder: Option<PathBuf>,
    /// Opened by the first thread that judges: reading it takes time.
    cache: OnceLock<Cache>,
    /// Where files are read that trajectories do not show.
    repositories: Repositories,
    recent: Mutex<VecDeque<Arc<Checked>>>,
    chosen: Chosen,
}

impl Judge {
    /// So many judgements are kept.
    const RECENT: usize = 16;

    /// Judges by `check`, with a cache in `folder`.
    pub fn new(check: Check, folder: Option<PathBuf>) -> Self {
        Self {
            check,
            folder,
            cache: OnceLock::new(),
            repositories: Repositories::default(),
            recent: Mutex::default(),
            chosen: Chosen::default(),
        }
    }

    /// Reads files that trajectories do not show out of repositories.
    #[must_use]
    pub fn with_repositories(mut self, repositories: Repositories) -> Self {
        self.repositories = repositories;
        self
    }

    /// The same, with these flags in place of those that are on by default.
    #[must_use]
    pub fn with_flags(mut self, chosen: Chosen) -> Self {
        self.chosen = chosen;
        self
    }

    /// Which flags are shown.
    pub fn chosen(&self) -> &Chosen {
        &self.chosen
    }

    /// The flags that the steps of a record show. Reads all of it where they are not known yet.
    ///
    /// # Errors
    /// The fault of a record that cannot be read.
    pub fn flags(&self, store: &Store, ix: RecordIx, cancel: &Cancel) -> Result<Vec<Flag>, Fault> {
        let mut found = if let Some(known) = noted::flags(store, ix) {
            known
        } else {
            let head = store.load_head(ix)?;
            let whole = || store.load_once(ix);
            let found = check::all_flags(&head, &whole, self.cache(), cancel);
            if !cancel.is_cancelled() {
                noted::keep_flags(store, ix, &found);
            }
            found
        };
        // what the head tells is told with the verdicts
        found.retain(|flag| flag.flag != FlagKind::PromptLeak && self.chosen.has(flag.flag));
        Ok(found)
    }

    /// The brief form of a record that has flags; `None` for one that has none. Takes longer than [`Judge::marks`]
    /// and belongs behind it.
    pub fn flagged(&self, store: &Store, ix: RecordIx, cancel: &Cancel) -> Option<Marked> {
        if self.flags(store, ix, cancel).ok()?.is_empty() {
            return None;
        }
        let mut marked = self.marks(store, ix, cancel)?;
        marked.marks.is_flagged = true;
        Some(marked)
    }

    /// Judgements that took long, from earlier runs too.
    pub fn cache(&self) -> Option<&Cache> {
        let folder = self.folder.as_ref()?;
        Some(self.cache.get_or_init(|| Cache::open(folder)))
    }

    fn check(&self, store: &Store, head: &Head, ix: RecordIx, cancel: &Cancel) -> Checked {
        let whole = || store.load(ix);
        (self.check)(head, &whole, self.cache(), &self.repositories, cancel)
    }

    /// What both filters say of a record that is loaded; not remembered.
    pub fn examine(&self, head: &Head, whole: &Arc<Trajectory>, cancel: &Cancel) -> Checked {
        let whole = || Ok(Arc::clone(whole));
        (self.check)(head, &whole, self.cache(), &self.repositories, cancel)
    }

    /// Writes the cache.
    fn flush(&self) {
        if let Some(cache) = self.cache.get() {
            cache.flush();
        }
    }

    /// What both filters say of a record.
    ///
    /// # Errors
    /// The fault of a record that cannot be read.
    pub fn judge(
        &self,
        store: &Store,
        ix: RecordIx,
        cancel: &Cancel,
    ) -> Result<Arc<Checked>, Fault> {
        let head = store.load_head(ix)?;
        let known = |checked: &&Arc<Checked>| checked.hash == Some(head.hash());
        if let Some(checked) = self.recent().iter().find(known) {
            return Ok(Arc::clone(checked));
        }
        let checked = Arc::new(self.check(store, &head, ix, cancel));
        if !cancel.is_cancelled() {
            let mut recent = self.recent();
            if recent.len() == Self::RECENT {
                recent.pop_front();
            }
            recent.push_back(Arc::clone(&checked));
        }
        Ok(checked)
    }

    /// What both filters say of a record when its test program is run; remembered as if it had been known before. `None`
    /// when cancelled.
    ///
    /// # Errors
    /// The fault of a record that cannot be read.
    pub fn run(
        &self,
        store: &Store,
        ix: RecordIx,
        program: &dyn RunProgram,
        cancel: &Cancel,
    ) -> Result<Option<Marked>, Fault> {
        let head = store.load_head(ix)?;
        let tools = Tools {
            program: Some(program),
            rules: &[Rules::Published, Rules::Strict],
            cache: self.cache(),
            repositories: Some(&self.repositories),
            flags: None,
            hashes: true,
        };
        let checked = Arc::new(check::check(&head, &|| store.load(ix), &tools, cancel));
        if cancel.is_cancelled() {
            return Ok(None);
        }
        let mut marked = marked(ix, &head, &checked);
        // what its steps show is told from elsewhere, and stays
        let flags = self.flags(store, ix, cancel);
        marked.marks.is_flagged |= flags.is_ok_and(|flags| !flags.is_empty());
        let mut recent = self.recent();
        recent.retain(|known| known.hash != checked.hash);
        if recent.len() == Self::RECENT {
            recent.pop_front();
        }
        recent.push_back(checked);
        drop(recent);
        self.flush();
        Ok(Some(marked))
    }

    /// The brief form, made without remembering the whole; `None` for what cannot be read or was cancelled.
    pub fn marks(&self, store: &Store, ix: RecordIx, cancel: &Cancel) -> Option<Marked> {
        if let Some(known) = self.noted(store, ix) {
            return Some(known);
        }
        let head = store.load_head(ix).ok()?;
        let checked = self.check(store, &head, ix, cancel);
        if cancel.is_cancelled() {
            return None;
        }
        if self.repositories.is_empty() {
            noted::keep(
                store,
                ix,
                &head,
                &checked,
                &[Rules::Published, Rules::Strict],
            );
        }
        Some(marked(ix, &head, &checked))
    }

    /// The brief form of a record of which everything is known without reading it.
    fn noted(&self, store: &Store, ix: RecordIx) -> Option<Marked> {
        let verdict = |rules| Some(noted::judgement(store, ix, rules)?.0);
        if !self.repositories.is_empty() {
            return None;
        }
        let flags = noted::flags(store, ix)?;
        let marks = Marks {
            published: verdict(Rules::Published)?,
            strict: verdict(Rules::Strict)?,
            is_flagged: flags.iter().any(|flag| flag.flag == FlagKind::PromptLeak),
        };
        let hash = store.known_content(ix)?;
        Some(Marked { ix, hash, marks })
    }

    /// Forgets all judgements: what records are judged by has changed.
    pub fn forget(&self) {
        self.recent().clear();
    }

    fn recent(&self) -> MutexGuard<'_, VecDeque<Arc<Checked>>> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The brief form of a checked record.
fn marked(ix: RecordIx, head: &Head, checked: &Checked) -> Marked {
    let marks = Marks {
        published: checked.published.verdict,
        strict: checked.strict.verdict,
        is_flagged: !checked.flags.is_empty(),
    };
    let hash = head.hash();
    Marked { ix, hash, marks }
}

/// Both judgements of a checked record.
pub fn judgements(checked: &Checked) -> Judgements<'_> {
    Judgements {
        published: &checked.published,
        strict: &checked.strict,
    }
}

/// Judges all records in the background at low priority, the wanted ones first.
#[derive(Debug)]
pub(super) struct Marker {
    queue: Arc<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    state: Mutex<QueueState>,
    ready: Condvar,
    cancel: Cancel,
}

/// What to find out about a record.
#[derive(Debug, Clone, Copy)]
enum Work {
    /// What the filters say.
    Verdicts(RecordIx),
    /// Whether its steps show flags.
    Flags(RecordIx),
}

/// The records that were judged, a bit each.
#[derive(Debug, Default)]
struct Done(Vec<u64>);

impl Done {
    const BITS: usize = 64;

    /// Says whether it was not there.
    fn insert(&mut self, ix: RecordIx) -> bool {
        let (word, bit) = (ix.0 / Self::BITS, 1 << (ix.0 % Self::BITS));
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        let Some(word) = self.0.get_mut(word) else {
            return false;
        };
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }

    fn remove(&mut self, ix: RecordIx) {
        if let Some(word) = self.0.get_mut(ix.0 / Self::BITS) {
            *word &= !(1 << (ix.0 % Self::BITS));
        }
    }
}

#[derive(Debug, Default)]
struct QueueState {
    wanted: VecDeque<RecordIx>,
    done: Done,
    /// The next record of the pass over all, and where that ends.
    all: Range<usize>,
    /// The same of the pass that looks for flags, which comes behind it, and records to look at again.
    flags: Range<usize>,
    flags_again: VecDeque<RecordIx>,
    /// By which state of the side files records are judged.
    judging: u64,
    is_closed: bool,
}

impl QueueState {
    /// Verdicts first, flags when there is nothing else to do: they need all of a record.
    fn take(&mut self) -> Option<Work> {
        while let Some(ix) = self
            .wanted
            .pop_front()
            .or_else(|| self.all.next().map(RecordIx))
        {
            if self.done.insert(ix) {
                return Some(Work::Verdicts(ix));
            }
        }
        let next = self.flags.next().map(RecordIx);
        next.or_else(|| self.flags_again.pop_front())
            .map(Work::Flags)
    }

    /// Begins anew where `judging` is another.
    fn judge_by(&mut self, judging: u64) {
        if self.judging != judging {
            self.judging = judging;
            self.done = Done::default();
            self.all.start = 0;
            self.flags.start = 0;
        }
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a record to judge; comes back at once with none when `is_owing` says that marks are still to be
    /// sent. The outer `None` when the program ends.
    fn next(&self, is_owing: bool) -> Option<(Option<Work>, u64)> {
        let mut state = self.lock();
        loop {
            if state.is_closed {
                return None;
            }
            let work = state.take();
            if work.is_some() || is_owing {
                return Some((work, state.judging));
            }
            state = self
                .ready
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Marker {
    const BATCH: usize = 64;
    const EVERY: Duration = Duration::from_millis(50);

    /// Starts the threads; `say` takes marks with the state of the side files that they were made by, and is false
    /// when nobody listens any more.
    pub(super) fn new<S>(store: &Arc<Store>, judge: &Arc<Judge>, say: S) -> Self
    where
        S: Fn(u64, Vec<Marked>) -> bool + Clone + Send + 'static,
    {
        let queue = Arc::new(Queue::default());
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        for _ in 0..(cores / 2).max(1) {
            let (queue, store, judge) = (Arc::clone(&queue), Arc::clone(store), Arc::clone(judge));
            let say = say.clone();
            std::thread::spawn(move || {
                // keys, drawing and what is looked at go first
                let _is_lower = rustix::process::nice(10);
                Self::work(&queue, &store, &judge, &say);
            });
        }
        Self { queue }
    }

    fn work(queue: &Queue, store: &Store, judge: &Judge, say: &impl Fn(u64, Vec<Marked>) -> bool) {
        let mut batch: Vec<Marked> = Vec::new();
        let mut by = 0;
        let mut since = Instant::now();
        while let Some((work, judging)) = queue.next(!batch.is_empty()) {
            if judging != by {
                batch.clear();
                by = judging;
            }
            if let Some(work) = work {
                // a record that breaks the filter stays unmarked; opening it says what happened
                let marks = catch_unwind(AssertUnwindSafe(|| match work {
                    Work::Verdicts(ix) => judge.marks(store, ix, &queue.cancel),
                    Work::Flags(ix) => judge.flagged(store, ix, &queue.cancel),
                }));
                batch.extend(marks.ok().flatten());
            }
            let is_due = batch.len() >= Self::BATCH || since.elapsed() >= Self::EVERY;
            if (work.is_none() || is_due) && !batch.is_empty() {
                if !say(by, std::mem::take(&mut batch)) {
                    return;
                }
                since = Instant::now();
            }
            if work.is_none() {
                judge.flush();
            }
        }
    }

    /// Puts the records of a range of the list first, in place of those that were wanted before.
    pub(super) fn want(&self, judging: u64, range: Range<usize>, order: &Order, len: usize) {
        let mut state = self.queue.lock();
        state.judge_by(judging);
        state.wanted = range.filter_map(|place| order.record(place, len)).collect();
        drop(state);
        self.queue.ready.notify_all();
    }

    /// Judges all records there are that were not judged yet, and the changed ones again.
    pub(super) fn all(&self, judging: u64, changed: &[RecordIx], len: usize) {
        let mut state = self.queue.lock();
        state.judge_by(judging);
        for ix in changed {
            state.done.remove(*ix);
            state.wanted.push_back(*ix);
            state.flags_again.push_back(*ix);
        }
        state.all.end = len;
        state.flags.end = len;
        drop(state);
        self.queue.ready.notify_all();
    }

    pub(super) fn close(&self) {
        self.queue.cancel.cancel();
        self.queue.lock().is_closed = true;
        self.queue.ready.notify_all();
    }
}

#[cfg(test)]
mod tests;
