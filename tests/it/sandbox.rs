//! Sandboxes of namespaces: what runs in them, what they change, what is left of them.

mod around;
mod ordinary;
mod threats;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use hgview::cancel::Cancel;
use hgview::error::Kind;
use hgview::sandbox::Backend as _;
use hgview::sandbox::Content;
use hgview::sandbox::Entry;
use hgview::sandbox::Exit;
use hgview::sandbox::FileKind;
use hgview::sandbox::Heard;
use hgview::sandbox::Launch;
use hgview::sandbox::Layer;
use hgview::sandbox::Namespace;
use hgview::sandbox::Process;
use hgview::sandbox::Sandbox;
use hgview::sandbox::Spec;
use hgview::sandbox::Streams;
use hgview::sandbox::System;
use hgview::sandbox::Tree;

/// Set for a run of these tests by an ordinary user: where the program lies that they can read.
const PROGRAM: &str = "HGVIEW_TEST_PROGRAM";

fn program() -> PathBuf {
    std::env::var_os(PROGRAM).map_or_else(|| env!("CARGO_BIN_EXE_hgview").into(), PathBuf::from)
}

/// A sandbox, or nothing where the machine refuses all of them.
#[track_caller]
fn start(spec: &Spec) -> Option<Box<dyn Sandbox>> {
    match Namespace::with_program(program()).start(spec, &Cancel::new()) {
        Ok(sandbox) => Some(sandbox),
        Err(err)
            if err.kind() == Kind::Limit && err.to_string().starts_with("this machine refuses") =>
        {
            eprintln!("skipped: {err} ({:?})", err.hints());
            None
        }
        Err(err) => panic!("{err}\n{:?}", err.hints()),
    }
}

fn launch(script: &str, streams: Streams) -> Launch {
    Launch {
        argv: ["bash", "-c", script].map(str::to_owned).to_vec(),
        cwd: "/".to_owned(),
        env: Vec::new(),
        streams,
    }
}

fn finish(process: &mut dyn Process) -> (String, Exit) {
    let mut bytes = Vec::new();
    let deadline = Instant::now() + Duration::from_mins(3);
    loop {
        match process.read(&mut bytes, Duration::from_secs(1)).unwrap() {
            Heard::End(exit) => return (String::from_utf8_lossy(&bytes).into_owned(), exit),
            Heard::Bytes | Heard::Silence => assert!(Instant::now() < deadline, "it does not end"),
        }
    }
}

fn run(sandbox: &mut dyn Sandbox, script: &str) -> (String, Exit) {
    let mut process = sandbox.spawn(&launch(script, Streams::Pipe)).unwrap();
    finish(process.as_mut())
}

/// What a script prints that succeeds.
#[track_caller]
fn output(sandbox: &mut dyn Sandbox, script: &str) -> String {
    let (text, exit) = run(sandbox, script);
    assert_eq!(exit, Exit::Code(0), "{script}: {text}");
    text
}

/// A folder of the host with a few files, and a spec that shows it at `/testbed`.
fn project() -> (tempfile::TempDir, Spec) {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fs::create_dir_all(at.join("src/deep")).unwrap();
    fs::create_dir(at.join("old")).unwrap();
    for (name, text) in [
        ("README", "read me\n"),
        ("src/main.py", "print('one')\n"),
        ("src/deep/x", "x\n"),
        ("old/a", "a\n"),
        ("old/b", "b\n"),
    ] {
        fs::write(at.join(name), text).unwrap();
    }
    fs::set_permissions(at.join("src/main.py"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(at, fs::Permissions::from_mode(0o755)).unwrap();
    let spec = Spec {
        trees: vec![
            Tree {
                at: "/testbed".to_owned(),
                lower: Some(at.to_owned()),
            },
            Tree {
                at: "/data/new".to_owned(),
                lower: None,
            },
        ],
        ..Spec::default()
    };
    (folder, spec)
}

/// Every path of a folder with its bytes and mode.
fn contents(folder: &Path) -> Vec<(String, u32, Vec<u8>)> {
    let mut all: Vec<_> = walkdir::WalkDir::new(folder)
        .into_iter()
        .map(|entry| {
            let entry = entry.unwrap();
            let bytes = fs::read(entry.path()).unwrap_or_default();
            let mode = entry.metadata().unwrap().permissions().mode();
            (entry.path().display().to_string(), mode, bytes)
        })
        .collect();
    all.sort();
    all
}

const CHANGES: &str = "cd /testbed && echo 'print(2)' >> src/main.py && rm README && rm -r old && mkdir old && \
    echo c > old/c && ln -s nowhere link && chmod 700 src/deep && mkfifo pipe && touch src/deep/x && \
    echo hidden > secret && chmod 000 secret && mkdir -p /data/new/sub && echo n > /data/new/sub/n";

#[test]
fn what_a_sandbox_changes_is_a_layer_and_the_folder_stays() {
    let (folder, spec) = project();
    let before = contents(folder.path());
    let Some(mut sandbox) = start(&spec) else {
        return;
    };
    assert_eq!(
        output(sandbox.as_mut(), "ls /testbed"),
        "README\nold\nsrc\n"
    );
    assert_eq!(sandbox.layer(None).unwrap(), Layer::default());
    output(sandbox.as_mut(), CHANGES);
    let layer = sandbox.layer(None).unwrap();
    assert_eq!(contents(folder.path()), before);
    let file = |mode, text: &str| Entry::File {
        mode,
        content: Content::new(text.as_bytes()),
    };
    let dir = |mode, is_opaque| Entry::Dir { mode, is_opaque };
    let expected = [
        ("/data/new/sub", dir(0o755, false)),
        ("/data/new/sub/n", file(0o644, "n\n")),
        ("/testbed/README", Entry::Removed),
        (
            "/testbed/link",
            Entry::Symlink {
                target: b"nowhere".to_vec(),
            },
        ),
        ("/testbed/old", dir(0o755, true)),
        ("/testbed/old/c", file(0o644, "c\n")),
        ("/testbed/pipe", Entry::Other),
        ("/testbed/secret", file(0, "hidden\n")),
        ("/testbed/src/deep", dir(0o700, false)),
        (
            "/testbed/src/main.py",
            file(0o755, "print('one')\nprint(2)\n"),
        ),
    ];
    let expected = expected.map(|(path, entry)| (path.as_bytes().to_vec(), entry));
    assert_eq!(layer.entries.into_iter().collect::<Vec<_>>(), expected);
}

#[test]
fn a_sandbox_starts_where_another_stood() {
    let (_folder, mut spec) = project();
    let Some(mut sandbox) = start(&spec) else {
        return;
    };
    output(sandbox.as_mut(), CHANGES);
    let mut layer = sandbox.layer(None).unwrap();
    drop(sandbox);
    layer.entries.remove(b"/testbed/pipe".as_slice());
    spec.layer = Some(Arc::new(layer.clone()));
    let Some(mut again) = start(&spec) else {
        return;
    };
    let text = "cd /testbed && ls -A . old src && cat src/main.py && stat -c %a secret src/deep && readlink link";
    assert_eq!(
        output(again.as_mut(), text),
        ".:\nlink\nold\nsecret\nsrc\n\nold:\nc\n\nsrc:\ndeep\nmain.py\nprint('one')\nprint(2)\n0\n700\nnowhere\n"
    );
    // What is known is not copied: the very bytes are shared.
    let known = again.layer(Some(&layer)).unwrap();
    assert_eq!(known, layer);
    let bytes = |layer: &Layer, path: &str| match &layer.entries[path.as_bytes()] {
        Entry::File { content, .. } => Arc::clone(&content.bytes),
        other => panic!("{other:?}"),
    };
    let path = "/testbed/src/main.py";
    assert!(Arc::ptr_eq(&bytes(&known, path), &bytes(&layer, path)));
    output(
        again.as_mut(),
        "cd /testbed && sed -i s/one/two/ src/main.py",
    );
    let changed = again.layer(Some(&known)).unwrap();
    assert_eq!(&*bytes(&changed, path), b"print('two')\nprint(2)\n");
    let path = "/data/new/sub/n";
    assert!(Arc::ptr_eq(&bytes(&changed, path), &bytes(&layer, path)));
}

#[test]
fn files_are_read_and_changed_as_its_processes_see_them() {
    let (folder, spec) = project();
    let Some(mut sandbox) = start(&spec) else {
        return;
    };
    let files = sandbox.files();
    assert_eq!(files.read("/testbed/README", 100).unwrap(), b"read me\n");
    assert_eq!(files.meta("/testbed/none").unwrap(), None);
    let meta = files.meta("/testbed/src/main.py").unwrap().unwrap();
    assert_eq!(
        (meta.kind, meta.len, meta.mode),
        (FileKind::File, 13, 0o755)
    );
    let big = vec![7; 3_000_000];
    files.write("/testbed/big", &big, None).unwrap();
    assert_eq!(files.read("/testbed/big", 3_000_000).unwrap(), big);
    let err = files.read("/testbed/big", 2_999_999).unwrap_err();
    assert_eq!(err.to_string(), "the file is longer than 2999999 bytes");
    files
        .write("/testbed/src/main.py", b"new", Some(0o600))
        .unwrap();
    assert_eq!(
        files.meta("/testbed/src/main.py").unwrap().unwrap().mode,
        0o755
    );
    files.make_dirs("/testbed/a/b/c").unwrap();
    files.make_dirs("/testbed/a/b/c").unwrap();
    files.write("/testbed/a/b/f", b"f", Some(0o600)).unwrap();
    files.set_mode("/testbed/a/b/f", 0o640).unwrap();
    files.rename("/testbed/a/b/f", "/testbed/a/g").unwrap();
    assert_eq!(files.meta("/testbed/a/g").unwrap().unwrap().mode, 0o640);
    files.remove("/testbed/a/g").unwrap();
    let errno = |err: hgview::sandbox::FileError| err.errno;
    assert_eq!(errno(files.remove("/testbed/a/g").unwrap_err()), Some(2));
    assert_eq!(errno(files.read("/testbed/src", 9).unwrap_err()), Some(21));
    assert_eq!(
        errno(files.write("/usr/x", b"", None).unwrap_err()),
        Some(30)
    );
    assert_eq!(
        errno(files.write("/testbed/q/x", b"", None).unwrap_err()),
        Some(2)
    );
    assert_eq!(
        files.read("/dev/zero", 9).unwrap_err().why,
        "it is no regular file"
    );
    let mut names: Vec<String> = files
        .list("/testbed", 2, 100)
        .unwrap()
        .into_iter()
        .map(|found| found.path)
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "README",
            "a",
            "a/b",
            "big",
            "old",
            "old/a",
            "old/b",
            "src",
            "src/deep",
            "src/main.py"
        ]
    );
    assert!(files.list("/testbed", 2, 3).is_err());
    assert_eq!(
        fs::read(folder.path().join("src/main.py")).unwrap(),
        b"print('one')\n"
    );
}

#[test]
fn a_terminal_is_one() {
    let Some(mut sandbox) = start(&Spec::default()) else {
        return;
    };
    let streams = Streams::Terminal {
        rows: 50,
        columns: 132,
    };
    let mut process = sandbox
        .spawn(&launch("tty; stty size; read x; echo got $x; ps -o tty= -p $$; echo hi > /dev/tty; sleep 100 & disown", streams))
        .unwrap();
    process.write(b"words\n").unwrap();
    let (text, exit) = finish(process.as_mut());
    assert_eq!(exit, Exit::Code(0));
    // What was typed is echoed once, whenever the terminal got to it.
    let text = text.replacen("words\r\n", "", 1);
    assert_eq!(text, "/dev/pts/0\r\n50 132\r\ngot words\r\npts/0\r\nhi\r\n");
    let err = process.write(b"more").unwrap_err();
    assert!(err.to_string().contains("ended"), "{err}");
}

#[test]
fn a_folder_of_another_user_can_be_changed_where_the_machine_can_show_it_so() {
    let (folder, spec) = project();
    if !rustix::process::geteuid().is_root() {
        return;
    }
    for owner in [0, 1000, 70_000, 200_000] {
        for path in walkdir::WalkDir::new(folder.path()) {
            std::os::unix::fs::chown(path.unwrap().path(), Some(owner), Some(owner)).unwrap();
        }
        let Some(mut sandbox) = start(&spec) else {
            return;
        };
        let script =
            "cd /testbed && echo x >> README && rm -r old && stat -c %u:%g README src . | sort -u";
        assert_eq!(output(sandbox.as_mut(), script), "0:0\n", "{owner}");
    }
    assert_eq!(
        fs::read(folder.path().join("README")).unwrap(),
        b"read me\n"
    );
}

#[test]
fn a_folder_lies_where_it_was_recorded_also_among_the_system_s() {
    let (_folder, mut spec) = project();
    spec.trees[0].at = "/usr/local/share/app/x".to_owned();
    spec.trees[1].at = "/usr/local/share/more".to_owned();
    let Some(mut sandbox) = start(&spec) else {
        return;
    };
    let script = "cd /usr/local/share/app/x && echo x >> README && cat README && echo y > ../../more/y && ls /usr/local/share";
    let mut names: Vec<String> = fs::read_dir("/usr/local/share")
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .chain(["app".to_owned(), "more".to_owned()])
        .collect();
    names.sort();
    let told = output(sandbox.as_mut(), script);
    let told: Vec<&str> = told.lines().collect();
    assert_eq!(
        told,
        [
            &["read me", "x"],
            names
                .iter()
                .map(String::as_str)
                .collect::<Vec<_>>()
                .as_slice()
        ]
        .concat()
    );
    assert_eq!(sandbox.layer(None).unwrap().entries.len(), 2);
    assert!(
        sandbox
            .files()
            .write("/usr/local/share/z", b"", None)
            .is_err()
    );
}

/// A system of nothing but a shell and what it needs.
fn image() -> tempfile::TempDir {
    let image = tempfile::tempdir().unwrap();
    fs::set_permissions(image.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let needs = std::process::Command::new("ldd")
        .arg("/bin/bash")
        .output()
        .unwrap();
    let needs = String::from_utf8(needs.stdout).unwrap();
    let libraries = needs
        .split_whitespace()
        .filter(|word| word.starts_with('/'));
    for path in libraries.chain(["/bin/bash"]) {
        let to = image.path().join(path.trim_start_matches('/'));
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(path, to).unwrap();
    }
    fs::create_dir_all(image.path().join("etc")).unwrap();
    fs::write(
        image.path().join("etc/passwd"),
        "root:x:0:0:me:/root:/bin/sh\n",
    )
    .unwrap();
    std::os::unix::fs::symlink("/../../../../../tmp/out", image.path().join("etc/hosts")).unwrap();
    image
}

#[test]
fn an_unpacked_image_is_a_system_that_can_be_changed() {
    let image = image();
    let before = contents(image.path());
    let (_folder, spec) = project();
    let spec = Spec {
        system: System::Rootfs(image.path().to_owned()),
        ..spec
    };
    let Some(mut sandbox) = start(&spec) else {
        return;
    };
    let script = "echo here > /bin/new && echo more > /root/x && echo $(</testbed/README) $(</bin/new) && \
        cd / && echo * && while read -r line; do echo $line; done < /etc/passwd && echo 2>/dev/null > /dev/null";
    assert_eq!(
        output(sandbox.as_mut(), script),
        "read me here\nbin data dev etc lib lib64 proc root sys testbed tmp\nroot:x:0:0:me:/root:/bin/sh\n"
    );
    assert_eq!(contents(image.path()), before);
    assert_eq!(sandbox.layer(None).unwrap(), Layer::default());
    drop(sandbox);
    let Some(mut again) = start(&spec) else {
        return;
    };
    assert_eq!(
        output(again.as_mut(), "[ -e /bin/new ] || echo gone"),
        "gone\n"
    );
}

#[test]
fn a_spec_that_cannot_be_is_refused_before_anything_starts() {
    let tree = |at: &str, lower: Option<&str>| Tree {
        at: at.to_owned(),
        lower: lower.map(PathBuf::from),
    };
    let trees = |trees: Vec<Tree>| Spec {
        trees,
        ..Spec::default()
    };
    let refused = [
        (trees(vec![tree("/a", Some("/no/such"))]), Kind::Input),
        (trees(vec![tree("a", None)]), Kind::User),
        (trees(vec![tree("/", None)]), Kind::User),
        (trees(vec![tree("/a/../b", None)]), Kind::User),
        (trees(vec![tree("/proc/x", None)]), Kind::User),
        (
            trees(vec![tree("/a/b", None), tree("/a", None)]),
            Kind::User,
        ),
        (
            Spec {
                system: System::Image("alpine".to_owned()),
                ..Spec::default()
            },
            Kind::User,
        ),
        (
            Spec {
                user: "x:0\n".to_owned(),
                ..Spec::default()
            },
            Kind::User,
        ),
    ];
    for (spec, kind) in refused {
        let started = Namespace::with_program(program()).start(&spec, &Cancel::new());
        let err = started.map(|_| ()).unwrap_err();
        assert_eq!(err.kind(), kind, "{err}");
    }
}

#[test]
fn what_cannot_be_started_says_why() {
    let Some(mut sandbox) = start(&Spec::default()) else {
        return;
    };
    let mut launch = launch("true", Streams::Pipe);
    launch.cwd = "/no/such".to_owned();
    let err = sandbox.spawn(&launch).map(|_| ()).unwrap_err();
    assert_eq!(
        (err.kind(), err.to_string().as_str()),
        (
            Kind::Input,
            "cannot start bash in /no/such: No such file or directory (os error 2)"
        )
    );
    launch.cwd = "/".to_owned();
    launch.argv = vec!["no-such-program".to_owned()];
    let err = sandbox.spawn(&launch).map(|_| ()).unwrap_err();
    assert_eq!(err.kind(), Kind::Input, "{err}");
    assert_eq!(output(sandbox.as_mut(), "echo on"), "on\n");
    assert_eq!(run(sandbox.as_mut(), "exit 7").1, Exit::Code(7));
    assert_eq!(run(sandbox.as_mut(), "kill -TERM $$").1, Exit::Signal(15));
}

/// A process on a terminal of this sandbox is told when that has another size; one without has none.
#[track_caller]
pub(crate) fn takes_another_size(sandbox: &mut dyn Sandbox, cwd: &str) {
    let mut start = |script: &str, streams: Streams| {
        let launch = Launch {
            argv: ["/bin/sh", "-c", script].map(str::to_owned).to_vec(),
            cwd: cwd.to_owned(),
            env: Vec::new(),
            streams,
        };
        sandbox.spawn(&launch).unwrap()
    };
    let hear = |process: &mut dyn Process, want: &str| {
        let mut said = Vec::new();
        let deadline = Instant::now() + Duration::from_mins(1);
        while !String::from_utf8_lossy(&said).contains(want) {
            process.read(&mut said, Duration::from_secs(1)).unwrap();
            let told = String::from_utf8_lossy(&said);
            assert!(Instant::now() < deadline, "{told:?}");
        }
    };
    let streams = Streams::Terminal {
        rows: 33,
        columns: 77,
    };
    let script = "trap 'stty size; exit 7' WINCH; echo ready; while :; do sleep 0.1; done";
    let mut process = start(script, streams);
    hear(&mut *process, "ready");
    process.resize(20, 60).unwrap();
    hear(&mut *process, "20 60");
    let err = start("true", Streams::Pipe).resize(20, 60).unwrap_err();
    assert!(err.to_string().contains("terminal"), "{err}");
}

/// The end of what runs at a terminal and is interrupted: as often as it takes, since a shell that is about to start a
/// program can lose an interrupt.
#[track_caller]
pub(crate) fn interrupted(process: &mut dyn Process) -> Exit {
    let deadline = Instant::now() + Duration::from_mins(1);
    let mut said = Vec::new();
    loop {
        // it may have ended just now
        let _written = process.write(b"\x03");
        if let Heard::End(exit) = process.read(&mut said, Duration::from_secs(1)).unwrap() {
            return exit;
        }
        let told = String::from_utf8_lossy(&said);
        assert!(Instant::now() < deadline, "{told:?}");
    }
}

/// Runs an ignored test of this program in a process that ignores the signals of a terminal, as `nohup` and a script's `&` do.
#[track_caller]
pub(crate) fn passes_where_signals_are_ignored(part: &str) {
    let script = "trap '' HUP INT QUIT TERM TSTP; exec \"$@\"";
    let done = std::process::Command::new("sh")
        .args(["-c", script, "sh"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", part, "--ignored", "--nocapture"])
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{told}");
    assert!(told.contains("1 passed"), "{told}");
}

/// Prints the signals that a program ignores from the start.
pub(crate) const IGNORED: &str = "exec grep -E 'SigIgn' /proc/self/status";

/// Those above are the C library's own.
#[track_caller]
pub(crate) fn ignores_nothing(said: &str) {
    let mask = said.trim().strip_prefix("SigIgn:\t").expect(said);
    let mask = u64::from_str_radix(mask, 16).expect(said);
    assert_eq!(mask & 0x7fff_ffff, 0, "{said}");
}

#[test]
#[ignore = "a part of another test"]
fn part_that_ignores_signals() {
    if let Some(mut sandbox) = start(&Spec::default()) {
        ignores_nothing(&output(&mut *sandbox, IGNORED));
    }
}

#[test]
fn signals_that_are_ignored_outside_are_heeded_inside() {
    passes_where_signals_are_ignored("sandbox::part_that_ignores_signals");
}

#[test]
fn a_terminal_takes_another_size() {
    let Some(mut sandbox) = start(&Spec::default()) else {
        return;
    };
    takes_another_size(&mut *sandbox, "/");
}
