//! The table of `hgview verify`: a line a record with its verdicts and the first reason, fitted to the terminal.

use std::io;

use anstyle::AnsiColor;
use anstyle::Effects;
use anstyle::Style;

use crate::cli::Output;
use crate::cli::verify::AskedFilter;
use crate::cli::verify::Row;
use crate::model::Verdict;
use crate::text;
use crate::verify::Evidence;
use crate::verify::Rules;
use crate::verify::Sense;
use crate::verify::check::Checked;

/// Cells of an id where lines may be as long as they are, and at most half of a line.
const ID: usize = 48;
const GAP: &str = "  ";

/// The cells of a line and what colours them.
struct Line {
    cells: Vec<(String, Option<Style>)>,
    why: String,
}

/// Prints all rows.
pub(super) fn print(
    rows: &[Row],
    rules: &[Rules],
    asked: Option<&AskedFilter>,
    output: &mut Output<'_>,
) -> io::Result<()> {
    let mut head = vec!["#".to_owned(), "ID".to_owned(), "TYPE".to_owned()];
    head.extend(rules.iter().map(|rules| rules.name().to_uppercase()));
    head.extend(asked.map(|_asked| "FILTER".to_owned()));
    let count = head.len();
    let bold = Some(Style::new().effects(Effects::BOLD));
    let head = Line {
        cells: head.into_iter().map(|cell| (cell, bold)).collect(),
        why: "WHY".to_owned(),
    };
    let width = output.terminal.width;
    let most_id = width.map_or(ID, |width| (width / 2).clamp(8, ID));
    let lines: Vec<Line> = std::iter::once(head)
        .chain(rows.iter().map(|row| line(row, rules, asked, most_id)))
        .collect();
    let widths: Vec<usize> = (0..count)
        .map(|ix| {
            let cells = lines.iter().filter_map(|line| line.cells.get(ix));
            cells.map(|(cell, _)| text::width(cell)).max().unwrap_or(0)
        })
        .collect();
    let used = widths.iter().sum::<usize>() + widths.len() * GAP.len();
    for line in &lines {
        let mut text = String::new();
        for (ix, ((cell, style), width)) in line.cells.iter().zip(&widths).enumerate() {
            let pad = " ".repeat(width.saturating_sub(text::width(cell)));
            let painted = match style {
                Some(style) if output.terminal.color => format!("{style}{cell}{style:#}"),
                _ => cell.clone(),
            };
            let (left, right) = if ix == 0 {
                (pad, String::new())
            } else {
                (String::new(), pad)
            };
            text.extend([left.as_str(), &painted, &right, GAP]);
        }
        match width {
            Some(width) => text.push_str(&text::clip(&line.why, width.saturating_sub(used))),
            None => text.push_str(&line.why),
        }
        writeln!(output.out, "{}", text.trim_end())?;
    }
    Ok(())
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
                why: text::clean_line(&fault.unread("")).into_owned(),
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
        why: text::clean_line(&why(checked, rules, asked)).into_owned(),
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
