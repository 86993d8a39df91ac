//! The keys by which records are ordered. What is not known sorts last, whichever way the order runs.

use std::cmp::Ordering;
use std::cmp::Reverse;

use crate::model::Summary;
use crate::model::Verdict;

/// What to sort by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SortKey {
    /// As the records stand in the inputs.
    Source,
    /// Solved or not, then the reward.
    Outcome,
    /// Id, in natural order (`a-9` before `a-10`).
    Id,
    /// The number of the attempt at its task.
    Attempt,
    /// Task type.
    TaskType,
    /// Model responses.
    Steps,
    /// Failed actions.
    Failures,
    /// Seconds.
    Duration,
    /// Tokens in and out.
    Tokens,
    /// US dollars.
    Cost,
    /// Changed lines of the final patch.
    Patch,
    /// Model.
    Model,
    /// Producer family.
    Format,
    /// What the published filter says: accepted, rejected, unjudged.
    Published,
    /// What the strict filter says.
    Strict,
    /// What the reviewer decided.
    Decision,
    /// What came of the last replay: reproduced first, then the later it diverged, then what failed.
    Replay,
}

/// What came of a replay, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Replayed {
    /// No call diverged.
    Reproduced,
    /// The first call that diverged was of this step.
    Diverged(Reverse<usize>),
    /// It did not come to its end.
    Failed,
}

/// What both filters say of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdicts {
    /// The published evaluators.
    pub published: Verdict,
    /// By syntax.
    pub strict: Verdict,
}

/// What a row is sorted by.
#[derive(Debug, Clone, Copy)]
pub struct Sorted<'a> {
    /// Its facts.
    pub summary: &'a Summary,
    /// What the filters say, where it is known.
    pub verdicts: Option<Verdicts>,
    /// What people decided, where that is known: a skip is unjudged.
    pub decision: Option<Verdict>,
    /// What came of its last replay, where there was one.
    pub replayed: Option<Replayed>,
}

impl<'a> From<&'a Summary> for Sorted<'a> {
    /// A row that was not judged.
    fn from(summary: &'a Summary) -> Self {
        Self {
            summary,
            verdicts: None,
            decision: None,
            replayed: None,
        }
    }
}

impl SortKey {
    /// All keys, in the order of the columns.
    pub const ALL: [Self; 17] = [
        Self::Source,
        Self::Outcome,
        Self::Id,
        Self::Attempt,
        Self::TaskType,
        Self::Steps,
        Self::Failures,
        Self::Duration,
        Self::Tokens,
        Self::Cost,
        Self::Patch,
        Self::Model,
        Self::Format,
        Self::Published,
        Self::Strict,
        Self::Decision,
        Self::Replay,
    ];

    /// Whether rows have to be judged to be sorted by it.
    pub fn needs_verdicts(self) -> bool {
        matches!(self, Self::Published | Self::Strict)
    }

    /// Whether the order tells what blind mode hides: verdicts, and whether attempts solved their tasks.
    pub fn tells_verdicts(self) -> bool {
        self == Self::Outcome || self.needs_verdicts()
    }

    /// The word for `--sort` and the sort menu.
    pub fn name(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Outcome => "outcome",
            Self::Id => "id",
            Self::Attempt => "attempt",
            Self::TaskType => "type",
            Self::Steps => "steps",
            Self::Failures => "failures",
            Self::Duration => "duration",
            Self::Tokens => "tokens",
            Self::Cost => "cost",
            Self::Patch => "patch",
            Self::Model => "model",
            Self::Format => "format",
            Self::Published => "published",
            Self::Strict => "strict",
            Self::Decision => "decision",
            Self::Replay => "replay",
        }
    }

    /// Whether one usually wants the largest first: numbers, not names.
    pub fn starts_descending(self) -> bool {
        !matches!(
            self,
            Self::Source
                | Self::Id
                | Self::Attempt
                | Self::TaskType
                | Self::Model
                | Self::Format
                | Self::Published
                | Self::Strict
                | Self::Decision
                | Self::Replay
        )
    }

    /// The key with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|key| key.name() == name)
    }

    /// What a row is ordered by: made once a row, then compared.
    pub fn rank<'a>(self, row: impl Into<Sorted<'a>>) -> Rank {
        let row = row.into();
        let summary = row.summary;
        if summary.fault.is_some() {
            return Rank(Value::Faulty);
        }
        let count = |count: usize| Some(Value::Count(count as u64));
        let value = match self {
            Self::Source => None,
            Self::Outcome => Some(Value::Outcome(summary.resolved, summary.reward)),
            Self::Id => Some(Value::Id(summary.id.as_str().into())),
            Self::Attempt => summary.attempt.map(Value::Count),
            Self::TaskType => summary.task_kind.map(|kind| Value::Name(kind.name())),
            Self::Steps => count(summary.steps),
            Self::Failures => count(summary.failed_actions),
            Self::Duration => summary.duration_s.map(Value::Amount),
            Self::Tokens => summary.tokens.total().map(Value::Count),
            Self::Cost => summary.cost.map(Value::Amount),
            Self::Patch => summary.patch_lines.and_then(count),
            Self::Model => summary
                .model
                .as_deref()
                .map(|model| Value::Text(model.into())),
            Self::Published => row.verdicts.map(|said| Value::Verdict(said.published)),
            Self::Strict => row.verdicts.map(|said| Value::Verdict(said.strict)),
            Self::Decision => row.decision.map(Value::Verdict),
            Self::Replay => row.replayed.map(Value::Replay),
            Self::Format => summary.format.map(|format| Value::Name(format.name())),
        };
        Rank(value.unwrap_or(Value::Unknown))
    }
}

/// What a row is ordered by.
#[derive(Debug, Clone, PartialEq)]
pub struct Rank(Value);

#[derive(Debug, Clone, PartialEq)]
enum Value {
    Count(u64),
    Amount(f64),
    Name(&'static str),
    Text(Box<str>),
    /// In natural order.
    Id(Box<str>),
    Outcome(Option<bool>, Option<f64>),
    Verdict(Verdict),
    Replay(Replayed),
    Unknown,
    /// Of what cannot be read.
    Faulty,
}

impl Rank {
    /// Compares the ranks of two rows by the same key; equal rows keep the order of the inputs when the sort is stable.
    pub fn compare(&self, other: &Self, is_descending: bool) -> Ordering {
        let by = |ordering: Ordering| {
            if is_descending {
                ordering.reverse()
            } else {
                ordering
            }
        };
        let last = |value: &Value| match value {
            Value::Faulty => 2,
            Value::Unknown => 1,
            _ => 0,
        };
        match (&self.0, &other.0) {
            (Value::Count(a), Value::Count(b)) => by(a.cmp(b)),
            (Value::Amount(a), Value::Amount(b)) => by(a.total_cmp(b)),
            (Value::Name(a), Value::Name(b)) => by(a.cmp(b)),
            (Value::Text(a), Value::Text(b)) => by(a.cmp(b)),
            (Value::Id(a), Value::Id(b)) => by(natural(a, b)),
            (Value::Verdict(a), Value::Verdict(b)) => by(a.cmp(b)),
            (Value::Replay(a), Value::Replay(b)) => by(a.cmp(b)),
            (Value::Outcome(a, reward_a), Value::Outcome(b, reward_b)) => {
                known(*a, *b, by).then_with(|| numbers(*reward_a, *reward_b, by))
            }
            (a, b) => last(a).cmp(&last(b)),
        }
    }
}

fn known<T: Ord>(a: Option<T>, b: Option<T>, by: impl Fn(Ordering) -> Ordering) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => by(a.cmp(&b)),
        (a, b) => b.is_some().cmp(&a.is_some()),
    }
}

fn numbers(a: Option<f64>, b: Option<f64>, by: impl Fn(Ordering) -> Ordering) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => by(a.total_cmp(&b)),
        (a, b) => b.is_some().cmp(&a.is_some()),
    }
}

/// Compares texts with runs of digits as numbers.
pub fn natural(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    loop {
        match (a.first(), b.first()) {
            (None, None) => return Ordering::Equal,
            (None, _) => return Ordering::Less,
            (_, None) => return Ordering::Greater,
            (Some(x), Some(y)) if x.is_ascii_digit() && y.is_ascii_digit() => {
                let (number_a, rest_a) = split_digits(a);
                let (number_b, rest_b) = split_digits(b);
                let ordering = number_a
                    .len()
                    .cmp(&number_b.len())
                    .then_with(|| number_a.cmp(number_b));
                if ordering != Ordering::Equal {
                    return ordering;
                }
                (a, b) = (rest_a, rest_b);
            }
            (Some(x), Some(y)) => {
                if x != y {
                    return x.cmp(y);
                }
                (a, b) = (
                    a.get(1..).unwrap_or_default(),
                    b.get(1..).unwrap_or_default(),
                );
            }
        }
    }
}

/// The digits at the start without leading zeros, and the rest.
fn split_digits(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text
        .iter()
        .position(|b| !b.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    let zeros = digits.iter().take_while(|b| **b == b'0').count();
    (digits.get(zeros..).unwrap_or_default(), rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_as_people_count() {
        let mut ids = vec!["a-10", "a-9", "a-09x", "b", "a", "a-1-2"];
        ids.sort_by(|a, b| natural(a, b));
        assert_eq!(ids, ["a", "a-1-2", "a-9", "a-09x", "a-10", "b"]);
    }

    #[test]
    fn the_unknown_comes_last_both_ways() {
        let with = |cost| Summary {
            cost,
            ..Summary::default()
        };
        for is_descending in [false, true] {
            let mut rows = [with(None), with(Some(2.0)), with(Some(1.0))];
            rows.sort_by(|a, b| {
                let rank = |row| SortKey::Cost.rank(row);
                rank(a).compare(&rank(b), is_descending)
            });
            assert_eq!(rows.last().and_then(|r| r.cost), None);
            assert_eq!(
                rows.first().and_then(|r| r.cost),
                Some(if is_descending { 2.0 } else { 1.0 })
            );
        }
    }

    #[test]
    fn replays_stand_from_best_to_worst() {
        let summary = Summary::default();
        let diverged = |step| Replayed::Diverged(Reverse(step));
        let order = [
            Some(Replayed::Reproduced),
            Some(diverged(9)),
            Some(diverged(2)),
            Some(Replayed::Failed),
            None,
        ];
        let row = |replayed| Sorted {
            replayed,
            ..Sorted::from(&summary)
        };
        for pair in order.windows(2) {
            let [a, b] = [pair[0], pair[1]].map(|replayed| SortKey::Replay.rank(row(replayed)));
            let ordering = a.compare(&b, false);
            assert_eq!(ordering, Ordering::Less, "{pair:?}");
        }
    }

    #[test]
    fn names_are_unique() {
        for key in SortKey::ALL {
            assert_eq!(SortKey::from_name(key.name()), Some(key));
        }
    }
}
