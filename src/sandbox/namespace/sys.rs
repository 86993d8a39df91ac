//! The few system calls that no crate of ours offers without `unsafe`: forks, signals and the attributes of mounts.
//!
//! The functions that fork are called only in the process that [`crate::sandbox::enter`] runs, which has one thread.

#![expect(
    unsafe_code,
    reason = "fork, clone, signal, close_range, mount_setattr and one ioctl exist as raw calls only"
)]

use std::io;
use std::os::fd::AsRawFd as _;
use std::os::fd::BorrowedFd;

/// A process number, or nothing in the child.
pub(in crate::sandbox) type Forked = Option<i32>;

/// The namespaces of a sandbox: everything that the kernel can hide.
const ALL_NAMESPACES: libc::c_int = libc::CLONE_NEWUSER
    | libc::CLONE_NEWNS
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWCGROUP;

/// Forks.
pub(in crate::sandbox) fn fork() -> io::Result<Forked> {
    // SAFETY: the process has one thread, so the child is a full copy of it and may do what the parent may.
    let pid = unsafe { libc::fork() };
    forked(i64::from(pid))
}

/// Forks into new namespaces of every kind; the child is the first process of the one of processes.
pub(super) fn fork_into_namespaces() -> io::Result<Forked> {
    clone(ALL_NAMESPACES)
}

/// Forks into a new user namespace and nothing else.
pub(super) fn fork_into_user_namespace() -> io::Result<Forked> {
    clone(libc::CLONE_NEWUSER)
}

fn clone(flags: libc::c_int) -> io::Result<Forked> {
    let flags = libc::c_long::from(flags | libc::SIGCHLD);
    // SAFETY: without CLONE_VM and with no stack of its own the child is a copy of this process, as after `fork`; the
    // process has one thread, so that no lock is held by a thread that the child lacks.
    let pid = unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) };
    forked(pid)
}

fn forked(pid: i64) -> io::Result<Forked> {
    match pid {
        0 => Ok(None),
        pid if pid > 0 => Ok(i32::try_from(pid).ok()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Ends the process at once, without anything that runs at exit: that belongs to the process that was forked.
pub(super) fn exit_now(code: i32) -> ! {
    // SAFETY: takes a number and does not return.
    unsafe { libc::_exit(code) }
}

/// Lets all signals do what they do by themselves, for a process that is about to run another program: what whoever started
/// hgview ignored (`nohup`, a script's `&`) would be ignored there too, an interrupt from the terminal among it.
pub(in crate::sandbox) fn heed_signals() {
    const LAST: libc::c_int = 31;
    for signal in 1..=LAST {
        // SAFETY: takes numbers, and no handler. Where that is not allowed (KILL, STOP) nothing happens.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
}

/// Closes every descriptor from `first` on.
pub(super) fn close_from(first: u32) -> io::Result<()> {
    close_range(first, 0)
}

/// Lets every descriptor from `first` on be closed when another program is run.
pub(in crate::sandbox) fn close_at_exec_from(first: u32) -> io::Result<()> {
    close_range(first, libc::CLOSE_RANGE_CLOEXEC)
}

fn close_range(first: u32, flags: libc::c_uint) -> io::Result<()> {
    // SAFETY: takes numbers only. Nobody here uses a descriptor that was closed: the callers do this before they open
    // any, or only mark them.
    let done = unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, flags) };
    checked(done)
}

/// Shows the files of the mount `tree` with the owners that `users`, a user namespace, gives them.
pub(super) fn map_owners(tree: BorrowedFd<'_>, users: BorrowedFd<'_>) -> io::Result<()> {
    let attr = libc::mount_attr {
        attr_set: libc::MOUNT_ATTR_IDMAP,
        attr_clr: 0,
        propagation: 0,
        userns_fd: u64::try_from(users.as_raw_fd()).unwrap_or(u64::MAX),
    };
    mount_setattr(tree, 0, &attr)
}

/// Makes the mount at `place` read-only, without devices and set-uid programs; with `all`, those below it too.
pub(super) fn restrict_mount(place: BorrowedFd<'_>, all: bool) -> io::Result<()> {
    let attr = libc::mount_attr {
        attr_set: libc::MOUNT_ATTR_RDONLY | libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV,
        attr_clr: 0,
        propagation: 0,
        userns_fd: 0,
    };
    let recursive = if all { libc::AT_RECURSIVE } else { 0 };
    mount_setattr(place, recursive, &attr)
}

fn mount_setattr(
    place: BorrowedFd<'_>,
    flags: libc::c_int,
    attr: &libc::mount_attr,
) -> io::Result<()> {
    // SAFETY: the path is an empty string that ends in NUL, `attr` is a whole `mount_attr` of the size that is passed;
    // the call keeps neither.
    let done = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            place.as_raw_fd(),
            c"".as_ptr(),
            flags | libc::AT_EMPTY_PATH,
            std::ptr::from_ref(attr),
            size_of::<libc::mount_attr>(),
        )
    };
    checked(done)
}

/// Brings up the loopback interface of this network namespace; `socket` is any internet socket in it.
pub(super) fn bring_up_loopback(socket: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: all of its fields are numbers, or arrays of them, for which zero is a value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(c"lo".to_bytes()) {
        *to = libc::c_char::from_ne_bytes([*from]);
    }
    let flags = libc::IFF_UP | libc::IFF_RUNNING;
    request.ifr_ifru.ifru_flags = libc::c_short::try_from(flags).unwrap_or(libc::c_short::MAX);
    // SAFETY: SIOCSIFFLAGS reads an `ifreq` and keeps nothing of it.
    let done = unsafe {
        libc::ioctl(
            socket.as_raw_fd(),
            libc::SIOCSIFFLAGS,
            std::ptr::from_ref(&request),
        )
    };
    checked(i64::from(done))
}

fn checked(done: i64) -> io::Result<()> {
    if done < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}
