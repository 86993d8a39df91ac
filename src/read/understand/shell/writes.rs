//! The files that a command writes: here-documents, `tee`, `echo >`, `sed -i`, `rm`, patches given as input.

use crate::model::Edit;
use crate::model::EditOp;
use crate::read::understand::edits::edits_of_unified;
use crate::read::understand::script::Command;
use crate::read::understand::script::Join;
use crate::read::understand::shell::joined;

/// The files that the first of `parts` writes, when that is certain; commands after it may do anything.
pub(super) fn file_writes(parts: &[&Command], folder: Option<&str>) -> Option<Vec<Edit>> {
    let mut edits = Vec::new();
    for (ix, part) in parts.iter().enumerate() {
        let next = parts.get(ix + 1).filter(|next| next.join == Join::Pipe);
        match write_of(part, next.copied(), folder) {
            Some(found) => edits.extend(found),
            None if ix == 0 => return None,
            None => {}
        }
    }
    (!edits.is_empty()).then_some(edits)
}

fn write_of(command: &Command, next: Option<&Command>, folder: Option<&str>) -> Option<Vec<Edit>> {
    let words: Vec<&str> = command
        .words
        .iter()
        .map(|word| word.text.as_str())
        .collect();
    let is_known = !command.words.iter().any(|word| word.is_open);
    let body = command
        .heredoc
        .as_ref()
        .map(|heredoc| heredoc.body.as_deref());
    match words.as_slice() {
        ["cat"] | ["cat", "-"] => {
            let body = body?;
            let (path, is_append) = match output_file(command) {
                Some(target) => target,
                None => tee_file(next?)?,
            };
            Some(vec![written(joined(folder, &path), body, is_append)])
        }
        ["tee", ..] => {
            let body = body?;
            let (path, is_append) = tee_file(command)?;
            Some(vec![written(joined(folder, &path), body, is_append)])
        }
        ["echo", text]
            if is_known && body.is_none() && !text.starts_with('-') && !text.contains('\\') =>
        {
            let (path, is_append) = output_file(command)?;
            Some(vec![written(
                joined(folder, &path),
                Some(&format!("{text}\n")),
                is_append,
            )])
        }
        ["git", "apply", ..] | ["patch", ..] => {
            let edits = edits_of_unified(body??);
            (!edits.is_empty()).then_some(edits)
        }
        ["sed", ..] => sed_edits(command, folder),
        ["rm", rest @ ..] if is_known => {
            let paths: Vec<&&str> = rest
                .iter()
                .filter(|word| !matches!(**word, "-f" | "--"))
                .collect();
            let is_plain = !paths.is_empty() && paths.iter().all(|path| !path.starts_with('-'));
            is_plain.then(|| {
                paths
                    .iter()
                    .map(|path| Edit::new(joined(folder, path), EditOp::Delete))
                    .collect()
            })
        }
        _ => None,
    }
}

/// The file that a command's standard output goes to, and whether it is added to.
fn output_file(command: &Command) -> Option<(String, bool)> {
    let mut outputs = command
        .redirects
        .iter()
        .filter(|redirect| redirect.mark != "<" && !redirect.is_aside);
    let output = outputs.next()?;
    let is_file = outputs.next().is_none()
        && !output.target.is_open
        && !output.target.text.starts_with("/dev/");
    is_file.then(|| (output.target.text.clone(), output.mark == ">>"))
}

fn tee_file(command: &Command) -> Option<(String, bool)> {
    let words: Vec<&str> = command
        .words
        .iter()
        .map(|word| word.text.as_str())
        .collect();
    let (path, is_append) = match words.as_slice() {
        ["tee", "-a", path] => (path, true),
        ["tee", path] => (path, false),
        _ => return None,
    };
    let is_known = !command.words.iter().any(|word| word.is_open) && !path.starts_with('-');
    is_known.then(|| ((*path).to_owned(), is_append))
}

fn written(path: String, body: Option<&str>, is_append: bool) -> Edit {
    let mut edit = Edit::new(
        path,
        if is_append {
            EditOp::Insert
        } else {
            EditOp::Write
        },
    );
    edit.new = body.map(Into::into);
    edit
}

/// The files that `sed -i` changes; what it does to them is not told.
fn sed_edits(command: &Command, folder: Option<&str>) -> Option<Vec<Edit>> {
    let mut words = command.words.iter().skip(1);
    let mut is_in_place = false;
    let mut has_script = false;
    let mut paths = Vec::new();
    while let Some(word) = words.next() {
        let text = word.text.as_str();
        if matches!(text, "-e" | "-f" | "--expression" | "--file") {
            words.next();
            has_script = true;
        } else if text.starts_with("--expression=") {
            has_script = true;
        } else if let Some(flags) = text.strip_prefix('-') {
            let flags = flags.trim_start_matches(['E', 'r', 'n', 's', 'z']);
            is_in_place |= flags.starts_with('i') || text.starts_with("--in-place");
            if flags.ends_with('e') && !text.starts_with("--") {
                words.next();
                has_script = true;
            }
        } else if has_script {
            if word.is_open {
                return None;
            }
            paths.push(text);
        } else {
            has_script = true;
        }
    }
    let is_edit = is_in_place && !paths.is_empty();
    is_edit.then(|| {
        paths
            .into_iter()
            .map(|path| Edit::new(joined(folder, path), EditOp::StrReplace))
            .collect()
    })
}
