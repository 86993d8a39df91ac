//! Processes of this machine in the place of a sandbox's.

use std::io::Read as _;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Command;
use std::process::Stdio;
use std::sync::mpsc;
use std::time::Duration;

use portable_pty::CommandBuilder;
use portable_pty::PtySize;
use portable_pty::native_pty_system;

use crate::cancel::Cancel;
use crate::error::Error;
use crate::error::Result;
use crate::sandbox::Backend;
use crate::sandbox::Exit;
use crate::sandbox::FileError;
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
use crate::sandbox::Streams;
use crate::sandbox::Tier;

/// Starts processes of this machine, with nothing of its environment.
pub(crate) struct Machine;

impl Backend for Machine {
    fn tier(&self) -> Tier {
        Tier::Landlock
    }

    fn start(&self, spec: &Spec, _cancel: &Cancel) -> Result<Box<dyn Sandbox>> {
        Ok(Box::new(Room {
            env: spec.env.clone(),
            pids: Vec::new(),
        }))
    }
}

struct Room {
    env: Vec<(String, String)>,
    pids: Vec<u32>,
}

impl Room {
    fn env<'a>(&'a self, launch: &'a Launch) -> impl Iterator<Item = &'a (String, String)> {
        self.env.iter().chain(&launch.env)
    }

    fn on_terminal(
        &mut self,
        launch: &Launch,
        rows: u16,
        columns: u16,
    ) -> Result<Box<dyn Process>> {
        let size = PtySize {
            rows,
            cols: columns,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::from_argv(launch.argv.iter().map(Into::into).collect());
        command.env_clear();
        for (name, value) in self.env(launch) {
            command.env(name, value);
        }
        command.cwd(&launch.cwd);
        let mut child = pair
            .slave
            .spawn_command(command)
            .map_err(|error| Error::input("no such program").caused_by(error.to_string()))?;
        drop(pair.slave);
        let pid = child.process_id().unwrap_or(0);
        self.pids.push(pid);
        let reader = pair.master.try_clone_reader().unwrap();
        let writer = pair.master.take_writer().unwrap();
        let end = move || {
            let status = child.wait().unwrap();
            Exit::Code(i32::try_from(status.exit_code()).unwrap_or(-1))
        };
        Ok(Box::new(Running {
            heard: listen(reader, end),
            writer: Some(writer),
            master: Some(pair.master),
            pid,
            ended: None,
        }))
    }

    fn on_pipe(&mut self, launch: &Launch) -> Result<Box<dyn Process>> {
        let (reader, writer) = std::io::pipe().unwrap();
        let mut command = Command::new(&launch.argv[0]);
        command
            .args(&launch.argv[1..])
            .env_clear()
            .envs(self.env(launch).map(|(name, value)| (name, value)))
            .current_dir(&launch.cwd)
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(writer.try_clone().unwrap())
            .stderr(writer);
        let mut child = command
            .spawn()
            .map_err(|error| Error::input("no such program").caused_by(error))?;
        drop(command);
        let pid = child.id();
        self.pids.push(pid);
        let end = move || {
            let status = child.wait().unwrap();
            match status.signal() {
                Some(signal) => Exit::Signal(signal),
                None => Exit::Code(status.code().unwrap_or(-1)),
            }
        };
        Ok(Box::new(Running {
            heard: listen(reader, end),
            writer: None,
            master: None,
            pid,
            ended: None,
        }))
    }
}

enum News {
    Bytes(Vec<u8>),
    End(Exit),
}

fn listen(
    mut reader: impl std::io::Read + Send + 'static,
    end: impl FnOnce() -> Exit + Send + 'static,
) -> mpsc::Receiver<News> {
    let (told, heard) = mpsc::channel();
    std::thread::spawn(move || {
        let mut buffer = vec![0; 1 << 16];
        while let Ok(len @ 1..) = reader.read(&mut buffer) {
            if told.send(News::Bytes(buffer[..len].to_vec())).is_err() {
                break;
            }
        }
        drop(told.send(News::End(end())));
    });
    heard
}

struct Running {
    heard: mpsc::Receiver<News>,
    writer: Option<Box<dyn std::io::Write + Send>>,
    master: Option<Box<dyn portable_pty::MasterPty + Send>>,
    pid: u32,
    ended: Option<Exit>,
}

impl Process for Running {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let writer = self
            .writer
            .as_mut()
            .ok_or_else(|| Error::limit("no terminal"))?;
        let written = writer.write_all(bytes).and_then(|()| writer.flush());
        written.map_err(|error| Error::limit("it reads nothing").caused_by(error))
    }

    fn resize(&mut self, rows: u16, columns: u16) -> Result<()> {
        let master = self.master.as_ref();
        let master = master.ok_or_else(|| Error::limit("no terminal"))?;
        let size = portable_pty::PtySize {
            rows,
            cols: columns,
            ..portable_pty::PtySize::default()
        };
        let sized = master.resize(size);
        sized.map_err(|error| Error::limit("it has no size").caused_by(error.to_string()))
    }

    fn read(&mut self, into: &mut Vec<u8>, wait: Duration) -> Result<Heard> {
        if let Some(exit) = &self.ended {
            return Ok(Heard::End(exit.clone()));
        }
        match self.heard.recv_timeout(wait) {
            Ok(News::Bytes(bytes)) => {
                into.extend(bytes);
                Ok(Heard::Bytes)
            }
            Ok(News::End(exit)) => {
                self.ended = Some(exit.clone());
                Ok(Heard::End(exit))
            }
            Err(_) => Ok(Heard::Silence),
        }
    }

    fn kill(&mut self) {
        kill(self.pid);
    }
}

fn kill(pid: u32) {
    let pid = i32::try_from(pid)
        .ok()
        .and_then(rustix::process::Pid::from_raw);
    if let Some(pid) = pid {
        rustix::process::kill_process_group(pid, rustix::process::Signal::KILL).ok();
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Sandbox for Room {
    fn tier(&self) -> Tier {
        Tier::Landlock
    }

    fn proofs(&self) -> &[Proof] {
        &[]
    }

    fn spawn(&mut self, launch: &Launch) -> Result<Box<dyn Process>> {
        match launch.streams {
            Streams::Terminal { rows, columns } => self.on_terminal(launch, rows, columns),
            Streams::Pipe => self.on_pipe(launch),
        }
    }

    fn files(&mut self) -> &mut dyn Files {
        self
    }

    fn layer(&mut self, _known: Option<&Layer>) -> Result<Layer> {
        Ok(Layer::default())
    }

    fn kill(&mut self) {
        self.pids.drain(..).for_each(kill);
    }
}

fn told(error: &std::io::Error) -> FileError {
    FileError::of_errno(error.raw_os_error().unwrap_or(0))
}

/// As much of files as the shells' tests need.
impl Files for Room {
    fn meta(&mut self, _path: &str) -> Result<Option<Meta>, FileError> {
        Err(FileError::other("not here"))
    }

    fn read(&mut self, path: &str, most: u64) -> Result<Vec<u8>, FileError> {
        let mut bytes = Vec::new();
        let file = std::fs::File::open(path).map_err(|error| told(&error))?;
        file.take(most)
            .read_to_end(&mut bytes)
            .map_err(|error| told(&error))?;
        Ok(bytes)
    }

    fn write(&mut self, path: &str, bytes: &[u8], _mode: Option<u32>) -> Result<(), FileError> {
        let mut file = std::fs::File::create(path).map_err(|error| told(&error))?;
        file.write_all(bytes).map_err(|error| told(&error))
    }

    fn set_mode(&mut self, _path: &str, _mode: u32) -> Result<(), FileError> {
        Err(FileError::other("not here"))
    }

    fn make_dirs(&mut self, path: &str) -> Result<(), FileError> {
        std::fs::create_dir_all(path).map_err(|error| told(&error))
    }

    fn remove(&mut self, path: &str) -> Result<(), FileError> {
        std::fs::remove_file(path).map_err(|error| told(&error))
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<(), FileError> {
        std::fs::rename(from, to).map_err(|error| told(&error))
    }

    fn list(&mut self, _path: &str, _depth: usize, _most: usize) -> Result<Vec<Found>, FileError> {
        Err(FileError::other("not here"))
    }
}
