//! Two attempts beside each other: their steps aligned by what they mean.

use std::ops::Range;

use schemars::JsonSchema;
use serde::Serialize;

use crate::cancel::Cancel;
use crate::compare::meaning::EQUAL;
use crate::compare::steps::SIMILAR;
use crate::compare::steps::Steps;
use crate::diff::align;
use crate::model::Step;

/// What a step costs that stands alone.
const GAP: u32 = 100;

/// How the two sides of a row go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RowKind {
    /// Both steps do the same.
    Same,
    /// They do much the same: other lines of a file, another change of it, the same program otherwise, or the same with
    /// another success.
    Similar,
    /// They do something else at the same place.
    Differ,
    /// Only the left attempt has the step.
    OnlyLeft,
    /// Only the right attempt has the step.
    OnlyRight,
}

impl RowKind {
    /// One cell for it.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Same => "=",
            Self::Similar => "≈",
            Self::Differ => "≠",
            Self::OnlyLeft => "<",
            Self::OnlyRight => ">",
        }
    }
}

/// A row of an alignment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AlignedStep {
    /// How its sides go together.
    pub kind: RowKind,
    /// The step of the left attempt, from 0.
    pub left: Option<usize>,
    /// The step of the right attempt, from 0.
    pub right: Option<usize>,
    /// In what similar and different steps differ, in words; null for all others.
    pub why: Option<String>,
}

impl AlignedStep {
    /// The step of a side: 0 is the left one.
    pub fn step(&self, side: usize) -> Option<usize> {
        if side == 0 { self.left } else { self.right }
    }
}

/// How many rows there are of each kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Counts {
    /// The same on both sides.
    pub same: usize,
    /// Much the same.
    pub similar: usize,
    /// Something else.
    pub differ: usize,
    /// On the left only.
    pub only_left: usize,
    /// On the right only.
    pub only_right: usize,
}

/// Rows one after the other that are all the same on both sides, or all not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Whether the rows are the same on both sides.
    pub is_same: bool,
    /// The rows; never empty.
    pub rows: Range<usize>,
}

/// Two attempts beside each other.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Alignment {
    /// Every step of both once, in order.
    pub rows: Vec<AlignedStep>,
    /// The first row in which the agents do not do the same; where there is none, the first in which anything else
    /// differs; null where nothing does.
    pub first_divergence: Option<usize>,
    /// How many rows there are of each kind.
    pub counts: Counts,
    /// Whether all pairs of steps were looked at; false where the attempts are so long (more than 32 million pairs) that
    /// only steps near the diagonal were.
    pub is_exact: bool,
}

impl Alignment {
    /// The runs of equal and of other rows, in order.
    pub fn runs(&self) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        for (ix, row) in self.rows.iter().enumerate() {
            let is_same = row.kind == RowKind::Same;
            match runs.last_mut() {
                Some(last) if last.is_same == is_same => last.rows.end = ix + 1,
                _ => runs.push(Run {
                    is_same,
                    rows: ix..ix + 1,
                }),
            }
        }
        runs
    }

    /// Whether nothing differs.
    pub fn is_same(&self) -> bool {
        self.counts.same == self.rows.len()
    }
}

/// What two steps cost beside each other: nothing when they do the same; 21 to 70 when they are similar, the more alike
/// the less; 131 to 180 when they are not, which is still less than two steps alone (200): the pair takes one row.
fn price(likeness: u32) -> u32 {
    match likeness {
        EQUAL.. => 0,
        SIMILAR.. => EQUAL - likeness + 20,
        _ => 180 - likeness,
    }
}

/// Aligns the steps of two attempts by what they mean, see [`crate::diff::align`]. The agents' children are not entered.
/// `None` when cancelled.
pub fn align_steps(left: &[Step], right: &[Step], cancel: &Cancel) -> Option<Alignment> {
    let steps = Steps::of(left, right, cancel)?;
    let price = |i: usize, j: usize| steps.likeness(i, j).map(price);
    let found = align(steps.lens(), GAP, price, cancel)?;
    let mut alignment = Alignment {
        is_exact: found.is_exact,
        ..Alignment::default()
    };
    let mut first_of_all = None;
    for (ix, pair) in found.pairs.into_iter().enumerate() {
        let row = row(pair.left, pair.right, &steps);
        alignment.counts.add(row.kind);
        if row.kind != RowKind::Same {
            first_of_all.get_or_insert(ix);
            if steps.has_agent(pair.left, pair.right) {
                alignment.first_divergence.get_or_insert(ix);
            }
        }
        alignment.rows.push(row);
    }
    alignment.first_divergence = alignment.first_divergence.or(first_of_all);
    Some(alignment)
}

fn row(left: Option<usize>, right: Option<usize>, steps: &Steps) -> AlignedStep {
    let (kind, why) = match (left, right) {
        (Some(one), Some(other)) => {
            let kind = match steps.likeness(one, other).unwrap_or(0) {
                EQUAL.. => RowKind::Same,
                SIMILAR.. => RowKind::Similar,
                _ => RowKind::Differ,
            };
            (kind, steps.difference(one, other))
        }
        (Some(_), None) => (RowKind::OnlyLeft, None),
        (None, _) => (RowKind::OnlyRight, None),
    };
    AlignedStep {
        kind,
        left,
        right,
        why,
    }
}

impl Counts {
    fn add(&mut self, kind: RowKind) {
        let count = match kind {
            RowKind::Same => &mut self.same,
            RowKind::Similar => &mut self.similar,
            RowKind::Differ => &mut self.differ,
            RowKind::OnlyLeft => &mut self.only_left,
            RowKind::OnlyRight => &mut self.only_right,
        };
        *count += 1;
    }
}

#[cfg(test)]
mod tests;
