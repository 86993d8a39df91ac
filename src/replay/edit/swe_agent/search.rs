//! The searches: by name with `find`, by text with `grep`.

use regex::bytes::Regex;

use crate::replay::edit::engine::look;
use crate::replay::edit::place;
use crate::replay::edit::stop::Stop;
use crate::sandbox::FileKind;
use crate::sandbox::Files;

const MOST_FILES: usize = 500_000;
const MOST_BYTES: u64 = 64 << 20;
/// How many files or lines are listed.
const MOST_FOUND: usize = 100;

/// The folder that a search begins in.
fn folder(named: Option<&String>, cwd: &str, files: &mut dyn Files) -> Result<String, Stop> {
    let Some(named) = named else {
        return Ok(place::resolved(cwd));
    };
    let at = place::join(cwd, named);
    match look(files, &at)? {
        Some(meta) if meta.kind == FileKind::Dir => Ok(place::resolved(&at)),
        _ => Err(Stop::says(format!("Directory {named} not found"))),
    }
}

fn all_files(folder: &str, files: &mut dyn Files) -> Result<Vec<String>, Stop> {
    let found = files
        .list(folder, 64, MOST_FILES)
        .map_err(|error| Stop::broken(folder, &error))?;
    let found = found
        .into_iter()
        .filter(|found| found.kind == FileKind::File);
    Ok(found
        .map(|found| place::below(folder, &found.path))
        .collect())
}

/// `find_file NAME [FOLDER]`; paths come sorted, not in the order of the file system.
pub(super) fn find_file(
    words: &[String],
    cwd: &str,
    files: &mut dyn Files,
) -> Result<String, Stop> {
    let [name, rest @ ..] = words else {
        return Err(Stop::says("Usage: find_file <file_name> [<dir>]"));
    };
    let folder = folder(rest.first(), cwd, files)?;
    let glob = globset::GlobBuilder::new(name)
        .build()
        .map_err(|_error| Stop::cannot("the pattern is none that is known here"))?
        .compile_matcher();
    let mut found = all_files(&folder, files)?;
    found.retain(|path| glob.is_match(place::name(path)));
    found.sort();
    if found.is_empty() {
        return Ok(format!("No matches found for \"{name}\" in {folder}"));
    }
    let count = found.len();
    Ok(format!(
        "Found {count} matches for \"{name}\" in {folder}:\n{}",
        found.join("\n")
    ))
}

/// `search_dir TERM [FOLDER]`: how many lines of each file match.
pub(super) fn search_dir(
    words: &[String],
    cwd: &str,
    files: &mut dyn Files,
) -> Result<String, Stop> {
    let [term, rest @ ..] = words else {
        return Err(Stop::says("Usage: search_dir <search_term> [<dir>]"));
    };
    let folder = folder(rest.first(), cwd, files)?;
    let pattern = pattern(term)?;
    let mut found = Vec::new();
    let mut paths = all_files(&folder, files)?;
    paths.retain(|path| !path.contains("/."));
    paths.sort();
    for path in paths {
        // Like grep, what cannot be read is left out.
        let Ok(bytes) = files.read(&path, MOST_BYTES) else {
            continue;
        };
        let lines = matching(&bytes, &pattern);
        if !lines.is_empty() && !bytes.contains(&0) {
            found.push((path, lines.len()));
        }
    }
    if found.is_empty() {
        return Ok(format!("No matches found for \"{term}\" in {folder}"));
    }
    if found.len() > MOST_FOUND {
        let count = found.len();
        return Ok(format!(
            "More than {count} files matched for \"{term}\" in {folder}. Please narrow your search."
        ));
    }
    let count: usize = found.iter().map(|(_, lines)| lines).sum();
    let lines: Vec<String> = found
        .iter()
        .map(|(path, lines)| format!("{path} ({lines} matches)\n"))
        .collect();
    let lines = lines.concat();
    Ok(format!(
        "Found {count} matches for \"{term}\" in {folder}:\n{lines}End of matches for \"{term}\" in {folder}"
    ))
}

/// `search_file TERM [FILE]`: the lines that match.
pub(super) fn search_file(
    words: &[String],
    open: &str,
    cwd: &str,
    files: &mut dyn Files,
) -> Result<String, Stop> {
    const USAGE: &str = "Usage: search_file <search_term> [<file>]";
    let Some(term) = words.first().filter(|term| !term.is_empty()) else {
        return Err(Stop::says(USAGE));
    };
    let path = match words.get(1) {
        Some(named) => {
            let at = place::join(cwd, named);
            if look(files, &at)?.is_none_or(|meta| meta.kind != FileKind::File) {
                return Err(Stop::says(format!(
                    "{USAGE}\nError: File name {named} not found. Please provide a valid file name."
                )));
            }
            place::resolved(&at)
        }
        None if open.is_empty() => {
            return Err(Stop::says("No file open. Use the open command first."));
        }
        None => open.to_owned(),
    };
    let pattern = pattern(term)?;
    let bytes = files
        .read(&path, MOST_BYTES)
        .map_err(|error| Stop::broken(&path, &error))?;
    let found = matching(&bytes, &pattern);
    let count = found.len();
    if count == 0 {
        return Ok(format!("No matches found for \"{term}\" in {path}"));
    }
    if count > MOST_FOUND {
        return Ok(format!(
            "More than {count} lines matched for \"{term}\" in {path}. Please narrow your search."
        ));
    }
    let lines: Vec<String> = found
        .iter()
        .map(|(line, text)| format!("Line {line}:{}\n", String::from_utf8_lossy(text)))
        .collect();
    let lines = lines.concat();
    Ok(format!(
        "Found {count} matches for \"{term}\" in {path}:\n{lines}End of matches for \"{term}\" in {path}"
    ))
}

/// The lines that match, from 1.
fn matching<'a>(bytes: &'a [u8], pattern: &Regex) -> Vec<(usize, &'a [u8])> {
    let text = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    if bytes.is_empty() {
        return Vec::new();
    }
    let lines = text.split(|byte| *byte == b'\n').enumerate();
    lines
        .filter(|(_, line)| pattern.is_match(line))
        .map(|(ix, line)| (ix + 1, line))
        .collect()
}

/// A basic regular expression of `grep`; several, where there are several lines.
fn pattern(term: &str) -> Result<Regex, Stop> {
    let parts: Vec<String> = term
        .split('\n')
        .map(|line| format!("(?:{})", translated(line)))
        .collect();
    Regex::new(&parts.join("|"))
        .map_err(|_error| Stop::cannot("the pattern is none that is known here"))
}

/// In a basic expression, braces, brackets and the like are plain unless a backslash stands before them.
fn translated(term: &str) -> String {
    let mut out = String::new();
    let mut chars = term.chars().peekable();
    let mut is_start = true;
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some(
                    next @ ('(' | ')' | '{' | '}' | '|' | '+' | '?' | '.' | '*' | '[' | ']' | '^'
                    | '$' | '\\'),
                ) => {
                    if !matches!(next, '(' | ')' | '{' | '}' | '|' | '+' | '?') {
                        out.push('\\');
                    }
                    out.push(next);
                }
                Some(next @ ('w' | 'W' | 's' | 'S' | 'b' | 'B')) => out.extend(['\\', next]),
                Some('<') => out.push_str("\\b{start}"),
                Some('>') => out.push_str("\\b{end}"),
                Some(next) => out.push_str(&regex::escape(&next.to_string())),
                None => out.push_str("\\\\"),
            },
            '[' => {
                out.push('[');
                for c in chars.by_ref() {
                    out.push(c);
                    if c == ']' {
                        break;
                    }
                }
            }
            '*' if is_start => out.push_str("\\*"),
            '^' if !is_start => out.push_str("\\^"),
            '$' if chars.peek().is_some() => out.push_str("\\$"),
            '.' | '*' | '^' | '$' => out.push(c),
            _ => out.push_str(&regex::escape(&c.to_string())),
        }
        is_start = false;
    }
    out
}
