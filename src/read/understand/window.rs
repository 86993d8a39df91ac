//! The windowed tools of SWE-agent: `open`, `goto`, `scroll`, `create`, `edit 3:5`, `edit 'a' 'b'`, `insert`.
//!
//! They work on the file that is open, so its name and the lines last seen are carried from step to step. What a line
//! range held before an edit is told only when all of it was in view.

use crate::model::Action;
use crate::model::Edit;
use crate::model::EditOp;
use crate::model::Observation;
use crate::model::Text;
use crate::model::View;
use crate::read::understand::args::first_str;
use crate::read::understand::args::first_usize;
use crate::read::understand::args::path_of;
use crate::read::understand::args::unquoted;
use crate::read::understand::tools::typed;

/// The open file and the part of it that was last shown.
#[derive(Debug, Clone, Default)]
pub(super) struct Window {
    path: String,
    first_line: usize,
    text: Text,
    total_lines: Option<usize>,
}

impl Window {
    /// The lines `start..=end` when all of them were shown.
    fn lines(&self, start: usize, end: usize) -> Option<String> {
        let skip = start.checked_sub(self.first_line)?;
        let count = end.checked_add(1)?.checked_sub(start)?;
        let lines: Vec<&str> = self.text.split('\n').skip(skip).take(count).collect();
        (lines.len() == count).then(|| lines.join("\n"))
    }
}

/// Reads a windowed action and moves the window on.
pub(super) fn understand(
    action: &mut Action,
    window: &mut Option<Window>,
) -> (Vec<Edit>, Option<View>) {
    let asked = asked_path(action);
    let before = window.clone();
    let shown = action.observation.as_ref().and_then(shown);
    let failed = action
        .observation
        .as_ref()
        .is_some_and(|o| o.is_error == Some(true));
    if let Some(shown) = &shown {
        // A refused edit shows what would have been.
        if !failed {
            *window = Some(shown.clone());
        }
    } else if let Some(path) = &asked
        && matches!(action.tool.as_str(), "open" | "create")
        && !failed
    {
        *window = Some(Window {
            path: path.clone(),
            ..Window::default()
        });
    }
    match action.tool.as_str() {
        "create" => {
            let edit = asked.map(|path| {
                let mut edit = Edit::new(path, EditOp::Create);
                edit.new = Some(
                    first_str(&action.args, &["file_text", "content"])
                        .unwrap_or("\n")
                        .into(),
                );
                edit.line = Some(1);
                edit
            });
            (edit.into_iter().collect(), None)
        }
        "edit" | "insert" => {
            let path = asked.or_else(|| before.as_ref().map(|window| window.path.clone()));
            let path = path.or_else(|| shown.map(|window| window.path));
            let edit = path.and_then(|path| change(action, path, before.as_ref()));
            (edit.into_iter().collect(), None)
        }
        _ => {
            let path = window
                .as_ref()
                .map(|window| window.path.clone())
                .filter(|_| !failed);
            let Some(path) = path.or(asked) else {
                return (Vec::new(), None);
            };
            let mut view = View {
                path,
                ..View::default()
            };
            if let Some(shown) = shown.filter(|_| !failed) {
                view.first_line = Some(shown.first_line);
                view.total_lines = shown.total_lines;
                view.text = Some(shown.text);
            }
            (Vec::new(), Some(view))
        }
    }
}

/// The file that the call names itself.
fn asked_path(action: &Action) -> Option<String> {
    if let Some(path) = path_of(&action.args) {
        return Some(path);
    }
    if !matches!(action.tool.as_str(), "open" | "create") {
        return None;
    }
    let line = typed(action)?.lines().next()?;
    let rest = line.get(action.tool.len()..)?.trim();
    let word = shell_words::split(rest).ok()?.into_iter().next()?;
    Some(unquoted(&word).to_owned())
}

fn change(action: &Action, path: String, window: Option<&Window>) -> Option<Edit> {
    let args = &action.args;
    let is_insert = action.tool == "insert";
    if let Some(typed) = typed(action) {
        let rest = typed.get(action.tool.len()..)?;
        if !is_insert && let Some((start, end, body)) = line_edit(rest) {
            return Some(ranged(path, start, end, &body, window));
        }
        let words = shell_words::split(rest).ok()?;
        return match words.as_slice() {
            [text, line @ ..] if is_insert => Some(inserted(
                path,
                text,
                line.first().and_then(|line| line.parse().ok()),
            )),
            [old, new, ..] => Some(replaced(path, old, new)),
            _ => None,
        };
    }
    if let Some(text) = first_str(args, &["text"]).filter(|_| is_insert) {
        return Some(inserted(
            path,
            text,
            first_usize(args, &["line", "insert_line"]),
        ));
    }
    if let Some(text) = first_str(args, &["replacement_text"]) {
        let start = first_usize(args, &["start_line", "line_number"])?;
        let end = first_usize(args, &["end_line"]).unwrap_or(start);
        // ADP keeps the quotes of the call that it was made from.
        let text = text
            .strip_prefix('"')
            .and_then(|text| text.strip_suffix('"'))
            .unwrap_or(text);
        return Some(ranged(path, start, end, text, window));
    }
    let old = first_str(args, &["search"])?;
    Some(replaced(
        path,
        old,
        first_str(args, &["replace"]).unwrap_or_default(),
    ))
}

/// `3:5⏎text⏎end_of_edit`.
fn line_edit(rest: &str) -> Option<(usize, usize, String)> {
    let (range, body) = rest.split_once('\n')?;
    let (start, end) = range.trim().split_once(':')?;
    let body = match body.rfind("end_of_edit") {
        Some(at) => body.get(..at)?,
        None => body,
    };
    let body = body.strip_suffix('\n').unwrap_or(body);
    Some((
        start.trim().parse().ok()?,
        end.trim().parse().ok()?,
        body.to_owned(),
    ))
}

fn ranged(path: String, start: usize, end: usize, new: &str, window: Option<&Window>) -> Edit {
    let mut edit = Edit::new(path, EditOp::StrReplace);
    edit.line = Some(start);
    edit.new = Some(new.into());
    edit.old = window
        .filter(|window| {
            window.path == edit.path || window.path.ends_with(&format!("/{}", edit.path))
        })
        .and_then(|window| window.lines(start, end))
        .map(Text::from);
    edit
}

fn inserted(path: String, text: &str, line: Option<usize>) -> Edit {
    let mut edit = Edit::new(path, EditOp::Insert);
    edit.new = Some(text.into());
    edit.line = line.map(|line| line.saturating_add(1));
    edit
}

fn replaced(path: String, old: &str, new: &str) -> Edit {
    let mut edit = Edit::new(path, EditOp::StrReplace);
    edit.old = Some(old.into());
    edit.new = Some(new.into());
    edit
}

/// The window that an observation shows: `[File: PATH (N lines total)]`, then `LINE:TEXT` rows.
fn shown(observation: &Observation) -> Option<Window> {
    const MARK: &str = "[File: ";
    let text = observation.first_text()?;
    let at = memchr::memmem::find_iter(text.as_bytes(), MARK.as_bytes())
        .find(|at| *at == 0 || text.as_bytes().get(at - 1) == Some(&b'\n'))?;
    let mut lines = text
        .get(at + MARK.len()..)?
        .split('\n')
        .map(|line| line.strip_suffix('\r').unwrap_or(line));
    let (path, total) = lines.next()?.rsplit_once(" (")?;
    let total_lines = total.split(' ').next().and_then(|count| count.parse().ok());
    let mut window = Window {
        path: path.to_owned(),
        total_lines,
        ..Window::default()
    };
    let mut body = String::new();
    let mut expected = None;
    for line in lines {
        if expected.is_none() && line.starts_with('(') {
            continue;
        }
        let numbered = line
            .split_once(':')
            .and_then(|(number, text)| Some((number.parse::<usize>().ok()?, text)));
        let Some((number, text)) =
            numbered.filter(|(number, _)| expected.is_none_or(|expected| expected == *number))
        else {
            break;
        };
        if expected.is_none() {
            window.first_line = number;
        } else {
            body.push('\n');
        }
        body.push_str(text);
        expected = Some(number.saturating_add(1));
    }
    window.text = body.into();
    expected.map(|_| window)
}
