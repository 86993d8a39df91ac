//! A source file's text from its bytes.

use std::borrow::Cow;

use crate::python::declared_encoding;

/// Bytes of a file's beginning that are looked at for a declaration.
const HEAD: usize = 512;

/// The text of a source file: UTF-8, or Latin-1 where it says so; what is neither has its odd bytes replaced, which
/// changes no line and no definition. `None` for what is no text: it holds NUL bytes.
pub fn decoded(bytes: &[u8]) -> Option<Cow<'_, str>> {
    if memchr::memchr(0, bytes).is_some() {
        return None;
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if let Ok(text) = str::from_utf8(bytes) {
        return Some(Cow::Borrowed(text));
    }
    let head = String::from_utf8_lossy(bytes.get(..HEAD.min(bytes.len())).unwrap_or_default());
    let is_latin = declared_encoding(&head).is_some_and(|name| {
        let name = name.to_ascii_lowercase().replace('_', "-");
        name.starts_with("latin") || name.starts_with("iso-8859") || name.starts_with("cp125")
    });
    if is_latin {
        return Some(Cow::Owned(
            bytes.iter().map(|byte| char::from(*byte)).collect(),
        ));
    }
    Some(String::from_utf8_lossy(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], expected: Option<&str>) {
        assert_eq!(decoded(bytes).as_deref(), expected);
    }

    #[test]
    fn texts_of_bytes() {
        check(b"x = 1\n", Some("x = 1\n"));
        check(b"\xef\xbb\xbfx = 1\n", Some("x = 1\n"));
        check(
            b"# coding: latin-1\nx = '\xe4'\n",
            Some("# coding: latin-1\nx = 'ä'\n"),
        );
        check(b"x = '\xe4'\n", Some("x = '\u{fffd}'\n"));
        check(b"x\0y", None);
        check(b"", Some(""));
    }
}
