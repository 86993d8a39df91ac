//! Statements that hold others: which of them run together, and what they give to names.

use ruff_python_ast::ElifElseClause;
use ruff_python_ast::ExceptHandler;
use ruff_python_ast::Expr;
use ruff_python_ast::MatchCase;
use ruff_python_ast::StmtFor;
use ruff_python_ast::StmtIf;
use ruff_python_ast::StmtTry;
use ruff_python_ast::StmtWith;
use ruff_python_ast::visitor::Visitor as _;
use ruff_text_size::Ranged as _;

use crate::python::repo::build::Builder;
use crate::python::repo::build::number;
use crate::python::repo::facts::ExprIx;
use crate::python::repo::facts::Expression;
use crate::python::repo::facts::Value;

impl Builder {
    pub(super) fn if_stmt(&mut self, node: &StmtIf) {
        self.visit_expr(&node.test);
        let choice = self.next_choice();
        if is_type_checking(&node.test) {
            self.visit_body(&node.body);
        } else {
            self.in_block(Some((choice, 0)), |this| {
                this.narrow(&node.test, true);
                this.visit_body(&node.body);
            });
        }
        for (branch, clause) in node.elif_else_clauses.iter().enumerate() {
            self.in_block(Some((choice, number(branch + 1))), |this| {
                this.elif_else(clause);
            });
        }
    }

    fn elif_else(&mut self, clause: &ElifElseClause) {
        if let Some(test) = &clause.test {
            self.visit_expr(test);
            self.narrow(test, true);
        }
        self.visit_body(&clause.body);
    }

    pub(super) fn for_stmt(&mut self, node: &StmtFor) {
        self.visit_expr(&node.iter);
        let iter = self.lower(&node.iter);
        let element = self.expression(Expression::Element(iter));
        self.assign(&node.target, element, node.iter.range().end().to_u32());
        self.in_block(None, |this| this.visit_body(&node.body));
        self.in_block(None, |this| this.visit_body(&node.orelse));
    }

    pub(super) fn with_stmt(&mut self, node: &StmtWith) {
        for item in &node.items {
            self.visit_expr(&item.context_expr);
            if let Some(target) = &item.optional_vars {
                let context = self.lower(&item.context_expr);
                let entered = self.expression(Expression::Entered(context));
                self.assign(target, entered, target.range().start().to_u32());
            }
        }
        self.visit_body(&node.body);
    }

    pub(super) fn try_stmt(&mut self, node: &StmtTry) {
        self.in_block(None, |this| this.visit_body(&node.body));
        for handler in &node.handlers {
            let ExceptHandler::ExceptHandler(handler) = handler;
            self.in_block(None, |this| {
                let mut value = ExprIx::UNKNOWN;
                if let Some(kind) = &handler.type_ {
                    this.visit_expr(kind);
                    let kind = this.lower(kind);
                    value = this.expression(Expression::Instance(kind));
                }
                if let Some(name) = &handler.name {
                    let at = name.range().end().to_u32();
                    let name = this.name(name.as_str());
                    this.bind(name, Value::Expression(value), at);
                }
                this.visit_body(&handler.body);
            });
        }
        self.in_block(None, |this| this.visit_body(&node.orelse));
        self.visit_body(&node.finalbody);
    }

    pub(super) fn case(&mut self, case: &MatchCase) {
        self.visit_pattern(&case.pattern);
        self.bind_pattern(&case.pattern);
        if let Some(guard) = &case.guard {
            self.visit_expr(guard);
        }
        self.visit_body(&case.body);
    }
}

/// Whether a test is true for type checkers only: what stands below it tells what the names are.
fn is_type_checking(test: &Expr) -> bool {
    match test {
        Expr::Name(name) => name.id.as_str() == "TYPE_CHECKING",
        Expr::Attribute(found) => found.attr.as_str() == "TYPE_CHECKING",
        _ => false,
    }
}
