//! The table of `hgview verify`: a line a record with its verdicts and the first reason, fitted to the terminal.

use std::io;

use anstyle::AnsiColor;

use crate::cli::Output;
use crate::cli::rows;
use crate::cli::rows::Line;
use crate::cli::verify::AskedFilter;
use crate::cli::verify::Row;
use crate::model::Verdict;
use crate::text;
use crate::verify::Evidence;
use crate::verify::Rules;
use crate::verify::Sense;
use crate::verify::check::Checked;

/// Prints all rows.
pub(super) fn print(
    rows: &[Row],
    rules: &[Rules],
    asked: Option<&AskedFilter>,
    output: &mut Output<'_>,
) -> io::Result<()> {
    let names: Vec<String> = rules
        .iter()
        .map(|rules| rules.name().to_uppercase())
        .collect();
    let mut head = vec!["#", "ID", "TYPE"];
    head.extend(names.iter().map(String::as_str));
    head.extend(asked.map(|_asked| "FILTER"));
    let most_id = rows::id_cells(output);
    let lines = rows.iter().map(|row| line(row, rules, asked, most_id));
    rows::print(&head, "WHY", lines.collect(), output)
}

fn line(row: &Row, rules: &[Rules], asked: Option<&AskedFilter>, most_id: usize) -> Line {
    let number = ((row.ix.0 + 1).to_string(), None);
    let checked = match &row.checked {
        Ok(checked) => checked,
        Err(fault) => {
            let mut cells = vec![number];
            let count = rules.len() + usize::from(asked.is_some()) + 3;
            cells.resize(count, ("-".to_owned(), None));
            return Line {
                cells,
                rest: text::clean_line(&fault.unread("")).into_owned(),
            };
        }
    };
    let id = text::clip(&text::clean_line(&checked.id), most_id).into_owned();
    let mut cells = vec![number, (id, None), (checked.kind.name().to_owned(), None)];
    let of_rules = rules.iter().map(|rules| checked.judgement(*rules).verdict);
    let of_filter = asked.map(|asked| asked.filter.verdict(checked));
    cells.extend(of_rules.chain(of_filter).map(|verdict| {
        let color = match verdict {
            Verdict::Accept => AnsiColor::Green,
            Verdict::Reject => AnsiColor::Red,
            Verdict::Unjudged => AnsiColor::Yellow,
        };
        (verdict.name().to_owned(), Some(color.on_default()))
    }));
    Line {
        cells,
        rest: text::clean_line(&why(checked, rules, asked)).into_owned(),
    }
}

/// The flags, then the first reason of a set of rules that does not accept, then that of the filter.
fn why(checked: &Checked, rules: &[Rules], asked: Option<&AskedFilter>) -> String {
    let mut parts: Vec<String> = checked
        .flags
        .iter()
        .map(|flag| format!("[{}]", flag.flag.name()))
        .collect();
    let judgements = rules.iter().map(|rules| checked.judgement(*rules));
    let refused = judgements
        .clone()
        .find(|judgement| judgement.verdict == Verdict::Reject)
        .or_else(|| {
            let mut judgements = judgements.clone();
            judgements.find(|judgement| judgement.verdict == Verdict::Unjudged)
        });
    if let Some(judgement) = refused {
        let of = |sense| {
            let mut evidence = judgement.evidence.iter();
            evidence.find(move |evidence| evidence.sense == sense)
        };
        let reason = of(Sense::Objection)
            .or_else(|| of(Sense::Missed))
            .or_else(|| of(Sense::Note));
        parts.extend(reason.map(told));
    }
    let of_filter = asked.and_then(|asked| asked.filter.why_not(checked));
    parts.extend(of_filter.map(|why| format!("[filter: {why}]")));
    parts.join(" ")
}

fn told(evidence: &Evidence) -> String {
    match (&evidence.path, evidence.line) {
        (Some(path), Some(line)) => format!("{path}:{}: {}", line.0, evidence.why),
        (Some(path), None) => format!("{path}: {}", evidence.why),
        (None, _) => evidence.why.clone(),
    }
}
