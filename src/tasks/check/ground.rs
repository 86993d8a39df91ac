//! A repository as the checks of its tasks see it: its files, what they define, and which words its names and paths hold.
//! What was looked at once is kept for the other tasks of the repository.

use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::OnceLock;
use std::sync::PoisonError;

use crate::cancel::Cancel;
use crate::model::LineIx;
use crate::python::Definition;
use crate::python::DefinitionKind;
use crate::python::Source;
use crate::python::outline;
use crate::python::repo::DefinitionId;
use crate::python::repo::EntryKind;
use crate::python::repo::decoded;
use crate::tasks::Seed;
use crate::tasks::base::plain_path;
use crate::tasks::check::trivial::Words;
use crate::tasks::describe::statements::Statements;

/// A Python file with its definitions.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) whole: String,
    pub(super) outline: Vec<Definition>,
    /// The first byte of each line.
    starts: Vec<usize>,
}

impl Text {
    pub(super) fn new(text: String) -> Self {
        let breaks = memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1);
        Self {
            starts: std::iter::once(0).chain(breaks).collect(),
            outline: outline(&Source::whole(&text)),
            whole: text,
        }
    }

    /// A line without its end; empty behind the last.
    pub(super) fn line(&self, ix: usize) -> &str {
        let start = self.starts.get(ix).copied().unwrap_or(self.whole.len());
        let end = self.starts.get(ix + 1).copied().unwrap_or(self.whole.len());
        let line = self.whole.get(start..end).unwrap_or_default();
        line.trim_end_matches(['\n', '\r'])
    }

    /// How many lines it has; an empty one behind the last line break is one.
    pub(super) fn line_count(&self) -> usize {
        self.starts.len()
    }

    /// The definition of a name that a line begins: its header, or one of its decorators. Its place in the outline too.
    pub(super) fn definition_at(&self, name: &str, line: usize) -> Option<(usize, &Definition)> {
        let line = LineIx(line);
        let next = self.outline.partition_point(|one| one.header < line);
        let (ix, found) = (next, self.outline.get(next)?);
        (found.first <= line && found.name == name).then_some((ix, found))
    }
}

type Known = Result<Arc<Text>, String>;

/// A repository at a commit.
pub struct Ground {
    pub(super) seed: Seed,
    files: Mutex<HashMap<String, Known>>,
    /// The paths of its files; `None` when they cannot be listed.
    told: OnceLock<Option<HashSet<String>>>,
    /// How many definitions have a name.
    names: OnceLock<HashMap<String, usize>>,
    words: [OnceLock<Words>; 3],
    statements: OnceLock<Statements>,
}

impl std::fmt::Debug for Ground {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ground")
            .field("seed", &self.seed)
            .finish_non_exhaustive()
    }
}

impl Ground {
    /// Of a repository that was opened and indexed. Looks at nothing yet.
    pub fn new(seed: Seed) -> Self {
        Self {
            seed,
            files: Mutex::default(),
            told: OnceLock::new(),
            names: OnceLock::new(),
            words: Default::default(),
            statements: OnceLock::new(),
        }
    }

    /// The bytes of a file.
    pub(super) fn bytes(&self, path: &str) -> Result<Vec<u8>, String> {
        let files = self.seed.files();
        let told = self.told.get_or_init(|| {
            let entries = files.entries().ok()?.into_iter();
            let files = entries.filter(|entry| matches!(entry.kind, EntryKind::File { .. }));
            Some(files.map(|entry| entry.path).collect())
        });
        // what is behind a link may lie anywhere
        if told.as_ref().is_none_or(|told| !told.contains(path)) {
            return Err("the repository has no such file".to_owned());
        }
        files.read(path)
    }

    /// A file that the task names.
    pub(super) fn text(&self, path: &str) -> Known {
        let path = plain_path(path)?;
        let known = self
            .files
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&path)
            .cloned();
        if let Some(known) = known {
            return known;
        }
        let read = || {
            let bytes = self.bytes(&path).map_err(|why| format!("{path}: {why}"))?;
            let text = decoded(&bytes).ok_or_else(|| format!("{path} is no text"))?;
            Ok(Arc::new(Text::new(text.into_owned())))
        };
        let found: Known = read();
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.insert(path, found.clone());
        found
    }

    /// The definition whose header stands on a line, as the index knows it.
    pub(super) fn indexed(&self, path: &str, header: LineIx) -> Option<DefinitionId> {
        let mut all = self.seed.index.definitions_of(&plain_path(path).ok()?);
        all.find(|found| found.definition.header == header)
            .map(|found| found.id)
    }

    /// How many definitions of the repository have a name.
    pub(super) fn count_named(&self, name: &str) -> usize {
        let names = self.names.get_or_init(|| {
            let mut names = HashMap::new();
            for found in self.seed.index.definitions() {
                *names.entry(found.definition.name.clone()).or_default() += 1;
            }
            names
        });
        names.get(name).copied().unwrap_or_default()
    }

    /// The words of all functions or classes.
    pub(super) fn words_of(&self, kind: DefinitionKind) -> &Words {
        let ix = usize::from(kind == DefinitionKind::Class);
        self.words[ix].get_or_init(|| Words::of_definitions(&self.seed.index, kind))
    }

    /// The descriptions that the rules make of all definitions.
    pub(super) fn statements(&self) -> &Statements {
        let whole = || Statements::of(&self.seed, &Cancel::new());
        self.statements.get_or_init(whole)
    }

    /// The words of all files.
    pub(super) fn words_of_files(&self) -> &Words {
        self.words[2].get_or_init(|| Words::of_files(&self.seed.index))
    }
}
