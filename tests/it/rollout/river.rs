//! A Python package of our own with forty functions, a task about each, and models that play known policies.

use std::fmt::Write as _;
use std::path::Path;

use hgview::endpoint::testing::Reply;
use hgview::model::TaskKind;
use serde_json::Value;
use serde_json::json;

use crate::program::git;

/// What the models do.
pub(super) const POLICIES: [&str; 5] = ["solver", "lazy", "wrong file", "code changer", "looper"];

/// Functions, and tasks.
const COUNT: usize = 40;
/// Functions of a file.
const IN_FILE: usize = 5;

/// A task, and the function that it is about.
#[derive(Clone)]
pub(super) struct Task {
    pub(super) instance: Value,
    function: usize,
    kind: TaskKind,
}

impl Task {
    fn new(instance: Value, function: usize) -> Self {
        Self {
            kind: TaskKind::of_instance(&instance),
            instance,
            function,
        }
    }
}

/// The repository and its tasks.
#[derive(Clone)]
pub(super) struct River {
    pub(super) tasks: Vec<Task>,
    /// Where the repository lies for an agent.
    root: String,
}

fn name(function: usize) -> String {
    format!("count_{}s", River::word(function))
}

fn file(function: usize) -> String {
    format!("river/part_{}.py", function / IN_FILE)
}

fn callees(function: usize) -> [usize; 2] {
    [(function + 1) % COUNT, (function + 9) % COUNT]
}

fn docstring(function: usize) -> String {
    let word = River::word(function);
    format!(
        "    \"\"\"Counts the {word}s along the river.\n\n    Every bank is walked once.\n    \"\"\"\n"
    )
}

fn body(function: usize) -> String {
    let [near, far] = callees(function).map(name);
    format!(
        "    near = {near}(banks)\n    far = {far}(banks)\n    return near + far + {}\n",
        100 + function
    )
}

/// The text of a file, and for each of its functions the line of its `def`, from 0.
fn source(part: usize) -> (String, Vec<usize>) {
    let own = part * IN_FILE..(part + 1) * IN_FILE;
    let mut text = format!("\"\"\"Part {part} of the river.\"\"\"\n\n");
    for function in own
        .clone()
        .flat_map(callees)
        .filter(|callee| !own.contains(callee))
    {
        let from = file(function).replace('/', ".").replace(".py", "");
        writeln!(text, "from {from} import {}", name(function)).unwrap();
    }
    let mut lines = Vec::new();
    for function in own {
        text.push_str("\n\n");
        lines.push(text.lines().count());
        write!(
            text,
            "def {}(banks):\n{}{}",
            name(function),
            docstring(function),
            body(function)
        )
        .unwrap();
    }
    (text, lines)
}

impl River {
    /// A word that only one function and its task have.
    pub(super) fn word(function: usize) -> String {
        const HEADS: [&str; 5] = ["bel", "dor", "fen", "gar", "hol"];
        const TAILS: [&str; 8] = [
            "amin", "ekil", "ipon", "olur", "udam", "yrin", "aven", "esto",
        ];
        format!(
            "{}{}",
            HEADS[function / TAILS.len()],
            TAILS[function % TAILS.len()]
        )
    }

    /// Writes the repository to `repos/own__river` below a folder.
    pub(super) fn make(home: &Path) -> Self {
        let repo = home.join("repos/own__river");
        std::fs::create_dir_all(repo.join("river")).unwrap();
        std::fs::write(repo.join("river/__init__.py"), "").unwrap();
        let mut lines = Vec::new();
        for part in 0..COUNT / IN_FILE {
            let (text, found) = source(part);
            std::fs::write(repo.join(format!("river/part_{part}.py")), text).unwrap();
            lines.extend(found);
        }
        git(&repo, &["init", "-q", "."]);
        git(&repo, &["add", "-A"]);
        git(&repo, &["commit", "-q", "-m", "c"]);
        let commit = git(&repo, &["rev-parse", "HEAD"]);
        let task = |function: usize| Task::new(instance(function, &lines, &commit), function);
        Self {
            tasks: (0..COUNT).map(task).collect(),
            root: format!("/workspace/own__river__{}", commit.get(..8).unwrap()),
        }
    }

    /// The same with these tasks about its functions instead.
    pub(super) fn with_tasks(&self, instances: Vec<Value>) -> Self {
        let task = |instance: Value| {
            let named = instance["target_function_name"].as_str().unwrap();
            let function = (0..COUNT)
                .find(|function| name(*function) == named)
                .unwrap();
            Task::new(instance, function)
        };
        Self {
            tasks: instances.into_iter().map(task).collect(),
            root: self.root.clone(),
        }
    }

    /// The task that a prompt tells, and its place.
    pub(super) fn task_of(&self, prompt: &str) -> (usize, &Task) {
        let told = |task: &Task| prompt.contains(&Self::word(task.function));
        let found = self.tasks.iter().enumerate().filter(|(_, task)| told(task));
        let found: Vec<_> = found.collect();
        assert_eq!(found.len(), 1, "{prompt}");
        found[0]
    }

    /// What a policy says in a turn.
    pub(super) fn turn(&self, task: &Task, policy: &'static str, turn: usize) -> Reply {
        let (words, calls) = self.said(task, policy, turn);
        let calls: Vec<Value> = calls
            .iter()
            .enumerate()
            .map(|(nth, (tool, args))| {
                json!({"id": format!("call_{turn}_{nth}"), "type": "function",
                    "function": {"name": tool, "arguments": args.to_string()}})
            })
            .collect();
        let message = json!({"role": "assistant", "content": words, "tool_calls": calls});
        Reply::message(&message, "tool_calls", 100, 10)
    }

    /// The same with the calls in the text, the first of several only.
    pub(super) fn turn_in_text(&self, task: &Task, policy: &'static str, turn: usize) -> Reply {
        let mut text = String::new();
        let (words, calls) = self.said(task, policy, turn);
        text.push_str(&words);
        for (tool, args) in calls {
            writeln!(text, "\n<function={tool}>").unwrap();
            for (name, value) in args.as_object().unwrap() {
                writeln!(
                    text,
                    "<parameter={name}>{}</parameter>",
                    value.as_str().unwrap()
                )
                .unwrap();
            }
            text.push_str("</function>");
        }
        Reply::message(
            &json!({"role": "assistant", "content": text}),
            "stop",
            100,
            10,
        )
    }

    fn said(
        &self,
        task: &Task,
        policy: &'static str,
        turn: usize,
    ) -> (String, Vec<(&'static str, Value)>) {
        let finish = || ("finish", json!({"message": "Done."}));
        let words = if turn == 0 { policy } else { "" };
        let calls = match (policy, turn) {
            ("looper", _) => vec![("execute_bash", json!({"command": "cd river && ls"}))],
            ("lazy", _) => vec![finish()],
            (_, 0) => vec![(
                "str_replace_editor",
                json!({"command": "view", "path": format!("{}/{}", self.root, file(task.function))}),
            )],
            (_, 1) => edits(&self.root, task, policy),
            _ => vec![finish()],
        };
        (words.to_owned(), calls)
    }
}

fn edits(root: &str, task: &Task, policy: &str) -> Vec<(&'static str, Value)> {
    let own = task.function;
    let replace = |function: usize, old: &str, new: &str| {
        let path = format!("{root}/{}", file(function));
        let args = json!({"command": "str_replace", "path": path, "old_str": old, "new_str": new});
        ("str_replace_editor", args)
    };
    // in another file, where nothing is asked for
    let other = (own + COUNT / 2) % COUNT;
    if policy == "wrong file" {
        let first = format!("\"\"\"Part {} of the river.\"\"\"", other / IN_FILE);
        return vec![replace(other, &first, &format!("{first}\n# looked at"))];
    }
    let sum = |function: usize| format!("    return near + far + {}", 100 + function);
    let mut calls = match task.kind {
        TaskKind::FuncLocalize => {
            let def = format!("def {}(banks):", name(own));
            vec![replace(
                own,
                &def,
                &format!("{def}\n{}", docstring(own).trim_end()),
            )]
        }
        TaskKind::DepSearch => callees(own)
            .into_iter()
            .map(|callee| {
                let def = format!("def {}(banks):", name(callee));
                let comment = format!(
                    "# this function/class is called by the {} function",
                    name(own)
                );
                replace(callee, &def, &format!("{comment}\n{def}"))
            })
            .collect(),
        TaskKind::FuncGen => {
            let todo = "    pass  # TODO: Implement this function";
            vec![replace(own, todo, body(own).trim_end())]
        }
        _ => vec![replace(
            own,
            &sum(own),
            &format!("    # one too many is added here\n{}", sum(own)),
        )],
    };
    if policy == "code changer" {
        let changed = if task.kind == TaskKind::FuncGen {
            other
        } else {
            own
        };
        calls.push(replace(changed, &sum(changed), "    return near - far"));
    }
    calls
}

fn instance(function: usize, lines: &[usize], commit: &str) -> Value {
    let (word, at) = (River::word(function), lines[function]);
    let last = at + 7;
    let mut instance = json!({"repo": "own/river", "base_commit": commit});
    let own = match function {
        0..14 => json!({
            "instance_id": format!("own__river-loc-{function}"), "module_name": name(function), "module_type": "function",
            "file_path": file(function), "module_line_start": at, "module_line_end": last,
            "docstring_line_start": at + 1, "docstring_line_end": at + 4,
            "function_description": format!("It tells how many {word}s there are."),
        }),
        14..26 => {
            let dependencies: Vec<Value> = callees(function)
                .iter()
                .map(|callee| {
                    json!({"name": name(*callee), "file_path": file(*callee), "line_start": lines[*callee],
                        "line_end": lines[*callee] + 7, "type": "function", "decorator_line": null})
                })
                .collect();
            json!({
                "instance_id": format!("own__river-dep-{function}"), "target_function_name": name(function),
                "target_function_file": file(function), "target_function_line_start": at,
                "target_function_line_end": last, "num_dependencies": 2, "dependencies": dependencies,
            })
        }
        26..34 => {
            let [near, far] = callees(function).map(name);
            let whole = format!("def {}(banks):\n{}", name(function), body(function));
            let own = name(function);
            json!({
                "instance_id": format!("own__river-gen-{function}"), "func_name": own, "file_path": file(function),
                "func_signature": format!("def {own}(banks):"), "func_body": body(function),
                "eval_script": format!(
                    "def {near}(banks):\n    return len(banks)\n\ndef {far}(banks):\n    return 2\n\n{whole}\n\
                     assert {own}_new_implementation([7]) == {own}([7]) == {}\n", 103 + function),
            })
        }
        _ => {
            let (file, line) = (file(function), last + 1);
            let [old, new] =
                [100, 99].map(|more| format!("    return near + far + {}", more + function));
            json!({
                "instance_id": format!("own__river-issue-{function}"),
                "problem_statement": format!("There is one {word} too many."),
                "patch": format!(
                    "diff --git a/{file} b/{file}\n--- a/{file}\n+++ b/{file}\n@@ -{line} +{line} @@\n-{old}\n+{new}\n"),
            })
        }
    };
    instance
        .as_object_mut()
        .unwrap()
        .extend(own.as_object().unwrap().clone());
    instance
}
