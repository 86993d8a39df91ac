//! Placeholder; the reader is being written.

use crate::model::Fault;
use crate::model::Format;
use crate::model::Trajectory;
use crate::read::Doc;
use crate::read::Layout;
use crate::read::Probe;
use crate::read::Reader;

pub(super) const READER: Reader = Reader {
    format: Format::OpenHandsV0,
    sniff,
    parse,
};

fn sniff(_probe: &Probe<'_>) -> Option<Layout> {
    None
}

fn parse(_doc: Doc) -> Result<Trajectory, Fault> {
    Err(Fault::new("not read yet"))
}
