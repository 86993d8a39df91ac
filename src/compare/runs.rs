//! Two runs beside each other, task by task: what the second gains and loses over the first.

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::compare::mcnemar;
use crate::compare::newcombe;
use crate::review::agreement::Interval;
use crate::review::agreement::wilson;

/// How several attempts of one task make its outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Attempts {
    /// Good when one of them is: pass@k.
    #[default]
    Any,
    /// Good when all of them are.
    All,
    /// Good when more than half of those with an outcome are.
    Majority,
    /// The first one decides.
    First,
}

impl Attempts {
    /// The outcome of a task: `None` where its attempts do not settle it.
    fn outcome(self, attempts: &[Option<bool>]) -> Option<bool> {
        let count = |wanted| attempts.iter().filter(|good| **good == wanted).count();
        let (good, bad) = (count(Some(true)), count(Some(false)));
        let is_known = good + bad == attempts.len() && !attempts.is_empty();
        match self {
            Self::Any if good > 0 => Some(true),
            Self::All if bad > 0 => Some(false),
            Self::Any | Self::All => is_known.then_some(good > 0),
            Self::Majority => (good + bad > 0).then_some(good > bad),
            Self::First => *attempts.first()?,
        }
    }
}

/// One attempt of a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tried {
    /// The task, by which runs are joined.
    pub task: String,
    /// The record's place in its store, for whoever wants to look at it.
    pub record: usize,
    /// Whether it came out well; `None` where nobody says.
    pub is_good: Option<bool>,
    /// Model responses.
    pub steps: usize,
    /// Tokens, where they are known.
    pub tokens: Option<u64>,
    /// US dollars, where they are known.
    pub cost: Option<f64>,
}

/// What became of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Bad in A, good in B.
    Gained,
    /// Good in A, bad in B.
    Lost,
    /// Good in both.
    SameYes,
    /// Bad in both.
    SameNo,
    /// In both, but one of them has no outcome.
    Unknown,
    /// In A only.
    OnlyA,
    /// In B only.
    OnlyB,
}

impl Change {
    /// All of them, in the order of tables.
    pub const ALL: [Self; 7] = [
        Self::Gained,
        Self::Lost,
        Self::SameYes,
        Self::SameNo,
        Self::Unknown,
        Self::OnlyA,
        Self::OnlyB,
    ];

    /// The words for it in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gained => "gained",
            Self::Lost => "lost",
            Self::SameYes => "same, good",
            Self::SameNo => "same, bad",
            Self::Unknown => "unknown",
            Self::OnlyA => "only in A",
            Self::OnlyB => "only in B",
        }
    }

    /// One cell for it.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Gained => "+",
            Self::Lost => "−",
            Self::SameYes => "✓",
            Self::SameNo => "✗",
            Self::Unknown => "?",
            Self::OnlyA => "<",
            Self::OnlyB => ">",
        }
    }
}

/// A task in one run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct TaskSide {
    /// Whether it came out well; null where its attempts do not settle it, or there is none.
    pub is_good: Option<bool>,
    /// Its attempts.
    pub attempts: usize,
    /// Attempts that came out well.
    pub good: usize,
    /// Mean model responses of an attempt; null without attempts.
    pub steps: Option<f64>,
    /// Mean tokens of the attempts that say them.
    pub tokens: Option<f64>,
    /// Mean US dollars of the attempts that say them.
    pub cost: Option<f64>,
    /// The first attempt's place in its store, from 0.
    #[serde(skip)]
    pub first: Option<usize>,
}

/// A task in both runs.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct TaskRow {
    /// The task; not cleaned.
    pub task: String,
    /// What became of it.
    pub change: Change,
    /// In the first run.
    pub a: TaskSide,
    /// In the second run.
    pub b: TaskSide,
}

/// The figures of one run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct RunFigures {
    /// What it is called: its file, or the value that tells it from the other.
    pub name: String,
    /// Attempts.
    pub records: usize,
    /// Tasks.
    pub tasks: usize,
    /// Tasks with an outcome.
    pub known: usize,
    /// Tasks that came out well.
    pub good: usize,
    /// The share of the tasks with an outcome that came out well.
    pub rate: Option<f64>,
    /// Its interval at 95 % (Wilson).
    pub interval: Option<Interval>,
}

/// How many tasks each change has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ChangeCounts {
    /// Bad in A, good in B.
    pub gained: usize,
    /// Good in A, bad in B.
    pub lost: usize,
    /// Good in both.
    pub same_yes: usize,
    /// Bad in both.
    pub same_no: usize,
    /// In both, without an outcome in one of them.
    pub unknown: usize,
    /// In A only.
    pub only_a: usize,
    /// In B only.
    pub only_b: usize,
}

impl ChangeCounts {
    /// The count of a change.
    pub fn of(&self, change: Change) -> usize {
        match change {
            Change::Gained => self.gained,
            Change::Lost => self.lost,
            Change::SameYes => self.same_yes,
            Change::SameNo => self.same_no,
            Change::Unknown => self.unknown,
            Change::OnlyA => self.only_a,
            Change::OnlyB => self.only_b,
        }
    }

    fn add(&mut self, change: Change) {
        let count = match change {
            Change::Gained => &mut self.gained,
            Change::Lost => &mut self.lost,
            Change::SameYes => &mut self.same_yes,
            Change::SameNo => &mut self.same_no,
            Change::Unknown => &mut self.unknown,
            Change::OnlyA => &mut self.only_a,
            Change::OnlyB => &mut self.only_b,
        };
        *count += 1;
    }
}

/// The difference of the rates over the tasks that have an outcome in both runs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Difference {
    /// Tasks with an outcome in both.
    pub tasks: usize,
    /// B's rate less A's.
    pub difference: f64,
    /// Its interval at 95 % (Newcombe's method 10 for paired proportions).
    pub interval: Interval,
    /// The two-sided p of the exact test of `McNemar`.
    pub p: f64,
}

/// A quantity in both runs, over the tasks of which both say it; attempts of one task are averaged first.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Means {
    /// Tasks of which both runs say it.
    pub tasks: usize,
    /// The mean in A.
    pub a: f64,
    /// The mean in B.
    pub b: f64,
    /// B less A.
    pub difference: f64,
}

/// Two runs beside each other.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct RunsComparison {
    /// How several attempts of a task make its outcome.
    pub attempts: Attempts,
    /// The first run.
    pub a: RunFigures,
    /// The second run.
    pub b: RunFigures,
    /// How many tasks each change has.
    pub counts: ChangeCounts,
    /// The difference of the rates; null where no task has an outcome in both runs.
    pub rates: Option<Difference>,
    /// Model responses of an attempt.
    pub steps: Option<Means>,
    /// Tokens of an attempt.
    pub tokens: Option<Means>,
    /// US dollars of an attempt.
    pub cost: Option<Means>,
    /// Tasks that the runs tried unequally often: any-of favours the run that tried more.
    pub unequally_often: usize,
    /// The tasks: gained ones first, then lost ones, and so on; within a change in the order in which they come up.
    pub tasks: Vec<TaskRow>,
}

/// Compares two runs by their attempts, in the order in which they were made.
pub fn compare_runs(
    a: (&str, &[Tried]),
    b: (&str, &[Tried]),
    attempts: Attempts,
) -> RunsComparison {
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut tasks: Vec<(&str, [Vec<&Tried>; 2])> = Vec::new();
    for (side, run) in [a.1, b.1].into_iter().enumerate() {
        for tried in run {
            let place = *places.entry(&tried.task).or_insert_with(|| {
                tasks.push((&tried.task, [Vec::new(), Vec::new()]));
                tasks.len() - 1
            });
            if let Some(of_side) = tasks.get_mut(place).and_then(|task| task.1.get_mut(side)) {
                of_side.push(tried);
            }
        }
    }
    let row = |(task, [a, b]): (&str, [Vec<&Tried>; 2])| {
        let (a, b) = (side(&a, attempts), side(&b, attempts));
        TaskRow {
            task: task.to_owned(),
            change: change(&a, &b),
            a,
            b,
        }
    };
    let mut rows: Vec<TaskRow> = tasks.into_iter().map(row).collect();
    rows.sort_by_key(|row| row.change);
    let mut counts = ChangeCounts::default();
    for row in &rows {
        counts.add(row.change);
    }
    let in_both = |row: &&TaskRow| row.a.attempts > 0 && row.b.attempts > 0;
    let unequal = rows.iter().filter(in_both);
    RunsComparison {
        attempts,
        a: figures(a, rows.iter().map(|row| &row.a)),
        b: figures(b, rows.iter().map(|row| &row.b)),
        rates: difference(&counts),
        steps: means(&rows, |side| side.steps),
        tokens: means(&rows, |side| side.tokens),
        cost: means(&rows, |side| side.cost),
        unequally_often: unequal
            .filter(|row| row.a.attempts != row.b.attempts)
            .count(),
        counts,
        tasks: rows,
    }
}

fn side(tried: &[&Tried], attempts: Attempts) -> TaskSide {
    let outcomes: Vec<Option<bool>> = tried.iter().map(|one| one.is_good).collect();
    #[expect(clippy::cast_precision_loss, reason = "counts and tokens fit a double")]
    let number = |value: u64| value as f64;
    TaskSide {
        is_good: attempts.outcome(&outcomes),
        attempts: tried.len(),
        good: outcomes.iter().filter(|good| **good == Some(true)).count(),
        steps: mean(tried.iter().map(|one| number(one.steps as u64))),
        tokens: mean(tried.iter().filter_map(|one| one.tokens).map(number)),
        cost: mean(tried.iter().filter_map(|one| one.cost)),
        first: tried.first().map(|one| one.record),
    }
}

/// The mean of what can be counted; `None` of nothing.
fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let finite = values.filter(|value| value.is_finite());
    let (sum, count) = finite.fold((0.0, 0.0), |all, value| (all.0 + value, all.1 + 1.0));
    (count > 0.0).then_some(sum / count)
}

fn change(a: &TaskSide, b: &TaskSide) -> Change {
    match (a.attempts > 0, b.attempts > 0, a.is_good.zip(b.is_good)) {
        (true, false, _) => Change::OnlyA,
        (false, _, _) => Change::OnlyB,
        (_, _, None) => Change::Unknown,
        (_, _, Some((false, true))) => Change::Gained,
        (_, _, Some((true, false))) => Change::Lost,
        (_, _, Some((true, true))) => Change::SameYes,
        (_, _, Some((false, false))) => Change::SameNo,
    }
}

fn figures<'a>(
    (name, tried): (&str, &[Tried]),
    sides: impl Iterator<Item = &'a TaskSide>,
) -> RunFigures {
    let mut figures = RunFigures {
        name: name.to_owned(),
        records: tried.len(),
        ..RunFigures::default()
    };
    for side in sides.filter(|side| side.attempts > 0) {
        figures.tasks += 1;
        figures.known += usize::from(side.is_good.is_some());
        figures.good += usize::from(side.is_good == Some(true));
    }
    figures.interval = wilson(figures.good, figures.known);
    figures.rate = figures.interval.map(|_| share(figures.good, figures.known));
    figures
}

#[expect(clippy::cast_precision_loss, reason = "counts of tasks fit a double")]
fn share(count: usize, of: usize) -> f64 {
    count as f64 / of as f64
}

fn difference(counts: &ChangeCounts) -> Option<Difference> {
    let ChangeCounts {
        gained,
        lost,
        same_yes,
        same_no,
        ..
    } = *counts;
    let tasks = gained + lost + same_yes + same_no;
    Some(Difference {
        tasks,
        interval: newcombe(same_yes, lost, gained, same_no)?,
        difference: share(gained, tasks) - share(lost, tasks),
        p: mcnemar(gained, lost),
    })
}

fn means(rows: &[TaskRow], value: impl Fn(&TaskSide) -> Option<f64>) -> Option<Means> {
    let pairs = rows
        .iter()
        .filter_map(|row| value(&row.a).zip(value(&row.b)));
    let pairs: Vec<(f64, f64)> = pairs.collect();
    let a = mean(pairs.iter().map(|pair| pair.0))?;
    let b = mean(pairs.iter().map(|pair| pair.1))?;
    Some(Means {
        tasks: pairs.len(),
        a,
        b,
        difference: b - a,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tried(task: &str, is_good: Option<bool>, steps: usize) -> Tried {
        Tried {
            task: task.to_owned(),
            is_good,
            steps,
            ..Tried::default()
        }
    }

    #[track_caller]
    fn settles(rule: Attempts, outcomes: &[Option<bool>], want: Option<bool>) {
        assert_eq!(rule.outcome(outcomes), want, "{rule:?} {outcomes:?}");
    }

    #[test]
    fn attempts_make_an_outcome() {
        let (yes, no) = (Some(true), Some(false));
        for rule in [
            Attempts::Any,
            Attempts::All,
            Attempts::Majority,
            Attempts::First,
        ] {
            settles(rule, &[], None);
            settles(rule, &[None], None);
            settles(rule, &[yes], yes);
            settles(rule, &[no, no], no);
        }
        settles(Attempts::Any, &[no, yes], yes);
        settles(Attempts::Any, &[None, yes], yes);
        settles(Attempts::Any, &[None, no], None);
        settles(Attempts::All, &[no, yes], no);
        settles(Attempts::All, &[None, no], no);
        settles(Attempts::All, &[None, yes], None);
        settles(Attempts::Majority, &[no, yes], no);
        settles(Attempts::Majority, &[no, yes, yes, None], yes);
        settles(Attempts::First, &[None, yes], None);
        settles(Attempts::First, &[no, yes], no);
    }

    #[test]
    fn tasks_are_joined_and_counted() {
        let (yes, no) = (Some(true), Some(false));
        let a = [
            tried("kept", yes, 10),
            tried("lost", yes, 20),
            tried("won", no, 30),
            tried("open", None, 5),
            tried("a", no, 1),
            tried("never", no, 1),
        ];
        let b = [
            tried("never", no, 3),
            tried("won", no, 10),
            tried("won", yes, 20),
            tried("lost", no, 20),
            tried("kept", yes, 14),
            tried("open", yes, 5),
            tried("b", yes, 1),
        ];
        let found = compare_runs(("A", &a), ("B", &b), Attempts::Any);
        let rows = found
            .tasks
            .iter()
            .map(|row| (row.task.as_str(), row.change));
        let rows: Vec<_> = rows.collect();
        let want = [
            ("won", Change::Gained),
            ("lost", Change::Lost),
            ("kept", Change::SameYes),
            ("never", Change::SameNo),
            ("open", Change::Unknown),
            ("a", Change::OnlyA),
            ("b", Change::OnlyB),
        ];
        assert_eq!(rows, want);
        for change in Change::ALL {
            assert_eq!(found.counts.of(change), 1, "{change:?}");
        }
        let rates = found.rates.unwrap();
        assert_eq!((rates.tasks, rates.p), (4, 1.0));
        assert_eq!(found.unequally_often, 1);
        assert_eq!((found.a.known, found.a.good, found.b.tasks), (5, 2, 6));
        // kept 10 → 14, lost 20 → 20, won 30 → 15, open 5 → 5, never 1 → 3
        let steps = found.steps.unwrap();
        assert_eq!(steps.tasks, 5);
        assert!((steps.difference + 1.8).abs() < 1e-12, "{steps:?}");
        assert_eq!(found.tokens, None);
    }

    #[test]
    fn nothing_is_compared_with_nothing() {
        let found = compare_runs(("A", &[]), ("B", &[]), Attempts::First);
        assert_eq!(found.rates, None);
        assert_eq!(found.a.rate, None);
        assert!(found.tasks.is_empty());
        let odd = [Tried {
            cost: Some(f64::NAN),
            ..tried("x", None, usize::MAX)
        }];
        let found = compare_runs(("A", &odd), ("B", &odd), Attempts::Any);
        assert_eq!((found.rates, found.cost), (None, None));
    }
}
