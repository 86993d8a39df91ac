//! A process in a sandbox without namespaces, from hgview's side.

use std::fs::File;
use std::io;
use std::io::Read as _;
use std::io::Write as _;
use std::os::fd::AsFd;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::ChildStdin;
use std::process::ChildStdout;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

use rustix::event::PollFd;
use rustix::event::PollFlags;
use rustix::event::Timespec;
use rustix::event::poll;
use rustix::fs::OFlags;
use rustix::pipe::PipeFlags;
use rustix::pty::OpenptFlags;

use crate::error::Error;
use crate::error::Result;
use crate::sandbox::Exit;
use crate::sandbox::Heard;
use crate::sandbox::Process;
use crate::sandbox::landlock::supervisor::SUPERVISE;
use crate::sandbox::landlock::wire;
use crate::sandbox::landlock::wire::Plan;
use crate::sandbox::landlock::wire::Status;
use crate::sandbox::terminal;

/// What the disk's watch says to all processes: why it ended the sandbox.
pub(super) type Told = Arc<Mutex<Option<String>>>;

/// How long a program may take to be started, and a supervisor to end what it stands above.
const PATIENCE: Duration = Duration::from_secs(20);

/// The value behind a lock; whoever panicked with it left it whole.
pub(super) fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A supervisor with what it stands above.
#[derive(Debug)]
pub(super) struct Started {
    supervisor: Child,
    control: Option<ChildStdin>,
    status: ChildStdout,
    /// Our end of the terminal or pipe.
    streams: File,
    is_terminal: bool,
    end: Option<Exit>,
}

impl Started {
    /// On a terminal of its own.
    ///
    /// # Errors
    /// *limit* when there are no more terminals or processes, *input* when there is no such program.
    pub(super) fn on_terminal(
        program: &Path,
        mut plan: Plan,
        rows: u16,
        columns: u16,
    ) -> Result<Self> {
        let (ours, theirs, name) = open_terminal(rows, columns, plan.owner)
            .map_err(|err| Error::limit("no terminal can be had for it").caused_by(err))?;
        plan.terminal = Some(name);
        Self::start(program, &plan, ours, theirs)
    }

    /// With one pipe for all that it writes.
    ///
    /// # Errors
    /// As of a terminal.
    pub(super) fn on_pipe(program: &Path, plan: &Plan) -> Result<Self> {
        let (ours, theirs) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)
            .map_err(|err| Error::limit("no pipe can be had for it").caused_by(err))?;
        Self::start(program, plan, ours, theirs)
    }

    /// The worker for files, with the line to it.
    ///
    /// # Errors
    /// *limit* when it cannot be started.
    pub(super) fn worker(program: &Path, plan: &Plan) -> Result<(Self, UnixStream)> {
        let failed = |err: io::Error| Error::limit("no worker for files").caused_by(err);
        let (ours, theirs) = UnixStream::pair().map_err(failed)?;
        let line = ours.try_clone().map_err(failed)?;
        let started = Self::start(program, plan, ours.into(), theirs.into())?;
        Ok((started, line))
    }

    fn start(program: &Path, plan: &Plan, ours: OwnedFd, theirs: OwnedFd) -> Result<Self> {
        let spawned = Command::new(program)
            .arg(SUPERVISE)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::from(theirs))
            .spawn();
        let mut supervisor =
            spawned.map_err(|err| Error::limit("cannot start a process").caused_by(err))?;
        let (Some(mut control), Some(status)) = (supervisor.stdin.take(), supervisor.stdout.take())
        else {
            return Err(Error::internal("a started process without streams"));
        };
        let said = wire::say(&mut control, plan);
        let is_terminal = plan.terminal.is_some();
        let mut started = Self {
            supervisor,
            control: Some(control),
            status,
            streams: File::from(ours),
            is_terminal,
            end: None,
        };
        said.map_err(|err| Error::limit("cannot start a process").caused_by(err))?;
        let program = plan.argv.first().map_or("the worker", String::as_str);
        match started.first_status() {
            Ok(Status::Started) => Ok(started),
            Ok(Status::Failed { errno, why }) => Err(refused(program, errno, why)),
            Ok(_) => Err(Error::internal("a process that ended before it began")),
            Err(err) => Err(Error::limit(format!("{program} could not be started")).caused_by(err)),
        }
    }

    fn first_status(&mut self) -> io::Result<Status> {
        if !is_ready(&self.status, PATIENCE)? {
            return Err(io::ErrorKind::TimedOut.into());
        }
        wire::hear(&mut self.status)
    }

    /// Whether anything of it may still run.
    pub(super) fn is_open(&mut self) -> bool {
        self.supervisor
            .try_wait()
            .is_ok_and(|status| status.is_none())
    }

    /// Ends it with all that it left behind, and waits for that.
    pub(super) fn end(&mut self) {
        let Some(mut control) = self.control.take() else {
            return;
        };
        // what is gone already needs no good-bye
        drop(control.write_all(&[wire::LEAVE]));
        drop(control);
        let deadline = Instant::now() + PATIENCE;
        while self.supervisor.try_wait().is_ok_and(|s| s.is_none()) && Instant::now() < deadline {
            // its end closes the line; what it says before does not matter
            if is_ready(&self.status, Duration::from_millis(50)).unwrap_or(true) {
                let mut said = [0; 256];
                if self.status.read(&mut said).is_ok_and(|count| count == 0) {
                    break;
                }
            }
        }
        if Instant::now() >= deadline {
            drop(self.supervisor.kill());
        }
        drop(self.supervisor.wait());
    }

    /// Why it ended, if it has.
    fn look_for_end(&mut self, wait: Duration) -> io::Result<Option<Exit>> {
        if self.end.is_none() && is_ready(&self.status, wait)? {
            let exit = match wire::hear(&mut self.status)? {
                Status::Ended {
                    code: Some(code), ..
                } => Exit::Code(code),
                Status::Ended { signal, .. } => Exit::Signal(signal.unwrap_or(9)),
                Status::Bound(why) => Exit::Bound(why),
                Status::Started | Status::Failed { .. } => return Ok(None),
            };
            self.end = Some(exit);
        }
        Ok(self.end.clone())
    }

    fn kill(&mut self) {
        if let Some(control) = &mut self.control {
            // what is gone already is dead
            drop(control.write_all(&[wire::KILL]));
        }
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        self.end();
    }
}

fn refused(program: &str, errno: Option<i32>, why: String) -> Error {
    let what = format!("cannot start {program}");
    match errno {
        Some(libc::ENOENT | libc::EACCES | libc::ENOEXEC | libc::ENOTDIR) => {
            Error::input(what).caused_by(why)
        }
        _ => Error::limit(what).caused_by(why),
    }
}

/// A new terminal: our end, the program's, and its name.
fn open_terminal(
    rows: u16,
    columns: u16,
    owner: Option<u32>,
) -> rustix::io::Result<(OwnedFd, OwnedFd, PathBuf)> {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let ours = rustix::pty::openpt(flags)?;
    rustix::pty::grantpt(&ours)?;
    rustix::pty::unlockpt(&ours)?;
    let theirs = rustix::pty::ioctl_tiocgptpeer(&ours, flags)?;
    let name = rustix::pty::ptsname(&ours, Vec::new())?;
    terminal::size(&ours, rows, columns)?;
    if let Some(owner) = owner {
        rustix::fs::fchown(&theirs, Some(rustix::fs::Uid::from_raw(owner)), None)?;
    }
    let name = PathBuf::from(name.to_string_lossy().into_owned());
    Ok((ours, theirs, name))
}

/// Whether there is something to read within a time.
fn is_ready(fd: &impl AsFd, wait: Duration) -> io::Result<bool> {
    let wait = Timespec::try_from(wait).map_err(io::Error::other)?;
    match poll(&mut [PollFd::new(fd, PollFlags::IN)], Some(&wait)) {
        Ok(count) => Ok(count > 0),
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// A started process, as its owner has it.
pub(super) struct Handle {
    started: Arc<Mutex<Started>>,
    /// Bytes that it may still print.
    left: u64,
    told: Told,
    streams: Option<File>,
}

impl Handle {
    pub(super) fn new(started: Arc<Mutex<Started>>, most: u64, told: Told) -> Self {
        let streams = lock(&started).streams.try_clone().ok();
        Self {
            started,
            left: most,
            told,
            streams,
        }
    }

    /// What it has written, if anything came in time; an empty answer at the end of the stream.
    fn take(&mut self, into: &mut Vec<u8>, wait: Duration) -> io::Result<Option<usize>> {
        const CHUNK: usize = 1 << 16;

        let Some(streams) = &mut self.streams else {
            return Ok(Some(0));
        };
        if !is_ready(streams, wait)? {
            return Ok(None);
        }
        let mut chunk = vec![0; CHUNK];
        match streams.read(&mut chunk) {
            Ok(count) => {
                into.extend_from_slice(chunk.get(..count).unwrap_or_default());
                Ok(Some(count))
            }
            // a terminal that nobody has open any more
            Err(error) if error.raw_os_error() == Some(libc::EIO) => Ok(Some(0)),
            Err(error) => match error.kind() {
                io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock => Ok(None),
                _ => Err(error),
            },
        }
    }

    fn died(error: io::Error) -> Error {
        Error::limit("the sandbox died under a process").caused_by(error)
    }

    fn bound(&self) -> Option<Exit> {
        lock(&self.told).clone().map(Exit::Bound)
    }
}

impl Process for Handle {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let mut started = lock(&self.started);
        if !started.is_terminal {
            return Err(Error::limit("a process without a terminal reads nothing"));
        }
        if started.end.is_some() {
            return Err(Error::limit("the process has ended"));
        }
        let failed = |err: io::Error| Error::limit("the process reads nothing").caused_by(err);
        let fd = started.streams.as_fd();
        rustix::fs::fcntl_setfl(fd, OFlags::NONBLOCK | OFlags::RDWR)
            .map_err(|err| failed(err.into()))?;
        let deadline = Instant::now() + PATIENCE;
        let mut rest = bytes;
        while !rest.is_empty() {
            match started.streams.write(rest) {
                Ok(count) => rest = rest.get(count..).unwrap_or_default(),
                Err(err)
                    if err.kind() == io::ErrorKind::WouldBlock && Instant::now() < deadline =>
                {
                    let wait = Timespec {
                        tv_sec: 0,
                        tv_nsec: 50_000_000,
                    };
                    let mut fds = [PollFd::new(&started.streams, PollFlags::OUT)];
                    let _told_by_the_next_write = poll(&mut fds, Some(&wait));
                }
                Err(err) => return Err(failed(err)),
            }
        }
        Ok(())
    }

    fn resize(&mut self, rows: u16, columns: u16) -> Result<()> {
        let started = lock(&self.started);
        if !started.is_terminal {
            return Err(Error::limit("a process without a terminal has no size"));
        }
        terminal::size(&started.streams, rows, columns)
            .map_err(|err| Error::limit("its terminal cannot be sized").caused_by(err))
    }

    fn read(&mut self, into: &mut Vec<u8>, wait: Duration) -> Result<Heard> {
        /// How often the end is looked for while nothing is written.
        const TURN: Duration = Duration::from_millis(20);

        let deadline = Instant::now() + wait;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let had = self.streams.is_some();
            let taken = if had {
                self.take(into, left.min(TURN)).map_err(Self::died)?
            } else {
                None
            };
            match taken {
                Some(0) => self.streams = None,
                Some(count) => {
                    if let Some(left) = self.left.checked_sub(count as u64) {
                        self.left = left;
                        return Ok(Heard::Bytes);
                    }
                    lock(&self.started).kill();
                    self.streams = None;
                    let why = "it printed more than it may".to_owned();
                    lock(&self.started).end = Some(Exit::Bound(why));
                }
                None => {}
            }
            let patience = if self.streams.is_none() {
                left.min(TURN)
            } else {
                Duration::ZERO
            };
            let end = lock(&self.started).look_for_end(patience);
            // a supervisor that was ended says nothing any more
            let end = match end {
                Ok(end) => end,
                Err(_) => Some(Exit::Signal(9)),
            };
            if let Some(exit) = end {
                // what it wrote before its end is there already
                let rest = self.take(into, Duration::ZERO).map_err(Self::died)?;
                if let Some(count @ 1..) = rest
                    && let Some(left) = self.left.checked_sub(count as u64)
                {
                    self.left = left;
                    return Ok(Heard::Bytes);
                }
                return Ok(Heard::End(self.bound().unwrap_or(exit)));
            }
            if Instant::now() >= deadline {
                return Ok(Heard::Silence);
            }
        }
    }

    fn kill(&mut self) {
        lock(&self.started).kill();
    }
}
