//! Files of a sandbox without namespaces: hgview asks the worker behind the walls, by recorded paths.

use std::io;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use crate::error::Error;
use crate::error::Result;
use crate::sandbox::FileError;
use crate::sandbox::Files;
use crate::sandbox::Found;
use crate::sandbox::Meta;
use crate::sandbox::copied::Now;
use crate::sandbox::landlock::Running;
use crate::sandbox::landlock::process::Started;
use crate::sandbox::landlock::wire;
use crate::sandbox::landlock::wire::Answer;
use crate::sandbox::landlock::wire::Ask;
use crate::sandbox::landlock::wire::Kind;

/// A worker that says nothing for so long has died.
const PATIENCE: Duration = Duration::from_mins(1);

/// The worker for files, and the line to it.
pub(super) struct Worker {
    line: UnixStream,
    _started: Started,
}

impl Worker {
    /// Starts it.
    ///
    /// # Errors
    /// *limit* when it cannot be started: a kernel without Landlock, no process left.
    pub(super) fn start(sandbox: &Running) -> Result<Self> {
        let mut plan = sandbox.plan();
        // it reads for us: its time is the sandbox's, its files may be as long as any
        plan.cpu_secs = plan.cpu_secs.max(plan.wall_ms / 1_000);
        let (started, line) = Started::worker(&sandbox.program, &plan)?;
        let failed = |err: io::Error| Error::limit("no line to the worker").caused_by(err);
        line.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
        line.set_write_timeout(Some(PATIENCE)).map_err(failed)?;
        Ok(Self {
            line,
            _started: started,
        })
    }

    fn ask(&mut self, ask: &Ask, body: Option<&[u8]>) -> io::Result<Answer> {
        wire::say(&mut self.line, ask)?;
        if let Some(body) = body {
            wire::say_bytes(&mut self.line, body)?;
        }
        wire::hear(&mut self.line)
    }

    /// Everything in a folder of this machine, folders before what is in them.
    ///
    /// # Errors
    /// Those of `see`; *limit* when it cannot be read.
    pub(super) fn walk(
        &mut self,
        place: &str,
        see: &mut dyn FnMut(&[u8], Now) -> Result<()>,
    ) -> Result<()> {
        let failed =
            |err: io::Error| Error::limit("cannot read the sandbox's folder").caused_by(err);
        let ask = Ask::Walk {
            path: place.to_owned(),
            most: u64::MAX,
        };
        wire::say(&mut self.line, &ask).map_err(failed)?;
        // a line with an unread rest is of no use: everything is heard, whatever comes of it
        let mut outcome = Ok(());
        loop {
            match wire::hear(&mut self.line).map_err(failed)? {
                Answer::Walked { below, kind, mode } => {
                    let bytes = wire::hear_bytes(&mut self.line, u64::MAX).map_err(failed)?;
                    let now = match kind {
                        Kind::File => Now::File { mode, bytes },
                        Kind::Dir => Now::Dir { mode },
                        Kind::Symlink => Now::Symlink { target: bytes },
                        Kind::Other => Now::Other,
                    };
                    if outcome.is_ok() {
                        outcome = see(&below, now);
                    }
                }
                Answer::Refused { why, .. } => return Err(failed(io::Error::other(why))),
                _ => return outcome,
            }
        }
    }
}

impl Running {
    pub(super) fn worker(&mut self) -> Result<&mut Worker> {
        let dead = || Error::limit("the sandbox has ended");
        self.worker.as_mut().ok_or_else(dead)
    }

    fn ask(&mut self, ask: &Ask, body: Option<&[u8]>) -> Result<Answer, FileError> {
        let told = self.alive().and_then(|()| self.worker());
        let worker = told.map_err(|err| FileError::other(err.to_string()))?;
        match worker.ask(ask, body) {
            Ok(Answer::Refused { errno, why }) => Err(FileError { errno, why }),
            Ok(answer) => Ok(answer),
            Err(err) => Err(FileError::other(format!("the sandbox died: {err}"))),
        }
    }

    fn order(&mut self, ask: &Ask, body: Option<&[u8]>) -> Result<(), FileError> {
        self.ask(ask, body).map(drop)
    }

    fn place(&self, at: &str) -> String {
        self.private.place_of(at)
    }
}

impl Files for Running {
    fn meta(&mut self, path: &str) -> Result<Option<Meta>, FileError> {
        let ask = Ask::Meta(self.place(path));
        let Answer::Meta(found) = self.ask(&ask, None)? else {
            return Err(astray());
        };
        Ok(found.map(|(kind, len, mode)| Meta {
            kind: kind.into(),
            len,
            mode,
        }))
    }

    fn read(&mut self, path: &str, most: u64) -> Result<Vec<u8>, FileError> {
        let path = self.place(path);
        self.order(&Ask::Read { path, most }, None)?;
        let dead = |err: io::Error| FileError::other(format!("the sandbox died: {err}"));
        let worker = self
            .worker()
            .map_err(|err| FileError::other(err.to_string()))?;
        wire::hear_bytes(&mut worker.line, most).map_err(dead)
    }

    fn write(&mut self, path: &str, bytes: &[u8], mode: Option<u32>) -> Result<(), FileError> {
        let path = self.place(path);
        self.order(&Ask::Write { path, mode }, Some(bytes))
    }

    fn set_mode(&mut self, path: &str, mode: u32) -> Result<(), FileError> {
        let path = self.place(path);
        self.order(&Ask::SetMode { path, mode }, None)
    }

    fn make_dirs(&mut self, path: &str) -> Result<(), FileError> {
        let path = self.place(path);
        self.order(&Ask::MakeDirs(path), None)
    }

    fn remove(&mut self, path: &str) -> Result<(), FileError> {
        let path = self.place(path);
        self.order(&Ask::Remove(path), None)
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<(), FileError> {
        let (from, to) = (self.place(from), self.place(to));
        self.order(&Ask::Rename { from, to }, None)
    }

    fn list(&mut self, path: &str, depth: usize, most: usize) -> Result<Vec<Found>, FileError> {
        let path = self.place(path);
        let Answer::Listed(found) = self.ask(&Ask::List { path, depth, most }, None)? else {
            return Err(astray());
        };
        let found = found.into_iter();
        Ok(found
            .map(|(path, kind)| Found {
                path,
                kind: kind.into(),
            })
            .collect())
    }
}

/// An answer to another question.
fn astray() -> FileError {
    FileError::other("the sandbox's worker says something else")
}
