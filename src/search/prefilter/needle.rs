//! Which texts every match of a pattern contains, as far as bytes of a record show them.

use std::cmp::Reverse;

use regex_syntax::hir::Class;
use regex_syntax::hir::Hir;
use regex_syntax::hir::HirKind;

/// A letter of a needle, which JSON writes as itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Letter {
    /// Of ASCII; lower-case where the case does not matter.
    pub(super) byte: u8,
    /// Its other case will do, too, and what folds to it.
    pub(super) is_folded: bool,
}

impl Letter {
    /// The bit in which the two cases of a letter differ, where that does not matter.
    pub(super) fn mask(self) -> u8 {
        if self.is_folded { 0x20 } else { 0 }
    }

    /// Whether a byte is it.
    pub(super) fn is(self, byte: u8) -> bool {
        byte | self.mask() == self.byte
    }

    /// Whether letters beyond ASCII fold to it: `ſ` and the Kelvin sign.
    pub(super) fn has_far_folds(self) -> bool {
        self.is_folded && matches!(self.byte, b'k' | b's')
    }
}

/// What is known of a piece of a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Letter(Letter),
    /// Any text, also none.
    Gap,
}

/// A way in which something may match.
type Way = Vec<Part>;

/// Needles shorter than this are in every record.
const SHORTEST: usize = 3;
/// More alternatives are as slow as parsing.
const MOST: usize = 64;
/// As many ways are made of what stands side by side; where there were more, one side has to do.
const MOST_CROSSED: usize = 8;
/// Letters of a class that are ways of their own.
const MOST_OF_CLASS: u32 = 3;
/// Longer texts than this are told from others by their first letters.
const LONGEST: usize = 1 << 9;

/// Texts of which every match of `hir` contains one; `None` where there are no useful ones.
pub(super) fn required(hir: &Hir) -> Option<Vec<Vec<Letter>>> {
    needles(&ways(hir))
}

/// All ways in which `hir` may match.
fn ways(hir: &Hir) -> Vec<Way> {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => vec![Way::new()],
        HirKind::Literal(literal) => {
            let parts = literal.0.iter().take(LONGEST).map(|byte| of_byte(*byte));
            let cut = (literal.0.len() > LONGEST).then_some(Part::Gap);
            vec![parts.chain(cut).collect()]
        }
        HirKind::Class(class) => of_class(class),
        HirKind::Capture(capture) => ways(&capture.sub),
        HirKind::Repetition(repetition) => match (repetition.min, repetition.max) {
            (0, Some(1)) => {
                let mut ways = ways(&repetition.sub);
                ways.push(Way::new());
                bounded(ways)
            }
            (0, _) => vec![vec![Part::Gap]],
            (1, Some(1)) => ways(&repetition.sub),
            _ => {
                let mut ways = ways(&repetition.sub);
                for way in &mut ways {
                    way.push(Part::Gap);
                }
                ways
            }
        },
        HirKind::Concat(parts) => of_row(parts),
        HirKind::Alternation(parts) => bounded(parts.iter().flat_map(ways).collect()),
    }
}

/// Too many ways, or one that may be any text, are any text.
fn bounded(ways: Vec<Way>) -> Vec<Way> {
    if ways.len() > MOST || ways.iter().any(|way| *way == [Part::Gap]) {
        return vec![vec![Part::Gap]];
    }
    ways
}

/// A byte that JSON may write in another way, or that is laid out anew, tells nothing.
fn of_byte(byte: u8) -> Part {
    if is_kept(char::from(byte)) {
        Part::Letter(Letter {
            byte,
            is_folded: false,
        })
    } else {
        Part::Gap
    }
}

fn of_class(class: &Class) -> Vec<Way> {
    let ranges: Vec<(u32, u32)> = match class {
        Class::Unicode(class) => class
            .ranges()
            .iter()
            .map(|range| (range.start().into(), range.end().into()))
            .collect(),
        Class::Bytes(class) => class
            .ranges()
            .iter()
            .map(|range| (range.start().into(), range.end().into()))
            .collect(),
    };
    let count = ranges.iter().fold(0_u32, |sum, (start, end)| {
        sum.saturating_add(end - start + 1)
    });
    if count > MOST_OF_CLASS {
        return vec![vec![Part::Gap]];
    }
    let mut ways: Vec<Way> = Vec::new();
    let chars = ranges.into_iter().flat_map(|(start, end)| start..=end);
    let chars: Vec<char> = chars.filter_map(char::from_u32).collect();
    for letter in &chars {
        let way = vec![of_letter(*letter, &chars)];
        if !ways.contains(&way) {
            ways.push(way);
        }
    }
    ways
}

/// A letter of a class: a folded one where its other case is there, too.
fn of_letter(letter: char, class: &[char]) -> Part {
    let near = match letter {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        letter => letter.to_ascii_lowercase(),
    };
    if !near.is_ascii_alphabetic() {
        return u8::try_from(letter).map_or(Part::Gap, of_byte);
    }
    let others = class.iter().filter(|other| **other != letter);
    let has_other = others.into_iter().any(|other| {
        other.eq_ignore_ascii_case(&near)
            || matches!((near, other), ('s', '\u{17f}') | ('k', '\u{212a}'))
    });
    let byte = u8::try_from(if has_other { near } else { letter });
    byte.map_or(Part::Gap, |byte| {
        Part::Letter(Letter {
            byte,
            is_folded: has_other,
        })
    })
}

/// What stands side by side: all ways of all of it, or, where these are too many, those of the best stretch.
fn of_row(parts: &[Hir]) -> Vec<Way> {
    let mut stretches = Vec::new();
    let mut row: Vec<Way> = vec![Way::new()];
    for part in parts {
        let next = ways(part);
        let length = |ways: &[Way]| ways.iter().map(Vec::len).max().unwrap_or(0);
        let most = MOST_CROSSED.max(row.len()).max(next.len());
        if row.len() * next.len() <= most && length(&row) + length(&next) <= 2 * LONGEST {
            row = crossed(row, &next);
            continue;
        }
        stretches.push(std::mem::replace(&mut row, next));
    }
    stretches.push(row);
    if let [_] = stretches.as_slice() {
        return stretches.remove(0);
    }
    let best = stretches
        .into_iter()
        .max_by_key(|ways| worth(needles(ways).as_deref()))
        .unwrap_or_default();
    let around = |way: Way| std::iter::once(Part::Gap).chain(way).chain([Part::Gap]);
    best.into_iter().map(|way| around(way).collect()).collect()
}

fn crossed(mut left: Vec<Way>, right: &[Way]) -> Vec<Way> {
    if let [only] = right {
        for way in &mut left {
            way.extend_from_slice(only);
        }
        return left;
    }
    let all = left.iter();
    let all = all.flat_map(|before| right.iter().map(move |behind| [&**before, &**behind]));
    all.map(|both| both.concat()).collect()
}

/// How good needles are: long, then few.
fn worth(needles: Option<&[Vec<Letter>]>) -> Option<(usize, Reverse<usize>)> {
    let needles = needles?;
    Some((needles.iter().map(Vec::len).min()?, Reverse(needles.len())))
}

/// A needle of each way.
fn needles(ways: &[Way]) -> Option<Vec<Vec<Letter>>> {
    let mut needles: Vec<Vec<Letter>> = Vec::new();
    for way in ways {
        let needle = longest(way)?;
        if !needles.contains(&needle) {
            needles.push(needle);
        }
    }
    (!needles.is_empty() && needles.len() <= MOST).then_some(needles)
}

/// The longest useful run of letters.
fn longest(way: &[Part]) -> Option<Vec<Letter>> {
    let runs = way.split(|part| *part == Part::Gap);
    let runs = runs.map(|run| {
        let letters = run.iter().filter_map(|part| match part {
            Part::Letter(letter) => Some(*letter),
            Part::Gap => None,
        });
        trimmed(letters.collect())
    });
    let useful = runs.filter(|run| run.len() >= SHORTEST && !is_made(run));
    useful.max_by_key(Vec::len)
}

/// Without blanks at its ends.
fn trimmed(mut run: Vec<Letter>) -> Vec<Letter> {
    let is_ink = |letter: &Letter| letter.byte != b' ';
    let end = run.iter().rposition(is_ink).map_or(0, |last| last + 1);
    run.truncate(end);
    let start = run.iter().position(is_ink).unwrap_or(0);
    run.split_off(start)
}

/// Words that readers put into trajectories whose records do not hold them: names of tools and arguments, and values
/// that are shown as JSON.
const MADE: &[&str] = &[
    "bash",
    "run_ipython",
    "command",
    "code",
    "changes",
    "null",
    "true",
    "false",
];

/// Whether JSON writes it as itself. Some writers escape what means something in HTML, or `/`.
pub(super) fn is_plain(letter: char) -> bool {
    matches!(letter, ' '..='~') && !matches!(letter, '"' | '\\' | '/' | '<' | '>' | '&' | '\'')
}

/// Whether it stands for itself in a value, too, that a reader shows as JSON: laid out anew.
fn is_kept(letter: char) -> bool {
    is_plain(letter) && !matches!(letter, '{' | '}' | '[' | ']' | ',' | ':')
}

/// Whether it may be in a trajectory and not in the bytes of its record: readers made it, or a number was spelt anew.
fn is_made(needle: &[Letter]) -> bool {
    let needle: String = needle
        .iter()
        .map(|letter| char::from(letter.byte.to_ascii_lowercase()))
        .collect();
    let is_number = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | '+' | '-');
    MADE.iter().any(|word| word.contains(&needle)) || needle.chars().all(is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The needles of a pattern, folded letters in capitals, in order; empty where there are none.
    #[track_caller]
    fn check(pattern: &str, want: &[&str]) {
        let hir = regex_syntax::parse(pattern).unwrap();
        let shown = |needle: Vec<Letter>| -> String {
            let letters = needle.into_iter().map(|letter| {
                let byte = letter.byte;
                char::from(if letter.is_folded {
                    byte.to_ascii_uppercase()
                } else {
                    byte
                })
            });
            letters.collect()
        };
        let needles = required(&hir).unwrap_or_default();
        let mut got: Vec<String> = needles.into_iter().map(shown).collect();
        got.sort_unstable();
        assert_eq!(got, want, "{pattern}");
    }

    #[test]
    fn needles_are_the_longest_texts_that_every_match_contains() {
        check("needle", &["needle"]);
        check(r"def \w+_total\(", &["_total("]);
        check(r"\bneed[^x]haystack$", &["haystack"]);
        check("(a needle, say)", &["a needle"]);
        check("(?:needle)+", &["needle"]);
        check("needle(?:s in)?", &["needle", "needles in"]);
        check("(?:needle)*", &[]);
        check(r"\d+|needle", &[]);
        check("x{300}", &[]);
    }

    #[test]
    fn what_stands_side_by_side_is_taken_together() {
        check("need(le|ful)_1", &["needful_1", "needle_1"]);
        check("gr[ae]yish", &["grayish", "greyish"]);
        check(
            "(?:ab|cd|ef)(?:gh|ij|kl)(?:needle|thread)s?",
            &[
                "ghneedle", "ghthread", "ijneedle", "ijthread", "klneedle", "klthread",
            ],
        );
        check(
            "(?:aa|bb|cc|dd|ee|ff|gg|hh|ii)_[xy]_(?:needle)",
            &["x_needle", "y_needle"],
        );
        check(
            "needle(?:aa|bb|cc|dd|ee|ff|gg|hh|ii)[xy]",
            &[
                "needleaa", "needlebb", "needlecc", "needledd", "needleee", "needleff", "needlegg",
                "needlehh", "needleii",
            ],
        );
        check(r"[a-c]{2}needle[0-9]\s?", &["needle"]);
    }

    #[test]
    fn letters_of_either_case_are_folded() {
        check("(?i)need_7", &["NEED_7"]);
        check("(?i)kiss", &["KISS"]);
        check("(?i:nee)dle", &["NEEdle"]);
        check("[Nn]eedle", &["Needle"]);
        check("(?i)nee(?:dle|d)", &["NEED", "NEEDLE"]);
        check("(?i)naïve case", &["VE CASE"]);
        check("(?i-u)needle", &["NEEDLE"]);
        check("[nſs]eedle", &["Seedle", "needle"]);
        check("[Nſ]eedle", &["Needle", "eedle"]);
    }

    #[test]
    fn texts_that_readers_make_are_no_needles() {
        for pattern in [
            "bash", "(?i)BASH", "null", r"1\.0e5", "comm", "naï", "a\\\\b", "ab",
        ] {
            check(pattern, &[]);
        }
    }
}
