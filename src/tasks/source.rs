//! Where the repositories are from which tasks are made: checkouts, bare mirrors, archives, plain folders, and folders of
//! many of these.

mod find;
mod name;

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use rayon::iter::IntoParallelIterator as _;
use rayon::iter::ParallelIterator as _;

pub use find::find;

use crate::cancel::Cancel;
use crate::python::repo::EntryKind;
use crate::python::repo::Files;
use crate::python::repo::Progress;
use crate::python::repo::Repository;
use crate::python::repo::is_source;
use crate::tasks::KnownRepositories;
use crate::tasks::Seed;
use crate::tasks::licence::Licence;
use crate::tasks::licence::licence;
use crate::workspace::checkout;
use crate::workspace::checkout::Checkout;
use crate::workspace::sources::Folder;
use crate::workspace::sources::Packed;

/// A commit has no more files and folders.
const MOST_FILES: u64 = 2_000_000;
/// Digits of a name of content: as many as a commit has.
const NAME_DIGITS: usize = 40;

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
        if path.is_dir() && checkout::is_repository(path) {
            return self.open_git(cancel);
        }
        if self.commit.is_some() {
            return Err(format!("{} is no git repository", path.display()));
        }
        let files: Arc<dyn Files + Send + Sync> = if path.is_dir() {
            if path.join(".git").symlink_metadata().is_ok() {
                return Err("its .git is no repository".to_owned());
            }
            Arc::new(Folder::new(path))
        } else {
            Arc::new(Packed::open(path, cancel).map_err(|err| err.to_string())?)
        };
        let commit = content_name(files.as_ref(), cancel)?;
        self.opened(commit, files, None)
    }

    fn open_git(&self, cancel: &Cancel) -> Result<Opened, String> {
        let name = self.commit.as_deref().unwrap_or("HEAD");
        let (checkout, commit) = Checkout::open_at(&self.path, name)?;
        let files = checkout.sources(MOST_FILES, cancel)?;
        self.opened(commit, Arc::new(files), Some(self.path.clone()))
    }

    fn opened(
        &self,
        commit: String,
        files: Arc<dyn Files + Send + Sync>,
        git: Option<PathBuf>,
    ) -> Result<Opened, String> {
        let repo = self.repo.clone();
        let licence = licence(files.as_ref(), &files.entries()?);
        Ok(Opened {
            repo: repo.unwrap_or_else(|| name::of(&self.path)),
            commit,
            licence,
            git,
            files,
        })
    }
}

impl Opened {
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

/// A name of what the Python files of a folder or archive hold, as long as the hash of a commit. What cannot be read has
/// no part in it.
fn content_name(files: &dyn Files, cancel: &Cancel) -> Result<String, String> {
    let mut paths: Vec<String> = files
        .entries()?
        .into_iter()
        .filter(|entry| matches!(entry.kind, EntryKind::File { .. }) && is_source(&entry.path))
        .map(|entry| entry.path)
        .collect();
    paths.sort_unstable();
    let hash = |path: &String| {
        let bytes = (!cancel.is_cancelled()).then(|| files.read(path).ok())??;
        Some(blake3::hash(&bytes))
    };
    let hashes: Vec<Option<blake3::Hash>> = (0..paths.len())
        .into_par_iter()
        .map(|ix| paths.get(ix).and_then(hash))
        .collect();
    if cancel.is_cancelled() {
        return Err("cancelled".to_owned());
    }
    let mut all = blake3::Hasher::new();
    for (path, hash) in paths.iter().zip(hashes) {
        if let Some(hash) = hash {
            all.update(&(path.len() as u64).to_le_bytes());
            all.update(path.as_bytes());
            all.update(hash.as_bytes());
        }
    }
    let name = all.finalize().to_hex();
    Ok(name.chars().take(NAME_DIGITS).collect())
}

/// Whether a file's name is that of an archive.
fn is_archive(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.to_ascii_lowercase();
    name::ARCHIVES.iter().any(|ending| name.ends_with(ending))
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
