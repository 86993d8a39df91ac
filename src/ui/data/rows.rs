//! What is known of the records: their rows of the list, what filters and people say of them, what came of replays.
//!
//! Ten million records are planned for. A row takes hundreds of bytes as it is, so that rows are kept packed, a chunk at
//! a time, and those that were looked at last as they are; going through them in their order unpacks each chunk once. What
//! may be said of few is kept for few.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use crate::model::ContentHash;
use crate::model::RecordIx;
use crate::model::Summary;
use crate::model::Verdict;
use crate::query::sort::Verdicts;
use crate::replay::results::Brief;
use crate::store::pack_rows;
use crate::store::unpack_rows;
use crate::ui::data::bits::Bits;
use crate::ui::data::desk::Hashes;
use crate::ui::data::desk::Voices;
use crate::ui::data::sparse::Sparse;
use crate::ui::page::disagree;

/// What the filters say of a record, in brief; the evidence is made again where it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marks {
    /// The published evaluators.
    pub published: Verdict,
    /// By syntax.
    pub strict: Verdict,
    /// Something was observed that is worth a look, whatever the verdicts.
    pub is_flagged: bool,
}

impl Marks {
    /// Whether one set of rules accepts what the other rejects.
    pub fn disagree(self) -> bool {
        disagree(self.published, self.strict)
    }

    /// Both verdicts, for sorting.
    pub fn verdicts(self) -> Verdicts {
        Verdicts {
            published: self.published,
            strict: self.strict,
        }
    }
}

/// What judging told of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marked {
    /// The record.
    pub ix: RecordIx,
    /// Its content, by which decisions know it.
    pub hash: ContentHash,
    /// What the filters say of it.
    pub marks: Marks,
}

/// The rows of records that lie together.
#[derive(Debug, Clone)]
enum Chunk {
    /// Some are not known yet.
    Open(Vec<Option<Arc<Summary>>>),
    /// All are.
    Packed(Box<[u8]>),
}

impl Default for Chunk {
    fn default() -> Self {
        Self::Open(Vec::new())
    }
}

#[derive(Debug, Clone, Default)]
struct Held {
    chunk: Arc<Chunk>,
    /// Rows of it that are known.
    known: usize,
    /// Moves on whenever a row that was known is another.
    version: u32,
}

impl Held {
    /// Packs the rows where all are known.
    fn pack(&mut self) {
        if self.known == Rows::CHUNK
            && let Chunk::Open(rows) = &*self.chunk
            && let Some(packed) = pack_rows(rows.iter().flatten().map(Arc::as_ref))
        {
            self.chunk = Arc::new(Chunk::Packed(packed));
        }
    }
}

/// The chunks that were unpacked last.
#[derive(Debug, Default)]
struct Recent(Mutex<VecDeque<(Arc<Chunk>, Unpacked)>>);

type Unpacked = Arc<Vec<Arc<Summary>>>;

impl Clone for Recent {
    /// Whoever goes through all rows does not take the place of those that are in sight.
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Recent {
    /// So many are kept.
    const CHUNKS: usize = 12;

    fn lock(&self) -> MutexGuard<'_, VecDeque<(Arc<Chunk>, Unpacked)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self, chunk: &Arc<Chunk>) -> Option<Unpacked> {
        let mut recent = self.lock();
        let at = recent
            .iter()
            .rposition(|(known, _)| Arc::ptr_eq(known, chunk))?;
        let found = recent.remove(at)?;
        let rows = Arc::clone(&found.1);
        recent.push_back(found);
        Some(rows)
    }

    fn of(&self, chunk: &Arc<Chunk>, packed: &[u8]) -> Option<Unpacked> {
        if let Some(rows) = self.known(chunk) {
            return Some(rows);
        }
        let rows = unpack_rows(packed)?.into_iter().map(Arc::new);
        let rows: Unpacked = Arc::new(rows.collect());
        let mut recent = self.lock();
        if recent.len() == Self::CHUNKS {
            recent.pop_front();
        }
        recent.push_back((Arc::clone(chunk), Arc::clone(&rows)));
        Some(rows)
    }
}

/// Summaries and marks of all records, as far as they are known. A clone shares its chunks; filling in copies at most
/// one.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    chunks: Vec<Held>,
    recent: Recent,
    marks: Sparse<Marks>,
    voices: Sparse<Arc<Voices>>,
    replays: Arc<HashMap<ContentHash, Brief>>,
    /// Those that are tasks, no attempts.
    tasks: Bits,
    /// Of these, those without an attempt.
    untried: Bits,
    /// Moves on when a record comes, turns out to be a task or none, or a task gets its first attempt.
    shape: u64,
    /// Of a snapshot.
    hashes: Hashes,
    len: usize,
    known: usize,
    marked: usize,
    /// The chunk that was written to last: it stays open, so that a pass over its rows packs it once.
    writing: usize,
}

impl Rows {
    const CHUNK: usize = 256;

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

    /// These rows with contents of records.
    #[must_use]
    pub fn with(&self, hashes: Hashes) -> Self {
        Self {
            hashes,
            ..self.clone()
        }
    }

    /// The contents of the records, where these rows have them: see [`Rows::with`].
    pub fn hashes(&self) -> &Hashes {
        &self.hashes
    }

    /// Makes room for `len` records; never shrinks.
    pub fn grow(&mut self, len: usize) {
        if self.len < len {
            self.len = len;
            self.shape += 1;
            self.chunks
                .resize_with(len.div_ceil(Self::CHUNK), Held::default);
        }
    }

    /// The summary of a record, where it is known. Asked in the order of the records this is quick.
    pub fn get(&self, ix: RecordIx) -> Option<Arc<Summary>> {
        let held = self.chunks.get(ix.0 / Self::CHUNK)?;
        let at = ix.0 % Self::CHUNK;
        match &*held.chunk {
            Chunk::Open(rows) => rows.get(at)?.clone(),
            Chunk::Packed(packed) => self.recent.of(&held.chunk, packed)?.get(at).cloned(),
        }
    }

    /// Whether the summary of a record is known.
    pub fn knows(&self, ix: RecordIx) -> bool {
        let held = self.chunks.get(ix.0 / Self::CHUNK);
        held.is_some_and(|held| match &*held.chunk {
            Chunk::Open(rows) => rows.get(ix.0 % Self::CHUNK).is_some_and(Option::is_some),
            Chunk::Packed(_) => true,
        })
    }

    /// Is another when the record was read anew; may be also where others were.
    pub fn version(&self, ix: RecordIx) -> u32 {
        let held = self.chunks.get(ix.0 / Self::CHUNK);
        held.map_or(0, |held| held.version)
    }

    /// Whether a record is a task, no attempt; as far as it is summarised.
    pub fn is_task(&self, ix: RecordIx) -> bool {
        self.tasks.has(ix)
    }

    /// How many are.
    pub fn tasks(&self) -> usize {
        self.tasks.count()
    }

    /// The records that are tasks.
    pub fn task_bits(&self) -> &Bits {
        &self.tasks
    }

    /// How many records may be attempts: all that are not known to be tasks.
    pub fn attempts(&self) -> usize {
        self.len - self.tasks.count()
    }

    /// Whether some of the records that are known are tasks, and others are none.
    pub fn has_both(&self) -> bool {
        let tasks = self.tasks.count();
        tasks > 0 && tasks < self.known
    }

    /// Whether a record is a task without an attempt, as far as attempts are counted.
    pub fn is_untried(&self, ix: RecordIx) -> bool {
        self.untried.has(ix)
    }

    /// How many are.
    pub fn untried(&self) -> usize {
        self.untried.count()
    }

    /// How many are shown where nothing keeps them out: tasks beside attempts only while they have none.
    pub fn shown(&self) -> usize {
        if self.has_both() {
            self.attempts() + self.untried()
        } else {
            self.len
        }
    }

    /// Takes which tasks have no attempt.
    pub fn set_untried(&mut self, untried: &Bits) {
        if !self.untried.is_same(untried) {
            self.untried = untried.clone();
            self.shape += 1;
        }
    }

    /// Is another when other rows are shown where nothing keeps them out.
    pub fn shape(&self) -> u64 {
        self.shape
    }

    /// Fills in a summary, in place of an older one.
    pub fn set(&mut self, ix: RecordIx, summary: Summary) {
        self.grow(ix.0 + 1);
        self.put(ix, Some(Arc::new(summary)));
    }

    /// Forgets a summary that is out of date, and what the filters said.
    pub fn forget(&mut self, ix: RecordIx) {
        self.put(ix, None);
        self.marked -= usize::from(self.marks.set(ix, None).is_some());
    }

    fn put(&mut self, ix: RecordIx, row: Option<Arc<Summary>>) {
        let had_both = self.has_both();
        let is_task = row.as_ref().is_some_and(|row| row.is_task());
        let is_other = self.tasks.set(ix, is_task);
        if is_task {
            self.marked -= usize::from(self.marks.set(ix, None).is_some());
        }
        self.put_row(ix, row);
        self.shape += u64::from(is_other || had_both != self.has_both());
    }

    fn put_row(&mut self, ix: RecordIx, row: Option<Arc<Summary>>) {
        let at = ix.0 / Self::CHUNK;
        if at != self.writing {
            if let Some(left) = self.chunks.get_mut(self.writing) {
                left.pack();
            }
            self.writing = at;
        }
        let Some(held) = self.chunks.get_mut(at) else {
            return;
        };
        if let Chunk::Packed(packed) = &*held.chunk {
            let rows = unpack_rows(packed).unwrap_or_default();
            let rows = rows.into_iter().map(|row| Some(Arc::new(row)));
            held.chunk = Arc::new(Chunk::Open(rows.collect()));
        }
        let Chunk::Open(rows) = Arc::make_mut(&mut held.chunk) else {
            return;
        };
        let at = ix.0 % Self::CHUNK;
        if rows.len() <= at {
            rows.resize(at + 1, None);
        }
        let Some(slot) = rows.get_mut(at) else {
            return;
        };
        let is_known = row.is_some();
        let was_known = std::mem::replace(slot, row).is_some();
        held.version = held.version.wrapping_add(u32::from(was_known));
        held.known = held.known + usize::from(is_known) - usize::from(was_known);
        self.known = self.known + usize::from(is_known) - usize::from(was_known);
    }

    /// How many of them are judged.
    pub fn marked(&self) -> usize {
        self.marked
    }

    /// What the filters say of a record, where it is known.
    pub fn marks(&self, ix: RecordIx) -> Option<Marks> {
        self.marks.get(ix).copied()
    }

    /// Whether everything that can be is judged.
    pub fn are_all_marked(&self) -> bool {
        self.marked >= self.attempts()
    }

    /// Fills in what the filters say of a record, in place of what they said before. Of a task they say nothing.
    pub fn set_marks(&mut self, ix: RecordIx, marks: Marks) {
        if self.is_task(ix) {
            return;
        }
        let before = self.marks.set(ix, Some(marks));
        self.marked += usize::from(before.is_none());
    }

    /// Forgets what the filters said of all records: what they judge by has changed.
    pub fn forget_marks(&mut self) {
        self.marks = Sparse::default();
        self.marked = 0;
    }

    /// What came of a record's last replay, where there was one and these rows know the record's content: see
    /// [`Rows::with`].
    pub fn replayed(&self, ix: RecordIx) -> Option<&Brief> {
        self.replay_of(*self.hashes.get(ix)?)
    }

    /// What came of the last replay of a record with this content.
    pub fn replay_of(&self, record: ContentHash) -> Option<&Brief> {
        self.replays.get(&record)
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
        self.voices.get(ix)
    }

    /// Fills in what people say of a record, or that nobody says anything any more.
    pub fn set_voices(&mut self, ix: RecordIx, voices: Option<Arc<Voices>>) {
        drop(self.voices.set(ix, voices));
    }

    /// Exchanges what people say of all records for what the other rows hold.
    pub fn swap_voices(&mut self, other: &mut Self) {
        std::mem::swap(&mut self.voices, &mut other.voices);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: usize) -> Summary {
        Summary {
            id: id.to_string(),
            ..Summary::default()
        }
    }

    fn id(rows: &Rows, ix: usize) -> Option<String> {
        rows.get(RecordIx(ix)).map(|row| row.id.clone())
    }

    #[test]
    fn rows_grow_and_fill_across_chunks() {
        let mut rows = Rows::default();
        rows.grow(Rows::CHUNK + 5);
        let before = rows.clone();
        rows.set(RecordIx(Rows::CHUNK + 2), row(7));
        rows.grow(3 * Rows::CHUNK);
        assert_eq!((rows.len(), rows.known()), (3 * Rows::CHUNK, 1));
        assert_eq!(id(&rows, Rows::CHUNK + 2).as_deref(), Some("7"));
        assert_eq!(
            id(&before, Rows::CHUNK + 2),
            None,
            "a snapshot does not change"
        );
        assert_eq!(id(&rows, 3 * Rows::CHUNK), None);
    }

    #[test]
    fn packed_rows_are_there_and_change() {
        let mut rows = Rows::default();
        let all = 20 * Rows::CHUNK;
        for ix in 0..all {
            rows.set(RecordIx(ix), row(ix));
        }
        // what was written to last stays open until something else is
        let leave = |rows: &mut Rows| rows.forget(RecordIx(all));
        rows.grow(all + 1);
        leave(&mut rows);
        let packed = |rows: &Rows| {
            let chunks = rows.chunks.iter();
            chunks
                .filter(|held| matches!(*held.chunk, Chunk::Packed(_)))
                .count()
        };
        assert_eq!(packed(&rows), 20);
        for ix in (0..all).rev() {
            assert_eq!(id(&rows, ix), Some(ix.to_string()));
        }
        let before = rows.clone();
        let changed = RecordIx(Rows::CHUNK + 1);
        let version = rows.version(changed);
        rows.forget(changed);
        assert_eq!((rows.known(), packed(&rows)), (all - 1, 19));
        assert!(!rows.knows(changed) && rows.knows(RecordIx(changed.0 + 1)));
        rows.set(changed, row(0));
        leave(&mut rows);
        assert_eq!((rows.known(), packed(&rows)), (all, 20));
        assert_eq!(id(&rows, changed.0).as_deref(), Some("0"));
        assert_eq!(id(&rows, changed.0 + 1), Some((changed.0 + 1).to_string()));
        assert_ne!(rows.version(changed), version);
        assert_eq!(id(&before, changed.0), Some(changed.0.to_string()));
    }

    #[test]
    fn marks_count_once() {
        let mut rows = Rows::default();
        let marks = Marks {
            published: Verdict::Accept,
            strict: Verdict::Reject,
            is_flagged: false,
        };
        rows.grow(3000);
        for _ in 0..2 {
            rows.set_marks(RecordIx(2500), marks);
        }
        assert_eq!(
            (rows.marked(), rows.marks(RecordIx(2500))),
            (1, Some(marks))
        );
        rows.forget(RecordIx(2500));
        assert_eq!((rows.marked(), rows.marks(RecordIx(2500))), (0, None));
    }
}
