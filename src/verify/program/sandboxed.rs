//! Test programs in a sandbox: each in one of its own, which is gone with it.

use std::ffi::OsStr;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::OnceLock;
use std::time::Duration;

use crate::cancel::Cancel;
use crate::error::Result;
use crate::replay::run_command;
use crate::sandbox::Backend;
use crate::sandbox::Exit;
use crate::sandbox::Launch;
use crate::sandbox::Limits;
use crate::sandbox::Spec;
use crate::sandbox::Streams;
use crate::sandbox::Tree;
use crate::verify::program::OUTPUT_BYTES;
use crate::verify::program::PlainProcess;
use crate::verify::program::ProgramEnd;
use crate::verify::program::RunProgram;
use crate::verify::program::WALL;
use crate::verify::program::run_marked;

/// The folder in which a program runs, and all that it sees there.
const FOLDER: &str = "/program";
/// Where interpreters mostly are.
const USUAL: &str = "/usr/bin/python3";

/// A Python of this machine, as a sandbox can show it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Python {
    program: String,
    /// Folders outside the system that it is made of.
    readable: Vec<PathBuf>,
}

/// Programs in sandboxes: without network, environment, input, or a view of anything but the system's own programs.
pub struct Sandboxed {
    backend: Arc<dyn Backend>,
    python: Python,
    wall: Duration,
}

impl std::fmt::Debug for Sandboxed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sandboxed")
            .field("tier", &self.backend.tier())
            .field("python", &self.python)
            .finish_non_exhaustive()
    }
}

impl Sandboxed {
    /// Tries whether a sandbox starts and a Python runs in it: the `python3` on `PATH`, or the system's.
    ///
    /// # Errors
    /// Says in words why neither does.
    pub fn find(backend: Arc<dyn Backend>) -> Result<Self, String> {
        let on_path = python_of(OsStr::new("python3"));
        let usual = Path::new(USUAL).exists().then(|| Python {
            program: USUAL.to_owned(),
            readable: Vec::new(),
        });
        let mut why = "no python3 to run the test program with".to_owned();
        let mut found = Self {
            backend,
            python: Python::default(),
            wall: WALL,
        };
        for python in on_path.into_iter().chain(usual) {
            found.python = python;
            match found.run("", &Cancel::new()) {
                ProgramEnd::Exited { code: Some(0), .. } => return Ok(found),
                ProgramEnd::Exited { output, .. } => {
                    let last = output.lines().last().unwrap_or_default();
                    why = format!("python3 does not run in a sandbox: {last}");
                }
                ProgramEnd::TimedOut => "python3 does not end in a sandbox".clone_into(&mut why),
                ProgramEnd::Refused(refused) => why = refused,
            }
        }
        Err(why)
    }

    fn spec(&self) -> Spec {
        Spec {
            trees: vec![Tree {
                at: FOLDER.to_owned(),
                lower: None,
            }],
            readable: self.python.readable.clone(),
            limits: Limits {
                cpu: Duration::from_mins(4),
                // ours ends it before
                wall: self.wall + Duration::from_secs(15),
                disk: 256 << 20,
                inodes: 10_000,
                file: 64 << 20,
                ..Limits::default()
            },
            env: Vec::new(),
            ..Spec::default()
        }
    }

    fn run_in_sandbox(&self, program: &str, cancel: &Cancel) -> Result<ProgramEnd> {
        let mut sandbox = self.backend.start(&self.spec(), cancel)?;
        let file = format!("{FOLDER}/test_program.py");
        if let Err(why) = sandbox.files().write(&file, program.as_bytes(), None) {
            let why = format!("the test program cannot be written: {why}");
            return Ok(ProgramEnd::Refused(why));
        }
        let launch = Launch {
            argv: vec![self.python.program.clone(), "-I".to_owned(), file],
            cwd: FOLDER.to_owned(),
            env: Vec::new(),
            streams: Streams::Pipe,
        };
        let ran = run_command(sandbox.as_mut(), &launch, (self.wall, OUTPUT_BYTES), cancel)?;
        let output = ran.text();
        Ok(match ran.exit {
            None => ProgramEnd::TimedOut,
            Some(exit) => ProgramEnd::Exited {
                code: Some(match exit {
                    Exit::Code(code) => code,
                    Exit::Signal(signal) => -signal,
                    // the signal that ended it is ours
                    Exit::Bound(_) => -9,
                }),
                output,
            },
        })
    }
}

impl RunProgram for Sandboxed {
    fn run(&self, program: &str, cancel: &Cancel) -> ProgramEnd {
        match self.run_in_sandbox(program, cancel) {
            Ok(end) => end,
            Err(_) if cancel.is_cancelled() => ProgramEnd::Refused("cancelled".to_owned()),
            Err(err) => ProgramEnd::Refused(err.to_string()),
        }
    }

    fn run_whole(&self, program: &str, cancel: &Cancel) -> (ProgramEnd, bool) {
        run_marked(self, program, cancel)
    }
}

/// The interpreter behind a name with what it needs; `None` where it does not start. What lies on `PATH` may be a script
/// (pyenv's shims): the interpreter says itself what it is.
fn python_of(name: &OsStr) -> Option<Python> {
    const ASK: &str = "import os, sys\n\
        for path in (sys.executable, os.path.realpath(sys.executable), sys.base_prefix, sys.prefix): print(path)";
    let asked = Command::new(name)
        .args(["-I", "-S", "-c", ASK])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8(asked.stdout).ok()?;
    let mut lines = text.lines();
    let program = lines.next().filter(|_| asked.status.success())?;
    let real = lines.next()?;
    // a program that lies apart from its prefix is shown with its folder
    let folder = Path::new(real).parent()?.to_str()?;
    let mut readable: Vec<PathBuf> = lines
        .chain([folder])
        .filter(|path| path.starts_with('/') && *path != "/" && !is_of_system(path))
        .map(PathBuf::from)
        .collect();
    readable.sort();
    readable.dedup_by(|inner, outer| inner.starts_with(outer));
    Path::new(program).is_absolute().then(|| Python {
        program: program.to_owned(),
        readable,
    })
}

/// Whether every sandbox shows a path.
fn is_of_system(path: &str) -> bool {
    const SYSTEM: [&str; 4] = ["/usr", "/bin", "/lib", "/lib64"];
    let path = Path::new(path);
    SYSTEM.iter().any(|system| path.starts_with(system))
}

/// The back ends to try when the first program runs, the best first.
type Find = Box<dyn Fn() -> Vec<Arc<dyn Backend>> + Send + Sync>;

/// Programs in a sandbox, or as plain processes where no sandbox starts and somebody allowed it. Which of them is found
/// out when the first program runs.
pub struct Programs {
    find: Find,
    is_plain_allowed: bool,
    /// What to try where none starts.
    hint: &'static str,
    chosen: OnceLock<Chosen>,
}

impl std::fmt::Debug for Programs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Programs")
            .field("is_plain_allowed", &self.is_plain_allowed)
            .field("chosen", &self.chosen)
            .finish_non_exhaustive()
    }
}

#[derive(Debug)]
enum Chosen {
    Sandboxed(Sandboxed),
    Plain(PlainProcess),
    None(String),
}

impl Programs {
    /// In sandboxes and nowhere else.
    pub fn sandboxed(find: impl Fn() -> Vec<Arc<dyn Backend>> + Send + Sync + 'static) -> Self {
        Self {
            hint: "",
            ..Self::new(find, false)
        }
    }

    /// With the back ends that `find` finds, the best first. Where somebody may yet allow plain processes, they are told
    /// how.
    pub fn new(
        find: impl Fn() -> Vec<Arc<dyn Backend>> + Send + Sync + 'static,
        is_plain_allowed: bool,
    ) -> Self {
        Self {
            find: Box::new(find),
            is_plain_allowed,
            hint: "; --allow-run runs it outside a sandbox",
            chosen: OnceLock::new(),
        }
    }

    fn choose(&self) -> Chosen {
        let mut reasons = Vec::new();
        for backend in (self.find)() {
            match Sandboxed::find(backend) {
                Ok(found) => return Chosen::Sandboxed(found),
                Err(why) => reasons.push(why),
            }
        }
        if self.is_plain_allowed {
            return Chosen::Plain(PlainProcess::find());
        }
        let why = if reasons.is_empty() {
            "there are no sandboxes on this system".to_owned()
        } else {
            reasons.join("; ")
        };
        Chosen::None(format!("its test program was not run: {why}{}", self.hint))
    }
}

impl RunProgram for Programs {
    fn run(&self, program: &str, cancel: &Cancel) -> ProgramEnd {
        match self.chosen.get_or_init(|| self.choose()) {
            Chosen::Sandboxed(found) => found.run(program, cancel),
            Chosen::Plain(found) => found.run(program, cancel),
            Chosen::None(why) => ProgramEnd::Refused(why.clone()),
        }
    }

    fn run_whole(&self, program: &str, cancel: &Cancel) -> (ProgramEnd, bool) {
        run_marked(self, program, cancel)
    }
}

#[cfg(test)]
mod tests;
