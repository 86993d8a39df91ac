//! The file system that a sandbox sees: folders of the host, read-only or below an overlay, and one bounded store.
//!
//! Everything that can be written lies in one `tmpfs`, so that its size and its number of files bound all of it.

use std::fs;
use std::os::fd::AsFd as _;
use std::os::fd::OwnedFd;

use rustix::fs::CWD;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::fs::XattrFlags;
use rustix::io::Errno;
use rustix::mount::MountFlags;
use rustix::mount::MountPropagationFlags;
use rustix::mount::MoveMountFlags;
use rustix::mount::UnmountFlags;

use crate::sandbox::namespace::etc;
use crate::sandbox::namespace::inside::Root;
use crate::sandbox::namespace::inside::make_dir;
use crate::sandbox::namespace::inside::path_of;
use crate::sandbox::namespace::watch::Mapped;
use crate::sandbox::namespace::watch::refused;
use crate::sandbox::namespace::wire::Config;
use crate::sandbox::namespace::wire::Failure;
use crate::sandbox::namespace::wire::Raw;
use crate::sandbox::namespace::wire::Step;
use crate::sandbox::spec::is_within;

/// Files that the sandbox itself makes in its store, beside those that it may hold.
const OWN_INODES: u64 = 128;
/// The devices that a program may expect.
const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];
/// Settings of the kernel, read-only.
const FIXED: [&str; 5] = [
    "/proc/sys",
    "/proc/sysrq-trigger",
    "/proc/irq",
    "/proc/bus",
    "/proc/fs",
];
/// What of the kernel is hidden.
const HIDDEN: [&str; 4] = [
    "/proc/kcore",
    "/proc/keys",
    "/proc/timer_list",
    "/proc/latency_stats",
];
/// The mark of a folder that hides the one below it.
pub(super) const OPAQUE: &str = "user.overlay.opaque";

/// A folder that a sandbox may change.
#[derive(Debug)]
pub(super) struct Place {
    /// Where it lies in the sandbox.
    pub(super) at: String,
    /// What was changed in it.
    pub(super) upper: OwnedFd,
    /// What it shows else.
    pub(super) lower: Option<OwnedFd>,
}

/// A file system that is being put together.
#[derive(Debug)]
pub(super) struct Stand {
    /// The bounded file system.
    pub(super) store: OwnedFd,
    pub(super) places: Vec<Place>,
    /// Folders of the system at their own paths.
    shown: Vec<(String, OwnedFd)>,
    /// More folders at their own paths.
    readable: Vec<(String, Lower)>,
    devices: Vec<(&'static str, OwnedFd)>,
}

impl Stand {
    /// Only what is needed once the root stands: no way back to the host.
    pub(super) fn keep(self) -> Self {
        Self {
            shown: Vec::new(),
            readable: Vec::new(),
            devices: Vec::new(),
            ..self
        }
    }
}

/// Makes the store and what lies in it; the working folder is the store from here on.
pub(super) fn prepare(config: &Config, mapped: Vec<Mapped>) -> Result<Stand, Failure> {
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    rustix::mount::mount_change("/", private)
        .map_err(refused(Step::Store, "cannot keep mounts to myself"))?;
    let mut mapped = mapped.into_iter();
    let mut lowers: Vec<Option<Lower>> = Vec::new();
    let trees = config.trees.iter().map(|tree| tree.lower.as_ref());
    for folder in trees.chain([config.rootfs.as_ref()]) {
        let mapped = mapped.next().flatten();
        lowers.push(match folder {
            Some(folder) => Some(Lower::of(folder, mapped)?),
            None => None,
        });
    }
    let mut readable = Vec::new();
    for folder in &config.readable {
        let name = String::from_utf8_lossy(&folder.0).into_owned();
        readable.push((name, Lower::of(folder, mapped.next().flatten())?));
    }
    let shown = open_shown(config)?;
    let devices = DEVICES.iter().map(|name| {
        let path = format!("/dev/{name}");
        let opened = rustix::fs::open(path.as_str(), OFlags::PATH | OFlags::CLOEXEC, Mode::empty());
        let opened = opened.map_err(refused(Step::Devices, path))?;
        Ok((*name, opened))
    });
    let devices = devices.collect::<Result<_, _>>()?;
    let store = make_store(config)?;
    let mut places = Vec::new();
    let names = (0..config.trees.len()).map(|nth| nth.to_string());
    let ats = config.trees.iter().map(|tree| tree.at.clone());
    let trees = names.zip(ats).chain([("root".to_owned(), "/".to_owned())]);
    for ((name, at), lower) in trees.zip(lowers) {
        if at != "/" || lower.is_some() {
            places.push(prepare_place(&name, at, lower)?);
        }
    }
    Ok(Stand {
        store,
        places,
        shown,
        readable,
        devices,
    })
}

fn open_shown(config: &Config) -> Result<Vec<(String, OwnedFd)>, Failure> {
    let mut shown = Vec::new();
    if config.rootfs.is_none() {
        for path in etc::SYSTEM.iter().chain(&etc::SETTINGS) {
            let flags = OFlags::PATH | OFlags::CLOEXEC | OFlags::NOFOLLOW;
            match rustix::fs::open(*path, flags, Mode::empty()) {
                Ok(opened) => shown.push(((*path).to_owned(), opened)),
                Err(Errno::NOENT) => {}
                Err(errno) => return Err(refused(Step::System, *path)(errno)),
            }
        }
    }
    Ok(shown)
}

fn open_folder(path: &[u8]) -> Result<OwnedFd, Failure> {
    let name = || String::from_utf8_lossy(path).into_owned();
    rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
        .map_err(refused(Step::Folder, name()))
}

/// Mounts the bounded file system over some folder of the host that everybody has and nobody here needs any more.
fn make_store(config: &Config) -> Result<OwnedFd, Failure> {
    let bounds = config.bounds;
    let inodes = bounds.inodes.saturating_add(OWN_INODES);
    let options = format!("size={},nr_inodes={inodes},mode=0755", bounds.disk);
    let options = std::ffi::CString::new(options).unwrap_or_default();
    let flags = MountFlags::NOSUID | MountFlags::NODEV;
    rustix::mount::mount("tmpfs", "/tmp", "tmpfs", flags, options.as_c_str())
        .map_err(refused(Step::Store, "cannot mount a tmpfs"))?;
    let store = rustix::fs::open(
        "/tmp",
        OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )
    .map_err(refused(Step::Store, "cannot open the tmpfs"))?;
    rustix::process::fchdir(&store).map_err(refused(Step::Store, "cannot enter the tmpfs"))?;
    for (name, mode) in [
        ("root", 0o755),
        ("lower", 0o755),
        ("upper", 0o755),
        ("work", 0o755),
        ("dev", 0o755),
        ("shm", 0o1777),
        ("tmp", 0o1777),
        ("home", 0o700),
        ("sys", 0o555),
    ] {
        make_dir(CWD, name, mode).map_err(refused(Step::Store, name))?;
    }
    rustix::fs::setxattr("upper", "user.hgview", b"y", XattrFlags::empty())
        .map_err(refused(Step::Marks, "cannot mark a file of a tmpfs"))?;
    Ok(store)
}

/// A folder of the host, before it has its place in the sandbox.
#[derive(Debug)]
enum Lower {
    /// A mount of its own that is nowhere yet.
    Detached(OwnedFd),
    /// Where it lies.
    Here(OwnedFd),
}

impl Lower {
    fn of(Raw(path): &Raw, mapped: Mapped) -> Result<Self, Failure> {
        match mapped {
            Some(mapped) => Ok(Self::Detached(mapped)),
            None => open_folder(path).map(Self::Here),
        }
    }
}

fn prepare_place(name: &str, at: String, lower: Option<Lower>) -> Result<Place, Failure> {
    let upper = format!("upper/{name}");
    let mut mode = 0o755;
    let mut shown = None;
    if let Some(lower) = lower {
        let place = format!("lower/{name}");
        make_dir(CWD, &place, 0o755).map_err(refused(Step::Store, at.clone()))?;
        make_dir(CWD, &format!("work/{name}"), 0o755).map_err(refused(Step::Store, at.clone()))?;
        attach_lower(&lower, &place).map_err(refused(Step::Overlay, at.clone()))?;
        let opened = rustix::fs::open(
            place.as_str(),
            OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
        );
        let opened = opened.map_err(refused(Step::Folder, at.clone()))?;
        let stat = rustix::fs::fstat(&opened).map_err(refused(Step::Folder, at.clone()))?;
        // What has no number in the sandbox is shown as belonging to this one, and cannot be changed.
        if stat.st_uid == NOBODY || stat.st_gid == NOBODY {
            return Err(refused(Step::Owners, at)(Errno::OVERFLOW));
        }
        mode = stat.st_mode & 0o7777;
        shown = Some(opened);
    }
    make_dir(CWD, &upper, mode).map_err(refused(Step::Store, at.clone()))?;
    let upper = rustix::fs::open(
        upper.as_str(),
        OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )
    .map_err(refused(Step::Store, at.clone()))?;
    Ok(Place {
        at,
        upper,
        lower: shown,
    })
}

/// The number that stands for everybody who has none.
const NOBODY: u32 = 65534;

/// Mounts the folder `lower` at `place`.
fn attach_lower(lower: &Lower, place: &str) -> rustix::io::Result<()> {
    match lower {
        Lower::Detached(tree) => {
            let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
            rustix::mount::move_mount(tree, "", CWD, place, flags)
        }
        Lower::Here(folder) => rustix::mount::mount_bind_recursive(path_of(folder.as_fd()), place),
    }
}

/// Puts the root together out of what was prepared, and makes it this process's.
pub(super) fn assemble(config: &Config, stand: &Stand) -> Result<(), Failure> {
    let has_image = config.rootfs.is_some();
    if has_image {
        overlay("root", true, "root").map_err(refused(Step::Overlay, "/"))?;
    } else {
        rustix::mount::mount_bind("root", "root").map_err(refused(Step::System, "/"))?;
    }
    let root = Root::open()?;
    root.show_system(stand)?;
    root.mount_proc(config)?;
    root.mount_devices(stand)?;
    root.bind_store("sys", "/sys")?;
    root.restrict("/sys", false)?;
    root.mount_own(config, has_image)?;
    root.show_readable(stand)?;
    root.mount_places(stand)?;
    etc::write(config, &root)?;
    if !has_image {
        root.restrict("/", false)?;
    }
    root.enter()
}

/// Mounts the folders of `name`, with or without a lower one, at a place.
fn overlay(name: &str, has_lower: bool, place: &str) -> rustix::io::Result<()> {
    if !has_lower {
        return rustix::mount::mount_bind(format!("upper/{name}"), place);
    }
    let options =
        format!("lowerdir=lower/{name},upperdir=upper/{name},workdir=work/{name},userxattr");
    let options = std::ffi::CString::new(options).unwrap_or_default();
    let flags = MountFlags::NOSUID | MountFlags::NODEV;
    rustix::mount::mount("overlay", place, "overlay", flags, options.as_c_str())
}

impl Root {
    fn bind_store(&self, name: &str, at: &str) -> Result<(), Failure> {
        let bind = || rustix::mount::mount_bind(name, path_of(self.folder(at)?.as_fd()));
        bind().map_err(refused(Step::System, at))
    }

    /// Shows folders and files of the host at their own paths, read-only.
    fn show_system(&self, stand: &Stand) -> Result<(), Failure> {
        for (path, source) in &stand.shown {
            let shown = self.show(path, source);
            if shown.map_err(refused(Step::System, path.as_str()))? {
                self.restrict(path, true)?;
            }
        }
        Ok(())
    }

    /// Shows more folders of the host; they may lie in the home.
    fn show_readable(&self, stand: &Stand) -> Result<(), Failure> {
        for (path, source) in &stand.readable {
            let show = || {
                let place = self.folder(path)?;
                match source {
                    Lower::Detached(tree) => {
                        let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH
                            | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
                        rustix::mount::move_mount(tree, "", place, "", flags)
                    }
                    Lower::Here(folder) => Self::bind(folder.as_fd(), place.as_fd()),
                }
            };
            show().map_err(refused(Step::System, path.as_str()))?;
            self.restrict(path, true)?;
        }
        Ok(())
    }

    fn mount_proc(&self, config: &Config) -> Result<(), Failure> {
        let place = self.folder("/proc").map_err(refused(Step::Proc, "/proc"))?;
        let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
        rustix::mount::mount("proc", path_of(place.as_fd()), "proc", flags, None)
            .map_err(refused(Step::Proc, "/proc"))?;
        self.tune(config);
        let null = rustix::fs::open("/dev/null", OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
            .map_err(refused(Step::Devices, "/dev/null"))?;
        for path in HIDDEN {
            if let Ok(place) = self.find(path) {
                Self::bind(null.as_fd(), place.as_fd()).map_err(refused(Step::Proc, path))?;
            }
        }
        for path in FIXED {
            if let Ok(place) = self.find(path) {
                Self::bind(place.as_fd(), place.as_fd()).map_err(refused(Step::Proc, path))?;
                self.restrict(path, true)?;
            }
        }
        Ok(())
    }

    /// Settings of the sandbox's own namespaces; what the kernel does not let be set is told by the facts.
    fn tune(&self, config: &Config) {
        let most_pid = config.bounds.processes.saturating_add(PIDS_ASIDE);
        let pages = config.bounds.memory >> 12;
        for (name, value) in [
            ("kernel/pid_max", most_pid),
            ("kernel/shmall", pages),
            ("kernel/shmmax", config.bounds.memory),
            ("fs/mqueue/queues_max", 16),
        ] {
            let path = format!("{}/proc/sys/{name}", path_of(self.0.as_fd()));
            drop(fs::write(path, value.to_string()));
        }
    }

    fn mount_devices(&self, stand: &Stand) -> Result<(), Failure> {
        self.bind_store("dev", "/dev")?;
        for (name, source) in &stand.devices {
            let place = format!("/dev/{name}");
            let bind = || Self::bind(source.as_fd(), self.file(&place)?.as_fd());
            bind().map_err(refused(Step::Devices, place.as_str()))?;
        }
        let terminals = || {
            let place = self.folder("/dev/pts")?;
            let flags = MountFlags::NOSUID | MountFlags::NOEXEC;
            let options = c"newinstance,ptmxmode=0666,mode=0620";
            rustix::mount::mount("devpts", path_of(place.as_fd()), "devpts", flags, options)
        };
        terminals().map_err(refused(Step::Devices, "/dev/pts"))?;
        self.bind_store("shm", "/dev/shm")?;
        for (name, target) in [
            ("ptmx", "pts/ptmx"),
            ("fd", "/proc/self/fd"),
            ("stdin", "/proc/self/fd/0"),
            ("stdout", "/proc/self/fd/1"),
            ("stderr", "/proc/self/fd/2"),
        ] {
            self.link(&format!("/dev/{name}"), target.as_bytes())
                .map_err(refused(Step::Devices, name))?;
        }
        self.restrict("/dev", false)
    }

    /// The folders that are forgotten with the sandbox. An image has its own, and they are forgotten with it.
    fn mount_own(&self, config: &Config, has_image: bool) -> Result<(), Failure> {
        if has_image {
            self.folder("/tmp").map_err(refused(Step::System, "/tmp"))?;
            self.folder(&config.home)
                .map_err(refused(Step::System, config.home.as_str()))?;
            return Ok(());
        }
        self.bind_store("tmp", "/tmp")?;
        self.link("/var/tmp", b"/tmp")
            .and_then(|()| self.folder("/run").map(drop))
            .map_err(refused(Step::System, "/var/tmp"))?;
        let is_tree = config
            .trees
            .iter()
            .any(|tree| is_within(&config.home, &tree.at));
        if is_tree {
            return Ok(());
        }
        self.bind_store("home", &config.home)
    }

    fn mount_places(&self, stand: &Stand) -> Result<(), Failure> {
        for (nth, place) in stand.places.iter().enumerate() {
            if place.at == "/" {
                continue;
            }
            let mount = || {
                let at = self.tree_folder(&place.at, nth)?;
                let at = path_of(at.as_fd());
                overlay(&nth.to_string(), place.lower.is_some(), &at)
            };
            mount().map_err(refused(Step::Overlay, place.at.as_str()))?;
        }
        Ok(())
    }

    /// Makes this the root of the process, and forgets the old one.
    fn enter(&self) -> Result<(), Failure> {
        let enter = || {
            rustix::process::fchdir(&self.0)?;
            rustix::process::pivot_root(".", ".")?;
            rustix::mount::unmount(".", UnmountFlags::DETACH)?;
            rustix::process::chdir("/")
        };
        enter().map_err(refused(Step::Root, "cannot change the root"))
    }
}

/// Process numbers that the kernel sets aside below those that it gives again.
const PIDS_ASIDE: u64 = 300;
