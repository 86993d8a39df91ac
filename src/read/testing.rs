//! What the tests of several readers share: the corpus, records from text, and deterministic damage.

use std::path::Path;
use std::path::PathBuf;

use crate::model::Format;
use crate::model::Source;
use crate::model::Trajectory;
use crate::read::Layout;
use crate::read::PartRole;
use crate::read::Probe;
use crate::read::RawPart;
use crate::read::RawRecord;
use crate::read::Shape;
use crate::read::json;

/// The real files, where they are present.
pub(crate) fn corpus() -> Option<PathBuf> {
    let shared = std::env::var_os("HGVIEW_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"),
        PathBuf::from,
    );
    let corpus = shared.join("corpus");
    if corpus.is_dir() {
        return Some(corpus);
    }
    eprintln!("skipped: no corpus");
    None
}

/// What came back of each call, in order.
pub(super) fn results(steps: &[crate::model::Step]) -> Vec<Option<&str>> {
    let actions = steps.iter().flat_map(|step| &step.actions);
    let seen = actions.map(|action| action.first_text());
    seen.map(|text| text.map(|text| &**text)).collect()
}

/// All files below `folder`, sorted.
pub(super) fn files(folder: &Path) -> Vec<PathBuf> {
    walkdir::WalkDir::new(folder)
        .sort_by_file_name()
        .into_iter()
        .map(Result::unwrap)
        .filter(|entry| entry.file_type().is_file())
        .map(walkdir::DirEntry::into_path)
        .collect()
}

pub(super) fn part(name: &str, role: PartRole, bytes: impl Into<Vec<u8>>) -> RawPart {
    RawPart {
        name: name.to_owned(),
        role,
        start: 0,
        bytes: bytes.into(),
    }
}

pub(super) fn record(format: Format, layout: Layout, parts: Vec<RawPart>) -> RawRecord {
    let name = parts
        .first()
        .map(|part| part.name.clone())
        .unwrap_or_default();
    RawRecord {
        source: Source {
            path: PathBuf::from(name),
            format: Some(format),
            ..Source::default()
        },
        layout,
        shape: if layout == Layout::Session {
            Shape::Lines
        } else {
            Shape::Object
        },
        parts,
    }
}

/// Sniffs a file as a store would: the first lines, else the whole as an array or object.
pub(super) fn sniff_file(bytes: &[u8]) -> Option<(Format, Layout)> {
    let lines = bytes.split(|b| *b == b'\n').filter(|line| !line.is_empty());
    let values: Vec<_> = lines
        .take(Probe::VALUES)
        .filter_map(|line| json::skeleton(line).ok())
        .collect();
    let is_lines = values.first().is_some_and(serde_json::Value::is_object)
        && serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_err();
    if is_lines {
        return crate::read::sniff(&Probe {
            values: &values,
            shape: Shape::Lines,
        });
    }
    match json::skeleton(bytes).ok()? {
        serde_json::Value::Array(values) => crate::read::sniff(&Probe {
            values: &values,
            shape: Shape::Array,
        }),
        value => crate::read::sniff(&Probe {
            values: std::slice::from_ref(&value),
            shape: Shape::Object,
        }),
    }
}

/// Parses many damaged copies of a record's first part; what comes out does not matter, only that something does.
pub(super) fn damage(raw: &RawRecord, rounds: u32) {
    damaged(raw, rounds, |raw| {
        let parsed: Result<Trajectory, _> = crate::read::parse(raw);
        drop(parsed);
    });
}

/// Makes many copies of a record with a damaged first part.
pub(super) fn damaged(raw: &RawRecord, rounds: u32, mut each: impl FnMut(RawRecord)) {
    const SWAPS: [&str; 12] = [
        "null",
        "\"\"",
        "[]",
        "{}",
        "-1",
        "1e999",
        "\"\\u0000é\"",
        "true",
        "[[]]",
        "{\"type\":7}",
        "9223372036854775808",
        "\"text\"",
    ];
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % u64::try_from(below.max(1)).unwrap()).unwrap()
    };
    for _ in 0..rounds {
        let mut raw = raw.clone();
        let bytes = &mut raw.parts[0].bytes;
        for _ in 0..=next(4) {
            let at = next(bytes.len());
            match next(4) {
                0 => bytes.truncate(at.max(1)),
                1 => bytes[at] = b"\"{}[]:,x"[next(8)],
                2 => {
                    let end = (at + next(200)).min(bytes.len());
                    bytes.drain(at..end);
                }
                _ => {
                    // a value becomes another value
                    let Some(colon) = bytes[at..].iter().position(|b| *b == b':') else {
                        continue;
                    };
                    let start = at + colon + 1;
                    let len = bytes[start..]
                        .iter()
                        .position(|b| b",}]\n".contains(b))
                        .unwrap_or(0);
                    bytes.splice(start..start + len, SWAPS[next(SWAPS.len())].bytes());
                }
            }
            if bytes.is_empty() {
                bytes.push(b' ');
            }
        }
        each(raw);
    }
}
