//! A process in a container.
//!
//! It is started by a small shell of ours, which first tells its own number there, then becomes it: engines have no way to
//! end what they started in a container.

use std::io;
use std::io::Read as _;
use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use bollard::models::ExecConfig;

use crate::error::Error;
use crate::error::Result;
use crate::sandbox::Exit;
use crate::sandbox::Heard;
use crate::sandbox::Launch;
use crate::sandbox::Process;
use crate::sandbox::Streams;
use crate::sandbox::engine::container::Container;
use crate::sandbox::engine::raw::Frames;
use crate::sandbox::engine::watch::Told;
use crate::sandbox::engine::watch::lock;

/// Tells that there is no such program, or the number of the process that becomes it.
const TELL: &str = "command -v -- \"$1\" >/dev/null 2>&1 || { printf '\\001?\\n'; exit 127; }; printf '\\001%s\\n' $$; ";
const ON_PIPE: &str = "exec \"$@\" 2>&1 </dev/null";
/// What it prints must fit its terminal from the first byte: it waits until that has its size.
const ON_TERMINAL: &str = "exec \"$@\"";
const WAIT: &str = "read -r _; ";

/// Kills it and its process group; what is gone already is dead.
const KILL: &str =
    "kill -KILL -- \"-$1\" 2>/dev/null; kill -KILL -- \"$1\" 2>/dev/null; printf killed";

/// How long its start, and a silent engine at its end, are waited for.
const PATIENCE: Duration = Duration::from_mins(1);
/// How often a silent process is looked at: it may have ended and left others its output.
const TURN: Duration = Duration::from_millis(500);
/// How long its output is waited for at once while it is killed.
const SLICE: Duration = Duration::from_millis(50);

/// A process that runs, or has.
pub(super) struct Running {
    container: Arc<Container>,
    exec: String,
    /// Its number in the container.
    pid: String,
    stream: UnixStream,
    /// Where it has no terminal.
    frames: Option<Frames>,
    /// Read, but not yet handed out.
    early: Vec<u8>,
    left: u64,
    told: Told,
    end: Option<Exit>,
    looked: Instant,
}

impl Running {
    /// Starts it; it may print `most` bytes.
    ///
    /// # Errors
    /// *input* when there is no such program or folder, *limit* when the engine refuses.
    pub(super) fn start(
        container: &Arc<Container>,
        launch: &Launch,
        most: u64,
        told: Told,
    ) -> Result<Self> {
        let Some(program) = launch.argv.first() else {
            return Err(Error::input("no program to start"));
        };
        let is_terminal = matches!(launch.streams, Streams::Terminal { .. });
        let bound = container.bound_shell();
        let script = if is_terminal {
            format!("{bound}{WAIT}{TELL}{ON_TERMINAL}")
        } else {
            format!("{bound}{TELL}{ON_PIPE}")
        };
        let mut cmd = ["/bin/sh", "-c", &script, "sh"].map(str::to_owned).to_vec();
        cmd.extend(launch.argv.iter().cloned());
        let env = launch.env.iter();
        let exec = container.make_exec(ExecConfig {
            attach_stdin: Some(is_terminal),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            tty: Some(is_terminal),
            cmd: Some(cmd),
            env: Some(env.map(|(name, value)| format!("{name}={value}")).collect()),
            working_dir: Some(launch.cwd.clone()),
            ..ExecConfig::default()
        })?;
        let stream = container.attach(&exec, is_terminal)?;
        let mut running = Self {
            container: Arc::clone(container),
            exec,
            pid: String::new(),
            stream,
            frames: (!is_terminal).then(Frames::default),
            early: Vec::new(),
            left: most,
            told,
            end: None,
            looked: Instant::now(),
        };
        if let Streams::Terminal { rows, columns } = launch.streams {
            running.size(rows, columns)?;
        }
        running.hear_number(program)?;
        Ok(running)
    }

    fn size(&mut self, rows: u16, columns: u16) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        // the engine may not have made the terminal yet
        while let Err(error) = self.container.resize(&self.exec, rows, columns) {
            if Instant::now() > deadline
                || self.container.look_at(&self.exec)?.running == Some(false)
            {
                return Err(error);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let said = self.stream.write_all(b"\n");
        said.map_err(|err| Error::limit("cannot start a process").caused_by(err))
    }

    /// Reads up to the number that our shell tells.
    fn hear_number(&mut self, program: &str) -> Result<()> {
        let failed = |why: &str| {
            let said = why.trim();
            let what = format!("cannot start {program}");
            // a folder that is not there is told by the engine, in its words
            if said.contains("no such file") || said.contains("chdir") {
                Error::input(what).caused_by(said.to_owned())
            } else {
                Error::limit(what).caused_by(said.to_owned())
            }
        };
        let deadline = Instant::now() + PATIENCE;
        let mut said = Vec::new();
        loop {
            let begin = memchr::memchr(1, &said);
            let end = begin.and_then(|begin| {
                let rest = said.get(begin..)?;
                Some((begin + 1, begin + memchr::memchr(b'\n', rest)?))
            });
            if let Some((begin, end)) = end {
                let number = String::from_utf8_lossy(said.get(begin..end).unwrap_or_default());
                let number = number.trim().to_owned();
                self.early = said.get(end + 1..).unwrap_or_default().to_vec();
                if number == "?" {
                    return Err(Error::input(format!("cannot start {program}"))
                        .caused_by("no such program in the image"));
                }
                self.pid = number;
                return Ok(());
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.take(&mut said, left) {
                Ok(Some(0)) => return Err(failed(&String::from_utf8_lossy(&said))),
                Ok(_) if Instant::now() < deadline => {}
                Ok(_) => return Err(failed("no answer")),
                Err(err) => return Err(failed(&err.to_string())),
            }
        }
    }

    /// What came within a time: how many bytes, nothing, or 0 at the end.
    fn take(&mut self, into: &mut Vec<u8>, wait: Duration) -> io::Result<Option<usize>> {
        let wait = wait.max(Duration::from_millis(1));
        self.stream.set_read_timeout(Some(wait))?;
        let mut chunk = vec![0; 1 << 16];
        match self.stream.read(&mut chunk) {
            Ok(0) => Ok(Some(0)),
            Ok(count) => {
                let came = chunk.get(..count).unwrap_or_default();
                let before = into.len();
                match &mut self.frames {
                    Some(frames) => frames.take(came, into),
                    None => into.extend_from_slice(came),
                }
                // a head without contents is nothing that it wrote
                Ok((into.len() > before).then_some(into.len() - before))
            }
            Err(err) => match err.kind() {
                io::ErrorKind::WouldBlock
                | io::ErrorKind::TimedOut
                | io::ErrorKind::Interrupted => Ok(None),
                io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => Ok(Some(0)),
                _ => Err(err),
            },
        }
    }

    fn count(&mut self, bytes: usize) -> Heard {
        if let Some(left) = self.left.checked_sub(bytes as u64) {
            self.left = left;
            return Heard::Bytes;
        }
        self.kill();
        self.early.clear();
        self.finish(Exit::Bound("it printed more than it may".to_owned()))
    }

    /// Runs the script that kills it. Its output is taken meanwhile: engines learn of no end in a container, also not of that
    /// script's, while they wait for somebody to take what another process of it wrote.
    fn kill_by_script(&mut self) -> bool {
        let (container, pid) = (Arc::clone(&self.container), self.pid.clone());
        let killer = thread::spawn(move || {
            let said = container.say(KILL, &[pid]);
            said.is_ok_and(|(said, _)| said.ends_with("killed"))
        });
        let most = usize::try_from(self.left).unwrap_or(usize::MAX);
        let mut is_open = true;
        while is_open && !killer.is_finished() {
            let mut came = Vec::new();
            is_open = !matches!(self.take(&mut came, SLICE), Ok(Some(0)) | Err(_));
            // one byte too much tells as much as all of them
            let room = most.saturating_add(1).saturating_sub(self.early.len());
            came.truncate(room);
            self.early.append(&mut came);
        }
        killer.join().unwrap_or(false)
    }

    fn finish(&mut self, exit: Exit) -> Heard {
        let exit = lock(&self.told).clone().map_or(exit, Exit::Bound);
        self.end = Some(exit.clone());
        Heard::End(exit)
    }

    /// Its end, once its output has ended or it is known to be gone.
    fn ended(&mut self) -> Result<Heard> {
        // engines tell a signal as shells do
        let code = self
            .container
            .code_of(&self.exec, Instant::now() + PATIENCE);
        let exit = match code {
            Ok(code) => Exit::Code(i32::try_from(code).unwrap_or(-1)),
            Err(_) if self.container.alive().is_err() => Exit::Signal(9),
            Err(error) => return Err(error),
        };
        Ok(self.finish(exit))
    }

    fn has_ended(&mut self) -> bool {
        if self.looked.elapsed() < TURN {
            return false;
        }
        self.looked = Instant::now();
        let told = self.container.look_at(&self.exec);
        told.is_ok_and(|told| told.running == Some(false))
    }
}

impl Process for Running {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        if self.frames.is_some() {
            return Err(Error::limit("a process without a terminal reads nothing"));
        }
        if self.end.is_some() {
            return Err(Error::limit("the process has ended"));
        }
        let written = self.stream.write_all(bytes);
        written.map_err(|err| Error::limit("the process reads nothing").caused_by(err))
    }

    fn resize(&mut self, rows: u16, columns: u16) -> Result<()> {
        if self.frames.is_some() {
            return Err(Error::limit("a process without a terminal has no size"));
        }
        self.container.resize(&self.exec, rows, columns)
    }

    fn read(&mut self, into: &mut Vec<u8>, wait: Duration) -> Result<Heard> {
        if !self.early.is_empty() {
            let early = std::mem::take(&mut self.early);
            into.extend_from_slice(&early);
            return Ok(self.count(early.len()));
        }
        if let Some(exit) = &self.end {
            return Ok(Heard::End(exit.clone()));
        }
        let deadline = Instant::now() + wait;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let came = self.take(into, left.min(TURN));
            let died = |err| Error::limit("the sandbox died under a process").caused_by(err);
            match came.map_err(died)? {
                Some(0) => return self.ended(),
                Some(count) => return Ok(self.count(count)),
                None => {}
            }
            if self.has_ended() {
                // what it wrote before may still be on its way
                return match self.take(into, TURN / 5).map_err(died)? {
                    Some(count @ 1..) => Ok(self.count(count)),
                    _ => self.ended(),
                };
            }
            if Instant::now() >= deadline {
                return Ok(Heard::Silence);
            }
        }
    }

    fn kill(&mut self) {
        if !self.kill_by_script() && self.container.alive().is_ok() {
            // no process more fits into it, not even the one that kills
            lock(&self.told)
                .get_or_insert_with(|| "a process of it could not be killed alone".to_owned());
            self.container.remove();
        }
        // it is looked at at once
        self.looked = Instant::now().checked_sub(TURN).unwrap_or(self.looked);
    }
}
