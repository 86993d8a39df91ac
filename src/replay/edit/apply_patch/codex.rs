//! `apply_patch` of Codex: file after file, each as soon as its new text is known.

use crate::replay::edit::apply_patch::Applied;
use crate::replay::edit::apply_patch::MOST_BYTES;
use crate::replay::edit::apply_patch::MOST_COMPARISONS;
use crate::replay::edit::apply_patch::codex_parse::Chunk;
use crate::replay::edit::apply_patch::codex_parse::Hunk;
use crate::replay::edit::apply_patch::codex_parse::Wrong;
use crate::replay::edit::apply_patch::codex_parse::parse;
use crate::replay::edit::place;
use crate::replay::edit::stop::Stop;
use crate::sandbox::FileError;
use crate::sandbox::FileKind;
use crate::sandbox::Files;

/// As the program does it.
pub(super) fn apply(patch: &str, cwd: &str, files: &mut dyn Files) -> Result<Applied, String> {
    let hunks = match parse(patch) {
        Ok(hunks) => hunks,
        Err(Wrong::Patch(what)) => return Ok(Applied::failed(format!("Invalid patch: {what}\n"))),
        Err(Wrong::Hunk(what, line)) => {
            return Ok(Applied::failed(format!(
                "Invalid patch hunk on line {line}: {what}\n"
            )));
        }
    };
    finish(all(&hunks, cwd, files).map_err(|stop| match stop {
        Stop::Says(text) => Stop::Says(format!("{text}\n")),
        Stop::Cannot(why) => Stop::Cannot(why),
    }))
}

/// As the tool does it: what would fail is refused before anything is written.
pub(super) fn apply_checked(
    patch: &str,
    cwd: &str,
    files: &mut dyn Files,
) -> Result<Applied, String> {
    let checked = match parse(patch) {
        Ok(hunks) => check(&hunks, cwd, files),
        Err(Wrong::Patch(what)) => Err(Stop::says(format!("invalid patch: {what}"))),
        Err(Wrong::Hunk(what, line)) => {
            Err(Stop::says(format!("invalid hunk at line {line}, {what}")))
        }
    };
    match checked {
        Ok(()) => apply(patch, cwd, files),
        Err(Stop::Says(text)) => finish(Err(Stop::Says(format!(
            "apply_patch verification failed: {text}"
        )))),
        Err(Stop::Cannot(why)) => Err(why),
    }
}

fn finish(done: Result<String, Stop>) -> Result<Applied, String> {
    match done {
        Ok(output) => Ok(Applied::done(output)),
        Err(Stop::Says(errors)) => Ok(Applied::failed(errors)),
        Err(Stop::Cannot(why)) => Err(why),
    }
}

fn check(hunks: &[Hunk], cwd: &str, files: &mut dyn Files) -> Result<(), Stop> {
    for hunk in hunks {
        match hunk {
            Hunk::Add { .. } => {}
            Hunk::Delete { path } => {
                let at = place::join(cwd, path);
                read(&at, &at, "Failed to read", files)?;
            }
            Hunk::Update { path, chunks, .. } => {
                let at = place::join(cwd, path);
                changed(&at, &at, chunks, files)?;
            }
        }
    }
    Ok(())
}

fn all(hunks: &[Hunk], cwd: &str, files: &mut dyn Files) -> Result<String, Stop> {
    if hunks.is_empty() {
        return Err(Stop::says("No files were modified."));
    }
    let (mut added, mut modified, mut deleted) = (Vec::new(), Vec::new(), Vec::new());
    for hunk in hunks {
        match hunk {
            Hunk::Add { path, text } => {
                write(path, text, cwd, files)?;
                added.push(path);
            }
            Hunk::Delete { path } => {
                remove(path, "Failed to delete file", cwd, files)?;
                deleted.push(path);
            }
            Hunk::Update {
                path,
                move_to,
                chunks,
            } => {
                let text = changed(&place::join(cwd, path), path, chunks, files)?;
                match move_to {
                    Some(to) => {
                        write(to, &text, cwd, files)?;
                        remove(path, "Failed to remove original", cwd, files)?;
                    }
                    None => files
                        .write(&place::join(cwd, path), text.as_bytes(), None)
                        .map_err(|_error| Stop::says(format!("Failed to write file {path}")))?,
                }
                modified.push(move_to.as_ref().unwrap_or(path));
            }
        }
    }
    let mut output = "Success. Updated the following files:\n".to_owned();
    for (letter, paths) in [("A", added), ("M", modified), ("D", deleted)] {
        for path in paths {
            output.extend([letter, " ", path, "\n"]);
        }
    }
    Ok(output)
}

fn write(path: &str, text: &str, cwd: &str, files: &mut dyn Files) -> Result<(), Stop> {
    let at = place::join(cwd, path);
    if path.trim_end_matches('/').contains('/') {
        files.make_dirs(place::parent(&at)).map_err(|_error| {
            Stop::says(format!("Failed to create parent directories for {path}"))
        })?;
    }
    files
        .write(&at, text.as_bytes(), None)
        .map_err(|_error| Stop::says(format!("Failed to write file {path}")))
}

fn remove(path: &str, what: &str, cwd: &str, files: &mut dyn Files) -> Result<(), Stop> {
    let at = place::join(cwd, path);
    let is_folder = files
        .meta(&at)
        .is_ok_and(|meta| meta.is_some_and(|meta| meta.kind == FileKind::Dir));
    let failed = || Stop::says(format!("{what} {path}"));
    if is_folder {
        return Err(failed());
    }
    files.remove(&at).map_err(|_error| failed())
}

/// The text of a file, or the tool's words for why it cannot be read.
fn read(at: &str, shown: &str, what: &str, files: &mut dyn Files) -> Result<String, Stop> {
    let words = |error: &FileError| match error.errno {
        Some(errno) => Stop::says(format!("{what} {shown}: {} (os error {errno})", error.why)),
        None => Stop::broken(shown, error),
    };
    let bytes = files.read(at, MOST_BYTES).map_err(|error| words(&error))?;
    String::from_utf8(bytes).map_err(|_error| {
        Stop::says(format!(
            "{what} {shown}: stream did not contain valid UTF-8"
        ))
    })
}

/// The text of a file after its chunks; it ends in a line break.
fn changed(at: &str, shown: &str, chunks: &[Chunk], files: &mut dyn Files) -> Result<String, Stop> {
    let text = read(at, shown, "Failed to read file to update", files)?;
    let mut lines: Vec<&str> = text.split('\n').collect();
    if lines.last().is_some_and(|line| line.is_empty()) {
        lines.pop();
    }
    let places = places(&lines, shown, chunks)?;
    let overlaps = places.windows(2).any(|two| match two {
        [a, b] => a.at + a.removed > b.at,
        _ => false,
    });
    let mut new = if overlaps {
        // As the tool does it: from the last place to the first, each in what the others left.
        let mut new = lines.clone();
        for place in places.iter().rev() {
            let at = place.at.min(new.len());
            let end = (at + place.removed).min(new.len());
            new.splice(at..end, place.added.iter().copied());
        }
        new
    } else {
        let mut new = Vec::with_capacity(lines.len());
        let mut done = 0;
        for place in &places {
            new.extend(lines.get(done..place.at).unwrap_or_default());
            new.extend(place.added.iter().copied());
            done = place.at + place.removed;
        }
        new.extend(lines.get(done..).unwrap_or_default());
        new
    };
    if !new.last().is_some_and(|line| line.is_empty()) {
        new.push("");
    }
    Ok(new.join("\n"))
}

/// Where lines are put in the place of others.
struct Place<'a> {
    at: usize,
    removed: usize,
    added: Vec<&'a str>,
}

fn places<'a>(lines: &[&'a str], shown: &str, chunks: &'a [Chunk]) -> Result<Vec<Place<'a>>, Stop> {
    let mut seek = Seek {
        lines,
        budget: MOST_COMPARISONS,
    };
    let mut places = Vec::new();
    let mut line = 0;
    for chunk in chunks {
        if let Some(context) = &chunk.context {
            let found = seek.find(std::slice::from_ref(context), line, false)?;
            line = 1 + found.ok_or_else(|| {
                Stop::says(format!("Failed to find context '{context}' in {shown}"))
            })?;
        }
        if chunk.old.is_empty() {
            let has_empty = lines.last().is_some_and(|line| line.is_empty());
            places.push(Place {
                at: lines.len() - usize::from(has_empty),
                removed: 0,
                added: chunk.new.iter().map(String::as_str).collect(),
            });
            continue;
        }
        let (mut old, mut new) = (chunk.old.as_slice(), chunk.new.as_slice());
        let mut found = seek.find(old, line, chunk.is_end)?;
        if let (None, [front @ .., last]) = (found, old)
            && last.is_empty()
        {
            // An empty last line may stand for the end of the file.
            old = front;
            new = match new {
                [front @ .., last] if last.is_empty() => front,
                _ => new,
            };
            found = seek.find(old, line, chunk.is_end)?;
        }
        let at = found.ok_or_else(|| {
            Stop::says(format!(
                "Failed to find expected lines in {shown}:\n{}",
                chunk.old.join("\n")
            ))
        })?;
        places.push(Place {
            at,
            removed: old.len(),
            added: new.iter().map(String::as_str).collect(),
        });
        line = at + old.len();
    }
    places.sort_by_key(|place| place.at);
    Ok(places)
}

struct Seek<'a> {
    lines: &'a [&'a str],
    budget: usize,
}

impl Seek<'_> {
    /// Where the lines stand: as they are, without blanks at their ends, without blanks around them, with plain
    /// punctuation. At the end of the file nothing above it is looked at.
    fn find(
        &mut self,
        wanted: &[String],
        start: usize,
        is_end: bool,
    ) -> Result<Option<usize>, Stop> {
        if wanted.is_empty() {
            return Ok(Some(start));
        }
        let Some(last) = self.lines.len().checked_sub(wanted.len()) else {
            return Ok(None);
        };
        let start = if is_end { last } else { start };
        let likenesses: [fn(&str, &str) -> bool; 4] = [
            |a, b| a == b,
            |a, b| a.trim_end() == b.trim_end(),
            |a, b| a.trim() == b.trim(),
            |a, b| a.trim().chars().map(plain).eq(b.trim().chars().map(plain)),
        ];
        for holds in likenesses {
            for at in start..=last {
                if self.stands_at(wanted, at, holds)? {
                    return Ok(Some(at));
                }
            }
        }
        Ok(None)
    }

    fn stands_at(
        &mut self,
        wanted: &[String],
        at: usize,
        holds: fn(&str, &str) -> bool,
    ) -> Result<bool, Stop> {
        let there = self.lines.get(at..).unwrap_or_default();
        for (a, b) in there.iter().zip(wanted) {
            self.budget = self
                .budget
                .checked_sub(1)
                .ok_or_else(|| Stop::cannot("the patch asks for too many comparisons"))?;
            if !holds(a, b) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Typographic punctuation and blanks as they stand in ASCII.
fn plain(c: char) -> char {
    match c {
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        '\u{2018}'..='\u{201b}' => '\'',
        '\u{201c}'..='\u{201f}' => '"',
        '\u{a0}' | '\u{2002}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => ' ',
        other => other,
    }
}
