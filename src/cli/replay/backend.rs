//! Which sandboxes this machine has. Tried before anything of a trajectory is: a sandbox is started and asked what holds.

use std::sync::Arc;
use std::time::Duration;

use crate::cancel::Cancel;
use crate::cli::args::BackendArg;
use crate::error::Error;
use crate::error::Result;
use crate::sandbox::Backend;
use crate::sandbox::Proof;
use crate::sandbox::Spec;
use crate::sandbox::engine::Engine;

/// How long an engine may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// The back end that was asked for, or the best of those that start a sandbox here, and what holds of its limits. Images
/// need an engine.
///
/// # Errors
/// *limit* when none starts one, with why.
pub(super) fn started(
    asked: BackendArg,
    wants_image: bool,
) -> Result<(Arc<dyn Backend>, Vec<Proof>)> {
    let tried = match asked {
        BackendArg::None => return Err(Error::internal("without a back end nothing is run")),
        BackendArg::Docker => return engine(),
        BackendArg::Auto if wants_image => return engine(),
        BackendArg::Namespace => vec![namespace()],
        BackendArg::Landlock => vec![landlock()],
        BackendArg::Auto => vec![namespace(), landlock()],
    };
    let mut hints = Vec::new();
    for backend in tried {
        let started = backend.and_then(|backend| {
            let sandbox = backend.start(&Spec::default(), &Cancel::new())?;
            Ok((backend, sandbox.proofs().to_vec()))
        });
        match started {
            Ok(started) => return Ok(started),
            Err(error) => {
                hints.push(error.to_string());
                hints.extend_from_slice(error.hints());
            }
        }
    }
    let error = Error::limit("no sandbox can be started here, and nothing runs without one");
    let error = hints.into_iter().fold(error, Error::hint);
    Err(error.hint("`--backend none` says what would run"))
}

/// What an engine's containers hold is known only once an image runs.
fn engine() -> Result<(Arc<dyn Backend>, Vec<Proof>)> {
    Ok((Arc::new(Engine::find(PATIENCE)?), Vec::new()))
}

#[cfg(target_os = "linux")]
#[expect(clippy::unnecessary_wraps, reason = "other systems have none")]
fn namespace() -> Result<Arc<dyn Backend>> {
    Ok(Arc::new(crate::sandbox::Namespace::new()))
}

#[cfg(target_os = "linux")]
fn landlock() -> Result<Arc<dyn Backend>> {
    let program = std::env::current_exe()
        .map_err(|err| Error::internal("hgview's own program is not found").caused_by(err))?;
    Ok(Arc::new(crate::sandbox::landlock::Landlock::new(program)?))
}

#[cfg(not(target_os = "linux"))]
fn namespace() -> Result<Arc<dyn Backend>> {
    Err(Error::limit("namespaces are Linux's"))
}

#[cfg(not(target_os = "linux"))]
fn landlock() -> Result<Arc<dyn Backend>> {
    Err(Error::limit("Landlock is Linux's"))
}
