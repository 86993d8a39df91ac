//! The real binary in a hermetic environment: an empty home, a fixed width, no colours, nothing of the caller's.

use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;

use serde_json::Value;
use serde_json::json;

/// A home folder and what is run in it.
pub(crate) struct Program {
    home: tempfile::TempDir,
    columns: Option<&'static str>,
}

/// What a run printed.
pub(crate) struct Run {
    /// The exit code.
    pub(crate) code: i32,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) err: String,
}

impl Program {
    /// A fresh home; lines of 120 cells.
    pub(crate) fn new() -> Self {
        Self {
            home: tempfile::tempdir().unwrap(),
            columns: Some("120"),
        }
    }

    /// Lines may be as long as they are.
    pub(crate) fn unbounded() -> Self {
        Self {
            columns: None,
            ..Self::new()
        }
    }

    /// The home folder, in which it also runs.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// Makes a file below the home folder.
    pub(crate) fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.home().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }

    fn command<S: AsRef<std::ffi::OsStr>>(&self, args: &[S]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hgview"));
        command
            .args(args)
            .env_clear()
            .env("HOME", self.home())
            .env("TERM", "xterm-256color")
            .current_dir(self.home());
        if let Some(columns) = self.columns {
            command.env("COLUMNS", columns);
        }
        command
    }

    /// Runs it.
    pub(crate) fn run<S: AsRef<std::ffi::OsStr>>(&self, args: &[S]) -> Run {
        self.feed(args, b"")
    }

    /// Runs it with standard input.
    pub(crate) fn feed<S: AsRef<std::ffi::OsStr>>(&self, args: &[S], input: &[u8]) -> Run {
        self.finish(self.command(args), input)
    }

    /// Runs it with a variable set.
    pub(crate) fn run_with<S: AsRef<std::ffi::OsStr>>(
        &self,
        args: &[S],
        name: &str,
        value: &str,
    ) -> Run {
        let mut command = self.command(args);
        command.env(name, value);
        self.finish(command, b"")
    }

    /// Starts it and leaves it to itself; what it says is not heard.
    pub(crate) fn spawn<S: AsRef<std::ffi::OsStr>>(&self, args: &[S]) -> Child {
        let mut command = self.command(args);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command.spawn().unwrap()
    }

    fn finish(&self, mut command: Command, input: &[u8]) -> Run {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // a command that does not read its input closes it early
        drop(child.stdin.take().unwrap().write_all(input));
        let done = child.wait_with_output().unwrap();
        let home = self.home().display().to_string();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().replace(&home, "HOME");
        Run {
            code: done.status.code().unwrap_or(-1),
            out: text(done.stdout),
            err: text(done.stderr),
        }
    }
}

impl Run {
    /// The output as JSON lines.
    pub(crate) fn json_lines(&self) -> Vec<Value> {
        self.out
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// Fails with everything the run said unless it ended with `code`.
    #[track_caller]
    pub(crate) fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, code, "\n{}\n{}", self.out, self.err);
        self
    }
}

/// A file of `samples/`.
pub(crate) fn sample(name: &str) -> String {
    format!("{}/samples/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// The folder with data that is not ours, where it is there.
pub(crate) fn shared() -> Option<PathBuf> {
    let folder = std::env::var_os("HGVIEW_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"),
        PathBuf::from,
    );
    folder.join("corpus").is_dir().then_some(folder)
}

/// Runs git in a repository without anybody's settings; what it printed, without blanks around.
#[track_caller]
pub(crate) fn git(repo: &Path, args: &[&str]) -> String {
    let run = Command::new("git")
        .args(["-c", "user.name=a", "-c", "user.email=a@b"])
        .args(args)
        .current_dir(repo)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(run.status.success(), "{run:?}");
    String::from_utf8(run.stdout).unwrap().trim().to_owned()
}

/// A line of the chat format: one agent's commands, each answered with `ok`.
pub(crate) fn chat_row(id: &str, commands: &[&str]) -> String {
    let mut messages = vec![json!({"role": "user", "content": "Mend the bug."})];
    for (nth, command) in commands.iter().enumerate() {
        let call = json!({"id": format!("c{nth}"), "type": "function", "function": {
            "name": "bash", "arguments": json!({"command": command}).to_string()}});
        messages.push(json!({"role": "assistant", "content": "", "tool_calls": [call]}));
        messages.push(json!({"role": "tool", "tool_call_id": format!("c{nth}"), "content": "ok"}));
    }
    messages.push(json!({"role": "assistant", "content": "I am done."}));
    format!("{}\n", json!({"instance_id": id, "messages": messages}))
}

/// Writes an archive as source distributions are: everything in one folder.
pub(crate) fn sdist(at: &Path, top: &str, files: &[(&str, &str)]) {
    let gzip = flate2::write::GzEncoder::new(
        std::fs::File::create(at).unwrap(),
        flate2::Compression::fast(),
    );
    let mut tar = tar::Builder::new(gzip);
    for (name, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        let path = format!("{top}/{name}");
        tar.append_data(&mut header, path, text.as_bytes()).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap();
}

/// Runs it where no file may be longer than so many KB: what stands in for a full disk wherever nothing can be mounted.
pub(crate) fn limited(program: &Program, kilobytes: u32, args: &[&str]) -> std::process::Output {
    let script = format!("trap '' XFSZ; ulimit -f {kilobytes}; exec \"$@\"");
    Command::new("bash")
        .args(["-c", &script, "bash", env!("CARGO_BIN_EXE_hgview")])
        .args(args)
        .env_clear()
        .env("HOME", program.home())
        .current_dir(program.home())
        .output()
        .unwrap()
}
