//! `--where` as the commands use it: the query, what it may read from, and the records that it takes.

use std::ops::Range;
use std::path::PathBuf;

use rayon::iter::IntoParallelRefIterator as _;
use rayon::iter::ParallelIterator as _;

use crate::cancel::Cancel;
use crate::cli::Output;
use crate::cli::args::SharedArgs;
use crate::cli::records::Progress;
use crate::cli::review;
use crate::config;
use crate::config::Paths;
use crate::error::Result;
use crate::model::RecordIx;
use crate::model::Text;
use crate::review::Ledger;
use crate::review::Place;
use crate::select::Known;
use crate::select::People;
use crate::select::Present;
use crate::select::Replays;
use crate::select::Selector;
use crate::select::Sources;
use crate::store::Store;
use crate::text::human;
use crate::verify::cache::Cache;

/// Records that are asked between two words about the progress.
const BATCH: usize = 128;

/// A query, who asks, and what filters found out before.
pub(super) struct Selection {
    selector: Selector,
    me: Text,
    cache: Cache,
}

/// Reads a query; `what` names where it was typed.
///
/// # Errors
/// *user* with the query and a mark below what is wrong.
pub(super) fn parse(query: &str, what: &str) -> Result<Selector> {
    Selector::parse(query).map_err(|err| err.into_error(query, what))
}

/// The query of `--where`, before anything is read.
///
/// # Errors
/// Those of [`parse`].
pub(super) fn selector(shared: &SharedArgs) -> Result<Option<Selector>> {
    let query = shared.query.as_deref();
    query.map(|query| parse(query, "--where")).transpose()
}

/// All records, or those that the query takes, in the order of the inputs. Journals are read, and what is wrong in them
/// is said, only where it asks for decisions.
///
/// # Errors
/// *user* when the reviewer's name or the place of decisions is none.
pub(super) fn chosen(
    selector: Option<Selector>,
    paths: &[PathBuf],
    store: &Store,
    shared: &SharedArgs,
    output: &mut Output<'_>,
) -> Result<Vec<RecordIx>> {
    chosen_in(0..store.len(), selector, paths, store, shared, output)
}

/// The same of the records at these places: no other is read.
///
/// # Errors
/// Those of [`chosen`].
pub(super) fn chosen_in(
    places: Range<usize>,
    selector: Option<Selector>,
    paths: &[PathBuf],
    store: &Store,
    shared: &SharedArgs,
    output: &mut Output<'_>,
) -> Result<Vec<RecordIx>> {
    let all: Vec<RecordIx> = places.map(RecordIx).collect();
    let Some(selector) = selector else {
        return Ok(all);
    };
    let place = review::place_of(paths, store, shared)?;
    let ledger = if selector.needs().people {
        review::ledger(&place, output)?
    } else {
        Ledger::default()
    };
    let selection = Selection::new(selector, shared)?;
    let people = selection.people(&ledger, &place);
    let sources = selection.sources(store, &people);
    let cancel = Cancel::new();
    let mut taken = Vec::new();
    let mut progress = Progress::new(output);
    for (nth, batch) in all.chunks(BATCH).enumerate() {
        let is_taken = |ix: &&RecordIx| {
            let known = Known::default();
            selection.selector.admits(**ix, &sources, known, &cancel)
        };
        let found: Vec<RecordIx> = batch.par_iter().filter(is_taken).copied().collect();
        taken.extend(found);
        progress.say(|| {
            let done = human::count(nth * BATCH + batch.len());
            format!("asked {done} of {} records", human::count(all.len()))
        });
    }
    progress.clear();
    Ok(taken)
}

impl Selection {
    /// A query of the reviewer whom the arguments or settings name.
    ///
    /// # Errors
    /// *user* when that is no name.
    pub(super) fn new(selector: Selector, shared: &SharedArgs) -> Result<Self> {
        let (settings, _said_when_opened) = config::load(&Paths::of_environment());
        Ok(Self {
            selector,
            me: review::reviewer(shared, &settings)?,
            cache: Cache::open(&Paths::of_environment().cache.join("verify")),
        })
    }

    /// The query.
    pub(super) fn selector(&self) -> &Selector {
        &self.selector
    }

    /// What people say, and who asks.
    pub(super) fn people<'a>(&'a self, ledger: &'a Ledger, place: &'a Place) -> People<'a> {
        People {
            ledger,
            place,
            me: &self.me,
            present: Present::default(),
            replays: Replays::default(),
        }
    }

    /// What it may read from.
    pub(super) fn sources<'a>(&'a self, store: &'a Store, people: &'a People<'a>) -> Sources<'a> {
        Sources {
            store,
            people: Some(people),
            cache: Some(&self.cache),
            program: None,
        }
    }
}
