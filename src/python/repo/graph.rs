//! The files of a repository with what lies between them: layout and descent.

use std::collections::HashMap;
use std::sync::Arc;

use rayon::iter::IntoParallelIterator as _;
use rayon::iter::ParallelIterator as _;

use crate::cancel::Cancel;
use crate::python::repo::facts::Body;
use crate::python::repo::facts::DefIx;
use crate::python::repo::facts::Facts;
use crate::python::repo::layout::FileIx;
use crate::python::repo::layout::Layout;
use crate::python::repo::query::Query;
use crate::python::repo::thing::DefinitionId;

/// A class, then what it inherits from in Python's order; `None` stands for classes that are not in the repository.
pub(super) type Line = [Option<DefinitionId>];

/// Facts of all files, modules, and the descent of all classes.
#[derive(Debug, Default)]
pub(super) struct Graph {
    facts: Vec<Arc<Facts>>,
    layout: Layout,
    /// Empty until all are known: descent is found by the same questions that then go through it.
    lines: HashMap<DefinitionId, Box<Line>>,
}

impl Graph {
    /// Links files, which are sorted by path; `None` when it was cancelled.
    pub(super) fn of<'p>(
        paths: impl Iterator<Item = &'p str>,
        facts: Vec<Arc<Facts>>,
        cancel: &Cancel,
    ) -> Option<Self> {
        let mut graph = Self {
            facts,
            layout: Layout::of(paths),
            lines: HashMap::new(),
        };
        let classes: Vec<DefinitionId> = graph.classes().collect();
        let line = |class: DefinitionId| {
            if cancel.is_cancelled() {
                return None;
            }
            Some((class, Box::from(&*Query::new(&graph).line(class))))
        };
        let lines: Option<HashMap<_, _>> = classes.into_par_iter().map(line).collect();
        graph.lines = lines?;
        Some(graph)
    }

    fn classes(&self) -> impl Iterator<Item = DefinitionId> {
        let files = (0..).map(FileIx).zip(&self.facts);
        files.flat_map(|(file, facts)| {
            let defs = (0..).map(DefIx).zip(&facts.bodies);
            let classes = defs.filter(|(_, body)| matches!(body, Body::Class(_)));
            classes.map(move |(def, _)| DefinitionId { file, def })
        })
    }

    pub(super) fn facts(&self, file: FileIx) -> Option<&Facts> {
        self.facts.get(file.0 as usize).map(|facts| &**facts)
    }

    pub(super) fn files(&self) -> &[Arc<Facts>] {
        &self.facts
    }

    pub(super) fn layout(&self) -> &Layout {
        &self.layout
    }

    pub(super) fn line(&self, class: DefinitionId) -> Option<&Line> {
        self.lines.get(&class).map(|line| &**line)
    }

    /// Whether a class is another or inherits from it.
    pub(super) fn descends(&self, class: DefinitionId, from: DefinitionId) -> bool {
        class == from
            || self
                .line(class)
                .is_some_and(|line| line.contains(&Some(from)))
    }
}
