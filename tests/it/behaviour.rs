//! How often the rules of `behave` are right, counted against labels that people of two minds made by hand
//! (`tests/data/labels.jsonl`): records named by content hash, steps with their component, flags with their step, a
//! reason each. Half of the records (`tune`) served to tune the rules; the others (`final`) are only counted.
//!
//! Each record was labelled by one of two labellers while the rules were written, which the labellers did not see; how
//! far the two agree was not measured. A flag that is on and was never right or wrong on these records is told as not
//! measured: nothing stands for its precision.
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

/// What the README says of the components, less a little: rules may change a label, not the sum.
const LEAST_ACCURACY: f64 = 0.96;
/// A flag that is right less often is not shown by default.
const LEAST_PRECISION: f64 = 0.9;
/// Of the records that rightly have a flag, those that have it at the labelled step; a flag elsewhere leads nowhere.
const LEAST_AT_STEP: f64 = 0.9;
/// Flags that stand at another step than the labelled one more often, and what they keep at least. Of these six records
/// five are in the final half, which no rule is tuned on.
const LEAST_AT_STEP_OF: [(FlagKind, f64); 2] = [
    (FlagKind::BrokenEnvironment, 0.72),
    (FlagKind::Unverified, 0.4),
];

/// Flags that are on by default though the labelled records cannot say how often they are right, and why.
const UNMEASURED: [(FlagKind, &str); 6] = [
    (
        FlagKind::FakeVerification,
        "found nowhere, and what might be one is doubtful to the labeller",
    ),
    (FlagKind::Secret, "no labelled record holds one"),
    (FlagKind::PromptInjection, "no labelled record holds one"),
    (
        FlagKind::NoSourceEdit,
        "found nowhere but where the labeller doubts it",
    ),
    (
        FlagKind::PromptLeak,
        "comes of the filter, not of behaviour",
    ),
    (FlagKind::SamePatch, "comes of the filter, not of behaviour"),
];

/// Flags that are found in the tuning half only: the final half says nothing of them.
const UNMEASURED_IN_FINAL: [FlagKind; 2] = [FlagKind::TestEdit, FlagKind::UntouchedAfterFailure];

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

/// The labelled records of the corpus.
fn records(corpus: &Path, wanted: &BTreeSet<&str>) -> HashMap<String, std::sync::Arc<Trajectory>> {
    let store = Store::open(&OpenOptions {
        paths: vec![corpus.to_path_buf()],
        ..OpenOptions::default()
    })
    .unwrap();
    store.scan(&Cancel::new(), &mut |_| {}).unwrap();
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

    /// Flags that are on by default and of which nothing was found that counts: their precision is not known.
    fn unmeasured(&self) -> Vec<&'static str> {
        let on = FLAGS.iter().filter(|rule| rule.is_default);
        let unmeasured = on.filter(|rule| self.flag(rule.kind, ALL).precision().is_none());
        unmeasured.map(|rule| rule.kind.name()).collect()
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
    for rule in FLAGS {
        let (tune, last, all) = (
            tally.flag(rule.kind, TUNE),
            tally.flag(rule.kind, FINAL),
            tally.flag(rule.kind, ALL),
        );
        eprintln!(
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            rule.kind.name(),
            match (rule.is_default, all.precision()) {
                (true, None) => "yes, not measured",
                (true, Some(_)) => "yes",
                (false, _) => "no",
            },
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
}

#[test]
fn rules_are_as_right_as_the_readme_says() {
    let Some(corpus) = shared().map(|folder| folder.join("corpus")) else {
        eprintln!("skipped: no corpus");
        return;
    };
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
    print(&tally);
    for rule in FLAGS.iter().filter(|rule| rule.is_default) {
        default_flag_is_right(rule.kind, &tally);
    }
    let unmeasured = tally.unmeasured();
    eprintln!("on by default, not measured: {}", unmeasured.join(", "));
    let known = UNMEASURED.map(|(kind, _)| kind.name());
    assert_eq!(unmeasured, known, "the README names them");
    let accuracy = tally.accuracy(ALL).unwrap();
    assert!(accuracy >= LEAST_ACCURACY, "{accuracy}");
}

/// A flag that is on by default is right often enough over all and in the final half, and where it says; or it is listed
/// as not measured, and is not.
#[track_caller]
fn default_flag_is_right(kind: FlagKind, tally: &Tally) {
    let name = kind.name();
    let (all, last) = (tally.flag(kind, ALL), tally.flag(kind, FINAL));
    let unmeasured = UNMEASURED.iter().find(|(listed, _)| *listed == kind);
    match (all.precision(), unmeasured) {
        (None, Some(_)) => return,
        (None, None) => panic!("{name} is on by default, and nothing measures it"),
        (Some(_), Some((_, why))) => panic!("{name} is measured, not: {why}"),
        (Some(precision), None) => assert!(precision >= LEAST_PRECISION, "{name}: {all:?}"),
    }
    match (last.precision(), UNMEASURED_IN_FINAL.contains(&kind)) {
        (None, is_listed) => assert!(is_listed, "{name}: the final half does not measure it"),
        (Some(_), true) => panic!("{name} is measured in the final half"),
        (Some(precision), false) => assert!(precision >= LEAST_PRECISION, "final {name}: {last:?}"),
    }
    if let Some(share) = rate(all.at_step, all.hits) {
        let own = LEAST_AT_STEP_OF.iter().find(|(listed, _)| *listed == kind);
        let bound = own.map_or(LEAST_AT_STEP, |(_, bound)| *bound);
        assert!(share >= bound, "{name} at other steps: {all:?}");
    }
}
