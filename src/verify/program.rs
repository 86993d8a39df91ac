//! Runs the test programs of `func_gen`: a narrow interface, and two ways behind it.
//!
//! A test program holds code that a model wrote. [`Sandboxed`] runs it in a sandbox of its own. [`PlainProcess`] is for
//! machines where none starts: it bounds what a program can take (time, memory, processor, file sizes, processes) and
//! gives it nothing (environment, files, standard input, a folder of its own), but does not wall it off from the machine,
//! and is used only where somebody allowed it. [`Programs`] chooses. Knows nothing of tasks or verdicts.

mod orphans;
mod sandboxed;

pub use sandboxed::Programs;
pub use sandboxed::Sandboxed;

use std::ffi::OsStr;
use std::fs;
use std::fs::File;
use std::hash::BuildHasher as _;
use std::hash::Hasher as _;
use std::hash::RandomState;
use std::io;
use std::io::Read as _;
use std::io::Seek as _;
use std::os::unix::process::CommandExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::ExitStatus;
use std::process::Stdio;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use rustix::process::Pid;
use rustix::process::Signal;
use rustix::process::kill_process_group;

use crate::cancel::Cancel;

/// The published evaluator's patience.
const WALL: Duration = Duration::from_mins(1);
/// What is kept of a program's output, from its beginning.
const OUTPUT_BYTES: usize = 64 << 10;
/// How often a running program is looked at, at most.
const LOOK: Duration = Duration::from_millis(20);

/// Sets the limits, closes files that somebody above us left open, and becomes the interpreter of the program.
///
/// In Python rather than in `sh`: the units of `ulimit` and its letter for processes differ between shells, and shells
/// close only single-digit files. In order: processor seconds, address space, size of a file, processes of this user
/// (a bound on fork bombs that leaves room for what else the user runs), core files. The alarm ends a program whose
/// hgview was ended before it.
const BOOT: &str = "\
import os, resource, signal, sys
for what, most in (('CPU', 240), ('AS', 4 << 30), ('FSIZE', 64 << 20), ('NPROC', 4096), ('CORE', 0)):
    what = getattr(resource, 'RLIMIT_' + what)
    hard = resource.getrlimit(what)[1]
    if hard != resource.RLIM_INFINITY:
        most = min(most, hard)
    try:
        resource.setrlimit(what, (most, most))
    except (ValueError, OSError):
        if what != resource.RLIMIT_AS:
            raise
signal.alarm(75)
os.closerange(3, 65536)
os.execv(sys.argv[1], sys.argv[1:])
";

/// How the run of a program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProgramEnd {
    /// It ended by itself.
    Exited {
        /// Its exit code; where a signal ended it, the signal's number below zero, as Python tells it.
        code: Option<i32>,
        /// What it wrote to standard output and standard error, from the beginning, bounded; not cleaned.
        output: String,
    },
    /// It was still running when its time was over, and was killed.
    TimedOut,
    /// It was not run, and why: no interpreter, no folder, cancelled.
    Refused(String),
}

/// Runs a Python program apart from everything else.
pub trait RunProgram: Sync {
    /// Runs the text of a program to its end, its time-out, or until `cancel` is set.
    fn run(&self, program: &str, cancel: &Cancel) -> ProgramEnd;

    /// The same, and whether it went on to its last line: what a model wrote may end the process before anything was
    /// tested, and an exit code of 0 does not tell. What cannot be known is taken for yes.
    fn run_whole(&self, program: &str, cancel: &Cancel) -> (ProgramEnd, bool) {
        (self.run(program, cancel), true)
    }
}

/// Runs a program with an end of our own, where it may have one.
fn run_marked(runner: &dyn RunProgram, program: &str, cancel: &Cancel) -> (ProgramEnd, bool) {
    let Some((marked, mark)) = with_mark(program) else {
        return (runner.run(program, cancel), true);
    };
    match runner.run(&marked, cancel) {
        ProgramEnd::Exited { code, output } if code == Some(mark) => {
            let code = Some(0);
            (ProgramEnd::Exited { code, output }, true)
        }
        end => (end, false),
    }
}

/// The program with a last line that ends it with a code that nobody foresees, and the code. `None` where it ends itself,
/// as `unittest.main()` does.
fn with_mark(program: &str) -> Option<(String, i32)> {
    /// None of them is a shell's, Python's or a signal's.
    const CODES: (u64, i32) = (56, 64);
    let main = program.rfind("__main__").unwrap_or_default();
    let ending = program.get(main..).unwrap_or_default();
    let ends_itself = ["exit(", "unittest.main", "pytest.main", "SystemExit"];
    if ends_itself.iter().any(|words| ending.contains(words)) {
        return None;
    }
    let chance = RandomState::new().build_hasher().finish() % CODES.0;
    let mark = CODES.1 + i32::try_from(chance).unwrap_or_default();
    let end = format!(
        "\nif __name__ == '__main__':\n    import posix, sys\n    sys.stdout.flush()\n    sys.stderr.flush()\n    posix._exit({mark})\n"
    );
    Some((format!("{program}{end}"), mark))
}

/// Programs as plain child processes: limits of resources, empty environment, a temporary folder, no standard input.
#[derive(Debug)]
pub struct PlainProcess {
    /// The interpreter itself, or why there is none.
    python: Result<PathBuf, String>,
    wall: Duration,
}

impl PlainProcess {
    /// Looks for `python3` on `PATH` and tries whether it runs under the limits. Where it does not, every run is
    /// refused with the reason.
    pub fn find() -> Self {
        Self::with_python(OsStr::new("python3"), WALL)
    }

    fn with_python(name: &OsStr, wall: Duration) -> Self {
        let python = interpreter(name);
        let mut found = Self { python, wall };
        match found.run("", &Cancel::new()) {
            ProgramEnd::Exited { code: Some(0), .. } => {}
            ProgramEnd::Refused(why) => found.python = Err(why),
            ProgramEnd::Exited { output, .. } => {
                let last = output.lines().last().unwrap_or_default();
                found.python = Err(format!("python3 does not run under limits: {last}"));
            }
            ProgramEnd::TimedOut => {
                found.python = Err("python3 does not end".to_owned());
            }
        }
        found
    }

    fn run_in_folder(&self, program: &str, cancel: &Cancel) -> io::Result<ProgramEnd> {
        let python = match &self.python {
            Ok(python) => python,
            Err(why) => return Ok(ProgramEnd::Refused(why.clone())),
        };
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("test_program.py");
        fs::write(&file, program)?;
        // a file, not a pipe: its size is bounded, nothing waits for its reader, and no heir can keep it open on us
        let mut output = tempfile::tempfile()?;
        let mut command = Command::new(python);
        command
            .args(["-I", "-S", "-c", BOOT])
            .arg(python)
            .arg("-I")
            .arg(&file)
            .current_dir(folder.path())
            .env_clear()
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output.try_clone()?)
            .process_group(0);
        let mut child = orphans::spawn(&mut command)?;
        let end = wait(&mut child, self.wall, cancel);
        // also after a normal end: what it left running goes with it
        if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
            // it fails where nobody is left
            let _gone = kill_process_group(group, Signal::KILL);
        }
        let waited = child.wait();
        orphans::sweep(child.id(), folder.path());
        waited?;
        let status = match end? {
            End::Exited(status) => status,
            End::Late => return Ok(ProgramEnd::TimedOut),
            End::Cancelled => return Ok(ProgramEnd::Refused("cancelled".to_owned())),
        };
        Ok(ProgramEnd::Exited {
            code: status.code().or_else(|| Some(-status.signal()?)),
            output: beginning(&mut output)?,
        })
    }
}

impl RunProgram for PlainProcess {
    fn run(&self, program: &str, cancel: &Cancel) -> ProgramEnd {
        self.run_in_folder(program, cancel)
            .unwrap_or_else(|err| ProgramEnd::Refused(format!("cannot run the program: {err}")))
    }

    fn run_whole(&self, program: &str, cancel: &Cancel) -> (ProgramEnd, bool) {
        run_marked(self, program, cancel)
    }
}

/// The interpreter behind a name. What lies on `PATH` may be a script that needs the environment (pyenv's shims), and
/// programs get none.
fn interpreter(name: &OsStr) -> Result<PathBuf, String> {
    let asked = Command::new(name)
        .args(["-I", "-S", "-c", "import sys; print(sys.executable)"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .map_err(|err| format!("no python3 to run the test program with: {err}"))?;
    let path = String::from_utf8_lossy(&asked.stdout);
    let path = PathBuf::from(path.trim_end_matches(['\n', '\r']));
    if asked.status.success() && path.is_absolute() {
        Ok(path)
    } else {
        Err("no python3 to run the test program with: it does not start".to_owned())
    }
}

enum End {
    Exited(ExitStatus),
    Late,
    Cancelled,
}

fn wait(child: &mut Child, wall: Duration, cancel: &Cancel) -> io::Result<End> {
    let start = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(End::Exited(status));
        }
        if cancel.is_cancelled() {
            return Ok(End::Cancelled);
        }
        if start.elapsed() >= wall {
            return Ok(End::Late);
        }
        thread::sleep(pause);
        pause = (pause * 2).min(LOOK);
    }
}

fn beginning(output: &mut File) -> io::Result<String> {
    let mut bytes = Vec::new();
    output.rewind()?;
    output.take(OUTPUT_BYTES as u64).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The runner of this machine; `None`, and a word about it, where it has no Python.
    fn runner(wall: Duration) -> Option<PlainProcess> {
        let runner = PlainProcess::with_python(OsStr::new("python3"), wall);
        if let Err(why) = &runner.python {
            eprintln!("skipped: {why}");
            return None;
        }
        Some(runner)
    }

    #[track_caller]
    fn check(program: &str, code: Option<i32>, says: &str) {
        let Some(runner) = runner(WALL) else { return };
        match runner.run(program, &Cancel::new()) {
            ProgramEnd::Exited { code: got, output } => {
                assert_eq!(got, code, "{output}");
                assert!(output.contains(says), "{output}");
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn programs_end_with_their_code_and_output() {
        check("print('hello')", Some(0), "hello");
        check("import sys; sys.exit(3)", Some(3), "");
        check("1 / 0", Some(1), "ZeroDivisionError");
        check(
            "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
            Some(-15),
            "",
        );
        check("print('ü', len('ü'))", Some(0), "ü 1");
    }

    #[test]
    fn programs_that_end_before_their_end_are_seen() {
        let Some(runner) = runner(WALL) else { return };
        let run = |program: &str| match runner.run_whole(program, &Cancel::new()) {
            (ProgramEnd::Exited { code, .. }, is_whole) => (code, is_whole),
            (other, _) => panic!("{other:?}"),
        };
        let test =
            "def test():\n    f()\n\nif __name__ == '__main__':\n    test()\n    print('ok')";
        for (answer, want) in [
            ("def f(): return 1", (Some(0), true)),
            ("def f(): __import__('posix')._exit(0)", (Some(0), false)),
            (
                "def f(x=__import__('os')._exit(0)): return 1",
                (Some(0), false),
            ),
            ("def f(): __import__('sys').exit()", (Some(0), false)),
            ("def f(): raise SystemExit", (Some(0), false)),
            ("def f(): print('ok'); exit()", (Some(0), false)),
            (
                "def f(): __import__('os').execv('/bin/true', ['true'])",
                (Some(0), false),
            ),
            ("def f(): 1 / 0", (Some(1), false)),
        ] {
            assert_eq!(run(&format!("{answer}\n\n\n{test}")), want, "{answer}");
        }
        // what ends itself as it should
        assert_eq!(
            run(&format!(
                "def f(): pass\n\n{test}\n    __import__('sys').exit(0)"
            )),
            (Some(0), true)
        );
    }

    #[test]
    fn programs_get_nothing() {
        check(
            "import os; print(sorted(set(os.environ) - {'LC_CTYPE'}))",
            Some(0),
            "[]",
        );
        check("import sys; print(repr(sys.stdin.read()))", Some(0), "''");
        check(
            "import os; print(os.listdir('.'))",
            Some(0),
            "['test_program.py']",
        );
        let open =
            "import os; print([fd for fd in range(3, 99) if os.path.exists(f'/dev/fd/{fd}')])";
        check(open, Some(0), "[]");
    }

    #[test]
    fn programs_are_bounded() {
        check("x = bytearray(8 << 30)", Some(1), "MemoryError");
        check(
            "open('big', 'wb').write(bytes(65 << 20))",
            Some(1),
            "File too large",
        );
        let Some(runner) = runner(WALL) else { return };
        let much = runner.run("print('x' * (1 << 20))", &Cancel::new());
        let ProgramEnd::Exited { output, .. } = much else {
            panic!("{much:?}");
        };
        assert_eq!(output.len(), OUTPUT_BYTES);
    }

    #[test]
    fn programs_that_go_on_are_killed_with_their_children() {
        let Some(runner) = runner(Duration::from_millis(300)) else {
            return;
        };
        let program =
            "import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'while 1: pass'])";
        assert_eq!(runner.run(program, &Cancel::new()), ProgramEnd::TimedOut);
        let cancel = Cancel::new();
        cancel.cancel();
        let end = runner.run("while 1: pass", &cancel);
        assert_eq!(end, ProgramEnd::Refused("cancelled".to_owned()));
    }

    /// A child of a child in a session of its own is out of the group's reach, whether the program ends or is ended.
    #[test]
    #[cfg(target_os = "linux")]
    fn nothing_survives_a_program() {
        use rustix::process::test_kill_process;

        #[track_caller]
        fn check(hides: &str, then: &str, wall: Duration) {
            let Some(runner) = runner(wall) else { return };
            let told = tempfile::NamedTempFile::new().unwrap();
            let program = format!(
                "import os, time\n\
                 read, write = os.pipe()\n\
                 if os.fork() == 0:\n    \
                     os.setsid()\n    \
                     if os.fork() == 0:\n        \
                         {hides}\n        \
                         os.write(write, str(os.getpid()).encode())\n        \
                         os.close(write)\n        \
                         while True: time.sleep(9)\n    \
                     os._exit(0)\n\
                 os.wait()\n\
                 open({:?}, 'w').write(os.read(read, 99).decode())\n{then}\n",
                told.path().display().to_string()
            );
            let end = runner.run(&program, &Cancel::new());
            let pid = fs::read_to_string(told.path()).unwrap();
            let pid = Pid::from_raw(pid.parse().unwrap()).unwrap();
            assert!(test_kill_process(pid).is_err(), "{pid:?} lives: {end:?}");
        }
        check("pass", "", WALL);
        check("os.chdir('/')", "", WALL);
        check("os.closerange(0, 3)", "raise SystemExit(1)", WALL);
        check("pass", "while True: pass", Duration::from_secs(2));
    }

    #[test]
    fn without_python_every_run_is_refused() {
        let runner = PlainProcess::with_python(OsStr::new("no-such-python"), WALL);
        let ProgramEnd::Refused(why) = runner.run("", &Cancel::new()) else {
            panic!("it ran");
        };
        assert!(why.starts_with("no python3"), "{why}");
    }
}
