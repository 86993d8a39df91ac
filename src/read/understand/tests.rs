//! Tables of calls of every producer with what they mean, and the commands of real files.

use serde_json::json;

use super::*;
use crate::model::Step;
use crate::model::Value;

fn understood(tool: &str, args: Value, seen: &str) -> Action {
    let mut action = Action::new(None, tool, args);
    if !seen.is_empty() {
        action.observation = Some(Observation::text(seen));
    }
    understand_action(&mut action, &mut Windows::default());
    action
}

/// Tool, arguments, class, meaning.
const CALLS: &str = r#"
execute_bash | {"command": "cd /w && pytest -q"} | shell | $ pytest -q
execute_bash | {"command": "cd /w\nls"} | view | view /w
execute_bash | {"command": "cd /w && cat > a.py <<'E'\nx\ny\nE"} | edit | write /w/a.py +2
execute_bash | {"command": "cd /w && grep -rn 'a b' src"} | search | $ grep -rn 'a b' src
terminal | {"command": "C-c", "is_input": "true"} | shell | > C-c
terminal | {"command": ""} | shell | $ (nothing)
run_ipython | {"code": "print(1)"} | shell | run_ipython print(1)
execute | {"code": "print(1)"} | shell | execute print(1)
execute | {"to": "me"} | other | execute me
run_ipython | {"code": "search_dir('x y', './src')"} | search | search "x y" in ./src
execute_ipython_cell | {"code": "edit_file_by_replace('a', 'b', 'c')"} | edit | edit a +1 −1
str_replace_editor | {"command": "view", "path": "/testbed/a/b.py", "view_range": "[10, 40]"} | view | view a/b.py 10–40
file_editor | {"command": "view", "path": "/w/a/b/c/d.py", "view_range": [10, -1]} | view | view …/b/c/d.py 10–
file_editor | {"command": "create", "path": "/workspace/r/n.py", "file_text": "a\nb\n"} | edit | create n.py +2
file_editor | {"command": "str_replace", "path": "a", "old_str": "x\ny\nz", "new_str": "x\nY\nz"} | edit | edit a +1 −1
file_editor | {"command": "undo_edit", "path": "a"} | edit | undo a
Read | {"file_path": "a.py", "offset": 5, "limit": 10} | view | view a.py 5–14
Write | {"file_path": "a.py", "content": "x"} | edit | write a.py +1
Edit | {"file_path": "a.py", "old_string": "x", "new_string": ""} | edit | edit a.py +0 −1
MultiEdit | {"file_path": "a.py", "edits": [{"old_string": "x", "new_string": "y"}, {"old_string": "p", "new_string": "q\nr"}]} | edit | edit a.py +3 −2
NotebookEdit | {"notebook_path": "a.ipynb", "new_source": "x"} | edit | edit a.ipynb +1 −0
Bash | {"command": "npm test", "timeout": 1000} | shell | $ npm test
Grep | {"pattern": "foo\u202e", "path": "src"} | search | search "foo<U+202E>" in src
Glob | {"pattern": "**/*.py"} | search | search "**/*.py"
LS | {"path": "/w"} | view | view /w
Task | {"description": "Look\naround", "prompt": "…"} | delegate | delegate: Look around
Agent | {"description": "Look", "prompt": "…"} | delegate | delegate: Look
TodoWrite | {"todos": []} | plan | TodoWrite
WebFetch | {"url": "https://x", "prompt": "p"} | web | WebFetch: https://x
WebSearch | {"query": "q"} | web | WebSearch: q
ExitPlanMode | {"plan": "do"} | plan | ExitPlanMode: do
BashOutput | {"bash_id": "1"} | shell | BashOutput 1
KillShell | {"shell_id": "1"} | shell | KillShell 1
update_plan | {"plan": []} | plan | update_plan
view_image | {"path": "a.png"} | view | view a.png
shell | {"command": ["bash", "-lc", "cargo test"]} | shell | $ cargo test
think | {"thought": "hm"} | think | think: hm
finish | {"message": "done"} | finish | finish: done
submit | {} | finish | finish
mark_task_complete | {} | finish | finish
bash | {"command": "echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT"} | finish | finish
task_tracker | {"command": "plan", "task_list": []} | plan | task_tracker: plan
browse | {"url": "https://x"} | web | browse: https://x
web_browser_click | {"element_id": 3} | web | web_browser_click [3]
web_browser_type | {"element_id": 7, "text": "a"} | web | web_browser_type: a [7]
Read | {"file_path": "/pydicom__pydicom/pydicom/dataset.py"} | view | view pydicom/dataset.py
Read | {"file_path": "/w/astropy_of_a_long_name/io_of_a_long_name/fits/connect.py"} | view | view …/io_of_a_long_name/fits/connect.py
Read | {"file_path": "src/a_folder_with_a_very_long_name/tests_too/test_connect.py"} | view | view …/tests_too/test_connect.py
Read | {"file_path": "a_file_with_a_name_that_is_too_long_to_be_shown.py"} | view | view …_a_name_that_is_too_long_to_be_shown.py
call_tool_mcp | {"name": "read_file", "arguments": {}} | view | call_tool_mcp read_file
mcp__fs__read_file | {"path": "a"} | view | view a
mcp__db__query | {"sql": "select"} | other | mcp__db__query select
list_directory | {"dir_path": "src"} | view | view src
write_file | {"file_path": "a", "content": "x"} | edit | write a +1
edit | {"file_path": "a", "old_string": "", "new_string": "x"} | edit | create a +1
edit | {"command": "view", "path": "a"} | view | view a
find_file | {"file_name": "a.py", "dir": "src"} | search | search "a.py" in src
search_dir | {"command": "search_dir foo src"} | search | search_dir foo src
delegate | {"agent": "A", "inputs": {}} | delegate | delegate
bash_command | {"keystrokes": "ls\n"} | view | view .
 | null | other | call
unheard_of | {"x": "\n y\n z\u0007"} | other | unheard_of y z␇
"#;

#[test]
fn classes_and_meanings() {
    for row in CALLS.trim_matches('\n').split('\n') {
        let cells: Vec<&str> = row.split(" | ").collect();
        let [tool, args, class, line] = cells.as_slice() else {
            panic!("a row of four cells: {row}");
        };
        let args = serde_json::from_str(args).expect(row);
        let action = understood(tool, args, "");
        assert_eq!(
            (action.class.name(), meaning(&action).as_str()),
            (*class, *line),
            "{row}"
        );
    }
}

proptest::proptest! {
    #[test]
    fn nothing_breaks_understanding(
        tool in "(bash|edit|open|insert|create|str_replace_editor|Read|apply_patch|edit_file|shell|é)",
        key in "(command|path|view_range|old_str|new_str|input|filename|search|text)",
        value in "(view|create|str_replace|edit 3:18446744073709551615\n|cat <<E\n|sed -n '18446744073709551615p' |\\*\\*\\* Begin Patch\n|@@ -1 |é|\n|\"|'|[0-9]|-){0,6}",
        seen in "(ERROR:|\\[File: a \\(|\\[File: |9:x\n|18446744073709551615:x\n|     18446744073709551615\t|     1\t|\n|result of running `cat -n` on x\n|<returncode>99999999999999999999</returncode>|é|\r){0,6}",
    ) {
        for args in [json!({&key: &value, "path": "p"}), json!({&key: &value}), json!(value)] {
            let mut windows = Windows::default();
            for tool in [tool.as_str(), "open", "edit", "scroll_down"] {
                let mut action = Action::new(None, tool, args.clone());
                action.observation = Some(Observation::text(seen.as_str()));
                understand_action(&mut action, &mut windows);
                let line = meaning(&action);
                proptest::prop_assert!(!line.is_empty() && !line.contains(char::is_control));
                is_test_run(&action);
            }
        }
    }
}

/// The only edit of an action.
#[track_caller]
fn edit_of(tool: &str, args: Value, seen: &str) -> Edit {
    let mut edits = understood(tool, args, seen).edits;
    assert_eq!(edits.len(), 1, "{tool}");
    edits.remove(0)
}

#[test]
fn edits_have_their_line() {
    let seen = "The file /p has been edited. Here's the result of running `cat -n` on a snippet of /p:\n     8\ta\n     9\tb new\n    10\tc\nReview the changes.";
    let args =
        json!({"command": "str_replace", "path": "/p", "old_str": "b old", "new_str": "b new"});
    let edit = edit_of("str_replace_editor", args.clone(), seen);
    assert_eq!((edit.op, edit.line), (EditOp::StrReplace, Some(9)));
    assert_eq!(
        (edit.old.as_deref(), edit.new.as_deref()),
        (Some("b old"), Some("b new"))
    );
    // Twice in view: which of them is not known.
    let edit = edit_of(
        "str_replace_editor",
        args.clone(),
        &seen.replace("\tc", "\tb new"),
    );
    assert_eq!(edit.line, None);
    let failed = understood(
        "str_replace_editor",
        args,
        "No replacement was performed, old_str `b old` did not appear verbatim.",
    );
    assert_eq!(failed.edits.len(), 1);
    assert_eq!(failed.observation.and_then(|o| o.is_error), Some(true));

    let args = json!({"command": "insert", "path": "/p", "insert_line": "4", "new_str": "x"});
    assert_eq!(edit_of("file_editor", args, "").line, Some(5));
    let args = json!({"command": "create", "path": "/p", "file_text": "x"});
    let edit = edit_of(
        "file_editor",
        args.clone(),
        "File created successfully at: /p",
    );
    assert_eq!(edit.after.as_deref(), Some("x"));
    assert_eq!(
        edit_of("file_editor", args.clone(), "ERROR:\nno").after,
        None
    );
    assert_eq!(edit_of("file_editor", args, "").after, None);
}

#[test]
fn what_the_reader_knows_stays() {
    let mut action = Action::new(
        None,
        "file_editor",
        json!({"command": "str_replace", "path": "p", "old_str": "b", "new_str": "B"}),
    );
    let mut known = Edit::new("p", EditOp::Patch);
    known.before = Some("a\nb\n".into());
    known.after = Some("a\nB\n".into());
    action.edits = vec![known];
    action.class = ActionClass::Plan;
    understand_action(&mut action, &mut Windows::default());
    assert_eq!(action.class, ActionClass::Plan);
    let edit = &action.edits[0];
    assert_eq!(
        (edit.op, edit.line, edit.new.as_deref()),
        (EditOp::Patch, Some(2), Some("B"))
    );
}

#[test]
fn patches_in_arguments() {
    let patch = "*** Begin Patch\n*** Update File: a\n*** Move to: b\n@@\n-x\n+y\n*** End Patch";
    for args in [
        json!({"input": patch}),
        json!({"patch": patch}),
        json!(patch),
    ] {
        let edit = edit_of("apply_patch", args, "");
        assert_eq!(
            (edit.path.as_str(), edit.moved_to.as_deref(), edit.op),
            ("a", Some("b"), EditOp::Patch)
        );
        assert_eq!(
            (edit.old.as_deref(), edit.new.as_deref()),
            (Some("x\n"), Some("y\n"))
        );
        assert_eq!(edit.diff.as_deref(), Some("--- a/a\n+++ b/a\n@@\n-x\n+y\n"));
    }
    let script = format!("apply_patch <<'EOF'\n{patch}\nEOF");
    let action = understood("shell", json!({"command": ["bash", "-lc", script]}), "");
    assert_eq!(meaning(&action), "edit a → b +1 −1");
}

#[track_caller]
fn shows(tool: &str, args: Value, seen: &str, expected: (&str, Option<usize>, Option<&str>)) {
    let action = understood(tool, args, seen);
    let view = action
        .view
        .as_ref()
        .map(|view| (view.path.as_str(), view.first_line, view.text.as_deref()));
    assert_eq!(view, Some(expected), "{tool} {seen:?}");
}

#[test]
fn views_are_freed_of_numbers() {
    let listing = "Here's the result of running `cat -n` on /p:\n    10\ta\n    11\t\tb\n";
    shows(
        "file_editor",
        json!({"command": "view", "path": "/p", "view_range": [10, 11]}),
        listing,
        ("/p", Some(10), Some("a\n\tb")),
    );
    let wrapped = format!("EXECUTION RESULT of [str_replace_editor]:\n{listing}");
    shows(
        "str_replace_editor",
        json!({"command": "view", "path": "/p"}),
        &wrapped,
        ("/p", Some(10), Some("a\n\tb")),
    );
    shows(
        "file_editor",
        json!({"command": "view", "path": "/d"}),
        "Here's the files and directories up to 2 levels deep in /d:\n/d/a",
        ("/d", None, None),
    );
    shows(
        "file_editor",
        json!({"command": "view", "path": "/p", "view_range": [1, 2]}),
        "ERROR:\nno such file",
        ("/p", Some(1), None),
    );
    shows(
        "Read",
        json!({"file_path": "/p"}),
        "     1→a\n     2→b\n\n<system-reminder>\nx\n</system-reminder>",
        ("/p", Some(1), Some("a\nb")),
    );
    shows(
        "execute_bash",
        json!({"command": "cat p"}),
        "a\nb\n[The command completed with exit code 0.]\n[Current working directory: /w]",
        ("p", Some(1), Some("a\nb")),
    );
    shows(
        "execute_bash",
        json!({"command": "cat p"}),
        "cat: p: No such file\n[The command completed with exit code 1.]",
        ("p", Some(1), None),
    );
    shows(
        "bash",
        json!({"command": "cat p"}),
        "cat: p: No such file",
        ("p", Some(1), None),
    );
    shows(
        "bash",
        json!({"command": "sed -n '5,6p' p"}),
        "<returncode>0</returncode>\n<output>\na\nb\n</output>",
        ("p", Some(5), Some("a\nb")),
    );
    shows(
        "bash",
        json!({"command": "nl -ba p | sed -n '5,6p'"}),
        "     5\ta\n     6\tb\n",
        ("p", Some(5), Some("a\nb")),
    );
    shows(
        "bash",
        json!({"command": "cat p"}),
        "a\r\nb\r\n",
        ("p", Some(1), Some("a\nb")),
    );
    shows(
        "bash",
        json!({"command": "cat p"}),
        "a<response clipped>b",
        ("p", Some(1), None),
    );
    shows(
        "bash",
        json!({"command": "ls src"}),
        "a\nb",
        ("src", None, None),
    );
}

#[test]
fn windows_of_swe_agent() {
    let steps = [
        (
            "open",
            json!({"command": "open \"src/a.py\" 3\n"}),
            "[File: /r/src/a.py (9 lines total)]\n(1 more lines above)\n2:b\n3:c\n4:d\n(5 more lines below)\n(Open file: /r/src/a.py)",
        ),
        (
            "edit",
            json!({"command": "edit 3:4\nC\nD\nend_of_edit\n"}),
            "[File: /r/src/a.py (9 lines total)]\r\n(1 more lines above)\r\n2:b\r\n3:C\r\n4:D\r\n",
        ),
        (
            "edit",
            json!({"command": "edit 8:9\nx\nend_of_edit"}),
            "Your proposed edit has introduced new syntax error(s).",
        ),
        (
            "edit",
            json!({"search": "C", "replace": "E"}),
            "Text replaced.\n[File: /r/src/a.py (9 lines total)]\n1:a",
        ),
        ("edit", json!({"command": "edit 'C' 'E F'"}), ""),
        (
            "edit",
            json!({"start_line": 1, "end_line": 1, "replacement_text": "\"A\""}),
            "",
        ),
        (
            "scroll_down",
            json!({"command": "scroll_down"}),
            "[File: /r/src/a.py (9 lines total)]\n7:g",
        ),
        (
            "create",
            json!({"filename": "n.py"}),
            "[File: n.py (1 lines total)]\n1:",
        ),
        ("insert", json!({"text": "x", "line": 1}), ""),
    ];
    let mut trajectory = Trajectory::default();
    for (tool, args, seen) in steps {
        let mut step = Step::new(StepKind::Agent);
        let mut action = Action::new(None, tool, args);
        action.observation = Some(Observation::text(seen));
        step.actions.push(action);
        trajectory.steps.push(step);
    }
    understand(&mut trajectory);
    let lines: Vec<String> = trajectory
        .steps
        .iter()
        .map(|step| {
            let action = &step.actions[0];
            let view = action.view.as_ref().map(|v| {
                format!(
                    "{} {:?}/{:?} {:?}",
                    v.path, v.first_line, v.total_lines, v.text
                )
            });
            let edit = action
                .edits
                .first()
                .map(|e| format!("{} {:?} {:?} {:?}→{:?}", e.path, e.op, e.line, e.old, e.new));
            view.or(edit).unwrap_or_default()
        })
        .collect();
    assert_eq!(
        lines,
        [
            r#"/r/src/a.py Some(2)/Some(9) Some("b\nc\nd")"#,
            r#"/r/src/a.py StrReplace Some(3) Some("c\nd")→Some("C\nD")"#,
            r#"/r/src/a.py StrReplace Some(8) None→Some("x")"#,
            r#"/r/src/a.py StrReplace None Some("C")→Some("E")"#,
            r#"/r/src/a.py StrReplace None Some("C")→Some("E F")"#,
            r#"/r/src/a.py StrReplace Some(1) None→Some("A")"#,
            r#"/r/src/a.py Some(7)/Some(9) Some("g")"#,
            r#"n.py Create Some(1) None→Some("\n")"#,
            r#"n.py Insert Some(2) None→Some("x")"#,
        ]
    );
}

/// What the second of two line edits says was there before, and its diff.
#[track_caller]
fn second_edit(first: &str, between: (&str, Value), old: Option<&str>, diff: &str) {
    let seen = "[File: /r/a.py (9 lines total)]\n1:a\n2:b\n3:c\n4:d\n(5 more lines below)";
    let mut windows = Windows::default();
    let mut last = None;
    let steps = [
        ("open", json!({"command": "open a.py"}), seen),
        (
            "edit",
            json!({"command": format!("edit {first}\nX\nend_of_edit")}),
            "",
        ),
        (between.0, between.1, ""),
        ("edit", json!({"command": "edit 2:3\nY\nend_of_edit"}), ""),
    ];
    for (tool, args, seen) in steps {
        let mut action = Action::new(None, tool, args);
        action.observation = Some(Observation::text(seen));
        understand_action(&mut action, &mut windows);
        last = action.edits.pop();
    }
    let edit = last.expect("the last step is an edit");
    assert_eq!((edit.old.as_deref(), edit.line), (old, Some(2)));
    assert_eq!(edit_diff(&edit).as_deref(), Some(diff));
}

#[test]
fn old_lines_are_those_seen_and_not_changed_since() {
    let known = "--- a/r/a.py\n+++ b/r/a.py\n@@ -2,2 +2 @@\n-b\n-c\n+Y\n";
    let unknown =
        "--- a/r/a.py\n+++ b/r/a.py\n@@ -2,2 +2,1 @@ (old lines 2–3 were not recorded)\n+Y\n";
    let looks = || ("bash", json!({"command": "python t.py"}));
    second_edit("4:4", looks(), Some("b\nc"), known);
    second_edit("3:3", looks(), None, unknown);
    second_edit("1:1", looks(), None, unknown);
    let changes = ("bash", json!({"command": "git checkout a.py"}));
    second_edit("4:4", changes, None, unknown);
}

#[test]
fn diffs_claim_no_new_file_where_a_part_was_changed() {
    let mut edit = Edit::new("/a/b.py", EditOp::StrReplace);
    edit.new = Some("x\n".into());
    let diff = edit_diff(&edit);
    assert_eq!(
        diff.as_deref(),
        Some("--- a/a/b.py\n+++ b/a/b.py\n@@ (the old text was not recorded)\n+x\n")
    );
    edit.op = EditOp::Insert;
    edit.line = Some(1);
    let diff = edit_diff(&edit);
    assert_eq!(
        diff.as_deref(),
        Some("--- a/a/b.py\n+++ b/a/b.py\n@@ -0,0 +1 @@\n+x\n")
    );
    edit.op = EditOp::Create;
    let diff = edit_diff(&edit);
    assert!(diff.is_some_and(|diff| diff.starts_with("--- /dev/null\n+++ b/a/b.py\n")));
}

#[test]
fn texts_outdo_a_diff_without_context() {
    let cases = [
        // The change is the second line of the texts.
        (
            "a\nb\nc",
            "a\nB\nc",
            "@@ -8 +8 @@\n-b\n+B\n",
            Some(7),
            false,
        ),
        ("a\nc", "a\nb\nc", "@@ -7,0 +8 @@\n+b\n", Some(7), false),
        ("a\nb", "a", "@@ -8 +7,0 @@\n-b\n", Some(7), false),
        // Context, and pieces of lines: the diff shows more.
        ("b", "B", "@@ -7,2 +7,2 @@\n a\n-b\n+B\n", None, true),
        ("b", "B", "@@ -8 +8 @@\n-a b c\n+a B c\n", None, true),
    ];
    for (old, new, hunk, line, has_diff) in cases {
        let mut action = Action::new(
            None,
            "file_editor",
            json!({"command": "str_replace", "path": "p", "old_str": old, "new_str": new}),
        );
        let mut edit = Edit::new("p", EditOp::StrReplace);
        edit.diff = Some(format!("--- p\n+++ p\n{hunk}").into());
        action.edits = vec![edit];
        understand_action(&mut action, &mut Windows::default());
        let edit = &action.edits[0];
        assert_eq!((edit.line, edit.diff.is_some()), (line, has_diff), "{hunk}");
    }
}

#[track_caller]
fn tests_run(cmd: &str, expected: bool) {
    let action = understood("bash", json!({"command": cmd}), "");
    assert_eq!(is_test_run(&action), expected, "{cmd}");
}

#[test]
fn test_runs_are_told() {
    for cmd in [
        "pytest",
        "cd /w && python -m pytest -q x.py",
        "PYTHONPATH=. timeout 60 python3 -m unittest",
        "tox -e py3",
        "npm test",
        "npm run test:unit",
        "pnpm test a",
        "yarn test",
        "cargo test --lib",
        "go test ./...",
        "./manage.py test app",
        "python manage.py test",
        "python tests/runtests.py -v",
        "./tests/runtests.py",
        "bin/test sympy",
        "make test",
        "mvn -q test",
        "npx jest",
        "uv run pytest",
        "(cd x; pytest)",
        "./gradlew check",
        "bash -c 'x' && pytest | tail",
        "python -W ignore -m pytest",
        "python setup.py test",
    ] {
        tests_run(cmd, true);
    }
    for cmd in [
        "pip install pytest",
        "cat pytest.ini",
        "grep -r pytest .",
        "python test_x.py",
        "ls tests",
        "which tox",
        "git commit -m 'npm test'",
        "go build",
        "cargo build",
        "make",
        "echo pytest",
    ] {
        tests_run(cmd, false);
    }
}

#[test]
fn last_words_are_the_finish_message() {
    let mut trajectory = Trajectory::default();
    assert_eq!(last_words(&trajectory), None);
    trajectory
        .steps
        .push(Step::with_text(StepKind::Agent, "said"));
    trajectory
        .steps
        .push(Step::with_text(StepKind::User, "thanks"));
    assert_eq!(last_words(&trajectory).as_deref(), Some("said"));
    let mut step = Step::new(StepKind::Agent);
    step.thought = Some("I submit.".into());
    step.actions.push(understood("submit", json!({}), "diff"));
    trajectory.steps.push(step);
    // Words beside a call that has no message are none.
    assert_eq!(last_words(&trajectory), None);
    let mut step = Step::new(StepKind::Agent);
    step.thought = Some("Now let me look:".into());
    step.actions
        .push(understood("bash", json!({"command": "ls"}), ""));
    trajectory.steps.push(step);
    assert_eq!(last_words(&trajectory), None);
    let mut step = Step::new(StepKind::Agent);
    step.actions
        .push(understood("finish", json!({"message": "All done."}), ""));
    trajectory.steps.push(step);
    assert_eq!(last_words(&trajectory).as_deref(), Some("All done."));
}

mod corpus;

#[test]
fn plans_and_handed_over_work_say_what_comes_now() {
    let plan = json!({"plan": [
        {"step": "read", "status": "completed"},
        {"step": "write", "status": "in_progress"},
        {"step": "test", "status": "pending"},
    ]});
    let said = |tool: &str, args: Value| meaning(&understood(tool, args, ""));
    assert_eq!(said("update_plan", plan), "update_plan 1/3: write");
    let todos = json!({"todos": [{"content": "a", "status": "completed"}]});
    assert_eq!(said("TodoWrite", todos), "TodoWrite 1/1");
    let handed = json!({"agent": "Planner", "inputs": {"task": "plan it"}});
    assert_eq!(said("delegate", handed), "delegate: plan it");
    let done = json!({"outputs": {"content": "all done"}});
    assert_eq!(said("finish", done), "finish: all done");
}
