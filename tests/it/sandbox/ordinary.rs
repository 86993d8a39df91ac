//! Runs the tests of the sandbox again as a user without any rights, where the tests run as root.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use crate::sandbox::PROGRAM;

/// A number that is nobody's.
const USER: u32 = 54_321;

/// A path at which the user can run a program: its own, or that of a copy.
fn reachable(program: &Path, folder: &Path) -> PathBuf {
    let works = Command::new(program)
        .args(["--list", "--help"])
        .uid(USER)
        .gid(USER)
        .output();
    if works.is_ok() {
        return program.to_owned();
    }
    let copy = folder.join(program.file_name().unwrap());
    fs::copy(program, &copy).unwrap();
    copy
}

#[test]
fn an_ordinary_user_has_the_same_walls() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let own = folder.path().join("own");
    fs::create_dir(&own).unwrap();
    chown(&own, Some(USER), Some(USER)).unwrap();
    let tests = reachable(&std::env::current_exe().unwrap(), folder.path());
    let program = reachable(Path::new(env!("CARGO_BIN_EXE_hgview")), folder.path());
    let run = Command::new(tests)
        .arg("sandbox::")
        .env(PROGRAM, program)
        .env("TMPDIR", &own)
        .env("HOME", &own)
        .current_dir(&own)
        .uid(USER)
        .gid(USER)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&run.stdout);
    let (_, count) = told.split_once("running ").unwrap();
    let count: usize = count.split(' ').next().unwrap().parse().unwrap();
    assert!(run.status.success() && count > 20, "{told}");
    eprint!("{}", String::from_utf8_lossy(&run.stderr));
}
