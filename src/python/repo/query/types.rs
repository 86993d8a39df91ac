//! Annotations: what an instance of a written type is.

use crate::python::repo::facts::ExprIx;
use crate::python::repo::facts::Expression;
use crate::python::repo::layout::FileIx;
use crate::python::repo::query::Query;
use crate::python::repo::thing::Found;
use crate::python::repo::thing::Receiver;
use crate::python::repo::thing::Thing;

/// Forms of `typing` that stand for their arguments.
const TRANSPARENT: [&str; 9] = [
    "Optional",
    "Union",
    "Annotated",
    "ClassVar",
    "Final",
    "Required",
    "NotRequired",
    "ReadOnly",
    "InitVar",
];

/// Generic types whose instances hold what their second argument says.
const MAPPINGS: [&str; 10] = [
    "Dict",
    "dict",
    "Mapping",
    "MutableMapping",
    "DefaultDict",
    "defaultdict",
    "OrderedDict",
    "ChainMap",
    "WeakValueDictionary",
    "WeakKeyDictionary",
];

impl Query<'_> {
    /// What an instance of the type that is written at `kind` is.
    pub(super) fn instance_of(
        &mut self,
        file: FileIx,
        kind: ExprIx,
        receiver: Option<Receiver>,
    ) -> Found {
        self.deeper(|query| query.instance(file, kind, receiver))
    }

    fn instance(&mut self, file: FileIx, kind: ExprIx, receiver: Option<Receiver>) -> Found {
        let Some(facts) = self.facts(file) else {
            return Found::unknown();
        };
        match facts.expression(kind) {
            Expression::Either(parts) => {
                let mut found = Found::default();
                for part in parts {
                    found.add_all(&self.instance_of(file, *part, receiver));
                }
                found
            }
            Expression::Subscript(base, arguments) => {
                let classes = self.infer(file, *base, None);
                if !classes.is_empty() {
                    return self.each(&classes, Self::made);
                }
                let name = self.last_name(file, *base);
                if TRANSPARENT.contains(&name) {
                    return self.any_of(file, *arguments, name == "Annotated", receiver);
                }
                if matches!(name, "Type" | "type") {
                    return (*self.infer(file, *arguments, None)).clone();
                }
                Found::one(Thing::Generic(file, kind, receiver))
            }
            Expression::Name(..) | Expression::Attribute(..) => {
                let classes = self.infer(file, kind, None);
                if classes.is_empty()
                    && self.last_name(file, kind) == "Self"
                    && let Some(receiver) = receiver
                {
                    return Found::one(Thing::Instance(receiver.class));
                }
                self.each(&classes, Self::made)
            }
            _ => Found::unknown(),
        }
    }

    /// An instance of what a type's name means: a class, or a type with arguments that was given a name.
    fn made(&mut self, kind: Thing) -> Found {
        match kind {
            Thing::Class(class) => Found::one(Thing::Instance(class)),
            Thing::Generic(file, expr, receiver) => self.instance_of(file, expr, receiver),
            _ => Found::unknown(),
        }
    }

    /// The name of a type without the module that it is taken from.
    fn last_name(&self, file: FileIx, expr: ExprIx) -> &str {
        let Some(facts) = self.graph.facts(file) else {
            return "";
        };
        match facts.expression(expr) {
            Expression::Name(name, _) | Expression::Attribute(_, name) => facts.name(*name),
            _ => "",
        }
    }

    /// An instance of one of the types; of the first alone where only it is a type.
    fn any_of(
        &mut self,
        file: FileIx,
        arguments: ExprIx,
        is_first: bool,
        receiver: Option<Receiver>,
    ) -> Found {
        let Some(facts) = self.facts(file) else {
            return Found::unknown();
        };
        let Expression::Display(parts) = facts.expression(arguments) else {
            return self.instance_of(file, arguments, receiver);
        };
        let count = if is_first { 1 } else { parts.len() };
        let mut found = Found::default();
        for part in parts.iter().take(count) {
            found.add_all(&self.instance_of(file, *part, receiver));
        }
        found
    }

    /// An instance of an argument of a type: of the one that says what it holds (`None`), or of the one over which it
    /// is iterated (`Some(0)`).
    pub(super) fn argument(
        &mut self,
        file: FileIx,
        expr: ExprIx,
        receiver: Option<Receiver>,
        place: Option<usize>,
    ) -> Found {
        let Some(facts) = self.facts(file) else {
            return Found::unknown();
        };
        let Expression::Subscript(base, arguments) = facts.expression(expr) else {
            return Found::unknown();
        };
        let name = self.last_name(file, *base);
        let parts = match facts.expression(*arguments) {
            Expression::Display(parts) => parts,
            _ => std::slice::from_ref(arguments),
        };
        if matches!(name, "Tuple" | "tuple") {
            return self.any_of(file, *arguments, false, receiver);
        }
        let wanted = match (place, name) {
            (None, name) if MAPPINGS.contains(&name) => 1,
            // what a coroutine gives in the end stands last
            (None, "Coroutine") => 2,
            (_, "Callable") => return Found::unknown(),
            _ => 0,
        };
        match parts.get(wanted) {
            Some(part) => self.instance_of(file, *part, receiver),
            None => Found::unknown(),
        }
    }

    /// What unpacking an instance of a type gives to the target at `place`.
    pub(super) fn tuple_argument(
        &mut self,
        file: FileIx,
        expr: ExprIx,
        receiver: Option<Receiver>,
        place: u32,
    ) -> Found {
        let Some(facts) = self.facts(file) else {
            return Found::unknown();
        };
        if let Expression::Subscript(base, arguments) = facts.expression(expr)
            && matches!(self.last_name(file, *base), "Tuple" | "tuple")
            && let Expression::Display(parts) = facts.expression(*arguments)
            && let Some(part) = parts.get(place as usize)
        {
            return self.instance_of(file, *part, receiver);
        }
        self.argument(file, expr, receiver, Some(0))
    }
}
