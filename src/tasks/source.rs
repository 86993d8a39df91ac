//! Where the repositories are from which tasks are made: checkouts, bare mirrors, archives, plain folders, and folders of
//! many of these.

mod find;

use std::path::PathBuf;
use std::sync::Arc;

pub use find::find;

use crate::cancel::Cancel;
use crate::python::repo::Files;
use crate::python::repo::Progress;
use crate::python::repo::Repository;
use crate::tasks::KnownRepositories;
use crate::tasks::Seed;
use crate::tasks::licence::Licence;
use crate::tasks::licence::licence;
use crate::workspace::checkout::is_repository;
use crate::workspace::repositories::repository_name;
use crate::workspace::snapshot::Snapshot;

/// A repository that has not been opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// A folder or an archive.
    pub path: PathBuf,
    /// What to open of a git repository: a whole hash, a branch, a tag; `None` for what is checked out.
    pub commit: Option<String>,
    /// `owner/name`, where it is told; else it is taken from the folder's name, the address it came from, the archive's
    /// name.
    pub repo: Option<String>,
}

/// A repository that was opened, and not read yet.
#[derive(Clone)]
pub struct Opened {
    /// `owner/name`.
    pub repo: String,
    /// The whole hash of the commit; of archives and plain folders a name of their Python files.
    pub commit: String,
    /// Its licence, where one was found.
    pub licence: Option<Licence>,
    git: Option<PathBuf>,
    files: Arc<dyn Files + Send + Sync>,
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opened")
            .field("repo", &self.repo)
            .field("commit", &self.commit)
            .finish_non_exhaustive()
    }
}

impl Source {
    /// What is at a path, as it is.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            commit: None,
            repo: None,
        }
    }

    /// Opens it. Nothing is written or run there.
    ///
    /// # Errors
    /// In words: it is not there, is damaged, has no such commit, holds too much; it was cancelled.
    pub fn open(&self, cancel: &Cancel) -> Result<Opened, String> {
        let path = self.path.as_path();
        let snapshot = if path.is_dir() && is_repository(path) {
            Snapshot::of_reference(path, self.commit.as_deref().unwrap_or("HEAD"))?
        } else if self.commit.is_some() {
            return Err(format!("{} is no git repository", path.display()));
        } else {
            Snapshot::of_files(path, cancel)?
        };
        let repo = self.repo.clone();
        let repo = repo.unwrap_or_else(|| repository_name(path));
        Opened::of(&snapshot, repo, cancel)
    }
}

impl Opened {
    /// A repository of this name in one state.
    ///
    /// # Errors
    /// In words: its files cannot be listed, it was cancelled.
    pub fn of(snapshot: &Snapshot, repo: String, cancel: &Cancel) -> Result<Self, String> {
        let files = snapshot.sources(cancel)?;
        let licence = licence(files.as_ref(), &files.entries()?);
        Ok(Self {
            repo,
            commit: snapshot.name().to_owned(),
            licence,
            git: snapshot.is_git().then(|| snapshot.path().to_owned()),
            files,
        })
    }

    /// Reads and indexes its Python files, with what is `known` of them. `None` when it was cancelled.
    ///
    /// # Errors
    /// In words, when its files cannot be listed.
    pub fn seed(
        &self,
        known: Option<&KnownRepositories>,
        cancel: &Cancel,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Option<Seed>, String> {
        let files = self.files.as_ref();
        let index = match known {
            Some(known) => known.index(&self.repo, files, cancel, progress),
            None => Repository::index(files, None, cancel, progress),
        }?;
        Ok(index.map(|index| {
            let files = Arc::clone(&self.files);
            let seed = Seed::new(&*self.repo, &*self.commit, files, Arc::new(index));
            seed.with_licence(self.licence.clone())
                .with_git(self.git.clone())
        }))
    }
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
