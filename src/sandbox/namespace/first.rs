//! The first process of a sandbox: builds what the others see, gives up its rights, then serves hgview.

use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;

use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::mount::MountFlags;
use rustix::net::AddressFamily;
use rustix::net::SocketType;
use rustix::process::Gid;
use rustix::process::Signal;
use rustix::process::Uid;

use crate::sandbox::namespace::lock;
use crate::sandbox::namespace::root;
use crate::sandbox::namespace::serve;
use crate::sandbox::namespace::sys;
use crate::sandbox::namespace::upper;
use crate::sandbox::namespace::watch;
use crate::sandbox::namespace::watch::Mapped;
use crate::sandbox::namespace::watch::failed;
use crate::sandbox::namespace::watch::refused;
use crate::sandbox::namespace::wire::Answer;
use crate::sandbox::namespace::wire::Ask;
use crate::sandbox::namespace::wire::Attempt;
use crate::sandbox::namespace::wire::Config;
use crate::sandbox::namespace::wire::Facts;
use crate::sandbox::namespace::wire::Failure;
use crate::sandbox::namespace::wire::Owner;
use crate::sandbox::namespace::wire::Step;
use crate::sandbox::namespace::wire::Wire;

/// Runs until hgview has gone; returns the exit code.
pub(super) fn run(config: Config, wire: &Wire, may_go: &UnixStream, mapped: Vec<Mapped>) -> i32 {
    match set_up(&config, wire, may_go, mapped) {
        Ok((stand, facts)) => {
            if wire.send(&Answer::Started(facts), &[]).is_err() {
                return 1;
            }
            // Whatever goes wrong from here on, the end of this process is the end of the sandbox.
            i32::from(serve::run(config, stand, wire).is_err())
        }
        Err(failure) => {
            // Whoever does not hear it has gone.
            drop(wire.send(&Answer::Failed(failure), &[]));
            1
        }
    }
}

fn set_up(
    config: &Config,
    wire: &Wire,
    may_go: &UnixStream,
    mapped: Vec<Mapped>,
) -> Result<(root::Stand, Facts), Failure> {
    // Before the wait: the process that is to say who this one is might die.
    die_with_parent()?;
    watch::wait_for_close(may_go.as_fd());
    become_root(config.owner).map_err(refused(Step::Users, "cannot become the sandbox's root"))?;
    die_with_parent()?;
    rustix::process::umask(Mode::empty());
    rustix::system::sethostname(config.hostname.as_bytes())
        .map_err(refused(Step::Network, "cannot set the host name"))?;
    let socket = rustix::net::socket(AddressFamily::INET, SocketType::DGRAM, None)
        .map_err(refused(Step::Network, "cannot make a socket"))?;
    sys::bring_up_loopback(socket.as_fd()).map_err(failed(
        Step::Network,
        "cannot bring up the loopback interface",
    ))?;
    drop(socket);
    let stand = root::prepare(config, mapped)?;
    put_layer(&stand, wire)?;
    root::assemble(config, &stand)?;
    let stand = stand.keep();
    let landlock = lock::lock(config, &stand)?;
    die_with_parent()?;
    rustix::process::umask(Mode::from_raw_mode(0o022));
    // As its other processes see it, not as the program is called.
    rustix::thread::set_name(c"init").ok();
    let facts = look_around(&stand, landlock);
    Ok((stand, facts))
}

/// The kernel forgets this whenever the rights of the process change.
fn die_with_parent() -> Result<(), Failure> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(refused(Step::Lock, "cannot die with the parent"))
}

fn become_root(owner: Owner) -> rustix::io::Result<()> {
    if let Owner::Range { .. } = owner {
        rustix::thread::set_thread_groups(&[])?;
        rustix::thread::set_thread_res_gid(Gid::ROOT, Gid::ROOT, Gid::ROOT)?;
        rustix::thread::set_thread_res_uid(Uid::ROOT, Uid::ROOT, Uid::ROOT)?;
    }
    Ok(())
}

/// Makes the changes of an earlier sandbox before anything can see them.
fn put_layer(stand: &root::Stand, wire: &Wire) -> Result<(), Failure> {
    let lost = |err: io::Error| failed(Step::Layer, "hgview has gone")(err);
    loop {
        match wire.message::<Ask>().map_err(lost)? {
            Ask::Start => return Ok(()),
            Ask::Put { path, put } => upper::put(&stand.places, &path, put, wire)
                .map_err(failed(Step::Layer, String::from_utf8_lossy(&path.0)))?,
            _ => return Err(lost(io::ErrorKind::InvalidData.into())),
        }
    }
}

/// Tries what nothing in here may do, and reads what the kernel says of the sandbox.
fn look_around(stand: &root::Stand, landlock: String) -> Facts {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_default().trim().to_owned()
    };
    let disk = rustix::fs::fstatvfs(&stand.store).ok();
    Facts {
        interfaces: interfaces(),
        possible: possible(),
        rights: field("CapBnd:"),
        is_without_new_rights: field("NoNewPrivs:") == "1" && field("Seccomp:") == "2",
        landlock,
        processes: processes(),
        most_pid: std::fs::read_to_string("/proc/sys/kernel/pid_max")
            .ok()
            .and_then(|text| text.trim().parse().ok()),
        disk: disk
            .as_ref()
            .map_or(0, |disk| disk.f_blocks.saturating_mul(disk.f_frsize)),
        inodes: disk.as_ref().map_or(0, |disk| disk.f_files),
    }
}

/// Tries what nothing in here may do, and says what worked.
fn possible() -> Vec<Attempt> {
    let families = [AddressFamily::NETLINK, VSOCK, AddressFamily::PACKET];
    let has_socket = families.into_iter().any(|family| {
        let socket = rustix::net::socket(family, SocketType::DGRAM, None);
        socket.err() != Some(Errno::PERM)
    });
    let mount = rustix::mount::mount("none", "/tmp", "tmpfs", MountFlags::empty(), None);
    let setting = rustix::fs::open(
        "/proc/sys/kernel/core_pattern",
        OFlags::WRONLY | OFlags::CLOEXEC,
        Mode::empty(),
    );
    [
        (has_socket, Attempt::OddSocket),
        (mount != Err(Errno::PERM), Attempt::Mount),
        (setting.is_ok(), Attempt::Setting),
    ]
    .into_iter()
    .filter_map(|(worked, attempt)| worked.then_some(attempt))
    .collect()
}

/// Sockets to the machine that a virtual one runs on, which no namespace hides.
const VSOCK: AddressFamily = AddressFamily::from_raw(40);

fn interfaces() -> Vec<String> {
    let text = std::fs::read_to_string("/proc/self/net/dev").unwrap_or_default();
    let names = text
        .lines()
        .skip(2)
        .filter_map(|line| line.split(':').next());
    let names = names.map(|name| name.trim().to_owned());
    names.filter(|name| name != "lo").collect()
}

fn processes() -> u64 {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let is_number = |entry: &std::fs::DirEntry| {
        let name = entry.file_name();
        name.as_encoded_bytes().iter().all(u8::is_ascii_digit)
    };
    entries.filter(is_number).count() as u64
}
