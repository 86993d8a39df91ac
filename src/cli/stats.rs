//! `hgview stats`: what agents do and how often it is accepted, as text with charts, JSON, CSV, Markdown or HTML.

mod share;

use std::fmt::Write as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use anstyle::AnsiColor;
use anstyle::Style;

use crate::cancel::Cancel;
use crate::cli::Output;
use crate::cli::Verdict;
use crate::cli::args::FormArgs;
use crate::cli::args::SharedArgs;
use crate::cli::args::StatsArgs;
use crate::cli::args::StatsCommand;
use crate::cli::chosen_flags;
use crate::cli::records;
use crate::cli::records::Progress;
use crate::cli::review;
use crate::cli::selection;
use crate::config::Paths;
use crate::error::Error;
use crate::error::Result;
use crate::export;
use crate::model::Component;
use crate::model::RecordIx;
use crate::model::Trajectory;
use crate::review::Policy;
use crate::shard::Shard;
use crate::stats;
use crate::stats::Collected;
use crate::stats::Doc;
use crate::stats::Glyphs;
use crate::stats::GroupBy;
use crate::stats::Line;
use crate::stats::Look;
use crate::stats::SectionKind;
use crate::stats::Sources;
use crate::stats::Stats;
use crate::stats::Tint;
use crate::store::Head;
use crate::text;
use crate::text::human;
use crate::verify::Rules;
use crate::verify::cache::Cache;
use crate::verify::check;
use crate::verify::check::Tools;
use crate::verify::filter::Filter;

/// Cells of a line where nobody says how many there are.
const WIDTH: usize = 100;

/// Counts, and says what was asked for. *No* when a record could not be read.
pub(super) fn run(
    args: &StatsArgs,
    shared: &SharedArgs,
    output: &mut Output<'_>,
) -> Result<Verdict> {
    if let Some(StatsCommand::Merge(args)) = &args.command {
        return share::run(args, output);
    }
    let form = &args.form;
    let by = grouping(form)?;
    let kinds = sections(form)?;
    let selector = selection::selector(shared)?;
    let filter = Filter::parse(&args.filter)?;
    let with: Vec<PathBuf> = args.tasks.iter().cloned().collect();
    let store = records::load_store_with(&args.paths, &with, shared, output)?;
    if let Some(path) = &form.html {
        export::check_report(path, form.force, &store)?;
        check_sides(path, &with, shared)?;
    }
    let share = args.shard.or_else(|| args.partial.then_some(Shard::WHOLE));
    let places = share.unwrap_or(Shard::WHOLE).range(store.len());
    let mut chosen = selection::chosen_in(places, selector, &args.paths, &store, shared, output)?;
    // statistics are of attempts
    chosen.retain(|ix| !store.is_task(*ix));
    let place = review::place_of(&args.paths, &store, shared)?;
    let ledger = review::ledger(&place, output)?;
    let cache = Cache::open(&Paths::of_environment().cache.join("verify"));
    let tools = Tools {
        program: None,
        rules: &[Rules::Published, Rules::Strict],
        cache: Some(&cache),
        // statistics look for all of them by themselves
        flags: None,
        repositories: None,
        hashes: filter.goes_by_content(),
    };
    let cancel = Cancel::new();
    let check = |head: &Head, whole: &Arc<Trajectory>| {
        check::check(head, &|| Ok(Arc::clone(whole)), &tools, &cancel)
    };
    let sources = Sources {
        store: &store,
        ledger: Some(&ledger),
        policy: Policy::from_name(&args.policy).unwrap_or_default(),
        filter: &filter,
        check: &check,
        flags: &chosen_flags(),
    };
    if let (Some(shard), Some(folder)) = (share, &args.out) {
        let asked = share::asked(args, shared, &place, sources.flags)?;
        return share::write((shard, folder, asked), &sources, &chosen, &cancel, output);
    }
    let collected = collect(&sources, &chosen, &cancel, output);
    let told = Stats::of(&collected, &by);
    let paths = args.paths.iter().map(|path| path.display().to_string());
    let about = About {
        paths: &paths.collect::<Vec<String>>(),
        query: shared.query.as_deref(),
        policy: &args.policy,
        filter: &args.filter,
    };
    print(form, &about, &told, &kinds, output)?;
    records::warn_unmatched(&store, args.tasks.as_deref(), output)?;
    Ok(if collected.faults > 0 {
        Verdict::No
    } else {
        Verdict::Yes
    })
}

fn grouping(args: &FormArgs) -> Result<Vec<GroupBy>> {
    let by = args.by.iter().filter_map(|name| GroupBy::from_name(name));
    let by: Vec<GroupBy> = by.collect();
    match by.as_slice() {
        [] | [_] => Ok(by),
        [one, other] if one != other => Ok(by),
        [_, _] => Err(Error::user("--by names the same thing twice")),
        _ => Err(Error::user("--by takes one or two things")),
    }
}

fn sections(args: &FormArgs) -> Result<Vec<SectionKind>> {
    let named = args.section.iter();
    let named: Vec<SectionKind> = named
        .filter_map(|name| SectionKind::from_name(name))
        .collect();
    if args.csv && named.len() > 1 {
        return Err(Error::user("--csv prints one part").hint("name one with --section"));
    }
    let in_order = SectionKind::ALL
        .into_iter()
        .filter(|kind| named.contains(kind));
    Ok(match named.as_slice() {
        [] => SectionKind::ALL.to_vec(),
        _ => in_order.collect(),
    })
}

/// Refuses to write over what is read beside the records.
fn check_sides(path: &Path, with: &[PathBuf], shared: &SharedArgs) -> Result<()> {
    let Ok(target) = std::fs::canonicalize(path) else {
        return Ok(());
    };
    let mut read = with.iter().chain(&shared.with);
    match read.find(|side| std::fs::canonicalize(side).is_ok_and(|side| side == target)) {
        Some(side) => Err(Error::user(format!(
            "{} is read for this report; it is not written over",
            side.display()
        ))),
        None => Ok(()),
    }
}

fn collect(
    sources: &Sources<'_>,
    records: &[RecordIx],
    cancel: &Cancel,
    output: &mut Output<'_>,
) -> Collected {
    let mut progress = Progress::new(output);
    let collected = stats::collect(sources, records, cancel, &mut |at| {
        progress.say(|| {
            let (done, asked) = (human::count(at.done()), human::count(at.asked));
            format!("read {done} of {asked} records")
        });
    });
    progress.clear();
    collected
}

fn print(
    args: &FormArgs,
    about: &About<'_>,
    told: &Stats,
    kinds: &[SectionKind],
    output: &mut Output<'_>,
) -> Result<()> {
    if args.json {
        writeln!(output.out, "{}", records::to_json(told)?)?;
    } else if args.csv {
        let kind = match args.section.as_slice() {
            [] => SectionKind::Behaviour,
            _ => kinds.first().copied().unwrap_or(SectionKind::Behaviour),
        };
        output.out.write_all(stats::csv(told, kind).as_bytes())?;
    } else if args.markdown {
        output
            .out
            .write_all(stats::markdown(&told.doc(kinds)).as_bytes())?;
    } else if let Some(path) = &args.html {
        let page = stats::html(&told.doc(kinds), &about.words(told));
        export::write_report(path, page.as_bytes(), args.force, output.out)?;
        if path.as_os_str() != "-" {
            let name = path.display().to_string();
            writeln!(output.err, "wrote {}", text::clean(&name))?;
        }
    } else {
        page(&told.doc(kinds), args.ascii, output)?;
    }
    Ok(())
}

/// What a report is of, for those who did not make it.
struct About<'a> {
    paths: &'a [String],
    query: Option<&'a str>,
    policy: &'a str,
    filter: &'a str,
}

impl About<'_> {
    fn words(&self, told: &Stats) -> Vec<String> {
        let (records, paths) = (human::plural(told.records, "record"), self.paths.join(", "));
        vec![
            match self.query {
                Some(query) => format!("{records} of {paths} for which {query}"),
                None => format!("{records} of {paths}"),
            },
            format!(
                "Accepted in effect: policy {}, filter {}. Made by hgview {}.",
                self.policy,
                self.filter,
                env!("CARGO_PKG_VERSION")
            ),
        ]
    }
}

fn page(doc: &Doc, is_ascii: bool, output: &mut Output<'_>) -> Result<()> {
    let glyphs = if is_ascii || !is_utf8() {
        Glyphs::Ascii
    } else {
        Glyphs::Unicode
    };
    let look = Look {
        width: output.terminal.width.unwrap_or(WIDTH),
        glyphs,
    };
    let title = Line::title(&doc.title, look);
    for line in std::iter::once(title).chain(stats::lines(doc, look)) {
        let written = if output.terminal.color {
            colored(&line)
        } else {
            line.text()
        };
        writeln!(output.out, "{written}")?;
    }
    Ok(())
}

/// Whether the locale can show Unicode: it says so, or nothing.
fn is_utf8() -> bool {
    let names = ["LC_ALL", "LC_CTYPE", "LANG"];
    let set = names
        .into_iter()
        .filter_map(std::env::var_os)
        .find(|value| !value.is_empty());
    set.is_none_or(|value| {
        let value = value.to_string_lossy().to_lowercase();
        value.contains("utf-8") || value.contains("utf8")
    })
}

fn colored(line: &Line) -> String {
    let mut out = String::new();
    for piece in &line.pieces {
        let style = style(piece.tint);
        // writing to a text cannot fail
        let _done = write!(out, "{style}{}{style:#}", piece.text);
    }
    out
}

fn style(tint: Tint) -> Style {
    let of = |color: AnsiColor| color.on_default();
    match tint {
        Tint::Plain => Style::new(),
        Tint::Dim | Tint::Range | Tint::Head => Style::new().dimmed(),
        Tint::Section => of(AnsiColor::Cyan).bold(),
        Tint::Title => Style::new().bold(),
        Tint::Bar => of(AnsiColor::Blue),
        Tint::Component(component) => match component {
            Component::Reasoning => of(AnsiColor::BrightBlack),
            Component::Exploration => of(AnsiColor::Blue),
            Component::Implementation => of(AnsiColor::Yellow),
            Component::Verification => of(AnsiColor::Green),
            Component::Execution => of(AnsiColor::Magenta),
        },
    }
}
