//! The end of a folder in which hostile programs have written.

use std::ffi::CStr;
use std::ffi::CString;
use std::fs;
use std::os::fd::AsFd;
use std::os::fd::AsRawFd as _;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rustix::fs::AtFlags;
use rustix::fs::CWD;
use rustix::fs::Dir;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::io::Errno;

/// Names that are tried for a folder on its way up.
const TRIES: usize = 64;

/// Removes a folder with everything in it, whatever its permissions are. No link is followed, and nothing outside is
/// reached even while a program swaps what is in it; what cannot be removed stays, and is tried again by the next
/// sandbox. Says whether nothing is left.
pub(super) fn remove(folder: &Path) -> bool {
    /// Something may still be dying in it.
    const ROUNDS: usize = 3;

    let (Some(above), Some(name)) = (folder.parent(), folder.file_name()) else {
        return false;
    };
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let Ok(above) = rustix::fs::openat(CWD, above, flags, Mode::empty()) else {
        return false;
    };
    for _ in 0..ROUNDS {
        match rustix::fs::unlinkat(&above, name, AtFlags::REMOVEDIR) {
            Ok(()) | Err(Errno::NOENT) => return true,
            Err(_) => {}
        }
        if let Some(root) = CString::new(name.as_encoded_bytes())
            .ok()
            .and_then(|name| open(&above, &name))
        {
            empty(&root);
        }
    }
    let done = rustix::fs::unlinkat(&above, name, AtFlags::REMOVEDIR);
    matches!(done, Ok(()) | Err(Errno::NOENT))
}

/// Empties a folder. Folders in folders are moved up into it first: however deep they lie, two are open at a time.
fn empty(root: &OwnedFd) {
    let mut waiting = unlink_files(root);
    let mut next = 0_u64;
    while let Some(name) = waiting.pop() {
        let Some(folder) = open(root, &name) else {
            continue;
        };
        for inner in unlink_files(&folder) {
            // it cannot be moved before it may be written
            drop(open(&folder, &inner));
            waiting.extend(move_up(&folder, &inner, root, &mut next));
        }
        rustix::fs::unlinkat(root, &name, AtFlags::REMOVEDIR).ok();
    }
}

/// Moves a folder into the one that is emptied; its name there.
fn move_up(from: &OwnedFd, name: &CStr, root: &OwnedFd, next: &mut u64) -> Option<CString> {
    for _ in 0..TRIES {
        *next += 1;
        let new = CString::new(format!(".hgv-{next}")).ok()?;
        match rustix::fs::renameat(from, name, root, &new) {
            Ok(()) => return Some(new),
            // a program made something of that name
            Err(Errno::EXIST | Errno::NOTEMPTY | Errno::NOTDIR) => {}
            Err(_) => return None,
        }
    }
    None
}

/// Removes what is no folder; the names of the folders.
fn unlink_files(folder: &OwnedFd) -> Vec<CString> {
    let mut folders = Vec::new();
    let Ok(entries) = Dir::read_from(folder) else {
        return folders;
    };
    for entry in entries.filter_map(Result::ok) {
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        if rustix::fs::unlinkat(folder, name, AtFlags::empty()) == Err(Errno::ISDIR) {
            folders.push(name.to_owned());
        }
    }
    folders
}

/// Opens a folder, never what a link leads to, and lets us in: a program may have closed its own.
fn open(above: impl AsFd, name: &CStr) -> Option<OwnedFd> {
    let stay = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let open = || rustix::fs::openat(&above, name, OFlags::RDONLY | stay, Mode::empty());
    let folder = match open() {
        Err(Errno::ACCESS) => {
            let held = rustix::fs::openat(&above, name, OFlags::PATH | stay, Mode::empty()).ok()?;
            // it leads to what is held, whatever the name means by now
            let path = format!("/proc/self/fd/{}", held.as_raw_fd());
            fs::set_permissions(path, fs::Permissions::from_mode(0o700)).ok()?;
            open().ok()?
        }
        other => other.ok()?,
    };
    // where it is not ours to open, it may be open
    rustix::fs::fchmod(&folder, Mode::RWXU).ok();
    Some(folder)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use crate::sandbox::landlock::removal::empty;
    use crate::sandbox::landlock::removal::open;
    use crate::sandbox::landlock::removal::remove;

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn closed_and_deep_folders_go_and_what_links_lead_to_stays() {
        let place = tempfile::tempdir().unwrap();
        let outside = place.path().join("outside");
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("kept"), "x").unwrap();
        set_mode(&outside, 0o755);
        let folder = place.path().join("folder");
        fs::create_dir_all(folder.join(".hgv-1/full")).unwrap();
        symlink(&outside, folder.join("link")).unwrap();
        let mut deep = folder.clone();
        for _ in 0..300 {
            deep.push("d");
            fs::create_dir(&deep).unwrap();
        }
        symlink(&outside, deep.join("link")).unwrap();
        fs::create_dir_all(folder.join("closed/inner")).unwrap();
        set_mode(&folder.join("closed/inner"), 0);
        set_mode(&folder.join("closed"), 0);
        assert!(remove(&folder));
        assert!(!folder.exists());
        assert_eq!(fs::read(outside.join("kept")).unwrap(), b"x");
        assert_eq!(mode(&outside), 0o755);
    }

    /// A folder that became a link is neither opened nor removed from; the link itself goes.
    #[test]
    fn a_swapped_link_is_not_followed() {
        let place = tempfile::tempdir().unwrap();
        let outside = place.path().join("outside");
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("kept"), "x").unwrap();
        set_mode(&outside, 0o500);
        let folder = place.path().join("folder");
        fs::create_dir(&folder).unwrap();
        symlink(&outside, folder.join("swapped")).unwrap();
        let root = fs::File::open(&folder).unwrap().into();
        assert!(open(&root, c"swapped").is_none());
        empty(&root);
        assert!(fs::symlink_metadata(folder.join("swapped")).is_err());
        // the folder itself may be a link as well
        symlink(&outside, place.path().join("link")).unwrap();
        assert!(!remove(&place.path().join("link")));
        assert_eq!(fs::read(outside.join("kept")).unwrap(), b"x");
        assert_eq!(mode(&outside), 0o500);
        set_mode(&outside, 0o700);
    }
}
