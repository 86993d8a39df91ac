//! Readers: one file per producer family, from bytes to the common model. No I/O.
//!
//! A source (file, folder, archive) is told by content: [`sniff`] looks at its first values and names the family and
//! how the source divides into records ([`Layout`]). The store cuts records accordingly and hands each one as a
//! [`RawRecord`] to [`parse`], which decodes the JSON leniently, tells the family again per record, lets the family's
//! reader build a [`Trajectory`], and fills in what can be derived the same way for all ([`understand`]).
//! To add a family: a file here, a row in [`READERS`], a folder in `samples/`.

pub mod json;
pub mod side;
pub mod understand;

mod adp;
mod atif;
mod chat;
mod claude_code;
mod codex;
mod common;
mod finish;
mod inspect;
mod mini_swe_agent;
mod openhands_v0;
mod openhands_v1;
mod outline;
mod rewrite;
mod stops;
mod swe_agent;
#[cfg(test)]
pub(crate) mod testing;
mod text_calls;
mod verbatim;

pub use outline::Item;
pub use rewrite::rewrite_text;
pub use text_calls::split_calls;
pub use verbatim::Survey;
pub use verbatim::Verbatim;
pub use verbatim::text_of;

use crate::model::Fault;
use crate::model::Format;
use crate::model::Note;
use crate::model::Source;
use crate::model::Span;
use crate::model::Summary;
use crate::model::Trajectory;
use crate::model::Value;
use crate::read::outline::Outline;

/// How a source divides into records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Layout {
    /// Each line, array element or table row is a record.
    Rows,
    /// All lines, elements or event files together are one record.
    Session,
    /// One object, one record.
    Whole,
    /// One object whose `samples` are the records; the rest of the object is the header of each.
    Samples,
    /// One object whose members are records, named by their key.
    Keyed,
}

/// What a source looks like from outside, once its container is off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shape {
    /// Several JSON values, a line each.
    Lines,
    /// One JSON array; the probe's values are its first elements.
    Array,
    /// One JSON object; it is the probe's only value. Also a single record that is told on its own.
    Object,
    /// A folder of event files; the probe's values are the first of them, in order.
    Events,
    /// Rows of a table (Parquet).
    Table,
}

/// What a sniff may look at.
#[derive(Debug, Clone, Copy)]
pub struct Probe<'a> {
    /// The first values, at most [`Probe::VALUES`]; long arrays and texts in them may be cut short
    /// ([`json::skeleton`]). Lines that do not parse are left out. May be empty.
    pub values: &'a [Value],
    /// Where they come from.
    pub shape: Shape,
}

impl Probe<'_> {
    /// How many values a probe holds at most.
    pub const VALUES: usize = 8;
}

/// A family of producers.
#[derive(Debug)]
pub struct Reader {
    /// The family.
    pub format: Format,
    /// Says how the source divides, or `None` when it is not of this family. Asks for two discriminators where
    /// formats overlap (formats.md §0).
    pub sniff: fn(&Probe<'_>) -> Option<Layout>,
    /// Builds the trajectory. Sets `source.variant`; leaves `idx`, classes, edits and views to [`understand`],
    /// unless the format states them (before/after texts, say).
    pub parse: fn(Doc) -> Result<Trajectory, Fault>,
    /// Leaves out of a record the steps that say nothing of the run as a whole: `parse` must make the same task,
    /// instruction, patch, answer, outcome and ids of what is left, and every sniff must answer the same. `None` when
    /// there are none or the record is not surely of this family. Families without it are read whole.
    head: Option<fn(&Outline<'_>) -> Option<Value>>,
    /// The same for [`Sketch`]: what is left of a record must also give the same model, tokens and cost, and as many model
    /// responses as are not counted.
    sketch: Option<fn(&Outline<'_>) -> Option<Sketched>>,
}

/// What is left of a record for its [`Sketch`].
#[derive(Debug)]
struct Sketched {
    /// The record.
    value: Value,
    /// Model responses that it lacks.
    responses: usize,
}

impl Sketched {
    /// A record that lacks results of calls only.
    fn without_results(value: Value) -> Self {
        Self {
            value,
            responses: 0,
        }
    }
}

/// All readers, in the order in which they are asked; the first that accepts wins.
pub const READERS: &[Reader] = &[
    inspect::READER,
    atif::READER,
    mini_swe_agent::READER,
    swe_agent::READER,
    openhands_v0::READER,
    openhands_v1::READER,
    codex::READER,
    claude_code::READER,
    adp::READER,
    chat::READER,
    side::PREDICTION,
    side::REPORT,
    side::TASK,
    side::VERDICT,
];

/// What stands between the results of several calls where one message holds them all, as `LLaMA-Factory` joins them.
pub const RESULT_DIVIDER: &str = "\n</tool_response>\n<tool_response>\n";

/// What a part of a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PartRole {
    /// The record itself.
    Main,
    /// What surrounds it in its file: an Inspect header, as one object.
    Header,
    /// One event file of a folder, in order.
    Event,
    /// A file about the record: `metadata.json`, `base_state.json`, `agent-….meta.json`, `result.json`.
    Meta,
    /// A file that holds a child trajectory: a sub-agent's session, a referenced ATIF file.
    Child,
}

/// A stretch of bytes that belongs to a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawPart {
    /// File or member name without folders, or the key of a keyed record; empty for rows.
    pub name: String,
    /// What it is.
    pub role: PartRole,
    /// Where `bytes` start in their decompressed file.
    pub start: u64,
    /// The bytes as stored.
    pub bytes: Vec<u8>,
}

impl RawPart {
    /// Whether it is the record itself, or an event of it, rather than a file about it.
    pub fn is_own(&self) -> bool {
        matches!(self.role, PartRole::Main | PartRole::Event)
    }
}

/// A record as the store cut it.
#[derive(Debug, Clone, PartialEq)]
pub struct RawRecord {
    /// Where it lies; `format` is the family of the whole source where that was told.
    pub source: Source,
    /// How its source divides.
    pub layout: Layout,
    /// How its source looks.
    pub shape: Shape,
    /// Its bytes; at least one part, the main ones (or events) in order.
    pub parts: Vec<RawPart>,
}

impl RawRecord {
    /// The parts that are the record itself, in order.
    pub fn own_parts(&self) -> impl Iterator<Item = &RawPart> {
        self.parts.iter().filter(|part| part.is_own())
    }
}

/// One JSON value of a record.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Name of the part it comes from; see [`RawPart::name`].
    pub name: String,
    /// The value.
    pub value: Value,
    /// Its bytes in the decompressed source.
    pub span: Span,
}

/// A file beside the main one, decoded.
#[derive(Debug, Clone, PartialEq)]
pub struct Sibling {
    /// File name without folders.
    pub name: String,
    /// Meta or child.
    pub role: PartRole,
    /// Its values: one for a JSON file, one per line for JSONL.
    pub rows: Vec<Row>,
}

/// A record, decoded: what a reader gets. Readers take strings out of it rather than copying them.
#[derive(Debug, Clone, PartialEq)]
pub struct Doc {
    /// Where it lies.
    pub source: Source,
    /// How its source looked.
    pub shape: Shape,
    /// The record's values: one for rows, samples, keyed and whole layouts; all of them for sessions, at least one.
    pub rows: Vec<Row>,
    /// The header, where the layout has one.
    pub header: Option<Value>,
    /// Files that belong to the record.
    pub siblings: Vec<Sibling>,
    /// What decoding noticed; the reader carries them into the trajectory.
    pub notes: Vec<Note>,
}

impl Doc {
    /// Takes the value of a record that has exactly one; the first one otherwise.
    pub fn take_value(&mut self) -> Value {
        self.rows
            .first_mut()
            .map(|row| row.value.take())
            .unwrap_or_default()
    }

    /// Starts the trajectory of this record: source with `variant`, and the notes so far.
    pub fn begin(&mut self, format: Format, variant: &str) -> Trajectory {
        let mut source = std::mem::take(&mut self.source);
        source.format = Some(format);
        source.variant = Some(variant.to_owned());
        Trajectory {
            source,
            notes: std::mem::take(&mut self.notes),
            ..Trajectory::default()
        }
    }
}

/// Tells the family of a source and how it divides into records; `None` when no reader knows it.
pub fn sniff(probe: &Probe<'_>) -> Option<(Format, Layout)> {
    READERS
        .iter()
        .find_map(|reader| (reader.sniff)(probe).map(|layout| (reader.format, layout)))
}

/// Reads one record.
///
/// # Errors
/// The fault with its byte when the record does not parse or no reader knows it.
pub fn parse(raw: RawRecord) -> Result<Trajectory, Fault> {
    let mut trajectory = parse_bare(raw)?;
    finish::complete(&mut trajectory);
    Ok(trajectory)
}

/// Reads one record for its row of the list: all that a summary keeps is as [`parse`] gives it. Actions have their
/// class, command and failure, but neither edits nor views; long results may lack their middle.
///
/// # Errors
/// As [`parse`].
pub fn parse_for_row(raw: RawRecord) -> Result<Trajectory, Fault> {
    let mut trajectory = parse_bare(shortened(raw))?;
    finish::complete_for_row(&mut trajectory);
    Ok(trajectory)
}

/// A record without the middles of very long results.
fn shortened(mut raw: RawRecord) -> RawRecord {
    let is_simple = matches!(raw.layout, Layout::Rows | Layout::Whole);
    for part in raw.parts.iter_mut().filter(|_| is_simple) {
        if part.role == PartRole::Main
            && let Some(short) = outline::without_middles(&part.bytes)
        {
            part.bytes = short;
        }
    }
    raw
}

/// A record as far as some fields of its row go.
#[derive(Debug, Clone, PartialEq)]
pub struct Sketch {
    /// Ids, task, outcome, patch, model, tokens and cost as [`parse`] gives them; steps, children and notes may be those
    /// of a part of the record, and no action has an outcome.
    pub trajectory: Trajectory,
    /// Model responses that are not among the steps.
    left_out: usize,
}

impl Sketch {
    /// The row of the list, but for what is said of actions, children, time and the variant of the format.
    pub fn summary(&self) -> Summary {
        let mut row = Summary::of(&self.trajectory).sketched();
        row.steps += self.left_out;
        row
    }
}

/// Reads of a record what [`Sketch`] says, and as little else as its family allows.
///
/// # Errors
/// As [`parse`].
pub fn parse_sketch(raw: RawRecord) -> Result<Sketch, Fault> {
    let sketched = parse_part(&raw, |reader, outline| {
        let Sketched { value, responses } = (reader.sketch?)(outline)?;
        Some((value, responses))
    });
    let (mut trajectory, left_out) = match sketched {
        Some((trajectory, left_out, _survey)) => (trajectory, left_out),
        None => (parse_bare(shortened(raw))?, 0),
    };
    finish::fill_run(&mut trajectory);
    Ok(Sketch {
        trajectory,
        left_out,
    })
}

/// A record whose JSON is parsed and whose family is told.
#[derive(Debug)]
pub struct Decoded {
    doc: Doc,
    layout: Layout,
    reader: &'static Reader,
    start: Option<u64>,
}

impl Decoded {
    /// Its family.
    pub fn format(&self) -> Format {
        self.reader.format
    }

    /// Its JSON, where it is one value and nothing else belongs to it. What is taken out of it the trajectory will lack.
    pub fn only_value(&mut self) -> Option<&mut Value> {
        let is_simple = matches!(self.layout, Layout::Rows | Layout::Whole);
        let is_alone = self.doc.header.is_none() && self.doc.siblings.is_empty();
        match self.doc.rows.as_mut_slice() {
            [row] if is_simple && is_alone => Some(&mut row.value),
            _ => None,
        }
    }

    /// The trajectory as far as its conversation goes: what was said, called and answered, numbers of steps and outcomes of
    /// calls are as [`parse`] gives them; actions have neither edits nor views, children are as their reader left them.
    ///
    /// # Errors
    /// As [`parse`].
    pub fn conversation(self) -> Result<Trajectory, Fault> {
        let mut trajectory = self.bare()?;
        finish::complete_for_conversation(&mut trajectory);
        Ok(trajectory)
    }

    /// As the reader gives it, before what is the same for all.
    fn bare(self) -> Result<Trajectory, Fault> {
        let start = self.start;
        (self.reader.parse)(self.doc).map_err(|fault| Fault {
            byte: fault.byte.or(start),
            ..fault
        })
    }
}

/// Reads one record as its reader does, before what is the same for all.
fn parse_bare(raw: RawRecord) -> Result<Trajectory, Fault> {
    tell(raw)?.bare()
}

/// Parses the JSON of one record and tells its family.
///
/// # Errors
/// As [`parse`].
pub fn tell(raw: RawRecord) -> Result<Decoded, Fault> {
    let hint = raw.source.format;
    let layout = raw.layout;
    let start = raw.parts.first().map(|part| part.start);
    let doc = json::decode(raw)?;
    let told = match layout {
        Layout::Rows | Layout::Whole => told_by_value(&doc),
        Layout::Session | Layout::Samples | Layout::Keyed => None,
    };
    let format = told.or(hint).or_else(|| told_by_value(&doc));
    let reader = format.and_then(|format| READERS.iter().find(|reader| reader.format == format));
    match reader {
        Some(reader) => Ok(Decoded {
            doc,
            layout,
            reader,
            start,
        }),
        None => Err(Fault {
            why: "no known trajectory format".to_owned(),
            byte: start,
        }),
    }
}

/// Reads what filters need of a record: task, instruction, patch, answer, outcome and ids, each as [`parse`] gives it.
/// Steps, children, totals and notes are those of a part of the record. `None` when only [`parse`] can tell, because the
/// family has no such way or the record is unusual.
pub fn parse_head(raw: &RawRecord) -> Option<(Trajectory, Survey)> {
    let (mut trajectory, (), survey) = parse_part(raw, |reader, outline| {
        (reader.head?)(outline).map(|value| (value, ()))
    })?;
    finish::complete(&mut trajectory);
    Some((trajectory, survey))
}

/// Reads what the first reader that knows how takes of a record, with what it says of that. `None` when there is none, or
/// what was taken is not of its family.
fn parse_part<T>(
    raw: &RawRecord,
    take: impl Fn(&Reader, &Outline<'_>) -> Option<(Value, T)>,
) -> Option<(Trajectory, T, Survey)> {
    let [part] = raw.parts.as_slice() else {
        return None;
    };
    if part.role != PartRole::Main || !matches!(raw.layout, Layout::Rows | Layout::Whole) {
        return None;
    }
    let outline = Outline::of(&part.bytes)?;
    let (reader, (value, said)) = READERS
        .iter()
        .find_map(|reader| Some((reader, take(reader, &outline)?)))?;
    let survey = Survey {
        format: reader.format,
        places: outline.into_places(),
    };
    let doc = Doc {
        source: raw.source.clone(),
        shape: raw.shape,
        rows: vec![Row {
            name: part.name.clone(),
            value,
            span: Span::new(part.start, part.start + part.bytes.len() as u64),
        }],
        header: None,
        siblings: Vec::new(),
        notes: Vec::new(),
    };
    if told_by_value(&doc) != Some(reader.format) {
        return None;
    }
    let trajectory = (reader.parse)(doc).ok()?;
    Some((trajectory, said, survey))
}

fn told_by_value(doc: &Doc) -> Option<Format> {
    format_of(&doc.rows.first()?.value)
}

/// The family of a record that is one value.
fn format_of(value: &Value) -> Option<Format> {
    let probe = Probe {
        values: std::slice::from_ref(value),
        shape: Shape::Object,
    };
    sniff(&probe).map(|(format, _)| format)
}

#[cfg(test)]
mod tests;
