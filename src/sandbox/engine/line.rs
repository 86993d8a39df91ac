//! The one thread that speaks with an engine, and calls that wait for it no longer than they may.

use std::fmt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use bollard::API_DEFAULT_VERSION;
use bollard::Docker;
use bollard::errors::Error as Refusal;
use tokio::runtime::Builder;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::error::Error;
use crate::error::Result;

/// How long an engine may take for a call that moves no files.
const PATIENCE: Duration = Duration::from_mins(2);

/// A line to an engine. Its thread ends with the value.
pub(super) struct Line {
    socket: PathBuf,
    docker: Docker,
    runtime: Handle,
    patience: Duration,
    _until: oneshot::Sender<()>,
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.socket.display())
    }
}

impl Line {
    /// To a socket; the engine behind it must say which it is within `patience`.
    ///
    /// # Errors
    /// *limit* when nobody listens, answers in time, or speaks Docker's API.
    pub(super) fn open(socket: &Path, patience: Duration) -> Result<Self> {
        let what = format!("no engine at {}", socket.display());
        let seconds = PATIENCE.as_secs();
        let path = socket.to_string_lossy();
        let docker = Docker::connect_with_unix(&path, seconds, API_DEFAULT_VERSION)
            .map_err(|err| Error::limit(what.as_str()).caused_by(err))?;
        let (until, ended) = oneshot::channel();
        let mut line = Self {
            socket: socket.to_owned(),
            docker: docker.clone(),
            runtime: runtime(ended)?,
            patience,
            _until: until,
        };
        line.docker = line.call(&what, docker.negotiate_version())?;
        line.patience = PATIENCE;
        Ok(line)
    }

    pub(super) fn socket(&self) -> &Path {
        &self.socket
    }

    /// The client, for a call.
    pub(super) fn docker(&self) -> Docker {
        self.docker.clone()
    }

    /// The path of a call of the version that both sides know.
    pub(super) fn path(&self, rest: &str) -> String {
        let version = self.docker.client_version();
        format!(
            "/v{}.{}{rest}",
            version.major_version, version.minor_version
        )
    }

    /// Makes a call. `what` says what cannot be done where it fails.
    ///
    /// # Errors
    /// *limit* when it is refused, or takes too long.
    pub(super) fn call<T: Send + 'static>(
        &self,
        what: &str,
        call: impl Future<Output = Result<T, Refusal>> + Send + 'static,
    ) -> Result<T> {
        self.ask(call).map_err(|unanswered| match unanswered {
            Unanswered::Refused(refusal) => Error::limit(what).caused_by(words(&refusal)),
            Unanswered::Silent(patience) => Error::limit(format!(
                "{what}: no answer within {} seconds",
                patience.as_secs_f32()
            )),
        })
    }

    /// Makes a call whose refusal means something.
    ///
    /// # Errors
    /// The refusal, or that there was no answer.
    pub(super) fn ask<T: Send + 'static>(
        &self,
        call: impl Future<Output = Result<T, Refusal>> + Send + 'static,
    ) -> Result<T, Unanswered> {
        let (tell, told) = mpsc::sync_channel(1);
        let patience = self.patience;
        self.runtime.spawn(async move {
            let answer = tokio::time::timeout(patience, call).await;
            // who asked has waited long enough if nobody takes it
            drop(tell.send(answer));
        });
        match told.recv() {
            Ok(Ok(Ok(answer))) => Ok(answer),
            Ok(Ok(Err(refusal))) => Err(Unanswered::Refused(refusal)),
            Ok(Err(_)) | Err(_) => Err(Unanswered::Silent(patience)),
        }
    }
}

/// Why a call has no answer.
#[derive(Debug)]
pub(super) enum Unanswered {
    Refused(Refusal),
    Silent(Duration),
}

impl Unanswered {
    /// Whether the thing that was asked for is not there.
    pub(super) fn is_absence(&self) -> bool {
        matches!(
            self,
            Self::Refused(Refusal::DockerResponseServerError {
                status_code: 404,
                ..
            })
        )
    }
}

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => f.write_str(&words(refusal)),
            Self::Silent(patience) => {
                write!(f, "no answer within {} seconds", patience.as_secs_f32())
            }
        }
    }
}

/// What the engine says, not what the client makes of it.
fn words(refusal: &Refusal) -> String {
    match refusal {
        Refusal::DockerResponseServerError {
            status_code,
            message,
        } => format!("the engine says: {message} (HTTP {status_code})"),
        other => other.to_string(),
    }
}

/// A thread with a runtime of its own; it ends when the sender of `ended` is dropped.
fn runtime(ended: oneshot::Receiver<()>) -> Result<Handle> {
    let failed = |err: std::io::Error| Error::limit("no thread for the engine").caused_by(err);
    let (tell, told) = mpsc::sync_channel(1);
    thread::Builder::new()
        .name("engine".to_owned())
        .spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build();
            let runtime = match runtime {
                Ok(runtime) => runtime,
                Err(err) => return drop(tell.send(Err(err))),
            };
            drop(tell.send(Ok(runtime.handle().clone())));
            // an error is the end that is waited for
            let _ended = runtime.block_on(ended);
        })
        .map_err(failed)?;
    match told.recv() {
        Ok(handle) => handle.map_err(failed),
        Err(_) => Err(Error::internal("the engine's thread ended")),
    }
}
