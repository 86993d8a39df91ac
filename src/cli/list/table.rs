//! The table of `hgview list`: aligned columns that fit the terminal, colour where it is wanted.
//!
//! The first rows are held back to find the widths; later ones are fitted to them, so that a list of any length
//! begins at once and needs no memory.

use std::collections::HashSet;
use std::io;
use std::io::Write;
use std::path::PathBuf;

use anstyle::AnsiColor;
use anstyle::Effects;
use anstyle::Style;

use crate::cli::list::ListRow;
use crate::model::Format;
use crate::model::Source;
use crate::model::Verdict;
use crate::text;
use crate::text::human;

/// Rows that decide the widths.
const HELD: usize = 500;

/// A column.
struct Column {
    head: &'static str,
    is_number: bool,
    /// Cells below which the column is no use; 0 for columns that are never clipped.
    least: usize,
    /// The higher, the sooner the column goes when the width is short; 0 stays.
    goes: u8,
}

const COLUMNS: [Column; 16] = [
    Column {
        head: "#",
        is_number: true,
        least: 0,
        goes: 0,
    },
    Column {
        head: "ID",
        is_number: false,
        least: 24,
        goes: 0,
    },
    Column {
        head: "FILE",
        is_number: false,
        least: 16,
        goes: 0,
    },
    Column {
        head: "ATTEMPT",
        is_number: true,
        least: 0,
        goes: 0,
    },
    Column {
        head: "TYPE",
        is_number: false,
        least: 0,
        goes: 5,
    },
    Column {
        head: "FORMAT",
        is_number: false,
        least: 0,
        goes: 6,
    },
    Column {
        head: "OUTCOME",
        is_number: false,
        least: 8,
        goes: 0,
    },
    Column {
        head: "VERDICTS",
        is_number: false,
        least: 0,
        goes: 1,
    },
    Column {
        head: "REPLAY",
        is_number: false,
        least: 0,
        goes: 1,
    },
    Column {
        head: "STEPS",
        is_number: true,
        least: 0,
        goes: 0,
    },
    Column {
        head: "FAILED",
        is_number: true,
        least: 0,
        goes: 4,
    },
    Column {
        head: "TIME",
        is_number: true,
        least: 0,
        goes: 2,
    },
    Column {
        head: "TOKENS",
        is_number: true,
        least: 0,
        goes: 1,
    },
    Column {
        head: "COST",
        is_number: true,
        least: 0,
        goes: 3,
    },
    Column {
        head: "MODEL",
        is_number: false,
        least: 10,
        goes: 7,
    },
    Column {
        head: "SOURCE",
        is_number: false,
        least: 12,
        goes: 8,
    },
];

/// What goes first when the width is short: the last column.
const SOURCE_GOES: u8 = 8;
/// Tells rows with the same id apart; left out where there are none.
const FILE: usize = 2;
/// Left out where nothing was attempted again.
const ATTEMPT: usize = 3;
const OUTCOME: usize = 6;
/// Left out where neither filter nor person says anything.
const VERDICTS: usize = 7;
/// Left out where nothing was replayed.
const REPLAY: usize = 8;
const FAILED: usize = 10;
const GAP: usize = 2;

/// The cells of a row, and what colours them.
struct Cells {
    texts: [String; COLUMNS.len()],
    /// What can stand under `FILE`: the file's name, and with the folder before it.
    places: [String; 2],
    path: PathBuf,
    outcome: Option<Style>,
    fault: Option<String>,
}

/// A table that is being printed.
pub(super) struct Table {
    width: Option<usize>,
    is_colored: bool,
    /// The highest number of a record that is known to come.
    highest: usize,
    held: Vec<Cells>,
    widths: Option<[usize; COLUMNS.len()]>,
    /// Which of [`Cells::places`] is shown, if any; decided with the widths.
    place: Option<usize>,
}

impl Table {
    /// A table of at most `width` cells a line.
    pub(super) fn new(width: Option<usize>, is_colored: bool) -> Self {
        Self {
            width,
            is_colored,
            highest: 0,
            held: Vec::new(),
            widths: None,
            place: None,
        }
    }

    /// Makes room for records up to the `nth`, whatever the first rows are.
    pub(super) fn expect(&mut self, nth: usize) {
        self.highest = self.highest.max(nth);
    }

    /// Adds a row; prints what can be printed.
    pub(super) fn push(&mut self, row: &ListRow, out: &mut dyn Write) -> io::Result<()> {
        self.held.push(Cells::of(row));
        if self.widths.is_some() || self.held.len() >= HELD {
            self.print(out)?;
        }
        Ok(())
    }

    /// Prints the rest.
    pub(super) fn finish(mut self, out: &mut dyn Write) -> io::Result<()> {
        self.print(out)
    }

    fn print(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let widths = if let Some(widths) = self.widths {
            widths
        } else {
            self.place = place(&self.held);
            for cells in &mut self.held {
                cells.show(self.place);
            }
            let widths = fit(&self.held, self.highest, self.width);
            let head = Cells {
                texts: COLUMNS.each_ref().map(|column| column.head.to_owned()),
                places: <[String; 2]>::default(),
                path: PathBuf::new(),
                outcome: None,
                fault: None,
            };
            let line = self.line(&head, &widths);
            let style = Style::new().effects(Effects::BOLD);
            writeln!(out, "{}", self.paint(&line, Some(style)))?;
            self.widths = Some(widths);
            widths
        };
        for mut cells in std::mem::take(&mut self.held) {
            cells.show(self.place);
            writeln!(out, "{}", self.line(&cells, &widths))?;
        }
        Ok(())
    }

    fn line(&self, cells: &Cells, widths: &[usize; COLUMNS.len()]) -> String {
        let mut line = String::new();
        let mut used = 0;
        for (ix, column) in COLUMNS.iter().enumerate() {
            if let (OUTCOME, Some(why)) = (ix, &cells.fault) {
                let why = match self.width {
                    Some(width) => text::clip(why, width.saturating_sub(used)),
                    None => why.into(),
                };
                line.push_str(&self.paint(&why, Some(AnsiColor::Yellow.on_default())));
                break;
            }
            let Some(width) = widths.get(ix).copied().filter(|width| *width > 0) else {
                continue;
            };
            let text = cells.texts.get(ix).map_or("", String::as_str);
            // a number that is cut is another number: rows behind the held ones may stand out
            let text = if column.least == 0 || self.width.is_none() {
                text.into()
            } else {
                text::clip(text, width)
            };
            let pad = " ".repeat(width - text::width(&text).min(width));
            let style = match ix {
                OUTCOME => cells.outcome,
                FAILED if column.is_number && !["0", "-", column.head].contains(&&*text) => {
                    Some(AnsiColor::Red.on_default())
                }
                _ => None,
            };
            let painted = self.paint(&text, style);
            if column.is_number {
                line.push_str(&pad);
                line.push_str(&painted);
            } else {
                line.push_str(&painted);
                line.push_str(&pad);
            }
            line.push_str(&" ".repeat(GAP));
            used += width.max(text::width(&text)) + GAP;
        }
        line.truncate(line.trim_end().len());
        line
    }

    fn paint(&self, text: &str, style: Option<Style>) -> String {
        match style {
            Some(style) if self.is_colored => format!("{style}{text}{style:#}"),
            _ => text.to_owned(),
        }
    }
}

impl Cells {
    fn of(row: &ListRow) -> Self {
        let unknown = || "-".to_owned();
        let (outcome, style) = outcome(row);
        // what is no attempt has no steps to count
        let is_side = row.format.is_some_and(Format::is_side);
        let count = |count: usize| {
            if is_side {
                unknown()
            } else {
                count.to_string()
            }
        };
        let place = source(row, row.path.clone()).place();
        let fault = row
            .fault
            .as_ref()
            .map(|fault| text::clean_line(&fault.unread("")).into_owned());
        let texts = [
            row.nth.to_string(),
            row.id.clone(),
            String::new(),
            row.attempt
                .map_or_else(unknown, |attempt| attempt.to_string()),
            row.task_type
                .map_or_else(unknown, |kind| kind.name().to_owned()),
            row.format
                .map_or_else(unknown, |format| format.name().to_owned()),
            outcome,
            verdicts(row),
            row.replay
                .as_ref()
                .map_or_else(unknown, |replay| replay.word.clone()),
            count(row.steps),
            count(row.failed_actions),
            row.duration.map_or_else(unknown, human::seconds),
            row.tokens.map_or_else(unknown, human::short_count),
            row.cost.map_or_else(unknown, human::dollars),
            row.model.clone().unwrap_or_else(unknown),
            place,
        ];
        Self {
            texts: texts.map(|text| text::clean_line(&text).into_owned()),
            places: [1, 2].map(|names| text::clean_line(&tail(row, names)).into_owned()),
            path: row.path.clone(),
            outcome: style,
            fault,
        }
    }

    fn show(&mut self, place: Option<usize>) {
        let shown = place.and_then(|place| self.places.get(place).cloned());
        if let Some(cell) = self.texts.get_mut(FILE) {
            *cell = shown.unwrap_or_default();
        }
    }
}

/// Published and strict verdict by their first letters, and what people decided: `A/R accept`.
fn verdicts(row: &ListRow) -> String {
    let letter = |verdict: Option<Verdict>| match verdict {
        Some(Verdict::Accept) => "A",
        Some(Verdict::Reject) => "R",
        Some(Verdict::Unjudged) | None => "-",
    };
    let (published, strict) = (letter(row.verdicts.published), letter(row.verdicts.strict));
    let people = match row.decision {
        Some(choice) => format!(" {}", choice.name()),
        None if row.decisions.is_empty() => String::new(),
        None => " disputed".to_owned(),
    };
    if published == "-" && strict == "-" {
        return format!("-{people}");
    }
    format!("{published}/{strict}{people}")
}

/// The row's source, said to lie in `path`.
fn source(row: &ListRow, path: PathBuf) -> Source {
    Source {
        path,
        member: row.member.clone(),
        row: row.row,
        ..Source::default()
    }
}

/// The last names of the row's path, with its member and its number behind.
fn tail(row: &ListRow, names: usize) -> String {
    let all: Vec<_> = row.path.iter().map(|name| name.to_string_lossy()).collect();
    let last = all
        .get(all.len().saturating_sub(names)..)
        .unwrap_or_default();
    source(row, last.join("/").into()).place()
}

/// Which place tells the rows apart: `None` when their ids do, or their numbers because all lie in one file; else the
/// file's name, else that and its folder.
fn place(rows: &[Cells]) -> Option<usize> {
    const ID: usize = 1;
    let is_one_file = rows.windows(2).all(|pair| match pair {
        [one, other] => one.path == other.path,
        _ => true,
    });
    let has_twins = |places: Option<usize>| {
        let mut seen = HashSet::new();
        rows.iter().any(|cells| {
            let id = cells.texts.get(ID);
            !seen.insert((id, places.and_then(|place| cells.places.get(place))))
        })
    };
    if is_one_file || !has_twins(None) {
        None
    } else if has_twins(Some(0)) {
        Some(1)
    } else {
        Some(0)
    }
}

/// The word for an outcome and its colour.
fn outcome(row: &ListRow) -> (String, Option<Style>) {
    let outcome = &row.outcome;
    match (
        outcome.resolved,
        outcome.reward,
        &outcome.exit_status,
        &outcome.error,
    ) {
        (Some(true), ..) => ("resolved".to_owned(), Some(AnsiColor::Green.on_default())),
        (Some(false), ..) => ("failed".to_owned(), Some(AnsiColor::Red.on_default())),
        (None, Some(reward), ..) => (format!("{reward:.2}"), None),
        (None, None, Some(status), _) => (status.clone(), None),
        (None, None, None, Some(_)) => ("error".to_owned(), Some(AnsiColor::Yellow.on_default())),
        (None, None, None, None) => ("-".to_owned(), None),
    }
}

/// The widths of the columns, 0 for those that are left out. As many columns stay as fit with the clippable ones at
/// their least; the room that is left goes to those from left to right.
fn fit(rows: &[Cells], highest: usize, room: Option<usize>) -> [usize; COLUMNS.len()] {
    let has_file = rows
        .iter()
        .any(|cells| cells.texts.get(FILE).is_some_and(|file| !file.is_empty()));
    let mut natural = COLUMNS.each_ref().map(|column| text::width(column.head));
    if !has_file && let Some(width) = natural.get_mut(FILE) {
        *width = 0;
    }
    if let Some(width) = natural.first_mut() {
        *width = (*width).max(highest.to_string().len());
    }
    for cells in rows {
        let shown = if cells.fault.is_some() {
            OUTCOME
        } else {
            COLUMNS.len()
        };
        for (width, text) in natural.iter_mut().zip(&cells.texts).take(shown) {
            *width = (*width).max(text::width(text));
        }
    }
    for (column, usual) in [(ATTEMPT, "1"), (VERDICTS, "-"), (REPLAY, "-")] {
        let is_silent = |cells: &Cells| {
            let text = cells.texts.get(column);
            text.is_none_or(|text| text == "-" || text == usual)
        };
        if rows.iter().all(is_silent)
            && let Some(width) = natural.get_mut(column)
        {
            *width = 0;
        }
    }
    let Some(room) = room else {
        return natural;
    };
    let least = |limit: u8| -> [usize; COLUMNS.len()] {
        std::array::from_fn(|ix| match (natural.get(ix), COLUMNS.get(ix)) {
            (Some(_), Some(column)) if column.goes > limit => 0,
            (Some(width), Some(column)) if column.least > 0 => (*width).min(column.least),
            (Some(width), _) => *width,
            (None, _) => 0,
        })
    };
    let total = |widths: &[usize]| {
        let shown = widths.iter().filter(|width| **width > 0);
        shown
            .map(|width| width + GAP)
            .sum::<usize>()
            .saturating_sub(GAP)
    };
    let mut widths = (0..=SOURCE_GOES)
        .rev()
        .map(least)
        .find(|widths| total(widths) <= room)
        .unwrap_or_else(|| least(0));
    for ix in 0..COLUMNS.len() {
        let spare = room.saturating_sub(total(&widths));
        if let (Some(width), Some(natural)) = (widths.get_mut(ix), natural.get(ix))
            && *width > 0
        {
            *width = (*width + spare).min(*natural).max(*width);
        }
    }
    widths
}
