//! Watches how large a container grows and how long it lives: few engines bound the one, none the other.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::mpsc;
use std::sync::mpsc::RecvTimeoutError;
use std::sync::mpsc::Sender;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use crate::sandbox::Limits;
use crate::sandbox::engine::container::Container;

/// How often it is looked at, at most; looking may take a twentieth of the time.
const TURN: Duration = Duration::from_secs(1);

/// Why the sandbox was ended.
pub(super) type Told = Arc<Mutex<Option<String>>>;

/// What is told so far; whoever panicked with it left it whole.
pub(super) fn lock(told: &Told) -> MutexGuard<'_, Option<String>> {
    told.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A watch; it ends with the value.
pub(super) struct Watch {
    told: Told,
    _until: Sender<()>,
}

impl Watch {
    /// Over a container in which so many bytes and files were written for its beginning.
    pub(super) fn new(
        container: &Arc<Container>,
        limits: &Limits,
        (bytes, files): (u64, u64),
    ) -> Self {
        let (until, ended) = mpsc::channel::<()>();
        let told = Told::default();
        let (tell, container, limits) = (Arc::clone(&told), Arc::downgrade(container), *limits);
        thread::spawn(move || {
            let (since, mut turn) = (Instant::now(), TURN);
            let most = bytes.saturating_add(limits.disk);
            let most_files = files.saturating_add(limits.inodes);
            loop {
                let left = limits.wall.saturating_sub(since.elapsed());
                if ended.recv_timeout(turn.min(left)) != Err(RecvTimeoutError::Timeout) {
                    return;
                }
                let Some(container) = container.upgrade() else {
                    return;
                };
                let looked = Instant::now();
                let is_large = || container.sizes().is_ok_and(|(written, _)| written > most);
                let is_much = || {
                    container
                        .changes()
                        .is_ok_and(|all| all.len() as u64 > most_files)
                };
                let why = if since.elapsed() >= limits.wall {
                    "its time was over"
                } else if is_large() {
                    "it wrote more than its bound on disk"
                } else if is_much() {
                    "it made more files than it may"
                } else {
                    turn = TURN.max(looked.elapsed() * 20);
                    continue;
                };
                *lock(&tell) = Some(why.to_owned());
                container.remove();
                return;
            }
        });
        Self {
            told,
            _until: until,
        }
    }

    /// Why it ended the sandbox, if it has.
    pub(super) fn reached(&self) -> Option<String> {
        lock(&self.told).clone()
    }

    /// Where it says so.
    pub(super) fn told(&self) -> Told {
        Arc::clone(&self.told)
    }
}
