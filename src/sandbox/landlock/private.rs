//! The one folder that a sandbox without namespaces may change: its making, the paths in it, its end.

use std::fs;
use std::io::Read as _;
use std::io::Write as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::fs::lchown;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::path::PathBuf;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;

use crate::cancel::Cancel;
use crate::error::Error;
use crate::error::Result;
use crate::sandbox::Entry;
use crate::sandbox::Layer;
use crate::sandbox::Spec;
use crate::sandbox::Tree;
use crate::sandbox::copied;
use crate::sandbox::copied::PERMISSIONS;
use crate::sandbox::landlock::removal;
use crate::sandbox::spec::is_own;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use walkdir::WalkDir;

/// What the folder's name begins with.
const PREFIX: &str = "hgv";
/// Beside it, where nothing in the sandbox gets: a file of its name and this, which holds the process whose folder it is,
/// and when that started.
const OWNER: &str = ".owner";
/// No such file is longer.
const MOST_OWNER: u64 = 64;

/// The first of the users that nobody is, where hgview is root and may become one.
const FIRST_USER: u32 = 300_000;
const USERS: u32 = 100_000;

/// A private folder; removed with the value.
#[derive(Debug)]
pub(super) struct Private {
    folder: PathBuf,
    /// The recorded paths that lie in it.
    inside: Vec<String>,
    owner: Option<u32>,
    bytes: u64,
    files: u64,
}

impl Private {
    /// Makes it: copies of the folders, a home, a folder for temporary files.
    ///
    /// # Errors
    /// *input* when a folder cannot be copied, *limit* when there is no room, or when hgview is root and cannot become
    /// anybody else.
    pub(super) fn new(spec: &Spec, cancel: &Cancel) -> Result<Self> {
        let place = std::env::temp_dir();
        sweep(&place);
        let owner = free_user();
        if owner.is_none() && rustix::process::geteuid().is_root() {
            let what = "hgview is root here and cannot start programs as anybody else";
            return Err(Error::limit(what).hint(
                "run it as another user, or give it CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_SETGID, CAP_SETUID and user numbers \
                 from 300000 to 400000",
            ));
        }
        let mut private = Self {
            folder: make(&place)?,
            inside: vec![spec.home.clone(), "/tmp".to_owned()],
            owner,
            bytes: 0,
            files: 0,
        };
        let trees = spec.trees_and_around();
        private
            .inside
            .extend(trees.iter().map(|tree| tree.at.clone()));
        private.fill(spec, &trees, cancel)?;
        Ok(private)
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// As whom the processes run, if not as hgview.
    pub(super) fn owner(&self) -> Option<u32> {
        self.owner
    }

    /// The bytes and files that it began with.
    pub(super) fn began_with(&self) -> (u64, u64) {
        (self.bytes, self.files)
    }

    /// Where a recorded path lies; paths of the system are what they are.
    pub(super) fn place_of(&self, at: &str) -> String {
        let is_inside = self.inside.iter().any(|inside| {
            let rest = at.strip_prefix(inside.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        });
        if is_inside {
            format!("{}{at}", self.folder.display())
        } else {
            at.to_owned()
        }
    }

    /// The environment: recorded places are said as they are here.
    pub(super) fn env(&self, spec: &Spec, more: &[(String, String)]) -> Vec<(String, String)> {
        let mut env = vec![("TMPDIR".to_owned(), self.place_of("/tmp"))];
        for (name, value) in spec.env.iter().chain(more) {
            let is_place = matches!(name.as_str(), "HOME" | "PWD" | "TMPDIR");
            let value = if is_place {
                self.place_of(value)
            } else {
                value.clone()
            };
            env.retain(|(known, _)| known != name);
            env.push((name.clone(), value));
        }
        env
    }

    fn fill(&mut self, spec: &Spec, trees: &[Tree], cancel: &Cancel) -> Result<()> {
        let io =
            |err: std::io::Error| Error::limit("cannot make the sandbox's folder").caused_by(err);
        for at in ["/tmp", spec.home.as_str()] {
            fs::create_dir_all(self.place_of(at)).map_err(io)?;
        }
        for tree in trees {
            self.copy(tree, cancel)?;
            if let Some(layer) = &spec.layer {
                let place = PathBuf::from(self.place_of(&tree.at));
                apply(layer, trees, &tree.at, &place).map_err(io)?;
            }
        }
        let folder = self.folder.clone();
        for entry in WalkDir::new(&folder).contents_first(true) {
            let entry = entry.map_err(|err| io(err.into()))?;
            self.files += 1;
            self.bytes += entry.metadata().map_or(0, |meta| meta.len());
            if let Some(owner) = self.owner {
                // the folder itself is nobody's to remove
                lchown(entry.path(), Some(owner), Some(owner)).map_err(io)?;
            }
        }
        Ok(())
    }

    fn copy(&self, tree: &Tree, cancel: &Cancel) -> Result<()> {
        let place = PathBuf::from(self.place_of(&tree.at));
        let failed = |path: &Path, err: std::io::Error| {
            Error::limit(format!("cannot copy {}", path.display())).caused_by(err)
        };
        fs::create_dir_all(&place).map_err(|err| failed(&place, err))?;
        let Some(lower) = &tree.lower else {
            return Ok(());
        };
        let mut modes = Vec::new();
        for original in copied::originals(lower) {
            if cancel.is_cancelled() {
                return Err(Error::limit("stopped"));
            }
            let original = original?;
            let to = place.join(&original.below);
            let kind = original.meta.file_type();
            let done = if kind.is_dir() {
                modes.push((to.clone(), original.meta.mode() & PERMISSIONS));
                fs::create_dir_all(&to)
            } else if kind.is_file() {
                fs::copy(&original.path, &to).map(drop)
            } else if kind.is_symlink() {
                fs::read_link(&original.path).and_then(|target| symlink(target, &to))
            } else {
                Ok(())
            };
            done.map_err(|err| failed(&original.path, err))?;
        }
        // closed folders take their contents first
        for (path, mode) in modes.into_iter().rev() {
            set_mode(&path, mode).map_err(|err| failed(&path, err))?;
        }
        Ok(())
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        remove(&self.folder);
    }
}

/// Makes a folder, and the file beside it.
fn make(place: &Path) -> Result<PathBuf> {
    let failed = |err: std::io::Error| {
        let what = format!("cannot make a folder in {}", place.display());
        Error::limit(what).caused_by(err)
    };
    let mut made = tempfile::Builder::new();
    let made = made.prefix(PREFIX).suffix(OWNER).tempfile_in(place);
    let mut made = made.map_err(failed)?;
    made.write_all(me().as_bytes()).map_err(failed)?;
    let folder = made.path().with_extension("");
    fs::DirBuilder::new()
        .mode(0o700)
        .create(&folder)
        .map_err(failed)?;
    made.keep().map_err(|err| failed(err.error))?;
    Ok(folder)
}

/// Removes a private folder, and then the file beside it.
pub(super) fn remove(folder: &Path) {
    if removal::remove(folder) {
        drop(fs::remove_file(folder.with_extension("owner")));
    }
}

fn set_mode(path: &Path, mode: u32) -> std::io::Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

/// Makes the changes of a layer in a copy. Nothing hostile runs yet, but what the layer says was made by something that
/// was: no path leads through a link.
fn apply(layer: &Layer, trees: &[Tree], at: &str, place: &Path) -> std::io::Result<()> {
    let mut modes = Vec::new();
    let entries = copied::entries_in(layer, at);
    for (below, entry) in entries.filter(|(below, _)| is_own(trees, at, below)) {
        let below = Path::new(OsStr::from_bytes(below));
        let to = place.join(below);
        let is_reached = below
            .ancestors()
            .skip(1)
            .all(|above| fs::symlink_metadata(place.join(above)).is_ok_and(|meta| meta.is_dir()));
        if !is_reached || below.as_os_str().is_empty() {
            continue;
        }
        let was = fs::symlink_metadata(&to).ok();
        let stays = matches!(
            entry,
            Entry::Dir {
                is_opaque: false,
                ..
            }
        ) && was.as_ref().is_some_and(fs::Metadata::is_dir);
        match was {
            Some(meta) if !stays && meta.is_dir() => fs::remove_dir_all(&to)?,
            Some(_) if !stays => fs::remove_file(&to)?,
            _ => {}
        }
        match entry {
            Entry::File { mode, content } => {
                fs::write(&to, &content.bytes)?;
                set_mode(&to, *mode)?;
            }
            Entry::Dir { mode, .. } => {
                fs::create_dir_all(&to)?;
                modes.push((to, *mode));
            }
            Entry::Symlink { target } => symlink(OsStr::from_bytes(target), &to)?,
            Entry::Removed | Entry::Other => {}
        }
    }
    for (path, mode) in modes.into_iter().rev() {
        set_mode(&path, mode)?;
    }
    Ok(())
}

/// A user that nobody else is, where we are root and may become one: its limits are then the sandbox's alone, and nothing
/// outside belongs to it.
fn free_user() -> Option<u32> {
    static NEXT: AtomicU32 = AtomicU32::new(0);

    if !rustix::process::geteuid().is_root() || !may_change_user() {
        return None;
    }
    let is_mapped = |map: &str| {
        let text = fs::read_to_string(map).unwrap_or_default();
        text.lines().any(|line| {
            let numbers: Vec<u64> = line
                .split_whitespace()
                .filter_map(|n| n.parse().ok())
                .collect();
            matches!(numbers[..], [from, _, count] if from <= u64::from(FIRST_USER)
                && u64::from(FIRST_USER + USERS) <= from + count)
        })
    };
    if !is_mapped("/proc/self/uid_map") || !is_mapped("/proc/self/gid_map") {
        return None;
    }
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    let user = std::process::id().wrapping_mul(64).wrapping_add(next);
    Some(FIRST_USER + user % USERS)
}

/// Whether we have the capabilities to give files away, read any, and become another user.
fn may_change_user() -> bool {
    /// `CAP_CHOWN`, `CAP_DAC_OVERRIDE`, `CAP_SETGID`, `CAP_SETUID`.
    const NEEDED: u64 = 1 | 1 << 1 | 1 << 6 | 1 << 7;

    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let effective = status.lines().find_map(|line| {
        let bits = line.strip_prefix("CapEff:")?;
        u64::from_str_radix(bits.trim(), 16).ok()
    });
    effective.is_some_and(|bits| bits & NEEDED == NEEDED)
}

/// This process, so that another that gets its number is told apart.
fn me() -> String {
    format!("{} {}", std::process::id(), born(std::process::id()))
}

/// When a process started, in the kernel's ticks; empty where there is none.
fn born(pid: u32) -> String {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let after = stat.rsplit_once(')').map_or("", |(_, after)| after);
    after.split_whitespace().nth(19).unwrap_or("").to_owned()
}

/// Removes the folders of hgviews that were killed before they could.
fn sweep(place: &Path) {
    for entry in fs::read_dir(place).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let is_ours = name.as_bytes().starts_with(PREFIX.as_bytes());
        let Some(folder) = name.as_bytes().strip_suffix(OWNER.as_bytes()) else {
            continue;
        };
        if !is_ours {
            continue;
        }
        let owner = owner_in(&entry.path()).unwrap_or_default();
        let is_dead = owner.split_once(' ').is_some_and(|(pid, since)| {
            let pid: u32 = pid.parse().unwrap_or(0);
            since != born(pid)
        });
        let folder = place.join(OsStr::from_bytes(folder));
        if is_dead && is_private(&folder) {
            remove(&folder);
        }
    }
}

/// What a file beside a folder says, if it is one that we wrote: anybody may make files where folders for a while are.
fn owner_in(path: &Path) -> Option<String> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = rustix::fs::open(path, OFlags::RDONLY | flags, Mode::empty()).ok()?;
    let file = fs::File::from(file);
    let meta = file.metadata().ok()?;
    let is_ours = meta.is_file()
        && meta.uid() == rustix::process::geteuid().as_raw()
        && meta.nlink() == 1
        && meta.len() <= MOST_OWNER;
    let mut told = String::new();
    let read = is_ours.then(|| file.take(MOST_OWNER).read_to_string(&mut told))?;
    read.ok().map(|_| told)
}

/// Whether there is nothing, or a folder that may be one of ours.
fn is_private(folder: &Path) -> bool {
    let me = rustix::process::geteuid().as_raw();
    let users = FIRST_USER..FIRST_USER + USERS;
    fs::symlink_metadata(folder).map_or_else(
        |err| err.kind() == std::io::ErrorKind::NotFound,
        |meta| meta.is_dir() && (meta.uid() == me || me == 0 && users.contains(&meta.uid())),
    )
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use crate::sandbox::landlock::private::make;
    use crate::sandbox::landlock::private::sweep;

    #[test]
    fn only_folders_whose_dead_owner_was_ours_are_swept() {
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name);
        let alive = make(place.path()).unwrap();
        for folder in ["hgvdead", "hgvlinked", "hgvlong", "hgvpipe", "other"] {
            fs::create_dir(at(folder)).unwrap();
            // the way of a program: from inside
            fs::write(at(folder).join(".owner"), "1 0").unwrap();
        }
        fs::write(at("hgvdead.owner"), "1 0").unwrap();
        fs::write(at("other.owner"), "1 0").unwrap();
        fs::write(at("told"), "1 0").unwrap();
        symlink(at("told"), at("hgvlinked.owner")).unwrap();
        fs::write(at("hgvlong.owner"), format!("1 {}", "0".repeat(100))).unwrap();
        let pipe = at("hgvpipe.owner");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &pipe,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR,
            0,
        )
        .unwrap();
        sweep(place.path());
        assert!(alive.exists());
        assert!(!at("hgvdead").exists());
        assert!(!at("hgvdead.owner").exists());
        for kept in ["hgvlinked", "hgvlong", "hgvpipe", "other"] {
            assert!(at(kept).exists(), "{kept}");
        }
    }
}
