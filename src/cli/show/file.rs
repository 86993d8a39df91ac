//! `hgview show --file F` and `--files`: the workspace as a step left it.

use schemars::JsonSchema;
use serde::Serialize;

use crate::cancel::Cancel;
use crate::cli::Output;
use crate::cli::Verdict;
use crate::cli::args::RepoArgs;
use crate::cli::args::ShowArgs;
use crate::cli::records;
use crate::error::Error;
use crate::error::Result;
use crate::model::Trajectory;
use crate::text::clean_line;
use crate::workspace::BaseFiles;
use crate::workspace::Contradiction;
use crate::workspace::FileKind;
use crate::workspace::FileState;
use crate::workspace::History;
use crate::workspace::Origin;
use crate::workspace::Row;
use crate::workspace::Touch;
use crate::workspace::repositories::Repositories;

/// A file as a step left it.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::cli) struct FileReport {
    /// Its name: relative to the repository's root, absolute where it lies outside.
    path: String,
    /// The step, from 0; `null` where the trajectory has none.
    step: Option<usize>,
    /// Whether the file is there; `null` where nobody knows.
    exists: Option<bool>,
    /// How many lines it has; `null` where that is not known.
    total: Option<usize>,
    /// Its lines from top to bottom.
    lines: Vec<LineReport>,
    /// The steps that touch it, later ones too.
    touches: Vec<Touch>,
    /// What was told of it and does not agree.
    contradictions: Vec<Contradiction>,
    /// Why the repository tells nothing, where one was named.
    repository: Option<String>,
}

/// A line, or lines that are not known.
#[derive(Debug, Serialize, JsonSchema)]
struct LineReport {
    /// The number of the (first) line, from 1; `null` behind a stretch of unknown length.
    number: Option<usize>,
    /// The text, verbatim; `null` where it is not known.
    text: Option<String>,
    /// How many lines these are; `null` where that is not known.
    count: Option<usize>,
    /// Who told it.
    origin: OriginWord,
    /// The step that wrote it, or showed it first.
    step: Option<usize>,
}

/// Where a line comes from.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum OriginWord {
    /// It was there; this step or one before it showed it.
    Seen,
    /// It was there; a later step showed it.
    SeenLater,
    /// This very step wrote it.
    ChangedHere,
    /// A step before wrote it.
    Changed,
    /// It was there; the final patch has it.
    Patch,
    /// It was there; the repository has it.
    Repository,
    /// Nothing is known of it.
    Unknown,
}

/// The files of the workspace.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::cli) struct FilesReport {
    /// The step, from 0; `null` where the trajectory has none.
    step: Option<usize>,
    /// The files by name.
    files: Vec<FileRow>,
}

/// A file of the workspace.
#[derive(Debug, Serialize, JsonSchema)]
struct FileRow {
    /// Its name.
    path: String,
    /// What became of it up to the step.
    kind: FileKind,
    /// The first step that touched it.
    first: Option<usize>,
    /// The last step that touched it, up to the step that was asked for.
    last: Option<usize>,
    /// Lines that are known.
    known: usize,
    /// How many lines it has; `null` where that is not known.
    total: Option<usize>,
}

/// The repositories that the arguments name.
///
/// # Errors
/// *input* when they are none.
pub(in crate::cli) fn repositories(args: &RepoArgs) -> Result<Repositories> {
    let repositories = Repositories::new(args.repo.clone(), args.repos.clone());
    repositories.check()?;
    Ok(repositories)
}

/// Prints a file, or the files.
pub(super) fn run(
    args: &ShowArgs,
    trajectory: &Trajectory,
    output: &mut Output<'_>,
) -> Result<Verdict> {
    let repositories = repositories(&args.repos)?;
    let cancel = Cancel::new();
    let (base, why_not) = match repositories.of(trajectory, &cancel) {
        Some(Ok(snapshot)) => (Some(snapshot), None),
        Some(Err(why)) => (None, Some(why)),
        None => (None, None),
    };
    if let Some(why) = &why_not {
        writeln!(
            output.err,
            "hgview: the repository tells nothing: {}",
            clean_line(why)
        )?;
    }
    let base = base.as_deref().map(|base| base as &dyn BaseFiles);
    let history = History::with_base(trajectory, base, &cancel);
    let steps = trajectory.steps.len();
    if let Some(step) = args.step.filter(|step| *step >= steps) {
        super::step(trajectory, step)?;
    }
    let step = args.step.or_else(|| steps.checked_sub(1));
    match &args.file {
        Some(path) => one(path, step, &history, (args.json, why_not), output)?,
        None => all(step, &history, args.json, output)?,
    }
    Ok(Verdict::Yes)
}

fn moment(step: Option<usize>) -> usize {
    step.map_or(0, |step| step.saturating_add(1))
}

fn one(
    path: &str,
    step: Option<usize>,
    history: &History,
    (is_json, repository): (bool, Option<String>),
    output: &mut Output<'_>,
) -> Result<()> {
    let file = history.file(path).ok_or_else(|| {
        Error::user(format!(
            "no step touches a file {path}, or several are called so"
        ))
        .hint("--files lists them")
    })?;
    let moment = moment(step);
    let state = history.file_at(&file.path, moment).unwrap_or_default();
    let found = history
        .contradictions()
        .iter()
        .filter(|found| found.path == file.path);
    let found: Vec<Contradiction> = found.cloned().collect();
    if is_json {
        let report = FileReport {
            path: file.path.clone(),
            step,
            exists: state.exists,
            total: state.total,
            lines: state.rows.iter().map(|row| line(row, moment)).collect(),
            touches: file.touches.clone(),
            contradictions: found,
            repository,
        };
        writeln!(output.out, "{}", records::to_json(&report)?)?;
        return Ok(());
    }
    print(&state, moment, output)?;
    for found in &found {
        let place = found
            .step
            .map_or("at the end".to_owned(), |step| format!("at step {step}"));
        let line = found
            .line
            .map_or_else(String::new, |line| format!(", line {line}"));
        writeln!(output.err, "hgview: {place}{line}: {}", found.what)?;
    }
    Ok(())
}

fn print(state: &FileState, moment: usize, output: &mut Output<'_>) -> Result<()> {
    if state.exists == Some(false) {
        writeln!(output.out, "(the file is not there)")?;
    }
    for row in &state.rows {
        let report = line(row, moment);
        let number = report
            .number
            .map_or_else(String::new, |number| number.to_string());
        let sign = match report.origin {
            OriginWord::ChangedHere => '+',
            OriginWord::Changed => '~',
            OriginWord::SeenLater => '›',
            OriginWord::Patch => 'p',
            OriginWord::Repository => 'r',
            OriginWord::Seen | OriginWord::Unknown => ' ',
        };
        match (report.text, report.count) {
            (Some(text), _) => {
                let text = clean_line(&text).into_owned();
                writeln!(
                    output.out,
                    "{}",
                    format!("{number:>6} {sign} {text}").trim_end()
                )?;
            }
            (None, Some(1)) => writeln!(output.out, "{number:>6}   ⋯ 1 line never seen")?,
            (None, Some(count)) => {
                writeln!(output.out, "{number:>6}   ⋯ {count} lines never seen")?;
            }
            (None, None) => writeln!(output.out, "{number:>6}   ⋯ never seen from here on")?,
        }
    }
    Ok(())
}

fn line(row: &Row, moment: usize) -> LineReport {
    match row {
        Row::Line {
            number,
            text,
            origin,
            ..
        } => {
            let (origin, step) = match origin {
                Origin::Seen(step) if *step >= moment => (OriginWord::SeenLater, Some(*step)),
                Origin::Seen(step) => (OriginWord::Seen, Some(*step)),
                Origin::Changed(step) if step + 1 == moment => {
                    (OriginWord::ChangedHere, Some(*step))
                }
                Origin::Changed(step) => (OriginWord::Changed, Some(*step)),
                Origin::Patch => (OriginWord::Patch, None),
                Origin::Base => (OriginWord::Repository, None),
            };
            LineReport {
                number: *number,
                text: Some(text.as_str().to_owned()),
                count: Some(1),
                origin,
                step,
            }
        }
        Row::Unknown {
            number, len, by, ..
        } => LineReport {
            number: *number,
            text: None,
            count: *len,
            origin: OriginWord::Unknown,
            step: *by,
        },
    }
}

fn all(
    step: Option<usize>,
    history: &History,
    is_json: bool,
    output: &mut Output<'_>,
) -> Result<()> {
    let moment = moment(step);
    let mut files = Vec::new();
    for file in history.files() {
        let upto: Vec<usize> = file
            .touches
            .iter()
            .map(|touch| touch.step)
            .filter(|at| *at < moment)
            .collect();
        if upto.is_empty() {
            continue;
        }
        let state = history.file_at(&file.path, moment).unwrap_or_default();
        files.push(FileRow {
            path: file.path.clone(),
            kind: file.kind_at(moment),
            first: upto.first().copied(),
            last: upto.last().copied(),
            known: state.counts().0,
            total: state.total,
        });
    }
    if is_json {
        writeln!(
            output.out,
            "{}",
            records::to_json(&FilesReport { step, files })?
        )?;
        return Ok(());
    }
    for row in &files {
        let kind = match row.kind {
            FileKind::Untouched => "",
            FileKind::Seen => "seen",
            FileKind::Changed => "changed",
            FileKind::ChangedHere => "changed here",
            FileKind::Created => "created",
            FileKind::Deleted => "deleted",
        };
        let total = row.total.map_or("?".to_owned(), |total| total.to_string());
        let steps = match (row.first, row.last) {
            (Some(first), Some(last)) if first != last => format!("{first}–{last}"),
            (first, _) => first.map_or_else(String::new, |first| first.to_string()),
        };
        let known = format!("{}/{total}", row.known);
        writeln!(
            output.out,
            "{kind:<12}  steps {steps:<9}  {known:>11} lines  {}",
            clean_line(&row.path)
        )?;
    }
    if files.is_empty() {
        writeln!(output.out, "no file was touched or seen")?;
    }
    Ok(())
}
