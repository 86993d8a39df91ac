//! The tier without an engine: namespaces of the kernel, one bounded file system, Landlock, seccomp and limits.
//!
//! hgview runs itself again as a process that makes the namespaces ([`watch`]), in which the first process builds what the
//! others see ([`root`], [`inside`]), locks itself and all of them in ([`lock`]) and then does hgview's bidding ([`serve`], [`work`],
//! [`upper`]) and sees to it that they do not take too much ([`memory`]). Nothing in a sandbox runs as the machine's root, also when hgview does. The first process has no
//! environment, no open file of hgview's and memory that nobody can read, so that nothing of the host can be found there.

mod etc;
mod first;
mod host;
mod inside;
mod life;
pub(in crate::sandbox) mod lock;
mod memory;
mod process;
mod proofs;
mod remedy;
mod root;
mod serve;
pub(in crate::sandbox) mod sys;
mod upper;
mod watch;
mod wire;
mod work;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use crate::cancel::Cancel;
use crate::error::Error;
use crate::error::Result;
use crate::sandbox::Backend;
use crate::sandbox::Sandbox;
use crate::sandbox::Spec;
use crate::sandbox::System;
use crate::sandbox::Tier;
use crate::sandbox::namespace::wire::Bounds;
use crate::sandbox::namespace::wire::Config;
use crate::sandbox::namespace::wire::Folder;
use crate::sandbox::namespace::wire::Owner;
use crate::sandbox::namespace::wire::Raw;
use crate::sandbox::spec::is_within;

/// What this process is to do if it was started for a sandbox, and not by a person; nothing else may run before.
pub(super) fn enter() -> Option<ExitCode> {
    let mut args = std::env::args_os();
    let is_ours = args.next().as_deref() == Some(OsStr::new(watch::NAME)) && args.next().is_none();
    is_ours.then(|| ExitCode::from(watch::run()))
}

/// Sandboxes made of namespaces.
#[derive(Debug, Clone)]
pub struct Namespace {
    program: PathBuf,
    patience: Patience,
}

/// How long something may take that takes no time where nobody is in its way.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// A started process, until it runs its program: another may have stopped it.
    pub start: Duration,
    /// An answer of the sandbox's first process, before the sandbox is ended.
    pub answer: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            start: Duration::from_secs(10),
            answer: Duration::from_mins(1),
        }
    }
}

impl Default for Namespace {
    fn default() -> Self {
        Self::new()
    }
}

impl Namespace {
    /// Run by this very program.
    pub fn new() -> Self {
        Self::with_program("/proc/self/exe")
    }

    /// Run by the `hgview` at this path: for programs that are not hgview, such as tests.
    pub fn with_program(path: impl Into<PathBuf>) -> Self {
        Self {
            program: path.into(),
            patience: Patience::default(),
        }
    }

    /// With another patience.
    #[must_use]
    pub fn patience(self, patience: Patience) -> Self {
        Self { patience, ..self }
    }
}

impl Backend for Namespace {
    fn tier(&self) -> Tier {
        Tier::Namespace
    }

    fn start(&self, spec: &Spec, cancel: &Cancel) -> Result<Box<dyn Sandbox>> {
        let config = config(spec, remedy::owner()?, self.patience)?;
        let started = host::Running::start(self, &config, spec, cancel)?;
        Ok(Box::new(started))
    }
}

/// Checks a spec, and puts it as the first process takes it.
fn config(spec: &Spec, owner: Owner, patience: Patience) -> Result<Config> {
    let rootfs = match &spec.system {
        System::Host => None,
        System::Rootfs(path) => Some(folder(path)?),
        System::Image(name) => {
            let what = format!("{name} is an image of an engine; namespaces take an unpacked one");
            return Err(Error::user(what));
        }
    };
    for (nth, tree) in spec.trees.iter().enumerate() {
        let others = spec.trees.iter().enumerate();
        let mut others = others.filter(|(other, _)| *other != nth);
        if let Some((_, above)) = others.find(|(_, above)| is_within(&tree.at, &above.at)) {
            let what = format!(
                "{} lies in {}: one folder of a sandbox in another",
                tree.at, above.at
            );
            return Err(Error::user(what));
        }
    }
    let mut trees = Vec::new();
    for tree in spec.trees_and_around() {
        is_place(&tree.at)?;
        let lower = tree.lower.as_deref().map(folder).transpose()?;
        let at = tree.at;
        trees.push(Folder { at, lower });
    }
    // what lies around others is mounted before them
    trees.sort_by(|one, other| one.at.cmp(&other.at));
    is_place(&spec.home)?;
    let is_plain = |text: &str| !text.is_empty() && !text.contains([':', '\n', '\0', '/']);
    if !is_plain(&spec.user) || !is_plain(&spec.hostname) || spec.hostname.len() > 64 {
        return Err(Error::user(
            "the name of a sandbox's user or machine is no name",
        ));
    }
    let limits = spec.limits;
    let mut readable = Vec::new();
    for path in &spec.readable {
        let found = folder(path)?;
        is_place(&String::from_utf8_lossy(&found.0))?;
        readable.push(found);
    }
    Ok(Config {
        rootfs,
        trees,
        readable,
        bounds: Bounds {
            cpu_secs: limits.cpu.as_secs().max(1),
            wall_millis: millis(limits.wall),
            start_millis: millis(patience.start),
            memory: limits.memory,
            processes: limits.processes,
            disk: limits.disk,
            inodes: limits.inodes,
            file: limits.file,
        },
        hostname: spec.hostname.clone(),
        user: spec.user.clone(),
        home: spec.home.clone(),
        env: spec.env.clone(),
        owner,
    })
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// The absolute path of a folder of the host.
fn folder(path: &Path) -> Result<Raw> {
    let found = path
        .canonicalize()
        .map_err(|err| Error::input(format!("cannot open {}", path.display())).caused_by(err))?;
    if !found.is_dir() {
        return Err(Error::input(format!("{} is no folder", path.display())));
    }
    Ok(Raw(found.as_os_str().as_bytes().to_vec()))
}

/// Whether something can be mounted at a path of the sandbox.
fn is_place(path: &str) -> Result<()> {
    let below = path.strip_prefix('/').unwrap_or_default();
    let is_name = |name: &str| !matches!(name, "" | "." | "..") && !name.contains('\0');
    let is_system = ["/proc", "/dev", "/sys"]
        .iter()
        .any(|own| is_within(path, own));
    if below.split('/').all(is_name) && !is_system {
        return Ok(());
    }
    Err(Error::user(format!(
        "{path:?} is no place for a folder of a sandbox"
    )))
}
