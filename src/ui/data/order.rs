//! Rows in the order in which they are shown. Ten million of them take nothing where they stand as in the inputs, and next
//! to nothing where stretches of them do.

use std::ops::Range;
use std::sync::Arc;

use crate::model::RecordIx;
use crate::ui::data::Rows;

/// Rows in the order in which they are shown.
#[derive(Debug, Clone, Default)]
pub enum Order {
    /// As they stand in the inputs.
    #[default]
    Plain,
    /// Stretches of records, each as it stands in the inputs.
    Stretches(Arc<Stretches>),
    /// These records.
    Listed(Arc<Vec<u32>>),
}

impl Order {
    /// How many rows are shown of `all`.
    pub fn len(&self, all: usize) -> usize {
        match self {
            Self::Plain => all,
            Self::Stretches(stretches) => stretches.len,
            Self::Listed(list) => list.len(),
        }
    }

    /// The record at a place.
    pub fn record(&self, place: usize, all: usize) -> Option<RecordIx> {
        match self {
            Self::Plain => (place < all).then_some(RecordIx(place)),
            Self::Stretches(stretches) => stretches.record(place),
            Self::Listed(list) => list.get(place).map(|ix| RecordIx(*ix as usize)),
        }
    }

    /// The place of a record; `None` where it is not shown.
    pub fn place_of(&self, ix: RecordIx, all: usize) -> Option<usize> {
        match self {
            Self::Plain => (ix.0 < all).then_some(ix.0),
            Self::Stretches(stretches) => stretches.place_of(ix),
            Self::Listed(list) => list.iter().position(|other| *other as usize == ix.0),
        }
    }

    /// The records in their order; `None` for all of them as they stand in the inputs.
    pub fn listed(&self) -> Option<Arc<Vec<u32>>> {
        match self {
            Self::Plain => None,
            Self::Stretches(stretches) => Some(Arc::new(stretches.records())),
            Self::Listed(list) => Some(Arc::clone(list)),
        }
    }
}

/// Records that are shown, as stretches.
#[derive(Debug, Clone, Default)]
pub struct Stretches {
    /// The place at which each begins, and its records.
    parts: Vec<(usize, Range<usize>)>,
    len: usize,
}

impl Stretches {
    /// All records but tasks as they stand in the inputs, and behind them the tasks without an attempt. What is not
    /// summarised is no task, unless it is among those that are `listed` beside others.
    pub fn of(rows: &Rows, listed: &[Range<usize>]) -> Self {
        let mut stretches = Self::default();
        let mut left = listed.iter().peekable();
        for ix in (0..rows.len()).map(RecordIx) {
            while left.peek().is_some_and(|tasks| tasks.end <= ix.0) {
                left.next();
            }
            let is_listed = left.peek().is_some_and(|tasks| tasks.contains(&ix.0));
            if !(rows.is_task(ix) || is_listed && !rows.knows(ix)) {
                stretches.push(ix.0);
            }
        }
        if rows.untried() > 0 {
            let tasks = (0..rows.len()).map(RecordIx);
            for ix in tasks.filter(|ix| rows.is_untried(*ix) && rows.is_task(*ix)) {
                stretches.push(ix.0);
            }
        }
        stretches.parts.shrink_to_fit();
        stretches
    }

    fn push(&mut self, ix: usize) {
        match self.parts.last_mut() {
            Some((_, last)) if last.end == ix => last.end = ix + 1,
            _ => self.parts.push((self.len, ix..ix + 1)),
        }
        self.len += 1;
    }

    fn record(&self, place: usize) -> Option<RecordIx> {
        let at = self.parts.partition_point(|(first, _)| *first <= place);
        let (first, part) = self.parts.get(at.checked_sub(1)?)?;
        let ix = part.start + (place - first);
        part.contains(&ix).then_some(RecordIx(ix))
    }

    fn place_of(&self, ix: RecordIx) -> Option<usize> {
        let (first, part) = self.parts.iter().find(|(_, part)| part.contains(&ix.0))?;
        Some(first + (ix.0 - part.start))
    }

    /// The records in their order.
    pub fn records(&self) -> Vec<u32> {
        let all = self.parts.iter().flat_map(|(_, part)| part.clone());
        all.filter_map(|ix| u32::try_from(ix).ok()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Format;
    use crate::model::Summary;
    use crate::ui::data::Bits;

    /// Rows: `a` is an attempt, `t` a task, `u` one without an attempt, `.` not summarised.
    #[track_caller]
    fn check(letters: &str, listed: &[Range<usize>], shown: &[u32]) {
        let mut rows = Rows::default();
        let mut untried = Bits::default();
        for (ix, letter) in letters.chars().enumerate() {
            let format = match letter {
                'a' => Some(Format::Chat),
                '.' => None,
                _ => Some(Format::Task),
            };
            untried.set(RecordIx(ix), letter == 'u');
            if format.is_some() {
                let row = Summary {
                    format,
                    ..Summary::default()
                };
                rows.set(RecordIx(ix), row);
            }
        }
        rows.grow(letters.len());
        rows.set_untried(&untried);
        let stretches = Stretches::of(&rows, listed);
        assert_eq!(stretches.records(), shown);
        let order = Order::Stretches(Arc::new(stretches));
        assert_eq!(order.len(letters.len()), shown.len());
        for place in 0..=shown.len() {
            let ix = shown.get(place).map(|ix| RecordIx(*ix as usize));
            assert_eq!(order.record(place, letters.len()), ix);
            if let Some(ix) = ix {
                assert_eq!(order.place_of(ix, letters.len()), Some(place));
            }
        }
        for ix in (0..letters.len()).filter(|ix| !shown.iter().any(|is| *is as usize == *ix)) {
            assert_eq!(order.place_of(RecordIx(ix), letters.len()), None);
        }
    }

    #[test]
    fn tasks_stand_behind_what_attempts_them() {
        check("aaatuut", &[], &[0, 1, 2, 4, 5]);
        check("utuaa.", &[], &[3, 4, 5, 0, 2]);
        check("aa.a...", &[4..5, 5..6], &[0, 1, 2, 3, 6]);
        check("", &[], &[]);
        check("tt", &[], &[]);
    }
}
