//! What is wrong with a query: where, what, and what was probably meant.

use std::ops::Range;

use crate::error::Error;
use crate::text::width;

/// A query that is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryError {
    /// The bytes of the query that are to blame; empty, at its end, where something is missing.
    pub span: Range<usize>,
    /// What is wrong, in words, one line; quotes the query.
    pub what: String,
    /// What to try, where that can be told.
    pub hint: Option<String>,
}

impl QueryError {
    /// Something is wrong at `span`.
    pub(super) fn new(span: Range<usize>, what: impl Into<String>) -> Self {
        Self {
            span,
            what: what.into(),
            hint: None,
        }
    }

    /// Adds what to try.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The column of the first character to blame, from 1.
    pub fn column(&self, query: &str) -> usize {
        let before = query.get(..self.span.start).unwrap_or(query);
        before.chars().count() + 1
    }

    /// Cells before what is to blame, and how many it takes, at least one: where a mark below the query belongs.
    pub fn mark(&self, query: &str) -> (usize, usize) {
        let cells = |range: Range<usize>| query.get(range).map_or(0, |part| width(&one_line(part)));
        let before = cells(0..self.span.start);
        (before, cells(self.span.clone()).max(1))
    }

    /// As a mistake of the caller's, with the query and a mark below it. `what` names where the query stands:
    /// `--where`, `the query`.
    pub fn into_error(self, query: &str, what: &str) -> Error {
        let (before, cells) = self.mark(query);
        let (line, column) = (one_line(query), self.column(query));
        let (blanks, carets) = (" ".repeat(before), "^".repeat(cells));
        let error = Error::user(format!(
            "{what}, column {column}: {}\n  {line}\n  {blanks}{carets}",
            self.what
        ));
        match self.hint {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }
}

impl std::fmt::Display for QueryError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.what)?;
        match &self.hint {
            Some(hint) => write!(f, "; {hint}"),
            None => Ok(()),
        }
    }
}

/// A query over several lines as one, character for character.
fn one_line(query: &str) -> String {
    query
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

/// The name among `names` that is most like what was typed, where one is like it.
pub(super) fn nearest<'n>(
    typed: &str,
    names: impl IntoIterator<Item = &'n str>,
) -> Option<&'n str> {
    const MOST_CHARS: usize = 40;
    let typed = typed.to_lowercase();
    if typed.is_empty() || typed.chars().count() > MOST_CHARS {
        return None;
    }
    let worth = |name: &&'n str| {
        let distance = distance(&typed, name);
        let most = (typed.chars().count().max(name.chars().count()) / 3).max(1);
        // a beginning or an ending says more than a few letters
        let is_part = typed.len() > 2 && (name.starts_with(&*typed) || name.ends_with(&*typed));
        (distance <= most || is_part).then_some(distance)
    };
    let scored = names
        .into_iter()
        .filter_map(|name| Some((worth(&name)?, name)));
    scored
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// How many letters must be changed, put in, taken out or swapped with their neighbour to make `b` of `a`.
pub fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    let mut previous = None;
    for (row, letter) in a.chars().enumerate() {
        let mut next = vec![row + 1];
        for (column, other) in b.iter().enumerate() {
            let at = |line: &[usize], ix: usize| line.get(ix).copied().unwrap_or(usize::MAX / 2);
            let mut best = (at(&last, column) + usize::from(letter != *other))
                .min(at(&last, column + 1) + 1)
                .min(at(&next, column) + 1);
            let is_swap =
                previous == Some(*other) && column > 0 && b.get(column - 1) == Some(&letter);
            if is_swap {
                best = best.min(at(&before_last, column - 1) + 1);
            }
            next.push(best);
        }
        previous = Some(letter);
        before_last = std::mem::replace(&mut last, next);
    }
    last.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::distance;
    use super::nearest;

    #[test]
    fn distances_count_slips() {
        for (a, b, want) in [
            ("list", "list", 0),
            ("lsit", "list", 1),
            ("lst", "list", 1),
            ("sho", "show", 1),
            ("", "man", 3),
        ] {
            assert_eq!(distance(a, b), want, "{a} {b}");
        }
    }

    #[test]
    fn what_is_like_a_name_is_found() {
        let names = ["steps", "strict", "step.cmd", "duration"];
        for (typed, want) in [
            ("stpes", Some("steps")),
            ("step", Some("steps")),
            ("Strict", Some("strict")),
            ("dur", Some("duration")),
            ("cmd", Some("step.cmd")),
            ("banana", None),
            ("", None),
        ] {
            assert_eq!(nearest(typed, names), want, "{typed}");
        }
    }
}
