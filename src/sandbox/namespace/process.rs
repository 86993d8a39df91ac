//! A process in a sandbox, as hgview holds it: an end of its terminal or pipe, and a channel on which its end is told.

use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use rustix::event::PollFd;
use rustix::event::PollFlags;
use rustix::event::Timespec;
use rustix::event::poll;
use rustix::io::Errno;
use rustix::net::SendFlags;

use crate::error::Error;
use crate::error::Result;
use crate::sandbox::Exit;
use crate::sandbox::Heard;
use crate::sandbox::Process;
use crate::sandbox::namespace::life::End;
use crate::sandbox::namespace::life::Life;
use crate::sandbox::namespace::lock;
use crate::sandbox::terminal;
use crate::text::human;

/// How long a process may read nothing while something is typed.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes read at once.
const CHUNK: usize = 1 << 16;
/// Bytes handed on at once.
const MOST_AT_ONCE: usize = 1 << 20;

#[derive(Debug)]
pub(super) struct Held {
    output: OwnedFd,
    channel: UnixStream,
    life: Arc<Life>,
    has_terminal: bool,
    /// What came while something was typed.
    unread: Vec<u8>,
    /// Bytes that it wrote so far, and those that it may write.
    heard: u64,
    most: u64,
    /// Nobody can write to its terminal or pipe any more.
    is_closed: bool,
    end: Option<Ended>,
    bound: Option<String>,
}

#[derive(Debug, Clone)]
enum Ended {
    By(Exit),
    /// With its sandbox.
    Lost(End),
}

impl Held {
    pub(super) fn new(
        output: OwnedFd,
        channel: OwnedFd,
        life: Arc<Life>,
        has_terminal: bool,
        most: u64,
    ) -> Result<Self> {
        rustix::io::ioctl_fionbio(&output, true)
            .map_err(|err| Error::internal("cannot read a process").caused_by(err))?;
        Ok(Self {
            output,
            channel: channel.into(),
            life,
            has_terminal,
            unread: Vec::new(),
            heard: 0,
            most,
            is_closed: false,
            end: None,
            bound: None,
        })
    }

    /// Takes what there is to read; whether there was anything.
    fn take(&mut self, into: &mut Vec<u8>) -> bool {
        let before = into.len();
        let mut chunk = vec![0; CHUNK];
        while !self.is_closed && self.bound.is_none() && into.len() - before < MOST_AT_ONCE {
            match rustix::io::read(&self.output, &mut chunk) {
                Ok(0) => self.is_closed = true,
                Ok(got) => self.count(chunk.get(..got).unwrap_or_default(), into),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => break,
                // A terminal that no process has open any more.
                Err(_) => self.is_closed = true,
            }
        }
        into.len() > before
    }

    fn count(&mut self, chunk: &[u8], into: &mut Vec<u8>) {
        let left = usize::try_from(self.most.saturating_sub(self.heard)).unwrap_or(usize::MAX);
        into.extend_from_slice(chunk.get(..left).unwrap_or(chunk));
        self.heard = self.heard.saturating_add(chunk.len() as u64);
        if chunk.len() > left {
            let most = human::bytes(self.most);
            self.bound = Some(format!("it wrote more than {most}"));
            self.kill();
        }
    }

    /// Waits until there is something to read, its end is known, or it takes what is typed; `false` when nothing happened.
    fn wait(&mut self, deadline: Instant, to_type: bool) -> Result<bool> {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = Timespec::try_from(left).ok();
        let typing = if to_type {
            PollFlags::OUT
        } else {
            PollFlags::empty()
        };
        let mut fds = vec![PollFd::new(&self.channel, PollFlags::IN)];
        if !self.is_closed && self.bound.is_none() {
            fds.push(PollFd::new(&self.output, PollFlags::IN | typing));
        }
        let ready = match poll(&mut fds, left.as_ref()) {
            Ok(ready) => ready > 0,
            Err(Errno::INTR) => return Ok(true),
            Err(err) => return Err(Error::internal("cannot wait for a process").caused_by(err)),
        };
        if fds
            .first()
            .is_some_and(|channel| !channel.revents().is_empty())
        {
            drop(fds);
            self.hear_end();
        }
        Ok(ready)
    }

    fn hear_end(&mut self) {
        let mut told = [0; 5];
        let end = match self.channel.read_exact(&mut told) {
            Ok(()) => {
                let [kind, number @ ..] = told;
                let number = i32::from_le_bytes(number);
                Ended::By(match (kind, lock::bound_of(number)) {
                    (0, _) => Exit::Code(number),
                    (_, Some(bound)) => Exit::Bound(bound.to_owned()),
                    _ => Exit::Signal(number),
                })
            }
            Err(_) => Ended::Lost(self.life.learn()),
        };
        self.end = Some(end);
    }

    /// How it ended, once everything has been read.
    fn ended(&self) -> Result<Option<Exit>> {
        match (&self.end, &self.bound) {
            (None, _) => Ok(None),
            (Some(Ended::By(_)), Some(bound)) => Ok(Some(Exit::Bound(bound.clone()))),
            (Some(Ended::By(exit)), None) => Ok(Some(exit.clone())),
            (Some(Ended::Lost(End::TimeOver)), _) => {
                Ok(Some(Exit::Bound(End::TimeOver.words().to_owned())))
            }
            (Some(Ended::Lost(end)), _) => Err(Error::limit(end.words())),
        }
    }
}

impl Process for Held {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        if !self.has_terminal {
            return Err(Error::limit("the process has no terminal to type at"));
        }
        let mut left = bytes;
        let mut deadline = Instant::now() + PATIENCE;
        let mut came = std::mem::take(&mut self.unread);
        while !left.is_empty() {
            if self.end.is_some() || self.is_closed || self.bound.is_some() {
                self.unread = came;
                return Err(Error::limit("the process has ended and reads nothing"));
            }
            match rustix::io::write(&self.output, left) {
                Ok(written) => {
                    left = left.get(written..).unwrap_or_default();
                    deadline = Instant::now() + PATIENCE;
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    if !self.wait(deadline, true)? {
                        self.unread = came;
                        return Err(Error::limit("the process reads nothing of what is typed"));
                    }
                }
                Err(_) => self.is_closed = true,
            }
            // What it echoes would fill the terminal, and nothing could be typed.
            self.take(&mut came);
        }
        self.unread = came;
        Ok(())
    }

    fn resize(&mut self, rows: u16, columns: u16) -> Result<()> {
        if !self.has_terminal {
            return Err(Error::limit("the process has no terminal to size"));
        }
        terminal::size(&self.output, rows, columns)
            .map_err(|err| Error::limit("its terminal cannot be sized").caused_by(err))
    }

    fn read(&mut self, into: &mut Vec<u8>, wait: Duration) -> Result<Heard> {
        if !self.unread.is_empty() {
            into.append(&mut self.unread);
            return Ok(Heard::Bytes);
        }
        let now = Instant::now();
        let deadline = now
            .checked_add(wait)
            .unwrap_or(now + Duration::from_hours(24));
        loop {
            if self.take(into) {
                return Ok(Heard::Bytes);
            }
            if let Some(exit) = self.ended()? {
                return Ok(Heard::End(exit));
            }
            if !self.wait(deadline, false)? {
                return Ok(Heard::Silence);
            }
        }
    }

    fn kill(&mut self) {
        // Nobody listens when it has ended.
        rustix::net::send(&self.channel, b"k", SendFlags::NOSIGNAL).ok();
    }
}
