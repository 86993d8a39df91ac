//! What a test program leaves running: processes that put themselves into a session of their own, where no signal to the
//! program's group reaches them.
//!
//! While programs run, Linux hands orphans to us instead of to process 1. Behind each program those are killed that show
//! where they come from: by the folder they stand in, or by the program's file among their arguments. What hides both is
//! killed when no other program runs that could be its parent. Children of our own share our process group, or are
//! programs that still run: neither is touched. Elsewhere than on Linux nothing is done.

use std::io;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

/// The programs that run. Held while one starts, so that nobody takes it for an orphan.
static LIVE: Mutex<Vec<u32>> = Mutex::new(Vec::new());

fn live() -> MutexGuard<'static, Vec<u32>> {
    LIVE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts a program whose orphans are ours.
///
/// # Errors
/// Those of [`Command::spawn`].
pub(super) fn spawn(command: &mut Command) -> io::Result<Child> {
    let mut live = live();
    if live.is_empty() {
        adopt(true);
    }
    let child = command.spawn();
    match &child {
        Ok(child) => live.push(child.id()),
        Err(_) if live.is_empty() => adopt(false),
        Err(_) => {}
    }
    child
}

/// Kills what a program that is dead and was waited for has left behind. `folder` was its own.
pub(super) fn sweep(program: u32, folder: &Path) {
    let mut live = live();
    live.retain(|pid| *pid != program);
    kill_orphans(&live, folder);
    if live.is_empty() {
        adopt(false);
    }
}

#[cfg(target_os = "linux")]
fn adopt(is_on: bool) {
    let whose = is_on.then(rustix::process::getpid);
    // without it orphans go to process 1, as they do elsewhere
    let _refused = rustix::process::set_child_subreaper(whose);
}

#[cfg(not(target_os = "linux"))]
fn adopt(_: bool) {}

#[cfg(not(target_os = "linux"))]
fn kill_orphans(_: &[u32], _: &Path) {}

#[cfg(target_os = "linux")]
fn kill_orphans(live: &[u32], folder: &Path) {
    use std::thread;
    use std::time::Duration;

    use rustix::process::Signal;
    use rustix::process::WaitOptions;
    use rustix::process::kill_process;
    use rustix::process::waitpid;

    /// What is killed leaves its children to us, and may have made more: looked at again until nobody is left.
    const ROUNDS: usize = 400;
    const PAUSE: Duration = Duration::from_millis(5);

    for _ in 0..ROUNDS {
        let mut is_any = false;
        for orphan in adopted(live) {
            if !orphan.is_dead && !live.is_empty() && !orphan.is_of(folder) {
                continue;
            }
            // it fails where it is dead already
            let _gone = kill_process(orphan.pid, Signal::KILL);
            let waited = waitpid(Some(orphan.pid), WaitOptions::NOHANG);
            is_any |= !matches!(waited, Ok(Some(_)));
            // the children that it leaves are seen by the next look
            is_any |= !orphan.is_dead;
        }
        if !is_any {
            return;
        }
        thread::sleep(PAUSE);
    }
}

#[cfg(target_os = "linux")]
struct Orphan {
    pid: rustix::process::Pid,
    is_dead: bool,
}

#[cfg(target_os = "linux")]
impl Orphan {
    /// Whether it stands in the folder of a program, or was started with its file.
    fn is_of(&self, folder: &Path) -> bool {
        use std::os::unix::ffi::OsStrExt as _;

        let place = format!("/proc/{}", self.pid.as_raw_nonzero());
        let stands = std::fs::read_link(format!("{place}/cwd"));
        let has_file = || {
            let arguments = std::fs::read(format!("{place}/cmdline")).unwrap_or_default();
            memchr::memmem::find(&arguments, folder.as_os_str().as_bytes()).is_some()
        };
        stands.is_ok_and(|stands| stands.starts_with(folder)) || has_file()
    }
}

/// Our children that we did not start: of another process group, and none of the programs.
#[cfg(target_os = "linux")]
fn adopted(live: &[u32]) -> Vec<Orphan> {
    use rustix::process::Pid;

    let (me, group) = (
        std::process::id(),
        rustix::process::getpgrp().as_raw_nonzero().get(),
    );
    let all = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let orphan = |entry: std::fs::DirEntry| {
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        let stat = std::fs::read(entry.path().join("stat")).ok()?;
        // the name before may hold anything, brackets and blanks too
        let after = stat.get(memchr::memrchr(b')', &stat)? + 1..)?;
        let mut fields = std::str::from_utf8(after).ok()?.split_ascii_whitespace();
        let state = fields.next()?;
        let parent: u32 = fields.next()?.parse().ok()?;
        let own_group: i32 = fields.next()?.parse().ok()?;
        let is_ours = parent == me && own_group != group && !live.contains(&pid);
        let pid = Pid::from_raw(i32::try_from(pid).ok()?)?;
        is_ours.then_some(Orphan {
            pid,
            is_dead: matches!(state, "Z" | "X"),
        })
    };
    all.filter_map(orphan).collect()
}
