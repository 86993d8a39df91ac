//! Placeholder; the readers of side files are being written.

use crate::model::Fault;
use crate::model::Format;
use crate::model::Trajectory;
use crate::read::Doc;
use crate::read::Layout;
use crate::read::Probe;
use crate::read::Reader;

/// Predictions.
pub(super) const PREDICTION: Reader = Reader {
    format: Format::Prediction,
    sniff,
    parse,
};
/// Reports.
pub(super) const REPORT: Reader = Reader {
    format: Format::Report,
    sniff,
    parse,
};
/// Tasks.
pub(super) const TASK: Reader = Reader {
    format: Format::Task,
    sniff,
    parse,
};
/// Verdicts.
pub(super) const VERDICT: Reader = Reader {
    format: Format::Verdict,
    sniff,
    parse,
};

fn sniff(_probe: &Probe<'_>) -> Option<Layout> {
    None
}

fn parse(_doc: Doc) -> Result<Trajectory, Fault> {
    Err(Fault::new("not read yet"))
}
