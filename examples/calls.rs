//! Prints what hgview knows of the Python files of a folder, one JSON object a line: every call with the definitions
//! that it means (`calls`, compared with jedi by `benches/calls.py`), or how long an index, an index
//! from what is known, and the search for `dep_search` candidates take (`time`, of several folders): on the clock, and of
//! the processors.
//!
//! ```text
//! cargo run --release --example calls -- calls FOLDER
//! cargo run --release --example calls -- time FOLDER…
//! ```
#![expect(clippy::print_stdout, reason = "an example prints")]

use std::error::Error;
use std::io::Write as _;
use std::time::Duration;
use std::time::Instant;

use hgview::cancel::Cancel;
use hgview::python::repo::DefinitionId;
use hgview::python::repo::Known;
use hgview::python::repo::Repository;
use hgview::python::repo::Rules;
use hgview::python::repo::Via;
use hgview::python::repo::dep_search;
use hgview::workspace::sources::Folder;
use serde::Serialize;

/// A call. Lines count from 1, columns from 0 in bytes, as Python's `ast` counts them.
#[derive(Serialize)]
struct Row<'a> {
    file: &'a str,
    line: usize,
    column: usize,
    name: &'a str,
    via: &'static str,
    /// The line of the definition around it.
    caller: Option<usize>,
    targets: Vec<Target<'a>>,
    is_sure: bool,
}

#[derive(Serialize)]
struct Target<'a> {
    file: &'a str,
    line: usize,
    name: &'a str,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.split_first() {
        Some((what, [folder])) if what == "calls" => print_calls(folder),
        Some((what, folders)) if what == "time" && !folders.is_empty() => print_times(folders),
        _ => Err("usage: calls calls FOLDER | time FOLDER…".into()),
    }
}

fn indexed(folder: &str, known: Option<&Known>) -> Result<Repository, Box<dyn Error>> {
    let files = Folder::new(folder);
    let index = Repository::index(&files, known, &Cancel::new(), &mut |_| {})?;
    Ok(index.ok_or("cancelled")?)
}

fn print_calls(folder: &str) -> Result<(), Box<dyn Error>> {
    let repository = indexed(folder, None)?;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let target = |id: &DefinitionId| {
        let found = repository.definition(*id)?;
        Some(Target {
            file: found.path,
            line: found.definition.header.0 + 1,
            name: &found.definition.name,
        })
    };
    for (file, calls) in repository.calls(&Cancel::new()).ok_or("cancelled")? {
        for call in calls {
            let caller = call.caller.and_then(|id| repository.definition(id));
            let row = Row {
                file,
                line: call.site.line.0 + 1,
                column: call.site.column_bytes,
                name: &call.name,
                via: match call.site.via {
                    Via::Call => "call",
                    Via::Decorator => "decorator",
                    Via::Raise => "raise",
                },
                caller: caller.map(|found| found.definition.header.0 + 1),
                targets: call.targets.iter().filter_map(target).collect(),
                is_sure: call.is_sure,
            };
            serde_json::to_writer(&mut out, &row)?;
            out.write_all(b"\n")?;
        }
    }
    Ok(out.flush()?)
}

fn print_times(folders: &[String]) -> Result<(), Box<dyn Error>> {
    let (mut files, mut candidates, mut bytes) = (0, 0, 0);
    let whole = Took::start();
    for folder in folders {
        let start = Took::start();
        let repository = indexed(folder, None)?;
        let index = start.end();
        let start = Took::start();
        let kept = repository.known().to_bytes();
        let keep = start.end();
        bytes += kept.len();
        let start = Took::start();
        let again = indexed(folder, Some(&Known::read(kept)))?;
        let reindex = start.end();
        let start = Took::start();
        let found = dep_search(&again, Rules::default(), &Cancel::new()).ok_or("cancelled")?;
        let search = start.end();
        println!(
            "{folder}: {} files ({} with faults, {} skipped), {} definitions; index {index}, kept {keep}, again {reindex} \
             ({} parsed); {} candidates and {} unsure {search}",
            repository.file_count(),
            repository.faulty_count(),
            repository.skipped().len(),
            repository.definitions().count(),
            again.parsed_count(),
            found.candidates.len(),
            found.unsure_count,
        );
        files += repository.file_count();
        candidates += found.candidates.len();
    }
    println!(
        "{files} files, {candidates} candidates, {bytes} bytes kept: {}",
        whole.end()
    );
    Ok(())
}

/// A time on the clock, and of the processors.
struct Took {
    clock: Instant,
    processors: Duration,
}

impl Took {
    fn start() -> Self {
        Self {
            clock: Instant::now(),
            processors: processors(),
        }
    }

    fn end(&self) -> String {
        let processors = processors().saturating_sub(self.processors);
        format!("in {:.2?} ({processors:.2?})", self.clock.elapsed())
    }
}

/// The time that all threads were on processors, kernel included; nothing where the system does not tell.
fn processors() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // behind the program's name, which may hold anything
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let ticks = fields.split_whitespace().skip(11).take(2);
    let ticks: u64 = ticks.filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}
