//! Engines of the tests' own, with one image that they make: store, socket and service go with the value.

use std::fs;
use std::io::Read as _;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::fs::chown;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::time::Instant;

use hgview::cancel::Cancel;
use hgview::sandbox::Backend as _;
use hgview::sandbox::Sandbox;
use hgview::sandbox::Spec;
use hgview::sandbox::engine::Engine;
use rustix::process::Signal;

use crate::sandbox_engine::DEADLINE;
use crate::sandbox_engine::PATIENCE;
use crate::sandbox_engine::TURN;

/// Which engine, and whose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Podman as root.
    Podman,
    /// Podman as an ordinary user.
    Rootless,
    /// Docker, which is root's.
    Docker,
}

/// The programs of the image.
const PROGRAMS: [&str; 20] = [
    "bash", "cat", "ls", "sleep", "head", "env", "id", "stat", "seq", "tr", "wc", "mkdir", "rm",
    "mv", "ln", "chmod", "chown", "touch", "stty", "setsid",
];
/// Its name.
pub(super) const IMAGE: &str = "hgview-test:1";

/// A service that runs.
pub(super) struct Service {
    place: Place,
    service: Child,
}

/// Where an engine keeps everything, and as whom it runs.
struct Place {
    folder: tempfile::TempDir,
    kind: Kind,
    user: Option<(u32, u32)>,
}

impl Service {
    /// Nothing, and a word of it, where this engine does not work.
    pub(super) fn start(kind: Kind) -> Option<Self> {
        let started = Place::new(kind).and_then(Self::at);
        match started {
            Ok(service) => Some(service),
            Err(why) => {
                eprintln!("skipped: {kind:?}: {why}");
                None
            }
        }
    }

    fn at(place: Place) -> Result<Self, String> {
        let tar = image(place.folder.path())?;
        if place.kind != Kind::Docker {
            place.configure()?;
            run(place.podman().args(["import", "-q"]).arg(&tar).arg(IMAGE))?;
            // what it needs to run at all
            let line = [
                "run",
                "--rm",
                "--network=none",
                IMAGE,
                "/bin/bash",
                "-c",
                ":",
            ];
            run(place.podman().args(line))?;
        }
        let log = fs::File::create(place.folder.path().join("log")).unwrap();
        let service = place
            .service()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(|err| err.to_string())?;
        let mut service = Self { place, service };
        service.wait()?;
        if service.place.kind == Kind::Docker {
            service.import(&tar)?;
        }
        Ok(service)
    }

    /// Waits until it answers.
    fn wait(&mut self) -> Result<(), String> {
        let deadline = Instant::now() + DEADLINE;
        while Engine::at(&self.socket(), PATIENCE).is_err() {
            let is_gone = self.service.try_wait().unwrap().is_some();
            if is_gone || Instant::now() > deadline {
                let log = fs::read_to_string(self.place.folder.path().join("log"));
                let log = log.unwrap_or_default();
                return Err(format!("no answer: {}", log.lines().last().unwrap_or("")));
            }
            std::thread::sleep(TURN);
        }
        Ok(())
    }

    fn import(&self, tar: &Path) -> Result<(), String> {
        let bytes = fs::read(tar).unwrap();
        let said = self.ask(
            "POST",
            "/images/create?fromSrc=-&repo=hgview-test&tag=1",
            &bytes,
        );
        let is_there = Engine::at(&self.socket(), PATIENCE)
            .and_then(|engine| engine.images())
            .is_ok_and(|names| names.iter().any(|name| name.contains(IMAGE)));
        if is_there { Ok(()) } else { Err(said) }
    }

    pub(super) fn socket(&self) -> PathBuf {
        self.place.socket()
    }

    pub(super) fn engine(&self) -> Engine {
        Engine::at(&self.socket(), PATIENCE).unwrap()
    }

    pub(super) fn start_sandbox(&self, spec: &Spec) -> Box<dyn Sandbox> {
        self.engine().start(spec, &Cancel::new()).unwrap()
    }

    /// Asks it something.
    fn ask(&self, method: &str, path: &str, body: &[u8]) -> String {
        let mut stream = UnixStream::connect(self.socket()).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let len = body.len();
        let head = format!(
            "{method} {path} HTTP/1.0\r\nHost: d\r\nContent-Type: application/x-tar\r\nContent-Length: {len}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        let mut said = Vec::new();
        stream.read_to_end(&mut said).unwrap();
        String::from_utf8_lossy(&said).into_owned()
    }

    /// The containers that there are, as it tells them.
    pub(super) fn containers(&self) -> Vec<String> {
        let said = self.ask("GET", "/containers/json?all=1", b"");
        assert!(said.contains(" 200 "), "{said}");
        let parts = said.split("\"Id\":\"").skip(1);
        parts.map(|part| part.chars().take(300).collect()).collect()
    }

    /// Waits until none is left: it may clean up a little after it says that one is removed.
    #[track_caller]
    pub(super) fn comes_to_nothing(&self) {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let left = self.containers();
            if left.is_empty() {
                return;
            }
            assert!(Instant::now() < deadline, "still there: {left:?}");
            std::thread::sleep(TURN);
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // docker ends what it started when it is asked to end
        let pid = rustix::process::Pid::from_child(&self.service);
        rustix::process::kill_process(pid, Signal::TERM).ok();
        drop(self.service.wait());
        self.place.clear();
    }
}

impl Place {
    fn new(kind: Kind) -> Result<Self, String> {
        let is_root = rustix::process::geteuid().is_root();
        if kind != Kind::Rootless && !is_root {
            return Err("it needs root".to_owned());
        }
        let program = if kind == Kind::Docker {
            "dockerd"
        } else {
            "podman"
        };
        run(Command::new(program).arg("--version"))
            .map_err(|why| format!("no {program}: {why}"))?;
        let user = match kind {
            Kind::Rootless if is_root => Some(ordinary_user()?),
            _ => None,
        };
        let folder = tempfile::Builder::new()
            .prefix("pm")
            .tempdir_in("/tmp")
            .unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        Ok(Self { folder, kind, user })
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("s.sock")
    }

    /// Writes podman's settings.
    fn configure(&self) -> Result<(), String> {
        let at = self.folder.path();
        let show = at.display();
        let runtime = ["runc", "crun"]
            .into_iter()
            .find(|name| run(Command::new(name).arg("--version")).is_ok())
            .ok_or("no runc or crun")?;
        let conf = format!(
            "[engine]\nruntime=\"{runtime}\"\ncgroup_manager=\"cgroupfs\"\nevents_logger=\"file\"\n\
             tmp_dir=\"{show}/tmp\"\nlock_type=\"file\"\n\
             [containers]\ndefault_ulimits=[\"nofile=1024:1024\",\"nproc=4096:4096\"]\n"
        );
        fs::write(at.join("containers.conf"), conf).unwrap();
        let store = format!(
            "[storage]\ndriver=\"overlay\"\ngraphroot=\"{show}/store\"\nrunroot=\"{show}/run\"\n"
        );
        fs::write(at.join("storage.conf"), store).unwrap();
        fs::create_dir(at.join("xdg")).unwrap();
        if let Some((uid, gid)) = self.user {
            for name in [".", "xdg"] {
                chown(at.join(name), Some(uid), Some(gid)).unwrap();
            }
        }
        fs::set_permissions(at.join("xdg"), fs::Permissions::from_mode(0o700)).unwrap();
        Ok(())
    }

    fn podman(&self) -> Command {
        self.ours("podman")
    }

    /// A command as the user of this engine.
    fn ours(&self, program: &str) -> Command {
        let at = self.folder.path();
        let mut command = Command::new(program);
        command
            .env("CONTAINERS_CONF", at.join("containers.conf"))
            .env("CONTAINERS_STORAGE_CONF", at.join("storage.conf"))
            .current_dir(at);
        if self.kind == Kind::Rootless {
            command
                .env("HOME", at)
                .env("XDG_RUNTIME_DIR", at.join("xdg"));
        }
        if let Some((uid, gid)) = self.user {
            command.uid(uid).gid(gid);
        }
        command
    }

    fn service(&self) -> Command {
        let at = self.folder.path();
        let socket = format!("unix://{}", self.socket().display());
        if self.kind != Kind::Docker {
            let mut command = self.podman();
            command.args(["system", "service", "--time=0"]).arg(socket);
            return command;
        }
        let mut command = Command::new("dockerd");
        command
            .args([
                "--bridge=none",
                "--iptables=false",
                "--ip6tables=false",
                "-H",
            ])
            .arg(socket)
            .arg("--data-root")
            .arg(at.join("data"))
            .arg("--exec-root")
            .arg(at.join("exec"))
            .arg("--pidfile")
            .arg(at.join("pid"));
        command
    }

    /// Ends what an engine leaves, so that its folder can be removed.
    fn clear(&self) {
        let at = self.folder.path();
        if self.kind == Kind::Docker {
            return;
        }
        drop(run(self.podman().args(["rm", "-af", "--time=0"])));
        if self.kind == Kind::Rootless {
            // files of other users, which only the users' own namespace can remove
            let store = [at.join("store"), at.join("run")];
            drop(run(self
                .podman()
                .args(["unshare", "rm", "-rf"])
                .args(store)));
            // it keeps the users' namespace, for the next podman
            let pause = fs::read_to_string(at.join("tmp/pause.pid")).unwrap_or_default();
            let pause = pause.trim().parse().ok();
            if let Some(pause) = pause.and_then(rustix::process::Pid::from_raw) {
                rustix::process::kill_process(pause, Signal::KILL).ok();
            }
        }
        // podman mounts its store on itself
        let store = at.join("store/overlay");
        let mut umount = Command::new("umount");
        drop(umount.arg("-l").arg(store).stderr(Stdio::null()).status());
    }
}

/// Somebody who has numbers of other users to give away, as podman wants it.
fn ordinary_user() -> Result<(u32, u32), String> {
    let given = fs::read_to_string("/etc/subuid").unwrap_or_default();
    let known = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let names: Vec<&str> = given
        .lines()
        .filter_map(|line| line.split(':').next())
        .collect();
    let found = known.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        let [name, _, uid, gid, ..] = fields[..] else {
            return None;
        };
        let (uid, gid): (u32, u32) = (uid.parse().ok()?, gid.parse().ok()?);
        (uid > 0 && names.contains(&name)).then_some((uid, gid))
    });
    found.ok_or_else(|| "no ordinary user has an entry in /etc/subuid".to_owned())
}

pub(super) fn run(command: &mut Command) -> Result<(), String> {
    let done = command.output().map_err(|err| err.to_string())?;
    if done.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&done.stderr).trim().to_owned())
}

/// A tar of programs of this machine, with the libraries that they need.
fn image(at: &Path) -> Result<PathBuf, String> {
    let root = at.join("root");
    for folder in [
        "bin", "tmp", "etc", "proc", "sys", "dev", "root", "base/sub",
    ] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    fs::write(root.join("base/kept"), "kept\n").unwrap();
    fs::write(root.join("base/sub/gone"), "gone\n").unwrap();
    for name in PROGRAMS {
        let from = ["/bin", "/usr/bin"].map(|folder| Path::new(folder).join(name));
        let from = from
            .iter()
            .find(|path| path.exists())
            .ok_or(format!("no {name}"))?;
        fs::copy(from, root.join("bin").join(name)).unwrap();
        let said = Command::new("ldd")
            .arg(from)
            .output()
            .map_err(|err| err.to_string())?;
        let said = String::from_utf8_lossy(&said.stdout).into_owned();
        for library in said.split_whitespace().filter(|word| word.starts_with('/')) {
            let to = root.join(library.trim_start_matches('/'));
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(library, to).unwrap();
        }
    }
    symlink("bash", root.join("bin/sh")).unwrap();
    let tar = at.join("image.tar");
    run(Command::new("tar")
        .arg("-C")
        .arg(root)
        .args(["--owner=0", "--group=0"])
        .arg("-cf")
        .arg(&tar)
        .arg("."))?;
    Ok(tar)
}
