//! The file editor that both `OpenHands` generations share: its commands as edits.
//!
//! Takes nothing from the arguments, because they stay verbatim in the action.

use crate::model::Edit;
use crate::model::EditOp;
use crate::model::Text;
use crate::model::Value;
use crate::read::common::str_at;
use crate::read::common::u64_at;

/// The edit that an editor call asks for, by `command` and its fields; `None` when it only looks or names no file.
pub(in crate::read) fn edit_of(args: &Value) -> Option<Edit> {
    let path = str_at(args, "path").filter(|path| !path.is_empty())?;
    let text = |key: &str| str_at(args, key).map(Text::from);
    let mut edit = Edit::new(path, EditOp::Create);
    match str_at(args, "command")? {
        "create" => edit.new = text("file_text"),
        "str_replace" => {
            edit.op = EditOp::StrReplace;
            edit.old = text("old_str");
            edit.new = text("new_str");
        }
        "insert" => {
            edit.op = EditOp::Insert;
            edit.new = text("new_str");
            edit.line = u64_at(args, "insert_line")
                .and_then(|line| usize::try_from(line).ok())
                .and_then(|line| line.checked_add(1));
        }
        "undo_edit" => edit.op = EditOp::Undo,
        _ => return None,
    }
    Some(edit)
}

/// Whether the output says that it was cut, in the words of the runtimes.
pub(in crate::read) fn is_clipped(text: &str) -> bool {
    const MARKS: [&str; 4] = [
        "[... Observation truncated due to length ...]",
        "<response clipped>",
        "[... Output truncated",
        "<NOTE>Due to the max output limit",
    ];
    MARKS
        .into_iter()
        .any(|mark| memchr::memmem::find(text.as_bytes(), mark.as_bytes()).is_some())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    type Told<'a> = (EditOp, Option<&'a str>, Option<&'a str>, Option<usize>);

    #[track_caller]
    fn check(args: &Value, want: Option<Told<'_>>) {
        let edit = edit_of(args);
        let got = edit
            .as_ref()
            .map(|e| (e.op, e.old.as_deref(), e.new.as_deref(), e.line));
        assert_eq!(got, want, "{args}");
    }

    #[test]
    fn commands_become_edits() {
        check(
            &json!({"command": "create", "path": "/a", "file_text": "x"}),
            Some((EditOp::Create, None, Some("x"), None)),
        );
        check(
            &json!({"command": "str_replace", "path": "/a", "old_str": "o", "new_str": null}),
            Some((EditOp::StrReplace, Some("o"), None, None)),
        );
        check(
            &json!({"command": "insert", "path": "/a", "insert_line": 0, "new_str": "n"}),
            Some((EditOp::Insert, None, Some("n"), Some(1))),
        );
        check(
            &json!({"command": "undo_edit", "path": "/a"}),
            Some((EditOp::Undo, None, None, None)),
        );
        check(&json!({"command": "view", "path": "/a"}), None);
        check(&json!({"command": "create", "path": ""}), None);
        check(&json!(null), None);
    }

    #[test]
    fn a_cut_is_seen() {
        assert!(is_clipped(
            "a\n[... Observation truncated due to length ...]\nb"
        ));
        assert!(!is_clipped("a response"));
    }
}
