//! Why the filters came out as they did: the checks with their values, and the evidence by its sense.

use crate::model::Flag;
use crate::model::Trajectory;
use crate::model::Value;
use crate::model::Verdict;
use crate::text::width;
use crate::theme::Role;
use crate::ui::page::Page;
use crate::ui::page::PageOptions;
use crate::ui::page::Place;
use crate::ui::page::build::Builder;
use crate::ui::page::build::Label;
use crate::ui::page::drawn::Drawn;
use crate::ui::page::figures;
use crate::ui::page::finding::EvidenceId;
use crate::ui::page::finding::Finding;
use crate::ui::page::finding::Judgements;
use crate::ui::page::finding::findings;
use crate::ui::page::finding::sense_sign;
use crate::ui::page::finding::verdict_sign;
use crate::verify::Judgement;
use crate::verify::Sense;

/// Findings of one sense that are shown at most.
const MAX_FINDINGS: usize = 2000;

/// Bytes of a check's value that are shown.
const MAX_VALUE_BYTES: usize = 400;

/// Cells of the longest name of a check that the others line up with.
const MAX_NAME_CELLS: usize = 26;

/// Reasons that a preview tells.
const MAIN_REASONS: usize = 2;

/// Headings of the senses in the order in which they are told.
const SENSES: [(Sense, &str); 4] = [
    (Sense::Objection, "objections"),
    (Sense::Missed, "expected and missed"),
    (Sense::Hit, "hits"),
    (Sense::Note, "notes"),
];

/// The page of reasons.
#[derive(Debug)]
pub struct WhyPage {
    /// The page.
    pub page: Page,
    /// The rows that stand for evidence, from the top.
    pub targets: Vec<(Place, WhyTarget)>,
}

/// What a row of the page of reasons leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhyTarget {
    /// A piece of evidence in the patch.
    Evidence(EvidenceId),
    /// A step.
    Step(usize),
}

impl WhyPage {
    /// Makes the page: what both filters say, and the flags, which decide nothing.
    pub fn new(
        trajectory: &Trajectory,
        judged: Judgements<'_>,
        flags: &[Flag],
        options: &PageOptions,
    ) -> Self {
        let mut page = Builder::new(*options);
        let title = [(trajectory.id.clone(), Role::Strong)];
        let kind = trajectory.task.as_ref().map(|task| task.kind.name());
        let mut meta: Vec<Label> = kind
            .map(|kind| (kind.to_owned(), Role::Dim))
            .into_iter()
            .collect();
        if judged.disagree() {
            meta.insert(0, ("≠ the filters disagree".to_owned(), Role::Warning));
        }
        page.section(&title, &meta);
        for (rules, judgement) in judged.both() {
            let (sign, role) = verdict_sign(judgement.verdict);
            let text = format!("{sign} {}", judgement.verdict.name());
            page.fact_in(rules.name(), &text, role);
        }
        let mut targets = Vec::new();
        let all = findings(judged);
        for (sense, heading) in SENSES {
            let of_sense: Vec<&Finding<'_>> = all
                .iter()
                .filter(|found| found.evidence.sense == sense)
                .collect();
            if of_sense.is_empty() {
                continue;
            }
            let (_, role) = sense_sign(sense);
            page.section(
                &[(heading.to_owned(), role)],
                &[(figures::count(of_sense.len()), Role::Dim)],
            );
            for finding in of_sense.iter().take(MAX_FINDINGS) {
                let id = finding.of.first();
                targets.extend(id.map(|id| (page.place(), WhyTarget::Evidence(*id))));
                page.row(row(finding));
            }
            let left = of_sense.len().saturating_sub(MAX_FINDINGS);
            if left > 0 {
                page.say(&format!("⋯ {} more", figures::count(left)), Role::Dim);
            }
        }
        if !flags.is_empty() {
            page.section(
                &[("flags".to_owned(), Role::Warning)],
                &[(figures::count(flags.len()), Role::Dim)],
            );
        }
        for flag in flags.iter().take(MAX_FINDINGS) {
            targets.extend(flag.step.map(|step| (page.place(), WhyTarget::Step(step))));
            page.row(flag_row(flag));
        }
        // last: at a glance the reasons say more than counts
        for (rules, judgement) in judged.both() {
            if !judgement.checks.is_empty() {
                let title = format!("checks of the {} rules", rules.name());
                page.section(&[(title, Role::Title)], &[]);
                checks(&mut page, judgement);
            }
        }
        Self {
            page: Page::of_blocks(page.finish()),
            targets,
        }
    }

    /// The evidence that the row at a place stands for.
    pub fn target(&self, place: Place) -> Option<WhyTarget> {
        let at = self
            .targets
            .binary_search_by_key(&place, |(place, _)| *place);
        at.ok()
            .and_then(|at| self.targets.get(at))
            .map(|(_, id)| *id)
    }
}

/// `⚑ loop  step 12  the reason`.
pub(super) fn flag_row(flag: &Flag) -> Drawn {
    let mut row = Drawn::of("⚑", Role::Warning);
    row.push(" ", Role::Text);
    row.hang = row.cells();
    row.push(flag.flag.name(), Role::Warning);
    row.push("  ", Role::Text);
    if let Some(step) = flag.step {
        row.push(&format!("step {}", figures::count(step)), Role::Location);
        row.push("  ", Role::Text);
    }
    row.push(&flag.why, Role::Text);
    row
}

/// `✗ src/a.py:31  the reason  strict`.
fn row(finding: &Finding<'_>) -> Drawn {
    let place = finding.place_text();
    if place.is_empty() {
        return finding.remark("", "").drawn(0);
    }
    let (sign, role) = sense_sign(finding.evidence.sense);
    let mut row = Drawn::of(sign, role);
    row.push(" ", Role::Text);
    row.hang = row.cells();
    row.push(&place, Role::Location);
    row.push("  ", Role::Text);
    for span in finding.remark("", "").drawn(0).spans.into_iter().skip(2) {
        row.push_paint(span.text, span.paint);
    }
    row
}

fn checks(page: &mut Builder, judgement: &Judgement) {
    let cells = judgement.checks.iter().map(|(name, _)| width(name));
    let cells = cells.max().unwrap_or(0).min(MAX_NAME_CELLS);
    for (name, value) in &judgement.checks {
        let mut row = Drawn::of(name, Role::Dim);
        let blanks = cells.saturating_sub(width(name)) + 2;
        row.push(&" ".repeat(blanks), Role::Text);
        row.hang = row.cells();
        let (text, role) = value_text(value);
        row.push(&text, role);
        page.row(row);
    }
}

/// A check's value as it is told: truths as words, rates in three digits, lists by their members.
fn value_text(value: &Value) -> (String, Role) {
    let text = match value {
        Value::Null => return ("not known".to_owned(), Role::Dim),
        Value::Bool(true) => return ("yes".to_owned(), Role::Success),
        Value::Bool(false) => return ("no".to_owned(), Role::Error),
        Value::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
            Some(rate) => format!("{rate:.3}"),
            None => number.to_string(),
        },
        Value::String(text) => first_line(text),
        Value::Array(list) if list.is_empty() => return ("none".to_owned(), Role::Dim),
        Value::Array(list) => {
            let words = list.iter().take(100).map(|member| match member {
                Value::String(text) => first_line(text),
                other => other.to_string(),
            });
            words.collect::<Vec<_>>().join(", ")
        }
        Value::Object(_) => value.to_string(),
    };
    let cut = text.floor_char_boundary(MAX_VALUE_BYTES);
    let shown = text.get(..cut).unwrap_or_default();
    let more = if cut < text.len() { "…" } else { "" };
    (format!("{shown}{more}"), Role::Text)
}

fn first_line(text: &str) -> String {
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default();
    match lines.count() {
        0 => first.to_owned(),
        more => format!("{first} … {}", figures::counted(more, "more line")),
    }
}

/// Writes both verdicts with their main reasons, a row each.
pub(super) fn verdict_facts(page: &mut Builder, judged: Judgements<'_>) {
    for (rules, judgement) in judged.both() {
        let (sign, role) = verdict_sign(judgement.verdict);
        let mut labels: Vec<Label> = vec![(format!("{sign} {}", judgement.verdict.name()), role)];
        if judged.disagree() {
            labels.push(("≠".to_owned(), Role::Warning));
        }
        let wanted: &[Sense] = match judgement.verdict {
            Verdict::Accept => &[Sense::Hit],
            Verdict::Reject => &[Sense::Objection, Sense::Missed, Sense::Note],
            Verdict::Unjudged => &[Sense::Note],
        };
        let reasons = wanted.iter().flat_map(|sense| {
            let of_sense = move |evidence: &&crate::verify::Evidence| evidence.sense == *sense;
            judgement.evidence.iter().filter(of_sense)
        });
        let mut told: Vec<&str> = Vec::new();
        for reason in reasons {
            if !told.contains(&reason.why.as_str()) {
                told.push(&reason.why);
            }
            if told.len() == MAIN_REASONS {
                break;
            }
        }
        labels.extend(told.into_iter().map(|why| (why.to_owned(), Role::Text)));
        page.labels_fact(rules.name(), &labels);
    }
}
