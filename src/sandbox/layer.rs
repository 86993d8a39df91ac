//! What a sandbox changed in its folders: enough to start another one where it stood.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Bytes of a file, shared between the layers that hold the same.
#[derive(Clone, PartialEq, Eq)]
pub struct Content {
    /// Of the bytes, all of them; what makes two contents the same.
    pub hash: blake3::Hash,
    /// The bytes.
    pub bytes: Arc<[u8]>,
}

impl Content {
    /// Of these bytes.
    pub fn new(bytes: impl Into<Arc<[u8]>>) -> Self {
        let bytes = bytes.into();
        Self {
            hash: blake3::hash(&bytes),
            bytes,
        }
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.bytes.len())
    }
}

/// What became of one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A file, new or changed in bytes or permissions.
    File {
        /// Permission bits.
        mode: u32,
        /// Its bytes.
        content: Content,
    },
    /// A folder that is new, has other permissions, or hides the one below it.
    Dir {
        /// Permission bits.
        mode: u32,
        /// Nothing of the lower folder at this path shows through.
        is_opaque: bool,
    },
    /// A symbolic link, new or changed.
    Symlink {
        /// What it says, as bytes: not always UTF-8.
        target: Vec<u8>,
    },
    /// What the lower folder has here is gone.
    Removed,
    /// A pipe or socket; kept as a word so that the change is told, not made again.
    Other,
}

/// All changes of a sandbox's folders, by absolute path in the sandbox.
///
/// Paths are bytes, since file names need not be UTF-8. The order of the map is that of the bytes: folders come before
/// what is in them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Layer {
    /// What became of each changed path.
    pub entries: BTreeMap<Vec<u8>, Entry>,
}

impl Layer {
    /// The bytes of its files, counted once for each path.
    pub fn len_bytes(&self) -> u64 {
        let len = |entry: &Entry| match entry {
            Entry::File { content, .. } => content.bytes.len() as u64,
            _ => 0,
        };
        self.entries.values().map(len).sum()
    }
}
