//! The table: patches of our own, each with the right answer argued.

use std::cell::RefCell;
use std::collections::HashMap;

use crate::cancel::Cancel;
use crate::diff::diff_texts;
use crate::diff::unified;
use crate::model::Task;
use crate::model::Text;
use crate::model::Trajectory;
use crate::model::Value;
use crate::model::Verdict;
use crate::verify::Judgement;
use crate::verify::Sense;
use crate::verify::base::Bases;
use crate::verify::base::NoBases;
use crate::verify::program::ProgramEnd;
use crate::verify::program::RunProgram;
use crate::verify::strict::judge;

const ACCEPT: Verdict = Verdict::Accept;
const REJECT: Verdict = Verdict::Reject;
const UNJUDGED: Verdict = Verdict::Unjudged;

struct Files(HashMap<String, Text>);

impl Bases for Files {
    fn base(&self, path: &str) -> Option<Text> {
        self.0.get(path).cloned()
    }
}

/// A program that ends as it was told to.
struct Ends(i32);

impl RunProgram for Ends {
    fn run(&self, _: &str, _: &Cancel) -> ProgramEnd {
        ProgramEnd::Exited {
            code: Some(self.0),
            output: "AssertionError".to_owned(),
        }
    }
}

fn patch_of(path: &str, old: &str, new: &str, context: usize) -> String {
    let hunks = diff_texts(old, new, context, 1);
    format!("diff --git a/{path} b/{path}\n{}", unified(path, &hunks))
}

fn run(instance: Value, patch: &str, bases: &dyn Bases) -> Judgement {
    let trajectory = Trajectory {
        task: Some(Task::from_instance(instance)),
        final_patch: Some(patch.into()),
        ..Trajectory::default()
    };
    judge(&trajectory, bases, None, &Cancel::new())
}

/// Documentation-only as such: an `issue_localize` task of which the gold patch changes this file; the patch adds a
/// comment in a second gold file, so that nothing but the code decides.
fn issue(path: &str) -> Value {
    let gold = format!(
        "--- a/{path}\n+++ b/{path}\n@@ -1 +1 @@\n-a\n+b\n--- a/hit.py\n+++ b/hit.py\n@@ -1 +1 @@\n-a\n+b\n"
    );
    serde_json::json!({"instance_id": "i", "problem_statement": "p", "patch": gold})
}

const HIT: &str =
    "diff --git a/hit.py b/hit.py\n--- a/hit.py\n+++ b/hit.py\n@@ -1 +1,2 @@\n+# here\n a = 1\n";

/// Judges an edit of `m.py` without and with the file before it at hand.
#[track_caller]
fn edit(name: &str, old: &str, new: &str, on_hunks: Verdict, with_base: Verdict) {
    let patch = patch_of("m.py", old, new, 3) + HIT;
    let bases = Files(HashMap::from([("m.py".to_owned(), old.into())]));
    let alone = run(issue("m.py"), &patch, &NoBases);
    compare(&format!("{name}, on hunks"), &alone, on_hunks, &patch);
    let informed = run(issue("m.py"), &patch, &bases);
    compare(&format!("{name}, with base"), &informed, with_base, &patch);
    check_evidence(name, &alone, &patch);
    check_evidence(name, &informed, &patch);
}

/// The same where both know the answer.
#[track_caller]
fn both(name: &str, old: &str, new: &str, verdict: Verdict) {
    edit(name, old, new, verdict, verdict);
}

/// A patch as it stands, without bases.
#[track_caller]
fn patch(name: &str, patch: &str, verdict: Verdict) {
    let patch = patch.to_owned() + HIT;
    let judgement = run(issue("m.py"), &patch, &NoBases);
    compare(name, &judgement, verdict, &patch);
    check_evidence(name, &judgement, &patch);
}

thread_local! {
    static WRONG: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Keeps what is wrong, so that a test tells all of its wrong answers at once.
#[track_caller]
fn compare(name: &str, judgement: &Judgement, expected: Verdict, patch: &str) {
    if judgement.verdict != expected {
        let why: Vec<&str> = judgement
            .evidence
            .iter()
            .map(|one| one.why.as_str())
            .collect();
        let at = std::panic::Location::caller();
        let wrong = format!("{at}: {name} is {:?}: {why:?}\n{patch}", judgement.verdict);
        WRONG.with_borrow_mut(|all| all.push(wrong));
    }
}

fn finish() {
    let wrong = WRONG.take();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A rejection objects or misses something, an open verdict says why, and every place named is one of the patch.
#[track_caller]
fn check_evidence(name: &str, judgement: &Judgement, patch: &str) {
    let has = |sense| judgement.evidence.iter().any(|one| one.sense == sense);
    match judgement.verdict {
        Verdict::Accept => assert!(
            has(Sense::Hit) && !has(Sense::Objection),
            "{name}: {:#?}",
            judgement.evidence
        ),
        Verdict::Reject => {
            assert!(
                has(Sense::Objection) || has(Sense::Missed),
                "{name}: {:#?}",
                judgement.evidence
            );
        }
        Verdict::Unjudged => assert!(has(Sense::Note), "{name}: {:#?}", judgement.evidence),
    }
    let uncertain = judgement.check("uncertain").and_then(Value::as_bool);
    assert_eq!(
        uncertain,
        Some(judgement.verdict == Verdict::Unjudged),
        "{name}"
    );
    for line in judgement.evidence.iter().filter_map(|one| one.patch_line) {
        assert!(
            (1..=patch.lines().count()).contains(&line.0),
            "{name}: patch line {line:?}"
        );
    }
}

const F: &str = "import os\n\n\ndef f(a):\n    return a\n\n\ndef g(b):\n    return b\n";

/// `F` with a line below the header of `f`.
fn in_f(lines: &str) -> String {
    F.replace("def f(a):\n", &format!("def f(a):\n{lines}"))
}

#[test]
fn docstrings() {
    // each is the first statement of `f`, and a string constant: its docstring
    both("one line", F, &in_f("    \"\"\"Says a.\"\"\"\n"), ACCEPT);
    both(
        "many lines",
        F,
        &in_f("    \"\"\"Says a.\n\n    More.\n    \"\"\"\n"),
        ACCEPT,
    );
    both("raw", F, &in_f("    r\"\"\"Says \\d.\"\"\"\n"), ACCEPT);
    both(
        "raw, upper case",
        F,
        &in_f("    R'''Says \\d.'''\n"),
        ACCEPT,
    );
    both("unicode prefix", F, &in_f("    u'Says a.'\n"), ACCEPT);
    both("single quotes", F, &in_f("    'Says a.'\n"), ACCEPT);
    both(
        "three single quotes",
        F,
        &in_f("    '''Says a.'''\n"),
        ACCEPT,
    );
    both(
        "nested quotes",
        F,
        &in_f("    \"\"\"Says '''a''' and \"b\" and \\\"\\\"\\\".\"\"\"\n"),
        ACCEPT,
    );
    both(
        "a quote at the end",
        F,
        &in_f("    '''Says \"a\"'''\n"),
        ACCEPT,
    );
    // adjacent literals are one constant for the grammar
    both("concatenated", F, &in_f("    \"Says \" 'a.'\n"), ACCEPT);
    both(
        "concatenated over a continuation",
        F,
        &in_f("    \"Says \" \\\n        'a.'\n"),
        ACCEPT,
    );
    // brackets leave no trace in the tree
    both(
        "in brackets",
        F,
        &in_f("    (\"Says \"\n     \"a.\")\n"),
        ACCEPT,
    );
    // code, quotes and signs of comments inside a docstring are its text
    both(
        "code in it",
        F,
        &in_f("    \"\"\"Says a.\n\n    x = 1\n    # no comment\n    \"\"\"\n"),
        ACCEPT,
    );
    both(
        "lines like a patch",
        F,
        &in_f("    \"\"\"Says a.\n+++ b/x\n--- a/x\n@@ -1 +1 @@\n    \"\"\"\n"),
        ACCEPT,
    );
    // behind a semicolon stands the next statement; the string itself is still the first
    both(
        "semicolon behind",
        F,
        &in_f("    \"\"\"Says a.\"\"\";\n"),
        ACCEPT,
    );
    both(
        "code behind a semicolon",
        F,
        &in_f("    \"\"\"Says a.\"\"\"; x = 1\n"),
        REJECT,
    );
    both(
        "below a comment",
        F,
        &in_f("    # first\n    \"\"\"Says a.\"\"\"\n"),
        ACCEPT,
    );
    // the doc of a module is its first statement; comments above do not matter
    both(
        "of the module",
        F,
        &format!("\"\"\"A module.\"\"\"\n{F}"),
        ACCEPT,
    );
    both(
        "of the module below comments",
        F,
        &format!("#!/usr/bin/python\n# note\n\n'''A module.'''\n{F}"),
        ACCEPT,
    );
    both("removed", &in_f("    \"\"\"Says a.\"\"\"\n"), F, ACCEPT);
    both(
        "reworded",
        &in_f("    \"\"\"Says a.\"\"\"\n"),
        &in_f("    '''Tells a.'''\n"),
        ACCEPT,
    );
    // an edit of another function's docstring is documentation too
    both(
        "of another function",
        &in_f("    'Old.'\n"),
        &in_f("    'New.'\n"),
        ACCEPT,
    );
    finish();
}

#[test]
fn strings_that_are_no_docstrings() {
    // bytes and formatted strings are not str constants: `f.__doc__` stays None, a statement was added
    both("bytes", F, &in_f("    b\"Says a.\"\n"), REJECT);
    both("f-string", F, &in_f("    f\"Says a.\"\n"), REJECT);
    both(
        "f-string with a field",
        F,
        &in_f("    f'''Says {a}.'''\n"),
        REJECT,
    );
    both("t-string", F, &in_f("    t'Says a.'\n"), REJECT);
    both(
        "string and f-string",
        F,
        &in_f("    'Says ' f'a.'\n"),
        REJECT,
    );
    // expressions with a string in them
    both(
        "a call on it",
        F,
        &in_f("    \"Says {}.\".format(a)\n"),
        REJECT,
    );
    both("a tuple", F, &in_f("    (\"Says a.\",)\n"), REJECT);
    both(
        "two strings, two statements",
        F,
        &in_f("    'One.'\n    'Two.'\n"),
        REJECT,
    );
    both("assigned", F, &in_f("    __doc__ = 'Says a.'\n"), REJECT);
    // not the first statement
    both(
        "at the end",
        F,
        &F.replace("    return a\n", "    return a\n    'Says a.'\n"),
        REJECT,
    );
    both(
        "above the function",
        F,
        &F.replace("def f", "'Says a.'\ndef f"),
        REJECT,
    );
    both(
        "below an import",
        F,
        &F.replace("import os\n", "import os\n'A module.'\n"),
        REJECT,
    );
    // as far left as the header: an indentation error, not a docstring
    both("not indented", F, &in_f("\"\"\"Says a.\"\"\"\n"), REJECT);
    // indented elsewhere than the body: an indentation error
    both(
        "indented further",
        F,
        &in_f("      \"\"\"Says a.\"\"\"\n"),
        REJECT,
    );
    both("indented less", F, &in_f("  \"\"\"Says a.\"\"\"\n"), REJECT);
    // words without quotes are code that does not parse
    both("bare words", F, &in_f("    Says a.\n"), REJECT);
    // never closed: all that follows is swallowed
    both("never closed", F, &in_f("    \"\"\"Says a.\n"), REJECT);
    both(
        "closed twice",
        F,
        &in_f("    \"\"\"a\"\"\" \"\"\"\n"),
        REJECT,
    );
    finish();
}

#[test]
fn comments() {
    both("own line", F, &in_f("    # says a\n"), ACCEPT);
    both(
        "behind code",
        F,
        &F.replace("return a", "return a  # says a"),
        ACCEPT,
    );
    both(
        "behind a header",
        F,
        &F.replace("def f(a):", "def f(a):  # says a"),
        ACCEPT,
    );
    both("at column 0 inside a body", F, &in_f("# says a\n"), ACCEPT);
    both(
        "type: ignore",
        F,
        &F.replace("import os", "import os  # type: ignore"),
        ACCEPT,
    );
    // type comments are comments: the tree without them is the same (PEP 484 is no longer compiled)
    both(
        "type comment",
        F,
        &F.replace("def f(a):", "def f(a):  # type: (int) -> int"),
        ACCEPT,
    );
    both("removed", &in_f("    # says a\n"), F, ACCEPT);
    both(
        "with quotes in it",
        F,
        &in_f("    # it's \"\"\" no string\n"),
        ACCEPT,
    );
    both("unicode", F, &in_f("    # überprüfen → 修复\n"), ACCEPT);
    both(
        "blank lines",
        F,
        &F.replace("import os\n", "import os\n\n\n"),
        ACCEPT,
    );
    both(
        "inside brackets",
        "x = [\n    1,\n    2,\n]\n",
        "x = [\n    1,\n    # two\n    2,\n]\n",
        ACCEPT,
    );
    both(
        "between decorators",
        "@a\n@b\ndef f():\n    pass\n",
        "@a\n# c\n@b\n# d\ndef f():\n    pass\n",
        ACCEPT,
    );
    // `#` inside a string is its text: the value changes
    both(
        "posing in a string",
        "x = 'a'\n",
        "x = 'a # note'\n",
        REJECT,
    );
    both(
        "posing in a string of many lines",
        "x = '''\na\n'''\ny = 1\n",
        "x = '''\na\n# note\n'''\ny = 1\n",
        REJECT,
    );
    // a commented-out line is a removed line
    both(
        "commented out",
        F,
        &F.replace("    return b", "    # return b"),
        REJECT,
    );
    // a comment behind a continuation ends the statement early
    both(
        "behind a backslash",
        "x = 1 + \\\n    2\n",
        "x = 1 + \\\n    # two\n    2\n",
        REJECT,
    );
    // PEP 263: the declaration decides how all bytes below are read
    both(
        "encoding line",
        F,
        &format!("# -*- coding: latin-1 -*-\n{F}"),
        REJECT,
    );
    both(
        "encoding line for the default",
        F,
        &format!("# -*- coding: utf-8 -*-\n{F}"),
        ACCEPT,
    );
    both(
        "encoding line pushed down",
        "# coding: latin-1\nx = 1\n",
        "#\n#\n# coding: latin-1\nx = 1\n",
        REJECT,
    );
    finish();
}

#[test]
fn code() {
    both("removed line", F, &F.replace("    return a\n", ""), REJECT);
    both(
        "added line",
        F,
        &F.replace("    return a\n", "    a += 1\n    return a\n"),
        REJECT,
    );
    both("changed number", "x = 1\n", "x = 2\n", REJECT);
    both("changed operator", "x = a + b\n", "x = a - b\n", REJECT);
    both(
        "moved line",
        "a = 1\nb = 2\nc = 3\n",
        "b = 2\na = 1\nc = 3\n",
        REJECT,
    );
    both(
        "moved function",
        F,
        "import os\n\n\ndef g(b):\n    return b\n\n\ndef f(a):\n    return a\n",
        REJECT,
    );
    both("walrus", "if a:\n    b\n", "if a := b:\n    b\n", REJECT);
    both(
        "documented match",
        "def f(x):\n    match x:\n        case 1: pass\n",
        "def f(x):\n    'Doc.'\n    match x:\n        case 1: pass\n",
        ACCEPT,
    );
    both(
        "changed case",
        "match x:\n    case 1:\n        pass\n",
        "match x:\n    case 2:\n        pass\n",
        REJECT,
    );
    both(
        "type parameters (PEP 695)",
        "def f[T: int](x: T) -> T:\n    return x\n",
        "def f[T: int](x: T) -> T:\n    'Doc.'\n    return x\n",
        ACCEPT,
    );
    both("type statement", "type A = int\n", "type A = str\n", REJECT);
    both(
        "async",
        "async def f():\n    await g()\n",
        "async def f():\n    'Doc.'\n    await g()\n",
        ACCEPT,
    );
    both(
        "async taken away",
        "async def f():\n    pass\n",
        "def f():\n    pass\n",
        REJECT,
    );
    both(
        "nested",
        "class A:\n    class B:\n        def f(self):\n            def g():\n                pass\n",
        "class A:\n    'a'\n    class B:\n        'b'\n        def f(self):\n            'c'\n            def g():\n                'd'\n                pass\n",
        ACCEPT,
    );
    both(
        "decorator added",
        "def f():\n    pass\n",
        "@a\ndef f():\n    pass\n",
        REJECT,
    );
    // of the header only `):` is in the hunk, which ends a `with` or `if` as well
    edit(
        "signature of many lines",
        "def f(\n    a,\n    b=(1,\n       2),\n):\n    return a\n",
        "def f(\n    a,\n    b=(1,\n       2),\n):\n    'Doc.'\n    return a\n",
        UNJUDGED,
        ACCEPT,
    );
    both(
        "overloads",
        "@overload\ndef f(a: int): ...\ndef f(a):\n    return a\n",
        "@overload\ndef f(a: int): ...\ndef f(a):\n    'Doc.'\n    return a\n",
        ACCEPT,
    );
    both(
        "conditional definition",
        "if a:\n    def f():\n        pass\nelse:\n    def f():\n        x\n",
        "if a:\n    def f():\n        'Doc.'\n        pass\nelse:\n    def f():\n        x\n",
        ACCEPT,
    );
    // one tree, two spellings: the trees are compared, so the strings and brackets may differ
    both(
        "one-line def unfolded with a docstring",
        "def f(): return 1\n",
        "def f():\n    'Doc.'\n    return 1\n",
        ACCEPT,
    );
    both(
        "docstring in a one-line def",
        "def f(): return 1\n",
        "def f(): 'Doc.'; return 1\n",
        ACCEPT,
    );
    both("brackets", "x = 1 + 2\n", "x = (1 + 2)\n", ACCEPT);
    both(
        "brackets that bind",
        "x = 1 + 2 * 3\n",
        "x = (1 + 2) * 3\n",
        REJECT,
    );
    both("quotes", "x = 'a'\n", "x = \"a\"\n", ACCEPT);
    both(
        "line joined",
        "x = f(1,\n      2)\n",
        "x = f(1, 2)\n",
        ACCEPT,
    );
    both("tuple by a comma", "x = 1\n", "x = 1,\n", REJECT);
    // `pass` is a statement: its tree differs from an empty body that held nothing but a docstring
    both(
        "pass replaced",
        "def f(): pass\n",
        "def f(): 'Doc.'\n",
        REJECT,
    );
    both(
        "pass kept",
        "def f():\n    pass\n",
        "def f():\n    'Doc.'\n    pass\n",
        ACCEPT,
    );
    // what is left does not parse
    both(
        "only docstring removed",
        "def f():\n    'Doc.'\n\nx = 1\n",
        "def f():\n\nx = 1\n",
        REJECT,
    );
    finish();
}

#[test]
fn blanks() {
    both("around operators", "x = a+b\n", "x = a + b\n", ACCEPT);
    both(
        "at line ends",
        "x = 1\ny = 2\n",
        "x = 1   \ny = 2\n",
        ACCEPT,
    );
    both("inside a string", "x = 'a b'\n", "x = 'a  b'\n", REJECT);
    both(
        "at line ends inside a string",
        "x = '''a\nb'''\n",
        "x = '''a  \nb'''\n",
        REJECT,
    );
    both(
        "line taken out of a block",
        "if a:\n    b\n    c\n",
        "if a:\n    b\nc\n",
        REJECT,
    );
    // the same blocks at another width
    both(
        "width of a block",
        "if a:\n    b\n    c\nd\n",
        "if a:\n  b\n  c\nd\n",
        ACCEPT,
    );
    both(
        "tabs for blanks",
        "if a:\n        b\nc\n",
        "if a:\n\tb\nc\n",
        ACCEPT,
    );
    both(
        "form feed before a function",
        F,
        &F.replace("def g", "\u{c}\ndef g"),
        ACCEPT,
    );
    // a form feed starts the count of columns anew
    both(
        "form feed before code",
        "x = 1\ny = 2\n",
        "x = 1\n\u{c}y = 2\n",
        ACCEPT,
    );
    both("line ends of Windows", F, &F.replace('\n', "\r\n"), ACCEPT);
    both(
        "line ends and a docstring",
        F,
        &in_f("    '''Doc.'''\n").replace('\n', "\r\n"),
        ACCEPT,
    );
    both(
        "a docstring in a file of Windows",
        &F.replace('\n', "\r\n"),
        &in_f("    '''Doc.\n    '''\n").replace('\n', "\r\n"),
        ACCEPT,
    );
    both(
        "no line end at the end",
        "x = 1\ny = 2\n",
        "x = 1\ny = 2",
        ACCEPT,
    );
    both(
        "continuation dissolved",
        "x = 1 + \\\n    2\n",
        "x = 1 + 2\n",
        ACCEPT,
    );
    both(
        "blank line in a docstring",
        "def f():\n    '''a\n\n    b'''\n",
        "def f():\n    '''a\n    b'''\n",
        ACCEPT,
    );
    finish();
}

#[test]
fn bytes_that_are_no_utf8() {
    // a lost byte in a comment or docstring is documentation still
    both("in a comment", F, &in_f("    # caf\u{fffd}\n"), ACCEPT);
    both("in a docstring", F, &in_f("    'caf\u{fffd}'\n"), ACCEPT);
    // both sides look alike and need not be: the bytes behind the mark are gone
    both(
        "in a changed line of code",
        "x = 'caf\u{fffd}'\n",
        "x = 'caf\u{fffd}'  # note\n",
        UNJUDGED,
    );
    both(
        "in another line",
        "x = 'caf\u{fffd}'\ny = 1\n",
        "x = 'caf\u{fffd}'\ny = 1  # note\n",
        ACCEPT,
    );
    finish();
}

const INSIDE: &str = "import re\n\nX = '''\nThis is text.\nIt goes on.\nAnd on for long.\nUntil it ends.\nIt has one line more.\n'''\n\n\ndef f():\n    '''Does it.\n\n    This is text.\n    It goes on.\n    And on for long.\n    Until it ends.\n    '''\n    return 1\n";

/// A string that holds code, and one that holds names.
const HELD: &str = "import re\n\nX = '''\nimport os\na = 1\nb = 2\nc = 3\nd = 4\ne = 5\n'''\n\nY = '''\nalpha\nbeta\ngamma\ndelta\n# eta\niota\nkappa\nlambda_\n'''\n\n\ndef f():\n    a = 1\n    b = 1\n    c = 1\n    return 1\n";

#[test]
fn hunks_inside_strings_of_code() {
    // what reads as code is taken for code where nobody knows better
    edit(
        "code in a string",
        HELD,
        &HELD.replace("b = 2\nc", "b = 2\n# note\nc"),
        ACCEPT,
        REJECT,
    );
    both(
        "code in a function",
        HELD,
        &HELD.replace("    c = 1", "    # note\n    c = 1"),
        ACCEPT,
    );
    // names alone are not even that
    edit(
        "names in a string",
        HELD,
        &HELD.replace("# eta\n", "# eta\n# note\n"),
        UNJUDGED,
        REJECT,
    );
    finish();
}

#[test]
fn hunks_inside_strings() {
    // the hunk shows prose only: a docstring or not, only the file tells
    edit(
        "inside a string",
        INSIDE,
        &INSIDE.replace("And on for long.\nUntil", "And on for long.\n# note\nUntil"),
        UNJUDGED,
        REJECT,
    );
    edit(
        "inside a docstring",
        INSIDE,
        &INSIDE.replace(
            "    And on for long.\n    Until",
            "    And on for long.\n    # note\n    Until",
        ),
        UNJUDGED,
        ACCEPT,
    );
    // the string that the hunk begins in is the same on both sides; what changes is behind it
    both(
        "below a docstring",
        INSIDE,
        &INSIDE.replace("    return 1", "    # note\n    return 1"),
        ACCEPT,
    );
    both(
        "code below a docstring",
        INSIDE,
        &INSIDE.replace("    return 1", "    return 2"),
        REJECT,
    );
    both(
        "above a docstring",
        INSIDE,
        &INSIDE.replace("def f():", "# note\ndef f():"),
        ACCEPT,
    );
    // the text of the string changes, and where it began is not seen
    edit(
        "at the end of a string",
        INSIDE,
        &INSIDE.replace("more.\n'''", "more.\n# note\n'''"),
        UNJUDGED,
        REJECT,
    );
    edit(
        "first line of a docstring",
        INSIDE,
        &INSIDE.replace("Does it.", "Does that."),
        UNJUDGED,
        ACCEPT,
    );
    both(
        "first line of a string",
        INSIDE,
        &INSIDE.replace("X = '''\nThis is", "X = '''\nThat is"),
        REJECT,
    );
    // a string is opened in one hunk and closed in the next: the code between becomes text
    let long = "def f():\n    a = 1\n    b = 1\n    c = 1\n    d = 1\n    e = 1\n    g = 1\n    h = 1\n    i = 1\n    return 1\n";
    let swallowed = long
        .replace("    a = 1\n", "    '''\n    a = 1\n")
        .replace("    return 1\n", "    '''\n    return 1\n");
    both("code made a docstring", long, &swallowed, REJECT);
    // a header of which the hunk shows the end only
    let wide = "def f(\n    a,\n    b,\n    c,\n    d,\n    e,\n):\n    return 1\n";
    let arrow = wide.replace("):", ") -> int:");
    edit(
        "wide header",
        wide,
        &wide.replace("    return", "    'Doc.'\n    return"),
        UNJUDGED,
        ACCEPT,
    );
    both(
        "wide header with an arrow",
        &arrow,
        &arrow.replace("    return", "    'Doc.'\n    return"),
        ACCEPT,
    );
    let call = "with f(\n    a,\n    b,\n    c,\n    d,\n    e,\n):\n    return 1\n";
    edit(
        "wide header of no definition",
        call,
        &call.replace("    return", "    'Doc.'\n    return"),
        UNJUDGED,
        REJECT,
    );
    finish();
}

#[test]
fn files_that_do_not_parse() {
    // Python 2: equal tokens are the same program in any Python
    let two = "def f(x):\n    print x\n    exec 'a'\n    return `x`\n";
    edit(
        "Python 2, docstring",
        two,
        &two.replace("    print x", "    'Doc.'\n    print x"),
        ACCEPT,
        ACCEPT,
    );
    both(
        "Python 2, code",
        two,
        &two.replace("return `x`", "return x"),
        REJECT,
    );
    // the docstrings were taken out before the run, and with one of them a whole body
    let bare = "class A(Exception):\n\n\nclass B(Exception):\n    pass\n";
    both(
        "body given back by a docstring",
        bare,
        &bare.replace("class A(Exception):\n", "class A(Exception):\n    'Doc.'\n"),
        ACCEPT,
    );
    both(
        "body given back by pass",
        bare,
        &bare.replace(
            "class A(Exception):\n",
            "class A(Exception):\n    'Doc.'\n    pass\n",
        ),
        REJECT,
    );
    both(
        "broken before, still broken",
        "x = (\n\ndef f():\n    y\n",
        "# note\nx = (\n\ndef f():\n    y\n",
        ACCEPT,
    );
    both("broken by the edit", "x = f(1)\n", "x = f(1\n", REJECT);
    finish();
}

#[test]
fn whole_files() {
    patch(
        "new file with code",
        "diff --git a/n.py b/n.py\nnew file mode 100644\n--- /dev/null\n+++ b/n.py\n@@ -0,0 +1 @@\n+import os\n",
        REJECT,
    );
    patch(
        "new file with notes",
        "diff --git a/n.py b/n.py\nnew file mode 100644\n--- /dev/null\n+++ b/n.py\n@@ -0,0 +1,2 @@\n+'''Notes.'''\n+# more\n",
        ACCEPT,
    );
    patch(
        "new empty file",
        "diff --git a/n.py b/n.py\nnew file mode 100644\nindex 0000000..e69de29\n",
        ACCEPT,
    );
    patch(
        "new text file",
        "diff --git a/n.md b/n.md\nnew file mode 100644\n--- /dev/null\n+++ b/n.md\n@@ -0,0 +1 @@\n+# Notes\n",
        REJECT,
    );
    patch(
        "new link",
        "diff --git a/n.py b/n.py\nnew file mode 120000\n--- /dev/null\n+++ b/n.py\n@@ -0,0 +1 @@\n+m.py\n\\ No newline at end of file\n",
        REJECT,
    );
    patch(
        "removed file",
        "diff --git a/n.py b/n.py\ndeleted file mode 100644\n--- a/n.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-# note\n",
        REJECT,
    );
    patch(
        "renamed file",
        "diff --git a/n.py b/o.py\nsimilarity index 100%\nrename from n.py\nrename to o.py\n",
        REJECT,
    );
    patch(
        "copied file",
        "diff --git a/n.py b/o.py\nsimilarity index 100%\ncopy from n.py\ncopy to o.py\n",
        REJECT,
    );
    patch(
        "binary file",
        "diff --git a/n.bin b/n.bin\nnew file mode 100644\nBinary files /dev/null and b/n.bin differ\n",
        REJECT,
    );
    patch(
        "mode",
        "diff --git a/n.py b/n.py\nold mode 100644\nnew mode 100755\n",
        ACCEPT,
    );
    patch(
        "type of file",
        "diff --git a/n.py b/n.py\nold mode 100644\nnew mode 120000\n",
        REJECT,
    );
    patch(
        "configuration",
        "diff --git a/n.cfg b/n.cfg\n--- a/n.cfg\n+++ b/n.cfg\n@@ -1 +1,2 @@\n+# note\n a = 1\n",
        REJECT,
    );
    patch(
        "stub",
        "diff --git a/n.pyi b/n.pyi\n--- a/n.pyi\n+++ b/n.pyi\n@@ -1 +1,2 @@\n+# note\n a = 1\n",
        ACCEPT,
    );
    patch(
        "counts that lie",
        "diff --git a/n.py b/n.py\n--- a/n.py\n+++ b/n.py\n@@ -1,9 +1,9 @@\n+# note\n a = 1\n",
        UNJUDGED,
    );
    patch(
        "no context, comment",
        "--- a/n.py\n+++ b/n.py\n@@ -9,0 +10 @@\n+# note\n",
        UNJUDGED,
    );
    patch(
        "no context, code",
        "--- a/n.py\n+++ b/n.py\n@@ -9 +9 @@\n-a = 1\n+a = 2\n",
        REJECT,
    );
    // numbers by name stand in texts, too
    patch(
        "no line numbers",
        "--- a/n.py\n+++ b/n.py\n@@\n a = 1\n+# note\n b = 2\n",
        UNJUDGED,
    );
    patch(
        "empty line without its blank",
        "--- a/n.py\n+++ b/n.py\n@@ -1,3 +1,4 @@\n a = 1\n\n+# note\n b = 2\n",
        ACCEPT,
    );
    patch(
        "names with blanks",
        "diff --git a/a b.py b/a b.py\n--- a/a b.py\t\n+++ b/a b.py\t\n@@ -1 +1,2 @@\n+# note\n a = 1\n",
        ACCEPT,
    );
    patch(
        "converted line ends",
        "--- a/n.py\r\n+++ b/n.py\r\n@@ -1 +1,2 @@\r\n+# note\r\n a = 1\r\n",
        ACCEPT,
    );
    finish();
}

fn localize(line: usize, docstring: i64) -> Value {
    serde_json::json!({
        "instance_id": "i", "file_path": "m.py", "module_name": "f", "module_type": "function",
        "module_line_start": line, "module_line_end": line + 2,
        "docstring_line_start": docstring, "docstring_line_end": docstring, "function_description": "d",
    })
}

/// A task on `m.py`, without and with the file before the edit at hand.
#[track_caller]
fn task(name: &str, instance: &Value, old: &str, new: &str, verdict: Verdict) {
    let patch = patch_of("m.py", old, new, 3);
    let bases = Files(HashMap::from([("m.py".to_owned(), old.into())]));
    for bases in [&NoBases as &dyn Bases, &bases] {
        let judgement = run(instance.clone(), &patch, bases);
        compare(name, &judgement, verdict, &patch);
        check_evidence(name, &judgement, &patch);
    }
}

#[test]
fn func_localize() {
    let f = localize(3, 4);
    let check = |name: &str, new: &str, verdict| task(name, &f, F, new, verdict);
    check("one line", &in_f("    'Says a.'\n"), ACCEPT);
    check("another script", &in_f("    '返回'\n"), ACCEPT);
    check("a letter is a word", &in_f("    'a'\n"), ACCEPT);
    // nothing is said
    check("empty", &in_f("    \"\"\"\"\"\"\n"), REJECT);
    check("punctuation", &in_f("    '''...'''\n"), REJECT);
    check("digits", &in_f("    '42'\n"), REJECT);
    check("escapes are no words", &in_f("    '\\n\\t'\n"), REJECT);
    check(
        "a comment is no docstring",
        &in_f("    # Says a.\n"),
        REJECT,
    );
    check("blank lines", &in_f("\n\n"), REJECT);
    check(
        "another function",
        &F.replace("def g(b):\n", "def g(b):\n    'Says b.'\n"),
        REJECT,
    );
    check(
        "both functions",
        &in_f("    'Says a.'\n").replace("def g(b):\n", "def g(b):\n    'Says b.'\n"),
        ACCEPT,
    );
    check("the module", &format!("'Says a.'\n{F}"), REJECT);
    check(
        "docstring and code",
        &in_f("    'Says a.'\n    a += 1\n"),
        REJECT,
    );
    check(
        "above the function",
        &F.replace("def f", "# Says a.\ndef f"),
        REJECT,
    );
    // it had one: the task is to write one where none is
    let had = in_f("    'Old.'\n");
    task("reworded", &f, &had, &had.replace("Old", "New"), REJECT);
    task("removed", &f, &had, F, REJECT);
    // functions of one name are told apart by their lines
    let twins = "class A:\n    def f(self):\n        return 1\n\n\nclass B:\n    def f(self):\n        return 2\n";
    let second = twins.replace("        return 2", "        'Two.'\n        return 2");
    task("the right twin", &localize(6, 7), twins, &second, ACCEPT);
    task("the wrong twin", &localize(1, 2), twins, &second, REJECT);
    let (plain, said) = (
        "@a\ndef f():\n    return 1\n",
        "@a\ndef f():\n    'One.'\n    return 1\n",
    );
    task("decorated", &localize(1, 2), plain, said, ACCEPT);
    task(
        "line of the decorator",
        &localize(0, 2),
        plain,
        said,
        ACCEPT,
    );
    task(
        "inline",
        &localize(0, 0),
        "def f(): return 1\n",
        "def f(): 'One.'; return 1\n",
        ACCEPT,
    );
    // the instance says where the header ends: its `):` is no riddle
    let wide = "def f(\n    a,\n    b,\n    c,\n    d,\n):\n    return 1\n";
    let said = wide.replace("    return", "    'One.'\n    return");
    task("wide header", &localize(0, 6), wide, &said, ACCEPT);
    task(
        "wide header, bytes",
        &localize(0, 6),
        wide,
        &said.replace("'One.'", "b'One.'"),
        REJECT,
    );
    // a body that was nothing but its docstring
    let (bare, said) = (
        "class E(Exception):\nx = 1\n",
        "class E(Exception):\n    'Fails.'\nx = 1\n",
    );
    let mut class = localize(0, 1);
    class["module_name"] = "E".into();
    class["module_type"] = "class".into();
    task("a class without a body", &class, bare, said, ACCEPT);
    class["module_type"] = "function".into();
    task(
        "a class, a function was asked for",
        &class,
        bare,
        said,
        REJECT,
    );
    finish();
}

#[test]
fn func_localize_of_several() {
    let mut several = localize(3, 4);
    let second = serde_json::json!({
        "file_path": "m.py", "module_name": "g", "module_type": "function", "module_line_start": 8,
        "module_line_end": 10, "docstring_line_start": 9, "docstring_line_end": 9, "function_description": "d",
    });
    several["functions"] = Value::Array(vec![localize(3, 4), second]);
    // counted with the docstrings: `g` stands one line above where the instance has it
    let of_g = F.replace("def g(b):\n", "def g(b):\n    'Says b.'\n");
    task("the second", &several, F, &of_g, ACCEPT);
    task(
        "none",
        &several,
        F,
        &F.replace("def g", "# note\ndef g"),
        REJECT,
    );
    let judgement = run(several, &patch_of("m.py", F, &of_g, 3), &NoBases);
    assert_eq!(judgement.check("targets_documented"), Some(&Value::from(1)));
    let missed = judgement
        .evidence
        .iter()
        .find(|one| one.sense == Sense::Missed)
        .unwrap();
    assert!(missed.why.contains("`f`"), "{}", missed.why);
    finish();
}

#[test]
fn missing_patches() {
    for (patch, why) in [
        ("", "nothing was changed"),
        (" \n", "nothing was changed"),
        ("I did it.", "is none"),
    ] {
        let judgement = run(localize(3, 4), patch, &NoBases);
        assert_eq!(judgement.verdict, REJECT);
        assert!(
            judgement.evidence.iter().any(|one| one.why.contains(why)),
            "{:?}",
            judgement.evidence
        );
    }
    let judgement = judge(&Trajectory::default(), &NoBases, None, &Cancel::new());
    assert_eq!(judgement.verdict, UNJUDGED);
}

const D: &str = "def a():\n    return 1\n\n\n@wrap\n@other(\n    1)\ndef b():\n    return 2\n\n\nclass C:\n    def a(self):\n        return 3\n";

fn dep_search(names: &[(&str, usize)]) -> Value {
    let all: Vec<Value> = names
        .iter()
        .map(|(name, line)| {
            let decorator = if *name == "b" { Value::from(4) } else { Value::Null };
            serde_json::json!({"name": name, "file_path": "m.py", "line_start": line, "decorator_line": decorator})
        })
        .collect();
    serde_json::json!({"instance_id": "i", "target_function_name": "run", "target_function_file": "n.py", "dependencies": all})
}

#[test]
fn dependencies() {
    const NOTE: &str = "# this function/class is called by the run function\n";
    let (a, b) = (dep_search(&[("a", 0)]), dep_search(&[("b", 7)]));
    let ab = dep_search(&[("a", 0), ("b", 7)]);
    let above = |what: &str, with: &str| D.replacen(what, &format!("{with}{what}"), 1);
    let check =
        |name: &str, instance: &Value, new: &str, verdict| task(name, instance, D, new, verdict);
    let right = above("def a():", NOTE);
    check("above", &a, &right, ACCEPT);
    check("above decorators", &b, &above("@wrap", NOTE), ACCEPT);
    // directly above the definition, though the prompt asks for above its decorators
    check(
        "between decorators and def",
        &b,
        &above("def b", NOTE),
        ACCEPT,
    );
    check("between decorators", &b, &above("@other", NOTE), ACCEPT);
    check(
        "inside a decorator",
        &b,
        &above("    1)", &format!("    {NOTE}")),
        REJECT,
    );
    check(
        "blank and comment lines between",
        &a,
        &above("def a():", &format!("{NOTE}\n# more\n\n")),
        ACCEPT,
    );
    check(
        "below the header",
        &a,
        &above("    return 1", &format!("    {NOTE}")),
        REJECT,
    );
    check(
        "behind the header",
        &a,
        &D.replace("def a():", &format!("def a():  {}", NOTE.trim_end())),
        REJECT,
    );
    check(
        "in a docstring",
        &a,
        &above("    return 1", "    'is called by the run function'\n"),
        REJECT,
    );
    check("above another", &a, &above("@wrap", NOTE), REJECT);
    // the same name elsewhere is another definition
    let namesake = above("    def a(self)", &format!("    {NOTE}"));
    check("above its namesake", &a, &namesake, REJECT);
    check(
        "the namesake itself",
        &dep_search(&[("a", 12)]),
        &namesake,
        ACCEPT,
    );
    check("twice", &a, &above("def a():", &NOTE.repeat(2)), REJECT);
    check(
        "and one too many",
        &a,
        &right.replace("class C", &format!("{NOTE}class C")),
        REJECT,
    );
    check("one of two", &ab, &right, REJECT);
    check(
        "two of two",
        &ab,
        &right.replace("@wrap", &format!("{NOTE}@wrap")),
        ACCEPT,
    );
    check(
        "another name",
        &a,
        &above("def a():", "# called by the walk function\n"),
        REJECT,
    );
    // `run` is no word of `runner`
    check(
        "part of a name",
        &a,
        &above("def a():", "# called by the runner function\n"),
        REJECT,
    );
    check(
        "other words",
        &a,
        &above("def a():", "# Used by `run`.\n"),
        ACCEPT,
    );
    check("no such words", &a, &above("def a():", "# run\n"), REJECT);
    check(
        "a note beside it",
        &a,
        &above("def a():", &format!("# A note.\n{NOTE}")),
        ACCEPT,
    );
    check(
        "and code",
        &a,
        &above("def a():", &format!("x = 1\n{NOTE}")),
        REJECT,
    );
    check(
        "and a deletion",
        &a,
        &right.replace("        return 3\n", "        pass\n"),
        REJECT,
    );
    check("a deletion alone", &a, &D.replace("@wrap\n", ""), REJECT);
    // old lines only: a comment that was there has to stay
    let noted = D.replace("class C", "# Old.\nclass C");
    task("a comment deleted", &a, &noted, &right, REJECT);
    let judgement = run(ab, &patch_of("m.py", D, &right, 3), &NoBases);
    let missed = judgement
        .evidence
        .iter()
        .find(|one| one.sense == Sense::Missed)
        .unwrap();
    assert_eq!(missed.why, "expected an annotation above `b` (line 5)");
    assert_eq!(judgement.check("recall"), Some(&Value::from(0.5)));
    finish();
}

#[test]
fn issues() {
    let gold = patch_of("m.py", F, &F.replace("return b", "return -b"), 0);
    let of_g = serde_json::json!({"instance_id": "i", "problem_statement": "p", "patch": gold});
    let check = |name: &str, new: &str, verdict| task(name, &of_g, F, new, verdict);
    let near = F.replace("    return b", "    # here\n    return b");
    let far = format!("# here\n{F}");
    check("at the line", &near, ACCEPT);
    check("elsewhere in the file", &far, ACCEPT);
    check(
        "an empty comment",
        &F.replace("    return b", "    #\n    return b"),
        REJECT,
    );
    check("a docstring only", &in_f("    'Doc.'\n"), REJECT);
    check(
        "nothing but blanks",
        &F.replace("import os\n", "import os\n\n"),
        REJECT,
    );
    let noted = F.replace("import os\n", "import os  # note\n");
    task(
        "a comment moved",
        &of_g,
        &noted,
        &F.replace("import os\n", "# note\nimport os\n"),
        REJECT,
    );
    let levels = |new: &str| {
        let judgement = run(of_g.clone(), &patch_of("m.py", F, new, 3), &NoBases);
        ["file_hit", "function_hit", "line_hit"]
            .map(|key| judgement.check(key).and_then(Value::as_bool).unwrap())
    };
    assert_eq!(levels(&near), [true, true, true]);
    assert_eq!(levels(&far), [true, false, false]);
    let other = run(issue("m.py"), &patch_of("o.py", F, &far, 3), &NoBases);
    assert_eq!(other.verdict, REJECT);
    let none = serde_json::json!({"instance_id": "i", "problem_statement": "p", "patch": "prose"});
    assert_eq!(run(none, HIT, &NoBases).verdict, UNJUDGED);
    finish();
}

/// A generated function, its patch, and how its program ends (`None`: it is not run).
#[track_caller]
fn generated(name: &str, old: &str, new: &str, code: Option<i32>, expected: Verdict) {
    generated_on(&NoBases, name, (old, new), code, expected);
}

/// The same where files before the edit may be known.
#[track_caller]
fn generated_on(
    bases: &dyn Bases,
    name: &str,
    (old, new): (&str, &str),
    code: Option<i32>,
    expected: Verdict,
) {
    let answer = "def f(a):\n    return a\n";
    answered(bases, name, (old, new, answer), code, expected);
}

/// The same with the function that the harness cut out of the file.
#[track_caller]
fn answered(
    bases: &dyn Bases,
    name: &str,
    (old, new, answer): (&str, &str, &str),
    code: Option<i32>,
    expected: Verdict,
) {
    let patch = patch_of("m.py", old, new, 3);
    let instance = serde_json::json!({
        "instance_id": "i", "file_path": "m.py", "func_name": "f", "func_body": "return a",
        "eval_script": "def f(a):\n    return a\n",
    });
    let trajectory = Trajectory {
        task: Some(Task::from_instance(instance)),
        final_patch: Some(patch.as_str().into()),
        answer: Some(answer.into()),
        ..Trajectory::default()
    };
    let ends = code.map(Ends);
    let program = ends.as_ref().map(|ends| -> &dyn RunProgram { ends });
    let judgement = judge(&trajectory, bases, program, &Cancel::new());
    compare(name, &judgement, expected, &patch);
    check_evidence(name, &judgement, &patch);
}

#[test]
fn func_gen() {
    let masked = in_f("    'Says a.'\n").replace("    return a\n", "    pass  # TODO\n");
    let body = "    b = a\n\n    def h():\n        return b\n    return h()\n";
    let done = masked.replace("    pass  # TODO\n", body);
    generated("passes", &masked, &done, Some(0), ACCEPT);
    generated("fails", &masked, &done, Some(1), REJECT);
    generated("not run", &masked, &done, None, UNJUDGED);
    // it may have read how its test program tells success
    let reads = "def f(a):\n    print(open('test_program.py').read())\n    return a\n";
    for (code, verdict) in [(0, UNJUDGED), (1, REJECT)] {
        let texts = (masked.as_str(), done.as_str(), reads);
        answered(&NoBases, "reads its test", texts, Some(code), verdict);
    }
    generated(
        "a comment elsewhere",
        &masked,
        &done.replace("def g(b):", "def g(b):  # b"),
        Some(0),
        ACCEPT,
    );
    generated(
        "another function too",
        &masked,
        &done.replace("def g(b):\n    return b", "def g(b):\n    return -b"),
        Some(0),
        REJECT,
    );
    // outside of every definition
    generated(
        "an import",
        &masked,
        &done.replace("import os\n", "import os\nimport re\n"),
        Some(0),
        REJECT,
    );
    generated(
        "a helper below",
        &masked,
        &format!("{done}\n\ndef k():\n    return 1\n"),
        Some(0),
        REJECT,
    );
    // the header stands above the hunk: only the file tells whose body it is
    let long = |body: &str| {
        let text = "    '''Says a.\n\n    It does.\n    Indeed.\n    '''\n".to_owned() + body;
        in_f(&text).replace("    return a\n\n", "\n")
    };
    let masked = long("    pass  # TODO\n");
    let done = masked.replace("    pass  # TODO\n", "    return a\n");
    let other = done.replace("def g(b):\n    return b", "def g(b):\n    return -b");
    let files = Files(HashMap::from([("m.py".to_owned(), masked.as_str().into())]));
    generated("a header out of sight", &masked, &done, Some(0), UNJUDGED);
    generated_on(&files, "a known file", (&masked, &done), Some(0), ACCEPT);
    generated_on(&files, "more in it", (&masked, &other), Some(0), REJECT);
    finish();
}

/// A hunk that shows nothing that only code has may stand in a string that begins above: a comment there changes the
/// string. Only the file knows. What a function's body shows is code, and stays accepted.
#[test]
fn hunks_that_cannot_tell() {
    let middle = |lines: &[&str]| {
        let text = |with: &str| {
            let (above, below) = lines.split_at(lines.len() / 2);
            format!("{}\n{with}{}\n", above.join("\n"), below.join("\n"))
        };
        (text(""), text("# note\n"))
    };
    let lines = [
        "a = 1", "b = 2", "c = 3", "d = 4", "e = 5", "f = 6", "g = 7", "h = 8", "i = 9",
    ];
    // numbers by name are what settings files hold: this might be the text of one
    let (old, new) = middle(&lines);
    let old_code = format!("import os\n{old}");
    edit(
        "constants",
        &old_code,
        &format!("import os\n{new}"),
        UNJUDGED,
        ACCEPT,
    );
    let quoted = |text: &str| format!("T = \"\"\"\n{text}\"\"\"\n");
    edit(
        "settings in a string",
        &quoted(&old),
        &quoted(&new),
        UNJUDGED,
        REJECT,
    );
    // an index of calls, a list of choices
    let (old, new) = middle(&[
        "f()",
        "g()",
        "h()",
        "(optional)",
        "i()",
        "j()",
        "k()",
        "l()",
        "m()",
    ]);
    edit(
        "an index in a string",
        &quoted(&old),
        &quoted(&new),
        UNJUDGED,
        REJECT,
    );
    // a template's class has no name yet
    let (old, new) = middle(&[
        "a",
        "b",
        "c",
        "class {name}:",
        "x = 1",
        "y = 2",
        "z = 3",
        "u",
        "v",
    ]);
    edit("a template", &quoted(&old), &quoted(&new), UNJUDGED, REJECT);
    // one call with an argument, one attribute, one statement: nobody writes texts like that
    for telling in [
        "a = f(1)", "a = b.c", "return a", "a[b] = c", "a = 'x'", "raise E",
    ] {
        let mut body = lines.map(|line| format!("    {line}"));
        body[4] = format!("    {telling}");
        let body: Vec<&str> = body.iter().map(String::as_str).collect();
        let (old, new) = middle(&body);
        let whole = |text: &str| format!("def f():\n{text}");
        both(telling, &whole(&old), &whole(&new), ACCEPT);
    }
    finish();
}
