//! One container: its making, what is asked of it, its end.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::io::Read as _;
use std::io::Seek as _;
use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::Once;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use bollard::container::PathStatResponse;
use bollard::models::ChangeType;
use bollard::models::ContainerCreateBody;
use bollard::models::ExecConfig;
use bollard::models::ExecInspectResponse;
use bollard::models::HostConfig;
use bollard::models::ResourcesUlimits;
use bollard::query_parameters::ContainerArchiveInfoOptions;
use bollard::query_parameters::CreateContainerOptions;
use bollard::query_parameters::DownloadFromContainerOptions;
use bollard::query_parameters::InspectContainerOptions;
use bollard::query_parameters::RemoveContainerOptions;
use bollard::query_parameters::ResizeExecOptionsBuilder;
use bollard::query_parameters::StartContainerOptions;
use bollard::query_parameters::UploadToContainerOptions;
use bytes::Bytes;
use futures_util::StreamExt as _;
use rustix::process::Resource;

use crate::error::Error;
use crate::error::Result;
use crate::sandbox::Limits;
use crate::sandbox::Spec;
use crate::sandbox::engine::line::Line;
use crate::sandbox::engine::line::Unanswered;
use crate::sandbox::engine::raw;
use crate::sandbox::engine::raw::Frames;
use crate::sandbox::engine::stale;

/// Lives as long as its input is open; it is the shell's own `read`, so that no other program is needed.
const WAIT: &str = "while read -r _; do :; done";

/// How long a small script of our own may take, and how much it may say.
const PATIENCE: Duration = Duration::from_mins(2);
const MOST_SAID: usize = 64 << 20;

/// A container; it is removed with the value.
pub(super) struct Container {
    line: Arc<Line>,
    id: String,
    /// As whom processes run; `None` is the image's user.
    user: Option<String>,
    owner: (u64, u64),
    /// Seconds of processor time of one process.
    cpu_secs: u64,
    /// Open as long as it may live.
    _life: UnixStream,
    is_gone: AtomicBool,
    removal: Once,
}

impl Container {
    /// Makes and starts one of an image that is there.
    ///
    /// # Errors
    /// *input* when there is no such image, *limit* when the engine refuses.
    pub(super) fn start(line: &Arc<Line>, image: &str, spec: &Spec) -> Result<Self> {
        let (docker, name) = (line.docker(), image.to_owned());
        let found = line.ask(async move { docker.inspect_image(&name).await });
        match found {
            Err(unanswered) if unanswered.is_absence() => {
                let at = line.socket().display();
                return Err(
                    Error::input(format!("the engine at {at} has no image {image}"))
                        .hint(format!("nothing is fetched by itself: docker pull {image}")),
                );
            }
            Err(unanswered) => {
                return Err(Error::limit(format!("cannot look for the image {image}"))
                    .caused_by(unanswered.to_string()));
            }
            Ok(_) => {}
        }
        let body = body(image, spec);
        let docker = line.docker();
        let made = line.call("cannot make a container", async move {
            docker
                .create_container(None::<CreateContainerOptions>, body)
                .await
        })?;
        let path = line.path(&format!("/containers/{}/attach?stdin=1&stream=1", made.id));
        let attached = raw::upgrade(line.socket(), &path, "");
        let is_root = spec.user == "root";
        let mut container = match attached {
            Ok(attached) => Self {
                line: Arc::clone(line),
                id: made.id,
                user: is_root.then(|| "0:0".to_owned()),
                owner: (0, 0),
                cpu_secs: spec.limits.cpu.as_secs().max(1),
                _life: attached,
                is_gone: AtomicBool::new(false),
                removal: Once::new(),
            },
            Err(err) => {
                remove(line, made.id);
                return Err(Error::limit("no line to the container").caused_by(err));
            }
        };
        let (docker, id) = (line.docker(), container.id.clone());
        line.call("cannot start the container", async move {
            docker
                .start_container(&id, None::<StartContainerOptions>)
                .await
        })?;
        if !is_root {
            container.owner = container.ask_owner()?;
        }
        Ok(container)
    }

    /// The numbers of the user and group to whom its files belong.
    pub(super) fn owner(&self) -> (u64, u64) {
        self.owner
    }

    fn ask_owner(&self) -> Result<(u64, u64)> {
        let said = self.say("id -u; id -g", &[])?;
        let mut numbers = said.0.lines().filter_map(|line| line.trim().parse().ok());
        Ok((numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)))
    }

    /// What a shell does before it becomes a process: podman without root forgets the bound of processor time.
    pub(super) fn bound_shell(&self) -> String {
        format!("ulimit -t {} 2>/dev/null; ", self.cpu_secs)
    }

    /// Whether it may still be asked.
    ///
    /// # Errors
    /// *limit* when it was removed.
    pub(super) fn alive(&self) -> Result<()> {
        if self.is_gone.load(Ordering::Relaxed) {
            return Err(Error::limit("the sandbox has ended"));
        }
        Ok(())
    }

    /// Makes ready to run something in it; the name of that.
    ///
    /// # Errors
    /// *limit* when the engine refuses.
    pub(super) fn make_exec(&self, mut config: ExecConfig) -> Result<String> {
        self.alive()?;
        if config.user.is_none() {
            config.user.clone_from(&self.user);
        }
        let (docker, id) = (self.line.docker(), self.id.clone());
        let made = self.line.call("cannot start a process", async move {
            docker.create_exec(&id, config).await
        })?;
        Ok(made.id)
    }

    /// Runs what was made ready, with a connection to it.
    ///
    /// # Errors
    /// *limit* when the engine refuses.
    pub(super) fn attach(&self, exec: &str, is_terminal: bool) -> Result<UnixStream> {
        let path = self.line.path(&format!("/exec/{exec}/start"));
        let body = format!("{{\"Detach\":false,\"Tty\":{is_terminal}}}");
        raw::upgrade(self.line.socket(), &path, &body)
            .map_err(|err| Error::limit("cannot start a process").caused_by(err))
    }

    /// Gives a terminal its size.
    ///
    /// # Errors
    /// *limit* when the engine refuses: the process may not be there yet, or not any more.
    pub(super) fn resize(&self, exec: &str, rows: u16, columns: u16) -> Result<()> {
        let (docker, exec) = (self.line.docker(), exec.to_owned());
        let size = ResizeExecOptionsBuilder::default()
            .h(i32::from(rows))
            .w(i32::from(columns))
            .build();
        self.line.call("cannot size a terminal", async move {
            docker.resize_exec(&exec, size).await
        })
    }

    /// What became of something that ran.
    ///
    /// # Errors
    /// *limit* when the engine does not know it any more.
    pub(super) fn look_at(&self, exec: &str) -> Result<ExecInspectResponse> {
        let (docker, exec) = (self.line.docker(), exec.to_owned());
        self.line.call("a process is lost", async move {
            docker.inspect_exec(&exec).await
        })
    }

    /// Runs a script of ours as the processes' user; what it says, and its exit code.
    ///
    /// # Errors
    /// *limit* when the engine refuses, or it takes too long or says too much.
    pub(super) fn say(&self, script: &str, arguments: &[String]) -> Result<(String, i64)> {
        let mut cmd = ["/bin/sh", "-c", script, "sh"].map(str::to_owned).to_vec();
        cmd.extend_from_slice(arguments);
        let exec = self.make_exec(ExecConfig {
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            cmd: Some(cmd),
            env: Some(vec!["LC_ALL=C".to_owned()]),
            ..ExecConfig::default()
        })?;
        let failed = |err: io::Error| Error::limit("the container does not answer").caused_by(err);
        let mut stream = self.attach(&exec, false)?;
        let deadline = Instant::now() + PATIENCE;
        let (mut frames, mut said) = (Frames::default(), Vec::new());
        let mut chunk = vec![0; 1 << 16];
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let left = left.max(Duration::from_millis(1));
            stream.set_read_timeout(Some(left)).map_err(failed)?;
            match stream.read(&mut chunk).map_err(failed)? {
                0 => break,
                count => frames.take(chunk.get(..count).unwrap_or_default(), &mut said),
            }
            if said.len() > MOST_SAID {
                return Err(Error::limit("the container says too much"));
            }
        }
        let code = self.code_of(&exec, deadline)?;
        Ok((String::from_utf8_lossy(&said).into_owned(), code))
    }

    /// Runs a script of ours as the processes' user, which must succeed.
    ///
    /// # Errors
    /// *limit* with what it says.
    pub(super) fn order(&self, script: &str, arguments: &[String]) -> Result<()> {
        let (said, code) = self.say(script, arguments)?;
        if code == 0 {
            return Ok(());
        }
        Err(Error::limit("cannot make ready the container").caused_by(said.trim().to_owned()))
    }

    /// The exit code of what has closed its output; engines may take a moment to know it.
    ///
    /// # Errors
    /// *limit* when they never do.
    pub(super) fn code_of(&self, exec: &str, deadline: Instant) -> Result<i64> {
        loop {
            let told = self.look_at(exec)?;
            if told.running != Some(true)
                && let Some(code) = told.exit_code
            {
                return Ok(code);
            }
            if Instant::now() > deadline {
                return Err(Error::limit("a process does not end"));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// What a path names, links not followed.
    ///
    /// # Errors
    /// The refusal.
    pub(super) fn stat(&self, path: &str) -> Result<PathStatResponse, Unanswered> {
        let (docker, id) = (self.line.docker(), self.id.clone());
        let options = ContainerArchiveInfoOptions {
            path: path.to_owned(),
        };
        self.line
            .ask(async move { docker.get_container_archive_info(&id, Some(options)).await })
    }

    /// Unpacks an archive in a folder.
    ///
    /// # Errors
    /// *limit* when the engine refuses.
    pub(super) fn upload(&self, folder: &str, packed: File) -> Result<()> {
        self.try_upload(folder, packed).map_err(|unanswered| {
            Error::limit(format!("cannot copy into {folder}")).caused_by(unanswered.to_string())
        })
    }

    /// The same, with the refusal.
    ///
    /// # Errors
    /// The refusal.
    pub(super) fn try_upload(&self, folder: &str, mut packed: File) -> Result<(), Unanswered> {
        let (docker, id) = (self.line.docker(), self.id.clone());
        let options = UploadToContainerOptions {
            path: folder.to_owned(),
            ..UploadToContainerOptions::default()
        };
        let pieces = std::iter::from_fn(move || {
            let mut piece = vec![0; 1 << 16];
            match packed.read(&mut piece) {
                Ok(0) => None,
                Ok(count) => {
                    piece.truncate(count);
                    Some(Ok(Bytes::from(piece)))
                }
                Err(err) => Some(Err(err)),
            }
        });
        let body = bollard::body_try_stream(futures_util::stream::iter(pieces));
        self.line
            .ask(async move { docker.upload_to_container(&id, Some(options), body).await })
    }

    /// An archive of a path, of at most `most` bytes of contents, at its beginning.
    ///
    /// # Errors
    /// *limit* when the engine refuses, or there is more.
    pub(super) fn download(&self, path: &str, most: u64) -> Result<File> {
        self.try_download(path, most).map_err(|unanswered| {
            Error::limit(format!("cannot copy out of {path}")).caused_by(unanswered.to_string())
        })
    }

    /// The same, with the refusal.
    ///
    /// # Errors
    /// The refusal.
    pub(super) fn try_download(&self, path: &str, most: u64) -> Result<File, Unanswered> {
        /// Heads and padding of an archive, besides its contents.
        const HEADS: u64 = 256 << 20;

        let (docker, id) = (self.line.docker(), self.id.clone());
        let options = DownloadFromContainerOptions {
            path: path.to_owned(),
        };
        let most = most.saturating_add(HEADS);
        self.line.ask(async move {
            let mut file = tempfile::tempfile()?;
            let mut all = Box::pin(docker.download_from_container(&id, Some(options)));
            let mut len = 0;
            while let Some(piece) = all.next().await {
                let piece = piece?;
                len += piece.len() as u64;
                if len > most {
                    return Err(io::Error::other("it is larger than it may be").into());
                }
                file.write_all(&piece)?;
            }
            file.rewind()?;
            Ok(file)
        })
    }

    /// The paths that differ from the image, and whether they are gone.
    ///
    /// # Errors
    /// *limit* when it does not answer.
    pub(super) fn changes(&self) -> Result<Vec<(String, bool)>> {
        let (docker, id) = (self.line.docker(), self.id.clone());
        let all = self.line.call("cannot ask for changes", async move {
            docker.container_changes(&id).await
        })?;
        let all = all.unwrap_or_default().into_iter();
        let told = all.map(|change| (change.path, change.kind == ChangeType::_2));
        Ok(told.collect())
    }

    /// The bytes that it has written, and those of all its files.
    ///
    /// # Errors
    /// *limit* when the engine does not tell.
    pub(super) fn sizes(&self) -> Result<(u64, u64)> {
        let (docker, id) = (self.line.docker(), self.id.clone());
        let told = self.line.call("cannot ask for the size", async move {
            let options = InspectContainerOptions { size: true };
            docker.inspect_container(&id, Some(options)).await
        })?;
        let bytes = |size: Option<i64>| size.and_then(|bytes| u64::try_from(bytes).ok());
        let both = bytes(told.size_rw).zip(bytes(told.size_root_fs));
        both.ok_or_else(|| Error::limit("the engine does not tell how large a container is"))
    }

    /// Ends it with everything in it. Whoever comes second waits for the first.
    pub(super) fn remove(&self) {
        self.is_gone.store(true, Ordering::Relaxed);
        self.removal
            .call_once(|| remove(&self.line, self.id.clone()));
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        self.remove();
    }
}

/// Removes a container. Where it fails the end of our line to it does, or the next hgview.
pub(super) fn remove(line: &Line, id: String) {
    let docker = line.docker();
    let options = RemoveContainerOptions {
        force: true,
        v: true,
        ..RemoveContainerOptions::default()
    };
    drop(line.call("cannot remove a container", async move {
        docker.remove_container(&id, Some(options)).await
    }));
}

fn body(image: &str, spec: &Spec) -> ContainerCreateBody {
    let default_path = Spec::default();
    // the image knows better where its programs are than we who know nothing of it
    let is_told =
        |variable: &&(String, String)| !default_path.env.contains(variable) || variable.0 != "PATH";
    let env = spec.env.iter().filter(is_told);
    ContainerCreateBody {
        image: Some(image.to_owned()),
        hostname: Some(spec.hostname.clone()),
        user: (spec.user == "root").then(|| "0:0".to_owned()),
        entrypoint: Some(vec!["/bin/sh".to_owned(), "-c".to_owned(), WAIT.to_owned()]),
        cmd: Some(Vec::new()),
        working_dir: Some("/".to_owned()),
        env: Some(env.map(|(name, value)| format!("{name}={value}")).collect()),
        open_stdin: Some(true),
        stdin_once: Some(true),
        attach_stdin: Some(true),
        labels: Some(HashMap::from([(stale::LABEL.to_owned(), stale::me())])),
        host_config: Some(host_config(&spec.limits)),
        ..ContainerCreateBody::default()
    }
}

fn host_config(limits: &Limits) -> HostConfig {
    let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    let memory = Some(number(limits.memory));
    HostConfig {
        auto_remove: Some(true),
        cap_drop: Some(vec!["ALL".to_owned()]),
        init: Some(true),
        ipc_mode: Some("private".to_owned()),
        memory,
        memory_swap: memory,
        network_mode: Some("none".to_owned()),
        // its first processes count along
        pids_limit: Some(number(limits.processes.saturating_add(2))),
        privileged: Some(false),
        security_opt: Some(vec!["no-new-privileges".to_owned()]),
        shm_size: Some(64 << 20),
        ulimits: Some(ulimits(limits)),
        ..HostConfig::default()
    }
}

/// Set one by one, and never above ours: podman sets them as we would, and may do no more.
fn ulimits(limits: &Limits) -> Vec<ResourcesUlimits> {
    let wanted = [
        ("nofile", Resource::Nofile, 4096),
        // counted over all containers of the user: the engine's own bound is the one that matters
        (
            "nproc",
            Resource::Nproc,
            limits.processes.saturating_add(4096),
        ),
        ("fsize", Resource::Fsize, limits.file),
        ("cpu", Resource::Cpu, limits.cpu.as_secs().max(1)),
        ("core", Resource::Core, 0),
    ];
    let limit = |(name, resource, most): (&str, Resource, u64)| {
        let hard = rustix::process::getrlimit(resource).maximum;
        let most = i64::try_from(hard.map_or(most, |hard| most.min(hard))).unwrap_or(i64::MAX);
        ResourcesUlimits {
            name: Some(name.to_owned()),
            soft: Some(most),
            hard: Some(most),
        }
    };
    wanted.map(limit).to_vec()
}
