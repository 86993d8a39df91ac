//! What commands need to decide or to read decisions: the reviewer, the place, what is decided there.

use std::path::PathBuf;

use rayon::iter::IntoParallelIterator as _;
use rayon::iter::ParallelIterator as _;

use crate::cli::Output;
use crate::cli::args::SharedArgs;
use crate::config::Paths;
use crate::config::Settings;
use crate::error::Result;
use crate::model::RecordIx;
use crate::model::Text;
use crate::review::Ledger;
use crate::review::Place;
use crate::review::Present;
use crate::review::Stale;
use crate::review::choose_reviewer;
use crate::store::Store;
use crate::text;

/// Who decides: flag or variable, else the settings, else the user.
pub(super) fn reviewer(shared: &SharedArgs, settings: &Settings) -> Result<Text> {
    choose_reviewer(shared.reviewer.as_deref(), &settings.review)
}

/// Where decisions on these inputs lie.
pub(super) fn place(paths: &[PathBuf], shared: &SharedArgs) -> Result<Place> {
    let data = Paths::of_environment().data;
    Place::of(paths, shared.review_dir.as_deref(), &data)
}

/// [`place`], with what was decided beside any of the files that the store found.
pub(super) fn place_of(paths: &[PathBuf], store: &Store, shared: &SharedArgs) -> Result<Place> {
    Ok(place(paths, shared)?.with_files(store.files()))
}

/// Reads all decisions of the place and says what was passed over.
pub(super) fn ledger(place: &Place, output: &mut Output<'_>) -> Result<Ledger> {
    let ledger = Ledger::load(place);
    for trouble in ledger.troubles() {
        let words = trouble.to_string();
        writeln!(output.err, "hgview: {}", text::clean_line(&words))?;
    }
    Ok(ledger)
}

/// The contents of all records that can be read.
pub(super) fn present(store: &Store) -> Vec<Present> {
    let read = |ix| {
        Some(Present {
            ix,
            sha256: store.content_hash(RecordIx(ix)).ok()?,
            row: store.entry(RecordIx(ix))?.row,
        })
    };
    (0..store.len()).into_par_iter().filter_map(read).collect()
}

/// Decisions on what records of the store, `all` of which are given, were before they were made anew.
pub(super) fn earlier<'a>(
    ledger: &'a Ledger,
    place: &Place,
    store: &Store,
    all: &[Present],
) -> Vec<Stale<'a>> {
    let name = |record: &Present| {
        let ix = RecordIx(record.ix);
        let entry = store.entry(ix)?;
        let (id, member) = (store.summarize(ix).id, entry.member.as_deref());
        Some(place.record(record.sha256, &id, &entry.path, member, entry.row))
    };
    let found = crate::review::earlier(ledger, place, all, name);
    found.into_iter().map(|(_, stale)| stale).collect()
}
