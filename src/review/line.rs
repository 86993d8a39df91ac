//! The lines of a journal: JSON, one event each. The field names are a contract (design.md §4).
//!
//! What is not understood is never an error here: a line of a later version, a line of something else, and half a line
//! that a crash left are told apart, so that the reader can say which lines it passed over.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use crate::model::ContentHash;
use crate::model::Text;
use crate::review::Change;
use crate::review::Choice;
use crate::review::Field;
use crate::review::Mask;
use crate::review::Moment;
use crate::review::Seen;
use crate::review::reviewer;

/// The version of the lines that are written, and the latest that is understood.
pub const VERSION: u64 = 1;

/// How every line begins that is written here.
const START: &[u8] = b"{\"v\":";

/// Which record: the hash is what counts, the rest is for people and for finding records that were made anew.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct RecordRef {
    /// The content.
    pub sha256: ContentHash,
    /// The record's id.
    pub id: Text,
    /// The file, and the member in an archive: relative to the folder that holds the journal's folder, else absolute.
    pub path: Text,
    /// Its place in the file, from 1.
    pub nth: usize,
}

/// What a line says.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Something is set on a record.
    Change {
        /// The record.
        record: RecordRef,
        /// What is set.
        change: Change,
    },
    /// Everything that the reviewer did at this moment is taken back.
    Undo(Moment),
    /// What was taken back is in force again.
    Redo(Moment),
}

/// One event of a journal.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// When; lines of one reviewer with the same moment were done at once and are undone as one.
    pub at: Moment,
    /// Who.
    pub reviewer: Text,
    /// What.
    pub event: Event,
}

/// What a line turned out to be.
#[derive(Debug, Clone, PartialEq)]
pub enum Parsed {
    /// An event.
    Line(Line),
    /// An event behind the remains of a torn line.
    Behind(Line),
    /// Nothing but blanks.
    Blank,
    /// A line of this later version.
    Future(u64),
    /// Something else, and why.
    Foreign(String),
}

/// A line as JSON; of most texts no copy is made.
#[derive(Debug, Serialize, Deserialize)]
struct Wire<'a> {
    v: u64,
    at: Moment,
    #[serde(borrow)]
    reviewer: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    record: Option<WireRecord<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    verdict: Option<Seen>,
    #[serde(default, skip_serializing_if = "Field::is_keep")]
    decision: Field<Choice>,
    #[serde(default, skip_serializing_if = "Field::is_keep")]
    reason: Field<Text>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tags: Option<Vec<Text>>,
    #[serde(default, skip_serializing_if = "Field::is_keep")]
    note: Field<Text>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    steps: BTreeMap<usize, Option<Mask>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    flag: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secs: Option<f64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    adjudicates: Vec<Text>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    undo: Option<Moment>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    redo: Option<Moment>,
}

/// A [`RecordRef`] as JSON.
#[derive(Debug, Serialize, Deserialize)]
struct WireRecord<'a> {
    sha256: ContentHash,
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    path: Cow<'a, str>,
    nth: usize,
}

/// What every version has.
#[derive(Deserialize)]
struct AnyVersion {
    v: u64,
}

impl Line {
    /// The line as JSON with its line end.
    pub fn to_json(&self) -> String {
        let mut wire = Wire {
            v: VERSION,
            at: self.at,
            reviewer: Cow::Borrowed(&self.reviewer),
            record: None,
            verdict: None,
            decision: Field::Keep,
            reason: Field::Keep,
            tags: None,
            note: Field::Keep,
            steps: BTreeMap::new(),
            flag: None,
            secs: None,
            adjudicates: Vec::new(),
            undo: None,
            redo: None,
        };
        match &self.event {
            Event::Undo(moment) => wire.undo = Some(*moment),
            Event::Redo(moment) => wire.redo = Some(*moment),
            Event::Change { record, change } => {
                wire.record = Some(WireRecord {
                    sha256: record.sha256,
                    id: Cow::Borrowed(&record.id),
                    path: Cow::Borrowed(&record.path),
                    nth: record.nth,
                });
                wire.verdict = Some(change.seen).filter(|seen| !seen.is_nothing());
                wire.decision = change.decision;
                wire.reason = change.reason.clone();
                wire.tags.clone_from(&change.tags);
                wire.note = change.note.clone();
                wire.steps.clone_from(&change.masks);
                wire.flag = change.flag;
                wire.secs = Some(change.secs).filter(|secs| secs.is_finite() && *secs > 0.0);
                wire.adjudicates.clone_from(&change.adjudicates);
            }
        }
        // a struct of texts, numbers and maps with number keys is always JSON
        let mut json = serde_json::to_string(&wire).unwrap_or_default();
        json.push('\n');
        json
    }

    /// Reads a line without its end.
    pub fn parse(bytes: &[u8]) -> Parsed {
        let bytes = bytes.trim_ascii();
        if bytes.is_empty() {
            return Parsed::Blank;
        }
        let mut parser = Parser::default();
        let why = match parser.parse(bytes) {
            Ok(line) => return Parsed::Line(line),
            Err(why) => why,
        };
        if let Ok(AnyVersion { v }) = serde_json::from_slice(bytes)
            && v > VERSION
        {
            return Parsed::Future(v);
        }
        // a crash left half a line and somebody went on behind it; inside a text the quotes would be escaped
        let behind = memchr::memmem::rfind(bytes, START).filter(|at| *at > 0);
        let rest = behind.and_then(|at| bytes.get(at..));
        match rest.map(|rest| parser.parse(rest)) {
            Some(Ok(line)) => Parsed::Behind(line),
            Some(Err(_)) | None => Parsed::Foreign(why),
        }
    }

    /// When the event of a line happened, where the line begins as lines are written here; a look, no check. Such a line
    /// is an event of this time or something foreign, and nothing behind the remains of another line.
    pub(super) fn peek_at(bytes: &[u8]) -> Option<Moment> {
        const BEGINNING: &[u8] = b"{\"v\":1,\"at\":\"";
        let rest = bytes.strip_prefix(BEGINNING)?;
        let stamp = rest.get(..Moment::STAMP_BYTES)?;
        let rest = rest.get(Moment::STAMP_BYTES..)?;
        let is_again = |at| rest.get(at..).is_some_and(|rest| rest.starts_with(START));
        if rest.first() != Some(&b'"') || memchr::memchr_iter(b'{', rest).any(is_again) {
            return None;
        }
        Moment::of_stamp(stamp)
    }
}

/// Reads many lines, whose reviewers and files are mostly those of the line before.
#[derive(Debug, Default)]
pub(super) struct Parser {
    reviewer: Option<Text>,
    path: Option<Text>,
}

impl Parser {
    /// Reads a line of this version without anything around it; the error says why it is none.
    pub(super) fn parse(&mut self, bytes: &[u8]) -> Result<Line, String> {
        let wire: Wire<'_> = serde_json::from_slice(bytes).map_err(|err| err.to_string())?;
        if wire.v != VERSION {
            return Err(format!("version {}", wire.v));
        }
        if self.reviewer.as_deref() != Some(&*wire.reviewer)
            && let Err(error) = reviewer::check_reviewer(&wire.reviewer)
        {
            return Err(error.to_string());
        }
        let event = match (wire.undo, wire.redo, wire.record) {
            (Some(moment), None, _) => Event::Undo(moment),
            (None, Some(moment), _) => Event::Redo(moment),
            (None, None, Some(record)) => Event::Change {
                record: RecordRef {
                    sha256: record.sha256,
                    id: record.id.into(),
                    path: kept(&mut self.path, &record.path),
                    nth: record.nth,
                },
                change: Change {
                    decision: wire.decision,
                    reason: wire.reason,
                    tags: wire.tags,
                    note: wire.note,
                    masks: wire.steps,
                    flag: wire.flag,
                    secs: wire.secs.unwrap_or_default().clamp(0.0, f64::MAX),
                    seen: wire.verdict.unwrap_or_default(),
                    adjudicates: wire.adjudicates,
                },
            },
            (Some(_), Some(_), _) => return Err("both undo and redo".to_owned()),
            (None, None, None) => return Err("no record is named".to_owned()),
        };
        Ok(Line {
            at: wire.at,
            reviewer: kept(&mut self.reviewer, &wire.reviewer),
            event,
        })
    }
}

/// The text, the last one where it is the same.
fn kept(last: &mut Option<Text>, text: &str) -> Text {
    match last {
        Some(last) if **last == *text => last.clone(),
        _ => last.insert(text.into()).clone(),
    }
}

#[cfg(test)]
mod tests;
