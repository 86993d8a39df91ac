//! Which repositories a list of paths names.

use std::path::Path;
use std::path::PathBuf;

use crate::error::Error;
use crate::error::Result;
use crate::tasks::source::Source;
use crate::workspace::checkout::is_repository;
use crate::workspace::repositories::repositories_in;

/// The repositories at some paths, in the order of the paths, each once. A folder that is no repository itself and has no
/// Python project in it, but repositories or archives, is a folder of many; with `is_many` every folder that was named is
/// one. `commit` and `repo` are for a single repository.
///
/// # Errors
/// *input* when a path is missing or nothing is in it; *user* when a commit or name was told for several.
pub fn find(
    paths: &[PathBuf],
    is_many: bool,
    commit: Option<&str>,
    repo: Option<&str>,
) -> Result<Vec<Source>> {
    let mut found: Vec<PathBuf> = Vec::new();
    for path in paths {
        if !path.exists() {
            return Err(Error::input(format!("there is no {}", path.display())));
        }
        let inner = if path.is_dir() && (is_many || holds_many(path)) {
            let inner = repositories_in(path)?;
            if inner.is_empty() {
                let what = format!("{} holds no repositories", path.display());
                return Err(
                    Error::input(what).hint("name checkouts, bare mirrors, archives or folders")
                );
            }
            inner
        } else {
            vec![path.clone()]
        };
        for path in inner {
            if !found.contains(&path) {
                found.push(path);
            }
        }
    }
    if found.len() > 1 && (commit.is_some() || repo.is_some()) {
        let what = format!(
            "a commit or name is one repository's, not that of {}",
            found.len()
        );
        return Err(Error::user(what));
    }
    let sources = found.into_iter().map(|path| Source {
        path,
        commit: commit.map(str::to_owned),
        repo: repo.map(str::to_owned),
    });
    Ok(sources.collect())
}

/// What begins a Python project.
const PROJECT: [&str; 4] = ["pyproject.toml", "setup.py", "setup.cfg", "__init__.py"];

fn holds_many(folder: &Path) -> bool {
    if is_git(folder) || PROJECT.iter().any(|name| folder.join(name).exists()) {
        return false;
    }
    let inner = repositories_in(folder).unwrap_or_default();
    let is_one = |path: &PathBuf| !path.is_dir() || is_git(path);
    inner.iter().any(is_one)
}

/// Whether it is a git repository, or was meant to be one.
fn is_git(folder: &Path) -> bool {
    is_repository(folder) || folder.join(".git").symlink_metadata().is_ok()
}
