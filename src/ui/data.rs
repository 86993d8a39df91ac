//! What is loaded: the rows of the list, in chunks that workers can hold without copying them, and their arrangement.

mod answers;
mod bits;
pub mod desk;
mod order;
pub mod queues;
mod rows;
pub mod runs;
mod sparse;
mod tried;

use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::Arc;

use rayon::iter::ParallelIterator as _;
use rayon::slice::ParallelSlice as _;
use rayon::slice::ParallelSliceMut as _;

use crate::behave;
use crate::behave::flags::Chosen;
use crate::cancel::Cancel;
use crate::model::ActionClass;
use crate::model::Component;
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
use crate::query::fuzzy::Field;
use crate::query::fuzzy::Narrow;
use crate::query::sort::SortKey;
use crate::query::sort::Sorted;
use crate::read::understand;
use crate::replay::results::Brief;
use crate::review::Choice;
use crate::review::queue::Queue;
use crate::select::Selector;
use crate::store::Store;
use crate::tasks::TaskPlace;
use crate::tasks::places;
use crate::ui::data::answers::Asking;
use crate::ui::data::desk::Desk;
use crate::ui::data::desk::DeskOptions;
use crate::ui::data::order::Stretches;
use crate::ui::page::Subject;
use crate::ui::page::Told;

pub use crate::ui::data::answers::Answers;
pub use crate::ui::data::answers::Backing;
pub use crate::ui::data::bits::Bits;
pub use crate::ui::data::order::Order;
pub use crate::ui::data::rows::Marked;
pub use crate::ui::data::rows::Marks;
pub use crate::ui::data::rows::Rows;
pub use crate::ui::data::tried::Census;
pub use crate::ui::data::tried::Tried;

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
    /// Which tasks have an attempt.
    pub tried: Tried,
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
            tried: Tried::default(),
        }
    }
}

impl Data {
    /// Fills in the summary of a record, in place of an older one.
    pub fn set_row(&mut self, ix: RecordIx, row: Summary) {
        if self.tried.is_kept() {
            let old = self.rows.get(ix);
            // where it wants another count, that is asked for once all rows are known
            let _is_counted = self.tried.changed(ix, old.as_deref(), Some(&row));
        }
        self.rows.set(ix, row);
    }

    /// Forgets the summary of a record that changed.
    pub fn forget_row(&mut self, ix: RecordIx) {
        if self.tried.is_kept() {
            let old = self.rows.get(ix);
            let _is_counted = self.tried.changed(ix, old.as_deref(), None);
        }
        self.rows.forget(ix);
    }

    /// Whether attempts at tasks are to be counted: there are tasks, all rows are known, and nobody has done it.
    pub fn wants_census(&self) -> bool {
        let is_all = self.scan.is_complete && self.rows.known() == self.rows.len();
        is_all && self.rows.tasks() > 0 && !self.tried.is_kept()
    }

    /// Lets the rows know which tasks have no attempt, as far as these are counted.
    pub fn tell_untried(&mut self) {
        if let Some(untried) = self.tried.untried() {
            self.rows.set_untried(untried);
        }
    }

    /// What the filters say of a record, where it is known and not hidden until one has decided.
    pub fn marks(&self, ix: RecordIx) -> Option<Marks> {
        self.rows.marks(ix).filter(|_| !self.desk.hides(ix))
    }

    /// What came of a record's last replay, where there was one and the record's content is known.
    pub fn replayed(&self, ix: RecordIx) -> Option<&Brief> {
        self.rows.replay_of(self.desk.hash(ix)?)
    }

    /// The rows as they are, with the contents that are known, for work beside the screen.
    pub fn snapshot(&self) -> Rows {
        self.rows.with(self.desk.hashes().clone())
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
    /// The places that the task names.
    pub places: Vec<TaskPlace>,
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
        let task = trajectory.task.as_ref();
        Self {
            steps: trajectory.steps.iter().zip(0..).map(facts).collect(),
            flags,
            places: task.map(places).unwrap_or_default(),
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

/// The rows that are shown where nothing keeps them out, in the order of the inputs: all of them, unless there are tasks
/// beside attempts. Those of them that have one stand for nothing, as their attempts are there; the others come last.
pub fn shown(rows: &Rows, store: &Store) -> Order {
    let listed = store.listed_tasks();
    if listed.is_empty() && !rows.has_both() {
        return Order::Plain;
    }
    Order::Stretches(Arc::new(Stretches::of(rows, &listed)))
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
    let shown = shown(rows, backing.store);
    if how.is_plain() {
        return Some(Arranged {
            place: keep.and_then(|keep| shown.place_of(keep, rows.len())),
            order: shown,
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
        let records = match shown {
            Order::Stretches(stretches) => stretches.records(),
            _ => (0..all).collect(),
        };
        (records, HashSet::new())
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
        // asked in the order of the inputs, in which rows are together
        let order = taken;
        let mut asked_of = order.clone();
        asked_of.sort_unstable();
        let found = asking.taken(filter, &asked_of, &mut |so_far, asked| {
            if let Some(arranged) = laid_out(those_of(&order, so_far), Some(asked)) {
                tell(arranged);
            }
        })?;
        taken = those_of(&order, &found);
    }
    laid_out(taken, None)
}

/// The records of a list that are among these, which stand in the order of the inputs.
fn those_of(list: &[u32], found: &[u32]) -> Vec<u32> {
    let is_found = |ix: &&u32| found.binary_search(ix).is_ok();
    list.iter().filter(is_found).copied().collect()
}

/// The rows in their order.
fn sorted(rows: &Rows, mut list: Vec<u32>, how: &Arrangement) -> Vec<u32> {
    if how.key == SortKey::Source {
        if how.is_descending {
            list.reverse();
        }
        return list;
    }
    let mut ranked = in_turn(&list, |small| {
        let ix = RecordIx(small as usize);
        let summary = rows.get(ix)?;
        Some(
            how.key.rank(Sorted {
                summary: &summary,
                verdicts: rows.marks(ix).map(Marks::verdicts),
                decision: rows
                    .voices(ix)
                    .and_then(|voices| voices.mine.as_ref()?.decision)
                    .map(Choice::verdict),
                replayed: rows.replayed(ix).map(Brief::rank),
            }),
        )
    });
    ranked.par_sort_by(|(_, a), (_, b)| match (a, b) {
        (Some(a), Some(b)) => a.compare(b, how.is_descending),
        (a, b) => b.is_some().cmp(&a.is_some()),
    });
    ranked.into_iter().map(|(ix, _)| ix).collect()
}

/// What `of` says of each record of a list, in the order of the list; asked in the order of the inputs, in which rows
/// are together.
fn in_turn<T: Send>(list: &[u32], of: impl Fn(u32) -> T + Sync) -> Vec<(u32, T)> {
    /// Records that a thread looks at together.
    const TOGETHER: usize = 2048;
    let mut turns: Vec<(u32, usize)> = list.iter().copied().zip(0..).collect();
    turns.sort_unstable();
    let asked = turns
        .par_chunks(TOGETHER)
        .flat_map_iter(|turns| turns.iter().map(|(ix, turn)| (*turn, (*ix, of(*ix)))));
    let mut asked: Vec<(usize, (u32, T))> = asked.collect();
    asked.sort_unstable_by_key(|(turn, _)| *turn);
    asked.into_iter().map(|(_, said)| said).collect()
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
    let scored = in_turn(&list, |small| {
        // what comes of a pass that is given up is not used
        if cancel.is_cancelled() {
            return None;
        }
        let ix = RecordIx(small as usize);
        score(&narrow, rows.get(ix).as_deref(), store, ix)
    });
    if cancel.is_cancelled() {
        return None;
    }
    let scored = scored.into_iter();
    let mut scored: Vec<(i64, u32)> = scored
        .filter_map(|(ix, score)| Some((score?, ix)))
        .collect();
    let best = scored.iter().map(|(score, _)| *score).max().unwrap_or(0);
    scored.retain(|(score, _)| Narrow::is_close(*score, best));
    // stable: among equals the order stays
    scored.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    Some(scored.into_iter().map(|(_, ix)| ix).collect())
}

fn score(narrow: &Narrow, row: Option<&Summary>, store: &Store, ix: RecordIx) -> Option<i64> {
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
