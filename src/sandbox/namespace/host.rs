//! A running sandbox, as hgview holds it. Whatever comes from inside is bounded, and believed no further than it must be.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use rustix::event::PollFd;
use rustix::event::PollFlags;
use rustix::event::Timespec;
use rustix::event::poll;

use crate::cancel::Cancel;
use crate::error::Error;
use crate::error::Result;
use crate::sandbox::Content;
use crate::sandbox::Entry;
use crate::sandbox::FileError;
use crate::sandbox::FileKind;
use crate::sandbox::Files;
use crate::sandbox::Found;
use crate::sandbox::Launch;
use crate::sandbox::Layer;
use crate::sandbox::Limits;
use crate::sandbox::Meta;
use crate::sandbox::Namespace;
use crate::sandbox::Process;
use crate::sandbox::Proof;
use crate::sandbox::Sandbox;
use crate::sandbox::Spec;
use crate::sandbox::Streams;
use crate::sandbox::Tier;
use crate::sandbox::namespace::life::Life;
use crate::sandbox::namespace::process::Held;
use crate::sandbox::namespace::proofs;
use crate::sandbox::namespace::remedy;
use crate::sandbox::namespace::watch;
use crate::sandbox::namespace::wire::Answer;
use crate::sandbox::namespace::wire::Ask;
use crate::sandbox::namespace::wire::Change;
use crate::sandbox::namespace::wire::Config;
use crate::sandbox::namespace::wire::Facts;
use crate::sandbox::namespace::wire::Frame;
use crate::sandbox::namespace::wire::Kind;
use crate::sandbox::namespace::wire::Put;
use crate::sandbox::namespace::wire::Raw;
use crate::sandbox::namespace::wire::SpawnStep;
use crate::sandbox::namespace::wire::Stamp;
use crate::sandbox::namespace::wire::What;
use crate::sandbox::namespace::wire::Wire;

/// How often a start looks whether it is still wanted.
const GLANCE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 50_000_000,
};
/// Letters of a message from inside that are repeated.
const MOST_WORDS: usize = 300;
/// Paths beside those that a sandbox may make: what it removed.
const MORE_PATHS: usize = 1_000_000;

#[derive(Debug)]
pub(super) struct Running {
    wire: Wire,
    life: Arc<Life>,
    proofs: Vec<Proof>,
    limits: Limits,
    /// If it says nothing for so long, though it was asked, it is ended.
    patience: Duration,
    /// Contents by path, as they were when last asked for.
    seen: BTreeMap<Vec<u8>, (Stamp, Content)>,
}

impl Running {
    /// Starts a sandbox and waits until it stands.
    pub(super) fn start(
        backend: &Namespace,
        config: &Config,
        spec: &Spec,
        cancel: &Cancel,
    ) -> Result<Self> {
        let cannot = |err: io::Error| Error::limit("cannot start a sandbox").caused_by(err);
        let (ours, theirs) = UnixStream::pair().map_err(cannot)?;
        let (leash, held) = UnixStream::pair().map_err(cannot)?;
        let patience = backend.patience.answer;
        ours.set_read_timeout(Some(patience)).map_err(cannot)?;
        ours.set_write_timeout(Some(patience)).map_err(cannot)?;
        let watcher = Command::new(&backend.program)
            .arg0(watch::NAME)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::from(OwnedFd::from(held)))
            .stderr(Stdio::null())
            .spawn()
            .map_err(cannot)?;
        let mut running = Self {
            wire: Wire(ours),
            life: Arc::new(Life::new(watcher, leash)),
            proofs: Vec::new(),
            limits: spec.limits,
            patience,
            seen: BTreeMap::new(),
        };
        // What goes wrong here is told by the answer.
        let told = running.tell(config, spec.layer.as_deref(), cancel);
        let facts = running.hear_start(config, cancel)?;
        told.map_err(cannot)?;
        running.proofs = proofs::proofs(&facts, config, spec.limits.output);
        Ok(running)
    }

    fn tell(&self, config: &Config, layer: Option<&Layer>, cancel: &Cancel) -> io::Result<()> {
        self.wire.send(config, &[])?;
        for (path, entry) in layer.into_iter().flat_map(|layer| &layer.entries) {
            if cancel.is_cancelled() {
                break;
            }
            let path = Raw(path.clone());
            let put = match entry {
                Entry::File { mode, .. } => Put::File { mode: *mode },
                Entry::Dir { mode, is_opaque } => Put::Dir {
                    mode: *mode,
                    is_opaque: *is_opaque,
                },
                Entry::Symlink { target } => Put::Symlink {
                    target: Raw(target.clone()),
                },
                Entry::Removed => Put::Removed,
                Entry::Other => continue,
            };
            self.wire.send(&Ask::Put { path, put }, &[])?;
            if let Entry::File { content, .. } = entry {
                self.wire.send_bytes(&content.bytes)?;
            }
        }
        self.wire.send(&Ask::Start, &[])
    }

    fn hear_start(&self, config: &Config, cancel: &Cancel) -> Result<Facts> {
        loop {
            if cancel.is_cancelled() {
                return Err(Error::limit("the start of a sandbox was cancelled"));
            }
            let mut fds = [PollFd::new(&self.wire.0, PollFlags::IN)];
            // An interrupted wait is a short one.
            if poll(&mut fds, Some(&GLANCE)).is_ok_and(|ready| ready > 0) {
                break;
            }
        }
        match self.wire.message() {
            Ok(Answer::Started(facts)) => Ok(facts),
            Ok(Answer::Failed(failure)) => Err(remedy::explain(&failure, config)),
            Ok(_) | Err(_) => Err(self.life.lost()),
        }
    }

    /// The sandbox said what it should not, or nothing any more: its end.
    fn broken(&self, err: &io::Error) -> Error {
        let end = match err.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                self.life.end();
                let seconds = self.patience.as_secs_f64();
                return Error::limit(format!(
                    "the sandbox gave no answer for {seconds} seconds and was ended"
                ));
            }
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::ConnectionReset => self.life.learn(),
            _ => self.life.end(),
        };
        Error::limit(end.words())
    }

    fn ask(&self, ask: &Ask) -> io::Result<Answer> {
        self.wire.send(ask, &[])?;
        self.wire.message()
    }

    /// Asks for something that is done or refused.
    fn order(&self, ask: &Ask) -> Result<(), FileError> {
        let answer = self.ask(ask);
        self.done(answer)
    }

    fn done(&self, answer: io::Result<Answer>) -> Result<(), FileError> {
        match answer {
            Ok(Answer::Done) => Ok(()),
            other => Err(self.refused(other)),
        }
    }

    /// The error behind an answer that is not the hoped-for one.
    fn refused(&self, answer: io::Result<Answer>) -> FileError {
        let err = match answer {
            Ok(Answer::Refused {
                errno: Some(errno), ..
            }) => return FileError::of_errno(errno),
            Ok(Answer::Refused { errno: None, why }) => {
                return FileError::other(why.chars().take(MOST_WORDS).collect::<String>());
            }
            Ok(_) => io::ErrorKind::InvalidData.into(),
            Err(err) => err,
        };
        FileError::other(self.broken(&err).to_string())
    }

    /// Takes bytes that follow a [`Answer::Bytes`], at most `most`.
    fn bytes(&self, ask: &Ask, most: u64) -> Result<Vec<u8>, FileError> {
        let answer = self.ask(ask);
        if !matches!(answer, Ok(Answer::Bytes)) {
            return Err(self.refused(answer));
        }
        let mut bytes = Vec::new();
        loop {
            match self.wire.piece() {
                Ok(Some(piece)) if (bytes.len() + piece.len()) as u64 <= most => {
                    bytes.extend_from_slice(&piece);
                }
                Ok(Some(_)) => {
                    let err = io::ErrorKind::InvalidData.into();
                    return Err(self.refused(Err(err)));
                }
                Ok(None) => break,
                Err(err) => return Err(self.refused(Err(err))),
            }
        }
        let end = self.wire.message();
        self.done(end).map(|()| bytes)
    }

    /// All changes of the folders.
    fn changes(&self) -> Result<Vec<Change>> {
        let no_layer = |err: FileError| Error::limit("cannot see what changed").caused_by(err);
        let most = usize::try_from(self.limits.inodes).unwrap_or(usize::MAX);
        let most = most.saturating_add(MORE_PATHS);
        let mut changes = Vec::new();
        let mut answer = self.ask(&Ask::Changes);
        loop {
            match answer {
                Ok(Answer::Changed(some)) if changes.len() + some.len() <= most => {
                    changes.extend(some);
                }
                Ok(Answer::Done) => return Ok(changes),
                other => return Err(no_layer(self.refused(other))),
            }
            answer = self.wire.message();
        }
    }

    /// The bytes of a changed file: those that are known if nothing happened to it, or if their hash is the same.
    fn content(
        &self,
        path: &[u8],
        (len, stamp): (u64, Stamp),
        known: Option<&Content>,
        left: u64,
    ) -> Result<Content, FileError> {
        if let Some((seen, content)) = self.seen.get(path)
            && *seen == stamp
            && content.bytes.len() as u64 == len
        {
            return Ok(content.clone());
        }
        if let Some(known) = known.filter(|known| known.bytes.len() as u64 == len) {
            match self.ask(&Ask::Hash(Raw(path.to_vec()))) {
                Ok(Answer::Hash(hash)) if hash == known.hash.to_hex().as_str() => {
                    return Ok(known.clone());
                }
                Ok(Answer::Hash(_)) => {}
                other => return Err(self.refused(other)),
            }
        }
        let bytes = self.bytes(&Ask::Content(Raw(path.to_vec()), left), left)?;
        Ok(Content::new(bytes))
    }
}

impl Sandbox for Running {
    fn tier(&self) -> Tier {
        Tier::Namespace
    }

    fn proofs(&self) -> &[Proof] {
        &self.proofs
    }

    fn spawn(&mut self, launch: &Launch) -> Result<Box<dyn Process>> {
        let terminal = match launch.streams {
            Streams::Terminal { rows, columns } => Some((rows, columns)),
            Streams::Pipe => None,
        };
        let ask = Ask::Spawn {
            argv: launch.argv.clone(),
            cwd: launch.cwd.clone(),
            env: launch.env.clone(),
            terminal,
        };
        let mut fds = Vec::new();
        let answer = self.wire.send(&ask, &[]);
        match answer.and_then(|()| self.wire.receive(&mut fds)) {
            Ok(Frame::Message(Answer::Spawned)) => {}
            Ok(Frame::Message(Answer::NotSpawned { at, errno })) => {
                return Err(not_spawned(launch, at, errno));
            }
            Ok(_) => return Err(self.broken(&io::ErrorKind::InvalidData.into())),
            Err(err) => return Err(self.broken(&err)),
        }
        let Ok([output, channel]) = <[OwnedFd; 2]>::try_from(fds) else {
            return Err(self.broken(&io::ErrorKind::InvalidData.into()));
        };
        let life = Arc::clone(&self.life);
        let most = self.limits.output;
        let held = Held::new(output, channel, life, terminal.is_some(), most)?;
        Ok(Box::new(held))
    }

    fn files(&mut self) -> &mut dyn Files {
        self
    }

    fn layer(&mut self, known: Option<&Layer>) -> Result<Layer> {
        let mut layer = Layer::default();
        let mut seen = BTreeMap::new();
        let mut left = self.limits.disk;
        for Change {
            path: Raw(path),
            what,
        } in self.changes()?
        {
            let entry = match what {
                What::File {
                    mode,
                    len,
                    stamp,
                    is_fresh,
                } => {
                    let known = match known.and_then(|known| known.entries.get(&path)) {
                        Some(Entry::File { content, .. }) => Some(content),
                        _ => None,
                    };
                    let content =
                        self.content(&path, (len, stamp), known, left)
                            .map_err(|err| {
                                let name = String::from_utf8_lossy(&path).into_owned();
                                Error::limit(format!("cannot copy {name}")).caused_by(err)
                            })?;
                    left = left.saturating_sub(content.bytes.len() as u64);
                    if !is_fresh {
                        seen.insert(path.clone(), (stamp, content.clone()));
                    }
                    Entry::File { mode, content }
                }
                What::Dir { mode, is_opaque } => Entry::Dir { mode, is_opaque },
                What::Symlink { target } => Entry::Symlink { target: target.0 },
                What::Removed => Entry::Removed,
                What::Other => Entry::Other,
            };
            layer.entries.insert(path, entry);
        }
        self.seen = seen;
        Ok(layer)
    }

    fn kill(&mut self) {
        self.life.end();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.life.end();
    }
}

fn not_spawned(launch: &Launch, at: SpawnStep, errno: i32) -> Error {
    let cause = io::Error::from_raw_os_error(errno);
    let program = launch.argv.first().map_or("", String::as_str);
    let err = match at {
        SpawnStep::Room => Error::limit(format!("no room to start {program} in the sandbox")),
        SpawnStep::Folder => Error::input(format!("cannot start {program} in {}", launch.cwd)),
        SpawnStep::Program => Error::input(format!("cannot run {program} in the sandbox")),
    };
    err.caused_by(cause)
}

fn kind(kind: Kind) -> FileKind {
    match kind {
        Kind::File => FileKind::File,
        Kind::Dir => FileKind::Dir,
        Kind::Symlink => FileKind::Symlink,
        Kind::Other => FileKind::Other,
    }
}

impl Files for Running {
    fn meta(&mut self, path: &str) -> Result<Option<Meta>, FileError> {
        match self.ask(&Ask::Meta(path.to_owned())) {
            Ok(Answer::Meta(meta)) => Ok(meta.map(|(what, len, mode)| Meta {
                kind: kind(what),
                len,
                mode,
            })),
            other => Err(self.refused(other)),
        }
    }

    fn read(&mut self, path: &str, most: u64) -> Result<Vec<u8>, FileError> {
        self.bytes(&Ask::Read(path.to_owned(), most), most)
    }

    fn write(&mut self, path: &str, bytes: &[u8], mode: Option<u32>) -> Result<(), FileError> {
        let sent = self.wire.send(&Ask::Write(path.to_owned(), mode), &[]);
        let sent = sent.and_then(|()| self.wire.send_bytes(bytes));
        let answer = sent.and_then(|()| self.wire.message());
        self.done(answer)
    }

    fn set_mode(&mut self, path: &str, mode: u32) -> Result<(), FileError> {
        self.order(&Ask::SetMode(path.to_owned(), mode))
    }

    fn make_dirs(&mut self, path: &str) -> Result<(), FileError> {
        self.order(&Ask::MakeDirs(path.to_owned()))
    }

    fn remove(&mut self, path: &str) -> Result<(), FileError> {
        self.order(&Ask::Remove(path.to_owned()))
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<(), FileError> {
        self.order(&Ask::Rename(from.to_owned(), to.to_owned()))
    }

    fn list(&mut self, path: &str, depth: usize, most: usize) -> Result<Vec<Found>, FileError> {
        let mut found: Vec<Found> = Vec::new();
        let mut answer = self.ask(&Ask::List(path.to_owned(), depth, most));
        loop {
            match answer {
                Ok(Answer::Found(some)) if found.len() + some.len() <= most => {
                    found.extend(some.into_iter().map(|(Raw(path), what)| Found {
                        path: String::from_utf8_lossy(&path).into_owned(),
                        kind: kind(what),
                    }));
                }
                Ok(Answer::Done) => return Ok(found),
                other => return Err(self.refused(other)),
            }
            answer = self.wire.message();
        }
    }
}
