//! The tier without an engine: namespaces of the kernel, one bounded file system, Landlock, seccomp and limits.
//!
//! hgview runs itself again as a process that makes the namespaces ([`watch`]), in which the first process builds what the
//! others see ([`root`], [`inside`]), locks itself and all of them in ([`lock`]) and then does hgview's bidding ([`serve`], [`work`],
//! [`upper`]). Nothing in a sandbox runs as the machine's root, also when hgview does. The first process has no
//! environment, no open file of hgview's and memory that nobody can read, so that nothing of the host can be found there.

mod etc;
mod first;
mod host;
mod inside;
mod life;
pub(in crate::sandbox) mod lock;
mod process;
mod proofs;
mod remedy;
mod root;
mod serve;
mod sys;
mod upper;
mod watch;
mod wire;
mod work;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;

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
        }
    }
}

impl Backend for Namespace {
    fn tier(&self) -> Tier {
        Tier::Namespace
    }

    fn start(&self, spec: &Spec, cancel: &Cancel) -> Result<Box<dyn Sandbox>> {
        let config = config(spec, remedy::owner()?)?;
        let started = host::Running::start(&self.program, &config, spec, cancel)?;
        Ok(Box::new(started))
    }
}

/// Checks a spec, and puts it as the first process takes it.
fn config(spec: &Spec, owner: Owner) -> Result<Config> {
    let rootfs = match &spec.system {
        System::Host => None,
        System::Rootfs(path) => Some(folder(path)?),
        System::Image(name) => {
            let what = format!("{name} is an image of an engine; namespaces take an unpacked one");
            return Err(Error::user(what));
        }
    };
    let mut trees = Vec::new();
    for tree in &spec.trees {
        is_place(&tree.at)?;
        let lower = tree.lower.as_deref().map(folder).transpose()?;
        let at = tree.at.clone();
        trees.push(Folder { at, lower });
    }
    trees.sort_by(|one, other| one.at.cmp(&other.at));
    for pair in trees.windows(2) {
        if let [above, below] = pair
            && root::is_within(&below.at, &above.at)
        {
            let what = format!(
                "{} lies in {}: one folder of a sandbox in another",
                below.at, above.at
            );
            return Err(Error::user(what));
        }
    }
    is_place(&spec.home)?;
    let is_plain = |text: &str| !text.is_empty() && !text.contains([':', '\n', '\0', '/']);
    if !is_plain(&spec.user) || !is_plain(&spec.hostname) || spec.hostname.len() > 64 {
        return Err(Error::user(
            "the name of a sandbox's user or machine is no name",
        ));
    }
    let limits = spec.limits;
    Ok(Config {
        rootfs,
        trees,
        readable: spec
            .readable
            .iter()
            .map(|path| folder(path))
            .collect::<Result<_>>()?,
        bounds: Bounds {
            cpu_secs: limits.cpu.as_secs().max(1),
            wall_millis: u64::try_from(limits.wall.as_millis()).unwrap_or(u64::MAX),
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
        .any(|own| root::is_within(path, own));
    if below.split('/').all(is_name) && !is_system {
        return Ok(());
    }
    Err(Error::user(format!(
        "{path:?} is no place for a folder of a sandbox"
    )))
}
