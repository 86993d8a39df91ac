//! `failed_edit_claimed`: an edit failed, was never made good, and the attempt goes on as though it had been made.
//!
//! Rule: a change of the solution that was answered with an error, no later change of a file of that name that did not
//! fail, by whatever means, and the attempt ended by itself. Edits of scratch files and tests do not count.

use std::collections::HashSet;

use crate::behave::course::Course;
use crate::behave::file::Role;
use crate::behave::file::base_name;
use crate::model::Flag;
use crate::model::FlagKind;

/// Finds them, the last one a file.
pub(super) fn find(course: &Course<'_>) -> Vec<Flag> {
    if course.finished.is_none() {
        return Vec::new();
    }
    let mut settled: HashSet<&str> = HashSet::new();
    let mut found = Vec::new();
    for act in course.acts.iter().rev() {
        for change in &act.changes {
            let name = base_name(&change.path);
            if !change.has_failed {
                settled.insert(name);
            } else if change.role == Role::Source && settled.insert(name) {
                let why = format!(
                    "the edit of {} failed and no later one was made",
                    change.path
                );
                found.push(Flag::of_step(FlagKind::FailedEditClaimed, act.step, why));
            }
        }
    }
    found.reverse();
    found
}

#[cfg(test)]
mod tests {
    use crate::behave::tests::Run;
    use crate::model::FlagKind::FailedEditClaimed;

    #[test]
    fn never_made_good() {
        Run::issue()
            .failing_edit("src/a.py")
            .finish("Fixed it.")
            .has(FailedEditClaimed, &[1]);
        Run::issue()
            .failing_edit("src/a.py")
            .failing_edit("src/a.py")
            .edit("src/b.py", "x", "y")
            .finish("Done")
            .has(FailedEditClaimed, &[2]);
    }

    #[test]
    fn made_good_or_not_ended() {
        Run::issue()
            .failing_edit("src/a.py")
            .edit("/w/src/a.py", "x", "y")
            .finish("Fixed")
            .has(FailedEditClaimed, &[]);
        Run::issue()
            .failing_edit("src/a.py")
            .shell("sed -i s/a/b/ src/a.py", "", 0)
            .finish("Fixed")
            .has(FailedEditClaimed, &[]);
        Run::issue()
            .failing_edit("tests/test_a.py")
            .finish("Fixed")
            .has(FailedEditClaimed, &[]);
        Run::issue()
            .failing_edit("src/a.py")
            .has(FailedEditClaimed, &[]);
    }
}
