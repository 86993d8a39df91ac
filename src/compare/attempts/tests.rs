//! Tables of small attempts and how they are aligned, and attempts that nobody would make.

use super::*;
use crate::model::Action;
use crate::model::ActionClass;
use crate::model::Edit;
use crate::model::EditOp;
use crate::model::Observation;
use crate::model::ShellCall;
use crate::model::StepKind;
use crate::model::Value;
use crate::model::View;

fn act(action: Action) -> Step {
    Step {
        actions: vec![action],
        ..Step::new(StepKind::Agent)
    }
}

fn shell(cmd: &str) -> Step {
    act(Action {
        class: ActionClass::Shell,
        shell: Some(ShellCall {
            cmd: cmd.into(),
            ..ShellCall::default()
        }),
        ..Action::default()
    })
}

fn view(path: &str, lines: Option<(usize, usize)>) -> Step {
    let args = lines.map_or(
        Value::Null,
        |(first, last)| serde_json::json!({"view_range": [first, last]}),
    );
    act(Action {
        class: ActionClass::View,
        view: Some(View {
            path: path.to_owned(),
            ..View::default()
        }),
        args,
        ..Action::default()
    })
}

fn edit(path: &str, old: &str, new: &str) -> Step {
    let edit = Edit {
        old: Some(old.into()),
        new: Some(new.into()),
        ..Edit::new(path, EditOp::StrReplace)
    };
    act(Action {
        class: ActionClass::Edit,
        edits: vec![edit],
        ..Action::default()
    })
}

fn patched(path: &str, diff: &str) -> Step {
    let edit = Edit {
        diff: Some(diff.into()),
        ..Edit::new(path, EditOp::Patch)
    };
    act(Action {
        class: ActionClass::Edit,
        edits: vec![edit],
        ..Action::default()
    })
}

fn finish(words: &str) -> Step {
    act(Action {
        class: ActionClass::Finish,
        args: serde_json::json!({ "message": words }),
        ..Action::default()
    })
}

fn failed(mut step: Step, code: i64) -> Step {
    for action in &mut step.actions {
        action.observation = Some(Observation {
            exit_code: Some(code),
            ..Observation::text("")
        });
    }
    step
}

fn said(kind: StepKind, text: &str) -> Step {
    Step::with_text(kind, text)
}

fn aligned(left: &[Step], right: &[Step]) -> Alignment {
    align_steps(left, right, &Cancel::new()).unwrap()
}

/// Rows as `0=0 1<`, with `!` before the first divergence.
#[track_caller]
fn check(left: &[Step], right: &[Step], want: &str) {
    let found = aligned(left, right);
    let number = |ix: Option<usize>| ix.map_or(String::new(), |ix| ix.to_string());
    let rows = found.rows.iter().enumerate().map(|(ix, row)| {
        let mark = if found.first_divergence == Some(ix) {
            "!"
        } else {
            ""
        };
        let (left, right) = (number(row.left), number(row.right));
        format!("{mark}{left}{}{right}", row.kind.sign())
    });
    assert_eq!(rows.collect::<Vec<_>>().join(" "), want);
}

#[test]
fn attempts_are_aligned_by_what_their_steps_mean() {
    let all = [
        shell("ls"),
        view("a.py", None),
        edit("a.py", "x", "y"),
        finish("done"),
    ];
    check(&all, &all, "0=0 1=1 2=2 3=3");
    check(&[], &[], "");
    check(&all[..2], &[], "!0< 1<");
    check(&[], &all[..2], "!>0 >1");
    let more = [
        shell("ls"),
        shell("git log --oneline"),
        view("a.py", None),
        edit("a.py", "x", "y"),
        finish("all is well"),
    ];
    check(&all, &more, "0=0 !>1 1=2 2=3 3=4");
    check(&more, &all, "0=0 !1< 2=1 3=2 4=3");
    let swapped = [
        view("a.py", None),
        shell("ls"),
        edit("a.py", "x", "y"),
        finish(""),
    ];
    check(&all, &swapped, "!0< 1=0 >1 2=2 3=3");
}

#[test]
fn workspaces_do_not_count() {
    let left = [
        said(
            StepKind::User,
            "Fix /workspace/django__django__4.2/a.py, please.",
        ),
        shell("cd /workspace/django__django__4.2 && pytest -q /workspace/django__django__4.2/t/"),
        view("/workspace/django__django__4.2/django/a.py", None),
        edit("/workspace/django__django__4.2/django/a.py", "x", "y"),
        shell("grep -rn 'x' ."),
    ];
    let right = [
        said(StepKind::User, "Fix  /testbed/a.py, please."),
        shell("pytest  -q /testbed/t"),
        view("/testbed/django/a.py", None),
        edit("./django/a.py", "x", "y"),
        shell("cd /testbed && grep -rn 'x' /testbed"),
    ];
    check(&left, &right, "0=0 1=1 2=2 3=3 4=4");
}

#[test]
fn much_the_same_is_similar() {
    check(
        &[view("a.py", Some((1, 40)))],
        &[view("a.py", Some((1, 60)))],
        "!0≈0",
    );
    check(&[view("a.py", None)], &[view("b.py", None)], "!0≠0");
    check(&[shell("pytest -q a")], &[shell("pytest -q a -x")], "!0≈0");
    check(&[shell("pytest -q a")], &[shell("git status")], "!0≠0");
    check(&[edit("a", "x", "y")], &[edit("a", "x", "z")], "!0≈0");
    check(&[edit("a", "x", "y")], &[edit("b", "x", "q")], "!0≠0");
    check(&[shell("ls")], &[view("a.py", None)], "!0≠0");
    check(&[finish("well")], &[finish("badly")], "0=0");
    // the same change in another dialect, with lines that stay around it
    let diff = "--- a/a.py\n+++ b/a.py\n@@ -1,2 +1,2 @@\n k\n-x\n+y\n";
    check(
        &[edit("a.py", "k\nx", "k\ny")],
        &[patched("a.py", diff)],
        "0=0",
    );
    // the same call with another success
    check(
        &[failed(shell("pytest"), 1)],
        &[failed(shell("pytest"), 0)],
        "!0≈0",
    );
    check(&[failed(shell("pytest"), 1)], &[shell("pytest")], "0=0");
}

#[test]
fn who_speaks_keeps_steps_apart() {
    let system = |text| said(StepKind::System, text);
    check(&[system("a b c")], &[system("a b c")], "0=0");
    // nothing that an agent does differs: the prompts do
    check(&[system("a b c")], &[system("x y z")], "!0≠0");
    check(&[system("a")], &[said(StepKind::User, "a")], "!0< >0");
    check(
        &[system("a b c"), shell("ls")],
        &[system("x y z"), shell("pwd")],
        "0≠0 !1≠1",
    );
    let talk = said(StepKind::Agent, "I shall look at it.");
    check(std::slice::from_ref(&talk), &[shell("ls")], "!0< >0");
    check(
        std::slice::from_ref(&talk),
        &[said(StepKind::Agent, "Done.")],
        "!0≠0",
    );
}

#[test]
fn rows_say_in_what_they_differ() {
    #[track_caller]
    fn why(left: Step, right: Step, want: Option<&str>) {
        let found = aligned(&[left], &[right]);
        assert_eq!(found.rows[0].why.as_deref(), want);
    }
    why(shell("ls"), shell("ls "), None);
    why(
        shell("ls"),
        shell("ls -l"),
        Some("the same program otherwise"),
    );
    why(shell("ls"), shell("pwd"), Some("another command"));
    why(
        shell("ls"),
        view("a", None),
        Some("other actions: shell, view"),
    );
    why(
        failed(shell("ls"), 2),
        failed(shell("ls"), 0),
        Some("fails on the left only"),
    );
    why(
        edit("a", "x", "y"),
        edit("a", "x", "z"),
        Some("another change of the file, 33 % of its lines in common"),
    );
    why(
        edit("a", "x", "y"),
        edit("b", "x", "y"),
        Some("the same change elsewhere"),
    );
    let mut two = shell("ls");
    two.actions.push(two.actions[0].clone());
    why(two, shell("ls"), Some("2 calls, 1 calls"));
}

#[test]
fn runs_hold_all_rows() {
    let left = [shell("a"), shell("b"), shell("c 1"), finish("")];
    let right = [shell("a"), shell("b"), shell("d 2"), finish("")];
    let found = aligned(&left, &right);
    let runs: Vec<_> = found
        .runs()
        .into_iter()
        .map(|run| (run.is_same, run.rows))
        .collect();
    assert_eq!(runs, [(true, 0..2), (false, 2..3), (true, 3..4)]);
    assert!(!found.is_same());
    assert!(aligned(&left, &left).is_same());
    assert_eq!(found.counts.same, 3);
}

#[test]
fn hostile_attempts_take_bounded_time() {
    // thousands of steps that are all alike and never the same
    let many = |salt: &str| -> Vec<Step> {
        let step = |n: usize| shell(&format!("python {salt}{n} a b c d e f g h"));
        (0..700).map(step).collect()
    };
    let found = aligned(&many("x"), &many("y"));
    assert_eq!(found.counts.similar, 700);
    let huge = "word ".repeat(200_000);
    let mut odd = edit("/workspace", &huge, "\u{0}\u{1b}[2J");
    odd.actions.extend(vec![Action::default(); 5_000]);
    let found = aligned(&[odd.clone(), shell(&huge)], &[odd, shell("")]);
    assert_eq!(found.counts.same, 1);
    let mut deep = Value::Null;
    for _ in 0..100 {
        deep = Value::Array(vec![deep]);
    }
    let call = act(Action {
        args: deep,
        ..Action::default()
    });
    check(
        std::slice::from_ref(&call),
        std::slice::from_ref(&call),
        "0=0",
    );
    let cancel = Cancel::new();
    cancel.cancel();
    assert_eq!(align_steps(&many("x"), &many("y"), &cancel), None);
}
