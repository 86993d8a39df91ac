//! What holds of the limits of a container, by asking it rather than by what its engine was told.

use crate::sandbox::Bound;
use crate::sandbox::Holding;
use crate::sandbox::Limits;
use crate::sandbox::Proof;
use crate::sandbox::engine::container::Container;

/// Reads, with nothing but the shell, which bounds its control group has, who it is, and what it may.
const ASK: &str = r#"
one() { for f in "$@"; do if [ -r "$f" ] && read -r x <"$f"; then echo "$x"; return; fi; done; echo -; }
one /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes
one /sys/fs/cgroup/pids.max /sys/fs/cgroup/pids/pids.max
while read -r a b c d; do case $a in CapEff:|CapBnd:|NoNewPrivs:|Seccomp:) echo "$a$b";; esac; done </proc/self/status
while read -r a b; do case $a in Inter-*|face*) echo nets;; lo:*) ;; *:*) echo "net ${a%%:*}";; esac; done </proc/self/net/dev
while read -r a b c d e; do case "$a $b $c" in 'Max cpu time') echo "cpu $d";; esac; done </proc/self/limits
if (: >/proc/sys/kernel/core_pattern) 2>/dev/null; then echo core; fi
"#;

/// Bound by bound.
pub(super) fn of(container: &Container, limits: &Limits) -> Vec<Proof> {
    let said = container
        .say(&format!("{}{ASK}", container.bound_shell()), &[])
        .map_or(String::new(), |(said, _)| said);
    let lines: Vec<&str> = said.lines().collect();
    let at = |place: usize| lines.get(place).copied().unwrap_or("-");
    let has = |line: &str| lines.contains(&line);
    let is_bare = has("CapEff:0000000000000000") && has("CapBnd:0000000000000000");
    let has_walls = is_bare && has("NoNewPrivs:1") && has("Seccomp:2");
    let has_net = lines.iter().any(|line| line.starts_with("net "));
    let (memory, memory_why) = bound_of(at(0), limits.memory, "memory");
    let (count, count_why) = bound_of(at(1), limits.processes.saturating_add(2), "pids");
    let cpu = lines.iter().find_map(|line| line.strip_prefix("cpu "));
    let has_cpu = cpu
        .and_then(|seconds| seconds.parse().ok())
        .is_some_and(|seconds: u64| seconds <= limits.cpu.as_secs().max(1));
    let when = |holds: bool| {
        if holds {
            Holding::Enforced
        } else {
            Holding::Unknown
        }
    };
    let kernel = if has("core") {
        (
            Holding::NotEnforced,
            "settings of the kernel can be written",
        )
    } else if has_walls {
        (
            Holding::Enforced,
            "no capabilities, no new privileges, the engine's seccomp",
        )
    } else {
        (
            Holding::Unknown,
            "it does not say that it has no capabilities and a seccomp filter",
        )
    };
    let told = [
        (
            Bound::Network,
            if has_net { Holding::NotEnforced } else { when(has("nets")) },
            if has_net { "it has an interface" } else { "a network of its own, without interfaces" }.to_owned(),
        ),
        (Bound::Files, Holding::Enforced, "nothing is mounted into it".to_owned()),
        (Bound::Processes, Holding::Enforced, "a process namespace of its own".to_owned()),
        (Bound::Kernel, kernel.0, kernel.1.to_owned()),
        (Bound::Cpu, when(has_cpu), "RLIMIT_CPU, of each process".to_owned()),
        (Bound::Wall, Holding::Enforced, "hgview removes the container".to_owned()),
        (Bound::Memory, memory, memory_why),
        (Bound::ProcessCount, count, count_why),
        (Bound::Output, Holding::Enforced, "hgview stops reading and kills".to_owned()),
        (
            Bound::Disk,
            Holding::NotEnforced,
            "no quota: its size is asked for about once a second; one file is bounded by RLIMIT_FSIZE".to_owned(),
        ),
        (
            Bound::Inodes,
            Holding::NotEnforced,
            "no quota: what changed is asked for now and then, seldomer the longer the engine takes to tell".to_owned(),
        ),
        (
            Bound::CleanUp,
            Holding::Unknown,
            "it ends when hgview's line to it does, and is looked for by its label later; an engine that is killed leaves it"
                .to_owned(),
        ),
    ];
    told.into_iter()
        .map(|(bound, holding, why)| Proof {
            bound,
            holding,
            why,
        })
        .collect()
}

/// Whether a control group has the bound that was asked for.
fn bound_of(said: &str, most: u64, which: &str) -> (Holding, String) {
    match said.trim().parse::<u64>() {
        // the kernel counts memory in pages
        Ok(value) if value <= most => (
            Holding::Enforced,
            format!("its control group says {which} {value}"),
        ),
        Ok(_) => (
            Holding::NotEnforced,
            format!(
                "the engine ignores it: its control group has no such {which} bound (rootless on cgroup v1?)"
            ),
        ),
        Err(_) if said.trim() == "max" => (
            Holding::NotEnforced,
            format!("the engine ignores it: its control group has no {which} bound"),
        ),
        Err(_) => (
            Holding::Unknown,
            format!("it cannot see its control group's {which} bound"),
        ),
    }
}
