//! What a replay on the command line needs, from what was typed: back end, bases, checks.

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::PoisonError;

use serde::Serialize;

use crate::cancel::Cancel;
use crate::cli::args::BackendArg;
use crate::cli::args::ReplayArgs;
use crate::cli::replay::backend::started;
use crate::cli::show::repositories;
use crate::config::Paths;
use crate::error::Error;
use crate::error::Result;
use crate::model::ContentHash;
use crate::model::RecordIx;
use crate::model::TaskKind;
use crate::model::Trajectory;
use crate::replay::BaseSources;
use crate::replay::Finished;
use crate::replay::Options;
use crate::replay::Preparations;
use crate::replay::RecordReplay;
use crate::replay::Stage;
use crate::replay::Staged;
use crate::replay::Until;
use crate::replay::Verified;
use crate::review::RecordRef;
use crate::sandbox::Bound;
use crate::sandbox::Holding;
use crate::sandbox::Limits;
use crate::sandbox::Proof;
use crate::sandbox::Tier;
use crate::store::Store;
use crate::verify::Rules;
use crate::verify::base::Bases;
use crate::verify::base::CheckoutBases;
use crate::verify::base::ViewBases;
use crate::verify::program::RunProgram;
use crate::verify::program::Sandboxed;
use crate::verify::replayed;

/// A record, replayed, and how.
pub(super) struct Replayed {
    pub(super) result: RecordReplay,
    /// How the sandbox walled off; `None` where none was started.
    pub(super) tier: Option<Tier>,
    /// The bounds of the sandbox that nobody proved.
    pub(super) unproved: Vec<Bound>,
}

/// Tasks for which there are rules.
const RULED: [TaskKind; 4] = [
    TaskKind::FuncLocalize,
    TaskKind::DepSearch,
    TaskKind::IssueLocalize,
    TaskKind::FuncGen,
];

/// What was asked for, as far as results depend on it. Its hash tells which results need not be made again.
#[derive(Serialize)]
struct Asked<'a> {
    repo: Option<&'a std::path::Path>,
    repos: Option<&'a std::path::Path>,
    archive: Option<&'a std::path::Path>,
    rootfs: Option<&'a std::path::Path>,
    image: bool,
    timeout_s: f64,
    verify_cmd: Option<&'a str>,
    repeat: u64,
}

/// What all replays of a command share.
pub(super) struct Setup {
    stage: Stage,
    /// Runs test programs; made when the first is to run.
    program: OnceLock<Option<Sandboxed>>,
    command: Option<replayed::Command>,
    repeat: usize,
    options: ContentHash,
    unproved: Vec<Bound>,
}

impl Setup {
    /// Looks at what was named, and whether this machine has sandboxes.
    ///
    /// # Errors
    /// *input* when something that was named is not there; *limit* when no sandbox can be started.
    pub(super) fn new(args: &ReplayArgs, backend: BackendArg) -> Result<Self> {
        let sources = BaseSources {
            repositories: repositories(&args.repos)?,
            archive: args.archive.clone(),
            rootfs: args.rootfs.clone(),
            use_images: args.image,
            cache: Paths::of_environment().cache,
        };
        sources.check()?;
        let asked = Asked {
            repo: args.repos.repo.as_deref(),
            repos: args.repos.repos.as_deref(),
            archive: args.archive.as_deref(),
            rootfs: args.rootfs.as_deref(),
            image: args.image,
            timeout_s: args.timeout.as_secs_f64(),
            verify_cmd: args.verify_cmd.as_deref(),
            repeat: args.repeat,
        };
        let asked = serde_json::to_vec(&asked)
            .map_err(|err| Error::internal("no JSON of the options").caused_by(err))?;
        let (backend, proofs) = started(backend, args.image)?;
        Ok(Self {
            program: OnceLock::new(),
            stage: Stage {
                backend,
                sources,
                preparations: Arc::new(Preparations::default()),
                limits: Limits::default(),
                options: Options {
                    patience: args.timeout,
                    // nobody goes back here
                    keep_bytes: 0,
                },
            },
            command: args.verify_cmd.as_ref().map(replayed::Command::new),
            repeat: usize::try_from(args.repeat).unwrap_or(1),
            options: ContentHash::of(&asked),
            unproved: unproved(&proofs),
        })
    }

    /// What was asked for, as a hash.
    pub(super) fn options(&self) -> ContentHash {
        self.options
    }

    /// What people should know of the sandbox, a line each.
    pub(super) fn words(&self) -> Vec<String> {
        let tier = self.stage.backend.tier().name();
        let names: Vec<&str> = self.unproved.iter().map(|bound| bound.name()).collect();
        vec![match names.as_slice() {
            [] => format!("sandbox: {tier}, all its limits are enforced"),
            names => format!("sandbox: {tier}, not proved: {}", names.join(", ")),
        }]
    }

    /// Replays a record to its end and checks what came of it. `None` when it was stopped.
    pub(super) fn replay(
        &self,
        store: &Store,
        ix: RecordIx,
        record: &RecordRef,
        cancel: &Cancel,
    ) -> Option<Replayed> {
        let failed = |why: String| Replayed {
            result: RecordReplay::failed(record.clone(), why),
            tier: None,
            unproved: Vec::new(),
        };
        let trajectory = match store.load_once(ix) {
            Ok(trajectory) => trajectory,
            Err(fault) => return Some(failed(fault.unread("it"))),
        };
        let opened = self
            .stage
            .open(record.clone(), Arc::clone(&trajectory), cancel);
        let staged = match opened {
            _ if cancel.is_cancelled() => return None,
            Ok(staged) => staged,
            Err(error) => return Some(failed(error.to_string())),
        };
        let Staged {
            mut session,
            root,
            finished,
        } = staged;
        session.run(Until::End, &mut |_| {}, cancel);
        let unproved = unproved(session.proofs());
        let mut result = session.finish(cancel);
        let finished = finished
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(finished) = finished.filter(|_| result.error.is_none()) {
            match self.checked(&trajectory, &finished, &root, cancel) {
                Ok(verified) => result.verified = verified,
                Err(error) => result.error = Some(format!("not checked: {error}")),
            }
        }
        (!cancel.is_cancelled()).then_some(Replayed {
            result,
            tier: Some(self.stage.backend.tier()),
            unproved,
        })
    }

    /// What rules and commands say of a replayed workspace.
    fn checked(
        &self,
        trajectory: &Arc<Trajectory>,
        finished: &Finished,
        root: &str,
        cancel: &Cancel,
    ) -> Result<Vec<Verified>> {
        let mut verified = Vec::new();
        let kind = trajectory.task.as_ref().map(|task| task.kind);
        if kind.is_some_and(|kind| RULED.contains(&kind)) {
            let views = ViewBases::new(|| Some(Arc::clone(trajectory)));
            let checkout = self.stage.sources.repositories.checkout(trajectory);
            let checkout = checkout.and_then(Result::ok);
            let bases = CheckoutBases::new(&views, checkout.as_ref());
            let program = self.program(kind);
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
        if let Some(command) = &self.command {
            let backend = &*self.stage.backend;
            let bounds = (self.repeat, self.stage.options.patience);
            verified.push(replayed::by_command(
                command, finished, backend, root, bounds, cancel,
            )?);
        }
        Ok(verified)
    }
}

impl Setup {
    /// What runs the test programs of tasks that have some.
    fn program(&self, kind: Option<TaskKind>) -> Option<&dyn RunProgram> {
        let find = || Sandboxed::find(Arc::clone(&self.stage.backend)).ok();
        let program = (kind == Some(TaskKind::FuncGen)).then(|| self.program.get_or_init(find));
        program?.as_ref().map(|program| program as &dyn RunProgram)
    }
}

/// The bounds that are not enforced, or of which nobody knows.
fn unproved(proofs: &[Proof]) -> Vec<Bound> {
    let open = proofs
        .iter()
        .filter(|proof| proof.holding != Holding::Enforced);
    open.map(|proof| proof.bound).collect()
}
