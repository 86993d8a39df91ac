//! `hgview compare`: finds out whether two attempts or two runs are meant, and compares them.

mod attempts;
mod paper;
mod runs;

use std::path::Path;
use std::path::PathBuf;

use crate::cli::Output;
use crate::cli::Verdict;
use crate::cli::args::CompareArgs;
use crate::cli::args::SharedArgs;
use crate::cli::pick::Wanted;
use crate::cli::records;
use crate::cli::selection;
use crate::error::Error;
use crate::error::Result;
use crate::model::RecordIx;
use crate::store::Store;

pub(super) use crate::cli::compare::attempts::AttemptsReport;
pub(super) use crate::cli::compare::runs::RunsReport;

/// Attempts of a task that an error lists.
const LISTED: usize = 8;

/// One of the two sets, or the only one.
struct Set {
    path: PathBuf,
    store: Store,
    /// Those of its records for which `--where` holds.
    among: Vec<RecordIx>,
    /// The trajectory of it that is meant, where one is.
    chosen: Option<RecordIx>,
}

/// A path as it was typed: `PATH`, `PATH#ID`, `PATH:N`, or a reference as the screen copies it, `PATH:N#ID@K`.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    path: PathBuf,
    id: Option<String>,
    nth: Option<u64>,
}

impl Place {
    fn parse(typed: &Path, is_there: impl Fn(&Path) -> bool) -> Self {
        let plain = Self {
            path: typed.to_path_buf(),
            id: None,
            nth: None,
        };
        let Some(text) = typed.to_str().filter(|_| !is_there(typed)) else {
            return plain;
        };
        let (rest, id) = match text.split_once('#') {
            Some((rest, id)) => {
                let step = id.rsplit_once('@');
                let step = step.filter(|(_, step)| step.bytes().all(|byte| byte.is_ascii_digit()));
                (rest, Some(step.map_or(id, |(id, _)| id).to_owned()))
            }
            None => (text, None),
        };
        let nth = rest
            .rsplit_once(':')
            .and_then(|(rest, nth)| Some((rest, nth.parse().ok().filter(|nth| *nth > 0)?)));
        let (path, nth) = match nth {
            Some((path, nth)) if !is_there(Path::new(rest)) => (path, Some(nth)),
            _ => (rest, None),
        };
        if !is_there(Path::new(path)) {
            return plain;
        }
        Self {
            path: path.into(),
            // the place says which one; the id of a reference may be a child's
            id: id.filter(|_| nth.is_none()),
            nth,
        }
    }
}

/// Compares what was named. *No* when a record of a run could not be read.
pub(super) fn run(
    args: &CompareArgs,
    shared: &SharedArgs,
    output: &mut Output<'_>,
) -> Result<Verdict> {
    let sides = [args.left.as_deref(), args.right.as_deref()];
    let mut sets = Vec::new();
    for (typed, side) in args.paths.iter().zip(sides) {
        let place = Place::parse(typed, Path::exists);
        let paths = std::slice::from_ref(&place.path);
        let store = records::load_store(paths, shared, output)?;
        let is_alone = args.paths.len() == 1;
        let side = if is_alone {
            None
        } else {
            side.or(args.task.as_deref())
        };
        let selector = selection::selector(shared)?;
        let among = selection::chosen(selector, paths, &store, shared, output)?;
        let chosen = chosen(&place, side, &store, &among, output)?;
        sets.push(Set {
            path: place.path,
            store,
            among,
            chosen,
        });
    }
    match sets.as_slice() {
        [one] => in_one(one, args, shared, output),
        [a, b] => between(a, b, args, shared, output),
        _ => Err(Error::internal("one path or two")),
    }
}

/// The trajectory that a path or its option names; the only one where there is but one.
fn chosen(
    place: &Place,
    side: Option<&str>,
    store: &Store,
    among: &[RecordIx],
    output: &mut Output<'_>,
) -> Result<Option<RecordIx>> {
    let (id, nth) = match side {
        Some(side) => named(side),
        None => (place.id.as_deref(), place.nth),
    };
    if id.is_none() && nth.is_none() {
        let alone = among.first().filter(|_| among.len() == 1);
        return Ok(alone.copied());
    }
    let path = place.path.as_path();
    let wanted = Wanted {
        path,
        id,
        nth,
        among,
    };
    wanted.find(store, output).map(Some)
}

/// What `--left` and `--right` name: an id, or a place.
fn named(side: &str) -> (Option<&str>, Option<u64>) {
    let nth = side.strip_prefix(':').and_then(|nth| nth.parse().ok());
    match nth {
        Some(nth) if nth > 0 => (None, Some(nth)),
        _ => (Some(side), None),
    }
}

/// Two sets: their chosen trajectories, or the runs that they are.
fn between(
    a: &Set,
    b: &Set,
    args: &CompareArgs,
    shared: &SharedArgs,
    output: &mut Output<'_>,
) -> Result<Verdict> {
    if args.by.is_some() {
        return Err(
            Error::user("--by makes two runs of one set, and here are two")
                .hint("leave out --by, or give one path"),
        );
    }
    match (a.chosen, b.chosen) {
        (Some(left), Some(right)) => {
            attempts::run([(&a.store, left), (&b.store, right)], args, output)
        }
        (one, _) if is_run(args) => {
            let (set, side) = if one.is_none() {
                (a, "left")
            } else {
                (b, "right")
            };
            Err(Error::user(format!(
                "{} holds {} trajectories; say which one",
                set.path.display(),
                set.among.len()
            ))
            .hint(format!("--{side} ID or --{side} :N")))
        }
        _ => runs::two(a, b, args, shared, output),
    }
}

/// Whether options were given that only make sense for two attempts.
fn is_run(args: &CompareArgs) -> bool {
    let names_one = |path: &PathBuf| !path.exists() && path.to_string_lossy().contains(['#', ':']);
    args.steps
        || args.left.is_some()
        || args.right.is_some()
        || args.task.is_some()
        || args.paths.iter().any(names_one)
}

/// One set: two of its trajectories, or two runs by a field.
fn in_one(
    set: &Set,
    args: &CompareArgs,
    shared: &SharedArgs,
    output: &mut Output<'_>,
) -> Result<Verdict> {
    if let Some(by) = args.by {
        if args.steps {
            return Err(Error::user("--steps is for two attempts"));
        }
        return runs::split(set, by, args, shared, output);
    }
    let store = &set.store;
    if args.left.is_some() || args.right.is_some() {
        let (Some(left), Some(right)) = (&args.left, &args.right) else {
            return Err(Error::user("--left and --right go together"));
        };
        let mut find = |side: &str| {
            let ((id, nth), path) = (named(side), set.path.as_path());
            let wanted = Wanted {
                path,
                id,
                nth,
                among: &set.among,
            };
            wanted.find(store, output)
        };
        let (left, right) = (find(left)?, find(right)?);
        return attempts::run([(store, left), (store, right)], args, output);
    }
    let found = match &args.task {
        Some(task) => of_task(task, set, output)?,
        None => set.among.clone(),
    };
    match found.as_slice() {
        [left, right] => attempts::run([(store, *left), (store, *right)], args, output),
        others => Err(which_two(set, args.task.as_deref(), others)),
    }
}

/// The attempts of a task, in their order.
fn of_task(task: &str, set: &Set, output: &mut Output<'_>) -> Result<Vec<RecordIx>> {
    let mut found = Vec::new();
    records::each_summary(
        &set.store,
        &set.among,
        output,
        |_, _| (),
        |ix, (row, ()), _| {
            if row.task_id.as_deref().unwrap_or(&row.id) == task || row.id == task {
                found.push(ix);
            }
            Ok(())
        },
    )?;
    Ok(found)
}

/// The error for a set in which it is not clear which two are meant.
fn which_two(set: &Set, task: Option<&str>, found: &[RecordIx]) -> Error {
    let path = set.path.display();
    let Some(task) = task else {
        let count = set.among.len();
        let plural = if count == 1 { "y" } else { "ies" };
        let what = format!("{path} holds {count} trajector{plural}; two are compared");
        return Error::user(what)
            .hint("--task ID compares the attempts of a task, --left ID --right ID any two")
            .hint("--by model compares two models; a second path compares two runs");
    };
    match found {
        [] => Error::user(format!("no record of {path} attempts {task}"))
            .hint(format!("`hgview list {path}` lists the ids")),
        [one] => Error::user(format!(
            "{path} holds one attempt at {task}, record {}",
            one.0 + 1
        ))
        .hint("a second path may hold another"),
        several => {
            let what = format!(
                "{path} holds {} attempts at {task}; two are compared",
                several.len()
            );
            let mut error = Error::user(what);
            for pair in several.windows(2).take(LISTED) {
                if let [left, right] = pair {
                    let (left, right) = (left.0 + 1, right.0 + 1);
                    error = error.hint(format!("--left :{left} --right :{right}"));
                }
            }
            error
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn parses(typed: &str, path: &str, id: Option<&str>, nth: Option<u64>) {
        let files = ["a.jsonl", "odd#name", "b:2"];
        let found = Place::parse(Path::new(typed), |path| {
            files.iter().any(|file| path == Path::new(file))
        });
        let want = Place {
            path: path.into(),
            id: id.map(str::to_owned),
            nth,
        };
        assert_eq!(found, want);
    }

    #[test]
    fn paths_name_records() {
        parses("a.jsonl", "a.jsonl", None, None);
        parses("a.jsonl#t-1", "a.jsonl", Some("t-1"), None);
        parses("a.jsonl#t@v2@7", "a.jsonl", Some("t@v2"), None);
        parses("a.jsonl:3", "a.jsonl", None, Some(3));
        parses("a.jsonl:3#t-1/2@7", "a.jsonl", None, Some(3));
        parses("a.jsonl:0", "a.jsonl:0", None, None);
        parses("odd#name", "odd#name", None, None);
        parses("b:2", "b:2", None, None);
        parses("b:2:5", "b:2", None, Some(5));
        parses("none#x", "none#x", None, None);
    }
}
