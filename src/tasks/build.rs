//! Makes a file of tasks from repositories.
//!
//! Every repository is opened, indexed and asked for its drafts; of these as many of each type, repository and stratum
//! are taken as there can be, drawn by lot. What fails in its finish or its check is replaced by the next of its stratum,
//! and what a repository cannot give others give in further rounds. What was made of a repository is kept beside the
//! output until that is whole, so that a run that was ended goes on; the output is the same as if it had not been.

mod own;
mod part;
mod report;
mod row;
mod write;

use std::collections::HashMap;
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use rayon::iter::IntoParallelRefIterator as _;
use rayon::iter::IntoParallelRefMutIterator as _;
use rayon::iter::ParallelIterator as _;

pub use report::Built;
pub use report::BuiltRepository;

use crate::cancel::Cancel;
use crate::error::Error;
use crate::error::Result;
use crate::model::Value;
use crate::tasks::KnownRepositories;
use crate::tasks::LeftOut;
use crate::tasks::Maker;
use crate::tasks::Seed;
use crate::tasks::build::own::Own;
use crate::tasks::build::part::Row;
use crate::tasks::build::row::id_stem;
use crate::tasks::build::write::Output;
use crate::tasks::func_localize::SAME_STATEMENT;
use crate::tasks::sample::shares;
use crate::tasks::source::Opened;
use crate::tasks::source::Source;

/// Rounds in which what is missing is made up for.
const MOST_ROUNDS: usize = 8;
/// Indexes of so many Python files are held between rounds; repositories beyond are read again.
const MOST_HELD: usize = 30_000;

/// Why a draft is left out whose target another one has.
const SAME_TARGET: &str = "another task has the same target";

/// What to make, and where it goes.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The file of the tasks: Parquet where its name ends so, else JSON lines.
    pub out: PathBuf,
    /// The most tasks of a repository.
    pub per_repo: Option<usize>,
    /// The most tasks in all.
    pub limit: Option<usize>,
    /// Decides which drafts are drawn.
    pub seed: u64,
    /// Writes over a file that is there, and begins anew where a run was ended.
    pub force: bool,
    /// Goes on where a run was ended.
    pub resume: bool,
    /// What makers and check were asked for, in any form: what another run left is taken only where it is the same.
    pub asked: String,
    /// What earlier runs know of repositories; tasks are the same without.
    pub known: Option<Arc<KnownRepositories>>,
}

/// Looks at a task before it is taken. Its id is not known then: it has one of the right form.
pub type Check<'a> = dyn Fn(&Seed, &Value, &Cancel) -> Result<(), LeftOut> + Sync + 'a;

/// How far a run has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Repositories that are done with in this round.
    pub done: usize,
    /// Repositories in all.
    pub of: usize,
    /// Tasks that were made, duplicates included.
    pub tasks: usize,
}

/// A run.
struct Run<'a> {
    makers: &'a [&'a dyn Maker],
    options: &'a Options,
    check: Option<&'a Check<'a>>,
    cancel: &'a Cancel,
    progress: &'a (dyn Fn(Progress) + Sync),
    of: usize,
    done: AtomicUsize,
    tasks: AtomicUsize,
    /// Python files whose indexes are held.
    held: AtomicUsize,
}

/// Makes tasks of several types. `progress` is called from several threads. A repository that cannot be opened is told in
/// the report, and the others go on.
///
/// # Errors
/// *user* when the output is there already or an earlier run was not ended; *input* when it cannot be written; *limit* when
/// it was cancelled: it can be resumed.
pub fn build(
    sources: &[Source],
    makers: &[&dyn Maker],
    options: &Options,
    check: Option<&Check<'_>>,
    cancel: &Cancel,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<Built> {
    let output = Output::begin(options)?;
    let run = Run {
        makers,
        options,
        check,
        cancel,
        progress,
        of: sources.len(),
        done: AtomicUsize::new(0),
        tasks: AtomicUsize::new(0),
        held: AtomicUsize::new(0),
    };
    let mut repositories = run.open(sources);
    let made = run.make(&mut repositories, &output);
    if cancel.is_cancelled() {
        return Err(Error::limit("cancelled").hint("--resume goes on where it ended"));
    }
    made?;
    let rounds = repositories
        .iter()
        .map(Own::rounds)
        .max()
        .unwrap_or_default();
    let (rows, dropped) = merged(&repositories, rounds);
    let mut built = Built::new(&repositories, &rows, makers);
    built.leave_out(SAME_TARGET, dropped.same_target);
    built.leave_out(SAME_STATEMENT, dropped.same_statement);
    output.publish(&rows)?;
    Ok(built)
}

impl<'a> Run<'a> {
    fn say(&self, done: usize) {
        (self.progress)(Progress {
            done,
            of: self.of,
            tasks: self.tasks.load(Ordering::Relaxed),
        });
    }

    /// Opens all repositories. One that was opened before at the same commit is not taken again.
    fn open(&self, sources: &'a [Source]) -> Vec<Own<'a>> {
        self.say(0);
        let opened: Vec<(&Source, Result<Opened, String>)> = sources
            .par_iter()
            .map(|source| (source, source.open(self.cancel)))
            .collect();
        let mut met: HashMap<(String, String), &Source> = HashMap::new();
        let mut all = Vec::with_capacity(opened.len());
        for (source, opened) in opened {
            let opened = opened.and_then(|opened| {
                let key = (opened.repo.clone(), opened.commit.clone());
                if let Some(first) = met.get(&key) {
                    return Err(format!("it is the same as {}", first.path.display()));
                }
                met.insert(key, source);
                Ok(opened)
            });
            all.push(Own::new(source, opened));
        }
        all
    }

    fn make(&self, repositories: &mut [Own<'a>], output: &Output) -> Result<()> {
        repositories.par_iter_mut().for_each(|own| {
            own.resume(self, output);
        });
        let Some(limit) = self.options.limit else {
            return self.each(repositories, &|own| {
                let Some(()) = own.survey(self, output)? else {
                    return Ok(());
                };
                let quotas = own.caps(self);
                own.advance(0, &quotas, self, output)?;
                own.let_go(self);
                own.keep_rounds(1);
                Ok(())
            });
        };
        self.each(repositories, &|own| {
            own.survey(self, output).map(|_done| ())
        })?;
        for round in 0..MOST_ROUNDS {
            if self.cancel.is_cancelled() {
                return Ok(());
            }
            let (rows, _) = merged(repositories, round);
            let quotas = self.quotas(repositories, round, limit.saturating_sub(rows.len()));
            if quotas.iter().flatten().all(|quota| *quota == 0) {
                // an earlier run may have asked for more
                for own in repositories.iter_mut() {
                    own.keep_rounds(round);
                }
                return Ok(());
            }
            for (own, quotas) in repositories.iter_mut().zip(quotas) {
                own.ask(quotas);
            }
            self.each(repositories, &|own| {
                let asked = own.asked();
                own.advance(round, &asked, self, output)
            })?;
        }
        Ok(())
    }

    /// Does something to every repository, several at once; the first failure by their order is told.
    fn each(
        &self,
        repositories: &mut [Own<'a>],
        work: &(dyn Fn(&mut Own<'a>) -> Result<()> + Sync),
    ) -> Result<()> {
        self.done.store(0, Ordering::Relaxed);
        let failed: Mutex<Option<Error>> = Mutex::new(None);
        repositories.par_iter_mut().for_each(|own| {
            if self.cancel.is_cancelled() {
                return;
            }
            if let Err(err) = work(own) {
                let mut failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
                failed.get_or_insert(err);
            }
            self.say(self.done.fetch_add(1, Ordering::Relaxed) + 1);
        });
        let failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
        failed.map_or(Ok(()), Err)
    }

    /// How many tasks of each type each repository is to make in a round, so that `missing` are made: as many of each
    /// type, and of each repository, as they can still give.
    fn quotas(&self, repositories: &[Own<'a>], round: usize, missing: usize) -> Vec<Vec<usize>> {
        let left: Vec<Vec<usize>> = repositories
            .iter()
            .map(|own| own.left(round, self))
            .collect();
        let of_type = |kind: usize| -> Vec<usize> {
            let left = left.iter().map(|left| left.get(kind).copied());
            left.map(Option::unwrap_or_default).collect()
        };
        let supplies: Vec<usize> = (0..self.makers.len())
            .map(|kind| of_type(kind).iter().sum())
            .collect();
        let mut quotas = vec![Vec::with_capacity(self.makers.len()); repositories.len()];
        for (kind, quota) in shares(missing, &supplies).into_iter().enumerate() {
            for (own, share) in quotas.iter_mut().zip(shares(quota, &of_type(kind))) {
                own.push(share);
            }
        }
        quotas
    }
}

/// A task with its id.
struct Task<'a> {
    id: String,
    /// The place of its repository.
    own: usize,
    row: &'a Row,
}

/// How many rows were made and not taken, by reason.
#[derive(Debug, Default)]
struct Dropped {
    same_target: u64,
    same_statement: u64,
}

/// The rows of the first `rounds` rounds in their order, without those whose target an earlier one has, and without all
/// those of a repository that say the same of different targets.
fn merged<'a>(repositories: &'a [Own<'_>], rounds: usize) -> (Vec<Task<'a>>, Dropped) {
    let mut met: HashSet<(usize, &str)> = HashSet::new();
    let mut numbers: HashMap<String, usize> = HashMap::new();
    let mut dropped = Dropped::default();
    let mut tasks = Vec::new();
    for (place, own) in repositories.iter().enumerate() {
        let mut rows: Vec<&Row> = own.rows(rounds).collect();
        rows.sort_by(|a, b| (a.maker, &a.path, a.line).cmp(&(b.maker, &b.path, b.line)));
        rows.retain(|row| {
            let is_new = met.insert((row.maker, &row.key));
            dropped.same_target += u64::from(!is_new);
            is_new
        });
        let mut said: HashMap<&str, u32> = HashMap::new();
        for words in rows.iter().flat_map(|row| &row.statements) {
            *said.entry(words).or_default() += 1;
        }
        for row in rows {
            let is_shared =
                |words: &String| said.get(words.as_str()).is_some_and(|count| *count > 1);
            if row.statements.iter().any(is_shared) {
                dropped.same_statement += 1;
                continue;
            }
            let id = row.id.clone().unwrap_or_else(|| {
                let stem = id_stem(own.repo(), &row.commit);
                let number = numbers.entry(stem.clone()).or_default();
                let id = format!("{stem}__{number}");
                *number += 1;
                id
            });
            tasks.push(Task {
                id,
                own: place,
                row,
            });
        }
    }
    (tasks, dropped)
}

#[cfg(test)]
mod tests;
