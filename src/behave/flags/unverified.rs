//! `unverified`: the attempt ends by itself, and nothing checked its last change of the solution.
//!
//! Rule: there is a source edit that did not fail, the attempt ended by itself, and no action of component verification
//! stands behind the last such edit. Not where the prompt forbids running code or only comments are asked for, and not
//! where the edits are documentation.

use crate::behave::course::Act;
use crate::behave::course::Change;
use crate::behave::course::Course;
use crate::behave::file::Role;
use crate::behave::file::role;
use crate::model::Component;
use crate::model::Flag;
use crate::model::FlagKind;

/// Finds it; the step of the last source edit: that is what nobody looked at, wherever the attempt went on to end.
pub(super) fn find(course: &Course<'_>) -> Vec<Flag> {
    let ask = course.ask;
    if course.finished.is_none() || ask.forbids_runs || ask.wants_docs || ask.is_puzzle {
        return Vec::new();
    }
    // what the prompt calls for may be a document: nothing runs it
    let edits_code = |act: &Act<'_>| {
        let is_code = |change: &Change<'_>| role(&change.path, change.is_own) != Role::Docs;
        act.edits_source() && act.changes.iter().any(is_code)
    };
    let Some(last) = course.acts.iter().rposition(edits_code) else {
        return Vec::new();
    };
    let is_checking = |component| component == Component::Verification;
    let behind = course.acts.get(last + 1..).unwrap_or_default();
    let step = course.acts.get(last).map(|act| (act.step, act.runs_code));
    match step {
        Some((step, false)) if !behind.iter().any(|act| is_checking(act.component)) => {
            let why = "nothing ran after this last edit of the solution";
            vec![Flag::of_step(FlagKind::Unverified, step, why)]
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use crate::behave::tests::Run;
    use crate::model::FlagKind::Unverified;

    #[test]
    fn nothing_ran() {
        Run::issue()
            .edit("src/a.py", "x", "y")
            .finish("ok")
            .has(Unverified, &[1]);
        Run::issue()
            .shell("pytest", "x", 1)
            .edit("src/a.py", "x", "y")
            .shell("git diff", "x", 0)
            .finish("ok")
            .has(Unverified, &[2]);
    }

    #[test]
    fn something_ran_or_nothing_was_to_run() {
        Run::issue()
            .edit("src/a.py", "x", "y")
            .shell("pytest", "x", 0)
            .finish("ok")
            .has(Unverified, &[]);
        Run::issue().edit("src/a.py", "x", "y").has(Unverified, &[]);
        Run::issue()
            .edit("README.md", "x", "y")
            .finish("ok")
            .has(Unverified, &[]);
        Run::issue()
            .shell("sed -i s/a/b/ src/a.py && python -m pytest", "x", 0)
            .finish("ok")
            .has(Unverified, &[]);
        Run::asking("You cannot run code. Fix the bug in this repository.")
            .edit("a.py", "x", "y")
            .finish("ok")
            .has(Unverified, &[]);
    }
}
