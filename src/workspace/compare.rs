//! Two states of a file beside each other, in the form of all diffs.

use crate::diff::DiffLine;
use crate::diff::DiffTag;
use crate::diff::Hunk;
use crate::diff::diff_texts;
use crate::workspace::state::FileState;
use crate::workspace::state::Origin;
use crate::workspace::state::Row;

/// Stands before the words that stand for unknown lines; no line of a text file begins so.
const UNKNOWN: char = '\u{0}';

/// Longer unknown stretches count as one line: nobody reads them, and lengths in records can be anything.
const MOST_UNKNOWN: usize = 1 << 16;

/// More unknown lines of a state are not spelled out one by one: further stretches count as one line, too.
const MOST_SPELLED: usize = 1 << 17;

/// What changed between two states, with `context` lines around it. Lines that are not known are the same where they
/// are the same line of both states; they stand in the hunks as what they are. Empty when nothing is known to differ.
pub fn changes(old: &FileState, new: &FileState, context: usize) -> Vec<Hunk> {
    let (old_text, old_lines) = spelled(old);
    let (new_text, new_lines) = spelled(new);
    let mut hunks = diff_texts(&old_text, &new_text, context, 1);
    for hunk in &mut hunks {
        hunk.heading = hunk.heading.replace(UNKNOWN, "");
        keep_certain(hunk, &new_lines);
        for line in &mut hunk.lines {
            line.old_no = at(&old_lines, line.old_no).and_then(|line| line.number);
            line.new_no = at(&new_lines, line.new_no).and_then(|line| line.number);
            if let Some(words) = line.text.strip_prefix(UNKNOWN) {
                line.text = words.split(UNKNOWN).next().unwrap_or_default().to_owned();
                line.words.clear();
            }
        }
        place_hunk(hunk);
    }
    hunks.retain(|hunk| hunk.lines.iter().any(|line| line.tag != DiffTag::Same));
    hunks
}

/// A line of a state that was spelled out.
#[derive(Debug, Clone, Copy)]
struct Spelled {
    number: Option<usize>,
    /// A step wrote it.
    is_written: bool,
}

/// The line that a diff counts as `ix`, from 1.
fn at(lines: &[Spelled], ix: Option<usize>) -> Option<Spelled> {
    lines.get(ix?.checked_sub(1)?).copied()
}

/// Takes out of a hunk what may be no change: lines that are known on one side only, where the other is not known.
fn keep_certain(hunk: &mut Hunk, new_lines: &[Spelled]) {
    let is_unknown = |line: &DiffLine| line.text.starts_with(UNKNOWN);
    let lacks = |tag| {
        let mut lines = hunk.lines.iter();
        lines.any(|line| line.tag == tag && is_unknown(line))
    };
    let (old_lacks, new_lacks) = (lacks(DiffTag::Removed), lacks(DiffTag::Added));
    hunk.lines.retain(|line| match line.tag {
        DiffTag::Same => true,
        _ if is_unknown(line) => true,
        DiffTag::Removed => !new_lacks,
        DiffTag::Added => {
            !old_lacks || at(new_lines, line.new_no).is_some_and(|new| new.is_written)
        }
    });
    for line in hunk.lines.iter_mut().filter(|line| is_unknown(line)) {
        line.tag = DiffTag::Same;
    }
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

/// The state as a text, one line a row, and what its lines are.
fn spelled(state: &FileState) -> (String, Vec<Spelled>) {
    let mut text = String::new();
    let mut lines = Vec::with_capacity(state.rows.len());
    let mut push = |line: &str, number, is_written| {
        text.push_str(line);
        text.push('\n');
        lines.push(Spelled { number, is_written });
    };
    let mut left = MOST_SPELLED;
    for row in &state.rows {
        match row {
            Row::Line {
                number,
                text,
                origin,
                ..
            } => push(text.as_str(), *number, matches!(origin, Origin::Changed(_))),
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
                push(&line, *number, false);
            }
            Row::Unknown {
                number,
                len: Some(len),
                id,
                ..
            } if *len > MOST_UNKNOWN.min(left) => {
                let line = format!(
                    "{UNKNOWN}⋯ {len} lines never seen{UNKNOWN}{}:{}",
                    id.0, id.1
                );
                push(&line, *number, false);
            }
            Row::Unknown {
                number,
                len: Some(len),
                id,
                ..
            } => {
                left -= len;
                for ahead in 0..*len {
                    let line = format!("{UNKNOWN}⋯ never seen{UNKNOWN}{}:{}", id.0, id.1 + ahead);
                    push(&line, number.map(|number| number + ahead), false);
                }
            }
        }
    }
    (text, lines)
}

#[cfg(test)]
mod tests {
    use crate::workspace::compare::MOST_SPELLED;
    use crate::workspace::compare::MOST_UNKNOWN;
    use crate::workspace::compare::changes;
    use crate::workspace::compare::spelled;
    use crate::workspace::state::FileState;
    use crate::workspace::state::Row;

    #[track_caller]
    fn spells(lens: &[usize], want: usize) {
        let row = |(ix, len): (usize, &usize)| Row::Unknown {
            number: Some(ix + 1),
            len: Some(*len),
            by: None,
            id: (ix, 0),
        };
        let state = FileState {
            rows: lens.iter().enumerate().map(row).collect(),
            ..FileState::default()
        };
        assert_eq!(spelled(&state).1.len(), want);
        assert_eq!(changes(&state, &state, 3), Vec::new());
    }

    #[test]
    fn unknown_lines_are_spelled_up_to_a_number() {
        spells(&[3, 4], 7);
        spells(&[MOST_UNKNOWN], MOST_UNKNOWN);
        spells(&[MOST_UNKNOWN + 1, 2], 3);
        spells(&[MOST_UNKNOWN; 256], MOST_SPELLED + 254);
        spells(&[MOST_UNKNOWN, MOST_UNKNOWN - 1, 2, 1, 1], MOST_SPELLED + 2);
    }
}
