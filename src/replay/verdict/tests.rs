//! Tables of what was recorded, what came now, and what that makes.

use std::fmt::Write as _;

use super::*;
use crate::model::ShellCall;

fn action(recorded: &str, status: Option<i64>) -> Action {
    let mut observation = Observation::text(recorded);
    observation.exit_code = status;
    Action {
        shell: Some(ShellCall {
            cmd: "make".into(),
            ..ShellCall::default()
        }),
        observation: Some(observation),
        ..Action::default()
    }
}

fn reply(now: &str, status: Option<i64>) -> Reply {
    Reply {
        exit_code: status,
        ..Reply::text(now)
    }
}

#[track_caller]
fn check(recorded: &str, now: &str, expected: StepVerdict) {
    let judged = judge(&action(recorded, None), &reply(now, None), &[]);
    assert_eq!(
        judged.verdict, expected,
        "{recorded:?} / {now:?}: {:?}",
        judged.why
    );
    let is_reproduced = matches!(expected, StepVerdict::Match | StepVerdict::MatchNormalised);
    assert_eq!(judged.why.is_none(), is_reproduced);
}

#[test]
fn the_same_text() {
    for text in ["", "a", "a\nb\n", "\u{1b}[1mx", "漢字"] {
        check(text, text, StepVerdict::Match);
    }
    check("a\n", "a", StepVerdict::Match);
    check("a", "a  \n\n", StepVerdict::Match);
    check("a\r\nb", "a\nb", StepVerdict::MatchNormalised);
}

#[test]
fn what_is_put_around_an_output() {
    let closed = "a\n[The command completed with exit code 0.]\n[Current working directory: /w]\n[Python interpreter: /usr/bin/python3]\n[Command finished with exit code 0]";
    check("a", closed, StepVerdict::Match);
    check(closed, "a", StepVerdict::Match);
    check(
        &format!("EXECUTION RESULT of [execute_bash]:\n{closed}"),
        closed,
        StepVerdict::Match,
    );
    check("OBSERVATION:\na", "a", StepVerdict::Match);
    check(
        "a",
        "<returncode>0</returncode>\n<output>\na\n</output>",
        StepVerdict::Match,
    );
    let elsewhere = closed.replace("/usr/bin/python3", "/opt/venv/bin/python");
    check(closed, &elsewhere, StepVerdict::MatchNormalised);
    let lost = closed.replace("directory: /w]", "directory: /w/src]");
    check(closed, &lost, StepVerdict::Drift);
    check("b", closed, StepVerdict::Drift);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn what_no_two_runs_share() {
    let cases = [
        // times and dates
        ("at 2024-05-06 07:08:09", "at 2026-11-23 04:08:44"),
        (
            "2024-05-06T07:08:09.123Z INFO x",
            "2026-11-23T04:08:44.9Z INFO x",
        ),
        (
            "Mon May  6 07:08:09 UTC 2024",
            "Mon Nov 23 04:08:44 UTC 2026",
        ),
        (
            "Date:   Mon May 6 07:08:09 2024 +0000",
            "Date:   Sun Nov 22 04:08:44 2026 +0100",
        ),
        ("[07:08:09] start", "[14:28:59] start"),
        // durations
        ("Ran 3 tests in 0.001s", "Ran 3 tests in 12.5s"),
        ("=== 3 passed in 0.12s ===", "== 3 passed in 10.12s ==="),
        (
            "========================= 3 passed, 1 warning in 0.12s =========================",
            "======================== 3 passed, 1 warning in 61.30s (0:01:01) ===============",
        ),
        ("real\t0m0.012s", "real\t1m2.345s"),
        (
            "test result: ok. 3 passed; finished in 0.00s",
            "test result: ok. 3 passed; finished in 1.27s",
        ),
        ("Time:        2.345 s", "Time:        1.1 s"),
        ("--- PASS: TestX (0.00s)", "--- PASS: TestX (0.02s)"),
        ("Tests took 12 ms", "Tests took 7 ms"),
        // addresses, temporary files, processes, machines
        ("<Foo object at 0x7f1234567890>", "<Foo object at 0x55aa00>"),
        (
            "wrote /tmp/tmpa1b2c3d4/x.txt",
            "wrote /tmp/tmpzz_9x8y7/x.txt",
        ),
        ("/tmp/tmp.AbCdEf1234", "/tmp/tmp.Zz99Zz99Zz"),
        (
            "/tmp/pytest-of-root/pytest-0/test_a0",
            "/tmp/pytest-of-agent/pytest-12/test_a0",
        ),
        ("[1] 12345", "[1] 678"),
        ("started with pid 4711", "started with pid 99"),
        ("==4711== LEAK", "==12== LEAK"),
        (
            "bash: line 3:  4711 Killed   ./x",
            "bash: line 3:  12 Killed   ./x",
        ),
        ("root@3f2a9c1b7d5e:/w# ls", "agent@sandbox:/w# ls"),
        // ls
        ("total 20", "total 16"),
        (
            "-rw-r--r-- 1 root root 120 May  6 07:08 a.py",
            "-rw-r--r--  1 agent agent    120 Nov 23  2025 a.py",
        ),
        (
            "drwxr-xr-x  5 root root 4096 May  6 07:08 src",
            "drwxr-xr-x 2 1000 1000 60 Nov 23 04:08 src",
        ),
        // commits
        (
            "commit 0123456789abcdef0123456789abcdef01234567",
            "commit fedcba9876543210fedcba9876543210fedcba98",
        ),
        (
            "[main (root-commit) 1a2b3c4] Initial commit",
            "[main (root-commit) 9f8e7d6] Initial commit",
        ),
        ("1a2b3c4 Initial commit", "9f8e7d6 Initial commit"),
        (
            "HEAD is now at 1a2b3c4 Initial commit",
            "HEAD is now at 9f8e7d6 Initial commit",
        ),
        (
            "0123456789abcdef0123456789abcdef01234567",
            "fedcba9876543210fedcba9876543210fedcba98",
        ),
        (
            "* main 1a2b3c4 Initial commit",
            "* main 9f8e7d6 Initial commit",
        ),
        ("Chunk ID: a1b2c3", "Chunk ID: ffee00"),
    ];
    for (recorded, now) in cases {
        check(recorded, now, StepVerdict::MatchNormalised);
        check(
            &format!("x\n{recorded}\ny"),
            &format!("x\n{now}\ny"),
            StepVerdict::MatchNormalised,
        );
    }
}

#[test]
fn what_counts() {
    let cases = [
        ("3 passed in 0.12s", "2 passed, 1 failed in 0.12s"),
        ("2 passed in 0.12s", "3 passed in 0.12s"),
        ("sleep 5", "sleep 6"),
        ("size 12", "size 13"),
        ("version 1.2.3", "version 1.2.4"),
        ("line 12: x", "line 13: x"),
        ("port 8080", "port 8081"),
        (
            "-rw-r--r-- 1 root root 120 May  6 07:08 a.py",
            "-rw-r--r-- 1 root root 121 May  6 07:08 a.py",
        ),
        (
            "-rw-r--r-- 1 root root 120 May  6 07:08 a.py",
            "-rwxr-xr-x 1 root root 120 May  6 07:08 a.py",
        ),
        (
            "-rw-r--r-- 1 root root 120 May  6 07:08 a.py",
            "-rw-r--r-- 1 root root 120 May  6 07:08 b.py",
        ),
        (
            "index 1a2b3c4..9f8e7d6 100644",
            "index 1a2b3c4..0f8e7d6 100644",
        ),
        (
            "d41d8cd98f00b204e9800998ecf8427e  a",
            "0cc175b9c0f1b6a831c399e269772661  a",
        ),
        (
            "da39a3ee5e6b4b0d3255bfef95601890afd80709  a",
            "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8  a",
        ),
        ("/tmp/out.txt", "/tmp/err.txt"),
        ("0x10", "0x20"),
        ("def tmpfile():", "def tmpname():"),
        ("", "a"),
        ("a\nb", "a"),
        ("1a2b3c4 = x", "9f8e7d6 = x"),
        ("a@b.org", "c@d.org"),
    ];
    for (recorded, now) in cases {
        check(recorded, now, StepVerdict::Drift);
    }
}

#[test]
fn lines_in_another_order() {
    check("b\na\nc", "a\nb\nc", StepVerdict::Reordered);
    check(
        "a in 0.1s\nb in 0.2s",
        "b in 0.7s\na in 0.9s",
        StepVerdict::Reordered,
    );
    check("a\na\nb", "a\nb\nb", StepVerdict::Drift);
    check("a\nb", "b\na\nc", StepVerdict::Drift);
}

#[test]
fn names_of_the_workspace() {
    let roots = [
        "/workspace/repo".to_owned(),
        "/tmp/hgview-1/repo".to_owned(),
    ];
    let told = |recorded: &str, now: &str| {
        judge(&action(recorded, None), &reply(now, None), &roots).verdict
    };
    let (then, now) = (
        "File /workspace/repo/a.py:3",
        "File /tmp/hgview-1/repo/a.py:3",
    );
    assert_eq!(told(then, now), StepVerdict::MatchNormalised);
    let other = "File /tmp/hgview-1/repository/a.py:3";
    assert_eq!(
        told("File /workspace/repository/a.py:3", other),
        StepVerdict::Drift
    );
    check(then, now, StepVerdict::Drift);
}

#[test]
fn cut_texts() {
    let all: String = (0..100).fold(String::new(), |mut all, line| {
        let _written = writeln!(all, "line {line}");
        all
    });
    let head: String = all.chars().take(200).collect();
    let tail: String = all.chars().skip(500).collect();
    let mark = "\n[... Observation truncated due to length ...]\n";
    check(
        &format!("{head}{mark}{tail}"),
        &all,
        StepVerdict::MatchNormalised,
    );
    check(
        &format!("{head}<response clipped><NOTE>x</NOTE>"),
        &all,
        StepVerdict::MatchNormalised,
    );
    let other = tail.replace("line 98", "line ninety-eight");
    check(&format!("{head}{mark}{other}"), &all, StepVerdict::Drift);
    check(
        &format!("{head}{mark}{tail}"),
        &format!("{head}{mark}{tail}"),
        StepVerdict::Match,
    );
}

#[track_caller]
fn check_status(
    recorded: (&str, Option<i64>),
    now: (&str, Option<i64>),
    expected: StepVerdict,
    why: &str,
) {
    let judged = judge(&action(recorded.0, recorded.1), &reply(now.0, now.1), &[]);
    assert_eq!(judged.verdict, expected, "{recorded:?} / {now:?}");
    assert_eq!(judged.why.as_deref().unwrap_or_default(), why);
}

#[test]
fn exit_statuses() {
    check_status(("a", Some(0)), ("a", Some(0)), StepVerdict::Match, "");
    check_status(("a", None), ("a", Some(1)), StepVerdict::Match, "");
    check_status(("a", Some(0)), ("a", None), StepVerdict::Match, "");
    let why = "exit status 1, recorded 0";
    check_status(("a", Some(0)), ("a", Some(1)), StepVerdict::ExitCode, why);
    let why = "exit status 1, recorded 0; line 1: `b`, recorded `a`";
    check_status(("a", Some(0)), ("b", Some(1)), StepVerdict::ExitCode, why);
    let why = "line 2: `c`, recorded `b`";
    check_status(
        ("a\nb", Some(0)),
        ("a\nc", Some(0)),
        StepVerdict::Drift,
        why,
    );
    let why = "line 2: nothing, recorded `b`";
    check_status(("a\nb", Some(0)), ("a", Some(0)), StepVerdict::Drift, why);
}

#[test]
fn what_does_not_end() {
    let why = "it did not end in its time; the recorded one did";
    check_status(("a", Some(0)), ("", Some(-1)), StepVerdict::Timeout, why);
    check_status(("a", Some(-1)), ("a", Some(-1)), StepVerdict::Match, "");
    check_status(
        ("a", Some(-1)),
        ("a", Some(0)),
        StepVerdict::ExitCode,
        "exit status 0, recorded -1",
    );
    let mut hung = reply("", None);
    hung.did = Did::TimedOut;
    let judged = judge(&action("a", None), &hung, &[]);
    assert_eq!(judged.verdict, StepVerdict::Timeout);
    let judged = judge(&action("a", Some(-1)), &hung, &[]);
    assert_eq!(judged.verdict, StepVerdict::Drift, "it hung then, too");
}

#[test]
fn without_a_network() {
    let pip =
        "ERROR: Could not find a version that satisfies the requirement x (from versions: none)";
    let cases = [
        ("Successfully installed x", pip),
        (
            "ok",
            "fatal: unable to access 'https://x/': Could not resolve host: x",
        ),
        ("ok", "Temporary failure resolving 'deb.debian.org'"),
        ("ok", "npm ERR! network request failed"),
        (
            "ok",
            "requests.exceptions.ConnectionError: Failed to establish a new connection: [Errno -3]",
        ),
        ("ok", "curl: (6) Could not resolve host: pypi.org"),
    ];
    for (recorded, now) in cases {
        check(recorded, now, StepVerdict::NeedsNetwork);
        check(now, now, StepVerdict::Match);
        check(now, &format!("{now}\nmore"), StepVerdict::Drift);
    }
    check("ok", "Connection refused", StepVerdict::Drift);
    let mut quiet = action("ok", Some(0));
    for (command, expected) in [
        ("curl -s https://x", StepVerdict::NeedsNetwork),
        (
            "cd /tmp && /usr/bin/curl -s x | head",
            StepVerdict::NeedsNetwork,
        ),
        ("./curly", StepVerdict::ExitCode),
    ] {
        quiet.shell = Some(ShellCall {
            cmd: command.into(),
            ..ShellCall::default()
        });
        let judged = judge(&quiet, &reply("", Some(6)), &[]);
        assert_eq!(judged.verdict, expected, "{command}");
    }
}

#[test]
fn what_is_not_run() {
    let told = |action: &Action, reply: &Reply| judge(action, reply, &[]);
    let judged = told(
        &action("Your thought has been logged.", None),
        &Reply::nothing(),
    );
    assert_eq!(judged, Judged::plain(StepVerdict::NoOp));
    let judged = told(&action("page", None), &Reply::not_replayable("a browser"));
    assert_eq!(
        judged,
        Judged::because(StepVerdict::NotReplayable, "a browser")
    );
    let judged = told(&Action::default(), &reply("a", Some(0)));
    assert_eq!(judged.verdict, StepVerdict::NoOp);
    assert!(judged.why.is_some());
    let mut seen = action("", None);
    seen.observation = Some(Observation {
        parts: vec![Part::Image {
            media_type: None,
            bytes: None,
            at: None,
        }],
        ..Observation::default()
    });
    assert_eq!(
        told(&seen, &reply("a", None)).verdict,
        StepVerdict::NotReplayable
    );
}

#[test]
fn several_texts_are_one() {
    let mut seen = action("a", None);
    if let Some(observation) = &mut seen.observation {
        observation.parts.push(Part::Text { text: "b".into() });
    }
    assert_eq!(
        judge(&seen, &reply("a\nb", None), &[]).verdict,
        StepVerdict::Match
    );
}

/// Sizes at which anything quadratic would not come to an end.
#[test]
fn long_texts() {
    let lines = |from: usize| {
        (0..40_000).fold(String::new(), |mut all, line| {
            let _written = writeln!(
                all,
                "item {} took 0.{}s",
                from.wrapping_mul(line) % 1000,
                line + from
            );
            all
        })
    };
    check(&lines(1), &lines(1), StepVerdict::Match);
    check(&lines(1), &lines(1001), StepVerdict::MatchNormalised);
    check(&lines(1), &lines(7), StepVerdict::Reordered);
    let one = "1:2:3 0x1 a@b tmp 12 /".repeat(20_000);
    check(&one, &format!("{one}z"), StepVerdict::Drift);
    let spaces = " ".repeat(2_000_000);
    check(
        &format!("a{spaces}b"),
        &format!("a{spaces}c"),
        StepVerdict::Drift,
    );
}

#[track_caller]
fn lacks(recorded: &str, now: &str, is_partial: bool, expected: Option<&str>) {
    let found = lack::lack(recorded, now, is_partial);
    assert_eq!(found.as_deref(), expected, "{recorded:?} / {now:?}");
}

#[test]
fn what_is_missing_here_is_told() {
    let program = Some("`python` is not installed here");
    lacks(
        "ok",
        "bash: line 1: python: command not found",
        false,
        program,
    );
    lacks("ok", "x\n/bin/sh: 1: python: not found\ny", false, program);
    let same = "bash: python: command not found";
    lacks(same, same, false, None);
    let file = Some("a file is missing that the record does not show whole");
    lacks("x", "cat: a: No such file or directory", true, file);
    lacks("x", "cat: a: No such file or directory", false, None);
    let outside = Some("here only the workspace, the home folder and /tmp can be written");
    lacks("", "bash: /a: Read-only file system", false, outside);
    let part = Some("the file is known in part only");
    lacks("    11\tx\n    12\ty", "    11\t\n    12\ty", true, part);
    lacks("11:x", "11:y", true, None);
    let less = Some("only files that the record shows are here");
    lacks("a\nb\nc", "b", true, less);
    lacks("a", "b", true, None);
}

#[test]
fn a_lack_stands_before_the_first_line_that_differs() {
    let action = action("3.9", Some(0));
    let reply = reply("bash: python: command not found", Some(127));
    let judged = judge(&action, &reply, &[]).explained(&action, &reply, false);
    assert_eq!(judged.verdict, StepVerdict::ExitCode);
    let why = judged.why.unwrap();
    assert!(
        why.starts_with("`python` is not installed here; exit status 127, recorded 0; line 1"),
        "{why}"
    );
}

#[test]
fn refused_calls_are_no_ops() {
    let refused = Reply {
        did: Did::Refused("a person was against it"),
        ..Reply::default()
    };
    let judged = judge(&action("patch rejected by user", None), &refused, &[]);
    assert_eq!(judged.verdict, StepVerdict::NoOp);
    assert_eq!(judged.why.as_deref(), Some("a person was against it"));
}

#[test]
fn blobs_are_as_long_as_git_needs_them() {
    check(
        "index be92973a11..8b7496eabc 100644",
        "index be92973..8b7496e 100644",
        StepVerdict::MatchNormalised,
    );
}

#[test]
fn commands_that_a_terminal_echoed_are_no_output() {
    let echoed = |output: &str| {
        format!(
            "OBSERVATION:\nmake{output}[Python Interpreter: /opt/bin/python]\nroot@openhands-workspace:/w # \n[Command \
             finished with exit code 0]"
        )
    };
    let now = "a\nb\n[Current working directory: /w]\n[Command finished with exit code 0]";
    check(&echoed("\r\na\r\nb"), now, StepVerdict::MatchNormalised);
    check(&echoed("\r\na\r\nc"), now, StepVerdict::Drift);
    check(&echoed(""), "", StepVerdict::Match);
}
