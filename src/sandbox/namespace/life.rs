//! The life of one sandbox, as its processes and its owner know of it.

use std::os::unix::net::UnixStream;
use std::process::Child;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use crate::error::Error;
use crate::sandbox::namespace::watch;

/// How a sandbox ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// Its time was over.
    TimeOver,
    /// By [`crate::sandbox::Sandbox::kill`], or since its value is gone.
    Killed,
    /// By itself; nothing in it could bring that about.
    Died,
}

/// The process that watches over the sandbox, and what holds it.
#[derive(Debug)]
pub(super) struct Life(Mutex<State>);

#[derive(Debug)]
struct State {
    watcher: Child,
    /// When this is closed, the watcher ends the sandbox.
    leash: Option<UnixStream>,
    end: Option<End>,
}

impl Life {
    pub(super) fn new(watcher: Child, leash: UnixStream) -> Self {
        Self(Mutex::new(State {
            watcher,
            leash: Some(leash),
            end: None,
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in here stops half-way.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the sandbox and waits until nothing is left of it.
    pub(super) fn end(&self) -> End {
        let mut state = self.state();
        state.end.get_or_insert(End::Killed);
        state.finish()
    }

    /// Waits for the end of a sandbox that no longer speaks, and says how it came.
    pub(super) fn learn(&self) -> End {
        self.state().finish()
    }

    /// Words for whoever wants something of a sandbox that no longer speaks.
    pub(super) fn lost(&self) -> Error {
        Error::limit(self.learn().words())
    }
}

impl State {
    fn finish(&mut self) -> End {
        drop(self.leash.take());
        // An error would mean that it has been waited for.
        let code = self.watcher.wait().ok().and_then(|status| status.code());
        *self
            .end
            .get_or_insert(if code == Some(i32::from(watch::TIME_OVER)) {
                End::TimeOver
            } else {
                End::Died
            })
    }
}

impl End {
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::TimeOver => "the sandbox's time is over",
            Self::Killed => "the sandbox was ended",
            Self::Died => "the sandbox died: its first process was killed from outside",
        }
    }
}
