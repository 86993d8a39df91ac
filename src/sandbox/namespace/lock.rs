//! Gives up, for good and for all later processes, what a sandbox's processes may not do.

use std::collections::BTreeMap;
use std::io;

use landlock::ABI;
use landlock::Access as _;
use landlock::AccessFs;
use landlock::CompatLevel;
use landlock::Compatible as _;
use landlock::PathBeneath;
use landlock::PathFd;
use landlock::Ruleset;
use landlock::RulesetAttr as _;
use landlock::RulesetCreated;
use landlock::RulesetCreatedAttr as _;
use landlock::RulesetError;
use landlock::RulesetStatus;
use landlock::Scope;
use rustix::io::Errno;
use rustix::process::DumpableBehavior;
use rustix::process::Resource;
use rustix::process::Rlimit;
use rustix::thread::CapabilitiesSecureBits;
use rustix::thread::CapabilitySet;
use rustix::thread::CapabilitySets;
use seccompiler::SeccompAction;
use seccompiler::SeccompCmpArgLen;
use seccompiler::SeccompCmpOp;
use seccompiler::SeccompCondition;
use seccompiler::SeccompFilter;
use seccompiler::SeccompRule;
use seccompiler::sock_filter;

use crate::sandbox::namespace::root::Stand;
use crate::sandbox::namespace::watch::refused;
use crate::sandbox::namespace::wire::Bounds;
use crate::sandbox::namespace::wire::Config;
use crate::sandbox::namespace::wire::Failure;
use crate::sandbox::namespace::wire::Step;

/// The newest Landlock that we know; an older kernel does what it can.
const LANDLOCK: ABI = ABI::V6;
/// Open files of one process, if this machine allows so many.
const OPEN_FILES: u64 = 4096;

/// Locks this process and all that it starts; says how far Landlock holds.
pub(super) fn lock(config: &Config, stand: &Stand) -> Result<String, Failure> {
    let landlock = restrict_paths(config, stand).map_err(|err| Failure {
        step: Step::Lock,
        errno: 0,
        what: format!("Landlock: {err}"),
    })?;
    drop_rights().map_err(refused(Step::Lock, "cannot give up rights"))?;
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .map_err(refused(Step::Lock, "cannot hide the memory"))?;
    // This process writes files too, and a signal that it ignores leaves an error that it can tell.
    limit(Resource::Fsize, config.bounds.file).ok();
    filter_calls().map_err(|err| Failure {
        step: Step::Lock,
        errno: 0,
        what: format!("seccomp: {err}"),
    })?;
    Ok(landlock)
}

/// No rights are left that another program could get. This process keeps one in reserve: to read what it shows to
/// hgview whatever its permission bits are ([`may_read_all`]).
fn drop_rights() -> rustix::io::Result<()> {
    use CapabilitiesSecureBits as Bits;
    let bits = Bits::NO_ROOT
        | Bits::NO_ROOT_LOCKED
        | Bits::NO_SETUID_FIXUP
        | Bits::NO_SETUID_FIXUP_LOCKED
        | Bits::NO_CAP_AMBIENT_RAISE
        | Bits::NO_CAP_AMBIENT_RAISE_LOCKED;
    empty_bounding_set()?;
    rustix::thread::set_capabilities_secure_bits(bits)?;
    hold(CapabilitySet::empty(), CapabilitySet::DAC_READ_SEARCH)?;
    rustix::thread::set_no_new_privs(true)
}

/// No program that is started from here on can get a right from its file.
pub(in crate::sandbox) fn empty_bounding_set() -> rustix::io::Result<()> {
    for bit in 0..64 {
        let right = CapabilitySet::from_bits_retain(1 << bit);
        match rustix::thread::remove_capability_from_bounding_set(right) {
            Ok(()) => {}
            // The kernel knows no such right.
            Err(Errno::INVAL) => break,
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

/// Gives up every right but these, and all that a started program would inherit.
pub(in crate::sandbox) fn hold(
    effective: CapabilitySet,
    permitted: CapabilitySet,
) -> rustix::io::Result<()> {
    let sets = CapabilitySets {
        effective,
        permitted,
        inheritable: CapabilitySet::empty(),
    };
    rustix::thread::set_capabilities(None, sets)
}

/// Lets this process read every file of the sandbox, or no more than its permission bits allow.
pub(super) fn may_read_all(may: bool) -> rustix::io::Result<()> {
    let right = CapabilitySet::DAC_READ_SEARCH;
    hold(if may { right } else { CapabilitySet::empty() }, right)
}

/// Bounds a process that is about to run a program, and takes the last right from it.
pub(super) fn lock_child(bounds: Bounds) -> rustix::io::Result<()> {
    hold(CapabilitySet::empty(), CapabilitySet::empty())?;
    limit(Resource::Core, 0)?;
    limit(Resource::Fsize, bounds.file)?;
    limit(Resource::Nofile, OPEN_FILES)?;
    limit(Resource::Nproc, bounds.processes)?;
    limit(Resource::As, bounds.memory)?;
    let now = rustix::process::getrlimit(Resource::Cpu);
    // A second later than the signal that can be caught comes the one that cannot.
    let soft = now
        .maximum
        .map_or(bounds.cpu_secs, |most| most.min(bounds.cpu_secs));
    let hard = now.maximum.map_or(soft + 1, |most| most.min(soft + 1));
    let both = Rlimit {
        current: Some(soft),
        maximum: Some(hard),
    };
    rustix::process::setrlimit(Resource::Cpu, both)
}

/// Sets both limits, to what this machine allows at most.
fn limit(resource: Resource, value: u64) -> rustix::io::Result<()> {
    let now = rustix::process::getrlimit(resource);
    let value = now.maximum.map_or(value, |most| most.min(value));
    let both = Rlimit {
        current: Some(value),
        maximum: Some(value),
    };
    rustix::process::setrlimit(resource, both)
}

/// A second wall behind the mounts: only the sandbox's own folders can be changed.
fn restrict_paths(config: &Config, stand: &Stand) -> Result<String, RulesetError> {
    let all = AccessFs::from_all(LANDLOCK);
    let read = AccessFs::from_read(LANDLOCK);
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(all)?
        .scope(Scope::from_all(LANDLOCK))?
        .create()?;
    let root = if config.rootfs.is_some() { all } else { read };
    rules = allow(rules, "/", root)?;
    rules = allow(rules, "/dev", all)?;
    let own = ["/tmp", config.home.as_str()];
    for path in own
        .into_iter()
        .chain(stand.places.iter().map(|place| place.at.as_str()))
    {
        rules = allow(rules, path, all)?;
    }
    // What this process reads for hgview; no path leads there.
    rules = rules.add_rule(PathBeneath::new(&stand.store, read))?;
    for lower in stand.places.iter().filter_map(|place| place.lower.as_ref()) {
        rules = rules.add_rule(PathBeneath::new(lower, read))?;
    }
    let status = rules.restrict_self()?;
    let words = match status.ruleset {
        RulesetStatus::FullyEnforced => "fully",
        RulesetStatus::PartiallyEnforced => "partly",
        RulesetStatus::NotEnforced => "not",
    };
    Ok(words.to_owned())
}

fn allow(
    rules: RulesetCreated,
    path: &str,
    access: impl Into<landlock::BitFlags<AccessFs>>,
) -> Result<RulesetCreated, RulesetError> {
    match PathFd::new(path) {
        Ok(opened) => rules.add_rule(PathBeneath::new(opened, access)),
        // A folder that an image does not have.
        Err(_) => Ok(rules),
    }
}

/// Calls that nothing in a sandbox needs: other roots, other namespaces, other processes' memory, the kernel's own state.
const DENIED: &[libc::c_long] = &[
    libc::SYS_acct,
    libc::SYS_add_key,
    libc::SYS_bpf,
    libc::SYS_chroot,
    libc::SYS_clock_adjtime,
    libc::SYS_clock_settime,
    libc::SYS_delete_module,
    libc::SYS_fanotify_init,
    libc::SYS_finit_module,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fsopen,
    libc::SYS_fspick,
    libc::SYS_init_module,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_io_uring_setup,
    libc::SYS_kcmp,
    libc::SYS_kexec_file_load,
    libc::SYS_kexec_load,
    libc::SYS_keyctl,
    libc::SYS_lookup_dcookie,
    libc::SYS_memfd_secret,
    libc::SYS_mount,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_name_to_handle_at,
    libc::SYS_nfsservctl,
    libc::SYS_open_by_handle_at,
    libc::SYS_open_tree,
    libc::SYS_perf_event_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pivot_root,
    libc::SYS_process_madvise,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_ptrace,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_reboot,
    libc::SYS_request_key,
    libc::SYS_setdomainname,
    libc::SYS_sethostname,
    libc::SYS_setns,
    libc::SYS_settimeofday,
    libc::SYS_swapoff,
    libc::SYS_swapon,
    libc::SYS_syslog,
    libc::SYS_umount2,
    libc::SYS_unshare,
    libc::SYS_userfaultfd,
    libc::SYS_vhangup,
    SYS_STATMOUNT,
    SYS_LISTMOUNT,
    SYS_OPEN_TREE_ATTR,
];

// The same numbers on all machines.
const SYS_STATMOUNT: libc::c_long = 457;
const SYS_LISTMOUNT: libc::c_long = 458;
const SYS_OPEN_TREE_ATTR: libc::c_long = 467;

/// … that only this kind of machine has.
#[cfg(target_arch = "x86_64")]
const DENIED_HERE: &[libc::c_long] = &[
    libc::SYS_ioperm,
    libc::SYS_iopl,
    libc::SYS_modify_ldt,
    libc::SYS_uselib,
    libc::SYS_ustat,
    libc::SYS__sysctl,
];
#[cfg(not(target_arch = "x86_64"))]
const DENIED_HERE: &[libc::c_long] = &[];

/// Namespaces that `clone` must not make.
const NEW_NAMESPACES: [libc::c_int; 7] = [
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWNET,
    libc::CLONE_NEWNS,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWUTS,
];

/// The sockets that there are: of the sandbox itself, and of its loopback interface.
const SOCKETS: [libc::c_int; 3] = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6];

/// Requests that put words into somebody else's terminal.
const TYPING: [libc::c_ulong; 2] = [libc::TIOCSTI, libc::TIOCLINUX];

fn filter_calls() -> Result<(), Box<dyn std::error::Error>> {
    let arch = std::env::consts::ARCH.try_into()?;
    let mut denied: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
    for call in DENIED.iter().chain(DENIED_HERE) {
        denied.insert(*call, Vec::new());
    }
    let mut clones = Vec::new();
    for flag in NEW_NAMESPACES {
        let flag = u64::from(flag.cast_unsigned());
        let set = SeccompCmpOp::MaskedEq(flag);
        clones.push(SeccompRule::new(vec![condition(0, set, flag)?])?);
    }
    denied.insert(libc::SYS_clone, clones);
    let mut others = Vec::new();
    for family in SOCKETS {
        others.push(condition(
            0,
            SeccompCmpOp::Ne,
            u64::from(family.cast_unsigned()),
        )?);
    }
    denied.insert(libc::SYS_socket, vec![SeccompRule::new(others)?]);
    let mut typing = Vec::new();
    for request in TYPING {
        typing.push(SeccompRule::new(vec![condition(
            1,
            SeccompCmpOp::Eq,
            request,
        )?])?);
    }
    denied.insert(libc::SYS_ioctl, typing);
    let refuse = SeccompAction::Errno(errno(Errno::PERM));
    apply(&SeccompFilter::new(denied, SeccompAction::Allow, refuse, arch)?.try_into()?)?;
    // Libraries that meet a kernel without it use `clone`, whose flags can be looked at.
    let missing = BTreeMap::from([(libc::SYS_clone3, Vec::new())]);
    let refuse = SeccompAction::Errno(errno(Errno::NOSYS));
    apply(&SeccompFilter::new(missing, SeccompAction::Allow, refuse, arch)?.try_into()?)?;
    #[cfg(target_arch = "x86_64")]
    apply(&no_second_numbers())?;
    Ok(())
}

fn apply(program: &seccompiler::BpfProgram) -> Result<(), seccompiler::Error> {
    seccompiler::apply_filter(program)
}

fn condition(
    argument: u8,
    op: SeccompCmpOp,
    value: u64,
) -> Result<SeccompCondition, seccompiler::BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, op, value)
}

fn errno(errno: Errno) -> u32 {
    errno.raw_os_error().cast_unsigned()
}

/// Denies the second set of numbers that x86-64 kernels may have for every call: the rules above do not see them.
#[cfg(target_arch = "x86_64")]
pub(in crate::sandbox) fn no_second_numbers() -> seccompiler::BpfProgram {
    const LOAD: u16 = 0x20;
    const JUMP_IF_AT_LEAST: u16 = 0x35;
    const RETURN: u16 = 0x06;
    const REFUSE: u32 = 0x0005_0000;
    const ALLOW: u32 = 0x7fff_0000;
    let step = |code, jt, jf, k| sock_filter { code, jt, jf, k };
    vec![
        step(LOAD, 0, 0, 0),
        step(JUMP_IF_AT_LEAST, 0, 1, 0x4000_0000),
        step(RETURN, 0, 0, REFUSE | errno(Errno::NOSYS)),
        step(RETURN, 0, 0, ALLOW),
    ]
}

/// What a signal of the kernel's about a bound means, if it is one.
pub(super) fn bound_of(signal: i32) -> Option<&'static str> {
    match signal {
        libc::SIGXCPU => Some("processor time"),
        libc::SIGXFSZ => Some("the size of one file"),
        _ => None,
    }
}

/// The error of the kernel's behind an error of the standard library.
pub(super) fn errno_of(err: &io::Error) -> i32 {
    err.raw_os_error().unwrap_or(libc::EIO)
}
