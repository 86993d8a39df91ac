//! Which tasks have an attempt among the records. Counted once beside the screen, when all rows are known; kept up to date
//! from then on by looking at the rows that change.
//!
//! A task is known by a hash of its name, and nothing is held of what attempts it: of ten million attempts at a million
//! tasks a million numbers are. An attempt is at the task whose file would be joined with it.

use std::collections::HashMap;
use std::hash::BuildHasher as _;
use std::hash::RandomState;

use crate::cancel::Cancel;
use crate::model::RecordIx;
use crate::model::Summary;
use crate::read::side::names_of;
use crate::ui::data::Rows;
use crate::ui::data::bits::Bits;

/// What a row says here.
#[derive(Debug, Clone)]
enum Said {
    /// It is the task of this name.
    Task(u64),
    /// It attempts a task: the first of these names that is one's.
    Attempt(Vec<u64>),
}

/// A task.
#[derive(Debug, Clone, Copy, Default)]
struct Seat {
    attempts: u32,
    /// Its first record as a task; others of the same name are passed over.
    task: Option<u32>,
}

/// Attempts by task.
#[derive(Debug, Clone, Default)]
pub struct Census {
    seats: HashMap<u64, Seat>,
    /// The tasks without an attempt.
    untried: Bits,
}

impl Census {
    /// Counts all rows; `None` when cancelled. Remembers nothing of attempts at what is no task of theirs.
    pub fn of(rows: &Rows, names: &RandomState, cancel: &Cancel) -> Option<Self> {
        let mut census = Self::default();
        // an attempt is told by the tasks that there are, wherever these stand
        for is_task in [true, false] {
            let ixs = (0..rows.len()).map(RecordIx);
            for ix in ixs.filter(|ix| rows.is_task(*ix) == is_task) {
                if ix.0.is_multiple_of(4096) && cancel.is_cancelled() {
                    return None;
                }
                let Some(said) = rows.get(ix).and_then(|row| said(names, &row)) else {
                    continue;
                };
                if let Said::Task(name) = said {
                    census.seats.entry(name).or_default();
                }
                census.add(ix, &said);
            }
        }
        census.seats.shrink_to_fit();
        Some(census)
    }

    /// Takes a row in that came; `false` for a task whose attempts were not counted.
    fn add(&mut self, ix: RecordIx, said: &Said) -> bool {
        match said {
            Said::Task(name) => {
                let Some(seat) = self.seats.get_mut(name) else {
                    return false;
                };
                if seat.task.is_none() {
                    seat.task = u32::try_from(ix.0).ok();
                    self.untried.set(ix, seat.attempts == 0);
                }
            }
            Said::Attempt(names) => {
                if let Some(seat) = self.attempted(names) {
                    seat.attempts += 1;
                    let task = of(seat.task);
                    self.untried.set(task, false);
                }
            }
        }
        true
    }

    /// Lets go of a row that is no longer so.
    fn take(&mut self, ix: RecordIx, said: &Said) {
        match said {
            Said::Task(name) => {
                let seat = self.seats.get_mut(name);
                if let Some(seat) = seat.filter(|seat| of(seat.task) == ix) {
                    seat.task = None;
                    self.untried.set(ix, false);
                }
            }
            Said::Attempt(names) => {
                if let Some(seat) = self.attempted(names) {
                    seat.attempts = seat.attempts.saturating_sub(1);
                    if seat.attempts == 0 && seat.task.is_some() {
                        let task = of(seat.task);
                        self.untried.set(task, true);
                    }
                }
            }
        }
    }

    /// The task that an attempt of these names is at.
    fn attempted(&mut self, names: &[u64]) -> Option<&mut Seat> {
        let name = names.iter().find(|name| self.seats.contains_key(name))?;
        self.seats.get_mut(name)
    }
}

/// The record of a task, or one that there is not.
fn of(task: Option<u32>) -> RecordIx {
    RecordIx(task.map_or(usize::MAX, |ix| ix as usize))
}

fn said(names: &RandomState, row: &Summary) -> Option<Said> {
    if row.is_task() {
        return Some(Said::Task(names.hash_one(row.task_name())));
    }
    let ids = row.task_id.iter().chain([&row.id]);
    let hashes = ids.flat_map(|id| names_of(id)).map(|id| names.hash_one(id));
    row.is_attempt().then(|| Said::Attempt(hashes.collect()))
}

/// A row that is another one now: what it said before, and what it says.
type Turn = (RecordIx, Option<Said>, Option<Said>);

/// The census as it is kept.
#[derive(Debug, Default)]
pub struct Tried {
    names: RandomState,
    census: Option<Census>,
    /// A count is under way: what changed since it began.
    since: Option<Vec<Turn>>,
}

impl Tried {
    /// By which names are hashed, for [`Census::of`].
    pub fn names(&self) -> &RandomState {
        &self.names
    }

    /// Whether rows that change have to be told.
    pub fn is_kept(&self) -> bool {
        self.census.is_some() || self.since.is_some()
    }

    /// Takes note that all rows as they are now are being counted.
    pub fn begin(&mut self) {
        self.since = Some(Vec::new());
    }

    /// Takes what was counted. `false` when something came meanwhile that wants another count.
    pub fn counted(&mut self, census: Census) -> bool {
        self.census = Some(census);
        let since = self.since.take().unwrap_or_default();
        since.into_iter().all(|turn| self.turn(turn))
    }

    /// Takes note of a row that came, changed or is gone. `false` when it wants another count: it is a task whose attempts
    /// were passed over.
    pub fn changed(&mut self, ix: RecordIx, old: Option<&Summary>, new: Option<&Summary>) -> bool {
        let told = |row: Option<&Summary>| row.and_then(|row| said(&self.names, row));
        let turn = (ix, told(old), told(new));
        match &mut self.since {
            Some(since) => {
                since.push(turn);
                true
            }
            None => self.turn(turn),
        }
    }

    fn turn(&mut self, (ix, old, new): Turn) -> bool {
        let Some(census) = &mut self.census else {
            return true;
        };
        if let Some(old) = old {
            census.take(ix, &old);
        }
        let is_counted = new.is_none_or(|new| census.add(ix, &new));
        if !is_counted {
            self.census = None;
        }
        is_counted
    }

    /// Whether a count is under way.
    pub fn is_counting(&self) -> bool {
        self.since.is_some()
    }

    /// The record of the task of this name.
    pub fn task(&self, name: &str) -> Option<RecordIx> {
        let seat = self
            .census
            .as_ref()?
            .seats
            .get(&self.names.hash_one(name))?;
        Some(of(Some(seat.task?)))
    }

    /// The tasks without an attempt; `None` while they are not counted.
    pub fn untried(&self) -> Option<&Bits> {
        self.census.as_ref().map(|census| &census.untried)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Format;

    fn row(id: &str, is_task: bool) -> Summary {
        let format = if is_task { Format::Task } else { Format::Chat };
        Summary {
            id: id.to_owned(),
            task_id: Some(id.to_owned()),
            format: Some(format),
            ..Summary::default()
        }
    }

    fn rows(all: &[(&str, bool)]) -> Rows {
        let mut rows = Rows::default();
        for (ix, (id, is_task)) in all.iter().enumerate() {
            rows.set(RecordIx(ix), row(id, *is_task));
        }
        rows
    }

    fn counted(rows: &Rows, tried: &mut Tried) {
        tried.begin();
        let census = Census::of(rows, tried.names(), &Cancel::new());
        assert!(tried.counted(census.unwrap()));
    }

    #[track_caller]
    fn check(tried: &Tried, untried: &[usize]) {
        let bits = tried.untried().unwrap();
        let found: Vec<usize> = (0..20).filter(|ix| bits.has(RecordIx(*ix))).collect();
        assert_eq!(found, untried);
        assert_eq!(bits.count(), untried.len());
    }

    #[test]
    fn attempts_come_change_and_go() {
        let rows = rows(&[("a", false), ("a", true), ("b", true), ("x", false)]);
        let mut tried = Tried::default();
        counted(&rows, &mut tried);
        check(&tried, &[2]);
        let (of_a, of_b) = (row("a", false), row("b", false));
        assert!(tried.changed(RecordIx(4), None, Some(&of_b)));
        assert!(tried.changed(RecordIx(5), None, Some(&of_b)));
        check(&tried, &[]);
        assert!(tried.changed(RecordIx(0), Some(&of_a), Some(&of_b)));
        check(&tried, &[1]);
        for ix in [0, 4, 5] {
            assert!(tried.changed(RecordIx(ix), Some(&of_b), None));
        }
        check(&tried, &[1, 2]);
        assert!(tried.changed(RecordIx(2), Some(&row("b", true)), None));
        check(&tried, &[1]);
    }

    #[test]
    fn what_came_during_a_count_counts() {
        let rows = rows(&[("a", true), ("b", true)]);
        let mut tried = Tried::default();
        tried.begin();
        let census = Census::of(&rows, tried.names(), &Cancel::new()).unwrap();
        assert!(tried.changed(RecordIx(2), None, Some(&row("b", false))));
        assert!(tried.untried().is_none());
        assert!(tried.counted(census));
        check(&tried, &[0]);
    }

    #[test]
    fn a_task_of_passed_over_attempts_is_counted_again() {
        let mut all = rows(&[("a", true), ("x", false)]);
        let mut tried = Tried::default();
        counted(&all, &mut tried);
        assert!(!tried.changed(RecordIx(2), None, Some(&row("x", true))));
        assert!(tried.untried().is_none() && !tried.is_kept());
        all.set(RecordIx(2), row("x", true));
        counted(&all, &mut tried);
        check(&tried, &[0]);
    }

    #[test]
    fn of_tasks_of_one_name_the_first_is_told() {
        let rows = rows(&[("a", true), ("a", true)]);
        let mut tried = Tried::default();
        counted(&rows, &mut tried);
        check(&tried, &[0]);
        assert_eq!(tried.task("a"), Some(RecordIx(0)));
        assert_eq!(tried.task("b"), None);
    }

    #[test]
    fn an_attempt_may_have_more_behind_the_name_of_its_task() {
        let rows = rows(&[("a_0", false), ("a", true), ("b_0", true), ("b_0", false)]);
        let mut tried = Tried::default();
        counted(&rows, &mut tried);
        check(&tried, &[]);
    }
}
