//! What statements take and bind.

use super::*;
use crate::python::tree::with_module;

/// What a text's statements take, then `|`, then what they bind.
#[track_caller]
fn check(text: &str, want: &str) {
    let got =
        with_module(text, |module| {
            let mut shown: Vec<String> = Vec::new();
            for statement in &module.body {
                let taken = taken(statement);
                for found in &taken.uses {
                    let mut word = found.name.to_owned();
                    if !found.attributes.is_empty() {
                        word = format!("{word}.{}", found.attributes);
                    }
                    if let Some(method) = found.method {
                        word = format!("{word}@{method}");
                    }
                    if found.is_annotation {
                        word.push('?');
                    }
                    shown.push(word);
                }
                shown.extend(taken.imports.iter().map(|import| {
                    format!("[{}: {} <- {}]", import.line, import.bound, import.origin)
                }));
            }
            shown.push("|".to_owned());
            shown.extend(bound(&module.body).into_iter().map(str::to_owned));
            shown.join(" ")
        });
    assert_eq!(got.unwrap(), want, "{text}");
}

#[test]
fn functions_have_their_own_names() {
    check(
        "def f(a, *b, c=D, **e):\n    return a + b + c + e + g(f)\n",
        "D g f | f",
    );
    check(
        "def f():\n    x = y\n    for y in z: pass\n    return os.path.join(x)\n",
        "z os.path.join | f",
    );
    check("def f():\n    global n\n    n = m\n", "n m | f");
    check(
        "def f():\n    def g(): return h(x)\n    x = 1\n    return g\n",
        "h | f",
    );
    check(
        "def f():\n    try: pass\n    except E as e: e\n    with a as b: b\n    if (c := d): c\n",
        "E a d | f",
    );
    check(
        "def f(x: T = 1) -> T:\n    y: T = x\n    return lambda z=u: z + x + w\n",
        "u w | f",
    );
    check("@d(k)\nasync def f(): pass\n", "d k | f");
    check("def f[T](x):\n    return T, U\n", "U | f");
    check(
        "def f(v):\n    match v:\n        case C(a=[b, *c]) | {1: d, **e} as g: return b, c, d, e, g, h\n",
        "C h | f",
    );
    check(
        "def f():\n    import os.path as p, re\n    from . import m as n\n    return p, re, n\n",
        "[import os.path as p: p <- os.path] [import re: re <- re] [from . import m as n: n <- .m] | f",
    );
}

#[test]
fn comprehensions_have_their_own_names() {
    check("x = [x for x in x if x]\n", "x | x");
    check("y = {a: b for a in c for b in a}\n", "c | y");
    check(
        "def f():\n    return [t for s in g if (u := s)], u, s, t\n",
        "g t s t | f",
    );
    check("z = (f'{q!r:>{w}}' for i in j)\n", "j q w | z");
}

#[test]
fn classes_have_names_of_their_body() {
    check(
        "class A(B, metaclass=M):\n    x = y\n    y = x\n    n: T = U\n    @p\n    def f(self, a=x): return x + self.y\n    class C:\n        def g(self): return w\n",
        "B M y U T? p x@f w | A",
    );
    check(
        "class A:\n    def f(self):\n        def g(): return h\n        return k.l.m\n",
        "h@f k.l.m@f | A",
    );
}

#[test]
fn modules_bind() {
    check(
        "import os.path, re as r\nfrom a.b import c as d, e\nfrom q import *\n",
        "[import os.path: os <- os] [import re as r: r <- re] [from a.b import c as d: d <- a.b.c] [from a.b import e: e <- a.b.e] [from q import *: * <- q.*] | os r d e",
    );
    check(
        "if t:\n    a = b = 1\nelse:\n    (c, [d, *e]) = f\n    g += h\n    i.j = k[l] = 1\n",
        "t f h i.j k l | a b c d e g",
    );
}
