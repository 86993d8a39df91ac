//! Packages found from the layout; what is left out.

use super::check;
use super::indexed;
use super::memory;
use crate::cancel::Cancel;
use crate::python::repo::Entry;
use crate::python::repo::EntryKind;
use crate::python::repo::Files;
use crate::python::repo::Repository;

#[test]
fn roots() {
    // src
    check(
        "from p.a import f\nf()\n== src/p/__init__.py\n== src/p/a.py\ndef f(): pass\n",
        ". f src/p/a.py:f",
    );
    // tests beside it, with a module of their own
    check(
        "== src/p/__init__.py\ndef f(): pass\n== tests/helper.py\ndef h(): pass\n== tests/test_p.py\nimport p\nimport helper\np.f()\nhelper.h()\n",
        "tests/test_p.py . f src/p/__init__.py:f\ntests/test_p.py . h tests/helper.py:h",
    );
    // several packages in one repository
    check(
        "== libs/a/src/a/__init__.py\nfrom b import f\nf()\n== libs/b/src/b/__init__.py\ndef f(): pass\n",
        "libs/a/src/a/__init__.py . f libs/b/src/b/__init__.py:f",
    );
    // two of one name: none is meant more than the other
    check(
        "import p\np.f()\n== x/p/__init__.py\ndef f(): pass\n== y/p/__init__.py\ndef f(): pass\n",
        ". f -",
    );
    // no package of the standard library is looked for elsewhere
    check(
        "import json\njson.f()\n== x/json/__init__.py\ndef f(): pass\n",
        ". f -",
    );
    // a module beside the file is nearer than one of the repository, but not for files of a package
    check(
        "== a.py\ndef f(): pass\n== x/a.py\ndef f(): pass\n== x/m.py\nimport a\na.f()\n\
         == p/__init__.py\n== p/a.py\ndef f(): pass\n== p/m.py\nimport a\na.f()\n",
        "p/m.py . f a.py:f\nx/m.py . f x/a.py:f",
    );
}

#[test]
fn namespace_packages() {
    check(
        "from ns.p import f\nimport ns.p.q\nf()\nns.p.q.g()\n== ns/p/__init__.py\ndef f(): pass\n== ns/p/q.py\ndef g(): pass\n",
        ". f ns/p/__init__.py:f\n. g ns/p/q.py:g",
    );
    check(
        "== src/ns/a.py\ndef f(): pass\n== src/ns/b.py\nfrom ns.a import f\nfrom . import a\nf()\na.f()\n",
        "src/ns/b.py . f src/ns/a.py:f\nsrc/ns/b.py . f src/ns/a.py:f",
    );
}

struct Told(Vec<Entry>);

impl Files for Told {
    fn entries(&self) -> Result<Vec<Entry>, String> {
        Ok(self.0.clone())
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        match path {
            "bad.py" => Err("no permission".to_owned()),
            "nul.py" => Ok(b"x\0".to_vec()),
            "deep.py" => Ok("(".repeat(50_000).into_bytes()),
            _ => Ok(b"def f(): pass\n".to_vec()),
        }
    }
}

#[test]
fn what_is_left_out_is_told() {
    let file = |bytes| EntryKind::File { bytes };
    let entries = [
        ("a.py", file(1)),
        ("big.py", file(5 << 20)),
        ("bad.py", file(1)),
        ("nul.py", file(1)),
        ("deep.py", file(1)),
        ("link.py", EntryKind::Link),
        ("link", EntryKind::Link),
        ("sub", EntryKind::Submodule),
        ("env/pyvenv.cfg", file(1)),
        ("env/lib/x.py", file(1)),
        (".git/hook.py", file(1)),
        ("x/__pycache__/a.py", file(1)),
        ("a.txt", file(1)),
        (".py", file(1)),
        ("a.py", file(1)),
    ];
    let entries = entries.map(|(path, kind)| Entry {
        path: path.to_owned(),
        kind,
    });
    let told = Told(entries.to_vec());
    let index = Repository::index(&told, None, &Cancel::new(), &mut |_| {})
        .unwrap()
        .unwrap();
    let skipped: Vec<String> = index
        .skipped()
        .iter()
        .map(|skipped| format!("{}: {}", skipped.path, skipped.reason))
        .collect();
    assert_eq!(
        skipped,
        [
            "bad.py: cannot be read: no permission",
            "big.py: 5242880 bytes: generated, or data",
            "deep.py: nested too deeply",
            "env: a virtual environment",
            "link.py: a symbolic link",
            "nul.py: no text",
            "sub: a submodule",
        ]
    );
    assert_eq!(index.file_count(), 1);
}

#[test]
fn cancelling_ends_it() {
    let files = memory("def f(): pass\n");
    let cancel = Cancel::new();
    cancel.cancel();
    let index = Repository::index(&files, None, &cancel, &mut |_| {}).unwrap();
    assert!(index.is_none());
    assert!(indexed(&files).calls(&cancel).is_none());
}

#[test]
fn what_cannot_be_listed_is_an_error() {
    struct None;
    impl Files for None {
        fn entries(&self) -> Result<Vec<Entry>, String> {
            Err("gone".to_owned())
        }

        fn read(&self, _: &str) -> Result<Vec<u8>, String> {
            Err("gone".to_owned())
        }
    }
    let index = Repository::index(&None, Option::None, &Cancel::new(), &mut |_| {});
    assert_eq!(index.unwrap_err(), "gone");
}
