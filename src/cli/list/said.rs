//! What filters and people say of a record, and what came of its replays: out of the index where that knows it, else of the
//! record.

use std::collections::BTreeMap;

use crate::behave::flags::Chosen;
use crate::cancel::Cancel;
use crate::cli::list::ListReplay;
use crate::model::ContentHash;
use crate::model::Flag;
use crate::model::FlagKind;
use crate::model::RecordIx;
use crate::model::Summary;
use crate::query::sort::Replayed;
use crate::query::sort::Verdicts;
use crate::replay::results::Brief;
use crate::replay::results::Results;
use crate::review::Choice;
use crate::review::Ledger;
use crate::store::Store;
use crate::verify::RULED;
use crate::verify::Rules;
use crate::verify::cache::Cache;
use crate::verify::check::Tools;
use crate::verify::check::all_flags;
use crate::verify::check::check;
use crate::verify::noted;

/// What filters and people say of a record.
#[derive(Default)]
pub(super) struct Said {
    pub(super) verdicts: Option<Verdicts>,
    pub(super) decisions: BTreeMap<String, Choice>,
    pub(super) replay: Option<ListReplay>,
    pub(super) rank: Option<Replayed>,
    pub(super) flags: Vec<String>,
}

impl Said {
    /// `chosen`: the flags to look for, where they are wanted: they need all of every record. The ledger and the results
    /// are empty where nobody wants them.
    pub(super) fn new(
        store: &Store,
        (ix, row): (RecordIx, &Summary),
        wants_verdicts: bool,
        (ledger, results): (&Ledger, &Results),
        (cache, chosen): (&Cache, Option<&Chosen>),
    ) -> Self {
        let is_judged = wants_verdicts && row.task_kind.is_some_and(|kind| RULED.contains(&kind));
        let has_voices = !ledger.reviewers().is_empty();
        let is_attempt = row.is_attempt();
        let wants_flags = chosen.is_some() && is_attempt;
        let is_asked = is_judged || has_voices || wants_flags || !results.is_empty();
        if row.fault.is_some() || !is_asked {
            return Self::default();
        }
        let mut said = Self::default();
        let rules: &[Rules] = if is_judged {
            &[Rules::Published, Rules::Strict]
        } else {
            &[]
        };
        let wanted = (rules, chosen.filter(|_| is_attempt));
        let judged = if is_judged || wants_flags {
            known(store, ix, wanted).or_else(|| read(store, ix, wanted, cache))
        } else {
            let hash = store.content_hash(ix).ok();
            hash.map(|hash| (hash, None, Vec::new()))
        };
        let Some((hash, verdicts, flags)) = judged else {
            return said;
        };
        said.verdicts = verdicts;
        said.flags = flags.iter().map(flag_words).collect();
        if !results.is_empty() {
            let brief = results.brief(hash);
            (said.replay, said.rank) = (brief.map(ListReplay::of), brief.map(Brief::rank));
        }
        for (name, state) in ledger.states(hash) {
            if let Some(choice) = state.decision {
                said.decisions.insert(name.to_string(), choice);
            }
            if state.flag {
                said.flags.push(format!("flagged by {name}"));
            }
        }
        said
    }

    /// What all who decided say.
    pub(super) fn decision(&self) -> Option<Choice> {
        let mut choices = self.decisions.values();
        let first = choices.next()?;
        choices.all(|other| other == first).then_some(*first)
    }
}

/// A record's content, its verdicts where rules were asked for, and its flags.
type Judged = (ContentHash, Option<Verdicts>, Vec<Flag>);

/// What is known of a record without reading it.
fn known(
    store: &Store,
    ix: RecordIx,
    (rules, chosen): (&[Rules], Option<&Chosen>),
) -> Option<Judged> {
    let hash = store.known_content(ix)?;
    let mut verdicts = None;
    if !rules.is_empty() {
        verdicts = Some(Verdicts {
            published: noted::judgement(store, ix, Rules::Published)?.0,
            strict: noted::judgement(store, ix, Rules::Strict)?.0,
        });
    }
    let mut flags = noted::flags(store, ix)?;
    flags.retain(|flag| match chosen {
        Some(chosen) => chosen.has(flag.flag),
        None => flag.flag == FlagKind::PromptLeak,
    });
    Some((hash, verdicts, flags))
}

/// The same of a record that has to be read.
fn read(
    store: &Store,
    ix: RecordIx,
    (rules, chosen): (&[Rules], Option<&Chosen>),
    cache: &Cache,
) -> Option<Judged> {
    let head = store.load_head(ix).ok()?;
    let tools = Tools {
        program: None,
        rules,
        cache: Some(cache),
        repositories: None,
        flags: None,
        hashes: false,
    };
    let (whole, cancel) = (|| store.load(ix), Cancel::new());
    let checked = check(&head, &whole, &tools, &cancel);
    noted::keep(store, ix, &head, &checked, rules);
    let verdicts = (!rules.is_empty()).then_some(Verdicts {
        published: checked.published.verdict,
        strict: checked.strict.verdict,
    });
    let Some(chosen) = chosen else {
        return Some((head.hash(), verdicts, checked.flags));
    };
    let mut flags = all_flags(&head, &whole, Some(cache), &cancel);
    noted::keep_flags(store, ix, &flags);
    flags.retain(|flag| chosen.has(flag.flag));
    Some((head.hash(), verdicts, flags))
}

/// A flag in words: its name, its step, why.
fn flag_words(flag: &Flag) -> String {
    let name = flag.flag.name();
    match flag.step {
        Some(step) => format!("{name} at step {step}: {}", flag.why),
        None => format!("{name}: {}", flag.why),
    }
}
