//! The driver: reads records in parallel, keeps their facts, and puts them together.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::sync::Arc;

use rayon::iter::IntoParallelRefIterator as _;
use rayon::iter::ParallelIterator as _;
use rayon::slice::ParallelSlice as _;

use crate::behave;
use crate::behave::flags::Chosen;
use crate::cancel::Cancel;
use crate::model::ContentHash;
use crate::model::Fault;
use crate::model::FlagKind;
use crate::model::RecordIx;
use crate::model::Summary;
use crate::model::Text;
use crate::model::Trajectory;
use crate::model::Verdict;
use crate::review::Ledger;
use crate::review::Policy;
use crate::review::State;
use crate::review::people;
use crate::stats::facts::Amounts;
use crate::stats::facts::Conduct;
use crate::stats::facts::Facts;
use crate::stats::facts::FlagSet;
use crate::stats::facts::Judged;
use crate::stats::facts::Names;
use crate::stats::facts::Said;
use crate::stats::facts::Subject;
use crate::stats::group::GroupBy;
use crate::stats::group::Key;
use crate::stats::group::Selection;
use crate::stats::group::keys;
use crate::stats::report::Coverage;
use crate::stats::report::Group;
use crate::stats::report::Stats;
use crate::stats::report::agreement;
use crate::stats::report::coverage;
use crate::stats::tally::Tally;
use crate::store::Head;
use crate::store::Store;
use crate::verify::check::Checked;
use crate::verify::filter::Filter;

/// Records that are read between two words about the progress.
const BATCH: usize = 32;
/// Records of which one thread makes a tally.
const PART: usize = 4096;

/// What judges a record, by its head and all of it.
pub type Check<'a> = &'a (dyn Fn(&Head, &Arc<Trajectory>) -> Checked + Sync);

/// Where facts come from.
pub struct Sources<'a> {
    /// The records.
    pub store: &'a Store,
    /// What people decided.
    pub ledger: Option<&'a Ledger>,
    /// How verdicts and decisions make the outcome.
    pub policy: Policy,
    /// Which verdict counts for it.
    pub filter: &'a Filter,
    /// The filters.
    pub check: Check<'a>,
    /// Which flags are counted.
    pub flags: &'a Chosen,
}

/// Facts as far as they were collected, in the order in which the records were asked for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Collected {
    /// Of the records that were read.
    pub facts: Vec<Facts>,
    /// Records that could not be read.
    pub faults: usize,
    /// Records that were asked for.
    pub asked: usize,
    /// Flags that were not counted.
    pub off: FlagSet,
}

impl Collected {
    /// Adds a record, be it one that could not be read.
    pub(super) fn add(&mut self, facts: Option<Facts>, names: &mut Names) {
        match facts {
            Some(mut facts) => {
                names.share(&mut facts);
                self.facts.push(facts);
            }
            None => self.faults += 1,
        }
    }

    /// Records that were looked at so far.
    pub fn done(&self) -> usize {
        self.facts.len() + self.faults
    }
}

/// What became of a record.
pub type Examined = (RecordIx, Result<Facts, Fault>);

/// Reads `records`, some at once, and hands on what statistics need of them, in their order. When cancelled, the rest is
/// missing.
///
/// # Errors
/// Those of `found`.
pub fn examine_each(
    sources: &Sources<'_>,
    records: &[RecordIx],
    cancel: &Cancel,
    found: &mut dyn FnMut(Vec<Examined>) -> crate::error::Result<()>,
) -> crate::error::Result<()> {
    for batch in records.chunks(BATCH) {
        let read =
            |ix: &RecordIx| (!cancel.is_cancelled()).then(|| (*ix, facts(sources, *ix, cancel)));
        let read: Vec<Option<Examined>> = batch.par_iter().map(read).collect();
        // what was being looked at when somebody cancelled may be torn
        if cancel.is_cancelled() {
            break;
        }
        found(read.into_iter().flatten().collect())?;
    }
    Ok(())
}

/// Reads `records` and keeps what statistics need of them. `progress` sees what is there from time to time. When
/// cancelled, the rest is missing.
pub fn collect(
    sources: &Sources<'_>,
    records: &[RecordIx],
    cancel: &Cancel,
    progress: &mut dyn FnMut(&Collected),
) -> Collected {
    let mut collected = Collected {
        asked: records.len(),
        off: FlagKind::ALL
            .into_iter()
            .filter(|kind| !sources.flags.has(*kind))
            .collect(),
        ..Collected::default()
    };
    let mut names = Names::default();
    let mut keep = |found: Vec<Examined>| {
        for (_, found) in found {
            collected.add(found.ok(), &mut names);
        }
        progress(&collected);
        Ok(())
    };
    // what is kept in memory takes everything
    let _never = examine_each(sources, records, cancel, &mut keep);
    collected
}

impl Collected {
    /// The records of a group, in the order in which they were collected.
    pub fn select(&self, selection: &Selection) -> Vec<RecordIx> {
        let flagged = self.facts.iter().zip(flags_of(self));
        let chosen = flagged.filter(|(facts, flags)| {
            let own = keys(&selection.by, facts, *flags);
            own.contains(&selection.key)
        });
        chosen.map(|(facts, _)| facts.record()).collect()
    }
}

fn facts(sources: &Sources<'_>, ix: RecordIx, cancel: &Cancel) -> Result<Facts, Fault> {
    let store = sources.store;
    let head = store.load_whole(ix)?;
    let trajectory = Arc::clone(&head.trajectory);
    let checked = (sources.check)(&head, &trajectory);
    let behaviour = behave::examine(&trajectory, cancel);
    let table = &behaviour.table;
    let flags = behaviour.flags.iter().chain(&checked.flags);
    let summary = Summary::of(&trajectory);
    let short = |text: &Option<String>| text.as_deref().map(name);
    Ok(Facts {
        record: ix.0,
        subject: Subject {
            repo: short(&checked.repo),
            task: short(&checked.task_id),
            task_kind: trajectory.task.as_ref().map(|task| task.kind),
            model: short(&trajectory.model),
            format: trajectory.source.format,
            path: name(&trajectory.source.path.to_string_lossy()),
            patch: checked.patch_hash,
        },
        said: judged(sources, &head, &checked),
        amounts: Amounts {
            steps: summary.steps,
            actions: summary.actions,
            failed_actions: summary.failed_actions,
            tokens: summary.tokens.total(),
            cost: summary.cost,
            duration_s: summary.duration_s,
            patch_lines: summary.patch_lines,
        },
        flags: flags
            .map(|flag| flag.flag)
            .filter(|kind| sources.flags.has(*kind))
            .collect(),
        conduct: Conduct {
            course: behaviour.components.iter().copied().flatten().collect(),
            actions: table.actions_by_component,
            code_steps: table.code_steps,
            test_steps: table.test_steps,
            runs_before: table.runs_before_first_edit,
            runs_after: table.runs_after_last_edit,
            is_mended: table.fail_edit_pass > 0,
            aim: table.aim,
        },
    })
}

/// A name as it is kept: what is longer than any name is cut.
fn name(text: &str) -> Text {
    const LONGEST: usize = 256;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()).into(),
        None => text.into(),
    }
}

fn judged(sources: &Sources<'_>, head: &Head, checked: &Checked) -> Judged {
    let ledger = sources
        .ledger
        .filter(|ledger| !ledger.reviewers().is_empty());
    let states: Vec<(&Text, &State)> = ledger
        .map(|ledger| ledger.states(head.hash()).collect())
        .unwrap_or_default();
    let verdict = sources.filter.verdict(checked);
    Judged {
        resolved: checked.resolved,
        published: checked.published.verdict,
        strict: checked.strict.verdict,
        people: Said::of(&people(&states)),
        outcome: sources.policy.outcome(verdict, &states).verdict,
    }
}

/// The flags of all records, with those that only the others tell: another attempt of the task ends in the same patch.
fn flags_of(collected: &Collected) -> Vec<FlagSet> {
    fn twin(facts: &Facts) -> Option<(&Text, ContentHash)> {
        Some((facts.subject.task.as_ref()?, facts.subject.patch?))
    }
    let all = &collected.facts;
    if collected.off.has(FlagKind::SamePatch) {
        return all.iter().map(|facts| facts.flags).collect();
    }
    let mut counts: HashMap<(&Text, ContentHash), usize> = HashMap::new();
    for twin in all.iter().filter_map(twin) {
        *counts.entry(twin).or_default() += 1;
    }
    all.iter()
        .map(|facts| {
            let twins = twin(facts).and_then(|twin| counts.get(&twin));
            let mut flags = facts.flags;
            if twins.is_some_and(|count| *count > 1) {
                flags.add(FlagKind::SamePatch);
            }
            flags
        })
        .collect()
}

/// The tally of all records and of each group.
type Tallies = (Tally, BTreeMap<Key, Tally>);

fn tally(part: &[(&Facts, FlagSet)], by: &[GroupBy]) -> Tallies {
    let (mut total, mut groups) = Tallies::default();
    for (facts, flags) in part {
        total.add(facts, *flags);
        if by.is_empty() {
            continue;
        }
        for key in keys(by, facts, *flags) {
            groups.entry(key).or_default().add(facts, *flags);
        }
    }
    (total, groups)
}

impl Stats {
    /// Puts facts together. The same facts give the same numbers, whatever ran beside each other.
    pub fn of(collected: &Collected, by: &[GroupBy]) -> Self {
        let flags = flags_of(collected);
        let flagged: Vec<(&Facts, FlagSet)> = collected.facts.iter().zip(flags).collect();
        let parts: Vec<Tallies> = flagged
            .par_chunks(PART)
            .map(|part| tally(part, by))
            .collect();
        let (mut total, mut groups) = Tallies::default();
        for (more, more_groups) in parts {
            total.merge(&more);
            for (key, tally) in more_groups {
                groups.entry(key).or_default().merge(&tally);
            }
        }
        let mut groups: Vec<Group> = groups
            .iter()
            .map(|(key, tally)| Group::of(key.clone(), tally, collected.off))
            .collect();
        // stable: groups of one size stay in the order of their names
        groups.sort_by_key(|group| std::cmp::Reverse(group.records));
        Self {
            by: by.to_vec(),
            asked: collected.asked,
            records: collected.facts.len(),
            faults: collected.faults,
            flags_off: FlagKind::ALL
                .into_iter()
                .filter(|kind| collected.off.has(*kind))
                .collect(),
            agreement: agreement(&total),
            total: Group::of(Key::new(), &total, collected.off),
            groups,
            coverage: [GroupBy::TaskType, GroupBy::Repo]
                .map(|by| covered(by, &collected.facts))
                .into(),
        }
    }
}

fn covered(by: GroupBy, all: &[Facts]) -> Coverage {
    let mut counted: BTreeMap<Option<Text>, [usize; 2]> = BTreeMap::new();
    for facts in all {
        for value in by.values(facts, facts.flags) {
            let counts = counted.entry(value).or_default();
            counts[0] += 1;
            counts[1] += usize::from(facts.said.outcome == Verdict::Accept);
        }
    }
    coverage(by, counted)
}
