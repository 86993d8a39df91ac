//! `hgview agree`: how far reviewers agree on the records of some data.

use std::collections::HashSet;

use schemars::JsonSchema;
use serde::Serialize;

use crate::cli::Output;
use crate::cli::Verdict;
use crate::cli::args::AgreeArgs;
use crate::cli::args::SharedArgs;
use crate::cli::records;
use crate::cli::records::to_json;
use crate::cli::review;
use crate::cli::selection;
use crate::error::Result;
use crate::model::ContentHash;
use crate::review::Choice;
use crate::review::agreement;
use crate::review::agreement::Interval;
use crate::review::agreement::Pair;
use crate::review::agreement::Report;
use crate::review::agreement::Voice;
use crate::text;

/// Seed of the interval of α: the same data gives the same numbers.
const SEED: u64 = 0;

/// The output of `hgview agree --json`.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct AgreeReport {
    /// The reviewers, each pair of them, all of them, and their disputes.
    #[serde(flatten)]
    report: Report,
    /// Records with decisions in the same places that are not in this data: other files, or made anew since.
    elsewhere: usize,
    /// Decisions on older versions of records of this data: these were made anew since, and count as undecided.
    stale_decisions: usize,
}

/// Prints the report. *No* when disputes are open, or when no two reviewers decided on the same record.
pub(super) fn run(
    args: &AgreeArgs,
    shared: &SharedArgs,
    output: &mut Output<'_>,
) -> Result<Verdict> {
    let selector = selection::selector(shared)?;
    let store = records::load_store(&args.paths, shared, output)?;
    let chosen = selection::chosen(selector, &args.paths, &store, shared, output)?;
    let place = review::place_of(&args.paths, &store, shared)?;
    let ledger = review::ledger(&place, output)?;
    let all = review::present(&store);
    let present: HashSet<ContentHash> = all.iter().map(|record| record.sha256).collect();
    let chosen: HashSet<usize> = chosen.iter().map(|ix| ix.0).collect();
    let of_chosen = all.iter().filter(|record| chosen.contains(&record.ix));
    let compared: HashSet<ContentHash> = of_chosen.map(|record| record.sha256).collect();
    let report = agreement::report(&ledger, SEED, |record| compared.contains(&record.sha256));
    let elsewhere = ledger
        .records()
        .filter(|record| !present.contains(&record.sha256))
        .count();
    let verdict = if report.shared > 0 && report.open_disputes() == 0 {
        Verdict::Yes
    } else {
        Verdict::No
    };
    let report = AgreeReport {
        report,
        elsewhere,
        stale_decisions: review::earlier(&ledger, &place, &store, &all).len(),
    };
    if args.json {
        writeln!(output.out, "{}", to_json(&report)?)?;
    } else {
        print(&report, output)?;
    }
    Ok(verdict)
}

fn print(found: &AgreeReport, output: &mut Output<'_>) -> Result<()> {
    let report = &found.report;
    let mut page = Vec::new();
    if report.reviewers.is_empty() {
        page.push("nobody has decided anything here".to_owned());
    } else {
        reviewers(report, &mut page);
        report
            .pairs
            .iter()
            .for_each(|pair| pair_lines(pair, &mut page));
        alpha(report, &mut page);
        disputes(report, &mut page);
    }
    if found.elsewhere > 0 {
        page.push(format!(
            "{} decided records are not in this data",
            found.elsewhere
        ));
    }
    if found.stale_decisions > 0 {
        page.push(format!(
            "{} decisions are on older versions of their records, which were made anew since",
            found.stale_decisions
        ));
    }
    for line in &page {
        writeln!(output.out, "{}", text::clean_line(line))?;
    }
    Ok(())
}

fn reviewers(report: &Report, page: &mut Vec<String>) {
    let widest = report
        .reviewers
        .iter()
        .map(|row| row.reviewer.chars().count())
        .max();
    let width = widest.unwrap_or(0).max("reviewer".len());
    page.push(format!(
        "{:<width$}  accept  reject    skip    time",
        "reviewer"
    ));
    for row in &report.reviewers {
        let [accept, reject, skip] = row.decisions;
        let time = text::human::seconds(row.secs);
        page.push(format!(
            "{:<width$} {accept:>7} {reject:>7} {skip:>7} {time:>7}",
            row.reviewer
        ));
    }
}

fn pair_lines(pair: &Pair, page: &mut Vec<String>) {
    let kappa = pair.kappa.map_or_else(
        || "nothing that both accepted or rejected".to_owned(),
        |kappa| {
            let value = value(kappa.kappa, kappa.interval);
            let share = kappa.observed * 100.0;
            format!("{} records, {share:.1} % alike, κ {value}", kappa.count)
        },
    );
    page.push(String::new());
    page.push(format!("{} (rows) × {} (columns): {kappa}", pair.a, pair.b));
    let names = Choice::ALL.map(Choice::name);
    page.push(format!(
        "{:>12} {:>7} {:>7} {:>7}",
        "", names[0], names[1], names[2]
    ));
    for (name, row) in names.iter().zip(pair.confusion) {
        page.push(format!(
            "{name:>12} {:>7} {:>7} {:>7}",
            row[0], row[1], row[2]
        ));
    }
}

fn alpha(report: &Report, page: &mut Vec<String>) {
    let words = match report.alpha {
        Some(alpha) => format!(
            "{} on {} records, {} decisions; {} records all alike",
            value(alpha.alpha, alpha.interval),
            alpha.count,
            alpha.ratings,
            report.agreed
        ),
        None => "no record was accepted or rejected by two reviewers".to_owned(),
    };
    page.push(String::new());
    page.push(format!("α {words}"));
}

fn disputes(report: &Report, page: &mut Vec<String>) {
    let (all, open) = (report.disputes.len(), report.open_disputes());
    page.push(String::new());
    page.push(format!("{all} disputes, {open} of them open"));
    for dispute in &report.disputes {
        let record = &dispute.record;
        let words: Vec<String> = dispute.voices.iter().map(voice).collect();
        let words = words.join("; ");
        let mark = if dispute.is_settled {
            "settled"
        } else {
            "open   "
        };
        page.push(format!(
            "{mark}  {}  {}:{}  {words}",
            record.id, record.path, record.nth
        ));
    }
}

/// `ada reject (wrong place)`.
fn voice(voice: &Voice) -> String {
    let settles = if voice.adjudicates.is_empty() {
        ""
    } else {
        " as adjudicator"
    };
    let reason = voice.reason.as_ref().map(|reason| format!(" ({reason})"));
    let (name, decision) = (&voice.reviewer, voice.decision.name());
    format!("{name} {decision}{settles}{}", reason.unwrap_or_default())
}

/// `0.40 [0.13, 0.67]`.
fn value(value: Option<f64>, interval: Option<Interval>) -> String {
    let Some(value) = value else {
        return "not defined: everything is in one category".to_owned();
    };
    match interval {
        Some(Interval { low, high }) => format!("{value:.3} [{low:.3}, {high:.3}]"),
        None => format!("{value:.3}"),
    }
}
