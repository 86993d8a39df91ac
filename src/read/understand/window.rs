//! The windowed tools of SWE-agent: `open`, `goto`, `scroll`, `create`, `edit 3:5`, `edit 'a' 'b'`, `insert`.
//!
//! They work on the file that is open, so its name and what was seen of files are carried from step to step. What a line
//! range held before an edit is told only when all of it was in view and was not changed since.

use std::collections::HashMap;
use std::sync::LazyLock;

use regex::Regex;

use crate::model::Action;
use crate::model::ActionClass;
use crate::model::Edit;
use crate::model::EditOp;
use crate::model::Observation;
use crate::model::Text;
use crate::model::View;
use crate::read::understand::args::first_str;
use crate::read::understand::args::first_usize;
use crate::read::understand::args::path_of;
use crate::read::understand::args::unquoted;
use crate::read::understand::fixed_regex as fixed;
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
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Tells `view` what is shown.
    pub(super) fn fill(&self, view: &mut View) {
        view.first_line = Some(self.first_line);
        view.total_lines = self.total_lines;
        view.text = Some(self.text.clone());
    }

    /// The line at which `text` stands, when it is shown exactly once.
    pub(super) fn line_of(&self, text: &str) -> Option<usize> {
        let text = text.trim_end_matches('\n');
        if text.trim().is_empty() {
            return None;
        }
        let mut found = self.text.match_indices(text).map(|(at, _)| at);
        let at = found.next()?;
        if found.next().is_some() {
            return None;
        }
        let above = self.text.get(..at)?;
        let lines = memchr::memchr_iter(b'\n', above.as_bytes()).count();
        self.first_line.checked_add(lines)
    }

    /// The lines `start..=end` when all of them were shown.
    fn lines(&self, start: usize, end: usize) -> Option<String> {
        let skip = start.checked_sub(self.first_line.max(1))?;
        let count = end.checked_add(1)?.checked_sub(start)?;
        if self.first_line == 0 || count == 0 {
            return None;
        }
        let lines: Vec<&str> = self.text.split('\n').skip(skip).take(count).collect();
        (lines.len() == count).then(|| lines.join("\n"))
    }

    /// Leaves only the lines above `line`; whether any are left.
    fn cut(&mut self, line: usize) -> bool {
        let count = line.saturating_sub(self.first_line);
        if count == 0 {
            return false;
        }
        let end = memchr::memchr_iter(b'\n', self.text.as_bytes()).nth(count - 1);
        if let Some(end) = end {
            self.text = self.text.get(..end).unwrap_or_default().into();
        }
        true
    }
}

/// Whether two names may mean one file: equal, or one the end of the other.
fn is_same_file(a: &str, b: &str) -> bool {
    let ends = |long: &str, short: &str| {
        long.strip_suffix(short.trim_start_matches("./"))
            .is_some_and(|front| front.is_empty() || front.ends_with('/'))
    };
    ends(a, b) || ends(b, a)
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// What was shown of files so far and still holds.
#[derive(Debug, Default)]
pub(super) struct Windows {
    open: Option<Window>,
    /// By file name without folders, the newest last.
    seen: HashMap<String, Vec<Window>>,
}

impl Windows {
    /// How many views of files of one name are kept.
    const MAX_SEEN: usize = 32;

    pub(super) fn remember(&mut self, window: Window) {
        if window.first_line == 0 {
            return;
        }
        let windows = self
            .seen
            .entry(file_name(&window.path).to_owned())
            .or_default();
        if windows.len() == Self::MAX_SEEN {
            windows.remove(0);
        }
        windows.push(window);
    }

    /// Forgets what `edit` may have changed: the lines from the edit on, all of the file where its line is not known.
    pub(super) fn forget(&mut self, edit: &Edit) {
        for path in std::iter::once(&edit.path).chain(&edit.moved_to) {
            let line = edit
                .line
                .filter(|_| edit.op == EditOp::StrReplace || edit.op == EditOp::Insert);
            if let Some(windows) = self.seen.get_mut(file_name(path)) {
                windows.retain_mut(|window| window.cut(line.unwrap_or(0)));
            }
        }
    }

    /// Takes note of an action of any other kind: what it showed, and what it changed or may have changed.
    pub(super) fn note(&mut self, action: &Action) {
        for edit in &action.edits {
            self.forget(edit);
        }
        if let Some(shell) = &action.shell
            && !matches!(action.class, ActionClass::View | ActionClass::Search)
            && may_change_files(&shell.cmd)
        {
            self.seen.clear();
        }
        if let Some(view) = &action.view
            && let (Some(first_line), Some(text)) = (view.first_line, &view.text)
        {
            self.remember(Window {
                path: view.path.clone(),
                first_line,
                text: text.clone(),
                total_lines: view.total_lines,
            });
        }
    }

    /// The lines `start..=end` of the file, as they were last shown.
    fn lines(&self, path: &str, start: usize, end: usize) -> Option<String> {
        let windows = self.seen.get(file_name(path))?;
        windows
            .iter()
            .rev()
            .filter(|window| is_same_file(&window.path, path))
            .find_map(|window| window.lines(start, end))
    }
}

/// Whether a command has a word with which files are changed.
fn may_change_files(cmd: &str) -> bool {
    static WORDS: LazyLock<Regex> = LazyLock::new(|| {
        fixed(
            r">|\b(?:sed|perl|awk) .*-i|\bgit (?:checkout|stash|reset|apply|restore|clean|merge|revert|pull|switch|am)\b|\b(?:patch|mv|cp|rm|tee|truncate|black|isort|autopep8|ruff|yapf|prettier|gofmt|dos2unix|unzip|tar|2to3)\b|--fix",
        )
    });
    WORDS.is_match(cmd)
}

/// Reads a windowed action and moves the window on.
pub(super) fn understand(action: &mut Action, windows: &mut Windows) -> (Vec<Edit>, Option<View>) {
    let asked = asked_path(action);
    let open_before = windows.open.as_ref().map(|window| window.path.clone());
    let shown = action.observation.as_ref().and_then(shown);
    let failed = action
        .observation
        .as_ref()
        .is_some_and(|o| o.is_error == Some(true));
    if let Some(shown) = &shown {
        // A refused edit shows what would have been.
        if !failed {
            windows.open = Some(shown.clone());
        }
    } else if let Some(path) = &asked
        && matches!(action.tool.as_str(), "open" | "create")
        && !failed
    {
        windows.open = Some(Window {
            path: path.clone(),
            ..Window::default()
        });
    }
    let (edit, view) = match action.tool.as_str() {
        "create" => (asked.map(|path| created(action, path)), None),
        "edit" | "insert" => {
            let path = asked
                .or(open_before)
                .or_else(|| shown.as_ref().map(|window| window.path.clone()));
            (path.and_then(|path| change(action, path, windows)), None)
        }
        _ => {
            let open = windows.open.as_ref().filter(|_| !failed);
            let path = open.map(|window| window.path.clone()).or(asked);
            let view = path.map(|path| {
                let mut view = View {
                    path,
                    ..View::default()
                };
                if let Some(shown) = shown.as_ref().filter(|_| !failed) {
                    shown.fill(&mut view);
                }
                view
            });
            (None, view)
        }
    };
    if !failed {
        if let Some(edit) = &edit {
            windows.forget(edit);
        }
        if let Some(shown) = shown {
            windows.remember(shown);
        }
    }
    (edit.into_iter().collect(), view)
}

fn created(action: &Action, path: String) -> Edit {
    let mut edit = Edit::new(path, EditOp::Create);
    edit.new = Some(
        first_str(&action.args, &["file_text", "content"])
            .unwrap_or("\n")
            .into(),
    );
    edit.line = Some(1);
    edit
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

fn change(action: &Action, path: String, windows: &Windows) -> Option<Edit> {
    let args = &action.args;
    let is_insert = action.tool == "insert";
    if let Some(typed) = typed(action) {
        let rest = typed.get(action.tool.len()..)?;
        if !is_insert && let Some((start, end, body)) = line_edit(rest) {
            return Some(ranged(path, start, end, &body, windows));
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
        return Some(ranged(path, start, end, text, windows));
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

/// The lines `start..=end` replaced by `new`. Where the old lines are not known the change is told as a hunk that says so.
pub(super) fn ranged(path: String, start: usize, end: usize, new: &str, windows: &Windows) -> Edit {
    let mut edit = Edit::new(path, EditOp::StrReplace);
    edit.line = Some(start);
    edit.new = Some(new.into());
    edit.old = windows.lines(&edit.path, start, end).map(Text::from);
    if edit.old.is_none() {
        edit.diff = Some(unseen(&edit.path, start, end, new).into());
    }
    edit
}

/// A diff that has the new lines only.
fn unseen(path: &str, start: usize, end: usize, new: &str) -> String {
    let path = path.trim_start_matches('/');
    let removed = end.saturating_add(1).saturating_sub(start);
    let added = new.lines().count();
    let mut diff = format!(
        "--- a/{path}\n+++ b/{path}\n@@ -{start},{removed} +{start},{added} @@ (old lines {start}–{end} were not recorded)\n"
    );
    for line in new.lines() {
        diff.extend(["+", line, "\n"]);
    }
    diff
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

/// The window that an observation shows: `[File: PATH (N lines total)]`, then `LINE:TEXT` rows
/// (`LINE|TEXT` in old `OpenHands`).
pub(super) fn shown(observation: &Observation) -> Option<Window> {
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
            .split_once([':', '|'])
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
