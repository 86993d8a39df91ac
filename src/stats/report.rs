//! Statistics as they are told: what `hgview stats --json` prints, and what every chart and table is made of.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::Component;
use crate::model::FlagKind;
use crate::model::Text;
use crate::review::agreement::Interval;
use crate::review::agreement::Kappa;
use crate::review::agreement::cohen;
use crate::review::agreement::wilson;
use crate::stats::facts::FlagSet;
use crate::stats::facts::Said;
use crate::stats::group::GroupBy;
use crate::stats::group::Key;
use crate::stats::numbers::Distribution;
use crate::stats::tally::Cells;
use crate::stats::tally::Quantity;
use crate::stats::tally::RULES;
use crate::stats::tally::Tally;
use crate::stats::tally::VERDICTS;
use crate::verify::Rules;

/// Statistics over records. Names and meanings are stable; fields may be added. What is not known is null.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Stats {
    /// What the records are grouped by: nothing, one thing or two.
    pub by: Vec<GroupBy>,
    /// Records that were asked about.
    pub asked: usize,
    /// Records that were read: what everything below is about.
    pub records: usize,
    /// Records that could not be read.
    pub faults: usize,
    /// All records.
    pub total: Group,
    /// The groups, those with most records first.
    pub groups: Vec<Group>,
    /// Flags that are off by default or by the settings: they are not counted.
    pub flags_off: Vec<FlagKind>,
    /// Filter beside people, for both sets of rules.
    pub agreement: Vec<Matrix>,
    /// The accepted records beside all.
    pub coverage: Vec<Coverage>,
}

/// Some of the records.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Group {
    /// The values that its records share, in the order of `by`; null for records that do not say. Empty for all.
    pub key: Key,
    /// Its records.
    pub records: usize,
    /// How often they are resolved and accepted.
    pub rates: Rates,
    /// What the agents did.
    pub behaviour: Behaviour,
    /// Distributions by quantity: steps, actions, tokens, cost (US dollars), duration (seconds), `patch_lines`, and
    /// runs of code before the first and after the last source edit. Null where no record says.
    #[schemars(with = "BTreeMap<String, Option<Distribution>>")]
    #[serde(serialize_with = "by_quantity")]
    pub distributions: Vec<(Quantity, Option<Distribution>)>,
    /// Where in its life a trajectory does what: the shares of the components in each of 20 equal stretches, every
    /// trajectory counting the same. Empty where no record has a response of a model.
    pub course: Vec<ByComponent<f64>>,
    /// How many records have each flag that is counted, in the order of the flags.
    pub flags: Vec<FlagShare>,
}

/// Rates of a group.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Rates {
    /// Attempts that solved their task, of those whose outcome is known.
    pub resolved: Rate,
    /// Accepted by the published rules, of those that they judge.
    pub published: Rate,
    /// Accepted by the strict rules, of those that they judge.
    pub strict: Rate,
    /// Accepted by people, of those that people accepted or rejected.
    pub decision: Rate,
    /// Accepted in effect, of those that are not left open.
    pub outcome: Rate,
}

impl Rates {
    /// All of them with their names and words.
    pub fn all(&self) -> [(&'static str, &'static str, &Rate); 5] {
        [
            ("resolved", "resolved", &self.resolved),
            ("published", "accepted, published rules", &self.published),
            ("strict", "accepted, strict rules", &self.strict),
            ("decision", "accepted by people", &self.decision),
            ("outcome", "accepted in effect", &self.outcome),
        ]
    }
}

/// How often something holds of the records that it is known of.
#[expect(clippy::struct_field_names, reason = "the names in the JSON")]
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Rate {
    /// How often.
    pub count: usize,
    /// Of how many.
    pub of: usize,
    /// The share; null of none.
    pub rate: Option<f64>,
    /// Wilson's score interval at 95 %.
    pub interval: Option<Interval>,
}

impl Rate {
    #[expect(clippy::cast_precision_loss, reason = "counts of records fit a double")]
    fn new(count: usize, of: usize) -> Self {
        Self {
            count,
            of,
            rate: (of > 0).then(|| count as f64 / of as f64),
            interval: wilson(count, of),
        }
    }
}

/// A part of a whole.
#[expect(clippy::struct_field_names, reason = "the names in the JSON")]
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Share {
    /// The part.
    pub count: u64,
    /// The whole.
    pub of: u64,
    /// The part of the whole; null of nothing.
    pub share: Option<f64>,
}

impl Share {
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts of steps and records fit a double"
    )]
    fn new(count: u64, of: u64) -> Self {
        Self {
            count,
            of,
            share: (of > 0).then(|| count as f64 / of as f64),
        }
    }
}

/// One value for each component.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct ByComponent<T> {
    /// Neither looks nor touches.
    pub reasoning: T,
    /// Looks and changes nothing.
    pub exploration: T,
    /// Changes the solution.
    pub implementation: T,
    /// Finds out whether something works.
    pub verification: T,
    /// Runs something for its effect.
    pub execution: T,
}

impl<T: Copy> ByComponent<T> {
    fn of(values: [T; Component::ALL.len()]) -> Self {
        let [
            reasoning,
            exploration,
            implementation,
            verification,
            execution,
        ] = values;
        Self {
            reasoning,
            exploration,
            implementation,
            verification,
            execution,
        }
    }

    /// In the order of [`Component::ALL`].
    pub fn values(&self) -> [T; Component::ALL.len()] {
        [
            self.reasoning,
            self.exploration,
            self.implementation,
            self.verification,
            self.execution,
        ]
    }
}

/// What the agents of a group did.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Behaviour {
    /// The median number of calls.
    pub median_actions: Option<f64>,
    /// The median number of model responses.
    pub median_steps: Option<f64>,
    /// Calls by component.
    pub components: ByComponent<Share>,
    /// Responses that run code, of all.
    pub code_steps: Share,
    /// Responses that run a test program, of all.
    pub test_steps: Share,
    /// Calls that failed, of all.
    pub failed_actions: Share,
    /// The mean number of runs of code before the first source edit, over trajectories with one.
    pub runs_before_first_edit: Option<f64>,
    /// The mean number of runs of code after the last source edit, over trajectories with one.
    pub runs_after_last_edit: Option<f64>,
    /// Trajectories in which a check failed, source was edited, and a check passed.
    pub fail_edit_pass: Share,
    /// Failed attempts that change a file of the known answer, of those whose answer and outcome are known.
    pub right_file_wrong_fix: Share,
    /// Attempts that change source but no file of the known answer, of those whose answer is known.
    pub wrong_file: Share,
}

/// How many records have a flag.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct FlagShare {
    /// The flag.
    pub flag: FlagKind,
    /// Records that have it, of those that were read.
    #[serde(flatten)]
    pub share: Share,
}

/// Records by what a filter and what people say.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Matrix {
    /// Which rules.
    pub rules: Rules,
    /// Rows are the verdicts accept, reject, unjudged; columns what people say: accept, reject, skip, disputed,
    /// undecided.
    pub counts: Cells,
    /// Cohen's κ over what both accepted or rejected; null where that is nothing.
    pub kappa: Option<Kappa>,
}

/// The accepted records by repository or task type, beside all.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Coverage {
    /// What they are counted by.
    pub by: GroupBy,
    /// One row a value, those with most records first.
    pub rows: Vec<CoverageRow>,
}

/// One repository or task type.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CoverageRow {
    /// Its name; null for records that do not say.
    pub value: Option<Text>,
    /// Its records, of all.
    pub records: Share,
    /// Its accepted records, of all accepted ones.
    pub accepted: Share,
    /// Its share of the accepted records through its share of all: above 1 it has more than its part. Null where
    /// nothing is accepted.
    pub ratio: Option<f64>,
}

fn by_quantity<S: serde::Serializer>(
    all: &[(Quantity, Option<Distribution>)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(all.iter().map(|(quantity, known)| (quantity.name(), known)))
}

impl Stats {
    /// The same without what blind mode hides: verdicts, outcomes, what people decided, and how changes lie to the known
    /// answer.
    pub(super) fn blinded(&self) -> Self {
        Self {
            total: self.total.blinded(),
            groups: self.groups.iter().map(Group::blinded).collect(),
            agreement: Vec::new(),
            coverage: Vec::new(),
            ..self.clone()
        }
    }
}

impl Group {
    /// What a tally says; flags that are `off` are not counted.
    pub(super) fn of(key: Key, tally: &Tally, off: FlagSet) -> Self {
        let records = tally.counts.records;
        let distributions: Vec<(Quantity, Option<Distribution>)> = Quantity::ALL
            .into_iter()
            .map(|quantity| {
                let numbers = tally.numbers(quantity);
                (quantity, numbers.distribution(quantity.is_whole()))
            })
            .collect();
        let flags = FlagKind::ALL.into_iter().zip(tally.counts.flags);
        Self {
            key,
            records,
            rates: rates(tally),
            behaviour: behaviour(tally, &distributions),
            distributions,
            course: course(tally),
            flags: flags
                .filter(|(flag, _)| !off.has(*flag))
                .map(|(flag, count)| FlagShare {
                    flag,
                    share: Share::new(count as u64, records as u64),
                })
                .collect(),
        }
    }

    /// The same without what blind mode hides.
    fn blinded(&self) -> Self {
        let nothing = Share::new(0, 0);
        Self {
            rates: rates(&Tally::default()),
            behaviour: Behaviour {
                right_file_wrong_fix: nothing,
                wrong_file: nothing,
                ..self.behaviour.clone()
            },
            ..self.clone()
        }
    }

    /// The distribution of a quantity, where any record says it.
    pub fn distribution(&self, quantity: Quantity) -> Option<&Distribution> {
        let mut all = self.distributions.iter();
        all.find(|(known, _)| *known == quantity)?.1.as_ref()
    }

    /// The share of records with a flag.
    pub fn flag(&self, flag: FlagKind) -> Share {
        let known = self.flags.iter().find(|known| known.flag == flag);
        known.map_or(Share::new(0, 0), |known| known.share)
    }
}

fn rates(tally: &Tally) -> Rates {
    let counts = &tally.counts;
    let judged = |cells: &Cells| {
        let sums = cells.map(|row| row.iter().sum::<usize>());
        Rate::new(sums[0], sums[0] + sums[1])
    };
    let [published, strict] = &counts.cells;
    // both tables hold all records: what people say is the same in each
    let said = |person: usize| published.iter().map(|row| row[person]).sum::<usize>();
    let [accepted, rejected] = [said(0), said(1)];
    let [failed, solved] = counts.resolved;
    Rates {
        resolved: Rate::new(solved, failed + solved),
        published: judged(published),
        strict: judged(strict),
        decision: Rate::new(accepted, accepted + rejected),
        outcome: Rate::new(counts.outcome[0], counts.outcome[0] + counts.outcome[1]),
    }
}

fn behaviour(tally: &Tally, distributions: &[(Quantity, Option<Distribution>)]) -> Behaviour {
    let (sums, counts) = (&tally.sums, &tally.counts);
    let known = |quantity: Quantity| {
        let mut all = distributions.iter();
        all.find(|(known, _)| *known == quantity)
            .and_then(|(_, known)| known.as_ref())
    };
    let median = |quantity| known(quantity).map(|known| known.median);
    let mean = |quantity| known(quantity).map(|known| known.mean);
    let all: u64 = sums.components.iter().sum();
    let of_records = |[count, of]: [usize; 2]| Share::new(count as u64, of as u64);
    Behaviour {
        median_actions: median(Quantity::Actions),
        median_steps: median(Quantity::Steps),
        components: ByComponent::of(sums.components.map(|count| Share::new(count, all))),
        code_steps: Share::new(sums.code_steps, sums.steps),
        test_steps: Share::new(sums.test_steps, sums.steps),
        failed_actions: Share::new(sums.failed_actions, sums.actions),
        runs_before_first_edit: mean(Quantity::RunsBefore),
        runs_after_last_edit: mean(Quantity::RunsAfter),
        fail_edit_pass: of_records([counts.mended, counts.records]),
        right_file_wrong_fix: of_records(counts.wrong_fix),
        wrong_file: of_records(counts.wrong_file),
    }
}

#[expect(clippy::cast_precision_loss, reason = "shares need no more digits")]
fn course(tally: &Tally) -> Vec<ByComponent<f64>> {
    let shares = tally.course.iter().filter_map(|row| {
        let sum: u64 = row.iter().sum();
        let share = |part: u64| part as f64 / sum as f64;
        (sum > 0).then(|| ByComponent::of(row.map(share)))
    });
    shares.collect()
}

/// Filter beside people.
pub(super) fn agreement(tally: &Tally) -> Vec<Matrix> {
    let tables = RULES.into_iter().zip(&tally.counts.cells);
    tables
        .map(|(rules, counts)| {
            let [accept, reject, _] = counts;
            Matrix {
                rules,
                counts: *counts,
                kappa: cohen(&[[accept[0], accept[1]], [reject[0], reject[1]]]),
            }
        })
        .collect()
}

/// Records and accepted records by a value, beside all of them.
pub(super) fn coverage(by: GroupBy, counted: BTreeMap<Option<Text>, [usize; 2]>) -> Coverage {
    let sum = |which: usize| counted.values().map(|counts| counts[which] as u64).sum();
    let [all, accepted]: [u64; 2] = [sum(0), sum(1)];
    let mut rows: Vec<CoverageRow> = counted
        .into_iter()
        .map(|(value, [records, of_accepted])| {
            let records = Share::new(records as u64, all);
            let accepted = Share::new(of_accepted as u64, accepted);
            let ratio = accepted.share.zip(records.share);
            CoverageRow {
                value,
                records,
                accepted,
                ratio: ratio.map(|(accepted, records)| accepted / records),
            }
        })
        .collect();
    // stable: equals stay in the order of their names
    rows.sort_by_key(|row| std::cmp::Reverse(row.records.count));
    Coverage { by, rows }
}

/// The verdicts beside the rows of a matrix and what people say above its columns.
pub(super) fn matrix_words() -> ([&'static str; 3], [&'static str; 5]) {
    (
        VERDICTS.map(crate::model::Verdict::name),
        Said::ALL.map(Said::name),
    )
}
