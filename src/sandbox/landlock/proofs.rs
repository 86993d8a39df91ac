//! What holds of the limits where there are no namespaces.

use crate::sandbox::Bound;
use crate::sandbox::Holding;
use crate::sandbox::Proof;

/// The Landlock that keeps signals in.
const WITH_SIGNALS: i32 = 6;

/// Bound by bound, for a kernel with this version of Landlock; `is_nobody` where the processes run as a user that nothing
/// else belongs to.
pub(super) fn of(version: i32, is_nobody: bool) -> Vec<Proof> {
    use Holding::Enforced;
    use Holding::NotEnforced;

    let has_signals = version >= WITH_SIGNALS || is_nobody;
    let when = |holds: bool| if holds { Enforced } else { NotEnforced };
    let told = [
        (
            Bound::Network,
            Enforced,
            "seccomp refuses every socket but pairs that reach each other only; servers on this machine fail too",
        ),
        (
            Bound::Files,
            when(is_nobody),
            if is_nobody {
                "Landlock; whether a path outside exists can be told"
            } else {
                "Landlock closes contents; whether a path outside exists can be told. Permissions, owners, attributes and \
                 times cannot be changed by path, in the sandbox neither; those of the user's own files that may be read \
                 can be, once they are open"
            },
        ),
        (
            Bound::Processes,
            NotEnforced,
            if has_signals {
                "names and arguments of other processes can be read in /proc; their memory, environment and signals are closed"
            } else {
                "names and arguments of other processes can be read, and this kernel's Landlock lets signals through (6.12 does not)"
            },
        ),
        (
            Bound::Kernel,
            Enforced,
            "all capabilities are given up and no program gives any; seccomp refuses mounts, namespaces, modules, tracing",
        ),
        (Bound::Cpu, Enforced, "RLIMIT_CPU, of each process"),
        (Bound::Wall, Enforced, "its supervisor kills it"),
        (
            Bound::Memory,
            NotEnforced,
            "RLIMIT_AS of each process; all together are looked at about ten times a second, and killed if seen above the bound",
        ),
        (
            Bound::ProcessCount,
            when(is_nobody),
            if is_nobody {
                "RLIMIT_NPROC of a user of its own"
            } else {
                "RLIMIT_NPROC counts the user's other processes too; looked at about ten times a second, and killed if seen above the bound"
            },
        ),
        (Bound::Output, Enforced, "hgview stops reading and kills"),
        (
            Bound::Disk,
            NotEnforced,
            "no quota: the folder is looked at now and then, seldomer the more is in it; one file is bounded by RLIMIT_FSIZE",
        ),
        (
            Bound::Inodes,
            NotEnforced,
            "no quota: the folder is looked at now and then, seldomer the more is in it",
        ),
        (
            Bound::CleanUp,
            when(has_signals),
            if has_signals {
                "a supervisor adopts what is left behind, and ends it when hgview is gone; another does so if it is killed \
                 itself. Only if somebody outside kills both at once what the started program had started may stay"
            } else {
                "its supervisor can be killed by what it stands above, before Linux 6.12"
            },
        ),
    ];
    told.into_iter()
        .map(|(bound, holding, why)| Proof {
            bound,
            holding,
            why: why.to_owned(),
        })
        .collect()
}
