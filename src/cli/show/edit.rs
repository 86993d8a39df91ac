//! An edit as a unified diff, from whatever is known of it.

use crate::diff::diff_texts;
use crate::diff::unified;
use crate::model::Edit;
use crate::model::EditOp;

/// Lines of context around a change.
const CONTEXT: usize = 3;

/// The change as text: from the whole files where both are known, else the producer's own diff, else from the texts
/// that were taken out and put in. `None` when nothing of it is known.
pub(super) fn diff(edit: &Edit) -> Option<String> {
    let path = edit.moved_to.as_deref().unwrap_or(&edit.path);
    let path = path.trim_start_matches('/');
    let between = |old: &str, new: &str, line: usize| {
        let text = unified(path, &diff_texts(old, new, CONTEXT, line));
        (!text.is_empty()).then_some(text)
    };
    let is_whole = matches!(edit.op, EditOp::Create | EditOp::Write);
    match (&edit.before, &edit.after, &edit.diff) {
        (Some(before), Some(after), _) => between(before, after, 1),
        (_, _, Some(diff)) => Some(diff.to_string()),
        (None, Some(after), None) if is_whole => between("", after, 1),
        _ => match (edit.old.as_deref(), edit.new.as_deref()) {
            (None, None) => None,
            (old, new) => between(
                old.unwrap_or_default(),
                new.unwrap_or_default(),
                edit.line.unwrap_or(1),
            ),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(edit: &Edit, want: Option<&str>) {
        assert_eq!(diff(edit).as_deref(), want);
    }

    #[test]
    fn the_best_known_form_is_used() {
        let mut edit = Edit::new("/w/a.py", EditOp::StrReplace);
        check(&edit, None);
        edit.old = Some("a\n".into());
        edit.new = Some("b\n".into());
        edit.line = Some(7);
        check(
            &edit,
            Some("--- a/w/a.py\n+++ b/w/a.py\n@@ -7 +7 @@\n-a\n+b\n"),
        );
        edit.diff = Some("their own".into());
        check(&edit, Some("their own"));
        edit.before = Some("x\na\n".into());
        edit.after = Some("x\nb\n".into());
        check(
            &edit,
            Some("--- a/w/a.py\n+++ b/w/a.py\n@@ -1,2 +1,2 @@\n x\n-a\n+b\n"),
        );
        edit.after = edit.before.clone();
        check(&edit, None);
    }

    #[test]
    fn a_new_file_is_all_new() {
        let mut edit = Edit::new("a.py", EditOp::Create);
        edit.new = Some("b\n".into());
        check(&edit, Some("--- a/a.py\n+++ b/a.py\n@@ -1,0 +1 @@\n+b\n"));
    }
}
