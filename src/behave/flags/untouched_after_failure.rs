//! `untouched_after_failure`: the last check that ran failed, and nothing was changed before the attempt ended.
//!
//! Rule: the attempt ended by itself; of its real checks (tests, reproductions, snippets, checkers) the last one failed;
//! no file was changed behind it. Not where tests are asked for, which should fail, and not where the environment is at
//! fault and another real check since the last change passed.

use crate::behave::course::Check;
use crate::behave::course::Course;
use crate::behave::flags::broken_environment;
use crate::model::Flag;
use crate::model::FlagKind;

/// Finds it; the step of the check.
pub(super) fn find(course: &Course<'_>) -> Vec<Flag> {
    if course.finished.is_none() || course.ask.wants_tests || course.ask.is_puzzle {
        return Vec::new();
    }
    let Some(at) = course.acts.iter().rposition(|act| act.check == Check::Real) else {
        return Vec::new();
    };
    let (before, rest) = course.acts.split_at(at);
    let Some((check, after)) = rest.split_first() else {
        return Vec::new();
    };
    let has_change = |act: &crate::behave::course::Act<'_>| {
        act.changes
            .iter()
            .any(|change| !change.has_failed && !change.is_removal)
    };
    if !check.has_failed || after.iter().any(has_change) {
        return Vec::new();
    }
    let own = broken_environment::own_modules(course);
    let passed = before
        .iter()
        .rev()
        .take_while(|act| !act.edits_source())
        .any(|act| act.check == Check::Real && !act.has_failed);
    if passed && broken_environment::lack(check, &own).is_some() {
        return Vec::new();
    }
    let why = "this last check failed, and nothing was changed after it";
    vec![Flag::of_step(
        FlagKind::UntouchedAfterFailure,
        check.step,
        why,
    )]
}

#[cfg(test)]
mod tests {
    use crate::behave::tests::Run;
    use crate::model::FlagKind::UntouchedAfterFailure;

    #[test]
    fn left_as_it_failed() {
        Run::issue()
            .edit("a.py", "x", "y")
            .shell("pytest", "1 failed in 0.1s", 1)
            .finish("ok")
            .has(UntouchedAfterFailure, &[2]);
        Run::issue()
            .edit("a.py", "x", "y")
            .shell("pytest | tail", "=== 1 failed in 0.1s ===", 0)
            .shell("git diff", "x", 0)
            .finish("ok")
            .has(UntouchedAfterFailure, &[2]);
    }

    #[test]
    fn passed_or_touched() {
        Run::issue()
            .shell("pytest", "1 failed in 0.1s", 1)
            .edit("a.py", "x", "y")
            .finish("ok")
            .has(UntouchedAfterFailure, &[]);
        Run::issue()
            .shell("pytest", "1 failed in 0.1s", 1)
            .shell("pytest", "1 passed in 0.1s", 0)
            .finish("ok")
            .has(UntouchedAfterFailure, &[]);
        Run::issue()
            .shell("pytest", "1 failed in 0.1s", 1)
            .has(UntouchedAfterFailure, &[]);
        Run::asking("Write tests for a.py")
            .shell("pytest", "1 failed in 0.1s", 1)
            .finish("ok")
            .has(UntouchedAfterFailure, &[]);
        Run::issue()
            .edit("a.py", "x", "y")
            .shell("python repro.py", "ok", 0)
            .shell("python -m pytest", "python: No module named pytest", 1)
            .finish("ok")
            .has(UntouchedAfterFailure, &[]);
    }
}
