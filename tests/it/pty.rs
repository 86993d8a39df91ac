//! The real binary on a terminal of our own: a pty, an emulator that shows what is on its screen, and all bytes.
//!
//! Waits are for conditions, with a deadline that a loaded machine keeps; nothing sleeps.

use std::io::Read;
use std::io::Write;
use std::num::NonZeroU16;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::time::Duration;
use std::time::Instant;

use portable_pty::ChildKiller;
use portable_pty::CommandBuilder;
use portable_pty::ExitStatus;
use portable_pty::MasterPty;
use portable_pty::PtySize;
use portable_pty::native_pty_system;
use rustix::process::Pid;
use rustix::process::Signal;

/// How long anything may take.
const DEADLINE: Duration = Duration::from_secs(30);

/// What a terminal asks of its background and of itself are answered with.
const QUESTIONS: [(&[u8], &[u8]); 2] = [
    (b"\x1b]11;?", b"\x1b]11;rgb:1010/1010/1010\x1b\\"),
    (b"\x1b[c", b"\x1b[?62;c"),
];

/// A home folder and an environment, for a program on a terminal.
pub(crate) struct Stage {
    home: tempfile::TempDir,
    env: Vec<(String, String)>,
    is_silent: bool,
    size: (u16, u16),
}

/// A program on a terminal.
pub(crate) struct Pty {
    stage: Stage,
    master: Option<Box<dyn MasterPty + Send>>,
    writer: Arc<Mutex<Option<Box<dyn Write + Send>>>>,
    output: Arc<Output>,
    killer: Box<dyn ChildKiller + Send + Sync>,
    ended: mpsc::Receiver<ExitStatus>,
    pid: u32,
}

#[derive(Default)]
struct Output {
    seen: Mutex<Option<Seen>>,
    more: Condvar,
    is_given_up: AtomicBool,
}

/// What the program wrote.
pub(crate) struct Seen {
    parser: vt100::Parser,
    /// All bytes, in order.
    pub(crate) bytes: Vec<u8>,
}

impl Seen {
    /// The screen.
    pub(crate) fn screen(&self) -> &vt100::Screen {
        self.parser.screen()
    }

    /// The text of the screen.
    pub(crate) fn text(&self) -> String {
        self.screen().contents()
    }

    /// Whether the program's screen is shown and has this text.
    pub(crate) fn shows(&self, text: &str) -> bool {
        self.screen().alternate_screen() && self.text().contains(text)
    }

    /// Whether the terminal is as it was before: main screen, cursor, no mouse, no bracketed paste.
    pub(crate) fn is_given_back(&self) -> bool {
        let screen = self.screen();
        !screen.alternate_screen()
            && !screen.hide_cursor()
            && !screen.bracketed_paste()
            && screen.mouse_protocol_mode() == vt100::MouseProtocolMode::None
    }
}

impl Stage {
    /// An empty home; a terminal of 80×24 with 256 colours that answers questions.
    pub(crate) fn new() -> Self {
        Self {
            home: tempfile::tempdir().unwrap(),
            env: Vec::new(),
            is_silent: false,
            size: (80, 24),
        }
    }

    /// A terminal that answers no question.
    pub(crate) fn silent(mut self) -> Self {
        self.is_silent = true;
        self
    }

    /// A variable of the environment.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
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

    /// Runs hgview.
    pub(crate) fn run(self, args: &[&str]) -> Pty {
        self.spawn(env!("CARGO_BIN_EXE_hgview"), args)
    }

    /// Runs one test of this very binary by its whole name, with `HGVIEW_TEST_PART` telling it that it is on stage.
    pub(crate) fn test(self, name: &str, part: &str) -> Pty {
        let program = std::env::current_exe().unwrap();
        self.env("HGVIEW_TEST_PART", part)
            .spawn(program.to_str().unwrap(), &["--exact", name, "--nocapture"])
    }

    /// Runs a shell script in which `"$@"` is hgview with these arguments.
    pub(crate) fn script(self, script: &str, args: &[&str]) -> Pty {
        let all = [&["-c", script, "sh", env!("CARGO_BIN_EXE_hgview")], args].concat();
        self.spawn("/bin/sh", &all)
    }

    fn spawn(self, program: &str, args: &[&str]) -> Pty {
        let size = PtySize {
            cols: self.size.0,
            rows: self.size.1,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(program);
        command.args(args);
        command.env_clear();
        command.env("HOME", self.home());
        command.env("PATH", "/usr/local/bin:/usr/bin:/bin");
        command.env("TERM", "xterm-256color");
        for (name, value) in &self.env {
            command.env(name, value);
        }
        command.cwd(self.home());
        let mut child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let pid = child.process_id().unwrap();
        let killer = child.clone_killer();
        let (tell, ended) = mpsc::channel();
        std::thread::spawn(move || {
            if let Ok(status) = child.wait() {
                // the test may be over
                drop(tell.send(status));
            }
        });
        let output = Arc::new(Output::default());
        let rows = NonZeroU16::new(self.size.1).unwrap();
        let cols = NonZeroU16::new(self.size.0).unwrap();
        *output.seen.lock().unwrap() = Some(Seen {
            parser: vt100::Parser::new(rows, cols, 0),
            bytes: Vec::new(),
        });
        let writer = Arc::new(Mutex::new(Some(pair.master.take_writer().unwrap())));
        let reader = pair.master.try_clone_reader().unwrap();
        let answers = (!self.is_silent).then(|| Arc::clone(&writer));
        let shared = Arc::clone(&output);
        std::thread::spawn(move || watch(reader, &shared, answers.as_ref()));
        Pty {
            stage: self,
            master: Some(pair.master),
            writer,
            output,
            killer,
            ended,
            pid,
        }
    }
}

type Writer = Arc<Mutex<Option<Box<dyn Write + Send>>>>;

/// Reads what the program writes, until it is gone or we give the terminal up.
fn watch(mut reader: Box<dyn Read + Send>, output: &Output, answers: Option<&Writer>) {
    let mut chunk = [0; 16 << 10];
    let mut answered = [0; QUESTIONS.len()];
    while let Ok(len @ 1..) = reader.read(&mut chunk) {
        if output.is_given_up.load(Ordering::SeqCst) {
            return;
        }
        let mut seen = output.seen.lock().unwrap();
        let seen = seen.as_mut().unwrap();
        seen.bytes.extend_from_slice(&chunk[..len]);
        seen.parser.process(&chunk[..len]);
        if let Some(writer) = answers {
            for ((question, answer), answered) in QUESTIONS.iter().zip(&mut answered) {
                let asked = memchr::memmem::find_iter(&seen.bytes, question).count();
                *answered = asked.min(*answered);
                while *answered < asked {
                    *answered += 1;
                    if let Some(writer) = writer.lock().unwrap().as_mut() {
                        drop(writer.write_all(answer));
                    }
                }
            }
        }
        output.more.notify_all();
    }
}

impl Pty {
    /// The home folder.
    pub(crate) fn stage(&self) -> &Stage {
        &self.stage
    }

    /// The process that was started: hgview, or the shell.
    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// Types.
    pub(crate) fn keys(&self, keys: &str) -> &Self {
        let mut writer = self.writer.lock().unwrap();
        let writer = writer.as_mut().unwrap();
        writer.write_all(keys.as_bytes()).unwrap();
        writer.flush().unwrap();
        self
    }

    /// Waits until something is so.
    #[track_caller]
    pub(crate) fn wait(&self, what: &str, is_so: impl Fn(&Seen) -> bool) -> &Self {
        let until = Instant::now() + DEADLINE;
        let mut seen = self.output.seen.lock().unwrap();
        loop {
            let now = seen.as_ref().unwrap();
            if is_so(now) {
                return self;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let bytes = String::from_utf8_lossy(&now.bytes);
                let tail: String = bytes.chars().rev().take(400).collect();
                let tail: String = tail.chars().rev().collect();
                let text = now.text();
                drop(seen);
                panic!("waited in vain: {what}\n{text}\n{tail:?}");
            }
            (seen, _) = self.output.more.wait_timeout(seen, left).unwrap();
        }
    }

    /// Whether something is so before this time is over.
    pub(crate) fn is_soon(&self, patience: Duration, is_so: impl Fn(&Seen) -> bool) -> bool {
        let until = Instant::now() + patience;
        let mut seen = self.output.seen.lock().unwrap();
        while !is_so(seen.as_ref().unwrap()) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            (seen, _) = self.output.more.wait_timeout(seen, left).unwrap();
        }
        true
    }

    /// Takes the bytes that were written so far: [`Seen::bytes`] begins anew.
    pub(crate) fn take_bytes(&self) -> Vec<u8> {
        let mut seen = self.output.seen.lock().unwrap();
        std::mem::take(&mut seen.as_mut().unwrap().bytes)
    }

    /// Waits until the program's screen shows a text.
    #[track_caller]
    pub(crate) fn shows(&self, text: &str) -> &Self {
        self.wait(text, |seen| seen.shows(text))
    }

    /// Looks at what was written so far.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&Seen) -> T) -> T {
        look(self.output.seen.lock().unwrap().as_ref().unwrap())
    }

    /// Gives the terminal another size.
    pub(crate) fn resize(&self, cols: u16, rows: u16) -> &Self {
        let mut seen = self.output.seen.lock().unwrap();
        let screen = seen.as_mut().unwrap().parser.screen_mut();
        screen.set_size(
            NonZeroU16::new(rows).unwrap(),
            NonZeroU16::new(cols).unwrap(),
        );
        drop(seen);
        let size = PtySize {
            cols,
            rows,
            pixel_width: 0,
            pixel_height: 0,
        };
        self.master.as_ref().unwrap().resize(size).unwrap();
        self
    }

    /// Sends a signal to a process.
    pub(crate) fn signal(&self, pid: u32, signal: Signal) -> &Self {
        let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
        self
    }

    /// Closes the terminal, as a window is closed.
    pub(crate) fn hang_up(&mut self) {
        self.output.is_given_up.store(true, Ordering::SeqCst);
        // another size makes the program write, which wakes the reader, which lets go of its end
        self.resize(60, 20);
        *self.writer.lock().unwrap() = None;
        self.master = None;
    }

    /// Waits for the end; the exit code, or the signal that ended it.
    #[track_caller]
    pub(crate) fn ends(&self) -> Result<u32, String> {
        let status = self.ended.recv_timeout(DEADLINE).unwrap_or_else(|_| {
            panic!("it does not end\n{}", self.look(Seen::text));
        });
        match status.signal() {
            Some(signal) => Err(signal.to_owned()),
            None => Ok(status.exit_code()),
        }
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        // it may have ended
        drop(self.killer.kill());
    }
}
