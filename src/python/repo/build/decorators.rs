//! What decorators make of a function, by their customary names.

use ruff_python_ast::Decorator;
use ruff_python_ast::Expr;
use ruff_python_ast::visitor::Visitor as _;

use crate::python::repo::build::Builder;
use crate::python::repo::facts::DefIx;
use crate::python::repo::facts::Manner;
use crate::python::repo::facts::Via;

/// Decorators that leave what a function returns as it is.
const TRANSPARENT: [&str; 13] = [
    "staticmethod",
    "classmethod",
    "abstractmethod",
    "abstractclassmethod",
    "abstractstaticmethod",
    "wraps",
    "lru_cache",
    "cache",
    "final",
    "override",
    "overload",
    "deprecated",
    "no_type_check",
];

/// What the decorators of a function say.
pub(super) struct Decorated {
    pub(super) manner: Manner,
    pub(super) is_wrapped: bool,
}

impl Builder {
    /// Notes the decorators' calls as the definition's own.
    pub(super) fn decorators(
        &mut self,
        decorators: &[Decorator],
        owner: Option<DefIx>,
    ) -> Decorated {
        let outer = self.owner;
        self.owner = owner.or(outer);
        let mut decorated = Decorated {
            manner: Manner::Plain,
            is_wrapped: false,
        };
        for decorator in decorators {
            let (callee, is_call) = match &decorator.expression {
                Expr::Call(call) => (&*call.func, true),
                other => (other, false),
            };
            if !is_call {
                self.call(callee, Via::Decorator);
            }
            self.visit_expr(&decorator.expression);
            let name = match callee {
                Expr::Name(name) => name.id.as_str(),
                Expr::Attribute(found) => found.attr.as_str(),
                _ => "",
            };
            decorated.add(name);
        }
        self.owner = outer;
        decorated
    }
}

impl Decorated {
    fn add(&mut self, name: &str) {
        match name {
            "staticmethod" | "abstractstaticmethod" => self.manner = Manner::Static,
            "classmethod" | "abstractclassmethod" => self.manner = Manner::Class,
            "contextmanager" | "asynccontextmanager" => self.manner = Manner::Manager,
            "setter" | "deleter" => self.manner = Manner::Accessor,
            name if is_property(name) => self.manner = Manner::Property,
            _ => self.is_wrapped |= !TRANSPARENT.contains(&name),
        }
    }
}

/// `property`, `cached_property`, `abstractproperty`, `lazyproperty` …
fn is_property(name: &str) -> bool {
    name.ends_with("property") || name == "getter"
}
