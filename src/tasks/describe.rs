//! Descriptions of functions and classes: what a `func_localize` task says of the target that is to be found.

pub mod docstring;
pub mod endpoint;
pub mod file;
pub mod leak;
pub mod rules;
pub mod statements;

use crate::cancel::Cancel;
use crate::model::LineIx;
use crate::python::DefinitionKind;
use crate::tasks::LeftOut;
use crate::tasks::Seed;

/// A definition that is to be described.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// What it is.
    pub kind: DefinitionKind,
    /// Its name.
    pub name: &'a str,
    /// Its name behind those it stands in, divided by dots.
    pub qualified_name: &'a str,
    /// Its file below the root of the repository.
    pub path: &'a str,
    /// Its text from the first decorator to its last line, docstring included.
    pub source: &'a str,
    /// What its docstring says: escapes resolved, indentation cut as `inspect.cleandoc` cuts it. Empty where it has none.
    pub docstring: &'a str,
    /// Its header: `def f(a, b=1) -> int:`, on one line.
    pub signature: &'a str,
    /// Where it stands; `None` where that does not matter.
    pub at: Option<At<'a>>,
}

/// Where a definition stands.
#[derive(Debug, Clone, Copy)]
pub struct At<'a> {
    /// Its repository.
    pub seed: &'a Seed,
    /// The line of its header.
    pub line: LineIx,
}

/// Why a definition makes no task that nobody described.
pub const NO_DESCRIPTION: &str = "the file of descriptions has none";

/// Something that describes definitions. It is called from several threads at once.
pub trait Describe: Send + Sync {
    /// Whether it may describe it, told without its source and docstring; cheaply, since it is asked of everything that
    /// can be a target.
    fn has(&self, _subject: &Subject<'_>) -> bool {
        true
    }

    /// Whether what it says is what the docstring says, so that equal docstrings get equal descriptions.
    fn repeats_docstrings(&self) -> bool {
        false
    }

    /// What it does, in words that name neither it nor its file. The same answer for the same subject, so that a run
    /// that was killed ends as it would have ended.
    ///
    /// # Errors
    /// Why the definition makes no task: nothing to say, a leak, no answer, cancelled.
    fn describe(&self, subject: &Subject<'_>, cancel: &Cancel) -> Result<String, LeftOut>;
}
