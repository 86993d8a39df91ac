//! The table of `hgview replay`, and the words behind it.

use std::io;
use std::io::Write;
use std::path::Path;

use anstyle::AnsiColor;

use crate::cli::Output;
use crate::cli::replay::setup::Setup;
use crate::cli::replay::work::Row;
use crate::cli::rows;
use crate::cli::rows::Line;
use crate::error::Result;
use crate::model::Verdict;
use crate::replay::Same;
use crate::text;
use crate::text::human;

const HEAD: [&str; 9] = [
    "#", "ID", "BASE", "CALLS", "SAME", "ALIKE", "OTHER", "FIRST", "PATCH",
];

/// Prints all rows; the checks have a column where there are any.
pub(super) fn print(rows: &[Row], output: &mut Output<'_>) -> io::Result<()> {
    let has_checks = rows.iter().any(|row| row.brief.verified.is_some());
    let mut head = HEAD.to_vec();
    head.extend(has_checks.then_some("CHECK"));
    let most_id = rows::id_cells(output);
    let lines = rows.iter().map(|row| line(row, has_checks, most_id));
    rows::print(&head, "WHY", lines.collect(), output)
}

fn line(row: &Row, has_checks: bool, most_id: usize) -> Line {
    let plain = |text: String| (text, None);
    let [same, alike, other] = row.counts;
    let color = |is_good: bool| {
        let color = if is_good {
            AnsiColor::Green
        } else {
            AnsiColor::Red
        };
        Some(color.on_default())
    };
    let brief = &row.brief;
    let first = (brief.word(), color(brief.is_reproduced));
    let patch = match brief.patch {
        Some(same) => (same.name().to_owned(), color(same != Same::Differs)),
        None => plain("-".to_owned()),
    };
    let mut cells = vec![
        plain(row.number.to_string()),
        plain(text::clip(&text::clean_line(&row.id), most_id).into_owned()),
        plain(row.base.to_owned()),
        plain(brief.calls.to_string()),
        plain(same.to_string()),
        plain(alike.to_string()),
        plain(other.to_string()),
        first,
        patch,
    ];
    if has_checks {
        cells.push(match brief.verified {
            Some(verdict) if brief.is_flaky => plain(format!("{} (flaky)", verdict.name())),
            Some(verdict) => (verdict.name().to_owned(), color(verdict == Verdict::Accept)),
            None => plain("-".to_owned()),
        });
    }
    Line {
        cells,
        rest: text::clean_line(&row.why).into_owned(),
    }
}

/// Says how many were reproduced, by what, and where the results are.
pub(super) fn tell(rows: &[Row], setup: &Setup, path: &Path, err: &mut dyn Write) -> Result<()> {
    let count = |is_it: &dyn Fn(&Row) -> bool| rows.iter().filter(|row| is_it(row)).count();
    let reproduced = count(&|row| row.brief.is_reproduced);
    let failed = count(&|row| row.brief.has_error);
    let diverged = rows.len() - reproduced - failed;
    let earlier = count(&|row| row.is_earlier);
    let mut parts = vec![
        format!("{} records", human::count(rows.len())),
        format!("{} reproduced", human::count(reproduced)),
    ];
    for (number, words) in [
        (diverged, "diverged"),
        (failed, "not replayed to the end"),
        (earlier, "from earlier results"),
    ] {
        if number > 0 {
            parts.push(format!("{} {words}", human::count(number)));
        }
    }
    writeln!(err, "hgview: {}", parts.join(", "))?;
    for words in setup.words() {
        writeln!(err, "hgview: {}", text::clean_line(&words))?;
    }
    let path = path.display().to_string();
    writeln!(err, "hgview: results are in {}", text::clean_line(&path))?;
    Ok(())
}
