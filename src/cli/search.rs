//! `hgview search`: the steps that match a pattern, as they are found.

use std::path::PathBuf;
use std::sync::Arc;

use anstyle::AnsiColor;
use anstyle::Effects;
use anstyle::Style;
use schemars::JsonSchema;
use serde::Serialize;

use crate::cancel::Cancel;
use crate::cli::Output;
use crate::cli::Verdict;
use crate::cli::args::SearchArgs;
use crate::cli::args::SharedArgs;
use crate::cli::records;
use crate::cli::records::Progress;
use crate::cli::selection;
use crate::error::Result;
use crate::model::RecordIx;
use crate::model::Trajectory;
use crate::search;
use crate::search::Answer;
use crate::search::Case;
use crate::search::Hit;
use crate::search::Pattern;
use crate::search::Place;
use crate::search::Records;
use crate::search::Told;
use crate::select::Selector;
use crate::text::clean_line;
use crate::text::human;

/// A line of `hgview search --json`: a step that matches.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct SearchRow {
    /// `path:record#id@step`.
    reference: String,
    /// The record's name.
    id: String,
    /// The record's place among all inputs, from 1; what `--nth` takes.
    nth: usize,
    /// The file or folder.
    path: PathBuf,
    /// The member inside an archive.
    member: Option<String>,
    /// The sub-agents on the way to the step, from 0; empty for the trajectory itself.
    children: Vec<usize>,
    /// The step, from 0; null for the final patch.
    step: Option<usize>,
    /// Where in the step the first match is.
    place: Place,
    /// The line of the first match, cut where it is long.
    excerpt: String,
    /// The first match as it stands in the excerpt.
    matched: String,
    /// Matches in the step.
    count: usize,
}

/// What was found so far.
#[derive(Default)]
struct Totals {
    steps: usize,
    unread: usize,
}

/// Searches all records. *No* when nothing matches.
pub(super) fn run(
    args: &SearchArgs,
    shared: &SharedArgs,
    output: &mut Output<'_>,
) -> Result<Verdict> {
    let case = match (args.ignore_case, args.case_sensitive) {
        (true, _) => Case::Insensitive,
        (false, true) => Case::Sensitive,
        (false, false) => Case::Smart,
    };
    let pattern = Pattern::new(&args.pattern, args.fixed_strings, case, &args.places)?;
    let selector = selection::selector(shared)?;
    // what lies in a folder may label its records, and a query may ask for that: all of it is known first
    if selector.is_some() || args.paths.iter().any(|path| path.is_dir()) {
        return run_known(args, &pattern, selector, shared, output);
    }
    let store = records::open_store(&args.paths, &[], shared, output)?;
    let mut totals = Totals::default();
    search_in(args, &mut totals, output, |tell| {
        search::run_scanning(&store, &pattern, &Cancel::new(), tell)
    })?;
    if store.is_empty() {
        return Err(records::nothing(&args.paths, &store));
    }
    close(args, &totals, output)
}

/// Searches what a scan has found: the records for which a query holds, or all of them.
fn run_known(
    args: &SearchArgs,
    pattern: &Pattern,
    selector: Option<Selector>,
    shared: &SharedArgs,
    output: &mut Output<'_>,
) -> Result<Verdict> {
    let store = records::load_store(&args.paths, shared, output)?;
    let chosen = selection::chosen(selector, &args.paths, &store, shared, output)?;
    let small = |ix: RecordIx| u32::try_from(ix.0).ok();
    let records = Records::These(Arc::new(chosen.into_iter().filter_map(small).collect()));
    let mut totals = Totals::default();
    search_in(args, &mut totals, output, |tell| {
        search::run(&store, pattern, &records, &Cancel::new(), tell);
        Ok(())
    })?;
    close(args, &totals, output)
}

/// The last words.
fn close(args: &SearchArgs, totals: &Totals, output: &mut Output<'_>) -> Result<Verdict> {
    if args.count {
        writeln!(output.out, "{}", totals.steps)?;
    }
    if totals.unread > 0 {
        writeln!(
            output.err,
            "hgview: {} cannot be read, so not searched (`hgview list` says why)",
            human::plural(totals.unread, "record")
        )?;
    }
    Ok(if totals.steps > 0 {
        Verdict::Yes
    } else {
        Verdict::No
    })
}

/// Prints what a search tells.
fn search_in(
    args: &SearchArgs,
    totals: &mut Totals,
    output: &mut Output<'_>,
    search: impl FnOnce(&mut dyn FnMut(Told) -> bool) -> Result<()>,
) -> Result<()> {
    let most = args.max_count.unwrap_or(usize::MAX);
    let mut written = Ok(());
    let mut progress = Progress::new(output);
    let mut tell = |told| match told {
        Told::Answer(answer) => {
            progress.clear();
            written = report(args, answer, most, totals, progress.output());
            written.is_ok() && totals.steps < most
        }
        Told::Progress(at) => {
            progress.say(|| {
                let (done, of) = (human::count(at.records), human::count(at.of));
                format!("searched {done} of {of} records")
            });
            // whoever reads our output sees hits when they are found
            written = progress.output().out.flush().map_err(Into::into);
            written.is_ok()
        }
    };
    let searched = search(&mut tell);
    progress.clear();
    written.and(searched)
}

fn report(
    args: &SearchArgs,
    answer: Answer,
    most: usize,
    totals: &mut Totals,
    output: &mut Output<'_>,
) -> Result<()> {
    let Ok((trajectory, hits)) = answer.found else {
        totals.unread += 1;
        return Ok(());
    };
    let nth = answer.record.0 + 1;
    for hit in hits {
        if totals.steps >= most {
            break;
        }
        totals.steps += 1;
        if args.count {
            continue;
        }
        if args.json {
            let row = SearchRow::new(&trajectory, nth, hit);
            writeln!(output.out, "{}", records::to_json(&row)?)?;
        } else if args.records {
            let reference = trajectory.source.reference(&trajectory.id, None);
            writeln!(output.out, "{}", clean_line(&reference))?;
            break;
        } else {
            writeln!(
                output.out,
                "{}",
                line(&trajectory, &hit, output.terminal.color)
            )?;
        }
    }
    Ok(())
}

impl SearchRow {
    fn new(trajectory: &Trajectory, nth: usize, hit: Hit) -> Self {
        let source = &trajectory.source;
        Self {
            reference: source.child_reference(&trajectory.id, &hit.children, hit.step),
            id: trajectory.id.clone(),
            nth,
            path: source.path.clone(),
            member: source.member.clone(),
            matched: hit
                .excerpt
                .get(hit.matched.clone())
                .unwrap_or_default()
                .to_owned(),
            children: hit.children,
            step: hit.step,
            place: hit.place,
            excerpt: hit.excerpt,
            count: hit.count,
        }
    }
}

/// `path:record#id@step: excerpt`, with the match in colour.
fn line(trajectory: &Trajectory, hit: &Hit, is_colored: bool) -> String {
    let step = hit.step.map_or("@patch", |_| "");
    let reference = trajectory
        .source
        .child_reference(&trajectory.id, &hit.children, hit.step);
    let reference = clean_line(&reference).into_owned() + step;
    let piece = |range| clean_line(hit.excerpt.get(range).unwrap_or_default());
    let before = piece(0..hit.matched.start);
    let matched = piece(hit.matched.clone());
    let after = piece(hit.matched.end..hit.excerpt.len());
    if !is_colored {
        return format!("{reference}: {before}{matched}{after}");
    }
    let place = Style::new().fg_color(Some(AnsiColor::Magenta.into()));
    let found = Style::new()
        .fg_color(Some(AnsiColor::Red.into()))
        .effects(Effects::BOLD);
    format!("{place}{reference}{place:#}: {before}{found}{matched}{found:#}{after}")
}
