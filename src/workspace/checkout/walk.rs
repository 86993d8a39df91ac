//! All files of a checkout, in the order of its trees.

use std::sync::PoisonError;

use gix_hash::ObjectId;
use gix_object::Find as _;
use gix_object::FindHeader as _;
use gix_object::TreeRefIter;

use crate::cancel::Cancel;
use crate::workspace::checkout::Checkout;

/// No repository is nested deeper.
const MOST_DEPTH: usize = 256;

/// What lies at a path of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TreeKind {
    /// A file with bytes.
    File {
        /// It may be run.
        is_executable: bool,
    },
    /// A symbolic link; its bytes are its target.
    Symlink,
    /// Another name of a file that was told before; its bytes are that one's path. No commit has such, archives do.
    HardLink,
    /// Nothing that a folder of sources holds, and what it is. No commit has such.
    Odd(&'static str),
    /// A folder: a tree, or the place of a submodule, whose files are another repository's. It has no bytes.
    Dir {
        /// It is a submodule's.
        is_submodule: bool,
    },
}

/// One entry of a commit's trees. Nothing is promised of its name: trees are made by anybody.
#[derive(Debug, Clone, Copy)]
pub struct TreeFile<'a> {
    /// Its path below the root, names divided by `/`.
    pub path: &'a [u8],
    /// What it is.
    pub kind: TreeKind,
    /// Its bytes.
    pub bytes: &'a [u8],
}

/// A tree or blob that waits for its turn.
struct Waiting {
    path: Vec<u8>,
    id: ObjectId,
    depth: usize,
    kind: TreeKind,
}

impl Checkout {
    /// Tells every file, link and folder of the commit to `each`, a folder before what is in it. `most` bounds how many
    /// are told and `most_bytes` the length of one: small repositories can describe huge trees.
    ///
    /// # Errors
    /// In words: an object is missing or damaged, a bound is reached, it was cancelled; or what `each` says.
    pub fn files(
        &self,
        (most, most_bytes): (u64, u64),
        cancel: &Cancel,
        each: &mut dyn FnMut(TreeFile<'_>) -> Result<(), String>,
    ) -> Result<(), String> {
        let mut buffer = Vec::new();
        self.walk((most, most_bytes), cancel, &mut |next, handle| {
            if matches!(next.kind, TreeKind::Dir { .. }) {
                return if next.depth > 0 {
                    each(next.file(&[]))
                } else {
                    Ok(())
                };
            }
            let data = next.read(gix_object::Kind::Blob, most_bytes, handle, &mut buffer)?;
            each(next.file(data))
        })
    }

    /// Tells what lies at every path of the commit and under which name its bytes are kept, without reading them. `most`
    /// bounds how much is told.
    ///
    /// # Errors
    /// In words: a tree is missing or damaged, a bound is reached, it was cancelled.
    pub(super) fn paths(
        &self,
        most: u64,
        cancel: &Cancel,
        each: &mut dyn FnMut(&[u8], TreeKind, ObjectId),
    ) -> Result<(), String> {
        self.walk((most, u64::MAX), cancel, &mut |next, _| {
            each(&next.path, next.kind, next.id);
            Ok(())
        })
    }

    /// Goes through the trees of the commit, the root first, a folder before what is in it.
    fn walk(
        &self,
        (most, most_bytes): (u64, u64),
        cancel: &Cancel,
        each: &mut dyn FnMut(&Waiting, &gix_odb::HandleArc) -> Result<(), String>,
    ) -> Result<(), String> {
        let handle = self.objects.lock().unwrap_or_else(PoisonError::into_inner);
        let mut buffer = Vec::new();
        let mut told = 0;
        let mut waiting = vec![Waiting::root(self.tree)];
        while let Some(next) = waiting.pop() {
            if cancel.is_cancelled() {
                return Err("cancelled".to_owned());
            }
            told += 1;
            if told > most || next.depth > MOST_DEPTH {
                return Err("the commit holds too many files or folders".to_owned());
            }
            each(&next, &handle)?;
            let is_tree = TreeKind::Dir {
                is_submodule: false,
            };
            if next.kind == is_tree {
                let data = next.read(gix_object::Kind::Tree, most_bytes, &handle, &mut buffer)?;
                let inner = entries(&next, data).ok_or_else(|| next.damaged())?;
                waiting.extend(inner.into_iter().rev());
            }
        }
        Ok(())
    }
}

impl Waiting {
    fn root(tree: ObjectId) -> Self {
        Self {
            path: Vec::new(),
            id: tree,
            depth: 0,
            kind: TreeKind::Dir {
                is_submodule: false,
            },
        }
    }

    fn damaged(&self) -> String {
        let name = String::from_utf8_lossy(&self.path);
        format!("the object of {name:?} is missing or damaged")
    }

    /// Its bytes, if they are of this kind and not longer than that.
    fn read<'b>(
        &self,
        kind: gix_object::Kind,
        most_bytes: u64,
        handle: &gix_odb::HandleArc,
        buffer: &'b mut Vec<u8>,
    ) -> Result<&'b [u8], String> {
        let header = handle.try_header(&self.id).ok().flatten();
        if header.ok_or_else(|| self.damaged())?.size > most_bytes {
            let name = String::from_utf8_lossy(&self.path);
            return Err(format!("{name:?} is too long"));
        }
        let data = handle.try_find(&self.id, buffer).ok().flatten();
        let data = data.filter(|data| data.kind == kind);
        Ok(data.ok_or_else(|| self.damaged())?.data)
    }

    fn file<'a>(&'a self, bytes: &'a [u8]) -> TreeFile<'a> {
        TreeFile {
            path: &self.path,
            kind: self.kind,
            bytes,
        }
    }
}

/// What a tree holds; `None` where it is damaged.
fn entries(of: &Waiting, data: &[u8]) -> Option<Vec<Waiting>> {
    let mut found = Vec::new();
    for entry in TreeRefIter::from_bytes(data, gix_hash::Kind::Sha1) {
        let entry = entry.ok()?;
        let mut path = of.path.clone();
        if !path.is_empty() {
            path.push(b'/');
        }
        path.extend_from_slice(entry.filename);
        let kind = if entry.mode.is_tree() || entry.mode.is_commit() {
            TreeKind::Dir {
                is_submodule: entry.mode.is_commit(),
            }
        } else if entry.mode.is_link() {
            TreeKind::Symlink
        } else {
            TreeKind::File {
                is_executable: entry.mode.is_executable(),
            }
        };
        found.push(Waiting {
            path,
            id: entry.oid.to_owned(),
            depth: of.depth + 1,
            kind,
        });
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use gix_object::Write as _;

    use super::*;

    /// The paths that a commit of these entries tells, with what they are; a mode of `tree` nests the entries before it.
    #[track_caller]
    fn check(entries: &[(&str, &str, &[u8])], want: Result<&[(&str, TreeKind, &str)], &str>) {
        let folder = tempfile::tempdir().unwrap();
        let objects = folder.path().join("objects");
        std::fs::create_dir_all(&objects).unwrap();
        let store = gix_odb::loose::Store::at(&objects, gix_hash::Kind::Sha1);
        let mut bytes: Vec<u8> = Vec::new();
        for (mode, name, content) in entries {
            let id = match *mode {
                "40000" => {
                    let inner = std::mem::take(&mut bytes);
                    store.write_buf(gix_object::Kind::Tree, &inner).unwrap()
                }
                "160000" => ObjectId::from_bytes_or_panic(&[7; 20]),
                _ => store.write_buf(gix_object::Kind::Blob, content).unwrap(),
            };
            bytes.extend(format!("{mode} {name}\0").bytes());
            bytes.extend(id.as_slice());
        }
        let root = store.write_buf(gix_object::Kind::Tree, &bytes).unwrap();
        let commit =
            format!("tree {root}\nauthor a <a@b> 0 +0000\ncommitter a <a@b> 0 +0000\n\nc\n");
        let commit = store.write_buf(gix_object::Kind::Commit, commit.as_bytes());
        let commit = commit.unwrap().to_string();
        let checkout = Checkout::open(folder.path(), &commit).unwrap();
        let mut found = Vec::new();
        let done = checkout.files((5, 200), &Cancel::new(), &mut |file| {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            found.push((text(file.path), file.kind, text(file.bytes)));
            Ok(())
        });
        match want {
            Ok(want) => {
                assert_eq!(done, Ok(()));
                let want: Vec<_> = want
                    .iter()
                    .map(|(path, kind, bytes)| ((*path).to_owned(), *kind, (*bytes).to_owned()))
                    .collect();
                assert_eq!(found, want);
            }
            Err(why) => assert!(
                done.clone().is_err_and(|said| said.contains(why)),
                "{done:?}"
            ),
        }
    }

    const FILE: TreeKind = TreeKind::File {
        is_executable: false,
    };
    const DIR: TreeKind = TreeKind::Dir {
        is_submodule: false,
    };

    #[test]
    fn files_links_folders_and_submodules_are_told() {
        check(
            &[
                ("100644", "a", b"1"),
                ("40000", "d", b""),
                ("100755", "run", b"2"),
                ("120000", "to", b"d/a"),
            ],
            Ok(&[
                ("d", DIR, ""),
                ("d/a", FILE, "1"),
                (
                    "run",
                    TreeKind::File {
                        is_executable: true,
                    },
                    "2",
                ),
                ("to", TreeKind::Symlink, "d/a"),
            ]),
        );
        let module = TreeKind::Dir { is_submodule: true };
        check(&[("160000", "m", b"")], Ok(&[("m", module, "")]));
    }

    #[test]
    fn bounds_hold() {
        check(&[("100644", "a", &[b'x'; 201])], Err("too long"));
        let many = ["a", "b", "c", "d", "e"].map(|name| ("100644", name, &b""[..]));
        check(&many, Err("too many"));
    }
}
