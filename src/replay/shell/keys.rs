//! The bytes that `tmux send-keys` types for an argument: names of keys become keys, a final `;` is a separator of
//! tmux's own.

/// What is typed for `text`.
pub(super) fn sent(text: &str) -> Vec<u8> {
    let text = unseparated(text);
    match named(&text) {
        Some(key) => key,
        None => text.into_bytes(),
    }
}

/// Whether a terminal turns these bytes into a signal: the keys `C-c`, `C-z` and `C-\`.
pub(super) fn is_signal(bytes: &[u8]) -> bool {
    matches!(bytes, [0x03 | 0x1a | 0x1c])
}

/// tmux takes a `;` at the end of an argument for the end of its command; with a backslash before it, it is typed.
fn unseparated(text: &str) -> String {
    match text.strip_suffix(';') {
        Some(head) => match head.strip_suffix('\\') {
            Some(head) => format!("{head};"),
            None => head.to_owned(),
        },
        None => text.to_owned(),
    }
}

/// The bytes of a key that tmux knows by this name.
fn named(name: &str) -> Option<Vec<u8>> {
    const NAMES: [(&str, &str); 27] = [
        ("Enter", "\r"),
        ("Escape", "\x1b"),
        ("Space", " "),
        ("Tab", "\t"),
        ("BTab", "\x1b[Z"),
        ("BSpace", "\x7f"),
        ("Up", "\x1b[A"),
        ("Down", "\x1b[B"),
        ("Right", "\x1b[C"),
        ("Left", "\x1b[D"),
        ("Home", "\x1b[1~"),
        ("End", "\x1b[4~"),
        ("Insert", "\x1b[2~"),
        ("IC", "\x1b[2~"),
        ("Delete", "\x1b[3~"),
        ("DC", "\x1b[3~"),
        ("PageUp", "\x1b[5~"),
        ("PgUp", "\x1b[5~"),
        ("PPage", "\x1b[5~"),
        ("PageDown", "\x1b[6~"),
        ("PgDn", "\x1b[6~"),
        ("NPage", "\x1b[6~"),
        ("F1", "\x1bOP"),
        ("F2", "\x1bOQ"),
        ("F3", "\x1bOR"),
        ("F4", "\x1bOS"),
        ("F5", "\x1b[15~"),
    ];
    let known = NAMES
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name));
    if let Some((_, bytes)) = known {
        return Some(bytes.as_bytes().to_vec());
    }
    let (prefix, key) = name.split_at_checked(2)?;
    let mut keys = key.chars();
    let (Some(key), None) = (keys.next(), keys.next()) else {
        return control(name);
    };
    match prefix {
        "C-" | "c-" => chord(key),
        "M-" | "m-" => Some(format!("\x1b{key}").into_bytes()),
        _ => None,
    }
}

/// `^c`.
fn control(name: &str) -> Option<Vec<u8>> {
    let mut chars = name.strip_prefix('^')?.chars();
    let key = chars.next()?;
    if chars.next().is_some() {
        None
    } else {
        chord(key)
    }
}

/// A character with the control key.
fn chord(key: char) -> Option<Vec<u8>> {
    let byte = match key {
        '?' | '8' => 0x7f,
        ' ' | '2' => 0,
        '3' => 0x1b,
        '4' => 0x1c,
        '5' => 0x1d,
        '6' => 0x1e,
        '7' | '/' => 0x1f,
        '@'..='_' | 'a'..='z' => u8::try_from(key).ok()?.to_ascii_uppercase() & 0x1f,
        _ => return None,
    };
    Some(vec![byte])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, typed: &[u8]) {
        assert_eq!(sent(text), typed, "{text:?}");
    }

    #[test]
    fn arguments_are_typed_as_tmux_types_them() {
        check("ls", b"ls");
        check("ls;", b"ls");
        check(";", b"");
        check(r"a \;", b"a ;");
        check(r"a \\;", br"a \;");
        check("C-c", b"\x03");
        check("C-C", b"\x03");
        check("^d", b"\x04");
        check("M-x", b"\x1bx");
        check("Enter", b"\r");
        check("enter", b"\r");
        check("C-cc", b"C-cc");
        check("漢", "漢".as_bytes());
        check("a\nb", b"a\nb");
    }
}
