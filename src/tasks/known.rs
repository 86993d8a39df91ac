//! What is known of the files of repositories, kept in the cache folder for the next run.
//!
//! One file a repository, found by the repository's name: what its last index knew of its files by content, so that
//! another commit takes over what did not change. The build of hgview is part of it: another one may read sources
//! otherwise. What is torn, changed or foreign is not there. Files are written beside and renamed, so that the last of
//! several programs decides. No error is told: without them everything is only slower.

use std::fs;
use std::fs::File;
use std::io;
use std::io::Read as _;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::SystemTime;

use crate::cancel::Cancel;
use crate::python::repo::Files;
use crate::python::repo::Known;
use crate::python::repo::Progress;
use crate::python::repo::Repository;
use crate::store::build;

/// What files have that are being written.
const TEMPORARY: &str = ".new-";
/// What files have.
const ENDING: &str = "known";
/// Changes with what stands behind it.
const MAGIC: [u8; 8] = *b"hgknown1";
/// The longest that is read.
const MOST_OF_ONE: u64 = 512 << 20;
/// The length of what is there when a run begins, and of what a run adds: more of the former goes, beginning with what
/// was not used for longest, and more of the latter is not kept.
const MOST_BYTES: u64 = 512 << 20;
/// Less is parsed as fast as it is looked up.
const LEAST_BYTES: usize = 64 << 10;
/// Files that were being written so long ago were left behind.
const LEFT_BEHIND: Duration = Duration::from_hours(24);

/// What earlier runs knew of repositories.
#[derive(Debug)]
pub struct KnownRepositories {
    folder: PathBuf,
    least_bytes: usize,
    most_bytes: u64,
    /// By this run.
    added_bytes: AtomicU64,
}

impl KnownRepositories {
    /// In a folder, which need not be there. What is too much in it goes.
    pub fn within(folder: impl Into<PathBuf>) -> Self {
        let known = Self {
            folder: folder.into(),
            least_bytes: LEAST_BYTES,
            most_bytes: MOST_BYTES,
            added_bytes: AtomicU64::new(0),
        };
        known.tidy();
        known
    }

    /// Indexes the repository of a name with what is known of it, and keeps what is known then. The index is the same
    /// without. `Ok(None)` when it was cancelled.
    ///
    /// # Errors
    /// Those of [`Repository::index`].
    pub fn index(
        &self,
        name: &str,
        files: &dyn Files,
        cancel: &Cancel,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Option<Repository>, String> {
        let path = self.place_of(name);
        let known = read(&path);
        let index = Repository::index(files, known.as_ref(), cancel, progress)?;
        if let Some(index) = &index
            && index.parsed_count() > 0
        {
            let bytes = index.known().to_bytes();
            if self.has_room_for(bytes.len()) {
                drop(self.keep(&path, &bytes));
            }
        }
        Ok(index)
    }

    fn has_room_for(&self, bytes: usize) -> bool {
        let len = bytes as u64;
        bytes >= self.least_bytes
            && self.added_bytes.fetch_add(len, Ordering::Relaxed) + len <= self.most_bytes
    }

    fn place_of(&self, name: &str) -> PathBuf {
        let hash = blake3::hash(name.as_bytes()).to_hex();
        let name = hash.get(..32).unwrap_or_default();
        self.folder.join(format!("{name}.{ENDING}"))
    }

    fn keep(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let mut file = tempfile::Builder::new()
            .prefix(TEMPORARY)
            .tempfile_in(&self.folder)?;
        file.write_all(&MAGIC)?;
        file.write_all(build())?;
        file.write_all(bytes)?;
        file.persist(path)?;
        Ok(())
    }

    /// Lets go what was not used for longest until the rest is within the bounds, and what programs that ended early
    /// left behind.
    fn tidy(&self) {
        let Ok(entries) = fs::read_dir(&self.folder) else {
            return;
        };
        let now = SystemTime::now();
        let mut files = Vec::new();
        for entry in entries.filter_map(Result::ok) {
            let path = entry.path();
            let Ok(meta) = entry.metadata() else {
                continue;
            };
            let used = meta.modified().unwrap_or(now);
            if path.extension().is_some_and(|ending| ending == ENDING) {
                files.push((used, meta.len(), path));
            } else if entry.file_name().to_string_lossy().starts_with(TEMPORARY)
                && now.duration_since(used).unwrap_or_default() > LEFT_BEHIND
            {
                drop(fs::remove_file(&path));
            }
        }
        files.sort();
        let mut bytes: u64 = files.iter().map(|(_, len, _)| len).sum();
        for (_, len, path) in files {
            if bytes <= self.most_bytes {
                return;
            }
            drop(fs::remove_file(path));
            bytes -= len;
        }
    }
}

/// What this build kept in a file; notes that it was used.
fn read(path: &Path) -> Option<Known> {
    let meta = fs::metadata(path).ok()?;
    // opening a pipe would wait for somebody to write into it
    if !meta.is_file() || meta.len() > MOST_OF_ONE {
        return None;
    }
    let mut file = File::open(path).ok()?;
    let mut head = [0; MAGIC.len() + 32];
    file.read_exact(&mut head).ok()?;
    if head.strip_prefix(&MAGIC) != Some(build()) {
        return None;
    }
    let mut bytes = Vec::new();
    file.take(MOST_OF_ONE).read_to_end(&mut bytes).ok()?;
    if let Ok(file) = File::options().append(true).open(path) {
        drop(file.set_modified(SystemTime::now()));
    }
    Some(Known::read(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::python::repo::Entry;
    use crate::python::repo::EntryKind;

    /// So many files that define a function each.
    struct Made(usize);

    impl Files for Made {
        fn entries(&self) -> Result<Vec<Entry>, String> {
            let entry = |n| Entry {
                path: format!("m{n}.py"),
                kind: EntryKind::File { bytes: 20 },
            };
            Ok((0..self.0).map(entry).collect())
        }

        fn read(&self, path: &str) -> Result<Vec<u8>, String> {
            let name = path.strip_suffix(".py").unwrap_or(path);
            Ok(format!("def {name}(): return {name}()\n").into_bytes())
        }
    }

    fn kept_in(folder: &Path) -> KnownRepositories {
        KnownRepositories {
            least_bytes: 0,
            ..KnownRepositories::within(folder)
        }
    }

    fn parsed(kept: &KnownRepositories, name: &str, count: usize) -> usize {
        let index = kept.index(name, &Made(count), &Cancel::new(), &mut |_| {});
        let index = index.unwrap().unwrap();
        assert_eq!(index.definitions().count(), count);
        assert_eq!(index.calls(&Cancel::new()).unwrap().len(), count);
        index.parsed_count()
    }

    fn files_of(folder: &Path) -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    }

    #[test]
    fn only_new_files_are_parsed() {
        let folder = tempfile::tempdir().unwrap();
        let kept = kept_in(&folder.path().join("not/yet"));
        assert_eq!(parsed(&kept, "a/b", 3), 3);
        assert_eq!(parsed(&kept, "a/b", 3), 0);
        assert_eq!(parsed(&kept, "a/b", 5), 2);
        assert_eq!(parsed(&kept, "a/b", 2), 0);
        assert_eq!(parsed(&kept, "a/b", 5), 0);
        assert_eq!(parsed(&kept, "other", 1), 1);
    }

    #[test]
    fn little_is_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let kept = KnownRepositories::within(folder.path());
        assert_eq!(parsed(&kept, "a", 3), 3);
        assert!(files_of(folder.path()).is_empty());
    }

    #[test]
    fn what_is_torn_or_foreign_is_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let kept = kept_in(folder.path());
        assert_eq!(parsed(&kept, "a", 3), 3);
        let path = kept.place_of("a");
        let whole = fs::read(&path).unwrap();
        let check = |bytes: &[u8], expected: usize| {
            fs::write(&path, bytes).unwrap();
            assert_eq!(parsed(&kept, "a", 3), expected);
        };
        check(b"", 3);
        check(
            b"something else that is longer than a head is, by far and wide",
            3,
        );
        check(&whole[..whole.len() - 1], 1);
        let mut other = whole.clone();
        // another build
        other[MAGIC.len()] ^= 1;
        check(&other, 3);
        let mut other = whole.clone();
        let last = other.len() - 1;
        other[last] ^= 1;
        check(&other, 1);
        check(&whole, 0);
        // a folder where the file would be
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert_eq!(parsed(&kept, "a", 3), 3);
    }

    #[test]
    fn the_longest_unused_goes() {
        let folder = tempfile::tempdir().unwrap();
        let mut kept = kept_in(folder.path());
        for name in ["a", "b", "c"] {
            assert_eq!(parsed(&kept, name, 4), 4);
        }
        let old = SystemTime::now() - 2 * LEFT_BEHIND;
        for path in files_of(folder.path()) {
            let file = File::options().append(true).open(path).unwrap();
            file.set_modified(old).unwrap();
        }
        let left = folder.path().join(".new-left");
        let file = File::create(&left).unwrap();
        file.set_modified(old).unwrap();
        // it is used
        assert_eq!(parsed(&kept, "b", 4), 0);
        let one = fs::metadata(kept.place_of("b")).unwrap().len();
        kept.most_bytes = 2 * one;
        assert_eq!(parsed(&kept, "d", 4), 4);
        // this run has added enough
        let d = kept.place_of("d");
        assert!(!d.exists());
        kept.added_bytes = AtomicU64::new(0);
        assert_eq!(parsed(&kept, "d", 4), 4);
        kept.tidy();
        let mut names = files_of(folder.path());
        names.sort();
        let mut expected = vec![kept.place_of("b"), d];
        expected.sort();
        assert_eq!(names, expected);
    }

    /// A folder that cannot be made or written to changes nothing.
    #[test]
    fn without_a_folder_everything_is_parsed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let kept = kept_in(&file.join("below"));
        assert_eq!(parsed(&kept, "a", 2), 2);
        assert_eq!(parsed(&kept, "a", 2), 2);
    }

    #[test]
    fn cancelled_work_keeps_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let kept = kept_in(folder.path());
        let cancel = Cancel::new();
        cancel.cancel();
        let index = kept.index("a", &Made(2), &cancel, &mut |_| {});
        assert!(index.unwrap().is_none());
        assert!(files_of(folder.path()).is_empty());
    }
}
