//! Times the real program on a pty beside `less -S`, and prints the table of the README:
//!
//! `cargo bench --bench screen` (all), `-- --quick` (a 100 MB file instead of 1 GB, fewer keys)
//!
//! First full screen: from the start of the process to the moment a terminal shows the last row of the first screen.
//! Key to frame: from writing a key to the end of the first whole frame, and to the last byte before the output is quiet. Both programs are measured
//! in turn in the same run on the same file with a warm page cache; the ratio counts, not the milliseconds.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark prints its table, and stops where it cannot measure"
)]

use std::io::Read as _;
use std::io::Write;
use std::num::NonZero;
use std::path::Path;
use std::path::PathBuf;
use std::sync::mpsc;
use std::sync::mpsc::Receiver;
use std::time::Duration;
use std::time::Instant;

use portable_pty::Child;
use portable_pty::CommandBuilder;
use portable_pty::MasterPty;
use portable_pty::PtySize;
use portable_pty::native_pty_system;

mod data;

use data::Wanted;

const ROWS: u16 = 50;
const COLUMNS: u16 = 160;

fn cells(number: u16) -> NonZero<u16> {
    NonZero::new(number).expect("a screen has cells")
}

/// A program on a terminal of its own.
struct Session {
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    output: Receiver<(Instant, Vec<u8>)>,
    screen: vt100::Parser,
    started: Instant,
}

impl Session {
    fn start(program: &str, args: &[&str]) -> Self {
        let size = PtySize {
            rows: ROWS,
            cols: COLUMNS,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pair = native_pty_system().openpty(size).expect("a pty");
        let mut command = CommandBuilder::new(program);
        command.args(args);
        command.env("TERM", "xterm-256color");
        command.env("COLORTERM", "");
        command.env(
            "HGVIEW_CONFIG_DIR",
            std::env::temp_dir().join("hgview-bench-config"),
        );
        let mut reader = pair.master.try_clone_reader().expect("the pty's output");
        let keys = pair.master.take_writer().expect("the pty's input");
        let (sender, output) = mpsc::channel();
        let started = Instant::now();
        let child = pair
            .slave
            .spawn_command(command)
            .expect("the program starts");
        std::thread::spawn(move || {
            let mut bytes = vec![0; 1 << 16];
            while let Ok(len) = reader.read(&mut bytes) {
                if len == 0
                    || sender
                        .send((Instant::now(), bytes[..len].to_vec()))
                        .is_err()
                {
                    return;
                }
            }
        });
        Self {
            child,
            master: pair.master,
            keys,
            output,
            screen: vt100::Parser::new(cells(ROWS), cells(COLUMNS), 0),
            started,
        }
    }

    /// Waits until the screen satisfies `is_ready`; gives the time of the byte that made it so.
    fn wait(&mut self, is_ready: impl Fn(&vt100::Screen) -> bool) -> Duration {
        let deadline = Instant::now() + Duration::from_mins(2);
        loop {
            let Ok((at, bytes)) = self.output.recv_timeout(deadline - Instant::now()) else {
                panic!(
                    "the program ended or stood still at:\n{}",
                    self.screen.screen().contents()
                );
            };
            self.feed(&bytes);
            if is_ready(self.screen.screen()) {
                return at - self.started;
            }
        }
    }

    fn feed(&mut self, bytes: &[u8]) {
        self.screen.process(bytes);
        // programs that ask for the background are answered as a terminal would
        if bytes.windows(4).any(|w| w == b"]11;") {
            let _sent = self.keys.write_all(
                b"\x1b]10;rgb:ffff/ffff/ffff\x1b\\\x1b]11;rgb:0000/0000/0000\x1b\\\x1b[?62;22c",
            );
        }
    }

    /// Presses a key. Gives the time to the end of the first whole frame, the time to the last byte before the output
    /// goes quiet (code colours come in a later frame), and the bytes of all. `None` when nothing changes.
    fn press(&mut self, key: &[u8]) -> Option<(Duration, Duration, usize)> {
        const QUIET: Duration = Duration::from_millis(60);
        const FRAME_END: &[u8] = b"\x1b[?2026l";
        while let Ok((_, bytes)) = self.output.try_recv() {
            self.feed(&bytes);
        }
        let pressed = Instant::now();
        let sent = self.keys.write_all(key).and_then(|()| self.keys.flush());
        sent.expect("a key");
        let mut seen = Vec::new();
        let (mut first, mut last) = (None, None);
        loop {
            let patience = if last.is_none() { QUIET * 10 } else { QUIET };
            let Ok((at, bytes)) = self.output.recv_timeout(patience) else {
                break;
            };
            self.feed(&bytes);
            seen.extend_from_slice(&bytes);
            last = Some(at);
            if first.is_none() && seen.windows(FRAME_END.len()).any(|w| w == FRAME_END) {
                first = Some(at);
            }
        }
        Some((first? - pressed, last? - pressed, seen.len()))
    }

    /// The most memory it had at once, in MB.
    fn peak_mb(&self) -> f64 {
        let status = self
            .child
            .process_id()
            .and_then(|pid| std::fs::read_to_string(format!("/proc/{pid}/status")).ok());
        let line = status.as_deref().and_then(|s| {
            s.lines()
                .find(|l| l.starts_with("VmHWM"))
                .map(str::to_owned)
        });
        let kb: f64 = line
            .and_then(|l| l.split_whitespace().nth(1)?.parse().ok())
            .unwrap_or(f64::NAN);
        kb / 1024.0
    }

    fn end(mut self) {
        let _killed = self.child.kill();
        let _waited = self.child.wait();
        drop(self.master);
    }
}

fn data(folder: &Path, name: &str, wanted: Wanted) -> PathBuf {
    let path = folder.join(name);
    if !path.exists() {
        eprintln!("writing {}", path.display());
        data::generate(wanted, &path).expect("the data is written");
    }
    // warm the page cache for both programs
    let _bytes =
        std::fs::File::open(&path).and_then(|mut f| std::io::copy(&mut f, &mut std::io::sink()));
    path
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// The value that this share of the values does not exceed.
fn share(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index"
    )]
    let ix = ((values.len() - 1) as f64 * share).round() as usize;
    values[ix]
}

fn first_screen(path: &Path, rounds: usize) {
    let text = path.to_str().expect("a plain path");
    let mut ours = Vec::new();
    let mut theirs = Vec::new();
    let mut memory: f64 = 0.0;
    for _ in 0..rounds {
        let mut less = Session::start("less", &["-S", text]);
        let full = |screen: &vt100::Screen| {
            screen.contents().matches("tidepool__harbor-kit-").count() >= usize::from(ROWS) - 1
        };
        theirs.push(less.wait(full).as_secs_f64() * 1e3);
        less.end();
        let mut hgview = Session::start(env!("CARGO_BIN_EXE_hgview"), &[text]);
        let full = |screen: &vt100::Screen| {
            // a row is there when its steps are
            let rows = screen
                .rows(0, COLUMNS)
                .filter(|row| row.contains("tidepool__harbor-kit-") && row.contains("invented"));
            rows.count() >= usize::from(ROWS) - 3
        };
        ours.push(hgview.wait(full).as_secs_f64() * 1e3);
        // memory once every record has been summarised
        hgview.wait(|screen| {
            let title = screen.rows(0, COLUMNS).next().unwrap_or_default();
            !title.contains("reading") && !title.contains("summarised") && title.contains("records")
        });
        memory = memory.max(hgview.peak_mb());
        hgview.end();
    }
    let (ours, theirs) = (median(&mut ours), median(&mut theirs));
    println!(
        "| first full screen, {} MB JSONL | {ours:.0} ms | `less -S` {theirs:.0} ms | {:.2}× |",
        size_mb(path),
        ours / theirs
    );
    println!("| memory after summarising all of it | {memory:.0} MB | | |");
}

fn size_mb(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |m| m.len() >> 20)
}

fn keys(path: &Path, what: &str, script: &[(&str, &[u8], usize)]) {
    let mut hgview = Session::start(
        env!("CARGO_BIN_EXE_hgview"),
        &[path.to_str().expect("a plain path")],
    );
    hgview.wait(|screen| screen.contents().contains("STEPS"));
    hgview.wait(|screen| screen.contents().contains("task"));
    while hgview
        .output
        .recv_timeout(Duration::from_millis(700))
        .map(|(_, bytes)| hgview.feed(&bytes))
        .is_ok()
    {}
    for (name, key, times) in script {
        let (mut frames, mut settled) = (Vec::new(), Vec::new());
        let mut bytes = 0;
        for _ in 0..*times {
            if let Some((frame, last, len)) = hgview.press(key) {
                frames.push(frame.as_secs_f64() * 1e3);
                settled.push(last.as_secs_f64() * 1e3);
                bytes += len;
            }
        }
        if frames.is_empty() {
            println!("| {what}: {name} | nothing changes | | |");
            continue;
        }
        println!(
            "| {what}: {name}, {} keys | frame p50 {:.1} ms, p99 {:.1} ms | coloured p50 {:.1} ms, p99 {:.1} ms | {} bytes |",
            frames.len(),
            share(&mut frames, 0.5),
            share(&mut frames, 0.99),
            share(&mut settled, 0.5),
            share(&mut settled, 0.99),
            bytes / frames.len()
        );
    }
    println!("| {what}: memory | {:.0} MB | | |", hgview.peak_mb());
    hgview.end();
}

fn main() {
    let is_quick = std::env::args().any(|arg| arg == "--quick");
    let folder = std::env::temp_dir().join("hgview-bench");
    std::fs::create_dir_all(&folder).expect("a folder for the data");
    let size = if is_quick { 100 << 20 } else { 1 << 30 };
    println!("| what | hgview | beside | ratio |\n|---|---|---|---|");
    first_screen(
        &data(&folder, &format!("rows-{size}.jsonl"), Wanted::Bytes(size)),
        if is_quick { 3 } else { 5 },
    );
    let presses = if is_quick { 30 } else { 200 };
    let script: &[(&str, &[u8], usize)] = &[
        ("next step", b"j", presses),
        ("previous step", b"k", presses),
        ("half a page of steps", b"\x04", presses / 4),
        ("last step", b"G", 1),
        ("first step", b"g", 1),
    ];
    keys(
        &data(&folder, "long.jsonl", Wanted::Steps(5000)),
        "5,000 steps",
        script,
    );
    let script: &[(&str, &[u8], usize)] = &[
        ("to the step", b"23j", 1),
        ("to the page", b"\t", 1),
        ("open all folds", b"zR", 1),
        ("scroll a line", b"j", presses),
        ("scroll a page", b"\x1b[6~", presses / 2),
        ("the end", b"G", 1),
        ("the start", b"g", 1),
    ];
    keys(
        &data(&folder, "wide.jsonl", Wanted::Observation(50 << 20)),
        "50 MB observation",
        script,
    );
}
