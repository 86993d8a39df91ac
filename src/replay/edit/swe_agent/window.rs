//! The window on the open file.

use crate::replay::edit::pythonic;
use crate::replay::edit::stop::Stop;
use crate::sandbox::FileKind;
use crate::sandbox::Files;

/// Why a folder is not read; the caller says it in its own words.
pub(super) const FOLDER: &str = "a folder";

const MOST_BYTES: u64 = 64 << 20;

/// A file and its text.
#[derive(Debug)]
pub(super) struct Window {
    pub path: String,
    pub text: String,
}

impl Window {
    pub(super) fn read(path: &str, files: &mut dyn Files) -> Result<Self, Stop> {
        match crate::replay::edit::engine::look(files, path)? {
            None => return Err(Stop::says(format!("Error: File {path} not found"))),
            Some(meta) if meta.kind == FileKind::Dir => return Err(Stop::says(FOLDER)),
            Some(meta) if meta.kind == FileKind::Other => {
                return Err(Stop::cannot(format!("{path} is no file")));
            }
            Some(_) => {}
        }
        let bytes = files
            .read(path, MOST_BYTES)
            .map_err(|error| Stop::broken(path, &error))?;
        let text = String::from_utf8(bytes)
            .map_err(|_error| Stop::cannot(format!("{path} is not UTF-8")))?;
        Ok(Self {
            path: path.to_owned(),
            text: pythonic::universal(text),
        })
    }

    pub(super) fn write(&self, files: &mut dyn Files) -> Result<(), Stop> {
        files
            .write(&self.path, self.text.as_bytes(), None)
            .map_err(|error| Stop::broken(&self.path, &error))
    }

    pub(super) fn line_count(&self) -> usize {
        pythonic::count_lines(&self.text)
    }

    /// The first line of a window that begins at `line`, both from 0, so that it is full where the file is long enough.
    pub(super) fn clamped(&self, line: usize, height: usize) -> usize {
        line.min(self.line_count().saturating_sub(height))
    }

    /// The first line of a window that has `line` a sixth below its top.
    pub(super) fn top(&self, line: usize, height: usize) -> usize {
        // Python takes the whole part of `line - height / 6`.
        let first = (line * 6).saturating_sub(height) / 6;
        self.clamped(first, height)
    }

    /// The middle line of a window near `line`, as the shell's functions keep it.
    pub(super) fn middle(&self, line: usize, height: usize) -> usize {
        line.min(self.line_count().saturating_sub(height / 2))
            .max(height / 2)
    }

    /// What the window shows, below a line with the name and the count of lines.
    pub(super) fn shown(&self, name: &str, line: usize, height: usize, is_shell: bool) -> String {
        let count = self.line_count();
        let mut shown = vec![format!("[File: {name} ({count} lines total)]")];
        let (first, last) = if is_shell {
            let last = (line + height / 2).max(height / 2).min(count);
            (
                last.saturating_sub(height)
                    .min(line.saturating_sub(height / 2)),
                last,
            )
        } else {
            let first = self.clamped(line, height);
            (first, (first + height).min(count))
        };
        if first > 0 {
            shown.push(format!("({first} more lines above)"));
        }
        let lines = self
            .text
            .split('\n')
            .enumerate()
            .skip(first)
            .take(last.saturating_sub(first));
        shown.extend(lines.map(|(ix, line)| format!("{}:{line}", ix + 1)));
        if last < count {
            shown.push(format!("({} more lines below)", count - last));
        }
        shown.join("\n")
    }

    /// The lines of a window, without the end of the last.
    pub(super) fn lines(&self, first: usize, height: usize) -> String {
        let count = height.min(self.line_count().saturating_sub(first));
        let lines: Vec<&str> = self.text.split('\n').skip(first).take(count).collect();
        lines.join("\n")
    }

    /// The lines, from 1, at which a text stands.
    pub(super) fn lines_of(&self, wanted: &str) -> Vec<usize> {
        let mut line = 1;
        let mut seen = 0;
        self.text
            .match_indices(wanted)
            .map(|(at, _)| {
                line += self
                    .text
                    .get(seen..at)
                    .unwrap_or_default()
                    .matches('\n')
                    .count();
                seen = at;
                line
            })
            .collect()
    }

    /// Puts a text in the place of the lines from `first` up to `end`, from 0; nothing where it is empty.
    pub(super) fn put_lines(&mut self, first: usize, end: usize, text: &str) {
        let end = end.min(self.line_count().max(first));
        let lines: Vec<&str> = self.text.split('\n').collect();
        let before = lines.get(..first).unwrap_or(&lines);
        let after = lines.get(end..).unwrap_or_default();
        let new: &[&str] = if text.is_empty() { &[] } else { &[text] };
        self.text = [before, new, after].concat().join("\n");
    }

    /// Puts a text below a line, at the start for a negative one, at the end where none is given; returns its line.
    pub(super) fn insert(&mut self, text: &str, line: Option<i64>) -> usize {
        let old = std::mem::take(&mut self.text);
        let (new, at) = match line {
            _ if old.is_empty() => (text.to_owned(), 0),
            None => {
                let above = old.strip_suffix('\n').unwrap_or(&old);
                (format!("{above}\n{text}"), pythonic::count_lines(&old))
            }
            Some(line) if line < 0 => (
                format!("{text}\n{}", old.strip_prefix('\n').unwrap_or(&old)),
                0,
            ),
            Some(line) => {
                let line = usize::try_from(line).unwrap_or_default();
                let lines: Vec<&str> = old.split('\n').collect();
                let (before, after) = lines.split_at(line.min(lines.len()));
                ([before, &[text], after].concat().join("\n"), line)
            }
        };
        self.text = new;
        at
    }
}
