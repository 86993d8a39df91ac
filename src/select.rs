//! Queries over records: what each field of [`crate::query`] is in a stored record, read only when it decides something.
//!
//! A [`Selector`] is a query that was understood; [`Sources`] are what it may read from. What the caller knows of a
//! record already is handed over as [`Known`] and is not read again. A query about summaries reads nothing but them,
//! one about decisions hashes the record, one about verdicts asks the filter (and its cache), one about steps loads the
//! trajectory: each only for records that what is cheaper has not decided yet.

mod people;
mod step;
mod subject;

use crate::cancel::Cancel;
use crate::model::RecordIx;
use crate::model::Summary;
use crate::query::Cost;
use crate::query::Fact;
use crate::query::Name;
use crate::query::Query;
use crate::query::QueryError;
use crate::query::Replay;
use crate::query::sort::Verdicts;
use crate::replay::results::Brief;
use crate::select::subject::Subject;
use crate::store::Head;
use crate::store::Store;
use crate::verify::cache::Cache;
use crate::verify::program::RunProgram;

pub use people::People;
pub use people::Present;
pub use people::Replays;
pub use people::Said;

/// A query that records can be asked.
#[derive(Debug, Clone)]
pub struct Selector {
    query: Query,
}

/// What a query needs of each record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needs {
    /// What has to be read at most.
    pub cost: Cost,
    /// What people say: decisions, tags, masks.
    pub people: bool,
    /// What the filters say.
    pub verdicts: bool,
    /// What came of replays.
    pub replays: bool,
}

/// What selecting may read from.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    /// The records.
    pub store: &'a Store,
    /// What people say, where it is not handed over.
    pub people: Option<&'a People<'a>>,
    /// What earlier checks found out.
    pub cache: Option<&'a Cache>,
    /// Runs the test programs of `func_gen`; `None` where nobody allowed it.
    pub program: Option<&'a dyn RunProgram>,
}

/// What is known of a record already.
#[derive(Clone, Default)]
pub struct Known<'a> {
    /// Its row.
    pub summary: Option<&'a Summary>,
    /// Its head.
    pub head: Option<&'a Head>,
    /// What both filters say.
    pub verdicts: Option<Verdicts>,
    /// What people say; an empty one where nobody says anything.
    pub said: Option<Said<'a>>,
    /// What came of it when it was replayed last; `None` where that is not known.
    pub replayed: Option<&'a Brief>,
}

impl Selector {
    /// Reads a query; relative dates are relative to now.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        let now_ms = jiff::Timestamp::now().as_millisecond();
        let query = Query::parse(text, now_ms)?;
        Ok(Self { query })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        self.query.text()
    }

    /// The query.
    pub fn query(&self) -> &Query {
        &self.query
    }

    /// What it needs of each record.
    pub fn needs(&self) -> Needs {
        let is_of_people = |fact| {
            matches!(
                fact,
                Fact::Decision
                    | Fact::Reason
                    | Fact::Tag
                    | Fact::Note
                    | Fact::Flagged
                    | Fact::DecidedAt
                    | Fact::Secs
                    | Fact::Decisions
                    | Fact::Disputed
                    | Fact::Stale
                    | Fact::Outcome
                    | Fact::Replay(_)
                    | Fact::StepMask
            )
        };
        let is_verdict = |fact| matches!(fact, Fact::Published | Fact::Strict | Fact::Outcome);
        Needs {
            cost: self.query.cost(),
            people: self.query.asks(is_of_people),
            verdicts: self.query.asks(is_verdict),
            replays: self.query.asks(|fact| matches!(fact, Fact::Replay(_))),
        }
    }

    /// Whether it asks which decisions were on older versions of their records: the whole data has to be hashed.
    pub fn asks_stale(&self) -> bool {
        self.query.asks(|fact| fact == Fact::Stale)
    }

    /// The first thing it asks for that blind mode hides until one has decided, as it is written: what filters say,
    /// whether the attempt solved its task, what reviewers other than `me` say. `None` where it asks for none.
    pub fn hidden(&self, me: &str) -> Option<String> {
        let is_hidden = |name: &&Name| match name.field.fact {
            Fact::Published
            | Fact::Strict
            | Fact::Outcome
            | Fact::Resolved
            | Fact::Reward
            | Fact::Decisions
            | Fact::Disputed
            | Fact::Replay(Replay::Verified | Replay::IsFlaky) => true,
            Fact::Decision | Fact::Reason | Fact::Tag | Fact::Note => {
                name.param.as_deref().is_some_and(|asked| asked != me)
            }
            _ => false,
        };
        let name = self.query.names().iter().find(is_hidden)?;
        Some(match &name.param {
            Some(param) => format!("{}.{param}", name.field.name),
            None => name.field.name.to_owned(),
        })
    }

    /// Whether a record is taken. What cannot be read is not known, and is taken only by what its row says. An answer
    /// that was cancelled means nothing.
    pub fn admits(
        &self,
        ix: RecordIx,
        sources: &Sources<'_>,
        known: Known<'_>,
        cancel: &Cancel,
    ) -> bool {
        let subject = Subject::new(ix, sources, known, cancel);
        self.query.admits(&subject)
    }
}

#[cfg(test)]
mod tests;
