//! Finds the one record that somebody means by an id or a place.

use std::path::Path;

use crate::cli::Output;
use crate::cli::records;
use crate::error::Error;
use crate::error::Result;
use crate::model::RecordIx;
use crate::model::Summary;
use crate::store::Store;

/// Ids or places that an error lists.
const LISTED: usize = 8;

/// What was typed to name a record.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// The input, for messages.
    pub(super) path: &'a Path,
    /// The record's id, or its task's.
    pub(super) id: Option<&'a str>,
    /// Its place, from 1.
    pub(super) nth: Option<u64>,
    /// The records for which `--where` holds; all of them without one.
    pub(super) among: &'a [RecordIx],
}

impl Wanted<'_> {
    /// The record that was meant. With both an id and a place it is the one at the place, if it has the id.
    ///
    /// # Errors
    /// *user* when there is none, or when several are meant: the error lists them.
    pub(super) fn find(self, store: &Store, output: &mut Output<'_>) -> Result<RecordIx> {
        let path = self.path.display();
        let count = store.len();
        if let Some(nth) = self.nth {
            let ix = usize::try_from(nth).unwrap_or(usize::MAX).saturating_sub(1);
            if ix >= count {
                return Err(Error::user(format!("{path} has no record {nth}"))
                    .hint(format!("it has {count}")));
            }
            let ix = RecordIx(ix);
            if !self.among.contains(&ix) {
                return Err(Error::user(format!(
                    "--where does not hold for record {nth}"
                )));
            }
            return match self.id {
                Some(id) => has_id(store, ix, id).map(|()| ix),
                None => Ok(ix),
            };
        }
        if let Some(id) = self.id {
            return self.by_id(id, store, output);
        }
        let among = match self.among {
            [one] => return Ok(*one),
            [] => return Err(no_match(&path)),
            several => several.len(),
        };
        let which = if among == count {
            ""
        } else {
            " for which --where holds"
        };
        let mut error = Error::user(format!(
            "{path} holds {among} trajectories{which}; say which one with --nth N or --id ID"
        ));
        for ix in self.among.iter().take(LISTED) {
            let id = store.summarize(*ix).id;
            error = error.hint(format!("--nth {} is {id}", ix.0 + 1));
        }
        Err(error.hint(format!("`hgview list {path}` lists them all")))
    }

    /// The one record whose id, or else whose task, is `id`.
    fn by_id(self, id: &str, store: &Store, output: &mut Output<'_>) -> Result<RecordIx> {
        let (mut exact, mut by_task) = (Vec::new(), Vec::new());
        let no_more = |_: RecordIx, _: &Summary| ();
        records::each_summary(store, self.among, output, no_more, |ix, (row, ()), _| {
            if row.id == id {
                exact.push(ix);
            } else if row.task_id.as_deref() == Some(id) {
                by_task.push(ix);
            }
            Ok(())
        })?;
        let found = if exact.is_empty() { by_task } else { exact };
        let path = self.path.display();
        match found.as_slice() {
            [one] => Ok(*one),
            [] => Err(Error::user(format!("no record of {path} has the id {id}"))
                .hint(format!("`hgview list {path}` lists the ids"))),
            several => {
                let mut error = Error::user(format!(
                    "{} records of {path} have the id {id}; say which one",
                    several.len()
                ));
                for ix in several.iter().take(LISTED) {
                    error = error.hint(format!("--nth {}", ix.0 + 1));
                }
                if several.len() > LISTED {
                    error = error.hint(format!("and {} more", several.len() - LISTED));
                }
                Err(error)
            }
        }
    }
}

fn no_match(path: &std::path::Display<'_>) -> Error {
    Error::user(format!("{path} has no record for which --where holds"))
        .hint("`hgview query --explain QUERY` says how it is understood")
}

/// Refuses a record whose id and task are others.
fn has_id(store: &Store, ix: RecordIx, id: &str) -> Result<()> {
    let row = store.summarize(ix);
    if row.id == id || row.task_id.as_deref() == Some(id) {
        return Ok(());
    }
    Err(Error::user(format!("record {} is not {id}", ix.0 + 1)).hint(format!("it is {}", row.id)))
}
