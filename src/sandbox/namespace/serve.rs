//! What the first process of a sandbox does for the rest of its life: starts processes, buries them, answers.

use std::fs;
use std::io;
use std::io::Write as _;
use std::os::fd::AsFd as _;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::time::Duration;
use std::time::Instant;

use rustix::event::PollFd;
use rustix::event::PollFlags;
use rustix::event::Timespec;
use rustix::event::poll;
use rustix::io::Errno;
use rustix::pipe::PipeFlags;
use rustix::process::Pid;
use rustix::process::Signal;
use rustix::process::WaitOptions;
use rustix::process::WaitStatus;
use rustix::pty::OpenptFlags;

use crate::sandbox::namespace::lock;
use crate::sandbox::namespace::memory::Watch;
use crate::sandbox::namespace::root::Stand;
use crate::sandbox::namespace::sys;
use crate::sandbox::namespace::upper;
use crate::sandbox::namespace::wire::Answer;
use crate::sandbox::namespace::wire::Ask;
use crate::sandbox::namespace::wire::Config;
use crate::sandbox::namespace::wire::SpawnStep;
use crate::sandbox::namespace::wire::Wire;
use crate::sandbox::namespace::work;
use crate::sandbox::terminal;

/// Rounds of looking for processes of a session that is to be killed, since they may fork meanwhile.
const KILL_ROUNDS: usize = 16;

/// A process that hgview asked for.
struct Running {
    pid: Pid,
    /// Its end is told here; a byte that comes from here asks for it.
    channel: Option<UnixStream>,
    /// Kept open so that the process lives on when hgview has lost interest.
    output: OwnedFd,
}

struct Server<'a> {
    config: Config,
    stand: Stand,
    wire: &'a Wire,
    running: Vec<Running>,
    /// Whether there are other processes, asked for or not.
    has_others: bool,
    memory: Watch,
}

/// Serves until hgview has closed its end.
pub(super) fn run(config: Config, stand: Stand, wire: &Wire) -> io::Result<()> {
    let (died, told) = UnixStream::pair()?;
    died.set_nonblocking(true)?;
    signal_hook::low_level::pipe::register(signal_hook::consts::SIGCHLD, told)?;
    let mut server = Server {
        memory: Watch::new(config.bounds.memory),
        config,
        stand,
        wire,
        running: Vec::new(),
        has_others: false,
    };
    loop {
        let (asked, kills) = server.wait(&died)?;
        drain(&died);
        server.bury();
        if server.has_others {
            server.memory.look();
        }
        for pid in kills {
            kill_session(pid);
        }
        if asked {
            match wire.message::<Ask>() {
                Ok(ask) => server.answer(ask)?,
                Err(err) if err.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
                Err(err) => return Err(err),
            }
        }
    }
}

/// Forgets how often it was told that a child has died.
fn drain(died: &UnixStream) {
    let mut bytes = [0; 64];
    while rustix::io::read(died, &mut bytes).is_ok_and(|got| got > 0) {}
}

impl Server<'_> {
    /// Waits for something to do: whether hgview asks for something, and the processes that it wants killed.
    fn wait(&mut self, died: &UnixStream) -> io::Result<(bool, Vec<Pid>)> {
        let listened = |running: &&mut Running| running.channel.is_some();
        let mut listened: Vec<&mut Running> = self.running.iter_mut().filter(listened).collect();
        let mut fds = vec![
            PollFd::new(&self.wire.0, PollFlags::IN),
            PollFd::new(died, PollFlags::IN),
        ];
        let channels = listened
            .iter()
            .filter_map(|running| running.channel.as_ref());
        fds.extend(channels.map(|channel| PollFd::new(channel, PollFlags::IN)));
        let turn = self.has_others.then(|| self.memory.left());
        let turn = turn.and_then(|turn| Timespec::try_from(turn).ok());
        match poll(&mut fds, turn.as_ref()) {
            Ok(_) => {}
            Err(Errno::INTR) => return Ok((false, Vec::new())),
            Err(errno) => return Err(errno.into()),
        }
        let ready: Vec<bool> = fds.iter().map(|fd| !fd.revents().is_empty()).collect();
        drop(fds);
        let asked = ready.first().copied().unwrap_or_default();
        let mut kills = Vec::new();
        for (running, ready) in listened.iter_mut().zip(ready.into_iter().skip(2)) {
            let Some(channel) = running.channel.as_ref().filter(|_| ready) else {
                continue;
            };
            match rustix::io::read(channel, &mut [0; 1]) {
                Ok(1..) => kills.push(running.pid),
                // hgview wants to hear no more of it.
                Ok(0) => running.channel = None,
                Err(_) => {}
            }
        }
        Ok((asked, kills))
    }

    /// Takes the ends of all processes that have died, and tells them to whoever asked for those.
    fn bury(&mut self) {
        loop {
            match rustix::process::wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) => {
                    if let Some(nth) = self.running.iter().position(|child| child.pid == pid) {
                        let child = self.running.swap_remove(nth);
                        if let Some(mut channel) = child.channel {
                            // Nobody may listen any more.
                            drop(channel.write_all(&told(status)));
                        }
                    }
                }
                Err(Errno::INTR) => {}
                Ok(None) => return,
                Err(_) => {
                    self.has_others = false;
                    return;
                }
            }
        }
    }

    fn answer(&mut self, ask: Ask) -> io::Result<()> {
        match ask {
            Ask::Spawn {
                argv,
                cwd,
                env,
                terminal,
            } => self.spawn(&argv, &cwd, env, terminal),
            Ask::Changes => upper::tell_changes(&self.stand.places, self.wire),
            Ask::Hash(path) => upper::tell_hash(&self.stand.places, &path, self.wire),
            Ask::Content(path, most) => {
                upper::tell_content(&self.stand.places, &path, most, self.wire)
            }
            Ask::Put { .. } | Ask::Start => Err(io::ErrorKind::InvalidData.into()),
            other => work::answer(other, self.wire),
        }
    }

    fn spawn(
        &mut self,
        argv: &[String],
        cwd: &str,
        env: Vec<(String, String)>,
        terminal: Option<(u16, u16)>,
    ) -> io::Result<()> {
        match self.try_spawn(argv, cwd, env, terminal) {
            Ok((running, theirs)) => {
                let sent = self
                    .wire
                    .send(&Answer::Spawned, &[running.output.as_fd(), theirs.as_fd()]);
                self.running.push(running);
                self.has_others = true;
                sent
            }
            Err((at, err)) => self.wire.send(
                &Answer::NotSpawned {
                    at,
                    errno: lock::errno_of(&err),
                },
                &[],
            ),
        }
    }

    fn try_spawn(
        &self,
        argv: &[String],
        cwd: &str,
        env: Vec<(String, String)>,
        terminal: Option<(u16, u16)>,
    ) -> Result<(Running, UnixStream), (SpawnStep, io::Error)> {
        let room = |err: io::Error| (SpawnStep::Room, err);
        let (channel, theirs) = UnixStream::pair().map_err(room)?;
        let (output, inner) = open_output(terminal).map_err(|errno| room(errno.into()))?;
        let (failed, fails) =
            rustix::pipe::pipe_with(PipeFlags::CLOEXEC).map_err(|errno| room(errno.into()))?;
        let Some(pid) = sys::fork().map_err(room)? else {
            let (at, err) = self.become_program(argv, cwd, env, terminal.is_some(), &inner);
            let at = match at {
                SpawnStep::Room => 0,
                SpawnStep::Folder => 1,
                SpawnStep::Program => 2,
            };
            let [a, b, c, d] = lock::errno_of(&err).to_le_bytes();
            rustix::io::write(&fails, &[at, a, b, c, d]).ok();
            sys::exit_now(127);
        };
        drop(fails);
        drop(inner);
        let pid = Pid::from_raw(pid).ok_or_else(|| room(io::ErrorKind::NotFound.into()))?;
        if let Err(error) = self.hear_failure(&failed) {
            // it has ended, or it never will by itself
            rustix::process::kill_process(pid, Signal::KILL).ok();
            return Err(error);
        }
        let running = Running {
            pid,
            channel: Some(channel),
            output,
        };
        Ok((running, theirs))
    }

    /// Waits until the child runs its program, or has said why it cannot, or hgview has gone, or its time is over: the
    /// child may have been stopped by another process on its way.
    fn hear_failure(&self, failed: &OwnedFd) -> Result<(), (SpawnStep, io::Error)> {
        let room = |err: io::Error| (SpawnStep::Room, err);
        let patience = Duration::from_millis(self.config.bounds.start_millis);
        let began = Instant::now();
        loop {
            let mut fds = [
                PollFd::new(failed, PollFlags::IN),
                PollFd::new(&self.wire.0, PollFlags::RDHUP),
            ];
            let left = patience.saturating_sub(began.elapsed());
            let left = Timespec {
                tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: i64::from(left.subsec_nanos()),
            };
            match poll(&mut fds, Some(&left)) {
                Ok(0) => return Err(room(Errno::TIMEDOUT.into())),
                Ok(_) => {}
                Err(Errno::INTR) => continue,
                Err(errno) => return Err(room(errno.into())),
            }
            let [said, gone] = fds.map(|fd| !fd.revents().is_empty());
            if said {
                break;
            }
            if gone {
                return Err(room(io::ErrorKind::UnexpectedEof.into()));
            }
        }
        let mut said = [0; 5];
        match rustix::io::read(failed, &mut said) {
            Ok(5) => {
                let [at, errno @ ..] = said;
                let at = match at {
                    1 => SpawnStep::Folder,
                    2 => SpawnStep::Program,
                    _ => SpawnStep::Room,
                };
                Err((at, io::Error::from_raw_os_error(i32::from_le_bytes(errno))))
            }
            _ => Ok(()),
        }
    }

    /// In the child: becomes the program, or says why not.
    fn become_program(
        &self,
        argv: &[String],
        cwd: &str,
        env: Vec<(String, String)>,
        on_terminal: bool,
        inner: &OwnedFd,
    ) -> (SpawnStep, io::Error) {
        let prepare = || -> io::Result<()> {
            rustix::process::setsid()?;
            if on_terminal {
                rustix::process::ioctl_tiocsctty(inner)?;
                rustix::stdio::dup2_stdin(inner)?;
            }
            rustix::stdio::dup2_stdout(inner)?;
            rustix::stdio::dup2_stderr(inner)?;
            lock::lock_child(self.config.bounds)?;
            sys::close_at_exec_from(3)
        };
        if let Err(err) = prepare() {
            return (SpawnStep::Room, err);
        }
        if let Err(errno) = rustix::process::chdir(cwd) {
            return (SpawnStep::Folder, errno.into());
        }
        let Some((program, rest)) = argv.split_first() else {
            return (SpawnStep::Program, io::ErrorKind::InvalidInput.into());
        };
        let own = self.config.env.iter().cloned();
        sys::heed_signals();
        let err = Command::new(program)
            .args(rest)
            .env_clear()
            .envs(own.chain(env))
            .exec();
        (SpawnStep::Program, err)
    }
}

/// A terminal or a pipe: the end that hgview gets, and the end of the process.
fn open_output(terminal: Option<(u16, u16)>) -> rustix::io::Result<(OwnedFd, OwnedFd)> {
    let Some((rows, columns)) = terminal else {
        return rustix::pipe::pipe_with(PipeFlags::CLOEXEC);
    };
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let outer = rustix::pty::openpt(flags)?;
    rustix::pty::unlockpt(&outer)?;
    terminal::size(&outer, rows, columns)?;
    let inner = rustix::pty::ioctl_tiocgptpeer(&outer, flags)?;
    Ok((outer, inner))
}

/// How a process ended, in five bytes: 0 and its code, or 1 and the signal.
fn told(status: WaitStatus) -> [u8; 5] {
    let (kind, number) = match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => (0, code),
        (None, Some(signal)) => (1, signal),
        (None, None) => (0, 255),
    };
    let [a, b, c, d] = number.to_le_bytes();
    [kind, a, b, c, d]
}

/// Kills the processes of a session, and the group of its leader.
fn kill_session(leader: Pid) {
    rustix::process::kill_process_group(leader, Signal::KILL).ok();
    for _ in 0..KILL_ROUNDS {
        let members = members(leader);
        if members.is_empty() {
            return;
        }
        for member in members {
            rustix::process::kill_process(member, Signal::KILL).ok();
        }
    }
}

/// The living processes of a session.
fn members(leader: Pid) -> Vec<Pid> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let mut found = Vec::new();
    for entry in entries {
        let name = entry.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        // `pid (name) state parent group session`; a name may hold anything.
        let mut fields = stat
            .rsplit(')')
            .next()
            .unwrap_or_default()
            .split(' ')
            .skip(1);
        let is_dead = fields
            .next()
            .is_none_or(|state| state == "Z" || state == "X");
        let session = fields.nth(2).and_then(|session| session.parse().ok());
        if !is_dead && session == Some(leader.as_raw_nonzero().get()) {
            found.extend(Pid::from_raw(pid));
        }
    }
    found
}
