//! Files of a sandbox, read and changed by workers inside it.
//!
//! Paths are absolute paths of the sandbox. Every call follows symbolic links as a process in the sandbox would, so that
//! no link leads out of it.

use std::fmt;

/// What kind of thing a path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A file with bytes.
    File,
    /// A folder.
    Dir,
    /// A symbolic link; only where links are not followed, or lead nowhere.
    Symlink,
    /// A device, a pipe, a socket.
    Other,
}

/// What is known of a file without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meta {
    /// What it is, behind the links.
    pub kind: FileKind,
    /// Its bytes.
    pub len: u64,
    /// Its permission bits.
    pub mode: u32,
}

/// A path that a walk found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The path below the walk's folder, with `/` between names; names that are not UTF-8 are told as well as they can be.
    pub path: String,
    /// What it is, behind the links.
    pub kind: FileKind,
}

/// Why something cannot be done with a file, as the kernel says it: tools repeat these words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileError {
    /// The number of the error (`ENOENT` is 2), where the kernel refused.
    pub errno: Option<i32>,
    /// What it means, without the path (`No such file or directory`).
    pub why: String,
}

impl FileError {
    /// The kernel's error of this number.
    pub fn of_errno(errno: i32) -> Self {
        let why = std::io::Error::from_raw_os_error(errno).to_string();
        let why = why.split(" (os error").next().unwrap_or(&why).to_owned();
        Self {
            errno: Some(errno),
            why,
        }
    }

    /// Something that is no error of the kernel's: the sandbox is dead, the file is too long.
    pub fn other(why: impl Into<String>) -> Self {
        Self {
            errno: None,
            why: why.into(),
        }
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

impl std::error::Error for FileError {}

/// Reads and changes files of a sandbox.
pub trait Files {
    /// What a path names, behind its links; `None` where there is nothing.
    ///
    /// # Errors
    /// The kernel's.
    fn meta(&mut self, path: &str) -> Result<Option<Meta>, FileError>;

    /// The bytes of a file, at most `most` of them.
    ///
    /// # Errors
    /// The kernel's; words of our own when it is longer than `most` or no file (a pipe is not waited for).
    fn read(&mut self, path: &str, most: u64) -> Result<Vec<u8>, FileError>;

    /// Writes a whole file in place; its permission bits stay. A new one gets `mode`, or the sandbox's usual bits (0644).
    ///
    /// # Errors
    /// The kernel's.
    fn write(&mut self, path: &str, bytes: &[u8], mode: Option<u32>) -> Result<(), FileError>;

    /// Sets permission bits.
    ///
    /// # Errors
    /// The kernel's.
    fn set_mode(&mut self, path: &str, mode: u32) -> Result<(), FileError>;

    /// Makes a folder and those above it; it may exist.
    ///
    /// # Errors
    /// The kernel's.
    fn make_dirs(&mut self, path: &str) -> Result<(), FileError>;

    /// Removes a file or link.
    ///
    /// # Errors
    /// The kernel's.
    fn remove(&mut self, path: &str) -> Result<(), FileError>;

    /// Renames a file, over another if there is one.
    ///
    /// # Errors
    /// The kernel's.
    fn rename(&mut self, from: &str, to: &str) -> Result<(), FileError>;

    /// What lies in a folder, `depth` levels deep (1 is its own entries), links to folders followed as `find -L` does, in
    /// no order, at most `most` entries.
    ///
    /// # Errors
    /// The kernel's, for the folder itself; what cannot be read below it is left out. Words of our own when there are more
    /// than `most`.
    fn list(&mut self, path: &str, depth: usize, most: usize) -> Result<Vec<Found>, FileError>;
}
