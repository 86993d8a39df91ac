//! Telling from a record's bytes that a pattern cannot match in it.
//!
//! Records are JSON, or are made into it, and JSON writes one text in several ways. A needle is therefore only made of
//! letters that stand for themselves in all of them; a record that escapes even such letters is always parsed.

use memchr::memmem;
use regex_syntax::hir::Hir;
use regex_syntax::hir::HirKind;

use crate::store::Find;

/// Texts of which every match contains one, looked for in bytes.
#[derive(Debug, Clone)]
pub(super) struct Prefilter {
    needles: Needles,
    /// How escapes of letters begin that a needle could have.
    escape: memmem::Finder<'static>,
    /// A letter of a needle may be written as one of those that fold to it (`ſ`, the Kelvin sign), and these escaped.
    is_folding: bool,
    /// Bytes of the longest needle, in whatever case.
    reach: usize,
}

impl Find for Prefilter {
    fn each(&self, bytes: &[u8], found: &mut dyn FnMut(usize) -> usize) {
        let mut from = 0;
        while let Some(at) = self.needle_from(bytes, from) {
            from = found(at).max(at + 1);
        }
        from = 0;
        while let Some(at) = self.odd_from(bytes, from) {
            from = found(at).max(at + 1);
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
    Several(Box<regex::bytes::Regex>),
}

impl Prefilter {
    /// Needles shorter than this are in every record.
    const SHORTEST: usize = 3;
    /// More alternatives are as slow as parsing.
    const MOST: usize = 64;

    /// What can be known of the regular expression `source`.
    pub(super) fn new(source: &str, is_insensitive: bool) -> Self {
        let texts = Self::texts(source).unwrap_or_default();
        let has_folding = |text: &String| text.contains(['k', 'K', 's', 'S']);
        let is_folding = is_insensitive && texts.iter().any(has_folding);
        let escape: &[u8] = if is_folding { b"\\u" } else { b"\\u00" };
        Self {
            needles: Self::needles(&texts, is_insensitive).unwrap_or(Needles::All),
            escape: memmem::Finder::new(escape),
            is_folding,
            reach: texts
                .iter()
                .map(|text| text.len().saturating_mul(LONGEST_FOLD))
                .fold(ODD_BYTES, usize::max),
        }
    }

    fn texts(source: &str) -> Option<Vec<String>> {
        let hir = regex_syntax::ParserBuilder::new()
            .multi_line(true)
            .build()
            .parse(source)
            .ok()?;
        required(&hir)
    }

    fn needles(texts: &[String], is_insensitive: bool) -> Option<Needles> {
        if texts.is_empty() || texts.len() > Self::MOST {
            return None;
        }
        if let ([one], false) = (texts, is_insensitive) {
            let finder = memmem::Finder::new(one.as_bytes()).into_owned();
            return Some(Needles::One(Box::new(finder)));
        }
        let escaped: Vec<String> = texts.iter().map(|text| regex::escape(text)).collect();
        let regex = regex::bytes::RegexBuilder::new(&escaped.join("|"))
            .case_insensitive(is_insensitive)
            .build()
            .ok()?;
        Some(Needles::Several(Box::new(regex)))
    }

    /// Whether nothing is known, so that looking at bytes is of no use.
    pub(super) fn is_all(&self) -> bool {
        matches!(self.needles, Needles::All)
    }

    /// The first needle at `from` or behind it.
    fn needle_from(&self, bytes: &[u8], from: usize) -> Option<usize> {
        match &self.needles {
            Needles::All => (from < bytes.len()).then_some(from),
            Needles::One(finder) => Some(from + finder.find(bytes.get(from..)?)?),
            Needles::Several(regex) => (from <= bytes.len())
                .then(|| regex.find_at(bytes, from))?
                .map(|found| found.start()),
        }
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
            [b'0', b'1', b'7', b'f' | b'F'] | [b'2', b'1', b'2', b'a' | b'A'] => self.is_folding,
            _ => false,
        }
    }
}

/// Bytes of the longest letter that folds to one of ASCII.
const LONGEST_FOLD: usize = 3;
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
fn is_plain(letter: char) -> bool {
    matches!(letter, ' '..='~') && !matches!(letter, '"' | '\\' | '/' | '<' | '>' | '&' | '\'')
}

/// Whether it stands for itself in a value, too, that a reader shows as JSON: laid out anew.
fn is_kept(letter: char) -> bool {
    is_plain(letter) && !matches!(letter, '{' | '}' | '[' | ']' | ',' | ':')
}

/// Whether it may be in a trajectory and not in the bytes of its record: readers made it, or a number was spelt anew.
fn is_made(needle: &str) -> bool {
    let needle = needle.to_ascii_lowercase();
    let is_number = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | '+' | '-');
    MADE.iter().any(|word| word.contains(&needle)) || needle.chars().all(is_number)
}

/// Texts of which every match of `hir` contains one; `None` where there are no useful ones.
fn required(hir: &Hir) -> Option<Vec<String>> {
    match hir.kind() {
        HirKind::Literal(literal) => {
            let text = std::str::from_utf8(&literal.0).ok()?;
            let runs = text.split(|c| !is_kept(c)).map(str::trim);
            let longest = runs.max_by_key(|run| run.len())?;
            let is_useful = longest.len() >= Prefilter::SHORTEST && !is_made(longest);
            is_useful.then(|| vec![longest.to_owned()])
        }
        HirKind::Capture(capture) => required(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => required(&repetition.sub),
        // the one whose shortest text is longest
        HirKind::Concat(parts) => parts
            .iter()
            .filter_map(required)
            .max_by_key(|texts| texts.iter().map(String::len).min()),
        HirKind::Alternation(parts) => {
            let all: Option<Vec<Vec<String>>> = parts.iter().map(required).collect();
            Some(all?.into_iter().flatten().collect())
        }
        HirKind::Empty | HirKind::Class(_) | HirKind::Look(_) | HirKind::Repetition(_) => None,
    }
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
    fn patterns_that_need_no_text_look_at_everything() {
        for pattern in ["", "a*", r"\d+", "(needle)?", "ab", "x|needle", "[abc]{40}"] {
            assert!(Prefilter::new(pattern, false).is_all(), "{pattern}");
        }
    }
}
