//! Attributes of modules, classes and instances.

use crate::python::repo::facts::ExprIx;
use crate::python::repo::facts::Expression;
use crate::python::repo::facts::Manner;
use crate::python::repo::facts::Value;
use crate::python::repo::facts::named;
use crate::python::repo::layout::FileIx;
use crate::python::repo::query::Query;
use crate::python::repo::thing::DefinitionId;
use crate::python::repo::thing::Found;
use crate::python::repo::thing::Receiver;
use crate::python::repo::thing::Thing;

/// Attributes of a function that lead back to it or to what wraps it.
const CLASS_OF: &str = "__class__";

impl<'a> Query<'a> {
    /// What an attribute means when it is read: properties are called.
    pub(super) fn attribute(&mut self, base: &Found, name: &'a str) -> Found {
        let raw = self.raw_attribute(base, name);
        let mut found = Found {
            things: Vec::new(),
            is_open: raw.is_open,
        };
        for thing in raw.things {
            match thing {
                Thing::Method(id, receiver) if self.manner(id) == Manner::Property => {
                    let value = self.deeper(|query| query.given(id, Some(receiver)));
                    found.add_all(&value);
                }
                thing => found.add(thing),
            }
        }
        found
    }

    /// What an attribute means as it stands: a property is its function.
    pub(super) fn raw_attribute(&mut self, base: &Found, name: &'a str) -> Found {
        let mut found = Found {
            things: Vec::new(),
            is_open: base.is_open || base.is_empty(),
        };
        for thing in &base.things {
            let thing = *thing;
            let next = self.deeper(|query| query.member(thing, name));
            found.add_all(&next);
            found.is_open |= next.is_empty();
        }
        found
    }

    pub(super) fn manner(&self, id: DefinitionId) -> Manner {
        let facts = self.graph.facts(id.file);
        let function = facts.and_then(|facts| facts.function(id.def));
        function.map_or(Manner::Plain, |function| function.manner)
    }

    fn member(&mut self, thing: Thing, name: &'a str) -> Found {
        match thing {
            Thing::Module(module) => self.module_member(module, name),
            Thing::Class(class) => {
                let receiver = Receiver {
                    class,
                    is_instance: false,
                };
                self.class_member(receiver, name, None)
            }
            Thing::Instance(class) if name == CLASS_OF => Found::one(Thing::Class(class)),
            Thing::Instance(class) => {
                let receiver = Receiver {
                    class,
                    is_instance: true,
                };
                self.class_member(receiver, name, None)
            }
            Thing::Super(behind, receiver) => self.class_member(receiver, name, Some(behind)),
            _ => Found::unknown(),
        }
    }

    /// What an attribute means that is looked for along a class's line of descent; only behind `behind` where there is
    /// one. What a class that is not here may hold is told by [`Found::is_open`].
    pub(super) fn class_member(
        &mut self,
        receiver: Receiver,
        name: &'a str,
        behind: Option<DefinitionId>,
    ) -> Found {
        let line = self.line(receiver.class);
        let mut ancestors = line.iter();
        if let Some(behind) = behind {
            ancestors
                .by_ref()
                .find(|ancestor| **ancestor == Some(behind));
        }
        let ancestors: Vec<Option<DefinitionId>> = ancestors.copied().collect();
        if receiver.is_instance && behind.is_none() {
            // something that cannot be followed
            let mut is_given = false;
            for class in ancestors.iter().flatten() {
                let found = self.given_attribute(*class, receiver, name);
                if !found.is_empty() {
                    return found;
                }
                is_given |= found.is_open;
            }
            return self.declared_attribute(&ancestors, receiver, name, is_given);
        }
        self.declared_attribute(&ancestors, receiver, name, false)
    }

    /// What the methods of a class give to an attribute of their instance.
    fn given_attribute(&mut self, class: DefinitionId, receiver: Receiver, name: &str) -> Found {
        let mut found = Found::default();
        let Some(facts) = self.facts(class.file) else {
            return found;
        };
        let (Some(name), Some(body)) = (facts.find_name(name), facts.class(class.def)) else {
            return found;
        };
        let bindings = body.attributes.get(named(&body.attributes, name));
        for binding in bindings.unwrap_or_default().iter().take(MOST_GIVEN) {
            if let Value::Annotated(..) = binding.value {
                let declared = self.bound(class.file, binding, Some(receiver));
                if !declared.is_empty() {
                    return declared;
                }
            }
            let next = self.deeper(|query| query.bound(class.file, binding, Some(receiver)));
            found.add_all(&next);
        }
        found
    }

    /// What the bodies of classes bind a name to: the first class that has it decides. Where the instance itself is
    /// given something else, only a declared type still says what it is.
    fn declared_attribute(
        &mut self,
        ancestors: &[Option<DefinitionId>],
        receiver: Receiver,
        name: &str,
        is_given: bool,
    ) -> Found {
        let mut may_be_elsewhere = false;
        for ancestor in ancestors {
            let Some(class) = *ancestor else {
                may_be_elsewhere = true;
                continue;
            };
            let Some(mut found) = self.declared_in(class, receiver, name, is_given) else {
                continue;
            };
            found.is_open |= may_be_elsewhere;
            return found;
        }
        Found::unknown()
    }

    fn declared_in(
        &mut self,
        class: DefinitionId,
        receiver: Receiver,
        name: &str,
        is_given: bool,
    ) -> Option<Found> {
        let facts = self.facts(class.file)?;
        let ix = facts.find_name(name)?;
        let scope = facts.scope(facts.class(class.def)?.scope)?;
        let seen = facts.last_of(&scope.bindings, ix);
        if seen.bindings.is_empty() {
            return None;
        }
        let mut found = Found {
            things: Vec::new(),
            is_open: seen.is_open,
        };
        for binding in seen.bindings {
            let next = self.deeper(|query| query.bound(class.file, binding, None));
            let is_typed = matches!(binding.value, Value::Annotated(..));
            found.is_open |= next.is_open || (is_given && !is_typed);
            for thing in next.things {
                found.add(match thing {
                    Thing::Function(id) => Thing::Method(id, receiver),
                    thing => thing,
                });
            }
        }
        Some(found)
    }

    /// What a call means by its callee: functions and classes, a property its function.
    pub(in crate::python::repo) fn callees(&mut self, file: FileIx, callee: ExprIx) -> Found {
        let Some(facts) = self.facts(file) else {
            return Found::unknown();
        };
        match facts.expression(callee) {
            Expression::Attribute(base, name) => {
                let base = self.infer(file, *base, None);
                self.raw_attribute(&base, facts.name(*name))
            }
            _ => (*self.infer(file, callee, None)).clone(),
        }
    }
}

/// More assignments to one attribute are not looked at.
const MOST_GIVEN: usize = 12;
