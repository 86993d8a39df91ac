//! Tables of commands and what they do.

use super::*;

/// One line: class, edits as `op path[=new]`, view as `path@line` with the kind of output.
fn outline(script: &str) -> String {
    let Some(reading) = read_script(script) else {
        return "shell".to_owned();
    };
    let mut out = reading.class.name().to_owned();
    for edit in &reading.edits {
        out.extend([format!(" {:?} {}", edit.op, edit.path)]);
        if let Some(new) = &edit.new {
            out.extend([format!("={new:?}")]);
        }
    }
    if let Some(view) = &reading.view {
        out.extend([" ", view.path.as_str()]);
        if let Some(line) = view.first_line {
            out.extend([format!("@{line}")]);
        }
        out.push_str(match view.output {
            Output::Lines => " lines",
            Output::Numbered => " numbered",
            Output::Other => "",
        });
    }
    out
}

#[track_caller]
fn reads(script: &str, expected: &str) {
    assert_eq!(outline(script), expected, "{script}");
}

#[test]
fn looking() {
    reads("cat a.py", "view a.py@1 lines");
    reads("cd /w && cat a.py", "view /w/a.py@1 lines");
    reads("cd /w; cat ./a.py 2>/dev/null", "view /w/a.py@1 lines");
    reads("cat -n a.py", "view a.py@1 numbered");
    reads("nl -ba a.py | sed -n '10,20p'", "view a.py numbered");
    reads("cat a.py | sed -n '10,20p'", "view a.py@10 lines");
    reads("cat a.py | head -50", "view a.py@1 lines");
    reads("cat a.py | tail -n 5", "view a.py lines");
    reads("sed -n '10,20p' a.py", "view a.py@10 lines");
    reads("sed -n 10p a.py", "view a.py@10 lines");
    reads("sed -n '10,$p' 'my file'", "view my file@10 lines");
    reads("sed -n '/def f/,/return/p' a.py", "view");
    reads("head -n 20 a.py", "view a.py@1 lines");
    reads("head -20 a.py", "view a.py@1 lines");
    reads("head a.py", "view a.py@1 lines");
    reads("tail -n +30 a.py", "view a.py@30 lines");
    reads("tail -5 a.py", "view a.py lines");
    reads("head -c 100 a.py", "view");
    reads("sed -n '1,9p' a.py | cat -n", "view a.py@1");
    reads("ls -la src", "view src");
    reads("ls", "view .");
    reads("cat a.py b.py", "view");
    reads("cat $F", "view");
    reads("cat *.py", "view");
    reads("echo '---'; cat a.py", "view");
    reads("cat a.py; cat b.py", "view");
    reads("ls -la && git log", "shell");
}

#[test]
fn searching() {
    reads("grep -rn foo src | head", "search");
    reads("cd /w && rg -n 'a|b'", "search");
    reads("find . -name '*.py' | xargs grep foo", "search");
    reads("find . -name '*.py' -exec grep -l foo {} \\;", "search");
    reads("git grep foo", "search");
    reads("cat a.py | grep foo", "search");
    reads("ls | grep foo", "search");
    reads("grep foo a || true", "search");
    reads("find . -delete", "shell");
    reads("find . -exec rm {} +", "shell");
    reads("grep foo a > out", "shell");
    reads("grep foo a | xargs rm", "shell");
    reads("grep foo $(ls)", "shell");
    reads("grep foo a && make", "shell");
}

#[test]
fn writing() {
    reads(
        "cat > a.py <<'EOF'\nx = 1\nEOF",
        "edit Write a.py=\"x = 1\\n\"",
    );
    reads(
        "cat <<EOF >a.py\nx\nEOF\npython a.py",
        "edit Write a.py=\"x\\n\"",
    );
    reads("cat <<EOF >a.py\n$x\nEOF", "edit Write a.py");
    reads("cat >> a.py << EOF\nx\nEOF", "edit Insert a.py=\"x\\n\"");
    reads(
        "cd /w && cat <<'EOF' | tee -a a.py\nx\nEOF",
        "edit Insert /w/a.py=\"x\\n\"",
    );
    reads("tee a.py <<'EOF'\nx\nEOF", "edit Write a.py=\"x\\n\"");
    reads("echo 'a b' > f", "edit Write f=\"a b\\n\"");
    reads(
        "mkdir -p d && cat > d/f <<'E'\nx\nE",
        "edit Write d/f=\"x\\n\"",
    );
    reads("sed -i 's/a/b/' a.py", "edit StrReplace a.py");
    reads(
        "cd /w && sed -i -e 's/a/b/' -e 's/c/d/' a.py b.py",
        "edit StrReplace /w/a.py StrReplace /w/b.py",
    );
    reads("sed -i.bak '3d' a.py && git diff", "edit StrReplace a.py");
    reads("sed -i 's/a/b/' *.py", "shell");
    reads("sed 's/a/b/' a.py", "view");
    reads("rm a.py ./b.py", "edit Delete a.py Delete ./b.py");
    reads("rm -rf build", "shell");
    reads("rm *.pyc", "shell");
    reads("cat <<'EOF'\nx\nEOF", "shell");
    reads("python - <<'EOF'\nopen('f','w')\nEOF", "shell");
    reads("echo done > /dev/null", "shell");
    reads("make > log", "shell");
}

#[test]
fn patching() {
    let begin = "*** Begin Patch\n*** Add File: n\n+a\n*** Delete File: d\n*** End Patch";
    reads(
        &format!("apply_patch <<'EOF'\n{begin}\nEOF\n"),
        "edit Create n=\"a\\n\" Delete d",
    );
    reads(
        &format!("apply_patch '{begin}'"),
        "edit Create n=\"a\\n\" Delete d",
    );
    let unified = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n";
    reads(
        &format!("git apply <<'EOF'\n{unified}EOF"),
        "edit Patch x=\"b\\n\"",
    );
    reads(
        &format!("cd r && patch -p1 <<'EOF'\n{unified}EOF"),
        "edit Patch x=\"b\\n\"",
    );
}

#[test]
fn the_rest() {
    reads("submit", "finish");
    reads(
        "echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT && git add -A && git diff --cached",
        "finish",
    );
    reads("pytest -q", "shell");
    reads("cd x", "shell");
    reads("git diff", "shell");
    reads("X=1 cat f", "shell");
    reads("", "shell");
    reads("if a; then cat f; fi", "shell");
}

#[track_caller]
fn calls(tool: &str, args: Value, expected: Option<(&str, Option<&str>, Option<f64>, bool)>) {
    let action = Action::new(None, tool, args);
    let call = call_of(&action);
    let call = call.as_ref().map(|call| {
        (
            &*call.cmd,
            call.cwd.as_deref(),
            call.timeout_s,
            call.is_input,
        )
    });
    assert_eq!(call, expected, "{tool} {}", action.args);
}

#[test]
fn commands_in_arguments() {
    use serde_json::json;
    calls(
        "execute_bash",
        json!({"command": "ls", "is_input": "false", "timeout": "30"}),
        Some(("ls", None, Some(30.0), false)),
    );
    calls(
        "terminal",
        json!({"command": "C-c", "is_input": true}),
        Some(("C-c", None, None, true)),
    );
    calls(
        "shell",
        json!({"command": ["bash", "-lc", "ls -a"], "workdir": "/w", "timeout_ms": 1500}),
        Some(("ls -a", Some("/w"), Some(1.5), false)),
    );
    calls(
        "shell",
        json!({"command": ["git", "log", "a b"]}),
        Some(("git log 'a b'", None, None, false)),
    );
    calls(
        "exec_command",
        json!({"cmd": "ls"}),
        Some(("ls", None, None, false)),
    );
    calls(
        "write_stdin",
        json!({"session_id": 1, "chars": "y\n"}),
        Some(("y\n", None, None, true)),
    );
    calls(
        "Bash",
        json!({"command": "ls", "timeout": 120_000}),
        Some(("ls", None, Some(120.0), false)),
    );
    calls(
        "bash_command",
        json!({"keystrokes": "ls\n", "duration": 0.1}),
        Some(("ls", None, None, false)),
    );
    calls(
        "bash_command",
        json!({"keystrokes": "q"}),
        Some(("q", None, None, true)),
    );
    calls("bash", json!("ls"), Some(("ls", None, None, false)));
    calls("bash", json!({}), None);
    calls("bash", json!({"command": 3}), None);
}
