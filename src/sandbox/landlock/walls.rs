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
use rustix::process::Resource;
use rustix::process::Rlimit;
use seccompiler::BpfProgram;
use seccompiler::SeccompAction;
use seccompiler::SeccompCmpArgLen;
use seccompiler::SeccompCmpOp;
use seccompiler::SeccompCondition;
use seccompiler::SeccompFilter;
use seccompiler::SeccompRule;

use crate::sandbox::landlock::wire::Plan;

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
    let filters = filters(plan.owner.is_none()).map_err(io::Error::other)?;
    for filter in &filters {
        seccompiler::apply_filter(filter).map_err(io::Error::other)?;
    }
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
    allowed.push((plan.private.clone(), all));
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
    libc::SYS_semget,
    libc::SYS_shmget,
    libc::SYS_mq_open,
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
];

/// The same number on all machines.
const SYS_FCHMODAT2: i64 = 452;

/// Refuses with "no such call", so that the C library takes `clone`, whose flags can be seen.
const CLONE3: i64 = libc::SYS_clone3;

/// The bit by which x86-64 tells the calls of its 32-bit pointers' sibling.
#[cfg(target_arch = "x86_64")]
const X32: i64 = 0x4000_0000;

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

fn filters(is_same_user: bool) -> Result<Vec<BpfProgram>, seccompiler::BackendError> {
    let mut rules: Rules = REFUSED.iter().map(|call| (*call, Vec::new())).collect();
    if is_same_user {
        rules.extend(BY_PATH.iter().map(|call| (*call, Vec::new())));
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
    // limits of other processes of the user's
    let others = when(0, SeccompCmpOp::Ne, 0)?;
    rules.insert(libc::SYS_prlimit64, vec![others]);
    // typing at a terminal that one only reads
    let typing = when(1, SeccompCmpOp::Eq, TIOCSTI)?;
    let console = when(1, SeccompCmpOp::Eq, TIOCLINUX)?;
    rules.insert(libc::SYS_ioctl, vec![typing, console]);
    let no_call = Rules::from([(CLONE3, Vec::new())]);
    Ok(vec![
        filter(no_call, libc::ENOSYS)?,
        filter(rules, libc::EPERM)?,
    ])
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
    #[cfg(target_arch = "x86_64")]
    let rules = {
        let siblings: Rules = rules
            .iter()
            .map(|(call, rules)| (call | X32, rules.clone()))
            .collect();
        rules.into_iter().chain(siblings).collect()
    };
    let refuse = SeccompAction::Errno(errno.cast_unsigned());
    let arch = std::env::consts::ARCH.try_into()?;
    SeccompFilter::new(rules, SeccompAction::Allow, refuse, arch)?.try_into()
}
