//! Tasks over a small repository: good ones, and ones with each fault.

use std::sync::Arc;

use serde_json::Value;
use serde_json::json;

use super::*;
use crate::python::repo::Entry;
use crate::python::repo::EntryKind;
use crate::python::repo::Files;
use crate::python::repo::Repository;
use crate::tasks::Seed;
use crate::verify::program::ProgramEnd;

const SHOP: &str = r#""""Orders."""
from pkg.tax import rate


def total(order):
    """Add up what an order costs, postage included.

    Every line is taxed at the rate of its own country, never at that of the buyer.

    Returns:
        the cents that somebody has to pay for it
    """
    cents = 0
    for line in order:
        cents += line.price * rate(line)
    return cents


class Basket:
    """Keeps what somebody wants to buy until it is paid for."""

    def __init__(self):
        self.lines = []

    @property
    def cost(self):
        return total(self.lines) + postage(self)


def postage(basket):
    """What sending a basket costs."""
    return 100


def only_words():
    """Nothing but words, and no code below."""
"#;

const TAX: &str = r"
def rate(line):
    return 1.2


def cost_of_line(order):
    x = 1
    return x


def postage_of_basket(basket):
    return 0
";

struct Memory(Vec<(&'static str, &'static str)>);

impl Files for Memory {
    fn entries(&self) -> Result<Vec<Entry>, String> {
        let all = self.0.iter().map(|(path, text)| Entry {
            path: (*path).to_owned(),
            kind: EntryKind::File {
                bytes: text.len() as u64,
            },
        });
        Ok(all.collect())
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        let found = self.0.iter().find(|(known, _)| *known == path);
        found
            .map(|(_, text)| text.as_bytes().to_vec())
            .ok_or_else(|| "none".to_owned())
    }
}

fn seed() -> Seed {
    let files = Memory(vec![
        ("pkg/shop.py", SHOP),
        ("pkg/tax.py", TAX),
        ("pkg/__init__.py", ""),
    ]);
    let index = Repository::index(&files, None, &Cancel::new(), &mut |_| ())
        .unwrap()
        .unwrap();
    Seed::new("o/r", "0", Arc::new(files), Arc::new(index))
}

/// Programs that pass where they hold no `raise`.
struct Passes;

impl RunProgram for Passes {
    fn run(&self, program: &str, _: &Cancel) -> ProgramEnd {
        ProgramEnd::Exited {
            code: Some(i32::from(program.contains("raise NotImplementedError"))),
            output: String::new(),
        }
    }
}

fn report(instance: &Value, program: Option<&dyn RunProgram>) -> Report {
    let ground = Ground::new(seed());
    check(
        &Task::from_instance(instance.clone()),
        &ground,
        program,
        &Cancel::new(),
    )
}

/// Every check passes.
#[track_caller]
fn good(instance: &Value, program: Option<&dyn RunProgram>) -> Report {
    let report = report(instance, program);
    let names: Vec<&str> = report.checks.iter().map(|check| check.name).collect();
    assert_eq!(names, CHECKS);
    let open = report
        .checks
        .iter()
        .find(|check| check.outcome != Outcome::Ok);
    assert!(open.is_none(), "{report:#?}");
    report
}

/// A check refuses the task, with these words.
#[track_caller]
fn bad(instance: &Value, name: &str, words: &str) {
    let report = report(instance, None);
    assert_eq!(report.checks.len(), CHECKS.len(), "{report:#?}");
    assert!(!report.is_good());
    let check = report
        .checks
        .iter()
        .find(|check| check.name == name)
        .unwrap();
    assert_eq!(check.outcome, Outcome::Refused, "{report:#?}");
    let why = check.why.as_deref().unwrap_or_default();
    assert!(why.contains(words), "{why:?} does not hold {words:?}");
}

/// The same with a field changed; `null` takes it away.
fn with(instance: &Value, field: &str, value: Value) -> Value {
    let mut instance = instance.clone();
    instance[field] = value;
    instance
}

fn line_of(text: &str, words: &str) -> usize {
    text.lines().position(|line| line.contains(words)).unwrap()
}

fn localize() -> Value {
    let start = line_of(SHOP, "def total");
    json!({"instance_id": "t", "repo": "o/r", "base_commit": "0", "file_path": "pkg/shop.py", "module_name": "total",
        "module_type": "function", "module_line_start": start, "module_line_end": start + 10,
        "docstring_line_start": start + 1, "docstring_line_end": start + 7,
        "function_description": "Add up what an order costs, postage included."})
}

#[test]
fn descriptions_that_fit_another_one() {
    const TEXT: &str = "def one(x):\n    'Adds up what an order costs, whoever has sent it.'\n    x += 1\n    return x\n\n\n\
        def two(x):\n    'Adds up what an order costs, whoever has sent it.'\n    x += 2\n    return x\n";
    let say = "Adds up what an order costs, whoever has sent it.";
    let files = Memory(vec![("pkg/a.py", TEXT), ("pkg/__init__.py", "")]);
    let index = Repository::index(&files, None, &Cancel::new(), &mut |_| ());
    let index = Arc::new(index.unwrap().unwrap());
    let ground = Ground::new(Seed::new("o/r", "0", Arc::new(files), index));
    let target = |name: &str, start: usize| {
        json!({"file_path": "pkg/a.py", "module_name": name, "module_type": "function", "module_line_start": start,
            "module_line_end": start + 3, "docstring_line_start": start + 1, "docstring_line_end": start + 1,
            "function_description": say})
    };
    let gold = |instance: Value| {
        let task = Task::from_instance(instance);
        let report = check(&task, &ground, None, &Cancel::new());
        let gold = report.checks.into_iter().find(|check| check.name == "gold");
        gold.unwrap().why
    };
    let task = with(&target("one", 0), "instance_id", json!("t"));
    let why = gold(task.clone()).unwrap();
    assert_eq!(why, "the description fits `two` as well, by its docstring");
    let own = json!("Adds one to what an order costs, whoever has sent it.");
    assert_eq!(gold(with(&task, "function_description", own)), None);
    // both are asked for
    let both = json!({"instance_id": "t", "functions": [target("one", 0), target("two", 6)]});
    assert_eq!(gold(both), None);
}

#[test]
fn targets_to_be_documented() {
    let task = localize();
    let report = good(&task, None);
    let space = report.search_space.unwrap();
    assert!(space.candidates > 1 && space.rank.is_none(), "{space:?}");
    assert!(
        report
            .notes
            .iter()
            .any(|note| note.contains("published accepts: comment")),
        "{:?}",
        report.notes
    );
    bad(
        &with(&task, "file_path", json!("pkg/none.py")),
        "base",
        "no such file",
    );
    bad(
        &with(&task, "file_path", json!("../shop.py")),
        "base",
        "no path",
    );
    bad(
        &with(&task, "module_name", json!("other")),
        "base",
        "not defined here",
    );
    bad(
        &with(&task, "module_type", json!("class")),
        "base",
        "is no class",
    );
    bad(
        &with(&task, "module_line_end", json!(4000)),
        "base",
        "not in the file",
    );
    bad(
        &with(&task, "docstring_line_end", json!(9)),
        "base",
        "does not stand on these lines",
    );
    bad(
        &with(&task, "docstring_line_start", json!(-1)),
        "base",
        "not cut",
    );
    let told = |words: &str| with(&task, "function_description", json!(words));
    bad(
        &told("It is the `total` of what somebody has to pay."),
        "leak",
        "its name: total",
    );
    bad(
        &told("Somewhere in pkg/shop.py an order is added up."),
        "leak",
        "its path",
    );
    bad(
        &told("It tells the cents that somebody has to pay for."),
        "leak",
        "repeats the docstring",
    );
    bad(&told(""), "leak", "no description");
    bad(
        &told("What the total is to somebody."),
        "trivial",
        "no other place",
    );
    let start = line_of(SHOP, "def only_words");
    let wordy = json!({"instance_id": "t", "file_path": "pkg/shop.py", "module_name": "only_words",
        "module_type": "function", "module_line_start": start, "module_line_end": start + 1,
        "docstring_line_start": start + 1, "docstring_line_end": start + 1, "function_description": "It does nothing."});
    bad(&wordy, "base", "does not parse");
}

#[test]
fn several_targets() {
    let start = line_of(SHOP, "class Basket");
    let class = json!({"module_name": "Basket", "module_type": "class", "file_path": "pkg/shop.py",
        "module_line_start": start, "module_line_end": start + 8, "docstring_line_start": start + 1,
        "docstring_line_end": start + 1, "function_description": "Keeps what somebody wants to buy until it is paid for."});
    let both = json!({"instance_id": "t", "functions": [class, localize()]});
    // of the classes there is only one
    bad(&both, "trivial", "no other place");
    let report = report(&both, None);
    let refused: Vec<&str> = report
        .checks
        .iter()
        .filter(|check| check.outcome != Outcome::Ok)
        .map(|check| check.name)
        .collect();
    assert_eq!(refused, ["trivial"], "{report:#?}");
}

fn search() -> Value {
    let (cost, total) = (line_of(SHOP, "def cost"), line_of(SHOP, "def total"));
    let postage = line_of(SHOP, "def postage");
    json!({"instance_id": "t", "repo": "o/r", "base_commit": "0", "target_function_name": "cost",
        "target_function_file": "pkg/shop.py", "target_function_line_start": cost, "target_function_line_end": cost + 1,
        "num_dependencies": 2, "dependencies": [
            {"name": "total", "file_path": "pkg/shop.py", "line_start": total, "line_end": total + 3, "type": "function"},
            {"name": "postage", "file_path": "pkg/shop.py", "line_start": postage, "line_end": postage + 2, "type": "function"}]})
}

#[test]
fn dependencies_to_be_marked() {
    let task = search();
    let report = good(&task, None);
    assert!(
        report
            .notes
            .iter()
            .all(|note| !note.contains("does not see")),
        "{:?}",
        report.notes
    );
    let first = |field: &str, value: Value| {
        let mut task = task.clone();
        task["dependencies"][0][field] = value;
        task
    };
    bad(
        &with(&task, "target_function_name", json!("none")),
        "base",
        "not defined here",
    );
    bad(
        &with(&task, "dependencies", json!([])),
        "gold",
        "no dependency",
    );
    bad(
        &with(&task, "num_dependencies", json!(3)),
        "gold",
        "says otherwise",
    );
    bad(
        &first("file_path", json!("pkg/none.py")),
        "gold",
        "no such file",
    );
    bad(&first("line_start", json!(0)), "gold", "not defined here");
    bad(&first("type", json!("class")), "gold", "is no class");
    bad(
        &first("decorator_line", json!(1)),
        "gold",
        "begin elsewhere",
    );
    let twice = json!([task["dependencies"][0], task["dependencies"][0]]);
    bad(&with(&task, "dependencies", twice), "gold", "named twice");
    bad(
        &with(&task, "problem_statement", json!("It calls postage().")),
        "leak",
        "`postage`",
    );
    let other = line_of(TAX, "def cost_of_line");
    let unseen = json!([{"name": "cost_of_line", "file_path": "pkg/tax.py", "line_start": other, "line_end": other}]);
    let unseen = with(
        &with(&task, "dependencies", unseen),
        "num_dependencies",
        json!(1),
    );
    let report = good(&unseen, None);
    assert!(
        report
            .notes
            .iter()
            .any(|note| note.contains("does not see")),
        "{:?}",
        report.notes
    );
}

#[test]
fn files_with_nothing_to_choose_from_are_trivial() {
    let files = Memory(vec![(
        "m.py",
        "def f():\n    x = g()\n    return x\n\n\ndef g():\n    return 1\n",
    )]);
    let index = Repository::index(&files, None, &Cancel::new(), &mut |_| ())
        .unwrap()
        .unwrap();
    let seed = Seed::new("o/r", "0", Arc::new(files), Arc::new(index));
    let task = Task::from_instance(
        json!({"target_function_name": "f", "target_function_file": "m.py",
        "target_function_line_start": 0, "dependencies": [{"name": "g", "file_path": "m.py", "line_start": 5}]}),
    );
    let report = check(&task, &Ground::new(seed), None, &Cancel::new());
    let refused: Vec<&str> = report
        .checks
        .iter()
        .filter(|check| check.outcome != Outcome::Ok)
        .map(|check| check.name)
        .collect();
    assert_eq!(refused, ["trivial"], "{report:#?}");
}

fn issue() -> Value {
    let patch = "diff --git a/pkg/shop.py b/pkg/shop.py\n--- a/pkg/shop.py\n+++ b/pkg/shop.py\n@@ -30,3 +30,3 @@\n def postage(basket):\n     \"\"\"What sending a basket costs.\"\"\"\n-    return 100\n+    return 100 if basket.lines else 0\n";
    json!({"instance_id": "t", "repo": "o/r", "base_commit": "0", "patch": patch,
        "problem_statement": "An empty basket should cost no postage, but it always pays."})
}

#[test]
fn issues_to_be_placed() {
    let task = issue();
    good(&task, None);
    let patch = task["patch"].as_str().unwrap();
    bad(
        &with(&task, "patch", json!("none")),
        "gold",
        "no gold patch",
    );
    bad(
        &with(
            &task,
            "patch",
            json!(patch.replace("-    return 100\n", "-    return 7\n")),
        ),
        "gold",
        "does not apply",
    );
    bad(
        &with(&task, "patch", json!(patch.replace("shop.py", "none.py"))),
        "gold",
        "no such file",
    );
    let told = |words: &str| with(&task, "problem_statement", json!(words));
    bad(
        &told("See https://host/o/r/blob/main/pkg/shop.py#L3"),
        "leak",
        "names every file",
    );
    bad(&told(&format!("Fix:\n{patch}")), "leak", "holds a patch");
    bad(
        &told("Say\n    return 100 if basket.lines else 0\nthere."),
        "leak",
        "lines that the gold patch adds",
    );
    let comment = patch.replace(
        "-    return 100\n+    return 100 if basket.lines else 0\n",
        "     return 100\n+    # why\n",
    );
    let comment = comment.replace("@@ -30,3 +30,3 @@", "@@ -30,3 +30,4 @@");
    bad(
        &with(&task, "patch", json!(comment)),
        "rejects",
        "strict accepts: the gold patch itself",
    );
}

fn generate() -> Value {
    json!({"instance_id": "t", "repo": "o/r", "base_commit": "0", "file_path": "pkg/shop.py", "func_name": "total",
        "func_signature": "def total(order):", "func_body": "    cents = 0",
        "eval_script": "def total(order):\n    return 0\n\nassert total([]) == total_new_implementation([])\n"})
}

#[test]
fn functions_to_be_written() {
    let task = generate();
    good(&task, Some(&Passes));
    let open = report(&task, None);
    assert!(open.is_good(), "{open:#?}");
    assert_eq!(open.checks[4].outcome, Outcome::Unjudged, "{open:#?}");
    assert!(
        open.notes
            .iter()
            .any(|note| note.contains("not tried: body that raises"))
    );
    bad(
        &with(&task, "func_name", json!("none")),
        "base",
        "not found",
    );
    bad(
        &with(&task, "eval_script", json!("def (")),
        "gold",
        "does not parse",
    );
    bad(
        &with(&task, "eval_script", json!("total([])")),
        "gold",
        "never calls",
    );
    let body = "cents = 0\nfor line in order:\n  cents += line.price * rate(line)\nreturn cents\n";
    bad(
        &with(&task, "problem_statement", json!(body)),
        "leak",
        "holds the body",
    );
    bad(
        &with(&task, "func_name", json!("postage")),
        "trivial",
        "one line",
    );
}

#[test]
fn other_tasks_have_no_checks() {
    bad(
        &json!({"instance_id": "t", "FAIL_TO_PASS": []}),
        "base",
        "no checks",
    );
}

#[test]
fn rows_are_looked_at_as_they_are_made() {
    let gate = Gate::new(None);
    let seed = seed();
    let look = |row: &Value| gate.look(&seed, row, &Cancel::new());
    assert_eq!(look(&localize()), Ok(()));
    let why = look(&with(&search(), "num_dependencies", json!(3))).unwrap_err();
    assert_eq!(why.reason, "its right answer is not in reach");
    assert!(why.detail.contains("says otherwise"), "{}", why.detail);
}
