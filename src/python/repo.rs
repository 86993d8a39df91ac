//! A whole repository of Python files: what it defines, and which definition each call means.
//!
//! Every file is read by itself into facts that are kept by content ([`Repository::index`] takes those that are
//! [`Known`], from an earlier index or an earlier run); what lies between files is linked anew. A call is resolved through scopes, imports, re-exports, descent and
//! the types of values as far as the repository says them: constructors, annotations, returned values. What cannot be
//! known so is unresolved; where a name has several meanings or may have others, the call says that it is not sure.
//!
//! Reads files through [`Files`] only. The same files give the same index, whatever was known before and however many
//! threads read them.

mod build;
mod decode;
mod dep_search;
mod facts;
mod files;
mod graph;
mod known;
mod layout;
mod lookup;
mod packed;
mod query;
mod thing;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use rayon::iter::IntoParallelIterator as _;
use rayon::iter::IntoParallelRefIterator as _;
use rayon::iter::ParallelIterator as _;

pub use decode::decoded;
pub use dep_search::Candidate;
pub use dep_search::DepSearch;
pub use dep_search::Rules;
pub use dep_search::dep_search;
pub use facts::Via;
pub use files::Entry;
pub use files::EntryKind;
pub use files::Files;
pub use files::Skipped;
pub use files::SkippedFor;
pub use files::is_indexed;
pub use files::is_source;
pub use known::Known;
pub use thing::DefinitionId;

use crate::cancel::Cancel;
use crate::model::LineIx;
use crate::python::Definition;
use crate::python::DefinitionKind;
use crate::python::repo::facts::DefIx;
use crate::python::repo::facts::Facts;
use crate::python::repo::graph::Graph;
use crate::python::repo::layout::FileIx;
use crate::python::repo::query::Query;
use crate::python::repo::thing::Thing;

/// Files that are read at once.
const BATCH: usize = 256;

/// How far an index has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Files that were read or skipped.
    pub done: usize,
    /// Python files in all.
    pub of: usize,
}

/// A definition with the file that it stands in.
#[derive(Debug, Clone, Copy)]
pub struct Defined<'a> {
    /// What names it within its repository.
    pub id: DefinitionId,
    /// Its file.
    pub path: &'a str,
    /// Its name and lines.
    pub definition: &'a Definition,
    /// Its parent is a class.
    pub is_method: bool,
}

/// A place at which a definition is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Site {
    /// The line of the name that is called.
    pub line: LineIx,
    /// The bytes before that name on its line.
    pub column_bytes: usize,
    /// How it is called.
    pub via: Via,
}

/// A definition that another one calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependency {
    /// What is called.
    pub definition: DefinitionId,
    /// Where, in order; never empty.
    pub sites: Vec<Site>,
    /// At least one of these calls can mean nothing else.
    pub is_sure: bool,
}

/// A call with what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedCall {
    /// Where it stands.
    pub site: Site,
    /// The name that is called, without what stands before its last dot.
    pub name: String,
    /// The innermost definition in whose body or decorators it stands.
    pub caller: Option<DefinitionId>,
    /// The definitions of the repository that it can mean, the likeliest first; empty where it is unresolved.
    pub targets: Vec<DefinitionId>,
    /// It means its one target and nothing else.
    pub is_sure: bool,
}

#[derive(Debug)]
struct File {
    path: String,
    hash: [u8; 32],
}

/// The index of a repository.
#[derive(Debug, Default)]
pub struct Repository {
    /// Sorted by path.
    files: Vec<File>,
    graph: Graph,
    skipped: Vec<Skipped>,
    parsed_count: usize,
}

/// A file that was read.
struct ReadFile {
    hash: [u8; 32],
    facts: Arc<Facts>,
    /// Nothing was known of its content.
    is_new: bool,
}

/// What became of a file.
type Read = Result<ReadFile, SkippedFor>;

impl Repository {
    /// Reads all Python files. What is `known` of files with the same bytes is taken over. `progress` is told now and
    /// then. `Ok(None)` when it was cancelled.
    ///
    /// # Errors
    /// In words, when the files cannot be listed. A file that cannot be read is among the [skipped](Self::skipped).
    pub fn index(
        files: &dyn Files,
        known: Option<&Known>,
        cancel: &Cancel,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Option<Self>, String> {
        let (paths, mut skipped) = files::python_files(files.entries()?);
        let mut kept = Vec::new();
        let mut facts = Vec::new();
        let mut parsed_count = 0;
        let of = paths.len();
        for (batch_ix, batch) in paths.chunks(BATCH).enumerate() {
            let read = |path: &String| (!cancel.is_cancelled()).then(|| read(files, path, known));
            let found: Vec<Option<Read>> = batch.par_iter().map(read).collect();
            for (path, found) in batch.iter().zip(found) {
                match found {
                    None => return Ok(None),
                    Some(Ok(found)) => {
                        let path = path.clone();
                        kept.push(File {
                            path,
                            hash: found.hash,
                        });
                        facts.push(found.facts);
                        parsed_count += usize::from(found.is_new);
                    }
                    Some(Err(reason)) => skipped.push(Skipped {
                        path: path.clone(),
                        reason,
                    }),
                }
            }
            let done = (batch_ix * BATCH + batch.len()).min(of);
            progress(Progress { done, of });
        }
        skipped.sort_by(|a, b| a.path.cmp(&b.path));
        let graph = Graph::of(kept.iter().map(|file| file.path.as_str()), facts, cancel);
        Ok(graph.map(|graph| Self {
            files: kept,
            graph,
            skipped,
            parsed_count,
        }))
    }

    /// What is known of its files, for the next index.
    pub fn known(&self) -> Known {
        let hashes = self.files.iter().map(|file| file.hash);
        Known::of(hashes.zip(self.graph.files().iter().cloned()))
    }

    /// How many files were parsed, as nothing was known of their content.
    pub fn parsed_count(&self) -> usize {
        self.parsed_count
    }

    /// How many files were read.
    pub fn file_count(&self) -> usize {
        self.files.len()
    }

    /// How many of them the parser found faults in; what it understood of them is in the index.
    pub fn faulty_count(&self) -> usize {
        let faulty = self.graph.files().iter().filter(|facts| facts.has_faults);
        faulty.count()
    }

    /// Python files and folders that were left out, with the reason, sorted by path.
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// All definitions, by path, then by line.
    pub fn definitions(&self) -> impl Iterator<Item = Defined<'_>> {
        let files = (0..).map(FileIx).zip(self.graph.files());
        files.flat_map(move |(file, facts)| {
            let defs = (0..).map(DefIx).take(facts.outline.len());
            defs.filter_map(move |def| self.definition(DefinitionId { file, def }))
        })
    }

    /// The definitions of a file, by line; none where there is no such file.
    pub fn definitions_of<'a>(&'a self, path: &str) -> impl Iterator<Item = Defined<'a>> + use<'a> {
        let found = self
            .files
            .binary_search_by(|file| file.path.as_str().cmp(path));
        let file = found.ok().and_then(|ix| u32::try_from(ix).ok()).map(FileIx);
        let count = file
            .and_then(|file| self.graph.facts(file))
            .map_or(0, |facts| facts.outline.len());
        let defs = (0..).map(DefIx).take(count);
        defs.filter_map(move |def| self.definition(DefinitionId { file: file?, def }))
    }

    /// How many definitions there are.
    pub fn definition_count(&self) -> usize {
        self.graph
            .files()
            .iter()
            .map(|facts| facts.outline.len())
            .sum()
    }

    /// A definition by its id; `None` for ids of other repositories.
    pub fn definition(&self, id: DefinitionId) -> Option<Defined<'_>> {
        let facts = self.graph.facts(id.file)?;
        let definition = facts.definition(id.def)?;
        let parent = definition.parent.and_then(|ix| facts.outline.get(ix));
        Some(Defined {
            id,
            path: &self.files.get(id.file.0 as usize)?.path,
            definition,
            is_method: parent.is_some_and(|parent| parent.kind == DefinitionKind::Class),
        })
    }

    /// The names of a definition and those it stands in, divided by dots.
    pub fn qualified_name(&self, id: DefinitionId) -> String {
        let Some(facts) = self.graph.facts(id.file) else {
            return String::new();
        };
        let mut names = Vec::new();
        let mut next = Some(id.def.0 as usize);
        while let Some(definition) = next.and_then(|ix| facts.outline.get(ix)) {
            names.push(definition.name.as_str());
            next = definition.parent;
        }
        names.reverse();
        names.join(".")
    }

    /// What a definition calls: in its decorators and its body, and in what is defined in it, by place of the first
    /// call. What its parameters' defaults and annotations call is called by what it stands in.
    pub fn dependencies(&self, id: DefinitionId) -> Vec<Dependency> {
        let mut found: Vec<Dependency> = Vec::new();
        for call in self.calls_within(id) {
            for target in &call.targets {
                let at = found.iter().position(|known| known.definition == *target);
                match at.and_then(|at| found.get_mut(at)) {
                    Some(known) => {
                        known.sites.push(call.site);
                        known.is_sure |= call.is_sure;
                    }
                    None => found.push(Dependency {
                        definition: *target,
                        sites: vec![call.site],
                        is_sure: call.is_sure,
                    }),
                }
            }
        }
        found
    }

    /// Whether the file of a definition is without faults.
    pub fn parses(&self, id: DefinitionId) -> bool {
        self.graph
            .facts(id.file)
            .is_some_and(|facts| !facts.has_faults)
    }

    /// Whether a definition is another or stands in it.
    fn is_inside(&self, inner: DefinitionId, outer: DefinitionId) -> bool {
        let facts = self
            .graph
            .facts(outer.file)
            .filter(|_| inner.file == outer.file);
        facts.is_some_and(|facts| facts.is_within(Some(inner.def), outer.def))
    }

    /// The calls of a definition and of what is defined in it, by place.
    pub fn calls_within(&self, id: DefinitionId) -> Vec<ResolvedCall> {
        let Some(facts) = self.graph.facts(id.file) else {
            return Vec::new();
        };
        let mut calls = Vec::new();
        // what stands in a definition follows it in the outline
        for def in (id.def.0..).map(DefIx).take(facts.outline.len()) {
            if !facts.is_within(Some(def), id.def) {
                break;
            }
            calls.extend(self.calls_of(id.file, facts, Some(def)));
        }
        calls.sort_by_key(|call| call.site);
        calls
    }

    /// All calls with what they mean, by path, then by place. `None` when it was cancelled.
    pub fn calls<'a>(&'a self, cancel: &Cancel) -> Option<Vec<(&'a str, Vec<ResolvedCall>)>> {
        let files: Vec<(FileIx, &File)> = (0..).map(FileIx).zip(&self.files).collect();
        let one = |(ix, file): (FileIx, &'a File)| {
            if cancel.is_cancelled() {
                return None;
            }
            let facts = self.graph.facts(ix)?;
            let mut calls = self.calls_of(ix, facts, None);
            for def in (0..).map(DefIx).take(facts.outline.len()) {
                calls.extend(self.calls_of(ix, facts, Some(def)));
            }
            calls.sort_by_key(|call| call.site);
            Some((file.path.as_str(), calls))
        };
        files.into_par_iter().map(one).collect()
    }

    /// The calls that stand in a definition itself. One query answers them, so that the answers are the same whoever
    /// asks.
    fn calls_of(&self, file: FileIx, facts: &Facts, owner: Option<DefIx>) -> Vec<ResolvedCall> {
        let mut query = Query::new(&self.graph);
        let calls = facts.calls_of(owner).iter().map(|call| {
            query.refresh();
            let found = query.callees(file, call.callee);
            let mut targets = Vec::new();
            for thing in &found.things {
                if let Thing::Function(id) | Thing::Class(id) | Thing::Method(id, _) = *thing
                    && !targets.contains(&id)
                {
                    targets.push(id);
                }
            }
            let (line, column_bytes) = facts.place(call.at);
            ResolvedCall {
                site: Site {
                    line: LineIx(line),
                    column_bytes,
                    via: call.via,
                },
                name: facts.name(call.name).to_owned(),
                caller: owner.map(|def| DefinitionId { file, def }),
                is_sure: targets.len() == 1 && found.things.len() == 1 && !found.is_open,
                targets,
            }
        });
        calls.collect()
    }
}

fn read(files: &dyn Files, path: &str, known: Option<&Known>) -> Read {
    let bytes = files.read(path).map_err(SkippedFor::Unreadable)?;
    if bytes.len() as u64 > files::MOST_BYTES {
        return Err(SkippedFor::TooLong(bytes.len() as u64));
    }
    let hash = *blake3::hash(&bytes).as_bytes();
    if let Some(facts) = known.and_then(|known| known.get(&hash)) {
        return Ok(ReadFile {
            hash,
            facts,
            is_new: false,
        });
    }
    let text = decoded(&bytes).ok_or(SkippedFor::Binary)?;
    let facts = build::facts(&text).ok_or(SkippedFor::TooDeep)?;
    Ok(ReadFile {
        hash,
        facts: Arc::new(facts),
        is_new: true,
    })
}
