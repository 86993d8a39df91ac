//! Many tasks at once: each repository is opened and indexed one time for all of its tasks at a commit.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use rayon::iter::IntoParallelRefIterator as _;
use rayon::iter::ParallelIterator as _;

use crate::cancel::Cancel;
use crate::model::Task;
use crate::model::TaskKind;
use crate::model::Value;
use crate::replay::localize_targets;
use crate::tasks::LeftOut;
use crate::tasks::Seed;
use crate::tasks::check::Ground;
use crate::tasks::check::Outcome;
use crate::tasks::check::Report;
use crate::tasks::check::check;
use crate::tasks::check::leak::description;
use crate::tasks::check::places::line;
use crate::tasks::check::places::path_of;
use crate::tasks::check::places::text;
use crate::tasks::check::unopened;
use crate::tasks::describe::statements::Words;
use crate::tasks::source::Opened;
use crate::verify::program::RunProgram;
use crate::workspace::repositories::Repositories;
use crate::workspace::repositories::repository_name;
use crate::workspace::snapshot::Snapshot;

/// Tasks that are checked between two words about the progress.
const BATCH: usize = 64;

/// What many checks may use.
#[derive(Clone, Copy, Default)]
pub struct Means<'a> {
    /// Runs the test programs of `func_gen`; without it what needs one is left open.
    pub program: Option<&'a dyn RunProgram>,
    /// The threads to work on; without it those that everything works on.
    pub pool: Option<&'a rayon::ThreadPool>,
}

impl Means<'_> {
    fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        match self.pool {
            Some(pool) => pool.install(work),
            None => work(),
        }
    }
}

/// Checks tasks, each in its repository; the reports in the order of the tasks. `progress` is told how many are done.
/// `None` when it was cancelled.
pub fn check_all(
    tasks: &[Task],
    repositories: &Repositories,
    means: Means<'_>,
    cancel: &Cancel,
    progress: &mut dyn FnMut(usize),
) -> Option<Vec<Report>> {
    let mut reports: Vec<Report> = vec![Report::default(); tasks.len()];
    let mut groups: BTreeMap<(Option<&str>, Option<&str>), Vec<usize>> = BTreeMap::new();
    for (ix, task) in tasks.iter().enumerate() {
        // one repository serves all, whatever they call it
        let name = task.repo.as_deref().filter(|_| repositories.repo.is_none());
        let state = (name, task.base_commit.as_deref());
        groups.entry(state).or_default().push(ix);
    }
    let mut done = 0;
    for members in groups.into_values() {
        let first = members.first().and_then(|ix| tasks.get(*ix));
        let Some(first) = first else { continue };
        let seed = means.run(|| {
            let snapshot = repositories.open(first, cancel)?;
            seed(&snapshot, cancel)
        });
        if cancel.is_cancelled() {
            return None;
        }
        let ground = seed.map(Ground::new);
        for batch in members.chunks(BATCH) {
            let one = |ix: &usize| {
                let task = tasks.get(*ix).filter(|_| !cancel.is_cancelled())?;
                let report = match &ground {
                    Ok(ground) => check(task, ground, means.program, cancel),
                    Err(why) => unopened(why),
                };
                Some((*ix, report))
            };
            let told: Option<Vec<(usize, Report)>> =
                means.run(|| batch.par_iter().map(one).collect());
            for (ix, report) in told? {
                put(&mut reports, ix, report);
            }
            done += batch.len();
            progress(done);
        }
        // what names no place is no other target
        let based = |ix: &usize| reports.get(*ix).is_some_and(|report| report.passes("base"));
        let members: Vec<usize> = members.into_iter().filter(based).collect();
        for (ix, other) in twins(tasks, &members) {
            let other = tasks.get(other).and_then(|other| other.id.as_deref());
            let why = format!(
                "the task {} says the same of another target",
                other.unwrap_or_default()
            );
            if let Some(report) = reports.get_mut(ix) {
                report.refuse("gold", why);
            }
        }
    }
    (!cancel.is_cancelled()).then_some(reports)
}

/// Tasks of one repository that say the same of different targets as another one, and which one.
fn twins(tasks: &[Task], members: &[usize]) -> HashMap<usize, usize> {
    type Target<'t> = (&'t str, &'t str, Option<usize>);
    let mut said: HashMap<Words, Vec<(usize, Target<'_>)>> = HashMap::new();
    for ix in members {
        let task = tasks.get(*ix);
        let task = task.filter(|task| task.kind == TaskKind::FuncLocalize);
        let Some(instance) = task.and_then(|task| task.instance.as_deref()) else {
            continue;
        };
        for (target, words) in said_of_targets(instance) {
            let start = line(target, "module_line_start");
            let place = (
                path_of(target, instance),
                text(target, "module_name"),
                start,
            );
            said.entry(words).or_default().push((*ix, place));
        }
    }
    let mut twins = HashMap::new();
    for same in said.values() {
        for (ix, place) in same {
            let mut others = same.iter().filter(|(other, at)| other != ix && at != place);
            if let Some((other, _)) = others.next() {
                twins.insert(*ix, *other);
            }
        }
    }
    twins
}

/// The targets of a `func_localize` instance, each with the words that are said of it.
pub(in crate::tasks) fn said_of_targets(instance: &Value) -> impl Iterator<Item = (&Value, Words)> {
    localize_targets(instance).iter().map(|target| {
        let is_class = text(target, "module_type") == "class";
        (target, Words::of(is_class, description(target, instance)))
    })
}

/// Looks at tasks as they are made, so that only good ones are.
pub struct Gate<'a> {
    program: Option<&'a dyn RunProgram>,
    /// The repositories that were asked for last.
    grounds: Mutex<Vec<Arc<Ground>>>,
}

impl<'a> Gate<'a> {
    /// Without `program` what needs a test program is left open, and passes.
    pub fn new(program: Option<&'a dyn RunProgram>) -> Self {
        Self {
            program,
            grounds: Mutex::default(),
        }
    }

    /// Checks a row of a repository.
    ///
    /// # Errors
    /// The first check that refuses it, and why.
    pub fn look(&self, seed: &Seed, row: &Value, cancel: &Cancel) -> Result<(), LeftOut> {
        let task = Task::from_instance(row.clone());
        let other = task.base_commit.as_deref();
        let other = other.filter(|base| *base != seed.commit);
        let ground = match (other, &seed.git) {
            (Some(_), None) => return Ok(()),
            // tasks of issues begin each at a commit of its own
            (Some(commit), Some(git)) => match at_commit(git, commit, cancel) {
                Ok(seed) => Arc::new(Ground::new(seed)),
                Err(why) => {
                    return Err(LeftOut {
                        reason: reason("base"),
                        detail: why,
                    });
                }
            },
            (None, _) => self.ground(seed),
        };
        let report = check(&task, &ground, self.program, cancel);
        let mut checks = report.checks.into_iter();
        match checks.find(|check| check.outcome == Outcome::Refused) {
            None => Ok(()),
            Some(refused) => Err(LeftOut {
                reason: reason(refused.name),
                detail: refused.why.unwrap_or_default(),
            }),
        }
    }

    fn ground(&self, seed: &Seed) -> Arc<Ground> {
        /// Repositories from which tasks are made at the same time.
        const KEPT: usize = 4;
        let mut grounds = self.grounds.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it = |ground: &&Arc<Ground>| Arc::ptr_eq(&ground.seed.index, &seed.index);
        if let Some(known) = grounds.iter().find(is_it) {
            return Arc::clone(known);
        }
        if grounds.len() >= KEPT {
            grounds.remove(0);
        }
        let ground = Arc::new(Ground::new(seed.clone()));
        grounds.push(Arc::clone(&ground));
        ground
    }
}

/// By what refused tasks are counted.
fn reason(check: &str) -> &'static str {
    match check {
        "base" => "its base state cannot be made",
        "gold" => "its right answer is not in reach",
        "leak" => "its statement gives something away",
        "trivial" => "nothing else fits its statement",
        "accepts" => "a right edit is not accepted",
        _ => "a wrong edit is not rejected",
    }
}

fn put(reports: &mut [Report], ix: usize, report: Report) {
    if let Some(place) = reports.get_mut(ix) {
        *place = report;
    }
}

fn at_commit(git: &Path, commit: &str, cancel: &Cancel) -> Result<Seed, String> {
    seed(&Snapshot::of_commit(git, commit)?, cancel)
}

fn seed(snapshot: &Snapshot, cancel: &Cancel) -> Result<Seed, String> {
    let name = repository_name(snapshot.path());
    let opened = Opened::of(snapshot, name, cancel)?;
    let seed = opened.seed(None, cancel, &mut |_| ())?;
    seed.ok_or_else(|| "cancelled".to_owned())
}
