//! All that a replay of any trajectory needs, put together: back end, bases, tools.

use std::sync::Arc;
use std::sync::Mutex;

use crate::cancel::Cancel;
use crate::error::Result;
use crate::model::Trajectory;
use crate::replay::BaseSources;
use crate::replay::Finished;
use crate::replay::Ground as _;
use crate::replay::Options;
use crate::replay::Preparations;
use crate::replay::Session;
use crate::replay::Toolbox;
use crate::replay::Workspace;
use crate::review::RecordRef;
use crate::sandbox::Backends;
use crate::sandbox::Chosen;
use crate::sandbox::Limits;

/// Where trajectories are replayed. Several may be at once; attempts of one task share what was prepared.
#[derive(Clone)]
pub struct Stage {
    /// What starts the sandboxes.
    pub backends: Arc<Backends>,
    /// Where the workspaces come from.
    pub sources: BaseSources,
    /// What was prepared so far.
    pub preparations: Arc<Preparations>,
    /// How much a sandbox may take.
    pub limits: Limits,
    /// How long a call may take, and what is kept for going back.
    pub options: Options,
}

/// A replay that can begin.
pub struct Staged {
    /// The replay.
    pub session: Session,
    /// What starts its sandboxes.
    pub chosen: Chosen,
    /// The workspace's folder in the sandbox.
    pub root: String,
    /// How the workspace stood when its patch was made last, for those who check it; it outlives the session.
    pub finished: Arc<Mutex<Option<Finished>>>,
}

impl Stage {
    /// The workspace of a trajectory, found or made, and what starts its sandboxes; nothing is started yet.
    ///
    /// # Errors
    /// *input* when its base cannot be read; *limit* when that is too large, or no sandbox of its system can be had here.
    pub fn workspace(
        &self,
        trajectory: &Arc<Trajectory>,
        cancel: &Cancel,
    ) -> Result<(Workspace, Chosen)> {
        let workspace = Workspace::new(
            Arc::clone(trajectory),
            &self.sources,
            Arc::clone(&self.preparations),
            self.limits,
            cancel,
        )?;
        let chosen = self.backends.of(&workspace.spec().system, cancel)?;
        Ok((workspace, chosen))
    }

    /// Makes a replay of a trajectory; finds or makes its base, and runs nothing in a sandbox.
    ///
    /// # Errors
    /// *input* when it has no calls or its base cannot be read; *limit* when that is too large, or no sandbox of its system
    /// can be had here.
    pub fn open(
        &self,
        record: RecordRef,
        trajectory: Arc<Trajectory>,
        cancel: &Cancel,
    ) -> Result<Staged> {
        let (workspace, chosen) = self.workspace(&trajectory, cancel)?;
        let (root, finished) = (workspace.root().to_owned(), workspace.finished());
        let tools = Toolbox::of(&trajectory, &root);
        let session = Session::new(
            record,
            trajectory,
            Box::new(workspace),
            Box::new(tools),
            Arc::clone(&chosen.backend),
            self.options,
        )?;
        Ok(Staged {
            session,
            chosen,
            root,
            finished,
        })
    }
}
