//! What is drafted, what is left out, and what the evaluator makes of it. What runs programs is skipped where there is
//! no Python.

use super::*;
use crate::python::repo::Entry;
use crate::python::repo::EntryKind;
use crate::python::repo::Files;
use crate::python::repo::Repository;
use crate::verify::program::PlainProcess;
use crate::verify::program::ProgramEnd;

struct Texts(BTreeMap<String, String>);

impl Files for Texts {
    fn entries(&self) -> Result<Vec<Entry>, String> {
        let entry = |(path, text): (&String, &String)| Entry {
            path: path.clone(),
            kind: EntryKind::File {
                bytes: text.len() as u64,
            },
        };
        Ok(self.0.iter().map(entry).collect())
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        let text = self.0.get(path).ok_or("not there")?;
        Ok(text.clone().into_bytes())
    }
}

fn seed(files: &[(&str, &str)]) -> Seed {
    let files = files
        .iter()
        .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
    let files = Texts(files.collect());
    let index = Repository::index(&files, None, &Cancel::new(), &mut |_| {});
    let index = index.unwrap().unwrap();
    Seed::new("o/r", "0".repeat(40), Arc::new(files), Arc::new(index))
}

/// A runner that refuses.
struct Nothing;

impl RunProgram for Nothing {
    fn run(&self, _: &str, _: &Cancel) -> ProgramEnd {
        ProgramEnd::Refused("nothing runs here".to_owned())
    }
}

fn drafts(seed: &Seed) -> Drafts {
    FuncGen::new(Arc::new(Nothing))
        .drafts(seed, &Cancel::new())
        .unwrap()
}

/// The names that are drafted from a module, then the reasons of the others.
#[track_caller]
fn check(module: &str, want: &str) {
    let found = drafts(&seed(&[("m.py", module)]));
    let mut shown: Vec<String> = found
        .drafts
        .iter()
        .map(|draft| draft.fields["func_name"].as_str().unwrap().to_owned())
        .collect();
    shown.extend(
        found
            .left_out
            .iter()
            .map(|(reason, n)| format!("{n} {reason}")),
    );
    assert_eq!(shown.join("; "), want, "{module}");
}

/// The outcome of a finished draft of a module's only function: `kept`, or the reason.
#[track_caller]
fn finish(files: &[(&str, &str)], want: &str) {
    let runner = PlainProcess::find();
    if let ProgramEnd::Refused(why) = runner.run("", &Cancel::new()) {
        eprintln!("skipped: {why}");
        return;
    }
    let maker = FuncGen::new(Arc::new(runner));
    let seed = seed(files);
    let drafts = maker.drafts(&seed, &Cancel::new()).unwrap();
    let [draft] = drafts.drafts.as_slice() else {
        panic!("{drafts:?}");
    };
    let script = draft.fields["eval_script"].as_str().unwrap().to_owned();
    match maker.finish(&seed, draft.clone(), &Cancel::new()) {
        Ok(kept) => {
            assert_eq!(kept, *draft);
            assert_eq!(want, "kept", "{script}");
        }
        Err(left_out) => assert_eq!(left_out.reason, want, "{left_out:?}\n{script}"),
    }
}

#[test]
fn fields_of_a_draft() {
    let module = "import json\nimport re as r\nimport random\nfrom typing import List\n\nLIMIT = r.compile('x')\nOTHER = 2\n\n\ndef helper(x):\n    return LIMIT.match(x)\n\n\ndef f(a: List[int],\n      b=1):\n    \"\"\"Do it.\n\n    >>> f('xx')\n    \"\"\"\n    # why\n    m = helper(a)\n    return m and m.group()\n";
    let found = drafts(&seed(&[
        ("p/m.py", module),
        (
            "t/test_m.py",
            "from p.m import f\ndef test():\n    f('x', b=[1, -2])\n    f(a)\n    f('x', b=[1, -2])\n",
        ),
    ]));
    let [draft] = found.drafts.as_slice() else {
        panic!("{found:?}");
    };
    assert_eq!(
        (draft.line, draft.stratum.as_str()),
        (LineIx(13), "function")
    );
    let field = |key: &str| draft.fields[key].as_str().unwrap();
    assert_eq!(field("file_path"), "p/m.py");
    assert_eq!(field("func_signature"), "def f(a: List[int],\n      b=1):");
    assert_eq!(field("docstring"), "Do it.\n\n    >>> f('xx')");
    assert_eq!(
        field("func_body"),
        "    # why\n    m = helper(a)\n    return m and m.group()"
    );
    let script = field("eval_script");
    let (head, rest) = script.split_once("def test_f():").unwrap();
    assert_eq!(
        head,
        "from __future__ import annotations\nimport json\nimport re as r\n\n\nLIMIT = r.compile('x')\n\ndef helper(x):\n    return LIMIT.match(x)\n\ndef f(a: List[int],\n      b=1):\n    \"\"\"Do it.\n\n    >>> f('xx')\n    \"\"\"\n    # why\n    m = helper(a)\n    return m and m.group()\n\n\n"
    );
    assert!(
        rest.contains("        _see(f('xx'))\n")
            && rest.contains("        _see(f('x', b=[1, -2]))\n"),
        "{rest}"
    );
    assert_eq!(rest.matches("def _case_").count(), 2);
    let task = Task::from_instance(Value::Object(draft.fields.clone()));
    assert_eq!(task.kind, TaskKind::FuncGen);
}

#[test]
fn who_takes_part() {
    let doc = "    '''Do.\n    >>> f(1)\n    >>> A(1).f(2)\n    '''\n    x = 1\n    return x\n";
    let with = |head: &str| format!("{head}{doc}");
    check(&with("def f(x):\n"), "f");
    check("def f(x):\n    x = 1\n    return x\n", "");
    check(
        "def f(x):\n    '''D. >>> f(1)'''\n    x = 1\n    return x\n",
        "1 no inputs for it are found",
    );
    check(
        "def f(x):\n    '''D.\n    >>> f(1)'''\n    return x\n",
        "1 its body is one statement",
    );
    check(
        "def f(x):\n    '''D.\n    >>> f(1)'''; x = 1\n    return x\n",
        "1 its form is none that the test can call: decorators, a coroutine, a special method, odd indentation",
    );
    for head in ["@d\ndef f(x):\n", "async def f(x):\n"] {
        check(
            &with(head),
            "1 its form is none that the test can call: decorators, a coroutine, a special method, odd indentation",
        );
    }
    check(
        &with("K = 1\ndef f(x=K):\n"),
        "1 its defaults need what its module defines",
    );
    check(&with("import math\ndef f(x=math.pi):\n"), "f");
    check(
        &format!("{0}{0}", with("def f(x):\n")),
        "2 its name is defined more than once",
    );
    check(
        "def g():\n    def f(x):\n        '''D.\n        >>> f(1)'''\n        y = x\n        return y\n",
        "1 it stands in a function, a nested class or a condition",
    );
    check(
        "x = = 1\ndef f():\n    '''D.'''\n    x\n    y\n",
        "1 its file does not parse",
    );
    let method = |head: &str| {
        format!(
            "class A:\n    {head}def f(self, x):\n        '''D.\n        >>> A(1).f(2)\n        '''\n        y = x\n        return y\n"
        )
    };
    check(&method(""), "A.f");
    check(&method("@staticmethod\n    "), "A.f");
    check(
        &method("@property\n    "),
        "1 its form is none that the test can call: decorators, a coroutine, a special method, odd indentation",
    );
    // the evaluator would find the other class first
    check(
        &method("").replace("class A:", "class B:\n    def f(self): pass\nclass A(B):"),
        "1 it needs too much of its module",
    );
    let test = drafts(&seed(&[("tests/test_m.py", with("def f(x):\n").as_str())]));
    assert_eq!(test, Drafts::default());
}

#[test]
fn what_depends_on_the_world_is_left_out() {
    const IMPURE: &str = "1 its outcome depends on more than its arguments";
    const FOREIGN: &str = "1 it needs modules beyond the standard library";
    let body = |above: &str, body: &str| {
        format!(
            "{above}\ndef f(x):\n    '''D.\n    >>> f(1)\n    '''\n    y = {body}\n    return y\n"
        )
    };
    for (above, inner, want) in [
        ("import random", "random.random()", IMPURE),
        ("from time import time as t", "t()", IMPURE),
        ("import os", "os.environ['x']", IMPURE),
        ("import os", "os.path.join('a', 'b')", "f"),
        ("import os.path as p", "p.splitext(x)", "f"),
        ("from datetime import datetime", "datetime.now()", IMPURE),
        ("from datetime import datetime", "datetime(1, 1, x)", "f"),
        ("", "open(x)", IMPURE),
        ("def open(x): return x", "open(x)", "f"),
        ("", "print(x)", IMPURE),
        ("import numpy as np", "np.array(x)", FOREIGN),
        ("import numpy as np", "x  # np", "f"),
        ("from .a import b", "b(x)", FOREIGN),
        (
            "def g(x):\n    return h(x)\ndef h(x):\n    import socket\n    return socket",
            "g(x)",
            IMPURE,
        ),
        (
            "try:\n    import json5 as json\nexcept ImportError:\n    import json",
            "json.dumps(x)",
            FOREIGN,
        ),
        (
            "class C:\n    def g(self): return np.x\n    def h(self): return K\nimport numpy as np\nK = 1",
            "C().h()",
            "f",
        ),
        ("if __name__ == '__main__':\n    K = 1", "K", "f"),
    ] {
        check(&body(above, inner), want);
    }
}

#[test]
fn bodies_of_other_methods_take_what_can_be_had() {
    let module = "import numpy as np\nK = 1\nL = np.x\nclass C:\n    n: T = 1\n    def g(self): return np.x + L\n    def h(self): return K\nclass T: pass\ndef f(x):\n    '''D.\n    >>> f(1)\n    '''\n    c = C()\n    return c.h()\n";
    let found = drafts(&seed(&[("m.py", module)]));
    let script = found.drafts[0].fields["eval_script"].as_str().unwrap();
    let (head, _) = script.split_once("def f(x)").unwrap();
    assert!(
        head.contains("\nK = 1\n") && head.contains("class T") && !head.contains("L = np"),
        "{head}"
    );
}

#[test]
fn hostile_modules_are_drafted_or_left_out() {
    let n = 30_000;
    for inner in [
        format!("{}1{}", "(".repeat(n), ")".repeat(n)),
        format!("[{}]", "1, ".repeat(n)),
        format!("{}1", "lambda: ".repeat(n)),
        format!("'{}'", "x".repeat(n * 10)),
        "\\".to_owned(),
    ] {
        let module = format!(
            "K = {inner}\ndef f(x):\n    '''D.\n    >>> f({inner})\n    >>> f(1)\n    '''\n    y = K\n    return y\n"
        );
        let found = drafts(&seed(&[
            ("m.py", &module),
            (
                "n.py",
                &format!("from m import f\ndef g():\n    f({inner})\n"),
            ),
        ]));
        assert!(found.drafts.len() + found.left_out.len() <= 1);
    }
    // each needs all before it
    let chain: Vec<String> = (0..2_000).map(|ix| format!("def f{ix}(x):\n    '''D.\n    >>> f{ix}(1)\n    '''\n    y = x\n    return f{}(y)\n", ix.max(1) - 1)).collect();
    let found = drafts(&seed(&[("m.py", &chain.concat())]));
    assert_eq!(found.left_out.get(reason::TOO_LONG), Some(&1880));
}

#[test]
fn drafts_are_finished_by_running_them() {
    let f = |body: &str| {
        format!("def f(x):\n    '''D.\n    >>> f([3, 1])\n    >>> f([])\n    '''\n{body}")
    };
    finish(
        &[("m.py", &f("    y = sorted(x)\n    return y[0]\n"))],
        "kept",
    );
    finish(
        &[(
            "m.py",
            &f("    x.append(float('nan'))\n    x.sort(key=str)\n"),
        )],
        "kept",
    );
    finish(
        &[(
            "m.py",
            &f("    for y in x:\n        yield y\n    yield iter([1])\n"),
        )],
        "kept",
    );
    finish(
        &[("m.py", &f("    for y in x:\n        yield y\n"))],
        "kept",
    );
    finish(
        &[("m.py", &f("    y = x\n    raise KeyError(y)\n"))],
        "kept",
    );
    finish(
        &[("m.py", &f("    y = x\n    return None\n"))],
        reason::PASSES,
    );
    finish(&[("m.py", &f("    y = x\n    return z\n"))], reason::FAILS);
    finish(
        &[("m.py", &f("    y = x\n    return lambda: y\n"))],
        reason::FAILS,
    );
    finish(
        &[("m.py", &f("    y = x\n    raise SystemExit(0)\n"))],
        "kept",
    );
    let class = "import math\n\nclass P:\n    '''A point.\n\n    >>> p = P(3, 4)\n    >>> p.norm(2)\n    10.0\n    '''\n\n    def __init__(self, x, y):\n        self.x, self.y = x, y\n\n    def norm(self, k):\n        '''The norm, k times.'''\n        n = math.hypot(self.x, self.y)\n        return n * k\n";
    finish(&[("m.py", class)], "kept");
    let object = "class P:\n    def __init__(self, x):\n        self.x = x\n\ndef f(x, y=None):\n    '''A point.'''\n    p = P(x)\n    p.y = y\n    return p\n";
    finish(
        &[
            ("m.py", object),
            (
                "test_m.py",
                "import m\ndef test_f():\n    assert m.f(3, y=float('nan')).x == 3\n",
            ),
        ],
        "kept",
    );
    // an empty line behind the docstring gives the new body its indent
    finish(&[("m.py", &f("\n    y = x\n    return y\n"))], "kept");
    let followed = class.replace("k times.'''", "k times.'''\n") + "\n    other = 1\n";
    finish(&[("m.py", &followed)], reason::BREAKS);
    let refused = FuncGen::new(Arc::new(Nothing));
    let seed = seed(&[("m.py", &f("    y = x\n    return y\n"))]);
    let draft = drafts(&seed).drafts.remove(0);
    let left_out = refused.finish(&seed, draft, &Cancel::new()).unwrap_err();
    assert_eq!(
        (left_out.reason, left_out.detail.as_str()),
        (reason::NOT_RUN, "nothing runs here")
    );
}

/// What calls the original, ends the program or returns another type is no implementation.
#[test]
fn cheats_fail_the_test() {
    let programs = PlainProcess::find();
    let module = "def f(x):\n    '''D.\n    >>> f(3)\n    >>> f(0)\n    '''\n    y = x * 2\n    return y\n\nclass C:\n    '''C.\n\n    >>> C().g(2)\n    '''\n    def g(self, x):\n        '''D.'''\n        y = x\n        return y * 2\n";
    let found = drafts(&seed(&[("m.py", module)]));
    assert_eq!(found.drafts.len(), 2);
    for draft in &found.drafts {
        let (head, call) = match draft.stratum.as_str() {
            "method" => ("def g(self, x):", "self.g(x)"),
            _ => ("def f(x):", "f(x)"),
        };
        let task = Task::from_instance(Value::Object(draft.fields.clone()));
        for (body, want) in [
            ("return x + x", Verdict::Accept),
            (&*format!("return {call}"), Verdict::Reject),
            ("raise SystemExit(0)", Verdict::Reject),
            ("import os; os._exit(0)", Verdict::Reject),
            ("return float(x + x)", Verdict::Reject),
            ("return x", Verdict::Reject),
            (
                "import builtins; builtins.all = lambda _: True",
                Verdict::Reject,
            ),
            ("print.__self__.all = lambda _: True", Verdict::Reject),
            ("global map; map = lambda *_: [True]", Verdict::Reject),
            ("import copy; copy.deepcopy = lambda _: 6", Verdict::Reject),
        ] {
            let attempt = Trajectory {
                task: Some(task.clone()),
                answer: Some(format!("{head}\n    {body}\n").into()),
                ..Trajectory::default()
            };
            let judged = published::judge(&attempt, Some(&programs), &Cancel::new());
            if judged.verdict == Verdict::Unjudged {
                eprintln!("skipped: there is no Python");
                return;
            }
            assert_eq!(judged.verdict, want, "{head} {body}: {judged:?}");
        }
    }
}
