//! Programs in what stands for a sandbox here: the real one is asked the same in `tests/it`.

use super::*;
use crate::sandbox::testing::plain::Plain;

fn sandboxed(wall: Duration) -> Option<Sandboxed> {
    match Sandboxed::find(Arc::new(Plain)) {
        Ok(found) => Some(Sandboxed { wall, ..found }),
        Err(why) => {
            eprintln!("skipped: {why}");
            None
        }
    }
}

#[track_caller]
fn check(program: &str, code: i32, says: &str) {
    let Some(runner) = sandboxed(WALL) else {
        return;
    };
    match runner.run(program, &Cancel::new()) {
        ProgramEnd::Exited { code: got, output } => {
            assert_eq!(got, Some(code), "{output}");
            assert!(output.contains(says), "{output}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn programs_end_with_their_code_and_output() {
    check("print('hello')", 0, "hello");
    check("import sys; sys.exit(3)", 3, "");
    check("1 / 0", 1, "ZeroDivisionError");
    let killed = "import os, signal; os.kill(os.getpid(), signal.SIGTERM)";
    check(killed, -15, "");
    check(
        "import os; print(sorted(set(os.environ) - {'LC_CTYPE'}))",
        0,
        "[]",
    );
}

#[test]
fn programs_stop() {
    let Some(runner) = sandboxed(Duration::from_millis(300)) else {
        return;
    };
    assert_eq!(
        runner.run("while 1: pass", &Cancel::new()),
        ProgramEnd::TimedOut
    );
    let cancel = Cancel::new();
    cancel.cancel();
    let end = runner.run("while 1: pass", &cancel);
    assert_eq!(end, ProgramEnd::Refused("cancelled".to_owned()));
}

#[test]
fn output_is_bounded() {
    let Some(runner) = sandboxed(WALL) else {
        return;
    };
    let end = runner.run("print('x' * (1 << 20))", &Cancel::new());
    let ProgramEnd::Exited { output, .. } = end else {
        panic!("{end:?}");
    };
    assert_eq!(output.len(), OUTPUT_BYTES);
}

#[test]
fn interpreters_outside_the_system_are_shown() {
    let Some(python) = python_of(OsStr::new("python3")) else {
        return;
    };
    assert!(Path::new(&python.program).is_absolute());
    assert!(python.readable.iter().all(|path| !path.starts_with("/usr")));
    assert_eq!(python_of(OsStr::new("no-such-python")), None);
}

#[test]
fn without_a_sandbox_it_is_said_or_allowed() {
    let none = Vec::new;
    let end = Programs::new(none, false).run("", &Cancel::new());
    let ProgramEnd::Refused(why) = end else {
        panic!("{end:?}");
    };
    assert!(
        why.contains("no sandboxes on this system; --allow-run"),
        "{why}"
    );
    if let ProgramEnd::Exited { code, .. } = Programs::new(none, true).run("", &Cancel::new()) {
        assert_eq!(code, Some(0));
    }
    let plain = Programs::new(|| vec![Arc::new(Plain) as Arc<dyn Backend>], false);
    if let ProgramEnd::Exited { output, .. } = plain.run("print(1)", &Cancel::new()) {
        assert_eq!(output, "1\n");
    }
}
