//! Sandboxes of Landlock and seccomp, by the real program: what runs in them, what they keep in, what is left.
//!
//! The same again below `bwrap --disable-userns`, which is like a container without user namespaces.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use hgview::cancel::Cancel;
use hgview::sandbox::Backend as _;
use hgview::sandbox::Entry;
use hgview::sandbox::Exit;
use hgview::sandbox::FileKind;
use hgview::sandbox::Heard;
use hgview::sandbox::Launch;
use hgview::sandbox::Limits;
use hgview::sandbox::Process;
use hgview::sandbox::Sandbox;
use hgview::sandbox::Spec;
use hgview::sandbox::Streams;
use hgview::sandbox::Tree;
use hgview::sandbox::landlock::Landlock;

use crate::sandbox::IGNORED;
use crate::sandbox::ignores_nothing;
use crate::sandbox::interrupted;
use crate::sandbox::passes_where_signals_are_ignored;
use crate::sandbox::takes_another_size;

/// Nothing here takes so long.
const DEADLINE: Duration = Duration::from_mins(3);

/// A repository of two files and a link that leads out.
fn lower() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.txt"), "one\n").unwrap();
    fs::create_dir(folder.path().join("src")).unwrap();
    fs::write(folder.path().join("src/b.py"), "print(2)\n").unwrap();
    symlink("/etc/shadow", folder.path().join("out")).unwrap();
    folder
}

fn spec(lower: &Path) -> Spec {
    Spec {
        trees: vec![Tree {
            at: "/workspace/repo".to_owned(),
            lower: Some(lower.to_owned()),
        }],
        ..Spec::default()
    }
}

/// A sandbox, or nothing and a word of it where the kernel has no Landlock.
fn start(spec: &Spec) -> Option<Box<dyn Sandbox>> {
    let backend = match Landlock::new(PathBuf::from(env!("CARGO_BIN_EXE_hgview"))) {
        Ok(backend) => backend,
        Err(error) => {
            eprintln!("skipped: {error}");
            return None;
        }
    };
    Some(backend.start(spec, &Cancel::new()).unwrap())
}

fn shell(sandbox: &mut dyn Sandbox, script: &str, streams: Streams) -> Box<dyn Process> {
    let launch = Launch {
        argv: ["bash", "-c", script].map(str::to_owned).to_vec(),
        cwd: "/workspace/repo".to_owned(),
        env: Vec::new(),
        streams,
    };
    sandbox.spawn(&launch).unwrap()
}

/// What a script writes, and its end.
#[track_caller]
fn run(sandbox: &mut dyn Sandbox, script: &str) -> (String, Exit) {
    let mut process = shell(sandbox, script, Streams::Pipe);
    end(&mut *process)
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

/// A script says something that contains this.
#[track_caller]
fn says(sandbox: &mut dyn Sandbox, script: &str, expected: &str) {
    let (said, exit) = run(sandbox, script);
    assert!(said.contains(expected), "{script}: {said:?} {exit:?}");
}

#[test]
fn a_command_runs_and_its_changes_come_out() {
    let lower = lower();
    let spec = spec(lower.path());
    let Some(mut sandbox) = start(&spec) else {
        return;
    };
    let place = sandbox.place_of("/workspace/repo");
    assert_ne!(place, "/workspace/repo");
    assert_eq!(sandbox.place_of("/usr/bin/env"), "/usr/bin/env");
    let script = "pwd; echo error >&2; cat a.txt; echo two >a.txt; rm src/b.py; mkdir new; echo x >new/c; \
                  chmod 700 new/c; ln -s c new/d; exit 3";
    let (said, exit) = run(&mut *sandbox, script);
    let said = said
        .lines()
        .filter(|line| !line.starts_with("chmod"))
        .collect::<Vec<_>>();
    assert_eq!(said, [place.as_str(), "error", "one"]);
    assert_eq!(exit, Exit::Code(3));
    assert_eq!(
        fs::read_to_string(lower.path().join("a.txt")).unwrap(),
        "one\n"
    );
    let layer = sandbox.layer(None).unwrap();
    let told: Vec<String> = layer
        .entries
        .keys()
        .map(|path| String::from_utf8(path.clone()).unwrap())
        .collect();
    assert_eq!(
        told,
        ["a.txt", "new", "new/c", "new/d", "src/b.py"]
            .map(|path| format!("/workspace/repo/{path}"))
    );
    assert_eq!(
        layer.entries[&b"/workspace/repo/src/b.py"[..]],
        Entry::Removed
    );

    // another sandbox starts where this one stood
    let next = Spec {
        layer: Some(Arc::new(layer.clone())),
        ..spec.clone()
    };
    let mut second = start(&next).unwrap();
    says(
        &mut *second,
        "cat a.txt new/d; ls src | wc -l",
        "two\nx\n0\n",
    );
    assert_eq!(second.layer(Some(&layer)).unwrap(), layer);

    // and nothing is left of them
    drop((sandbox, second));
    let private = place.strip_suffix("/workspace/repo").unwrap();
    assert!(!Path::new(private).exists());
}

#[test]
fn files_are_read_and_changed_from_inside() {
    let lower = lower();
    let Some(mut sandbox) = start(&spec(lower.path())) else {
        return;
    };
    let at = |name: &str| format!("/workspace/repo/{name}");
    let files = sandbox.files();
    assert_eq!(files.read(&at("a.txt"), 100).unwrap(), b"one\n");
    assert_eq!(files.read(&at("none"), 9).unwrap_err().errno, Some(2));
    assert_eq!(files.read(&at("src"), 9).unwrap_err().errno, Some(21));
    assert!(files.read(&at("a.txt"), 3).unwrap_err().errno.is_none());
    assert_eq!(files.read(&at("out"), 9999).unwrap_err().errno, Some(13));
    files.make_dirs(&at("x/y")).unwrap();
    files.write(&at("x/y/z"), b"text", Some(0o755)).unwrap();
    files.write(&at("x/y/z"), b"other", None).unwrap();
    let meta = files.meta(&at("x/y/z")).unwrap().unwrap();
    assert_eq!((meta.kind, meta.len, meta.mode), (FileKind::File, 5, 0o755));
    files.set_mode(&at("x/y/z"), 0o600).unwrap();
    files.rename(&at("x/y/z"), &at("x/w")).unwrap();
    files.remove(&at("a.txt")).unwrap();
    assert_eq!(files.meta(&at("a.txt")).unwrap(), None);
    files.write("/tmp/t", b"tmp", None).unwrap();
    assert_eq!(files.read("/tmp/t", 9).unwrap(), b"tmp");
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
    let out = files.write("/workspace/repo/out", b"", None).unwrap_err();
    assert_eq!(out.errno, Some(13));
    assert!(files.write("/etc/hgview-was-here", b"", None).is_err());
}

#[test]
fn a_terminal_is_a_terminal() {
    let lower = lower();
    let Some(mut sandbox) = start(&spec(lower.path())) else {
        return;
    };
    let streams = Streams::Terminal {
        rows: 33,
        columns: 77,
    };
    let mut process = shell(
        &mut *sandbox,
        "tty; stty size; read x; echo got $x; sleep 1000",
        streams,
    );
    process.write(b"typed\r").unwrap();
    let mut said = Vec::new();
    let deadline = Instant::now() + DEADLINE;
    while !String::from_utf8_lossy(&said).contains("got typed") {
        process.read(&mut said, Duration::from_secs(1)).unwrap();
        let told = String::from_utf8_lossy(&said);
        assert!(Instant::now() < deadline, "{told}");
    }
    let told = String::from_utf8_lossy(&said).into_owned();
    assert!(
        told.contains("33 77") && told.contains("/dev/pts/"),
        "{told}"
    );
    assert_eq!(interrupted(&mut *process), Exit::Signal(2));
}

#[test]
#[ignore = "a part of another test"]
fn part_that_ignores_signals() {
    let lower = lower();
    if let Some(mut sandbox) = start(&spec(lower.path())) {
        let (said, _) = run(&mut *sandbox, IGNORED);
        ignores_nothing(&said);
    }
}

#[test]
fn signals_that_are_ignored_outside_are_heeded_inside() {
    passes_where_signals_are_ignored("sandbox_landlock::part_that_ignores_signals");
}

#[test]
fn what_cannot_be_started_is_told() {
    let lower = lower();
    let Some(mut sandbox) = start(&spec(lower.path())) else {
        return;
    };
    let launch = |argv: &[&str], cwd: &str| Launch {
        argv: argv.iter().map(|word| (*word).to_owned()).collect(),
        cwd: cwd.to_owned(),
        env: Vec::new(),
        streams: Streams::Pipe,
    };
    for wrong in [
        launch(&["no-such-program"], "/workspace/repo"),
        launch(&["true"], "/no/such/folder"),
        launch(&[], "/workspace/repo"),
    ] {
        assert!(sandbox.spawn(&wrong).is_err(), "{wrong:?}");
    }
    sandbox.kill();
    assert!(
        sandbox
            .spawn(&launch(&["true"], "/workspace/repo"))
            .is_err()
    );
}

#[test]
fn nothing_outside_is_reached() {
    let secret = tempfile::tempdir().unwrap();
    let secret = secret.path().join("secret");
    fs::write(&secret, "hidden").unwrap();
    let lower = lower();
    let Some(mut sandbox) = start(&spec(lower.path())) else {
        return;
    };
    let sandbox = &mut *sandbox;
    let secret = secret.display();
    says(sandbox, &format!("cat {secret}"), "Permission denied");
    says(
        sandbox,
        &format!("ln -s {secret} l; cat l"),
        "Permission denied",
    );
    says(
        sandbox,
        &format!("cat ../../../../../{secret}"),
        "Permission denied",
    );
    says(sandbox, &format!("echo x >{secret}"), "Permission denied");
    says(sandbox, &format!("rm -f {secret}"), "Permission denied");
    let (said, _) = run(sandbox, &format!("chmod 777 {secret}"));
    assert!(said.contains("not permitted"), "{said}");
    says(sandbox, "cat out", "Permission denied");
    says(sandbox, "echo x >/etc/x", "Permission denied");
    says(
        sandbox,
        "echo x >/proc/sys/kernel/core_pattern",
        "Permission denied",
    );
    let me = std::process::id();
    says(
        sandbox,
        &format!("cat /proc/{me}/environ"),
        "Permission denied",
    );
    says(
        sandbox,
        &format!("ls /proc/{me}/fd/0 /proc/{me}/root/"),
        "Permission denied",
    );
    says(
        sandbox,
        &format!("kill -9 {me} || kill -0 {me}"),
        "not permitted",
    );
    says(sandbox, "exec 3<>/dev/tcp/127.0.0.1/1", "not permitted");
    says(
        sandbox,
        "env | sort | cut -d= -f1 | tr '\\n' ' '",
        "HOME LANG PATH",
    );
    says(
        sandbox,
        "ls -l /proc/self/fd | grep -c -e '-> /' || true",
        "2",
    );
    // mount, unshare, ptrace, shmat, setxattrat, socketpair of datagrams, mknod of a device, socket by another number
    let python = "import ctypes\nc=ctypes.CDLL(None,use_errno=True)\nfor n,*a in ((165,),(272,),(101,),(30,0,0,0),\
                  (463,-100,b\"a.txt\",0,b\"user.x\"),(53,1,2),(133,b\"n\",0o20600,0x103),(41|0x40000000,)):\n  \
                  print(c.syscall(n,*(a+[0]*(5-len(a)))), ctypes.get_errno())";
    if cfg!(target_arch = "x86_64") && Path::new("/usr/bin/python3").exists() {
        let (said, exit) = run(sandbox, &format!("python3 -c '{python}'"));
        let expected = format!("{}-1 38\n", "-1 1\n".repeat(7));
        assert_eq!((said, exit), (expected, Exit::Code(0)));
    }
}

#[test]
fn files_that_were_left_open_are_closed() {
    let lower = lower();
    let Some(mut sandbox) = start(&spec(lower.path())) else {
        return;
    };
    // as a shell that has run `exec 7</`
    let folder = fs::File::open("/").unwrap();
    let kept = rustix::io::fcntl_dupfd_cloexec(&folder, 70).unwrap();
    rustix::io::fcntl_setfd(&kept, rustix::io::FdFlags::empty()).unwrap();
    says(
        &mut *sandbox,
        "ls /proc/self/fd | tr '\\n' ' '",
        "0 1 2 3 \n".trim(),
    );
    let (said, _) = run(&mut *sandbox, "ls -l /proc/self/fd");
    assert!(!said.contains("70 ->"), "{said}");
}

/// A script in a sandbox of little room.
fn run_in_little(script: &str) -> Option<(String, Exit)> {
    let lower = lower();
    let limits = Limits {
        cpu: Duration::from_secs(2),
        memory: 256 << 20,
        processes: 20,
        output: 1 << 20,
        disk: 8 << 20,
        file: 1 << 20,
        inodes: 1000,
        ..Limits::default()
    };
    let mut sandbox = start(&Spec {
        limits,
        ..spec(lower.path())
    })?;
    let told = run(&mut *sandbox, script);
    if matches!(&told.1, Exit::Bound(why) if why.contains("files") || why.contains("disk")) {
        let files = sandbox.files();
        assert!(
            files.read("/workspace/repo/a.txt", 9).is_err(),
            "it is dead"
        );
    }
    Some(told)
}

#[track_caller]
fn check_bound(script: &str) {
    let (said, exit) = run_in_little(script).unwrap();
    assert!(matches!(exit, Exit::Bound(_)), "{exit:?}: {said}");
}

#[test]
fn bounds_end_what_reaches_them() {
    let Some((said, exit)) = run_in_little("yes") else {
        return;
    };
    assert!(matches!(exit, Exit::Bound(_)), "{exit:?}");
    assert!(said.len() < 2 << 20);
    let (said, exit) = run_in_little("while :; do :; done").unwrap();
    assert_eq!(exit, Exit::Signal(9), "{said}");
    let (said, _) = run_in_little("head -c 2000000 /dev/zero >big; stat -c %s big").unwrap();
    assert!(said.contains("1048576"), "{said}");
    let bomb = "exec sh -c 'i=0; while [ $i -lt 60 ]; do sleep 1000 & i=$((i+1)); done; wait'";
    let (said, exit) = run_in_little(bomb).unwrap();
    assert!(
        matches!(exit, Exit::Bound(_)) || said.contains("fork"),
        "{said} {exit:?}"
    );
    let fill = "for i in {1..100}; do head -c 1000000 /dev/zero >f$i; done; sleep 1000";
    check_bound(fill);
    check_bound("mkdir d; cd d; touch {1..3000}; sleep 1000");
}

#[test]
fn time_runs_out() {
    let lower = lower();
    let spec = Spec {
        limits: Limits {
            wall: Duration::from_millis(500),
            ..Limits::default()
        },
        ..spec(lower.path())
    };
    let Some(mut sandbox) = start(&spec) else {
        return;
    };
    assert!(matches!(run(&mut *sandbox, "sleep 1000").1, Exit::Bound(_)));
}

/// Whether a process with this word among its arguments runs.
fn runs(word: &str) -> bool {
    let all = fs::read_dir("/proc").unwrap().flatten();
    let arguments =
        |entry: fs::DirEntry| fs::read(entry.path().join("cmdline")).unwrap_or_default();
    all.map(arguments).any(|said| {
        said.split(|byte| *byte == 0)
            .any(|arg| arg == word.as_bytes())
    })
}

#[track_caller]
fn soon(is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !is_so() {
        assert!(Instant::now() < deadline, "it never came");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn what_hides_ends_with_the_sandbox() {
    let lower = lower();
    let Some(mut sandbox) = start(&spec(lower.path())) else {
        return;
    };
    let word = format!("1{:09}", std::process::id());
    let script =
        format!("setsid bash -c 'setsid sleep {word} & disown' >/dev/null 2>&1 </dev/null; exit 0");
    assert_eq!(run(&mut *sandbox, &script).1, Exit::Code(0));
    soon(|| runs(&word));
    drop(sandbox);
    soon(|| !runs(&word));
}

/// The processes with this word among their arguments, and those above each, the nearest first.
fn lines_of(word: &str) -> Vec<Vec<i32>> {
    let above = |pid: &i32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (_, rest) = stat.rsplit_once(") ")?;
        rest.split(' ').nth(1)?.parse().ok()
    };
    let all = fs::read_dir("/proc").unwrap().flatten();
    let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let is_it = |pid: &i32| has_argument(*pid, word);
    pids.filter(is_it)
        .map(|pid| std::iter::successors(Some(pid), above).collect())
        .collect()
}

fn has_argument(pid: i32, word: &str) -> bool {
    let said = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    said.split(|byte| *byte == 0)
        .any(|arg| arg == word.as_bytes())
}

/// Kills one of the two that stand above what a script started; the nearest is 0.
#[track_caller]
fn check_killed_supervisor(nth: usize, word: &str) {
    let lower = lower();
    let Some(mut sandbox) = start(&spec(lower.path())) else {
        return;
    };
    let script = format!("setsid sleep {word} & (sleep {word} & sleep {word}) ; sleep {word}");
    let _process = shell(&mut *sandbox, &script, Streams::Pipe);
    soon(|| lines_of(word).len() >= 3);
    let line = lines_of(word).swap_remove(0);
    let is_above = |pid: &&i32| has_argument(**pid, "__sandbox-supervise");
    let above: Vec<&i32> = line.iter().filter(is_above).collect();
    assert_eq!(above.len(), 2, "{line:?}");
    let pid = rustix::process::Pid::from_raw(*above[nth]).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    if nth == 1 {
        // the one below goes on, and ends everything with the sandbox
        assert!(runs(word));
        drop(sandbox);
    }
    soon(|| !runs(word));
}

#[test]
fn killing_one_supervisor_leaves_nothing() {
    check_killed_supervisor(0, &format!("3{:09}", std::process::id()));
    check_killed_supervisor(1, &format!("4{:09}", std::process::id()));
}

/// Also where permissions cannot be changed by path, as in the nested run of this.
#[test]
fn the_patch_of_a_replay_is_git_s() {
    if start(&Spec::default()).is_none() {
        return;
    }
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/replay/almanac-1.traj.json");
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("almanac-1.traj.json");
    fs::copy(sample, &file).unwrap();
    let done = Command::new(env!("CARGO_BIN_EXE_hgview"))
        .args(["replay", "--json", "--backend", "landlock"])
        .arg(&file)
        .env("HGVIEW_CACHE_DIR", home.path().join("cache"))
        .env("HGVIEW_DATA_DIR", home.path().join("data"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    let row: serde_json::Value = serde_json::from_slice(&done.stdout).expect(&said);
    assert_eq!(row["patch"]["text"], "exact", "{row}");
    let notes = row["notes"].to_string();
    assert!(!notes.contains("no repository"), "{notes}");
}

#[test]
fn commands_write_beside_their_workspace() {
    let lower = lower();
    let spec = spec(lower.path());
    let Some(mut sandbox) = start(&spec) else {
        return;
    };
    assert_eq!(sandbox.layer(None).unwrap().entries.len(), 0);
    let script = "echo x >../x.c; mkdir -p ../d/e; echo y >../d/e/y; echo two >a.txt; ls ..";
    assert_eq!(run(&mut *sandbox, script).0, "d\nrepo\nx.c\n");
    let layer = sandbox.layer(None).unwrap();
    let names: Vec<&str> = layer
        .entries
        .keys()
        .map(|path| std::str::from_utf8(path).unwrap())
        .collect();
    let expected = ["d", "d/e", "d/e/y", "repo/a.txt", "x.c"];
    assert_eq!(names, expected.map(|name| format!("/workspace/{name}")));
    let next = Spec {
        layer: Some(Arc::new(layer.clone())),
        ..spec
    };
    let mut second = start(&next).unwrap();
    says(&mut *second, "cat ../x.c ../d/e/y a.txt", "x\ny\ntwo\n");
    assert_eq!(second.layer(Some(&layer)).unwrap(), layer);
}

/// Run by the next test in a process of its own: starts something, says its folder, and waits to be killed.
#[test]
#[ignore = "a part of another test"]
fn part_that_is_killed() {
    let Ok(word) = std::env::var("HGVIEW_TEST_WORD") else {
        return;
    };
    let lower = lower();
    let mut sandbox = start(&spec(lower.path())).unwrap();
    let script = format!("setsid sleep {word} & sleep {word}");
    let _process = shell(&mut *sandbox, &script, Streams::Pipe);
    writeln!(std::io::stdout(), "folder={}", sandbox.place_of("/tmp")).unwrap();
    std::thread::park();
}

#[test]
fn nothing_is_left_when_hgview_is_killed() {
    use std::io::BufRead as _;
    if start(&Spec::default()).is_none() {
        return;
    }
    let word = format!("2{:09}", std::process::id());
    let mut part = Command::new(std::env::current_exe().unwrap())
        .args(["part_that_is_killed", "--ignored", "--nocapture"])
        .env("HGVIEW_TEST_WORD", &word)
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let lines = std::io::BufReader::new(part.stdout.take().unwrap()).lines();
    let folder = lines
        .map_while(Result::ok)
        .find_map(|line| Some(line.split_once("folder=")?.1.to_owned()))
        .unwrap();
    let folder = Path::new(&folder).parent().unwrap().to_owned();
    soon(|| runs(&word));
    part.kill().unwrap();
    part.wait().unwrap();
    soon(|| !runs(&word));
    soon(|| !folder.exists());
}

/// Without namespaces below, and not as root: that needs other users to become.
const NESTED: [&str; 9] = [
    "--unshare-user",
    "--disable-userns",
    "--uid",
    "1000",
    "--gid",
    "1000",
    "--dev-bind",
    "/",
    "/",
];

/// All of the above where no namespaces can be had.
#[test]
fn the_same_without_namespaces() {
    if std::env::var_os("HGVIEW_TEST_NESTED").is_some() {
        return;
    }
    let mut bwrap = Command::new("bwrap");
    bwrap.args(NESTED);
    let works = bwrap
        .arg("true")
        .status()
        .is_ok_and(|status| status.success());
    if !works {
        eprintln!("skipped: no bwrap that works here");
        return;
    }
    let done = Command::new("bwrap")
        .args(NESTED)
        .arg(std::env::current_exe().unwrap())
        .args(["sandbox_landlock::", "--test-threads=2"])
        .env("HGVIEW_TEST_NESTED", "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{said}");
    assert!(said.contains("passed"), "{said}");
}

#[test]
fn a_terminal_takes_another_size() {
    let lower = lower();
    let Some(mut sandbox) = start(&spec(lower.path())) else {
        return;
    };
    takes_another_size(&mut *sandbox, "/workspace/repo");
}
