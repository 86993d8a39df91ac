//! `hgview tasks build`: tasks from repositories, and a report.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::cancel::Cancel;
use crate::cli::Output;
use crate::cli::Verdict;
use crate::cli::args::MadeType;
use crate::cli::args::SharedArgs;
use crate::cli::args::TasksBuildArgs;
use crate::cli::programs::programs;
use crate::cli::records;
use crate::cli::records::Progress;
use crate::cli::signals::Interrupts;
use crate::cli::tasks::describe;
use crate::cli::tasks::describe::Author;
use crate::config::Paths;
use crate::error::Error;
use crate::error::Result;
use crate::model::Value;
use crate::python::repo::Rules as DepRules;
use crate::tasks::FuncGen;
use crate::tasks::KnownRepositories;
use crate::tasks::Maker;
use crate::tasks::Seed;
use crate::tasks::build;
use crate::tasks::build::Built;
use crate::tasks::build::Options;
use crate::tasks::check::Gate;
use crate::tasks::dep_search::DepSearch;
use crate::tasks::describe::Describe;
use crate::tasks::func_localize::FuncLocalize;
use crate::tasks::issue_localize::IssueHistory;
use crate::tasks::issue_localize::IssueRows;
use crate::tasks::source;
use crate::tasks::source::Source;
use crate::text;
use crate::text::human;
use crate::verify::program::RunProgram;

/// How often it is looked how far the work is.
const PACE: Duration = Duration::from_millis(50);

/// Makes what was asked for. *No* when a repository could not be opened, or the endpoint failed.
pub(super) fn run(
    args: &TasksBuildArgs,
    shared: &SharedArgs,
    output: &mut Output<'_>,
) -> Result<Verdict> {
    if args.min_deps > args.max_deps {
        return Err(Error::user("--min-deps is more than --max-deps"));
    }
    let cancel = Cancel::new();
    let interrupts = Interrupts::watch(&cancel)?;
    let programs: Arc<dyn RunProgram + Send + Sync> = Arc::new(programs(false));
    let sources = source::find(
        &args.repos,
        args.each,
        args.commit.as_deref(),
        args.repo_name.as_deref(),
    )?;
    let author = Author::new(args, sources.len())?;
    let made = makers(args, author.describe(), &programs, &cancel)?;
    let makers: Vec<&dyn Maker> = made.iter().map(Box::as_ref).collect();
    let options = options(args, shared)?;
    let built = build_with_progress(args, &options, (&sources, &makers), &cancel, output);
    if built.is_err() {
        drop(author.tell(output));
        interrupts.obey();
    }
    let built = built?;
    let has_failed = author.tell(output)?;
    if args.json {
        writeln!(output.out, "{}", records::to_json(&built)?)?;
    }
    tell(&built, output)?;
    let is_whole = built.repositories.iter().all(|own| own.error.is_none());
    Ok(if is_whole && !has_failed {
        Verdict::Yes
    } else {
        Verdict::No
    })
}

fn makers<'a>(
    args: &TasksBuildArgs,
    describe: &'a dyn Describe,
    programs: &Arc<dyn RunProgram + Send + Sync>,
    cancel: &Cancel,
) -> Result<Vec<Box<dyn Maker + 'a>>> {
    let count = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let mut types = Vec::new();
    for kind in &args.types {
        if !types.contains(kind) {
            types.push(*kind);
        }
    }
    let maker = |kind: MadeType| -> Result<Box<dyn Maker + 'a>> {
        Ok(match kind {
            MadeType::DepSearch => Box::new(DepSearch {
                rules: DepRules {
                    least: count(args.min_deps),
                    most: count(args.max_deps),
                    only_sure: !args.unsure,
                },
            }),
            MadeType::FuncLocalize => Box::new(FuncLocalize {
                describe,
                targets: count(args.targets),
                masks_name: args.mask_name,
                seed: args.seed,
            }),
            MadeType::FuncGen => Box::new(FuncGen::new(Arc::clone(programs))),
            MadeType::IssueLocalize if args.issues.is_empty() => Box::new(IssueHistory {
                commits: args.commits,
            }),
            MadeType::IssueLocalize => Box::new(IssueRows::read(args.issues.clone(), cancel)?),
        })
    };
    types.into_iter().map(maker).collect()
}

fn options(args: &TasksBuildArgs, shared: &SharedArgs) -> Result<Options> {
    let descriptions = describe::asked(args)?;
    let known = || KnownRepositories::within(Paths::of_environment().cache.join("sources"));
    Ok(Options {
        out: args.out.clone(),
        per_repo: args.per_repo,
        limit: args.limit,
        seed: args.seed,
        force: args.force,
        resume: args.resume,
        asked: format!(
            "deps {}..{} {} targets {} {} check {} issues {:?} {} descriptions {descriptions}",
            args.min_deps,
            args.max_deps,
            args.unsure,
            args.targets,
            args.mask_name,
            args.check,
            args.issues,
            args.commits,
        ),
        known: (!shared.no_cache).then(|| Arc::new(known())),
    })
}

fn build_with_progress(
    args: &TasksBuildArgs,
    options: &Options,
    (sources, makers): (&[Source], &[&dyn Maker]),
    cancel: &Cancel,
    output: &mut Output<'_>,
) -> Result<Built> {
    // whoever waits for a model needs no processor
    let waiting = args
        .endpoint
        .endpoint
        .as_ref()
        .map(|_url| describe::AT_ONCE);
    let threads = usize::from(args.jobs.or(waiting).unwrap_or_default());
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    let pool = pool.map_err(|err| Error::internal("threads cannot be started").caused_by(err))?;
    let (done, tasks) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let note = |at: build::Progress| {
        done.store(at.done, Ordering::Relaxed);
        tasks.store(at.tasks, Ordering::Relaxed);
    };
    let gate = Gate::new(None);
    let look = |seed: &Seed, row: &Value, cancel: &Cancel| gate.look(seed, row, cancel);
    let check: Option<&build::Check<'_>> = if args.check { Some(&look) } else { None };
    let mut progress = Progress::new(output);
    let built = std::thread::scope(|scope| {
        let work = scope.spawn(|| {
            pool.install(|| build::build(sources, makers, options, check, cancel, &note))
        });
        while !work.is_finished() {
            std::thread::sleep(PACE);
            progress.say(|| {
                let bar = records::bar(done.load(Ordering::Relaxed), sources.len(), "repositories");
                let tasks = human::count(tasks.load(Ordering::Relaxed));
                format!("{bar}, {tasks} tasks")
            });
        }
        work.join()
    });
    progress.clear();
    built.unwrap_or_else(|_panic| Err(Error::internal("the work ended early")))
}

/// The report for people. Names may be anybody's.
fn tell(built: &Built, output: &mut Output<'_>) -> Result<()> {
    let err = &mut *output.err;
    for own in &built.repositories {
        let path = own.path.display().to_string();
        let path = text::clean_line(&path);
        match (&own.error, &own.repo) {
            (Some(why), _) => {
                writeln!(
                    err,
                    "hgview: {path} was left out: {}",
                    text::clean_line(why)
                )?;
            }
            (None, Some(repo)) => {
                let licence = own.licence.as_ref();
                let licence = licence.map_or("no licence found", |licence| {
                    licence.spdx.as_deref().unwrap_or("a licence of its own")
                });
                writeln!(
                    err,
                    "{}: {} of {} ({}; {licence})",
                    text::clean_line(repo),
                    human::plural(own.tasks, "task"),
                    human::plural(own.files, "file"),
                    commit(own.commit.as_deref().unwrap_or_default()),
                )?;
            }
            (None, None) => {}
        }
    }
    for (kind, strata) in &built.types {
        let shown: Vec<String> = strata
            .iter()
            .map(|(stratum, count)| {
                let stratum = stratum.trim_start_matches('0');
                format!("{} × {}", human::count(*count), text::clean_line(stratum))
            })
            .collect();
        let count: usize = strata.values().sum();
        let detail = if shown.is_empty() {
            String::new()
        } else {
            format!(" ({})", shown.join(", "))
        };
        writeln!(err, "{kind}: {}{detail}", human::plural(count, "task"))?;
    }
    for (reason, count) in &built.left_out {
        writeln!(err, "left out: {count}: {}", text::clean_line(reason))?;
    }
    Ok(())
}

/// The first digits of a commit.
fn commit(whole: &str) -> String {
    whole.chars().take(8).collect()
}
