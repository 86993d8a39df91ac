//! The commits of a repository, newest first, and what each changes.

use std::collections::BTreeMap;
use std::collections::BinaryHeap;
use std::collections::HashSet;
use std::path::Path;

use gix_hash::Kind;
use gix_hash::ObjectId;
use gix_object::Find as _;
use gix_object::FindHeader as _;
use gix_object::TreeRefIter;

use crate::cancel::Cancel;
use crate::workspace::checkout::objects_of;

/// Commits and trees that are longer are not read.
const MOST_BYTES: u64 = 8 << 20;
/// No repository is nested deeper.
const MOST_DEPTH: usize = 256;
/// How many folders of two commits are compared: small repositories can describe huge trees.
const MOST_TREES: usize = 20_000;

/// A commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its hash.
    pub id: String,
    /// Those of its parents; more than one of a merge, none of a root.
    pub parents: Vec<String>,
    /// What its author says. What is no UTF-8 in it is replaced.
    pub message: String,
    tree: ObjectId,
}

/// A file that differs between two commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its path, names divided by `/`. Nothing is promised of it: trees are made by anybody.
    pub path: Vec<u8>,
    /// What it was; `None` where there was none.
    pub old: Option<Blob>,
    /// What it is; `None` where it is gone.
    pub new: Option<Blob>,
}

/// A file or a symbolic link of a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blob {
    /// As git writes it: `100644`, `100755`, `120000`.
    pub mode: &'static str,
    id: ObjectId,
}

/// An open repository. Only its objects are read.
pub struct Commits {
    objects: gix_odb::HandleArc,
}

impl std::fmt::Debug for Commits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Commits").finish_non_exhaustive()
    }
}

impl Commits {
    /// Opens the repository in `folder`: a checkout or a bare repository.
    ///
    /// # Errors
    /// Says in words what is missing.
    pub fn open(folder: &Path) -> Result<Self, String> {
        let name = folder.display();
        let objects = objects_of(folder).ok_or_else(|| format!("{name} is no git repository"))?;
        let handle = gix_odb::at(objects, Kind::Sha1).and_then(gix_odb::Handle::into_arc);
        let objects = handle.map_err(|error| format!("{name} cannot be read: {error}"))?;
        Ok(Self { objects })
    }

    /// Tells a commit and those it descends from, the newest first, `most` at most. Where a clone is shallow, or a commit
    /// damaged, what lies behind is not told. Ends early when it is cancelled.
    pub fn walk(
        &self,
        start: &str,
        most: usize,
        cancel: &Cancel,
        each: &mut dyn FnMut(&Self, Commit),
    ) {
        let mut seen = HashSet::new();
        let mut waiting = BinaryHeap::new();
        let mut add = |id: &str, waiting: &mut BinaryHeap<(i64, ObjectId)>| {
            if let Ok(id) = ObjectId::from_hex(id.as_bytes())
                && seen.insert(id)
                && let Some((_, time)) = self.commit(id)
            {
                waiting.push((time, id));
            }
        };
        add(start.trim(), &mut waiting);
        for _ in 0..most {
            let Some((_, id)) = waiting.pop().filter(|_| !cancel.is_cancelled()) else {
                return;
            };
            let Some((commit, _)) = self.commit(id) else {
                continue;
            };
            for parent in &commit.parents {
                add(parent, &mut waiting);
            }
            each(self, commit);
        }
    }

    /// The commit of a hash; `None` where there is none or it is damaged.
    pub fn find(&self, id: &str) -> Option<Commit> {
        let id = ObjectId::from_hex(id.trim().as_bytes()).ok()?;
        self.commit(id).map(|(commit, _)| commit)
    }

    /// A commit with the time at which it was made, in seconds.
    fn commit(&self, id: ObjectId) -> Option<(Commit, i64)> {
        let text = self.object(id, gix_object::Kind::Commit, MOST_BYTES)?;
        let text = String::from_utf8_lossy(&text);
        let (head, message) = text.split_once("\n\n").unwrap_or((&text, ""));
        let (mut tree, mut parents, mut time) = (None, Vec::new(), 0);
        for line in head.lines() {
            match line.split_once(' ') {
                Some(("tree", hash)) if tree.is_none() => {
                    tree = ObjectId::from_hex(hash.as_bytes()).ok();
                }
                Some(("parent", hash)) => parents.push(hash.to_owned()),
                Some(("committer", who)) => {
                    let mut words = who.rsplit(' ').skip(1);
                    time = words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
                }
                _ => {}
            }
        }
        let commit = Commit {
            id: id.to_string(),
            parents,
            message: message.to_owned(),
            tree: tree?,
        };
        Some((commit, time))
    }

    fn object(&self, id: ObjectId, kind: gix_object::Kind, most: u64) -> Option<Vec<u8>> {
        let header = self.objects.try_header(&id).ok().flatten()?;
        if header.kind != kind || header.size > most {
            return None;
        }
        let mut buffer = Vec::new();
        let data = self.objects.try_find(&id, &mut buffer).ok().flatten()?;
        Some(data.data.to_vec())
    }

    /// The bytes of a file; `None` where it is damaged or longer than `most_bytes`.
    pub fn bytes(&self, blob: Blob, most_bytes: u64) -> Option<Vec<u8>> {
        self.object(blob.id, gix_object::Kind::Blob, most_bytes)
    }

    /// The files that differ between two commits, by path. A file that got another name is one that is gone and one that
    /// is new; submodules are passed over. `None` where more than `most` differ, a tree is damaged, or it was cancelled.
    pub fn changes(
        &self,
        old: &Commit,
        new: &Commit,
        most: usize,
        cancel: &Cancel,
    ) -> Option<Vec<Change>> {
        let mut found = Vec::new();
        let mut waiting = vec![(Vec::new(), Some(old.tree), Some(new.tree), 0)];
        let mut trees = 0;
        while let Some((path, old, new, depth)) = waiting.pop() {
            trees += 1;
            let is_much = depth > MOST_DEPTH || trees > MOST_TREES || found.len() > most;
            if is_much || cancel.is_cancelled() {
                return None;
            }
            let mut sides: BTreeMap<Vec<u8>, (Option<Node>, Option<Node>)> = BTreeMap::new();
            for (name, node) in self.tree(old)? {
                sides.entry(name).or_default().0 = Some(node);
            }
            for (name, node) in self.tree(new)? {
                sides.entry(name).or_default().1 = Some(node);
            }
            for (name, (old, new)) in sides {
                if old == new {
                    continue;
                }
                let mut inner = path.clone();
                if depth > 0 {
                    inner.push(b'/');
                }
                inner.extend(name);
                let trees = (old.and_then(Node::tree), new.and_then(Node::tree));
                if trees != (None, None) {
                    waiting.push((inner.clone(), trees.0, trees.1, depth + 1));
                }
                let (old, new) = (old.and_then(Node::blob), new.and_then(Node::blob));
                if old != new {
                    found.push(Change {
                        path: inner,
                        old,
                        new,
                    });
                }
            }
        }
        found.sort_by(|a, b| a.path.cmp(&b.path));
        (found.len() <= most).then_some(found)
    }

    fn tree(&self, id: Option<ObjectId>) -> Option<Vec<(Vec<u8>, Node)>> {
        let Some(id) = id else {
            return Some(Vec::new());
        };
        let bytes = self.object(id, gix_object::Kind::Tree, MOST_BYTES)?;
        let mut found = Vec::new();
        for entry in TreeRefIter::from_bytes(&bytes, Kind::Sha1) {
            let entry = entry.ok()?;
            let id = entry.oid.to_owned();
            let blob = |mode| Node::Blob(Blob { mode, id });
            let node = if entry.mode.is_tree() {
                Node::Tree(id)
            } else if entry.mode.is_commit() {
                continue;
            } else if entry.mode.is_link() {
                blob("120000")
            } else if entry.mode.is_executable() {
                blob("100755")
            } else {
                blob("100644")
            };
            found.push((entry.filename.to_vec(), node));
        }
        Some(found)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Node {
    Tree(ObjectId),
    Blob(Blob),
}

impl Node {
    fn tree(self) -> Option<ObjectId> {
        match self {
            Self::Tree(id) => Some(id),
            Self::Blob(_) => None,
        }
    }

    fn blob(self) -> Option<Blob> {
        match self {
            Self::Tree(_) => None,
            Self::Blob(blob) => Some(blob),
        }
    }
}
