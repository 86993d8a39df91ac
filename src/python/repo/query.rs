//! One question to the index: what expressions mean, asked of as many files as it takes.
//!
//! A query remembers what it found, stops at cycles and after a bounded number of steps; what it answers depends on the
//! question and the repository alone, never on what was asked before it.

mod calls;
mod classes;
mod members;
mod names;
mod types;

use std::collections::HashMap;
use std::collections::HashSet;
use std::rc::Rc;

use crate::python::repo::facts::ExprIx;
use crate::python::repo::facts::Expression;
use crate::python::repo::facts::Facts;
use crate::python::repo::graph::Graph;
use crate::python::repo::graph::Line;
use crate::python::repo::layout::FileIx;
use crate::python::repo::thing::DefinitionId;
use crate::python::repo::thing::Found;
use crate::python::repo::thing::Receiver;
use crate::python::repo::thing::Thing;

/// How far a question leads from file to file; the stack is bounded by it.
const MOST_LEVELS: usize = 48;
/// Steps for one call.
const MOST_STEPS: usize = 4_000;

type Key = (FileIx, ExprIx, Option<Receiver>);

/// A question and what was found on the way.
pub(super) struct Query<'a> {
    pub(super) graph: &'a Graph,
    known: HashMap<Key, Rc<Found>>,
    open: HashSet<Key>,
    open_members: HashSet<(FileIx, &'a str)>,
    /// Lines of descent that were made on the way, where the graph has none yet.
    lines: HashMap<DefinitionId, Rc<Line>>,
    open_classes: HashSet<DefinitionId>,
    level: usize,
    steps: usize,
}

impl<'a> Query<'a> {
    pub(super) fn new(graph: &'a Graph) -> Self {
        Self {
            graph,
            known: HashMap::new(),
            open: HashSet::new(),
            open_members: HashSet::new(),
            lines: HashMap::new(),
            open_classes: HashSet::new(),
            level: 0,
            steps: 0,
        }
    }

    /// Begins to count steps anew, for the next call.
    pub(super) fn refresh(&mut self) {
        self.steps = 0;
    }

    fn facts(&self, file: FileIx) -> Option<&'a Facts> {
        self.graph.facts(file)
    }

    /// Does `work` a level deeper; unknown where that is too deep or too long.
    fn deeper(&mut self, work: impl FnOnce(&mut Self) -> Found) -> Found {
        self.steps += 1;
        if self.level >= MOST_LEVELS || self.steps > MOST_STEPS {
            return Found::unknown();
        }
        self.level += 1;
        let found = work(self);
        self.level -= 1;
        found
    }

    /// What an expression of a file means.
    pub(super) fn infer(
        &mut self,
        file: FileIx,
        expr: ExprIx,
        receiver: Option<Receiver>,
    ) -> Rc<Found> {
        let key = (file, expr, receiver);
        if let Some(found) = self.known.get(&key) {
            return Rc::clone(found);
        }
        if expr == ExprIx::UNKNOWN || !self.open.insert(key) {
            return Found::unknown().shared();
        }
        let found = self
            .deeper(|query| query.meaning(file, expr, receiver))
            .shared();
        self.open.remove(&key);
        self.known.insert(key, Rc::clone(&found));
        found
    }

    fn meaning(&mut self, file: FileIx, expr: ExprIx, receiver: Option<Receiver>) -> Found {
        let Some(facts) = self.facts(file) else {
            return Found::unknown();
        };
        match facts.expression(expr) {
            Expression::Unknown => Found::unknown(),
            Expression::Name(name, used) => self.name(file, *name, *used, receiver),
            Expression::Attribute(base, name) => {
                let base = self.infer(file, *base, receiver);
                let name = facts.name(*name);
                self.attribute(&base, name)
            }
            Expression::Call(callee, first) => {
                let (callee, first) = (*callee, *first);
                self.called(file, callee, first, receiver)
            }
            Expression::Await(inner) => {
                let inner = self.infer(file, *inner, receiver);
                self.each(&inner, Self::awaited)
            }
            Expression::Subscript(base, _) => {
                let base = self.infer(file, *base, receiver);
                let mut found = self.each(&base, Self::item);
                if base.is_empty() {
                    // a type with arguments of a class that is not here
                    found.add(Thing::Generic(file, expr, receiver));
                }
                found
            }
            Expression::Either(parts) => {
                let mut found = Found::default();
                for part in parts {
                    found.add_all(&self.infer(file, *part, receiver));
                }
                found
            }
            Expression::Display(_) | Expression::Each(_) | Expression::Values(_) => {
                Found::one(Thing::Display(file, expr, receiver))
            }
            Expression::Element(inner) => self.element_of(file, *inner, receiver),
            Expression::Nth(inner, place) => self.nth_of(file, *inner, *place, receiver),
            Expression::Entered(inner) => {
                let inner = self.infer(file, *inner, receiver);
                self.each(&inner, Self::entered)
            }
            Expression::Instance(kind) => self.checked(file, *kind, receiver),
        }
    }

    /// What `step` leads to from each of the things.
    fn each(&mut self, from: &Found, step: fn(&mut Self, Thing) -> Found) -> Found {
        let mut found = Found {
            things: Vec::new(),
            is_open: from.is_open,
        };
        for thing in &from.things {
            let next = self.deeper(|query| step(query, *thing));
            found.add_all(&next);
        }
        found
    }

    /// An instance of the class, or one of the classes, that `isinstance`, `except` or `case` names.
    fn checked(&mut self, file: FileIx, kind: ExprIx, receiver: Option<Receiver>) -> Found {
        let kinds = self.infer(file, kind, receiver);
        let mut found = Found {
            things: Vec::new(),
            is_open: kinds.is_open,
        };
        for kind in &kinds.things {
            match kind {
                Thing::Class(class) => found.add(Thing::Instance(*class)),
                Thing::Display(..) => {
                    let each = self.element(*kind);
                    for thing in &each.things {
                        if let Thing::Class(class) = thing {
                            found.add(Thing::Instance(*class));
                        }
                    }
                    found.is_open |= each.is_open;
                }
                _ => found.is_open = true,
            }
        }
        found
    }
}
