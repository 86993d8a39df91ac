use std::collections::BTreeMap;

use super::*;

mod faults;
mod imports;
mod known;
mod layouts;
mod tasks;
mod values;

/// A repository in memory.
#[derive(Debug, Clone, Default)]
pub(super) struct Memory(pub(super) BTreeMap<String, Vec<u8>>);

impl Files for Memory {
    fn entries(&self) -> Result<Vec<Entry>, String> {
        let entry = |(path, bytes): (&String, &Vec<u8>)| Entry {
            path: path.clone(),
            kind: EntryKind::File {
                bytes: bytes.len() as u64,
            },
        };
        Ok(self.0.iter().map(entry).collect())
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        self.0.get(path).cloned().ok_or_else(|| "none".to_owned())
    }
}

/// Files that are divided by lines `== path`; `m.py` before the first.
pub(super) fn memory(text: &str) -> Memory {
    let mut files = Memory::default();
    let mut path = "m.py".to_owned();
    for line in text.split_inclusive('\n') {
        if let Some(next) = line.strip_prefix("== ") {
            next.trim().clone_into(&mut path);
            files.0.entry(path.clone()).or_default();
        } else {
            let file = files.0.entry(path.clone()).or_default();
            file.extend_from_slice(line.as_bytes());
        }
    }
    files
}

pub(super) fn indexed(files: &Memory) -> Repository {
    let index = Repository::index(files, None, &Cancel::new(), &mut |_| {});
    index.unwrap().unwrap()
}

pub(super) fn shown(repository: &Repository, id: DefinitionId) -> String {
    let found = repository.definition(id).unwrap();
    let name = repository.qualified_name(id);
    match found.path {
        "m.py" => name,
        path => format!("{path}:{name}"),
    }
}

/// One line a call: who calls, what stands there, what it means (`-` nothing that is known), `~` where it is not sure.
pub(super) fn calls(repository: &Repository) -> String {
    let mut lines = String::new();
    for (path, calls) in repository.calls(&Cancel::new()).unwrap() {
        for call in calls {
            let caller = call.caller.map(|id| repository.qualified_name(id));
            let targets: Vec<String> = call
                .targets
                .iter()
                .map(|id| shown(repository, *id))
                .collect();
            let path = if path == "m.py" {
                String::new()
            } else {
                format!("{path} ")
            };
            let line = format!(
                "{path}{} {} {}{}\n",
                caller.as_deref().unwrap_or("."),
                call.name,
                if targets.is_empty() {
                    "-".to_owned()
                } else {
                    targets.join(" ")
                },
                if targets.is_empty() || call.is_sure {
                    ""
                } else {
                    " ~"
                },
            );
            lines.push_str(&line);
        }
    }
    lines
}

/// Checks all calls of a repository against lines of [`calls`], indented or not.
#[track_caller]
pub(super) fn check(text: &str, expected: &str) {
    let repository = indexed(&memory(text));
    let found = calls(&repository);
    let expected: Vec<&str> = expected
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    assert_eq!(found.lines().collect::<Vec<_>>(), expected, "{text}");
}

#[test]
fn names_in_their_scopes() {
    check("def f(): pass\ndef g(): f()\n", "g f f");
    check("def g(): f()\n", "g f -");
    check("def g(f): f()\ndef f(): pass\n", "g f -");
    check("def f(): pass\ndef g():\n    f = 1\n    f()\n", "g f -");
    check("def f(): pass\ndef g():\n    f()\n    f = 1\n", "g f -");
    check(
        "def g():\n    def h(): pass\n    h()\ndef k(): h()\n",
        "g h g.h\nk h -",
    );
    check("def f(): pass\ndef f(): pass\nf()\n", ". f f");
    // the class body is no scope of its methods
    check(
        "class A:\n    def f(self): pass\n    def g(self): f()\n    f(1)\n",
        "A.g f -\nA f A.f",
    );
    check("f = lambda: g()\ndef g(): pass\n", ". g g");
    check(
        "def f(): pass\nx = [f() for f in y]\nz = [f() for x in y]\n",
        ". f -\n. f f",
    );
    check("def f(): pass\ndel f\n", "");
}

#[test]
fn global_and_nonlocal() {
    check(
        "def f():\n    global g\n    def g(): pass\ndef h(): g()\n",
        "h g f.g ~",
    );
    check(
        "def f():\n    def g(): pass\n    def h():\n        nonlocal g\n        g()\n    h()\n",
        "f.h g f.g\nf h f.h",
    );
}

#[test]
fn the_last_meaning_and_its_alternatives() {
    check(
        "if a:\n    def f(): pass\nelse:\n    def f(x): pass\ndef g(): f()\n",
        "g f f f ~",
    );
    check(
        "if a:\n    def f(): pass\n    def g(): f()\nelse:\n    f = None\n",
        "g f f",
    );
    check(
        "def f(): pass\nif a:\n    f = h()\ndef g(): f()\n",
        ". h -\ng f f ~",
    );
    check(
        "def f(): pass\nif a:\n    def f(x): pass\n    f()\n",
        ". f f",
    );
    check("def f(): pass\nfor x in y:\n    f = z\nf()\n", ". f f ~");
}

#[test]
fn aliases() {
    check("def f(): pass\ng = f\ndef h(): g()\n", "h g f");
    check(
        "class A:\n    def f(self): pass\n    g = f\n    def h(self): self.g()\n",
        "A.h g A.f",
    );
    check("def f(): pass\nif (g := f):\n    g()\n", ". g f");
    check("def f(): pass\ng = f if x else len\ng()\n", ". g f ~");
    check("f = f\nf()\n", ". f -");
}

#[test]
fn decorators_and_raises() {
    let text = "def d(f): return f\ndef e(x): return d\nclass E(Exception): pass\n@d\n@e(1)\ndef f():\n    raise E\n\
                def g(): raise E()\n@d\nclass A: pass\n";
    check(text, "f d d\nf e e\nf E E\ng E E\nA d d");
    let repository = indexed(&memory(text));
    let f = repository
        .definitions()
        .find(|found| found.definition.name == "f")
        .unwrap();
    let via: Vec<Via> = repository
        .dependencies(f.id)
        .iter()
        .map(|found| found.sites[0].via)
        .collect();
    assert_eq!(via, [Via::Decorator, Via::Call, Via::Raise]);
    // decorators of other modules, with arguments, of methods; exceptions of other modules, with a cause
    check(
        "import p\nfrom p import d as e\n@p.d\n@e(1)\ndef f():\n    raise p.E from e\nclass A:\n    @e\n    def g(self): raise p.E('x') from None\n\
         == p.py\ndef d(f): pass\nclass E(Exception): pass\n",
        "f d p.py:d\nf e p.py:d\nf E p.py:E\nA.g e p.py:d\nA.g E p.py:E",
    );
    // what is evaluated before the function is, its neighbours call
    check("def f(): pass\ndef g(x=f()): pass\n", ". f f");
    check("def f(): pass\nclass A(f()): pass\n", ". f f");
}

#[test]
fn definitions_have_their_lines() {
    let text = "import x\n\n@d\n@e(\n  1)\ndef f(\n    a,\n):\n    '''Doc.'''\n    return a\n\nclass A:\n    def m(self): pass\n";
    let repository = indexed(&memory(text));
    let lines: Vec<String> = repository
        .definitions()
        .map(|found| {
            let lines = found.definition;
            format!(
                "{} {} {} {} {} {}",
                repository.qualified_name(found.id),
                lines.first.0,
                lines.header.0,
                lines.header_end.0,
                lines.last.0,
                found.is_method,
            )
        })
        .collect();
    assert_eq!(
        lines,
        [
            "f 2 5 7 9 false",
            "A 11 11 11 12 false",
            "A.m 12 12 12 12 true"
        ]
    );
}

#[test]
fn dependencies_gather_calls_in_order() {
    let text = "def a(): pass\ndef b(): pass\ndef f():\n    b()\n    def g():\n        a()\n        b()\n    g()\n";
    let repository = indexed(&memory(text));
    let f = repository
        .definitions()
        .find(|found| found.definition.name == "f")
        .unwrap();
    let found: Vec<(String, Vec<usize>)> = repository
        .dependencies(f.id)
        .iter()
        .map(|found| {
            let lines = found.sites.iter().map(|site| site.line.0).collect();
            (shown(&repository, found.definition), lines)
        })
        .collect();
    let expected = [("b", vec![3, 6]), ("a", vec![5]), ("f.g", vec![7])];
    let expected = expected.map(|(name, lines)| (name.to_owned(), lines));
    assert_eq!(found, expected);
}
