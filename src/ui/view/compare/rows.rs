//! The rows that are shown: those of the alignment, equal ones folded. Arithmetic, without a screen.

use std::ops::Range;

use crate::compare::Alignment;
use crate::compare::Run;
use crate::ui::action::Toward;

/// Equal rows beside a difference that stay in sight.
const AROUND: usize = 1;

/// Fewer equal rows than this are not folded.
const LEAST: usize = 3;

/// A row of the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shown {
    /// A row of the alignment.
    Row(usize),
    /// Equal rows of it.
    Fold(Range<usize>),
}

impl Shown {
    fn first(&self) -> usize {
        match self {
            Self::Row(row) => *row,
            Self::Fold(rows) => rows.start,
        }
    }
}

/// All rows, and which equal ones are open.
#[derive(Debug, Default)]
pub(super) struct Rows {
    runs: Vec<Run>,
    /// By run.
    is_open: Vec<bool>,
    pub(super) shown: Vec<Shown>,
    /// The places among `shown` at which rows begin to differ.
    differences: Vec<usize>,
}

impl Rows {
    /// All equal rows folded.
    pub(super) fn new(alignment: &Alignment) -> Self {
        let runs = alignment.runs();
        let mut rows = Self {
            is_open: vec![false; runs.len()],
            runs,
            ..Self::default()
        };
        rows.lay_out();
        rows
    }

    fn lay_out(&mut self) {
        self.shown.clear();
        self.differences.clear();
        let last = self.runs.len().saturating_sub(1);
        for (ix, (run, is_open)) in self.runs.iter().zip(&self.is_open).enumerate() {
            if !run.is_same {
                self.differences.push(self.shown.len());
            }
            // what stands between a difference and the fold
            let before = if ix == 0 { 0 } else { AROUND };
            let after = if ix == last { 0 } else { AROUND };
            let (start, end) = (run.rows.start + before, run.rows.end.saturating_sub(after));
            if run.is_same && !is_open && end >= start + LEAST {
                self.shown.extend((run.rows.start..start).map(Shown::Row));
                self.shown.push(Shown::Fold(start..end));
                self.shown.extend((end..run.rows.end).map(Shown::Row));
            } else {
                self.shown.extend(run.rows.clone().map(Shown::Row));
            }
        }
    }

    /// The first row of the alignment at a place.
    pub(super) fn first_row(&self, at: usize) -> Option<usize> {
        self.shown.get(at).map(Shown::first)
    }

    /// The place that shows a row of the alignment, or stands for it.
    pub(super) fn place_of(&self, row: usize) -> usize {
        let after = self.shown.partition_point(|shown| shown.first() <= row);
        after.saturating_sub(1)
    }

    /// Whether a row of the alignment is shown, not folded.
    pub(super) fn has(&self, row: usize) -> bool {
        self.shown.get(self.place_of(row)) == Some(&Shown::Row(row))
    }

    /// Opens or closes the equal rows around a row of the alignment; nothing where they differ.
    pub(super) fn toggle(&mut self, row: usize) {
        let after = self.runs.partition_point(|run| run.rows.start <= row);
        if let Some(is_open) = self.is_open.get_mut(after.saturating_sub(1)) {
            *is_open = !*is_open;
            self.lay_out();
        }
    }

    /// Opens or closes all equal rows.
    pub(super) fn set_all(&mut self, is_open: bool) {
        self.is_open.fill(is_open);
        self.lay_out();
    }

    /// Where the rows begin to differ next, from a place.
    pub(super) fn next_difference(&self, at: usize, toward: Toward) -> Option<usize> {
        let place = match toward {
            Toward::Next => self.differences.partition_point(|place| *place <= at),
            Toward::Previous => {
                let before = self.differences.partition_point(|place| *place < at);
                before.checked_sub(1)?
            }
        };
        self.differences.get(place).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::AlignedStep;
    use crate::compare::RowKind;

    /// Rows that are the same (`=`) or not.
    fn rows(kinds: &str) -> Rows {
        let row = |kind| AlignedStep {
            kind: if kind == '=' {
                RowKind::Same
            } else {
                RowKind::Differ
            },
            left: None,
            right: None,
            why: None,
        };
        Rows::new(&Alignment {
            rows: kinds.chars().map(row).collect(),
            ..Alignment::default()
        })
    }

    fn text(rows: &Rows) -> String {
        let shown = rows.shown.iter().map(|shown| match shown {
            Shown::Row(row) => row.to_string(),
            Shown::Fold(rows) => format!("{}-{}", rows.start, rows.end - 1),
        });
        shown.collect::<Vec<_>>().join(" ")
    }

    #[track_caller]
    fn check(kinds: &str, want: &str) {
        assert_eq!(text(&rows(kinds)), want, "{kinds}");
    }

    #[test]
    fn equal_rows_fold_beside_differences() {
        check("", "");
        check("=", "0");
        check("===", "0-2");
        check("==x", "0 1 2");
        check("====x", "0-2 3 4");
        check("x=====x", "0 1 2-4 5 6");
        check("x====x", "0 1 2 3 4 5");
        check("xx=", "0 1 2");
    }

    #[test]
    fn folds_open_and_differences_are_found() {
        let mut rows = rows("=====xx=====x");
        assert_eq!(text(&rows), "0-3 4 5 6 7 8-10 11 12");
        assert_eq!(rows.place_of(2), 0);
        assert_eq!(rows.place_of(9), 5);
        assert_eq!(rows.next_difference(0, Toward::Next), Some(2));
        assert_eq!(rows.next_difference(2, Toward::Next), Some(7));
        assert_eq!(rows.next_difference(7, Toward::Next), None);
        assert_eq!(rows.next_difference(7, Toward::Previous), Some(2));
        assert_eq!(rows.next_difference(2, Toward::Previous), None);
        rows.toggle(9);
        assert_eq!(text(&rows), "0-3 4 5 6 7 8 9 10 11 12");
        rows.toggle(7);
        assert_eq!(text(&rows), "0-3 4 5 6 7 8-10 11 12");
        rows.set_all(true);
        assert_eq!(rows.shown.len(), 13);
        rows.toggle(99);
    }
}
