//! Syntax trees of whole texts: whether a text parses, and whether two trees are one but for docstrings.
//!
//! The parser's trees are walked, compared and dropped by recursion; how deep a text can nest is bounded before it is
//! parsed, and the stack is grown to fit.

use ruff_python_ast::Expr;
use ruff_python_ast::ModModule;
use ruff_python_ast::Stmt;
use ruff_python_ast::Suite;
use ruff_python_ast::comparable::ComparableStmt;
use ruff_python_ast::visitor::transformer::Transformer;
use ruff_python_ast::visitor::transformer::walk_stmt;
use ruff_python_parser::Mode;
use ruff_python_parser::ParseOptions;
use ruff_python_parser::parse_unchecked;

use crate::model::LineNo;
use crate::python::lex::TokenKind;
use crate::python::logical::Source;

/// Levels beyond which a text counts as nested too deeply. Python itself gives up far earlier.
const MAX_LEVELS: usize = 20_000;
/// Stack for one level, generous: unoptimised code takes a tenth of it.
const LEVEL_BYTES: usize = 12 << 10;
const BASE_BYTES: usize = 512 << 10;

/// Why a text does not parse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxFault {
    /// Where.
    pub line: LineNo,
    /// What, in the parser's words.
    pub what: String,
}

/// Parses a whole file.
///
/// # Errors
/// The first thing in it that is no Python 3, or that it is nested too deeply.
pub fn check(source: &Source<'_>) -> Result<(), SyntaxFault> {
    with_tree(source, |_| ())
}

/// Gives the tree of a whole file to `work`, with stack enough to walk it by recursion.
///
/// # Errors
/// The first thing in it that is no Python 3, or that it is nested too deeply.
pub fn with_module<R>(text: &str, work: impl FnOnce(&ModModule) -> R) -> Result<R, SyntaxFault> {
    with_tree(&Source::whole(text), work)
}

fn with_tree<R>(source: &Source<'_>, work: impl FnOnce(&ModModule) -> R) -> Result<R, SyntaxFault> {
    let fault = |line, what: &str| SyntaxFault {
        line: LineNo(line),
        what: what.to_owned(),
    };
    with_stack(source, || {
        let parsed = parse_unchecked(source.text(), ParseOptions::from(Mode::Module));
        match (parsed.errors().first(), parsed.syntax().as_module()) {
            (None, Some(module)) => Ok(work(module)),
            (None, None) => Err(fault(1, "no module")),
            (Some(error), _) => {
                let at = usize::from(error.location.start());
                let above = source.text().as_bytes().get(..at).unwrap_or_default();
                let line = memchr::memchr_iter(b'\n', above).count() + 1;
                Err(fault(line, &error.error.to_string()))
            }
        }
    })
    .unwrap_or_else(|| Err(fault(1, "nested too deeply")))
}

/// Whether two texts have the same tree once docstrings are dropped: false where the new one has none any more, `None`
/// where the old one has none. Pieces of files are parsed by themselves, in blocks as they need.
pub fn is_same_code(old: &Source<'_>, new: &Source<'_>) -> Option<bool> {
    if !old.may_have_tree() || !new.may_have_tree() {
        return None;
    }
    let headers = headers(old);
    let (old_text, new_text) = (headers.clone() + old.text(), headers + new.text());
    let deeper = if levels(old) > levels(new) { old } else { new };
    with_stack(deeper, || {
        let old = suite(&old_text, !old.place.is_start)?;
        let Some(new) = suite(&new_text, !new.place.is_start) else {
            return Some(false);
        };
        let is_same = old.len() == new.len()
            && old
                .iter()
                .zip(&new)
                .all(|(old, new)| ComparableStmt::from(old) == ComparableStmt::from(new));
        Some(is_same)
    })
    .flatten()
}

/// What a piece that begins indented has to stand below to be a module: a header for each block that it leaves. Empty
/// for whole files.
fn headers(source: &Source<'_>) -> String {
    let text = source.text();
    let mut blocks: Vec<(&str, &str)> = Vec::new();
    let mut lowest = usize::MAX;
    for line in &source.lines {
        let indent = text.get(line.indent.clone()).unwrap_or_default();
        if indent.len() < lowest {
            lowest = indent.len();
            blocks.push((indent, source.word(line.tokens.start)));
        }
    }
    let mut headers = String::new();
    if blocks.last().is_some_and(|(indent, _)| !indent.is_empty()) {
        headers.push_str("if x:\n");
    }
    // the first line stands in a block of each line that goes further left
    for (indent, word) in blocks.into_iter().skip(1).rev() {
        let header = match word {
            "except" | "finally" => "try:\n",
            "case" => "match x:\n",
            _ => "if x:\n",
        };
        headers.push_str(indent);
        headers.push_str(header);
    }
    headers
}

/// The statements of a text without docstrings; `None` where it does not parse. A piece of a file has no module
/// docstring.
fn suite(text: &str, is_piece: bool) -> Option<Suite> {
    let parsed = parse_unchecked(text, ParseOptions::from(Mode::Module));
    if !parsed.errors().is_empty() {
        return None;
    }
    let mut body = parsed.into_syntax().module()?.body;
    if !is_piece {
        drop_doc(&mut body);
    }
    WithoutDocs.visit_body(&mut body);
    Some(body)
}

fn drop_doc(body: &mut Suite) {
    let is_doc = |stmt: &Stmt| matches!(stmt, Stmt::Expr(stmt) if matches!(*stmt.value, Expr::StringLiteral(_)));
    if body.first().is_some_and(is_doc) {
        body.remove(0);
    }
}

/// Takes the docstrings out of all classes and functions.
struct WithoutDocs;

impl Transformer for WithoutDocs {
    fn visit_stmt(&self, stmt: &mut Stmt) {
        match stmt {
            Stmt::FunctionDef(function) => drop_doc(&mut function.body),
            Stmt::ClassDef(class) => drop_doc(&mut class.body),
            _ => {}
        }
        walk_stmt(self, stmt);
    }

    // no expression holds a statement
    fn visit_expr(&self, _: &mut Expr) {}
}

/// Runs `work` with stack enough for the trees of `source`; `None` where that is nested too deeply.
pub(super) fn with_stack<R>(source: &Source<'_>, work: impl FnOnce() -> R) -> Option<R> {
    let levels = levels(source);
    if levels > MAX_LEVELS {
        return None;
    }
    let bytes = BASE_BYTES + levels * LEVEL_BYTES;
    Some(stacker::maybe_grow(bytes, bytes, work))
}

/// How deep the tree of a text can be, at most: open blocks, and for each open bracket the tokens since its last
/// comma. What stands behind a comma nests in nothing that stands before it, but for the bodies of lambdas.
fn levels(source: &Source<'_>) -> usize {
    let mut blocks: Vec<usize> = Vec::new();
    let mut deepest = 0;
    for line in &source.lines {
        blocks.retain(|width| *width < line.indent.len());
        blocks.push(line.indent.len());
        let mut open = vec![Level::default()];
        let mut total = blocks.len();
        let mut was_string = false;
        for ix in line.tokens.clone() {
            let Some(token) = source.tokens.get(ix) else {
                break;
            };
            let is_string = matches!(token.kind, TokenKind::Str | TokenKind::OtherStr);
            let word = source.slice(token);
            let own = match word {
                "(" | "[" | "{" => {
                    open.push(Level::default());
                    1
                }
                ")" | "]" | "}" => {
                    if open.len() > 1
                        && let Some(level) = open.pop()
                    {
                        total -= level.tokens + level.lambdas;
                    }
                    1
                }
                "," | ";" => {
                    if let Some(level) = open.last_mut() {
                        total -= level.tokens;
                        level.tokens = 0;
                    }
                    0
                }
                "lambda" => {
                    if let Some(level) = open.last_mut() {
                        level.lambdas += 1;
                        total += 1;
                    }
                    0
                }
                _ if token.kind == TokenKind::OtherStr => 1 + levels_in_fields(word),
                _ => usize::from(!(is_string && was_string)),
            };
            was_string = is_string;
            if let Some(level) = open.last_mut() {
                level.tokens += own;
                total += own;
            }
            deepest = deepest.max(total);
        }
    }
    deepest
}

/// Inside one bracket: tokens since its last comma, and lambdas since it was opened.
#[derive(Default)]
struct Level {
    tokens: usize,
    lambdas: usize,
}

/// The same for the fields of an f-string, by its signs.
fn levels_in_fields(literal: &str) -> usize {
    let (mut depth, mut run, mut deepest) = (0_usize, 0, 0);
    for byte in literal.bytes() {
        match byte {
            b'{' => depth += 1,
            b'}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    run = 0;
                }
            }
            _ => {}
        }
        if depth > 0 && !byte.is_ascii_alphanumeric() {
            run += 1;
            deepest = deepest.max(run);
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::python::logical::Place;

    #[track_caller]
    fn same(old: &str, new: &str, expected: Option<bool>) {
        let answer = is_same_code(&Source::whole(old), &Source::whole(new));
        assert_eq!(answer, expected, "{old}\n---\n{new}");
    }

    #[test]
    fn trees_without_docstrings() {
        same("x = (1)\n", "x = 1\n", Some(true));
        same("'doc'\nx = 1\n", "x = 1\n", Some(true));
        same(
            "def f(): return 1\n",
            "def f():\n    'doc'\n    return 1\n",
            Some(true),
        );
        same(
            "def f():\n    x\n",
            "def f():\n    x\n    'no doc'\n",
            Some(false),
        );
        same(
            "def f():\n    x\n",
            "def f():\n    b'no doc'\n    x\n",
            Some(false),
        );
        same("def f(): pass\n", "def f(): 'doc'\n", Some(false));
        same("print 1\n", "print 1\n", None);
        same("x = 1\n", "x = = 1\n", Some(false));
        same(
            "class A:\n    def f():\n        async def g():\n            pass\n",
            "class A:\n    'a'\n    def f():\n        'b'\n        async def g():\n            r'c'\n            pass\n",
            Some(true),
        );
    }

    #[track_caller]
    fn same_piece(old: &str, new: &str, expected: Option<bool>) {
        let piece = |text| Source::new(text, Place::default());
        assert_eq!(
            is_same_code(&piece(old), &piece(new)),
            expected,
            "{old}\n---\n{new}"
        );
    }

    #[test]
    fn trees_of_pieces() {
        same_piece("    x = (1)\n", "    x = 1\n", Some(true));
        same_piece(
            "    x = (1)\nelse:\n    y\n",
            "    x = 1\nelse:\n    y\n",
            Some(true),
        );
        same_piece(
            "        x\n    except A:\n        y\nz\n",
            "        (x)\n    except A:\n        y\nz\n",
            Some(true),
        );
        same_piece(
            "    if a:\n        x\n        y\nz\n",
            "    if a:\n         x\n        y\nz\n",
            Some(false),
        );
        same_piece(
            "    if a:\n        x\n    y\n",
            "    if a:\n        x\n        y\n",
            Some(false),
        );
        same_piece("'a'\nx\n", "x\n", Some(false));
        same_piece("x)\ny\n", "x)\n(y)\n", None);
    }

    #[test]
    fn faults_name_their_line() {
        assert_eq!(check(&Source::whole("x = 1\n")), Ok(()));
        let fault = check(&Source::whole("x = 1\ny = = 2\n")).unwrap_err();
        assert_eq!(fault.line, LineNo(2));
    }

    /// Trees of any depth end in an answer, not in an overflow, on the small stack of a test's thread.
    #[test]
    fn depth_is_bounded() {
        let many = 100_000;
        let flat = format!("x = [{}]\n", "1, ".repeat(many));
        assert_eq!(check(&Source::whole(&flat)), Ok(()));
        for deep in [
            "(".repeat(many),
            format!("x = {}1{}\n", "(".repeat(many), ")".repeat(many)),
            format!("x = 1{}\n", " + 1".repeat(many)),
            format!("x = {}1\n", "-".repeat(many)),
            format!("x = {}1\n", "lambda: ".repeat(many)),
            format!("x = {}1\n", "lambda a, b: ".repeat(many)),
            format!("x = a{}\n", ".b".repeat(many)),
            format!("x = a{}\n", "()".repeat(many)),
            format!("x = {}1\n", "1 if a else ".repeat(many)),
            format!("x = f'{{{}1{}}}'\n", "(".repeat(many), ")".repeat(many)),
        ] {
            let source = Source::whole(&deep);
            let fault = check(&source).unwrap_err();
            assert_eq!(fault.what, "nested too deeply");
            assert_eq!(is_same_code(&source, &source), None);
        }
        let blocks: Vec<String> = (0..900)
            .map(|depth| format!("{}if x:\n", " ".repeat(depth)))
            .collect();
        let blocks = format!("{}{}x\n", blocks.concat(), " ".repeat(900));
        let source = Source::whole(&blocks);
        assert_eq!(is_same_code(&source, &source), Some(true));
        for deep in [
            format!("x = {}1{}\n", "(".repeat(9_000), ")".repeat(9_000)),
            format!("x = 1{}\n", " + 1".repeat(9_000)),
            format!("x = {}1{}\n", "f(".repeat(4_000), ")".repeat(4_000)),
            format!("x = {}1\n", "lambda: ".repeat(8_000)),
            format!("x = {}1{}\n", "[".repeat(9_000), "]".repeat(9_000)),
            format!("x = {}1\n", "1 if a else ".repeat(3_000)),
            format!("x = {}1{}\n", "{1:".repeat(6_000), "}".repeat(6_000)),
        ] {
            let source = Source::whole(&deep);
            assert_eq!(check(&source), Ok(()));
            assert_eq!(is_same_code(&source, &source), Some(true));
        }
    }
}
