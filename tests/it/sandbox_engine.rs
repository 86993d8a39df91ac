//! Sandboxes as containers: by engines of the tests' own, each that is here, and by engines that are broken on purpose.

mod service;

use std::collections::BTreeSet;
use std::fs;
use std::io::Read as _;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use hgview::cancel::Cancel;
use hgview::error::Kind;
use hgview::sandbox::Backend as _;
use hgview::sandbox::Bound;
use hgview::sandbox::Entry;
use hgview::sandbox::Exit;
use hgview::sandbox::FileKind;
use hgview::sandbox::Heard;
use hgview::sandbox::Holding;
use hgview::sandbox::Launch;
use hgview::sandbox::Limits;
use hgview::sandbox::Process;
use hgview::sandbox::Sandbox;
use hgview::sandbox::Spec;
use hgview::sandbox::Streams;
use hgview::sandbox::System;
use hgview::sandbox::Tree;
use hgview::sandbox::engine::Engine;

use crate::sandbox::interrupted;
use crate::sandbox::takes_another_size;
use crate::sandbox_engine::service::IMAGE;
use crate::sandbox_engine::service::Service;

/// Nothing here takes so long.
const DEADLINE: Duration = Duration::from_mins(2);
const PATIENCE: Duration = Duration::from_mins(1);
/// How often something is looked at that is waited for.
const TURN: Duration = Duration::from_millis(20);

/// The tests of a running engine, for each.
macro_rules! for_each_engine {
    ($($test:ident),* $(,)?) => {
        for_each_engine!(@ podman Podman $($test)*);
        for_each_engine!(@ rootless Rootless $($test)*);
        for_each_engine!(@ docker Docker $($test)*);
    };
    (@ $engine:ident $kind:ident $($test:ident)*) => {
        mod $engine {
            $(#[test]
            fn $test() {
                use crate::sandbox_engine::service::Kind;
                use crate::sandbox_engine::service::Service;
                if let Some(engine) = Service::start(Kind::$kind) {
                    crate::sandbox_engine::$test(&engine);
                }
            })*
        }
    };
}

for_each_engine!(
    a_container_runs_commands_and_tells_its_changes,
    files_of_a_container_are_read_and_changed,
    a_terminal_of_a_container_is_one,
    a_terminal_takes_another_size,
    bounds_of_a_container_hold_or_are_told,
    memory_of_a_container_is_bounded_where_that_is_told,
    processes_of_a_container_are_bounded_where_that_is_told,
    a_container_that_writes_too_much_is_ended,
    a_process_is_killed_and_a_wrong_one_is_told,
    no_container_is_left_when_hgview_is_killed,
);

/// A repository of two files and a link.
fn lower() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.txt"), "one\n").unwrap();
    fs::create_dir(folder.path().join("src")).unwrap();
    fs::write(folder.path().join("src/b.py"), "print(2)\n").unwrap();
    symlink("/etc/shadow", folder.path().join("out")).unwrap();
    folder
}

fn tree(at: &str, lower: Option<&Path>) -> Tree {
    Tree {
        at: at.to_owned(),
        lower: lower.map(Path::to_owned),
    }
}

fn spec(lower: &Path) -> Spec {
    Spec {
        system: System::Image(IMAGE.to_owned()),
        trees: vec![tree("/workspace/repo", Some(lower)), tree("/base", None)],
        limits: Limits {
            memory: 512 << 20,
            processes: 60,
            ..Limits::default()
        },
        ..Spec::default()
    }
}

fn shell(sandbox: &mut dyn Sandbox, script: &str, streams: Streams) -> Box<dyn Process> {
    let launch = Launch {
        argv: ["bash", "-c", script].map(str::to_owned).to_vec(),
        cwd: "/workspace/repo".to_owned(),
        env: vec![("EXTRA".to_owned(), "yes".to_owned())],
        streams,
    };
    sandbox.spawn(&launch).unwrap()
}

#[track_caller]
fn end(process: &mut dyn Process) -> (String, Exit) {
    let deadline = Instant::now() + DEADLINE;
    let mut said = Vec::new();
    loop {
        if let Heard::End(exit) = process.read(&mut said, DEADLINE).unwrap() {
            return (String::from_utf8_lossy(&said).into_owned(), exit);
        }
        let told = String::from_utf8_lossy(&said);
        assert!(Instant::now() < deadline, "no end after {told}");
    }
}

/// What a script writes, and its end.
#[track_caller]
fn says(sandbox: &mut dyn Sandbox, script: &str) -> (String, Exit) {
    end(&mut *shell(sandbox, script, Streams::Pipe))
}

fn text(path: &[u8]) -> String {
    String::from_utf8(path.to_vec()).unwrap()
}

fn a_container_runs_commands_and_tells_its_changes(engine: &Service) {
    let lower = lower();
    let spec = spec(lower.path());
    let mut sandbox = engine.start_sandbox(&spec);
    let script = "pwd; echo error >&2; cat a.txt; cat <&0 | wc -c; echo $EXTRA $HOME $(id -u); \
                  echo two >a.txt; rm src/b.py; mkdir new; echo x >new/c; chmod 700 new/c; ln -s c new/d; \
                  echo y >/base/added; rm /base/sub/gone; exit 3";
    let (said, exit) = says(&mut *sandbox, script);
    assert_eq!(said, "/workspace/repo\nerror\none\n0\nyes /root 0\n");
    assert_eq!(exit, Exit::Code(3));
    let layer = sandbox.layer(None).unwrap();
    let told: Vec<String> = layer.entries.keys().map(|path| text(path)).collect();
    let expected = [
        "/base/added",
        "/base/sub/gone",
        "/workspace/repo/a.txt",
        "/workspace/repo/new",
        "/workspace/repo/new/c",
        "/workspace/repo/new/d",
        "/workspace/repo/src/b.py",
    ];
    let told: Vec<&str> = told
        .iter()
        .map(String::as_str)
        .filter(|path| *path != "/base/sub")
        .collect();
    assert_eq!(told, expected);
    assert_eq!(layer.entries[&b"/base/sub/gone"[..]], Entry::Removed);
    assert!(matches!(
        &layer.entries[&b"/workspace/repo/new/c"[..]],
        Entry::File { mode: 0o700, content } if &*content.bytes == b"x\n"
    ));
    assert_eq!(fs::read(lower.path().join("a.txt")).unwrap(), b"one\n");

    // another starts where this one stood
    let next = Spec {
        layer: Some(Arc::new(layer.clone())),
        ..spec
    };
    let mut second = engine.start_sandbox(&next);
    let (said, _) = says(
        &mut *second,
        "cat a.txt new/d /base/added; ls src /base/sub | wc -w",
    );
    assert_eq!(said, "two\nx\ny\n2\n");
    let again = second.layer(Some(&layer)).unwrap();
    assert_eq!(
        again.entries[&b"/workspace/repo/a.txt"[..]],
        layer.entries[&b"/workspace/repo/a.txt"[..]]
    );
    assert_eq!(engine.containers().len(), 2);
    drop((sandbox, second));
    engine.comes_to_nothing();
}

fn files_of_a_container_are_read_and_changed(engine: &Service) {
    let lower = lower();
    let mut sandbox = engine.start_sandbox(&spec(lower.path()));
    let at = |name: &str| format!("/workspace/repo/{name}");
    let files = sandbox.files();
    assert_eq!(files.read(&at("a.txt"), 100).unwrap(), b"one\n");
    assert_eq!(files.read(&at("none"), 9).unwrap_err().errno, Some(2));
    assert_eq!(files.read(&at("src"), 9).unwrap_err().errno, Some(21));
    assert!(files.read(&at("a.txt"), 3).unwrap_err().errno.is_none());
    // the link leads to the container's own file, which it has not
    assert!(files.read(&at("out"), 9999).is_err());
    files.make_dirs(&at("x/y")).unwrap();
    files.write(&at("x/y/z"), b"text", Some(0o755)).unwrap();
    files.write(&at("x/y/z"), b"other", None).unwrap();
    let meta = files.meta(&at("x/y/z")).unwrap().unwrap();
    assert_eq!((meta.kind, meta.len, meta.mode), (FileKind::File, 5, 0o755));
    assert_eq!(
        files.write(&at("no/z"), b"", None).unwrap_err().errno,
        Some(2)
    );
    files.set_mode(&at("x/y/z"), 0o600).unwrap();
    files.rename(&at("x/y/z"), &at("x/w")).unwrap();
    files.remove(&at("a.txt")).unwrap();
    assert_eq!(files.remove(&at("a.txt")).unwrap_err().errno, Some(2));
    assert_eq!(files.meta(&at("a.txt")).unwrap(), None);
    files.write("/tmp/t", b"\0\xff", None).unwrap();
    assert_eq!(files.read("/tmp/t", 9).unwrap(), b"\0\xff");
    let found = files.list("/workspace/repo", 2, 100).unwrap();
    let found: BTreeSet<&str> = found.iter().map(|found| found.path.as_str()).collect();
    assert_eq!(
        found,
        BTreeSet::from(["out", "src", "src/b.py", "x", "x/w", "x/y"])
    );
    assert!(
        files
            .list("/workspace/repo", 2, 3)
            .unwrap_err()
            .errno
            .is_none()
    );
    assert_eq!(files.list("/nowhere", 1, 3).unwrap_err().errno, Some(2));
    let (said, _) = says(
        &mut *sandbox,
        "stat -c '%a %u' x/w; ln -s ../../../../../../tmp/t l",
    );
    assert_eq!(said, "600 0\n");
    assert_eq!(sandbox.files().read(&at("l"), 9).unwrap(), b"\0\xff");
}

fn a_terminal_of_a_container_is_one(engine: &Service) {
    let lower = lower();
    let mut sandbox = engine.start_sandbox(&spec(lower.path()));
    let streams = Streams::Terminal {
        rows: 33,
        columns: 77,
    };
    // bytes that a client takes for the head of a frame
    let script = "printf '\\001\\000\\000\\000\\377\\377\\377\\377'; read x; stty size; echo got $x; sleep 1000";
    let mut process = shell(&mut *sandbox, script, streams);
    process.write(b"typed\r").unwrap();
    let mut said = Vec::new();
    let deadline = Instant::now() + DEADLINE;
    while !String::from_utf8_lossy(&said).contains("got typed") {
        process.read(&mut said, Duration::from_secs(1)).unwrap();
        let told = String::from_utf8_lossy(&said);
        assert!(Instant::now() < deadline, "{told:?}");
    }
    let told = String::from_utf8_lossy(&said).into_owned();
    assert!(told.contains("33 77"), "{told:?}");
    assert_eq!(interrupted(&mut *process).code(), 130);
}

#[track_caller]
fn holds(sandbox: &dyn Sandbox, bound: Bound) -> Holding {
    let proof = sandbox.proofs().iter().find(|proof| proof.bound == bound);
    proof.unwrap().holding
}

/// A container with these limits.
fn limited(engine: &Service, lower: &Path, limits: Limits) -> Box<dyn Sandbox> {
    let spec = Spec {
        limits,
        ..spec(lower)
    };
    engine.start_sandbox(&spec)
}

fn bounds_of_a_container_hold_or_are_told(engine: &Service) {
    let lower = lower();
    let few = Limits {
        output: 1 << 20,
        cpu: Duration::from_secs(1),
        ..Limits::default()
    };
    let mut sandbox = limited(engine, lower.path(), few);
    let proofs = sandbox.proofs();
    assert_eq!(proofs.len(), Bound::ALL.len(), "{proofs:?}");
    assert_eq!(
        holds(&*sandbox, Bound::Network),
        Holding::Enforced,
        "{proofs:?}"
    );
    assert_ne!(
        holds(&*sandbox, Bound::Kernel),
        Holding::NotEnforced,
        "{proofs:?}"
    );
    // in large pieces, so that it comes to its bound before it comes to that of processor time
    let flood = "x=$(printf %09999d 7); while :; do echo $x$x$x$x; done";
    let (said, exit) = says(&mut *sandbox, flood);
    let len = said.len();
    assert!(matches!(exit, Exit::Bound(_)), "{exit:?} after {len}");
    let (said, exit) = says(&mut *sandbox, "while :; do :; done");
    assert_eq!(exit, Exit::Code(137), "{said}");
    let (said, exit) = says(
        &mut *sandbox,
        "(: >>/proc/sys/kernel/core_pattern) || echo is kept; exec 3<>/dev/tcp/127.0.0.1/1",
    );
    assert!(
        said.contains("is kept") && said.contains("/dev/tcp"),
        "{exit:?}: {said}"
    );
    drop(sandbox);
    engine.comes_to_nothing();
}

fn memory_of_a_container_is_bounded_where_that_is_told(engine: &Service) {
    let lower = lower();
    let few = Limits {
        memory: 128 << 20,
        ..Limits::default()
    };
    let mut sandbox = limited(engine, lower.path(), few);
    if holds(&*sandbox, Bound::Memory) != Holding::Enforced {
        eprintln!("skipped: {:?}", sandbox.proofs());
        return;
    }
    let hog = "bash -c 'x=$(head -c 300000000 /dev/zero | tr \"\\0\" x); echo has ${#x}'; echo ends with $?";
    let (said, exit) = says(&mut *sandbox, hog);
    // the kernel may end whichever of them it likes: all of them, then, are gone
    let is_bounded = said.ends_with("ends with 137\n") || exit == Exit::Code(137);
    let is_whole = said.contains("has 300000000");
    assert!(is_bounded && !is_whole, "{exit:?}: {said}");
}

fn processes_of_a_container_are_bounded_where_that_is_told(engine: &Service) {
    let lower = lower();
    let few = Limits {
        processes: 30,
        ..Limits::default()
    };
    let mut sandbox = limited(engine, lower.path(), few);
    if holds(&*sandbox, Bound::ProcessCount) != Holding::Enforced {
        eprintln!("skipped: {:?}", sandbox.proofs());
        return;
    }
    let bomb = "for i in {1..60}; do sleep 1000 & done; echo all are there";
    let mut process = shell(&mut *sandbox, bomb, Streams::Pipe);
    let mut said = Vec::new();
    let deadline = Instant::now() + DEADLINE;
    let told = loop {
        let heard = process.read(&mut said, TURN).unwrap();
        let told = String::from_utf8_lossy(&said).into_owned();
        if told.contains("fork") {
            break told;
        }
        let goes_on = !matches!(heard, Heard::End(_)) && Instant::now() < deadline;
        assert!(
            goes_on && !told.contains("all are there"),
            "{heard:?}: {told}"
        );
    };
    // there may be no room for the one that kills: then the whole container goes, and says so
    process.kill();
    let (_, exit) = end(&mut *process);
    let is_killed = exit == Exit::Code(137) || matches!(exit, Exit::Bound(_));
    assert!(is_killed, "{exit:?} after {told}");
    drop((process, sandbox));
    engine.comes_to_nothing();
}

fn a_container_that_writes_too_much_is_ended(engine: &Service) {
    let lower = lower();
    let few = Limits {
        disk: 4 << 20,
        file: 64 << 20,
        ..Limits::default()
    };
    let mut sandbox = limited(engine, lower.path(), few);
    let script = "head -c 30000000 /dev/zero >big; sleep 1000";
    let mut process = shell(&mut *sandbox, script, Streams::Pipe);
    let (said, exit) = end(&mut *process);
    assert!(matches!(exit, Exit::Bound(_)), "{exit:?}: {said}");
    let launch = Launch {
        argv: vec!["ls".to_owned()],
        cwd: "/".to_owned(),
        env: Vec::new(),
        streams: Streams::Pipe,
    };
    let again = sandbox.spawn(&launch).map(drop);
    let error = again.unwrap_err();
    assert!(error.to_string().contains("disk"), "{error}");
    drop((process, sandbox));
    let few = Limits {
        inodes: 1000,
        ..Limits::default()
    };
    let mut sandbox = limited(engine, lower.path(), few);
    let script = "mkdir d; cd d; for i in {1..3000}; do : >$i; done; sleep 1000";
    let mut process = shell(&mut *sandbox, script, Streams::Pipe);
    let (said, exit) = end(&mut *process);
    let is_told = matches!(&exit, Exit::Bound(why) if why.contains("files"));
    assert!(is_told, "{exit:?}: {said}");
    drop((process, sandbox));
    engine.comes_to_nothing();
}

fn a_process_is_killed_and_a_wrong_one_is_told(engine: &Service) {
    let lower = lower();
    let mut sandbox = engine.start_sandbox(&spec(lower.path()));
    let mut process = shell(&mut *sandbox, "sleep 1000 & sleep 1000", Streams::Pipe);
    process.kill();
    assert_eq!(end(&mut *process).1.code(), 137);
    // what is left behind keeps the output open, but is not waited for
    let (_, exit) = says(&mut *sandbox, "setsid sleep 1000 & exit 4");
    assert_eq!(exit, Exit::Code(4));
    let launch = |argv: &[&str], cwd: &str| Launch {
        argv: argv.iter().map(|word| (*word).to_owned()).collect(),
        cwd: cwd.to_owned(),
        env: Vec::new(),
        streams: Streams::Pipe,
    };
    for wrong in [
        launch(&["no-such-program"], "/"),
        launch(&["ls"], "/no/such/folder"),
        launch(&[], "/"),
    ] {
        let error = sandbox.spawn(&wrong).err().unwrap();
        assert_eq!(error.kind(), Kind::Input, "{error}");
    }
    let backend = engine.engine();
    let wrong = Spec {
        system: System::Image("not-here:1".to_owned()),
        ..Spec::default()
    };
    let error = backend.start(&wrong, &Cancel::new()).err().unwrap();
    assert_eq!(error.kind(), Kind::Input);
    assert!(
        error.to_string().contains("has no image not-here:1"),
        "{error}"
    );
    let error = backend
        .start(&Spec::default(), &Cancel::new())
        .err()
        .unwrap();
    assert_eq!(error.kind(), Kind::Input);
}

/// Run by the next test in a process of its own: starts a container, says so, and waits to be killed.
#[test]
#[ignore = "a part of another test"]
fn part_that_is_killed() {
    let Some(socket) = std::env::var_os("HGVIEW_TEST_SOCKET") else {
        return;
    };
    let lower = lower();
    let engine = Engine::at(Path::new(&socket), PATIENCE).unwrap();
    let mut sandbox = engine.start(&spec(lower.path()), &Cancel::new()).unwrap();
    let _process = shell(&mut *sandbox, "sleep 1000", Streams::Pipe);
    writeln!(std::io::stdout(), "started").unwrap();
    std::thread::park();
}

fn no_container_is_left_when_hgview_is_killed(engine: &Service) {
    use std::io::BufRead as _;
    let mut part = Command::new(std::env::current_exe().unwrap())
        .args([
            "sandbox_engine::part_that_is_killed",
            "--ignored",
            "--nocapture",
            "--exact",
        ])
        .env("HGVIEW_TEST_SOCKET", engine.socket())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = std::io::BufReader::new(part.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.is_ok_and(|line| line.contains("started"))));
    assert_eq!(engine.containers().len(), 1);
    part.kill().unwrap();
    part.wait().unwrap();
    engine.comes_to_nothing();
}

/// What a broken engine comes to: it answers each connection with these bytes, or not at all.
#[track_caller]
fn check_broken(said: Option<String>, expected: &str) {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("s.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    // only one that says nothing is worth no patience
    let patience = said
        .as_ref()
        .map_or(Duration::from_millis(300), |_| PATIENCE);
    let server = std::thread::spawn(move || {
        let mut kept = Vec::new();
        while let Ok((mut stream, _)) = listener.accept() {
            let mut asked = [0; 4096];
            let count = stream.read(&mut asked).unwrap_or(0);
            if asked.starts_with(b"stop") {
                return;
            }
            let version = "{\"ApiVersion\":\"1.41\"}";
            let is_version = asked[..count].windows(8).any(|word| word == b"/version");
            let said = match &said {
                None => {
                    kept.push(stream);
                    continue;
                }
                Some(_) if is_version => answer("200 OK", version),
                Some(said) => said.clone(),
            };
            drop(stream.write_all(said.as_bytes()));
        }
    });
    let told = Engine::at(&socket, patience).and_then(|engine| {
        let spec = Spec {
            system: System::Image("some:1".to_owned()),
            ..Spec::default()
        };
        engine.start(&spec, &Cancel::new()).map(drop)
    });
    let error = told.unwrap_err().to_string();
    assert!(error.contains(expected), "{error}");
    let mut stop = std::os::unix::net::UnixStream::connect(&socket).unwrap();
    stop.write_all(b"stop").unwrap();
    server.join().unwrap();
}

fn answer(status: &str, body: &str) -> String {
    let len = body.len();
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len}\r\nConnection: close\r\n\r\n{body}"
    )
}

#[test]
fn broken_engines_are_told() {
    check_broken(None, "no answer within 0.3 seconds");
    let burns = answer("500 Internal Server Error", "{\"message\":\"it burns\"}");
    check_broken(Some(burns), "some:1: the engine says: it burns (HTTP 500)");
    let absent = answer("404 Not Found", "{\"message\":\"nope\"}");
    check_broken(Some(absent), "has no image some:1");
    check_broken(Some("no http at all\r\n\r\n".to_owned()), "some:1");
    let nobody = Engine::at(Path::new("/no/such/socket"), PATIENCE).unwrap_err();
    assert!(nobody.to_string().contains("no engine at /no/such/socket"));
}

fn a_terminal_takes_another_size(engine: &Service) {
    let lower = lower();
    let mut sandbox = engine.start_sandbox(&spec(lower.path()));
    takes_another_size(&mut *sandbox, "/workspace/repo");
}
