//! Prints what hgview knows of the Python files of a folder, one JSON object a line: every call with the definitions
//! that it means (`calls`, compared with jedi by `examples/python/compare_calls.py`), or only how long an index and the
//! search for `dep_search` candidates take (`time`, of several folders).
//!
//! ```text
//! cargo run --release --example python_calls -- calls FOLDER
//! cargo run --release --example python_calls -- time FOLDER…
//! ```
#![expect(clippy::print_stdout, reason = "an example prints")]

use std::error::Error;
use std::io::Write as _;
use std::time::Instant;

use hgview::cancel::Cancel;
use hgview::python::repo::DefinitionId;
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
        _ => Err("usage: python_calls calls FOLDER | time FOLDER…".into()),
    }
}

fn indexed(folder: &str, earlier: Option<&Repository>) -> Result<Repository, Box<dyn Error>> {
    let files = Folder::new(folder);
    let index = Repository::index(&files, earlier, &Cancel::new(), &mut |_| {})?;
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
    let (mut files, mut candidates) = (0, 0);
    let whole = Instant::now();
    for folder in folders {
        let start = Instant::now();
        let repository = indexed(folder, None)?;
        let index = start.elapsed();
        let start = Instant::now();
        let again = indexed(folder, Some(&repository))?;
        let reindex = start.elapsed();
        let start = Instant::now();
        let found = dep_search(&again, Rules::default(), &Cancel::new()).ok_or("cancelled")?;
        let search = start.elapsed();
        println!(
            "{folder}: {} files ({} with faults, {} skipped), {} definitions; index {index:.2?}, again {reindex:.2?}; \
             {} candidates and {} unsure in {search:.2?}",
            repository.file_count(),
            repository.faulty_count(),
            repository.skipped().len(),
            repository.definitions().count(),
            found.candidates.len(),
            found.unsure_count,
        );
        files += repository.file_count();
        candidates += found.candidates.len();
    }
    println!(
        "{files} files, {candidates} candidates in {:.2?}",
        whole.elapsed()
    );
    Ok(())
}
