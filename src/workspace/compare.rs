//! Two states of a file beside each other, in the form of all diffs.

use crate::diff::DiffTag;
use crate::diff::Hunk;
use crate::diff::diff_texts;
use crate::workspace::state::FileState;
use crate::workspace::state::Row;

/// Stands before the words that stand for unknown lines; no line of a text file begins so.
const UNKNOWN: char = '\u{0}';

/// Longer unknown stretches count as one line: nobody reads them, and lengths in records can be anything.
const MOST_UNKNOWN: usize = 1 << 16;

/// What changed between two states, with `context` lines around it. Lines that are not known are the same where they
/// are the same line of both states; they stand in the hunks as what they are. Empty when nothing is known to differ.
pub fn changes(old: &FileState, new: &FileState, context: usize) -> Vec<Hunk> {
    let (old_text, old_numbers) = spelled(old);
    let (new_text, new_numbers) = spelled(new);
    let mut hunks = diff_texts(&old_text, &new_text, context, 1);
    for hunk in &mut hunks {
        hunk.heading = hunk.heading.replace(UNKNOWN, "");
        for line in &mut hunk.lines {
            let place = |numbers: &[Option<usize>], ix: usize| {
                numbers.get(ix.checked_sub(1)?).copied().flatten()
            };
            line.old_no = line.old_no.and_then(|ix| place(&old_numbers, ix));
            line.new_no = line.new_no.and_then(|ix| place(&new_numbers, ix));
            if let Some(words) = line.text.strip_prefix(UNKNOWN) {
                line.text = words.split(UNKNOWN).next().unwrap_or_default().to_owned();
                line.words.clear();
            }
        }
        place_hunk(hunk);
    }
    hunks
}

/// Says where a hunk starts by the numbers of its lines.
fn place_hunk(hunk: &mut Hunk) {
    let old = hunk.lines.iter().find_map(|line| line.old_no);
    let new = hunk.lines.iter().find_map(|line| line.new_no);
    let has_all = |tag, found: Option<usize>| {
        found.is_some() || hunk.lines.iter().all(|line| line.tag == tag)
    };
    let is_placed = has_all(DiffTag::Added, old) && has_all(DiffTag::Removed, new);
    if is_placed {
        hunk.old_start = old.unwrap_or_else(|| hunk.old_start.min(new.unwrap_or(0)));
        hunk.new_start = new.unwrap_or_else(|| hunk.new_start.min(old.unwrap_or(0)));
    } else {
        (hunk.old_start, hunk.new_start) = (0, 0);
    }
}

/// The state as a text, one line a row, and the numbers of its lines.
fn spelled(state: &FileState) -> (String, Vec<Option<usize>>) {
    let mut text = String::new();
    let mut numbers = Vec::with_capacity(state.rows.len());
    let mut push = |line: &str, number| {
        text.push_str(line);
        text.push('\n');
        numbers.push(number);
    };
    for row in &state.rows {
        match row {
            Row::Line { number, text, .. } => push(text.as_str(), *number),
            Row::Unknown {
                number,
                len: None,
                id,
                ..
            } => {
                let line = format!(
                    "{UNKNOWN}⋯ never seen from here on{UNKNOWN}{}:{}",
                    id.0, id.1
                );
                push(&line, *number);
            }
            Row::Unknown {
                number,
                len: Some(len),
                id,
                ..
            } if *len > MOST_UNKNOWN => {
                let line = format!(
                    "{UNKNOWN}⋯ {len} lines never seen{UNKNOWN}{}:{}",
                    id.0, id.1
                );
                push(&line, *number);
            }
            Row::Unknown {
                number,
                len: Some(len),
                id,
                ..
            } => {
                for ahead in 0..*len {
                    let line = format!("{UNKNOWN}⋯ never seen{UNKNOWN}{}:{}", id.0, id.1 + ahead);
                    push(&line, number.map(|number| number + ahead));
                }
            }
        }
    }
    (text, numbers)
}
