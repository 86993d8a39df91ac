//! What a call that shows something else lacks here: a program, a file, a part of a file.
//!
//! A hint beside the first line that differs. It tells faults of the machine and of an incomplete base from those of the
//! trajectory, and changes no verdict.

use std::collections::HashSet;
use std::sync::LazyLock;

use regex::Regex;

use crate::replay::verdict::lines;
use crate::replay::verdict::normal::fixed;

/// What a shell says of a program that it does not find.
static NO_PROGRAM: LazyLock<Regex> =
    LazyLock::new(|| fixed(r"(?m)^\S*sh: (?:[^\n]*: )?([\w.+-]+): (?:command )?not found\r?$"));

/// What programs say where the system around the workspace is another one, and what that means.
const ELSEWHERE: [(&str, &str); 2] = [
    (
        "Read-only file system",
        "here only the workspace, the home folder and /tmp can be written",
    ),
    (
        "externally-managed-environment",
        "the system's own Python is not the recorded one",
    ),
];

/// What programs and editors say of what is not there.
const NO_FILE: [&str; 6] = [
    "No such file or directory",
    "does not exist. Please provide a valid path.",
    "File does not exist.",
    "not a git repository",
    "No such file\n",
    "ModuleNotFoundError",
];

/// What editors say of a file that is shorter than it was.
const NO_LINES: [&str; 4] = [
    "range of lines of the file",
    "number of lines in the file",
    "lines in this file.",
    "did not appear verbatim in",
];

/// What `now` lacks that was there when `recorded` was; `is_partial` says that the workspace is only what the record shows.
pub(super) fn lack(recorded: &str, now: &str, is_partial: bool) -> Option<String> {
    let program = NO_PROGRAM.captures(now).and_then(|found| found.get(1));
    if let Some(program) = program.map(|found| found.as_str())
        && !recorded.contains(&format!("{program}: command not found"))
    {
        return Some(format!("`{program}` is not installed here"));
    }
    let is_new = |words: &&str| now.contains(*words) && !recorded.contains(*words);
    if let Some((_, why)) = ELSEWHERE.iter().find(|(words, _)| is_new(words)) {
        return Some((*why).to_owned());
    }
    if !is_partial {
        return None;
    }
    let why = if NO_FILE.iter().any(&is_new) {
        "a file is missing that the record does not show whole"
    } else if NO_LINES.iter().any(&is_new) || has_blanks(recorded, now) {
        "the file is known in part only"
    } else if is_less(recorded, now) {
        "only files that the record shows are here"
    } else {
        return None;
    };
    Some(why.to_owned())
}

/// Whether a numbered line is empty now that held something.
fn has_blanks(recorded: &str, now: &str) -> bool {
    let number = |line: &str| -> Option<(usize, bool)> {
        let line = line.trim_start();
        let end = line.find(|c: char| !c.is_ascii_digit());
        let (number, rest) = line.split_at_checked(end.unwrap_or(line.len()))?;
        let rest = rest
            .strip_prefix(['\t', '→', ':'])
            .or(rest.is_empty().then_some(""))?;
        Some((number.parse().ok()?, rest.trim().is_empty()))
    };
    let held = lines(recorded).filter_map(number);
    let held: HashSet<usize> = held
        .filter(|(_, is_empty)| !is_empty)
        .map(|(at, _)| at)
        .collect();
    lines(now)
        .filter_map(number)
        .any(|(at, is_empty)| is_empty && held.contains(&at))
}

/// Whether all that is shown was shown, and more.
fn is_less(recorded: &str, now: &str) -> bool {
    let held: HashSet<&str> = lines(recorded).map(str::trim).collect();
    let shown: HashSet<&str> = lines(now).map(str::trim).collect();
    shown.len() < held.len() + 1
        && shown
            .iter()
            .all(|line| line.is_empty() || held.contains(line))
}
