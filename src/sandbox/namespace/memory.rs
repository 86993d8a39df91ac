//! Watches the memory of all processes of a sandbox together: the kernel bounds that of each, and of all only in a control
//! group, which a user without rights has not.
//!
//! The first process looks again and again, and kills the largest until the rest fits, as the kernel would. What no process
//! has mapped (files in memory that are only open, bytes on their way) is not seen.

use std::fs;
use std::time::Duration;
use std::time::Instant;

use rustix::process::Pid;
use rustix::process::Signal;

/// How often it looks, at most; looking may take a twentieth of the time.
pub(super) const TURN: Duration = Duration::from_millis(100);

/// A watch over everything but the first process.
#[derive(Debug)]
pub(super) struct Watch {
    most: u64,
    next: Instant,
}

impl Watch {
    /// Over processes that may have so many bytes together.
    pub(super) fn new(most: u64) -> Self {
        Self {
            most,
            next: Instant::now(),
        }
    }

    /// How long until it is to look again.
    pub(super) fn left(&self) -> Duration {
        self.next.saturating_duration_since(Instant::now())
    }

    /// Looks, if it is time, and kills what is too much.
    pub(super) fn look(&mut self) {
        let began = Instant::now();
        if began < self.next {
            return;
        }
        let all = others();
        // what several have in common is counted for each of them here: it is dear to tell apart
        if all.iter().map(|pid| resident(*pid)).sum::<u64>() > self.most {
            let mut sizes: Vec<(u64, Pid)> = all.iter().map(|pid| (share(*pid), *pid)).collect();
            for pid in too_much(&mut sizes, self.most) {
                // it may have died meanwhile; its number is not given again before we bury it
                rustix::process::kill_process(pid, Signal::KILL).ok();
            }
        }
        self.next = Instant::now() + TURN.max(began.elapsed() * 20);
    }
}

/// The largest, until the others have no more than `most` bytes.
fn too_much(sizes: &mut [(u64, Pid)], most: u64) -> Vec<Pid> {
    sizes.sort_unstable_by_key(|(size, pid)| (std::cmp::Reverse(*size), pid.as_raw_nonzero()));
    let mut sum: u64 = sizes.iter().map(|(size, _)| size).sum();
    let mut found = Vec::new();
    for (size, pid) in sizes {
        if sum <= most {
            break;
        }
        sum -= *size;
        found.push(*pid);
    }
    found
}

/// Every process of the sandbox but this one.
fn others() -> Vec<Pid> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(Pid::from_raw)
        .filter(|pid| !pid.is_init())
        .collect()
}

/// The bytes of memory that a process holds.
fn resident(pid: Pid) -> u64 {
    let text = fs::read_to_string(format!("/proc/{}/statm", pid.as_raw_nonzero()));
    let pages = text
        .ok()
        .and_then(|text| text.split_ascii_whitespace().nth(1)?.parse::<u64>().ok());
    pages
        .unwrap_or(0)
        .saturating_mul(rustix::param::page_size() as u64)
}

/// The same, with its share only of what it has in common with others. One that hides this is counted whole.
fn share(pid: Pid) -> u64 {
    let text = fs::read_to_string(format!("/proc/{}/smaps_rollup", pid.as_raw_nonzero()));
    text.ok()
        .and_then(|text| share_in(&text))
        .unwrap_or_else(|| resident(pid))
}

fn share_in(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes << 10)
}

#[cfg(test)]
mod tests {
    use rustix::process::Pid;

    use crate::sandbox::namespace::memory::share_in;
    use crate::sandbox::namespace::memory::too_much;

    #[track_caller]
    fn check(sizes: &[u64], most: u64, expected: &[i32]) {
        let pids = (2..).filter_map(Pid::from_raw);
        let mut sizes: Vec<(u64, Pid)> = sizes.iter().copied().zip(pids).collect();
        let found = too_much(&mut sizes, most);
        let found: Vec<i32> = found.iter().map(|pid| pid.as_raw_nonzero().get()).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn the_largest_go_until_the_rest_fits() {
        check(&[], 0, &[]);
        check(&[1, 2, 3], 6, &[]);
        check(&[1, 3, 2], 5, &[3]);
        check(&[1, 3, 2], 2, &[3, 4]);
        check(&[5, 5], 0, &[2, 3]);
    }

    #[test]
    fn a_share_is_read_as_the_kernel_writes_it() {
        let text = "55d-7ff ---p 00000000 00:00 0 [rollup]\nRss:  900 kB\nPss:     \t 812 kB\nPss_Anon: 1 kB\n";
        assert_eq!(share_in(text), Some(812 << 10));
        assert_eq!(share_in("Rss: 1 kB\n"), None);
    }
}
