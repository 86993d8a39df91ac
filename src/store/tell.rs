//! Telling what bytes are: the container by its first bytes, then lines, one array or one object, then the family.

use std::io::BufRead as _;
use std::io::BufReader;
use std::io::Read;

use crate::model::Format;
use crate::model::Value;
use crate::read;
use crate::read::Layout;
use crate::read::Probe;
use crate::read::Shape;
use crate::read::json;
use crate::read::json::ElementScanner;
use crate::read::json::Target;

/// What the first bytes say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Container {
    /// No bytes, or only white space.
    Empty,
    Gzip,
    Zstd,
    Zip,
    Parquet,
    Tar,
    /// Text that may be JSON.
    Text,
    /// Neither text nor a container: the reason and the byte.
    Binary(String, u64),
}

impl Container {
    /// Whether what it holds is found by a directory, which may stand at its end.
    pub(super) fn has_directory(&self) -> bool {
        matches!(self, Self::Zip | Self::Parquet | Self::Tar)
    }
}

/// How a source divides and which family it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) format: Option<Format>,
    pub(super) layout: Layout,
    pub(super) shape: Shape,
}

/// The byte order mark that some editors put before UTF-8.
pub(super) const BOM: &[u8] = b"\xef\xbb\xbf";

/// Tells the container; `head` is the first kilobytes, at least 512 bytes unless the input is shorter.
pub(super) fn container(head: &[u8]) -> Container {
    let magic = [
        (b"\x1f\x8b".as_slice(), Container::Gzip),
        (b"\x28\xb5\x2f\xfd", Container::Zstd),
        (b"PK\x03\x04", Container::Zip),
        (b"PK\x05\x06", Container::Zip),
        (b"PAR1", Container::Parquet),
    ];
    for (bytes, container) in magic {
        if head.starts_with(bytes) {
            return container;
        }
    }
    if head.get(257..262) == Some(b"ustar") {
        return Container::Tar;
    }
    if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
        return Container::Binary("UTF-16 text; convert it to UTF-8".to_owned(), 0);
    }
    let text = head.strip_prefix(BOM).unwrap_or(head);
    if text.iter().all(u8::is_ascii_whitespace) {
        return Container::Empty;
    }
    let strange = |byte: &u8| *byte == 0 || (*byte < 0x20 && !b"\t\n\r\x0c\x1b".contains(byte));
    let looked_at = head.get(..512).unwrap_or(head);
    match looked_at.iter().position(strange) {
        // behind a whole first row it is a fault of its own row: a crash leaves such holes
        Some(at) if starts_with_row(text, at.saturating_sub(head.len() - text.len())) => {
            Container::Text
        }
        // a raw control character inside JSON text is the parser's business
        Some(at) if !matches!(first_ink(text), Some(b'{' | b'[')) || head.get(at) == Some(&0) => {
            let byte = head.get(at).copied().unwrap_or(0);
            let why = format!("not text: byte 0x{byte:02x} where JSON was expected");
            Container::Binary(why, at as u64)
        }
        _ => Container::Text,
    }
}

/// Whether a line that is a whole object ends before byte `at`.
fn starts_with_row(text: &[u8], at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default();
    let is_row = |line: &&[u8]| parse_line(line).is_some_and(|value| value.is_object());
    let ended = memchr::memrchr(b'\n', before).and_then(|end| before.get(..end));
    let first = ended.and_then(|lines| {
        lines
            .split(|byte| *byte == b'\n')
            .find(|line| first_ink(line).is_some())
    });
    first.as_ref().is_some_and(is_row)
}

/// The first byte that is not white space.
pub(super) fn first_ink(text: &[u8]) -> Option<u8> {
    text.iter().copied().find(|b| !b.is_ascii_whitespace())
}

/// What the first bytes of a text look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TextKind {
    /// A value a line.
    Lines,
    /// One line that is a whole object, and nothing behind it.
    OneLine,
    /// One array.
    Array,
    /// One object over several lines.
    Object,
    /// No JSON in sight.
    Unknown,
}

/// How many complete non-blank lines `head` holds; the last one counts when the input ends with it.
pub(super) fn complete_lines(head: &[u8], is_end: bool) -> usize {
    let ends = memchr::memchr_iter(b'\n', head).count();
    // blank lines are rare: counting line ends is a bound good enough to stop reading at
    ends + usize::from(is_end)
}

/// Looks at the first lines. `head` has no byte order mark and holds at least one whole line, unless cut at a limit.
pub(super) fn text_kind(head: &[u8], is_end: bool) -> TextKind {
    let mut lines = non_blank_lines(head, is_end);
    let first = lines.next().unwrap_or_default();
    let is_single = lines.next().is_none() && is_end;
    let starts = first_ink(head);
    let is_whole = parse_line(first).is_some();
    if starts == Some(b'[') && (is_single || !is_whole) {
        return TextKind::Array;
    }
    if starts == Some(b'{') && is_single {
        return if is_whole {
            TextKind::OneLine
        } else {
            TextKind::Object
        };
    }
    if is_whole {
        return TextKind::Lines;
    }
    let has_rows = non_blank_lines(head, is_end)
        .take(Probe::VALUES)
        .any(|line| {
            // inner lines of a pretty-printed object are indented or hold no members
            line.starts_with(b"{\"")
                && parse_line(line)
                    .is_some_and(|value| value.as_object().is_some_and(|fields| !fields.is_empty()))
        });
    if has_rows {
        TextKind::Lines
    } else if starts == Some(b'{') {
        TextKind::Object
    } else {
        TextKind::Unknown
    }
}

/// Three long lines tell as much as eight short ones.
const LONG_LINES: usize = 3;
const LONG_BYTES: usize = 64 << 10;

/// Whether `head`, with so many complete lines, begins with as many rows as [`line_values`] looks at.
pub(super) fn has_enough_lines(head: &[u8], lines: usize) -> bool {
    let first = memchr::memchr(b'\n', head).and_then(|end| head.get(..end));
    let is_row = |line: &[u8]| line.starts_with(b"{\"") && line.trim_ascii_end().ends_with(b"}");
    lines > Probe::VALUES
        || (lines > LONG_LINES && head.len() >= LONG_BYTES && first.is_some_and(is_row))
}

/// The first values of JSON lines; lines that do not parse are left out.
pub(super) fn line_values(head: &[u8], is_end: bool) -> Vec<Value> {
    let mut seen_bytes = 0;
    non_blank_lines(head, is_end)
        .take(Probe::VALUES)
        .enumerate()
        .take_while(|(ix, line)| {
            seen_bytes += line.len();
            *ix < LONG_LINES || seen_bytes < LONG_BYTES
        })
        .filter_map(|(_, line)| parse_line(line))
        .collect()
}

/// The first elements of an array, as far as they lie in `head`.
pub(super) fn array_values(head: &[u8]) -> Vec<Value> {
    let mut scanner = ElementScanner::new(Target::Array);
    scanner.push(head);
    let elements = scanner.take().into_iter().take(Probe::VALUES);
    elements
        .filter_map(|element| {
            let start = usize::try_from(element.span.start).ok()?;
            let end = usize::try_from(element.span.end).ok()?;
            parse_line(head.get(start..end)?)
        })
        .collect()
}

fn non_blank_lines(head: &[u8], is_end: bool) -> impl Iterator<Item = &[u8]> {
    let complete = if is_end {
        head.len()
    } else {
        memchr::memrchr(b'\n', head).map_or(head.len(), |at| at + 1)
    };
    head.get(..complete)
        .unwrap_or_default()
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.iter().all(u8::is_ascii_whitespace))
}

/// Parses a value for sniffing, shortened; the slow way only for what the strict parser refuses.
fn parse_line(line: &[u8]) -> Option<Value> {
    const LENIENT_BYTES: usize = 8 << 20;
    json::skeleton_of(line).ok().or_else(|| {
        (line.len() <= LENIENT_BYTES)
            .then(|| json::parse_lenient(line, 0, &mut Vec::new()).ok())
            .flatten()
    })
}

/// The skeleton of one object that may be long.
pub(super) fn object_value(reader: impl Read, len: u64) -> Option<Value> {
    const LENIENT_BYTES: u64 = 64 << 20;
    let mut reader = BufReader::with_capacity(256 << 10, reader);
    let has_bom = reader.fill_buf().is_ok_and(|head| head.starts_with(BOM));
    if has_bom {
        reader.consume(BOM.len());
    }
    // small objects are read at once: the parser is several times faster on a slice
    if len <= LENIENT_BYTES {
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).ok()?;
        return parse_line(&bytes);
    }
    json::skeleton(reader).ok()
}

/// Tells the family of values of `shape`.
pub(super) fn family(values: &[Value], shape: Shape) -> Option<Told> {
    let probe = Probe { values, shape };
    let (format, layout) = read::sniff(&probe)?;
    Some(Told {
        format: Some(format),
        layout,
        shape,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_kind(text: &str, want: TextKind) {
        assert_eq!(text_kind(text.as_bytes(), true), want, "{text:?}");
    }

    #[test]
    fn text_is_told_by_its_first_lines() {
        check_kind("{\"a\":1}\n{\"a\":2}\n", TextKind::Lines);
        check_kind("{\"a\":1}", TextKind::OneLine);
        check_kind("{\"a\":1}\n\n", TextKind::OneLine);
        check_kind("{\n  \"a\": 1\n}\n", TextKind::Object);
        check_kind("{\"a\": [\n{},\n{}\n]}", TextKind::Object);
        check_kind("[{\"a\":1},{\"a\":2}]", TextKind::Array);
        check_kind("[\n  {\"a\":1}\n]\n", TextKind::Array);
        check_kind("[\n{\"a\":1},\n{\"a\":2}\n]\n", TextKind::Array);
        check_kind("garbage\n{\"a\":1}\n", TextKind::Lines);
        check_kind("{\"a\": tr\n{\"a\":1}\n", TextKind::Lines);
        check_kind("{\"a\":NaN}\n{\"a\":1}\n", TextKind::Lines);
        check_kind("{\"a\":", TextKind::Object);
        check_kind("hello\nworld\n", TextKind::Unknown);
    }

    #[test]
    fn containers_are_told_by_their_first_bytes() {
        assert_eq!(container(b""), Container::Empty);
        assert_eq!(container(b"\xef\xbb\xbf \n"), Container::Empty);
        assert_eq!(container(b"PK\x03\x04.."), Container::Zip);
        assert_eq!(container(b"{\"a\":\"\x01\"}"), Container::Text);
        assert!(matches!(container(b"ab\x00c"), Container::Binary(_, 2)));
        assert!(matches!(container(b"{\"a\":1}\n\0\0\n"), Container::Text));
        assert!(matches!(
            container(b"{\"a\":1\n\0\0\n"),
            Container::Binary(_, 7)
        ));
        assert!(matches!(
            container(b"\xff\xfe{\x00"),
            Container::Binary(_, 0)
        ));
    }
}
