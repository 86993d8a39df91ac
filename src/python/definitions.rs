//! Where a function stands in a file, found and cut as the paper's harness does it with Python's `ast` module.
//!
//! The order of that search shows in the result where a name is defined more than once, so that it is kept: module
//! level first, then breadth first with an `elif` one level below its `if`, as `ast` nests them.

use std::collections::VecDeque;

use ruff_python_ast::ElifElseClause;
use ruff_python_ast::ExceptHandler;
use ruff_python_ast::MatchCase;
use ruff_python_ast::Stmt;
use ruff_python_ast::StmtFunctionDef;
use ruff_python_parser::parse_module;
use ruff_text_size::Ranged as _;

use crate::python::Place;
use crate::python::Source;
use crate::python::tree::with_stack;

/// The parser counts bytes in 32 bits.
const MOST_BYTES: usize = 1 << 30;

/// Cuts the text of a function out of a file: from its `def` or `async` line (decorators are not included) to its last
/// line, whole lines, without the last line's end. `name` is `f` or `Class.method`; a method is looked for in the
/// first class of that name that has it, anywhere in the file. `None` when the file does not parse or has no such
/// function.
pub fn function_text(source: &str, name: &str) -> Option<String> {
    if source.len() > MOST_BYTES {
        return None;
    }
    let text = Source::new(source, Place::WHOLE);
    with_stack(&text, || cut(source, name)).flatten()
}

/// A file with the body of a function replaced by `pass`, as the paper's harness makes the task of implementing it:
/// header and docstring stay. Line ends become `\n`, as Python's text files make them; the new line is indented like the
/// one that it stands before, whatever that is. `None` when the file does not parse or has no such function.
pub fn mask_function(source: &str, name: &str) -> Option<String> {
    if source.len() > MOST_BYTES {
        return None;
    }
    let source = source.replace("\r\n", "\n").replace('\r', "\n");
    let text = Source::new(&source, Place::WHOLE);
    with_stack(&text, || mask(&source, name)).flatten()
}

fn mask(source: &str, name: &str) -> Option<String> {
    let module = parse_module(source).ok()?.into_syntax();
    let function = find(&module.body, name)?;
    let first = line_ix(source, start_of(source, function));
    let end = line_ix(source, function.range().end().to_usize()) + 1;
    let lines: Vec<&str> = source.split('\n').collect();
    let below = lines.get(first..)?;
    let header = below.iter().position(|line| line.trim_end().ends_with(':'));
    let mut body = header.map_or(lines.len() + 1, |at| first + at + 1);
    if let Some(Stmt::Expr(docstring)) = function.body.first()
        && docstring.value.is_string_literal_expr()
    {
        body = line_ix(source, docstring.range().end().to_usize()) + 1;
    }
    let blanks = |line: &str| line.chars().count() - line.trim_start().chars().count();
    let indent = match lines.get(body) {
        Some(line) => blanks(line),
        None => lines.get(first).map_or(0, |line| blanks(line)) + 4,
    };
    let pass = format!(
        "{}pass  # TODO: Implement this function",
        " ".repeat(indent)
    );
    let head = lines.get(..body.min(lines.len()))?;
    let tail = lines.get(end..).unwrap_or_default();
    Some([head, &[pass.as_str()], tail].concat().join("\n"))
}

fn find<'a>(body: &'a [Stmt], name: &str) -> Option<&'a StmtFunctionDef> {
    match name.split_once('.') {
        Some((class, method)) => method_of(body, class, method),
        None => functions(body)
            .find(|function| function.name.as_str() == name)
            .or_else(|| function_anywhere(body, name)),
    }
}

fn cut(source: &str, name: &str) -> Option<String> {
    let module = parse_module(source).ok()?.into_syntax();
    let function = find(&module.body, name)?;
    let first = line_ix(source, start_of(source, function));
    let last = line_ix(source, function.range().end().to_usize());
    let lines = source
        .split('\n')
        .skip(first)
        .take((last + 1).saturating_sub(first));
    Some(lines.collect::<Vec<_>>().join("\n"))
}

fn functions(body: &[Stmt]) -> impl Iterator<Item = &StmtFunctionDef> {
    body.iter().filter_map(Stmt::as_function_def_stmt)
}

fn function_anywhere<'a>(body: &'a [Stmt], name: &str) -> Option<&'a StmtFunctionDef> {
    walk(body)
        .filter_map(Stmt::as_function_def_stmt)
        .find(|function| function.name.as_str() == name)
}

fn method_of<'a>(body: &'a [Stmt], class: &str, method: &str) -> Option<&'a StmtFunctionDef> {
    walk(body)
        .filter_map(Stmt::as_class_def_stmt)
        .filter(|found| found.name.as_str() == class)
        .find_map(|found| functions(&found.body).find(|function| function.name.as_str() == method))
}

/// The nodes of `ast` below which statements can stand.
#[derive(Clone, Copy)]
enum Node<'a> {
    Statement(&'a Stmt),
    /// What follows the body of an `if`; an `elif` begins a node of its own.
    Clauses(&'a [ElifElseClause]),
    Handler(&'a ExceptHandler),
    Case(&'a MatchCase),
}

/// All statements, breadth first.
fn walk(body: &[Stmt]) -> impl Iterator<Item = &Stmt> {
    let mut waiting: VecDeque<Node<'_>> = body.iter().map(Node::Statement).collect();
    std::iter::from_fn(move || {
        loop {
            let node = waiting.pop_front()?;
            add_children(node, &mut waiting);
            if let Node::Statement(statement) = node {
                return Some(statement);
            }
        }
    })
}

fn add_children<'a>(node: Node<'a>, to: &mut VecDeque<Node<'a>>) {
    let mut add = |body: &'a [Stmt]| to.extend(body.iter().map(Node::Statement));
    match node {
        Node::Statement(Stmt::FunctionDef(inner)) => add(&inner.body),
        Node::Statement(Stmt::ClassDef(inner)) => add(&inner.body),
        Node::Statement(Stmt::With(inner)) => add(&inner.body),
        Node::Statement(Stmt::For(inner)) => {
            add(&inner.body);
            add(&inner.orelse);
        }
        Node::Statement(Stmt::While(inner)) => {
            add(&inner.body);
            add(&inner.orelse);
        }
        Node::Statement(Stmt::If(inner)) => {
            add(&inner.body);
            add_else(&inner.elif_else_clauses, to);
        }
        Node::Statement(Stmt::Try(inner)) => {
            add(&inner.body);
            to.extend(inner.handlers.iter().map(Node::Handler));
            to.extend(inner.orelse.iter().map(Node::Statement));
            to.extend(inner.finalbody.iter().map(Node::Statement));
        }
        Node::Statement(Stmt::Match(inner)) => to.extend(inner.cases.iter().map(Node::Case)),
        Node::Statement(_) => {}
        Node::Clauses(clauses) => {
            if let Some((first, rest)) = clauses.split_first() {
                add(&first.body);
                add_else(rest, to);
            }
        }
        Node::Handler(ExceptHandler::ExceptHandler(handler)) => add(&handler.body),
        Node::Case(case) => add(&case.body),
    }
}

fn add_else<'a>(clauses: &'a [ElifElseClause], to: &mut VecDeque<Node<'a>>) {
    match clauses.first() {
        Some(clause) if clause.test.is_some() => to.push_back(Node::Clauses(clauses)),
        Some(clause) => to.extend(clause.body.iter().map(Node::Statement)),
        None => {}
    }
}

/// The byte at which `def` or `async` stands: the parser's range begins at the first decorator.
fn start_of(source: &str, function: &StmtFunctionDef) -> usize {
    let Some(decorator) = function.decorator_list.last() else {
        return function.range().start().to_usize();
    };
    let mut at = decorator.range().end().to_usize();
    let mut is_comment = false;
    let rest = source.as_bytes().get(at..).unwrap_or_default();
    for byte in rest {
        match byte {
            b'\n' | b'\r' => is_comment = false,
            b'#' => is_comment = true,
            b' ' | b'\t' | b'\x0c' | b'\\' => {}
            _ if is_comment => {}
            _ => break,
        }
        at += 1;
    }
    at
}

/// The line of a byte, from 0, as Python counts them: `\n`, `\r\n` and a lone `\r` end one.
fn line_ix(source: &str, offset: usize) -> usize {
    let bytes = source.as_bytes();
    let before = bytes.get(..offset).unwrap_or(bytes);
    let ends = before.iter().enumerate().filter(|(ix, byte)| match byte {
        b'\n' => true,
        b'\r' => bytes.get(ix + 1) != Some(&b'\n'),
        _ => false,
    });
    ends.count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(source: &str, name: &str, want: Option<&str>) {
        assert_eq!(function_text(source, name).as_deref(), want, "{source}");
    }

    #[test]
    fn a_function_from_def_to_its_last_line() {
        let plain = "import os\n\ndef f(x):\n    return (\n        x\n    )\n\ny = 1\n";
        check(
            plain,
            "f",
            Some("def f(x):\n    return (\n        x\n    )"),
        );
        check(plain, "g", None);
        check(
            "async  def f(): pass  # why\n",
            "f",
            Some("async  def f(): pass  # why"),
        );
        check("def f(:\n    pass\n", "f", None);
        check("", "f", None);
        // what follows the last statement on its line belongs to the line
        check(
            "def f():\n    x = 1; # c\n# d\n",
            "f",
            Some("def f():\n    x = 1; # c"),
        );
    }

    #[test]
    fn decorators_are_left_out() {
        let source = "@a  # def no\n@b(\n  1)\n# c\n\n\ndef f():\n    pass\n";
        check(source, "f", Some("def f():\n    pass"));
        check(
            "@a\nasync \\\n def f(): ...\n",
            "f",
            Some("async \\\n def f(): ..."),
        );
    }

    #[test]
    fn module_level_wins_then_breadth_first() {
        let nested = "class A:\n    def f(self): return 1\n\ndef g():\n    def f(): return 2\n";
        check(nested, "f", Some("    def f(self): return 1"));
        check(
            &format!("{nested}def f(): return 3\n"),
            "f",
            Some("def f(): return 3"),
        );
        // an `elif` stands one level deeper than an `else`
        let elif =
            "if a:\n    pass\nelif b:\n    def f(): return 1\nfor x in y:\n    def f(): return 2\n";
        check(elif, "f", Some("    def f(): return 2"));
        let or_else =
            "if a:\n    pass\nelse:\n    def f(): return 1\nfor x in y:\n    def f(): return 2\n";
        check(or_else, "f", Some("    def f(): return 1"));
        let handler =
            "try:\n    pass\nexcept E:\n    def f(): return 1\nfinally:\n    def f(): return 2\n";
        check(handler, "f", Some("    def f(): return 2"));
        let case = "match x:\n    case 1:\n        def f(): return 1\n";
        check(case, "f", Some("        def f(): return 1"));
    }

    #[test]
    fn methods_in_the_first_class_that_has_them() {
        let source = "class A:\n    def g(self): return 0\ndef h():\n    class A:\n        async def f(self): return 1\n";
        check(source, "A.f", Some("        async def f(self): return 1"));
        check(source, "A.g", Some("    def g(self): return 0"));
        check(source, "A.h", None);
        check(source, "B.f", None);
        // only the first dot divides
        check(source, "A.B.f", None);
    }

    #[test]
    fn lines_are_counted_as_python_counts_and_cut_at_line_feeds() {
        check(
            "x = 1\r\ndef f():\r\n    pass\r\n",
            "f",
            Some("def f():\r\n    pass\r"),
        );
        check(
            "x = '''\n\x0c'''\ndef f():\n    pass",
            "f",
            Some("def f():\n    pass"),
        );
        // a lone carriage return ends a line for the parser, but the file is cut at line feeds only
        check("x = 1\rdef f(): pass\ny = 2\n", "f", Some("y = 2"));
    }

    #[test]
    fn bodies_are_masked() {
        #[track_caller]
        fn check(source: &str, name: &str, want: Option<&str>) {
            assert_eq!(mask_function(source, name).as_deref(), want, "{source}");
        }
        const PASS: &str = "pass  # TODO: Implement this function";
        check(
            "@d\ndef f(\n    x,\n):\n    '''Doc.\n    '''\n    y = 1\n    return y\n\nz = 1\n",
            "f",
            Some(&format!(
                "@d\ndef f(\n    x,\n):\n    '''Doc.\n    '''\n    {PASS}\n\nz = 1\n"
            )),
        );
        check(
            "class A:\r\n  def f(self):\r\n      return 1\r\n",
            "A.f",
            Some(&format!("class A:\n  def f(self):\n      {PASS}\n")),
        );
        // an empty line gives its indent, which is none
        check(
            "def f():\n    'Doc.'\n\n    return 1\n",
            "f",
            Some(&format!("def f():\n    'Doc.'\n{PASS}\n")),
        );
        check(
            "def f():\n    'Doc.'",
            "f",
            Some(&format!("def f():\n    'Doc.'\n    {PASS}")),
        );
        check(
            "def f(): return 1",
            "f",
            Some(&format!("def f(): return 1\n    {PASS}")),
        );
        check("def f(:\n", "f", None);
        check("def f(): pass\n", "g", None);
    }

    #[test]
    fn no_depth_is_too_much() {
        let n = 50_000;
        for inner in [
            format!("{}1{}", "(".repeat(n), ")".repeat(n)),
            format!("{}1{}", "[".repeat(n), "]".repeat(n)),
            format!("{}1", "-".repeat(n)),
            format!("{}1", "not ".repeat(n)),
            format!("{}1", "lambda: ".repeat(n)),
            format!("1{}", "**1".repeat(n)),
            format!("a{}", "(b)".repeat(n)),
        ] {
            let source = format!("def f():\n    return {inner}\n");
            let cut = function_text(&source, "f");
            assert!(cut.is_none_or(|cut| cut == source.trim_end()));
        }
        let levels: Vec<String> = (0..5_000).map(|n| " ".repeat(n) + "if x:").collect();
        assert_eq!(function_text(&levels.join("\n"), "f"), None);
    }
}
