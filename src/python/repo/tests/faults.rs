//! Broken, odd and hostile files; the same answer whatever was known and however many threads.

use proptest::prelude::*;

use super::Memory;
use super::calls;
use super::check;
use super::indexed;
use super::memory;
use crate::cancel::Cancel;
use crate::python::repo::Repository;
use crate::python::repo::Rules;
use crate::python::repo::dep_search;

fn one(bytes: Vec<u8>) -> Memory {
    Memory([("m.py".to_owned(), bytes)].into())
}

#[test]
fn faulty_files_still_tell_what_they_can() {
    check("def f(): pass\nx = = 1\ndef g(): f()\n", "g f f");
    // Python 2
    check(
        "def f(): pass\ndef g():\n    print f()\n    print >>x, 'y'\n    exec 'z'\n    try:\n        f()\n    except E, e:\n        f()\n    raise E, 'x'\n    return `f()`\n",
        "g f f\ng f f\ng f f\ng E -\ng f f",
    );
    check(
        "class A:\n    def f(self): pass\n    def g(self):\n        self.f(\n    def h(self): self.f()\n",
        "A.g f A.f\nA f -",
    );
    check("def f(): pass\n\x0cdef g():\n\tf()\n\x0c\n", "g f f");
    check("def f(): pass\r\ndef g():\r\n    f()\r\n", "g f f");
    check("def f(): pass\nif x:\n\tf()\n        f()\n", ". f f\n. f f");
}

#[test]
fn odd_encodings() {
    let latin = b"# -*- coding: latin-1 -*-\ndef f(): '\xe4'\ndef g(): f()\n".to_vec();
    assert_eq!(calls(&indexed(&one(latin))), "g f f\n");
    let torn = b"def f(): '\xe4'\ndef g(): f()\n".to_vec();
    assert_eq!(calls(&indexed(&one(torn))), "g f f\n");
    let marked = b"\xef\xbb\xbfdef f(): pass\nf()\n".to_vec();
    assert_eq!(calls(&indexed(&one(marked))), ". f f\n");
}

/// Nothing overflows or takes for ever on the small stacks of test threads and of the pool.
#[test]
fn depth_and_breadth_are_bounded() {
    let many = 3_000;
    let mut texts = vec![
        format!("x = {}1{}\n", "f(".repeat(many), ")".repeat(many)),
        format!("x = a{}\nx.b()\n", ".b()".repeat(many)),
        format!("x = {}1{}\nx.b()\n", "[".repeat(many), "]".repeat(many)),
        format!("x = {}y\nx()\n", "lambda: ".repeat(many)),
        format!(
            "x = {}[]{}\nx.b()\n",
            "[a for a in ".repeat(300),
            "]".repeat(300)
        ),
        format!(
            "def f(x: {}int{}): x.b()\n",
            "List[".repeat(many),
            "]".repeat(many)
        ),
        format!(
            "def f(x: '{}int{}'): x.b()\n",
            "List[".repeat(20),
            "]".repeat(20)
        ),
        format!("x = {}1\nx.b()\n", "a if b else ".repeat(many)),
    ];
    // each name leads to the one before, both ways, or to all before
    let names = |line: &dyn Fn(usize) -> String| (1..many).map(line).collect::<String>();
    texts.push(format!(
        "def f0(): pass\n{}f{}()\n",
        names(&|n| format!("f{n} = f{}\n", n - 1)),
        many - 1
    ));
    texts.push(names(&|n| format!("def f{n}(): return f{}()\n", n - 1)) + "f2999().x()\n");
    let both = |n: usize| format!("def f{n}(): return f{}() or f{}()\n", n - 1, n / 2);
    texts.push((1..300).map(both).collect::<String>() + "f299().x()\n");
    texts.push(names(&|n| {
        format!("class A{n}(A{}):\n    def f(self): self.g()\n", n - 1)
    }));
    texts.push(names(&|n| format!("if x{n}: y = z{n}()\n")) + "y.f()\ny.g()\n");
    for text in texts {
        let repository = indexed(&one(text.into_bytes()));
        assert!(repository.calls(&Cancel::new()).is_some());
    }
    // classes that inherit from all before them
    let wide: Vec<String> = (1..40)
        .map(|n| {
            let bases: Vec<String> = (0..n).rev().map(|base| format!("A{base}")).collect();
            format!("class A{n}({}): pass\n", bases.join(", "))
        })
        .collect();
    let repository = indexed(&one(format!(
        "class A0:\n    def f(self): pass\n{}A39().f()\n",
        wide.concat()
    )
    .into_bytes()));
    assert!(calls(&repository).ends_with(". f A0.f\n"));
}

const REPOSITORY: &str = "from p import *\nimport p.a\ndef g(x: A):\n    x.f()\n    p.a.A().f()\n    h()\n\
    == p/__init__.py\nfrom .a import A\nfrom .b import h\n== p/a.py\nfrom . import b\nclass A(b.B):\n    def f(self): return self.k()\n\
    == p/b.py\nclass B:\n    def k(self): return B()\ndef h(): return B().k()\n";

#[test]
fn many_files_and_threads_give_the_same_answer() {
    let mut files = memory(REPOSITORY);
    for n in 0..600 {
        let text =
            format!("from m import g\nfrom p.a import A\ndef f{n}():\n    g(A())\n    A().k()\n");
        files.0.insert(format!("x/n{n}.py"), text.into_bytes());
    }
    let whole = calls(&indexed(&files));
    let single = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .unwrap();
    assert_eq!(single.install(|| calls(&indexed(&files))), whole);
    assert!(whole.contains("x/n7.py f7 k p/b.py:B.k\n"));
}

#[test]
fn what_was_known_changes_nothing() {
    let first = memory(REPOSITORY);
    let mut second = first.clone();
    second.0.insert(
        "p/b.py".to_owned(),
        b"class B:\n    def k(self): pass\n".to_vec(),
    );
    second.0.remove("m.py");
    second
        .0
        .insert("q/copy.py".to_owned(), first.0["p/a.py"].clone());
    let known = indexed(&first);
    let again = Repository::index(&second, Some(&known.known()), &Cancel::new(), &mut |_| {});
    let again = again.unwrap().unwrap();
    let anew = indexed(&second);
    assert_eq!(calls(&again), calls(&anew));
    assert_ne!(calls(&again), calls(&known));
    let rules = Rules::default();
    assert_eq!(
        dep_search(&again, rules, &Cancel::new()),
        dep_search(&anew, rules, &Cancel::new())
    );
}

#[test]
fn progress_is_told() {
    let mut files = Memory::default();
    for n in 0..700 {
        files.0.insert(format!("m{n}.py"), Vec::new());
    }
    let mut told = Vec::new();
    let index = Repository::index(&files, None, &Cancel::new(), &mut |step| {
        told.push(step.done);
    });
    assert_eq!(index.unwrap().unwrap().file_count(), 700);
    assert_eq!(told, [256, 512, 700]);
}

/// Whatever the bytes, everything can be asked.
fn ask(files: &Memory) {
    let repository = indexed(files);
    let all = calls(&repository);
    assert_eq!(all, calls(&indexed(files)));
    for found in repository.definitions() {
        for dependency in repository.dependencies(found.id) {
            assert!(!dependency.sites.is_empty());
            assert!(repository.definition(dependency.definition).is_some());
        }
    }
}

/// Pieces of Python, so that random texts are about something.
const PIECES: [&str; 40] = [
    "def f(",
    "self",
    ")",
    ":",
    "\n",
    "\n    ",
    "\n        ",
    "class A(",
    "A",
    "B",
    ".f",
    "()",
    "return ",
    "import ",
    "from ",
    " import *",
    ".",
    "x",
    " = ",
    "@",
    "yield ",
    "await ",
    "async ",
    "lambda ",
    "[",
    "]",
    "for x in ",
    "if ",
    "else:",
    "try:",
    "except A as x:",
    "with A() as x:",
    "global x",
    "super()",
    "'A'",
    ": A",
    " -> A",
    "match x:",
    "case A() as x:",
    "\t",
];

proptest! {
    #[test]
    fn any_bytes_have_an_index(a in prop::collection::vec(any::<u8>(), 0..200), b in any::<String>()) {
        let mut files = one(a);
        files.0.insert("p/__init__.py".to_owned(), b.into_bytes());
        ask(&files);
    }

    #[test]
    fn any_pieces_have_an_index(texts in prop::collection::vec(prop::collection::vec(0..PIECES.len(), 0..60), 1..4)) {
        let mut files = Memory::default();
        for (text, path) in texts.iter().zip(["A.py", "x.py", "B/__init__.py"]) {
            let text: String = text.iter().map(|ix| PIECES[*ix]).collect();
            files.0.insert(path.to_owned(), text.into_bytes());
        }
        ask(&files);
    }
}
