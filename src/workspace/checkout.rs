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

use std::path::Path;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::PoisonError;

use gix_hash::Kind;
use gix_hash::ObjectId;
use gix_object::Find as _;
use gix_object::TreeRefIter;

/// Files that are longer are not read; no source file is.
pub(super) const MAX_BYTES: u64 = 64 << 20;

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

    /// The bytes of a file; `None` where the commit has none: nothing, a folder, a link, a file of a submodule.
    ///
    /// # Errors
    /// In words: it cannot be read, or is too long.
    pub fn file(&self, path: &str) -> Result<Option<Vec<u8>>, String> {
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
        Ok(Some(data.data.to_vec()))
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

    #[test]
    fn files_are_read_at_the_commit() {
        let folder = tempfile::tempdir().unwrap();
        let bare = folder.path().join("owner__name.git");
        let commit = repository(&bare);
        let checkout = Checkout::open(&bare, &commit).unwrap();
        for _ in 0..2 {
            assert_eq!(checkout.file("src/a.py"), Ok(Some(b"x\ny\n".to_vec())));
        }
        for path in [
            "src/none.py",
            "src",
            "src/link",
            "src/a.py/x",
            "../a.py",
            "",
        ] {
            assert_eq!(checkout.file(path), Ok(None), "{path}");
        }
        assert_eq!(checkout.file("b.bin"), Ok(Some(b"\xff\x00".to_vec())));
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
