//! What `toolUseResult` says beyond the text of a result: changed files, shown files, durations, how a command ended.
//!
//! A change is filled in only where it succeeded; the file afterwards only where it follows without doubt from the file
//! before and the replaced texts.

use crate::model::Action;
use crate::model::Edit;
use crate::model::EditOp;
use crate::model::Observation;
use crate::model::Part;
use crate::model::Text;
use crate::model::Value;
use crate::model::View;
use crate::read::common::f64_at;
use crate::read::common::parts_text;
use crate::read::common::str_at;
use crate::read::common::take;
use crate::read::common::take_array;
use crate::read::common::take_str;
use crate::read::common::u64_at;

/// Adds the structured result to the call and its observation.
pub(super) fn apply(action: &mut Action, observation: &mut Observation, mut detail: Value) {
    if detail.get("interrupted").and_then(Value::as_bool) == Some(true) {
        observation.is_error = Some(true);
    }
    if let Some(code) = detail.get("exitCode").and_then(Value::as_i64) {
        observation.exit_code = Some(code);
    }
    if observation.is_error == Some(true) && observation.exit_code.is_none() {
        observation.exit_code = parts_text(&observation.parts).and_then(|text| exit_code(&text));
    }
    let ms = f64_at(&detail, "durationMs").or_else(|| f64_at(&detail, "totalDurationMs"));
    observation.duration_s = ms.map(|ms| ms / 1000.0);
    if detail.get("truncated").and_then(Value::as_bool) == Some(true) {
        observation.truncated = Some(true);
    }
    if observation.parts.is_empty() {
        for key in ["stdout", "stderr"] {
            if let Some(text) = str_at(&detail, key).filter(|text| !text.is_empty()) {
                observation.parts.push(Part::Text { text: text.into() });
            }
        }
    }
    if observation.is_error == Some(true) {
        return;
    }
    if detail
        .get("file")
        .is_some_and(|file| file.get("filePath").is_some())
    {
        action.view = view(take(&mut detail, "file"));
    } else if detail.get("filePath").is_some() && detail.get("structuredPatch").is_some() {
        action.edits.extend(edit(detail));
    }
}

/// The number of a result that starts with `Exit code 1` (also behind `Error: `).
fn exit_code(text: &str) -> Option<i64> {
    let text = text.strip_prefix("Error: ").unwrap_or(text);
    let rest = text.strip_prefix("Exit code ")?;
    rest.lines().next()?.trim().parse().ok()
}

fn view(mut file: Value) -> Option<View> {
    let count = |key: &str| u64_at(&file, key).and_then(|n| usize::try_from(n).ok());
    let (first_line, total_lines) = (count("startLine"), count("totalLines"));
    let text = take_str(&mut file, "content").map(Text::from);
    Some(View {
        path: take_str(&mut file, "filePath")?,
        first_line: first_line.filter(|_| text.is_some()),
        text,
        total_lines,
    })
}

fn edit(mut detail: Value) -> Option<Edit> {
    let path = take_str(&mut detail, "filePath")?;
    let before = ["originalFile", "originalFileContents"]
        .into_iter()
        .find_map(|key| take_str(&mut detail, key));
    let hunks = take_array(&mut detail, "structuredPatch");
    let diff = unified(&path, &hunks);
    let line = hunks.first().and_then(first_changed_line);
    let mut edit = Edit::new(path, EditOp::StrReplace);
    edit.line = line;
    edit.diff = diff;
    if let Some(content) = take_str(&mut detail, "content") {
        let is_new = str_at(&detail, "type") == Some("create");
        edit.op = if is_new {
            EditOp::Create
        } else {
            EditOp::Write
        };
        let content: Text = content.into();
        edit.new = Some(content.clone());
        edit.after = Some(content);
    } else {
        let mut changes = replacements(&mut detail);
        let is_touched = detail.get("userModified").and_then(Value::as_bool) == Some(true);
        if !is_touched {
            edit.after = before
                .as_deref()
                .and_then(|before| replaced(before, &changes))
                .map(Text::from);
        }
        if changes.len() == 1 {
            let change = changes.remove(0);
            edit.old = Some(change.old.into());
            edit.new = Some(change.new.into());
        } else {
            edit.op = EditOp::Patch;
        }
    }
    edit.before = before.map(Text::from);
    Some(edit)
}

struct Replacement {
    old: String,
    new: String,
    is_all: bool,
}

/// The one of Edit, or the list of `MultiEdit`.
fn replacements(detail: &mut Value) -> Vec<Replacement> {
    let mut items = take_array(detail, "edits");
    if items.is_empty() {
        items.push(std::mem::take(detail));
    }
    let one = |mut item: Value| {
        let mut text = |keys: [&str; 2]| keys.into_iter().find_map(|key| take_str(&mut item, key));
        let (old, new) = (
            text(["oldString", "old_string"])?,
            text(["newString", "new_string"])?,
        );
        let is_all = ["replaceAll", "replace_all"]
            .into_iter()
            .any(|key| item.get(key).and_then(Value::as_bool) == Some(true));
        Some(Replacement { old, new, is_all })
    };
    items.into_iter().filter_map(one).collect()
}

/// The file after the replacements; `None` where a text is not there or not exactly once.
fn replaced(before: &str, changes: &[Replacement]) -> Option<String> {
    const MAX_CHANGES: usize = 256;
    if changes.is_empty() || changes.len() > MAX_CHANGES {
        return None;
    }
    let mut text = before.to_owned();
    for change in changes {
        if change.old.is_empty() {
            if !text.is_empty() {
                return None;
            }
            text.clone_from(&change.new);
            continue;
        }
        let mut places = text.match_indices(&change.old);
        let first = places.next()?.0;
        if change.is_all {
            text = text.replace(&change.old, &change.new);
        } else {
            if places.next().is_some() {
                return None;
            }
            text.replace_range(first..first + change.old.len(), &change.new);
        }
    }
    Some(text)
}

/// Writes `structuredPatch` as a unified diff; `None` where it is empty (new files).
fn unified(path: &str, hunks: &[Value]) -> Option<Text> {
    if hunks.is_empty() {
        return None;
    }
    let mut out = format!("--- {path}\n+++ {path}\n");
    for hunk in hunks {
        let number = |key: &str| u64_at(hunk, key).unwrap_or(0);
        let head = format!(
            "@@ -{},{} +{},{} @@\n",
            number("oldStart"),
            number("oldLines"),
            number("newStart"),
            number("newLines")
        );
        out.push_str(&head);
        let lines = hunk
            .get("lines")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        for line in lines.filter_map(Value::as_str) {
            out.push_str(line);
            out.push('\n');
        }
    }
    Some(out.into())
}

/// The 1-based line, in the file before, of a hunk's first changed line.
fn first_changed_line(hunk: &Value) -> Option<usize> {
    let start = usize::try_from(u64_at(hunk, "oldStart")?).ok()?;
    let lines = hunk.get("lines").and_then(Value::as_array)?;
    let context = lines
        .iter()
        .take_while(|line| line.as_str().is_some_and(|line| line.starts_with(' ')))
        .count();
    Some(start.saturating_add(context).max(1))
}
