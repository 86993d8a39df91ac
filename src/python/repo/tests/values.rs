//! Methods, attributes and the types of values.

use super::check;

const A: &str = "class A:\n    def f(self): pass\n";

/// Checks calls below a class `A` with a method `f`.
#[track_caller]
fn with_a(text: &str, expected: &str) {
    check(&format!("{A}{text}"), expected);
}

#[test]
fn methods() {
    check(
        "class A:\n    def f(self): self.g()\n    def g(self): pass\n    @classmethod\n    def c(cls):\n        cls.g()\n        cls()\n    @staticmethod\n    def s(self): self.g()\n",
        "A.f g A.g\nA.c classmethod -\nA.c g A.g\nA.c cls A\nA.s staticmethod -\nA.s g -",
    );
    check(
        "class A:\n    def f(this): this.g()\n    def g(self): pass\n    def h(self):\n        def k(): self.g()\n        return lambda: self.g()\n",
        "A.f g A.g\nA.h.k g A.g\nA.h g A.g",
    );
    with_a("A.f(1)\nA().f()\nA.g()\n", ". f A.f\n. A A\n. f A.f\n. g -");
}

#[test]
fn descent() {
    let base = "class A:\n    def f(self): pass\n    def g(self): pass\nclass B(A):\n    def f(self):\n        super().f()\n        self.g()\n";
    check(base, "B.f super -\nB.f f A.f\nB.f g A.g");
    check(
        "class A:\n    def f(self): pass\nclass B(A): pass\nclass C(A):\n    def f(self): pass\nclass D(B, C):\n    def g(self): self.f()\n    def h(self): super(D, self).f()\n",
        "D.g f C.f\nD.h super -\nD.h f C.f",
    );
    // what a class that is not here may hold
    check(
        "import x\nclass A:\n    def f(self): pass\nclass B(x.Y, A):\n    def g(self): self.f()\nclass C(A, x.Y):\n    def g(self): self.f()\n",
        "B.g f A.f ~\nC.g f A.f",
    );
    check(
        "class A(B):\n    def f(self): self.g()\nclass B(A):\n    def f(self): self.h()\n",
        "A.f g -\nB.f h -",
    );
    check("class A(A):\n    def f(self): self.g()\n", "A.f g -");
    check(
        "from b import B\nclass A(B):\n    def f(self): self.g()\n== b.py\nclass B:\n    def g(self): pass\n",
        "A.f g b.py:B.g",
    );
}

#[test]
fn instances() {
    with_a("a = A()\na.f()\na.g()\n", ". A A\n. f A.f\n. g -");
    with_a(
        "def g(a: A, b: 'A', c: A | None, *d: A, e=A()):\n    a.f()\n    b.f()\n    c.f()\n    d.f()\n    e.f()\n",
        ". A A\ng f A.f\ng f A.f\ng f A.f ~\ng f -\ng f A.f ~",
    );
    with_a(
        "from typing import Optional, List, Dict\ndef g(a: Optional[A], b: List[A], c: Dict[str, A]):\n    a.f()\n    b.f()\n    b[0].f()\n    c['x'].f()\n    for x in b: x.f()\n    for k, v in c.items(): v.f()\n    for x in c: x.f()\n",
        "g f A.f\ng f -\ng f A.f\ng f A.f\ng f A.f\ng items -\ng f A.f\ng f -",
    );
    with_a("def g(a): a.f()\n", "g f -");
    with_a("a: A\na.f()\n", ". f A.f");
    with_a(
        "a = b = A()\nb.f()\n(c, d), e = (1, A()), 2\nd.f()\ne.f()\n",
        ". A A\n. f A.f\n. A A\n. f A.f\n. f -",
    );
    with_a(
        "a = [A() for x in y]\na[0].f()\nfor b in a: b.f()\n",
        ". A A\n. f A.f\n. f A.f",
    );
    with_a("a = x or A()\na.f()\n", ". A A\n. f A.f ~");
    with_a(
        "type(A()).f(1)\nA().__class__.f(1)\n",
        ". type -\n. A A\n. f A.f\n. A A\n. f A.f",
    );
}

#[test]
fn aliases_of_types() {
    with_a(
        "from typing import Dict, Optional, Union\nB = Union[str, 'A']\nC = Optional['B']\nD = Dict[str, 'A']\ndef g(b: B, c: C, d: D):\n    b.f()\n    c.f()\n    d['x'].f()\n",
        "g f A.f ~\ng f A.f ~\ng f A.f ~",
    );
    check(
        "class Text:\n    def f(self): pass\nB: TypeAlias = bytes | Text\nC = Text | str\nD = Text | None\ntype E = Text\ndef g(b: B, c: C, d: D, e: E):\n    b.f()\n    c.f()\n    d.f()\n    e.f()\n",
        "g f Text.f ~\ng f Text.f ~\ng f Text.f ~\ng f Text.f",
    );
    // a key is no type, flags are no types
    with_a(
        "b = {'A': 1}\nb['A'].f()\nc = A.X | A.Y\nc.f()\n",
        ". f -\n. f -",
    );
}

#[test]
fn super_calls() {
    // of a class method, of the constructor, of a property, and by the class's own name
    check(
        "class A:\n    def __init__(self): pass\n    @classmethod\n    def c(cls): pass\n    @property\n    def p(self): pass\n    def f(self): pass\nclass B(A):\n    def __init__(self): super().__init__()\n    @classmethod\n    def c(cls): super().c()\n    def f(self):\n        A.f(self)\n        super(B, self).f()\n        [super().f for x in y]\n",
        "A.c classmethod -
         A.p property -
         B.__init__ super -
         B.__init__ __init__ A.__init__
         B.c classmethod -
         B.c super -
         B.c c A.c
         B.f f A.f
         B.f super -
         B.f f A.f
         B.f super -",
    );
    // outside of classes there is none
    check("def f(): super().f()\n", "f super -\nf f -");
}

#[test]
fn queues() {
    with_a(
        "from collections import deque\ndef g():\n    todo = deque([A()])\n    todo.popleft().f()\n    for a in todo: a.f()\n",
        "g deque -\ng A A\ng popleft -\ng f A.f\ng f A.f",
    );
}

#[test]
fn attributes() {
    with_a(
        "class B:\n    c = A()\n    d: A\n    def __init__(self, x: A, y):\n        self.a = A()\n        self.x = x\n        self.y = y\n        self.z: A = y\n    def g(self):\n        self.a.f()\n        self.c.f()\n        self.d.f()\n        self.x.f()\n        self.y.f()\n        self.z.f()\ndef h(b: B): b.a.f()\n",
        "B A A\nB.__init__ A A\nB.g f A.f\nB.g f A.f\nB.g f A.f\nB.g f A.f\nB.g f -\nB.g f A.f\nh f A.f",
    );
    // what the instance is given hides what the class has, but for a declared type
    with_a(
        "class B:\n    a: A\n    b = A()\n    def __init__(self, x):\n        self.a = self.b = self.m = x\n    def m(self): pass\n    def g(self):\n        self.a.f()\n        self.b.f()\n        self.m()\nclass C(B):\n    def g(self): self.m()\n",
        "B A A\nB.g f A.f\nB.g f A.f ~\nB.g m B.m ~\nC.g m B.m ~",
    );
    // an attribute of the base
    with_a(
        "class B:\n    def __init__(self): self.a = A()\nclass C(B):\n    def g(self): self.a.f()\n",
        "B.__init__ A A\nC.g f A.f",
    );
    with_a(
        "class B:\n    def set(self, a=None):\n        self.a = a\n        if a is None:\n            self.a = A()\n    def g(self): self.a.f()\n",
        "B.set A A\nB.g f A.f ~",
    );
}

#[test]
fn returned_values() {
    with_a("def g() -> A: ...\ng().f()\n", ". g g\n. f A.f");
    with_a(
        "def g(): return A()\ng().f()\nx = g()\nx.f()\n",
        "g A A\n. g g\n. f A.f\n. g g\n. f A.f",
    );
    with_a(
        "def g():\n    if x: return None\n    return A()\ng().f()\n",
        "g A A\n. g g\n. f A.f ~",
    );
    with_a(
        "@unknown\ndef g(): return A()\ng().f()\n",
        "g unknown -\ng A A\n. g g\n. f -",
    );
    with_a(
        "@unknown\ndef g() -> A: return h()\ng().f()\n",
        "g unknown -\ng h -\n. g g\n. f A.f",
    );
    with_a(
        "async def g(): return A()\nasync def h():\n    (await g()).f()\n    g().f()\n",
        "g A A\nh g g\nh f A.f\nh g g\nh f -",
    );
    with_a(
        "def g():\n    yield A()\nfor x in g(): x.f()\ng().f()\n",
        "g A A\n. g g\n. f A.f\n. g g\n. f -",
    );
    check(
        "class A:\n    def me(self): return self\n    @classmethod\n    def make(cls): return cls()\n    def new(self) -> 'Self': ...\nclass B(A):\n    def f(self): pass\nB().me().f()\nB.make().f()\nB().new().f()\n",
        "A.make classmethod -\nA.make cls A\n. B B\n. me A.me\n. f B.f\n. make A.make\n. f B.f\n. B B\n. new A.new\n. f B.f",
    );
    check("def f(): return f()\nf().g()\n", "f f f\n. f f\n. g -");
}

#[test]
fn properties() {
    check(
        "class A:\n    def f(self): pass\nclass B:\n    @property\n    def a(self): return A()\n    @a.setter\n    def a(self, x): pass\n    @property\n    def b(self) -> A: ...\n    @cached_property\n    def c(self): return A()\n    def g(self):\n        self.a.f()\n        self.b.f()\n        self.c.f()\n        self.a()\n",
        "B.a property -
         B.a A A
         B.a setter -
         B.b property -
         B.c cached_property -
         B.c A A
         B.g f A.f
         B.g f A.f
         B.g f A.f
         B.g a B.a",
    );
}

#[test]
fn contexts() {
    check(
        "class A:\n    def f(self): pass\n    def __enter__(self): return self\nwith A() as a, open() as b:\n    a.f()\n    b.f()\n",
        ". A A\n. open -\n. f A.f\n. f -",
    );
    with_a(
        "@contextmanager\ndef g():\n    yield A()\nwith g() as a: a.f()\ng().f()\n",
        "g contextmanager -\ng A A\n. g g\n. f A.f\n. g g\n. f -",
    );
    with_a("with A() as a: a.f()\n", ". A A\n. f -");
}

#[test]
fn narrowed_names() {
    with_a(
        "def g(x):\n    if isinstance(x, A):\n        x.f()\n    x.f()\n",
        "g isinstance -\ng f A.f\ng f -",
    );
    with_a(
        "def g(x):\n    assert isinstance(x, A)\n    x.f()\n",
        "g isinstance -\ng f A.f",
    );
    with_a(
        "try:\n    x()\nexcept A as e:\n    e.f()\nexcept (A, B) as e:\n    e.f()\n",
        ". x -\n. f A.f\n. f A.f ~",
    );
    with_a(
        "match x:\n    case A() as y:\n        y.f()\n    case y:\n        y.f()\n",
        ". f A.f\n. f -",
    );
}

#[test]
fn iterators() {
    check(
        "class A:\n    def f(self): pass\nclass B:\n    def __iter__(self): return self\n    def __next__(self): return A()\n    def __getitem__(self, ix): return A()\nfor a in B(): a.f()\nB()[0].f()\nnext(iter(B())).g()\n",
        "B.__next__ A A\nB.__getitem__ A A\n. B B\n. f A.f\n. B B\n. f A.f\n. next -\n. iter -\n. B B\n. g -",
    );
    with_a(
        "for i, a in enumerate([A()]): a.f()\n",
        ". enumerate -\n. A A\n. f A.f",
    );
    with_a(
        "a = {'x': A()}\na['x'].f()\na.get('x').f()\nfor b in a.values(): b.f()\nfor b in a: b.f()\n",
        ". A A\n. f A.f\n. get -\n. f A.f\n. values -\n. f A.f\n. f -",
    );
}

#[test]
fn what_is_not_known_stays_unresolved() {
    with_a(
        "def g(x):\n    x.f()\n    x()()\n    x.y.z.f()\n    getattr(x, 'f')()\n    x[0].f()\n",
        "g f -\ng x -\ng f -\ng getattr -\ng f -",
    );
    with_a("import m2\nm2.f()\nm2.A().f()\n", ". f -\n. A -\n. f -");
    with_a("a = A\na = unknown()\na.f()\n", ". unknown -\n. f -");
    with_a("class B: pass\nB().f()\n", ". B B\n. f -");
}
