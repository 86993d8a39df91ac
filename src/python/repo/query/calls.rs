//! What calls give: instances, what functions return or yield, elements of what is iterated over.

use crate::python::repo::facts::ExprIx;
use crate::python::repo::facts::Expression;
use crate::python::repo::facts::Manner;
use crate::python::repo::facts::ScopeKind;
use crate::python::repo::facts::Use;
use crate::python::repo::layout::FileIx;
use crate::python::repo::query::Query;
use crate::python::repo::thing::DefinitionId;
use crate::python::repo::thing::Found;
use crate::python::repo::thing::Receiver;
use crate::python::repo::thing::Thing;

/// More `return`s of one function are not looked at.
const MOST_RETURNS: usize = 24;

impl Query<'_> {
    /// What `callee(first, …)` gives.
    pub(super) fn called(
        &mut self,
        file: FileIx,
        callee: ExprIx,
        first: ExprIx,
        receiver: Option<Receiver>,
    ) -> Found {
        let callees = self.infer(file, callee, receiver);
        if callees.is_empty() {
            return self.called_elsewhere(file, callee, first, receiver);
        }
        self.each(&callees, Self::result)
    }

    /// What a call of this gives.
    fn result(&mut self, callee: Thing) -> Found {
        match callee {
            Thing::Class(class) => Found::one(Thing::Instance(class)),
            Thing::Function(id) => self.given(id, None),
            Thing::Method(id, receiver) => self.given(id, Some(receiver)),
            Thing::Instance(class) => self.special(class, "__call__"),
            _ => Found::unknown(),
        }
    }

    /// What a method with a name of Python's own gives.
    fn special(&mut self, class: DefinitionId, name: &'static str) -> Found {
        let receiver = Receiver {
            class,
            is_instance: true,
        };
        let methods = self.class_member(receiver, name, None);
        let mut found = Found {
            things: Vec::new(),
            is_open: methods.is_open,
        };
        for method in methods.things {
            if let Thing::Method(id, receiver) = method {
                let next = self.deeper(|query| query.given(id, Some(receiver)));
                found.add_all(&next);
            }
        }
        found
    }

    /// What a function gives to its caller.
    pub(super) fn given(&mut self, id: DefinitionId, receiver: Option<Receiver>) -> Found {
        let facts = self.facts(id.file);
        let Some(function) = facts.and_then(|facts| facts.function(id.def)) else {
            return Found::unknown();
        };
        if function.manner == Manner::Manager {
            return Found::one(Thing::Manager(id, receiver));
        }
        if !function.yields.is_empty() {
            return Found::one(Thing::Generator(id, receiver));
        }
        if function.is_async {
            return Found::one(Thing::Coroutine(id, receiver));
        }
        self.returned(id, receiver)
    }

    /// What a function returns: what its annotation says, else what its `return`s say.
    fn returned(&mut self, id: DefinitionId, receiver: Option<Receiver>) -> Found {
        let facts = self.facts(id.file);
        let Some(function) = facts.and_then(|facts| facts.function(id.def)) else {
            return Found::unknown();
        };
        let receiver = receiver.or_else(|| {
            let def = function.class?;
            let class = DefinitionId { file: id.file, def };
            let is_instance = true;
            Some(Receiver { class, is_instance })
        });
        if let Some(annotation) = function.annotation {
            let found = self.instance_of(id.file, annotation, receiver);
            if !found.is_empty() {
                return found;
            }
        }
        if function.is_wrapped {
            return Found::unknown();
        }
        let mut found = Found::default();
        for value in function.returns.iter().take(MOST_RETURNS) {
            found.add_all(&self.infer(id.file, *value, receiver));
        }
        found.is_open |= function.returns.is_empty() || function.returns.len() > MOST_RETURNS;
        found
    }

    /// What a function yields.
    fn yielded(&mut self, id: DefinitionId, receiver: Option<Receiver>) -> Found {
        let facts = self.facts(id.file);
        let Some(function) = facts.and_then(|facts| facts.function(id.def)) else {
            return Found::unknown();
        };
        if let Some(annotation) = function.annotation {
            let kind = self.instance_of(id.file, annotation, receiver);
            let found = self.each(&kind, Self::element);
            if !found.is_empty() {
                return found;
            }
        }
        let mut found = Found::default();
        for value in function.yields.iter().take(MOST_RETURNS) {
            found.add_all(&self.infer(id.file, *value, receiver));
        }
        found
    }

    /// What `await` gives.
    pub(super) fn awaited(&mut self, thing: Thing) -> Found {
        match thing {
            Thing::Coroutine(id, receiver) => self.returned(id, receiver),
            Thing::Instance(class) => {
                let given = self.special(class, "__await__");
                self.each(&given, Self::element)
            }
            Thing::Generic(file, expr, receiver) => self.argument(file, expr, receiver, None),
            _ => Found::unknown(),
        }
    }

    /// What `with … as x` gives to x.
    pub(super) fn entered(&mut self, thing: Thing) -> Found {
        match thing {
            Thing::Manager(id, receiver) => self.yielded(id, receiver),
            Thing::Instance(class) => {
                let mut found = self.special(class, "__enter__");
                if found.is_empty() {
                    let later = self.special(class, "__aenter__");
                    found = self.each(&later, Self::awaited);
                }
                found
            }
            Thing::Generic(file, expr, receiver) => self.argument(file, expr, receiver, None),
            _ => Found::unknown(),
        }
    }

    /// What iterating over it gives.
    pub(super) fn element(&mut self, thing: Thing) -> Found {
        match thing {
            Thing::Generator(id, receiver) => self.yielded(id, receiver),
            Thing::Display(file, expr, receiver) => self.shown(file, expr, receiver, false),
            Thing::Generic(file, expr, receiver) => self.argument(file, expr, receiver, Some(0)),
            Thing::Instance(class) => {
                let iterators = self.special(class, "__iter__");
                let mut found = Found {
                    things: Vec::new(),
                    is_open: iterators.is_open,
                };
                for iterator in iterators.things {
                    let next = match iterator {
                        Thing::Instance(class) => self.special(class, "__next__"),
                        other => self.deeper(|query| query.element(other)),
                    };
                    found.add_all(&next);
                }
                found
            }
            _ => Found::unknown(),
        }
    }

    /// What `x[…]` gives.
    pub(super) fn item(&mut self, thing: Thing) -> Found {
        match thing {
            Thing::Display(file, expr, receiver) => self.shown(file, expr, receiver, true),
            Thing::Generic(file, expr, receiver) => self.argument(file, expr, receiver, None),
            Thing::Instance(class) => self.special(class, "__getitem__"),
            // a class with type arguments is that class
            Thing::Class(class) => Found::one(Thing::Class(class)),
            _ => Found::unknown(),
        }
    }

    /// What stands in a display; the values of a dictionary where `is_value`.
    fn shown(
        &mut self,
        file: FileIx,
        expr: ExprIx,
        receiver: Option<Receiver>,
        is_value: bool,
    ) -> Found {
        let parts = match self.facts(file).map(|facts| facts.expression(expr)) {
            Some(Expression::Display(parts)) => parts,
            Some(Expression::Values(parts)) if is_value => parts,
            Some(Expression::Each(part)) => return (*self.infer(file, *part, receiver)).clone(),
            _ => return Found::unknown(),
        };
        let mut found = Found::default();
        for part in parts {
            found.add_all(&self.infer(file, *part, receiver));
        }
        found
    }

    /// What `for x in inner` gives to x.
    pub(super) fn element_of(
        &mut self,
        file: FileIx,
        inner: ExprIx,
        receiver: Option<Receiver>,
    ) -> Found {
        if let Some((base, "values")) = self.method_call(file, inner) {
            let base = self.infer(file, base, receiver);
            let found = self.each(&base, Self::item);
            if !found.is_empty() {
                return found;
            }
        }
        let inner = self.infer(file, inner, receiver);
        self.each(&inner, Self::element)
    }

    /// What unpacking gives to the target at `place`.
    pub(super) fn nth_of(
        &mut self,
        file: FileIx,
        inner: ExprIx,
        place: u32,
        receiver: Option<Receiver>,
    ) -> Found {
        let facts = self.facts(file);
        if let Some(Expression::Element(over)) = facts.map(|facts| facts.expression(inner)) {
            if let Some((base, "items")) = self.method_call(file, *over)
                && place == 1
            {
                let base = self.infer(file, base, receiver);
                return self.each(&base, Self::item);
            }
            if let Some(counted) = self.built_in_call(file, *over, "enumerate") {
                if place == 1 {
                    return self.element_of(file, counted, receiver);
                }
                return Found::unknown();
            }
        }
        let whole = self.infer(file, inner, receiver);
        let mut found = Found {
            things: Vec::new(),
            is_open: whole.is_open,
        };
        for thing in &whole.things {
            let next = match *thing {
                Thing::Display(file, expr, receiver) => self.shown_at(file, expr, receiver, place),
                Thing::Generic(file, expr, receiver) => {
                    self.tuple_argument(file, expr, receiver, place)
                }
                other => self.deeper(|query| query.element(other)),
            };
            found.add_all(&next);
        }
        found
    }

    fn shown_at(
        &mut self,
        file: FileIx,
        expr: ExprIx,
        receiver: Option<Receiver>,
        place: u32,
    ) -> Found {
        match self.facts(file).map(|facts| facts.expression(expr)) {
            Some(Expression::Display(parts)) => match parts.get(place as usize) {
                Some(part) => (*self.infer(file, *part, receiver)).clone(),
                None => Found::unknown(),
            },
            _ => self.shown(file, expr, receiver, false),
        }
    }

    /// The base and the name of a call of a method.
    fn method_call(&self, file: FileIx, expr: ExprIx) -> Option<(ExprIx, &str)> {
        let facts = self.graph.facts(file)?;
        let Expression::Call(callee, _) = facts.expression(expr) else {
            return None;
        };
        match facts.expression(*callee) {
            Expression::Attribute(base, name) => Some((*base, facts.name(*name))),
            _ => None,
        }
    }

    /// The first argument of a call of a built-in function.
    fn built_in_call(&mut self, file: FileIx, expr: ExprIx, wanted: &str) -> Option<ExprIx> {
        let facts = self.facts(file)?;
        let Expression::Call(callee, first) = facts.expression(expr) else {
            return None;
        };
        let Expression::Name(name, used) = facts.expression(*callee) else {
            return None;
        };
        let is_it = facts.name(*name) == wanted && self.is_built_in(file, *name, *used);
        is_it.then_some(*first)
    }

    /// What a call gives of which the callee is not in the repository: Python's own functions that give what they take.
    fn called_elsewhere(
        &mut self,
        file: FileIx,
        callee: ExprIx,
        first: ExprIx,
        receiver: Option<Receiver>,
    ) -> Found {
        let Some(facts) = self.facts(file) else {
            return Found::unknown();
        };
        match facts.expression(callee) {
            Expression::Name(name, used) if self.is_built_in(file, *name, *used) => {
                match facts.name(*name) {
                    "super" => self.parent(file, *used, first, receiver),
                    "type" => {
                        let of = self.infer(file, first, receiver);
                        self.each(&of, |_, thing| match thing {
                            Thing::Instance(class) => Found::one(Thing::Class(class)),
                            _ => Found::unknown(),
                        })
                    }
                    "next" => self.element_of(file, first, receiver),
                    "iter" | "list" | "tuple" | "set" | "frozenset" | "sorted" | "reversed" => {
                        (*self.infer(file, first, receiver)).clone()
                    }
                    _ => Found::unknown(),
                }
            }
            Expression::Name(name, _) => {
                self.library_call(file, facts.name(*name), first, receiver)
            }
            Expression::Attribute(base, name) => {
                let name = facts.name(*name);
                if matches!(name, "get" | "pop" | "popleft" | "setdefault") {
                    let base = self.infer(file, *base, receiver);
                    return self.each(&base, |query, thing| match thing {
                        Thing::Display(..) | Thing::Generic(..) => query.item(thing),
                        _ => Found::unknown(),
                    });
                }
                self.library_call(file, name, first, receiver)
            }
            _ => Found::unknown(),
        }
    }

    /// Functions of the standard library by the name that they customarily have.
    fn library_call(
        &mut self,
        file: FileIx,
        name: &str,
        first: ExprIx,
        receiver: Option<Receiver>,
    ) -> Found {
        match name {
            "cast" => self.instance_of(file, first, receiver),
            "copy" | "deepcopy" | "partial" | "deque" => {
                (*self.infer(file, first, receiver)).clone()
            }
            _ => Found::unknown(),
        }
    }

    /// `super()` and `super(A, self)`.
    fn parent(
        &mut self,
        file: FileIx,
        used: Use,
        first: ExprIx,
        receiver: Option<Receiver>,
    ) -> Found {
        let behind = if first == ExprIx::UNKNOWN {
            self.class_around(file, used)
        } else {
            let classes = self.infer(file, first, receiver);
            classes.things.iter().find_map(|thing| match thing {
                Thing::Class(class) => Some(*class),
                _ => None,
            })
        };
        let Some(behind) = behind else {
            return Found::unknown();
        };
        let own = Receiver {
            class: behind,
            is_instance: true,
        };
        let receiver = receiver.filter(|found| self.graph.descends(found.class, behind));
        Found::one(Thing::Super(behind, receiver.unwrap_or(own)))
    }

    /// The class in one of whose methods a use stands.
    fn class_around(&self, file: FileIx, used: Use) -> Option<DefinitionId> {
        let facts = self.graph.facts(file)?;
        let mut next = Some(used.scope);
        while let Some(ix) = next {
            let scope = facts.scope(ix)?;
            if scope.kind == ScopeKind::Class {
                let def = scope.definition?;
                return Some(DefinitionId { file, def });
            }
            next = scope.parent;
        }
        None
    }
}
