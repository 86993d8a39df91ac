//! Ground truth of `dep_search` tasks.

use super::indexed;
use super::memory;
use super::shown;
use crate::cancel::Cancel;
use crate::python::repo::Rules;
use crate::python::repo::dep_search;

/// One line a candidate: the target and what it depends on; then how many were left out.
#[track_caller]
fn check(text: &str, rules: Rules, expected: &[&str], unsure: usize) {
    let repository = indexed(&memory(text));
    let found = dep_search(&repository, rules, &Cancel::new()).unwrap();
    let lines: Vec<String> = found
        .candidates
        .iter()
        .map(|one| {
            let names: Vec<String> = one
                .dependencies
                .iter()
                .map(|id| shown(&repository, *id))
                .collect();
            format!("{}: {}", shown(&repository, one.target), names.join(" "))
        })
        .collect();
    assert_eq!(lines, expected, "{text}");
    assert_eq!(found.unsure_count, unsure, "{text}");
}

const FOUR: &str = "def a(): pass\ndef b(): pass\ndef c(): pass\ndef d(): pass\n";

#[test]
fn rules() {
    let rules = Rules::default();
    check(
        &format!("{FOUR}def f():\n    b()\n    a()\n    b()\n"),
        rules,
        &["f: b a"],
        0,
    );
    check(
        &format!("{FOUR}def f(): a(), b(), c(), d()\n"),
        rules,
        &[],
        0,
    );
    let five = Rules { most: 5, ..rules };
    check(
        &format!("{FOUR}def f(): a(), b(), c(), d()\n"),
        five,
        &["f: a b c d"],
        0,
    );
    // no private targets; private dependencies
    check(
        "def _a(): pass\ndef f(): _a()\ndef _g(): f()\n",
        rules,
        &["f: _a"],
        0,
    );
    // itself and what is defined in it are left out
    check(
        "def a(): pass\ndef f():\n    def g(): a()\n    g()\n    f()\n",
        rules,
        &["f: a", "f.g: a"],
        0,
    );
    // decorators count where they are called; bare ones and bare exceptions do not
    check(
        &format!("{FOUR}@a\n@b(1)\ndef f(): raise c\n"),
        rules,
        &["f: b"],
        0,
    );
    // names of built-ins are passed over
    check("def open(): pass\ndef f(): open()\n", rules, &[], 0);
    // methods, and classes that are called
    check(
        "class A:\n    def g(self): self.h()\n    def h(self): pass\ndef f(): A().h()\n",
        rules,
        &["A.g: A.h", "f: A A.h"],
        0,
    );
    // defaults are evaluated elsewhere
    check(&format!("{FOUR}def f(x=a()): b()\n"), rules, &["f: b"], 0);
}

#[test]
fn unsure_functions() {
    let text = "if x:\n    def a(): pass\nelse:\n    def a(): pass\ndef f(): a()\n";
    check(text, Rules::default(), &[], 1);
    let all = Rules {
        only_sure: false,
        ..Rules::default()
    };
    check(text, all, &["f: a"], 0);
}

#[test]
fn files_with_faults_take_no_part() {
    let text = "from b import g\ndef a(): pass\ndef f():\n    a()\n    g()\n== b.py\ndef g(): pass\ndef h(): g()\nx = = 1\n";
    check(text, Rules::default(), &["f: a"], 0);
}

#[test]
fn cancelling_ends_it() {
    let repository = indexed(&memory("def f(): pass\n"));
    let cancel = Cancel::new();
    cancel.cancel();
    assert!(dep_search(&repository, Rules::default(), &cancel).is_none());
}
