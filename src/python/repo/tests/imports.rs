//! Imports.

use super::check;

#[test]
fn absolute_imports() {
    check(
        "import p.a\nimport p.a as q\nfrom p import a\nfrom p.a import f as g\np.a.f()\nq.f()\na.f()\ng()\np.b.f()\n\
         == p/__init__.py\n== p/a.py\ndef f(): pass\n",
        ". f p/a.py:f\n. f p/a.py:f\n. f p/a.py:f\n. g p/a.py:f\n. f -",
    );
    check(
        "import os\nos.getcwd()\nfrom os import path\npath.join()\n",
        ". getcwd -\n. join -",
    );
    check(
        "import p.none\np.none.f()\np.f()\n== p/__init__.py\ndef f(): pass\n",
        ". f -\n. f p/__init__.py:f",
    );
}

#[test]
fn relative_imports() {
    let files = "== p/__init__.py\nfrom .a import f\nfrom . import a\nf()\na.f()\n== p/a.py\ndef f(): pass\n\
                 == p/q/__init__.py\n== p/q/b.py\nfrom ..a import f\nfrom .. import a, f as g\nfrom . import c\nf()\na.f()\ng()\nc.h()\n\
                 == p/q/c.py\nfrom .... import a\ndef h(): a.f()\n";
    check(
        files,
        "p/__init__.py . f p/a.py:f
         p/__init__.py . f p/a.py:f
         p/q/b.py . f p/a.py:f
         p/q/b.py . f p/a.py:f
         p/q/b.py . g p/a.py:f
         p/q/b.py . h p/q/c.py:h
         p/q/c.py h f -",
    );
}

#[test]
fn star_imports() {
    check(
        "from p import *\nf()\n_g()\nh()\n== p/__init__.py\nfrom .a import *\nfrom .b import *\n\
         == p/a.py\ndef f(): pass\ndef _g(): pass\n== p/b.py\n__all__ = ['_g']\ndef _g(): pass\ndef h(): pass\n",
        ". f p/a.py:f\n. _g -\n. h -",
    );
    check(
        "from p import *\nf()\ng()\nh()\nk()\n\
         == p.py\n__all__ = ['f']\n__all__ += ('g',)\n__all__.extend(['h'])\ndef f(): pass\ndef g(): pass\ndef h(): pass\ndef k(): pass\n",
        ". f p.py:f\n. g p.py:g\n. h p.py:h\n. k -\np.py . extend -",
    );
    check(
        "from p import *\nf()\n== p.py\nimport q\n__all__ = q.__all__ + ['x']\ndef f(): pass\n",
        ". f p.py:f",
    );
    // from one that is not here, too
    check(
        "from p import *\nfrom x import *\nf()\n== p.py\ndef f(): pass\n",
        ". f p.py:f ~",
    );
    // modules that take each other's names
    check(
        "from p import *\nf()\ng()\n== p.py\nfrom q import *\ndef f(): pass\n== q.py\nfrom p import *\n",
        ". f p.py:f\n. g -",
    );
}

#[test]
fn imports_in_circles() {
    check(
        "from p import f, g\nf()\ng()\n== p.py\nfrom q import f\nfrom q import g\n== q.py\nfrom p import f\ndef g(): pass\n",
        ". f -\n. g q.py:g",
    );
}

#[test]
fn alternatives() {
    check(
        "try:\n    from json import loads\nexcept ImportError:\n    from p import loads\nloads()\n== p.py\ndef loads(): pass\n",
        ". loads p.py:loads ~",
    );
    check(
        "try:\n    from a import f\nexcept ImportError:\n    from b import f\nf()\n== a.py\ndef f(): pass\n== b.py\ndef f(): pass\n",
        ". f b.py:f a.py:f ~",
    );
    check(
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from a import A\ndef g(x: 'A'): x.f()\n\
         == a.py\nclass A:\n    def f(self): pass\n",
        "g f a.py:A.f",
    );
}

#[test]
fn imports_for_type_checkers() {
    // the checker's branch tells what a name is; that it is another when it runs makes it unsure
    check(
        "import typing as t\nif t.TYPE_CHECKING:\n    import p\n    from p import A\nelse:\n    A = object\ndef g(x: p.A, y: 'A'):\n    x.f()\n    y.f()\n\
         == p.py\nclass A:\n    def f(self): pass\n",
        "g f p.py:A.f\ng f p.py:A.f ~",
    );
}

#[test]
fn imports_within_functions() {
    check(
        "def g():\n    from p import f as h\n    import p\n    h()\n    p.f()\ndef k(): h()\n== p.py\ndef f(): pass\n",
        "g h p.py:f\ng f p.py:f\nk h -",
    );
}

#[test]
fn re_exports() {
    check(
        "import p\nfrom p import f\np.f()\nf()\np.A().m()\n\
         == p/__init__.py\nfrom ._impl import f, A as A\n== p/_impl.py\nfrom .deep import f\nclass A:\n    def m(self): pass\n\
         == p/deep.py\ndef f(): pass\n",
        ". f p/deep.py:f\n. f p/deep.py:f\n. A p/_impl.py:A\n. m p/_impl.py:A.m",
    );
    // a name of the package hides its module
    check(
        "from p import a\na()\n== p/__init__.py\nfrom .a import a\n== p/a.py\ndef a(): pass\n",
        ". a p/a.py:a",
    );
}
