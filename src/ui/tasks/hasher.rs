//! Hashes records that somebody decided on before they were judged: in the order asked for, none left out.

use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::sync::Arc;
use std::sync::mpsc;
use std::sync::mpsc::Sender;

use crate::model::Fault;
use crate::model::RecordIx;
use crate::ui::event::Notice;
use crate::ui::tasks::Env;

/// The thread that hashes.
#[derive(Debug)]
pub(super) struct Hasher {
    wanted: Sender<Vec<RecordIx>>,
}

impl Hasher {
    /// Starts the thread; it answers for each record through `say`, and ends with the last hasher.
    pub(super) fn new(env: &Arc<Env>, say: impl Fn(Notice) + Send + 'static) -> Self {
        let (wanted, asked) = mpsc::channel::<Vec<RecordIx>>();
        let env = Arc::clone(env);
        std::thread::spawn(move || {
            for ix in asked.into_iter().flatten() {
                let hash = catch_unwind(AssertUnwindSafe(|| env.store.content_hash(ix)));
                let failed = |_| Err(Fault::new("reading it failed inside hgview"));
                say(Notice::Hashed(ix, hash.unwrap_or_else(failed)));
            }
        });
        Self { wanted }
    }

    /// Takes records to hash; returns at once.
    pub(super) fn submit(&self, ixs: Vec<RecordIx>) {
        // the thread ends only with us
        let _sent = self.wanted.send(ixs);
    }
}
