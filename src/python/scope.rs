//! Names of a statement of a module: which it binds there, and which it takes from the module around it.
//!
//! Scopes are Python's: functions see what they bind anywhere, class bodies what was bound above, comprehensions their
//! targets. Recursive: to be used where [`with_module`](crate::python::tree::with_module) gives the tree.

#[cfg(test)]
mod tests;

use std::collections::HashSet;

use ruff_python_ast::AnyParameterRef;
use ruff_python_ast::Comprehension;
use ruff_python_ast::ExceptHandler;
use ruff_python_ast::Expr;
use ruff_python_ast::ExprContext;
use ruff_python_ast::Identifier;
use ruff_python_ast::Parameters;
use ruff_python_ast::Pattern;
use ruff_python_ast::Stmt;
use ruff_python_ast::StmtClassDef;
use ruff_python_ast::StmtFunctionDef;
use ruff_python_ast::StmtImport;
use ruff_python_ast::StmtImportFrom;
use ruff_python_ast::TypeParams;
use ruff_python_ast::visitor::Visitor;
use ruff_python_ast::visitor::walk_except_handler;
use ruff_python_ast::visitor::walk_expr;
use ruff_python_ast::visitor::walk_pattern;
use ruff_python_ast::visitor::walk_stmt;
use ruff_text_size::Ranged as _;

/// A name that is taken from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use<'a> {
    /// The name itself.
    pub name: &'a str,
    /// The attributes that are taken of it, divided by dots: `path.join` of `os.path.join`. May be empty.
    pub attributes: String,
    /// Its first byte.
    pub at: usize,
    /// The method of the statement's class in whose body it stands: it is looked up when that runs.
    pub method: Option<&'a str>,
    /// It stands in the annotation of a class's attribute.
    pub is_annotation: bool,
}

/// What an `import` brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported<'a> {
    /// The name that it gets; `*` for all.
    pub bound: &'a str,
    /// What that stands for: `os` of `import os.path`, `os.path` of `from os import path`. Begins with a dot for each
    /// level that it goes up.
    pub origin: String,
    /// A statement of its own, on one line.
    pub line: String,
    /// As with [`Use`].
    pub method: Option<&'a str>,
}

/// What a statement takes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taken<'a> {
    /// Names, in order of evaluation. Those that the module does not bind are built in or nothing.
    pub uses: Vec<Use<'a>>,
    /// The imports in it, at any depth.
    pub imports: Vec<Imported<'a>>,
}

/// What a statement at module level takes from outside. Annotations are not evaluated, and those of functions are not
/// looked into.
pub fn taken(statement: &Stmt) -> Taken<'_> {
    let mut finder = Finder::default();
    finder.visit_stmt(statement);
    finder.taken
}

/// What the defaults of a function's parameters take.
pub fn taken_by_defaults(parameters: &Parameters) -> Taken<'_> {
    let mut finder = Finder::default();
    finder.defaults(parameters);
    finder.taken
}

/// The names that statements bind in the scope in which they stand, in order, as often as they do; without those of a
/// star.
pub fn bound(statements: &[Stmt]) -> Vec<&str> {
    binder(statements).names
}

/// What each name of an `import` is.
pub fn imported(node: &StmtImport) -> Vec<Imported<'_>> {
    let all = node.names.iter().map(|alias| {
        let whole = alias.name.as_str();
        let (bound, origin, line) = if let Some(name) = &alias.asname {
            let name = name.as_str();
            (name, whole, format!("import {whole} as {name}"))
        } else {
            let first = whole.split('.').next().unwrap_or(whole);
            (first, first, format!("import {whole}"))
        };
        Imported {
            bound,
            origin: origin.to_owned(),
            line,
            method: None,
        }
    });
    all.collect()
}

/// What each name of a `from … import` is.
pub fn imported_from(node: &StmtImportFrom) -> Vec<Imported<'_>> {
    let level = usize::try_from(node.level).unwrap_or(usize::MAX).min(64);
    let module = node.module.as_ref().map_or("", |name| name.as_str());
    let module = format!("{}{module}", ".".repeat(level));
    let all = node.names.iter().map(|alias| {
        let member = alias.name.as_str();
        let dot = if module.ends_with('.') { "" } else { "." };
        let line = match &alias.asname {
            Some(name) => format!("from {module} import {member} as {}", name.as_str()),
            None => format!("from {module} import {member}"),
        };
        Imported {
            bound: alias.asname.as_ref().map_or(member, |name| name.as_str()),
            origin: format!("{module}{dot}{member}"),
            line,
            method: None,
        }
    });
    all.collect()
}

/// The name and the attributes of `a.b.c`; `None` for what does not begin with a name.
fn dotted(expr: &Expr) -> Option<(&str, Vec<&str>, usize)> {
    let mut attributes = Vec::new();
    let mut next = expr;
    loop {
        match next {
            Expr::Attribute(found) => {
                attributes.push(found.attr.as_str());
                next = &found.value;
            }
            Expr::Name(name) => {
                attributes.reverse();
                return Some((
                    name.id.as_str(),
                    attributes,
                    name.range().start().to_usize(),
                ));
            }
            _ => return None,
        }
    }
}

#[derive(Default)]
struct Scope<'a> {
    is_class: bool,
    names: HashSet<&'a str>,
    /// Names that are the module's here.
    globals: HashSet<&'a str>,
}

#[derive(Default)]
struct Finder<'a> {
    /// Without the module's.
    scopes: Vec<Scope<'a>>,
    method: Option<&'a str>,
    taken: Taken<'a>,
}

impl<'a> Finder<'a> {
    fn is_own(&self, name: &str) -> bool {
        for (depth, scope) in self.scopes.iter().rev().enumerate() {
            if scope.globals.contains(name) {
                return false;
            }
            // a class's names are seen in its body only
            if (depth == 0 || !scope.is_class) && scope.names.contains(name) {
                return true;
            }
        }
        false
    }

    fn take(&mut self, name: &'a str, attributes: &[&str], at: usize, is_annotation: bool) {
        if !self.is_own(name) {
            self.taken.uses.push(Use {
                name,
                attributes: attributes.join("."),
                at,
                method: self.method,
                is_annotation,
            });
        }
    }

    fn take_imports(&mut self, imports: Vec<Imported<'a>>) {
        let method = self.method;
        let imports = imports.into_iter();
        self.taken
            .imports
            .extend(imports.map(|import| Imported { method, ..import }));
    }

    fn in_scope(&mut self, scope: Scope<'a>, work: impl FnOnce(&mut Self)) {
        self.scopes.push(scope);
        work(self);
        self.scopes.pop();
    }

    fn type_scope(types: Option<&'a TypeParams>) -> Scope<'a> {
        let types = types.map_or(&[][..], |types| &types.type_params);
        Scope {
            names: types.iter().map(|one| one.name().as_str()).collect(),
            ..Scope::default()
        }
    }

    fn defaults(&mut self, parameters: &'a Parameters) {
        for parameter in parameters.iter_non_variadic_params() {
            if let Some(default) = &parameter.default {
                self.visit_expr(default);
            }
        }
    }

    fn function(&mut self, node: &'a StmtFunctionDef) {
        for decorator in &node.decorator_list {
            self.visit_decorator(decorator);
        }
        self.defaults(&node.parameters);
        let is_method = matches!(self.scopes.as_slice(), [.., class] if class.is_class)
            && self.method.is_none()
            && self.scopes.iter().filter(|scope| scope.is_class).count() == 1;
        let outer = self.method;
        if is_method {
            self.method = Some(node.name.as_str());
        }
        self.in_scope(Self::type_scope(node.type_params.as_deref()), |this| {
            let mut inner = binder(&node.body);
            inner.names.extend(parameter_names(&node.parameters));
            let scope = Scope {
                is_class: false,
                names: inner.names.into_iter().collect(),
                globals: inner.globals.into_iter().collect(),
            };
            this.in_scope(scope, |this| this.visit_body(&node.body));
        });
        self.method = outer;
    }

    fn class(&mut self, node: &'a StmtClassDef) {
        for decorator in &node.decorator_list {
            self.visit_decorator(decorator);
        }
        self.in_scope(Self::type_scope(node.type_params.as_deref()), |this| {
            if let Some(arguments) = &node.arguments {
                this.visit_arguments(arguments);
            }
            let scope = Scope {
                is_class: true,
                ..Scope::default()
            };
            this.in_scope(scope, |this| {
                for statement in &node.body {
                    this.visit_stmt(statement);
                    if let Some(scope) = this.scopes.last_mut() {
                        scope.names.extend(bound(std::slice::from_ref(statement)));
                    }
                }
            });
        });
    }

    fn comprehension(&mut self, parts: &[&'a Expr], generators: &'a [Comprehension]) {
        // the first is evaluated outside
        if let Some(first) = generators.first() {
            self.visit_expr(&first.iter);
        }
        let mut targets = Binder::default();
        for generator in generators {
            targets.visit_expr(&generator.target);
        }
        let scope = Scope {
            names: targets.names.into_iter().collect(),
            ..Scope::default()
        };
        self.in_scope(scope, |this| {
            for (ix, generator) in generators.iter().enumerate() {
                if ix > 0 {
                    this.visit_expr(&generator.iter);
                }
                this.visit_expr(&generator.target);
                for test in &generator.ifs {
                    this.visit_expr(test);
                }
            }
            for part in parts {
                this.visit_expr(part);
            }
        });
    }
}

fn parameter_names(parameters: &Parameters) -> impl Iterator<Item = &str> {
    parameters
        .iter()
        .map(AnyParameterRef::name)
        .map(Identifier::as_str)
}

impl<'a> Visitor<'a> for Finder<'a> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::FunctionDef(node) => self.function(node),
            Stmt::ClassDef(node) => self.class(node),
            Stmt::Import(node) => self.take_imports(imported(node)),
            Stmt::ImportFrom(node) => self.take_imports(imported_from(node)),
            Stmt::AnnAssign(node) => {
                if let Some(value) = &node.value {
                    self.visit_expr(value);
                }
                if self.scopes.last().is_some_and(|scope| scope.is_class) {
                    let first = self.taken.uses.len();
                    self.visit_expr(&node.annotation);
                    for found in self.taken.uses.iter_mut().skip(first) {
                        found.is_annotation = true;
                    }
                }
                self.visit_expr(&node.target);
            }
            Stmt::TypeAlias(_) => {}
            Stmt::Global(node) => {
                for name in &node.names {
                    let at = name.range().start().to_usize();
                    self.take(name.as_str(), &[], at, false);
                }
            }
            _ => walk_stmt(self, statement),
        }
    }

    // they are not evaluated
    fn visit_annotation(&mut self, _: &'a Expr) {}

    fn visit_expr(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Name(name) if name.ctx == ExprContext::Load => {
                let at = name.range().start().to_usize();
                self.take(name.id.as_str(), &[], at, false);
            }
            Expr::Attribute(_) => match dotted(expr) {
                Some((name, attributes, at)) => self.take(name, &attributes, at, false),
                None => walk_expr(self, expr),
            },
            Expr::Lambda(node) => {
                let mut names = HashSet::new();
                if let Some(parameters) = &node.parameters {
                    self.defaults(parameters);
                    names.extend(parameter_names(parameters));
                }
                let scope = Scope {
                    names,
                    ..Scope::default()
                };
                self.in_scope(scope, |this| this.visit_expr(&node.body));
            }
            Expr::ListComp(node) => self.comprehension(&[&node.elt], &node.generators),
            Expr::SetComp(node) => self.comprehension(&[&node.elt], &node.generators),
            Expr::Generator(node) => self.comprehension(&[&node.elt], &node.generators),
            Expr::DictComp(node) => {
                let mut parts: Vec<&Expr> = node.key.as_deref().into_iter().collect();
                parts.push(&node.value);
                self.comprehension(&parts, &node.generators);
            }
            _ => walk_expr(self, expr),
        }
    }
}

fn binder(statements: &[Stmt]) -> Binder<'_> {
    let mut binder = Binder::default();
    binder.visit_body(statements);
    binder
}

/// Finds what is bound in one scope.
#[derive(Default)]
struct Binder<'a> {
    names: Vec<&'a str>,
    globals: Vec<&'a str>,
    /// How many comprehensions this stands in: their targets are theirs.
    comprehensions: usize,
}

impl<'a> Visitor<'a> for Binder<'a> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::FunctionDef(node) => self.names.push(node.name.as_str()),
            Stmt::ClassDef(node) => self.names.push(node.name.as_str()),
            Stmt::Import(node) => {
                let all = imported(node).into_iter();
                self.names.extend(all.map(|found| found.bound));
            }
            Stmt::ImportFrom(node) => {
                let all = imported_from(node).into_iter().map(|found| found.bound);
                self.names.extend(all.filter(|name| *name != "*"));
            }
            Stmt::Global(node) => {
                self.globals
                    .extend(node.names.iter().map(Identifier::as_str));
            }
            _ => walk_stmt(self, statement),
        }
    }

    fn visit_annotation(&mut self, _: &'a Expr) {}

    fn visit_except_handler(&mut self, handler: &'a ExceptHandler) {
        let ExceptHandler::ExceptHandler(node) = handler;
        self.names
            .extend(node.name.as_ref().map(Identifier::as_str));
        walk_except_handler(self, handler);
    }

    fn visit_pattern(&mut self, pattern: &'a Pattern) {
        let name = match pattern {
            Pattern::MatchAs(node) => node.name.as_ref(),
            Pattern::MatchStar(node) => node.name.as_ref(),
            Pattern::MatchMapping(node) => node.rest.as_ref(),
            _ => None,
        };
        self.names.extend(name.map(Identifier::as_str));
        walk_pattern(self, pattern);
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Name(name) if name.ctx == ExprContext::Store && self.comprehensions == 0 => {
                self.names.push(name.id.as_str());
            }
            Expr::Named(node) => {
                if let Expr::Name(name) = &*node.target {
                    self.names.push(name.id.as_str());
                }
                self.visit_expr(&node.value);
            }
            Expr::Lambda(_) => {}
            Expr::ListComp(_) | Expr::SetComp(_) | Expr::DictComp(_) | Expr::Generator(_) => {
                self.comprehensions += 1;
                walk_expr(self, expr);
                self.comprehensions -= 1;
            }
            _ => walk_expr(self, expr),
        }
    }
}
