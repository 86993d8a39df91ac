//! Telling from a record's bytes that a pattern cannot match in it.
//!
//! Records are JSON, or are made into it, and JSON writes one text in several ways. A needle is therefore only made of
//! letters that stand for themselves in all of them; a record that escapes even such letters is always parsed.

mod folded;
mod needle;

use memchr::memmem;

use crate::search::prefilter::folded::Folded;
use crate::search::prefilter::needle::Letter;
use crate::search::prefilter::needle::is_plain;
use crate::store::Find;

/// Texts of which every match contains one, looked for in bytes.
#[derive(Debug, Clone)]
pub(super) struct Prefilter {
    needles: Needles,
    /// How escapes of letters begin that a needle could have.
    escape: memmem::Finder<'static>,
    /// Letters beyond ASCII that fold to one of a needle (`ſ`, the Kelvin sign), where they do.
    far: Option<[memmem::Finder<'static>; 2]>,
    /// Bytes of the longest needle.
    reach: usize,
}

impl Find for Prefilter {
    fn each(&self, bytes: &[u8], found: &mut dyn FnMut(usize) -> usize) {
        let mut each_of = |next: &dyn Fn(usize) -> Option<usize>| {
            let mut from = 0;
            while let Some(at) = next(from) {
                from = found(at).max(at + 1);
            }
        };
        match &self.needles {
            Needles::All => each_of(&|from| (from < bytes.len()).then_some(from)),
            Needles::One(finder) => {
                each_of(&|from| Some(from + finder.find(bytes.get(from..)?)?));
            }
            Needles::Folded(needles) => {
                for needle in needles {
                    each_of(&|from| needle.find(bytes, from));
                }
            }
            Needles::Several(regex) => each_of(&|from| {
                let is_within = from <= bytes.len();
                Some(is_within.then(|| regex.find_at(bytes, from))??.start())
            }),
        }
        each_of(&|from| self.odd_from(bytes, from));
        if let Some(far) = &self.far {
            each_of(&|from| far_from(far, bytes, from));
        }
    }

    fn reach(&self) -> usize {
        self.reach
    }
}

#[derive(Debug, Clone)]
enum Needles {
    /// Nothing is known: every record is parsed.
    All,
    One(Box<memmem::Finder<'static>>),
    /// Few, with letters whose case does not matter.
    Folded(Vec<Folded>),
    Several(Box<regex::bytes::Regex>),
}

impl Prefilter {
    /// More needles are looked for at once rather than one after the other.
    const MOST_FOLDED: usize = 4;

    /// What can be known of the regular expression `source`.
    pub(super) fn new(source: &str, is_insensitive: bool) -> Self {
        let texts = Self::texts(source, is_insensitive).unwrap_or_default();
        let mut letters = texts.iter().flatten();
        let is_folding = letters.any(|letter| letter.has_far_folds());
        let escape: &[u8] = if is_folding { b"\\u" } else { b"\\u00" };
        let far = || ["\u{17f}", "\u{212a}"].map(memmem::Finder::new);
        Self {
            needles: Self::needles(&texts).unwrap_or(Needles::All),
            escape: memmem::Finder::new(escape),
            far: is_folding.then(far),
            reach: texts.iter().map(Vec::len).fold(ODD_BYTES, usize::max),
        }
    }

    fn texts(source: &str, is_insensitive: bool) -> Option<Vec<Vec<Letter>>> {
        let hir = regex_syntax::ParserBuilder::new()
            .multi_line(true)
            .case_insensitive(is_insensitive)
            .build()
            .parse(source)
            .ok()?;
        needle::required(&hir)
    }

    fn needles(texts: &[Vec<Letter>]) -> Option<Needles> {
        let is_folded = texts.iter().flatten().any(|letter| letter.is_folded);
        if is_folded && texts.len() <= Self::MOST_FOLDED {
            let needles: Option<Vec<Folded>> = texts.iter().map(|text| Folded::new(text)).collect();
            return needles.map(Needles::Folded);
        }
        if let ([one], false) = (texts, is_folded) {
            let bytes: Vec<u8> = one.iter().map(|letter| letter.byte).collect();
            let finder = memmem::Finder::new(&bytes).into_owned();
            return Some(Needles::One(Box::new(finder)));
        }
        let sources: Vec<String> = texts.iter().map(|text| source_of(text)).collect();
        let regex = regex::bytes::Regex::new(&sources.join("|")).ok()?;
        (!texts.is_empty()).then(|| Needles::Several(Box::new(regex)))
    }

    /// Whether nothing is known, so that looking at bytes is of no use.
    pub(super) fn is_all(&self) -> bool {
        matches!(self.needles, Needles::All)
    }

    /// The first escape at `from` or behind it that hides a letter that a needle could have.
    fn odd_from(&self, bytes: &[u8], mut from: usize) -> Option<usize> {
        /// Where there is one escape there are more: too close for a search to pay that begins anew at each of them.
        const NEAR: usize = 4096;
        loop {
            from += self.escape.find(bytes.get(from..)?)?;
            let end = (from + NEAR).min(bytes.len());
            while from < end {
                // whole blocks, as far as there are any, and what they look at behind them
                let rest = bytes.get(from..).unwrap_or_default();
                let block = rest.get(..ODD_BLOCK + ODD_BYTES).unwrap_or(rest);
                if may_hold_odd(block)
                    && let Some(at) = self.first_odd(block)
                {
                    return Some(from + at);
                }
                from += ODD_BLOCK;
            }
        }
    }

    fn first_odd(&self, bytes: &[u8]) -> Option<usize> {
        memchr::memchr_iter(b'\\', bytes).find(|at| {
            let escape = bytes.get(*at..).unwrap_or_default();
            escape.get(1) == Some(&b'u') && self.is_odd(escape.get(2..6).unwrap_or_default())
        })
    }

    fn is_odd(&self, digits: &[u8]) -> bool {
        match digits {
            [b'0', b'0', high @ b'2'..=b'7', low] => {
                let nibble = |digit: u8| char::from(digit).to_digit(16);
                let code = nibble(*high).zip(nibble(*low));
                let letter = code.and_then(|(high, low)| char::from_u32(high * 16 + low));
                letter.is_some_and(is_plain)
            }
            [b'0', b'1', b'7', b'f' | b'F'] | [b'2', b'1', b'2', b'a' | b'A'] => self.far.is_some(),
            _ => false,
        }
    }
}

/// A needle as a regular expression.
fn source_of(text: &[Letter]) -> String {
    let letters = text.iter().map(|letter| {
        let source = regex::escape(char::from(letter.byte).encode_utf8(&mut [0; 4]));
        if letter.is_folded {
            format!("(?i-u:{source})")
        } else {
            source
        }
    });
    letters.collect()
}

/// The first of the letters at `from` or behind it; bytes of ASCII are passed over in blocks.
fn far_from(letters: &[memmem::Finder<'_>; 2], bytes: &[u8], mut from: usize) -> Option<usize> {
    const BLOCK: usize = 1024;
    /// Bytes of a letter behind its first.
    const BEHIND: usize = 2;
    while from < bytes.len() {
        let rest = bytes.get(from..).unwrap_or_default();
        let block = rest.get(..BLOCK + BEHIND).unwrap_or(rest);
        if !block.is_ascii() {
            let first = letters.iter().filter_map(|letter| letter.find(block)).min();
            if let Some(at) = first {
                return Some(from + at);
            }
        }
        from += BLOCK;
    }
    None
}

/// Bytes of an escape.
const ODD_BYTES: usize = 6;
/// Bytes that are looked at for odd escapes at once.
const ODD_BLOCK: usize = 256;

/// Whether the first bytes may hold the beginning of an escape that [`Prefilter::is_odd`] takes; without branches, for
/// text that is full of others.
fn may_hold_odd(block: &[u8]) -> bool {
    let Some(block) = block.first_chunk::<{ ODD_BLOCK + ODD_BYTES }>() else {
        return true;
    };
    let is_odd = |nth: usize| {
        let at = |by: usize| block.get(nth + by).copied().unwrap_or_default();
        let is_escape = u8::from(at(0) == b'\\') & u8::from(at(1) == b'u');
        // `0` or `2`, then what is, behind another digit, `2` to `7`
        let is_low = u8::from(at(2) & !2 == b'0') & u8::from(at(4).wrapping_sub(b'2') < 6);
        is_escape & is_low
    };
    (0..ODD_BLOCK).fold(0, |any, nth| any | is_odd(nth)) != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn finds(pattern: &str, is_insensitive: bool, bytes: &str, want: bool) {
        let filter = Prefilter::new(pattern, is_insensitive);
        assert!(!filter.is_all(), "{pattern} has needles");
        let mut got = false;
        filter.each(bytes.as_bytes(), &mut |_| {
            got = true;
            bytes.len()
        });
        assert_eq!(got, want, "{pattern} in {bytes}");
    }

    #[test]
    fn records_without_the_needle_are_left_alone() {
        finds("needle", false, r#"{"a": "a needle"}"#, true);
        finds("needle", false, r#"{"a": "a Needle"}"#, false);
        finds("needle", true, r#"{"a": "a NEEDLE"}"#, true);
        finds("need(le|ful)", false, r#"{"a": "needless"}"#, true);
        finds("need(le|ful)", false, r#"{"a": "nee"}"#, false);
        finds("foo|barn", false, r#"{"a": "barns"}"#, true);
        finds("foo|barn", false, r#"{"a": "fo ba"}"#, false);
        finds(r"def \w+_total\(", false, r#"{"a": "def x_total("}"#, true);
        finds(r"def \w+_total\(", false, r#"{"a": "def x_sum("}"#, false);
    }

    #[test]
    fn what_json_escapes_is_no_part_of_a_needle() {
        finds("say \"hello\"", false, r#"{"a": "say \"hello\""}"#, true);
        finds("a/path/name", false, r#"{"a": "a\/path\/name"}"#, true);
        finds("naïve case", false, r#"{"a": "na\u00efve case"}"#, true);
        finds(
            "x<script>y",
            false,
            r#"{"a": "x\u003cscript\u003ey"}"#,
            true,
        );
    }

    #[test]
    fn plain_letters_that_are_escaped_are_never_missed() {
        finds("needle", false, r#"{"a": "n\u0065edle"}"#, true);
        finds("needle", false, r#"{"a": "n\u00e9edle"}"#, false);
        finds("needles", true, r#"{"a": "needle\u017f"}"#, true);
        finds("needles", false, r#"{"a": "needle\u017f"}"#, false);
        finds("needles", true, "{\"a\": \"needle\u{17f}\"}", true);
    }

    proptest::proptest! {
        #[test]
        fn no_odd_escape_is_missed_among_others(
            parts in proptest::collection::vec("(\\\\u00(09|1b|e9|65|7A)|\\\\u(2019|017f|212A|2713)|\\\\|u0065|[a-z]{1,90})", 0..300),
            is_insensitive in proptest::bool::ANY,
        ) {
            let filter = Prefilter::new("kesselhaus", is_insensitive);
            let text = parts.concat();
            let bytes = text.as_bytes();
            let is_odd = |at: &usize| {
                bytes.get(*at..*at + 2) == Some(b"\\u")
                    && filter.is_odd(bytes.get(at + 2..at + 6).unwrap_or_default())
            };
            let want: Vec<usize> = (0..bytes.len()).filter(is_odd).collect();
            let mut got = Vec::new();
            filter.each(bytes, &mut |at| {
                got.push(at);
                at + 1
            });
            proptest::prop_assert_eq!(got, want);
        }
    }

    #[test]
    fn case_is_taken_as_the_pattern_says() {
        finds("(?i)needle_7", false, r#"{"a": "a Needle_7"}"#, true);
        finds("(?i)needle_7", false, r#"{"a": "a needle-7"}"#, false);
        finds("(?i)need(?-i:LE)", true, r#"{"a": "NEEDle"}"#, false);
        finds("(?-i)needle", true, r#"{"a": "NEEDLE"}"#, false);
        finds("(?i)nee(?:dle|p|d!|t|n)", false, r#"{"a": "NEET"}"#, true);
        finds("(?i)nee(?:dle|p|d!|t|n)", false, r#"{"a": "NEE"}"#, false);
        finds("(?i)desk", false, "{\"a\": \"DE\u{17f}\u{212a}\"}", true);
        finds("(?i)desk", false, r#"{"a": "\u0064e\u017F\u212a"}"#, true);
        finds("(?-i)desk", false, "{\"a\": \"de\u{17f}k\"}", false);
    }

    /// A text as JSON writes it, each letter in the way that a number says.
    fn written(text: &str, how: &[u8], is_nested: bool) -> String {
        let mut json = String::from("\"");
        for (letter, how) in text.chars().zip(how.iter().cycle()) {
            let shortest = serde_json::to_string(&letter).unwrap();
            match how {
                0 | 1 => {
                    for unit in letter.encode_utf16(&mut [0; 2]) {
                        let digits = match how {
                            0 => format!("\\u{unit:04x}"),
                            _ => format!("\\u{unit:04X}"),
                        };
                        json.push_str(&digits);
                    }
                }
                2 if letter == '/' => json += "\\/",
                _ => json += shortest.get(1..shortest.len() - 1).unwrap(),
            }
        }
        json.push('"');
        if is_nested {
            json = serde_json::to_string(&json).unwrap();
        }
        json
    }

    /// A pattern made of a piece of a text, each letter in the way that a number says.
    fn pattern_of(piece: &str, how: &[u8]) -> String {
        let parts = piece.chars().zip(how.iter().cycle()).map(|(letter, how)| {
            let (lower, upper) = (letter.to_lowercase(), letter.to_uppercase());
            let source = regex::escape(&letter.to_string());
            match how {
                0 => regex::escape(&lower.to_string()),
                1 => regex::escape(&upper.to_string()),
                2 => format!("(?i:{source})"),
                3 => format!("(?:{source}|needle)"),
                4 => format!("{source}?"),
                5 => format!("{source}+"),
                6 => format!("(?-i:{source})"),
                7 => ".".to_owned(),
                8 => format!(r"(?:{source}|x|{}|\n)", regex::escape(&upper.to_string())),
                _ => source,
            }
        });
        parts.collect()
    }

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config::with_cases(2000))]
        #[test]
        fn what_matches_is_never_ruled_out(
            text in "[a-eA-EkKsSſ\u{212a}ıİéÉß_ \n\t/\"<😀.(-]{3,40}",
            written_how in proptest::collection::vec(0_u8..24, 1..9),
            pattern_how in proptest::collection::vec(0_u8..30, 1..9),
            (from, len) in (0_usize..30, 3_usize..12),
            (is_insensitive, is_nested) in (proptest::bool::ANY, proptest::bool::ANY),
        ) {
            let piece: String = text.chars().skip(from).take(len).collect();
            let source = pattern_of(&piece, &pattern_how);
            let regex = regex::RegexBuilder::new(&source)
                .case_insensitive(is_insensitive)
                .multi_line(true)
                .build()
                .unwrap();
            let filter = Prefilter::new(&source, is_insensitive);
            let json = written(&text, &written_how, is_nested);
            let mut is_seen = false;
            filter.each(json.as_bytes(), &mut |_| {
                is_seen = true;
                json.len()
            });
            proptest::prop_assert!(is_seen || !regex.is_match(&text), "{source} in {json}");
        }
    }

    #[test]
    fn patterns_that_need_no_text_look_at_everything() {
        for pattern in ["", "a*", r"\d+", "(needle)?", "ab", "x|needle", "[abc]{40}"] {
            assert!(Prefilter::new(pattern, false).is_all(), "{pattern}");
        }
    }
}
