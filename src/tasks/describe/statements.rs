//! What the rules say of every documented definition of a repository, and so which other ones a description fits.
//!
//! Two methods that say the same in their docstrings get the same description: whoever is asked for one of them may
//! rightly document the other.

use std::collections::HashMap;
use std::fmt;

use crate::cancel::Cancel;
use crate::python::DefinitionKind;
use crate::python::Documented;
use crate::python::repo::Defined;
use crate::python::repo::DefinitionId;
use crate::tasks::Seed;
use crate::tasks::describe::Subject;
use crate::tasks::describe::docstring::text_of;
use crate::tasks::describe::leak::split;
use crate::tasks::describe::rules::told;

/// Stands for the words of a description and whether it is of a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Words([u8; 16]);

impl Words {
    /// The words of a description, whatever stands between them.
    pub fn of(is_class: bool, description: &str) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&[u8::from(is_class)]);
        for word in split(description) {
            hasher.update(word.as_bytes());
            hasher.update(b" ");
        }
        let mut words = [0; 16];
        hasher.finalize_xof().fill(&mut words);
        Self(words)
    }
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

/// The descriptions of a repository's definitions.
#[derive(Debug, Default)]
pub struct Statements {
    by_words: HashMap<Words, Vec<DefinitionId>>,
    by_definition: HashMap<DefinitionId, Words>,
}

impl Statements {
    /// Of all definitions with docstrings, private ones and tests too: they can be found as well. Not whole when it was
    /// cancelled. On one thread: whoever is asked for it by many at once waits for the first.
    pub fn of(seed: &Seed, cancel: &Cancel) -> Self {
        let mut files: Vec<(&str, Vec<Defined<'_>>)> = Vec::new();
        for found in seed.index.definitions() {
            if !matches!(found.definition.documented, Documented::Yes(_)) {
                continue;
            }
            match files.last_mut() {
                Some((path, of_file)) if *path == found.path => of_file.push(found),
                _ => files.push((found.path, vec![found])),
            }
        }
        let of_file = |(path, all): &(&str, Vec<Defined<'_>>)| -> Vec<(DefinitionId, Words)> {
            if cancel.is_cancelled() {
                return Vec::new();
            }
            let source = seed.source(path).unwrap_or_default();
            let lines: Vec<&str> = source.lines().collect();
            let words = all
                .iter()
                .filter_map(|found| Some((found.id, words(seed, found, &lines)?)));
            words.collect()
        };
        let mut statements = Self::default();
        for (id, words) in files.iter().flat_map(of_file) {
            statements.by_words.entry(words).or_default().push(id);
            statements.by_definition.insert(id, words);
        }
        statements
    }

    /// The definitions that a description fits.
    pub fn fitting(&self, words: Words) -> &[DefinitionId] {
        self.by_words.get(&words).map_or(&[], Vec::as_slice)
    }

    /// Whether the description of a definition fits another one, too.
    pub fn is_shared(&self, id: DefinitionId) -> bool {
        let words = self.by_definition.get(&id);
        words.is_some_and(|words| self.fitting(*words).len() > 1)
    }
}

/// What the rules say of a definition; `None` where that is nothing.
fn words(seed: &Seed, found: &Defined<'_>, lines: &[&str]) -> Option<Words> {
    let Documented::Yes(docstring) = found.definition.documented else {
        return None;
    };
    let kind = found.definition.kind;
    let description = told(&Subject {
        kind,
        name: &found.definition.name,
        qualified_name: &seed.index.qualified_name(found.id),
        path: found.path,
        source: "",
        docstring: &text_of(lines, docstring)?,
        signature: "",
        at: None,
    });
    (!description.is_empty()).then(|| Words::of(kind == DefinitionKind::Class, &description))
}
