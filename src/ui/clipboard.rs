//! Copies text out of the program, by the first way that works, and says which one it was.
//!
//! The order: the user's command; tmux's buffer; the desktop's clipboard where there is a display and no SSH; OSC 52,
//! wrapped for tmux and screen; a file. The terminal's clipboard is never read. Blocks for a moment: not for the
//! thread that draws, unless it may.

use std::env;
use std::fs;
use std::io;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::config::ClipboardChoice;
use crate::text::human;

/// The longest text sent by OSC 52: customary terminals take 100 000 bytes of sequence, 74 994 of text.
const OSC52_MAX_BYTES: usize = 74_994;

/// How long another program, or the display, may take.
const ANSWER: Duration = Duration::from_secs(2);

/// How long a clipboard manager may take at the end.
const HAND_OVER: Duration = Duration::from_millis(300);

/// What a DCS string of GNU screen may hold; its buffer has 768 bytes.
const SCREEN_CHUNK_BYTES: usize = 512;

/// What the ways to copy depend on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClipboardEnv {
    /// The way to use.
    pub choice: ClipboardChoice,
    /// A command (for `sh -c`) that takes the text on its standard input, before all other ways.
    pub command: Option<String>,
    /// The program called for tmux's buffer; `None` outside of tmux.
    pub tmux: Option<String>,
    /// Whether we run under GNU screen, as far as `TERM` and `STY` say.
    pub is_screen: bool,
    /// Whether a desktop's clipboard can be expected: a display, and no SSH.
    pub has_display: bool,
    /// The folder for the file that is the last resort.
    pub state_dir: PathBuf,
}

impl ClipboardEnv {
    /// Reads the process's environment.
    pub fn of_environment(
        choice: ClipboardChoice,
        command: Option<String>,
        state_dir: PathBuf,
    ) -> Self {
        let is_set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
        let is_ssh = ["SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"]
            .into_iter()
            .any(is_set);
        // other systems have their one display
        let has_display = cfg!(not(all(unix, not(target_os = "macos"))))
            || is_set("DISPLAY")
            || is_set("WAYLAND_DISPLAY");
        Self {
            choice,
            command,
            tmux: is_set("TMUX").then(|| "tmux".to_owned()),
            is_screen: is_set("STY"),
            has_display: has_display && !is_ssh,
            state_dir,
        }
    }
}

/// How a copy went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyReport {
    /// The way, to be read after "copied": `through tmux`, `by OSC 52, 1.2K`; for a failure, what went wrong.
    pub how: String,
    /// Whether the text went somewhere.
    pub is_copied: bool,
    /// Ways that were tried before and failed, with the reasons.
    pub failed: Vec<String>,
}

/// Copies `text` by the first way that works; `out` is the terminal, written to for OSC 52 alone.
pub fn copy(text: &str, env: &ClipboardEnv, out: &mut dyn Write) -> CopyReport {
    let mut failed = Vec::new();
    for way in ways(env) {
        match by(way, text, env, out) {
            Ok(how) => {
                return CopyReport {
                    how,
                    is_copied: true,
                    failed,
                };
            }
            Err(why) => failed.push(why),
        }
    }
    CopyReport {
        how: failed.join("; "),
        is_copied: false,
        failed,
    }
}

/// A way to copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Command,
    Tmux,
    System,
    Osc52,
    File,
}

/// The ways to try, in order. A file is always the last.
fn ways(env: &ClipboardEnv) -> Vec<Way> {
    let mut ways = Vec::new();
    if env.command.is_some() {
        ways.push(Way::Command);
    }
    match env.choice {
        ClipboardChoice::Auto => {
            if env.tmux.is_some() {
                ways.push(Way::Tmux);
            }
            if env.has_display {
                ways.push(Way::System);
            }
            ways.push(Way::Osc52);
        }
        ClipboardChoice::Tmux => ways.push(Way::Tmux),
        ClipboardChoice::System => ways.push(Way::System),
        ClipboardChoice::Osc52 => ways.push(Way::Osc52),
        ClipboardChoice::File => {}
    }
    ways.push(Way::File);
    ways
}

fn by(way: Way, text: &str, env: &ClipboardEnv, out: &mut dyn Write) -> Result<String, String> {
    match way {
        Way::Command => {
            let command = env.command.as_deref().unwrap_or_default();
            let mut shell = Command::new("sh");
            shell.arg("-c").arg(command);
            feed(shell, text).map_err(|err| format!("`{command}` failed: {err}"))?;
            Ok(format!("by `{command}`"))
        }
        Way::Tmux => {
            let mut tmux = Command::new(env.tmux.as_deref().unwrap_or("tmux"));
            tmux.args(["load-buffer", "-w", "-"]);
            feed(tmux, text).map_err(|err| format!("tmux failed: {err}"))?;
            Ok("through tmux".to_owned())
        }
        Way::System => {
            system(text).map_err(|err| format!("the system clipboard failed: {err}"))?;
            Ok("to the system clipboard".to_owned())
        }
        Way::Osc52 => {
            if text.len() > OSC52_MAX_BYTES {
                return Err(format!("{} is too much for OSC 52", size(text.len())));
            }
            out.write_all(&osc52(text, env))
                .and_then(|()| out.flush())
                .map_err(|err| format!("OSC 52 failed: {err}"))?;
            Ok(format!("by OSC 52, {}", size(text.len())))
        }
        Way::File => {
            let path = write_file(&env.state_dir, text)
                .map_err(|err| format!("cannot write to {}: {err}", env.state_dir.display()))?;
            Ok(format!("to the file {}", path.display()))
        }
    }
}

/// The sequence that gives the terminal a text for its clipboard, wrapped so that tmux or screen hands it on.
fn osc52(text: &str, env: &ClipboardEnv) -> Vec<u8> {
    let bare = format!("\x1b]52;c;{}\x07", STANDARD.encode(text));
    let mut out = Vec::new();
    if env.tmux.is_some() {
        // inside tmux's own string each escape is doubled
        out.extend_from_slice(b"\x1bPtmux;");
        out.extend_from_slice(bare.replace('\x1b', "\x1b\x1b").as_bytes());
        out.extend_from_slice(b"\x1b\\");
    } else if env.is_screen {
        for chunk in bare.as_bytes().chunks(SCREEN_CHUNK_BYTES) {
            out.extend_from_slice(b"\x1bP");
            out.extend_from_slice(chunk);
            out.extend_from_slice(b"\x1b\\");
        }
    } else {
        out.extend_from_slice(bare.as_bytes());
    }
    out
}

/// Runs a program with `text` on its standard input, and ends it when it takes too long.
fn feed(mut command: Command, text: &str) -> Result<(), String> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|err| err.to_string())?;
    let stdin = child.stdin.take();
    let bytes = text.as_bytes().to_vec();
    // a program that does not read must not hold us: the pipe has room for 64 KB only
    thread::spawn(move || {
        if let Some(mut stdin) = stdin {
            // a program that stops reading says so by how it ends
            drop(stdin.write_all(&bytes));
        }
    });
    let deadline = Instant::now() + ANSWER;
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(status.to_string()),
            Ok(None) if Instant::now() < deadline => thread::sleep(Duration::from_millis(2)),
            Ok(None) => {
                end(&mut child);
                return Err(format!("no end within {} s", ANSWER.as_secs()));
            }
            Err(err) => return Err(err.to_string()),
        }
    }
}

/// Ends a program that we started.
fn end(child: &mut Child) {
    if child.kill().is_ok() {
        drop(child.wait());
    }
}

/// A text for the clipboard's thread, and where it answers.
type Job = (String, mpsc::Sender<Result<(), String>>);

/// The thread that holds the desktop's clipboard.
struct Holder {
    jobs: mpsc::Sender<Job>,
    thread: thread::JoinHandle<()>,
}

static HOLDER: Mutex<Option<Holder>> = Mutex::new(None);

/// Hands the text to the desktop's clipboard.
///
/// On X11 and Wayland the text lives as long as the handle that offered it, so one handle is kept on a thread of its
/// own until [`close`]; the thread also keeps a display that does not answer from holding us.
fn system(text: &str) -> Result<(), String> {
    let (answer, answered) = mpsc::channel();
    {
        let mut holder = HOLDER.lock().unwrap_or_else(PoisonError::into_inner);
        let holder = holder.get_or_insert_with(|| {
            let (jobs, received) = mpsc::channel();
            let thread = thread::spawn(move || hold(&received));
            Holder { jobs, thread }
        });
        holder
            .jobs
            .send((text.to_owned(), answer))
            .map_err(|err| err.to_string())?;
    }
    answered
        .recv_timeout(ANSWER)
        .map_err(|err| err.to_string())?
}

/// Serves texts to the desktop until there are no more senders.
fn hold(jobs: &mpsc::Receiver<Job>) {
    let mut clipboard = None;
    for (text, answer) in jobs {
        let result = match clipboard.take() {
            Some(open) => Ok(open),
            None => arboard::Clipboard::new(),
        }
        .and_then(|mut open| {
            open.set_text(text)?;
            clipboard = Some(open);
            Ok(())
        });
        // who asked may have given up waiting
        drop(answer.send(result.map_err(|err| err.to_string())));
    }
}

/// Lets go of the desktop's clipboard, so that a clipboard manager can take the last copy over; waits a moment for
/// it. Called when the program ends; without it the last copy may be gone with the program.
pub fn close() {
    let holder = HOLDER.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(Holder { jobs, thread }) = holder {
        drop(jobs);
        let deadline = Instant::now() + HAND_OVER;
        while !thread.is_finished() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(2));
        }
    }
}

/// Writes the text to `copied.txt` in the folder, readable by the user alone, whole or not at all.
fn write_file(dir: &Path, text: &str) -> io::Result<PathBuf> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)?;
    // temporary files are made with mode 0600
    let mut file = tempfile::NamedTempFile::new_in(dir)?;
    file.write_all(text.as_bytes())?;
    let path = dir.join("copied.txt");
    drop(file.persist(&path)?);
    Ok(path)
}

/// A number of bytes as every screen says it.
fn size(bytes: usize) -> String {
    human::bytes(u64::try_from(bytes).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(state_dir: &Path) -> ClipboardEnv {
        ClipboardEnv {
            choice: ClipboardChoice::Auto,
            command: None,
            tmux: None,
            is_screen: false,
            has_display: false,
            state_dir: state_dir.into(),
        }
    }

    fn here() -> ClipboardEnv {
        env(Path::new("/nowhere/at/all"))
    }

    /// A terminal that is gone.
    struct Broken;

    impl Write for Broken {
        fn write(&mut self, _buf: &[u8]) -> io::Result<usize> {
            Err(io::Error::other("gone"))
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn ways_are_tried_in_order() {
        let with = |change: &dyn Fn(&mut ClipboardEnv)| {
            let mut env = here();
            change(&mut env);
            ways(&env)
        };
        assert_eq!(with(&|_| ()), [Way::Osc52, Way::File]);
        let all = with(&|env| {
            env.command = Some("x".into());
            env.tmux = Some("tmux".into());
            env.has_display = true;
        });
        let want = [Way::Command, Way::Tmux, Way::System, Way::Osc52, Way::File];
        assert_eq!(all, want);
        for (choice, want) in [
            (ClipboardChoice::Tmux, vec![Way::Tmux, Way::File]),
            (ClipboardChoice::System, vec![Way::System, Way::File]),
            (ClipboardChoice::Osc52, vec![Way::Osc52, Way::File]),
            (ClipboardChoice::File, vec![Way::File]),
        ] {
            assert_eq!(with(&|env| env.choice = choice), want);
        }
    }

    #[test]
    fn osc52_bytes() {
        let mut env = here();
        let mut out = Vec::new();
        let report = copy("hé", &env, &mut out);
        assert_eq!(out, b"\x1b]52;c;aMOp\x07");
        assert_eq!(report.how, "by OSC 52, 3B");
        env.tmux = Some("tmux".into());
        assert_eq!(osc52("hé", &env), b"\x1bPtmux;\x1b\x1b]52;c;aMOp\x07\x1b\\");
        env.tmux = None;
        env.is_screen = true;
        assert_eq!(osc52("hé", &env), b"\x1bP\x1b]52;c;aMOp\x07\x1b\\");
        // unwrapped again, a long text is the same sequence in pieces that screen can hold
        let long = "x".repeat(3000);
        let wrapped = String::from_utf8(osc52(&long, &env)).unwrap();
        let pieces: Vec<&str> = wrapped.split_terminator("\x1b\\").collect();
        assert!(pieces.len() > 7);
        assert!(pieces.iter().all(|piece| piece.len() <= 514));
        let joined: String = pieces
            .iter()
            .map(|piece| piece.strip_prefix("\x1bP").unwrap())
            .collect();
        assert_eq!(joined.as_bytes(), osc52(&long, &here()));
    }

    #[test]
    fn what_is_too_long_or_cannot_be_sent_goes_to_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("new/state");
        let long = "é".repeat(OSC52_MAX_BYTES);
        let mut out = Vec::new();
        let report = copy(&long, &env(&state), &mut out);
        assert!(out.is_empty());
        let path = state.join("copied.txt");
        assert_eq!(report.how, format!("to the file {}", path.display()));
        assert_eq!(report.failed, ["146K is too much for OSC 52"]);
        assert_eq!(fs::read_to_string(&path).unwrap(), long);
        // the next copy takes its place
        let report = copy("short", &env(&state), &mut Broken);
        assert!(report.is_copied);
        assert_eq!(report.failed, ["OSC 52 failed: gone"]);
        assert_eq!(fs::read_to_string(&path).unwrap(), "short");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode(&path), mode(&state)), (0o600, 0o700));
        }
    }

    #[test]
    fn nothing_works_and_says_so() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let report = copy("x", &env(file.path()), &mut Broken);
        assert!(!report.is_copied);
        assert!(
            report
                .how
                .starts_with("OSC 52 failed: gone; cannot write to")
        );
    }

    #[cfg(unix)]
    #[test]
    fn commands_take_the_text() {
        let dir = tempfile::tempdir().unwrap();
        let mut env = env(dir.path());
        let got = dir.path().join("got");
        let command = format!("cat > '{}'", got.display());
        env.command = Some(command.clone());
        let long = "line\n".repeat(100_000);
        let report = copy(&long, &env, &mut Broken);
        assert_eq!(report.how, format!("by `{command}`"));
        assert_eq!(fs::read_to_string(&got).unwrap(), long);
        // one that fails, and one that is not there
        for (command, tmux) in [(Some("exit 3"), None), (None, Some("/no/such/tmux"))] {
            env.command = command.map(str::to_owned);
            env.tmux = tmux.map(str::to_owned);
            let report = copy("x", &env, &mut Vec::new());
            assert_eq!(report.how, "by OSC 52, 1B");
            assert_eq!(report.failed.len(), 1, "{:?}", report.failed);
        }
    }

    #[test]
    fn sizes_are_rounded() {
        for (bytes, want) in [(0, "0B"), (812, "812B"), (1249, "1.2K"), (74_994, "73K")] {
            assert_eq!(size(bytes), want);
        }
    }

    #[test]
    fn closing_without_a_copy_is_nothing() {
        close();
        close();
    }
}
