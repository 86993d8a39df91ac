//! What lies around a workspace, and folders that are only read.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use hgview::sandbox::Entry;
use hgview::sandbox::Layer;
use hgview::sandbox::Limits;
use hgview::sandbox::Spec;
use hgview::sandbox::Tree;

use crate::sandbox::output;
use crate::sandbox::start;
use crate::sandbox::threats::fails;

/// A workspace in a folder of its own.
fn workspace() -> (tempfile::TempDir, Spec) {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(folder.path().join("a"), "a\n").unwrap();
    let spec = Spec {
        trees: vec![Tree {
            at: "/workspace/repo".to_owned(),
            lower: Some(folder.path().to_owned()),
        }],
        ..Spec::default()
    };
    (folder, spec)
}

fn names(layer: &Layer) -> Vec<String> {
    let names = layer.entries.keys();
    names
        .map(|path| String::from_utf8(path.clone()).unwrap())
        .collect()
}

#[test]
fn commands_write_beside_their_workspace() {
    let (folder, mut spec) = workspace();
    let Some(mut sandbox) = start(&spec) else {
        return;
    };
    assert_eq!(sandbox.layer(None).unwrap(), Layer::default());
    let script = "cd /workspace && echo x >x.c && mkdir -p d/e && echo y >d/e/y && echo b >>repo/a && \
                  cp -r repo copy && ls";
    assert_eq!(output(sandbox.as_mut(), script), "copy\nd\nrepo\nx.c\n");
    // where the workspace lies it stays
    fails(sandbox.as_mut(), "rmdir /workspace/repo", "busy");
    fails(sandbox.as_mut(), "mv /workspace/repo /workspace/other", "");
    fails(sandbox.as_mut(), "rm -rf /workspace/repo/../repo", "busy");
    fails(sandbox.as_mut(), "echo z >/z", "Read-only");
    output(sandbox.as_mut(), "cd /workspace/repo; echo again >a");
    let layer = sandbox.layer(None).unwrap();
    let expected = [
        "/workspace/copy",
        "/workspace/copy/a",
        "/workspace/d",
        "/workspace/d/e",
        "/workspace/d/e/y",
        "/workspace/repo/a",
        "/workspace/x.c",
    ];
    assert_eq!(names(&layer), expected);
    drop(sandbox);

    // another begins where it stood
    spec.layer = Some(Arc::new(layer.clone()));
    let mut second = start(&spec).unwrap();
    let text = output(
        second.as_mut(),
        "cd /workspace; cat x.c d/e/y copy/a repo/a; rm -r x.c d",
    );
    assert_eq!(text, "x\ny\na\nb\nagain\n");
    let gone = second.layer(Some(&layer)).unwrap();
    assert_eq!(names(&gone), [expected[0], expected[1], expected[5]]);
    assert!(matches!(
        gone.entries[expected[5].as_bytes()],
        Entry::File { .. }
    ));
    assert_eq!(fs::read(folder.path().join("a")).unwrap(), b"a\n");
}

#[test]
fn what_is_written_beside_a_workspace_shares_its_bound() {
    let (_folder, spec) = workspace();
    let limits = Limits {
        disk: 8 << 20,
        inodes: 300,
        ..Limits::default()
    };
    let Some(mut sandbox) = start(&Spec { limits, ..spec }) else {
        return;
    };
    let full = "No space left on device";
    output(sandbox.as_mut(), "head -c 5M /dev/zero >/workspace/big");
    fails(
        sandbox.as_mut(),
        "head -c 5M /dev/zero >/workspace/repo/big",
        full,
    );
    output(sandbox.as_mut(), "rm /workspace/big /workspace/repo/big");
    let many = "for i in {1..600}; do : >/workspace/f$i || exit 1; done";
    fails(sandbox.as_mut(), many, full);
}

/// A folder of programs below one that is closed to everybody else, as `/root/.pyenv` is.
fn toolchain(above: &Path) -> std::path::PathBuf {
    let tools = above.join("closed/tools");
    fs::create_dir_all(tools.join("bin")).unwrap();
    fs::write(tools.join("bin/greet"), "#!/bin/sh\necho hello\n").unwrap();
    fs::set_permissions(tools.join("bin/greet"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(tools.join("secret"), "told").unwrap();
    fs::set_permissions(tools.join("secret"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(above.join("closed/beside"), "told").unwrap();
    fs::set_permissions(above.join("closed"), fs::Permissions::from_mode(0o700)).unwrap();
    tools
}

#[test]
fn a_folder_below_a_closed_one_can_be_read_and_nothing_beside_it() {
    let above = tempfile::tempdir().unwrap();
    let tools = toolchain(above.path());
    let (_folder, spec) = workspace();
    let spec = Spec {
        readable: vec![tools.clone()],
        ..spec
    };
    let Some(mut sandbox) = start(&spec) else {
        return;
    };
    let sandbox = sandbox.as_mut();
    let tools = tools.to_str().unwrap();
    assert_eq!(output(sandbox, &format!("{tools}/bin/greet")), "hello\n");
    let above = above.path().to_str().unwrap();
    assert_eq!(output(sandbox, &format!("ls {above}/closed")), "tools\n");
    fails(
        sandbox,
        &format!("cat {above}/closed/beside"),
        "No such file",
    );
    fails(sandbox, &format!("cat {tools}/../beside"), "No such file");
    fails(sandbox, &format!("echo x >{tools}/bin/greet"), "Read-only");
    fails(sandbox, &format!("echo x >{tools}/new"), "Read-only");
    fails(sandbox, &format!("rm {tools}/secret"), "Read-only");
    // an ordinary user's sandbox is that user, and may read what is theirs
    if rustix::process::geteuid().is_root() {
        fails(sandbox, &format!("cat {tools}/secret"), "Permission denied");
        assert!(sandbox.files().read(&format!("{tools}/secret"), 9).is_err());
    }
}

/// The folder lies in what is the home of the sandbox's user, too.
#[test]
fn a_python_in_root_s_home_runs() {
    let Some(version) = fs::read_dir("/root/.pyenv/versions")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.join("bin/python3").exists())
    else {
        eprintln!("skipped: no pyenv that can be read in /root");
        return;
    };
    let (_folder, spec) = workspace();
    let spec = Spec {
        readable: vec![version.clone()],
        ..spec
    };
    let Some(mut sandbox) = start(&spec) else {
        return;
    };
    let python = version.join("bin/python3");
    let script = format!(
        "echo x >/root/x && {} -c 'import json, sys; print(sys.prefix)'; ls -A /root",
        python.display()
    );
    assert_eq!(
        output(sandbox.as_mut(), &script),
        format!("{}\n.pyenv\nx\n", version.display())
    );
}
