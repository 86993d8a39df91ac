//! The bytes of a sidecar: numbers of seven bits a byte, texts with their length before them, rows of the list.
//!
//! Whatever is read may be anything: every reading function answers `None` rather than to trust a length.

#![expect(
    clippy::option_option,
    reason = "outside it says whether there was anything to read, inside whether the value is there"
)]

use std::path::Path;
use std::path::PathBuf;

use crate::model::ActionClass;
use crate::model::Fault;
use crate::model::Format;
use crate::model::KindMark;
use crate::model::Span;
use crate::model::Summary;
use crate::model::TaskKind;
use crate::model::Tokens;

/// In the order of their numbers.
const FORMATS: [Format; 14] = [
    Format::OpenHandsV0,
    Format::OpenHandsV1,
    Format::SweAgent,
    Format::MiniSweAgent,
    Format::Chat,
    Format::Atif,
    Format::Inspect,
    Format::ClaudeCode,
    Format::Codex,
    Format::Adp,
    Format::Prediction,
    Format::Report,
    Format::Task,
    Format::Verdict,
];

/// Bytes of a checksum.
pub(super) const SUM: usize = 8;

/// Where a part lies in a sidecar, and its checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) start: u64,
    pub(super) len: u64,
    pub(super) sum: [u8; SUM],
}

/// Tells bytes that are torn or were changed.
pub(super) fn checksum(bytes: &[u8]) -> [u8; SUM] {
    let mut sum = [0; SUM];
    let hash = blake3::hash(bytes);
    for (into, from) in sum.iter_mut().zip(hash.as_bytes()) {
        *into = *from;
    }
    sum
}

/// Adds a number.
pub(super) fn put(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push((number & 0x7f) as u8);
}

/// Adds a number that may be negative.
pub(super) fn put_signed(out: &mut Vec<u8>, number: i64) {
    out.extend(number.to_le_bytes());
}

/// Adds bytes, their length first.
pub(super) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put(out, bytes.len() as u64);
    out.extend(bytes);
}

/// Adds a path.
pub(super) fn put_path(out: &mut Vec<u8>, path: &Path) {
    put_bytes(out, path.as_os_str().as_encoded_bytes());
}

/// Adds a number that may be missing.
pub(super) fn put_maybe(out: &mut Vec<u8>, number: Option<u64>) {
    match number {
        None => out.push(0),
        Some(number) => {
            out.push(1);
            put(out, number);
        }
    }
}

/// Adds a text that may be missing.
fn put_text(out: &mut Vec<u8>, text: Option<&str>) {
    match text {
        None => out.push(0),
        Some(text) => {
            out.push(1);
            put_bytes(out, text.as_bytes());
        }
    }
}

/// Adds a fraction that may be missing, every bit of it.
fn put_fraction(out: &mut Vec<u8>, fraction: Option<f64>) {
    match fraction {
        None => out.push(0),
        Some(fraction) => {
            out.push(1);
            out.extend(fraction.to_bits().to_le_bytes());
        }
    }
}

/// Adds a fault.
pub(super) fn put_fault(out: &mut Vec<u8>, fault: &Fault) {
    put_bytes(out, fault.why.as_bytes());
    put_maybe(out, fault.byte);
}

/// Adds a family.
pub(super) fn put_format(out: &mut Vec<u8>, format: Option<Format>) {
    out.push(number_of(&FORMATS, format.as_ref()));
}

/// Adds where something lies.
pub(super) fn put_span(out: &mut Vec<u8>, span: Span) {
    put(out, span.start);
    put(out, span.len_bytes());
}

/// Adds where a part lies that may be missing.
pub(super) fn put_place(out: &mut Vec<u8>, place: Option<Place>) {
    match place {
        None => out.push(0),
        Some(place) => {
            out.push(1);
            put(out, place.start);
            put(out, place.len);
            out.extend(place.sum);
        }
    }
}

/// Adds a row of the list.
pub(super) fn put_row(out: &mut Vec<u8>, row: &Summary) {
    put_bytes(out, row.id.as_bytes());
    put_text(out, row.task_id.as_deref());
    out.push(number_of(&TaskKind::ALL, row.task_kind.as_ref()));
    put_text(out, row.repo.as_deref());
    put_format(out, row.format);
    put_text(out, row.variant.as_deref());
    out.push(row.resolved.map_or(0, |resolved| 1 + u8::from(resolved)));
    put_fraction(out, row.reward);
    put_text(out, row.exit_status.as_deref());
    put_text(out, row.error.as_deref());
    for count in [row.steps, row.actions, row.failed_actions, row.children] {
        put(out, count as u64);
    }
    put_fraction(out, row.duration_s);
    let tokens = &row.tokens;
    for count in [
        tokens.input,
        tokens.output,
        tokens.cache_read,
        tokens.cache_write,
        tokens.reasoning,
    ] {
        put_maybe(out, count);
    }
    put_fraction(out, row.cost);
    put_text(out, row.model.as_deref());
    put_maybe(out, row.patch_lines.map(|lines| lines as u64));
    put_maybe(out, row.attempt);
    put(out, row.marks.len() as u64);
    for mark in &row.marks {
        let class = number_of(&ActionClass::ALL, mark.class.as_ref());
        out.push(class << 1 | u8::from(mark.has_error));
    }
    match &row.fault {
        None => out.push(0),
        Some(fault) => {
            out.push(1);
            put_fault(out, fault);
        }
    }
}

/// Goes through the bytes of a sidecar.
#[derive(Debug)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    /// The next bytes.
    pub(super) fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    /// As many bytes as an array has.
    pub(super) fn array<const LEN: usize>(&mut self) -> Option<[u8; LEN]> {
        self.take(LEN)?.try_into().ok()
    }

    /// A byte.
    pub(super) fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    /// A number.
    pub(super) fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    /// A number as a length or a place.
    pub(super) fn size(&mut self) -> Option<usize> {
        usize::try_from(self.number()?).ok()
    }

    /// A number that may be negative.
    pub(super) fn signed(&mut self) -> Option<i64> {
        self.array().map(i64::from_le_bytes)
    }

    /// Bytes with their length before them.
    pub(super) fn bytes(&mut self) -> Option<&'a [u8]> {
        let len = self.size()?;
        self.take(len)
    }

    /// A text.
    pub(super) fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes()?).ok()
    }

    /// A path.
    pub(super) fn path(&mut self) -> Option<PathBuf> {
        use std::os::unix::ffi::OsStrExt as _;

        Some(PathBuf::from(std::ffi::OsStr::from_bytes(self.bytes()?)))
    }

    /// What follows a byte that says whether it is there.
    fn maybe<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        match self.byte()? {
            0 => Some(None),
            1 => read(self).map(Some),
            _ => None,
        }
    }

    /// A number that may be missing.
    pub(super) fn maybe_number(&mut self) -> Option<Option<u64>> {
        self.maybe(Self::number)
    }

    fn maybe_text(&mut self) -> Option<Option<String>> {
        self.maybe(|reader| reader.text().map(str::to_owned))
    }

    fn maybe_fraction(&mut self) -> Option<Option<f64>> {
        let bits = self.maybe(Self::array)?;
        Some(bits.map(|bits| f64::from_bits(u64::from_le_bytes(bits))))
    }

    /// A fault.
    pub(super) fn fault(&mut self) -> Option<Fault> {
        let why = self.text()?.to_owned();
        let byte = self.maybe_number()?;
        Some(Fault { why, byte })
    }

    /// A family.
    pub(super) fn format(&mut self) -> Option<Option<Format>> {
        one_of(&FORMATS, self.byte()?)
    }

    /// Where something lies.
    pub(super) fn span(&mut self) -> Option<Span> {
        let start = self.number()?;
        let end = start.checked_add(self.number()?)?;
        Some(Span::new(start, end))
    }

    /// Where a part lies that may be missing.
    pub(super) fn maybe_place(&mut self) -> Option<Option<Place>> {
        self.maybe(|reader| {
            Some(Place {
                start: reader.number()?,
                len: reader.number()?,
                sum: reader.array()?,
            })
        })
    }

    /// A row of the list.
    pub(super) fn row(&mut self) -> Option<Summary> {
        let mut row = Summary {
            id: self.text()?.to_owned(),
            task_id: self.maybe_text()?,
            task_kind: one_of(&TaskKind::ALL, self.byte()?)?,
            repo: self.maybe_text()?,
            format: self.format()?,
            variant: self.maybe_text()?,
            resolved: one_of(&[false, true], self.byte()?)?,
            reward: self.maybe_fraction()?,
            exit_status: self.maybe_text()?,
            error: self.maybe_text()?,
            steps: self.size()?,
            actions: self.size()?,
            failed_actions: self.size()?,
            children: self.size()?,
            duration_s: self.maybe_fraction()?,
            ..Summary::default()
        };
        row.tokens = Tokens {
            input: self.maybe_number()?,
            output: self.maybe_number()?,
            cache_read: self.maybe_number()?,
            cache_write: self.maybe_number()?,
            reasoning: self.maybe_number()?,
        };
        row.cost = self.maybe_fraction()?;
        row.model = self.maybe_text()?;
        row.patch_lines = self.maybe(Self::size)?;
        row.attempt = self.maybe_number()?;
        let marks = self.bytes()?.iter().map(|mark| {
            Some(KindMark {
                class: one_of(&ActionClass::ALL, mark >> 1)?,
                has_error: mark & 1 == 1,
            })
        });
        row.marks = marks.collect::<Option<_>>()?;
        row.fault = self.maybe(Self::fault)?;
        Some(row)
    }
}

/// The number of one of these, from 1; 0 for nothing.
pub(super) fn number_of<T: PartialEq>(all: &[T], one: Option<&T>) -> u8 {
    let place = one.and_then(|one| all.iter().position(|known| known == one));
    place.map_or(0, |place| u8::try_from(place + 1).unwrap_or(0))
}

/// What a number stands for: 0 for nothing, else one of these.
pub(super) fn one_of<T: Copy>(all: &[T], number: u8) -> Option<Option<T>> {
    match usize::from(number).checked_sub(1) {
        None => Some(None),
        Some(place) => all.get(place).map(|one| Some(*one)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back() {
        for number in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX] {
            let mut out = Vec::new();
            put(&mut out, number);
            let mut reader = Reader(&out);
            assert_eq!(reader.number(), Some(number));
            assert!(reader.0.is_empty());
        }
        assert_eq!(Reader(&[0xff; 11]).number(), None, "it has no end");
    }

    #[test]
    fn rows_come_back_whole_or_not_at_all() {
        let full = Summary {
            id: "a__b-1".to_owned(),
            task_id: Some(String::new()),
            task_kind: Some(TaskKind::DepSearch),
            attempt: Some(3),
            repo: Some("a/b".to_owned()),
            format: Some(Format::Verdict),
            variant: Some("ü".to_owned()),
            resolved: Some(false),
            reward: Some(f64::MIN_POSITIVE),
            exit_status: Some("x".to_owned()),
            error: Some("\u{1b}[2J".to_owned()),
            steps: 3,
            actions: usize::MAX,
            failed_actions: 0,
            duration_s: Some(-0.0),
            tokens: Tokens {
                input: Some(u64::MAX),
                output: None,
                cache_read: Some(0),
                cache_write: Some(7),
                reasoning: None,
            },
            cost: Some(f64::INFINITY),
            model: Some("m".to_owned()),
            children: 2,
            patch_lines: Some(9),
            marks: vec![
                KindMark {
                    class: None,
                    has_error: true,
                },
                KindMark {
                    class: Some(ActionClass::Other),
                    has_error: false,
                },
            ],
            fault: Some(Fault::at("why", 4)),
        };
        for row in [full, Summary::default()] {
            let mut out = Vec::new();
            put_row(&mut out, &row);
            let mut reader = Reader(&out);
            assert_eq!(reader.row(), Some(row));
            assert!(reader.0.is_empty());
            for len in 0..out.len() {
                assert_eq!(Reader(&out[..len]).row(), None, "torn at {len}");
            }
        }
    }
}
