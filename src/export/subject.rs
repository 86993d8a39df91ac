//! One record on its way into an export: its bytes, its JSON and its trajectory, each read when a format asks.
//!
//! Formats know no store; they ask a [`Subject`]. What cannot be read or has no place in a format is a [`Refusal`]: the
//! record is dropped with its reason, and the export goes on.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::export::Context;
use crate::export::chat_form;
use crate::export::chat_form::Chat;
use crate::model::Fault;
use crate::model::RecordIx;
use crate::model::Trajectory;
use crate::model::Verdict;
use crate::read::Decoded;
use crate::read::Layout;
use crate::read::Survey;
use crate::read::json::parse_lenient;
use crate::review::Mask;
use crate::store::Line;
use crate::store::Store;

/// Masks by step (`idx`); a step that is not in it is trained on.
pub type Masks = BTreeMap<usize, Mask>;

/// Why a record has no place in an export, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal(pub String);

impl Refusal {
    /// A reason in words.
    pub fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self(fault.unread(""))
    }
}

/// What filter and people say of a record.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Told {
    /// What the filter says; `None` where there is none. Asked of every record for formats that tell it.
    pub verdict: Option<Verdict>,
    /// Why, in words; may be empty.
    pub why: String,
    /// The score that attempts are ranked by, where there is one.
    pub score: Option<f64>,
    /// What people decided: accept, reject, skip or disputed; `None` where nobody did.
    pub decision: Option<&'static str>,
    /// The effective answer.
    pub outcome: Verdict,
}

/// A record and what was read of it so far.
pub struct Subject<'a> {
    store: &'a Store,
    ix: RecordIx,
    /// Masks of its steps; empty for most.
    pub masks: &'a Masks,
    /// What filter and people say of it, as far as the export asked.
    pub told: Option<Told>,
    /// The name of the part that it goes to, where the export is split.
    pub split: Option<&'a str>,
    bytes: OnceCell<Vec<u8>>,
    survey: OnceCell<Option<Survey>>,
    value: OnceCell<Value>,
    trajectory: OnceCell<Arc<Trajectory>>,
}

impl<'a> Subject<'a> {
    /// A record of which nothing was read yet.
    pub(super) fn new(store: &'a Store, ix: RecordIx, masks: &'a Masks) -> Self {
        Self {
            store,
            ix,
            masks,
            told: None,
            split: None,
            bytes: OnceCell::new(),
            survey: OnceCell::new(),
            value: OnceCell::new(),
            trajectory: OnceCell::new(),
        }
    }

    /// Uses a trajectory that was read elsewhere.
    pub(super) fn know(&self, trajectory: Arc<Trajectory>) {
        // what is known already is the same
        let _known = self.trajectory.set(trajectory);
    }

    /// Uses bytes that were read elsewhere.
    pub(super) fn know_bytes(&self, bytes: Vec<u8>) {
        // what is known already is the same
        let _known = self.bytes.set(bytes);
    }

    /// Uses what a first look at its bytes found elsewhere.
    pub(super) fn know_survey(&self, survey: Survey) {
        // what is known already is the same
        let _known = self.survey.set(Some(survey));
    }

    /// The record's number in the store.
    pub fn ix(&self) -> RecordIx {
        self.ix
    }

    /// Its bytes as stored.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn bytes(&self) -> Result<&[u8], Refusal> {
        if self.bytes.get().is_none() {
            let bytes = self.store.load_bytes(self.ix)?;
            let _first = self.bytes.set(bytes);
        }
        Ok(self.bytes.get().map(Vec::as_slice).unwrap_or_default())
    }

    /// Its bytes, and what a first look found in them, where nobody has parsed it yet and it is one plain value. A record that
    /// cannot be read is told as such by those who have to.
    pub(super) fn surveyed(&self) -> Option<(&[u8], &Survey)> {
        if !self.is_unparsed_row() {
            return None;
        }
        let bytes = self.bytes().ok()?;
        let survey = self.survey.get_or_init(|| Survey::of(bytes));
        Some((bytes, survey.as_ref()?))
    }

    /// The line that it is in its file, where that is known and nobody has read it.
    pub(super) fn unread_line(&self) -> Option<Line> {
        if self.bytes.get().is_some() {
            return None;
        }
        self.store.line(self.ix)
    }

    /// Keeps for the next time that its bytes hold no line break.
    pub(super) fn keep_line(&self) {
        self.store.keep_line(self.ix);
    }

    /// Takes its bytes.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn take_bytes(&mut self) -> Result<Vec<u8>, Refusal> {
        match self.bytes.take() {
            Some(bytes) => Ok(bytes),
            None => Ok(self.store.load_bytes(self.ix)?),
        }
    }

    /// Its JSON; a list where it is several lines.
    ///
    /// # Errors
    /// When it cannot be read or is no JSON.
    pub fn value(&self) -> Result<&Value, Refusal> {
        if self.value.get().is_none() {
            let _first = self.value.set(parse(self.bytes()?)?);
        }
        Ok(self.value.get().unwrap_or(&Value::Null))
    }

    /// Its trajectory with what side files say.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn trajectory(&self) -> Result<&Arc<Trajectory>, Refusal> {
        if self.trajectory.get().is_none() {
            // an export comes to a record once, or long after: keeping it would only cost others their place
            let _first = self.trajectory.set(self.store.load_once(self.ix)?);
        }
        self.trajectory
            .get()
            .ok_or_else(|| Refusal::new("cannot be read"))
    }

    /// Its conversation as chat messages: its own where it has some that say what its steps say, else made from them.
    ///
    /// # Errors
    /// When it cannot be read or has no messages.
    pub fn chat(&mut self) -> Result<Chat, Refusal> {
        chat_form::chat(self)
    }

    /// Its conversation as it was recorded, whatever its steps say; made from the steps where there is none.
    ///
    /// # Errors
    /// When it cannot be read or has no messages.
    pub fn recorded(&mut self) -> Result<Chat, Refusal> {
        chat_form::recorded(self)
    }

    /// Whether nobody has parsed it yet and it is one value.
    fn is_unparsed_row(&self) -> bool {
        let is_parsed = self.value.get().is_some() || self.trajectory.get().is_some();
        let entry = self.store.entry(self.ix);
        let is_row = entry.is_some_and(|e| matches!(e.layout, Layout::Rows | Layout::Whole));
        is_row && !is_parsed
    }

    /// Parses it for its conversation alone, where nobody has parsed it yet and it is one value; `None` else.
    ///
    /// # Errors
    /// As [`Subject::trajectory`].
    pub(super) fn tell(&mut self) -> Result<Option<Decoded>, Refusal> {
        if !self.is_unparsed_row() {
            return Ok(None);
        }
        Ok(Some(self.store.tell(self.ix, self.bytes.take())?))
    }

    /// The trajectory as far as its conversation goes.
    ///
    /// # Errors
    /// As [`Subject::trajectory`].
    pub(super) fn conversation(&self, told: Decoded) -> Result<Trajectory, Refusal> {
        Ok(self.store.conversation(self.ix, told)?)
    }

    /// Whether its messages alone decide what its conversation is: nobody masked steps, and no side file knows it.
    pub(super) fn is_plain(&self) -> bool {
        self.masks.is_empty() && self.store.is_alone(self.ix)
    }

    /// What it is called in `instance_id` columns.
    pub fn instance_id(&self) -> String {
        self.trajectory().map_or_else(
            |_| String::new(),
            |t| t.task_id.clone().unwrap_or_else(|| t.id.clone()),
        )
    }

    /// Reads the trajectory before the conversation, where ids are asked for: the conversation is part of it then.
    pub(super) fn know_ids(&self, context: &Context) {
        if context.with_ids {
            // whoever asks for it next is told what is wrong with it
            let _known = self.trajectory();
        }
    }

    /// Adds `instance_id` and `resolved` to a row, where they were asked for.
    pub fn add_ids(&self, row: &mut Map<String, Value>, context: &Context) {
        if !context.with_ids {
            return;
        }
        let resolved = self.trajectory().ok().and_then(|t| t.outcome.resolved);
        row.insert("instance_id".to_owned(), json!(self.instance_id()));
        row.insert("resolved".to_owned(), json!(resolved));
    }

    /// The mask of step `idx`.
    pub fn mask(&self, idx: usize) -> Mask {
        self.masks.get(&idx).copied().unwrap_or(Mask::Train)
    }
}

/// One value, or the lines of a session as a list.
fn parse(bytes: &[u8]) -> Result<Value, Fault> {
    let whole = parse_lenient(bytes, 0, &mut Vec::new());
    if whole.is_ok() || !bytes.contains(&b'\n') {
        return whole;
    }
    let lines: Result<Vec<Value>, Fault> = bytes
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.trim_ascii().is_empty())
        .map(|line| parse_lenient(line, 0, &mut Vec::new()))
        .collect();
    lines.map(Value::Array).or(whole)
}
