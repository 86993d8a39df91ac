//! A line of text under the user's keys: grapheme by grapheme, scrolled sideways, with the usual Emacs keys.
//!
//! The text never holds control characters, line breaks or marks that change the direction of text, whatever is
//! pasted.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::KeyCode;
use ratatui::crossterm::event::KeyEvent;
use ratatui::crossterm::event::KeyModifiers;
use ratatui::layout::Position;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

/// The longest text, in bytes: more than one types, less than what would make fuzzy matching slow.
const TEXT_MAX_BYTES: usize = 4096;

/// What a key did to the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edited {
    /// The text changed.
    Text,
    /// Only the cursor moved, or nothing could change.
    Cursor,
    /// The key is not for a line of text.
    No,
}

/// A line of text with a cursor.
#[derive(Debug, Clone, Default)]
pub struct LineEdit {
    text: String,
    /// Byte offset of a grapheme's start, or the end.
    cursor: usize,
}

impl LineEdit {
    /// A line that holds `text`, cleaned, with the cursor at its end.
    pub fn new(text: &str) -> Self {
        let mut line = Self::default();
        line.insert(text);
        line
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The byte before which the next letter goes.
    pub fn cursor(&self) -> usize {
        self.cursor
    }

    /// Puts a text in place of some bytes, with the cursor behind it. Bytes that are no range of the text change
    /// nothing.
    pub fn replace(&mut self, range: Range<usize>, text: &str) {
        if self.text.get(range.clone()).is_none() {
            return;
        }
        self.remove(range.clone());
        self.cursor = range.start;
        self.insert(text);
    }

    /// Puts another text in place of the one it has, with the cursor at its end.
    pub fn set(&mut self, text: &str) {
        *self = Self::new(text);
    }

    /// Inserts text at the cursor, cleaned: tabs and line breaks become blanks, other controls vanish. What exceeds
    /// 4 KB is dropped. Answers whether the text changed.
    pub fn insert(&mut self, text: &str) -> bool {
        let room = TEXT_MAX_BYTES.saturating_sub(self.text.len());
        let mut clean = String::new();
        for c in text.chars().filter_map(cleaned) {
            if clean.len() + c.len_utf8() > room {
                break;
            }
            clean.push(c);
        }
        self.text.insert_str(self.cursor, &clean);
        // a combining mark may have joined the grapheme before the cursor
        self.cursor = self.boundary_from(self.cursor + clean.len());
        !clean.is_empty()
    }

    /// Takes a key.
    pub fn key(&mut self, key: KeyEvent) -> Edited {
        let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        let alt = key.modifiers.contains(KeyModifiers::ALT);
        match key.code {
            KeyCode::Char(c) if ctrl && !alt => self.control(c),
            KeyCode::Char('b') if alt => self.go(self.word_left()),
            KeyCode::Char('f') if alt => self.go(self.word_right()),
            KeyCode::Char('d') if alt => self.remove(self.cursor..self.word_right()),
            KeyCode::Char(c) if !alt => {
                self.changed(|line| line.insert(c.encode_utf8(&mut [0; 4])))
            }
            KeyCode::Backspace if alt || ctrl => self.remove(self.word_left()..self.cursor),
            KeyCode::Backspace => self.remove(self.left()..self.cursor),
            KeyCode::Delete => self.remove(self.cursor..self.right()),
            KeyCode::Left if ctrl || alt => self.go(self.word_left()),
            KeyCode::Right if ctrl || alt => self.go(self.word_right()),
            KeyCode::Left => self.go(self.left()),
            KeyCode::Right => self.go(self.right()),
            KeyCode::Home => self.go(0),
            KeyCode::End => self.go(self.text.len()),
            _ => Edited::No,
        }
    }

    fn control(&mut self, c: char) -> Edited {
        match c {
            'a' => self.go(0),
            'e' => self.go(self.text.len()),
            'b' => self.go(self.left()),
            'f' => self.go(self.right()),
            'd' => self.remove(self.cursor..self.right()),
            'h' => self.remove(self.left()..self.cursor),
            'w' => self.remove(self.word_left()..self.cursor),
            'u' => self.remove(0..self.cursor),
            'k' => self.remove(self.cursor..self.text.len()),
            _ => Edited::No,
        }
    }

    fn changed(&mut self, change: impl FnOnce(&mut Self) -> bool) -> Edited {
        if change(self) {
            Edited::Text
        } else {
            Edited::Cursor
        }
    }

    fn go(&mut self, to: usize) -> Edited {
        self.cursor = to;
        Edited::Cursor
    }

    fn remove(&mut self, range: Range<usize>) -> Edited {
        if range.is_empty() {
            return Edited::Cursor;
        }
        self.cursor = range.start;
        self.text.replace_range(range, "");
        // what was apart may be one grapheme now
        self.cursor = self.boundary_from(self.cursor);
        Edited::Text
    }

    /// Splits the text at the cursor.
    fn sides(&self) -> (&str, &str) {
        self.text
            .split_at_checked(self.cursor)
            .unwrap_or((&self.text, ""))
    }

    /// The first grapheme boundary at or after byte `at`.
    fn boundary_from(&self, at: usize) -> usize {
        self.text
            .grapheme_indices(true)
            .map(|(start, _)| start)
            .find(|start| *start >= at)
            .unwrap_or(self.text.len())
    }

    fn left(&self) -> usize {
        let (before, _) = self.sides();
        before
            .grapheme_indices(true)
            .next_back()
            .map_or(0, |(start, _)| start)
    }

    fn right(&self) -> usize {
        let (_, after) = self.sides();
        self.cursor + after.graphemes(true).next().map_or(0, str::len)
    }

    /// The start of the word before the cursor; what separates words is skipped first.
    fn word_left(&self) -> usize {
        let (before, _) = self.sides();
        let words = before.trim_end_matches(|c| !is_word(c));
        words.trim_end_matches(is_word).len()
    }

    fn word_right(&self) -> usize {
        let (_, after) = self.sides();
        let word = after.trim_start_matches(|c| !is_word(c));
        self.text.len() - word.trim_start_matches(is_word).len()
    }

    /// Draws the part around the cursor into the first row of `area`; returns where the terminal's cursor belongs.
    pub fn draw(&self, area: Rect, buf: &mut Buffer, style: Style) -> Option<Position> {
        let area = area.intersection(buf.area);
        if area.is_empty() {
            return None;
        }
        let room = usize::from(area.width);
        let (before, after) = self.sides();
        // one cell is the cursor's own, even at the end of the text
        let mut shown = 0;
        let mut start = before.len();
        for (at, grapheme) in before.grapheme_indices(true).rev() {
            if shown + grapheme.width() >= room {
                break;
            }
            shown += grapheme.width();
            start = at;
        }
        let (_, head) = before.split_at_checked(start).unwrap_or(("", before));
        buf.set_stringn(area.x, area.y, head, room, style);
        let x = area.x.saturating_add(u16::try_from(shown).unwrap_or(0));
        buf.set_stringn(x, area.y, after, room.saturating_sub(shown), style);
        Some(Position::new(x.min(area.right() - 1), area.y))
    }
}

/// A character as it may stand in the line.
fn cleaned(c: char) -> Option<char> {
    match c {
        '\t' | '\n' | '\r' => Some(' '),
        '\u{200b}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}'
        | '\u{feff}' => None,
        _ if c.is_control() => None,
        _ => Some(c),
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(line: &mut LineEdit, keys: &str) {
        for name in keys.split_whitespace() {
            let (modifiers, code) = match name.split_once('-') {
                Some(("C", rest)) => (KeyModifiers::CONTROL, rest),
                Some(("M", rest)) => (KeyModifiers::ALT, rest),
                _ => (KeyModifiers::NONE, name),
            };
            let code = match code {
                "left" => KeyCode::Left,
                "right" => KeyCode::Right,
                "home" => KeyCode::Home,
                "end" => KeyCode::End,
                "bs" => KeyCode::Backspace,
                "del" => KeyCode::Delete,
                other => KeyCode::Char(other.chars().next().unwrap()),
            };
            line.key(KeyEvent::new(code, modifiers));
        }
    }

    #[track_caller]
    fn check(text: &str, keys: &str, want: &str) {
        let mut line = LineEdit::new(text);
        press(&mut line, keys);
        let (before, after) = line.sides();
        assert_eq!(format!("{before}|{after}"), want, "{text:?} {keys}");
    }

    #[test]
    fn keys_edit_graphemes_and_words() {
        check("", "a b c", "abc|");
        check("abc", "left left x", "ax|bc");
        check("abc", "home del", "|bc");
        check("abc", "C-a C-d C-e C-h", "b|");
        check("abc", "left C-u", "|c");
        check("abc", "left left C-k", "a|");
        check("one two-three ", "C-w", "one two-|");
        check("one two-three ", "C-w C-w", "one |");
        check("one two", "M-b", "one |two");
        check("one two", "home M-f", "one| two");
        check("one two", "home M-d", "| two");
        check("one two", "C-left C-left C-right", "one| two");
        check("", "bs del C-w C-u left right", "|");
        // a family of four is one grapheme, a combining accent belongs to its letter
        check("a👨\u{200d}👩\u{200d}👧\u{200d}👦", "bs", "a|");
        check("xe\u{301}", "left", "x|e\u{301}");
        check("日本", "left bs", "|本");
    }

    #[test]
    fn pasted_text_is_cleaned_and_bounded() {
        let mut line = LineEdit::default();
        assert!(line.insert("a\tb\r\nc\u{1b}[31m\u{202e}d\u{0}"));
        assert_eq!(line.text(), "a b  c[31md");
        assert!(!line.insert("\u{7f}\u{200b}"));
        line.set(&"é".repeat(10_000));
        assert_eq!(line.text().len(), TEXT_MAX_BYTES);
    }

    #[test]
    fn other_keys_are_left_to_others() {
        let mut line = LineEdit::new("x");
        for code in [KeyCode::Enter, KeyCode::Esc, KeyCode::Tab, KeyCode::Up] {
            assert_eq!(line.key(KeyEvent::from(code)), Edited::No);
        }
        let ctrl_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert_eq!(line.key(ctrl_c), Edited::No);
        assert_eq!(line.text(), "x");
    }

    #[track_caller]
    fn check_draw(text: &str, keys: &str, width: u16, want: &str, cursor: u16) {
        let mut line = LineEdit::new(text);
        press(&mut line, keys);
        let area = Rect::new(0, 0, width, 1);
        let mut buf = Buffer::empty(area);
        let position = line.draw(area, &mut buf, Style::default()).unwrap();
        let row: String = buf
            .content()
            .iter()
            .map(ratatui::buffer::Cell::symbol)
            .collect();
        assert_eq!(row, want);
        assert_eq!(position.x, cursor);
    }

    #[test]
    fn drawing_keeps_the_cursor_in_sight() {
        check_draw("abc", "", 5, "abc  ", 3);
        check_draw("abcdef", "", 4, "def ", 3);
        check_draw("abcdef", "home", 4, "abcd", 0);
        check_draw("日本語", "", 4, "語   ", 2);
        check_draw("abc", "", 1, " ", 0);
        let mut buf = Buffer::empty(Rect::new(0, 0, 3, 1));
        let outside = Rect::new(5, 5, 4, 1);
        assert_eq!(
            LineEdit::new("x").draw(outside, &mut buf, Style::default()),
            None
        );
    }
}
