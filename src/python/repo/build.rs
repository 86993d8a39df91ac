//! Reads a file's facts: definitions here, other statements in [`blocks`], expressions in [`expressions`], targets and
//! imports in [`bindings`].
//!
//! Definitions are those of the file's outline; the parser, which goes on behind faults, adds scopes, bindings and
//! calls. Where the two disagree, as they can in broken files, a definition has no body and nothing resolves through it.

mod bindings;
mod blocks;
mod decorators;
mod expressions;

use std::collections::HashMap;

use ruff_python_ast::Expr;
use ruff_python_ast::Stmt;
use ruff_python_ast::StmtClassDef;
use ruff_python_ast::StmtFunctionDef;
use ruff_python_ast::visitor::Visitor;
use ruff_python_ast::visitor::walk_expr;
use ruff_python_ast::visitor::walk_stmt;
use ruff_python_parser::Mode;
use ruff_python_parser::ParseOptions;
use ruff_python_parser::parse_unchecked;
use ruff_text_size::Ranged as _;

use crate::python::Definition;
use crate::python::DefinitionKind;
use crate::python::Source;
use crate::python::outline;
use crate::python::repo::facts::Block;
use crate::python::repo::facts::BlockIx;
use crate::python::repo::facts::Body;
use crate::python::repo::facts::Call;
use crate::python::repo::facts::Class;
use crate::python::repo::facts::DefIx;
use crate::python::repo::facts::ExprIx;
use crate::python::repo::facts::Expression;
use crate::python::repo::facts::Facts;
use crate::python::repo::facts::Function;
use crate::python::repo::facts::NameIx;
use crate::python::repo::facts::Scope;
use crate::python::repo::facts::ScopeIx;
use crate::python::repo::facts::ScopeKind;
use crate::python::repo::facts::Use;
use crate::python::repo::facts::Value;
use crate::python::repo::facts::Via;
use crate::python::tree::with_stack;

/// Reads a text; `None` where it is nested too deeply. Any text has facts.
pub(super) fn facts(text: &str) -> Option<Facts> {
    let source = Source::whole(text);
    let outline = outline(&source);
    with_stack(&source, || {
        let parsed = parse_unchecked(text, ParseOptions::from(Mode::Module));
        let mut builder = Builder::new(text, outline, !parsed.errors().is_empty());
        if let Some(module) = parsed.syntax().as_module() {
            builder.visit_body(&module.body);
        }
        builder.finish()
    })
}

/// Number of something that lies in memory and came from less than 4 GiB of text.
fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

struct Builder {
    facts: Facts,
    known_names: HashMap<Box<str>, NameIx>,
    /// Names that a scope takes from further out: the module's (`true`) or an outer function's.
    outer_names: Vec<Vec<(NameIx, bool)>>,
    scope: ScopeIx,
    block: BlockIx,
    /// The innermost definition in whose body or decorators this stands.
    owner: Option<DefIx>,
    /// The function whose `return` this would be.
    function: Option<DefIx>,
    /// The class and the first parameter of the method that this stands in.
    method: Option<(DefIx, NameIx)>,
    choices: u32,
}

impl Builder {
    fn new(text: &str, outline: Vec<Definition>, has_faults: bool) -> Self {
        let mut lines = vec![0];
        lines.extend(memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| number(at + 1)));
        let bodies = outline.iter().map(|_| Body::Unseen).collect();
        let module = Scope {
            kind: ScopeKind::Module,
            parent: None,
            definition: None,
            bindings: Vec::new(),
        };
        Self {
            facts: Facts {
                outline,
                bodies,
                names: Vec::new(),
                by_letters: Vec::new(),
                expressions: vec![Expression::Unknown],
                scopes: vec![module],
                blocks: vec![Block {
                    parent: None,
                    choice: None,
                    is_scope: true,
                }],
                stars: Vec::new(),
                exports: None,
                calls: Vec::new(),
                lines,
                has_faults,
            },
            known_names: HashMap::new(),
            outer_names: vec![Vec::new()],
            scope: ScopeIx::MODULE,
            block: BlockIx(0),
            owner: None,
            function: None,
            method: None,
            choices: 0,
        }
    }

    fn finish(mut self) -> Facts {
        let facts = &mut self.facts;
        for scope in &mut facts.scopes {
            scope
                .bindings
                .sort_by_key(|binding| (binding.name, binding.at));
        }
        for body in &mut facts.bodies {
            if let Body::Class(class) = body {
                class
                    .attributes
                    .sort_by_key(|binding| (binding.name, binding.at));
            }
        }
        facts
            .calls
            .sort_by_key(|call| (call.owner, call.at, call.via));
        facts.calls.dedup_by_key(|call| (call.at, call.via));
        let mut sorted: Vec<NameIx> = (0..number(facts.names.len())).map(NameIx).collect();
        sorted.sort_by(|a, b| facts.name(*a).cmp(facts.name(*b)));
        facts.by_letters = sorted;
        self.facts
    }

    fn name(&mut self, text: &str) -> NameIx {
        if let Some(ix) = self.known_names.get(text) {
            return *ix;
        }
        let ix = NameIx(number(self.facts.names.len()));
        self.facts.names.push(text.into());
        self.known_names.insert(text.into(), ix);
        ix
    }

    fn expression(&mut self, expression: Expression) -> ExprIx {
        let ix = ExprIx(number(self.facts.expressions.len()));
        self.facts.expressions.push(expression);
        ix
    }

    fn use_at(&self, at: u32) -> Use {
        Use {
            scope: self.scope,
            block: self.block,
            at,
        }
    }

    /// The definition of the outline whose header holds a name.
    fn definition_at(&self, name: &str, at: u32, kind: DefinitionKind) -> Option<DefIx> {
        let (line, _) = self.facts.place(at);
        let outline = &self.facts.outline;
        let after = outline.partition_point(|found| found.header.0 <= line);
        let ix = after.checked_sub(1)?;
        let found = outline.get(ix)?;
        let is_it = found.kind == kind && found.name == name && line <= found.header_end.0;
        // two definitions cannot share a header; where broken text says so, the first is it
        let is_free = matches!(self.facts.bodies.get(ix), Some(Body::Unseen));
        (is_it && is_free).then(|| DefIx(number(ix)))
    }

    fn body_mut(&mut self, ix: DefIx) -> Option<&mut Body> {
        self.facts.bodies.get_mut(ix.0 as usize)
    }

    fn function_mut(&mut self, ix: DefIx) -> Option<&mut Function> {
        match self.body_mut(ix)? {
            Body::Function(function) => Some(function),
            _ => None,
        }
    }

    fn new_block(&mut self, parent: BlockIx, choice: Option<(u32, u32)>) -> BlockIx {
        let ix = BlockIx(number(self.facts.blocks.len()));
        self.facts.blocks.push(Block {
            parent: Some(parent),
            choice,
            is_scope: false,
        });
        ix
    }

    /// Does `work` in a block of its own.
    fn in_block(&mut self, choice: Option<(u32, u32)>, work: impl FnOnce(&mut Self)) {
        let outer = self.block;
        self.block = self.new_block(outer, choice);
        work(self);
        self.block = outer;
    }

    /// Does `work` in a scope of its own.
    fn in_scope(&mut self, kind: ScopeKind, work: impl FnOnce(&mut Self)) {
        let outer = (
            self.scope,
            self.block,
            self.owner,
            self.function,
            self.method,
        );
        let scope = ScopeIx(number(self.facts.scopes.len()));
        self.facts.scopes.push(Scope {
            kind,
            parent: Some(self.scope),
            definition: None,
            bindings: Vec::new(),
        });
        self.outer_names.push(Vec::new());
        self.scope = scope;
        self.block = self.new_block(outer.1, None);
        if let Some(block) = self.facts.blocks.get_mut(self.block.0 as usize) {
            block.is_scope = true;
        }
        work(self);
        (
            self.scope,
            self.block,
            self.owner,
            self.function,
            self.method,
        ) = outer;
    }

    fn define_scope(&mut self, definition: Option<DefIx>) {
        if let Some(scope) = self.facts.scopes.get_mut(self.scope.0 as usize) {
            scope.definition = definition;
        }
    }

    fn next_choice(&mut self) -> u32 {
        self.choices += 1;
        self.choices
    }

    /// Notes that what `callee` means is called, where that can be said by a name.
    fn call(&mut self, callee: &Expr, via: Via) {
        let (name, at) = match callee {
            Expr::Name(name) => (name.id.as_str(), name.range().start()),
            Expr::Attribute(found) if found.attr.is_valid() => {
                (found.attr.as_str(), found.attr.range().start())
            }
            _ => return,
        };
        let name = self.name(name);
        let callee = self.lower(callee);
        self.facts.calls.push(Call {
            callee,
            name,
            via,
            at: at.to_u32(),
            owner: self.owner,
        });
    }

    fn function_def(&mut self, node: &StmtFunctionDef) {
        let at = node.name.range().start().to_u32();
        let found = self.definition_at(node.name.as_str(), at, DefinitionKind::Function);
        let decorated = self.decorators(&node.decorator_list, found);
        let annotation = node.returns.as_deref().map(|returns| {
            self.visit_annotation(returns);
            self.lower_type(returns)
        });
        let class = self.class_around();
        if let Some(ix) = found
            && let Some(body) = self.body_mut(ix)
        {
            *body = Body::Function(Box::new(Function {
                manner: decorated.manner,
                is_wrapped: decorated.is_wrapped,
                is_async: node.is_async,
                class,
                annotation,
                ..Function::default()
            }));
        }
        let parameters = self.parameters(&node.parameters, found);
        let name = self.name(node.name.as_str());
        self.bind(name, found.map_or(Value::Unknown, Value::Definition), at);
        self.in_scope(ScopeKind::Function, |this| {
            this.owner = found.or(this.owner);
            this.function = found;
            this.define_scope(found);
            if let Some(class) = class
                && let Some(first) = parameters.first()
            {
                this.method = Some((class, first.0));
            }
            if let Some(types) = &node.type_params {
                this.bind_type_parameters(types);
            }
            for (name, value) in parameters {
                this.bind(name, value, at);
            }
            this.visit_body(&node.body);
        });
    }

    /// The class in whose body this stands.
    fn class_around(&self) -> Option<DefIx> {
        let is_class = self.facts.scope(self.scope)?.kind == ScopeKind::Class;
        self.owner.filter(|_| is_class)
    }

    fn class_def(&mut self, node: &StmtClassDef) {
        let at = node.name.range().start().to_u32();
        let found = self.definition_at(node.name.as_str(), at, DefinitionKind::Class);
        self.decorators(&node.decorator_list, found);
        let mut bases = Vec::new();
        if let Some(arguments) = &node.arguments {
            self.visit_arguments(arguments);
            bases.extend(arguments.args.iter().map(|base| self.lower(base)));
        }
        // methods of a class that the outline lacks are nobody's
        let kind = match found {
            Some(_) => ScopeKind::Class,
            None => ScopeKind::Expression,
        };
        self.in_scope(kind, |this| {
            this.owner = found.or(this.owner);
            this.function = None;
            this.method = None;
            this.define_scope(found);
            if let Some(types) = &node.type_params {
                this.bind_type_parameters(types);
            }
            let class = Class {
                scope: this.scope,
                bases,
                attributes: Vec::new(),
            };
            if let Some(body) = found.and_then(|ix| this.body_mut(ix)) {
                *body = Body::Class(Box::new(class));
            }
            this.visit_body(&node.body);
        });
        let name = self.name(node.name.as_str());
        self.bind(name, found.map_or(Value::Unknown, Value::Definition), at);
    }

    fn give(&mut self, value: ExprIx, is_yield: bool) {
        if let Some(function) = self.function.and_then(|ix| self.function_mut(ix)) {
            if is_yield {
                function.yields.push(value);
            } else {
                function.returns.push(value);
            }
        }
    }
}

impl<'a> Visitor<'a> for Builder {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        let end = stmt.range().end().to_u32();
        match stmt {
            Stmt::FunctionDef(node) => self.function_def(node),
            Stmt::ClassDef(node) => self.class_def(node),
            Stmt::If(node) => self.if_stmt(node),
            Stmt::For(node) => self.for_stmt(node),
            Stmt::With(node) => self.with_stmt(node),
            Stmt::Try(node) => self.try_stmt(node),
            Stmt::While(node) => {
                self.visit_expr(&node.test);
                self.in_block(None, |this| this.visit_body(&node.body));
                self.in_block(None, |this| this.visit_body(&node.orelse));
            }
            Stmt::Match(node) => {
                self.visit_expr(&node.subject);
                let choice = self.next_choice();
                for (branch, case) in node.cases.iter().enumerate() {
                    self.in_block(Some((choice, number(branch))), |this| this.case(case));
                }
            }
            Stmt::Assign(node) => {
                self.visit_expr(&node.value);
                self.assign_all(&node.targets, &node.value, end);
            }
            Stmt::AnnAssign(node) => self.annotated_assign(node, end),
            Stmt::AugAssign(node) => {
                walk_stmt(self, stmt);
                self.add_exports(&node.target, &node.value, false);
            }
            Stmt::TypeAlias(node) => {
                let value = self.lower_type(&node.value);
                self.assign(&node.name, value, end);
            }
            Stmt::Import(node) => self.import(node, end),
            Stmt::ImportFrom(node) => self.import_from(node, end),
            Stmt::Global(node) => self.take_outer(&node.names, true),
            Stmt::Nonlocal(node) => self.take_outer(&node.names, false),
            Stmt::Return(node) => {
                walk_stmt(self, stmt);
                let value = node.value.as_deref().map(|value| self.lower(value));
                self.give(value.unwrap_or(ExprIx::UNKNOWN), false);
            }
            Stmt::Raise(node) => {
                match node.exc.as_deref() {
                    // Python 2: `raise E, 'why'`
                    Some(Expr::Tuple(parts)) => {
                        if let Some(exception) = parts.elts.first() {
                            self.call(exception, Via::Raise);
                        }
                    }
                    Some(exception) => self.call(exception, Via::Raise),
                    None => {}
                }
                walk_stmt(self, stmt);
            }
            Stmt::Assert(node) => {
                walk_stmt(self, stmt);
                self.narrow(&node.test, false);
            }
            Stmt::Expr(node) => {
                walk_stmt(self, stmt);
                self.exports_call(&node.value);
            }
            _ => walk_stmt(self, stmt),
        }
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Call(node) => {
                self.call(&node.func, Via::Call);
                walk_expr(self, expr);
            }
            Expr::Lambda(node) => self.lambda(node),
            Expr::ListComp(_) | Expr::SetComp(_) | Expr::DictComp(_) | Expr::Generator(_) => {
                self.comprehension(expr);
            }
            Expr::Named(node) => {
                walk_expr(self, expr);
                let value = self.lower(&node.value);
                self.assign_named(&node.target, value, expr.range().end().to_u32());
            }
            Expr::Yield(node) => {
                walk_expr(self, expr);
                let value = node.value.as_deref().map(|value| self.lower(value));
                self.give(value.unwrap_or(ExprIx::UNKNOWN), true);
            }
            Expr::YieldFrom(node) => {
                walk_expr(self, expr);
                let inner = self.lower(&node.value);
                let value = self.expression(Expression::Element(inner));
                self.give(value, true);
            }
            _ => walk_expr(self, expr),
        }
    }
}
