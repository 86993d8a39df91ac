//! The reference: reads the whole patch against the files, then writes.

use std::collections::BTreeMap;

use crate::replay::edit::apply_patch::Applied;
use crate::replay::edit::apply_patch::MOST_BYTES;
use crate::replay::edit::apply_patch::MOST_COMPARISONS;
use crate::replay::edit::place;
use crate::replay::edit::pythonic;
use crate::replay::edit::stop::Stop;
use crate::sandbox::Files;

const BEGIN: &str = "*** Begin Patch";
const END: &str = "*** End Patch";
const UPDATE: &str = "*** Update File: ";
const DELETE: &str = "*** Delete File: ";
const ADD: &str = "*** Add File: ";
const MOVE: &str = "*** Move to: ";
const END_OF_FILE: &str = "*** End of File";

/// Lines at which a file's part ends.
const HEADS: [&str; 4] = [END, "*** Update File:", "*** Delete File:", "*** Add File:"];

/// Lines that are put in the place of others.
#[derive(Debug)]
struct Chunk {
    at: usize,
    removed: usize,
    added: Vec<String>,
}

#[derive(Debug)]
enum Change {
    Add(String),
    Delete,
    Update { chunks: Vec<Chunk>, move_to: String },
}

pub(super) fn apply(patch: &str, cwd: &str, files: &mut dyn Files) -> Result<Applied, String> {
    match process(patch, cwd, files) {
        Ok(()) => Ok(Applied::done("Done!")),
        Err(Stop::Says(text)) => Ok(Applied::failed(text)),
        Err(Stop::Cannot(why)) => Err(why),
    }
}

fn process(patch: &str, cwd: &str, files: &mut dyn Files) -> Result<(), Stop> {
    if !patch.starts_with(BEGIN) {
        return Err(Stop::says(
            "Invalid patch: must start with '*** Begin Patch'",
        ));
    }
    let lines: Vec<&str> = pythonic::strip(patch).split('\n').collect();
    let mut old = BTreeMap::new();
    for line in &lines {
        let named = line
            .strip_prefix(UPDATE)
            .or_else(|| line.strip_prefix(DELETE));
        if let Some(named) = named.filter(|named| !old.contains_key(*named)) {
            old.insert(named, read(named, cwd, files)?);
        }
    }
    let is_whole = lines.len() >= 2 && lines.last() == Some(&END);
    if !is_whole || !lines.first().is_some_and(|line| line.starts_with(BEGIN)) {
        return Err(Stop::says("Invalid patch text"));
    }
    let mut parser = Parser {
        old: &old,
        lines,
        index: 1,
        changes: Vec::new(),
        budget: MOST_COMPARISONS,
    };
    parser.parse()?;
    let mut planned = Vec::new();
    for (name, change) in parser.changes {
        let new = match &change {
            Change::Update { chunks, .. } => {
                updated(old.get(name).map_or("", String::as_str), chunks, name)?
            }
            Change::Add(text) => text.clone(),
            Change::Delete => String::new(),
        };
        planned.push((name, change, new));
    }
    for (name, change, new) in planned {
        match change {
            Change::Add(_) => write(name, &new, cwd, files)?,
            Change::Delete => remove(name, cwd, files)?,
            Change::Update { move_to, .. } if move_to.is_empty() => write(name, &new, cwd, files)?,
            Change::Update { move_to, .. } => {
                write(&move_to, &new, cwd, files)?;
                remove(name, cwd, files)?;
            }
        }
    }
    Ok(())
}

/// Where a path of a patch lies; nothing outside of the workspace is touched.
fn inside(path: &str, cwd: &str) -> Result<String, Stop> {
    let at = place::resolved(&place::join(cwd, path));
    let root = place::resolved(cwd);
    let is_inside = at == root
        || at
            .strip_prefix(root.as_str())
            .is_some_and(|rest| rest.starts_with('/') || root == "/");
    if is_inside {
        Ok(at)
    } else {
        Err(Stop::says("Absolute or escaping paths are not allowed"))
    }
}

fn read(path: &str, cwd: &str, files: &mut dyn Files) -> Result<String, Stop> {
    let at = inside(path, cwd)?;
    match files.read(&at, MOST_BYTES) {
        Ok(bytes) => String::from_utf8(bytes)
            .map(pythonic::universal)
            .map_err(|_error| Stop::cannot(format!("{path} is not UTF-8: the tool breaks"))),
        Err(error) if error.errno == Some(2) => Err(Stop::says(format!(
            "Delete File Error: Missing File: {path}"
        ))),
        Err(error) => Err(Stop::broken(path, &error)),
    }
}

fn write(path: &str, text: &str, cwd: &str, files: &mut dyn Files) -> Result<(), Stop> {
    let at = inside(path, cwd)?;
    files
        .make_dirs(place::parent(&at))
        .and_then(|()| files.write(&at, text.as_bytes(), None))
        .map_err(|error| Stop::broken(path, &error))
}

fn remove(path: &str, cwd: &str, files: &mut dyn Files) -> Result<(), Stop> {
    let at = inside(path, cwd)?;
    files
        .remove(&at)
        .map_err(|error| Stop::broken(path, &error))
}

struct Parser<'a> {
    old: &'a BTreeMap<&'a str, String>,
    lines: Vec<&'a str>,
    index: usize,
    changes: Vec<(&'a str, Change)>,
    budget: usize,
}

impl<'a> Parser<'a> {
    fn line(&self) -> Result<&'a str, Stop> {
        let index = self.index;
        let line = self.lines.get(index).copied();
        line.ok_or_else(|| Stop::says(format!("Unexpected end of patch at index {index}")))
    }

    fn is_at(&self, heads: &[&str]) -> bool {
        match self.lines.get(self.index) {
            Some(line) => heads.iter().any(|head| line.starts_with(head)),
            None => true,
        }
    }

    /// What stands behind a mark; an empty text where it does not stand here, or has nothing behind it.
    fn behind(&mut self, mark: &str) -> Result<&'a str, Stop> {
        match self.line()?.strip_prefix(mark) {
            Some(rest) => {
                self.index += 1;
                Ok(rest)
            }
            None => Ok(""),
        }
    }

    fn parse(&mut self) -> Result<(), Stop> {
        while !self.is_at(&[END]) {
            let path = self.behind(UPDATE)?;
            if !path.is_empty() {
                self.once(path, "Update")?;
                let move_to = self.behind(MOVE)?;
                if move_to.starts_with('/') || move_to.split('/').any(|part| part == "..") {
                    return Err(Stop::says(format!(
                        "Update File Error: Invalid move path '{move_to}': must be a relative path without '..' components"
                    )));
                }
                let Some(text) = self.old.get(path) else {
                    return Err(Stop::says(format!(
                        "Update File Error: Missing File: {path}"
                    )));
                };
                let chunks = self.update(text)?;
                let move_to = move_to.to_owned();
                self.changes
                    .push((path, Change::Update { chunks, move_to }));
                continue;
            }
            let path = self.behind(DELETE)?;
            if !path.is_empty() {
                self.once(path, "Delete")?;
                if !self.old.contains_key(path) {
                    return Err(Stop::says(format!(
                        "Delete File Error: Missing File: {path}"
                    )));
                }
                self.changes.push((path, Change::Delete));
                continue;
            }
            let path = self.behind(ADD)?;
            if !path.is_empty() {
                self.once(path, "Add")?;
                let text = self.added()?;
                self.changes.push((path, Change::Add(text)));
                continue;
            }
            return Err(Stop::says(format!("Unknown Line: {}", self.line()?)));
        }
        self.line().map(|_| ())
    }

    fn once(&self, path: &str, what: &str) -> Result<(), Stop> {
        if self.changes.iter().any(|(known, _)| *known == path) {
            return Err(Stop::says(format!(
                "{what} File Error: Duplicate Path: {path}"
            )));
        }
        Ok(())
    }

    fn added(&mut self) -> Result<String, Stop> {
        let mut lines = Vec::new();
        while !self.is_at(&HEADS) {
            let line = self.behind("")?;
            let Some(text) = line.strip_prefix('+') else {
                return Err(Stop::says(format!("Invalid Add File Line: {line}")));
            };
            lines.push(text);
        }
        Ok(lines.join("\n"))
    }

    fn update(&mut self, text: &str) -> Result<Vec<Chunk>, Stop> {
        let lines: Vec<&str> = text.split('\n').collect();
        let mut chunks = Vec::new();
        let mut at = 0;
        while !self.is_at(&HEADS) && !self.is_at(&[END_OF_FILE]) {
            let anchor = self.behind("@@ ")?;
            let is_bare = anchor.is_empty() && self.line()? == "@@";
            if is_bare {
                self.index += 1;
            }
            if anchor.is_empty() && !is_bare && at != 0 {
                return Err(Stop::says(format!("Invalid Line:\n{}", self.line()?)));
            }
            if !pythonic::strip(anchor).is_empty() {
                at = anchored(&lines, anchor, at);
            }
            let section = self.section()?;
            let found = self.find(&lines, &section.context, at, section.is_end)?;
            let Some(found) = found else {
                let what = if section.is_end {
                    "Invalid EOF Context"
                } else {
                    "Invalid Context"
                };
                return Err(Stop::says(format!(
                    "{what} {at}:\n{}",
                    section.context.join("\n")
                )));
            };
            chunks.extend(section.chunks.into_iter().map(|chunk| Chunk {
                at: chunk.at + found,
                ..chunk
            }));
            at = found + section.context.len();
        }
        Ok(chunks)
    }

    /// Where the context stands: as it is, without blanks at line ends, without blanks around lines.
    fn find(
        &mut self,
        lines: &[&str],
        context: &[&str],
        start: usize,
        is_end: bool,
    ) -> Result<Option<usize>, Stop> {
        let mut starts = vec![start];
        if is_end {
            starts.insert(0, lines.len().saturating_sub(context.len()));
        }
        if context.is_empty() {
            return Ok(starts.first().copied());
        }
        let likenesses: [fn(&str) -> &str; 3] = [|line| line, pythonic::rstrip, pythonic::strip];
        for start in starts {
            for likeness in likenesses {
                let last = lines.len().saturating_sub(context.len());
                for at in start..=last {
                    let there = lines.get(at..).unwrap_or_default();
                    let mut same = 0;
                    for (a, b) in there.iter().zip(context) {
                        self.budget = self.budget.checked_sub(1).ok_or_else(|| {
                            Stop::cannot("the patch asks for too many comparisons")
                        })?;
                        if likeness(a) != likeness(b) {
                            break;
                        }
                        same += 1;
                    }
                    if same == context.len() {
                        return Ok(Some(at));
                    }
                }
            }
        }
        Ok(None)
    }

    fn section(&mut self) -> Result<Section<'a>, Stop> {
        let start = self.index;
        let mut section = Section::default();
        let mut open = Chunk {
            at: 0,
            removed: 0,
            added: Vec::new(),
        };
        let mut was_kept = true;
        while let Some(line) = self.lines.get(self.index).copied() {
            if line.starts_with("@@")
                || self.is_at(&HEADS)
                || line.starts_with(END_OF_FILE)
                || line == "***"
            {
                break;
            }
            if line.starts_with("***") {
                return Err(Stop::says(format!("Invalid Line: {line}")));
            }
            self.index += 1;
            let line = if line.is_empty() { " " } else { line };
            let is_kept = line.starts_with(' ');
            if is_kept && !was_kept {
                section.close(&mut open);
            }
            if let Some(text) = line.strip_prefix('+') {
                open.added.push(text.to_owned());
            } else if let Some(text) = line.strip_prefix('-') {
                open.removed += 1;
                section.context.push(text);
            } else if let Some(text) = line.strip_prefix(' ') {
                section.context.push(text);
            } else {
                return Err(Stop::says(format!("Invalid Line: {line}")));
            }
            was_kept = is_kept;
        }
        section.close(&mut open);
        if self.lines.get(self.index) == Some(&END_OF_FILE) {
            self.index += 1;
            section.is_end = true;
        } else if self.index == start {
            let line = self.line()?;
            return Err(Stop::says(format!(
                "Nothing in this section - index={start} {line}"
            )));
        }
        Ok(section)
    }
}

/// A hunk: the lines that must be there, and what becomes of them.
#[derive(Debug, Default)]
struct Section<'a> {
    context: Vec<&'a str>,
    chunks: Vec<Chunk>,
    is_end: bool,
}

impl Section<'_> {
    fn close(&mut self, open: &mut Chunk) {
        let removed = std::mem::take(&mut open.removed);
        let added = std::mem::take(&mut open.added);
        if removed > 0 || !added.is_empty() {
            self.chunks.push(Chunk {
                at: self.context.len() - removed,
                removed,
                added,
            });
        }
    }
}

/// The line behind an anchor from `at` on; an anchor that stands above is taken as passed, one that stands nowhere is
/// left out.
fn anchored(lines: &[&str], anchor: &str, at: usize) -> usize {
    let (above, below) = lines.split_at_checked(at).unwrap_or((lines, &[]));
    let likenesses: [fn(&str) -> &str; 2] = [|line| line, pythonic::strip];
    for likeness in likenesses {
        let is_it = |line: &&str| likeness(line) == likeness(anchor);
        if above.iter().any(is_it) {
            continue;
        }
        if let Some(found) = below.iter().position(is_it) {
            return at + found + 1;
        }
    }
    at
}

fn updated(text: &str, chunks: &[Chunk], path: &str) -> Result<String, Stop> {
    let old: Vec<&str> = text.split('\n').collect();
    let mut new: Vec<&str> = Vec::with_capacity(old.len());
    let mut done = 0;
    for chunk in chunks {
        let at = chunk.at;
        if at > old.len() {
            let count = old.len();
            return Err(Stop::says(format!(
                "_get_updated_file: {path}: chunk.orig_index {at} > len(lines) {count}"
            )));
        }
        if done > at {
            return Err(Stop::says(format!(
                "_get_updated_file: {path}: orig_index {done} > chunk.orig_index {at}"
            )));
        }
        new.extend(old.get(done..at).unwrap_or_default());
        new.extend(chunk.added.iter().map(String::as_str));
        done = at + chunk.removed;
    }
    new.extend(old.get(done..).unwrap_or_default());
    Ok(new.join("\n"))
}
