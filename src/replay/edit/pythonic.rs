//! Texts as Python programs treat them: lines, blanks, tabs, the form in which values stand in messages.

use crate::model::Value;

/// Whether `str.strip` takes it off: Unicode's white space and the four information separators.
pub(super) fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

/// `str.strip()`.
pub(super) fn strip(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// `str.rstrip()`.
pub(super) fn rstrip(text: &str) -> &str {
    text.trim_end_matches(is_space)
}

/// `str.splitlines()`: also at form feeds, separators and other rare line ends; no empty line behind the last end.
pub(super) fn splitlines(text: &str) -> Vec<&str> {
    const ENDS: [char; 10] = [
        '\n', '\r', '\u{b}', '\u{c}', '\u{1c}', '\u{1d}', '\u{1e}', '\u{85}', '\u{2028}',
        '\u{2029}',
    ];
    let mut lines = Vec::new();
    let mut rest = text;
    while let Some((line, tail)) = rest.find(ENDS).and_then(|at| rest.split_at_checked(at)) {
        lines.push(line);
        let end = if tail.starts_with("\r\n") {
            2
        } else {
            tail.chars().next().map_or(1, char::len_utf8)
        };
        rest = tail.get(end..).unwrap_or_default();
    }
    if !rest.is_empty() {
        lines.push(rest);
    }
    lines
}

/// Text mode's reading: `\r\n` and `\r` become `\n`.
pub(super) fn universal(text: String) -> String {
    if text.contains('\r') {
        text.replace("\r\n", "\n").replace('\r', "\n")
    } else {
        text
    }
}

/// `str.expandtabs()`: to columns of eight characters.
pub(super) fn expand_tabs(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut column = 0;
    for c in text.chars() {
        match c {
            '\t' => {
                let blanks = 8 - column % 8;
                out.extend(std::iter::repeat_n(' ', blanks));
                column += blanks;
            }
            '\n' | '\r' => {
                out.push(c);
                column = 0;
            }
            _ => {
                out.push(c);
                column += 1;
            }
        }
    }
    out
}

/// How many lines a file of this text has: a last one without an end counts.
pub(super) fn count_lines(text: &str) -> usize {
    let ends = memchr::memchr_iter(b'\n', text.as_bytes()).count();
    ends + usize::from(!text.is_empty() && !text.ends_with('\n'))
}

/// The lines `first..=last` of a text, from 1, with their ends.
pub(super) fn lines_between(text: &str, first: usize, last: usize) -> String {
    let count = last.saturating_add(1).saturating_sub(first);
    let skip = first.saturating_sub(1);
    text.split_inclusive('\n').skip(skip).take(count).collect()
}

/// How many characters a text has where that is more than `most`.
pub(super) fn longer_than(text: &str, most: usize) -> bool {
    text.len() > most && text.chars().nth(most).is_some()
}

/// The first `count` characters.
pub(super) fn head(text: &str, count: usize) -> &str {
    match text.char_indices().nth(count) {
        Some((at, _)) => text.get(..at).unwrap_or(text),
        None => text,
    }
}

/// The last `count` characters.
pub(super) fn tail(text: &str, count: usize) -> &str {
    if count == 0 {
        return "";
    }
    match text.char_indices().rev().nth(count - 1) {
        Some((at, _)) => text.get(at..).unwrap_or(text),
        None => text,
    }
}

/// `repr()` of a text.
pub(super) fn repr(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\\' => out.push_str("\\\\"),
            _ if c == quote => out.extend(['\\', c]),
            ' '..='~' => out.push(c),
            _ if is_printable(c) => out.push(c),
            _ => out.push_str(&escaped(c)),
        }
    }
    out.push(quote);
    out
}

/// Python prints what is neither a control, a format, a separator nor unassigned; so does Rust's `{:?}`, but for marks
/// that combine with what stands before them.
fn is_printable(c: char) -> bool {
    let word: String = ['a', c].into_iter().collect();
    word.escape_debug().eq(word.chars())
}

fn escaped(c: char) -> String {
    match u32::from(c) {
        code @ 0..=0xff => format!("\\x{code:02x}"),
        code @ 0x100..=0xffff => format!("\\u{code:04x}"),
        code => format!("\\U{code:08x}"),
    }
}

/// `str()` of a value of JSON as Python read it.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => represented(other, 0),
    }
}

fn represented(value: &Value, depth: usize) -> String {
    // Deeper values stand in no message that anyone compares.
    if depth > 64 {
        return "…".to_owned();
    }
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => repr(text),
        Value::Array(items) => {
            let items: Vec<String> = items
                .iter()
                .map(|item| represented(item, depth + 1))
                .collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|(key, item)| format!("{}: {}", repr(key), represented(item, depth + 1)))
                .collect();
            format!("{{{}}}", fields.join(", "))
        }
    }
}

/// The name of a value's type.
pub(super) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "NoneType",
        Value::Bool(_) => "bool",
        Value::Number(number) if is_whole(&number.to_string()) => "int",
        Value::Number(_) => "float",
        Value::String(_) => "str",
        Value::Array(_) => "list",
        Value::Object(_) => "dict",
    }
}

/// Whether Python reads this number of JSON as an integer.
pub(super) fn is_whole(number: &str) -> bool {
    !number.contains(['.', 'e', 'E'])
}

/// Whether `if value:` holds.
pub(super) fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
    }
}

/// `int()` of a text: blanks around it, a sign, underscores between digits.
pub(super) fn int_of(text: &str) -> Option<i64> {
    let text = strip(text);
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_number = digits
        .split('_')
        .all(|group| !group.is_empty() && group.bytes().all(|byte| byte.is_ascii_digit()));
    if !is_number {
        return None;
    }
    let value: i64 = digits.replace('_', "").parse().unwrap_or(i64::MAX);
    Some(if text.starts_with('-') { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_where_python_ends_them() {
        assert_eq!(
            splitlines("a\r\nb\rc\u{b}d\u{2028}e\n\nf"),
            ["a", "b", "c", "d", "e", "", "f"]
        );
        assert_eq!(splitlines("a\n"), ["a"]);
        assert!(splitlines("").is_empty());
        assert_eq!(universal("a\r\n\rb".to_owned()), "a\n\nb");
        assert_eq!(["", "a", "a\n", "a\n\n"].map(count_lines), [0, 1, 1, 2]);
        assert_eq!(lines_between("a\nb\nc", 2, 9), "b\nc");
        assert_eq!(lines_between("a\nb\nc", 3, 2), "");
        assert_eq!(expand_tabs("a\tb\n\tc"), "a       b\n        c");
    }

    #[test]
    fn texts_stand_in_messages_as_python_writes_them() {
        assert_eq!(repr("it's"), "\"it's\"");
        assert_eq!(repr("\"it's\""), "'\"it\\'s\"'");
        assert_eq!(
            repr("é\u{200b}\u{301}\u{7}\u{1f389}\n"),
            "'é\\u200b\u{301}\\x07\u{1f389}\\n'"
        );
        let value: Value =
            serde_json::from_str("[1, 2.5, \"a\", null, true, {\"b\": []}]").expect("JSON");
        assert_eq!(shown(&value), "[1, 2.5, 'a', None, True, {'b': []}]");
        assert_eq!(
            [" 1 ", "1_0", "-3", "x", "", "1__0"].map(int_of),
            [Some(1), Some(10), Some(-3), None, None, None]
        );
    }

    #[test]
    fn ends_of_texts_are_counted_in_characters() {
        assert_eq!(
            (head("äöü", 2), tail("äöü", 2), tail("a", 5)),
            ("äö", "öü", "a")
        );
        assert!(longer_than("äöü", 2) && !longer_than("äöü", 3));
    }
}
