//! The examples of docstrings, as calls of whatever implements the function.

use std::collections::HashSet;

use ruff_python_ast::Expr;
use ruff_python_ast::Stmt;
use ruff_python_ast::visitor::Visitor;
use ruff_python_ast::visitor::walk_expr;
use ruff_text_size::Ranged as _;

use crate::python::scope::bound;
use crate::python::scope::taken;
use crate::python::tree::with_module;
use crate::tasks::func_gen::Target;
use crate::tasks::func_gen::module::Closure;
use crate::tasks::func_gen::module::Module;
use crate::tasks::func_gen::module::Need;
use crate::tasks::func_gen::nature::Nature;
use crate::tasks::func_gen::nature::nature;
use crate::tasks::func_gen::script::METHOD;
use crate::tasks::func_gen::script::SEE;

/// How many examples of a docstring are read.
const MOST_EXAMPLES: usize = 60;
/// How long an example may be.
const MOST_BYTES: usize = 2_000;

/// A piece of a test: statements that call an implementation and say what they saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Case {
    /// Without an indent.
    pub(super) lines: Vec<String>,
}

/// A statement of an example.
struct Example {
    /// As it calls whatever implements the function.
    text: String,
    is_expression: bool,
    /// It calls the function.
    is_call: bool,
    needs: Vec<Need>,
    binds: Vec<String>,
    /// Where it imports: what, under which name.
    imports: Vec<(String, String)>,
}

/// The cases that a docstring's examples make, with what they need of the module. An example that needs nothing of those
/// before it is a case by itself; all others make one together. What needs anything that cannot be had is left out, and
/// so is what builds on it.
pub(super) fn cases(
    docstring: &str,
    target: &Target<'_>,
    module: &Module<'_>,
) -> (Vec<Case>, Closure) {
    let mut session = Session::default();
    for example in examples(docstring) {
        let statements = with_module(&example, |tree| {
            let read = |statement: &Stmt| read(&example, statement, target);
            tree.body.iter().map(read).collect::<Vec<_>>()
        });
        for statement in statements.into_iter().flatten() {
            match statement {
                Some(statement) => session.add(statement, target, module),
                // what it would have bound is not known
                None => return session.finish(),
            }
        }
    }
    session.finish()
}

/// The sources of a docstring's examples.
fn examples(docstring: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut is_open = false;
    for line in docstring.lines() {
        let line = line.trim_start();
        if let Some(source) = prompted(line, ">>>") {
            if found.len() == MOST_EXAMPLES {
                break;
            }
            found.push(source.to_owned());
            is_open = true;
        } else if let Some(source) = prompted(line, "...").filter(|_| is_open) {
            if let Some(last) = found.last_mut() {
                last.push('\n');
                last.push_str(source);
            }
        } else {
            is_open = false;
        }
    }
    let is_skipped = |source: &str| source.contains("doctest:") && source.contains("SKIP");
    found.retain(|source| source.len() <= MOST_BYTES && !is_skipped(source));
    found
}

fn prompted<'a>(line: &'a str, prompt: &str) -> Option<&'a str> {
    let rest = line.strip_prefix(prompt)?;
    match rest.strip_prefix(' ') {
        Some(source) => Some(source),
        None => rest.is_empty().then_some(rest),
    }
}

/// `None` for what cannot be written elsewhere.
fn read(source: &str, statement: &Stmt, target: &Target<'_>) -> Option<Example> {
    let expression = match statement {
        Stmt::Expr(node) => Some(&*node.value),
        _ => None,
    };
    let range = match expression {
        Some(value) => value.range(),
        None => statement.range(),
    };
    let (start, end) = (range.start().to_usize(), range.end().to_usize());
    let taken = taken(statement);
    let mut methods = Methods {
        name: target.method.unwrap_or_default(),
        found: Vec::new(),
    };
    methods.visit_stmt(statement);
    let text = rewritten(source, start..end, &methods.found)?;
    let is_call = match target.method {
        Some(_) => !methods.found.is_empty(),
        None => taken.uses.iter().any(|found| found.name == target.name),
    };
    // lines get another indent, which strings must not
    let is_movable = expression.is_some() || !text.contains('\n') || !has_long_string(&text);
    let needs = taken.uses.iter().map(|found| Need {
        name: found.name.to_owned(),
        attributes: found.attributes.clone(),
    });
    is_movable.then(|| Example {
        is_expression: expression.is_some(),
        is_call,
        needs: needs.collect(),
        binds: bound(std::slice::from_ref(statement))
            .into_iter()
            .map(str::to_owned)
            .collect(),
        imports: taken
            .imports
            .iter()
            .map(|import| (import.bound.to_owned(), import.origin.clone()))
            .collect(),
        text,
    })
}

fn has_long_string(text: &str) -> bool {
    text.contains("'''") || text.contains("\"\"\"") || text.contains("\\\n")
}

/// Where a method of a name is taken of something: the whole expression's first byte, the end of what it is taken of, and
/// the end of it all.
struct Methods<'t> {
    name: &'t str,
    found: Vec<(usize, usize, usize)>,
}

impl<'a> Visitor<'a> for Methods<'_> {
    fn visit_expr(&mut self, expr: &'a Expr) {
        if let Expr::Attribute(node) = expr
            && node.attr.as_str() == self.name
        {
            self.found.push((
                expr.range().start().to_usize(),
                node.value.range().end().to_usize(),
                expr.range().end().to_usize(),
            ));
        }
        walk_expr(self, expr);
    }
}

/// A piece of a source in which each of some methods is taken by the name that the case is given.
fn rewritten(
    source: &str,
    range: std::ops::Range<usize>,
    methods: &[(usize, usize, usize)],
) -> Option<String> {
    let mut edits: Vec<(usize, usize, String)> = Vec::new();
    for (start, value_end, end) in methods {
        let between = source.get(*value_end..*end)?;
        let dot = value_end + between.rfind('.')?;
        edits.push((*start, *start, "getattr(".to_owned()));
        edits.push((dot, *end, format!(", {METHOD})")));
    }
    edits.sort_by_key(|edit| edit.0);
    let mut text = String::new();
    let mut at = range.start;
    for (start, end, new) in edits {
        text.push_str(source.get(at..start)?);
        text.push_str(&new);
        at = end;
    }
    text.push_str(source.get(at..range.end)?);
    Some(text)
}

/// What the examples have come to.
#[derive(Default)]
struct Session {
    alone: Vec<Case>,
    lines: Vec<String>,
    /// The session calls the function.
    is_call: bool,
    known: HashSet<String>,
    /// Names that stand for what cannot be had.
    broken: HashSet<String>,
    needs_alone: Closure,
    needs_together: Closure,
}

impl Session {
    fn add(&mut self, example: Example, target: &Target<'_>, module: &Module<'_>) {
        let imports = &example.imports;
        if !imports.is_empty() && example.text.starts_with(['i', 'f']) && !example.is_expression {
            let is_pure = |(_, origin): &(String, String)| nature(origin) == Nature::Pure;
            let is_own = |(name, _): &(String, String)| module.binds(name);
            if !imports.iter().all(is_pure) && imports.iter().all(is_own) {
                // from this module, or from one that gives its names on
                return;
            }
        }
        let Ok(closure) = self.closure_of(&example, target, module) else {
            self.known.retain(|name| !example.binds.contains(name));
            self.broken.extend(example.binds);
            return;
        };
        let builds_on = |need: &Need| self.known.contains(&need.name);
        if example.is_expression && !example.needs.iter().any(builds_on) && example.binds.is_empty()
        {
            if example.is_call {
                self.needs_alone.extend(closure);
                self.alone.push(Case {
                    lines: vec![format!("{SEE}({})", example.text)],
                });
            }
            return;
        }
        self.needs_together.extend(closure);
        self.is_call |= example.is_call;
        if example.is_expression {
            self.lines.push(format!("{SEE}({})", example.text));
        } else {
            self.lines.extend(example.text.lines().map(str::to_owned));
        }
        self.broken.retain(|name| !example.binds.contains(name));
        self.known.extend(example.binds);
    }

    fn closure_of(
        &self,
        example: &Example,
        target: &Target<'_>,
        module: &Module<'_>,
    ) -> Result<Closure, ()> {
        let mut closure = Closure::default();
        if example.text.starts_with("global ") || example.text.contains(SEE) {
            return Err(());
        }
        for (_, origin) in &example.imports {
            if nature(origin) != Nature::Pure {
                return Err(());
            }
        }
        for need in &example.needs {
            if self.broken.contains(&need.name) {
                return Err(());
            }
            let is_given = target.method.is_none() && need.name == target.name;
            if !is_given && !self.known.contains(&need.name) {
                closure.extend(module.closure_of(need).map_err(drop)?);
            }
        }
        Ok(closure)
    }

    fn finish(self) -> (Vec<Case>, Closure) {
        let Self {
            mut alone,
            lines,
            is_call,
            needs_alone: mut closure,
            needs_together,
            ..
        } = self;
        if is_call {
            closure.extend(needs_together);
            alone.push(Case { lines });
        }
        (alone, closure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(source: &str, name: &str, method: Option<&str>, docstring: &str, want: &str) {
        let shown = with_module(source, |tree| {
            let module = Module::new(source, tree);
            let (cases, closure) = cases(docstring, &Target { name, method }, &module);
            let mut shown: Vec<String> = cases.iter().map(|case| case.lines.join("\n")).collect();
            shown.push(format!("{:?}", closure.parts));
            shown.join("\n--\n")
        });
        assert_eq!(shown.unwrap(), want, "{docstring}");
    }

    #[test]
    fn examples_by_themselves_and_together() {
        check(
            "def f(x): return x\ndef g(): pass\nimport random\nimport numpy\n",
            "f",
            None,
            "Text.\n\n    >>> f(1)\n    1\n    >>> list(f(g())\n    ...      )\n    >>> print(f(2))  # why\n\n    >>> from m import f\n    >>> xs = [3]\n    >>> f(xs)\n    3\n    >>> f(random.random())\n    >>> g()\n    >>> y = numpy.a\n    >>> f(y)\n    >>> f(4) # doctest: +SKIP\n    >>> for i in f(xs):\n    ...     print(i)\n    >>>\n",
            "_see(f(1))\n--\n_see(list(f(g())\n     ))\n--\n_see(print(f(2)))\n--\nxs = [3]\n_see(f(xs))\nfor i in f(xs):\n    print(i)\n--\n{1}",
        );
    }

    #[test]
    fn what_cannot_be_had_is_left_out_with_what_builds_on_it() {
        check(
            "def f(x): return x\n",
            "f",
            None,
            ">>> import pandas as pd\n>>> import math\n>>> a = pd.x\n>>> f(a)\n>>> f(math.pi)\n>>> a = 1\n>>> f(a)\n>>> f(open('x'))\n>>> f(\n>>> s = '''a\n... b'''\n>>> f(5)\n",
            "import math\n_see(f(math.pi))\na = 1\n_see(f(a))\n--\n{}",
        );
        check(
            "def f(x): return x\n",
            "f",
            None,
            "f(1)\n... f(2)\n>>>f(3)\n>>> g(4)\n",
            "{}",
        );
    }

    #[test]
    fn methods_are_taken_by_name() {
        check(
            "class A:\n    def m(self): pass\n",
            "A",
            Some("m"),
            ">>> A(1).m(2).m()\n>>> a = A(1)\n>>> (a if 1 else\n...  a) .m(a.m)\n>>> a.n\n",
            "_see(getattr(getattr(A(1), _method)(2), _method)())\n--\na = A(1)\n_see(getattr((a if 1 else\n a) , _method)(getattr(a, _method)))\n_see(a.n)\n--\n{0}",
        );
    }
}
