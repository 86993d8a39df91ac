//! Folders of the cache that sandboxes show as their lower ones: made once, shared, and never written to again.
//!
//! A tree is written beside its place and renamed; the mark beside it, which says what it holds, is written last, so that
//! a torn one is known for it and made anew. Who uses a tree holds a lock on its mark. When all of them together are too
//! large the ones that were used longest ago go, unless somebody holds them.

use std::fs::File;
use std::fs::OpenOptions;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use serde::Deserialize;
use serde::Serialize;

use crate::error::Error;
use crate::error::Result;
use crate::replay::base::place::Bounds;
use crate::replay::base::place::Place;
use crate::sandbox::FIRST_USER;

/// What one tree may hold.
const TREE: Bounds = Bounds {
    entries: 500_000,
    bytes: 8 << 30,
};
/// What all trees together may hold before old ones go.
const MOST_BYTES: u64 = 16 << 30;
/// Begins the name of a tree that is being written; left by a hgview that was killed.
const NEW: &str = ".new-";
/// What nobody has written to for so long nobody writes any more.
const STALE_SECS: u64 = 24 * 3600;

/// What is known of a tree that is whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Mark {
    entries: u64,
    bytes: u64,
    owner: Option<u32>,
    notes: Vec<String>,
}

/// A tree that stays as long as somebody holds this.
#[derive(Debug, Clone)]
pub(super) struct Held {
    /// The folder.
    pub(super) path: PathBuf,
    /// What was noticed while it was made.
    pub(super) notes: Vec<String>,
    /// Locked.
    _mark: Arc<File>,
}

/// The folder of all trees.
#[derive(Debug)]
pub(super) struct Trees {
    folder: PathBuf,
    most_bytes: u64,
}

impl Trees {
    /// Below hgview's cache folder.
    pub(super) fn new(cache: &Path) -> Self {
        Self {
            folder: cache.join("replay").join("trees"),
            most_bytes: MOST_BYTES,
        }
    }

    /// The tree of a key, which `make` fills if it is not there. The key names what the tree holds, in characters that
    /// file names may have. `make` gives what people should know of the tree.
    ///
    /// # Errors
    /// *input* when the cache cannot be written to; whatever `make` says.
    pub(super) fn get(
        &self,
        key: &str,
        make: &mut dyn FnMut(&mut Place) -> Result<Vec<String>>,
    ) -> Result<Held> {
        let cannot = |err| {
            let folder = self.folder.display();
            Error::input(format!("the files of a task cannot be kept in {folder}"))
                .caused_by(err)
                .hint("HGVIEW_CACHE_DIR names another folder")
        };
        if let Some(held) = self.whole(key) {
            return Ok(held);
        }
        std::fs::create_dir_all(&self.folder).map_err(cannot)?;
        let new = tempfile::Builder::new()
            .prefix(NEW)
            .tempdir_in(&self.folder);
        let new = new.map_err(cannot)?;
        let mut place = Place::new(new.path(), TREE, owner())?;
        let notes = make(&mut place)?;
        drop(place);
        let (entries, bytes) = measure(new.path());
        let mark = Mark {
            entries,
            bytes,
            owner: owner(),
            notes,
        };
        // one at a time changes what trees there are
        let lock = File::create(self.folder.join(".lock")).map_err(cannot)?;
        lock.lock().map_err(cannot)?;
        if let Some(held) = self.whole(key) {
            return Ok(held);
        }
        let path = self.folder.join(key);
        if path.symlink_metadata().is_ok() {
            std::fs::remove_dir_all(&path).map_err(cannot)?;
        }
        std::fs::rename(new.keep(), &path).map_err(cannot)?;
        let text = serde_json::to_vec(&mark).map_err(|err| cannot(err.into()))?;
        let half = self.folder.join(format!("{NEW}{key}.mark"));
        std::fs::write(&half, text).map_err(cannot)?;
        std::fs::rename(&half, self.mark(key)).map_err(cannot)?;
        let held = self.whole(key).ok_or_else(|| {
            let path = path.display();
            Error::input(format!("{path} changes while it is written"))
        })?;
        self.trim();
        Ok(held)
    }

    fn mark(&self, key: &str) -> PathBuf {
        self.folder.join(format!("{key}.mark"))
    }

    /// The tree of a key, held, if it is whole.
    fn whole(&self, key: &str) -> Option<Held> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(self.mark(key))
            .ok()?;
        file.lock_shared().ok()?;
        let mark: Mark = serde_json::from_reader(&file).ok()?;
        let path = self.folder.join(key);
        if measure(&path) != (mark.entries, mark.bytes) || mark.owner != owner() {
            return None;
        }
        // for the order in which trees go; that it fails changes nothing but that
        let _unchanged = file.set_modified(SystemTime::now());
        Some(Held {
            path,
            notes: mark.notes,
            _mark: Arc::new(file),
        })
    }

    /// Lets old trees go, and what killed runs left. What cannot be removed stays.
    fn trim(&self) {
        let Ok(listing) = std::fs::read_dir(&self.folder) else {
            return;
        };
        let mut marks = Vec::new();
        for entry in listing.filter_map(std::result::Result::ok) {
            let (Ok(name), Ok(meta)) = (entry.file_name().into_string(), entry.metadata()) else {
                continue;
            };
            let used = meta.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            if name.starts_with(NEW) {
                let age = used.elapsed().unwrap_or_default();
                if age.as_secs() > STALE_SECS {
                    remove(&entry.path());
                }
            } else if let Some(key) = name.strip_suffix(".mark") {
                let bytes = std::fs::read(entry.path()).unwrap_or_default();
                let mark = serde_json::from_slice(&bytes).ok();
                let bytes = mark.map_or(0, |mark: Mark| mark.bytes);
                marks.push((used, key.to_owned(), bytes));
            }
        }
        marks.sort();
        let mut all: u64 = marks.iter().map(|(_, _, bytes)| bytes).sum();
        for (_, key, bytes) in marks {
            if all <= self.most_bytes {
                return;
            }
            let mark = self.mark(&key);
            let is_free = File::open(&mark).is_ok_and(|file| {
                let is_free = file.try_lock().is_ok();
                if is_free {
                    remove(&mark);
                    remove(&self.folder.join(&key));
                }
                is_free
            });
            if is_free {
                all = all.saturating_sub(bytes);
            }
        }
    }
}

fn remove(path: &Path) {
    let is_dir = path.symlink_metadata().is_ok_and(|meta| meta.is_dir());
    let _stays = if is_dir {
        std::fs::remove_dir_all(path)
    } else {
        std::fs::remove_file(path)
    };
}

/// How many entries lie below a folder, and the bytes of its files. Whatever is missing is not counted.
fn measure(folder: &Path) -> (u64, u64) {
    let mut sum = (0, 0);
    let walk = walkdir::WalkDir::new(folder)
        .min_depth(1)
        .follow_links(false);
    for entry in walk.into_iter().filter_map(std::result::Result::ok) {
        sum.0 += 1;
        if entry.file_type().is_file() {
            sum.1 += entry.metadata().map_or(0, |meta| meta.len());
        }
    }
    sum
}

/// The owner that files are given: the user whom the sandbox takes for its root; `None` where they keep ours.
fn owner() -> Option<u32> {
    rustix::process::geteuid().is_root().then_some(FIRST_USER)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Cache {
        folder: tempfile::TempDir,
        trees: Trees,
    }

    impl Cache {
        fn new(most_bytes: u64) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let trees = Trees {
                most_bytes,
                ..Trees::new(folder.path())
            };
            Self { folder, trees }
        }

        /// Gets a tree of one file of this length; tells how often it was made for that.
        fn get(&self, key: &str, len: usize) -> (Held, usize) {
            let mut made = 0;
            let held = self.trees.get(key, &mut |place| {
                made += 1;
                let text = "x".repeat(len);
                place.file(b"d/f", 0o644, &mut text.as_bytes())?;
                Ok(vec![format!("{len} bytes")])
            });
            (held.unwrap(), made)
        }

        fn names(&self) -> Vec<String> {
            let listing = std::fs::read_dir(self.folder.path().join("replay/trees")).unwrap();
            let names = listing.map(|entry| entry.unwrap().file_name().into_string().unwrap());
            let mut names: Vec<String> = names.filter(|name| name != ".lock").collect();
            names.sort();
            names
        }
    }

    #[test]
    fn a_tree_is_made_once() {
        let cache = Cache::new(1000);
        let (first, made) = cache.get("a", 3);
        assert_eq!(
            (made, first.notes.as_slice()),
            (1, &["3 bytes".to_owned()][..])
        );
        let (second, made) = cache.get("a", 3);
        assert_eq!((made, second.notes), (0, first.notes));
        assert_eq!(std::fs::read(second.path.join("d/f")).unwrap(), b"xxx");
        assert_eq!(cache.names(), ["a", "a.mark"]);
    }

    #[test]
    fn a_torn_tree_is_made_anew() {
        let cache = Cache::new(1000);
        let (held, _) = cache.get("a", 3);
        std::fs::remove_file(held.path.join("d/f")).unwrap();
        assert_eq!(cache.get("a", 3).1, 1);
        // no mark, or one that is torn
        std::fs::remove_file(cache.trees.mark("a")).unwrap();
        assert_eq!(cache.get("a", 3).1, 1);
        std::fs::write(cache.trees.mark("a"), "{").unwrap();
        assert_eq!(cache.get("a", 3).1, 1);
        assert_eq!(cache.get("a", 3).1, 0);
        assert_eq!(cache.names(), ["a", "a.mark"]);
    }

    #[test]
    fn nothing_is_left_of_what_failed() {
        let cache = Cache::new(1000);
        let failed = cache.trees.get("a", &mut |place| {
            place.file(b"f", 0o644, &mut &b"x"[..])?;
            Err(Error::limit("enough"))
        });
        assert_eq!(failed.unwrap_err().to_string(), "enough");
        assert_eq!(cache.names(), Vec::<String>::new());
    }

    #[test]
    fn old_trees_go_unless_they_are_held() {
        let cache = Cache::new(10);
        let (held, _) = cache.get("a", 6);
        drop(cache.get("b", 6));
        assert_eq!(cache.names(), ["a", "a.mark", "b", "b.mark"], "a is held");
        drop(held);
        drop(cache.get("c", 6));
        assert_eq!(cache.names(), ["c", "c.mark"]);
    }

    #[test]
    fn two_at_once_make_the_same_tree() {
        let cache = Cache::new(1000);
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| cache.get("a", 3).0))
                .collect();
            for thread in threads {
                let held = thread.join().unwrap();
                assert_eq!(std::fs::read(held.path.join("d/f")).unwrap(), b"xxx");
            }
        });
        assert_eq!(cache.names(), ["a", "a.mark"]);
    }
}
