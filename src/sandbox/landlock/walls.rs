//! What a process gives up before its program starts: files, system calls, resources. Nothing of it can be taken back.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use landlock::ABI;
use landlock::Access as _;
use landlock::AccessFs;
use landlock::LandlockStatus;
use landlock::PathBeneath;
use landlock::PathFd;
use landlock::RestrictionStatus;
use landlock::Ruleset;
use landlock::RulesetAttr as _;
use landlock::RulesetCreatedAttr as _;
use landlock::RulesetError;
use landlock::RulesetStatus;
use landlock::Scope;
use rustix::io::Errno;
use rustix::process::Resource;
use rustix::process::Rlimit;
use rustix::thread::CapabilitySet;
use seccompiler::BpfProgram;
use seccompiler::SeccompAction;
use seccompiler::SeccompCmpArgLen;
use seccompiler::SeccompCmpOp;
use seccompiler::SeccompCondition;
use seccompiler::SeccompFilter;
use seccompiler::SeccompRule;

use crate::sandbox::landlock::wire::Plan;
use crate::sandbox::namespace::lock;

/// The rules that we know and tried; older kernels hold fewer of them.
const KNOWN: ABI = ABI::V6;

/// The system's own programs, and what of `/etc` they need. Not the rest: there are secrets in it.
const READABLE: [&str; 31] = [
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/nix/store",
    "/etc/alternatives",
    "/etc/bash.bashrc",
    "/etc/bash_completion.d",
    "/etc/debian_version",
    "/etc/group",
    "/etc/host.conf",
    "/etc/hosts",
    "/etc/inputrc",
    "/etc/issue",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/locale.alias",
    "/etc/localtime",
    "/etc/magic",
    "/etc/mime.types",
    "/etc/nsswitch.conf",
    "/etc/os-release",
    "/etc/passwd",
    "/etc/profile",
    "/etc/profile.d",
    "/etc/python3",
    "/etc/ssl/certs",
    "/etc/terminfo",
];

/// Devices that hold nothing of anybody's.
const DEVICES: [&str; 7] = [
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/random",
    "/dev/urandom",
    "/dev/tty",
    "/dev/ptmx",
];

/// What the kernel can hold of it: the version of its Landlock, 0 where there is none.
pub(super) fn landlock_version() -> i32 {
    // a thread of its own: what it gives up is given up for good
    let told = std::thread::spawn(|| {
        let rules = Ruleset::default()
            .handle_access(AccessFs::MakeSym)?
            .create()?;
        rules.restrict_self()
    });
    match told.join() {
        Ok(Ok(RestrictionStatus {
            landlock:
                LandlockStatus::Available {
                    effective_abi,
                    kernel_abi,
                },
            ..
        })) => kernel_abi.unwrap_or(effective_abi as i32),
        _ => 0,
    }
}

/// Gives everything up.
///
/// # Errors
/// What the kernel refuses.
pub(super) fn close_in(plan: &Plan) -> io::Result<()> {
    limit(plan)?;
    let status = restrict_files(plan).map_err(io::Error::other)?;
    if status.ruleset == RulesetStatus::NotEnforced {
        return Err(io::Error::other("this kernel has no Landlock"));
    }
    drop_rights()?;
    let filters = filters(plan.owner.is_none()).map_err(io::Error::other)?;
    for filter in &filters {
        seccompiler::apply_filter(filter).map_err(io::Error::other)?;
    }
    Ok(())
}

/// No rights are left, nor any way to get them back.
fn drop_rights() -> io::Result<()> {
    match lock::empty_bounding_set() {
        // without the right to empty it: the next lines leave nothing to gain from it
        Ok(()) | Err(Errno::PERM) => {}
        Err(errno) => return Err(errno.into()),
    }
    rustix::thread::set_no_new_privs(true)?;
    match rustix::thread::clear_ambient_capability_set() {
        // a kernel without such a set
        Ok(()) | Err(Errno::INVAL) => {}
        Err(errno) => return Err(errno.into()),
    }
    lock::hold(CapabilitySet::empty(), CapabilitySet::empty())?;
    Ok(())
}

/// Resources, never above what is allowed already.
fn limit(plan: &Plan) -> io::Result<()> {
    let processes = match plan.owner {
        // nobody else is this user
        Some(_) => plan.processes,
        None => plan.processes.saturating_add(processes_of_user()),
    };
    let limits = [
        (Resource::Cpu, plan.cpu_secs.max(1)),
        (Resource::As, plan.memory),
        (Resource::Nproc, processes),
        (Resource::Fsize, plan.file),
        (Resource::Nofile, 4096),
        (Resource::Core, 0),
    ];
    for (resource, most) in limits {
        let now = rustix::process::getrlimit(resource);
        let most = now.maximum.map_or(most, |hard| most.min(hard));
        let limit = Rlimit {
            current: Some(most),
            maximum: Some(most),
        };
        rustix::process::setrlimit(resource, limit)?;
    }
    Ok(())
}

/// Processes and threads that the user of hgview has already: the kernel counts them along.
fn processes_of_user() -> u64 {
    use std::os::unix::fs::MetadataExt as _;

    let me = rustix::process::getuid().as_raw();
    let all = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let threads = |entry: std::fs::DirEntry| {
        let is_number = entry.file_name().to_str()?.parse::<u32>().is_ok();
        let is_mine = entry.metadata().ok()?.uid() == me;
        let count = || std::fs::read_dir(entry.path().join("task")).ok();
        (is_number && is_mine).then(count)?.map(Iterator::count)
    };
    all.filter_map(threads).map(|count| count as u64).sum()
}

fn restrict_files(plan: &Plan) -> Result<RestrictionStatus, RulesetError> {
    let all = AccessFs::from_all(KNOWN);
    // devices are the machine's, wherever they are made
    let own = all & !(AccessFs::MakeChar | AccessFs::MakeBlock);
    let read = AccessFs::from_read(KNOWN);
    let device = AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::IoctlDev;
    let mut rules = Ruleset::default()
        .handle_access(all)?
        .scope(Scope::from_all(KNOWN))?
        .create()?;
    let mut allowed: Vec<(PathBuf, _)> = READABLE
        .iter()
        .map(|path| (PathBuf::from(path), read))
        .collect();
    allowed.extend(plan.readable.iter().map(|path| (path.clone(), read)));
    // programs look for themselves there; what is another's is guarded by the kernel, but for names and arguments
    allowed.push((
        PathBuf::from("/proc"),
        AccessFs::ReadFile | AccessFs::ReadDir,
    ));
    allowed.extend(DEVICES.iter().map(|path| (PathBuf::from(path), device)));
    allowed.extend(plan.terminal.iter().map(|path| (path.clone(), device)));
    allowed.push((plan.private.clone(), own));
    for (path, access) in allowed {
        let Ok(fd) = PathFd::new(&path) else {
            continue; // not every system has all of them
        };
        let access = if path.is_dir() {
            access
        } else {
            access & AccessFs::from_file(KNOWN)
        };
        rules = rules.add_rule(PathBeneath::new(fd, access))?;
    }
    rules.restrict_self()
}

/// System calls that are refused whatever their arguments: ways to the network, into other processes, into the kernel.
const REFUSED: &[i64] = &[
    libc::SYS_socket,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_kcmp,
    libc::SYS_pidfd_getfd,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_adjtimex,
    libc::SYS_clock_adjtime,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_syslog,
    libc::SYS_open_by_handle_at,
    libc::SYS_name_to_handle_at,
    libc::SYS_fanotify_init,
    libc::SYS_fanotify_mark,
    libc::SYS_msgget,
    libc::SYS_msgsnd,
    libc::SYS_msgrcv,
    libc::SYS_msgctl,
    libc::SYS_semget,
    libc::SYS_semop,
    libc::SYS_semtimedop,
    libc::SYS_semctl,
    libc::SYS_shmget,
    libc::SYS_shmat,
    libc::SYS_shmdt,
    libc::SYS_shmctl,
    libc::SYS_mq_open,
    libc::SYS_mq_unlink,
    libc::SYS_mq_timedsend,
    libc::SYS_mq_timedreceive,
    libc::SYS_mq_notify,
    libc::SYS_mq_getsetattr,
    libc::SYS_migrate_pages,
    libc::SYS_memfd_secret,
    SYS_STATMOUNT,
    SYS_LISTMOUNT,
    SYS_OPEN_TREE_ATTR,
    SYS_SETXATTRAT,
    SYS_REMOVEXATTRAT,
    SYS_FILE_SETATTR,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_iopl,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_ioperm,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_modify_ldt,
];

/// Landlock does not govern them: by path they reach every file that belongs to the same user.
const BY_PATH: &[i64] = &[
    #[cfg(target_arch = "x86_64")]
    libc::SYS_chmod,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_chown,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_lchown,
    libc::SYS_fchmodat,
    SYS_FCHMODAT2,
    libc::SYS_fchownat,
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_removexattr,
    libc::SYS_lremovexattr,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_utime,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_utimes,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_futimesat,
];

// The same numbers on all machines.
const SYS_FCHMODAT2: i64 = 452;
const SYS_STATMOUNT: i64 = 457;
const SYS_LISTMOUNT: i64 = 458;
const SYS_SETXATTRAT: i64 = 463;
const SYS_REMOVEXATTRAT: i64 = 466;
const SYS_OPEN_TREE_ATTR: i64 = 467;
const SYS_FILE_SETATTR: i64 = 469;

/// Refused with "no such call", so that programs go another way: the C library takes `clone`, whose flags can be seen,
/// and who waits for changes of files looks for them.
const MISSING: &[i64] = &[
    libc::SYS_clone3,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_inotify_init,
    libc::SYS_inotify_init1,
];

/// Calls that change how another process runs, and the argument that names it: 0 is the caller.
const OF_OTHERS: &[(i64, u8)] = &[
    (libc::SYS_prlimit64, 0),
    (libc::SYS_sched_setaffinity, 0),
    (libc::SYS_sched_setattr, 0),
    (libc::SYS_sched_setparam, 0),
    (libc::SYS_sched_setscheduler, 0),
    (libc::SYS_move_pages, 0),
    (libc::SYS_setpriority, 1),
    (libc::SYS_ioprio_set, 1),
];

/// … where the first argument says that all of a user's are meant.
const OF_USERS: &[(i64, u64)] = &[
    (libc::SYS_setpriority, libc::PRIO_USER as u64),
    (libc::SYS_ioprio_set, IOPRIO_WHO_USER),
];
const IOPRIO_WHO_USER: u64 = 3;

/// Calls that make files of every kind, and the argument that says which.
const MAKE_FILE: &[(i64, u8)] = &[
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_mknod, 1),
    (libc::SYS_mknodat, 2),
];

/// The bits of a socket's type that say how it speaks.
const SOCKET_TYPE: u64 = 0xf;
/// A pair of these reaches each other and nobody else: datagrams could be sent to any address.
const PAIRS: [libc::c_int; 2] = [libc::SOCK_STREAM, libc::SOCK_SEQPACKET];

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

fn filters(is_same_user: bool) -> Result<Vec<BpfProgram>, seccompiler::BackendError> {
    let mut rules: Rules = REFUSED.iter().map(|call| (*call, Vec::new())).collect();
    if is_same_user {
        rules.extend(BY_PATH.iter().map(|call| (*call, Vec::new())));
        // without a path it is about a file that is open
        let condition = SeccompCondition::new(1, SeccompCmpArgLen::Qword, SeccompCmpOp::Ne, 0)?;
        let by_path = SeccompRule::new(vec![condition])?;
        rules.insert(libc::SYS_utimensat, vec![by_path]);
    }
    let new_namespaces = libc::CLONE_NEWUSER
        | libc::CLONE_NEWNS
        | libc::CLONE_NEWPID
        | libc::CLONE_NEWNET
        | libc::CLONE_NEWIPC
        | libc::CLONE_NEWUTS
        | libc::CLONE_NEWCGROUP;
    let mut clones = Vec::new();
    for bit in 0..u32::BITS {
        let flag = 1_u64 << bit;
        if u64::from(new_namespaces.cast_unsigned()) & flag != 0 {
            clones.push(when(0, SeccompCmpOp::MaskedEq(flag), flag)?);
        }
    }
    rules.insert(libc::SYS_clone, clones);
    for (call, argument) in OF_OTHERS {
        rules.insert(*call, vec![when(*argument, SeccompCmpOp::Ne, 0)?]);
    }
    for (call, users) in OF_USERS {
        let all = when(0, SeccompCmpOp::Eq, *users)?;
        rules.entry(*call).or_default().push(all);
    }
    for (call, argument) in MAKE_FILE {
        let kind = SeccompCmpOp::MaskedEq(u64::from(libc::S_IFMT));
        let characters = when(*argument, kind.clone(), u64::from(libc::S_IFCHR))?;
        let blocks = when(*argument, kind, u64::from(libc::S_IFBLK))?;
        rules.insert(*call, vec![characters, blocks]);
    }
    rules.insert(libc::SYS_socketpair, other_pairs()?);
    // typing at a terminal that one only reads
    let typing = when(1, SeccompCmpOp::Eq, TIOCSTI)?;
    let console = when(1, SeccompCmpOp::Eq, TIOCLINUX)?;
    rules.insert(libc::SYS_ioctl, vec![typing, console]);
    let missing = MISSING.iter().map(|call| (*call, Vec::new())).collect();
    Ok(vec![
        filter(missing, libc::ENOSYS)?,
        filter(rules, libc::EPERM)?,
        #[cfg(target_arch = "x86_64")]
        lock::no_second_numbers(),
    ])
}

/// Every pair of sockets but the harmless ones.
fn other_pairs() -> Result<Vec<SeccompRule>, seccompiler::BackendError> {
    let local = u64::from(libc::AF_UNIX.cast_unsigned());
    let mut refused = vec![when(0, SeccompCmpOp::Ne, local)?];
    let harmless = PAIRS.map(|kind| u64::from(kind.cast_unsigned()));
    for kind in (0..=SOCKET_TYPE).filter(|kind| !harmless.contains(kind)) {
        refused.push(when(1, SeccompCmpOp::MaskedEq(SOCKET_TYPE), kind)?);
    }
    Ok(refused)
}

const TIOCSTI: u64 = 0x5412;
const TIOCLINUX: u64 = 0x541c;

fn when(
    argument: u8,
    how: SeccompCmpOp,
    value: u64,
) -> Result<SeccompRule, seccompiler::BackendError> {
    let condition = SeccompCondition::new(argument, SeccompCmpArgLen::Dword, how, value)?;
    SeccompRule::new(vec![condition])
}

fn filter(rules: Rules, errno: i32) -> Result<BpfProgram, seccompiler::BackendError> {
    let refuse = SeccompAction::Errno(errno.cast_unsigned());
    let arch = std::env::consts::ARCH.try_into()?;
    SeccompFilter::new(rules, SeccompAction::Allow, refuse, arch)?.try_into()
}
