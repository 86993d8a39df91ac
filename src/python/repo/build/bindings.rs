//! What gives names a meaning: targets, parameters, imports, patterns, `__all__`.

use ruff_python_ast::AnyParameterRef;
use ruff_python_ast::Expr;
use ruff_python_ast::Identifier;
use ruff_python_ast::Parameters;
use ruff_python_ast::Pattern;
use ruff_python_ast::StmtAnnAssign;
use ruff_python_ast::StmtImport;
use ruff_python_ast::StmtImportFrom;
use ruff_python_ast::TypeParams;
use ruff_python_ast::visitor::Visitor as _;
use ruff_text_size::Ranged as _;

use crate::python::repo::build::Builder;
use crate::python::repo::build::number;
use crate::python::repo::facts::Binding;
use crate::python::repo::facts::BlockIx;
use crate::python::repo::facts::Body;
use crate::python::repo::facts::DefIx;
use crate::python::repo::facts::Exports;
use crate::python::repo::facts::ExprIx;
use crate::python::repo::facts::Expression;
use crate::python::repo::facts::NameIx;
use crate::python::repo::facts::ScopeIx;
use crate::python::repo::facts::ScopeKind;
use crate::python::repo::facts::Value;

impl Builder {
    /// Binds a name in the scope that it belongs to here.
    pub(super) fn bind(&mut self, name: NameIx, value: Value, at: u32) {
        let own = self.scope;
        let outer = self.outer_names.get(own.0 as usize);
        let taken = outer.and_then(|names| names.iter().find(|(found, _)| *found == name));
        match taken {
            // whether and when the function runs is not known
            Some((_, is_global)) => {
                let scope = if *is_global {
                    ScopeIx::MODULE
                } else {
                    self.scope_outside(own, name)
                };
                let block = self.new_block(BlockIx(0), None);
                self.bind_in(scope, name, value, (at, block), false);
            }
            None => self.bind_in(own, name, value, (at, self.block), false),
        }
    }

    fn bind_in(
        &mut self,
        scope: ScopeIx,
        name: NameIx,
        value: Value,
        (at, block): (u32, BlockIx),
        is_local: bool,
    ) {
        if let Some(scope) = self.facts.scopes.get_mut(scope.0 as usize) {
            scope.bindings.push(Binding {
                name,
                block,
                at,
                is_local,
                value,
            });
        }
    }

    /// The function around a scope that binds a name.
    fn scope_outside(&self, scope: ScopeIx, name: NameIx) -> ScopeIx {
        let mut next = self.facts.scope(scope).and_then(|found| found.parent);
        while let Some(ix) = next {
            let Some(found) = self.facts.scope(ix) else {
                break;
            };
            let binds = |binding: &Binding| binding.name == name;
            if found.kind == ScopeKind::Function && found.bindings.iter().any(binds) {
                return ix;
            }
            next = found.parent;
        }
        scope
    }

    pub(super) fn take_outer(&mut self, names: &[Identifier], is_global: bool) {
        for name in names {
            let name = self.name(name.as_str());
            if let Some(outer) = self.outer_names.get_mut(self.scope.0 as usize) {
                outer.push((name, is_global));
            }
        }
    }

    pub(super) fn assign_all(&mut self, targets: &[Expr], value: &Expr, at: u32) {
        let lowered = self.lower(value);
        for target in targets {
            self.assign(target, lowered, at);
            self.set_exports(target, value);
        }
    }

    /// Gives a target a value.
    pub(super) fn assign(&mut self, target: &Expr, value: ExprIx, at: u32) {
        match target {
            Expr::Name(name) => {
                let name = self.name(name.id.as_str());
                self.bind(name, Value::Expression(value), at);
            }
            Expr::Attribute(found) => {
                self.visit_expr(&found.value);
                self.bind_attribute(target, Value::Expression(value), at);
            }
            Expr::Tuple(_) | Expr::List(_) => {
                let inner = match target {
                    Expr::Tuple(inner) => &inner.elts,
                    Expr::List(inner) => &inner.elts,
                    _ => return,
                };
                for (place, target) in inner.iter().enumerate() {
                    let part = match target {
                        Expr::Starred(_) => ExprIx::UNKNOWN,
                        _ => self.expression(Expression::Nth(value, number(place))),
                    };
                    self.assign(target, part, at);
                }
            }
            Expr::Starred(starred) => self.assign(&starred.value, ExprIx::UNKNOWN, at),
            other => self.visit_expr(other),
        }
    }

    /// Binds the name of a `:=`, past the comprehensions around.
    pub(super) fn assign_named(&mut self, target: &Expr, value: ExprIx, at: u32) {
        let own = self.scope;
        while let Some(scope) = self.facts.scope(self.scope)
            && scope.kind == ScopeKind::Expression
            && let Some(parent) = scope.parent
        {
            self.scope = parent;
        }
        self.assign(target, value, at);
        self.scope = own;
    }

    /// Notes what a method gives to an attribute of its first parameter.
    fn bind_attribute(&mut self, target: &Expr, value: Value, at: u32) {
        let Expr::Attribute(found) = target else {
            return;
        };
        let Some((class, own)) = self.method else {
            return;
        };
        let is_own =
            matches!(&*found.value, Expr::Name(name) if name.id.as_str() == self.facts.name(own));
        if !is_own {
            return;
        }
        let binding = Binding {
            name: self.name(found.attr.as_str()),
            block: self.block,
            at,
            is_local: false,
            value,
        };
        if let Some(Body::Class(class)) = self.body_mut(class) {
            class.attributes.push(binding);
        }
    }

    pub(super) fn annotated_assign(&mut self, node: &StmtAnnAssign, at: u32) {
        self.visit_annotation(&node.annotation);
        let annotation = self.lower_type(&node.annotation);
        let mut value = ExprIx::UNKNOWN;
        if let Some(given) = node.value.as_deref() {
            self.visit_expr(given);
            value = self.lower(given);
            self.set_exports(&node.target, given);
        }
        let value = Value::Annotated(annotation, value);
        match &*node.target {
            Expr::Name(name) => {
                let name = self.name(name.id.as_str());
                self.bind(name, value, at);
            }
            Expr::Attribute(found) => {
                self.visit_expr(&found.value);
                self.bind_attribute(&node.target, value, at);
            }
            other => self.visit_expr(other),
        }
    }

    /// The parameters with what they hold, in order; their annotations and defaults are evaluated outside.
    pub(super) fn parameters(
        &mut self,
        node: &Parameters,
        of: Option<DefIx>,
    ) -> Vec<(NameIx, Value)> {
        let by_position = node.posonlyargs.len() + node.args.len();
        let mut found = Vec::new();
        let all = node
            .iter_non_variadic_params()
            .map(AnyParameterRef::NonVariadic);
        for (place, parameter) in all.enumerate() {
            let mut annotation = ExprIx::UNKNOWN;
            if let Some(kind) = parameter.annotation() {
                self.visit_annotation(kind);
                annotation = self.lower_type(kind);
            }
            let mut default = ExprIx::UNKNOWN;
            if let Some(value) = parameter.default() {
                self.visit_expr(value);
                default = self.lower(value);
            }
            let value = of.map_or(Value::Unknown, |of| Value::Parameter {
                of,
                place: (place < by_position).then(|| number(place)),
                annotation,
                default,
            });
            found.push((self.name(parameter.name().as_str()), value));
        }
        for parameter in node.vararg.iter().chain(&node.kwarg) {
            if let Some(kind) = &parameter.annotation {
                self.visit_annotation(kind);
            }
            found.push((self.name(parameter.name.as_str()), Value::Unknown));
        }
        found
    }

    pub(super) fn bind_type_parameters(&mut self, types: &TypeParams) {
        for one in &types.type_params {
            let name = one.name();
            let at = name.range().end().to_u32();
            let name = self.name(name.as_str());
            self.bind(name, Value::Unknown, at);
        }
    }

    pub(super) fn import(&mut self, node: &StmtImport, at: u32) {
        for alias in &node.names {
            let whole = alias.name.as_str();
            let dotted = self.name(whole);
            let first = whole.split('.').next().unwrap_or(whole);
            let (name, is_first_part) = match &alias.asname {
                Some(name) => (name.as_str(), false),
                None => (first, true),
            };
            let name = self.name(name);
            let value = Value::Module {
                dotted,
                is_first_part,
            };
            self.bind(name, value, at);
        }
    }

    pub(super) fn import_from(&mut self, node: &StmtImportFrom, at: u32) {
        let dotted = node.module.as_ref().map(|name| self.name(name.as_str()));
        for alias in &node.names {
            if alias.name.as_str() == "*" {
                if self.scope == ScopeIx::MODULE {
                    self.facts.stars.push((node.level, dotted));
                }
                continue;
            }
            let member = self.name(alias.name.as_str());
            let name = match &alias.asname {
                Some(name) => self.name(name.as_str()),
                None => member,
            };
            let value = Value::Member {
                level: node.level,
                dotted,
                member,
            };
            self.bind(name, value, at);
        }
    }

    /// What a passed `isinstance` says of a name: in the block that is open, or from here on.
    pub(super) fn narrow(&mut self, test: &Expr, is_local: bool) {
        match test {
            Expr::BoolOp(both) if both.op.is_and() => {
                for test in &both.values {
                    self.narrow(test, is_local);
                }
            }
            Expr::Call(call) => {
                let is_it =
                    matches!(&*call.func, Expr::Name(name) if name.id.as_str() == "isinstance");
                let [Expr::Name(name), kind] = &*call.arguments.args else {
                    return;
                };
                if is_it {
                    let at = test.range().end().to_u32();
                    let name = self.name(name.id.as_str());
                    let kind = self.lower(kind);
                    let value = Value::Expression(self.expression(Expression::Instance(kind)));
                    self.bind_in(self.scope, name, value, (at, self.block), is_local);
                }
            }
            _ => {}
        }
    }

    /// The names that a pattern takes; the class it tests for is what they are.
    pub(super) fn bind_pattern(&mut self, pattern: &Pattern) {
        let at = pattern.range().end().to_u32();
        match pattern {
            Pattern::MatchAs(node) => {
                let mut value = ExprIx::UNKNOWN;
                if let Some(inner) = node.pattern.as_deref() {
                    self.bind_pattern(inner);
                    if let Pattern::MatchClass(class) = inner {
                        let class = self.lower(&class.cls);
                        value = self.expression(Expression::Instance(class));
                    }
                }
                if let Some(name) = &node.name {
                    let name = self.name(name.as_str());
                    self.bind(name, Value::Expression(value), at);
                }
            }
            Pattern::MatchStar(node) => self.bind_unknown(node.name.as_ref(), at),
            Pattern::MatchMapping(node) => {
                node.patterns
                    .iter()
                    .for_each(|inner| self.bind_pattern(inner));
                self.bind_unknown(node.rest.as_ref(), at);
            }
            Pattern::MatchSequence(node) => {
                node.patterns
                    .iter()
                    .for_each(|inner| self.bind_pattern(inner));
            }
            Pattern::MatchOr(node) => {
                node.patterns
                    .iter()
                    .for_each(|inner| self.bind_pattern(inner));
            }
            Pattern::MatchClass(node) => {
                let named = node.arguments.keywords.iter().map(|one| &one.pattern);
                for inner in node.arguments.patterns.iter().chain(named) {
                    self.bind_pattern(inner);
                }
            }
            Pattern::MatchValue(_) | Pattern::MatchSingleton(_) => {}
        }
    }

    fn bind_unknown(&mut self, name: Option<&Identifier>, at: u32) {
        if let Some(name) = name {
            let name = self.name(name.as_str());
            self.bind(name, Value::Unknown, at);
        }
    }

    /// `__all__ = value`.
    fn set_exports(&mut self, target: &Expr, value: &Expr) {
        if self.scope == ScopeIx::MODULE && is_exports(target) {
            self.facts.exports = Some(Exports::default());
            self.add_exports(target, value, false);
        }
    }

    /// `__all__ += value`; a single name where `is_one`.
    pub(super) fn add_exports(&mut self, target: &Expr, value: &Expr, is_one: bool) {
        if self.scope != ScopeIx::MODULE || !is_exports(target) {
            return;
        }
        let mut exports = self.facts.exports.take().unwrap_or_default();
        let items = match value {
            Expr::List(list) => list.elts.as_slice(),
            Expr::Tuple(tuple) => tuple.elts.as_slice(),
            Expr::Set(set) => set.elts.as_slice(),
            one if is_one => std::slice::from_ref(one),
            _ => {
                exports.is_partial = true;
                &[]
            }
        };
        for item in items {
            match item {
                Expr::StringLiteral(text) => exports.names.push(self.name(text.value.to_str())),
                _ => exports.is_partial = true,
            }
        }
        self.facts.exports = Some(exports);
    }

    /// `__all__.extend(value)` and the like.
    pub(super) fn exports_call(&mut self, statement: &Expr) {
        let Expr::Call(call) = statement else {
            return;
        };
        let (Expr::Attribute(method), [value]) = (&*call.func, &*call.arguments.args) else {
            return;
        };
        match method.attr.as_str() {
            "extend" => self.add_exports(&method.value, value, false),
            "append" => self.add_exports(&method.value, value, true),
            _ => {}
        }
    }
}

fn is_exports(target: &Expr) -> bool {
    matches!(target, Expr::Name(name) if name.id.as_str() == "__all__")
}
