//! What the records of a group come to: sums, counts and values. Tallies of parts of the records add up to that of all,
//! in any order.

use crate::behave::table::Aim;
use crate::model::Component;
use crate::model::FlagKind;
use crate::model::Verdict;
use crate::stats::facts::Facts;
use crate::stats::facts::FlagSet;
use crate::stats::facts::Said;
use crate::stats::numbers::Numbers;
use crate::verify::Rules;

/// Stretches into which the course of a trajectory is cut.
pub(super) const STRETCHES: usize = 20;

/// One stretch of one trajectory, whatever its length: whole numbers add up to the same in any order.
const UNIT: u64 = 1 << 24;

/// The verdicts, in the order of tables.
pub(super) const VERDICTS: [Verdict; 3] = [Verdict::Accept, Verdict::Reject, Verdict::Unjudged];

/// Both sets of rules, in the order of tables.
pub(super) const RULES: [Rules; 2] = [Rules::Published, Rules::Strict];

/// Records by verdict and by what people say of them, in the order of [`VERDICTS`] and [`Said::ALL`].
pub(super) type Cells = [[usize; Said::ALL.len()]; VERDICTS.len()];

/// A quantity whose distribution is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    /// Model responses.
    Steps,
    /// Calls.
    Actions,
    /// Tokens in and out.
    Tokens,
    /// US dollars.
    Cost,
    /// Seconds.
    Duration,
    /// Lines that the final patch adds or removes.
    PatchLines,
    /// Runs before the first source edit.
    RunsBefore,
    /// Runs after the last source edit.
    RunsAfter,
}

impl Quantity {
    /// All of them, in the order of tables.
    pub const ALL: [Self; 8] = [
        Self::Steps,
        Self::Actions,
        Self::Tokens,
        Self::Cost,
        Self::Duration,
        Self::PatchLines,
        Self::RunsBefore,
        Self::RunsAfter,
    ];

    /// The word in JSON and CSV.
    pub fn name(self) -> &'static str {
        match self {
            Self::Steps => "steps",
            Self::Actions => "actions",
            Self::Tokens => "tokens",
            Self::Cost => "cost",
            Self::Duration => "duration",
            Self::PatchLines => "patch_lines",
            Self::RunsBefore => "runs_before_first_edit",
            Self::RunsAfter => "runs_after_last_edit",
        }
    }

    /// The words for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::PatchLines => "patch lines",
            Self::RunsBefore => "runs before first edit",
            Self::RunsAfter => "runs after last edit",
            other => other.name(),
        }
    }

    /// Whether only whole numbers occur.
    pub fn is_whole(self) -> bool {
        !matches!(self, Self::Cost | Self::Duration)
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "what is counted in one record fits a double"
    )]
    fn value(self, facts: &Facts) -> Option<f64> {
        let (amounts, conduct) = (&facts.amounts, &facts.conduct);
        let whole = |number: usize| number as f64;
        match self {
            Self::Steps => Some(whole(amounts.steps)),
            Self::Actions => Some(whole(amounts.actions)),
            Self::Tokens => amounts.tokens.map(|tokens| tokens as f64),
            Self::Cost => amounts.cost,
            Self::Duration => amounts.duration_s,
            Self::PatchLines => amounts.patch_lines.map(whole),
            Self::RunsBefore => conduct.runs_before.map(whole),
            Self::RunsAfter => conduct.runs_after.map(whole),
        }
    }
}

/// What is counted over all steps and calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sums {
    pub(super) steps: u64,
    pub(super) actions: u64,
    pub(super) failed_actions: u64,
    /// Calls by component.
    pub(super) components: [u64; Component::ALL.len()],
    pub(super) code_steps: u64,
    pub(super) test_steps: u64,
}

/// What records are counted by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) records: usize,
    /// Failed and solved.
    pub(super) resolved: [usize; 2],
    /// The effective outcome, by verdict.
    pub(super) outcome: [usize; VERDICTS.len()],
    /// By rules, verdict and people.
    pub(super) cells: [Cells; RULES.len()],
    pub(super) flags: [usize; FlagKind::ALL.len()],
    pub(super) mended: usize,
    /// Those that change the right file in the wrong way, and those of which that is known.
    pub(super) wrong_fix: [usize; 2],
    /// Those that change the wrong file, and those of which that is known.
    pub(super) wrong_file: [usize; 2],
}

/// The tally of a group.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Tally {
    pub(super) counts: Counts,
    pub(super) sums: Sums,
    pub(super) numbers: [Numbers; Quantity::ALL.len()],
    /// By stretch and component, in parts of [`UNIT`].
    pub(super) course: Box<[[u64; Component::ALL.len()]; STRETCHES]>,
}

fn add<const N: usize>(sums: &mut [usize; N], more: &[usize; N]) {
    for (sum, more) in sums.iter_mut().zip(more) {
        *sum += more;
    }
}

impl Tally {
    /// Counts a record; `flags` are its own and those that only all records together tell.
    pub(super) fn add(&mut self, facts: &Facts, flags: FlagSet) {
        let (said, conduct) = (&facts.said, &facts.conduct);
        let counts = &mut self.counts;
        counts.records += 1;
        if let Some(is_resolved) = said.resolved {
            counts.resolved[usize::from(is_resolved)] += 1;
        }
        counts.outcome[place(&VERDICTS, said.outcome)] += 1;
        let person = place(&Said::ALL, said.people);
        for (cells, verdict) in counts.cells.iter_mut().zip([said.published, said.strict]) {
            cells[place(&VERDICTS, verdict)][person] += 1;
        }
        for (count, flag) in counts.flags.iter_mut().zip(FlagKind::ALL) {
            *count += usize::from(flags.has(flag));
        }
        counts.mended += usize::from(conduct.is_mended);
        if let Some(aim) = conduct.aim {
            counts.wrong_fix[0] += usize::from(aim == Aim::RightFileWrongFix);
            // in the right file, and nobody said whether it is the right fix
            counts.wrong_fix[1] += usize::from(aim != Aim::RightFile);
            counts.wrong_file[0] += usize::from(aim == Aim::WrongFile);
            counts.wrong_file[1] += 1;
        }
        self.sums.add(&Sums::of(facts));
        for (numbers, quantity) in self.numbers.iter_mut().zip(Quantity::ALL) {
            numbers.push(quantity.value(facts));
        }
        self.follow(&conduct.course);
    }

    /// Adds the course of a trajectory: each stretch of it counts the same, however many steps it has.
    fn follow(&mut self, course: &[Component]) {
        let steps = course.len() as u64;
        let stretches = STRETCHES as u64;
        for (nth, component) in (0..).zip(course) {
            // on a line of `steps` times `stretches` units a step is as long as there are stretches, and the other way round
            let (from, to) = (nth * stretches, (nth + 1) * stretches);
            let (first, last) = (from / steps, (to - 1) / steps);
            for stretch in first..=last {
                let overlap = to.min((stretch + 1) * steps) - from.max(stretch * steps);
                let row = usize::try_from(stretch).unwrap_or(STRETCHES);
                if let Some(row) = self.course.get_mut(row) {
                    row[place(&Component::ALL, *component)] += overlap * UNIT / steps;
                }
            }
        }
    }

    /// Takes the tally of other records.
    pub(super) fn merge(&mut self, other: &Self) {
        let (counts, more) = (&mut self.counts, &other.counts);
        counts.records += more.records;
        add(&mut counts.resolved, &more.resolved);
        add(&mut counts.outcome, &more.outcome);
        for (cells, more) in counts.cells.iter_mut().zip(&more.cells) {
            for (row, more) in cells.iter_mut().zip(more) {
                add(row, more);
            }
        }
        add(&mut counts.flags, &more.flags);
        counts.mended += more.mended;
        add(&mut counts.wrong_fix, &more.wrong_fix);
        add(&mut counts.wrong_file, &more.wrong_file);
        self.sums.add(&other.sums);
        for (numbers, more) in self.numbers.iter_mut().zip(&other.numbers) {
            numbers.merge(more);
        }
        for (row, more) in self.course.iter_mut().zip(other.course.iter()) {
            for (sum, more) in row.iter_mut().zip(more) {
                *sum += more;
            }
        }
    }

    /// The values of a quantity.
    pub(super) fn numbers(&self, quantity: Quantity) -> &Numbers {
        &self.numbers[place(&Quantity::ALL, quantity)]
    }
}

impl Sums {
    fn of(facts: &Facts) -> Self {
        let (amounts, conduct) = (&facts.amounts, &facts.conduct);
        Self {
            steps: amounts.steps as u64,
            actions: amounts.actions as u64,
            failed_actions: amounts.failed_actions as u64,
            components: conduct.actions.map(|count| count as u64),
            code_steps: conduct.code_steps as u64,
            test_steps: conduct.test_steps as u64,
        }
    }

    fn add(&mut self, more: &Self) {
        self.steps += more.steps;
        self.actions += more.actions;
        self.failed_actions += more.failed_actions;
        for (sum, more) in self.components.iter_mut().zip(more.components) {
            *sum += more;
        }
        self.code_steps += more.code_steps;
        self.test_steps += more.test_steps;
    }
}

/// The place of a value in a table that has it.
pub(super) fn place<T: PartialEq + Copy>(all: &[T], wanted: T) -> usize {
    let place = all.iter().position(|one| *one == wanted);
    place.unwrap_or(all.len() - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::facts::Conduct;

    #[track_caller]
    fn course(steps: &[Component], stretch: usize, want: [f64; 5]) {
        let mut tally = Tally::default();
        tally.follow(steps);
        for (row, nth) in tally.course.iter().zip(0..) {
            let sum: u64 = row.iter().sum();
            assert!(
                UNIT - sum <= steps.len() as u64,
                "stretch {nth} is whole: {row:?}"
            );
        }
        #[expect(clippy::cast_precision_loss, reason = "a test")]
        let got = tally.course[stretch].map(|part| part as f64 / UNIT as f64);
        for (got, want) in got.iter().zip(want) {
            assert!((got - want).abs() < 1e-6, "{got:?} {want:?}");
        }
    }

    #[test]
    fn each_stretch_of_a_trajectory_counts_the_same() {
        use Component::Exploration as E;
        use Component::Implementation as I;
        use Component::Verification as V;
        course(&[E], 0, [0.0, 1.0, 0.0, 0.0, 0.0]);
        course(&[E], 19, [0.0, 1.0, 0.0, 0.0, 0.0]);
        course(&[E, I], 9, [0.0, 1.0, 0.0, 0.0, 0.0]);
        course(&[E, I], 10, [0.0, 0.0, 1.0, 0.0, 0.0]);
        // a third of twenty stretches ends within the seventh
        course(&[E, I, V], 6, [0.0, 2.0 / 3.0, 1.0 / 3.0, 0.0, 0.0]);
        let many: Vec<Component> = [E, E, I, V].repeat(20);
        course(&many, 3, [0.0, 0.5, 0.25, 0.25, 0.0]);
    }

    fn facts(nth: usize) -> Facts {
        let mut facts = Facts::default();
        facts.amounts.steps = nth;
        facts.amounts.cost = Some(0.1 * f64::from(u32::try_from(nth).unwrap()));
        facts.said.resolved = (!nth.is_multiple_of(3)).then_some(nth.is_multiple_of(2));
        facts.conduct = Conduct {
            course: Component::ALL[..=nth % 5].into(),
            actions: [nth, 1, 0, 2, 0],
            runs_before: (nth > 2).then_some(nth),
            ..Conduct::default()
        };
        facts
    }

    #[test]
    fn parts_add_up_to_the_whole_in_any_order() {
        let all: Vec<Facts> = (0..30).map(facts).collect();
        let of = |part: &[Facts]| {
            let mut tally = Tally::default();
            for facts in part {
                tally.add(facts, facts.flags);
            }
            tally
        };
        let whole = of(&all);
        let (a, b, c) = (of(&all[..7]), of(&all[7..8]), of(&all[8..]));
        let mut left = a.clone();
        left.merge(&b);
        left.merge(&c);
        let mut bc = b;
        bc.merge(&c);
        let mut right = a;
        right.merge(&bc);
        right.merge(&Tally::default());
        assert_eq!(left, whole);
        assert_eq!(right, whole);
    }
}
