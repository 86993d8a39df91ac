//! Files over a temporary folder, and a sandbox that has nothing but them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::path::PathBuf;

use crate::error::Error;
use crate::error::Result;
use crate::sandbox::FileError;
use crate::sandbox::FileKind;
use crate::sandbox::Files;
use crate::sandbox::Found;
use crate::sandbox::Launch;
use crate::sandbox::Layer;
use crate::sandbox::Meta;
use crate::sandbox::Process;
use crate::sandbox::Proof;
use crate::sandbox::Sandbox;
use crate::sandbox::Tier;

/// Absolute paths of the stand-in lie below the folder: `/a` is `FOLDER/a`.
pub(crate) struct Folder {
    root: tempfile::TempDir,
}

impl Folder {
    /// An empty one.
    pub(crate) fn new() -> Self {
        Self {
            root: tempfile::tempdir().expect("a temporary folder"),
        }
    }

    /// Where a path of the stand-in lies on the host.
    pub(crate) fn host(&self, path: &str) -> PathBuf {
        self.root.path().join(path.trim_start_matches('/'))
    }

    /// Puts a file, with the folders above it.
    pub(crate) fn put(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let at = self.host(path);
        fs::create_dir_all(at.parent().expect("a folder above")).expect("folders");
        fs::write(at, bytes).expect("a file");
    }

    /// The text of a file; `None` where there is none.
    pub(crate) fn text(&self, path: &str) -> Option<String> {
        let bytes = fs::read(self.host(path)).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }
}

fn kernel(error: &std::io::Error) -> FileError {
    error
        .raw_os_error()
        .map_or_else(|| FileError::other(error.to_string()), FileError::of_errno)
}

fn kind_of(path: &Path) -> FileKind {
    match fs::metadata(path) {
        Ok(meta) if meta.is_dir() => FileKind::Dir,
        Ok(meta) if meta.is_file() => FileKind::File,
        Ok(_) => FileKind::Other,
        Err(_) => FileKind::Symlink,
    }
}

impl Files for Folder {
    fn meta(&mut self, path: &str) -> Result<Option<Meta>, FileError> {
        let at = self.host(path);
        match fs::metadata(&at) {
            Ok(meta) => Ok(Some(Meta {
                kind: kind_of(&at),
                len: meta.len(),
                mode: meta.permissions().mode() & 0o7777,
            })),
            Err(error) if matches!(error.raw_os_error(), Some(2 | 20)) => Ok(None),
            Err(error) => Err(kernel(&error)),
        }
    }

    fn read(&mut self, path: &str, most: u64) -> Result<Vec<u8>, FileError> {
        let at = self.host(path);
        let meta = fs::metadata(&at).map_err(|error| kernel(&error))?;
        if meta.is_dir() {
            return Err(FileError::of_errno(21));
        }
        if !meta.is_file() || meta.len() > most {
            return Err(FileError::other("no file, or too long"));
        }
        fs::read(at).map_err(|error| kernel(&error))
    }

    fn write(&mut self, path: &str, bytes: &[u8], mode: Option<u32>) -> Result<(), FileError> {
        let at = self.host(path);
        let is_new = !at.exists();
        fs::write(&at, bytes).map_err(|error| kernel(&error))?;
        if is_new {
            self.set_mode(path, mode.unwrap_or(0o644))?;
        }
        Ok(())
    }

    fn set_mode(&mut self, path: &str, mode: u32) -> Result<(), FileError> {
        fs::set_permissions(self.host(path), fs::Permissions::from_mode(mode))
            .map_err(|error| kernel(&error))
    }

    fn make_dirs(&mut self, path: &str) -> Result<(), FileError> {
        fs::create_dir_all(self.host(path)).map_err(|error| kernel(&error))
    }

    fn remove(&mut self, path: &str) -> Result<(), FileError> {
        fs::remove_file(self.host(path)).map_err(|error| kernel(&error))
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<(), FileError> {
        fs::rename(self.host(from), self.host(to)).map_err(|error| kernel(&error))
    }

    fn list(&mut self, path: &str, depth: usize, most: usize) -> Result<Vec<Found>, FileError> {
        let root = self.host(path);
        fs::read_dir(&root).map_err(|error| kernel(&error))?;
        let mut found = Vec::new();
        let mut waiting = vec![(root, String::new(), 1)];
        while let Some((folder, prefix, level)) = waiting.pop() {
            let Ok(entries) = fs::read_dir(&folder) else {
                continue;
            };
            for entry in entries.flatten() {
                let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
                let kind = kind_of(&entry.path());
                if kind == FileKind::Dir && level < depth {
                    waiting.push((entry.path(), format!("{path}/"), level + 1));
                }
                found.push(Found { path, kind });
                if found.len() > most {
                    return Err(FileError::other("too many files"));
                }
            }
        }
        Ok(found)
    }
}

impl Sandbox for Folder {
    fn tier(&self) -> Tier {
        Tier::Landlock
    }

    fn proofs(&self) -> &[Proof] {
        &[]
    }

    fn spawn(&mut self, _: &Launch) -> Result<Box<dyn Process>> {
        Err(Error::limit("a folder runs nothing"))
    }

    fn files(&mut self) -> &mut dyn Files {
        self
    }

    fn layer(&mut self, _: Option<&Layer>) -> Result<Layer> {
        Err(Error::limit("a folder keeps no layers"))
    }

    fn kill(&mut self) {}
}
