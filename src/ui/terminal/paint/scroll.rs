//! Which lines of a frame were on the screen before, at another place.

use std::collections::HashMap;
use std::hash::DefaultHasher;
use std::hash::Hash as _;
use std::hash::Hasher as _;

use ratatui::buffer::Buffer;
use ratatui::buffer::Cell;

use crate::ui::terminal::paint::is_blank;
use crate::ui::terminal::paint::look_same;
use crate::ui::terminal::paint::row;

/// Lines that the terminal moves: those between `top` and `bottom`, by `lines`; as many blank ones come in.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Scroll {
    pub(super) top: u16,
    /// Behind the last of them.
    pub(super) bottom: u16,
    pub(super) lines: u16,
    pub(super) is_up: bool,
}

/// Fewer cells than this are painted as fast as they are moved.
const WORTH: i64 = 80;
/// Parts of a line that are looked for one by one: beside what moves something else may stand still.
const PARTS: usize = 4;

/// The move that leaves the fewest cells to paint; `None` where none is worth its bytes.
pub(super) fn find(shown: &Buffer, next: &Buffer) -> Option<Scroll> {
    let height = next.area.height;
    let changed: Vec<i64> = (0..height)
        .map(|y| differing(row(shown, y), row(next, y)))
        .collect();
    if changed.iter().sum::<i64>() < WORTH {
        return None;
    }
    let by = likely_move(shown, next, &changed)?;
    let lines = u16::try_from(by.unsigned_abs()).ok()?;
    let is_up = by > 0;
    let saved = |y: u16| -> Option<i64> {
        let from = u16::try_from(i32::from(y) + by).ok()?;
        let now = *changed.get(usize::from(y))?;
        (from < height).then(|| now - differing(row(shown, from), row(next, y)))
    };
    let (first, end, total) = best_run((0..height).map(|y| saved(y).unwrap_or(i64::MIN / 4096)));
    let (first, end) = (u16::try_from(first).ok()?, u16::try_from(end).ok()?);
    let (top, bottom, fresh) = if is_up {
        (first, end + lines, end..end + lines)
    } else {
        (first.checked_sub(lines)?, end, first - lines..first)
    };
    let lost: i64 = fresh
        .map(|y| {
            let painted = row(next, y).iter().filter(|cell| !is_blank(cell)).count();
            let now = changed.get(usize::from(y)).copied().unwrap_or(0);
            i64::try_from(painted).unwrap_or(i64::MAX) - now
        })
        .sum();
    let is_worth = end > first && bottom <= height && total - lost >= WORTH;
    is_worth.then_some(Scroll {
        top,
        bottom,
        lines,
        is_up,
    })
}

impl Scroll {
    /// Does to a frame what the terminal does to its screen.
    pub(super) fn apply(&self, shown: &mut Buffer) {
        let width = usize::from(shown.area.width);
        let range = usize::from(self.top) * width..usize::from(self.bottom) * width;
        let Some(cells) = shown.content.get_mut(range) else {
            return;
        };
        let moved = (usize::from(self.lines) * width).min(cells.len());
        let blank = if self.is_up {
            cells.rotate_left(moved);
            cells.len() - moved..cells.len()
        } else {
            cells.rotate_right(moved);
            0..moved
        };
        for cell in cells.get_mut(blank).into_iter().flatten() {
            cell.reset();
        }
    }
}

fn differing(one: &[Cell], other: &[Cell]) -> i64 {
    let count = one
        .iter()
        .zip(other)
        .filter(|(a, b)| !look_same(a, b))
        .count();
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// By how many lines most of what changed has moved up; negative for down.
fn likely_move(shown: &Buffer, next: &Buffer, changed: &[i64]) -> Option<i32> {
    let mut places: HashMap<(usize, u64), Option<i32>> = HashMap::new();
    for y in 0..shown.area.height {
        for part in parts(row(shown, y)) {
            // what is there twice tells nothing
            let place = Some(i32::from(y));
            places
                .entry(part)
                .and_modify(|at| *at = None)
                .or_insert(place);
        }
    }
    let mut votes: HashMap<i32, u32> = HashMap::new();
    for (y, _) in (0..).zip(changed).filter(|(_, cells)| **cells > 0) {
        for part in parts(row(next, y)) {
            let Some(Some(from)) = places.get(&part) else {
                continue;
            };
            let by = from - i32::from(y);
            if by != 0 {
                *votes.entry(by).or_default() += 1;
            }
        }
    }
    let best = votes.into_iter().max_by_key(|(by, votes)| (*votes, *by));
    best.filter(|(_, votes)| *votes > 1).map(|(by, _)| by)
}

/// The parts of a line that show something, by place and content.
fn parts(line: &[Cell]) -> impl Iterator<Item = (usize, u64)> {
    let size = line.len().div_ceil(PARTS).max(1);
    let parts = line.chunks(size).enumerate();
    parts
        .filter(|(_, cells)| !cells.iter().all(is_blank))
        .map(|(nth, cells)| {
            let mut hasher = DefaultHasher::new();
            for cell in cells {
                cell.symbol().hash(&mut hasher);
                cell.fg.hash(&mut hasher);
            }
            (nth, hasher.finish())
        })
}

/// The stretch with the largest sum, and that sum.
fn best_run(values: impl Iterator<Item = i64>) -> (usize, usize, i64) {
    let (mut best, mut sum, mut start) = ((0, 0, 0), 0_i64, 0);
    for (place, value) in values.enumerate() {
        if sum <= 0 {
            (sum, start) = (0, place);
        }
        sum += value;
        if sum > best.2 {
            best = (start, place + 1, sum);
        }
    }
    best
}
