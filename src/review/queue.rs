//! Queues: which records to look at, and in which order. Pure logic over rows that the caller fills in.

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::config::QueueBase;
use crate::config::QueueCell;
use crate::config::QueueFilter;
use crate::config::QueueSetting;
use crate::model::ContentHash;
use crate::model::RecordIx;
use crate::model::TaskKind;
use crate::model::Text;
use crate::model::Verdict;
use crate::review::Choice;
use crate::review::State;
use crate::review::agreement::Interval;
use crate::review::agreement::wilson;
use crate::review::people;
use crate::review::seeded;

/// What queues know of a record. Whatever is not known yet stays at its default.
#[derive(Debug, Clone, Default)]
pub struct QueueRow<'a> {
    /// The record, by its place among all.
    pub ix: usize,
    /// Its content; `None` until it was read: such a record is in no audit slice.
    pub hash: Option<ContentHash>,
    /// Its id.
    pub id: &'a str,
    /// Its task's instance id.
    pub task_id: Option<&'a str>,
    /// Its task's type.
    pub task_kind: Option<TaskKind>,
    /// Its task's repository.
    pub repo: Option<&'a str>,
    /// The model.
    pub model: Option<&'a str>,
    /// What the published rules say.
    pub published: Verdict,
    /// What the strict rules say.
    pub strict: Verdict,
    /// What this reviewer says.
    pub mine: Option<&'a State>,
    /// What the others say.
    pub others: Vec<(&'a Text, &'a State)>,
    /// This reviewer's name.
    pub me: Option<&'a Text>,
    /// A check of ours flagged it (leaks, duplicates, …).
    pub has_flags: bool,
    /// Its decision was on other content.
    pub is_stale: bool,
    /// Whether the attempt solved its task.
    pub resolved: Option<bool>,
    /// The score of a reward model.
    pub score: Option<f64>,
    /// Model responses.
    pub steps: usize,
    /// The queue's query takes it; counts only for queues that have one.
    pub is_selected: bool,
}

impl QueueRow<'_> {
    /// Whether this reviewer has decided.
    pub fn is_decided(&self) -> bool {
        self.mine.is_some_and(State::is_decided)
    }

    /// What everybody says.
    fn states(&self) -> Vec<(&Text, &State)> {
        let mut states: Vec<(&Text, &State)> = self.others.clone();
        states.extend(self.me.zip(self.mine));
        states
    }

    /// What people say: this reviewer, else what the others agree on.
    fn person(&self) -> Verdict {
        match self.mine.and_then(|state| state.decision) {
            Some(choice) => choice.verdict(),
            None => people(&self.others).verdict(),
        }
    }

    /// Whether a person or a check flagged it.
    fn is_flagged(&self) -> bool {
        self.has_flags || self.states().iter().any(|(_, state)| state.flag)
    }

    fn verdict(&self, filter: QueueFilter) -> Verdict {
        match filter {
            QueueFilter::Published => self.published,
            QueueFilter::Strict => self.strict,
            QueueFilter::Resolved => self.resolved.map_or(Verdict::Unjudged, Verdict::of),
            QueueFilter::Score(least) => self
                .score
                .map_or(Verdict::Unjudged, |score| Verdict::of(score >= least)),
        }
    }
}

/// One place of a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The record.
    pub ix: RecordIx,
    /// Attempts of one task have the same number, from 0, in the order of the queue; `None` where nothing is grouped.
    pub group: Option<usize>,
    /// The chosen attempt of its task.
    pub is_best: bool,
}

/// A cell of a two by two table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cell {
    /// The filter; for filter against filter the published rules.
    pub filter: Verdict,
    /// The person; for filter against filter the strict rules.
    pub person: Verdict,
}

impl Cell {
    /// The four cells, in the order of tables.
    pub const ALL: [Self; 4] = [
        Self {
            filter: Verdict::Accept,
            person: Verdict::Accept,
        },
        Self {
            filter: Verdict::Accept,
            person: Verdict::Reject,
        },
        Self {
            filter: Verdict::Reject,
            person: Verdict::Accept,
        },
        Self {
            filter: Verdict::Reject,
            person: Verdict::Reject,
        },
    ];
}

impl Cell {
    /// The cell that the settings name.
    fn of_setting(cell: QueueCell) -> Self {
        let [both, only_filter, only_person, neither] = Self::ALL;
        match cell {
            QueueCell::BothAccept => both,
            QueueCell::OnlyFilter => only_filter,
            QueueCell::OnlyPerson => only_person,
            QueueCell::BothReject => neither,
        }
    }
}

/// A saved filter and order.
#[derive(Debug, Clone, PartialEq)]
pub struct Queue {
    /// Its name, as in the settings.
    pub name: String,
    /// What it is made from.
    pub base: QueueBase,
    /// Which filter counts where people are compared with one.
    pub filter: QueueFilter,
    /// Only this cell of the table; `None`: those in which the two disagree for filters, all four for people.
    pub cell: Option<Cell>,
    /// Records of an audit slice.
    pub size: usize,
    /// The seed of an audit slice.
    pub seed: u64,
    /// What else must hold.
    pub only: Conditions,
    /// The query that records must answer, as it was written. It is asked by the caller: [`QueueRow::is_selected`].
    pub query: Option<String>,
}

/// What must hold besides; empty lists and `None` hold always.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conditions {
    /// Task types, by their names.
    pub task_types: Vec<String>,
    /// Repositories.
    pub repos: Vec<String>,
    /// Models.
    pub models: Vec<String>,
    /// Whether this reviewer has decided.
    pub decided: Option<bool>,
    /// At least so many steps.
    pub min_steps: Option<usize>,
    /// At most so many steps.
    pub max_steps: Option<usize>,
}

impl Conditions {
    fn hold(&self, row: &QueueRow<'_>) -> bool {
        let among = |wanted: &[String], value: Option<&str>| {
            wanted.is_empty() || value.is_some_and(|value| wanted.iter().any(|one| one == value))
        };
        among(&self.task_types, row.task_kind.map(TaskKind::name))
            && among(&self.repos, row.repo)
            && among(&self.models, row.model)
            && self
                .decided
                .is_none_or(|decided| decided == row.is_decided())
            && self.min_steps.is_none_or(|min| row.steps >= min)
            && self.max_steps.is_none_or(|max| row.steps <= max)
    }
}

impl Queue {
    /// Records of an audit slice where nobody said how many.
    pub const AUDIT_SIZE: usize = 100;

    /// The queue without conditions.
    pub fn new(base: QueueBase) -> Self {
        Self {
            name: base.name().to_owned(),
            base,
            filter: QueueFilter::default(),
            cell: None,
            size: Self::AUDIT_SIZE,
            seed: 0,
            only: Conditions::default(),
            query: None,
        }
    }

    /// All queues that need no settings, in the order of the screen.
    pub fn built_in() -> Vec<Self> {
        QueueBase::ALL.iter().copied().map(Self::new).collect()
    }

    /// A queue of the settings.
    pub fn of_setting(setting: &QueueSetting) -> Self {
        Self {
            name: setting.name.clone(),
            filter: setting.filter,
            cell: setting.cell.map(Cell::of_setting),
            size: setting.size.unwrap_or(Self::AUDIT_SIZE),
            seed: setting.seed.unwrap_or_default(),
            only: Conditions {
                task_types: setting.task_types.clone(),
                repos: setting.repos.clone(),
                models: setting.models.clone(),
                decided: setting.decided,
                min_steps: setting.min_steps,
                max_steps: setting.max_steps,
            },
            query: setting.query.clone(),
            ..Self::new(setting.base)
        }
    }

    /// One line that says what is in it.
    pub fn doc(&self) -> &'static str {
        match self.base {
            QueueBase::All => "every record",
            QueueBase::Undecided => "records that you have not decided on",
            QueueBase::FiltersDisagree => "the published rules and the strict ones disagree",
            QueueBase::FilterPerson => "the filter beside what people decided",
            QueueBase::Flagged => "flagged by a person or a check",
            QueueBase::Disputes => "reviewers contradict each other",
            QueueBase::Audit => "a random slice, to see how often the filter is wrong",
            QueueBase::BestOfN => "attempts side by side, task by task, the best one marked",
            QueueBase::Stale => "decided on, and made anew since",
        }
    }

    /// The records of the queue, in its order.
    pub fn run(&self, rows: &[QueueRow<'_>]) -> Vec<Place> {
        let held = rows.iter().filter(|row| self.holds(row));
        let plain = |row: &QueueRow<'_>| Place {
            ix: RecordIx(row.ix),
            group: None,
            is_best: false,
        };
        match self.base {
            QueueBase::Audit => self
                .audit(held.collect())
                .iter()
                .map(|row| plain(row))
                .collect(),
            QueueBase::BestOfN => best_of_n(held),
            _ => held.filter(|row| self.takes(row)).map(plain).collect(),
        }
    }

    fn holds(&self, row: &QueueRow<'_>) -> bool {
        (self.query.is_none() || row.is_selected) && self.only.hold(row)
    }

    fn takes(&self, row: &QueueRow<'_>) -> bool {
        match self.base {
            QueueBase::Undecided => !row.is_decided(),
            QueueBase::FiltersDisagree => {
                let cell = Cell {
                    filter: row.published,
                    person: row.strict,
                };
                match self.cell {
                    Some(wanted) => cell == wanted,
                    None => Cell::ALL.contains(&cell) && row.published != row.strict,
                }
            }
            QueueBase::FilterPerson => {
                let cell = Cell {
                    filter: row.verdict(self.filter),
                    person: row.person(),
                };
                self.cell
                    .map_or_else(|| Cell::ALL.contains(&cell), |wanted| cell == wanted)
            }
            QueueBase::Flagged => row.is_flagged(),
            QueueBase::Disputes => people(&row.states()).is_disputed(),
            QueueBase::Stale => row.is_stale,
            QueueBase::All | QueueBase::Audit | QueueBase::BestOfN => true,
        }
    }

    /// A slice drawn by content and seed: half from what the filter accepts, half from what it rejects, as far as there
    /// is enough. The same records are drawn wherever they stand, and new ones may push out only some of the old.
    fn audit<'r, 'a>(&self, rows: Vec<&'r QueueRow<'a>>) -> Vec<&'r QueueRow<'a>> {
        let mut strata: [Vec<(u64, &QueueRow<'_>)>; 2] = [Vec::new(), Vec::new()];
        let [accepts, rejects] = &mut strata;
        for row in rows {
            let Some(hash) = row.hash else {
                continue;
            };
            let rank = seeded::rank(self.seed, hash.as_bytes());
            match row.verdict(self.filter) {
                Verdict::Accept => accepts.push((rank, row)),
                Verdict::Reject => rejects.push((rank, row)),
                Verdict::Unjudged => {}
            }
        }
        let half = self.size.div_ceil(2);
        let of_accepts = half
            .max(self.size.saturating_sub(rejects.len()))
            .min(accepts.len());
        let of_rejects = self.size.saturating_sub(of_accepts).min(rejects.len());
        let mut drawn = Vec::new();
        for (stratum, count) in strata.iter_mut().zip([of_accepts, of_rejects]) {
            stratum.sort_by_key(|(rank, row)| (*rank, row.ix));
            drawn.extend(stratum.iter().take(count).copied());
        }
        // both kinds mixed, so that the order does not give the verdict away
        drawn.sort_by_key(|(rank, row)| (*rank, row.ix));
        drawn.into_iter().map(|(_, row)| row).collect()
    }

    /// How often the filter is wrong, as far as the slice of this queue was decided.
    pub fn audit_report(&self, rows: &[QueueRow<'_>]) -> AuditReport {
        let held: Vec<&QueueRow<'_>> = rows.iter().filter(|row| self.holds(row)).collect();
        let population = |verdict| {
            held.iter()
                .filter(|row| row.verdict(self.filter) == verdict)
                .count()
        };
        let (accepts, rejects) = (population(Verdict::Accept), population(Verdict::Reject));
        let slice = self.audit(held);
        AuditReport {
            false_accepts: Rate::of(&slice, self.filter, Verdict::Accept, accepts),
            false_rejects: Rate::of(&slice, self.filter, Verdict::Reject, rejects),
        }
    }
}

/// How many records are in each cell of [`Cell::ALL`], by the filter and what people say.
pub fn filter_person_counts(rows: &[QueueRow<'_>], filter: QueueFilter) -> [usize; 4] {
    count_cells(rows, |row| Cell {
        filter: row.verdict(filter),
        person: row.person(),
    })
}

/// How many records are in each cell of [`Cell::ALL`], by the published and the strict rules.
pub fn filter_filter_counts(rows: &[QueueRow<'_>]) -> [usize; 4] {
    count_cells(rows, |row| Cell {
        filter: row.published,
        person: row.strict,
    })
}

fn count_cells(rows: &[QueueRow<'_>], cell_of: impl Fn(&QueueRow<'_>) -> Cell) -> [usize; 4] {
    let mut counts = [0; 4];
    for row in rows {
        let cell = cell_of(row);
        for (known, count) in Cell::ALL.iter().zip(&mut counts) {
            *count += usize::from(*known == cell);
        }
    }
    counts
}

/// How often the filter is wrong, estimated from an audit slice.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct AuditReport {
    /// Among what the filter accepts.
    pub false_accepts: Rate,
    /// Among what it rejects.
    pub false_rejects: Rate,
}

/// A rate with its interval.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Rate {
    /// Records of this verdict in the data.
    pub population: usize,
    /// Of these in the slice.
    pub drawn: usize,
    /// Of these accepted or rejected by people.
    pub decided: usize,
    /// Of these with the answer that the filter did not give.
    pub wrong: usize,
    /// `wrong / decided`; `None` while nothing is decided.
    pub rate: Option<f64>,
    /// The Wilson interval at 95 %.
    pub interval: Option<Interval>,
}

impl Rate {
    fn of(
        slice: &[&QueueRow<'_>],
        filter: QueueFilter,
        verdict: Verdict,
        population: usize,
    ) -> Self {
        let drawn: Vec<Verdict> = slice
            .iter()
            .filter(|row| row.verdict(filter) == verdict)
            .map(|row| row.person())
            .collect();
        let decided = drawn
            .iter()
            .filter(|person| **person != Verdict::Unjudged)
            .count();
        let right = drawn.iter().filter(|person| **person == verdict).count();
        let wrong = decided - right;
        let interval = wilson(wrong, decided);
        Self {
            population,
            drawn: drawn.len(),
            decided,
            wrong,
            #[expect(clippy::cast_precision_loss, reason = "counts of records fit a double")]
            rate: interval.map(|_| wrong as f64 / decided as f64),
            interval,
        }
    }
}

/// Attempts of tasks that have several, task by task in the order of their first attempts, the best one of each first.
fn best_of_n<'r, 'a: 'r>(rows: impl Iterator<Item = &'r QueueRow<'a>>) -> Vec<Place> {
    let mut tasks: Vec<Vec<&QueueRow<'_>>> = Vec::new();
    let mut by_task: HashMap<&str, usize> = HashMap::new();
    for row in rows {
        let Some(task) = row.task_id else {
            continue;
        };
        let ix = *by_task.entry(task).or_insert_with(|| {
            tasks.push(Vec::new());
            tasks.len() - 1
        });
        if let Some(attempts) = tasks.get_mut(ix) {
            attempts.push(row);
        }
    }
    tasks.retain(|attempts| attempts.len() > 1);
    let mut places = Vec::new();
    for (group, attempts) in tasks.iter_mut().enumerate() {
        attempts.sort_by(|a, b| worth(b, a).then(a.ix.cmp(&b.ix)));
        for (nth, row) in attempts.iter().enumerate() {
            let is_out = row.person() == Verdict::Reject;
            places.push(Place {
                ix: RecordIx(row.ix),
                group: Some(group),
                is_best: nth == 0 && !is_out,
            });
        }
    }
    places
}

/// Which of two attempts is worth more: what people say, then the filters, the outcome, the score, and fewer steps.
fn worth(a: &QueueRow<'_>, b: &QueueRow<'_>) -> std::cmp::Ordering {
    let rank = |verdict| match verdict {
        Verdict::Accept => 2,
        Verdict::Unjudged => 1,
        Verdict::Reject => 0,
    };
    let known = |row: &QueueRow<'_>| {
        let skipped = row
            .mine
            .is_some_and(|state| state.decision == Some(Choice::Skip));
        let resolved = row
            .resolved
            .map_or(1, |resolved| if resolved { 2 } else { 0 });
        (
            rank(row.person()),
            !skipped,
            rank(row.strict),
            rank(row.published),
            resolved,
        )
    };
    let score = |row: &QueueRow<'_>| row.score.unwrap_or(f64::NEG_INFINITY);
    known(a)
        .cmp(&known(b))
        .then(score(a).total_cmp(&score(b)))
        .then(b.steps.cmp(&a.steps))
}

#[cfg(test)]
mod tests;
