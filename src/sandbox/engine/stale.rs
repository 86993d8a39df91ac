//! Containers of hgviews that are gone.

use std::collections::HashMap;
use std::fs;

use bollard::query_parameters::ListContainersOptionsBuilder;

use crate::sandbox::engine::container;
use crate::sandbox::engine::line::Line;

/// Says whose a container is.
pub(super) const LABEL: &str = "hgview.owner";

/// This process: boot, namespace, number, start. Another with the same number is told apart.
pub(super) fn me() -> String {
    let pid = std::process::id();
    format!("{} {pid} {}", here(), born(pid))
}

/// Where numbers of processes mean what they mean to us.
fn here() -> String {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let namespace = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    format!("{} {}", boot.trim(), namespace.display())
}

/// When a process started, in the kernel's ticks; empty where there is none.
fn born(pid: u32) -> String {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let after = stat.rsplit_once(')').map_or("", |(_, after)| after);
    after.split_whitespace().nth(19).unwrap_or("").to_owned()
}

/// Whether the process that a label names is dead for certain.
fn is_dead(label: &str) -> bool {
    let Some((place, born_at)) = label.rsplit_once(' ') else {
        return false;
    };
    let Some((place, pid)) = place.rsplit_once(' ') else {
        return false;
    };
    // elsewhere, or before: nothing is known of it
    place == here() && pid.parse().is_ok_and(|pid| born(pid) != born_at)
}

/// Removes the containers whose hgview is dead. What cannot be removed stays for the next time.
pub(super) fn remove(line: &Line) {
    let docker = line.docker();
    let filters = HashMap::from([("label".to_owned(), vec![LABEL.to_owned()])]);
    let options = ListContainersOptionsBuilder::default()
        .all(true)
        .filters(&filters)
        .build();
    let all = line.call("cannot list containers", async move {
        docker.list_containers(Some(options)).await
    });
    for found in all.unwrap_or_default() {
        let label = found.labels.as_ref().and_then(|labels| labels.get(LABEL));
        if label.is_some_and(|label| is_dead(label))
            && let Some(id) = found.id
        {
            container::remove(line, id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::here;
    use super::is_dead;
    use super::me;

    #[test]
    fn only_the_certainly_dead_are_removed() {
        assert!(!is_dead(&me()));
        assert!(is_dead(&format!("{} {} 1", here(), std::process::id())));
        assert!(is_dead(&format!("{} 4000000000 77", here())));
        for unknown in ["", "x", "x y", "other pid:[1] 4000000000 77"] {
            assert!(!is_dead(unknown), "{unknown:?}");
        }
    }
}
