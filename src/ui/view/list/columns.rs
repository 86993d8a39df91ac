//! The columns of the list: title, width, how a row fills it, and which ones give way on a narrow screen.

use crate::model::Summary;
use crate::model::Verdict;
use crate::query::sort::SortKey;
use crate::text::human;
use crate::ui::data::Marks;
use crate::ui::view::known;
use crate::ui::view::tokens;

/// A column between the id and the sparkline.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    /// Header.
    pub(super) title: &'static str,
    /// Cells.
    pub(super) cells: u16,
    /// Numbers stand at the right.
    pub(super) is_right: bool,
    /// What it sorts by; the header of the sorted column carries an arrow.
    pub(super) key: SortKey,
    /// Higher ranks go first when the screen is narrow.
    rank: u8,
    /// Its text for a row; empty when not known, and for verdicts and replays, which have colours of their own.
    pub(super) text: fn(&Summary) -> String,
    /// Its cells and header where there is room to spare.
    wide: Option<(u16, &'static str)>,
}

const COLUMNS: &[Column] = &[
    Column {
        title: "try",
        cells: 3,
        is_right: true,
        key: SortKey::Attempt,
        rank: 2,
        text: |row| known(row.attempt, human::short_count),
        wide: Some((7, "attempt")),
    },
    Column {
        title: "pub",
        cells: 4,
        is_right: false,
        key: SortKey::Published,
        rank: 3,
        text: |_| String::new(),
        wide: Some((10, "published")),
    },
    Column {
        title: "str",
        cells: 4,
        is_right: false,
        key: SortKey::Strict,
        rank: 4,
        text: |_| String::new(),
        wide: Some((11, "strict")),
    },
    Column {
        title: "replay",
        cells: 7,
        is_right: false,
        key: SortKey::Replay,
        rank: 5,
        text: |_| String::new(),
        wide: Some((10, "replay")),
    },
    Column {
        title: "type",
        cells: 14,
        is_right: false,
        key: SortKey::TaskType,
        rank: 10,
        text: |row| known(row.task_kind, |kind| kind.name().to_owned()),
        wide: None,
    },
    Column {
        title: "steps",
        cells: 5,
        is_right: true,
        key: SortKey::Steps,
        rank: 1,
        text: |row| {
            known(
                row.is_attempt().then_some(row.steps as u64),
                human::short_count,
            )
        },
        wide: None,
    },
    Column {
        title: "fail",
        cells: 4,
        is_right: true,
        key: SortKey::Failures,
        rank: 9,
        text: |row| {
            if row.failed_actions == 0 {
                String::new()
            } else {
                human::short_count(row.failed_actions as u64)
            }
        },
        wide: None,
    },
    Column {
        title: "time",
        cells: 6,
        is_right: true,
        key: SortKey::Duration,
        rank: 8,
        text: |row| known(row.duration_s, human::seconds),
        wide: None,
    },
    Column {
        title: "tokens",
        cells: 6,
        is_right: true,
        key: SortKey::Tokens,
        rank: 6,
        text: |row| known(row.tokens.total().filter(|n| *n > 0), tokens),
        wide: None,
    },
    Column {
        title: "cost",
        cells: 7,
        is_right: true,
        key: SortKey::Cost,
        rank: 7,
        text: |row| known(row.cost.filter(|cost| *cost > 0.0), human::dollars),
        wide: None,
    },
    Column {
        title: "patch",
        cells: 5,
        is_right: true,
        key: SortKey::Patch,
        rank: 12,
        text: |row| known(row.patch_lines, |lines| human::short_count(lines as u64)),
        wide: None,
    },
    Column {
        title: "model",
        cells: 18,
        is_right: false,
        key: SortKey::Model,
        rank: 11,
        text: |row| row.model.clone().unwrap_or_default(),
        wide: None,
    },
    Column {
        title: "format",
        cells: 14,
        is_right: false,
        key: SortKey::Format,
        rank: 13,
        text: |row| known(row.format, |format| format.name().to_owned()),
        wide: None,
    },
];

/// Which columns have had anything to show so far: a set of their ranks. Columns that are empty for every record give
/// their room to the id.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Filled(u16);

impl Filled {
    /// Every column.
    #[cfg(test)]
    const ALL: Self = Self(u16::MAX);

    /// Notes which columns a row fills.
    pub(super) fn add(&mut self, row: &Summary) {
        for column in COLUMNS {
            let bit = 1 << column.rank;
            // a column of first attempts only would tell nothing
            let tells = column.key != SortKey::Attempt || row.attempt.is_some_and(|nth| nth > 1);
            if self.0 & bit == 0 && tells && !(column.text)(row).is_empty() {
                self.0 |= bit;
            }
        }
    }

    /// Notes that rows are judged: columns in which every row says `?` would tell nothing.
    pub(super) fn add_marks(&mut self, marks: Marks) {
        let both = [marks.published, marks.strict];
        if both.iter().all(|verdict| *verdict == Verdict::Unjudged) {
            return;
        }
        for column in COLUMNS.iter().filter(|column| column.key.needs_verdicts()) {
            self.0 |= 1 << column.rank;
        }
    }

    /// Notes that something was replayed.
    pub(super) fn add_replays(&mut self) {
        for column in COLUMNS
            .iter()
            .filter(|column| column.key == SortKey::Replay)
        {
            self.0 |= 1 << column.rank;
        }
    }

    fn has(self, column: &Column) -> bool {
        self.0 & (1 << column.rank) != 0
    }
}

/// Which columns fit beside an id of at least 32 cells, and what is left for id and sparkline.
#[derive(Debug, Clone)]
pub(super) struct Fitted {
    /// Cells before the id.
    pub(super) lead_cells: u16,
    /// Cells of the id.
    pub(super) id_cells: u16,
    /// In the order of the screen.
    pub(super) columns: Vec<Column>,
    /// Cells of the sparkline; 0 when there is no room.
    pub(super) spark_cells: u16,
}

impl Fitted {
    /// The id comes before any column but the steps.
    const ID_MIN: u16 = 32;
    const ID_MAX: u16 = 60;
    /// Cells that stay for id and sparkline before words take the place of signs.
    const SPARE: u16 = 24;
    /// The least cells of a sparkline; where there is room it gets twice as many.
    const SPARK: u16 = 16;
    /// Columns from this rank on come after the sparkline.
    const SPARK_RANK: u8 = 11;

    /// Fits the filled columns into `width` cells, `lead_cells` of which stand before the id.
    pub(super) fn new(width: u16, lead_cells: u16, filled: Filled) -> Self {
        let mut left = width.saturating_sub(lead_cells + Self::ID_MIN);
        let mut by_rank: Vec<&Column> = COLUMNS.iter().filter(|c| filled.has(c)).collect();
        by_rank.sort_by_key(|column| column.rank);
        let mut kept = Vec::new();
        let mut spark_cells = 0;
        for column in by_rank {
            if column.rank >= Self::SPARK_RANK && spark_cells == 0 && left > Self::SPARK {
                spark_cells = Self::SPARK;
                left -= Self::SPARK + 1;
            }
            if column.cells < left {
                left -= column.cells + 1;
                kept.push(column.rank);
            } else {
                break;
            }
        }
        let mut columns: Vec<Column> = COLUMNS
            .iter()
            .filter(|column| kept.contains(&column.rank))
            .copied()
            .collect();
        for column in &mut columns {
            // the id and the sparkline are worth more than words for signs
            if let Some((cells, title)) = column.wide
                && left >= cells - column.cells + Self::SPARE
            {
                left -= cells - column.cells;
                (column.cells, column.title) = (cells, title);
            }
        }
        if spark_cells == 0 && left > Self::SPARK + 1 {
            spark_cells = Self::SPARK;
            left -= Self::SPARK + 1;
        }
        let id_more = left.min(Self::ID_MAX - Self::ID_MIN);
        left -= id_more;
        if spark_cells > 0 {
            let more = left.min(Self::SPARK);
            spark_cells += more;
            left -= more;
        }
        let id_cells = (Self::ID_MIN + id_more + left).min(width.saturating_sub(lead_cells));
        Self {
            lead_cells,
            id_cells,
            columns,
            spark_cells,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_fits_at_every_width() {
        for width in 0..300 {
            let fitted = Fitted::new(width, 2, Filled::ALL);
            let columns: u16 = fitted.columns.iter().map(|c| c.cells + 1).sum();
            let spark = if fitted.spark_cells > 0 {
                fitted.spark_cells + 1
            } else {
                0
            };
            let total = 2.min(width) + fitted.id_cells + columns + spark;
            assert!(total <= width.max(2), "{width}: {fitted:?}");
        }
        assert!(
            Fitted::new(80, 2, Filled::ALL)
                .columns
                .iter()
                .any(|c| c.title == "steps")
        );
        assert_eq!(
            Fitted::new(200, 2, Filled::ALL).columns.len(),
            COLUMNS.len()
        );
    }

    #[test]
    fn empty_columns_give_way() {
        let mut filled = Filled::default();
        filled.add(&Summary {
            steps: 3,
            model: Some("m".into()),
            ..Summary::default()
        });
        let titles: Vec<&str> = Fitted::new(200, 2, filled)
            .columns
            .iter()
            .map(|c| c.title)
            .collect();
        assert_eq!(titles, ["steps", "model"]);
    }

    #[test]
    fn attempts_are_numbered_where_there_are_several() {
        let titles = |attempts: &[u64]| {
            let mut filled = Filled::default();
            for attempt in attempts {
                filled.add(&Summary {
                    attempt: Some(*attempt),
                    ..Summary::default()
                });
            }
            let columns = Fitted::new(80, 2, filled).columns;
            columns.iter().map(|c| c.title).collect::<Vec<_>>()
        };
        assert_eq!(titles(&[1, 1]), ["steps"]);
        assert_eq!(titles(&[1, 2]), ["attempt", "steps"]);
    }
}
