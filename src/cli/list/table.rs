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

use crate::cli::list::Field;
use crate::cli::list::ListRow;
use crate::cli::list::columns::Column;
use crate::cli::list::columns::OUTCOME;
use crate::cli::list::columns::SOURCE_GOES;
use crate::cli::list::columns::What;
use crate::cli::list::columns::cell;
use crate::cli::list::columns::fault;
use crate::cli::list::columns::outcome;
use crate::cli::list::columns::tail;
use crate::text;

/// Rows that decide the widths.
const HELD: usize = 500;

const GAP: usize = 2;

/// The cells of a row, and what colours them.
struct Cells {
    texts: Vec<String>,
    /// What can stand under `FILE`: the file's name, and with the folder before it.
    places: [String; 2],
    id: String,
    path: PathBuf,
    outcome: Option<Style>,
    fault: Option<String>,
}

/// A table that is being printed.
pub(super) struct Table {
    columns: Vec<Column>,
    width: Option<usize>,
    is_colored: bool,
    /// The highest number of a record that is known to come.
    highest: usize,
    held: Vec<Cells>,
    /// Of each column, 0 where it is left out.
    widths: Option<Vec<usize>>,
    /// Which of [`Cells::places`] is shown, if any; decided with the widths.
    place: Option<usize>,
}

impl Table {
    /// A table of at most `width` cells a line, of these fields if somebody chose them.
    pub(super) fn new(fields: Option<&[Field]>, width: Option<usize>, is_colored: bool) -> Self {
        let chosen = fields.map(|fields| fields.iter().copied().map(Column::of).collect());
        Self {
            columns: chosen.unwrap_or_else(Column::usual),
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
        self.held.push(Cells::of(row, &self.columns));
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
        let widths = if let Some(widths) = self.widths.take() {
            widths
        } else {
            self.place = place(&self.held);
            for cells in &mut self.held {
                cells.show(&self.columns, self.place);
            }
            let widths = fit(&self.columns, &self.held, self.highest, self.width);
            let heads = self.columns.iter().map(|column| column.head.to_owned());
            let head = Cells {
                texts: heads.collect(),
                places: <[String; 2]>::default(),
                id: String::new(),
                path: PathBuf::new(),
                outcome: None,
                fault: None,
            };
            let line = self.line(&head, &widths);
            let style = Style::new().effects(Effects::BOLD);
            writeln!(out, "{}", self.paint(&line, Some(style)))?;
            widths
        };
        for mut cells in std::mem::take(&mut self.held) {
            cells.show(&self.columns, self.place);
            writeln!(out, "{}", self.line(&cells, &widths))?;
        }
        self.widths = Some(widths);
        Ok(())
    }

    fn line(&self, cells: &Cells, widths: &[usize]) -> String {
        let mut line = String::new();
        let mut used = 0;
        for (ix, column) in self.columns.iter().enumerate() {
            if let (OUTCOME, Some(why)) = (column.what, &cells.fault) {
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
            let style = match column.what {
                OUTCOME => cells.outcome,
                What::Of(Field::FailedActions) if !["0", "-", column.head].contains(&&*text) => {
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
    fn of(row: &ListRow, columns: &[Column]) -> Self {
        let fault = row.fault.as_ref().map(fault);
        let texts = columns.iter().map(|column| cell(row, column.what));
        Self {
            texts: texts
                .map(|text| text::clean_line(&text).into_owned())
                .collect(),
            places: [1, 2].map(|names| text::clean_line(&tail(row, names)).into_owned()),
            id: row.id.clone(),
            path: row.path.clone(),
            outcome: outcome(row).1,
            fault,
        }
    }

    fn show(&mut self, columns: &[Column], place: Option<usize>) {
        let shown = place.and_then(|place| self.places.get(place));
        for (cell, column) in self.texts.iter_mut().zip(columns) {
            if column.what == What::File {
                *cell = shown.cloned().unwrap_or_default();
            }
        }
    }
}

/// Which place tells the rows apart: `None` when their ids do, or their numbers because all lie in one file; else the
/// file's name, else that and its folder.
fn place(rows: &[Cells]) -> Option<usize> {
    let is_one_file = rows.windows(2).all(|pair| match pair {
        [one, other] => one.path == other.path,
        _ => true,
    });
    let has_twins = |places: Option<usize>| {
        let mut seen = HashSet::new();
        rows.iter().any(|cells| {
            !seen.insert((&cells.id, places.and_then(|place| cells.places.get(place))))
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

/// The widths of the columns, 0 for those that are left out. As many columns stay as fit with the clippable ones at
/// their least; the room that is left goes to those from left to right.
fn fit(columns: &[Column], rows: &[Cells], highest: usize, room: Option<usize>) -> Vec<usize> {
    let width_of = |(ix, column): (usize, &Column)| {
        let cells = rows.iter().filter_map(|cells| {
            // why a record cannot be read stands in place of what follows
            let is_behind = |outcome: usize| cells.fault.is_some() && ix >= outcome;
            let outcome = columns.iter().position(|column| column.what == OUTCOME);
            let text = cells.texts.get(ix)?;
            (!outcome.is_some_and(is_behind)).then_some(text)
        });
        let is_silent = |text: &String| text == "-" || column.silent == Some(text);
        let is_left_out = match column.what {
            What::File => cells.clone().all(String::is_empty),
            _ => column.silent.is_some() && cells.clone().all(is_silent),
        };
        if is_left_out {
            return 0;
        }
        let least = match column.what {
            What::Of(Field::Nth) => highest.to_string().len(),
            _ => 0,
        };
        let widest = cells.map(|text| text::width(text)).max();
        text::width(column.head)
            .max(least)
            .max(widest.unwrap_or_default())
    };
    let natural: Vec<usize> = columns.iter().enumerate().map(width_of).collect();
    let Some(room) = room else {
        return natural;
    };
    let least = |limit: u8| -> Vec<usize> {
        let pairs = natural.iter().zip(columns);
        pairs
            .map(|(width, column)| match column.least {
                _ if column.goes > limit => 0,
                0 => *width,
                least => (*width).min(least),
            })
            .collect()
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
    for (ix, natural) in natural.iter().enumerate() {
        let spare = room.saturating_sub(total(&widths));
        if let Some(width) = widths.get_mut(ix)
            && *width > 0
        {
            *width = (*width + spare).min(*natural).max(*width);
        }
    }
    widths
}
