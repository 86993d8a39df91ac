//! Side files: predictions, evaluation reports, task rows and verdicts (formats.md §12 and §13).
//!
//! Opened alone, their rows are records without steps; opened beside trajectories, [`SideData`] joins what they say
//! by `instance_id`. Everything here is pure: the store finds the files and cuts their records. None of these formats
//! is taken when the value carries a conversation of its own.

mod data;
mod prediction;
mod report;
mod score;
mod task;
mod verdict;

pub use data::SideData;
pub use data::SideFile;
pub use data::apply;
pub use data::names_of;
pub use score::ScoreOf;
pub use score::score_row;

use crate::model::Format;
use crate::model::Value;
use crate::read::Doc;
use crate::read::Layout;
use crate::read::Probe;
use crate::read::Reader;
use crate::read::Shape;

/// Predictions: a patch for an instance, as rows or keyed by id.
pub(super) const PREDICTION: Reader = Reader {
    format: Format::Prediction,
    sniff: |probe| rows_or_keyed(probe, prediction::is_prediction, prediction::is_keyed_body),
    parse: prediction::parse,
    head: None,
    sketch: None,
};

/// Evaluation reports: of a run, of an instance, of a test run.
pub(super) const REPORT: Reader = Reader {
    format: Format::Report,
    sniff: report::sniff,
    parse: report::parse,
    head: None,
    sketch: None,
};

/// Task rows.
pub(super) const TASK: Reader = Reader {
    format: Format::Task,
    sniff: |probe| rows_or_keyed(probe, task::is_task, task::is_task),
    parse: task::parse,
    head: None,
    sketch: None,
};

/// Verdict rows and lists of failed ids.
pub(super) const VERDICT: Reader = Reader {
    format: Format::Verdict,
    sniff: verdict::sniff,
    parse: verdict::parse,
    head: None,
    sketch: None,
};

/// Whether the value holds a run: then it is a trajectory, whatever else it says.
fn has_run(value: &Value) -> bool {
    const RUN_KEYS: [&str; 7] = [
        "messages",
        "trajectory",
        "history",
        "conversations",
        "steps",
        "raw_completions",
        "samples",
    ];
    RUN_KEYS
        .into_iter()
        .any(|key| value.get(key).is_some_and(|field| !field.is_null()))
}

/// Rows of values that are `is_row`, or one object whose members all are `is_body`.
fn rows_or_keyed(
    probe: &Probe<'_>,
    is_row: fn(&Value) -> bool,
    is_body: fn(&Value) -> bool,
) -> Option<Layout> {
    let first = probe.values.first()?;
    match probe.shape {
        Shape::Events => None,
        Shape::Object if is_row(first) => Some(Layout::Whole),
        Shape::Object => is_keyed(first, is_body).then_some(Layout::Keyed),
        Shape::Lines | Shape::Array | Shape::Table => is_row(first).then_some(Layout::Rows),
    }
}

/// Whether the value is an object with members, all of which are `is_body`.
fn is_keyed(value: &Value, is_body: fn(&Value) -> bool) -> bool {
    value
        .as_object()
        .is_some_and(|members| !members.is_empty() && members.values().all(is_body))
}

/// The name of the folder that holds the document's file: what instance reports without an id are named by.
fn folder_name(doc: &Doc) -> Option<String> {
    let place = doc.source.member.as_deref().map(std::path::Path::new);
    let path = place
        .filter(|member| {
            member
                .parent()
                .is_some_and(|dir| !dir.as_os_str().is_empty())
        })
        .unwrap_or(&doc.source.path);
    let name = path.parent()?.file_name()?;
    Some(name.to_string_lossy().into_owned())
}

/// Where the record begins, for faults.
fn start_of(doc: &Doc) -> u64 {
    doc.rows.first().map_or(0, |row| row.span.start)
}

/// The key of a keyed record. A record that is a whole file has the file's name in its place, which names nothing.
fn key_of(doc: &Doc) -> Option<String> {
    let name = &doc.rows.first()?.name;
    let place = doc.source.member.as_deref().map(std::path::Path::new);
    let file = place.unwrap_or(&doc.source.path).file_name();
    let is_file = file.is_some_and(|file| file == name.as_str());
    (!name.is_empty() && !is_file).then(|| name.clone())
}

#[cfg(test)]
mod tests;
