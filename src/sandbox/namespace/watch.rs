//! The process between hgview and a sandbox: makes the namespaces, says who its users are, ends it in time.
//!
//! It stays outside and keeps the rights of hgview; nothing in the sandbox can see it. When hgview closes its end of the
//! leash, by dying too, when the time is over, or when the first process has ended, it kills what is left and waits
//! until the kernel has taken everything away.

use std::fs;
use std::io;
use std::os::fd::AsFd as _;
use std::os::fd::BorrowedFd;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;
use std::time::Instant;

use rustix::event::PollFd;
use rustix::event::PollFlags;
use rustix::event::Timespec;
use rustix::event::poll;
use rustix::fs::CWD;
use rustix::io::Errno;
use rustix::mount::OpenTreeFlags;
use rustix::process::Pid;
use rustix::process::PidfdFlags;
use rustix::process::Signal;
use rustix::process::WaitOptions;

use crate::sandbox::namespace::first;
use crate::sandbox::namespace::sys;
use crate::sandbox::namespace::wire::Answer;
use crate::sandbox::namespace::wire::Config;
use crate::sandbox::namespace::wire::Failure;
use crate::sandbox::namespace::wire::Owner;
use crate::sandbox::namespace::wire::Raw;
use crate::sandbox::namespace::wire::Step;
use crate::sandbox::namespace::wire::Wire;

/// The name under which hgview runs itself for a sandbox. It is seen inside, so it says nothing.
pub(super) const NAME: &str = "sandbox-init";
/// Its exit code when the sandbox's time was over.
pub(super) const TIME_OVER: u8 = 3;

/// A folder of the host as a mount that is nowhere yet, with the owners of its files made those of the sandbox where it is
/// a tree's; nothing where the sandbox's users can open it themselves.
pub(super) type Mapped = Option<OwnedFd>;

/// What is refused at `step`, and what it is.
pub(super) fn refused(step: Step, what: impl Into<String>) -> impl FnOnce(Errno) -> Failure {
    let what = what.into();
    move |errno| Failure {
        step,
        errno: errno.raw_os_error(),
        what,
    }
}

/// [`refused`] for an error of the standard library.
pub(super) fn failed(step: Step, what: impl Into<String>) -> impl FnOnce(io::Error) -> Failure {
    let what = what.into();
    move |err| Failure {
        step,
        errno: err.raw_os_error().unwrap_or(0),
        what,
    }
}

/// Runs this process, which was started under [`NAME`] with one socket as its input and the leash as its output; returns
/// its exit code.
pub(super) fn run() -> u8 {
    let Ok((wire, leash)) = take_ends() else {
        return 1;
    };
    let Ok(config) = wire.message::<Config>() else {
        return 1;
    };
    let deadline = Instant::now().checked_add(Duration::from_millis(config.bounds.wall_millis));
    match begin(config, &wire) {
        Ok(first) => {
            drop(wire);
            watch(first, &leash, deadline)
        }
        Err(failure) => {
            // Whoever does not hear it has gone.
            drop(wire.send(&Answer::Failed(failure), &[]));
            1
        }
    }
}

/// The two sockets that hgview left, at numbers above those of the standard streams, which go nowhere.
fn take_ends() -> io::Result<(Wire, UnixStream)> {
    sys::close_from(3)?;
    // Not in the foreground of anybody's terminal: keys that end hgview are for hgview.
    rustix::process::setsid()?;
    let wire = io::stdin().as_fd().try_clone_to_owned()?;
    let leash = io::stdout().as_fd().try_clone_to_owned()?;
    let null = fs::File::options()
        .read(true)
        .write(true)
        .open("/dev/null")?;
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stdout(&null)?;
    Ok((Wire(wire.into()), leash.into()))
}

/// Starts the first process.
fn begin(config: Config, wire: &Wire) -> Result<Pid, Failure> {
    let mapped = map_trees(&config)?;
    let (go, may_go) =
        UnixStream::pair().map_err(failed(Step::Namespaces, "cannot make a socket"))?;
    let forked = sys::fork_into_namespaces();
    let forked = forked.map_err(failed(Step::Namespaces, "cannot make namespaces"))?;
    let Some(pid) = forked else {
        drop(go);
        let code = first::run(config, wire, &may_go, mapped);
        sys::exit_now(code);
    };
    drop(may_go);
    let pid = Pid::from_raw(pid).ok_or_else(|| Failure {
        step: Step::Namespaces,
        errno: 0,
        what: "the kernel gave no process number".to_owned(),
    })?;
    let told = write_maps(pid, config.owner).map_err(failed(
        Step::Users,
        "cannot say who the sandbox's users are",
    ));
    if told.is_err() {
        end(pid);
    }
    told?;
    // Closing the socket is the word to go.
    drop(go);
    Ok(pid)
}

fn write_maps(pid: Pid, owner: Owner) -> io::Result<()> {
    match owner {
        Owner::Myself { uid, gid } => {
            fs::write(of(pid, "setgroups"), "deny")?;
            fs::write(of(pid, "uid_map"), format!("0 {uid} 1"))?;
            fs::write(of(pid, "gid_map"), format!("0 {gid} 1"))
        }
        Owner::Range { first, count } => {
            fs::write(of(pid, "uid_map"), format!("0 {first} {count}"))?;
            fs::write(of(pid, "gid_map"), format!("0 {first} {count}"))
        }
    }
}

fn of(pid: Pid, file: &str) -> String {
    format!("/proc/{}/{file}", pid.as_raw_nonzero())
}

/// Waits for the end of the sandbox, or brings it about.
fn watch(first: Pid, leash: &UnixStream, deadline: Option<Instant>) -> u8 {
    let Ok(handle) = rustix::process::pidfd_open(first, PidfdFlags::empty()) else {
        end(first);
        return 1;
    };
    let code = loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if left == Some(Duration::ZERO) {
            break TIME_OVER;
        }
        let left = left.and_then(|left| Timespec::try_from(left).ok());
        let mut fds = [
            PollFd::new(&handle, PollFlags::IN),
            PollFd::new(leash, PollFlags::IN),
        ];
        match poll(&mut fds, left.as_ref()) {
            Ok(0) | Err(Errno::INTR) => {}
            Ok(_) if fds.iter().any(|fd| !fd.revents().is_empty()) => break 0,
            Ok(_) => {}
            Err(_) => break 1,
        }
    };
    end(first);
    code
}

/// Kills a child and waits until it is gone; the first process of a namespace takes all others with it.
fn end(pid: Pid) {
    // It may be gone already.
    rustix::process::kill_process(pid, Signal::KILL).ok();
    while rustix::process::waitpid(Some(pid), WaitOptions::empty()).err() == Some(Errno::INTR) {}
}

/// For each tree, then for the root of the system, the folder with other owners, then the folders that are only read; only
/// root can do this, and only root needs it.
fn map_trees(config: &Config) -> Result<Vec<Mapped>, Failure> {
    let lowers = config.trees.iter().map(|tree| tree.lower.as_ref());
    let lowers = lowers.chain([config.rootfs.as_ref()]);
    let mut users: Vec<((u32, u32), OwnedFd)> = Vec::new();
    let mapped = lowers.map(|lower| match (lower, config.owner) {
        (Some(Raw(path)), Owner::Range { first, count }) => {
            map_tree(path, first, count, &mut users)
        }
        _ => Ok(None),
    });
    let mut mapped: Vec<Mapped> = mapped.collect::<Result<_, _>>()?;
    for Raw(path) in &config.readable {
        // they keep their owners: the sandbox's users read what everybody may
        mapped.push(match config.owner {
            Owner::Range { .. } => Some(detach(path)?),
            Owner::Myself { .. } => None,
        });
    }
    Ok(mapped)
}

/// A folder as a mount of its own, without what is mounted in it: the sandbox's users may not come through the folders
/// above it.
fn detach(path: &[u8]) -> Result<OwnedFd, Failure> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    let name = || String::from_utf8_lossy(path).into_owned();
    rustix::mount::open_tree(CWD, path, flags).map_err(refused(Step::Folder, name()))
}

fn map_tree(
    path: &[u8],
    first: u32,
    count: u32,
    users: &mut Vec<((u32, u32), OwnedFd)>,
) -> Result<Mapped, Failure> {
    let name = String::from_utf8_lossy(path).into_owned();
    let stat = rustix::fs::stat(path).map_err(refused(Step::Folder, name.clone()))?;
    let range = first..first.saturating_add(count);
    if range.contains(&stat.st_uid) && range.contains(&stat.st_gid) {
        return detach(path).map(Some);
    }
    let owner = (stat.st_uid, stat.st_gid);
    if users.iter().all(|(whose, _)| *whose != owner) {
        let made = users_of(owner, first, count);
        let made = made.map_err(failed(Step::Owners, name.clone()))?;
        users.push((owner, made));
    }
    let Some((_, users)) = users.iter().find(|(whose, _)| *whose == owner) else {
        return Ok(None);
    };
    let tree = detach(path)?;
    sys::map_owners(tree.as_fd(), users.as_fd()).map_err(failed(Step::Owners, name))?;
    Ok(Some(tree))
}

/// A user namespace in which `owner` is the first of the sandbox's range, and the others follow as they can.
fn users_of((uid, gid): (u32, u32), first: u32, count: u32) -> io::Result<OwnedFd> {
    let (stay, may_end) = UnixStream::pair()?;
    let Some(pid) = sys::fork_into_user_namespace()? else {
        drop(stay);
        wait_for_close(may_end.as_fd());
        sys::exit_now(0);
    };
    let pid = Pid::from_raw(pid).ok_or(io::ErrorKind::NotFound)?;
    let open = || {
        fs::write(of(pid, "uid_map"), owner_map(uid, first, count))?;
        fs::write(of(pid, "gid_map"), owner_map(gid, first, count))?;
        fs::File::open(of(pid, "ns/user"))
    };
    let opened = open();
    end(pid);
    Ok(opened?.into())
}

/// The lines of a map that shows the owner `whose` as `first`, and every other number as far behind `first` as it is.
fn owner_map(whose: u32, first: u32, count: u32) -> String {
    let last = whose.min(count);
    let swapped = u32::from(whose > 0 && whose < count);
    [
        (whose, first, 1),
        (1, first + 1, last.saturating_sub(1)),
        (
            whose + 1,
            first + whose.min(count) + 1,
            count.saturating_sub(last + 1),
        ),
        (0, first + last, swapped),
    ]
    .into_iter()
    .filter(|(_, _, len)| *len > 0)
    .map(|(from, to, len)| format!("{from} {to} {len}"))
    .collect::<Vec<_>>()
    .join("\n")
}

/// Waits until the other end of a socket is closed.
pub(super) fn wait_for_close(end: BorrowedFd<'_>) {
    let mut byte = [0];
    while rustix::io::read(end, &mut byte) == Err(Errno::INTR) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_owner_of_a_tree_becomes_the_first_user() {
        assert_eq!(owner_map(0, 2000, 10), "0 2000 1\n1 2001 9");
        assert_eq!(
            owner_map(3, 2000, 10),
            "3 2000 1\n1 2001 2\n4 2004 6\n0 2003 1"
        );
        assert_eq!(owner_map(9, 2000, 10), "9 2000 1\n1 2001 8\n0 2009 1");
        assert_eq!(owner_map(70, 2000, 10), "70 2000 1\n1 2001 9");
    }
}
