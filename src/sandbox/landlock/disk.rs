//! Watches how large a private folder grows: nothing bounds it where there is no quota.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::Weak;
use std::sync::mpsc;
use std::sync::mpsc::RecvTimeoutError;
use std::sync::mpsc::Sender;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use walkdir::WalkDir;

use crate::sandbox::Limits;
use crate::sandbox::landlock::private::Private;
use crate::sandbox::landlock::process::Started;
use crate::sandbox::landlock::process::Told;
use crate::sandbox::landlock::process::lock;

/// How often it is looked at, at most; looking may take a twentieth of the time.
const TURN: Duration = Duration::from_millis(200);

/// A watch; it ends with the value.
pub(super) struct Watch {
    told: Told,
    running: Arc<Mutex<Vec<Weak<Mutex<Started>>>>>,
    _until: Sender<()>,
}

impl Watch {
    /// Over a folder, which may grow by so much.
    pub(super) fn new(private: &Private, limits: &Limits) -> Self {
        let (bytes, files) = private.began_with();
        let most = (
            bytes.saturating_add(limits.disk),
            files.saturating_add(limits.inodes),
        );
        let (until, ended) = mpsc::channel::<()>();
        let told = Told::default();
        let running = Arc::new(Mutex::new(Vec::<Weak<Mutex<Started>>>::new()));
        let folder = private.folder().to_owned();
        let (tell, all) = (Arc::clone(&told), Arc::clone(&running));
        thread::spawn(move || {
            let mut turn = TURN;
            while ended.recv_timeout(turn) == Err(RecvTimeoutError::Timeout) {
                let since = Instant::now();
                if let Some(why) = reached(&folder, most) {
                    *lock(&tell) = Some(why);
                    for started in lock(&all).iter().filter_map(Weak::upgrade) {
                        lock(&started).end();
                    }
                    return;
                }
                turn = TURN.max(since.elapsed() * 20);
            }
        });
        Self {
            told,
            running,
            _until: until,
        }
    }

    /// A process that is ended when there is too much.
    pub(super) fn add(&self, started: &Arc<Mutex<Started>>) {
        let mut running = lock(&self.running);
        running.retain(|known| known.strong_count() > 0);
        running.push(Arc::downgrade(started));
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

fn reached(folder: &Path, (most_bytes, most_files): (u64, u64)) -> Option<String> {
    let (mut bytes, mut files) = (0_u64, 0_u64);
    for entry in WalkDir::new(folder).into_iter().filter_map(Result::ok) {
        files += 1;
        // what a file takes, not what it says: holes are free
        bytes += entry.metadata().map_or(0, |meta| meta.blocks() * 512);
        if bytes > most_bytes {
            return Some("its folders grew beyond their bound on disk".to_owned());
        }
        if files > most_files {
            return Some("it made more files than it may".to_owned());
        }
    }
    None
}
