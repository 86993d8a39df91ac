//! What may reach a terminal: control characters become visible, direction and zero-width characters get a name.
//!
//! Promises that no output holds a control character (but `\n` and `\t` where they are let through), a bidirectional
//! control, or a character that hides or reorders others. Text that is already fine is borrowed. The rules are those
//! of specs/ecosystem.md §5: U+FE0F and U+20E3 are dropped because terminals disagree about the width they give.

use std::borrow::Cow;
use std::fmt::Write as _;

use unicode_width::UnicodeWidthChar as _;

use crate::text::ansi::Ink;
use crate::text::ansi::ansi_line;
use crate::text::width::clip;
use crate::text::width::width;

/// Zero-width marks that may follow each other; more than any script needs, fewer than it takes to paint over
/// neighbouring rows.
const MAX_MARKS: usize = 8;

/// Makes text of one or many lines safe to draw: control characters but `\n` and `\t` become control pictures (`␛`),
/// C1, bidirectional, zero-width and other hidden characters become `<U+202E>`, U+FE0E, U+FE0F and U+20E3 are
/// dropped, and so is `\r` right before `\n`. A zero-width joiner stays inside emoji only.
pub fn clean(text: &str) -> Cow<'_, str> {
    clean_as(text, Mode::Text)
}

/// Makes text safe to draw on one line: as [`clean`], but `\n` becomes `⏎`, `\r` becomes `␍` and a tab a space. For
/// titles, ids and paths.
pub fn clean_line(text: &str) -> Cow<'_, str> {
    clean_as(text, Mode::Line)
}

/// Squeezes the beginning of `text` to one clean line of at most `max_cells` cells: blanks and line breaks become
/// single spaces, escape sequences are taken out, and `…` ends it when something was left out. Looks at no more of
/// the text than it may show; empty when the text begins with a very long stretch of blanks.
pub fn excerpt(text: &str, max_cells: usize) -> String {
    const BLANK_BYTES: usize = 1 << 16;
    let window = max_cells.saturating_mul(8).saturating_add(4096);
    let lead = head(text, BLANK_BYTES);
    let text = text
        .get(lead.len() - lead.trim_start().len()..)
        .unwrap_or_default();
    let part = head(text, window);
    let plain;
    let shown = if part.contains('\x1b') {
        let spans = part.split('\n').flat_map(|line| {
            let (mut spans, _) = ansi_line(line.trim_end_matches('\r'), Ink::default());
            spans.push((" ".to_owned(), Ink::default()));
            spans
        });
        plain = spans.map(|(text, _)| text).collect::<String>();
        plain.as_str()
    } else {
        part
    };
    let mut line = String::new();
    for word in shown.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&clean_line(word));
        if line.len() > max_cells && width(&line) > max_cells {
            break;
        }
    }
    let is_cut = part.len() < text.trim_end().len();
    if is_cut && width(&line) < max_cells {
        line.push('…');
    } else if is_cut && width(&line) == max_cells {
        line.push(' ');
    }
    clip(&line, max_cells).into_owned()
}

/// The first `max_bytes` bytes of `text` at most, whole characters only.
fn head(text: &str, max_bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(max_bytes))
        .unwrap_or(text)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Text,
    Line,
}

/// What becomes of a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Keep,
    Drop,
    Glyph(char),
    Code,
}

/// What was seen before the character in question.
#[derive(Debug, Clone, Copy, Default)]
struct Before {
    /// The last character that was kept or shown, modifiers of emoji aside.
    base: Option<char>,
    /// Whether the character right before is `base` itself.
    is_bare: bool,
    /// Zero-width marks in a row.
    marks: usize,
}

fn clean_as(text: &str, mode: Mode) -> Cow<'_, str> {
    let Some(first) = text.bytes().position(|byte| is_suspect(byte, mode)) else {
        return Cow::Borrowed(text);
    };
    // Characters before the first suspect byte are plain ASCII; one of them is context enough.
    let start = first.saturating_sub(1);
    let mut out: Option<String> = None;
    let mut kept_from = 0;
    let mut before = Before::default();
    let mut chars = text
        .get(start..)
        .unwrap_or_default()
        .char_indices()
        .peekable();
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map(|(_, next)| *next);
        let fate = fate(c, &before, next, mode);
        before.step(c, fate);
        if fate == Fate::Keep {
            continue;
        }
        let at = start + at;
        let out = out.get_or_insert_with(|| String::with_capacity(text.len() + 32));
        out.push_str(text.get(kept_from..at).unwrap_or_default());
        kept_from = at + c.len_utf8();
        match fate {
            Fate::Keep | Fate::Drop => {}
            Fate::Glyph(glyph) => out.push(glyph),
            Fate::Code => {
                // Writing to a String cannot fail.
                write!(out, "<U+{:04X}>", u32::from(c)).unwrap_or_default();
            }
        }
    }
    match out {
        None => Cow::Borrowed(text),
        Some(mut out) => {
            out.push_str(text.get(kept_from..).unwrap_or_default());
            Cow::Owned(out)
        }
    }
}

fn is_suspect(byte: u8, mode: Mode) -> bool {
    match byte {
        b'\n' | b'\t' => mode == Mode::Line,
        0x00..=0x1f | 0x7f.. => true,
        _ => false,
    }
}

impl Before {
    fn step(&mut self, c: char, fate: Fate) {
        match fate {
            Fate::Drop => {}
            Fate::Glyph(_) | Fate::Code => *self = Self::default(),
            Fate::Keep if is_skin_tone(c) => self.is_bare = false,
            Fate::Keep if c.width() == Some(0) => {
                self.is_bare = false;
                self.marks += 1;
            }
            Fate::Keep => {
                *self = Self {
                    base: Some(c),
                    is_bare: true,
                    marks: 0,
                };
            }
        }
    }
}

fn fate(c: char, before: &Before, next: Option<char>, mode: Mode) -> Fate {
    match c {
        '\n' | '\t' if mode == Mode::Text => Fate::Keep,
        '\n' => Fate::Glyph('⏎'),
        '\t' => Fate::Glyph(' '),
        '\r' if mode == Mode::Text && next == Some('\n') => Fate::Drop,
        '\u{0}'..='\u{1f}' => Fate::Glyph(control_picture(c)),
        ' '..='~' => Fate::Keep,
        '\u{7f}' => Fate::Glyph('␡'),
        '\u{80}'..='\u{9f}' => Fate::Code,
        '\u{fe0e}' | '\u{fe0f}' | '\u{20e3}' => Fate::Drop,
        '\u{200d}' => {
            let joins = before.base.is_some_and(is_pictograph) && next.is_some_and(is_pictograph);
            if joins { Fate::Keep } else { Fate::Code }
        }
        '\u{fe00}'..='\u{fe0d}' => {
            let has_base = before.is_bare && before.base.is_some_and(|base| !base.is_ascii());
            if has_base { Fate::Keep } else { Fate::Code }
        }
        '\u{e0100}'..='\u{e01ef}' => {
            let has_base = before.is_bare && before.base.is_some_and(is_ideograph);
            if has_base { Fate::Keep } else { Fate::Code }
        }
        _ if is_hidden(c) => Fate::Code,
        _ if before.marks >= MAX_MARKS && c.width() == Some(0) => Fate::Code,
        _ => Fate::Keep,
    }
}

fn control_picture(c: char) -> char {
    char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}')
}

/// Characters that show nothing, or that change how others are shown: bidirectional controls, zero-width spaces and
/// joiners, invisible operators and fillers, line and paragraph separators, annotation marks, tags.
pub fn is_hidden(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// Near enough to Unicode's `Extended_Pictographic`, plus the gender signs and arrows that emoji are joined with.
fn is_pictograph(c: char) -> bool {
    matches!(
        c,
        '\u{1f000}'..='\u{1faff}'
            | '\u{2190}'..='\u{21ff}'
            | '\u{2300}'..='\u{23ff}'
            | '\u{2600}'..='\u{27bf}'
            | '\u{2b00}'..='\u{2bff}'
    )
}

fn is_skin_tone(c: char) -> bool {
    matches!(c, '\u{1f3fb}'..='\u{1f3ff}')
}

fn is_ideograph(c: char) -> bool {
    matches!(
        c,
        '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}'
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn cleans(text: &str, expected: &str) {
        assert_eq!(clean(text), expected, "clean of {text:?}");
    }

    #[track_caller]
    fn cleans_line(text: &str, expected: &str) {
        assert_eq!(clean_line(text), expected, "clean_line of {text:?}");
    }

    #[test]
    fn controls_become_visible() {
        cleans("a\x1b[31mb", "a␛[31mb");
        cleans("a\0b\x07\x7f", "a␀b␇␡");
        cleans("a\u{85}b\u{9b}", "a<U+0085>b<U+009B>");
        cleans("a\tb\nc", "a\tb\nc");
        cleans("a\r\nb\rc\r", "a\nb␍c␍");
        cleans_line("a\tb\nc\r\n", "a b⏎c␍⏎");
    }

    #[test]
    fn hidden_characters_get_a_name() {
        cleans("a\u{202e}b", "a<U+202E>b");
        cleans("\u{feff}x\u{200b}", "<U+FEFF>x<U+200B>");
        cleans("a\u{2028}b", "a<U+2028>b");
        cleans("x\u{e0041}", "x<U+E0041>");
        cleans("a\u{fe01}b", "a<U+FE01>b");
        cleans("\u{fe0f}1\u{fe0f}\u{20e3}", "1");
        cleans("葛\u{e0100}葛", "葛\u{e0100}葛");
        cleans("葛\u{e0100}\u{e0101}", "葛\u{e0100}<U+E0101>");
    }

    #[test]
    fn a_joiner_stays_inside_emoji_only() {
        let family = "👩\u{200d}👧";
        cleans(family, family);
        let toned = "👩🏽\u{200d}🚀";
        cleans(toned, toned);
        cleans("❤\u{fe0f}\u{200d}🔥", "❤\u{200d}🔥");
        cleans("a\u{200d}b", "a<U+200D>b");
        cleans("👩\u{200d}", "👩<U+200D>");
    }

    #[test]
    fn ordinary_text_is_borrowed() {
        for text in [
            "",
            "plain",
            "héllo wörld",
            "日本語 …",
            "नमस्ते",
            "e\u{301}",
            "한국",
        ] {
            assert!(matches!(clean(text), Cow::Borrowed(_)), "{text:?}");
        }
        assert!(matches!(clean("a\n\tb"), Cow::Borrowed(_)));
    }

    #[test]
    fn towers_of_marks_are_bounded() {
        let tower = format!("a{}", "\u{301}".repeat(10));
        let cleaned = clean(&tower);
        assert_eq!(cleaned.matches("<U+0301>").count(), 1);
        assert_eq!(cleaned.matches('\u{301}').count(), 9);
    }

    #[track_caller]
    fn excerpts(text: &str, cells: usize, expected: &str) {
        assert_eq!(excerpt(text, cells), expected, "excerpt of {text:?}");
    }

    #[test]
    fn excerpt_is_one_short_line() {
        excerpts("\n\n  first  line\n second", 40, "first line second");
        excerpts("first line second", 9, "first li…");
        excerpts("", 9, "");
        excerpts("abc", 0, "");
        excerpts("abc", 3, "abc");
        excerpts("\x1b[31mred\x1b[0m\nnext", 20, "red next");
        excerpts("日本語", 5, "日本…");
        excerpts("日本語", 4, "日…");
        excerpts(&"x".repeat(100_000), 3, "xx…");
        excerpts(&format!("ab{}", " ".repeat(1 << 20)), 10, "ab");
        excerpts(&format!("ab{}c", " ".repeat(1 << 20)), 10, "ab…");
        excerpts(&format!("ab{}c", " ".repeat(1 << 20)), 2, "a…");
    }

    /// Whether no character may act on the terminal or hide: a joiner may stand inside emoji, and a selector right
    /// behind the ideograph whose form it tells.
    pub(in crate::text) fn is_safe(text: &str) -> bool {
        let before = std::iter::once(None).chain(text.chars().map(Some));
        before.zip(text.chars()).all(|(before, c)| {
            let tells_a_form =
                matches!(c, '\u{e0100}'..='\u{e01ef}') && before.is_some_and(is_ideograph);
            let is_plain = !c.is_control() && !is_hidden(c) && c != '\u{fe0f}';
            is_plain || c == '\u{200d}' || tells_a_form
        })
    }

    proptest! {
        #[test]
        fn nothing_dangerous_survives(text in any::<String>(), odd in "[\u{0}-\u{1f}\u{80}-\u{9f}\u{200b}-\u{206f}\u{fe00}-\u{fe0f}\u{e00fe}-\u{e0102}a葛❤👩]{0,40}") {
            for text in [&text, &odd] {
                prop_assert!(is_safe(&clean(text).replace(['\n', '\t'], "")));
                prop_assert!(is_safe(&clean_line(text)));
                prop_assert!(is_safe(&excerpt(text, 7)));
                prop_assert!(width(&excerpt(text, 7)) <= 7);
            }
        }

        #[test]
        fn cleaning_twice_changes_nothing(text in any::<String>()) {
            let once = clean(&text).into_owned();
            prop_assert_eq!(clean(&once).into_owned(), once);
        }
    }
}
