//! What is known as bytes: the same answers, and none from bytes that are torn or changed.

use proptest::prelude::*;

use super::Memory;
use super::calls;
use super::indexed;
use super::memory;
use crate::cancel::Cancel;
use crate::python::repo::Known;
use crate::python::repo::Repository;

const TEXTS: &str = "from p import *\nimport p.a\n__all__ = ['g'] + p.__all__\n\
    def d(f):\n    'Doc.'\n    return f\n\
    @d\nasync def g(x: A, *y, z=None, **k) -> 'A':\n    with x as w:\n        await w.f()\n    raise E from x\n\
    class B(p.a.A, C):\n    @property\n    def q(self): return self\n    @q.setter\n    def q(self, x): self.r: A = x\n    def s(self):\n        for i, n in enumerate([A(), B()]):\n            yield n.f() or {'x': n}['x'] if i else [m for m in n]\n    @contextmanager\n    def t(cls): yield A()\n    @staticmethod\n    def u(): isinstance(v, A) and v.f()\n    @classmethod\n    def v(cls): cls().q.s()\n\
    try:\n    g()\nexcept A as e:\n    e.f()\n\
    def broken(:\n\
    == p/__init__.py\nfrom .a import A\n== p/a.py\nclass A:\n    def f(self): return lambda: self.f()\n";

fn again(files: &Memory, known: &Known) -> Repository {
    let index = Repository::index(files, Some(known), &Cancel::new(), &mut |_| {});
    index.unwrap().unwrap()
}

/// Everything that an index says.
fn told(repository: &Repository) -> String {
    let definitions = repository.definitions().map(|found| {
        let dependencies = repository.dependencies(found.id);
        format!("{found:?} {dependencies:?}\n")
    });
    calls(repository) + &definitions.collect::<String>()
}

#[test]
fn bytes_tell_what_was_known() {
    let files = memory(TEXTS);
    let first = indexed(&files);
    assert_eq!((first.file_count(), first.parsed_count()), (3, 3));
    let bytes = first.known().to_bytes();
    let known = Known::read(bytes.clone());
    assert_eq!(known.file_count(), 3);
    let second = again(&files, &known);
    assert_eq!(second.parsed_count(), 0);
    assert_eq!(told(&second), told(&first));
    // what was read and what was made have the same bytes
    assert_eq!(known.to_bytes(), bytes);
    assert_eq!(second.known().to_bytes(), bytes);
}

#[test]
fn changed_files_are_parsed() {
    let mut files = memory(TEXTS);
    let known = Known::read(indexed(&files).known().to_bytes());
    files
        .0
        .insert("p/a.py".to_owned(), b"class A:\n    f = 1\n".to_vec());
    let second = again(&files, &known);
    assert_eq!(second.parsed_count(), 1);
    assert_eq!(told(&second), told(&indexed(&files)));
}

#[test]
fn nothing_is_known_of_no_bytes() {
    let files = memory(TEXTS);
    let known = Known::read(Vec::new());
    assert_eq!(known.file_count(), 0);
    assert_eq!(told(&again(&files, &known)), told(&indexed(&files)));
    assert!(Repository::default().known().to_bytes().is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn torn_bytes_change_no_answer(end in 0..20_000_usize) {
        let files = memory(TEXTS);
        let whole = indexed(&files);
        let mut bytes = whole.known().to_bytes();
        bytes.truncate(end % (bytes.len() + 1));
        let second = again(&files, &Known::read(bytes));
        prop_assert_eq!(told(&second), told(&whole));
    }

    #[test]
    fn changed_bytes_change_no_answer(at in 0..20_000_usize, to in any::<u8>()) {
        let files = memory(TEXTS);
        let whole = indexed(&files);
        let mut bytes = whole.known().to_bytes();
        let at = at % bytes.len();
        bytes[at] = to;
        let second = again(&files, &Known::read(bytes));
        prop_assert_eq!(told(&second), told(&whole));
    }
}
