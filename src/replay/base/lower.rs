//! Files of a workspace as they stand before or after a replay, read on this side: the lower folder with layers on it.
//!
//! The lower folder is ours, but what is in it is not: no link is followed.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use rustix::fs::Mode;
use rustix::fs::OFlags;

use crate::sandbox::Entry;
use crate::sandbox::Layer;
use crate::sandbox::Tree;

/// Files that are longer are not compared.
const MOST_BYTES: u64 = 64 << 20;

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::replay) enum Found {
    /// Nothing, or a folder.
    Nothing,
    /// A file.
    File {
        /// Its permission bits.
        mode: u32,
        /// Its bytes.
        bytes: Vec<u8>,
    },
    /// A link, and what it says.
    Symlink(Vec<u8>),
    /// It cannot be told: a device, a file that is too long, a folder that cannot be read.
    Unknown,
}

/// The files of a tree with a layer on it.
#[derive(Debug, Clone, Copy)]
pub(in crate::replay) struct State<'a> {
    /// The folder.
    pub(in crate::replay) tree: &'a Tree,
    /// What is changed in it.
    pub(in crate::replay) layer: Option<&'a Layer>,
    /// The lower folder is somewhere else than on this machine.
    pub(in crate::replay) is_elsewhere: bool,
}

impl State<'_> {
    /// What is at a path below the tree.
    pub(in crate::replay) fn read(&self, path: &[u8]) -> Found {
        if !path.is_empty() && is_plain(path) {
            match self.in_layer(path) {
                Some(found) => found,
                None if self.is_elsewhere => Found::Unknown,
                None => match &self.tree.lower {
                    Some(lower) => in_folder(lower, path).unwrap_or(Found::Unknown),
                    None => Found::Nothing,
                },
            }
        } else {
            Found::Nothing
        }
    }

    /// What the layer says of a path; `None` where the lower folder shows through.
    fn in_layer(&self, path: &[u8]) -> Option<Found> {
        let layer = self.layer?;
        let whole = [self.tree.at.as_bytes(), b"/", path].concat();
        match layer.entries.get(&whole) {
            Some(Entry::File { mode, content }) => {
                return Some(Found::File {
                    mode: *mode,
                    bytes: content.bytes.to_vec(),
                });
            }
            Some(Entry::Symlink { target }) => return Some(Found::Symlink(target.clone())),
            Some(Entry::Removed | Entry::Dir { .. }) => return Some(Found::Nothing),
            Some(Entry::Other) => return Some(Found::Unknown),
            None => {}
        }
        // a folder above may be gone, or be no folder any more
        let start = self.tree.at.len();
        let ends = whole.iter().enumerate().skip(start);
        let above = ends.filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
        above
            .filter_map(|end| layer.entries.get(whole.get(..end)?))
            .any(|entry| {
                !matches!(
                    entry,
                    Entry::Dir {
                        is_opaque: false,
                        ..
                    }
                )
            })
            .then_some(Found::Nothing)
    }
}

/// Whether every part of a path is a name.
fn is_plain(path: &[u8]) -> bool {
    let mut parts = path.split(|byte| *byte == b'/');
    !path.contains(&0) && parts.all(|part| !matches!(part, b"" | b"." | b".."))
}

fn in_folder(folder: &Path, path: &[u8]) -> rustix::io::Result<Found> {
    use rustix::io::Errno;

    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let nothing = |err| match err {
        Errno::NOENT | Errno::NOTDIR | Errno::LOOP => Ok(Found::Nothing),
        err => Err(err),
    };
    let mut at = rustix::fs::open(folder, flags | OFlags::DIRECTORY, Mode::empty())?;
    let mut parts = path.split(|byte| *byte == b'/').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_some() {
            at = match rustix::fs::openat(&at, part, flags | OFlags::DIRECTORY, Mode::empty()) {
                Ok(inner) => inner,
                Err(err) => return nothing(err),
            };
            continue;
        }
        let file = match rustix::fs::openat(&at, part, flags, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(Errno::LOOP) => {
                let target = rustix::fs::readlinkat(&at, part, Vec::new())?;
                return Ok(Found::Symlink(target.into_bytes()));
            }
            Err(err) => return nothing(err),
        };
        let Ok(meta) = file.metadata() else {
            return Ok(Found::Unknown);
        };
        if meta.is_dir() {
            return Ok(Found::Nothing);
        }
        let mut bytes = Vec::new();
        let is_short = meta.is_file() && meta.len() <= MOST_BYTES;
        let read = is_short && file.take(MOST_BYTES).read_to_end(&mut bytes).is_ok();
        if !read {
            return Ok(Found::Unknown);
        }
        let mode = std::os::unix::fs::PermissionsExt::mode(&meta.permissions()) & 0o7777;
        return Ok(Found::File { mode, bytes });
    }
    Ok(Found::Nothing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::Content;

    fn file(text: &str) -> Found {
        Found::File {
            mode: 0o644,
            bytes: text.as_bytes().to_vec(),
        }
    }

    #[test]
    fn layers_lie_above_folders() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, "low").unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        };
        for path in ["a", "b", "d/x", "gone/x", "opaque/x", "file/x", "kept/x"] {
            write(path);
        }
        std::os::unix::fs::symlink("/etc", folder.path().join("etc")).unwrap();
        let tree = Tree {
            at: "/w".to_owned(),
            lower: Some(folder.path().to_owned()),
        };
        let mut layer = Layer::default();
        let mut put = |path: &str, entry| layer.entries.insert(path.as_bytes().to_vec(), entry);
        let new = |text: &str| Entry::File {
            mode: 0o644,
            content: Content::new(text.as_bytes()),
        };
        let dir = |is_opaque| Entry::Dir {
            mode: 0o755,
            is_opaque,
        };
        put("/w", dir(false));
        put("/w/b", new("new"));
        put("/w/gone", Entry::Removed);
        put("/w/opaque", dir(true));
        put("/w/kept", dir(false));
        put("/w/file", new("f"));
        put("/w/n/x", new("n"));
        let state = State {
            tree: &tree,
            layer: Some(&layer),
            is_elsewhere: false,
        };
        for (path, want) in [
            ("a", file("low")),
            ("b", file("new")),
            ("d/x", file("low")),
            ("d", Found::Nothing),
            ("gone/x", Found::Nothing),
            ("opaque/x", Found::Nothing),
            ("kept/x", file("low")),
            ("file", file("f")),
            ("file/x", Found::Nothing),
            ("n/x", file("n")),
            ("etc", Found::Symlink(b"/etc".to_vec())),
            ("etc/passwd", Found::Nothing),
            ("../a", Found::Nothing),
            ("d/../a", Found::Nothing),
            ("", Found::Nothing),
        ] {
            assert_eq!(state.read(path.as_bytes()), want, "{path}");
        }
        let elsewhere = State {
            is_elsewhere: true,
            ..state
        };
        assert_eq!(elsewhere.read(b"a"), Found::Unknown);
    }
}
