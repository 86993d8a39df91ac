//! The columns of the table, and what stands in them.

use std::path::PathBuf;

use anstyle::AnsiColor;
use anstyle::Style;

use crate::cli::list::Field;
use crate::cli::list::ListRow;
use crate::model::Fault;
use crate::model::Format;
use crate::model::Source;
use crate::model::Verdict;
use crate::text;
use crate::text::human;

/// What stands in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
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
pub(super) struct Column {
    pub(super) what: What,
    pub(super) head: &'static str,
    pub(super) is_number: bool,
    /// Cells below which the column is no use; 0 for columns that are never clipped.
    pub(super) least: usize,
    /// The higher, the sooner the column goes when the width is short; 0 stays.
    pub(super) goes: u8,
    /// It is left out where all its cells are this or `-`.
    pub(super) silent: Option<&'static str>,
}

impl Column {
    /// What nobody chose to see.
    pub(super) fn usual() -> Vec<Self> {
        let of = |field: Field, goes: u8| Self {
            goes,
            ..Self::of(field)
        };
        let text = |what: What, head: &'static str, least: usize, goes: u8| Self {
            goes,
            ..Self::plain(what, head, least)
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

    /// A column of words, which stays.
    fn plain(what: What, head: &'static str, least: usize) -> Self {
        Self {
            what,
            head,
            is_number: false,
            least,
            goes: 0,
            silent: None,
        }
    }

    /// The column of a field, which stays.
    pub(super) fn of(field: Field) -> Self {
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
            is_number,
            ..Self::plain(What::Of(field), head, least)
        }
    }
}

/// What goes first when the width is short: the last column.
pub(super) const SOURCE_GOES: u8 = 8;
/// Where the reason stands why a record could not be read.
pub(super) const OUTCOME: What = What::Of(Field::Outcome);

/// Why a record could not be read, in a line.
pub(super) fn fault(fault: &Fault) -> String {
    text::clean_line(&fault.unread("")).into_owned()
}

/// What stands in a column of a row; the files are filled in when all are there that tell which.
pub(super) fn cell(row: &ListRow, what: What) -> String {
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
pub(super) fn tail(row: &ListRow, names: usize) -> String {
    let all: Vec<_> = row.path.iter().map(|name| name.to_string_lossy()).collect();
    let last = all
        .get(all.len().saturating_sub(names)..)
        .unwrap_or_default();
    source(row, last.join("/").into()).place()
}

/// The word for an outcome and its colour.
pub(super) fn outcome(row: &ListRow) -> (String, Option<Style>) {
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
