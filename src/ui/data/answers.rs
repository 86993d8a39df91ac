//! Queries over what is loaded: asked off the UI thread, and answers kept for as long as what they were made from is
//! the same. Typing, sorting and counting ask again and again; only what changed is read anew.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

use rayon::iter::IntoParallelRefIterator as _;
use rayon::iter::ParallelIterator as _;

use crate::cancel::Cancel;
use crate::model::RecordIx;
use crate::model::Text;
use crate::query::Cost;
use crate::query::sort::Verdicts;
use crate::replay::results::Brief;
use crate::select::Known;
use crate::select::Needs;
use crate::select::Said;
use crate::select::Selector;
use crate::select::Sources;
use crate::store::Store;
use crate::ui::data::Marks;
use crate::ui::data::Rows;
use crate::ui::data::desk::Voices;

/// Records that are asked at once.
const BATCH: usize = 64;
/// How often it is told what was taken so far.
const PACE: Duration = Duration::from_millis(150);

/// What arranging may read from, and what queries answered before.
pub struct Backing<'a> {
    /// The inputs.
    pub store: &'a Store,
    /// What queries answered before.
    pub answers: &'a Answers,
    /// By which state of the side files records are judged.
    pub judging: u64,
}

/// What queries answered, by their words; the last few queries.
#[derive(Debug, Default)]
pub struct Answers(Mutex<VecDeque<(String, Arc<Kept>)>>);

type Kept = Mutex<Vec<Option<Answer>>>;

/// What a record answered, and what that was made from.
#[derive(Debug, Clone)]
struct Answer {
    is_taken: bool,
    version: u32,
    /// Where the query asks what people say.
    voices: Option<Arc<Voices>>,
    /// Where the query asks for verdicts.
    verdicts: Option<Verdicts>,
    /// Where the query asks for replays.
    replayed: Option<Brief>,
    judging: u64,
}

impl Answers {
    const QUERIES: usize = 16;

    fn of(&self, selector: &Selector) -> Arc<Kept> {
        let mut all = lock(&self.0);
        if let Some((_, kept)) = all.iter().find(|(text, _)| text == selector.text()) {
            return Arc::clone(kept);
        }
        if all.len() == Self::QUERIES {
            all.pop_front();
        }
        let kept = Arc::new(Kept::default());
        all.push_back((selector.text().to_owned(), Arc::clone(&kept)));
        kept
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Everything that asking needs.
pub(super) struct Asking<'a> {
    pub(super) rows: &'a Rows,
    pub(super) backing: &'a Backing<'a>,
    pub(super) me: &'a Text,
    pub(super) cancel: &'a Cancel,
}

impl Asking<'_> {
    /// The records of a list that a query takes, in the order of the list; `None` when cancelled. What is not summarised
    /// or, where the query asks for verdicts, judged yet is left out: it is asked once it is. `tell` gets what was taken
    /// so far, and how many records were asked.
    pub(super) fn taken(
        &self,
        selector: &Selector,
        list: &[u32],
        tell: &mut dyn FnMut(&[u32], usize),
    ) -> Option<Vec<u32>> {
        let needs = selector.needs();
        let kept = self.backing.answers.of(selector);
        let mut taken = Vec::new();
        let mut told = Instant::now();
        for (nth, batch) in list.chunks(BATCH).enumerate() {
            if self.cancel.is_cancelled() {
                return None;
            }
            let ask = |ix: &u32| self.answer(selector, needs, &kept, RecordIx(*ix as usize));
            // a thread for each is worth it only where something is read
            let found: Vec<bool> = if needs.cost == Cost::Summary {
                batch.iter().map(ask).collect()
            } else {
                batch.par_iter().map(ask).collect()
            };
            taken.extend(
                batch
                    .iter()
                    .zip(found)
                    .filter(|(_, is_taken)| *is_taken)
                    .map(|(ix, _)| *ix),
            );
            if told.elapsed() >= PACE {
                told = Instant::now();
                tell(&taken, nth * BATCH + batch.len());
            }
        }
        (!self.cancel.is_cancelled()).then_some(taken)
    }

    fn answer(&self, selector: &Selector, needs: Needs, kept: &Kept, ix: RecordIx) -> bool {
        let Some(summary) = self.rows.get(ix) else {
            return false;
        };
        let version = self.rows.version(ix);
        let marks = self.rows.marks(ix).map(Marks::verdicts);
        let verdicts = marks.filter(|_| needs.verdicts);
        if needs.verdicts && verdicts.is_none() && summary.fault.is_none() {
            return false;
        }
        // a replay is known by the record's content
        if needs.replays && self.rows.hashes().get(ix).is_none() && summary.fault.is_none() {
            return false;
        }
        let replayed = self.rows.replayed(ix).filter(|_| needs.replays);
        let voices = self.rows.voices(ix).filter(|_| needs.people);
        let is_same = |answer: &&Answer| {
            let is_voice = match (&answer.voices, voices) {
                (None, None) => true,
                (Some(a), Some(b)) => Arc::ptr_eq(a, b) || a == b,
                _ => false,
            };
            is_voice
                && answer.version == version
                && answer.verdicts == verdicts
                && answer.replayed.as_ref() == replayed
                && answer.judging == self.backing.judging
        };
        if let Some(Some(answer)) = lock(kept)
            .get(ix.0)
            .map(|slot| slot.as_ref().filter(is_same))
        {
            return answer.is_taken;
        }
        let sources = Sources {
            store: self.backing.store,
            people: None,
            // what is not judged yet is not asked
            cache: None,
            program: None,
        };
        let known = Known {
            summary: Some(&summary),
            head: None,
            verdicts,
            said: Some(self.said(voices.map(Arc::as_ref))),
            replayed,
        };
        let is_taken = selector.admits(ix, &sources, known, self.cancel);
        if self.cancel.is_cancelled() {
            return false;
        }
        let mut kept = lock(kept);
        if kept.len() <= ix.0 {
            kept.resize(ix.0 + 1, None);
        }
        if let Some(slot) = kept.get_mut(ix.0) {
            *slot = Some(Answer {
                is_taken,
                version,
                voices: voices.cloned(),
                verdicts,
                replayed: replayed.cloned(),
                judging: self.backing.judging,
            });
        }
        is_taken
    }

    fn said<'v>(&'v self, voices: Option<&'v Voices>) -> Said<'v> {
        let Some(voices) = voices else {
            return Said {
                me: self.me,
                ..Said::default()
            };
        };
        let others = voices.others.iter().map(|(name, state)| (name, state));
        let mine = voices.mine.as_ref().map(|state| (self.me, state));
        Said {
            states: mine.into_iter().chain(others).collect(),
            me: self.me,
            is_stale: voices.is_stale,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ContentHash;
    use crate::model::Summary;
    use crate::model::Verdict;
    use crate::review::Choice;
    use crate::review::State;
    use crate::store::OpenOptions;
    use crate::ui::data::desk::Hashes;

    fn rows(steps: &[usize]) -> Rows {
        let mut rows = Rows::default();
        rows.grow(steps.len() + 1);
        for (ix, steps) in steps.iter().enumerate() {
            let row = Summary {
                steps: *steps,
                ..Summary::default()
            };
            rows.set(RecordIx(ix), row);
        }
        rows
    }

    #[track_caller]
    fn check(rows: &Rows, answers: &Answers, query: &str, want: &[u32]) {
        let file = tempfile::NamedTempFile::new().unwrap();
        let store = Store::open(&OpenOptions {
            paths: vec![file.path().to_path_buf()],
            ..OpenOptions::default()
        });
        let backing = Backing {
            store: &store.unwrap(),
            answers,
            judging: 0,
        };
        let asking = Asking {
            rows,
            backing: &backing,
            me: &"ada".into(),
            cancel: &Cancel::new(),
        };
        let selector = Selector::parse(query).unwrap();
        let count = u32::try_from(rows.len()).unwrap();
        let all: Vec<u32> = (0..count).collect();
        let taken = asking.taken(&selector, &all, &mut |_, _| {});
        assert_eq!(taken.as_deref(), Some(want), "{query}");
    }

    #[test]
    fn answers_last_as_long_as_what_they_were_made_from() {
        let answers = Answers::default();
        let mut rows = rows(&[1, 5, 9]);
        // the last row is not summarised: it has no answer yet
        check(&rows, &answers, "steps > 4", &[1, 2]);
        check(&rows, &answers, "not fault", &[0, 1, 2]);
        let longer = Summary {
            steps: 7,
            ..Summary::default()
        };
        rows.set(RecordIx(0), longer.clone());
        rows.set(RecordIx(3), longer);
        check(&rows, &answers, "steps > 4", &[0, 1, 2, 3]);
        // nothing is judged here, only waited for
        check(&rows, &answers, "strict = reject", &[]);
        let marks = Marks {
            published: Verdict::Accept,
            strict: Verdict::Reject,
            is_flagged: false,
        };
        rows.set_marks(RecordIx(2), marks);
        check(&rows, &answers, "strict = reject", &[2]);
        check(&rows, &answers, "not decision", &[0, 1, 2, 3]);
        let voices = Voices {
            mine: Some(State {
                decision: Some(Choice::Skip),
                ..State::default()
            }),
            ..Voices::default()
        };
        rows.set_voices(RecordIx(1), Some(Arc::new(voices)));
        check(&rows, &answers, "not decision", &[0, 2, 3]);
        rows.set_voices(RecordIx(1), None);
        check(&rows, &answers, "not decision", &[0, 1, 2, 3]);
    }

    #[test]
    fn a_replay_is_known_as_soon_as_it_is_told() {
        let answers = Answers::default();
        let mut rows = rows(&[1, 5, 9]);
        let mut hashes = Hashes::default();
        hashes.set(RecordIx(0), Some(ContentHash::of(b"a")));
        hashes.set(RecordIx(1), Some(ContentHash::of(b"b")));
        rows = rows.with(hashes);
        // the third record's content is not known: neither is whether it was replayed
        check(&rows, &answers, "replay.reproduced", &[]);
        check(&rows, &answers, "not replay.reproduced", &[0, 1]);
        let brief = |first_divergence: Option<usize>| Brief {
            is_reproduced: first_divergence.is_none(),
            first_divergence,
            calls: 3,
            matched: Some(0.5),
            patch: None,
            verified: None,
            is_flaky: false,
            has_error: false,
        };
        rows.add_replay(ContentHash::of(b"b"), brief(None));
        check(&rows, &answers, "replay.reproduced", &[1]);
        rows.add_replay(ContentHash::of(b"b"), brief(Some(4)));
        check(&rows, &answers, "replay.reproduced", &[]);
        check(&rows, &answers, "replay.divergence < 5", &[1]);
    }
}
