//! The files of a commit, a folder or an archive, written into a folder.

use std::collections::BTreeMap;

use crate::error::Error;
use crate::error::Result;
use crate::replay::base::place::Place;
use crate::replay::base::place::Put;
use crate::replay::base::place::Refused;
use crate::workspace::checkout::TreeFile;
use crate::workspace::checkout::TreeKind;

/// Takes one file after the other; what it says in words ends the walk.
type Each<'a> = dyn FnMut(TreeFile<'_>) -> Result<(), String> + 'a;

/// What is written otherwise than it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outgoing {
    /// Files with other bytes, by path.
    pub changed: BTreeMap<String, Vec<u8>>,
    /// Links that lead out of the folder are left out; elsewhere a sandbox bounds them.
    pub only_inner_links: bool,
}

/// Writes all that `walk` tells; says what people should know of it.
///
/// # Errors
/// *input* when the files cannot be read or written; *limit* when there is too much of it.
pub fn write_out(
    walk: &dyn Fn(&mut Each<'_>) -> Result<(), String>,
    place: &mut Place,
    outgoing: &Outgoing,
) -> Result<Vec<String>> {
    /// Begins a file of Git LFS that stands for the real one.
    const POINTER: &[u8] = b"version https://git-lfs.github.com/spec/";
    let mut refused = Refused::default();
    let (mut modules, mut pointers) = (Vec::new(), 0);
    let mut failed = None;
    let done = walk(&mut |file| {
        let changed = std::str::from_utf8(file.path).ok();
        let changed = changed.and_then(|path| outgoing.changed.get(path));
        let mut bytes = changed.map_or(file.bytes, Vec::as_slice);
        let put = match file.kind {
            _ if names_git(file.path) => Ok(Put::Refused("it passes for git's own")),
            TreeKind::Dir { is_submodule } => {
                if is_submodule {
                    modules.push(String::from_utf8_lossy(file.path).into_owned());
                }
                place.dir(file.path)
            }
            TreeKind::Symlink if outgoing.only_inner_links && !is_inner(file.path, bytes) => {
                Ok(Put::Refused("it leads out of the folder"))
            }
            TreeKind::Symlink => place.symlink(file.path, bytes),
            TreeKind::HardLink => place.copy(file.path, bytes),
            TreeKind::Odd(why) => Ok(Put::Refused(why)),
            TreeKind::File { is_executable } => {
                pointers += usize::from(bytes.starts_with(POINTER));
                let mode = if is_executable { 0o755 } else { 0o644 };
                place.file(file.path, mode, &mut bytes)
            }
        };
        match put {
            Ok(put) => {
                refused.take(file.path, put);
                Ok(())
            }
            Err(error) => {
                failed = Some(error);
                Err(String::new())
            }
        }
    });
    if let Some(error) = failed {
        return Err(error);
    }
    done.map_err(|why| Error::input(format!("the task's files cannot be written out: {why}")))?;
    let mut notes = refused.notes();
    if let Some(first) = modules.first() {
        let count = modules.len();
        notes.push(format!(
            "{count} submodules are empty, the first is {first:?}"
        ));
    }
    if pointers > 0 {
        notes.push(format!("{pointers} files of Git LFS are only pointers"));
    }
    Ok(notes)
}

/// Whether a link stays in the folder whatever other links are there that do: it goes up first, no further than the
/// root, and then only down.
fn is_inner(path: &[u8], target: &[u8]) -> bool {
    let is_name = |part: &&[u8]| !matches!(*part, b"" | b".");
    let depth = path.split(|byte| *byte == b'/').filter(is_name).count();
    let mut parts = target
        .split(|byte| *byte == b'/')
        .filter(is_name)
        .peekable();
    let mut up = 0;
    while parts.next_if(|part| *part == b"..").is_some() {
        up += 1;
    }
    !target.starts_with(b"/") && up < depth && parts.all(|part| part != b"..")
}

/// Whether a part of a path is what some file system would take for `.git`.
fn names_git(path: &[u8]) -> bool {
    let mut parts = path.split(|byte| *byte == b'/');
    parts.any(|part| {
        let name = String::from_utf8_lossy(part);
        // what HFS+ does not see in names
        let seen: String = name
            .chars()
            .filter(|c| {
                !matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}')
            })
            .collect();
        // what Windows does not see at their end
        let seen = seen.split([':', '\\']).next().unwrap_or_default();
        let seen = seen.trim_end_matches([' ', '.']).to_lowercase();
        matches!(seen.as_str(), ".git" | "git~1")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_that_lead_out_are_told() {
        #[track_caller]
        fn check(path: &str, target: &str, want: bool) {
            assert_eq!(
                is_inner(path.as_bytes(), target.as_bytes()),
                want,
                "{path} -> {target}"
            );
        }
        check("a", "b", true);
        check("a", "./b/c", true);
        check("d/a", "../b", true);
        check("d/e/a", "../../b", true);
        check("a", "../b", false);
        check("d/a", "../../b", false);
        check("a", "/etc/passwd", false);
        // another link may lie on the way
        check("d/a", "e/../../b", false);
        check("d/a", "./.././b", true);
    }

    #[test]
    fn names_that_pass_for_git_are_known() {
        for path in [
            ".git",
            ".GIT/config",
            "a/.Git",
            ".git.",
            ".git /x",
            "git~1",
            "GIT~1",
            ".g\u{200c}it",
            ".git:x",
            ".git\\x",
        ] {
            assert!(names_git(path.as_bytes()), "{path}");
        }
        for path in [
            ".gitignore",
            "a.git",
            "git",
            ".github/x",
            "git~2",
            "x/.gitmodules",
        ] {
            assert!(!names_git(path.as_bytes()), "{path}");
        }
    }
}
