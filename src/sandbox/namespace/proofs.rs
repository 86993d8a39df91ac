//! What is known of each bound of a sandbox, from what the kernel answered when it was started.

use crate::sandbox::Bound;
use crate::sandbox::Holding;
use crate::sandbox::Proof;
use crate::sandbox::namespace::wire::Attempt;
use crate::sandbox::namespace::wire::Config;
use crate::sandbox::namespace::wire::Facts;
use crate::text::human;

/// The bounds in their order.
pub(super) fn proofs(facts: &Facts, config: &Config, output: u64) -> Vec<Proof> {
    let prove = |bound| {
        let (holding, why) = proof(bound, facts, config, output);
        Proof {
            bound,
            holding,
            why,
        }
    };
    Bound::ALL.into_iter().map(prove).collect()
}

fn held(holds: bool, by: impl Into<String>, not: impl Into<String>) -> (Holding, String) {
    if holds {
        (Holding::Enforced, by.into())
    } else {
        (Holding::NotEnforced, not.into())
    }
}

fn proof(bound: Bound, facts: &Facts, config: &Config, output: u64) -> (Holding, String) {
    let bounds = config.bounds;
    match bound {
        Bound::Network => held(
            facts.interfaces.is_empty() && !facts.possible.contains(&Attempt::OddSocket),
            "a network of its own with nothing but its loopback; no other sockets",
            format!("interfaces: {}", facts.interfaces.join(" ")),
        ),
        Bound::Files => held(
            !facts.possible.contains(&Attempt::Mount),
            format!(
                "a root of its own, mounts are refused; Landlock holds {}",
                facts.landlock
            ),
            "mounts are not refused",
        ),
        Bound::Processes => held(
            facts.processes == 1,
            "process numbers of its own: it began with one process",
            format!("it sees {} processes", facts.processes),
        ),
        Bound::Kernel => held(
            !facts.possible.contains(&Attempt::Setting)
                && facts.is_without_new_rights
                && has_no_rights(&facts.rights),
            "settings are read-only, no rights can be gained, calls are filtered",
            format!("rights: {}", facts.rights),
        ),
        Bound::Cpu => held(
            true,
            format!(
                "each process is killed after {} s (RLIMIT_CPU)",
                bounds.cpu_secs
            ),
            "",
        ),
        Bound::Wall => held(
            true,
            "killed from outside when its time is over".to_owned(),
            "",
        ),
        Bound::Memory => (
            Holding::NotEnforced,
            format!(
                "{} for each process (RLIMIT_AS); all together are looked at about ten times a second, and the largest killed \
                 if seen above it",
                human::bytes(bounds.memory)
            ),
        ),
        Bound::ProcessCount => process_count(facts, config),
        Bound::Output => held(
            true,
            format!(
                "a process that writes more than {} is killed",
                human::bytes(output)
            ),
            "",
        ),
        Bound::Disk => held(
            facts.disk <= bounds.disk.next_multiple_of(PAGE),
            format!(
                "all that is written lies in {} of memory",
                human::bytes(facts.disk)
            ),
            format!("the kernel gave {}", human::bytes(facts.disk)),
        ),
        Bound::Inodes => held(
            facts.inodes < bounds.inodes.saturating_add(SPARE),
            format!("the file system has room for {} files", facts.inodes),
            format!("the kernel gave {}", facts.inodes),
        ),
        Bound::CleanUp => held(
            true,
            "the first process dies when hgview does, and all others with it".to_owned(),
            "",
        ),
    }
}

/// The size of a page, in which file systems count.
const PAGE: u64 = 4096;
/// Files that a sandbox itself needs.
const SPARE: u64 = 256;

fn has_no_rights(rights: &str) -> bool {
    !rights.is_empty() && rights.chars().all(|digit| digit == '0')
}

fn process_count(facts: &Facts, config: &Config) -> (Holding, String) {
    let most = config.bounds.processes;
    let numbers = match facts.most_pid {
        Some(most_pid) if most_pid <= most.saturating_add(1024) => {
            format!("; process numbers end at {most_pid}")
        }
        _ => String::new(),
    };
    let by = format!("{most} of its user (RLIMIT_NPROC){numbers}");
    (Holding::Enforced, by)
}
