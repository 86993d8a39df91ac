//! Decisions that are made before the journals were read: each is kept with the record that was seen, and done as soon as
//! journals and content are known. What was decided before the program began stays as it is, since nobody saw it.

use crate::model::RecordIx;
use crate::review::Choice;
use crate::review::Seen;
use crate::review::State;
use crate::text::clean_line;
use crate::ui::app::App;
use crate::ui::data::desk::Closed;
use crate::ui::effect::Effect;
use crate::ui::event::Tone;

/// A decision that waits for the journals.
#[derive(Debug)]
pub(super) struct Early {
    /// The record that was shown when the key was pressed.
    ix: RecordIx,
    choice: Choice,
    /// What the filter had said by then.
    seen: Seen,
    secs: f64,
    /// Its content was asked for.
    is_asked: bool,
}

impl Early {
    /// Whether it is on this record.
    pub(super) fn is_about(&self, ix: RecordIx) -> bool {
        self.ix == ix
    }
}

impl App {
    /// Keeps a decision on a record; another one on the same record takes its place.
    pub(super) fn decide_early(&mut self, ix: RecordIx, choice: Choice, secs: f64) {
        let before = self.early.iter().position(|early| early.is_about(ix));
        let before = before.map_or(0.0, |at| self.early.remove(at).secs);
        self.early.push(Early {
            ix,
            choice,
            seen: self.seen(ix),
            secs: before + secs,
            is_asked: false,
        });
        let (name, word) = (self.short_name(ix), choice.name());
        let text = format!("{word} {name}: done as soon as the decisions are read");
        self.status.pass(Tone::Info, text);
    }

    /// Forgets what was decided early about a record, as it is another one now or cannot be read; says so.
    pub(super) fn drop_early(&mut self, ix: RecordIx, why: &str) {
        let Some(at) = self.early.iter().position(|early| early.is_about(ix)) else {
            return;
        };
        let early = self.early.remove(at);
        let (name, word) = (self.short_name(ix), early.choice.name());
        self.status
            .say(Tone::Error, format!("NOT DONE: {word} {name}: {why}"));
    }

    /// Does what was decided early, as far as it can be done by now.
    pub(super) fn catch_up_early(&mut self, effects: &mut Vec<Effect>) {
        match self.data.desk.closed() {
            _ if self.early.is_empty() => return,
            Some(Closed::Reading) => return,
            Some(Closed::ReadOnly(why)) => {
                let why = clean_line(why).into_owned();
                while let Some(ix) = self.early.first().map(|early| early.ix) {
                    self.drop_early(ix, &why);
                }
                return;
            }
            None => {}
        }
        let mut unknown = Vec::new();
        let mut done = None;
        for mut early in std::mem::take(&mut self.early) {
            let ix = early.ix;
            if self.data.desk.hash(ix).is_none() {
                if !std::mem::replace(&mut early.is_asked, true) {
                    unknown.push(ix);
                }
                self.early.push(early);
                continue;
            }
            let name = self.short_name(ix);
            let before = self.data.desk.mine(ix).filter(|state| state.is_decided());
            if let Some(choice) = before.and_then(|state: &State| state.decision) {
                let text = format!("{name} was {} before: it stays so", choice.past());
                self.status.say(Tone::Warning, text);
                continue;
            }
            self.set_down(early.choice, &[(ix, early.seen)], early.secs, effects);
            done = Some((ix, format!("{} {name}", early.choice.past())));
        }
        if !unknown.is_empty() {
            effects.push(Effect::Hash(unknown));
        }
        if let Some((ix, text)) = done {
            // nobody is taken from a record that was gone to meanwhile
            if self.record() == Some(ix) && self.overlays.is_empty() {
                self.resumes = None;
                let _all_are_decided = self.advance(effects);
            }
            self.status.pass(Tone::Success, text);
        }
    }

    /// Decisions that were made early and are not done yet, in words.
    pub(super) fn early_words(&self) -> impl Iterator<Item = String> {
        let words = |early: &Early| format!("{}: {}", early.choice.past(), self.name(early.ix));
        self.early.iter().map(words)
    }
}
