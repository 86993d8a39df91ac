//! `no_source_edit`: the task asks for a change of a repository, the attempt ended, and no source was changed for good.
//!
//! Rule: the final patch touches no file that is part of the solution (only tests, scratch files or documentation) or is
//! empty or not there, and no action changed such a file. Not where tests or comments are asked for, nor where the
//! prompt names the document that was changed.

use crate::behave::course::Act;
use crate::behave::course::Course;
use crate::behave::file::Role;
use crate::behave::file::role;
use crate::model::Flag;
use crate::model::FlagKind;
use crate::model::StepKind;

/// Finds it; about the record, at its last response.
pub(super) fn find(course: &Course<'_>) -> Vec<Flag> {
    let ask = course.ask;
    if !ask.is_repository
        || ask.wants_tests
        || ask.wants_docs
        || ask.is_puzzle
        || course.acts.is_empty()
    {
        return Vec::new();
    }
    let outcome = &course.trajectory.outcome;
    let has_ended = course.finished.is_some()
        || outcome.exit_status.is_some()
        || outcome.error.is_some()
        || course.trajectory.final_patch.is_some();
    let has_edited = course.acts.iter().any(Act::edits_source);
    let changes = match course.trajectory.final_patch.as_deref() {
        // data sets leave patches empty; what the attempt did is then all there is
        Some(patch) if !patch.trim().is_empty() => patch_changes_source(patch) || has_edited,
        _ => has_edited,
    };
    if !has_ended || changes {
        return Vec::new();
    }
    let last = course
        .trajectory
        .steps
        .iter()
        .rposition(|step| step.kind == StepKind::Agent);
    let why = match course.trajectory.final_patch.as_deref().map(str::trim) {
        Some("") => "it ends with an empty patch",
        Some(_) => "its patch touches tests, scratch files or documents only",
        None => "it ends without a change of source",
    };
    last.map(|step| Flag::of_step(FlagKind::NoSourceEdit, step, why))
        .into_iter()
        .collect()
}

/// Whether one of the patched files is part of the solution.
pub(in crate::behave) fn patch_changes_source(patch: &str) -> bool {
    let mut is_new = false;
    let mut lines = patch.lines().peekable();
    while let Some(line) = lines.next() {
        if line.starts_with("diff --git ") {
            is_new = false;
        } else if line.starts_with("new file mode") || line == "--- /dev/null" {
            is_new = true;
        }
        let is_file = |name: &&str| *name != "/dev/null";
        let name = line.strip_prefix("+++ ").filter(is_file).or_else(|| {
            let is_removed = lines.peek().is_some_and(|next| *next == "+++ /dev/null");
            line.strip_prefix("--- ")
                .filter(is_file)
                .filter(|_| is_removed)
        });
        let name = name.map(|name| name.split('\t').next().unwrap_or(name));
        let name = name.map(|name| {
            let bare = name.strip_prefix("b/").or_else(|| name.strip_prefix("a/"));
            bare.unwrap_or(name)
        });
        if name.is_some_and(|name| role(name, is_new) == Role::Source) {
            return true;
        }
    }
    // what is no unified diff is not judged
    !patch.trim().is_empty() && !patch.contains("+++ ")
}

#[cfg(test)]
mod tests {
    use super::patch_changes_source;
    use crate::behave::tests::Run;
    use crate::model::FlagKind::NoSourceEdit;

    #[test]
    fn nothing_for_good() {
        Run::issue()
            .shell("ls", "x", 0)
            .finish("done")
            .has(NoSourceEdit, &[2]);
        Run::issue()
            .create("/testbed/reproduce.py", "x")
            .finish("done")
            .has(NoSourceEdit, &[2]);
        Run::issue()
            .shell("ls", "x", 0)
            .finish("done")
            .patch("")
            .has(NoSourceEdit, &[2]);
        Run::issue()
            .edit("tests/test_a.py", "x", "y")
            .finish("done")
            .has(NoSourceEdit, &[2]);
    }

    #[test]
    fn something_or_not_asked_for() {
        Run::issue()
            .edit("src/a.py", "x", "y")
            .finish("done")
            .has(NoSourceEdit, &[]);
        Run::issue().shell("ls", "x", 0).has(NoSourceEdit, &[]);
        Run::asking("Fix the bug in this repository: the README lies.")
            .edit("README.md", "x", "y")
            .finish("done")
            .has(NoSourceEdit, &[]);
        Run::asking("What is 2+2?")
            .shell("ls", "x", 0)
            .finish("4")
            .has(NoSourceEdit, &[]);
        Run::issue()
            .shell("./fix.sh", "", 0)
            .finish("done")
            .patch("--- a/src/a.py\n+++ b/src/a.py\n@@ -1 +1 @@\n-x\n+y\n")
            .has(NoSourceEdit, &[]);
    }

    #[test]
    fn patches() {
        assert!(!patch_changes_source(
            "diff --git a/reproduce.py b/reproduce.py\nnew file mode 100644\n--- /dev/null\n+++ b/reproduce.py\n@@ -0,0 +1 @@\n+x\n"
        ));
        assert!(patch_changes_source(
            "--- a/src/a.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n"
        ));
        assert!(!patch_changes_source(
            "--- a/README.md\n+++ b/README.md\n@@ -1 +1 @@\n-x\n+y\n"
        ));
        assert!(!patch_changes_source(" \n"));
    }
}
