//! Replays from end to end: a record is made ready to be replayed, and what came of it is judged by the task's own check.
//! The command line and the screen go this way.

use std::path::Path;
use std::sync::Arc;
use std::sync::PoisonError;

use serde::Serialize;

use crate::cancel::Cancel;
use crate::error::Error;
use crate::error::Result;
use crate::model::ContentHash;
use crate::model::Trajectory;
use crate::replay::Finished;
use crate::replay::RecordReplay;
use crate::replay::Stage;
use crate::replay::Staged;
use crate::replay::Verified;
use crate::sandbox::Backend;
use crate::sandbox::System;
use crate::verify::RULED;
use crate::verify::Rules;
use crate::verify::base::Bases;
use crate::verify::base::RepositoryBases;
use crate::verify::base::ViewBases;
use crate::verify::program::Programs;
use crate::verify::program::RunProgram;
use crate::verify::replayed;
use crate::verify::replayed::Command;

/// How records are replayed and checked.
pub struct Replays {
    /// Where they are replayed.
    pub stage: Stage,
    /// A command that checks the workspace besides the rules; the task's own where none is named and it tells one plainly.
    pub command: Option<Command>,
    /// How often a check that runs something is run.
    pub repeat: usize,
    programs: Programs,
}

impl std::fmt::Debug for Replays {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Replays")
            .field("sources", &self.stage.sources)
            .field("command", &self.command)
            .field("repeat", &self.repeat)
            .finish_non_exhaustive()
    }
}

/// What was asked for, as far as results depend on it.
#[derive(Serialize)]
struct Asked<'a> {
    repo: Option<&'a Path>,
    repos: Option<&'a Path>,
    archive: Option<&'a Path>,
    rootfs: Option<&'a Path>,
    image: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    readable: Vec<&'a Path>,
    timeout_s: f64,
    verify_cmd: Option<&'a str>,
    repeat: usize,
}

impl Replays {
    /// On this stage, checked by the rules alone, once.
    pub fn new(stage: Stage) -> Self {
        let backends = Arc::clone(&stage.backends);
        let find = move || {
            let found = backends.of(&System::Host, &Cancel::new());
            found.into_iter().map(|chosen| chosen.backend).collect()
        };
        Self {
            stage,
            command: None,
            repeat: 1,
            programs: Programs::sandboxed(find),
        }
    }

    /// Runs test programs, only in sandboxes; nothing is started before the first is to run.
    pub fn programs(&self) -> &Programs {
        &self.programs
    }

    /// Names everything that results depend on besides the record: those of the same name need not be made again.
    ///
    /// # Errors
    /// *internal* when it cannot be written as JSON.
    pub fn options(&self) -> Result<ContentHash> {
        let sources = &self.stage.sources;
        let asked = Asked {
            repo: sources.repositories.repo.as_deref(),
            repos: sources.repositories.repos.as_deref(),
            archive: sources.archive.as_deref(),
            rootfs: sources.rootfs.as_deref(),
            image: sources.use_images,
            readable: sources.readable.iter().map(AsRef::as_ref).collect(),
            timeout_s: self.stage.options.patience.as_secs_f64(),
            verify_cmd: self.command.as_ref().map(|command| command.line.as_str()),
            repeat: self.repeat,
        };
        let asked = serde_json::to_vec(&asked)
            .map_err(|err| Error::internal("no JSON of the options").caused_by(err))?;
        Ok(ContentHash::of(&asked))
    }

    /// What came of a replay, with what rules and commands say of the workspace as it ended. A result that has an error,
    /// or no patch, is not checked. One that was stopped meanwhile is not worth keeping.
    pub fn conclude(&self, staged: &mut Staged, cancel: &Cancel) -> RecordReplay {
        let mut result = staged.session.result(cancel);
        // the workspace as it was when its patch was made, not what else was looked at since
        let finished = staged.finished.lock();
        let finished = finished.unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(finished) = finished.filter(|_| result.error.is_none()) {
            // checks start sandboxes of their own; that of the replay made its patch and is done
            let trajectory = Arc::clone(staged.session.trajectory());
            let (backend, ended) = (&staged.chosen.backend, (&finished, staged.root.as_str()));
            match self.checked(&trajectory, ended, backend, cancel) {
                Ok(verified) => result.verified = verified,
                Err(error) => result.error = Some(format!("not checked: {error}")),
            }
        }
        result
    }

    fn checked(
        &self,
        trajectory: &Arc<Trajectory>,
        (finished, root): (&Finished, &str),
        backend: &Arc<dyn Backend>,
        cancel: &Cancel,
    ) -> Result<Vec<Verified>> {
        let mut verified = Vec::new();
        let task = trajectory.task.as_ref();
        let kind = task.map(|task| task.kind);
        if kind.is_some_and(|kind| RULED.contains(&kind)) {
            let views = ViewBases::new(|| Some(Arc::clone(trajectory)));
            let repositories = &self.stage.sources.repositories;
            let repository = repositories.of(trajectory, cancel).and_then(Result::ok);
            let bases = RepositoryBases::new(&views, repository.as_deref(), task);
            let program = Some(&self.programs as &dyn RunProgram);
            for rules in [Rules::Published, Rules::Strict] {
                let with = (program, &bases as &dyn Bases);
                verified.push(replayed::by_rules(
                    rules,
                    trajectory,
                    finished,
                    with,
                    self.repeat,
                    cancel,
                ));
            }
        }
        let own = || task.and_then(Command::of_task);
        if let Some(command) = self.command.clone().or_else(own) {
            let bounds = (self.repeat, self.stage.options.patience);
            verified.push(replayed::by_command(
                &command, finished, &**backend, root, bounds, cancel,
            )?);
        }
        Ok(verified)
    }
}
