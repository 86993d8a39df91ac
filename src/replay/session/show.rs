//! What can be looked at where a replay stands: files, what changed, a shell.

use std::collections::BTreeMap;

use crate::cancel::Cancel;
use crate::error::Error;
use crate::error::Result;
use crate::replay::session::Session;
use crate::replay::session::stopped;
use crate::sandbox::Entry;
use crate::sandbox::FileError;
use crate::sandbox::Found;
use crate::sandbox::Launch;
use crate::sandbox::Layer;
use crate::sandbox::Process;
use crate::sandbox::Sandbox;
use crate::sandbox::Streams;

/// What became of a path since the first call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// It is there, and was not changed by the preparation: new, or other than in the base.
    Written,
    /// It is gone.
    Removed,
}

/// A path that the calls changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// The absolute path in the sandbox; names that are not UTF-8 are told as well as they can be.
    pub path: String,
    /// What became of it.
    pub what: What,
}

/// A shell of the user's in a sandbox of its own; both end with the value.
pub struct ShellHere {
    /// The shell on its terminal.
    pub process: Box<dyn Process>,
    /// Where it runs.
    pub sandbox: Box<dyn Sandbox>,
}

impl Session {
    /// The bytes of a file where the replay stands, at most `most` of them; the path is absolute or below the workspace.
    ///
    /// # Errors
    /// *limit* when there is no sandbox to ask; *input* when there is no such file or it is longer.
    pub fn file(&mut self, path: &str, most: u64, cancel: &Cancel) -> Result<Vec<u8>> {
        self.ready(cancel)?;
        let path = self.whole(path);
        let Some(sandbox) = &mut self.sandbox else {
            return Err(stopped());
        };
        let read = sandbox.files().read(&path, most);
        read.map_err(|error: FileError| Error::input(path).caused_by(error))
    }

    /// What lies in a folder where the replay stands, at most `most` entries; the path is absolute or below the workspace.
    ///
    /// # Errors
    /// *limit* when there is no sandbox to ask; *input* when there is no such folder or it holds more.
    pub fn list(&mut self, path: &str, most: usize, cancel: &Cancel) -> Result<Vec<Found>> {
        self.ready(cancel)?;
        let path = self.whole(path);
        let Some(sandbox) = &mut self.sandbox else {
            return Err(stopped());
        };
        let found = sandbox.files().list(&path, 1, most);
        found.map_err(|error: FileError| Error::input(path).caused_by(error))
    }

    /// A path below the workspace, whole.
    fn whole(&self, path: &str) -> String {
        match path {
            "" => self.ground.root().to_owned(),
            path if path.starts_with('/') => path.to_owned(),
            path => format!("{}/{path}", self.ground.root()),
        }
    }

    /// The files and links that the calls up to the position changed, by path; folders are not told.
    ///
    /// # Errors
    /// *limit* when the sandbox cannot tell.
    pub fn changed(&mut self, cancel: &Cancel) -> Result<Vec<Changed>> {
        self.ready(cancel)?;
        let Some(sandbox) = &mut self.sandbox else {
            return Err(stopped());
        };
        let begin = self.marks.at(0).map(|mark| &*mark.layer);
        if let Some(mark) = self.marks.at(self.done.len()) {
            return Ok(changed(begin, &mark.layer));
        }
        let known = self.marks.last().map(|mark| &*mark.layer);
        let now = sandbox.layer(known)?;
        Ok(changed(begin, &now))
    }

    /// A shell in another sandbox that begins where the replay stands: whatever is done there changes nothing here.
    ///
    /// # Errors
    /// *limit* when no sandbox can be started or it has no shell.
    pub fn shell_here(&mut self, rows: u16, columns: u16, cancel: &Cancel) -> Result<ShellHere> {
        self.ready(cancel)?;
        let Some(sandbox) = &mut self.sandbox else {
            return Err(stopped());
        };
        let mut spec = self.ground.spec().clone();
        spec.layer = Some(match self.marks.at(self.done.len()) {
            Some(mark) => mark.layer.clone(),
            None => sandbox.layer(None)?.into(),
        });
        let mut sandbox = self.backend.start(&spec, cancel)?;
        let cwd = self.folder();
        let is_there = sandbox.files().meta(&cwd).ok().flatten().is_some();
        let cwd = if is_there {
            cwd
        } else {
            self.ground.root().to_owned()
        };
        let launch = |shell: &str| Launch {
            argv: vec![shell.to_owned()],
            cwd: cwd.clone(),
            env: vec![("TERM".to_owned(), "xterm-256color".to_owned())],
            streams: Streams::Terminal { rows, columns },
        };
        let process = match sandbox.spawn(&launch("bash")) {
            Ok(process) => process,
            // a small image
            Err(_) => sandbox.spawn(&launch("/bin/sh"))?,
        };
        Ok(ShellHere { process, sandbox })
    }

    /// The folder in which the recorded agent stood at the position, as far as the record says.
    fn folder(&self) -> String {
        let folders = (0..self.position()).rev().filter_map(|at| {
            let observation = self.action(at)?.observation.as_ref()?;
            observation.cwd.clone()
        });
        let mut absolute = folders.filter(|folder| folder.starts_with('/'));
        absolute
            .next()
            .unwrap_or_else(|| self.ground.root().to_owned())
    }
}

fn changed(begin: Option<&Layer>, now: &Layer) -> Vec<Changed> {
    let none = BTreeMap::new();
    let before = begin.map_or(&none, |layer| &layer.entries);
    let of = |path: &[u8], what| Changed {
        path: String::from_utf8_lossy(path).into_owned(),
        what,
    };
    let mut found: Vec<Changed> = Vec::new();
    for (path, entry) in &now.entries {
        let is_new = before.get(path) != Some(entry);
        match entry {
            Entry::Dir { .. } => {}
            Entry::Removed if is_new => found.push(of(path, What::Removed)),
            _ if is_new => found.push(of(path, What::Written)),
            _ => {}
        }
    }
    for (path, entry) in before {
        let was_there = !matches!(entry, Entry::Removed | Entry::Dir { .. });
        if was_there && !now.entries.contains_key(path) {
            found.push(of(path, What::Removed));
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}
