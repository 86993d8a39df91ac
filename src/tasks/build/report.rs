//! What came of a run.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;

use crate::tasks::Maker;
use crate::tasks::build::Own;
use crate::tasks::build::Task;
use crate::tasks::licence::Licence;

/// What came of making tasks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Built {
    /// Tasks that were written.
    pub tasks: usize,
    /// … by type, and of each type by stratum: the number of dependencies, the kind of the target.
    pub types: BTreeMap<String, BTreeMap<String, usize>>,
    /// What was left out, by reason.
    pub left_out: BTreeMap<String, u64>,
    /// The repositories, in the order in which they were named.
    pub repositories: Vec<BuiltRepository>,
}

/// What came of a repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct BuiltRepository {
    /// Where it lies.
    pub path: PathBuf,
    /// `owner/name`; null where it could not be opened.
    pub repo: Option<String>,
    /// The whole hash of the commit, or a name of its content.
    pub commit: Option<String>,
    /// Its licence, where one was found.
    pub licence: Option<Licence>,
    /// Python files that were read.
    pub files: usize,
    /// Of these, files with syntax errors.
    pub faulty: usize,
    /// Python files and folders that were passed over: links, submodules, generated files.
    pub skipped: usize,
    /// Tasks that were written.
    pub tasks: usize,
    /// An earlier run had made some of it.
    pub is_resumed: bool,
    /// Why it could not be opened or was not taken.
    pub error: Option<String>,
}

impl Built {
    pub(super) fn new(repositories: &[Own<'_>], tasks: &[Task<'_>], makers: &[&dyn Maker]) -> Self {
        let mut built = Self {
            tasks: tasks.len(),
            types: BTreeMap::new(),
            left_out: BTreeMap::new(),
            repositories: repositories.iter().map(BuiltRepository::of).collect(),
        };
        for maker in makers {
            built
                .types
                .entry(maker.kind().name().to_owned())
                .or_default();
        }
        for task in tasks {
            if let Some(own) = built.repositories.get_mut(task.own) {
                own.tasks += 1;
            }
            if let Some(maker) = makers.get(task.row.maker) {
                let strata = built.types.entry(maker.kind().name().to_owned());
                *strata
                    .or_default()
                    .entry(task.row.stratum.clone())
                    .or_default() += 1;
            }
        }
        for part in repositories.iter().filter_map(|own| own.part.as_ref()) {
            let rounds = part.rounds.iter().map(|round| &round.left_out);
            for (reason, count) in rounds.chain([&part.survey.left_out]).flatten() {
                built.leave_out(reason, *count);
            }
        }
        built
    }

    pub(super) fn leave_out(&mut self, reason: &str, count: u64) {
        if count > 0 {
            *self.left_out.entry(reason.to_owned()).or_default() += count;
        }
    }
}

impl BuiltRepository {
    fn of(own: &Own<'_>) -> Self {
        let opened = own.opened.as_ref();
        let survey = own.part.as_ref().map(|part| part.survey.clone());
        let survey = survey.unwrap_or_default();
        Self {
            path: own.source.path.clone(),
            repo: opened.map(|opened| opened.repo.clone()).ok(),
            commit: opened.map(|opened| opened.commit.clone()).ok(),
            licence: opened.ok().and_then(|opened| opened.licence.clone()),
            files: survey.files,
            faulty: survey.faulty,
            skipped: survey.skipped,
            tasks: 0,
            is_resumed: own.is_resumed,
            error: opened.err().cloned(),
        }
    }
}
