//! The alignment of two lists by the cheapest edits, for whatever the caller can price a pair of.
//!
//! Needleman and Wunsch (1970) with plain gaps, within a bounded table: lists too long for all pairs are compared within
//! a band around the diagonal, which gives an alignment all the same, only perhaps not the cheapest.

use std::ops::RangeInclusive;

use crate::cancel::Cancel;

/// Pairs that are priced at most, and bytes of the table of ways.
const MAX_CELLS: usize = 32 << 20;

/// The narrowest band, in items to either side of the diagonal.
const LEAST_BAND: usize = 32;

/// An item of the left list beside one of the right, or alone. Never both absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Aligned {
    /// Place in the left list, from 0.
    pub left: Option<usize>,
    /// Place in the right list, from 0.
    pub right: Option<usize>,
}

/// Two lists beside each other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListAlignment {
    /// Every item of both lists once, in order.
    pub pairs: Vec<Aligned>,
    /// Whether no cheaper alignment exists; `false` where the lists were too long to price all pairs.
    pub is_exact: bool,
}

/// Aligns two lists of these lengths. `price` says what it costs to set item `i` of the left list beside item `j` of the
/// right one: 0 for equals, `None` where they may not stand beside each other; an item alone costs `gap`. Among
/// alignments of the same cost pairs come before items alone, and left items before right ones. `None` when cancelled.
///
/// What both lists begin and end with at no cost is set aside first. Prices at most 32 million pairs of the rest and
/// needs a byte for each: longer lists are aligned within a band around the diagonal.
pub fn align(
    (left, right): (usize, usize),
    gap: u32,
    price: impl Fn(usize, usize) -> Option<u32>,
    cancel: &Cancel,
) -> Option<ListAlignment> {
    align_within(MAX_CELLS, (left, right), gap, price, cancel)
}

/// [`align`] with a table of so many cells.
fn align_within(
    most_cells: usize,
    (left, right): (usize, usize),
    gap: u32,
    price: impl Fn(usize, usize) -> Option<u32>,
    cancel: &Cancel,
) -> Option<ListAlignment> {
    let most = left.min(right);
    let head = (0..most)
        .take_while(|ix| price(*ix, *ix) == Some(0))
        .count();
    let tail = (0..most - head)
        .take_while(|ix| price(left - 1 - ix, right - 1 - ix) == Some(0))
        .count();
    let (rows, columns) = (left - head - tail, right - head - tail);
    let inner = |row, column| price(head + row, head + column);
    let table = Table::new(most_cells, (rows, columns)).filled(gap, inner, cancel)?;
    let both = |ix, other| Aligned {
        left: Some(ix),
        right: Some(other),
    };
    let mut pairs: Vec<Aligned> = (0..head).map(|ix| both(ix, ix)).collect();
    pairs.extend(table.way().into_iter().map(|pair| Aligned {
        left: pair.left.map(|ix| head + ix),
        right: pair.right.map(|ix| head + ix),
    }));
    pairs.extend((0..tail).map(|ix| both(left - tail + ix, right - tail + ix)));
    Some(ListAlignment {
        pairs,
        is_exact: table.is_whole(),
    })
}

/// How the cheapest way reaches a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Way {
    /// It begins there, or no way leads there.
    None,
    /// From a pair.
    Pair,
    /// From an item of the left list alone.
    Left,
    /// From an item of the right list alone.
    Right,
}

/// The ways into the cells within a band around the diagonal: row `i` after `i` items of the left list, column `j` after
/// `j` items of the right one.
struct Table {
    rows: usize,
    columns: usize,
    /// Columns to either side of the diagonal.
    band: usize,
    ways: Vec<Way>,
}

impl Table {
    /// Cells of a row of the table.
    fn width(&self) -> usize {
        (2 * self.band + 1).min(self.columns + 1)
    }

    /// Whether all cells are within the band.
    fn is_whole(&self) -> bool {
        self.width() == self.columns + 1
    }

    /// The columns of a row that are within the band; as many in each row.
    fn window(&self, row: usize) -> RangeInclusive<usize> {
        let last_start = self.columns + 1 - self.width();
        // in wider numbers: the product may pass the address space
        let middle = (row as u128 * self.columns as u128) / (self.rows.max(1) as u128);
        let middle = usize::try_from(middle).unwrap_or(self.columns);
        let start = middle.saturating_sub(self.band).min(last_start);
        start..=start + self.width() - 1
    }

    fn new(most_cells: usize, (rows, columns): (usize, usize)) -> Self {
        let all = (rows + 1).checked_mul(columns + 1);
        let band = if all.is_some_and(|all| all <= most_cells) {
            columns
        } else {
            // windows of neighbouring rows have to overlap for a way to lead through them
            let slope = columns / rows.max(1) + 1;
            (most_cells / (rows + 1) / 2).max(LEAST_BAND).max(slope)
        };
        Self {
            rows,
            columns,
            band,
            ways: Vec::new(),
        }
    }

    /// Finds the cheapest way into each cell.
    fn filled(
        mut self,
        gap: u32,
        price: impl Fn(usize, usize) -> Option<u32>,
        cancel: &Cancel,
    ) -> Option<Self> {
        const FAR: u64 = u64::MAX / 4;
        let (width, gap) = (self.width(), u64::from(gap));
        self.ways.reserve_exact(width * (self.rows + 1));
        let mut above = vec![FAR; width];
        let mut above_start = 0;
        let mut costs = vec![FAR; width];
        for row in 0..=self.rows {
            if cancel.is_cancelled() {
                return None;
            }
            let start = *self.window(row).start();
            let from_above = |column: usize| {
                let at = column.checked_sub(above_start);
                at.and_then(|at| above.get(at)).copied().unwrap_or(FAR)
            };
            let mut before = FAR;
            for (at, cost) in costs.iter_mut().enumerate() {
                let column = start + at;
                let pair = row.checked_sub(1).zip(column.checked_sub(1));
                let paired = pair.and_then(|(left, right)| {
                    let reached = from_above(right);
                    (reached < FAR).then(|| Some(reached + u64::from(price(left, right)?)))?
                });
                let alone = (row > 0).then(|| from_above(column).saturating_add(gap));
                let added = before.saturating_add(gap);
                let mut best = (FAR, Way::None);
                // the way is followed from the end: what is taken last stands first
                for (cost, way) in [
                    (paired.unwrap_or(FAR), Way::Pair),
                    (added, Way::Right),
                    (alone.unwrap_or(FAR), Way::Left),
                ] {
                    if cost < best.0 {
                        best = (cost, way);
                    }
                }
                if (row, column) == (0, 0) {
                    best = (0, Way::None);
                }
                (*cost, before) = (best.0, best.0);
                self.ways.push(best.1);
            }
            std::mem::swap(&mut above, &mut costs);
            above_start = start;
        }
        Some(self)
    }

    /// The cheapest way from the start to the end.
    fn way(&self) -> Vec<Aligned> {
        let (mut row, mut column) = (self.rows, self.columns);
        let mut pairs = Vec::with_capacity(row.max(column));
        while (row, column) != (0, 0) {
            let at = column.checked_sub(*self.window(row).start());
            let way = at.and_then(|at| self.ways.get(row * self.width() + at));
            let way = match way.copied().unwrap_or(Way::None) {
                // a way out of the band: back to its edge
                Way::None if column > 0 => Way::Right,
                Way::None => Way::Left,
                way => way,
            };
            if way != Way::Right {
                row = row.saturating_sub(1);
            }
            if way != Way::Left {
                column = column.saturating_sub(1);
            }
            pairs.push(Aligned {
                left: (way != Way::Right).then_some(row),
                right: (way != Way::Left).then_some(column),
            });
        }
        pairs.reverse();
        pairs
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GAP: u32 = 10;

    /// Equal letters cost nothing, the same letter in another case 3, digits may not stand beside letters.
    fn price(left: u8, right: u8) -> Option<u32> {
        if left == right {
            Some(0)
        } else if left.eq_ignore_ascii_case(&right) {
            Some(3)
        } else {
            (left.is_ascii_digit() == right.is_ascii_digit()).then_some(19)
        }
    }

    fn of(left: &[u8], right: &[u8]) -> ListAlignment {
        let price = |i: usize, j: usize| price(left[i], right[j]);
        align((left.len(), right.len()), GAP, price, &Cancel::new()).unwrap()
    }

    #[track_caller]
    fn check(left: &str, right: &str, want: &str) {
        let (left, right) = (left.as_bytes(), right.as_bytes());
        let letter = |of: &[u8], ix: Option<usize>| ix.map_or('-', |ix| char::from(of[ix]));
        let rows = of(left, right).pairs;
        let rows: Vec<String> = rows
            .iter()
            .map(|pair| format!("{}{}", letter(left, pair.left), letter(right, pair.right)))
            .collect();
        assert_eq!(rows.join(" "), want);
    }

    #[test]
    fn lists_are_aligned_by_the_cheapest_edits() {
        check("", "", "");
        check("ab", "", "a- b-");
        check("", "ab", "-a -b");
        check("abc", "abc", "aa bb cc");
        check("abc", "axbc", "aa -x bb cc");
        check("axbc", "abc", "aa x- bb cc");
        check("abc", "aBc", "aa bB cc");
        check("abc", "axc", "aa bx cc");
        check("ab", "ba", "a- bb -a");
        check("a1c", "abc", "aa 1- -b cc");
        check("aab", "ab", "aa a- bb");
        check("abcxyz", "xyz", "a- b- c- xx yy zz");
    }

    #[test]
    fn long_lists_are_aligned_within_a_band() {
        let left: Vec<usize> = (0..900).collect();
        let mut right = left.clone();
        right.drain(100..120);
        for ix in [0, 400, 879] {
            right[ix] = usize::MAX;
        }
        let price = |i: usize, j: usize| Some(if left[i] == right[j] { 0 } else { 19 });
        let lens = (left.len(), right.len());
        let found = align_within(100_000, lens, GAP, price, &Cancel::new()).unwrap();
        assert!(!found.is_exact);
        let same = found.pairs.iter().filter(|pair| {
            let pair = pair.left.zip(pair.right);
            pair.is_some_and(|(i, j)| left[i] == right[j])
        });
        assert_eq!(same.count(), right.len() - 3);
    }

    #[test]
    fn lists_of_any_lengths_stay_within_bounds() {
        for (left, right) in [(3, 20_000_000), (1_000_000, 70), (200_000, 1_000)] {
            let table = Table::new(MAX_CELLS, (left, right));
            let cells = table.width() as u128 * (left as u128 + 1);
            assert!(cells <= 3 * MAX_CELLS as u128, "{left} {right}: {cells}");
        }
        let cancel = Cancel::new();
        cancel.cancel();
        assert_eq!(align((9, 9), GAP, |_, _| Some(1), &cancel), None);
    }

    fn cost(pairs: &[Aligned], left: &[u8], right: &[u8]) -> u32 {
        let one = |pair: &Aligned| match (pair.left, pair.right) {
            (Some(i), Some(j)) => price(left[i], right[j]).unwrap(),
            _ => GAP,
        };
        pairs.iter().map(one).sum()
    }

    /// The cheapest cost, from the definition.
    fn cheapest(left: &[u8], right: &[u8]) -> u32 {
        match (left, right) {
            ([], rest) | (rest, []) => GAP * u32::try_from(rest.len()).unwrap(),
            ([a, lefts @ ..], [b, rights @ ..]) => {
                let alone = GAP + cheapest(lefts, right).min(cheapest(left, rights));
                let pair = price(*a, *b).map(|cost| cost + cheapest(lefts, rights));
                alone.min(pair.unwrap_or(u32::MAX))
            }
        }
    }

    proptest! {
        #[test]
        fn no_alignment_is_cheaper(left in "[abA1]{0,6}", right in "[abA1]{0,6}") {
            let (left, right) = (left.as_bytes(), right.as_bytes());
            let pairs = of(left, right).pairs;
            prop_assert_eq!(cost(&pairs, left, right), cheapest(left, right));
            let lefts: Vec<usize> = pairs.iter().filter_map(|pair| pair.left).collect();
            let rights: Vec<usize> = pairs.iter().filter_map(|pair| pair.right).collect();
            prop_assert_eq!(lefts, (0..left.len()).collect::<Vec<_>>());
            prop_assert_eq!(rights, (0..right.len()).collect::<Vec<_>>());
        }
    }
}
