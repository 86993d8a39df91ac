//! What the user named: files, folders, patterns, standard input. Checked when the store is opened; nothing is read.

use std::collections::HashSet;
use std::path::Path;
use std::path::PathBuf;

use globset::GlobBuilder;
use walkdir::WalkDir;

use crate::error::Error;
use crate::error::Result;
use crate::store::names;

/// One thing to scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Input {
    File(PathBuf),
    Folder(PathBuf),
    Stdin,
}

/// Expands patterns, drops what is named twice, and checks that everything is there. `waits`: files may come later into
/// folders that are there.
///
/// # Errors
/// *input* when a file is missing or a pattern matches nothing, *user* when a pattern is malformed or nothing is named.
pub(super) fn expand(paths: &[PathBuf], waits: bool) -> Result<Vec<Input>> {
    if paths.is_empty() {
        return Err(
            Error::user("no file to open").hint("name files or folders, or `-` for standard input")
        );
    }
    let mut inputs = Vec::new();
    let mut seen = HashSet::new();
    for path in paths {
        if path.as_os_str() == "-" {
            if seen.insert(PathBuf::from("-")) {
                inputs.push(Input::Stdin);
            }
            continue;
        }
        let found = match std::fs::metadata(path) {
            Ok(_) => vec![path.clone()],
            Err(err) if has_pattern(path) && err.kind() == std::io::ErrorKind::NotFound => {
                matching(path)?
            }
            Err(err) if waits && err.kind() == std::io::ErrorKind::NotFound && may_come(path) => {
                if seen.insert(path.clone()) {
                    inputs.push(Input::File(path.clone()));
                }
                continue;
            }
            Err(err) => return Err(missing(path, err)),
        };
        for path in found {
            let meta = std::fs::metadata(&path).map_err(|err| missing(&path, err))?;
            let identity = std::fs::canonicalize(&path).unwrap_or_else(|_gone| path.clone());
            if !seen.insert(identity) {
                continue;
            }
            if meta.is_dir() {
                inputs.push(Input::Folder(path));
            } else {
                inputs.push(Input::File(path));
            }
        }
    }
    Ok(inputs)
}

fn has_pattern(path: &Path) -> bool {
    path.to_string_lossy().contains(['*', '?', '[', '{'])
}

fn matching(pattern: &Path) -> Result<Vec<PathBuf>> {
    let text = pattern.to_string_lossy();
    let glob = GlobBuilder::new(&text)
        .literal_separator(true)
        .build()
        .map_err(|err| Error::user(format!("malformed pattern `{text}`")).caused_by(err))?
        .compile_matcher();
    let base: PathBuf = pattern
        .components()
        .take_while(|part| !has_pattern(Path::new(part.as_os_str())))
        .collect();
    let has_base = !base.as_os_str().is_empty();
    let root = if has_base {
        base.as_path()
    } else {
        Path::new(".")
    };
    let is_deep = text.contains("**");
    let depth = if is_deep {
        usize::MAX
    } else {
        pattern.components().count() - base.components().count()
    };
    let mut found: Vec<PathBuf> = WalkDir::new(root)
        .follow_links(true)
        .max_depth(depth)
        .into_iter()
        .filter_map(std::result::Result::ok)
        .map(walkdir::DirEntry::into_path)
        .map(|path| match path.strip_prefix("./") {
            Ok(short) if !has_base => short.to_path_buf(),
            _ => path,
        })
        .filter(|path| glob.is_match(path))
        .collect();
    found.sort_by(|a, b| names::natural(&a.to_string_lossy(), &b.to_string_lossy()));
    if found.is_empty() {
        return Err(Error::input(format!("no file matches `{text}`"))
            .hint("quote the pattern only if the shell should not expand it"));
    }
    Ok(found)
}

/// Whether the folder is there in which the file would be.
fn may_come(path: &Path) -> bool {
    let parent = path.parent();
    let parent = parent.filter(|parent| !parent.as_os_str().is_empty());
    path.file_name().is_some() && parent.unwrap_or(Path::new(".")).is_dir()
}

fn missing(path: &Path, err: std::io::Error) -> Error {
    let kind = err.kind();
    let error = Error::input(format!("cannot open {}", path.display())).caused_by(err);
    match kind {
        std::io::ErrorKind::NotFound => {
            let parent = path
                .parent()
                .filter(|parent| !parent.as_os_str().is_empty())
                .unwrap_or(Path::new("."));
            if !parent.exists() {
                return error.hint(format!("the folder {} does not exist", parent.display()));
            }
            match nearby(path, parent) {
                Some(name) => error.hint(format!("did you mean {}?", parent.join(name).display())),
                None => error.hint(format!("look into it: hgview {}", parent.display())),
            }
        }
        std::io::ErrorKind::PermissionDenied => {
            error.hint("you lack the permission to read it; ask its owner, or copy it")
        }
        _ => error,
    }
}

/// A data file of the folder whose name begins alike.
fn nearby(path: &Path, parent: &Path) -> Option<String> {
    let wanted = path.file_name()?.to_string_lossy().to_lowercase();
    let entries = std::fs::read_dir(parent).ok()?.take(1000);
    let alike = |name: &str| {
        let name = name.to_lowercase();
        let same = name.chars().zip(wanted.chars());
        same.take_while(|(a, b)| a == b).count()
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| names::may_hold_data(name))
        .map(|name| (alike(&name), name))
        .max()
        .filter(|(same, _)| *same >= 3)
        .map(|(_, name)| name)
}
