//! What lists and queries say of a replay.

use std::cmp::Reverse;

use crate::model::Verdict;
use crate::query::sort::Replayed;
use crate::replay::RecordReplay;
use crate::replay::Same;
use crate::replay::StepVerdict;

/// A result without its texts.
#[derive(Debug, Clone, PartialEq)]
pub struct Brief {
    /// Every call that can show something showed what was recorded, to the end.
    pub is_reproduced: bool,
    /// The step of the first call that diverged.
    pub first_divergence: Option<usize>,
    /// The calls that were run.
    pub calls: usize,
    /// Of those that can show something, how many showed what was recorded; `None` where none can.
    pub matched: Option<f64>,
    /// How the final patch compares with the recorded one; `None` where that is not known.
    pub patch: Option<Same>,
    /// What the task's own check says of the workspace: of several, the worst.
    pub verified: Option<Verdict>,
    /// A check did not always say the same.
    pub is_flaky: bool,
    /// It could not be replayed, or not to its end.
    pub has_error: bool,
}

impl Brief {
    /// Of a result.
    pub fn of(result: &RecordReplay) -> Self {
        let shows = |verdict: StepVerdict| verdict != StepVerdict::NoOp;
        let showing = result
            .calls
            .iter()
            .filter(|call| shows(call.verdict))
            .count();
        let same = result
            .calls
            .iter()
            .filter(|call| call.verdict.is_reproduced())
            .count();
        #[expect(
            clippy::cast_precision_loss,
            reason = "trajectories have far fewer calls than 2^52"
        )]
        let matched = (showing > 0).then(|| same as f64 / showing as f64);
        let verdicts = || result.verified.iter().map(|verified| verified.verdict);
        let worst = [Verdict::Reject, Verdict::Unjudged, Verdict::Accept]
            .into_iter()
            .find(|worst| verdicts().any(|verdict| verdict == *worst));
        Self {
            is_reproduced: result.is_reproduced(),
            first_divergence: result.first_divergence,
            calls: result.calls.len(),
            matched,
            patch: patch(result),
            verified: worst,
            is_flaky: result
                .verified
                .iter()
                .any(crate::replay::Verified::is_flaky),
            has_error: result.error.is_some(),
        }
    }

    /// For sorting.
    pub fn rank(&self) -> Replayed {
        match self.first_divergence {
            _ if self.has_error => Replayed::Failed,
            Some(step) => Replayed::Diverged(Reverse(step)),
            None => Replayed::Reproduced,
        }
    }

    /// A word for a column: `reproduced`, `@K` for a first divergence at step K, `error`.
    pub fn word(&self) -> String {
        match self.first_divergence {
            _ if self.has_error => "error".to_owned(),
            Some(step) => format!("@{step}"),
            None => "reproduced".to_owned(),
        }
    }
}

/// By its text; by the files that result where the texts differ and all files are known.
fn patch(result: &RecordReplay) -> Option<Same> {
    let patch = result.patch.as_ref()?;
    let text = patch.text?;
    let are_files_same =
        !patch.files.is_empty() && patch.files.iter().all(|file| file.same == Some(true));
    Some(match text {
        Same::Differs if are_files_same => Same::Normalised,
        text => text,
    })
}
