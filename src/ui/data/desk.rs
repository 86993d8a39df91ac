//! The reviewer's desk: what was decided, what is being saved, what is selected, and how fast it goes.
//!
//! The ledger is changed here at once, when the key is pressed; the lines it was changed by are handed out, to be saved
//! by somebody who may block. Knows records by their place and, as soon as their content was hashed, by their hash;
//! what is decided before that waits for it.

mod bulk;
mod reading;
mod waiting;

use std::collections::BTreeSet;
use std::collections::HashMap;
use std::collections::HashSet;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use crate::model::ContentHash;
use crate::model::RecordIx;
use crate::model::Text;
use crate::review::Change;
use crate::review::Choice;
use crate::review::Event;
use crate::review::Ledger;
use crate::review::Line;
use crate::review::Mask;
use crate::review::Moment;
use crate::review::Place;
use crate::review::Scribe;
use crate::review::State;
use crate::review::queue::Queue;
use crate::store::Entry;
use crate::ui::data::Rows;
use crate::ui::data::desk::bulk::Bulks;
use crate::ui::data::desk::waiting::Waiting;

pub use crate::ui::data::desk::bulk::Act;
pub use crate::ui::data::desk::bulk::Part;
pub use crate::ui::data::desk::reading::Hashes;
pub use crate::ui::data::desk::reading::Heard;
use crate::ui::data::desk::reading::Owners;
pub use crate::ui::data::desk::reading::Reading;

/// How the desk was set up.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DeskOptions {
    /// The reviewer's name.
    pub reviewer: String,
    /// What the digits after a reject mean, the first for `1`.
    pub reasons: Vec<String>,
    /// Hide what filters and others say until one has decided.
    pub is_blind: bool,
    /// The queues of the settings.
    pub queues: Vec<Queue>,
}

/// Whether what was decided is on the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Saving {
    /// Nothing was decided yet.
    Idle,
    /// On the way to the disk.
    Saving,
    /// On the disk.
    Saved,
    /// Not on the disk, and why; it is tried again.
    Failed(String),
}

/// Why nothing can be decided now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Closed {
    /// The journals are being read.
    Reading,
    /// Somebody else writes the journal, or it cannot be written at all.
    ReadOnly(String),
}

/// What is to be done to a record.
#[derive(Debug, Clone, PartialEq)]
pub struct Deed {
    /// The record.
    pub ix: RecordIx,
    /// Its id.
    pub id: String,
    /// Its file.
    pub path: Arc<Path>,
    /// The member inside an archive.
    pub member: Option<Arc<str>>,
    /// Its place in its source, from 0.
    pub row: usize,
    /// What to do.
    pub change: Change,
}

/// The journals, as they were read.
#[derive(Debug)]
pub struct Journals {
    /// All decisions.
    pub ledger: Ledger,
    /// Where they are written and read.
    pub place: Arc<Place>,
    /// Why none can be written, where that is so.
    pub read_only: Option<String>,
    /// The files that were found so far with their whole paths: asking the disk is not for a key press.
    pub wholes: HashMap<Arc<Path>, PathBuf>,
}

/// What people say of a record, as the list and its queues need it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Voices {
    /// This reviewer.
    pub mine: Option<State>,
    /// The others, by name.
    pub others: Vec<(Text, State)>,
    /// Somebody decided on what this record was before it was made anew.
    pub is_stale: bool,
}

/// Decisions a session has seen, for the pace.
#[derive(Debug)]
struct Session {
    /// The record that is looked at, and since when.
    on: Option<(RecordIx, Instant)>,
    /// When somebody last pressed a key.
    touched: Instant,
    /// Seconds of work, pauses left out.
    worked: Duration,
    decided: usize,
}

/// The desk.
#[derive(Debug)]
pub struct Desk {
    options: DeskOptions,
    ledger: Ledger,
    /// `None` until the journals were read.
    place: Option<Arc<Place>>,
    closed: Option<Closed>,
    scribe: Scribe,
    hashes: Hashes,
    owners: Owners,
    /// Records with a decision of this reviewer.
    decided: usize,
    /// All lines of this session, oldest first: journals that are read meanwhile may lack them.
    lines: Vec<Arc<[Line]>>,
    /// How many lines are not on the disk.
    unsaved: usize,
    trouble: Option<String>,
    has_saved: bool,
    /// Actions whose records are not hashed yet, oldest first.
    waiting: Waiting,
    /// Actions on many records that are not done yet; they come behind those that wait.
    bulks: Bulks,
    /// Files with their whole paths.
    wholes: HashMap<Arc<Path>, PathBuf>,
    /// What was wrong with the journals and has been told.
    told: HashSet<String>,
    /// The record whose reject a digit gives a reason to.
    rejected: Vec<RecordIx>,
    /// A reason was given; another digit gives another one.
    is_reasoned: bool,
    selection: BTreeSet<RecordIx>,
    /// Records whose decisions were on other content.
    stale: BTreeSet<RecordIx>,
    session: Session,
}

impl Desk {
    /// Longer without a key is a pause, not work.
    const PAUSE: Duration = Duration::from_mins(2);
    /// Before this a pace says nothing.
    const PACED: Duration = Duration::from_mins(1);

    /// A desk whose journals are not read yet.
    pub fn new(options: DeskOptions) -> Self {
        let ledger = Ledger::default();
        Self {
            scribe: Scribe::new(&options.reviewer, &ledger),
            options,
            ledger,
            place: None,
            closed: Some(Closed::Reading),
            hashes: Hashes::default(),
            owners: Owners::default(),
            decided: 0,
            lines: Vec::new(),
            unsaved: 0,
            trouble: None,
            has_saved: false,
            waiting: Waiting::default(),
            bulks: Bulks::default(),
            wholes: HashMap::new(),
            told: HashSet::new(),
            rejected: Vec::new(),
            is_reasoned: false,
            selection: BTreeSet::new(),
            stale: BTreeSet::new(),
            session: Session {
                on: None,
                touched: Instant::now(),
                worked: Duration::ZERO,
                decided: 0,
            },
        }
    }

    /// What the journals are to be read for.
    pub fn reading(&self, rows: &Rows, is_again: bool) -> Reading {
        Reading {
            is_again,
            rows: rows.with(self.hashes.clone()),
            lines: self.lines.clone(),
            me: self.options.reviewer.as_str().into(),
        }
    }

    /// Takes the journals that were read, for the first time or again, and what was heard of the records that were known
    /// then. Returns the records of which more is known by now, and the ledger of before.
    pub fn open(&mut self, journals: Journals, heard: &mut Heard) -> (BTreeSet<RecordIx>, Ledger) {
        let Journals {
            ledger,
            place,
            read_only,
            wholes,
        } = journals;
        let before = std::mem::replace(&mut self.ledger, ledger);
        self.wholes = wholes;
        self.place = Some(Arc::clone(&place));
        self.closed = read_only.map(Closed::ReadOnly);
        self.stale = std::mem::take(&mut heard.stale);
        self.decided = heard.decided;
        let mut newer: BTreeSet<RecordIx> = BTreeSet::new();
        for ix in self.hashes.changed_since(&heard.hashes) {
            let is_decided = |hash: Option<ContentHash>| {
                hash.is_some_and(|hash| self.ledger.is_decided(hash, &self.options.reviewer))
            };
            self.decided += usize::from(is_decided(self.hash(ix)));
            self.decided -= usize::from(is_decided(heard.hashes.get(ix).copied()));
            self.stale.remove(&ix);
            newer.insert(ix);
        }
        // what was decided while they were read is not in them, or not for certain; twice counts once
        let batches: Vec<Arc<[Line]>> = self.lines.iter().skip(heard.batches).cloned().collect();
        for lines in batches {
            self.take_into_ledger(&lines, &place);
            for hash in lines.iter().flat_map(|line| self.touched(line)) {
                newer.extend(self.records_of(hash));
            }
        }
        self.scribe.go_on_behind(&self.ledger);
        (newer, before)
    }

    /// The reviewer's name.
    pub fn reviewer(&self) -> &str {
        &self.options.reviewer
    }

    /// Where decisions go; `None` until the journals were read.
    pub fn place(&self) -> Option<&Place> {
        self.place.as_deref()
    }

    /// What the digits after a reject mean.
    pub fn reasons(&self) -> &[String] {
        &self.options.reasons
    }

    /// The queues of the settings.
    pub fn queues(&self) -> &[Queue] {
        &self.options.queues
    }

    /// All journals.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Why nothing can be decided now; `None` when it can.
    pub fn closed(&self) -> Option<&Closed> {
        self.closed.as_ref()
    }

    /// Whether what filters and others say of this record is to be hidden.
    pub fn hides(&self, ix: RecordIx) -> bool {
        self.options.is_blind && !self.is_decided(ix)
    }

    /// Whether what filters and others say is hidden until one has decided.
    pub fn is_blind(&self) -> bool {
        self.options.is_blind
    }

    /// Turns the blind mode on or off; returns which.
    pub fn toggle_blind(&mut self) -> bool {
        self.options.is_blind = !self.options.is_blind;
        self.options.is_blind
    }

    /// Takes note of a record's content, once more where it changed.
    pub fn learn(&mut self, ix: RecordIx, hash: ContentHash) {
        if self.hash(ix) == Some(hash) {
            return;
        }
        self.forget(ix);
        self.hashes.set(ix, Some(hash));
        self.owners.add(ix, hash, &self.hashes);
        self.waiting.learn(ix);
        self.decided += usize::from(self.ledger.is_decided(hash, &self.options.reviewer));
    }

    /// Forgets the content of a record that changed.
    pub fn forget(&mut self, ix: RecordIx) {
        let Some(old) = self.hash(ix) else {
            return;
        };
        self.owners.remove(ix, old, &self.hashes);
        self.hashes.set(ix, None);
        self.stale.remove(&ix);
        self.waiting.forget(ix);
        self.decided -= usize::from(self.ledger.is_decided(old, &self.options.reviewer));
    }

    /// The contents of the records, as far as they are known.
    pub fn hashes(&self) -> &Hashes {
        &self.hashes
    }

    /// The content of a record, where it is known.
    pub fn hash(&self, ix: RecordIx) -> Option<ContentHash> {
        self.hashes.get(ix).copied()
    }

    /// What this reviewer says of a record.
    pub fn mine(&self, ix: RecordIx) -> Option<&State> {
        self.ledger.state(self.hash(ix)?, &self.options.reviewer)
    }

    /// What the other reviewers say of a record, by name.
    pub fn others(&self, ix: RecordIx) -> Vec<(&Text, &State)> {
        let Some(hash) = self.hash(ix) else {
            return Vec::new();
        };
        let states = self.ledger.states(hash);
        states
            .filter(|(name, _)| name.as_ref() != self.options.reviewer)
            .collect()
    }

    /// Whether nobody said anything yet.
    pub fn is_silent(&self) -> bool {
        self.ledger.reviewers().is_empty()
    }

    /// What people say of a record; `None` where nobody says anything.
    pub fn voices(&self, ix: RecordIx) -> Option<Arc<Voices>> {
        let hash = self.hash(ix)?;
        let is_stale = self.stale.contains(&ix);
        voices_of(&self.ledger, &self.options.reviewer, hash, is_stale)
    }

    /// The records whose content is known.
    pub fn known(&self) -> impl Iterator<Item = RecordIx> {
        self.hashes.known().map(|(ix, _)| ix)
    }

    /// The records that were decided on before they were made anew, as far as that was seen.
    pub fn stale(&self) -> Vec<RecordIx> {
        self.stale.iter().copied().collect()
    }

    /// What is wrong with the journals and was not told before.
    pub fn news(&mut self) -> Vec<String> {
        let troubles = self.ledger.troubles().iter().map(ToString::to_string);
        troubles
            .filter(|text| self.told.insert(text.clone()))
            .collect()
    }

    /// Whether somebody decided on what this record was before it was made anew.
    pub fn is_stale(&self, ix: RecordIx) -> bool {
        self.stale.contains(&ix)
    }

    /// Looks whether somebody decided on what a record was before it was made anew; returns whether that is so.
    pub fn check_stale(&mut self, ix: RecordIx, id: &str, at: &Entry) -> bool {
        let (Some(hash), Some(place)) = (self.hash(ix), &self.place) else {
            return false;
        };
        let is_present = |hash| self.owners.of(hash, &self.hashes).next().is_some();
        let is_stale = is_stale_in(
            (&self.ledger, place, &self.wholes),
            (hash, id, at),
            is_present,
        );
        if is_stale {
            self.stale.insert(ix);
        } else {
            self.stale.remove(&ix);
        }
        is_stale
    }

    /// Whether this reviewer decided a record; what waits for its hash counts.
    pub fn is_decided(&self, ix: RecordIx) -> bool {
        self.mine(ix).is_some_and(State::is_decided)
            || self.waiting.decides(ix)
            || self.bulks.decides(ix)
    }

    /// How many records this reviewer decided, of those whose content is known.
    pub fn decided(&self) -> usize {
        self.decided
    }

    /// Whether what was decided is on the disk.
    pub fn saving(&self) -> Saving {
        match &self.trouble {
            Some(why) => Saving::Failed(why.clone()),
            None if self.unsaved > 0 || self.is_waiting() => Saving::Saving,
            None if self.has_saved => Saving::Saved,
            None => Saving::Idle,
        }
    }

    /// Does something to records, undone as one with everything done `at` the same moment. Returns the lines to save, and
    /// the records that have to be hashed before anything can be done.
    pub fn act(&mut self, deeds: Vec<Deed>, at: Option<Moment>) -> (Vec<Line>, Vec<RecordIx>) {
        let ixs = deeds.iter().map(|deed| deed.ix);
        let unknown: HashSet<RecordIx> = ixs.filter(|ix| self.hash(*ix).is_none()).collect();
        // one after the other: what is undone must be what was done last
        if unknown.is_empty() && self.waiting.is_empty() {
            return (self.write(deeds, at), Vec::new());
        }
        let mut wanted: Vec<RecordIx> = unknown.iter().copied().collect();
        wanted.sort_unstable();
        self.waiting.push(deeds, unknown, at);
        (Vec::new(), wanted)
    }

    /// Takes an action that is done a part at a time, by [`Desk::next_part`].
    pub fn plan(&mut self, act: Act) {
        self.bulks.push(act);
    }

    /// The next records of what was planned, for [`Desk::act`].
    pub fn next_part(&mut self, most: usize) -> Option<Part> {
        let scribe = &mut self.scribe;
        self.bulks.next(most, || scribe.begin(Moment::now()))
    }

    /// Whether something that was planned is not done yet.
    pub fn has_plans(&self) -> bool {
        !self.bulks.is_empty()
    }

    /// Does what waited for hashes that are known now; returns the lines to save.
    pub fn catch_up(&mut self) -> Vec<Line> {
        let mut lines = Vec::new();
        while let Some((deeds, at)) = self.waiting.pop_ready() {
            lines.extend(self.write(deeds, at));
        }
        lines
    }

    /// Whether actions are not done yet, for one because the content of their records is not known.
    pub fn is_waiting(&self) -> bool {
        !self.waiting.is_empty() || self.has_plans()
    }

    /// The records that actions wait for.
    pub fn missing(&self) -> Vec<RecordIx> {
        self.waiting.missing().collect()
    }

    /// What waits, in words.
    pub fn waiting_words(&self) -> Vec<String> {
        let mut words = self.waiting.words();
        words.extend(self.bulks.words());
        words
    }

    /// Gives up what waits for a record that cannot be read; returns how many decisions and other changes that were.
    pub fn give_up(&mut self, ix: RecordIx) -> usize {
        self.waiting.give_up(ix).len()
    }

    fn write(&mut self, deeds: Vec<Deed>, at: Option<Moment>) -> Vec<Line> {
        let Some(place) = self.place.clone() else {
            return Vec::new();
        };
        let at = at.unwrap_or_else(|| self.scribe.begin(Moment::now()));
        let changes = deeds.into_iter().filter_map(|deed| {
            let hash = self.hash(deed.ix)?;
            let member = deed.member.as_deref();
            let whole = self
                .wholes
                .get(&deed.path)
                .map_or(&*deed.path, PathBuf::as_path);
            let record = place.record_at(hash, &deed.id, whole, member, deed.row);
            Some((record, deed.change))
        });
        let lines = self.scribe.changes_at(at, changes);
        self.take_in(&lines);
        lines
    }

    /// Takes back the last action, of which only a part may be done, and what it gave a reason to with it. Returns the
    /// lines to save, `None` when there is nothing to take back.
    pub fn undo(&mut self) -> Option<Vec<Line>> {
        let mut lines = Vec::new();
        let mut is_reason = true;
        let mut has_undone = false;
        while is_reason
            && let Some(begun) = self.bulks.pop_last().or_else(|| self.waiting.pop_last())
        {
            has_undone = true;
            is_reason = begun.is_reason;
            if let Some(at) = begun.at {
                self.waiting.drop_parts(at);
                if self.ledger.undoable(&self.options.reviewer) == Some(at) {
                    lines.extend(self.undo_last());
                }
            }
        }
        if is_reason {
            let mut before = self.ledger.undoable(&self.options.reviewer);
            let mut reason = None;
            while let Some(moment) = before
                && reason.is_none_or(|reason| self.adds_reason(moment, reason))
            {
                has_undone = true;
                lines.extend(self.undo_last());
                reason = Some(moment);
                before = self.ledger.undoable(&self.options.reviewer);
            }
        }
        has_undone.then_some(lines)
    }

    fn undo_last(&mut self) -> Option<Line> {
        let moment = self.ledger.undoable(&self.options.reviewer)?;
        let line = self.scribe.undo(Moment::now(), moment);
        self.take_in(std::slice::from_ref(&line));
        Some(line)
    }

    /// Does again what was taken back last, with the reasons that were given to it.
    pub fn redo(&mut self) -> Option<Vec<Line>> {
        let mut lines = Vec::new();
        let mut done: Option<Moment> = None;
        while let Some(moment) = self.ledger.redoable(&self.options.reviewer)
            && done.is_none_or(|done| self.adds_reason(done, moment))
        {
            let line = self.scribe.redo(Moment::now(), moment);
            self.take_in(std::slice::from_ref(&line));
            lines.push(line);
            done = Some(moment);
        }
        done.map(|_| lines)
    }

    fn adds_reason(&self, to: Moment, reason: Moment) -> bool {
        let reviewer = &self.options.reviewer;
        self.ledger.adds_reason(reviewer, to, reason)
    }

    fn take_in(&mut self, lines: &[Line]) {
        let Some(place) = self.place.clone() else {
            return;
        };
        self.take_into_ledger(lines, &place);
        self.unsaved += lines.len();
        self.lines.push(lines.into());
    }

    fn take_into_ledger(&mut self, lines: &[Line], place: &Place) {
        for line in lines {
            let touched = self.touched(line);
            let before = self.count(&touched);
            self.ledger.apply(line, place);
            self.decided = self.decided + self.count(&touched) - before;
        }
    }

    /// The contents that a line is about.
    pub fn touched(&self, line: &Line) -> Vec<ContentHash> {
        match &line.event {
            Event::Change { record, .. } => vec![record.sha256],
            Event::Undo(moment) | Event::Redo(moment) => {
                let records = self.ledger.changed_at(&self.options.reviewer, *moment);
                records.into_iter().map(|record| record.sha256).collect()
            }
        }
    }

    /// The records of a content, as far as contents are known.
    pub fn records_of(&self, hash: ContentHash) -> impl Iterator<Item = RecordIx> {
        self.owners.of(hash, &self.hashes)
    }

    fn count(&self, hashes: &[ContentHash]) -> usize {
        let reviewer = &self.options.reviewer;
        let decided = hashes
            .iter()
            .filter(|hash| self.ledger.is_decided(**hash, reviewer));
        decided.map(|hash| self.records_of(*hash).count()).sum()
    }

    /// So many lines reached the disk.
    pub fn saved(&mut self, lines: usize) {
        self.unsaved = self.unsaved.saturating_sub(lines);
        self.has_saved = true;
        self.trouble = None;
    }

    /// Lines did not reach the disk; they are tried again.
    pub fn not_saved(&mut self, why: String) {
        self.trouble = Some(why);
    }

    /// Takes note that these were rejected just now: a digit gives the reason.
    pub fn await_reason(&mut self, ixs: Vec<RecordIx>) {
        self.rejected = ixs;
        self.is_reasoned = false;
    }

    /// Takes note that a digit gave the reason.
    pub fn reason_given(&mut self) {
        self.is_reasoned = true;
    }

    /// Whether something was rejected just now and has no reason yet.
    pub fn awaits_reason(&self) -> bool {
        !self.rejected.is_empty() && !self.is_reasoned
    }

    /// The records that a digit gives a reason to.
    pub fn rejected(&self) -> &[RecordIx] {
        &self.rejected
    }

    /// The selected records.
    pub fn selection(&self) -> &BTreeSet<RecordIx> {
        &self.selection
    }

    /// Selects a record, or no longer.
    pub fn toggle_selected(&mut self, ix: RecordIx) {
        if !self.selection.remove(&ix) {
            self.selection.insert(ix);
        }
    }

    /// Selects records.
    pub fn select(&mut self, ixs: impl IntoIterator<Item = RecordIx>) {
        self.selection.extend(ixs);
    }

    /// Selects nothing; returns whether anything was selected.
    pub fn clear_selection(&mut self) -> bool {
        let had = !self.selection.is_empty();
        self.selection.clear();
        had
    }

    /// A key was pressed while this record is looked at.
    pub fn look_at(&mut self, ix: Option<RecordIx>, now: Instant) {
        let gap = now.duration_since(self.session.touched);
        if gap < Self::PAUSE {
            self.session.worked += gap;
        } else if let Some((_, since)) = &mut self.session.on {
            // a pause does not count for the record either
            *since += gap;
        }
        self.session.touched = now;
        if self.session.on.map(|(on, _)| on) != ix {
            self.session.on = ix.map(|ix| (ix, now));
        }
    }

    /// Seconds that were spent on a record since it was first looked at or last decided; begins anew.
    pub fn take_secs(&mut self, ix: RecordIx, now: Instant) -> f64 {
        match &mut self.session.on {
            Some((on, since)) if *on == ix => {
                let secs = now.duration_since(*since).as_secs_f64();
                *since = now;
                // tenths tell enough
                (secs * 10.0).round() / 10.0
            }
            _ => 0.0,
        }
    }

    /// Counts decisions for the pace.
    pub fn count_decisions(&mut self, decisions: usize) {
        self.session.decided += decisions;
    }

    /// Decisions an hour in this session; `None` in its first minute.
    pub fn pace(&self) -> Option<f64> {
        let hours = self.session.worked.as_secs_f64() / 3600.0;
        let count = u32::try_from(self.session.decided).ok()?;
        (count > 0 && self.session.worked >= Self::PACED).then(|| f64::from(count) / hours)
    }

    /// The mask that this reviewer gave a step.
    pub fn mask(&self, ix: RecordIx, step: usize) -> Option<Mask> {
        self.mine(ix)?.masks.get(&step).copied()
    }

    /// The choice of this reviewer.
    pub fn choice(&self, ix: RecordIx) -> Option<Choice> {
        self.mine(ix)?.decision
    }
}

/// What people say of a content; `None` where nobody says anything.
fn voices_of(ledger: &Ledger, me: &str, hash: ContentHash, is_stale: bool) -> Option<Arc<Voices>> {
    let mut voices = Voices {
        is_stale,
        ..Voices::default()
    };
    for (name, state) in ledger.states(hash) {
        if name.as_ref() == me {
            voices.mine = Some(state.clone());
        } else {
            voices.others.push((name.clone(), state.clone()));
        }
    }
    (voices != Voices::default()).then(|| Arc::new(voices))
}

/// Whether somebody decided on what a record was before it was made anew.
fn is_stale_in(
    (ledger, place, wholes): (&Ledger, &Place, &HashMap<Arc<Path>, PathBuf>),
    (hash, id, at): (ContentHash, &str, &Entry),
    is_present: impl Fn(ContentHash) -> bool,
) -> bool {
    if ledger.states(hash).next().is_some() || !ledger.knows_id(id) {
        return false;
    }
    let whole = wholes.get(&at.path).map_or(&*at.path, PathBuf::as_path);
    let record = place.record_at(hash, id, whole, at.member.as_deref(), at.row);
    let found = ledger.stale(&record, place, false, is_present);
    found.iter().any(|stale| stale.state.is_decided())
}

#[cfg(test)]
mod tests;
