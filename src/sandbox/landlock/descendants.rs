//! The processes below one of our own, read from `/proc`: how many, how large, and their end.

use std::collections::HashMap;
use std::fs;
use std::thread;
use std::time::Duration;

use rustix::process::Pid;
use rustix::process::Signal;
use rustix::process::WaitOptions;
use rustix::process::kill_process;
use rustix::process::wait;

/// A process as `/proc` tells it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Relative {
    pub(super) pid: i32,
    pub(super) session: i32,
    pub(super) is_dead: bool,
}

/// What the kernel says of a process: its state, parent and session.
fn look(pid: i32) -> Option<(Relative, i32)> {
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    // the name before may hold anything, brackets and blanks too
    let after = stat.get(memchr::memrchr(b')', &stat)? + 1..)?;
    let mut fields = std::str::from_utf8(after).ok()?.split_ascii_whitespace();
    let state = fields.next()?;
    let parent: i32 = fields.next()?.parse().ok()?;
    let session: i32 = fields.nth(1)?.parse().ok()?;
    let relative = Relative {
        pid,
        session,
        is_dead: matches!(state, "Z" | "X"),
    };
    Some((relative, parent))
}

/// All processes below this one; those that lost their parents are ours, since we adopt them.
pub(super) fn of_us() -> Vec<Relative> {
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = all.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let mut children: HashMap<i32, Vec<Relative>> = HashMap::new();
    for (relative, parent) in numbers.filter_map(look) {
        children.entry(parent).or_default().push(relative);
    }
    let mut found = Vec::new();
    let mut open = vec![std::process::id().cast_signed()];
    while let Some(parent) = open.pop() {
        let below = children.remove(&parent).unwrap_or_default();
        open.extend(below.iter().map(|relative| relative.pid));
        found.extend(below);
    }
    found
}

/// The threads of these processes, and the bytes of memory that they hold.
pub(super) fn measure(all: &[Relative]) -> (u64, u64) {
    let page = rustix::param::page_size() as u64;
    let mut sum = (0, 0);
    for relative in all.iter().filter(|relative| !relative.is_dead) {
        let place = format!("/proc/{}", relative.pid);
        let threads = fs::read_dir(format!("{place}/task")).map_or(1, Iterator::count);
        let pages = fs::read_to_string(format!("{place}/statm"))
            .ok()
            .and_then(|text| text.split_ascii_whitespace().nth(1)?.parse::<u64>().ok());
        sum.0 += threads as u64;
        sum.1 += pages.unwrap_or(0) * page;
    }
    sum
}

/// Kills a process and whatever is of its session.
pub(super) fn kill_session(leader: i32) {
    for relative in of_us() {
        if relative.pid == leader || relative.session == leader {
            kill(relative);
        }
    }
}

/// Kills everything below us, until nobody is left. `is_ours` are not waited for here: their ends are told elsewhere.
pub(super) fn kill_all() {
    /// What is killed leaves its children to us, and may have made more.
    const ROUNDS: usize = 2_000;
    const PAUSE: Duration = Duration::from_millis(2);

    for _ in 0..ROUNDS {
        let all = of_us();
        for relative in all.iter().filter(|relative| !relative.is_dead) {
            kill(*relative);
        }
        while matches!(wait(WaitOptions::NOHANG), Ok(Some(_))) {}
        if all.is_empty() {
            return;
        }
        thread::sleep(PAUSE);
    }
}

fn kill(relative: Relative) {
    if let Some(pid) = Pid::from_raw(relative.pid) {
        // it fails where it is dead already
        let _gone = kill_process(pid, Signal::KILL);
    }
}
