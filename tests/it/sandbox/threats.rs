//! Every way out of a sandbox, or to bring down the machine from one, that we know of: each is tried.

use std::collections::BTreeSet;
use std::fs;
use std::io::BufRead as _;
use std::io::BufReader;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use hgview::cancel::Cancel;
use hgview::sandbox::Backend as _;
use hgview::sandbox::Bound;
use hgview::sandbox::Exit;
use hgview::sandbox::Heard;
use hgview::sandbox::Holding;
use hgview::sandbox::Limits;
use hgview::sandbox::Namespace;
use hgview::sandbox::Patience;
use hgview::sandbox::Sandbox;
use hgview::sandbox::Spec;
use hgview::sandbox::Streams;
use hgview::sandbox::landlock::Landlock;

use crate::sandbox::finish;
use crate::sandbox::launch;
use crate::sandbox::output;
use crate::sandbox::program;
use crate::sandbox::project;
use crate::sandbox::run;
use crate::sandbox::start;

fn limited(limits: Limits) -> Spec {
    Spec {
        limits,
        ..Spec::default()
    }
}

/// The processes of this machine that have `mark` among their arguments.
pub(super) fn marked(mark: &str) -> BTreeSet<u32> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid: &u32| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(mark)
    })
    .collect()
}

/// Waits until something holds.
#[track_caller]
pub(super) fn soon(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(3);
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A number of seconds to sleep that no other test has: a mark of processes.
pub(super) fn mark(nth: u32) -> String {
    format!("{}.{nth}", 100_000 + std::process::id())
}

/// That a script fails, and says this.
#[track_caller]
pub(super) fn fails(sandbox: &mut dyn Sandbox, script: &str, with: &str) {
    let (text, exit) = run(sandbox, script);
    assert!(
        exit != Exit::Code(0) && text.contains(with),
        "{script}: {exit:?}: {text}"
    );
}

#[test]
fn a_fork_bomb_stops_at_the_bound() {
    let spec = limited(Limits {
        processes: 40,
        ..Limits::default()
    });
    let Some(mut sandbox) = start(&spec) else {
        return;
    };
    let mark = mark(1);
    let bomb = format!("b() {{ sleep {mark} & b | b & }}; b; sleep {mark}");
    let mut bomb = sandbox.spawn(&launch(&bomb, Streams::Pipe)).unwrap();
    let mut heard = Vec::new();
    soon("the bomb meets no bound", || {
        bomb.read(&mut heard, Duration::from_millis(100)).unwrap();
        String::from_utf8_lossy(&heard).contains("Resource temporarily unavailable")
    });
    // The first process is not bound by it: whoever looks on still can.
    let count = output(sandbox.as_mut(), "set -- /proc/[0-9]*; echo $#");
    let count: usize = count.trim().parse().unwrap();
    let said = String::from_utf8_lossy(&heard).into_owned();
    assert!((10..=43).contains(&count), "{count} after {said}");
    sandbox.kill();
    assert_eq!(marked(&mark), BTreeSet::new());
}

#[test]
fn everything_that_is_written_shares_one_bound() {
    let (_folder, spec) = project();
    let limits = Limits {
        disk: 16 << 20,
        inodes: 500,
        file: 12 << 20,
        ..Limits::default()
    };
    let Some(mut sandbox) = start(&Spec { limits, ..spec }) else {
        return;
    };
    let full = "No space left on device";
    let sandbox = sandbox.as_mut();
    fails(sandbox, "head -c 20M /dev/zero > /testbed/big", "");
    assert_eq!(
        output(sandbox, "stat -c %s /testbed/big").trim(),
        (12 << 20).to_string()
    );
    fails(sandbox, "head -c 5M /dev/zero > /dev/shm/big", full);
    fails(sandbox, "head -c 5M /dev/zero > /tmp/big", full);
    output(sandbox, "rm /testbed/big /dev/shm/big /tmp/big");
    for folder in ["/testbed", "/tmp", "/root", "/data/new"] {
        output(sandbox, &format!("head -c 3M /dev/zero > {folder}/big"));
    }
    fails(sandbox, "head -c 5M /dev/zero > /dev/shm/big", full);
    let err = sandbox
        .files()
        .write("/tmp/more", &vec![1; 8 << 20], None)
        .unwrap_err();
    assert_eq!(err.why, full);
    fails(
        sandbox,
        "for i in {1..1000}; do : > /tmp/f$i || exit 1; done",
        full,
    );
    let (free, held) = (Holding::NotEnforced, Holding::Enforced);
    let proofs: Vec<(Bound, Holding)> = sandbox
        .proofs()
        .iter()
        .map(|proof| (proof.bound, proof.holding))
        .collect();
    assert_eq!(
        proofs,
        Bound::ALL.map(|bound| (bound, if bound == Bound::Memory { free } else { held }))
    );
}

#[test]
fn memory_and_processor_time_of_a_process_end() {
    // apart: who takes much memory takes processor time, too
    let memory = limited(Limits {
        memory: 256 << 20,
        ..Limits::default()
    });
    let Some(mut sandbox) = start(&memory) else {
        return;
    };
    let script = "x=$(head -c 400M /dev/zero | tr '\\0' x); echo ${#x}";
    fails(sandbox.as_mut(), script, "cannot allocate");
    let cpu = limited(Limits {
        cpu: Duration::from_secs(1),
        ..Limits::default()
    });
    let Some(mut sandbox) = start(&cpu) else {
        return;
    };
    let (text, exit) = run(sandbox.as_mut(), "while :; do :; done");
    assert_eq!(exit, Exit::Bound("processor time".to_owned()), "{text}");
}

/// Each of them has less than the bound, all together have more.
#[test]
fn memory_of_all_processes_together_is_bounded() {
    let spec = limited(Limits {
        memory: 320 << 20,
        ..Limits::default()
    });
    let Some(mut sandbox) = start(&spec) else {
        return;
    };
    let sandbox = sandbox.as_mut();
    // what a parent and its children have in common counts once: these may live
    let shared = "perl -e '$n = 100_000_000; $x = \"x\" x $n; for (1..6) { fork or do { sleep 2; exit } } 1 while wait > 0; print length $x'";
    assert_eq!(output(sandbox, shared), "100000000");
    let hog = "perl -e '$| = 1; $n = 60_000_000; $x = \"x\" x $n; print \"has\\n\"; sleep 1000'";
    let script = format!(
        "for i in 1 2 3 4 5 6 7 8; do {hog} & done; wait -n; echo ends with $?; kill %2 %3; wait; echo on"
    );
    let mut process = sandbox.spawn(&launch(&script, Streams::Pipe)).unwrap();
    let mut heard = Vec::new();
    soon("nobody is killed", || {
        process
            .read(&mut heard, Duration::from_millis(100))
            .unwrap();
        String::from_utf8_lossy(&heard).contains("ends with 137")
    });
    process.kill();
    assert_eq!(output(sandbox, "echo on"), "on\n");
}

#[test]
fn a_sandbox_ends_when_its_time_is_over() {
    // its time begins before it stands: a busy machine needs more of it
    for millis in [700, 5_000, 60_000] {
        let spec = limited(Limits {
            wall: Duration::from_millis(millis),
            ..Limits::default()
        });
        let started = Namespace::with_program(program()).start(&spec, &Cancel::new());
        let Ok(mut sandbox) = started else {
            continue;
        };
        if ends_when_its_time_is_over(sandbox.as_mut()) {
            return;
        }
    }
    // where there are none, the others say so
    assert!(start(&Spec::default()).is_none(), "none came so far");
}

/// Whether it came so far as to say something before.
fn ends_when_its_time_is_over(sandbox: &mut dyn Sandbox) -> bool {
    let mark = mark(2);
    let script = format!("echo before; setsid sleep {mark} & sleep {mark}");
    let Ok(mut process) = sandbox.spawn(&launch(&script, Streams::Pipe)) else {
        return false;
    };
    let (text, exit) = finish(process.as_mut());
    if text.is_empty() {
        return false;
    }
    assert_eq!(text, "before\n");
    assert_eq!(exit, Exit::Bound("the sandbox's time is over".to_owned()));
    assert_eq!(marked(&mark), BTreeSet::new());
    let err = sandbox
        .spawn(&launch("true", Streams::Pipe))
        .map(|_| ())
        .unwrap_err();
    assert_eq!(err.to_string(), "the sandbox's time is over");
    let err = sandbox.files().read("/etc/hosts", 9).unwrap_err();
    assert_eq!(err.why, "the sandbox's time is over");
    true
}

/// A process of a sandbox stops every other, also those that are about to become their programs.
#[test]
fn a_process_that_never_becomes_its_program_is_told() {
    let patience = Patience {
        start: Duration::from_millis(200),
        ..Patience::default()
    };
    if start(&Spec::default()).is_none() {
        return;
    }
    let backend = Namespace::with_program(program()).patience(patience);
    let mut sandbox = backend.start(&Spec::default(), &Cancel::new()).unwrap();
    let stopper = launch("while :; do kill -STOP -1; done 2>/dev/null", Streams::Pipe);
    // nor does it get its program in time where others want the processors
    let mut stops = None;
    soon("it does not start", || {
        stops = sandbox.spawn(&stopper).ok();
        stops.is_some()
    });
    let mut last = None;
    soon("every process gets through", || {
        let started = sandbox.spawn(&launch("true", Streams::Pipe));
        last = started.map(drop).err();
        last.is_some()
    });
    let told = format!("{:?}", last.unwrap());
    assert!(told.contains("no room to start bash"), "{told}");
    // it still answers
    sandbox.files().read("/etc/hosts", 1 << 20).unwrap();
}

#[test]
fn a_sandbox_that_answers_no_more_is_ended() {
    if start(&Spec::default()).is_none() {
        return;
    }
    let mark = mark(6);
    let launch = launch(&format!("sleep {mark}"), Streams::Pipe);
    let tried = |seconds| {
        let patience = Patience {
            answer: Duration::from_secs(seconds),
            ..Patience::default()
        };
        let backend = Namespace::with_program(program()).patience(patience);
        let mut sandbox = backend.start(&Spec::default(), &Cancel::new()).ok()?;
        let process = sandbox.spawn(&launch).ok()?;
        Some((seconds, sandbox, process))
    };
    // where others want the processors, a sandbox that is well may take longer, too
    let stands = [1, 2, 4, 8, 16, 32, 64].into_iter().find_map(tried);
    let (seconds, mut sandbox, _process) = stands.expect("a sandbox that answers");
    soon("it does not start", || !marked(&mark).is_empty());
    let mut first = *marked(&mark).first().unwrap();
    while fs::read(format!("/proc/{first}/cmdline")).unwrap() != b"sandbox-init\0" {
        let stat = fs::read_to_string(format!("/proc/{first}/stat")).unwrap();
        let (_, rest) = stat.rsplit_once(") ").unwrap();
        first = rest.split(' ').nth(1).unwrap().parse().unwrap();
    }
    let first = rustix::process::Pid::from_raw(first.try_into().unwrap()).unwrap();
    rustix::process::kill_process(first, rustix::process::Signal::STOP).unwrap();
    let err = sandbox.files().read("/etc/hosts", 1 << 20).unwrap_err();
    assert_eq!(
        err.why,
        format!("the sandbox gave no answer for {seconds} seconds and was ended")
    );
    soon("something lives on", || marked(&mark).is_empty());
}

/// Says what becomes of sandboxes where root is the only user; run by the next test.
#[test]
#[ignore = "is run by another test, with no user but root"]
fn ask_for_sandboxes_as_root_alone() {
    let spec = Spec::default();
    let cancel = Cancel::new();
    let namespace = Namespace::with_program(program()).start(&spec, &cancel);
    println!("namespace: {:?}", namespace.map(drop).err());
    let landlock = Landlock::new(program()).and_then(|landlock| landlock.start(&spec, &cancel));
    println!("landlock: {:?}", landlock.map(drop).err());
}

#[test]
fn nothing_runs_as_root_where_there_is_nobody_else() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can be root of a machine");
        return;
    }
    let asked = Command::new("unshare")
        .args(["--user", "--map-root-user"])
        .arg(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture"])
        .arg("sandbox::threats::ask_for_sandboxes_as_root_alone")
        .output();
    let told = match asked {
        Ok(done) if done.status.success() => String::from_utf8(done.stdout).unwrap(),
        other => {
            eprintln!("skipped: no user namespace: {other:?}");
            return;
        }
    };
    assert!(
        told.contains("a sandbox of root needs the users 200000 to 265535"),
        "{told}"
    );
    let has_landlock = told.contains("cannot start programs as anybody else");
    assert!(has_landlock || told.contains("no Landlock"), "{told}");
}

#[test]
fn there_is_no_network_but_its_own() {
    let Some(mut sandbox) = start(&Spec::default()) else {
        return;
    };
    let sandbox = sandbox.as_mut();
    fails(
        sandbox,
        "echo > /dev/tcp/1.1.1.1/53",
        "Network is unreachable",
    );
    fails(
        sandbox,
        "echo > /dev/udp/1.1.1.1/53",
        "Network is unreachable",
    );
    fails(sandbox, "getent hosts example.com", "");
    assert_eq!(
        output(sandbox, "cut -d: -f1 /proc/net/dev | tail -n +3").trim(),
        "lo"
    );
    // Kernel, packets, virtual machines, cryptography, bluetooth.
    for family in [16, 17, 40, 38, 31] {
        let script = format!("perl -e 'socket(S, {family}, 2, 0) or print $!+0'");
        assert_eq!(output(sandbox, &script), "1", "family {family}");
    }
    let server = "perl -MSocket -e 'socket(S, AF_INET, SOCK_STREAM, 0) or die; bind(S, pack_sockaddr_in(8080, INADDR_LOOPBACK)) or die; \
        listen(S, 1) or die; if (!fork) { socket(C, AF_INET, SOCK_STREAM, 0); connect(C, pack_sockaddr_in(8080, INADDR_LOOPBACK)) or die; \
        syswrite(C, \"heard\"); exit } accept(N, S) or die; sysread(N, $x, 9); print $x'";
    assert_eq!(output(sandbox, server), "heard");
}

#[test]
fn no_path_leads_to_a_file_of_the_host() {
    let (folder, spec) = project();
    let outside = tempfile::tempdir().unwrap();
    let secret = outside.path().join("secret");
    fs::write(&secret, "told").unwrap();
    let secret = secret.to_str().unwrap();
    let up = "../".repeat(20);
    std::os::unix::fs::symlink(secret, folder.path().join("absolute")).unwrap();
    std::os::unix::fs::symlink(format!("{up}{secret}"), folder.path().join("relative")).unwrap();
    let Some(mut sandbox) = start(&spec) else {
        return;
    };
    for path in [
        secret.to_owned(),
        format!("/testbed/{up}{secret}"),
        "/testbed/absolute".to_owned(),
        "/testbed/relative".to_owned(),
        format!("/proc/1/root{secret}"),
        format!("/proc/1/cwd/{up}{secret}"),
        format!("/proc/self/root{secret}"),
        format!("/proc/self/cwd/{up}{secret}"),
        format!("/dev/fd/../root{secret}"),
    ] {
        fails(sandbox.as_mut(), &format!("cat {path}"), "");
        let files = sandbox.files();
        assert!(files.read(&path, 99).is_err(), "{path}");
        assert!(files.write(&path, b"changed", None).is_err(), "{path}");
    }
    for fd in 0..40 {
        for base in [format!("/proc/1/fd/{fd}"), format!("/proc/self/fd/{fd}")] {
            let files = sandbox.files();
            assert!(files.list(&base, 1, 9).is_err(), "{base}");
            assert!(files.read(&format!("{base}/{up}{secret}"), 99).is_err());
        }
    }
    for own in ["environ", "maps", "mem", "auxv", "task/1/environ"] {
        let read = sandbox.files().read(&format!("/proc/1/{own}"), 1 << 20);
        assert_eq!(read.unwrap_err().errno, Some(13), "{own}");
        let read = sandbox.files().read(&format!("/proc/self/{own}"), 1 << 20);
        assert_eq!(read.unwrap_err().errno, Some(13), "{own}");
    }
    assert_eq!(fs::read(secret).unwrap(), b"told");
}

#[test]
fn no_descriptor_and_no_secret_of_the_host_comes_along() {
    let file = fs::File::open("/etc/passwd").unwrap();
    rustix::io::fcntl_setfd(&file, rustix::io::FdFlags::empty()).unwrap();
    let Some(mut sandbox) = start(&Spec::default()) else {
        return;
    };
    let sandbox = sandbox.as_mut();
    assert_eq!(
        output(sandbox, "cd /proc/self/fd && echo *").trim(),
        "0 1 2 3"
    );
    for own in [
        "environ",
        "maps",
        "mem",
        "fd/0",
        "root/etc/passwd",
        "cwd/etc/passwd",
        "exe",
    ] {
        fails(sandbox, &format!("cat /proc/1/{own}"), "Permission denied");
    }
    fails(sandbox, "ls /proc/1/fd", "Permission denied");
    assert_eq!(
        output(sandbox, "tr '\\0' ' ' < /proc/1/cmdline"),
        "sandbox-init "
    );
    assert_eq!(
        output(sandbox, "ls -A $HOME /tmp /dev/shm").replace('\n', ""),
        "/dev/shm:/root:/tmp:"
    );
    let mut names: Vec<String> = output(sandbox, "env")
        .lines()
        .map(|line| line.split('=').next().unwrap().to_owned())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "HOME",
            "LANG",
            "PATH",
            "PWD",
            "PYTHONHASHSEED",
            "SHLVL",
            "TZ",
            "USER",
            "_"
        ]
    );
    drop(file);
}

#[test]
fn neither_processes_nor_settings_of_the_host_are_in_reach() {
    let Some(mut sandbox) = start(&Spec::default()) else {
        return;
    };
    let sandbox = sandbox.as_mut();
    assert_eq!(
        output(sandbox, "cd /proc; set -- [0-9]*; echo $#").trim(),
        "2"
    );
    fails(
        sandbox,
        &format!("kill -0 {}", std::process::id()),
        "No such process",
    );
    let before = fs::read("/proc/sys/kernel/core_pattern").unwrap();
    for setting in [
        "/proc/sys/kernel/core_pattern",
        "/proc/sys/kernel/pid_max",
        "/proc/sys/net/ipv4/ip_forward",
        "/proc/sysrq-trigger",
        "/proc/self/uid_map",
        "/proc/self/oom_score_adj",
    ] {
        fails(sandbox, &format!("echo 1 > {setting}"), "");
    }
    assert_eq!(fs::read("/proc/sys/kernel/core_pattern").unwrap(), before);
    for place in [
        "/usr/x",
        "/etc/x",
        "/x",
        "/sys/x",
        "/dev/x",
        "/etc/ssl/certs/x",
        "/proc/x",
    ] {
        fails(sandbox, &format!("echo x > {place}"), "");
    }
    for (call, number, args) in CALLS {
        let script = format!("perl -e 'syscall({number}, {args}) == -1 and print $!+0'");
        if cfg!(target_arch = "x86_64") {
            assert_eq!(output(sandbox, &script), "1", "{call}");
        }
    }
    fails(sandbox, "unshare -Ur true", "Operation not permitted");
}

/// Calls that nothing in a sandbox may make, with their numbers on x86-64 and some arguments.
const CALLS: [(&str, u32, &str); 15] = [
    ("mount", 165, "0, 0, 0, 0, 0"),
    ("umount2", 166, "0, 0"),
    ("unshare", 272, "0x10000000"),
    ("setns", 308, "0, 0"),
    ("chroot", 161, "0"),
    ("pivot_root", 155, "0, 0"),
    ("clone", 56, "0x10000011, 0"),
    ("ptrace", 101, "0, 0, 0, 0"),
    ("process_vm_writev", 311, "1, 0, 0, 0, 0, 0"),
    ("bpf", 321, "0, 0, 0"),
    ("io_uring_setup", 425, "1, 0"),
    ("keyctl", 250, "0, 0"),
    ("open_by_handle_at", 304, "0, 0, 0"),
    ("finit_module", 313, "0, 0, 0"),
    ("ioctl TIOCSTI", 16, "0, 0x5412, 0"),
];

#[test]
fn nothing_outlives_its_sandbox() {
    let Some(mut sandbox) = start(&Spec::default()) else {
        return;
    };
    let mark = mark(3);
    let script = format!(
        "setsid sleep {mark} & (setsid bash -c 'trap \"\" TERM HUP; sleep {mark} & sleep {mark}' &) ; \
         kill -9 1; kill -STOP 1; echo ready; sleep {mark}"
    );
    let mut process = sandbox.spawn(&launch(&script, Streams::Pipe)).unwrap();
    soon("they do not start", || marked(&mark).len() >= 5);
    // The first process can be neither killed nor stopped from inside.
    assert_eq!(output(sandbox.as_mut(), "echo on"), "on\n");
    drop(sandbox);
    assert_eq!(marked(&mark), BTreeSet::new());
    let mut heard = Vec::new();
    let end = loop {
        match process.read(&mut heard, Duration::from_secs(1)) {
            Ok(Heard::Bytes) => {}
            other => break other,
        }
    };
    assert_eq!(heard, b"ready\n");
    assert_eq!(end.unwrap_err().to_string(), "the sandbox was ended");
}

#[test]
fn killing_a_process_takes_its_session() {
    let Some(mut sandbox) = start(&Spec::default()) else {
        return;
    };
    let mark = mark(4);
    let script = format!("set -m; sleep {mark} & sleep {mark} & sleep {mark}");
    let streams = Streams::Terminal {
        rows: 24,
        columns: 80,
    };
    let mut process = sandbox.spawn(&launch(&script, streams)).unwrap();
    soon("they do not start", || marked(&mark).len() >= 4);
    process.kill();
    assert_eq!(finish(process.as_mut()).1, Exit::Signal(9));
    soon("some live on", || marked(&mark).is_empty());
    assert_eq!(output(sandbox.as_mut(), "echo on"), "on\n");
}

#[test]
fn a_flood_of_output_is_cut() {
    let spec = limited(Limits {
        output: 1 << 20,
        ..Limits::default()
    });
    let Some(mut sandbox) = start(&spec) else {
        return;
    };
    for streams in [
        Streams::Pipe,
        Streams::Terminal {
            rows: 24,
            columns: 80,
        },
    ] {
        let mut process = sandbox
            .spawn(&launch("head -c 20G /dev/zero", streams))
            .unwrap();
        let (text, exit) = finish(process.as_mut());
        assert_eq!(text.len(), 1 << 20);
        assert_eq!(exit, Exit::Bound("it wrote more than 1.0M".to_owned()));
    }
    // Silence about it is no way around the bound: nobody reads, so nobody can write.
    let mut quiet = sandbox.spawn(&launch("yes", Streams::Pipe)).unwrap();
    assert_eq!(output(sandbox.as_mut(), "echo on"), "on\n");
    quiet.kill();
}

/// Holds a sandbox until it is killed; run by the next test in a process of its own.
#[test]
#[ignore = "is run by another test, which kills it"]
fn hold_a_sandbox() {
    let Some(mut sandbox) = start(&Spec::default()) else {
        println!("skipped");
        return;
    };
    let mark = std::env::var("HGVIEW_TEST_MARK").unwrap();
    let script = format!("setsid sleep {mark} & sleep {mark}");
    let _process = sandbox.spawn(&launch(&script, Streams::Pipe)).unwrap();
    soon("they do not start", || marked(&mark).len() >= 3);
    println!("ready");
    std::thread::sleep(Duration::from_hours(1));
}

#[test]
fn killing_hgview_leaves_nothing() {
    let before = own_mounts();
    let mark = mark(5);
    let mut holder = Command::new(std::env::current_exe().unwrap())
        .args([
            "--ignored",
            "--exact",
            "--nocapture",
            "sandbox::threats::hold_a_sandbox",
        ])
        .env("HGVIEW_TEST_MARK", &mark)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let told = BufReader::new(holder.stdout.take().unwrap());
    let told = told
        .lines()
        .map(Result::unwrap)
        .find(|line| line == "ready" || line == "skipped");
    let is_there = !marked(&mark).is_empty();
    holder.kill().unwrap();
    holder.wait().unwrap();
    if told.as_deref() != Some("skipped") {
        assert_eq!(told.as_deref(), Some("ready"));
        assert!(is_there);
        soon("something lives on", || marked(&mark).is_empty());
    }
    assert_eq!(own_mounts(), before);
}

/// The mounts that are here and look like a sandbox's; others on this machine mount things, too.
fn own_mounts() -> Vec<String> {
    let all = fs::read_to_string("/proc/self/mountinfo").unwrap();
    let is_own =
        |line: &&str| line.contains("nr_inodes=200128") || line.contains("lowerdir=lower/");
    all.lines().filter(is_own).map(str::to_owned).collect()
}

#[test]
fn a_hundred_sandboxes_live_at_once() {
    let (_folder, spec) = project();
    let mut all = Vec::new();
    for _ in 0..100 {
        let Some(sandbox) = start(&spec) else {
            return;
        };
        all.push(sandbox);
    }
    for (nth, sandbox) in all.iter_mut().enumerate() {
        output(sandbox.as_mut(), &format!("echo {nth} > /testbed/nth"));
    }
    for (nth, sandbox) in all.iter_mut().enumerate() {
        assert_eq!(
            output(sandbox.as_mut(), "cat /testbed/nth"),
            format!("{nth}\n")
        );
    }
}
