//! Names: bindings, imports, star imports, members of modules.

use crate::python::repo::facts::Binding;
use crate::python::repo::facts::Facts;
use crate::python::repo::facts::Manner;
use crate::python::repo::facts::NameIx;
use crate::python::repo::facts::ScopeIx;
use crate::python::repo::facts::ScopeKind;
use crate::python::repo::facts::Use;
use crate::python::repo::facts::Value;
use crate::python::repo::layout::FileIx;
use crate::python::repo::layout::Module;
use crate::python::repo::query::Query;
use crate::python::repo::thing::DefinitionId;
use crate::python::repo::thing::Found;
use crate::python::repo::thing::Receiver;
use crate::python::repo::thing::Thing;

/// First parameters of these are the class, whatever their decorators.
const OF_CLASS: [&str; 3] = ["__new__", "__init_subclass__", "__class_getitem__"];

impl<'a> Query<'a> {
    /// What a name means where it is used.
    pub(super) fn name(
        &mut self,
        file: FileIx,
        name: NameIx,
        used: Use,
        receiver: Option<Receiver>,
    ) -> Found {
        let Some(facts) = self.facts(file) else {
            return Found::unknown();
        };
        let seen = facts.look_up(name, used);
        if seen.bindings.is_empty() {
            if seen.scope.is_some() {
                return Found::unknown();
            }
            return self.starred(file, facts.name(name));
        }
        let kind = seen
            .scope
            .and_then(|ix| facts.scope(ix))
            .map(|scope| scope.kind);
        // outside of functions nothing depends on the receiver
        let receiver =
            receiver.filter(|_| matches!(kind, Some(ScopeKind::Function | ScopeKind::Expression)));
        let mut found = Found {
            things: Vec::new(),
            is_open: seen.is_open,
        };
        for binding in seen.bindings {
            found.add_all(&self.bound(file, binding, receiver));
        }
        found
    }

    /// Whether a name has no meaning but the built-in one.
    pub(super) fn is_built_in(&mut self, file: FileIx, name: NameIx, used: Use) -> bool {
        let Some(facts) = self.facts(file) else {
            return false;
        };
        facts.look_up(name, used).scope.is_none()
    }

    /// What a binding gives.
    pub(super) fn bound(
        &mut self,
        file: FileIx,
        binding: &Binding,
        receiver: Option<Receiver>,
    ) -> Found {
        let Some(facts) = self.facts(file) else {
            return Found::unknown();
        };
        match &binding.value {
            Value::Unknown => Found::unknown(),
            Value::Definition(def) => {
                let id = DefinitionId { file, def: *def };
                if facts.class(*def).is_some() {
                    Found::one(Thing::Class(id))
                } else if facts.function(*def).is_some() {
                    Found::one(Thing::Function(id))
                } else {
                    Found::unknown()
                }
            }
            Value::Expression(expr) => (*self.infer(file, *expr, receiver)).clone(),
            Value::Annotated(annotation, value) => {
                let found = self.instance_of(file, *annotation, receiver);
                if found.is_empty() {
                    return (*self.infer(file, *value, receiver)).clone();
                }
                found
            }
            Value::Module {
                dotted,
                is_first_part,
            } => {
                let found = self.graph.layout().absolute(file, facts.name(*dotted));
                let module = found.and_then(
                    |(first, whole)| {
                        if *is_first_part { Some(first) } else { whole }
                    },
                );
                module.map_or_else(Found::unknown, |module| Found::one(Thing::Module(module)))
            }
            Value::Member {
                level,
                dotted,
                member,
            } => {
                let module = self.imported(file, facts, *level, *dotted);
                module.map_or_else(Found::unknown, |module| {
                    self.deeper(|query| query.module_member(module, facts.name(*member)))
                })
            }
            Value::Parameter {
                of,
                place,
                annotation,
                default,
            } => {
                let of = DefinitionId { file, def: *of };
                if *place == Some(0)
                    && let Some(thing) = self.first_parameter(of, receiver)
                {
                    return Found::one(thing);
                }
                let mut found = self.instance_of(file, *annotation, receiver);
                if found.is_empty() {
                    found = (*self.infer(file, *default, None)).clone();
                    // callers may give anything
                    found.is_open = true;
                }
                found
            }
        }
    }

    /// What the first parameter of a method is.
    fn first_parameter(&self, of: DefinitionId, receiver: Option<Receiver>) -> Option<Thing> {
        let facts = self.graph.facts(of.file)?;
        let function = facts.function(of.def)?;
        let class = DefinitionId {
            file: of.file,
            def: function.class?,
        };
        let name = facts.definition(of.def)?.name.as_str();
        let is_of_class = function.manner == Manner::Class || OF_CLASS.contains(&name);
        if function.manner == Manner::Static {
            return None;
        }
        let class = receiver
            .filter(|receiver| self.graph.descends(receiver.class, class))
            .map_or(class, |receiver| receiver.class);
        Some(if is_of_class {
            Thing::Class(class)
        } else {
            Thing::Instance(class)
        })
    }

    fn imported(
        &self,
        file: FileIx,
        facts: &Facts,
        level: u32,
        dotted: Option<NameIx>,
    ) -> Option<Module> {
        let dotted = dotted.map_or("", |name| facts.name(name));
        if level > 0 {
            return self.graph.layout().relative(file, level, dotted);
        }
        self.graph.layout().absolute(file, dotted)?.1
    }

    /// What `module.name` means: what the module binds, takes from others by star, or has as a submodule.
    pub(super) fn module_member(&mut self, module: Module, name: &'a str) -> Found {
        let mut found = Found::unknown();
        if let Module::File(file) = module
            && self.open_members.insert((file, name))
        {
            found = self.own_member(file, name);
            self.open_members.remove(&(file, name));
        }
        if found.is_empty()
            && let Some(inner) = self.graph.layout().submodule(module, name)
        {
            return Found::one(Thing::Module(inner));
        }
        found
    }

    fn own_member(&mut self, file: FileIx, name: &'a str) -> Found {
        let Some(facts) = self.facts(file) else {
            return Found::unknown();
        };
        let (Some(ix), Some(module)) = (facts.find_name(name), facts.scope(ScopeIx::MODULE)) else {
            return self.starred(file, name);
        };
        let seen = facts.last_of(&module.bindings, ix);
        if seen.bindings.is_empty() {
            return self.starred(file, name);
        }
        let mut found = Found {
            things: Vec::new(),
            is_open: seen.is_open,
        };
        for binding in seen.bindings {
            found.add_all(&self.bound(file, binding, None));
        }
        found
    }

    /// What a name means that a file takes from another module with all others.
    fn starred(&mut self, file: FileIx, name: &'a str) -> Found {
        let Some(facts) = self.facts(file) else {
            return Found::unknown();
        };
        let mut may_be_elsewhere = false;
        for (level, dotted) in facts.stars.iter().rev() {
            let Some(module) = self.imported(file, facts, *level, *dotted) else {
                may_be_elsewhere = true;
                continue;
            };
            if !self.is_exported(module, name) {
                continue;
            }
            if let Module::File(other) = module
                && self.open_members.insert((other, name))
            {
                let mut found = self.deeper(|query| query.own_member(other, name));
                self.open_members.remove(&(other, name));
                if !found.is_empty() {
                    found.is_open |= may_be_elsewhere;
                    return found;
                }
            }
        }
        Found::unknown()
    }

    /// Whether `from module import *` takes a name, as far as the module says.
    fn is_exported(&self, module: Module, name: &str) -> bool {
        let Module::File(file) = module else {
            return false;
        };
        let Some(facts) = self.graph.facts(file) else {
            return false;
        };
        match &facts.exports {
            Some(exports) if exports.names.iter().any(|ix| facts.name(*ix) == name) => true,
            Some(exports) => exports.is_partial && !name.starts_with('_'),
            None => !name.starts_with('_'),
        }
    }
}
