use serde_json::json;

use crate::behave::tests::Run;
use crate::model::Component;
use crate::model::Component::Execution;
use crate::model::Component::Exploration;
use crate::model::Component::Implementation;
use crate::model::Component::Reasoning;
use crate::model::Component::Verification;

#[track_caller]
fn shell(want: Component, commands: &[&str]) {
    for command in commands {
        Run::issue().shell(command, "", 0).is(want);
    }
}

#[test]
fn looking() {
    shell(
        Exploration,
        &[
            "ls -la",
            "cd /w && grep -rn x src | head -20",
            "cat a.py; echo ---; cat b.py",
            "sed -n '1,20p' a.py",
            "find . -name '*.py' | xargs grep -l x",
            "find . -name '*.py' -exec grep -l x {} +",
            "git log --oneline -5",
            "git -C /w diff HEAD",
            "pip show numpy",
            "python --version",
            "pytest --help",
            "python -c \"import a; print(a.__file__)\"",
            "for f in *.py; do head -3 $f; done",
            "curl -s https://x.org/page",
            "git stash list",
            "npm ls",
        ],
    );
}

#[test]
fn checking() {
    shell(
        Verification,
        &[
            "pytest -x tests/test_a.py",
            "cd /w && python -m pytest 2>&1 | tail -5",
            "timeout 60 ./manage.py test a",
            "python manage.py test",
            "bash -lc 'cargo test'",
            "npm test",
            "go test ./...",
            "tox -e py39",
            "make test",
            "python reproduce.py",
            "python -c 'import a; print(a.f(1))'",
            "python - <<'E'\nimport a\na.f()\nE",
            "python -m py_compile a.py",
            "mypy src",
            "flake8 a.py",
            "cargo check",
            "npx tsc --noEmit",
            "cat > /tmp/check.py <<'E'\nimport a\nE",
            "cat > reproduce_issue.py <<'E'\nimport a\nE\npython reproduce_issue.py",
            "bash run_tests.sh",
            "rm a.pyc && pytest",
        ],
    );
    Run::issue()
        .create("/testbed/reproduce.py", "x")
        .is(Verification);
    Run::issue()
        .create("/testbed/tests/test_new.py", "x")
        .is(Verification);
    Run::issue()
        .cell("import a\nprint(a.f())", "1")
        .is(Verification);
    Run::issue()
        .edit("src/a.py", "x", "y")
        .shell("make", "", 0)
        .is(Verification);
}

#[test]
fn changing() {
    shell(
        Implementation,
        &[
            "sed -i 's/a/b/' src/a.py",
            "cat > src/a.py <<'E'\nx\nE",
            "echo x >> src/a.py && pytest",
            "git apply fix.patch",
            "python - <<'E'\nopen('src/a.py', 'w').write('x')\nE",
            "perl -pi -e 's/a/b/' src/a.py",
            "rm src/old.py",
            "cat > README.md <<'E'\nx\nE",
        ],
    );
    Run::issue().edit("src/a.py", "x", "y").is(Implementation);
    Run::issue().failing_edit("src/a.py").is(Implementation);
    Run::issue().create("src/b.py", "x").is(Implementation);
    Run::asking("Write tests for a.py")
        .create("tests/test_a.py", "x")
        .is(Implementation);
}

#[test]
fn effects() {
    shell(
        Execution,
        &[
            "pip install -e .",
            "mkdir -p a/b",
            "mv a b",
            "rm reproduce.py",
            "rm -rf /tmp/x",
            "git checkout main",
            "git stash",
            "git add -A && git commit -m x",
            "cd /w",
            "export A=1",
            "kill 12",
            "wget https://x.org/data.zip",
            "git diff > patch.txt",
            "make install",
            "tar xf a.tgz",
            "echo done",
        ],
    );
    Run::issue()
        .tool(
            "execute_bash",
            json!({ "command": "C-c", "is_input": "true" }),
        )
        .is(Execution);
    Run::asking("Find the flag in the CTF")
        .shell("python solve.py", "x", 0)
        .is(Execution);
    Run::asking("Find the flag in the CTF")
        .shell("echo YQ== | base64 -d", "x", 0)
        .is(Execution);
}

#[test]
fn thinking() {
    Run::issue().say("I think so.").is(Reasoning);
    Run::issue()
        .tool("think", json!({ "thought": "x" }))
        .is(Reasoning);
    Run::issue().finish("done").is(Reasoning);
    Run::issue()
        .tool("TodoWrite", json!({ "todos": [] }))
        .is(Reasoning);
    Run::issue()
        .tool("AskUserQuestion", json!({ "question": "x" }))
        .is(Reasoning);
}

#[test]
fn tools_by_name() {
    Run::issue()
        .tool("Read", json!({ "file_path": "a.py" }))
        .is(Exploration);
    Run::issue()
        .tool("WebSearch", json!({ "query": "x" }))
        .is(Exploration);
    Run::issue()
        .tool("get_weather", json!({ "city": "x" }))
        .is(Exploration);
    Run::issue().tool("run_linter", json!({})).is(Verification);
    Run::issue().tool("send_money", json!({})).is(Execution);
}
