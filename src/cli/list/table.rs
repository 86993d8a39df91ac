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
use crate::model::Fault;
use crate::model::Format;
use crate::model::Source;
use crate::model::Verdict;
use crate::text;
use crate::text::human;

/// Rows that decide the widths.
const HELD: usize = 500;

/// What stands in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    /// A field of the row.
    Of(Field),
    /// What tells rows with the same id apart; left out where there are none.
    File,
    /// What filters and people say, both.
    Voices,
    /// File, member and number.
    Place,
}

/// A column.
#[derive(Debug, Clone, Copy)]
struct Column {
    what: What,
    head: &'static str,
    is_number: bool,
    /// Cells below which the column is no use; 0 for columns that are never clipped.
    least: usize,
    /// The higher, the sooner the column goes when the width is short; 0 stays.
    goes: u8,
    /// It is left out where all its cells are this or `-`.
    silent: Option<&'static str>,
}

impl Column {
    /// What nobody chose to see.
    fn usual() -> Vec<Self> {
        let of = |field: Field, goes: u8| Self {
            goes,
            ..Self::of(field)
        };
        let text = |what: What, head: &'static str, least: usize, goes: u8| Self {
            what,
            head,
            is_number: false,
            least,
            goes,
            silent: None,
        };
        vec![
            of(Field::Nth, 0),
            of(Field::Id, 0),
            text(What::File, "FILE", 16, 0),
            Self {
                silent: Some("1"),
                ..of(Field::Attempt, 0)
            },
            of(Field::TaskType, 5),
            of(Field::Format, 6),
            of(Field::Outcome, 0),
            Self {
                silent: Some("-"),
                ..text(What::Voices, "VERDICTS", 0, 1)
            },
            Self {
                silent: Some("-"),
                ..of(Field::Replay, 1)
            },
            of(Field::Steps, 0),
            of(Field::FailedActions, 4),
            of(Field::Duration, 2),
            of(Field::Tokens, 1),
            of(Field::Cost, 3),
            of(Field::Model, 7),
            text(What::Place, "SOURCE", 12, SOURCE_GOES),
        ]
    }

    /// The column of a field, which stays.
    fn of(field: Field) -> Self {
        let (head, least) = match field {
            Field::Id => ("ID", 24),
            Field::Nth => ("#", 0),
            Field::Task => ("TASK", 24),
            Field::TaskType => ("TYPE", 0),
            Field::Attempt => ("ATTEMPT", 0),
            Field::Format => ("FORMAT", 0),
            Field::Variant => ("VARIANT", 0),
            Field::Outcome => ("OUTCOME", 8),
            Field::Steps => ("STEPS", 0),
            Field::Actions => ("ACTIONS", 0),
            Field::FailedActions => ("FAILED", 0),
            Field::Verdicts => ("VERDICTS", 0),
            Field::Decision => ("DECISION", 0),
            Field::Decisions => ("DECISIONS", 16),
            Field::Replay => ("REPLAY", 0),
            Field::Flags => ("FLAGS", 16),
            Field::Tokens => ("TOKENS", 0),
            Field::TokensDetail => ("TOKENS DETAIL", 0),
            Field::Cost => ("COST", 0),
            Field::Duration => ("TIME", 0),
            Field::Model => ("MODEL", 10),
            Field::PatchLines => ("PATCH", 0),
            Field::Children => ("CHILDREN", 0),
            Field::Path => ("PATH", 12),
            Field::Member => ("MEMBER", 12),
            Field::Row => ("ROW", 0),
            Field::ByteRange => ("BYTES", 0),
            Field::Fault => ("FAULT", 16),
        };
        let is_number = matches!(
            field,
            Field::Nth
                | Field::Attempt
                | Field::Steps
                | Field::Actions
                | Field::FailedActions
                | Field::Tokens
                | Field::Cost
                | Field::Duration
                | Field::PatchLines
                | Field::Children
                | Field::Row
        );
        Self {
            what: What::Of(field),
            head,
            is_number,
            least,
            goes: 0,
            silent: None,
        }
    }
}

/// What goes first when the width is short: the last column.
const SOURCE_GOES: u8 = 8;
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

const OUTCOME: What = What::Of(Field::Outcome);

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

/// Why a record could not be read, in a line.
fn fault(fault: &Fault) -> String {
    text::clean_line(&fault.unread("")).into_owned()
}

/// What stands in a column of a row; the files are filled in when all are there that tell which.
fn cell(row: &ListRow, what: What) -> String {
    let unknown = || "-".to_owned();
    let known = |text: Option<String>| text.unwrap_or_else(unknown);
    // what is no attempt has no steps to count
    let is_side = row.format.is_some_and(Format::is_side);
    let count = |count: usize| {
        if is_side {
            unknown()
        } else {
            count.to_string()
        }
    };
    let joined = |words: Vec<String>| known((!words.is_empty()).then(|| words.join(", ")));
    let field = match what {
        What::Of(field) => field,
        What::File => return String::new(),
        What::Voices => return voices(row),
        What::Place => return source(row, row.path.clone()).place(),
    };
    match field {
        Field::Id => row.id.clone(),
        Field::Nth => row.nth.to_string(),
        Field::Task => known(row.task.clone()),
        Field::TaskType => known(row.task_type.map(|kind| kind.name().to_owned())),
        Field::Attempt => known(row.attempt.map(|attempt| attempt.to_string())),
        Field::Format => known(row.format.map(|format| format.name().to_owned())),
        Field::Variant => known(row.variant.clone()),
        Field::Outcome => outcome(row).0,
        Field::Steps => count(row.steps),
        Field::Actions => count(row.actions),
        Field::FailedActions => count(row.failed_actions),
        Field::Verdicts => known(verdicts(row)),
        Field::Decision => known(row.decision.map(|choice| choice.name().to_owned())),
        Field::Decisions => {
            let said = row.decisions.iter();
            joined(
                said.map(|(who, choice)| format!("{who}: {}", choice.name()))
                    .collect(),
            )
        }
        Field::Replay => known(row.replay.as_ref().map(|replay| replay.word.clone())),
        Field::Flags => joined(row.flags.clone()),
        Field::Tokens => known(row.tokens.map(human::short_count)),
        Field::TokensDetail => {
            let tokens = &row.tokens_detail;
            let kinds = [
                ("in", tokens.input),
                ("out", tokens.output),
                ("cached", tokens.cache_read),
                ("written", tokens.cache_write),
                ("reasoning", tokens.reasoning),
            ];
            let said = kinds
                .into_iter()
                .filter_map(|(kind, count)| Some(format!("{} {kind}", human::short_count(count?))));
            joined(said.collect())
        }
        Field::Cost => known(row.cost.map(human::dollars)),
        Field::Duration => known(row.duration.map(human::seconds)),
        Field::Model => known(row.model.clone()),
        Field::PatchLines => known(row.patch_lines.map(|lines| lines.to_string())),
        Field::Children => count(row.children),
        Field::Path => row.path.display().to_string(),
        Field::Member => known(row.member.clone()),
        Field::Row => row.row.to_string(),
        Field::ByteRange => known(
            row.byte_range
                .map(|span| format!("{}-{}", span.start, span.end)),
        ),
        Field::Fault => known(row.fault.as_ref().map(fault)),
    }
}

/// Published and strict verdict by their first letters: `A/R`. `None` where neither filter says anything.
fn verdicts(row: &ListRow) -> Option<String> {
    let letter = |verdict: Option<Verdict>| match verdict {
        Some(Verdict::Accept) => "A",
        Some(Verdict::Reject) => "R",
        Some(Verdict::Unjudged) | None => "-",
    };
    let (published, strict) = (letter(row.verdicts.published), letter(row.verdicts.strict));
    let is_silent = published == "-" && strict == "-";
    (!is_silent).then(|| format!("{published}/{strict}"))
}

/// The verdicts, and what people decided: `A/R accept`.
fn voices(row: &ListRow) -> String {
    let people = match row.decision {
        Some(choice) => format!(" {}", choice.name()),
        None if row.decisions.is_empty() => String::new(),
        None => " disputed".to_owned(),
    };
    let verdicts = verdicts(row);
    format!("{}{people}", verdicts.as_deref().unwrap_or("-"))
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
