//! Reads and changes files for hgview from behind the walls, so that no link leads out.

use std::fs;
use std::io;
use std::io::BufReader;
use std::io::BufWriter;
use std::io::Read as _;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use walkdir::WalkDir;

use crate::sandbox::landlock::wire;
use crate::sandbox::landlock::wire::Answer;
use crate::sandbox::landlock::wire::Ask;
use crate::sandbox::landlock::wire::Kind;

const PERMISSIONS: u32 = 0o7777;

/// Answers until hgview is gone.
pub(super) fn serve() -> io::Result<()> {
    let streams = |stream: rustix::fd::BorrowedFd<'_>| -> io::Result<fs::File> {
        let fd: OwnedFd = stream.try_clone_to_owned()?;
        Ok(fd.into())
    };
    let mut input = BufReader::new(streams(rustix::stdio::stdin())?);
    let mut output = BufWriter::new(streams(rustix::stdio::stdout())?);
    loop {
        let ask: Ask = match wire::hear(&mut input) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            heard => heard?,
        };
        let bytes = match &ask {
            Ask::Write { .. } => wire::hear_bytes(&mut input, u64::MAX)?,
            _ => Vec::new(),
        };
        if let Ask::Walk { path, most } = &ask {
            let done = walk(&mut output, Path::new(path), *most)?;
            wire::say(&mut output, &done)?;
        } else {
            let is_read = matches!(ask, Ask::Read { .. });
            let (answer, body) = match answer(ask, &bytes) {
                Ok(both) => both,
                Err(error) => (Answer::of_error(&error), Vec::new()),
            };
            let is_done = matches!(answer, Answer::Done);
            wire::say(&mut output, &answer)?;
            if is_read && is_done {
                wire::say_bytes(&mut output, &body)?;
            }
        }
        output.flush()?;
    }
}

fn answer(ask: Ask, bytes: &[u8]) -> io::Result<(Answer, Vec<u8>)> {
    let answer = match ask {
        Ask::Meta(path) => Answer::Meta(meta(Path::new(&path))?),
        Ask::Read { path, most } => return read(Path::new(&path), most),
        Ask::Write { path, mode } => write(Path::new(&path), bytes, mode)?,
        Ask::SetMode { path, mode } => set_mode(Path::new(&path), mode)?,
        Ask::MakeDirs(path) => {
            fs::create_dir_all(path)?;
            Answer::Done
        }
        Ask::Remove(path) => {
            fs::remove_file(path)?;
            Answer::Done
        }
        Ask::Rename { from, to } => {
            fs::rename(from, to)?;
            Answer::Done
        }
        Ask::List { path, depth, most } => list(Path::new(&path), depth, most)?,
        Ask::Walk { .. } => Answer::Done,
    };
    Ok((answer, Vec::new()))
}

fn meta(path: &Path) -> io::Result<Option<(Kind, u64, u32)>> {
    let found = match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => fs::symlink_metadata(path),
        found => found,
    };
    match found {
        Ok(meta) => {
            let mode = meta.permissions().mode() & PERMISSIONS;
            Ok(Some((meta.file_type().into(), meta.len(), mode)))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn read(path: &Path, most: u64) -> io::Result<(Answer, Vec<u8>)> {
    // a pipe without a writer is not waited for
    let file = fs::OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path)?;
    let kind = file.metadata()?.file_type();
    if kind.is_dir() {
        return Err(io::Error::from_raw_os_error(libc::EISDIR));
    }
    if !kind.is_file() {
        return Ok((Answer::refused("no file with bytes"), Vec::new()));
    }
    let mut bytes = Vec::new();
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        let why = format!("longer than {most} bytes");
        return Ok((Answer::refused(&why), Vec::new()));
    }
    Ok((Answer::Done, bytes))
}

fn write(path: &Path, bytes: &[u8], mode: Option<u32>) -> io::Result<Answer> {
    let is_new = !path.exists();
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(mode.unwrap_or(0o644))
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path)?;
    if is_new {
        let mode = mode.unwrap_or(0o644);
        file.set_permissions(fs::Permissions::from_mode(mode))?;
    }
    file.write_all(bytes)?;
    Ok(Answer::Done)
}

/// By an open file where one can be had: by its path it may be refused here.
fn set_mode(path: &Path, mode: u32) -> io::Result<Answer> {
    let mode = fs::Permissions::from_mode(mode);
    let open = fs::OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path);
    match open {
        Ok(file) => file.set_permissions(mode)?,
        Err(_) => fs::set_permissions(path, mode)?,
    }
    Ok(Answer::Done)
}

fn list(path: &Path, depth: usize, most: usize) -> io::Result<Answer> {
    // the folder's own refusal, not that of something in it
    drop(fs::read_dir(path)?);
    let mut found = Vec::new();
    let walk = WalkDir::new(path).min_depth(1).max_depth(depth);
    // what cannot be read, and loops of links, are left out
    for entry in walk.follow_links(true).into_iter().filter_map(Result::ok) {
        if found.len() == most {
            return Ok(Answer::refused(&format!("more than {most} entries")));
        }
        let below = entry.path().strip_prefix(path).unwrap_or(entry.path());
        let below = below.to_string_lossy().into_owned();
        found.push((below, entry.file_type().into()));
    }
    Ok(Answer::Listed(found))
}

/// Tells all that lies in a folder, contents with it.
fn walk(output: &mut impl Write, folder: &Path, most: u64) -> io::Result<Answer> {
    let mut left = most;
    for found in WalkDir::new(folder).sort_by_file_name() {
        let Ok(entry) = found else {
            return Ok(Answer::refused(
                "a folder that its owner closed cannot be read",
            ));
        };
        let Ok(meta) = entry.metadata() else {
            continue; // gone meanwhile
        };
        let body = match contents(entry.path(), &meta, left) {
            Ok(body) => body,
            Err(error) => return Ok(Answer::of_error(&error)),
        };
        left -= (body.len() as u64).min(left);
        let below = entry.path().strip_prefix(folder).unwrap_or(entry.path());
        let told = Answer::Walked {
            below: below.as_os_str().as_bytes().to_vec(),
            kind: meta.file_type().into(),
            mode: meta.permissions().mode() & PERMISSIONS,
        };
        wire::say(output, &told)?;
        wire::say_bytes(output, &body)?;
    }
    Ok(Answer::Done)
}

fn contents(path: &Path, meta: &fs::Metadata, most: u64) -> io::Result<Vec<u8>> {
    if meta.is_symlink() {
        return Ok(fs::read_link(path)?.as_os_str().as_bytes().to_vec());
    }
    if !meta.is_file() {
        return Ok(Vec::new());
    }
    match read(path, most)? {
        (Answer::Refused { why, .. }, _) => Err(io::Error::other(why)),
        (_, bytes) => Ok(bytes),
    }
}
