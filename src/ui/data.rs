//! What is loaded: the rows of the list, in chunks that workers can hold without copying them, and their arrangement.

mod answers;
pub mod desk;
pub mod queues;
pub mod runs;

use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::Arc;

use crate::behave;
use crate::behave::flags::Chosen;
use crate::cancel::Cancel;
use crate::model::ActionClass;
use crate::model::Component;
use crate::model::ContentHash;
use crate::model::Flag;
use crate::model::FlagKind;
use crate::model::Format;
use crate::model::RecordIx;
use crate::model::Step;
use crate::model::StepIx;
use crate::model::Summary;
use crate::model::TaskKind;
use crate::model::Text;
use crate::model::Trajectory;
use crate::model::Verdict;
use crate::query::fuzzy::Field;
use crate::query::fuzzy::Narrow;
use crate::query::sort::SortKey;
use crate::query::sort::Sorted;
use crate::query::sort::Verdicts;
use crate::read::understand;
use crate::replay::results::Brief;
use crate::review::Choice;
use crate::review::queue::Queue;
use crate::select::Selector;
use crate::store::Store;
use crate::ui::data::answers::Asking;
use crate::ui::data::desk::Desk;
use crate::ui::data::desk::DeskOptions;
use crate::ui::data::desk::Voices;
use crate::ui::page::Subject;
use crate::ui::page::Told;
use crate::ui::page::disagree;

pub use crate::ui::data::answers::Answers;
pub use crate::ui::data::answers::Backing;

/// What the filters say of a record, in brief; the evidence is made again where it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marks {
    /// The record's content, by which decisions know it.
    pub hash: ContentHash,
    /// The published evaluators.
    pub published: Verdict,
    /// By syntax.
    pub strict: Verdict,
    /// Something was observed that is worth a look, whatever the verdicts.
    pub is_flagged: bool,
    /// The final patch's content; attempts of one task that have the same ended in the same patch.
    pub patch_hash: Option<ContentHash>,
}

impl Marks {
    /// Whether one set of rules accepts what the other rejects.
    pub fn disagree(&self) -> bool {
        disagree(self.published, self.strict)
    }

    /// Both verdicts, for sorting.
    pub fn verdicts(&self) -> Verdicts {
        Verdicts {
            published: self.published,
            strict: self.strict,
        }
    }
}

type Chunk<T> = Arc<Vec<Option<T>>>;

/// Summaries and marks of all records, as far as they are known. A clone shares its chunks; filling in copies at most
/// one.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    chunks: Vec<Chunk<Arc<Summary>>>,
    marks: Vec<Chunk<Marks>>,
    voices: Vec<Chunk<Arc<Voices>>>,
    replays: Arc<HashMap<ContentHash, Brief>>,
    len: usize,
    known: usize,
    marked: usize,
}

impl Rows {
    const CHUNK: usize = 1024;

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no record yet.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many of them are summarised.
    pub fn known(&self) -> usize {
        self.known
    }

    /// Makes room for `len` records; never shrinks.
    pub fn grow(&mut self, len: usize) {
        while self.len < len {
            let ix = self.len / Self::CHUNK;
            if ix == self.chunks.len() {
                self.chunks.push(Arc::new(Vec::new()));
            }
            let Some(chunk) = self.chunks.get_mut(ix) else {
                return;
            };
            let room = (Self::CHUNK * (ix + 1)).min(len) - self.len;
            let chunk = Arc::make_mut(chunk);
            chunk.resize(chunk.len() + room, None);
            self.len += room;
        }
    }

    /// The summary of a record, where it is known.
    pub fn get(&self, ix: RecordIx) -> Option<&Arc<Summary>> {
        self.chunks
            .get(ix.0 / Self::CHUNK)?
            .get(ix.0 % Self::CHUNK)?
            .as_ref()
    }

    /// How many of them are judged.
    pub fn marked(&self) -> usize {
        self.marked
    }

    /// What the filters say of a record, where it is known.
    pub fn marks(&self, ix: RecordIx) -> Option<&Marks> {
        self.marks
            .get(ix.0 / Self::CHUNK)?
            .get(ix.0 % Self::CHUNK)?
            .as_ref()
    }

    /// Fills in what the filters say of a record, in place of what they said before.
    pub fn set_marks(&mut self, ix: RecordIx, marks: Marks) {
        let chunk = ix.0 / Self::CHUNK;
        if self.marks.len() <= chunk {
            self.marks.resize_with(chunk + 1, Arc::default);
        }
        if let Some(chunk) = self.marks.get_mut(chunk).map(Arc::make_mut) {
            let at = ix.0 % Self::CHUNK;
            if chunk.len() <= at {
                chunk.resize(at + 1, None);
            }
            if let Some(slot) = chunk.get_mut(at) {
                self.marked += usize::from(slot.is_none());
                *slot = Some(marks);
            }
        }
    }

    /// What came of a record's last replay, where there was one and the record's content is known.
    pub fn replayed(&self, ix: RecordIx) -> Option<&Brief> {
        self.replays.get(&self.marks(ix)?.hash)
    }

    /// Takes what came of replays, of all records, in place of what was known.
    pub fn set_replays(&mut self, replays: HashMap<ContentHash, Brief>) {
        self.replays = Arc::new(replays);
    }

    /// Takes what came of a replay just now.
    pub fn add_replay(&mut self, record: ContentHash, brief: Brief) {
        Arc::make_mut(&mut self.replays).insert(record, brief);
    }

    /// Whether anything was ever replayed.
    pub fn has_replays(&self) -> bool {
        !self.replays.is_empty()
    }

    /// What people say of a record, where anybody said anything.
    pub fn voices(&self, ix: RecordIx) -> Option<&Arc<Voices>> {
        self.voices
            .get(ix.0 / Self::CHUNK)?
            .get(ix.0 % Self::CHUNK)?
            .as_ref()
    }

    /// Fills in what people say of a record, or that nobody says anything any more.
    pub fn set_voices(&mut self, ix: RecordIx, voices: Option<Arc<Voices>>) {
        let chunk = ix.0 / Self::CHUNK;
        if voices.is_none() && self.voices(ix).is_none() {
            return;
        }
        if self.voices.len() <= chunk {
            self.voices.resize_with(chunk + 1, Arc::default);
        }
        if let Some(chunk) = self.voices.get_mut(chunk).map(Arc::make_mut) {
            let at = ix.0 % Self::CHUNK;
            if chunk.len() <= at {
                chunk.resize(at + 1, None);
            }
            if let Some(slot) = chunk.get_mut(at) {
                *slot = voices;
            }
        }
    }

    /// Exchanges what people say of all records for what the other rows hold.
    pub fn swap_voices(&mut self, other: &mut Self) {
        std::mem::swap(&mut self.voices, &mut other.voices);
    }

    /// Forgets what the filters said of all records: what they judge by has changed.
    pub fn forget_marks(&mut self) {
        self.marks.clear();
        self.marked = 0;
    }

    /// Forgets a summary that is out of date, and what the filters said.
    pub fn forget(&mut self, ix: RecordIx) {
        let slot = self.chunks.get_mut(ix.0 / Self::CHUNK).map(Arc::make_mut);
        if let Some(slot) = slot.and_then(|chunk| chunk.get_mut(ix.0 % Self::CHUNK)) {
            self.known -= usize::from(slot.take().is_some());
        }
        let marks = self.marks.get_mut(ix.0 / Self::CHUNK).map(Arc::make_mut);
        if let Some(slot) = marks.and_then(|chunk| chunk.get_mut(ix.0 % Self::CHUNK)) {
            self.marked -= usize::from(slot.take().is_some());
        }
    }

    /// Fills in a summary, in place of an older one.
    pub fn set(&mut self, ix: RecordIx, summary: Summary) {
        self.grow(ix.0 + 1);
        let slot = self.chunks.get_mut(ix.0 / Self::CHUNK).map(Arc::make_mut);
        if let Some(slot) = slot.and_then(|chunk| chunk.get_mut(ix.0 % Self::CHUNK)) {
            self.known += usize::from(slot.is_none());
            *slot = Some(Arc::new(summary));
        }
    }
}

/// How far the scan is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Scan {
    /// Bytes looked at.
    pub bytes_done: u64,
    /// Bytes to look at; 0 while it is not known.
    pub bytes_total: u64,
    /// Nothing more comes.
    pub is_complete: bool,
}

/// What is loaded.
#[derive(Debug)]
pub struct Data {
    /// The inputs.
    pub store: Arc<Store>,
    /// The rows of the list.
    pub rows: Rows,
    /// How far the scan is.
    pub scan: Scan,
    /// Whether new records are looked for all the time.
    pub is_following: bool,
    /// What the inputs are called in the title.
    pub title: String,
    /// Ids of rows in sight that are not summarised yet, as their first bytes show them.
    pub peeked: HashMap<RecordIx, String>,
    /// Decisions.
    pub desk: Desk,
    /// It was said which side files know none of the records.
    pub are_sides_checked: bool,
    /// Moves on when what records are judged by has changed: marks made before are out of date.
    pub judging: u64,
    /// What queries answered before.
    pub answers: Arc<Answers>,
}

impl Data {
    /// Nothing but the inputs.
    pub fn new(store: Arc<Store>, title: String, desk: DeskOptions) -> Self {
        Self {
            store,
            rows: Rows::default(),
            scan: Scan::default(),
            is_following: false,
            title,
            peeked: HashMap::new(),
            desk: Desk::new(desk),
            are_sides_checked: false,
            judging: 0,
            answers: Arc::default(),
        }
    }
}

impl Data {
    /// What the filters say of a record, where it is known and not hidden until one has decided.
    pub fn marks(&self, ix: RecordIx) -> Option<&Marks> {
        self.rows.marks(ix).filter(|_| !self.desk.hides(ix))
    }
}

/// What landmarks and the minimap need to know of a step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Facts {
    /// What it mostly did.
    pub class: Option<ActionClass>,
    /// An action failed.
    pub has_error: bool,
    /// An action changed a file.
    pub is_edit: bool,
    /// An action ran tests.
    pub is_test: bool,
    /// What the step is for.
    pub component: Option<Component>,
    /// The first flag that it shows.
    pub flag: Option<FlagKind>,
}

/// The facts of all steps of a trajectory and its children; made once, off the UI thread.
#[derive(Debug, Clone, Default)]
pub struct Outline {
    /// By step.
    pub steps: Vec<Facts>,
    /// By step: the meaning of the action that gives the step its class; empty where it has no action. Kept because
    /// comparing the texts of an edit anew for every frame would cost too much.
    pub meanings: Vec<String>,
    /// The flags that are shown, by step.
    pub flags: Vec<Flag>,
    /// By child.
    pub children: Vec<Self>,
}

impl Outline {
    /// Looks at every step once. Of the flags only the chosen ones are told.
    pub fn of(trajectory: &Trajectory, chosen: &Chosen, cancel: &Cancel) -> Self {
        let behaviour = behave::examine(trajectory, cancel);
        let mut flags = behaviour.flags;
        flags.retain(|flag| chosen.has(flag.flag));
        let first: HashMap<usize, FlagKind> = flags
            .iter()
            .rev()
            .filter_map(|flag| Some((flag.step?, flag.flag)))
            .collect();
        let facts = |(step, at): (&Step, usize)| Facts {
            component: behaviour.components.get(at).copied().flatten(),
            flag: first.get(&at).copied(),
            class: step.class(),
            has_error: step.has_error(),
            is_edit: step
                .actions
                .iter()
                .any(|action| action.class == ActionClass::Edit),
            is_test: step.actions.iter().any(understand::is_test_run),
        };
        Self {
            steps: trajectory.steps.iter().zip(0..).map(facts).collect(),
            flags,
            meanings: trajectory
                .steps
                .iter()
                .map(understand::step_meaning)
                .collect(),
            children: trajectory
                .children
                .iter()
                .map(|child| Self::of(&child.trajectory, chosen, cancel))
                .collect(),
        }
    }

    /// What the page of a subject of a child tells besides the step itself.
    pub fn told(&self, path: &[usize], subject: Subject) -> Told {
        let (Some(inner), Subject::Step(StepIx(step))) = (self.inner(path), subject) else {
            return Told::default();
        };
        let flags = inner.flags.iter().filter(|flag| flag.step == Some(step));
        Told {
            component: inner.steps.get(step).and_then(|facts| facts.component),
            flags: flags.cloned().collect(),
        }
    }

    /// The outline of a child's child.
    pub fn inner(&self, path: &[usize]) -> Option<&Self> {
        path.iter()
            .try_fold(self, |outline, ix| outline.children.get(*ix))
    }
}

/// How the list is ordered and narrowed.
#[derive(Debug, Clone)]
pub struct Arrangement {
    /// What to sort by.
    pub key: SortKey,
    /// Largest first.
    pub is_descending: bool,
    /// Typed letters; empty for all rows.
    pub narrow: String,
    /// The query that records have to answer; `None` for all rows.
    pub filter: Option<Arc<Selector>>,
    /// Which records, and in which order where `key` is the order of the inputs; `None` for all.
    pub queue: Option<Queue>,
    /// Of those, only these records; `None` for all.
    pub picked: Option<Picked>,
}

/// Records that were picked elsewhere: a line of the statistics.
#[derive(Debug, Clone, PartialEq)]
pub struct Picked {
    /// What they have in common, cleaned.
    pub words: String,
    /// They have a verdict, an outcome or a decision in common.
    pub tells_verdicts: bool,
    /// The records.
    pub records: Arc<Vec<u32>>,
}

impl Default for Arrangement {
    fn default() -> Self {
        Self {
            key: SortKey::Source,
            is_descending: false,
            narrow: String::new(),
            filter: None,
            queue: None,
            picked: None,
        }
    }
}

impl PartialEq for Arrangement {
    /// Queries are the same when their words are: relative dates move on only when a query is typed again.
    fn eq(&self, other: &Self) -> bool {
        let text = |how: &Self| how.filter.as_ref().map(|filter| filter.text().to_owned());
        self.key == other.key
            && self.is_descending == other.is_descending
            && self.narrow == other.narrow
            && self.queue == other.queue
            && text(self) == text(other)
    }
}

impl Arrangement {
    /// Whether it shows all records.
    pub fn is_whole(&self) -> bool {
        self.narrow.is_empty()
            && self.filter.is_none()
            && self.queue.is_none()
            && self.picked.is_none()
    }

    /// Whether it leaves all rows where they are.
    pub fn is_plain(&self) -> bool {
        self.key == SortKey::Source && !self.is_descending && self.is_whole()
    }

    /// Whether it asks what came of replays.
    pub fn asks_replays(&self) -> bool {
        let filter = self.filter.as_ref();
        let queue = self.queue.as_ref().and_then(|queue| queue.query.as_ref());
        self.key == SortKey::Replay
            || queue.is_some()
            || filter.is_some_and(|filter| filter.needs().replays)
    }

    /// Whether rows have to be judged for it.
    pub fn needs_verdicts(&self) -> bool {
        let filter = self.filter.as_ref();
        self.key.needs_verdicts() || filter.is_some_and(|filter| filter.needs().verdicts)
    }
}

/// Rows in the order in which they are shown.
#[derive(Debug, Clone, Default)]
pub enum Order {
    /// As they stand in the inputs.
    #[default]
    Plain,
    /// These records.
    Listed(Arc<Vec<u32>>),
}

impl Order {
    /// How many rows are shown of `all`.
    pub fn len(&self, all: usize) -> usize {
        match self {
            Self::Plain => all,
            Self::Listed(list) => list.len(),
        }
    }

    /// The record at a place.
    pub fn record(&self, place: usize, all: usize) -> Option<RecordIx> {
        match self {
            Self::Plain => (place < all).then_some(RecordIx(place)),
            Self::Listed(list) => list.get(place).map(|ix| RecordIx(*ix as usize)),
        }
    }
}

/// Rows as they were arranged.
#[derive(Debug, Clone, Default)]
pub struct Arranged {
    /// Their order.
    pub order: Order,
    /// The place of the record that was to be kept.
    pub place: Option<usize>,
    /// Records that the queue chose among the attempts of their tasks.
    pub best: Arc<HashSet<u32>>,
    /// Records that the queries have been asked about, while they are not through.
    pub asked: Option<usize>,
}

/// Orders and narrows all rows, or those of a queue; `None` when cancelled. Rows that are not summarised yet sort by
/// nothing, match by the id that their first bytes show, and answer no query. Also finds the record `keep`; `me` is the
/// reviewer. While queries are asked, `tell` gets the records that were taken so far.
pub fn arrange(
    rows: &Rows,
    backing: &Backing<'_>,
    how: &Arrangement,
    (keep, me): (Option<RecordIx>, &Text),
    cancel: &Cancel,
    tell: &mut dyn FnMut(Arranged),
) -> Option<Arranged> {
    if how.is_plain() {
        return Some(Arranged {
            place: keep.map(|ix| ix.0),
            ..Arranged::default()
        });
    }
    let asking = Asking {
        rows,
        backing,
        me,
        cancel,
    };
    let (mut taken, best) = if let Some(queue) = &how.queue {
        queues::run(&asking, queue)?
    } else {
        let all = u32::try_from(rows.len()).unwrap_or(u32::MAX);
        ((0..all).collect(), HashSet::new())
    };
    if let Some(picked) = &how.picked {
        let picked: HashSet<u32> = picked.records.iter().copied().collect();
        taken.retain(|ix| picked.contains(ix));
    }
    let best = Arc::new(best);
    let laid_out = |taken: Vec<u32>, asked: Option<usize>| {
        let list = sorted(
            rows,
            narrowed(rows, backing.store, &how.narrow, taken, cancel)?,
            how,
        );
        let place = keep.and_then(|keep| list.iter().position(|ix| *ix as usize == keep.0));
        (!cancel.is_cancelled()).then(|| Arranged {
            order: Order::Listed(Arc::new(list)),
            place,
            best: Arc::clone(&best),
            asked,
        })
    };
    if let Some(filter) = &how.filter {
        taken = asking.taken(filter, &taken, &mut |so_far, asked| {
            if let Some(arranged) = laid_out(so_far.to_vec(), Some(asked)) {
                tell(arranged);
            }
        })?;
    }
    laid_out(taken, None)
}

/// The rows in their order.
fn sorted(rows: &Rows, mut list: Vec<u32>, how: &Arrangement) -> Vec<u32> {
    if how.key == SortKey::Source {
        if how.is_descending {
            list.reverse();
        }
        return list;
    }
    let unknown = Summary::default();
    let row = |ix: u32| rows.get(RecordIx(ix as usize));
    let sorted = |ix: u32| Sorted {
        summary: row(ix).map_or(&unknown, Arc::as_ref),
        verdicts: rows.marks(RecordIx(ix as usize)).map(Marks::verdicts),
        decision: rows
            .voices(RecordIx(ix as usize))
            .and_then(|voices| voices.mine.as_ref()?.decision)
            .map(Choice::verdict),
        replayed: rows.replayed(RecordIx(ix as usize)).map(Brief::rank),
    };
    list.sort_by(|a, b| {
        let is_known = row(*b).is_some().cmp(&row(*a).is_some());
        is_known.then_with(|| how.key.compare(sorted(*a), sorted(*b), how.is_descending))
    });
    list
}

/// The rows that match what was typed, the best first; all of them as they are where nothing was.
fn narrowed(
    rows: &Rows,
    store: &Store,
    typed: &str,
    list: Vec<u32>,
    cancel: &Cancel,
) -> Option<Vec<u32>> {
    let narrow = Narrow::new(typed);
    if narrow.is_empty() {
        return Some(list);
    }
    let mut scored: Vec<(i64, u32)> = Vec::new();
    for (at, small) in list.into_iter().enumerate() {
        if at.is_multiple_of(4096) && cancel.is_cancelled() {
            return None;
        }
        let ix = RecordIx(small as usize);
        if let Some(score) = score(&narrow, rows.get(ix), store, ix) {
            scored.push((score, small));
        }
    }
    let best = scored.iter().map(|(score, _)| *score).max().unwrap_or(0);
    scored.retain(|(score, _)| Narrow::is_close(*score, best));
    // stable: among equals the order stays
    scored.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    Some(scored.into_iter().map(|(_, ix)| ix).collect())
}

fn score(narrow: &Narrow, row: Option<&Arc<Summary>>, store: &Store, ix: RecordIx) -> Option<i64> {
    let path = store
        .entry(ix)
        .map(|entry| entry.path.to_string_lossy().into_owned())
        .unwrap_or_default();
    let Some(row) = row else {
        let id = store.peek_id(ix).unwrap_or_default();
        return narrow.score(&[(Field::Id, &id), (Field::Path, &path)]);
    };
    narrow.score(&[
        (Field::Id, &row.id),
        (Field::TaskType, row.task_kind.map_or("", TaskKind::name)),
        (Field::Model, row.model.as_deref().unwrap_or_default()),
        (Field::Format, row.format.map_or("", Format::name)),
        (Field::Path, &path),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_grow_and_fill_across_chunks() {
        let mut rows = Rows::default();
        rows.grow(Rows::CHUNK + 5);
        let before = rows.clone();
        rows.set(
            RecordIx(Rows::CHUNK + 2),
            Summary {
                id: "x".into(),
                ..Summary::default()
            },
        );
        rows.grow(3 * Rows::CHUNK);
        assert_eq!((rows.len(), rows.known()), (3 * Rows::CHUNK, 1));
        assert_eq!(
            rows.get(RecordIx(Rows::CHUNK + 2)).map(|r| r.id.as_str()),
            Some("x")
        );
        assert!(
            before.get(RecordIx(Rows::CHUNK + 2)).is_none(),
            "a snapshot does not change"
        );
        assert!(rows.get(RecordIx(3 * Rows::CHUNK)).is_none());
    }
}
