//! What the explorer refuses before it touches the screen.

use crate::program::Program;
use crate::program::sample;

#[test]
fn no_terminal() {
    let run = Program::new().run(&[sample("chat/xml.jsonl")]).ends(2);
    assert_eq!(
        run.err,
        "hgview: standard output is no terminal\n\
         hint: `hgview list` prints a table, `hgview show` prints a trajectory\n"
    );
    assert_eq!(run.out, "");
}

#[test]
fn nothing_named() {
    let run = Program::new().run::<&str>(&[]).ends(2);
    assert!(
        run.err.starts_with("hgview: nothing to open\nhint: "),
        "{}",
        run.err
    );
}

#[test]
fn a_missing_file_and_a_mistyped_command() {
    let run = Program::new().run(&["no-such.jsonl"]).ends(2);
    assert!(
        run.err.starts_with("hgview: cannot open no-such.jsonl: "),
        "{}",
        run.err
    );
    let run = Program::new().run(&["lsit", "x"]).ends(2);
    assert!(
        run.err
            .contains("hint: did you mean the command `hgview list`?\n"),
        "{}",
        run.err
    );
    let run = Program::new().run(&["list", "no-such.jsonl"]).ends(2);
    assert!(
        run.err.starts_with("hgview: cannot open no-such.jsonl: "),
        "{}",
        run.err
    );
}

#[test]
fn a_folder_without_trajectories() {
    let program = Program::new();
    program.file("notes/readme.txt", "nothing to see");
    let run = program.run(&["list", "notes"]).ends(2);
    assert!(
        run.err.starts_with("hgview: no trajectories in notes\n"),
        "{}",
        run.err
    );
    std::fs::create_dir(program.home().join("bare")).unwrap();
    let run = program.run(&["list", "bare"]).ends(2);
    assert!(
        run.err.starts_with("hgview: no trajectories in bare\n"),
        "{}",
        run.err
    );
}

#[cfg(unix)]
#[test]
fn a_file_that_may_not_be_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let program = Program::new();
    let path = program.file("secret.jsonl", "{}");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
    if std::fs::File::open(&path).is_ok() {
        eprintln!("skipped: this user may read everything");
        return;
    }
    let run = program.run(&["list", "secret.jsonl"]);
    assert_ne!(run.code, 0);
    assert!(
        format!("{}{}", run.out, run.err).contains("ermission denied"),
        "{}{}",
        run.out,
        run.err
    );
}
