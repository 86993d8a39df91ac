//! The process that stands above each started one: starts it behind the walls, adopts what it leaves behind, watches how
//! much it takes, and ends everything when hgview says so or is gone. Above it stands another, which does nothing but end
//! everything if this one is killed.
//!
//! It is hgview's own program under another word. Its standard input comes from hgview ([`Plan`], then bytes), its output
//! goes there ([`Status`]), its standard error is what the started process reads and writes.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::io::Read as _;
use std::io::Write as _;
use std::os::fd::AsFd as _;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Child;
use std::process::Command;
use std::process::ExitCode;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use rustix::event::PollFd;
use rustix::event::PollFlags;
use rustix::event::Timespec;
use rustix::event::poll;
use rustix::io::Errno;
use rustix::process::Pid;
use rustix::process::PidfdFlags;
use rustix::process::Signal;
use rustix::process::WaitOptions;

use crate::sandbox::landlock::descendants;
use crate::sandbox::landlock::private;
use crate::sandbox::landlock::walls;
use crate::sandbox::landlock::wire;
use crate::sandbox::landlock::wire::Plan;
use crate::sandbox::landlock::wire::Status;
use crate::sandbox::landlock::worker;
use crate::sandbox::namespace::lock;
use crate::sandbox::namespace::sys;

/// The word under which hgview is a supervisor.
pub(super) const SUPERVISE: &str = "__sandbox-supervise";
/// The word under which it becomes the started program.
pub(super) const LAUNCH: &str = "__sandbox-launch";

/// How often the started processes are looked at.
const TICK: Duration = Duration::from_millis(100);

/// Does what the word asks for, if it is one of ours.
pub(super) fn run(word: &OsStr) -> Option<ExitCode> {
    let done = match word.to_str()? {
        SUPERVISE => supervise(),
        LAUNCH => launch(),
        _ => return None,
    };
    // hgview hears of it by the end of the streams
    Some(done.map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS))
}

/// Reads and writes a standard stream without a buffer of its own.
struct Stdio0;

impl io::Read for Stdio0 {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        Ok(rustix::io::read(rustix::stdio::stdin(), into)?)
    }
}

struct Stdio1;

impl io::Write for Stdio1 {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::write(rustix::stdio::stdout(), bytes)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn supervise() -> io::Result<()> {
    sys::close_at_exec_from(3)?;
    let plan: Plan = wire::hear(&mut Stdio0)?;
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    let hgview = rustix::process::getppid();
    if let Some(below) = sys::fork()? {
        return guard(below, hgview, &plan);
    }
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    // what it starts can get no right from a file; where this cannot be done, it has none to give
    match lock::empty_bounding_set() {
        Ok(()) | Err(Errno::PERM) => {}
        Err(errno) => return Err(errno.into()),
    }
    // the terminal's signals are for the program, not for us
    rustix::process::setsid().ok();
    let child = match start(&plan) {
        Ok(child) => child,
        Err(error) => {
            let failed = Status::Failed {
                errno: error.raw_os_error(),
                why: error.to_string(),
            };
            return wire::say(&mut Stdio1, &failed);
        }
    };
    // only the program holds its streams: their end is its end
    rustix::stdio::dup2_stderr(fs::File::open("/dev/null")?)?;
    wire::say(&mut Stdio1, &Status::Started)?;
    let told = watch(child, &plan);
    let is_left = matches!(told, Ok(true));
    descendants::kill_all();
    if !is_left {
        private::remove(&plan.private);
    }
    told.map(|_| ())
}

/// Waits for the supervisor. If that is killed, what it stood above falls to this process, and is ended.
fn guard(supervisor: i32, hgview: Option<Pid>, plan: &Plan) -> io::Result<()> {
    // the streams are the supervisor's and the program's: their ends are heard by hgview
    let null = fs::File::options()
        .read(true)
        .write(true)
        .open("/dev/null")?;
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stdout(&null)?;
    rustix::stdio::dup2_stderr(&null)?;
    // the terminal's signals are for the program
    rustix::process::setsid().ok();
    let supervisor = Pid::from_raw(supervisor);
    let status = loop {
        match rustix::process::waitpid(supervisor, WaitOptions::empty()) {
            Err(Errno::INTR) => {}
            told => break told?,
        }
    };
    if status.is_some_and(|(_, status)| status.exited()) {
        return Ok(());
    }
    descendants::kill_all();
    // where hgview lives it removes the folder itself
    if rustix::process::getppid() != hgview {
        private::remove(&plan.private);
    }
    Ok(())
}

/// Starts the program: a child that gives everything up and becomes it.
fn start(plan: &Plan) -> io::Result<Child> {
    let (mut ours, theirs) = UnixStream::pair()?;
    let streams = rustix::stdio::stderr();
    let mut command = Command::new("/proc/self/exe");
    command
        .arg0("sandbox")
        .arg(LAUNCH)
        .env_clear()
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(Stdio::from(streams.try_clone_to_owned()?))
        .stderr(Stdio::from(streams.try_clone_to_owned()?));
    if let Some(owner) = plan.owner {
        command.uid(owner).gid(owner);
    }
    let mut child = command.spawn()?;
    // our copy of its end of the pair goes with the command
    drop(command);
    wire::say(&mut ours, plan)?;
    let mut failed = Vec::new();
    ours.read_to_end(&mut failed)?;
    if failed.is_empty() {
        return Ok(child);
    }
    child.wait()?;
    let errno = failed.first_chunk().map(|bytes| i32::from_le_bytes(*bytes));
    Err(match errno {
        Some(errno) if errno != 0 => io::Error::from_raw_os_error(errno),
        _ => io::Error::other(String::from_utf8_lossy(failed.get(4..).unwrap_or_default())),
    })
}

/// Waits for the end of the program, then for hgview. Whether hgview said good-bye.
fn watch(mut child: Child, plan: &Plan) -> io::Result<bool> {
    let leader = child.id().cast_signed();
    let pid = Pid::from_child(&child);
    let end = rustix::process::pidfd_open(pid, PidfdFlags::empty())?;
    let deadline = Instant::now() + Duration::from_millis(plan.wall_ms);
    let (mut is_running, mut is_bound) = (true, false);
    let mut next_look = Instant::now() + TICK;
    loop {
        match hear_hgview(is_running.then_some(&end))? {
            Heard::Kill => descendants::kill_session(leader),
            Heard::Leave => return Ok(true),
            Heard::Gone => return Ok(false),
            Heard::Nothing => {}
        }
        if is_running && let Some(status) = child.try_wait()? {
            is_running = false;
            next_look = Instant::now();
            if !is_bound {
                tell(&Status::Ended {
                    code: status.code(),
                    signal: status.signal(),
                });
            }
        }
        if Instant::now() < next_look {
            continue;
        }
        let all = descendants::of_us();
        reap(&all, leader);
        if !is_running && all.is_empty() {
            return Ok(true);
        }
        if !is_bound && let Some(why) = reached(&all, plan, deadline) {
            is_bound = true;
            if is_running {
                tell(&Status::Bound(why));
            }
            is_running = false;
            descendants::kill_all();
        }
        // not before: looking at many takes its time
        next_look = Instant::now() + TICK;
    }
}

enum Heard {
    Kill,
    Leave,
    Gone,
    Nothing,
}

fn hear_hgview(end: Option<&OwnedFd>) -> io::Result<Heard> {
    let input = rustix::stdio::stdin();
    let mut waited = vec![PollFd::new(&input, PollFlags::IN)];
    waited.extend(end.map(|end| PollFd::new(end, PollFlags::IN)));
    let tick = Timespec {
        tv_sec: 0,
        tv_nsec: i64::from(TICK.subsec_nanos()),
    };
    match poll(&mut waited, Some(&tick)) {
        Ok(_) | Err(Errno::INTR) => {}
        Err(error) => return Err(error.into()),
    }
    if waited.first().is_none_or(|fd| fd.revents().is_empty()) {
        return Ok(Heard::Nothing);
    }
    let mut byte = [0];
    Ok(match Stdio0.read(&mut byte) {
        Ok(1) if byte == [wire::KILL] => Heard::Kill,
        Ok(1) if byte == [wire::LEAVE] => Heard::Leave,
        _ => Heard::Gone,
    })
}

/// Tells hgview; where it is gone, its silence is heard next.
fn tell(status: &Status) {
    drop(wire::say(&mut Stdio1, status));
}

/// Waits for the dead that were adopted.
fn reap(all: &[descendants::Relative], leader: i32) {
    for dead in all.iter().filter(|relative| relative.is_dead) {
        if dead.pid != leader
            && let Some(pid) = Pid::from_raw(dead.pid)
        {
            // it may be another's child still
            let _not_ours = rustix::process::waitpid(Some(pid), WaitOptions::NOHANG);
        }
    }
}

/// The bound that the processes have reached together, in words.
fn reached(all: &[descendants::Relative], plan: &Plan, deadline: Instant) -> Option<String> {
    if Instant::now() > deadline {
        return Some("its time was over".to_owned());
    }
    let (threads, memory) = descendants::measure(all);
    if threads > plan.processes {
        return Some(format!("more than {} processes", plan.processes));
    }
    let mib = plan.memory >> 20;
    (memory > plan.memory).then(|| format!("more than {mib} MiB of memory"))
}

/// Becomes the program that the plan names, behind the walls. Standard input is the supervisor, until the program has it.
fn launch() -> io::Result<()> {
    let plan: Plan = wire::hear(&mut Stdio0)?;
    let supervisor = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)?;
    let mut supervisor = fs::File::from(supervisor);
    let Err(error) = become_it(&plan, &supervisor) else {
        return Ok(());
    };
    let errno = error.raw_os_error().unwrap_or(0);
    supervisor.write_all(&errno.to_le_bytes())?;
    supervisor.write_all(error.to_string().as_bytes())
}

fn become_it(plan: &Plan, supervisor: &fs::File) -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    // the pair of sockets is the supervisor's: if it died before that line, somebody else is the parent
    let maker = rustix::net::sockopt::socket_peercred(supervisor)?.pid;
    if rustix::process::getppid() != Some(maker) {
        return Err(io::Error::other("the supervisor is gone"));
    }
    rustix::process::setsid()?;
    let is_worker = plan.argv.is_empty();
    if plan.terminal.is_some() {
        rustix::process::ioctl_tiocsctty(rustix::stdio::stdout())?;
    }
    if is_worker || plan.terminal.is_some() {
        rustix::stdio::dup2_stdin(rustix::stdio::stdout())?;
    } else {
        rustix::stdio::dup2_stdin(fs::File::open("/dev/null")?)?;
    }
    std::env::set_current_dir(&plan.cwd)?;
    sys::close_at_exec_from(3)?;
    walls::close_in(plan)?;
    let Some((program, arguments)) = plan.argv.split_first() else {
        rustix::net::shutdown(supervisor.as_fd(), rustix::net::Shutdown::Both)?;
        return worker::serve();
    };
    sys::heed_signals();
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .envs(plan.env.iter().map(|(name, value)| (name, value)));
    Err(command.exec())
}
