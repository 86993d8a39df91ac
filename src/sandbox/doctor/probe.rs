//! One attack on each bound, by a few lines of shell in a sandbox of its own.

use std::fs;
use std::io;
use std::net::TcpListener;
use std::net::UdpSocket;
use std::time::Duration;
use std::time::Instant;

use crate::cancel::Cancel;
use crate::error::Error;
use crate::error::Result;
use crate::sandbox::Backend;
use crate::sandbox::Bound;
use crate::sandbox::Exit;
use crate::sandbox::Heard;
use crate::sandbox::Launch;
use crate::sandbox::Limits;
use crate::sandbox::Sandbox;
use crate::sandbox::Spec;
use crate::sandbox::Streams;
use crate::sandbox::doctor::Found;
use crate::sandbox::doctor::LITTLE;

/// Where attacks stand.
pub(super) const FOLDER: &str = "/workspace/probe";

/// An attack takes no longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Attacks a bound in a fresh sandbox.
pub(super) fn attack(bound: Bound, backend: &dyn Backend, spec: &Spec, cancel: &Cancel) -> Found {
    let attack = Attack {
        backend,
        spec: spec.clone(),
        cancel,
    };
    let found = match bound {
        Bound::Network => attack.network(),
        Bound::Files => attack.files(),
        Bound::Processes => attack.processes(),
        Bound::Kernel => attack.kernel(),
        Bound::Cpu => attack.cpu(),
        Bound::Wall => attack.wall(),
        Bound::Memory => attack.memory(),
        Bound::ProcessCount => attack.process_count(),
        Bound::Output => attack.output(),
        Bound::Disk => attack.disk(),
        Bound::Inodes => attack.inodes(),
        Bound::CleanUp => attack.clean_up(),
    };
    found.unwrap_or_else(|error| Found::Nothing(format!("it could not be tried: {error}")))
}

struct Attack<'a> {
    backend: &'a dyn Backend,
    spec: Spec,
    cancel: &'a Cancel,
}

/// What a script said, and how it ended if it did.
struct Said {
    text: String,
    exit: Option<Exit>,
}

impl Said {
    fn has(&self, word: &str) -> bool {
        self.text.lines().any(|line| line.trim() == word)
    }

    /// The number behind a word on a line of its own.
    fn number(&self, word: &str) -> Option<u64> {
        let line = self.text.lines().rev();
        line.filter_map(|line| line.trim().strip_prefix(word))
            .find_map(|rest| rest.trim().parse().ok())
    }
}

impl Attack<'_> {
    fn start(&self, limits: Limits) -> Result<Box<dyn Sandbox>> {
        let spec = Spec {
            limits,
            ..self.spec.clone()
        };
        self.backend.start(&spec, self.cancel)
    }

    /// Runs a script in a sandbox of its own, up to its end, or to a line that says `done`.
    fn run(&self, limits: Limits, script: &str) -> Result<Said> {
        let mut sandbox = self.start(limits)?;
        self.run_in(&mut *sandbox, script)
    }

    fn run_in(&self, sandbox: &mut dyn Sandbox, script: &str) -> Result<Said> {
        let launch = Launch {
            argv: ["sh", "-c", script].map(str::to_owned).to_vec(),
            cwd: FOLDER.to_owned(),
            env: Vec::new(),
            streams: Streams::Pipe,
        };
        let mut process = sandbox.spawn(&launch)?;
        let deadline = Instant::now() + PATIENCE;
        let mut said = Vec::new();
        let mut exit = None;
        while exit.is_none() && Instant::now() < deadline {
            if self.cancel.is_cancelled() {
                return Err(Error::limit("stopped"));
            }
            match process.read(&mut said, Duration::from_millis(250))? {
                Heard::End(end) => exit = Some(end),
                Heard::Bytes if said.len() < 1 << 16 => {
                    if said
                        .split(|byte| *byte == b'\n')
                        .any(|line| line == b"done")
                    {
                        break;
                    }
                }
                Heard::Bytes | Heard::Silence => {}
            }
        }
        let text = String::from_utf8_lossy(&said).into_owned();
        Ok(Said { text, exit })
    }

    /// Knocks at listeners of ours on this machine.
    fn network(&self) -> Result<Found> {
        let failed = |err: io::Error| Error::limit("no listener").caused_by(err);
        let tcp = TcpListener::bind("127.0.0.1:0").map_err(failed)?;
        let udp = UdpSocket::bind("127.0.0.1:0").map_err(failed)?;
        tcp.set_nonblocking(true).map_err(failed)?;
        udp.set_nonblocking(true).map_err(failed)?;
        let tcp_port = tcp.local_addr().map_err(failed)?.port();
        let udp_port = udp.local_addr().map_err(failed)?.port();
        let script = format!(
            "command -v bash >/dev/null || {{ echo nobash; exit; }}; bash -c 'echo x >/dev/tcp/127.0.0.1/{tcp_port}'; \
             bash -c 'echo x >/dev/udp/127.0.0.1/{udp_port}'; echo tried"
        );
        let said = self.run(LITTLE, &script)?;
        let has_come = tcp.accept().is_ok() || udp.recv(&mut [0; 8]).is_ok();
        Ok(if has_come {
            Found::Broken("a listener outside was reached".to_owned())
        } else if said.has("tried") {
            Found::Held("listeners of this machine were not reached by TCP or UDP".to_owned())
        } else {
            Found::Nothing("there is no bash to try it with".to_owned())
        })
    }

    /// Reads a secret by every path that leads to it.
    fn files(&self) -> Result<Found> {
        let failed = |err: io::Error| Error::limit("no secret to steal").caused_by(err);
        let folder = tempfile::tempdir().map_err(failed)?;
        let path = folder.path().join("secret");
        fs::write(&path, "stolen\n").map_err(failed)?;
        // it is the walls that must keep it, not its permissions
        open_to_all(folder.path()).map_err(failed)?;
        let path = path.display();
        let script = format!(
            "cat {path}; ln -s {path} l && cat l; ln -s / r && cat r/{path}; cat ../../../../../..{path}; \
             cat /proc/1/root{path}; cat /proc/self/root{path}; cat /proc/self/cwd/../../../..{path}; echo broken >>{path}; \
             echo tried"
        );
        let said = self.run(LITTLE, &script)?;
        let is_changed = fs::read(folder.path().join("secret")).is_ok_and(|now| now != b"stolen\n");
        Ok(if is_changed || said.has("stolen") {
            Found::Broken("a file outside was read or written".to_owned())
        } else {
            held(
                said.has("tried"),
                "a file outside was not reached by path, link, `..` or /proc",
            )
        })
    }

    /// Looks for us.
    fn processes(&self) -> Result<Found> {
        let pid = std::process::id();
        let me = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let me: Vec<u8> = me.split(|byte| *byte == 0).collect::<Vec<_>>().join(&b' ');
        let script = format!(
            "tr '\\0' ' ' </proc/{pid}/cmdline; echo; cat /proc/{pid}/environ >/dev/null && echo environ; echo tried"
        );
        let said = self.run(LITTLE, &script)?;
        let me = String::from_utf8_lossy(&me).trim().to_owned();
        let is_me = !me.is_empty() && said.has(&me);
        Ok(if is_me && said.has("environ") {
            Found::Broken("the environment of hgview was read".to_owned())
        } else if is_me {
            Found::Broken("the name and arguments of hgview were read in /proc".to_owned())
        } else {
            held(said.has("tried"), "hgview was not found in /proc")
        })
    }

    /// Opens settings of the kernel for writing; nothing is written.
    fn kernel(&self) -> Result<Found> {
        let script = "for f in core_pattern modprobe sysrq hostname; do (: >>/proc/sys/kernel/$f) && echo open; done; \
                      (: >>/proc/sysrq-trigger) && echo open; \
                      (: </dev/mem) && echo open; (: </dev/kmsg) && echo open; \
                      mkdir m; mount -t tmpfs x m && echo open; echo tried";
        let said = self.run(LITTLE, script)?;
        Ok(if said.has("open") {
            Found::Broken("a setting or device of the kernel was opened".to_owned())
        } else {
            held(
                said.has("tried"),
                "settings, devices and mounts of the kernel were refused",
            )
        })
    }

    fn cpu(&self) -> Result<Found> {
        let limits = Limits {
            cpu: Duration::from_secs(1),
            ..LITTLE
        };
        let said = self.run(limits, "while :; do :; done")?;
        Ok(ended(&said, "a busy loop was ended"))
    }

    fn wall(&self) -> Result<Found> {
        let limits = Limits {
            wall: Duration::from_secs(2),
            ..LITTLE
        };
        let said = self.run(limits, "sleep 1000")?;
        Ok(ended(&said, "a sleeping process was ended"))
    }

    /// Several processes, each within the bound, together well beyond it.
    fn memory(&self) -> Result<Found> {
        let script = "take() { x=$(head -c 100000000 /dev/zero | tr '\\0' x); echo took; sleep 1000; }; \
                      for i in 1 2 3 4 5 6; do take & done; wait; echo done";
        let limits = Limits {
            cpu: PATIENCE,
            ..LITTLE
        };
        let said = self.run(limits, script)?;
        let count = said.text.lines().filter(|line| *line == "took").count();
        Ok(if count == 6 && said.exit.is_none() {
            Found::Broken("600 MB were taken where 256 MiB are the bound".to_owned())
        } else {
            Found::Held(format!("{count} of 6 processes could take 100 MB"))
        })
    }

    fn process_count(&self) -> Result<Found> {
        let script = "i=0; while [ $i -lt 120 ]; do sleep 100 & i=$((i+1)); done; \
                      n=0; for p in $(jobs -p); do kill -0 $p 2>/dev/null && n=$((n+1)); done; echo alive $n; sleep 3; echo done";
        let said = self.run(LITTLE, script)?;
        let alive = said.number("alive");
        let is_over = alive.is_some_and(|count| count > LITTLE.processes) && said.has("done");
        Ok(if is_over {
            Found::Broken(format!(
                "{} processes ran where {} are the bound",
                alive.unwrap_or_default(),
                LITTLE.processes
            ))
        } else {
            Found::Held("120 processes were too many".to_owned())
        })
    }

    fn output(&self) -> Result<Found> {
        let said = self.run(
            LITTLE,
            "while :; do echo yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy; done",
        )?;
        Ok(ended(&said, "endless printing was ended"))
    }

    fn disk(&self) -> Result<Found> {
        let script = "i=0; while [ $i -lt 48 ]; do head -c 1000000 /dev/zero >f$i || break; i=$((i+1)); done; \
                      echo wrote $i; sleep 4; echo done";
        let said = self.run(LITTLE, script)?;
        Ok(filled(&said, 16, "48 MB", "16 MiB"))
    }

    fn inodes(&self) -> Result<Found> {
        let script = "i=0; while [ $i -lt 6000 ]; do : >n$i || break; i=$((i+1)); done; echo wrote $i; sleep 2; echo done";
        let said = self.run(LITTLE, script)?;
        Ok(filled(&said, LITTLE.inodes, "6000 files", "2000"))
    }

    /// Hides a process, ends the sandbox, and looks for it from outside.
    fn clean_up(&self) -> Result<Found> {
        let word = format!("3{:09}", std::process::id());
        let script = format!(
            "if command -v setsid >/dev/null; then setsid sleep {word} >/dev/null 2>&1 </dev/null & \
             else sleep {word} >/dev/null 2>&1 </dev/null & fi; echo done"
        );
        let mut sandbox = self.start(LITTLE)?;
        self.run_in(&mut *sandbox, &script)?;
        let was_there = within(PATIENCE / 4, || runs(&word));
        drop(sandbox);
        Ok(if !was_there {
            Found::Nothing("its processes cannot be seen from here".to_owned())
        } else if within(PATIENCE, || !runs(&word)) {
            Found::Held("a process that hid in a session of its own ended with it".to_owned())
        } else {
            Found::Broken("a process that hid in a session of its own survived it".to_owned())
        })
    }
}

fn held(was_tried: bool, how: &str) -> Found {
    if was_tried {
        Found::Held(how.to_owned())
    } else {
        Found::Nothing("the attack did not get to its end".to_owned())
    }
}

fn ended(said: &Said, how: &str) -> Found {
    match &said.exit {
        Some(_) => Found::Held(how.to_owned()),
        None => Found::Broken(format!("it ran on for {} seconds", PATIENCE.as_secs())),
    }
}

fn filled(said: &Said, most: u64, wanted: &str, bound: &str) -> Found {
    match said.number("wrote") {
        Some(wrote) if wrote > most + most / 4 && said.has("done") => {
            Found::Broken(format!("{wanted} were made where {bound} are the bound"))
        }
        _ => Found::Held(format!("{wanted} were too much")),
    }
}

#[cfg(unix)]
fn open_to_all(folder: &std::path::Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;

    fs::set_permissions(folder, fs::Permissions::from_mode(0o755))?;
    fs::set_permissions(folder.join("secret"), fs::Permissions::from_mode(0o666))
}

#[cfg(not(unix))]
fn open_to_all(_: &std::path::Path) -> io::Result<()> {
    Ok(())
}

/// Whether a process with this word among its arguments runs on this machine.
fn runs(word: &str) -> bool {
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    let arguments =
        |entry: fs::DirEntry| fs::read(entry.path().join("cmdline")).unwrap_or_default();
    all.map(arguments).any(|said| {
        said.split(|byte| *byte == 0)
            .any(|arg| arg == word.as_bytes())
    })
}

fn within(patience: Duration, is_so: impl Fn() -> bool) -> bool {
    let deadline = Instant::now() + patience;
    while !is_so() {
        if Instant::now() > deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    true
}
