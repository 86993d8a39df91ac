//! The files of a repository in one state: of a git repository at a commit, of a plain folder, of an archive.
//!
//! A commit has a hash. What has no commits is named by what its Python files hold, the same for a folder and its archive,
//! so that a task that was made of it can be held against it. Nothing is written or run there; links are not followed.

use std::collections::HashMap;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use rayon::iter::IntoParallelRefIterator as _;
use rayon::iter::ParallelIterator as _;

use crate::cancel::Cancel;
use crate::model::Text;
use crate::python::repo::EntryKind;
use crate::python::repo::Files;
use crate::python::repo::is_indexed;
use crate::workspace::BaseFiles;
use crate::workspace::archive;
use crate::workspace::checkout::Checkout;
use crate::workspace::checkout::TreeFile;
use crate::workspace::checkout::TreeKind;
use crate::workspace::sources::Folder;
use crate::workspace::sources::Packed;

/// A repository has no more files and folders.
const MOST_FILES: u64 = 2_000_000;
/// Digits of a name of content: as many as a commit has.
const NAME_DIGITS: usize = 40;

/// The files of a repository in one state.
pub struct Snapshot {
    path: PathBuf,
    name: String,
    kind: Kind,
    /// What was read before.
    texts: Mutex<Texts>,
    /// The name of all files, once somebody asked for it.
    whole: Mutex<Option<String>>,
}

/// Files by their paths, as text; `None` where there is no such file. All are forgotten where they take too much: they
/// are read again.
#[derive(Default)]
struct Texts {
    by_path: HashMap<String, Option<Text>>,
    bytes: usize,
}

impl Texts {
    const MOST_BYTES: usize = 64 << 20;

    fn keep(&mut self, path: &str, text: Option<Text>) {
        let bytes = path.len() + text.as_ref().map_or(0, |text| text.len());
        if self.bytes + bytes > Self::MOST_BYTES {
            *self = Self::default();
        }
        if self.by_path.insert(path.to_owned(), text).is_none() {
            self.bytes += bytes;
        }
    }
}

enum Kind {
    Commit(Box<Checkout>),
    Folder {
        folder: Arc<Folder>,
        /// What its Python files held when it was opened.
        hashes: HashMap<String, blake3::Hash>,
    },
    Archive(Arc<Packed>),
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot")
            .field("path", &self.path)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Snapshot {
    fn new(path: &Path, name: String, kind: Kind) -> Self {
        Self {
            path: path.to_owned(),
            name,
            kind,
            texts: Mutex::default(),
            whole: Mutex::default(),
        }
    }

    /// Of a git repository at a commit, named by its whole hash.
    ///
    /// # Errors
    /// Says in words what is missing.
    pub fn of_commit(path: &Path, hash: &str) -> Result<Self, String> {
        let checkout = Checkout::open(path, hash)?;
        let name = hash.trim().to_ascii_lowercase();
        Ok(Self::new(path, name, Kind::Commit(Box::new(checkout))))
    }

    /// Of a git repository at what `name` stands for: a whole hash, `HEAD`, a branch, a tag.
    ///
    /// # Errors
    /// Says in words what is missing.
    pub fn of_reference(path: &Path, name: &str) -> Result<Self, String> {
        let (checkout, name) = Checkout::open_at(path, name)?;
        Ok(Self::new(path, name, Kind::Commit(Box::new(checkout))))
    }

    /// Of a plain folder or an archive, whose Python files are all read.
    ///
    /// # Errors
    /// In words: it is not there, is damaged, holds too much; it was cancelled.
    pub fn of_files(path: &Path, cancel: &Cancel) -> Result<Self, String> {
        if path.is_dir() {
            if path.join(".git").symlink_metadata().is_ok() {
                return Err(format!("the .git of {} is no repository", path.display()));
            }
            let folder = Arc::new(Folder::new(path));
            let hashes = hashes(folder.as_ref(), cancel)?;
            let name = content_name(&hashes);
            return Ok(Self::new(path, name, Kind::Folder { folder, hashes }));
        }
        if !path.exists() {
            return Err(format!("{} is not there", path.display()));
        }
        let packed = Packed::open(path, cancel).map_err(|err| err.to_string())?;
        let name = content_name(&hashes(&packed, cancel)?);
        Ok(Self::new(path, name, Kind::Archive(Arc::new(packed))))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The whole hash of the commit; of folders and archives a name of their Python files.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it has a commit.
    pub fn is_git(&self) -> bool {
        matches!(self.kind, Kind::Commit(_))
    }

    /// A name of the sources, which is the same for the same Python files.
    pub fn sources_name(&self) -> String {
        match &self.kind {
            Kind::Commit(checkout) => checkout.tree(),
            Kind::Folder { .. } | Kind::Archive(_) => self.name.clone(),
        }
    }

    /// A name of all files, which is the same for the same files; it may stand in a file's name. Those of a folder or an
    /// archive are read for it, once.
    ///
    /// # Errors
    /// In words: they cannot be read, it was cancelled.
    pub fn whole_name(&self, bounds: (u64, u64), cancel: &Cancel) -> Result<String, String> {
        if let Kind::Commit(checkout) = &self.kind {
            return Ok(checkout.tree());
        }
        let mut whole = self.whole.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = &*whole {
            return Ok(known.clone());
        }
        let name = match &self.kind {
            Kind::Archive(packed) => {
                archive::content_name(packed.path()).map_err(|err| err.to_string())?
            }
            Kind::Commit(_) | Kind::Folder { .. } => {
                let mut all = blake3::Hasher::new();
                self.files(bounds, cancel, &mut |file| {
                    let kind = format!("{:?} {} {} ", file.kind, file.path.len(), file.bytes.len());
                    all.update(kind.as_bytes());
                    all.update(file.path);
                    all.update(file.bytes);
                    Ok(())
                })?;
                all.finalize().to_hex().to_string()
            }
        };
        Ok(whole.insert(format!("files-{name}")).clone())
    }

    /// How much of it is held in memory.
    pub(super) fn held_bytes(&self) -> u64 {
        match &self.kind {
            Kind::Archive(packed) => packed.held_bytes(),
            Kind::Commit(_) | Kind::Folder { .. } => 0,
        }
    }

    /// Its files, for an index.
    ///
    /// # Errors
    /// In words: a commit's tree is damaged or too large, it was cancelled.
    pub fn sources(&self, cancel: &Cancel) -> Result<Arc<dyn Files + Send + Sync>, String> {
        Ok(match &self.kind {
            Kind::Commit(checkout) => Arc::new(checkout.sources(MOST_FILES, cancel)?),
            Kind::Folder { folder, .. } => Arc::clone(folder) as Arc<dyn Files + Send + Sync>,
            Kind::Archive(packed) => Arc::clone(packed) as Arc<dyn Files + Send + Sync>,
        })
    }

    /// Tells every file, link and folder to `each`, a folder before what is in it. `most` bounds how many are told and
    /// `most_bytes` the length of one.
    ///
    /// # Errors
    /// In words: something cannot be read, is not as it was when this was opened, a bound is reached, it was cancelled; or
    /// what `each` says.
    pub fn files(
        &self,
        (most, most_bytes): (u64, u64),
        cancel: &Cancel,
        each: &mut dyn FnMut(TreeFile<'_>) -> Result<(), String>,
    ) -> Result<(), String> {
        let bounds = (most, most_bytes);
        match &self.kind {
            Kind::Commit(checkout) => checkout.files(bounds, cancel, each),
            Kind::Archive(packed) => packed.files(bounds, cancel, each),
            Kind::Folder { folder, hashes } => {
                let mut met = 0;
                folder.files(bounds, cancel, &mut |file| {
                    if let (TreeKind::File { .. }, Ok(path)) =
                        (file.kind, str::from_utf8(file.path))
                    {
                        met += usize::from(is_as_it_was(hashes, path, file.bytes)?);
                    }
                    each(file)
                })?;
                if met < hashes.len() {
                    return Err("files of the folder went since it was read".to_owned());
                }
                Ok(())
            }
        }
    }

    /// The bytes of a file; `None` where there is none: nothing, a folder, a link, a file of a submodule.
    ///
    /// # Errors
    /// In words: it cannot be read, is too long, is not as it was when this was opened.
    pub fn file(&self, path: &str) -> Result<Option<Vec<u8>>, String> {
        match &self.kind {
            Kind::Commit(checkout) => checkout.file(path),
            Kind::Archive(packed) => packed.file(path),
            Kind::Folder { folder, hashes } => {
                let found = folder.file(path)?;
                match &found {
                    Some(bytes) => {
                        is_as_it_was(hashes, path, bytes)?;
                    }
                    None if hashes.contains_key(path) => {
                        return Err(format!("{path} went since the folder was read"));
                    }
                    None => {}
                }
                Ok(found)
            }
        }
    }
}

impl BaseFiles for Snapshot {
    fn base_file(&self, path: &str) -> Result<Option<Text>, String> {
        let known = self
            .texts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .by_path
            .get(path)
            .cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let found = self.file(path)?.map(String::from_utf8).transpose();
        let found = found.map_err(|_bytes| format!("{path} is no text"))?;
        let found = found.map(Text::from);
        let mut texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        texts.keep(path, found.clone());
        Ok(found)
    }
}

/// Whether a file is one of those that were read when a folder was opened.
///
/// # Errors
/// Says that it is one of them and holds something else now, or would have been.
fn is_as_it_was(
    hashes: &HashMap<String, blake3::Hash>,
    path: &str,
    bytes: &[u8],
) -> Result<bool, String> {
    match hashes.get(path) {
        None if is_indexed(path, bytes.len() as u64) => {
            Err(format!("{path} came since the folder was read"))
        }
        None => Ok(false),
        Some(hash) if *hash == blake3::hash(bytes) => Ok(true),
        Some(_) => Err(format!("{path} changed since the folder was read")),
    }
}

/// What the Python files hold. One that cannot be read has no part in it.
fn hashes(files: &dyn Files, cancel: &Cancel) -> Result<HashMap<String, blake3::Hash>, String> {
    let mut paths: Vec<String> = Vec::new();
    for entry in files.entries()? {
        if let EntryKind::File { bytes } = entry.kind
            && is_indexed(&entry.path, bytes)
        {
            paths.push(entry.path);
        }
    }
    let hash = |path: &String| {
        let bytes = (!cancel.is_cancelled()).then(|| files.read(path).ok())??;
        Some((path.clone(), blake3::hash(&bytes)))
    };
    let hashes = paths.par_iter().filter_map(hash).collect();
    if cancel.is_cancelled() {
        return Err("cancelled".to_owned());
    }
    Ok(hashes)
}

/// A name of what Python files hold, as long as the hash of a commit.
fn content_name(hashes: &HashMap<String, blake3::Hash>) -> String {
    let mut sorted: Vec<(&String, &blake3::Hash)> = hashes.iter().collect();
    sorted.sort_unstable_by_key(|(path, _)| *path);
    let mut all = blake3::Hasher::new();
    for (path, hash) in sorted {
        all.update(&(path.len() as u64).to_le_bytes());
        all.update(path.as_bytes());
        all.update(hash.as_bytes());
    }
    let name = all.finalize().to_hex();
    name.chars().take(NAME_DIGITS).collect()
}

#[cfg(test)]
mod tests;
