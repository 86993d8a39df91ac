//! Bytes of a file as text and back: the encodings that editors guess, and what they take for binary.

use crate::replay::edit::pythonic::universal;

/// In which encoding a file was read, and is written again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// UTF-8.
    Utf8,
    /// UTF-8 behind a byte order mark.
    Utf8Mark,
    /// UTF-16 behind a byte order mark; written in little-endian order.
    Utf16,
    /// One byte a character. Which of the many such encodings the editor guesses is chance: the letters that are shown
    /// may be others, the bytes that are kept are the same.
    Single,
}

/// The text of a file in text mode: line ends are `\n`.
pub(super) fn decoded(bytes: &[u8]) -> (String, Encoding) {
    if let Some(rest) = bytes.strip_prefix(b"\xef\xbb\xbf")
        && let Ok(text) = std::str::from_utf8(rest)
    {
        return (universal(text.to_owned()), Encoding::Utf8Mark);
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return (universal(text.to_owned()), Encoding::Utf8);
    }
    if let Some(text) = utf16(bytes) {
        return (universal(text), Encoding::Utf16);
    }
    let text = bytes.iter().map(|byte| single(*byte)).collect();
    (universal(text), Encoding::Single)
}

/// The bytes of a text; `None` where the encoding has no byte for one of its characters.
pub(super) fn encoded(text: &str, encoding: Encoding) -> Option<Vec<u8>> {
    match encoding {
        Encoding::Utf8 => Some(text.as_bytes().to_vec()),
        Encoding::Utf8Mark => Some([b"\xef\xbb\xbf", text.as_bytes()].concat()),
        Encoding::Utf16 => {
            let units = std::iter::once(0xfeff).chain(text.encode_utf16());
            Some(units.flat_map(u16::to_le_bytes).collect())
        }
        Encoding::Single => text.chars().map(byte_of).collect(),
    }
}

/// Two bytes as a number, in one order or the other.
type Unit = fn([u8; 2]) -> u16;

fn utf16(bytes: &[u8]) -> Option<String> {
    let (rest, unit): (_, Unit) = match bytes {
        [0xff, 0xfe, rest @ ..] => (rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => (rest, u16::from_be_bytes),
        _ => return None,
    };
    let (pairs, odd) = rest.as_chunks::<2>();
    if !odd.is_empty() {
        return None;
    }
    char::decode_utf16(pairs.iter().map(|pair| unit(*pair)))
        .collect::<Result<String, _>>()
        .ok()
}

/// Windows-1252 from 0x80 to 0x9f; the five bytes that it does not know stand for themselves.
const HIGH: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
    '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

fn single(byte: u8) -> char {
    match byte {
        0x80..=0x9f => HIGH[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}

fn byte_of(c: char) -> Option<u8> {
    match HIGH.iter().position(|high| *high == c) {
        Some(ix) => u8::try_from(ix + 0x80).ok(),
        None => u8::try_from(c)
            .ok()
            .filter(|byte| !(0x80..=0x9f).contains(byte)),
    }
}

/// What `binaryornot` 0.4 says of the first 1,024 bytes of a file: mostly bytes outside of ASCII without a sign of a known
/// encoding, or a 0 or 255 among them.
pub(super) fn is_binary(bytes: &[u8]) -> bool {
    let chunk = bytes.get(..1024).unwrap_or(bytes);
    if chunk.is_empty() || is_known_text(chunk) {
        return false;
    }
    let share = |holds: fn(&u8) -> bool| {
        let count = chunk.iter().filter(|byte| holds(byte)).count();
        // A chunk is short.
        f64::from(u32::try_from(count).unwrap_or(u32::MAX))
            / f64::from(u32::try_from(chunk.len()).unwrap_or(u32::MAX))
    };
    let unusual = share(|byte| !matches!(byte, b'\n' | b'\r' | b'\t' | 0xc | 8 | 32..=126));
    let low = share(|byte| *byte < 127);
    let is_likely = (unusual > 0.3 && low < 0.05) || (unusual > 0.8 && low > 0.8);
    is_likely || chunk.contains(&0) || chunk.contains(&0xff)
}

/// Roughly what `binaryornot` 0.6 says of the first 512 bytes, which asks a learned tree: many zeros, or some in what is no
/// UTF-8. The tree knows more of short and strange files than this.
pub(super) fn is_binary_by_tree(bytes: &[u8]) -> bool {
    let chunk = bytes.get(..512).unwrap_or(bytes);
    let zeros = memchr::memchr_iter(0, chunk).count();
    utf16(chunk).is_none()
        && (zeros * 6 > chunk.len() || (zeros > 0 && std::str::from_utf8(chunk).is_err()))
}

/// What `chardet` is sure of: a byte order mark, or UTF-8 with some characters outside of ASCII.
fn is_known_text(chunk: &[u8]) -> bool {
    if chunk.starts_with(b"\xef\xbb\xbf") {
        return std::str::from_utf8(chunk).is_ok();
    }
    if utf16(chunk).is_some() {
        return true;
    }
    std::str::from_utf8(chunk)
        .is_ok_and(|text| text.chars().filter(|c| !c.is_ascii()).take(4).count() == 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_as_they_were() {
        for bytes in [
            &b"plain \xc3\xa9\n"[..],
            b"\xef\xbb\xbfmark\n",
            b"\xff\xfea\0b\0",
            b"caf\xe9 \x80 \x81 \x93\n",
        ] {
            let (text, encoding) = decoded(bytes);
            assert_eq!(
                encoded(&text, encoding).as_deref(),
                Some(bytes),
                "{encoding:?}"
            );
        }
        assert_eq!(encoded("\u{1f389}", Encoding::Single), None);
    }

    #[test]
    fn binary_is_what_holds_nul_or_little_text() {
        assert!(is_binary(b"\x7fELF\x02\0\0") && is_binary(b"one\0two"));
        assert!(is_binary_by_tree(b"\x7fELF\x02\0\0") && !is_binary_by_tree(b"one\0two\n"));
        assert!(!is_binary(b"") && !is_binary(b"caf\xe9\n") && !is_binary("äöüß\0".as_bytes()));
    }
}
