//! The end of a folder in which hostile programs have written.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use walkdir::WalkDir;

/// Removes a folder with everything in it, whatever its permissions are. No link is followed; what cannot be removed
/// stays, and is tried again by the next sandbox.
pub(super) fn remove(folder: &Path) {
    /// Something may still be dying in it.
    const ROUNDS: usize = 3;

    for _ in 0..ROUNDS {
        if fs::remove_dir_all(folder).is_ok() || !folder.exists() {
            return;
        }
        open_folders(folder);
    }
}

/// Lets us into folders that were closed: a program may do that to its own.
fn open_folders(folder: &Path) {
    for found in WalkDir::new(folder) {
        // a folder that could not be read is found again once it is open
        let path = match &found {
            Ok(entry) if entry.file_type().is_dir() => entry.path(),
            Err(error) => match error.path() {
                Some(path) if is_folder(path) => path,
                _ => continue,
            },
            Ok(_) => continue,
        };
        drop(fs::set_permissions(path, fs::Permissions::from_mode(0o700)));
    }
}

fn is_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|meta| meta.is_dir())
}
