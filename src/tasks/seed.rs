//! A repository from which tasks are made.

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::python::repo::Files;
use crate::python::repo::Repository;
use crate::python::repo::decoded;
use crate::tasks::licence::Licence;

/// A repository that was opened at a commit and indexed.
#[derive(Clone)]
pub struct Seed {
    /// `owner/name`.
    pub repo: String,
    /// The whole hash of the commit; of what has no commits, a name of its content.
    pub commit: String,
    /// What it defines and calls.
    pub index: Arc<Repository>,
    /// Its licence, where one was found.
    pub licence: Option<Licence>,
    /// The git repository that it was opened from, where it is one.
    pub git: Option<PathBuf>,
    files: Arc<dyn Files + Send + Sync>,
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seed")
            .field("repo", &self.repo)
            .field("commit", &self.commit)
            .finish_non_exhaustive()
    }
}

impl Seed {
    /// Of what was indexed from these files.
    pub fn new(
        repo: impl Into<String>,
        commit: impl Into<String>,
        files: Arc<dyn Files + Send + Sync>,
        index: Arc<Repository>,
    ) -> Self {
        Self {
            repo: repo.into(),
            commit: commit.into(),
            index,
            licence: None,
            git: None,
            files,
        }
    }

    /// The same with its licence.
    #[must_use]
    pub fn with_licence(mut self, licence: Option<Licence>) -> Self {
        self.licence = licence;
        self
    }

    /// The same with the git repository that it was opened from.
    #[must_use]
    pub fn with_git(mut self, git: Option<PathBuf>) -> Self {
        self.git = git;
        self
    }

    /// Its files.
    pub fn files(&self) -> &dyn Files {
        self.files.as_ref()
    }

    /// The text of a Python file as Python reads it.
    ///
    /// # Errors
    /// In words: it is not there, cannot be read, is no text.
    pub fn source(&self, path: &str) -> Result<String, String> {
        let bytes = self.files.read(path)?;
        decoded(&bytes)
            .map(Cow::into_owned)
            .ok_or_else(|| format!("{path} is no text"))
    }
}
