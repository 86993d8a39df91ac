//! Export: which records go into a training set, in which form, and the account of what stayed out.
//!
//! [`run`] is all of it: it examines every record (policy, filter, contamination), selects (duplicates, attempts a task,
//! sample), renders by one of [`EXPORTERS`], and writes files and a manifest that names every dropped record with its
//! reason. The same inputs and options give the same bytes: nothing here looks at a clock, and the order is the inputs'.
//! Records stream through; what is kept of each is a few hundred bytes. To add a format: a file here, a row in
//! [`EXPORTERS`], a row in the README.

mod adp;
mod atif;
mod chat;
mod chat_form;
mod chatml;
mod curate;
mod dataset;
mod examine;
mod hashes;
mod jury;
mod manifest;
mod options;
mod partition;
mod predictions;
mod python_value;
mod raw;
mod repo;
mod report;
mod run;
pub mod sft;
mod sharegpt;
mod steps;
mod subject;
mod template;
mod tokens;
mod trajectories;
mod verl;
mod write;

use arrow_schema::Schema;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

pub use crate::export::chat_form::Chat;
pub use crate::export::chat_form::Turn;
pub use crate::export::hashes::Early;
pub use crate::export::jury::Asked;
pub use crate::export::jury::Automatic;
pub use crate::export::jury::DEFAULT_FILTER;
pub use crate::export::jury::Judge;
pub use crate::export::jury::Judged;
pub use crate::export::jury::Jury;
pub use crate::export::jury::Selected;
pub use crate::export::options::Context;
pub use crate::export::options::Curation;
pub use crate::export::options::Options;
pub use crate::export::options::Parted;
pub use crate::export::options::Prefer;
pub use crate::export::options::SplitBy;
pub use crate::export::options::SplitPart;
pub use crate::export::options::Target;
pub use crate::export::partition::PartitionBy;
pub use crate::export::report::Dropped;
pub use crate::export::report::Gone;
pub use crate::export::report::LossTold;
pub use crate::export::report::OutputFile;
pub use crate::export::report::RecordLosses;
pub use crate::export::report::Report;
pub use crate::export::report::Stage;
pub use crate::export::report::StaleDecision;
pub use crate::export::run::Progress;
pub use crate::export::run::run;
pub use crate::export::subject::Masks;
pub use crate::export::subject::Refusal;
pub use crate::export::subject::Subject;
pub use crate::export::subject::Told;
pub use crate::export::template::ChatTemplate;
pub use crate::export::tokens::TokenCounter;
pub use crate::export::write::check_report;
pub use crate::export::write::write_report;
use crate::store::Line;

/// An export format.
#[derive(Debug)]
pub struct Exporter {
    /// The word after `--format`.
    pub name: &'static str,
    /// What it is and who reads it, one line.
    pub about: &'static str,
    /// What its files end with.
    pub extension: &'static str,
    /// How its files are made of rows.
    pub form: Form,
    /// Where step masks go.
    pub masks: MaskPlace,
    /// Rows tell what the filter says, also where that does not decide.
    pub tells_verdict: bool,
    /// Makes a record's rows.
    pub render: fn(&mut Subject<'_>, &Context) -> Result<Rendered, Refusal>,
}

/// How files are made of rows.
#[derive(Debug, Clone, Copy)]
pub enum Form {
    /// Bytes as they were read, a line a record.
    Bytes,
    /// JSON, a line a row.
    Lines,
    /// Parquet of these columns.
    Table(fn() -> Schema),
}

/// Where a format has a place for step masks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MaskPlace {
    /// Each turn says whether it is trained on; dropped steps are left out.
    Turns,
    /// Each step carries its mask.
    Steps,
    /// It has none, be it that its rows hold no steps: masks are an error unless they are to be ignored.
    Nowhere,
}

/// All formats, in the order in which help shows them.
pub const EXPORTERS: &[Exporter] = &[
    raw::EXPORTER,
    sft::EXPORTER,
    chat::EXPORTER,
    sharegpt::EXPORTER,
    chatml::EXPORTER,
    verl::EXPORTER,
    adp::EXPORTER,
    atif::EXPORTER,
    steps::EXPORTER,
    trajectories::EXPORTER,
    predictions::EXPORTER,
];

/// The format with this name.
pub fn exporter(name: &str) -> Option<&'static Exporter> {
    EXPORTERS.iter().find(|exporter| exporter.name == name)
}

/// Something that a format does not keep of a record, or changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Loss {
    /// What, in words.
    pub what: &'static str,
    /// How often in the record; 1 where it is a matter of the whole.
    pub count: usize,
}

impl Loss {
    /// A loss of the whole record.
    pub fn of(what: &'static str) -> Self {
        Self { what, count: 1 }
    }

    /// A loss in `count` places.
    pub fn counted(what: &'static str, count: usize) -> Self {
        Self { what, count }
    }
}

/// A record in the form of a format.
#[derive(Debug)]
pub struct Rendered {
    /// Its rows.
    pub body: Body,
    /// What they do not say of it.
    pub losses: Vec<Loss>,
}

/// What a record becomes.
#[derive(Debug)]
pub enum Body {
    /// A line, without its end.
    Bytes(Vec<u8>),
    /// A line that is copied as it lies.
    Stored(Line),
    /// A row of JSON, with its line end, and the tokens of its texts as far as they are estimated.
    Written(Vec<u8>, usize),
    /// Rows of JSON or of a table.
    Rows(Vec<Value>),
}

impl Rendered {
    /// One row.
    fn row(row: Value, losses: Vec<Loss>) -> Self {
        Self::rows(vec![row], losses)
    }

    fn rows(rows: Vec<Value>, losses: Vec<Loss>) -> Self {
        Self {
            body: Body::Rows(rows),
            losses,
        }
    }

    fn bytes(bytes: Vec<u8>, losses: Vec<Loss>) -> Self {
        Self {
            body: Body::Bytes(bytes),
            losses,
        }
    }
}
