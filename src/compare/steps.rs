//! The steps of two attempts by what they mean, and how alike any two of them are.
//!
//! Aligning asks that of all pairs of steps. So calls are compared one by one only where that is cheap: in steps of few
//! calls, each pair of different calls once. Other steps are compared by one sample of all that they do.

use std::cell::Cell;
use std::collections::HashMap;

use crate::cancel::Cancel;
use crate::compare::meaning::ActKey;
use crate::compare::meaning::EQUAL;
use crate::compare::meaning::Sample;
use crate::compare::meaning::act_difference;
use crate::compare::meaning::hash_of;
use crate::compare::meaning::words;
use crate::model::Step;
use crate::model::StepKind;

/// From here on two steps are similar.
pub(super) const SIMILAR: u32 = 50;

/// Calls of one step that are told apart in words; of further ones it only counts whether all are equal.
const ACTIONS: usize = 16;

/// Steps with more calls are compared by their samples.
const FEW: usize = 4;

/// Pairs of different calls, and pairs of steps, up to which calls are compared one by one: 2,048 on either side.
const MOST_PAIRS: usize = 1 << 22;

/// What a step means.
#[derive(Debug)]
struct StepKey {
    kind: StepKind,
    /// Equal where the steps do or say the same.
    whole: u64,
    /// The first calls.
    actions: Vec<ActKey>,
    /// The numbers of the calls among the different ones of the attempt, where they are few.
    numbers: Vec<usize>,
    /// Calls, those beyond the first 16 too.
    count: usize,
    /// What is done in all calls; words of what is said, where nothing is done.
    sample: Sample,
}

impl StepKey {
    /// Looks at all of the step once.
    fn of(step: &Step) -> Self {
        let actions: Vec<ActKey> = step.actions.iter().map(ActKey::of).collect();
        let (whole, sample) = if actions.is_empty() {
            let text = step.text.as_deref().or(step.thought.as_deref());
            let (whole, said) = words(text.unwrap_or_default());
            (hash_of((&step.label, whole)), said)
        } else {
            let wholes: Vec<u64> = actions.iter().map(|action| action.whole).collect();
            (hash_of(wholes), sample_of(&actions))
        };
        let count = actions.len();
        Self {
            kind: step.kind,
            whole,
            actions: actions.into_iter().take(ACTIONS).collect(),
            numbers: Vec::new(),
            count,
            sample,
        }
    }

    fn is_agent(&self) -> bool {
        self.kind == StepKind::Agent
    }

    fn fails_unlike(&self, other: &Self) -> bool {
        let mut pairs = self.actions.iter().zip(&other.actions);
        pairs.any(|(left, right)| left.fails_unlike(right))
    }

    /// In what two steps beside each other differ, in a few words; `None` where they do not.
    fn difference(&self, other: &Self) -> Option<String> {
        if self.whole == other.whole {
            let failing = |key: &Self| {
                let mut actions = key.actions.iter();
                actions.any(|action| action.is_failed == Some(true))
            };
            return self.fails_unlike(other).then(|| {
                let which = match (failing(self), failing(other)) {
                    (true, false) => "fails on the left only",
                    (false, true) => "fails on the right only",
                    _ => "other calls of it fail",
                };
                which.to_owned()
            });
        }
        let pairs = partners(&self.actions, &other.actions, ActKey::likeness);
        let mut pairs = pairs.map(|(left, right, _)| (left, right));
        let unlike = pairs.find(|(left, right)| left.whole != right.whole);
        let words = match unlike {
            Some((left, right)) => act_difference(left, right),
            None if self.count != other.count => {
                format!("{} calls, {} calls", self.count, other.count)
            }
            None => "other words".to_owned(),
        };
        Some(words)
    }
}

/// A sample of all that the calls of a step do: each call, its target, its words or lines.
fn sample_of(actions: &[ActKey]) -> Sample {
    let mut sample = Sample::default();
    let mut times: HashMap<u64, usize> = HashMap::new();
    for action in actions {
        // the same call a second time is one more
        let nth = times.entry(action.whole).or_default();
        *nth += 1;
        sample.add(hash_of((action.whole, *nth)));
        sample.add(hash_of((action.class, action.target)));
        sample.add_all(&action.sample);
    }
    sample
}

/// Each call of a step with the one of the other step that is most like it, and how much; none of them twice, and no more
/// than 16. Calls of one step were made at once: their order says nothing.
fn partners<'a, T>(
    left: &'a [T],
    right: &'a [T],
    likeness: impl Fn(&T, &T) -> u32,
) -> impl Iterator<Item = (&'a T, &'a T, u32)> {
    let mut is_taken = [false; ACTIONS];
    left.iter().filter_map(move |action| {
        let mut best: Option<(usize, &T, u32)> = None;
        for (ix, one) in right.iter().enumerate() {
            if is_taken.get(ix) != Some(&false) {
                continue;
            }
            let likeness = likeness(action, one);
            if best.is_none_or(|(.., most)| likeness > most) {
                best = Some((ix, one, likeness));
            }
            if likeness >= EQUAL {
                break;
            }
        }
        let (ix, one, likeness) = best?;
        if let Some(taken) = is_taken.get_mut(ix) {
            *taken = true;
        }
        Some((action, one, likeness))
    })
}

/// The different calls of an attempt's steps of few calls, by their numbers.
fn number_calls(steps: &mut [StepKey]) -> Vec<ActKey> {
    let mut numbers: HashMap<(u64, Option<bool>), usize> = HashMap::new();
    let mut calls: Vec<ActKey> = Vec::new();
    for step in steps.iter_mut().filter(|step| step.count <= FEW) {
        let number = |action: &ActKey| {
            let key = (action.whole, action.is_failed);
            *numbers.entry(key).or_insert_with(|| {
                calls.push(action.clone());
                calls.len() - 1
            })
        };
        step.numbers = step.actions.iter().map(number).collect();
    }
    calls
}

/// The steps of two attempts.
pub(super) struct Steps {
    left: Vec<StepKey>,
    right: Vec<StepKey>,
    /// Different calls of the left and of the right attempt.
    calls: [Vec<ActKey>; 2],
    /// How alike each left call is to each right one, once it was asked for; empty where there are too many.
    known: Vec<Cell<u8>>,
}

impl Steps {
    /// What no pair of calls has for a likeness.
    const UNKNOWN: u8 = u8::MAX;

    /// Looks at all steps once. `None` when cancelled.
    pub(super) fn of(left: &[Step], right: &[Step], cancel: &Cancel) -> Option<Self> {
        let keys = |steps: &[Step]| -> Option<Vec<StepKey>> {
            let key = |step| (!cancel.is_cancelled()).then(|| StepKey::of(step));
            steps.iter().map(key).collect()
        };
        let (mut left, mut right) = (keys(left)?, keys(right)?);
        let calls = [number_calls(&mut left), number_calls(&mut right)];
        let pairs = calls[0].len().saturating_mul(calls[1].len());
        let is_small = pairs.max(left.len().saturating_mul(right.len())) <= MOST_PAIRS;
        let known = vec![Cell::new(Self::UNKNOWN); if is_small { pairs } else { 0 }];
        Some(Self {
            left,
            right,
            calls,
            known,
        })
    }

    /// Steps of the left and of the right attempt.
    pub(super) fn lens(&self) -> (usize, usize) {
        (self.left.len(), self.right.len())
    }

    /// Whether the agent takes one of the steps.
    pub(super) fn has_agent(&self, left: Option<usize>, right: Option<usize>) -> bool {
        let left = left.and_then(|ix| self.left.get(ix));
        let right = right.and_then(|ix| self.right.get(ix));
        left.into_iter().chain(right).any(StepKey::is_agent)
    }

    /// How alike two steps are, in percent; `None` where they may not stand beside each other: who speaks differs, or one
    /// of them does nothing.
    pub(super) fn likeness(&self, left: usize, right: usize) -> Option<u32> {
        let (left, right) = (self.left.get(left)?, self.right.get(right)?);
        if left.kind != right.kind || (left.count == 0) != (right.count == 0) {
            return None;
        }
        if left.whole == right.whole {
            return Some(if left.fails_unlike(right) { 95 } else { EQUAL });
        }
        let most = left.count.max(right.count);
        let likeness = if most == 0 {
            let least = if left.is_agent() { 40 } else { 0 };
            least + left.sample.in_common(&right.sample) * (95 - least) / 100
        } else if most == 1 || (most <= FEW && !self.known.is_empty()) {
            let pairs = partners(&left.numbers, &right.numbers, |left, right| {
                self.likeness_of_calls(*left, *right)
            });
            let sum: u32 = pairs.map(|(_, _, likeness)| likeness).sum();
            sum / u32::try_from(most).unwrap_or(1)
        } else {
            // of what is in either step to what is in one of them on the average
            let common = left.sample.in_common(&right.sample);
            2 * common * EQUAL / (EQUAL + common)
        };
        Some(likeness.min(95))
    }

    /// How alike two calls are, in percent, by their numbers.
    fn likeness_of_calls(&self, left: usize, right: usize) -> u32 {
        let [lefts, rights] = &self.calls;
        let known = self.known.get(left * rights.len() + right);
        if let Some(known) = known.map(Cell::get).filter(|known| *known != Self::UNKNOWN) {
            return u32::from(known);
        }
        let calls = lefts.get(left).zip(rights.get(right));
        let likeness = calls.map_or(0, |(left, right)| left.likeness(right));
        if let Some(known) = known {
            known.set(u8::try_from(likeness).unwrap_or(Self::UNKNOWN));
        }
        likeness
    }

    /// In what two steps beside each other differ, in a few words; `None` where they do not.
    pub(super) fn difference(&self, left: usize, right: usize) -> Option<String> {
        self.left.get(left)?.difference(self.right.get(right)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::meaning::tests::MERGES;
    use crate::model::Action;
    use crate::model::ActionClass;
    use crate::model::ShellCall;

    /// Steps of so many commands each, of which those with the same number are the same.
    fn steps(count: usize, calls: usize, command: impl Fn(usize) -> String) -> Vec<Step> {
        let action = |ix| Action {
            class: ActionClass::Shell,
            shell: Some(ShellCall {
                cmd: command(ix).into(),
                ..ShellCall::default()
            }),
            ..Action::default()
        };
        let step = |ix| Step {
            kind: StepKind::Agent,
            actions: (ix * calls..(ix + 1) * calls).map(action).collect(),
            ..Step::default()
        };
        (0..count).map(step).collect()
    }

    /// How many samples are merged to compare all steps with all.
    fn merges(left: &[Step], right: &[Step]) -> usize {
        let steps = Steps::of(left, right, &Cancel::new()).unwrap();
        MERGES.set(0);
        for i in 0..left.len() {
            for j in 0..right.len() {
                steps.likeness(i, j);
            }
        }
        MERGES.get()
    }

    #[test]
    fn steps_of_many_calls_are_compared_once() {
        let left = steps(40, 16, |ix| format!("python a{ix}.py --left --all"));
        let right = steps(40, 16, |ix| format!("python b{ix}.py --right --all"));
        let count = merges(&left, &right);
        assert!((1..=40 * 40).contains(&count), "{count}");
    }

    #[test]
    fn different_calls_are_compared_once() {
        let left = steps(60, 3, |ix| format!("python a{}.py --all", ix % 7));
        let right = steps(60, 3, |ix| format!("python b{}.py --all", ix % 5));
        let count = merges(&left, &right);
        assert!((1..=7 * 5).contains(&count), "{count}");
    }

    #[test]
    fn too_many_calls_are_compared_by_their_steps() {
        let left = steps(1100, 2, |ix| format!("python a{ix}.py --all"));
        let right = steps(1000, 2, |ix| format!("python b{ix}.py --all"));
        let steps = Steps::of(&left, &right, &Cancel::new()).unwrap();
        assert!(steps.known.is_empty());
        MERGES.set(0);
        assert!(steps.likeness(3, 3) < Some(95));
        assert_eq!(MERGES.get(), 1);
    }

    #[track_caller]
    fn many(left: &[usize], right: &[usize], want: std::ops::RangeInclusive<u32>) {
        let one = |numbers: &[usize]| {
            let name = |ix: usize| format!("tool{n} file{n}.py -o{n}", n = numbers[ix]);
            steps(1, numbers.len(), name)
        };
        let steps = Steps::of(&one(left), &one(right), &Cancel::new()).unwrap();
        let likeness = steps.likeness(0, 0).unwrap();
        assert!(want.contains(&likeness), "{likeness}");
    }

    #[test]
    fn steps_of_many_calls_are_as_alike_as_what_they_share() {
        many(&[1, 2, 3, 4, 5, 6], &[1, 2, 3, 4, 5, 6], 100..=100);
        many(&[1, 2, 3, 4, 5, 6], &[6, 5, 4, 3, 2, 1], 95..=95);
        many(&[1, 2, 3, 4, 5, 6], &[1, 2, 3, 4, 5, 7], 60..=95);
        many(&[1, 2, 3, 4, 5, 6], &[11, 12, 13, 14, 15, 16], 0..=20);
        many(&[1, 2, 3, 4, 5, 6], &[1], 0..=49);
        many(&[1; 5], &[1; 500], 0..=49);
    }
}
