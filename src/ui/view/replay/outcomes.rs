//! What came of the calls, counted as it comes: a frame asks for the visible ones and for sums.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::replay::CallRef;
use crate::replay::CallReplay;
use crate::replay::RecordReplay;
use crate::replay::StepVerdict;
use crate::ui::event::CallRow;

/// What came of each call: in this replay, else, as long as nothing was run, in an earlier one.
#[derive(Debug, Default)]
pub(super) struct Outcomes {
    now: Vec<Option<Arc<CallReplay>>>,
    earlier: Vec<Option<Arc<CallReplay>>>,
    shows_earlier: bool,
    /// By verdict, in the order of [`StepVerdict::ALL`].
    counts: [usize; StepVerdict::ALL.len()],
    diverging: BTreeSet<usize>,
}

impl Outcomes {
    /// Nothing was run so far; an earlier result is told call by call.
    pub(super) fn new(calls: &[CallRow], earlier: Option<&RecordReplay>) -> Self {
        let mut outcomes = Self {
            now: vec![None; calls.len()],
            earlier: vec![None; calls.len()],
            ..Self::default()
        };
        let mut rows = calls.iter().zip(&mut outcomes.earlier).peekable();
        // both are in the order of the trajectory
        for call in earlier.map_or(&[][..], |earlier| &earlier.calls) {
            let place = CallRef {
                step: call.step,
                call: call.call,
            };
            while rows.next_if(|(row, _)| row.place < place).is_some() {}
            if let Some((_, slot)) = rows.next_if(|(row, _)| row.place == place) {
                *slot = Some(Arc::new(call.clone()));
            }
        }
        outcomes.show(earlier.is_some());
        outcomes
    }

    fn shown(&self) -> &[Option<Arc<CallReplay>>] {
        if self.shows_earlier {
            &self.earlier
        } else {
            &self.now
        }
    }

    /// What came of a call as it is shown, and whether that is from an earlier replay.
    pub(super) fn get(&self, ix: usize) -> Option<(&Arc<CallReplay>, bool)> {
        let found = self.shown().get(ix)?.as_ref()?;
        Some((found, self.shows_earlier))
    }

    /// Whether what is shown came of an earlier replay.
    pub(super) fn are_earlier(&self) -> bool {
        self.shows_earlier
    }

    /// How many calls came out so.
    pub(super) fn count(&self, verdict: StepVerdict) -> usize {
        let place = StepVerdict::ALL.iter().position(|one| *one == verdict);
        place
            .and_then(|place| self.counts.get(place))
            .copied()
            .unwrap_or(0)
    }

    /// The calls that diverged, in order.
    pub(super) fn diverging(&self) -> &BTreeSet<usize> {
        &self.diverging
    }

    /// A call begins: from here on this replay counts.
    pub(super) fn began(&mut self) {
        if self.shows_earlier {
            self.show(false);
        }
    }

    /// Takes what came of a call.
    pub(super) fn ended(&mut self, ix: usize, call: Arc<CallReplay>) {
        self.began();
        let verdict = call.verdict;
        let Some(slot) = self.now.get_mut(ix) else {
            return;
        };
        if let Some(before) = slot.replace(call) {
            self.add(ix, before.verdict, false);
        }
        self.add(ix, verdict, true);
    }

    /// Forgets what came of the calls from `stands` on; where none is left, an earlier result shows again.
    pub(super) fn stand(&mut self, stands: usize) {
        let kept = stands.min(self.now.len());
        if self.now.iter().skip(kept).any(Option::is_some) {
            self.now.iter_mut().skip(kept).for_each(|call| *call = None);
        }
        self.show(stands == 0 && self.earlier.iter().any(Option::is_some));
    }

    fn show(&mut self, earlier: bool) {
        self.shows_earlier = earlier;
        self.counts = Default::default();
        self.diverging.clear();
        let shown = self.shown().iter().enumerate();
        let shown = shown.filter_map(|(ix, call)| Some((ix, call.as_ref()?.verdict)));
        let shown: Vec<_> = shown.collect();
        for (ix, verdict) in shown {
            self.add(ix, verdict, true);
        }
    }

    /// Counts a call in or out.
    fn add(&mut self, ix: usize, verdict: StepVerdict, is_in: bool) {
        let place = StepVerdict::ALL.iter().position(|one| *one == verdict);
        if let Some(count) = place.and_then(|place| self.counts.get_mut(place)) {
            *count = if is_in { *count + 1 } else { *count - 1 };
        }
        if is_in && verdict.diverges() {
            self.diverging.insert(ix);
        } else {
            self.diverging.remove(&ix);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ActionClass;

    fn call(step: usize, verdict: StepVerdict) -> CallReplay {
        CallReplay {
            step,
            call: 0,
            tool: "bash".into(),
            verdict,
            why: None,
            after_divergence: false,
            exit_code: None,
            observation: None,
        }
    }

    fn rows(steps: &[usize]) -> Vec<CallRow> {
        let row = |step: &usize| CallRow {
            place: CallRef {
                step: *step,
                call: 0,
            },
            class: ActionClass::Think,
            meaning: String::new(),
            exit_code: None,
        };
        steps.iter().map(row).collect()
    }

    /// Counts are those of what is shown, one by one.
    #[track_caller]
    fn check(outcomes: &Outcomes, want: &[Option<StepVerdict>]) {
        let verdict = |ix| outcomes.get(ix).map(|(call, _)| call.verdict);
        let shown: Vec<_> = (0..want.len()).map(verdict).collect();
        assert_eq!(shown, want);
        for one in StepVerdict::ALL {
            let count = want.iter().filter(|verdict| **verdict == Some(one)).count();
            assert_eq!(outcomes.count(one), count, "{one:?}");
        }
        let diverging = want
            .iter()
            .enumerate()
            .filter(|(_, verdict)| verdict.is_some_and(StepVerdict::diverges));
        let diverging: BTreeSet<usize> = diverging.map(|(ix, _)| ix).collect();
        assert_eq!(*outcomes.diverging(), diverging);
    }

    #[test]
    fn sums_go_with_what_is_shown() {
        const MATCH: Option<StepVerdict> = Some(StepVerdict::Match);
        const DRIFT: Option<StepVerdict> = Some(StepVerdict::Drift);
        let mut outcomes = Outcomes::new(&rows(&[0, 2, 5]), None);
        check(&outcomes, &[None; 3]);
        outcomes.ended(0, Arc::new(call(0, StepVerdict::Drift)));
        outcomes.ended(1, Arc::new(call(2, StepVerdict::Match)));
        check(&outcomes, &[DRIFT, MATCH, None]);
        outcomes.ended(0, Arc::new(call(0, StepVerdict::Match)));
        outcomes.ended(9, Arc::new(call(0, StepVerdict::Match)));
        check(&outcomes, &[MATCH, MATCH, None]);
        outcomes.stand(1);
        check(&outcomes, &[MATCH, None, None]);
    }

    #[test]
    fn an_earlier_result_shows_until_something_runs() {
        const MATCH: Option<StepVerdict> = Some(StepVerdict::Match);
        const DRIFT: Option<StepVerdict> = Some(StepVerdict::Drift);
        let mut earlier = RecordReplay::failed(
            crate::review::RecordRef {
                sha256: crate::model::ContentHash::of(b""),
                id: "a".into(),
                path: "a".into(),
                nth: 1,
            },
            String::new(),
        );
        // of a call that is not there any more, and without one that is
        earlier.calls = vec![
            call(0, StepVerdict::Match),
            call(1, StepVerdict::Timeout),
            call(5, StepVerdict::Drift),
        ];
        let mut outcomes = Outcomes::new(&rows(&[0, 2, 5]), Some(&earlier));
        check(&outcomes, &[MATCH, None, DRIFT]);
        assert!(outcomes.are_earlier());
        outcomes.began();
        check(&outcomes, &[None; 3]);
        outcomes.ended(0, Arc::new(call(0, StepVerdict::Match)));
        outcomes.stand(1);
        check(&outcomes, &[MATCH, None, None]);
        outcomes.stand(0);
        check(&outcomes, &[MATCH, None, DRIFT]);
    }
}
