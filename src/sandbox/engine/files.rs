//! Files of a container: contents by the engine's archives, everything else by a shell in it.

use crate::sandbox::FileError;
use crate::sandbox::FileKind;
use crate::sandbox::Files;
use crate::sandbox::Found;
use crate::sandbox::Meta;
use crate::sandbox::copied::PERMISSIONS;
use crate::sandbox::engine::Running;
use crate::sandbox::engine::archive;
use crate::sandbox::engine::archive::One;
use crate::sandbox::engine::line::Unanswered;

/// Links that lead to links, as the kernel follows them at most.
const MOST_LINKS: usize = 40;
/// Deeper than this no walk goes.
const MOST_DEPTH: usize = 64;

/// What the kernel's refusals are called by the programs of an image, which speak English to us.
const WORDS: [(&str, i32); 14] = [
    ("No such file or directory", libc::ENOENT),
    ("Permission denied", libc::EACCES),
    ("Operation not permitted", libc::EPERM),
    ("Is a directory", libc::EISDIR),
    ("is a directory", libc::EISDIR),
    ("Not a directory", libc::ENOTDIR),
    ("File exists", libc::EEXIST),
    ("Directory not empty", libc::ENOTEMPTY),
    ("No space left on device", libc::ENOSPC),
    ("Read-only file system", libc::EROFS),
    ("Too many levels of symbolic links", libc::ELOOP),
    ("File name too long", libc::ENAMETOOLONG),
    ("Text file busy", libc::ETXTBSY),
    ("Device or resource busy", libc::EBUSY),
];

/// Lists a folder with nothing but the shell: its kind and path, or the kind of refusal. No `find`, since images have
/// several.
const LIST: &str = r#"
walk() {
  for f in "$1"/* "$1"/.[!.]* "$1"/..?*; do
    if [ -d "$f" ]; then k=d; elif [ -f "$f" ]; then k=f; elif [ -e "$f" ]; then k=o; elif [ -L "$f" ]; then k=l; else continue; fi
    n=$((n+1)); [ $n -gt "$most" ] && { printf '!\0'; exit 0; }
    printf '%s%s\0' $k "$2${f##*/}"
    [ $k = d ] && [ "$3" -gt 1 ] && walk "$f" "$2${f##*/}/" $(($3-1))
  done
  return 0
}
n=0; most=$2
cd -- "$1" || exit 1
[ -r . ] || { echo 'sh: Permission denied'; exit 1; }
walk . "" "$3"
"#;

impl Running {
    /// Runs a small script that does one thing with a file.
    fn act(&mut self, script: &str, arguments: &[&str]) -> Result<String, FileError> {
        let arguments: Vec<String> = arguments.iter().map(|word| (*word).to_owned()).collect();
        let told = self
            .alive()
            .and_then(|()| self.container.say(script, &arguments));
        let (said, code) = told.map_err(|err| FileError::other(err.to_string()))?;
        if code == 0 {
            return Ok(said);
        }
        let said = said.trim();
        let known = WORDS.iter().find(|(words, _)| said.contains(words));
        Err(known.map_or_else(
            || FileError::other(said.to_owned()),
            |(_, errno)| FileError::of_errno(*errno),
        ))
    }

    /// What a path leads to, and where that is; nothing where it does not exist.
    fn follow(&mut self, path: &str) -> Result<Option<(String, Meta)>, FileError> {
        self.alive()
            .map_err(|err| FileError::other(err.to_string()))?;
        let mut path = path.to_owned();
        let mut broken = None;
        for _ in 0..MOST_LINKS {
            let stat = match self.container.stat(&path) {
                Ok(stat) => stat,
                Err(unanswered) if unanswered.is_absence() => return Ok(broken),
                Err(unanswered) => return Err(refused(&unanswered)),
            };
            let meta = Meta {
                kind: kind_of(stat.file_mode),
                len: u64::try_from(stat.size).unwrap_or(0),
                mode: mode_of(stat.file_mode),
            };
            if meta.kind != FileKind::Symlink {
                return Ok(Some((path, meta)));
            }
            broken.get_or_insert((path.clone(), meta));
            let target = stat.link_target;
            path = if target.starts_with('/') {
                target
            } else {
                format!("{}/{target}", split(&path).0)
            };
        }
        Err(FileError::of_errno(libc::ELOOP))
    }
}

/// The folder and name of a path.
fn split(path: &str) -> (&str, &str) {
    let path = path.trim_end_matches('/');
    match path.rsplit_once('/') {
        Some(("", name)) => ("/", name),
        Some((folder, name)) => (folder, name),
        None => ("/", path),
    }
}

fn refused(unanswered: &Unanswered) -> FileError {
    let said = unanswered.to_string();
    let lower = said.to_lowercase();
    let known = WORDS
        .iter()
        .find(|(words, _)| lower.contains(&words.to_lowercase()));
    known.map_or_else(
        || FileError::other(said.clone()),
        |(_, errno)| FileError::of_errno(*errno),
    )
}

/// Kinds as Go's `os.FileMode` has them, in which engines speak.
fn kind_of(mode: u32) -> FileKind {
    const DIR: u32 = 1 << 31;
    const SYMLINK: u32 = 1 << 27;
    const DEVICE: u32 = 1 << 26;
    const PIPE: u32 = 1 << 25;
    const SOCKET: u32 = 1 << 24;
    const IRREGULAR: u32 = 1 << 19;

    if mode & DIR != 0 {
        FileKind::Dir
    } else if mode & SYMLINK != 0 {
        FileKind::Symlink
    } else if mode & (DEVICE | PIPE | SOCKET | IRREGULAR) != 0 {
        FileKind::Other
    } else {
        FileKind::File
    }
}

/// Permission bits as Unix has them.
fn mode_of(mode: u32) -> u32 {
    let special = [(1 << 23, 0o4000), (1 << 22, 0o2000), (1 << 20, 0o1000)];
    let special = special.iter().filter(|(go, _)| mode & go != 0);
    (mode & 0o777) | special.map(|(_, unix)| unix).sum::<u32>() & PERMISSIONS
}

impl Files for Running {
    fn meta(&mut self, path: &str) -> Result<Option<Meta>, FileError> {
        Ok(self.follow(path)?.map(|(_, meta)| meta))
    }

    fn read(&mut self, path: &str, most: u64) -> Result<Vec<u8>, FileError> {
        let long = || FileError::other(format!("longer than {most} bytes"));
        let Some((path, meta)) = self.follow(path)? else {
            return Err(FileError::of_errno(libc::ENOENT));
        };
        match meta.kind {
            FileKind::File if meta.len > most => return Err(long()),
            FileKind::File => {}
            FileKind::Dir => return Err(FileError::of_errno(libc::EISDIR)),
            FileKind::Symlink => return Err(FileError::of_errno(libc::ENOENT)),
            FileKind::Other => return Err(FileError::other("no file with bytes")),
        }
        let packed = self.container.try_download(&path, most);
        let packed = packed.map_err(|unanswered| refused(&unanswered))?;
        let one = archive::unpack_one(packed, most);
        match one.map_err(|err| FileError::other(err.to_string()))? {
            One::File(bytes) => Ok(bytes),
            One::TooLong => Err(long()),
            One::Dir => Err(FileError::of_errno(libc::EISDIR)),
            // it was exchanged meanwhile
            One::Link | One::Other => Err(FileError::other("no file with bytes")),
        }
    }

    fn write(&mut self, path: &str, bytes: &[u8], mode: Option<u32>) -> Result<(), FileError> {
        let found = self.follow(path)?;
        let (path, mode) = match &found {
            None => (path, mode.unwrap_or(0o644)),
            Some((place, meta)) => match meta.kind {
                FileKind::File => (place.as_str(), meta.mode),
                FileKind::Dir => return Err(FileError::of_errno(libc::EISDIR)),
                FileKind::Symlink | FileKind::Other => {
                    return Err(FileError::other("no file with bytes"));
                }
            },
        };
        let (folder, name) = split(path);
        if matches!(name, "" | "." | "..") {
            return Err(FileError::of_errno(libc::EISDIR));
        }
        if found.is_none() {
            // some engines would make the folders that are missing
            match self.follow(folder)? {
                None => return Err(FileError::of_errno(libc::ENOENT)),
                Some((_, meta)) if meta.kind != FileKind::Dir => {
                    return Err(FileError::of_errno(libc::ENOTDIR));
                }
                Some(_) => {}
            }
        }
        let packed = archive::pack_file(name, mode, self.container.owner(), bytes);
        let packed = packed.map_err(|err| FileError::other(err.to_string()))?;
        let done = self.container.try_upload(folder, packed);
        done.map_err(|unanswered| {
            if unanswered.is_absence() {
                FileError::of_errno(libc::ENOENT)
            } else {
                refused(&unanswered)
            }
        })
    }

    fn set_mode(&mut self, path: &str, mode: u32) -> Result<(), FileError> {
        let mode = format!("{:o}", mode & PERMISSIONS);
        self.act("chmod -- \"$2\" \"$1\"", &[path, &mode]).map(drop)
    }

    fn make_dirs(&mut self, path: &str) -> Result<(), FileError> {
        self.act("mkdir -p -- \"$1\"", &[path]).map(drop)
    }

    fn remove(&mut self, path: &str) -> Result<(), FileError> {
        self.act("rm -- \"$1\" </dev/null", &[path]).map(drop)
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<(), FileError> {
        // into a folder it would be moved, not over it
        let script = "if [ -d \"$2\" ] && [ ! -L \"$2\" ]; then echo 'Is a directory'; exit 1; fi; mv -f -- \"$1\" \"$2\"";
        self.act(script, &[from, to]).map(drop)
    }

    fn list(&mut self, path: &str, depth: usize, most: usize) -> Result<Vec<Found>, FileError> {
        let (most_text, depth) = (most.to_string(), depth.min(MOST_DEPTH).to_string());
        let said = self.act(LIST, &[path, &most_text, &depth])?;
        let mut found = Vec::new();
        for entry in said.split_terminator('\0') {
            let mut letters = entry.chars();
            let kind = match letters.next() {
                Some('d') => FileKind::Dir,
                Some('f') => FileKind::File,
                Some('l') => FileKind::Symlink,
                Some('!') => return Err(FileError::other(format!("more than {most} entries"))),
                _ => FileKind::Other,
            };
            let path = letters.as_str().to_owned();
            found.push(Found { path, kind });
        }
        Ok(found)
    }
}
