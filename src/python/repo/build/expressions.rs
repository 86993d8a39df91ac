//! Expressions as far as they can mean a function, class, module or instance.

use ruff_python_ast::Comprehension;
use ruff_python_ast::Expr;
use ruff_python_ast::ExprLambda;
use ruff_python_ast::Operator;
use ruff_python_ast::visitor::Visitor as _;
use ruff_python_parser::parse_expression;
use ruff_text_size::Ranged as _;

use crate::python::repo::build::Builder;
use crate::python::repo::facts::ExprIx;
use crate::python::repo::facts::Expression;
use crate::python::repo::facts::ScopeKind;
use crate::python::repo::facts::Use;

/// How deep an expression is followed.
const MOST_LEVELS: usize = 24;
/// How many elements of a display are followed.
const MOST_ELEMENTS: usize = 8;
/// Types written as strings are short; longer ones are not read.
const MOST_TYPE_BYTES: usize = 300;

/// Built-in and typing callees whose value depends on their first argument.
const TAKES_FIRST: [&str; 16] = [
    "super",
    "type",
    "iter",
    "next",
    "list",
    "tuple",
    "set",
    "frozenset",
    "sorted",
    "reversed",
    "cast",
    "copy",
    "deepcopy",
    "partial",
    "deque",
    "enumerate",
];

/// Types that take others, in aliases such as `X = Union[str, "A"]`.
const TAKES_TYPES: [&str; 16] = [
    "Union", "Optional", "List", "Dict", "Tuple", "Set", "Sequence", "Iterable", "Iterator",
    "Mapping", "Type", "list", "dict", "tuple", "set", "type",
];

/// Types of Python's own, as they stand in unions.
const BUILT_IN_TYPES: [&str; 9] = [
    "str", "bytes", "int", "float", "bool", "list", "dict", "tuple", "set",
];

/// What an expression is read as.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Value,
    Type,
    /// A type that is written in a string.
    Quoted,
}

impl Builder {
    /// Keeps what of a value can be followed.
    pub(super) fn lower(&mut self, expr: &Expr) -> ExprIx {
        self.lowered(expr, Mode::Value, 0)
    }

    /// Keeps a type.
    pub(super) fn lower_type(&mut self, expr: &Expr) -> ExprIx {
        self.lowered(expr, Mode::Type, 0)
    }

    fn lowered(&mut self, expr: &Expr, mode: Mode, level: usize) -> ExprIx {
        if level > MOST_LEVELS {
            return ExprIx::UNKNOWN;
        }
        let next = level + 1;
        let kept = match expr {
            Expr::Name(name) => {
                let used = self.used(expr, mode);
                Expression::Name(self.name(name.id.as_str()), used)
            }
            Expr::Attribute(found) => {
                let base = self.lowered(&found.value, mode, next);
                Expression::Attribute(base, self.name(found.attr.as_str()))
            }
            Expr::Call(call) => {
                let callee = self.lowered(&call.func, mode, next);
                let first = call.arguments.args.first();
                let first = first.filter(|_| takes_first(&call.func));
                let first = first.map(|first| self.lowered(first, mode, next));
                Expression::Call(callee, first.unwrap_or(ExprIx::UNKNOWN))
            }
            Expr::Await(inner) => Expression::Await(self.lowered(&inner.value, mode, next)),
            Expr::Subscript(found) => {
                let base = self.lowered(&found.value, mode, next);
                // `X = Union[str, "A"]` is a value, but what it takes are types
                let inner = match mode {
                    Mode::Value if is_typing(&found.value) => Mode::Type,
                    mode => mode,
                };
                Expression::Subscript(base, self.lowered(&found.slice, inner, next))
            }
            Expr::BoolOp(found) => self.either(&found.values, mode, next),
            Expr::If(found) => {
                let body = self.lowered(&found.body, mode, next);
                Expression::Either([body, self.lowered(&found.orelse, mode, next)].into())
            }
            Expr::BinOp(found)
                if found.op == Operator::BitOr
                    && (mode != Mode::Value || reads_as_type(&found.right)) =>
            {
                let left = self.lowered(&found.left, mode, next);
                Expression::Either([left, self.lowered(&found.right, mode, next)].into())
            }
            Expr::Named(found) => return self.lowered(&found.value, mode, next),
            Expr::Starred(found) => {
                let inner = self.lowered(&found.value, mode, next);
                Expression::Element(inner)
            }
            Expr::StringLiteral(text) => return self.text(text.value.to_str(), mode, next),
            _ => return self.lowered_many(expr, mode, next),
        };
        self.expression(kept)
    }

    fn lowered_many(&mut self, expr: &Expr, mode: Mode, level: usize) -> ExprIx {
        let kept = match expr {
            Expr::Tuple(found) => self.display(&found.elts, mode, level),
            Expr::List(found) => self.display(&found.elts, mode, level),
            Expr::Set(found) => self.display(&found.elts, mode, level),
            Expr::Dict(found) => {
                let values = found.items.iter().take(MOST_ELEMENTS);
                let values = values.map(|item| self.lowered(&item.value, mode, level));
                Expression::Values(values.collect())
            }
            Expr::ListComp(found) => return self.each(&found.elt, &found.generators, level),
            Expr::SetComp(found) => return self.each(&found.elt, &found.generators, level),
            Expr::Generator(found) => return self.each(&found.elt, &found.generators, level),
            _ => return ExprIx::UNKNOWN,
        };
        self.expression(kept)
    }

    fn used(&self, expr: &Expr, mode: Mode) -> Use {
        match mode {
            Mode::Value => self.use_at(expr.range().start().to_u32()),
            // types may stand before what they name
            Mode::Type | Mode::Quoted => self.use_at(u32::MAX),
        }
    }

    fn either(&mut self, parts: &[Expr], mode: Mode, level: usize) -> Expression {
        let parts = parts.iter().take(MOST_ELEMENTS);
        Expression::Either(parts.map(|part| self.lowered(part, mode, level)).collect())
    }

    fn display(&mut self, parts: &[Expr], mode: Mode, level: usize) -> Expression {
        let parts = parts.iter().take(MOST_ELEMENTS);
        Expression::Display(parts.map(|part| self.lowered(part, mode, level)).collect())
    }

    /// A string: a type in an annotation, once; nothing elsewhere.
    fn text(&mut self, text: &str, mode: Mode, level: usize) -> ExprIx {
        let signs = text.bytes().filter(|byte| !byte.is_ascii_alphanumeric());
        if mode != Mode::Type || text.len() > MOST_TYPE_BYTES || signs.count() > MOST_LEVELS * 2 {
            return ExprIx::UNKNOWN;
        }
        let Ok(parsed) = parse_expression(text) else {
            return ExprIx::UNKNOWN;
        };
        self.lowered(parsed.expr(), Mode::Quoted, level)
    }

    /// Calls in a lambda are made in its scope.
    pub(super) fn lambda(&mut self, node: &ExprLambda) {
        let parameters = node.parameters.as_deref();
        let parameters = parameters.map(|found| self.parameters(found, None));
        let at = node.range().start().to_u32();
        // like a function it runs later
        self.in_scope(ScopeKind::Function, |this| {
            this.function = None;
            for (name, value) in parameters.into_iter().flatten() {
                this.bind(name, value, at);
            }
            this.visit_expr(&node.body);
        });
    }

    /// Calls in a comprehension are made in its scope, but for those in what its first `for` goes over.
    pub(super) fn comprehension(&mut self, expr: &Expr) {
        let generators = match expr {
            Expr::ListComp(found) => &found.generators,
            Expr::SetComp(found) => &found.generators,
            Expr::DictComp(found) => &found.generators,
            Expr::Generator(found) => &found.generators,
            _ => return,
        };
        self.in_comprehension(generators, None, |this| match expr {
            Expr::ListComp(found) => this.visit_expr(&found.elt),
            Expr::SetComp(found) => this.visit_expr(&found.elt),
            Expr::Generator(found) => this.visit_expr(&found.elt),
            Expr::DictComp(found) => {
                if let Some(key) = &found.key {
                    this.visit_expr(key);
                }
                this.visit_expr(&found.value);
            }
            _ => {}
        });
    }

    /// What a comprehension yields, in a scope of its own.
    fn each(&mut self, element: &Expr, generators: &[Comprehension], level: usize) -> ExprIx {
        let mut made = ExprIx::UNKNOWN;
        // scopes cost more than other expressions, and few are nested
        let level = level + 4;
        self.in_comprehension(generators, Some(level), |this| {
            made = this.lowered(element, Mode::Value, level);
        });
        self.expression(Expression::Each(made))
    }

    fn in_comprehension(
        &mut self,
        generators: &[Comprehension],
        lowered_at: Option<usize>,
        work: impl FnOnce(&mut Self),
    ) {
        let is_visit = lowered_at.is_none();
        let level = lowered_at.unwrap_or_default();
        let mut first = ExprIx::UNKNOWN;
        if let Some(generator) = generators.first() {
            if is_visit {
                self.visit_expr(&generator.iter);
            }
            first = self.lowered(&generator.iter, Mode::Value, level);
        }
        self.in_scope(ScopeKind::Expression, |this| {
            for (place, generator) in generators.iter().enumerate() {
                let iter = if place == 0 {
                    first
                } else {
                    if is_visit {
                        this.visit_expr(&generator.iter);
                    }
                    this.lowered(&generator.iter, Mode::Value, level)
                };
                let element = this.expression(Expression::Element(iter));
                this.assign(
                    &generator.target,
                    element,
                    generator.range().start().to_u32(),
                );
                if is_visit {
                    generator.ifs.iter().for_each(|test| this.visit_expr(test));
                }
            }
            work(this);
        });
    }
}

fn takes_first(callee: &Expr) -> bool {
    TAKES_FIRST.contains(&last_name(callee))
}

/// Whether an expression is customarily a type that takes others.
fn is_typing(base: &Expr) -> bool {
    TAKES_TYPES.contains(&last_name(base))
}

/// Whether an expression is written as classes are: `X = str | A` is a value, but one of types.
fn reads_as_type(expr: &Expr) -> bool {
    let name = match expr {
        Expr::NoneLiteral(_) => return true,
        Expr::Subscript(found) => last_name(&found.value),
        other => last_name(other),
    };
    // `re.I | re.M` are flags
    let is_camel = name.starts_with(char::is_uppercase) && name.contains(char::is_lowercase);
    is_camel || BUILT_IN_TYPES.contains(&name)
}

/// The name of a function or type without the module that it is taken from.
fn last_name(expr: &Expr) -> &str {
    match expr {
        Expr::Name(name) => name.id.as_str(),
        Expr::Attribute(found) => found.attr.as_str(),
        _ => "",
    }
}
