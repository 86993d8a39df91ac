//! Processes and files of this machine in the place of a sandbox's: folders are copied to where a spec wants them, which
//! tests put below a temporary folder.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::mpsc;
use std::time::Duration;

use crate::cancel::Cancel;
use crate::error::Error;
use crate::error::Result;
use crate::sandbox::Backend;
use crate::sandbox::Content;
use crate::sandbox::Entry;
use crate::sandbox::Exit;
use crate::sandbox::FileError;
use crate::sandbox::FileKind;
use crate::sandbox::Files;
use crate::sandbox::Found;
use crate::sandbox::Heard;
use crate::sandbox::Launch;
use crate::sandbox::Layer;
use crate::sandbox::Meta;
use crate::sandbox::Process;
use crate::sandbox::Proof;
use crate::sandbox::Sandbox;
use crate::sandbox::Spec;
use crate::sandbox::Tier;
use crate::sandbox::Tree;

/// Starts them.
pub(crate) struct Plain;

struct Running {
    spec: Spec,
    proofs: Vec<Proof>,
    files: Disk,
}

/// Files by their own path; a folder that does not exist here (`/program`) is found below a temporary one.
struct Disk {
    trees: Vec<Tree>,
    stand_in: tempfile::TempDir,
}

impl Disk {
    fn path(&self, path: &str) -> PathBuf {
        if path.starts_with("/tmp/") {
            PathBuf::from(path)
        } else {
            self.stand_in.path().join(path.trim_start_matches('/'))
        }
    }
}

impl Backend for Plain {
    fn tier(&self) -> Tier {
        Tier::Landlock
    }

    fn start(&self, spec: &Spec, cancel: &Cancel) -> Result<Box<dyn Sandbox>> {
        if cancel.is_cancelled() {
            return Err(Error::limit("cancelled"));
        }
        let files = Disk {
            trees: spec.trees.clone(),
            stand_in: tempfile::tempdir().unwrap(),
        };
        for tree in &spec.trees {
            let at = files.path(&tree.at);
            if at.exists() {
                std::fs::remove_dir_all(&at).unwrap();
            }
            std::fs::create_dir_all(&at).unwrap();
            if let Some(lower) = &tree.lower {
                let done = Command::new("cp")
                    .arg("-a")
                    .arg(lower.join("."))
                    .arg(&at)
                    .status();
                assert!(done.unwrap().success());
            }
        }
        for (path, entry) in spec.layer.iter().flat_map(|layer| &layer.entries) {
            put(&files.path(std::str::from_utf8(path).unwrap()), entry);
        }
        Ok(Box::new(Running {
            spec: spec.clone(),
            proofs: Vec::new(),
            files,
        }))
    }
}

fn put(path: &Path, entry: &Entry) {
    let is_dir = path.symlink_metadata().is_ok_and(|meta| meta.is_dir());
    let keeps = matches!(
        entry,
        Entry::Dir {
            is_opaque: false,
            ..
        }
    ) && is_dir;
    if !keeps && path.symlink_metadata().is_ok() {
        if is_dir {
            std::fs::remove_dir_all(path).unwrap();
        } else {
            std::fs::remove_file(path).unwrap();
        }
    }
    match entry {
        Entry::File { mode, content } => {
            std::fs::write(path, &content.bytes).unwrap();
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(*mode)).unwrap();
        }
        Entry::Dir { .. } => std::fs::create_dir_all(path).unwrap(),
        Entry::Symlink { target } => {
            let target = std::ffi::OsStr::from_bytes(target);
            std::os::unix::fs::symlink(target, path).unwrap();
        }
        Entry::Removed | Entry::Other => {}
    }
}

impl Sandbox for Running {
    fn tier(&self) -> Tier {
        Tier::Landlock
    }

    fn proofs(&self) -> &[Proof] {
        &self.proofs
    }

    fn spawn(&mut self, launch: &Launch) -> Result<Box<dyn Process>> {
        let (reader, writer) = std::io::pipe().unwrap();
        let argv = launch.argv.iter().map(|arg| {
            let is_ours = self
                .files
                .trees
                .iter()
                .any(|tree| arg.starts_with(&tree.at));
            if is_ours {
                self.files.path(arg).into_os_string()
            } else {
                arg.into()
            }
        });
        let argv: Vec<_> = argv.collect();
        let mut command = Command::new(&argv[0]);
        command
            .args(&argv[1..])
            .current_dir(self.files.path(&launch.cwd))
            .env_clear()
            .envs(self.spec.env.clone())
            .envs(launch.env.clone())
            .stdin(Stdio::null())
            .stdout(writer.try_clone().unwrap())
            .stderr(writer);
        let child = command.spawn().map_err(|err| {
            Error::input(format!("{:?} cannot be started", argv[0])).caused_by(err)
        })?;
        drop(command);
        let (told, heard) = mpsc::channel();
        std::thread::spawn(move || {
            let mut reader = reader;
            let mut buffer = [0; 4096];
            while let Ok(len @ 1..) = reader.read(&mut buffer) {
                if told.send(buffer[..len].to_vec()).is_err() {
                    return;
                }
            }
        });
        Ok(Box::new(Started { child, heard }))
    }

    fn files(&mut self) -> &mut dyn Files {
        &mut self.files
    }

    fn layer(&mut self, _: Option<&Layer>) -> Result<Layer> {
        let mut entries = BTreeMap::new();
        for tree in &self.spec.trees {
            let at = self.files.path(&tree.at);
            let lower = tree
                .lower
                .as_ref()
                .map_or_else(BTreeMap::new, |lower| snapshot(lower));
            let now = snapshot(&at);
            let whole = |path: &Vec<u8>| [tree.at.as_bytes(), b"/", path].concat();
            for (path, entry) in &now {
                if lower.get(path) != Some(entry) {
                    entries.insert(whole(path), entry.clone());
                }
            }
            let mut gone: Option<&Vec<u8>> = None;
            for path in lower.keys().filter(|path| !now.contains_key(*path)) {
                let is_inner = |gone: &Vec<u8>| path.starts_with(&[gone, &b"/"[..]].concat());
                if !gone.is_some_and(is_inner) {
                    entries.insert(whole(path), Entry::Removed);
                    gone = Some(path);
                }
            }
        }
        Ok(Layer { entries })
    }

    fn kill(&mut self) {}
}

fn snapshot(folder: &Path) -> BTreeMap<Vec<u8>, Entry> {
    let walk = walkdir::WalkDir::new(folder).min_depth(1);
    walk.into_iter()
        .map(|entry| {
            let entry = entry.unwrap();
            let path = entry.path();
            let meta = path.symlink_metadata().unwrap();
            let mode = meta.permissions().mode() & 0o7777;
            let found = if meta.is_symlink() {
                let target = path.read_link().unwrap().as_os_str().as_bytes().to_vec();
                Entry::Symlink { target }
            } else if meta.is_dir() {
                Entry::Dir {
                    mode,
                    is_opaque: false,
                }
            } else {
                let content = Content::new(std::fs::read(path).unwrap());
                Entry::File { mode, content }
            };
            let inner = path.strip_prefix(folder).unwrap().as_os_str().as_bytes();
            (inner.to_vec(), found)
        })
        .collect()
}

struct Started {
    child: Child,
    heard: mpsc::Receiver<Vec<u8>>,
}

impl Process for Started {
    fn write(&mut self, _: &[u8]) -> Result<()> {
        Err(Error::limit("it has no terminal"))
    }

    fn resize(&mut self, _: u16, _: u16) -> Result<()> {
        Err(Error::limit("it has no terminal"))
    }

    fn read(&mut self, into: &mut Vec<u8>, wait: Duration) -> Result<Heard> {
        match self.heard.recv_timeout(wait) {
            Ok(bytes) => {
                into.extend(bytes);
                Ok(Heard::Bytes)
            }
            Err(mpsc::RecvTimeoutError::Timeout) => Ok(Heard::Silence),
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                // nothing of the pipe is open any more: it is dead or dies
                let status = self.child.wait().unwrap();
                let exit = status.code().map(Exit::Code);
                Ok(Heard::End(
                    exit.unwrap_or_else(|| Exit::Signal(status.signal().unwrap())),
                ))
            }
        }
    }

    fn kill(&mut self) {
        let _gone = self.child.kill();
    }
}

fn failed(err: &std::io::Error) -> FileError {
    err.raw_os_error()
        .map_or_else(|| FileError::other(err.to_string()), FileError::of_errno)
}

impl Files for Disk {
    fn meta(&mut self, path: &str) -> Result<Option<Meta>, FileError> {
        let Ok(meta) = std::fs::metadata(self.path(path)) else {
            return Ok(None);
        };
        Ok(Some(Meta {
            kind: if meta.is_dir() {
                FileKind::Dir
            } else {
                FileKind::File
            },
            len: meta.len(),
            mode: meta.permissions().mode() & 0o7777,
        }))
    }

    fn read(&mut self, path: &str, _: u64) -> Result<Vec<u8>, FileError> {
        std::fs::read(self.path(path)).map_err(|err| failed(&err))
    }

    fn write(&mut self, path: &str, bytes: &[u8], mode: Option<u32>) -> Result<(), FileError> {
        std::fs::write(self.path(path), bytes).map_err(|err| failed(&err))?;
        mode.map_or(Ok(()), |mode| self.set_mode(path, mode))
    }

    fn set_mode(&mut self, path: &str, mode: u32) -> Result<(), FileError> {
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(self.path(path), mode).map_err(|err| failed(&err))
    }

    fn make_dirs(&mut self, path: &str) -> Result<(), FileError> {
        std::fs::create_dir_all(self.path(path)).map_err(|err| failed(&err))
    }

    fn remove(&mut self, path: &str) -> Result<(), FileError> {
        std::fs::remove_file(self.path(path)).map_err(|err| failed(&err))
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<(), FileError> {
        std::fs::rename(self.path(from), self.path(to)).map_err(|err| failed(&err))
    }

    fn list(&mut self, _: &str, _: usize, _: usize) -> Result<Vec<Found>, FileError> {
        Err(FileError::other("nobody asks for it"))
    }
}
