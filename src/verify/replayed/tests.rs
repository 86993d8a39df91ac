//! Verdicts over several runs, and commands in what stands for a sandbox.

use super::*;
use crate::sandbox::Spec;
use crate::sandbox::Tree;
use crate::sandbox::testing::plain::Plain;
use crate::verify::base::NoBases;
use crate::verify::program::ProgramEnd;

fn finished(patch: &str, spec: Spec) -> Finished {
    Finished::new(patch.into(), Some("def f(): return 1".into()), spec)
}

#[test]
fn commands_decide_by_their_exit() {
    #[track_caller]
    fn check(line: &str, repeat: usize, want: (Verdict, usize, usize), says: &str) {
        let folder = tempfile::tempdir().unwrap();
        let lower = tempfile::tempdir().unwrap();
        std::fs::write(lower.path().join("f"), "x\n").unwrap();
        let at = folder.path().join("w").display().to_string();
        let spec = Spec {
            trees: vec![Tree {
                at: at.clone(),
                lower: Some(lower.path().to_owned()),
            }],
            ..Spec::default()
        };
        let line = line.replace("OUT", &folder.path().display().to_string());
        let bounds = (
            repeat,
            Duration::from_secs(if says.contains("time") { 1 } else { 60 }),
        );
        let found = by_command(
            &Command::new(line.clone()),
            &finished("", spec),
            &Plain,
            &at,
            bounds,
            &Cancel::new(),
        );
        let found = found.unwrap();
        assert_eq!(
            (found.verdict, found.accepted, found.runs),
            want,
            "{found:?}"
        );
        assert!(found.why.contains(says), "{found:?}");
        assert_eq!(found.by, line);
        assert_eq!(found.is_flaky(), says.contains("flaky"));
    }
    check("test -f f", 1, (Verdict::Accept, 1, 1), "it passes");
    check(
        "echo; echo bad; exit 3",
        2,
        (Verdict::Reject, 0, 2),
        "it ends with 3: bad",
    );
    check(
        "test $TZ$PYTHONHASHSEED = UTC0",
        1,
        (Verdict::Accept, 1, 1),
        "",
    );
    check(
        "printf '\\377'; false",
        1,
        (Verdict::Reject, 0, 1),
        "it ends with 1: \u{fffd}",
    );
    check("kill -9 $$", 1, (Verdict::Reject, 0, 1), "signal 9");
    check(
        "while :; do :; done",
        1,
        (Verdict::Reject, 0, 1),
        "does not end in time",
    );
    // each run begins where the replay ended, but for what is outside
    check("test ! -e ran && touch ran", 3, (Verdict::Accept, 3, 3), "");
    let flaky = "test -e OUT/ran || { touch OUT/ran; exit 1; }";
    check(
        flaky,
        3,
        (Verdict::Unjudged, 2, 3),
        "flaky: it accepts 2 of 3 times; it ends with 1",
    );
}

#[test]
fn tests_of_the_task_are_applied_before() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("w").display().to_string();
    let spec = Spec {
        trees: vec![Tree {
            at: at.clone(),
            lower: None,
        }],
        ..Spec::default()
    };
    let patch = "--- /dev/null\n+++ b/t\n@@ -0,0 +1 @@\n+x\n";
    for (tests, want) in [(patch, Verdict::Accept), ("no patch", Verdict::Unjudged)] {
        let command = Command {
            line: "test -f t".to_owned(),
            tests: Some(tests.into()),
        };
        let bounds = (1, Duration::from_mins(1));
        let spec = finished("", spec.clone());
        let found = by_command(&command, &spec, &Plain, &at, bounds, &Cancel::new());
        assert_eq!(found.unwrap().verdict, want);
    }
}

#[test]
fn tasks_tell_their_command() {
    #[track_caller]
    fn check(instance: serde_json::Value, want: Option<&str>) {
        let task = Task::from_instance(instance);
        let found = Command::of_task(&task);
        assert_eq!(found.as_ref().map(|command| command.line.as_str()), want);
    }
    check(
        serde_json::json!({"test_cmd": "make test"}),
        Some("make test"),
    );
    check(
        serde_json::json!({"FAIL_TO_PASS": "[\"t/a.py::x[a b]\"]"}),
        Some("python3 -m pytest -q -p no:cacheprovider 't/a.py::x[a b]'"),
    );
    check(
        serde_json::json!({"FAIL_TO_PASS": ["t/a.py::x"]}),
        Some("python3 -m pytest -q -p no:cacheprovider t/a.py::x"),
    );
    for none in [
        serde_json::json!({"FAIL_TO_PASS": ["test_x (a.B)"]}),
        serde_json::json!({"FAIL_TO_PASS": []}),
        serde_json::json!({"FAIL_TO_PASS": ["--x.py::y"]}),
        serde_json::json!({"FAIL_TO_PASS": "no list"}),
        serde_json::json!({"test_cmd": " "}),
        serde_json::json!({}),
    ] {
        check(none, None);
    }
}

/// Ends every other program well.
#[derive(Default)]
struct Alternating(std::sync::atomic::AtomicUsize);

impl RunProgram for Alternating {
    fn run(&self, _: &str, _: &Cancel) -> ProgramEnd {
        let count = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        ProgramEnd::Exited {
            code: Some(i32::from(count % 2 == 1)),
            output: String::new(),
        }
    }
}

#[test]
fn rules_judge_the_replayed_patch() {
    let judge = |instance: serde_json::Value, patch: &str, repeat| {
        let trajectory = Trajectory {
            task: Some(Task::from_instance(instance)),
            final_patch: Some("recorded".into()),
            ..Trajectory::default()
        };
        let program = Alternating::default();
        let finished = finished(patch, Spec::default());
        let tools: (Option<&dyn RunProgram>, &dyn Bases) = (Some(&program), &NoBases);
        by_rules(
            Rules::Published,
            &trajectory,
            &finished,
            tools,
            repeat,
            &Cancel::new(),
        )
    };
    let localize = || {
        serde_json::json!({"module_name": "f", "module_type": "function", "file_path": "a.py",
            "function_description": "d", "module_line_start": 0, "module_line_end": 1,
            "docstring_line_start": -1, "docstring_line_end": -1})
    };
    let patch = "diff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n@@ -1,2 +1,4 @@\n def f():\n+    \"\"\"Do\n+    it.\"\"\"\n     pass\n";
    let found = judge(localize(), patch, 5);
    assert_eq!(
        (found.verdict, found.runs, found.by.as_str()),
        (Verdict::Accept, 1, "published")
    );
    assert_eq!(judge(localize(), "", 1).verdict, Verdict::Reject);
    let generate =
        serde_json::json!({"func_name": "f", "eval_script": "x = 1", "file_path": "m.py"});
    let found = judge(generate, "", 3);
    assert_eq!(
        (found.verdict, found.accepted, found.runs),
        (Verdict::Unjudged, 2, 3)
    );
    assert!(
        found.is_flaky() && found.why.starts_with("flaky"),
        "{found:?}"
    );
}
