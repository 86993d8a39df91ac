//! The real program on a terminal, driven by random keys: its memory, its open files and its frames stay what they are.
//!
//! The short form is part of the suite. The long one takes its time, in seconds, from the environment and prints what it
//! measured: `HGVIEW_SOAK_SECS=3600 cargo test --release --test it -- --ignored --nocapture soak::for_hours`. It shares
//! that among its sets of files, or those that `HGVIEW_SOAK_SETS` names (`samples,hostile,corpus,all of it`). Where a
//! frame takes long, `HGVIEW_SOAK_STACK="eu-stack -1 -p"`, called with the process, prints what it is at.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;
use std::time::Instant;

use hgview::ui::command::COMMANDS;
use hgview::ui::command::Group;

use crate::dice::Dice;
use crate::program::chat_row;
use crate::program::sample;
use crate::program::shared;
use crate::pty::Pty;
use crate::pty::Seen;
use crate::pty::Stage;

/// What begins and ends a frame.
const FRAME_START: &[u8] = b"\x1b[?2026h";
const FRAME_END: &[u8] = b"\x1b[?2026l";
/// How long the thread that draws may be busy without looking for a key. Nothing of the wall clock: other programs may
/// run, too.
const BUSY: Duration = Duration::from_millis(if cfg!(debug_assertions) { 1000 } else { 100 });
/// How much memory may be there at the end that was not there in the middle.
const GROWTH_KB: u64 = 24 << 10;
/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often is looked at memory and open files.
const EVERY: Duration = Duration::from_secs(10);
/// Before that the program is left alone for so long: it hands back what it does not need, as it does while a person
/// reads.
const PAUSE: Duration = Duration::from_millis(1500);

/// Commands that end the program, leave it, or run recorded commands.
const LEFT_OUT: [&str; 4] = ["back", "quit", "suspend", "replay"];

/// What a terminal sends for the keys of a chord.
fn sent(chord: &str) -> String {
    let key = |name: &str| match name {
        "↑" => "\x1b[A".to_owned(),
        "↓" => "\x1b[B".to_owned(),
        "→" => "\x1b[C".to_owned(),
        "←" => "\x1b[D".to_owned(),
        "Home" => "\x1b[H".to_owned(),
        "End" => "\x1b[F".to_owned(),
        "PgUp" => "\x1b[5~".to_owned(),
        "PgDn" => "\x1b[6~".to_owned(),
        "BackTab" => "\x1b[Z".to_owned(),
        "Backspace" => "\x7f".to_owned(),
        "Enter" => "\r".to_owned(),
        "Esc" => "\x1b".to_owned(),
        "Tab" => "\t".to_owned(),
        "Space" => " ".to_owned(),
        name => match name.strip_prefix("Ctrl-") {
            Some(letter) => char::from(letter.as_bytes()[0] & 0x1f).to_string(),
            None => name.to_owned(),
        },
    };
    chord.split(' ').map(key).collect()
}

/// Chords by how often they are pressed: who moves a lot sees a lot.
fn chords() -> Vec<String> {
    let mut all = Vec::new();
    for command in COMMANDS {
        let is_left_out = |left: &&str| command.name.split('-').next() == Some(left);
        if LEFT_OUT.iter().any(is_left_out) {
            continue;
        }
        let weight = match command.group {
            Group::Move | Group::Go => 12,
            Group::Show | Group::Find => 4,
            Group::Program if matches!(command.name, "open" | "escape" | "next-pane") => 16,
            Group::Decide | Group::Program => 2,
            Group::Take => 1,
        };
        for chord in command.keys {
            all.extend(std::iter::repeat_n(sent(chord), weight));
        }
    }
    all
}

/// Something that a person might do, and things that nobody would.
fn deed(pty: &Pty, dice: &mut Dice, chords: &[String]) -> String {
    const TEXT: &[u8] = b"abcdefgit m0.*(\"=<>";
    let sent = match dice.throw(40) {
        0 => {
            let letters = (0..dice.throw(8)).map(|_| char::from(*dice.of(TEXT)));
            let text: String = letters.collect();
            format!("{text}\r")
        }
        1 => {
            let (x, y) = (1 + dice.throw(210), 1 + dice.throw(60));
            let button = [0, 64, 65][dice.throw(3)];
            format!("\x1b[<{button};{x};{y}M\x1b[<{button};{x};{y}m")
        }
        2 => "\x1b[200~pasted\ntext\u{202e}\x1b[31m\x1b[201~".to_owned(),
        3 => (1 + dice.throw(30)).to_string(),
        4 => char::from(b' ' + u8::try_from(dice.throw(95)).unwrap()).to_string(),
        5 if dice.throw(4) == 0 => {
            const SIZES: [(usize, usize); 6] = [
                (80, 24),
                (100, 30),
                (120, 40),
                (200, 50),
                (60, 15),
                (220, 60),
            ];
            let any = (1 + dice.throw(220), 1 + dice.throw(60));
            let (width, height) = if dice.throw(4) == 0 {
                any
            } else {
                *dice.of(&SIZES)
            };
            pty.resize(width.try_into().unwrap(), height.try_into().unwrap());
            return String::new();
        }
        _ => dice.of(chords).clone(),
    };
    // these would end it or run recorded commands in a sandbox that then stays, wherever they come from
    let sent = sent.replace(['q', '\x03', '\x1a', '!', 'r'], "j");
    // in the box of all commands a few letters and Enter may mean any of them, those that are left out, too
    let sent = sent.replace(':', ":ta\x1b");
    pty.keys(&sent);
    sent
}

/// A process, as the system sees it.
#[derive(Debug, Clone, Copy)]
struct Vitals {
    /// Memory of its own: pages of mapped files are not in it.
    own_kb: u64,
    all_kb: u64,
    files: usize,
    threads: usize,
}

fn vitals(pid: u32) -> Option<Vitals> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let number = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse().ok()
    };
    Some(Vitals {
        own_kb: number("RssAnon:")?,
        all_kb: number("VmRSS:")?,
        files: fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count(),
        threads: usize::try_from(number("Threads:")?).ok()?,
    })
}

/// How long the first thread of a process, which draws, has been running.
fn drawing_time(pid: u32) -> Option<Duration> {
    let times = fs::read_to_string(format!("/proc/{pid}/task/{pid}/schedstat")).ok()?;
    let nanos = times.split_whitespace().next()?.parse().ok()?;
    Some(Duration::from_nanos(nanos))
}

/// How often that thread has waited for something: between two such waits it keeps whatever comes waiting.
fn drawing_waits(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/task/{pid}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
    line.trim().parse().ok()
}

/// Whether a thread of a process runs or waits for a processor: it may be on its way to a frame.
fn is_at_work(pid: u32) -> bool {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return false;
    };
    let runs = |thread: fs::DirEntry| {
        let stat = fs::read_to_string(thread.path().join("stat")).ok()?;
        // the state comes behind the name, which may hold anything
        let (_, rest) = stat.rsplit_once(") ")?;
        Some(rest.starts_with('R'))
    };
    threads.flatten().any(|thread| runs(thread) == Some(true))
}

/// What frames cost since somebody looked last.
#[derive(Debug, Default)]
struct Frames {
    /// From the key to the end of the frame.
    waits: Vec<Duration>,
    /// Of the thread that draws.
    busy: Vec<Duration>,
    bytes: usize,
    keys: usize,
}

fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    let at = (times.len().saturating_sub(1)) * percent / 100;
    times.get(at).copied().unwrap_or_default()
}

impl Frames {
    fn line(&mut self, at: Duration, vitals: Vitals) -> String {
        let count = self.waits.len();
        let [p50, p99] = [50, 99].map(|percent| percentile(&mut self.waits, percent));
        let [busy50, busy99, busiest] = [50, 99, 100].map(|p| percentile(&mut self.busy, p));
        format!(
            "{:5} s  {:7} KB of its own, {:7} KB in all, {:3} files, {:3} threads; {} keys, {count} frames, {} bytes each, \
             waited {p50:.1?} p50 {p99:.1?} p99, busy {busy50:.1?} p50 {busy99:.1?} p99 {busiest:.1?} at most",
            at.as_secs(),
            vitals.own_kb,
            vitals.all_kb,
            vitals.files,
            vitals.threads,
            self.keys,
            self.bytes / count.max(1),
        )
    }
}

/// Whether a whole frame came; small ones come without marks.
fn has_frame(bytes: &[u8]) -> bool {
    let is_there = |mark: &[u8]| memchr::memmem::find(bytes, mark).is_some();
    is_there(FRAME_END) || (!bytes.is_empty() && !is_there(FRAME_START))
}

/// Prints what the thread that draws is at, by a program that the environment names.
fn print_stack(pid: u32) {
    let Ok(line) = std::env::var("HGVIEW_SOAK_STACK") else {
        return;
    };
    let mut words = line.split_whitespace();
    let program = words.next().expect("a program that prints stacks");
    let told = Command::new(program)
        .args(words)
        .arg(pid.to_string())
        .output();
    match told {
        Ok(told) => eprintln!("{}", String::from_utf8_lossy(&told.stdout)),
        Err(error) => eprintln!("{line}: {error}"),
    }
}

/// Does one thing and waits until it is drawn, or until the program rests without a new frame.
fn step(pty: &Pty, dice: &mut Dice, chords: &[String], frames: &mut Frames) -> String {
    const LOOK: Duration = Duration::from_millis(4);
    // a look that takes so long says that the machine stood still, as does a thread that ran for longer than the look
    // and a tick took: the clock of whoever has a processor goes on when that is taken away from the virtual machine
    const STILL: Duration = Duration::from_millis(250);
    const TICK: Duration = Duration::from_millis(20);
    // work that goes on for so many looks is none for this key
    const LOOKS: usize = 50;
    let mut last = drawing_time(pty.pid()).expect("it runs");
    drop(pty.take_bytes());
    let began = Instant::now();
    let typed = deed(pty, dice, chords);
    frames.keys += 1;
    // the longest, and the present stretch without a wait
    let (mut busy, mut stretch) = (Duration::ZERO, Duration::ZERO);
    let mut waits = drawing_waits(pty.pid());
    let mut is_printed = false;
    let mut looked = began;
    for nth in 0.. {
        let is_drawn = pty.is_soon(LOOK, |seen| has_frame(&seen.bytes));
        let now = drawing_time(pty.pid());
        let ran = now.unwrap_or(last).saturating_sub(last);
        let lasted = looked.elapsed();
        let waited = drawing_waits(pty.pid());
        if waited != waits {
            (stretch, waits) = (Duration::ZERO, waited);
        }
        if lasted < STILL && ran <= lasted + TICK {
            stretch += ran;
            busy = busy.max(stretch);
        }
        if is_drawn {
            frames.waits.push(began.elapsed());
            frames.bytes += pty.look(|seen| seen.bytes.len());
        }
        let rests = || ran.is_zero() && (nth > LOOKS || !is_at_work(pty.pid()));
        if is_drawn || rests() {
            break;
        }
        if !is_printed && busy > BUSY / 2 {
            is_printed = true;
            eprintln!("{typed:?} takes long:");
            print_stack(pty.pid());
        }
        last += ran;
        looked = Instant::now();
    }
    frames.busy.push(busy);
    typed
}

/// Drives the program over these files for so many keys or so long; prints what it saw when `is_told`.
#[track_caller]
fn soak(paths: &[PathBuf], seed: u64, keys: usize, time: Duration, is_told: bool) {
    let stage = Stage::new()
        .env("EDITOR", "true")
        .env("PAGER", "true")
        .env("HGVIEW_CLIPBOARD", "file");
    let reviews = stage.home().join("reviews");
    let mut args: Vec<&str> = paths.iter().map(|path| path.to_str().unwrap()).collect();
    // caches that are soon full: what grows after that is no cache
    args.extend(["--max-memory", "32M"]);
    args.extend(["--review-dir", reviews.to_str().unwrap()]);
    let pty = stage.run(&args);
    pty.wait("it starts", |seen| seen.screen().alternate_screen());
    let (mut dice, chords) = (Dice(seed), chords());
    let began = Instant::now();
    let mut looked = began;
    let mut frames = Frames::default();
    let mut all: Vec<Vitals> = Vec::new();
    let mut typed = String::new();
    let mut nth = 0;
    while nth < keys && began.elapsed() < time {
        let sent = step(&pty, &mut dice, &chords, &mut frames);
        if typed.len() > 4000 {
            typed.clear();
        }
        write!(typed, "{sent:?} ").unwrap();
        nth += 1;
        let busy = frames.busy.last().copied().unwrap_or_default();
        // an editor has the terminal for a moment
        let is_on = pty.is_soon(PATIENCE, |seen| seen.screen().alternate_screen());
        assert!(
            is_on && vitals(pty.pid()).is_some(),
            "it ended after {nth} keys: {typed}\n{}",
            pty.look(Seen::text)
        );
        if is_told && looked.elapsed() >= EVERY {
            let _never = pty.is_soon(PAUSE, |_| false);
            let vitals = vitals(pty.pid()).expect("it runs");
            eprintln!("{}", frames.line(began.elapsed(), vitals));
            all.push(vitals);
            frames = Frames::default();
            looked = Instant::now();
        }
        assert!(
            !is_told || busy <= BUSY,
            "a frame of {busy:?} after {typed}"
        );
    }
    if is_told {
        check_growth(&all);
    }
}

/// Memory and open files of the last quarter are not above those of the second one.
#[track_caller]
fn check_growth(seen: &[Vitals]) {
    let quarter = |nth: usize| &seen[seen.len() * nth / 4..seen.len() * (nth + 1) / 4];
    let (before, after) = (quarter(1), quarter(3));
    if before.is_empty() || after.is_empty() {
        return;
    }
    let mean = |of: &[Vitals]| of.iter().map(|v| v.own_kb).sum::<u64>() / of.len() as u64;
    let files = |of: &[Vitals]| of.iter().map(|v| v.files).min().unwrap_or_default();
    let (old, new) = (mean(before), mean(after));
    eprintln!("memory of its own: {old} KB in the second quarter, {new} KB in the last");
    assert!(
        new <= old + GROWTH_KB.max(old / 8),
        "memory grows: {old} KB, then {new} KB"
    );
    assert!(
        files(after) <= files(before) + 2,
        "open files grow: {seen:?}"
    );
}

/// Files of all kinds, those with faults and one with everything that a terminal must not get.
fn samples() -> Vec<PathBuf> {
    vec![PathBuf::from(sample(""))]
}

/// A trajectory of many steps, one of long lines, and one that is all escapes.
fn hostile(folder: &Path) -> Vec<PathBuf> {
    let long: Vec<String> = (0..3000).map(|nth| format!("echo {nth}")).collect();
    let long: Vec<&str> = long.iter().map(String::as_str).collect();
    let wide = "日本\u{202e}e\u{301}\u{1b}[31m👩\u{200d}👧\t".repeat(20_000);
    let escapes = "\u{1b}[2J\u{1b}]0;x\u{7}\u{9b}31m\r\u{8}".repeat(2_000);
    let rows = [
        chat_row("long", &long),
        chat_row("wide", &[wide.as_str(), "ls"]),
        chat_row("escapes", &[escapes.as_str(); 20]),
        "{\"instance_id\":\"torn\",\"messages\":[{\"role\"".to_owned(),
    ];
    let path = folder.join("hostile.jsonl");
    fs::write(&path, rows.concat()).unwrap();
    vec![path]
}

#[test]
fn every_key_of_the_table_can_be_typed() {
    for command in COMMANDS {
        for chord in command.keys {
            let typed = sent(chord);
            let is_plain = typed.is_ascii() && !typed.contains("Ctrl");
            assert!(
                is_plain,
                "{}: {chord:?} is typed as {typed:?}",
                command.name
            );
        }
    }
}

#[test]
fn random_keys_on_the_real_program() {
    let folder = tempfile::tempdir().unwrap();
    soak(&samples(), 1, 150, Duration::MAX, false);
    soak(&hostile(folder.path()), 2, 150, Duration::MAX, false);
}

#[test]
#[ignore = "takes as long as HGVIEW_SOAK_SECS says"]
fn for_hours() {
    let seconds = std::env::var("HGVIEW_SOAK_SECS").ok();
    let seconds = seconds.map_or(60, |seconds| seconds.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let mut sets = vec![("samples", samples()), ("hostile", hostile(folder.path()))];
    if let Some(shared) = shared() {
        sets.push(("corpus", vec![shared.join("corpus")]));
        let all = vec![shared.join("corpus"), PathBuf::from(sample(""))];
        sets.push(("all of it", all));
    }
    if let Ok(named) = std::env::var("HGVIEW_SOAK_SETS") {
        sets.retain(|(name, _)| named.split(',').any(|one| one == *name));
    }
    assert!(!sets.is_empty(), "there is no such set");
    let each = Duration::from_secs(seconds) / u32::try_from(sets.len()).unwrap();
    let seed = std::env::var("HGVIEW_SOAK_SEED").ok();
    let seed: u64 = seed.map_or(7, |seed| seed.parse().unwrap());
    for (nth, (name, paths)) in sets.iter().enumerate() {
        eprintln!("{name}, {} s:", each.as_secs());
        soak(paths, seed + nth as u64, usize::MAX, each, true);
    }
}
