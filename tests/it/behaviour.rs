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
use hgview::model::FlagKind;
use hgview::model::RecordIx;
use hgview::model::Trajectory;
use hgview::store::OpenOptions;
use hgview::store::Store;
use serde::Deserialize;

use crate::program::shared;

/// What the README says of the components, less a little: rules may change a label, not the sum.
const LEAST_ACCURACY: f64 = 0.96;
/// Flags that are on although no labelled record says how often they are right, as the README has them.
const UNMEASURED: [&str; 6] = [
    "fake_verification",
    "secret",
    "prompt_injection",
    "no_source_edit",
    "prompt_leak",
    "same_patch",
];
/// A flag that is right less often is not shown by default.
const LEAST_PRECISION: f64 = 0.9;

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

/// Right and wrong answers.
#[derive(Debug, Default, Clone, Copy)]
struct Count {
    hits: usize,
    extra: usize,
    missed: usize,
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
            let of_kind = |labels: &[FlagLabel]| {
                labels
                    .iter()
                    .find(|label| label.flag == rule.kind)
                    .map(|label| label.why.clone())
            };
            let wanted = of_kind(&labels.flags);
            let got = behaviour.flags.iter().find(|flag| flag.flag == rule.kind);
            if wanted.is_none() && of_kind(&labels.doubtful).is_some() {
                continue;
            }
            let count = self.flags.entry((rule.kind, is_final)).or_default();
            match (&wanted, got) {
                (Some(_), Some(_)) => count.hits += 1,
                (Some(_), None) => count.missed += 1,
                (None, Some(_)) => count.extra += 1,
                (None, None) => {}
            }
            if says && !is_final && wanted.is_some() != got.is_some() {
                eprintln!(
                    "{} {}: {got:?}, labelled {wanted:?}",
                    labels.sha256,
                    rule.kind.name()
                );
            }
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
        "| flag | on by default | labelled | found | precision | recall | final: precision | final: recall |"
    );
    eprintln!("|---|---|--:|--:|--:|--:|--:|--:|");
    for rule in FLAGS {
        let (tune, last, all) = (
            tally.flag(rule.kind, TUNE),
            tally.flag(rule.kind, FINAL),
            tally.flag(rule.kind, ALL),
        );
        eprintln!(
            "| {} | {} | {} | {} | {} | {} | {} | {} |",
            rule.kind.name(),
            match (rule.is_default, all.precision()) {
                (true, None) => "yes, not measured",
                (true, Some(_)) => "yes",
                (false, _) => "no",
            },
            all.hits + all.missed,
            all.hits + all.extra,
            cell(tune.precision()),
            cell(tune.recall()),
            cell(last.precision()),
            cell(last.recall()),
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
        let count = tally.flag(rule.kind, ALL);
        assert!(
            count
                .precision()
                .is_none_or(|found| found >= LEAST_PRECISION),
            "{} is on by default: {count:?}",
            rule.kind.name()
        );
    }
    let unmeasured = tally.unmeasured();
    eprintln!("on by default, not measured: {}", unmeasured.join(", "));
    assert_eq!(unmeasured, UNMEASURED, "the README names them");
    let accuracy = tally.accuracy(ALL).unwrap();
    assert!(accuracy >= LEAST_ACCURACY, "{accuracy}");
}
