//! Which commit a repository has checked out, and where it was cloned from: its reference files and the one line of its
//! configuration, read as text.

use std::path::Path;
use std::path::PathBuf;

use crate::workspace::checkout::short_file;

/// References that lead to each other are followed so far.
const MOST_STEPS: usize = 8;
/// Longer lists of packed references, and longer configurations, are not read.
const MOST_BYTES: u64 = 64 << 20;

/// The folders of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct GitFolders {
    /// Of this checkout: its `HEAD`.
    own: PathBuf,
    /// Of all worktrees: objects, branches, configuration.
    pub(super) common: PathBuf,
}

/// The folders of a checkout, of a worktree of one, of a bare repository.
pub(super) fn git_folders(folder: &Path) -> Option<GitFolders> {
    let git = folder.join(".git");
    let is_store = |folder: &Path| folder.join("objects").is_dir();
    for whole in [git.as_path(), folder] {
        // sources may have a folder of that name, too
        if is_store(whole) && (whole == git || is_bare(whole)) {
            return Some(GitFolders {
                own: whole.to_owned(),
                common: whole.to_owned(),
            });
        }
    }
    // a worktree or submodule says in a file where its repository is
    let text = short_file(&git)?;
    let own = folder.join(text.strip_prefix("gitdir:")?.trim());
    if is_store(&own) {
        let common = own.clone();
        return Some(GitFolders { own, common });
    }
    let common = own.join(short_file(&own.join("commondir"))?.trim());
    is_store(&common).then_some(GitFolders { own, common })
}

/// Whether a folder with `objects` is a bare repository: it has a `HEAD`, or holds nothing there but what git puts there.
fn is_bare(folder: &Path) -> bool {
    let is_gits = |entry: std::io::Result<std::fs::DirEntry>| {
        let name = entry.map(|entry| entry.file_name()).unwrap_or_default();
        let name = name.as_encoded_bytes();
        matches!(name, b"info" | b"pack")
            || (name.len() == 2 && name.iter().all(u8::is_ascii_hexdigit))
    };
    let listing = || std::fs::read_dir(folder.join("objects"));
    folder.join("HEAD").is_file() || listing().is_ok_and(|mut all| all.all(is_gits))
}

impl GitFolders {
    /// The hash that a name stands for: a whole hash itself, `HEAD`, a branch, a tag, a whole reference.
    pub(super) fn hash_of(&self, name: &str) -> Result<String, String> {
        if is_hash(name) {
            return Ok(name.to_ascii_lowercase());
        }
        if name == "HEAD" {
            return self
                .follow("HEAD")
                .ok_or_else(|| "nothing was committed, or its HEAD is damaged".to_owned());
        }
        let places = [
            "refs/heads/",
            "refs/tags/",
            "refs/remotes/origin/",
            "refs/remotes/",
            "",
        ];
        let mut found = places
            .iter()
            .map(|place| format!("{place}{name}"))
            .filter(|name| name.starts_with("refs/"))
            .filter_map(|name| self.follow(&name));
        found
            .next()
            .ok_or_else(|| format!("there is no commit, branch or tag {name:?}"))
    }

    fn follow(&self, name: &str) -> Option<String> {
        let mut name = name.to_owned();
        for _ in 0..MOST_STEPS {
            if !is_plain(&name) {
                return None;
            }
            let loose =
                short_file(&self.own.join(&name)).or_else(|| short_file(&self.common.join(&name)));
            let Some(text) = loose else {
                return self.packed(&name);
            };
            let text = text.trim();
            match text.strip_prefix("ref:") {
                Some(next) => next.trim().clone_into(&mut name),
                None => return is_hash(text).then(|| text.to_ascii_lowercase()),
            }
        }
        None
    }

    fn packed(&self, name: &str) -> Option<String> {
        let text = text_file(&self.common.join("packed-refs"))?;
        let mut lines = text.lines().filter_map(|line| line.split_once(' '));
        let (hash, _) = lines.find(|(hash, found)| is_hash(hash) && *found == name)?;
        Some(hash.to_ascii_lowercase())
    }

    /// The address of `origin`.
    fn origin(&self) -> Option<String> {
        let text = text_file(&self.common.join("config"))?;
        let mut is_inside = false;
        for line in text.lines().map(str::trim) {
            if line.starts_with('[') {
                is_inside = line.replace(' ', "") == "[remote\"origin\"]";
            } else if is_inside
                && let Some((key, value)) = line.split_once('=')
                && key.trim() == "url"
            {
                return Some(value.trim().trim_matches('"').to_owned());
            }
        }
        None
    }
}

/// The address that the repository in `folder` was cloned from, as its configuration says; `None` where it says nothing
/// or there is no repository.
pub fn origin(folder: &Path) -> Option<String> {
    git_folders(folder)?.origin()
}

fn is_hash(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether a reference's name stays within its folder.
fn is_plain(name: &str) -> bool {
    !name.starts_with('/')
        && !name.contains(['\\', '\0'])
        && name.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

fn text_file(path: &Path) -> Option<String> {
    let meta = std::fs::metadata(path).ok()?;
    let is_short = meta.is_file() && meta.len() <= MOST_BYTES;
    let bytes = is_short.then(|| std::fs::read(path).ok())??;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const ONE: &str = "1111111111111111111111111111111111111111";
    const TWO: &str = "2222222222222222222222222222222222222222";

    fn repository(files: &[(&str, &str)]) -> (tempfile::TempDir, GitFolders) {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("objects")).unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let folders = git_folders(folder.path()).unwrap();
        (folder, folders)
    }

    #[track_caller]
    fn check(files: &[(&str, &str)], name: &str, want: Option<&str>) {
        let (_folder, folders) = repository(files);
        assert_eq!(folders.hash_of(name).ok().as_deref(), want);
    }

    #[test]
    fn names_of_commits() {
        let head = ("HEAD", "ref: refs/heads/main\n");
        check(&[("HEAD", ONE)], "HEAD", Some(ONE));
        check(&[head, ("refs/heads/main", ONE)], "HEAD", Some(ONE));
        let packed = format!(
            "# pack-refs with: peeled\n{TWO} refs/heads/main\n{ONE} refs/tags/v1\n^{TWO}\n"
        );
        check(&[head, ("packed-refs", &packed)], "HEAD", Some(TWO));
        check(
            &[head, ("packed-refs", &packed), ("refs/heads/main", ONE)],
            "main",
            Some(ONE),
        );
        check(&[head, ("packed-refs", &packed)], "v1", Some(ONE));
        check(&[head, ("packed-refs", &packed)], "refs/tags/v1", Some(ONE));
        check(&[head], ONE, Some(ONE));
        check(&[head], "HEAD", None);
        check(&[head], "none", None);
        check(&[("HEAD", "ref: HEAD")], "HEAD", None);
        check(&[("HEAD", "ref: ../../etc/passwd")], "HEAD", None);
        check(&[("HEAD", "\u{0}\u{1}")], "HEAD", None);
        check(&[], "HEAD", None);
    }

    #[test]
    fn a_folder_of_objects_makes_no_repository() {
        let folder = tempfile::tempdir().unwrap();
        let objects = folder.path().join("objects");
        for (name, is_one) in [("ab", true), ("pack", true), ("models", false)] {
            fs::create_dir_all(objects.join(name)).unwrap();
            assert_eq!(git_folders(folder.path()).is_some(), is_one, "{name}");
        }
        fs::write(folder.path().join("HEAD"), "ref: refs/heads/main\n").unwrap();
        assert!(git_folders(folder.path()).is_some());
    }

    #[test]
    fn where_it_came_from() {
        let config = "[core]\n\turl = no\n[remote \"other\"]\n\turl = no\n[remote \"origin\"]\n\tfetch = x\n\turl = git@h:o/n.git\n";
        let (folder, _) = repository(&[("config", config)]);
        assert_eq!(origin(folder.path()).as_deref(), Some("git@h:o/n.git"));
        let (folder, _) = repository(&[]);
        assert_eq!(origin(folder.path()), None);
    }
}
