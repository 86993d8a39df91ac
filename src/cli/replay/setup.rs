//! What a replay on the command line needs, from what was typed.

use std::sync::Arc;
use std::time::Instant;

use crate::cancel::Cancel;
use crate::cli::args::BackendArg;
use crate::cli::args::ReplayArgs;
use crate::cli::args::StageArgs;
use crate::cli::show::repositories;
use crate::config::Paths;
use crate::error::Result;
use crate::model::ContentHash;
use crate::model::RecordIx;
use crate::replay::BaseSources;
use crate::replay::Options;
use crate::replay::Preparations;
use crate::replay::RecordReplay;
use crate::replay::Session;
use crate::replay::Stage;
use crate::replay::Until;
use crate::replay::results::Origin;
use crate::review::Moment;
use crate::review::RecordRef;
use crate::sandbox::Backends;
use crate::sandbox::Choice;
use crate::sandbox::Chosen;
use crate::sandbox::Limits;
use crate::sandbox::OWN_PROGRAM;
use crate::sandbox::System;
use crate::sandbox::unproved;
use crate::store::Store;
use crate::verify::replayed;
use crate::verify::replays::Replays;
use crate::workspace::repositories::Repositories;

/// A record, replayed, and how.
pub(super) struct Replayed {
    pub(super) result: RecordReplay,
    /// How it came to be.
    pub(super) origin: Origin,
}

/// What all replays of a command share.
pub(super) struct Setup {
    replays: Replays,
    options: ContentHash,
    chosen: Chosen,
}

impl Setup {
    /// Looks at what was named, and whether this machine has sandboxes.
    ///
    /// # Errors
    /// *input* when something that was named is not there; *limit* when no sandbox can be started.
    pub(super) fn new(args: &ReplayArgs) -> Result<Self> {
        let options = Options {
            // nobody goes back here
            keep_bytes: 0,
            ..Options::default()
        };
        let stage = stage(&args.stage, repositories(&args.repos)?, options)?;
        let system = if args.stage.image {
            System::Image(String::new())
        } else {
            System::Host
        };
        let chosen = stage
            .backends
            .of(&system, &Cancel::new())
            .map_err(|error| error.hint("`--backend none` says what would run"))?;
        let mut replays = Replays::new(stage);
        replays.command = args.verify_cmd.as_ref().map(replayed::Command::new);
        replays.repeat = usize::try_from(args.repeat).unwrap_or(1);
        Ok(Self {
            options: replays.options()?,
            replays,
            chosen,
        })
    }

    /// What was asked for, as a hash.
    pub(super) fn options(&self) -> ContentHash {
        self.options
    }

    /// What people should know of the sandbox, a line each.
    pub(super) fn words(&self) -> Vec<String> {
        let tier = self.chosen.backend.tier().name();
        let unproved = unproved(&self.chosen.proofs);
        let names: Vec<&str> = unproved.map(|proof| proof.bound.name()).collect();
        let mut words = vec![match names.as_slice() {
            _ if self.chosen.proofs.is_empty() => format!("sandbox: {tier}"),
            [] => format!("sandbox: {tier}, all its limits are enforced"),
            names => format!("sandbox: {tier}, not proved: {}", names.join(", ")),
        }];
        let refused = self.chosen.refused.iter();
        words.extend(refused.map(|(tier, why)| format!("no {} sandbox here: {why}", tier.name())));
        words
    }

    /// Replays a record to its end and checks what came of it. `None` when it was stopped.
    pub(super) fn replay(
        &self,
        store: &Store,
        ix: RecordIx,
        record: &RecordRef,
        cancel: &Cancel,
    ) -> Option<Replayed> {
        let (at, began) = (Moment::now(), Instant::now());
        let origin = |session: Option<&Session>| Origin {
            options: self.options,
            at,
            took_s: began.elapsed().as_secs_f64(),
            tier: session.map(Session::tier),
            proofs: session.map_or_else(Vec::new, |session| session.proofs().to_vec()),
        };
        let failed = |why: String| Replayed {
            result: RecordReplay::failed(record.clone(), why),
            origin: origin(None),
        };
        let trajectory = match store.load_once(ix) {
            Ok(trajectory) => trajectory,
            Err(fault) => return Some(failed(fault.unread("it"))),
        };
        let stage = &self.replays.stage;
        let opened = stage.open(record.clone(), trajectory, cancel);
        let mut staged = match opened {
            _ if cancel.is_cancelled() => return None,
            Ok(staged) => staged,
            Err(error) => return Some(failed(error.to_string())),
        };
        staged.session.run(Until::End, &mut |_| {}, cancel);
        let result = self.replays.conclude(&mut staged, cancel);
        (!cancel.is_cancelled()).then(|| Replayed {
            result,
            origin: origin(Some(&staged.session)),
        })
    }
}

/// In what trajectories are replayed; nothing is started.
///
/// # Errors
/// *input* when something that was named is not there.
pub(in crate::cli) fn stage(
    args: &StageArgs,
    repositories: Repositories,
    options: Options,
) -> Result<Stage> {
    let sources = BaseSources {
        repositories,
        archive: args.archive.clone(),
        rootfs: args.rootfs.clone(),
        use_images: args.image,
        readable: args.readable.clone(),
        cache: Paths::of_environment().cache,
    };
    sources.check()?;
    Ok(Stage {
        backends: Arc::new(Backends::new(choice(args.backend), OWN_PROGRAM)),
        sources,
        preparations: Arc::new(Preparations::default()),
        limits: Limits::default(),
        options: Options {
            patience: args.timeout,
            ..options
        },
    })
}

fn choice(arg: BackendArg) -> Choice {
    match arg {
        BackendArg::Auto => Choice::Auto,
        BackendArg::Namespace => Choice::Namespace,
        BackendArg::Landlock => Choice::Landlock,
        BackendArg::Docker => Choice::Engine,
        BackendArg::None => Choice::None,
    }
}
