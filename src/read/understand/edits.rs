//! The changes that editing tools make, read from their arguments, and the line where they landed, read from the
//! answer.
//!
//! A failed edit is kept: it is what was attempted. What a file is afterwards is said only of edits that state it.

use std::collections::HashSet;

use crate::diff::DiffTag;
use crate::diff::unified;
use crate::model::Action;
use crate::model::Edit;
use crate::model::EditOp;
use crate::model::Text;
use crate::model::Value;
use crate::patch::FilePatch;
use crate::patch::PatchKind;
use crate::patch::find_begin_patch;
use crate::patch::parse_begin_patch;
use crate::patch::parse_patch;
use crate::read::understand::args::first_str;
use crate::read::understand::args::first_usize;
use crate::read::understand::args::path_of;
use crate::read::understand::listing::SNIPPET_MARK;
use crate::read::understand::listing::numbered_after;
use crate::read::understand::tools::Tool;

const OLD_KEYS: [&str; 5] = ["old_str", "old_string", "old_text", "search", "oldText"];
const NEW_KEYS: [&str; 6] = [
    "new_str",
    "new_string",
    "new_text",
    "replace",
    "newText",
    "new_source",
];
const WHOLE_KEYS: [&str; 5] = ["file_text", "content", "contents", "file_content", "text"];

/// The changes that the arguments of an editing tool ask for; empty for all other tools.
pub(super) fn edits_of(action: &Action, tool: Tool) -> Vec<Edit> {
    let args = &action.args;
    match tool {
        Tool::Editor => editor_edit(args).into_iter().collect(),
        Tool::Patch => patch_edits(args),
        Tool::Edit => tool_edits(action),
        Tool::Shell | Tool::Python | Tool::View | Tool::Class(_) => Vec::new(),
    }
}

/// `str_replace_editor` and its kin.
fn editor_edit(args: &Value) -> Option<Edit> {
    let path = path_of(args)?;
    match first_str(args, &["command"])?.trim() {
        "create" => Some(whole(path, EditOp::Create, text(args, &WHOLE_KEYS))),
        "str_replace" => Some(replaced(path, args)),
        "insert" => {
            let mut edit = Edit::new(path, EditOp::Insert);
            edit.new = text(args, &NEW_KEYS);
            edit.line = first_usize(args, &["insert_line"]).map(|line| line.saturating_add(1));
            Some(edit)
        }
        "undo_edit" => Some(Edit::new(path, EditOp::Undo)),
        _ => None,
    }
}

/// Tools that have one kind of change each.
fn tool_edits(action: &Action) -> Vec<Edit> {
    let args = &action.args;
    let Some(path) = path_of(args) else {
        return Vec::new();
    };
    if let Some(items) = args.get("edits").and_then(Value::as_array) {
        return items
            .iter()
            .map(|item| replaced(path.clone(), item))
            .collect();
    }
    let name = action.tool.rsplit("__").next().unwrap_or_default();
    let edit = match name {
        "delete" | "delete_file" => Edit::new(path, EditOp::Delete),
        "undo_edit" => Edit::new(path, EditOp::Undo),
        "create" | "create_file" => whole(path, EditOp::Create, text(args, &WHOLE_KEYS)),
        "NotebookEdit" => notebook_edit(path, args),
        "insert" => {
            let mut edit = Edit::new(path, EditOp::Insert);
            edit.new = text(args, &NEW_KEYS).or_else(|| text(args, &WHOLE_KEYS));
            edit.line =
                first_usize(args, &["insert_line", "line"]).map(|line| line.saturating_add(1));
            edit
        }
        _ if OLD_KEYS
            .iter()
            .any(|key| args.get(key).is_some_and(Value::is_string)) =>
        {
            replaced(path, args)
        }
        _ => match text(args, &WHOLE_KEYS) {
            Some(content) => whole(path, EditOp::Write, Some(content)),
            None => return Vec::new(),
        },
    };
    vec![edit]
}

fn notebook_edit(path: String, args: &Value) -> Edit {
    let op = match first_str(args, &["edit_mode"]) {
        Some("insert") => EditOp::Insert,
        Some("delete") => EditOp::Delete,
        _ => EditOp::StrReplace,
    };
    // A deleted cell is no deleted file.
    let op = if op == EditOp::Delete {
        EditOp::StrReplace
    } else {
        op
    };
    let mut edit = Edit::new(path, op);
    edit.new = text(args, &["new_source"]);
    edit
}

fn replaced(path: String, args: &Value) -> Edit {
    let mut edit = Edit::new(path, EditOp::StrReplace);
    edit.old = text(args, &OLD_KEYS);
    edit.new = text(args, &NEW_KEYS);
    if edit.new.is_none() && edit.old.is_some() {
        // All editors take a missing new text as "remove".
        edit.new = Some("".into());
    }
    // An empty old text makes the file (Claude Code, gemini).
    if edit.old.as_deref() == Some("") && edit.new.is_some() {
        return whole(edit.path, EditOp::Create, edit.new);
    }
    edit
}

fn whole(path: String, op: EditOp, content: Option<Text>) -> Edit {
    let mut edit = Edit::new(path, op);
    edit.new = content;
    edit.line = Some(1);
    edit
}

fn text(args: &Value, keys: &[&str]) -> Option<Text> {
    first_str(args, keys).map(Into::into)
}

fn patch_edits(args: &Value) -> Vec<Edit> {
    let Some(text) = args
        .as_str()
        .or_else(|| first_str(args, &["input", "patch", "diff"]))
    else {
        return Vec::new();
    };
    if let Some(patch) = find_begin_patch(text) {
        return edits_of_begin_patch(patch);
    }
    let mut edits = edits_of_unified(text);
    if let (Some(path), [edit]) = (path_of(args), edits.as_mut_slice())
        && edit.path.is_empty()
    {
        edit.path = path;
    }
    edits.retain(|edit| !edit.path.is_empty());
    edits
}

/// The changes of a `*** Begin Patch` text, one a file.
pub(super) fn edits_of_begin_patch(patch: &str) -> Vec<Edit> {
    parse_begin_patch(patch)
        .iter()
        .filter_map(edit_of_patch)
        .collect()
}

/// The changes of a unified diff, one a file.
pub(super) fn edits_of_unified(patch: &str) -> Vec<Edit> {
    parse_patch(patch)
        .iter()
        .filter_map(edit_of_patch)
        .collect()
}

fn edit_of_patch(file: &FilePatch) -> Option<Edit> {
    let path = file
        .old_path
        .as_deref()
        .or(file.new_path.as_deref())
        .unwrap_or_default();
    if path.is_empty() && file.hunks.is_empty() {
        return None;
    }
    let mut edit = match file.kind {
        PatchKind::Added => {
            let content = file.side_text(DiffTag::Removed);
            whole(path.to_owned(), EditOp::Create, Some(content.into()))
        }
        PatchKind::Deleted => Edit::new(path, EditOp::Delete),
        PatchKind::Modified | PatchKind::Renamed | PatchKind::Copied => {
            let mut edit = Edit::new(path, EditOp::Patch);
            if let [hunk] = file.hunks.as_slice() {
                edit.old = Some(file.side_text(DiffTag::Added).into());
                edit.new = Some(file.side_text(DiffTag::Removed).into());
                let changed = hunk.lines.iter().find(|line| line.tag != DiffTag::Same);
                edit.line = changed.and_then(|line| line.new_no.or(line.old_no));
            }
            edit
        }
    };
    edit.moved_to = file
        .new_path
        .clone()
        .filter(|new| new != path && file.kind == PatchKind::Renamed);
    if !file.hunks.is_empty() {
        edit.diff = Some(unified(path.trim_start_matches('/'), &file.hunks).into());
    }
    Some(edit)
}

/// Fills what only the answer tells: the line of the change, from the snippet that editors show or from the texts
/// before and after; the file after a change that states all of it.
pub(super) fn fill_from_observation(action: &mut Action) {
    let observation = action.observation.as_ref();
    let failed = observation
        .is_none_or(|o| o.is_error == Some(true) || o.exit_code.is_some_and(|code| code != 0));
    let snippet = observation
        .and_then(|o| o.first_text())
        .filter(|_| !failed)
        .cloned();
    let is_single = action.edits.len() == 1;
    for edit in &mut action.edits {
        prefer_texts(edit);
        if edit.line.is_none() {
            edit.line = edit
                .before
                .as_deref()
                .zip(edit.after.as_deref())
                .and_then(|(a, b)| changed_line(a, b));
        }
        if edit.line.is_none() && is_single && edit.op == EditOp::StrReplace {
            edit.line = snippet
                .as_deref()
                .zip(edit.new.as_deref())
                .and_then(|(seen, new)| snippet_line(seen, new));
        }
        if !failed && edit.after.is_none() && matches!(edit.op, EditOp::Create | EditOp::Write) {
            edit.after.clone_from(&edit.new);
        }
    }
}

/// Where an edit has its texts and a diff without any context, the diff gives the line and stands back: the texts show
/// more. A diff that has whole lines where the texts have pieces of lines stays.
fn prefer_texts(edit: &mut Edit) {
    let (Some(diff), Some(old), Some(new)) = (&edit.diff, &edit.old, &edit.new) else {
        return;
    };
    let files = parse_patch(diff);
    let [file] = files.as_slice() else {
        return;
    };
    let mut lines = file.hunks.iter().flat_map(|hunk| &hunk.lines);
    let known: HashSet<&str> = old.lines().chain(new.lines()).collect();
    if !lines.all(|line| line.tag != DiffTag::Same && known.contains(line.text.as_str())) {
        return;
    }
    let Some(first) = file.hunks.first().filter(|hunk| hunk.has_numbers()) else {
        return;
    };
    let changed = if first.old_len == 0 {
        first.new_start
    } else {
        first.old_start
    };
    let pairs = old.lines().zip(new.lines());
    let same = pairs.take_while(|(a, b)| a == b).count();
    if let Some(line) = changed.checked_sub(same).filter(|line| *line > 0) {
        edit.line = edit.line.or(Some(line));
        edit.diff = None;
    }
}

/// The 1-based line of the first difference; `None` when there is none.
fn changed_line(before: &str, after: &str) -> Option<usize> {
    if before == after {
        return None;
    }
    let same = before
        .lines()
        .zip(after.lines())
        .take_while(|(a, b)| a == b)
        .count();
    Some(same + 1)
}

/// The line of `new` in the numbered snippet of an editor's answer, when it stands there exactly once.
fn snippet_line(answer: &str, new: &str) -> Option<usize> {
    let new = new.trim_end_matches(['\n', '\r']);
    if new.trim().is_empty() {
        return None;
    }
    let listing = numbered_after(answer, SNIPPET_MARK)?;
    let found = listing.text.find(new)?;
    let rest = listing.text.get(found..)?;
    let again = rest.get(rest.chars().next()?.len_utf8()..)?;
    if again.contains(new) {
        return None;
    }
    let above = listing.text.get(..found)?;
    listing
        .first_line
        .checked_add(memchr::memchr_iter(b'\n', above.as_bytes()).count())
}
