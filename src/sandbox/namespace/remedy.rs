//! Who a sandbox's users are on this machine, and what to do where it refuses a sandbox.

use std::fs;
use std::io;

use rustix::io::Errno;

use crate::error::Error;
use crate::error::Result;
use crate::sandbox::FIRST_USER;
use crate::sandbox::namespace::wire::Config;
use crate::sandbox::namespace::wire::Failure;
use crate::sandbox::namespace::wire::Owner;
use crate::sandbox::namespace::wire::Step;

/// How many users a sandbox has when hgview is root.
const COUNT: u32 = 65_536;

/// Whom this process can make the root of a sandbox: never the machine's root.
///
/// # Errors
/// *limit* when hgview is root of a machine on which nobody else can be that.
pub(super) fn owner() -> Result<Owner> {
    let uid = rustix::process::geteuid().as_raw();
    let gid = rustix::process::getegid().as_raw();
    if uid != 0 {
        return Ok(Owner::Myself { uid, gid });
    }
    let users = fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    let groups = fs::read_to_string("/proc/self/gid_map").unwrap_or_default();
    if has_range(&users) && has_range(&groups) {
        return Ok(Owner::Range {
            first: FIRST_USER,
            count: COUNT,
        });
    }
    if outside_of_root(&users).is_some_and(|outside| outside != 0) {
        return Ok(Owner::Myself { uid, gid });
    }
    let what = format!(
        "a sandbox of root needs the users {FIRST_USER} to {}, which are not there",
        FIRST_USER + COUNT - 1
    );
    Err(Error::limit(what).hint("run hgview as an ordinary user"))
}

fn lines(map: &str) -> impl Iterator<Item = (u64, u64, u64)> + '_ {
    map.lines().filter_map(|line| {
        let mut numbers = line.split_whitespace().map(str::parse);
        let (Some(Ok(inside)), Some(Ok(outside)), Some(Ok(len))) =
            (numbers.next(), numbers.next(), numbers.next())
        else {
            return None;
        };
        Some((inside, outside, len))
    })
}

fn has_range(map: &str) -> bool {
    let (first, last) = (u64::from(FIRST_USER), u64::from(FIRST_USER + COUNT));
    lines(map).any(|(inside, _, len)| inside <= first && last <= inside.saturating_add(len))
}

fn outside_of_root(map: &str) -> Option<u64> {
    lines(map)
        .find(|(inside, _, _)| *inside == 0)
        .map(|(_, outside, _)| outside)
}

/// The error behind a refused step, with what can be done about it on this machine.
pub(super) fn explain(failure: &Failure, config: &Config) -> Error {
    let errno = Errno::from_raw_os_error(failure.errno);
    let what = &failure.what;
    let err = match failure.step {
        Step::Namespaces | Step::Users => Error::limit("this machine refuses user namespaces"),
        Step::Network => Error::limit("this machine refuses a network namespace"),
        Step::Store => Error::limit("this machine refuses mounts in a user namespace"),
        Step::System | Step::Devices => Error::limit(format!("cannot show {what} in a sandbox")),
        Step::Folder => Error::input(format!("cannot open {what}")),
        Step::Owners => owners(what, config),
        Step::Overlay => Error::limit(format!("this machine refuses an overlay on {what}")),
        Step::Marks => Error::limit("an overlay in memory needs Linux 6.6"),
        Step::Proc => Error::limit("this machine refuses a /proc of the sandbox's own"),
        Step::Root => Error::limit("this machine refuses a root of the sandbox's own"),
        Step::Layer => Error::limit(format!("cannot make the earlier change of {what}")),
        Step::Lock => Error::limit(format!("cannot lock a sandbox: {what}")),
    };
    let err = match failure.errno {
        0 => err,
        errno => err.caused_by(io::Error::from_raw_os_error(errno)),
    };
    let is_refused = matches!(
        errno,
        Errno::PERM | Errno::ACCESS | Errno::NOSPC | Errno::NOSYS | Errno::INVAL
    );
    let may_be_machine = !matches!(failure.step, Step::Folder | Step::Owners | Step::Layer);
    if !(is_refused && may_be_machine) {
        return err;
    }
    let here = Machine::read();
    here.remedies(failure.step)
        .into_iter()
        .fold(err, Error::hint)
}

fn owners(what: &str, config: &Config) -> Error {
    let owner = match config.owner {
        Owner::Myself { uid, gid } => format!("{uid}:{gid}"),
        Owner::Range { first, .. } => format!("{first}:{first}"),
    };
    let err = Error::limit(format!(
        "the files of {what} belong to somebody who does not exist in a sandbox"
    ));
    err.hint(format!("copy the folder, then: chown -R {owner} COPY"))
}

/// The settings of this machine that keep sandboxes from starting.
#[derive(Debug, Default)]
struct Machine {
    apparmor: Option<u64>,
    clone: Option<u64>,
    most: Option<u64>,
    is_filtered: bool,
}

impl Machine {
    fn read() -> Self {
        let number = |name: &str| -> Option<u64> {
            let text = fs::read_to_string(format!("/proc/sys/{name}")).ok()?;
            text.trim().parse().ok()
        };
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        Self {
            apparmor: number("kernel/apparmor_restrict_unprivileged_userns"),
            clone: number("kernel/unprivileged_userns_clone"),
            most: number("user/max_user_namespaces"),
            is_filtered: status.lines().any(|line| line == "Seccomp:\t2"),
        }
    }

    fn remedies(&self, step: Step) -> Vec<String> {
        let mut remedies = Vec::new();
        if self.most == Some(0) {
            remedies.push("allow them: sysctl user.max_user_namespaces=15000".to_owned());
        }
        if self.clone == Some(0) {
            remedies.push("allow them: sysctl kernel.unprivileged_userns_clone=1".to_owned());
        }
        if self.apparmor == Some(1) {
            remedies.push(
                "allow them: sysctl kernel.apparmor_restrict_unprivileged_userns=0, or give hgview \
                 an AppArmor profile with `userns,`"
                    .to_owned(),
            );
        }
        if step == Step::Proc {
            remedies.push(
                "in a container: --security-opt systempaths=unconfined (podman: unmask=ALL)"
                    .to_owned(),
            );
        }
        if self.is_filtered {
            remedies.push(
                "in a container: --security-opt seccomp=unconfined, or a profile that allows \
                 unshare, mount and mount_setattr"
                    .to_owned(),
            );
        }
        if remedies.is_empty() {
            remedies.push("use another tier: an engine, or Landlock".to_owned());
        }
        remedies
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_has_the_range_or_not() {
        assert!(has_range("         0          0 4294967295\n"));
        assert!(!has_range("0 0 65536\n"));
        assert!(has_range("0 1000 1\n1 100000 1000000\n"));
        assert_eq!(outside_of_root("0 1000 1\n"), Some(1000));
        assert_eq!(outside_of_root("5 1000 1\nx y z\n"), None);
    }

    #[test]
    fn what_a_machine_refuses_has_a_remedy() {
        let machine = Machine {
            apparmor: Some(1),
            most: Some(0),
            ..Machine::default()
        };
        let remedies = machine.remedies(Step::Namespaces).join("\n");
        assert!(remedies.contains("apparmor_restrict_unprivileged_userns=0"));
        assert!(remedies.contains("user.max_user_namespaces=15000"));
        let proc = Machine::default().remedies(Step::Proc).join("\n");
        assert!(proc.contains("systempaths=unconfined"));
    }
}
