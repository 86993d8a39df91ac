//! Sandboxes where the kernel refuses namespaces: Landlock and seccomp around processes that work on a copy.
//!
//! Nothing can be laid over the recorded path here: folders are copied below one private folder, and what the recording
//! calls `/workspace/x` is `/tmp/hgvXXXXXX/workspace/x` ([`Sandbox::place_of`]). Commands are not rewritten here. Each
//! started process has a supervisor, which kills it and what it left behind when hgview ends, however it ends. What is
//! weaker than with namespaces is told by the proofs: processes outside can be seen, paths outside can be asked for,
//! memory and disk are watched rather than bounded.

mod client;
mod descendants;
mod disk;
mod private;
mod process;
mod proofs;
mod removal;
mod supervisor;
mod walls;
mod wire;
mod worker;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;
use std::time::Instant;

use crate::cancel::Cancel;
use crate::error::Error;
use crate::error::Result;
use crate::sandbox::Backend;
use crate::sandbox::Files;
use crate::sandbox::Launch;
use crate::sandbox::Layer;
use crate::sandbox::Process;
use crate::sandbox::Proof;
use crate::sandbox::Sandbox;
use crate::sandbox::Spec;
use crate::sandbox::Streams;
use crate::sandbox::System;
use crate::sandbox::Tier;
use crate::sandbox::copied::Comparison;
use crate::sandbox::landlock::client::Worker;
use crate::sandbox::landlock::disk::Watch;
use crate::sandbox::landlock::private::Private;
use crate::sandbox::landlock::process::Started;
use crate::sandbox::landlock::wire::Plan;
use crate::sandbox::spec::is_own;

/// What this process is to do if it was started under a word of ours: to be the supervisor of a process of a sandbox, or
/// to become that process.
pub(super) fn enter() -> Option<ExitCode> {
    supervisor::run(&std::env::args_os().nth(1)?)
}

/// Starts sandboxes of Landlock and seccomp.
#[derive(Debug, Clone)]
pub struct Landlock {
    program: PathBuf,
    version: i32,
}

impl Landlock {
    /// Where the kernel has what it needs. `program` is hgview's own, which supervises the processes.
    ///
    /// # Errors
    /// *limit*, with what is missing and its remedy.
    pub fn new(program: impl Into<PathBuf>) -> Result<Self> {
        let version = walls::landlock_version();
        if version == 0 {
            return Err(Error::limit("this kernel has no Landlock, or it is switched off").hint(
                "Linux 5.13 or newer with `landlock` in /sys/kernel/security/lsm; add `lsm=landlock,…` to the kernel's \
                 command line",
            ));
        }
        Ok(Self {
            program: program.into(),
            version,
        })
    }
}

impl Backend for Landlock {
    fn tier(&self) -> Tier {
        Tier::Landlock
    }

    fn start(&self, spec: &Spec, cancel: &Cancel) -> Result<Box<dyn Sandbox>> {
        if spec.system != System::Host {
            return Err(Error::input(
                "a sandbox without namespaces has this machine's programs, no image's",
            )
            .hint("an image needs --backend docker or, unpacked, namespaces"));
        }
        let private = Private::new(spec, cancel)?;
        let proofs = proofs::of(self.version, private.owner().is_some());
        let watch = Watch::new(&private, &spec.limits);
        let mut sandbox = Running {
            program: self.program.clone(),
            spec: spec.clone(),
            born: Instant::now(),
            worker: None,
            started: Vec::new(),
            proofs,
            watch,
            is_dead: false,
            private,
        };
        let worker = Worker::start(&sandbox)?;
        sandbox.worker = Some(worker);
        Ok(Box::new(sandbox))
    }
}

/// A sandbox that runs.
struct Running {
    program: PathBuf,
    spec: Spec,
    born: Instant,
    worker: Option<Worker>,
    started: Vec<Arc<Mutex<Started>>>,
    proofs: Vec<Proof>,
    watch: Watch,
    is_dead: bool,
    // the last: what runs in it is dead before it is removed
    private: Private,
}

impl Running {
    /// The walls of a process, but for its program.
    fn plan(&self) -> Plan {
        let limits = &self.spec.limits;
        let left = limits.wall.saturating_sub(self.born.elapsed());
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Plan {
            argv: Vec::new(),
            cwd: self.private.folder().to_owned(),
            env: Vec::new(),
            terminal: None,
            private: self.private.folder().to_owned(),
            readable: self.spec.readable.clone(),
            owner: self.private.owner(),
            cpu_secs: limits.cpu.as_secs(),
            wall_ms: millis(left),
            memory: limits.memory,
            processes: limits.processes,
            file: limits.file,
        }
    }

    fn alive(&self) -> Result<()> {
        if let Some(why) = self.watch.reached() {
            return Err(Error::limit(format!("the sandbox was ended: {why}")));
        }
        if self.is_dead {
            return Err(Error::limit("the sandbox has ended"));
        }
        Ok(())
    }
}

impl Sandbox for Running {
    fn tier(&self) -> Tier {
        Tier::Landlock
    }

    fn proofs(&self) -> &[Proof] {
        &self.proofs
    }

    fn place_of(&self, at: &str) -> String {
        self.private.place_of(at)
    }

    fn spawn(&mut self, launch: &Launch) -> Result<Box<dyn Process>> {
        self.alive()?;
        let mut plan = self.plan();
        plan.argv.clone_from(&launch.argv);
        if plan.argv.is_empty() {
            return Err(Error::input("no program to start"));
        }
        plan.cwd = PathBuf::from(self.place_of(&launch.cwd));
        plan.env = self.private.env(&self.spec, &launch.env);
        let started = match launch.streams {
            Streams::Terminal { rows, columns } => {
                Started::on_terminal(&self.program, plan, rows, columns)?
            }
            Streams::Pipe => Started::on_pipe(&self.program, &plan)?,
        };
        let started = Arc::new(Mutex::new(started));
        self.watch.add(&started);
        self.started
            .retain(|old| Arc::strong_count(old) > 1 || process::lock(old).is_open());
        self.started.push(Arc::clone(&started));
        Ok(Box::new(process::Handle::new(
            started,
            self.spec.limits.output,
            self.watch.told(),
        )))
    }

    fn files(&mut self) -> &mut dyn Files {
        self
    }

    fn layer(&mut self, known: Option<&Layer>) -> Result<Layer> {
        self.alive()?;
        let cancel = Cancel::new();
        let mut layer = Layer::default();
        let mut left = self.spec.limits.disk;
        let trees = self.spec.trees_and_around();
        for tree in &trees {
            let place = self.place_of(&tree.at);
            let mut comparison = Comparison::new(&tree.at, tree.lower.as_deref(), known, left);
            self.worker()?.walk(&place, &mut |below, now| {
                if is_own(&trees, &tree.at, below) {
                    comparison.see(below, now)?;
                }
                Ok(())
            })?;
            let entries = comparison.finish(&cancel)?;
            layer.entries.extend(entries);
            left = self.spec.limits.disk.saturating_sub(layer.len_bytes());
        }
        Ok(layer)
    }

    fn kill(&mut self) {
        self.is_dead = true;
        self.worker = None;
        for started in self.started.drain(..) {
            process::lock(&started).end();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}
