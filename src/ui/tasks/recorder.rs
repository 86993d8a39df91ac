//! Reads the journals of decisions, and writes decisions down: a queue of its own that loses nothing, whatever else is
//! going on.

use std::collections::HashMap;
use std::collections::HashSet;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::thread::JoinHandle;
use std::time::Duration;
use std::time::Instant;

use crate::error::Error;
use crate::error::Result;
use crate::review::Claim;
use crate::review::Ledger;
use crate::review::Line;
use crate::review::Place;
use crate::review::Writer;
use crate::review::whole;
use crate::store::Store;
use crate::text::clean_line;
use crate::ui::data::desk::Journals;
use crate::ui::event::Notice;
use crate::ui::event::Tone;
use crate::ui::tasks::Env;

/// Where decisions are read from and written to.
#[derive(Debug)]
pub struct Journal {
    /// The inputs as they were named.
    pub inputs: Vec<PathBuf>,
    /// `--review-dir`.
    pub chosen: Option<PathBuf>,
    /// The data folder of hgview.
    pub data: PathBuf,
    /// The reviewer's name.
    pub reviewer: String,
    /// Made when the journals are read for the first time.
    writer: Mutex<Option<Writer>>,
    /// The files that were known when the journals were read last, by their whole paths.
    known: Mutex<HashSet<PathBuf>>,
    inbox: Inbox,
}

impl Journal {
    /// Knows where to look; touches no file.
    pub fn new(
        inputs: Vec<PathBuf>,
        chosen: Option<PathBuf>,
        data: PathBuf,
        reviewer: String,
    ) -> Self {
        Self {
            inputs,
            chosen,
            data,
            reviewer,
            writer: Mutex::default(),
            known: Mutex::default(),
            inbox: Inbox::default(),
        }
    }

    fn writer(&self) -> MutexGuard<'_, Option<Writer>> {
        // a writer mends what a failed write left before it goes on
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self) -> MutexGuard<'_, HashSet<PathBuf>> {
        // it is replaced as a whole
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the store found files since the journals were read last: others may have decided beside them.
    pub(super) fn has_new_files(&self, store: &Store) -> bool {
        let known = self.known();
        let mut files = store.files().into_iter();
        files.any(|file| file.as_os_str() != "-" && !known.contains(&whole(&file)))
    }

    /// Where decisions and results of the files that the store found so far are.
    ///
    /// # Errors
    /// *input* when the place cannot be told.
    pub(super) fn place(&self, store: &Store) -> Result<Place> {
        let place = Place::of(&self.inputs, self.chosen.as_deref(), &self.data)?;
        Ok(place.with_files(store.files()))
    }

    /// Reads all journals, those beside the files that the store found so far included.
    ///
    /// # Errors
    /// *input* when the place cannot be told.
    pub(super) fn read(&self, store: &Store) -> Result<Journals> {
        let files = store.files();
        let place = self.place(store)?;
        let inputs = self.inputs.iter().filter(|path| path.is_file());
        let wholes: HashMap<Arc<Path>, PathBuf> = files
            .into_iter()
            .chain(inputs.map(|path| Arc::from(path.as_path())))
            .filter(|file| file.as_os_str() != "-")
            .map(|file| {
                let whole = whole(&file);
                (file, whole)
            })
            .collect();
        *self.known() = wholes.values().cloned().collect();
        let ledger = Ledger::load(&place);
        let mut writer = self.writer();
        let writer = writer.get_or_insert_with(|| Writer::new(place.clone(), &self.reviewer));
        let read_only = match writer.claim() {
            Ok(Claim::Ours | Claim::Free) => None,
            Ok(Claim::Held(holder)) => {
                let who = holder.map_or_else(|| "another program".to_owned(), |h| h.to_string());
                let name = &self.reviewer;
                Some(format!(
                    "read-only: decisions of {name} are being written by {who}; --reviewer NAME is another reviewer"
                ))
            }
            Err(err) => Some(format!("read-only: {err}")),
        };
        Ok(Journals {
            ledger,
            place: Arc::new(place),
            read_only,
            wholes,
        })
    }

    /// Appends lines and syncs them; returns what the user should be told.
    ///
    /// # Errors
    /// See [`Writer::append`].
    pub(super) fn append(&self, lines: &[Line]) -> Result<Vec<String>> {
        let mut writer = self.writer();
        let writer = writer
            .as_mut()
            .ok_or_else(|| Error::internal("decisions before the journals were read"))?;
        Ok(writer.append(lines)?.notes)
    }

    /// Waits until everything is written, or cannot be, or the time is over; returns what is not on the disk.
    pub(super) fn finish(&self, patience: Duration) -> Vec<Line> {
        let until = Instant::now() + patience;
        let mut state = self.inbox.lock();
        while !state.waiting.is_empty() && !state.is_failing {
            let Some(left) = until.checked_duration_since(Instant::now()) else {
                break;
            };
            let waited = self.inbox.moved.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.waiting.clone()
    }

    /// [`Journal::append`] on this thread, with its answer.
    pub(super) fn write_down(&self, lines: &[Line], say: &mut dyn FnMut(Notice)) {
        match self.append(lines) {
            Ok(notes) => {
                for note in notes {
                    let text = clean_line(&note).into_owned();
                    say(Notice::Say(Tone::Warning, text));
                }
                say(Notice::Saved(lines.len()));
            }
            Err(err) => say(Notice::NotSaved(err.to_string())),
        }
    }
}

/// The thread that appends to the journal.
#[derive(Debug)]
pub(super) struct Recorder {
    env: Arc<Env>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Inbox {
    state: Mutex<State>,
    /// Something is to be done, or was done.
    moved: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Oldest first; those that are being written are still here.
    waiting: Vec<Line>,
    /// The last attempt failed.
    is_failing: bool,
    is_closed: bool,
}

impl Inbox {
    fn lock(&self) -> MutexGuard<'_, State> {
        // lines are added and removed whole
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Recorder {
    /// What failed is tried again after this.
    const AGAIN: Duration = Duration::from_secs(2);

    /// Starts the thread; it tells how it goes through `say`.
    pub(super) fn new(env: &Arc<Env>, say: impl Fn(Notice) + Send + 'static) -> Self {
        let shared = Arc::clone(env);
        let thread = std::thread::spawn(move || work(&shared.journal, &say));
        Self {
            env: Arc::clone(env),
            thread: Some(thread),
        }
    }

    /// Takes lines to write; returns at once.
    pub(super) fn submit(&self, lines: Vec<Line>) {
        let inbox = &self.env.journal.inbox;
        let mut state = inbox.lock();
        state.waiting.extend(lines);
        // whoever goes on deciding wants to know whether it works again
        state.is_failing = false;
        drop(state);
        inbox.moved.notify_all();
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        let inbox = &self.env.journal.inbox;
        inbox.lock().is_closed = true;
        inbox.moved.notify_all();
        if let Some(thread) = self.thread.take() {
            // a panic in there was told by the hook
            drop(thread.join());
        }
    }
}

fn work(journal: &Journal, say: &dyn Fn(Notice)) {
    let inbox = &journal.inbox;
    loop {
        let mut state = inbox.lock();
        let lines = loop {
            if !state.waiting.is_empty() && !state.is_failing {
                break state.waiting.clone();
            }
            if state.is_closed {
                return;
            }
            state = if state.is_failing {
                let waited = inbox.moved.wait_timeout(state, Recorder::AGAIN);
                let (mut state, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
                state.is_failing &= !timeout.timed_out();
                state
            } else {
                let waited = inbox.moved.wait(state);
                waited.unwrap_or_else(PoisonError::into_inner)
            };
        };
        drop(state);
        journal.write_down(&lines, &mut |notice| {
            let mut state = inbox.lock();
            match &notice {
                Notice::Saved(count) => drop(state.waiting.drain(..*count)),
                Notice::NotSaved(_) => state.is_failing = true,
                _ => {}
            }
            drop(state);
            inbox.moved.notify_all();
            say(notice);
        });
    }
}
