//! What a sandbox knows of this machine's settings, and what is made up for it.

use crate::sandbox::namespace::inside::Root;
use crate::sandbox::namespace::watch::refused;
use crate::sandbox::namespace::wire::Config;
use crate::sandbox::namespace::wire::Failure;
use crate::sandbox::namespace::wire::Step;

/// Where this machine's programs and libraries lie.
pub(super) const SYSTEM: [&str; 7] = [
    "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32",
];

/// The settings that programs need to run as they do on this machine. None holds a secret.
pub(super) const SETTINGS: [&str; 17] = [
    "/etc/alternatives",
    "/etc/ca-certificates",
    "/etc/debian_version",
    "/etc/inputrc",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/magic",
    "/etc/mime.types",
    "/etc/os-release",
    "/etc/pki/ca-trust",
    "/etc/pki/tls/certs",
    "/etc/protocols",
    "/etc/services",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/terminfo",
];

/// Writes the users, the names and the links that no other machine may tell.
pub(super) fn write(config: &Config, root: &Root) -> Result<(), Failure> {
    let host = &config.hostname;
    let mut files = vec![
        ("/etc/hostname", format!("{host}\n")),
        (
            "/etc/hosts",
            format!("127.0.0.1\tlocalhost {host}\n::1\tlocalhost ip6-localhost\n"),
        ),
        ("/etc/resolv.conf", String::new()),
        ("/etc/passwd", passwd(config, root)),
    ];
    if config.rootfs.is_none() {
        files.push(("/etc/group", "root:x:0:\nnogroup:x:65534:\n".to_owned()));
        let sources = "passwd: files\ngroup: files\nhosts: files\n";
        files.push(("/etc/nsswitch.conf", sources.to_owned()));
    }
    for (path, text) in files {
        root.write(path, &text)
            .map_err(refused(Step::System, path))?;
    }
    root.link("/etc/mtab", b"/proc/self/mounts")
        .map_err(refused(Step::System, "/etc/mtab"))
}

/// The users: the one that the processes run as comes first, whatever an image calls it.
fn passwd(config: &Config, root: &Root) -> String {
    let Config { user, home, .. } = config;
    let line = format!("{user}:x:0:0:{user}:{home}:/bin/bash\n");
    let rest = root.read("/etc/passwd").unwrap_or_else(|| {
        let others = ["root:x:0:0:root:/root:/bin/bash\n", NOBODY];
        others.concat()
    });
    let is_there = rest.lines().find(|line| line.contains(":x:0:"));
    if is_there.is_some_and(|line| line.starts_with(&format!("{user}:"))) && config.rootfs.is_some()
    {
        return rest;
    }
    let is_other = |line: &&str| !line.starts_with(&format!("{user}:"));
    let others = rest.lines().filter(is_other).flat_map(|line| [line, "\n"]);
    [line.as_str()].into_iter().chain(others).collect()
}

const NOBODY: &str = "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n";
