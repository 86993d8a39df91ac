//! Lines of descent: the order in which Python looks through a class and what it inherits from.

use std::rc::Rc;

use crate::python::repo::graph::Line;
use crate::python::repo::query::Query;
use crate::python::repo::thing::DefinitionId;
use crate::python::repo::thing::Thing;

/// Longer lines are cut; no class has such.
const MOST_ANCESTORS: usize = 200;
/// Deeper descent is cut, as the stack is bounded.
const MOST_GENERATIONS: usize = 64;

impl Query<'_> {
    /// The line of a class, itself first; `None` stands for classes that are not in the repository.
    pub(in crate::python::repo) fn line(&mut self, class: DefinitionId) -> Rc<Line> {
        if let Some(line) = self.graph.line(class) {
            return line.iter().copied().collect();
        }
        if let Some(line) = self.lines.get(&class) {
            return Rc::clone(line);
        }
        if !self.open_classes.insert(class) {
            // a class that is its own ancestor
            return Rc::from([Some(class), None]);
        }
        let line: Rc<Line> = self.make_line(class).into();
        self.open_classes.remove(&class);
        self.lines.insert(class, Rc::clone(&line));
        line
    }

    fn make_line(&mut self, class: DefinitionId) -> Vec<Option<DefinitionId>> {
        let bases = self.bases(class);
        let mut lines: Vec<Vec<Option<DefinitionId>>> = Vec::new();
        for base in &bases {
            lines.push(match base {
                Some(base) if self.open_classes.len() < MOST_GENERATIONS => {
                    self.line(*base).to_vec()
                }
                _ => vec![None],
            });
        }
        lines.push(bases);
        let mut line = vec![Some(class)];
        line.extend(merge(lines));
        line
    }

    /// The bases of a class in order.
    fn bases(&mut self, class: DefinitionId) -> Vec<Option<DefinitionId>> {
        let facts = self.facts(class.file);
        let Some(body) = facts.and_then(|facts| facts.class(class.def)) else {
            return Vec::new();
        };
        let mut bases = Vec::new();
        for base in &body.bases {
            let found = self.infer(class.file, *base, None);
            let known = found.things.iter().find_map(|thing| match thing {
                Thing::Class(base) if *base != class => Some(*base),
                _ => None,
            });
            bases.push(known);
        }
        bases
    }
}

/// Python's C3 order; where the classes contradict each other, simply one line after the other. What is not known takes
/// its place and hinders nobody.
fn merge(lines: Vec<Vec<Option<DefinitionId>>>) -> Vec<Option<DefinitionId>> {
    let mut waiting: Vec<std::collections::VecDeque<Option<DefinitionId>>> =
        lines.into_iter().map(Into::into).collect();
    let mut merged = Vec::new();
    while merged.len() < MOST_ANCESTORS {
        waiting.retain(|line| !line.is_empty());
        let heads = waiting.iter().filter_map(|line| line.front().copied());
        let is_free = |head: &Option<DefinitionId>| {
            head.is_none()
                || !waiting
                    .iter()
                    .any(|line| line.iter().skip(1).any(|one| one == head))
        };
        let mut heads: Vec<Option<DefinitionId>> = heads.collect();
        let Some(first) = heads.first().copied() else {
            break;
        };
        heads.retain(is_free);
        let next = heads.first().copied().unwrap_or(first);
        if next.is_none() {
            // only one of them is taken: each unknown class is another
            if let Some(line) = waiting.iter_mut().find(|line| line.front() == Some(&None)) {
                line.pop_front();
            }
        } else {
            for line in &mut waiting {
                line.retain(|one| *one != next);
            }
        }
        if next.is_some() || merged.last() != Some(&None) {
            merged.push(next);
        }
    }
    merged
}
