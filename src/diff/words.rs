//! Word marks: which parts of a removed line and of the added line that took its place differ.
//!
//! Lines are paired in order, and only when they are alike enough (as delta does in `edits.rs`): marks on lines
//! that have nothing in common say nothing.

use std::ops::Range;
use std::time::Duration;
use std::time::Instant;

use similar::Algorithm;

use crate::diff::DiffLine;
use crate::diff::DiffTag;

/// Longer lines are marked as a whole.
const MAX_LINE_BYTES: usize = 1024;
/// Longer runs of changed lines are rewritten text, of which each line is new.
const MAX_RUN_LINES: usize = 256;
/// How many added lines are tried for a removed one.
const MAX_TRIES: usize = 8;
/// The share of text in common from which two lines are forms of one.
const ALIKE: f64 = 0.5;
/// For the lines of one hunk.
const DEADLINE: Duration = Duration::from_millis(50);

/// Fills `words` of removed lines and of the added lines that follow them, where they are alike.
pub fn mark_words(lines: &mut [DiffLine]) {
    let deadline = Instant::now() + DEADLINE;
    let mut rest = lines;
    while let Some(start) = rest.iter().position(|line| line.tag == DiffTag::Removed) {
        let removed = run_len(rest.get(start..), DiffTag::Removed);
        let added = run_len(rest.get(start + removed..), DiffTag::Added);
        let (run, after) = rest.split_at_mut(start).1.split_at_mut(removed + added);
        let (old, new) = run.split_at_mut(removed);
        if !new.is_empty() && removed <= MAX_RUN_LINES && added <= MAX_RUN_LINES {
            mark_run(old, new, deadline);
        }
        if Instant::now() > deadline {
            return;
        }
        rest = after;
    }
}

fn run_len(lines: Option<&[DiffLine]>, tag: DiffTag) -> usize {
    lines
        .unwrap_or_default()
        .iter()
        .take_while(|line| line.tag == tag)
        .count()
}

fn mark_run(old: &mut [DiffLine], new: &mut [DiffLine], deadline: Instant) {
    let is_even = old.len() == new.len();
    let mut next = 0;
    for (ix, removed) in old.iter_mut().enumerate() {
        // Runs of equal length are mostly line by line; then no other partner is looked for.
        let tries = if is_even {
            ix..ix + 1
        } else {
            next..next + MAX_TRIES
        };
        for (at, added) in new.iter_mut().enumerate().take(tries.end).skip(tries.start) {
            if let Some((old_words, new_words)) = compare(&removed.text, &added.text, deadline) {
                removed.words = old_words;
                added.words = new_words;
                next = at + 1;
                break;
            }
        }
    }
}

type Words = Vec<Range<usize>>;

/// The parts in which two lines differ, or `None` when they have too little in common.
fn compare(old: &str, new: &str, deadline: Instant) -> Option<(Words, Words)> {
    if old.len() > MAX_LINE_BYTES || new.len() > MAX_LINE_BYTES {
        return None;
    }
    // With so unlike lengths the share cannot be reached; most lines of a long run end here.
    let ink = |line: &str| {
        line.bytes()
            .filter(|byte| !byte.is_ascii_whitespace())
            .count()
    };
    let (shorter, longer) = (ink(old).min(ink(new)), ink(old).max(ink(new)));
    if shorter.saturating_mul(3) < longer {
        return None;
    }
    let old_tokens = tokens(old);
    let new_tokens = tokens(new);
    let ops = similar::capture_diff_slices_deadline(
        Algorithm::Myers,
        &old_tokens,
        &new_tokens,
        Some(deadline),
    );
    let old_ends = ends(&old_tokens);
    let new_ends = ends(&new_tokens);
    let mut shared = 0;
    let (mut old_words, mut new_words) = (Words::new(), Words::new());
    for op in &ops {
        if op.tag() == similar::DiffTag::Equal {
            shared += old_tokens
                .get(op.old_range())?
                .iter()
                .map(|token| weight(token))
                .sum::<usize>();
            continue;
        }
        push(&mut old_words, bytes_of(op.old_range(), &old_ends), old);
        push(&mut new_words, bytes_of(op.new_range(), &new_ends), new);
    }
    let total: usize = old_tokens
        .iter()
        .chain(&new_tokens)
        .map(|token| weight(token))
        .sum();
    #[expect(
        clippy::cast_precision_loss,
        reason = "both are bounded by the longest line"
    )]
    let share = (2 * shared) as f64 / total.max(1) as f64;
    if share < ALIKE {
        return None;
    }
    settle(&mut old_words);
    settle(&mut new_words);
    Some((old_words, new_words))
}

/// Words, stretches of blanks, and single other characters.
fn tokens(line: &str) -> Vec<&str> {
    #[derive(PartialEq, Clone, Copy)]
    enum Kind {
        Word,
        Blank,
        Other,
    }
    let mut tokens = Vec::new();
    let mut start = 0;
    let mut kind = None;
    for (at, c) in line.char_indices() {
        let this = if c.is_alphanumeric() || c == '_' {
            Kind::Word
        } else if c.is_whitespace() {
            Kind::Blank
        } else {
            Kind::Other
        };
        if at > 0 && (this == Kind::Other || kind != Some(this)) {
            tokens.extend(line.get(start..at));
            start = at;
        }
        kind = Some(this);
    }
    tokens.extend(line.get(start..).filter(|token| !token.is_empty()));
    tokens
}

/// Blanks are no sign of likeness.
fn weight(token: &str) -> usize {
    token.trim().len()
}

/// The byte at which each token ends.
fn ends(tokens: &[&str]) -> Vec<usize> {
    tokens
        .iter()
        .scan(0, |end, token| {
            *end += token.len();
            Some(*end)
        })
        .collect()
}

fn bytes_of(range: Range<usize>, ends: &[usize]) -> Range<usize> {
    let edge = |ix: usize| {
        ix.checked_sub(1)
            .and_then(|ix| ends.get(ix))
            .copied()
            .unwrap_or(0)
    };
    edge(range.start)..edge(range.end)
}

/// Adds a range; joins it to the one before when only blanks stand between.
fn push(words: &mut Words, range: Range<usize>, line: &str) {
    if let Some(last) = words.last_mut() {
        let gap = line.get(last.end..range.start).unwrap_or("x");
        if gap.is_empty()
            || (last.start < last.end && range.start < range.end && gap.trim().is_empty())
        {
            last.end = range.end;
            return;
        }
    }
    words.push(range);
}

/// Leaves empty ranges only where there is nothing else, so that a marked line always has a range.
fn settle(words: &mut Words) {
    let place = words.first().map_or(0, |range| range.start);
    words.retain(|range| !range.is_empty());
    if words.is_empty() {
        words.push(place..place);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Marks as text: `[` and `]` around each range; lines without any range as they are.
    fn marked(lines: &[(DiffTag, &str)]) -> Vec<String> {
        let mut lines: Vec<DiffLine> = lines
            .iter()
            .map(|(tag, text)| DiffLine::new(*tag, *text))
            .collect();
        mark_words(&mut lines);
        lines
            .iter()
            .map(|line| {
                let mut text = line.text.clone();
                for range in line.words.iter().rev() {
                    text.insert(range.end, ']');
                    text.insert(range.start, '[');
                }
                text
            })
            .collect()
    }

    #[track_caller]
    fn marks(old: &[&str], new: &[&str], expected: &[&str]) {
        let old = old.iter().map(|text| (DiffTag::Removed, *text));
        let new = new.iter().map(|text| (DiffTag::Added, *text));
        let lines: Vec<_> = old.chain(new).collect();
        assert_eq!(marked(&lines), expected);
    }

    #[test]
    fn changed_words_are_marked() {
        marks(
            &["x = foo(a)"],
            &["x = bar(a)"],
            &["x = [foo](a)", "x = [bar](a)"],
        );
        marks(
            &["return f(a)"],
            &["return f(a, b)"],
            &["return f(a[])", "return f(a[, b])"],
        );
        marks(
            &["    return value"],
            &["return value"],
            &["[    ]return value", "[]return value"],
        );
        marks(
            &["größe = 1"],
            &["größe = 2"],
            &["größe = [1]", "größe = [2]"],
        );
    }

    #[test]
    fn unlike_lines_are_changed_as_a_whole() {
        marks(
            &["import os"],
            &["class A: pass  # other"],
            &["import os", "class A: pass  # other"],
        );
        marks(&["a"], &[], &["a"]);
    }

    #[test]
    fn partners_are_looked_for_further_down() {
        marks(
            &["value = compute(first)"],
            &["# a comment above", "value = compute(second)"],
            &[
                "value = compute([first])",
                "# a comment above",
                "value = compute([second])",
            ],
        );
    }

    proptest! {
        #[test]
        fn ranges_are_sound(old in "[ab _é=日]{0,30}", new in "[ab _é=日]{0,30}") {
            let mut lines = vec![DiffLine::new(DiffTag::Removed, old), DiffLine::new(DiffTag::Added, new)];
            mark_words(&mut lines);
            for line in &lines {
                let mut end = 0;
                for range in &line.words {
                    prop_assert!(range.start >= end && range.end <= line.text.len());
                    prop_assert!(line.text.get(range.clone()).is_some());
                    end = range.end;
                }
            }
            // What is not marked is the same on both sides.
            if !lines[0].words.is_empty() {
                let rest = |line: &DiffLine| {
                    let mut text = line.text.clone();
                    for range in line.words.iter().rev() {
                        text.replace_range(range.clone(), "");
                    }
                    text.replace(' ', "")
                };
                prop_assert_eq!(rest(&lines[0]), rest(&lines[1]));
            }
        }
    }
}
