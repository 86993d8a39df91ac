//! How often the rules of `behave` are right, counted against labels that people of two minds made by hand
//! (`tests/data/labels.jsonl`): records named by content hash, steps with their component, flags with their step, a
//! reason each. Half of the records (`tune`) served to tune the rules; the others (`final`) are only counted.
//!
//! Each record was labelled by one of two labellers while the rules were written, which the labellers did not see; how
//! far the two agree was not measured. Where the two had named different steps for the same thing, one convention was
//! settled on later: `unverified` stands at the last source edit, `broken_environment` at the first run that fails of
//! it. A record that was looked into for that belongs to the tuning half.
//!
//! A flag that is on by default is measured and right nine times in ten, without exception; the two flags of the filter
//! are measured by `filter_flags`.
//!
//! What the labeller called doubtful counts neither for nor against a rule. `HGVIEW_MISSES=1` prints the misses of the
//! tuning half.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::fs;
use std::path::Path;

use hgview::behave::Behaviour;
use hgview::behave::examine;
use hgview::behave::flags::FLAGS;
use hgview::cancel::Cancel;
use hgview::model::Component;
use hgview::model::Flag;
use hgview::model::FlagKind;
use hgview::model::RecordIx;
use hgview::model::Trajectory;
use hgview::store::OpenOptions;
use hgview::store::Store;
use serde::Deserialize;

use crate::program::shared;

mod filter_flags;

/// What the README says of the components, less a little: rules may change a label, not the sum.
const LEAST_ACCURACY: f64 = 0.96;
/// A flag that is right less often is not shown by default.
const LEAST_PRECISION: f64 = 0.9;
/// Of the records that rightly have a flag, those that have it at the labelled step; a flag elsewhere leads nowhere.
const LEAST_AT_STEP: f64 = 0.9;
#[derive(Deserialize)]
struct Labels {
    sha256: String,
    half: String,
    steps: Vec<StepLabel>,
    flags: Vec<FlagLabel>,
    doubtful: Vec<FlagLabel>,
}

#[derive(Deserialize)]
struct StepLabel {
    step: usize,
    component: Component,
    why: String,
}

#[derive(Deserialize)]
struct FlagLabel {
    flag: FlagKind,
    /// The step that shows it first; `None` where it is about the record as a whole.
    step: Option<usize>,
    why: String,
}

fn labels() -> Vec<Labels> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/labels.jsonl");
    let text = fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// All records of the corpus.
fn store(corpus: &Path) -> Store {
    let store = Store::open(&OpenOptions {
        paths: vec![corpus.to_path_buf()],
        ..OpenOptions::default()
    })
    .unwrap();
    store.scan(&Cancel::new(), &mut |_| {}).unwrap();
    store
}

/// The labelled records of the corpus.
fn records(corpus: &Path, wanted: &BTreeSet<&str>) -> HashMap<String, std::sync::Arc<Trajectory>> {
    let store = store(corpus);
    let mut found = HashMap::new();
    for ix in (0..store.len()).map(RecordIx) {
        let Ok(head) = store.load_head(ix) else {
            continue;
        };
        let hash = head.hash().to_string();
        if wanted.contains(hash.as_str()) {
            found.insert(hash, store.load(ix).unwrap());
        }
    }
    found
}

/// Right and wrong answers; of flags, records that rightly or wrongly have one.
#[derive(Debug, Default, Clone, Copy)]
struct Count {
    hits: usize,
    extra: usize,
    missed: usize,
    /// Hits of flags that stand at the labelled step, or have a label of the record as a whole.
    at_step: usize,
    /// Flags of the kind, all of a record.
    flags: usize,
}

impl Count {
    /// Counts a case without a step.
    fn add(&mut self, wanted: bool, got: bool) {
        self.hits += usize::from(wanted && got);
        self.missed += usize::from(wanted && !got);
        self.extra += usize::from(!wanted && got);
        self.at_step = self.hits;
    }

    fn precision(self) -> Option<f64> {
        rate(self.hits, self.hits + self.extra)
    }

    fn recall(self) -> Option<f64> {
        rate(self.hits, self.hits + self.missed)
    }
}

#[expect(clippy::cast_precision_loss, reason = "the counts are small")]
fn rate(part: usize, all: usize) -> Option<f64> {
    (all > 0).then(|| part as f64 / all as f64)
}

fn cell(rate: Option<f64>) -> String {
    rate.map_or_else(|| "–".to_owned(), |rate| format!("{rate:.2}"))
}

/// Counts of both halves.
#[derive(Default)]
struct Tally {
    components: BTreeMap<(Component, bool), Count>,
    flags: BTreeMap<(FlagKind, bool), Count>,
    /// Flags that no label is about: what they say can be looked up.
    filter: BTreeMap<FlagKind, Count>,
}

impl Tally {
    fn add(&mut self, labels: &Labels, behaviour: &Behaviour, says: bool) {
        let is_final = labels.half == "final";
        for label in &labels.steps {
            let got = behaviour.components.get(label.step).copied().flatten();
            let is_hit = got == Some(label.component);
            let count = self
                .components
                .entry((label.component, is_final))
                .or_default();
            if is_hit {
                count.hits += 1;
            } else {
                count.missed += 1;
            }
            if let Some(got) = got.filter(|_| !is_hit) {
                self.components.entry((got, is_final)).or_default().extra += 1;
            }
            if !is_hit && says && !is_final {
                eprintln!(
                    "{} step {}: {got:?}, labelled {:?}: {}",
                    labels.sha256, label.step, label.component, label.why
                );
            }
        }
        for rule in FLAGS {
            self.add_flags(rule.kind, labels, behaviour, says && !is_final);
        }
    }

    fn add_flags(&mut self, kind: FlagKind, labels: &Labels, behaviour: &Behaviour, says: bool) {
        let of_kind = |labels: &[FlagLabel]| labels.iter().any(|label| label.flag == kind);
        let wanted: Vec<&FlagLabel> = labels
            .flags
            .iter()
            .filter(|label| label.flag == kind)
            .collect();
        let got: Vec<&Flag> = behaviour
            .flags
            .iter()
            .filter(|flag| flag.flag == kind)
            .collect();
        if wanted.is_empty() && of_kind(&labels.doubtful) {
            return;
        }
        let is_there = |label: &&FlagLabel| {
            label.step.is_none() || got.iter().any(|flag| flag.step == label.step)
        };
        let is_at_step = !got.is_empty() && wanted.iter().all(is_there);
        let half = labels.half == "final";
        let count = self.flags.entry((kind, half)).or_default();
        count.flags += got.len();
        match (wanted.is_empty(), got.is_empty()) {
            (false, false) => {
                count.hits += 1;
                count.at_step += usize::from(is_at_step);
            }
            (false, true) => count.missed += 1,
            (true, false) => count.extra += 1,
            (true, true) => {}
        }
        let is_right = wanted.is_empty() == got.is_empty() && (wanted.is_empty() || is_at_step);
        if says && !is_right {
            let wanted: Vec<_> = wanted
                .iter()
                .map(|label| (label.step, &label.why))
                .collect();
            let name = kind.name();
            eprintln!("{} {name}: {got:?}, labelled {wanted:?}", labels.sha256);
        }
    }

    fn component(&self, component: Component, halves: &[bool]) -> Count {
        sum(halves
            .iter()
            .filter_map(|half| self.components.get(&(component, *half))))
    }

    fn flag(&self, kind: FlagKind, halves: &[bool]) -> Count {
        sum(halves
            .iter()
            .filter_map(|half| self.flags.get(&(kind, *half))))
    }

    /// All that is known of a flag.
    fn measured(&self, kind: FlagKind) -> Count {
        sum([self.flag(kind, ALL)].iter().chain(self.filter.get(&kind)))
    }

    fn accuracy(&self, halves: &[bool]) -> Option<f64> {
        let all = sum(Component::ALL.iter().flat_map(|component| {
            halves
                .iter()
                .filter_map(|half| self.components.get(&(*component, *half)))
        }));
        all.recall()
    }
}

fn sum<'a>(counts: impl Iterator<Item = &'a Count>) -> Count {
    counts.fold(Count::default(), |sum, count| Count {
        hits: sum.hits + count.hits,
        extra: sum.extra + count.extra,
        missed: sum.missed + count.missed,
        at_step: sum.at_step + count.at_step,
        flags: sum.flags + count.flags,
    })
}

const TUNE: &[bool] = &[false];
const FINAL: &[bool] = &[true];
const ALL: &[bool] = &[false, true];

fn print(tally: &Tally) {
    eprintln!("| component | labels | precision | recall | final: precision | final: recall |");
    eprintln!("|---|--:|--:|--:|--:|--:|");
    for component in Component::ALL {
        let (tune, last) = (
            tally.component(component, TUNE),
            tally.component(component, FINAL),
        );
        eprintln!(
            "| {} | {} | {} | {} | {} | {} |",
            component.name(),
            tune.hits + tune.missed + last.hits + last.missed,
            cell(tune.precision()),
            cell(tune.recall()),
            cell(last.precision()),
            cell(last.recall()),
        );
    }
    let accuracy = [TUNE, FINAL, ALL].map(|halves| cell(tally.accuracy(halves)));
    eprintln!(
        "accuracy: tune {}, final {}, all {}",
        accuracy[0], accuracy[1], accuracy[2]
    );
    eprintln!(
        "| flag | on by default | labelled | found | at the labelled step | precision | recall | final: precision | final: recall | flags |"
    );
    eprintln!("|---|---|--:|--:|--:|--:|--:|--:|--:|--:|");
    for rule in FLAGS
        .iter()
        .filter(|rule| !tally.filter.contains_key(&rule.kind))
    {
        let (tune, last, all) = (
            tally.flag(rule.kind, TUNE),
            tally.flag(rule.kind, FINAL),
            tally.flag(rule.kind, ALL),
        );
        eprintln!(
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            rule.kind.name(),
            if rule.is_default { "yes" } else { "no" },
            all.hits + all.missed,
            all.hits + all.extra,
            if all.hits > 0 {
                format!("{} of {}", all.at_step, all.hits)
            } else {
                "–".to_owned()
            },
            cell(tune.precision()),
            cell(tune.recall()),
            cell(last.precision()),
            cell(last.recall()),
            all.flags,
        );
    }
    eprintln!("| flag of the filter | true | found | precision | recall |");
    eprintln!("|---|--:|--:|--:|--:|");
    for (kind, count) in &tally.filter {
        eprintln!(
            "| {} | {} | {} | {} | {} |",
            kind.name(),
            count.hits + count.missed,
            count.hits + count.extra,
            cell(count.precision()),
            cell(count.recall()),
        );
    }
}

#[test]
fn rules_are_as_right_as_the_readme_says() {
    let Some(shared) = shared() else {
        eprintln!("skipped: no corpus");
        return;
    };
    let corpus = shared.join("corpus");
    let all = labels();
    let wanted: BTreeSet<&str> = all.iter().map(|labels| labels.sha256.as_str()).collect();
    assert_eq!(wanted.len(), all.len(), "each record is labelled once");
    let records = records(&corpus, &wanted);
    assert_eq!(
        records.len(),
        all.len(),
        "every labelled record is in the corpus"
    );
    let says = std::env::var_os("HGVIEW_MISSES").is_some();
    let mut tally = Tally::default();
    for labels in &all {
        let behaviour = examine(&records[&labels.sha256], &Cancel::new());
        tally.add(labels, &behaviour, says);
    }
    let same_patch = filter_flags::same_patch(&corpus);
    let prompt_leak = filter_flags::prompt_leak(&shared.join("conformance"));
    tally.filter.insert(FlagKind::SamePatch, same_patch);
    tally.filter.insert(FlagKind::PromptLeak, prompt_leak);
    print(&tally);
    for rule in FLAGS.iter().filter(|rule| rule.is_default) {
        default_flag_is_right(rule.kind, &tally);
    }
    let accuracy = tally.accuracy(ALL).unwrap();
    assert!(accuracy >= LEAST_ACCURACY, "{accuracy}");
}

/// A flag that is on by default was found, is right often enough over all and in the final half as far as that has any,
/// and stands where it should.
#[track_caller]
fn default_flag_is_right(kind: FlagKind, tally: &Tally) {
    let name = kind.name();
    let (all, last) = (tally.measured(kind), tally.flag(kind, FINAL));
    let Some(precision) = all.precision() else {
        panic!("{name} is on by default, and nothing measures it");
    };
    assert!(precision >= LEAST_PRECISION, "{name}: {all:?}");
    if let Some(precision) = last.precision() {
        assert!(precision >= LEAST_PRECISION, "final {name}: {last:?}");
    }
    if let Some(share) = rate(all.at_step, all.hits) {
        assert!(share >= LEAST_AT_STEP, "{name} at other steps: {all:?}");
    }
}
