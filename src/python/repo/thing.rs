//! What an expression can mean.

use std::rc::Rc;

use crate::python::repo::facts::DefIx;
use crate::python::repo::facts::ExprIx;
use crate::python::repo::layout::FileIx;
use crate::python::repo::layout::Module;

/// A function or class of the repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DefinitionId {
    pub(super) file: FileIx,
    pub(super) def: DefIx,
}

/// What the first parameter of a method is while it is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Receiver {
    pub(super) class: DefinitionId,
    /// An instance of the class, not the class itself.
    pub(super) is_instance: bool,
}

/// One thing that an expression can mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Thing {
    Module(Module),
    Function(DefinitionId),
    Class(DefinitionId),
    Instance(DefinitionId),
    /// A function that was found in a class.
    Method(DefinitionId, Receiver),
    /// `super()`: the class behind which the search begins, and the class that is searched.
    Super(DefinitionId, Receiver),
    /// What a generator function gives when it is called.
    Generator(DefinitionId, Option<Receiver>),
    /// What a function gives that must be awaited.
    Coroutine(DefinitionId, Option<Receiver>),
    /// What a context manager function gives.
    Manager(DefinitionId, Option<Receiver>),
    /// An instance of a type with arguments, as it is written in a file.
    Generic(FileIx, ExprIx, Option<Receiver>),
    /// A list, tuple, dictionary or comprehension, as it is written in a file.
    Display(FileIx, ExprIx, Option<Receiver>),
}

/// Everything that an expression can mean, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// In the order in which they were found, each once.
    pub(super) things: Vec<Thing>,
    /// It may mean something else as well.
    pub(super) is_open: bool,
}

/// More alternatives than these are no answer.
const MOST_THINGS: usize = 16;

impl Found {
    pub(super) fn unknown() -> Self {
        Self {
            things: Vec::new(),
            is_open: true,
        }
    }

    pub(super) fn one(thing: Thing) -> Self {
        Self {
            things: vec![thing],
            is_open: false,
        }
    }

    pub(super) fn shared(self) -> Rc<Self> {
        Rc::new(self)
    }

    pub(super) fn add(&mut self, thing: Thing) {
        if self.things.contains(&thing) {
            return;
        }
        if self.things.len() < MOST_THINGS {
            self.things.push(thing);
        } else {
            self.is_open = true;
        }
    }

    pub(super) fn add_all(&mut self, other: &Self) {
        for thing in &other.things {
            self.add(*thing);
        }
        self.is_open |= other.is_open;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.things.is_empty()
    }
}
