//! Who decides what an export keeps: the policy, a filter, and what people said.

use std::path::PathBuf;

use crate::cancel::Cancel;
use crate::error::Result;
use crate::model::RecordIx;
use crate::model::Verdict;
use crate::review::Ledger;
use crate::review::Place;
use crate::review::Policy;
use crate::select::Known;
use crate::select::Selector;
use crate::select::Sources;
use crate::store::Head;
use crate::store::Store;
use crate::verify::cache::Cache;
use crate::verify::check::Tools;
use crate::verify::check::check;
use crate::verify::check::judgement;
use crate::verify::filter::Filter;
use crate::verify::noted;
use crate::verify::program::RunProgram;
use crate::workspace::repositories::Repositories;

/// What a filter says of a record.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// The verdict.
    pub verdict: Verdict,
    /// Why, in words, one line; may be empty.
    pub why: String,
    /// A score by which attempts are ranked, where there is one.
    pub score: Option<f64>,
}

/// A filter as exports use it.
pub trait Judge: Sync {
    /// The word by which it was asked for.
    fn name(&self) -> String;

    /// Judges a record.
    fn judge(&self, ix: RecordIx, head: &Head) -> Judged;

    /// What [`Judge::judge`] says of a record, the score aside, where that is known without reading it.
    fn known(&self, ix: RecordIx) -> Option<Judged>;

    /// Whether a record is kept of which neither this filter nor anybody else says anything.
    fn is_lenient(&self) -> bool {
        false
    }

    /// The files that it goes by.
    fn files(&self) -> Vec<PathBuf> {
        Vec::new()
    }
}

/// The name of the filter where none was asked for: what the published rules reject is left out, and what they cannot
/// judge is kept.
pub const DEFAULT_FILTER: &str = "published, unjudged kept";

/// A filter as it was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    filter: Filter,
    word: String,
    is_default: bool,
}

impl Asked {
    /// The filter of this word, with the files that it names; the default where there is none.
    ///
    /// # Errors
    /// Those of [`Filter::parse`].
    pub fn parse(word: Option<&str>) -> Result<Self> {
        Ok(Self {
            filter: word.map_or(Ok(Filter::Published), Filter::parse)?,
            word: word.unwrap_or(DEFAULT_FILTER).to_owned(),
            is_default: word.is_none(),
        })
    }
}

/// The automatic filter of `verify` as exports use it.
pub struct Automatic<'a> {
    asked: Asked,
    /// Loads whole trajectories, for rules that need the steps.
    store: &'a Store,
    tools: Tools<'a>,
    /// Ends test programs that still run.
    cancel: Cancel,
}

impl<'a> Automatic<'a> {
    /// Judges the records of a store. Test programs are run by `program`, verdicts are looked up in `cache`; either may
    /// be missing.
    pub fn new(
        asked: Asked,
        store: &'a Store,
        program: Option<&'a dyn RunProgram>,
        cache: Option<&'a Cache>,
        cancel: &Cancel,
    ) -> Self {
        let rules = asked.filter.rules();
        let hashes = asked.filter.goes_by_content();
        Self {
            asked,
            store,
            tools: Tools {
                program,
                rules,
                cache,
                repositories: None,
                flags: None,
                hashes,
            },
            cancel: cancel.clone(),
        }
    }

    /// The same with repositories, out of which the strict rules read files whole, as `verify` does. What is kept beside
    /// the records was judged without them.
    #[must_use]
    pub fn with_repositories(mut self, repositories: &'a Repositories) -> Self {
        self.tools.repositories = Some(repositories).filter(|found| !found.is_empty());
        self
    }
}

impl Judge for Automatic<'_> {
    fn name(&self) -> String {
        self.asked.word.clone()
    }

    fn judge(&self, ix: RecordIx, head: &Head) -> Judged {
        let filter = &self.asked.filter;
        let whole = || self.store.load(ix);
        if let [rules] = filter.rules() {
            let judgement = judgement(*rules, head, &whole, &self.tools, &self.cancel);
            if !self.cancel.is_cancelled() && self.tools.repositories.is_none() {
                noted::keep_judgement(self.store, ix, *rules, (&head.trajectory, &judgement));
            }
            return Judged {
                verdict: judgement.verdict,
                why: noted::reason(&judgement).to_owned(),
                score: head.trajectory.outcome.reward,
            };
        }
        let checked = check(head, &whole, &self.tools, &self.cancel);
        Judged {
            verdict: filter.verdict(&checked),
            why: filter.why_not(&checked).unwrap_or_default(),
            score: filter.score(&checked).or(checked.reward),
        }
    }

    fn known(&self, ix: RecordIx) -> Option<Judged> {
        let [rules] = self.asked.filter.rules() else {
            return None;
        };
        if self.tools.repositories.is_some() {
            return None;
        }
        let (verdict, why) = noted::judgement(self.store, ix, *rules)?;
        Some(Judged {
            verdict,
            why,
            score: None,
        })
    }

    fn is_lenient(&self) -> bool {
        self.asked.is_default
    }

    fn files(&self) -> Vec<PathBuf> {
        match &self.asked.filter {
            Filter::Scores(scores) => vec![scores.path.clone()],
            Filter::Published | Filter::Strict | Filter::Resolved | Filter::Score(_) => Vec::new(),
        }
    }
}

/// A query that says which records the set is made from.
pub struct Selected<'a> {
    /// The query.
    pub selector: &'a Selector,
    /// What it may read from.
    pub sources: Sources<'a>,
    /// Stops it.
    pub cancel: Cancel,
}

impl Selected<'_> {
    /// Whether it takes the record.
    pub(super) fn takes(&self, ix: RecordIx, head: Option<&Head>) -> bool {
        let known = Known {
            head,
            ..Known::default()
        };
        self.selector.admits(ix, &self.sources, known, &self.cancel)
    }
}

/// Who decides.
pub struct Jury<'a> {
    /// The records that are looked at; `None` for all. What is left out here is no part of the set, whatever is said of it.
    pub selected: Option<Selected<'a>>,
    /// How verdicts and decisions make the outcome.
    pub policy: Policy,
    /// The filter; without one everything that nobody rejected is kept.
    pub filter: Option<&'a dyn Judge>,
    /// What people decided; `None` where there are no decisions.
    pub ledger: Option<&'a Ledger>,
    /// Where they lie, to tell decisions on older versions of the records; `None` where nobody asks.
    pub place: Option<&'a Place>,
    /// The journals that were read for it: the manifest names them.
    pub journals: Vec<PathBuf>,
}

impl Jury<'_> {
    /// Everything is kept.
    pub fn lenient() -> Self {
        Self {
            selected: None,
            policy: Policy::Override,
            filter: None,
            ledger: None,
            place: None,
            journals: Vec::new(),
        }
    }

    /// Whether the filter has a say in some records.
    pub(super) fn judges(&self) -> bool {
        self.filter.is_some() && self.policy != Policy::HumanOnly
    }
}
