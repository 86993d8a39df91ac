//! One table a dialect: what a step says, and what the file is afterwards.

use std::fmt::Write as _;

use serde_json::json;

use crate::cancel::Cancel;
use crate::model::Action;
use crate::model::Observation;
use crate::model::Step;
use crate::model::StepKind;
use crate::model::Text;
use crate::model::Trajectory;
use crate::model::Value;
use crate::read::understand::understand;
use crate::workspace::BaseFiles;
use crate::workspace::FileKind;
use crate::workspace::History;
use crate::workspace::Origin;
use crate::workspace::Row;

fn action(tool: &str, args: Value, said: &str) -> Action {
    Action {
        observation: Some(Observation::text(said)),
        ..Action::new(None, tool, args)
    }
}

pub(super) fn shell(cmd: &str, said: &str) -> Action {
    let mut action = action("execute_bash", json!({"command": cmd}), said);
    if let Some(observation) = &mut action.observation {
        observation.exit_code = Some(0);
    }
    action
}

fn trajectory(actions: Vec<Action>, patch: Option<&str>) -> Trajectory {
    let step = |(idx, action): (usize, Action)| Step {
        idx,
        actions: vec![action],
        ..Step::new(StepKind::Agent)
    };
    let mut trajectory = Trajectory {
        steps: actions.into_iter().enumerate().map(step).collect(),
        final_patch: patch.map(Text::from),
        ..Trajectory::default()
    };
    understand(&mut trajectory);
    trajectory
}

/// `1 a` known, `2+b` written by the last step, `3~c` by one before, `4?2` two unknown ones, `?` unknown to the end.
fn spelled(history: &History, path: &str, moment: usize) -> String {
    let state = history.file_at(path, moment).expect("the file is known");
    if state.exists == Some(false) {
        return "gone".to_owned();
    }
    let mut out = String::new();
    for row in &state.rows {
        if !out.is_empty() {
            out.push('|');
        }
        match row {
            Row::Line {
                number,
                text,
                origin,
                ..
            } => {
                let sign = match origin {
                    Origin::Changed(step) if step + 1 == moment => '+',
                    Origin::Changed(_) => '~',
                    Origin::Seen(_) => ' ',
                    Origin::Patch => 'p',
                    Origin::Base => 'r',
                };
                let number = number.map_or("-".to_owned(), |number| number.to_string());
                write!(out, "{number}{sign}{}", text.as_str()).unwrap();
            }
            Row::Unknown { number, len, .. } => {
                let number = number.map_or("-".to_owned(), |number| number.to_string());
                let len = len.map_or(String::new(), |len| len.to_string());
                write!(out, "{number}?{len}").unwrap();
            }
        }
    }
    out
}

#[track_caller]
pub(super) fn becomes(actions: Vec<Action>, want: &[&str]) {
    let trajectory = trajectory(actions, None);
    let history = History::of(&trajectory, &Cancel::new());
    let got: Vec<String> = (0..=trajectory.steps.len())
        .map(|moment| spelled(&history, "a.py", moment))
        .collect();
    assert_eq!(got, want);
}

fn editor(args: Value, said: &str) -> Action {
    let mut args = args;
    args["path"] = json!("/testbed/a.py");
    action("str_replace_editor", args, said)
}

const SEEN: &str = "Here's the result of running `cat -n` on /testbed/a.py:\n     1\ta\n     2\tb\n     3\tc\n     4\t\n";

#[test]
fn the_editor() {
    let view = || editor(json!({"command": "view"}), SEEN);
    let replace = || {
        editor(
            json!({"command": "str_replace", "old_str": "b\n", "new_str": "B\nX\n"}),
            "The file /testbed/a.py has been edited. Here's the result of running `cat -n` on a snippet of /testbed/a.py:\n     1\ta\n     2\tB\n     3\tX\n     4\tc\n     5\t\n",
        )
    };
    let undo = || {
        editor(
            json!({"command": "undo_edit"}),
            "Last edit to /testbed/a.py undone successfully.",
        )
    };
    becomes(
        vec![view(), replace(), undo()],
        &[
            "1 a|2 b|3 c",
            "1 a|2 b|3 c",
            "1 a|2+B|3+X|4 c",
            "1 a|2 b|3 c",
        ],
    );
    // the snippet alone tells lines, before and after it; what stood before the old text in its line it does not
    becomes(vec![replace()], &["1 a|2?1|3 c|4?", "1 a|2+B|3+X|4 c|5?"]);
    let create = editor(
        json!({"command": "create", "file_text": "n\nm\n"}),
        "File created successfully",
    );
    becomes(vec![create], &["gone", "1+n|2+m"]);
    let insert = editor(
        json!({"command": "insert", "insert_line": 1, "new_str": "i"}),
        "The file has been edited. Here's the result of running `cat -n` on a snippet:\n     1\ta\n     2\ti\n     3\tb\n",
    );
    becomes(
        vec![view(), insert],
        &["1 a|2 b|3 c", "1 a|2 b|3 c", "1 a|2+i|3 b|4 c"],
    );
    let refused = editor(
        json!({"command": "str_replace", "old_str": "b", "new_str": "B"}),
        "No replacement was performed, old_str `b` did not appear verbatim",
    );
    becomes(vec![view(), refused], &["1 a|2 b|3 c"; 3]);
    let part = editor(
        json!({"command": "view", "view_range": [2, 3]}),
        "cat -n\nHere's the result of running `cat -n` on a snippet of it:\n     2\tb\n     3\tc\n",
    );
    becomes(vec![part], &["1?1|2 b|3 c|4?"; 2]);
}

#[test]
fn commands() {
    let cat = || shell("cat /testbed/a.py", "a\nb\nc");
    becomes(vec![cat()], &["1 a|2 b|3 c"; 2]);
    becomes(
        vec![shell("sed -n '2,3p' /testbed/a.py", "b\nc")],
        &["1?1|2 b|3 c|4?"; 2],
    );
    becomes(
        vec![shell("head -2 /testbed/a.py", "a\nb")],
        &["1 a|2 b|3?"; 2],
    );
    let write = || shell("cat > /testbed/a.py <<'EOF'\nx\ny\nEOF", "");
    becomes(
        vec![cat(), write()],
        &["1 a|2 b|3 c", "1 a|2 b|3 c", "1+x|2+y"],
    );
    let append = shell("cat >> /testbed/a.py <<'EOF'\nz\nEOF", "");
    becomes(vec![write(), append], &["1?", "1+x|2+y", "1~x|2~y|3+z"]);
    // what nobody can follow is unknown until it is seen again
    for cmd in [
        "sed -i s/a/b/ /testbed/a.py",
        "cd /testbed && git checkout -- a.py",
        "cd /testbed && git stash",
        "python -c \"open('/testbed/a.py', 'w').write('x')\"",
        "cd /testbed && black .",
        "for f in *.py; do sed -i s/a/b/ $f; done",
        "mv /testbed/b.py /testbed/a.py",
        "echo x > /testbed/$F",
        "patch -p1 < fix.diff",
    ] {
        println!("{cmd}");
        becomes(
            vec![cat(), shell(cmd, "")],
            &["1 a|2 b|3 c", "1 a|2 b|3 c", "1?"],
        );
    }
    for cmd in [
        "python -m pytest -q",
        "cd /testbed && git status && git diff",
        "pip install -e .",
        "ls -la > /dev/null 2>&1",
        "python -c 'import a; print(a)'",
        "git stash list",
        "echo done > /tmp/log.txt",
    ] {
        println!("{cmd}");
        becomes(vec![cat(), shell(cmd, "")], &["1 a|2 b|3 c"; 3]);
    }
    becomes(
        vec![cat(), shell("rm /testbed/a.py", "")],
        &["1 a|2 b|3 c", "1 a|2 b|3 c", "gone"],
    );
}

#[test]
fn what_is_unknown_is_forgotten_once() {
    let cat = |text: &str| shell("cat /testbed/a.py", text);
    let stash = || shell("cd /testbed && git stash && make format", "");
    let between = "1?";
    becomes(
        vec![
            cat("a"),
            stash(),
            stash(),
            stash(),
            stash(),
            cat("x"),
            stash(),
            stash(),
            stash(),
        ],
        &[
            "1 a", "1 a", between, between, between, "1 x", "1 x", between, between, between,
        ],
    );
    let look = |nth: usize| shell(&format!("cat /testbed/{nth}.py"), "a");
    let mut actions: Vec<Action> = (0..20).map(look).collect();
    actions.extend((0..100).map(|_| stash()));
    let history = History::of(&trajectory(actions, None), &Cancel::new());
    assert!(history.arena.get(20).is_some());
    assert!(
        history.arena.get(20 * 3).is_none(),
        "a source for every step"
    );
}

#[test]
fn patches_without_numbers_are_placed_by_what_is_known() {
    let patch = |text: &str| {
        action(
            "apply_patch",
            json!({"input": text}),
            "Success. Updated the following files:\nM /testbed/a.py",
        )
    };
    let update =
        "*** Begin Patch\n*** Update File: /testbed/a.py\n@@\n bbb\n-ccc\n+CCC\n*** End Patch";
    let cat = || shell("cat /testbed/a.py", "aaa\nbbb\nccc");
    becomes(
        vec![cat(), patch(update)],
        &[
            "1 aaa|2 bbb|3 ccc",
            "1 aaa|2 bbb|3 ccc",
            "1 aaa|2 bbb|3+CCC",
        ],
    );
    // in text that nobody saw it is an island
    becomes(vec![patch(update)], &["1?", "1?|-+bbb|-+CCC|-?"]);
    let add = "*** Begin Patch\n*** Add File: /testbed/a.py\n+x\n+y\n*** End Patch";
    becomes(vec![patch(add)], &["gone", "1+x|2+y"]);
}

#[test]
fn a_view_that_contradicts_wins_from_then_on() {
    let cat = |text: &str| shell("cat /testbed/a.py", text);
    let actions = vec![
        cat("a\nb"),
        shell("./configure", ""),
        shell("make", ""),
        cat("a\nB"),
    ];
    let trajectory = trajectory(actions, None);
    let history = History::of(&trajectory, &Cancel::new());
    let got: Vec<String> = (0..=4)
        .map(|moment| spelled(&history, "a.py", moment))
        .collect();
    // between the two commands nobody knows
    assert_eq!(got, ["1 a|2 b", "1 a|2 b", "1?", "1 a|2 B", "1 a|2 B"]);
    let [found] = history.contradictions() else {
        panic!("{:?}", history.contradictions())
    };
    assert_eq!((found.step, found.line), (Some(3), Some(2)));
}

const PATCH: &str = "diff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n@@ -2,2 +2,3 @@\n b\n-c\n+C\n+D\ndiff --git a/n.py b/n.py\nnew file mode 100644\n--- /dev/null\n+++ b/n.py\n@@ -0,0 +1 @@\n+new\n";

#[test]
fn the_final_patch_tells_the_start_and_the_end() {
    let sed = shell("sed -i s/c/C/ /testbed/a.py", "");
    let history = History::of(&trajectory(vec![sed], Some(PATCH)), &Cancel::new());
    assert_eq!(spelled(&history, "a.py", 0), "1?1|2pb|3pc|4?");
    assert_eq!(spelled(&history, "a.py", 1), "1?1|2pb|3pC|4pD|5?");
    assert_eq!(
        history.file("a.py").unwrap().kind_at(1),
        FileKind::ChangedHere
    );
    // a start that the steps show otherwise is not believed
    let cat = shell("cat /testbed/a.py", "a\nx\nc");
    let history = History::of(&trajectory(vec![cat], Some(PATCH)), &Cancel::new());
    assert_eq!(spelled(&history, "a.py", 0), "1 a|2 x|3 c");
    assert_eq!(
        history.contradictions().len(),
        1,
        "{:?}",
        history.contradictions()
    );
}

struct Repo(&'static str);

impl BaseFiles for Repo {
    fn base_file(&self, path: &str) -> Result<Option<Text>, String> {
        Ok((path == "a.py").then(|| self.0.into()))
    }
}

#[test]
fn the_repository_fills_in_what_was_not_seen() {
    let part = || shell("sed -n '2,3p' /testbed/a.py", "b\nc");
    let of = |text| {
        History::with_base(
            &trajectory(vec![part()], None),
            Some(&Repo(text)),
            &Cancel::new(),
        )
    };
    let history = of("a\nb\nc\nd\n");
    assert_eq!(spelled(&history, "a.py", 1), "1ra|2 b|3 c|4rd");
    assert!(history.contradictions().is_empty());
    let history = of("a\nb\nother\nd\n");
    assert_eq!(spelled(&history, "a.py", 1), "1?1|2 b|3 c|4?");
    assert_eq!(history.contradictions().len(), 1);
}

#[test]
fn changes_blame_and_names() {
    let view = editor(json!({"command": "view"}), SEEN);
    let edit = |old: &str, new: &str| {
        let mut edit = editor(
            json!({"command": "str_replace", "old_str": old, "new_str": new}),
            "The file /testbed/a.py has been edited.",
        );
        edit.args["path"] = json!("/testbed/a.py");
        edit
    };
    let trajectory = trajectory(vec![view, edit("b", "B"), edit("c", "C")], None);
    let history = History::of(&trajectory, &Cancel::new());
    assert_eq!(history.blame("a.py", 3, 2), Some(1));
    assert_eq!(history.blame("/testbed/a.py", 3, 3), Some(2));
    assert_eq!(history.blame("a.py", 3, 1), None);
    let counts = |from, to| {
        let hunks = history.diff("a.py", from, to, 3).unwrap();
        hunks
            .iter()
            .map(crate::diff::Hunk::counts)
            .fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
    };
    assert_eq!(
        (counts(0, 3), counts(2, 3), counts(0, 1)),
        ((2, 2), (1, 1), (0, 0))
    );
    assert_eq!(history.change("a.py", 1, 0).unwrap().len(), 1);
    // what is seen for the first time is no change
    let cat = || shell("cat /testbed/a.py", "a\nb");
    let barrier = shell("cd /testbed && git stash", "");
    let torn = History::of(
        &self::trajectory(vec![barrier, cat()], None),
        &Cancel::new(),
    );
    assert_eq!(torn.diff("a.py", 0, 2, 3), Some(Vec::new()));
    let steps: Vec<usize> = history
        .file("a.py")
        .unwrap()
        .touches
        .iter()
        .map(|touch| touch.step)
        .collect();
    assert_eq!(steps, [0, 1, 2]);
}

#[test]
fn hostile_records_end() {
    let cat = |text: &str| shell("cat /testbed/a.py", text);
    // every number of a view is possible
    for first in [0, 1, usize::MAX, usize::MAX - 1, 1 << 40] {
        let mut trajectory = trajectory(vec![cat("a\nb")], None);
        let view = trajectory.steps[0].actions[0].view.as_mut().unwrap();
        view.first_line = Some(first);
        view.total_lines = Some(first);
        let history = History::of(&trajectory, &Cancel::new());
        for moment in [0, 1, usize::MAX] {
            history.file_at("a.py", moment);
            history.diff("a.py", 0, moment, usize::MAX);
        }
    }
    // long files and many edits
    let mut text = String::new();
    for line in 0..50_000 {
        writeln!(text, "line {line}").unwrap();
    }
    let mut actions = vec![cat(text.trim_end())];
    for round in 0..300 {
        let old = format!("line {}\n", 100 + round * 150);
        let args = json!({"command": "str_replace", "old_str": old, "new_str": "x\ny\n"});
        actions.push(editor(args, "The file /testbed/a.py has been edited."));
    }
    let long = trajectory(actions, None);
    let history = History::of(&long, &Cancel::new());
    let state = history.file_at("a.py", 301).unwrap();
    assert_eq!(state.total, Some(50_300));
    assert_eq!(state.counts(), (50_300, 50_300));
    // views that contradict each other for ever
    let flips = (0..200).map(|round| cat(if round % 2 == 0 { "a\nb" } else { "b\na" }));
    History::of(&trajectory(flips.collect(), None), &Cancel::new());
    // a cancelled one is not waited for
    let cancel = Cancel::new();
    cancel.cancel();
    History::of(&long, &cancel);
}

#[test]
fn calls_that_were_refused_change_nothing() {
    let cat = shell("cat /testbed/a.py", "a\nb\nc");
    let refused = |cmd: &str| shell(cmd, "patch rejected by user");
    becomes(
        vec![
            cat,
            refused("sed -i s/a/b/ /testbed/a.py"),
            refused("cat > /testbed/a.py <<'EOF'\nx\nEOF"),
        ],
        &["1 a|2 b|3 c"; 4],
    );
}
