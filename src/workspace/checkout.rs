//! Files of a git repository at a commit, read without ever writing to it.
//!
//! Only its objects are opened: no index, no hook, no filter; which commit is checked out and where it came from is read
//! out of its reference files and configuration as text. A repository that is not what it should be is told in words.

mod commits;
mod refs;
mod sources;
mod walk;

pub use commits::Blob;
pub use commits::Change;
pub use commits::Commit;
pub use commits::Commits;
pub use refs::origin;
pub use sources::CommitFiles;
pub use walk::TreeFile;
pub use walk::TreeKind;

use std::collections::HashMap;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use gix_hash::Kind;
use gix_hash::ObjectId;
use gix_object::Find as _;
use gix_object::TreeRefIter;

use crate::error::Error;
use crate::error::Result;
use crate::model::Task;
use crate::model::Text;
use crate::model::Trajectory;
use crate::workspace::BaseFiles;

/// Files that are longer are not read; no source file is.
const MAX_BYTES: u64 = 64 << 20;

/// Where the repositories of tasks are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Repositories {
    /// One repository, for whatever task: a checkout or a bare repository.
    pub repo: Option<PathBuf>,
    /// A folder of checkouts `owner__name` and bare mirrors `owner__name.git`.
    pub repos: Option<PathBuf>,
}

impl Repositories {
    /// Whether none was named.
    pub fn is_empty(&self) -> bool {
        self.repo.is_none() && self.repos.is_none()
    }

    /// Looks whether they are what they should be, before long work begins.
    ///
    /// # Errors
    /// *input* when `repo` is no git repository or `repos` is no folder.
    pub fn check(&self) -> Result<()> {
        if let Some(repo) = &self.repo
            && objects_of(repo).is_none()
        {
            return Err(
                Error::input(format!("{} is no git repository", repo.display()))
                    .hint("name a checkout or a bare repository"),
            );
        }
        if let Some(repos) = &self.repos
            && !repos.is_dir()
        {
            return Err(Error::input(format!("{} is no folder", repos.display()))
                .hint("name a folder that holds owner__name folders or owner__name.git mirrors"));
        }
        Ok(())
    }

    /// The repository of a trajectory's task at the commit from which the agent started; `None` where no repository was
    /// named at all.
    ///
    /// # Errors
    /// Says in words why there is none: the task names no commit, the folder has no such repository, it has no such
    /// commit.
    pub fn checkout(&self, trajectory: &Trajectory) -> Option<Result<Checkout, String>> {
        (!self.is_empty()).then(|| self.open(trajectory.task.as_ref()))
    }

    /// Where the repository of a task is, be it one of git or a plain folder or archive.
    ///
    /// # Errors
    /// Says in words why there is none.
    pub fn place(&self, task: &Task) -> Result<PathBuf, String> {
        let repos = match (&self.repo, &self.repos) {
            (Some(repo), _) => return Ok(repo.clone()),
            (None, Some(repos)) => repos,
            (None, None) => return Err("no repository was named".to_owned()),
        };
        let name = task.repo.as_deref().ok_or("the task names no repository")?;
        let found = find_folder(repos, name, &|place| objects_of(place).is_some());
        let found = found.or_else(|| find_folder(repos, name, &Path::is_dir));
        found.ok_or_else(|| format!("there is no repository of {name}"))
    }

    fn open(&self, task: Option<&Task>) -> Result<Checkout, String> {
        let task = task.ok_or("the record names no task")?;
        let commit = task
            .base_commit
            .as_deref()
            .ok_or("the task names no base commit")?;
        let folder = match (&self.repo, &self.repos) {
            (Some(repo), _) => repo.clone(),
            (None, Some(repos)) => {
                let name = task.repo.as_deref().ok_or("the task names no repository")?;
                find_folder(repos, name, &|place| objects_of(place).is_some())
                    .ok_or_else(|| format!("there is no repository of {name}"))?
            }
            (None, None) => return Err("no repository was named".to_owned()),
        };
        Checkout::open(&folder, commit)
    }
}

/// `owner/name` below a folder, as a checkout or as a bare mirror, the first of them that is what is asked for.
fn find_folder(repos: &Path, name: &str, is_one: &dyn Fn(&Path) -> bool) -> Option<PathBuf> {
    let name = name.trim_end_matches('/').trim_end_matches(".git");
    let mut parts = name.rsplit('/');
    let (last, owner) = (parts.next()?, parts.next());
    let is_plain =
        |part: &str| !part.is_empty() && !part.starts_with('.') && !part.contains(['\\', '\0']);
    let joined = match owner {
        Some(owner) if is_plain(owner) => format!("{owner}__{last}"),
        Some(_) => return None,
        None => last.to_owned(),
    };
    if !is_plain(last) {
        return None;
    }
    let places = [joined.clone(), format!("{joined}.git")];
    let mut places = places.iter().map(|place| repos.join(place));
    places.find(|place| is_one(place))
}

/// The folder of a repository's objects: of a checkout, of a worktree of one, of a bare repository.
fn objects_of(folder: &Path) -> Option<PathBuf> {
    Some(refs::git_folders(folder)?.common.join("objects"))
}

/// Whether a folder is a git repository: a checkout, a worktree of one, a bare repository.
pub fn is_repository(folder: &Path) -> bool {
    refs::git_folders(folder).is_some()
}

/// Tags of tags are followed so far.
const MOST_TAGS: usize = 4;

/// What an annotated tag is about; `None` for everything else.
fn tagged(git: &Path, hash: &str) -> Option<String> {
    let id = ObjectId::from_hex(hash.as_bytes()).ok()?;
    let handle = gix_odb::at(git.join("objects"), Kind::Sha1).ok()?;
    let mut buffer = Vec::new();
    let data = handle.try_find(&id, &mut buffer).ok().flatten()?;
    let tag = (data.kind == gix_object::Kind::Tag)
        .then(|| gix_object::TagRefIter::from_bytes(data.data, Kind::Sha1))?;
    Some(tag.target_id().ok()?.to_string())
}

fn short_file(path: &Path) -> Option<String> {
    const MOST: u64 = 4096;
    let is_short = std::fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.len() <= MOST);
    is_short.then(|| std::fs::read_to_string(path).ok())?
}

/// The files of a repository at one commit.
pub struct Checkout {
    objects: Mutex<gix_odb::HandleArc>,
    tree: ObjectId,
    /// What was read before.
    files: Mutex<HashMap<String, Option<Text>>>,
}

impl std::fmt::Debug for Checkout {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Checkout")
            .field("tree", &self.tree)
            .finish_non_exhaustive()
    }
}

impl Checkout {
    /// Opens the repository in `folder` at a commit, named by its whole hash.
    ///
    /// # Errors
    /// Says in words what is missing.
    pub fn open(folder: &Path, commit: &str) -> Result<Self, String> {
        let name = folder.display();
        let objects = objects_of(folder).ok_or_else(|| format!("{name} is no git repository"))?;
        let id = ObjectId::from_hex(commit.trim().as_bytes())
            .map_err(|error| format!("{commit:?} is no whole commit hash: {error}"))?;
        let handle = gix_odb::at(objects, Kind::Sha1)
            .map_err(|error| format!("{name} cannot be read: {error}"))?
            .into_arc()
            .map_err(|error| format!("{name} cannot be read: {error}"))?;
        let mut buffer = Vec::new();
        let missing = || format!("{name} has no commit {commit}");
        let found = handle.try_find(&id, &mut buffer);
        let data = found.ok().flatten().ok_or_else(missing)?;
        if data.kind != gix_object::Kind::Commit {
            return Err(missing());
        }
        let tree = gix_object::CommitRefIter::from_bytes(data.data, Kind::Sha1)
            .tree_id()
            .map_err(|error| format!("commit {commit} of {name} is damaged: {error}"))?;
        Ok(Self {
            objects: Mutex::new(handle),
            tree,
            files: Mutex::default(),
        })
    }

    /// Opens the repository in `folder` at what `name` stands for: a whole hash, `HEAD`, a branch, a tag. Gives the whole
    /// hash of the commit, too.
    ///
    /// # Errors
    /// Says in words what is missing.
    pub fn open_at(folder: &Path, name: &str) -> Result<(Self, String), String> {
        let shown = folder.display();
        let folders =
            refs::git_folders(folder).ok_or_else(|| format!("{shown} is no git repository"))?;
        let mut hash = folders.hash_of(name)?;
        for _ in 0..MOST_TAGS {
            match tagged(&folders.common, &hash) {
                Some(next) => hash = next,
                None => break,
            }
        }
        Ok((Self::open(folder, &hash)?, hash))
    }

    /// The name of the tree of files, which is the same for the same files.
    pub fn tree(&self) -> String {
        self.tree.to_string()
    }

    fn read(&self, path: &str) -> Result<Option<Text>, String> {
        let handle = self.objects.lock().unwrap_or_else(PoisonError::into_inner);
        let mut id = self.tree;
        let mut buffer = Vec::new();
        let damaged = |_| format!("{path} cannot be read from the repository");
        let mut parts = path
            .split('/')
            .filter(|part| !part.is_empty() && *part != ".")
            .peekable();
        while let Some(part) = parts.next() {
            let data = handle.try_find(&id, &mut buffer).map_err(damaged)?;
            let Some(data) = data.filter(|data| data.kind == gix_object::Kind::Tree) else {
                return Ok(None);
            };
            let entries = TreeRefIter::from_bytes(data.data, Kind::Sha1);
            let mut entries = entries.filter_map(std::result::Result::ok);
            let Some(entry) = entries.find(|entry| entry.filename == part) else {
                return Ok(None);
            };
            let is_last = parts.peek().is_none();
            if is_last == entry.mode.is_tree() || entry.mode.is_link() || entry.mode.is_commit() {
                return Ok(None);
            }
            id = entry.oid.to_owned();
        }
        let data = handle.try_find(&id, &mut buffer).map_err(damaged)?;
        let Some(data) = data.filter(|data| data.kind == gix_object::Kind::Blob) else {
            return Ok(None);
        };
        if data.data.len() as u64 > MAX_BYTES {
            return Err(format!("{path} is too long"));
        }
        match std::str::from_utf8(data.data) {
            Ok(text) => Ok(Some(Arc::from(text))),
            Err(_) => Err(format!("{path} is no text")),
        }
    }
}

impl BaseFiles for Checkout {
    fn base_file(&self, path: &str) -> Result<Option<Text>, String> {
        let known = self
            .files
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(path)
            .cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let found = self.read(path)?;
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.insert(path.to_owned(), found.clone());
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use gix_object::Write as _;

    use super::*;
    use crate::cancel::Cancel;
    use crate::python::repo::Files as _;

    /// Writes a repository with `src/a.py` and `b.bin`; gives the commit.
    fn repository(folder: &Path) -> String {
        let objects = folder.join("objects");
        std::fs::create_dir_all(&objects).unwrap();
        let store = gix_odb::loose::Store::at(&objects, Kind::Sha1);
        let blob = |bytes: &[u8]| store.write_buf(gix_object::Kind::Blob, bytes).unwrap();
        let tree = |entries: &[(&str, &str, ObjectId)]| {
            let mut bytes = Vec::new();
            for (mode, name, id) in entries {
                bytes.extend(format!("{mode} {name}\0").bytes());
                bytes.extend(id.as_slice());
            }
            store.write_buf(gix_object::Kind::Tree, &bytes).unwrap()
        };
        let source = tree(&[
            ("100644", "a.py", blob(b"x\ny\n")),
            ("120000", "link", blob(b"a.py")),
        ]);
        let root = tree(&[
            ("100644", "b.bin", blob(b"\xff\x00")),
            ("40000", "src", source),
        ]);
        let commit =
            format!("tree {root}\nauthor a <a@b> 0 +0000\ncommitter a <a@b> 0 +0000\n\nfirst\n");
        let commit = store.write_buf(gix_object::Kind::Commit, commit.as_bytes());
        commit.unwrap().to_string()
    }

    fn task(repo: &str, commit: &str) -> Trajectory {
        let instance = serde_json::json!({"instance_id": "t", "repo": repo, "base_commit": commit});
        Trajectory {
            task: Some(Task::from_instance(instance)),
            ..Trajectory::default()
        }
    }

    #[test]
    fn files_are_read_at_the_commit() {
        let folder = tempfile::tempdir().unwrap();
        let bare = folder.path().join("owner__name.git");
        let commit = repository(&bare);
        let checkout = Checkout::open(&bare, &commit).unwrap();
        for _ in 0..2 {
            assert_eq!(checkout.base_file("src/a.py"), Ok(Some("x\ny\n".into())));
        }
        for path in [
            "src/none.py",
            "src",
            "src/link",
            "src/a.py/x",
            "../a.py",
            "",
        ] {
            assert_eq!(checkout.base_file(path), Ok(None), "{path}");
        }
        assert!(checkout.base_file("b.bin").is_err());
    }

    #[test]
    fn repositories_are_found_by_the_task() {
        let folder = tempfile::tempdir().unwrap();
        let commit = repository(&folder.path().join("owner__name.git"));
        let other = repository(&folder.path().join("owner__other").join(".git"));
        let repos = Repositories {
            repo: None,
            repos: Some(folder.path().to_owned()),
        };
        assert!(repos.check().is_ok());
        let open =
            |repo: &str, commit: &str| repos.checkout(&task(repo, commit)).unwrap().map(|_| ());
        assert_eq!(open("owner/name", &commit), Ok(()));
        assert_eq!(open("owner/other", &other), Ok(()));
        for (repo, commit) in [
            ("owner/none", commit.as_str()),
            ("../owner", commit.as_str()),
            ("owner/name", "HEAD"),
            ("owner/name", "0123456789012345678901234567890123456789"),
        ] {
            assert!(open(repo, commit).is_err(), "{repo} {commit}");
        }
        assert!(repos.checkout(&Trajectory::default()).unwrap().is_err());
        assert!(
            Repositories::default()
                .checkout(&Trajectory::default())
                .is_none()
        );
        // a worktree says in a file where its repository is
        let tree = folder.path().join("tree");
        std::fs::create_dir(&tree).unwrap();
        std::fs::write(tree.join(".git"), "gitdir: ../owner__name.git\n").unwrap();
        let one = Repositories {
            repo: Some(tree),
            repos: None,
        };
        assert!(one.checkout(&task("who/ever", &commit)).unwrap().is_ok());
        let none = Repositories {
            repo: Some(folder.path().join("nowhere")),
            repos: None,
        };
        assert!(none.check().is_err());
    }

    #[test]
    fn what_is_checked_out() {
        let folder = tempfile::tempdir().unwrap();
        let commit = repository(folder.path());
        assert!(Checkout::open_at(folder.path(), "HEAD").is_err());
        std::fs::write(folder.path().join("HEAD"), &commit).unwrap();
        let store = gix_odb::loose::Store::at(folder.path().join("objects"), Kind::Sha1);
        let tag = format!("object {commit}\ntype commit\ntag v1\ntagger a <a@b> 0 +0000\n\nm\n");
        let tag = store.write_buf(gix_object::Kind::Tag, tag.as_bytes());
        let refs = folder.path().join("refs/tags");
        std::fs::create_dir_all(&refs).unwrap();
        std::fs::write(refs.join("v1"), tag.unwrap().to_string()).unwrap();
        for name in ["HEAD", "v1", &commit] {
            let (_, found) = Checkout::open_at(folder.path(), name).unwrap();
            assert_eq!(found, commit, "{name}");
        }
        assert!(Checkout::open_at(folder.path(), "v2").is_err());
    }

    #[test]
    fn files_are_read_by_several_threads() {
        let folder = tempfile::tempdir().unwrap();
        let commit = repository(folder.path());
        let checkout = Checkout::open(folder.path(), &commit).unwrap();
        assert!(checkout.sources(2, &Cancel::new()).is_err());
        let files = checkout.sources(100, &Cancel::new()).unwrap();
        let mut shown: Vec<String> = files
            .entries()
            .unwrap()
            .into_iter()
            .map(|entry| format!("{} {:?}", entry.path, entry.kind))
            .collect();
        shown.sort();
        let want = [
            "b.bin File { bytes: 2 }",
            "src/a.py File { bytes: 4 }",
            "src/link Link",
        ];
        assert_eq!(shown, want);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    assert_eq!(files.read("src/a.py").unwrap(), b"x\ny\n");
                    assert!(files.read("src/link").is_err());
                    assert!(files.read("none").is_err());
                });
            }
        });
    }

    #[test]
    fn damaged_repositories_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let commit = repository(folder.path());
        for entry in walkdir::WalkDir::new(folder.path().join("objects"))
            .into_iter()
            .flatten()
        {
            if entry.file_type().is_file() {
                std::fs::remove_file(entry.path()).unwrap();
                std::fs::write(entry.path(), b"torn").unwrap();
            }
        }
        assert!(Checkout::open(folder.path(), &commit).is_err());
    }
}
